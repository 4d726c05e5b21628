// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what somebody accountable has configured as the range to stay in. There are no limits in the code;
// a set without an id, a version, dates, an approver and a source for each row is refused.

#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/error.hpp"
#include "ketpk/quantity.hpp"

namespace ketpk {

/// What a limit speaks of.
enum class LimitQuantity : std::uint8_t {
  weight, age, bmi, dose_per_weight, total_dose, rate_per_weight, bolus_per_weight, duration, bag_concentration,
  plasma_peak, effect_site_peak, time_above_level, sessions_interval, cumulative_dose_per_weight,
};

struct LimitQuantityInfo {
  std::string_view name;
  Dimension dimension;
  AnyUnit shown_in;        ///< the unit of values in flags and of the bounds held in `Limit`
  bool needs_hard_high;
  bool needs_site;
};

/// The table of the contract, in the order of the enum.
inline constexpr std::array<LimitQuantityInfo, 14> limit_quantities{{
    {"weight", dim::body, unit::kg, false, false},
    {"age", dim::age, unit::yr, false, false},
    {"bmi", dim::body_mass_index, unit::kg_per_m2, false, false},
    {"dose_per_weight", dim::dose, unit::mg_per_kg, true, false},
    {"total_dose", dim::drug, unit::mg, true, false},
    {"rate_per_weight", dim::dose_rate, unit::mg_per_kg_per_h, true, false},
    {"bolus_per_weight", dim::dose, unit::mg_per_kg, true, false},
    {"duration", dim::time, unit::min, false, false},
    {"bag_concentration", dim::concentration, unit::mg_per_mL, false, false},
    {"plasma_peak", dim::concentration, unit::ng_per_mL, false, true},
    {"effect_site_peak", dim::concentration, unit::ng_per_mL, false, false},
    {"time_above_level", dim::time, unit::min, false, true},
    {"sessions_interval", dim::time, unit::h, false, false},
    {"cumulative_dose_per_weight", dim::dose, unit::mg_per_kg, true, false},
}};

[[nodiscard]] constexpr const LimitQuantityInfo& info(LimitQuantity q) noexcept {
  return limit_quantities[static_cast<std::size_t>(q)];
}

/// A bound as stated, in any dimension a limit can have.
using StatedBound = Stated<dim::body, dim::age, dim::body_mass_index, dim::dose, dim::drug, dim::dose_rate, dim::time,
                           dim::concentration>;

/// The bound as a number of base units of its dimension (mg, kg, L, m, min, yr).
[[nodiscard]] inline double base_value(const StatedBound& b) noexcept { return b.number() * b.unit().num / b.unit().den; }

struct Limit {
  std::string id;
  LimitQuantity quantity;
  std::optional<StatedBound> hard_low = {}, soft_low = {}, soft_high = {}, hard_high = {};
  bool required;
  std::string source;
  std::optional<Site> site = {};                          ///< for plasma_peak and time_above_level
  std::optional<Stated<dim::concentration>> level = {};   ///< for time_above_level
  std::optional<Stated<dim::time>> window = {};           ///< for cumulative_dose_per_weight
};

enum class LimitsStatus : std::uint8_t { approved, example };

struct Limits {
  std::string id;
  std::string version;
  LimitsStatus status;
  std::string approver;
  std::chrono::year_month_day effective, expires;
  std::vector<Limit> limits;
  std::string sha256 = {};  ///< of the bytes that were read, lower-case hex; empty for limits made in code
};

/// Throws unless the set may be used on `as_of`, with field `limits…`:
/// E_FIELD_MISSING (id, version, source, site, level), E_LIMITS_UNAPPROVED (no approver), E_FIELD_DUPLICATE
/// (two rows of one id), E_LIMITS_ORDER, E_LIMITS_MISSING (no bound, or no hard_high where it is due),
/// E_UNIT_MISMATCH, E_NONFINITE, E_RANGE (a negative bound), E_LIMITS_NOT_YET, E_LIMITS_STALE.
void validate(const Limits& limits, std::chrono::year_month_day as_of);

}  // namespace ketpk
