// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "ketpk/evidence.hpp"
#include "ketpk/library.hpp"
#include "ketpk/simulate.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;

namespace {

const Validation& everything() {
  static const Validation all = std::get<Validation>(validation(library::cards(), observed::data_sets()));
  return all;
}

const Comparison* found(const std::string& model, const std::string& data, Molecule molecule = Molecule::ketamine) {
  for (const Comparison& c : everything().comparisons)
    if (c.model == model && c.data == data && c.molecule == molecule) return &c;
  return nullptr;
}

/// 35 mg over 40 min and what a simulation of it says, times `factor`, at these instants.
Observations made_up(const std::vector<Micros>& at, double factor) {
  Observations o = observed::find("zarate2006-peak");
  o.id = "made-up";
  const Result r = std::get<Result>(
      simulate({.patient = *o.person, .order = *o.order, .model = library::find("kamp2020"), .observe = {.at = at}}));
  o.series[0].points.clear();
  for (std::size_t i = 0; i < at.size(); ++i)
    o.series[0].points.push_back({.at = at[i], .value = factor * r.profile.plasma_ng_per_mL[i]});
  return o;
}

Comparison compared(const ModelCard& card, const Observations& data) {
  auto all = std::get<0>(held_against(card, data));
  REQUIRE(all.size() == 1);
  return all.front();
}

}  // namespace

TEST_CASE("the review's prediction errors are met to one percentage point, row by row") {
  std::ifstream file(KETPK_SOURCE_DIR "/tests/golden/evidence_review.csv");
  REQUIRE(file.good());
  std::string line;
  std::getline(file, line);
  std::set<std::string> met;
  std::size_t rows = 0, figures = 0;
  while (std::getline(file, line)) {
    std::vector<std::string> cells(1);
    for (const char c : line)
      if (c == ',')
        cells.emplace_back();
      else
        cells.back() += c;
    REQUIRE(cells.size() == 5);
    ++rows;
    CAPTURE(line);
    const Comparison* c = found(cells[0], cells[1]);
    REQUIRE(c != nullptr);
    const PredictionError& e = cells[2] == "all" ? c->error_of_all : c->error.value();
    CHECK(std::abs(e.mdpe_percent - parse_number(cells[3], "MDPE")) <= 1);
    ++figures;
    if (!cells[4].empty()) {
      CHECK(std::abs(e.mdape_percent - parse_number(cells[4], "MDAPE")) <= 1);
      ++figures;
    }
    met.insert(cells[0]);
  }
  CHECK(rows == 87);
  CHECK(met.size() == 12);
  CHECK(figures == 162);
}

TEST_CASE("the measures of a few errors are those worked out by hand") {
  const std::vector<ErrorPoint> three{{0h, 10}, {1h, -20}, {2h, 30}};
  const PredictionError e = prediction_error(three);
  CHECK(e.points == 3);
  CHECK(e.mdpe_percent == 10);
  CHECK(e.mdape_percent == 20);
  CHECK(e.wobble_percent == 20.0);                          // of 0, 30 and 20
  CHECK(e.divergence_percent_per_h.value() == Approx(10));  // 10, 20, 30 at 0, 1, 2 h
  const std::vector<ErrorPoint> four{{30min, -8}, {60min, -4}, {90min, 2}, {120min, 16}};
  const PredictionError f = prediction_error(four);
  CHECK(f.mdpe_percent == -1);
  CHECK(f.mdape_percent == 6);
  CHECK(f.wobble_percent == 5.0);                            // of 7, 3, 3 and 17
  CHECK(f.divergence_percent_per_h.value() == Approx(4.4));  // 8, 4, 2, 16 at 0.5, 1, 1.5, 2 h
}

TEST_CASE("of one point there is no wobble and no divergence, and of one instant no divergence") {
  const std::vector<ErrorPoint> one{{40min, -27}}, twice{{20min, 3}, {20min, -2}};
  CHECK_FALSE(prediction_error(one).wobble_percent.has_value());
  CHECK_FALSE(prediction_error(one).divergence_percent_per_h.has_value());
  CHECK(prediction_error(twice).wobble_percent == 2.5);
  CHECK_FALSE(prediction_error(twice).divergence_percent_per_h.has_value());
  CHECK_THROWS_AS(prediction_error({}), InvalidInput);
}

TEST_CASE("a median of an even count is the mean of the two in the middle") {
  CHECK(median({4, 1, 3}) == 3);
  CHECK(median({4, 1, 3, 2}) == 2.5);
  CHECK(median({7}) == 7);
  CHECK_THROWS_AS(median({}), InvalidInput);
}

TEST_CASE("a model is never off its own curve, and off half as much again by half") {
  const std::vector<Micros> at{1min, 20min, 40min, 41min, 100min, 101min, 600min};
  const ModelCard kamp = library::find("kamp2020");
  const Comparison own = compared(kamp, made_up(at, 1));
  const Comparison half = compared(kamp, made_up(at, 1.5));
  CHECK(own.error->mdape_percent == Approx(0).margin(1e-9));
  CHECK(half.error->mdpe_percent == Approx(50));
  CHECK(half.error->mdape_percent == Approx(50));
  CHECK(half.error->wobble_percent.value() == Approx(0).margin(1e-9));
  CHECK(half.error->divergence_percent_per_h.value() == Approx(0).margin(1e-9));
  CHECK(compared(kamp, made_up(at, 0.5)).error->mdpe_percent == Approx(-50));
}

TEST_CASE("the end of the infusion is of the infusion, and the first hour after it ends with its last instant") {
  const std::vector<Micros> at{20min, 40min, 40min + 1us, 100min, 100min + 1us, 600min};
  const Comparison c = compared(library::find("kamp2020"), made_up(at, 2));
  std::vector<Phase> phases;
  for (const ComparedPoint& p : c.points) phases.push_back(p.phase);
  CHECK(phases == std::vector<Phase>{Phase::during, Phase::during, Phase::first_hour, Phase::first_hour, Phase::tail,
                                     Phase::tail});
  REQUIRE(c.phases.size() == 3);
  for (const PhaseBias& b : c.phases) {
    CHECK(b.points == 2);
    CHECK(b.mdpe_percent == Approx(100));
  }
}

TEST_CASE("a point that is left out is shown and counted nowhere") {
  Observations data = made_up({20min, 40min, 60min}, 1);
  data.series[0].points[1].value *= 10;
  data.series[0].points[1].left_out = "a slip of the pen";
  const Comparison c = compared(library::find("kamp2020"), data);
  REQUIRE(c.points.size() == 3);
  CHECK(c.points[1].error_percent == Approx(900));
  CHECK(c.error->points == 2);
  CHECK(c.error->mdape_percent == Approx(0).margin(1e-9));
  CHECK(c.error_of_all.points == 3);
  CHECK(c.phases.front().points == 1);
  for (ObservedPoint& p : data.series[0].points) p.left_out = "all of them";
  const Comparison none = compared(library::find("kamp2020"), data);
  CHECK_FALSE(none.error.has_value());
  CHECK(none.phases.empty());
}

TEST_CASE("both hands of a racemate are added in mass") {
  const Comparison* c = found("kamp2020", "kamp2020bja-racemic");
  REQUIRE(c != nullptr);
  CHECK(c->points[1].at == 15min);
  CHECK(c->points[1].observed_ng_per_mL == Approx((0.1137 + 0.1452) * 237.73).epsilon(1e-12));
  CHECK(c->points.back().observed_ng_per_mL == Approx((0.2467 + 0.2701) * 237.73).epsilon(1e-12));
  const Comparison* nk = found("otto2021", "kamp2020bja-racemic", Molecule::norketamine);
  REQUIRE(nk != nullptr);
  CHECK(nk->curve == "s-norketamine");
  CHECK(nk->points.back().observed_ng_per_mL == Approx((0.5294 + 0.6041) * 223.70).epsilon(1e-12));
  CHECK(found("kamp2020", "kamp2020bja-racemic", Molecule::norketamine) == nullptr);
  Observations uneven = observed::find("kamp2020bja-racemic");
  uneven.series[1].points.pop_back();
  CHECK_THROWS_AS(held_against(library::find("kamp2020"), uneven), InvalidInput);
}

TEST_CASE("what stands in the way of a verdict is marked") {
  const auto marks = [](const char* model, const char* data, Molecule m = Molecule::ketamine) {
    const Comparison* c = found(model, data, m);
    REQUIRE(c != nullptr);
    return c->marks;
  };
  using Marks = std::vector<Mark>;
  CHECK(marks("kamp2020", "kamp2020bja-racemic") == Marks{Mark::in_sample_likely});
  CHECK(marks("kamp2020", "kamp2020bja-esketamine") == Marks{Mark::enantiomers_assumed_alike, Mark::in_sample_likely});
  CHECK(marks("otto2021", "kamp2020bja-esketamine") == Marks{Mark::other_site});
  CHECK(marks("otto2021", "otto2021-chdr1311") == Marks{Mark::chosen_on_it});
  CHECK(marks("otto2021", "otto2021-chdr1311", Molecule::norketamine) == Marks{Mark::in_sample});
  CHECK(marks("otto2021", "hasan2021-decay") == Marks{Mark::enantiomers_assumed_alike});
  CHECK(marks("domino1984", "hasan2021-decay") == Marks{Mark::site_not_stated});
  CHECK(marks("kamp2020", "zarate2006-peak") == Marks{Mark::site_not_stated});
  CHECK(marks("herd2007", "hasan2021-decay") == Marks{Mark::site_not_stated, Mark::outside_domain});
  CHECK(marks("kamp2020", "xie2003-biogears") == Marks{Mark::site_not_stated, Mark::suspect_data});
  CHECK(found("kamp2020", "kamp2020bja-racemic")->standing() == Standing::shows_fit);
  CHECK(found("otto2021", "otto2021-chdr1311")->standing() == Standing::shows_fit);
  CHECK(found("otto2021", "hasan2021-decay")->standing() == Standing::orientation);
}

TEST_CASE("arterial data judge arterial models only, venous data venous ones") {
  ModelCard card = library::find("kamp2020");
  card.id = "made-up";
  const Observations arterial = observed::find("kamp2020bja-racemic"), venous = observed::find("hasan2021-decay");
  CHECK(held_against(card, arterial).index() == 0);
  const auto standing = [&](const Observations& o) { return std::get<0>(held_against(card, o)).front().standing(); };
  CHECK(standing(arterial) == Standing::judges);
  CHECK(standing(venous) == Standing::orientation);
  card.site = Site::venous;
  CHECK(standing(arterial) == Standing::orientation);
  CHECK(standing(venous) == Standing::judges);
  card.site = Site::not_stated;
  CHECK(standing(arterial) == Standing::orientation);
  CHECK(standing(venous) == Standing::orientation);
}

TEST_CASE("an age that was assumed is held against a domain of children only") {
  ModelCard card = library::find("kamp2020");
  card.domain = {.statement = "a test", .age_low_yr = 19, .age_high_yr = 32, .source = "a test"};
  const auto is_marked = [&](const Observations& o) {
    return std::get<0>(held_against(card, o)).front().is_marked(Mark::outside_domain);
  };
  Observations data = observed::find("kamp2020bja-racemic");  // 40 yr, assumed
  CHECK_FALSE(is_marked(data));
  const auto is_open = [&](const Observations& o) {
    return std::get<0>(held_against(card, o)).front().is_marked(Mark::domain_not_checked);
  };
  CHECK(is_open(data));
  CHECK_FALSE(is_marked(observed::find("otto2021-chdr1311")));  // 23 yr, printed
  CHECK_FALSE(is_open(observed::find("otto2021-chdr1311")));
  data.is_age_printed = true;
  CHECK(is_marked(data));
  data.is_age_printed = false;
  card.domain.age_high_yr = 18;
  CHECK(is_marked(data));
  card.domain = {.statement = "a test", .weight_high_kg = 69.9, .source = "a test"};
  CHECK(is_marked(data));
  card.domain = {.statement = "a test", .source = "a test", .only_for = "intensive-care patients"};
  CHECK(is_marked(data));
}

TEST_CASE("a card that is not for use is run, with the same numbers, and marked") {
  ModelCard card = library::find("kamp2020");
  const Observations data = observed::find("hasan2021-decay");
  const Comparison before = compared(card, data);
  card.not_for_use = "a test";
  const Comparison after = compared(card, data);
  CHECK(after.marks == std::vector<Mark>{Mark::other_site, Mark::not_for_use});
  CHECK(after.error->mdpe_percent == before.error->mdpe_percent);
  CHECK(after.points.size() == before.points.size());
}

TEST_CASE("a covariate that the data do not have is named, and the other models are compared") {
  ModelCard card = library::find("kamp2020");
  card.id = "made-up";
  card.parameters[1].covariates = {
      {.covariate = "CRCL", .form = CovariateForm::power, .reference = 100, .coefficient = 0.5, .source = "a test"}};
  const auto v =
      std::get<Validation>(validation({card, library::find("kamp2020")}, {observed::find("hasan2021-decay")}));
  REQUIRE(v.not_compared.size() == 1);
  CHECK(v.not_compared.front().model == "made-up");
  CHECK(v.not_compared.front().why.find("CRCL") != std::string::npos);
  CHECK(v.comparisons.size() == 1);
}

TEST_CASE("every card is held against every data set that models are run on") {
  std::size_t of_ketamine = 0, run = 0;
  for (const Observations& o : everything().data) run += o.is_run() ? 1 : 0;
  for (const Comparison& c : everything().comparisons) {
    CAPTURE(c.model, c.data);
    of_ketamine += c.molecule == Molecule::ketamine ? 1 : 0;
    CHECK(c.error.has_value());
    CHECK(c.error_of_all.points == c.points.size());
    CHECK(c.predicted.at.size() == c.predicted.ng_per_mL.size());
    CHECK(c.predicted.at.back() >= c.points.back().at);
    CHECK(std::all_of(c.predicted.ng_per_mL.begin(), c.predicted.ng_per_mL.end(),
                      [](double x) { return std::isfinite(x) && x >= 0; }));
  }
  CHECK(everything().not_compared.empty());
  CHECK(of_ketamine == run * library::shelf.size());
  CHECK_THROWS_AS(held_against(library::find("kamp2020"), observed::find("idvall1979")), InvalidInput);
}

TEST_CASE("the curve for a drawing goes through the points and has the edges of the inputs") {
  const Comparison* c = found("kamp2020", "kamp2020bja-racemic");
  REQUIRE(c != nullptr);
  for (const Micros edge : {Micros{0min}, Micros{60min}, Micros{120min}, Micros{180min}})
    CHECK(std::binary_search(c->predicted.at.begin(), c->predicted.at.end(), edge));
  const auto last = static_cast<std::size_t>(std::find(c->predicted.at.begin(), c->predicted.at.end(), Micros{180min}) -
                                             c->predicted.at.begin());
  const auto point = std::find_if(c->points.begin(), c->points.end(), [](const auto& p) { return p.at == 180min; });
  CHECK(c->predicted.ng_per_mL[last] == Approx(point->predicted_ng_per_mL).epsilon(1e-12));
}

TEST_CASE("a model that predicts nothing where something was observed is trouble, not an error of infinity") {
  Observations data = made_up({40min}, 1);
  data.order->inputs = {Infuse{0.5_mg_per_kg, 40min, 60min}};
  data.series[0].points[0].value = 100;
  const auto tried = held_against(library::find("kamp2020"), data);
  REQUIRE(std::holds_alternative<Trouble>(tried));
  CHECK(std::get<Trouble>(tried).code == Code::internal_check);
}
