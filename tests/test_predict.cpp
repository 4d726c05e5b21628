// SPDX-License-Identifier: Apache-2.0

#include "ketpk/predict.hpp"

#include "catch.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/library.hpp"
#include "ketpk/simulate.hpp"
#include "made_up.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;

namespace {

using made_up::infused;
using made_up::parameter;

ModelCard oral_card() { return made_up::oral_card(unit::ng_per_mL); }

Record at(Micros time) { return {.line = 2, .time = time}; }
Record dose_at(Micros time, RecordDose dose) { return {.line = 2, .time = time, .evid = Evid::dose, .dose = dose}; }

Dataset one_subject(std::vector<Record> records) {
  for (std::size_t k = 0; k < records.size(); ++k) records[k].line = k + 2;
  return {.covariates = {}, .subjects = {{"1", std::move(records)}}};
}

Predictions predicted(const ModelCard& card, const Dataset& data, PredictOptions options = {}) {
  auto answer = predict(card, data, options);
  if (const auto* trouble = std::get_if<Trouble>(&answer)) FAIL(trouble->message);
  return std::get<0>(std::move(answer));
}
const std::vector<double>& plasma(const Predictions& p) { return p.concentrations.at(0).values; }

}  // namespace

TEST_CASE("a built-in model says the same at records as it does for an order") {
  for (const ModelCard& built_in : library::cards()) {
    INFO(built_in.id);
    if (!built_in.not_for_use.empty()) continue;
    ModelCard card = built_in;
    card.data_units = DataUnits{};
    Request request{.patient = {.weight = 81.5_kg, .age = 40_yr, .covariates = {{"RACE_ASIAN", 1}}},
                    .order = {.analyte = card.analytes.front(),
                              .form = Form::base,
                              .initial_state = InitialState::drug_free,
                              .inputs = {Infuse{35_mg, 40min}}},
                    .model = card,
                    .allowances = {.extrapolate = true}};
    request.observe.at = {40min, 41min, 3h, 24h};
    const Outcome outcome = simulate(request);
    REQUIRE(std::holds_alternative<Result>(outcome));
    Dataset data = one_subject({dose_at(0min, {.kind = DoseKind::over_duration, .amount_mg = 35, .duration = 40min}),
                                at(40min), at(41min), at(3h), at(24h)});
    data.covariates = covariates_of(card);
    for (Record& r : data.subjects[0].records)
      for (const std::string& name : data.covariates)
        r.covariates.push_back(name == "WT" ? 81.5 : name == "AGE" ? 40 : 1);
    const Predictions there = predicted(card, data);
    const Profile& profile = std::get<Result>(outcome).profile;
    // An order that no exact solution is there for is followed by steps, records by chances.
    const double due = built_in.id == "simons2022" || built_in.id == "perezruixo2021" ? 1e-9 : 1e-12;
    for (std::size_t k = 0; k < 4; ++k)
      CHECK(plasma(there)[k + 1] * 1000 == Approx(profile.plasma_ng_per_mL[k]).epsilon(due));
    CHECK(there.stretches_checked == there.stretches);
  }
}

TEST_CASE("an eta multiplies its parameter, a transit time and what age adds to a flow of blood among them") {
  const auto of = [](const ModelCard& card, std::vector<double> covariates) {
    return individual(card, covariates).parameters;
  };
  const ModelCard simons = library::find("simons2022"), perez = library::find("perezruixo2021");
  const double eta = 0.3;
  const auto slower = of(ketpk::detail::with_eta(simons, "s-norketamine.MTT", eta), {70});
  CHECK(slower.metabolites[0].transit_per_min == Approx(2 / 20.1 * std::exp(-eta)).epsilon(1e-14));
  CHECK(slower.metabolites[1].transit_per_min == Approx(2 / 1.12).epsilon(1e-14));
  for (const double yr : {40.0, 75.0}) {
    const double before = of(perez, {yr, 0}).liver->q_L_per_min;
    CHECK(of(ketpk::detail::with_eta(perez, "Qh", eta), {yr, 0}).liver->q_L_per_min ==
          Approx(before * std::exp(eta)).epsilon(1e-14));
  }
  for (const ModelCard& card : library::cards())
    if (card.variability)
      for (const std::string& name : card.variability->parameters)
        CHECK_NOTHROW((void)ketpk::detail::with_eta(card, name, eta));
  CHECK_THROWS_AS(ketpk::detail::with_eta(perez, "s-norketamine.MTT", eta), InvalidInput);
}

TEST_CASE("bioavailability changes the amount of an infusion and its duration stays, or, as NONMEM has it, its rate") {
  ModelCard card = oral_card();
  card.entries = {{.compartment = "central", .bioavailability = parameter("F", 0.6, unit::one)}};
  const auto data = one_subject(
      {dose_at(0h, {.compartment = 1, .kind = DoseKind::at_rate, .amount_mg = 100, .rate_mg_per_min = 10.0 / 60}),
       at(5h), at(6h), at(8h), at(10h), at(14h)});
  const Predictions duration_stays = predicted(card, data);
  card.data_units->infusion_bioavailability = InfusionBioavailability::nonmem;
  const Predictions rate_stays = predicted(card, data);
  const double hours[] = {0, 5, 6, 8, 10, 14};
  for (std::size_t k = 0; k < 6; ++k) {
    CHECK(plasma(duration_stays)[k] == Approx(infused(6, 10, hours[k])).epsilon(1e-13).margin(1e-15));
    CHECK(plasma(rate_stays)[k] == Approx(infused(10, 6, hours[k])).epsilon(1e-13).margin(1e-15));
  }
}

TEST_CASE("a rate or a duration left to the model is the card's, and bioavailability meets it as its rule says") {
  ModelCard card = oral_card();
  card.entries = {{.compartment = "central",
                   .bioavailability = parameter("F", 0.5, unit::one),
                   .duration = parameter("duration", 4, unit::h),
                   .rate = parameter("rate", 20, unit::mg_per_h)}};
  card.data_units->infusion_bioavailability = InfusionBioavailability::nonmem;
  const auto at_3h = [&](DoseKind kind) {
    return plasma(
        predicted(card, one_subject({dose_at(0h, {.compartment = 1, .kind = kind, .amount_mg = 100}), at(3h)})))[1];
  };
  CHECK(at_3h(DoseKind::modelled_duration) == Approx(infused(50.0 / 4, 4, 3)).epsilon(1e-13));
  CHECK(at_3h(DoseKind::modelled_rate) == Approx(infused(20, 2.5, 3)).epsilon(1e-13));
  card.data_units->infusion_bioavailability = InfusionBioavailability::keeps_duration;
  CHECK(at_3h(DoseKind::modelled_duration) == Approx(infused(50.0 / 4, 4, 3)).epsilon(1e-13));
  CHECK(at_3h(DoseKind::modelled_rate) == Approx(infused(10, 5, 3)).epsilon(1e-13));
}

TEST_CASE("an infusion that has always been running may leave its rate to the model, and may bring nothing") {
  ModelCard card = oral_card();
  const RecordDose held{
      .compartment = 1, .kind = DoseKind::modelled_rate, .amount_mg = 0, .steady_state = SteadyState::replaces};
  for (const InfusionBioavailability rule : {InfusionBioavailability::nonmem, InfusionBioavailability::keeps_duration})
    for (const double f : {0.0, 0.5}) {
      card.data_units->infusion_bioavailability = rule;
      card.entries = {{.compartment = "central",
                       .bioavailability = parameter("F", f, unit::one),
                       .rate = parameter("rate", 12, unit::mg_per_h)}};
      const double due = rule == InfusionBioavailability::nonmem ? 2 : 2 * f;  // mg/h over 6 L/h
      CHECK(plasma(predicted(card, one_subject({dose_at(0h, held), at(1h)})))[0] ==
            Approx(due).epsilon(1e-13).margin(0));
    }
}

TEST_CASE("two solvers agree on what is all but gone") {
  ModelCard card = oral_card();
  card.depots = {{.name = "nose", .ka = parameter("ka", 3.057, unit::per_h), .into = "gut"},
                 {.name = "gut", .ka = parameter("ka", 2.421, unit::per_h)}};
  const RecordDose train{.amount_mg = 33.3, .interval = 15h, .steady_state = SteadyState::adds};
  CHECK(*predicted(card, one_subject({dose_at(0h, train), at(15h)})).agreement_rel <= 1e-8);
}

TEST_CASE("a rate that does not end on a microsecond gives the ordered amount at the stated rate") {
  const ModelCard card = oral_card();
  const double per_h = 100.0 / 7.3000001234567;
  const auto data = one_subject(
      {dose_at(0h, {.compartment = 1, .kind = DoseKind::at_rate, .amount_mg = 100, .rate_mg_per_min = per_h / 60}),
       at(7h), at(9h)});
  const Predictions p = predicted(card, data);
  CHECK(plasma(p)[1] == Approx(infused(per_h, 7.3000001234567, 7)).epsilon(1e-14));
  CHECK(plasma(p)[2] == Approx(infused(per_h, 7.3000001234567, 9)).epsilon(1e-14));
}

TEST_CASE("absorption at the rate of elimination is no special case") {
  ModelCard card = oral_card();
  card.depots[0].ka = parameter("ka", 0.3, unit::per_h);
  const Predictions p = predicted(card, one_subject({dose_at(0h, {.amount_mg = 100}), at(3h)}));
  CHECK(plasma(p)[1] == Approx(100.0 / 20 * 0.9 * std::exp(-0.9)).epsilon(1e-14));
}

TEST_CASE("a reset stops a running infusion, also one that began as a steady state's, and what is lagged never comes") {
  ModelCard card = oral_card();
  card.entries = {{.compartment = "gut", .lag = parameter("lag", 4, unit::h)}};
  for (const bool gives : {false, true}) {
    Record reset = at(2h);
    reset.evid = gives ? Evid::reset_and_dose : Evid::reset;
    if (gives) reset.dose = RecordDose{.compartment = 1, .amount_mg = 10};
    const Predictions p = predicted(card, one_subject({dose_at(0h, {.compartment = 0, .amount_mg = 50}),
                                                       dose_at(0h, {.compartment = 1,
                                                                    .kind = DoseKind::over_duration,
                                                                    .amount_mg = 100,
                                                                    .duration = 30h,
                                                                    .interval = 8h,
                                                                    .steady_state = SteadyState::replaces}),
                                                       reset, at(5h)}));
    CHECK(plasma(p)[1] > 1);
    CHECK(plasma(p)[2] == (gives ? 0.5 : 0.0));
    CHECK(plasma(p)[3] == Approx(gives ? 0.5 * std::exp(-0.9) : 0.0).epsilon(1e-13).margin(0));
  }
}

TEST_CASE("time-varying covariates follow their rule, across the end of an infusion between records") {
  ModelCard card = oral_card();
  card.parameters[0].covariates = {
      {.covariate = "CRCL", .form = CovariateForm::power, .reference = 100, .coefficient = 1, .source = "made up"}};
  Dataset data =
      one_subject({dose_at(0h, {.compartment = 1, .kind = DoseKind::over_duration, .amount_mg = 100, .duration = 3h}),
                   at(1h), at(7h)});
  data.covariates = covariates_of(card);
  REQUIRE(data.covariates == std::vector<std::string>{"CRCL"});
  const double values[] = {100, 50, 200};
  for (std::size_t k = 0; k < 3; ++k) data.subjects[0].records[k].covariates = {values[k]};
  const auto by_hand = [](double k1, double k2) {  // 1/h up to 1 h, and from then on
    const double rate = 100.0 / 3;
    double x = rate / k1 * -std::expm1(-k1);
    x = x * std::exp(-2 * k2) + rate / k2 * -std::expm1(-2 * k2);
    return x * std::exp(-4 * k2) / 20;
  };
  CHECK(plasma(predicted(card, data))[2] == Approx(by_hand(0.15, 0.6)).epsilon(1e-13));
  card.data_units->covariate_rule = CovariateRule::locf;
  CHECK(plasma(predicted(card, data))[2] == Approx(by_hand(0.3, 0.15)).epsilon(1e-13));
}

TEST_CASE("the spread by the delta method is what differentiation by hand gives") {
  ModelCard card = oral_card();
  card.depots.clear();
  card.variability = Variability{{"CL", "V1"}, {0.1, 0.03, 0.03, 0.2}, "made up"};
  const Predictions p =
      predicted(card, one_subject({dose_at(0h, {.amount_mg = 100}), at(0h), at(2h), at(9h)}), {.has_spread = true});
  const double hours[] = {0, 0, 2, 9};
  for (std::size_t k = 1; k < 4; ++k) {
    const double kt = 0.3 * hours[k], c = 5 * std::exp(-kt), by_cl = -c * kt, by_v = c * (kt - 1);
    const double variance = 0.1 * by_cl * by_cl + 2 * 0.03 * by_cl * by_v + 0.2 * by_v * by_v;
    CHECK(p.plasma_sd_mg_per_L[k] == Approx(std::sqrt(variance)).epsilon(1e-7));
  }
}

TEST_CASE("what cannot be predicted is refused with the line, and what has no steady state is an outcome") {
  ModelCard card = oral_card();
  const auto refused = [&](const Dataset& data) -> std::string {
    try {
      (void)predict(card, data);
    } catch (const InvalidInput& e) {
      return std::string(name_of(e.code)) + ' ' + e.field;
    }
    return "nothing";
  };
  CHECK(refused(one_subject({at(0h), dose_at(1h, {.kind = DoseKind::modelled_rate, .amount_mg = 1})})) ==
        "E_MODEL_PARAM data line 3");
  CHECK(refused(one_subject({dose_at(0h, {.kind = DoseKind::at_rate, .amount_mg = 1e-9, .rate_mg_per_min = 1e6})})) ==
        "E_RANGE data line 2");
  CHECK(refused(one_subject({dose_at(0h, {.compartment = 7, .amount_mg = 1})})) == "E_RANGE data line 2");
  Dataset data = one_subject({at(0h)});
  data.covariates = {"WT"};
  CHECK(refused(data) == "E_COLUMNS covariates");
  card.entries = {{.compartment = "gut", .lag = parameter("lag", 12, unit::h)}};
  RecordDose train{.amount_mg = 100, .interval = 12h, .steady_state = SteadyState::replaces};
  CHECK(refused(one_subject({at(0h), at(1h), dose_at(2h, train)})) == "E_RANGE data line 4");
  card.data_units.reset();
  CHECK(refused(one_subject({at(0h)})) == "E_MODEL_PARAM data_units");

  card = oral_card();
  card.parameters = {parameter("V1", 20, unit::L), parameter("Vmax", 5, unit::mg_per_h),
                     parameter("Km", 1, unit::mg_per_L)};
  const auto answer = predict(card, one_subject({dose_at(0h, train), at(3h)}));
  REQUIRE(std::holds_alternative<Trouble>(answer));
  CHECK(std::get<Trouble>(answer).code == Code::solver);
  CHECK(std::get<Trouble>(answer).message.find("subject at data line 2") != std::string::npos);
}

TEST_CASE("elimination that saturates is asked again by implicit steps, steady states of every kind among them") {
  ModelCard card = oral_card();
  card.parameters = {parameter("V1", 20, unit::L), parameter("Vmax", 40, unit::mg_per_h),
                     parameter("Km", 2, unit::mg_per_L)};
  const RecordDose train{.compartment = 1,
                         .kind = DoseKind::over_duration,
                         .amount_mg = 60,
                         .duration = 1h,
                         .interval = 8h,
                         .steady_state = SteadyState::replaces};
  const RecordDose constant{
      .compartment = 1, .kind = DoseKind::at_rate, .rate_mg_per_min = 0.2, .steady_state = SteadyState::replaces};
  for (const RecordDose& dose : {RecordDose{.amount_mg = 100}, train, constant}) {
    const Predictions there = predicted(card, one_subject({dose_at(0h, dose), at(3h), at(5h)}));
    CHECK(there.solver == "odeint");
    CHECK(there.second_solver == "rosenbrock");
    REQUIRE(there.agreement_rel);
    CHECK(*there.agreement_rel > 0);  // they are two roads
    CHECK(*there.agreement_rel <= 1e-8);
    CHECK(there.stretches >= 2);
    CHECK(there.stretches_checked == there.stretches);
  }
}

TEST_CASE("nothing that could be asked twice is no agreement") {
  const Predictions there = predicted(oral_card(), one_subject({at(0h)}));
  CHECK(there.stretches == 0);
  CHECK_FALSE(there.second_solver);
  CHECK_FALSE(there.agreement_rel);
}

TEST_CASE("an effect that no number can hold is trouble, not a number, at records and of an order") {
  ModelCard card = oral_card();
  card.effects = {{.name = "beyond",
                   .of = "plasma",
                   .form = LinearEffect{.at = Stated<dim::concentration>(1e-3, unit::ng_per_mL),
                                        .baseline = 0,
                                        .change = 1e308,
                                        .effect_unit = "points",
                                        .source = "made up for this test"}}};
  const auto told = predict(card, one_subject({dose_at(0h, {.amount_mg = 100}), at(1h)}));
  REQUIRE(std::holds_alternative<Trouble>(told));
  CHECK(std::get<Trouble>(told).message.find("an effect is not a number") != std::string::npos);

  ModelCard built_in = library::find("kamp2020");
  built_in.effects = card.effects;
  const Outcome outcome = simulate(
      {.patient = {.weight = 70_kg}, .order = made_up::order_of({Bolus{{35, unit::mg}, 0min}}), .model = built_in});
  REQUIRE(std::holds_alternative<Trouble>(outcome));
  CHECK(std::get<Trouble>(outcome).message.find("an effect is not a number") != std::string::npos);
}
