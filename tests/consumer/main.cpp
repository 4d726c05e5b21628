// SPDX-License-Identifier: Apache-2.0

// Why: what somebody who links ketpk writes first: an order, its segments, and a look at what goes in.

#include <cmath>
#include <cstdio>
#include <ketpk/ketpk.hpp>

int main() {
  using namespace ketpk::literals;
  using namespace std::chrono_literals;

  const ketpk::Patient patient{.weight = 70_kg};
  ketpk::validate(patient);
  const ketpk::Order order{.analyte = ketpk::Analyte::racemic_ketamine,
                           .form = ketpk::Form::base,
                           .initial_state = ketpk::InitialState::drug_free,
                           .inputs = {ketpk::Infuse{.amount = 0.5_mg_per_kg, .over = 40min}}};
  const auto segments = ketpk::schedule(ketpk::resolve(order, patient.mass_for_dosing()));

  const double halfway = ketpk::delivered_mg(segments, 20min), all = ketpk::delivered_mg(segments, 1h);
  std::printf("ketpk %s: %.1f mg after 20 min, %.1f mg after 1 h\n", ketpk::version.data(), halfway, all);
  return std::abs(halfway - 17.5) < 1e-12 && std::abs(all - 35) < 1e-12 ? 0 : 1;
}
