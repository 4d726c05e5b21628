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
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "ketpk/dual.hpp"
#include "ketpk/error.hpp"
#include "ketpk/model.hpp"
#include "ketpk/polynomial.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/rosenbrock.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// Dormand–Prince 5(4), explicit (Boost.Odeint), for everything that is not stiff; Rodas5P, of the same orders, where a
/// fast process dies down and a slow one is of interest.
enum class OdeMethod : std::uint8_t { dormand_prince, rosenbrock };
inline constexpr std::array<std::string_view, 2> ode_method_names{"dormand-prince", "rosenbrock"};

/// A step is accepted if its error estimate in every state is at most `rtol` (|state| + step |slope|) plus
/// `atol_per_dose` times what the whole dose would bring the state to, or what it begins with where that is more.
///
/// Worst error of any curve of the 96 reference cases, by their rule, at 97 instants in each segment:
///
/// | atol_per_dose | 1e-19 | 1e-18 | 1e-16 | 1e-14 | 1e-12 |
/// |---|---|---|---|---|---|
/// | rtol 1e-11 | 3e-11 | 3e-11 | 3e-9 | 2e-7 | 3e-5 |
/// | rtol 1e-10 | 3e-10 | | | | |
/// | rtol 1e-9  | 3e-9  | | | | |
///
/// (tests/test_solve_ode.cpp holds the ends of the first row. What a larger atol costs is the tail.)
struct OdeOptions {
  double rtol = 1e-11;
  double atol_per_dose = 1e-19;
  /// Accepted and rejected, in one segment; unless stated 500'000 explicit or 100'000 stiff steps shared by the states
  /// (at least five), which takes less than 50 ms.
  std::optional<std::size_t> max_steps = {};
  /// If any, in order of time: the only instants that will be asked. Steps that hold none of them are not kept, which
  /// halves the cost; to ask elsewhere is an error.
  std::vector<Micros> only_at = {};
  OdeMethod method = OdeMethod::dormand_prince;
};

/// What a solution took.
struct OdeWork {
  std::size_t rhs_evaluations = 0, accepted_steps = 0, rejected_steps = 0;
  std::size_t jacobians = 0;  ///< none for Dormand–Prince
};

namespace detail::ode {

inline constexpr std::size_t most_states = 34;  // of the largest network of network.hpp, with two areas

/// Everything a finished solution keeps. A node is where a step begins or ends; its record is the minutes from the
/// segment's start, the state, and three more numbers of each state for the step that begins there: its slope and how
/// far it has come per minute of step at a quarter and at three quarters of it, or three bends. Where the last two are
/// not numbers, what follows the node was not kept.
struct Course {
  OdeMethod method = OdeMethod::dormand_prince;
  std::size_t size = 0;
  std::vector<Segment> segments;
  std::vector<double> length_min;       ///< of each segment; the last one's up to the horizon
  std::vector<std::size_t> first_node;  ///< of each segment, and one more: the number of nodes
  std::size_t nodes = 0;
  /// Records, 64 in the first chunk and in each next one four times as many: a long course is never moved, and large
  /// chunks come and go without the system being asked for each page anew. Never written to once the course is solved,
  /// so that copies of it share them.
  std::vector<std::shared_ptr<double[]>> chunks;
  OdeWork work;
  bool is_whole = true;  ///< every step was kept

  static constexpr std::size_t first_chunk = 64;
  [[nodiscard]] std::size_t stride() const noexcept { return 1 + 4 * size; }
  /// Chunk c begins with node 64 (4^c - 1) / 3.
  [[nodiscard]] double* record(std::size_t node) const noexcept {
    const std::size_t c = (static_cast<std::size_t>(std::bit_width(3 * (node / first_chunk) + 1)) - 1) / 2;
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): the bit width here is 1 or more
    const std::size_t begin = first_chunk * (((std::size_t{1} << (2 * c)) - 1) / 3);
    return chunks[c].get() + (node - begin) * stride();
  }
  /// Room for the next record, with nothing in it.
  [[nodiscard]] double* append() {
    if (room == 0) {
      room = first_chunk << (2 * chunks.size());
      chunks.push_back(std::make_shared_for_overwrite<double[]>(room * stride()));
      next = chunks.back().get();
    }
    double* const here = next;
    next += stride();
    --room;
    ++nodes;
    return here;
  }

 private:
  double* next = nullptr;  ///< where the next record goes while the course is being solved
  std::size_t room = 0;    ///< records that still fit behind it
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
// Hermite's cubic and two bends that the inner stages decide, and that its values at two instants tell.

struct Bends {
  double first, second;
};
/// From rise and slopes times h, and what y has risen at a quarter and at three quarters.
[[nodiscard]] inline Bends bends_of(double rise, double s0, double s1, double quarter, double three_quarters) noexcept {
  constexpr double c = 256.0 / 9;  // 1 / C at a quarter and at three quarters
  const double low = c * (quarter - (10 * rise - 3 * s1 + 9 * s0) / 64);
  const double high = c * (three_quarters - (54 * rise - 9 * s1 + 3 * s0) / 64);
  const double second = 2 * (high - low);
  return {low - 0.25 * second, second};
}

using States = std::array<double, most_states>;

inline void interpolate_hermite(const Place& p, std::size_t n, States& x) noexcept {
  const double z = p.theta, y = z - 1, h = p.width_min;
  const double a = z * z * (3 - 2 * z), b = z * z * y, c = z * z * y * y, d = z * y * y;
  const double *const f = p.from + 1, *const t = p.to + 1;
  for (std::size_t i = 0; i < n; ++i) {
    const double rise = t[i] - f[i], s0 = h * f[n + i], s1 = h * t[n + i];
    const Bends bend = bends_of(rise, s0, s1, h * f[2 * n + i], h * f[3 * n + i]);
    x[i] = f[i] + a * rise + (b * s1 + d * s0) + c * (bend.first + z * bend.second);
  }
}

/// The interpolant of Rodas5P: state, three bends (rosenbrock.hpp).
inline void interpolate_bends(const Place& p, std::size_t n, States& x) noexcept {
  const double z = p.theta, y = 1 - z;
  const double *const f = p.from + 1, *const t = p.to + 1;
  for (std::size_t i = 0; i < n; ++i)
    x[i] = y * f[i] + z * (t[i] + y * (f[n + i] + z * (f[2 * n + i] + z * f[3 * n + i])));
}

/// d/d theta of the interpolant of one linear curve.
[[nodiscard]] inline Polynomial<5> slope_polynomial(double rise, double s0, double s1, double quarter,
                                                    double three_quarters) noexcept {
  const auto [first, second] = bends_of(rise, s0, s1, quarter, three_quarters);
  return {s0, 6 * rise - 2 * s1 - 4 * s0 + 2 * first, -6 * rise + 3 * s1 + 3 * s0 - 6 * first + 3 * second,
          4 * first - 8 * second, 5 * second};
}
[[nodiscard]] inline Polynomial<5> slope_of_bends(double rise, double bend0, double bend1, double bend2) noexcept {
  return {rise + bend0, 2 * (bend1 - bend0), 3 * (bend2 - bend1), -4 * bend2, 0};
}

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

/// What each state's error may be, and what the tests of the last step saw. States beyond the model's own are 0.
template <std::size_t N>
struct Tolerance {
  double rtol;
  std::array<double, N> atol;
  std::array<double, N> errors{};  ///< of the last step, 1 being what is tolerated
  std::size_t not_finite = N;      ///< the first state that is not a finite number; N: none

  /// The largest error of a step. NaN is seen, which `error > 1` would not.
  template <class SizeOf>
  [[nodiscard]] double test(const std::array<double, N>& estimate, SizeOf size_of) noexcept {
    for (std::size_t i = 0; i < N; ++i) errors[i] = std::abs(estimate[i]) / (atol[i] + rtol * size_of(i));
    double most = 0, sum = 0;
    for (std::size_t i = 0; i < N; ++i) {
      most = std::max(most, errors[i]);
      sum += errors[i];
    }
    if (!(sum <= std::numeric_limits<double>::max())) find_lost(errors);
    return most;
  }
  void see(const std::array<double, N>& x) noexcept {
    double nothing = 0;  // and NaN, once it meets NaN or infinity
    for (std::size_t i = 0; i < N; ++i) nothing += 0 * x[i];
    if (!(nothing == 0)) find_lost(x);
  }
  void find_lost(const std::array<double, N>& x) noexcept {
    for (std::size_t i = N; i-- > 0;)
      if (!std::isfinite(x[i])) not_finite = std::min(not_finite, i);
  }
  [[nodiscard]] bool is_lost() const noexcept { return not_finite < N; }
  /// The state with the largest error.
  [[nodiscard]] std::size_t worst() const noexcept {
    return static_cast<std::size_t>(std::max_element(errors.begin(), errors.end()) - errors.begin());
  }
};

/// The same in the form Odeint asks for.
template <std::size_t N>
struct ErrorTest {
  Tolerance<N>* tolerance;

  template <class Algebra, class State>
  [[nodiscard]] double error(Algebra&, const State& x, const State& slope, const State& estimate,
                             double dt) const noexcept {
    return tolerance->test(estimate, [&](std::size_t i) { return std::abs(x[i]) + std::abs(dt * slope[i]); });
  }
};

/// The size of the next step, from the errors of the last two (Hairer, Wanner, Solving Ordinary Differential Equations
/// II, IV.2, with constants near theirs). Odeint's own rule looks at one error only; where a stiff model limits the
/// step by stability it runs into a rejection at every fifth step, and this one hardly ever. An error about where the
/// rule would settle leaves the step as it is: the next step then need not wait for this one's error, which is worth a
/// quarter of its time.
class Pace {
 public:
  [[nodiscard]] bool check_step_size_limit(double) const noexcept { return true; }
  [[nodiscard]] double get_max_dt() const noexcept { return 0; }

  [[nodiscard]] double decrease_step(double dt, double error, int) noexcept {
    may_grow_ = false;
    return dt * std::max(0.2, 0.9 * std::pow(error, -0.2));
  }
  [[nodiscard]] double increase_step(double dt, double error, int) noexcept {
    // 0.94 error^-(0.2 - 0.75 beta) error_before^beta, with beta = 0.042 = 0.168 / 4.
    constexpr double least_error = 1e-5;
    if (!(error > 0.5 && error < 0.7)) {
      const double ratio = std::sqrt(std::sqrt(error_before_)) / std::max(error, least_error);
      dt *= std::clamp(0.94 * std::pow(ratio, 0.168), 0.2, may_grow_ ? 5.0 : 1.0);
    }
    error_before_ = std::max(error, least_error);
    may_grow_ = true;
    return dt;
  }

 private:
  double error_before_ = 1e-4;
  bool may_grow_ = true;
};

/// How many of N states are the model's own: all of them where its size is known when it is compiled.
template <class M>
concept HasConstantSize = requires {
  typename std::integral_constant<std::size_t, M::size()>;
};
template <std::size_t N, class M>
[[nodiscard]] constexpr std::size_t size_of(std::size_t n) noexcept {
  return HasConstantSize<M> ? N : std::min(n, N);  // saying so lets the compiler know
}

/// A model as the steppers see it during one segment.
template <std::size_t N, PkModel M>
struct System {
  using State = std::array<double, N>;
  const M& model;
  std::size_t size;
  double rate_mg_per_min;

  void operator()(const State& state, State& slopes) const {
    const std::size_t n = size_of<N, M>(size);
    model.slopes(std::span<const double>(state.data(), n), rate_mg_per_min, std::span<double>(slopes.data(), n));
    for (std::size_t i = n; i < N; ++i) slopes[i] = 0;
  }

  /// Row i: how the slope of state i answers to each state.
  void jacobian(const State& state, std::array<State, N>& rows) const requires DifferentiableModel<M> {
    const std::size_t n = size_of<N, M>(size);
    std::array<Dual<N>, N> x, dx;
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = state[i];
      x[i].slope[i] = 1;
    }
    model.slopes(std::span<const Dual<N>>(x.data(), n), rate_mg_per_min, std::span<Dual<N>>(dx.data(), n));
    for (std::size_t i = 0; i < n; ++i) rows[i] = dx[i].slope;
  }
};

/// Where a step begins and where it ends.
template <std::size_t N>
struct Ends {
  std::array<double, N> x{}, slopes{}, next{}, next_slopes{};
};

// A stepper is made anew for each segment. `try_step` tries `dt` and leaves in it what to try next; `keep` writes the
// three further numbers of the step just taken behind the state of its record.

template <std::size_t N>
class DormandPrince {
 public:
  static constexpr std::string_view name = "odeint";
  DormandPrince(Tolerance<N>& tolerance, std::size_t) : controlled_(ErrorTest<N>{&tolerance}) {}

  template <class System>
  [[nodiscard]] bool try_step(const System& system, Ends<N>& e, double& dt, OdeWork& work) {
    work.rhs_evaluations += 6;
    // All six calls of a small model's equations in line are worth a tenth of the time; a large one's would cost that.
    if constexpr (N <= 5)
      return try_in_line(system, e, dt);
    else
      return try_with_calls(system, e, dt);
  }

  void keep(const Ends<N>& e, std::size_t n, double* behind) {
    // Two values of Odeint's interpolant say all. Told that the state is 0 and the step 1, it answers with the change
    // per minute of step, free of the rounding of the state.
    State quarter, three_quarters;
    auto& stepper = controlled_.stepper();
    stepper.calc_state(0.25, quarter, State{}, e.slopes, 0.0, State{}, e.next_slopes, 1.0);
    stepper.calc_state(0.75, three_quarters, State{}, e.slopes, 0.0, State{}, e.next_slopes, 1.0);
    std::copy_n(quarter.data(), n, behind + n);
    std::copy_n(three_quarters.data(), n, behind + 2 * n);
  }

 private:
  using State = std::array<double, N>;

  template <class System>
  [[nodiscard]] bool try_with_calls(const System& system, Ends<N>& e, double& dt) {
    double t = 0;
    // Odeint copies what it is given at every step; one reference is no burden.
    const auto slopes = [&system](const State& x, State& dx, double) { system(x, dx); };
    return controlled_.try_step(slopes, e.x, e.slopes, t, e.next, e.next_slopes, dt) == boost::numeric::odeint::success;
  }
  template <class System>
  [[nodiscard]] [[gnu::flatten]] bool try_in_line(const System& system, Ends<N>& e, double& dt) {
    return try_with_calls(system, e, dt);
  }

  using Stepper =
      boost::numeric::odeint::runge_kutta_dopri5<State, double, State, double, boost::numeric::odeint::array_algebra,
                                                 boost::numeric::odeint::default_operations,
                                                 boost::numeric::odeint::never_resizer>;
  boost::numeric::odeint::controlled_runge_kutta<Stepper, ErrorTest<N>, Pace, boost::numeric::odeint::never_resizer>
      controlled_;
};

template <std::size_t N>
class Rodas {
 public:
  static constexpr std::string_view name = "rosenbrock";
  Rodas(Tolerance<N>& tolerance, std::size_t n) : tolerance_(&tolerance), rosenbrock_(n) {}

  template <class System>
  [[nodiscard]] bool try_step(const System& system, Ends<N>& e, double& dt, OdeWork& work) {
    if (!has_jacobian_) {
      ++work.jacobians;
      system.jacobian(e.x, jacobian_);
      for (std::size_t i = 0; i < N; ++i)
        for (std::size_t j = 0; j < N; ++j)
          if (!std::isfinite(jacobian_[i][j])) tolerance_->not_finite = std::min(tolerance_->not_finite, i);
      if (tolerance_->is_lost()) return false;
      has_jacobian_ = true;
    }
    work.rhs_evaluations += 7;
    if (!rosenbrock_.step(system, jacobian_, e.x, e.slopes, dt, e.next)) {
      dt = dt / 2;
      return false;
    }
    const double error = tolerance_->test(
        rosenbrock_.error(), [&](std::size_t i) { return std::max(std::abs(e.x[i]), std::abs(e.next[i])); });
    if (error > 1) {
      dt = pace_.decrease_step(dt, error, 5);
      return false;
    }
    ++work.rhs_evaluations;
    system(e.next, e.next_slopes);
    has_jacobian_ = false;
    dt = pace_.increase_step(dt, error, 5);
    return true;
  }

  void keep(const Ends<N>&, std::size_t n, double* behind) const noexcept {
    for (std::size_t r = 0; r < 3; ++r)
      for (std::size_t i = 0; i < n; ++i) behind[r * n + i] = rosenbrock_.bend(r, i);
  }

 private:
  Tolerance<N>* tolerance_;
  Rosenbrock<N> rosenbrock_;
  typename Rosenbrock<N>::Matrix jacobian_{};
  bool has_jacobian_ = false;
  Pace pace_;
};

/// `state 2 of 5 (depot)`.
template <PkModel M>
[[nodiscard]] std::string describe(const M& model, std::size_t i) {
  std::string text = "state " + std::to_string(i + 1) + " of " + std::to_string(static_cast<std::size_t>(model.size()));
  if constexpr (NamesStates<M>) text.append(" (").append(std::string_view(model.name_of(i))).append(")");
  return text;
}

/// Solves `course.segments` in arrays of `N` >= model.size() states; those beyond the model's stay 0.
template <class Stepper, std::size_t N, PkModel M>
[[nodiscard]] std::optional<Trouble> integrate(const M& model, const OdeOptions& options, Course& course) {
  using State = std::array<double, N>;
  const std::size_t n = size_of<N, M>(course.size);
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
  Tolerance<N> tolerance{.rtol = options.rtol, .atol = {}};
  for (std::size_t i = 0; i < N; ++i)
    tolerance.atol[i] = i < n ? std::max(options.atol_per_dose * scale[i], std::numeric_limits<double>::min()) : 1;
  const auto norm = [&](const State& v) {
    double most = 0;
    for (std::size_t i = 0; i < n; ++i) most = std::max(most, std::abs(v[i]) / scale[i]);
    return most;
  };

  OdeWork& work = course.work;
  const std::size_t most_steps = options.max_steps.value_or(
      (options.method == OdeMethod::dormand_prince ? 500'000 : 100'000) / std::max<std::size_t>(n, 5));
  std::size_t asked = 0;  // of options.only_at, the first that no step was kept for
  Ends<N> e;
  std::copy_n(start.begin(), n, e.x.begin());
  for (std::size_t k = 0; k < course.segments.size(); ++k) {
    const Segment& segment = course.segments[k];
    const double length = course.length_min[k];
    const System<N, M> system{model, n, segment.rate_mg_per_min};
    const auto trouble = [&](Code code, double minute, const std::string& what) {
      return Trouble{code, std::string(Stepper::name),
                     "at " + to_text(minutes(segment.start) + minute) + " min: " + what};
    };
    const auto lost = [&](double minute) {
      return trouble(Code::solver, minute,
                     describe(model, tolerance.not_finite) + " or its slope is not a finite number");
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

    model.bolus(std::span<double>(e.x.data(), n), segment.bolus_mg);
    ++work.rhs_evaluations;
    system(e.x, e.slopes);
    tolerance.see(e.x);
    tolerance.see(e.slopes);
    if (tolerance.is_lost()) return lost(0);
    course.first_node.push_back(course.nodes);
    double* node = course.append();
    put(node, 0, e.x, e.slopes);
    std::fill_n(node + 1 + 2 * n, 2 * n, 0.0);  // of a segment without length
    if (length == 0) continue;
    bool is_fixed = true;  // the node begins the segment or ends a step that was kept

    // How fast the slopes change along the solution tells the size of the first step.
    double dt = length;
    if (const double speed = norm(e.slopes); speed > 0) {
      double probe = 1e-6 * length;
      if (const double size = norm(e.x); size > 0) probe = std::min(probe, 1e-3 * size / speed);
      for (std::size_t i = 0; i < N; ++i) e.next[i] = e.x[i] + probe * e.slopes[i];
      ++work.rhs_evaluations;
      system(e.next, e.next_slopes);
      tolerance.see(e.next_slopes);
      if (tolerance.is_lost()) return lost(0);
      for (std::size_t i = 0; i < N; ++i) e.next[i] = e.next_slopes[i] - e.slopes[i];
      if (const double change = norm(e.next) / (probe * speed); change * length > 5e-3) dt = 5e-3 / change;
    }

    Stepper stepper(tolerance, n);
    const std::size_t tried_before = work.accepted_steps + work.rejected_steps;
    double t = 0;
    while (t < length) {
      const std::size_t tried = work.accepted_steps + work.rejected_steps - tried_before;
      if (tried >= most_steps)
        return trouble(Code::solver_maxsteps, t,
                       "all " + std::to_string(most_steps) + " steps are used up" +
                           (tried > 0 ? ", kept short by " + describe(model, tolerance.worst()) : std::string()) +
                           "; accepted: a shorter course, more steps, or " +
                           (options.method == OdeMethod::dormand_prince ? "the rosenbrock method for a stiff model"
                                                                        : "a larger tolerance"));
      if (!(dt > 1e-14 * t && dt > 1e-30 * length))
        return trouble(
            Code::solver, t,
            "the step shrank to nothing before the tolerance was met in " + describe(model, tolerance.worst()));
      // The last step ends at the segment's end, and the one before it leaves no splinter.
      const bool is_last = t + 1.0001 * dt >= length;
      if (is_last)
        dt = length - t;
      else if (t + 2 * dt > length)
        dt = (length - t) / 2;

      const double h = dt;
      const bool accepted = stepper.try_step(system, e, dt, work);
      if (accepted) {
        tolerance.see(e.next);
        tolerance.see(e.next_slopes);
      }
      if (tolerance.is_lost()) return lost(t);
      if (!accepted) {
        ++work.rejected_steps;
        continue;
      }
      ++work.accepted_steps;

      t = is_last ? length : t + h;
      if (is_asked(t, is_last && k + 1 == course.segments.size())) {
        stepper.keep(e, n, node + 1 + n);
        node = course.append();
        is_fixed = true;
      } else if (is_fixed) {
        std::fill_n(node + 1 + 2 * n, 2 * n, std::numeric_limits<double>::quiet_NaN());
        node = course.append();
        is_fixed = false;
      }
      e.x = e.next;
      e.slopes = e.next_slopes;
      put(node, t, e.x, e.slopes);
    }
  }
  course.first_node.push_back(course.nodes);
  return std::nullopt;
}

template <std::size_t N, PkModel M>
[[nodiscard]] std::optional<Trouble> integrate_by_method(const M& model, const OdeOptions& options, Course& course) {
  if (options.method == OdeMethod::dormand_prince) return integrate<DormandPrince<N>, N>(model, options, course);
  if constexpr (DifferentiableModel<M>) return integrate<Rodas<N>, N>(model, options, course);
  throw InvalidInput(Code::arg, "method",
                     "needs slopes that take dual numbers; accepted: slopes as a template over its scalar, or "
                     "dormand-prince");
}

/// A model may say which sizes of arrays it is compiled for; each costs compile time.
template <class M>
concept HasArraySizes = requires {
  M::array_sizes.size();
};
template <class M>
[[nodiscard]] consteval auto array_sizes_of() noexcept {
  if constexpr (HasArraySizes<M>)
    return M::array_sizes;
  else
    return std::array<std::size_t, 4>{5, 9, 17, most_states};
}

/// The smallest of the sizes from the k-th on that holds the model.
template <std::size_t K, PkModel M>
[[nodiscard]] std::optional<Trouble> integrate_from(const M& model, const OdeOptions& options, Course& course) {
  constexpr auto sizes = array_sizes_of<M>();
  if constexpr (K + 1 < sizes.size())
    if (course.size > sizes[K]) return integrate_from<K + 1>(model, options, course);
  return integrate_by_method<sizes[K]>(model, options, course);
}

/// A model of constant size is solved in arrays of exactly that size.
template <PkModel M>
[[nodiscard]] std::optional<Trouble> integrate_any(const M& model, const OdeOptions& options, Course& course) {
  if constexpr (HasConstantSize<M>)
    return integrate_by_method<std::clamp<std::size_t>(M::size(), 1, most_states)>(model, options, course);
  else
    return integrate_from<0>(model, options, course);
}

}  // namespace detail::ode

/// The numerical course of a model up to its horizon; a value that can be asked at any instant.
///
/// Turns and slopes of a curve that the model calls linear are those of the solver's own polynomial, all of them. Any
/// other curve is taken for a smooth function of the state: on each step it is resolved by Chebyshev polynomials to
/// 1e-10 of its variation or to rounding, the step halved until it is, and every turn of these is found. A kink is
/// closed in on down to 2^-24 of a step; a turn there and back between two of nine samples of a step that nonetheless
/// looks smooth to nine digits would be missed. Where the curve is not a number somewhere within a step, that instant
/// is among its turning points, so that no answer leaves it out.
template <PkModel M>
class OdeTrajectory {
 public:
  OdeTrajectory(M model, detail::ode::Course course) : model_(std::move(model)), course_(std::move(course)) {}

  [[nodiscard]] const M& model() const noexcept { return model_; }
  [[nodiscard]] const std::vector<Segment>& segments() const noexcept { return course_.segments; }
  [[nodiscard]] bool has(Curve c) const noexcept { return model_.has(c); }
  [[nodiscard]] OdeWork work() const noexcept { return course_.work; }
  /// Where the course ends: the horizon asked for, or the last edge.
  [[nodiscard]] Micros horizon() const noexcept {
    return course_.segments.back().start +
           Micros{static_cast<std::int64_t>(std::llround(course_.length_min.back() * micros_per_minute))};
  }
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
  [[nodiscard]] double auc_mg_min_per_L(Micros t) const requires KnowsArea<M> {
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

  /// Change of the curve a minute [mg/L/min], `minute` after the start of `segment`. Throws as `value`.
  [[nodiscard]] double slope(std::size_t segment, double minute, Curve c) const {
    require_curve(c);
    const detail::ode::Place p = place(segment, minute);
    if (is_linear(c)) {
      if (p.from == p.to) return shown(p.from + 1 + course_.size, c);
      return evaluate(slope_polynomial(p, c), p.theta) / p.width_min;
    }
    // Along the tangent where there is no step; on a twentieth of the step around the instant where there is one.
    if (p.from == p.to) {
      double reach = 1;
      for (std::size_t i = 0; i < course_.size; ++i)
        if (const double s = std::abs(p.from[1 + course_.size + i]); s > 0 && p.from[1 + i] != 0)
          reach = std::min(reach, 1e-3 * std::abs(p.from[1 + i]) / s);
      const auto tangent = [&](double ahead) {
        detail::ode::States x{};
        for (std::size_t i = 0; i < course_.size; ++i) x[i] = p.from[1 + i] + ahead * p.from[1 + course_.size + i];
        return shown(x.data(), c);
      };
      return evaluate(fit(tangent, {-reach, reach}).slope(), 0.0) / reach;
    }
    const double low = std::clamp(p.theta - 0.025, 0.0, 0.95);
    const Fit near = fit([&](double theta) { return shown_at(p, theta, c); }, {low, low + 0.05});
    return evaluate(near.slope(), (p.theta - low) / 0.025 - 1) / (0.025 * p.width_min);
  }

  /// Minutes from the start of `segment` at which the curve turns from rising to falling or back, in order; where it is
  /// not linear in the state also those at which it becomes level or ceases to be. Where the curve is level to within
  /// the tolerance, it may turn often. Throws E_ARG as `value`, and where not every step was kept.
  [[nodiscard]] std::vector<double> turning_points(std::size_t segment, Curve c) const {
    require_curve(c);
    require_whole();
    std::vector<double> out;
    constexpr int unknown = 2;
    int last = unknown;
    // A stretch: how it begins, and where within it the slope changes sign.
    const auto see = [&](double begin, int sign, const auto& turns, double zero, double width) {
      if (last != unknown && sign != last) out.push_back(begin);
      for (std::size_t i = 0; i < turns.count; ++i, sign = -sign) out.push_back(zero + turns.at[i] * width);
      last = sign;
    };
    for_each_step(segment, [&](const detail::ode::Place& p) {
      if (is_linear(c)) {
        const Polynomial<5> slope = slope_polynomial(p, c);
        if (const int sign = sign_after_start(slope); sign != 0)
          see(*p.from, sign, has_one_sign(slope) ? Places<5>{} : sign_changes(slope, {0, 1}), *p.from, p.width_min);
        return;
      }
      for_each_fit([&](double theta) { return shown_at(p, theta, c); }, {0, 1},
                   [&](const Fit& f) {
                     const double begin = *p.from + f.on.low * p.width_min,
                                  half = (f.on.high - f.on.low) / 2 * p.width_min;
                     if (!f.is_finite) {
                       out.push_back(begin + not_finite_in(p, f, c) * half);
                       return;
                     }
                     Polynomial<8> slope = f.slope();
                     // A kink that was closed in on is what its ends say.
                     if (!f.is_resolved()) slope = {shown_at(p, f.on.high, c) - shown_at(p, f.on.low, c)};
                     const double at_start = evaluate(slope, -1.0);
                     double others = 0;
                     for (std::size_t i = 1; i < slope.size(); ++i) others += std::abs(slope[i]);
                     if (others == 0 && slope[0] == 0) return see(begin, 0, Places<8>{}, begin, half);
                     const auto turns = std::abs(slope[0]) > others ? Places<8>{} : sign_changes(slope, {-1, 1});
                     const double leading =
                         at_start != 0 ? at_start : evaluate(slope, turns.count > 0 ? (turns.at[0] - 1) / 2 : 0);
                     see(begin, leading > 0 ? 1 : -1, turns, begin + half, half);
                   });
    });
    return out;
  }

  /// Area under a curve from 0 to `until` [unit of the curve times min], as that of the polynomials that turning points
  /// are found on. There is none to infinity: what a model that is not linear does after the horizon is not known.
  /// Throws as `turning_points`, and E_RANGE outside 0 to the horizon.
  [[nodiscard]] double area_under(Curve c, Micros until) const {
    require_curve(c);
    require_whole();
    require(until >= Micros{0}, Code::range, "t", "before the course; accepted: 0 to its horizon");
    const std::size_t last = segment_at(until);
    const double stop = minutes(until - course_.segments[last].start);
    require(stop <= course_.length_min[last], Code::range, "t",
            "outside the solved course; accepted: 0 to its horizon");
    detail::CarefulSum sum;
    for (std::size_t i = 0; i <= last; ++i)
      for_each_step(i, [&](const detail::ode::Place& p) {
        const double theta = i < last ? 1 : std::min((stop - *p.from) / p.width_min, 1.0);
        if (!(theta > 0)) return;
        for_each_fit([&](double at) { return shown_at(p, at, c); }, {0, theta},
                     [&](const Fit& f) { sum.add(f.area() * p.width_min); });
      });
    return sum.total();
  }

 private:
  [[nodiscard]] bool is_linear(Curve c) const {
    if constexpr (KnowsLinearity<M>)
      return model_.is_linear(c);
    else
      return LinearModel<M> && c.kind != Curve::Kind::other;
  }
  void require_curve(Curve c) const {
    require(model_.has(c), Code::arg, "curve", "not a curve of this model; accepted: plasma, and what the model has");
  }
  void require_whole() const {
    require(course_.is_whole, Code::arg, "only_at", "stated, so not every step was kept; accepted: none");
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
  [[nodiscard]] detail::ode::States state(const detail::ode::Place& p) const noexcept {
    detail::ode::States x{};
    if (course_.method == OdeMethod::dormand_prince)
      detail::ode::interpolate_hermite(p, course_.size, x);
    else
      detail::ode::interpolate_bends(p, course_.size, x);
    return x;
  }
  [[nodiscard]] detail::ode::States state(std::size_t segment, double minute) const {
    return state(place(segment, minute));
  }
  [[nodiscard]] double shown_at(detail::ode::Place p, double theta, Curve c) const {
    p.theta = theta;
    return shown(state(p).data(), c);
  }
  template <class See>
  void for_each_step(std::size_t segment, See see) const {
    for (std::size_t node = course_.first_node[segment]; node + 1 < course_.first_node[segment + 1]; ++node) {
      const double *const from = course_.record(node), *const to = course_.record(node + 1);
      see(detail::ode::Place{from, to, *to - *from, 0});
    }
  }
  [[nodiscard]] static int sign_after_start(const Polynomial<5>& p) noexcept {
    const auto leading = std::find_if(p.begin(), p.end(), [](double e) { return e != 0; });
    return leading == p.end() ? 0 : *leading > 0 ? 1 : -1;
  }
  /// Half widths from the start of a fit to a place where the curve is not a number.
  [[nodiscard]] double not_finite_in(const detail::ode::Place& p, const Fit& f, Curve c) const {
    constexpr int samples = 256;
    for (int i = 0; i <= samples; ++i)
      if (!std::isfinite(shown_at(p, f.on.low + (f.on.high - f.on.low) * i / samples, c))) return 2.0 * i / samples;
    return 1;
  }
  [[nodiscard]] Polynomial<5> slope_polynomial(const detail::ode::Place& p, Curve c) const {
    const std::size_t n = course_.size;
    const double *const f = p.from + 1, *const t = p.to + 1;
    const double rise = shown(t, c) - shown(f, c);
    if (course_.method == OdeMethod::rosenbrock)
      return detail::ode::slope_of_bends(rise, shown(f + n, c), shown(f + 2 * n, c), shown(f + 3 * n, c));
    return detail::ode::slope_polynomial(rise, p.width_min * shown(f + n, c), p.width_min * shown(t + n, c),
                                         p.width_min * shown(f + 2 * n, c), p.width_min * shown(f + 3 * n, c));
  }

  M model_;
  detail::ode::Course course_;
};

/// The course of any model up to `horizon`, or to the last edge where that comes later.
/// Throws E_TOLERANCE(rtol | atol) unless rtol lies in 1e-14 to 1e-2 and atol in 1e-25 to 1e-2, E_SEGMENT for
/// segments with a gap, out of order or with an input that is not zero or a positive number, E_SIZE(model) for more
/// than 34 states, E_ARG(method) for the rosenbrock method with a model that is not a `DifferentiableModel`; what the
/// model throws passes through. `Trouble`, with the time and the state: solver where a state, a slope or a derivative
/// of one is no longer finite or the step shrinks to nothing; solver_maxsteps where the steps do not suffice.
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
          "no state or too many; accepted: 1 to 34 states");

  detail::ode::Course course;
  course.method = options.method;
  course.size = n;
  course.is_whole = options.only_at.empty();
  course.segments = std::move(segments);
  for (const Segment& s : course.segments) course.length_min.push_back(minutes(s.duration));
  course.length_min.back() = minutes(std::max(horizon - course.segments.back().start, Micros{0}));

  if (auto trouble = detail::ode::integrate_any(model, options, course)) return *std::move(trouble);
  return OdeTrajectory<M>(model, std::move(course));
}

#ifdef KETPK_COMPILED  // ketpk::io says so, and holds a compiled copy; who links headers alone compiles them
extern template class OdeTrajectory<Mammillary>;
extern template Attempt<OdeTrajectory<Mammillary>> solve_ode(const Mammillary&, std::vector<Segment>, Micros,
                                                             OdeOptions);
#endif

}  // namespace ketpk
