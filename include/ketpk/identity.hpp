// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a course may be gone on with only for the model, patient and drug that it is of. Here is what tells two apart.

#include <cstddef>
#include <optional>
#include <string>

#include "ketpk/analyte.hpp"
#include "ketpk/body_size.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/quantity.hpp"

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
    if (m.transits > 0) put("transits", static_cast<double>(m.transits)), put("transit_per_min", m.transit_per_min);
  }
  for (const auto& d : p.depots) {
    put("depot", d.ka_per_min);
    maybe("into", d.into);
  }
  if (p.saturable) put("vmax_mg_per_min", p.saturable->vmax_mg_per_min), put("km_mg_per_L", p.saturable->km_mg_per_L);
  if (p.liver) {
    put("qh_L_per_min", p.liver->q_L_per_min), put("vh_L", p.liver->v_L);
    put("kel_per_min", p.liver->kel_per_min), put("kmet_per_min", p.liver->kmet_per_min);
  }
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
  put("dosing_weight_kg", mass_for_dosing(who).in(unit::kg));
  maybe("height_cm", who.height ? std::optional(who.height->value().in(unit::cm)) : std::nullopt);
  maybe("age_yr", who.age ? std::optional(who.age->in(unit::yr)) : std::nullopt);
  text += "sex=" + (who.sex ? std::string(name_of(*who.sex)) : "none") + ';';
  // What else the model looks at shows in its numbers above.
  text += "analyte=" + std::string(name_of(whose.analyte)) + ';';
  return text;
}

}  // namespace ketpk
