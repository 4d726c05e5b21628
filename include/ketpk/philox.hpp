// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: subject i of a cohort is the same whoever draws it, when, and beside whom. A generator with a state cannot
// promise that; one that computes its numbers from a counter can. This is Philox4x32-10 (Salmon, Moraes, Dror and Shaw
// 2011, doi 10.1145/2063384.2063405): four numbers of 32 bits from a counter of four and a key of two, for one counter
// or for many side by side, with the same bits.
//
// How a cohort uses it: the key is the seed; the counter is (block, purpose and occasion, low and high half of the
// subject's index). Numbers of 64 bits are counted within a stream: number j is half j % 2 of block j / 2.

#include <array>
#include <cstddef>
#include <cstdint>

#include "ketpk/lanes.hpp"

namespace ketpk {

struct PhiloxKey {
  std::uint32_t low = 0, high = 0;
};

/// What numbers are drawn for. Each purpose has streams of its own, so that more of one moves none of another.
enum class Purpose : std::uint32_t {
  design,  // covariates
  eta,     // between subjects
  kappa,   // between occasions
  eps,     // residual error
  theta,   // uncertainty of the parameters; the index is that of the replicate
};

/// The numbers that each subject has for one purpose. `occasion` is below 2^24.
struct Stream {
  std::uint64_t seed;
  Purpose purpose;
  std::uint32_t occasion = 0;
};

namespace detail {

/// Four numbers of 32 bits, each in the low half of a word. What stands in the high halves is of no account.
template <class W>
struct FourWords {
  W word0, word1, word2, word3;
};

/// Ten rounds.
template <class W>
[[nodiscard]] constexpr FourWords<W> philox_rounds(FourWords<W> c, PhiloxKey key) noexcept {
  std::uint64_t key_low = key.low, key_high = key.high;
  for (int round = 0; round < 10; ++round) {
    const W a = product_of_low_halves(c.word0, W(0xD2511F53)), b = product_of_low_halves(c.word2, W(0xCD9E8D57));
    c = {(b >> 32) ^ (c.word1 ^ W(key_low)), b, (a >> 32) ^ (c.word3 ^ W(key_high)), a};
    key_low = (key_low + 0x9E3779B9) & 0xffffffff;
    key_high = (key_high + 0xBB67AE85) & 0xffffffff;
  }
  return c;
}

template <class S>
[[nodiscard]] inline FourWords<WordsOf<S>> random_words(const Stream& stream, const WordsOf<S>& subjects,
                                                        std::uint64_t block) noexcept {
  using W = WordsOf<S>;
  const PhiloxKey key{static_cast<std::uint32_t>(stream.seed & 0xffffffff),
                      static_cast<std::uint32_t>(stream.seed >> 32)};
  const std::uint64_t what = static_cast<std::uint64_t>(stream.purpose) | std::uint64_t{stream.occasion} << 8;
  return philox_rounds(FourWords<W>{W(block), W(what), subjects, W(subjects >> 32)}, key);
}

}  // namespace detail

/// One block of Philox4x32-10.
[[nodiscard]] constexpr std::array<std::uint32_t, 4> philox(const std::array<std::uint32_t, 4>& counter,
                                                            PhiloxKey key) noexcept {
  const detail::FourWords<std::uint64_t> four =
      detail::philox_rounds(detail::FourWords<std::uint64_t>{counter[0], counter[1], counter[2], counter[3]}, key);
  return {static_cast<std::uint32_t>(four.word0 & 0xffffffff), static_cast<std::uint32_t>(four.word1 & 0xffffffff),
          static_cast<std::uint32_t>(four.word2 & 0xffffffff), static_cast<std::uint32_t>(four.word3 & 0xffffffff)};
}

/// The indices of subjects side by side: `first`, and those that follow.
template <class S>
[[nodiscard]] inline WordsOf<S> consecutive(std::uint64_t first) noexcept {
  WordsOf<S> out(first);
  if constexpr (is_lanes<S>)
    for (std::size_t i = 1; i < S::size(); ++i) out.set(i, first + i);
  return out;
}

/// Two numbers of 64 bits for each subject: those with the indices 2 `block` and 2 `block` + 1 of a stream, `block`
/// below 2^32.
template <class S>
struct RandomBits {
  WordsOf<S> first, second;
};
template <class S>
[[nodiscard]] inline RandomBits<S> random_bits(const Stream& stream, const WordsOf<S>& subjects,
                                               std::uint64_t block) noexcept {
  using W = WordsOf<S>;
  const detail::FourWords<W> four = detail::random_words<S>(stream, subjects, block);
  const W low(0xffffffff);
  return {(four.word0 & low) | (four.word1 << 32), (four.word2 & low) | (four.word3 << 32)};
}

}  // namespace ketpk
