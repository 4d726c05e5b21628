// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: many answers are read as a table, one row each: what the whole course amounts to, the verdict, the flags and
// what could not be evaluated. Which columns there are follows from what was asked, so that rows of different models
// stand in one table.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/result.hpp"
#include "ketpk/verdict.hpp"

namespace ketpk {

/// In a column of numbers: this row's model has no such curve, or it was never above, or the row was refused.
inline constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

/// What rows are asked of.
struct SummaryColumns {
  std::vector<std::string> metabolites = {};
  std::vector<CardEffect> effects = {};
  bool effect_site = false;
  std::vector<std::string> levels = {};  ///< as they are named in columns
  bool agreement = false;                ///< with the difference between the two solvers
};

/// The columns for all these requests, which ask the same levels. Throws E_UNIT_MISMATCH(effects) where one name is an
/// effect in two units.
[[nodiscard]] inline SummaryColumns summary_columns(const std::vector<Request>& requests) {
  SummaryColumns columns;
  for (const Request& r : requests) {
    columns.effect_site = columns.effect_site || r.model.ke0.has_value();
    for (const CardMetabolite& m : r.model.metabolites)
      if (std::find(columns.metabolites.begin(), columns.metabolites.end(), m.name) == columns.metabolites.end())
        columns.metabolites.push_back(m.name);
    for (const auto* list : {&r.model.effects, &r.effects})
      for (const CardEffect& effect : *list) {
        const auto other = std::find_if(columns.effects.begin(), columns.effects.end(),
                                        [&](const CardEffect& e) { return e.name == effect.name; });
        if (other == columns.effects.end())
          columns.effects.push_back(effect);
        else
          require(effect_unit_of(*other) == effect_unit_of(effect), Code::unit_mismatch, "effects",
                  "one name for effects in two units; accepted: in one unit in all rows, or a name for each");
      }
  }
  for (const auto& level : requests.front().time_above)
    columns.levels.push_back(to_text(level.in(unit::ng_per_mL)) + "_ng_per_mL");
  return columns;
}

/// Where the metabolite called `name` stands in a model, or nothing.
[[nodiscard]] inline std::optional<std::size_t> place_of_metabolite(const ModelCard& card, std::string_view name) {
  for (std::size_t i = 0; i < card.metabolites.size(); ++i)
    if (card.metabolites[i].name == name) return i;
  return std::nullopt;
}

/// The answer of an effect called `name`; null where a row's model has no such effect.
[[nodiscard]] inline const EffectAnswer* answer_called(const Result& r, std::string_view name) {
  const auto at =
      std::find_if(r.effects.begin(), r.effects.end(), [&](const EffectAnswer& e) { return e.effect.name == name; });
  return at == r.effects.end() ? nullptr : &*at;
}

/// One table. Rows may be kept in any order, and by several threads at once.
struct SummaryTable {
  SummaryColumns asked;
  std::vector<std::string> names;            ///< of the columns of numbers
  std::vector<std::vector<double>> columns;  ///< `no_number` where there is none
  std::vector<VerdictKind> verdicts;
  std::vector<std::optional<Severity>> worst;  ///< of a row's flags; none where it has none
  std::vector<std::string> flags;              ///< their codes, joined by semicolons
  std::vector<std::string> not_evaluated;      ///< required checks, likewise
};

[[nodiscard]] inline SummaryTable summary_table(SummaryColumns asked, std::size_t rows) {
  SummaryTable table{
      .asked = std::move(asked),
      .names = {"cmax_ng_per_mL", "tmax_min", "auc_inf_ng_h_per_mL", "delivered_mg", "terminal_half_life_min"},
      .columns = {},
      .verdicts = std::vector<VerdictKind>(rows, VerdictKind::unevaluated),
      .worst = std::vector<std::optional<Severity>>(rows),
      .flags = std::vector<std::string>(rows),
      .not_evaluated = std::vector<std::string>(rows)};
  const auto add = [&](std::string name) { table.names.push_back(std::move(name)); };
  const SummaryColumns& c = table.asked;
  if (c.effect_site)
    for (const char* name : {"effect_site_cmax_ng_per_mL", "effect_site_tmax_min"}) add(name);
  for (const std::string& m : c.metabolites)
    for (const char* name : {"_cmax_ng_per_mL", "_tmax_min", "_auc_inf_ng_h_per_mL"}) add(m + name);
  for (const std::string& level : c.levels) {
    add("minutes_above_" + level);
    add("first_min_above_" + level);
  }
  for (const CardEffect& e : c.effects)
    for (const char* extreme : {"_highest", "_lowest"}) {
      add(effect_header(e.name + extreme, effect_unit_of(e)));
      add(e.name + extreme + "_at_min");
    }
  if (c.agreement) add("agreement_rel");
  table.columns.assign(table.names.size(), std::vector<double>(rows, no_number));
  return table;
}

/// Writes the judgement of one row.
inline void keep_assessment(SummaryTable& table, std::size_t row, const Assessment& a) {
  const auto append = [](std::string& all, std::string_view one) {
    if (!all.empty()) all += ';';
    all += one;
  };
  table.verdicts[row] = a.verdict.kind;
  for (const Flag& f : a.flags) {
    append(table.flags[row], f.code);
    table.worst[row] = std::max(table.worst[row].value_or(f.severity), f.severity);
  }
  for (const Check& check : a.checks)
    if (check.required && check.outcome == CheckOutcome::unevaluated) append(table.not_evaluated[row], check.id);
}

/// Writes one row.
inline void keep(SummaryTable& table, std::size_t row, const Result& r) {
  std::size_t c = 0;
  const auto put_next = [&](double x) { table.columns[c++][row] = x; };
  const Exposure& e = r.summary;
  put_next(e.plasma.ng_per_mL);
  put_next(e.plasma.min);
  put_next(e.auc_inf_ng_h_per_mL);
  put_next(e.delivered_mg);
  put_next(e.terminal_half_life_min);
  if (table.asked.effect_site) {
    put_next(e.effect_site ? e.effect_site->ng_per_mL : no_number);
    put_next(e.effect_site ? e.effect_site->min : no_number);
  }
  for (const std::string& name : table.asked.metabolites) {
    const auto i = place_of_metabolite(r.inputs.model, name);
    put_next(i ? e.metabolites[*i].peak.ng_per_mL : no_number);
    put_next(i ? e.metabolites[*i].peak.min : no_number);
    put_next(i ? e.metabolites[*i].auc_inf_ng_h_per_mL : no_number);
  }
  for (const TimeAbove& t : r.time_above) {
    put_next(t.minutes);
    put_next(t.first_min.value_or(no_number));
  }
  for (const CardEffect& effect : table.asked.effects) {
    const EffectAnswer* told = answer_called(r, effect.name);
    for (const auto extreme : {&EffectAnswer::highest, &EffectAnswer::lowest}) {
      put_next(told != nullptr ? (told->*extreme).value : no_number);
      put_next(told != nullptr ? (told->*extreme).min : no_number);
    }
  }
  if (table.asked.agreement) put_next(r.check.agreement_rel.value_or(no_number));
  keep_assessment(table, row, r.assessment);
}

}  // namespace ketpk
