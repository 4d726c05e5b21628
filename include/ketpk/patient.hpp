// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the person a dose is for, as stated. What was not stated stays absent; nothing is estimated here.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ketpk/error.hpp"
#include "ketpk/quantity.hpp"

namespace ketpk {

enum class Sex : std::uint8_t { female, male };
inline constexpr std::array<std::string_view, 2> sex_names{"female", "male"};
[[nodiscard]] constexpr std::string_view name_of(Sex s) noexcept { return sex_names[static_cast<std::size_t>(s)]; }

struct Patient {
  Stated<dim::body> weight;                        ///< actual body weight; the covariate of every model
  std::optional<Stated<dim::length>> height = {};
  std::optional<Age> age = {};
  std::optional<Sex> sex = {};
  std::optional<Stated<dim::body>> dosing_weight = {};  ///< what "per kg" means; absent = the actual weight

  /// The mass that per-kg orders count.
  [[nodiscard]] BodyMass mass_for_dosing() const noexcept { return dosing_weight.value_or(weight).value(); }
};

namespace detail {
/// Throws E_NONFINITE or E_RANGE(`field`) unless lo <= x <= hi.
inline void require_between(double x, double lo, double hi, std::string_view field, std::string_view accepted) {
  require(std::isfinite(x), Code::nonfinite, field, accepted);
  require(x >= lo && x <= hi, Code::range, field, accepted);
}
}  // namespace detail

/// Throws E_NONFINITE or E_RANGE, field `patient.*`, unless every stated value is physically possible:
/// body mass 0.2-700 kg, height 20-280 cm, age 0-130 yr.
inline void validate(const Patient& p) {
  constexpr std::string_view mass = "outside body mass; accepted: 0.2 to 700 kg";
  detail::require_between(p.weight.value().in(unit::kg), 0.2, 700, "patient.weight", mass);
  if (p.dosing_weight) detail::require_between(p.dosing_weight->value().in(unit::kg), 0.2, 700, "patient.dosing_weight", mass);
  if (p.height)
    detail::require_between(p.height->value().in(unit::cm), 20, 280, "patient.height",
                            "outside human height (metres given as cm?); accepted: 20 to 280 cm");
  if (p.age) detail::require_between(p.age->in(unit::yr), 0, 130, "patient.age", "outside human age; accepted: 0 to 130 yr");
}

}  // namespace ketpk
