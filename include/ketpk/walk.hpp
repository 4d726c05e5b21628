// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: drug that moves between compartments is a walker who moves between rooms: what starts in one is found in
// another, or has left. The chances over 1 us come from a series of non-negative terms, doubling the time multiplies
// chances, and an instant in whole microseconds is reached by the bits of its count; nothing is ever subtracted, so
// rates that meet or lie twelve orders apart lose no digit. A steady state is the sum of all doses ever given, again by
// doubling.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ketpk/network.hpp"
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

/// Places that pass drug to each other belong to one block: the parent with its depots and liver, each transit
/// compartment, each metabolite, the effect site. Blocks follow each other in a network's order, so `first[i]` and
/// `last[i]` bound the block of place i.
struct Blocks {
  std::vector<std::size_t> first, last;
};

/// Where drug can be, what leaves each place for good per minute of what is there, and what passes between them.
struct Rooms {
  std::vector<double> leaves_per_min;
  std::vector<Passage> passages;
  Blocks blocks;

  [[nodiscard]] std::size_t size() const noexcept { return leaves_per_min.size(); }
};

[[nodiscard]] inline Rooms rooms_of(const Network& net) {
  Rooms rooms{.leaves_per_min = {}, .passages = net.passages(), .blocks = {}};
  for (std::size_t i = 0; i < net.size(); ++i) {
    const Network::Block block = net.block_of(i);
    rooms.leaves_per_min.push_back(net.leaves_per_min(i));
    rooms.blocks.first.push_back(block.first);
    rooms.blocks.last.push_back(block.last);
  }
  return rooms;
}

/// The same and, last, the area under plasma [mg min/L], which plasma feeds and nothing leaves.
[[nodiscard]] inline Rooms rooms_with_area(const Network& net) {
  Rooms rooms = rooms_of(net);
  const std::size_t area = rooms.size();
  rooms.leaves_per_min.push_back(0);
  rooms.passages.push_back({net.central(), area, 1 / net.parameters().v1_L, false});
  rooms.blocks.first.push_back(area);
  rooms.blocks.last.push_back(area + 1);
  return rooms;
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
[[nodiscard]] inline Flow over_one_microsecond(const Rooms& rooms) {
  const std::size_t n = rooms.size();
  const Blocks& blocks = rooms.blocks;
  std::vector<double> moves(n * n), leaving = rooms.leaves_per_min;
  for (const Passage& p : rooms.passages) {
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
        left += rooms.leaves_per_min[m] * step * term.found[j * n + m];
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

/// A linear network over any time. What it works out it keeps.
class Walk {
 public:
  explicit Walk(const Rooms& rooms) : blocks_(rooms.blocks) { doubled_.push_back(over_one_microsecond(rooms)); }

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

  /// `x` after `t` of these rates [mg/min]. `t` has been reached.
  void carry(NetworkState& x, std::span<const Intake> rates, Micros t) const {
    NetworkState next(x.size());
    for (auto bits = static_cast<std::uint64_t>(t.count()); bits != 0; bits &= bits - 1) {
      const Flow& f = doubled_[static_cast<std::size_t>(std::countr_zero(bits))];
      step(f, x, rates, next);
      std::swap(x, next);
    }
  }

  /// The same, wherever `t` is.
  void advance(NetworkState& x, std::span<const Intake> rates, Micros t) {
    reach(t);
    carry(x, rates, t);
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

}  // namespace ketpk
