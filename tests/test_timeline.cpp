// SPDX-License-Identifier: Apache-2.0

#include "ketpk/timeline.hpp"

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "random_cases.hpp"

using namespace ketpk;
using namespace std::chrono_literals;

namespace {

Entering infusion(double mg_per_min, Micros duration, Micros lag = 0us) {
  return {.rate_mg_per_min = mg_per_min, .duration = duration, .lag = lag};
}
Entering bolus(double mg, Micros lag = 0us) { return {.bolus_mg = mg, .lag = lag}; }

Timeline of(const std::vector<Happening>& records, CovariateRule rule = CovariateRule::nonmem) {
  return timeline(records, rule);
}

/// What a timeline gives to all places together between two instants [mg]; boluses at the first count.
double given_mg(const Timeline& t, Micros from, Micros to) {
  double mg = 0;
  for (const Stretch& s : t.stretches) {
    if (s.start >= from && s.start < to)
      for (const Intake& b : s.boluses) mg += b.amount;
    const Micros overlap = std::min(to, s.start + s.duration) - std::max(from, s.start);
    if (overlap.count() > 0)
      for (const Intake& r : s.rates) mg += r.amount * minutes(overlap);
  }
  return mg;
}

double rate_at(const Timeline& t, Micros instant) {
  double rate = 0;
  for (const Stretch& s : t.stretches)
    if (s.start <= instant && instant < s.start + s.duration)
      for (const Intake& r : s.rates) rate += r.amount;
  return rate;
}

}  // namespace

TEST_CASE("a reset stops running infusions and cancels lagged and repeated doses") {
  Entering repeated = bolus(3);
  repeated.additional = 5;
  repeated.interval = 2h;
  for (const bool gives : {false, true}) {
    std::vector<Happening> records{{.line = 2, .time = 0h, .dose = infusion(1, 10h)},
                                   {.line = 3, .time = 1h, .dose = bolus(7, 4h)},
                                   {.line = 4, .time = 1h, .dose = repeated},
                                   {.line = 5, .time = 2h, .empties = true},
                                   {.line = 6, .time = 24h}};
    if (gives) records[3].dose = bolus(11);
    const Timeline t = of(records);
    CHECK(t.stretches[t.of_record[3]].is_emptied);
    CHECK(given_mg(t, 2h, 24h) == (gives ? 11 : 0));
    CHECK(given_mg(t, 0h, 2h) == Approx(123));
  }
}

TEST_CASE("a dose that is due at the instant of a reset comes before it and is gone") {
  const Timeline t = of({{.line = 2, .time = 0h, .dose = bolus(7, 2h)},
                         {.line = 3, .time = 2h, .empties = true},
                         {.line = 4, .time = 3h}});
  const std::size_t reset = t.of_record[1];
  CHECK(t.stretches[reset].boluses.empty());
  CHECK(t.stretches[reset].is_emptied);
  CHECK(t.stretches[reset - 1].boluses.at(0).amount == 7);
}

TEST_CASE(
    "an infusion whose end coincides with a record, a dose and another's end ends once, and no rate is negative") {
  const Timeline t = of({{.line = 2, .time = 0h, .dose = infusion(1, 2h)},
                         {.line = 3, .time = 1h, .dose = infusion(0.25, 1h)},
                         {.line = 4, .time = 2h},
                         {.line = 5, .time = 2h, .dose = infusion(0.5, 1h)},
                         {.line = 6, .time = 2h},
                         {.line = 7, .time = 4h}});
  CHECK(rate_at(t, 30min) == 1);
  CHECK(rate_at(t, 90min) == 1.25);
  CHECK(rate_at(t, 2h) == 0.5);
  CHECK(rate_at(t, 3h) == 0);
  for (const Stretch& s : t.stretches) {
    CHECK(s.duration.count() >= 0);
    for (const Intake& r : s.rates) CHECK(r.amount > 0);
  }
}

TEST_CASE("an infusion with a lag begins and ends later by the lag") {
  const Timeline t = of({{.line = 2, .time = 1h, .dose = infusion(2, 30min, 45min)}, {.line = 3, .time = 10h}});
  CHECK(rate_at(t, 105min - 1us) == 0);
  CHECK(rate_at(t, 105min) == 2);
  CHECK(rate_at(t, 135min - 1us) == 2);
  CHECK(rate_at(t, 135min) == 0);
}

TEST_CASE("an infusion that begins between records and is short is never missed") {
  ketpk::testing::Random random(7);
  for (int i = 0; i < 2'000; ++i) {
    const Micros lag = random.instant(1us, 23h);
    const Timeline t = of({{.line = 2, .time = 0h, .dose = infusion(30, 2s, lag)}, {.line = 3, .time = 24h}});
    CHECK(given_mg(t, 0h, 24h) == Approx(1.0).epsilon(1e-14));
  }
}

TEST_CASE("a lagged or repeated dose that arrives at a record's instant is in what the record shows") {
  Entering repeated = bolus(5);
  repeated.additional = 1;
  repeated.interval = 3h;
  for (const Entering& dose : {bolus(5, 3h), repeated}) {
    const Timeline t = of({{.line = 2, .time = 0h, .dose = dose}, {.line = 3, .time = 3h}});
    CHECK(t.stretches[t.of_record[1] - 1].start == 3h);
    CHECK(t.stretches[t.of_record[1] - 1].boluses.at(0).amount == 5);
    CHECK(t.stretches[t.of_record[1]].boluses.empty());
  }
}

TEST_CASE("a record sees the doses ahead of it at its instant and not those after it") {
  const Timeline t = of({{.line = 2, .time = 1h},
                         {.line = 3, .time = 1h, .dose = bolus(5)},
                         {.line = 4, .time = 1h},
                         {.line = 5, .time = 1h, .dose = bolus(6)}});
  REQUIRE(t.stretches.size() == 4);
  CHECK(t.stretches[0].boluses.empty());
  CHECK(t.stretches[1].boluses.at(0).amount == 5);
  CHECK(t.stretches[2].boluses.empty());
  CHECK(t.stretches[3].boluses.at(0).amount == 6);
}

TEST_CASE("doses that arrive at one instant give the same stretches in all 24 orders") {
  std::array<Entering, 4> doses{bolus(0.1, 2h), infusion(0.3, 1h, 2h), infusion(0.7, 3h, 2h), bolus(0.7, 2h)};
  std::array<std::size_t, 4> order{0, 1, 2, 3};
  std::vector<Stretch> first;
  do {
    std::vector<Happening> records;
    for (const std::size_t i : order) records.push_back({.line = 2 + records.size(), .time = 0h, .dose = doses[i]});
    records.push_back({.line = 6, .time = 9h});
    const Timeline t = of(records);
    if (first.empty()) first = t.stretches;
    REQUIRE(t.stretches.size() == first.size());
    for (std::size_t k = 0; k < first.size(); ++k) {
      REQUIRE(t.stretches[k].start == first[k].start);
      REQUIRE(t.stretches[k].boluses.size() == first[k].boluses.size());
      REQUIRE(t.stretches[k].rates.size() == first[k].rates.size());
      for (std::size_t i = 0; i < first[k].boluses.size(); ++i)
        CHECK(t.stretches[k].boluses[i].amount == first[k].boluses[i].amount);
      for (std::size_t i = 0; i < first[k].rates.size(); ++i)
        CHECK(t.stretches[k].rates[i].amount == first[k].rates[i].amount);
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE(
    "a record's covariates govern the interval that ends at it, also past an infusion's hidden end; or, carried "
    "forward, the one that begins at it") {
  const std::vector<Happening> records{
      {.line = 2, .time = 0h, .dose = infusion(1, 3h, 1h)}, {.line = 3, .time = 2h}, {.line = 4, .time = 6h}};
  const auto governs = [](const Timeline& t, Micros instant) {
    std::size_t record = 99;
    for (const Stretch& s : t.stretches)
      if (s.start <= instant && instant < s.start + s.duration) record = s.record;
    return record;
  };
  const Timeline next = of(records), last = of(records, CovariateRule::locf);
  for (const Micros instant : {Micros(0h), Micros(1h), Micros(119min)}) {
    CHECK(governs(next, instant) == 1);
    CHECK(governs(last, instant) == 0);
  }
  for (const Micros instant : {Micros(2h), Micros(4h), Micros(359min)}) {
    CHECK(governs(next, instant) == 2);
    CHECK(governs(last, instant) == 1);
  }
}

TEST_CASE("a steady state replaces what was there and stops it, or is added and stops nothing") {
  for (const SteadyState kind : {SteadyState::replaces, SteadyState::adds}) {
    Entering dose = bolus(5);
    dose.interval = 12h;
    dose.steady_state = kind;
    const Timeline t = of({{.line = 2, .time = 0h, .dose = infusion(1, 10h)},
                           {.line = 3, .time = 1h, .dose = dose},
                           {.line = 4, .time = 24h}});
    const Stretch& s = t.stretches[t.of_record[1]];
    CHECK(s.is_emptied == (kind == SteadyState::replaces));
    CHECK(s.steady.has_value());
    CHECK(rate_at(t, 2h) == (kind == SteadyState::replaces ? 0 : 1));
  }
}

TEST_CASE("infusions longer than the interval of a steady state go on after its record, each to its own end") {
  Entering dose = infusion(1, 28h, 3h);
  dose.interval = 8h;
  dose.steady_state = SteadyState::replaces;
  // Past doses came 5 h, 13 h, 21 h and 29 h before the record; those of 5, 13 and 21 h go on, one more begins in 3 h.
  const Timeline t = of({{.line = 2, .time = 100h, .dose = dose}, {.line = 3, .time = 200h}});
  CHECK(t.stretches[t.of_record[0]].steady->phase == 5h);
  const Micros at = 100h;
  CHECK(rate_at(t, at) == 3);
  CHECK(rate_at(t, at + 3h) == 4);
  CHECK(rate_at(t, at + 7h) == 3);
  CHECK(rate_at(t, at + 15h) == 2);
  CHECK(rate_at(t, at + 23h) == 1);
  CHECK(rate_at(t, at + 31h) == 0);
  CHECK(given_mg(t, at, 200h) == Approx(60.0 * (7 + 15 + 23 + 28)));
}

TEST_CASE("ninety thousand infusions that run at once end one by one") {
  Entering dose = infusion(1.0 / 3, 24h * 390);
  dose.interval = 6min;
  dose.steady_state = SteadyState::replaces;
  const Timeline t = of({{.line = 2, .time = 0h, .dose = dose}, {.line = 3, .time = 24h * 400}});
  CHECK(rate_at(t, 0h) == Approx(93'600 / 3.0).epsilon(1e-14));
  CHECK(rate_at(t, 24h * 389) == Approx(240 / 3.0).epsilon(1e-14));
  CHECK(rate_at(t, 24h * 391) == 0);
}

TEST_CASE("more stretches than two million are refused with the line") {
  Entering dose = bolus(1);
  dose.additional = 100'000;
  std::vector<Happening> records;
  for (std::size_t k = 0; k < 21; ++k) {
    dose.interval = Micros(1'000'000 + static_cast<std::int64_t>(k));
    records.push_back({.line = 2 + k, .time = Micros(0h), .dose = dose});
  }
  records.push_back({.line = 23, .time = 48h});
  try {
    (void)of(records);
    FAIL("taken");
  } catch (const InvalidInput& e) {
    CHECK(e.code == Code::size);
    CHECK(e.field == "data line 23");
  }
}

TEST_CASE("what a timeline cannot mean is refused with the line") {
  const auto code_of = [](const std::vector<Happening>& records) {
    try {
      (void)of(records);
    } catch (const InvalidInput& e) {
      CHECK(e.field.starts_with("data line "));
      return e.code;
    }
    return Code::arg;
  };
  CHECK(code_of({{.line = 2, .time = 2h}, {.line = 3, .time = 1h}}) == Code::time_order);
  CHECK(code_of({{.line = 2, .time = 0h}, {.line = 3, .time = 24h * 401}}) == Code::range);
  Entering dose = bolus(1, 12h);
  dose.interval = 12h;
  dose.steady_state = SteadyState::replaces;
  CHECK(code_of({{.line = 2, .time = 0h, .dose = dose}}) == Code::range);
  dose.interval = 0h;
  CHECK(code_of({{.line = 2, .time = 0h, .dose = dose}}) == Code::range);
  dose.steady_state = SteadyState::none;
  dose.additional = 1;
  CHECK(code_of({{.line = 2, .time = 0h, .dose = dose}}) == Code::range);
}
