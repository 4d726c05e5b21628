// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what several models say is told side by side, site by site, with how far they lie apart and what each flags; and
// who was not asked, and why. Nothing is computed here but the ratio of two numbers that stand beside it.

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
#include <vector>

#include "ketpk/report.hpp"
#include "ketpk/spread.hpp"

namespace ketpk {

namespace report_detail {

[[nodiscard]] inline const std::string& id_of(const Spread& s, std::size_t result) {
  return s.results[result].inputs.model.id;
}

[[nodiscard]] inline std::vector<std::string> ids_of(const Spread& s, std::span<const std::size_t> results) {
  std::vector<std::string> ids;
  for (const std::size_t i : results) ids.push_back(id_of(s, i));
  return ids;
}

/// Whether no reader could tell the ends apart.
[[nodiscard]] inline bool is_alike(const Range& r) { return r.highest - r.lowest <= 0.005 * r.highest; }

/// How many times the lowest the highest is, in words.
[[nodiscard]] inline std::string fold_text(const Range& r) {
  return r.lowest > 0 ? short_number(r.highest / r.lowest) + "-fold" : std::string("from nothing");
}

inline void range(JsonText& json, std::string_view name, const Spread& s, const Range& r) {
  json.object(name, [&] {
    json.member("lowest", r.lowest);
    json.member("median", r.median);
    json.member("highest", r.highest);
    json.member("lowest_of", id_of(s, r.lowest_of));
    json.member("highest_of", id_of(s, r.highest_of));
  });
}

/// One model's answer: the blocks of a result that are its own.
inline void answer_of_model(JsonText& json, const Result& r, std::string_view version) {
  json.object([&] {
    made_by(json, r, version);
    model(json, r);
    profile(json, r);
    summary(json, r);
    time_above(json, r);
    assessment(json, r);
    delivery(json, r);
    sessions(json, r);
    effect_answers(json, r);
    body_size(json, r);
    sensitivity(json, r);
  });
}

inline void site(JsonText& json, const Spread& s, const SiteSpread& g) {
  json.object([&] {
    json.member("site", name_of(g.site));
    json.strings("models", ids_of(s, g.results));
    range(json, "cmax_ng_per_mL", s, g.cmax_ng_per_mL);
    range(json, "tmax_min", s, g.tmax_min);
    range(json, "auc_inf_ng_h_per_mL", s, g.auc_inf_ng_h_per_mL);
    std::size_t k = 0;
    json.array("time_above", g.minutes_above, [&](const Range& above) {
      json.object([&] {
        json.member("threshold_ng_per_mL", s.results[g.results.front()].time_above[k++].threshold_ng_per_mL);
        range(json, "minutes", s, above);
      });
    });
    json.object("envelope", [&] {
      json.numbers("lowest_ng_per_mL", g.lowest_ng_per_mL);
      json.numbers("highest_ng_per_mL", g.highest_ng_per_mL);
    });
    json.array("flags", g.flags, [&](const FlagCount& f) {
      json.object([&] {
        json.member("code", f.code);
        json.member("severity", pick(severity_names, f.severity));
        json.strings("models", ids_of(s, f.results));
        json.key("of"), json.integer(static_cast<std::int64_t>(f.of));
      });
    });
    json.array("not_evaluated", g.open, [&](const OpenCheck& o) {
      json.object([&] {
        json.member("id", o.id);
        json.member("required", o.required);
        json.strings("models", ids_of(s, o.results));
      });
    });
    json.array("same_source", g.same_source, [&](const std::vector<std::size_t>& group) {
      json.open('[');
      for (const std::string& id : ids_of(s, group)) json.next(), json.string(id);
      json.close(']');
    });
  });
}

/// What a model is called in a table: its id, marked where it was built on S-ketamine and the order is racemic, and
/// where it is extrapolated or its source states no domain.
[[nodiscard]] inline std::string marked_id(const Result& r) {
  return r.inputs.model.id + (r.admission.enantiomers_assumed_alike ? " (S)" : "") +
         (r.admission.crossed.empty() ? "" : " (x)") + (r.admission.domain_stated ? "" : " (?)");
}

/// The columns of a spread's tables.
struct SpreadTable {
  static constexpr std::size_t name_columns = 22, bar_columns = 6, most_numbers = 4;
  std::vector<std::string> heads{"peak ng/mL", "at min", "AUC ng h/mL"};

  explicit SpreadTable(const Result& any) {
    for (const TimeAbove& t : any.time_above) heads.push_back("min > " + short_number(t.threshold_ng_per_mL));
    // What does not fit the page is in the JSON.
    if (heads.size() > most_numbers) heads.resize(most_numbers);
  }
  [[nodiscard]] std::string line(std::string_view name, const std::vector<double>& numbers) const {
    std::string text = padded(cut(name, name_columns), name_columns);
    for (std::size_t i = 0; i < heads.size(); ++i) {
      const std::string number = short_number(numbers[i]);
      text += std::string(2 + heads[i].size() - std::min(heads[i].size(), width(number)), ' ') + number;
    }
    return text + "  ";
  }
  [[nodiscard]] std::string head() const {
    std::string text(name_columns, ' ');
    for (const std::string& h : heads) text += "  " + h;
    return text;
  }
};

[[nodiscard]] inline std::string bar_of(double share, std::size_t columns) {
  const auto n = static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * static_cast<double>(columns)));
  std::string bar;
  for (std::size_t i = 0; i < n; ++i) bar += "\xE2\x96\xA0";
  return bar;
}

inline void site_table(Page& page, const Spread& s, const SiteSpread& g, double highest_ng_per_mL) {
  const SpreadTable table(s.results[g.results.front()]);
  const auto put = [&](std::string_view label, const std::string& text, Tint tint) {
    page.lines.push_back(page.tinted(padded(label, label_columns), Tint::bold) + page.tinted(text, tint));
  };
  const std::string label = g.site == Site::not_stated ? "Unstated" : g.site == Site::arterial ? "Arterial" : "Venous";
  put(label, table.head(), Tint::faint);
  for (const std::size_t i : g.results) {
    const Result& r = s.results[i];
    std::vector<double> numbers{r.summary.plasma.ng_per_mL, r.summary.plasma.min, r.summary.auc_inf_ng_h_per_mL};
    for (const TimeAbove& t : r.time_above) numbers.push_back(t.minutes);
    put("",
        table.line(marked_id(r), numbers) +
            padded(bar_of(r.summary.plasma.ng_per_mL / highest_ng_per_mL, SpreadTable::bar_columns),
                   SpreadTable::bar_columns + 2) +
            (r.inputs.limits ? std::string(pick(verdict_names, r.assessment.verdict.kind)) : std::string()),
        Tint::cyan);
  }
  if (g.results.size() < 2) {
    put("", "one model, so nothing is known of a spread here", Tint::faint);
    return;
  }
  const auto row = [&](std::string_view name, double Range::*of) {
    std::vector<double> numbers{g.cmax_ng_per_mL.*of, g.tmax_min.*of, g.auc_inf_ng_h_per_mL.*of};
    for (const Range& above : g.minutes_above) numbers.push_back(above.*of);
    put("", table.line(name, numbers), Tint::plain);
  };
  row("lowest", &Range::lowest);
  row("median", &Range::median);
  row("highest", &Range::highest);
}

/// By how much the models of one site disagree, in words.
[[nodiscard]] inline std::string disagreement_text(const Spread& s, const SiteSpread& g) {
  const std::string where =
      g.site == Site::not_stated ? "models of no stated site" : std::string(name_of(g.site)) + " models";
  const Range& peak = g.cmax_ng_per_mL;
  std::string text = std::to_string(g.results.size()) + ' ' + where;
  if (is_alike(peak))
    text += ": alike in the peak, " + with_unit(peak.median, "ng/mL");
  else
    text += ": the peak lies between " + short_number(peak.lowest) + " (" + id_of(s, peak.lowest_of) + ") and " +
            short_number(peak.highest) + " ng/mL (" + id_of(s, peak.highest_of) + "), " + fold_text(peak);
  const Range& area = g.auc_inf_ng_h_per_mL;
  text += is_alike(area) ? "; alike in the area" : "; the area differs " + fold_text(area);
  for (const auto& group : g.same_source) text += "; " + joined(ids_of(s, group), " and ") + " share one source";
  return text;
}

/// How far the answers lie apart, site by site and in all, and what that does not mean.
inline void disagreements(Page& page, const Spread& s) {
  std::string_view label = "Disagree";
  double lowest = s.results.front().summary.plasma.ng_per_mL, highest = lowest;
  for (const SiteSpread& g : s.sites) {
    lowest = std::min(lowest, g.cmax_ng_per_mL.lowest);
    highest = std::max(highest, g.cmax_ng_per_mL.highest);
    if (g.results.size() < 2) continue;
    page.row(std::exchange(label, ""), disagreement_text(s, g), Tint::bold, 3);
  }
  if (s.results.size() < 2) return;
  page.row(
      std::exchange(label, ""),
      "in all, typical peaks from " + short_number(lowest) + " to " + short_number(highest) +
          " ng/mL. Models differ in study, sampling site and, unless all are of one analyte, in the drug analysed, at "
          "once: no difference between them is the effect of one of these, and the range is none of patients.",
      Tint::plain, 3);
}

/// "soft PLASMA_PEAK_HIGH: not evaluated by 2 arterial, 1 of 1 venous".
[[nodiscard]] inline std::vector<std::string> flag_lines(const Spread& s) {
  std::vector<std::string> lines;
  for (std::size_t k = 0; k < s.sites.front().flags.size(); ++k) {
    std::vector<std::string> told;
    for (const SiteSpread& g : s.sites) {
      const FlagCount& f = g.flags[k];
      const std::string site = g.site == Site::not_stated ? "unstated" : std::string(name_of(g.site));
      const std::size_t n = f.results.size(), could_not = g.results.size() - f.of;
      std::vector<std::string> parts;
      if (f.of > 0) {
        parts.push_back((n == 0 ? "none" : std::to_string(n)) + " of " + std::to_string(f.of) + ' ' + site);
        if (n > 0 && n < f.of) parts.back() += " (" + joined(ids_of(s, f.results), ", ") + ')';
      }
      if (could_not > 0) parts.push_back("not evaluated by " + std::to_string(could_not) + ' ' + site);
      told.push_back(joined(parts, ", "));
    }
    const FlagCount& any = s.sites.front().flags[k];
    lines.push_back(std::string(pick(severity_names, any.severity)) + ' ' + any.code + ": " + joined(told, ", "));
  }
  return lines;
}

inline void open_checks(Page& page, const Spread& s) {
  std::vector<std::string> required, others;
  for (const SiteSpread& g : s.sites)
    for (const OpenCheck& o : g.open)
      if (o.id != "model-domain" || o.required)
        (o.required ? required : others).push_back(o.id + " by " + joined(ids_of(s, o.results), ", "));
  if (!required.empty()) page.row("Open", "required, not evaluated: " + joined(required, "; "), Tint::yellow, 4);
  if (!others.empty())
    page.row(required.empty() ? "Open" : "", "not evaluated: " + joined(others, "; "), Tint::plain, 4);
}

inline void refused_models(Page& page, const Spread& s) {
  for (std::size_t i = 0; i < s.refused.size(); ++i) {
    const RefusedModel& r = s.refused[i];
    const std::string why = r.message.substr(0, r.message.find("; accepted"));
    page.row(i == 0 ? "Not asked" : "", r.card.id + ": " + r.field + ' ' + why, Tint::faint, 2);
  }
}

}  // namespace report_detail

/// The answers of several models as `ketpk.spread/1`. Throws std::logic_error where a number is not finite.
[[nodiscard]] inline std::string to_json(const Spread& s, std::string_view version) {
  namespace d = report_detail;
  d::JsonText json;
  json.object([&] {
    json.member("schema", "ketpk.spread/1");
    json.member("version", version);
    d::inputs_with(json, s.results.front(), [&] {
      std::vector<const ModelCard*> asked;
      for (const Result& r : s.results) asked.push_back(&r.inputs.model);
      for (const RefusedModel& r : s.refused) asked.push_back(&r.card);
      json.array("model", asked, [&](const ModelCard* card) { d::asked_model(json, *card); });
    });
    json.array("models", s.results, [&](const Result& r) { d::answer_of_model(json, r, version); });
    json.array("refused", s.refused, [&](const RefusedModel& r) {
      json.object([&] {
        json.member("id", r.card.id);
        json.member("label", r.card.label);
        json.member("site", name_of(r.card.site));
        json.member("code", name_of(r.code));
        json.member("field", r.field);
        json.member("message", r.message);
      });
    });
    json.array("sites", s.sites, [&](const SiteSpread& g) { d::site(json, s, g); });
  });
  json.text += '\n';
  return std::move(json.text);
}

/// One row per asked instant: plasma of each model, and the lowest and highest of each sampling site.
[[nodiscard]] inline std::string to_csv(const Spread& s) {
  std::string csv = "time_us,time_min";
  for (const Result& r : s.results)
    csv += ',' + report_detail::csv_cell(r.inputs.model.id + '_' + std::string(name_of(r.inputs.model.site)) +
                                         "_plasma_ng_per_mL");
  for (const SiteSpread& g : s.sites)
    for (const char* end : {"_lowest_ng_per_mL", "_highest_ng_per_mL"}) csv += ',' + std::string(name_of(g.site)) + end;
  csv += '\n';
  const std::vector<Micros>& times = s.results.front().profile.time;
  const auto cell = [&csv](double x) { csv += ',' + to_text(report_detail::finite(x)); };
  for (std::size_t i = 0; i < times.size(); ++i) {
    csv += std::to_string(times[i].count());
    cell(minutes(times[i]));
    for (const Result& r : s.results) cell(r.profile.plasma_ng_per_mL.at(i));
    for (const SiteSpread& g : s.sites) cell(g.lowest_ng_per_mL.at(i)), cell(g.highest_ng_per_mL.at(i));
    csv += '\n';
  }
  return csv;
}

/// The answers side by side, in UTF-8, 100 columns wide. Throws std::logic_error where a number is not finite.
[[nodiscard]] inline std::string to_card(const Spread& s, std::string_view version, CardStyle style = {}) {
  namespace d = report_detail;
  d::Page page{.colour = style.colour};
  const Result& any = s.results.front();
  d::who(page, any);
  d::what(page, any);
  const auto models = [](std::size_t n, const char* one, const char* several) {
    return std::to_string(n) + (n == 1 ? one : several);
  };
  page.row("Models", models(s.results.size(), " answers, ", " answer, ") +
                         models(s.refused.size(), " does not admit", " do not admit") +
                         " this patient and order; sampling sites are never put together");
  double highest = 0;
  bool is_any_alike = false, is_any_outside = false, is_any_unbounded = false;
  for (const Result& r : s.results) {
    highest = std::max(highest, r.summary.plasma.ng_per_mL);
    is_any_alike = is_any_alike || r.admission.enantiomers_assumed_alike;
    is_any_outside = is_any_outside || !r.admission.crossed.empty();
    is_any_unbounded = is_any_unbounded || !r.admission.domain_stated;
  }
  for (const SiteSpread& g : s.sites) {
    page.blank();
    d::site_table(page, s, g, highest);
  }
  page.blank();
  d::disagreements(page, s);
  if (is_any_alike)
    page.row("", "(S): built on S-ketamine; run as if both enantiomers behaved alike", d::Tint::yellow, 1);
  if (is_any_outside) page.row("", "(x): extrapolated beyond who the model was built on", d::Tint::yellow, 1);
  if (is_any_unbounded)
    page.row("", "(?): its source states no domain, so nobody knows whom it admits", d::Tint::yellow, 1);
  const std::vector<std::string> flags = d::flag_lines(s);
  for (std::size_t i = 0; i < flags.size(); ++i) page.row(i == 0 ? "Flags" : "", flags[i], d::Tint::yellow, 3);
  if (flags.empty()) page.row("Flags", any.inputs.limits ? "none" : "none; no limits were given", d::Tint::plain, 1);
  d::open_checks(page, s);
  d::refused_models(page, s);
  page.row("", "ketpk " + std::string(version) + ": a research and engineering library, not a medical device",
           d::Tint::faint, 1);
  return page.text();
}

}  // namespace ketpk
