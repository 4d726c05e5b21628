// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a course that is saved and gone on with later must be the course that was never interrupted, to the bit. So a
// saved state is not a vector of amounts but the history that made them; going on solves that history and what is
// ordered after it on one clock. The amounts stand in it too, so that numbers that another version of the program
// would give are noticed.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/body_size.hpp"
#include "ketpk/delivery.hpp"
#include "ketpk/error.hpp"
#include "ketpk/identity.hpp"
#include "ketpk/model.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/time.hpp"
#include "ketpk/trajectory.hpp"

namespace ketpk {

/// What there is at `at` of everything that went in until then.
[[nodiscard]] inline SavedAmounts amounts_at(const std::vector<SavedInput>& history, const Whose& whose, Micros at) {
  constexpr double ng_per_mL = 1000;  // per mg/L
  Regimen given{.doses = {}, .dosing_weight = mass_for_dosing(whose.patient)};
  for (const SavedInput& in : history) given.doses.insert(given.doses.end(), in.pieces.begin(), in.pieces.end());
  std::stable_sort(given.doses.begin(), given.doses.end(), [](const Dose& a, const Dose& b) { return a.at < b.at; });
  const auto solved = trajectory_of(whose.whom, given);
  if (const auto* trouble = std::get_if<Trouble>(&solved))
    throw InvalidInput(Code::state, "initial_state.saved",
                       "its history cannot be followed: " + trouble->message + "; accepted: one that can");
  const Parameters<double>& p = whose.whom.person.parameters;
  SavedAmounts amounts;
  std::visit(
      [&](const auto& course) {
        const double plasma = course.value(at, Curve::plasma());
        amounts.plasma_ng_per_mL = plasma * ng_per_mL;
        amounts.central_mg = plasma * p.v1_L;
        amounts.body_mg = course.in_body_mg(at);
        if (course.has(Curve::effect_site()))
          amounts.effect_site_ng_per_mL = course.value(at, Curve::effect_site()) * ng_per_mL;
        for (std::size_t k = 0; k < p.metabolites.size(); ++k)
          amounts.metabolites_ng_per_mL.push_back(course.value(at, Curve::metabolite(k)) * ng_per_mL);
      },
      std::get<0>(solved));
  return amounts;
}

/// The course of `ordered` up to `at`. What had not begun by then is not part of it; an infusion that was under way
/// is held unfinished. Throws as `deliver` and `history`.
[[nodiscard]] inline SavedState saved_state(const Order& order, const Regimen& ordered, const Whose& whose, Micros at) {
  std::vector<SavedInput> inputs = history(order, ordered, at);
  SavedAmounts amounts = amounts_at(inputs, whose, at);
  return {.at = at, .inputs = std::move(inputs), .identity = identity_of(whose), .amounts = std::move(amounts)};
}

/// Throws E_STATE(initial_state.saved) unless the state is of this model, patient and drug, is sound, and its history
/// gives here, to the bit, the numbers that it gave when it was saved.
inline void require_resumable(const SavedState& saved, const Whose& whose) {
  constexpr std::string_view field = "initial_state.saved";
  require(saved.identity == identity_of(whose), Code::state, field,
          "of another model, patient or drug; accepted: a state saved with these numbers of the model, this patient "
          "and this analyte");
  detail::require_sound(saved);
  require(saved.amounts == amounts_at(saved.inputs, whose, saved.at), Code::state, field,
          "its history gives other numbers here than where it was saved; accepted: an unchanged state of a version "
          "that gives the same numbers");
}

}  // namespace ketpk
