// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a card is about a population, a curve is about one person. This is where the card's declared weight
// rules meet the patient, and where a patient or a drug the card does not speak of is refused.

#include <string>
#include <vector>

#include "ketpk/model.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/patient.hpp"

namespace ketpk {

/// What the caller allows beyond the card.
struct Allowances {
  bool extrapolate = false;
  bool assume_enantiomers_alike = false;
};

/// How a patient and an analyte stand to a card.
struct Admission {
  /// One sentence per crossed bound of the domain, "age 42 yr above 14 yr"; not empty only when extrapolated.
  std::vector<std::string> crossed;
  /// Covariates that the stated domain needs and that were not given ("age").
  std::vector<std::string> missing;
  bool domain_stated = false;
  bool enantiomers_assumed_alike = false;
};

/// Throws E_MODEL_ANALYTE(analyte) unless the card lists the analyte, or it is an S-model, the order racemic
/// and that is allowed; E_MODEL_DOMAIN(patient.age, patient.weight) outside the stated domain unless allowed.
[[nodiscard]] Admission admit(const ModelCard& card, const Patient& patient, Analyte analyte, Allowances allowances);

/// The typical individual of the card's population with this patient's weight.
/// Throws E_MODEL_PARAM(name) where the card is not one complete model.
[[nodiscard]] Parameters<double> individual(const ModelCard& card, const Patient& patient);

}  // namespace ketpk
