// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: drug that went in must be drug that was ordered, to the last digits, however many pieces it came in.

#include <cmath>
#include <vector>

namespace ketpk::detail {

/// A sum that carries its rounding errors along (Neumaier 1974); good to 2 ulp for any number of terms > 0.
class CarefulSum {
 public:
  void add(double x) noexcept {
    const double next = sum_ + x;
    lost_ += std::abs(sum_) >= std::abs(x) ? (sum_ - next) + x : (x - next) + sum_;
    sum_ = next;
  }
  [[nodiscard]] double total() const noexcept { return sum_ + lost_; }

 private:
  double sum_ = 0, lost_ = 0;
};

[[nodiscard]] inline double sum_of(const std::vector<double>& terms) noexcept {
  CarefulSum sum;
  for (const double t : terms) sum.add(t);
  return sum.total();
}

}  // namespace ketpk::detail
