// SPDX-License-Identifier: Apache-2.0
// Why: what is promised of models that are not linear, whatever they are. Expected values: SciPy's (tests/golden),
// closed forms, and drug that can neither appear nor vanish. Work is asserted, times are measured in
// bench/bench_ode.cpp.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve.hpp"
#include "ketpk/solve_ode.hpp"
#include "random_cases.hpp"

using namespace ketpk;
using namespace ketpk::testing;
using namespace std::chrono_literals;

namespace {

/// Up to three compartments with saturable and linear elimination, and what was eliminated [mg].
struct Saturable {
  double v1, cl, vmax, km, q2, v2, q3, v3;

  [[nodiscard]] static constexpr std::size_t size() noexcept { return 4; }
  [[nodiscard]] bool has(Curve c) const noexcept { return c == Curve::plasma(); }
  [[nodiscard]] bool is_linear(Curve) const noexcept { return true; }
  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }
  void slopes(auto x, double input, auto dx) const noexcept {
    const auto c1 = x[0] / v1;
    dx[1] = q2 * (c1 - x[1] / v2);
    dx[2] = q3 * (c1 - x[2] / v3);
    dx[3] = cl * c1 + vmax * c1 / (km + c1);
    dx[0] = input - dx[1] - dx[2] - dx[3];
  }
  [[nodiscard]] double value(std::span<const double> x, Curve) const noexcept { return x[0] / v1; }
};
static_assert(PkModel<Saturable> && DifferentiableModel<Saturable>);

template <PkModel M>
OdeTrajectory<M> solved(const M& model, const std::vector<Segment>& segments, Micros horizon, OdeOptions options = {}) {
  auto attempt = solve_ode(model, segments, horizon, std::move(options));
  if (const auto* trouble = std::get_if<Trouble>(&attempt)) FAIL(trouble->message);
  return std::get<0>(std::move(attempt));
}

struct SaturableCase {
  std::string id;
  Saturable model;
  Regimen regimen;
  std::vector<Micros> times;
  std::vector<double> plasma_ng_per_mL;
  double largest_ng_per_mL;
};

std::vector<SaturableCase> saturable_cases() {
  std::ifstream file(KETPK_SOURCE_DIR "/tests/golden/saturable.jsonl");
  REQUIRE(file);
  std::vector<SaturableCase> cases;
  for (std::string line; std::getline(file, line);) {
    const auto j = nlohmann::json::parse(line);
    const auto& m = j.at("model");
    const auto number = [&](const char* key, double absent) {
      return m.contains(key) ? m.at(key).get<double>() : absent;
    };
    std::vector<Dose> doses;
    for (const auto& e : j.at("events")) {
      const Micros at{e.at("start_us").get<std::int64_t>()}, over{e.at("duration_us").get<std::int64_t>()};
      const double mg = e.at("amount_mg");
      doses.push_back(over.count() == 0 ? bolus(at, mg) : infusion(at, over, mg));
    }
    SaturableCase c{
        .id = j.at("id"),
        .model = {m.at("V1_L"), m.at("CL_L_per_min"), m.at("Vmax_mg_per_min"), m.at("Km_mg_per_L"),
                  number("Q2_L_per_min", 0), number("V2_L", 1), number("Q3_L_per_min", 0), number("V3_L", 1)},
        .regimen = regimen_of(std::move(doses)),
        .times = {},
        .plasma_ng_per_mL = j.at("plasma_ng_per_mL"),
        .largest_ng_per_mL = j.at("largest_ng_per_mL")};
    for (const auto& t : j.at("times_us")) c.times.emplace_back(t.get<std::int64_t>());
    cases.push_back(std::move(c));
  }
  return cases;
}

double worst_of(OdeMethod method, std::size_t every) {
  const auto cases = saturable_cases();
  REQUIRE(cases.size() == 500);
  double worst = 0;
  for (std::size_t k = 0; k < cases.size(); k += every) {
    const SaturableCase& c = cases[k];
    INFO(c.id);
    const auto x = solved(c.model, schedule(c.regimen), 24h, {.method = method});
    for (std::size_t i = 0; i < c.times.size(); ++i) {
      const double expected = c.plasma_ng_per_mL[i], found = x.value(c.times[i], Curve::plasma()) * 1000;
      const double d = std::abs(found - expected) / std::max(expected, 1e-6 * c.largest_ng_per_mL);
      if (!(d < 1e-7)) FAIL(c.id << " differs by " << d);
      worst = std::max(worst, d);
    }
  }
  return worst;
}

/// A mammillary model whose equations take dual numbers.
struct Linear {
  double v1, cl, q2, v2;
  [[nodiscard]] std::size_t size() const noexcept { return 2; }
  [[nodiscard]] bool has(Curve c) const noexcept { return c == Curve::plasma(); }
  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }
  void slopes(auto x, double input, auto dx) const noexcept {
    const auto c1 = x[0] / v1;
    dx[1] = q2 * (c1 - x[1] / v2);
    dx[0] = input - cl * c1 - dx[1];
  }
  [[nodiscard]] double value(std::span<const double> x, Curve) const noexcept { return x[0] / v1; }
};

/// One compartment and an effect site, k and ke0 [1/min], shown as an effect that is not linear in the state: a sigmoid
/// of the site, its logarithm, and what exceeds a level, which has a kink.
struct Shown {
  double k, ke0, ec50, hill;
  [[nodiscard]] static constexpr std::size_t size() noexcept { return 2; }
  [[nodiscard]] bool has(Curve c) const noexcept {
    return c == Curve::plasma() || c == Curve::effect_site() || (c.kind == Curve::Kind::other && c.index < 4);
  }
  [[nodiscard]] bool is_linear(Curve c) const noexcept { return c.kind != Curve::Kind::other; }
  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }
  void slopes(auto x, double input, auto dx) const noexcept {
    dx[0] = input - k * x[0];
    dx[1] = ke0 * (x[0] - x[1]);
  }
  [[nodiscard]] double value(std::span<const double> x, Curve c) const noexcept {
    if (c == Curve::plasma()) return x[0];
    if (c == Curve::effect_site()) return x[1];
    const double site = std::max(x[1], 0.0);
    switch (c.index) {
      case 0: return 100 - 80 * std::pow(site, hill) / (std::pow(ec50, hill) + std::pow(site, hill));
      case 1: return std::log1p(site);
      case 2: return std::max(site - 0.3, 0.0);
      default: return std::sqrt(site - 0.3);
    }
  }
  // Ce(t) = ke0 / (ke0 - k) (e^-kt - e^-ke0 t) after a unit bolus.
  [[nodiscard]] double site(double t) const { return ke0 / (ke0 - k) * (std::exp(-k * t) - std::exp(-ke0 * t)); }
  [[nodiscard]] double peak_min() const { return std::log(ke0 / k) / (ke0 - k); }
};

const std::vector<Segment> unit_bolus{{0min, 0min, 1, 0}};

enum class Fault { blows_up, runs_out, nan_later, chatters, stiff };

/// Two states, the second a clock, and something that goes wrong with the first.
struct Faulty {
  Fault fault;
  long* calls;
  [[nodiscard]] std::size_t size() const noexcept { return 2; }
  [[nodiscard]] bool has(Curve c) const noexcept { return c == Curve::plasma(); }
  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }
  [[nodiscard]] double value(std::span<const double> x, Curve) const noexcept { return x[0]; }
  [[nodiscard]] std::string_view name_of(std::size_t i) const noexcept { return i == 0 ? "depot" : "clock"; }
  template <class S>
  void slopes(std::span<const S> x, double, std::span<S> dx) const noexcept {
    ++*calls;
    dx[1] = 1.0;
    switch (fault) {
      case Fault::blows_up: dx[0] = x[0] * x[0]; break;  // x = x0 / (1 - x0 t)
      case Fault::runs_out: dx[0] = -1.0 / x[0]; break;  // x = sqrt(x0^2 - 2 t)
      case Fault::nan_later:
        dx[0] = -0.01 * x[0];
        if (x[1] > 5.0) dx[0] *= std::numeric_limits<double>::quiet_NaN();
        break;
      case Fault::chatters: dx[0] = x[0] > 5.0 ? -1.0 : 1.0; break;
      case Fault::stiff: dx[0] = -1e9 * (x[0] - x[1]); break;
    }
  }
};

struct Failure {
  Trouble trouble;
  double minute;
  long calls;
};

Failure failure(Fault fault, OdeMethod method) {
  long calls = 0;
  const std::vector<Segment> segments{{0min, 0min, 10, 0}};
  const auto attempt = solve_ode(Faulty{fault, &calls}, segments, 24h, {.method = method});
  REQUIRE(std::holds_alternative<Trouble>(attempt));
  const Trouble& trouble = std::get<Trouble>(attempt);
  const std::size_t end = trouble.message.find(" min: ");
  REQUIRE(trouble.message.rfind("at ", 0) == 0);
  REQUIRE(end != std::string::npos);
  return {trouble, parse_number(trouble.message.substr(3, end - 3), "message"), calls};
}

template <class T>
concept KnowsInfinity = requires(const T& x, const std::vector<Course<T>>& courses) {
  exposure(x, courses);
};
static_assert(KnowsInfinity<ExactTrajectory<>> && !KnowsInfinity<OdeTrajectory<Saturable>>);

constexpr std::array both{OdeMethod::dormand_prince, OdeMethod::rosenbrock};

}  // namespace

TEST_CASE("500 saturable models agree with SciPy to 1e-7 at the default tolerance") {
  const double worst = worst_of(OdeMethod::dormand_prince, 1);
  INFO("worst " << worst);
  CHECK(worst < 1e-7);
  CHECK(worst > 0);
}

TEST_CASE("a hundred of them do so by the stiff solver too") { CHECK(worst_of(OdeMethod::rosenbrock, 5) < 1e-7); }

TEST_CASE("a 2-second pulse at any instant of 24 h is never missed, linear or saturable") {
  double worst_drug = 0, worst_rise = 0, worst_linear = 0;
  std::uint64_t worst_seed = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    Random r(seed);
    const bool is_linear = seed % 2 == 0;
    const Saturable model{.v1 = r.log_between(5, 100),
                          .cl = is_linear ? r.log_between(0.2, 2) : 0.0,
                          .vmax = is_linear ? 0.0 : r.log_between(0.1, 5),
                          .km = r.log_between(0.01, 2),
                          .q2 = r.log_between(0.1, 3),
                          .v2 = r.log_between(5, 300),
                          .q3 = 0,
                          .v3 = 1};
    const Micros at = r.micros(0, 1439), over = 2s;
    const double slow_mg = r.between(5, 50), pulse_mg = r.between(1, 30);
    const auto segments = schedule(regimen_of({infusion(0min, 24h, slow_mg), infusion(at, over, pulse_mg)}));
    const auto x = solved(model, segments, 26h);
    // Whatever went in is in one of the states.
    for (const Micros t : {at, at + over / 2, at + over, at + over + Micros{10min}, Micros{26h}}) {
      const auto state = x.state_at(std::min<Micros>(t, 26h));
      const double there = state[0] + state[1] + state[2] + state[3],
                   in = delivered_mg(segments, std::min<Micros>(t, 26h));
      if (in > 0) worst_drug = std::max(worst_drug, std::abs(there / in - 1));
    }
    // Plasma rises by what came in over the volume, less what two seconds can take away.
    const double before = x.value(at, Curve::plasma()), after = x.value(at + over, Curve::plasma());
    const double most_lost = (model.cl * after + model.vmax + model.q2 * after) / 30;
    const double rise = (after - before) * model.v1;
    if (!(rise <= pulse_mg + slow_mg / 43'200 * 1.001 && rise >= pulse_mg - most_lost)) worst_seed = seed;
    worst_rise = std::max(worst_rise, rise / pulse_mg);
    if (is_linear) {
      const auto exact = solve({model.v1, model.cl, model.q2, model.v2, 0, 1}, segments);
      for (const Micros t : {at + over / 2, at + over, at + over + Micros{10min}})
        worst_linear =
            std::max(worst_linear, std::abs(x.value(t, Curve::plasma()) / exact.value(t, Curve::plasma()) - 1));
    }
  }
  INFO("seed " << worst_seed);
  CHECK(worst_seed == 0);
  CHECK(worst_drug < 1e-12);
  CHECK(worst_linear < 1e-9);
}

TEST_CASE("the stiff solver and the exact solution agree, from a mild model to one of a million an hour") {
  for (const double v1 : {25.0, 1.0, 1e-2, 1e-4}) {
    INFO(v1);
    const Linear model{v1, 1.4, 2.7, 56};
    const auto segments = schedule(regimen_of({infusion(0min, 40min, 35), bolus(60min, 2)}));
    const auto x = solved(model, segments, 12h, {.method = OdeMethod::rosenbrock});
    const auto exact = solve({v1, 1.4, 2.7, 56, 0, 1}, segments);
    double worst = 0;
    for (int i = 1; i <= 720; ++i) {
      const Micros t = Micros{1min} * i - Micros{7s};
      worst = std::max(worst, std::abs(x.value(t, Curve::plasma()) / exact.value(t, Curve::plasma()) - 1));
    }
    CHECK(worst < 1e-8);
    const OdeWork work = x.work();
    INFO(work.accepted_steps << " + " << work.rejected_steps << " steps");
    CHECK(work.accepted_steps < 5000);
    CHECK(work.jacobians >= work.accepted_steps);
    CHECK(work.jacobians <= work.accepted_steps + work.rejected_steps + segments.size());
    const auto peak_found = peak(course_of(x, Curve::plasma())), peak_exact = peak(course_of(exact, Curve::plasma()));
    CHECK(peak_found.ng_per_mL == Approx(peak_exact.ng_per_mL).epsilon(1e-8));
    CHECK(peak_found.min == peak_exact.min);
  }
}

TEST_CASE("a model without dual numbers is refused by the stiff solver, with what is accepted") {
  try {
    (void)solve_ode(Mammillary({25, 1.4, 0, 1, 0, 1}), unit_bolus, 1h, {.method = OdeMethod::rosenbrock});
    FAIL("nothing was refused");
  } catch (const InvalidInput& e) {
    CHECK(e.code == Code::arg);
    CHECK(e.field == "method");
    CHECK(e.message.find("dormand-prince") != std::string::npos);
  }
}

TEST_CASE("peak, minutes, area and crossings of a curve that is not linear are those of its closed form") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const Shown model{r.log_between(0.005, 0.1), r.log_between(0.11, 2), r.log_between(0.02, 0.5), r.between(0.8, 6)};
    for (const OdeMethod method : both) {
      const auto x = solved(model, unit_bolus, 24h, {.method = method});
      const double top = model.site(model.peak_min());
      const auto effect = course_of(x, Curve::other(0));
      const std::array<double, 2> at_top{0, top};
      const double least = model.value(at_top, Curve::other(0));
      const Extreme found = lowest(effect);
      CHECK(found.value == Approx(least).epsilon(1e-9));
      CHECK(found.min == Approx(model.peak_min()).epsilon(1e-4));

      // Under a level while the site is over the concentration that has it; both flanks from the closed form.
      const double site_level = top * r.between(0.2, 0.95);
      const std::array<double, 2> at_level{0, site_level};
      const double level = model.value(at_level, Curve::other(0));
      const auto flank = [&](double low, double high) {
        return root_between([&](double t) { return model.site(t) - site_level; },
                            {low, high, model.site(low) - site_level, model.site(high) - site_level});
      };
      const double up = flank(0, model.peak_min());
      double far = 2 * model.peak_min();
      while (model.site(far) > site_level) far *= 2;
      const double down = std::min(flank(model.peak_min(), far), 1440.0);
      const Beyond under = minutes_under(effect, level);
      REQUIRE(under.first_min);
      CHECK(*under.first_min == Approx(up).epsilon(1e-7));
      CHECK(under.minutes == Approx(down - up).epsilon(1e-7));
      CHECK(under.minutes + minutes_over(effect, level).minutes == Approx(1440).epsilon(1e-12));
      const auto passed = crossings(effect, level);
      REQUIRE(passed.size() == (down < 1440 ? 2 : 1));
      CHECK(passed.front() == Approx(up).epsilon(1e-7));

      // The area of log(1 + Ce), by Simpson's rule on the closed form.
      double sum = 0;
      constexpr int n = 200'000;
      const double until = 600, step = until / n;
      for (int i = 0; i <= n; ++i)
        sum += std::log1p(model.site(i * step)) * (i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2) * step / 3;
      CHECK(area_to(course_of(x, Curve::other(1)), 10h) == Approx(sum).epsilon(1e-8));
    }
  }
}

TEST_CASE("a curve with a kink has its minutes, and one that stops being a number has no peak") {
  const Shown model{0.02, 0.3, 0.2, 1};
  const auto x = solved(model, unit_bolus, 24h);
  const auto kinked = course_of(x, Curve::other(2));
  const double top = model.site(model.peak_min());
  REQUIRE(top > 0.3);
  CHECK(highest(kinked).value == Approx(top - 0.3).epsilon(1e-9));
  CHECK(minutes_over(kinked, 0.0).minutes ==
        Approx(minutes_over(course_of(x, Curve::effect_site()), 0.3).minutes).epsilon(1e-7));
  CHECK(std::isnan(highest(course_of(x, Curve::other(3))).value));
}

TEST_CASE("a linear curve asked as any smooth one has the same turns, slopes and area") {
  struct Blind : Saturable {
    [[nodiscard]] bool is_linear(Curve) const noexcept { return false; }
  };
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const Saturable model{r.log_between(5, 50),
                          0,
                          r.log_between(0.1, 3),
                          r.log_between(0.05, 1),
                          r.log_between(0.1, 3),
                          r.log_between(20, 200),
                          0,
                          1};
    const auto segments = schedule(random_regimen(r));
    const auto a = solved(model, segments, 12h);
    const auto b = solved(Blind{model}, segments, 12h);
    const Peak pa = peak(course_of(a, Curve::plasma())), pb = peak(course_of(b, Curve::plasma()));
    CHECK(pa.ng_per_mL == Approx(pb.ng_per_mL).epsilon(1e-12));
    CHECK(pa.min == Approx(pb.min).epsilon(1e-6));
    CHECK(area_to(course_of(a, Curve::plasma()), 12h) ==
          Approx(area_to(course_of(b, Curve::plasma()), 12h)).epsilon(1e-12));
    for (std::size_t i = 0; i < segments.size(); ++i)
      for (const double part : {0.0, 0.01, 0.37, 1.0}) {
        const double minute = part * a.length_min(i);
        const double scale = std::abs(a.slope(i, 0, Curve::plasma()));
        CHECK(a.slope(i, minute, Curve::plasma()) ==
              Approx(b.slope(i, minute, Curve::plasma())).epsilon(1e-6).margin(1e-7 * scale));
      }
  }
}

TEST_CASE("what a numerical course amounts to ends at its horizon, and no infinity is invented") {
  const Saturable model{25, 0, 0.6, 0.3, 1.5, 80, 0, 1};
  const auto x = solved(model, schedule(regimen_of({infusion(0min, 40min, 35)})), 12h);
  const auto courses = courses_of(x);
  const ExposureToHorizon found = exposure_to_horizon(x, courses);
  CHECK(found.horizon_min == 720);
  CHECK(found.delivered_mg == Approx(35).epsilon(1e-12));
  REQUIRE(found.curves.size() == 1);
  CHECK(found.curves[0].highest.min == 40);
  CHECK(found.curves[0].area == area_to(courses[0], 12h));
  CHECK_THROWS_AS(area_to(courses[0], 12h + Micros{1}), InvalidInput);
}

TEST_CASE("a curve in a unit of the model's own has no peak in ng/mL") {
  const auto x = solved(Shown{0.02, 0.3, 0.2, 1}, unit_bolus, 1h);
  const auto effect = course_of(x, Curve::other(0));
  CHECK_THROWS_AS(peak(effect), InvalidInput);
  CHECK_THROWS_AS(time_above(effect, 50), InvalidInput);
  CHECK_THROWS_AS(course_of(x, Curve::other(4)), InvalidInput);
  CHECK_THROWS_AS(course_of(x, Curve::metabolite(0)), InvalidInput);
}

TEST_CASE("equations that run off to infinity are trouble at the instant, the state named, after some thousand calls") {
  for (const OdeMethod method : both) {
    const Failure f = failure(Fault::blows_up, method);
    INFO(f.trouble.message << ", " << f.calls << " calls");
    CHECK(f.trouble.code == Code::solver);
    CHECK(f.trouble.message.find("state 1 of 2 (depot)") != std::string::npos);
    CHECK(f.minute == Approx(0.1).epsilon(1e-6));
    CHECK(f.calls < 40'000);
  }
}

TEST_CASE("a step that shrinks to nothing is trouble where it happens") {
  for (const OdeMethod method : both) {
    const Failure f = failure(Fault::runs_out, method);
    INFO(f.trouble.message << ", " << f.calls << " calls");
    CHECK(f.trouble.code == Code::solver);
    CHECK(f.trouble.message.find("the step shrank to nothing") != std::string::npos);
    CHECK(f.trouble.message.find("state 1 of 2 (depot)") != std::string::npos);
    CHECK(f.minute == Approx(50).epsilon(1e-6));
    CHECK(f.calls < 20'000);
  }
}

TEST_CASE("a slope that is not a number after five minutes is trouble before them") {
  for (const OdeMethod method : both) {
    const Failure f = failure(Fault::nan_later, method);
    INFO(f.trouble.message << ", " << f.calls << " calls");
    CHECK(f.trouble.code == Code::solver);
    CHECK(f.trouble.message.find("state 1 of 2 (depot) or its slope is not a finite number") != std::string::npos);
    CHECK(f.minute <= 5);
    CHECK(f.calls < 1000);
  }
}

TEST_CASE("equations that chatter about a jump use up the steps, and no more") {
  for (const OdeMethod method : both) {
    const Failure f = failure(Fault::chatters, method);
    INFO(f.trouble.message << ", " << f.calls << " calls");
    const bool is_stiff_method = method == OdeMethod::rosenbrock;
    CHECK(f.trouble.code == Code::solver_maxsteps);
    CHECK(f.trouble.where == (is_stiff_method ? "rosenbrock" : "odeint"));
    CHECK(f.trouble.message.find("kept short by state 1 of 2 (depot)") != std::string::npos);
    CHECK(f.minute == Approx(5).epsilon(1e-3));
    CHECK(f.calls < (is_stiff_method ? 181'000 : 601'000));
  }
}

TEST_CASE("a process of 1e9 a minute is trouble for the one solver and none for the other") {
  const Failure f = failure(Fault::stiff, OdeMethod::dormand_prince);
  INFO(f.trouble.message);
  CHECK(f.trouble.code == Code::solver_maxsteps);
  CHECK(f.trouble.message.find("the rosenbrock method") != std::string::npos);
  CHECK(f.calls < 601'000);
  long calls = 0;
  const auto x = solved(Faulty{Fault::stiff, &calls}, {{0min, 0min, 10, 0}}, 24h, {.method = OdeMethod::rosenbrock});
  CHECK(calls < 10'000);
  for (int hour = 1; hour <= 24; ++hour)
    CHECK(x.value(Micros{1h} * hour, Curve::plasma()) == Approx(60.0 * hour).epsilon(1e-9));  // x follows the clock
}

TEST_CASE("the step limit is one segment's, so a long course of many doses is not cut short") {
  std::vector<Dose> doses;
  for (int i = 0; i < 400; ++i) doses.push_back(infusion(Micros{6h} * i, 40min, 35));
  const Saturable model{25, 0, 2, 0.3, 1.5, 80, 0, 1};
  const auto x = solved(model, schedule(regimen_of(std::move(doses))), 100 * Micros{24h});
  CHECK(x.work().accepted_steps > 100'000);
  const auto state = x.state_at(100 * Micros{24h});
  CHECK(state[0] + state[1] + state[2] + state[3] == Approx(400 * 35).epsilon(1e-12));
}
