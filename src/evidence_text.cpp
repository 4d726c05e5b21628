// SPDX-License-Identifier: Apache-2.0

#include "evidence_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/observations.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/report.hpp"
#include "ketpk/time.hpp"

namespace ketpk::io {
namespace {

using report_detail::csv_cell;
using report_detail::JsonText;
using report_detail::padded;
using report_detail::short_number;

constexpr std::string_view method =
    "Varvel JR, Donoho DL, Shafer SL. Measuring the predictive performance of computer-controlled infusion pumps. "
    "J Pharmacokinet Biopharm 1992;20:63-94, doi 10.1007/BF01143186";
constexpr std::string_view formula = "100 (observed - predicted) / predicted";

/// One letter for each mark, in their order; those of a whole row or column stand at its head.
constexpr std::array<char, mark_names.size()> letters{'o', 'n', 'e', 'd', 'u', 'i', 'l', 'c', 'x', 's'};
constexpr std::array<std::string_view, mark_names.size()> meanings{
    "the model describes blood from another site",
    "the sampling site of the model or of the data is not stated",
    "the card does not list what was given: the enantiomers are assumed alike",
    "the subjects lie outside the people the model was built on",
    "age or weight of the subjects, which the model's domain bounds, was not printed",
    "the card was estimated on these data",
    "very likely the card was estimated on these data",
    "the card was chosen because of these data",
    "the card is kept for comparison only, not for use",
    "suspect data: no model is to be judged by them"};

std::string letters_of(const Comparison& c, bool with_heads) {
  std::string text;
  for (const Mark m : c.marks)
    if (with_heads || (m != Mark::not_for_use && m != Mark::suspect_data)) text += letters[static_cast<std::size_t>(m)];
  return text;
}

/// A whole percentage with its sign.
std::string percent(double x) {
  const auto whole = static_cast<std::int64_t>(std::llround(report_detail::finite(x)));
  return (whole > 0 ? "+" : "") + std::to_string(whole);
}
std::string size_of(double x) { return std::to_string(std::llround(report_detail::finite(x))); }

std::string hours(Micros t) { return short_number(static_cast<double>(t.count()) / 3.6e9, 4); }

std::string site_of(Site s) { return s == Site::not_stated ? "site not stated" : std::string(name_of(s)); }

const Observations& data_of(const Validation& v, const Comparison& c) {
  return *std::find_if(v.data.begin(), v.data.end(), [&](const Observations& o) { return o.id == c.data; });
}

/// Arterial models first, then venous ones, then those that do not say; what is not for use comes last.
std::vector<const ModelCard*> in_order(const Validation& v) {
  std::vector<const ModelCard*> all;
  for (const ModelCard& m : v.models) all.push_back(&m);
  const auto rank = [](const ModelCard* m) {
    const int site = m->site == Site::arterial ? 0 : m->site == Site::venous ? 1 : 2;
    return (m->not_for_use.empty() ? 0 : 10) + site;
  };
  std::stable_sort(all.begin(), all.end(), [&](auto a, auto b) { return rank(a) < rank(b); });
  return all;
}

const Comparison* find(const Validation& v, std::string_view model, std::string_view data, Molecule molecule) {
  for (const Comparison& c : v.comparisons)
    if (c.model == model && c.data == data && c.molecule == molecule) return &c;
  return nullptr;
}

/// The data sets that models are run on.
std::vector<const Observations*> run_on(const Validation& v) {
  std::vector<const Observations*> all;
  for (const Observations& o : v.data)
    if (o.is_run()) all.push_back(&o);
  return all;
}

std::optional<double> phase_bias(const Comparison& c, Phase phase) {
  for (const PhaseBias& b : c.phases)
    if (b.phase == phase) return b.mdpe_percent;
  return std::nullopt;
}

template <class Show>
std::string shown(const std::optional<double>& x, Show show) {
  return x ? show(*x) : std::string("-");
}

std::string rate(double x) {
  const double tenth = std::round(report_detail::finite(x) * 10) / 10;
  return (tenth > 0 ? "+" : "") + short_number(tenth == 0 ? 0 : tenth, 3);
}

/// n, MDPE, MDAPE, wobble, divergence, and the bias of each phase.
std::vector<std::string> measures(const Comparison& c) {
  const auto whole = [](double x) { return size_of(x); };
  std::vector<std::string> all{"0", "-", "-", "-", "-"};
  if (c.error)
    all = {std::to_string(c.error->points), percent(c.error->mdpe_percent), size_of(c.error->mdape_percent),
           shown(c.error->wobble_percent, whole), shown(c.error->divergence_percent_per_h, rate)};
  for (const Phase p : {Phase::during, Phase::first_hour, Phase::tail}) all.push_back(shown(phase_bias(c, p), percent));
  return all;
}

// JSON ----------------------------------------------------------------------------------------------------------------

void instants(JsonText& json, std::string_view name, const std::vector<Micros>& all) {
  json.key(name);
  json.text += '[';
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0) json.text += ", ";
    json.integer(all[i].count());
  }
  json.text += ']';
}

void count(JsonText& json, std::string_view name, std::size_t n) {
  json.key(name);
  json.integer(static_cast<std::int64_t>(n));
}
void instant(JsonText& json, std::string_view name, Micros t) {
  json.key(name);
  json.integer(t.count());
}

void series(JsonText& json, const ObservedSeries& s) {
  json.object([&] {
    json.member("substance", name_of(s.substance));
    json.member("unit", name_of(s.unit));
    json.member("reading", s.reading);
    json.member("reading_error_rel", s.reading_error_rel);
    json.array("points", s.points, [&](const ObservedPoint& p) {
      json.object([&] {
        instant(json, "at_us", p.at);
        json.member("value", p.value);
        if (p.sd) json.member("sd", *p.sd);
        if (p.low) json.member("low", *p.low);
        if (p.high) json.member("high", *p.high);
        json.member("left_out", report_detail::stated(p.left_out));
        if (!p.note.empty()) json.member("note", p.note);
      });
    });
  });
}

void data_set(JsonText& json, const Observations& o) {
  json.object([&] {
    json.member("id", o.id);
    json.member("label", o.label);
    json.member("paper", o.paper);
    json.member("doi", o.doi);
    json.member("source", o.source);
    json.member("licence", o.licence);
    json.member("site", name_of(o.site));
    json.member("site_source", o.site_source);
    json.key("n");
    if (o.n)
      json.integer(*o.n);
    else
      json.text += "null";
    json.member("population", o.population);
    json.member("weight", o.weight);
    json.member("given", o.given);
    json.member("analyte", o.order ? std::optional(name_of(o.order->analyte)) : std::nullopt);
    json.member("weight_kg", o.person ? std::optional(o.person->weight.in(unit::kg)) : std::nullopt);
    json.member("assumed", report_detail::stated(o.assumed));
    json.array("series", o.series, [&](const ObservedSeries& s) { series(json, s); });
    json.array("reported", o.reported, [&](const ReportedValue& r) {
      json.object([&] {
        json.member("quantity", r.quantity);
        json.member("value", r.value);
        json.member("unit", r.unit);
        json.member("note", report_detail::stated(r.note));
        json.member("suspect", report_detail::stated(r.suspect));
      });
    });
    json.array("in_sample_for", o.in_sample_for, [&](const InSampleFor& s) {
      json.object([&] {
        json.member("model", s.model);
        json.member("molecule", name_of(s.molecule));
        json.member("how", name_of(s.how));
        json.member("why", s.why);
      });
    });
    json.strings("caveats", o.caveats);
    json.member("not_judged_by", report_detail::stated(o.not_judged_by));
    json.member("not_run", report_detail::stated(o.not_run));
  });
}

void error(JsonText& json, std::string_view name, const std::optional<PredictionError>& e) {
  if (!e) {
    json.key(name);
    json.text += "null";
    return;
  }
  json.object(name, [&] {
    count(json, "points", e->points);
    json.member("mdpe_percent", e->mdpe_percent);
    json.member("mdape_percent", e->mdape_percent);
    json.member("wobble_percent", e->wobble_percent);
    json.member("divergence_percent_per_h", e->divergence_percent_per_h);
  });
}

void comparison(JsonText& json, const Comparison& c) {
  json.object([&] {
    json.member("model", c.model);
    json.member("data", c.data);
    json.member("molecule", name_of(c.molecule));
    json.member("curve", c.curve);
    json.member("model_site", name_of(c.model_site));
    json.member("data_site", name_of(c.data_site));
    json.member("standing", name_of(c.standing()));
    json.array("marks", c.marks, [&](Mark m) { json.string(name_of(m)); });
    error(json, "error", c.error);
    error(json, "error_of_all", c.error_of_all);
    json.array("phases", c.phases, [&](const PhaseBias& b) {
      json.object([&] {
        json.member("phase", name_of(b.phase));
        count(json, "points", b.points);
        json.member("mdpe_percent", b.mdpe_percent);
      });
    });
    json.array("points", c.points, [&](const ComparedPoint& p) {
      json.object([&] {
        instant(json, "at_us", p.at);
        json.member("observed_ng_per_mL", p.observed_ng_per_mL);
        json.member("predicted_ng_per_mL", p.predicted_ng_per_mL);
        json.member("error_percent", p.error_percent);
        json.member("phase", name_of(p.phase));
        json.member("left_out", report_detail::stated(p.left_out));
      });
    });
    json.object("predicted", [&] {
      instants(json, "at_us", c.predicted.at);
      json.numbers("ng_per_mL", c.predicted.ng_per_mL);
    });
  });
}

// Markdown ------------------------------------------------------------------------------------------------------------

using Row = std::vector<std::string>;

/// A bar inside a cell would end it.
std::string cell(std::string_view s) {
  std::string text;
  for (const char c : report_detail::one_line(s)) text += c == '|' ? std::string("\\|") : std::string(1, c);
  return text;
}

void table(std::string& text, const Row& head, const std::vector<Row>& rows) {
  const auto line = [&](const Row& row) {
    text += '|';
    for (const std::string& c : row) text += ' ' + cell(c) + " |";
    text += '\n';
  };
  line(head);
  text += '|';
  for (std::size_t i = 0; i < head.size(); ++i) text += i == 0 ? "---|" : "---:|";
  text += '\n';
  for (const Row& row : rows) line(row);
  text += '\n';
}

/// Bold where it judges, italic where it shows the fit only.
std::string weighed(const Comparison& c, const std::string& text) {
  if (c.standing() == Standing::judges) return "**" + text + "**";
  return c.standing() == Standing::shows_fit ? '_' + text + '_' : text;
}

std::string both(const Comparison& c) {
  if (!c.error) return "-";
  return percent(c.error->mdpe_percent) + " / " + size_of(c.error->mdape_percent);
}

std::string linked(const std::string& doi) {
  return doi == "not-stated" ? "DOI not stated" : "doi [" + doi + "](https://doi.org/" + doi + ")";
}

std::string marks_in_words(const Comparison& c) {
  std::string text;
  for (const Mark m : c.marks) text += (text.empty() ? "" : ", ") + std::string(name_of(m));
  return text.empty() ? "none" : text;
}

void what_judges(std::string& text, const Validation& v) {
  const auto list = [&](Standing standing) {
    bool any = false;
    for (const Comparison& c : v.comparisons) {
      if (c.standing() != standing || !c.error) continue;
      any = true;
      text += "- `" + c.model + "` on " + data_of(v, c).label + ", " + std::string(name_of(c.molecule)) + ": MDPE " +
              percent(c.error->mdpe_percent) + " %, MDAPE " + size_of(c.error->mdape_percent) + " % over " +
              std::to_string(c.error->points) + (c.error->points == 1 ? " point" : " points");
      text += c.marks.empty() ? "\n" : " (" + marks_in_words(c) + ")\n";
    }
    if (!any) text += "- none\n";
    text += '\n';
  };
  text += "## What judges what\n\n";
  text +=
      "Arterial data judge arterial models, venous data venous ones, of the analyte that the card lists, in people "
      "that "
      "its domain holds, on data that it did not see. That leaves, of " +
      std::to_string(v.comparisons.size()) + " comparisons:\n\n";
  list(Standing::judges);
  text += "The card's own data, which show how well it fits, not how well it predicts:\n\n";
  list(Standing::shows_fit);
  text +=
      "Everything else is for orientation: site, analyte and study differ together, and no table can part them.\n\n";
}

void about(std::string& text, const Observations& o) {
  text += "### " + o.label + "\n\n";
  text += "`" + o.id + "` · " + site_of(o.site) + " (" + o.site_source + ") · " +
          (o.n ? "n = " + std::to_string(*o.n) : std::string("n not stated")) + " · " + o.population + " · weight " +
          o.weight + "\n\n";
  text += "Given: " + o.given + ".\n";
  if (!o.assumed.empty()) text += "The person predictions are for: " + o.assumed + ".\n";
  text += '\n';
  text += o.paper + ", " + linked(o.doi) + ". Numbers: " + o.source + ". Licence: " + o.licence + ".\n\n";
  for (const ObservedSeries& s : o.series)
    text += "- " + std::string(name_of(s.substance)) + " [" + std::string(name_of(s.unit)) + "], " +
            std::to_string(s.points.size()) + (s.points.size() == 1 ? " point: " : " points: ") + s.reading +
            (s.reading_error_rel ? "; reading error " + short_number(100 * *s.reading_error_rel, 2) + " %" : "") + '\n';
  if (!o.series.empty()) text += '\n';
  std::vector<std::string> reasons;
  for (const ObservedSeries& s : o.series)
    for (const ObservedPoint& p : s.points)
      if (!p.left_out.empty() && std::find(reasons.begin(), reasons.end(), p.left_out) == reasons.end())
        reasons.push_back(p.left_out);
  for (const std::string& r : reasons) text += "- Left out of the summaries: " + r + ".\n";
  for (const std::string& c : o.caveats) text += "- " + c + '\n';
  if (!o.not_judged_by.empty()) text += "- Not to be judged by: " + o.not_judged_by + ".\n";
  for (const InSampleFor& s : o.in_sample_for)
    text += "- " +
            std::string(s.how == InSample::certain  ? "In-sample"
                        : s.how == InSample::likely ? "Very likely in-sample"
                                                    : "Chosen on it") +
            " for `" + s.model + "` (" + std::string(name_of(s.molecule)) + "): " + s.why + ".\n";
  if (!reasons.empty() || !o.caveats.empty() || !o.not_judged_by.empty() || !o.in_sample_for.empty()) text += '\n';
}

}  // namespace

std::string evidence_json(const Validation& v, std::string_view version) {
  JsonText json;
  json.object([&] {
    json.member("schema", "ketpk.evidence/1");
    json.object("ketpk", [&] { json.member("version", version); });
    json.object("method", [&] {
      json.member("citation", method);
      json.member("error_percent", formula);
    });
    json.array("models", v.models, [&](const ModelCard& m) {
      json.object([&] {
        json.member("id", m.id);
        json.member("label", m.label);
        json.member("citation", m.citation);
        json.member("site", name_of(m.site));
        report_detail::names_of(json, m.analytes);
        json.member("not_for_use", report_detail::stated(m.not_for_use));
      });
    });
    json.array("data", v.data, [&](const Observations& o) { data_set(json, o); });
    json.array("comparisons", v.comparisons, [&](const Comparison& c) { comparison(json, c); });
    json.array("not_compared", v.not_compared, [&](const NotCompared& n) {
      json.object([&] {
        json.member("model", n.model);
        json.member("data", n.data);
        json.member("why", n.why);
      });
    });
  });
  return std::move(json.text) + '\n';
}

std::string evidence_csv(const Validation& v) {
  std::string text =
      "model,data,molecule,curve,model_site,data_site,standing,marks,time_us,observed_ng_per_mL,predicted_ng_per_mL,"
      "error_percent,phase,left_out\n";
  for (const Comparison& c : v.comparisons) {
    std::string marks;
    for (const Mark m : c.marks) marks += (marks.empty() ? "" : " ") + std::string(name_of(m));
    std::string head;
    for (const std::string_view s :
         {std::string_view(c.model), std::string_view(c.data), name_of(c.molecule), std::string_view(c.curve),
          name_of(c.model_site), name_of(c.data_site), name_of(c.standing()), std::string_view(marks)})
      head += csv_cell(s) + ',';
    for (const ComparedPoint& p : c.points) {
      text += head + std::to_string(p.at.count());
      for (const double x : {p.observed_ng_per_mL, p.predicted_ng_per_mL, p.error_percent})
        text += ',' + to_text(report_detail::finite(x));
      text += ',' + std::string(name_of(p.phase)) + ',' + csv_cell(p.left_out) + '\n';
    }
  }
  return text;
}

std::string evidence_markdown(const Validation& v, std::string_view version) {
  const auto models = in_order(v);
  const auto data = run_on(v);
  std::string text = "# What the models predict, and what was measured\n\n";
  text += "Made by `ketpk validate --markdown`, ketpk " + std::string(version) +
          ". Each model is run on each set of observed concentrations, for the person that stands beside the data, and "
          "held against it point by point. The prediction error of a point is " +
          std::string(formula) +
          "; MDPE is its median (the bias), MDAPE the median of its size (the inaccuracy), wobble the median size of "
          "what is left beside the bias, divergence the slope of the size over time [% per h]. " +
          std::string(method) + ".\n\n";
  text +=
      "Positive: more was measured than predicted. Few points each, most of them read from figures: a percentage "
      "point means nothing here, and a column with one point is just an error.\n\n";

  text += "## Bias and inaccuracy of ketamine in plasma: MDPE / MDAPE, %\n\n";
  Row head{"model", "site of the model"};
  for (const Observations* o : data)
    head.push_back(o->short_label + " (" + site_of(o->site) + (o->not_judged_by.empty() ? ")" : ", suspect)"));
  std::vector<Row> rows;
  for (const ModelCard* m : models) {
    Row row{'`' + m->id + '`' + (m->not_for_use.empty() ? "" : " x"), site_of(m->site)};
    for (const Observations* o : data) {
      const Comparison* c = find(v, m->id, o->id, Molecule::ketamine);
      const std::string marks = c == nullptr ? "" : letters_of(*c, false);
      row.push_back(c == nullptr ? "-" : weighed(*c, both(*c)) + (marks.empty() ? "" : " " + marks));
    }
    rows.push_back(std::move(row));
  }
  table(text, head, rows);
  text +=
      "**Bold** judges the model; _italic_ shows its fit to data it was built on or chosen for; the rest is for "
      "orientation:\n\n";
  for (std::size_t i = 0; i < letters.size(); ++i)
    text += std::string("- ") + letters[i] + ": " + std::string(meanings[i]) + '\n';
  text += "\n<!-- figure summary -->\n\n";

  what_judges(text, v);

  bool any_not_for_use = false;
  for (const ModelCard* m : models) any_not_for_use = any_not_for_use || !m->not_for_use.empty();
  if (any_not_for_use) {
    text += "## Models that are not for use\n\nThey are run here and nowhere else.\n\n";
    for (const ModelCard* m : models)
      if (!m->not_for_use.empty()) text += "- `" + m->id + "`: " + m->not_for_use + '\n';
    text += '\n';
  }
  for (const NotCompared& n : v.not_compared)
    text += "`" + n.model + "` could not be run on `" + n.data + "`: " + n.why + ".\n\n";

  text += "## Data set by data set\n\n";
  for (const Observations* o : data) {
    about(text, *o);
    text += "<!-- figure " + o->id + " -->\n\n";
    for (std::size_t k = 0; k < molecule_names.size(); ++k) {
      const auto molecule = static_cast<Molecule>(k);
      rows.clear();
      for (const ModelCard* m : models) {
        const Comparison* c = find(v, m->id, o->id, molecule);
        if (c == nullptr) continue;
        Row row{'`' + m->id + '`'};
        for (std::string& s : measures(*c)) row.push_back(std::move(s));
        row.emplace_back(name_of(c->standing()));
        row.push_back(marks_in_words(*c));
        rows.push_back(std::move(row));
      }
      if (rows.empty()) continue;
      text += "Prediction error of " + std::string(name_of(molecule)) + ":\n\n";
      table(text,
            {"model", "n", "MDPE %", "MDAPE %", "wobble %", "divergence %/h", "MDPE during", "MDPE first hour after",
             "MDPE later", "standing", "marks"},
            rows);
    }
  }

  text += "## Numbers that carry no curve\n\nNo model is run on these.\n\n";
  for (const Observations& o : v.data) {
    if (o.is_run()) continue;
    about(text, o);
    text += "Not run: " + o.not_run + ".\n\n";
    rows.clear();
    for (const ReportedValue& r : o.reported)
      rows.push_back({r.quantity, short_number(r.value, 4) + (r.unit == "1" ? "" : ' ' + r.unit),
                      r.suspect.empty() ? r.note : "suspect: " + r.suspect});
    table(text, {"quantity", "value", "note"}, rows);
  }
  while (text.size() > 1 && text.ends_with("\n\n")) text.pop_back();
  return text;
}

std::string evidence_card(const Validation& v, bool in_full) {
  const auto models = in_order(v);
  const auto data = run_on(v);
  const auto line = [](std::string text) {
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text + '\n';
  };
  std::string text = "Prediction error, " + std::string(formula) + ", of each model on what was measured\n";
  const auto legend = [&](const std::string& used) {
    std::string all;
    for (std::size_t i = 0; i < letters.size(); ++i)
      if (used.find(letters[i]) != std::string::npos)
        all += std::string("  ") + letters[i] + "  " + std::string(meanings[i]) + '\n';
    return all;
  };
  std::string used;
  if (in_full) {
    constexpr std::size_t name = 18, narrow = 8;
    for (const Observations* o : data)
      for (std::size_t k = 0; k < molecule_names.size(); ++k) {
        const auto molecule = static_cast<Molecule>(k);
        std::string rows;
        std::vector<const Comparison*> shown_here;
        for (const ModelCard* m : models) {
          const Comparison* c = find(v, m->id, o->id, molecule);
          if (c == nullptr) continue;
          shown_here.push_back(c);
          std::string row = padded(c->model, name);
          for (const std::string& s : measures(*c)) row += padded(s, narrow);
          row += padded(name_of(c->standing()), 13) + letters_of(*c, true);
          used += letters_of(*c, true);
          rows += line(row);
        }
        if (rows.empty()) continue;
        text += '\n' + report_detail::cut(o->label, 80) + ", " + std::string(name_of(molecule)) + ", " +
                site_of(o->site) + '\n';
        std::string head = padded("model", name);
        for (const char* s : {"points", "MDPE", "MDAPE", "wobble", "%/h", "during", "1st h", "later"})
          head += padded(s, narrow);
        text += line(head + padded("standing", 13) + "marks") + rows;
        if (v.models.size() > 1 || v.data.size() > 1) continue;
        text += line("  " + padded("h", 8) + padded("observed", 10) + padded("predicted", 11) + padded("error %", 9) +
                     padded("phase", 12) + "ng/mL");
        std::vector<std::string> reasons;
        for (const ComparedPoint& p : shown_here.front()->points) {
          std::string left;
          if (!p.left_out.empty()) {
            const auto at = std::find(reasons.begin(), reasons.end(), p.left_out);
            left = "left out (" + std::to_string(at - reasons.begin() + 1) + ")";
            if (at == reasons.end()) reasons.push_back(p.left_out);
          }
          text += line("  " + padded(hours(p.at), 8) + padded(short_number(p.observed_ng_per_mL), 10) +
                       padded(short_number(p.predicted_ng_per_mL), 11) + padded(percent(p.error_percent), 9) +
                       padded(name_of(p.phase), 12) + left);
        }
        for (std::size_t i = 0; i < reasons.size(); ++i)
          text += "  (" + std::to_string(i + 1) + ") " + report_detail::cut(reasons[i], 110) + '\n';
      }
  } else {
    constexpr std::size_t name = 17, wide = 13;
    text += "ketamine in plasma, median / median of the sizes [%]; positive: more was measured than predicted\n\n";
    std::vector<const Observations*> columns;
    for (const Observations* o : data)
      if (o->not_judged_by.empty()) columns.push_back(o);
    std::string first = padded("", name), second = padded("model", name);
    for (const Observations* o : columns) {
      first += padded(o->site == Site::not_stated ? "not stated" : name_of(o->site), wide);
      second += padded(o->short_label, wide);
    }
    text += line(first) + line(second);
    for (const ModelCard* m : models) {
      std::string row = padded(m->id + (m->not_for_use.empty() ? "" : " x"), name);
      if (!m->not_for_use.empty()) used += 'x';
      for (const Observations* o : columns) {
        const Comparison* c = find(v, m->id, o->id, Molecule::ketamine);
        std::string both_of = "-";
        if (c != nullptr && c->error) {
          both_of = percent(c->error->mdpe_percent) + '/' + size_of(c->error->mdape_percent);
          const std::string marks = letters_of(*c, false);
          used += marks;
          both_of += marks.empty() ? " *" : ' ' + marks;
        }
        row += padded(both_of, wide);
      }
      text += line(row);
    }
    text += "\n  *  judges the model; everything else is for orientation, or shows the fit to data it was built on:\n";
  }
  if (in_full && !used.empty()) text += '\n';
  text += legend(used);
  // One data set that models are not run on is asked for its numbers.
  if (v.data.size() == 1 && !v.data.front().is_run()) {
    const Observations& o = v.data.front();
    text += '\n' + report_detail::cut(o.label, 80) + ", " + site_of(o.site) + '\n';
    for (const std::string& l : report_detail::wrapped("given: " + o.given, 110, 4)) text += l + '\n';
    for (const ReportedValue& r : o.reported) {
      std::string row = "  " + padded(report_detail::cut(r.quantity, 60), 62) + short_number(r.value, 4);
      if (r.unit != "1") row += ' ' + r.unit;
      if (!r.note.empty()) row = padded(row, 80) + r.note;
      text += line(report_detail::cut(row, 118));
      if (!r.suspect.empty())
        for (const std::string& l : report_detail::wrapped("suspect: " + r.suspect, 106, 3)) text += "    " + l + '\n';
    }
    for (const std::string& l : report_detail::wrapped("no model is run on it: " + o.not_run, 110, 3)) text += l + '\n';
  }
  for (const NotCompared& n : v.not_compared) text += n.model + " could not be run on " + n.data + ": " + n.why + '\n';
  std::string others;
  for (const Observations& o : v.data)
    if (v.data.size() > 1 && (!o.is_run() || (!in_full && !o.not_judged_by.empty())))
      others += (others.empty() ? "" : ", ") + o.id;
  if (!others.empty())
    for (const std::string& l : report_detail::wrapped("not in this table: " + others, 110, 4)) text += l + '\n';
  if (!in_full) text += "--data ID or --model ID shows every measure; --markdown, --csv and --json show everything\n";
  return text;
}

}  // namespace ketpk::io
