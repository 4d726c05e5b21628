// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: sizes that follow from weight and height. They are for checking a patient, never for changing a dose.

#include <optional>

#include "ketpk/patient.hpp"
#include "ketpk/quantity.hpp"

namespace ketpk {

/// Weight / height^2 of a patient whose height is stated.
[[nodiscard]] inline std::optional<BodyMassIndex> body_mass_index(const Patient& patient) noexcept {
  if (!patient.height) return std::nullopt;
  const Length height = patient.height->value();
  return patient.weight.value() / (height * height);
}

}  // namespace ketpk
