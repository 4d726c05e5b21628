// SPDX-License-Identifier: Apache-2.0
#include "ketpk/individual.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "ketpk/library.hpp"
#include "sub_anaesthetic.hpp"

using namespace ketpk;
using fixture::patient;
using fixture::refusal;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

CardParameter volume(std::string name, double L) { return {std::move(name), {L, unit::L}, 0, "fixture"}; }
CardParameter flow(std::string name, double L_per_min) {
  return {std::move(name), {L_per_min, unit::L_per_min}, 0, "fixture"};
}
CardParameter constant(std::string name, double per_min) {
  return {std::move(name), {per_min, unit::per_min}, 0, "fixture"};
}

ModelCard card(std::vector<CardParameter> parameters) {
  return {.id = "fixture",
          .label = {},
          .citation = {},
          .doi = {},
          .analytes = {Analyte::racemic_ketamine},
          .parameters = std::move(parameters)};
}

std::string refused(std::vector<CardParameter> parameters) {
  return refusal([&] { (void)individual(card(std::move(parameters)), patient(70)); });
}

Patient aged(double yr, double kg = 70) {
  Patient p = patient(kg);
  p.age = Age(yr, unit::yr);
  return p;
}

std::string admission_refused(std::string_view model, const Patient& p, Analyte analyte, Allowances allowances = {}) {
  return refusal([&] { (void)admit(library::find(model), p, analyte, allowances); });
}

}  // namespace

TEST_CASE("rate constants become the clearances and volumes they stand for") {
  // V1 10 L, k10 0.2, k12 0.3, k21 0.1, k13 0.05, k31 0.01: CL 2, Q2 3, V2 30, Q3 0.5 L/min, V3 50 L.
  const auto p = individual(card({volume("V1", 10), constant("k10", 0.2), constant("k12", 0.3), constant("k21", 0.1),
                                  constant("k13", 0.05), constant("k31", 0.01)}),
                            patient(70));
  CHECK(p.cl_L_per_min == Approx(2));
  CHECK(p.q2_L_per_min == Approx(3));
  CHECK(p.v2_L == Approx(30));
  CHECK(p.q3_L_per_min == Approx(0.5));
  CHECK(p.v3_L == Approx(50));
}

TEST_CASE("one, two and three compartments follow from which flows there are; the third needs no second") {
  const auto one = individual(card({volume("V1", 10), flow("CL", 1)}), patient(70));
  CHECK(one.q2_L_per_min == 0);
  CHECK(one.q3_L_per_min == 0);
  const auto third = individual(card({volume("V1", 10), flow("CL", 1), flow("Q3", 2), volume("V3", 40)}), patient(70));
  CHECK(third.q2_L_per_min == 0);
  CHECK(third.q3_L_per_min == 2);
  CHECK(third.v3_L == 40);
  const auto none =
      individual(card({volume("V1", 10), flow("CL", 1), constant("k12", 0), constant("k21", 0.1)}), patient(70));
  CHECK(none.q2_L_per_min == 0);
}

TEST_CASE("a card that is not one complete model is refused by the parameter's name") {
  CHECK(refused({flow("CL", 1)}) == "E_MODEL_PARAM V1");
  CHECK(refused({volume("V1", 10)}) == "E_MODEL_PARAM CL");
  CHECK(refused({volume("V1", 10), flow("CL", 1), flow("Q2", 1)}) == "E_MODEL_PARAM V2");
  CHECK(refused({volume("V1", 10), flow("CL", 1), volume("V2", 1)}) == "E_MODEL_PARAM Q2");
  CHECK(refused({volume("V1", 10), flow("CL", 1), volume("V3", 1)}) == "E_MODEL_PARAM Q3");
  CHECK(refused({volume("V1", 10), flow("CL", 1), constant("k12", 1)}) == "E_MODEL_PARAM k21");
  CHECK(refused({volume("V1", 10), flow("CL", 1), constant("k31", 1)}) == "E_MODEL_PARAM k13");
  CHECK(refused({volume("V1", 10), flow("CL", 1), constant("k10", 1)}) == "E_MODEL_PARAM k10");
  CHECK(refused({volume("V1", 10), flow("CL", 1), volume("V1", 10)}) == "E_MODEL_PARAM V1");
  CHECK(refused({volume("V1", 10), flow("CL", 1), flow("Q4", 1)}) == "E_MODEL_PARAM Q4");
  CHECK(refused({volume("V1", 10), flow("CL", 1), flow("Q2", 1), volume("V2", 5), constant("k12", 1),
                 constant("k21", 1)}) == "E_MODEL_PARAM k12");
}

TEST_CASE("a parameter that is zero, negative or no number is refused by its own name") {
  CHECK(refused({volume("V1", 0), flow("CL", 1)}) == "E_MODEL_PARAM V1");
  CHECK(refused({volume("V1", 10), flow("CL", 0)}) == "E_MODEL_PARAM CL");
  CHECK(refused({volume("V1", not_a_number), flow("CL", 1)}) == "E_MODEL_PARAM V1");
  CHECK(refused({volume("V1", 10), flow("CL", not_a_number)}) == "E_MODEL_PARAM CL");
  CHECK(refused({volume("V1", 10), flow("CL", 1), constant("k12", 1), constant("k21", -0.1)}) == "E_MODEL_PARAM k21");
  CHECK(refused({volume("V1", 10), flow("CL", 1), flow("Q2", -1), volume("V2", 5)}) == "E_MODEL_PARAM Q2");
  CHECK(refused({volume("V1", 10), flow("CL", 1), flow("Q2", not_a_number), volume("V2", 5)}) == "E_MODEL_PARAM Q2");
  CHECK(refused({volume("V1", 1e308), constant("k10", 1e10)}) == "E_MODEL_PARAM CL");
}

TEST_CASE("a unit that cannot be meant is refused, and so is an exponent beside a value per kg") {
  CHECK(refused({flow("V1", 10), flow("CL", 1)}) == "E_UNIT_MISMATCH V1");
  CHECK(refused({volume("V1", 10), volume("CL", 1)}) == "E_UNIT_MISMATCH CL");
  CHECK(refused({volume("V1", 10), flow("k10", 1)}) == "E_UNIT_MISMATCH k10");
  CHECK(refused({{"V1", {0.5, unit::L_per_kg}, 1, "fixture"}, flow("CL", 1)}) == "E_MODEL_PARAM V1");
}

TEST_CASE("values per kg count the actual weight, never the dosing weight") {
  const auto per_kg =
      card({{"V1", {0.5, unit::L_per_kg}, 0, "fixture"}, {"CL", {20, unit::mL_per_min_per_kg}, 0, "fixture"}});
  Patient p = patient(80);
  p.dosing_weight = Stated<dim::body>(60, unit::kg);
  CHECK(individual(per_kg, p).v1_L == Approx(40));
  CHECK(individual(per_kg, p).cl_L_per_min == Approx(1.6));
}

TEST_CASE("an effect-site constant needs a source") {
  ModelCard with = card({volume("V1", 10), flow("CL", 1)});
  with.ke0 = constant("ke0", 0.2);
  CHECK(individual(with, patient(70)).ke0_per_min == 0.2);
  with.ke0->source.clear();
  CHECK(refusal([&] { (void)individual(with, patient(70)); }) == "E_MODEL_PARAM ke0");
  with.ke0 = constant("ke0", not_a_number);
  CHECK(refusal([&] { (void)individual(with, patient(70)); }) == "E_MODEL_PARAM ke0");
}

TEST_CASE("a metabolite has one or two compartments of its own and is refused by its place") {
  ModelCard with = card({volume("V1", 10), flow("CL", 1)});
  with.metabolites = {
      {.name = "m", .fraction = 0.5, .parameters = {volume("V1", 20), flow("CL", 2)}, .source = "fixture"}};
  const auto p = individual(with, patient(70));
  CHECK(p.metabolites[0].v1_L == 20);
  CHECK(p.metabolites[0].q2_L_per_min == 0);
  const auto refused_with = [&](auto change) {
    ModelCard changed = with;
    change(changed.metabolites[0]);
    return refusal([&] { (void)individual(changed, patient(70)); });
  };
  CHECK(refused_with([](CardMetabolite& m) { m.parameters.pop_back(); }) == "E_MODEL_PARAM metabolites[0].CL");
  CHECK(refused_with([](CardMetabolite& m) { m.parameters.push_back(flow("Q3", 1)); }) ==
        "E_MODEL_PARAM metabolites[0].Q3");
  CHECK(refused_with([](CardMetabolite& m) { m.fraction = 1.2; }) == "E_MODEL_PARAM metabolites[0].fraction");
  CHECK(refused_with([](CardMetabolite& m) { m.fraction = not_a_number; }) == "E_MODEL_PARAM metabolites[0].fraction");
}

TEST_CASE("a patient who cannot be is refused before any parameter is scaled") {
  const ModelCard kamp = library::find("kamp2020");
  CHECK(refusal([&] { (void)individual(kamp, patient(not_a_number)); }) == "E_NONFINITE patient.weight");
  CHECK(refusal([&] { (void)individual(kamp, patient(1e308)); }) == "E_RANGE patient.weight");
  CHECK(refusal([&] { (void)admit(kamp, aged(not_a_number), Analyte::racemic_ketamine, {}); }) ==
        "E_NONFINITE patient.age");
}

TEST_CASE("a model refuses an analyte it does not speak of") {
  CHECK(admission_refused("kamp2020", patient(70), Analyte::s_ketamine) == "E_MODEL_ANALYTE analyte");
  CHECK(admission_refused("kamp2020", patient(70), Analyte::s_ketamine, {.assume_enantiomers_alike = true}) ==
        "E_MODEL_ANALYTE analyte");
  CHECK(admission_refused("otto2021", aged(30), Analyte::r_ketamine, {.assume_enantiomers_alike = true}) ==
        "E_MODEL_ANALYTE analyte");
  CHECK(admission_refused("otto2021", aged(30), Analyte::racemic_ketamine) == "E_MODEL_ANALYTE analyte");
  CHECK(admission_refused("kamp2020", patient(70), Analyte::unstated) == "E_MODEL_ANALYTE analyte");
  CHECK(admission_refused("kamp2020", patient(70), Analyte::racemic_ketamine).empty());
  CHECK(admission_refused("otto2021", aged(30), Analyte::s_ketamine).empty());
}

TEST_CASE("an S-model runs a racemic order only when the enantiomers are assumed alike, and says so") {
  const auto a =
      admit(library::find("otto2021"), aged(30), Analyte::racemic_ketamine, {.assume_enantiomers_alike = true});
  CHECK(a.enantiomers_assumed_alike);
  CHECK_FALSE(admit(library::find("otto2021"), aged(30), Analyte::s_ketamine, {.assume_enantiomers_alike = true})
                  .enantiomers_assumed_alike);
}

TEST_CASE("the bounds of a domain are inside it; beyond them the model refuses") {
  const auto herd = [](double yr, double kg) {
    return admission_refused("herd2007", aged(yr, kg), Analyte::racemic_ketamine);
  };
  CHECK(herd(1, 10.8).empty());
  CHECK(herd(14, 74.8).empty());
  CHECK(herd(14 * (1 + 0.9e-9), 30).empty());
  CHECK(herd(14.000001, 30) == "E_MODEL_DOMAIN patient.age");
  CHECK(herd(0.999999, 30) == "E_MODEL_DOMAIN patient.age");
  CHECK(herd(8, 74.80001) == "E_MODEL_DOMAIN patient.weight");
  CHECK(herd(8, 10.79999) == "E_MODEL_DOMAIN patient.weight");
}

TEST_CASE("extrapolation lists every crossed bound") {
  const auto a = admit(library::find("herd2007"), aged(42, 90), Analyte::racemic_ketamine, {.extrapolate = true});
  CHECK(a.domain_stated);
  CHECK(a.crossed == std::vector<std::string>{"age 42 yr above 14 yr", "weight 90 kg above 74.8 kg"});
  CHECK(a.missing.empty());
}

TEST_CASE("a covariate that a stated domain needs and that is not given is named as missing, once") {
  const auto a = admit(library::find("herd2007"), patient(30), Analyte::racemic_ketamine, {});
  CHECK(a.missing == std::vector<std::string>{"age"});
  CHECK(a.crossed.empty());
}

TEST_CASE("a model without a stated domain crosses and misses nothing") {
  const auto a = admit(library::find("kamp2020"), patient(300), Analyte::racemic_ketamine, {});
  CHECK_FALSE(a.domain_stated);
  CHECK(a.crossed.empty());
  CHECK(a.missing.empty());
}

TEST_CASE("a refusal repeats no value of the patient") {
  try {
    (void)admit(library::find("herd2007"), aged(43.75, 70), Analyte::racemic_ketamine, {});
    FAIL("admitted");
  } catch (const InvalidInput& e) {
    CHECK(std::string(e.what()).find("43.75") == std::string::npos);
    CHECK(e.message.find("accepted:") != std::string::npos);
  }
}
