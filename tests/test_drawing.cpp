// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <variant>

#include "catch.hpp"
#include "ketpk/drawing.hpp"
#include "ketpk/library.hpp"
#include "ketpk/simulate.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;

namespace {

Result answered(std::vector<Input> inputs, Observe observe = {}) {
  const Request request{.patient = {.weight = 70_kg},
                        .order = {.analyte = Analyte::racemic_ketamine,
                                  .form = Form::base,
                                  .initial_state = InitialState::drug_free,
                                  .inputs = std::move(inputs)},
                        .model = library::find("kamp2020"),
                        .observe = std::move(observe)};
  return std::get<Result>(simulate(request));
}

}  // namespace

TEST_CASE("a drawing ends where the asked instants end") {
  const std::vector<Input> order{Infuse{0.5_mg_per_kg, 40min}};
  CHECK(drawn_until(answered(order, {.every = 1min, .until = 97min})) == 97min);
  CHECK(drawn_until(answered(order, {.at = {10min, 55min}})) == 55min);
  CHECK(drawn_until(answered(order, {.at = {10min, 55min}, .until = 2h})) == 2h);
}

TEST_CASE("a drawing that nobody gave an end shows the fall and ends at a round number") {
  CHECK(drawn_until(answered({Infuse{0.5_mg_per_kg, 40min}})) == 4h);
  CHECK(drawn_until(answered({Infuse{0.5_mg_per_kg, 40min}}, {.at = {0min}})) == 4h);
  CHECK(drawn_until(answered({Bolus{10_mg}})) == 3h);
  const Micros late = drawn_until(answered({Bolus{10_mg, std::chrono::days{5}}}));
  CHECK(late == std::chrono::days{6});
}

TEST_CASE("a drawing's samples are those of a profile at the same instants") {
  const Result r = answered({Infuse{0.5_mg_per_kg, 40min}}, {.every = 10min, .until = 4h});
  const Drawing drawing = drawing_of(r, 25);
  CHECK(drawing.until_min == 240);
  CHECK(drawing_of(r).plasma_ng_per_mL.size() == card_columns);
  CHECK_THROWS_AS(drawing_of(r, 1), InvalidInput);
  REQUIRE(drawing.plasma_ng_per_mL.size() == r.profile.plasma_ng_per_mL.size());
  for (std::size_t i = 0; i < drawing.plasma_ng_per_mL.size(); ++i)
    CHECK(std::abs(drawing.plasma_ng_per_mL[i] - r.profile.plasma_ng_per_mL[i]) <=
          1e-12 * r.profile.plasma_ng_per_mL[i]);
}
