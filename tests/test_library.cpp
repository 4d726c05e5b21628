// SPDX-License-Identifier: Apache-2.0
#include "ketpk/library.hpp"

#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/model.hpp"
#include "sub_anaesthetic.hpp"

using namespace ketpk;

namespace {

constexpr std::array<double, 4> weights_kg{45, 70, 100, 130};

Parameters<double> typical(std::string_view id, double kg) {
  return individual(library::find(id), fixture::patient(kg));
}

/// Plasma at whole minutes, by fixed-step Runge-Kutta of fourth order on the textbook equations: a road of its
/// own beside both solvers of the library.
std::vector<double> plasma_ng_per_mL(const Parameters<double>& p, double mg, int over_min, int until_min) {
  const Mammillary model(p);
  const std::size_t n = model.size();
  std::vector<double> x(n, 0.0), k1(n), k2(n), k3(n), k4(n), y(n), curve{0.0};
  constexpr int steps = 200;
  const double h = 1.0 / steps;
  const auto at = [&](const std::vector<double>& k, double f) {
    for (std::size_t i = 0; i < n; ++i) y[i] = x[i] + f * k[i];
    return std::span<const double>(y);
  };
  for (int minute = 0; minute < until_min; ++minute) {
    const double rate = minute < over_min ? mg / over_min : 0.0;
    for (int s = 0; s < steps; ++s) {
      model.slopes(x, rate, k1);
      model.slopes(at(k1, h / 2), rate, k2);
      model.slopes(at(k2, h / 2), rate, k3);
      model.slopes(at(k3, h), rate, k4);
      for (std::size_t i = 0; i < n; ++i) x[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
    }
    curve.push_back(1000 * model.value(x, Curve::plasma()));
  }
  return curve;
}

struct Row {
  std::string model;
  double weight_kg;
  std::array<std::string, 4> published;  ///< at 40, 60, 120 min [ng/mL], area [ng h/mL]
};

std::vector<Row> published_rows() {
  std::ifstream file(KETPK_SOURCE_DIR "/tests/golden/typical.csv");
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#' || line.rfind("model,", 0) == 0) continue;
    std::vector<std::string> cells;
    std::stringstream text(line + ",");
    for (std::string cell; std::getline(text, cell, ',');) cells.push_back(cell);
    REQUIRE(cells.size() == 6);
    rows.push_back({cells[0], parse_number(cells[1], "weight"), {cells[2], cells[3], cells[4], cells[5]}});
  }
  return rows;
}

}  // namespace

TEST_CASE("the library holds the six models and names them when asked for another") {
  std::vector<std::string> ids;
  for (const ModelCard& card : library::cards()) ids.push_back(card.id);
  CHECK(ids ==
        std::vector<std::string>{"kamp2020", "kamp2020-linear", "otto2021", "domino1984", "clements1981", "herd2007"});
  for (const std::string& id : ids) CHECK(library::find(id).id == id);
  try {
    (void)library::find("hornik2018");
    FAIL("an unknown model was found");
  } catch (const InvalidInput& e) {
    CHECK(e.code == Code::model_unknown);
    CHECK(e.field == "model");
    for (const std::string& id : ids) CHECK(e.message.find(id) != std::string::npos);
    CHECK(e.message.find("hornik2018") == std::string::npos);
  }
}

TEST_CASE("every number of every card has a source, and every card says what is uncertain about it") {
  for (const ModelCard& card : library::cards()) {
    INFO(card.id);
    CHECK_FALSE(card.label.empty());
    CHECK_FALSE(card.citation.empty());
    CHECK_FALSE(card.doi.empty());
    CHECK_FALSE(card.population.empty());
    CHECK_FALSE(card.corroboration.empty());
    CHECK_FALSE(card.analytes.empty());
    CHECK_FALSE(card.uncertainties.empty());
    CHECK(card.reference_weight_kg == 70);
    CHECK_FALSE(card.ke0.has_value());
    CHECK(card.domain.is_stated() == (card.domain.statement != "not-stated"));
    if (card.domain.is_stated()) CHECK_FALSE(card.domain.source.empty());
    for (const std::string& sentence : card.uncertainties) CHECK(sentence.back() == '.');
    for (const CardParameter& p : card.parameters) CHECK(p.source.size() > 20);
    for (const CardMetabolite& m : card.metabolites) {
      CHECK_FALSE(m.source.empty());
      for (const CardParameter& p : m.parameters) CHECK(p.source.size() > 20);
    }
  }
}

TEST_CASE("a sampling site stands on a card only where its source was seen to state it") {
  const std::map<std::string, Site> sites{{"kamp2020", Site::arterial},       {"kamp2020-linear", Site::arterial},
                                          {"otto2021", Site::venous},         {"domino1984", Site::not_stated},
                                          {"clements1981", Site::not_stated}, {"herd2007", Site::not_stated}};
  for (const ModelCard& card : library::cards()) CHECK(card.site == sites.at(card.id));
}

TEST_CASE("only the S-ketamine model speaks of S-ketamine") {
  for (const ModelCard& card : library::cards()) {
    const auto expected = card.id == "otto2021" ? Analyte::s_ketamine : Analyte::racemic_ketamine;
    CHECK(card.analytes == std::vector<Analyte>{expected});
  }
}

TEST_CASE("Domino at 70 kg has the volumes and clearances that stanpumpR's unit tests pin") {
  // stanpumpR tests/testthat/test-drugs-ketamine.R
  const auto p = typical("domino1984", 70);
  CHECK(p.v1_L == Approx(4.41).epsilon(1e-12));
  CHECK(p.v2_L == Approx(10.56972).epsilon(1e-6));
  CHECK(p.v3_L == Approx(178.2123).epsilon(1e-6));
  CHECK(p.cl_L_per_min == Approx(1.93158).epsilon(1e-12));
  CHECK(p.q2_L_per_min == Approx(2.61072).epsilon(1e-12));
  CHECK(p.q3_L_per_min == Approx(2.6019).epsilon(1e-12));
}

TEST_CASE("Domino keeps its rate constants at every weight, which the paper's set fixes") {
  for (const double kg : weights_kg) {
    const auto p = typical("domino1984", kg);
    CHECK(p.v1_L == Approx(0.063 * kg).epsilon(1e-12));
    CHECK(p.cl_L_per_min / p.v1_L == Approx(0.438).epsilon(1e-12));
    CHECK(p.q2_L_per_min / p.v1_L == Approx(0.592).epsilon(1e-12));
    CHECK(p.q2_L_per_min / p.v2_L == Approx(0.247).epsilon(1e-12));
    CHECK(p.q3_L_per_min / p.v1_L == Approx(0.590).epsilon(1e-12));
    CHECK(p.q3_L_per_min / p.v3_L == Approx(0.0146).epsilon(1e-12));
  }
}

TEST_CASE("Clements has the published clearance of 19.1 mL/min/kg, Vss of 4.13 L/kg and half-life of 3.05 h") {
  for (const double kg : weights_kg) {
    const auto p = typical("clements1981", kg);
    CHECK(1000 * p.cl_L_per_min / kg == Approx(19.1).margin(0.05));
    CHECK((p.v1_L + p.v2_L) / kg == Approx(4.13).margin(0.005));
    CHECK(p.q3_L_per_min == 0);
    // slower root of x^2 - (k10 + k12 + k21) x + k10 k21
    const double sum = 0.0109 + 0.0186 + 0.0137, slow = (sum - std::sqrt(sum * sum - 4 * 0.0109 * 0.0137)) / 2;
    CHECK(std::log(2) / slow / 60 == Approx(3.05).margin(0.005));
  }
}

TEST_CASE("Kamp at 70 kg is the transcribed table, with Vss 238 L and CL 84 L/h") {
  for (const auto* id : {"kamp2020", "kamp2020-linear"}) {
    const auto p = typical(id, 70);
    CHECK(p.v1_L == 25);
    CHECK(p.v2_L == 56);
    CHECK(p.v3_L == 157);
    CHECK(60 * p.cl_L_per_min == Approx(84).epsilon(1e-15));
    CHECK(60 * p.q2_L_per_min == Approx(161).epsilon(1e-15));
    CHECK(60 * p.q3_L_per_min == Approx(79).epsilon(1e-15));
    // Meta-analysis of 18 studies in the paper's abstract: volume 252 L (200-304), clearance 79 L/h (69-90) per 70 kg.
    const double vss = p.v1_L + p.v2_L + p.v3_L;
    CHECK((vss > 200 && vss < 304));
    CHECK((60 * p.cl_L_per_min > 69 && 60 * p.cl_L_per_min < 90));
  }
}

TEST_CASE("Kamp's two cards differ in the weight exponent of the flows alone") {
  for (const double kg : weights_kg) {
    const auto three_quarters = typical("kamp2020", kg), linear = typical("kamp2020-linear", kg);
    CHECK(three_quarters.v1_L == Approx(25 * kg / 70).epsilon(1e-14));
    CHECK(three_quarters.v3_L == linear.v3_L);
    CHECK(linear.cl_L_per_min == Approx(1.4 * kg / 70).epsilon(1e-14));
    // x^0.75 as the square root of x times its fourth root
    const double ratio = std::sqrt(kg / 70) * std::sqrt(std::sqrt(kg / 70));
    CHECK(three_quarters.cl_L_per_min == Approx(1.4 * ratio).epsilon(1e-14));
    CHECK(three_quarters.q2_L_per_min == Approx(161.0 / 60 * ratio).epsilon(1e-14));
    CHECK(three_quarters.q3_L_per_min == Approx(79.0 / 60 * ratio).epsilon(1e-14));
  }
}

TEST_CASE("Otto scales V1 and CL of parent and metabolite and leaves the periphery as it is") {
  for (const double kg : weights_kg) {
    const auto p = typical("otto2021", kg);
    const double ratio = std::sqrt(kg / 70) * std::sqrt(std::sqrt(kg / 70));
    CHECK(p.v1_L == Approx(133 * kg / 70).epsilon(1e-14));
    CHECK(60 * p.cl_L_per_min == Approx(95.2 * ratio).epsilon(1e-14));
    CHECK(p.v2_L == 187);
    CHECK(p.v3_L == 98.8);
    CHECK(60 * p.q2_L_per_min == Approx(23.2).epsilon(1e-14));
    CHECK(60 * p.q3_L_per_min == Approx(157).epsilon(1e-14));
    REQUIRE(p.metabolites.size() == 1);
    const auto& m = p.metabolites[0];
    CHECK(m.fraction == 1);
    CHECK(m.v1_L == Approx(98.638 * kg / 70).epsilon(1e-14));
    CHECK(60 * m.cl_L_per_min == Approx(57.72 * ratio).epsilon(1e-14));
    CHECK(m.v2_L == 160.04);
    CHECK(60 * m.q2_L_per_min == Approx(42.778).epsilon(1e-14));
  }
  CHECK(library::find("otto2021").metabolites[0].name == "s-norketamine");
  CHECK(library::find("otto2021").metabolites[0].apparent);
}

TEST_CASE("Herd has the terminal half-life of 1.34 h that follows from its abstract") {
  const auto p = typical("herd2007", 70);
  const double k10 = 90.0 / 38.7, k12 = 215 / 38.7, k21 = 215.0 / 102, sum = k10 + k12 + k21;
  CHECK(60 * p.cl_L_per_min / p.v1_L == Approx(k10).epsilon(1e-14));
  CHECK(60 * p.q2_L_per_min / p.v2_L == Approx(k21).epsilon(1e-14));
  CHECK(std::log(2) / ((sum - std::sqrt(sum * sum - 4 * k10 * k21)) / 2) == Approx(1.34).margin(0.005));
  CHECK(typical("herd2007", 20).v1_L == Approx(38.7 * 20 / 70).epsilon(1e-14));
}

TEST_CASE("half a milligram per kg over 40 min gives the published concentrations and areas") {
  const auto rows = published_rows();
  REQUIRE(rows.size() == 14);
  for (const Row& row : rows) {
    INFO(row.model << " at " << row.weight_kg << " kg");
    const auto p = typical(row.model, row.weight_kg);
    const double mg = 0.5 * row.weight_kg;
    const auto curve = plasma_ng_per_mL(p, mg, 40, 120);
    const std::array<double, 4> ours{curve[40], curve[60], curve[120], 1000 * mg / (60 * p.cl_L_per_min)};
    for (std::size_t i = 0; i < ours.size(); ++i)
      if (!row.published[i].empty()) CHECK(ours[i] == Approx(parse_number(row.published[i], "published")).margin(0.5));
  }
}
