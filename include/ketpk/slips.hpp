// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the wrong numbers that people really type have names: pounds as kilograms, inches as centimetres, a
// decimal point that moved, a rate in another unit, seconds as minutes. A slip is named, with the reading that
// would make sense; it is never repaired.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/body_size.hpp"
#include "ketpk/dosing.hpp"
#include "ketpk/error.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/verdict.hpp"

namespace ketpk {

/// What the search for slips found: one check per kind of slip, and a flag for each that may have happened.
struct Slips {
  std::vector<Check> checks = {};
  std::vector<Flag> flags = {};
};

/// Orders with more inputs than this are not searched for slips of the unit.
inline constexpr std::size_t most_inputs_for_unit_slips = 100;

namespace detail {

/// Body mass indices of adults that no slip is suspected behind.
inline constexpr double bmi_low = 18.5, bmi_high = 40;

/// 1 kg in lb. Whoever converts rounds it to 2.2046, hence the tolerance below.
inline constexpr double lb_per_kg = 1e8 / 45359237;

[[nodiscard]] inline bool is_plausible_bmi(double bmi) noexcept {
  return bmi >= bmi_low * (1 - 2e-5) && bmi <= bmi_high * (1 + 2e-5);
}

inline void passed(Slips& slips, std::string id, std::string why) {
  slips.checks.push_back({std::move(id), false, CheckOutcome::passed, std::move(why)});
}
inline void unevaluated(Slips& slips, std::string id, std::string why) {
  slips.checks.push_back({std::move(id), false, CheckOutcome::unevaluated, std::move(why)});
}
inline void flagged(Slips& slips, std::string id, Flag flag) {
  slips.checks.push_back({std::move(id), false, CheckOutcome::flagged, flag.driver});
  slips.flags.push_back(std::move(flag));
}

inline void look_for_lb_as_kg(Slips& slips, const Patient& patient) {
  const std::string id = "slip:lb-as-kg";
  const auto bmi = body_mass_index(patient);
  if (patient.weight.unit() == AnyUnit(unit::lb)) return passed(slips, id, "the weight is stated in lb");
  if (!bmi) return unevaluated(slips, id, "height not given");
  if (patient.age && patient.age->in(unit::yr) < 18) return unevaluated(slips, id, "the rule speaks of adults");
  const double now = bmi->in(unit::kg_per_m2), meant = now / lb_per_kg;
  const std::string bmi_text = "body mass index " + plain_text(now, 3) + " kg/m2";
  if (now <= bmi_high || !is_plausible_bmi(meant)) return passed(slips, id, bmi_text);
  const double as_kg = patient.weight.value().in(unit::kg) / lb_per_kg;
  flagged(slips, id,
          {.code = "LB_AS_KG",
           .severity = Severity::soft,
           .quantity = "weight",
           .value = text_of(patient.weight),
           .driver = bmi_text + "; the same number in lb is " + plain_text(as_kg, 3) +
                     " kg, with a body mass index of " + plain_text(meant, 3) + " kg/m2"});
}

inline void look_for_inch_as_cm(Slips& slips, const Patient& patient) {
  const std::string id = "slip:inch-as-cm";
  const auto bmi = body_mass_index(patient);
  if (!bmi) return unevaluated(slips, id, "height not given");
  if (patient.height->unit() == AnyUnit(unit::inch)) return passed(slips, id, "the height is stated in inches");
  const double now = bmi->in(unit::kg_per_m2), meant = now / (2.54 * 2.54);
  const std::string bmi_text = "body mass index " + plain_text(now, 3) + " kg/m2";
  if (now <= bmi_high || !is_plausible_bmi(meant)) return passed(slips, id, bmi_text);
  const double as_cm = patient.height->value().in(unit::cm)*2.54;
  flagged(slips, id,
          {.code = "INCH_AS_CM",
           .severity = Severity::soft,
           .quantity = "height",
           .value = text_of(*patient.height),
           .driver = bmi_text + "; the same number in inches is " + plain_text(as_cm, 3) +
                     " cm, with a body mass index of " + plain_text(meant, 3) + " kg/m2"});
}

/// The soft range of a limit in base units: soft bounds where stated, else hard ones. An end that is not stated
/// at all is taken a decade from the other one, so that a factor cannot land just anywhere.
struct SoftRange {
  double low, high;

  [[nodiscard]] bool holds(double x) const noexcept { return at_least(x, low) && at_most(x, high); }
};

[[nodiscard]] inline SoftRange soft_range(const Limit& limit) {
  const auto& low = limit.soft_low ? limit.soft_low : limit.hard_low;
  const auto& high = limit.soft_high ? limit.soft_high : limit.hard_high;
  if (!high) return {base_value(*low), base_value(*low) * 10};
  return {low ? base_value(*low) : base_value(*high) / 10, base_value(*high)};
}

[[nodiscard]] inline std::string text_of(const SoftRange& range, const AnyUnit& u) {
  return plain_text(range.low * u.den / u.num, shown_digits) + " to " + text_in(range.high, u);
}

/// `value`, which is outside the soft range, times or divided by `factor`, if that lies inside it.
[[nodiscard]] inline std::optional<double> shifted_inside(const Limit& limit, double value, double factor) {
  if (!breach_of(limit, value)) return std::nullopt;
  const SoftRange range = soft_range(limit);
  if (range.holds(value / factor)) return value / factor;
  if (range.holds(value * factor)) return value * factor;
  return std::nullopt;
}

/// "5 mg/kg may be meant as 0.5 mg/kg, inside 0.1 to 0.5 mg/kg".
[[nodiscard]] inline std::string meant_text(const Limit& limit, double value, double meant) {
  const AnyUnit& u = info(limit.quantity).shown_in;
  return std::string(info(limit.quantity).name) + ' ' + text_in(value, u) + " may be meant as " + text_in(meant, u) +
         ", inside " + text_of(soft_range(limit), u);
}

/// Flags the first limit that a shift of the decimal point explains; the driver names them all.
struct DecimalShift {
  std::string id, code;
  double factor;
};

inline void look_for_decimal_shift(Slips& slips, const DecimalShift& shift, const Dosing& dosing,
                                   const Limits& limits) {
  std::optional<Flag> flag;
  bool has_limit = false;
  for (const Limit& limit : limits.limits) {
    if (!is_dose_side(limit.quantity)) continue;
    has_limit = true;
    const auto value = value_of(dosing, limit.quantity);
    const auto meant = value ? shifted_inside(limit, *value, shift.factor) : std::nullopt;
    if (!meant || (shift.factor > 10 && shifted_inside(limit, *value, 10))) continue;
    const std::string text = meant_text(limit, *value, *meant);
    if (flag)
      flag->driver += "; " + text;
    else
      flag = Flag{.code = shift.code,
                  .severity = Severity::advisory,
                  .quantity = std::string(info(limit.quantity).name),
                  .value = text_in(*value, info(limit.quantity).shown_in),
                  .limit_id = limit.id,
                  .driver = text};
  }
  if (flag) return flagged(slips, shift.id, std::move(*flag));
  if (has_limit) return passed(slips, shift.id, "no dose, rate or bolus is out of range by such a factor");
  unevaluated(slips, shift.id, "no limit on dose, rate or bolus");
}

/// Whether a quantity is one that the order alone decides.
[[nodiscard]] constexpr bool is_of_the_order(LimitQuantity q) noexcept {
  return is_dose_side(q) || q == LimitQuantity::duration;
}

/// Whether a regimen lies inside the soft range of every limit on dose, rate, bolus and duration. What needs
/// no schedule is asked first.
[[nodiscard]] inline bool keeps_dosing_limits(const Limits& limits, const Regimen& regimen) {
  const double mg = total_mg(regimen), kg = regimen.dosing_weight.in(unit::kg);
  for (const Limit& limit : limits.limits) {
    if (limit.quantity == LimitQuantity::total_dose && breach_of(limit, mg)) return false;
    if (limit.quantity == LimitQuantity::dose_per_weight && breach_of(limit, mg / kg)) return false;
    if (limit.quantity == LimitQuantity::duration)
      for (const Dose& d : regimen.doses)
        if (!d.is_bolus() && breach_of(limit, minutes(d.over))) return false;
  }
  const Dosing dosing = dosing_of(regimen);
  for (const Limit& limit : limits.limits) {
    const auto value = value_of(dosing, limit.quantity);
    if (value && breach_of(limit, *value)) return false;
  }
  return true;
}

/// As `keeps_dosing_limits`, without durations, which no unit of a dose or a rate can change.
[[nodiscard]] inline bool keeps_dose_side(const Limits& limits, const Regimen& regimen) {
  const Dosing dosing = dosing_of(regimen);
  return std::none_of(limits.limits.begin(), limits.limits.end(), [&](const Limit& limit) {
    const auto value = value_of(dosing, limit.quantity);
    return value && breach_of(limit, *value);
  });
}

/// Every other way to read an input's number: as the total over its duration, then in each other listed unit.
[[nodiscard]] inline std::vector<Input> other_readings(const Input& input, bool has_bag) {
  std::vector<Input> readings;
  const auto in_other_units = [&](const auto& stated, const auto& fits, const auto& with) {
    for (const AnyUnit& u : unit_list)
      if (fits(u.dimension) && !(u == stated.unit())) readings.push_back(with(u));
  };
  const auto is_dose = [](Dimension d) { return d == dim::drug || d == dim::dose; };
  const auto is_rate = [&](Dimension d) { return d == dim::rate || d == dim::dose_rate; };
  if (const auto* rate = std::get_if<InfuseAtRate>(&input)) {
    for (const AnyUnit& u : unit_list)  // the unit without its time: mg/kg/min read as mg/kg
      if (is_dose(u.dimension) && rate->rate.unit().dimension == u.dimension - dim::time &&
          rate->rate.unit().name.substr(0, rate->rate.unit().name.rfind('/')) == u.name)
        readings.push_back(Infuse{StatedDose(rate->rate.number(), u, ""), rate->over, rate->at, rate->into});
    const auto is_pump_rate = [&](const AnyUnit& u) {
      return has_bag && (u == AnyUnit(unit::mL_per_h) || u == AnyUnit(unit::mL_per_min));
    };
    for (const AnyUnit& u : unit_list)
      if ((is_rate(u.dimension) || is_pump_rate(u)) && !(u == rate->rate.unit()))
        readings.push_back(InfuseAtRate{StatedRate(rate->rate.number(), u, ""), rate->over, rate->at, rate->into});
  } else if (const auto* infuse = std::get_if<Infuse>(&input)) {
    in_other_units(infuse->amount, is_dose, [&](const AnyUnit& u) -> Input {
      return Infuse{StatedDose(infuse->amount.number(), u, ""), infuse->over, infuse->at, infuse->into};
    });
  } else if (const auto* bolus = std::get_if<Bolus>(&input)) {
    in_other_units(bolus->amount, is_dose, [&](const AnyUnit& u) -> Input {
      return Bolus{StatedDose(bolus->amount.number(), u, ""), bolus->at, bolus->into};
    });
  }
  return readings;
}

/// The readings of input `i` with which the whole order, or that input alone, would keep the limits on dose, rate and
/// bolus.
[[nodiscard]] inline std::vector<Input> fitting_readings(std::size_t i, const Order& order, const Regimen& regimen,
                                                         const Limits& limits) {
  const std::size_t dose = regimen.carried + i;
  std::vector<Input> fitting;
  Order alone{.analyte = order.analyte,
              .form = order.form,
              .initial_state = InitialState::drug_free,
              .inputs = {},
              .bag = order.bag};
  Regimen changed = regimen;
  for (const Input& reading : other_readings(order.inputs[i], order.bag.has_value())) {
    alone.inputs.assign(1, reading);
    try {
      changed.doses[dose] = resolve(alone, regimen.dosing_weight).doses.front();
    } catch (const InvalidInput&) {
      continue;  // a number that cannot be an order in that unit
    }
    // Alone as well: another input may be beyond a limit for reasons of its own, or by the same slip.
    if (keeps_dose_side(limits, changed) || keeps_dose_side(limits, {{changed.doses[dose]}, regimen.dosing_weight}))
      fitting.push_back(reading);
  }
  return fitting;
}

/// Whether an input runs at 0.5 mg/kg/min as stated, however spelt.
[[nodiscard]] inline bool is_labelled_induction_rate(const Input& input) {
  const auto* at_rate = std::get_if<InfuseAtRate>(&input);
  const auto rate = at_rate != nullptr ? at_rate->rate.as<dim::dose_rate>() : std::nullopt;
  return rate && std::abs(rate->in(unit::mg_per_kg_per_min)-0.5) <= 0.5e-9;
}

[[nodiscard]] inline std::string stated_text(const Input& input) {
  if (const auto* rate = std::get_if<InfuseAtRate>(&input)) return text_of(rate->rate);
  if (const auto* infuse = std::get_if<Infuse>(&input)) return text_of(infuse->amount);
  return text_of(std::get<Bolus>(input).amount);
}

inline void look_for_unit_slip(Slips& slips, const Order& order, const Regimen& regimen, const Limits& limits) {
  const std::string id = "slip:unit";
  bool has_limit = false;
  for (const Limit& limit : limits.limits) has_limit = has_limit || is_dose_side(limit.quantity);
  if (!has_limit) return unevaluated(slips, id, "no limit on dose, rate or bolus");
  if (keeps_dose_side(limits, regimen)) return passed(slips, id, "the order keeps every limit on dose, rate and bolus");
  if (order.inputs.size() > most_inputs_for_unit_slips) return unevaluated(slips, id, "more than 100 inputs");
  const std::size_t flags_before = slips.flags.size();
  for (std::size_t i = 0; i < order.inputs.size(); ++i) {
    // An input that keeps the limits by itself is not the slip; too much of it in all is another matter.
    if (keeps_dose_side(limits, {{regimen.doses[regimen.carried + i]}, regimen.dosing_weight})) continue;
    const auto readings = fitting_readings(i, order, regimen, limits);
    if (readings.empty()) continue;
    std::string text =
        place(i) + ": " + describe(order.inputs[i]) + " would keep the limits on dose, rate and bolus if read as ";
    for (std::size_t k = 0; k < readings.size(); ++k) text += (k == 0 ? "" : " or ") + describe(readings[k]);
    // Ketamine hydrochloride injection label, dosage for induction: 1 to 2 mg/kg at 0.5 mg/kg/min.
    if (is_labelled_induction_rate(order.inputs[i]))
      text +=
          "; 0.5 mg/kg/min equals the labelled induction rate of anaesthesia (ketamine hydrochloride label: 1 to 2 "
          "mg/kg "
          "at 0.5 mg/kg/min)";
    slips.flags.push_back({.code = "UNIT_SLIP",
                           .severity = Severity::advisory,
                           .quantity = place(i),
                           .value = stated_text(order.inputs[i]),
                           .driver = text});
  }
  if (slips.flags.size() == flags_before)
    return passed(slips, id, "no other reading of one input keeps every dosing limit");
  slips.checks.push_back({id, false, CheckOutcome::flagged, slips.flags[flags_before].driver});
}

inline void look_for_seconds_as_minutes(Slips& slips, const Regimen& regimen, const Limits& limits) {
  const std::string id = "slip:seconds-as-minutes";
  bool has_limit = false;
  for (const Limit& limit : limits.limits) {
    if (limit.quantity != LimitQuantity::duration) continue;
    has_limit = true;
    for (std::size_t i = 0; i < regimen.doses.size(); ++i) {
      const Dose& d = regimen.doses[i];
      const auto meant = d.is_bolus() ? std::nullopt : shifted_inside(limit, minutes(d.over), 60);
      if (!meant) continue;
      return flagged(slips, id,
                     {.code = "SECONDS_AS_MINUTES",
                      .severity = Severity::advisory,
                      .quantity = "duration",
                      .value = text_in(minutes(d.over), unit::min),
                      .limit_id = limit.id,
                      .driver = place_of(regimen, i) + ": " + meant_text(limit, minutes(d.over), *meant)});
    }
  }
  if (!has_limit) return unevaluated(slips, id, "no limit on duration");
  passed(slips, id, "no duration is out of range by a factor of 60");
}

}  // namespace detail

/// Looks for each kind of slip once. LB_AS_KG and INCH_AS_CM are soft, the others advisory. Without limits
/// there is no range to compare a dose with, and those checks stay unevaluated. Throws as `validate(Patient)`.
[[nodiscard]] inline Slips look_for_slips(const Patient& patient, const Order& order, const Regimen& regimen,
                                          const Limits* limits) {
  validate(patient);
  Slips slips;
  detail::look_for_lb_as_kg(slips, patient);
  detail::look_for_inch_as_cm(slips, patient);
  if (limits == nullptr) {
    for (const char* id : {"slip:tenfold", "slip:thousandfold", "slip:unit", "slip:seconds-as-minutes"})
      detail::unevaluated(slips, id, "no limits to compare with");
    return slips;
  }
  const Regimen asked = one_session(regimen);  // the others are the same
  const Dosing dosing = dosing_of(asked);
  detail::look_for_decimal_shift(slips, {"slip:tenfold", "TENFOLD", 10}, dosing, *limits);
  detail::look_for_decimal_shift(slips, {"slip:thousandfold", "THOUSANDFOLD", 1000}, dosing, *limits);
  detail::look_for_unit_slip(slips, order, asked, *limits);
  detail::look_for_seconds_as_minutes(slips, asked, *limits);
  return slips;
}

}  // namespace ketpk
