// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "ketpk/schedule.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;

namespace {

Regimen regimen_of(std::vector<Dose> doses) { return {.doses = std::move(doses), .dosing_weight = 70_kg}; }

Dose bolus(Micros at, double mg) { return {at, Micros{0}, mg, 0}; }
Dose infusion(Micros at, Micros over, double mg) { return {at, over, mg, mg / minutes(over)}; }

bool same(const Segment& a, const Segment& b) {
  return a.start == b.start && a.duration == b.duration &&
         std::bit_cast<std::uint64_t>(a.bolus_mg) == std::bit_cast<std::uint64_t>(b.bolus_mg) &&
         std::bit_cast<std::uint64_t>(a.rate_mg_per_min) == std::bit_cast<std::uint64_t>(b.rate_mg_per_min);
}

/// Whole numbers below `n` and fractions of one, from the generator's bits alone, so that every platform draws alike.
struct Random {
  std::mt19937_64 bits;
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(n)); }
  double fraction() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
};

/// 1 to 20 inputs that overlap, touch and coincide, among them pushes of a tenth of a second.
Regimen random_regimen(Random& random) {
  std::vector<Dose> doses;
  const std::int64_t n = 1 + random.below(20);
  Micros at{0};
  for (std::int64_t i = 0; i < n; ++i) {
    if (random.below(3) != 0) at += Micros{random.below(4) * 300'000'000 + random.below(2) * random.below(60'000'000)};
    const double mg = std::exp((random.fraction() - 0.5) * 12);
    switch (random.below(4)) {
      case 0: doses.push_back(bolus(at, mg)); break;
      case 1: doses.push_back(infusion(at, Micros{1 + random.below(60'000'000)}, mg)); break;
      case 2: doses.push_back(infusion(at, Micros{300'000'000 * (1 + random.below(4))}, mg)); break;
      default: doses.push_back(infusion(at, Micros{1 + random.below(86'400'000'000)}, mg)); break;
    }
  }
  return regimen_of(std::move(doses));
}

/// The drug of each input that has entered by `t`, added up input by input in extended precision.
long double entered(const Regimen& regimen, Micros t) {
  long double mg = 0;
  for (const Dose& d : regimen.doses) {
    if (d.at > t) continue;
    const long double part = d.is_bolus() || t >= d.end() ? 1.0L
                                                          : static_cast<long double>((t - d.at).count()) /
                                                                static_cast<long double>(d.over.count());
    mg += part * static_cast<long double>(d.amount_mg);
  }
  return mg;
}

std::string answer(std::vector<Dose> doses) {
  try {
    (void)schedule(regimen_of(std::move(doses)));
    return "accepted";
  } catch (const InvalidInput& no) {
    REQUIRE(no.message.find("; accepted: ") != std::string::npos);
    return std::string(name_of(no.code)) + ' ' + no.field;
  }
}

}  // namespace

TEST_CASE("one infusion is a segment of drug and a segment without end") {
  const auto segments = schedule(regimen_of({infusion(0min, 40min, 35)}));
  REQUIRE(segments.size() == 2);
  CHECK(same(segments[0], {0min, 40min, 0, 0.875}));
  CHECK(same(segments[1], {40min, 0min, 0, 0}));
}

TEST_CASE("time before the first input is a segment too") {
  const auto segments = schedule(regimen_of({bolus(10min, 5)}));
  REQUIRE(segments.size() == 2);
  CHECK(same(segments[0], {0min, 10min, 0, 0}));
  CHECK(same(segments[1], {10min, 0min, 5, 0}));
}

TEST_CASE("two infusions that overlap are three segments, and a bolus at their edge makes no fourth") {
  const auto segments = schedule(regimen_of({infusion(0min, 40min, 40), infusion(20min, 40min, 80), bolus(40min, 7)}));
  REQUIRE(segments.size() == 4);
  CHECK(same(segments[0], {0min, 20min, 0, 1}));
  CHECK(same(segments[1], {20min, 20min, 0, 3}));
  CHECK(same(segments[2], {40min, 20min, 7, 2}));
  CHECK(same(segments[3], {60min, 0min, 0, 0}));
}

TEST_CASE("infusions that touch never add up at the edge") {
  const auto segments = schedule(regimen_of({infusion(0min, 10min, 10), infusion(10min, 10min, 20)}));
  REQUIRE(segments.size() == 3);
  CHECK(segments[0].rate_mg_per_min == 1);
  CHECK(segments[1].rate_mg_per_min == 2);
  CHECK(segments[2].rate_mg_per_min == 0);
}

TEST_CASE("a regimen of nothing is one segment without end") {
  const auto segments = schedule(regimen_of({}));
  REQUIRE(segments.size() == 1);
  CHECK(same(segments[0], {0min, 0min, 0, 0}));
}

TEST_CASE("10,000 random regimens: no gap, every edge a segment edge, the last rate exactly zero") {
  Random random{std::mt19937_64(20261121)};
  for (int round = 0; round < 10'000; ++round) {
    const Regimen regimen = random_regimen(random);
    const auto segments = schedule(regimen);
    INFO("round " << round);
    REQUIRE(segments.front().start == 0us);
    for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
      REQUIRE(segments[i].duration > 0us);
      REQUIRE(segments[i].start + segments[i].duration == segments[i + 1].start);
    }
    REQUIRE(segments.back().duration == 0us);
    REQUIRE(std::bit_cast<std::uint64_t>(segments.back().rate_mg_per_min) == 0);
    const auto starts_one = [&](Micros t) {
      return std::any_of(segments.begin(), segments.end(), [&](const Segment& s) { return s.start == t; });
    };
    for (const Dose& d : regimen.doses) REQUIRE((starts_one(d.at) && starts_one(d.end())));
  }
}

TEST_CASE("10,000 random regimens: inside each segment the rate is the sum of what runs there") {
  Random random{std::mt19937_64(7)};
  for (int round = 0; round < 10'000; ++round) {
    const Regimen regimen = random_regimen(random);
    INFO("round " << round);
    for (const Segment& s : schedule(regimen)) {
      long double running = 0, pushed = 0;
      for (const Dose& d : regimen.doses) {
        // Twice the instants, so that the middle of a segment of 1 us is a whole number.
        const std::int64_t middle = 2 * s.start.count() + s.duration.count();
        if (s.duration > 0us && 2 * d.at.count() < middle && middle < 2 * d.end().count())
          running += static_cast<long double>(d.rate_mg_per_min);
        if (d.is_bolus() && d.at == s.start) pushed += static_cast<long double>(d.amount_mg);
      }
      REQUIRE(std::abs(static_cast<long double>(s.rate_mg_per_min) - running) <= 1e-15L * running);
      REQUIRE(std::abs(static_cast<long double>(s.bolus_mg) - pushed) <= 1e-15L * pushed);
    }
  }
}

TEST_CASE("10,000 random regimens: delivered mass equals ordered mass to 1e-12, at the end and on the way") {
  Random random{std::mt19937_64(42)};
  for (int round = 0; round < 10'000; ++round) {
    const Regimen regimen = random_regimen(random);
    const auto segments = schedule(regimen);
    INFO("round " << round);
    const Micros last = segments.back().start;
    const auto agrees_at = [&](Micros t) {
      const long double due = entered(regimen, t);
      return std::abs(static_cast<long double>(delivered_mg(segments, t)) - due) <= 1e-12L * due;
    };
    REQUIRE(agrees_at(last));
    REQUIRE(agrees_at(horizon_limit));
    for (int i = 0; i < 5; ++i) REQUIRE(agrees_at(Micros{random.below(last.count() + 1)}));
    REQUIRE(delivered_mg(segments, Micros{-1}) == 0.0);
  }
}

TEST_CASE("10,000 infusions that all overlap still deliver what was ordered to 1e-12") {
  std::vector<Dose> doses;
  for (int i = 0; i < 10'000; ++i) doses.push_back(infusion(Micros{i}, 60min, 0.001 + 1e-7 * i));
  const Regimen regimen = regimen_of(std::move(doses));
  const auto segments = schedule(regimen);
  CHECK(segments.size() == 20'000);
  CHECK(segments.back().rate_mg_per_min == 0.0);
  const long double due = entered(regimen, horizon_limit);
  CHECK(std::abs(static_cast<long double>(delivered_mg(segments, horizon_limit)) - due) <= 1e-12L * due);
}

TEST_CASE("four inputs at one instant give the same bits in each of their 24 orders") {
  const std::array<Dose, 4> inputs{infusion(10min, 7min, 0.1), infusion(10min, 11min, 1e-9), infusion(10min, 7min, 3e5),
                                   infusion(10min, 13min, 0.7)};
  const std::array<Dose, 4> pushes{bolus(10min, 0.1), bolus(10min, 1e-9), bolus(10min, 3e5), bolus(10min, 0.7)};
  for (const auto& four : {inputs, pushes}) {
    std::array<std::size_t, 4> order{0, 1, 2, 3};
    const auto first = schedule(regimen_of({four[0], four[1], four[2], four[3]}));
    int orders = 0;
    do {
      const auto segments = schedule(regimen_of({four[order[0]], four[order[1]], four[order[2]], four[order[3]]}));
      REQUIRE(segments.size() == first.size());
      for (std::size_t i = 0; i < first.size(); ++i) REQUIRE(same(segments[i], first[i]));
      ++orders;
    } while (std::next_permutation(order.begin(), order.end()));
    CHECK(orders == 24);
  }
}

TEST_CASE("a bolus counts from its very instant, an infusion from just after") {
  const auto segments = schedule(regimen_of({bolus(1min, 5), infusion(2min, 10min, 10)}));
  CHECK(delivered_mg(segments, 1min - 1us) == 0);
  CHECK(delivered_mg(segments, 1min) == 5);
  CHECK(delivered_mg(segments, 2min) == 5);
  CHECK(delivered_mg(segments, 3min) == 6);
  CHECK(delivered_mg(segments, 12min) == 15);
  CHECK(delivered_mg(segments, 24h) == 15);
}

TEST_CASE("many instants at once, in any order and before zero, are answered as each one alone") {
  const auto segments = schedule(regimen_of({bolus(0min, 5), infusion(2min, 10min, 10), infusion(4min, 1min, 3)}));
  const std::vector<Micros> times{3min, 30min, 4min, -1min, 0min, 5min, 270s, 0min};
  const std::vector<double> due{6, 18, 7, 0, 5, 11, 9, 5};
  const auto found = delivered_mg(segments, times);
  REQUIRE(found.size() == due.size());
  for (std::size_t i = 0; i < due.size(); ++i) {
    CHECK(std::abs(found[i] - due[i]) <= 1e-14 * due[i]);
    CHECK(found[i] == delivered_mg(segments, times[i]));
  }
}

TEST_CASE("C32: a 10-s push at 5.35 min is delivered to 1e-9 although no whole minute sees it") {
  const auto segments = schedule(regimen_of({infusion(321s, 10s, 20)}));
  CHECK(delivered_mg(segments, 5min) == 0);
  CHECK(std::abs(delivered_mg(segments, 6min) - 20) <= 2e-8);
  CHECK(std::abs(delivered_mg(segments, 326s) - 10) <= 1e-8);
}

TEST_CASE("C29 C30 C31: a regimen that no order gives is refused, and nothing of it is lost in silence") {
  constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
  CHECK(answer({bolus(20min, 1), bolus(10min, 1)}) == "E_TIME_ORDER order[1].at");
  CHECK(answer({bolus(-1min, 1)}) == "E_TIME_ORDER order[0].at");
  CHECK(answer({{10min, -5min, 1, 1}}) == "E_TIME_ORDER order[0].over");
  CHECK(answer({{0min, 0min, 1, 1}}) == "E_SEGMENT order[0]");   // no duration and yet a rate
  CHECK(answer({{0min, 10min, 0, 1}}) == "E_SEGMENT order[0]");  // a rate and no amount
  CHECK(answer({{0min, 10min, 1, 0}}) == "E_SEGMENT order[0]");
  CHECK(answer({bolus(0min, -1)}) == "E_SEGMENT order[0]");
  CHECK(answer({bolus(0min, not_a_number)}) == "E_NONFINITE order[0]");
  CHECK(answer({{0min, 10min, 1, not_a_number}}) == "E_NONFINITE order[0]");
  CHECK(answer({bolus(0min, 1), infusion(1us, horizon_limit, 1)}) == "E_RANGE order[1].over");
  CHECK(answer({bolus(0min, 1), infusion(0min, 10min, 1)}) == "accepted");
}
