// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: an answer about a population is told with who was in it, how many of them could not be answered, how well each
// number is known, and by which definition. Nothing is computed here; where there are no statistics, none are told.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/assess_cohort.hpp"
#include "ketpk/cohort.hpp"
#include "ketpk/report.hpp"

namespace ketpk {

namespace report_detail {

/// p5, p97.5.
[[nodiscard]] inline std::string percentile_name(double p) { return 'p' + to_text(p); }

/// The unit that a covariate of a cohort is in; empty where it has none of its own.
[[nodiscard]] inline std::string_view unit_of_covariate(std::string_view name) noexcept {
  return name == "weight" ? "kg" : name == "height" ? "cm" : name == "age" ? "yr" : "";
}

inline void unsigned_member(JsonText& json, std::string_view name, std::uint64_t x) {
  json.key(name);
  json.text += std::to_string(x);
}

inline void optional_number(JsonText& json, std::string_view name, double x) {
  json.member(name, std::isfinite(x) ? std::optional(x) : std::nullopt);
}

inline void matrix(JsonText& json, std::string_view name, std::span<const double> cells, std::size_t n) {
  std::vector<std::span<const double>> rows;
  for (std::size_t i = 0; i < n; ++i) rows.push_back(cells.subspan(i * n, n));
  json.array(name, rows, [&](std::span<const double> row) {
    json.text += '[';
    for (std::size_t j = 0; j < row.size(); ++j) {
      if (j > 0) json.text += ", ";
      json.number(row[j]);
    }
    json.text += ']';
  });
}

inline void variability_members(JsonText& json, const Variability& v) {
  json.strings("parameters", v.parameters);
  matrix(json, "omega", v.omega, v.parameters.size());
  json.member("source", v.source);
}

/// One distribution as a cohort's file has it.
struct DistributionText {
  JsonText& json;
  std::string_view unit;

  void value(std::string_view name, double x) const {
    if (unit.empty())
      json.member(name, x);
    else
      json.member(name, to_text(x) + ' ' + std::string(unit));
  }
  void ends(const std::optional<double>& low, const std::optional<double>& high) const {
    if (low) value("low", *low);
    if (high) value("high", *high);
  }
  void operator()(const Constant& d) const { value("constant", d.value); }
  void operator()(const Uniform& d) const {
    json.object("uniform", [&] { ends(d.low, d.high); });
  }
  void operator()(const Normal& d) const {
    json.object("normal", [&] {
      value("mean", d.mean);
      value("sd", d.sd);
      ends(d.low, d.high);
    });
  }
  void operator()(const Lognormal& d) const {
    json.object("lognormal", [&] {
      value("median", d.median);
      json.member("log_sd", d.log_sd);
      ends(d.low, d.high);
    });
  }
};

inline void people_members(JsonText& json, const People& people) {
  json.array("covariates", people.covariates, [&](const DrawnCovariate& c) {
    json.object([&] {
      json.member("name", c.name);
      std::visit(DistributionText{json, unit_of_covariate(c.name)}, c.distribution);
      json.member("source", stated(c.source));
    });
  });
  if (!people.correlation.empty()) matrix(json, "correlation", people.correlation, people.covariates.size());
}

inline void population_asked(JsonText& json, const Population& population) {
  if (const auto* drawn = std::get_if<DrawnPeople>(&population))
    json.object("people", [&] {
      if (drawn->female_share) json.member("female_share", *drawn->female_share);
      if (!drawn->men) return people_members(json, drawn->all);
      json.object("women", [&] { people_members(json, drawn->all); });
      json.object("men", [&] { people_members(json, *drawn->men); });
    });
  if (const auto* table = std::get_if<PeopleTable>(&population))
    json.object("people", [&] {
      json.strings("columns", table->names);
      unsigned_member(json, "rows", table->columns.empty() ? 0 : table->columns.front().size());
      json.member("drawn", table->is_drawn);
    });
  if (std::holds_alternative<SamePatient>(population)) json.member("people", std::optional<std::string_view>{});
}

/// What was asked of the cohort beside its session.
inline void cohort_asked(JsonText& json, const CohortRequest& q) {
  json.object("cohort", [&] {
    unsigned_member(json, "subjects", q.subjects);
    unsigned_member(json, "seed", q.seed);
    unsigned_member(json, "first", q.first);
    population_asked(json, q.population);
    if (const auto* own = std::get_if<Variability>(&q.between_subjects))
      json.object("between_subjects", [&] { variability_members(json, *own); });
    else
      json.member("between_subjects", pick(between_subjects_names, std::get<BetweenSubjects>(q.between_subjects)));
    if (q.between_occasions) json.object("between_occasions", [&] { variability_members(json, *q.between_occasions); });
    json.member("residual_error", q.has_residual_error);
    if (q.uncertainty)
      json.object("uncertainty", [&] {
        json.object("of", [&] { variability_members(json, q.uncertainty->of); });
        unsigned_member(json, "replicates", q.uncertainty->replicates);
      });
    json.numbers("percentiles", q.percentiles);
    json.member("despite_failures", q.despite_failures);
    json.member("keep_subjects", q.keeps_subjects);
  });
}

inline void proportion(JsonText& json, std::string_view name, const std::optional<Proportion>& p) {
  if (!p) return json.member(name, std::optional<std::string_view>{});
  json.object(name, [&] {
    unsigned_member(json, "hits", p->hits);
    unsigned_member(json, "of", p->of);
    json.member("share", p->share);
    json.member("low", p->low);
    json.member("high", p->high);
  });
}

inline void interval(JsonText& json, std::string_view name, const std::optional<Interval95>& i) {
  if (!i) return json.member(name, std::optional<std::string_view>{});
  json.object(name, [&] {
    json.member("low", i->low);
    json.member("high", i->high);
  });
}

/// The ends of the intervals of one percentile's curve over the replicates.
struct CurveInterval {
  std::vector<double> low, high;
};
[[nodiscard]] inline CurveInterval curve_interval(const Cohort& c, std::size_t percentile) {
  CurveInterval ends;
  for (std::size_t t = 0; t < c.time.size(); ++t) {
    const auto i = over_replicates(c, [&](const Replicate& r) { return r.plasma.at(percentile).at(t); });
    ends.low.push_back(i ? i->low : 0);
    ends.high.push_back(i ? i->high : 0);
  }
  return ends;
}

inline void cohort_model(JsonText& json, const ModelCard& card) {
  json.object("model", [&] {
    json.member("id", card.id);
    json.member("citation", stated(card.citation));
    json.member("site", name_of(card.site));
    names_of(json, card.analytes);
    json.member("population", card.population);
    json.member("label", stated(card.label));
    json.member("doi", stated(card.doi));
    domain(json, card.domain);
    json.strings("uncertainties", card.uncertainties);
  });
}

inline void cohort_profile(JsonText& json, const Cohort& c) {
  json.object("profile", [&] {
    json.key("time_us");
    json.text += '[';
    for (std::size_t i = 0; i < c.time.size(); ++i)
      json.text += (i > 0 ? ", " : "") + std::to_string(c.time[i].count());
    json.text += ']';
    std::vector<double> min;
    for (const Micros t : c.time) min.push_back(minutes(t));
    json.numbers("time_min", min);
    json.numbers("mean_ng_per_mL", c.mean_ng_per_mL);
    std::size_t k = 0;
    json.array("percentiles", c.percentile_ng_per_mL, [&](const std::vector<double>& curve) {
      json.object([&] {
        json.member("percentile", c.inputs.percentiles.at(k));
        json.numbers("ng_per_mL", curve);
        if (!c.replicates.empty()) {
          const CurveInterval ends = curve_interval(c, k);
          json.numbers("low_ng_per_mL", ends.low);
          json.numbers("high_ng_per_mL", ends.high);
        }
        ++k;
      });
    });
    json.member("error_rel", c.percentile_error_rel);
  });
}

inline void cohort_summaries(JsonText& json, const Cohort& c) {
  const std::vector<std::string> headers = summary_headers(c.inputs.each);
  std::size_t k = 0;
  json.array("summaries", c.summaries, [&](const Spreading& s) {
    json.object([&] {
      json.member("name", headers.at(k));
      json.member("unit", s.unit);
      json.member("mean", s.mean);
      json.member("lowest", s.lowest);
      json.member("highest", s.highest);
      json.numbers("at_percentiles", s.at_percentiles);
      json.member("error_rel", s.error_rel);
      if (!c.replicates.empty())
        interval(json, "median_interval95",
                 over_replicates(c, [&](const Replicate& r) { return r.summaries_median.at(k); }));
      ++k;
    });
  });
}

inline void cohort_limits(JsonText& json, const Cohort& c) {
  std::size_t k = 0;
  json.array("limits", c.limits, [&](const LimitInCohort& limit) {
    json.object([&] {
      json.member("id", limit.id);
      json.member("quantity", limit.quantity);
      json.member("max_probability", limit.most_probability);
      proportion(json, "beyond_any", limit.beyond_soft);
      proportion(json, "beyond_hard", limit.beyond_hard);
      json.member("why", stated(limit.why));
      if (!c.replicates.empty()) {
        interval(json, "beyond_any_interval95",
                 over_replicates(c, [&](const Replicate& r) { return r.share_beyond_soft.at(k); }));
        interval(json, "beyond_hard_interval95",
                 over_replicates(c, [&](const Replicate& r) { return r.share_beyond_hard.at(k); }));
      }
      ++k;
    });
  });
}

/// The table of subjects, by column; null where there is no number.
inline void cohort_subjects(JsonText& json, const Cohort& c) {
  if (!c.inputs.keeps_subjects) return;
  json.object("subjects", [&] {
    json.key("subject");
    json.text += '[';
    for (std::size_t i = 0; i < c.subjects.size(); ++i)
      json.text += (i > 0 ? ", " : "") + std::to_string(c.subjects[i].subject);
    json.text += ']';
    const auto column = [&](const std::string& name, std::vector<double> SubjectRow::*of, std::size_t k) {
      json.key(name);
      json.text += '[';
      for (std::size_t i = 0; i < c.subjects.size(); ++i) {
        if (i > 0) json.text += ", ";
        const double x = (c.subjects[i].*of).at(k);
        if (std::isfinite(x))
          json.number(x);
        else
          json.text += "null";
      }
      json.text += ']';
    };
    for (std::size_t k = 0; k < c.covariates.size(); ++k) column(c.covariates[k], &SubjectRow::covariates, k);
    for (std::size_t k = 0; k < c.parameters.size(); ++k) column(c.parameters[k], &SubjectRow::parameters, k);
    const std::vector<std::string> headers = summary_headers(c.inputs.each);
    for (std::size_t k = 0; k < headers.size(); ++k) column(headers[k], &SubjectRow::summaries, k);
  });
}

// --- the card ------------------------------------------------------------------------------------------------

/// "80 kg (sd 15 kg, 40 to 150 kg)".
struct DistributionWords {
  std::string_view unit;

  [[nodiscard]] std::string value(double x) const {
    return short_number(x, 4) + (unit.empty() ? "" : ' ' + std::string(unit));
  }
  [[nodiscard]] std::string ends(const std::optional<double>& low, const std::optional<double>& high) const {
    if (low && high) return ", " + short_number(*low, 4) + " to " + value(*high);
    if (low) return ", from " + value(*low);
    return high ? ", up to " + value(*high) : std::string();
  }
  std::string operator()(const Constant& d) const { return value(d.value); }
  std::string operator()(const Uniform& d) const { return "uniform" + ends(d.low, d.high); }
  std::string operator()(const Normal& d) const {
    return "normal, mean " + value(d.mean) + ", sd " + value(d.sd) + ends(d.low, d.high);
  }
  std::string operator()(const Lognormal& d) const {
    return "lognormal, median " + value(d.median) + ", sd of the logarithm " + short_number(d.log_sd) +
           ends(d.low, d.high);
  }
};

[[nodiscard]] inline std::string people_text(const People& people) {
  std::string text;
  for (const DrawnCovariate& c : people.covariates)
    text += (text.empty() ? "" : " \xC2\xB7 ") + c.name + ' ' +
            std::visit(DistributionWords{unit_of_covariate(c.name)}, c.distribution);
  return text + (people.correlation.empty() ? "" : " \xC2\xB7 correlated");
}

inline void who_is_in_it(Page& page, const CohortRequest& q) {
  if (const auto* drawn = std::get_if<DrawnPeople>(&q.population)) {
    const std::string share =
        drawn->female_share ? " \xC2\xB7 " + short_number(100 * *drawn->female_share) + " % women" : std::string();
    if (!drawn->men) return page.row("People", people_text(drawn->all) + share, Tint::plain, 3);
    page.row("Women", people_text(drawn->all) + share, Tint::plain, 3);
    return page.row("Men", people_text(*drawn->men), Tint::plain, 3);
  }
  if (const auto* table = std::get_if<PeopleTable>(&q.population)) {
    const std::size_t rows = table->columns.empty() ? 0 : table->columns.front().size();
    return page.row("People",
                    (table->is_drawn ? "drawn from a table of " : "rows of a table of ") + std::to_string(rows) + ": " +
                        joined(table->names, ", "),
                    Tint::plain, 2);
  }
  std::string text = "all as " + short_text(to_text(q.each.patient.weight));
  if (q.each.patient.height) text += " \xC2\xB7 " + short_text(to_text(*q.each.patient.height));
  if (q.each.patient.age) text += " \xC2\xB7 " + with_unit(q.each.patient.age->in(unit::yr), "yr", 4);
  if (q.each.patient.sex) text += " \xC2\xB7 " + std::string(name_of(*q.each.patient.sex));
  page.row("People", text, Tint::plain, 1);
}

inline void what_differs(Page& page, const CohortRequest& q) {
  const auto of = [](const Variability& v) { return "in " + joined(v.parameters, ", "); };
  std::string text = "between subjects ";
  if (const auto* own = std::get_if<Variability>(&q.between_subjects))
    text += of(*own) + " (stated for this cohort)";
  else if (std::get<BetweenSubjects>(q.between_subjects) == BetweenSubjects::none)
    text += "in no parameter";
  else
    text += q.each.model.variability ? of(*q.each.model.variability) + " (the model's)" : "in no parameter";
  if (q.between_occasions) text += " \xC2\xB7 between sessions " + of(*q.between_occasions);
  text += q.has_residual_error ? " \xC2\xB7 curves are of observations, with residual error"
                               : " \xC2\xB7 curves are without residual error";
  if (q.uncertainty)
    text += " \xC2\xB7 " + std::to_string(q.uncertainty->replicates) + " replicates of typical values uncertain " +
            of(q.uncertainty->of);
  page.row("Differ", text, Tint::plain, 4);
}

[[nodiscard]] inline std::string ordered_text(const Input& input) {
  std::string text = std::visit(
      [](const auto& in) {
        using T = std::decay_t<decltype(in)>;
        if constexpr (std::is_same_v<T, Infuse>) return short_text(to_text(in.amount)) + " over " + time_text(in.over);
        if constexpr (std::is_same_v<T, InfuseAtRate>)
          return short_text(to_text(in.rate)) + " for " + time_text(in.over);
        if constexpr (std::is_same_v<T, Bolus>) return short_text(to_text(in.amount)) + " at once";
      },
      input);
  return text + " at " + std::visit([](const auto& in) { return time_text(in.at); }, input);
}

inline void what_each_gets(Page& page, const Order& order) {
  constexpr std::size_t most_shown = 4;
  std::vector<std::string> inputs;
  for (const Input& input : order.inputs)
    if (inputs.size() < most_shown) inputs.push_back(ordered_text(input));
  std::string text = joined(inputs, "; ");
  if (order.inputs.size() > most_shown) text += "; and " + std::to_string(order.inputs.size() - most_shown) + " more";
  text += " \xC2\xB7 " + std::string(name_of(order.analyte)) + " \xC2\xB7 milligrams of " +
          std::string(name_of(order.form));
  if (order.course) text += " \xC2\xB7 " + std::to_string(order.course->starts.size()) + " sessions";
  page.row("Order", text, Tint::plain, 3);
}

/// n_in = n_ok + n_failed, and who failed.
inline void who_was_answered(Page& page, const Cohort& c) {
  constexpr std::size_t most_shown = 20;
  page.row("Answered",
           std::to_string(c.in) + " subjects = " + std::to_string(c.ok) + " answered + " +
               std::to_string(c.failures()) + " failed",
           c.failures() == 0 ? Tint::plain : Tint::yellow, 1);
  const std::size_t shown = std::min(most_shown, c.failed.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const FailedSubject& f = c.failed[i];
    page.row("",
             "subject " + std::to_string(f.subject) + ": " + std::string(name_of(f.code)) + ' ' + f.field + ": " +
                 f.message.substr(0, f.message.find("; accepted")),
             Tint::yellow, 1);
  }
  if (c.failed.size() > shown)
    page.row("", "and " + std::to_string(c.failed.size() - shown) + " more (--json lists them all)", Tint::faint, 1);
  if (!c.has_statistics)
    page.row("",
             c.ok == 0 ? "no statistics: nobody could be answered"
                       : "no statistics: some subjects failed (--despite-failures tells those of the others)",
             Tint::red, 2);
  else if (c.failures() > 0)
    page.row("", "all that follows is of the " + std::to_string(c.ok) + " who were answered", Tint::yellow, 1);
}

/// Numbers in columns under their names.
struct CohortTable {
  static constexpr std::size_t name_columns = 20, number_columns = 9, most_percentiles_shown = 5;
  std::vector<std::size_t> shown;  ///< percentiles

  explicit CohortTable(const Cohort& c) : shown(shown_places(c.inputs.percentiles.size(), most_percentiles_shown)) {}
  static std::string cell(std::string_view text) {
    return std::string(number_columns - std::min(number_columns, width(text)), ' ') + std::string(text);
  }
  static std::string number(double x) { return cell(std::isfinite(x) ? short_number(x) : "-"); }
  [[nodiscard]] std::string percentiles(const std::vector<double>& all) const {
    std::string text;
    for (const std::size_t k : shown) text += number(all.at(k));
    return text;
  }
  [[nodiscard]] std::string names(const Cohort& c) const {
    std::string text;
    for (const std::size_t k : shown) text += cell(percentile_name(c.inputs.percentiles[k]));
    return text;
  }
};

inline void put_line(Page& page, std::string_view label, const std::string& text, Tint tint) {
  page.lines.push_back(page.tinted(padded(label, label_columns), Tint::bold) + page.tinted(text, tint));
}

/// The bands at a handful of instants, that of the highest mean among them.
inline void bands(Page& page, const Cohort& c) {
  constexpr std::size_t most_instants_shown = 8;
  if (c.time.empty())
    return page.row("Plasma", "no instants were asked (--every and --until, or --at)", Tint::faint, 1);
  const CohortTable table(c);
  std::vector<std::size_t> places = shown_places(c.time.size(), most_instants_shown);
  const auto top = static_cast<std::size_t>(std::max_element(c.mean_ng_per_mL.begin(), c.mean_ng_per_mL.end()) -
                                            c.mean_ng_per_mL.begin());
  if (std::find(places.begin(), places.end(), top) == places.end())
    places.insert(std::upper_bound(places.begin(), places.end(), top), top);
  const auto name = [](std::string_view text) { return padded(text, CohortTable::name_columns); };
  put_line(page, "Plasma", name("ng/mL") + CohortTable::cell("mean") + table.names(c), Tint::faint);
  for (const std::size_t i : places) {
    std::vector<double> at;
    for (const std::vector<double>& curve : c.percentile_ng_per_mL) at.push_back(curve.at(i));
    put_line(page, "",
             name("at " + time_text(c.time[i])) + CohortTable::number(c.mean_ng_per_mL.at(i)) + table.percentiles(at),
             Tint::cyan);
  }
  if (places.size() < c.time.size()) page.row("", "not every instant is shown (--csv lists them all)", Tint::faint, 1);
}

inline void distributions(Page& page, const Cohort& c) {
  const CohortTable table(c);
  const auto name = [](std::string_view text) { return padded(text, CohortTable::name_columns); };
  put_line(page, "Subjects",
           name("") + CohortTable::cell("mean") + table.names(c) + CohortTable::cell("lowest") +
               CohortTable::cell("highest"),
           Tint::faint);
  for (std::size_t k = 0; k < c.summaries.size(); ++k) {
    const Spreading& s = c.summaries[k];
    constexpr std::array<std::string_view, 3> labels{"peak ng/mL", "peak at min", "AUC ng h/mL"};
    const std::string label = k < labels.size()
                                  ? std::string(labels[k])
                                  : "min > " + short_text(to_text(c.inputs.each.time_above.at(k - labels.size())));
    put_line(page, "",
             name(label) + CohortTable::number(s.mean) + table.percentiles(s.at_percentiles) +
                 CohortTable::number(s.lowest) + CohortTable::number(s.highest),
             Tint::cyan);
    const auto uncertain = over_replicates(c, [&](const Replicate& r) { return r.summaries_median.at(k); });
    if (uncertain)
      page.row("",
               "  its median in 95 % of the replicates: " + short_number(uncertain->low) + " to " +
                   short_number(uncertain->high),
               Tint::faint, 1);
  }
}

inline void limits_crossed(Page& page, const Cohort& c) {
  for (std::size_t k = 0; k < c.limits.size(); ++k) {
    const LimitInCohort& limit = c.limits[k];
    std::string text = limit.id + ": ";
    if (!limit.beyond_soft || !limit.beyond_hard) {
      text += "not evaluated" + (limit.why.empty() ? "" : ", " + limit.why);
    } else {
      text += "beyond a bound " + share_text(*limit.beyond_soft) + ", beyond a hard bound " +
              share_text(*limit.beyond_hard);
      if (limit.most_probability)
        text += "; at most " + short_number(100 * *limit.most_probability, 4) + " % is accepted";
    }
    page.row(k == 0 ? "Crossed" : "", text, Tint::plain, 2);
    const auto uncertain = over_replicates(c, [&](const Replicate& r) { return r.share_beyond_soft.at(k); });
    if (uncertain)
      page.row("",
               "  beyond a bound in 95 % of the replicates: " + short_number(100 * uncertain->low) + " to " +
                   short_number(100 * uncertain->high) + " %",
               Tint::faint, 1);
  }
  if (!c.limits.empty())
    page.row("", "shares of subjects, each with its 95 % interval: how well so many subjects tell it", Tint::faint, 1);
}

[[nodiscard]] inline std::string percentile_text(double error_rel) {
  return "percentiles by definition 7, " +
         (error_rel > 0 ? "within " + short_number(100 * error_rel, 2) + " %" : std::string("exact"));
}

}  // namespace report_detail

/// The answer as `ketpk.cohort-result/1`. Throws std::logic_error where a number is not finite.
[[nodiscard]] inline std::string to_json(const Cohort& c, std::string_view version) {
  namespace d = report_detail;
  d::JsonText json;
  json.object([&] {
    json.member("schema", "ketpk.cohort-result/1");
    json.member("version", version);
    json.member("road", c.road);
    json.object("inputs", [&] {
      json.key("session");
      const ModelCard& card = c.inputs.each.model;
      d::session_with(json, c.inputs.each, nullptr, [&] { json.key("model"), d::asked_model(json, card); });
      d::cohort_asked(json, c.inputs);
    });
    d::cohort_model(json, c.inputs.each.model);
    d::unsigned_member(json, "n_in", c.in);
    d::unsigned_member(json, "n_ok", c.ok);
    d::unsigned_member(json, "n_failed", c.failures());
    json.array("failed", c.failed, [&](const FailedSubject& f) {
      json.object([&] {
        d::unsigned_member(json, "subject", f.subject);
        json.member("code", name_of(f.code));
        json.member("field", f.field);
        json.member("message", f.message);
      });
    });
    json.member("has_statistics", c.has_statistics);
    json.member("percentile_definition", "type 7");
    if (c.has_statistics) {
      d::cohort_profile(json, c);
      d::cohort_summaries(json, c);
      d::cohort_limits(json, c);
    }
    d::assessment_with(json, c.assessment, c.inputs.each.limits);
    d::cohort_subjects(json, c);
  });
  json.text += '\n';
  return std::move(json.text);
}

/// The bands over time as RFC 4180 CSV: one row an instant, the mean and each percentile, and where there are
/// replicates the ends of its 95 % interval. The header alone where there are no statistics.
[[nodiscard]] inline std::string to_csv(const Cohort& c) {
  namespace d = report_detail;
  std::string csv = "time_us,time_min,mean_ng_per_mL";
  const bool has_ends = c.has_statistics && !c.replicates.empty();
  std::vector<d::CurveInterval> ends;
  for (std::size_t k = 0; k < c.inputs.percentiles.size(); ++k) {
    const std::string name = d::percentile_name(c.inputs.percentiles[k]);
    csv += ',' + name + "_ng_per_mL";
    if (!has_ends) continue;
    csv += ',' + name + "_low_ng_per_mL," + name + "_high_ng_per_mL";
    ends.push_back(d::curve_interval(c, k));
  }
  csv += '\n';
  if (!c.has_statistics) return csv;
  const auto cell = [&csv](double x) { csv += ',' + to_text(d::finite(x)); };
  for (std::size_t i = 0; i < c.time.size(); ++i) {
    csv += std::to_string(c.time[i].count());
    cell(minutes(c.time[i]));
    cell(c.mean_ng_per_mL.at(i));
    for (std::size_t k = 0; k < c.inputs.percentiles.size(); ++k) {
      cell(c.percentile_ng_per_mL.at(k).at(i));
      if (has_ends) cell(ends[k].low[i]), cell(ends[k].high[i]);
    }
    csv += '\n';
  }
  return csv;
}

/// The table of subjects as RFC 4180 CSV: who was answered, with covariates, parameters and summaries; then, with a
/// code and nothing else, who was not. A number that there is none of is an empty field.
[[nodiscard]] inline std::string subjects_csv(const Cohort& c) {
  namespace d = report_detail;
  std::string csv = "subject";
  for (const auto* names : {&c.covariates, &c.parameters})
    for (const std::string& name : *names) csv += ',' + d::csv_cell(name);
  const std::vector<std::string> headers = summary_headers(c.inputs.each);
  for (const std::string& name : headers) csv += ',' + name;
  csv += ",error,error_field\n";
  for (const SubjectRow& row : c.subjects) {
    csv += std::to_string(row.subject);
    for (const auto* numbers : {&row.covariates, &row.parameters, &row.summaries})
      for (const double x : *numbers) csv += ',' + (std::isfinite(x) ? to_text(x) : std::string());
    csv += ",,\n";
  }
  const std::size_t empty = c.covariates.size() + c.parameters.size() + headers.size();
  for (const FailedSubject& f : c.failed)
    csv += std::to_string(f.subject) + std::string(empty, ',') + ',' + std::string(name_of(f.code)) + ',' +
           d::csv_cell(f.field) + '\n';
  return csv;
}

/// The answer for a person, in UTF-8, 100 columns wide. Throws std::logic_error where a number is not finite.
[[nodiscard]] inline std::string to_card(const Cohort& c, std::string_view version, CardStyle style = {}) {
  namespace d = report_detail;
  d::Page page{.colour = style.colour};
  const ModelCard& card = c.inputs.each.model;
  std::string asked = std::to_string(c.inputs.subjects) + " subjects \xC2\xB7 seed " + std::to_string(c.inputs.seed);
  if (c.inputs.first > 0) asked += " \xC2\xB7 from subject " + std::to_string(c.inputs.first);
  page.row("Cohort", asked, d::Tint::bold, 1);
  d::who_is_in_it(page, c.inputs);
  d::what_each_gets(page, c.inputs.each.order);
  page.row("Model", card.id + " \xC2\xB7 " + d::site_text(card.site), d::Tint::cyan, 1);
  page.row("", card.citation.empty() ? "no citation: stated in the session" : card.citation, d::Tint::faint, 2);
  d::what_differs(page, c.inputs);
  d::who_was_answered(page, c);
  page.blank();
  if (c.has_statistics) {
    d::bands(page, c);
    page.blank();
    d::distributions(page, c);
    page.row("", d::percentile_text(c.percentile_error_rel), d::Tint::faint, 1);
    page.blank();
    d::limits_crossed(page, c);
  }
  d::verdict_with(page, c.assessment, c.inputs.each.limits);
  for (const Flag& f : c.assessment.flags)
    for (std::string& line : d::flag_rows(f, style.colour, 4)) page.lines.push_back(std::move(line));
  std::vector<std::string> open;
  for (const Check& check : c.assessment.checks)
    if (check.outcome == CheckOutcome::unevaluated && check.required) open.push_back(check.id + ": " + check.why);
  if (!open.empty()) page.row("Open", d::joined(open, "; "), d::Tint::yellow, 4);
  page.row("Road", c.road + " \xC2\xB7 each subject depends on the seed and its number alone", d::Tint::faint, 1);
  page.row("", "ketpk " + std::string(version) + ": a research and engineering library, not a medical device",
           d::Tint::faint, 1);
  return page.text();
}

}  // namespace ketpk
