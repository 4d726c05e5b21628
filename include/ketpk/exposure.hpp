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

/// The highest point of the course; tmax is the earliest local maximum within 1e-9 relative of it.
template <Trajectory T>
[[nodiscard]] Peak peak(const Course<T>& course) {
  const auto& pieces = course.pieces;
  double highest = 0;
  for (const Piece& p : pieces) {
    if (!std::isfinite(p.from) || !std::isfinite(p.to))
      return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
    highest = std::max({highest, p.from, p.to});
  }
  const double near = highest * (1 - 1e-9);
  for (std::size_t k = 0; k < pieces.size(); ++k) {
    const Piece& p = pieces[k];
    const bool risen_to = k == 0 || pieces[k - 1].to >= pieces[k - 1].from || p.from > pieces[k - 1].to;
    if (p.from >= near && risen_to && !(p.to > p.from))
      return {highest * 1000, minutes(course.trajectory.segments()[p.segment].start) + p.from_tau};
  }
  return {highest * 1000, 0};
}

/// Where a piece passes `level` [mg/L]; one of its ends is above, the other is not.
template <Trajectory T>
[[nodiscard]] double crossing(const Course<T>& course, double level, const Piece& p) {
  if (p.from == level) return p.from_tau;
  if (p.to == level) return p.to_tau;
  const auto over = [&](double tau) { return course.trajectory.at(p.segment, tau, course.curve) - level; };
  return root_between(over, {p.from_tau, p.to_tau, p.from - level, p.to - level});
}

/// Minutes strictly above a level from 0 to `until`, or on the whole course.
template <Trajectory T>
[[nodiscard]] TimeAbove time_above(const Course<T>& course, double level_ng_per_mL, std::optional<Micros> until = {}) {
  const T& trajectory = course.trajectory;
  const double level = level_ng_per_mL / 1000;
  TimeAbove answer{.threshold_ng_per_mL = level_ng_per_mL, .minutes = 0, .first_min = {}};
  for (const Piece& p : course.pieces) {
    const Micros start = trajectory.segments()[p.segment].start;
    const double stop = until ? minutes(*until - start) : std::numeric_limits<double>::infinity();
    if (!(p.from_tau < stop)) {
      // A bolus at the last instant counts as a value above, though for no time.
      if (p.from_tau == stop && p.from > level && !answer.first_min) answer.first_min = minutes(start) + p.from_tau;
      break;
    }
    const double to_tau = std::min(p.to_tau, stop);
    const double to = to_tau < p.to_tau ? trajectory.at(p.segment, to_tau, course.curve) : p.to;
    if (!std::isfinite(p.from) || !std::isfinite(to))
      return {level_ng_per_mL, std::numeric_limits<double>::quiet_NaN(), {}};
    if (!(p.from > level) && !(to > level)) continue;
    double above_from = p.from_tau, above_to = to_tau;
    if (!(p.from > level)) above_from = crossing(course, level, {p.segment, p.from_tau, to_tau, p.from, to});
    if (!(to > level)) above_to = crossing(course, level, {p.segment, p.from_tau, to_tau, p.from, to});
    if (!answer.first_min) answer.first_min = minutes(start) + above_from;
    answer.minutes += above_to - above_from;
  }
  return answer;
}

/// Every curve of the trajectory: plasma first, then the effect site if there is one, then the metabolites.
template <Trajectory T>
[[nodiscard]] std::vector<Course<T>> courses_of(const T& trajectory) {
  std::vector<Course<T>> courses;
  courses.push_back(course_of(trajectory, Curve::plasma()));
  if (trajectory.has(Curve::effect_site())) courses.push_back(course_of(trajectory, Curve::effect_site()));
  for (std::size_t i = 0; trajectory.has(Curve::metabolite(i)); ++i)
    courses.push_back(course_of(trajectory, Curve::metabolite(i)));
  return courses;
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
