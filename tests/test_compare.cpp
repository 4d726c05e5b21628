// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "ketpk/compare.hpp"
#include "ketpk/library.hpp"
#include "ketpk/report_spread.hpp"
#include "made_up.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;

namespace {

Request asked(Analyte analyte = Analyte::racemic_ketamine) {
  Request request{.patient = {.weight = 70_kg, .age = Age(42, unit::yr)},
                  .order = made_up::order_of({Infuse{0.5_mg_per_kg, 40min}}),
                  .model = library::find("kamp2020"),
                  .observe = {.every = 1min, .until = 4h},
                  .time_above = {Stated<dim::concentration>(100, unit::ng_per_mL, "level")}};
  request.order.analyte = analyte;
  return request;
}

/// A card of one compartment, for adults of any kind, whose numbers are made up.
ModelCard plain(const std::string& id, double v1_L, Site site) {
  return {.id = id,
          .label = id,
          .citation = "made up for this test",
          .doi = "10.1/" + id,
          .analytes = {Analyte::racemic_ketamine},
          .site = site,
          .parameters = {made_up::parameter("CL", 60, unit::L_per_h), made_up::parameter("V1", v1_L, unit::L)}};
}

Spread must(const Attempt<Spread>& spread) {
  REQUIRE(std::holds_alternative<Spread>(spread));
  return std::get<Spread>(spread);
}

const SiteSpread* site_of(const Spread& spread, Site site) {
  const auto at = std::find_if(spread.sites.begin(), spread.sites.end(), [&](const auto& g) { return g.site == site; });
  return at == spread.sites.end() ? nullptr : &*at;
}

const RefusedModel* refused(const Spread& spread, const std::string& id) {
  const auto at =
      std::find_if(spread.refused.begin(), spread.refused.end(), [&](const auto& r) { return r.card.id == id; });
  return at == spread.refused.end() ? nullptr : &*at;
}

std::string refusal_of(const SpreadRequest& request) {
  try {
    (void)compare(request, NoSecondSolver{});
  } catch (const InvalidInput& e) {
    return std::string(name_of(e.code)) + ' ' + e.field;
  }
  return "accepted";
}

}  // namespace

TEST_CASE("every model that is listed either answers or says why not") {
  for (const auto& [age, is_child] : {std::pair{42.0, false}, {8.0, true}}) {
    SpreadRequest request{asked(), library::cards()};
    request.each.patient.age = Age(age, unit::yr);
    if (is_child) request.each.patient.weight = 26_kg;
    const Spread spread = must(compare(request));
    CHECK(spread.results.size() + spread.refused.size() == library::cards().size());
    INFO(age);
    CHECK((refused(spread, "herd2007") == nullptr) == is_child);
    REQUIRE(refused(spread, "otto2021") != nullptr);
    CHECK(refused(spread, "otto2021")->field == "analyte");
    for (const ModelCard& card : library::cards())
      if (!card.not_for_use.empty()) {
        REQUIRE(refused(spread, card.id) != nullptr);
        CHECK(refused(spread, card.id)->code == Code::model_domain);
      }
  }
}

TEST_CASE("each model's answer is the one it gives alone") {
  const Spread spread = must(compare({asked(), library::cards()}));
  for (const Result& r : spread.results) {
    Request alone = asked();
    alone.model = library::find(r.inputs.model.id);
    const Result single = std::get<Result>(simulate(alone));
    CHECK(to_json(r, "x") == to_json(single, "x"));
  }
}

TEST_CASE("sites are never put together, and S-models join a racemic order only where that is allowed") {
  SpreadRequest request{asked(), library::cards()};
  const Spread without = must(compare(request, NoSecondSolver{}));
  request.each.allowances.assume_enantiomers_alike = true;
  const Spread with = must(compare(request, NoSecondSolver{}));
  for (const Spread& spread : {without, with}) {
    std::size_t members = 0;
    for (const SiteSpread& g : spread.sites) {
      members += g.results.size();
      for (const std::size_t i : g.results) CHECK(spread.results[i].inputs.model.site == g.site);
    }
    CHECK(members == spread.results.size());
  }
  CHECK(site_of(without, Site::venous) == nullptr);
  const SiteSpread* venous = site_of(with, Site::venous);
  REQUIRE(venous != nullptr);
  CHECK(with.results[venous->results.front()].admission.enantiomers_assumed_alike);
  CHECK(venous->flags.front().code == "ENANTIOMERS_ASSUMED_ALIKE");
  CHECK(without.results.size() < with.results.size());
}

TEST_CASE("ranges, envelope and counts are those of the answers, looked at one by one") {
  SpreadRequest request{asked(), {}};
  for (const double v : {25.0, 40.0, 33.0, 90.0})
    request.models.push_back(plain("v" + std::to_string(static_cast<int>(v)), v, Site::venous));
  request.models.push_back(plain("other", 10, Site::arterial));
  const Spread spread = must(compare(request, NoSecondSolver{}));
  const SiteSpread* venous = site_of(spread, Site::venous);
  REQUIRE(venous != nullptr);
  REQUIRE(venous->results.size() == 4);
  // One compartment from rest: C(T) = rate / CL (1 - exp(-CL T / V)).
  const auto peak = [](double v) { return 1000 * 0.875 / 1.0 * -std::expm1(-40.0 / v); };
  CHECK(venous->cmax_ng_per_mL.lowest == Approx(peak(90)).epsilon(1e-12));
  CHECK(venous->cmax_ng_per_mL.highest == Approx(peak(25)).epsilon(1e-12));
  CHECK(venous->cmax_ng_per_mL.median == Approx((peak(33) + peak(40)) / 2).epsilon(1e-12));
  CHECK(spread.results[venous->cmax_ng_per_mL.highest_of].inputs.model.id == "v25");
  CHECK(venous->auc_inf_ng_h_per_mL.lowest == Approx(venous->auc_inf_ng_h_per_mL.highest).epsilon(1e-12));
  REQUIRE(venous->lowest_ng_per_mL.size() == 241);
  for (std::size_t t = 0; t < 241; ++t) {
    double lowest = INFINITY, highest = 0;
    for (const std::size_t i : venous->results) {
      lowest = std::min(lowest, spread.results[i].profile.plasma_ng_per_mL[t]);
      highest = std::max(highest, spread.results[i].profile.plasma_ng_per_mL[t]);
    }
    CHECK(venous->lowest_ng_per_mL[t] == lowest);
    CHECK(venous->highest_ng_per_mL[t] == highest);
  }
  CHECK(venous->minutes_above.size() == 1);
  CHECK(site_of(spread, Site::arterial)->results.size() == 1);
}

TEST_CASE("a flag is counted once for each model that raises it") {
  SpreadRequest request{asked(), {}};
  for (const double v : {20.0, 40.0, 90.0})
    request.models.push_back(plain("v" + std::to_string(static_cast<int>(v)), v, Site::venous));
  using namespace std::chrono;
  request.each.as_of = 2026y / November / 21d;
  request.each.limits = Limits{.id = "test",
                               .version = "1",
                               .status = LimitsStatus::example,
                               .approver = "nobody",
                               .effective = 2026y / January / 1d,
                               .expires = 2030y / January / 1d,
                               .limits = {{.id = "peak",
                                           .quantity = LimitQuantity::plasma_peak,
                                           .soft_high = StatedBound(500, unit::ng_per_mL),
                                           .hard_high = StatedBound(750, unit::ng_per_mL),
                                           .required = true,
                                           .source = "made up for this test",
                                           .site = Site::venous}}};
  // Peaks 757, 553 and 314 ng/mL.
  const Spread spread = must(compare(request, NoSecondSolver{}));
  const SiteSpread* venous = site_of(spread, Site::venous);
  REQUIRE(venous->flags.size() == 1);
  CHECK(venous->flags[0].code == "PLASMA_PEAK_HIGH");
  CHECK(venous->flags[0].severity == Severity::hard);
  CHECK(venous->flags[0].results == std::vector<std::size_t>{0, 1});
  REQUIRE(venous->open.size() == 1);
  CHECK(venous->open[0].id == "model-domain");
  request.models.push_back(plain("arterial", 20, Site::arterial));
  const Spread more = must(compare(request, NoSecondSolver{}));
  const SiteSpread* arterial = site_of(more, Site::arterial);
  REQUIRE(arterial->open.size() == 2);
  CHECK(arterial->open[0].id == "peak");
  CHECK(arterial->open[0].required);
  CHECK(arterial->open[1].id == "model-domain");
  // It raised nothing because it could not look.
  REQUIRE(arterial->flags.size() == 1);
  CHECK(arterial->flags[0].results.empty());
  CHECK(arterial->flags[0].of == 0);
  CHECK(site_of(more, Site::venous)->flags[0].of == 3);
}

TEST_CASE("a model whose source states bounds on an age that was not given is not taken to admit the patient") {
  SpreadRequest request{asked(Analyte::s_ketamine), {library::find("otto2021")}};
  CHECK(refusal_of(request) == "accepted");
  request.each.patient.age.reset();
  CHECK(refusal_of(request) == "E_MODEL_DOMAIN model");
  request.each.allowances.extrapolate = true;
  CHECK(refusal_of(request) == "accepted");
}

TEST_CASE("a model that is not for use is refused alone too, whatever is allowed") {
  Request request = asked();
  request.model = plain("kept", 20, Site::venous);
  request.model.not_for_use = "wrong for every adult";
  request.allowances = {.extrapolate = true, .assume_enantiomers_alike = true};
  try {
    (void)simulate(request);
    FAIL("it ran");
  } catch (const InvalidInput& e) {
    CHECK(e.code == Code::model_domain);
    CHECK(e.field == "model");
    CHECK(e.message.find("wrong for every adult") != std::string::npos);
  }
}

TEST_CASE("people whom nothing stated of a patient tells apart are extrapolated from, flagged") {
  Request request = asked();
  request.model = plain("icu", 20, Site::venous);
  request.model.domain = {.statement = "intensive care", .source = "made up", .only_for = "intensive-care patients"};
  CHECK_THROWS_AS(simulate(request), InvalidInput);
  request.allowances.extrapolate = true;
  const Result r = std::get<Result>(simulate(request));
  REQUIRE(r.assessment.flags.size() == 1);
  CHECK(r.assessment.flags[0].code == "MODEL_EXTRAPOLATED");
  CHECK(r.admission.crossed == std::vector<std::string>{"built on intensive-care patients only"});
}

TEST_CASE("cards of one DOI are one source") {
  const Spread spread = must(
      compare({asked(), {library::find("kamp2020"), library::find("kamp2020-linear"), plain("x", 9, Site::arterial)}},
              NoSecondSolver{}));
  REQUIRE(spread.sites.size() == 1);
  CHECK(spread.sites[0].same_source == std::vector<std::vector<std::size_t>>{{0, 1}});
}

TEST_CASE("what is wrong with the request whatever the model is said as it is for one") {
  SpreadRequest request{asked(), library::cards()};
  request.models.push_back(library::find("kamp2020"));
  CHECK(refusal_of(request) == "E_FIELD_DUPLICATE models");
  request.models.clear();
  CHECK(refusal_of(request) == "E_FIELD_MISSING models");
  request.models = library::cards();
  request.each.patient.weight = 7000_kg;
  CHECK(refusal_of(request) == "E_RANGE patient.weight");
  request.each.patient.weight = 70_kg;
  request.each.order.form = Form::unstated;
  CHECK(refusal_of(request) == "E_FIELD_MISSING form");
  request.each.order.form = Form::base;
  request.each.order.analyte = Analyte::r_ketamine;
  CHECK(refusal_of(request) == "E_MODEL_DOMAIN model");
}
