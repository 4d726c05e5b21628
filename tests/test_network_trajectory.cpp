// SPDX-License-Identifier: Apache-2.0

#include "ketpk/network_trajectory.hpp"

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
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

TEST_CASE("transit compartments that all empty at one rate give the terms of an Erlang distribution") {
  // A bolus that leaves plasma at k, then n compartments that each lose k, then a metabolite that loses k: of D mg
  // there are f D (k t)^(n + 1) / (n + 1)! exp(-k t) in it, most at t = (n + 1) / k.
  for (const int n : {1, 2, 5, 12}) {
    INFO(n << " transit compartments");
    const double k = 0.05, f = 0.75, D = 40;
    Parameters<double> p{20, 20 * k, 0, 1, 0, 1};
    p.metabolites = {{f, 8, 8 * k, 0, 1}};
    p.metabolites[0].transits = static_cast<std::size_t>(n);
    p.metabolites[0].transit_per_min = k;
    const NetworkTrajectory t = followed(p, {{.line = 1, .time = 0us, .dose = Entering{.place = 0, .bolus_mg = D}}});
    const auto closed = [&](double min) {
      return f * D * std::exp((n + 1) * std::log(k * min) - std::lgamma(n + 2.0) - k * min) / 8;
    };
    for (const int min : {5, 20, 60, 200, 600})
      CHECK(t.value(std::chrono::minutes{min}, Curve::metabolite(0)) == Approx(closed(min)).epsilon(1e-8));
    const Exposure e = exposure(t, courses_of(t));
    CHECK(e.metabolites[0].peak.min == Approx((n + 1) / k).epsilon(1e-6));
    CHECK(e.metabolites[0].peak.ng_per_mL == Approx(1000 * closed((n + 1) / k)).epsilon(1e-8));
    CHECK(e.metabolites[0].auc_inf_ng_h_per_mL == Approx(f * D / (8 * k) * 1000 / 60).epsilon(1e-12));
    CHECK(t.mass_balance_rel() < 1e-10);
  }
}

TEST_CASE("transit compartments that empty at once are as if there were none") {
  Parameters<double> p{25, 1.4, 2, 56, 1, 157};
  p.metabolites = {{0.8, 12, 1, 2.6, 221}};
  const std::vector<Happening> doses{
      {.line = 1, .time = 0us, .dose = Entering{.place = 0, .rate_mg_per_min = 0.875, .duration = 40min}}};
  const NetworkTrajectory at_once = followed(p, doses);
  p.metabolites[0].transits = 2;
  p.metabolites[0].transit_per_min = 2 / 1e-6;
  const NetworkTrajectory soon = followed(p, doses);
  for (const int min : {20, 40, 60, 300}) {
    const Micros t = std::chrono::minutes{min};
    CHECK(soon.value(t, Curve::metabolite(0)) == Approx(at_once.value(t, Curve::metabolite(0))).epsilon(1e-6));
  }
}

TEST_CASE("a liver and plasma alone follow the two exponentials of their matrix, and the drug is all accounted for") {
  testing::Random random(7);
  for (int i = 0; i < 40; ++i) {
    INFO("case " << i);
    Parameters<double> p{random.log_between(5, 200), 0, 0, 1, 0, 1};
    p.liver = {random.log_between(0.2, 4), random.log_between(5, 200), random.uniform(), random.log_between(0.01, 0.5)};
    const double out = p.liver->q_L_per_min / p.v1_L, back = p.liver->q_L_per_min / p.liver->v_L;
    const double k = p.liver->kel_per_min + p.liver->kmet_per_min;
    // rates: roots of x^2 - (out + back + k) x + out k
    const double sum = out + back + k, root = std::sqrt(sum * sum - 4 * out * k);
    const double fast = (sum + root) / 2, slow = out * k / fast;
    p.metabolites = {{0.9, 15, 0.4, 0, 1}};
    // The liver stands first, plasma second.
    const NetworkTrajectory t = followed(p, {{.line = 1, .time = 0us, .dose = Entering{.place = 1, .bolus_mg = 30}}});
    for (const int min : {1, 10, 100}) {
      const double a = (back + k - slow) / (fast - slow), b = (fast - back - k) / (fast - slow);
      const double closed = 30 / p.v1_L * (a * std::exp(-slow * min) + b * std::exp(-fast * min));
      CHECK(t.value(std::chrono::minutes{min}, Curve::plasma()) == Approx(closed).epsilon(1e-8).margin(1e-12));
    }
    const Exposure e = exposure(t, courses_of(t));
    // 0 = 30 - k (area under the liver); 0 = Q AUC - (Q / Vh + k) (area under the liver)
    const double auc = 30 / k * (back + k) / p.liver->q_L_per_min;
    CHECK(e.auc_inf_ng_h_per_mL == Approx(auc * 1000 / 60).epsilon(1e-12));
    CHECK(t.auc_mg_min_per_L(24h * 300) == Approx(auc).epsilon(1e-8));
    CHECK(e.terminal_half_life_min == Approx(std::log(2) / slow).epsilon(1e-12));
    CHECK(e.metabolites[0].auc_inf_ng_h_per_mL ==
          Approx(30 * 0.9 * p.liver->kmet_per_min / k / 0.4 * 1000 / 60).epsilon(1e-12));
    CHECK(t.mass_balance_rel() < 1e-10);
    CHECK(t.in_body_mg(0us) == Approx(30).epsilon(1e-12));
  }
}

TEST_CASE("what begins in the liver reaches plasma less what the liver takes first") {
  Parameters<double> p{20, 0, 0, 1, 0, 1};
  p.liver = {1.5, 30, 0.02, 0.08};
  p.metabolites = {{1, 15, 0.4, 0, 1}};
  const NetworkTrajectory t = followed(p, {{.line = 1, .time = 0us, .dose = Entering{.place = 0, .bolus_mg = 30}}});
  const double first_pass = 0.1 / (0.1 + 1.5 / 30), cl = 1.5 * 3 / (1.5 + 3);
  CHECK(t.auc_to_infinity(Curve::plasma()) == Approx(30 * (1 - first_pass) / cl).epsilon(1e-12));
  CHECK(t.auc_mg_min_per_L(24h * 300) == Approx(30 * (1 - first_pass) / cl).epsilon(1e-8));
  CHECK(t.auc_to_infinity(Curve::metabolite(0)) == Approx(30 * 0.8 / 0.4).epsilon(1e-12));
}

TEST_CASE("the four rates of a parent with a liver are the eigenvalues of its matrix") {
  // Perez-Ruixo 2021 in hours; eigenvalues in NumPy [1/min].
  const Parameters<double> p{.v1_L = 192,
                             .cl_L_per_min = 0,
                             .q2_L_per_min = 84.3 / 60,
                             .v2_L = 143,
                             .q3_L_per_min = 37.6 / 60,
                             .v3_L = 417,
                             .liver = LiverParameters<double>{151.0 / 60, 101, 1.11 / 60, 2.77 / 60}};
  std::vector<double> rates;
  double coupled = 0;
  for (const auto& mode : ketpk::detail::parent_modes(p)) {
    rates.push_back(mode.rate_per_min);
    coupled += mode.coupling * mode.coupling;
  }
  std::sort(rates.begin(), rates.end());
  const std::array<double, 4> numpy{0.0010470583749682, 0.0052831086136409, 0.023999633620778, 0.094271566504531};
  REQUIRE(rates.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(rates[i] == Approx(numpy[i]).epsilon(1e-12));
  CHECK(coupled == Approx(1.0 / 192).epsilon(1e-14));  // all of a unit amount is in plasma at first
}
