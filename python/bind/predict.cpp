// SPDX-License-Identifier: Apache-2.0

// Why: a data file and a table in memory are answered by the road of the command: one reader, one solver, one table.
// It is gone along subject by subject on a thread of its own, so that somebody who waits in Python can stop it.

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <exception>
#include <iterator>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <variant>

#include "bind.hpp"

namespace ketpk::bind {
namespace {

using namespace nb::literals;

using Doubles = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Cells = std::variant<Doubles, std::vector<std::string>>;

void append(std::vector<double>& to, std::vector<double>&& more) { to.insert(to.end(), more.begin(), more.end()); }

void append(std::vector<PredictedColumn>& to, std::vector<PredictedColumn>&& more) {
  if (to.empty()) {
    to = std::move(more);
    return;
  }
  for (std::size_t i = 0; i < to.size(); ++i) append(to[i].values, std::move(more[i].values));
}

void append(std::vector<PredictedEffect>& to, std::vector<PredictedEffect>&& more) {
  if (to.empty()) {
    to = std::move(more);
    return;
  }
  for (std::size_t i = 0; i < to.size(); ++i) append(to[i].values, std::move(more[i].values));
}

/// Subject after subject is what all of them at once are: no subject knows of another.
void append(Predictions& all, Predictions&& more) {
  append(all.concentrations, std::move(more.concentrations));
  append(all.amounts, std::move(more.amounts));
  append(all.effects, std::move(more.effects));
  append(all.plasma_sd_mg_per_L, std::move(more.plasma_sd_mg_per_L));
  if (all.solver.empty() || more.solver != "expm") all.solver = std::move(more.solver);
  if (more.second_solver) all.second_solver = std::move(more.second_solver);
  if (more.agreement_rel && !(*more.agreement_rel <= all.agreement_rel.value_or(-1)))
    all.agreement_rel = more.agreement_rel;
  all.stretches += more.stretches;
  all.stretches_checked += more.stretches_checked;
}

/// A data set on its way.
class Asked {
 public:
  Asked(std::string_view model, std::string_view data, bool spread) : model_(model), data_(data), spread_(spread) {}

  void stop() { is_stopped_ = true; }

  /// Reads and answers everything, unless it is stopped. Throws `InvalidInput` as `read_model`, `read_data` and
  /// `predict`; `TroubleRaised`.
  void work() {
    card = io::read_model(model_);
    require(card->data_units.has_value(), Code::model_param, "data_units",
            "the card does not say how its data are read; accepted: a card with data_units");
    Dataset data = io::read_data(
        data_,
        {.units = *card->data_units, .compartments = compartments_of(*card), .covariates = covariates_of(*card)});
    Dataset one{.covariates = data.covariates, .subjects = {}};
    one.subjects.resize(1);
    // A card without variability is refused as the command refuses it: after everything else was answered.
    const bool can_spread = card->variability.has_value();
    for (std::size_t i = 0; i < data.subjects.size(); ++i) {
      if (is_stopped_) return;
      one.subjects.front() = std::move(data.subjects[i]);
      const bool is_last = i + 1 == data.subjects.size();
      auto answer = predict(*card, one, {.is_checked = true, .has_spread = spread_ && (can_spread || is_last)});
      data.subjects[i] = std::move(one.subjects.front());
      if (const auto* trouble = std::get_if<Trouble>(&answer)) throw TroubleRaised{*trouble};
      append(predictions, std::get<0>(std::move(answer)));
    }
    table = io::table_of(predictions, data, *card->data_units);
  }

  std::optional<ModelCard> card = {};
  Predictions predictions{};
  io::Table table = {};

 private:
  std::string_view model_, data_;
  bool spread_;
  std::atomic<bool> is_stopped_{false};
};

/// The calling thread only waits, so that an interrupt is seen at once; the work then ends with the subject at hand.
void run(Asked& asked) {
  using namespace std::chrono_literals;
  std::mutex mutex;
  std::condition_variable ended;
  bool over = false;
  std::exception_ptr error;
  std::thread worker;
  try {
    worker = std::thread([&] {
      try {
        steadily([&] { asked.work(); });
      } catch (...) {  // NOLINT: no exception may leave a thread; it is thrown again below
        error = std::current_exception();
      }
      const std::lock_guard lock(mutex);
      over = true;
      ended.notify_one();
    });
  } catch (const std::system_error&) {
    throw InvalidInput(Code::nomem, "threads", "no thread can be started; accepted: fewer processes");
  }
  const auto stop_and_join = [&] {
    const nb::gil_scoped_release others_run;
    asked.stop();
    worker.join();
  };
  try {
    for (bool done = false; !done;) {
      {
        const nb::gil_scoped_release others_run;
        std::unique_lock lock(mutex);
        done = ended.wait_for(lock, 25ms, [&] { return over; });
      }
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
      require(!Running::should_end(), Code::state, "interpreter", "it is ending; accepted: calls before its end");
    }
  } catch (...) {  // NOLINT: the worker must end before what it works on does
    stop_and_join();
    throw;
  }
  stop_and_join();
  if (error) std::rethrow_exception(error);
}

using ByName = nb::typed<nb::dict, nb::str, nb::any>;

/// The columns, `ID` as texts and all others as numbers, and what `ketpk.table/1` says besides them.
ByName predicted(const nb::bytes& model, const nb::bytes& data, bool spread) {
  Asked asked(text_of(model), text_of(data), spread);
  const Running call;
  run(asked);

  ByName out;
  nb::dict columns;
  for (io::TableColumn& column : asked.table.columns) {
    const nb::str name(column.header.data(), column.header.size());
    if (auto* texts = std::get_if<std::vector<std::string>>(&column.cells)) {
      columns[name] = nb::cast(*texts);
      continue;
    }
    std::vector<double> values;
    for (const auto& x : std::get<0>(column.cells))
      values.push_back(x.value_or(std::numeric_limits<double>::quiet_NaN()));
    columns[name] = owned(std::move(values));
  }
  const DataUnits& units = *asked.card->data_units;
  nb::list unit_of;
  unit_of.append(nb::none());  // ID
  unit_of.append(nb::str(units.time.name.data(), units.time.name.size()));
  unit_of.append(nb::none());  // EVID
  const auto add = [&](std::size_t count, std::string_view name) {
    for (std::size_t i = 0; i < count; ++i) unit_of.append(nb::str(name.data(), name.size()));
  };
  const Predictions& p = asked.predictions;
  add(p.concentrations.size(), units.concentration.name);
  add(p.amounts.size(), units.amount.name);
  for (const PredictedEffect& e : p.effects) add(1, e.unit);
  add(p.plasma_sd_mg_per_L.empty() ? 0 : 1, units.concentration.name);
  out["columns"] = columns;
  out["units"] = unit_of;
  out["model"] = asked.card->id;
  out["citation"] = asked.card->citation;
  out["solver"] = p.solver;
  out["second_solver"] = p.second_solver;
  out["agreement_rel"] = p.agreement_rel;
  out["stretches"] = p.stretches;
  out["stretches_checked"] = p.stretches_checked;
  return out;
}

io::Table table_from(const std::vector<std::string>& headers, const std::vector<Cells>& columns) {
  require(headers.size() == columns.size(), Code::arg, "columns", "another number than of headers; accepted: as many");
  io::Table table;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    io::TableColumn& column = table.columns.emplace_back(io::TableColumn{headers[i], {}});
    if (const auto* texts = std::get_if<std::vector<std::string>>(&columns[i])) {
      column.cells = *texts;
      continue;
    }
    const Doubles& values = std::get<Doubles>(columns[i]);
    std::vector<std::optional<double>> cells;
    cells.reserve(values.shape(0));
    for (std::size_t k = 0; k < values.shape(0); ++k)
      cells.push_back(std::isnan(values(k)) ? std::nullopt : std::optional(values(k)));
    column.cells = std::move(cells);
  }
  return table;
}

}  // namespace

void bind_predict(nb::module_& m) {
  m.def("predict", &predicted, "model"_a, "data"_a, "spread"_a,
        "What a model file says at every record of a data file: columns, units, solvers.");
  m.def(
      "table_csv",
      [](const std::vector<std::string>& headers, const std::vector<Cells>& columns) {
        return steadily([&] { return io::write_table(table_from(headers, columns)); });
      },
      "headers"_a, "columns"_a, "A table as CSV; NaN is an empty field.");
  m.def(
      "table_json",
      [](const std::vector<std::string>& headers, const std::vector<Cells>& columns, const std::string& model,
         const std::string& citation, const std::string& by_version, const std::string& solver,
         const std::optional<std::string>& second_solver, std::optional<double> agreement_rel, std::size_t stretches,
         std::size_t stretches_checked) {
        return steadily([&] {
          const ModelCard card{
              .id = model, .label = {}, .citation = citation, .doi = {}, .analytes = {}, .parameters = {}};
          const Predictions about{.concentrations = {},
                                  .amounts = {},
                                  .solver = solver,
                                  .second_solver = second_solver,
                                  .agreement_rel = agreement_rel,
                                  .stretches = stretches,
                                  .stretches_checked = stretches_checked};
          return io::table_json(table_from(headers, columns), {card, about, by_version});
        });
      },
      "headers"_a, "columns"_a, "model"_a, "citation"_a, "version"_a, "solver"_a, "second_solver"_a.none(),
      "agreement_rel"_a.none(), "stretches"_a, "stretches_checked"_a, "A table as ketpk.table/1; NaN is null.");
}

}  // namespace ketpk::bind
