// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: limits on a dose speak of what all inputs amount to together: the whole dose, the fastest moment, the
// largest instant. Both the limits and the search for slips ask for these, so they are reckoned in one place.
// A dose, in limits, is that of one session: of a course, the largest one. What sessions come to together is another
// question, with a window of its own.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "ketpk/delivery.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/verdict.hpp"

namespace ketpk {

/// What a regimen amounts to.
struct Dosing {
  double dosing_kg;
  double total_mg;                     ///< of a course, in the session that has most
  std::optional<std::size_t> session;  ///< the first such session of a course
  std::vector<Segment> segments;       ///< of what goes into a vein; rates and boluses speak of that
  std::optional<std::size_t> fastest;  ///< the first segment with the largest summed infusion rate
  std::optional<std::size_t> fullest;  ///< the first segment that starts with the largest summed bolus
};

/// The dose of each session; without a course, of everything. What a saved state carries over, and what goes in of it
/// before the first session, is of none.
[[nodiscard]] inline std::vector<double> session_mg(const Regimen& regimen) {
  std::vector<double> mg(std::max<std::size_t>(1, regimen.sessions.size()));
  for (std::size_t i = regimen.sessions.empty() ? 0 : regimen.carried; i < regimen.doses.size(); ++i) {
    const auto session = session_at(regimen.sessions, regimen.doses[i].at);
    if (session || regimen.sessions.empty()) mg[session.value_or(0)] += regimen.doses[i].amount_mg;
  }
  return mg;
}

/// The dose in mg; of a course, that of the session with most.
[[nodiscard]] inline double total_mg(const Regimen& regimen) {
  const std::vector<double> mg = session_mg(regimen);
  return *std::max_element(mg.begin(), mg.end());
}

/// The first session of a course by itself; an order without a course as it is.
[[nodiscard]] inline Regimen one_session(const Regimen& regimen) {
  if (regimen.sessions.empty()) return regimen;
  const auto first = regimen.doses.begin() + static_cast<std::ptrdiff_t>(regimen.carried);
  return {.doses = {first, first + static_cast<std::ptrdiff_t>(regimen.per_session())},
          .dosing_weight = regimen.dosing_weight};
}

/// The doses that go into a vein.
[[nodiscard]] inline Regimen intravenous(const Regimen& regimen) {
  Regimen part = regimen;
  std::erase_if(part.doses, [](const Dose& d) { return !d.is_intravenous(); });
  return part;
}

[[nodiscard]] inline Dosing dosing_of(const Regimen& regimen) {
  const bool is_all =
      std::all_of(regimen.doses.begin(), regimen.doses.end(), [](const Dose& d) { return d.is_intravenous(); });
  const std::vector<double> mg = session_mg(regimen);
  const auto most = std::max_element(mg.begin(), mg.end());
  Dosing dosing{.dosing_kg = regimen.dosing_weight.in(unit::kg),
                .total_mg = *most,
                .session = {},
                .segments = is_all ? schedule(regimen) : schedule(intravenous(regimen)),
                .fastest = {},
                .fullest = {}};
  if (!regimen.sessions.empty()) dosing.session = static_cast<std::size_t>(most - mg.begin());
  for (std::size_t i = 0; i < dosing.segments.size(); ++i) {
    const Segment& s = dosing.segments[i];
    if (s.rate_mg_per_min != 0 &&
        !(dosing.fastest && s.rate_mg_per_min <= dosing.segments[*dosing.fastest].rate_mg_per_min))
      dosing.fastest = i;
    if (s.bolus_mg != 0 && !(dosing.fullest && s.bolus_mg <= dosing.segments[*dosing.fullest].bolus_mg))
      dosing.fullest = i;
  }
  return dosing;
}

/// Whether a quantity is one that a dose, a rate or a bolus as such has.
[[nodiscard]] constexpr bool is_dose_side(LimitQuantity q) noexcept {
  return q == LimitQuantity::dose_per_weight || q == LimitQuantity::total_dose || q == LimitQuantity::rate_per_weight ||
         q == LimitQuantity::bolus_per_weight;
}

/// A dose-side quantity in base units of its dimension (mg, mg/kg, mg/kg/min); absent where the order has no
/// infusion or no bolus to speak of, and for any other quantity.
[[nodiscard]] inline std::optional<double> value_of(const Dosing& dosing, LimitQuantity q) {
  switch (q) {
    case LimitQuantity::dose_per_weight: return dosing.total_mg / dosing.dosing_kg;
    case LimitQuantity::total_dose: return dosing.total_mg;
    case LimitQuantity::rate_per_weight:
      if (!dosing.fastest) return std::nullopt;
      return dosing.segments[*dosing.fastest].rate_mg_per_min / dosing.dosing_kg;
    case LimitQuantity::bolus_per_weight:
      if (!dosing.fullest) return std::nullopt;
      return dosing.segments[*dosing.fullest].bolus_mg / dosing.dosing_kg;
    default: return std::nullopt;
  }
}

namespace detail {

/// " into gut"; nothing for a vein.
[[nodiscard]] inline std::string into(const std::string& compartment) {
  return compartment.empty() ? std::string() : " into " + compartment;
}

/// An input as somebody would say it: "0.5 mg/kg over 40 min".
[[nodiscard]] inline std::string describe(const Input& input) {
  return std::visit(
      [](const auto& in) -> std::string {
        using T = std::decay_t<decltype(in)>;
        if constexpr (std::is_same_v<T, Bolus>) {
          return text_of(in.amount) + " at once" + into(in.into);
        } else {
          const std::string time = plain_text(minutes(in.over), 12) + " min";
          if constexpr (std::is_same_v<T, Infuse>)
            return text_of(in.amount) + " over " + time + into(in.into);
          else
            return text_of(in.rate) + " for " + time + into(in.into);
        }
      },
      input);
}

/// The place of input `i` in an order, as errors name it.
[[nodiscard]] inline std::string place(std::size_t i) { return "order[" + std::to_string(i) + "]"; }

/// Input `i` of what was resolved, as somebody would say it; what a saved state carries over was not said here.
[[nodiscard]] inline std::string describe(const Order& order, const Regimen& regimen, std::size_t i) {
  if (i == regimen.doses.size()) return "what the line was primed with";
  if (i >= regimen.carried) return describe(order.inputs[entry_of(regimen, i)]);
  const Dose& d = regimen.doses[i];
  return plain_text(d.amount_mg, shown_digits) + " mg of base" +
         (d.is_bolus() ? " at once" : " over " + plain_text(minutes(d.over), 12) + " min") +
         " before the saved instant";
}

}  // namespace detail

}  // namespace ketpk
