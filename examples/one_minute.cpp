// SPDX-License-Identifier: Apache-2.0

// Why: the example of the README. One patient, one order, the curve's peak and what was found out of range.

#include <cstdio>
#include <ketpk/ketpk.hpp>

int main() {
  using namespace ketpk::literals;
  using namespace std::chrono_literals;

  const ketpk::Request request{
      .patient = {.weight = 70_kg, .age = 42_yr},
      .order = {.analyte = ketpk::Analyte::racemic_ketamine,
                .form = ketpk::Form::base,
                .initial_state = ketpk::InitialState::drug_free,
                .inputs = {ketpk::Infuse{.amount = 0.5_mg_per_kg, .over = 40min}}},
      .model = ketpk::library::find("kamp2020"),
  };
  const ketpk::Outcome outcome = ketpk::simulate(request);
  if (const auto* trouble = std::get_if<ketpk::Trouble>(&outcome)) {
    std::printf("%s: %s\n", trouble->where.c_str(), trouble->message.c_str());
    return 1;
  }
  const auto& result = std::get<ketpk::Result>(outcome);
  std::printf("peak %.0f ng/mL after %.0f min\n", result.summary.plasma.ng_per_mL, result.summary.plasma.min);
  for (const ketpk::Flag& flag : result.assessment.flags)
    std::printf("%s: %s\n", flag.code.c_str(), flag.value.c_str());
  return 0;
}
