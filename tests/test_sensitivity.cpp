// SPDX-License-Identifier: Apache-2.0
// Facts about what an outcome hangs on: each slope against differences of the whole simulation, which knows nothing of
// dual numbers, and laws that hold for any linear model.

#include "catch.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ketpk/individual.hpp"
#include "ketpk/library.hpp"
#include "ketpk/sensitivity.hpp"
#include "ketpk/simulate.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

/// Somebody whom every card can be asked about.
Patient somebody(const ModelCard& card) {
  Patient p{
      .weight = 82_kg, .height = Stated<dim::length>{174, unit::cm}, .age = Age{61, unit::yr}, .sex = Sex::female};
  detail::each_parameter(card, [&](const CardParameter& parameter) {
    for (const CovariateEffect& e : parameter.covariates) {
      const auto is_same = [&](const PatientCovariate& c) { return c.name == e.covariate; };
      if (detail::is_of_every_patient(e.covariate) || std::any_of(p.covariates.begin(), p.covariates.end(), is_same))
        continue;
      p.covariates.push_back({e.covariate, e.levels.empty() ? e.reference + 0.5 : e.levels.front().is});
    }
  });
  return p;
}

Order ordered(std::vector<Input> inputs) {
  return {.analyte = Analyte::racemic_ketamine,
          .form = Form::base,
          .initial_state = InitialState::drug_free,
          .inputs = std::move(inputs)};
}

Request asked(ModelCard card, Order order) {
  card.not_for_use.clear();
  if (std::find(card.analytes.begin(), card.analytes.end(), order.analyte) == card.analytes.end())
    order.analyte = card.analytes.front();
  const Patient patient = somebody(card);
  return {.patient = patient,
          .order = std::move(order),
          .model = std::move(card),
          .allowances = {.extrapolate = true, .assume_enantiomers_alike = true},
          .time_above = {60_ng_per_mL, 9000_ng_per_mL},
          .sensitivity = true};
}

Result answered(const Request& q) {
  Outcome out = simulate(q, NoSecondSolver{});
  if (const auto* trouble = std::get_if<Trouble>(&out)) FAIL(trouble->where + ": " + trouble->message);
  return std::get<Result>(std::move(out));
}

/// The outcome of another request, by the road that has no dual number in it.
double outcome(Request q, const OutcomeSensitivity& of) {
  q.sensitivity = false;
  const Result r = answered(q);
  const auto metabolite = [&]() -> const MetaboliteExposure& {
    const auto found = std::find_if(q.model.metabolites.begin(), q.model.metabolites.end(),
                                    [&](const CardMetabolite& m) { return m.name == of.curve; });
    return r.summary.metabolites.at(static_cast<std::size_t>(found - q.model.metabolites.begin()));
  };
  if (of.kind == OutcomeKind::time_above) {
    for (const TimeAbove& t : r.time_above)
      if (t.threshold_ng_per_mL == *of.level_ng_per_mL) return t.minutes;
    FAIL("not asked");
  }
  if (of.curve == "effect_site") return r.summary.effect_site->ng_per_mL;
  if (of.curve == "plasma")
    return of.kind == OutcomeKind::peak ? r.summary.plasma.ng_per_mL : r.summary.auc_inf_ng_h_per_mL;
  return of.kind == OutcomeKind::peak ? metabolite().peak.ng_per_mL : metabolite().auc_inf_ng_h_per_mL;
}

template <class Q>
Q times(const Q& stated, double factor) {
  return Q(stated.number() * factor, stated.unit(), "made up");
}
void scale(CardParameter& p, double factor) { p.value = times(p.value, factor); }

/// Which input "order[3].over" is of.
std::size_t input_in(const std::string& field) {
  const std::size_t from = field.find('[') + 1;
  return static_cast<std::size_t>(parse_number(field.substr(from, field.find(']') - from), "field"));
}

/// The request with one input multiplied.
Request with(Request q, const Sensitivity& s, double factor) {
  const auto scale_dose = [&](Input& input) {
    std::visit(
        [&](auto& in) {
          if constexpr (std::is_same_v<std::decay_t<decltype(in)>, InfuseAtRate>)
            in.rate = times(in.rate, factor);
          else
            in.amount = times(in.amount, factor);
        },
        input);
  };
  if (s.kind == InputKind::weight) {
    q.patient.weight = Stated<dim::body>(s.value * factor, unit::kg);
  } else if (s.kind == InputKind::dose) {
    std::for_each(q.order.inputs.begin(), q.order.inputs.end(), scale_dose);
    for (Event& e : q.order.events)
      if (auto* change = std::get_if<ChangeRate>(&e.act)) change->to = times(change->to, factor);
  } else if (s.kind == InputKind::duration) {
    Input& input = q.order.inputs.at(input_in(s.input));
    const auto longer = [&](Micros t) { return Micros{std::llround(static_cast<double>(t.count()) * factor)}; };
    if (auto* by_amount = std::get_if<Infuse>(&input)) by_amount->over = longer(by_amount->over);
    if (auto* by_rate = std::get_if<InfuseAtRate>(&input)) by_rate->over = longer(by_rate->over);
  } else {
    bool found = false;
    const auto here = [&](const std::string& of, CardParameter& p) {
      if (of + p.name != s.input) return;
      scale(p, factor);
      found = true;
    };
    ModelCard& card = q.model;
    for (CardParameter& p : card.parameters) here("", p);
    if (card.ke0) here("", *card.ke0);
    for (CardDepot& d : card.depots) here(d.name + '.', d.ka);
    for (CardEntry& e : card.entries)
      for (auto* p : {&e.bioavailability, &e.lag})
        if (*p) here(e.compartment + '.', **p);
    for (CardMetabolite& m : card.metabolites) {
      if (m.name + ".fraction" == s.input) m.fraction *= factor, found = true;
      for (CardParameter& p : m.parameters) here(m.name + '.', p);
      if (m.delay) here(m.name + '.', m.delay->mtt);
    }
    if (!found) FAIL("no such number: " + s.input);
  }
  return q;
}

/// dln y / dln x by central differences of two widths, extrapolated (Richardson): what is left is of the fourth order.
double elasticity_by_differences(const std::function<double(double)>& y, double h) {
  const auto central = [&](double width) { return (y(1 + width) - y(1 - width)) / (2 * width); };
  return (4 * central(h / 2) - central(h)) / 3 / y(1);
}

/// Compares every slope of a request with differences; how many there were.
std::size_t compare(const Request& q, double rounding) {
  const Result r = answered(q);
  REQUIRE(!r.sensitivities.empty());
  std::size_t compared = 0;
  for (const OutcomeSensitivity& o : r.sensitivities) {
    CHECK(outcome(q, o) == Approx(o.value).epsilon(1e-12).margin(1e-300));
    for (const Sensitivity& s : o.inputs) {
      INFO(q.model.id << ": " << o.curve << ' ' << outcome_kind_names[static_cast<std::size_t>(o.kind)] << " to "
                      << s.input << " (" << s.absent << ')');
      REQUIRE(s.slope);
      if (o.value == 0) {
        CHECK(!s.elasticity);
        continue;
      }
      const double differences =
          elasticity_by_differences([&](double factor) { return outcome(with(q, s, factor), o); }, 1e-3);
      REQUIRE(s.elasticity);
      CHECK(std::abs(*s.elasticity - differences) <= 1e-6 * std::abs(differences) + rounding);
      CHECK(*s.slope * s.value / o.value == Approx(*s.elasticity).epsilon(1e-12).margin(1e-15));
      ++compared;
    }
  }
  return compared;
}

const OutcomeSensitivity& of(const Result& r, OutcomeKind kind, const std::string& curve = "plasma") {
  return *std::find_if(r.sensitivities.begin(), r.sensitivities.end(),
                       [&](const OutcomeSensitivity& o) { return o.kind == kind && o.curve == curve; });
}
std::optional<double> elasticity(const OutcomeSensitivity& o, const std::string& input) {
  for (const Sensitivity& s : o.inputs)
    if (s.input == input) return s.elasticity;
  return std::nullopt;
}

/// The built-in cards, without what a covariate adds to a number: that is not in proportion to any number of the card.
std::vector<ModelCard> cards_in_proportion() {
  std::vector<ModelCard> all = library::cards();
  for (ModelCard& card : all)
    for (CardParameter& p : card.parameters)
      std::erase_if(p.covariates, [](const CovariateEffect& e) { return e.form == CovariateForm::added_above; });
  return all;
}

const Order protocol = ordered({Infuse{0.5_mg_per_kg, 40min}});

}  // namespace

TEST_CASE("every slope of every built-in card is that of central differences of the whole simulation") {
  std::size_t compared = 0;
  for (const ModelCard& card : library::cards()) compared += compare(asked(card, protocol), 2e-8);
  CHECK(compared > 300);
}

TEST_CASE("slopes hold for boluses, overlapping infusions, rates and doses that are not per kg") {
  const std::vector<Order> orders{
      ordered({Bolus{10_mg, 0min}, Infuse{0.3_mg_per_kg, 40min, 5min}}),
      ordered({InfuseAtRate{12_mcg_per_kg_per_min, 50min}, Infuse{20_mg, 35min, 20min}, Bolus{0.1_mg_per_kg, 90min}}),
      ordered({Infuse{25_mg, 30min},
               InfuseAtRate{Stated<dim::rate, dim::dose_rate, dim::flow>(0.6, unit::mg_per_min), 60min, 45min}}),
  };
  for (const char* id : {"kamp2020", "domino1984", "otto2021"})
    for (const Order& order : orders) CHECK(compare(asked(library::find(id), order), 1e-9) > 12);
}

TEST_CASE("slopes hold where an infusion is paused, stopped, or changed on the way") {
  Order order = ordered({Infuse{0.5_mg_per_kg, 40min}, Bolus{5_mg, 100min}});
  order.events = {{0, 12min, Pause{}}, {0, 19min, Resume{}}};
  CHECK(compare(asked(library::find("kamp2020"), order), 1e-9) > 12);
  order.events.push_back({0, 30min, Stop{}});
  CHECK(compare(asked(library::find("kamp2020"), order), 1e-9) > 12);

  // A change of rate ends the infusion where the amount is in: its duration then says nothing in proportion.
  order.events = {{0, 12min, ChangeRate{20_mcg_per_kg_per_min}}};
  Request q = asked(library::find("kamp2020"), order);
  const Result r = answered(q);
  const OutcomeSensitivity& peak = of(r, OutcomeKind::peak);
  for (const Sensitivity& s : peak.inputs) {
    INFO(s.input);
    if (s.kind == InputKind::duration) {
      CHECK(!s.slope);
      CHECK_THAT(s.absent, Contains("changed on the way"));
      continue;
    }
    const auto y = [&](double factor) { return outcome(with(q, s, factor), peak); };
    CHECK(*s.elasticity == Approx(elasticity_by_differences(y, 1e-3)).epsilon(1e-6).margin(1e-9));
  }
}

TEST_CASE("slopes hold for a course of sessions and up to an end of what is asked") {
  Order order = protocol;
  order.course = course_every(5h, 3);
  Request q = asked(library::find("kamp2020"), order);
  q.observe.until = 10h + 35min;  // while the last one runs and is above 60 ng/mL
  CHECK(compare(q, 1e-9) > 12);
}

TEST_CASE(
    "slopes hold for drug that is absorbed, late and in part, and for an effect site and a chain of metabolites") {
  ModelCard card = library::find("kamp2020");
  const auto number = [](const char* name, auto value) {
    return CardParameter{.name = name, .value = value, .source = "made up"};
  };
  card.id = "made-up";
  card.ke0 = number("ke0", StatedParameter(0.15, unit::per_min));
  card.depots = {{"nose", number("ka", StatedParameter(0.04, unit::per_min)), "gut"},
                 {"gut", number("ka", StatedParameter(0.9, unit::per_h))}};
  card.entries = {{.compartment = "nose",
                   .bioavailability = number("F", StatedParameter(0.45, unit::one)),
                   .lag = number("lag", StatedParameter(7, unit::min))}};
  card.metabolites = {
      {.name = "nk",
       .fraction = 0.7,
       .parameters = {number("V1", StatedParameter(90, unit::L)), number("CL", StatedParameter(50, unit::L_per_h)),
                      number("Q2", StatedParameter(40, unit::L_per_h)), number("V2", StatedParameter(150, unit::L))},
       .source = "made up",
       .delay = CardDelay{2, number("MTT", StatedParameter(30, unit::min))}},
      {.name = "hnk",
       .fraction = 0.4,
       .parameters = {number("V1", StatedParameter(60, unit::L)), number("k10", StatedParameter(0.01, unit::per_min))},
       .source = "made up",
       .from = "nk"}};
  Request q = asked(card, ordered({Infuse{20_mg, 30min}, Bolus{40_mg, 45min, "nose"}}));
  CHECK(compare(q, 3e-8) > 80);
}

TEST_CASE("the weight acts by the model and by the dose, and each share is that of its own difference") {
  for (const auto rule :
       {WeightRule::actual, WeightRule::ideal, WeightRule::adjusted, WeightRule::lean, WeightRule::fat_free}) {
    INFO(name_of(rule));
    Request q = asked(library::find("kamp2020"), protocol);
    q.patient.dosing_weight = rule;
    compare(q, 1e-9);
    const Result r = answered(q);
    const double kg = q.patient.weight.value().in(unit::kg);
    for (const OutcomeSensitivity& o : r.sensitivities) {
      if (o.value == 0) continue;
      const auto found = std::find_if(o.inputs.begin(), o.inputs.end(),
                                      [](const Sensitivity& s) { return s.kind == InputKind::weight; });
      REQUIRE(found != o.inputs.end());
      const auto by_model = [&](double factor) {
        Request other = q;
        other.patient.dosing_weight = Stated<dim::body>(mass_for_dosing(q.patient));
        other.patient.weight = Stated<dim::body>(kg * factor, unit::kg);
        return outcome(other, o);
      };
      const auto by_dose = [&](double factor) {
        Request other = q;
        Patient heavier = q.patient;
        heavier.weight = Stated<dim::body>(kg * factor, unit::kg);
        other.patient.dosing_weight = Stated<dim::body>(mass_for_dosing(heavier));
        return outcome(other, o);
      };
      CHECK(*found->by_model == Approx(elasticity_by_differences(by_model, 1e-3)).epsilon(1e-6).margin(1e-9));
      CHECK(*found->by_dose == Approx(elasticity_by_differences(by_dose, 1e-3)).epsilon(1e-6).margin(1e-9));
      CHECK(*found->elasticity == Approx(*found->by_model + *found->by_dose).epsilon(1e-12));
    }
  }
}

TEST_CASE("a card that looks at a size of the body answers to the weight through it") {
  ModelCard card = library::find("kamp2020");
  for (CardParameter& p : card.parameters) {
    if (p.name == "CL")
      p.covariates.push_back(
          {.covariate = "FFM", .form = CovariateForm::power, .reference = 50, .coefficient = 0.6, .source = "made up"});
    if (p.name == "V2")
      p.covariates.push_back({.covariate = "BSA",
                              .form = CovariateForm::linear,
                              .reference = 1.8,
                              .coefficient = 0.5,
                              .source = "made up"});
    if (p.name == "Q2")
      p.covariates.push_back({.covariate = "LBM",
                              .form = CovariateForm::exponential,
                              .reference = 50,
                              .coefficient = 0.02,
                              .source = "made up"});
    if (p.name == "V1")
      p.covariates.push_back({.covariate = "BMI",
                              .form = CovariateForm::added_above,
                              .reference = 22,
                              .coefficient = 0.9,
                              .source = "made up"});
  }
  CHECK(compare(asked(card, protocol), 1e-9) > 12);
}

TEST_CASE("peak and area follow the dose one to one, and the area falls with the clearance one to one") {
  for (const ModelCard& card : library::cards()) {
    INFO(card.id);
    const Result r = answered(asked(card, protocol));
    for (const OutcomeSensitivity& o : r.sensitivities)
      if (o.kind != OutcomeKind::time_above) CHECK(*elasticity(o, "dose") == Approx(1).epsilon(1e-9));
    const OutcomeSensitivity& area = of(r, OutcomeKind::total_area);
    if (const auto cl = elasticity(area, "CL")) CHECK(*cl == Approx(-1).epsilon(1e-12));
    for (const char* other : {"Q2", "V2", "Q3", "V3", "ke0"}) CHECK(!elasticity(area, other));
  }
}

TEST_CASE("with all volumes and flows larger alike, concentrations are smaller alike") {
  for (const ModelCard& card : cards_in_proportion()) {
    INFO(card.id);
    const Result r = answered(asked(card, protocol));
    for (const OutcomeSensitivity& o : r.sensitivities) {
      if (o.curve != "plasma" || o.value == 0) continue;
      double sum = 0;
      for (const Sensitivity& s : o.inputs)
        if (s.kind == InputKind::parameter && s.unit.starts_with("L")) sum += *s.elasticity;
      // A time above a level then falls as with a smaller dose.
      CHECK(sum == Approx(o.kind == OutcomeKind::time_above ? -*elasticity(o, "dose") : -1).epsilon(1e-8));
    }
  }
}

TEST_CASE(
    "with all flows and rates faster alike and the infusion as much shorter, the course is the same in less time") {
  for (const ModelCard& card : cards_in_proportion()) {
    INFO(card.id);
    const Result r = answered(asked(card, protocol));
    for (const OutcomeSensitivity& o : r.sensitivities) {
      if (o.value == 0) continue;
      double sum = -*elasticity(o, "order[0].over");
      for (const Sensitivity& s : o.inputs) {
        if (s.kind != InputKind::parameter) continue;
        if (s.unit == "min" || s.unit == "h") sum -= *s.elasticity;  // a mean transit time
        if (s.unit.find("/h") != std::string::npos || s.unit.find("/min") != std::string::npos) sum += *s.elasticity;
      }
      INFO(o.curve << ' ' << outcome_kind_names[static_cast<std::size_t>(o.kind)]);
      CHECK(sum == Approx(o.kind == OutcomeKind::peak ? 0 : -1).epsilon(1e-8).margin(1e-8));
    }
  }
}

TEST_CASE("what is never above a level has slopes of nothing and no elasticity") {
  const Result r = answered(asked(library::find("kamp2020"), protocol));
  const auto never = std::find_if(r.sensitivities.begin(), r.sensitivities.end(),
                                  [](const OutcomeSensitivity& o) { return o.level_ng_per_mL == 9000.0; });
  REQUIRE(never != r.sensitivities.end());
  CHECK(never->value == 0);
  for (const Sensitivity& s : never->inputs) {
    CHECK(*s.slope == 0);
    CHECK(!s.elasticity);
  }
  CHECK_THAT(driver_of(*never), Contains("is 0"));
}

TEST_CASE("a peak where one infusion ends as another begins has no slope to how long the first one takes") {
  const Request q = asked(library::find("kamp2020"), ordered({Infuse{35_mg, 40min}, Infuse{10_mg, 40min, 40min}}));
  const Result r = answered(q);
  const OutcomeSensitivity& peak = of(r, OutcomeKind::peak);
  for (const Sensitivity& s : peak.inputs) {
    if (s.input == "order[0].over") {
      CHECK(!s.slope);
      CHECK_THAT(s.absent, Contains("part there"));
    } else if (s.kind == InputKind::parameter) {
      CHECK(s.slope);
    }
  }
  CHECK(!peak.inputs.back().slope);  // what has no slope stands last
}

TEST_CASE("what moves an outcome most stands first, and one sentence says what drives it") {
  const Result r = answered(asked(library::find("kamp2020"), protocol));
  for (const OutcomeSensitivity& o : r.sensitivities)
    for (std::size_t i = 1; i < o.inputs.size() && o.value != 0; ++i)
      CHECK(std::abs(*o.inputs[i - 1].elasticity) >= std::abs(*o.inputs[i].elasticity));
  const std::string peak = driver_of(of(r, OutcomeKind::peak));
  CHECK_THAT(peak, Contains("The peak follows the dose one to one, falls by 0.") &&
                       Contains("for each 1 % of the duration") && Contains("by the model, 1 % by the dose)"));
  CHECK(std::count(peak.begin(), peak.end(), '\n') == 0);
}

TEST_CASE("slopes are refused where elimination saturates, and with a reason where a pump stands between") {
  ModelCard card = library::find("kamp2020");
  std::erase_if(card.parameters, [](const CardParameter& p) { return p.name == "CL"; });
  card.parameters.push_back({.name = "Vmax", .value = StatedParameter(3, unit::mg_per_min), .source = "made up"});
  card.parameters.push_back({.name = "Km", .value = StatedParameter(1, unit::mg_per_L), .source = "made up"});
  Request q = asked(card, protocol);
  CHECK_THROWS_WITH(simulate(q, NoSecondSolver{}), Contains("E_MODEL_PARAM questions.sensitivity"));
  q.sensitivity = false;
  CHECK(answered(q).sensitivities.empty());

  Request pumped = asked(library::find("kamp2020"), protocol);
  pumped.order.bag = Stated<dim::concentration>(1, unit::mg_per_mL);
  pumped.order.pump = Pump{.rate_step = Stated<dim::flow>(1, unit::mL_per_h)};
  const Result r = answered(pumped);
  for (const Sensitivity& s : of(r, OutcomeKind::peak).inputs) {
    INFO(s.input);
    CHECK(s.slope.has_value() == (s.kind == InputKind::parameter));
    if (!s.slope) CHECK_THAT(s.absent, Contains("pump"));
  }
  CHECK_THAT(driver_of(of(r, OutcomeKind::peak)), Contains("has no slope to the dose, as a pump's steps"));
}
