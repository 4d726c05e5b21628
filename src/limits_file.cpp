// SPDX-License-Identifier: Apache-2.0

#include "limits_file.hpp"

#include <array>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "fields.hpp"
#include "ketpk/io.hpp"

namespace ketpk::io {
namespace {

using Names = std::string_view;  // of keys
using Findings = std::vector<LintFinding>;

constexpr std::size_t most_rows = 1'000;
constexpr std::string_view root = "limits";

/// Runs `step`. What it refuses is noted where findings are collected, and otherwise thrown on.
template <class Step>
void attempt(Findings* findings, Step step) {
  if (findings == nullptr) {
    step();
    return;
  }
  try {
    step();
  } catch (const InvalidInput& e) {
    findings->push_back({e.code, e.field, e.message});
  }
}

template <std::size_t N>
void only(const Fields& fields, const std::array<Names, N>& accepted, Findings* findings) {
  for (const InvalidInput& other : fields.unknown(accepted.data(), N)) attempt(findings, [&] { throw other; });
}

LimitQuantity limit_quantity_of(const Node& node) {
  std::array<Names, limit_quantities.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = limit_quantities[i].name;
  return word_of<LimitQuantity>(node, names, 0, Code::field_unknown);
}

StatedBound bound_of(const Node& node, Dimension due) {
  const auto is_due = [&](const AnyUnit& u) { return u.dimension == due; };
  const std::string accepted = ketpk::detail::units_where(is_due);
  const auto [number, unit] = parse_with_unit(quantity_text(node, accepted), node.path, is_due);
  require(unit.dimension == due, Code::unit_mismatch, node.path, "a unit of another dimension; accepted: " + accepted);
  return StatedBound(number, unit, node.path);
}

void read_bounds(const Fields& fields, Limit& limit, Findings* findings) {
  const LimitQuantityInfo& quantity = info(limit.quantity);
  const auto read_bound = [&](std::string_view name, std::optional<StatedBound>& bound) {
    const auto node = fields.optional(name);
    // A null where a hard bound is due says "none", which `validate` refuses as such.
    if (!node || (node->value.is_null() && name == "hard_high" && quantity.needs_hard_high)) return;
    attempt(findings, [&] { bound = bound_of(*node, quantity.dimension); });
  };
  read_bound("hard_low", limit.hard_low);
  read_bound("soft_low", limit.soft_low);
  read_bound("soft_high", limit.soft_high);
  read_bound("hard_high", limit.hard_high);
}

/// Throws E_FIELD_UNKNOWN where a row has something that its quantity has no use for.
void refuse_idle(const Fields& fields, std::string_view name, bool used, std::string_view by) {
  require(used || !fields.has(name), Code::field_unknown, fields.path(name),
          "means nothing for this quantity; accepted: only with " + std::string(by));
}

Limit limit_of(const Node& node, Findings* findings) {
  const Fields fields(node);
  only(fields,
       std::array<Names, 12>{"id", "quantity", "hard_low", "soft_low", "soft_high", "hard_high", "required", "source",
                             "site", "level", "window", "max_probability"},
       findings);
  Limit limit{.id = {}, .quantity = LimitQuantity::weight, .required = true, .source = {}};
  attempt(findings, [&] { limit.id = text_of(fields.required("id", "a name of its own")); });
  attempt(findings, [&] { limit.required = truth_of(fields.required("required", "true or false")); });
  attempt(findings, [&] { limit.source = text_of(fields.required("source", "where the bounds come from")); });
  attempt(findings, [&] {
    limit.quantity = limit_quantity_of(fields.required("quantity", "one of the quantities of the contract"));
    read_bounds(fields, limit, findings);
    const bool levelled = limit.quantity == LimitQuantity::time_above_level;
    const bool windowed = limit.quantity == LimitQuantity::cumulative_dose_per_weight;
    refuse_idle(fields, "site", info(limit.quantity).needs_site, "plasma_peak and time_above_level");
    refuse_idle(fields, "level", levelled, "time_above_level");
    refuse_idle(fields, "window", windowed, "cumulative_dose_per_weight");
  });
  if (const auto site = fields.optional("site"))
    attempt(findings, [&] { limit.site = word_of<Site>(*site, site_names, 1); });
  if (const auto level = fields.optional("level"))
    attempt(findings, [&] { limit.level = quantity_of<Stated<dim::concentration>>(*level); });
  if (const auto window = fields.optional("window"))
    attempt(findings, [&] { limit.window = quantity_of<Stated<dim::time>>(*window); });
  if (const auto most = fields.optional("max_probability"))
    attempt(findings, [&] { limit.most_probability = number_of(*most); });
  return limit;
}

/// Reads the whole document. With `findings`, goes on after a refusal, and looks closer at each row that has none.
Limits read(const Json& document, Findings* findings) {
  const Fields fields(Node{document, std::string(root)});
  const auto schema = fields.optional("schema");
  require(schema && schema->value == "ketpk.limits/1", Code::schema_version, fields.path("schema"),
          "not limits this program knows; accepted: ketpk.limits/1");
  only(fields, std::array<Names, 8>{"schema", "id", "version", "status", "approver", "effective", "expires", "limits"},
       findings);
  Limits set{.id = {},
             .version = {},
             .status = LimitsStatus::example,
             .approver = {},
             .effective = {},
             .expires = {},
             .limits = {}};
  attempt(findings, [&] { set.id = text_of(fields.required("id", "a name")); });
  attempt(findings, [&] { set.version = text_of(fields.required("version", "a version")); });
  attempt(findings, [&] {
    set.status = word_of<LimitsStatus>(fields.required("status", "example, approved"), limits_status_names, 0,
                                       Code::limits_unapproved);
  });
  attempt(findings, [&] {
    set.approver = text_of(fields.required("approver", "who answers for the set"), Code::limits_unapproved);
  });
  attempt(findings, [&] { set.effective = day_of(fields.required("effective", "a day such as 2026-01-01")); });
  attempt(findings, [&] { set.expires = day_of(fields.required("expires", "a day such as 2030-01-01")); });
  attempt(findings, [&] {
    std::set<std::string> ids;
    const auto rows = list_of(fields.required("limits", "a list of limits"), most_rows);
    attempt(findings, [&] {
      require(!rows.empty(), Code::limits_missing, fields.path("limits"), "no row; accepted: at least one limit");
    });
    for (const Node& row : rows) {
      const std::size_t before = findings == nullptr ? 0 : findings->size();
      attempt(findings, [&] {
        set.limits.push_back(limit_of(row, findings));
        const std::string& id = set.limits.back().id;
        if (findings != nullptr && !id.empty())
          require(ids.insert(id).second, Code::field_duplicate, row.path + ".id",
                  "two rows of one id; accepted: an id of its own for each row");
        if (findings != nullptr && findings->size() == before) ketpk::detail::validate_row(set.limits.back(), row.path);
      });
    }
  });
  return set;
}

}  // namespace

Limits understand_limits(const Json& document) { return read(document, nullptr); }

std::vector<LintFinding> lint_limits(std::string_view bytes, std::chrono::year_month_day today) {
  Findings findings;
  attempt(&findings, [&] {
    const Limits set = read(parse_strict(bytes, root), &findings);
    if (set.effective.ok() && set.expires.ok())
      attempt(&findings, [&] { ketpk::detail::require_in_force(set, today); });
    if (findings.empty()) validate(set, today);  // what only the whole set can show
  });
  return findings;
}

}  // namespace ketpk::io
