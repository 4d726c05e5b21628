// SPDX-License-Identifier: Apache-2.0
// Expected values: derivatives written down by hand, and the complex step f'(x) = Im f(x + ih) / h.
#include <cmath>
#include <complex>
#include <cstdint>

#include "catch.hpp"
#include "ketpk/dual.hpp"
#include "random_cases.hpp"

using namespace ketpk;
using namespace ketpk::testing;

namespace {

/// Everything a model may do, on any scalar.
template <class S>
S mixture(const S& x, const S& y) {
  using std::exp, std::log, std::pow, std::sqrt, std::tanh;
  S z = 2.0 * x - y / 3.0 + x * y / (0.7 + x) - 1.5;
  z += exp(-0.3 * y) * log(x + 2.0) + sqrt(x) * pow(y, 1.7) - pow(2.0, x * 0.5) + pow(x, y);
  z -= tanh(x - y) * 0.25;
  z *= y;
  z /= 1.0 + x;
  return -z + x;
}

Dual<2> variable(double x, std::size_t i) {
  Dual<2> out(x);
  out.slope[i] = 1;
  return out;
}

}  // namespace

TEST_CASE("a dual number carries the derivatives that the complex step finds") {
  using C = std::complex<double>;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const double x = r.between(0.1, 4), y = r.between(0.1, 4), h = 1e-100;
    const Dual<2> found = mixture(variable(x, 0), variable(y, 1));
    CHECK(found.value == Approx(mixture(x, y)).epsilon(1e-14));
    CHECK(found.slope[0] == Approx(mixture(C(x, h), C(y, 0)).imag() / h).epsilon(1e-12).margin(1e-12));
    CHECK(found.slope[1] == Approx(mixture(C(x, 0), C(y, h)).imag() / h).epsilon(1e-12).margin(1e-12));
  }
}

TEST_CASE("comparisons look at the number only, and abs turns the slope with it") {
  const Dual<2> x = variable(-2, 0), y = variable(3, 1);
  CHECK(x < y);
  CHECK(y > 0.0);
  CHECK(x == Dual<2>(-2));
  CHECK(abs(x).value == 2);
  CHECK(abs(x).slope[0] == -1);
  CHECK(expm1(variable(1e-9, 0)).value == std::expm1(1e-9));
  CHECK(log1p(variable(1e-9, 0)).slope[0] == Approx(1 - 1e-9).epsilon(1e-15));
}

TEST_CASE("a constant raised to a power has no slope, also where the power's derivative is infinite") {
  const Dual<2> nothing(0);
  CHECK(pow(nothing, 0.5).slope[0] == 0);
  CHECK(sqrt(nothing).slope[1] == 0);
}
