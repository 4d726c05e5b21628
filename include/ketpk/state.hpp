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
#include "ketpk/delivery.hpp"
#include "ketpk/error.hpp"
#include "ketpk/model.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/time.hpp"
#include "ketpk/trajectory.hpp"

namespace ketpk {

/// Whose course it is: the numbers of the model for the patient, the patient, and the drug.
struct Whose {
  const Whom& whom;
  const Patient& patient;
  Analyte analyte;
};

/// Everything that tells one model and patient from another, every number in its shortest exact form.
[[nodiscard]] inline std::string identity_of(const Whose& whose) {
  std::string text;
  const auto put = [&](const char* name, double x) { text += std::string(name) + '=' + to_text(x) + ';'; };
  const auto maybe = [&](const char* name, const auto& x) {
    if (x)
      put(name, static_cast<double>(*x));
    else
      text += std::string(name) + "=none;";
  };
  const Parameters<double>& p = whose.whom.person.parameters;
  put("v1_L", p.v1_L), put("cl_L_per_min", p.cl_L_per_min);
  put("q2_L_per_min", p.q2_L_per_min), put("v2_L", p.v2_L);
  put("q3_L_per_min", p.q3_L_per_min), put("v3_L", p.v3_L);
  maybe("ke0_per_min", p.ke0_per_min);
  for (const auto& m : p.metabolites) {
    put("metabolite", m.fraction), put("v1_L", m.v1_L), put("cl_L_per_min", m.cl_L_per_min);
    put("q2_L_per_min", m.q2_L_per_min), put("v2_L", m.v2_L);
    maybe("from", m.from);
  }
  for (const auto& d : p.depots) {
    put("depot", d.ka_per_min);
    maybe("into", d.into);
  }
  if (p.saturable) put("vmax_mg_per_min", p.saturable->vmax_mg_per_min), put("km_mg_per_L", p.saturable->km_mg_per_L);
  // Doses name compartments, so the names and which of them has which entry belong to the numbers.
  for (std::size_t i = 0; i < whose.whom.compartments.size(); ++i) {
    text += "compartment=" + whose.whom.compartments[i] + ';';
    if (i >= whose.whom.person.entries.size()) continue;
    const Entry& e = whose.whom.person.entries[i];
    put("bioavailability", e.bioavailability), put("lag_min", e.lag_min);
    maybe("duration_min", e.duration_min), maybe("rate_mg_per_min", e.rate_mg_per_min);
  }
  const Patient& who = whose.patient;
  put("weight_kg", who.weight.value().in(unit::kg));
  put("dosing_weight_kg", who.mass_for_dosing().in(unit::kg));
  maybe("height_cm", who.height ? std::optional(who.height->value().in(unit::cm)) : std::nullopt);
  maybe("age_yr", who.age ? std::optional(who.age->in(unit::yr)) : std::nullopt);
  text += "sex=" + (who.sex ? std::string(name_of(*who.sex)) : "none") + ';';
  text += "analyte=" + std::string(name_of(whose.analyte)) + ';';
  return text;
}

/// What there is at `at` of everything that went in until then.
[[nodiscard]] inline SavedAmounts amounts_at(const std::vector<SavedInput>& history, const Whose& whose, Micros at) {
  constexpr double ng_per_mL = 1000;  // per mg/L
  Regimen given{.doses = {}, .dosing_weight = whose.patient.mass_for_dosing()};
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
