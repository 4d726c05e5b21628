// SPDX-License-Identifier: Apache-2.0

// Facts about the roads a cohort can take: where two of them lead to the same place, they meet there.

#include <catch2/catch.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/library.hpp"
#include "ketpk/population.hpp"
#include "ketpk/simulate.hpp"

namespace {

using namespace ketpk;
using namespace std::chrono_literals;

Request request_of(const ModelCard& card) {
  Order order;
  order.analyte = Analyte::racemic_ketamine;
  order.form = Form::base;
  order.initial_state = InitialState::drug_free;
  order.inputs = {Infuse{StatedDose(0.5, unit::mg_per_kg, "infuse"), 40min}};
  Request each{.patient = {.weight = Stated<dim::body>(70, unit::kg, "weight")}, .order = order, .model = card};
  each.allowances = {.extrapolate = true, .assume_enantiomers_alike = true};
  each.observe = {.every = 5min, .until = 240min};
  return each;
}

DrawnPeople adults() {
  DrawnPeople people;
  people.all.covariates = {{"weight", Lognormal{75, 0.198, 40, 150}}};
  return people;
}

/// Two compartments whose elimination saturates.
ModelCard saturable_card() {
  ModelCard card = library::find("domino1984");
  card.variability.reset();
  card.metabolites.clear();
  card.parameters = {{"V1", StatedParameter(0.063, unit::L_per_kg, "V1"), 0, "test"},
                     {"k12", StatedParameter(0.592, unit::per_min, "k12"), 0, "test"},
                     {"k21", StatedParameter(0.247, unit::per_min, "k21"), 0, "test"},
                     {"Vmax", StatedParameter(0.00828, unit::mg_per_kg_per_min, "Vmax"), 0, "test"},
                     {"Km", StatedParameter(0.3, unit::mg_per_L, "Km"), 0, "test"}};
  card.variability = Variability{{"Vmax", "V1"}, {0.09, 0.02, 0.02, 0.09}, "test"};
  return card;
}

Cohort cohort_of(const CohortRequest& asked, CohortRun run = {}) {
  return std::get<Cohort>(simulate_cohort(asked, run));
}

TEST_CASE("a saturable cohort in lanes is the one that is solved subject by subject, to the tolerance it states") {
  CohortRequest asked{.each = request_of(saturable_card()), .population = adults(), .seed = 11, .subjects = 300};
  asked.keeps_subjects = true;
  const Cohort lanes = cohort_of(asked);
  REQUIRE(lanes.road == "odeint");
  // A level that nobody reaches sends the same people down the other road.
  asked.each.time_above = {Stated<dim::concentration>(1e6, unit::ng_per_mL, "level")};
  const Cohort alone = cohort_of(asked);
  REQUIRE(alone.road == "network");
  REQUIRE(lanes.ok == 300);
  REQUIRE(alone.ok == 300);
  for (std::size_t i = 0; i < 300; ++i) {
    INFO("subject " << i);
    CHECK(lanes.subjects[i].parameters == alone.subjects[i].parameters);
    for (std::size_t k = 0; k < 3; ++k)
      CHECK(lanes.subjects[i].summaries[k] == Approx(alone.subjects[i].summaries[k]).epsilon(3e-6));
  }
  for (std::size_t p = 0; p < asked.percentiles.size(); ++p)
    for (std::size_t t = 0; t < lanes.time.size(); ++t)
      CHECK(lanes.percentile_ng_per_mL[p][t] == Approx(alone.percentile_ng_per_mL[p][t]).epsilon(1e-5).margin(1e-5));
}

TEST_CASE("profiles of a saturable cohort are the numbers that its percentiles are taken of") {
  const CohortRequest asked{.each = request_of(saturable_card()),
                            .population = adults(),
                            .seed = 3,
                            .subjects = 301,
                            .percentiles = {0, 100}};
  const Cohort counted = cohort_of(asked);
  const std::size_t instants = counted.time.size();
  std::vector<double> rows(301 * instants);
  for (const unsigned threads : {1U, 3U}) {
    const Profiles written = std::get<Profiles>(write_profiles(asked, rows, {.threads = threads}));
    CHECK(written.ok == 301);
    for (std::size_t t = 0; t < instants; ++t) {
      double lowest = rows[t], highest = rows[t];
      for (std::size_t i = 0; i < 301; ++i) {
        lowest = std::min(lowest, rows[i * instants + t]);
        highest = std::max(highest, rows[i * instants + t]);
      }
      CHECK(lowest == counted.percentile_ng_per_mL[0][t]);
      CHECK(highest == counted.percentile_ng_per_mL[1][t]);
    }
  }
}

CohortRequest two_sessions(double kappa_variance) {
  Request each = request_of(library::find("kamp2020"));
  each.order.course = course_every(48h, 2);
  each.observe = {.at = {40min, 60min, 48h, 48h + 40min, 48h + 60min}};
  CohortRequest asked{.each = std::move(each), .population = adults(), .seed = 5, .subjects = 40};
  asked.keeps_subjects = true;
  asked.between_subjects = Variability{{"CL", "V1"}, {0.06, 0.01, 0.01, 0.05}, "test"};
  asked.between_occasions = Variability{{"CL", "V1"}, {kappa_variance, 0, 0, kappa_variance}, "test"};
  return asked;
}

TEST_CASE("occasions that do not differ are the exact course, by another road") {
  CohortRequest asked = two_sessions(0);
  const Cohort by_session = cohort_of(asked);
  REQUIRE(by_session.road == "network");
  asked.between_occasions.reset();
  const Cohort exact = cohort_of(asked);
  REQUIRE(exact.road == "exact");
  REQUIRE(by_session.ok == 40);
  for (std::size_t i = 0; i < 40; ++i)
    for (std::size_t k = 0; k < 3; ++k)
      CHECK(by_session.subjects[i].summaries[k] == Approx(exact.subjects[i].summaries[k]).epsilon(1e-8));
  for (std::size_t t = 0; t < exact.time.size(); ++t)
    CHECK(by_session.percentile_ng_per_mL[1][t] == Approx(exact.percentile_ng_per_mL[1][t]).epsilon(1e-8));
}

TEST_CASE("in the first session a subject is what kappa of it makes him, whatever comes later") {
  CohortRequest asked = two_sessions(0.09);
  const Cohort both = cohort_of(asked);
  asked.each.order.course = course_every(48h, 1);
  asked.each.observe = {.at = {40min, 60min}};
  const Cohort first = cohort_of(asked);
  REQUIRE(first.road == "exact");
  for (std::size_t i = 0; i < 40; ++i) CHECK(both.subjects[i].parameters == first.subjects[i].parameters);
  for (std::size_t t = 0; t < 2; ++t)
    CHECK(both.percentile_ng_per_mL[1][t] == Approx(first.percentile_ng_per_mL[1][t]).epsilon(1e-8));
  // Two draws of one spread: sessions differ within a subject.
  std::vector<double> rows(40 * 5);
  asked = two_sessions(0.09);
  REQUIRE(std::get<Profiles>(write_profiles(asked, rows)).ok == 40);
  int apart = 0;
  for (std::size_t i = 0; i < 40; ++i) apart += std::abs(rows[i * 5 + 3] / rows[i * 5] - 1) > 0.02;
  CHECK(apart > 30);
}

TEST_CASE("a metabolite's chain and a depot are followed one by one") {
  ModelCard card = library::find("kamp2020");
  CohortRequest asked{.each = request_of(card), .population = adults(), .seed = 2, .subjects = 5};
  asked.keeps_subjects = true;
  asked.between_subjects = BetweenSubjects::none;
  const Cohort exact = cohort_of(asked);
  REQUIRE(exact.road == "exact");
  // A lag of nothing says nothing, but only the network knows of lags.
  asked.each.model.entries = {
      {.compartment = "central", .lag = CardParameter{"lag", StatedParameter(0, unit::min, "lag"), 0, "test"}}};
  const Cohort network = cohort_of(asked);
  REQUIRE(network.road == "network");
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t k = 0; k < 3; ++k)
      CHECK(network.subjects[i].summaries[k] == Approx(exact.subjects[i].summaries[k]).epsilon(1e-8));
}

}  // namespace
