// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: laws hold for every model and every regimen, so they are tried on many. One 64-bit seed makes one case;
// a failing case prints its seed. The mapping from bits to numbers is our own, so a seed means the same everywhere.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "ketpk/parameters.hpp"
#include "ketpk/regimen.hpp"

namespace ketpk::testing {

class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed) {}
  [[nodiscard]] double uniform() { return static_cast<double>(bits_() >> 11) * 0x1p-53; }
  [[nodiscard]] double between(double low, double high) { return low + (high - low) * uniform(); }
  [[nodiscard]] double log_between(double low, double high) { return std::exp(between(std::log(low), std::log(high))); }
  [[nodiscard]] int below(int n) { return static_cast<int>(bits_() % static_cast<std::uint64_t>(n)); }
  [[nodiscard]] bool one_in(int n) { return below(n) == 0; }
  [[nodiscard]] Micros micros(double low_min, double high_min) {
    return Micros{static_cast<std::int64_t>(between(low_min, high_min) * micros_per_minute)};
  }
  /// From `low` to `high`, both included.
  [[nodiscard]] Micros instant(Micros low, Micros high) {
    return low + Micros{static_cast<std::int64_t>(uniform() * static_cast<double>((high - low).count() + 1))};
  }

 private:
  std::mt19937_64 bits_;
};

/// One to three compartments, at times with equal rate constants, an effect site, one or two metabolites.
inline Parameters<double> random_parameters(Random& r) {
  Parameters<double> p{r.log_between(2, 200), r.log_between(0.2, 4), 0, 1, 0, 1};
  const int compartments = 1 + r.below(3);
  if (compartments > 1) {
    p.q2_L_per_min = r.log_between(0.1, 5);
    p.v2_L = r.log_between(5, 400);
  }
  if (compartments > 2) {
    p.q3_L_per_min = r.log_between(0.1, 5);
    p.v3_L = r.log_between(5, 400);
    if (r.one_in(8)) {
      p.q3_L_per_min = p.q2_L_per_min;
      p.v3_L = p.v2_L * (r.one_in(2) ? 1.0 : 1.0 + r.log_between(1e-15, 1e-3));
    }
  }
  if (r.one_in(2)) p.ke0_per_min = r.one_in(6) ? p.cl_L_per_min / p.v1_L : r.log_between(0.02, 3);
  for (int n = r.below(3); n > 0; --n) {
    MetaboliteParameters<double> m{r.between(0.1, 1.1), r.log_between(5, 200), r.log_between(0.2, 3), 0, 1};
    if (r.one_in(2)) {
      m.q2_L_per_min = r.log_between(0.1, 3);
      m.v2_L = r.log_between(5, 300);
    }
    p.metabolites.push_back(m);
  }
  return p;
}

inline Dose infusion(Micros at, Micros over, double mg) { return {at, over, mg, mg / minutes(over)}; }
inline Dose bolus(Micros at, double mg) { return {at, Micros{0}, mg, 0.0}; }
inline Regimen regimen_of(std::vector<Dose> doses) {
  std::stable_sort(doses.begin(), doses.end(), [](const Dose& a, const Dose& b) { return a.at < b.at; });
  return {std::move(doses), BodyMass(70, unit::kg)};
}

/// One to six boluses and infusions over four hours, overlapping and touching at will.
inline Regimen random_regimen(Random& r) {
  std::vector<Dose> doses;
  Micros previous_end{0};
  for (int n = 1 + r.below(6); n > 0; --n) {
    const Micros at = doses.empty() ? (r.one_in(2) ? Micros{0} : r.micros(0, 30))
                      : r.one_in(3) ? previous_end
                                    : r.micros(0, 240);
    const double mg = r.log_between(0.5, 50);
    doses.push_back(r.one_in(3) ? bolus(at, mg) : infusion(at, Micros{1} + r.micros(0, r.one_in(4) ? 1 : 90), mg));
    previous_end = doses.back().end();
  }
  return regimen_of(std::move(doses));
}

}  // namespace ketpk::testing
