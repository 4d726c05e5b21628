// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: published models disagree more than patients do, and one curve hides it. Here is the same question put to
// several models, and what their answers amount to side by side. Blood drawn from an artery and from a vein are two
// quantities, so sampling sites are never put together.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/effect.hpp"
#include "ketpk/error.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/result.hpp"
#include "ketpk/trajectory.hpp"
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

/// Who raises a flag, and how many of those that were asked could have.
struct FlagCount {
  std::string code;
  std::string quantity;              ///< of the limit, or what else the flag is about
  Severity severity;                 ///< the worst it was raised with, at any site
  std::vector<std::size_t> results;  ///< of `Spread::results`; those that raise it
  std::size_t of = 0;                ///< how many of the site could evaluate what it is about
};

/// A check that some models could not make.
struct OpenCheck {
  std::string id;
  bool required;
  std::vector<std::size_t> results;
};

/// The models of one sampling site.
struct SiteSpread {
  Site site;
  std::vector<std::size_t> results;  ///< of `Spread::results`, in its order
  Range cmax_ng_per_mL, tmax_min, auc_inf_ng_h_per_mL;
  std::vector<Range> minutes_above;                         ///< of each level asked
  std::vector<double> lowest_ng_per_mL, highest_ng_per_mL;  ///< plasma at the instants of the profiles
  std::vector<FlagCount> flags;                             ///< every one that any site has
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

/// Whether the check is one of the limits.
[[nodiscard]] inline bool is_limit(const Result& r, std::string_view id) {
  const auto& limits = r.inputs.limits;
  return limits &&
         std::any_of(limits->limits.begin(), limits->limits.end(), [&](const Limit& l) { return l.id == id; });
}

/// Whether the model could say anything of what a flag is about: any check of a limit on that quantity was made, or the
/// flag is of no limit.
[[nodiscard]] inline bool could_evaluate(const Result& r, std::string_view quantity) {
  if (!r.inputs.limits) return true;
  bool is_limited = false;
  for (const Limit& l : r.inputs.limits->limits) {
    if (info(l.quantity).name != quantity) continue;
    is_limited = true;
    const auto& checks = r.assessment.checks;
    const auto at = std::find_if(checks.begin(), checks.end(), [&](const Check& c) { return c.id == l.id; });
    if (at != checks.end() && at->outcome != CheckOutcome::unevaluated) return true;
  }
  return !is_limited;
}

inline void count_flags(const Result& r, std::size_t i, SiteSpread& site) {
  for (const Flag& f : r.assessment.flags) {
    auto at = std::find_if(site.flags.begin(), site.flags.end(), [&](const FlagCount& c) { return c.code == f.code; });
    if (at == site.flags.end()) at = site.flags.insert(at, {f.code, f.quantity, f.severity, {}});
    at->severity = std::max(at->severity, f.severity);
    if (at->results.empty() || at->results.back() != i) at->results.push_back(i);
  }
  for (const Check& c : r.assessment.checks) {
    if (c.outcome != CheckOutcome::unevaluated || !(c.required || is_limit(r, c.id) || c.id == "model-domain"))
      continue;
    auto at = std::find_if(site.open.begin(), site.open.end(), [&](const OpenCheck& o) { return o.id == c.id; });
    if (at == site.open.end()) at = site.open.insert(at, {c.id, c.required, {}});
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

/// Every flag that any site has stands at every site, with who raises it there and how many could.
inline void tell_every_flag_everywhere(Spread& spread) {
  std::vector<FlagCount> all;
  for (const SiteSpread& site : spread.sites)
    for (const FlagCount& f : site.flags) {
      const auto at = std::find_if(all.begin(), all.end(), [&](const FlagCount& a) { return a.code == f.code; });
      if (at == all.end())
        all.push_back({f.code, f.quantity, f.severity, {}});
      else
        at->severity = std::max(at->severity, f.severity);
    }
  for (SiteSpread& site : spread.sites) {
    std::vector<FlagCount> told = all;
    for (FlagCount& f : told) {
      for (const FlagCount& own : site.flags)
        if (own.code == f.code) f.results = own.results;
      f.of = static_cast<std::size_t>(std::count_if(site.results.begin(), site.results.end(), [&](std::size_t i) {
        return detail::could_evaluate(spread.results[i], f.quantity);
      }));
    }
    site.flags = std::move(told);
  }
}

/// Why `card` does not answer this request; nothing where it does. A model whose source states bounds on something that
/// was not given is not taken to admit the patient, unless extrapolation is allowed. Throws what is wrong with the
/// request whatever the model.
[[nodiscard]] inline std::optional<RefusedModel> refusal(const ModelCard& card, const Request& request) {
  validate(request.patient);
  try {
    const Admission admission = admit(card, request.patient, request.order.analyte, request.allowances);
    if (!request.allowances.extrapolate && !admission.missing.empty())
      throw InvalidInput(Code::field_missing, "patient." + admission.missing.front(),
                         "not given, and the model's source states bounds on it; accepted: the patient's own, or "
                         "extrapolate");
    require_compartments(request.order, whom(card, request.patient));
    (void)checked_effects(card, {{"model.effects", card.effects}, {"effects", request.effects}});
  } catch (const InvalidInput& e) {
    return RefusedModel{card, e.code, e.field, e.message};
  }
  return std::nullopt;
}

}  // namespace ketpk
