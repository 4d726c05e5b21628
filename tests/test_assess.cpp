// SPDX-License-Identifier: Apache-2.0
#include "ketpk/assess.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "ketpk/library.hpp"
#include "sub_anaesthetic.hpp"

using namespace ketpk;
using namespace fixture;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

static_assert(!std::is_convertible_v<Verdict, bool> && !std::is_convertible_v<Assessment, bool>);
static_assert(!std::is_constructible_v<bool, Verdict> && !std::is_constructible_v<bool, Assessment>);

/// The fixture's limits with these rows alone.
Limits only(std::vector<Limit> rows) {
  Limits set = fixture::limits();
  set.limits = std::move(rows);
  return set;
}

Limit peak_limit(Site site, double soft_ng_per_mL, double hard_ng_per_mL) {
  return {.id = "peak",
          .quantity = LimitQuantity::plasma_peak,
          .soft_high = bound(soft_ng_per_mL, unit::ng_per_mL),
          .hard_high = bound(hard_ng_per_mL, unit::ng_per_mL),
          .required = true,
          .source = "fixture",
          .site = site};
}

Limit bolus_limit() {
  return {.id = "bolus",
          .quantity = LimitQuantity::bolus_per_weight,
          .soft_high = bound(0.35, unit::mg_per_kg),
          .hard_high = bound(1, unit::mg_per_kg),
          .required = true,
          .source = "fixture"};
}

Limit row(std::string_view id) {
  for (const Limit& l : fixture::limits().limits)
    if (l.id == id) return l;
  throw std::logic_error("no such row");
}

std::vector<std::string> slip_flags(const Assessment& a) {
  std::vector<std::string> codes;
  for (const Flag& f : a.flags)
    if (f.limit.empty()) codes.push_back(f.code);
  return codes;
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace

TEST_CASE("the protocol dose keeps the fixture's limits, and every check is listed once") {
  const auto a = judged({patient(70, 175), infuse(0.5, unit::mg_per_kg)});
  CHECK(a.flags.empty());
  CHECK(a.verdict == Verdict{VerdictKind::within_limits});
  std::vector<std::string> ids;
  for (const Check& c : a.checks) ids.push_back(c.id);
  CHECK(ids == std::vector<std::string>{"weight", "bmi", "dose", "rate", "duration", "bag", "model-domain",
                                        "model-analyte", "slip:lb-as-kg", "slip:inch-as-cm", "slip:tenfold",
                                        "slip:thousandfold", "slip:unit", "slip:seconds-as-minutes"});
  CHECK(outcome(a, "dose") == "passed");
  CHECK(outcome(a, "bag") == "unevaluated");
  CHECK(outcome(a, "model-domain") == "unevaluated");
  CHECK_FALSE(check(a, "model-domain")->required);
  CHECK(check(a, "model-domain")->why == "the source states no domain");
}

TEST_CASE("exactly half a milligram per kg raises nothing at any weight from 40 to 150 kg, however it is ordered") {
  Limits set = only({row("dose"), row("rate"), row("duration")});
  int weights = 0;
  for (int tenths = 400; tenths <= 1500; ++tenths, ++weights) {
    const double kg = tenths / 10.0;
    for (const Order& o :
         {infuse(0.5, unit::mg_per_kg), at_rate(12.5, unit::mcg_per_kg_per_min), at_rate(0.75, unit::mg_per_kg_per_h),
          infuse(0.5 * kg, unit::mg), infuse(500, unit::mcg_per_kg),
          order({Infuse{{0.25, unit::mg_per_kg}, 20 * minute},
                 Infuse{{0.25, unit::mg_per_kg}, 20 * minute, 20 * minute}})}) {
      const auto a = judged({patient(kg), o, set});
      if (!a.flags.empty()) FAIL(a.flags.front().code << " at " << kg << " kg: " << a.flags.front().value);
      if (a.verdict.kind != VerdictKind::within_limits) FAIL("a verdict other than within limits at " << kg << " kg");
    }
  }
  CHECK(weights == 1101);
}

TEST_CASE("a millionth above a bound is flagged, and the text tells value and bound apart") {
  const auto soft = judged({patient(70), infuse(0.5000005, unit::mg_per_kg)});
  REQUIRE(flag(soft, "DOSE_PER_WEIGHT_HIGH"));
  CHECK(severity(soft, "DOSE_PER_WEIGHT_HIGH") == "soft");
  CHECK(flag(soft, "DOSE_PER_WEIGHT_HIGH")->value == "0.5000005 mg/kg");
  CHECK(severity(judged({patient(70), infuse(1, unit::mg_per_kg)}), "DOSE_PER_WEIGHT_HIGH") == "soft");
  CHECK(severity(judged({patient(70), infuse(1.000001, unit::mg_per_kg)}), "DOSE_PER_WEIGHT_HIGH") == "hard");
}

TEST_CASE("a flag says what, by how much, which limit, what drives it and what would clear it") {
  const auto a = judged({patient(70), infuse(0.6, unit::mg_per_kg), only({row("dose")})});
  REQUIRE(a.flags.size() == 1);
  const Flag& f = a.flags[0];
  CHECK(f.code == "DOSE_PER_WEIGHT_HIGH");
  CHECK(f.severity == Severity::soft);
  CHECK(f.quantity == "dose_per_weight");
  CHECK(f.value == "0.6 mg/kg");
  CHECK(f.limit == "0.5 mg/kg");
  CHECK(f.limit_id == "dose");
  CHECK(f.source == "fixture");
  CHECK(*f.margin_rel == Approx(0.2).epsilon(1e-12));
  CHECK(*f.margin == "0.1 mg/kg");
  CHECK(f.driver == "order[0]: 0.6 mg/kg over 40 min gives 100 % of the dose");
  CHECK(*f.clears_at == "order[0]: 0.5 mg/kg over 40 min (arithmetic, no recommendation)");
  CHECK(check(a, "dose")->why == "0.6 mg/kg above 0.5 mg/kg");
  CHECK(a.verdict == Verdict{VerdictKind::soft});
}

TEST_CASE("below a bound the flag says LOW and offers nothing") {
  const auto a = judged({patient(70), infuse(0.08, unit::mg_per_kg), only({row("dose")})});
  REQUIRE(flag(a, "DOSE_PER_WEIGHT_LOW"));
  CHECK(*flag(a, "DOSE_PER_WEIGHT_LOW")->margin_rel == Approx(-0.2));
  CHECK_FALSE(flag(a, "DOSE_PER_WEIGHT_LOW")->clears_at.has_value());
}

TEST_CASE("the input that gives most drives a dose, and only it is turned down to clear it") {
  const Order o = order(
      {Bolus{{10, unit::mg}}, Infuse{{35, unit::mg}, 40 * minute}, Infuse{{5, unit::mg}, 10 * minute, 50 * minute}});
  const auto a = judged({patient(70), o, only({row("dose")})});
  // 50 mg in 70 kg; 35 mg in all would be left: 35 - 15 = 20 mg
  CHECK(flag(a, "DOSE_PER_WEIGHT_HIGH")->driver == "order[1]: 35 mg over 40 min gives 70 % of the dose");
  CHECK(*flag(a, "DOSE_PER_WEIGHT_HIGH")->clears_at == "order[1]: 20 mg over 40 min (arithmetic, no recommendation)");
}

TEST_CASE("where no setting of the driving input clears a dose, that is said") {
  const Order o = order({Infuse{{40, unit::mg}, 40 * minute}, Infuse{{45, unit::mg}, 40 * minute, 40 * minute}});
  const auto a = judged({patient(70), o, only({row("dose")})});
  CHECK(*flag(a, "DOSE_PER_WEIGHT_HIGH")->clears_at == "no setting of order[1] alone (arithmetic, no recommendation)");
}

TEST_CASE("what would clear a dose does clear it, for a thousand orders") {
  const Limits set = only({row("dose"), row("rate"), bolus_limit()});
  int cleared = 0;
  for (int i = 1; i <= 1000; ++i) {
    const double kg = 41.3 + 0.07 * i, amount = 0.51 + 0.0137 * i;
    const auto a = judged({patient(kg), infuse(amount, unit::mg_per_kg), set});
    REQUIRE(flag(a, "DOSE_PER_WEIGHT_HIGH"));
    const std::string text = *flag(a, "DOSE_PER_WEIGHT_HIGH")->clears_at;
    REQUIRE(text.rfind("order[0]: ", 0) == 0);
    const auto stated = parse_stated<StatedDose>(text.substr(10, text.find(" over ") - 10), "clears_at");
    const Order again = order({Infuse{stated, 40 * minute}});
    if (!flag(judged({patient(kg), again, set}), "DOSE_PER_WEIGHT_HIGH")) ++cleared;
    CHECK(stated.number() == Approx(0.5).epsilon(1e-5));
  }
  CHECK(cleared == 1000);
}

TEST_CASE("overlapping infusions add up to a rate, which is over the bound while they overlap") {
  // 0.5 mg/kg/h from 0 to 40 min and 0.5 mg/kg/h from 30 to 60 min: 1 mg/kg/h from 30 to 40 min.
  const Order o = order({InfuseAtRate{{0.5, unit::mg_per_kg_per_h}, 40 * minute},
                         InfuseAtRate{{0.5, unit::mg_per_kg_per_h}, 30 * minute, 30 * minute}});
  const auto a = judged({patient(70), o, only({row("rate")})});
  const Flag* f = flag(a, "RATE_PER_WEIGHT_HIGH");
  REQUIRE(f);
  CHECK(f->severity == Severity::soft);
  CHECK(f->value == "1 mg/kg/h");
  CHECK(*f->first_min == 30);
  CHECK(*f->minutes == 10);
  CHECK(f->driver == "order[0]: 0.5 mg/kg/h for 40 min gives 50 % of the rate");
  CHECK(*f->clears_at == "order[0]: 0.25 mg/kg/h for 40 min (arithmetic, no recommendation)");
}

TEST_CASE("a rate that another input alone keeps too high cannot be cleared by the driving one") {
  const Order o = order({InfuseAtRate{{2, unit::mg_per_kg_per_h}, 10 * minute},
                         InfuseAtRate{{1, unit::mg_per_kg_per_h}, 10 * minute, 20 * minute}});
  const auto a = judged({patient(70), o, only({row("rate")})});
  CHECK(severity(a, "RATE_PER_WEIGHT_HIGH") == "hard");
  CHECK(*flag(a, "RATE_PER_WEIGHT_HIGH")->clears_at == "no setting of order[0] alone (arithmetic, no recommendation)");
  // hard bound 1.5 mg/kg/h: over it for the first ten minutes only
  CHECK(*flag(a, "RATE_PER_WEIGHT_HIGH")->minutes == 10);
}

TEST_CASE("boluses at one instant are summed, boluses at two instants are not") {
  const Limits set = only({bolus_limit()});
  const auto twice = [&](Micros second) {
    return judged({patient(70), order({Bolus{{14, unit::mg}, minute}, Bolus{{21, unit::mg}, second}}), set});
  };
  CHECK(flag(twice(minute), "BOLUS_PER_WEIGHT_HIGH")->value == "0.5 mg/kg");
  CHECK(*flag(twice(minute), "BOLUS_PER_WEIGHT_HIGH")->first_min == 1);
  CHECK(flag(twice(minute), "BOLUS_PER_WEIGHT_HIGH")->driver == "order[1]: 21 mg at once gives 60 % of the bolus");
  CHECK(*flag(twice(minute), "BOLUS_PER_WEIGHT_HIGH")->clears_at ==
        "order[1]: 10.5 mg at once (arithmetic, no recommendation)");
  CHECK(twice(2 * minute).flags.empty());
}

TEST_CASE("what an order does not have passes and says so, also at a lower bound") {
  Limit bolus = bolus_limit(), rate = row("rate");
  bolus.soft_low = bound(0.1, unit::mg_per_kg);
  rate.soft_low = bound(0.1, unit::mg_per_kg_per_h);
  const auto infusion = judged({patient(70), infuse(0.5, unit::mg_per_kg), only({bolus})});
  CHECK(infusion.flags.empty());
  CHECK(outcome(infusion, "bolus") == "passed");
  CHECK(check(infusion, "bolus")->why == "no bolus in the order");
  const auto bolus_only = judged({patient(70), order({Bolus{{20, unit::mg}}}), only({rate, row("duration")})});
  CHECK(bolus_only.flags.empty());
  CHECK(check(bolus_only, "rate")->why == "no infusion in the order");
  CHECK(check(bolus_only, "duration")->why == "no infusion in the order");
}

TEST_CASE("of several infusions the worst duration is flagged, once") {
  const Order o = order({Infuse{{5, unit::mg}, 70 * minute}, Infuse{{5, unit::mg}, 3 * minute, 5 * minute},
                         Infuse{{5, unit::mg}, 100 * minute, 90 * minute}});
  const auto a = judged({patient(70), o, only({row("duration")})});
  CHECK(severity(a, "DURATION_LOW") == "hard");
  CHECK(flag(a, "DURATION_LOW")->value == "3 min");
  CHECK(*flag(a, "DURATION_LOW")->first_min == 5);
  CHECK(*flag(a, "DURATION_LOW")->minutes == 3);
  CHECK(flag(a, "DURATION_LOW")->driver == "order[1]: 5 mg over 3 min");
  CHECK_FALSE(flag(a, "DURATION_HIGH"));
  const auto soft =
      judged({patient(70), order({Infuse{{5, unit::mg}, 70 * minute}, Infuse{{5, unit::mg}, 100 * minute}}),
              only({row("duration")})});
  CHECK(flag(soft, "DURATION_HIGH")->value == "100 min");
  CHECK_FALSE(flag(soft, "DURATION_HIGH")->clears_at.has_value());
}

TEST_CASE("dose, total and rate count milligrams of base for the dosing weight") {
  Order o = infuse(57.67, unit::mg);
  o.form = Form::hydrochloride;
  Patient p = patient(120);
  p.dosing_weight = Stated<dim::body>(62.5, unit::kg);
  const Limit total{.id = "total",
                    .quantity = LimitQuantity::total_dose,
                    .soft_high = bound(40, unit::mg),
                    .hard_high = bound(60, unit::mg),
                    .required = true,
                    .source = "fixture"};
  const auto a = judged({p, o, only({row("dose"), total})});
  // label: 57.67 mg hydrochloride = 50 mg base
  CHECK(*flag(a, "TOTAL_DOSE_HIGH")->margin_rel == Approx(0.25).epsilon(1e-3));
  CHECK(*flag(a, "DOSE_PER_WEIGHT_HIGH")->margin_rel == Approx(0.6).epsilon(1e-3));
  CHECK(severity(a, "DOSE_PER_WEIGHT_HIGH") == "soft");
}

TEST_CASE("a bag is compared in milligrams of base per mL") {
  Order o = infuse(0.5, unit::mg_per_kg);
  o.bag = Stated<dim::concentration>(10, unit::mg_per_mL);
  const auto a = judged({patient(70), o});
  CHECK(severity(a, "BAG_CONCENTRATION_HIGH") == "soft");
  CHECK(flag(a, "BAG_CONCENTRATION_HIGH")->value == "10 mg/mL");
  o.form = Form::hydrochloride;
  o.bag = Stated<dim::concentration>(2.3066, unit::mg_per_mL);
  CHECK_FALSE(flag(judged({patient(70), o}), "BAG_CONCENTRATION_HIGH"));
  o.form = Form::base;
  CHECK(flag(judged({patient(70), o}), "BAG_CONCENTRATION_HIGH"));
}

TEST_CASE("a peak is compared only at its own site") {
  const auto with = [](Site site, const char* model) {
    Patient p = patient(70);
    p.age = Age(30, unit::yr);
    Question q{p, infuse(0.5, unit::mg_per_kg), only({peak_limit(site, 80, 200)}), library::find(model)};
    if (q.card.id == "otto2021") q.order.analyte = Analyte::s_ketamine;
    return judged(q);
  };
  CHECK(outcome(with(Site::venous, "otto2021"), "peak") == "flagged");
  CHECK(outcome(with(Site::arterial, "kamp2020"), "peak") == "flagged");
  for (const auto& [site, model] : std::vector<std::pair<Site, const char*>>{{Site::venous, "kamp2020"},
                                                                             {Site::arterial, "otto2021"},
                                                                             {Site::venous, "domino1984"},
                                                                             {Site::arterial, "domino1984"}}) {
    const auto a = with(site, model);
    CHECK(outcome(a, "peak") == "unevaluated");
    CHECK(check(a, "peak")->why.rfind("SITE_MISMATCH", 0) == 0);
    CHECK(a.verdict == Verdict{VerdictKind::unevaluated});
  }
}

TEST_CASE("a peak over its bound says from when and for how long, on the continuous curve") {
  // The tent rises to 100 ng/mL at 40 min and is back at 0 at 120 min: above 80 from 32 min for 24 min.
  const auto a = judged({patient(70), infuse(0.5, unit::mg_per_kg), only({peak_limit(Site::arterial, 80, 200)})});
  const Flag* f = flag(a, "PLASMA_PEAK_HIGH");
  REQUIRE(f);
  CHECK(f->value == "100 ng/mL");
  CHECK(f->limit == "80 ng/mL");
  CHECK(*f->first_min == Approx(32));
  CHECK(*f->minutes == Approx(24));
  CHECK(*f->margin == "20 ng/mL");
  CHECK_FALSE(f->clears_at.has_value());
  CHECK(f->driver == "order[0]: 0.5 mg/kg over 40 min is the largest input before the peak at 40 min");
  CHECK(
      judged({patient(70), infuse(0.5, unit::mg_per_kg), only({peak_limit(Site::arterial, 100, 200)})}).flags.empty());
}

TEST_CASE("bounds on a peak may be stated in any unit of concentration") {
  Limit in_mg_per_L = peak_limit(Site::arterial, 80, 200);
  in_mg_per_L.soft_high = bound(0.08, unit::mg_per_L);
  const auto a = judged({patient(70), infuse(0.5, unit::mg_per_kg), only({in_mg_per_L})});
  CHECK(flag(a, "PLASMA_PEAK_HIGH")->value == "0.1 mg/L");
  CHECK(*flag(a, "PLASMA_PEAK_HIGH")->first_min == Approx(32));
}

TEST_CASE("an effect-site limit needs an effect site") {
  const Limit limit{.id = "ce",
                    .quantity = LimitQuantity::effect_site_peak,
                    .soft_high = bound(50, unit::ng_per_mL),
                    .required = true,
                    .source = "fixture"};
  Question q{patient(70), infuse(0.5, unit::mg_per_kg), only({limit})};
  CHECK(outcome(judged(q), "ce") == "unevaluated");
  CHECK(judged(q).verdict == Verdict{VerdictKind::unevaluated});
  q.exposure.effect_site = Peak{100, 40};
  CHECK(severity(judged(q), "EFFECT_SITE_PEAK_HIGH") == "soft");
}

TEST_CASE("time above a level is counted in minutes at the limit's site") {
  const auto limit = [](Site site) {
    return Limit{.id = "above",
                 .quantity = LimitQuantity::time_above_level,
                 .soft_high = bound(0.5, unit::h),
                 .required = true,
                 .source = "fixture",
                 .site = site,
                 .level = Stated<dim::concentration>(60, unit::ng_per_mL)};
  };
  // above 60 of 100 ng/mL: 40 % of 120 min = 48 min, from 24 min on
  const auto a = judged({patient(70), infuse(0.5, unit::mg_per_kg), only({limit(Site::arterial)})});
  REQUIRE(flag(a, "TIME_ABOVE_LEVEL_HIGH"));
  CHECK(flag(a, "TIME_ABOVE_LEVEL_HIGH")->value == "0.8 h");
  CHECK(*flag(a, "TIME_ABOVE_LEVEL_HIGH")->first_min == Approx(24));
  CHECK(*flag(a, "TIME_ABOVE_LEVEL_HIGH")->minutes == Approx(48));
  CHECK(outcome(judged({patient(70), infuse(0.5, unit::mg_per_kg), only({limit(Site::venous)})}), "above") ==
        "unevaluated");
}

TEST_CASE("what needs earlier sessions stays open, and a required one leaves the verdict open") {
  const Limit interval{.id = "interval",
                       .quantity = LimitQuantity::sessions_interval,
                       .soft_low = bound(48, unit::h),
                       .required = true,
                       .source = "fixture"};
  const auto a = judged({patient(70), infuse(0.5, unit::mg_per_kg), only({interval})});
  CHECK(outcome(a, "interval") == "unevaluated");
  CHECK(a.verdict == Verdict{VerdictKind::unevaluated});
}

TEST_CASE("a covariate that a limit needs and that is not given leaves the check open") {
  const Limit age{.id = "age",
                  .quantity = LimitQuantity::age,
                  .soft_low = bound(18, unit::yr),
                  .required = true,
                  .source = "fixture"};
  Question q{patient(70), infuse(0.5, unit::mg_per_kg), only({age})};
  CHECK(outcome(judged(q), "age") == "unevaluated");
  CHECK(judged(q).verdict == Verdict{VerdictKind::unevaluated});
  q.patient.age = Age(17, unit::yr);
  CHECK(severity(judged(q), "AGE_LOW") == "soft");
  q.limits->limits[0].required = false;
  q.patient.age = {};
  CHECK(judged(q).verdict == Verdict{VerdictKind::within_limits});
}

TEST_CASE("hard outranks open, open outranks soft, soft outranks nothing") {
  const Limit age{.id = "age",
                  .quantity = LimitQuantity::age,
                  .soft_low = bound(18, unit::yr),
                  .required = true,
                  .source = "fixture"};
  const auto verdict = [&](double mg_per_kg, bool open) {
    Limits set = only({row("dose")});
    if (open) set.limits.push_back(age);
    return judged({patient(70), infuse(mg_per_kg, unit::mg_per_kg), set}).verdict.kind;
  };
  CHECK(verdict(2, true) == VerdictKind::hard);
  CHECK(verdict(0.6, true) == VerdictKind::unevaluated);
  CHECK(verdict(0.6, false) == VerdictKind::soft);
  CHECK(verdict(0.5, false) == VerdictKind::within_limits);
}

TEST_CASE("without limits nothing is within limits, and a slip of the weight is still looked for") {
  const auto a = judged({patient(154, 170), infuse(0.5, unit::mg_per_kg), std::nullopt});
  CHECK(a.verdict == Verdict{VerdictKind::unevaluated});
  CHECK(severity(a, "LB_AS_KG") == "soft");
  CHECK(outcome(a, "slip:unit") == "unevaluated");
  CHECK(outcome(a, "slip:tenfold") == "unevaluated");
}

TEST_CASE("an extrapolated patient is flagged with each crossed bound") {
  Patient p = patient(90);
  p.age = Age(42, unit::yr);
  const auto a =
      judged({p, infuse(0.4, unit::mg_per_kg), only({row("dose")}), library::find("herd2007"), {.extrapolate = true}});
  CHECK(severity(a, "MODEL_EXTRAPOLATED") == "soft");
  CHECK(has(flag(a, "MODEL_EXTRAPOLATED")->driver, "age 42 yr above 14 yr"));
  CHECK(has(flag(a, "MODEL_EXTRAPOLATED")->driver, "weight 90 kg above 74.8 kg"));
  CHECK(outcome(a, "model-domain") == "flagged");
  CHECK(a.verdict == Verdict{VerdictKind::soft});
}

TEST_CASE("a covariate that the model's domain needs and that is not given leaves the verdict open") {
  const auto a = judged({patient(30), infuse(0.4, unit::mg_per_kg), only({row("dose")}), library::find("herd2007")});
  CHECK(outcome(a, "model-domain") == "unevaluated");
  CHECK(check(a, "model-domain")->required);
  CHECK(a.verdict == Verdict{VerdictKind::unevaluated});
  const auto crossed = judged({patient(90),
                               infuse(0.4, unit::mg_per_kg),
                               only({row("dose")}),
                               library::find("herd2007"),
                               {.extrapolate = true}});
  CHECK(flag(crossed, "MODEL_EXTRAPOLATED"));
  CHECK(outcome(crossed, "model-domain") == "unevaluated");
}

TEST_CASE("enantiomers assumed alike are flagged") {
  Patient p = patient(70);
  p.age = Age(30, unit::yr);
  const auto a = judged({p,
                         infuse(0.5, unit::mg_per_kg),
                         only({row("dose")}),
                         library::find("otto2021"),
                         {.assume_enantiomers_alike = true}});
  CHECK(severity(a, "ENANTIOMERS_ASSUMED_ALIKE") == "soft");
  CHECK(outcome(a, "model-analyte") == "flagged");
  CHECK(a.verdict == Verdict{VerdictKind::soft});
}

TEST_CASE("every weight in lb taken for kg is caught for true body mass indices of 18.5 to 40") {
  int caught = 0;
  for (int i = 0; i < 200; ++i) {
    const double bmi = 18.5 + 21.5 * i / 199, cm = 150 + (i % 50), kg = bmi * cm * cm / 1e4;
    const auto a = judged({patient(kg / 0.45359237, cm), infuse(0.5, unit::mg_per_kg), std::nullopt});
    if (severity(a, "LB_AS_KG") == "soft") ++caught;
  }
  CHECK(caught == 200);
}

TEST_CASE("no adult of a body mass index from 18.5 to 40 is suspected of a slip") {
  int suspected = 0;
  for (int i = 0; i < 1000; ++i) {
    const double bmi = 18.5 + 21.5 * i / 999, cm = 140 + (i % 70), kg = bmi * cm * cm / 1e4;
    if (!judged({patient(kg, cm), infuse(0.5, unit::mg_per_kg), std::nullopt}).flags.empty()) ++suspected;
  }
  CHECK(suspected == 0);
}

TEST_CASE("a weight that was stated in lb is not lb taken for kg, and a child is not judged by an adult's rule") {
  Patient p = patient(70, 170);
  p.weight = Stated<dim::body>(339.5, unit::lb);
  CHECK(outcome(judged({p, infuse(0.5, unit::mg_per_kg), std::nullopt}), "slip:lb-as-kg") == "passed");
  p = patient(154, 170);
  p.age = Age(17, unit::yr);
  CHECK(outcome(judged({p, infuse(0.5, unit::mg_per_kg), std::nullopt}), "slip:lb-as-kg") == "unevaluated");
  CHECK(outcome(judged({patient(154), infuse(0.5, unit::mg_per_kg), std::nullopt}), "slip:lb-as-kg") == "unevaluated");
}

TEST_CASE("five hundred tenfold slips in either direction are all named") {
  const Limits set = only({row("dose")});
  int named = 0;
  for (int i = 0; i < 500; ++i) {
    const double meant = 0.11 + 0.38 * i / 499, slipped = i % 2 == 0 ? meant * 10 : meant / 10;
    const auto a = judged({patient(70), infuse(slipped, unit::mg_per_kg), set});
    if (severity(a, "TENFOLD") == "advisory" && has(flag(a, "TENFOLD")->driver, "may be meant as")) ++named;
  }
  CHECK(named == 500);
}

TEST_CASE("a thousandfold slip is named as such and not as a tenfold one") {
  const auto high = judged({patient(70), infuse(500, unit::mg_per_kg), only({row("dose")})});
  CHECK(slip_flags(high) == std::vector<std::string>{"THOUSANDFOLD", "UNIT_SLIP"});
  CHECK(flag(high, "THOUSANDFOLD")->driver ==
        "dose_per_weight 500 mg/kg may be meant as 0.5 mg/kg, inside 0.1 to 0.5 mg/kg");
  CHECK(slip_flags(judged({patient(70), infuse(0.0005, unit::mg_per_kg), only({row("dose")})})).front() ==
        "THOUSANDFOLD");
}

TEST_CASE("one slip of the point gives one flag that names every quantity it explains") {
  const auto a = judged({patient(70), infuse(5, unit::mg_per_kg), only({row("dose"), row("rate")})});
  REQUIRE(slip_flags(a) == std::vector<std::string>{"TENFOLD"});
  CHECK(has(flag(a, "TENFOLD")->driver, "dose_per_weight 5 mg/kg may be meant as 0.5 mg/kg"));
  CHECK(has(flag(a, "TENFOLD")->driver, "rate_per_weight 7.5 mg/kg/h may be meant as 0.75 mg/kg/h"));
}

TEST_CASE("half a milligram per kg and minute is read as the total over the duration first, with a note") {
  const auto a = judged({patient(70), at_rate(0.5, unit::mg_per_kg_per_min)});
  const Flag* f = flag(a, "UNIT_SLIP");
  REQUIRE(f);
  CHECK(f->severity == Severity::advisory);
  CHECK(f->value == "0.5 mg/kg/min");
  CHECK(f->driver.rfind("order[0]: 0.5 mg/kg/min for 40 min would keep the limits on dose, rate and bolus if read as "
                        "0.5 mg/kg over 40 min",
                        0) == 0);
  CHECK(has(f->driver, "equals the labelled induction rate"));
  CHECK_FALSE(
      has(flag(judged({patient(70), at_rate(0.75, unit::mg_per_kg_per_min)}), "UNIT_SLIP")->driver, "induction"));
}

TEST_CASE("a number that stands right under another unit is named with that unit") {
  const auto reading = [](const Order& o) {
    const auto a = judged({patient(70), o, only({row("dose"), row("rate"), row("duration")})});
    return flag(a, "UNIT_SLIP") ? flag(a, "UNIT_SLIP")->driver : std::string();
  };
  CHECK(has(reading(infuse(35, unit::mg_per_kg)), "read as 35 mg over 40 min"));
  CHECK(has(reading(infuse(0.5, unit::mg)), "read as 0.5 mg/kg over 40 min"));
  CHECK(has(reading(infuse(300, unit::mg_per_kg)), "read as 300 mcg/kg over 40 min"));
  CHECK(has(reading(at_rate(0.75, unit::mg_per_kg_per_min)), "0.75 mg/kg/h for 40 min"));
  CHECK(has(reading(at_rate(12.5, unit::mg_per_kg_per_h)), "12.5 mcg/kg/min for 40 min"));
  CHECK(has(reading(at_rate(50, unit::mg_per_min)), "50 mg/h for 40 min"));
  CHECK(reading(infuse(0.4, unit::mg_per_kg)).empty());
  Order pump = at_rate(52.5, unit::mL_per_min);
  pump.bag = Stated<dim::concentration>(1, unit::mg_per_mL);
  CHECK(has(reading(pump), "52.5 mL/h for 40 min"));
  CHECK_FALSE(has(reading(at_rate(50, unit::mg_per_min)), "mL"));
}

TEST_CASE("a slip in one of two inputs is found where it is") {
  const Order o = order({Bolus{{7, unit::mg}}, Infuse{{28, unit::mg_per_kg}, 40 * minute}});
  const auto a = judged({patient(70), o, only({row("dose"), row("rate"), bolus_limit()})});
  REQUIRE(flag(a, "UNIT_SLIP"));
  CHECK(flag(a, "UNIT_SLIP")->quantity == "order[1]");
  CHECK(slip_flags(a) == std::vector<std::string>{"UNIT_SLIP"});
}

TEST_CASE("an order of many inputs is not searched for slips of the unit, and that is said") {
  std::vector<Input> inputs;
  for (int i = 0; i < 101; ++i) inputs.push_back(Infuse{{1, unit::mg_per_kg}, 20 * minute, i * minute});
  CHECK(outcome(judged({patient(70), order(inputs)}), "slip:unit") == "unevaluated");
}

TEST_CASE("forty minutes keyed as seconds are named") {
  const auto a = judged({patient(70), infuse(0.5, unit::mg_per_kg, 2400 * minute)});
  CHECK(severity(a, "SECONDS_AS_MINUTES") == "advisory");
  CHECK(severity(a, "DURATION_HIGH") == "hard");
  CHECK(severity(judged({patient(70), infuse(0.5, unit::mg_per_kg, std::chrono::seconds{40})}), "SECONDS_AS_MINUTES") ==
        "advisory");
  CHECK_FALSE(flag(judged({patient(70), infuse(0.5, unit::mg_per_kg, 70 * minute)}), "SECONDS_AS_MINUTES"));
}

TEST_CASE("a slip is a check that is never required") {
  const auto slipped = judged({patient(154, 170), at_rate(0.5, unit::mg_per_kg_per_min)});
  for (const Check& c : slipped.checks)
    if (c.id.rfind("slip:", 0) == 0) CHECK_FALSE(c.required);
}

TEST_CASE("what is no number in the patient or the doses is refused, and in the curve is beyond every bound") {
  const auto refused = [](Patient p) {
    const Order o = infuse(0.5, unit::mg_per_kg);
    const Regimen regimen = resolve(o, BodyMass(70, unit::kg));
    const ModelCard card = library::find("kamp2020");
    const Admission admission;
    const Exposure exposure = Tent{}.exposure();
    const Limits set = fixture::limits();
    return refusal([&] { (void)assess({p, o, regimen, card, admission, exposure}, &set, Tent{}); });
  };
  Patient p = patient(not_a_number);
  CHECK(refused(p) == "E_NONFINITE patient.weight");
  p = patient(70, not_a_number);
  CHECK(refused(p) == "E_NONFINITE patient.height");
  p = patient(70);
  p.age = Age(not_a_number, unit::yr);
  CHECK(refused(p) == "E_NONFINITE patient.age");
  p = patient(70);
  p.dosing_weight = Stated<dim::body>(not_a_number, unit::kg);
  CHECK(refused(p) == "E_NONFINITE patient.dosing_weight");

  Question q{patient(70), infuse(0.5, unit::mg_per_kg), only({peak_limit(Site::arterial, 80, 200)})};
  q.exposure.plasma.ng_per_mL = not_a_number;
  const auto a = judged(q);
  CHECK(severity(a, "PLASMA_PEAK_HIGH") == "hard");
  CHECK_FALSE(flag(a, "PLASMA_PEAK_HIGH")->margin_rel.has_value());
  CHECK_FALSE(flag(a, "PLASMA_PEAK_HIGH")->margin.has_value());
  CHECK(flag(a, "PLASMA_PEAK_HIGH")->value == "not a finite number ng/mL");
  q.limits->limits[0].hard_high = {};
  CHECK(severity(judged(q), "PLASMA_PEAK_HIGH") == "hard");

  const Order o = infuse(0.5, unit::mg_per_kg);
  Regimen regimen = resolve(o, BodyMass(70, unit::kg));
  regimen.doses[0].amount_mg = regimen.doses[0].rate_mg_per_min = not_a_number;
  const Patient whole = patient(70);
  const ModelCard card = library::find("kamp2020");
  const Admission admission;
  const Exposure exposure = Tent{}.exposure();
  const Limits set = only({row("dose"), row("rate")});
  CHECK(refusal([&] {
          (void)assess({whole, o, regimen, card, admission, exposure}, &set, Tent{});
        }) == "E_NONFINITE order[0]");
}

TEST_CASE("an upper bound of zero forbids, without a relative margin") {
  Limit none = bolus_limit();
  none.soft_high = {};
  none.hard_high = bound(0, unit::mg_per_kg);
  const auto a = judged({patient(70), order({Bolus{{7, unit::mg}}}), only({none})});
  CHECK(severity(a, "BOLUS_PER_WEIGHT_HIGH") == "hard");
  CHECK_FALSE(flag(a, "BOLUS_PER_WEIGHT_HIGH")->margin_rel.has_value());
  CHECK(*flag(a, "BOLUS_PER_WEIGHT_HIGH")->margin == "0.1 mg/kg");
}

TEST_CASE("no text of an assessment or a card uses a word that soothes") {
  std::string text;
  for (const Order& o : {at_rate(0.5, unit::mg_per_kg_per_min), infuse(0.5, unit::mg_per_kg),
                         infuse(0.05, unit::mg_per_kg, 2400 * minute)}) {
    const auto a = judged({patient(154, 170), o});
    for (const Check& c : a.checks) text += c.why + ' ';
    for (const Flag& f : a.flags) text += f.driver + ' ' + f.clears_at.value_or("") + ' ';
  }
  for (const ModelCard& card : library::cards()) {
    text += card.label + ' ' + card.population + ' ' + card.corroboration + ' ';
    for (const std::string& u : card.uncertainties) text += u + ' ';
  }
  for (const char* word : {"safe", "normal", "approved", "ok to give"}) CHECK_FALSE(has(text, word));
}

TEST_CASE("numbers for people have no exponent, no bare point and no trailing zero") {
  CHECK(detail::plain_text(100000, 6) == "100000");
  CHECK(detail::plain_text(0.0001, 6) == "0.0001");
  CHECK(detail::plain_text(0.1 + 0.2, 6) == "0.3");
  CHECK(detail::plain_text(1.0, 6) == "1");
  CHECK(detail::plain_text(0, 6) == "0");
  CHECK(detail::plain_text(1234567, 6) == "1234570");
  CHECK(detail::plain_text(-2.5, 6) == "-2.5");
}
