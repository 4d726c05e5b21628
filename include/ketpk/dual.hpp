// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a stiff solver needs to know how every slope answers to every state. Nobody should have to write that down by
// hand, and differences of two calls lose half the digits. A dual number carries its derivatives along while the
// model's own equations are evaluated, exact to rounding (Wengert, Commun ACM 1964;7:463).

#include <array>
#include <cmath>
#include <compare>
#include <cstddef>

namespace ketpk {

/// A number and its derivatives with respect to `N` variables. Comparisons look at the number only. What a model may
/// do with it: + - * / and comparisons, with doubles too; exp, log, sqrt, pow, abs, tanh, expm1, log1p, found by
/// argument-dependent lookup (write `using std::exp;` so that the same line serves doubles).
template <std::size_t N>
struct Dual {
  double value = 0;
  std::array<double, N> slope{};

  constexpr Dual() noexcept = default;
  constexpr Dual(double x) noexcept : value(x) {}  // NOLINT(google-explicit-constructor): a constant is a dual number

  constexpr Dual& operator+=(const Dual& b) noexcept {
    value += b.value;
    for (std::size_t i = 0; i < N; ++i) slope[i] += b.slope[i];
    return *this;
  }
  constexpr Dual& operator-=(const Dual& b) noexcept {
    value -= b.value;
    for (std::size_t i = 0; i < N; ++i) slope[i] -= b.slope[i];
    return *this;
  }
  constexpr Dual& operator*=(const Dual& b) noexcept {
    for (std::size_t i = 0; i < N; ++i) slope[i] = slope[i] * b.value + value * b.slope[i];
    value *= b.value;
    return *this;
  }
  constexpr Dual& operator/=(const Dual& b) noexcept {
    value /= b.value;
    for (std::size_t i = 0; i < N; ++i) slope[i] = (slope[i] - value * b.slope[i]) / b.value;
    return *this;
  }
  friend constexpr Dual operator+(Dual a, const Dual& b) noexcept { return a += b; }
  friend constexpr Dual operator-(Dual a, const Dual& b) noexcept { return a -= b; }
  friend constexpr Dual operator*(Dual a, const Dual& b) noexcept { return a *= b; }
  friend constexpr Dual operator/(Dual a, const Dual& b) noexcept { return a /= b; }
  friend constexpr Dual operator+(const Dual& a) noexcept { return a; }
  friend constexpr Dual operator-(const Dual& a) noexcept { return chain(a, -a.value, -1); }

  friend constexpr bool operator==(const Dual& a, const Dual& b) noexcept { return a.value == b.value; }
  friend constexpr std::partial_ordering operator<=>(const Dual& a, const Dual& b) noexcept {
    return a.value <=> b.value;
  }

  friend Dual exp(const Dual& a) noexcept {
    const double e = std::exp(a.value);
    return chain(a, e, e);
  }
  friend Dual expm1(const Dual& a) noexcept { return chain(a, std::expm1(a.value), std::exp(a.value)); }
  friend Dual log(const Dual& a) noexcept { return chain(a, std::log(a.value), 1 / a.value); }
  friend Dual log1p(const Dual& a) noexcept { return chain(a, std::log1p(a.value), 1 / (1 + a.value)); }
  friend Dual sqrt(const Dual& a) noexcept {
    const double root = std::sqrt(a.value);
    return chain(a, root, 0.5 / root);
  }
  friend Dual tanh(const Dual& a) noexcept {
    const double t = std::tanh(a.value);
    return chain(a, t, 1 - t * t);
  }
  friend Dual abs(const Dual& a) noexcept { return a.value < 0 ? -a : a; }
  friend Dual pow(const Dual& a, double p) noexcept {
    if (p == 0) return chain(a, 1, 0);
    return chain(a, std::pow(a.value, p), p * std::pow(a.value, p - 1));
  }
  friend Dual pow(double a, const Dual& p) noexcept {
    const double v = std::pow(a, p.value);
    return chain(p, v, v * std::log(a));
  }
  friend Dual pow(const Dual& a, const Dual& p) noexcept {
    return chain(a, 0, p.value * std::pow(a.value, p.value - 1)) + pow(a.value, p);
  }

 private:
  /// f(a), given its value and its derivative at a.
  static constexpr Dual chain(const Dual& a, double value, double derivative) noexcept {
    Dual out(value);
    for (std::size_t i = 0; i < N; ++i)
      if (a.slope[i] != 0) out.slope[i] = derivative * a.slope[i];
    return out;
  }
};

namespace detail {

/// The number itself, without what it carries.
[[nodiscard]] constexpr double number_in(double x) noexcept { return x; }
template <std::size_t N>
[[nodiscard]] constexpr double number_in(const Dual<N>& x) noexcept {
  return x.value;
}

}  // namespace detail

}  // namespace ketpk
