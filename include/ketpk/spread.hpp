// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: published models disagree more than patients do, and one curve hides it. Here is the same question put to
// several models, and what their answers amount to side by side. Blood drawn from an artery and from a vein are two
// quantities, so sampling sites are never put together.

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/error.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/result.hpp"
#include "ketpk/verdict.hpp"

namespace ketpk {

/// Everything that is asked of several models alike.
struct SpreadRequest {
  Request each;                   ///< its model is taken from `models`, one after the other
  std::vector<ModelCard> models;  ///< each id once
};

/// A model that does not answer for this patient and order.
struct RefusedModel {
  ModelCard card;
  Code code;
  std::string field, message;  ///< as `InvalidInput` has them
};

/// One number over several models. The median of an even count is the mean of the middle two.
struct Range {
  double lowest, median, highest;
  std::size_t lowest_of, highest_of;  ///< the first of `Spread::results` that has it
};

/// Who raises a flag, and who of those that were asked could have.
struct FlagCount {
  std::string code;
  Severity severity;                 ///< the worst it was raised with
  std::vector<std::size_t> results;  ///< of `Spread::results`
};

/// A required check that some models could not make.
struct OpenCheck {
  std::string id;
  std::vector<std::size_t> results;
};

/// The models of one sampling site.
struct SiteSpread {
  Site site;
  std::vector<std::size_t> results;  ///< of `Spread::results`, in its order
  Range cmax_ng_per_mL, tmax_min, auc_inf_ng_h_per_mL;
  std::vector<Range> minutes_above;                         ///< of each level asked
  std::vector<double> lowest_ng_per_mL, highest_ng_per_mL;  ///< plasma at the instants of the profiles
  std::vector<FlagCount> flags;                             ///< in the order in which they first appear
  std::vector<OpenCheck> open;                              ///< likewise
  /// Groups of results whose cards have one DOI: one set of data told more than once, not more evidence.
  std::vector<std::vector<std::size_t>> same_source;
};

/// The answers of all models that admit the patient and the order.
struct Spread {
  std::vector<Result> results;  ///< in the order of the request's models
  std::vector<RefusedModel> refused;
  std::vector<SiteSpread> sites;  ///< arterial, venous, not stated; only those that there are
};

namespace detail {

/// The range of `number` over the results at `members`, of which there is at least one.
template <class Number>
[[nodiscard]] Range range_of(const std::vector<Result>& results, const std::vector<std::size_t>& members,
                             Number number) {
  std::vector<double> sorted;
  sorted.reserve(members.size());
  Range range{number(results[members.front()]), 0, number(results[members.front()]), members.front(), members.front()};
  for (const std::size_t i : members) {
    const double x = number(results[i]);
    sorted.push_back(x);
    if (x < range.lowest) range.lowest = x, range.lowest_of = i;
    if (x > range.highest) range.highest = x, range.highest_of = i;
  }
  std::sort(sorted.begin(), sorted.end());
  const std::size_t n = sorted.size();
  range.median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  return range;
}

inline void count_flags(const Result& r, std::size_t i, SiteSpread& site) {
  for (const Flag& f : r.assessment.flags) {
    auto at = std::find_if(site.flags.begin(), site.flags.end(), [&](const FlagCount& c) { return c.code == f.code; });
    if (at == site.flags.end()) at = site.flags.insert(at, {f.code, f.severity, {}});
    at->severity = std::max(at->severity, f.severity);
    if (at->results.empty() || at->results.back() != i) at->results.push_back(i);
  }
  for (const Check& c : r.assessment.checks) {
    if (!c.required || c.outcome != CheckOutcome::unevaluated) continue;
    auto at = std::find_if(site.open.begin(), site.open.end(), [&](const OpenCheck& o) { return o.id == c.id; });
    if (at == site.open.end()) at = site.open.insert(at, {c.id, {}});
    at->results.push_back(i);
  }
}

[[nodiscard]] inline std::vector<std::vector<std::size_t>> same_source(const std::vector<Result>& results,
                                                                       const std::vector<std::size_t>& members) {
  std::vector<std::vector<std::size_t>> groups;
  for (const std::size_t i : members) {
    const std::string& doi = results[i].inputs.model.doi;
    if (doi.empty() || doi == "not-stated") continue;
    const auto same = [&](const std::vector<std::size_t>& g) { return results[g.front()].inputs.model.doi == doi; };
    const auto at = std::find_if(groups.begin(), groups.end(), same);
    if (at == groups.end())
      groups.push_back({i});
    else
      at->push_back(i);
  }
  std::erase_if(groups, [](const std::vector<std::size_t>& g) { return g.size() < 2; });
  return groups;
}

}  // namespace detail

/// What the results of one sampling site amount to. All were asked the same, so their profiles have the same instants.
[[nodiscard]] inline SiteSpread site_spread(const std::vector<Result>& results, Site site) {
  SiteSpread out{.site = site,
                 .results = {},
                 .cmax_ng_per_mL = {},
                 .tmax_min = {},
                 .auc_inf_ng_h_per_mL = {},
                 .minutes_above = {},
                 .lowest_ng_per_mL = {},
                 .highest_ng_per_mL = {},
                 .flags = {},
                 .open = {},
                 .same_source = {}};
  for (std::size_t i = 0; i < results.size(); ++i)
    if (results[i].inputs.model.site == site) out.results.push_back(i);
  if (out.results.empty()) return out;
  const auto over = [&](auto number) { return detail::range_of(results, out.results, number); };
  out.cmax_ng_per_mL = over([](const Result& r) { return r.summary.plasma.ng_per_mL; });
  out.tmax_min = over([](const Result& r) { return r.summary.plasma.min; });
  out.auc_inf_ng_h_per_mL = over([](const Result& r) { return r.summary.auc_inf_ng_h_per_mL; });
  for (std::size_t k = 0; k < results[out.results.front()].time_above.size(); ++k)
    out.minutes_above.push_back(over([k](const Result& r) { return r.time_above[k].minutes; }));
  out.lowest_ng_per_mL = out.highest_ng_per_mL = results[out.results.front()].profile.plasma_ng_per_mL;
  for (const std::size_t i : out.results) {
    const std::vector<double>& plasma = results[i].profile.plasma_ng_per_mL;
    for (std::size_t t = 0; t < plasma.size(); ++t) {
      out.lowest_ng_per_mL[t] = std::min(out.lowest_ng_per_mL[t], plasma[t]);
      out.highest_ng_per_mL[t] = std::max(out.highest_ng_per_mL[t], plasma[t]);
    }
    detail::count_flags(results[i], i, out);
  }
  out.same_source = detail::same_source(results, out.results);
  return out;
}

}  // namespace ketpk
