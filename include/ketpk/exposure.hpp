// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: peaks, crossings and areas are facts about the continuous curve; an output grid hides them.

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <numbers>
#include <optional>
#include <vector>

#include "ketpk/effect.hpp"
#include "ketpk/error.hpp"
#include "ketpk/model.hpp"
#include "ketpk/root.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// The highest point of a curve and when it is first reached (tmax: the earliest local maximum within 1e-9
/// relative of the highest one).
struct Peak {
  double ng_per_mL;
  double min;
};

/// Minutes strictly above a level, and when that first happens.
struct TimeAbove {
  double threshold_ng_per_mL;
  double minutes;
  std::optional<double> first_min;  ///< absent if never above
};

struct MetaboliteExposure {
  Peak peak;
  double auc_inf_ng_h_per_mL;
};

/// What the whole course amounts to, from 0 on and without end.
struct Exposure {
  Peak plasma;
  double auc_inf_ng_h_per_mL;
  double delivered_mg;
  double terminal_half_life_min;  ///< of the slowest mode present in parent plasma
  std::optional<Peak> effect_site;
  std::vector<MetaboliteExposure> metabolites;  ///< in the order of the model
};

/// A curve that can be asked anywhere on the continuous course, segment by segment.
/// `at` [mg/L], `tau` minutes into segment i; `length_min(i)` minutes, finite also for the last segment;
/// `turning_points(i, c)` minutes into segment i where the slope changes sign.
template <class T>
concept Trajectory = requires(const T& t, std::size_t i, double tau, Curve c) {
  { t.segments()[i] } -> std::convertible_to<const Segment&>;
  { t.at(i, tau, c) } -> std::convertible_to<double>;
  { t.length_min(i) } -> std::convertible_to<double>;
  { t.turning_points(i, c) } -> std::convertible_to<std::vector<double>>;
};

/// A stretch of one segment on which the curve only rises or only falls.
struct Piece {
  std::size_t segment;
  double from_tau, to_tau;  ///< minutes into the segment
  double from, to;          ///< [mg/L]
};

/// One curve over the whole course, cut where it turns and at every dose edge. Refers to its trajectory,
/// which must outlive it.
template <Trajectory T>
struct Course {
  const T& trajectory;
  Curve curve;
  std::vector<Piece> pieces;
};

template <Trajectory T>
[[nodiscard]] Course<T> course_of(const T& trajectory, Curve c) {
  Course<T> course{trajectory, c, {}};
  for (std::size_t i = 0; i < trajectory.segments().size(); ++i) {
    std::vector<double> ends = trajectory.turning_points(i, c);
    ends.push_back(trajectory.length_min(i));
    double tau = 0, value = trajectory.at(i, 0.0, c);
    for (const double end : ends) {
      const double there = trajectory.at(i, end, c);
      course.pieces.push_back({i, tau, end, value, there});
      tau = end;
      value = there;
    }
  }
  return course;
}

/// A point of a curve, in the curve's own unit: mg/L, or what the model gives `Curve::other` in.
struct Extreme {
  double value;
  double min;
};

/// How long a curve lies strictly beyond a level, and when it first does.
struct Beyond {
  double minutes;
  std::optional<double> first_min;  ///< absent if never
};

namespace detail {

/// The highest point of the course turned upside down where `sign` is -1.
template <Trajectory T>
[[nodiscard]] Extreme highest_of(const Course<T>& course, double sign) {
  const auto& pieces = course.pieces;
  double highest = -std::numeric_limits<double>::infinity();
  for (const Piece& p : pieces) {
    if (!std::isfinite(p.from) || !std::isfinite(p.to))
      return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
    highest = std::max({highest, sign * p.from, sign * p.to});
  }
  const double near = highest * (highest > 0 ? 1 - 1e-9 : 1 + 1e-9);
  for (std::size_t k = 0; k < pieces.size(); ++k) {
    const double from = sign * pieces[k].from, to = sign * pieces[k].to;
    const double before_from = k == 0 ? 0 : sign * pieces[k - 1].from, before_to = k == 0 ? 0 : sign * pieces[k - 1].to;
    const bool risen_to = k == 0 || before_to >= before_from || from > before_to;
    if (from >= near && risen_to && !(to > from))
      return {sign * highest, minutes(course.trajectory.segments()[pieces[k].segment].start) + pieces[k].from_tau};
  }
  // It rises to its end.
  const Piece& last = pieces.back();
  return {sign * highest, minutes(course.trajectory.segments()[last.segment].start) + last.to_tau};
}

}  // namespace detail

/// The highest point of the course in the curve's own unit; the instant as `peak` has it. NaN where the curve is.
template <Trajectory T>
[[nodiscard]] Extreme highest(const Course<T>& course) {
  return detail::highest_of(course, 1);
}
/// The lowest point, likewise: what an effect that the drug inhibits falls to.
template <Trajectory T>
[[nodiscard]] Extreme lowest(const Course<T>& course) {
  return detail::highest_of(course, -1);
}

namespace detail {

/// Throws E_ARG for a curve that is not a concentration, whose unit only its model knows.
inline void require_concentration(Curve c) {
  require(c.kind != Curve::Kind::other, Code::arg, "curve",
          "in a unit of the model's own, not a concentration; accepted: highest, lowest, minutes_over, minutes_under, "
          "area_to");
}

}  // namespace detail

/// The highest point of the course; tmax is the earliest local maximum within 1e-9 relative of it.
/// Throws E_ARG(curve) for `Curve::other`.
template <Trajectory T>
[[nodiscard]] Peak peak(const Course<T>& course) {
  detail::require_concentration(course.curve);
  const Extreme found = highest(course);
  return {found.value < 0 ? 0 : found.value * 1000, found.min};
}

/// Where a piece passes `level` [mg/L]; one of its ends is above, the other is not.
template <Trajectory T>
[[nodiscard]] double crossing(const Course<T>& course, double level, const Piece& p) {
  if (p.from == level) return p.from_tau;
  if (p.to == level) return p.to_tau;
  const auto over = [&](double tau) { return course.trajectory.at(p.segment, tau, course.curve) - level; };
  return root_between(over, {p.from_tau, p.to_tau, p.from - level, p.to - level});
}

namespace detail {

/// Minutes strictly above `level` of the course turned upside down where `sign` is -1.
template <Trajectory T>
[[nodiscard]] Beyond beyond(const Course<T>& course, double level, std::optional<Micros> until, double sign) {
  const T& trajectory = course.trajectory;
  Beyond answer{.minutes = 0, .first_min = {}};
  const auto is_beyond = [&](double value) { return sign * value > sign * level; };
  for (const Piece& p : course.pieces) {
    const Micros start = trajectory.segments()[p.segment].start;
    const double stop = until ? minutes(*until - start) : std::numeric_limits<double>::infinity();
    if (!(p.from_tau < stop)) {
      // A bolus at the last instant counts as a value above, though for no time.
      if (p.from_tau == stop && is_beyond(p.from) && !answer.first_min) answer.first_min = minutes(start) + p.from_tau;
      break;
    }
    const double to_tau = std::min(p.to_tau, stop);
    const double to = to_tau < p.to_tau ? trajectory.at(p.segment, to_tau, course.curve) : p.to;
    if (!std::isfinite(p.from) || !std::isfinite(to)) return {std::numeric_limits<double>::quiet_NaN(), {}};
    if (!is_beyond(p.from) && !is_beyond(to)) continue;
    double above_from = p.from_tau, above_to = to_tau;
    if (!is_beyond(p.from)) above_from = crossing(course, level, {p.segment, p.from_tau, to_tau, p.from, to});
    if (!is_beyond(to)) above_to = crossing(course, level, {p.segment, p.from_tau, to_tau, p.from, to});
    if (!answer.first_min) answer.first_min = minutes(start) + above_from;
    answer.minutes += above_to - above_from;
  }
  return answer;
}

}  // namespace detail

/// Minutes strictly above, or below, a level in the curve's own unit from 0 to `until`, or on the whole course.
template <Trajectory T>
[[nodiscard]] Beyond minutes_over(const Course<T>& course, double level, std::optional<Micros> until = {}) {
  return detail::beyond(course, level, until, 1);
}
template <Trajectory T>
[[nodiscard]] Beyond minutes_under(const Course<T>& course, double level, std::optional<Micros> until = {}) {
  return detail::beyond(course, level, until, -1);
}

/// Minutes strictly above a level from 0 to `until`, or on the whole course. Throws E_ARG(curve) for `Curve::other`.
template <Trajectory T>
[[nodiscard]] TimeAbove time_above(const Course<T>& course, double level_ng_per_mL, std::optional<Micros> until = {}) {
  detail::require_concentration(course.curve);
  const Beyond found = minutes_over(course, level_ng_per_mL / 1000, until);
  return {.threshold_ng_per_mL = level_ng_per_mL, .minutes = found.minutes, .first_min = found.first_min};
}

/// The instants [min] at which the course passes a level in the curve's own unit, in order, a jump at a bolus among
/// them.
template <Trajectory T>
[[nodiscard]] std::vector<double> crossings(const Course<T>& course, double level) {
  std::vector<double> out;
  for (std::size_t k = 0; k < course.pieces.size(); ++k) {
    const Piece& p = course.pieces[k];
    const double start = minutes(course.trajectory.segments()[p.segment].start);
    if (k > 0 && (course.pieces[k - 1].to > level) != (p.from > level)) out.push_back(start + p.from_tau);
    if ((p.from > level) != (p.to > level)) out.push_back(start + crossing(course, level, p));
  }
  return out;
}

/// Area under the course from 0 to `until` [unit of the curve times min].
template <Trajectory T>
requires requires(const T& t, Curve c, Micros until) {
  { t.area_under(c, until) } -> std::convertible_to<double>;
}
[[nodiscard]] double area_to(const Course<T>& course, Micros until) {
  return course.trajectory.area_under(course.curve, until);
}

/// The effect at its farthest from the baseline, and when. An effect follows its concentration up and down, so this is
/// where the concentration is highest.
template <Trajectory T, DirectEffect E>
[[nodiscard]] Extreme strongest(const Course<T>& concentration, const E& effect) {
  detail::require_concentration(concentration.curve);
  const Extreme found = highest(concentration);
  return {effect_of(effect, found.value), found.min};
}

/// Minutes for which the effect lies strictly over, or under, a level in its own unit, from 0 to `until` or on the
/// whole course: those for which the concentration lies beyond the one that has this effect.
template <Trajectory T, DirectEffect E>
[[nodiscard]] Beyond minutes_over(const Course<T>& concentration, const E& effect, double level,
                                  std::optional<Micros> until = {}) {
  detail::require_concentration(concentration.curve);
  const LevelOfEffect at = concentration_for(effect, level);
  return detail::beyond(concentration, at.mg_per_L, until, effect.change > 0 ? 1 : -1);
}
template <Trajectory T, DirectEffect E>
[[nodiscard]] Beyond minutes_under(const Course<T>& concentration, const E& effect, double level,
                                   std::optional<Micros> until = {}) {
  detail::require_concentration(concentration.curve);
  const LevelOfEffect at = concentration_for(effect, level);
  return detail::beyond(concentration, at.mg_per_L, until, effect.change > 0 ? -1 : 1);
}

/// One curve of a course that is known up to a horizon only, in the curve's own unit.
struct CurveToHorizon {
  Curve curve;
  Extreme highest, lowest;
  double area;  ///< [unit of the curve times min]
};

/// What a course amounts to from 0 to its horizon. What a nonlinear model does after it is not known: there is no area
/// to infinity and no terminal half-life here, and a peak at the horizon may be the flank of a later one.
struct ExposureToHorizon {
  double horizon_min;
  double delivered_mg;
  std::vector<CurveToHorizon> curves;  ///< in the order of `courses`
};

/// Every curve of the trajectory: plasma first, then the effect site if there is one, then the metabolites, then a
/// user's own.
template <Trajectory T>
[[nodiscard]] std::vector<Course<T>> courses_of(const T& trajectory) {
  std::vector<Course<T>> courses;
  courses.push_back(course_of(trajectory, Curve::plasma()));
  if (trajectory.has(Curve::effect_site())) courses.push_back(course_of(trajectory, Curve::effect_site()));
  for (std::size_t i = 0; trajectory.has(Curve::metabolite(i)); ++i)
    courses.push_back(course_of(trajectory, Curve::metabolite(i)));
  for (std::size_t i = 0; trajectory.has(Curve::other(i)); ++i)
    courses.push_back(course_of(trajectory, Curve::other(i)));
  return courses;
}

/// What a numerical course amounts to. `courses` as `courses_of` gives them.
template <Trajectory T>
requires requires(const T& t, Curve c, Micros until) {
  { t.area_under(c, until) } -> std::convertible_to<double>;
}
[[nodiscard]] ExposureToHorizon exposure_to_horizon(const T& trajectory, const std::vector<Course<T>>& courses) {
  const Micros horizon = trajectory.horizon();
  ExposureToHorizon out{
      .horizon_min = minutes(horizon), .delivered_mg = delivered_mg(trajectory.segments(), horizon), .curves = {}};
  for (const Course<T>& c : courses) out.curves.push_back({c.curve, highest(c), lowest(c), area_to(c, horizon)});
  return out;
}

/// What the course amounts to. `courses` as `courses_of` gives them.
template <Trajectory T>
requires requires(const T& t, Curve c) {
  { t.auc_to_infinity(c) } -> std::convertible_to<double>;
  { t.slowest_rate_per_min() } -> std::convertible_to<double>;
}
[[nodiscard]] Exposure exposure(const T& trajectory, const std::vector<Course<T>>& courses) {
  constexpr double ng_h_per_mL = 1000.0 / 60.0;  // per mg min/L
  Exposure out{.plasma = peak(courses.front()),
               .auc_inf_ng_h_per_mL = trajectory.auc_to_infinity(Curve::plasma()) * ng_h_per_mL,
               .delivered_mg = delivered_mg(trajectory.segments(), trajectory.segments().back().start),
               .terminal_half_life_min = std::numbers::ln2 / trajectory.slowest_rate_per_min(),
               .effect_site = {},
               .metabolites = {}};
  for (const Course<T>& c : courses) {
    if (c.curve.kind == Curve::Kind::effect_site) out.effect_site = peak(c);
    if (c.curve.kind == Curve::Kind::metabolite)
      out.metabolites.push_back({peak(c), trajectory.auc_to_infinity(c.curve) * ng_h_per_mL});
  }
  return out;
}

}  // namespace ketpk
