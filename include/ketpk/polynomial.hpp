// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: between two steps of a solver every curve is a polynomial, or a smooth function of some. Where it turns is then
// a question about polynomials, and one that has an answer without sampling.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace ketpk {

/// Coefficients, lowest power first.
template <std::size_t N>
using Polynomial = std::array<double, N>;

template <std::size_t N>
[[nodiscard]] constexpr double evaluate(const Polynomial<N>& p, double x) noexcept {
  double sum = p[N - 1];
  for (std::size_t i = N - 1; i-- > 0;) sum = p[i] + x * sum;
  return sum;
}

template <std::size_t N>
[[nodiscard]] constexpr Polynomial<N - 1> derivative(const Polynomial<N>& p) noexcept {
  Polynomial<N - 1> out{};
  for (std::size_t i = 1; i < N; ++i) out[i - 1] = static_cast<double>(i) * p[i];
  return out;
}

/// Places in order.
template <std::size_t N>
struct Places {
  std::array<double, N> at{};
  std::size_t count = 0;
};

struct Interval {
  double low, high;
};

/// Where a polynomial changes sign inside an interval; touching zero is no change. Between two neighbouring sign
/// changes of its derivative it is monotone, so each such stretch holds one sign change or none, and its ends tell
/// which.
template <std::size_t N>
[[nodiscard]] Places<N> sign_changes(const Polynomial<N>& p, Interval within) noexcept {
  Places<N> out;
  if constexpr (N > 1) {
    const Places<N - 1> turns = sign_changes(derivative(p), within);
    double left = within.low, value_left = evaluate(p, left), zero_at = std::numeric_limits<double>::quiet_NaN();
    for (std::size_t k = 0; k <= turns.count; ++k) {
      const double right = k < turns.count ? turns.at[k] : within.high;
      const double value_right = evaluate(p, right);
      if (value_right == 0) {
        if (std::isnan(zero_at)) zero_at = right;
        continue;
      }
      if (value_left != 0 && (value_left < 0) != (value_right < 0)) {
        double low = left, high = right;
        if (!std::isnan(zero_at)) low = high = zero_at;
        for (double middle = low + (high - low) / 2; middle > low && middle < high; middle = low + (high - low) / 2)
          ((evaluate(p, middle) < 0) == (value_left < 0) ? low : high) = middle;
        if (high < within.high) out.at[out.count++] = high;
      }
      left = right;
      value_left = value_right;
      zero_at = std::numeric_limits<double>::quiet_NaN();
    }
  }
  return out;
}

/// No coefficient in Bernstein's basis differs in sign from another, so the polynomial has no zero within (0, 1).
[[nodiscard]] inline bool has_one_sign(const Polynomial<5>& p) noexcept {
  const std::array<double, 5> b{p[0], p[0] + p[1] / 4, p[0] + p[1] / 2 + p[2] / 6,
                                p[0] + p[1] * 3 / 4 + p[2] / 2 + p[3] / 4, p[0] + p[1] + p[2] + p[3] + p[4]};
  return std::all_of(b.begin(), b.end(), [](double x) { return x > 0; }) ||
         std::all_of(b.begin(), b.end(), [](double x) { return x < 0; });
}

/// A function on an interval as the sum of Chebyshev's first nine polynomials, c_k T_k(s), s from -1 to 1 over the
/// interval; it meets the function at the extrema of T_8, both ends among them.
struct Fit {
  Interval on;
  std::array<double, 9> c{};
  bool is_finite = true;

  /// What the sum leaves out is below 1e-10 of how much the function varies, or below what its rounding hides.
  [[nodiscard]] bool is_resolved() const noexcept {
    double varies = 0;
    for (std::size_t k = 1; k < 9; ++k) varies = std::max(varies, std::abs(c[k]));
    const double left_out = std::max({std::abs(c[6]), std::abs(c[7]), std::abs(c[8])});
    return left_out <= std::max(1e-10 * varies, 1e-15 * std::max(varies, std::abs(c[0])));
  }

  /// d/ds in powers of s. Coefficients that are rounding are left out, so that a level stretch has a slope of zero.
  [[nodiscard]] Polynomial<8> slope() const noexcept {
    constexpr std::array<std::array<double, 9>, 9> chebyshev{{{1},
                                                              {0, 1},
                                                              {-1, 0, 2},
                                                              {0, -3, 0, 4},
                                                              {1, 0, -8, 0, 8},
                                                              {0, 5, 0, -20, 0, 16},
                                                              {-1, 0, 18, 0, -48, 0, 32},
                                                              {0, -7, 0, 56, 0, -112, 0, 64},
                                                              {1, 0, -32, 0, 160, 0, -256, 0, 128}}};
    double size = 0;
    for (const double e : c) size = std::max(size, std::abs(e));
    Polynomial<9> powers{};
    for (std::size_t k = 1; k < 9; ++k)
      if (std::abs(c[k]) > 4e-16 * size)
        for (std::size_t i = 0; i <= k; ++i) powers[i] += c[k] * chebyshev[k][i];
    return derivative(powers);
  }

  /// Integral over the interval (Clenshaw, Curtis, Numer Math 1960;2:197).
  [[nodiscard]] double area() const noexcept {
    double sum = 0;
    for (std::size_t k = 9; k-- > 0;)
      if (k % 2 == 0) sum += c[k] / (1 - static_cast<double>(k * k));
    return sum * (on.high - on.low);
  }
};

template <class F>
[[nodiscard]] Fit fit(F f, Interval on) {
  // cos(k pi / 8)
  constexpr double c1 = 0.92387953251128676, c2 = 0.70710678118654752, c3 = 0.38268343236508977;
  constexpr std::array<double, 16> cosine{1, c1, c2, c3, 0, -c3, -c2, -c1, -1, -c1, -c2, -c3, 0, c3, c2, c1};
  Fit out{.on = on};
  std::array<double, 9> y{};
  for (std::size_t j = 0; j < 9; ++j) {
    const double s = cosine[j];
    y[j] = f(j == 0 ? on.high : j == 8 ? on.low : on.low + (on.high - on.low) * (0.5 + 0.5 * s));
    out.is_finite = out.is_finite && std::isfinite(y[j]);
  }
  for (std::size_t k = 0; k < 9; ++k) {
    double sum = 0.5 * (y[0] + (k % 2 == 0 ? y[8] : -y[8]));
    for (std::size_t j = 1; j < 8; ++j) sum += y[j] * cosine[j * k % 16];
    out.c[k] = sum * (k == 0 || k == 8 ? 0.125 : 0.25);
  }
  return out;
}

/// Fits of `f` that together cover an interval, in order, each shown to `see`. An interval that nine terms do not
/// resolve is halved; at a kink or a jump that ends after 24 halvings, and the last fit is shown as it is.
template <class F, class See>
void for_each_fit(F f, Interval on, See see, int halvings = 24) {
  const Fit whole = fit(f, on);
  if (!whole.is_finite || whole.is_resolved() || halvings == 0) return see(whole);
  const double middle = on.low + (on.high - on.low) / 2;
  for_each_fit(f, Interval{on.low, middle}, see, halvings - 1);
  for_each_fit(f, Interval{middle, on.high}, see, halvings - 1);
}

}  // namespace ketpk
