// SPDX-License-Identifier: Apache-2.0
#include "ketpk/individual.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "ketpk/library.hpp"
#include "ketpk/model.hpp"
#include "sub_anaesthetic.hpp"

using namespace ketpk;
using fixture::patient;
using fixture::refusal;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

CardParameter volume(std::string name, double L) { return {std::move(name), {L, unit::L}, 0, "fixture"}; }
CardParameter flow(std::string name, double L_per_min) {
  return {std::move(name), {L_per_min, unit::L_per_min}, 0, "fixture"};
}
CardParameter constant(std::string name, double per_min) {
  return {std::move(name), {per_min, unit::per_min}, 0, "fixture"};
}

ModelCard card(std::vector<CardParameter> parameters) {
  return {.id = "fixture",
          .label = {},
          .citation = {},
          .doi = {},
          .analytes = {Analyte::racemic_ketamine},
          .parameters = std::move(parameters)};
}

ModelCard with_metabolite_of(std::vector<CardParameter> parameters) {
  ModelCard c = card({volume("V1", 10), flow("CL", 1)});
  c.metabolites = {{.name = "m", .fraction = 0.5, .parameters = std::move(parameters), .source = "fixture"}};
  return c;
}

std::string refused(std::vector<CardParameter> parameters) {
  return refusal([&] { (void)individual(card(std::move(parameters)), patient(70)); });
}

Patient aged(double yr, double kg = 70) {
  Patient p = patient(kg);
  p.age = Age(yr, unit::yr);
  return p;
}

std::string admission_refused(std::string_view model, const Patient& p, Analyte analyte, Allowances allowances = {}) {
  return refusal([&] { (void)admit(library::find(model), p, analyte, allowances); });
}

}  // namespace

TEST_CASE("rate constants become the clearances and volumes they stand for") {
  // V1 10 L, k10 0.2, k12 0.3, k21 0.1, k13 0.05, k31 0.01: CL 2, Q2 3, V2 30, Q3 0.5 L/min, V3 50 L.
  const auto p = individual(card({volume("V1", 10), constant("k10", 0.2), constant("k12", 0.3), constant("k21", 0.1),
                                  constant("k13", 0.05), constant("k31", 0.01)}),
                            patient(70));
  CHECK(p.cl_L_per_min == Approx(2));
  CHECK(p.q2_L_per_min == Approx(3));
  CHECK(p.v2_L == Approx(30));
  CHECK(p.q3_L_per_min == Approx(0.5));
  CHECK(p.v3_L == Approx(50));
}

TEST_CASE("one, two and three compartments follow from which flows there are; the third needs no second") {
  const auto one = individual(card({volume("V1", 10), flow("CL", 1)}), patient(70));
  CHECK(one.q2_L_per_min == 0);
  CHECK(one.q3_L_per_min == 0);
  const auto third = individual(card({volume("V1", 10), flow("CL", 1), flow("Q3", 2), volume("V3", 40)}), patient(70));
  CHECK(third.q2_L_per_min == 0);
  CHECK(third.q3_L_per_min == 2);
  CHECK(third.v3_L == 40);
  const auto none =
      individual(card({volume("V1", 10), flow("CL", 1), constant("k12", 0), constant("k21", 0.1)}), patient(70));
  CHECK(none.q2_L_per_min == 0);
}

TEST_CASE("a card that is not one complete model is refused by the parameter's name") {
  CHECK(refused({flow("CL", 1)}) == "E_MODEL_PARAM V1");
  CHECK(refused({volume("V1", 10)}) == "E_MODEL_PARAM CL");
  CHECK(refused({volume("V1", 10), flow("CL", 1), flow("Q2", 1)}) == "E_MODEL_PARAM V2");
  CHECK(refused({volume("V1", 10), flow("CL", 1), volume("V2", 1)}) == "E_MODEL_PARAM Q2");
  CHECK(refused({volume("V1", 10), flow("CL", 1), volume("V3", 1)}) == "E_MODEL_PARAM Q3");
  CHECK(refused({volume("V1", 10), flow("CL", 1), constant("k12", 1)}) == "E_MODEL_PARAM k21");
  CHECK(refused({volume("V1", 10), flow("CL", 1), constant("k31", 1)}) == "E_MODEL_PARAM k13");
  CHECK(refused({volume("V1", 10), flow("CL", 1), constant("k10", 1)}) == "E_MODEL_PARAM k10");
  CHECK(refused({volume("V1", 10), flow("CL", 1), volume("V1", 10)}) == "E_MODEL_PARAM V1");
  CHECK(refused({volume("V1", 10), flow("CL", 1), flow("Q4", 1)}) == "E_MODEL_PARAM Q4");
  CHECK(refused({volume("V1", 10), flow("CL", 1), flow("Q2", 1), volume("V2", 5), constant("k12", 1),
                 constant("k21", 1)}) == "E_MODEL_PARAM k12");
}

TEST_CASE("a parameter that is zero, negative or no number is refused by its own name") {
  CHECK(refused({volume("V1", 0), flow("CL", 1)}) == "E_MODEL_PARAM V1");
  CHECK(refused({volume("V1", 10), flow("CL", 0)}) == "E_MODEL_PARAM CL");
  CHECK(refused({volume("V1", not_a_number), flow("CL", 1)}) == "E_MODEL_PARAM V1");
  CHECK(refused({volume("V1", 10), flow("CL", not_a_number)}) == "E_MODEL_PARAM CL");
  CHECK(refused({volume("V1", 10), flow("CL", 1), constant("k12", 1), constant("k21", -0.1)}) == "E_MODEL_PARAM k21");
  CHECK(refused({volume("V1", 10), flow("CL", 1), flow("Q2", -1), volume("V2", 5)}) == "E_MODEL_PARAM Q2");
  CHECK(refused({volume("V1", 10), flow("CL", 1), flow("Q2", not_a_number), volume("V2", 5)}) == "E_MODEL_PARAM Q2");
  CHECK(refused({volume("V1", 1e308), constant("k10", 1e10)}) == "E_MODEL_PARAM CL");
}

TEST_CASE("a unit that cannot be meant is refused, and so is an exponent beside a value per kg") {
  CHECK(refused({flow("V1", 10), flow("CL", 1)}) == "E_UNIT_MISMATCH V1");
  CHECK(refused({volume("V1", 10), volume("CL", 1)}) == "E_UNIT_MISMATCH CL");
  CHECK(refused({volume("V1", 10), flow("k10", 1)}) == "E_UNIT_MISMATCH k10");
  CHECK(refused({{"V1", {0.5, unit::L_per_kg}, 1, "fixture"}, flow("CL", 1)}) == "E_MODEL_PARAM V1");
}

TEST_CASE("values per kg count the actual weight, never the dosing weight") {
  const auto per_kg =
      card({{"V1", {0.5, unit::L_per_kg}, 0, "fixture"}, {"CL", {20, unit::mL_per_min_per_kg}, 0, "fixture"}});
  Patient p = patient(80);
  p.dosing_weight = Stated<dim::body>(60, unit::kg);
  CHECK(individual(per_kg, p).v1_L == Approx(40));
  CHECK(individual(per_kg, p).cl_L_per_min == Approx(1.6));
}

TEST_CASE("an effect-site constant needs a source") {
  ModelCard with = card({volume("V1", 10), flow("CL", 1)});
  with.ke0 = constant("ke0", 0.2);
  CHECK(individual(with, patient(70)).ke0_per_min == 0.2);
  with.ke0->source.clear();
  CHECK(refusal([&] { (void)individual(with, patient(70)); }) == "E_MODEL_PARAM ke0");
  with.ke0 = constant("ke0", not_a_number);
  CHECK(refusal([&] { (void)individual(with, patient(70)); }) == "E_MODEL_PARAM ke0");
}

TEST_CASE("a metabolite has one or two compartments of its own and is refused by its place") {
  ModelCard with = card({volume("V1", 10), flow("CL", 1)});
  with.metabolites = {
      {.name = "m", .fraction = 0.5, .parameters = {volume("V1", 20), flow("CL", 2)}, .source = "fixture"}};
  const auto p = individual(with, patient(70));
  CHECK(p.metabolites[0].v1_L == 20);
  CHECK(p.metabolites[0].q2_L_per_min == 0);
  const auto refused_with = [&](auto change) {
    ModelCard changed = with;
    change(changed.metabolites[0]);
    return refusal([&] { (void)individual(changed, patient(70)); });
  };
  CHECK(refused_with([](CardMetabolite& m) { m.parameters.pop_back(); }) == "E_MODEL_PARAM metabolites[0].CL");
  CHECK(refused_with([](CardMetabolite& m) { m.parameters.push_back(flow("Q3", 1)); }) ==
        "E_MODEL_PARAM metabolites[0].Q3");
  CHECK(refused_with([](CardMetabolite& m) { m.fraction = 1.2; }) == "E_MODEL_PARAM metabolites[0].fraction");
  CHECK(refused_with([](CardMetabolite& m) { m.fraction = not_a_number; }) == "E_MODEL_PARAM metabolites[0].fraction");
}

namespace {

CovariateEffect by(std::string covariate, CovariateForm form, double reference, double coefficient) {
  return {.covariate = std::move(covariate),
          .form = form,
          .reference = reference,
          .coefficient = coefficient,
          .source = "fixture"};
}

CardParameter following(CardParameter p, CovariateEffect effect) {
  p.covariates.push_back(std::move(effect));
  return p;
}

double clearance_of(const CovariateEffect& effect, std::vector<double> x) {
  return individual(card({volume("V1", 10), following(flow("CL", 2), effect)}), x).parameters.cl_L_per_min;
}

std::string clearance_refused(const CovariateEffect& effect, std::vector<double> x) {
  return refusal([&] { (void)clearance_of(effect, std::move(x)); });
}

/// Two places of absorption, three compartments, two metabolites in a row.
ModelCard branching() {
  ModelCard c = card(
      {volume("V1", 10), flow("CL", 1), constant("k13", 0.1), constant("k31", 0.2), flow("Q2", 1), volume("V2", 5)});
  c.depots = {{"nose", constant("ka", 0.1), "throat"}, {"throat", constant("ka", 0.2), ""}};
  c.metabolites = {{.name = "m",
                    .fraction = 0.5,
                    .parameters = {volume("V1", 20), flow("CL", 2), flow("Q2", 1), volume("V2", 3)},
                    .source = "fixture"},
                   {.name = "n",
                    .fraction = 0.25,
                    .parameters = {volume("V1", 4), flow("CL", 1)},
                    .source = "fixture",
                    .from = "m"}};
  return c;
}

}  // namespace

TEST_CASE("an effect of a covariate is a power, a line, an exponential or a factor of its level") {
  using enum CovariateForm;
  CHECK(clearance_of(by("AGE", power, 40, 0.5), {90}) == Approx(3).epsilon(1e-15));  // 2 x sqrt(90 / 40)
  CHECK(clearance_of(by("AGE", linear, 40, 0.01), {90}) == Approx(3).epsilon(1e-15));
  CHECK(clearance_of(by("AGE", exponential, 40, -0.0138629436111989062), {90}) == Approx(1).epsilon(1e-14));
  CovariateEffect sex = by("SEX", levels, 0, 0);
  sex.levels = {{0, 1}, {1, 1.2}};
  CHECK(clearance_of(sex, {1}) == Approx(2.4).epsilon(1e-15));
  CHECK(clearance_of(sex, {0}) == 2);
}

TEST_CASE("what a covariate adds above its reference is in the parameter's own unit, and effects act in their order") {
  using enum CovariateForm;
  // CL is 2 L/min
  CHECK(clearance_of(by("AGE", added_above, 60, -0.05), {60}) == 2);
  CHECK(clearance_of(by("AGE", added_above, 60, -0.05), {18}) == 2);
  CHECK(clearance_of(by("AGE", added_above, 60, -0.05), {80}) == Approx(1).epsilon(1e-15));
  CHECK(clearance_refused(by("AGE", added_above, 60, -0.05), {100}) == "E_MODEL_PARAM CL");
  CardParameter p = flow("CL", 120);
  p.value = StatedParameter(120, unit::L_per_h, "CL");
  p.covariates = {by("AGE", added_above, 60, -3), by("X", linear, 0, 1)};
  const auto cl = [&](double yr, double x) {
    const std::array<double, 2> covariates{yr, x};
    return individual(card({volume("V1", 10), p}), covariates).parameters.cl_L_per_min;
  };
  CHECK(cl(70, 1) == Approx(2 * (120 - 30) / 60.0).epsilon(1e-15));
  std::swap(p.covariates[0], p.covariates[1]);
  std::array<double, 2> the_other_way{1, 70};
  CHECK(individual(card({volume("V1", 10), p}), the_other_way).parameters.cl_L_per_min ==
        Approx((2 * 120 - 30) / 60.0).epsilon(1e-15));
}

TEST_CASE("a liver needs its four parameters and is the only way out, and exact solvers refuse it") {
  const auto liver = [](std::vector<CardParameter> more) {
    std::vector<CardParameter> all{volume("V1", 10), flow("Qh", 1.5), volume("Vh", 4), constant("kel", 0.1),
                                   constant("kmet", 0.3)};
    all.insert(all.end(), more.begin(), more.end());
    return card(std::move(all));
  };
  const auto refused = [](const ModelCard& c) { return refusal([&] { (void)individual(c, patient(70)); }); };
  const Parameters<double> p = individual(liver({}), patient(70));
  REQUIRE(p.liver);
  CHECK(p.cl_L_per_min == 0);
  // 1.5 x (0.4 x 4) / (1.5 + 0.4 x 4)
  CHECK(linear_clearance(p) == Approx(1.5 * 1.6 / 3.1).epsilon(1e-15));
  for (const char* name : {"Qh", "Vh", "kel", "kmet"}) {
    ModelCard c = liver({});
    std::erase_if(c.parameters, [&](const CardParameter& each) { return each.name == name; });
    CHECK(refused(c) == "E_MODEL_PARAM " + std::string(name));
  }
  CHECK(refused(liver({flow("CL", 1)})) == "E_MODEL_PARAM CL");
  CHECK(refused(liver({constant("k10", 1)})) == "E_MODEL_PARAM k10");
  CHECK(refused(card({volume("V1", 10), flow("CL", 1), flow("Qh", 1)})) == "E_MODEL_PARAM CL");
  ModelCard idle = liver({});
  idle.parameters[3].value = idle.parameters[4].value = StatedParameter(0, unit::per_min, "kel");
  CHECK(refused(idle) == "E_MODEL_PARAM kmet");
  ModelCard of_metabolite = with_metabolite_of({volume("V1", 4), flow("CL", 1), flow("Qh", 1)});
  CHECK(refused(of_metabolite) == "E_MODEL_PARAM metabolites[0].Qh");
  CHECK(refusal([&] { (void)Mammillary(p); }) == "E_MODEL_PARAM Qh");
  Parameters<double> both = p;
  both.cl_L_per_min = 1;
  CHECK(refusal([&] { validate(both); }) == "E_MODEL_PARAM CL");
  both = p;
  both.saturable = {1, 1};
  CHECK(refusal([&] { validate(both); }) == "E_MODEL_PARAM Vmax");
}

TEST_CASE("transit compartments empty at their number over the mean transit time, and there are few of them") {
  ModelCard c = with_metabolite_of({volume("V1", 4), flow("CL", 1)});
  const auto delay = [](std::size_t n, double min) {
    return CardDelay{n, {"MTT", StatedParameter(min, unit::min, "MTT"), 0, "fixture"}};
  };
  const auto refused = [&] { return refusal([&] { (void)individual(c, patient(70)); }); };
  c.metabolites[0].delay = delay(3, 12);
  const Parameters<double> p = individual(c, patient(70));
  CHECK(p.metabolites[0].transits == 3);
  CHECK(p.metabolites[0].transit_per_min == Approx(0.25).epsilon(1e-15));
  CHECK(places_of(c).back() == 3 + 3);
  CHECK(refusal([&] { (void)Mammillary(p); }) == "E_MODEL_PARAM metabolites[0].MTT");
  c.metabolites[0].delay = delay(0, 12);
  CHECK(refused() == "E_MODEL_PARAM metabolites[0].transits");
  c.metabolites[0].delay = delay(17, 12);
  CHECK(refused() == "E_MODEL_PARAM metabolites[0].transits");
  c.metabolites[0].delay = delay(2, 0);
  CHECK(refused() == "E_MODEL_PARAM metabolites[0].MTT");
  c.metabolites[0].delay->mtt = volume("MTT", 1);
  CHECK(refused() == "E_UNIT_MISMATCH metabolites[0].MTT");
  c.metabolites[0].delay = delay(16, 12);
  CHECK(refused() == "");
  c.depots = {{.name = "gut", .ka = constant("ka", 1)}};
  CHECK(refused() == "E_SIZE metabolites");
}

TEST_CASE("a covariate that is the parameter itself gives it to the bit") {
  for (const double x : {1.0 / 3, 0.1, 5e-7, 1234.5678, 3e8}) {
    const ModelCard c =
        card({following(volume("V1", 1), by("VX", CovariateForm::power, 1, 1)),
              following({"CL", {1, unit::L_per_h}, 0, "fixture"}, by("CLX", CovariateForm::power, 1, 1))});
    CHECK(covariates_of(c) == std::vector<std::string>{"VX", "CLX"});
    const std::vector<double> values{x, x};
    const auto p = individual(c, values).parameters;
    CHECK(p.v1_L == x);
    CHECK(p.cl_L_per_min ==
          individual(card({volume("V1", 1), {"CL", {x, unit::L_per_h}, 0, "fixture"}}), std::span<const double>())
              .parameters.cl_L_per_min);
  }
}

TEST_CASE("effects multiply with each other and with the weight rule") {
  CardParameter cl = following(following(flow("CL", 2), by("AGE", CovariateForm::linear, 40, 0.01)),
                               by("CRCL", CovariateForm::power, 100, 1));
  cl.weight_exponent = 0.75;
  const ModelCard c = card({volume("V1", 10), cl});
  CHECK(covariates_of(c) == std::vector<std::string>{"WT", "AGE", "CRCL"});
  const std::vector<double> values{16 * 70.0, 50, 200};
  CHECK(refusal([&] { (void)individual(c, values); }) == "E_RANGE WT");
  const std::vector<double> fit{70.0 / 16, 50, 200};
  CHECK(individual(c, fit).parameters.cl_L_per_min == Approx(2 * 1.1 * 2 / 8.0).epsilon(1e-14));
}

TEST_CASE("a covariate outside what its form can take is refused by its name") {
  using enum CovariateForm;
  CHECK(clearance_refused(by("AGE", power, 40, 0.5), {0}) == "E_RANGE AGE");
  CHECK(clearance_refused(by("AGE", power, 40, 0.5), {-1}) == "E_RANGE AGE");
  CHECK(clearance_refused(by("AGE", power, 40, 0.5), {not_a_number}) == "E_NONFINITE AGE");
  CHECK(clearance_refused(by("AGE", power, 0, 0.5), {40}) == "E_MODEL_PARAM CL");
  CHECK(clearance_refused(by("AGE", linear, 40, not_a_number), {40}) == "E_MODEL_PARAM CL");
  CHECK(clearance_refused(by("AGE", linear, 40, 0.1), {20}) == "E_MODEL_PARAM CL");      // comes out negative
  CHECK(clearance_refused(by("AGE", exponential, 0, 1e3), {40}) == "E_MODEL_PARAM CL");  // infinite
  CovariateEffect sex = by("SEX", levels, 0, 0);
  sex.levels = {{0, 1}, {1, 1.2}};
  CHECK(clearance_refused(sex, {2}) == "E_RANGE SEX");
  CHECK(clearance_refused(sex, {}) == "E_ARG covariates");
  CHECK(clearance_refused(sex, {1, 1}) == "E_ARG covariates");
}

TEST_CASE("a patient gives weight, age, height and sex, and what was not given is missed by its field") {
  using enum CovariateForm;
  const auto of = [](const char* name) {
    return card({volume("V1", 10), following(flow("CL", 1), by(name, power, 1, 1))});
  };
  Patient p = patient(80, 175);
  p.age = Age(42, unit::yr);
  p.sex = Sex::female;
  const auto value = [&](const char* name) { return individual(of(name), p).cl_L_per_min; };
  CHECK(value("WT") == 80);
  CHECK(value("AGE") == 42);
  CHECK(value("HT") == 175);
  CHECK(value("SEX") == 1);
  const auto missed = [&](const char* name) { return refusal([&] { (void)individual(of(name), patient(80)); }); };
  CHECK(missed("AGE") == "E_FIELD_MISSING patient.age");
  CHECK(missed("HT") == "E_FIELD_MISSING patient.height");
  CHECK(missed("SEX") == "E_FIELD_MISSING patient.sex");
  CHECK(missed("CRCL") == "E_FIELD_MISSING patient.covariates.CRCL");
  p.covariates = {{"CRCL", 90}};
  CHECK(value("CRCL") == 90);
  const ModelCard by_sex = card({volume("V1", 10), following(flow("CL", 1), by("SEX", CovariateForm::linear, 0, 1))});
  p.sex = Sex::male;
  CHECK(individual(by_sex, p).cl_L_per_min == 1);  // a man is 0
}

TEST_CASE("a patient and a row of the same covariates are the same individual, to the bit") {
  for (const ModelCard& c : library::cards()) {
    INFO(c.id);
    const bool of_age_and_race = c.id == "perezruixo2021";
    CHECK(covariates_of(c) ==
          (of_age_and_race ? std::vector<std::string>{"AGE", "RACE_ASIAN"} : std::vector<std::string>{"WT"}));
    for (const double kg : {45.0, 70.0, 83.7, 130.0}) {
      const std::vector<double> row = of_age_and_race ? std::vector<double>{kg / 2, 1} : std::vector<double>{kg};
      Patient same = aged(kg / 2, kg);
      same.covariates = {{"RACE_ASIAN", 1}};
      const auto a = individual(c, same);
      const auto b = individual(c, row).parameters;
      CHECK((a.v1_L == b.v1_L && a.cl_L_per_min == b.cl_L_per_min && a.q2_L_per_min == b.q2_L_per_min &&
             a.v2_L == b.v2_L && a.q3_L_per_min == b.q3_L_per_min && a.v3_L == b.v3_L));
      REQUIRE(a.liver.has_value() == b.liver.has_value());
      if (a.liver)
        CHECK((a.liver->q_L_per_min == b.liver->q_L_per_min && a.liver->kel_per_min == b.liver->kel_per_min &&
               a.liver->kmet_per_min == b.liver->kmet_per_min && a.liver->v_L == b.liver->v_L));
    }
  }
}

TEST_CASE("compartments are counted as depots, central, shallow, deep and metabolites") {
  CHECK(compartments_of(branching()) ==
        std::vector<std::string>{"nose", "throat", "central", "shallow", "deep", "m", "m_2", "n"});
  CHECK(compartments_of(card({volume("V1", 1), flow("CL", 1)})) == std::vector<std::string>{"central"});
  CHECK(compartments_of(card({volume("V1", 1), flow("CL", 1), flow("Q3", 1), volume("V3", 1)})) ==
        std::vector<std::string>{"central", "deep"});
}

TEST_CASE("depots empty into a later one or the central compartment, metabolites form from an earlier one") {
  const Individual who = individual(branching(), std::span<const double>());
  REQUIRE(who.parameters.depots.size() == 2);
  CHECK(who.parameters.depots[0].into == std::optional<std::size_t>(1));
  CHECK_FALSE(who.parameters.depots[1].into.has_value());
  CHECK(who.parameters.depots[1].ka_per_min == 0.2);
  CHECK_FALSE(who.parameters.metabolites[0].from.has_value());
  CHECK(who.parameters.metabolites[1].from == std::optional<std::size_t>(0));
  const auto refused_with = [](auto change) {
    ModelCard c = branching();
    change(c);
    return refusal([&] { (void)individual(c, std::span<const double>()); });
  };
  CHECK(refused_with([](ModelCard& c) { c.depots[1].into = "nose"; }) == "E_MODEL_PARAM depots[1].into");
  CHECK(refused_with([](ModelCard& c) { c.depots[0].into = "lung"; }) == "E_MODEL_PARAM depots[0].into");
  CHECK(refused_with([](ModelCard& c) { c.depots[0].ka = constant("ka", 0); }) == "E_MODEL_PARAM depots[0].ka");
  CHECK(refused_with([](ModelCard& c) { c.depots[0].ka = flow("ka", 1); }) == "E_UNIT_MISMATCH depots[0].ka");
  CHECK(refused_with([](ModelCard& c) { c.metabolites[0].from = "n"; }) == "E_MODEL_PARAM metabolites[0].from");
  CHECK(refused_with([](ModelCard& c) { c.metabolites[0].from = "o"; }) == "E_MODEL_PARAM metabolites[0].from");
}

TEST_CASE("entries stand in the order of the compartments; what a card leaves out is 1, 0 and not modelled") {
  ModelCard c = branching();
  c.entries = {{.compartment = "m_2", .lag = CardParameter{"lag", {2, unit::h}, 0, "fixture"}},
               {.compartment = "nose",
                .bioavailability = CardParameter{"F", {0.45, unit::one}, 0, "fixture"},
                .duration = CardParameter{"duration", {30, unit::s}, 0, "fixture"},
                .rate = CardParameter{"rate", {6, unit::mg_per_kg_per_h}, 0, "fixture"}}};
  CHECK(covariates_of(c) == std::vector<std::string>{"WT"});
  const std::vector<double> row{50};
  const Individual who = individual(c, row);
  REQUIRE(who.entries.size() == 8);
  CHECK(who.entries[0].bioavailability == 0.45);
  CHECK(who.entries[0].lag_min == 0);
  CHECK(who.entries[0].duration_min == 0.5);
  CHECK(who.entries[0].rate_mg_per_min == Approx(5).epsilon(1e-15));
  CHECK(who.entries[6].lag_min == 120);
  for (std::size_t i = 1; i < 8; ++i) {
    CHECK(who.entries[i].bioavailability == 1);
    CHECK_FALSE((who.entries[i].duration_min || who.entries[i].rate_mg_per_min));
    if (i != 6) CHECK(who.entries[i].lag_min == 0);
  }
  const auto refused_with = [&](CardEntry entry) {
    ModelCard changed = branching();
    changed.entries = {std::move(entry)};
    return refusal([&] { (void)individual(changed, std::span<const double>()); });
  };
  const auto f = [](double x) { return CardParameter{"F", {x, unit::one}, 0, "fixture"}; };
  CHECK(refused_with({.compartment = "nose", .bioavailability = f(0)}).empty());
  CHECK(refused_with({.compartment = "nose", .bioavailability = f(-0.1)}) == "E_MODEL_PARAM nose.F");
  CHECK(refused_with({.compartment = "nose", .bioavailability = f(not_a_number)}) == "E_MODEL_PARAM nose.F");
  CHECK(refused_with({.compartment = "nose", .lag = CardParameter{"lag", {-1, unit::min}, 0, "fixture"}}) ==
        "E_MODEL_PARAM nose.lag");
  CHECK(refused_with({.compartment = "nose", .duration = CardParameter{"duration", {0, unit::min}, 0, "fixture"}}) ==
        "E_MODEL_PARAM nose.duration");
  CHECK(refused_with({.compartment = "nose", .lag = constant("lag", 1)}) == "E_UNIT_MISMATCH nose.lag");
  CHECK(refused_with({.compartment = "nose", .lag = f(1)}) == "E_MODEL_PARAM nose.lag");
  CHECK(refused_with({.compartment = "lung", .bioavailability = f(1)}) == "E_MODEL_PARAM lung.entry");
}

TEST_CASE("saturable elimination stands beside a clearance, which may then be 0 or left out") {
  const CardParameter vmax{"Vmax", {60, unit::mg_per_h}, 0, "fixture"}, km{"Km", {500, unit::ng_per_mL}, 0, "fixture"};
  for (const auto& linear : {std::vector<CardParameter>{}, {flow("CL", 0)}, {constant("k10", 0)}}) {
    std::vector<CardParameter> all{volume("V1", 10), vmax, km};
    all.insert(all.end(), linear.begin(), linear.end());
    const auto p = individual(card(all), patient(70));
    CHECK(p.cl_L_per_min == 0);
    REQUIRE(p.saturable.has_value());
    CHECK(p.saturable->vmax_mg_per_min == Approx(1).epsilon(1e-15));
    CHECK(p.saturable->km_mg_per_L == Approx(0.5).epsilon(1e-15));
  }
  CHECK(individual(card({volume("V1", 10), vmax, km, flow("CL", 2)}), patient(70)).cl_L_per_min == 2);
  const CardParameter per_kg{"Vmax", {1, unit::mg_per_kg_per_min}, 0, "fixture"};
  CHECK(individual(card({volume("V1", 10), per_kg, km}), patient(80)).saturable->vmax_mg_per_min == 80);
  CHECK(refused({volume("V1", 10), vmax}) == "E_MODEL_PARAM Km");
  CHECK(refused({volume("V1", 10), km}) == "E_MODEL_PARAM Vmax");
  CHECK(refused({volume("V1", 10), flow("CL", 0)}) == "E_MODEL_PARAM CL");
  CHECK(refused({volume("V1", 10), vmax, flow("Km", 1)}) == "E_UNIT_MISMATCH Km");
}

TEST_CASE("a patient who cannot be is refused before any parameter is scaled") {
  const ModelCard kamp = library::find("kamp2020");
  CHECK(refusal([&] { (void)individual(kamp, patient(not_a_number)); }) == "E_NONFINITE patient.weight");
  CHECK(refusal([&] { (void)individual(kamp, patient(1e308)); }) == "E_RANGE patient.weight");
  CHECK(refusal([&] { (void)admit(kamp, aged(not_a_number), Analyte::racemic_ketamine, {}); }) ==
        "E_NONFINITE patient.age");
}

TEST_CASE("a model refuses an analyte it does not speak of") {
  CHECK(admission_refused("kamp2020", patient(70), Analyte::s_ketamine) == "E_MODEL_ANALYTE analyte");
  CHECK(admission_refused("kamp2020", patient(70), Analyte::s_ketamine, {.assume_enantiomers_alike = true}) ==
        "E_MODEL_ANALYTE analyte");
  CHECK(admission_refused("otto2021", aged(30), Analyte::r_ketamine, {.assume_enantiomers_alike = true}) ==
        "E_MODEL_ANALYTE analyte");
  CHECK(admission_refused("otto2021", aged(30), Analyte::racemic_ketamine) == "E_MODEL_ANALYTE analyte");
  CHECK(admission_refused("kamp2020", patient(70), Analyte::unstated) == "E_MODEL_ANALYTE analyte");
  CHECK(admission_refused("kamp2020", patient(70), Analyte::racemic_ketamine).empty());
  CHECK(admission_refused("otto2021", aged(30), Analyte::s_ketamine).empty());
}

TEST_CASE("an S-model runs a racemic order only when the enantiomers are assumed alike, and says so") {
  const auto a =
      admit(library::find("otto2021"), aged(30), Analyte::racemic_ketamine, {.assume_enantiomers_alike = true});
  CHECK(a.enantiomers_assumed_alike);
  CHECK_FALSE(admit(library::find("otto2021"), aged(30), Analyte::s_ketamine, {.assume_enantiomers_alike = true})
                  .enantiomers_assumed_alike);
}

TEST_CASE("the bounds of a domain are inside it; beyond them the model refuses") {
  const auto herd = [](double yr, double kg) {
    return admission_refused("herd2007", aged(yr, kg), Analyte::racemic_ketamine);
  };
  CHECK(herd(1, 10.8).empty());
  CHECK(herd(14, 74.8).empty());
  CHECK(herd(14 * (1 + 0.9e-9), 30).empty());
  CHECK(herd(14.000001, 30) == "E_MODEL_DOMAIN patient.age");
  CHECK(herd(0.999999, 30) == "E_MODEL_DOMAIN patient.age");
  CHECK(herd(8, 74.80001) == "E_MODEL_DOMAIN patient.weight");
  CHECK(herd(8, 10.79999) == "E_MODEL_DOMAIN patient.weight");
}

TEST_CASE("extrapolation lists every crossed bound") {
  const auto a = admit(library::find("herd2007"), aged(42, 90), Analyte::racemic_ketamine, {.extrapolate = true});
  CHECK(a.domain_stated);
  CHECK(a.crossed == std::vector<std::string>{"age 42 yr above 14 yr", "weight 90 kg above 74.8 kg"});
  CHECK(a.missing.empty());
}

TEST_CASE("a covariate that a stated domain needs and that is not given is named as missing, once") {
  const auto a = admit(library::find("herd2007"), patient(30), Analyte::racemic_ketamine, {});
  CHECK(a.missing == std::vector<std::string>{"age"});
  CHECK(a.crossed.empty());
}

TEST_CASE("a model without a stated domain crosses and misses nothing") {
  const auto a = admit(library::find("kamp2020"), patient(300), Analyte::racemic_ketamine, {});
  CHECK_FALSE(a.domain_stated);
  CHECK(a.crossed.empty());
  CHECK(a.missing.empty());
}

TEST_CASE("a refusal repeats no value of the patient") {
  try {
    (void)admit(library::find("herd2007"), aged(43.75, 70), Analyte::racemic_ketamine, {});
    FAIL("admitted");
  } catch (const InvalidInput& e) {
    CHECK(std::string(e.what()).find("43.75") == std::string::npos);
    CHECK(e.message.find("accepted:") != std::string::npos);
  }
}
