// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a limit may say how often, in a cohort, it may be crossed. A share is known only as well as there are subjects,
// so it is judged by its 95 % interval: what the interval cannot decide stays unevaluated, and a limit that says
// nothing of how often is told as a share and never as a pass.

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ketpk/assess.hpp"
#include "ketpk/cohort.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/tally.hpp"
#include "ketpk/verdict.hpp"

namespace ketpk {

namespace detail {

/// `x` with that many decimals, or fewer where they would end in zeros.
[[nodiscard]] inline std::string with_decimals(double x, int decimals) {
  std::array<char, 64> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::fixed, decimals).ptr;
  std::string text(buffer.data(), end);
  if (text.find('.') != std::string::npos) text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text == "-0" ? "0" : text;
}

/// The decimals with which a percentage is told that is known to within `half_width` percent: one digit of that.
[[nodiscard]] inline int decimals_for(double half_width) {
  if (!(half_width > 0)) return 1;
  return std::clamp(static_cast<int>(std::ceil(-std::log10(half_width))), 0, 7);
}

}  // namespace detail

/// "7.1 % (6.9 to 7.3)": the share, and its 95 % interval.
[[nodiscard]] inline std::string share_text(const Proportion& p) {
  const int decimals = detail::decimals_for(50 * (p.high - p.low));
  return detail::with_decimals(100 * p.share, decimals) + " % (" + detail::with_decimals(100 * p.low, decimals) +
         " to " + detail::with_decimals(100 * p.high, decimals) + ')';
}

namespace detail {

/// PLASMA_PEAK_HIGH_PROBABILITY, _LOW_ where a limit has lower bounds only, and neither word where it has both.
[[nodiscard]] inline std::string probability_code(const Limit& limit) {
  std::string code(info(limit.quantity).name);
  std::transform(code.begin(), code.end(), code.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  const bool has_low = limit.hard_low || limit.soft_low, has_high = limit.soft_high || limit.hard_high;
  if (has_low != has_high) code += has_high ? "_HIGH" : "_LOW";
  return code + "_PROBABILITY";
}

[[nodiscard]] inline Flag probability_flag(const Limit& limit, Severity severity, const Proportion& share) {
  const double most = *limit.most_probability;
  Flag flag{.code = probability_code(limit),
            .severity = severity,
            .quantity = std::string(info(limit.quantity).name),
            .value = share_text(share),
            .limit = plain_text(100 * most, shown_digits) + " %",
            .limit_id = limit.id,
            .source = limit.source,
            .driver = std::to_string(share.hits) + " of " + std::to_string(share.of) + " subjects are beyond " +
                      (severity == Severity::hard ? "its hard bound" : "a bound of it") +
                      "; the whole 95 % interval of that share lies above the limit"};
  if (most > 0) flag.margin_rel = (share.share - most) / most;
  return flag;
}

/// What the shares of one limit mean for how often it may be crossed.
inline void judge_share(const Limit& limit, const LimitInCohort* counted, Assessment& a) {
  Check check{
      .id = limit.id, .required = limit.required && limit.most_probability, .outcome = CheckOutcome::unevaluated};
  if (counted == nullptr || !counted->beyond_soft || !counted->beyond_hard) {
    check.why = counted == nullptr || counted->why.empty() ? "nobody was counted" : counted->why;
  } else if (!limit.most_probability) {
    check.why = "states no largest probability; told as a share of subjects";
  } else {
    const double most = *limit.most_probability;
    const Proportion &any = *counted->beyond_soft, &hard = *counted->beyond_hard;
    if (hard.low > most || any.low > most) {
      check.outcome = CheckOutcome::flagged;
      const bool is_hard = hard.low > most;
      a.flags.push_back(probability_flag(limit, is_hard ? Severity::hard : Severity::soft, is_hard ? hard : any));
    } else if (hard.high <= most && any.high <= most) {
      check.outcome = CheckOutcome::passed;
    } else if (most == 0) {
      check.why = "nobody or too few crossed it, and no number of subjects can show that nobody ever does";
    } else {
      check.why = "the interval holds the limit; more subjects would decide";
    }
  }
  a.checks.push_back(std::move(check));
}

}  // namespace detail

/// Judges the shares of subjects that cross each limit. One check for each limit; those that state no largest
/// probability are never passed, and where none is judged the verdict is unevaluated. Hard where the interval of those
/// beyond a hard bound lies wholly above that probability, soft where that of those beyond any bound does.
[[nodiscard]] inline Assessment assess_cohort(const std::optional<Limits>& limits,
                                              const std::vector<LimitInCohort>& counted) {
  Assessment a{.verdict = {VerdictKind::unevaluated},
               .basis = "shares of a cohort with 95 % intervals",
               .checks = {},
               .flags = {}};
  if (!limits) return a;
  for (const Limit& limit : limits->limits) {
    const auto at = std::find_if(counted.begin(), counted.end(), [&](const auto& c) { return c.id == limit.id; });
    detail::judge_share(limit, at == counted.end() ? nullptr : &*at, a);
  }
  const bool is_any_judged = std::any_of(a.checks.begin(), a.checks.end(),
                                         [](const Check& c) { return c.outcome != CheckOutcome::unevaluated; });
  a.verdict = detail::verdict_of(a, is_any_judged);
  return a;
}

}  // namespace ketpk
