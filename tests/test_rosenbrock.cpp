// SPDX-License-Identifier: Apache-2.0
// Expected values: closed forms, of a logistic equation (order, interpolant) and of a stiff linear one (damping).
#include <array>
#include <cmath>
#include <vector>

#include "catch.hpp"
#include "ketpk/rosenbrock.hpp"

using namespace ketpk;

namespace {

using State = std::array<double, 2>;

/// x' = x (1 - x), y' = x^2 - y: x = 1 / (1 + e^-t) from a half; y by variation of constants.
void logistic(const State& x, State& dx) { dx = {x[0] * (1 - x[0]), x[0] * x[0] - x[1]}; }
double exact_x(double t) { return 1 / (1 + std::exp(-t)); }
/// e^-t times the integral of e^s x(s)^2 from 0 to t; with u = e^s that of u^2 / (1 + u)^2 from 1 to e^t.
double exact_y(double t) {
  const auto primitive = [](double u) { return u - 2 * std::log1p(u) - 1 / (1 + u); };
  return std::exp(-t) * (primitive(std::exp(t)) - primitive(1));
}

struct Errors {
  double at_nodes = 0, between = 0;
};
Errors errors(int steps) {
  Rosenbrock<2> method(2);
  State x{0.5, 0}, next{};
  const double h = 4.0 / steps;
  Errors out;
  for (int i = 0; i < steps; ++i) {
    State f{};
    logistic(x, f);
    const Rosenbrock<2>::Matrix j{{{1 - 2 * x[0], 0}, {2 * x[0], -1}}};
    REQUIRE(method.step([](const State& a, State& b) { logistic(a, b); }, j, x, f, h, next));
    for (const double z : {0.2, 0.5, 0.8})
      for (std::size_t v = 0; v < 2; ++v) {
        const double there =
            (1 - z) * x[v] +
            z * (next[v] + (1 - z) * (method.bend(0, v) + z * (method.bend(1, v) + z * method.bend(2, v))));
        const double t = (i + z) * h;
        out.between = std::max(out.between, std::abs(there - (v == 0 ? exact_x(t) : exact_y(t))));
      }
    x = next;
    const double t = (i + 1) * h;
    out.at_nodes = std::max({out.at_nodes, std::abs(x[0] - exact_x(t)), std::abs(x[1] - exact_y(t))});
  }
  return out;
}

}  // namespace

TEST_CASE("Rodas5P converges at order five, and between its steps at order four or better") {
  const Errors coarse = errors(40), fine = errors(80);
  const double order = std::log2(coarse.at_nodes / fine.at_nodes), between = std::log2(coarse.between / fine.between);
  INFO("orders " << order << " and " << between << ", errors " << fine.at_nodes << " and " << fine.between);
  CHECK(order > 4.7);
  CHECK(order < 5.8);
  CHECK(between > 3.9);
  CHECK(fine.between < 1e-8);
}

TEST_CASE("a fast process is damped in one step, a thousand times longer than it lasts or a billion times") {
  for (const double rate : {1e3, 1e6, 1e12}) {
    INFO(rate);
    Rosenbrock<2> method(2);
    const auto system = [&](const State& x, State& dx) { dx = {-0.1 * x[0], rate * (x[0] - x[1])}; };
    const State x{1, 5};
    State f{}, next{};
    system(x, f);
    REQUIRE(method.step(system, {{{-0.1, 0}, {rate, -rate}}}, x, f, 1.0, next));
    CHECK(next[0] == Approx(std::exp(-0.1)).epsilon(1e-8));
    CHECK(std::abs(next[1] - next[0]) < 100 / rate + 1e-7);  // from a distance of 4
  }
}

TEST_CASE("LU factors with rows exchanged solve what they came from, and a singular matrix is said to be one") {
  SmallLu<4> lu;
  const std::array<std::array<double, 4>, 4> rows{{{0, 2, 1, 0}, {1, 1e-12, 3, 0}, {4, 1, -1, 0}, {}}};
  REQUIRE(lu.factor(rows, 3));
  const std::array<double, 3> x{1, -2, 3};
  std::array<double, 4> b{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) b[i] += rows[i][j] * x[j];
  lu.solve(b, 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(b[i] == Approx(x[i]).epsilon(1e-13));
  CHECK_FALSE(lu.factor({{{1, 2}, {2, 4}}}, 2));
}
