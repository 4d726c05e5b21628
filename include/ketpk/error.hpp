// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: there are three kinds of no and they must never be mixed. Invalid input throws `InvalidInput`
// and leaves no result. Numerical trouble is a value, `Trouble`, that carries no numbers of a curve.
// Clinical concern is a `Flag` in a result (assess.hpp). This header holds the first two.

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#ifdef __FAST_MATH__
#error "ketpk relies on NaN, infinity and the order of sums; build without -ffast-math"
#endif

namespace ketpk {

/// Every error code of the contract; `name_of` gives its text.
enum class Code : std::uint8_t {
  usage,
  parse,
  type,
  unit_missing,
  unit_unknown,
  unit_mismatch,
  nonfinite,
  range,
  field_missing,
  field_unknown,
  field_duplicate,
  schema_version,
  size,
  depth,
  encoding,
  columns,
  time_order,
  time_zone,
  overlap,
  segment,
  state,
  stale,
  duplicate_session,
  weight_mismatch,
  model_unknown,
  model_analyte,
  model_domain,
  model_param,
  limits_order,
  limits_missing,
  limits_stale,
  limits_not_yet,
  limits_unapproved,
  limits_hash,
  profile_unknown,
  tolerance,
  solver,
  solver_maxsteps,
  internal_check,
  arg,
  nomem,
  io,
};

/// The contract's spelling of a code, `E_RANGE` for example.
[[nodiscard]] constexpr std::string_view name_of(Code code) noexcept {
  constexpr std::array<std::string_view, 42> names{"E_USAGE",
                                                   "E_PARSE",
                                                   "E_TYPE",
                                                   "E_UNIT_MISSING",
                                                   "E_UNIT_UNKNOWN",
                                                   "E_UNIT_MISMATCH",
                                                   "E_NONFINITE",
                                                   "E_RANGE",
                                                   "E_FIELD_MISSING",
                                                   "E_FIELD_UNKNOWN",
                                                   "E_FIELD_DUPLICATE",
                                                   "E_SCHEMA_VERSION",
                                                   "E_SIZE",
                                                   "E_DEPTH",
                                                   "E_ENCODING",
                                                   "E_COLUMNS",
                                                   "E_TIME_ORDER",
                                                   "E_TIME_ZONE",
                                                   "E_OVERLAP",
                                                   "E_SEGMENT",
                                                   "E_STATE",
                                                   "E_STALE",
                                                   "E_DUPLICATE_SESSION",
                                                   "E_WEIGHT_MISMATCH",
                                                   "E_MODEL_UNKNOWN",
                                                   "E_MODEL_ANALYTE",
                                                   "E_MODEL_DOMAIN",
                                                   "E_MODEL_PARAM",
                                                   "E_LIMITS_ORDER",
                                                   "E_LIMITS_MISSING",
                                                   "E_LIMITS_STALE",
                                                   "E_LIMITS_NOT_YET",
                                                   "E_LIMITS_UNAPPROVED",
                                                   "E_LIMITS_HASH",
                                                   "E_PROFILE_UNKNOWN",
                                                   "E_TOLERANCE",
                                                   "E_SOLVER",
                                                   "E_SOLVER_MAXSTEPS",
                                                   "E_INTERNAL_CHECK",
                                                   "E_ARG",
                                                   "E_NOMEM",
                                                   "E_IO"};
  return names[static_cast<std::size_t>(code)];
}

/// Input that cannot be used. `field` is a path such as `patient.weight` or `order[2].over`;
/// `message` says what is wrong and, after a semicolon, what is accepted. It never repeats a value
/// of an identifying or free-text field.
class InvalidInput : public std::runtime_error {
 public:
  InvalidInput(Code which, std::string where, std::string what_and_accepted)
      : std::runtime_error(std::string(name_of(which)) + ' ' + where + ": " + what_and_accepted),
        code(which),
        field(std::move(where)),
        message(std::move(what_and_accepted)) {}

  Code code;
  std::string field;
  std::string message;
};

/// A calculation that did not finish, or whose two roads disagree. It carries no curve.
struct Trouble {
  Code code;            ///< solver, solver_maxsteps or internal_check
  std::string where;    ///< the solver or the check
  std::string message;  ///< what happened, with the time where one is known [min]
};

/// A value, or the trouble that stood in its way.
template <class T>
using Attempt = std::variant<T, Trouble>;

/// Throws `InvalidInput{code, field, message}` unless `holds`. Write the condition so that NaN fails.
inline void require(bool holds, Code code, std::string_view field, std::string_view message) {
  if (!holds) throw InvalidInput(code, std::string(field), std::string(message));
}

}  // namespace ketpk
