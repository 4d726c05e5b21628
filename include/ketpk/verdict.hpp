// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the words of a judgement. A flag explains itself, a check says whether it could be made at all, and a
// verdict is never a bool: "no flag" and "not looked" are different answers.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ketpk/quantity.hpp"

namespace ketpk {

enum class Severity : std::uint8_t { advisory, soft, hard };
/// What was left out is unevaluated, never passed.
enum class CheckOutcome : std::uint8_t { unevaluated, passed, flagged };

/// One thing that is out of range, explained.
struct Flag {
  std::string code;  ///< QUANTITY_HIGH, QUANTITY_LOW, LB_AS_KG, UNIT_SLIP, MODEL_EXTRAPOLATED …
  Severity severity;
  std::string quantity;    ///< the limit quantity, or what the slip is about
  std::string value;       ///< with its unit
  std::string limit = {};  ///< the bound that was crossed, with its unit; empty for a slip
  std::string limit_id = {};
  std::string source = {};
  std::optional<double> margin_rel = {};      ///< (value - bound) / bound; absent where the bound is zero
  std::optional<std::string> margin = {};     ///< value - bound with its unit
  std::optional<double> first_min = {};       ///< when it first happens, for curves and inputs
  std::optional<double> minutes = {};         ///< for how long
  std::string driver = {};                    ///< what drives it, one sentence
  std::optional<std::string> clears_at = {};  ///< nearest setting that clears it, all else fixed; no recommendation
};

/// One check that was made, or could not be.
struct Check {
  std::string id;  ///< the limit's id, or model-domain, slip:lb-as-kg …
  bool required;
  CheckOutcome outcome;
  std::string why = {};
};

/// Somebody's recorded decision to go on in spite of one flag. It changes no verdict.
struct Override {
  std::string flag;
  std::string reason;
  std::string by;
};

enum class VerdictKind : std::uint8_t { unevaluated, within_limits, soft, hard };

/// Never a bool: "no flag" and "not looked" are different answers.
struct Verdict {
  VerdictKind kind;
  operator bool() const = delete;  // NOLINT(google-explicit-constructor)
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

struct Assessment {
  Verdict verdict;
  std::string basis = "typical patient, no variability";
  std::vector<Check> checks;
  std::vector<Flag> flags;
  std::vector<Override> overrides = {};
  operator bool() const = delete;  // NOLINT(google-explicit-constructor)
};

}  // namespace ketpk
