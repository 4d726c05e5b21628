// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a sign change between two instants is located to the last bits, by one method everywhere.

#include <boost/math/tools/toms748_solve.hpp>

#include <cstdint>

namespace ketpk {

/// Where `f` changes sign between `a` and `b`, given f(a) and f(b) of opposite signs.
/// Alefeld, Potra, Shi, ACM Trans Math Softw 1995;21:327 (Boost.Math).
template <class F>
[[nodiscard]] double root_between(F f, double a, double b, double fa, double fb) {
  std::uintmax_t most = 200;
  const auto [low, high] =
      boost::math::tools::toms748_solve(f, a, b, fa, fb, boost::math::tools::eps_tolerance<double>(50), most);
  return low + (high - low) / 2;
}

}  // namespace ketpk
