// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the state of any compartment network after any stretch of constant input, linear or not, from any state. Linear
// networks go by the chances of a walk, as in solve_expm.hpp: what starts in one place is found in another, or has
// left. The chances over 1 us come from a series of non-negative terms, doubling the time multiplies chances, and an
// instant in whole microseconds is reached by the bits of its count; nothing is ever subtracted, so rates that meet or
// lie twelve orders apart lose no digit. A steady state is the sum of all doses ever given, again by doubling. Networks
// that saturate take steps (solve_ode.hpp); their steady state is where one interval leads back to its beginning.

#include <Eigen/LU>

#include <algorithm>
#include <array>
#include <bit>
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

namespace ketpk {

/// Amounts, and the concentration at the effect site, in a network's order.
using NetworkState = std::vector<double>;

namespace detail::walk {

/// What becomes of a network over some time. `found(i, j)`: of 1 mg in j at the beginning, what is in i at the end (or
/// has become of it there); `entered(i, j)`: of 1 mg/min into j all the time; `left[j]`: of 1 mg in j, what has left
/// j's own block of places for good, known to all its digits while it is small.
struct Flow {
  std::size_t n = 0;
  std::vector<double> found, entered, left;

  explicit Flow(std::size_t size) : n(size), found(n * n), entered(n * n), left(n) {}
};

/// Places that pass drug to each other belong to one block: the parent with its depots, each metabolite, the effect
/// site. Blocks follow each other in a network's order, so `first[i]` and `last[i]` bound the block of place i.
struct Blocks {
  std::vector<std::size_t> first, last;
};

[[nodiscard]] inline Blocks blocks_of(const Network& net) {
  Blocks b{std::vector<std::size_t>(net.size()), std::vector<std::size_t>(net.size())};
  const std::size_t parent = net.central() + 3;
  for (std::size_t i = 0; i < net.size(); ++i) {
    const bool is_parent = i < parent;
    b.first[i] = is_parent ? 0 : i - (i - parent) % 2;
    b.last[i] = is_parent ? parent : std::min(b.first[i] + 2, net.size());
  }
  return b;
}

/// `out` = x after y. `out` is neither of them.
inline void multiply(const Flow& x, const Flow& y, const Blocks& blocks, Flow& out) noexcept {
  const std::size_t n = x.n;
  std::fill(out.found.begin(), out.found.end(), 0.0);
  out.entered = x.entered;
  for (std::size_t j = 0; j < n; ++j) {
    double* const found = &out.found[j * n];
    double* const entered = &out.entered[j * n];
    for (std::size_t m = 0; m < n; ++m) {
      const double there = y.found[j * n + m], entering = y.entered[j * n + m];
      const double* const on = &x.found[m * n];
      if (there == 0 && entering == 0) continue;
      for (std::size_t i = 0; i < n; ++i) {
        found[i] += on[i] * there;
        entered[i] += on[i] * entering;
      }
    }
    double left = y.left[j];
    for (std::size_t m = blocks.first[j]; m < blocks.last[j]; ++m) left += x.left[m] * y.found[j * n + m];
    out.left[j] = left;
  }
}

/// What is found in a block and what has left it add up to one. Rounding in that sum would double with each doubling of
/// the time; taking the sum from what has left stops it. (The idea of Grassmann, Taksar and Heyman, Oper Res
/// 1985;33:1107, doi 10.1287/opre.33.5.1107.)
inline void complete(Flow& f, const Blocks& blocks) noexcept {
  for (std::size_t j = 0; j < f.n; ++j) {
    if (!(f.left[j] < 0.5)) continue;
    double sum = 0;
    for (std::size_t i = blocks.first[j]; i < blocks.last[j]; ++i) sum += f.found[j * f.n + i];
    const double by = (1 - f.left[j]) / sum;
    for (std::size_t i = blocks.first[j]; i < blocks.last[j]; ++i) f.found[j * f.n + i] *= by;
  }
}

/// Over 1 us: over a 2^-k of it by a series, then k doublings.
[[nodiscard]] inline Flow over_one_microsecond(const Network& net, const Blocks& blocks) {
  const std::size_t n = net.size();
  std::vector<double> moves(n * n), leaving(n);
  for (std::size_t i = 0; i < n; ++i) leaving[i] = net.leaves_per_min(i);
  for (const Passage& p : net.passages()) {
    moves[p.from * n + p.to] += p.per_min;
    if (p.moves) leaving[p.from] += p.per_min;
  }
  const double fastest = *std::max_element(leaving.begin(), leaving.end());
  for (std::size_t i = 0; i < n; ++i) moves[i * n + i] = fastest - leaving[i];

  double h = 1 / micros_per_minute;
  int doublings = 0;
  for (; fastest * h > 0.25; h /= 2) ++doublings;

  // exp((M - fastest) h) = exp(-fastest h) sum of (M h)^k / k!, with M of non-negative entries. What enters and what
  // has left are two more kinds of place, that nothing leaves: their diagonal in M is `fastest`.
  Flow term(n), sum(n), next(n);
  for (std::size_t i = 0; i < n; ++i) term.found[i * n + i] = 1;
  sum = term;
  double stays = 1;  // the diagonal of what nothing leaves
  // From anywhere to anywhere takes n moves at most; the rest of the k-th term are detours, whose share of every entry
  // is below (fastest h)^(k - n) / (k - n)!.
  double detours = 1;
  const auto most_moves = static_cast<int>(n);
  for (int k = 1; detours > 1e-17; ++k) {
    const double step = h / k;
    for (std::size_t j = 0; j < n; ++j) {
      double left = fastest * step * term.left[j];
      for (std::size_t m = blocks.first[j]; m < blocks.last[j]; ++m)
        left += net.leaves_per_min(m) * step * term.found[j * n + m];
      next.left[j] = left;
      for (std::size_t i = 0; i < n; ++i) {
        double found = 0, entered = i == j ? step * stays : 0;
        for (std::size_t m = 0; m < n; ++m) {
          found += moves[m * n + i] * step * term.found[j * n + m];
          entered += moves[m * n + i] * step * term.entered[j * n + m];
        }
        next.found[j * n + i] = found;
        next.entered[j * n + i] = entered;
      }
    }
    stays *= fastest * step;
    std::swap(term, next);
    for (std::size_t i = 0; i < n * n; ++i) {
      sum.found[i] += term.found[i];
      sum.entered[i] += term.entered[i];
    }
    for (std::size_t i = 0; i < n; ++i) sum.left[i] += term.left[i];
    if (k > most_moves) detours *= fastest * h / (k - most_moves);
  }
  const double unshift = std::exp(-fastest * h);
  for (std::vector<double>* part : {&sum.found, &sum.entered, &sum.left})
    for (double& e : *part) e *= unshift;
  complete(sum, blocks);
  for (int i = 0; i < doublings; ++i) {
    multiply(sum, sum, blocks, next);
    complete(next, blocks);
    std::swap(sum, next);
  }
  return sum;
}

/// A linear network over any time. It remembers what it worked out, so it is not for two threads at once.
class Walk {
 public:
  explicit Walk(const Network& net) : blocks_(blocks_of(net)) {
    doubled_.push_back(over_one_microsecond(net, blocks_));
  }

  /// `x` after `t` of these rates [mg/min].
  void advance(NetworkState& x, std::span<const Intake> rates, Micros t) {
    reach(t);
    NetworkState next(x.size());
    for (auto bits = static_cast<std::uint64_t>(t.count()); bits != 0; bits &= bits - 1) {
      const Flow& f = doubled_[static_cast<std::size_t>(std::countr_zero(bits))];
      step(f, x, rates, next);
      std::swap(x, next);
    }
  }

  /// What an affine change of the state, repeated for ever from nothing, leads to: the sum of all that `once` adds,
  /// carried on over 0, 1, 2 ... times `interval`. Absent where it grows without end.
  [[nodiscard]] std::optional<NetworkState> repeated(NetworkState once, Micros interval) {
    reach(interval);
    Flow carried(once.size()), next(once.size());
    for (std::size_t i = 0; i < once.size(); ++i) carried.found[i * once.size() + i] = 1;
    for (auto bits = static_cast<std::uint64_t>(interval.count()); bits != 0; bits &= bits - 1) {
      multiply(doubled_[static_cast<std::size_t>(std::countr_zero(bits))], carried, blocks_, next);
      complete(next, blocks_);
      std::swap(carried, next);
    }
    return summed_up(std::move(once), std::move(carried));
  }

  /// Where these rates lead to if they never end. Absent where nothing holds them.
  [[nodiscard]] std::optional<NetworkState> settled(std::span<const Intake> rates) {
    NetworkState once(blocks_.first.size());
    advance(once, rates, Micros{1});
    return summed_up(std::move(once), doubled_.front());
  }

 private:
  /// Doubles as often as `t` needs.
  void reach(Micros t) {
    const auto levels = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(t.count())));
    while (doubled_.size() < levels) {
      Flow next(doubled_.back().n);
      multiply(doubled_.back(), doubled_.back(), blocks_, next);
      complete(next, blocks_);
      doubled_.push_back(std::move(next));
    }
  }

  static void step(const Flow& f, const NetworkState& x, std::span<const Intake> rates, NetworkState& out) noexcept {
    std::fill(out.begin(), out.end(), 0.0);
    const std::size_t n = x.size();
    for (std::size_t j = 0; j < n; ++j)
      if (x[j] != 0)
        for (std::size_t i = 0; i < n; ++i) out[i] += f.found[j * n + i] * x[j];
    for (const Intake& r : rates)
      for (std::size_t i = 0; i < n; ++i) out[i] += f.entered[r.place * n + i] * r.amount;
  }

  [[nodiscard]] std::optional<NetworkState> summed_up(NetworkState sum, Flow carried) const {
    Flow next(sum.size());
    NetworkState more(sum.size());
    for (int doublings = 0; doublings < 128; ++doublings) {
      step(carried, sum, {}, more);
      bool is_done = true;
      for (std::size_t i = 0; i < sum.size(); ++i) {
        is_done = is_done && more[i] <= 1e-17 * sum[i];
        sum[i] += more[i];
        if (!std::isfinite(sum[i])) return std::nullopt;
      }
      if (is_done) return sum;
      multiply(carried, carried, blocks_, next);
      complete(next, blocks_);
      std::swap(carried, next);
    }
    return std::nullopt;
  }

  Blocks blocks_;
  std::vector<Flow> doubled_;  ///< over 2^k us
};

}  // namespace detail::walk

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
    dx[n + 1] = p.cl_L_per_min * c1;
    if (p.saturable) dx[n + 1] += p.saturable->vmax_mg_per_min * c1 / (p.saturable->km_mg_per_L + c1);
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

/// The networks of one subject: those that differ, and which of them each record has.
struct Networks {
  std::vector<Network> distinct;
  std::vector<std::size_t> of_record;

  [[nodiscard]] const Network& at(std::size_t record) const noexcept { return distinct[of_record[record]]; }
};

struct NetworkOptions {
  double rtol = 1e-11;                        ///< of steps
  std::optional<std::size_t> max_steps = {};  ///< as in `OdeOptions`
  bool is_linear_stepped = false;             ///< linear networks take steps too: a second road to the same states
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
    OdeOptions steps = steps_from(networks_.at(record), x, rates, t);
    steps.rtol = options_.rtol;
    steps.max_steps = options_.max_steps;
    steps.only_at = {t};
    // The network outlives the stretch, so nothing has to own it.
    const std::shared_ptr<const Network> net(std::shared_ptr<const Network>(), &networks_.at(record));
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
    if (p.saturable && p.cl_L_per_min == 0 && dose.place < net.central() + 3 &&
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
    if (!net.is_linear() || options_.is_linear_stepped) return nullptr;
    Remembered& place = remembered_[which % remembered_.size()];
    if (!place.walk || place.which != which) {
      place.which = which;
      place.walk.emplace(net);
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
        const Attempt<NetworkState> there = change(aside);
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
