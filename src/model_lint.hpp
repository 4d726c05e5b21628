// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a number copied without its unit, or with the wrong one, makes a card that runs and is wrong. What follows from
// the parameters, exponents, half-lives, Vss, is what a reader can compare with the paper, and a machine with a body.

#include <optional>
#include <string>
#include <vector>

#include "ketpk/parameters.hpp"

namespace ketpk::io {

/// What follows from the parameters of a parent. Exponents from the fastest on, one for each compartment there is; with
/// saturable elimination they hold far below Km.
struct Derived {
  double cl_L_per_min;  ///< linear, and Vmax / Km; what a liver clears plasma of
  /// CL times the mean residence time in plasma, which is what an analysis without compartments finds: the sum of the
  /// volumes; of a liver that loses k, Vh (Qh / (Qh + k Vh))^2.
  double vss_L;
  std::optional<double> k10_per_min;  ///< none where a liver eliminates
  std::vector<double> lambda_per_min;
  std::vector<double> half_life_min;
};

/// Throws E_MODEL_PARAM as `validate(Parameters)`.
[[nodiscard]] Derived derived_of(const Parameters<double>& p);

/// What the card gives for a golden value, in its unit; nothing where that takes more than the exact solution of a
/// linear model: a concentration with saturable elimination, with a dose elsewhere than into the central compartment,
/// through an entry with a lag or a bioavailability, or of a metabolite of a metabolite.
/// Throws as `individual`.
[[nodiscard]] std::optional<double> golden_value(const ModelCard& card, const GoldenValue& golden);

/// Everything the card says, and what follows from its parameters at its reference weight, for a terminal and as JSON.
[[nodiscard]] std::string model_card_text(const ModelCard& card, bool colour);
[[nodiscard]] std::string model_card_json(const ModelCard& card);

}  // namespace ketpk::io
