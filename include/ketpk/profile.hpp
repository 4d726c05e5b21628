// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the curve where somebody asked for it. A profile is for showing; every summary and every limit looks
// at the continuous course instead.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "ketpk/time.hpp"

namespace ketpk {

/// The most instants one request may ask for.
inline constexpr std::size_t most_instants = 1'000'000;

/// Which instants to show: every `every` from 0 to `until`, or those of `at`. Nothing stated: none.
struct Observe {
  std::optional<Micros> every = {};
  std::vector<Micros> at = {};
  std::optional<Micros> until = {};
};

struct MetaboliteProfile {
  std::string name;
  std::vector<double> ng_per_mL;
};

/// Columns of one length, or empty where the model has no such curve.
struct Profile {
  std::vector<Micros> time;
  std::vector<double> plasma_ng_per_mL;
  std::vector<double> effect_site_ng_per_mL;
  std::vector<MetaboliteProfile> metabolites;
  std::vector<double> delivered_mg;
  std::vector<double> auc_ng_h_per_mL;
};

/// Samples of plasma for a drawing: evenly spaced from 0 to `until_min`, one per column.
struct Drawing {
  std::vector<double> plasma_ng_per_mL = {};
  double until_min = 0;
};

}  // namespace ketpk
