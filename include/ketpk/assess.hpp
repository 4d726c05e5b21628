// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the judgement. Pure: it looks at what was ordered and at what the curve does, compares with limits,
// and lists every check that was made, passed or not, and every one that could not be made. It changes nothing.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ketpk/exposure.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/model.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/regimen.hpp"

namespace ketpk {

enum class Severity : std::uint8_t { advisory, soft, hard };
enum class CheckOutcome : std::uint8_t { passed, flagged, unevaluated };

/// One thing that is out of range, explained.
struct Flag {
  std::string code;      ///< QUANTITY_HIGH, QUANTITY_LOW, LB_AS_KG, UNIT_SLIP, MODEL_EXTRAPOLATED …
  Severity severity;
  std::string quantity;  ///< the limit quantity, or what the slip is about
  std::string value;     ///< with its unit
  std::string limit = {};     ///< the bound that was crossed, with its unit; empty for a slip
  std::string limit_id = {};
  std::string source = {};
  std::optional<double> margin_rel = {};       ///< (value - bound) / bound
  std::optional<std::string> margin = {};      ///< value - bound with its unit
  std::optional<double> first_min = {};        ///< when it first happens, for curves and inputs
  std::optional<double> minutes = {};          ///< for how long
  std::string driver = {};                     ///< what drives it, one sentence
  std::optional<std::string> clears_at = {};   ///< nearest setting that clears it, all else fixed; no recommendation
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

enum class VerdictKind : std::uint8_t { within_limits, soft, hard, unevaluated };

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

/// What an assessment looks at.
struct Evidence {
  const Patient& patient;
  const Order& order;
  const Regimen& regimen;
  const ModelCard& card;
  const Admission& admission;
  const Exposure& exposure;
};

/// `above(curve, level_ng_per_mL)` answers minutes above a level on the whole continuous course.
/// `limits` may be null: then nothing is within limits, and only the slips and the model are looked at.
template <class Above>
[[nodiscard]] Assessment assess(const Evidence& evidence, const Limits* limits, Above above);

}  // namespace ketpk
