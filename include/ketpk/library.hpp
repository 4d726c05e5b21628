// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the published models, each with where its numbers come from and what is not known about them. Where a
// source was not seen, the card says `not-stated`; nothing is filled in from memory. No card has an effect-site
// constant: those in circulation belong to other endpoints or were guessed.
//
// Names: the number of a flow is that of the compartment it reaches, 2 the shallow and 3 the deep one or, where
// a card keeps the paper's order, the first and second peripheral. Weight rules stand beside each parameter;
// values per kg scale by themselves, all others hold at 70 kg.

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/error.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/time.hpp"

namespace ketpk::library {

namespace detail {

/// Half a milligram per kg, given evenly over 40 min: what plasma is at `minute`, printed to whole `step`s. Computed
/// for the literature review behind this library by a matrix exponential in NumPy, from the same parameters.
struct ProtocolPoint {
  double ng_per_mL, step;
  int minute;
  double weight_kg = 70;
};

[[nodiscard]] inline GoldenValue protocol_value(const ProtocolPoint& point, std::string quantity = "plasma") {
  using std::chrono::minutes;
  return {.quantity = std::move(quantity),
          .value = point.ng_per_mL,
          .unit = unit::ng_per_mL,
          .tolerance_rel = point.step / 2 / point.ng_per_mL,
          .weight_kg = point.weight_kg,
          .doses = {{"central", point.weight_kg / 2, Micros{0}, minutes{40}}},
          .at = minutes{point.minute},
          .source =
              "matrix exponential of the same parameters, computed independently in NumPy for the literature "
              "review behind this library; half a unit of the last digit printed"};
}

/// What follows from the parameters at 70 kg, printed to whole `step`s.
struct DerivedPoint {
  std::string quantity;
  double value, step;
  AnyUnit unit;
  std::string source;
};

[[nodiscard]] inline GoldenValue derived_value(DerivedPoint point) {
  return {.quantity = std::move(point.quantity),
          .value = point.value,
          .unit = point.unit,
          .tolerance_rel = point.step / 2 / point.value,
          .weight_kg = 70,
          .source = std::move(point.source)};
}

inline constexpr std::string_view review =
    "eigenvalues of the same parameters, computed independently in NumPy for the literature review behind this library";

/// Two transcriptions of Kamp 2020 into code; the parameter table of the paper itself was not seen.
inline constexpr std::string_view kamp_source =
    "Kamp 2020, doi 10.1097/ALN.0000000000003577, as transcribed by SimTIVA (pharmacology.js, 3dbe036) and "
    "independently by opentiva (ketamine.py, a181499)";

/// Kamp 2020 with the weight exponent `flows` on clearances; volumes scale with weight^1 in both transcriptions.
[[nodiscard]] inline ModelCard kamp(std::string id, std::string label, double flows, const std::string& rule) {
  const std::string source(kamp_source);
  const std::string flow_source = source + "; " + rule;
  return {.id = std::move(id),
          .label = std::move(label),
          .citation =
              "Kamp J et al. Ketamine Pharmacokinetics: A Systematic Review of the Literature, Meta-analysis, and "
              "Population Analysis. Anesthesiology 2020;133(6):1192-1213",
          .doi = "10.1097/ALN.0000000000003577",
          .analytes = {Analyte::racemic_ketamine},
          .site = Site::arterial,
          .population = "14 raw data sets, composition not seen; racemic and enantiomer data pooled",
          .domain = {},
          .uncertainties =
              {"The weight exponent of the clearances is disputed: SimTIVA uses 0.75, opentiva 1; the paper's table "
               "was not seen.",
               rule + ".",
               "The paper's two venous delay compartments are left out because their parameters were not found, so the "
               "curve is "
               "arterial: it ran 59 % above venous blood at the end of a 30-min infusion (89 against 56 ng/mL).",
               "Between-subject variability and residual error were not found.",
               "The typical ages and weights behind the model were not seen, so no domain is stated."},
          .corroboration =
              "typical values: two independent code transcriptions agree; structure and meta-analysis: publisher's "
              "abstract; parameter table of the paper not seen",
          .reference_weight_kg = 70,
          .parameters = {{"V1", {25, unit::L}, 1, source},
                         {"V2", {56, unit::L}, 1, source},
                         {"V3", {157, unit::L}, 1, source},
                         {"CL", {84, unit::L_per_h}, flows, flow_source},
                         {"Q2", {161, unit::L_per_h}, flows, flow_source},
                         {"Q3", {79, unit::L_per_h}, flows, flow_source}},
          .goldens = {protocol_value({253, 1, 40}), protocol_value({96, 1, 60}), protocol_value({50, 1, 120}),
                      protocol_value({25.6, 0.1, 240}),
                      derived_value({"half_life", 3.06, 0.01, unit::h, std::string(review)})},
          .data_units = DataUnits{}};
}

[[nodiscard]] inline ModelCard kamp2020() {
  ModelCard card = kamp("kamp2020", "Kamp 2020 pooled, arterial", 0.75,
                        "The exponent 0.75 on clearances is an assumption of this card (SimTIVA's choice)");
  for (const ProtocolPoint& point : {ProtocolPoint{236, 1, 40, 45}, {268, 1, 40, 100}, {279, 1, 40, 130}})
    card.goldens.push_back(protocol_value(point));
  return card;
}

[[nodiscard]] inline ModelCard kamp2020_linear() {
  ModelCard card = kamp("kamp2020-linear", "Kamp 2020 pooled, arterial, everything linear in weight", 1,
                        "The exponent 1 on clearances is an assumption of this card (opentiva's choice)");
  for (const ProtocolPoint& point : {ProtocolPoint{253, 1, 40, 45}, {253, 1, 40, 100}, {253, 1, 40, 130}})
    card.goldens.push_back(protocol_value(point));
  return card;
}

[[nodiscard]] inline ModelCard otto2021() {
  const std::string parent =
      "Fanta 2015 (doi 10.1007/s00228-015-1826-y) as fixed in Otto 2021, Table 3, transcribed by nlmixr2lib "
      "(Otto_2021_s_ketamine.R)";
  const std::string metabolite =
      "Otto 2021, Table 3 and supplement, transcribed by nlmixr2lib (Otto_2021_s_ketamine.R)";
  return {
      .id = "otto2021",
      .label = "Otto 2021 / Fanta 2015, S-ketamine with S-norketamine",
      .citation =
          "Otto ME et al. Eur J Clin Pharmacol 2021;77:1181-1192; S-ketamine typical values fixed from Fanta S et al. "
          "Eur J Clin Pharmacol 2015;71:441-447",
      .doi = "10.1007/s00228-021-03104-1",
      .analytes = {Analyte::s_ketamine},
      .site = Site::venous,
      .population =
          "Otto: 48 healthy adults (26 men), mean 23 yr, 68 (SD 7.2) and 71.3 (SD 8.5) kg; Fanta: 11 healthy men, "
          "22.3 (SD 2.4) yr, 77 (SD 7.5) kg",
      .domain = {.statement = "healthy adults, 18 yr or older",
                 .age_low_yr = 18,
                 .source =
                     "Otto 2021, doi 10.1007/s00228-021-03104-1: healthy adult volunteers; no other bound is stated"},
      .uncertainties =
          {"Built on S-ketamine alone; a racemic order is only run if the enantiomers are assumed alike.",
           "Peripheral volumes and flows are not scaled with weight, as transcribed.",
           "All clearance is taken to form S-norketamine without molar conversion, so the volumes and clearances of "
           "S-norketamine are apparent.",
           "Built on 10 mg over 30 min and on stepped 2-h infusions in young adults near 70 kg.",
           "The paper's own tables were seen only as transcribed, except the table of designs."},
      .corroboration =
          "one curated transcription that cites Table 3 line by line; the clearance of 95 L/h per 70 kg also stands "
          "in the abstract of Fanta 2015",
      .reference_weight_kg = 70,
      .parameters = {{"V1", {133, unit::L}, 1, parent},
                     {"CL", {95.2, unit::L_per_h}, 0.75, parent},
                     {"V2", {187, unit::L}, 0, parent},
                     {"Q2", {23.2, unit::L_per_h}, 0, parent},
                     {"V3", {98.8, unit::L}, 0, parent},
                     {"Q3", {157, unit::L_per_h}, 0, parent}},
      .metabolites = {{.name = "s-norketamine",
                       .fraction = 1.0,
                       .parameters = {{"V1", {98.638, unit::L}, 1, metabolite},
                                      {"CL", {57.72, unit::L_per_h}, 0.75, metabolite},
                                      {"V2", {160.04, unit::L}, 0, metabolite},
                                      {"Q2", {42.778, unit::L_per_h}, 0, metabolite}},
                       .apparent = true,
                       .source = metabolite}},
      .goldens = {protocol_value({158, 1, 40}), protocol_value({104, 1, 60}), protocol_value({55, 1, 120}),
                  protocol_value({25.2, 0.1, 240}), protocol_value({135, 1, 40, 45}), protocol_value({184, 1, 40, 130}),
                  protocol_value({74, 1, 80}, "s-norketamine"),
                  derived_value({"half_life", 7.37, 0.01, unit::h, std::string(review)})},
      .data_units = DataUnits{}};
}

[[nodiscard]] inline ModelCard domino1984() {
  const std::string source =
      "Domino 1984 as transcribed by stanpumpR (drugs_ketamine.R), SimTIVA, opentiva and fus_anes; probably one "
      "lineage";
  const std::string pinned = "stanpumpR's unit tests at 70 kg (tests/testthat/test-drugs-ketamine.R)";
  return {.id = "domino1984",
          .label = "Domino, as used in target-controlled infusion software",
          .citation = "Domino EF et al. Clin Pharmacol Ther 1984;36(5):645-653, as cited by stanpumpR (PMID 6488686)",
          .doi = "not-stated",
          .analytes = {Analyte::racemic_ketamine},
          .site = Site::not_stated,
          .population = "not-stated",
          .domain = {},
          .uncertainties =
              {"The citation is in conflict: stanpumpR names PMID 6488686 (1984), opentiva PMID 7198883 (1982).",
               "The paper was not seen, so population, sampling site and domain are not stated.",
               "The transcriptions differ in the fourth digit: k10 0.438 or 0.4381, k12 0.592 or 0.5921 per min.",
               "After an infusion it runs low: observed venous values lay 58 to 75 % above it (median).",
               "No effect-site constant is carried: 0.238 per min (Navarrete 2025) was estimated with this model for "
               "an endpoint under "
               "general anaesthesia, and others in circulation were guessed."},
          .corroboration =
              "four code transcriptions agree, with published unit-test values at 70 kg; original paper not seen",
          .reference_weight_kg = 70,
          .parameters = {{"V1", {0.063, unit::L_per_kg}, 0, source},
                         {"k10", {0.438, unit::per_min}, 0, source},
                         {"k12", {0.592, unit::per_min}, 0, source},
                         {"k21", {0.247, unit::per_min}, 0, source},
                         {"k13", {0.590, unit::per_min}, 0, source},
                         {"k31", {0.0146, unit::per_min}, 0, source}},
          .goldens = {derived_value({"V2", 10.56972, 1e-5, unit::L, pinned}),
                      derived_value({"V3", 178.2123, 1e-4, unit::L, pinned}),
                      derived_value({"CL", 1.93158, 1e-5, unit::L_per_min, pinned}),
                      derived_value({"Q2", 2.61072, 1e-5, unit::L_per_min, pinned}),
                      derived_value({"Q3", 2.6019, 1e-4, unit::L_per_min, pinned}), protocol_value({240, 1, 40}),
                      protocol_value({55, 1, 60}), protocol_value({17.3, 0.1, 240}),
                      derived_value({"half_life", 1.91, 0.01, unit::h, std::string(review)})},
          .data_units = DataUnits{}};
}

[[nodiscard]] inline ModelCard clements1981() {
  const std::string source =
      "Clements and Nimmo 1981, doi 10.1093/bja/53.1.27, the 250 mcg/kg data as transcribed by opentiva (ketamine.py, "
      "a181499)";
  return {
      .id = "clements1981",
      .label = "Clements and Nimmo 1981, 250 mcg/kg data",
      .citation = "Clements JA, Nimmo WS. Br J Anaesth 1981;53(1):27",
      .doi = "10.1093/bja/53.1.27",
      .analytes = {Analyte::racemic_ketamine},
      .site = Site::not_stated,
      .population = "not-stated",
      .domain = {},
      .uncertainties =
          {"Seen in one code transcription only; the paper was not seen, so population, sampling site and domain are "
           "not stated.",
           "The set for 125 mcg/kg was not found.",
           "Other values called Clements that circulate in public code match no source that was found."},
      .corroboration = "one code transcription",
      .reference_weight_kg = 70,
      .parameters = {{"V1", {1.7522, unit::L_per_kg}, 0, source},
                     {"k10", {0.0109, unit::per_min}, 0, source},
                     {"k12", {0.0186, unit::per_min}, 0, source},
                     {"k21", {0.0137, unit::per_min}, 0, source}},
      .goldens = {protocol_value({177, 1, 40}), protocol_value({115, 1, 60}), protocol_value({59, 1, 120}),
                  protocol_value({34.6, 0.1, 240}),
                  derived_value({"CL", 19.1, 0.1, unit::mL_per_min_per_kg, std::string(review)}),
                  derived_value({"Vss", 4.13, 0.01, unit::L_per_kg, std::string(review)}),
                  derived_value({"half_life", 3.05, 0.01, unit::h, std::string(review)})},
      .data_units = DataUnits{}};
}

[[nodiscard]] inline ModelCard herd2007() {
  const std::string source =
      "Herd and Anderson 2007, doi 10.1111/j.1460-9592.2006.02145.x, abstract; also transcribed by opentiva "
      "(ketamine.py, a181499)";
  const std::string rule = "; exponent as transcribed by opentiva";
  return {
      .id = "herd2007",
      .label = "Herd and Anderson 2007, children",
      .citation =
          "Herd D, Anderson BJ. Ketamine disposition in children presenting for procedural sedation and analgesia in a "
          "children's emergency department. Paediatr Anaesth 2007;17:622-629",
      .doi = "10.1111/j.1460-9592.2006.02145.x",
      .analytes = {Analyte::racemic_ketamine},
      .site = Site::not_stated,
      .population =
          "54 children, 188 observations, 8.3 (SD 3.5) yr, 32.5 (SD 15.6) kg; 1 to 1.5 mg/kg intravenously, sampled "
          "from "
          "14 to 152 min",
      .domain =
          {.statement = "children of 1 to 14 yr and 10.8 to 74.8 kg",
           .age_low_yr = 1,
           .age_high_yr = 14,
           .weight_low_kg = 10.8,
           .weight_high_kg = 74.8,
           .source =
               "opentiva (ketamine.py, a181499), a third-party transcription; the paper's own ranges were not seen"},
      .uncertainties = {"Sampling ended at 152 min, so the terminal half-life is too short.",
                        "The sampling site was not seen.",
                        "The bounds of the domain and the exponents come from a third-party transcription.",
                        "The parent's flow between the compartments is called Q in the paper and Q2 here."},
      .corroboration = "values in the paper's abstract and in one code transcription",
      .reference_weight_kg = 70,
      .parameters = {{"V1", {38.7, unit::L}, 1, source + rule},
                     {"V2", {102, unit::L}, 1, source + rule},
                     {"CL", {90, unit::L_per_h}, 0.75, source + rule},
                     {"Q2", {215, unit::L_per_h}, 0.75, source + rule}},
      .goldens = {protocol_value({253, 1, 40}), protocol_value({119, 1, 60}), protocol_value({68, 1, 120}),
                  protocol_value({24.2, 0.1, 240}),
                  derived_value({"half_life", 1.34, 0.01, unit::h, std::string(review)})},
      .data_units = DataUnits{}};
}

}  // namespace detail

/// The built-in cards by their ids. A card is made when it is asked for; nothing is kept.
inline constexpr std::array<std::pair<std::string_view, ModelCard (*)()>, 6> shelf{
    {{"kamp2020", detail::kamp2020},
     {"kamp2020-linear", detail::kamp2020_linear},
     {"otto2021", detail::otto2021},
     {"domino1984", detail::domino1984},
     {"clements1981", detail::clements1981},
     {"herd2007", detail::herd2007}}};

/// All built-in cards.
[[nodiscard]] inline std::vector<ModelCard> cards() {
  std::vector<ModelCard> all;
  all.reserve(shelf.size());
  for (const auto& [id, card] : shelf) all.push_back(card());
  return all;
}

/// The card called `wanted`. Throws E_MODEL_UNKNOWN(model), naming the ids there are.
[[nodiscard]] inline ModelCard find(std::string_view wanted) {
  std::string ids;
  for (const auto& [id, card] : shelf) {
    if (id == wanted) return card();
    ids += (ids.empty() ? "" : ", ") + std::string(id);
  }
  throw InvalidInput(Code::model_unknown, "model", "no built-in model of that name; accepted: " + ids);
}

}  // namespace ketpk::library
