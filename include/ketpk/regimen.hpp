// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: an order says what somebody asked for, per kg or not, salt or base, by amount or by rate. A regimen
// says what that is in mg of base for one dosing weight. Per-kg orders are resolved here, once, and never again.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
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
  std::vector<Input> inputs;                                  ///< in order of time; they add where they overlap
  std::optional<Stated<dim::concentration>> bag = {};         ///< in mg of `form`
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

namespace detail {

struct Resolver {
  double base_per_mg;  ///< mg of base in one mg of the order's form
  double dosing_kg;
  std::optional<double> bag_mg_per_L;
  std::string field;

  [[nodiscard]] double amount_mg(const StatedDose& dose) const {
    const auto per_body = dose.as<dim::dose>();
    const double mg = per_body ? per_body->in(unit::mg_per_kg) * dosing_kg : dose.as<dim::drug>()->in(unit::mg);
    return positive(mg * base_per_mg, "an amount");
  }
  [[nodiscard]] double rate_mg_per_min(const StatedRate& rate) const {
    if (const auto per_body = rate.as<dim::dose_rate>())
      return positive(per_body->in(unit::mg_per_kg_per_min) * dosing_kg * base_per_mg, "a rate");
    if (const auto flow = rate.as<dim::flow>()) {
      require(bag_mg_per_L.has_value(), Code::field_missing, "bag.concentration",
              "a pump rate needs it; accepted: a concentration such as 1 mg/mL");
      return positive(flow->in(unit::L_per_min) * *bag_mg_per_L * base_per_mg, "a rate");
    }
    return positive(rate.as<dim::rate>()->in(unit::mg_per_min) * base_per_mg, "a rate");
  }
  void check_start(Micros at) const {
    require(at.count() >= 0 && at <= horizon_limit, Code::range, field + ".at",
            "outside the supported course; accepted: 0 to 400 d");
  }
  void check_duration(Micros over, Micros at) const {
    require(over.count() > 0, Code::range, field + ".over", "no duration; accepted: more than zero (an instant is a bolus)");
    require(over <= horizon_limit && at + over <= horizon_limit, Code::range, field + ".over",
            "ends past the supported course; accepted: an end up to 400 d");
  }

 private:
  [[nodiscard]] double positive(double x, const std::string& what) const {
    require(std::isfinite(x), Code::nonfinite, field, what + " that is not finite; accepted: more than zero");
    require(x > 0, Code::range, field, what + " of nothing; accepted: more than zero");
    return x;
  }
};

}  // namespace detail

/// The order in mg of base for a patient with this dosing weight.
/// Throws, with the field: E_STATE(initial_state), E_FIELD_MISSING(analyte, form, order, bag.concentration),
/// E_RANGE or E_NONFINITE(order[i]…), E_TIME_ORDER(order[i].at) where an input starts before the one ahead
/// of it, E_SIZE(order) above 10,000 inputs.
[[nodiscard]] inline Regimen resolve(const Order& order, BodyMass dosing_weight) {
  require(order.analyte != Analyte::unstated, Code::field_missing, "analyte",
          "not stated; accepted: racemic-ketamine, s-ketamine, r-ketamine");
  require(order.form != Form::unstated, Code::field_missing, "form", "not stated; accepted: base, hydrochloride");
  require(order.initial_state != InitialState::undeclared, Code::state, "initial_state", "not declared; accepted: drug-free");
  require(!order.inputs.empty(), Code::field_missing, "order", "empty; accepted: at least one input");
  require(order.inputs.size() <= most_inputs, Code::size, "order", "too many inputs; accepted: up to 10000");

  detail::Resolver resolver{.base_per_mg = order.form == Form::hydrochloride ? 1 / hydrochloride_mg_per_base_mg : 1.0,
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
    const Dose dose = std::visit(
        [&](const auto& input) -> Dose {
          using T = std::decay_t<decltype(input)>;
          resolver.check_start(input.at);
          if constexpr (std::is_same_v<T, Bolus>) {
            return {input.at, Micros{0}, resolver.amount_mg(input.amount), 0.0};
          } else {
            resolver.check_duration(input.over, input.at);
            if constexpr (std::is_same_v<T, Infuse>) {
              const double mg = resolver.amount_mg(input.amount);
              return {input.at, input.over, mg, mg / minutes(input.over)};
            } else {
              const double rate = resolver.rate_mg_per_min(input.rate);
              return {input.at, input.over, rate * minutes(input.over), rate};
            }
          }
        },
        order.inputs[i]);
    require(dose.at >= latest, Code::time_order, resolver.field + ".at",
            "starts before the input ahead of it; accepted: inputs in order of time");
    latest = dose.at;
    regimen.doses.push_back(dose);
  }
  return regimen;
}

}  // namespace ketpk
