// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what the tests of records and routes share: a card whose numbers are made up, and what it must say by hand.

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "ketpk/parameters.hpp"
#include "ketpk/regimen.hpp"

namespace made_up {

using namespace ketpk;

inline CardParameter parameter(const std::string& name, double value, AnyUnit unit) {
  return {.name = name, .value = StatedParameter(value, unit, name), .source = "made up for this test"};
}

/// 20 L and 6 L/h (0.3 per hour), with a gut that empties at 1.2 per hour. Data in hours, mg and this unit.
inline ModelCard oral_card(Unit<dim::concentration> unit_of_data) {
  ModelCard card{.id = "test",
                 .label = "test",
                 .citation = "none",
                 .doi = {},
                 .analytes = {},
                 .parameters = {parameter("CL", 6, unit::L_per_h), parameter("V1", 20, unit::L)}};
  card.depots = {{.name = "gut", .ka = parameter("ka", 1.2, unit::per_h)}};
  card.data_units = DataUnits{.concentration = unit_of_data};
  return card;
}

/// Its plasma `since_h` after an infusion into the vein began [mg/L].
inline double infused(double mg_per_h, double h, double since_h) {
  if (since_h <= 0) return 0;
  const double built = mg_per_h / 6 * -std::expm1(-0.3 * std::min(h, since_h));
  return since_h <= h ? built : built * std::exp(-0.3 * (since_h - h));
}

/// Racemic ketamine, milligrams of base, from drug-free.
inline Order order_of(std::vector<Input> inputs) {
  return {.analyte = Analyte::racemic_ketamine,
          .form = Form::base,
          .initial_state = InitialState::drug_free,
          .inputs = std::move(inputs)};
}

}  // namespace made_up
