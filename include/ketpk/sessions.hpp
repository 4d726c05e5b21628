// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what one session leaves behind is there when the next begins. Each session of a course is told by itself: what
// there was before it, its own peak, what is left when the next one comes. All of it is read off the continuous curve
// of the whole course, cut where sessions begin, and none of it off a grid.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "ketpk/delivery.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/sum.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// One session, from its start up to that of the next; the last one has no end.
struct Session {
  Micros start;
  std::string date = {};  ///< as stated, where it was
  double ordered_mg = 0, delivered_mg = 0;
  double mg_per_kg = 0;                         ///< delivered, by dosing weight
  double before_ng_per_mL = 0;                  ///< plasma as it begins, before anything of it is in
  Peak plasma{0, 0};                            ///< `min` counts from 0, as everywhere
  std::optional<double> trough_ng_per_mL = {};  ///< plasma as the next one begins, before anything of that is in
  double auc_ng_h_per_mL = 0;                   ///< of plasma; of the last session without end
};

/// What a session table is made from.
struct CourseRecord {
  const CoursePlan& plan;
  const Regimen& ordered;
  const Delivery* delivery = nullptr;  ///< where what went in can be another thing than the order
};

namespace detail {

/// The curve as it comes up to `t`: without what enters at that very instant [mg/L].
template <Trajectory T>
[[nodiscard]] double coming_up_to(const T& trajectory, Micros t, Curve c) {
  if (t == Micros{0}) return 0;
  const auto& segments = trajectory.segments();
  const std::size_t i = trajectory.segment_at(t);
  const double mg_per_L =
      segments[i].start == t ? trajectory.at(i - 1, trajectory.length_min(i - 1), c) : trajectory.value(t, c);
  return mg_per_L < 0 ? 0 : mg_per_L;  // a solver in steps may round below nothing; NaN stays
}

/// The part of a course from `from` up to `until`, or without end. `next` is the first piece that may belong to it, and
/// is moved on to the first that may belong to what comes after.
template <Trajectory T>
[[nodiscard]] Course<T> stretch_of(const Course<T>& course, Micros from, std::optional<Micros> until,
                                   std::size_t& next) {
  const T& trajectory = course.trajectory;
  Course<T> part{trajectory, course.curve, {}};
  while (next < course.pieces.size()) {
    Piece p = course.pieces[next];
    const Micros start = trajectory.segments()[p.segment].start;
    const double first = minutes(from - start);
    if (until && p.from_tau >= minutes(*until - start)) break;
    const bool ends_here = until && p.to_tau > minutes(*until - start);
    if (p.to_tau >= first) {
      if (p.from_tau < first) {
        p.from_tau = first;
        p.from = trajectory.at(p.segment, first, course.curve);
      }
      if (ends_here) {
        p.to_tau = minutes(*until - start);
        p.to = trajectory.at(p.segment, p.to_tau, course.curve);
      }
      part.pieces.push_back(p);
    }
    if (ends_here) break;
    ++next;
  }
  return part;
}

}  // namespace detail

/// Each session of a course. `plasma` as `course_of` gives it.
template <Trajectory T>
[[nodiscard]] std::vector<Session> sessions_of(const CourseRecord& record, const Course<T>& plasma) {
  constexpr double ng_per_mL = 1000, ng_h_per_mL = 1000.0 / 60.0;  // per mg/L and per mg min/L
  const T& trajectory = plasma.trajectory;
  const Regimen& ordered = record.ordered;
  const auto& starts = record.plan.starts;
  const std::size_t n = ordered.per_session();
  std::vector<detail::CarefulSum> primed(starts.size());
  if (record.delivery != nullptr && record.delivery->priming)
    for (const Dose& piece : record.delivery->priming->pieces)
      if (const auto s = session_at(starts, piece.at)) primed[*s].add(piece.amount_mg);

  std::vector<Session> sessions;
  sessions.reserve(starts.size());
  std::size_t next = 0;
  for (std::size_t s = 0; s < starts.size(); ++s) {
    const bool is_last = s + 1 == starts.size();
    const std::optional<Micros> until = is_last ? std::nullopt : std::optional(starts[s + 1]);
    Session session{.start = starts[s]};
    if (!record.plan.dates.empty()) session.date = record.plan.dates[s];
    detail::CarefulSum in_order, given = primed[s];
    for (std::size_t i = ordered.carried + s * n; i < ordered.carried + (s + 1) * n; ++i) {
      in_order.add(ordered.doses[i].amount_mg);
      given.add(record.delivery != nullptr ? record.delivery->inputs[i].delivered_mg : ordered.doses[i].amount_mg);
    }
    session.ordered_mg = in_order.total();
    session.delivered_mg = given.total();
    session.mg_per_kg = session.delivered_mg / ordered.dosing_weight.in(unit::kg);
    session.before_ng_per_mL = detail::coming_up_to(trajectory, starts[s], Curve::plasma()) * ng_per_mL;
    const Course<T> own = detail::stretch_of(plasma, starts[s], until, next);
    session.plasma = own.pieces.empty() ? Peak{0, minutes(starts[s])} : peak(own);
    if (until) session.trough_ng_per_mL = detail::coming_up_to(trajectory, *until, Curve::plasma()) * ng_per_mL;
    const double area = until ? trajectory.auc_mg_min_per_L(*until) : trajectory.auc_to_infinity(Curve::plasma());
    session.auc_ng_h_per_mL = std::max(0.0, area - trajectory.auc_mg_min_per_L(starts[s])) * ng_h_per_mL;
    sessions.push_back(std::move(session));
  }
  return sessions;
}

}  // namespace ketpk
