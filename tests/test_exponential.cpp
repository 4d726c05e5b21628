// SPDX-License-Identifier: Apache-2.0
#include <boost/multiprecision/cpp_dec_float.hpp>

#include <array>
#include <cmath>

#include "catch.hpp"
#include "ketpk/exponential.hpp"
#include "random_cases.hpp"

namespace {

using Exact = boost::multiprecision::cpp_dec_float_100;

double ulps(double found, const Exact& exact) {
  const double reference = static_cast<double>(exact);
  const double ulp = std::nextafter(reference, 2 * reference) - reference;
  return std::abs(static_cast<double>((Exact(found) - exact) / Exact(ulp)));
}

Exact first(const Exact& x) { return (1 - exp(-x)) / x; }
Exact second(const Exact& x, const Exact& y) { return x == y ? Exact(exp(-x)) : Exact((exp(-x) - exp(-y)) / (y - x)); }
Exact third(const Exact& x, const Exact& y) {
  return x == y ? Exact((first(x) - exp(-x)) / x) : Exact((first(x) - first(y)) / (y - x));
}

}  // namespace

TEST_CASE("the exponential and its divided differences agree with 100-digit arithmetic to the stated ulp") {
  ketpk::testing::Random r(20261121);
  std::array<double, 6> worst{};
  for (int n = 0; n < 20'000; ++n) {
    const double x = r.log_between(1e-12, 600);
    double y = r.log_between(1e-12, 600);
    if (n % 4 == 0) y = x * (1 + r.log_between(1e-16, 1));  // nearly equal
    if (n % 50 == 0) y = x;                                 // equal
    const Exact ex = x, ey = y;
    const std::array<double, 6> off{
        ulps(ketpk::decay_left(x), exp(-ex)),   ulps(ketpk::decay_gone(x), 1 - exp(-ex)),
        ulps(ketpk::phi1(x), first(ex)),        ulps(ketpk::phi2(x, y), second(ex, ey)),
        ulps(ketpk::phi3(x, y), third(ex, ey)), ulps(ketpk::phi3_at_zero(x), (1 - first(ex)) / ex)};
    for (std::size_t k = 0; k < off.size(); ++k) worst[k] = std::max(worst[k], off[k]);
  }
  INFO("worst ulp: left " << worst[0] << ", gone " << worst[1] << ", phi1 " << worst[2] << ", phi2 " << worst[3]
                          << ", phi3 " << worst[4] << ", phi3 at zero " << worst[5]);
  CHECK(worst[0] < 2);
  CHECK(worst[1] < 2);
  CHECK(worst[2] < 2);
  CHECK(worst[3] < 3);
  CHECK(worst[4] < 6);
  CHECK(worst[5] < 4);
}

TEST_CASE("at zero and far out the limits are met") {
  CHECK(ketpk::decay_left(0.0) == 1.0);
  CHECK(ketpk::decay_gone(0.0) == 0.0);
  CHECK(ketpk::phi1(0.0) == 1.0);
  CHECK(ketpk::phi2(0.0, 0.0) == 1.0);
  CHECK(ketpk::phi3(0.0, 0.0) == 0.5);
  CHECK(ketpk::decay_left(1e9) == 0.0);
  CHECK(ketpk::decay_gone(1e9) == 1.0);
  CHECK(ketpk::phi1(1e300) == Approx(1e-300));
  CHECK(ketpk::phi3_at_zero(0.0) == 0.5);
  CHECK(ketpk::phi3_at_zero(1e300) == Approx(1e-300));
}

TEST_CASE("NaN goes through and is never turned into a number") {
  const double nan = std::nan("");
  CHECK(std::isnan(ketpk::decay_left(nan)));
  CHECK(std::isnan(ketpk::decay_gone(nan)));
  CHECK(std::isnan(ketpk::phi3(nan, nan)));
  CHECK(std::isnan(ketpk::phi3_at_zero(nan)));
}
