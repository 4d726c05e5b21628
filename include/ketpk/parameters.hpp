// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the numbers of a compartment model, twice: as a card prints them (with unit, weight rule and source)
// and as one individual has them (plain, in L and min, generic in the scalar so that lanes can carry many).

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/error.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// A metabolite formed from what the parent eliminates, or another metabolite, with one or two compartments of its
/// own (q2 = 0: one).
template <class S = double>
struct MetaboliteParameters {
  S fraction;  ///< mg formed per mg eliminated of what it is formed from
  S v1_L, cl_L_per_min, q2_L_per_min, v2_L;
  std::optional<std::size_t> from = {};  ///< the metabolite, earlier in the list, it is formed from; none: the parent
  std::size_t transits = 0;  ///< compartments that what forms passes one after another before it is the metabolite
  S transit_per_min = {};    ///< what leaves each of them, number / mean transit time; without them it means nothing
};

/// A place that drug is absorbed from at first order: a nostril, a muscle, the gut, or one step of a chain of them.
template <class S = double>
struct DepotParameters {
  S ka_per_min;
  std::optional<std::size_t> into = {};  ///< the depot, later in the list, it empties into; none: the central one
};

/// Elimination from the central compartment that saturates: vmax C1 / (km + C1), beside the linear one.
template <class S = double>
struct SaturableElimination {
  S vmax_mg_per_min, km_mg_per_L;
};

/// A liver that eliminates what reaches it: it exchanges with plasma by blood flow, and loses for good. What goes by
/// `kmet` forms the metabolites that are formed from the parent.
template <class S = double>
struct LiverParameters {
  S q_L_per_min, v_L, kel_per_min, kmet_per_min;
};

/// One individual's mammillary model with one, two or three compartments. A compartment that is not there
/// has Q = 0; its volume is then 1 and means nothing.
template <class S = double>
struct Parameters {
  S v1_L, cl_L_per_min;
  S q2_L_per_min, v2_L;
  S q3_L_per_min, v3_L;
  std::optional<S> ke0_per_min = {};
  std::vector<MetaboliteParameters<S>> metabolites = {};
  std::vector<DepotParameters<S>> depots = {};
  std::optional<SaturableElimination<S>> saturable = {};  ///< with it, cl may be 0
  std::optional<LiverParameters<S>> liver = {};           ///< with it, cl is 0 and nothing saturates
};

/// Most depots of one model.
inline constexpr std::size_t most_depots = 16;

/// Most metabolites of one model.
inline constexpr std::size_t most_metabolites = 6;

/// Most depots, transit compartments and livers of one model together.
inline constexpr std::size_t most_waypoints = 16;

/// Where the places of a model stand in its network: depots, the liver if there is one, central, shallow and deep, then
/// for each metabolite its transit compartments and the two of its own, last the effect site if there is one. Nothing
/// else knows this.
struct Layout {
  std::size_t depots = 0;
  bool has_liver = false;
  std::vector<std::size_t> transits = {};  ///< of each metabolite

  [[nodiscard]] std::size_t liver() const noexcept { return depots; }
  [[nodiscard]] std::size_t central() const noexcept { return depots + (has_liver ? 1 : 0); }
  [[nodiscard]] std::size_t shallow() const noexcept { return central() + 1; }
  [[nodiscard]] std::size_t deep() const noexcept { return central() + 2; }
  /// One past the last place that holds parent.
  [[nodiscard]] std::size_t parent_end() const noexcept { return central() + 3; }
  /// The first place that what forms metabolite `k` gets into, a transit compartment or its own.
  [[nodiscard]] std::size_t way_to(std::size_t k) const noexcept {
    std::size_t place = parent_end();
    for (std::size_t i = 0; i < k; ++i) place += transits[i] + 2;
    return place;
  }
  [[nodiscard]] std::size_t metabolite(std::size_t k) const noexcept { return way_to(k) + transits[k]; }
  /// One past the last place that holds a metabolite, which is where an effect site stands.
  [[nodiscard]] std::size_t effect_site() const noexcept { return way_to(transits.size()); }
  /// The metabolite that holds `place`, or is formed through it. Meant for parent_end() <= place < effect_site().
  [[nodiscard]] std::size_t metabolite_at(std::size_t place) const noexcept {
    std::size_t k = 0;
    while (k + 1 < transits.size() && place >= way_to(k + 1)) ++k;
    return k;
  }
};

template <class S>
[[nodiscard]] Layout layout_of(const Parameters<S>& p) {
  Layout layout{.depots = p.depots.size(), .has_liver = p.liver.has_value()};
  for (const auto& m : p.metabolites) layout.transits.push_back(m.transits);
  return layout;
}

/// What leaves the parent for good by what is linear, as a clearance of plasma: CL, or of a liver of volume V that
/// loses k, Q k V / (Q + k V).
template <class S>
[[nodiscard]] S linear_clearance(const Parameters<S>& p) {
  if (!p.liver) return p.cl_L_per_min;
  const S cleared = (p.liver->kel_per_min + p.liver->kmet_per_min) * p.liver->v_L;
  return p.liver->q_L_per_min /
         (1 + p.liver->q_L_per_min / cleared);  // a product of two could be more than a number holds
}

/// Throws E_MODEL_PARAM(name) unless every Q >= 0, every fraction lies in 0-1.1 and everything else is
/// finite and > 0; beside a liver for CL that is not 0 and for elimination that saturates.
inline void validate(const Parameters<double>& p) {
  const auto positive = [](double x, std::string_view name) {
    require(std::isfinite(x) && x > 0, Code::model_param, name, "not a positive number; accepted: more than zero");
  };
  const auto not_negative = [](double x, std::string_view name) {
    require(std::isfinite(x) && x >= 0, Code::model_param, name,
            "not zero or a positive number; accepted: zero or more");
  };
  positive(p.v1_L, "V1");
  if (p.liver) {
    positive(p.liver->q_L_per_min, "Qh");
    positive(p.liver->v_L, "Vh");
    not_negative(p.liver->kel_per_min, "kel");
    not_negative(p.liver->kmet_per_min, "kmet");
    positive(p.liver->kel_per_min + p.liver->kmet_per_min, "kmet");
    require(p.cl_L_per_min == 0, Code::model_param, "CL", "beside a liver that eliminates; accepted: one of the two");
    require(!p.saturable, Code::model_param, "Vmax", "beside a liver that eliminates; accepted: one of the two");
  } else if (p.saturable)
    not_negative(p.cl_L_per_min, "CL");
  else
    positive(p.cl_L_per_min, "CL");
  not_negative(p.q2_L_per_min, "Q2");
  positive(p.v2_L, "V2");
  not_negative(p.q3_L_per_min, "Q3");
  positive(p.v3_L, "V3");
  if (p.ke0_per_min) positive(*p.ke0_per_min, "ke0");
  require(p.metabolites.size() <= most_metabolites, Code::size, "metabolites", "too many; accepted: up to 6");
  std::size_t waypoints = p.depots.size() + (p.liver ? 1 : 0);
  for (std::size_t i = 0; i < p.metabolites.size(); ++i) {
    const auto& m = p.metabolites[i];
    const std::string at = "metabolites[" + std::to_string(i) + "].";
    require(m.fraction >= 0 && m.fraction <= 1.1, Code::model_param, at + "fraction",
            "not a mass fraction; accepted: 0 to 1.1 mg formed per mg eliminated");
    positive(m.v1_L, at + "V1");
    positive(m.cl_L_per_min, at + "CL");
    not_negative(m.q2_L_per_min, at + "Q2");
    positive(m.v2_L, at + "V2");
    require(!m.from || *m.from < i, Code::model_param, at + "from",
            "not an earlier metabolite; accepted: the parent or a metabolite ahead of it in the list");
    require(m.transits <= most_waypoints, Code::size, at + "transits", "too many; accepted: up to 16");
    if (m.transits > 0) positive(m.transit_per_min, at + "MTT");
    waypoints += m.transits;
  }
  require(p.depots.size() <= most_depots, Code::size, "depots", "too many; accepted: up to 16");
  require(waypoints <= most_waypoints, Code::size, "metabolites",
          "too many transit compartments; accepted: up to 16 with depots and a liver counted");
  for (std::size_t i = 0; i < p.depots.size(); ++i) {
    const std::string at = "depots[" + std::to_string(i) + "].";
    positive(p.depots[i].ka_per_min, at + "ka");
    require(!p.depots[i].into || (*p.depots[i].into > i && *p.depots[i].into < p.depots.size()), Code::model_param,
            at + "into", "not a later depot; accepted: the central compartment or a depot after it in the list");
  }
  if (p.saturable) {
    positive(p.saturable->vmax_mg_per_min, "Vmax");
    positive(p.saturable->km_mg_per_L, "Km");
  }
}

/// Any dimension a model parameter may be printed in.
using StatedParameter = Stated<dim::volume, dim::volume_per_body, dim::flow, dim::flow_per_body, dim::rate_constant,
                               dim::rate, dim::dose_rate, dim::concentration, dim::time, dim::none>;

/// How a parameter follows a covariate x: value (x / reference)^coefficient, value (1 + coefficient (x - reference)),
/// value exp(coefficient (x - reference)), value times the factor of the level that x is, or, the coefficient in the
/// unit of the value, value + coefficient max(0, x - reference).
enum class CovariateForm : std::uint8_t { power, linear, exponential, levels, added_above };
inline constexpr std::array<std::string_view, 5> covariate_form_names{"power", "linear", "exponential", "levels",
                                                                      "added-above"};

struct CovariateLevel {
  double is, factor;
};

/// One covariate's effect on one parameter. Effects act one after another in the order of the card, each on what the
/// one before it left: all multiply, but added-above adds.
struct CovariateEffect {
  std::string covariate;  ///< the column of a data file: WT, AGE, SEX
  CovariateForm form;
  double reference = 0, coefficient = 0;    ///< of all but levels
  std::vector<CovariateLevel> levels = {};  ///< of levels; any other value is refused
  std::string source;
};

/// One parameter as a card prints it. Per-kg units scale with weight by themselves; otherwise the value
/// holds at `reference weight` and scales with (weight / reference)^weight_exponent.
struct CardParameter {
  /// CL V1 Q2 V2 Q3 V3, or V1 k10 k12 k21 k13 k31; Vmax and Km beside or instead of CL, Qh Vh kel kmet instead of it
  std::string name;
  StatedParameter value;
  double weight_exponent = 0;
  std::string source;
  std::vector<CovariateEffect> covariates = {};
};

/// What forms passes this many compartments, each emptied at their number / the mean transit time.
struct CardDelay {
  std::size_t transits;  ///< 1 or more
  CardParameter mtt;     ///< named MTT, a time
};

struct CardMetabolite {
  std::string name;
  double fraction;                        ///< mg formed per mg of parent eliminated
  std::vector<CardParameter> parameters;  ///< V1 CL, and Q2 V2 for a second compartment
  bool apparent = false;                  ///< volumes and clearances are apparent (divided by the true fraction)
  std::string source;
  std::string from = {};  ///< the metabolite it is formed from; empty: the parent
  std::optional<CardDelay> delay = {};
};

/// A place of absorption as a card prints it.
struct CardDepot {
  std::string name;
  CardParameter ka;       ///< a rate constant, named ka
  std::string into = {};  ///< another depot; empty: the central compartment
};

/// How what is given to one compartment gets in, as a card prints it. What is absent is 1, 0 and not modelled.
struct CardEntry {
  std::string compartment;                            ///< one of `compartments_of` the card
  std::optional<CardParameter> bioavailability = {};  ///< named F, dimensionless
  std::optional<CardParameter> lag = {};              ///< named lag, a time
  std::optional<CardParameter> duration =
      {};                                  ///< named duration, a time: how long an infusion of modelled duration takes
  std::optional<CardParameter> rate = {};  ///< named rate: of an infusion of modelled rate
};

/// An effect with a ceiling, as stated. Its values are in a unit of its own, which is named.
struct EmaxEffect {
  Stated<dim::concentration> ec50;  ///< half of the change
  double hill;
  double baseline, change;  ///< without drug; at most, below zero where the drug lowers it [effect_unit]
  std::string effect_unit;  ///< "mmHg", "%", "score"
  std::string source;
};

/// An effect in proportion, as stated: `change` at the concentration `at`, twice that at twice it.
struct LinearEffect {
  Stated<dim::concentration> at;
  double baseline, change;
  std::string effect_unit;
  std::string source;
};

/// What the drug does to an effect that turns over.
enum class Turnover : std::uint8_t { inhibit_build_up, inhibit_loss, stimulate_build_up, stimulate_loss };
inline constexpr std::array<std::string_view, 4> turnover_names{"inhibit-build-up", "inhibit-loss",
                                                                "stimulate-build-up", "stimulate-loss"};

/// How strongly, at a concentration C: most C^h / (c50^h + C^h); or in proportion, most C / c50, which can only
/// stimulate.
enum class Drive : std::uint8_t { saturable, linear };
inline constexpr std::array<std::string_view, 2> drive_names{"saturable", "linear"};

/// An indirect response, as stated. At rest it is what it was before any drug: build-up = kout times baseline.
struct TurnoverEffect {
  Turnover kind;
  Drive drive;
  Stated<dim::rate_constant> kout;
  double baseline;                 ///< at rest, > 0 [effect_unit]
  double most;                     ///< Imax (up to 1) or Smax
  Stated<dim::concentration> c50;  ///< half of most; where the drive is linear, all of it
  double hill;                     ///< 1 where the drive is linear
  std::string effect_unit;
  std::string source;
};

/// One effect of the drug, as a card prints it: what follows which concentration, and how.
struct CardEffect {
  std::string name;
  std::string of;  ///< plasma, effect_site, or a metabolite's name
  std::variant<EmaxEffect, LinearEffect, TurnoverEffect> form;
};

[[nodiscard]] inline const std::string& effect_unit_of(const CardEffect& e) noexcept {
  return std::visit([](const auto& form) -> const std::string& { return form.effect_unit; }, e.form);
}
[[nodiscard]] inline const std::string& effect_source_of(const CardEffect& e) noexcept {
  return std::visit([](const auto& form) -> const std::string& { return form.source; }, e.form);
}

/// `dissociation (points)`, the name of a column: an effect's unit is free text, so it stands apart from the name.
[[nodiscard]] inline std::string effect_header(std::string_view name, std::string_view unit) {
  return std::string(name) + " (" + std::string(unit) + ')';
}

/// Between-subject variability: value = typical exp(eta), the etas normal with variances `omega`.
struct Variability {
  /// The parameter of each eta: CL, ke0, gut.ka, gut.F, norketamine.CL, norketamine.MTT.
  std::vector<std::string> parameters;
  std::vector<double> omega;  ///< the *variance* matrix, row after row
  std::string source;
};

/// Residual error: variance of an observation = additive + proportional prediction^2.
struct ResidualError {
  double proportional_variance = 0;
  double additive_variance_mg2_per_L2 = 0;
  std::string source;
};

struct GoldenDose {
  std::string compartment;
  double amount_mg;
  Micros at, over;  ///< over = 0: at once
};

struct CovariateValue {
  std::string covariate;
  double value;
};

/// A value the card must reproduce: a concentration after a dose, or a quantity derived from its parameters.
struct GoldenValue {
  std::string quantity;  ///< plasma, effect_site, a metabolite's name; or one of `derived_quantities`
  double value;          ///< in `unit`
  AnyUnit unit;
  double tolerance_rel;
  double weight_kg;
  std::vector<CovariateValue> covariates = {};  ///< all that the card needs beside the weight
  std::vector<GoldenDose> doses = {};           ///< none for a derived quantity
  std::optional<Micros> at = {};
  std::string source;
};

/// What follows from the parameters alone, and may be golden. Exponents and their half-lives are counted from the
/// fastest; `half_life` is that of the slowest. With saturable elimination, k10 and what follows from it hold far
/// below Km. With a liver CL is what it clears plasma of, Vss is CL times the mean residence time in plasma, there is
/// no k10, and there is one exponent more.
inline constexpr std::array<std::string_view, 21> derived_quantities{
    "Vss",      "CL",       "V1",          "V2",          "V3",          "Q2",          "Q3",
    "k10",      "k12",      "k21",         "k13",         "k31",         "lambda_1",    "lambda_2",
    "lambda_3", "lambda_4", "half_life_1", "half_life_2", "half_life_3", "half_life_4", "half_life"};

/// What bioavailability does to an infusion: the amount (and with it the rate) changes and the duration stays; or, as
/// NONMEM has it, the rate stays and the duration changes. A modelled duration stays in both.
enum class InfusionBioavailability : std::uint8_t { keeps_duration, nonmem };
inline constexpr std::array<std::string_view, 2> infusion_bioavailability_names{"keeps-duration", "nonmem"};

/// Which interval a record's covariates govern: the one that ends at it (NONMEM), or the one that begins at it (last
/// observation carried forward).
enum class CovariateRule : std::uint8_t { nonmem, locf };
inline constexpr std::array<std::string_view, 2> covariate_rule_names{"nonmem", "locf"};

/// How a data file that goes with the card is read: the units of its columns and the conventions.
struct DataUnits {
  Unit<dim::time> time = unit::h;
  Unit<dim::drug> amount = unit::mg;
  Unit<dim::concentration> concentration = unit::ng_per_mL;
  InfusionBioavailability infusion_bioavailability = InfusionBioavailability::keeps_duration;
  CovariateRule covariate_rule = CovariateRule::nonmem;
};

/// Who a model was built on, as far as its source says. A bound that is absent was not stated.
struct Domain {
  std::string statement = "not-stated";
  std::optional<double> age_low_yr = {}, age_high_yr = {};
  std::optional<double> weight_low_kg = {}, weight_high_kg = {};
  std::string source = {};
  /// A group of people that nothing stated of a patient can place him in, "intensive-care patients": running the model
  /// for anybody is then to extrapolate. Empty where there is none.
  std::string only_for = {};

  [[nodiscard]] bool is_stated() const noexcept {
    return age_low_yr || age_high_yr || weight_low_kg || weight_high_kg || !only_for.empty();
  }
};

/// How far the numbers of a card may be trusted to be those of its paper. Not how well the model predicts.
enum class Confidence : std::uint8_t { not_stated, low, medium_low, medium, medium_high, high };
inline constexpr std::array<std::string_view, 6> confidence_names{"not-stated", "low",         "medium-low",
                                                                  "medium",     "medium-high", "high"};

/// A model with where every number comes from.
struct ModelCard {
  std::string id;
  std::string label;
  std::string citation;
  std::string doi;
  std::vector<Analyte> analytes;
  Site site = Site::not_stated;
  std::string population = "not-stated";
  Domain domain = {};
  std::vector<std::string> uncertainties = {};     ///< what is not known or disputed about it, one sentence each
  std::string corroboration = {};                  ///< how well the numbers are corroborated
  Confidence confidence = Confidence::not_stated;  ///< what that amounts to
  std::string not_for_use = {};  ///< why it is kept for comparison only and refused for every patient; empty: it is not
  double reference_weight_kg = 70;
  std::vector<CardParameter> parameters;
  std::optional<CardParameter> ke0 = {};  ///< never without a source
  std::vector<CardMetabolite> metabolites = {};
  std::vector<CardDepot> depots = {};
  std::vector<CardEntry> entries = {};
  std::vector<CardEffect> effects = {};  ///< never without a source of their own
  std::string effect_card = {};          ///< the study whose effect site and effects stand beside it
  std::size_t effects_of_study = 0;      ///< how many of `effects`, the last ones, are that study's
  std::string effect_source = {};        ///< the citation of that study
  bool effect_assumed_alike = false;     ///< that study was of another analyte than the model
  std::optional<Variability> variability = {};
  std::optional<ResidualError> residual_error = {};
  std::vector<GoldenValue> goldens = {};
  std::optional<DataUnits> data_units = {};  ///< due where a data file is read with the card
  std::string file = {};                     ///< the model file it was read from, JSON; empty for others
};

/// The names that a variance may belong to: CL, ke0, gut.ka, gut.F, norketamine.CL, norketamine.MTT.
[[nodiscard]] inline std::vector<std::string> names_of_etas(const ModelCard& card) {
  std::vector<std::string> names;
  for (const CardParameter& p : card.parameters) names.push_back(p.name);
  if (card.ke0) names.emplace_back("ke0");
  for (const CardDepot& d : card.depots) names.push_back(d.name + ".ka");
  for (const CardEntry& e : card.entries)
    for (const auto* p : {&e.bioavailability, &e.lag, &e.duration, &e.rate})
      if (*p) names.push_back(e.compartment + '.' + (*p)->name);
  for (const CardMetabolite& m : card.metabolites)
    for (const CardParameter& p : m.parameters) names.push_back(m.name + '.' + p.name);
  for (const CardMetabolite& m : card.metabolites)
    if (m.delay) names.push_back(m.name + ".MTT");
  return names;
}

/// L with L L' = `a`, row after row, each n long: what turns n independent normals into ones with these covariances.
/// Columns for variances of nothing are zero. None where some combination would vary less than not at all, beyond
/// rounding: where `a` is not positive semidefinite.
[[nodiscard]] inline std::optional<std::vector<double>> semidefinite_factor(std::vector<double> a, std::size_t n) {
  double largest = 0;
  for (const double x : a) largest = std::max(largest, std::abs(x));
  const double nothing = 1e-12 * largest;
  std::vector<double> factor(n * n);
  std::vector<bool> done(n, false);
  for (std::size_t step = 0; step < n; ++step) {
    std::size_t pivot = n;  // the largest variance that is left
    for (std::size_t i = 0; i < n; ++i)
      if (!done[i] && (pivot == n || a[i * n + i] > a[pivot * n + pivot])) pivot = i;
    const double d = a[pivot * n + pivot];
    if (!(d > nothing)) {
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
          if (!done[i] && !done[j] && !(std::abs(a[i * n + j]) <= nothing)) return std::nullopt;
      return factor;
    }
    const double root = std::sqrt(d);
    for (std::size_t i = 0; i < n; ++i)
      if (!done[i]) factor[i * n + step] = i == pivot ? root : a[i * n + pivot] / root;
    done[pivot] = true;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        if (!done[i] && !done[j]) a[i * n + j] -= factor[i * n + step] * factor[j * n + step];
  }
  return factor;
}

/// Whether no combination varies less than not at all, up to rounding.
[[nodiscard]] inline bool is_positive_semidefinite(std::vector<double> a, std::size_t n) {
  return semidefinite_factor(std::move(a), n).has_value();
}

/// Throws unless these are variances of parameters that the card states: E_MODEL_PARAM (a parameter it does not have;
/// a matrix that is not square, symmetric and positive semidefinite), E_FIELD_DUPLICATE, E_NONFINITE; in `field`.
inline void validate(const Variability& v, const ModelCard& card, const std::string& field) {
  const std::vector<std::string> known = names_of_etas(card);
  const std::size_t n = v.parameters.size();
  for (std::size_t i = 0; i < n; ++i) {
    const std::string at = field + ".parameters[" + std::to_string(i) + ']';
    const auto here = v.parameters.begin() + static_cast<std::ptrdiff_t>(i);
    require(std::find(known.begin(), known.end(), *here) != known.end(), Code::model_param, at,
            "a parameter the model does not have; accepted: one it states, as CL, gut.ka, gut.F, norketamine.CL or "
            "norketamine.MTT");
    require(std::find(v.parameters.begin(), here, *here) == here, Code::field_duplicate, at,
            "stands twice; accepted: each parameter once");
  }
  require(n > 0 && v.omega.size() == n * n, Code::model_param, field + ".omega",
          "not one row and one column for each parameter; accepted: a square matrix");
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      const std::string at = field + ".omega[" + std::to_string(i) + "][" + std::to_string(j) + ']';
      require(std::isfinite(v.omega[i * n + j]), Code::nonfinite, at, "not finite; accepted: a finite number");
      require(v.omega[i * n + j] == v.omega[j * n + i], Code::model_param, at,
              "another covariance than across the diagonal; accepted: a symmetric matrix");
    }
  require(is_positive_semidefinite(v.omega, n), Code::model_param, field + ".omega",
          "no matrix of variances, for some combination would vary less than not at all; accepted: a positive "
          "semidefinite matrix");
}

}  // namespace ketpk
