// SPDX-License-Identifier: Apache-2.0
// Expected values: a Runge-Kutta integration written here (RK4, twice, extrapolated), closed forms of a linear response
// to exponentials, and other roads through the library that share no step with the one under test.

#include "ketpk/response.hpp"

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/library.hpp"
#include "ketpk/predict.hpp"
#include "ketpk/simulate.hpp"
#include "made_up.hpp"
#include "random_cases.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace ketpk::testing;
using namespace std::chrono_literals;

namespace {

using made_up::oral_card;
using made_up::parameter;

constexpr std::array kinds{Turnover::inhibit_build_up, Turnover::inhibit_loss, Turnover::stimulate_build_up,
                           Turnover::stimulate_loss};
const Parameters<double> adult{25, 1.4, 2.7, 56, 1.3, 157, 0.2};

/// kout 0.05/min, baseline 40, at most 0.8 of a change, half of it at 0.2 mg/L.
IndirectResponse response_of(Turnover kind, Drive drive = Drive::saturable) {
  return {kind, drive, 0.05, 40, 0.8, 0.2, 1};
}

TurnoverEffect stated(const IndirectResponse& r) {
  return {.kind = r.kind,
          .drive = r.drive,
          .kout = {r.kout_per_min, unit::per_min},
          .baseline = r.baseline,
          .most = r.most,
          .c50 = {r.c50_mg_per_L, unit::mg_per_L},
          .hill = r.hill,
          .effect_unit = "score",
          .source = "made up for this test"};
}
EmaxEffect emax(double change) {
  return {.ec50 = {100, unit::ng_per_mL},
          .hill = 2,
          .baseline = 80,
          .change = change,
          .effect_unit = "mmHg",
          .source = "made up for this test"};
}
LinearEffect straight(double change) {
  return {.at = {2, unit::mg_per_L},
          .baseline = 10,
          .change = change,
          .effect_unit = "%",
          .source = "made up for this test"};
}

/// A course of one network over doses, and what it refers to.
struct Course1 {
  Timeline timeline;
  std::unique_ptr<Networks> networks;
  std::unique_ptr<NetworkSolver> solver;
  std::vector<NetworkState> states;

  [[nodiscard]] DrivingCourse driving() const { return {timeline, *solver, states}; }
};

Course1 course_over(const Parameters<double>& p, const std::vector<Happening>& doses) {
  std::vector<Happening> records{{.line = 0, .time = 0us}};
  records.insert(records.end(), doses.begin(), doses.end());
  records.push_back({.line = 0, .time = horizon_limit});
  Course1 c{timeline(records, CovariateRule::nonmem), nullptr, nullptr, {}};
  c.timeline.stretches.pop_back();
  c.networks = std::make_unique<Networks>(Networks{{Network(p)}, std::vector<std::size_t>(records.size(), 0)});
  c.solver = std::make_unique<NetworkSolver>(*c.networks);
  auto states = solve(c.timeline, *c.solver, c.networks->distinct[0].size());
  if (const auto* trouble = std::get_if<Trouble>(&states)) FAIL(trouble->message);
  c.states = std::get<0>(std::move(states));
  return c;
}

ResponseTrajectory responded(const Course1& c, const DrivenResponse& driven,
                             OdeMethod method = OdeMethod::dormand_prince) {
  auto answer = respond(c.driving(), driven, method);
  if (const auto* trouble = std::get_if<Trouble>(&answer)) FAIL(trouble->message);
  return std::get<0>(std::move(answer));
}

Happening pushed(Micros at, double mg, std::size_t place = 0) {
  return {.line = 1, .time = at, .dose = Entering{.place = place, .bolus_mg = mg}};
}
Happening infused(Micros at, Micros over, double mg, std::size_t place = 0) {
  return {
      .line = 1, .time = at, .dose = Entering{.place = place, .rate_mg_per_min = mg / minutes(over), .duration = over}};
}

/// Drug and effect by fixed steps: depots (each into the central one), central, two peripherals, the effect site, one
/// metabolite of one compartment, the effect. Written down anew from the equations of a textbook.
class Fixed {
 public:
  Fixed(const Parameters<double>& p, const DrivenResponse& d, double step_min) : p_(p), d_(d), step_min_(step_min) {
    x_.assign(p.depots.size() + 6, 0.0);
    x_.back() = d.response.baseline;
  }
  void push(std::size_t place, double mg) { x_[place] += mg; }
  void run(double min, std::size_t place, double mg_per_min) {
    const auto steps = static_cast<int>(std::ceil(min / step_min_));
    const double h = min / steps;
    for (int i = 0; i < steps; ++i) {
      const auto k1 = slopes(x_, place, mg_per_min), k2 = slopes(moved(k1, h / 2), place, mg_per_min),
                 k3 = slopes(moved(k2, h / 2), place, mg_per_min), k4 = slopes(moved(k3, h), place, mg_per_min);
      for (std::size_t j = 0; j < x_.size(); ++j) x_[j] += h / 6 * (k1[j] + 2 * k2[j] + 2 * k3[j] + k4[j]);
    }
  }
  [[nodiscard]] double effect() const { return x_.back(); }

 private:
  using Values = std::vector<double>;
  [[nodiscard]] Values moved(const Values& k, double h) const {
    Values x = x_;
    for (std::size_t j = 0; j < x.size(); ++j) x[j] += h * k[j];
    return x;
  }
  [[nodiscard]] Values slopes(const Values& x, std::size_t place, double mg_per_min) const {
    Values dx(x.size());
    const std::size_t c = p_.depots.size();
    const double c1 = x[c] / p_.v1_L;
    double out = p_.cl_L_per_min * c1;
    if (p_.saturable) out += p_.saturable->vmax_mg_per_min * c1 / (p_.saturable->km_mg_per_L + c1);
    dx[c] = -out;
    for (std::size_t i = 0; i < c; ++i) {
      dx[i] = -p_.depots[i].ka_per_min * x[i];
      dx[c] += p_.depots[i].ka_per_min * x[i];
    }
    const double shallow = p_.q2_L_per_min * (c1 - x[c + 1] / p_.v2_L),
                 deep = p_.q3_L_per_min * (c1 - x[c + 2] / p_.v3_L);
    dx[c + 1] = shallow;
    dx[c + 2] = deep;
    dx[c] -= shallow + deep;
    dx[c + 3] = p_.ke0_per_min.value_or(0) * (c1 - x[c + 3]);
    double metabolite = 0;
    if (!p_.metabolites.empty()) {
      const auto& m = p_.metabolites[0];
      metabolite = x[c + 4] / m.v1_L;
      dx[c + 4] = m.fraction * out - m.cl_L_per_min * metabolite;
    }
    dx[place] += mg_per_min;
    const double conc = d_.by.kind == Curve::Kind::effect_site  ? x[c + 3]
                        : d_.by.kind == Curve::Kind::metabolite ? metabolite
                                                                : c1;
    const IndirectResponse& r = d_.response;
    const double up = std::pow(conc, r.hill), d = r.drive == Drive::linear
                                                      ? r.most * conc / r.c50_mg_per_L
                                                      : r.most * up / (std::pow(r.c50_mg_per_L, r.hill) + up);
    const double kin = r.kout_per_min * r.baseline, e = x.back();
    dx.back() = r.kind == Turnover::inhibit_build_up     ? kin * (1 - d) - r.kout_per_min * e
                : r.kind == Turnover::inhibit_loss       ? kin - r.kout_per_min * (1 - d) * e
                : r.kind == Turnover::stimulate_build_up ? kin * (1 + d) - r.kout_per_min * e
                                                         : kin - r.kout_per_min * (1 + d) * e;
    return dx;
  }
  Parameters<double> p_;
  DrivenResponse d_;
  double step_min_;
  Values x_;
};

Result must(const Request& request) {
  Outcome outcome = simulate(request);
  if (const auto* trouble = std::get_if<Trouble>(&outcome)) FAIL(trouble->message);
  return std::get<Result>(std::move(outcome));
}

std::string refusal(const std::function<void()>& f) {
  try {
    f();
  } catch (const InvalidInput& e) {
    return std::string(name_of(e.code)) + ' ' + e.field;
  }
  return "accepted";
}

/// Kamp's model with an effect site, a made-up metabolite and a nose.
ModelCard card_with_all() {
  ModelCard card = library::find("kamp2020");
  card.ke0 = parameter("ke0", 0.2, unit::per_min);
  card.metabolites = {{.name = "norketamine",
                       .fraction = 0.8,
                       .parameters = {parameter("CL", 60, unit::L_per_h), parameter("V1", 98, unit::L)},
                       .source = "made up for this test"}};
  card.depots = {{.name = "nose", .ka = parameter("ka", 0.06, unit::per_min)}};
  card.effects = {{"pressure", "effect_site", emax(30)}, {"alertness", "plasma", emax(-60)}};
  return card;
}
Request request_for(std::vector<Input> inputs) {
  return {.patient = {.weight = 70_kg},
          .order = made_up::order_of(std::move(inputs)),
          .model = card_with_all(),
          .observe = {.at = {0min, 5min, 20min, 40min, 50min, 2h, 6h, 24h}}};
}

Record at(Micros time) { return {.line = 2, .time = time}; }
Record dose_at(Micros time, RecordDose dose) { return {.line = 2, .time = time, .evid = Evid::dose, .dose = dose}; }
Dataset one_subject(std::vector<Record> records) {
  for (std::size_t k = 0; k < records.size(); ++k) records[k].line = k + 2;
  return {.covariates = {}, .subjects = {{"1", std::move(records)}}};
}
Predictions predicted(const ModelCard& card, const Dataset& data) {
  auto answer = predict(card, data);
  if (const auto* trouble = std::get_if<Trouble>(&answer)) FAIL(trouble->message);
  return std::get<0>(std::move(answer));
}

}  // namespace

TEST_CASE("along an infusion every kind of response is what drug and effect give as one system of equations") {
  Parameters<double> p = adult;
  p.metabolites = {{0.8, 98, 0.96, 0.7, 160}};
  const std::vector<Segment> segments{{0us, 40min, 0, 0.875}, {40min, 20min, 0, 0}, {60min, 0us, 10, 0}};
  const Course1 course = course_over(p, {infused(0us, 40min, 35), pushed(60min, 10)});
  const auto check = [&](const IndirectResponse& r, Curve by) {
    INFO(turnover_names[static_cast<std::size_t>(r.kind)] << " by curve " << static_cast<int>(by.kind));
    const WithTurnover one(Mammillary(p), r, by);
    const auto solved = solve_ode(one, segments, 24h);
    const auto& whole = std::get<0>(solved);
    for (const OdeMethod method : {OdeMethod::dormand_prince, OdeMethod::rosenbrock}) {
      const ResponseTrajectory here = responded(course, {r, by}, method);
      double worst = 0;
      for (int i = 0; i <= 480; ++i) {
        const Micros t = 3min * i;
        worst = std::max(worst, std::abs(here.value(t) / whole.value(t, one.effect()) - 1));
      }
      CHECK(worst < 1e-9);
      const auto curve = course_of(here, ResponseTrajectory::effect());
      const auto same = course_of(whole, one.effect());
      CHECK(highest(curve).value == Approx(highest(same).value).epsilon(1e-9));
      CHECK(lowest(curve).value == Approx(lowest(same).value).epsilon(1e-9));
    }
  };
  for (const Turnover kind : kinds) {
    for (const Curve by : {Curve::plasma(), Curve::effect_site(), Curve::metabolite(0)}) check(response_of(kind), by);
    if (kind == Turnover::stimulate_build_up || kind == Turnover::stimulate_loss)
      check(response_of(kind, Drive::linear), Curve::plasma());
  }
}

TEST_CASE("random models, routes and responses are followed as small fixed steps do, to 1e-8") {
  double worst = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    Parameters<double> p = random_parameters(r);
    p.v1_L = std::max(p.v1_L, 8.0);
    p.metabolites.resize(std::min<std::size_t>(p.metabolites.size(), 1));
    for (auto& m : p.metabolites) m.q2_L_per_min = 0;
    if (r.one_in(2)) p.depots = {{r.log_between(0.005, 0.5)}};
    if (r.one_in(3)) p.saturable = SaturableElimination<double>{r.log_between(0.05, 2), r.log_between(0.05, 2)};
    const bool is_linear_drive = r.one_in(3);
    const Turnover kind = kinds[static_cast<std::size_t>(is_linear_drive ? 2 + r.below(2) : r.below(4))];
    DrivenResponse d{
        {kind, is_linear_drive ? Drive::linear : Drive::saturable, r.log_between(0.003, 0.3), r.log_between(1e-3, 1e5),
         r.between(0.1, 1), r.log_between(0.02, 2), is_linear_drive ? 1 : r.between(1, 4)},
        Curve::plasma()};
    if (p.ke0_per_min && r.one_in(2)) d.by = Curve::effect_site();
    if (!p.metabolites.empty() && r.one_in(3)) d.by = Curve::metabolite(0);
    // Pushes and infusions, one after the other, of which some rest between.
    struct Part {
      double mg;
      std::size_t place;
      Micros over, then;
    };
    std::vector<Part> parts;
    for (int n = 1 + r.below(4); n > 0; --n)
      parts.push_back({r.log_between(1, 60), p.depots.empty() ? 0 : static_cast<std::size_t>(r.below(2)),
                       r.one_in(2) ? 0us : Micros{1'000'000} + r.micros(0, 60), r.one_in(3) ? 0us : r.micros(1, 120)});
    std::vector<Happening> doses;
    Micros now{0};
    for (const Part& part : parts) {
      doses.push_back(part.over == 0us ? pushed(now, part.mg, part.place)
                                       : infused(now, part.over, part.mg, part.place));
      now += part.over + part.then;
    }
    const Course1 course = course_over(p, doses);
    const ResponseTrajectory here = responded(course, d);
    Fixed coarse(p, d, 0.02), fine(p, d, 0.01);
    now = 0us;
    const auto compare = [&] {
      const double expected = fine.effect() + (fine.effect() - coarse.effect()) / 15;
      const double off = std::abs(here.value(now) / expected - 1);
      worst = std::max(worst, off);
      CHECK(off < 1e-8);
    };
    for (const Part& part : parts) {
      for (Fixed* f : {&coarse, &fine}) {
        if (part.over == 0us)
          f->push(part.place, part.mg);
        else
          f->run(minutes(part.over), part.place, part.mg / minutes(part.over));
      }
      now += part.over;
      compare();
      if (part.then > 0us)
        for (Fixed* f : {&coarse, &fine}) f->run(minutes(part.then), part.place, 0);
      now += part.then;
      compare();
    }
    for (int i = 0; i < 3; ++i) {
      for (Fixed* f : {&coarse, &fine}) f->run(97, 0, 0);
      now += 97min;
      compare();
    }
  }
  CHECK(worst < 1e-8);
}

TEST_CASE("extremes are those of the curve: no sample of a fine grid is beyond them, and the nearest is near") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const Turnover kind = kinds[static_cast<std::size_t>(r.below(4))];
    const DrivenResponse d{{kind, Drive::saturable, r.log_between(0.01, 1), 7, 0.9, r.log_between(0.05, 0.5), 2},
                           r.one_in(2) ? Curve::plasma() : Curve::effect_site()};
    std::vector<Happening> doses;
    Micros now{0};
    for (int n = 1 + r.below(4); n > 0; --n) {
      doses.push_back(infused(now, r.micros(0.1, 40), r.between(1, 40)));
      now += r.micros(60, 180);
    }
    const ResponseTrajectory here = responded(course_over(adult, doses), d);
    const auto curve = course_of(here, ResponseTrajectory::effect());
    const Extreme top = highest(curve), bottom = lowest(curve);
    double most = 0, least = 1e9;
    for (Micros t{0}; t < 24h; t += 10s) {
      most = std::max(most, here.value(t));
      least = std::min(least, here.value(t));
    }
    CHECK(most <= top.value * (1 + 1e-12));
    CHECK(least >= bottom.value * (1 - 1e-12));
    CHECK(most == Approx(top.value).epsilon(1e-3));
    CHECK(least == Approx(bottom.value).epsilon(1e-3));
    for (const Extreme& e : {top, bottom})
      CHECK(here.value(Micros{std::llround(e.min * 60e6)}) == Approx(e.value).epsilon(1e-9));
    const bool falls = kind == Turnover::inhibit_build_up || kind == Turnover::stimulate_loss;
    CHECK((falls ? top : bottom).min == 0);
    CHECK((falls ? top : bottom).value == Approx(7).epsilon(1e-10));
  }
}

TEST_CASE("long after the drug an effect is back at its baseline, whatever the exponent, and stays there") {
  for (const Turnover kind : kinds)
    for (const double hill : {0.3, 1.0, 6.0})
      for (const double kout : {0.0005, 0.05, 3.0}) {
        IndirectResponse response = response_of(kind);
        response.hill = hill;
        response.kout_per_min = kout;
        INFO(turnover_names[static_cast<std::size_t>(kind)] << ", hill " << hill << ", kout " << kout);
        const ResponseTrajectory here = responded(course_over(adult, {pushed(0us, 50)}), {response, Curve::plasma()});
        const double end = here.length_min(here.segments().size() - 1);
        CHECK(here.at(here.segments().size() - 1, end, ResponseTrajectory::effect()) == Approx(40).epsilon(1e-9));
        CHECK(here.value(horizon_limit * 100) == 40);
        CHECK(std::abs(here.value(60min) - 40) > 0.01 * kout);
      }
}

TEST_CASE("a reset puts the effect back to its baseline, where it stays until the next dose, which begins anew") {
  Happening reset{.line = 1, .time = 50min, .empties = true};
  const std::vector<Happening> doses{infused(0us, 90min, 60), reset, pushed(100min, 5)};
  const DrivenResponse d{response_of(Turnover::stimulate_build_up), Curve::effect_site()};
  const ResponseTrajectory here = responded(course_over(adult, doses), d);
  const ResponseTrajectory alone = responded(course_over(adult, {pushed(0us, 5)}), d);
  CHECK(here.value(50min - 1us) > 50);
  CHECK(here.value(50min) == 40);
  CHECK(here.value(75min) == 40);
  for (const Micros later : {1min, 30min, 300min})
    CHECK(here.value(100min + later) == Approx(alone.value(later)).epsilon(1e-10));
}

TEST_CASE(
    "a pulse of two seconds at any instant of a day is not missed: it acts as at instant 0, and about as a push") {
  Random r(11);
  for (int i = 0; i < 100; ++i) {
    const Micros begin = r.instant(1us, 24h);
    INFO("at " << begin.count() << " us");
    const DrivenResponse d{response_of(kinds[static_cast<std::size_t>(i % 4)]), Curve::plasma()};
    const auto farthest = [&](const std::vector<Happening>& doses) {
      const ResponseTrajectory here = responded(course_over(adult, doses), d);
      const auto curve = course_of(here, ResponseTrajectory::effect());
      const Extreme top = highest(curve), bottom = lowest(curve);
      return top.value - 40 > 40 - bottom.value ? top : bottom;
    };
    const Extreme pulse = farthest({infused(begin, 2s, 20)}), first = farthest({infused(0us, 2s, 20)});
    const Extreme push = farthest({pushed(1s, 20)});
    CHECK(std::abs(push.value - 40) > 2);
    CHECK(pulse.value - 40 == Approx(first.value - 40).epsilon(1e-9));
    CHECK(pulse.min - minutes(begin) == Approx(first.min).epsilon(1e-6));
    CHECK(pulse.value - 40 == Approx(push.value - 40).epsilon(1e-3));
  }
}

TEST_CASE("so stiff that explicit steps would be too many, a response follows what drives it") {
  // With a kout of 2000 a minute the effect is where its build-up and its loss balance.
  IndirectResponse r = response_of(Turnover::inhibit_build_up);
  r.kout_per_min = 2000;
  const ResponseTrajectory here = responded(course_over(adult, {infused(0us, 40min, 35)}), {r, Curve::effect_site()});
  CHECK(here.is_stiff());
  const auto drug = solve(adult, {{0us, 40min, 0, 0.875}, {40min, 0us, 0, 0}});
  for (const Micros t : {10min, 40min, 90min, 600min}) {
    const double c = drug.value(t, Curve::effect_site());
    CHECK(here.value(t) == Approx(40 * (1 - 0.8 * c / (0.2 + c))).epsilon(1e-4));
  }
  // There is no second method for such a course, and the answer says so.
  Request request = request_for({Infuse{35_mg, 40min}});
  request.effects = {{"score", "effect_site", stated(r)}};
  const SolverCheck check = must(request).effects[2].check;
  CHECK(check.solver == "rosenbrock");
  CHECK_FALSE(check.second_solver);
  CHECK_FALSE(check.agreement_rel);
}

TEST_CASE("effects of all kinds are answered for an order: the card's, then the request's") {
  Request request = request_for({Infuse{35_mg, 40min}});
  request.effects = {{"nausea", "norketamine", straight(5)},
                     {"score", "effect_site", stated(response_of(Turnover::stimulate_build_up))}};
  const Result r = must(request);
  REQUIRE(r.effects.size() == 4);
  const char* names[] = {"pressure", "alertness", "nausea", "score"};
  for (std::size_t i = 0; i < 4; ++i) CHECK(r.effects[i].effect.name == names[i]);
  for (std::size_t k = 0; k < r.profile.time.size(); ++k) {
    const auto by_hand = [](double ng_per_mL, double change) {
      const double x = ng_per_mL / 100 * (ng_per_mL / 100);
      return 80 + change * x / (1 + x);
    };
    CHECK(r.effects[0].values[k] == Approx(by_hand(r.profile.effect_site_ng_per_mL[k], 30)).epsilon(1e-13));
    CHECK(r.effects[1].values[k] == Approx(by_hand(r.profile.plasma_ng_per_mL[k], -60)).epsilon(1e-13));
    CHECK(r.effects[2].values[k] == Approx(10 + 5 * r.profile.metabolites[0].ng_per_mL[k] / 2000).epsilon(1e-13));
  }
  // What follows at once is farthest from its baseline where the concentration peaks.
  CHECK(r.effects[0].baseline == 80);
  CHECK(r.effects[0].highest.min == r.summary.effect_site->min);
  CHECK(r.effects[0].lowest.value == 80);
  CHECK(r.effects[0].lowest.min == 0);
  CHECK(r.effects[1].lowest.min == Approx(40).epsilon(1e-12));
  CHECK(r.effects[1].lowest.value == Approx(r.effects[1].values[3]).epsilon(1e-12));
  CHECK(r.effects[1].highest.value == 80);
  CHECK(r.effects[2].check.solver == "exact");
  CHECK(r.effects[2].check.agreement_rel == r.check.agreement_rel);
  // What turns over lags behind.
  const EffectAnswer& score = r.effects[3];
  CHECK(score.baseline == 40);
  CHECK(score.values[0] == 40);
  CHECK(score.highest.min > r.summary.effect_site->min);
  CHECK(score.highest.value >= *std::max_element(score.values.begin(), score.values.end()));
  CHECK(score.check.second_solver == "rosenbrock");
  CHECK(*score.check.agreement_rel < 1e-9);
  CHECK(score.check.mass_balance_rel == r.check.mass_balance_rel);
  // Asked once, it says so, and gives the same.
  const Outcome once = simulate(request, NoSecondSolver{});
  const Result& quick = std::get<Result>(once);
  CHECK_FALSE(quick.effects[3].check.second_solver);
  CHECK_FALSE(quick.effects[3].check.agreement_rel);
  CHECK(quick.effects[3].values == score.values);
}

TEST_CASE("effects change nothing of the drug") {
  Request request = request_for({Infuse{35_mg, 40min}, Bolus{20_mg, 10min, "nose"}});
  request.effects = {{"score", "effect_site", stated(response_of(Turnover::inhibit_loss))}};
  const Result with = must(request);
  request.model.effects.clear();
  request.effects.clear();
  const Result without = must(request);
  CHECK(without.effects.empty());
  CHECK(with.profile.plasma_ng_per_mL == without.profile.plasma_ng_per_mL);
  CHECK(with.profile.auc_ng_h_per_mL == without.profile.auc_ng_h_per_mL);
  CHECK(with.summary.plasma.min == without.summary.plasma.min);
}

TEST_CASE("an effect of what is absorbed is that of the infusions it amounts to") {
  Request request = request_for({Bolus{50_mg, 0min, "nose"}});
  request.effects = {{"score", "plasma", stated(response_of(Turnover::inhibit_build_up))}};
  const Result nose = must(request);
  std::vector<Input> stairs;
  for (int i = 0; i < 800; ++i)
    stairs.push_back(Infuse{DrugMass(50 * (std::exp(-0.03 * i) - std::exp(-0.03 * (i + 1))), unit::mg), 30s, 30s * i});
  request.order.inputs = std::move(stairs);
  const Result vein = must(request);
  CHECK(nose.check.solver == "odeint");
  CHECK(vein.check.solver == "exact");
  CHECK(nose.effects[2].lowest.value == Approx(vein.effects[2].lowest.value).epsilon(1e-4));
  for (std::size_t k = 0; k < nose.profile.time.size(); ++k)
    CHECK(nose.effects[2].values[k] == Approx(vein.effects[2].values[k]).epsilon(1e-3));
}

TEST_CASE("a saturable model drives an effect, and where its Km is out of reach, as the linear one does") {
  Request request = request_for({Infuse{35_mg, 40min}});
  request.effects = {{"score", "plasma", stated(response_of(Turnover::stimulate_loss))}};
  const Result linear = must(request);
  const double km = 1e9;  // mg/L
  request.model.parameters.push_back(parameter("Vmax", 30 * km, unit::mg_per_h));
  request.model.parameters.push_back(parameter("Km", km, unit::mg_per_L));
  const Result saturable = must(request);
  CHECK(saturable.effects[2].lowest.value > linear.effects[2].lowest.value);
  request.model = card_with_all();
  const double cl_L_per_h = individual(request.model, request.patient).cl_L_per_min * 60;
  for (CardParameter& p : request.model.parameters)
    if (p.name == "CL") p = parameter("CL", cl_L_per_h + 30, unit::L_per_h);
  const Result same = must(request);
  for (std::size_t k = 0; k < same.profile.time.size(); ++k)
    CHECK(saturable.effects[2].values[k] == Approx(same.effects[2].values[k]).epsilon(1e-8));
}

TEST_CASE("a pause is its two pieces, and a course gone on with is the one never interrupted, to the bit") {
  Request request = request_for({Infuse{35_mg, 40min}});
  request.effects = {{"score", "effect_site", stated(response_of(Turnover::inhibit_loss))}};
  const Result whole = must(request);
  Request paused = request;
  paused.order.events = {{0, 10min, Pause{}}, {0, 25min, Resume{}}};
  Request pieces = request;
  pieces.order.inputs = {Infuse{8.75_mg, 10min}, Infuse{26.25_mg, 30min, 25min}};
  const Result a = must(paused), b = must(pieces);
  CHECK(a.effects[2].values == b.effects[2].values);
  CHECK(a.effects[2].highest.value == b.effects[2].highest.value);
  CHECK(a.effects[2].values != whole.effects[2].values);

  Random r(7);
  for (int i = 0; i < 20; ++i) {
    const Micros cut = r.instant(1us, 39min);
    INFO("saved at " << cut.count() << " us");
    Request resumed = request;
    resumed.order.inputs.clear();
    resumed.order.initial_state = InitialState::saved;
    resumed.order.saved = saved_state(whole, cut);
    resumed.order.under_way = UnderWay::goes_on;
    const Result then = must(resumed);
    for (std::size_t e = 0; e < 3; ++e) {
      CHECK(then.effects[e].values == whole.effects[e].values);
      CHECK(then.effects[e].highest.value == whole.effects[e].highest.value);
      CHECK(then.effects[e].lowest.min == whole.effects[e].lowest.min);
    }
  }
}

TEST_CASE("sessions of a course carry an effect over from one to the next") {
  Request request = request_for({Infuse{35_mg, 40min}});
  request.order.course = CoursePlan{.starts = {0h, 6h, 12h}};
  IndirectResponse slow = response_of(Turnover::stimulate_build_up);
  slow.kout_per_min = 0.002;
  request.effects = {{"score", "plasma", stated(slow)}};
  request.observe.at = {6h, 6h + 40min, 12h + 40min, 48h};
  const Result r = must(request);
  Request written = request;
  written.order.course.reset();
  written.order.inputs = {Infuse{35_mg, 40min}, Infuse{35_mg, 40min, 6h}, Infuse{35_mg, 40min, 12h}};
  CHECK(r.effects[2].values == must(written).effects[2].values);
  CHECK(r.effects[2].values[0] > 41);
  CHECK(r.effects[2].highest.min > 12 * 60);
}

TEST_CASE("what makes no effect of a model is refused, with the place it stands in") {
  const auto no = [](auto change) {
    Request request = request_for({Infuse{35_mg, 40min}});
    request.effects = {{"score", "effect_site", stated(response_of(Turnover::inhibit_loss))}};
    change(request);
    return refusal([&] { (void)simulate(request); });
  };
  CHECK(no([](Request&) {}) == "accepted");
  CHECK(no([](Request& q) { q.effects[0].name = ""; }) == "E_PARSE effects[0].name");
  CHECK(no([](Request& q) { q.effects[0].name = "2nd"; }) == "E_PARSE effects[0].name");
  CHECK(no([](Request& q) { q.effects[0].name = "a b"; }) == "E_PARSE effects[0].name");
  CHECK(no([](Request& q) { q.effects[0].name = std::string(65, 'a'); }) == "E_PARSE effects[0].name");
  CHECK(no([](Request& q) { q.effects[0].name = "plasma"; }) == "E_FIELD_DUPLICATE effects[0].name");
  CHECK(no([](Request& q) { q.effects[0].name = "norketamine"; }) == "E_FIELD_DUPLICATE effects[0].name");
  CHECK(no([](Request& q) { q.effects[0].name = "alertness"; }) == "E_FIELD_DUPLICATE effects[0].name");
  CHECK(no([](Request& q) { q.model.effects[1].name = "pressure"; }) == "E_FIELD_DUPLICATE model.effects[1].name");
  CHECK(no([](Request& q) { q.effects[0].of = "blood"; }) == "E_MODEL_PARAM effects[0].of");
  CHECK(no([](Request& q) { q.effects[0].of = ""; }) == "E_MODEL_PARAM effects[0].of");
  CHECK(no([](Request& q) { q.model.ke0.reset(); }) == "E_MODEL_PARAM model.effects[0].of");
  CHECK(no([](Request& q) { std::get<TurnoverEffect>(q.effects[0].form).most = 2; }) ==
        "E_MODEL_PARAM effects[0].most");
  CHECK(no([](Request& q) { std::get<EmaxEffect>(q.model.effects[1].form).source.clear(); }) ==
        "E_MODEL_PARAM model.effects[1].source");
  const auto many = [](std::size_t n) {
    return [n](Request& q) {
      q.effects.assign(n, {"score", "plasma", emax(1)});
      for (std::size_t i = 0; i < n; ++i) q.effects[i].name += std::to_string(i);
    };
  };
  CHECK(no(many(14)) == "accepted");
  CHECK(no(many(15)) == "E_SIZE effects");
}

TEST_CASE("a rate so slow that an effect has no end is an outcome, not a number") {
  IndirectResponse r = response_of(Turnover::stimulate_build_up);
  r.kout_per_min = 1e-12;
  Request request = request_for({Infuse{35_mg, 40min}});
  request.effects = {{"score", "plasma", stated(r)}};
  const Outcome outcome = simulate(request);
  REQUIRE(std::holds_alternative<Trouble>(outcome));
  CHECK(std::get<Trouble>(outcome).code == Code::solver);
  CHECK(std::get<Trouble>(outcome).message.find("(effect 3)") != std::string::npos);
}

TEST_CASE("records are answered with all three kinds of effect, as formulas by hand have them") {
  // 5 mg/L after a push of 100 mg, gone at 0.3 per hour; a response whose build-up rises in proportion:
  // E - E0 = E0 s C0 kout / (kout - k) (exp(-k t) - exp(-kout t)), s of 0.4 at 2 mg/L, kout 0.1 per hour.
  ModelCard card = oral_card(unit::ng_per_mL);
  IndirectResponse r{Turnover::stimulate_build_up, Drive::linear, 0.1 / 60, 40, 0.4, 2, 1};
  card.effects = {{"pressure", "plasma", emax(30)}, {"nausea", "plasma", straight(-5)}, {"score", "plasma", stated(r)}};
  const auto score = [](double h, double c0) {
    return 40 * 0.4 / 2 * c0 * 0.1 / (0.1 - 0.3) * (std::exp(-0.3 * h) - std::exp(-0.1 * h));
  };
  Record reset = at(30h);
  reset.evid = Evid::reset_and_dose;
  reset.dose = RecordDose{.compartment = 1, .amount_mg = 50};
  const Predictions p = predicted(card, one_subject({at(0h), dose_at(1h, {.compartment = 1, .amount_mg = 100}), at(2h),
                                                     at(9h), reset, at(33h), at(33h)}));
  REQUIRE(p.effects.size() == 3);
  CHECK(p.effects[0].name == "pressure");
  CHECK(p.effects[0].unit == "mmHg");
  CHECK(p.effects[2].unit == "score");
  const double c[] = {0, 5, 5 * std::exp(-0.3), 5 * std::exp(-2.4), 2.5, 2.5 * std::exp(-0.9), 2.5 * std::exp(-0.9)};
  const double change[] = {0, 0, score(1, 5), score(8, 5), 0, score(3, 2.5), score(3, 2.5)};
  for (std::size_t k = 0; k < 7; ++k) {
    INFO("record " << k);
    const double x = c[k] / 0.1 * (c[k] / 0.1);
    CHECK(p.effects[0].values[k] == Approx(80 + 30 * x / (1 + x)).epsilon(1e-13));
    CHECK(p.effects[1].values[k] == Approx(10 - 5 * c[k] / 2).epsilon(1e-13));
    CHECK(p.effects[2].values[k] == Approx(40 + change[k]).epsilon(1e-10));
  }
  CHECK(p.effects[2].values[4] == 40);
  CHECK(p.agreement_rel.value() < 1e-9);
}

TEST_CASE("the spread of plasma is what it is without effects") {
  ModelCard card = oral_card(unit::ng_per_mL);
  card.variability = Variability{{"CL", "V1"}, {0.1, 0.03, 0.03, 0.2}, "made up"};
  const Dataset data = one_subject({dose_at(0h, {.compartment = 1, .amount_mg = 100}), at(2h), at(9h)});
  const auto spread = [&] {
    const auto answer = predict(card, data, {.has_spread = true});
    return std::get<Predictions>(answer).plasma_sd_mg_per_L;
  };
  const std::vector<double> without = spread();
  card.effects = {{"score", "plasma", stated(response_of(Turnover::inhibit_loss))}};
  CHECK(spread() == without);
  CHECK(without[1] > 0);
}

TEST_CASE("a reset in a data file puts an effect back, and the doses after it act as on somebody new") {
  ModelCard card = oral_card(unit::ng_per_mL);
  card.effects = {{"score", "plasma", stated(response_of(Turnover::stimulate_loss))}};
  Record reset = at(5h);
  reset.evid = Evid::reset;
  const RecordDose gut{.compartment = 0, .amount_mg = 80, .additional = 3, .interval = 2h};
  const Predictions p =
      predicted(card, one_subject({dose_at(0h, gut), at(5h), reset, at(6h), dose_at(7h, gut), at(8h), at(12h)}));
  const Predictions anew = predicted(card, one_subject({dose_at(0h, gut), at(1h), at(5h)}));
  const auto& score = p.effects[0].values;
  CHECK(score[1] < 35);
  CHECK(score[2] == 40);
  CHECK(score[3] == 40);
  CHECK(score[5] == Approx(anew.effects[0].values[1]).epsilon(1e-11));
  CHECK(score[6] == Approx(anew.effects[0].values[2]).epsilon(1e-11));
}

TEST_CASE("covariates that change with time change the drug, and through it an effect that goes on where it was") {
  ModelCard card = oral_card(unit::ng_per_mL);
  card.parameters[0].covariates = {
      {.covariate = "CRCL", .form = CovariateForm::power, .reference = 100, .coefficient = 1, .source = "made up"}};
  card.effects = {{"score", "plasma", stated({Turnover::stimulate_build_up, Drive::linear, 0.1 / 60, 40, 0.4, 2, 1})}};
  Dataset data = one_subject({dose_at(0h, {.compartment = 1, .amount_mg = 100}), at(2h), at(7h)});
  data.covariates = covariates_of(card);
  const double values[] = {100, 50, 200};
  for (std::size_t k = 0; k < 3; ++k) data.subjects[0].records[k].covariates = {values[k]};
  // A record governs the interval that ends at it: 0.15 per hour for two hours, 0.6 per hour for five.
  const auto over = [](double before, double c, double k, double h) {
    return before * std::exp(-0.1 * h) + 40 * 0.2 * c * 0.1 / (0.1 - k) * (std::exp(-k * h) - std::exp(-0.1 * h));
  };
  const double at_2h = over(0, 5, 0.15, 2), at_7h = over(at_2h, 5 * std::exp(-0.3), 0.6, 5);
  const Predictions p = predicted(card, data);
  CHECK(p.effects[0].values[1] == Approx(40 + at_2h).epsilon(1e-10));
  CHECK(p.effects[0].values[2] == Approx(40 + at_7h).epsilon(1e-10));
}

TEST_CASE("the steady state of an effect is where a long train of the same doses leads") {
  struct Case {
    const char* what;
    RecordDose dose;
    double lag_h;
    double vmax_mg_per_h;
  };
  const RecordDose push{.compartment = 1, .amount_mg = 60, .interval = 8h};
  const RecordDose gut{.compartment = 0, .amount_mg = 60, .interval = 8h};
  const RecordDose drip{
      .compartment = 1, .kind = DoseKind::over_duration, .amount_mg = 60, .duration = 3h, .interval = 8h};
  const RecordDose overlapping{
      .compartment = 1, .kind = DoseKind::over_duration, .amount_mg = 60, .duration = 19h, .interval = 8h};
  const RecordDose touching{
      .compartment = 1, .kind = DoseKind::over_duration, .amount_mg = 60, .duration = 16h, .interval = 8h};
  for (const Case& c :
       {Case{"push", push, 0, 0}, Case{"gut", gut, 0, 0}, Case{"gut with a lag", gut, 2.5, 0}, Case{"drip", drip, 0, 0},
        Case{"drip with a lag", drip, 6, 0}, Case{"overlapping drips", overlapping, 0, 0},
        Case{"drips that touch", touching, 0, 0}, Case{"saturable", drip, 0, 20}})
    for (const Turnover kind : kinds) {
      INFO(c.what << ", " << turnover_names[static_cast<std::size_t>(kind)]);
      ModelCard card = oral_card(unit::ng_per_mL);
      card.effects = {{"score", "plasma", stated({kind, Drive::saturable, 0.2 / 60, 40, 0.8, 1, 1.5})}};
      if (c.lag_h > 0)
        card.entries = {
            {.compartment = c.dose.compartment == 0 ? "gut" : "central", .lag = parameter("lag", c.lag_h, unit::h)}};
      if (c.vmax_mg_per_h > 0) {
        card.parameters.push_back(parameter("Vmax", c.vmax_mg_per_h, unit::mg_per_h));
        card.parameters.push_back(parameter("Km", 1, unit::mg_per_L));
      }
      RecordDose held = c.dose, train = c.dose;
      held.steady_state = SteadyState::replaces;
      train.additional = 60;
      const Predictions there = predicted(card, one_subject({dose_at(0h, held), at(2h), at(3h), at(7h)}));
      const Predictions long_way =
          predicted(card, one_subject({dose_at(0h, train), at(480h), at(482h), at(483h), at(487h)}));
      for (std::size_t k = 1; k < 4; ++k)
        CHECK(there.effects[0].values[k] == Approx(long_way.effects[0].values[k + 1]).epsilon(1e-9));
    }
}

TEST_CASE("a constant infusion holds an effect where build-up and loss balance") {
  for (const Turnover kind : kinds) {
    INFO(turnover_names[static_cast<std::size_t>(kind)]);
    ModelCard card = oral_card(unit::ng_per_mL);
    card.effects = {{"score", "plasma", stated({kind, Drive::saturable, 0.2 / 60, 40, 0.8, 1, 1.5})}};
    const RecordDose held{.compartment = 1,
                          .kind = DoseKind::at_rate,
                          .amount_mg = 0,
                          .rate_mg_per_min = 12.0 / 60,
                          .steady_state = SteadyState::replaces};
    // 2 mg/L; the infusion ends at the record.
    const Predictions p = predicted(card, one_subject({dose_at(0h, held), at(1h)}));
    const double d = 0.8 * std::pow(2, 1.5) / (1 + std::pow(2, 1.5));
    const double balance[] = {1 - d, 1 / (1 - d), 1 + d, 1 / (1 + d)};
    CHECK(p.effects[0].values[0] == Approx(40 * balance[static_cast<std::size_t>(kind)]).epsilon(1e-12));
  }
}

TEST_CASE("a slow effect under frequent doses settles as it does under the mean of them") {
  // Build-up in proportion: at steady state the mean effect is that of the mean concentration, 100 mg/h over 6 L/h; an
  // effect of 5 days' half-life hardly moves within an hour.
  ModelCard card = oral_card(unit::ng_per_mL);
  card.effects = {{"score", "plasma", stated({Turnover::stimulate_build_up, Drive::linear, 1e-4, 40, 0.4, 2, 1})}};
  RecordDose held{.compartment = 1, .amount_mg = 12, .interval = 1h, .steady_state = SteadyState::replaces};
  const double e = predicted(card, one_subject({dose_at(0h, held), at(1h)})).effects[0].values[0];
  CHECK(e == Approx(40 * (1 + 0.4 * 2 / 2)).epsilon(1e-4));
  // Nothing else settles so closely: an hour of it leads back to where it began.
  RecordDose next = held;
  next.steady_state = SteadyState::none;
  next.interval = 0h;
  const Predictions again = predicted(card, one_subject({dose_at(0h, held), dose_at(1h, next)}));
  CHECK(again.effects[0].values[1] == Approx(e).epsilon(1e-10));
}

TEST_CASE("a steady state that is added is refused beside an effect that turns over, and meant beside any other") {
  ModelCard card = oral_card(unit::ng_per_mL);
  card.effects = {{"pressure", "plasma", emax(30)}};
  const RecordDose added{.compartment = 1, .amount_mg = 60, .interval = 8h, .steady_state = SteadyState::adds};
  const Dataset data = one_subject({at(0h), dose_at(1h, added), at(2h)});
  CHECK(predicted(card, data).effects[0].values[2] > 100);
  card.effects.push_back({"score", "plasma", stated(response_of(Turnover::inhibit_loss))});
  CHECK(refusal([&] { (void)predict(card, data); }) == "E_MODEL_PARAM data line 3");
  card.effects[1].of = "blood";
  CHECK(refusal([&] { (void)predict(card, data); }) == "E_MODEL_PARAM effects[1].of");
}

TEST_CASE("an effect that is hardly lost in an interval has no steady state to nine digits, and none is given") {
  ModelCard card = oral_card(unit::ng_per_mL);
  card.effects = {{"score", "plasma", stated({Turnover::inhibit_loss, Drive::saturable, 1e-8, 40, 1, 1, 1})}};
  const RecordDose held{.compartment = 1, .amount_mg = 60, .interval = 8h, .steady_state = SteadyState::replaces};
  const auto answer = predict(card, one_subject({dose_at(0h, held), at(2h)}));
  REQUIRE(std::holds_alternative<Trouble>(answer));
  CHECK(std::get<Trouble>(answer).where == "steady state");
}
