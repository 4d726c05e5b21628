// SPDX-License-Identifier: Apache-2.0
// Why: what is wrong with a generator by one part in ten thousand shows in 10^8 draws only. A long test; `./dev check`
// runs it. The distribution is std::erfc's, not ours.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "ketpk/normal.hpp"

namespace {

using L = ketpk::Lanes<32>;
using ketpk::Purpose;
using ketpk::Stream;

constexpr std::uint64_t seed = 20261122;

/// The chance that Anderson and Darling's A^2 of a sample is below z where nothing is wrong. Marsaglia and Marsaglia
/// 2004, doi 10.18637/jss.v009.i02, which states 2e-6.
double below_in_anderson_darling(double z) {
  if (z < 2)
    return std::exp(-1.2337141 / z) / std::sqrt(z) *
           (2.00012 + (0.247105 - (0.0649821 - (0.0347962 - (0.011672 - 0.00168691 * z) * z) * z) * z) * z);
  return std::exp(-std::exp(1.0776 - (2.30695 - (0.43424 - (0.082433 - (0.008056 - 0.0003146 * z) * z) * z) * z) * z));
}

/// A^2 of a sample against the normal distribution.
double anderson_darling(std::vector<double>& z) {
  std::sort(z.begin(), z.end());
  const auto n = static_cast<double>(z.size());
  double sum = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double below = std::erfc(-z[i] / std::sqrt(2.0)) / 2, above = std::erfc(z[i] / std::sqrt(2.0)) / 2;
    const double rank = static_cast<double>(i) + 1;
    sum += (2 * rank - 1) * std::log(below) + (2 * (n - rank) + 1) * std::log(above);
  }
  return -n - sum / n;
}

}  // namespace

TEST_CASE("of 10^8 draws, moments, tails and neighbours are as chance has them") {
  constexpr std::uint64_t subjects = 25'000'000;
  constexpr double n = 4.0 * subjects;
  constexpr std::array<double, 4> bounds{3, 4, 5, 5.5};
  std::array<L, 7> moment;
  moment.fill(L(0.0));
  std::array<L, 4> beyond;
  beyond.fill(L(0.0));
  L next(0.0), next_squares(0.0), purposes(0.0), numbers(0.0);
  std::array<L, 4> eta;
  std::array<L, 1> kappa;
  double rows = 0;
  for (std::uint64_t i = 0; i < subjects; i += L::size()) {
    ketpk::normals<L>({seed, Purpose::eta}, ketpk::consecutive<L>(i), 0, eta);
    for (const L& z : eta) {
      const L z2 = z * z, z3 = z2 * z;
      moment[1] += z;
      moment[2] += z2;
      moment[3] += z3;
      moment[4] += z2 * z2;
      moment[6] += z3 * z3;
      if (any(z2 > L(9)))
        for (std::size_t b = 0; b < bounds.size(); ++b) beyond[b] += select(abs(z) > L(bounds[b]), L(1), L(0));
    }
    if (i % (10 * L::size()) != 0) continue;  // what goes with what: a tenth of the subjects
    ++rows;
    ketpk::normals<L>({seed, Purpose::kappa}, ketpk::consecutive<L>(i), 0, kappa);
    purposes += eta[0] * kappa[0];
    numbers += eta[0] * eta[1];
    std::array<L, 1> following;
    ketpk::normals<L>({seed, Purpose::eta}, ketpk::consecutive<L>(i + 1), 0, following);
    next += eta[0] * following[0];
    next_squares += (eta[0] * eta[0] - L(1)) * (following[0] * following[0] - L(1));
  }
  const auto total = [](const L& x) {
    double sum = 0;
    for (std::size_t lane = 0; lane < L::size(); ++lane) sum += x[lane];
    return sum;
  };
  const auto standard_errors = [&](int power, double mean, double variance) {
    return (total(moment[static_cast<std::size_t>(power)]) - n * mean) / std::sqrt(n * variance);
  };
  // The variance of z^k is E z^2k - (E z^k)^2.
  CHECK(std::abs(standard_errors(1, 0, 1)) < 5);
  CHECK(std::abs(standard_errors(2, 1, 2)) < 5);
  CHECK(std::abs(standard_errors(3, 0, 15)) < 5);
  CHECK(std::abs(standard_errors(4, 3, 96)) < 5);
  CHECK(std::abs(standard_errors(6, 15, 10'395 - 225)) < 5);
  for (std::size_t b = 0; b < bounds.size(); ++b) {
    const double chance = std::erfc(bounds[b] / std::sqrt(2.0)), due = n * chance;
    INFO("beyond " << bounds[b] << ": " << total(beyond[b]) << ", due " << due);
    CHECK(std::abs(total(beyond[b]) - due) < 5 * std::sqrt(due * (1 - chance)));
  }
  const double pairs = rows * static_cast<double>(L::size());
  CHECK(std::abs(total(purposes)) < 5 * std::sqrt(pairs));
  CHECK(std::abs(total(numbers)) < 5 * std::sqrt(pairs));
  CHECK(std::abs(total(next)) < 5 * std::sqrt(pairs));
  CHECK(std::abs(total(next_squares)) < 5 * std::sqrt(pairs * 4));
}

TEST_CASE("samples of 10^6 pass Anderson and Darling's test as often as chance has it") {
  constexpr int samples = 20;
  double sum = 0;
  for (int sample = 0; sample < samples; ++sample) {
    std::vector<double> z(1'000'000);
    // Half of them many subjects' first number, half many numbers of one subject.
    if (sample % 2 == 0) {
      const std::uint64_t first = 1'000'000 * static_cast<std::uint64_t>(sample);
      std::array<L, 1> out;
      for (std::uint64_t i = 0; i < z.size(); i += L::size()) {
        ketpk::normals<L>({seed, Purpose::eps}, ketpk::consecutive<L>(first + i), 0, out);
        out[0].to(z.data() + i);
      }
    } else {
      ketpk::normals<double>({seed, Purpose::eps}, static_cast<std::uint64_t>(sample), 0, z);
    }
    const double below = below_in_anderson_darling(anderson_darling(z));
    INFO("sample " << sample << ", seed " << seed);
    CHECK(below > 1e-5);
    CHECK(below < 1 - 1e-5);
    sum += below;
  }
  // Chances are uniform where nothing is wrong.
  CHECK(std::abs(sum / samples - 0.5) < 5 * std::sqrt(1.0 / (12 * samples)));
}
