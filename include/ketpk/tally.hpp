// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what a population says about one number (the concentration at an instant, a peak, an area) must not depend on
// who was counted first, by which thread, or on which machine, and ten million subjects must need no more memory than
// ten thousand. So nothing here is a floating-point sum: a `Tally` holds values, or counts, and integers that add up
// the same in any order. Two tallies of the same values are the same bytes, however they came together.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/lanes.hpp"

namespace ketpk {

/// Values that are no concentration, time or area. They are counted, and nothing else is done with them.
struct Refused {
  std::uint64_t nan = 0, negative = 0, infinite = 0;
  [[nodiscard]] constexpr std::uint64_t total() const noexcept { return nan + negative + infinite; }
  friend bool operator==(const Refused&, const Refused&) = default;
};

/// Whether a statistic may be had although values were refused: of those that were not.
enum class IfRefused : std::uint8_t { stop, leave_out };

namespace detail {

__extension__ typedef unsigned __int128 Wide;  // NOLINT(modernize-use-using): __extension__ takes no alias

/// The bins: 2^8 of equal width in each octave, so the bin of a value is the head of its bits, and no logarithm.
/// A bin is at most 1/256 of its lower edge wide. 2^-40 ng of ketamine are two molecules; 2^40 ng are a kilogram.
struct Bins {
  static constexpr unsigned shift = 44, in_octave = 256;
  static constexpr double least = 0x1p-40, beyond = 0x1p40;
  [[nodiscard]] static constexpr std::uint64_t of(double x) noexcept {
    return std::bit_cast<std::uint64_t>(x) >> shift;
  }
  [[nodiscard]] static constexpr double edge(std::uint64_t bin) noexcept { return std::bit_cast<double>(bin << shift); }
};

/// Sums are whole numbers of 2^-40. A value below 2^11 is rounded to one by adding 1.5 2^12, whose last bit that is.
struct Quantum {
  static constexpr double size = 0x1p-40, per_unit = 0x1p40;
  static constexpr double near = 0x1p11, near_magic = 0x1.8p12, far_magic = 0x1.8p41;
  static constexpr unsigned far_shift = 29;  // the last bit of far_magic is 2^-11 = 2^29 quanta

  /// `x` in quanta, to the nearest, ties to even. x < 2^40.
  [[nodiscard]] static Wide of(double x) noexcept {
    const double quanta = x * per_unit;
    return static_cast<Wide>(quanta < 0x1p52 ? (quanta + 0x1p52) - 0x1p52 : quanta);
  }
};

inline constexpr std::size_t block_width = 4, block_limit = 1024;

/// What a block of numbers comes to. Where `all_numbers` is false, or the range is not within the bins, `quanta` says
/// nothing.
struct BlockFacts {
  double lowest, highest;
  std::uint64_t quanta_low, quanta_far;  ///< the sum: quanta_low + 2^29 quanta_far [2^-40]
  bool all_numbers;
};

/// The facts of `n` numbers, a multiple of `block_width` and at most `block_limit`.
template <class Isa>
[[nodiscard]] inline BlockFacts facts_of(const double* values, std::size_t n) noexcept {
  using L = Lanes<block_width, Isa>;
  using Whole = std::array<typename L::Bits, L::parts>;
  const auto bits_of = [](const typename L::Vector& x) { return std::bit_cast<typename L::Bits>(x); };
  const auto total_of = [](const Whole& parts) {
    std::uint64_t total = 0;
    for (const auto& part : parts)
      for (std::size_t i = 0; i < L::in_part; ++i) total += static_cast<std::uint64_t>(part[i]);
    return total;
  };

  L lowest = L::from(values), highest = lowest;
  Whole odd{}, near{};
  const L magic(Quantum::near_magic);
  for (std::size_t i = 0; i < n; i += block_width) {
    const L x = L::from(values + i);
    for (std::size_t k = 0; k < L::parts; ++k) {
      lowest.part[k] = x.part[k] < lowest.part[k] ? x.part[k] : lowest.part[k];
      highest.part[k] = x.part[k] > highest.part[k] ? x.part[k] : highest.part[k];
      odd[k] |= x.part[k] != x.part[k];
      near[k] += bits_of(x.part[k] + magic.part[k]);
    }
  }
  BlockFacts facts{lowest[0], highest[0], 0, 0, total_of(odd) == 0};
  for (std::size_t i = 1; i < block_width; ++i) {
    facts.lowest = lowest[i] < facts.lowest ? lowest[i] : facts.lowest;
    facts.highest = highest[i] > facts.highest ? highest[i] : facts.highest;
  }
  facts.quanta_low = total_of(near) - n * std::bit_cast<std::uint64_t>(Quantum::near_magic);
  if (facts.highest < Quantum::near) return facts;

  // Two roundings: to 2^-11, and what that leaves, which is exact, to the quantum.
  Whole far{};
  near = {};
  const L far_magic(Quantum::far_magic);
  for (std::size_t i = 0; i < n; i += block_width) {
    const L x = L::from(values + i);
    for (std::size_t k = 0; k < L::parts; ++k) {
      const auto head = x.part[k] + far_magic.part[k];
      far[k] += bits_of(head);
      near[k] += bits_of((x.part[k] - (head - far_magic.part[k])) + magic.part[k]);
    }
  }
  facts.quanta_low = total_of(near) - n * std::bit_cast<std::uint64_t>(Quantum::near_magic);
  facts.quanta_far = total_of(far) - n * std::bit_cast<std::uint64_t>(Quantum::far_magic);
  return facts;
}

}  // namespace detail

/// How one non-negative quantity is spread over a population. A value is added once and cannot be taken back.
///
/// - Of up to `exact_up_to` values presented, all are kept, and every percentile is exact. From the next on there are
///   counts in bins, and a percentile is off by at most `relative_error` of itself (below 2^-40: by 2^-40).
/// - `lowest` and `highest` are exact. The mean is off by at most half a `quantum`, and the rounding of a double.
/// - NaN, negative and infinite values are refused and counted. -0 is 0.
/// - Good for 2^47 values; memory: 80 kB while values are kept, then 2 kB for each octave that was met, at most 164 kB.
class Tally {
 public:
  static constexpr std::uint64_t exact_up_to = 10'000;
  static constexpr double relative_error = 1.0 / detail::Bins::in_octave;
  static constexpr double quantum = detail::Quantum::size;

  Tally() = default;
  /// For more than `exact_up_to` values: counts from the first on, and takes no room for values. Until so many are
  /// there, here or by merging, it answers no question: E_SIZE.
  [[nodiscard]] static Tally of_many() {
    Tally t;
    t.keeps_values_ = false;
    return t;
  }

  void add(double value) {
    make_room_for(1);
    add_one(value);
  }
  /// Many at once; `Isa` is that of the unit that calls it.
  template <class Isa = isa::baseline>
  void add(std::span<const double> values) {
    make_room_for(values.size());
    std::size_t i = 0;
    if (!keeps_values_)
      while (values.size() - i >= detail::block_width) {
        const std::size_t whole = (values.size() - i) / detail::block_width * detail::block_width;
        const std::size_t n = std::min(whole, detail::block_limit);
        add_block<Isa>(values.data() + i, n);
        i += n;
      }
    for (; i < values.size(); ++i) add_one(values[i]);
  }
  /// Everything that `other` was given.
  void add(const Tally& other) {
    if (other.presented() == 0) return;
    if (presented() == 0) {
      *this = other;
      return;
    }
    make_room_for(other.presented());
    if (keeps_values_ && other.keeps_values_) {
      values_.insert(values_.end(), other.values_.begin(), other.values_.end());
      take_facts_of(other);
      return;
    }
    keep_no_values();
    take_facts_of(other);
    if (other.keeps_values_) {
      for (const double x : other.values_) count(x);
      return;
    }
    if (other.counts_.empty()) return;
    cover(other.first_, other.first_ + other.counts_.size() - 1);
    for (std::size_t i = 0; i < other.counts_.size(); ++i) counts_[other.first_ - first_ + i] += other.counts_[i];
  }

  /// Values that count, that were refused, and both together.
  [[nodiscard]] std::uint64_t n() const noexcept { return n_; }
  [[nodiscard]] const Refused& refused() const noexcept { return refused_; }
  [[nodiscard]] std::uint64_t presented() const noexcept { return n_ + refused_.total(); }
  /// Whether percentiles are those of the values themselves.
  [[nodiscard]] bool is_exact() const noexcept { return keeps_values_; }
  /// Of those that count: zeros, others below the bins (2^-40), and those beyond them (2^40 and more).
  [[nodiscard]] std::uint64_t zeros() const noexcept { return zeros_; }
  [[nodiscard]] std::uint64_t under() const noexcept { return under_; }
  [[nodiscard]] std::uint64_t over() const noexcept { return over_; }
  /// The ends. Throw E_ARG where no value counts.
  [[nodiscard]] double lowest() const {
    require_some();
    return lowest_;
  }
  [[nodiscard]] double highest() const {
    require_some();
    return highest_;
  }
  /// Room taken beyond the object itself [bytes].
  [[nodiscard]] std::size_t memory() const noexcept {
    return values_.capacity() * sizeof(double) + counts_.capacity() * sizeof(std::uint64_t);
  }

  friend std::vector<double> percentiles(const Tally&, std::span<const double>, IfRefused);
  friend double mean(const Tally&, IfRefused);

 private:
  using Bins = detail::Bins;

  void make_room_for(std::uint64_t more) {
    if (keeps_values_ && more > exact_up_to - std::min(presented(), exact_up_to)) keep_no_values();
  }
  void keep_no_values() {
    if (!keeps_values_) return;
    keeps_values_ = false;
    for (const double x : std::exchange(values_, {})) count(x);
  }

  void add_one(double value) {
    if (!(value >= 0)) {
      ++(value < 0 ? refused_.negative : refused_.nan);
    } else if (!(value <= std::numeric_limits<double>::max())) {
      ++refused_.infinite;
    } else {
      const double x = value + 0.0;  // -0 becomes 0
      ++n_;
      lowest_ = std::min(lowest_, x);
      highest_ = std::max(highest_, x);
      zeros_ += x == 0;
      under_ += x > 0 && x < Bins::least;
      over_ += x >= Bins::beyond;
      if (x < Bins::beyond) sum_ += detail::Quantum::of(x);
      if (keeps_values_)
        values_.push_back(x);
      else
        count(x);
    }
  }

  template <class Isa>
  void add_block(const double* values, std::size_t n) {
    const detail::BlockFacts facts = detail::facts_of<Isa>(values, n);
    const bool in_bins = facts.all_numbers && facts.lowest >= Bins::least && facts.highest < Bins::beyond;
    if (!in_bins) {
      for (std::size_t i = 0; i < n; ++i) add_one(values[i]);
      return;
    }
    n_ += n;
    lowest_ = std::min(lowest_, facts.lowest);
    highest_ = std::max(highest_, facts.highest);
    sum_ += (static_cast<detail::Wide>(facts.quanta_far) << detail::Quantum::far_shift) +
            static_cast<detail::Wide>(static_cast<__int128_t>(static_cast<std::int64_t>(facts.quanta_low)));
    const std::uint64_t low = Bins::of(facts.lowest), high = Bins::of(facts.highest);
    cover(low, high);
    std::uint64_t* const counts = counts_.data();
    const std::uint64_t first = first_;
    if (low == high) {
      counts[low - first] += n;
      return;
    }
    // Four bins are known before the first of them is touched: twice as fast as one at a time.
    static_assert(detail::block_width % 4 == 0);
    for (std::size_t i = 0; i < n; i += 4) {
      const std::array<std::uint64_t, 4> at{Bins::of(values[i]) - first, Bins::of(values[i + 1]) - first,
                                            Bins::of(values[i + 2]) - first, Bins::of(values[i + 3]) - first};
      ++counts[at[0]];
      ++counts[at[1]];
      ++counts[at[2]];
      ++counts[at[3]];
    }
  }

  /// One more in the bin of `x`, where there is one.
  void count(double x) {
    if (!(x >= Bins::least && x < Bins::beyond)) return;
    cover(Bins::of(x), Bins::of(x));
    ++counts_[Bins::of(x) - first_];
  }
  /// Has the bins from `low` to `high`: whole octaves, one stretch.
  void cover(std::uint64_t low, std::uint64_t high) {
    if (low >= first_ && high < first_ + counts_.size()) return;
    constexpr std::uint64_t rest = Bins::in_octave - 1;
    const bool empty = counts_.empty();
    const std::uint64_t from = empty ? low & ~rest : std::min(low & ~rest, first_);
    const std::uint64_t to = empty ? (high | rest) + 1 : std::max((high | rest) + 1, first_ + counts_.size());
    std::vector<std::uint64_t> wider(to - from);
    if (!empty) std::copy(counts_.begin(), counts_.end(), wider.begin() + static_cast<std::ptrdiff_t>(first_ - from));
    counts_.swap(wider);
    first_ = from;
  }
  /// All but values and counts.
  void take_facts_of(const Tally& other) noexcept {
    n_ += other.n_;
    refused_.nan += other.refused_.nan;
    refused_.negative += other.refused_.negative;
    refused_.infinite += other.refused_.infinite;
    zeros_ += other.zeros_;
    under_ += other.under_;
    over_ += other.over_;
    lowest_ = std::min(lowest_, other.lowest_);
    highest_ = std::max(highest_, other.highest_);
    sum_ += other.sum_;
  }

  void require_some() const { require(n_ > 0, Code::arg, "tally", "holds no value; accepted: at least one"); }
  void require_settled() const {
    require(keeps_values_ || presented() > exact_up_to, Code::size, "tally",
            "was begun for many values and has too few; accepted: more than 10000");
  }
  void require_answer(IfRefused if_refused) const {
    require_some();
    require_settled();
    require(if_refused == IfRefused::leave_out || refused_.total() == 0, Code::nonfinite, "tally",
            "was given NaN, negative or infinite values; accepted: none, or to leave them out by request");
  }

  /// The value of rank `k`, from 0: the ends are exact, others stand in their bin as their rank in it does.
  [[nodiscard]] double counted(std::uint64_t k) const {
    if (k == 0) return lowest_;
    if (k == n_ - 1) return highest_;
    if (k < zeros_) return 0;
    std::uint64_t before = zeros_;
    if (k - before < under_) return within({0, Bins::least}, k - before, under_);
    before += under_;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (k - before < counts_[i])
        return within({Bins::edge(first_ + i), Bins::edge(first_ + i + 1)}, k - before, counts_[i]);
      before += counts_[i];
    }
    throw InvalidInput(Code::range, "tally", "has this percentile beyond its bins; accepted: values below 2^40");
  }
  struct Stretch {
    double low, high;
  };
  [[nodiscard]] double within(Stretch bin, std::uint64_t k, std::uint64_t of) const noexcept {
    const double low = std::max(bin.low, lowest_), high = std::min(bin.high, highest_);
    return std::lerp(low, high, (static_cast<double>(k) + 0.5) / static_cast<double>(of));
  }

  bool keeps_values_ = true;
  Refused refused_;
  std::uint64_t n_ = 0, zeros_ = 0, under_ = 0, over_ = 0;
  double lowest_ = std::numeric_limits<double>::infinity(), highest_ = 0;
  detail::Wide sum_ = 0;        ///< of the values below 2^40 [2^-40]
  std::vector<double> values_;  ///< in the order of arrival; sorted where they are asked
  std::uint64_t first_ = 0;     ///< the bin that counts_[0] counts
  std::vector<std::uint64_t> counts_;
};

/// Both together, the same bytes whichever comes first.
[[nodiscard]] inline Tally merge(Tally a, const Tally& b) {
  a.add(b);
  return a;
}

/// Percentiles by the rule of type 7 (Hyndman & Fan 1996, Am Stat 50:361): of n values in order, x_1 to x_n, p per cent
/// lie below x_h, h = 1 + (n - 1) p / 100, and between two ranks on a line. Exact up to `Tally::exact_up_to`; from bins
/// within `Tally::relative_error`. Throws E_ARG where there is no value, E_RANGE unless 0 <= p <= 100 and where the
/// percentile lies beyond 2^40 (and the tally is not exact), E_NONFINITE where values were refused, E_SIZE where
/// `of_many` was a false promise.
[[nodiscard]] inline std::vector<double> percentiles(const Tally& tally, std::span<const double> of,
                                                     IfRefused if_refused = IfRefused::stop) {
  tally.require_answer(if_refused);
  for (const double p : of)
    require(p >= 0 && p <= 100, Code::range, "percentile", "is not within its range; accepted: 0 to 100");
  std::vector<double> sorted;
  if (tally.keeps_values_) {
    sorted = tally.values_;
    std::sort(sorted.begin(), sorted.end());
  }
  const auto of_rank = [&](std::uint64_t k) { return tally.keeps_values_ ? sorted[k] : tally.counted(k); };

  std::vector<double> out;
  out.reserve(of.size());
  for (const double p : of) {
    const double h = static_cast<double>(tally.n_ - 1) * p / 100, whole = std::floor(h);
    const auto k = std::min(static_cast<std::uint64_t>(whole), tally.n_ - 1);
    const double low = of_rank(k);
    out.push_back(h > whole ? std::lerp(low, of_rank(k + 1), h - whole) : low);
  }
  return out;
}
[[nodiscard]] inline double percentile(const Tally& tally, double p, IfRefused if_refused = IfRefused::stop) {
  return percentiles(tally, std::span<const double>(&p, 1), if_refused).front();
}

/// The arithmetic mean. Throws as `percentiles` does, and E_RANGE where a value is 2^40 or more.
[[nodiscard]] inline double mean(const Tally& tally, IfRefused if_refused = IfRefused::stop) {
  tally.require_answer(if_refused);
  require(tally.over_ == 0, Code::range, "tally", "has values beyond its sum; accepted: values below 2^40");
  return static_cast<double>(tally.sum_) * Tally::quantum / static_cast<double>(tally.n_);
}

}  // namespace ketpk
