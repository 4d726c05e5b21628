// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the person a dose is for, as stated. What was not stated stays absent; nothing is estimated here.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/quantity.hpp"

namespace ketpk {

enum class Sex : std::uint8_t { female, male };
inline constexpr std::array<std::string_view, 2> sex_names{"female", "male"};
[[nodiscard]] constexpr std::string_view name_of(Sex s) noexcept { return sex_names[static_cast<std::size_t>(s)]; }

/// What "per kg" of an order can count: the weight as it is, or a mass that follows from weight, height and sex.
enum class WeightRule : std::uint8_t { actual, ideal, adjusted, lean, fat_free };
inline constexpr std::array<std::string_view, 5> weight_rule_names{"actual", "ideal", "adjusted", "lean", "fat-free"};
[[nodiscard]] constexpr std::string_view name_of(WeightRule r) noexcept {
  return weight_rule_names[static_cast<std::size_t>(r)];
}

/// By a rule, or as stated.
using DosingWeight = std::variant<WeightRule, Stated<dim::body>>;

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
  DosingWeight dosing_weight = WeightRule::actual;  ///< what "per kg" of an order means; no model looks at it
  std::vector<PatientCovariate> covariates = {};
};

/// Throws E_NONFINITE or E_RANGE, field `patient.*`, unless every stated value is physically possible:
/// body mass 0.2-700 kg, height 20-280 cm, age 0-130 yr, covariates finite; E_FIELD_DUPLICATE(patient.covariates.NAME)
/// for one that is stated twice.
inline void validate(const Patient& p) {
  detail::require_body_mass(p.weight.value(), "patient.weight");
  if (const auto* stated = std::get_if<Stated<dim::body>>(&p.dosing_weight))
    detail::require_body_mass(stated->value(), "patient.dosing_weight");
  if (p.height)
    detail::require_between(p.height->value().in(unit::cm), 20, 280, "patient.height",
                            "not a possible height (metres written as cm?); accepted: 20 to 280 cm");
  if (p.age)
    detail::require_between(p.age->in(unit::yr), 0, 130, "patient.age", "not a possible age; accepted: 0 to 130 yr");
  for (std::size_t i = 0; i < p.covariates.size(); ++i) {
    const std::string field = "patient.covariates." + p.covariates[i].name;
    require(std::isfinite(p.covariates[i].value), Code::nonfinite, field, "not finite; accepted: a number");
    for (std::size_t before = 0; before < i; ++before)
      require(p.covariates[before].name != p.covariates[i].name, Code::field_duplicate, field,
              "stated twice; accepted: once");
  }
}

}  // namespace ketpk
