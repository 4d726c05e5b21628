// SPDX-License-Identifier: Apache-2.0
// Expected values: functions whose turns and areas are known in closed form. (Sign changes of polynomials are also held
// against a fine grid in test_solve_ode.cpp.)
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "catch.hpp"
#include "ketpk/polynomial.hpp"

using namespace ketpk;

TEST_CASE("fits of a smooth function have its area and its turns, however many") {
  // sin(40 x) turns at (2k + 1) pi / 80.
  const auto f = [](double x) { return std::sin(40 * x); };
  double area = 0;
  std::vector<double> turns;
  int fits = 0;
  for_each_fit(f, {0, 1}, [&](const Fit& p) {
    ++fits;
    CHECK(p.is_finite);
    CHECK(p.is_resolved());
    area += p.area();
    const double half = (p.on.high - p.on.low) / 2;
    const auto found = sign_changes(p.slope(), {-1, 1});
    for (std::size_t i = 0; i < found.count; ++i) turns.push_back(p.on.low + half * (1 + found.at[i]));
  });
  CHECK(fits > 8);
  CHECK(area == Approx((1 - std::cos(40)) / 40).epsilon(1e-11));
  REQUIRE(turns.size() == 13);
  for (std::size_t k = 0; k < turns.size(); ++k)
    CHECK(turns[k] == Approx((2 * static_cast<double>(k) + 1) * std::numbers::pi / 80).epsilon(1e-9));
}

TEST_CASE("a polynomial of degree eight is one fit, and its slope is its derivative") {
  const Polynomial<9> p{1, -2, 3, 0.5, -1, 2, -3, 1, 0.25};
  const Fit whole = fit([&](double x) { return evaluate(p, x); }, {-1, 1});
  const Polynomial<8> expected = derivative(p), found = whole.slope();
  for (std::size_t i = 0; i < 8; ++i) CHECK(found[i] == Approx(expected[i]).margin(1e-12));
}

TEST_CASE("a kink is closed in on, and a level stretch has no slope") {
  double narrowest = 1;
  int fits = 0;
  for_each_fit([](double x) { return std::abs(x - 0.3141592); }, {0, 1},
               [&](const Fit& p) {
                 ++fits;
                 if (!p.is_resolved()) narrowest = std::min(narrowest, p.on.high - p.on.low);
               });
  CHECK(narrowest <= std::ldexp(1.0, -24));
  CHECK(fits < 60);
  for (const double e : fit([](double) { return 0.1; }, {0, 1}).slope()) CHECK(e == 0);
}

TEST_CASE("a function that is not a number somewhere says so") {
  bool is_finite = true;
  for_each_fit([](double x) { return std::sqrt(x - 0.5); }, {0, 1}, [&](const Fit& p) { is_finite = p.is_finite; });
  CHECK_FALSE(is_finite);
}
