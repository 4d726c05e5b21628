// SPDX-License-Identifier: Apache-2.0

// Facts about what is told: the JSON is the contract's, numbers read back as the same bits (by another parser than
// ours), the CSV cannot run a formula, the card fits one screen. The result is made by hand, so nothing here depends
// on a solver.

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "ketpk/report.hpp"

namespace {

using namespace ketpk;
using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

/// 70 kg, 0.5 mg/kg over 40 min and 10 mg at 90 min, an invented model with everything in it.
Result made_by_hand() {
  ModelCard card{
      .id = "invented",
      .label = "an invented model",
      .citation = "Nobody A. A model for tests. J Tests 2026;1:1",
      .doi = "10.0000/none",
      .analytes = {Analyte::racemic_ketamine},
      .site = Site::venous,
      .population = "nobody",
      .domain = {.statement = "adults", .age_low_yr = 18.0, .source = "made up"},
      .uncertainties = {"All of it is invented."},
      .parameters = {{.name = "CL", .value = {84.0, unit::L_per_h}, .weight_exponent = 0.75, .source = "made up"},
                     {.name = "V1", .value = {25.0, unit::L}, .weight_exponent = 1, .source = "made up"}},
      .ke0 = CardParameter{.name = "ke0", .value = {0.2, unit::per_min}, .source = "made up"},
      .metabolites = {{.name = "norketamine",
                       .fraction = 0.9,
                       .parameters = {{.name = "V1", .value = {98.6, unit::L}, .source = "made up"},
                                      {.name = "CL", .value = {57.7, unit::L_per_h}, .source = "made up"}},
                       .source = "made up"}}};
  Limits limits{.id = "unit-test-limits",
                .version = "3",
                .status = LimitsStatus::example,
                .approver = "nobody",
                .effective = std::chrono::year{2026} / 1 / 1,
                .expires = std::chrono::year{2030} / 1 / 1,
                .limits = {{.id = "dose-per-weight",
                            .quantity = LimitQuantity::dose_per_weight,
                            .soft_low = StatedBound{0.1, unit::mg_per_kg},
                            .soft_high = StatedBound{0.5, unit::mg_per_kg},
                            .hard_high = StatedBound{1.0, unit::mg_per_kg},
                            .required = true,
                            .source = "made up"},
                           {.id = "above-level",
                            .quantity = LimitQuantity::time_above_level,
                            .hard_low = StatedBound{1.0, unit::min},
                            .required = false,
                            .source = "made up \"too\"",
                            .site = Site::venous,
                            .level = Stated<dim::concentration>{100.0, unit::ng_per_mL}}},
                .sha256 = std::string(64, 'a')};
  Request request{.patient = {.weight = {154.5, unit::lb},
                              .height = Stated<dim::length>{175.0, unit::cm},
                              .age = Age{42, unit::yr},
                              .sex = Sex::female},
                  .order = {.analyte = Analyte::racemic_ketamine,
                            .form = Form::base,
                            .initial_state = InitialState::drug_free,
                            .inputs = {Infuse{{0.5, unit::mg_per_kg}, 40min, 0min}, Bolus{{10.0, unit::mg}, 90min}}},
                  .model = std::move(card),
                  .limits = std::move(limits),
                  .as_of = std::chrono::year{2026} / 11 / 21,
                  .observe = {.every = 1min, .until = 4h},
                  .time_above = {{100.0, unit::ng_per_mL}, {5000.0, unit::ng_per_mL}},
                  .overrides = {{"DOSE_PER_WEIGHT_HIGH", "a \"quoted\" reason\nin two lines", "somebody"}}};
  const double weight_kg = 154.5 * 0.45359237;
  Flag high{.code = "DOSE_PER_WEIGHT_HIGH",
            .severity = Severity::soft,
            .quantity = "dose_per_weight",
            .value = "0.642691 mg/kg",
            .limit = "0.5 mg/kg",
            .limit_id = "dose-per-weight",
            .source = "made up"};
  high.margin_rel = 0.285382;
  high.driver = "the order as a whole";
  high.clears_at = "0.5 mg/kg in all";
  return Result{.inputs = request,
                .regimen = {.doses = {{0min, 40min, 0.5 * weight_kg, 0.5 * weight_kg / 40}, {90min, 0min, 10.0, 0.0}},
                            .dosing_weight = BodyMass{weight_kg, unit::kg}},
                .admission = {.crossed = {}, .missing = {}, .domain_stated = true},
                .check = {.second_solver = "odeint", .agreement_rel = 1.26e-11, .mass_balance_rel = 3e-16},
                .profile = {.time = {0min, 10min, 900000001us},
                            .plasma_ng_per_mL = {0.0, 0.1 + 0.2, 1.0 / 3.0},
                            .effect_site_ng_per_mL = {0.0, 5e-324, 1e22},
                            .metabolites = {{"norketamine", {0.0, 123456789.123, 1e-7}}},
                            .delivered_mg = {0.0, 8.75, 13.125},
                            .auc_ng_h_per_mL = {0.0, 1.5, 2.5}},
                .summary = {.plasma = {253.4567, 40.0},
                            .auc_inf_ng_h_per_mL = 536.1,
                            .delivered_mg = 45.04,
                            .terminal_half_life_min = 183.6,
                            .effect_site = Peak{200.5, 47.25},
                            .metabolites = {{{88.8, 130.5}, 700.25}}},
                .time_above = {{100.0, 58.25, 8.5}, {5000.0, 0.0, std::nullopt}},
                .assessment = {.verdict = {VerdictKind::soft},
                               .checks = {{"dose-per-weight", true, CheckOutcome::flagged, "0.642691 mg/kg"},
                                          {"age", false, CheckOutcome::unevaluated, "no age given"}},
                               .flags = {high},
                               .overrides = request.overrides}};
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

/// The contract's keys stand first and in its order; more may follow.
void require_keys(const Json& object, const std::vector<std::string>& contract) {
  std::vector<std::string> keys = keys_of(object);
  REQUIRE(keys.size() >= contract.size());
  keys.resize(contract.size());
  CHECK(keys == contract);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      lines.push_back(line);
      line.clear();
    } else {
      line += c;
    }
  }
  CHECK(line.empty());
  return lines;
}

std::size_t columns_of(const std::string& line) {
  std::size_t columns = 0;
  for (const char c : line) columns += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return columns;
}

}  // namespace

TEST_CASE("JSON results have exactly the contract's blocks, keys and order") {
  const Json json = Json::parse(to_json(made_by_hand(), "1.2.3"));
  CHECK(keys_of(json) == std::vector<std::string>{"schema", "ketpk", "inputs", "model", "profile", "summary",
                                                  "time_above", "assessment", "body_size"});
  CHECK(json["schema"] == "ketpk.result/1");
  CHECK(json["ketpk"]["version"] == "1.2.3");
  CHECK(keys_of(json["ketpk"]) ==
        std::vector<std::string>{"version", "solver", "second_solver", "agreement_rel", "mass_balance_rel"});
  require_keys(json["model"], {"id", "citation", "site", "analytes", "population", "extrapolated"});
  CHECK(keys_of(json["profile"]) == std::vector<std::string>{"time_us", "time_min", "plasma_ng_per_mL",
                                                             "effect_site_ng_per_mL", "metabolites", "delivered_mg",
                                                             "auc_ng_h_per_mL"});
  CHECK(keys_of(json["profile"]["metabolites"]) == std::vector<std::string>{"norketamine_ng_per_mL"});
  CHECK(keys_of(json["summary"]) == std::vector<std::string>{"cmax_ng_per_mL", "tmax_min", "auc_inf_ng_h_per_mL",
                                                             "delivered_mg", "terminal_half_life_min", "effect_site",
                                                             "metabolites"});
  CHECK(keys_of(json["summary"]["metabolites"]["norketamine"]) ==
        std::vector<std::string>{"cmax_ng_per_mL", "tmax_min", "auc_inf_ng_h_per_mL"});
  CHECK(keys_of(json["time_above"][0]) == std::vector<std::string>{"threshold_ng_per_mL", "minutes", "first_min"});
  CHECK(json["time_above"][1]["first_min"].is_null());
  CHECK(keys_of(json["assessment"]) ==
        std::vector<std::string>{"verdict", "basis", "limits", "checks", "flags", "overrides"});
  CHECK(keys_of(json["assessment"]["limits"]) == std::vector<std::string>{"id", "version", "status", "sha256"});
  CHECK(keys_of(json["assessment"]["checks"][0]) == std::vector<std::string>{"id", "required", "outcome", "why"});
  require_keys(json["assessment"]["flags"][0], {"code", "severity", "quantity", "value", "limit", "limit_id", "source",
                                                "margin_rel", "first_min", "minutes", "driver", "clears_at"});
  CHECK(json["assessment"]["verdict"] == "soft");
}

TEST_CASE("effect site and metabolites stand in the JSON and the CSV only where the model has them") {
  Result r = made_by_hand();
  r.inputs.model.ke0.reset();
  r.inputs.model.metabolites.clear();
  r.profile.effect_site_ng_per_mL.clear();
  r.profile.metabolites.clear();
  r.summary.effect_site.reset();
  r.summary.metabolites.clear();
  const Json json = Json::parse(to_json(r, "1"));
  CHECK(keys_of(json["profile"]) ==
        std::vector<std::string>{"time_us", "time_min", "plasma_ng_per_mL", "delivered_mg", "auc_ng_h_per_mL"});
  CHECK_FALSE(json["summary"].contains("effect_site"));
  CHECK_FALSE(json["summary"].contains("metabolites"));
  CHECK(lines_of(to_csv(r)).front() == "time_us,time_min,plasma_ng_per_mL,delivered_mg,auc_ng_h_per_mL");
}

TEST_CASE("every number in the JSON reads back as the same bits") {
  Result r = made_by_hand();
  std::mt19937_64 random(20261121);
  r.profile = {};
  while (r.profile.time.size() < 5000) {
    const auto x = std::bit_cast<double>(random());
    if (!std::isfinite(x)) continue;
    r.profile.time.emplace_back(static_cast<std::int64_t>(random() >> 19U));
    r.profile.plasma_ng_per_mL.push_back(x);
    r.profile.effect_site_ng_per_mL.push_back(-x);
    r.profile.delivered_mg.push_back(x / 3);
    r.profile.auc_ng_h_per_mL.push_back(0.1 * static_cast<double>(r.profile.time.size()));
  }
  r.profile.metabolites = {{"norketamine", r.profile.auc_ng_h_per_mL}};
  const Json json = Json::parse(to_json(r, "1"));
  for (std::size_t i = 0; i < r.profile.time.size(); ++i) {
    REQUIRE(json["profile"]["time_us"][i].is_number_integer());
    REQUIRE(json["profile"]["time_us"][i].get<std::int64_t>() == r.profile.time[i].count());
    REQUIRE(std::bit_cast<std::uint64_t>(json["profile"]["plasma_ng_per_mL"][i].get<double>()) ==
            std::bit_cast<std::uint64_t>(r.profile.plasma_ng_per_mL[i]));
    REQUIRE(json["profile"]["effect_site_ng_per_mL"][i].get<double>() == -r.profile.plasma_ng_per_mL[i]);
    REQUIRE(json["profile"]["delivered_mg"][i].get<double>() == r.profile.delivered_mg[i]);
  }
}

TEST_CASE("numbers are written in their shortest form") {
  const std::string json = to_json(made_by_hand(), "1");
  CHECK(json.find("\"plasma_ng_per_mL\": [0, 0.30000000000000004, 0.3333333333333333]") != std::string::npos);
  CHECK(json.find("\"time_us\": [0, 600000000, 900000001]") != std::string::npos);
}

TEST_CASE("a number that is not finite stops every report") {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity()}) {
    Result curve = made_by_hand();
    curve.profile.plasma_ng_per_mL[1] = bad;
    CHECK_THROWS_AS(to_json(curve, "1"), std::logic_error);
    CHECK_THROWS_AS(to_csv(curve), std::logic_error);
    Result summed = made_by_hand();
    summed.summary.auc_inf_ng_h_per_mL = bad;
    CHECK_THROWS_AS(to_json(summed, "1"), std::logic_error);
    CHECK_THROWS_AS(to_card(summed, "1"), std::logic_error);
    Result flagged = made_by_hand();
    flagged.assessment.flags[0].margin_rel = bad;
    CHECK_THROWS_AS(to_json(flagged, "1"), std::logic_error);
  }
}

TEST_CASE("the inputs echo every default, every unit, pounds twice, and the milligrams of base") {
  const Json inputs = Json::parse(to_json(made_by_hand(), "1"))["inputs"];
  CHECK(inputs["patient"]["weight_as_stated"] == "154.5 lb");
  const std::string kg = inputs["patient"]["weight"];
  REQUIRE(kg.ends_with(" kg"));
  double x = 0;
  std::from_chars(kg.data(), kg.data() + kg.size(), x);
  CHECK(x == Approx(70.080021165).epsilon(1e-12));  // 1 lb = 0.45359237 kg
  CHECK(inputs["patient"]["dosing_weight"] == "actual");
  CHECK(inputs["patient"]["height"] == "175 cm");
  CHECK_FALSE(inputs["patient"].contains("height_as_stated"));
  CHECK(inputs["order"][0]["infuse"] == "0.5 mg/kg");
  CHECK(inputs["order"][0]["over"] == "40 min");
  CHECK(inputs["order"][0]["at"] == "0 min");
  CHECK(inputs["order"][0]["amount_mg"].get<double>() == Approx(35.0400105825).epsilon(1e-9));
  CHECK(inputs["order"][0]["rate_mg_per_min"].get<double>() == Approx(0.8760002645625).epsilon(1e-9));
  CHECK(keys_of(inputs["order"][1]) == std::vector<std::string>{"bolus", "at", "amount_mg"});
  CHECK(inputs["limits"]["id"] == "unit-test-limits");
  CHECK(inputs["as_of"] == "2026-11-21");
  CHECK(inputs["extrapolate"] == false);
  CHECK(inputs["assume_enantiomers_alike"] == false);
  CHECK(inputs["observe"] == Json{{"every", "1 min"}, {"until", "240 min"}});
  CHECK(inputs["questions"]["time_above"] == Json{"100 ng/mL", "5000 ng/mL"});
  CHECK(inputs["overrides"][0]["reason"] == "a \"quoted\" reason\nin two lines");
  CHECK(inputs["model"] == "invented");
}

TEST_CASE("a custom model is echoed in the shape of a session, with its exponents") {
  Result r = made_by_hand();
  r.inputs.model.id = "custom";
  const Json custom = Json::parse(to_json(r, "1"))["inputs"]["model"]["custom"];
  CHECK(custom["parameters"] == Json{{"CL", "84 L/h"}, {"V1", "25 L"}});
  CHECK(custom["weight_exponents"]["CL"] == 0.75);
  CHECK(custom["reference_weight"] == "70 kg");
  CHECK(custom["effect_site"] == Json{{"ke0", "0.2 1/min"}, {"source", "made up"}});
  CHECK(custom["metabolites"][0]["V1"] == "98.6 L");
}

TEST_CASE("durations are echoed so that they read back to the same microsecond") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::int64_t us = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(horizon_limit.count()));
    const std::array<std::int64_t, 5> grain{1, 1000, 1'000'000, 60'000'000, 3'600'000'000};
    us -= us % grain[static_cast<std::size_t>(i) % grain.size()];
    CAPTURE(us);
    REQUIRE(parse_time(report_detail::time_text(Micros{us}), "t") == Micros{us});
  }
}

TEST_CASE("text is escaped so that any parser reads it back") {
  Result r = made_by_hand();
  std::string every;
  for (int c = 1; c < 128; ++c) every += static_cast<char>(c);
  every += "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x92\x8A";
  r.assessment.overrides = {{"F", every, "x"}};
  CHECK(Json::parse(to_json(r, "1"))["assessment"]["overrides"][0]["reason"] == every);
  r.assessment.overrides = {{"F",
                             "a\xFF"
                             "b\xED\xA0\x80",
                             "x"}};
  const std::string repaired = Json::parse(to_json(r, "1"))["assessment"]["overrides"][0]["reason"];
  CHECK(repaired ==
        "a\xEF\xBF\xBD"
        "b\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("CSV has one row per asked instant, units in its header, and numbers that read back") {
  const Result r = made_by_hand();
  const auto lines = lines_of(to_csv(r));
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] ==
        "time_us,time_min,plasma_ng_per_mL,effect_site_ng_per_mL,norketamine_ng_per_mL,delivered_mg,auc_ng_h_per_mL");
  CHECK(lines[1] == "0,0,0,0,0,0,0");
  CHECK(lines[2] == "600000000,10,0.30000000000000004,5e-324,123456789.123,8.75,1.5");
}

TEST_CASE("J50: no text cell of the CSV can run as a formula") {
  for (const std::string name : {"=HYPERLINK(1)", "+1", "-1", "@SUM", "\tx", "\rx"}) {
    Result r = made_by_hand();
    r.inputs.model.metabolites[0].name = name;
    const std::string csv = to_csv(r);
    CAPTURE(name);
    CHECK(csv.find(',' + name) == std::string::npos);
    CHECK((csv.find(",'" + name) != std::string::npos || csv.find(",\"'" + name) != std::string::npos));
  }
  CHECK(report_detail::csv_cell("a,b") == "\"a,b\"");
  CHECK(report_detail::csv_cell("a\"b") == "\"a\"\"b\"");
}

TEST_CASE("the card fits 40 lines of 100 columns whatever is flagged") {
  std::mt19937_64 random(11);
  for (const std::size_t flags : {0U, 1U, 3U, 8U, 40U}) {
    for (const std::size_t inputs : {1U, 2U, 5U, 100U}) {
      Result r = made_by_hand();
      while (r.assessment.flags.size() < flags) {
        Flag f = r.assessment.flags[0];
        f.severity = static_cast<Severity>(random() % 3);
        f.driver = std::string(400, 'x') + " and many words after it";
        r.assessment.flags.push_back(f);
      }
      r.assessment.flags.resize(flags, r.assessment.flags[0]);
      r.inputs.order.inputs.resize(inputs, r.inputs.order.inputs[0]);
      r.regimen.doses.resize(inputs, r.regimen.doses[0]);
      for (int i = 0; i < 30; ++i)
        r.assessment.checks.push_back({"check", false, CheckOutcome::unevaluated, std::string(50, 'y')});
      Drawing drawing{.until_min = 240};
      for (int i = 0; i < 73; ++i) drawing.plasma_ng_per_mL.push_back(i < 13 ? 20 * i : 250 - 3 * i);
      const auto lines = lines_of(to_card(r, "1.2.3", drawing));
      CAPTURE(flags, inputs);
      CHECK(lines.size() <= 40);
      for (const std::string& line : lines) {
        CAPTURE(line);
        CHECK(columns_of(line) <= 100);
      }
    }
  }
}

TEST_CASE("where flags do not all fit, the card shows the worst and counts the others") {
  Result r = made_by_hand();
  r.assessment.flags.resize(60, r.assessment.flags[0]);
  for (Flag& f : r.assessment.flags) f.severity = Severity::advisory;
  r.assessment.flags.back().severity = Severity::hard;
  r.assessment.flags.back().code = "THE_WORST";
  const std::string card = to_card(r, "1");
  const auto lines = lines_of(card);
  const auto shown = static_cast<std::size_t>(std::count_if(
      lines.begin(), lines.end(), [](const std::string& l) { return l.find("mg/kg, limit") != std::string::npos; }));
  CHECK(card.find("THE_WORST") != std::string::npos);
  CHECK(card.find("60 raised") != std::string::npos);
  CHECK(card.find("and " + std::to_string(60 - shown) + " more") != std::string::npos);
}

TEST_CASE(
    "the card names who, what, which model, its site, the peak, the verdict with its basis, and what was not looked "
    "at") {
  const std::string card = to_card(made_by_hand(), "1.2.3");
  for (const std::string_view part : {"154.5 lb (70.08 kg)",
                                      "actual weight",
                                      "42 yr",
                                      "0.5 mg/kg over 40 min",
                                      "35.04 mg of base",
                                      "10 mg bolus at 90 min",
                                      "invented",
                                      "venous plasma",
                                      "Nobody A.",
                                      "racemic-ketamine",
                                      "253 ng/mL at 40 min",
                                      "536 ng h/mL",
                                      "184 min",
                                      "100 ng/mL for 58.2 min",
                                      "5000 ng/mL: never",
                                      "SOFT",
                                      "typical patient, no variability",
                                      "unit-test-limits",
                                      "version 3",
                                      "status example",
                                      "an example",
                                      "DOSE_PER_WEIGHT_HIGH",
                                      "limit 0.5 mg/kg",
                                      "28.5 %",
                                      "would clear at",
                                      "not evaluated: age: no age given",
                                      "1.3e-11",
                                      "3e-16",
                                      "ketpk 1.2.3",
                                      "not a medical device",
                                      "1 recorded"}) {
    CAPTURE(part);
    CHECK(card.find(part) != std::string::npos);
  }
}

TEST_CASE("colour changes nothing but colour") {
  const Result r = made_by_hand();
  const Drawing drawing{.plasma_ng_per_mL = std::vector<double>(73, 100.0), .until_min = 240};
  const std::string plain = to_card(r, "1", drawing);
  std::string coloured = to_card(r, "1", drawing, {.colour = true});
  CHECK(plain.find('\x1b') == std::string::npos);
  REQUIRE(coloured.find('\x1b') != std::string::npos);
  for (std::size_t from = coloured.find('\x1b'); from != std::string::npos; from = coloured.find('\x1b'))
    coloured.erase(from, coloured.find('m', from) + 1 - from);
  const auto trimmed = [](const std::string& text) {
    std::string all;
    for (std::string line : lines_of(text)) {
      line.erase(line.find_last_not_of(' ') + 1);
      all += line + '\n';
    }
    return all;
  };
  CHECK(trimmed(coloured) == trimmed(plain));
}

TEST_CASE("the drawing shows the peak even where it lies between two samples, and when drug runs") {
  Result r = made_by_hand();
  r.summary.plasma = {1000.0, 41.0};
  const Drawing drawing{.plasma_ng_per_mL = std::vector<double>(73, 0.0), .until_min = 240};
  const std::string card = to_card(r, "1", drawing);
  CHECK(card.find("1000 ng/mL\xE2\x94\xA4") != std::string::npos);
  CHECK(card.find("\xE2\x96\x88") != std::string::npos);
  CHECK(card.find("drug in \xE2\x96\xAC") != std::string::npos);
  CHECK(card.find("\xE2\x96\xB2") != std::string::npos);
}

TEST_CASE("numbers on the card have a leading zero, no trailing zero and no exponent at ordinary sizes") {
  using report_detail::short_number;
  CHECK(short_number(0.5) == "0.5");
  CHECK(short_number(0.50001) == "0.5");
  CHECK(short_number(252.6) == "253");
  CHECK(short_number(12345.6) == "12346");
  CHECK(short_number(99.96) == "100");
  CHECK(short_number(1.0) == "1");
  CHECK(short_number(0.0) == "0");
  CHECK(short_number(0.0012345) == "0.00123");
  CHECK(short_number(417.04, 4) == "417");
  CHECK(report_detail::short_text("0.5000005 mg/kg") == "0.5 mg/kg");
}

TEST_CASE("rounding never hides that a value is beyond its limit") {
  Result r = made_by_hand();
  r.assessment.flags[0].value = "0.500001 mg/kg";
  CHECK(to_card(r, "1").find("0.500001 mg/kg, limit 0.5 mg/kg") != std::string::npos);
}

TEST_CASE("an error is one line for a person and one object for a program") {
  const InvalidInput bad(Code::range, "patient.weight", "outside body mass; accepted: 0.2 to 700 kg");
  CHECK(error_line(bad) == "ketpk: E_RANGE patient.weight: outside body mass; accepted: 0.2 to 700 kg\n");
  const Json json = Json::parse(error_json(bad));
  CHECK(json == Json{{"error", {{"code", "E_RANGE"}, {"field", "patient.weight"}, {"message", bad.message}}}});
  const Trouble trouble{Code::solver_maxsteps, "odeint", "too many steps at 12 min"};
  CHECK(error_line(trouble) == "ketpk: E_SOLVER_MAXSTEPS odeint: too many steps at 12 min\n");
  CHECK(Json::parse(error_json(trouble))["error"]["code"] == "E_SOLVER_MAXSTEPS");
  const InvalidInput sly(Code::type, "a\nb", "c\r\nd\x1b[2J");
  const std::string line = error_line(sly);
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
  CHECK(line.find('\x1b') == std::string::npos);
  CHECK(Json::parse(error_json(sly))["error"]["field"] == "a\nb");
}

TEST_CASE("without limits the assessment says null and the card says that nothing was compared") {
  Result r = made_by_hand();
  r.inputs.limits.reset();
  r.inputs.as_of.reset();
  r.assessment.verdict = {VerdictKind::unevaluated};
  const Json json = Json::parse(to_json(r, "1"));
  CHECK(json["assessment"]["limits"].is_null());
  CHECK(json["inputs"]["limits"].is_null());
  CHECK(json["inputs"]["as_of"].is_null());
  CHECK(to_card(r, "1").find("nothing was compared with a limit") != std::string::npos);
}

TEST_CASE("a check alone is told with what it is about and without a curve") {
  const Result r = made_by_hand();
  const Json json = Json::parse(to_json(AssessmentView{r}, "1"));
  CHECK(keys_of(json) == std::vector<std::string>{"schema", "ketpk", "inputs", "model", "assessment"});
  CHECK(json["assessment"] == Json::parse(to_json(r, "1"))["assessment"]);
  const std::string text = to_card(AssessmentView{r}, "1");
  CHECK(text.find("dose-per-weight (required)") != std::string::npos);
  CHECK(text.find("not evaluated  age") != std::string::npos);
}

TEST_CASE("a model card tells every parameter with its unit, weight rule and source") {
  const ModelCard card = made_by_hand().inputs.model;
  const std::string text = to_card(card);
  for (const std::string_view part : {"84 L/h", "(weight / 70 kg)^0.75", "made up", "0.2 1/min", "norketamine",
                                      "0.9 mg per mg", "98.6 L", "All of it is invented.", "venous", "adults"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
  const Json json = Json::parse(to_json(card));
  CHECK(json["parameters"][0] ==
        Json{{"name", "CL"}, {"value", "84 L/h"}, {"weight_exponent", 0.75}, {"source", "made up"}});
}

TEST_CASE("a block on its own says what it says in the whole result") {
  const Result r = made_by_hand();
  const Json whole = Json::parse(to_json(r, "1.2.3"));
  for (const char* block :
       {"ketpk", "inputs", "model", "profile", "summary", "time_above", "assessment", "body_size"}) {
    INFO(block);
    const Json alone = Json::parse(block_json(r, block, "1.2.3"));
    CHECK(keys_of(alone) == std::vector<std::string>{block});
    CHECK(alone[block] == whole[block]);
  }
  CHECK_THROWS_AS(block_json(r, "schema", "1.2.3"), InvalidInput);
}

TEST_CASE("the limits stand in the inputs as their file holds them, with its hash") {
  const Result r = made_by_hand();
  const Json limits = Json::parse(to_json(r, "1.2.3"))["inputs"]["limits"];
  CHECK(limits["schema"] == "ketpk.limits/1");
  CHECK(limits["sha256"] == r.inputs.limits->sha256);
  REQUIRE(limits["limits"].size() == 2);
  for (std::size_t i = 0; i < limits["limits"].size(); ++i) {
    const Limit& limit = r.inputs.limits->limits[i];
    const Json& row = limits["limits"][i];
    CHECK(row["id"] == limit.id);
    CHECK(row["quantity"] == info(limit.quantity).name);
    CHECK(row["required"] == limit.required);
    CHECK(row["source"] == limit.source);
    CHECK(row.contains("hard_low") == limit.hard_low.has_value());
    CHECK(row.contains("soft_low") == limit.soft_low.has_value());
    CHECK(row.contains("soft_high") == limit.soft_high.has_value());
    CHECK(row.contains("hard_high") == limit.hard_high.has_value());
    if (limit.soft_high) CHECK(row["soft_high"] == to_text(*limit.soft_high));
    CHECK(row.contains("site") == limit.site.has_value());
    CHECK(row.contains("level") == limit.level.has_value());
  }
}

TEST_CASE("a result without a second solver says so in JSON and on the card") {
  Result r = made_by_hand();
  r.check.second_solver.reset();
  r.check.agreement_rel.reset();
  const Json json = Json::parse(to_json(r, "1.2.3"));
  CHECK(json["ketpk"]["second_solver"].is_null());
  CHECK(json["ketpk"]["agreement_rel"].is_null());
  CHECK(to_card(r, "1.2.3").find("exact alone, no second solver was asked") != std::string::npos);
}

namespace {

/// Two effects: one of the card, with a unit that no spreadsheet should run, and one that was asked for.
Result with_effects() {
  Result r = made_by_hand();
  const CardEffect score{.name = "dissociation",
                         .of = "effect_site",
                         .form = EmaxEffect{{120.0, unit::ng_per_mL}, 2, 1.5, 80, "points, of \"100\"", "made up"}};
  const CardEffect pressure{.name = "pressure",
                            .of = "plasma",
                            .form = TurnoverEffect{Turnover::stimulate_build_up,
                                                   Drive::linear,
                                                   {0.1, unit::per_min},
                                                   90,
                                                   0.5,
                                                   {0.2, unit::mg_per_L},
                                                   1,
                                                   "mmHg",
                                                   "made up too"}};
  r.inputs.model.effects = {score};
  r.inputs.effects = {pressure};
  r.effects = {{score, 1.5, {62.125, 43.5}, {1.5, 0}, {1.5, 1.0 / 3.0, 60.25}, {.mass_balance_rel = 0}},
               {pressure,
                90,
                {101.5, 50.25},
                {90, 0},
                {90, 95.5, 101},
                {.solver = "odeint", .second_solver = "rosenbrock", .agreement_rel = 2e-10, .mass_balance_rel = 0}}};
  return r;
}

}  // namespace

TEST_CASE("effects are answered in a block of their own, and what was asked of them is echoed as it was stated") {
  const Json json = Json::parse(to_json(with_effects(), "1"));
  CHECK(json["effects"] == Json::parse(R"([
    {"name": "dissociation", "of": "effect_site", "kind": "emax", "unit": "points, of \"100\"", "source": "made up",
     "baseline": 1.5, "highest": {"value": 62.125, "min": 43.5}, "lowest": {"value": 1.5, "min": 0},
     "values": [1.5, 0.3333333333333333, 60.25], "solver": "exact", "second_solver": null, "agreement_rel": null},
    {"name": "pressure", "of": "plasma", "kind": "turnover", "unit": "mmHg", "source": "made up too",
     "baseline": 90, "highest": {"value": 101.5, "min": 50.25}, "lowest": {"value": 90, "min": 0},
     "values": [90, 95.5, 101], "solver": "odeint", "second_solver": "rosenbrock", "agreement_rel": 2e-10}])"));
  const Json score = Json::parse(
      R"({"name": "dissociation", "of": "effect_site", "kind": "emax", "ec50": "120 ng/mL", "hill": 2,
          "baseline": 1.5, "change": 80, "unit": "points, of \"100\"", "source": "made up"})");
  const Json pressure = Json::parse(
      R"({"name": "pressure", "of": "plasma", "kind": "turnover", "acts": "stimulate-build-up", "drive": "linear",
          "kout": "0.1 1/min", "baseline": 90, "most": 0.5, "c50": "0.2 mg/L", "unit": "mmHg", "source": "made up too"})");
  CHECK(json["model"]["effects"] == Json::array({score}));
  CHECK(json["inputs"]["effects"] == Json::array({score, pressure}));
  Result of_a_file = with_effects();
  of_a_file.inputs.model.file = "{}";  // which holds its own effects
  CHECK(Json::parse(to_json(of_a_file, "1"))["inputs"]["effects"] == Json::array({pressure}));
  const Json plain = Json::parse(to_json(made_by_hand(), "1"));
  for (const Json& part : {plain, plain["inputs"], plain["model"]}) CHECK_FALSE(part.contains("effects"));
  CHECK(Json::parse(block_json(with_effects(), "effects", "1")) == Json{{"effects", json["effects"]}});
}

TEST_CASE("each effect is a column of the CSV whose name holds its unit, quoted where it must be") {
  const auto lines = lines_of(to_csv(with_effects()));
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] ==
        "time_us,time_min,plasma_ng_per_mL,effect_site_ng_per_mL,norketamine_ng_per_mL,delivered_mg,auc_ng_h_per_mL,"
        "\"dissociation (points, of \"\"100\"\")\",pressure (mmHg)");
  CHECK(lines[2] == "600000000,10,0.30000000000000004,5e-324,123456789.123,8.75,1.5,0.3333333333333333,95.5");
}

TEST_CASE("the card has a line for each effect, and counts those that it has no room for") {
  Result r = with_effects();
  std::string card = to_card(r, "1");
  CHECK(card.find(
            "\nEffects    dissociation (points, of \"100\") of effect_site: 1.5, highest 62.1 at 43.5 min, lowest 1.5\n"
            "           at 0 min \xC2\xB7 made up\n") != std::string::npos);
  CHECK(card.find("\n           pressure (mmHg) of plasma: 90, highest 102 at 50.2 min, lowest 90 at 0 min \xC2\xB7 "
                  "made up too\n") != std::string::npos);
  while (r.effects.size() < 7) r.effects.push_back(r.effects.back());
  card = to_card(r, "1");
  CHECK(card.find("and 4 more (--json lists them)") != std::string::npos);
  const auto lines = lines_of(card);
  CHECK(lines.size() <= 40);
  for (const std::string& line : lines) CHECK(columns_of(line) <= 100);
}

TEST_CASE("an effect that is not finite stops every report") {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Result curve = with_effects(), extreme = with_effects();
    curve.effects[1].values[2] = bad;
    CHECK_THROWS_AS(to_json(curve, "1"), std::logic_error);
    CHECK_THROWS_AS(to_csv(curve), std::logic_error);
    extreme.effects[0].highest.value = bad;
    CHECK_THROWS_AS(to_json(extreme, "1"), std::logic_error);
    CHECK_THROWS_AS(to_card(extreme, "1"), std::logic_error);
  }
}
