// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a what-if is a request with another number in it. Where a number of each kind goes stands here, once, for tables
// of patients and for grids.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/result.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// Which number of a request is varied: of the patient, of one input of the order, or of the bag. A pause is as long as
/// the number says; none where it is zero.
enum class Varied : std::uint8_t { weight, dosing_weight, height, age, dose, rate, duration, start, bolus, bag, pause };
inline constexpr std::array<std::string_view, 11> varied_names{
    "weight", "dosing_weight", "height", "age", "dose", "rate", "duration", "start", "bolus", "bag", "pause"};
[[nodiscard]] constexpr std::string_view name_of(Varied v) noexcept {
  return varied_names[static_cast<std::size_t>(v)];
}

/// Where a number goes.
struct Spot {
  Varied what;
  std::size_t input = 0;  ///< of the order, where it is a number of the order
  Micros pause_at{0};     ///< where it is a pause: when it begins
};

namespace detail {

template <class S>
[[nodiscard]] AnyUnit unit_among(std::string_view name, std::string_view field) {
  for (const AnyUnit& u : unit_list)
    if (u.name == name && S::fits(u)) return u;
  throw InvalidInput(Code::unit_unknown, std::string(field), "unknown unit; accepted: " + S::accepted());
}

/// Calls `of(S{})`-like with the kind of quantity that `what` is.
template <class Of>
[[nodiscard]] auto with_kind(Varied what, Of of) {
  switch (what) {
    case Varied::weight:
    case Varied::dosing_weight: return of(std::type_identity<Stated<dim::body>>{});
    case Varied::height: return of(std::type_identity<Stated<dim::length>>{});
    case Varied::age: return of(std::type_identity<Stated<dim::age>>{});
    case Varied::dose:
    case Varied::bolus: return of(std::type_identity<StatedDose>{});
    case Varied::rate: return of(std::type_identity<StatedRate>{});
    case Varied::duration:
    case Varied::start:
    case Varied::pause: return of(std::type_identity<Stated<dim::time>>{});
    case Varied::bag: return of(std::type_identity<Stated<dim::concentration>>{});
  }
  throw InvalidInput(Code::arg, "varied", "no number of a request; accepted: weight, dose, duration and their kin");
}

}  // namespace detail

/// The unit of that name for a number of this kind. Throws E_UNIT_UNKNOWN(its name).
[[nodiscard]] inline AnyUnit unit_for(Varied what, std::string_view name) {
  return detail::with_kind(what,
                           [&]<class S>(std::type_identity<S>) { return detail::unit_among<S>(name, name_of(what)); });
}

/// Puts one number into a request. A pause is added to the request's own events. Throws E_ARG(order[i]…) where the
/// order has no such input, or one of another kind; E_UNIT_MISMATCH and E_RANGE with the field that the number goes to.
inline void put(Request& request, const Spot& spot, double number, const AnyUnit& unit) {
  auto& inputs = request.order.inputs;
  const std::string at = "order[" + std::to_string(spot.input) + "]";
  const auto micros = [&](const std::string& field) {
    return micros_of(Stated<dim::time>(number, unit, field), field);
  };
  const auto input_as = [&]<class In>(std::type_identity<In>, const char* key) -> In& {
    In* in = spot.input < inputs.size() ? std::get_if<In>(&inputs[spot.input]) : nullptr;
    require(in != nullptr, Code::arg, at + key,
            "not an input of that kind in the order; accepted: the number of an input that is");
    return *in;
  };
  const auto infusion = [&](const char* key, auto change) {
    require(spot.input < inputs.size() && !std::holds_alternative<Bolus>(inputs[spot.input]), Code::arg, at + key,
            "no infusion in the order; accepted: the number of an infusion");
    std::visit(
        [&](auto& input) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(input)>, Bolus>) change(input);
        },
        inputs[spot.input]);
  };
  switch (spot.what) {
    case Varied::weight: request.patient.weight = Stated<dim::body>(number, unit, "patient.weight"); return;
    case Varied::dosing_weight:
      request.patient.dosing_weight = Stated<dim::body>(number, unit, "patient.dosing_weight");
      return;
    case Varied::height: request.patient.height = Stated<dim::length>(number, unit, "patient.height"); return;
    case Varied::age: request.patient.age = Stated<dim::age>(number, unit, "patient.age").value(); return;
    case Varied::dose:
      input_as(std::type_identity<Infuse>{}, ".infuse").amount = StatedDose(number, unit, at + ".infuse");
      return;
    case Varied::rate:
      input_as(std::type_identity<InfuseAtRate>{}, ".infuse_at_rate").rate =
          StatedRate(number, unit, at + ".infuse_at_rate");
      return;
    case Varied::duration: infusion(".over", [&](auto& input) { input.over = micros(at + ".over"); }); return;
    case Varied::start: infusion(".at", [&](auto& input) { input.at = micros(at + ".at"); }); return;
    case Varied::bolus:
      input_as(std::type_identity<Bolus>{}, ".bolus").amount = StatedDose(number, unit, at + ".bolus");
      return;
    case Varied::bag: request.order.bag = Stated<dim::concentration>(number, unit, "bag.concentration"); return;
    case Varied::pause: {
      const Micros length = micros("pause");
      require(length.count() >= 0, Code::range, "pause", "less than no time; accepted: zero or more");
      if (length.count() == 0) return;
      auto& events = request.order.events;
      const auto by_time = [](const Event& a, const Event& b) { return a.at < b.at; };
      for (const Event& e :
           {Event{spot.input, spot.pause_at, Pause{}}, Event{spot.input, spot.pause_at + length, Resume{}}})
        events.insert(std::upper_bound(events.begin(), events.end(), e, by_time), e);
      return;
    }
  }
}

/// Numbers in one unit, and where they go.
struct NumberAxis {
  Spot spot;
  AnyUnit unit;
  std::vector<double> values;
};

struct ModelAxis {
  std::vector<ModelCard> models;
};

using Axis = std::variant<NumberAxis, ModelAxis>;

[[nodiscard]] inline std::size_t size_of(const Axis& axis) {
  const auto* numbers = std::get_if<NumberAxis>(&axis);
  return numbers != nullptr ? numbers->values.size() : std::get<ModelAxis>(axis).models.size();
}

struct SweepRequest {
  Request base;
  std::vector<Axis> axes;   ///< the last one varies fastest
  bool is_checked = false;  ///< ask a second solver at every point
};

/// Most points of one sweep.
inline constexpr std::size_t most_points = 1'000'000;

/// `points` numbers from `from` to `to`, evenly spaced, each rounded to 12 significant digits, so that a step of a
/// tenth looks like one. Throws E_RANGE(points) for fewer than two, or more than `most_points`.
[[nodiscard]] inline std::vector<double> evenly(double from, double to, std::size_t points) {
  require(points >= 2 && points <= most_points, Code::range, "points",
          "no such number of points; accepted: 2 to 1000000");
  std::vector<double> values;
  values.reserve(points);
  const auto last = static_cast<double>(points - 1);
  for (std::size_t i = 0; i < points; ++i) {
    const auto k = static_cast<double>(i);
    values.push_back(i == 0 ? from : i + 1 == points ? to : detail::rounded((from * (last - k) + to * k) / last, 12));
  }
  return values;
}

}  // namespace ketpk
