// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "ketpk/second_opinion.hpp"
#include "ketpk/solve.hpp"

using namespace ketpk;

namespace {
Answers row(std::vector<double> values) { return {"test", {values}, {0.0}}; }
}  // namespace

TEST_CASE("disagreement is relative above a millionth of the highest value and absolute below it") {
  CHECK(disagreement(row({1.0, 0.5}), row({1.0, 0.5})) == 0.0);
  CHECK(disagreement(row({1.0, 0.5}), row({1.0, 0.5 + 1e-9})) == Approx(2e-9));
  CHECK(disagreement(row({1.0, 1e-9}), row({1.0, 2e-9})) == Approx(1e-3));
  CHECK(disagreement(row({1.0, 0.0}), row({1.0, 1e-15})) == Approx(1e-9));
}

TEST_CASE("what is not finite, or not of one length, never counts as agreement") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, inf, -inf}) {
    CHECK_FALSE(disagreement(row({1.0, 2.0}), row({1.0, bad})) <= 1e-8);
    CHECK_FALSE(disagreement(row({bad, 2.0}), row({1.0, 2.0})) <= 1e-8);
    CHECK_FALSE(disagreement(row({bad, 2.0, 3.0}), row({1.0, 2.0, 3.0})) <= 1e-8);
  }
  CHECK_FALSE(disagreement(row({1.0, 2.0}), row({1.0})) <= 1e-8);
  CHECK_FALSE(disagreement(Answers{"a", {}, {}}, row({1.0})) <= 1e-8);
}

TEST_CASE("solvers are compared at every dose edge, at the peaks, at what is observed, and in between") {
  const Micros minute = std::chrono::minutes{1};
  const std::vector<Segment> segments{{Micros{0}, 40 * minute, 0, 1}, {40 * minute, Micros{0}, 0, 0}};
  const auto instants = instants_to_compare(segments, {7 * minute, 90 * minute}, {40.0, 55.5});
  for (const Micros t : {Micros{0}, 40 * minute, 7 * minute, 90 * minute, Micros{3'330'000'000}, 20 * minute})
    CHECK(std::find(instants.begin(), instants.end(), t) != instants.end());
  CHECK(std::is_sorted(instants.begin(), instants.end()));
  CHECK(instants.back() == 90 * minute);
}

TEST_CASE("a peak that lies past 400 d is not asked of the second solver") {
  const std::vector<Segment> segments{{Micros{0}, Micros{0}, 1, 0}};
  CHECK(instants_to_compare(segments, {}, {1e9}).back() == Micros{0});
}

TEST_CASE("a trace of metabolite before the main dose is not a disagreement") {
  // A metabolite cleared at once, a small input, then the usual one: found by review, 2026-11-21.
  const Micros minute = std::chrono::minutes{1};
  Parameters<double> p{12, 0.6 / 60, 162.0 / 60, 40, 78.0 / 60, 150, 0.2};
  p.metabolites.push_back({0.01, 2, 9600.0 / 60, 0, 1});
  const Regimen regimen{{{Micros{0}, 40 * minute, 0.01, 0.01 / 40}, {30 * minute, Micros{0}, 35, 0}},
                        BodyMass(70, unit::kg)};
  const auto segments = schedule(regimen);
  const Questions questions{.instants = instants_to_compare(segments, {40 * minute, 600 * minute}, {}),
                            .curves = {Curve::plasma(), Curve::effect_site(), Curve::metabolite(0)}};
  const auto other = second_opinion(p, segments, questions);
  REQUIRE(std::holds_alternative<Answers>(other));
  CHECK(std::get<Answers>(other).solver == "odeint");
  CHECK(disagreement(ask(solve(p, segments), questions, "exact"), std::get<Answers>(other)) < 1e-9);
}
