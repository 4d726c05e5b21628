// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the second opinion on linear models, and the road to nonlinear ones. A Dormand–Prince solver knows nothing
// of rates and modes; it is told the equations, a segment and a tolerance. Each segment gets a fresh stepper that
// stops exactly at the segment's end, so no dose edge can be stepped over and no slope from before an edge can leak
// behind it. Between its steps the solver's own interpolant is kept, so the result answers for every instant.

#include <boost/numeric/odeint/algebra/array_algebra.hpp>
#include <boost/numeric/odeint/algebra/default_operations.hpp>
#include <boost/numeric/odeint/stepper/controlled_runge_kutta.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>
#include <boost/numeric/odeint/util/resizer.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/model.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// A step is accepted if its error estimate in every state is at most `rtol` (|state| + step |slope|) plus
/// `atol_per_dose` times what the whole dose would bring the state to, or what it begins with where that is more.
///
/// Worst error of any curve of the 96 reference cases, by their rule, at 97 instants in each segment:
///
/// | atol_per_dose | 1e-19 | 1e-18 | 1e-16 | 1e-14 | 1e-12 |
/// |---|---|---|---|---|---|
/// | rtol 1e-11 | 2e-11 | 6e-11 | 6e-9 | 6e-7 | 6e-5 |
/// | rtol 1e-10 | 2e-10 | | | | |
/// | rtol 1e-9  | 2e-9  | | | | |
///
/// (tests/test_solve_ode.cpp holds the ends of the first row. What a larger atol costs is the tail.)
struct OdeOptions {
  double rtol = 1e-11;
  double atol_per_dose = 1e-19;
  std::size_t max_steps = 100'000;  ///< accepted and rejected, over all segments
  /// If any, in order of time: the only instants that will be asked. Steps that hold none of them are not kept, which
  /// halves the cost; to ask elsewhere is an error.
  std::vector<Micros> only_at = {};
};

/// What a solution took.
struct OdeWork {
  std::size_t rhs_evaluations = 0, accepted_steps = 0, rejected_steps = 0;
};

namespace detail::ode {

inline constexpr std::size_t most_states = 32;  // of the largest network of network.hpp

/// Everything a finished solution keeps. A node is where a step begins or ends; its record is the minutes from the
/// segment's start, then state, slopes and the two bends of the step that begins there, each `size` long. Bends that
/// are not numbers say that what follows the node was not kept.
struct Course {
  std::size_t size = 0;
  std::vector<Segment> segments;
  std::vector<double> length_min;       ///< of each segment; the last one's up to the horizon
  std::vector<std::size_t> first_node;  ///< of each segment, and one more: the number of nodes
  std::size_t nodes = 0;
  std::vector<std::vector<double>> chunks;  ///< of `per_chunk` records, so that a long course is never moved
  OdeWork work;
  bool is_whole = true;  ///< every step was kept

  static constexpr std::size_t per_chunk = 256;
  [[nodiscard]] std::size_t stride() const noexcept { return 1 + 4 * size; }
  [[nodiscard]] const double* record(std::size_t node) const noexcept {
    return chunks[node / per_chunk].data() + node % per_chunk * stride();
  }
  /// Room for the next record, all zeros.
  [[nodiscard]] double* append() {
    if (nodes % per_chunk == 0) chunks.emplace_back().reserve(per_chunk * stride());
    ++nodes;
    chunks.back().resize(chunks.back().size() + stride());
    return chunks.back().data() + (chunks.back().size() - stride());
  }
};

/// A step of a course: its beginning, its end, and where in it (0 to 1) the instant lies.
struct Place {
  const double* from;
  const double* to;  ///< `from` itself where a segment has no length
  double width_min, theta;
};

[[nodiscard]] inline Place find(const Course& c, std::size_t segment, double minute) noexcept {
  std::size_t low = c.first_node[segment], high = c.first_node[segment + 1] - 1;
  if (low == high) return {c.record(low), c.record(low), 1, 0};
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (*c.record(middle) <= minute ? low : high) = middle;
  }
  const double *const from = c.record(low), *const to = c.record(low + 1);
  return {from, to, *to - *from, (minute - *from) / (*to - *from)};
}

// The interpolant of Dormand–Prince (Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, II.6, in
// the form Odeint gives it) is, with theta from 0 to 1 over a step of width h,
//   y0 + A (y1 - y0) + B h y1' + D h y0' + C (bend0 + bend1 theta),
//   A = theta^2 (3 - 2 theta), B = theta^2 (theta - 1), D = theta (theta - 1)^2, C = theta^2 (theta - 1)^2:
// Hermite's cubic and two bends that the inner stages decide.

using States = std::array<double, most_states>;

inline void interpolate(const Place& p, std::size_t n, States& x) noexcept {
  const double z = p.theta, y = z - 1;
  const double a = z * z * (3 - 2 * z), b = z * z * y * p.width_min, c = z * z * y * y, d = z * y * y * p.width_min;
  const double *const f = p.from + 1, *const t = p.to + 1;
  for (std::size_t i = 0; i < n; ++i)
    x[i] = f[i] + a * (t[i] - f[i]) + (b * t[n + i] + d * f[n + i]) + c * (f[2 * n + i] + z * f[3 * n + i]);
}

/// d/d theta of the interpolant of one curve, lowest power first.
[[nodiscard]] inline std::array<double, 5> slope_polynomial(double rise, double slope0_h, double slope1_h, double bend0,
                                                            double bend1) noexcept {
  return {slope0_h, 6 * rise - 2 * slope1_h - 4 * slope0_h + 2 * bend0,
          -6 * rise + 3 * slope1_h + 3 * slope0_h - 6 * bend0 + 3 * bend1, 4 * bend0 - 8 * bend1, 5 * bend1};
}

/// Places within (0, 1), in order.
struct Places {
  std::array<double, 4> at{};
  std::size_t count = 0;
};

[[nodiscard]] inline double evaluate(const std::array<double, 5>& p, double x) noexcept {
  return p[0] + x * (p[1] + x * (p[2] + x * (p[3] + x * p[4])));
}

/// Where a polynomial of this degree changes sign within (0, 1). Between two neighbouring sign changes of its
/// derivative it is monotone, so each such stretch holds one sign change or none, and its ends tell which.
[[nodiscard]] inline Places sign_changes(const std::array<double, 5>& p, std::size_t degree) noexcept {
  Places out;
  if (degree == 0) return out;
  std::array<double, 5> derivative{};
  for (std::size_t i = 1; i <= degree; ++i) derivative[i - 1] = static_cast<double>(i) * p[i];
  const Places turns = sign_changes(derivative, degree - 1);

  double left = 0, value_left = p[0], zero_at = -1;
  for (std::size_t k = 0; k <= turns.count; ++k) {
    double right = k < turns.count ? turns.at[k] : 1.0;
    const double value_right = evaluate(p, right);
    if (value_right == 0) {
      if (zero_at < 0) zero_at = right;
      continue;
    }
    if (value_left != 0 && (value_left < 0) != (value_right < 0)) {
      double low = left, high = right;
      if (zero_at >= 0) low = high = zero_at;
      for (double middle = low + (high - low) / 2; middle > low && middle < high; middle = low + (high - low) / 2)
        ((evaluate(p, middle) < 0) == (value_left < 0) ? low : high) = middle;
      if (high < 1) out.at[out.count++] = high;
    }
    left = right;
    value_left = value_right;
    zero_at = -1;
  }
  return out;
}

/// No coefficient in Bernstein's basis differs in sign from another, so the polynomial has no zero within (0, 1).
[[nodiscard]] inline bool has_one_sign(const std::array<double, 5>& p) noexcept {
  const std::array<double, 5> b{p[0], p[0] + p[1] / 4, p[0] + p[1] / 2 + p[2] / 6,
                                p[0] + p[1] * 3 / 4 + p[2] / 2 + p[3] / 4, p[0] + p[1] + p[2] + p[3] + p[4]};
  return std::all_of(b.begin(), b.end(), [](double x) { return x > 0; }) ||
         std::all_of(b.begin(), b.end(), [](double x) { return x < 0; });
}

template <class M>
concept KnowsArea = requires(const M& m, std::span<const double> x) {
  { m.auc_mg_min_per_L(x) } -> std::convertible_to<double>;
};

/// The state at instant 0 before any dose: what the model says, or zero.
template <PkModel M>
[[nodiscard]] States beginning(const M& model) {
  States x{};
  if constexpr (HasStart<M>) model.start(std::span<double>(x.data(), model.size()));
  return x;
}

/// What the whole dose would bring each state to, as far as the model shows: a state in which plasma or the effect
/// site is read would bring that to what plasma is after the dose as one bolus; an area, to that within a minute;
/// any other is taken for an amount, and would hold the whole dose.
template <PkModel M>
[[nodiscard]] States scales(const M& model, double dose_mg) {
  States scale, x{};
  const std::size_t n = model.size();
  scale.fill(dose_mg);
  const std::span<double> state(x.data(), n);
  model.bolus(state, scale[0]);
  const double plasma = model.value(state, Curve::plasma());
  if (!(std::isfinite(plasma) && plasma > 0)) return scale;
  for (std::size_t i = 0; i < n; ++i) {
    x.fill(0);
    x[i] = 1;
    double shown = 0;
    if constexpr (KnowsArea<M>) shown = model.auc_mg_min_per_L(state);
    if (shown == 0) shown = model.value(state, Curve::plasma());
    if (shown == 0 && model.has(Curve::effect_site())) shown = model.value(state, Curve::effect_site());
    if (std::isfinite(shown) && shown != 0) scale[i] = plasma / std::abs(shown);
  }
  return scale;
}

/// Odeint's error test, with a tolerance of each state's own and an eye for what is not a number: Odeint asks
/// whether the error is too large, which NaN is not.
template <std::size_t N>
struct ErrorTest {
  double rtol;
  const std::array<double, N>* atol;
  std::size_t* not_finite;

  template <class Algebra, class State>
  [[nodiscard]] double error(Algebra&, const State& x, const State& slope, const State& estimate,
                             double dt) const noexcept {
    double worst = 0;
    for (std::size_t i = 0; i < N; ++i) {
      const double e = std::abs(estimate[i]) / ((*atol)[i] + rtol * (std::abs(x[i]) + std::abs(dt * slope[i])));
      if (!(e <= std::numeric_limits<double>::max())) *not_finite = std::min(*not_finite, i);
      if (e > worst) worst = e;
    }
    return worst;
  }
};

/// The size of the next step, from the errors of the last two (Hairer, Wanner, Solving Ordinary Differential Equations
/// II, IV.2, with their constants). Odeint's own rule looks at one error only; where a stiff model limits the step by
/// stability it runs into a rejection at every fifth step, and this one hardly ever.
class Pace {
 public:
  [[nodiscard]] bool check_step_size_limit(double) const noexcept { return true; }
  [[nodiscard]] double get_max_dt() const noexcept { return 0; }

  [[nodiscard]] double decrease_step(double dt, double error, int) noexcept {
    may_grow_ = false;
    return dt * std::max(0.2, 0.9 * std::pow(error, -0.2));
  }
  [[nodiscard]] double increase_step(double dt, double error, int) noexcept {
    constexpr double beta = 0.04, least_error = 1e-5;
    const double log_error = std::log(std::max(error, least_error));
    const double factor = 0.9 * std::exp(beta * log_before_ - (0.2 - 0.75 * beta) * log_error);
    dt *= std::clamp(factor, 0.2, may_grow_ ? 5.0 : 1.0);
    log_before_ = log_error;
    may_grow_ = true;
    return dt;
  }

 private:
  double log_before_ = std::log(1e-4);
  bool may_grow_ = true;
};

[[nodiscard]] inline Trouble trouble(Code code, const Segment& s, double minute, std::string_view what) {
  return {code, "odeint", "at " + to_text(minutes(s.start) + minute) + " min: " + std::string(what)};
}

/// Solves `course.segments` in arrays of `N` >= model.size() states; those beyond the model's stay 0.
template <std::size_t N, PkModel M>
[[nodiscard]] std::optional<Trouble> integrate(const M& model, const OdeOptions& options, Course& course) {
  namespace odeint = boost::numeric::odeint;
  using State = std::array<double, N>;
  using Stepper = odeint::runge_kutta_dopri5<State, double, State, double, odeint::array_algebra,
                                             odeint::default_operations, odeint::never_resizer>;
  using Controlled = odeint::controlled_runge_kutta<Stepper, ErrorTest<N>, Pace, odeint::never_resizer>;

  const std::size_t n = std::min(course.size, N);  // the caller chose N; saying so lets the compiler know too
  const States start = beginning(model);
  double most_at_start = 0;
  for (std::size_t i = 0; i < n; ++i)
    if (std::isfinite(start[i])) most_at_start = std::max(most_at_start, std::abs(start[i]));
  const double dose_mg = delivered_mg(course.segments, course.segments.back().start);
  States scale = scales(model, dose_mg > 0 ? dose_mg : most_at_start > 0 ? most_at_start : 1);
  if constexpr (requires(std::size_t i) { model.share(i); })
    for (std::size_t i = 0; i < n; ++i) scale[i] *= model.share(i);
  for (std::size_t i = 0; i < n; ++i)
    if (std::isfinite(start[i])) scale[i] = std::max(scale[i], std::abs(start[i]));
  State atol;
  atol.fill(1);
  for (std::size_t i = 0; i < n; ++i)
    atol[i] = std::max(options.atol_per_dose * scale[i], std::numeric_limits<double>::min());
  const auto norm = [&](const State& v) {
    double most = 0;
    for (std::size_t i = 0; i < n; ++i) most = std::max(most, std::abs(v[i]) / scale[i]);
    return most;
  };
  const auto first_not_finite = [&](const State& v) {
    return static_cast<std::size_t>(std::find_if(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(n),
                                                 [](double e) { return !std::isfinite(e); }) -
                                    v.begin());
  };

  OdeWork& work = course.work;
  std::size_t asked = 0;  // of options.only_at, the first that no step was kept for
  State x{};
  std::copy_n(start.begin(), n, x.begin());
  for (std::size_t k = 0; k < course.segments.size(); ++k) {
    const Segment& segment = course.segments[k];
    const double length = course.length_min[k];
    const auto system = [&](const State& state, State& slopes, double) {
      ++work.rhs_evaluations;
      model.slopes(std::span<const double>(state.data(), n), segment.rate_mg_per_min,
                   std::span<double>(slopes.data(), n));
      for (std::size_t i = n; i < N; ++i) slopes[i] = 0;
    };
    const auto lost = [&](std::size_t state, double minute) {
      return trouble(
          Code::solver, segment, minute,
          "state " + std::to_string(state + 1) + " of " + std::to_string(n) + " or its slope is not a finite number");
    };
    const auto put = [&](double* record, double minute, const State& state, const State& slopes) {
      *record = minute;
      std::copy_n(state.data(), n, record + 1);
      std::copy_n(slopes.data(), n, record + 1 + n);
    };
    // Whether an instant that will be asked lies in a step; one at its end lies in the step after it, if there is one.
    const auto is_asked = [&](double end, bool ends_course) {
      if (course.is_whole) return true;
      const std::size_t before = asked;
      for (; asked < options.only_at.size(); ++asked) {
        const double minute = minutes(options.only_at[asked] - segment.start);
        if (!(minute < end || (ends_course && minute == end))) break;
      }
      return asked > before;
    };

    model.bolus(std::span<double>(x.data(), n), segment.bolus_mg);
    State slopes{}, next{}, next_slopes{};
    system(x, slopes, 0);
    if (const std::size_t i = std::min(first_not_finite(x), first_not_finite(slopes)); i < n) return lost(i, 0);
    course.first_node.push_back(course.nodes);
    double* node = course.append();
    put(node, 0, x, slopes);
    if (length == 0) continue;
    bool is_fixed = true;  // the node begins the segment or ends a step that was kept

    // How fast the slopes change along the solution tells the size of the first step.
    double dt = length;
    if (const double speed = norm(slopes); speed > 0) {
      double probe = 1e-6 * length;
      if (const double size = norm(x); size > 0) probe = std::min(probe, 1e-3 * size / speed);
      for (std::size_t i = 0; i < N; ++i) next[i] = x[i] + probe * slopes[i];
      system(next, next_slopes, 0);
      if (const std::size_t i = first_not_finite(next_slopes); i < n) return lost(i, 0);
      for (std::size_t i = 0; i < N; ++i) next[i] = next_slopes[i] - slopes[i];
      if (const double change = norm(next) / (probe * speed); change * length > 5e-3) dt = 5e-3 / change;
    }

    std::size_t not_finite = n;
    Controlled stepper(ErrorTest<N>{options.rtol, &atol, &not_finite});
    double t = 0;
    while (t < length) {
      if (work.accepted_steps + work.rejected_steps >= options.max_steps)
        return trouble(Code::solver_maxsteps, segment, t,
                       "all " + std::to_string(options.max_steps) +
                           " steps are used up; accepted: a model less stiff, a shorter course, or more steps");
      if (!(dt > 1e-14 * t && dt > 1e-30 * length))
        return trouble(Code::solver, segment, t, "the step shrank to nothing before the tolerance was met");
      // The last step ends at the segment's end, and the one before it leaves no splinter.
      const bool is_last = t + 1.0001 * dt >= length;
      if (is_last)
        dt = length - t;
      else if (t + 2 * dt > length)
        dt = (length - t) / 2;

      const double h = dt;
      double end = t;
      const bool accepted = stepper.try_step(system, x, slopes, end, next, next_slopes, dt) == odeint::success;
      if (accepted) not_finite = std::min({not_finite, first_not_finite(next), first_not_finite(next_slopes)});
      if (not_finite < n) return lost(not_finite, t);
      if (!accepted) {
        ++work.rejected_steps;
        continue;
      }
      ++work.accepted_steps;

      t = is_last ? length : end;
      double* const bends = node + 1 + 2 * n;
      if (is_asked(t, is_last && k + 1 == course.segments.size())) {
        // Two values of Odeint's interpolant give the two bends. Told that the state is 0 and the step 1, it answers
        // with the change per minute of step, free of the rounding of the state.
        State quarter, three_quarters;
        stepper.stepper().calc_state(0.25, quarter, State{}, slopes, 0.0, State{}, next_slopes, 1.0);
        stepper.stepper().calc_state(0.75, three_quarters, State{}, slopes, 0.0, State{}, next_slopes, 1.0);
        for (std::size_t i = 0; i < n; ++i) {
          const double rise = next[i] - x[i], s0 = h * slopes[i], s1 = h * next_slopes[i];
          constexpr double c = 256.0 / 9;  // 1 / C at a quarter and at three quarters
          const double low = c * (h * quarter[i] - (10 * rise - 3 * s1 + 9 * s0) / 64);
          const double high = c * (h * three_quarters[i] - (54 * rise - 9 * s1 + 3 * s0) / 64);
          bends[n + i] = 2 * (high - low);
          bends[i] = low - 0.25 * bends[n + i];
        }
        node = course.append();
        is_fixed = true;
      } else if (is_fixed) {
        std::fill_n(bends, 2 * n, std::numeric_limits<double>::quiet_NaN());
        node = course.append();
        is_fixed = false;
      }
      x = next;
      slopes = next_slopes;
      put(node, t, x, slopes);
    }
  }
  course.first_node.push_back(course.nodes);
  return std::nullopt;
}

}  // namespace detail::ode

/// The numerical course of a model up to its horizon; a value that can be asked at any instant. `slope` and
/// `turning_points` hold for models whose `value` is linear in the state, as that of every compartment model is.
template <PkModel M>
class OdeTrajectory {
 public:
  OdeTrajectory(M model, detail::ode::Course course) : model_(std::move(model)), course_(std::move(course)) {}

  [[nodiscard]] const M& model() const noexcept { return model_; }
  [[nodiscard]] const std::vector<Segment>& segments() const noexcept { return course_.segments; }
  [[nodiscard]] bool has(Curve c) const noexcept { return model_.has(c); }
  [[nodiscard]] OdeWork work() const noexcept { return course_.work; }
  /// Minutes from the start of `segment` to its end, or to the horizon.
  [[nodiscard]] double length_min(std::size_t segment) const noexcept { return course_.length_min[segment]; }

  /// The segment that holds `t` >= 0; one that starts at `t` counts.
  [[nodiscard]] std::size_t segment_at(Micros t) const noexcept {
    const auto after = std::upper_bound(course_.segments.begin(), course_.segments.end(), t,
                                        [](Micros instant, const Segment& s) { return instant < s.start; });
    return static_cast<std::size_t>(after - course_.segments.begin()) - 1;
  }

  /// Concentration at `t` [mg/L]; at the instant of a bolus the one after it.
  /// Throws E_RANGE outside 0 to the horizon, E_ARG for a curve the model does not have.
  [[nodiscard]] double value(Micros t, Curve c) const {
    require(t >= Micros{0}, Code::range, "t", "before the course; accepted: 0 to its horizon");
    const std::size_t i = segment_at(t);
    return at(i, minutes(t - course_.segments[i].start), c);
  }

  /// The model's whole state at `t`, in the model's own order and units. Throws E_RANGE as `value`.
  [[nodiscard]] std::vector<double> state_at(Micros t) const {
    require(t >= Micros{0}, Code::range, "t", "before the course; accepted: 0 to its horizon");
    const std::size_t i = segment_at(t);
    const auto x = state(i, minutes(t - course_.segments[i].start));
    return {x.begin(), x.begin() + static_cast<std::ptrdiff_t>(course_.size)};
  }

  /// Area under plasma from 0 to `t` [mg min/L]. Throws E_RANGE as `value`.
  [[nodiscard]] double auc_mg_min_per_L(Micros t) const requires detail::ode::KnowsArea<M> {
    require(t >= Micros{0}, Code::range, "t", "before the course; accepted: 0 to its horizon");
    const std::size_t i = segment_at(t);
    const auto x = state(i, minutes(t - course_.segments[i].start));
    return model_.auc_mg_min_per_L(std::span<const double>(x.data(), course_.size));
  }

  /// Concentration [mg/L] `minute` after the start of `segment`. Throws as `value`.
  [[nodiscard]] double at(std::size_t segment, double minute, Curve c) const {
    require_curve(c);
    return shown(state(segment, minute).data(), c);
  }

  /// Change of the concentration [mg/L/min] `minute` after the start of `segment`. Throws as `value`.
  [[nodiscard]] double slope(std::size_t segment, double minute, Curve c) const {
    require_curve(c);
    const detail::ode::Place p = place(segment, minute);
    if (p.from == p.to) return shown(p.from + 1 + course_.size, c);
    return detail::ode::evaluate(slope_polynomial(p, c), p.theta) / p.width_min;
  }

  /// Minutes from the start of `segment` at which the curve turns from rising to falling or back, in order.
  /// Every turn of the interpolant is found; where the curve is level to within the tolerance, it may turn often.
  /// Throws E_ARG as `value`, and where not every step was kept.
  [[nodiscard]] std::vector<double> turning_points(std::size_t segment, Curve c) const {
    require_curve(c);
    require(course_.is_whole, Code::arg, "only_at", "stated, so not every step was kept; accepted: none");
    std::vector<double> out;
    int last = 0;
    for (std::size_t node = course_.first_node[segment]; node + 1 < course_.first_node[segment + 1]; ++node) {
      const double *const from = course_.record(node), *const to = course_.record(node + 1);
      const auto p = slope_polynomial({from, to, *to - *from, 0}, c);
      const auto leading = std::find_if(p.begin(), p.end(), [](double e) { return e != 0; });
      if (leading == p.end()) continue;
      int sign = *leading > 0 ? 1 : -1;
      if (last != 0 && sign != last) out.push_back(*from);
      if (!detail::ode::has_one_sign(p)) {
        const auto turns = detail::ode::sign_changes(p, 4);
        for (std::size_t i = 0; i < turns.count; ++i, sign = -sign) out.push_back(*from + turns.at[i] * (*to - *from));
      }
      last = sign;
    }
    return out;
  }

 private:
  void require_curve(Curve c) const {
    require(model_.has(c), Code::arg, "curve", "not a curve of this model; accepted: plasma, and what the model has");
  }
  [[nodiscard]] double shown(const double* x, Curve c) const {
    return model_.value(std::span<const double>(x, course_.size), c);
  }
  [[nodiscard]] detail::ode::Place place(std::size_t segment, double minute) const {
    require(minute >= 0 && minute <= course_.length_min[segment], Code::range, "t",
            "outside the solved course; accepted: 0 to its horizon");
    const detail::ode::Place found = detail::ode::find(course_, segment, minute);
    require(!std::isnan(found.from[1 + 2 * course_.size]), Code::range, "t",
            "in a step that was not kept; accepted: an instant of only_at");
    return found;
  }
  [[nodiscard]] detail::ode::States state(std::size_t segment, double minute) const {
    detail::ode::States x{};
    detail::ode::interpolate(place(segment, minute), course_.size, x);
    return x;
  }
  [[nodiscard]] std::array<double, 5> slope_polynomial(const detail::ode::Place& p, Curve c) const {
    const std::size_t n = course_.size;
    const double *const f = p.from + 1, *const t = p.to + 1;
    return detail::ode::slope_polynomial(shown(t, c) - shown(f, c), p.width_min * shown(f + n, c),
                                         p.width_min * shown(t + n, c), shown(f + 2 * n, c), shown(f + 3 * n, c));
  }

  M model_;
  detail::ode::Course course_;
};

/// The course of any model up to `horizon`, or to the last edge where that comes later.
/// Throws E_TOLERANCE(rtol | atol) unless rtol lies in 1e-14 to 1e-2 and atol in 1e-25 to 1e-2, E_SEGMENT for
/// segments with a gap, out of order or with an input that is not zero or a positive number, E_SIZE(model) for more
/// than 32 states; what the model throws passes through. `Trouble`: solver where a state or slope is no longer finite
/// or the step shrinks to nothing; solver_maxsteps where the steps do not suffice.
template <PkModel M>
[[nodiscard]] Attempt<OdeTrajectory<M>> solve_ode(const M& model, std::vector<Segment> segments, Micros horizon,
                                                  OdeOptions options = {}) {
  require(options.rtol >= 1e-14 && options.rtol <= 1e-2, Code::tolerance, "rtol",
          "not a relative tolerance that can be held; accepted: 1e-14 to 1e-2");
  require(options.atol_per_dose >= 1e-25 && options.atol_per_dose <= 1e-2, Code::tolerance, "atol",
          "not an absolute tolerance that can be held; accepted: 1e-25 to 1e-2 of the dose");
  validate(segments);
  const std::size_t n = model.size();
  require(n >= 1 && n <= detail::ode::most_states, Code::size, "model",
          "no state or too many; accepted: 1 to 32 states");

  detail::ode::Course course;
  course.size = n;
  course.is_whole = options.only_at.empty();
  course.segments = std::move(segments);
  for (const Segment& s : course.segments) course.length_min.push_back(minutes(s.duration));
  course.length_min.back() = minutes(std::max(horizon - course.segments.back().start, Micros{0}));

  std::optional<Trouble> trouble;
  if (n <= 5)
    trouble = detail::ode::integrate<5>(model, options, course);
  else if (n <= 7)
    trouble = detail::ode::integrate<7>(model, options, course);
  else if (n <= 9)
    trouble = detail::ode::integrate<9>(model, options, course);
  else if (n <= 17)
    trouble = detail::ode::integrate<17>(model, options, course);
  else
    trouble = detail::ode::integrate<detail::ode::most_states>(model, options, course);
  if (trouble) return *std::move(trouble);
  return OdeTrajectory<M>(model, std::move(course));
}

}  // namespace ketpk
