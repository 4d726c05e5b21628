// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: peaks, crossings and areas are facts about the continuous curve; an output grid hides them.

#include <optional>
#include <vector>

namespace ketpk {

/// The highest point of a curve and when it is first reached (tmax: the earliest local maximum within 1e-9
/// relative of the highest one).
struct Peak {
  double ng_per_mL;
  double min;
};

/// Minutes strictly above a level, and when that first happens.
struct TimeAbove {
  double threshold_ng_per_mL;
  double minutes;
  std::optional<double> first_min;  ///< absent if never above
};

struct MetaboliteExposure {
  Peak peak;
  double auc_inf_ng_h_per_mL;
};

/// What the whole course amounts to, from 0 on and without end.
struct Exposure {
  Peak plasma;
  double auc_inf_ng_h_per_mL;
  double delivered_mg;
  double terminal_half_life_min;  ///< of the slowest mode present in parent plasma
  std::optional<Peak> effect_site;
  std::vector<MetaboliteExposure> metabolites;  ///< in the order of the model
};

}  // namespace ketpk
