// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a sign change between two instants is located to the last bits, by one method everywhere.

#include <boost/math/tools/toms748_solve.hpp>

#include <cstdint>

namespace ketpk {

/// Two places with the values of a function there, which have opposite signs.
struct Bracket {
  double a, b;
  double at_a, at_b;
};

/// Where `f` changes sign inside the bracket.
/// Alefeld, Potra, Shi, ACM Trans Math Softw 1995;21:327 (Boost.Math).
template <class F>
[[nodiscard]] double root_between(F f, Bracket x) {
  std::uintmax_t most = 200;
  const auto [low, high] = boost::math::tools::toms748_solve(f, x.a, x.b, x.at_a, x.at_b,
                                                             boost::math::tools::eps_tolerance<double>(50), most);
  return low + (high - low) / 2;
}

}  // namespace ketpk
