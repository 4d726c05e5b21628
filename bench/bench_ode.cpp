// SPDX-License-Identifier: Apache-2.0

// Why: a user's own equations must not pay for being asked through ketpk. The peer is what a good user of Odeint writes
// by hand for the same equations: a controlled Dormand–Prince stepper with dense output, started anew at each dose
// edge, states in std::array, and 241 values read off its interpolant as it passes them. Same tolerances, same
// segments, same questions. `share_limit` beside a figure is how much of its peer's time it may take.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <boost/numeric/odeint.hpp>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "ketpk/exposure.hpp"
#include "ketpk/model.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve_ode.hpp"

namespace {

using namespace ketpk;
using namespace std::chrono_literals;

constexpr std::size_t samples = 241;
constexpr double rtol = 1e-11, atol_per_dose = 1e-19;

/// Two compartments with saturable elimination and a turnover effect: the model of examples/your_model.cpp.
struct Saturable {
  [[nodiscard]] static constexpr std::size_t size() noexcept { return 3; }
  [[nodiscard]] bool has(Curve c) const noexcept { return c == Curve::plasma() || c == Curve::other(0); }
  void start(std::span<double> x) const noexcept { x[2] = 100; }
  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }
  void slopes(auto x, double input, auto dx) const noexcept {
    const auto c1 = x[0] / 25.0, c2 = x[1] / 80.0;
    dx[1] = 1.5 * (c1 - c2);
    dx[0] = input - 0.6 * c1 / (0.3 + c1) - dx[1];
    dx[2] = 0.05 * (100.0 * (1 - 0.9 * c1 / (0.15 + c1)) - x[2]);
  }
  [[nodiscard]] double value(std::span<const double> x, Curve c) const noexcept {
    return c == Curve::plasma() ? x[0] / 25 : x[2];
  }
};
static_assert(DifferentiableModel<Saturable>);

/// The same with a process that is over in microseconds.
struct Stiff : Saturable {
  [[nodiscard]] static constexpr std::size_t size() noexcept { return 4; }
  void slopes(auto x, double input, auto dx) const noexcept {
    Saturable::slopes(x, input, dx);
    dx[3] = 1e7 * (x[0] / 25.0 - x[3]);
  }
};

/// Ten compartments in a row, each saturable.
struct Wide {
  [[nodiscard]] static constexpr std::size_t size() noexcept { return 10; }
  [[nodiscard]] bool has(Curve c) const noexcept { return c == Curve::plasma(); }
  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }
  void slopes(auto x, double input, auto dx) const noexcept {
    for (std::size_t i = 0; i < 10; ++i) dx[i] = -0.1 * x[i] / (1.0 + 0.05 * x[i]);
    for (std::size_t i = 10; i-- > 1;) dx[i] -= dx[i - 1];
    dx[0] += input;
  }
  [[nodiscard]] double value(std::span<const double> x, Curve) const noexcept { return x[0]; }
};

/// A push, 40 min of infusion and an hourly top-up: eight segments over 24 h.
std::vector<Segment> course() {
  std::vector<Segment> out{{0min, 40min, 10, 1.5}};
  for (int hour = 1; hour <= 6; ++hour) out.push_back({out.back().start + out.back().duration, 60min, 5, 0.02 * hour});
  out.push_back({out.back().start + out.back().duration, 0min, 0, 0});
  return out;
}
constexpr Micros horizon = 1440min;

template <class M>
struct Odeint {
  using State = std::array<double, M::size()>;
  static void run(const M& model, const std::vector<Segment>& segments, std::vector<double>& out) {
    namespace odeint = boost::numeric::odeint;
    using Stepper = odeint::runge_kutta_dopri5<State, double, State, double, odeint::array_algebra>;
    State x{};
    if constexpr (HasStart<M>) model.start(x);
    const double step = minutes(horizon) / (samples - 1), atol = atol_per_dose * 40;
    std::size_t next = 0;
    for (std::size_t k = 0; k < segments.size(); ++k) {
      const Segment& s = segments[k];
      const bool is_last = k + 1 == segments.size();
      const double begin = minutes(s.start), end = is_last ? minutes(horizon) : minutes(s.start + s.duration);
      model.bolus(x, s.bolus_mg);
      const auto system = [&](const State& state, State& slopes, double) {
        model.slopes(std::span<const double>(state), s.rate_mg_per_min, std::span<double>(slopes));
      };
      auto stepper = odeint::make_dense_output(atol, rtol, Stepper());
      stepper.initialize(x, begin, 1e-3);
      while (stepper.current_time() < end) {
        stepper.do_step(system);
        State seen{};
        for (double t = static_cast<double>(next) * step;
             next < samples && t <= stepper.current_time() && (t < end || (is_last && t <= end));
             t = static_cast<double>(++next) * step) {
          stepper.calc_state(t, seen);
          out[next] = model.value(seen, Curve::plasma());
        }
      }
      stepper.calc_state(end, x);
    }
  }
};

template <class M>
void by_hand(benchmark::State& state) {
  const M model;
  const auto segments = course();
  std::vector<double> out(samples);
  for (auto _ : state) {
    Odeint<M>::run(model, segments, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
}

/// With `only_at` the 241 instants are named beforehand, which is what the loop by hand is built on; without it the
/// course may be asked anything afterwards, which no loop by hand can be.
template <class M>
void by_ketpk(benchmark::State& state, bool only_at) {
  if (only_at) state.counters["share_limit"] = 1.2;
  const M model;
  const auto segments = course();
  std::vector<double> out(samples), expected(samples);
  Odeint<M>::run(model, segments, expected);
  std::vector<Micros> instants;
  for (std::size_t i = 0; i < samples; ++i)
    instants.push_back(horizon * static_cast<int>(i) / static_cast<int>(samples - 1));
  OdeOptions options{.rtol = rtol, .atol_per_dose = atol_per_dose};
  if (only_at) options.only_at = instants;
  for (auto _ : state) {
    const auto attempt = solve_ode(model, segments, horizon, options);
    const auto& x = std::get<0>(attempt);
    for (std::size_t i = 0; i < samples; ++i) out[i] = x.value(instants[i], Curve::plasma());
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
  const double largest = *std::max_element(expected.begin(), expected.end());
  for (std::size_t i = 0; i < samples; ++i)
    if (!(std::abs(out[i] - expected[i]) <= 1e-8 * std::max(expected[i], 1e-6 * largest)))
      return state.SkipWithError("the two roads differ");
}

void hand_3(benchmark::State& state) { by_hand<Saturable>(state); }
void hand_10(benchmark::State& state) { by_hand<Wide>(state); }
void ketpk_3(benchmark::State& state, bool only_at) { by_ketpk<Saturable>(state, only_at); }
void ketpk_10(benchmark::State& state, bool only_at) { by_ketpk<Wide>(state, only_at); }
BENCHMARK(hand_3)->Name("user_ode/3_states/by_hand");
BENCHMARK_CAPTURE(ketpk_3, only_at, true)->Name("user_ode/3_states/only_at");
BENCHMARK_CAPTURE(ketpk_3, whole, false)->Name("user_ode/3_states/whole");
BENCHMARK(hand_10)->Name("user_ode/10_states/by_hand");
BENCHMARK_CAPTURE(ketpk_10, only_at, true)->Name("user_ode/10_states/only_at");
BENCHMARK_CAPTURE(ketpk_10, whole, false)->Name("user_ode/10_states/whole");

void stiff(benchmark::State& state) {
  const auto segments = course();
  OdeWork work;
  for (auto _ : state) {
    const auto attempt = solve_ode(Stiff{}, segments, horizon, {.method = OdeMethod::rosenbrock});
    work = std::get<0>(attempt).work();
    benchmark::DoNotOptimize(work);
  }
  state.counters["steps"] = static_cast<double>(work.accepted_steps + work.rejected_steps);
  state.counters["rhs"] = static_cast<double>(work.rhs_evaluations);
}
BENCHMARK(stiff)->Name("stiff_by_rosenbrock");

void questions(benchmark::State& state) {
  const auto attempt = solve_ode(Saturable{}, course(), horizon);
  const auto& x = std::get<0>(attempt);
  for (auto _ : state) {
    const auto courses = courses_of(x);
    benchmark::DoNotOptimize(exposure_to_horizon(x, courses));
    benchmark::DoNotOptimize(minutes_over(courses.front(), 0.1));
  }
}
BENCHMARK(questions)->Name("questions_of_two_curves");

/// x' = x^2, a number that is none, a right-hand side that jumps, and one that is far too stiff: each is trouble, and
/// soon. `limit_us` is that of the promise.
struct Blowing {
  enum class How { up, nan, jump, chatter, stiff };
  How how;
  [[nodiscard]] std::size_t size() const noexcept { return how == How::stiff ? 17 : 1; }
  [[nodiscard]] bool has(Curve) const noexcept { return true; }
  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }
  void slopes(std::span<const double> x, double, std::span<double> dx) const noexcept {
    switch (how) {
      case How::up: dx[0] = x[0] * x[0]; break;
      case How::nan: dx[0] = x[0] < 5 ? std::numeric_limits<double>::quiet_NaN() : -0.01 * x[0]; break;
      case How::jump: dx[0] = x[0] > 5 ? -1e12 : 1e12; break;
      case How::chatter: dx[0] = 1 + 1e3 * std::sin(1e6 * x[0]); break;
      case How::stiff:
        for (std::size_t i = 0; i < 17; ++i) dx[i] = (i == 0 ? 0.0 : x[i - 1]) - 1e9 * x[i];
        break;
    }
  }
  [[nodiscard]] double value(std::span<const double> x, Curve) const noexcept { return x[0]; }
};

void failure(benchmark::State& state, Blowing::How how) {
  state.counters["limit_us"] = 50e3;
  const std::vector<Segment> segments{{0min, 0min, 10, 0}};
  for (auto _ : state) {
    const auto attempt = solve_ode(Blowing{how}, segments, 1440min);
    if (attempt.index() == 0) return state.SkipWithError("a course where there is none");
    benchmark::DoNotOptimize(attempt);
  }
}
BENCHMARK_CAPTURE(failure, blow_up, Blowing::How::up);
BENCHMARK_CAPTURE(failure, not_a_number, Blowing::How::nan);
BENCHMARK_CAPTURE(failure, discontinuous, Blowing::How::jump);
BENCHMARK_CAPTURE(failure, chattering, Blowing::How::chatter);
BENCHMARK_CAPTURE(failure, stiff_in_17_states, Blowing::How::stiff);

}  // namespace
