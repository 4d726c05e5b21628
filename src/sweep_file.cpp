// SPDX-License-Identifier: Apache-2.0

#include "sweep_file.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "fields.hpp"
#include "ketpk/vary.hpp"
#include "session.hpp"

namespace ketpk::io {
namespace {

using Names = std::string_view;

constexpr std::size_t most_axes = 12;

/// A number with its unit, of the kind that is varied.
struct Measured {
  double number;
  AnyUnit unit;
};

Measured measured(Varied what, const Node& node) {
  return ketpk::detail::with_kind(what, [&]<class S>(std::type_identity<S>) {
    const S stated = quantity_of<S>(node);
    return Measured{stated.number(), stated.unit()};
  });
}

/// A count of points. Throws E_TYPE and E_RANGE.
std::size_t points_of(const Node& node) {
  require(node.value.is_number_unsigned(), Code::type, node.path, "not a whole number; accepted: 2 to 1000000");
  const auto n = node.value.get<std::uint64_t>();
  require(n >= 2 && n <= most_points, Code::range, node.path, "no such number of points; accepted: 2 to 1000000");
  return static_cast<std::size_t>(n);
}

/// The only input of the order that has such a number. Throws E_FIELD_MISSING(of) where there are none or several.
std::size_t only_input(Varied what, const Order& order, const std::string& path) {
  const auto has = [&](const Input& input) {
    switch (what) {
      case Varied::dose: return std::holds_alternative<Infuse>(input);
      case Varied::rate: return std::holds_alternative<InfuseAtRate>(input);
      case Varied::bolus: return std::holds_alternative<Bolus>(input);
      default: return !std::holds_alternative<Bolus>(input);
    }
  };
  const auto& all = order.inputs;
  require(std::count_if(all.begin(), all.end(), has) == 1, Code::field_missing, path,
          "not said, and not exactly one input of the order has such a number; accepted: the number of an input, "
          "counted from 0");
  return static_cast<std::size_t>(std::find_if(all.begin(), all.end(), has) - all.begin());
}

Spot spot_of(const Fields& fields, Varied what, const Order& order) {
  Spot spot{.what = what};
  const bool is_of_order = what >= Varied::dose && what != Varied::bag;
  if (const auto of = fields.optional("of")) {
    require(is_of_order, Code::field_unknown, of->path, "means nothing here; accepted: with what an input has");
    require(of->value.is_number_unsigned(), Code::type, of->path, "not a whole number; accepted: 0 or more");
    const auto n = of->value.get<std::uint64_t>();
    require(n < order.inputs.size(), Code::range, of->path, "not an input of the order; accepted: its number");
    spot.input = static_cast<std::size_t>(n);
  } else if (is_of_order) {
    spot.input = only_input(what, order, fields.path("of"));
  }
  require(fields.has("at") == (what == Varied::pause), fields.has("at") ? Code::field_unknown : Code::field_missing,
          fields.path("at"),
          "the instant at which a pause begins; accepted: a time such as 15 min with a pause, and with nothing else");
  if (const auto at = fields.optional("at")) spot.pause_at = elapsed_of(*at);
  return spot;
}

NumberAxis numbers_of(const Fields& fields, Varied what, const Order& order) {
  fields.only(std::array<Names, 7>{"input", "of", "at", "values", "from", "to", "points"});
  const Spot spot = spot_of(fields, what, order);
  if (const auto values = fields.optional("values")) {
    for (const Names other : {"from", "to", "points"})
      require(!fields.has(other), Code::field_unknown, fields.path(other),
              "stands beside values; accepted: values, or from, to and points");
    std::optional<NumberAxis> axis;
    for (const Node& node : list_of(*values, most_points)) {
      const Measured m = measured(what, node);
      if (!axis) axis = NumberAxis{spot, m.unit, {}};
      require(m.unit == axis->unit, Code::unit_mismatch, node.path,
              "another unit than the values ahead of it; accepted: all in one unit");
      axis->values.push_back(m.number);
    }
    require(axis.has_value(), Code::field_missing, values->path, "empty; accepted: at least one value");
    return *std::move(axis);
  }
  const Node from_node = fields.required("from", "values, or from, to and points");
  const Node to_node = fields.required("to", "values, or from, to and points");
  const Measured from = measured(what, from_node), to = measured(what, to_node);
  require(from.unit == to.unit, Code::unit_mismatch, to_node.path, "another unit than from; accepted: one unit");
  return {spot, from.unit,
          evenly(from.number, to.number, points_of(fields.required("points", "how many values, 2 or more")))};
}

Axis axis_of(const Node& node, const Request& base, const SessionContext& context) {
  const Fields fields(node);
  const Node input = fields.required("input", "dose, duration, weight, model and their kin");
  if (input.value == "model") {
    fields.only(std::array<Names, 2>{"input", "models"});
    return ModelAxis{understand_models(fields.required("models", "\"all\", or a list of models"), context)};
  }
  const std::string accepted = "; accepted: model";
  require(input.value.is_string(), Code::type, input.path, "not a text" + accepted + ", dose, duration, weight …");
  const auto what = from_name<Varied>(input.value.get_ref<const std::string&>(), varied_names, 0);
  std::string names;
  for (const std::string_view name : varied_names) names += ", " + std::string(name);
  require(what.has_value(), Code::range, input.path, "nothing that can be varied" + accepted + names);
  return numbers_of(fields, *what, base.order);
}

}  // namespace

SweepRequest understand_sweep(const Json& document, const SessionContext& context) {
  const Fields fields(Node{document, ""});
  const auto schema = fields.optional("schema");
  require(schema && schema->value == "ketpk.sweep/1", Code::schema_version, "schema",
          "not a sweep this program knows; accepted: ketpk.sweep/1");
  fields.only(std::array<Names, 4>{"schema", "session", "vary", "second_solver"});
  const Node session = fields.required("session", "a session, ketpk.session/1");
  const std::vector<Node> vary = list_of(fields.required("vary", "a list of what is varied"), most_axes);
  std::vector<ModelCard> others;
  for (const Node& node : vary)
    if (const Fields axis(node); axis.has("models")) others = understand_models(*axis.optional("models"), context);
  SweepRequest request{.base = understand_session(session.value, context, others), .axes = {}};
  for (const Node& node : vary) request.axes.push_back(axis_of(node, request.base, context));
  if (const auto second = fields.optional("second_solver")) request.is_checked = truth_of(*second);
  return request;
}

SweepRequest read_sweep(std::string_view bytes, const SessionContext& context) {
  return understand_sweep(parse_strict(bytes), context);
}

}  // namespace ketpk::io
