// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: an order says what somebody asked for, per kg or not, salt or base, by amount or by rate. A regimen
// says what that is in mg of base for one dosing weight. Per-kg orders are resolved here, once, and never again.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/error.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

using StatedDose = Stated<dim::drug, dim::dose>;
using StatedRate = Stated<dim::rate, dim::dose_rate, dim::flow>;

/// An amount over a duration.
struct Infuse {
  StatedDose amount;
  Micros over;
  Micros at{0};
};

/// A rate for a duration. A volume rate needs the concentration of the bag.
struct InfuseAtRate {
  StatedRate rate;
  Micros over;
  Micros at{0};
};

/// An amount at an instant.
struct Bolus {
  StatedDose amount;
  Micros at{0};
};

using Input = std::variant<Infuse, InfuseAtRate, Bolus>;

enum class InitialState : std::uint8_t { undeclared, drug_free };

struct Order {
  Analyte analyte = Analyte::unstated;
  Form form = Form::unstated;
  InitialState initial_state = InitialState::undeclared;
  std::vector<Input> inputs;                           ///< in order of time; they add where they overlap
  std::optional<Stated<dim::concentration>> bag = {};  ///< in mg of `form`
};

/// One input in mg of base. `over` is zero for a bolus, whose rate is then zero too.
struct Dose {
  Micros at;
  Micros over;
  double amount_mg;
  double rate_mg_per_min;

  [[nodiscard]] bool is_bolus() const noexcept { return over.count() == 0; }
  [[nodiscard]] Micros end() const noexcept { return at + over; }
};

/// What goes in, input by input as ordered, for one dosing weight.
struct Regimen {
  std::vector<Dose> doses;
  BodyMass dosing_weight;
};

inline constexpr std::size_t most_inputs = 10'000;

/// The most that one input may hold; far beyond any order, far below where sums and curves would overflow.
inline constexpr DrugMass most_amount{1e9, unit::g}, least_amount{1e-60, unit::g};

namespace detail {

/// What one order's inputs are resolved with. `field` is the path of the input at hand.
struct Resolver {
  double mg_per_base_mg;  ///< mg of the order's form that hold 1 mg of base
  double dosing_kg;
  std::optional<double> bag_mg_per_L;
  std::string field;

  [[nodiscard]] Dose operator()(const Bolus& b) const {
    check_start(b.at);
    return {b.at, Micros{0}, amount_mg(b.amount, ".bolus"), 0.0};
  }
  [[nodiscard]] Dose operator()(const Infuse& i) const {
    check_start(i.at);
    check_duration(i.over, i.at);
    const double mg = amount_mg(i.amount, ".infuse");
    return {i.at, i.over, mg, positive(mg / minutes(i.over), ".infuse")};
  }
  [[nodiscard]] Dose operator()(const InfuseAtRate& i) const {
    check_start(i.at);
    check_duration(i.over, i.at);
    const double rate = rate_mg_per_min(i.rate);
    return {i.at, i.over, bounded(rate * minutes(i.over), ".infuse_at_rate"), rate};
  }

 private:
  [[nodiscard]] double amount_mg(const StatedDose& dose, std::string_view key) const {
    const auto per_body = dose.as<dim::dose>();
    const double mg = per_body ? per_body->in(unit::mg_per_kg)*dosing_kg : dose.as<dim::drug>()->in(unit::mg);
    return bounded(mg / mg_per_base_mg, key);
  }
  [[nodiscard]] double rate_mg_per_min(const StatedRate& rate) const {
    constexpr std::string_view key = ".infuse_at_rate";
    if (const auto per_body = rate.as<dim::dose_rate>())
      return positive(per_body->in(unit::mg_per_kg_per_min)*dosing_kg / mg_per_base_mg, key);
    if (const auto flow = rate.as<dim::flow>()) {
      require(bag_mg_per_L.has_value(), Code::field_missing, "bag.concentration",
              "a pump rate needs it; accepted: a concentration such as 1 mg/mL");
      return positive(flow->in(unit::L_per_min) * *bag_mg_per_L / mg_per_base_mg, key);
    }
    return positive(rate.as<dim::rate>()->in(unit::mg_per_min) / mg_per_base_mg, key);
  }
  void check_start(Micros at) const {
    require(at.count() >= 0 && at <= horizon_limit, Code::range, field + ".at",
            "outside the supported course; accepted: 0 to 400 d");
  }
  void check_duration(Micros over, Micros at) const {
    require(over.count() > 0, Code::range, field + ".over",
            "no duration; accepted: more than zero (an instant is a bolus)");
    require(over <= horizon_limit && at + over <= horizon_limit, Code::range, field + ".over",
            "ends past the supported course; accepted: an end up to 400 d");
  }
  [[nodiscard]] double positive(double x, std::string_view key) const {
    const std::string where = field + std::string(key);
    require(std::isfinite(x), Code::nonfinite, where, "not a finite amount or rate; accepted: more than zero");
    require(x > 0, Code::range, where, "no drug at all, or less than none; accepted: more than zero");
    return x;
  }
  [[nodiscard]] double bounded(double mg, std::string_view key) const {
    require(positive(mg, key) <= most_amount.in(unit::mg), Code::range, field + std::string(key),
            "more drug than an order can hold; accepted: up to 1e9 g");
    require(mg >= least_amount.in(unit::mg), Code::range, field + std::string(key),
            "less drug than can be followed; accepted: 1e-60 g or more");
    return mg;
  }
};

}  // namespace detail

/// The order in mg of base for a patient with this dosing weight.
/// Throws, with the field: E_STATE(initial_state), E_FIELD_MISSING(analyte, form, order, bag.concentration),
/// E_RANGE or E_NONFINITE(patient.dosing_weight, bag.concentration, order[i].infuse .infuse_at_rate .bolus .over .at),
/// E_TIME_ORDER(order[i].at) where an input starts before the one ahead of it, E_SIZE(order) above 10,000 inputs.
[[nodiscard]] inline Regimen resolve(const Order& order, BodyMass dosing_weight) {
  require(order.analyte != Analyte::unstated, Code::field_missing, "analyte",
          "not stated; accepted: racemic-ketamine, s-ketamine, r-ketamine");
  require(order.form != Form::unstated, Code::field_missing, "form", "not stated; accepted: base, hydrochloride");
  require(order.initial_state != InitialState::undeclared, Code::state, "initial_state",
          "not declared; accepted: drug-free");
  require(!order.inputs.empty(), Code::field_missing, "order", "empty; accepted: at least one input");
  require(order.inputs.size() <= most_inputs, Code::size, "order", "too many inputs; accepted: up to 10000");

  detail::require_body_mass(dosing_weight, "patient.dosing_weight");

  detail::Resolver resolver{.mg_per_base_mg = order.form == Form::hydrochloride ? hydrochloride_mg_per_base_mg : 1.0,
                            .dosing_kg = dosing_weight.in(unit::kg),
                            .bag_mg_per_L = std::nullopt,
                            .field = "bag.concentration"};
  if (order.bag) {
    const double c = order.bag->value().in(unit::mg_per_L);
    require(std::isfinite(c), Code::nonfinite, resolver.field, "not finite; accepted: more than zero");
    require(c > 0, Code::range, resolver.field, "no drug; accepted: more than zero");
    resolver.bag_mg_per_L = c;
  }

  Regimen regimen{.doses = {}, .dosing_weight = dosing_weight};
  regimen.doses.reserve(order.inputs.size());
  Micros latest{0};
  for (std::size_t i = 0; i < order.inputs.size(); ++i) {
    resolver.field = "order[" + std::to_string(i) + "]";
    const Dose dose = std::visit(resolver, order.inputs[i]);
    require(dose.at >= latest, Code::time_order, resolver.field + ".at",
            "starts before the input ahead of it; accepted: inputs in order of time");
    latest = dose.at;
    regimen.doses.push_back(dose);
  }
  return regimen;
}

}  // namespace ketpk
