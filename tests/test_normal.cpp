// SPDX-License-Identifier: Apache-2.0
#include "ketpk/normal.hpp"

#include <array>
#include <bit>
#include <boost/math/special_functions/erf.hpp>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "catch.hpp"
#include "random_cases.hpp"

namespace {

using Exact = boost::multiprecision::cpp_bin_float_50;
using ketpk::Lanes;
using ketpk::Purpose;
using ketpk::Stream;
using ketpk::testing::Random;

constexpr double inf = std::numeric_limits<double>::infinity(), not_a_number = std::numeric_limits<double>::quiet_NaN();

/// The chance of more than z.
Exact tail_beyond(const Exact& z) { return boost::math::erfc(Exact(z / sqrt(Exact(2)))) / 2; }

/// How far z >= 0 is from the point with the tail p beyond it: one step of Newton's method, whose own error is the
/// square.
double off(double z, const Exact& p) {
  const Exact at = z, density = exp(-at * at / 2) / sqrt(2 * boost::math::constants::pi<Exact>());
  return std::abs(static_cast<double>((tail_beyond(at) - p) / density));
}

double of_bits(std::uint64_t bits) { return ketpk::detail::normal_of<double>(bits & 0xffffffff, bits >> 32); }

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (std::isnan(a) && std::isnan(b));
}

std::vector<double> drawn(const Stream& stream, std::uint64_t subject, std::size_t first, std::size_t count) {
  std::vector<double> out(count);
  ketpk::normals<double>(stream, subject, first, out);
  return out;
}

template <std::size_t N>
void lanes_agree() {
  using L = Lanes<N>;
  const Stream stream{20261122, Purpose::kappa, 3};
  const std::uint64_t far = 0xfffffffffff00000;
  for (std::uint64_t first = far; first < far + 2'048; first += N) {  // 2e4 draws and more: the far tails too
    std::array<L, 11> normal, uniform;
    ketpk::normals<L>(stream, ketpk::consecutive<L>(first), 3, normal);
    ketpk::uniforms<L>(stream, ketpk::consecutive<L>(first), 3, uniform);
    for (std::size_t i = 0; i < N; ++i) {
      const std::vector<double> alone = drawn(stream, first + i, 3, 11);
      std::array<double, 11> uniform_alone{};
      ketpk::uniforms<double>(stream, first + i, 3, uniform_alone);
      for (std::size_t j = 0; j < 11; ++j) {
        REQUIRE(same_bits(normal[j][i], alone[j]));
        REQUIRE(same_bits(uniform[j][i], uniform_alone[j]));
      }
    }
  }
  Random r(N);
  for (int n = 0; n < 2'000; ++n) {
    std::array<double, N> x{}, p{};
    const std::array<double, 8> odd{0, 1, 0.5, -1, 2, not_a_number, 1e-310, inf};
    for (std::size_t i = 0; i < N; ++i) {
      x[i] = r.one_in(9) ? (r.one_in(2) ? inf : -inf) : r.between(-40, 40);
      p[i] = r.one_in(5)   ? odd[static_cast<std::size_t>(r.below(8))]
             : r.one_in(2) ? r.uniform()
                           : r.log_between(1e-300, 1);
    }
    const L cdf = ketpk::normal_cdf(L::from(x.data())), quantile = ketpk::normal_quantile(L::from(p.data()));
    for (std::size_t i = 0; i < N; ++i) {
      INFO("x " << x[i] << ", p " << p[i]);
      REQUIRE(same_bits(cdf[i], ketpk::normal_cdf(x[i])));
      REQUIRE(same_bits(quantile[i], ketpk::normal_quantile(p[i])));
    }
  }
}

}  // namespace

TEST_CASE("a normal number is the quantile of its 64 bits, in the far tails too") {
  Random r(20261122);
  double middle = 0, tails = 0;
  for (int n = 0; n < 4'000; ++n) {
    const auto k =
        static_cast<std::uint64_t>(n % 2 == 0 ? r.uniform() * 0x1p63 : r.log_between(1, 0x1p62)) >> (n < 20 ? 62 : 0);
    const Exact p = (Exact(k) + 0.5) * 0x1p-64;
    const double z = of_bits(k);
    REQUIRE(of_bits(k | 0x8000000000000000) == -z);
    const double error = off(z, p);
    (z < 1 ? middle : tails) = std::max(z < 1 ? middle : tails, z < 1 ? error : error / z);
  }
  INFO("worst: absolute below 1 " << middle << ", relative above " << tails);
  CHECK(middle < 6e-16);
  CHECK(tails < 1e-15);
  CHECK(off(of_bits(0), Exact(0x1p-65)) < 1e-14);
  CHECK(of_bits(0) > 9.1);
  CHECK(of_bits(0x7fffffffffffffff) == 0.0);
}

TEST_CASE("quantile and distribution agree with 50-digit arithmetic") {
  Random r(20261123);
  double quantile = 0, cdf = 0;
  for (int n = 0; n < 3'000; ++n) {
    const double p = n % 3 == 0   ? r.between(0, 0.5)
                     : n % 3 == 1 ? r.log_between(1e-307, 0.5)
                                  : r.log_between(1e-4, 0.5);
    const double z = ketpk::normal_quantile(p);
    REQUIRE(z <= 0);
    quantile = std::max(quantile, off(-z, p) / std::max(1.0, -z));
    const double x = n % 2 == 0 ? r.between(-37.5, 9) : r.between(-3, 3);
    const Exact due = tail_beyond(Exact(-x));
    cdf = std::max(cdf, std::abs(static_cast<double>((Exact(ketpk::normal_cdf(x)) - due) / due)));
  }
  INFO("worst: quantile " << quantile << ", distribution " << cdf);
  CHECK(quantile < 1e-15);
  CHECK(cdf < 2e-15);
}

TEST_CASE("quantile and distribution meet their limits and refuse with NaN") {
  CHECK(ketpk::normal_quantile(0.0) == -inf);
  CHECK(ketpk::normal_quantile(1.0) == inf);
  CHECK(ketpk::normal_quantile(0.5) == 0.0);
  CHECK(ketpk::normal_quantile(0.75) == -ketpk::normal_quantile(0.25));
  CHECK(ketpk::normal_quantile(0.975) == Approx(1.959963984540054).epsilon(1e-15));
  for (const double p : {-0.1, 1.1, inf, -inf, not_a_number}) CHECK(std::isnan(ketpk::normal_quantile(p)));
  CHECK(ketpk::normal_cdf(0.0) == 0.5);
  CHECK(ketpk::normal_cdf(-inf) == 0.0);
  CHECK(ketpk::normal_cdf(inf) == 1.0);
  CHECK(std::isnan(ketpk::normal_cdf(not_a_number)));
}

TEST_CASE("uniform numbers are odd multiples of 2^-53, never 0 or 1") {
  CHECK(ketpk::detail::uniform_of<double>(0, 0) == 0x1p-53);
  CHECK(ketpk::detail::uniform_of<double>(0xffffffff, 0xffffffff) == 1 - 0x1p-53);
  CHECK(ketpk::detail::uniform_of<double>(0, 0x80000000) == 0.5 + 0x1p-53);
  std::vector<double> u(1'000'000);
  ketpk::uniforms<double>({20261122, Purpose::design}, 7, 0, u);
  double sum = 0, squares = 0;
  for (const double x : u) {
    REQUIRE(std::fmod(x * 0x1p53, 2.0) == 1.0);
    sum += x - 0.5;
    squares += (x - 0.5) * (x - 0.5) - 1.0 / 12;
  }
  CHECK(std::abs(sum) < 5 * std::sqrt(1e6 / 12));
  CHECK(std::abs(squares) < 5 * std::sqrt(1e6 / 180));
}

TEST_CASE("each lane has the numbers of its subject alone, whatever its neighbours are") {
  lanes_agree<2>();
  lanes_agree<8>();
  lanes_agree<32>();
}

TEST_CASE("numbers asked for in pieces are those asked for at once") {
  const Stream stream{5, Purpose::eta};
  const std::vector<double> whole = drawn(stream, 12'345, 0, 40);
  for (std::size_t first = 0; first < 40; ++first)
    for (std::size_t count = 0; first + count <= 40; ++count)
      REQUIRE(drawn(stream, 12'345, first, count) ==
              std::vector<double>(whole.begin() + static_cast<std::ptrdiff_t>(first),
                                  whole.begin() + static_cast<std::ptrdiff_t>(first + count)));
}

TEST_CASE("seed, purpose, occasion and subject each change every number") {
  const std::vector<double> base = drawn({5, Purpose::eta, 0}, 8, 0, 6);
  for (const std::vector<double>& other :
       {drawn({6, Purpose::eta, 0}, 8, 0, 6), drawn({5 + (1ULL << 32), Purpose::eta, 0}, 8, 0, 6),
        drawn({5, Purpose::kappa, 0}, 8, 0, 6), drawn({5, Purpose::eta, 1}, 8, 0, 6),
        drawn({5, Purpose::eta, 0}, 9, 0, 6), drawn({5, Purpose::eta, 0}, 8 + (1ULL << 32), 0, 6)})
    for (std::size_t j = 0; j < 6; ++j) CHECK(other[j] != base[j]);
}

TEST_CASE("a million draws have the moments of the normal distribution") {
  using L = Lanes<8>;
  constexpr double n = 1'000'000;
  std::array<double, 5> sum{};
  std::array<L, 2> out;
  for (std::uint64_t i = 0; i < 500'000; i += L::size()) {
    ketpk::normals<L>({20261122, Purpose::eta}, ketpk::consecutive<L>(i), 0, out);
    for (const L& z : out)
      for (std::size_t lane = 0; lane < L::size(); ++lane)
        for (std::size_t power = 1; power <= 4; ++power) sum[power] += std::pow(z[lane], power);
  }
  // Five standard errors: the variance of z^k is E z^2k - (E z^k)^2.
  CHECK(std::abs(sum[1]) < 5 * std::sqrt(n * 1));
  CHECK(std::abs(sum[2] - n) < 5 * std::sqrt(n * 2));
  CHECK(std::abs(sum[3]) < 5 * std::sqrt(n * 15));
  CHECK(std::abs(sum[4] - 3 * n) < 5 * std::sqrt(n * 96));
}
