// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the logarithm, the exponential and the power of a machine's own library differ between machines by a bit, and
// have no lanes. These are written once for `double` and for `Lanes`, of operations that IEEE 754 rounds in one way, so
// their bits are the same everywhere. Accuracy (measured by tests/test_elementary.cpp against 50 digits):
//
//   log   over all positive doubles, the smallest too   1 ulp
//   exp   from the smallest double to the largest       1 ulp
//   pow   where |y log x| < 5                           1 ulp
//   pow   where |y log x| < 700                         80 ulp: what is left out of y log x grows with it
//
// For lanes they are `ketpk::log`, `exp` and `pow`, found beside the `std::` ones by code that says `log(x)`; for one
// number they are `ketpk::portable::log`, `exp` and `pow`.

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "ketpk/lanes.hpp"

namespace ketpk {

namespace detail {

template <class S>
struct LogTwo {
  static constexpr double high = 0x1.62e42fefa38p-1, low = 0x1.ef35793c7673p-45;  // 42 bits, and what is left
};

/// The sum of both is the number meant.
template <class S>
struct InTwoParts {
  S high, low;
};

/// x = 2^exponent (1 + f), 1 + f from sqrt(1/2) to sqrt(2), for a positive normal number.
template <class S>
struct ReducedForLog {
  S exponent, f;
};
template <class S>
[[nodiscard, gnu::always_inline]] inline ReducedForLog<S> reduced_for_log(const S& x) noexcept {
  using W = WordsOf<S>;
  constexpr std::uint64_t root = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000;  // the bits of sqrt(1/2), of 1
  const W from_root = bits_of(x) + W(one - root);
  const S biased = number_of(W((from_root >> 52) | W(bits_of(0x1p52))));
  const S mantissa = number_of(W((from_root & W(0xfffffffffffff)) + W(root)));
  return {biased - S(0x1p52 + 1023), mantissa - S(1)};
}

/// With s = f / (2 + f): log(1 + f) = 2 atanh(s) = f - f^2/2 + s (f^2/2 + R), R = s^2 times a polynomial in s^2.
/// Form: Tang 1990, doi 10.1145/98267.98294, and fdlibm's e_log.c; coefficients: our own minimax fit of
/// (2 atanh(s) - 2 s) / s^3, 5e-16 of it.
template <class S>
[[nodiscard, gnu::always_inline]] inline S log_rest(const S& s) noexcept {
  const S z = s * s;
  const S z2 = z * z;
  S even(0x1.2b5b3cc1703a9p-3), odd(0x1.39fe1f2fbe063p-3);
  even = even * z2 + S(0x1.7462b6c834c28p-3);
  odd = odd * z2 + S(0x1.c71c62dd6c8f4p-3);
  even = even * z2 + S(0x1.2492492df8410p-2);
  odd = odd * z2 + S(0x1.999999999529cp-2);
  even = even * z2 + S(0x1.5555555555558p-1);
  const S r = even + odd * z;
  return r * z;
}

/// The logarithm of x 2^-shift, for a positive normal number.
template <class S>
[[nodiscard, gnu::always_inline]] inline S log_of_normal(const S& x, const S& shift) noexcept {
  const ReducedForLog<S> reduced = reduced_for_log(x);
  const S e = reduced.exponent - shift, f = reduced.f;
  const S s = f / (S(2) + f), h = S(0.5) * f * f;
  const S low = s * (h + log_rest(s)) + e * S(LogTwo<S>::low);
  return e * S(LogTwo<S>::high) - ((h - low) - f);
}

/// A number too small to be normal, times 2^54; and by how much that was.
template <class S>
struct MadeNormal {
  S x, shift;
};
template <class S>
[[nodiscard, gnu::always_inline]] inline MadeNormal<S> made_normal(const S& x) noexcept {
  const auto small = x < S(std::numeric_limits<double>::min());
  return {select(small, S(x * S(0x1p54)), x), select(small, S(54), S(0))};
}

template <class S>
[[nodiscard]] inline S log_of(const S& x) noexcept {
  constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const MadeNormal<S> normal = made_normal(x);
  const S finite = select(x <= S(std::numeric_limits<double>::max()), log_of_normal(normal.x, normal.shift), S(inf));
  return select(x > S(0), finite, select(x == S(0), S(-inf), S(nan)));
}

/// The upper 26 bits of a number: the product of two such is exact.
template <class S>
[[nodiscard, gnu::always_inline]] inline S upper_half(const S& x) noexcept {
  using W = WordsOf<S>;
  return number_of(W(bits_of(x) & W(~std::uint64_t{0x7ffffff})));
}

/// The logarithm of a positive number to some 62 bits.
template <class S>
[[nodiscard]] inline InTwoParts<S> log_in_two_parts(const S& x) noexcept {
  const MadeNormal<S> normal = made_normal(x);
  const ReducedForLog<S> reduced = reduced_for_log(normal.x);
  const S e = reduced.exponent - normal.shift, f = reduced.f;
  const S s = f / (S(2) + f);
  const S f_high = upper_half(f), h_high = S(0.5) * f_high * f_high, h_low = S(0.5) * (f - f_high) * (f + f_high);
  const S near = f - h_high, near_off = (f - near) - h_high;  // their sum is f - h_high exactly
  const S far = e * S(LogTwo<S>::high), high = far + near, high_off = (far - high) + near;
  const S rest = s * ((h_high + h_low) + log_rest(s));
  return {high, high_off + ((rest - h_low) + near_off + e * S(LogTwo<S>::low))};
}

/// exp(x.high + x.low) = 2^n (1 + p(r)), r = x - n ln 2, |r| <= ln(2)/2, and p = r + r^2 q(r), q our own minimax fit of
/// (exp(r) - 1 - r) / r^2, 3e-18 of it. The power of two is put in by halves, so that small results are rounded once.
template <class S>
[[nodiscard]] inline S exp_of(const InTwoParts<S>& x) noexcept {
  constexpr double log2_e = 1.4426950408889634074, shifter = 0x1.8p52, most = 710, least = -746;
  // Beyond these the result is infinite or zero. NaN stays NaN.
  const S below = select(x.high > S(most), S(most), x.high);
  const S kept = select(below < S(least), S(least), below);
  const S n = (kept * S(log2_e) + S(shifter)) - S(shifter);
  const S r = ((kept - n * S(LogTwo<S>::high)) - n * S(LogTwo<S>::low)) + x.low;
  const S r2 = r * r;
  S even(0x1.1f1a029a2dd24p-29), odd(0x1.af4dcfd60c0eap-26);
  even = even * r2 + S(0x1.27e510d84d2a4p-22);
  odd = odd * r2 + S(0x1.71de023f73a8bp-19);
  even = even * r2 + S(0x1.a01a0190601ebp-16);
  odd = odd * r2 + S(0x1.a01a01abe2fefp-13);
  even = even * r2 + S(0x1.6c16c16c1a083p-10);
  odd = odd * r2 + S(0x1.11111111100e6p-7);
  even = even * r2 + S(0x1.555555555554ep-5);
  odd = odd * r2 + S(0x1.5555555555557p-3);
  even = even * r2 + S(0.5);
  const S q = even + odd * r;
  const S p = q * (r * r) + r;
  const S half = n * S(0.5) + S(shifter), other = (n - (half - S(shifter))) + S(shifter);
  return (S(1) + p) * power_of_two(half) * power_of_two(other);
}

template <class S>
[[nodiscard]] inline S pow_of(const S& x, const S& y) noexcept {
  constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const InTwoParts<S> l = log_in_two_parts(x);
  const S l_high = upper_half(S(l.high + l.low)), l_low = (l.high - l_high) + l.low;
  const S y_high = upper_half(y), high = y_high * l_high, low = (y - y_high) * l_high + y * l_low;
  const auto in_range = S(-800) < high && high < S(800);
  const S found = exp_of(InTwoParts<S>{high, select(in_range, low, S(0))});
  const auto finite = S(0) < x && x <= S(std::numeric_limits<double>::max());
  const S at_zero = select(y > S(0), S(0), select(y < S(0), S(inf), select(y == S(0), S(1), S(nan))));
  return select(finite, found, select(x == S(0), at_zero, S(nan)));
}

}  // namespace detail

/// The natural logarithm: -inf at zero, NaN below.
template <std::size_t N, class Isa>
[[nodiscard]] inline Lanes<N, Isa> log(const Lanes<N, Isa>& x) noexcept {
  return detail::log_of(x);
}
/// e to the power of x: inf where that is too large for a double, zero where it is too small.
template <std::size_t N, class Isa>
[[nodiscard]] inline Lanes<N, Isa> exp(const Lanes<N, Isa>& x) noexcept {
  return detail::exp_of(detail::InTwoParts<Lanes<N, Isa>>{x, 0.0});
}
/// x to the power of y, finite x >= 0: NaN elsewhere.
template <std::size_t N, class Isa>
[[nodiscard]] inline Lanes<N, Isa> pow(const Lanes<N, Isa>& x, const std::type_identity_t<Lanes<N, Isa>>& y) noexcept {
  return detail::pow_of(x, y);
}

namespace portable {

/// The same to the bit, for one number.
[[nodiscard]] inline double log(double x) noexcept { return detail::log_of(x); }
[[nodiscard]] inline double exp(double x) noexcept { return detail::exp_of(detail::InTwoParts<double>{x, 0.0}); }
[[nodiscard]] inline double pow(double x, double y) noexcept { return detail::pow_of(x, y); }

}  // namespace portable

}  // namespace ketpk
