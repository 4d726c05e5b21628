// SPDX-License-Identifier: Apache-2.0
// What is told of a cohort, from answers that are made by hand.

#include "ketpk/report_cohort.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "ketpk/library.hpp"
#include "sub_anaesthetic.hpp"

using namespace ketpk;
using Json = nlohmann::json;

namespace {

constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

CohortRequest asked() {
  Request each{.patient = fixture::patient(70),
               .order = fixture::order({Infuse{{0.5, unit::mg_per_kg}, 40 * fixture::minute}}),
               .model = library::find("kamp2020")};
  each.time_above = {{100, unit::ng_per_mL}};
  return {.each = each,
          .population = DrawnPeople{.all = {.covariates = {{"weight", Normal{80, 15, 40, {}}, "s"},
                                                           {"height", Lognormal{170, 0.05, {}, 210}, "s"}},
                                            .correlation = {1, 0.5, 0.5, 1}},
                                    .female_share = 0.5},
          .seed = std::numeric_limits<std::uint64_t>::max(),
          .subjects = 4,
          .between_subjects = BetweenSubjects::none,
          .percentiles = {2.5, 50}};
}

/// Of four subjects, one of whom failed.
Cohort answer() {
  return {.inputs = asked(),
          .in = 4,
          .ok = 3,
          .failed = {{2, Code::range, "patient.weight", "not a possible body mass; accepted: 0.2 to 700 kg"}},
          .has_statistics = true,
          .time = {Micros{0}, Micros{2'400'000'000}},
          .mean_ng_per_mL = {0, 250},
          .percentile_ng_per_mL = {{0, 205}, {0, 245.5}},
          .summaries = {{"cmax", "ng/mL", 250, 200, 300, {205, 245.5}, 0},
                        {"tmax", "min", 40, 40, 40, {40, 40}, 0},
                        {"auc_inf", "ng h/mL", 400, 350, 450, {352, 401}, 0},
                        {"above", "min", 60, 50, 70, {51, 61}, 0}},
          .limits = {{.id = "peak",
                      .quantity = "plasma_peak",
                      .beyond_soft = Proportion{1, 3, 1.0 / 3, 0.0084, 0.9058},
                      .beyond_hard = Proportion{0, 3, 0, 0, 0.7076}}},
          .assessment = assess_cohort(std::nullopt, {}),
          .road = "exact"};
}

Cohort without_statistics() {
  Cohort c = answer();
  c.has_statistics = false;
  c.time.clear();
  c.mean_ng_per_mL.clear();
  c.percentile_ng_per_mL.clear();
  c.summaries.clear();
  c.limits.clear();
  return c;
}

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("the counts are told whether there are statistics or not, and who failed with code and place") {
  for (const Cohort& c : {answer(), without_statistics()}) {
    const Json json = Json::parse(to_json(c, "0.0.1"));
    CHECK(json["n_in"] == 4);
    CHECK(json["n_ok"] == 3);
    CHECK(json["n_failed"] == 1);
    CHECK(json["failed"] == Json::parse(R"([{"subject": 2, "code": "E_RANGE", "field": "patient.weight",
                                             "message": "not a possible body mass; accepted: 0.2 to 700 kg"}])"));
    const std::string card = to_card(c, "0.0.1");
    CHECK_THAT(card, Catch::Contains("4 subjects = 3 answered + 1 failed"));
    CHECK_THAT(card, Catch::Contains("subject 2: E_RANGE patient.weight: not a possible body mass"));
  }
}

TEST_CASE("where there are no statistics none are told") {
  const Cohort c = without_statistics();
  const Json json = Json::parse(to_json(c, "0.0.1"));
  CHECK(json["has_statistics"] == false);
  for (const char* key : {"profile", "summaries", "limits"}) CHECK_FALSE(json.contains(key));
  CHECK(json["assessment"]["verdict"] == "unevaluated");
  CHECK(lines_of(to_csv(c)) == 1);
  CHECK_THAT(to_card(c, "0.0.1"), Catch::Contains("no statistics: some subjects failed"));
  Cohort nobody = c;
  nobody.ok = 0;
  CHECK_THAT(to_card(nobody, "0.0.1"), Catch::Contains("no statistics: nobody could be answered"));
}

TEST_CASE("statistics in spite of failures say of whom they are") {
  CHECK_THAT(to_card(answer(), "0.0.1"), Catch::Contains("all that follows is of the 3 who were answered"));
}

TEST_CASE("the JSON holds what was asked, to the last digit of the seed") {
  const Json cohort = Json::parse(to_json(answer(), "0.0.1"))["inputs"]["cohort"];
  CHECK(cohort["seed"] == std::numeric_limits<std::uint64_t>::max());
  CHECK(cohort["people"]["covariates"][0]["normal"] ==
        Json::parse(R"({"mean": "80 kg", "sd": "15 kg", "low": "40 kg"})"));
  CHECK(cohort["people"]["covariates"][1]["lognormal"] ==
        Json::parse(R"({"median": "170 cm", "log_sd": 0.05, "high": "210 cm"})"));
  CHECK(cohort["people"]["correlation"] == Json::parse("[[1, 0.5], [0.5, 1]]"));
  CHECK(cohort["between_subjects"] == "none");
  CHECK(cohort["percentiles"] == Json::parse("[2.5, 50]"));
}

TEST_CASE("the bands stand in columns named by their percentile") {
  CHECK(to_csv(answer()) ==
        "time_us,time_min,mean_ng_per_mL,p2.5_ng_per_mL,p50_ng_per_mL\n0,0,0,0,0\n2400000000,40,250,205,245.5\n");
  const Json profile = Json::parse(to_json(answer(), "0.0.1"))["profile"];
  CHECK(profile["percentiles"][0] == Json::parse(R"({"percentile": 2.5, "ng_per_mL": [0, 205]})"));
  CHECK(profile["error_rel"] == 0);
}

TEST_CASE("shares stand with their interval, and those that are not known with the reason") {
  Cohort c = answer();
  c.limits.push_back({.id = "effect",
                      .quantity = "effect_site_peak",
                      .beyond_soft = {},
                      .beyond_hard = {},
                      .why = "the model has no effect site"});
  const std::string card = to_card(c, "0.0.1");
  CHECK_THAT(card, Catch::Contains("peak: beyond a bound 33 % (1 to 91), beyond a hard bound 0 % (0 to 71)"));
  CHECK_THAT(card, Catch::Contains("effect: not evaluated, the model has no effect site"));
  const Json limits = Json::parse(to_json(c, "0.0.1"))["limits"];
  CHECK(limits[0]["beyond_any"]["hits"] == 1);
  CHECK(limits[1]["beyond_any"].is_null());
  CHECK(limits[1]["why"] == "the model has no effect site");
}

TEST_CASE("the table of subjects has a row for everybody, with a code where there are no numbers") {
  Cohort c = answer();
  c.inputs.keeps_subjects = true;
  c.covariates = {"weight_kg", "height_cm"};
  c.parameters = {"CL_L_per_min"};
  c.subjects = {{0, {70, no_number}, {1.25}, {200, 40, 350, 50}}, {1, {80, 170}, {1}, {250, 40, 400, 60}}};
  CHECK(subjects_csv(c) ==
        "subject,weight_kg,height_cm,CL_L_per_min,cmax_ng_per_mL,tmax_min,auc_inf_ng_h_per_mL,"
        "minutes_above_100_ng_per_mL,error,error_field\n"
        "0,70,,1.25,200,40,350,50,,\n1,80,170,1,250,40,400,60,,\n2,,,,,,,,E_RANGE,patient.weight\n");
  const Json table = Json::parse(to_json(c, "0.0.1"))["subjects"];
  CHECK(table["subject"] == Json::parse("[0, 1]"));
  CHECK(table["height_cm"] == Json::parse("[null, 170]"));
  CHECK(table["minutes_above_100_ng_per_mL"] == Json::parse("[50, 60]"));
}

TEST_CASE("a card names at most twenty who failed and counts the others, on lines of a hundred columns") {
  Cohort c = answer();
  c.failed.clear();
  for (std::uint64_t i = 0; i < 25; ++i) c.failed.push_back({i, Code::range, "patient.weight", "not possible"});
  c.in = 28;
  const std::string card = to_card(c, "0.0.1");
  CHECK_THAT(card, Catch::Contains("subject 19: "));
  CHECK_THAT(card, !Catch::Contains("subject 20: "));
  CHECK_THAT(card, Catch::Contains("and 5 more"));
  std::size_t longest = 0;
  for (std::size_t from = 0; from < card.size();) {
    const std::size_t end = card.find('\n', from);
    longest = std::max(longest, report_detail::width(card.substr(from, end - from)));
    from = end + 1;
  }
  CHECK(longest <= 100);
}

TEST_CASE("replicates are told as the interval that holds 95 in 100 of them") {
  Cohort c = answer();
  for (int i = 0; i <= 40; ++i) {  // 0 to 40: percentile 2.5 of these is 1, percentile 97.5 is 39
    const double x = 40 - i;
    c.replicates.push_back({.summaries_median = {x, x, x, x},
                            .share_beyond_soft = {i == 7 ? no_number : 0.5},
                            .share_beyond_hard = {x / 100},
                            .plasma = {{x, 2 * x}, {x, 3 * x}}});
  }
  const Json json = Json::parse(to_json(c, "0.0.1"));
  CHECK(json["summaries"][0]["median_interval95"] == Json::parse(R"({"low": 1.0, "high": 39.0})"));
  CHECK(json["limits"][0]["beyond_any_interval95"].is_null());
  CHECK(json["limits"][0]["beyond_hard_interval95"]["high"].get<double>() == Approx(0.39));
  CHECK(json["profile"]["percentiles"][1]["high_ng_per_mL"] == Json::parse("[39.0, 117.0]"));
  CHECK_THAT(to_csv(c), Catch::Contains("p50_ng_per_mL,p50_low_ng_per_mL,p50_high_ng_per_mL\n0,0,0,0,1,39,0,1,39\n"));
}
