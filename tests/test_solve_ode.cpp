// SPDX-License-Identifier: Apache-2.0
// Expected values: the reference cases, the matrix exponential (another road, held to 1e-11 in test_solve_expm.cpp),
// textbook formulas, and a Runge–Kutta 4 of fixed tiny steps written here. Work is asserted, times are not.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "golden.hpp"
#include "ketpk/model.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve_expm.hpp"
#include "ketpk/solve_ode.hpp"
#include "random_cases.hpp"

using namespace ketpk;
using namespace ketpk::testing;
using namespace std::chrono_literals;

namespace {

using Ode = OdeTrajectory<Mammillary>;

Ode solved(const Parameters<double>& p, const std::vector<Segment>& segments, Micros horizon, OdeOptions options = {}) {
  auto attempt = solve_ode(Mammillary(p), segments, horizon, options);
  if (const auto* trouble = std::get_if<Trouble>(&attempt)) FAIL(trouble->message);
  return std::get<Ode>(std::move(attempt));
}
ExpmTrajectory second(const Parameters<double>& p, const std::vector<Segment>& segments, Micros horizon) {
  return std::get<ExpmTrajectory>(solve_expm(p, segments, horizon));
}

/// Kamp 2020's three compartments at 70 kg, rounded; an adult of the contract's example.
Parameters<double> adult() {
  return {.v1_L = 25, .cl_L_per_min = 1.4, .q2_L_per_min = 2.7, .v2_L = 56, .q3_L_per_min = 1.3, .v3_L = 157};
}

std::vector<Curve> curves_of(const Parameters<double>& p) {
  std::vector<Curve> curves{Curve::plasma()};
  if (p.ke0_per_min) curves.push_back(Curve::effect_site());
  for (std::size_t i = 0; i < p.metabolites.size(); ++i) curves.push_back(Curve::metabolite(i));
  return curves;
}

/// Worst difference of two trajectories by the reference's rule, over all curves and the area, at `times`.
template <class A, class B>
double disagreement(const A& a, const B& b, const std::vector<Curve>& curves, const std::vector<Micros>& times) {
  double worst = 0;
  const auto compare = [&](auto of_a, auto of_b) {
    double largest = 0;
    for (const Micros t : times) largest = std::max(largest, of_b(t));
    if (largest == 0) return;
    for (const Micros t : times) {
      const double d = reference_difference(of_a(t), of_b(t), largest);
      if (!(d <= worst)) worst = d;
    }
  };
  for (const Curve c : curves)
    compare([&](Micros t) { return a.value(t, c); }, [&](Micros t) { return b.value(t, c); });
  compare([&](Micros t) { return a.auc_mg_min_per_L(t); }, [&](Micros t) { return b.auc_mg_min_per_L(t); });
  return worst;
}

std::vector<Micros> evenly(Micros end, int n) {
  std::vector<Micros> times;
  for (int i = 0; i <= n; ++i) times.push_back(end * i / n);
  return times;
}

template <class F>
void check_refused(Code code, const std::string& field, F f) {
  try {
    f();
    FAIL("nothing was refused");
  } catch (const InvalidInput& e) {
    CHECK(e.code == code);
    CHECK(e.field == field);
  }
}

/// Elimination that saturates, and one peripheral compartment: what a user's own model looks like.
struct MichaelisMenten {
  double v_L, vmax_mg_per_min, km_mg_per_L, q_L_per_min, v2_L;

  [[nodiscard]] std::size_t size() const noexcept { return 2; }
  [[nodiscard]] bool has(Curve c) const noexcept { return c.kind == Curve::Kind::plasma; }
  void slopes(std::span<const double> x, double input, std::span<double> dx) const noexcept {
    const double c1 = x[0] / v_L, c2 = x[1] / v2_L;
    dx[1] = q_L_per_min * (c1 - c2);
    dx[0] = input - vmax_mg_per_min * c1 / (km_mg_per_L + c1) - dx[1];
  }
  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }
  [[nodiscard]] double value(std::span<const double> x, Curve) const noexcept { return x[0] / v_L; }
};
static_assert(PkModel<MichaelisMenten> && !LinearModel<MichaelisMenten>);

/// One compartment whose equations fail at their n-th call: with a number that is none, for good or once, or by
/// throwing.
struct Failing {
  enum class How { for_good, once, infinite, throws };
  long* calls;
  long failing_call;
  How how;

  [[nodiscard]] std::size_t size() const noexcept { return 1; }
  [[nodiscard]] bool has(Curve c) const noexcept { return c.kind == Curve::Kind::plasma; }
  void slopes(std::span<const double> x, double input, std::span<double> dx) const {
    dx[0] = input - 0.1 * x[0];
    const long call = ++*calls;
    if (call < failing_call || (how == How::once && call > failing_call)) return;
    if (how == How::throws) throw std::domain_error("a model of its own mind");
    dx[0] = how == How::infinite ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  }
  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }
  [[nodiscard]] double value(std::span<const double> x, Curve) const noexcept { return x[0]; }
};

/// x' = x^2 reaches infinity at 1 / x(0) minutes; no step gets there.
struct Exploding {
  [[nodiscard]] std::size_t size() const noexcept { return 1; }
  [[nodiscard]] bool has(Curve) const noexcept { return true; }
  void slopes(std::span<const double> x, double, std::span<double> dx) const noexcept { dx[0] = x[0] * x[0]; }
  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }
  [[nodiscard]] double value(std::span<const double> x, Curve) const noexcept { return x[0]; }
};

/// x1 = t, x2 = t^4: order five meets it at every step, and an interpolant of order four between them.
struct Quartic {
  [[nodiscard]] std::size_t size() const noexcept { return 2; }
  [[nodiscard]] bool has(Curve) const noexcept { return true; }
  void slopes(std::span<const double> x, double, std::span<double> dx) const noexcept {
    dx[0] = 1;
    dx[1] = 4 * x[0] * x[0] * x[0];
  }
  void bolus(std::span<double>, double) const noexcept {}
  [[nodiscard]] double value(std::span<const double> x, Curve) const noexcept { return x[1]; }
};

struct Wide : Exploding {
  std::size_t states;
  [[nodiscard]] std::size_t size() const noexcept { return states; }
  void slopes(std::span<const double> x, double input, std::span<double> dx) const noexcept {
    for (std::size_t i = 0; i < states; ++i) dx[i] = (i == 0 ? input : x[i - 1]) - x[i];
  }
};

/// A mammillary model that goes on from a state.
struct Resumed : Mammillary {
  std::vector<double> state;
  Resumed(const Parameters<double>& p, std::vector<double> x) : Mammillary(p), state(std::move(x)) {}
  void start(std::span<double> x) const noexcept { std::copy(state.begin(), state.end(), x.begin()); }
};
static_assert(HasStart<Resumed> && !HasStart<Mammillary>);

/// The minutes that stand in "at 12.5 min: …".
double minutes_in(const std::string& message) {
  const std::size_t end = message.find(" min: ");
  REQUIRE(message.rfind("at ", 0) == 0);
  REQUIRE(end != std::string::npos);
  return parse_number(message.substr(3, end - 3), "message");
}

}  // namespace

TEST_CASE("Odeint meets every reference value to 1e-10, within its 100,000 steps") {
  std::size_t most_steps = 0, compared = 0;
  for (const GoldenCase& c : golden_cases()) {
    INFO(c.id);
    const Ode x = solved(c.parameters, schedule(c.regimen), c.end);
    most_steps = std::max(most_steps, x.work().accepted_steps + x.work().rejected_steps);
    double worst = 0;
    const auto compare = [&](const char* key, auto value) {
      if (!c.expected.contains(key)) return;
      const auto column = c.expected[key].template get<std::vector<double>>();
      const double largest = *std::max_element(column.begin(), column.end());
      for (std::size_t i = 0; i < column.size(); ++i, ++compared) {
        const double d = reference_difference(value(c.times[i]), column[i], largest);
        if (!(d <= worst)) worst = d;
      }
    };
    compare("plasma_ng_per_mL", [&](Micros t) { return x.value(t, Curve::plasma()) * 1000; });
    compare("effect_site_ng_per_mL", [&](Micros t) { return x.value(t, Curve::effect_site()) * 1000; });
    compare("metabolite_ng_per_mL", [&](Micros t) { return x.value(t, Curve::metabolite(0)) * 1000; });
    compare("auc_to_time_ng_h_per_mL", [&](Micros t) { return x.auc_mg_min_per_L(t) * 1000 / 60; });
    CHECK(worst < 1e-10);
  }
  CHECK(compared > 3000);
  CHECK(most_steps > 15'000);
  CHECK(most_steps < 20'000);
}

TEST_CASE("the tail is what the absolute tolerance is for: 1e-19 of the dose holds it, 1e-12 does not") {
  const auto cases = golden_cases();
  const auto course =
      std::find_if(cases.begin(), cases.end(), [](const GoldenCase& c) { return c.id == "course-20261-015"; });
  REQUIRE(course != cases.end());
  const auto segments = schedule(course->regimen);
  const auto reference = second(course->parameters, segments, course->end);
  const auto error = [&](double atol) {
    const Ode x = solved(course->parameters, segments, course->end, {.atol_per_dose = atol});
    return disagreement(x, reference, curves_of(course->parameters), evenly(course->end, 1000));
  };
  CHECK(error(1e-19) < 1e-10);
  CHECK(error(1e-12) > 1e-6);
}

TEST_CASE("the work of the protocol case and of a stiff one stays what it is") {
  const auto segments = schedule(regimen_of({infusion(0min, 40min, 35)}));
  const OdeWork protocol = solved(adult(), segments, 640min).work();
  INFO(protocol.rhs_evaluations << " evaluations, " << protocol.accepted_steps << " + " << protocol.rejected_steps
                                << " steps");
  CHECK(protocol.rhs_evaluations > 3900);
  CHECK(protocol.rhs_evaluations < 4070);
  CHECK(protocol.rejected_steps <= 3);
  CHECK(protocol.rhs_evaluations == 2 * segments.size() + 6 * (protocol.accepted_steps + protocol.rejected_steps));

  Parameters<double> stiff = adult();
  stiff.v1_L = 0.27;  // leaves at 20 per min, for 1,000 min
  const OdeWork work = solved(stiff, segments, 1000min).work();
  INFO(work.rhs_evaluations << " evaluations, " << work.accepted_steps << " + " << work.rejected_steps << " steps");
  CHECK(work.rhs_evaluations > 38'400);
  CHECK(work.rhs_evaluations < 40'100);
  CHECK(work.rejected_steps < work.accepted_steps / 100);
}

TEST_CASE("Odeint and the matrix exponential agree to 1e-9 on random models and regimens") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const Parameters<double> p = random_parameters(r);
    const auto segments = schedule(random_regimen(r));
    CHECK(disagreement(solved(p, segments, 12h), second(p, segments, 12h), curves_of(p), evenly(12h, 97)) < 1e-9);
  }
}

TEST_CASE("the solver converges at its order") {
  Parameters<double> p = adult();
  p.ke0_per_min = 0.2;
  const auto segments = schedule(regimen_of({bolus(0min, 35)}));
  const auto reference = second(p, segments, 240min);
  std::vector<double> log_work, log_error;
  for (const double rtol : {1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11}) {
    const Ode x = solved(p, segments, 240min, {.rtol = rtol});
    log_work.push_back(std::log(static_cast<double>(x.work().accepted_steps)));
    log_error.push_back(std::log(disagreement(x, reference, {Curve::plasma()}, evenly(240min, 241))));
  }
  double sw = 0, se = 0, sww = 0, swe = 0;
  const auto n = static_cast<double>(log_work.size());
  for (std::size_t i = 0; i < log_work.size(); ++i) {
    sw += log_work[i];
    se += log_error[i];
    sww += log_work[i] * log_work[i];
    swe += log_work[i] * log_error[i];
  }
  const double order = -(n * swe - sw * se) / (n * sww - sw * sw);
  INFO("order " << order);
  CHECK(order > 4.5);
  CHECK(order < 6.0);
}

TEST_CASE("doses superpose") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const Parameters<double> p = random_parameters(r);
    const Regimen one = random_regimen(r), other = random_regimen(r);
    std::vector<Dose> both = one.doses;
    both.insert(both.end(), other.doses.begin(), other.doses.end());
    const Ode a = solved(p, schedule(one), 12h), b = solved(p, schedule(other), 12h);
    const Ode sum = solved(p, schedule(regimen_of(both)), 12h);
    double worst = 0;
    for (const Micros t : evenly(12h, 61))
      for (const Curve c : curves_of(p)) {
        const double expected = a.value(t, c) + b.value(t, c);
        if (expected > 1e-8) worst = std::max(worst, std::abs(sum.value(t, c) - expected) / expected);
      }
    CHECK(worst < 1e-9);
  }
}

TEST_CASE("a bolus at an edge is in the value at that edge, and in none before") {
  const auto segments = schedule(regimen_of({infusion(0min, 40min, 35), bolus(40min, 5), bolus(60min, 2.5)}));
  const Ode x = solved(adult(), segments, 4h);
  const auto reference = second(adult(), segments, 4h);
  for (const Micros edge : {Micros{40min}, Micros{60min}}) {
    const double jump = (edge == Micros{40min} ? 5.0 : 2.5) / 25;
    const std::size_t i = x.segment_at(edge);
    CHECK(x.value(edge, Curve::plasma()) == x.at(i, 0, Curve::plasma()));
    CHECK(x.at(i, 0, Curve::plasma()) - x.at(i - 1, x.length_min(i - 1), Curve::plasma()) ==
          Approx(jump).epsilon(1e-13));
    CHECK(x.value(edge, Curve::plasma()) == Approx(reference.value(edge, Curve::plasma())).epsilon(1e-10));
    CHECK(x.value(edge - Micros{1}, Curve::plasma()) ==
          Approx(reference.value(edge - Micros{1}, Curve::plasma())).epsilon(1e-10));
  }
  CHECK(solved(adult(), schedule(regimen_of({bolus(0min, 5)})), 0min).value(0min, Curve::plasma()) == 0.2);
}

TEST_CASE("a pulse of 0.1 s anywhere in 24 h is never missed") {
  double worst = 0;
  std::uint64_t worst_seed = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    Random r(seed);
    Parameters<double> p = random_parameters(r);
    p.metabolites.clear();
    const Micros at = r.micros(0, 1439), over = 100ms;
    const auto segments =
        schedule(regimen_of({infusion(0min, 24h, r.between(5, 50)), infusion(at, over, r.between(1, 30))}));
    const Micros end = 26h;
    std::vector<Micros> times = evenly(end, 13);
    for (const Micros t : {at, at + over / 2, at + over, at + over + Micros{1s}, at + Micros{10min}})
      times.push_back(t);
    const double d = disagreement(solved(p, segments, end), second(p, segments, end), curves_of(p), times);
    if (!(d <= worst)) {
      worst = d;
      worst_seed = seed;
    }
  }
  INFO("seed " << worst_seed);
  CHECK(worst < 1e-9);
}

TEST_CASE("a peak of the effect site is found where the textbook has it") {
  // One compartment, a bolus: Ce peaks at ln(ke0 / k) / (ke0 - k).
  const Parameters<double> p{
      .v1_L = 20, .cl_L_per_min = 1, .q2_L_per_min = 0, .v2_L = 1, .q3_L_per_min = 0, .v3_L = 1, .ke0_per_min = 0.2};
  const Ode x = solved(p, schedule(regimen_of({bolus(0min, 20)})), 600min);
  const auto turns = x.turning_points(0, Curve::effect_site());
  REQUIRE(turns.size() == 1);
  CHECK(turns[0] == Approx(std::log(0.2 / 0.05) / 0.15).epsilon(1e-9));
  CHECK(x.turning_points(0, Curve::plasma()).empty());
}

TEST_CASE("a dip inside a segment is found, and lies below its neighbourhood on another road") {
  // After a push plasma falls into the tissues, then a small infusion lifts it again.
  const auto segments = schedule(regimen_of({bolus(0min, 20), infusion(0min, 10h, 300)}));
  const Ode x = solved(adult(), segments, 10h);
  const auto reference = second(adult(), segments, 10h);
  const auto turns = x.turning_points(0, Curve::plasma());
  REQUIRE(turns.size() == 1);
  const auto near = [&](double minute) {
    return reference.value(Micros{std::llround(minute * micros_per_minute)}, Curve::plasma());
  };
  CHECK(near(turns[0]) < near(turns[0] - 0.05));
  CHECK(near(turns[0]) < near(turns[0] + 0.05));
  CHECK(near(turns[0] - 0.05) == Approx(near(turns[0] + 0.05)).epsilon(1e-5));
}

TEST_CASE("a quartic is met between the steps as at them, however few these are") {
  const auto attempt = solve_ode(Quartic{}, schedule(regimen_of({bolus(0min, 1)})), 10min, {.rtol = 1e-3});
  REQUIRE(std::holds_alternative<OdeTrajectory<Quartic>>(attempt));
  const auto& x = std::get<OdeTrajectory<Quartic>>(attempt);
  CHECK(x.work().accepted_steps < 40);
  double worst = 0, worst_slope = 0;
  for (int i = 1; i <= 1000; ++i) {
    const double t = 0.01 * i;
    worst = std::max(worst, std::abs(x.at(0, t, Curve::plasma()) - t * t * t * t));
    worst_slope = std::max(worst_slope, std::abs(x.slope(0, t, Curve::plasma()) - 4 * t * t * t));
  }
  CHECK(worst < 1e-9);
  CHECK(worst_slope < 1e-9);
}

TEST_CASE("the slope of a curve is the right-hand side of its equation") {
  Parameters<double> p = adult();
  p.ke0_per_min = 0.2;
  const auto segments = schedule(regimen_of({infusion(0min, 40min, 35), bolus(50min, 5)}));
  const Ode x = solved(p, segments, 6h);
  double worst = 0;
  for (std::size_t i = 0; i < segments.size(); ++i)
    for (int k = 0; k <= 100; ++k) {
      const double minute = x.length_min(i) * k / 100;
      const double ce = x.at(i, minute, Curve::effect_site()), c1 = x.at(i, minute, Curve::plasma());
      worst = std::max(worst, std::abs(x.slope(i, minute, Curve::effect_site()) - 0.2 * (c1 - ce)));
    }
  CHECK(worst < 1e-9);
}

TEST_CASE("sign changes of a polynomial are all found, and touching zero is none") {
  const auto sign_changes = [](Polynomial<5> p, int) { return ketpk::sign_changes(p, {0, 1}); };
  // (x - 0.1)(x - 0.4)(x - 0.6)(x - 0.9), then (x - 0.5)^2 (x^2 + 1), (x - 0.5)^3, and x^4 + 1.
  const auto four = sign_changes({0.0216, -0.33, 1.33, -2, 1}, 4);
  REQUIRE(four.count == 4);
  const std::array<double, 4> roots{0.1, 0.4, 0.6, 0.9};
  for (std::size_t i = 0; i < 4; ++i) CHECK(four.at[i] == Approx(roots[i]).epsilon(1e-12));
  CHECK(sign_changes({0.25, -1, 1.25, -1, 1}, 4).count == 0);
  const auto triple = sign_changes({-0.125, 0.75, -1.5, 1, 0}, 4);
  REQUIRE(triple.count == 1);
  CHECK(triple.at[0] == Approx(0.5).epsilon(1e-4));
  CHECK(sign_changes({1, 0, 0, 0, 1}, 4).count == 0);
  CHECK(sign_changes({0, 0, 0, 0, 0}, 4).count == 0);
}

TEST_CASE("sign changes of random polynomials are those of a fine grid") {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    Random r(seed);
    std::array<double, 5> p{};
    for (double& e : p) e = r.between(-1, 1);
    const auto found = sign_changes(p, {0, 1});
    std::vector<double> expected;
    constexpr int n = 4000;
    for (int i = 0; i < n; ++i)
      if ((evaluate(p, static_cast<double>(i) / n) < 0) != (evaluate(p, (i + 1.0) / n) < 0))
        expected.push_back((i + 0.5) / n);
    if (found.count != expected.size()) {
      // Two zeros closer than the grid: the solver sees them, the grid does not; never the other way round.
      INFO("seed " << seed);
      CHECK(found.count == expected.size() + 2);
      continue;
    }
    for (std::size_t i = 0; i < found.count; ++i)
      if (std::abs(found.at[i] - expected[i]) > 1.0 / n) FAIL("seed " << seed);
    if (has_one_sign(p) && found.count > 0) FAIL("seed " << seed);
  }
}

TEST_CASE("a model of the user's own, not linear, agrees with a Runge-Kutta of tiny steps") {
  const MichaelisMenten model{.v_L = 25, .vmax_mg_per_min = 0.6, .km_mg_per_L = 0.3, .q_L_per_min = 1.5, .v2_L = 80};
  const auto segments = schedule(regimen_of({bolus(0min, 10), infusion(0min, 40min, 60)}));
  const auto attempt = solve_ode(model, segments, 240min);
  REQUIRE(std::holds_alternative<OdeTrajectory<MichaelisMenten>>(attempt));
  const auto& x = std::get<OdeTrajectory<MichaelisMenten>>(attempt);

  std::array<double, 2> y{10, 0};
  constexpr int per_minute = 500;
  const auto slope = [&](std::array<double, 2> s, double input) {
    std::array<double, 2> d{};
    model.slopes(s, input, d);
    return d;
  };
  const auto moved = [](std::array<double, 2> s, std::array<double, 2> d, double h) {
    return std::array<double, 2>{s[0] + h * d[0], s[1] + h * d[1]};
  };
  double worst = 0;
  for (int minute = 1; minute <= 240; ++minute) {
    const double input = minute <= 40 ? 1.5 : 0.0, h = 1.0 / per_minute;
    for (int i = 0; i < per_minute; ++i) {
      const auto a = slope(y, input), b = slope(moved(y, a, h / 2), input), c = slope(moved(y, b, h / 2), input);
      const auto d = slope(moved(y, c, h), input);
      for (std::size_t k = 0; k < 2; ++k) y[k] += h / 6 * (a[k] + 2 * b[k] + 2 * c[k] + d[k]);
    }
    worst = std::max(worst, std::abs(x.value(Micros{1min} * minute, Curve::plasma()) / (y[0] / 25) - 1));
  }
  CHECK(worst < 1e-9);
  CHECK(worst > 0);
}

TEST_CASE("a course that goes on from a saved state is the course that never stopped") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const Parameters<double> p = random_parameters(r);
    const auto whole = schedule(regimen_of({bolus(0min, 5), infusion(0min, 2h, 30)}));
    const auto reference = second(p, whole, 12h);
    const Micros cut = r.micros(125, 300);
    const std::vector<Segment> rest{{0min, 0min, 0, 0}};  // nothing more is given
    const auto attempt = solve_ode(Resumed(p, solved(p, whole, cut).state_at(cut)), rest, 12h - cut, {});
    REQUIRE(attempt.index() == 0);
    const auto& x = std::get<0>(attempt);
    for (const Curve c : curves_of(p)) {
      double largest = 0, worst = 0;
      for (const Micros t : evenly(12h, 50)) largest = std::max(largest, reference.value(t, c));
      for (const Micros t : evenly(12h - cut, 50))
        worst = std::max(worst, reference_difference(x.value(t, c), reference.value(cut + t, c), largest));
      CHECK(worst < 1e-9);
    }
  }
}

TEST_CASE("a model whose beginning is not a number is trouble at 0") {
  const Resumed model(adult(), std::vector<double>(5, std::numeric_limits<double>::quiet_NaN()));
  const auto attempt = solve_ode(model, schedule(regimen_of({bolus(10min, 5)})), 60min);
  const auto* trouble = std::get_if<Trouble>(&attempt);
  REQUIRE(trouble != nullptr);
  CHECK(trouble->code == Code::solver);
  CHECK(minutes_in(trouble->message) == 0);
}

TEST_CASE("equations that turn NaN or infinite at their n-th call are trouble with the time, for every n") {
  const auto segments = schedule(regimen_of({bolus(0min, 1), infusion(10min, 20min, 1)}));
  long all = 0;
  REQUIRE(solve_ode(Failing{&all, std::numeric_limits<long>::max(), Failing::How::for_good}, segments, 60min).index() ==
          0);
  REQUIRE(all > 200);
  for (const auto how : {Failing::How::for_good, Failing::How::once, Failing::How::infinite}) {
    double previous = 0;
    for (long n = 1; n <= all; ++n) {
      INFO("call " << n);
      long calls = 0;
      const auto attempt = solve_ode(Failing{&calls, n, how}, segments, 60min);
      const auto* trouble = std::get_if<Trouble>(&attempt);
      REQUIRE(trouble != nullptr);
      REQUIRE(trouble->code == Code::solver);
      REQUIRE(trouble->where == "odeint");
      REQUIRE(trouble->message.find("state 1 of 1 or its slope is not a finite number") != std::string::npos);
      const double minute = minutes_in(trouble->message);
      REQUIRE(minute >= previous);
      REQUIRE(minute <= 60);
      previous = minute;
    }
    CHECK(previous > 50);
  }
}

TEST_CASE("what the user's model throws passes through") {
  long calls = 0;
  const auto segments = schedule(regimen_of({bolus(0min, 1)}));
  CHECK_THROWS_AS(solve_ode(Failing{&calls, 50, Failing::How::throws}, segments, 60min), std::domain_error);
}

TEST_CASE("a state that runs off to infinity is trouble before the instant at which it gets there") {
  const auto attempt = solve_ode(Exploding{}, schedule(regimen_of({bolus(0min, 0.1)})), 60min);
  const auto* trouble = std::get_if<Trouble>(&attempt);
  REQUIRE(trouble != nullptr);
  CHECK(trouble->code == Code::solver);
  CHECK(minutes_in(trouble->message) == Approx(10).epsilon(1e-6));
}

TEST_CASE("steps that do not suffice are solver_maxsteps, never a shorter curve") {
  const auto segments = schedule(regimen_of({bolus(0min, 35)}));
  for (const std::size_t most : {std::size_t{0}, std::size_t{10}, std::size_t{300}}) {
    const auto attempt = solve_ode(Mammillary(adult()), segments, 640min, {.max_steps = most});
    const auto* trouble = std::get_if<Trouble>(&attempt);
    REQUIRE(trouble != nullptr);
    CHECK(trouble->code == Code::solver_maxsteps);
    CHECK(trouble->message.find("all " + std::to_string(most) + " steps are used up") != std::string::npos);
    CHECK(minutes_in(trouble->message) < 640);
  }
  const OdeWork work = solved(adult(), segments, 640min).work();
  const std::size_t enough = work.accepted_steps + work.rejected_steps;
  CHECK(solve_ode(Mammillary(adult()), segments, 640min, {.max_steps = enough}).index() == 0);
  CHECK(solve_ode(Mammillary(adult()), segments, 640min, {.max_steps = enough - 1}).index() == 1);
}

TEST_CASE("tolerances that cannot be held are refused") {
  const auto segments = schedule(regimen_of({infusion(0min, 40min, 35)}));
  const auto with = [&](OdeOptions o) { (void)solve_ode(Mammillary(adult()), segments, 1h, o); };
  for (const double t : {0.0, -1e-6, 1e-30, 9e-15, 0.011, 1.0, std::numeric_limits<double>::infinity(),
                         std::numeric_limits<double>::quiet_NaN()}) {
    INFO(t);
    check_refused(Code::tolerance, "rtol", [&] { with({.rtol = t}); });
  }
  for (const double t :
       {0.0, -1e-6, 1e-30, 0.011, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    INFO(t);
    check_refused(Code::tolerance, "atol", [&] { with({.atol_per_dose = t}); });
  }
  CHECK_NOTHROW(with({.rtol = 1e-2, .atol_per_dose = 1e-25}));
}

TEST_CASE("what cannot be solved or asked is refused by its name") {
  const auto segments = schedule(regimen_of({infusion(0min, 40min, 35)}));
  const auto with = [&](std::size_t i, Segment s) {
    auto changed = segments;
    changed[i] = s;
    (void)solve_ode(Mammillary(adult()), changed, 1h);
  };
  check_refused(Code::segment, "segments", [&] { (void)solve_ode(Mammillary(adult()), {}, 1h); });
  check_refused(Code::segment, "segments", [&] { with(0, {0min, 39min, 0, 1}); });
  check_refused(Code::segment, "segments", [&] { with(0, {1min, 39min, 0, 1}); });
  check_refused(Code::segment, "segments", [&] { with(1, {40min, 1min, 0, 0}); });
  check_refused(Code::segment, "segments", [&] { with(0, {0min, 40min, -1, 1}); });
  check_refused(Code::segment, "segments", [&] {
    with(0, {0min, 40min, 0, std::numeric_limits<double>::quiet_NaN()});
  });
  const auto wide = [&](std::size_t states) {
    Wide model;
    model.states = states;
    return solve_ode(model, segments, 1h);
  };
  check_refused(Code::size, "model", [&] { (void)wide(0); });
  check_refused(Code::size, "model", [&] { (void)wide(35); });
  CHECK(wide(17).index() == 0);

  const Ode x = solved(adult(), segments, 1h);
  check_refused(Code::range, "t", [&] { (void)x.value(Micros{-1}, Curve::plasma()); });
  check_refused(Code::range, "t", [&] { (void)x.value(Micros{1h} + Micros{1}, Curve::plasma()); });
  check_refused(Code::range, "t", [&] { (void)x.auc_mg_min_per_L(2h); });
  check_refused(Code::range, "t", [&] { (void)x.at(0, std::numeric_limits<double>::quiet_NaN(), Curve::plasma()); });
  check_refused(Code::arg, "curve", [&] { (void)x.value(0min, Curve::effect_site()); });
  check_refused(Code::arg, "curve", [&] { (void)x.turning_points(0, Curve::metabolite(0)); });
}
