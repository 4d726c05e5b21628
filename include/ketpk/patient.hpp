// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the person a dose is for, as stated. What was not stated stays absent; nothing is estimated here.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/quantity.hpp"

namespace ketpk {

enum class Sex : std::uint8_t { female, male };
inline constexpr std::array<std::string_view, 2> sex_names{"female", "male"};
[[nodiscard]] constexpr std::string_view name_of(Sex s) noexcept { return sex_names[static_cast<std::size_t>(s)]; }

/// What a model looks at beside weight, height, age and sex, by the name that the model has for it.
struct PatientCovariate {
  std::string name;
  double value;
};

struct Patient {
  Stated<dim::body> weight;  ///< actual body weight; the covariate of every model
  std::optional<Stated<dim::length>> height = {};
  std::optional<Age> age = {};
  std::optional<Sex> sex = {};
  std::optional<Stated<dim::body>> dosing_weight = {};  ///< what "per kg" means; absent = the actual weight
  std::vector<PatientCovariate> covariates = {};

  /// The mass that per-kg orders count.
  [[nodiscard]] BodyMass mass_for_dosing() const noexcept { return dosing_weight.value_or(weight).value(); }
};

/// Throws E_NONFINITE or E_RANGE, field `patient.*`, unless every stated value is physically possible:
/// body mass 0.2-700 kg, height 20-280 cm, age 0-130 yr.
inline void validate(const Patient& p) {
  detail::require_body_mass(p.weight.value(), "patient.weight");
  if (p.dosing_weight) detail::require_body_mass(p.dosing_weight->value(), "patient.dosing_weight");
  if (p.height)
    detail::require_between(p.height->value().in(unit::cm), 20, 280, "patient.height",
                            "not a possible height (metres written as cm?); accepted: 20 to 280 cm");
  if (p.age)
    detail::require_between(p.age->in(unit::yr), 0, 130, "patient.age", "not a possible age; accepted: 0 to 130 yr");
}

}  // namespace ketpk
