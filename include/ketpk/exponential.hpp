// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: every curve of a linear model is a sum of decaying exponentials and their divided differences, and
// each of these is a non-negative number that subtraction would ruin where rates are equal or times short.
// They are computed here without subtraction of like numbers, from one exponential that is the same to the
// bit on every machine and in every lane. Accuracy (measured by tests/test_exponential.cpp against 50 digits):
// decay, phi1, phi2 2 ulp; phi3 4 ulp.
//
// All arguments are x = rate * time >= 0, without unit.

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace ketpk {

/// `f` for one double, or for each lane of anything that can be indexed.
template <class F, class S, class... Ss>
[[nodiscard]] inline S lanewise(F f, const S& a, const Ss&... rest) {
  if constexpr (std::is_floating_point_v<S>) {
    return f(a, rest...);
  } else {
    S out = a;
    for (int i = 0; i < static_cast<int>(a.size()); ++i) out[i] = f(a[i], rest[i]...);
    return out;
  }
}

namespace detail {

/// What is left after `x`, and what is gone: exp(-x) and 1 - exp(-x), each to full relative accuracy.
struct Decay {
  double left, gone;
};

/// exp(-x) = 2^n (1 + p(r)) with r = -x - n ln 2, |r| <= ln(2)/2, and p the Taylor polynomial of expm1 of
/// degree 13 (remainder below 2e-17 of p). Beyond x = 708 nothing is left.
[[nodiscard]] inline Decay decay(double x) noexcept {
  constexpr double log2_e = 1.4426950408889634074, ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45;
  constexpr double shifter = 0x1.8p52;        // adding it rounds to an integer that stands in the low bits
  const double kept = 708.0 < x ? 708.0 : x;  // NaN stays NaN
  const double shifted = shifter - kept * log2_e;
  const double n = shifted - shifter;
  const double r = (-kept - n * ln2_high) - n * ln2_low;
  double q = 1.0 / 6227020800.0;
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
  const double p = q * (r * r) + r;
  const double scale = std::bit_cast<double>((std::bit_cast<std::uint64_t>(shifted) << 52) + 0x3ff0000000000000ULL);
  return {708.0 < x ? 0.0 : scale + scale * p, (1.0 - scale) - scale * p};
}

[[nodiscard]] inline double phi1(double x) noexcept { return x > 0.0 ? decay(x).gone / x : 1.0; }

[[nodiscard]] inline double phi2(double x, double y) noexcept {
  const double low = x < y ? x : y, high = x < y ? y : x;
  return decay(low).left * phi1(high - low);
}

inline constexpr std::array<double, 18> reciprocal_factorials_from_3 = [] {
  std::array<double, 18> out{};
  double factorial = 2.0;
  for (std::size_t k = 0; k < out.size(); ++k) out[k] = 1.0 / (factorial *= static_cast<double>(k + 3));
  return out;
}();

/// Below 1: sum over k of (-1)^k h_k(x, y) / (k + 2)!, h_k the complete homogeneous polynomial of degree k.
/// Above: the recurrence of divided differences, whose two terms differ by at least a factor 1.5 there.
[[nodiscard]] inline double phi3(double x, double y) noexcept {
  const double low = x < y ? x : y, high = x < y ? y : x;
  if (high < 1.0) {
    double h = 1.0, power = 1.0, sum = 0.5;
    for (const double reciprocal : reciprocal_factorials_from_3) {
      power *= -low;
      h = power - high * h;
      sum += h * reciprocal;
    }
    return sum;
  }
  return (phi1(low) - phi2(low, high)) / high;
}

/// c[0] - x (c[1] - x (c[2] - …)), written out term by term, so that many x go through it together.
template <std::size_t N, std::size_t... K>
[[nodiscard]] inline double alternating(const std::array<double, N>& c, double x, std::index_sequence<K...>) noexcept {
  double sum = c[N - 1];
  ((sum = c[N - 2 - K] - x * sum), ...);
  return sum;
}

/// phi3(0, x) = (x - 1 + exp(-x)) / x^2: its Taylor series below 1, where the difference would cancel.
[[nodiscard]] inline double phi3_at_zero(double x) noexcept {
  constexpr auto& c = reciprocal_factorials_from_3;
  const double series = 0.5 - x * alternating(c, x, std::make_index_sequence<c.size() - 1>{});
  const double gone = decay(x).gone;
  const double above = x < 1.0 ? 1.0 : x;
  const double difference = (1.0 - gone / above) / above;
  return x < 1.0 ? series : difference;
}

}  // namespace detail

/// exp(-x).
template <class S>
[[nodiscard]] S decay_left(const S& x) {
  return lanewise([](double a) { return detail::decay(a).left; }, x);
}
/// 1 - exp(-x).
template <class S>
[[nodiscard]] S decay_gone(const S& x) {
  return lanewise([](double a) { return detail::decay(a).gone; }, x);
}
/// Integral of exp(-x s) over s from 0 to 1: (1 - exp(-x)) / x.
template <class S>
[[nodiscard]] S phi1(const S& x) {
  return lanewise(detail::phi1, x);
}
/// Two decays in a row: (exp(-x) - exp(-y)) / (y - x), which is exp(-x) where they are equal.
template <class S>
[[nodiscard]] S phi2(const S& x, const S& y) {
  return lanewise(detail::phi2, x, y);
}
/// A constant input through two decays: the divided difference of exp at 0, -x and -y.
template <class S>
[[nodiscard]] S phi3(const S& x, const S& y) {
  return lanewise(detail::phi3, x, y);
}
/// A constant input that is added up: phi3(0, x).
template <class S>
[[nodiscard]] S phi3_at_zero(const S& x) {
  return lanewise(detail::phi3_at_zero, x);
}

}  // namespace ketpk
