// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "catch.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/solve.hpp"
#include "ketpk/solve_ode.hpp"
#include "random_cases.hpp"

using namespace ketpk;
using namespace ketpk::testing;

namespace {

constexpr Micros minute = std::chrono::minutes{1};
const Parameters<double> kamp{25, 84.0 / 60, 161.0 / 60, 56, 79.0 / 60, 157};

/// Highest of a dense sample and when: a lower bound for the peak that knows nothing of turning points.
Peak sampled_peak(const ExactTrajectory<>& t, Curve c, double until_min, int points) {
  Peak best{0, 0};
  for (int k = 0; k <= points; ++k) {
    const Micros at{static_cast<std::int64_t>(until_min * micros_per_minute / points * k)};
    const double v = t.value(at, c) * 1000;
    if (v > best.ng_per_mL) best = {v, minutes(at)};
  }
  return best;
}

}  // namespace

TEST_CASE("the peak of the protocol is at the end of the infusion, whatever grid anyone looks at") {
  const auto t = solve(kamp, schedule(regimen_of({infusion(Micros{0}, 40 * minute, 35)})));
  const Peak p = peak(course_of(t, Curve::plasma()));
  CHECK(p.min == 40.0);
  CHECK(p.ng_per_mL == Approx(253).margin(0.5));
}

TEST_CASE("a push inside an infusion is the peak though a 5-min grid shows a ninth of it") {
  const auto t = solve(
      kamp, schedule(regimen_of({bolus(Micros{62'000'000}, 17.5), infusion(Micros{62'000'000}, 40 * minute, 17.5)})));
  const Peak p = peak(course_of(t, Curve::plasma()));
  CHECK(p.min == minutes(Micros{62'000'000}));
  CHECK(p.ng_per_mL == Approx(700).epsilon(1e-12));  // 17.5 mg / 25 L
}

TEST_CASE("no dense sample is ever above the peak, and the peak is reached") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const auto p = random_parameters(r);
    const auto t = solve(p, schedule(random_regimen(r)));
    for (const auto& course : courses_of(t)) {
      const Peak found = peak(course);
      const Peak sampled = sampled_peak(t, course.curve, 1500, 6000);
      CHECK(found.ng_per_mL >= sampled.ng_per_mL * (1 - 1e-12));
      const Micros there{static_cast<std::int64_t>(std::llround(found.min * micros_per_minute))};
      CHECK(t.value(there, course.curve) * 1000 == Approx(found.ng_per_mL).epsilon(1e-7));
    }
  }
}

TEST_CASE("between two turning points a curve only rises or only falls") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const auto p = random_parameters(r);
    const auto t = solve(p, schedule(random_regimen(r)));
    for (const auto& course : courses_of(t)) {
      for (const Piece& piece : course.pieces) {
        const double span = std::min(piece.to_tau, piece.from_tau + 3000) - piece.from_tau;
        double last = piece.from;
        for (int k = 1; k <= 50; ++k) {
          const double now = t.at(piece.segment, piece.from_tau + span * k / 50, course.curve);
          if (piece.to >= piece.from)
            CHECK(now >= last * (1 - 1e-13));
          else
            CHECK(now <= last * (1 + 1e-13));
          last = now;
        }
      }
    }
  }
}

TEST_CASE("minutes above a level agree with counting a fine grid") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const auto p = random_parameters(r);
    const auto t = solve(p, schedule(random_regimen(r)));
    const auto course = course_of(t, Curve::plasma());
    const double level = peak(course).ng_per_mL * r.between(0.05, 0.99);
    constexpr int points = 20'000;
    const Micros until = 600 * minute, step = until / points;
    int above = 0, edges = 0;
    bool before = false;
    for (int k = 0; k < points; ++k) {
      const bool now = t.value(k * step + step / 2, Curve::plasma()) * 1000 > level;
      above += now ? 1 : 0;
      edges += now != before ? 1 : 0;
      before = now;
    }
    const TimeAbove found = time_above(course, level, until);
    CHECK(std::abs(found.minutes - above * minutes(step)) <= (edges + 1) * minutes(step));
  }
}

TEST_CASE("a dip below a level inside one segment is seen") {
  // A bolus, then a slow infusion that brings the curve back: within the one infusion segment it falls and rises.
  const Parameters<double> p{5, 0.5, 3, 100, 0, 1};
  const auto t = solve(p, schedule(regimen_of({bolus(Micros{0}, 20), infusion(Micros{0}, 600 * minute, 300)})));
  const auto course = course_of(t, Curve::plasma());
  const auto turns = t.turning_points(0, Curve::plasma());
  REQUIRE(turns.size() == 1);
  const double lowest = t.at(0, turns[0], Curve::plasma()) * 1000;
  const double level = lowest * 1.05;
  REQUIRE(t.at(0, 0.0, Curve::plasma()) * 1000 > level);
  const TimeAbove found = time_above(course, level, 600 * minute);
  CHECK(*found.first_min == 0.0);
  CHECK(found.minutes < 600.0);
  // Independent: bisection of both crossings on either side of the lowest point.
  const auto bisect = [&](double a, double b) {
    for (int k = 0; k < 200; ++k) {
      const double m = (a + b) / 2;
      ((t.at(0, m, Curve::plasma()) * 1000 > level) == (t.at(0, a, Curve::plasma()) * 1000 > level) ? a : b) = m;
    }
    return a;
  };
  const double down = bisect(0, turns[0]), up = bisect(turns[0], 600);
  CHECK(found.minutes == Approx(600 - (up - down)).epsilon(1e-12));
}

TEST_CASE("two turning points inside one segment of a three-compartment model are both found") {
  // A fast and a slow compartment filled by earlier dosing: after a bolus plasma falls, returns and turns again.
  bool seen = false;
  for (std::uint64_t seed = 1; seed <= 3000 && !seen; ++seed) {
    Random r(seed);
    auto p = random_parameters(r);
    const auto t = solve(p, schedule(random_regimen(r)));
    for (std::size_t i = 0; i + 1 < t.segments().size(); ++i)
      seen = seen || t.turning_points(i, Curve::plasma()).size() >= 2;
  }
  CHECK(seen);
}

TEST_CASE("equal peaks: the earliest is reported") {
  // Sessions far apart in a model without memory.
  const Parameters<double> p{30, 3, 0, 1, 0, 1};
  std::vector<Dose> doses;
  for (int day = 0; day < 4; ++day) doses.push_back(infusion(day * 1440 * minute, 40 * minute, 35));
  const auto t = solve(p, schedule(regimen_of(doses)));
  CHECK(peak(course_of(t, Curve::plasma())).min == 40.0);
}

TEST_CASE("an infusion edge on a rising curve is no peak") {
  const Parameters<double> p{30, 1, 0, 1, 0, 1};
  const auto t = solve(
      p, schedule(regimen_of({infusion(Micros{0}, 600 * minute, 100), infusion(590 * minute, 10 * minute, 1e-9)})));
  CHECK(peak(course_of(t, Curve::plasma())).min == 600.0);
}

TEST_CASE(
    "area to infinity is dose over clearance, of metabolites too, and the terminal half-life is the slowest mode") {
  auto p = kamp;
  p.metabolites.push_back({0.8, 98, 0.9, 0.7, 160});
  const auto t = solve(p, schedule(regimen_of({infusion(Micros{0}, 40 * minute, 35)})));
  const Exposure e = exposure(t, courses_of(t));
  CHECK(e.auc_inf_ng_h_per_mL == Approx(35.0 / 84 * 1000).epsilon(1e-13));
  CHECK(e.metabolites.at(0).auc_inf_ng_h_per_mL == Approx(0.8 * 35 / (0.9 * 60) * 1000).epsilon(1e-13));
  CHECK(e.terminal_half_life_min == Approx(3.06 * 60).epsilon(2e-3));  // literature table, 3.06 h
  CHECK(e.delivered_mg == Approx(35).epsilon(1e-15));
}

TEST_CASE("a compartment that exchanges nothing leaves the terminal half-life alone") {
  const Parameters<double> p{30, 1, 0, 500, 0, 1};
  const auto t = solve(p, schedule(regimen_of({bolus(Micros{0}, 10)})));
  CHECK(exposure(t, courses_of(t)).terminal_half_life_min == Approx(30 * std::log(2.0)).epsilon(1e-14));
}

TEST_CASE("a level that is never reached is never first reached") {
  const auto t = solve(kamp, schedule(regimen_of({infusion(Micros{0}, 40 * minute, 35)})));
  const TimeAbove found = time_above(course_of(t, Curve::plasma()), 1000);
  CHECK(found.minutes == 0.0);
  CHECK_FALSE(found.first_min.has_value());
}

TEST_CASE("without an end the whole course is counted") {
  const Parameters<double> p{10, 1, 0, 1, 0, 1};  // 1 mg/L after 10 mg; falls to 1 ng/mL after ln(1000) / 0.1 min
  const auto t = solve(p, schedule(regimen_of({bolus(Micros{0}, 10)})));
  CHECK(time_above(course_of(t, Curve::plasma()), 1.0).minutes == Approx(std::log(1000.0) / 0.1).epsilon(1e-12));
}

static_assert(Trajectory<ExactTrajectory<>>);
static_assert(Trajectory<OdeTrajectory<Mammillary>>);

TEST_CASE("the same questions asked of Odeint's dense output give the same peaks and minutes above") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const auto p = random_parameters(r);
    const auto segments = schedule(random_regimen(r));
    const Micros until = 1200 * minute;
    const auto exact = solve(p, segments);
    const auto attempt = solve_ode(Mammillary(p), segments, until);
    const auto& other = std::get<OdeTrajectory<Mammillary>>(attempt);
    const auto a = course_of(exact, Curve::plasma());
    const auto b = course_of(other, Curve::plasma());
    CHECK(peak(b).ng_per_mL == Approx(peak(a).ng_per_mL).epsilon(1e-8));
    const double level = peak(a).ng_per_mL * r.between(0.1, 0.9);
    CHECK(time_above(b, level, until).minutes ==
          Approx(time_above(a, level, until).minutes).epsilon(1e-6).margin(1e-5));
  }
}

TEST_CASE("an edge where nothing changes is no peak, however long the curve has been level") {
  const auto one = solve(kamp, schedule(regimen_of({infusion(Micros{0}, 28800 * minute, 1000)})));
  const auto two = solve(
      kamp,
      schedule(regimen_of({infusion(Micros{0}, 14400 * minute, 500), infusion(14400 * minute, 14400 * minute, 500)})));
  CHECK(peak(course_of(one, Curve::plasma())).min == 28800.0);
  CHECK(peak(course_of(two, Curve::plasma())).min == 28800.0);
}

TEST_CASE("the peak of a dose too small to matter is still the peak") {
  auto p = kamp;
  p.metabolites.push_back({0.8, 98, 0.9, 0.7, 160});
  const auto usual = solve(p, schedule(regimen_of({infusion(Micros{0}, 40 * minute, 1)})));
  const auto minute_dose = solve(p, schedule(regimen_of({infusion(Micros{0}, 40 * minute, 1e-50)})));
  const Peak a = peak(course_of(usual, Curve::metabolite(0))), b = peak(course_of(minute_dose, Curve::metabolite(0)));
  CHECK(b.min == Approx(a.min).epsilon(1e-9));
  CHECK(b.ng_per_mL == Approx(a.ng_per_mL * 1e-50).epsilon(1e-12));
}

TEST_CASE("a bolus at the last instant is above, for no time") {
  const auto t = solve(kamp, schedule(regimen_of({bolus(10 * minute, 35)})));
  const TimeAbove found = time_above(course_of(t, Curve::plasma()), 100, 10 * minute);
  CHECK(found.minutes == 0.0);
  CHECK(found.first_min == 10.0);
}
