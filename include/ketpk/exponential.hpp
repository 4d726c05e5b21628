// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: every curve of a linear model is a sum of decaying exponentials and their divided differences, and
// each of these is a non-negative number that subtraction would ruin where rates are equal or times short.
// They are computed here without subtraction of like numbers, from one exponential that is the same to the
// bit on every machine and in every lane. Accuracy (measured by tests/test_exponential.cpp against 50 digits):
// decay, phi1, phi2 2 ulp; phi3 4 ulp.
//
// All arguments are x = rate * time >= 0, without unit; one, or lanes of them.

#include <array>
#include <cstddef>
#include <utility>

#include "ketpk/lanes.hpp"

namespace ketpk {

namespace detail {

/// What is left after `x`, and what is gone: exp(-x) and 1 - exp(-x), each to full relative accuracy.
template <class S>
struct Decay {
  S left, gone;
};

/// exp(-x) = 2^n (1 + p(r)) with r = -x - n ln 2, |r| <= ln(2)/2, and p the Taylor polynomial of expm1 of
/// degree 13 (remainder below 2e-17 of p). Beyond x = 708 nothing is left.
template <class S>
[[nodiscard]] inline Decay<S> decay(const S& x) noexcept {
  constexpr double log2_e = 1.4426950408889634074, ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45;
  constexpr double shifter = 0x1.8p52;  // adding it rounds to an integer that stands in the low bits
  const auto is_past = S(708.0) < x;
  const S kept = select(is_past, S(708.0), x);  // NaN stays NaN
  const S shifted = shifter - kept * log2_e;
  const S n = shifted - shifter;
  const S r = (-kept - n * ln2_high) - n * ln2_low;
  S q = 1.0 / 6227020800.0;
  q = q * r + 1.0 / 479001600.0;
  q = q * r + 1.0 / 39916800.0;
  q = q * r + 1.0 / 3628800.0;
  q = q * r + 1.0 / 362880.0;
  q = q * r + 1.0 / 40320.0;
  q = q * r + 1.0 / 5040.0;
  q = q * r + 1.0 / 720.0;
  q = q * r + 1.0 / 120.0;
  q = q * r + 1.0 / 24.0;
  q = q * r + 1.0 / 6.0;
  q = q * r + 0.5;
  const S p = q * (r * r) + r;
  const S scale = power_of_two(shifted);
  return {select(is_past, S(0.0), scale + scale * p), (1.0 - scale) - scale * p};
}

template <class S>
[[nodiscard]] inline S smaller(const S& x, const S& y) noexcept {
  return select(x < y, x, y);
}
template <class S>
[[nodiscard]] inline S larger(const S& x, const S& y) noexcept {
  return select(x < y, y, x);
}

inline constexpr std::array<double, 18> reciprocal_factorials_from_3 = [] {
  std::array<double, 18> out{};
  double factorial = 2.0;
  for (std::size_t k = 0; k < out.size(); ++k) out[k] = 1.0 / (factorial *= static_cast<double>(k + 3));
  return out;
}();

/// c[0] - x (c[1] - x (c[2] - …)), written out term by term, so that many x go through it together.
template <class S, std::size_t N, std::size_t... K>
[[nodiscard]] inline S alternating(const std::array<double, N>& c, const S& x, std::index_sequence<K...>) noexcept {
  S sum = c[N - 1];
  ((sum = c[N - 2 - K] - x * sum), ...);
  return sum;
}

}  // namespace detail

/// exp(-x).
template <class S>
[[nodiscard]] inline S decay_left(const S& x) noexcept {
  return detail::decay(x).left;
}
/// 1 - exp(-x).
template <class S>
[[nodiscard]] inline S decay_gone(const S& x) noexcept {
  return detail::decay(x).gone;
}
/// Integral of exp(-x s) over s from 0 to 1: (1 - exp(-x)) / x.
template <class S>
[[nodiscard]] inline S phi1(const S& x) noexcept {
  return select(x > 0.0, detail::decay(x).gone / x, S(1.0));
}
/// Two decays in a row: (exp(-x) - exp(-y)) / (y - x), which is exp(-x) where they are equal.
template <class S>
[[nodiscard]] inline S phi2(const S& x, const S& y) noexcept {
  const S low = detail::smaller(x, y), high = detail::larger(x, y);
  return detail::decay(low).left * phi1<S>(high - low);
}
/// A constant input through two decays: the divided difference of exp at 0, -x and -y.
/// Below 1: sum over k of (-1)^k h_k(x, y) / (k + 2)!, h_k the complete homogeneous polynomial of degree k.
/// Above: the recurrence of divided differences, whose two terms differ by at least a factor 1.5 there.
template <class S>
[[nodiscard]] inline S phi3(const S& x, const S& y) noexcept {
  const S low = detail::smaller(x, y), high = detail::larger(x, y);
  const auto is_near = high < 1.0;
  S series = 0.5, difference = 0.0;
  if (any(is_near)) {
    S h = 1.0, power = 1.0;
    for (const double reciprocal : detail::reciprocal_factorials_from_3) {
      power = power * -low;
      h = power - high * h;
      series = series + h * reciprocal;
    }
  }
  if (!all(is_near)) difference = (phi1(low) - phi2(low, high)) / high;
  return select(is_near, series, difference);
}
/// A constant input that is added up: phi3(0, x) = (x - 1 + exp(-x)) / x^2; its Taylor series below 1, where the
/// difference would cancel.
template <class S>
[[nodiscard]] inline S phi3_at_zero(const S& x) noexcept {
  constexpr auto& c = detail::reciprocal_factorials_from_3;
  const auto is_near = x < 1.0;
  const S series = 0.5 - x * detail::alternating(c, x, std::make_index_sequence<c.size() - 1>{});
  const S above = select(is_near, S(1.0), x);
  const S difference = (1.0 - detail::decay(x).gone / above) / above;
  return select(is_near, series, difference);
}

}  // namespace ketpk
