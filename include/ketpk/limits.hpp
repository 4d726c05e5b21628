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
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/error.hpp"
#include "ketpk/quantity.hpp"

namespace ketpk {

/// What a limit speaks of.
enum class LimitQuantity : std::uint8_t {
  weight,
  age,
  bmi,
  dose_per_weight,
  total_dose,
  rate_per_weight,
  bolus_per_weight,
  duration,
  bag_concentration,
  plasma_peak,
  effect_site_peak,
  time_above_level,
  sessions_interval,
  cumulative_dose_per_weight,
};

struct LimitQuantityInfo {
  std::string_view name;
  Dimension dimension;
  AnyUnit shown_in;  ///< the unit of values in flags and of the bounds held in `Limit`
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
[[nodiscard]] inline double base_value(const StatedBound& b) noexcept {
  return detail::scaled(b.number(), b.unit().num, b.unit().den);
}

struct Limit {
  std::string id;
  LimitQuantity quantity;
  std::optional<StatedBound> hard_low = {}, soft_low = {}, soft_high = {}, hard_high = {};
  bool required;
  std::string source;
  std::optional<Site> site = {};                         ///< for plasma_peak and time_above_level
  std::optional<Stated<dim::concentration>> level = {};  ///< for time_above_level
  std::optional<Stated<dim::time>> window = {};          ///< for cumulative_dose_per_weight
  /// The largest acceptable probability, in a cohort, that its bounds are crossed; one patient is judged by the bounds.
  std::optional<double> most_probability = {};
};

enum class LimitsStatus : std::uint8_t { example, approved };
inline constexpr std::array<std::string_view, 2> limits_status_names{"example", "approved"};

struct Limits {
  std::string id;
  std::string version;
  LimitsStatus status;
  std::string approver;
  std::chrono::year_month_day effective, expires;
  std::vector<Limit> limits;
  std::string sha256 =
      {};  ///< of the file's bytes, lower-case hex; inside a session, of their compact JSON; empty if made in code
};

/// Comparisons at a bound: the bound itself is inside, and so is what differs from it by rounding.
inline constexpr double bound_tolerance_rel = 1e-9;

/// False for NaN on either side.
[[nodiscard]] constexpr bool at_most(double x, double bound) noexcept {
  return x <= bound + bound_tolerance_rel * (bound < 0 ? -bound : bound);
}
[[nodiscard]] constexpr bool at_least(double x, double bound) noexcept {
  return x >= bound - bound_tolerance_rel * (bound < 0 ? -bound : bound);
}

/// Which bound of a limit a value crosses.
struct Breach {
  bool above;        ///< an upper bound
  bool beyond_hard;  ///< of the two on that side, the hard one
  StatedBound bound;
};

/// The outermost bound that `value` (base units of the limit's dimension) crosses, if it crosses one. A value
/// that is no number crosses every bound.
[[nodiscard]] inline std::optional<Breach> breach_of(const Limit& limit, double value) {
  if (limit.hard_high && !at_most(value, base_value(*limit.hard_high))) return Breach{true, true, *limit.hard_high};
  if (limit.hard_low && !at_least(value, base_value(*limit.hard_low))) return Breach{false, true, *limit.hard_low};
  if (limit.soft_high && !at_most(value, base_value(*limit.soft_high))) return Breach{true, false, *limit.soft_high};
  if (limit.soft_low && !at_least(value, base_value(*limit.soft_low))) return Breach{false, false, *limit.soft_low};
  return std::nullopt;
}

namespace detail {

[[nodiscard]] inline bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

inline void require_in_force(const Limits& limits, std::chrono::year_month_day as_of) {
  require(as_of.ok(), Code::range, "as_of", "no day of the calendar; accepted: a date such as 2026-11-21");
  require(limits.effective.ok(), Code::range, "limits.effective",
          "no day of the calendar; accepted: a date such as 2026-01-01");
  require(limits.expires.ok(), Code::range, "limits.expires",
          "no day of the calendar; accepted: a date such as 2030-01-01");
  require(limits.effective <= limits.expires, Code::range, "limits.expires",
          "before the set takes effect; accepted: the effective day or a later one");
  require(as_of >= limits.effective, Code::limits_not_yet, "limits.effective",
          "the set is not yet in force on the day it was asked for; accepted: an effective day up to that day");
  require(as_of <= limits.expires, Code::limits_stale, "limits.expires",
          "the set had expired on the day it was asked for; accepted: a last day not before that day");
}

/// A quantity that a row needs beside its bounds: there, finite and more than zero.
template <Dimension D>
void require_positive(const std::optional<Stated<D>>& stated, const std::string& field, std::string_view example) {
  const std::string accepted = "; accepted: more than zero, such as " + std::string(example);
  require(stated.has_value(), Code::field_missing, field, "due for this quantity" + accepted);
  require(std::isfinite(stated->number()), Code::nonfinite, field, "not finite" + accepted);
  require(stated->number() > 0, Code::range, field, "nothing to compare with" + accepted);
}

inline void validate_bounds(const Limit& limit, const std::string& row) {
  struct Named {
    std::string_view name;
    const std::optional<StatedBound>& bound;
  };
  const std::array<Named, 4> in_order{{{".hard_low", limit.hard_low},
                                       {".soft_low", limit.soft_low},
                                       {".soft_high", limit.soft_high},
                                       {".hard_high", limit.hard_high}}};
  const StatedBound* below = nullptr;
  for (const auto& [name, bound] : in_order) {
    if (!bound) continue;
    const std::string field = row + std::string(name);
    require(
        bound->unit().dimension == info(limit.quantity).dimension, Code::unit_mismatch, field,
        "a unit of another dimension; accepted: " + std::string(info(limit.quantity).shown_in.name) + " and its kin");
    require(std::isfinite(bound->number()), Code::nonfinite, field, "not finite; accepted: zero or more");
    require(bound->number() >= 0, Code::range, field, "a negative bound; accepted: zero or more");
    require(below == nullptr || at_most(base_value(*below), base_value(*bound)), Code::limits_order, field,
            "lies under a bound it must not lie under; accepted: hard_low <= soft_low <= soft_high <= hard_high");
    below = &*bound;
  }
  require(below != nullptr, Code::limits_missing, row,
          "no bound; accepted: at least one of hard_low, soft_low, soft_high, hard_high");
  require(limit.hard_high || !info(limit.quantity).needs_hard_high, Code::limits_missing, row + ".hard_high",
          "not stated; accepted: a bound (dose, rate and bolus limits have one, never an endless one)");
}

inline void validate_row(const Limit& limit, const std::string& row) {
  require(!is_blank(limit.id), Code::field_missing, row + ".id", "empty; accepted: a name of its own");
  require(!is_blank(limit.source), Code::field_missing, row + ".source", "empty; accepted: where the bounds come from");
  validate_bounds(limit, row);
  require(!info(limit.quantity).needs_site || limit.site.value_or(Site::not_stated) != Site::not_stated,
          Code::field_missing, row + ".site", "due for this quantity; accepted: arterial, venous");
  if (limit.quantity == LimitQuantity::time_above_level) require_positive(limit.level, row + ".level", "100 ng/mL");
  if (limit.quantity == LimitQuantity::cumulative_dose_per_weight)
    require_positive(limit.window, row + ".window", "7 d");
  if (limit.most_probability)
    require(*limit.most_probability >= 0 && *limit.most_probability < 1, Code::range, row + ".max_probability",
            "not a probability that a cohort can keep; accepted: 0 or more and less than 1, such as 0.05");
}

}  // namespace detail

/// Throws unless the set may be used on `as_of`, with field `limits…`:
/// E_FIELD_MISSING (id, version, source, site, level, window), E_LIMITS_UNAPPROVED (no approver), E_FIELD_DUPLICATE
/// (two rows of one id), E_LIMITS_ORDER, E_LIMITS_MISSING (no row, no bound, or no hard_high where it is due),
/// E_UNIT_MISMATCH, E_NONFINITE, E_RANGE (a negative bound, a probability outside 0 to 1, no such day),
/// E_LIMITS_NOT_YET, E_LIMITS_STALE.
/// Both the effective and the expiry day are in force.
inline void validate(const Limits& limits, std::chrono::year_month_day as_of) {
  require(!detail::is_blank(limits.id), Code::field_missing, "limits.id", "empty; accepted: a name");
  require(!detail::is_blank(limits.version), Code::field_missing, "limits.version", "empty; accepted: a version");
  require(!detail::is_blank(limits.approver), Code::limits_unapproved, "limits.approver",
          "empty; accepted: who answers for the set");
  require(!limits.limits.empty(), Code::limits_missing, "limits.limits", "no row; accepted: at least one limit");
  std::set<std::string_view> ids;
  for (std::size_t i = 0; i < limits.limits.size(); ++i) {
    const std::string row = "limits.limits[" + std::to_string(i) + "]";
    detail::validate_row(limits.limits[i], row);
    require(ids.insert(limits.limits[i].id).second, Code::field_duplicate, row + ".id",
            "two rows of one id; accepted: an id of its own for each row");
  }
  detail::require_in_force(limits, as_of);
}

}  // namespace ketpk
