// SPDX-License-Identifier: Apache-2.0

// Why: the example of the README. One patient, one order, the curve's peak and what was asked of it.

#include <cstdio>
#include <ketpk/ketpk.hpp>

int main() {
  using namespace ketpk;
  using namespace ketpk::literals;
  using namespace std::chrono_literals;

  Order order;
  order.analyte = Analyte::racemic_ketamine;
  order.form = Form::base;
  order.initial_state = InitialState::drug_free;
  order.inputs = {Infuse{0.5_mg_per_kg, 40min}};

  Request request{.patient = {.weight = 70_kg, .age = 42_yr}, .order = order, .model = library::find("kamp2020")};
  request.observe.at = {40min, 60min, 2h};
  request.time_above = {100_ng_per_mL};

  const Outcome outcome = simulate(request);
  if (const auto* trouble = std::get_if<Trouble>(&outcome)) {
    std::printf("no numbers: %s\n", trouble->message.c_str());
    return 1;
  }
  const Result& result = std::get<Result>(outcome);
  std::printf("peak %.0f ng/mL at %.0f min\n", result.summary.plasma.ng_per_mL, result.summary.plasma.min);
  std::printf("above 100 ng/mL for %.1f min\n", result.time_above[0].minutes);
  std::printf("at 2 h %.0f ng/mL, with %.0f mg of base in\n", result.profile.plasma_ng_per_mL[2],
              result.profile.delivered_mg[2]);
  std::printf("the two solvers differ by less than 1e-8: %s\n", result.check.agreement_rel < 1e-8 ? "yes" : "no");
  return 0;
}
