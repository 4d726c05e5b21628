// SPDX-License-Identifier: Apache-2.0

#include <cmath>
#include <cstdint>
#include <random>

#include "catch.hpp"
#include "ketpk/time.hpp"

using namespace ketpk;
using namespace std::chrono_literals;

TEST_CASE("the standard literals are exact durations") {
  STATIC_REQUIRE(Micros{40min} == Micros{2'400'000'000});
  STATIC_REQUIRE(Micros{10s} == Micros{10'000'000});
  STATIC_REQUIRE(Micros{1us}.count() == 1);
  STATIC_REQUIRE(minutes(40min) == 40.0);
  STATIC_REQUIRE(minutes(90s) == 1.5);
  STATIC_REQUIRE(minutes(Micros{0}) == 0.0);
}

TEST_CASE("the supported course ends after 400 days of 86,400 s") {
  STATIC_REQUIRE(horizon_limit == Micros{INT64_C(400) * 86'400 * 1'000'000});
  STATIC_REQUIRE(minutes(horizon_limit) == 576'000.0);
}

TEST_CASE("minutes are correctly rounded for every instant of the course") {
  std::mt19937_64 random(20261121);
  for (int i = 0; i < 100'000; ++i) {
    const auto us = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(horizon_limit.count() + 1));
    const double shown = minutes(Micros{us});
    // How far `shown` is from us / 6e7, in us, with one rounding by fma; half an ulp is allowed and no more.
    const double off = std::abs(std::fma(shown, 6e7, -static_cast<double>(us)));
    const double half_ulp = (std::nextafter(shown, INFINITY) - shown) / 2;
    INFO("us " << us);
    REQUIRE(off <= half_ulp * 6e7);
  }
}

TEST_CASE("two instants that differ by one microsecond never show as the same minute") {
  for (std::int64_t us = 0; us < horizon_limit.count() - 1; us += 345'600'000'007)
    REQUIRE(minutes(Micros{us}) < minutes(Micros{us + 1}));
}
