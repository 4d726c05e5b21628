// SPDX-License-Identifier: Apache-2.0
#include "ketpk/library.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "../src/model_file.hpp"
#include "catch.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/io.hpp"
#include "ketpk/model.hpp"
#include "ketpk/trajectory.hpp"
#include "sub_anaesthetic.hpp"

using namespace ketpk;
using Json = nlohmann::ordered_json;

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

/// The cells of a table of the folder golden, without its comments and its first line.
std::vector<std::vector<std::string>> cells_of(const std::string& name, std::size_t columns) {
  std::ifstream file(KETPK_SOURCE_DIR "/tests/golden/" + name);
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#' || line.rfind("model,", 0) == 0) continue;
    std::vector<std::string> cells;
    std::stringstream text(line + ",");
    for (std::string cell; std::getline(text, cell, ',');) cells.push_back(cell);
    REQUIRE(cells.size() == columns);
    rows.push_back(std::move(cells));
  }
  return rows;
}

/// Half a unit of the last digit of a number as printed.
double half_a_unit(const std::string& printed) {
  const std::size_t dot = printed.find('.');
  return 0.5 * std::pow(10.0, dot == std::string::npos ? 0.0 : -static_cast<double>(printed.size() - dot - 1));
}

/// A number of the second transcription.
struct Row2 {
  double value;
  std::string unit, exponent, printed;
};

/// Half a milligram per kg over 40 min by the road that an order takes, whether or not the card admits anybody; of what
/// a card looks at beside the weight: 40 yr, not Asian.
struct Exposed {
  OrderTrajectory course;
  Exposure exposure;

  [[nodiscard]] double ng_per_mL(Micros t, Curve c) const {
    return 1000 * std::visit([&](const auto& each) { return each.value(t, c); }, course);
  }
};

Exposed exposed(const ModelCard& card, double kg) {
  std::vector<double> covariates;
  for (const std::string& name : covariates_of(card)) {
    REQUIRE((name == "WT" || name == "AGE" || name == "RACE_ASIAN"));
    covariates.push_back(name == "WT" ? kg : name == "AGE" ? 40 : 0);
  }
  const Whom whom{individual(card, covariates), compartments_of(card), places_of(card)};
  const Regimen half_a_milligram{{{Micros{0}, std::chrono::minutes{40}, kg / 2, kg / 80}}, BodyMass(kg, unit::kg)};
  auto solved = trajectory_of(whom, half_a_milligram);
  if (const auto* trouble = std::get_if<Trouble>(&solved)) FAIL(trouble->message);
  OrderTrajectory course = std::get<0>(std::move(solved));
  Exposure e = std::visit([](const auto& each) { return exposure(each, courses_of(each)); }, course);
  return {std::move(course), std::move(e)};
}

/// Where in a model file a number, or a number with its unit, stands without a source: of its own where it is a
/// parameter's value or an effect of a covariate, otherwise of what it stands in.
std::vector<std::string> without_source(const Json& file) {
  static const std::regex number("-?[0-9.]+([eE][+-]?[0-9]+)?( ?[A-Za-z1][A-Za-z0-9/]*)?");
  // What says where data files get their units is a convention, and the reference weight belongs to the parameters.
  static const std::set<std::string> free_text{"schema",      "id",         "label",         "citation",
                                               "doi",         "population", "uncertainties", "corroboration",
                                               "not_for_use", "statement",  "source",        "reference_weight",
                                               "data_units"};
  std::vector<std::string> missed;
  const auto look = [&](const auto& self, const Json& node, bool has_source, const std::string& path) -> void {
    if (node.is_object()) {
      const bool own = node.contains("source") && !node["source"].template get<std::string>().empty();
      const bool needs_own = node.contains("value") || node.contains("covariate") || node.contains("only_for");
      const bool has = own || (has_source && !needs_own);
      if (node.contains("only_for") && !own) missed.push_back(path);
      for (const auto& [key, value] : node.items())
        if (free_text.count(key) == 0) self(self, value, has, path + '.' + key);
    } else if (node.is_array()) {
      for (std::size_t i = 0; i < node.size(); ++i)
        self(self, node[i], has_source, path + '[' + std::to_string(i) + ']');
    } else if (!has_source &&
               (node.is_number() || (node.is_string() && std::regex_match(node.template get<std::string>(), number)))) {
      missed.push_back(path);
    }
  };
  look(look, file, false, "model");
  return missed;
}

/// Where the sources of a model file stand.
std::vector<Json::json_pointer> sources(const Json& file) {
  std::vector<Json::json_pointer> all;
  const Json flat = file.flatten();
  for (const auto& [path, value] : flat.items())
    if (path.ends_with("/source")) all.emplace_back(path);
  return all;
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

TEST_CASE("the library holds thirteen models and names them when asked for another") {
  std::vector<std::string> ids;
  for (const ModelCard& card : library::cards()) ids.push_back(card.id);
  CHECK(ids == std::vector<std::string>{"kamp2020", "kamp2020-linear", "otto2021", "domino1984", "clements1981",
                                        "herd2007", "simons2022", "perezruixo2021", "elkomy2015", "hijazi2003",
                                        "sherwin2015", "hornik2018", "flint2017"});
  for (const std::string& id : ids) CHECK(library::find(id).id == id);
  try {
    (void)library::find("white1985");
    FAIL("an unknown model was found");
  } catch (const InvalidInput& e) {
    CHECK(e.code == Code::model_unknown);
    CHECK(e.field == "model");
    for (const std::string& id : ids) CHECK(e.message.find(id) != std::string::npos);
    CHECK(e.message.find("white1985") == std::string::npos);
  }
}

TEST_CASE("every card says where it was published and seen, how sure it is, and what is uncertain about it") {
  for (const ModelCard& card : library::cards()) {
    INFO(card.id);
    CHECK_FALSE(card.label.empty());
    CHECK_FALSE(card.citation.empty());
    CHECK_FALSE(card.doi.empty());
    CHECK_FALSE(card.population.empty());
    CHECK_FALSE(card.corroboration.empty());
    CHECK(card.confidence != Confidence::not_stated);
    CHECK_FALSE(card.analytes.empty());
    CHECK_FALSE(card.uncertainties.empty());
    CHECK(card.reference_weight_kg == 70);
    CHECK_FALSE(card.ke0.has_value());
    CHECK(card.domain.is_stated() == (card.domain.statement != "not-stated"));
    for (const std::string& sentence : card.uncertainties) CHECK(sentence.back() == '.');
    CHECK(card.goldens.size() >= 3);
  }
}

TEST_CASE("every number of every card has a source, and where any source is taken away it is missed") {
  for (const ModelCard& card : library::cards()) {
    INFO(card.id);
    const Json file = Json::parse(io::write_model(card));
    CHECK(without_source(file).empty());
    const auto all = sources(file);
    CHECK(all.size() >= card.parameters.size() + card.goldens.size());
    for (const auto& at : all) {
      INFO(at.to_string());
      CHECK(file[at].get<std::string>().size() > 20);
      Json bare = file;
      bare[at.parent_pointer()].erase("source");
      CHECK_FALSE(without_source(bare).empty());
    }
  }
}

TEST_CASE("a number of any other kind would be missed without a source too") {
  const Json file = Json::parse(R"({"id": "x", "effect_site": {"ke0": {"value": "0.1 1/min"}},
    "absorption": [{"name": "gut", "ka": {"value": "1 1/h"}}], "entries": {"gut": {"F": {"value": 0.2}}},
    "effects": [{"name": "e", "ec50": "1 ng/mL"}], "something_new": {"number": 3}})");
  CHECK(without_source(file).size() == 5);
}

TEST_CASE("a sampling site stands on a card only where its source was seen to state it") {
  const std::map<std::string, Site> stated{{"kamp2020", Site::arterial},
                                           {"kamp2020-linear", Site::arterial},
                                           {"otto2021", Site::venous},
                                           {"simons2022", Site::arterial}};
  for (const ModelCard& card : library::cards()) {
    INFO(card.id);
    const auto at = stated.find(card.id);
    CHECK(card.site == (at == stated.end() ? Site::not_stated : at->second));
  }
}

TEST_CASE("a card speaks of S-ketamine or of the racemate, never of both") {
  const std::set<std::string> s_models{"otto2021", "simons2022", "perezruixo2021", "flint2017"};
  for (const ModelCard& card : library::cards()) {
    INFO(card.id);
    const auto expected = s_models.count(card.id) > 0 ? Analyte::s_ketamine : Analyte::racemic_ketamine;
    CHECK(card.analytes == std::vector<Analyte>{expected});
  }
}

TEST_CASE(
    "two models are for comparison only, whatever is allowed, and two are for people nobody can be placed among") {
  for (const ModelCard& card : library::cards()) {
    INFO(card.id);
    const bool refused_for_all = card.id == "hornik2018" || card.id == "flint2017";
    const bool for_some = card.id == "hijazi2003" || card.id == "sherwin2015";
    CHECK(card.not_for_use.empty() != refused_for_all);
    CHECK(card.domain.only_for.empty() != for_some);
    Patient child = fixture::patient(20);
    child.age = Age(6, unit::yr);
    const auto refused = [&](Allowances allowed) {
      return fixture::refusal([&] { (void)admit(card, child, card.analytes.front(), allowed); });
    };
    const std::string all = refused({.extrapolate = true, .assume_enantiomers_alike = true});
    CHECK(all == (refused_for_all ? "E_MODEL_DOMAIN model" : ""));
    if (for_some) CHECK(refused({}) == "E_MODEL_DOMAIN patient");
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

TEST_CASE("what the literature review prints for each model comes out to half a unit of the last digit, all of it") {
  const auto rows = cells_of("literature_table.csv", 10);
  REQUIRE(rows.size() == 25);
  std::set<std::string> seen;
  for (const auto& row : rows) {
    INFO(row[0] << " at " << row[1] << " kg");
    seen.insert(row[0]);
    const double kg = parse_number(row[1], "weight");
    const ModelCard card = library::find(row[0]);
    const Exposed course = exposed(card, kg);
    std::array<double, 8> ours{};
    constexpr std::array<int, 6> at{40, 60, 100, 120, 160, 240};
    for (std::size_t i = 0; i < at.size(); ++i)
      ours[i] = course.ng_per_mL(std::chrono::minutes{at[i]}, Curve::plasma());
    ours[6] = course.exposure.auc_inf_ng_h_per_mL;
    ours[7] = course.exposure.terminal_half_life_min / 60;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      const std::string& printed = row[i + 2];
      INFO("column " << i << ", printed " << printed << ", ours " << ours[i]);
      if (!printed.empty())
        CHECK(std::abs(ours[i] - parse_number(printed, "printed")) <= half_a_unit(printed) * (1 + 1e-9));
    }
  }
  CHECK(seen.size() == library::shelf.size());
}

TEST_CASE("metabolites come out as an independent integration of the whole cascade gives them") {
  // Matrix exponential of the cascade in SciPy, confirmed to 1e-10 by DOP853 at rtol 1e-13; 35 mg over 40 min, 70 kg.
  const Exposed simons = exposed(library::find("simons2022"), 70);
  const auto at = [](const Exposed& e, int minute, std::size_t k) {
    return e.ng_per_mL(std::chrono::minutes{minute}, Curve::metabolite(k));
  };
  CHECK(simons.ng_per_mL(std::chrono::minutes{600}, Curve::plasma()) == Approx(5.47646148053).epsilon(1e-10));
  CHECK(at(simons, 40, 0) == Approx(68.8949888254).epsilon(1e-10));
  CHECK(at(simons, 60, 0) == Approx(75.8864511162).epsilon(1e-10));
  CHECK(at(simons, 600, 0) == Approx(16.7484446726).epsilon(1e-10));
  CHECK(at(simons, 60, 1) == Approx(29.5405928495).epsilon(1e-10));
  CHECK(at(simons, 600, 1) == Approx(16.8097879209).epsilon(1e-10));
  CHECK(simons.exposure.metabolites[0].peak.ng_per_mL == Approx(80.7582493921).epsilon(1e-9));
  CHECK(simons.exposure.metabolites[0].peak.min == Approx(50.9212493).epsilon(1e-6));
  CHECK(simons.exposure.metabolites[1].peak.ng_per_mL == Approx(29.5586026436).epsilon(1e-9));
  CHECK(simons.exposure.metabolites[1].peak.min == Approx(61.37283243).epsilon(1e-6));
  CHECK(simons.exposure.metabolites[0].auc_inf_ng_h_per_mL == Approx(439.125618699).epsilon(1e-11));
  CHECK(simons.exposure.metabolites[1].auc_inf_ng_h_per_mL == Approx(353.026430003).epsilon(1e-11));

  const Exposed perez = exposed(library::find("perezruixo2021"), 70);
  CHECK(perez.ng_per_mL(std::chrono::minutes{10}, Curve::plasma()) == Approx(40.8063042071).epsilon(1e-10));
  CHECK(perez.ng_per_mL(std::chrono::minutes{600}, Curve::plasma()) == Approx(5.63084866731).epsilon(1e-10));
  CHECK(at(perez, 40, 0) == Approx(26.9695093072).epsilon(1e-10));
  CHECK(at(perez, 600, 0) == Approx(21.1982843938).epsilon(1e-10));
  CHECK(perez.exposure.auc_inf_ng_h_per_mL == Approx(321.101134487).epsilon(1e-11));
  CHECK(perez.exposure.metabolites[0].peak.ng_per_mL == Approx(72.6270901901).epsilon(1e-9));
  CHECK(perez.exposure.metabolites[0].peak.min == Approx(105.0737707).epsilon(1e-6));
  CHECK(perez.exposure.metabolites[0].auc_inf_ng_h_per_mL == Approx(657.555615844).epsilon(1e-11));
}

TEST_CASE("Hijazi has the clearance, half-life and terminal volume of its abstract") {
  // 36.0 (SD 13.3) mL/min/kg, 4.9 (SD 1.6) h; and 15.4 L/kg of Vbeta, as the review derived, of 16.0 (SD 8.6)
  const auto p = typical("hijazi2003", 70);
  const double sum = 0.0333 + 0.0088 + 0.0030, slow = (sum - std::sqrt(sum * sum - 4 * 0.0333 * 0.0030)) / 2;
  CHECK(1000 * p.cl_L_per_min / 70 == Approx(36.0).margin(0.05));
  CHECK(std::log(2) / slow / 60 == Approx(4.9).margin(0.05));
  CHECK(p.cl_L_per_min / 70 / slow == Approx(15.4).margin(0.05));
}

TEST_CASE("Perez-Ruixo's liver gets less blood with each year above 60, and eliminates as the paper says of race") {
  const auto of = [](double yr, double asian) {
    const std::array<double, 2> covariates{yr, asian};
    return individual(library::find("perezruixo2021"), covariates).parameters;
  };
  CHECK(60 * of(18, 0).liver->q_L_per_min == Approx(151).epsilon(1e-14));
  CHECK(60 * of(60, 0).liver->q_L_per_min == Approx(151).epsilon(1e-14));
  CHECK(60 * of(61, 0).liver->q_L_per_min == Approx(148.81).epsilon(1e-14));
  CHECK(60 * of(86, 0).liver->q_L_per_min == Approx(151 - 2.19 * 26).epsilon(1e-14));
  CHECK(60 * of(40, 1).liver->kel_per_min == Approx(1.11 * 0.36).epsilon(1e-14));
  CHECK(60 * of(40, 1).liver->kmet_per_min == Approx(2.77).epsilon(1e-14));
  CHECK(60 * of(40, 1).metabolites[0].cl_L_per_min == Approx(38.0 * 0.81).epsilon(1e-14));
  // 109 L/h follows from the table's values at 40 yr, and not the abstract's 114
  CHECK(60 * linear_clearance(of(40, 0)) == Approx(109).margin(0.5));
}

TEST_CASE("a second transcription of every number of every card agrees, and neither has a number the other has not") {
  std::map<std::string, Row2> typed;
  for (const auto& cells : cells_of("model_parameters.csv", 6)) {
    const Row2 row{parse_number(cells[3], "value"), cells[4], cells[5], cells[3]};
    REQUIRE(typed.emplace(cells[0] + '|' + cells[1] + '|' + cells[2], row).second);
  }
  std::set<std::string> used;
  for (const ModelCard& card : library::cards()) {
    const auto take = [&](const std::string& system, const std::string& parameter) -> const Row2& {
      const std::string key = card.id + '|' + system + '|' + parameter;
      INFO(key);
      REQUIRE(typed.count(key) == 1);
      used.insert(key);
      return typed.at(key);
    };
    const auto quantity = [&](const std::string& system, const CardParameter& p) {
      const Row2& row = take(system, p.name);
      INFO(card.id << ' ' << system << ' ' << p.name);
      CHECK(row.value == p.value.number());
      CHECK(row.unit == p.value.unit().name);
      const bool is_per_kg = p.value.unit().dimension.body != 0 || p.name[0] == 'k';
      CHECK((row.exponent.empty() ? 0.0 : parse_number(row.exponent, "exponent")) == p.weight_exponent);
      if (!is_per_kg) CHECK_FALSE(row.exponent.empty());
      for (const CovariateEffect& e : p.covariates) {
        if (e.form == CovariateForm::added_above) {
          const Row2& effect = take(system, p.name + '~' + e.covariate + " added above " + to_text(e.reference));
          CHECK(effect.value == e.coefficient);
          CHECK(effect.unit == p.value.unit().name);
          continue;
        }
        REQUIRE(e.form == CovariateForm::levels);
        for (const CovariateLevel& level : e.levels)
          CHECK(take(system, p.name + '~' + e.covariate + " is " + to_text(level.is)).value == level.factor);
      }
    };
    for (const CardParameter& p : card.parameters) quantity("parent", p);
    CHECK(take("parent", "reference_weight").value == card.reference_weight_kg);
    for (const CardMetabolite& m : card.metabolites) {
      for (const CardParameter& p : m.parameters) quantity(m.name, p);
      const Row2& fraction = take(m.name, "fraction");
      double mg_per_mg = fraction.value;
      if (fraction.unit == "mol")
        mg_per_mg *= take(m.name, "molar_mass").value / take(m.from.empty() ? "parent" : m.from, "molar_mass").value;
      CHECK(m.fraction == Approx(mg_per_mg).epsilon(1e-14));
      if (!m.delay) continue;
      CHECK(take(m.name, "transits").value == static_cast<double>(m.delay->transits));
      quantity(m.name, m.delay->mtt);
    }
    const auto bound = [&](const std::string& name, const std::optional<double>& x) {
      if (x) CHECK(take("domain", name).value == *x);
    };
    bound("age_low", card.domain.age_low_yr);
    bound("age_high", card.domain.age_high_yr);
    bound("weight_low", card.domain.weight_low_kg);
    bound("weight_high", card.domain.weight_high_kg);
    if (const auto& v = card.variability) {
      const std::size_t n = v->parameters.size();
      const auto variance = [](const Row2& row) {
        return row.unit == "cv%" ? std::log(1 + row.value / 100 * row.value / 100) : row.value;
      };
      for (std::size_t i = 0; i < n; ++i) {
        const Row2& own = take("omega", v->parameters[i]);
        CHECK(v->omega[i * n + i] == Approx(variance(own)).epsilon(1e-14));
        for (std::size_t j = i + 1; j < n; ++j) {
          CHECK(v->omega[i * n + j] == v->omega[j * n + i]);
          if (v->omega[i * n + j] == 0) continue;
          const Row2& together = take("omega", v->parameters[i] + ':' + v->parameters[j]);
          const double both = std::sqrt(variance(own) * variance(take("omega", v->parameters[j])));
          CHECK(v->omega[i * n + j] ==
                Approx(together.unit == "correlation" ? together.value * both : together.value).epsilon(1e-14));
        }
      }
    }
    if (const auto& e = card.residual_error) {
      const Row2& row = take("residual", "proportional");
      CHECK(e->additive_variance_mg2_per_L2 == 0);
      if (row.unit == "variance")
        CHECK(e->proportional_variance == row.value);
      else
        // A root taken by somebody else: Otto's 0.055736 stands there as 0.23609, one of its last digit off.
        CHECK(std::abs(std::sqrt(e->proportional_variance) - row.value) <= 2 * half_a_unit(row.printed));
    }
  }
  for (const auto& [key, row] : typed) {
    INFO(key);
    CHECK(used.count(key) == 1);
  }
}
