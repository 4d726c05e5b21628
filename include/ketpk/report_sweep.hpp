// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a grid is read by programs as a tidy table, one row a point, and by people as a map that shows where limits are
// crossed. A point that could not be asked keeps its row, with the reason and without numbers.

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

#include "ketpk/report.hpp"
#include "ketpk/sweep.hpp"

namespace ketpk {

/// Which number a map shows: one of the columns of numbers of the sweep's table.
struct MapOf {
  std::string quantity = "cmax_ng_per_mL";
};

namespace report_detail {

/// `dose_mg_per_kg`, with the input's number where the order has several inputs; `model`.
[[nodiscard]] inline std::string axis_header(const Sweep& s, std::size_t axis) {
  const auto* numbers = std::get_if<NumberAxis>(&s.asked.axes[axis]);
  if (numbers == nullptr) return "model";
  std::string name(name_of(numbers->spot.what));
  const bool is_of_order = numbers->spot.what >= Varied::dose && numbers->spot.what != Varied::bag;
  if (is_of_order && s.asked.base.order.inputs.size() > 1) name += '_' + std::to_string(numbers->spot.input);
  return name + '_' + unit_in_header(numbers->unit.name);
}

/// What stands on axis `axis` at place `i`, as text.
[[nodiscard]] inline std::string axis_value(const Sweep& s, std::size_t axis, std::size_t i) {
  if (const auto* numbers = std::get_if<NumberAxis>(&s.asked.axes[axis])) return to_text(numbers->values[i]);
  return std::get<ModelAxis>(s.asked.axes[axis]).models[i].id;
}

/// The sampling site of the model that point `row` asks; nothing where the sweep asks one model only.
[[nodiscard]] inline std::optional<Site> site_at(const Sweep& s, std::size_t row) {
  for (std::size_t k = 0; k < s.asked.axes.size(); ++k)
    if (const auto* models = std::get_if<ModelAxis>(&s.asked.axes[k])) return models->models[s.place(row, k)].site;
  return std::nullopt;
}

/// What a person reads of it, with its unit; of a model its sampling site too.
[[nodiscard]] inline std::string axis_label(const Sweep& s, std::size_t axis, std::size_t i) {
  if (const auto* models = std::get_if<ModelAxis>(&s.asked.axes[axis]))
    return models->models[i].id + ' ' + std::string(name_of(models->models[i].site));
  if (const auto* numbers = std::get_if<NumberAxis>(&s.asked.axes[axis]))
    return short_number(numbers->values[i], 4) + ' ' + std::string(numbers->unit.name);
  return axis_value(s, axis, i);
}

[[nodiscard]] inline std::size_t refused_of(const Sweep& s) {
  return static_cast<std::size_t>(
      std::count_if(s.refused.begin(), s.refused.end(), [](const auto& r) { return r.has_value(); }));
}

/// The mark behind a number, and its colour: no limits or within them, soft, hard, a required check left open, refused.
struct PointMark {
  std::string_view mark;
  Tint tint;
};
[[nodiscard]] inline PointMark mark_of(const Sweep& s, std::size_t row) {
  if (s.refused[row]) return {"x", Tint::faint};
  switch (s.answers.verdicts[row]) {
    case VerdictKind::hard: return {"!", Tint::red};
    case VerdictKind::soft: return {"*", Tint::yellow};
    case VerdictKind::unevaluated:
      return s.asked.base.limits ? PointMark{"?", Tint::cyan} : PointMark{" ", Tint::plain};
    case VerdictKind::within_limits: break;
  }
  return {" ", Tint::green};
}

/// The row of the table at these places of all axes.
[[nodiscard]] inline std::size_t row_at(const Sweep& s, std::span<const std::size_t> places) {
  std::size_t row = 0;
  for (std::size_t k = 0; k < places.size(); ++k) row = row * size_of(s.asked.axes[k]) + places[k];
  return row;
}

[[nodiscard]] inline std::size_t column_of(const Sweep& s, std::string_view quantity) {
  const auto& names = s.answers.names;
  const auto at = std::find(names.begin(), names.end(), quantity);
  std::string accepted;
  for (const std::string& name : names) accepted += (accepted.empty() ? "" : ", ") + name;
  require(at != names.end(), Code::range, "map", "not a number of the table; accepted: " + accepted);
  return static_cast<std::size_t>(at - names.begin());
}

/// The axes that a map lies over: the first two of numbers; beside one of numbers the models go down.
struct MapAxes {
  std::size_t down;
  std::optional<std::size_t> across;
};
[[nodiscard]] inline MapAxes map_axes(const Sweep& s) {
  std::vector<std::size_t> order;
  for (const bool of_numbers : {true, false})
    for (std::size_t k = 0; k < s.asked.axes.size(); ++k)
      if (std::holds_alternative<NumberAxis>(s.asked.axes[k]) == of_numbers) order.push_back(k);
  if (order.size() == 1) return {order[0], std::nullopt};
  const bool is_model_second = std::holds_alternative<ModelAxis>(s.asked.axes[order[1]]);
  return is_model_second ? MapAxes{order[1], order[0]} : MapAxes{order[0], order[1]};
}

inline constexpr std::size_t map_columns = 10, map_rows = 24, map_cell = 8;

inline void map_at(Page& page, const Sweep& s, const MapAxes& axes, std::vector<std::size_t> places,
                   std::size_t column) {
  const auto across =
      axes.across ? shown_places(size_of(s.asked.axes[*axes.across]), map_columns) : std::vector<std::size_t>{0};
  const auto down = shown_places(size_of(s.asked.axes[axes.down]), map_rows);
  const auto right = [](const std::string& text, std::size_t columns) {
    return std::string(columns - std::min(columns, width(text)), ' ') + text;
  };
  std::size_t label = width(axis_header(s, axes.down));
  for (const std::size_t i : down) label = std::max(label, width(axis_label(s, axes.down, i)));
  if (axes.across) {
    std::string head = padded(axis_header(s, axes.down), label);
    for (const std::size_t j : across) {
      std::string value = axis_value(s, *axes.across, j);
      if (std::holds_alternative<NumberAxis>(s.asked.axes[*axes.across]))
        value = short_number(std::get<NumberAxis>(s.asked.axes[*axes.across]).values[j], 4);
      head += right(cut(value, map_cell - 1), map_cell);
    }
    page.lines.push_back(page.tinted(std::string(label, ' ') + "  " + axis_header(s, *axes.across), Tint::faint));
    page.lines.push_back(page.tinted(head, Tint::faint));
  }
  for (const std::size_t i : down) {
    std::string line = padded(axis_label(s, axes.down, i), label);
    for (const std::size_t j : across) {
      places[axes.down] = i;
      if (axes.across) places[*axes.across] = j;
      const std::size_t row = row_at(s, places);
      const double x = s.answers.columns[column][row];
      const PointMark mark = mark_of(s, row);
      const std::string number = s.refused[row] ? "" : std::isfinite(x) ? short_number(x) : "-";
      line += page.tinted(right(number + std::string(mark.mark), map_cell), mark.tint);
    }
    page.lines.push_back(line);
  }
  if (down.size() < size_of(s.asked.axes[axes.down]) ||
      (axes.across && across.size() < size_of(s.asked.axes[*axes.across])))
    page.row("", "not every point is shown (--csv lists them all)", Tint::faint, 1);
}

/// "10 dose × 3 duration = 30 points".
[[nodiscard]] inline std::string sweep_text(const Sweep& s) {
  std::string text;
  for (std::size_t k = 0; k < s.asked.axes.size(); ++k)
    text += (k == 0 ? "" : " \xC3\x97 ") + std::to_string(size_of(s.asked.axes[k])) + ' ' + axis_header(s, k);
  text += " = " + std::to_string(s.points()) + " points";
  if (const std::size_t refused = refused_of(s)) text += ", " + std::to_string(refused) + " of them refused";
  return text;
}

}  // namespace report_detail

/// The tidy table as RFC 4180 CSV: one row a point; the axes, of models also their sampling site, then the numbers of
/// its answer, its verdict, flags, checks that could not be made, and for a point that was refused the code and field
/// instead. A number that there is none of is an empty field.
[[nodiscard]] inline std::string to_csv(const Sweep& s) {
  namespace d = report_detail;
  std::string csv;
  for (std::size_t k = 0; k < s.asked.axes.size(); ++k) csv += d::csv_cell(d::axis_header(s, k)) + ',';
  const bool has_site = d::site_at(s, 0).has_value();
  if (has_site) csv += "site,";
  for (const std::string& name : s.answers.names) csv += d::csv_cell(name) + ',';
  csv += "verdict,flags,not_evaluated,error,error_field\n";
  for (std::size_t row = 0; row < s.points(); ++row) {
    for (std::size_t k = 0; k < s.asked.axes.size(); ++k) {
      const std::string value = d::axis_value(s, k, s.place(row, k));
      csv += (std::holds_alternative<NumberAxis>(s.asked.axes[k]) ? value : d::csv_cell(value)) + ',';
    }
    if (has_site) csv += std::string(name_of(*d::site_at(s, row))) + ',';
    for (const std::vector<double>& column : s.answers.columns) {
      if (std::isfinite(column[row])) csv += to_text(column[row]);
      csv += ',';
    }
    if (const auto& refused = s.refused[row])
      csv += ",,," + std::string(name_of(refused->code)) + ',' + d::csv_cell(refused->field);
    else
      csv += std::string(d::pick(d::verdict_names, s.answers.verdicts[row])) + ',' + d::csv_cell(s.answers.flags[row]) +
             ',' + d::csv_cell(s.answers.not_evaluated[row]) + ",,";
    csv += '\n';
  }
  return csv;
}

/// The table as JSON, `ketpk.grid/1`: what was varied, and each column by its name; null where there is no number.
[[nodiscard]] inline std::string to_json(const Sweep& s, std::string_view version) {
  namespace d = report_detail;
  d::JsonText json;
  const auto texts = [&](std::string_view name, auto text) {
    std::vector<std::size_t> rows(s.points());
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
    json.array(name, rows, [&](std::size_t row) { text(row); });
  };
  json.object([&] {
    json.member("schema", "ketpk.grid/1");
    json.member("version", version);
    json.member("second_solver", s.asked.is_checked);
    json.key("points"), json.integer(static_cast<std::int64_t>(s.points()));
    json.key("refused"), json.integer(static_cast<std::int64_t>(d::refused_of(s)));
    std::vector<std::size_t> axes(s.asked.axes.size());
    for (std::size_t k = 0; k < axes.size(); ++k) axes[k] = k;
    json.array("axes", axes, [&](std::size_t k) {
      json.object([&] {
        json.member("column", d::axis_header(s, k));
        const auto* numbers = std::get_if<NumberAxis>(&s.asked.axes[k]);
        json.member("input", numbers != nullptr ? name_of(numbers->spot.what) : std::string_view("model"));
        if (numbers != nullptr) {
          json.member("unit", numbers->unit.name);
          json.numbers("values", numbers->values);
        } else {
          json.array("models", std::get<ModelAxis>(s.asked.axes[k]).models,
                     [&](const ModelCard& card) { json.string(card.id); });
        }
      });
    });
    json.object("columns", [&] {
      for (std::size_t k = 0; k < s.asked.axes.size(); ++k)
        texts(d::axis_header(s, k), [&](std::size_t row) {
          if (const auto* numbers = std::get_if<NumberAxis>(&s.asked.axes[k]))
            json.number(numbers->values[s.place(row, k)]);
          else
            json.string(d::axis_value(s, k, s.place(row, k)));
        });
      if (d::site_at(s, 0)) texts("site", [&](std::size_t row) { json.string(name_of(*d::site_at(s, row))); });
      for (std::size_t c = 0; c < s.answers.names.size(); ++c)
        texts(s.answers.names[c], [&](std::size_t row) {
          const double x = s.answers.columns[c][row];
          if (std::isfinite(x))
            json.number(x);
          else
            json.text += "null";
        });
      const auto unless_refused = [&](std::size_t row, std::string_view text) {
        if (s.refused[row])
          json.text += "null";
        else
          json.string(text);
      };
      texts("verdict",
            [&](std::size_t row) { unless_refused(row, d::pick(d::verdict_names, s.answers.verdicts[row])); });
      texts("flags", [&](std::size_t row) { unless_refused(row, s.answers.flags[row]); });
      texts("not_evaluated", [&](std::size_t row) { unless_refused(row, s.answers.not_evaluated[row]); });
      texts("error", [&](std::size_t row) {
        if (s.refused[row])
          json.string(name_of(s.refused[row]->code));
        else
          json.text += "null";
      });
      texts("error_field", [&](std::size_t row) {
        if (s.refused[row])
          json.string(s.refused[row]->field);
        else
          json.text += "null";
      });
    });
  });
  json.text += '\n';
  return std::move(json.text);
}

/// Maps of one number over the first two axes of numbers, one for each combination of the others, in UTF-8. Throws
/// E_RANGE(map) for a number that the table does not have.
[[nodiscard]] inline std::string to_card(const Sweep& s, std::string_view version, const MapOf& map = {},
                                         CardStyle style = {}) {
  namespace d = report_detail;
  constexpr std::size_t most_maps = 6;
  d::Page page{.colour = style.colour};
  const std::size_t column = d::column_of(s, map.quantity);
  page.row("Sweep", d::sweep_text(s), d::Tint::bold, 3);
  const auto& limits = s.asked.base.limits;
  page.row("Limits", limits ? limits->id + " version " + limits->version : std::string("none were given"),
           d::Tint::plain, 1);
  const d::MapAxes axes = d::map_axes(s);
  std::size_t maps = 0;
  std::vector<std::size_t> places(s.asked.axes.size(), 0);
  for (std::size_t row = 0; row < s.points(); ++row) {
    bool is_first = true;
    std::string others;
    for (std::size_t k = 0; k < places.size(); ++k) {
      places[k] = s.place(row, k);
      const bool is_drawn = k == axes.down || (axes.across && k == *axes.across);
      if (is_drawn)
        is_first = is_first && places[k] == 0;
      else
        others += ", " + d::axis_header(s, k) + ' ' + d::axis_label(s, k, places[k]);
    }
    if (!is_first || ++maps > most_maps) continue;
    page.blank();
    page.lines.push_back(page.tinted(d::cut(map.quantity + others, d::page_columns), d::Tint::bold));
    d::map_at(page, s, axes, places, column);
  }
  page.blank();
  if (maps > most_maps)
    page.row("", "and " + std::to_string(maps - most_maps) + " more maps (--csv lists all points)", d::Tint::faint, 1);
  page.row("Marks", limits ? "* a soft flag, ! a hard one, ? a required check not evaluated, x refused" : "x refused",
           d::Tint::faint, 1);
  if (d::site_at(s, 0))
    page.row("", "models differ in study, sampling site and drug analysed at once: no difference is the effect of one",
             d::Tint::faint, 2);
  for (const auto& refused : s.refused)
    if (refused) {
      page.row("",
               "first refused: " + std::string(name_of(refused->code)) + ' ' + refused->field + ": " +
                   refused->message.substr(0, refused->message.find("; accepted")),
               d::Tint::faint, 2);
      break;
    }
  page.row("",
           s.asked.is_checked ? "each point was answered by two solvers"
                              : "each point was answered once (--second-solver asks both)",
           d::Tint::faint, 1);
  page.row("", "ketpk " + std::string(version) + ": a research and engineering library, not a medical device",
           d::Tint::faint, 1);
  return page.text();
}

}  // namespace ketpk
