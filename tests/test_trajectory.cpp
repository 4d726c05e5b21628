// SPDX-License-Identifier: Apache-2.0

#include "ketpk/trajectory.hpp"

#include "catch.hpp"

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/identity.hpp"
#include "ketpk/library.hpp"
#include "ketpk/report.hpp"
#include "ketpk/simulate.hpp"
#include "made_up.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;

namespace {

using made_up::parameter;

/// Kamp's model with a nose that lets 40 % through after 5 min, and a gut.
ModelCard with_depots() {
  ModelCard card = library::find("kamp2020");
  card.depots = {{.name = "nose", .ka = parameter("ka", 0.06, unit::per_min)},
                 {.name = "gut", .ka = parameter("ka", 0.02, unit::per_min)}};
  card.entries = {{.compartment = "nose",
                   .bioavailability = parameter("F", 0.4, unit::one),
                   .lag = parameter("lag", 5, unit::min)}};
  return card;
}

Request request_for(std::vector<Input> inputs) {
  return {.patient = {.weight = 70_kg},
          .order = made_up::order_of(std::move(inputs)),
          .model = with_depots(),
          .observe = {.at = {10min, 30min, 2h, 6h}}};
}

Result answered(const Request& request) {
  Outcome outcome = simulate(request);
  if (const auto* trouble = std::get_if<Trouble>(&outcome)) FAIL(trouble->message);
  return std::get<Result>(std::move(outcome));
}

}  // namespace

TEST_CASE("a depot that nothing goes into changes nothing, and the exact solution answers") {
  Request request = request_for({Infuse{35_mg, 40min}});
  const Result with = answered(request);
  request.model = library::find("kamp2020");
  const Result without = answered(request);
  CHECK(with.check.solver == "exact");
  CHECK(with.profile.plasma_ng_per_mL == without.profile.plasma_ng_per_mL);
}

TEST_CASE(
    "what is absorbed acts as the infusions it amounts to: a fine staircase into the vein leads to the same curve") {
  const Result nose = answered(request_for({Bolus{50_mg, 0min, "nose"}}));
  CHECK(nose.check.solver == "odeint");
  CHECK(nose.check.second_solver == "expm");
  CHECK(*nose.check.agreement_rel < 1e-8);
  // Half a minute at a time, what first-order absorption lets through.
  std::vector<Input> stairs;
  for (int i = 0; i < 800; ++i) {
    const double mg = 20 * (std::exp(-0.06 * i / 2) - std::exp(-0.06 * (i + 1) / 2));
    stairs.push_back(Infuse{DrugMass(mg, unit::mg), 30s, 5min + 30s * i});
  }
  const Result vein = answered(request_for(std::move(stairs)));
  for (std::size_t k = 1; k < 4; ++k)
    CHECK(nose.profile.plasma_ng_per_mL[k] == Approx(vein.profile.plasma_ng_per_mL[k]).epsilon(3e-4));
  CHECK(nose.summary.plasma.ng_per_mL == Approx(vein.summary.plasma.ng_per_mL).epsilon(1e-3));
  CHECK(nose.summary.auc_inf_ng_h_per_mL == Approx(vein.summary.auc_inf_ng_h_per_mL).epsilon(1e-9));
  CHECK(nose.summary.delivered_mg == 50);
  CHECK(nose.profile.delivered_mg.back() == 50);
}

TEST_CASE("transit compartments and a liver call for the network, and tell a model from one without them") {
  Patient patient{.weight = 70_kg, .age = 40_yr, .covariates = {{"RACE_ASIAN", 0}}};
  const auto solver = [&](const ModelCard& card) {
    const Regimen given{{{0us, 40min, 35, 0.875}}, BodyMass(70, unit::kg)};
    const auto course = trajectory_of(whom(card, patient), given);
    REQUIRE(std::holds_alternative<OrderTrajectory>(course));
    return std::get<0>(course).index();
  };
  const auto identity = [&](const ModelCard& card) {
    const Whom who = whom(card, patient);
    return identity_of({who, patient, Analyte::s_ketamine});
  };
  ModelCard simons = library::find("simons2022"), perez = library::find("perezruixo2021");
  CHECK(solver(simons) == 1);
  CHECK(solver(perez) == 1);
  CHECK(solver(library::find("otto2021")) == 0);
  const std::string before = identity(simons), with_liver = identity(perez);
  simons.metabolites[0].delay->transits = 3;
  CHECK(identity(simons) != before);
  simons = library::find("simons2022");
  simons.metabolites[1].delay.reset();
  CHECK(identity(simons) != before);
  for (const std::size_t k : {5U, 6U, 7U, 8U}) {  // Qh Vh kel kmet
    ModelCard other = perez;
    other.parameters[k].value =
        StatedParameter(2 * other.parameters[k].value.number(), other.parameters[k].value.unit(), "doubled");
    INFO(other.parameters[k].name);
    CHECK(identity(other) != with_liver);
  }
  CHECK(identity(library::find("otto2021")).find("transit") == std::string::npos);
}

TEST_CASE("routes add: nose, gut and vein together are the sum of each alone") {
  const Infuse vein{35_mg, 40min};
  const Bolus nose{50_mg, 20min, "nose"}, gut{100_mg, 60min, "gut"};
  const Result all = answered(request_for({vein, nose, gut}));
  const Result a = answered(request_for({vein})), b = answered(request_for({nose})), c = answered(request_for({gut}));
  for (std::size_t k = 0; k < 4; ++k)
    CHECK(all.profile.plasma_ng_per_mL[k] ==
          Approx(a.profile.plasma_ng_per_mL[k] + b.profile.plasma_ng_per_mL[k] + c.profile.plasma_ng_per_mL[k])
              .epsilon(1e-9)
              .margin(1e-9));
  CHECK(all.check.mass_balance_rel < 1e-11);
}

TEST_CASE("a saturable model answers an order, with its area and its peak, and a stiff solver says the same") {
  Request request = request_for({Infuse{35_mg, 40min}});
  request.model.parameters.push_back(parameter("Vmax", 60, unit::mg_per_h));
  request.model.parameters.push_back(parameter("Km", 0.5, unit::mg_per_L));
  const Result r = answered(request);
  CHECK(r.check.solver == "odeint");
  CHECK(r.check.second_solver == "rosenbrock");
  CHECK(*r.check.agreement_rel < 1e-8);
  CHECK(r.check.mass_balance_rel < 1e-10);
  request.model = with_depots();
  CHECK(r.summary.plasma.ng_per_mL < answered(request).summary.plasma.ng_per_mL);
  CHECK(r.summary.plasma.min == Approx(40).epsilon(1e-12));
}

TEST_CASE("two hundred doses into a depot are followed as closely as one") {
  std::vector<Input> daily;
  for (int i = 0; i < 200; ++i) daily.push_back(Bolus{70_mg, 24h * i, "nose"});
  Request request = request_for(std::move(daily));
  request.observe = {.at = {24h * 100 + 1h, 24h * 199 + 2h, 24h * 210}};
  const Result r = answered(request);
  CHECK(*r.check.agreement_rel < 1e-9);
  CHECK(r.check.mass_balance_rel < 1e-11);
}

TEST_CASE("a depot that empties over months beside fast exchange is followed to its end, by implicit steps") {
  Request request = request_for({Bolus{50_mg, 0min, "gut"}});
  request.model.depots[1].ka = parameter("ka", 0.001, unit::per_h);
  const Result r = answered(request);
  CHECK(r.check.second_solver == "expm");
  CHECK(*r.check.agreement_rel < 1e-8);
  CHECK(r.summary.auc_inf_ng_h_per_mL == Approx(50 / 84.0 * 1000).epsilon(1e-12));
  CHECK(r.summary.terminal_half_life_min == Approx(std::log(2) / 0.001 * 60).epsilon(1e-9));
}

TEST_CASE("a limit on boluses stays open for an order whose boluses go elsewhere") {
  Request request = request_for({Bolus{700_mg, 0min, "gut"}});
  request.as_of = std::chrono::year{2026} / 11 / 21;
  request.limits = Limits{.id = "test",
                          .version = "1",
                          .status = LimitsStatus::example,
                          .approver = "nobody",
                          .effective = std::chrono::year{2026} / 1 / 1,
                          .expires = std::chrono::year{2030} / 1 / 1,
                          .limits = {{.id = "push",
                                      .quantity = LimitQuantity::bolus_per_weight,
                                      .hard_high = StatedBound(1, unit::mg_per_kg),
                                      .required = true,
                                      .source = "made up"}}};
  const Result r = answered(request);
  CHECK(r.assessment.verdict == Verdict{VerdictKind::unevaluated});
}

TEST_CASE("a compartment that the model does not have is refused, and named among those it has") {
  try {
    (void)simulate(request_for({Infuse{35_mg, 40min}, Bolus{5_mg, 50min, "muscle"}}));
    FAIL("accepted");
  } catch (const InvalidInput& e) {
    CHECK(e.code == Code::range);
    CHECK(e.field == "order[1].into");
    CHECK(e.message.find("nose, gut, central") != std::string::npos);
    CHECK(e.message.find("muscle") == std::string::npos);
  }
}

TEST_CASE("card and JSON say where an input goes") {
  const Result r = answered(request_for({Bolus{50_mg, 0min, "nose"}}));
  CHECK(to_card(r, "0", Drawing{}, {}).find("into nose") != std::string::npos);
  CHECK(to_json(r, "0").find("\"into\": \"nose\"") != std::string::npos);
}
