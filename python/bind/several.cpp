// SPDX-License-Identifier: Apache-2.0

// Why: one question put to several models, and one order over a grid. Both are read, answered and written by the
// functions of the command, from the document that a file would hold; here they become values with columns.

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "bind.hpp"
#include "ketpk/compare.hpp"
#include "ketpk/report_spread.hpp"
#include "ketpk/report_sweep.hpp"
#include "ketpk/sweep.hpp"

namespace ketpk::bind {
namespace {

using namespace nb::literals;

Spread compared(const nb::bytes& session, const nb::bytes& folder, const std::string& today, bool confined,
                const Limits* limits, bool second_solver) {
  const auto question = steadily([&] {
    return io::read_question(text_of(session), context_of({std::string(text_of(folder)), today, confined, limits}));
  });
  const auto* asked = std::get_if<SpreadRequest>(&question);
  require(asked != nullptr, Code::type, "model", "one model; accepted: \"all\", or a list of models");
  const Running call;
  Attempt<Spread> spread = [&] {
    const nb::gil_scoped_release others_run;
    return steadily([&] { return second_solver ? compare(*asked) : compare(*asked, NoSecondSolver{}); });
  }();
  if (const auto* trouble = std::get_if<Trouble>(&spread)) throw TroubleRaised{*trouble};
  return std::get<Spread>(std::move(spread));
}

/// Lets Python see an interrupt, and the end of the interpreter, every so many points.
class Watch {
 public:
  void operator()() {
    if (++points_ % 256 != 0) return;
    require(!Running::should_end(), Code::state, "interpreter", "it is ending; accepted: calls before its end");
    const nb::gil_scoped_acquire held;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  }

 private:
  std::size_t points_ = 0;
};

Sweep swept(const nb::bytes& document, const std::string& today, const Limits* limits) {
  SweepRequest request = steadily([&] {
    return io::read_sweep(text_of(document), context_of({".", today, false, limits}));
  });
  const Running call;
  const nb::gil_scoped_release others_run;
  return steadily([&] { return sweep(std::move(request), Watch{}); });
}

using ColumnsByName = nb::typed<nb::dict, nb::str, nb::any>;

/// Every column by its name: numbers as arrays, words as lists with None where there is none.
ColumnsByName columns_of(const Sweep& s) {
  namespace d = report_detail;
  ColumnsByName out;
  const auto words = [&](std::string_view name, auto word) {
    nb::list all;
    for (std::size_t row = 0; row < s.points(); ++row) all.append(nb::cast(std::optional<std::string>(word(row))));
    out[nb::str(name.data(), name.size())] = all;
  };
  const auto unless_refused = [&](std::string_view name, auto word) {
    words(name, [&](std::size_t row) { return s.refused[row] ? std::nullopt : std::optional<std::string>(word(row)); });
  };
  for (std::size_t k = 0; k < s.asked.axes.size(); ++k) {
    const std::string header = d::axis_header(s, k);
    if (const auto* numbers = std::get_if<NumberAxis>(&s.asked.axes[k])) {
      std::vector<double> values(s.points());
      for (std::size_t row = 0; row < values.size(); ++row) values[row] = numbers->values[s.place(row, k)];
      out[header.c_str()] = owned(std::move(values));
    } else {
      words(header, [&](std::size_t row) { return d::axis_value(s, k, s.place(row, k)); });
    }
  }
  if (d::site_at(s, 0)) words("site", [&](std::size_t row) { return std::string(name_of(*d::site_at(s, row))); });
  for (std::size_t c = 0; c < s.answers.names.size(); ++c)
    out[s.answers.names[c].c_str()] = owned(std::vector<double>(s.answers.columns[c]));
  unless_refused("verdict",
                 [&](std::size_t row) { return std::string(d::pick(d::verdict_names, s.answers.verdicts[row])); });
  unless_refused("flags", [&](std::size_t row) { return s.answers.flags[row]; });
  unless_refused("not_evaluated", [&](std::size_t row) { return s.answers.not_evaluated[row]; });
  words("error", [&](std::size_t row) {
    return s.refused[row] ? std::optional(std::string(name_of(s.refused[row]->code))) : std::nullopt;
  });
  words("error_field",
        [&](std::size_t row) { return s.refused[row] ? std::optional(s.refused[row]->field) : std::nullopt; });
  return out;
}

using AxisTold = std::tuple<std::string, std::string, std::optional<std::string>, nb::object>;

/// Column, input, unit and values of each axis.
std::vector<AxisTold> axes_of(const Sweep& s) {
  std::vector<AxisTold> all;
  for (std::size_t k = 0; k < s.asked.axes.size(); ++k) {
    const std::string header = report_detail::axis_header(s, k);
    if (const auto* numbers = std::get_if<NumberAxis>(&s.asked.axes[k])) {
      all.emplace_back(header, name_of(numbers->spot.what), std::string(numbers->unit.name),
                       nb::cast(owned(std::vector<double>(numbers->values))));
    } else {
      nb::list ids;
      for (const ModelCard& card : std::get<ModelAxis>(s.asked.axes[k]).models) ids.append(nb::cast(card.id));
      all.emplace_back(header, "model", std::nullopt, ids);
    }
  }
  return all;
}

/// Row, code, field and message of each point that was refused.
std::vector<std::tuple<std::size_t, std::string, std::string, std::string>> refused_of(const Sweep& s) {
  std::vector<std::tuple<std::size_t, std::string, std::string, std::string>> all;
  for (std::size_t row = 0; row < s.points(); ++row)
    if (const auto& r = s.refused[row]) all.emplace_back(row, name_of(r->code), r->field, r->message);
  return all;
}

/// The sampling site of each model that is asked, by its id.
ColumnsByName sites_of(const Sweep& s) {
  ColumnsByName sites;
  const auto add = [&](const ModelCard& card) { sites[card.id.c_str()] = nb::cast(std::string(name_of(card.site))); };
  bool is_varied = false;
  for (const Axis& axis : s.asked.axes)
    if (const auto* models = std::get_if<ModelAxis>(&axis)) {
      is_varied = true;
      for (const ModelCard& card : models->models) add(card);
    }
  if (!is_varied) add(s.asked.base.model);
  return sites;
}

}  // namespace

void bind_several(nb::module_& m) {
  nb::class_<Spread>(m, "Spread", "The answers of several models, held by the core.")
      .def(
          "answers",
          [](const Spread& s) {
            std::vector<Answered> all;
            for (const Result& r : s.results) all.emplace_back(r);
            return all;
          },
          "Each model's answer.")
      .def(
          "json", [](const Spread& s) { return steadily([&] { return to_json(s, version); }); },
          "All of them as ketpk.spread/1.")
      .def(
          "card", [](const Spread& s) { return steadily([&] { return to_card(s, version); }); },
          "The answers side by side.");
  nb::class_<Sweep>(m, "Sweep", "The answers over a grid, held by the core.")
      .def("columns", &columns_of, "Every column of the tidy table by its name.")
      .def("axes", &axes_of, "Column, input, unit and values of each axis.")
      .def("refused", &refused_of, "Row, code, field and message of each point that was refused.")
      .def("sites", &sites_of, "The sampling site of each model by its id.")
      .def(
          "numbers", [](const Sweep& s) { return s.answers.names; }, "The names of the columns of numbers.")
      .def(
          "limits",
          [](const Sweep& s) {
            const auto& limits = s.asked.base.limits;
            return limits ? std::optional(
                                std::tuple(limits->id, limits->version,
                                           std::string(limits_status_names[static_cast<std::size_t>(limits->status)])))
                          : std::nullopt;
          },
          "Id, version and status of the limits; None without.")
      .def(
          "json", [](const Sweep& s) { return steadily([&] { return to_json(s, version); }); },
          "The table as ketpk.grid/1.")
      .def(
          "csv", [](const Sweep& s) { return steadily([&] { return to_csv(s); }); }, "The table as CSV.")
      .def(
          "card",
          [](const Sweep& s, const std::string& quantity) {
            return steadily([&] { return to_card(s, version, MapOf{quantity}); });
          },
          "quantity"_a, "Maps of one number.");
  m.def("compare", &compared, "session"_a, "folder"_a, "today"_a, "confined"_a, "limits"_a.none(), "second_solver"_a,
        "Answers a session that asks several models.");
  m.def("sweep", &swept, "document"_a, "today"_a, "limits"_a.none(), "Answers a sweep, ketpk.sweep/1.");
  m.def(
      "evenly", [](double from, double to, std::size_t points) { return owned(ketpk::evenly(from, to, points)); },
      "from_"_a, "to"_a, "points"_a, "So many numbers, evenly spaced.");
}

}  // namespace ketpk::bind
