// SPDX-License-Identifier: Apache-2.0

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/io.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/predict.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/records.hpp"
#include "ketpk/report.hpp"
#include "ketpk/time.hpp"

namespace ketpk::io {
namespace {

template <Dimension D>
TableColumn numbers(const PredictedColumn& column, Unit<D> unit) {
  std::vector<std::optional<double>> cells;
  cells.reserve(column.values.size());
  for (const double x : column.values) cells.emplace_back(Quantity<D>(x, Unit<D>{}).in(unit));
  return {column.name + '_' + report_detail::unit_in_header(unit.name), std::move(cells)};
}

}  // namespace

Table table_of(const Predictions& predictions, const Dataset& data, const DataUnits& units) {
  std::vector<std::string> id, time, evid;
  std::vector<std::optional<double>> times, evids;
  // Whole microseconds over whole microseconds: the nearest number to the instant, however it was reached.
  const double us_per_unit = units.time.num * (micros_per_minute / units.time.den);
  for (const Subject& subject : data.subjects)
    for (const Record& r : subject.records) {
      id.push_back(subject.id);
      times.emplace_back(static_cast<double>(r.time.count()) / us_per_unit);
      evids.emplace_back(static_cast<double>(r.evid));
    }
  Table table{{{"ID", std::move(id)},
               {"TIME_" + report_detail::unit_in_header(units.time.name), std::move(times)},
               {"EVID", std::move(evids)}}};
  for (const PredictedColumn& c : predictions.concentrations) table.columns.push_back(numbers(c, units.concentration));
  for (const PredictedColumn& c : predictions.amounts) table.columns.push_back(numbers(c, units.amount));
  for (const PredictedEffect& e : predictions.effects)
    table.columns.push_back(
        {effect_header(e.name, e.unit), std::vector<std::optional<double>>(e.values.begin(), e.values.end())});
  if (!predictions.plasma_sd_mg_per_L.empty())
    table.columns.push_back(numbers({"plasma_sd", predictions.plasma_sd_mg_per_L}, units.concentration));
  return table;
}

std::string table_json(const Table& table, const TableSource& source) {
  report_detail::JsonText json;
  json.object([&] {
    json.member("schema", "ketpk.table/1");
    json.object("ketpk", [&] {
      json.member("version", source.version);
      json.member("solver", source.predictions.solver);
      json.member("second_solver", source.predictions.second_solver);
      json.member("agreement_rel", source.predictions.agreement_rel);
      json.key("stretches");
      json.integer(static_cast<std::int64_t>(source.predictions.stretches));
      json.key("stretches_checked");
      json.integer(static_cast<std::int64_t>(source.predictions.stretches_checked));
    });
    json.object("model", [&] {
      json.member("id", source.card.id);
      json.member("citation", source.card.citation);
    });
    json.object("columns", [&] {
      for (const TableColumn& column : table.columns) {
        json.key(column.header);
        json.text += '[';
        std::visit(
            [&](const auto& cells) {
              for (std::size_t i = 0; i < cells.size(); ++i) {
                if (i > 0) json.text += ", ";
                if constexpr (std::is_same_v<std::decay_t<decltype(cells[i])>, std::string>)
                  json.string(cells[i]);
                else if (cells[i])
                  json.number(*cells[i]);
                else
                  json.text += "null";
              }
            },
            column.cells);
        json.text += ']';
      }
    });
  });
  return std::move(json.text) + '\n';
}

}  // namespace ketpk::io
