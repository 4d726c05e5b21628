// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a second road for linear models so stiff that a Runge–Kutta solver would take millions of steps. It shares
// nothing with the exact solver: no eigenvalues, no subtraction, but chances (walk.hpp).

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/model.hpp"
#include "ketpk/network.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/time.hpp"
#include "ketpk/timeline.hpp"
#include "ketpk/walk.hpp"

namespace ketpk {

/// The course of a linear model, reached from each segment's start by powers of two of a microsecond.
class ExpmTrajectory {
 public:
  [[nodiscard]] const std::vector<Segment>& segments() const noexcept { return segments_; }
  /// The last instant that can be asked.
  [[nodiscard]] Micros horizon() const noexcept { return horizon_; }

  [[nodiscard]] bool has(Curve c) const noexcept {
    const auto& p = net_.parameters();
    if (c.kind == Curve::Kind::effect_site) return p.ke0_per_min.has_value();
    return c.kind == Curve::Kind::plasma || (c.kind == Curve::Kind::metabolite && c.index < p.metabolites.size());
  }

  /// Concentration at `t` [mg/L]; at the instant of a bolus the one after it.
  /// Throws E_RANGE for an instant outside 0 to `horizon()`, E_ARG for a curve the model does not have.
  [[nodiscard]] double value(Micros t, Curve c) const {
    require(has(c), Code::arg, "curve", "not a curve of this model; accepted: plasma, and what the model has");
    const NetworkState x = at(t);
    if (c.kind == Curve::Kind::effect_site) return net_.effect_site_mg_per_L(x);
    if (c.kind == Curve::Kind::metabolite) return net_.metabolite_mg_per_L(x, c.index);
    return net_.plasma_mg_per_L(x);
  }

  /// Area under plasma from 0 to `t` [mg min/L]. Throws E_RANGE as `value`.
  [[nodiscard]] double auc_mg_min_per_L(Micros t) const { return at(t).back(); }

 private:
  explicit ExpmTrajectory(Network net) : net_(std::move(net)), walk_(detail::walk::rooms_with_area(net_)) {}
  friend Attempt<ExpmTrajectory> solve_expm(const Parameters<double>& p, std::vector<Segment> segments, Micros horizon);

  [[nodiscard]] NetworkState at(Micros t) const {
    require(t >= Micros{0} && t <= horizon_, Code::range, "t", "outside the solved course; accepted: 0 to its horizon");
    const auto after = std::upper_bound(segments_.begin(), segments_.end(), t,
                                        [](Micros instant, const Segment& s) { return instant < s.start; });
    const auto i = static_cast<std::size_t>(after - segments_.begin()) - 1;
    NetworkState x = starts_[i];
    carry(x, segments_[i], t - segments_[i].start);
    return x;
  }
  void carry(NetworkState& x, const Segment& s, Micros t) const {
    const Intake rate{net_.central(), s.rate_mg_per_min};
    walk_.carry(x, {&rate, 1}, t);
  }

  Network net_;
  detail::walk::Walk walk_;
  std::vector<Segment> segments_;
  Micros horizon_{0};
  std::vector<NetworkState> starts_;  ///< just after the bolus of each segment
};

/// The course of `segments` up to `horizon`, or to the last edge where that comes later.
/// Throws E_MODEL_PARAM as `validate(Parameters)` and for elimination that saturates (Vmax), and E_SEGMENT for segments
/// with a gap, out of order, or with an input that is not zero or a positive number. Rates that no double can hold are
/// `Trouble{solver}`.
[[nodiscard]] inline Attempt<ExpmTrajectory> solve_expm(const Parameters<double>& p, std::vector<Segment> segments,
                                                        Micros horizon) {
  validate(segments);
  Network net(p);
  require(net.is_linear(), Code::model_param, "Vmax",
          "elimination that saturates, which chances cannot follow; accepted: linear elimination");
  if (!(net.fastest_per_min() <= 1e30))
    return Trouble{Code::solver, "expm", "at 0 min: a rate constant above 1e30 per min"};

  ExpmTrajectory out(std::move(net));
  out.horizon_ = std::max(horizon, segments.back().start);
  Micros longest = out.horizon_ - segments.back().start;
  for (const Segment& s : segments) longest = std::max(longest, s.duration);
  out.walk_.reach(longest);

  NetworkState x(out.net_.size() + 1);
  out.starts_.reserve(segments.size());
  for (const Segment& s : segments) {
    x[out.net_.central()] += s.bolus_mg;
    out.starts_.push_back(x);
    out.carry(x, s, s.duration);
  }
  out.segments_ = std::move(segments);
  return out;
}

}  // namespace ketpk
