// SPDX-License-Identifier: Apache-2.0

#include "ketpk/network_trajectory.hpp"

#include "catch.hpp"

#include <cmath>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/exposure.hpp"
#include "ketpk/solve.hpp"
#include "random_cases.hpp"

using namespace ketpk;
using namespace std::chrono_literals;

static_assert(Trajectory<NetworkTrajectory>);

namespace {

NetworkTrajectory followed(const Parameters<double>& p, const std::vector<Happening>& doses) {
  std::vector<Happening> records{{.line = 0, .time = 0us}};
  records.insert(records.end(), doses.begin(), doses.end());
  Timeline t = timeline(records, CovariateRule::nonmem);
  auto answer = follow(p, t);
  if (const auto* trouble = std::get_if<Trouble>(&answer)) FAIL(trouble->message);
  return std::get<0>(std::move(answer));
}

}  // namespace

TEST_CASE("absorption from a depot peaks where Bateman's function does, and its area is dose over clearance") {
  testing::Random random(3);
  for (int i = 0; i < 200; ++i) {
    const double ka = random.log_between(std::exp(-5), 1), k = random.log_between(std::exp(-5), 1);
    INFO("ka " << ka << " k " << k);
    const NetworkTrajectory t = followed({20, 20 * k, 0, 1, 0, 1, {}, {}, {{ka}}},
                                         {{.line = 1, .time = 7min, .dose = Entering{.place = 0, .bolus_mg = 100}}});
    const Exposure e = exposure(t, courses_of(t));
    const double tmax = std::log(ka / k) / (ka - k);
    CHECK(e.plasma.min == Approx(7 + tmax).epsilon(1e-6));
    CHECK(e.plasma.ng_per_mL == Approx(5000 * std::exp(-k * tmax)).epsilon(1e-9));
    CHECK(e.auc_inf_ng_h_per_mL == Approx(100 / (20 * k) * 1000 / 60).epsilon(1e-13));
    CHECK(t.auc_mg_min_per_L(24h * 300) == Approx(100 / (20 * k)).epsilon(1e-9));
    CHECK(e.terminal_half_life_min == Approx(std::log(2) / std::min(ka, k)).epsilon(1e-12));
  }
}

TEST_CASE("what goes straight into plasma answers as the exact solution does") {
  testing::Random random(5);
  const auto u = [&] { return random.uniform(); };
  for (int i = 0; i < 60; ++i) {
    INFO("case " << i);
    Parameters<double> p{
        5 + 50 * u(),   0.1 + 2 * u(), i % 3 == 0 ? 0 : 3 * u(), 10 + 90 * u(), i % 4 == 0 ? 0 : 2 * u(),
        50 + 200 * u(), 0.05 + u()};
    p.metabolites = {{0.9, 20 + 100 * u(), 0.2 + u(), u(), 100}};
    const NetworkTrajectory t = followed(
        p, {{.line = 1, .time = 0us, .dose = Entering{.place = 0, .rate_mg_per_min = 0.875, .duration = 40min}},
            {.line = 2, .time = 60min, .dose = Entering{.place = 0, .bolus_mg = 10}}});
    const ExactTrajectory<> exact = solve(p, {{0us, 40min, 0, 0.875}, {40min, 20min, 0, 0}, {60min, 0us, 10, 0}});
    const Exposure a = exposure(t, courses_of(t)), b = exposure(exact, courses_of(exact));
    CHECK(a.plasma.ng_per_mL == Approx(b.plasma.ng_per_mL).epsilon(1e-9));
    CHECK(a.plasma.min == Approx(b.plasma.min).epsilon(1e-9));
    CHECK(a.auc_inf_ng_h_per_mL == Approx(b.auc_inf_ng_h_per_mL).epsilon(1e-12));
    CHECK(a.terminal_half_life_min == Approx(b.terminal_half_life_min).epsilon(1e-12));
    CHECK(a.effect_site->ng_per_mL == Approx(b.effect_site->ng_per_mL).epsilon(1e-9));
    CHECK(a.effect_site->min == Approx(b.effect_site->min).epsilon(1e-5));
    CHECK(a.metabolites[0].peak.ng_per_mL == Approx(b.metabolites[0].peak.ng_per_mL).epsilon(1e-9));
    CHECK(a.metabolites[0].auc_inf_ng_h_per_mL == Approx(b.metabolites[0].auc_inf_ng_h_per_mL).epsilon(1e-12));
    const Course<NetworkTrajectory> plasma = course_of(t, Curve::plasma());
    const Course<ExactTrajectory<>> same = course_of(exact, Curve::plasma());
    for (const double level : {5.0, 50.0, 200.0})
      CHECK(time_above(plasma, level).minutes == Approx(time_above(same, level).minutes).epsilon(1e-8).margin(1e-8));
  }
}

TEST_CASE("a bolus that is eliminated at saturation follows the closed form of Michaelis and Menten") {
  // C + Km ln C falls by Vmax / V per minute, so the time from C0 to C is known (the closed form for C is Lambert's W).
  Parameters<double> p{.v1_L = 20, .cl_L_per_min = 0, .q2_L_per_min = 0, .v2_L = 1, .q3_L_per_min = 0, .v3_L = 1};
  p.saturable = {0.4, 0.3};
  const NetworkTrajectory t = followed(p, {{.line = 1, .time = 0us, .dose = Entering{.place = 0, .bolus_mg = 60}}});
  const auto minutes_to = [&](double c) { return (3 - c + 0.3 * std::log(3 / c)) * 20 / 0.4; };
  for (const double c : {2.5, 1.0, 0.3, 0.05, 1e-3})
    CHECK(time_above(course_of(t, Curve::plasma()), 1000 * c).minutes == Approx(minutes_to(c)).epsilon(1e-9));
  // The area: the integral of C dt = (C + Km) dC V / Vmax from 0 to C0.
  CHECK(t.auc_to_infinity(Curve::plasma()) == Approx((3 * 3 / 2.0 + 0.3 * 3) * 20 / 0.4).epsilon(1e-9));
}
