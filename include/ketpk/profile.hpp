// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the curve where somebody asked for it. A profile is for showing; every summary and every limit looks
// at the continuous course instead.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ketpk/error.hpp"
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

namespace detail {

/// The instants somebody wants to see. Throws E_RANGE, E_TIME_ORDER, E_FIELD_MISSING or E_SIZE, field observe….
[[nodiscard]] inline std::vector<Micros> observed_instants(const Observe& observe) {
  constexpr std::string_view span = "outside the supported course; accepted: 0 to 400 d";
  if (observe.until)
    require(observe.until->count() >= 0 && *observe.until <= horizon_limit, Code::range, "observe.until", span);
  std::vector<Micros> out;
  if (observe.every) {
    require(observe.at.empty(), Code::field_unknown, "observe.at", "stated beside every; accepted: one of the two");
    require(observe.every->count() > 0, Code::range, "observe.every", "no step; accepted: more than zero");
    require(observe.until.has_value(), Code::field_missing, "observe.until",
            "not stated; accepted: a time such as 4 h");
    require(*observe.until / *observe.every < static_cast<std::int64_t>(most_instants), Code::size, "observe.every",
            "too many instants; accepted: up to 1000000");
    for (Micros t{0}; t <= *observe.until; t += *observe.every) out.push_back(t);
    return out;
  }
  require(observe.at.size() <= most_instants, Code::size, "observe.at", "too many instants; accepted: up to 1000000");
  for (std::size_t i = 0; i < observe.at.size(); ++i) {
    const std::string field = "observe.at[" + std::to_string(i) + "]";
    require(observe.at[i].count() >= 0 && observe.at[i] <= horizon_limit, Code::range, field, span);
    require(i == 0 || observe.at[i] >= observe.at[i - 1], Code::time_order, field,
            "earlier than the one ahead of it; accepted: instants in order of time");
  }
  return observe.at;
}

}  // namespace detail

}  // namespace ketpk
