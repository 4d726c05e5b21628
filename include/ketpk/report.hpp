// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a result is told in three ways, to a program (JSON), to a spreadsheet (CSV) and to a person (a card on
// one screen). Nothing is computed here: numbers are written, rounded for the card only, and never in a way
// that listens to a locale. A number that is not finite is never written; it is a defect and stops the report.

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <variant>
#include <vector>

#include "ketpk/body_size.hpp"
#include "ketpk/profile.hpp"
#include "ketpk/result.hpp"

namespace ketpk {

struct CardStyle {
  bool colour = false;  ///< ANSI sequences; the text is the same without them
};

/// What `check` answers: the assessment, and what it is about.
struct AssessmentView {
  const Result& result;
};

namespace report_detail {

inline constexpr std::array<std::string_view, 3> severity_names{"advisory", "soft", "hard"};
inline constexpr std::array<std::string_view, 3> outcome_names{"unevaluated", "passed", "flagged"};
inline constexpr std::array<std::string_view, 4> verdict_names{"unevaluated", "within-limits", "soft", "hard"};

template <class E, std::size_t N>
[[nodiscard]] constexpr std::string_view pick(const std::array<std::string_view, N>& names, E e) noexcept {
  return names[static_cast<std::size_t>(e)];
}

/// Bytes of the well-formed UTF-8 sequence at the start of `s`; 0 if there is none.
[[nodiscard]] constexpr std::size_t utf8_length(std::string_view s) noexcept {
  const auto at = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned a = at(0);
  if (s.empty()) return 0;
  if (a < 0x80) return 1;
  if (a >= 0xC2 && a <= 0xDF) return follows(1) ? 2 : 0;
  if (a >= 0xE0 && a <= 0xEF) {
    if ((a == 0xE0 && at(1) < 0xA0) || (a == 0xED && at(1) > 0x9F)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (a >= 0xF0 && a <= 0xF4) {
    if ((a == 0xF0 && at(1) < 0x90) || (a == 0xF4 && at(1) > 0x8F)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

inline constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// Throws std::logic_error where a report would have to show something that is not a number.
[[nodiscard]] inline double finite(double x) {
  if (!std::isfinite(x)) throw std::logic_error("a result holds a number that is not finite");
  return x;
}

/// JSON text as it grows: two blanks of indent, arrays of numbers on one line.
struct JsonText {
  std::string text = {};
  std::size_t depth = 0;
  bool first = true;  ///< nothing stands yet in the innermost object or array

  void open(char bracket) {
    text += bracket;
    ++depth;
    first = true;
  }
  void close(char bracket) {
    --depth;
    if (!first) line();
    text += bracket;
    first = false;
  }
  /// The comma and the new line ahead of a member or an element.
  void next() {
    if (!first) text += ',';
    first = false;
    line();
  }
  void key(std::string_view name) {
    next();
    string(name);
    text += ": ";
  }
  void string(std::string_view s) {
    constexpr std::string_view hex = "0123456789abcdef";
    text += '"';
    while (!s.empty()) {
      const std::size_t n = utf8_length(s);
      const auto c = static_cast<unsigned char>(s[0]);
      if (n == 0) {
        text += replacement;
      } else if (c == '"' || c == '\\') {
        text += '\\';
        text += s[0];
      } else if (c < 0x20 || c == 0x7F) {
        text += "\\u00";
        text += hex[c >> 4U];
        text += hex[c & 0xFU];
      } else {
        text += s.substr(0, n);
      }
      s.remove_prefix(n == 0 ? 1 : n);
    }
    text += '"';
  }
  void number(double x) {
    std::array<char, 32> buffer;
    text.append(buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), finite(x)).ptr);
  }
  void integer(std::int64_t x) {
    std::array<char, 24> buffer;
    text.append(buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), x).ptr);
  }

  void member(std::string_view name, std::string_view value) { key(name), string(value); }
  void member(std::string_view name, const char* value) { key(name), string(value); }
  void member(std::string_view name, double value) { key(name), number(value); }
  template <std::same_as<bool> B>
  void member(std::string_view name, B value) {
    key(name), text += value ? "true" : "false";
  }
  template <class T>
  void member(std::string_view name, const std::optional<T>& value) {
    if (value) return member(name, *value);
    key(name);
    text += "null";
  }
  void numbers(std::string_view name, std::span<const double> values) {
    key(name);
    text += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i > 0) text += ", ";
      number(values[i]);
    }
    text += ']';
  }
  void strings(std::string_view name, std::span<const std::string> values) {
    array(name, values, [&](const std::string& s) { string(s); });
  }
  template <class Body>
  void object(std::string_view name, Body body) {
    key(name);
    object(body);
  }
  template <class Body>
  void object(Body body) {
    open('{');
    body();
    close('}');
  }
  template <class Range, class Body>
  void array(std::string_view name, const Range& range, Body body) {
    key(name);
    open('[');
    for (const auto& element : range) {
      next();
      body(element);
    }
    close(']');
  }

 private:
  void line() {
    text += '\n';
    text.append(2 * depth, ' ');
  }
};

/// A unit as a column's name holds it: `mg/L` is `mg_per_L`.
[[nodiscard]] inline std::string unit_in_header(std::string_view unit) {
  std::string text;
  for (const char c : unit) text += c == '/' ? std::string("_per_") : std::string(1, c);
  return text;
}

/// An absent text is null, never an empty string.
[[nodiscard]] inline std::optional<std::string_view> stated(const std::string& s) {
  return s.empty() ? std::nullopt : std::optional<std::string_view>(s);
}

/// A duration or instant as text that reads back exactly: the largest of h, min, s, ms, us that is whole, and
/// minutes rather than hours below ten hours.
[[nodiscard]] inline std::string time_text(Micros t) {
  struct Step {
    std::string_view unit;
    std::int64_t us;
    std::int64_t from;
  };
  constexpr std::array<Step, 5> steps{{{" h", 3'600'000'000, 36'000'000'000},
                                       {" min", 60'000'000, 0},
                                       {" s", 1'000'000, 0},
                                       {" ms", 1'000, 0},
                                       {" us", 1, 0}}};
  for (const Step& step : steps)
    if (t.count() % step.us == 0 && t.count() >= step.from)
      return std::to_string(t.count() / step.us) + std::string(step.unit);
  return std::to_string(t.count()) + " us";
}

[[nodiscard]] inline std::string date_text(std::chrono::year_month_day d) {
  const auto padded = [](int x, std::size_t width) {
    const std::string digits = std::to_string(x);
    return std::string(width > digits.size() ? width - digits.size() : 0, '0') + digits;
  };
  return padded(int(d.year()), 4) + '-' + padded(static_cast<int>(unsigned(d.month())), 2) + '-' +
         padded(static_cast<int>(unsigned(d.day())), 2);
}

/// The quantity in `shown`, and as it was stated where that was another unit.
template <Dimension D>
void echo(JsonText& json, const std::string& name, const Stated<D>& q, Unit<D> shown) {
  if (q.unit().name == shown.name) return json.member(name, to_text(q));
  json.member(name, to_text(q.value(), shown));
  json.member(name + "_as_stated", to_text(q));
}

/// The covariate effects of a parameter, where it has any.
inline void effects(JsonText& json, const std::vector<CovariateEffect>& all) {
  if (all.empty()) return;
  json.array("covariates", all, [&](const CovariateEffect& e) {
    json.object([&] {
      json.member("covariate", e.covariate);
      json.member("form", pick(covariate_form_names, e.form));
      if (e.form == CovariateForm::levels) {
        json.array("levels", e.levels, [&](const CovariateLevel& level) {
          json.object([&] {
            json.member("is", level.is);
            json.member("factor", level.factor);
          });
        });
      } else {
        json.member("reference", e.reference);
        json.member("coefficient", e.coefficient);
      }
      if (!e.source.empty()) json.member("source", e.source);
    });
  });
}

/// The kinds of effects, in the order of the alternatives of `CardEffect::form`.
inline constexpr std::array<std::string_view, 3> effect_kind_names{"emax", "linear", "turnover"};

inline void effect_form(JsonText& json, const EmaxEffect& e) {
  json.member("ec50", to_text(e.ec50));
  json.member("hill", e.hill);
  json.member("baseline", e.baseline);
  json.member("change", e.change);
}
inline void effect_form(JsonText& json, const LinearEffect& e) {
  json.member("at", to_text(e.at));
  json.member("baseline", e.baseline);
  json.member("change", e.change);
}
inline void effect_form(JsonText& json, const TurnoverEffect& e) {
  json.member("acts", pick(turnover_names, e.kind));
  json.member("drive", pick(drive_names, e.drive));
  json.member("kout", to_text(e.kout));
  json.member("baseline", e.baseline);
  json.member("most", e.most);
  json.member("c50", to_text(e.c50));
  if (e.drive == Drive::saturable) json.member("hill", e.hill);
}

/// The member `effects` in the shape in which a model file and a session state it.
inline void stated_effects(JsonText& json, const std::vector<CardEffect>& all) {
  json.array("effects", all, [&](const CardEffect& effect) {
    json.object([&] {
      json.member("name", effect.name);
      json.member("of", effect.of);
      json.member("kind", effect_kind_names[effect.form.index()]);
      std::visit([&](const auto& form) { effect_form(json, form); }, effect.form);
      json.member("unit", effect_unit_of(effect));
      json.member("source", effect_source_of(effect));
    });
  });
}

/// What all inputs amount to, the terms summed by size so that their order does not show.
struct Amounts {
  double ordered_mg, delivered_mg, left_mg;
};
[[nodiscard]] inline Amounts amounts_of(const Delivery& d) {
  std::vector<double> ordered, delivered, left;
  for (const DeliveredInput& in : d.inputs) {
    ordered.push_back(in.ordered.amount_mg);
    delivered.push_back(in.delivered_mg);
    left.push_back(in.left_mg);
  }
  if (d.priming) {
    delivered.push_back(d.priming->delivered_mg);
    left.push_back(d.priming->left_mg);
  }
  for (auto* terms : {&ordered, &delivered, &left}) std::sort(terms->begin(), terms->end());
  return {detail::sum_of(ordered), detail::sum_of(delivered), detail::sum_of(left)};
}

inline void parameters(JsonText& json, std::string_view name, const std::vector<CardParameter>& all) {
  json.array(name, all, [&](const CardParameter& p) {
    json.object([&] {
      json.member("name", p.name);
      json.member("value", to_text(p.value));
      json.member("weight_exponent", p.weight_exponent);
      effects(json, p.covariates);
      json.member("source", stated(p.source));
    });
  });
}

inline void names_of(JsonText& json, const std::vector<Analyte>& analytes) {
  json.array("analytes", analytes, [&](Analyte a) { json.string(name_of(a)); });
}

/// Everything a card says, without the braces around it.
inline void card_members(JsonText& json, const ModelCard& card) {
  json.member("reference_weight", to_text(card.reference_weight_kg) + " kg");
  parameters(json, "parameters", card.parameters);
  if (card.ke0) {
    json.object("effect_site", [&] {
      json.member(card.ke0->name.empty() ? "ke0" : card.ke0->name, to_text(card.ke0->value));
      json.member("weight_exponent", card.ke0->weight_exponent);
      effects(json, card.ke0->covariates);
      json.member("source", stated(card.ke0->source));
    });
  }
  if (!card.metabolites.empty()) {
    json.array("metabolites", card.metabolites, [&](const CardMetabolite& m) {
      json.object([&] {
        json.member("name", m.name);
        if (!m.from.empty()) json.member("from", m.from);
        json.member("fraction", m.fraction);
        json.member("apparent", m.apparent);
        json.member("source", stated(m.source));
        parameters(json, "parameters", m.parameters);
        if (m.delay)
          json.object("delay", [&] {
            json.member("transits", static_cast<double>(m.delay->transits));
            parameters(json, "parameters", {m.delay->mtt});
          });
      });
    });
  }
  if (!card.effects.empty()) stated_effects(json, card.effects);
}

inline void domain(JsonText& json, const Domain& d) {
  json.object("domain", [&] {
    json.member("statement", d.statement);
    json.member("age_low_yr", d.age_low_yr);
    json.member("age_high_yr", d.age_high_yr);
    json.member("weight_low_kg", d.weight_low_kg);
    json.member("weight_high_kg", d.weight_high_kg);
    if (!d.only_for.empty()) json.member("only_for", d.only_for);
    json.member("source", stated(d.source));
  });
}

/// A custom model in the shape that a session states it in.
inline void custom(JsonText& json, const ModelCard& card) {
  const auto values = [&](const std::vector<CardParameter>& all) {
    for (const CardParameter& p : all) json.member(p.name, to_text(p.value));
  };
  names_of(json, card.analytes);
  json.member("site", name_of(card.site));
  json.object("parameters", [&] { values(card.parameters); });
  json.object("weight_exponents", [&] {
    for (const CardParameter& p : card.parameters)
      if (p.weight_exponent != 0) json.member(p.name, p.weight_exponent);
  });
  json.member("reference_weight", to_text(card.reference_weight_kg) + " kg");
  if (card.ke0)
    json.object("effect_site", [&] {
      json.member("ke0", to_text(card.ke0->value));
      json.member("source", stated(card.ke0->source));
    });
  if (!card.metabolites.empty())
    json.array("metabolites", card.metabolites, [&](const CardMetabolite& m) {
      json.object([&] {
        json.member("name", m.name);
        json.member("fraction", m.fraction);
        values(m.parameters);
        json.member("apparent", m.apparent);
      });
    });
}

/// A limits set in the shape of `ketpk.limits/1`, and the hash of what it was read from.
inline void limits_members(JsonText& json, const Limits& all) {
  const auto bound = [&](std::string_view name, const std::optional<StatedBound>& b) {
    if (b) json.member(name, to_text(*b));
  };
  json.member("schema", "ketpk.limits/1");
  json.member("id", all.id);
  json.member("version", all.version);
  json.member("sha256", stated(all.sha256));
  json.member("status", pick(limits_status_names, all.status));
  json.member("approver", all.approver);
  json.member("effective", date_text(all.effective));
  json.member("expires", date_text(all.expires));
  json.array("limits", all.limits, [&](const Limit& limit) {
    json.object([&] {
      json.member("id", limit.id);
      json.member("quantity", info(limit.quantity).name);
      if (limit.site) json.member("site", name_of(*limit.site));
      if (limit.level) json.member("level", to_text(*limit.level));
      if (limit.window) json.member("window", to_text(*limit.window));
      bound("hard_low", limit.hard_low);
      bound("soft_low", limit.soft_low);
      bound("soft_high", limit.soft_high);
      bound("hard_high", limit.hard_high);
      if (limit.most_probability) json.member("max_probability", *limit.most_probability);
      json.member("required", limit.required);
      json.member("source", limit.source);
    });
  });
}

/// What the formula of a size is, and where it comes from.
inline void size_formula(JsonText& json, BodySize size) {
  json.member("formula", info(size).formula);
  json.member("domain", info(size).domain);
  json.member("citation", info(size).citation);
  json.member("doi", stated(std::string(info(size).doi)));
}

/// The mass that per-kg orders count and how it came about, apart from the weight that the model looks at; then every
/// size that follows from what was stated, or why it does not.
inline void body_size(JsonText& json, const Result& r) {
  const Patient& p = r.inputs.patient;
  json.object("body_size", [&] {
    json.object("dosing_weight", [&] {
      const auto* rule = std::get_if<WeightRule>(&p.dosing_weight);
      json.member("choice", rule != nullptr ? name_of(*rule) : "stated");
      json.member("kg", r.regimen.dosing_weight.in(unit::kg));
      if (rule != nullptr)
        if (const auto size = size_behind(*rule)) size_formula(json, *size);
    });
    json.member("model_weight_kg", p.weight.value().in(unit::kg));
    for (std::size_t i = 0; i < body_sizes.size(); ++i) {
      const auto size = static_cast<BodySize>(i);
      const SizeAnswer answer = size_of(p, size);
      json.object(info(size).name, [&] {
        const double* value = std::get_if<double>(&answer);
        json.member("value", value != nullptr ? std::optional(*value) : std::nullopt);
        json.member("unit", info(size).unit);
        if (value == nullptr) {
          const SizeRefused& no = std::get<SizeRefused>(answer);
          json.member("absent", no.field + ": " + no.message);
        }
        size_formula(json, size);
      });
    }
  });
}

/// What each outcome hangs on, where that was asked.
inline void sensitivity(JsonText& json, const Result& r) {
  if (!r.inputs.sensitivity) return;
  json.array("sensitivity", r.sensitivities, [&](const OutcomeSensitivity& o) {
    json.object([&] {
      json.member("outcome", pick(outcome_kind_names, o.kind));
      json.member("curve", o.curve);
      if (o.level_ng_per_mL) json.member("threshold_ng_per_mL", *o.level_ng_per_mL);
      json.member("value", o.value);
      json.member("unit", o.unit);
      json.member("driver", driver_of(o));
      json.array("inputs", o.inputs, [&](const Sensitivity& s) {
        json.object([&] {
          json.member("input", s.input);
          json.member("kind", pick(input_kind_names, s.kind));
          json.member("value", s.value);
          json.member("unit", s.unit);
          json.member("slope", s.slope);
          json.member("elasticity", s.elasticity);
          if (s.kind == InputKind::weight) {
            json.member("by_model", s.by_model);
            json.member("by_dose", s.by_dose);
          }
          if (!s.absent.empty()) json.member("absent", s.absent);
        });
      });
    });
  });
}

/// The session as understood; `model_asked` writes what it says of its model. What each input amounts to is told where
/// there is a regimen, which is that of one patient.
template <class ModelAsked>
void session_with(JsonText& json, const Request& q, const Regimen* regimen, ModelAsked model_asked) {
  json.object([&] {
    json.member("schema", "ketpk.session/1");
    json.object("patient", [&] {
      echo(json, "weight", q.patient.weight, unit::kg);
      if (q.patient.height) echo(json, "height", *q.patient.height, unit::cm);
      if (q.patient.age) json.member("age", to_text(*q.patient.age, unit::yr));
      if (q.patient.sex) json.member("sex", name_of(*q.patient.sex));
      if (const auto* mass = std::get_if<Stated<dim::body>>(&q.patient.dosing_weight))
        echo(json, "dosing_weight", *mass, unit::kg);
      else
        json.member("dosing_weight", name_of(std::get<WeightRule>(q.patient.dosing_weight)));
      if (!q.patient.covariates.empty())
        json.object("covariates", [&] {
          for (const PatientCovariate& c : q.patient.covariates) json.member(c.name, c.value);
        });
    });
    json.member("analyte", name_of(q.order.analyte));
    json.member("form", name_of(q.order.form));
    if (q.order.saved)
      json.object("initial_state", [&] {
        if (!q.order.saved->file.empty()) {
          json.key("saved");
          json.text += q.order.saved->file;
        } else {
          json.object("saved", [&] {
            json.member("at", time_text(q.order.saved->at));
            json.key("inputs"), json.integer(static_cast<std::int64_t>(q.order.saved->inputs.size()));
          });
        }
        if (q.order.under_way != UnderWay::unstated) json.member("under_way", pick(under_way_names, q.order.under_way));
      });
    else
      json.member("initial_state", q.order.initial_state == InitialState::drug_free ? "drug-free" : "undeclared");
    std::size_t i = regimen != nullptr ? regimen->carried : 0;
    json.array("order", q.order.inputs, [&](const Input& input) {
      json.object([&] {
        std::visit(
            [&](const auto& in) {
              using T = std::decay_t<decltype(in)>;
              if constexpr (std::is_same_v<T, Infuse>) json.member("infuse", to_text(in.amount));
              if constexpr (std::is_same_v<T, InfuseAtRate>) json.member("infuse_at_rate", to_text(in.rate));
              if constexpr (std::is_same_v<T, Bolus>) json.member("bolus", to_text(in.amount));
              if constexpr (!std::is_same_v<T, Bolus>) json.member("over", time_text(in.over));
              json.member("at", time_text(in.at));
              if (!in.into.empty()) json.member("into", in.into);
            },
            input);
        if (regimen == nullptr) return;
        const Dose& dose = regimen->doses.at(i++);
        json.member("amount_mg", dose.amount_mg);
        if (!dose.is_bolus()) json.member("rate_mg_per_min", dose.rate_mg_per_min);
      });
    });
    if (q.order.course)
      json.object("course", [&] {
        const CoursePlan& course = *q.order.course;
        if (course.every) {
          json.member("every", time_text(*course.every));
          json.key("times"), json.integer(static_cast<std::int64_t>(course.starts.size()));
        } else if (!course.dates.empty()) {
          json.strings("at", course.dates);
        } else {
          json.array("at", course.starts, [&](Micros t) { json.string(time_text(t)); });
        }
      });
    if (q.order.bag)
      json.object("bag", [&] {
        json.member("concentration", to_text(*q.order.bag));
        if (const auto& contents = q.order.bag_contents) {
          json.array("vials", contents->vials, [&](const Vial& vial) {
            json.object([&] {
              json.member("amount", to_text(vial.amount));
              json.member("volume", to_text(vial.volume));
            });
          });
          json.member("diluent", to_text(contents->diluent));
        }
      });
    model_asked();
    if (q.limits)
      json.object("limits", [&] { limits_members(json, *q.limits); });
    else
      json.member("limits", std::optional<std::string_view>{});
    json.member("as_of", q.as_of ? std::optional(date_text(*q.as_of)) : std::nullopt);
    json.member("extrapolate", q.allowances.extrapolate);
    json.member("assume_enantiomers_alike", q.allowances.assume_enantiomers_alike);
    json.array("overrides", q.overrides, [&](const Override& o) {
      json.object([&] {
        json.member("flag", o.flag);
        json.member("reason", o.reason);
        json.member("by", o.by);
      });
    });
    const auto time = [](const std::optional<Micros>& t) { return t ? std::optional(time_text(*t)) : std::nullopt; };
    json.object("observe", [&] {
      if (q.observe.every) json.member("every", time(q.observe.every));
      if (!q.observe.at.empty()) json.array("at", q.observe.at, [&](Micros t) { json.string(time_text(t)); });
      if (q.observe.until) json.member("until", time(q.observe.until));
    });
    json.object("questions", [&] {
      json.array("time_above", q.time_above, [&](const Stated<dim::concentration>& c) { json.string(to_text(c)); });
      if (q.sensitivity) json.member("sensitivity", true);
    });
    if (!q.order.events.empty())
      json.array("events", q.order.events, [&](const Event& event) {
        json.object([&] {
          json.key(name_of(event.act));
          if (event.of_saved)
            json.string("saved[" + std::to_string(event.input) + ']');
          else
            json.integer(static_cast<std::int64_t>(event.input));
          if (const auto* change = std::get_if<ChangeRate>(&event.act)) json.member("to", to_text(change->to));
          if (const auto* restart = std::get_if<RestartRemainder>(&event.act))
            json.member("over", time_text(restart->over));
          if (event.session) json.key("session"), json.integer(static_cast<std::int64_t>(*event.session));
          json.member("at", time_text(event.at));
        });
      });
    if (q.order.pump)
      json.object("pump", [&] {
        const Pump& pump = *q.order.pump;
        if (pump.rate_step) json.member("rate_step", to_text(*pump.rate_step));
        if (pump.line)
          json.object("line", [&] {
            json.member("dead_volume", to_text(pump.line->dead_volume));
            json.member("primed_with", pick(primed_names, pump.line->primed_with));
          });
        if (pump.flush)
          json.object("flush", [&] {
            json.member("volume", to_text(pump.flush->volume));
            json.member("over", time_text(pump.flush->over));
            json.member("at", time_text(pump.flush->at));
          });
      });
  });
}

template <class ModelAsked>
void inputs_with(JsonText& json, const Result& r, ModelAsked model_asked) {
  json.key("inputs");
  session_with(json, r.inputs, &r.regimen, model_asked);
}

/// A model as a session names or holds it.
inline void asked_model(JsonText& json, const ModelCard& card) {
  if (!card.file.empty()) {
    json.object([&] {
      json.key("card");
      json.text += card.file;
    });
  } else if (card.id != "custom") {
    json.string(card.id);
  } else {
    json.object([&] { json.object("custom", [&] { custom(json, card); }); });
  }
}

inline void inputs(JsonText& json, const Result& r) {
  const Request& q = r.inputs;
  inputs_with(json, r, [&] {
    json.key("model"), asked_model(json, q.model);
    if (!q.model.effect_card.empty()) json.member("effect_card", q.model.effect_card);
    // A model file is echoed whole, and an effect card by its name; of any other card this is the place where a session
    // holds its effects.
    const auto own = static_cast<std::ptrdiff_t>(q.model.effects.size() - q.model.effects_of_study);
    std::vector<CardEffect> asked;
    if (q.model.file.empty()) asked.assign(q.model.effects.begin(), q.model.effects.begin() + own);
    asked.insert(asked.end(), q.effects.begin(), q.effects.end());
    if (!asked.empty()) stated_effects(json, asked);
  });
}

inline void model(JsonText& json, const Result& r) {
  const ModelCard& card = r.inputs.model;
  json.object("model", [&] {
    json.member("id", card.id);
    json.member("citation", stated(card.citation));
    json.member("site", name_of(card.site));
    names_of(json, card.analytes);
    json.member("population", card.population);
    json.strings("extrapolated", r.admission.crossed);
    json.member("label", stated(card.label));
    json.member("doi", stated(card.doi));
    domain(json, card.domain);
    json.strings("domain_not_evaluated_without", r.admission.missing);
    json.member("enantiomers_assumed_alike", r.admission.enantiomers_assumed_alike);
    json.strings("uncertainties", card.uncertainties);
    card_members(json, card);
  });
}

inline void profile(JsonText& json, const Result& r) {
  const Profile& p = r.profile;
  json.object("profile", [&] {
    json.key("time_us");
    json.text += '[';
    for (std::size_t i = 0; i < p.time.size(); ++i) {
      if (i > 0) json.text += ", ";
      json.integer(p.time[i].count());
    }
    json.text += ']';
    std::vector<double> min;
    min.reserve(p.time.size());
    for (const Micros t : p.time) min.push_back(minutes(t));
    json.numbers("time_min", min);
    json.numbers("plasma_ng_per_mL", p.plasma_ng_per_mL);
    if (r.inputs.model.ke0) json.numbers("effect_site_ng_per_mL", p.effect_site_ng_per_mL);
    if (!r.inputs.model.metabolites.empty())
      json.object("metabolites", [&] {
        for (std::size_t i = 0; i < r.inputs.model.metabolites.size(); ++i)
          json.numbers(r.inputs.model.metabolites[i].name + "_ng_per_mL",
                       i < p.metabolites.size() ? std::span<const double>(p.metabolites[i].ng_per_mL)
                                                : std::span<const double>{});
      });
    json.numbers("delivered_mg", p.delivered_mg);
    json.numbers("auc_ng_h_per_mL", p.auc_ng_h_per_mL);
    if (r.delivery) {
      std::vector<double> paused;
      for (const Micros t : p.time) paused.push_back(static_cast<double>(paused_at(*r.delivery, t)));
      json.numbers("paused_infusions", paused);
    }
  });
}

inline void summary(JsonText& json, const Result& r) {
  const Exposure& e = r.summary;
  const auto peak = [&](const Peak& p) {
    json.member("cmax_ng_per_mL", p.ng_per_mL);
    json.member("tmax_min", p.min);
  };
  json.object("summary", [&] {
    peak(e.plasma);
    json.member("auc_inf_ng_h_per_mL", e.auc_inf_ng_h_per_mL);
    json.member("delivered_mg", e.delivered_mg);
    json.member("terminal_half_life_min", e.terminal_half_life_min);
    if (e.effect_site) json.object("effect_site", [&] { peak(*e.effect_site); });
    if (!e.metabolites.empty())
      json.object("metabolites", [&] {
        for (std::size_t i = 0; i < e.metabolites.size(); ++i)
          json.object(r.inputs.model.metabolites.at(i).name, [&] {
            peak(e.metabolites[i].peak);
            json.member("auc_inf_ng_h_per_mL", e.metabolites[i].auc_inf_ng_h_per_mL);
          });
      });
  });
}

inline void time_above(JsonText& json, const Result& r) {
  json.array("time_above", r.time_above, [&](const TimeAbove& t) {
    json.object([&] {
      json.member("threshold_ng_per_mL", t.threshold_ng_per_mL);
      json.member("minutes", t.minutes);
      json.member("first_min", t.first_min);
    });
  });
}

/// Each session of a course; nothing where the order stands alone.
inline void sessions(JsonText& json, const Result& r) {
  if (r.sessions.empty()) return;
  json.array("sessions", r.sessions, [&](const Session& s) {
    json.object([&] {
      json.key("start_us"), json.integer(s.start.count());
      json.member("start_min", minutes(s.start));
      if (!s.date.empty()) json.member("date", s.date);
      json.member("ordered_mg", s.ordered_mg);
      json.member("delivered_mg", s.delivered_mg);
      json.member("delivered_mg_per_kg", s.mg_per_kg);
      json.member("before_ng_per_mL", s.before_ng_per_mL);
      json.member("cmax_ng_per_mL", s.plasma.ng_per_mL);
      json.member("tmax_min", s.plasma.min);
      json.member("trough_ng_per_mL", s.trough_ng_per_mL);
      json.member("auc_ng_h_per_mL", s.auc_ng_h_per_mL);
    });
  });
}

/// What becomes of each effect; nothing where there is none.
inline void effect_answers(JsonText& json, const Result& r) {
  if (r.effects.empty()) return;
  const auto extreme = [&](std::string_view name, const Extreme& x) {
    json.object(name, [&] {
      json.member("value", x.value);
      json.member("min", x.min);
    });
  };
  json.array("effects", r.effects, [&](const EffectAnswer& answer) {
    json.object([&] {
      json.member("name", answer.effect.name);
      json.member("of", answer.effect.of);
      json.member("kind", effect_kind_names[answer.effect.form.index()]);
      json.member("unit", effect_unit_of(answer.effect));
      json.member("source", effect_source_of(answer.effect));
      json.member("baseline", answer.baseline);
      extreme("highest", answer.highest);
      extreme("lowest", answer.lowest);
      json.numbers("values", answer.values);
      json.member("solver", answer.check.solver);
      json.member("second_solver", answer.check.second_solver);
      json.member("agreement_rel", answer.check.agreement_rel);
    });
  });
}

inline void assessment_with(JsonText& json, const Assessment& a, const std::optional<Limits>& limits) {
  json.object("assessment", [&] {
    json.member("verdict", pick(verdict_names, a.verdict.kind));
    json.member("basis", a.basis);
    if (limits)
      json.object("limits", [&] {
        json.member("id", limits->id);
        json.member("version", limits->version);
        json.member("status", pick(limits_status_names, limits->status));
        json.member("sha256", stated(limits->sha256));
      });
    else
      json.member("limits", std::optional<std::string_view>{});
    json.array("checks", a.checks, [&](const Check& c) {
      json.object([&] {
        json.member("id", c.id);
        json.member("required", c.required);
        json.member("outcome", pick(outcome_names, c.outcome));
        json.member("why", stated(c.why));
      });
    });
    json.array("flags", a.flags, [&](const Flag& f) {
      json.object([&] {
        json.member("code", f.code);
        json.member("severity", pick(severity_names, f.severity));
        json.member("quantity", f.quantity);
        json.member("value", f.value);
        json.member("limit", stated(f.limit));
        json.member("limit_id", stated(f.limit_id));
        json.member("source", stated(f.source));
        json.member("margin_rel", f.margin_rel);
        json.member("first_min", f.first_min);
        json.member("minutes", f.minutes);
        json.member("driver", stated(f.driver));
        json.member("clears_at", f.clears_at);
        json.member("margin", f.margin);
      });
    });
    json.array("overrides", a.overrides, [&](const Override& o) {
      json.object([&] {
        json.member("flag", o.flag);
        json.member("reason", o.reason);
        json.member("by", o.by);
      });
    });
  });
}

inline void assessment(JsonText& json, const Result& r) { assessment_with(json, r.assessment, r.inputs.limits); }

/// mg of base per minute as the pump shows it; absent without the concentration of the bag.
[[nodiscard]] inline std::optional<double> flow_mL_per_h(const Order& order, double mg_per_min) {
  if (!order.bag) return std::nullopt;
  const double per_base = order.form == Form::hydrochloride ? hydrochloride_mg_per_base_mg : 1.0;
  return Flow(mg_per_min * per_base / order.bag->value().in(unit::mg_per_L), unit::L_per_min).in(unit::mL_per_h);
}

/// What went in of what was ordered, where that can be two things.
inline void delivery(JsonText& json, const Result& r) {
  if (!r.delivery) return;
  const Delivery& d = *r.delivery;
  const auto instant = [&](const std::string& name, Micros t) {
    json.key(name + "_us"), json.integer(t.count());
    json.member(name + "_min", minutes(t));
  };
  const auto pieces = [&](const std::vector<Dose>& doses) {
    json.array("pieces", doses, [&](const Dose& piece) {
      json.object([&] {
        instant("from", piece.at);
        instant("until", piece.end());
        json.member("mg", piece.amount_mg);
        if (!piece.is_bolus()) json.member("mg_per_min", piece.rate_mg_per_min);
      });
    });
  };
  const Amounts all = amounts_of(d);
  json.object("delivery", [&] {
    json.member("ordered_mg", all.ordered_mg);
    json.member("delivered_mg", all.delivered_mg);
    json.member("left_mg", all.left_mg);
    if (d.priming)
      json.object("line", [&] {
        json.member("primed_mg", d.priming->primed_mg);
        json.member("delivered_mg", d.priming->delivered_mg);
        json.member("left_mg", d.priming->left_mg);
        pieces(d.priming->pieces);
      });
    std::size_t i = 0;
    json.array("inputs", d.inputs, [&](const DeliveredInput& in) {
      json.object([&] {
        json.member("input", detail::place_of(r.regimen, i++));
        json.member("ordered_mg", in.ordered.amount_mg);
        json.member("delivered_mg", in.delivered_mg);
        json.member("left_mg", in.left_mg);
        if (d.priming) json.member("in_line_mg", in.in_line_mg);
        json.member("state", name_of(in.state));
        instant("since", in.since);
        json.member("note", detail::standing(in));
        pieces(in.pieces);
        if (!in.pauses.empty())
          json.array("pauses", in.pauses, [&](const Interruption& pause) {
            json.object([&] {
              instant("from", pause.from);
              if (pause.until)
                instant("until", *pause.until);
              else
                json.member("until_us", std::optional<double>{}), json.member("until_min", std::optional<double>{});
            });
          });
        if (!in.rounded.empty())
          json.array("rounded_rates", in.rounded, [&](const RateRun& rate) {
            json.object([&] {
              instant("from", rate.at);
              json.member("asked_mg_per_min", rate.asked_mg_per_min);
              json.member("run_mg_per_min", rate.run_mg_per_min);
              json.member("asked_mL_per_h", flow_mL_per_h(r.inputs.order, rate.asked_mg_per_min));
              json.member("run_mL_per_h", flow_mL_per_h(r.inputs.order, rate.run_mg_per_min));
              json.member("difference_rel", rate.run_mg_per_min / rate.asked_mg_per_min - 1);
            });
          });
      });
    });
    json.array("events", d.events, [&](const DeliveredEvent& event) {
      json.object([&] {
        json.member("event", name_of(event.act));
        json.member("input", detail::place_of(r.regimen, event.input));
        instant("at", event.at);
        json.member("delivered_mg", event.delivered_mg);
        json.member("left_mg", event.left_mg);
      });
    });
  });
}

inline void made_by(JsonText& json, const Result& r, std::string_view version) {
  json.object("ketpk", [&] {
    json.member("version", version);
    json.member("solver", r.check.solver);
    json.member("second_solver", r.check.second_solver);
    json.member("agreement_rel", r.check.agreement_rel);
    json.member("mass_balance_rel", r.check.mass_balance_rel);
  });
}

/// One line: what could end it, or is not UTF-8, becomes a blank or U+FFFD.
[[nodiscard]] inline std::string one_line(std::string_view s) {
  std::string out;
  while (!s.empty()) {
    const std::size_t n = utf8_length(s);
    const auto c = static_cast<unsigned char>(s[0]);
    if (n == 0)
      out += replacement;
    else if (c < 0x20 || c == 0x7F)
      out += ' ';
    else
      out += s.substr(0, n);
    s.remove_prefix(n == 0 ? 1 : n);
  }
  return out;
}

struct ErrorView {
  Code code;
  std::string_view field, message;
};
[[nodiscard]] inline ErrorView view(const InvalidInput& e) { return {e.code, e.field, e.message}; }
[[nodiscard]] inline ErrorView view(const Trouble& t) { return {t.code, t.where, t.message}; }

[[nodiscard]] inline std::string line_of(const ErrorView& e) {
  return "ketpk: " + std::string(name_of(e.code)) + ' ' + one_line(e.field) + ": " + one_line(e.message) + '\n';
}
[[nodiscard]] inline std::string json_of(const ErrorView& e) {
  JsonText json;
  json.text = R"({"error": {"code": )";
  json.string(name_of(e.code));
  json.text += R"(, "field": )";
  json.string(e.field);
  json.text += R"(, "message": )";
  json.string(e.message);
  json.text += "}}\n";
  return std::move(json.text);
}

/// A text cell: neutralised where a spreadsheet would take it for a formula, quoted where it must be.
[[nodiscard]] inline std::string csv_cell(std::string_view s) {
  std::string out;
  if (!s.empty() && std::string_view("=+-@\t\r").find(s[0]) != std::string_view::npos) out += '\'';
  out += s;
  if (out.find_first_of(",\"\r\n") == std::string::npos) return out;
  std::string quoted = "\"";
  for (const char c : out) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

/// A rounded number for a person: at most `digits` significant ones, whole numbers whole, no trailing zero.
[[nodiscard]] inline std::string short_number(double x, int digits = 3) {
  std::array<char, 64> buffer;
  const double size = std::fabs(finite(x));
  const auto whole_from = std::pow(10.0, digits - 1);
  const auto end =
      size >= whole_from && size < 1e15
          ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::fixed, 0).ptr
          : std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::general, digits).ptr;
  return {buffer.data(), end};
}
[[nodiscard]] inline std::string with_unit(double x, std::string_view unit_name, int digits = 3) {
  return short_number(x, digits) + ' ' + std::string(unit_name);
}

/// `12.499999999999998 mg/kg` as `12.5 mg/kg`; text that does not start with a number stays as it is.
[[nodiscard]] inline std::string short_text(std::string_view s, int digits = 4) {
  double x = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), x);
  if (error != std::errc{} || !std::isfinite(x)) return std::string(s);
  return short_number(x, digits) + std::string(end, s.data() + s.size());
}

[[nodiscard]] inline std::size_t width(std::string_view s) noexcept {
  std::size_t columns = 0;
  for (const char c : s)
    if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) ++columns;
  return columns;
}

[[nodiscard]] inline std::string padded(std::string_view s, std::size_t columns) {
  const std::size_t w = width(s);
  return std::string(s) + std::string(w < columns ? columns - w : 0, ' ');
}

/// `s` cut to `columns`, with an ellipsis where something is missing.
[[nodiscard]] inline std::string cut(std::string_view s, std::size_t columns) {
  if (width(s) <= columns) return std::string(s);
  std::string out;
  std::size_t used = 0;
  while (!s.empty() && used + 1 < columns) {
    const std::size_t n = std::max<std::size_t>(1, utf8_length(s));
    out += s.substr(0, n);
    s.remove_prefix(n);
    ++used;
  }
  return out + "\xE2\x80\xA6";
}

/// `text` in lines of at most `columns`, broken at blanks; at most `most` lines, the last cut.
[[nodiscard]] inline std::vector<std::string> wrapped(std::string_view text, std::size_t columns, std::size_t most) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    if (lines.size() + 1 == most) {
      lines.push_back(cut(line.empty() ? std::string(text) : line + ' ' + std::string(text), columns));
      return lines;
    }
    const std::size_t blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    if (!line.empty() && width(line) + 1 + width(word) > columns) {
      lines.push_back(cut(line, columns));
      line.clear();
      continue;
    }
    if (!line.empty()) line += ' ';
    line += word;
    text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
  }
  if (!line.empty()) lines.push_back(cut(line, columns));
  return lines;
}

/// At most `most` of `n` places, the first and the last among them.
[[nodiscard]] inline std::vector<std::size_t> shown_places(std::size_t n, std::size_t most) {
  std::vector<std::size_t> places;
  const std::size_t shown = std::min(n, most);
  for (std::size_t i = 0; i < shown; ++i) places.push_back(shown == 1 ? 0 : i * (n - 1) / (shown - 1));
  return places;
}

enum class Tint : std::uint8_t { plain, faint, bold, cyan, green, yellow, red };

inline constexpr std::size_t page_columns = 100, page_lines = 40, label_columns = 11;

/// Lines of a card: a label, then text that wraps under itself.
struct Page {
  bool colour = false;
  std::vector<std::string> lines = {};

  [[nodiscard]] std::string tinted(std::string_view s, Tint tint) const {
    constexpr std::array<std::string_view, 7> codes{"",           "\x1b[2m",    "\x1b[1m",   "\x1b[36m",
                                                    "\x1b[1;32m", "\x1b[1;33m", "\x1b[1;31m"};
    if (!colour || tint == Tint::plain) return std::string(s);
    return std::string(pick(codes, tint)) + std::string(s) + "\x1b[0m";
  }
  void row(std::string_view label, std::string_view text, Tint tint = Tint::plain, std::size_t most = 3) {
    const auto rows = wrapped(one_line(text), page_columns - label_columns, most);
    for (std::size_t i = 0; i < rows.size(); ++i)
      lines.push_back(tinted(padded(i == 0 ? label : "", label_columns), Tint::bold) + tinted(rows[i], tint));
  }
  void blank() { lines.emplace_back(); }
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const std::string& l : lines) {
      const std::size_t end = l.find_last_not_of(' ');
      all += l.substr(0, end == std::string::npos ? 0 : end + 1);
      all += '\n';
    }
    return all;
  }
};

[[nodiscard]] inline std::string joined(std::span<const std::string> parts, std::string_view by) {
  std::string all;
  for (const std::string& p : parts) {
    if (!all.empty()) all += by;
    all += p;
  }
  return all;
}

inline void who(Page& page, const Result& r) {
  const Patient& p = r.inputs.patient;
  std::string text = short_text(to_text(p.weight));
  if (p.weight.unit().name != unit::kg.name) text += " (" + with_unit(p.weight.value().in(unit::kg), "kg", 4) + ")";
  const auto* rule = std::get_if<WeightRule>(&p.dosing_weight);
  text += ", dosed by " + (rule != nullptr ? std::string(name_of(*rule)) + " weight"
                                           : short_text(to_text(std::get<Stated<dim::body>>(p.dosing_weight))));
  const auto size = rule != nullptr ? size_behind(*rule) : std::nullopt;
  if (size) text += " " + with_unit(r.regimen.dosing_weight.in(unit::kg), "kg", 4);
  if (p.height) text += " \xC2\xB7 " + short_text(to_text(*p.height));
  text += p.age ? " \xC2\xB7 " + with_unit(p.age->in(unit::yr), "yr", 4) : std::string(" \xC2\xB7 age not given");
  if (p.sex) text += " \xC2\xB7 " + std::string(name_of(*p.sex));
  for (const PatientCovariate& c : p.covariates) text += " \xC2\xB7 " + c.name + ' ' + short_text(to_text(c.value));
  page.row("Patient", text);
  if (size)
    page.row("",
             std::string(name_of(*rule)) + " weight: " + std::string(info(*size).formula) + " (" +
                 std::string(info(*size).citation) + ")",
             Tint::faint);
}

/// What the peak hangs on: a sentence, and a bar for each of what moves it most.
inline void drivers(Page& page, const Result& r, std::size_t most_bars) {
  if (r.sensitivities.empty()) return;
  constexpr double most_columns = 30;
  const OutcomeSensitivity& peak = r.sensitivities.front();
  page.row("Drivers", driver_of(peak));
  double longest = 0;
  for (const Sensitivity& s : peak.inputs)
    if (s.elasticity) longest = std::max(longest, std::abs(*s.elasticity));
  std::size_t shown = 0;
  for (const Sensitivity& s : peak.inputs) {
    if (!s.elasticity || !(longest > 0) || shown++ == most_bars) break;
    const bool falls = *s.elasticity < 0;
    std::string bar;
    const auto columns = static_cast<std::size_t>(std::round(std::abs(*s.elasticity) / longest * most_columns));
    for (std::size_t i = 0; i < columns; ++i) bar += "\xE2\x96\x88";
    const std::string percent = (falls ? "" : "+") + detail::plain_text(*s.elasticity, 2) + " %";
    page.lines.push_back(
        page.tinted(std::string(label_columns, ' ') + padded(cut(s.input, 24), 26) + padded(percent, 10) + bar,
                    falls ? Tint::cyan : Tint::plain));
  }
}

/// One input as ordered, then what that is in mg of base.
[[nodiscard]] inline std::string input_text(const Input& input, const Dose& dose) {
  std::string text = std::visit(
      [](const auto& in) {
        using T = std::decay_t<decltype(in)>;
        if constexpr (std::is_same_v<T, Infuse>) return short_text(to_text(in.amount)) + " over " + time_text(in.over);
        if constexpr (std::is_same_v<T, InfuseAtRate>)
          return short_text(to_text(in.rate)) + " for " + time_text(in.over);
        if constexpr (std::is_same_v<T, Bolus>) return short_text(to_text(in.amount)) + " bolus";
      },
      input);
  text +=
      (dose.is_bolus() ? " at " : " from ") + time_text(dose.at) + " = " + with_unit(dose.amount_mg, "mg of base", 4);
  if (!dose.is_bolus()) text += " at " + with_unit(dose.rate_mg_per_min, "mg/min", 4);
  if (!dose.is_intravenous()) text += " into " + dose.into;
  return text;
}

/// An event as a card says it: "pause at 12 min", with its input where there are several.
[[nodiscard]] inline std::string event_text(const Result& r, const DeliveredEvent& event) {
  std::string text(name_of(event.act));
  std::replace(text.begin(), text.end(), '_', ' ');
  if (r.regimen.doses.size() > 1) text += ' ' + detail::place_of(r.regimen, event.input);
  if (const auto* change = std::get_if<ChangeRate>(&event.act)) text += " to " + short_text(to_text(change->to));
  if (const auto* restart = std::get_if<RestartRemainder>(&event.act)) text += " over " + time_text(restart->over);
  return text + " at " + time_text(event.at);
}

/// Ordered, delivered and left, each event, and each input that is not in or that the pump runs at another rate.
inline void what_went_in(Page& page, const Result& r) {
  if (!r.delivery) return;
  constexpr std::size_t most_shown = 4;
  const Delivery& d = *r.delivery;
  const Amounts all = amounts_of(d);
  page.row("Delivered",
           with_unit(all.delivered_mg, "mg", 4) + " of " + with_unit(all.ordered_mg, "mg of base ordered", 4) + ", " +
               with_unit(all.left_mg, "mg", 4) + " left",
           all.left_mg > 0 ? Tint::yellow : Tint::plain, 1);
  std::vector<std::string> notes, events;
  if (d.priming && d.priming->primed_mg > 0)
    notes.push_back("the line was primed with " + with_unit(d.priming->primed_mg, "mg", 4) + ": " +
                    with_unit(d.priming->delivered_mg, "mg", 4) + " of it went in");
  for (std::size_t i = 0; i < d.inputs.size(); ++i) {
    const DeliveredInput& in = d.inputs[i];
    const std::string place = d.inputs.size() > 1 ? detail::place_of(r.regimen, i) + ' ' : std::string();
    if (in.left_mg > 0)
      notes.push_back(place + detail::standing(in));
    else if (in.pieces.size() > 1 || in.since != in.ordered.end())
      notes.push_back(place + "complete at " + detail::plain_text(minutes(in.since), 6) + " min");
    for (const RateRun& rate : in.rounded) {
      const auto asked = flow_mL_per_h(r.inputs.order, rate.asked_mg_per_min),
                 run = flow_mL_per_h(r.inputs.order, rate.run_mg_per_min);
      if (asked && run)
        notes.push_back(place + "pump: " + detail::plain_text(*asked, 6) + " mL/h ordered, runs at " +
                        detail::plain_text(*run, 6) + " mL/h (" +
                        short_number(100 * (rate.run_mg_per_min / rate.asked_mg_per_min - 1), 2) + " %)");
    }
  }
  for (std::size_t i = 0; i < std::min(notes.size(), most_shown); ++i) page.row("", notes[i], Tint::plain, 1);
  if (notes.size() > most_shown)
    page.row("", "and " + std::to_string(notes.size() - most_shown) + " more (--json lists them)", Tint::faint, 1);
  for (const DeliveredEvent& event : d.events) events.push_back(event_text(r, event));
  if (!events.empty()) page.row("Events", joined(events, " \xC2\xB7 "), Tint::plain, 3);
}

inline void what(Page& page, const Result& r) {
  constexpr std::size_t most_shown = 5;
  const auto& order = r.inputs.order;
  const std::size_t n = order.inputs.size();
  const std::size_t shown = n <= most_shown ? n : most_shown - 1;
  for (std::size_t i = 0; i < shown; ++i) {
    Dose dose = r.regimen.doses.at(r.regimen.carried + i);
    if (order.course) dose.at -= order.course->starts.front();
    page.row(i == 0 ? "Order" : "", input_text(order.inputs[i], dose), Tint::plain, 1);
  }
  if (shown < n) page.row("", "and " + std::to_string(n - shown) + " more inputs (--json lists them)", Tint::faint, 1);
  std::string text =
      std::string(name_of(order.analyte)) + " \xC2\xB7 milligrams of " + std::string(name_of(order.form));
  if (order.bag) text += " \xC2\xB7 bag " + short_text(to_text(*order.bag));
  text += order.saved ? " \xC2\xB7 goes on from a state saved at " + time_text(order.saved->at)
                      : std::string(" \xC2\xB7 drug-free at 0 min");
  if (order.course) {
    const std::size_t times = order.course->starts.size();
    text += " \xC2\xB7 " + std::to_string(times) + (times == 1 ? " session" : " sessions");
    if (order.course->every && times > 1) text += ", every " + time_text(*order.course->every);
    if (!order.course->dates.empty()) text += " from " + order.course->dates.front();
  }
  if (n > 1 || order.course) text += " \xC2\xB7 in all " + with_unit(r.summary.delivered_mg, "mg of base", 4);
  if (r.regimen.carried > 0) text += ", with " + std::to_string(r.regimen.carried) + " inputs before";
  page.row(n == 0 ? "Order" : "", text, Tint::plain, 2);
  what_went_in(page, r);
}

[[nodiscard]] inline std::string site_text(Site s) {
  return s == Site::not_stated ? std::string("sampling site not stated") : std::string(name_of(s)) + " plasma";
}

inline void by_which_model(Page& page, const Result& r) {
  const ModelCard& card = r.inputs.model;
  std::string analytes;
  for (const Analyte a : card.analytes) analytes += (analytes.empty() ? "" : ", ") + std::string(name_of(a));
  page.row("Model", card.id + " \xC2\xB7 " + site_text(card.site) + " \xC2\xB7 built on " + analytes, Tint::cyan, 1);
  page.row("", card.citation.empty() ? "no citation: stated in the session" : card.citation, Tint::faint, 2);
  if (!r.admission.crossed.empty())
    page.row("", "outside its domain: " + joined(r.admission.crossed, "; "), Tint::yellow, 2);
  if (!card.effect_card.empty())
    page.row("", "beside it " + card.effect_card + ": " + card.effect_source, Tint::yellow, 1);
  if (r.admission.enantiomers_assumed_alike)
    page.row("", "an S-ketamine model run for another analyte, as if the enantiomers behaved alike", Tint::yellow, 1);
}

/// The lowest of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten that is not below `x`.
[[nodiscard]] inline double axis_top(double x) {
  if (!(x > 0)) return 1;
  const double decade = std::pow(10.0, std::floor(std::log10(x)));
  for (const double step : {1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0})
    if (x <= step * decade) return step * decade;
  return 10 * decade;
}

/// The curve in eighths of a line, the minutes when drug runs under it, and both axes.
inline void curve(Page& page, const Result& r, const Drawing& drawing, std::size_t rows) {
  constexpr std::array<std::string_view, 9> eighths{" ",
                                                    "\xE2\x96\x81",
                                                    "\xE2\x96\x82",
                                                    "\xE2\x96\x83",
                                                    "\xE2\x96\x84",
                                                    "\xE2\x96\x85",
                                                    "\xE2\x96\x86",
                                                    "\xE2\x96\x87",
                                                    "\xE2\x96\x88"};
  std::vector<double> ys = drawing.plasma_ng_per_mL;
  const std::size_t n = ys.size();
  if (n < 2 || !(drawing.until_min > 0)) return;
  const double per_column = drawing.until_min / static_cast<double>(n - 1);
  // NOTE: the column that holds a peak shows the peak, which may lie between two samples.
  const auto show = [&](const Peak& peak) {
    if (!(peak.min <= drawing.until_min)) return;
    double& y = ys[static_cast<std::size_t>(std::lround(peak.min / per_column))];
    y = std::max(y, peak.ng_per_mL);
  };
  show(r.summary.plasma);
  for (const Session& s : r.sessions) show(s.plasma);
  const double top = axis_top(*std::max_element(ys.begin(), ys.end()));

  const auto gutter = [&](std::string_view label, std::string_view tick) {
    return std::string(label_columns - 1 - std::min(width(label), label_columns - 1), ' ') + std::string(label) +
           std::string(tick);
  };
  for (std::size_t row = rows; row-- > 0;) {
    const bool labelled = row == rows - 1 || 2 * row == rows || row == 0;
    const double level = row == rows - 1 ? top : row == 0 ? 0 : top / 2;
    std::string cells;
    for (const double y : ys) {
      const double filled = y / top * static_cast<double>(rows) - static_cast<double>(row);
      const auto eighth = std::clamp(std::lround(8 * filled), 0L, 8L);
      const bool visible_trace = row == 0 && eighth == 0 && y > 0;
      cells += pick(eighths, visible_trace ? 1L : eighth);
    }
    const std::string label = labelled ? short_number(level) + (row == rows - 1 ? " ng/mL" : "") : "";
    page.lines.push_back(page.tinted(gutter(row == 0 ? "0" : label, "\xE2\x94\xA4"), Tint::faint) +
                         page.tinted(cells, Tint::cyan));
  }

  std::string bar;
  for (std::size_t i = 0; i < n; ++i) {
    const double from = (static_cast<double>(i) - 0.5) * per_column, to = (static_cast<double>(i) + 0.5) * per_column;
    bool runs = false, bolus = false;
    for (const Dose& d : r.given().doses) {
      if (d.is_bolus())
        bolus = bolus || (minutes(d.at) >= from && minutes(d.at) < to);
      else
        runs = runs || (minutes(d.at) < to && minutes(d.end()) > from);
    }
    bar += bolus ? "\xE2\x96\xB2" : runs ? "\xE2\x96\xAC" : " ";
  }
  page.lines.push_back(page.tinted(gutter("drug in", " "), Tint::faint) + page.tinted(bar, Tint::yellow));

  std::string ticks = "0";
  const auto tick = [&](std::size_t column, double at_min, bool last) {
    const std::string label = with_unit(at_min, "min", 4);
    const std::size_t start = last ? column + 1 - label.size() : column - label.size() / 2;
    if (width(ticks) < start) ticks += std::string(start - width(ticks), ' ');
    ticks += label;
  };
  const std::size_t middle = (n - 1) / 2;
  tick(middle, static_cast<double>(middle) * per_column, false);
  tick(n - 1, drawing.until_min, true);
  page.lines.push_back(page.tinted(gutter("", " ") + ticks, Tint::faint));
}

inline void exposure(Page& page, const Result& r) {
  const Exposure& e = r.summary;
  const auto peak = [](const Peak& p) { return with_unit(p.ng_per_mL, "ng/mL") + " at " + with_unit(p.min, "min"); };
  page.row("Plasma",
           "peak " + peak(e.plasma) + " \xC2\xB7 total AUC " + with_unit(e.auc_inf_ng_h_per_mL, "ng h/mL") +
               " \xC2\xB7 terminal half-life " + with_unit(e.terminal_half_life_min, "min"),
           Tint::plain, 2);
  if (e.effect_site) page.row("Effect", "peak " + peak(*e.effect_site), Tint::plain, 1);
  std::vector<std::string> others;
  for (std::size_t i = 0; i < e.metabolites.size(); ++i)
    others.push_back(r.inputs.model.metabolites.at(i).name + " peak " + peak(e.metabolites[i].peak));
  if (!others.empty()) page.row("Formed", joined(others, " \xC2\xB7 "), Tint::plain, 2);
  std::vector<std::string> levels;
  for (const TimeAbove& t : r.time_above) {
    std::string text = with_unit(t.threshold_ng_per_mL, "ng/mL", 4);
    text += t.first_min ? " for " + with_unit(t.minutes, "min") + ", first at " + with_unit(*t.first_min, "min")
                        : ": never";
    levels.push_back(text);
  }
  if (!levels.empty()) page.row("Above", joined(levels, " \xC2\xB7 "), Tint::plain, 2);
}

/// One line for each effect, two where there is room: from where, how high and how low, of what, by whom.
inline void effect_lines(Page& page, const Result& r) {
  constexpr std::size_t most_shown = 4;
  const std::size_t n = r.effects.size(), shown = n <= most_shown ? n : most_shown - 1;
  const auto extreme = [](const Extreme& x) { return short_number(x.value) + " at " + with_unit(x.min, "min"); };
  for (std::size_t i = 0; i < shown; ++i) {
    const EffectAnswer& answer = r.effects[i];
    page.row(i == 0 ? "Effects" : "",
             effect_header(answer.effect.name, effect_unit_of(answer.effect)) + " of " + answer.effect.of + ": " +
                 short_number(answer.baseline) + ", highest " + extreme(answer.highest) + ", lowest " +
                 extreme(answer.lowest) + " \xC2\xB7 " + effect_source_of(answer.effect),
             Tint::plain, n <= 2 ? 2 : 1);
  }
  if (shown < n) page.row("", "and " + std::to_string(n - shown) + " more (--json lists them)", Tint::faint, 1);
}

/// The first two sessions of a course and the last one.
inline void sessions(Page& page, const Result& r) {
  if (r.sessions.empty()) return;
  constexpr std::array<std::size_t, 8> columns{5, 10, 9, 9, 13, 13, 9, 13};
  const auto line = [&](const std::array<std::string, 8>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i)
      text += std::string(columns[i] - std::min(columns[i], width(cells[i])), ' ') + cells[i];
    return text;
  };
  const auto put = [&](std::string_view label, const std::string& text, Tint tint) {
    page.lines.push_back(page.tinted(padded(label, label_columns), Tint::bold) + page.tinted(text, tint));
  };
  put("Sessions", line({"no", "from", "mg", "mg/kg", "ng/mL before", "peak ng/mL", "at min", "AUC ng h/mL"}),
      Tint::faint);
  for (std::size_t i = 0; i < r.sessions.size(); ++i) {
    if (i > 1 && i + 1 < r.sessions.size()) continue;
    const Session& s = r.sessions[i];
    const std::string number = (i > 2 ? "\xE2\x80\xA6" : "") + std::to_string(i);
    put("",
        line({number, short_number(minutes(s.start) / 1440, 4) + " d", short_number(s.delivered_mg, 4),
              short_number(s.mg_per_kg, 4), short_number(s.before_ng_per_mL), short_number(s.plasma.ng_per_mL),
              short_number(s.plasma.min - minutes(s.start)), short_number(s.auc_ng_h_per_mL)}),
        Tint::plain);
  }
}

[[nodiscard]] constexpr Tint tint_of(Severity s) noexcept {
  return s == Severity::hard ? Tint::red : s == Severity::soft ? Tint::yellow : Tint::plain;
}

/// The sentence of a flag: what, against what, by how much.
[[nodiscard]] inline std::string headline(const Flag& f) {
  std::string value = short_text(f.value), limit = short_text(f.limit);
  if (value == limit) value = f.value, limit = f.limit;  // rounding must not hide the difference
  std::string text = f.code + "  " + value;
  if (!limit.empty()) text += ", limit " + limit + (f.limit_id.empty() ? "" : " (" + f.limit_id + ")");
  std::vector<std::string> by;
  if (f.margin) by.push_back(short_text(*f.margin));
  if (f.margin_rel) by.push_back(short_number(100 * *f.margin_rel) + " %");
  if (!by.empty()) text += ", off by " + joined(by, " = ");
  return text;
}

inline void verdict_with(Page& page, const Assessment& a, const std::optional<Limits>& limits) {
  constexpr std::array<std::string_view, 4> words{"UNEVALUATED", "WITHIN LIMITS", "SOFT FLAG", "HARD FLAG"};
  constexpr std::array<Tint, 4> tints{Tint::yellow, Tint::green, Tint::yellow, Tint::red};
  page.row("Verdict", std::string(pick(words, a.verdict.kind)) + " (" + a.basis + ")",
           tints[static_cast<std::size_t>(a.verdict.kind)], 2);
  if (limits) {
    std::string text = limits->id + " \xC2\xB7 version " + limits->version + " \xC2\xB7 status " +
                       std::string(pick(limits_status_names, limits->status));
    if (limits->status == LimitsStatus::example) text += ": an example, not a clinic's own limits";
    page.row("Limits", text, Tint::plain, 2);
  } else {
    page.row("Limits", "none given, so nothing was compared with a limit (--limits FILE)", Tint::plain, 1);
  }
}

inline void verdict(Page& page, const Result& r) { verdict_with(page, r.assessment, r.inputs.limits); }

/// One flag in at most `room` lines. What a slip is about stands in its driver, so with one line that is shown.
[[nodiscard]] inline std::vector<std::string> flag_rows(const Flag& f, bool colour, std::size_t room) {
  Page page{.colour = colour};
  const std::string severity = f.severity == Severity::hard   ? "  HARD"
                               : f.severity == Severity::soft ? "  soft"
                                                              : "  note";
  const bool is_slip = f.limit.empty() && !f.driver.empty();
  page.row(severity, room == 1 && is_slip ? f.code + "  " + f.driver : headline(f), tint_of(f.severity),
           room == 1 ? 1 : 2);
  if (room > 1) {
    std::vector<std::string> details;
    if (f.first_min) details.push_back("from " + with_unit(*f.first_min, "min"));
    if (f.minutes) details.push_back("for " + with_unit(*f.minutes, "min"));
    if (!f.driver.empty()) details.push_back(f.driver);
    if (f.clears_at) details.push_back("would clear at " + *f.clears_at);
    if (!f.source.empty()) details.push_back("source: " + f.source);
    if (!details.empty()) page.row("", joined(details, "; "), Tint::plain, room - 1);
  }
  return page.lines;
}

/// The flags, worst first, in at most `room` lines. Spare lines go to the worst ones; what does not fit is counted.
[[nodiscard]] inline Page flags(const Result& r, bool colour, std::size_t room) {
  constexpr std::size_t most_lines = 4;
  std::vector<const Flag*> order;
  for (const Flag& f : r.assessment.flags) order.push_back(&f);
  std::stable_sort(order.begin(), order.end(), [](const Flag* a, const Flag* b) { return a->severity > b->severity; });
  Page page{.colour = colour};
  if (order.empty()) {
    page.row("Flags", "none");
    return page;
  }
  const std::size_t total = order.size();
  const bool all_fit = 1 + total <= room;
  if (!all_fit) order.resize(std::min(room > 2 ? room - 2 : 0, total));
  std::vector<std::vector<std::string>> rows;
  std::size_t used = all_fit ? 1 : 2;
  for (const Flag* f : order) used += rows.emplace_back(flag_rows(*f, colour, 1)).size();
  for (std::size_t lines = 2; lines <= most_lines; ++lines)
    for (std::size_t i = 0; i < order.size(); ++i) {
      auto longer = flag_rows(*order[i], colour, lines);
      if (used - rows[i].size() + longer.size() > room) continue;
      used = used - rows[i].size() + longer.size();
      rows[i] = std::move(longer);
    }
  page.row("Flags", std::to_string(total) + (total == 1 ? " raised" : " raised, worst first"));
  for (const auto& lines : rows) page.lines.insert(page.lines.end(), lines.begin(), lines.end());
  if (!all_fit)
    page.row("", "and " + std::to_string(total - order.size()) + " more (--json lists them all)", Tint::faint, 1);
  return page;
}

/// How many checks were listed, and which could not be made.
inline void checks(Page& page, const Result& r) {
  const auto count = [&](CheckOutcome outcome) {
    return std::to_string(std::count_if(r.assessment.checks.begin(), r.assessment.checks.end(),
                                        [&](const Check& c) { return c.outcome == outcome; }));
  };
  std::vector<std::string> open;
  for (const Check& c : r.assessment.checks) {
    if (c.outcome == CheckOutcome::unevaluated)
      open.push_back(c.id + (c.required ? " (required)" : "") + (c.why.empty() ? "" : ": " + c.why));
  }
  page.row("Checks",
           std::to_string(r.assessment.checks.size()) + " listed: " + count(CheckOutcome::passed) + " passed, " +
               count(CheckOutcome::flagged) + " flagged, " + count(CheckOutcome::unevaluated) + " not evaluated",
           Tint::plain, 1);
  if (!open.empty()) page.row("", "not evaluated: " + joined(open, "; "), Tint::yellow, 3);
}

inline void closing(Page& page, const Result& r, std::string_view version) {
  if (!r.assessment.overrides.empty())
    page.row("Overrides", std::to_string(r.assessment.overrides.size()) + " recorded; they change no verdict",
             Tint::plain, 1);
  std::string solvers = r.check.solver + " alone, no second solver was asked";
  if (r.check.second_solver && r.check.agreement_rel)
    solvers = r.check.solver + " and " + *r.check.second_solver + " differ by " +
              short_number(*r.check.agreement_rel, 2) + " relative";
  page.row("Solvers",
           solvers + " \xC2\xB7 mass balance off by " + short_number(r.check.mass_balance_rel, 2) + " relative",
           Tint::faint, 1);
  page.row("", "ketpk " + std::string(version) + ": a research and engineering library, not a medical device",
           Tint::faint, 1);
}

}  // namespace report_detail

/// One line for standard error: `ketpk: E_CODE field: what is wrong; what is accepted`, with its line end.
[[nodiscard]] inline std::string error_line(const InvalidInput& e) {
  return report_detail::line_of(report_detail::view(e));
}
[[nodiscard]] inline std::string error_line(const Trouble& t) { return report_detail::line_of(report_detail::view(t)); }

/// `{"error": {"code", "field", "message"}}` on one line.
[[nodiscard]] inline std::string error_json(const InvalidInput& e) {
  return report_detail::json_of(report_detail::view(e));
}
[[nodiscard]] inline std::string error_json(const Trouble& t) { return report_detail::json_of(report_detail::view(t)); }

/// The result as `ketpk.result/1`. Throws std::logic_error where a number is not finite.
[[nodiscard]] inline std::string to_json(const Result& r, std::string_view version) {
  report_detail::JsonText json;
  json.text.reserve(8192 + 160 * r.profile.time.size());
  json.object([&] {
    json.member("schema", "ketpk.result/1");
    report_detail::made_by(json, r, version);
    report_detail::inputs(json, r);
    report_detail::model(json, r);
    report_detail::profile(json, r);
    report_detail::summary(json, r);
    report_detail::time_above(json, r);
    report_detail::assessment(json, r);
    report_detail::delivery(json, r);
    report_detail::sessions(json, r);
    report_detail::effect_answers(json, r);
    report_detail::body_size(json, r);
    report_detail::sensitivity(json, r);
  });
  json.text += '\n';
  return std::move(json.text);
}

/// One block of a result as an object with that one member. Throws E_ARG(block) for a name that is no block.
[[nodiscard]] inline std::string block_json(const Result& r, std::string_view block, std::string_view version) {
  namespace d = report_detail;
  d::JsonText json;
  json.object([&] {
    if (block == "ketpk") return d::made_by(json, r, version);
    if (block == "inputs") return d::inputs(json, r);
    if (block == "model") return d::model(json, r);
    if (block == "profile") return d::profile(json, r);
    if (block == "summary") return d::summary(json, r);
    if (block == "time_above") return d::time_above(json, r);
    if (block == "assessment") return d::assessment(json, r);
    if (block == "delivery") return d::delivery(json, r);
    if (block == "sessions") return d::sessions(json, r);
    if (block == "effects") return d::effect_answers(json, r);
    if (block == "body_size") return d::body_size(json, r);
    if (block == "sensitivity") return d::sensitivity(json, r);
    throw InvalidInput(Code::arg, "block",
                       "no block of a result; accepted: ketpk, inputs, model, profile, summary, time_above, "
                       "assessment, delivery, sessions, effects, body_size, sensitivity");
  });
  return std::move(json.text);
}

/// The judgement alone as `ketpk.check/1`: the blocks `ketpk`, `inputs`, `model`, `assessment` and, where there is
/// one, `delivery` of a result.
[[nodiscard]] inline std::string to_json(const AssessmentView& view, std::string_view version) {
  report_detail::JsonText json;
  json.object([&] {
    json.member("schema", "ketpk.check/1");
    report_detail::made_by(json, view.result, version);
    report_detail::inputs(json, view.result);
    report_detail::model(json, view.result);
    report_detail::assessment(json, view.result);
    report_detail::delivery(json, view.result);
  });
  json.text += '\n';
  return std::move(json.text);
}

/// One row per asked instant; the unit of each column stands in its name, that of an effect in brackets behind it.
/// Where what went in can differ from the order, four more columns at the end: what was ordered in all, what is left of
/// it at the instant, how many infusions are paused then, and the events since the row before (the first row: since the
/// start). Throws std::logic_error where a number is not finite.
[[nodiscard]] inline std::string to_csv(const Result& r) {
  const Profile& p = r.profile;
  const bool effect = r.inputs.model.ke0.has_value();
  std::string csv = "time_us,time_min,plasma_ng_per_mL";
  if (effect) csv += ",effect_site_ng_per_mL";
  for (const CardMetabolite& m : r.inputs.model.metabolites)
    csv += ',' + report_detail::csv_cell(m.name + "_ng_per_mL");
  csv += ",delivered_mg,auc_ng_h_per_mL";
  for (const EffectAnswer& e : r.effects)
    csv += ',' + report_detail::csv_cell(effect_header(e.effect.name, effect_unit_of(e.effect)));
  if (r.delivery) csv += ",ordered_mg,left_mg,paused_infusions,events";
  csv += '\n';
  const auto all = r.delivery ? report_detail::amounts_of(*r.delivery) : report_detail::Amounts{0, 0, 0};
  const double in_the_end_mg = all.delivered_mg + all.left_mg;  // what was ordered, and what a line was primed with
  std::size_t next_event = 0;
  csv.reserve(csv.size() + 140 * p.time.size());
  const auto cell = [&csv](double x) { csv += ',' + to_text(report_detail::finite(x)); };
  for (std::size_t i = 0; i < p.time.size(); ++i) {
    csv += std::to_string(p.time[i].count());
    cell(minutes(p.time[i]));
    cell(p.plasma_ng_per_mL.at(i));
    if (effect) cell(p.effect_site_ng_per_mL.at(i));
    for (const MetaboliteProfile& m : p.metabolites) cell(m.ng_per_mL.at(i));
    cell(p.delivered_mg.at(i));
    cell(p.auc_ng_h_per_mL.at(i));
    for (const EffectAnswer& e : r.effects) cell(e.values.at(i));
    if (r.delivery) {
      const auto& events = r.delivery->events;
      cell(all.ordered_mg);
      // The sum of segments and the sum of orders may differ in the last digit; what is complete has nothing left.
      const double left = in_the_end_mg - p.delivered_mg.at(i);
      cell(left > 1e-12 * in_the_end_mg ? left : 0);
      csv += ',' + std::to_string(paused_at(*r.delivery, p.time[i]));
      std::string told;
      for (; next_event < events.size() && events[next_event].at <= p.time[i]; ++next_event)
        told += (told.empty() ? "" : "; ") + report_detail::event_text(r, events[next_event]);
      csv += ',' + report_detail::csv_cell(told);
    }
    csv += '\n';
  }
  return csv;
}

/// The answer on one screen, 40 lines of 100 columns at most, in UTF-8. Where flags are many, their details go
/// first, then the curve's height, then flags are counted instead of shown, mildest first.
/// Throws std::logic_error where a number is not finite.
[[nodiscard]] inline std::string to_card(const Result& r, std::string_view version, const Drawing& drawing = {},
                                         CardStyle style = {}) {
  namespace d = report_detail;
  d::Page head{.colour = style.colour}, facts{.colour = style.colour}, judged{.colour = style.colour},
      end{.colour = style.colour};
  d::who(head, r);
  d::what(head, r);
  d::by_which_model(head, r);
  d::exposure(facts, r);
  d::effect_lines(facts, r);
  d::sessions(facts, r);
  d::verdict(judged, r);
  d::checks(end, r);
  d::closing(end, r, version);

  // Bars that would leave no room for the smallest curve and a flag are not drawn.
  constexpr std::size_t smallest_curve = 7, most_bars = 6;
  const std::size_t without = head.lines.size() + facts.lines.size() + judged.lines.size() + end.lines.size() + 3;
  for (std::size_t bars = most_bars;; --bars) {
    d::Page drivers{.colour = style.colour};
    d::drivers(drivers, r, bars);
    if (bars > 0 && without + drivers.lines.size() + smallest_curve + 1 > d::page_lines) continue;
    facts.lines.insert(facts.lines.end(), drivers.lines.begin(), drivers.lines.end());
    break;
  }

  const std::size_t others = head.lines.size() + facts.lines.size() + judged.lines.size() + end.lines.size() + 3;
  const std::size_t all_flags = d::flags(r, style.colour, d::page_lines).lines.size();
  std::size_t rows = 8;
  d::Page drawn{.colour = style.colour};
  for (; rows > 3; rows -= 2) {
    drawn.lines.clear();
    d::curve(drawn, r, drawing, rows);
    if (others + drawn.lines.size() + all_flags <= d::page_lines) break;
    if (rows == 4) break;
  }
  const std::size_t taken = others + drawn.lines.size();
  const d::Page flags = d::flags(r, style.colour, taken + 3 < d::page_lines ? d::page_lines - taken : 3);

  d::Page page{.colour = style.colour};
  const auto add = [&](const d::Page& part) {
    page.lines.insert(page.lines.end(), part.lines.begin(), part.lines.end());
  };
  add(head);
  page.blank();
  if (!drawn.lines.empty()) {
    add(drawn);
    page.blank();
  }
  add(facts);
  page.blank();
  add(judged);
  add(flags);
  add(end);
  return page.text();
}

/// The judgement alone, every flag and every check in full.
[[nodiscard]] inline std::string to_card(const AssessmentView& view, std::string_view version, CardStyle style = {}) {
  namespace d = report_detail;
  const Result& r = view.result;
  d::Page page{.colour = style.colour};
  d::who(page, r);
  d::what(page, r);
  d::by_which_model(page, r);
  page.blank();
  d::verdict(page, r);
  const d::Page flags = d::flags(r, style.colour, std::string::npos);
  page.lines.insert(page.lines.end(), flags.lines.begin(), flags.lines.end());
  page.blank();
  for (std::size_t i = 0; i < r.assessment.checks.size(); ++i) {
    const Check& c = r.assessment.checks[i];
    const bool open = c.outcome == CheckOutcome::unevaluated;
    const std::string outcome(open ? "not evaluated" : d::pick(d::outcome_names, c.outcome));
    page.row(i == 0 ? "Checks" : "",
             d::padded(outcome, 15) + c.id + (c.required ? " (required)" : "") + (c.why.empty() ? "" : ": " + c.why),
             c.outcome == CheckOutcome::passed ? d::Tint::plain : d::Tint::yellow, 2);
  }
  page.blank();
  d::closing(page, r, version);
  return page.text();
}

namespace report_detail {

/// A model card as JSON, `ketpk.card/1`, with the members that `more` adds at its end. It is for reading; the file that
/// models are read from is `ketpk.model/1`.
template <class More>
[[nodiscard]] std::string card_json(const ModelCard& card, More more) {
  JsonText json;
  json.object([&] {
    json.member("schema", "ketpk.card/1");
    json.member("id", card.id);
    json.member("label", report_detail::stated(card.label));
    json.member("citation", report_detail::stated(card.citation));
    json.member("doi", report_detail::stated(card.doi));
    json.member("site", name_of(card.site));
    report_detail::names_of(json, card.analytes);
    json.member("population", card.population);
    report_detail::domain(json, card.domain);
    json.strings("uncertainties", card.uncertainties);
    json.member("corroboration", report_detail::stated(card.corroboration));
    json.member("confidence", pick(confidence_names, card.confidence));
    if (!card.not_for_use.empty()) json.member("not_for_use", card.not_for_use);
    report_detail::card_members(json, card);
    more(json);
  });
  json.text += '\n';
  return std::move(json.text);
}

/// `x (WT / 70)^0.75` and so on.
[[nodiscard]] inline std::string effect_text(const CovariateEffect& e) {
  const std::string reference = to_text(e.reference), coefficient = to_text(e.coefficient);
  const std::string times = "\xC3\x97 ", off = e.covariate + " - " + reference;
  switch (e.form) {
    case CovariateForm::power: return times + '(' + e.covariate + " / " + reference + ")^" + coefficient;
    case CovariateForm::linear: return times + "(1 + " + coefficient + " (" + off + "))";
    case CovariateForm::exponential: return times + "exp(" + coefficient + " (" + off + "))";
    case CovariateForm::added_above:
      return (e.coefficient < 0 ? "- " + to_text(-e.coefficient) : "+ " + coefficient) + " for each of " + e.covariate +
             " above " + reference;
    case CovariateForm::levels: break;
  }
  std::string text = times + "by " + e.covariate + ':';
  for (const CovariateLevel& l : e.levels) text += ' ' + to_text(l.is) + " gives " + to_text(l.factor) + ';';
  text.pop_back();
  return text;
}

/// How an effect follows its concentration, in words.
[[nodiscard]] inline std::string form_text(const EmaxEffect& e) {
  return to_text(e.baseline) + ' ' + e.effect_unit + ", changes by " + to_text(e.change) +
         " at most, by half of that at " + to_text(e.ec50) + " (exponent " + to_text(e.hill) + ')';
}
[[nodiscard]] inline std::string form_text(const LinearEffect& e) {
  return to_text(e.baseline) + ' ' + e.effect_unit + ", changes by " + to_text(e.change) + " at " + to_text(e.at) +
         ", in proportion";
}
[[nodiscard]] inline std::string form_text(const TurnoverEffect& e) {
  constexpr std::array<std::string_view, 4> acts{"inhibits build-up", "inhibits loss", "stimulates build-up",
                                                 "stimulates loss"};
  const std::string driven = e.drive == Drive::linear ? to_text(e.most) + " at " + to_text(e.c50) + ", in proportion"
                                                      : "up to " + to_text(e.most) + ", by half of that at " +
                                                            to_text(e.c50) + " (exponent " + to_text(e.hill) + ')';
  return to_text(e.baseline) + ' ' + e.effect_unit + " at rest, turns over at " + to_text(e.kout) + "; the drug " +
         std::string(pick(acts, e.kind)) + " by " + driven;
}

/// An effect, what it follows and how.
[[nodiscard]] inline std::string effect_line(const CardEffect& effect) {
  return effect.name + " of " + effect.of + ": " +
         std::visit([](const auto& form) { return form_text(form); }, effect.form);
}

}  // namespace report_detail

/// Everything a model card says of its parameters, as `ketpk.card/1`.
[[nodiscard]] inline std::string to_json(const ModelCard& card) {
  return report_detail::card_json(card, [](report_detail::JsonText&) {});
}

/// The cards' ids, analytes, sites, labels and how far they may be trusted, as JSON.
[[nodiscard]] inline std::string to_json(std::span<const ModelCard> cards) {
  report_detail::JsonText json;
  json.object([&] {
    json.member("schema", "ketpk.models/1");
    json.array("models", cards, [&](const ModelCard& card) {
      json.object([&] {
        json.member("id", card.id);
        json.member("label", report_detail::stated(card.label));
        report_detail::names_of(json, card.analytes);
        json.member("site", name_of(card.site));
        json.member("population", card.population);
        json.member("confidence", report_detail::pick(confidence_names, card.confidence));
        if (!card.domain.only_for.empty()) json.member("only_for", card.domain.only_for);
        if (!card.not_for_use.empty()) json.member("not_for_use", card.not_for_use);
      });
    });
  });
  json.text += '\n';
  return std::move(json.text);
}

/// Everything a model card says, for a person.
[[nodiscard]] inline std::string to_card(const ModelCard& card, CardStyle style = {}) {
  namespace d = report_detail;
  constexpr std::size_t all = std::string::npos;
  d::Page page{.colour = style.colour};
  page.row("Model", card.id + (card.label.empty() ? "" : " \xC2\xB7 " + card.label), d::Tint::cyan, all);
  page.row("Citation", card.citation.empty() ? "none" : card.citation, d::Tint::plain, all);
  page.row("DOI", card.doi.empty() ? "not stated" : card.doi);
  std::string analytes;
  for (const Analyte a : card.analytes) analytes += (analytes.empty() ? "" : ", ") + std::string(name_of(a));
  page.row("Analytes", analytes, d::Tint::plain, all);
  page.row("Site", name_of(card.site));
  if (!card.not_for_use.empty()) page.row("Refused", "not for use: " + card.not_for_use, d::Tint::red, all);
  page.row("Built on", card.population, d::Tint::plain, all);
  if (!card.domain.only_for.empty()) page.row("Only for", card.domain.only_for, d::Tint::yellow, all);
  page.row("Domain", card.domain.statement + (card.domain.source.empty() ? "" : " (" + card.domain.source + ")"),
           d::Tint::plain, all);
  page.row("Seen in", card.corroboration, d::Tint::plain, all);
  page.row("Confidence",
           card.confidence == Confidence::not_stated
               ? "not stated"
               : std::string(d::pick(confidence_names, card.confidence)) + " that these are the paper's numbers",
           d::Tint::plain, all);
  page.blank();
  const std::string reference = to_text(card.reference_weight_kg) + " kg";
  const auto parameter = [&](const CardParameter& p) {
    std::string rule = "same at every weight";
    if (p.weight_exponent != 0) rule = "\xC3\x97 (weight / " + reference + ")^" + to_text(p.weight_exponent);
    const Dimension of = p.value.unit().dimension;
    if (of.body != 0) rule = "\xC3\x97 weight";
    page.row("  " + p.name, d::padded(to_text(p.value), 20) + d::padded(rule, 26), d::Tint::plain, 1);
    for (const CovariateEffect& e : p.covariates)
      page.row("", d::effect_text(e) + (e.source == p.source ? "" : " \xC2\xB7 " + e.source), d::Tint::plain, all);
    page.row("", p.source, d::Tint::faint, all);
  };
  const auto is_liver = [](const CardParameter& p) { return p.name == "Qh"; };
  page.row("Parameters", "of the typical individual, at " + reference + " where they scale");
  if (std::any_of(card.parameters.begin(), card.parameters.end(), is_liver))
    page.row("", "a liver of Vh at a blood flow Qh eliminates by kel and, into metabolites, by kmet", d::Tint::plain,
             all);
  for (const CardParameter& p : card.parameters) parameter(p);
  if (card.ke0) {
    page.row("Effect", "a compartment that draws no drug");
    parameter(*card.ke0);
  } else {
    page.row("Effect", "no effect site: its source gives no constant");
  }
  for (const CardMetabolite& m : card.metabolites) {
    page.row("Forms",
             m.name + (m.from.empty() ? "" : " from " + m.from) + " \xC2\xB7 " + to_text(m.fraction) +
                 " mg per mg eliminated" + (m.apparent ? " \xC2\xB7 apparent volumes and clearances" : ""),
             d::Tint::plain, all);
    page.row("", m.source, d::Tint::faint, all);
    for (const CardParameter& p : m.parameters) parameter(p);
    if (!m.delay) continue;
    page.row("", "through " + to_text(static_cast<double>(m.delay->transits)) + " transit compartments", d::Tint::plain,
             all);
    parameter(m.delay->mtt);
  }
  for (std::size_t i = 0; i < card.effects.size(); ++i) {
    const CardEffect& effect = card.effects[i];
    page.row(i == 0 ? "Effects" : "", d::effect_line(effect), d::Tint::plain, all);
    page.row("", effect_source_of(effect), d::Tint::faint, all);
  }
  page.blank();
  for (std::size_t i = 0; i < card.uncertainties.size(); ++i)
    page.row(i == 0 ? "Uncertain" : "", "- " + card.uncertainties[i], d::Tint::yellow, all);
  return page.text();
}

}  // namespace ketpk
