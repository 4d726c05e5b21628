// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a card is about a population, a curve is about one person. This is where the card's declared weight and
// covariate rules meet the person, whether that is a patient or a row of a data file, and where a patient or a drug
// the card does not speak of is refused.

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/body_size.hpp"
#include "ketpk/dual.hpp"
#include "ketpk/elementary.hpp"
#include "ketpk/error.hpp"
#include "ketpk/lanes.hpp"
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

/// Throws E_MODEL_DOMAIN(model) for a card that is not for use, whatever is allowed; E_MODEL_ANALYTE(analyte) unless
/// the card lists the analyte, or it is an S-model, the order racemic and that is allowed; E_MODEL_DOMAIN(patient.age,
/// patient.weight) outside the stated domain unless allowed; as `validate(Patient)` for a patient who cannot be. Domain
/// bounds are inclusive.
[[nodiscard]] inline Admission admit(const ModelCard& card, const Patient& patient, Analyte analyte,
                                     Allowances allowances) {
  validate(patient);
  require(card.not_for_use.empty(), Code::model_domain, "model",
          "not for use: " + card.not_for_use + "; accepted: another model");
  Admission admission;
  if (std::find(card.analytes.begin(), card.analytes.end(), analyte) == card.analytes.end()) {
    const bool could_be_assumed = detail::is_s_model(card) && analyte == Analyte::racemic_ketamine;
    require(could_be_assumed && allowances.assume_enantiomers_alike, Code::model_analyte, "analyte",
            "not one the model speaks of; accepted: " + detail::analytes_of(card) +
                (could_be_assumed ? ", or assume_enantiomers_alike" : ""));
    admission.enantiomers_assumed_alike = true;
  }
  admission.domain_stated = card.domain.is_stated();
  if (!card.domain.only_for.empty()) {
    require(allowances.extrapolate, Code::model_domain, "patient",
            "not known to be one of those the model was built on; accepted: another model, or extrapolate from " +
                card.domain.only_for);
    admission.crossed.push_back("built on " + card.domain.only_for + " only");
  }
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

/// How what is given to one compartment gets in.
template <class S>
struct EntryOf {
  S bioavailability = 1, lag_min = 0;
  std::optional<S> duration_min = {}, rate_mg_per_min = {};  ///< of infusions that leave them to the model
};
using Entry = EntryOf<double>;

/// One individual: the parameters, and an entry for each of `compartments_of` the card, in that order.
template <class S>
struct IndividualOf {
  Parameters<S> parameters;
  std::vector<EntryOf<S>> entries;
};
using Individual = IndividualOf<double>;

namespace detail {

/// Calls `see` for every parameter of a card.
template <class See>
void each_parameter(const ModelCard& card, See see) {
  for (const CardParameter& p : card.parameters) see(p);
  if (card.ke0) see(*card.ke0);
  for (const CardDepot& d : card.depots) see(d.ka);
  for (const CardEntry& e : card.entries)
    for (const auto* p : {&e.bioavailability, &e.lag, &e.duration, &e.rate})
      if (*p) see(**p);
  for (const CardMetabolite& m : card.metabolites)
    for (const CardParameter& p : m.parameters) see(p);
  for (const CardMetabolite& m : card.metabolites)
    if (m.delay) see(m.delay->mtt);
}

[[nodiscard]] inline bool follows_weight(const CardParameter& p) noexcept {
  return p.weight_exponent != 0 || p.value.unit().dimension.body != 0;
}

[[nodiscard]] inline bool states_any(const std::vector<CardParameter>& all, std::string_view one,
                                     std::string_view other) noexcept {
  return std::any_of(all.begin(), all.end(), [&](const CardParameter& p) { return p.name == one || p.name == other; });
}

}  // namespace detail

namespace detail {

/// The parameter that an eta of a card speaks of: CL, gut.ka, norketamine.CL, norketamine.MTT, gut.F.
/// Throws E_MODEL_PARAM(variability) where there is none.
template <class Card>
requires std::same_as<std::remove_const_t<Card>, ModelCard>
[[nodiscard]] auto& parameter_of_eta(Card& card, std::string_view name) {
  using Found = std::conditional_t<std::is_const_v<Card>, const CardParameter, CardParameter>;
  const auto among = [](auto& all, std::string_view wanted) -> Found* {
    const auto found = std::find_if(all.begin(), all.end(), [&](const CardParameter& p) { return p.name == wanted; });
    return found == all.end() ? nullptr : &*found;
  };
  const std::size_t dot = name.find('.');
  const std::string_view owner = name.substr(0, dot), own = dot == name.npos ? "" : name.substr(dot + 1);
  Found* found = nullptr;
  if (dot == name.npos) {
    found = name == "ke0" && card.ke0 ? &*card.ke0 : among(card.parameters, name);
  } else {
    for (auto& d : card.depots)
      if (d.name == owner && own == "ka") found = &d.ka;
    for (auto& m : card.metabolites)
      if (m.name == owner && found == nullptr)
        found = own == "MTT" && m.delay ? &m.delay->mtt : among(m.parameters, own);
    for (auto& e : card.entries)
      for (auto* p : {&e.bioavailability, &e.lag, &e.duration, &e.rate})
        if (e.compartment == owner && *p && (*p)->name == own) found = &**p;
  }
  require(found != nullptr, Code::model_param, "variability",
          "an eta of a parameter the card does not have; accepted: its parameters, and depot.ka");
  return *found;
}

}  // namespace detail

/// The compartments that a dose can enter, in the order a data file counts them from 1: depots as the card lists
/// them, central, shallow (with Q2 or k12), deep (with Q3 or k13), then each metabolite by its name and, with a
/// second compartment, as NAME_2.
[[nodiscard]] inline std::vector<std::string> compartments_of(const ModelCard& card) {
  std::vector<std::string> names;
  for (const CardDepot& d : card.depots) names.push_back(d.name);
  names.emplace_back("central");
  if (detail::states_any(card.parameters, "Q2", "k12")) names.emplace_back("shallow");
  if (detail::states_any(card.parameters, "Q3", "k13")) names.emplace_back("deep");
  for (const CardMetabolite& m : card.metabolites) {
    names.push_back(m.name);
    if (detail::states_any(m.parameters, "Q2", "k12")) names.push_back(m.name + "_2");
  }
  return names;
}

/// Where the places of the card's network stand.
[[nodiscard]] inline Layout layout_of(const ModelCard& card) {
  Layout layout{.depots = card.depots.size(), .has_liver = detail::states_any(card.parameters, "Qh", "Vh")};
  for (const CardMetabolite& m : card.metabolites) layout.transits.push_back(m.delay ? m.delay->transits : 0);
  return layout;
}

/// The place of each of them in a `Network`, which always has shallow and deep, and two for each metabolite.
[[nodiscard]] inline std::vector<std::size_t> places_of(const ModelCard& card) {
  std::vector<std::size_t> places;
  const Layout layout = layout_of(card);
  for (const std::string& name : compartments_of(card)) {
    std::size_t place = layout.central();
    for (std::size_t i = 0; i < card.depots.size(); ++i)
      if (card.depots[i].name == name) place = i;
    if (name == "shallow") place = layout.shallow();
    if (name == "deep") place = layout.deep();
    for (std::size_t k = 0; k < card.metabolites.size(); ++k) {
      const std::size_t own = layout.metabolite(k);
      if (name == card.metabolites[k].name) place = own;
      if (name == card.metabolites[k].name + "_2") place = own + 1;
    }
    places.push_back(place);
  }
  return places;
}

/// The covariates that the card looks at, which are the columns a data file must have: WT [kg] first where a weight
/// rule or a unit per kg is used, then those of the effects as they come, each once.
[[nodiscard]] inline std::vector<std::string> covariates_of(const ModelCard& card) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  detail::each_parameter(card, [&](const CardParameter& p) {
    if (detail::follows_weight(p) && names.empty()) names.emplace_back("WT");
  });
  detail::each_parameter(card, [&](const CardParameter& p) {
    for (const CovariateEffect& e : p.covariates) add(e.covariate);
  });
  return names;
}

namespace detail {

/// What the rules of a card look at, by the names of `covariates_of`. Where `S` carries a derivative, it is that with
/// respect to a covariate, or to the number of the card that stands at `varied`.
template <class S>
struct CovariateValuesOf {
  /// How many times the typical value a parameter is.
  struct Times {
    const CardParameter* of;
    S factor;
  };
  const std::vector<std::string>& names;
  std::span<const S> values;
  const void* varied = nullptr;  ///< a `CardParameter`, or a `CardMetabolite` for its fraction
  std::span<const Times> times = {};

  [[nodiscard]] S at(std::string_view name) const {
    const auto found = std::find(names.begin(), names.end(), name);
    return values[static_cast<std::size_t>(found - names.begin())];
  }
  /// A number of the card as stated.
  [[nodiscard]] S number(double stated, [[maybe_unused]] const void* from) const {
    S x = stated;
    if constexpr (requires { x.slope; })
      if (from == varied) x.slope[0] = 1;
    return x;
  }
};
using CovariateValues = CovariateValuesOf<double>;

/// Whether it is a finite number, in every lane.
template <class S>
[[nodiscard]] bool is_finite(const S& x) {
  if constexpr (is_lanes<S>)
    return all(isfinite(x));
  else
    return std::isfinite(number_in(x));
}

/// x^exponent, x > 0. In lanes the powers of allometry go by square roots, which are exact and cost a tenth.
template <class S>
[[nodiscard]] S to_power(const S& x, double exponent) {
  using std::pow, std::sqrt;
  if (exponent == 1) return x;
  if constexpr (is_lanes<S>)
    if (exponent == 0.75) {
      const S root = sqrt(x);
      return root * sqrt(root);
    }
  return pow(x, exponent);
}

/// What becomes of the number `value` of a parameter where its covariate is `x`. Throws E_RANGE(covariate) for what the
/// form cannot take, E_MODEL_PARAM(`field`) for an effect that cannot be read.
template <class S>
[[nodiscard]] S under(const CovariateEffect& e, S value, S x, const std::string& field) {
  using std::exp;
  require(std::isfinite(e.reference) && std::isfinite(e.coefficient), Code::model_param, field,
          "an effect that is not finite; accepted: a finite reference and coefficient");
  switch (e.form) {
    case CovariateForm::power:
      require(e.reference > 0, Code::model_param, field,
              "a power of a covariate over zero or less; accepted: a reference of more than zero");
      require(all(x > 0), Code::range, e.covariate, "nothing a power can be taken of; accepted: more than zero");
      return value * to_power(S(x / e.reference), e.coefficient);
    case CovariateForm::linear: return value * (1 + e.coefficient * (x - e.reference));
    case CovariateForm::exponential: return value * exp(e.coefficient * (x - e.reference));
    case CovariateForm::levels: {
      S factor = 0;
      auto is_listed = x < x;
      for (const CovariateLevel& level : e.levels) {
        factor = select(!is_listed && x == level.is, S(level.factor), factor);
        is_listed = is_listed || x == level.is;
      }
      require(all(is_listed), Code::range, e.covariate,
              "not one of the levels the model lists; accepted: these levels");
      return value * factor;
    }
    case CovariateForm::added_above:
      return select(x > e.reference, S(value + e.coefficient * (x - e.reference)), value);
  }
  throw InvalidInput(Code::model_param, field,
                     "an effect of no known form; accepted: power, linear, exponential, levels, added-above");
}

/// The parameters of one compartment system with their names, read for one individual. `path` leads to the system
/// in messages, "metabolites[0]." for example.
template <class S = double>
struct CardReader {
  const std::vector<CardParameter>& parameters;
  const CovariateValuesOf<S>& covariates;
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

  /// The dimension of what is called so, per body mass or not.
  [[nodiscard]] static Dimension due(std::string_view name) noexcept {
    switch (name.empty() ? '\0' : name[0]) {
      case 'V': return name == "Vmax" ? dim::rate : dim::volume;
      case 'k': return dim::rate_constant;
      case 'K': return dim::concentration;
      case 'M': return dim::time;
      case 'F': return dim::none;
      case 'r': return dim::rate;
      case 'l':
      case 'd': return dim::time;
      default: return dim::flow;
    }
  }

  /// In base units. Covariate effects act on the number as stated, in the order of the card; values per kg are then
  /// taken times the weight, others times (weight / reference)^exponent.
  [[nodiscard]] S scaled(const CardParameter& p) const {
    const std::string field = path + p.name;
    const Dimension d = p.value.unit().dimension;
    const bool is_per_body = d.body < 0;
    require((is_per_body ? d + dim::body : d) == due(p.name), Code::unit_mismatch, field,
            "a unit of another dimension; accepted: L or L/kg for a volume, L/h or L/h/kg for a clearance, 1/min for a "
            "rate constant, mg/h or mg/kg/h for Vmax and a rate, mg/L for Km, min for a time, none for F, and their "
            "kin");
    require(std::isfinite(p.weight_exponent) && (!is_per_body || p.weight_exponent == 0), Code::model_param, field,
            "a weight rule that cannot be read; accepted: a finite exponent, and none beside a unit per kg");
    S number = covariates.number(p.value.number(), &p);
    for (const CovariateEffect& e : p.covariates) number = under(e, number, covariates.at(e.covariate), field);
    S value = number * p.value.unit().num / p.value.unit().den;
    if (is_per_body)
      value = value * covariates.at("WT");
    else if (p.weight_exponent != 0)
      value = value * to_power(S(covariates.at("WT") / reference_kg), p.weight_exponent);
    for (const auto& times : covariates.times)
      if (times.of == &p) value = value * times.factor;
    return value;
  }

  /// Throws E_MODEL_PARAM(name) unless it is there, finite and more than zero (or zero, where that is admitted).
  [[nodiscard]] S value(std::string_view name, bool zero_admitted = false) const {
    const CardParameter* p = find(name);
    const std::string field = path + std::string(name);
    require(p != nullptr, Code::model_param, field,
            "not stated; accepted: V1 with CL or k10, Vmax with Km, Q2 with V2 or k12 with k21, "
            "Q3 with V3 or k13 with k31, Qh with Vh kel kmet");
    // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): the analyser does not follow what `require` throws
    return in_bounds(*p, zero_admitted);
  }

  [[nodiscard]] S in_bounds(const CardParameter& p, bool zero_admitted) const {
    const S x = scaled(p);
    require(is_finite(x) && (zero_admitted ? all(x >= 0) : all(x > 0)), Code::model_param, path + p.name,
            zero_admitted ? "not a number of zero or more; accepted: zero or more"
                          : "not a positive number; accepted: more than zero");
    return x;
  }

  /// Throws E_MODEL_PARAM(name) for a parameter that no parent, or no metabolite, has.
  void require_known(bool is_parent) const {
    constexpr std::array<std::string_view, 17> known{"V1",  "CL",  "k10",  "Q2", "V2", "k12", "k21", "Q3",  "V3",
                                                     "k13", "k31", "Vmax", "Km", "Qh", "Vh",  "kel", "kmet"};
    for (const CardParameter& p : parameters) {
      const auto at = std::find(known.begin(), known.end(), p.name);
      require(at < known.begin() + (is_parent ? known.size() : 7), Code::model_param, path + p.name,
              is_parent ? "unknown; accepted: V1 CL Q2 V2 Q3 V3 k10 k12 k21 k13 k31 Vmax Km Qh Vh kel kmet"
                        : "unknown; accepted: V1 CL Q2 V2 k10 k12 k21");
    }
  }
};

/// Flow to a peripheral compartment and its volume.
template <class S>
struct Peripheral {
  S q_L_per_min = 0;
  S v_L = 1;
};

/// The liver that eliminates, if there is one. Throws E_MODEL_PARAM(name) where one of its four is not stated, or any
/// other elimination is.
template <class S>
[[nodiscard]] std::optional<LiverParameters<S>> liver(const CardReader<S>& card) {
  const std::array<std::string_view, 4> own{"Qh", "Vh", "kel", "kmet"}, other{"CL", "k10", "Vmax", "Km"};
  const auto is_stated = [&](std::string_view name) { return card.find(name) != nullptr; };
  if (std::none_of(own.begin(), own.end(), is_stated)) return std::nullopt;
  for (const std::string_view name : other)
    require(!is_stated(name), Code::model_param, card.path + std::string(name),
            "stated beside a liver that eliminates; accepted: one of the two");
  return LiverParameters<S>{.q_L_per_min = card.value("Qh"),
                            .v_L = card.value("Vh"),
                            .kel_per_min = card.value("kel", true),
                            .kmet_per_min = card.value("kmet", true)};
}

/// CL as stated, or k10 V1; beside saturable elimination it may be 0 or left out. Throws E_MODEL_PARAM(k10) where
/// both are stated.
template <class S>
[[nodiscard]] S clearance(const CardReader<S>& card, const S& v1_L) {
  const bool saturates = card.find("Vmax") != nullptr || card.find("Km") != nullptr;
  const bool has_k10 = card.find("k10") != nullptr, has_cl = card.find("CL") != nullptr;
  require(!(has_k10 && has_cl), Code::model_param, card.path + "k10", "stated beside CL; accepted: one of the two");
  if (saturates && !has_k10 && !has_cl) return 0;
  return has_k10 ? card.value("k10", saturates) * v1_L : card.value("CL", saturates);
}

/// Q and V of compartment `n` as stated, or Q = k1n V1 and V = Q / kn1; nothing where the card has no such
/// compartment. The number is that of the compartment the flow reaches.
template <class S>
[[nodiscard]] Peripheral<S> peripheral(const CardReader<S>& card, char n, const S& v1_L) {
  const std::string q{'Q', n}, v{'V', n}, out{'k', '1', n}, back{'k', n, '1'};
  const bool by_flow = card.find(q) != nullptr || card.find(v) != nullptr;
  const bool by_constants = card.find(out) != nullptr || card.find(back) != nullptr;
  require(!(by_flow && by_constants), Code::model_param, card.path + (card.find(out) != nullptr ? out : back),
          "a compartment stated twice; accepted: by flow and volume or by rate constants");
  if (by_flow) return {card.value(q, true), card.value(v)};
  if (!by_constants) return {};
  const S flow = card.value(out, true) * v1_L, k_back = card.value(back);
  return {flow, select(flow > 0, S(flow / k_back), S(1))};
}

/// The saturable elimination, if there is one. Throws E_MODEL_PARAM(Vmax or Km) where only one of the two is stated.
template <class S>
[[nodiscard]] std::optional<SaturableElimination<S>> saturable(const CardReader<S>& card) {
  if (card.find("Vmax") == nullptr && card.find("Km") == nullptr) return std::nullopt;
  return SaturableElimination<S>{.vmax_mg_per_min = card.value("Vmax"), .km_mg_per_L = card.value("Km")};
}

/// The place of `name` in a list of depots or metabolites. Throws E_MODEL_PARAM(`field`) where there is none.
template <class List>
[[nodiscard]] std::size_t place_of(const std::string& name, const List& all, const std::string& field) {
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].name == name) return i;
  throw InvalidInput(Code::model_param, field, "a name the model does not have; accepted: one it lists");
}

/// The entries of the compartments called `names`. Throws E_MODEL_PARAM(compartment.F and so on).
template <class S>
[[nodiscard]] std::vector<EntryOf<S>> entries(const ModelCard& card, const CovariateValuesOf<S>& covariates) {
  const std::vector<std::string> names = compartments_of(card);
  std::vector<EntryOf<S>> all(names.size());
  for (const CardEntry& e : card.entries) {
    const auto at = std::find(names.begin(), names.end(), e.compartment);
    require(at != names.end(), Code::model_param, e.compartment + ".entry",
            "an entry into a compartment the model does not have; accepted: a depot, central, shallow, deep, or a "
            "metabolite");
    const auto twice = [&](const CardEntry& other) { return &other != &e && other.compartment == e.compartment; };
    require(std::none_of(card.entries.begin(), card.entries.end(), twice), Code::model_param, e.compartment + ".entry",
            "stated twice; accepted: once");
    EntryOf<S>& entry = all[static_cast<std::size_t>(at - names.begin())];
    const auto value = [&](const std::optional<CardParameter>& p, std::string_view name, bool zero_admitted) {
      require(p->name == name, Code::model_param, e.compartment + '.' + std::string(name),
              "another parameter in its place; accepted: F, lag, duration, rate");
      const std::vector<CardParameter> none;
      return CardReader<S>{none, covariates, card.reference_weight_kg, e.compartment + '.'}.in_bounds(*p,
                                                                                                      zero_admitted);
    };
    if (e.bioavailability) entry.bioavailability = value(e.bioavailability, "F", true);
    if (e.lag) entry.lag_min = value(e.lag, "lag", true);
    if (e.duration) entry.duration_min = value(e.duration, "duration", false);
    if (e.rate) entry.rate_mg_per_min = value(e.rate, "rate", false);
  }
  return all;
}

/// A covariate that the card looks at, from the patient, who weighs `weight_kg`. Throws E_FIELD_MISSING(patient…) where
/// it was not given; for the size of a body also as `size_of` refuses it.
template <class S>
[[nodiscard]] S covariate_at(const Patient& patient, const std::string& name, const S& weight_kg) {
  const auto given = [](bool is_there, std::string_view field) {
    require(is_there, Code::field_missing, field, "not given, and the model looks at it; accepted: the patient's own");
  };
  if (name == "WT") return weight_kg;
  if (name == "AGE") {
    given(patient.age.has_value(), "patient.age");
    return patient.age->in(unit::yr);
  }
  if (name == "HT") {
    given(patient.height.has_value(), "patient.height");
    return patient.height->value().in(unit::cm);
  }
  if (name == "SEX") {
    given(patient.sex.has_value(), "patient.sex");
    return *patient.sex == Sex::female ? 1 : 0;
  }
  if (const auto size = size_called(name)) {
    const SizeAnswerOf<S> answer = size_at(patient, *size, weight_kg);
    if (const auto* no = std::get_if<SizeRefused>(&answer)) throw InvalidInput(no->code, no->field, no->message);
    return std::get<0>(answer);
  }
  const auto stated = std::find_if(patient.covariates.begin(), patient.covariates.end(),
                                   [&](const PatientCovariate& c) { return c.name == name; });
  given(stated != patient.covariates.end(), "patient.covariates." + name);
  // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): the analyser does not follow what `require` throws
  return stated->value;
}

[[nodiscard]] inline double covariate_of(const Patient& patient, const std::string& name) {
  return covariate_at(patient, name, patient.weight.value().in(unit::kg));
}

/// Whether a covariate of this name comes from what every patient states, and not from `Patient::covariates`.
[[nodiscard]] inline bool is_of_every_patient(std::string_view name) noexcept {
  return name == "WT" || name == "AGE" || name == "HT" || name == "SEX" || size_called(name).has_value();
}

template <class S>
[[nodiscard]] Parameters<S> parameters_at(const ModelCard& card, const CovariateValuesOf<S>& covariates) {
  require(std::isfinite(card.reference_weight_kg) && card.reference_weight_kg > 0, Code::model_param,
          "reference_weight_kg", "not a weight; accepted: more than zero");
  const auto reader = [&](const std::vector<CardParameter>& parameters, std::string path) {
    return CardReader<S>{parameters, covariates, card.reference_weight_kg, std::move(path)};
  };
  const CardReader<S> parent = reader(card.parameters, "");
  parent.require_known(true);
  const S v1 = parent.value("V1");
  const auto second = peripheral(parent, '2', v1), third = peripheral(parent, '3', v1);
  Parameters<S> p{.v1_L = v1,
                  .cl_L_per_min = 0,
                  .q2_L_per_min = second.q_L_per_min,
                  .v2_L = second.v_L,
                  .q3_L_per_min = third.q_L_per_min,
                  .v3_L = third.v_L};
  p.liver = liver(parent);
  if (!p.liver) p.cl_L_per_min = clearance(parent, v1);
  p.saturable = saturable(parent);
  if (card.ke0) {
    require(!card.ke0->source.empty(), Code::model_param, "ke0",
            "without a source; accepted: a citation beside the number");
    require(card.ke0->name == "ke0", Code::model_param, "ke0", "another parameter in its place; accepted: ke0");
    p.ke0_per_min = parent.in_bounds(*card.ke0, false);
  }
  for (const CardDepot& d : card.depots) {
    const std::string at = "depots[" + std::to_string(p.depots.size()) + "].";
    require(d.ka.name == "ka", Code::model_param, at + "ka", "another parameter in its place; accepted: ka");
    DepotParameters<S> depot{reader(card.parameters, at).in_bounds(d.ka, false)};
    if (!d.into.empty()) depot.into = place_of(d.into, card.depots, at + "into");
    p.depots.push_back(depot);
  }
  for (const CardMetabolite& m : card.metabolites) {
    const std::string at = "metabolites[" + std::to_string(p.metabolites.size()) + "].";
    const CardReader<S> own = reader(m.parameters, at);
    own.require_known(false);
    const S m_v1 = own.value("V1");
    const auto m_second = peripheral(own, '2', m_v1);
    p.metabolites.push_back({.fraction = covariates.number(m.fraction, &m),
                             .v1_L = m_v1,
                             .cl_L_per_min = clearance(own, m_v1),
                             .q2_L_per_min = m_second.q_L_per_min,
                             .v2_L = m_second.v_L});
    if (!m.from.empty()) p.metabolites.back().from = place_of(m.from, card.metabolites, at + "from");
    if (m.delay) {
      require(m.delay->transits > 0 && m.delay->transits <= most_waypoints, Code::model_param, at + "transits",
              "not a number of compartments that can be passed; accepted: 1 to 16");
      require(m.delay->mtt.name == "MTT", Code::model_param, at + "MTT",
              "another parameter in its place; accepted: MTT");
      p.metabolites.back().transits = m.delay->transits;
      p.metabolites.back().transit_per_min =
          static_cast<double>(m.delay->transits) / own.in_bounds(m.delay->mtt, false);
    }
  }
  if constexpr (std::is_same_v<S, double>) validate(p);
  return p;
}

}  // namespace detail

/// The typical individual of the card's population with these covariates, in the order of `covariates_of` the card;
/// rate constants become clearances. Throws E_ARG(covariates) for another number of them, E_NONFINITE or E_RANGE with
/// the covariate's name for one that its effects cannot take (WT: outside 0.2 to 700 kg), E_MODEL_PARAM(name) where
/// the card is not one complete model or a parameter comes out of its bounds, E_UNIT_MISMATCH(name) for a unit that
/// cannot be meant.
[[nodiscard]] inline Individual individual(const ModelCard& card, std::span<const double> covariates) {
  const std::vector<std::string> names = covariates_of(card);
  require(covariates.size() == names.size(), Code::arg, "covariates",
          "another number than the model has covariates; accepted: one for each, in the model's order");
  for (std::size_t i = 0; i < names.size(); ++i) {
    require(std::isfinite(covariates[i]), Code::nonfinite, names[i], "not a finite number; accepted: a number");
    if (names[i] == "WT") detail::require_body_mass(BodyMass(covariates[i], unit::kg), "WT");
  }
  const detail::CovariateValues values{names, covariates};
  return {detail::parameters_at(card, values), detail::entries(card, values)};
}

/// Throws E_FIELD_UNKNOWN(patient.covariates.NAME) for a covariate of the patient that none of the cards looks at, or
/// that is not for a patient to state there: WT AGE HT SEX, and the sizes that follow from them.
inline void require_looked_at(const Patient& patient, std::span<const ModelCard> cards) {
  std::vector<std::string> names;
  for (const ModelCard& card : cards)
    for (std::string& name : covariates_of(card))
      if (!detail::is_of_every_patient(name)) names.push_back(std::move(name));
  std::string accepted;
  for (const std::string& name : names) accepted += (accepted.empty() ? "" : ", ") + name;
  for (const PatientCovariate& c : patient.covariates)
    require(std::find(names.begin(), names.end(), c.name) != names.end(), Code::field_unknown,
            "patient.covariates." + c.name,
            "not a covariate that the model looks at here; accepted: " + (accepted.empty() ? "none" : accepted));
}

/// The typical individual with this patient's covariates: WT [kg], AGE [yr], HT [cm], SEX (female 1, male 0), BMI
/// [kg/m2], BSA [m2], IBW, LBM and FFM [kg], and those the patient states by name. Throws as above, as
/// `validate(Patient)`, and E_FIELD_MISSING(patient.age and so on) for a covariate that the card looks at and that was
/// not given; E_RANGE(patient.weight and so on) for a size outside the domain of its formula.
[[nodiscard]] inline Individual person(const ModelCard& card, const Patient& patient) {
  validate(patient);
  const std::vector<std::string> names = covariates_of(card);
  std::vector<double> values;
  values.reserve(names.size());
  for (const std::string& name : names) values.push_back(detail::covariate_of(patient, name));
  const detail::CovariateValues covariates{names, values};
  return {detail::parameters_at(card, covariates), detail::entries(card, covariates)};
}

/// The parameters of that individual, without the entries. Throws as `person`.
[[nodiscard]] inline Parameters<double> individual(const ModelCard& card, const Patient& patient) {
  return person(card, patient).parameters;
}

/// Whose course it is, and the names of the compartments that its entries belong to.
struct Whom {
  Individual person;
  std::vector<std::string> compartments;  ///< as `compartments_of` the card
  std::vector<std::size_t> places;        ///< as `places_of` it
};

[[nodiscard]] inline Whom whom(const ModelCard& card, const Patient& patient) {
  return {person(card, patient), compartments_of(card), places_of(card)};
}

}  // namespace ketpk
