// SPDX-License-Identifier: Apache-2.0
// Facts about courses of sessions. Each is held against another road: the same inputs written out one by one, sums of
// single sessions, windows summed by brute force, a calendar by hand.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "ketpk/delivery.hpp"
#include "ketpk/io.hpp"
#include "ketpk/library.hpp"
#include "ketpk/report.hpp"
#include "ketpk/sessions.hpp"
#include "ketpk/simulate.hpp"
#include "random_cases.hpp"
#include "sub_anaesthetic.hpp"

using namespace ketpk;
using namespace fixture;
using namespace ketpk::literals;
using namespace std::chrono_literals;

namespace {

using ketpk::testing::Random;
using Json = nlohmann::ordered_json;

constexpr std::uint64_t seed = 20261121;
constexpr Micros day = 24h;

Order in_course(Order o, CoursePlan plan) {
  o.course = std::move(plan);
  return o;
}
CoursePlan at(std::vector<Micros> starts) { return {.starts = std::move(starts)}; }

/// The same inputs and events without a course, each written out.
Order written_out(const Order& o) {
  Order all = o;
  all.course.reset();
  all.inputs.clear();
  for (const Micros start : o.course->starts)
    for (Input in : o.inputs) {
      std::visit([&](auto& x) { x.at += start; }, in);
      all.inputs.push_back(std::move(in));
    }
  for (Event& e : all.events) {
    e.at += o.course->starts[*e.session];
    e.input += *e.session * o.inputs.size();
    e.session.reset();
  }
  return all;
}

Request request_of(Order o, std::vector<Micros> asked = {10min, 40min, 3h}) {
  return {.patient = {.weight = 70_kg, .age = 42_yr},
          .order = std::move(o),
          .model = library::find("kamp2020"),
          .observe = {.at = std::move(asked)}};
}
Result must(const Request& request) {
  const Outcome outcome = simulate(request);
  if (const auto* trouble = std::get_if<Trouble>(&outcome)) FAIL(trouble->where << ": " << trouble->message);
  return std::get<Result>(outcome);
}
std::string curve_bytes(Result r) {
  r.delivery.reset();  // what is told of the delivery beside the curve
  return block_json(r, "profile", "") + block_json(r, "summary", "");
}

/// One to three inputs within five hours.
std::vector<Input> random_inputs(Random& random) {
  std::vector<Input> inputs;
  for (int n = 1 + random.below(3), i = 0; i < n; ++i) {
    const Micros start = i * 90min + random.instant(0us, 20min), over = random.instant(1us, 2h);
    const StatedDose dose{random.between(0.05, 0.6), unit::mg_per_kg};
    if (random.one_in(3))
      inputs.emplace_back(Bolus{dose, start});
    else
      inputs.emplace_back(Infuse{dose, over, start});
  }
  return inputs;
}
CoursePlan random_plan(Random& random, int most = 8) {
  CoursePlan plan{.starts = {random.instant(0us, 3h)}};
  for (int n = random.below(most); n > 0; --n)
    plan.starts.push_back(plan.starts.back() + random.instant(6h, random.one_in(2) ? 12h : 200h));
  return plan;
}

Limits only(Limit limit) {
  Limits set = fixture::limits();
  set.limits = {std::move(limit)};
  return set;
}
Limit cumulative(double mg_per_kg, Micros window) {
  return {.id = "window",
          .quantity = LimitQuantity::cumulative_dose_per_weight,
          .hard_high = bound(mg_per_kg, unit::mg_per_kg),
          .required = true,
          .source = "fixture",
          .window = Stated<dim::time>(static_cast<double>(window.count()), unit::us)};
}
Limit interval(double low_h) {
  return {.id = "interval",
          .quantity = LimitQuantity::sessions_interval,
          .soft_low = bound(low_h, unit::h),
          .required = true,
          .source = "fixture"};
}
Order twice_weekly(double mg_per_kg = 0.5, std::size_t times = 4) {
  return in_course(infuse(mg_per_kg, unit::mg_per_kg), course_every(84h, times));
}

Json document(const Json& course) {
  return {{"schema", "ketpk.session/1"},
          {"patient", {{"weight", "70 kg"}, {"age", "42 yr"}}},
          {"analyte", "racemic-ketamine"},
          {"form", "base"},
          {"initial_state", "drug-free"},
          {"order", {{{"infuse", "0.5 mg/kg"}, {"over", "40 min"}}}},
          {"course", course},
          {"model", "kamp2020"},
          {"observe", {{"every", "6 h"}, {"until", "15 d"}}}};
}
Request read(const Json& session) { return io::read_session(session.dump(), {.folder = ".", .today = today}); }
std::vector<Micros> starts_of(const std::vector<std::string>& dates) {
  return read(document({{"at", dates}})).order.course->starts;
}

}  // namespace

TEST_CASE("a course is its inputs written out one by one, to the bit, for 200 random ones") {
  Random random(seed);
  for (int n = 0; n < 200; ++n) {
    INFO("case " << n << " of seed " << seed);
    const Order o = in_course(order(random_inputs(random)), random_plan(random));
    std::vector<Micros> asked{10min, 5h, o.course->starts.back(), o.course->starts.back() + 70min};
    std::sort(asked.begin(), asked.end());
    const Result r = must(request_of(o, asked)), all = must(request_of(written_out(o), asked));
    REQUIRE(r.regimen.doses == all.regimen.doses);
    REQUIRE(curve_bytes(r) == curve_bytes(all));
    REQUIRE(r.sessions.size() == o.course->starts.size());
    REQUIRE(all.sessions.empty());
  }
}

TEST_CASE("events of one session leave the others alone, and are those of the inputs written out, to the bit") {
  Order o = twice_weekly(0.5, 5);
  o.events = {{0, 12min, Pause{}, false, 2}, {0, 17min, Resume{}, false, 2}, {0, 30min, Stop{}, false, 4}};
  const Result r = must(request_of(o, {10min, 168h + 13min, 168h + 50min, 336h + 1h}));
  CHECK(curve_bytes(r) ==
        curve_bytes(must(request_of(written_out(o), {10min, 168h + 13min, 168h + 50min, 336h + 1h}))));
  for (const std::size_t s : {0U, 1U, 3U}) {
    CHECK(r.delivery->inputs[s].pieces == std::vector<Dose>{r.regimen.doses[s]});
    CHECK(r.sessions[s].delivered_mg == 35);
  }
  CHECK(r.delivery->inputs[2].pieces.size() == 2);
  CHECK(r.delivery->inputs[2].since == 168h + 45min);
  CHECK(r.sessions[2].delivered_mg == Approx(35).epsilon(1e-14));
  CHECK(r.sessions[4].delivered_mg == Approx(26.25).epsilon(1e-14));
  CHECK(r.sessions[4].ordered_mg == 35);
  CHECK(to_json(r, "0").find("\"input\": \"session[4].order[0]\"") != std::string::npos);
}

TEST_CASE("an event in a course names its session, and stays within it") {
  const auto no = [](std::vector<Event> events, bool with_course = true) {
    Order o = with_course ? twice_weekly() : infuse(0.5, unit::mg_per_kg);
    o.events = std::move(events);
    return refusal([&] { (void)deliver(o, resolve(o, BodyMass(70, unit::kg))); });
  };
  CHECK(no({{0, 12min, Pause{}}}) == "E_FIELD_MISSING events[0].session");
  CHECK(no({{0, 12min, Pause{}, false, 4}}) == "E_RANGE events[0].session");
  CHECK(no({{1, 12min, Pause{}, false, 0}}) == "E_RANGE events[0].pause");
  CHECK(no({{0, 12min, Pause{}, false, 0}}, false) == "E_FIELD_UNKNOWN events[0].session");
  CHECK(no({{0, 12min, Pause{}, false, 1}, {0, 13min, Pause{}, false, 0}}) == "E_TIME_ORDER events[1].at");
  CHECK(no({{0, 12min, Pause{}, false, 0}, {0, 84h, Resume{}, false, 0}}) == "E_TIME_ORDER events[1].at");
  // Resumed a quarter of an hour before the next session, with 28 min to go.
  CHECK(no({{0, 12min, Pause{}, false, 0}, {0, 84h - 15min, Resume{}, false, 0}}) == "E_OVERLAP session[0].order[0]");
  CHECK(no({{0, 12min, Pause{}, false, 0}, {0, 84h - 28min, Resume{}, false, 0}}).empty());
}

TEST_CASE("every and times are the dates they stand for") {
  const Result by_interval = must(read(document({{"every", "84 h"}, {"times", 4}})));
  const Result by_dates = must(read(document({{"at",
                                               {"2026-11-23T09:00:00+01:00", "2026-11-26T21:00:00+01:00",
                                                "2026-11-30T03:00:00-05:00", "2026-12-04T01:30:00.000+05:30"}}})));
  const Result by_hours = must(read(document({{"at", {"0 d", "3.5 d", "7 d", "252 h"}}})));
  CHECK(by_interval.regimen.doses == by_dates.regimen.doses);
  CHECK(by_interval.regimen.doses == by_hours.regimen.doses);
  CHECK(curve_bytes(by_interval) == curve_bytes(by_dates));
  CHECK(block_json(by_interval, "sessions", "") == block_json(by_hours, "sessions", ""));
  CHECK(by_dates.sessions[2].date == "2026-11-30T03:00:00-05:00");
  const auto echo = Json::parse(to_json(by_dates, "0"))["inputs"]["course"];
  CHECK(echo["at"][3] == "2026-12-04T01:30:00.000+05:30");
}

TEST_CASE("J36: elapsed time is exact to the microsecond across both clock changes of Berlin in 2026") {
  // 29 March: 02:00 +01:00 is 03:00 +02:00, so from one morning to the next it is 23 h. 25 October: 25 h.
  CHECK(starts_of({"2026-03-28T09:00:00+01:00", "2026-03-29T09:00:00+02:00"}) == std::vector<Micros>{0h, 23h});
  CHECK(starts_of({"2026-10-24T09:00:00+02:00", "2026-10-25T09:00:00+01:00"}) == std::vector<Micros>{0h, 25h});
  // The half hour that the clock shows twice, and 40.0 min from one to the other side of each change.
  CHECK(starts_of({"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"}) == std::vector<Micros>{0h, 1h});
  CHECK(starts_of({"2026-10-25T02:40:00+02:00", "2026-10-25T02:20:00+01:00"}) == std::vector<Micros>{0min, 40min});
  CHECK(starts_of({"2026-03-29T01:40:00+01:00", "2026-03-29T03:20:00+02:00"}) == std::vector<Micros>{0min, 40min});
  CHECK(starts_of({"2026-03-29T01:40:00.000001+01:00", "2026-03-29T03:20:00+02:00"}) ==
        std::vector<Micros>{0min, 40min - 1us});
  // The day after 28 February, and the last day of a year.
  CHECK(starts_of({"2028-02-28T12:00:00Z", "2028-03-01T12:00:00Z"}) == std::vector<Micros>{0h, 48h});
  CHECK(starts_of({"2026-12-31T23:59:59.9Z", "2027-01-01T00:40:00Z"}) == std::vector<Micros>{0s, 2400s + 100ms});
}

TEST_CASE("J40: seconds, tenths, milliseconds and microseconds are one clock") {
  CHECK(starts_of({"2026-11-23T09:00:00Z", "2026-11-23T12:00:00.5Z", "2026-11-23T18:00:00.001z",
                   "2026-11-24t09:00:00.000001Z"}) == std::vector<Micros>{0h, 3h + 500ms, 9h + 1ms, 24h + 1us});
}

TEST_CASE("instants of the system clock are dates too, told in UTC") {
  using namespace std::chrono;
  const sys_time<Micros> first = sys_days(2026y / October / 24) + 7h,
                         second = sys_days(2026y / October / 25) + 8h + 1us;
  const CoursePlan plan = course_on({first, second});
  CHECK(plan.starts == std::vector<Micros>{0h, 25h + 1us});
  CHECK(plan.dates == std::vector<std::string>{"2026-10-24T07:00:00Z", "2026-10-25T08:00:00.000001Z"});
  CHECK(starts_of(plan.dates) == plan.starts);
  CHECK(refusal([&] { (void)course_on({second, first}); }) == "E_TIME_ORDER course.at[1]");
  CHECK(refusal([&] { (void)course_on({}); }) == "E_FIELD_MISSING course.at");
}

TEST_CASE("what is left from before is there when a session begins, and a course is the sum of its sessions") {
  Random random(seed);
  for (int n = 0; n < 40; ++n) {
    INFO("case " << n << " of seed " << seed);
    const std::vector<Input> inputs = random_inputs(random);
    const CoursePlan plan = random_plan(random);
    std::vector<Micros> asked;
    for (int i = 0; i < 40; ++i) asked.push_back(random.instant(0us, plan.starts.back() + 10h));
    std::sort(asked.begin(), asked.end());
    const Result r = must(request_of(in_course(order(inputs), plan), asked));
    const Whom who = whom(r.inputs.model, r.inputs.patient);
    const auto alone =
        std::get<ExactTrajectory<>>(std::get<0>(trajectory_of(who, resolve(order(inputs), BodyMass(70, unit::kg)))));
    const auto sum_at = [&](Micros t, std::size_t sessions) {
      double ng_per_mL = 0;
      for (std::size_t s = 0; s < sessions && plan.starts[s] <= t; ++s)
        ng_per_mL += 1000 * alone.value(t - plan.starts[s], Curve::plasma());
      return ng_per_mL;
    };
    for (std::size_t i = 0; i < asked.size(); ++i)
      REQUIRE(r.profile.plasma_ng_per_mL[i] ==
              Approx(sum_at(asked[i], plan.starts.size())).epsilon(1e-11).margin(1e-12));
    double area = 0, before_first = 0;
    for (std::size_t s = 0; s < r.sessions.size(); ++s) {
      const Session& session = r.sessions[s];
      REQUIRE(session.before_ng_per_mL == Approx(sum_at(session.start, s)).epsilon(1e-10).margin(1e-12));
      if (s > 0) {
        REQUIRE(session.before_ng_per_mL > 0);
        REQUIRE(*r.sessions[s - 1].trough_ng_per_mL == session.before_ng_per_mL);
      }
      area += session.auc_ng_h_per_mL;
      if (s == 0) before_first = session.before_ng_per_mL;
    }
    REQUIRE(before_first == 0);
    REQUIRE(!r.sessions.back().trough_ng_per_mL);
    REQUIRE(area == Approx(r.summary.auc_inf_ng_h_per_mL).epsilon(1e-12));
  }
}

TEST_CASE("the peak of a session is the highest value of its stretch, and the curve has it there") {
  Random random(seed + 1);
  const auto card = io::read_model(io::read_file("examples/model.json", "model"));
  for (int n = 0; n < 12; ++n) {
    INFO("case " << n << " of seed " << seed + 1);
    Order o = in_course(order(random_inputs(random)), random_plan(random, 4));
    Request request = request_of(o);
    if (n % 2 == 1) {  // absorbed, with a lag: another kind of solver, and peaks long after the input
      request.model = card;
      for (Input& in : request.order.inputs) std::visit([](auto& x) { x.into = "gut"; }, in);
    }
    const auto& starts = o.course->starts;
    request.observe.at.clear();
    for (std::size_t s = 0; s < starts.size(); ++s) {
      const Micros end = s + 1 < starts.size() ? starts[s + 1] : starts[s] + day;
      for (int i = 0; i < 400; ++i) request.observe.at.push_back(starts[s] + (end - starts[s]) * i / 400);
    }
    const Result r = must(request);
    for (std::size_t s = 0; s < starts.size(); ++s) {
      const auto first = r.profile.plasma_ng_per_mL.begin() + static_cast<std::ptrdiff_t>(400 * s);
      const double seen = *std::max_element(first, first + 400), cmax = r.sessions[s].plasma.ng_per_mL;
      INFO("session " << s);
      REQUIRE(seen <= cmax * (1 + 1e-9));
      REQUIRE(r.sessions[s].plasma.min >= minutes(starts[s]));
      if (s + 1 < starts.size()) REQUIRE(r.sessions[s].plasma.min <= minutes(starts[s + 1]));
      Request there = request;
      there.observe.at = {Micros{std::llround(r.sessions[s].plasma.min * micros_per_minute)}};
      REQUIRE(must(there).profile.plasma_ng_per_mL[0] == Approx(cmax).epsilon(1e-7));
    }
  }
}

TEST_CASE("sixty sessions are one call, and what every one of them is told is the same once nothing builds up") {
  const Result r = must(request_of(in_course(infuse(0.5, unit::mg_per_kg), course_every(84h, 60))));
  REQUIRE(r.sessions.size() == 60);
  CHECK(r.summary.delivered_mg == Approx(60 * 35).epsilon(1e-14));
  CHECK(r.sessions[59].start == 59 * 84h);
  CHECK(r.sessions[59].plasma.ng_per_mL == Approx(r.sessions[1].plasma.ng_per_mL).epsilon(1e-12));
  CHECK(r.sessions[59].plasma.min - minutes(59 * 84h) == Approx(40).epsilon(1e-12));
  CHECK(r.check.agreement_rel.value() <= 1e-8);
}

TEST_CASE(
    "half a milligram per kg twice weekly is exactly the weekly bound at each of 1,101 weights, and raises nothing") {
  int silent = 0, raised = 0;
  for (int tenths = 400; tenths <= 1500; ++tenths) {
    const Patient who = patient(tenths / 10.0);
    if (judged({who, twice_weekly(), only(cumulative(1.0, 7 * day))}).flags.empty()) ++silent;
    const auto above = judged({who, twice_weekly(0.500001), only(cumulative(1.0, 7 * day))});
    if (severity(above, "CUMULATIVE_DOSE_PER_WEIGHT_HIGH") == "hard") ++raised;
  }
  CHECK(silent == 1101);
  CHECK(raised == 1101);
}

TEST_CASE("the largest sum of a sliding window is that of brute force, whatever dose the window begins at") {
  Random random(seed + 2);
  for (int n = 0; n < 300; ++n) {
    INFO("case " << n << " of seed " << seed + 2);
    const Order o = in_course(order(random_inputs(random)), random_plan(random, 20));
    const Micros window = random.instant(1us, random.one_in(3) ? 2h : 900h);
    const Regimen regimen = resolve(o, BodyMass(70, unit::kg));
    double most = 0;
    for (const Dose& begins : regimen.doses) {
      double sum = 0;
      for (const Dose& d : regimen.doses)
        if (d.at >= begins.at && d.at < begins.at + window) sum += d.amount_mg / 70;
      most = std::max(most, sum);
    }
    REQUIRE(judged({patient(70), o, only(cumulative(most * (1 + 1e-8), window))}).flags.empty());
    REQUIRE(severity(judged({patient(70), o, only(cumulative(most * (1 - 1e-8), window))}),
                     "CUMULATIVE_DOSE_PER_WEIGHT_HIGH") == "hard");
  }
}

TEST_CASE("a window that a course crosses names its sessions and when that first happens") {
  const Order o = in_course(infuse(0.5, unit::mg_per_kg), at({0 * day, 10 * day, 12 * day, 14 * day, 30 * day}));
  Limit limit = cumulative(1.2, 7 * day);
  limit.soft_high = bound(0.9, unit::mg_per_kg);  // passed with the session on day 12 already
  const auto a = judged({patient(70), o, only(limit)});
  const Flag* f = flag(a, "CUMULATIVE_DOSE_PER_WEIGHT_HIGH");
  REQUIRE(f);
  CHECK(f->value == "1.5 mg/kg");
  CHECK(f->limit == "1.2 mg/kg");
  CHECK(f->driver.find("session[1].order[0] to session[3].order[0], 3 doses") == 0);
  CHECK(*f->first_min == 14 * 1440);
}

TEST_CASE("what was delivered counts in a window where a line was primed with drug, what was not given does not") {
  Order o = in_course(infuse(0.5, unit::mg_per_kg), course_every(84h, 3));
  o.events = {{0, 20min, Stop{}, false, 1}};
  const auto stopped = judged({patient(70), o, only(cumulative(0.9, 7 * day))});
  REQUIRE(flag(stopped, "CUMULATIVE_DOSE_PER_WEIGHT_HIGH"));  // ordered 1.0, delivered 0.75: the larger counts
  CHECK(flag(stopped, "CUMULATIVE_DOSE_PER_WEIGHT_HIGH")->driver.find("as ordered, delivered 0.75 mg/kg") !=
        std::string::npos);
}

TEST_CASE("an interval at its bound raises nothing, one below it is flagged with both sessions named") {
  const auto judge = [](std::vector<Micros> starts, double low_h) {
    return judged({patient(70), in_course(infuse(0.5, unit::mg_per_kg), at(std::move(starts))), only(interval(low_h))});
  };
  CHECK(judge({0h, 72h, 144h}, 72).flags.empty());
  const auto a = judge({0h, 72h, 119h, 200h}, 48);
  const Flag* f = flag(a, "SESSIONS_INTERVAL_LOW");
  REQUIRE(f);
  CHECK(f->severity == Severity::soft);
  CHECK(f->value == "47 h");
  CHECK(f->driver == "session[2] begins 47 h after session[1]");
  CHECK(*f->first_min == 119 * 60);
  const auto twice = judge({0h, 47h, 119h, 140h}, 48);
  CHECK(flag(twice, "SESSIONS_INTERVAL_LOW")->driver == "session[3] begins 21 h after session[2]");
  CHECK(*flag(twice, "SESSIONS_INTERVAL_LOW")->first_min == 47 * 60);
  CHECK(severity(judge({0h, 72h, 144h - 1ms}, 72), "SESSIONS_INTERVAL_LOW") == "soft");
  // One session has no interval; an order that is no course says nothing of other sessions.
  CHECK(outcome(judge({0h}, 48), "interval") == "passed");
  CHECK(check(judge({0h}, 48), "interval")->why == "one session, so no interval");
  CHECK(outcome(judged({patient(70), infuse(0.5, unit::mg_per_kg), only(interval(48))}), "interval") == "unevaluated");
  CHECK(outcome(judged({patient(70), infuse(0.5, unit::mg_per_kg), only(cumulative(1, day))}), "window") ==
        "unevaluated");
}

TEST_CASE("a limit on a dose speaks of one session, the worst one where they were delivered differently") {
  const auto a = judged({patient(70), twice_weekly(0.5, 60), fixture::limits()});
  CHECK(a.flags.empty());
  const auto twelve = judged({patient(70), twice_weekly(0.6), fixture::limits()});
  CHECK(flag(twelve, "DOSE_PER_WEIGHT_HIGH")->value == "0.6 mg/kg");
  CHECK(flag(twelve, "DOSE_PER_WEIGHT_HIGH")->clears_at->find("order[0]: 0.5 mg/kg over 40 min") == 0);
  CHECK(flag(twelve, "RATE_PER_WEIGHT_HIGH")->clears_at->find("order[0]: 0.5 mg/kg over 40 min") == 0);
  CHECK(flag(twelve, "DOSE_PER_WEIGHT_HIGH")->driver.find("session[0].order[0]") == 0);
  // A tenfold slip is one of the order, however often it is repeated.
  const auto slip = judged({patient(70), twice_weekly(5), fixture::limits()});
  CHECK(severity(slip, "TENFOLD") == "advisory");
  CHECK(flag(slip, "TENFOLD")->value ==
        flag(judged({patient(70), infuse(5, unit::mg_per_kg), fixture::limits()}), "TENFOLD")->value);
}

TEST_CASE("each session has a line of its own: primed with drug, every session gives that too") {
  Order o = twice_weekly(0.5, 3);
  o.bag = Stated<dim::concentration>(1, unit::mg_per_mL);
  o.pump = Pump{.line = Line{{2, unit::mL}, Primed::drug}, .flush = Flush{{5, unit::mL}, 2min, 42min}};
  const Result r = must(request_of(o));
  CHECK(r.delivery->priming->primed_mg == Approx(6).epsilon(1e-14));
  CHECK(r.delivery->priming->delivered_mg == Approx(6).epsilon(1e-14));
  for (const Session& s : r.sessions) CHECK(s.delivered_mg == Approx(37).epsilon(1e-12));
  o.pump->flush->at = 84h - 1min;
  CHECK(refusal([&] { (void)deliver(o, resolve(o, BodyMass(70, unit::kg))); }) == "E_OVERLAP pump.flush");

  // By itself, each session is what it would be as an order of its own.
  o.pump->flush->at = 42min;
  Order alone = o;
  alone.course.reset();
  const Delivery single = deliver(alone, resolve(alone, BodyMass(70, unit::kg)));
  for (std::size_t s = 0; s < 3; ++s) {
    std::vector<Dose> pieces = single.inputs[0].pieces;
    for (Dose& piece : pieces) piece.at += static_cast<std::int64_t>(s) * 84h;
    CHECK(r.delivery->inputs[s].pieces == pieces);
  }
}

TEST_CASE("a course that was saved anywhere and gone on with is the course that was never interrupted, to the bit") {
  Random random(seed + 3);
  int cut_while_running = 0;
  for (int n = 0; n < 120; ++n) {
    INFO("case " << n << " of seed " << seed + 3);
    CoursePlan plan{.starts = {0h}};
    for (int i = 0; i < 5; ++i) plan.starts.push_back(plan.starts.back() + random.instant(6h, 90h));
    const Order whole = in_course(infuse(random.between(0.1, 0.6), unit::mg_per_kg, 4h), plan);
    Request request = request_of(whole, {1h, 30h, 90h, plan.starts.back() + 3h});
    const Result uninterrupted = must(request);
    const Micros running = plan.starts[static_cast<std::size_t>(random.below(5))] + random.instant(0us, 4h);
    const Micros anywhere = random.instant(0us, plan.starts.back() - 1us);
    const SavedState state = saved_state(uninterrupted, random.one_in(2) ? running : anywhere);
    if (state.inputs.back().state == DeliveryState::running) ++cut_while_running;
    Order rest = whole;
    rest.initial_state = InitialState::saved;
    rest.saved = state;
    rest.under_way = UnderWay::goes_on;
    std::erase_if(rest.course->starts, [&](Micros start) { return start <= state.at; });
    request.order = rest;
    const Result resumed = must(request);
    REQUIRE(curve_bytes(resumed) == curve_bytes(uninterrupted));
    const std::size_t skipped = uninterrupted.sessions.size() - resumed.sessions.size();
    for (std::size_t s = 0; s < resumed.sessions.size(); ++s) {
      REQUIRE(resumed.sessions[s].before_ng_per_mL == uninterrupted.sessions[s + skipped].before_ng_per_mL);
      REQUIRE(resumed.sessions[s].delivered_mg == uninterrupted.sessions[s + skipped].delivered_mg);
    }
    // The window looks back over the saved part.
    const auto a = judged({patient(70), rest, only(cumulative(1e-3, 400 * day))});
    REQUIRE(flag(a, "CUMULATIVE_DOSE_PER_WEIGHT_HIGH")->driver.find("saved[0] to session[") == 0);
  }
  CHECK(cut_while_running > 30);
}

TEST_CASE("beside a saved state, dates have no instant 0, and sessions begin after it and after what still runs") {
  const Result r = must(request_of(infuse(0.5, unit::mg_per_kg)));
  Order o = in_course(infuse(0.5, unit::mg_per_kg), at({20min, 3 * day}));
  o.initial_state = InitialState::saved;
  o.saved = saved_state(r, 12min);
  o.under_way = UnderWay::goes_on;
  const auto no = [&] { return refusal([&] { (void)deliver(o, resolve(o, BodyMass(70, unit::kg))); }); };
  CHECK(no() == "E_OVERLAP saved[0]");
  o.course = at({40min, 3 * day});
  CHECK(no().empty());
  o.course = at({5min, 3 * day});
  CHECK(no() == "E_TIME_ORDER order[0].at");
  o.course = at({0min, 3 * day});
  o.course->dates = {"2026-11-23T09:00:00Z", "2026-11-26T09:00:00Z"};
  CHECK(no() == "E_STATE course.at");
}

TEST_CASE("a saved state that does not say when its sessions began leaves a doubtful interval open") {
  const Result r = must(request_of(infuse(0.5, unit::mg_per_kg)));
  Order o = in_course(infuse(0.5, unit::mg_per_kg), at({40h, 140h}));
  o.initial_state = InitialState::saved;
  o.saved = saved_state(r, 12h);
  CHECK(outcome(judged({patient(70), o, only(interval(40))}), "interval") == "passed");
  CHECK(outcome(judged({patient(70), o, only(interval(48))}), "interval") == "unevaluated");
  CHECK(outcome(judged({patient(70), o, only(interval(101))}), "interval") == "flagged");
}

TEST_CASE("J38: a day within a session or half a year between sessions is said, and changes no verdict") {
  const auto gap = [](const Order& o) { return severity(judged({patient(70), o, fixture::limits()}), "COURSE_GAP"); };
  const auto two = [](Micros second) {
    return order({Infuse{{0.2, unit::mg_per_kg}, 40min}, Infuse{{0.2, unit::mg_per_kg}, 40min, second}});
  };
  CHECK(gap(in_course(two(40min + day), course_every(84h, 2))) == "advisory");
  CHECK(gap(in_course(two(39min + day), course_every(84h, 2))).empty());
  CHECK(gap(two(40min + day)).empty());  // without a course nobody said what a session is
  CHECK(gap(in_course(infuse(0.5, unit::mg_per_kg), at({0h, 84h, 84h + 180 * day}))) == "advisory");
  CHECK(gap(in_course(infuse(0.5, unit::mg_per_kg), at({0h, 84h, 83h + 180 * day}))).empty());
}

TEST_CASE("a course is echoed as it was stated, and the card shows its first and last sessions in 100 columns") {
  Json session = document({{"every", "84 h"}, {"times", 6}});
  session["events"] = {{{"pause", 0}, {"session", 2}, {"at", "12 min"}},
                       {{"resume", 0}, {"session", 2}, {"at", "15 min"}}};
  const Result r = must(read(session));
  const auto told = Json::parse(to_json(r, "0"));
  CHECK(told["inputs"]["course"] == Json{{"every", "84 h"}, {"times", 6}});
  CHECK(told["inputs"]["events"][0] == Json{{"pause", 0}, {"session", 2}, {"at", "12 min"}});
  CHECK(told["sessions"].size() == 6);
  CHECK(told["sessions"][5]["trough_ng_per_mL"].is_null());
  CHECK(told["sessions"][1]["start_us"] == 302400000000);
  const std::string card = to_card(r, "0");
  CHECK(card.find("6 sessions, every 84 h") != std::string::npos);
  CHECK(card.find("17.5 d") != std::string::npos);
  // Read back, the echo is the same course.
  Json again = document(told["inputs"]["course"]);
  again["events"] = told["inputs"]["events"];
  CHECK(block_json(must(read(again)), "sessions", "") == block_json(r, "sessions", ""));
}
