// SPDX-License-Identifier: Apache-2.0
// Laws that hold for every model and every regimen, tried on 10,000 random ones each for the exact solver and for
// Odeint. A failing case prints its seed.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "catch.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/solve.hpp"
#include "ketpk/solve_expm.hpp"
#include "ketpk/solve_ode.hpp"
#include "random_cases.hpp"

using namespace ketpk;
using namespace ketpk::testing;

namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KETPK_SLOW_BUILD  // ten times slower, so a tenth of the cases; the laws themselves are the release build's
#endif
#endif
#ifdef KETPK_SLOW_BUILD
constexpr std::uint64_t cases = 1'000;
#else
constexpr std::uint64_t cases = 10'000;
#endif
constexpr Micros minute = std::chrono::minutes{1};
constexpr Micros horizon = 600 * minute;

struct ExactSolver {
  static constexpr double due = 1e-10;
  [[nodiscard]] auto operator()(const Parameters<double>& p, const Regimen& r) const { return solve(p, schedule(r)); }
};

struct OdeSolver {
  static constexpr double due = 1e-8;
  [[nodiscard]] auto operator()(const Parameters<double>& p, const Regimen& r) const {
    auto attempt = solve_ode(Mammillary(p), schedule(r), horizon + 120 * minute);
    REQUIRE_FALSE(std::holds_alternative<Trouble>(attempt));
    return std::get<OdeTrajectory<Mammillary>>(std::move(attempt));
  }
};

/// a and b agree by the rule of the reference: relative above a millionth of `largest`.
bool agree(double a, double b, double largest, double due) {
  return std::abs(a - b) <= due * std::max({std::abs(a), std::abs(b), 1e-6 * largest});
}

template <class T>
double largest_plasma(const T& t) {
  double largest = 0;
  for (const Segment& s : t.segments()) {
    largest = std::max(largest, t.value(s.start, Curve::plasma()));
    if (s.duration.count() > 0) largest = std::max(largest, t.value(s.start + s.duration - Micros{1}, Curve::plasma()));
  }
  return largest;
}

std::vector<Curve> curves_of(const Parameters<double>& p) {
  std::vector<Curve> curves{Curve::plasma()};
  if (p.ke0_per_min) curves.push_back(Curve::effect_site());
  for (std::size_t i = 0; i < p.metabolites.size(); ++i) curves.push_back(Curve::metabolite(i));
  return curves;
}

Regimen scaled(Regimen r, double factor) {
  for (Dose& d : r.doses) d.amount_mg *= factor, d.rate_mg_per_min *= factor;
  return r;
}
Regimen shifted(Regimen r, Micros by) {
  for (Dose& d : r.doses) d.at += by;
  return r;
}

/// The smallest of models keeps the second solver quick: rates up to a few per minute.
Parameters<double> gentle_parameters(Random& r) {
  auto p = random_parameters(r);
  p.v1_L = std::max(p.v1_L, 10.0);
  return p;
}

}  // namespace

TEMPLATE_TEST_CASE("twice the dose is twice the concentration, doses superpose, a shift in time shifts the curve", "",
                   ExactSolver, OdeSolver) {
  const TestType solver;
  for (std::uint64_t seed = 1; seed <= cases; ++seed) {
    Random r(seed);
    const auto p = gentle_parameters(r);
    const Regimen a = random_regimen(r), b = random_regimen(r);
    std::vector<Dose> both = a.doses;
    both.insert(both.end(), b.doses.begin(), b.doses.end());
    const auto of_a = solver(p, a), of_b = solver(p, b), of_both = solver(p, regimen_of(both));
    const auto of_double = solver(p, scaled(a, 2));
    const Micros by = r.micros(0, 100);
    const auto of_shifted = solver(p, shifted(a, by));
    const double la = largest_plasma(of_a), lb = largest_plasma(of_both);
    for (int k = 0; k < 3; ++k) {
      const Micros t = r.micros(0, 600);
      for (const Curve c : curves_of(p)) {
        const double va = of_a.value(t, c), vb = of_b.value(t, c);
        if (!agree(2 * va, of_double.value(t, c), 2 * la, TestType::due) ||
            !agree(va + vb, of_both.value(t, c), lb, TestType::due) ||
            !agree(va, of_shifted.value(t + by, c), la, TestType::due))
          FAIL("seed " << seed << ", t " << minutes(t) << ", curve " << static_cast<int>(c.kind));
      }
    }
  }
  SUCCEED();
}

TEMPLATE_TEST_CASE("consecutive infusions act as one, and a paused infusion equals its two pieces", "", ExactSolver,
                   OdeSolver) {
  const TestType solver;
  for (std::uint64_t seed = 1; seed <= cases; ++seed) {
    Random r(seed);
    const auto p = gentle_parameters(r);
    const Micros over = minute + r.micros(1, 90),
                 cut =
                     Micros{1} + Micros{static_cast<std::int64_t>(r.uniform() * static_cast<double>(over.count() - 2))};
    const double mg = r.log_between(1, 100), first = mg * (minutes(cut) / minutes(over));
    const auto whole = solver(p, regimen_of({infusion(Micros{0}, over, mg)}));
    const auto pieces = solver(p, regimen_of({infusion(Micros{0}, cut, first), infusion(cut, over - cut, mg - first)}));
    const Micros pause = r.micros(0.1, 30);
    const auto paused =
        solver(p, regimen_of({infusion(Micros{0}, cut, first), infusion(cut + pause, over - cut, mg - first)}));
    const auto one = solver(p, regimen_of({infusion(Micros{0}, cut, first)}));
    const auto two = solver(p, regimen_of({infusion(cut + pause, over - cut, mg - first)}));
    const double largest = largest_plasma(whole);
    for (int k = 0; k < 3; ++k) {
      const Micros t = r.micros(0, 400);
      if (!agree(whole.value(t, Curve::plasma()), pieces.value(t, Curve::plasma()), largest, 2 * TestType::due) ||
          !agree(paused.value(t, Curve::plasma()), one.value(t, Curve::plasma()) + two.value(t, Curve::plasma()),
                 largest, 2 * TestType::due))
        FAIL("seed " << seed << ", t " << minutes(t));
    }
  }
  SUCCEED();
}

TEMPLATE_TEST_CASE(
    "plasma of one constant infusion from rest never exceeds dose / V1 nor rate / CL, and never rises after it", "",
    ExactSolver, OdeSolver) {
  const TestType solver;
  for (std::uint64_t seed = 1; seed <= cases; ++seed) {
    Random r(seed);
    const auto p = gentle_parameters(r);
    const Micros over = r.micros(0.05, 120);
    const double mg = r.log_between(1, 100);
    const auto t = solver(p, regimen_of({infusion(Micros{0}, over, mg)}));
    const double bound = std::min(mg / p.v1_L, mg / minutes(over) / p.cl_L_per_min);
    double last = t.value(over, Curve::plasma());
    if (!(last <= bound * (1 + TestType::due))) FAIL("seed " << seed << " exceeds its bound");
    for (int k = 1; k <= 12; ++k) {
      const Micros during = over / 13 * k;
      if (!(t.value(during, Curve::plasma()) <= last * (1 + TestType::due)))
        FAIL("seed " << seed << " peaks before the end");
    }
    const double end = last;
    for (int k = 1; k <= 12; ++k) {
      const double now = t.value(over + k * k * 3 * minute, Curve::plasma());
      if (!(now <= last + TestType::due * std::max(last, 1e-6 * end))) FAIL("seed " << seed << " rises after the end");
      last = now;
    }
  }
  SUCCEED();
}

TEMPLATE_TEST_CASE("drug is conserved: what was delivered is in the body or was eliminated", "", ExactSolver,
                   OdeSolver) {
  const TestType solver;
  for (std::uint64_t seed = 1; seed <= cases; ++seed) {
    Random r(seed);
    const auto p = gentle_parameters(r);
    const auto t = solver(p, random_regimen(r));
    const Micros at = r.micros(1, 600);
    const double eliminated = p.cl_L_per_min * t.auc_mg_min_per_L(at);
    const double delivered = delivered_mg(t.segments(), at);
    double in_body = 0;
    if constexpr (std::is_same_v<TestType, ExactSolver>) {
      const std::size_t i = t.segment_at(at);
      in_body = t.in_body_mg(i, minutes(at - t.segments()[i].start));
    } else {
      // Amounts of the three compartments, straight from the equations' own state.
      const auto x = t.state_at(at);
      in_body = x[0] + x[1] + x[2];
    }
    if (!(std::abs(delivered - in_body - eliminated) <= 1e-9 * std::max(delivered, 1e-6))) FAIL("seed " << seed);
  }
  SUCCEED();
}

TEST_CASE("a compartment that exchanges nothing changes nothing") {
  for (std::uint64_t seed = 1; seed <= cases; ++seed) {
    Random r(seed);
    auto p = gentle_parameters(r);
    p.q3_L_per_min = 0;
    const Regimen regimen = random_regimen(r);
    p.v3_L = 1;
    const auto without = solve(p, schedule(regimen));
    p.v3_L = r.log_between(1, 1e4);
    const auto with = solve(p, schedule(regimen));
    const Micros t = r.micros(0, 600);
    if (without.value(t, Curve::plasma()) != with.value(t, Curve::plasma())) FAIL("seed " << seed);
  }
  SUCCEED();
}

TEST_CASE("a vanishing infusion becomes a bolus, a long one settles at rate / CL, and the area is dose / CL") {
  for (std::uint64_t seed = 1; seed <= cases; ++seed) {
    Random r(seed);
    const auto p = random_parameters(r);
    const double mg = r.log_between(1, 100);
    const auto quick = solve(p, schedule(regimen_of({infusion(Micros{0}, Micros{1}, mg)})));
    const auto push = solve(p, schedule(regimen_of({bolus(Micros{0}, mg)})));
    const Micros t = r.micros(1, 300);
    if (!agree(quick.value(t, Curve::plasma()), push.value(t, Curve::plasma()), mg / p.v1_L, 1e-6))
      FAIL("seed " << seed << " bolus");
    const double rate = r.log_between(0.1, 5);
    // Twenty half-lives of the slowest mode.
    const double slowest = push.slowest_rate_per_min();
    const Micros over{static_cast<std::int64_t>(std::min(20 / slowest, 5e5) * micros_per_minute)};
    const auto longest = solve(p, schedule(regimen_of({infusion(Micros{0}, over, rate * minutes(over))})));
    const double settled = longest.value(over, Curve::plasma()) * p.cl_L_per_min / rate;
    if (slowest * minutes(over) > 19.9 && !(std::abs(settled - 1) < 3e-9))
      FAIL("seed " << seed << " settles at " << settled);
    if (!(std::abs(longest.auc_to_infinity(Curve::plasma()) * p.cl_L_per_min / (rate * minutes(over)) - 1) < 1e-12))
      FAIL("seed " << seed << " area");
  }
  SUCCEED();
}

TEST_CASE("the exact solver and Odeint agree to 1e-8 on 10,000 random models and regimens") {
  double worst = 0;
  for (std::uint64_t seed = 1; seed <= cases; ++seed) {
    Random r(seed);
    const auto p = random_parameters(r);
    const Regimen regimen = random_regimen(r);
    const auto exact = ExactSolver{}(p, regimen);
    const auto other = OdeSolver{}(p, regimen);
    for (const Curve c : curves_of(p)) {
      const double largest = peak(course_of(exact, c)).ng_per_mL / 1000;
      for (int k = 0; k < 4; ++k) {
        const Micros t = r.micros(0, 600);
        const double a = exact.value(t, c), b = other.value(t, c);
        const double d = a == b ? 0 : std::abs(a - b) / std::max(a, 1e-6 * largest);
        if (!(d <= worst)) worst = d;
        if (!(d < 1e-8))
          FAIL("seed " << seed << ", t " << minutes(t) << ", curve " << static_cast<int>(c.kind) << ": " << d);
      }
    }
  }
  WARN("worst difference of the exact solver and Odeint: " << worst);
  CHECK(worst > 0);
}

TEST_CASE("of 10,000 pulses of 0.1 to 60 s none is missed and each curve is right to 1e-9") {
  for (std::uint64_t seed = 1; seed <= cases; ++seed) {
    Random r(seed);
    const auto p = random_parameters(r);
    const Micros at = r.micros(0, 1440), over = r.micros(0.1 / 60, 1);
    const double mg = r.log_between(0.5, 50);
    const auto segments = schedule(regimen_of({infusion(at, over, mg)}));
    const auto exact = solve(p, segments);
    const auto attempt = solve_expm(p, segments, 2000 * minute);
    const auto& other = std::get<ExpmTrajectory>(attempt);
    for (const Micros t : {at - Micros{1}, at + over / 2, at + over, at + over + r.micros(0, 60), 1600 * minute}) {
      if (t.count() < 0) continue;
      for (const Curve c : curves_of(p)) {
        const double a = exact.value(t, c), b = other.value(t, c);
        if (!(std::max(a, b) < 1e-290 || std::abs(a - b) <= 1e-9 * std::max(a, b)))
          FAIL("seed " << seed << ", t " << minutes(t));
      }
    }
    if (!(exact.value(at + over, Curve::plasma()) > 0)) FAIL("seed " << seed << " missed");
    if (!(std::abs(exact.auc_to_infinity(Curve::plasma()) * p.cl_L_per_min / mg - 1) < 1e-12))
      FAIL("seed " << seed << " mass");
  }
  SUCCEED();
}
