// SPDX-License-Identifier: Apache-2.0
// Facts about body sizes and the dosing weight: published worked examples, the formulas again in inches and pounds, and
// what is refused. What counts per kg, and what the model looks at, are two things in every door.

#include "catch.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "ketpk/body_size.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/io.hpp"
#include "ketpk/ketpk.hpp"
#include "ketpk/library.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

Patient somebody(double kg, double cm, Sex sex) {
  return {.weight = {kg, unit::kg}, .height = Stated<dim::length>{cm, unit::cm}, .sex = sex};
}
Patient aged(Patient p, double yr) {
  p.age = Age{yr, unit::yr};
  return p;
}
double told(const Patient& p, BodySize size) {
  const SizeAnswer answer = size_of(p, size);
  if (const auto* no = std::get_if<SizeRefused>(&answer)) FAIL(no->field + ": " + no->message);
  return std::get<double>(answer);
}
/// "E_CODE field", or "told".
std::string refused(const Patient& p, BodySize size) {
  const SizeAnswer answer = size_of(p, size);
  const auto* no = std::get_if<SizeRefused>(&answer);
  return no != nullptr ? std::string(name_of(no->code)) + ' ' + no->field : "told";
}
/// "E_CODE field", or the mass in kg.
std::string dosed_by(Patient p, DosingWeight by) {
  p.dosing_weight = by;
  try {
    return to_text(mass_for_dosing(p).in(unit::kg));
  } catch (const InvalidInput& no) {
    return std::string(name_of(no.code)) + ' ' + no.field;
  }
}

double kg_dosed_by(const Patient& p, WeightRule by) { return parse_number(dosed_by(p, by), "dosing weight"); }

/// The formulas once more, as somebody with a scale in pounds and a rule in inches would have to write them.
struct InPounds {
  double lb, in;
  bool is_man;

  static constexpr double lb_per_kg = 1 / 0.45359237, in_per_cm = 1 / 2.54;
  /// BMI = 703.07 lb / in^2, with the factor worked out: 0.45359237 / 0.0254^2.
  [[nodiscard]] double bmi() const { return 703.06957964 * lb / (in * in); }
  [[nodiscard]] double ideal_lb() const {
    return ((is_man ? 110.23113109 : 100.31032930) + 5.07063203 * (in - 60));  // 50, 45.5 and 2.3 kg in lb
  }
  [[nodiscard]] double adjusted_lb() const { return 0.6 * ideal_lb() + 0.4 * lb; }
  [[nodiscard]] double james_lb() const {
    // 128 (W/H)^2 with W in kg and H in cm is 128 0.45359237 / 6.4516 (lb / in)^2 lb.
    const double r = lb / in;
    return is_man ? 1.10 * lb - 8.9992906194 * r * r : 1.07 * lb - 10.4054297787 * r * r;
  }
  [[nodiscard]] double fat_free_lb() const {
    // 9270 W / (6680 + 216 BMI), upside down.
    return lb / (is_man ? 0.72060410 + 0.02330097 * bmi() : 0.94714132 + 0.02632147 * bmi());
  }
  [[nodiscard]] double du_bois_m2() const {
    // 0.007184 0.45359237^0.425 2.54^0.725.
    return 0.0100914531 * std::pow(lb, 0.425) * std::pow(in, 0.725);
  }
  /// As the letter has it for pounds and inches, rounded.
  [[nodiscard]] double mosteller_m2() const { return std::sqrt(lb * in / 3131); }
};

/// Kamp 2020 with a made-up effect on its clearance, as a model file.
ModelCard with_effect(const std::string& covariate, CovariateForm form) {
  ModelCard card = library::find("kamp2020");
  card.id = "made-up";
  CovariateEffect effect{.covariate = covariate, .form = form, .source = "made up"};
  if (form == CovariateForm::levels)
    effect.levels = {{0, 1}, {1, 0.8}};
  else
    effect.reference = 50, effect.coefficient = 1;
  for (CardParameter& p : card.parameters)
    if (p.name == "CL") p.covariates.push_back(effect);
  card.goldens.clear();
  return card;
}

nlohmann::json session_of(nlohmann::json patient, const std::string& infuse = "0.5 mg/kg") {
  return {{"schema", "ketpk.session/1"},
          {"patient", std::move(patient)},
          {"analyte", "racemic-ketamine"},
          {"form", "base"},
          {"initial_state", "drug-free"},
          {"order", {{{"infuse", infuse}, {"over", "40 min"}}}},
          {"model", "kamp2020"}};
}
constexpr std::chrono::year_month_day today{std::chrono::year{2026}, std::chrono::month{11}, std::chrono::day{21}};
Result answered(const nlohmann::json& session) {
  return std::get<Result>(simulate(io::read_session(session.dump(), {.folder = ".", .today = today})));
}
std::string session_refused(const nlohmann::json& session) {
  try {
    (void)answered(session);
    return "answered";
  } catch (const InvalidInput& no) {
    return std::string(name_of(no.code)) + ' ' + no.field;
  }
}
const nlohmann::json tall_woman{{"weight", "110 kg"}, {"height", "165 cm"}, {"sex", "female"}, {"age", "40 yr"}};

}  // namespace

TEST_CASE("worked examples that others have published come out, to the digits they print") {
  // Ideal: worldlycalc.com (70 in man, 66 in woman) and healthaide.info (64 in man).
  CHECK(told(somebody(75, 70 * 2.54, Sex::male), BodySize::ideal_weight) == Approx(73.0).margin(1e-9));
  CHECK(told(somebody(60, 66 * 2.54, Sex::female), BodySize::ideal_weight) == Approx(59.3).margin(1e-9));
  CHECK(told(somebody(70, 64 * 2.54, Sex::male), BodySize::ideal_weight) == Approx(59.2).margin(1e-9));
  // Lean and fat-free: check values of a course on programs for target-controlled infusion: a man of 70 kg and 170 cm,
  // 77 kg and 177 cm as a man and as a woman.
  CHECK(told(somebody(70, 170, Sex::male), BodySize::lean_mass) == Approx(55.30).margin(0.005));
  CHECK(told(somebody(77, 177, Sex::male), BodySize::lean_mass) == Approx(60.48).margin(0.005));
  CHECK(told(somebody(77, 177, Sex::female), BodySize::lean_mass) == Approx(54.38).margin(0.005));
  CHECK(told(somebody(70, 170, Sex::male), BodySize::fat_free_mass) == Approx(54.48).margin(0.005));
  CHECK(told(somebody(77, 177, Sex::male), BodySize::fat_free_mass) == Approx(59.54).margin(0.005));
  // Fat-free: the test values of clinPK, 80 kg of a BMI of 20 and 30.
  CHECK(std::round(told(somebody(80, 200, Sex::male), BodySize::fat_free_mass)) == 67);
  const double cm_of_30 = 100 * std::sqrt(80.0 / 30);
  CHECK(std::round(told(somebody(80, cm_of_30, Sex::male), BodySize::fat_free_mass)) == 56);
  CHECK(std::round(told(somebody(80, cm_of_30, Sex::female), BodySize::fat_free_mass)) == 46);
  // By age: clinPK (a girl of 12), and an R package of opioid models (a man of 50, 120 kg and 170 cm: 71.09 kg; the
  // reference of Eleveld 2018, 35 yr, 70 kg, 170 cm: 54.4752059601377 kg).
  CHECK(std::round(told(aged(somebody(60, 140, Sex::female), 12), BodySize::fat_free_mass_by_age)) == 36);
  CHECK(told(aged(somebody(120, 170, Sex::male), 50), BodySize::fat_free_mass_by_age) == Approx(71.09).margin(0.005));
  CHECK(told(aged(somebody(70, 170, Sex::male), 35), BodySize::fat_free_mass_by_age) ==
        Approx(54.4752059601377).epsilon(1e-13));
}

TEST_CASE("the formulas in pounds and inches say the same as those in kilograms and centimetres") {
  for (const Sex sex : {Sex::female, Sex::male})
    for (const double kg : {52.0, 70.0, 96.0})
      for (const double cm : {153.0, 170.0, 192.0}) {
        const Patient p = somebody(kg, cm, sex);
        const InPounds same{kg * InPounds::lb_per_kg, cm * InPounds::in_per_cm, sex == Sex::male};
        const auto in_kg = [](double lb) { return lb * 0.45359237; };
        INFO(kg << " kg, " << cm << " cm, " << name_of(sex));
        CHECK(told(p, BodySize::body_mass_index) == Approx(same.bmi()).epsilon(1e-9));
        CHECK(told(p, BodySize::ideal_weight) == Approx(in_kg(same.ideal_lb())).epsilon(1e-8));
        if (kg >= in_kg(same.ideal_lb()))
          CHECK(told(p, BodySize::adjusted_weight) == Approx(in_kg(same.adjusted_lb())).epsilon(1e-8));
        else
          CHECK(refused(p, BodySize::adjusted_weight) == "E_RANGE patient.weight");
        if (same.bmi() < (sex == Sex::male ? 42.97 : 36.15))
          CHECK(told(p, BodySize::lean_mass) == Approx(in_kg(same.james_lb())).epsilon(1e-8));
        else
          CHECK(refused(p, BodySize::lean_mass) == "E_RANGE patient.weight");
        CHECK(told(p, BodySize::fat_free_mass) == Approx(in_kg(same.fat_free_lb())).epsilon(1e-7));
        CHECK(told(p, BodySize::surface_area) == Approx(same.du_bois_m2()).epsilon(1e-8));
        CHECK(told(p, BodySize::surface_area_mosteller) == Approx(same.mosteller_m2()).epsilon(1.1e-3));
      }
}

TEST_CASE("James' lean mass is refused from where it turns over, and rises with weight all the way to there") {
  struct Turn {
    Sex sex;
    double bmi;
  };
  for (const Turn& turn : {Turn{Sex::male, 42.96875}, Turn{Sex::female, 36.14865}}) {
    const auto of_bmi = [&](double bmi) { return somebody(bmi * 1.7 * 1.7, 170, turn.sex); };
    double before = 0;
    for (double bmi = 12; bmi < turn.bmi - 0.001; bmi += 0.25) {
      const double now = told(of_bmi(bmi), BodySize::lean_mass);
      CHECK(now > before);
      before = now;
    }
    CHECK(refused(of_bmi(turn.bmi - 0.001), BodySize::lean_mass) == "told");
    CHECK(refused(of_bmi(turn.bmi + 0.001), BodySize::lean_mass) == "E_RANGE patient.weight");
    // Past it the parabola falls, and in the end below nothing.
    CHECK(refused(of_bmi(2.1 * turn.bmi), BodySize::lean_mass) == "E_RANGE patient.weight");
  }
}

TEST_CASE("a size outside what its formula speaks of is refused with what is at fault, and nothing is extrapolated") {
  const Patient short_one = somebody(50, 152.3, Sex::female);
  CHECK(refused(short_one, BodySize::ideal_weight) == "E_RANGE patient.height");
  CHECK(refused(short_one, BodySize::adjusted_weight) == "E_RANGE patient.height");
  Patient sixty_inches = short_one;
  sixty_inches.height = Stated<dim::length>(60, unit::inch);
  CHECK(told(sixty_inches, BodySize::ideal_weight) == 45.5);
  CHECK(told(somebody(50, 152.4, Sex::female), BodySize::ideal_weight) == Approx(45.5).epsilon(1e-12));
  CHECK(refused(somebody(50, 180, Sex::male), BodySize::adjusted_weight) == "E_RANGE patient.weight");
  // So thin that the fit finds more without fat than there is: below a BMI of 11.99 and 7.8 kg/m2.
  CHECK(refused(somebody(11.9 * 1.7 * 1.7, 170, Sex::male), BodySize::fat_free_mass) == "E_RANGE patient.weight");
  CHECK(refused(somebody(12.1 * 1.7 * 1.7, 170, Sex::male), BodySize::fat_free_mass) == "told");
  CHECK(refused(somebody(7.7 * 1.7 * 1.7, 170, Sex::male), BodySize::lean_mass) == "E_RANGE patient.weight");
  const Patient child = aged(somebody(60, 160, Sex::male), 17);
  for (const auto size :
       {BodySize::ideal_weight, BodySize::adjusted_weight, BodySize::lean_mass, BodySize::fat_free_mass})
    CHECK(refused(child, size) == "E_RANGE patient.age");
  CHECK(refused(child, BodySize::fat_free_mass_by_age) == "told");
  CHECK(refused(aged(child, 2.9), BodySize::fat_free_mass_by_age) == "E_RANGE patient.age");
  CHECK(refused(aged(child, 18), BodySize::fat_free_mass) == "told");
}

TEST_CASE("what was not stated is missing, not guessed") {
  const Patient weight_only{.weight = 70_kg};
  for (std::size_t i = 0; i < body_sizes.size(); ++i)
    CHECK(refused(weight_only, static_cast<BodySize>(i)) == "E_FIELD_MISSING patient.height");
  Patient no_sex = somebody(70, 170, Sex::male);
  no_sex.sex.reset();
  CHECK(refused(no_sex, BodySize::surface_area) == "told");
  CHECK(refused(no_sex, BodySize::fat_free_mass) == "E_FIELD_MISSING patient.sex");
  CHECK(refused(somebody(70, 170, Sex::male), BodySize::fat_free_mass_by_age) == "E_FIELD_MISSING patient.age");
}

TEST_CASE("fat-free mass by age becomes the adult one as a child grows up") {
  for (const Sex sex : {Sex::female, Sex::male}) {
    const Patient grown = aged(somebody(70, 170, sex), 100);
    const double adult = told(grown, BodySize::fat_free_mass);
    // A woman's factor comes to 1.11 - 0.11 / (1 + (100 / 7.1)^-1.1) = 1.0057 at 100 yr, a man's to 1.
    CHECK(told(grown, BodySize::fat_free_mass_by_age) == Approx(adult).epsilon(sex == Sex::male ? 1e-12 : 0.006));
    CHECK(told(aged(grown, 8), BodySize::fat_free_mass_by_age) / adult ==
          Approx(sex == Sex::male ? 0.8802 : 1.0514).epsilon(2e-4));
  }
}

TEST_CASE("the dosing weight is what was chosen: actual when left out, a formula by name, or a mass") {
  const Patient p = somebody(110, 165, Sex::female);
  CHECK(to_text(mass_for_dosing(p).in(unit::kg)) == "110");
  CHECK(dosed_by(p, WeightRule::actual) == "110");
  const Patient stated{.weight = 120_kg, .dosing_weight = 90_kg};
  CHECK(mass_for_dosing(stated) == 90_kg);
  CHECK(stated.weight.value() == 120_kg);
  CHECK(dosed_by(p, Stated<dim::body>(81.5, unit::kg)) == "81.5");
  CHECK(kg_dosed_by(p, WeightRule::ideal) == Approx(45.5 + 2.3 * (165 / 2.54 - 60)));
  CHECK(kg_dosed_by(p, WeightRule::adjusted) == Approx(0.6 * (45.5 + 2.3 * (165 / 2.54 - 60)) + 44));
  CHECK(kg_dosed_by(p, WeightRule::fat_free) == Approx(9270 * 110 / (8780 + 244 * 110 / 1.65 / 1.65)));
  CHECK(dosed_by(p, WeightRule::lean) == "E_RANGE patient.dosing_weight");  // a BMI of 40.4 is past its turning point
  CHECK(dosed_by({.weight = 70_kg}, WeightRule::ideal) == "E_FIELD_MISSING patient.height");
  Patient no_sex = p;
  no_sex.sex.reset();
  CHECK(dosed_by(no_sex, WeightRule::ideal) == "E_FIELD_MISSING patient.sex");
  CHECK(dosed_by(somebody(50, 150, Sex::male), WeightRule::ideal) == "E_RANGE patient.dosing_weight");
  CHECK(dosed_by(somebody(40, 185, Sex::male), WeightRule::ideal) == "E_RANGE patient.dosing_weight");
}

TEST_CASE("the dosing weight changes the dose and its limits, and never the weight that scales the model") {
  nlohmann::json who = tall_woman;
  const Result actual = answered(session_of(who));
  who["dosing_weight"] = "adjusted";
  const Result adjusted = answered(session_of(who));
  const double kg = 0.6 * (45.5 + 2.3 * (165 / 2.54 - 60)) + 0.4 * 110;
  CHECK(actual.summary.delivered_mg == Approx(55));
  CHECK(adjusted.summary.delivered_mg == Approx(0.5 * kg).epsilon(1e-12));
  // The model is that of 110 kg in both, so the curve follows the dose and nothing else.
  CHECK(adjusted.summary.plasma.ng_per_mL / actual.summary.plasma.ng_per_mL == Approx(kg / 110).epsilon(1e-9));
  who["dosing_weight"] = to_text(kg) + " kg";
  CHECK(answered(session_of(who)).summary.plasma.ng_per_mL == adjusted.summary.plasma.ng_per_mL);
  // Stated in mg, it counts for nothing.
  who["dosing_weight"] = "ideal";
  CHECK(answered(session_of(who, "35 mg")).summary.delivered_mg == Approx(35));
}

TEST_CASE("a result says which weight was dosed by, by which formula, and every size that there is or why not") {
  nlohmann::json who = tall_woman;
  who["dosing_weight"] = "adjusted";
  const Result r = answered(session_of(who));
  const auto json = nlohmann::json::parse(to_json(r, "0"));
  CHECK(json.at("inputs").at("patient").at("dosing_weight") == "adjusted");
  const auto& sizes = json.at("body_size");
  CHECK(sizes.at("dosing_weight").at("choice") == "adjusted");
  CHECK(sizes.at("dosing_weight").at("kg") == mass_for_dosing(r.inputs.patient).in(unit::kg));
  CHECK_THAT(sizes.at("dosing_weight").at("formula").get<std::string>(), Contains("0.4"));
  CHECK(sizes.at("model_weight_kg") == 110);
  CHECK(sizes.at("ideal_weight").at("value") == told(r.inputs.patient, BodySize::ideal_weight));
  CHECK_THAT(sizes.at("ideal_weight").at("citation").get<std::string>(), Contains("1974"));
  CHECK(sizes.at("lean_mass").at("value").is_null());
  CHECK_THAT(sizes.at("lean_mass").at("absent").get<std::string>(), Contains("turned over"));
  CHECK_THAT(to_card(r, "0"), Contains("110 kg, dosed by adjusted weight 78.15 kg") && Contains("Bauer"));

  const auto plain = nlohmann::json::parse(to_json(answered(session_of({{"weight", "70 kg"}})), "0"));
  CHECK(plain.at("inputs").at("patient").at("dosing_weight") == "actual");
  CHECK(plain.at("body_size").at("dosing_weight") == nlohmann::json{{"choice", "actual"}, {"kg", 70}});
  for (const BodySizeInfo& size : body_sizes) {
    CHECK(plain.at("body_size").at(std::string(size.name)).at("value").is_null());
    CHECK(!size.citation.empty());
  }
  CHECK_THAT(to_card(answered(session_of({{"weight", "70 kg"}})), "0"), Contains("70 kg, dosed by actual weight"));
}

TEST_CASE("a session states the choice in one of five words or as a mass, and anything else is refused") {
  const auto asked = [](const nlohmann::json& by) {
    nlohmann::json who = tall_woman;
    who["dosing_weight"] = by;
    return session_refused(session_of(who));
  };
  for (const char* word : {"actual", "ideal", "adjusted", "fat-free", "78 kg"}) CHECK(asked(word) == "answered");
  CHECK(asked("lean") == "E_RANGE patient.dosing_weight");
  CHECK(asked("Ideal") == "E_PARSE patient.dosing_weight");
  CHECK(asked("fat_free") == "E_PARSE patient.dosing_weight");
  CHECK(asked(70) == "E_UNIT_MISSING patient.dosing_weight");
  CHECK(asked("70") == "E_UNIT_MISSING patient.dosing_weight");
  CHECK(session_refused(session_of({{"weight", "70 kg"}, {"dosing_weight", "ideal"}})) ==
        "E_FIELD_MISSING patient.height");
}

TEST_CASE("a card can look at the sizes of a body, which follow from the patient") {
  struct Called {
    const char* name;
    BodySize size;
  };
  const Patient p = somebody(80, 175, Sex::male);
  const double plain = individual(library::find("kamp2020"), p).cl_L_per_min;
  for (const Called& c : {Called{"BMI", BodySize::body_mass_index},
                          {"BSA", BodySize::surface_area},
                          {"IBW", BodySize::ideal_weight},
                          {"LBM", BodySize::lean_mass},
                          {"FFM", BodySize::fat_free_mass}}) {
    const ModelCard card = with_effect(c.name, CovariateForm::power);  // (x / 50)^1
    CHECK(individual(card, p).cl_L_per_min == Approx(plain * told(p, c.size) / 50).epsilon(1e-14));
    CHECK_THROWS_WITH(individual(card, {.weight = 80_kg}), Contains("E_FIELD_MISSING patient.height"));
    CHECK_THROWS_WITH(require_looked_at({.weight = 80_kg, .covariates = {{c.name, 50}}}, std::span(&card, 1)),
                      Contains("E_FIELD_UNKNOWN patient.covariates."));
  }
  CHECK_THROWS_WITH(individual(with_effect("LBM", CovariateForm::power), somebody(140, 175, Sex::male)),
                    Contains("E_RANGE patient.weight"));
}

TEST_CASE("what else a model looks at comes with the patient, and what it does not look at is refused") {
  nlohmann::json session = session_of({{"weight", "70 kg"}});
  const ModelCard card = with_effect("RACE_ASIAN", CovariateForm::levels);
  session["model"] = {{"card", nlohmann::json::parse(io::write_model(card))}};
  CHECK(session_refused(session) == "E_FIELD_MISSING patient.covariates.RACE_ASIAN");
  session["patient"]["covariates"] = {{"RACE_ASIAN", 0}};
  const Result other = answered(session);
  session["patient"]["covariates"] = {{"RACE_ASIAN", 1}};
  const Result asian = answered(session);
  // AUC to infinity is dose / CL, and this effect takes a fifth off CL.
  CHECK(asian.summary.auc_inf_ng_h_per_mL * 0.8 == Approx(other.summary.auc_inf_ng_h_per_mL).epsilon(1e-12));
  const auto json = nlohmann::json::parse(to_json(asian, "0"));
  CHECK(json.at("inputs").at("patient").at("covariates") == nlohmann::json{{"RACE_ASIAN", 1}});
  CHECK_THAT(to_card(asian, "0"), Contains("RACE_ASIAN 1"));

  const auto with = [&](const nlohmann::json& covariates) {
    session["patient"]["covariates"] = covariates;
    return session_refused(session);
  };
  CHECK(with({{"RACE_ASIAN", 2}}) == "E_RANGE RACE_ASIAN");
  CHECK(with({{"RACE_ASIAN", 0}, {"STUDY", 3}}) == "E_FIELD_UNKNOWN patient.covariates.STUDY");
  for (const char* name : {"WT", "AGE", "HT", "SEX", "BMI", "BSA", "IBW", "LBM", "FFM"})
    CHECK(with({{"RACE_ASIAN", 0}, {name, 50}}) == "E_FIELD_UNKNOWN patient.covariates." + std::string(name));
  CHECK(with({{"RACE_ASIAN", "0"}}) == "E_TYPE patient.covariates.RACE_ASIAN");
  CHECK(with({{"RACE_ASIAN", nullptr}}) == "E_TYPE patient.covariates.RACE_ASIAN");
  CHECK(with(3) == "E_TYPE patient.covariates");
}

TEST_CASE("a covariate of a patient is stated once and is a number") {
  const auto said = [](std::vector<PatientCovariate> all) {
    try {
      validate(Patient{.weight = 70_kg, .covariates = std::move(all)});
      return std::string("accepted");
    } catch (const InvalidInput& no) {
      return std::string(name_of(no.code)) + ' ' + no.field;
    }
  };
  CHECK(said({{"A", 0}, {"B", -1.5}}) == "accepted");
  CHECK(said({{"A", 0}, {"A", 0}}) == "E_FIELD_DUPLICATE patient.covariates.A");
  CHECK(said({{"A", std::nan("")}}) == "E_NONFINITE patient.covariates.A");
}
