// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the state of any compartment network after any stretch of constant input, linear or not, from any state. Linear
// networks go by chances (walk.hpp), networks that saturate take steps (solve_ode.hpp); their steady state is where one
// interval leads back to its beginning.

#include <Eigen/LU>

#include <algorithm>
#include <array>
#include <chrono>
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
#include "ketpk/solve_ode.hpp"
#include "ketpk/time.hpp"
#include "ketpk/timeline.hpp"
#include "ketpk/walk.hpp"

namespace ketpk {

#ifdef KETPK_COMPILED
namespace detail {
/// There is one for the alignment that the compiled copy has; a program compiled for another (-march=native) does not
/// link, where it would free memory that was allocated otherwise.
template <int Alignment>
void compiled_with_alignment() noexcept;
}  // namespace detail
#endif

/// The concentration that a state of a network shows [mg/L]. `S` is double or a dual number.
template <class S>
[[nodiscard]] S concentration_of(const Network& net, std::span<const S> x, Curve c) noexcept {
  const auto& p = net.parameters();
  if (c.kind == Curve::Kind::effect_site) return x[net.effect_site()];
  if (c.kind == Curve::Kind::metabolite) return x[net.metabolite(c.index)] / p.metabolites[c.index].v1_L;
  return x[net.central()] / p.v1_L;
}

/// A network during one stretch: what enters where, and the state it begins with. Its last two states are the area
/// under plasma [mg min/L] and the parent eliminated [mg], both from 0 on.
class NetworkStretch {
 public:
  static constexpr std::array<std::size_t, 2> array_sizes{9, 34};

  NetworkStretch(std::shared_ptr<const Network> net, std::vector<Intake> rates, NetworkState begins)
      : net_(std::move(net)), rates_(std::move(rates)), begins_(std::move(begins)) {}

  [[nodiscard]] std::size_t size() const noexcept { return net_->size() + 2; }
  [[nodiscard]] bool has(Curve c) const noexcept {
    const auto& p = net_->parameters();
    if (c.kind == Curve::Kind::effect_site) return p.ke0_per_min.has_value();
    return c.kind == Curve::Kind::plasma || (c.kind == Curve::Kind::metabolite && c.index < p.metabolites.size());
  }
  void start(std::span<double> x) const noexcept { std::copy(begins_.begin(), begins_.end(), x.begin()); }
  [[nodiscard]] static constexpr bool is_linear(Curve) noexcept { return true; }
  template <class S>
  void slopes(std::span<const S> x, double, std::span<S> dx) const {
    const std::size_t n = net_->size();
    net_->slopes<S>(x.first(n), dx.first(n));
    for (const Intake& r : rates_) dx[r.place] += S(r.amount);
    const auto& p = net_->parameters();
    const S c1 = x[net_->central()] / p.v1_L;
    dx[n] = c1;
    dx[n + 1] = net_->eliminated_mg_per_min<S>(x);
  }
  void bolus(std::span<double> x, double mg) const noexcept { x[net_->central()] += mg; }
  [[nodiscard]] double value(std::span<const double> x, Curve c) const noexcept {
    return concentration_of(*net_, x, c);
  }
  [[nodiscard]] double auc_mg_min_per_L(std::span<const double> x) const noexcept { return x[net_->size()]; }

 private:
  std::shared_ptr<const Network> net_;
  std::vector<Intake> rates_;
  NetworkState begins_;
};

#ifdef KETPK_COMPILED
extern template class OdeTrajectory<NetworkStretch>;
extern template Attempt<OdeTrajectory<NetworkStretch>> solve_ode(const NetworkStretch&, std::vector<Segment>, Micros,
                                                                 OdeOptions);
#endif

/// The networks of one subject: those that differ, and which of them each record has.
struct Networks {
  std::vector<Network> distinct;
  std::vector<std::size_t> of_record;

  [[nodiscard]] const Network& at(std::size_t record) const noexcept { return distinct[of_record[record]]; }
};

/// Two roads to the same states, which share no algebra.
enum class Road : std::uint8_t {
  first,   ///< chances where a network is linear, otherwise the steps that its stiffness calls for
  second,  ///< steps where a network is linear; otherwise implicit steps, where the first road's are explicit
};

struct NetworkOptions {
  double rtol = 1e-11;                        ///< of steps
  std::optional<std::size_t> max_steps = {};  ///< as in `OdeOptions`
  Road road = Road::first;
};

/// Explicit steps up to this product of fastest rate and time, implicit ones beyond: the work of the explicit ones
/// grows with it.
inline constexpr double stiffest_for_explicit_steps = 6e4;

[[nodiscard]] inline OdeMethod method_for(const Network& net, Micros t) noexcept {
  return net.fastest_per_min() * minutes(t) <= stiffest_for_explicit_steps ? OdeMethod::dormand_prince
                                                                           : OdeMethod::rosenbrock;
}

/// How steps follow a network from a state that rates flow into: a place may be off by 1e-18 of the most there can be.
/// solve_ode, which sees no dose, measures in what it begins with, or in 1 where that is nothing.
[[nodiscard]] inline OdeOptions steps_from(const Network& net, const NetworkState& x, std::span<const Intake> rates,
                                           Micros t) {
  double begins_with = 0;
  for (const double e : x) begins_with = std::max(begins_with, e);
  double most = begins_with;
  for (const Intake& r : rates) most = std::max(most, r.amount * minutes(t));
  const double share = 1e-18 * (begins_with > 0 ? most / begins_with : most);
  return {.atol_per_dose = std::clamp(share, 1e-25, 1e-2), .method = method_for(net, t)};
}

/// What goes in from just before a dose of a train to `span` later, no more than an interval; what happens at that
/// instant by itself is part of it, but no further dose. Counted from 0, and of a train with an interval.
[[nodiscard]] inline std::vector<Stretch> interval_of(const Train& train, Micros span) {
  const Entering& dose = train.dose;
  if (span.count() == 0) return {};
  Stretch first{.start = Micros{0}, .duration = span, .record = train.record};
  if (!dose.is_infusion()) {
    first.boluses = {{dose.place, dose.bolus_mg}};
    return {std::move(first)};
  }
  // Infusions that began earlier and go on all the time, and one more until the latest of them ends.
  const auto all_along = static_cast<double>(dose.duration / dose.interval);
  const Micros rest = dose.duration % dose.interval, until = std::min(rest, span);
  first.duration = until;
  first.rates = {{dose.place, (all_along + 1) * dose.rate_mg_per_min}};
  Stretch second{.start = until, .duration = span - until, .record = train.record};
  if (until == rest && until.count() > 0) second.boluses = {{dose.place, dose.bolus_mg}};
  if (all_along > 0) second.rates = {{dose.place, all_along * dose.rate_mg_per_min}};
  std::vector<Stretch> out{std::move(first), std::move(second)};
  if (rest.count() == 0 && span == dose.interval)
    out.push_back(
        {.start = span, .duration = Micros{0}, .record = train.record, .boluses = {{dose.place, dose.bolus_mg}}});
  return out;
}

/// Carries states of one subject's networks over stretches of constant input. It remembers what it worked out for the
/// networks asked about last, so it is not for two threads at once.
class NetworkSolver {
 public:
  /// Refers to `networks`, which must outlive it.
  explicit NetworkSolver(const Networks& networks, NetworkOptions options = {})
      : networks_(networks), options_(options) {}
  explicit NetworkSolver(const Networks&&, NetworkOptions = {}) = delete;

  [[nodiscard]] const Networks& networks() const noexcept { return networks_; }

  /// `x` after `t` of these rates, under the parameters of `record`.
  [[nodiscard]] Attempt<NetworkState> after(NetworkState x, std::span<const Intake> rates, Micros t,
                                            std::size_t record) const {
    if (t.count() == 0) return x;
    if (auto* const walk = walk_of(record)) {
      walk->advance(x, rates, t);
      return x;
    }
    return by_steps(std::move(x), rates, t, record);
  }

  /// `x`, from just before a dose of the train to `span` later, as `interval_of` has it.
  [[nodiscard]] Attempt<NetworkState> repeated_over(NetworkState x, const Train& train, Micros span) const {
    for (const Stretch& s : interval_of(train, span)) {
      for (const Intake& b : s.boluses) x[b.place] += b.amount;
      auto then = after(std::move(x), s.rates, s.duration, s.record);
      if (std::holds_alternative<Trouble>(then)) return then;
      x = std::get<0>(std::move(then));
    }
    return x;
  }

  /// The same as `after` by Odeint's steps, whatever the network.
  [[nodiscard]] Attempt<NetworkState> by_steps(NetworkState x, std::span<const Intake> rates, Micros t,
                                               std::size_t record) const {
    double scale = 0;
    for (const double e : x) scale = std::max(scale, e);
    for (const Intake& r : rates) scale = std::max(scale, r.amount * minutes(t));
    if (t.count() == 0 || scale == 0) return x;
    const Network& here = networks_.at(record);
    OdeOptions steps = steps_from(here, x, rates, t);
    if (!here.is_linear() && options_.road == Road::second) steps.method = OdeMethod::rosenbrock;
    steps.rtol = options_.rtol;
    steps.max_steps = options_.max_steps;
    steps.only_at = {t};
    // The network outlives the stretch, so nothing has to own it.
    const std::shared_ptr<const Network> net(std::shared_ptr<const Network>(), &here);
    auto course = solve_ode(NetworkStretch(net, {rates.begin(), rates.end()}, x), {Segment{Micros{0}, Micros{0}, 0, 0}},
                            t, std::move(steps));
    if (const auto* trouble = std::get_if<Trouble>(&course)) return *trouble;
    NetworkState end = std::get<0>(course).state_at(t);
    end.resize(x.size());  // without the areas
    for (double& e : end) {
      if (e < -1e-12 * scale)
        return Trouble{Code::solver, "odeint", "an amount came out below nothing; no numbers are given"};
      e = std::max(e, 0.0);
    }
    return end;
  }

  /// The steady state of a train, seen at its phase. `Trouble` where there is none.
  [[nodiscard]] Attempt<NetworkState> steady(const Train& train) const {
    const Network& net = networks_.at(train.record);
    const Entering& dose = train.dose;
    const Trouble unbounded{Code::solver, "steady state",
                            "no steady state is reached: what is given is more than what is eliminated"};
    auto* const walk = walk_of(train.record);
    // Where all that leaves the parent saturates, no more can be given for ever than the most that leaves.
    const auto& p = net.parameters();
    if (p.saturable && p.cl_L_per_min == 0 && dose.place < net.parent_end() &&
        !(mean_mg_per_min(dose) < p.saturable->vmax_mg_per_min))
      return unbounded;
    NetworkState nothing(net.size());
    std::optional<NetworkState> found;
    if (dose.is_constant()) {
      const Intake rate{dose.place, dose.rate_mg_per_min};
      if (!walk) return constant_by_steps(rate, train.record);
      found = walk->settled({&rate, 1});
    } else if (walk) {
      auto once = repeated_over(std::move(nothing), train, dose.interval);
      if (const auto* trouble = std::get_if<Trouble>(&once)) return *trouble;
      found = walk->repeated(std::get<0>(std::move(once)), dose.interval);
    } else {
      return periodic_by_steps(train);
    }
    if (!found) return unbounded;
    return repeated_over(*std::move(found), train, train.phase);
  }

 private:
  /// None where the network takes steps. Valid until the next but one network is asked for: a course goes from record
  /// to record, so two at a time are enough, however many there are.
  [[nodiscard]] detail::walk::Walk* walk_of(std::size_t record) const {
    const std::size_t which = networks_.of_record[record];
    const Network& net = networks_.distinct[which];
    if (!net.is_linear() || options_.road == Road::second) return nullptr;
    Remembered& place = remembered_[which % remembered_.size()];
    if (!place.walk || place.which != which) {
      place.which = which;
      place.walk.emplace(detail::walk::rooms_of(net));
    }
    return &*place.walk;
  }

  [[nodiscard]] static double mean_mg_per_min(const Entering& dose) noexcept {
    return dose.is_constant() ? dose.rate_mg_per_min : dose.given_mg() / minutes(dose.interval);
  }

  /// What a state must be found to.
  struct Grain {
    double
        least_mg;  ///< states count against what is there or this: a train whose doses are all but gone has a rest too
    double rounding;  ///< of a change, relative to the state
  };

  /// A zero of `change` near `x` by Newton's method, with slopes from differences. Halves a step that leads away or
  /// below nothing. `Trouble` where 8 digits of the largest state cannot be told.
  template <class Change>
  [[nodiscard]] Attempt<NetworkState> rest(NetworkState x, Grain grain, Change change) const {
#ifdef KETPK_COMPILED
    detail::compiled_with_alignment<EIGEN_MAX_ALIGN_BYTES>();
#endif
    const auto n = static_cast<Eigen::Index>(x.size());
    const auto size_of = [](const NetworkState& v) {
      double most = 0;
      for (const double e : v) most = std::max(most, std::abs(e));
      return most;
    };
    Attempt<NetworkState> here = change(x);
    for (int tries = 0; tries < 60; ++tries) {
      if (std::holds_alternative<Trouble>(here)) return here;
      const NetworkState& f = std::get<0>(here);
      const double scale = std::max(size_of(x), grain.least_mg), off = size_of(f);
      if (scale == 0) return x;
      Eigen::MatrixXd slope(n, n);
      for (Eigen::Index j = 0; j < n; ++j) {
        NetworkState aside = x;
        const double step = 1e-4 * std::max(x[static_cast<std::size_t>(j)], 1e-3 * scale);
        aside[static_cast<std::size_t>(j)] += step;
        Attempt<NetworkState> there = change(aside);
        if (std::holds_alternative<Trouble>(there)) return there;
        for (Eigen::Index i = 0; i < n; ++i)
          slope(i, j) = (std::get<0>(there)[static_cast<std::size_t>(i)] - f[static_cast<std::size_t>(i)]) / step;
      }
      // How far it still is, and how far a rounding could lead. What is left of `f` does not tell: near the most that
      // can be eliminated, very different states change by very little.
      const auto factors = slope.fullPivLu();
      const auto moved = [&](const NetworkState& v) -> Eigen::VectorXd {
        return factors.solve(Eigen::Map<const Eigen::VectorXd>(v.data(), n));
      };
      const Eigen::VectorXd by = moved(f);
      const double far = by.cwiseAbs().maxCoeff(), unsure = grain.rounding * moved(x).cwiseAbs().maxCoeff();
      bool is_better = false;
      for (double part = 1; part > 1e-4 && !is_better; part /= 2) {
        NetworkState next = x;
        bool is_possible = true;
        for (std::size_t i = 0; i < next.size(); ++i) {
          next[i] -= part * by(static_cast<Eigen::Index>(i));
          if (next[i] < 0 && next[i] > -1e-12 * scale) next[i] = 0;
          is_possible = is_possible && next[i] >= 0 && std::isfinite(next[i]);
        }
        if (!is_possible) continue;
        Attempt<NetworkState> there = change(next);
        if (std::holds_alternative<Trouble>(there)) return there;
        is_better = size_of(std::get<0>(there)) < off;
        if (!is_better) continue;
        x = std::move(next);
        here = std::move(there);
      }
      if (is_better && far <= 1e-12 * scale && unsure <= 1e-8 * scale) return x;
      // No step makes it better: as near as the steps' own errors let it come, or nowhere near.
      if (!is_better) {
        if (std::max(far, unsure) <= 1e-8 * scale) return x;
        break;
      }
    }
    return Trouble{Code::solver, "steady state",
                   "no steady state was found to 8 digits: what is given may be too near to, or more than, what can be "
                   "eliminated"};
  }

  [[nodiscard]] Attempt<NetworkState> periodic_by_steps(const Train& train) const {
    // Near the most that can be eliminated an interval hardly changes what is there, and its error counts manyfold.
    NetworkOptions options = options_;
    options.rtol = std::min(options.rtol, 1e-13);
    const NetworkSolver precise(networks_, options);
    const auto change = [&](const NetworkState& x) {
      Attempt<NetworkState> later = precise.repeated_over(x, train, train.dose.interval);
      if (auto* state = std::get_if<0>(&later))
        for (std::size_t i = 0; i < x.size(); ++i) (*state)[i] -= x[i];
      return later;
    };
    // A few intervals from nothing bring it near enough for Newton's method.
    Attempt<NetworkState> x = NetworkState(networks_.at(train.record).size());
    for (int k = 0; k < 4 && std::holds_alternative<NetworkState>(x); ++k)
      x = repeated_over(std::get<0>(std::move(x)), train, train.dose.interval);
    if (std::holds_alternative<NetworkState>(x))
      x = rest(std::get<0>(std::move(x)), {1e-6 * train.dose.given_mg(), std::numeric_limits<double>::epsilon()},
               change);
    if (std::holds_alternative<Trouble>(x)) return x;
    return repeated_over(std::get<0>(std::move(x)), train, train.phase);
  }

  [[nodiscard]] Attempt<NetworkState> constant_by_steps(Intake rate, std::size_t record) const {
    const Network& net = networks_.at(record);
    const auto slopes = [&](const NetworkState& x) -> Attempt<NetworkState> {
      NetworkState dx(x.size());
      net.slopes<double>(x, dx);
      dx[rate.place] += rate.amount;
      for (double& e : dx) e *= 60;  // of an hour, so that slopes compare with amounts
      return dx;
    };
    Attempt<NetworkState> x = after(NetworkState(net.size()), {&rate, 1}, std::chrono::hours{6}, record);
    if (std::holds_alternative<Trouble>(x)) return x;
    return rest(std::get<0>(std::move(x)), {0, 0}, slopes);
  }

  struct Remembered {
    std::size_t which = 0;  ///< of the distinct networks
    std::optional<detail::walk::Walk> walk = {};
  };

  const Networks& networks_;
  NetworkOptions options_;
  mutable std::array<Remembered, 2> remembered_;
};

/// The state at the start of each stretch, after all that happens there. `Trouble` names the instant.
[[nodiscard]] inline Attempt<std::vector<NetworkState>> solve(const Timeline& timeline, const NetworkSolver& solver,
                                                              std::size_t states) {
  std::vector<NetworkState> out;
  out.reserve(timeline.stretches.size());
  NetworkState x(states);
  for (std::size_t k = 0; k < timeline.stretches.size(); ++k) {
    const Stretch& s = timeline.stretches[k];
    const auto at = [&](Trouble trouble) {
      trouble.message += " (after " + to_text(minutes(s.start)) + " min)";
      return trouble;
    };
    if (s.is_emptied) std::fill(x.begin(), x.end(), 0.0);
    if (s.steady) {
      const Attempt<NetworkState> steady = solver.steady(*s.steady);
      if (const auto* trouble = std::get_if<Trouble>(&steady)) return at(*trouble);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += std::get<0>(steady)[i];
    }
    for (const Intake& b : s.boluses) x[b.place] += b.amount;
    out.push_back(x);
    Attempt<NetworkState> next = solver.after(std::move(x), s.rates, s.duration, s.record);
    if (const auto* trouble = std::get_if<Trouble>(&next)) return at(*trouble);
    x = std::get<0>(std::move(next));
  }
  return out;
}

}  // namespace ketpk
