// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a saturable model has no closed form, and a population asks for its curve a million times. The same
// Dormand–Prince steps that solve_ode.hpp takes for one subject are taken here for N side by side, each lane with a
// step size, a clock and a dose segment of its own: what a lane comes to does not depend on its neighbours, on how many
// there are, or on the instruction set. A lane that has finished its subject takes the next one.
//
// This header is compiled for several instruction sets, so everything in it that reckons is a template over the lane
// type, takes plain memory, and answers with a status instead of throwing.

#include <boost/numeric/odeint/algebra/array_algebra.hpp>
#include <boost/numeric/odeint/algebra/default_operations.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>
#include <boost/numeric/odeint/util/resizer.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "ketpk/lanes.hpp"

namespace ketpk {

/// What became of a subject.
enum class LaneStatus : std::uint8_t {
  ok,
  not_finite,      ///< a state or its slope is no longer a finite number
  step_too_small,  ///< the step shrank to nothing before the tolerance was met
  too_many_steps   ///< the steps of one segment are used up
};

/// Parents of one to three compartments with linear (`cl`, may be 0) and saturable elimination (`vmax` may be 0, `km`
/// is positive), each array as long as there are subjects. Those of compartments that a model has not are not read.
struct SaturableSubjects {
  std::size_t count = 0;
  const double *v1_L = nullptr, *cl_L_per_min = nullptr, *vmax_mg_per_min = nullptr, *km_mg_per_L = nullptr;
  const double *q2_L_per_min = nullptr, *v2_L = nullptr, *q3_L_per_min = nullptr, *v3_L = nullptr;
};

/// From one dose edge to the next, or to the end of the course; what goes in, for each subject.
struct LaneSegment {
  double start_min = 0, length_min = 0;
  const double *bolus_mg = nullptr, *rate_mg_per_min = nullptr;
  std::size_t first_instant = 0;  ///< of those in this segment; one at an edge is in the segment that begins there
  const double* lengths_min = nullptr;  ///< of each subject, in place of `length_min`

  [[nodiscard]] double length_of(std::size_t subject) const noexcept {
    return lengths_min == nullptr ? length_min : lengths_min[subject];
  }
};

/// The segments in order, and the instants that are asked, in order, as minutes from their segment's start.
struct LaneCourse {
  const LaneSegment* segments = nullptr;
  std::size_t n_segments = 0;
  const double* instants_min = nullptr;
  std::size_t n_instants = 0;
};

/// The meaning is that of `OdeOptions`: a step is accepted if its error estimate in every compartment is at most `rtol`
/// (|state| + step |slope|) plus `atol_per_dose` times what the whole dose would bring it to. The area does not steer
/// the steps, so that to ask for it changes no bit of the curve.
///
/// Measured at the default, 0.5 mg/kg over 40 min in 10,000 adults with saturable elimination (bench_cohort_ode.cpp):
/// plasma is right to 8e-7 wherever it is above 1e-4 mg/L. Far below, where it comes near `atol_per_dose` of the dose,
/// steps are as long as stability lets them be: plasma is then right to 1e-9 mg/L, and may be negative by less. Models
/// that are saturated for long turn an early error into one of time, which weighs more the lower plasma has come: of
/// 400 random ones the worst was off by 2e-5 above 1e-3 mg/L, 2e-6 at rtol 1e-7 and 2e-7 at 1e-8.
struct LaneOdeOptions {
  double rtol = 8e-7;
  double atol_per_dose = 1e-12;
  std::uint32_t max_steps = 100'000;  ///< accepted and rejected, in one segment
};

/// Where the answers go; each array as long as there are subjects. Of a subject that failed every number is NaN.
struct LaneAnswers {
  double* plasma_mg_per_L = nullptr;  ///< subject i at instant k: [i * row_stride + k]
  std::size_t row_stride = 0;
  LaneStatus* status = nullptr;
  std::uint32_t *accepted_steps = nullptr, *rejected_steps = nullptr;
  /// With `Summaries` alone: the area to the end of the course, the highest plasma and, in minutes from the course's
  /// start, the first instant of it. It is looked for where steps begin and end, which misses none: where plasma is
  /// level within a segment and as high as ever before, no other compartment is higher, so that what they give back
  /// lets it rise from there (c1'' = sum of k1i ki1 (c1 - ci)). The highest plasma is at a dose edge or at the end.
  double *auc_mg_min_per_L = nullptr, *cmax_mg_per_L = nullptr, *tmax_min = nullptr;
};

namespace detail::ode_lanes {

template <class L>
[[nodiscard]] L larger(const L& a, const L& b) noexcept {
  return select(a < b, b, a);
}
template <class L>
[[nodiscard]] L smaller(const L& a, const L& b) noexcept {
  return select(b < a, b, a);
}

/// log2 of a positive number to 0.05, from its exponent and its mantissa: enough to steer by.
template <class L>
[[nodiscard]] L rough_log2(const L& x) noexcept {
  constexpr double two_40 = 1099511627776.0, two_52 = 4503599627370496.0;
  // The upper 52 bits as a whole number: 2^40 (1023 + exponent + mantissa - 1).
  const L whole =
      by_bits(x, [](auto bits, std::size_t) { return ((bits >> 12) & 0x000fffffffffffffLL) | 0x4330000000000000LL; });
  return (whole - two_52 - 1023 * two_40) * (1 / two_40) + 0.043;
}
/// 2^x to 2e-4, for x of ordinary size.
template <class L>
[[nodiscard]] L rough_exp2(const L& x) noexcept {
  constexpr double magic = 6755399441055744.0;  // 1.5 2^52
  const L shifted = x + magic, f = x - (shifted - magic);
  return power_of_two(shifted) * (1.0 + f * (0.69315 + f * (0.24023 + f * 0.0555)));
}

/// Bit i: whether it holds in lane i.
template <std::size_t N, class Isa>
[[nodiscard]] std::uint64_t bits_of(const LaneMask<N, Isa>& m) noexcept {
  using L = Lanes<N, Isa>;
  static_assert(N <= 64);
  typename L::Bits some{};
  for (std::size_t k = 0; k < L::parts; ++k) {
    typename L::Bits weight;
    for (std::size_t i = 0; i < L::in_part; ++i) weight[i] = std::int64_t{1} << (k * L::in_part + i);
    some |= m.part[k] & weight;
  }
  std::int64_t bits = 0;
  for (std::size_t i = 0; i < L::in_part; ++i) bits |= some[i];
  return static_cast<std::uint64_t>(bits);
}

/// How many lanes from the first on hold.
template <std::size_t N, class Isa>
[[nodiscard]] std::size_t leading(const LaneMask<N, Isa>& m) noexcept {
  if constexpr (Lanes<N, Isa>::parts == 1 && N == 8) {
    using Bytes = typename VectorOf<std::int8_t, N>::type;
    const auto bits = std::bit_cast<std::uint64_t>(__builtin_convertvector(m.part[0], Bytes));
    return static_cast<std::size_t>(std::countr_one(bits)) / 8;
  } else {
    return static_cast<std::size_t>(std::countr_one(bits_of(m)));
  }
}

/// The lanes, and the subjects they work through.
template <class L, std::size_t Compartments, bool Summaries>
class Pool;

template <std::size_t N, class Isa, std::size_t Compartments, bool Summaries>
class Pool<Lanes<N, Isa>, Compartments, Summaries> {
 public:
  Pool(const SaturableSubjects& subjects, const LaneCourse& course, const LaneOdeOptions& options,
       const LaneAnswers& answers) noexcept
      : subjects_(subjects), course_(course), options_(options), answers_(answers) {
    double root = 0.1;  // rtol^(1/5), by Newton
    for (int i = 0; i < 64; ++i) root = (4 * root + options.rtol / (root * root * root * root)) / 5;
    first_step_ = 2 * root;
    most_steps_ = static_cast<double>(options.max_steps);
    for (std::size_t i = 0; i < N; ++i)
      if (take_subject(i)) go_on(i);
  }

  void run() noexcept {
    while (any(is_busy_)) step();
  }

 private:
  using L = Lanes<N, Isa>;
  using Mask = typename L::Mask;
  /// Concentrations [mg/L], and with `Summaries` the area.
  static constexpr std::size_t size = Compartments + (Summaries ? 1 : 0);
  using State = std::array<L, size>;
  using Stepper = boost::numeric::odeint::runge_kutta_dopri5<State, L, State, L, boost::numeric::odeint::array_algebra,
                                                             boost::numeric::odeint::default_operations,
                                                             boost::numeric::odeint::never_resizer>;
  /// Instants of one lane that are answered at a time.
  using Chunk = Lanes<(Isa::native < 4 ? 4 : Isa::native), Isa>;
  /// Plasma within a step: coefficients of the powers of theta, 0 to 1.
  static constexpr std::size_t coefficients = 5;

  static constexpr double infinity = std::numeric_limits<double>::infinity();
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  static constexpr double log2_of_5 = 2.321928094887362, log2_of_094 = -0.08926733809708741,
                          log2_of_09 = -0.15200309344504995;

  /// All in 1/min, but for the input [mg/L/min] and Km [mg/L]; `saturable` is Vmax/V1.
  template <class S>
  struct Rates {
    S input, linear, saturable, km;
    std::array<S, Compartments> out, back;  ///< none of the first

    [[nodiscard]] S slope_of_plasma(const S& c, const S& given_away) const noexcept {
      return input - c * (linear + saturable / (km + c)) - given_away;
    }
    template <class To, class From>
    void operator()(const From& c, To& slopes) const noexcept {
      S given_away = 0;
      for (std::size_t i = 1; i < Compartments; ++i) {
        const S down = c[0] - c[i];
        slopes[i] = back[i] * down;
        given_away = i == 1 ? out[i] * down : given_away + out[i] * down;
      }
      slopes[0] = slope_of_plasma(c[0], given_away);
    }
  };

  /// One step of every lane.
  [[gnu::flatten]] void step() noexcept {
    // The last step ends at the segment's end, and the one before it leaves no splinter.
    const L left = length_ - t_;
    const Mask is_last = t_ + 1.0001 * h_ >= length_;
    const L h = select(is_last, left, select(t_ + 2.0 * h_ > length_, 0.5 * left, h_));
    const L end = select(is_last, length_, t_ + h);

    Stepper stepper;
    State next, next_slopes, error, middle;
    const auto system = [this](const State& x, State& slopes, const L&) {
      rates_(x, slopes);
      if constexpr (Summaries) slopes[Compartments] = x[0];
    };
    stepper.do_step(system, x_, slopes_, L(0), next, next_slopes, h, error);

    L worst = 0, sum = 0;
    for (std::size_t i = 0; i < Compartments; ++i) {
      const L ratio = abs(error[i]) / (atol_[i] + options_.rtol * (abs(x_[i]) + abs(h * slopes_[i])));
      worst = larger(worst, ratio);
      sum += next[i] + next_slopes[i] + ratio;
    }
    const Mask is_finite = sum - sum == L(0);  // NaN is seen, which `worst > 1` would not
    const Mask accepted = is_busy_ && is_finite && worst <= L(1);
    tried_ += 1.0;
    tried_in_all_ += 1.0;
    accepted_in_all_ += select(accepted, 1.0, 0.0);

    // The size of the next step from the errors of the last two, as `Pace` in solve_ode.hpp has it.
    const L error_log2 = rough_log2(larger(worst, L(1e-5)));
    const L grown =
        smaller(0.042 * error_before_log2_ - 0.168 * error_log2 + log2_of_094, select(may_grow_, log2_of_5, 0.0));
    const L shrunk = log2_of_09 - 0.2 * error_log2;
    const L proposed = h * rough_exp2(larger(select(accepted, grown, shrunk), L(-log2_of_5)));
    may_grow_ = accepted;
    error_before_log2_ = select(accepted, error_log2, error_before_log2_);

    // Plasma within the step: the quartic that has its ends, its slopes there, and in the middle what Odeint's own
    // interpolant says, which is of order 4 as well. Told that the state is 0 and the step 1, that answers with the
    // change per minute of step, free of the rounding of the state.
    const State zero{};
    stepper.calc_state(L(0.5), middle, zero, slopes_, L(0), zero, next_slopes, L(1));
    const L rise = next[0] - x_[0], s0 = h * slopes_[0], s1 = h * next_slopes[0];
    const L bend = 16.0 * (h * middle[0]) - 8.0 * rise - 2.0 * (s0 - s1);
    curve_[0] = x_[0];
    curve_[1] = s0;
    curve_[2] = 3.0 * rise - s1 - 2.0 * s0 + bend;
    curve_[3] = s0 + s1 - 2.0 * (rise + bend);
    curve_[4] = bend;
    begin_ = t_;
    per_step_ = 1.0 / h;
    until_ = select(is_last, infinity, end);  // what is asked at the very end is in the last step, rounded or not
    for (std::uint64_t lanes = bits_of(accepted && next_instant_ <= until_); lanes != 0; lanes &= lanes - 1)
      write(static_cast<std::size_t>(std::countr_zero(lanes)));
    if constexpr (Summaries) {
      const Mask is_higher = accepted && next[0] > cmax_;
      cmax_ = select(is_higher, next[0], cmax_);
      tmax_ = select(is_higher, start_ + end, tmax_);
    }

    for (std::size_t i = 0; i < size; ++i) {
      x_[i] = select(accepted, next[i], x_[i]);
      slopes_[i] = select(accepted, next_slopes[i], slopes_[i]);
    }
    t_ = select(accepted, end, t_);
    h_ = proposed;

    const Mask is_done = accepted && is_last, has_steps = tried_ < L(most_steps_);
    const Mask may_go_on = is_finite && has_steps && h_ > 1e-14 * t_ && h_ > 1e-30 * length_;
    const Mask is_lost = is_busy_ && !(is_done || may_go_on);
    if (!any(is_done || is_lost)) return;
    for (std::size_t i = 0; i < N; ++i) {
      if (is_done[i])
        go_on(i);
      else if (is_lost[i])
        give_up(i, !is_finite[i]   ? LaneStatus::not_finite
                   : !has_steps[i] ? LaneStatus::too_many_steps
                                   : LaneStatus::step_too_small);
    }
  }

  /// The instants of a lane that lie in its step.
  void write(std::size_t lane) noexcept {
    const double* const instants = course_.instants_min;
    double* const row = row_[lane];
    const Chunk until = until_[lane];
    std::size_t at = at_[lane];
    const std::size_t stop = stop_[lane];
    bool is_beyond = false;
    while (!is_beyond && at + Chunk::width <= course_.n_instants) {
      // Values behind the step's end are written too, and once more when their own step comes.
      const Chunk minute = Chunk::from(instants + at);
      plasma_within<Chunk>(lane, minute).to(row + at);
      std::size_t inside = leading(minute <= until);
      if (inside > stop - at) inside = stop - at;
      at += inside;
      is_beyond = inside < Chunk::width;
    }
    if (!is_beyond)
      for (; at < stop && instants[at] <= until_[lane]; ++at) row[at] = plasma_within<double>(lane, instants[at]);
    at_[lane] = at;
    next_instant_.set(lane, at < stop ? instants[at] : infinity);
  }

  template <class S>
  [[nodiscard]] S plasma_within(std::size_t lane, const S& minute) const noexcept {
    const S theta = (minute - begin_[lane]) * per_step_[lane];
    S c = curve_[coefficients - 1][lane];
    for (std::size_t k = coefficients - 1; k-- > 0;) c = curve_[k][lane] + theta * c;
    return c;
  }

  static void put(Mask& mask, std::size_t lane, bool holds) noexcept {
    mask.part[lane / L::in_part][lane % L::in_part] = holds ? -1 : 0;
  }

  /// Gives the lane the next subject; if there is none, lets it idle.
  [[nodiscard]] bool take_subject(std::size_t lane) noexcept {
    if (next_subject_ == subjects_.count) {
      put(is_busy_, lane, false);
      for (std::size_t i = 0; i < size; ++i) x_[i].set(lane, 0), slopes_[i].set(lane, 0);
      t_.set(lane, 0), h_.set(lane, 1), length_.set(lane, 1);
      return false;
    }
    const std::size_t i = next_subject_++;
    put(is_busy_, lane, true);
    who_[lane] = i;
    segment_[lane] = 0;
    row_[lane] = answers_.plasma_mg_per_L + i * answers_.row_stride;
    double dose_mg = 0;
    for (std::size_t s = 0; s < course_.n_segments; ++s) {
      const LaneSegment& segment = course_.segments[s];
      dose_mg += segment.bolus_mg[i] + segment.rate_mg_per_min[i] * segment.length_of(i);
    }
    if (dose_mg == 0) dose_mg = 1;
    const double v1 = subjects_.v1_L[i], km = subjects_.km_mg_per_L[i];
    const double linear = subjects_.cl_L_per_min[i] / v1, saturable = subjects_.vmax_mg_per_min[i] / v1;
    v1_[lane] = v1;
    rates_.linear.set(lane, linear);
    rates_.saturable.set(lane, saturable);
    rates_.km.set(lane, km);
    set_atol(0, lane, dose_mg / v1);
    double fastest = __builtin_fabs(linear) + __builtin_fabs(saturable / km);
    for (std::size_t k = 1; k < Compartments; ++k) {
      const double q = k == 1 ? subjects_.q2_L_per_min[i] : subjects_.q3_L_per_min[i];
      const double v = k == 1 ? subjects_.v2_L[i] : subjects_.v3_L[i];
      rates_.out[k].set(lane, q / v1);
      rates_.back[k].set(lane, q / v);
      set_atol(k, lane, dose_mg / v);
      fastest += __builtin_fabs(q / v1) + __builtin_fabs(q / v);
    }
    start_step_[lane] = first_step_ / fastest;
    for (std::size_t k = 0; k < size; ++k) x_[k].set(lane, 0);
    tried_in_all_.set(lane, 0), accepted_in_all_.set(lane, 0);
    cmax_.set(lane, -infinity), tmax_.set(lane, nan);
    return true;
  }
  void set_atol(std::size_t k, std::size_t lane, double scale) noexcept {
    const double atol = options_.atol_per_dose * scale;
    atol_[k].set(lane, atol < std::numeric_limits<double>::min() ? std::numeric_limits<double>::min() : atol);
  }

  /// Begins the next segment of the lane, of the next subject where this one's are over.
  [[gnu::noinline]] void go_on(std::size_t lane) noexcept {
    while (true) {
      const std::size_t k = segment_[lane]++, who = who_[lane];
      if (k == course_.n_segments) {
        tell(lane, LaneStatus::ok);
        if (!take_subject(lane)) return;
        continue;
      }
      const LaneSegment& segment = course_.segments[k];
      rates_.input.set(lane, segment.rate_mg_per_min[who] / v1_[lane]);
      x_[0].set(lane, x_[0][lane] + segment.bolus_mg[who] / v1_[lane]);
      at_[lane] = segment.first_instant;
      stop_[lane] = k + 1 < course_.n_segments ? course_.segments[k + 1].first_instant : course_.n_instants;
      if constexpr (Summaries) {
        start_.set(lane, segment.start_min);
        if (x_[0][lane] > cmax_[lane]) {
          cmax_.set(lane, x_[0][lane]);
          tmax_.set(lane, segment.start_min);
        }
      }
      const double length = segment.length_of(who);
      if (length == 0) {
        for (std::size_t i = at_[lane]; i < stop_[lane]; ++i) row_[lane][i] = x_[0][lane];
        continue;
      }
      Rates<double> rates;
      std::array<double, size> x, slopes;
      rates.input = rates_.input[lane], rates.linear = rates_.linear[lane];
      rates.saturable = rates_.saturable[lane], rates.km = rates_.km[lane];
      for (std::size_t i = 0; i < Compartments; ++i) {
        rates.out[i] = rates_.out[i][lane], rates.back[i] = rates_.back[i][lane];
        x[i] = x_[i][lane];
      }
      rates(x, slopes);
      if constexpr (Summaries) slopes[Compartments] = x[0];
      for (std::size_t i = 0; i < size; ++i) slopes_[i].set(lane, slopes[i]);
      next_instant_.set(lane, at_[lane] < stop_[lane] ? course_.instants_min[at_[lane]] : infinity);
      length_.set(lane, length);
      t_.set(lane, 0);
      h_.set(lane, start_step_[lane] < length ? start_step_[lane] : length);
      error_before_log2_.set(lane, -13.25);
      put(may_grow_, lane, true);
      tried_.set(lane, 0);
      return;
    }
  }

  [[gnu::noinline]] void give_up(std::size_t lane, LaneStatus why) noexcept {
    for (std::size_t k = 0; k < course_.n_instants; ++k) row_[lane][k] = nan;
    x_[size - 1].set(lane, nan), cmax_.set(lane, nan), tmax_.set(lane, nan);
    tell(lane, why);
    if (take_subject(lane)) go_on(lane);
  }

  /// What is known of the lane's subject when it is over.
  void tell(std::size_t lane, LaneStatus status) noexcept {
    const std::size_t who = who_[lane];
    const double accepted = accepted_in_all_[lane];
    answers_.status[who] = status;
    answers_.accepted_steps[who] = static_cast<std::uint32_t>(accepted);
    answers_.rejected_steps[who] = static_cast<std::uint32_t>(tried_in_all_[lane] - accepted);
    if constexpr (Summaries) {
      answers_.auc_mg_min_per_L[who] = x_[Compartments][lane];
      answers_.cmax_mg_per_L[who] = cmax_[lane];
      answers_.tmax_min[who] = tmax_[lane];
    }
  }

  const SaturableSubjects& subjects_;
  const LaneCourse& course_;
  const LaneOdeOptions& options_;
  const LaneAnswers& answers_;
  double first_step_ = 0, most_steps_ = 0;
  std::size_t next_subject_ = 0;

  // Of each lane: the equations, and where it is in its segment. A lane that idles has steps of 1 min of nothing.
  Rates<L> rates_{.input = 0, .linear = 0, .saturable = 0, .km = 1, .out = {}, .back = {}};
  State x_{}, slopes_{};
  std::array<L, Compartments> atol_{};
  L t_ = 0, h_ = 1, length_ = 1, error_before_log2_ = 0;
  L tried_ = 0, tried_in_all_ = 0, accepted_in_all_ = 0;  ///< in this segment, in all
  Mask is_busy_{}, may_grow_{};
  // The step just taken, and the next instant in the segment; none: infinity.
  std::array<L, coefficients> curve_{};
  L begin_ = 0, per_step_ = 0, until_ = 0, next_instant_ = infinity;
  L start_ = 0, cmax_ = 0, tmax_ = 0;
  std::array<double*, N> row_{};
  std::array<double, N> v1_{}, start_step_{};
  std::array<std::size_t, N> at_{}, stop_{}, who_{}, segment_{};
};

}  // namespace detail::ode_lanes

/// How many lanes are fastest for an instruction set: two registers' worth where there are 32 of them, and eight.
template <class Isa>
inline constexpr std::size_t ode_lanes = Isa::native >= 8 ? 2 * Isa::native : 8;

/// Solves every subject over the course. The subjects are taken in their order, each by the first lane that is free;
/// its bits are the same in any order and company, for any `N` and instruction set of `L` = `Lanes<N, Isa>`.
/// What is not checked here, because this runs for each block of a population: arrays that are long enough, instants in
/// order and within their segments, lengths that are not negative, and options that `solve_ode` would take.
template <class L, std::size_t Compartments, bool Summaries = false>
void solve_in_lanes(const SaturableSubjects& subjects, const LaneCourse& course, const LaneOdeOptions& options,
                    const LaneAnswers& answers) noexcept {
  static_assert(Compartments >= 1 && Compartments <= 3);
  detail::ode_lanes::Pool<L, Compartments, Summaries> pool(subjects, course, options, answers);
  pool.run();
}

}  // namespace ketpk
