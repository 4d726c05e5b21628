// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the words of a judgement. A flag explains itself, a check says whether it could be made at all, and a
// verdict is never a bool: "no flag" and "not looked" are different answers.

#include <array>
#include <charconv>
#include <cmath>
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

namespace detail {

/// `x` rounded to `digits` significant decimal digits, 1 to 17.
[[nodiscard]] inline double rounded(double x, int digits) {
  if (!std::isfinite(x)) return x;
  std::array<char, 40> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::scientific, digits - 1).ptr;
  double back = x;
  std::from_chars(buffer.data(), end, back);
  return back;
}

/// A number for people: `digits` significant digits, no exponent between a millionth and 1e15, leading zero,
/// no trailing zero, no locale.
[[nodiscard]] inline std::string plain_text(double x, int digits) {
  if (!std::isfinite(x)) return "not a finite number";
  x = rounded(x, digits);
  if (x != 0 && !(std::abs(x) >= 1e-6 && std::abs(x) < 1e15)) return to_text(x);
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::fixed).ptr;
  return {buffer.data(), end};
}

/// Significant digits that people get to see of a value.
inline constexpr int shown_digits = 6;

/// `base` units of `u`'s dimension as text in `u`.
[[nodiscard]] inline std::string text_in(double base, const AnyUnit& u, int digits = shown_digits) {
  return plain_text(base * u.den / u.num, digits) + ' ' + std::string(u.name);
}

/// What was stated, every digit of it, in its own unit.
template <Dimension... Ds>
[[nodiscard]] std::string text_of(const Stated<Ds...>& q) {
  return plain_text(q.number(), 17) + ' ' + std::string(q.unit().name);
}

}  // namespace detail

}  // namespace ketpk
