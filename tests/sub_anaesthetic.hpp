// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the limits, the patient and the orders that the tests of the judgement share. The limits are fixtures,
// not clinical advice: dose soft 0.1 to 0.5, hard up to 1 mg/kg; rate soft up to 0.75, hard up to 1.5 mg/kg/h;
// weight soft 40 to 130, hard 30 to 250 kg; BMI 16 to 40; bag 1 to 2 mg/mL; duration soft 20 to 60, hard 5 to 120 min.

#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ketpk/assess.hpp"
#include "ketpk/library.hpp"

namespace fixture {

using namespace ketpk;

inline constexpr std::chrono::year_month_day today{std::chrono::year{2026}, std::chrono::November,
                                                   std::chrono::day{21}};
inline constexpr Micros minute = std::chrono::minutes{1};

template <Dimension D>
StatedBound bound(double x, Unit<D> u) {
  return {x, u};
}

inline Limits limits() {
  using namespace ketpk::unit;
  Limits set{.id = "fixture",
             .version = "1",
             .status = LimitsStatus::example,
             .approver = "nobody",
             .effective = {std::chrono::year{2026}, std::chrono::January, std::chrono::day{1}},
             .expires = {std::chrono::year{2030}, std::chrono::January, std::chrono::day{1}},
             .limits = {}};
  set.limits = {{.id = "weight",
                 .quantity = LimitQuantity::weight,
                 .hard_low = bound(30, kg),
                 .soft_low = bound(40, kg),
                 .soft_high = bound(130, kg),
                 .hard_high = bound(250, kg),
                 .required = true,
                 .source = "fixture"},
                {.id = "bmi",
                 .quantity = LimitQuantity::bmi,
                 .soft_low = bound(16, kg_per_m2),
                 .soft_high = bound(40, kg_per_m2),
                 .required = false,
                 .source = "fixture"},
                {.id = "dose",
                 .quantity = LimitQuantity::dose_per_weight,
                 .soft_low = bound(0.1, mg_per_kg),
                 .soft_high = bound(0.5, mg_per_kg),
                 .hard_high = bound(1, mg_per_kg),
                 .required = true,
                 .source = "fixture"},
                {.id = "rate",
                 .quantity = LimitQuantity::rate_per_weight,
                 .soft_high = bound(0.75, mg_per_kg_per_h),
                 .hard_high = bound(1.5, mg_per_kg_per_h),
                 .required = true,
                 .source = "fixture"},
                {.id = "duration",
                 .quantity = LimitQuantity::duration,
                 .hard_low = bound(5, unit::min),
                 .soft_low = bound(20, unit::min),
                 .soft_high = bound(60, unit::min),
                 .hard_high = bound(120, unit::min),
                 .required = true,
                 .source = "fixture"},
                {.id = "bag",
                 .quantity = LimitQuantity::bag_concentration,
                 .soft_low = bound(1, mg_per_mL),
                 .soft_high = bound(2, mg_per_mL),
                 .required = false,
                 .source = "fixture"}};
  return set;
}

inline Patient patient(double kg, std::optional<double> cm = {}) {
  Patient p{.weight = {kg, unit::kg}};
  if (cm) p.height = Stated<dim::length>(*cm, unit::cm);
  return p;
}

inline Order order(std::vector<Input> inputs) {
  return {.analyte = Analyte::racemic_ketamine,
          .form = Form::base,
          .initial_state = InitialState::drug_free,
          .inputs = std::move(inputs)};
}

template <Dimension D>
Order infuse(double amount, Unit<D> u, Micros over = 40 * minute) {
  return order({Infuse{{amount, u}, over}});
}

template <Dimension D>
Order at_rate(double rate, Unit<D> u, Micros over = 40 * minute) {
  return order({InfuseAtRate{{rate, u}, over}});
}

/// A curve that climbs from 0 at 0 min to `peak` at 40 min in a straight line and falls back to 0 at 120 min.
struct Tent {
  double peak_ng_per_mL = 100;

  [[nodiscard]] TimeAbove operator()(Curve, double level) const {
    if (!(level < peak_ng_per_mL)) return {level, 0, {}};
    const double share = 1 - level / peak_ng_per_mL;
    return {level, 120 * share, 40 * (1 - share)};
  }
  [[nodiscard]] Exposure exposure() const {
    return {.plasma = {peak_ng_per_mL, 40},
            .auc_inf_ng_h_per_mL = peak_ng_per_mL,
            .delivered_mg = 35,
            .terminal_half_life_min = 180,
            .effect_site = std::nullopt,
            .metabolites = {}};
  }
};

/// What is judged; everything that is not said is ordinary.
struct Question {
  Patient patient;
  Order order;
  std::optional<Limits> limits = fixture::limits();
  ModelCard card = library::find("kamp2020");
  Allowances allowances = {};
  Exposure exposure = Tent{}.exposure();
  Tent curve = {};
};

inline Assessment judged(const Question& q) {
  if (q.limits) validate(*q.limits, today);
  const Admission admission = admit(q.card, q.patient, q.order.analyte, q.allowances);
  const Regimen regimen = resolve(q.order, mass_for_dosing(q.patient));
  std::optional<Delivery> delivery;
  if (!q.order.is_delivered_as_it_stands()) delivery = deliver(q.order, regimen);
  return assess({q.patient, q.order, regimen, q.card, admission, q.exposure, delivery ? &*delivery : nullptr},
                q.limits ? &*q.limits : nullptr, q.curve);
}

inline const Flag* flag(const Assessment& a, std::string_view code) {
  for (const Flag& f : a.flags)
    if (f.code == code) return &f;
  return nullptr;
}

inline const Check* check(const Assessment& a, std::string_view id) {
  for (const Check& c : a.checks)
    if (c.id == id) return &c;
  return nullptr;
}

/// Severity of a flag as text; empty if it was not raised.
inline std::string severity(const Assessment& a, std::string_view code) {
  const Flag* f = flag(a, code);
  if (f == nullptr) return "";
  return f->severity == Severity::hard ? "hard" : f->severity == Severity::soft ? "soft" : "advisory";
}

inline std::string outcome(const Assessment& a, std::string_view id) {
  const Check* c = check(a, id);
  if (c == nullptr) return "";
  return c->outcome == CheckOutcome::passed    ? "passed"
         : c->outcome == CheckOutcome::flagged ? "flagged"
                                               : "unevaluated";
}

/// What an error says, as "E_CODE field"; empty if nothing was thrown.
template <class F>
std::string refusal(F f) {
  try {
    f();
  } catch (const InvalidInput& e) {
    return std::string(name_of(e.code)) + ' ' + e.field;
  }
  return "";
}

}  // namespace fixture
