// stand-in, uncommitted
#pragma once
#include <cstdint>
#include <cmath>
namespace ketpk {
struct Tally { friend bool operator==(const Tally&, const Tally&) = default; };
struct Proportion { std::uint64_t hits, of; double share, low, high; };
inline Proportion proportion(std::uint64_t hits, std::uint64_t of, double) {
  const double n = static_cast<double>(of), p = static_cast<double>(hits) / n, z = 1.959963984540054;
  const double d = 1 + z * z / n, c = (p + z * z / (2 * n)) / d, h = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d;
  return {hits, of, p, hits == 0 ? 0 : c - h, c + h};
}
}
