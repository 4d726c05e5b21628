// SPDX-License-Identifier: Apache-2.0
// Expected values: closed forms of the textbook (Dayneka, Garg, Jusko 1993 for indirect responses), and counting on a
// fine grid.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "ketpk/effect.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve.hpp"
#include "ketpk/solve_ode.hpp"
#include "random_cases.hpp"

using namespace ketpk;
using namespace ketpk::testing;
using namespace std::chrono_literals;

namespace {

EmaxEffect stated_emax() {
  return {.ec50 = {100, unit::ng_per_mL},
          .hill = 2,
          .baseline = 80,
          .change = -60,
          .effect_unit = "mmHg",
          .source = "a made-up number of this test"};
}
TurnoverEffect stated_turnover(Turnover kind, Drive drive = Drive::saturable) {
  return {.kind = kind,
          .drive = drive,
          .kout = {3, unit::per_h},
          .baseline = 40,
          .most = 0.8,
          .c50 = {0.2, unit::mcg_per_mL},
          .hill = 1,
          .effect_unit = "score",
          .source = "a made-up number of this test"};
}
constexpr std::array kinds{Turnover::inhibit_build_up, Turnover::inhibit_loss, Turnover::stimulate_build_up,
                           Turnover::stimulate_loss};

const Parameters<double> adult{25, 1.4, 2.7, 56, 1.3, 157, 0.2};

template <PkModel M>
OdeTrajectory<M> solved(const M& model, const std::vector<Segment>& segments, Micros horizon, OdeOptions options = {}) {
  auto attempt = solve_ode(model, segments, horizon, std::move(options));
  if (const auto* trouble = std::get_if<Trouble>(&attempt)) FAIL(trouble->message);
  return std::get<0>(std::move(attempt));
}

void check_refused(const std::string& field, const std::function<void()>& f) {
  try {
    f();
    FAIL("nothing was refused");
  } catch (const InvalidInput& e) {
    CHECK(e.code == Code::model_param);
    CHECK(e.field == field);
  }
}

/// Plasma that is what it is told to be: one state that keeps its amount, in 1 L.
struct Constant {
  [[nodiscard]] std::size_t size() const noexcept { return 1; }
  [[nodiscard]] bool has(Curve c) const noexcept { return c == Curve::plasma(); }
  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }
  template <class S>
  void slopes(std::span<const S>, double input, std::span<S> dx) const noexcept {
    dx[0] = input;
  }
  template <class S>
  [[nodiscard]] S value(std::span<const S> x, Curve) const noexcept {
    return x[0];
  }
};
static_assert(DifferentiableModel<WithTurnover<Constant>> && !DifferentiableModel<WithTurnover<Mammillary>>);

}  // namespace

TEST_CASE("a sigmoid effect is half way at its ec50, whatever unit that was stated in") {
  EmaxEffect e = stated_emax();
  CHECK(effect_of(checked(e), 0.1) == Approx(50).epsilon(1e-14));  // 0.1 mg/L = 100 ng/mL
  CHECK(effect_of(checked(e), 0.0) == 80);
  CHECK(effect_of(checked(e), 1e200) == Approx(20).epsilon(1e-14));
  e.ec50 = {100, unit::mcg_per_L};
  CHECK(effect_of(checked(e), 0.1) == Approx(50).epsilon(1e-14));
  e.ec50 = {0.1, unit::mcg_per_mL};
  CHECK(effect_of(checked(e), 0.3) == Approx(80 - 60 * 0.9).epsilon(1e-14));  // 3^2 / (1 + 3^2)
  CHECK(effect_of(checked(LinearEffect{{200, unit::ng_per_mL}, 10, 4, "score", "made up"}), 0.3) == Approx(16));
}

TEST_CASE(
    "the concentration for an effect has that effect, and there is none beyond the ceiling or below the baseline") {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const Emax e{r.log_between(1e-3, 1), r.between(0.5, 8), r.between(-50, 50),
                 r.between(1, 90) * (r.one_in(2) ? 1 : -1)};
    const double c = e.ec50_mg_per_L * r.log_between(0.1, 10);
    const double level = effect_of(e, c);
    // As far as the effect knows its concentration: near the ceiling or the baseline a rounding of it is worth more.
    const double margin = std::min(std::abs(e.baseline + e.change - level), std::abs(level - e.baseline));
    const double near = 1e-14 * (std::abs(e.baseline) + std::abs(e.change)) / margin;
    CHECK(concentration_for(e, level).mg_per_L == Approx(c).epsilon(1e-12 + near));
    CHECK(concentration_for(e, e.baseline - e.change).mg_per_L == -std::numeric_limits<double>::infinity());
    CHECK(concentration_for(e, e.baseline + e.change).mg_per_L == std::numeric_limits<double>::infinity());
    CHECK(concentration_for(e, e.baseline).mg_per_L == 0);
  }
}

TEST_CASE(
    "minutes beyond an effect are those of counting a fine grid, and the strongest effect is above every sample") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const auto exact = solve(adult, schedule(random_regimen(r)));
    const auto site = course_of(exact, r.one_in(2) ? Curve::effect_site() : Curve::plasma());
    const Emax e{r.log_between(0.02, 0.3), r.between(0.7, 5), 80, r.one_in(2) ? 30.0 : -60.0};
    const Extreme top = strongest(site, e);
    const double level = e.baseline + (top.value - e.baseline) * r.between(0.1, 0.95);
    constexpr int points = 10'000;
    const Micros until = 12h, step = until / points;
    int over = 0, under = 0, edges = 0;
    bool before = e.baseline > level;
    for (int k = 0; k < points; ++k) {
      const double now = effect_of(e, exact.value(k * step + step / 2, site.curve));
      CHECK(std::abs(now - e.baseline) <= std::abs(top.value - e.baseline) * (1 + 1e-12));
      over += now > level ? 1 : 0;
      under += now < level ? 1 : 0;
      edges += (now > level) != before ? 1 : 0;
      before = now > level;
    }
    CHECK(std::abs(minutes_over(site, e, level, until).minutes - over * minutes(step)) <= (edges + 1) * minutes(step));
    CHECK(std::abs(minutes_under(site, e, level, until).minutes - under * minutes(step)) <=
          (edges + 1) * minutes(step));
  }
}

TEST_CASE("an effect that no concentration reaches is never had, and one that none undercuts always is") {
  const auto exact = solve(adult, schedule(regimen_of({infusion(0min, 40min, 35)})));
  const auto plasma = course_of(exact, Curve::plasma());
  const Emax rising{0.1, 1, 10, 30}, falling{0.1, 1, 10, -30};
  CHECK(minutes_over(plasma, rising, 40, 2h).minutes == 0);
  CHECK_FALSE(minutes_over(plasma, rising, 40, 2h).first_min);
  CHECK(minutes_over(plasma, rising, 9, 2h).minutes == Approx(120));
  CHECK(minutes_under(plasma, rising, 40, 2h).minutes == Approx(120));
  CHECK(minutes_over(plasma, falling, -20, 2h).minutes == Approx(120));
  CHECK(minutes_under(plasma, falling, -20, 2h).minutes == 0);
  CHECK(minutes_under(plasma, falling, 11, 2h).minutes == Approx(120));
}

TEST_CASE("parameters that make no effect are refused, each by its name") {
  const auto with = [](auto change) {
    EmaxEffect e = stated_emax();
    change(e);
    return [e] { (void)checked(e); };
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  check_refused("ec50", with([](EmaxEffect& e) { e.ec50 = {0, unit::ng_per_mL}; }));
  check_refused("hill", with([&](EmaxEffect& e) { e.hill = nan; }));
  check_refused("baseline", with([&](EmaxEffect& e) { e.baseline = nan; }));
  check_refused("change", with([](EmaxEffect& e) { e.change = 0; }));
  check_refused("effect_unit", with([](EmaxEffect& e) { e.effect_unit.clear(); }));
  check_refused("source", with([](EmaxEffect& e) { e.source.clear(); }));
  check_refused("at", [] { (void)checked(LinearEffect{{-1, unit::ng_per_mL}, 0, 1, "score", "made up"}); });
  const auto turning = [](Turnover kind, auto change) {
    TurnoverEffect e = stated_turnover(kind);
    change(e);
    return [e] { (void)checked(e); };
  };
  check_refused("kout", turning(Turnover::stimulate_loss, [&](TurnoverEffect& e) { e.kout = {nan, unit::per_min}; }));
  check_refused("baseline", turning(Turnover::stimulate_loss, [](TurnoverEffect& e) { e.baseline = 0; }));
  check_refused("most", turning(Turnover::inhibit_loss, [](TurnoverEffect& e) { e.most = 1.01; }));
  check_refused("drive", turning(Turnover::inhibit_build_up, [](TurnoverEffect& e) { e.drive = Drive::linear; }));
  check_refused("c50", turning(Turnover::inhibit_build_up, [](TurnoverEffect& e) { e.c50 = {0, unit::mg_per_L}; }));
  check_refused("hill", turning(Turnover::stimulate_loss, [](TurnoverEffect& e) {
                  e.drive = Drive::linear;
                  e.hill = 2;
                }));
  CHECK(checked(stated_turnover(Turnover::inhibit_loss)).kout_per_min == Approx(0.05).epsilon(1e-15));
  CHECK(checked(stated_turnover(Turnover::inhibit_loss)).c50_mg_per_L == 0.2);
}

TEST_CASE("without drug an effect that turns over stays at its baseline") {
  for (const Turnover kind : kinds) {
    const WithTurnover model(Mammillary(adult), checked(stated_turnover(kind)), Curve::plasma());
    const auto x = solved(model, {{0min, 0min, 0, 0}}, 24h);
    for (int hour = 0; hour <= 24; ++hour) CHECK(x.value(Micros{1h} * hour, model.effect()) == 40);
  }
}

TEST_CASE("under a constant concentration each kind goes to its steady state, as one exponential") {
  for (const double c : {0.02, 0.2, 5.0})
    for (const double hill : {1.0, 2.5})
      for (const Turnover kind : kinds) {
        TurnoverEffect stated = stated_turnover(kind);
        stated.hill = hill;
        const WithTurnover model(Constant{}, checked(stated), Curve::plasma());
        const double d = 0.8 * std::pow(c, hill) / (std::pow(0.2, hill) + std::pow(c, hill)), kout = 0.05;
        double steady = 0, rate = kout;
        switch (kind) {
          case Turnover::inhibit_build_up: steady = 40 * (1 - d); break;
          case Turnover::stimulate_build_up: steady = 40 * (1 + d); break;
          case Turnover::inhibit_loss: steady = 40 / (1 - d), rate = kout * (1 - d); break;
          case Turnover::stimulate_loss: steady = 40 / (1 + d), rate = kout * (1 + d); break;
        }
        for (const OdeMethod method : {OdeMethod::dormand_prince, OdeMethod::rosenbrock}) {
          const auto x = solved(model, {{0min, 0min, c, 0}}, 24h, {.method = method});
          double worst = 0;
          for (int i = 0; i <= 288; ++i) {
            const double t = 5.0 * i, expected = steady + (40 - steady) * std::exp(-rate * t);
            worst = std::max(worst, std::abs(x.value(Micros{5min} * i, model.effect()) / expected - 1));
          }
          INFO(turnover_names[static_cast<std::size_t>(kind)] << ", c " << c);
          CHECK(worst < 1e-9);
          const Extreme end =
              steady > 40 ? highest(course_of(x, model.effect())) : lowest(course_of(x, model.effect()));
          CHECK(end.value == Approx(steady + (40 - steady) * std::exp(-rate * 1440)).epsilon(1e-9));
        }
      }
}

TEST_CASE("a linear stimulation of build-up changes the area of the effect by baseline times AUC over c50") {
  // dE/dt = kin (1 + s C) - kout E: the integral of E - E0 is kin s AUC / kout.
  TurnoverEffect stated = stated_turnover(Turnover::stimulate_build_up, Drive::linear);
  stated.most = 1.5;
  const WithTurnover model(Mammillary(adult), checked(stated), Curve::effect_site());
  const auto segments = schedule(regimen_of({bolus(0min, 10), infusion(10min, 40min, 35)}));
  const Micros end = 24h * 20;
  const auto x = solved(model, segments, end);
  const double auc = solve(adult, segments).auc_to_infinity(Curve::effect_site());
  const double change = area_to(course_of(x, model.effect()), end) - 40 * minutes(end);
  CHECK(change == Approx(40 * 1.5 * auc / 0.2).epsilon(1e-8));
}

TEST_CASE("a model keeps its own curves, area and state under the effect on top of it") {
  Parameters<double> p = adult;
  p.metabolites.push_back({0.8, 98, 0.96, 0.7, 160});
  const auto segments = schedule(regimen_of({infusion(0min, 40min, 35), bolus(50min, 5)}));
  const WithTurnover model(Mammillary(p), checked(stated_turnover(Turnover::inhibit_build_up)), Curve::plasma());
  CHECK(model.effect() == Curve::other(0));
  CHECK(model.name_of(model.size() - 1) == "effect");
  const auto x = solved(model, segments, 12h);
  const auto exact = solve(p, segments);
  double worst = 0;
  for (int i = 1; i <= 144; ++i) {
    const Micros t = Micros{5min} * i;
    for (const Curve c : {Curve::plasma(), Curve::effect_site(), Curve::metabolite(0)})
      worst = std::max(worst, std::abs(x.value(t, c) / exact.value(t, c) - 1));
    worst = std::max(worst, std::abs(x.auc_mg_min_per_L(t) / exact.auc_mg_min_per_L(t) - 1));
  }
  CHECK(worst < 1e-9);
  // Twice over: an effect of its own on a model that already has one.
  const WithTurnover two(model, checked(stated_turnover(Turnover::stimulate_loss)), Curve::metabolite(0));
  CHECK(two.effect() == Curve::other(1));
  const auto both = solved(two, segments, 12h);
  CHECK(both.value(6h, Curve::other(0)) == Approx(x.value(6h, Curve::other(0))).epsilon(1e-9));
  CHECK(both.value(0min, Curve::other(1)) == 40);
  CHECK_THROWS_AS(WithTurnover(model, checked(stated_turnover(Turnover::stimulate_loss)), Curve::other(0)),
                  InvalidInput);
  CHECK_THROWS_AS(WithTurnover(Constant{}, checked(stated_turnover(Turnover::stimulate_loss)), Curve::effect_site()),
                  InvalidInput);
}
