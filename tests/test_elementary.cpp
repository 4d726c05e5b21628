// SPDX-License-Identifier: Apache-2.0
#include "ketpk/elementary.hpp"

#include <array>
#include <bit>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <cstdint>
#include <limits>

#include "catch.hpp"
#include "random_cases.hpp"

namespace {

using Exact = boost::multiprecision::cpp_bin_float_50;
using ketpk::Lanes;
using ketpk::testing::Random;
namespace portable = ketpk::portable;

constexpr double inf = std::numeric_limits<double>::infinity(), largest = std::numeric_limits<double>::max(),
                 smallest = std::numeric_limits<double>::denorm_min(), normal = std::numeric_limits<double>::min();

/// How far off, in units of the last place of a double of that size.
double ulps(double found, const Exact& exact) {
  const double size = std::abs(static_cast<double>(exact));
  const double ulp = std::nextafter(size, inf) - size;
  return std::abs(static_cast<double>((Exact(found) - exact) / Exact(ulp)));
}

/// Any positive double, each exponent as often as the other, the subnormal ones too.
double any_positive(Random& r) { return std::ldexp(1 + r.uniform(), -1074 + r.below(2098)); }

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (std::isnan(a) && std::isnan(b));
}

template <std::size_t N>
void lanes_agree(std::uint64_t seed) {
  Random r(seed);
  const std::array<double, 12> odd{0.0,    -0.0,     1.0,    -1.0,    inf,   -inf,
                                   normal, smallest, 1e-310, largest, 710.5, std::numeric_limits<double>::quiet_NaN()};
  for (int n = 0; n < 4'000; ++n) {
    std::array<double, N> x{}, y{};
    for (std::size_t i = 0; i < N; ++i) {
      x[i] = n % 3 == 0   ? odd[static_cast<std::size_t>(r.below(12))]
             : n % 3 == 1 ? any_positive(r)
                          : r.between(-750, 720);
      y[i] = r.one_in(4) ? odd[static_cast<std::size_t>(r.below(12))] : r.between(-3, 3);
    }
    const auto xs = Lanes<N>::from(x.data()), ys = Lanes<N>::from(y.data());
    const auto logs = log(xs), exps = exp(xs), pows = pow(xs, ys), powers = pow(xs, 0.75);
    for (std::size_t i = 0; i < N; ++i) {
      INFO("seed " << seed << ", x " << x[i] << ", y " << y[i] << ", lane " << i << " of " << N);
      REQUIRE(same_bits(logs[i], portable::log(x[i])));
      REQUIRE(same_bits(exps[i], portable::exp(x[i])));
      REQUIRE(same_bits(pows[i], portable::pow(x[i], y[i])));
      REQUIRE(same_bits(powers[i], portable::pow(x[i], 0.75)));
    }
  }
}

}  // namespace

TEST_CASE("logarithm, exponential and power agree with 50-digit arithmetic to the stated ulp") {
  Random r(20261122);
  double log_anywhere = 0, log_near_one = 0, exp_anywhere = 0, pow_near = 0, pow_far = 0;
  for (int n = 0; n < 20'000; ++n) {
    const double any = any_positive(r), near = 1 + r.between(-1, 1) * r.log_between(1e-16, 0.5);
    log_anywhere = std::max(log_anywhere, ulps(portable::log(any), log(Exact(any))));
    if (near != 1.0) log_near_one = std::max(log_near_one, ulps(portable::log(near), log(Exact(near))));
    const double x = n % 2 == 0 ? r.between(-745, 709.7) : r.between(-1, 1) * r.log_between(1e-18, 1);
    exp_anywhere = std::max(exp_anywhere, ulps(portable::exp(x), exp(Exact(x))));
    const double base = n % 2 == 0 ? near : r.log_between(1e-3, 1e3);
    if (base == 1.0) continue;
    const double near_y = r.between(-5, 5) / std::log(base), far_y = r.between(-700, 700) / std::log(base);
    if (std::abs(near_y) < 1e6)
      pow_near = std::max(pow_near, ulps(portable::pow(base, near_y), pow(Exact(base), Exact(near_y))));
    pow_far = std::max(pow_far, ulps(portable::pow(base, far_y), pow(Exact(base), Exact(far_y))));
  }
  const auto table = "worst ulp: log " + std::to_string(log_anywhere) + ", near 1 " + std::to_string(log_near_one) +
                     ", exp " + std::to_string(exp_anywhere) + ", pow within e^5 " + std::to_string(pow_near) +
                     ", within e^700 " + std::to_string(pow_far);
  INFO(table);
  CHECK(log_anywhere < 1);
  CHECK(log_near_one < 1);
  CHECK(exp_anywhere < 1);
  CHECK(pow_near < 1);
  CHECK(pow_far < 80);
}

TEST_CASE("at the ends of the doubles the limits are met") {
  CHECK(portable::log(1.0) == 0.0);
  CHECK(portable::log(0.0) == -inf);
  CHECK(std::isnan(portable::log(-1.0)));
  CHECK(portable::log(inf) == inf);
  CHECK(portable::exp(0.0) == 1.0);
  CHECK(portable::exp(710.0) == inf);
  CHECK(portable::exp(inf) == inf);
  CHECK(portable::exp(709.78) < inf);
  CHECK(portable::exp(-745.0) == smallest);
  CHECK(portable::exp(-746.0) == 0.0);
  CHECK(portable::exp(-inf) == 0.0);
  CHECK(portable::pow(0.0, 0.75) == 0.0);
  CHECK(portable::pow(0.0, -1.0) == inf);
  CHECK(portable::pow(0.0, 0.0) == 1.0);
  CHECK(portable::pow(7.0, 0.0) == 1.0);
  CHECK(portable::pow(1.0, 1e300) == 1.0);
  CHECK(portable::pow(4.0, 0.5) == 2.0);
  CHECK(portable::pow(10.0, 308.5) == inf);
  CHECK(portable::pow(2.0, -1074.0) == smallest);
  CHECK(portable::pow(10.0, -400.0) == 0.0);
  CHECK(portable::pow(smallest, 1.0) == smallest);
}

TEST_CASE("what is no number, and powers of negative or infinite ones, are NaN") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(portable::log(nan)));
  CHECK(std::isnan(portable::exp(nan)));
  CHECK(std::isnan(portable::pow(nan, 1.0)));
  CHECK(std::isnan(portable::pow(2.0, nan)));
  CHECK(std::isnan(portable::pow(0.0, nan)));
  CHECK(std::isnan(portable::pow(-2.0, 2.0)));
  CHECK(std::isnan(portable::pow(inf, 1.0)));
}

TEST_CASE("each lane has the bits of one number, whatever its neighbours are") {
  lanes_agree<2>(20261123);
  lanes_agree<8>(20261124);
  lanes_agree<32>(20261125);
}
