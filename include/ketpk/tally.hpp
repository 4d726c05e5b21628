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
#include <iterator>
#include <limits>
#include <numbers>
#include <span>
#include <string>
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
    return quanta < 0x1p52 ? static_cast<std::uint64_t>((quanta + 0x1p52) - 0x1p52) : static_cast<Wide>(quanta);
  }
};

inline constexpr std::size_t block_width = 8, block_limit = 1024;

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
  using L = Lanes<(Isa::native > 4 ? Isa::native : 4), Isa>;
  static_assert(block_width % L::width == 0);
  using Bits = typename VectorOf<std::uint64_t, L::in_part>::type;  // sums of bits go round, so without a sign
  using Sums = std::array<Bits, L::parts>;
  const auto bits_of = [](const typename L::Vector& x) { return std::bit_cast<Bits>(x); };
  const auto total_of = [](const Sums& parts) {
    std::uint64_t total = 0;
    for (const auto& part : parts)
      for (std::size_t i = 0; i < L::in_part; ++i) total += part[i];
    return total;
  };

  L lowest = L::from(values), highest = lowest;
  Sums odd{}, near{};
  const L magic(Quantum::near_magic);
  for (std::size_t i = 0; i < n; i += L::width) {
    const L x = L::from(values + i);
    for (std::size_t k = 0; k < L::parts; ++k) {
      lowest.part[k] = x.part[k] < lowest.part[k] ? x.part[k] : lowest.part[k];
      highest.part[k] = x.part[k] > highest.part[k] ? x.part[k] : highest.part[k];
      odd[k] |= std::bit_cast<Bits>(x.part[k] != x.part[k]);
      near[k] += bits_of(x.part[k] + magic.part[k]);
    }
  }
  BlockFacts facts{lowest[0], highest[0], 0, 0, total_of(odd) == 0};
  for (std::size_t i = 1; i < L::width; ++i) {
    facts.lowest = lowest[i] < facts.lowest ? lowest[i] : facts.lowest;
    facts.highest = highest[i] > facts.highest ? highest[i] : facts.highest;
  }
  facts.quanta_low = total_of(near) - n * std::bit_cast<std::uint64_t>(Quantum::near_magic);
  if (facts.highest < Quantum::near) return facts;

  // Two roundings: to 2^-11, and what that leaves, which is exact, to the quantum.
  Sums far{};
  near = {};
  const L far_magic(Quantum::far_magic);
  for (std::size_t i = 0; i < n; i += L::width) {
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
using FactsOf = BlockFacts(const double*, std::size_t) noexcept;

}  // namespace detail

/// How one non-negative quantity is spread over a population. A value is added once and cannot be taken back.
///
/// - Of up to `exact_up_to` values presented, all are kept, and every percentile is exact. From the next on there are
///   counts in bins, and a percentile is off by at most `relative_error` of itself (below 2^-40: by 2^-40).
/// - `lowest` and `highest` are exact. The mean is off by at most half a `quantum`, and the rounding of a double.
/// - NaN, negative and infinite values are refused and counted. -0 is 0.
/// - Good for `most` values. Room: up to 131 kB while values are kept, then 2 kB for each octave between the ends, at
///   most 164 kB.
class Tally {
 public:
  static constexpr std::uint64_t exact_up_to = 10'000, most = std::uint64_t{1} << 47;
  static constexpr double relative_error = 1.0 / detail::Bins::in_octave;
  static constexpr double quantum = detail::Quantum::size;

  Tally() = default;
  /// For more than `exact_up_to` values, refused ones included: counts from the first on, and takes no room for values.
  /// Until so many are there, here or by merging, it answers no question: E_SIZE.
  [[nodiscard]] static Tally of_many() {
    Tally t;
    t.keeps_values_ = false;
    return t;
  }

  void add(double value) {
    make_room_for(1);
    add_one(value);
  }
  /// Many at once, in blocks. A unit that was compiled for more than the baseline may bring its own `facts_of`.
  void add(std::span<const double> values, detail::FactsOf* facts_of = detail::facts_of<isa::baseline>) {
    make_room_for(values.size());
    std::size_t i = 0;
    if (!keeps_values_)
      while (values.size() - i >= detail::block_width) {
        const std::size_t whole = (values.size() - i) / detail::block_width * detail::block_width;
        const std::size_t n = std::min(whole, detail::block_limit);
        add_block(values.subspan(i, n), facts_of);
        i += n;
      }
    for (; i < values.size(); ++i) add_one(values[i]);
  }
  /// Everything that `other` was given.
  void add(const Tally& other) {
    if (&other == this) return add(Tally(other));
    if (other.presented() == 0) return;
    if (presented() == 0) {
      *this = other;
      return;
    }
    require(other.presented() <= most - std::min(presented(), most), Code::size, "tally",
            "would hold too many values; accepted: up to 2^47");
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
  friend std::vector<std::byte> to_bytes(const Tally&);
  friend Tally tally_from_bytes(std::span<const std::byte>, std::string_view);

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

  void add_block(std::span<const double> values, detail::FactsOf* facts_of) {
    const std::size_t n = values.size();
    const detail::BlockFacts facts = facts_of(values.data(), n);
    const bool in_bins = facts.all_numbers && facts.lowest >= Bins::least && facts.highest < Bins::beyond;
    if (!in_bins) {
      for (const double x : values) add_one(x);
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

// --- as bytes ------------------------------------------------------------------------------------------------

namespace detail {

inline constexpr std::uint64_t tally_magic = 0x6c61746b7074656bULL;  // "ketpktal", the first letter lowest
inline constexpr std::size_t tally_head = 8, tally_counts_head = 8;  ///< words

/// FNV-1a (Fowler, Noll and Vo), 64 bits.
[[nodiscard]] inline std::uint64_t checksum_of(std::span<const std::byte> bytes) noexcept {
  std::uint64_t sum = 0xcbf29ce484222325ULL;
  for (const std::byte b : bytes) sum = (sum ^ static_cast<std::uint64_t>(b)) * 0x100000001b3ULL;
  return sum;
}

inline void put_word(std::vector<std::byte>& out, std::uint64_t word) {
  for (unsigned i = 0; i < 8; ++i) out.push_back(static_cast<std::byte>(word >> (8 * i)));
}
[[nodiscard]] inline std::uint64_t word_at(std::span<const std::byte> bytes, std::size_t i) noexcept {
  std::uint64_t word = 0;
  for (unsigned k = 0; k < 8; ++k) word |= static_cast<std::uint64_t>(bytes[8 * i + k]) << (8 * k);
  return word;
}

}  // namespace detail

/// A tally as bytes that any machine reads: the same bytes for the same values. Little-endian words of eight bytes:
///
///     0 "ketpktal"    1 version: 1    2 what follows: 0 values, 1 counts    3 n
///     4 refused: NaN    5 negative    6 infinite    7 how many words follow before the last
///     values: the bits of each, lowest first
///     counts: zeros, under, over; the bits of lowest and highest (0 where n is 0); the sum's low and high word
///     [2^-40];
///             the first bin that counts any (the upper 20 bits of its lower edge); its count, and on to the last that
///             does
///     last: FNV-1a of all bytes before
///
/// Throws E_SIZE where `of_many` was a false promise.
[[nodiscard]] inline std::vector<std::byte> to_bytes(const Tally& tally) {
  tally.require_settled();
  std::vector<std::uint64_t> body;
  if (tally.keeps_values_) {
    for (const double x : tally.values_) body.push_back(std::bit_cast<std::uint64_t>(x));
    std::sort(body.begin(), body.end());  // of numbers that are not negative, the bits are in the order of the numbers
  } else {
    const auto some = [](std::uint64_t c) { return c != 0; };
    const auto from = std::find_if(tally.counts_.begin(), tally.counts_.end(), some);
    const auto to = std::find_if(tally.counts_.rbegin(), std::make_reverse_iterator(from), some).base();
    const auto skipped = static_cast<std::uint64_t>(from - tally.counts_.begin());
    body = {tally.zeros_,
            tally.under_,
            tally.over_,
            tally.n_ == 0 ? 0 : std::bit_cast<std::uint64_t>(tally.lowest_),
            std::bit_cast<std::uint64_t>(tally.highest_),
            static_cast<std::uint64_t>(tally.sum_),
            static_cast<std::uint64_t>(tally.sum_ >> 64),
            from == to ? 0 : tally.first_ + skipped};
    body.insert(body.end(), from, to);
  }
  const Refused& refused = tally.refused_;
  std::vector<std::byte> out;
  out.reserve(8 * (detail::tally_head + body.size() + 1));
  for (const std::uint64_t word : {detail::tally_magic, std::uint64_t{1}, std::uint64_t{!tally.keeps_values_}, tally.n_,
                                   refused.nan, refused.negative, refused.infinite, std::uint64_t{body.size()}})
    detail::put_word(out, word);
  for (const std::uint64_t word : body) detail::put_word(out, word);
  detail::put_word(out, detail::checksum_of(out));
  return out;
}

/// What `to_bytes` wrote; nothing else is taken: each count, end and sum is held against the others. `field` names the
/// bytes in what is thrown: E_SIZE where there are too few or too many, E_PARSE where they say what no tally says.
[[nodiscard]] inline Tally tally_from_bytes(std::span<const std::byte> bytes, std::string_view field = "tally") {
  using detail::Bins;
  const auto named = [&](std::string_view part) { return std::string(field) + '.' + std::string(part); };
  const auto sized = [&](bool holds, std::string_view part) {
    require(holds, Code::size, named(part),
            "does not fit the number of bytes; accepted: the bytes of one tally, whole");
  };
  const auto sound = [&](bool holds, std::string_view part) {
    require(holds, Code::parse, named(part),
            "is not what a tally says; accepted: bytes as to_bytes of version 1 writes them");
  };
  const std::size_t words = bytes.size() / 8, body = detail::tally_head;
  sized(bytes.size() % 8 == 0 && words > detail::tally_head, "bytes");
  const auto word = [&](std::size_t i) { return detail::word_at(bytes, i); };
  sound(word(0) == detail::tally_magic, "magic");
  sound(word(1) == 1, "version");
  sized(word(7) == words - detail::tally_head - 1, "length");
  sound(word(words - 1) == detail::checksum_of(bytes.first(bytes.size() - 8)), "checksum");

  const std::uint64_t n = word(3), size = word(7);
  const Refused refused{word(4), word(5), word(6)};
  sound(word(2) <= 1, "kind");
  for (const std::uint64_t count : {n, refused.nan, refused.negative, refused.infinite})
    sound(count <= Tally::most, "n");
  sound(n + refused.total() <= Tally::most, "n");
  sound((word(2) == 0) == (n + refused.total() <= Tally::exact_up_to), "kind");

  const std::uint64_t largest = std::bit_cast<std::uint64_t>(std::numeric_limits<double>::max());
  Tally tally;
  if (word(2) == 0) {
    sized(size == n, "values");
    for (std::size_t i = 0; i < n; ++i) {
      sound(word(body + i) <= largest && (i == 0 || word(body + i - 1) <= word(body + i)), "values");
      tally.add_one(std::bit_cast<double>(word(body + i)));
    }
    tally.refused_ = refused;
    return tally;
  }

  sized(size >= detail::tally_counts_head, "counts");
  tally.keeps_values_ = false;
  tally.refused_ = refused;
  tally.n_ = n;
  tally.zeros_ = word(body);
  tally.under_ = word(body + 1);
  tally.over_ = word(body + 2);
  const std::uint64_t low = word(body + 3), high = word(body + 4), first = word(body + 7);
  tally.sum_ = (static_cast<detail::Wide>(word(body + 6)) << 64) + word(body + 5);
  const std::uint64_t bins = size - detail::tally_counts_head, counts = body + detail::tally_counts_head;
  constexpr std::uint64_t begin = Bins::of(Bins::least), end = Bins::of(Bins::beyond);
  if (bins == 0)
    sound(first == 0, "first_bin");
  else
    sound(first >= begin && first < end && bins <= end - first, "first_bin");
  sound(bins == 0 || (word(counts) != 0 && word(counts + bins - 1) != 0), "counts");

  std::uint64_t rest = n;
  const auto takes = [&](std::uint64_t count, std::string_view part) {
    sound(count <= rest, part);
    rest -= count;
  };
  takes(tally.zeros_, "zeros");
  takes(tally.under_, "under");
  takes(tally.over_, "over");
  detail::Wide least_sum = 0, largest_sum = tally.under_;
  if (bins > 0) tally.cover(first, first + bins - 1);
  for (std::uint64_t i = 0; i < bins; ++i) {
    const std::uint64_t count = word(counts + i);
    takes(count, "counts");
    tally.counts_[first + i - tally.first_] = count;
    least_sum += count * detail::Quantum::of(Bins::edge(first + i));
    largest_sum += count * detail::Quantum::of(Bins::edge(first + i + 1));
  }
  sound(rest == 0, "n");
  sound(tally.sum_ >= least_sum && tally.sum_ <= largest_sum, "sum");

  // The ends stand in the first and the last place that counts any.
  const auto place_of = [&](std::uint64_t bits) -> std::uint64_t {
    const double x = std::bit_cast<double>(bits);
    return x == 0 ? 0 : x < Bins::least ? 1 : x < Bins::beyond ? Bins::of(x) : end;
  };
  sound(low <= high && high <= largest && (n != 1 || low == high), "ends");
  if (n == 0) {
    sound(low == 0 && high == 0, "ends");
    return tally;
  }
  const std::uint64_t last = bins > 0 ? first + bins - 1 : 0;
  sound(place_of(low) == (tally.zeros_ > 0 ? 0 : tally.under_ > 0 ? 1 : bins > 0 ? first : end), "lowest");
  sound(place_of(high) == (tally.over_ > 0 ? end : bins > 0 ? last : tally.under_ > 0 ? 1 : 0), "highest");
  tally.lowest_ = std::bit_cast<double>(low);
  tally.highest_ = std::bit_cast<double>(high);
  return tally;
}

// --- how often -----------------------------------------------------------------------------------------------

/// A share of a population, and the interval of Clopper and Pearson around it.
struct Proportion {
  std::uint64_t hits, of;
  double share, low, high;
};

namespace detail {

/// What Stirling's formula leaves of log(n!).
[[nodiscard]] inline double stirling_rest(double n) noexcept {
  if (n < 16) {
    double factorial = 1;
    for (double i = 2; i <= n; ++i) factorial *= i;
    return n == 0 ? 0 : std::log(factorial) - (0.5 * std::log(2 * std::numbers::pi * n) + n * std::log(n) - n);
  }
  const double r = 1 / (n * n);
  return (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r / 1188)))) / n;
}
/// x log(x / m) + m - x without loss where x is near m.
[[nodiscard]] inline double deviance(double x, double m) noexcept {
  if (std::abs(x - m) >= 0.1 * (x + m)) return x * std::log(x / m) + m - x;
  const double v = (x - m) / (x + m);
  double sum = (x - m) * v, term = 2 * x * v;
  for (int j = 3;; j += 2) {
    term *= v * v;
    const double next = sum + term / j;
    if (next == sum) return sum;
    sum = next;
  }
}
/// The chance of k hits in n at p = 1 - q, 0 < k < n, by its saddle point (Loader 2000, Fast and accurate computation
/// of binomial probabilities).
[[nodiscard]] inline double chance_of(double k, double n, double p, double q) noexcept {
  const double rest = n - k;
  const double log_ratio =
      stirling_rest(n) - stirling_rest(k) - stirling_rest(rest) - deviance(k, n * p) - deviance(rest, n * q);
  return std::exp(log_ratio) * std::sqrt(n / (2 * std::numbers::pi * k * rest));
}
/// The chance of k hits or more, 0 < k < n, k / n > p: chance_of times what the later terms add, term by term where few
/// hits or few misses make them few, else by a continued fraction (DLMF 8.17.22) in Lentz's way. (The fraction loses
/// digits where q is small.)
[[nodiscard]] inline double chance_of_at_least(double k, double n, double p, double q) noexcept {
  if (std::min(k, n - k) <= 10'000) {
    double sum = 1, term = 1;
    for (double j = k; j < n && term > 1e-17 * sum; ++j) sum += term *= (n - j) * p / ((j + 1) * q);
    return chance_of(k, n, p, q) * sum;
  }
  const double a = k, b = n - k + 1;
  double f = 1, c = 1, d = 0, step = 0;
  for (double m = 0; std::abs(step - 1) > 1e-15 && m < 1e6; ++m) {
    const double odd = -(a + m) * (a + b + m) / ((a + 2 * m) * (a + 2 * m + 1)) * p;
    const double even = (m + 1) * (b - m - 1) / ((a + 2 * m + 1) * (a + 2 * m + 2)) * p;
    for (const double e : {odd, even}) {
      d = 1 / (1 + e * d);
      c = 1 + e / c;
      step = c * d;
      f *= step;
    }
  }
  return chance_of(k, n, p, q) * q / f;
}
/// Where `rises` turns true between `low` and `high`, to the last bit.
template <class Rises>
[[nodiscard]] inline double turn_of(double low, double high, Rises rises) {
  for (;;) {
    const double mid = low + (high - low) / 2;
    if (!(mid > low && mid < high)) return mid;
    (rises(mid) ? high : low) = mid;
  }
}

}  // namespace detail

/// The share of `hits` and its exact interval (Clopper & Pearson 1934, Biometrika 26:404): `low` is the share at which
/// so many hits or more have a chance of (1 - confidence) / 2, `high` the one at which so many or fewer have it; 0 and
/// 1 where no or every one is a hit. Throws E_ARG where `of` is 0, E_RANGE where `hits` exceed it, where it exceeds
/// 2^47, and unless 0 < confidence < 1.
// NOTE: not through Boost.Math's ibeta_inv: a unit that includes a call of it runs its initialisers at the start of the
// program and holds their guards, as weak symbols, even if it never calls; the test compares with it.
[[nodiscard]] inline Proportion proportion(std::uint64_t hits, std::uint64_t of, double confidence = 0.95) {
  require(of > 0, Code::arg, "of", "is nobody; accepted: at least one");
  require(of <= Tally::most, Code::range, "of", "is too many; accepted: up to 2^47");
  require(hits <= of, Code::range, "hits", "are more than there are; accepted: up to all");
  require(confidence > 0 && confidence < 1, Code::range, "confidence",
          "is not within its range; accepted: 0 to 1, neither");
  const double n = static_cast<double>(of), k = static_cast<double>(hits), tail = (1 - confidence) / 2, share = k / n;
  Proportion out{hits, of, share, 0, 1};
  if (hits == of)
    out.low = std::exp(std::log(tail) / n);
  else if (hits > 0)
    out.low = detail::turn_of(0, share, [&](double p) { return detail::chance_of_at_least(k, n, p, 1 - p) > tail; });
  if (hits == 0)
    out.high = -std::expm1(std::log(tail) / n);
  else if (hits < of)
    out.high =
        detail::turn_of(share, 1, [&](double p) { return detail::chance_of_at_least(n - k, n, 1 - p, p) < tail; });
  return out;
}

}  // namespace ketpk
