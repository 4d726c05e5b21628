// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: every dose edge is a segment edge. This is the last place where a clock is compared with a dose;
// after it there are only stretches of constant input, each with a bolus (or none) at its start.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/sum.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// A stretch of constant input. `bolus` enters at `start`; a value asked at `start` is the value after it.
/// `S` is double, or lanes of doubles for patients who share their dose edges.
template <class S>
struct SegmentOf {
  Micros start;
  Micros duration;  ///< zero for the last one, which never ends
  S bolus_mg;
  S rate_mg_per_min;
};
using Segment = SegmentOf<double>;

namespace detail {

/// Throws unless these doses could have come out of `resolve`.
inline void require_schedulable(const std::vector<Dose>& doses) {
  Micros latest{0};
  for (std::size_t i = 0; i < doses.size(); ++i) {
    const Dose& d = doses[i];
    const std::string at = "order[" + std::to_string(i) + "]";
    require(d.at >= latest, Code::time_order, at + ".at",
            "starts before zero or before the input ahead of it; accepted: inputs in order of time");
    require(d.over.count() >= 0, Code::time_order, at + ".over",
            "ends before it starts; accepted: an end after the start");
    require(d.at <= horizon_limit && d.over <= horizon_limit && d.end() <= horizon_limit, Code::range, at + ".over",
            "ends past the supported course; accepted: an end up to 400 d");
    require(std::isfinite(d.amount_mg) && std::isfinite(d.rate_mg_per_min), Code::nonfinite, at,
            "not a finite amount or rate; accepted: more than zero");
    require(d.amount_mg > 0 && (d.is_bolus() ? d.rate_mg_per_min == 0 : d.rate_mg_per_min > 0), Code::segment, at,
            "amount, rate and duration do not belong together; accepted: an amount with a duration and its rate, or a "
            "bolus "
            "with neither");
    latest = d.at;
  }
}

}  // namespace detail

/// Gap-free segments from 0 on; the last has no infusion, a rate of exactly 0 and no end. Inputs add where they
/// overlap. The sums are taken in order of size, so inputs at one instant may be listed in any order and give the
/// same bits. Throws, for a regimen that `resolve` did not make: E_TIME_ORDER, E_RANGE, E_NONFINITE,
/// E_SEGMENT(order[i]…).
[[nodiscard]] inline std::vector<Segment> schedule(const Regimen& regimen) {
  detail::require_schedulable(regimen.doses);
  std::vector<Micros> edges{Micros{0}};
  edges.reserve(2 * regimen.doses.size() + 1);
  std::vector<const Dose*> ending;  // infusions, by their end
  for (const Dose& d : regimen.doses) {
    edges.push_back(d.at);
    edges.push_back(d.end());
    if (!d.is_bolus()) ending.push_back(&d);
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  std::sort(ending.begin(), ending.end(), [](const Dose* a, const Dose* b) { return a->end() < b->end(); });

  std::vector<Segment> segments;
  segments.reserve(edges.size());
  std::vector<double> boluses, running;  // both kept sorted
  const auto insert = [](std::vector<double>& sorted, double x) {
    sorted.insert(std::upper_bound(sorted.begin(), sorted.end(), x), x);
  };
  std::size_t next = 0, ended = 0;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const Micros start = edges[i];
    for (; ended < ending.size() && ending[ended]->end() == start; ++ended)
      running.erase(std::lower_bound(running.begin(), running.end(), ending[ended]->rate_mg_per_min));
    boluses.clear();
    for (; next < regimen.doses.size() && regimen.doses[next].at == start; ++next) {
      const Dose& d = regimen.doses[next];
      if (d.is_bolus())
        insert(boluses, d.amount_mg);
      else
        insert(running, d.rate_mg_per_min);
    }
    const Micros duration = i + 1 < edges.size() ? edges[i + 1] - start : Micros{0};
    const double bolus_mg = detail::sum_of(boluses), rate_mg_per_min = detail::sum_of(running);
    // An edge where nothing changes is none: consecutive infusions at one rate act as one.
    if (!segments.empty() && bolus_mg == 0 && rate_mg_per_min == segments.back().rate_mg_per_min)
      segments.back().duration += duration;
    else
      segments.push_back({start, duration, bolus_mg, rate_mg_per_min});
  }
  return segments;
}

/// Throws E_SEGMENT unless segments follow each other from 0 on and each input is zero or a positive number.
inline void validate(const std::vector<Segment>& segments) {
  require(!segments.empty() && segments.front().start == Micros{0}, Code::segment, "segments",
          "no segment at 0; accepted: segments from 0 on without a gap");
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Segment& s = segments[i];
    const bool is_last = i + 1 == segments.size();
    require(is_last ? s.duration == Micros{0} : s.duration > Micros{0} && s.start + s.duration == segments[i + 1].start,
            Code::segment, "segments",
            "a gap, an overlap or a wrong end; accepted: segments from 0 on, the last without an end");
    require(std::isfinite(s.bolus_mg) && s.bolus_mg >= 0 && std::isfinite(s.rate_mg_per_min) && s.rate_mg_per_min >= 0,
            Code::segment, "segments", "an input that cannot be given; accepted: zero or more");
  }
}

/// Drug that has entered by each of `times` [mg]; a bolus at the instant counts. One pass where they are in order.
[[nodiscard]] inline std::vector<double> delivered_mg(const std::vector<Segment>& segments,
                                                      const std::vector<Micros>& times) {
  std::vector<double> out;
  out.reserve(times.size());
  detail::CarefulSum before;
  std::size_t i = 0;
  for (const Micros t : times) {
    if (t < segments[i].start) {
      before = {};
      i = 0;
    }
    for (; i + 1 < segments.size() && segments[i + 1].start <= t; ++i) {
      before.add(segments[i].bolus_mg);
      before.add(segments[i].rate_mg_per_min * minutes(segments[i].duration));
    }
    detail::CarefulSum now = before;
    if (t >= segments[i].start) {
      now.add(segments[i].bolus_mg);
      now.add(segments[i].rate_mg_per_min * minutes(t - segments[i].start));
    }
    out.push_back(now.total());
  }
  return out;
}

/// Drug that has entered by `t` [mg]; a bolus at `t` counts.
[[nodiscard]] inline double delivered_mg(const std::vector<Segment>& segments, Micros t) {
  return delivered_mg(segments, std::vector<Micros>{t}).front();
}

}  // namespace ketpk
