// SPDX-License-Identifier: Apache-2.0

// Why: what somebody who links ketpk writes first: an order, its segments, a look at what goes in, and the whole
// answer. Its peak is the same to the last bit from headers alone and from the compiled library.

#include <cmath>
#include <cstdio>
#include <ketpk/ketpk.hpp>
#include <string>
#include <variant>

int main() {
  using namespace ketpk::literals;
  using namespace std::chrono_literals;

  const ketpk::Patient patient{.weight = 70_kg};
  ketpk::validate(patient);
  const ketpk::Order order{.analyte = ketpk::Analyte::racemic_ketamine,
                           .form = ketpk::Form::base,
                           .initial_state = ketpk::InitialState::drug_free,
                           .inputs = {ketpk::Infuse{.amount = 0.5_mg_per_kg, .over = 40min}}};
  const auto segments = ketpk::schedule(ketpk::resolve(order, mass_for_dosing(patient)));

  const double halfway = ketpk::delivered_mg(segments, 20min), all = ketpk::delivered_mg(segments, 1h);
  std::printf("ketpk %s: %.1f mg after 20 min, %.1f mg after 1 h\n", ketpk::version.data(), halfway, all);
  if (!(std::abs(halfway - 17.5) < 1e-12 && std::abs(all - 35) < 1e-12)) return 1;

  const ketpk::Outcome outcome =
      ketpk::simulate({.patient = patient, .order = order, .model = ketpk::library::find("kamp2020")});
  const auto* const result = std::get_if<ketpk::Result>(&outcome);
  if (result == nullptr) return 1;
  const std::string peak = ketpk::to_text(result->summary.plasma.ng_per_mL);
  std::printf("peak %s ng/mL\n", peak.c_str());
  return peak == "253.05183479013755" && result->summary.plasma.min == 40 ? 0 : 1;
}
