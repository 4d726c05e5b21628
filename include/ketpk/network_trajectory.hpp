// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the questions of exposure.hpp are asked of a continuous course, and a network with depots, chains of
// metabolites, transit compartments, a liver or saturable elimination has one too: that of steps and the interpolant
// between them, stretch after stretch. Linear networks are carried by chances as well, which is the second opinion on
// it.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/model.hpp"
#include "ketpk/network.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve.hpp"
#include "ketpk/solve_network.hpp"
#include "ketpk/solve_ode.hpp"
#include "ketpk/time.hpp"
#include "ketpk/timeline.hpp"

namespace ketpk {

/// Parameters that change between stretches of a timeline, all of one structure; `of_stretch` says which of `distinct`
/// governs each. None: the first.
struct ParametersOverTime {
  std::vector<Parameters<double>> distinct;
  std::vector<std::size_t> of_stretch;
};

/// The course of one network over a timeline, up to where nothing is left to speak of.
class NetworkTrajectory {
 public:
  [[nodiscard]] const std::vector<Segment>& segments() const noexcept { return segments_; }
  [[nodiscard]] const Network& network() const noexcept { return *net_; }
  [[nodiscard]] bool has(Curve c) const noexcept { return pieces_.front().has(c); }
  [[nodiscard]] std::size_t segment_at(Micros t) const noexcept {
    const auto after = std::upper_bound(segments_.begin(), segments_.end(), t,
                                        [](Micros instant, const Segment& s) { return instant < s.start; });
    return static_cast<std::size_t>(after - segments_.begin()) - 1;
  }
  /// Concentration at `t` [mg/L]; at the instant of a bolus the one after it. Past the end of what was solved nothing
  /// is left: 0. Throws E_RANGE(t) before 0, E_ARG(curve) for a curve the model does not have.
  [[nodiscard]] double value(Micros t, Curve c) const {
    require(t >= Micros{0}, Code::range, "t", "before the course; accepted: 0 or later");
    const std::size_t i = segment_at(t);
    const double minute = minutes(t - segments_[i].start);
    return minute > length_min(i) ? 0.0 : at(i, minute, c);
  }
  /// Area under plasma from 0 to `t` [mg min/L].
  [[nodiscard]] double auc_mg_min_per_L(Micros t) const {
    require(t >= Micros{0}, Code::range, "t", "before the course; accepted: 0 or later");
    const std::size_t i = segment_at(t);
    const double most = length_min(i) * micros_per_minute;
    const Micros within = t - segments_[i].start;
    return areas_[i] + pieces_[i].auc_mg_min_per_L(static_cast<double>(within.count()) > most ? last_ : within);
  }
  [[nodiscard]] double at(std::size_t segment, double minute, Curve c) const {
    return pieces_[segment].at(0, minute, c);
  }
  [[nodiscard]] double slope(std::size_t segment, double minute, Curve c) const {
    return pieces_[segment].slope(0, minute, c);
  }
  [[nodiscard]] double length_min(std::size_t segment) const noexcept { return pieces_[segment].length_min(0); }
  [[nodiscard]] std::vector<double> turning_points(std::size_t segment, Curve c) const {
    return pieces_[segment].turning_points(0, c);
  }
  /// All places, the area under plasma and the parent eliminated at `t`, after what happens then. Throws E_RANGE(t)
  /// before 0.
  [[nodiscard]] NetworkState state_at(Micros t) const {
    require(t >= Micros{0}, Code::range, "t", "before the course; accepted: 0 or later");
    const std::size_t i = segment_at(t);
    const Micros within = t - segments_[i].start;
    const bool is_past = minutes(within) > length_min(i);
    NetworkState x = pieces_[i].state_at(is_past ? last_ : within);
    x.resize(net_->size());
    return x;
  }
  /// Parent in the whole body, what is still to be absorbed among it, at `t` [mg].
  [[nodiscard]] double in_body_mg(Micros t) const {
    const NetworkState x = state_at(t);
    double mg = 0;
    for (std::size_t i = 0; i < net_->parent_end(); ++i) mg += x[i];
    return mg;
  }
  /// (entered - in the body - eliminated) / entered, worst over the ends of all segments. What enters was counted as it
  /// entered, what is eliminated by the clearances, and what is in the body by the places.
  [[nodiscard]] double mass_balance_rel() const noexcept { return mass_balance_rel_; }
  /// Whether any stretch was so stiff that implicit steps were taken.
  [[nodiscard]] bool is_stiff() const noexcept { return is_stiff_; }
  /// What this is the course of.
  [[nodiscard]] const Timeline& timeline() const noexcept { return timeline_; }

  /// Area under plasma, or under a metabolite, without end [mg min/L]. What is formed of a metabolite, it clears.
  [[nodiscard]] double auc_to_infinity(Curve c) const {
    const auto& p = net_->parameters();
    const double plasma = auc_;
    if (c.kind != Curve::Kind::metabolite) return plasma;
    const auto& m = p.metabolites[c.index];
    double formed = entered_metabolite_mg_[c.index];
    if (m.from) {
      formed += m.fraction * p.metabolites[*m.from].cl_L_per_min * auc_to_infinity(Curve::metabolite(*m.from));
    } else {
      formed += m.fraction * net_->may_form() * entered_parent_mg_;
    }
    return formed / m.cl_L_per_min;
  }

  /// Rate of the slowest mode that shows in plasma [1/min]; where elimination saturates, far below Km.
  [[nodiscard]] double slowest_rate_per_min() const noexcept { return slowest_per_min_; }

 private:
  NetworkTrajectory() = default;
  friend Attempt<NetworkTrajectory> follow(const ParametersOverTime& over, const Timeline& timeline, OdeMethod method);

  std::shared_ptr<const Network> net_;
  std::vector<Segment> segments_;
  std::vector<OdeTrajectory<NetworkStretch>> pieces_;
  std::vector<double> areas_;  ///< under plasma up to the start of each segment [mg min/L]
  bool is_stiff_ = false;
  Micros last_{0};  ///< of the last segment, as far as it was solved
  double auc_ = 0, entered_parent_mg_ = 0, reached_plasma_mg_ = 0, slowest_per_min_ = 0, mass_balance_rel_ = 0;
  Timeline timeline_;
  std::vector<double> entered_metabolite_mg_;
};

namespace detail {

/// One exponential of a parent's plasma curve after a unit amount: coupling^2 exp(-rate t).
struct ParentMode {
  double rate_per_min, coupling;  ///< coupling >= 0 [1/sqrt(L)]
};

/// The modes of a parent with a liver. As `modes`, with two more rows of G and a column: what flows between plasma and
/// the liver, and what the liver loses, which is a row of its own.
[[nodiscard]] inline std::vector<ParentMode> modes_with_liver(const Parameters<double>& p) {
  constexpr std::size_t n = 4, rows = 4;
  const LiverParameters<double>& liver = *p.liver;
  // G by columns: central, shallow, deep, liver.
  std::array<std::array<double, rows>, n> g{
      {{std::sqrt(p.q2_L_per_min / p.v1_L), std::sqrt(p.q3_L_per_min / p.v1_L), std::sqrt(liver.q_L_per_min / p.v1_L),
        0},
       {-std::sqrt(p.q2_L_per_min / p.v2_L), 0, 0, 0},
       {0, -std::sqrt(p.q3_L_per_min / p.v3_L), 0, 0},
       {0, 0, -std::sqrt(liver.q_L_per_min / liver.v_L), std::sqrt(liver.kel_per_min + liver.kmet_per_min)}}};
  std::array<double, n> u{1, 0, 0, 0};
  const auto dot = [&](std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t i = 0; i < rows; ++i) sum += g[a][i] * g[b][i];
    return sum;
  };
  for (int sweep = 0; sweep < 12; ++sweep) {
    bool is_turned = false;
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = a + 1; b < n; ++b) {
        const double aa = dot(a, a), bb = dot(b, b), ab = dot(a, b);
        if (!(std::abs(ab) > 1e-16 * std::sqrt(aa * bb))) continue;
        is_turned = true;
        const double zeta = (bb - aa) / (2 * ab);
        const double t = std::copysign(1.0, zeta) / (std::abs(zeta) + std::sqrt(1 + zeta * zeta));
        const double cosine = 1 / std::sqrt(1 + t * t), sine = cosine * t;
        const auto turn = [&](double& x, double& y) {
          const double old = x;
          x = cosine * old - sine * y;
          y = sine * old + cosine * y;
        };
        for (std::size_t i = 0; i < rows; ++i) turn(g[a][i], g[b][i]);
        turn(u[a], u[b]);
      }
    if (!is_turned) break;
  }
  std::vector<ParentMode> out;
  for (std::size_t j = 0; j < n; ++j) out.push_back({dot(j, j), std::abs(u[j]) / std::sqrt(p.v1_L)});
  return out;
}

/// The parent's modes; where elimination saturates, far below Km. A compartment that is not there leaves one of
/// coupling 0.
[[nodiscard]] inline std::vector<ParentMode> parent_modes(Parameters<double> p) {
  if (p.liver) return modes_with_liver(p);
  if (p.saturable) p.cl_L_per_min += p.saturable->vmax_mg_per_min / p.saturable->km_mg_per_L;
  const Modes<double> found = modes(p);
  std::vector<ParentMode> out;
  for (std::size_t j = 0; j < 3; ++j) out.push_back({found.rate_per_min[j], found.coupling[j]});
  return out;
}

/// Rate of the slowest mode that shows in plasma after what a timeline gives [1/min].
[[nodiscard]] inline double slowest_in_plasma(const Parameters<double>& p, const Timeline& timeline) {
  double slowest = std::numeric_limits<double>::infinity();
  for (const ParentMode& mode : parent_modes(p))
    if (mode.coupling > 0) slowest = std::min(slowest, mode.rate_per_min);
  const std::size_t depots = p.depots.size();
  const auto enter = [&](std::size_t place) {
    for (std::size_t depot = place; depot < depots; depot = p.depots[depot].into.value_or(depots))
      slowest = std::min(slowest, p.depots[depot].ka_per_min);
  };
  for (const Stretch& s : timeline.stretches) {
    if (s.steady) enter(s.steady->dose.place);
    for (const Intake& b : s.boluses) enter(b.place);
    for (const Intake& r : s.rates) enter(r.place);
  }
  return slowest;
}

/// The slowest of all that happens to what was given, the slowest in plasma being known [1/min].
[[nodiscard]] inline double slowest_of_all(const Parameters<double>& p, double in_plasma_per_min) {
  double slowest = in_plasma_per_min;
  for (const auto& m : p.metabolites) {
    const Modes<double> own = modes<double>({m.v1_L, m.cl_L_per_min, m.q2_L_per_min, m.v2_L, 0, 1});
    for (std::size_t j = 0; j < 2; ++j)
      if (own.coupling[j] > 0) slowest = std::min(slowest, own.rate_per_min[j]);
    if (m.transits > 0) slowest = std::min(slowest, m.transit_per_min);
  }
  if (p.ke0_per_min) slowest = std::min(slowest, *p.ke0_per_min);
  return slowest;
}

/// Until what is left of anything is below 1e-17 of what there was. Transit compartments of one rate in a row hold
/// longer than one of them: each adds three times to the forty.
[[nodiscard]] inline double minutes_to_rest(const Parameters<double>& p, double in_plasma_per_min, double given_mg) {
  double times = 40;
  for (const auto& m : p.metabolites) times += 3 * static_cast<double>(m.transits);
  const double min = times / slowest_of_all(p, in_plasma_per_min);
  return p.saturable ? min + given_mg / p.saturable->vmax_mg_per_min : min;
}

/// Absent where it is more than can be counted.
[[nodiscard]] inline std::optional<Micros> as_micros(double min) {
  if (!(min * micros_per_minute < 9e18)) return std::nullopt;
  return Micros{static_cast<std::int64_t>(min * micros_per_minute)};
}

}  // namespace detail

/// The course of a network over a timeline that begins at 0; records of one instant act together. The last stretch goes
/// on until what is left of anything is below 1e-17 of what there was. Linear networks, and stiff ones, choose their
/// steps by themselves; `method` is for the others. Where parameters change, the area under a metabolite without end is
/// not known from them, and is not to be asked.
/// `Trouble` as `solve_ode`, with the instant; also where the slowest rate would need longer than can be counted.
[[nodiscard]] inline Attempt<NetworkTrajectory> follow(const ParametersOverTime& over, const Timeline& timeline,
                                                       OdeMethod method) {
  NetworkTrajectory out;
  std::vector<std::shared_ptr<const Network>> nets;
  for (const Parameters<double>& each : over.distinct) nets.push_back(std::make_shared<const Network>(each));
  const auto of_stretch = [&](std::size_t k) { return over.of_stretch.empty() ? 0 : over.of_stretch[k]; };
  const Parameters<double>& p = over.distinct[of_stretch(timeline.stretches.size() - 1)];  // how it ends
  out.net_ = nets.front();
  out.timeline_ = timeline;
  const Network& net = *out.net_;
  const Networks networks{{net}, std::vector<std::size_t>(timeline.of_record.size(), 0)};
  const NetworkSolver solver(networks);
  out.entered_metabolite_mg_.assign(p.metabolites.size(), 0);

  // What was given.
  out.slowest_per_min_ = detail::slowest_in_plasma(p, timeline);
  double given_mg = 0;
  const auto count = [&](const Intake& s, double mg) {
    given_mg += mg;
    if (s.place < net.parent_end()) {
      out.entered_parent_mg_ += mg;
      out.reached_plasma_mg_ += mg * net.reaches_plasma(s.place);
    } else if (s.place < net.effect_site()) {
      out.entered_metabolite_mg_[net.layout().metabolite_at(s.place)] += mg;
    }
  };

  NetworkState x(net.size());
  double area = 0, eliminated_mg = 0;
  for (std::size_t k = 0; k < timeline.stretches.size(); ++k) {
    const Stretch& s = timeline.stretches[k];
    const bool is_last = k + 1 == timeline.stretches.size();
    if (s.is_emptied) std::fill(x.begin(), x.end(), 0.0);
    if (s.steady) {
      const Attempt<NetworkState> steady = solver.steady(*s.steady);
      if (const auto* trouble = std::get_if<Trouble>(&steady)) return *trouble;
      for (std::size_t i = 0; i < net.size(); ++i) {
        x[i] += std::get<0>(steady)[i];
        if (i < net.effect_site()) count({i, 0}, std::get<0>(steady)[i]);
      }
    }
    for (const Intake& b : s.boluses) {
      x[b.place] += b.amount;
      count(b, b.amount);
    }
    if (s.duration.count() == 0 && !is_last) continue;  // the next begins at the same instant
    for (const Intake& r : s.rates) count(r, r.amount * minutes(s.duration));

    Micros horizon = s.duration;
    if (is_last) {
      const auto rest = detail::as_micros(detail::minutes_to_rest(p, out.slowest_per_min_, given_mg));
      if (!rest) return Trouble{Code::solver, "odeint", "a rate of the model is so slow that its course has no end"};
      horizon = *rest;
      out.last_ = horizon;
    }
    out.segments_.push_back({s.start, is_last ? Micros{0} : s.duration, 0, 0});
    out.areas_.push_back(area);
    const auto& here = nets[of_stretch(k)];
    OdeOptions steps = steps_from(*here, x, s.rates, horizon);
    out.is_stiff_ = out.is_stiff_ || steps.method == OdeMethod::rosenbrock;
    if (!net.is_linear() && steps.method == OdeMethod::dormand_prince) steps.method = method;
    auto piece =
        solve_ode(NetworkStretch(here, s.rates, x), {Segment{Micros{0}, Micros{0}, 0, 0}}, horizon, std::move(steps));
    if (auto* trouble = std::get_if<Trouble>(&piece)) {
      trouble->message += " (counted from " + to_text(minutes(s.start)) + " min)";
      return *trouble;
    }
    x = std::get<0>(piece).state_at(horizon);
    eliminated_mg += x[net.size() + 1];
    area += x[net.size()];
    x.resize(net.size());
    double found = eliminated_mg;
    for (std::size_t i = 0; i < net.parent_end(); ++i) found += x[i];
    if (out.entered_parent_mg_ > 0) {
      const double off = std::abs(out.entered_parent_mg_ - found) / out.entered_parent_mg_;
      if (!(off <= out.mass_balance_rel_)) out.mass_balance_rel_ = off;
      if (!std::isfinite(off))
        return Trouble{Code::internal_check, "mass balance", "not a number; no numbers are given"};
    }
    out.pieces_.push_back(std::get<0>(std::move(piece)));
  }
  // All that reaches plasma leaves the body through its clearance; where that saturates, the curve is asked.
  out.auc_ = p.saturable || nets.size() > 1 ? area : out.reached_plasma_mg_ / linear_clearance(p);
  return out;
}

/// The same with parameters that do not change.
[[nodiscard]] inline Attempt<NetworkTrajectory> follow(const Parameters<double>& p, const Timeline& timeline,
                                                       OdeMethod method = OdeMethod::dormand_prince) {
  return follow(ParametersOverTime{{p}, {}}, timeline, method);
}

}  // namespace ketpk
