// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a card is about a population, a curve is about one person. This is where the card's declared weight
// rules meet the patient, and where a patient or a drug the card does not speak of is refused.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/error.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/quantity.hpp"

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

namespace detail {

/// One covariate against one side of a stated domain.
struct DomainBound {
  std::string_view covariate;  ///< age or weight
  std::string_view unit;
  std::optional<double> value;
  std::optional<double> bound;
  bool is_upper;

  /// Bounds are inclusive, with 1e-9 relative for rounding; NaN is outside.
  [[nodiscard]] bool is_crossed() const {
    return value && bound && !(is_upper ? at_most(*value, *bound) : at_least(*value, *bound));
  }
  [[nodiscard]] std::string side_and_bound() const {
    return (is_upper ? "above " : "below ") + to_text(*bound) + ' ' + std::string(unit);
  }
};

[[nodiscard]] inline std::array<DomainBound, 4> domain_bounds(const Domain& domain, const Patient& patient) {
  const double kg = patient.weight.value().in(unit::kg);
  const auto age = patient.age ? std::optional(patient.age->in(unit::yr)) : std::nullopt;
  return {{{"age", "yr", age, domain.age_low_yr, false},
           {"age", "yr", age, domain.age_high_yr, true},
           {"weight", "kg", kg, domain.weight_low_kg, false},
           {"weight", "kg", kg, domain.weight_high_kg, true}}};
}

/// Whether the card speaks of S-ketamine and not of the racemate.
[[nodiscard]] inline bool is_s_model(const ModelCard& card) {
  const auto admits = [&](Analyte a) {
    return std::find(card.analytes.begin(), card.analytes.end(), a) != card.analytes.end();
  };
  return admits(Analyte::s_ketamine) && !admits(Analyte::racemic_ketamine);
}

[[nodiscard]] inline std::string analytes_of(const ModelCard& card) {
  std::string text;
  for (const Analyte a : card.analytes) text += (text.empty() ? "" : ", ") + std::string(name_of(a));
  return text;
}

}  // namespace detail

/// Throws E_MODEL_ANALYTE(analyte) unless the card lists the analyte, or it is an S-model, the order racemic
/// and that is allowed; E_MODEL_DOMAIN(patient.age, patient.weight) outside the stated domain unless allowed;
/// as `validate(Patient)` for a patient who cannot be. Domain bounds are inclusive.
[[nodiscard]] inline Admission admit(const ModelCard& card, const Patient& patient, Analyte analyte,
                                     Allowances allowances) {
  validate(patient);
  Admission admission;
  if (std::find(card.analytes.begin(), card.analytes.end(), analyte) == card.analytes.end()) {
    const bool could_be_assumed = detail::is_s_model(card) && analyte == Analyte::racemic_ketamine;
    require(could_be_assumed && allowances.assume_enantiomers_alike, Code::model_analyte, "analyte",
            "not one the model speaks of; accepted: " + detail::analytes_of(card) +
                (could_be_assumed ? ", or assume_enantiomers_alike" : ""));
    admission.enantiomers_assumed_alike = true;
  }
  admission.domain_stated = card.domain.is_stated();
  for (const auto& bound : detail::domain_bounds(card.domain, patient)) {
    const std::string covariate(bound.covariate);
    if (bound.bound && !bound.value &&
        std::find(admission.missing.begin(), admission.missing.end(), covariate) == admission.missing.end())
      admission.missing.push_back(covariate);
    if (!bound.is_crossed()) continue;
    require(allowances.extrapolate, Code::model_domain, "patient." + covariate,
            bound.side_and_bound() + ", which the model's source states as a bound; accepted: " +
                card.domain.statement + ", or extrapolate");
    admission.crossed.push_back(covariate + ' ' + to_text(*bound.value) + ' ' + std::string(bound.unit) + ' ' +
                                bound.side_and_bound());
  }
  return admission;
}

namespace detail {

/// The parameters of one compartment system with their names, read for one weight. `path` leads to the system
/// in messages, "metabolites[0]." for example.
struct CardReader {
  const std::vector<CardParameter>& parameters;
  double weight_kg;
  double reference_kg;
  std::string path;

  [[nodiscard]] const CardParameter* find(std::string_view name) const {
    const CardParameter* found = nullptr;
    for (const CardParameter& p : parameters) {
      if (p.name != name) continue;
      require(found == nullptr, Code::model_param, path + std::string(name), "stated twice; accepted: once");
      found = &p;
    }
    return found;
  }

  /// In L, L/min or 1/min. Per-kg values times the weight; others times (weight / reference)^exponent.
  [[nodiscard]] double scaled(const CardParameter& p) const {
    const std::string field = path + p.name;
    const Dimension d = p.value.unit().dimension;
    const bool is_per_body = d == dim::volume_per_body || d == dim::flow_per_body;
    const Dimension amount = is_per_body ? d + dim::body : d;
    const Dimension due = p.name[0] == 'k' ? dim::rate_constant : p.name[0] == 'V' ? dim::volume : dim::flow;
    require(amount == due, Code::unit_mismatch, field,
            "a unit of another dimension; accepted: L or L/kg for a volume, "
            "L/h or L/h/kg for a clearance, 1/min for a rate constant, and their kin");
    require(std::isfinite(p.weight_exponent) && (!is_per_body || p.weight_exponent == 0), Code::model_param, field,
            "a weight rule that cannot be read; accepted: a finite exponent, and none beside a unit per kg");
    const double base = p.value.number() * p.value.unit().num / p.value.unit().den;
    return is_per_body ? base * weight_kg : base * std::pow(weight_kg / reference_kg, p.weight_exponent);
  }

  /// Throws E_MODEL_PARAM(name) unless it is there, finite and more than zero (or zero, where that is admitted).
  [[nodiscard]] double value(std::string_view name, bool zero_admitted = false) const {
    const CardParameter* p = find(name);
    const std::string field = path + std::string(name);
    require(p != nullptr, Code::model_param, field,
            "not stated; accepted: V1 with CL or k10, Q2 with V2 or k12 with k21, "
            "Q3 with V3 or k13 with k31");
    const double x = scaled(*p);
    require(std::isfinite(x) && (x > 0 || (zero_admitted && x == 0)), Code::model_param, field,
            zero_admitted ? "not a number of zero or more; accepted: zero or more"
                          : "not a positive number; accepted: more than zero");
    return x;
  }

  /// Throws E_MODEL_PARAM(name) for a parameter that no system with compartments 1 to `most` has.
  void require_known(char most) const {
    constexpr std::array<std::string_view, 11> known{"V1",  "CL", "k10", "Q2",  "V2", "k12",
                                                     "k21", "Q3", "V3",  "k13", "k31"};
    for (const CardParameter& p : parameters) {
      const bool is_known = std::find(known.begin(), known.end(), p.name) != known.end();
      require(is_known && (most == '3' || p.name.find('3') == std::string::npos), Code::model_param, path + p.name,
              most == '3' ? "unknown; accepted: V1 CL Q2 V2 Q3 V3 k10 k12 k21 k13 k31"
                          : "unknown; accepted: V1 CL Q2 V2 k10 k12 k21");
    }
  }
};

/// Flow to a peripheral compartment and its volume.
struct Peripheral {
  double q_L_per_min = 0;
  double v_L = 1;
};

/// CL as stated, or k10 V1. Throws E_MODEL_PARAM(k10) where both are stated.
[[nodiscard]] inline double clearance(const CardReader& card, double v1_L) {
  if (card.find("k10") == nullptr) return card.value("CL");
  require(card.find("CL") == nullptr, Code::model_param, card.path + "k10",
          "stated beside CL; accepted: one of the two");
  return card.value("k10") * v1_L;
}

/// Q and V of compartment `n` as stated, or Q = k1n V1 and V = Q / kn1; nothing where the card has no such
/// compartment. The number is that of the compartment the flow reaches.
[[nodiscard]] inline Peripheral peripheral(const CardReader& card, char n, double v1_L) {
  const std::string q{'Q', n}, v{'V', n}, out{'k', '1', n}, back{'k', n, '1'};
  const bool by_flow = card.find(q) != nullptr || card.find(v) != nullptr;
  const bool by_constants = card.find(out) != nullptr || card.find(back) != nullptr;
  require(!(by_flow && by_constants), Code::model_param, card.path + (card.find(out) != nullptr ? out : back),
          "a compartment stated twice; accepted: by flow and volume or by rate constants");
  if (by_flow) return {card.value(q, true), card.value(v)};
  if (!by_constants) return {};
  const double flow = card.value(out, true) * v1_L, k_back = card.value(back);
  return flow > 0 ? Peripheral{flow, flow / k_back} : Peripheral{};
}

}  // namespace detail

/// The typical individual of the card's population with this patient's weight; rate constants become clearances.
/// Throws E_MODEL_PARAM(name) where the card is not one complete model, E_UNIT_MISMATCH(name) for a unit that
/// cannot be meant, and as `validate(Patient)`.
[[nodiscard]] inline Parameters<double> individual(const ModelCard& card, const Patient& patient) {
  validate(patient);
  require(std::isfinite(card.reference_weight_kg) && card.reference_weight_kg > 0, Code::model_param,
          "reference_weight_kg", "not a weight; accepted: more than zero");
  const detail::CardReader parent{card.parameters, patient.weight.value().in(unit::kg), card.reference_weight_kg, ""};
  parent.require_known('3');
  const double v1 = parent.value("V1");
  const auto second = detail::peripheral(parent, '2', v1), third = detail::peripheral(parent, '3', v1);
  Parameters<double> p{.v1_L = v1,
                       .cl_L_per_min = detail::clearance(parent, v1),
                       .q2_L_per_min = second.q_L_per_min,
                       .v2_L = second.v_L,
                       .q3_L_per_min = third.q_L_per_min,
                       .v3_L = third.v_L};
  if (card.ke0) {
    require(!card.ke0->source.empty(), Code::model_param, "ke0",
            "without a source; accepted: a citation beside the number");
    require(card.ke0->name == "ke0", Code::model_param, "ke0", "another parameter in its place; accepted: ke0");
    const std::vector<CardParameter> alone{*card.ke0};
    p.ke0_per_min = detail::CardReader{alone, parent.weight_kg, parent.reference_kg, ""}.value("ke0");
  }
  for (const CardMetabolite& m : card.metabolites) {
    const detail::CardReader own{m.parameters, parent.weight_kg, parent.reference_kg,
                                 "metabolites[" + std::to_string(p.metabolites.size()) + "]."};
    own.require_known('2');
    const double m_v1 = own.value("V1");
    const auto m_second = detail::peripheral(own, '2', m_v1);
    p.metabolites.push_back({.fraction = m.fraction,
                             .v1_L = m_v1,
                             .cl_L_per_min = detail::clearance(own, m_v1),
                             .q2_L_per_min = m_second.q_L_per_min,
                             .v2_L = m_second.v_L});
  }
  validate(p);
  return p;
}

}  // namespace ketpk
