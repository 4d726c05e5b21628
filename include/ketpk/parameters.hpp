// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the numbers of a compartment model, twice: as a card prints them (with unit, weight rule and source)
// and as one individual has them (plain, in L and min, generic in the scalar so that lanes can carry many).

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/error.hpp"
#include "ketpk/quantity.hpp"

namespace ketpk {

/// A metabolite formed from what the parent eliminates, with one or two compartments of its own (q2 = 0: one).
template <class S = double>
struct MetaboliteParameters {
  S fraction;  ///< mg formed per mg of parent eliminated
  S v1_L, cl_L_per_min, q2_L_per_min, v2_L;
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
};

/// Most metabolites of one model.
inline constexpr std::size_t most_metabolites = 6;

/// Throws E_MODEL_PARAM(name) unless every Q >= 0, every fraction lies in 0-1.1 and everything else is
/// finite and > 0.
inline void validate(const Parameters<double>& p) {
  const auto positive = [](double x, std::string_view name) {
    require(std::isfinite(x) && x > 0, Code::model_param, name, "not a positive number; accepted: more than zero");
  };
  const auto not_negative = [](double x, std::string_view name) {
    require(std::isfinite(x) && x >= 0, Code::model_param, name,
            "not zero or a positive number; accepted: zero or more");
  };
  positive(p.v1_L, "V1");
  positive(p.cl_L_per_min, "CL");
  not_negative(p.q2_L_per_min, "Q2");
  positive(p.v2_L, "V2");
  not_negative(p.q3_L_per_min, "Q3");
  positive(p.v3_L, "V3");
  if (p.ke0_per_min) positive(*p.ke0_per_min, "ke0");
  require(p.metabolites.size() <= most_metabolites, Code::size, "metabolites", "too many; accepted: up to 6");
  for (std::size_t i = 0; i < p.metabolites.size(); ++i) {
    const auto& m = p.metabolites[i];
    const std::string at = "metabolites[" + std::to_string(i) + "].";
    require(m.fraction >= 0 && m.fraction <= 1.1, Code::model_param, at + "fraction",
            "not a mass fraction; accepted: 0 to 1.1 mg formed per mg eliminated");
    positive(m.v1_L, at + "V1");
    positive(m.cl_L_per_min, at + "CL");
    not_negative(m.q2_L_per_min, at + "Q2");
    positive(m.v2_L, at + "V2");
  }
}

/// Any dimension a model parameter may be printed in.
using StatedParameter =
    Stated<dim::volume, dim::volume_per_body, dim::flow, dim::flow_per_body, dim::rate_constant, dim::none>;

/// One parameter as a card prints it. Per-kg units scale with weight by themselves; otherwise the value
/// holds at `reference weight` and scales with (weight / reference)^weight_exponent.
struct CardParameter {
  std::string name;  ///< CL V1 Q2 V2 Q3 V3, or V1 k10 k12 k21 k13 k31
  StatedParameter value;
  double weight_exponent = 0;
  std::string source;
};

struct CardMetabolite {
  std::string name;
  double fraction;                        ///< mg formed per mg of parent eliminated
  std::vector<CardParameter> parameters;  ///< V1 CL, and Q2 V2 for a second compartment
  bool apparent = false;                  ///< volumes and clearances are apparent (divided by the true fraction)
  std::string source;
};

/// Who a model was built on, as far as its source says. A bound that is absent was not stated.
struct Domain {
  std::string statement = "not-stated";
  std::optional<double> age_low_yr = {}, age_high_yr = {};
  std::optional<double> weight_low_kg = {}, weight_high_kg = {};
  std::string source = {};

  [[nodiscard]] bool is_stated() const noexcept { return age_low_yr || age_high_yr || weight_low_kg || weight_high_kg; }
};

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
  std::vector<std::string> uncertainties = {};  ///< what is not known or disputed about it, one sentence each
  std::string corroboration = {};               ///< how well the numbers are corroborated
  double reference_weight_kg = 70;
  std::vector<CardParameter> parameters;
  std::optional<CardParameter> ke0 = {};  ///< never without a source
  std::vector<CardMetabolite> metabolites = {};
};

}  // namespace ketpk
