// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: every dose edge is a segment edge. This is the last place where a clock is compared with a dose;
// after it there are only stretches of constant input, each with a bolus (or none) at its start.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "ketpk/regimen.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// A stretch of constant input. `bolus` enters at `start`; a value asked at `start` is the value after it.
struct Segment {
  Micros start;
  Micros duration;  ///< zero for the last one, which never ends
  double bolus_mg;
  double rate_mg_per_min;
};

/// Gap-free segments from 0 on; the last has no input and no end. Inputs add where they overlap. The sums
/// are taken in order of size, so inputs at one instant may be listed in any order and give the same bits.
[[nodiscard]] inline std::vector<Segment> schedule(const Regimen& regimen) {
  std::vector<Micros> edges{Micros{0}};
  edges.reserve(2 * regimen.doses.size() + 1);
  for (const Dose& d : regimen.doses) {
    edges.push_back(d.at);
    edges.push_back(d.end());
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());

  const auto sorted_sum = [](std::vector<double>& terms) {
    std::sort(terms.begin(), terms.end());
    double sum = 0;
    for (const double t : terms) sum += t;
    return sum;
  };

  std::vector<Segment> segments;
  segments.reserve(edges.size());
  std::vector<const Dose*> running;
  std::vector<double> boluses, rates;
  std::size_t next = 0;  // doses are in order of time
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const Micros start = edges[i];
    std::erase_if(running, [&](const Dose* d) { return d->end() <= start; });
    boluses.clear();
    for (; next < regimen.doses.size() && regimen.doses[next].at == start; ++next) {
      const Dose& d = regimen.doses[next];
      if (d.is_bolus())
        boluses.push_back(d.amount_mg);
      else
        running.push_back(&d);
    }
    rates.clear();
    for (const Dose* d : running) rates.push_back(d->rate_mg_per_min);
    const Micros duration = i + 1 < edges.size() ? edges[i + 1] - start : Micros{0};
    segments.push_back({start, duration, sorted_sum(boluses), sorted_sum(rates)});
  }
  return segments;
}

/// Drug that has entered by `t` [mg]; a bolus at `t` counts.
[[nodiscard]] inline double delivered_mg(const std::vector<Segment>& segments, Micros t) noexcept {
  double mg = 0;
  for (const Segment& s : segments) {
    if (s.start > t) break;
    const Micros in = s.duration.count() > 0 ? std::min(t - s.start, s.duration) : Micros{0};
    mg += s.bolus_mg + s.rate_mg_per_min * minutes(in);
  }
  return mg;
}

}  // namespace ketpk
