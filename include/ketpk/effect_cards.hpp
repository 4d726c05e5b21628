// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: published effect-site constants differ sixty-fold, because they belong to other endpoints, other people and
// other models of the concentration. So none is part of a model here. Each study is a card of its own, with what it
// stated and what it did not, and is put beside a model only where somebody asks for it by name.

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/error.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/quantity.hpp"

namespace ketpk {

/// How fast an effect site follows, as the study printed it: a rate constant, or its half-life.
struct StatedKe0 {
  std::variant<Stated<dim::rate_constant>, Stated<dim::time>> stated;
  std::string source;

  [[nodiscard]] double per_min() const {
    if (const auto* rate = std::get_if<Stated<dim::rate_constant>>(&stated)) return rate->in(unit::per_min);
    return std::numbers::ln2 / std::get<Stated<dim::time>>(stated).in(unit::min);
  }
};

/// A number of a study that is no complete effect by itself.
struct EffectNumber {
  std::string name;  ///< C50, ANI without drug
  StatedParameter value;
  std::string range = {};  ///< as printed: "95 % CI 90 to 157 ng/mL"
  std::string source;
};

/// What one study says of an effect.
struct EffectCard {
  std::string id;
  std::string label;
  std::string citation;
  std::string doi;
  std::string endpoint;
  std::string population;
  std::vector<Analyte> analytes;  ///< whose concentration the effect follows
  std::string estimated_with;     ///< the concentrations that it was estimated with
  std::optional<StatedKe0> ke0 = {};
  std::vector<CardEffect> effects = {};  ///< those that are stated completely
  std::vector<EffectNumber> numbers = {};
  std::vector<std::string> uncertainties = {};
  std::string corroboration;
  Confidence confidence = Confidence::not_stated;
  std::string not_for_use = {};  ///< as a model card has it
};

/// The model with the effect site and the effects of a study beside it, which its uncertainties then say.
/// Throws with `field`: E_MODEL_PARAM for a card that is not for use, that has nothing to put beside a model, or beside
/// a model that has an effect site already; E_MODEL_ANALYTE where the study was of another analyte than the model,
/// unless the enantiomers are assumed alike.
[[nodiscard]] inline ModelCard with_effects(ModelCard model, const EffectCard& study, const Allowances& allowances,
                                            std::string_view field = "effect_card") {
  require(study.not_for_use.empty(), Code::model_param, field,
          "not for use: " + study.not_for_use + "; accepted: another card");
  require(study.ke0 || !study.effects.empty(), Code::model_param, field,
          "states neither an effect site nor a complete effect; accepted: one that does");
  require(model.effect_card.empty(), Code::model_param, field, "beside another effect card; accepted: one");
  require(!study.ke0 || !model.ke0, Code::model_param, field,
          "beside a model that has an effect site already; accepted: one effect site");
  const bool is_same = std::any_of(study.analytes.begin(), study.analytes.end(), [&](Analyte a) {
    return std::find(model.analytes.begin(), model.analytes.end(), a) != model.analytes.end();
  });
  require(is_same || allowances.assume_enantiomers_alike, Code::model_analyte, field,
          "of another analyte than the model; accepted: one of the model's, or assume_enantiomers_alike");
  if (study.ke0)
    model.ke0 = CardParameter{.name = "ke0",
                              .value = {study.ke0->per_min(), unit::per_min},
                              .weight_exponent = 0,
                              .source = study.ke0->source};
  model.effect_card = study.id;
  model.effects_of_study = study.effects.size();
  model.effect_assumed_alike = !is_same;
  model.effects.insert(model.effects.end(), study.effects.begin(), study.effects.end());
  const bool is_its_own = study.estimated_with == model.id;
  model.uncertainties.push_back(
      "The effect site and effects are those of " + study.id + ", for " + study.endpoint + ", estimated with " +
      (is_its_own ? std::string("this model") : study.estimated_with + ", not with this model") +
      (is_same ? "." : ", and of another analyte."));
  model.uncertainties.insert(model.uncertainties.end(), study.uncertainties.begin(), study.uncertainties.end());
  model.effect_source = study.citation;
  return model;
}

namespace library {

namespace detail {

[[nodiscard]] inline EffectCard olofsen2022() {
  const std::string source = "Olofsen 2022, doi 10.1097/ALN.0000000000004176, abstract";
  return {.id = "olofsen2022",
          .label = "S-ketamine, antinociception and external perception",
          .citation = "Olofsen E et al. Anesthesiology 2022, doi 10.1097/ALN.0000000000004176",
          .doi = "10.1097/ALN.0000000000004176",
          .endpoint = "pressure pain and external perception",
          .population = "17 healthy men",
          .analytes = {Analyte::s_ketamine},
          .estimated_with = "the study's own concentrations",
          .ke0 = StatedKe0{Stated<dim::time>(8.3, unit::min), source + ": half-life 8.3 min (95 % CI 5.1 to 13.0)"},
          .numbers = {{"C50",
                       {121, unit::ng_per_mL},
                       "95 % CI 0.38 to 0.66 nmol/mL",
                       source + ": 0.51 nmol/mL, times 237.73 g/mol"}},
          .uncertainties = {"The slope of the effect and its baseline were not seen, so no effect is computed.",
                            "R-ketamine had no effect; S-norketamine a small opposite one."},
          .corroboration = "the publisher's abstract in two places",
          .confidence = Confidence::high};
}

[[nodiscard]] inline EffectCard olofsen2012() {
  const std::string source = "Olofsen 2012, Anesthesiology 117:353, abstract";
  const std::string unit_of_pain = "cm of a visual scale";
  return {.id = "olofsen2012",
          .label = "S-ketamine and S-norketamine, pain rating",
          .citation = "Olofsen E et al. Anesthesiology 2012;117(2):353",
          .doi = "not-stated",
          .endpoint = "pain rating, as a change from no drug",
          .population = "12 healthy men, S-ketamine 20 mg/h for 2 h, with and without rifampicin",
          .analytes = {Analyte::s_ketamine},
          .estimated_with = "the study's own concentrations",
          .ke0 = StatedKe0{Stated<dim::time>(6.1, unit::min), source + ": half-life 0 to 11.8 min, mean 6.1"},
          .effects = {{"pain_change", "effect_site",
                       LinearEffect{Stated<dim::concentration>(100, unit::ng_per_mL), 0, -3.8, unit_of_pain,
                                    source + ": -3.8 cm at 100 ng/mL"}}},
          .numbers = {{"S-norketamine that adds 1.5 cm", {50, unit::ng_per_mL}, "", source}},
          .uncertainties = {"Linear and without an end, so it holds near 100 ng/mL only.",
                            "S-norketamine worked against it, by 1.5 cm at 50 ng/mL; that is left out here."},
          .corroboration = "the publisher's abstract",
          .confidence = Confidence::medium};
}

[[nodiscard]] inline EffectCard navarrete2025() {
  const std::string source = "Navarrete 2025, J Clin Monit Comput 39(2):349-354, doi 10.1007/s10877-024-01240-4";
  return {.id = "navarrete2025",
          .label = "racemic ketamine, analgesia nociception index under general anaesthesia",
          .citation = "Navarrete et al. J Clin Monit Comput 2025;39(2):349-354",
          .doi = "10.1007/s10877-024-01240-4",
          .endpoint = "the analgesia nociception index under general anaesthesia",
          .population = "20 adults under general anaesthesia, 0.1 mg/kg at once",
          .analytes = {Analyte::racemic_ketamine},
          .estimated_with = "domino1984",
          .ke0 = StatedKe0{Stated<dim::rate_constant>(0.238, unit::per_min),
                           source + ": 0.238 per min (95 % CI 0.20 to 0.28)"},
          .numbers = {{"index without drug", {38.5, unit::one}, "", source},
                      {"index at most", {53.5, unit::one}, "", source},
                      {"time of the peak after a dose at once", {1.83, unit::min}, "SD 0.74", source}},
          .uncertainties = {"The concentration of half the effect was not seen, so no effect is computed.",
                            "Estimated with Domino's concentrations, which run low after an infusion."},
          .corroboration = "the abstract, and one code transcription of the constant",
          .confidence = Confidence::medium_high};
}

[[nodiscard]] inline EffectCard simons2022_pd() {
  const std::string source = "Simons 2022, doi 10.3389/fpain.2022.946487, abstract; times 237.73 g/mol";
  return {.id = "simons2022-pd",
          .label = "S-ketamine, antinociception and drug high",
          .citation = "Simons P et al. Front Pain Res 2022, doi 10.3389/fpain.2022.946487",
          .doi = "10.3389/fpain.2022.946487",
          .endpoint = "antinociception and drug high",
          .population = "not seen; S-ketamine by oral thin film",
          .analytes = {Analyte::s_ketamine},
          .estimated_with = "simons2022",
          .numbers = {{"C50 of drug high", {71, unit::ng_per_mL}, "0.3 nmol/mL", source},
                      {"C50 of antinociception, lowest", {285, unit::ng_per_mL}, "1.2 nmol/mL", source},
                      {"C50 of antinociception, highest", {404, unit::ng_per_mL}, "1.7 nmol/mL", source}},
          .uncertainties = {"The effect-site constant, slope and baselines were not seen, so nothing can be computed.",
                            "Metabolites did not contribute."},
          .corroboration = "the abstract in two places",
          .confidence = Confidence::medium};
}

[[nodiscard]] inline EffectCard dahan2011() {
  const std::string source = "Dahan 2011, abstract (PMID 20638877)";
  return {.id = "dahan2011",
          .label = "S-ketamine, chronic pain",
          .citation = "Dahan et al. 2011 (PMID 20638877)",
          .doi = "not-stated",
          .endpoint = "pain of complex regional pain syndrome, over weeks",
          .population = "patients with complex regional pain syndrome, S-ketamine for 100 h",
          .analytes = {Analyte::s_ketamine},
          .estimated_with = "the study's own concentrations",
          .numbers = {{"C50", {10.5, unit::ng_per_mL}, "SE 4.8, 95 % CI 4.37 to 21.2", source},
                      {"half-life of onset and offset", {10.9, unit::d}, "SE 4.0, 95 % CI 5.3 to 20.5 d", source}},
          .uncertainties = {"An onset and offset over days is no effect site, and its model was not seen whole."},
          .corroboration = "the abstract in two places",
          .confidence = Confidence::medium};
}

[[nodiscard]] inline EffectCard herd2008() {
  const std::string source = "Herd 2008, Paediatr Anaesth 18:36-42, abstract";
  return {
      .id = "herd2008",
      .label = "racemic ketamine, sedation in children",
      .citation = "Herd et al. Paediatr Anaesth 2008;18:36-42",
      .doi = "not-stated",
      .endpoint = "sedation of children in an emergency department",
      .population = "children, 1 to 1.5 mg/kg at once",
      .analytes = {Analyte::racemic_ketamine},
      .estimated_with = "herd2007",
      .ke0 = StatedKe0{Stated<dim::time>(11, unit::s), source + ": half-life 11 s (95 % CI 0.07 to 20)"},
      .effects = {{"sedation_score", "effect_site",
                   EmaxEffect{Stated<dim::concentration>(0.56, unit::mg_per_L), 3.71, 5, -4.695, "points",
                              source + ": E0 5, Emax 0.939, EC50 0.56 mg/L (CV 136 %), Hill 3.71"}}},
      .numbers = {{"EC50 of arousal", {0.52, unit::mg_per_L}, "", source},
                  {"EC50 of recall", {0.44, unit::mg_per_L}, "", source},
                  {"EC50 of remembering", {0.38, unit::mg_per_L}, "", source}},
      .uncertainties = {"Of children at anaesthetic concentrations, several times those of a low dose.",
                        "Emax is read as the fraction by which the score falls from E0; the equation was not seen."},
      .corroboration = "the abstract",
      .confidence = Confidence::medium};
}

[[nodiscard]] inline EffectCard biogears() {
  const std::string source = "BioGears share/data/substances/Ketamine.xml";
  return {.id = "biogears",
          .label = "values of a physiology engine",
          .citation = "BioGearsEngine/core, share/data/substances/Ketamine.xml",
          .doi = "not-stated",
          .endpoint = "sedation, pressure and rate in a simulation engine",
          .population = "none",
          .analytes = {Analyte::racemic_ketamine},
          .estimated_with = "nothing",
          .ke0 = StatedKe0{Stated<dim::rate_constant>(3, unit::per_min), source},
          .uncertainties = {"No value names a paper."},
          .corroboration = "one file, without a citation for any value",
          .confidence = Confidence::low,
          .not_for_use = "its values were set by engineers and estimated from nothing"};
}

}  // namespace detail

/// The effect cards by their ids.
inline constexpr std::array<std::pair<std::string_view, EffectCard (*)()>, 7> effect_shelf{
    {{"olofsen2022", detail::olofsen2022},
     {"olofsen2012", detail::olofsen2012},
     {"navarrete2025", detail::navarrete2025},
     {"simons2022-pd", detail::simons2022_pd},
     {"dahan2011", detail::dahan2011},
     {"herd2008", detail::herd2008},
     {"biogears", detail::biogears}}};

/// All of them.
[[nodiscard]] inline std::vector<EffectCard> effect_cards() {
  std::vector<EffectCard> all;
  all.reserve(effect_shelf.size());
  for (const auto& [id, card] : effect_shelf) all.push_back(card());
  return all;
}

/// The effect card called `wanted`. Throws E_MODEL_UNKNOWN(`field`), naming the ids there are.
[[nodiscard]] inline EffectCard find_effect(std::string_view wanted, std::string_view field = "effect_card") {
  std::string ids;
  for (const auto& [id, card] : effect_shelf) {
    if (id == wanted) return card();
    ids += (ids.empty() ? "" : ", ") + std::string(id);
  }
  throw InvalidInput(Code::model_unknown, std::string(field), "no effect card of that name; accepted: " + ids);
}

}  // namespace library

}  // namespace ketpk
