// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "catch.hpp"
#include "golden.hpp"
#include "ketpk/solve.hpp"
#include "ketpk/solve_expm.hpp"
#include "random_cases.hpp"

using namespace ketpk;
using namespace ketpk::testing;

namespace {

constexpr Micros minute = std::chrono::minutes{1};
const Parameters<double> kamp{25, 84.0 / 60, 161.0 / 60, 56, 79.0 / 60, 157};

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

}  // namespace

TEST_CASE("rates and couplings obey the invariants of the rate matrix") {
  // Trace, determinant and first moment of the textbook matrix, against sums and products of the modes.
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const Parameters<double> p = random_parameters(r);
    const auto m = modes(p);
    const double trace =
        (p.cl_L_per_min + p.q2_L_per_min + p.q3_L_per_min) / p.v1_L + p.q2_L_per_min / p.v2_L + p.q3_L_per_min / p.v3_L;
    CHECK(m.rate_per_min[0] + m.rate_per_min[1] + m.rate_per_min[2] == Approx(trace).epsilon(1e-13));
    double weight = 0, outflow = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      weight += m.coupling[j] * m.coupling[j];
      outflow += m.coupling[j] * m.coupling[j] * m.rate_per_min[j];
    }
    CHECK(weight * p.v1_L == Approx(1).epsilon(1e-13));
    CHECK(outflow * p.v1_L == Approx((p.cl_L_per_min + p.q2_L_per_min + p.q3_L_per_min) / p.v1_L).epsilon(1e-13));
    if (p.q2_L_per_min > 0 && p.q3_L_per_min > 0) {
      const double determinant = p.cl_L_per_min / p.v1_L * p.q2_L_per_min / p.v2_L * p.q3_L_per_min / p.v3_L;
      CHECK(m.rate_per_min[0] * m.rate_per_min[1] * m.rate_per_min[2] == Approx(determinant).epsilon(1e-12));
    }
  }
}

TEST_CASE("the exact solution agrees with a matrix exponential on 10,000 random models to 1e-9") {
  double worst = 0;
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const Parameters<double> p = random_parameters(r);
    const auto segments = schedule(random_regimen(r));
    const Micros horizon = segments.back().start + r.micros(1, 600);
    const auto exact = solve(p, segments);
    const auto attempt = solve_expm(p, segments, horizon);
    REQUIRE(std::holds_alternative<ExpmTrajectory>(attempt));
    const auto& other = std::get<ExpmTrajectory>(attempt);
    for (int k = 0; k < 6; ++k) {
      const Micros t = r.one_in(3)
                           ? segments[static_cast<std::size_t>(r.below(static_cast<int>(segments.size())))].start
                           : Micros{static_cast<std::int64_t>(r.uniform() * static_cast<double>(horizon.count()))};
      const auto compare = [&](double a, double b) {
        if (a == b) return;
        const double d = std::abs(a - b) / std::max(a, 1e-30);
        if (!(d <= worst)) worst = d;
      };
      compare(exact.value(t, Curve::plasma()), other.value(t, Curve::plasma()));
      if (p.ke0_per_min) compare(exact.value(t, Curve::effect_site()), other.value(t, Curve::effect_site()));
      for (std::size_t m = 0; m < p.metabolites.size(); ++m)
        compare(exact.value(t, Curve::metabolite(m)), other.value(t, Curve::metabolite(m)));
      compare(exact.auc_mg_min_per_L(t), other.auc_mg_min_per_L(t));
    }
  }
  INFO("worst relative difference " << worst);
  CHECK(worst < 1e-9);
  CHECK(worst > 0);  // the two roads do not share their rounding
}

TEST_CASE("equal and nearly equal rate constants are ordinary") {
  // k10 = k12 = k21 = k13 = k31 = ke0 = 0.1 per min; reference: the Taylor exponential, which knows no eigenvalues.
  for (double gap = 1e-1; gap > 1e-17; gap /= 10) {
    Parameters<double> p{10, 1, 1, 10, 1, 10 * (1 + gap), 0.1 * (1 + gap), {}};
    p.metabolites.push_back({1.0, 10, 1, 1, 10 * (1 - gap)});
    const auto segments = schedule(regimen_of({infusion(Micros{0}, 40 * minute, 35), bolus(10 * minute, 5)}));
    const auto exact = solve(p, segments);
    const auto attempt = solve_expm(p, segments, 600 * minute);
    const auto& other = std::get<ExpmTrajectory>(attempt);
    for (int t = 0; t <= 600; t += 7) {
      INFO("gap " << gap << ", t " << t);
      for (const Curve c : {Curve::plasma(), Curve::effect_site(), Curve::metabolite(0)})
        CHECK(exact.value(t * minute, c) == Approx(other.value(t * minute, c)).epsilon(1e-11).margin(1e-300));
    }
  }
}

TEST_CASE("rate constants from 1e-8 to 1e8 per minute are ordinary") {
  const Parameters<double> p{1, 1e-8, 1e8, 1, 1, 1e8};
  const auto segments = schedule(regimen_of({infusion(Micros{0}, 40 * minute, 35)}));
  const auto exact = solve(p, segments);
  const auto attempt = solve_expm(p, segments, 400 * 1440 * minute);
  const auto& other = std::get<ExpmTrajectory>(attempt);
  for (const Micros t : {Micros{1}, minute, 40 * minute, 41 * minute, 1440 * minute, 400 * 1440 * minute})
    CHECK(exact.value(t, Curve::plasma()) == Approx(other.value(t, Curve::plasma())).epsilon(1e-9));
}

TEST_CASE("regular grids and arbitrary instants give what single questions give") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const auto p = random_parameters(r);
    const auto exact = solve(p, schedule(random_regimen(r)));
    const Micros step = r.micros(0.01, 3);
    std::vector<double> grid(1000), scattered(1000);
    std::vector<Micros> times;
    for (int k = 0; k < 1000; ++k) times.push_back(k * step);
    exact.plasma_on_grid(Micros{0}, step, grid);
    exact.plasma_at(times, scattered);
    for (std::size_t k = 0; k < times.size(); ++k) {
      const double single = exact.value(times[k], Curve::plasma());
      CHECK(grid[k] == Approx(single).epsilon(1e-12).margin(1e-300));
      CHECK(scattered[k] == Approx(single).epsilon(1e-13).margin(1e-300));
    }
  }
}

TEST_CASE("eight patients in lanes get the bits that each gets alone") {
  using Lanes = ketpk::Lanes<8>;
  Random r(7);
  std::array<Parameters<double>, 8> alone{};
  Parameters<Lanes> together{};
  MetaboliteParameters<Lanes> metabolite{};
  Lanes ke0;
  for (std::size_t i = 0; i < 8; ++i) {
    auto& p = alone[i];
    p = {r.log_between(4, 90),
         r.log_between(.3, 3),
         r.log_between(.1, 4),
         r.log_between(5, 90),
         r.log_between(.1, 4),
         r.log_between(20, 400),
         r.log_between(.05, 2),
         {{1.0, r.log_between(20, 200), r.log_between(.3, 2), r.log_between(.1, 2), r.log_between(20, 300)}}};
    if (i == 3) p.q3_L_per_min = p.q2_L_per_min, p.v3_L = p.v2_L;
    together.v1_L.set(i, p.v1_L), together.cl_L_per_min.set(i, p.cl_L_per_min);
    together.q2_L_per_min.set(i, p.q2_L_per_min), together.v2_L.set(i, p.v2_L);
    together.q3_L_per_min.set(i, p.q3_L_per_min), together.v3_L.set(i, p.v3_L);
    ke0.set(i, *p.ke0_per_min);
    const auto& m = p.metabolites[0];
    metabolite.fraction.set(i, m.fraction), metabolite.v1_L.set(i, m.v1_L),
        metabolite.cl_L_per_min.set(i, m.cl_L_per_min);
    metabolite.q2_L_per_min.set(i, m.q2_L_per_min), metabolite.v2_L.set(i, m.v2_L);
  }
  together.ke0_per_min = ke0;
  together.metabolites.push_back(metabolite);
  const auto segments = schedule(regimen_of({infusion(Micros{0}, 40 * minute, 35), bolus(15 * minute, 3)}));
  std::vector<SegmentOf<Lanes>> lane_segments;
  for (const Segment& s : segments) lane_segments.push_back({s.start, s.duration, s.bolus_mg, s.rate_mg_per_min});
  const ExactTrajectory<Lanes> lanes(respond(together), lane_segments);
  int compared = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    const auto single = solve(alone[i], segments);
    for (int t = 0; t < 300; t += 13)
      for (const Curve c : {Curve::plasma(), Curve::effect_site(), Curve::metabolite(0)}) {
        CHECK(same_bits(lanes.value(t * minute, c)[i], single.value(t * minute, c)));
        ++compared;
      }
  }
  CHECK(compared == 8 * 24 * 3);
}

TEST_CASE("a parameter that is not physical is refused by name") {
  const auto refused = [](Parameters<double> p) -> std::string {
    try {
      (void)solve(p, schedule(regimen_of({bolus(Micros{0}, 1)})));
    } catch (const InvalidInput& e) {
      return std::string(name_of(e.code)) + ' ' + e.field;
    }
    return "accepted";
  };
  auto p = kamp;
  CHECK(refused(p) == "accepted");
  p = kamp, p.cl_L_per_min = 0;
  CHECK(refused(p) == "E_MODEL_PARAM CL");
  p = kamp, p.v1_L = 0;
  CHECK(refused(p) == "E_MODEL_PARAM V1");
  p = kamp, p.v2_L = -56;
  CHECK(refused(p) == "E_MODEL_PARAM V2");
  p = kamp, p.q3_L_per_min = -1;
  CHECK(refused(p) == "E_MODEL_PARAM Q3");
  p = kamp, p.ke0_per_min = std::nan("");
  CHECK(refused(p) == "E_MODEL_PARAM ke0");
  p = kamp, p.v3_L = INFINITY;
  CHECK(refused(p) == "E_MODEL_PARAM V3");
}
