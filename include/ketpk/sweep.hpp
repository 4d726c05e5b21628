// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: "what if the dose, the duration, the weight, the model were another" is one question over a grid. Each point is
// the same request with other numbers in it, judged against the same limits; a point that cannot be asked says why and
// keeps its place.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/result.hpp"
#include "ketpk/simulate.hpp"
#include "ketpk/spread.hpp"
#include "ketpk/summary_table.hpp"
#include "ketpk/vary.hpp"

namespace ketpk {

/// What one point could not be asked for.
struct RefusedPoint {
  Code code;
  std::string field, message;
};

struct Sweep {
  SweepRequest asked;
  SummaryTable answers;                              ///< one row for each point
  std::vector<std::optional<RefusedPoint>> refused;  ///< likewise

  [[nodiscard]] std::size_t points() const noexcept { return refused.size(); }
  /// Where point `row` stands on axis `axis`.
  [[nodiscard]] std::size_t place(std::size_t row, std::size_t axis) const {
    for (std::size_t k = asked.axes.size(); k-- > axis + 1;) row /= size_of(asked.axes[k]);
    return row % size_of(asked.axes[axis]);
  }
};

namespace detail {

/// Throws E_FIELD_MISSING, E_FIELD_DUPLICATE, E_NONFINITE or E_SIZE(vary…).
inline std::size_t checked_points(const SweepRequest& request) {
  require(!request.axes.empty(), Code::field_missing, "vary", "nothing is varied; accepted: at least one input");
  std::size_t points = 1;
  for (std::size_t k = 0; k < request.axes.size(); ++k) {
    const std::string field = "vary[" + std::to_string(k) + "]";
    const std::size_t n = size_of(request.axes[k]);
    require(n > 0, Code::field_missing, field, "no value; accepted: at least one");
    if (const auto* models = std::get_if<ModelAxis>(&request.axes[k]))
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < i; ++j)
          require(models->models[i].id != models->models[j].id, Code::field_duplicate, field,
                  "a model twice; accepted: each id once");
    require(n <= most_points / points, Code::size, "vary", "too many points; accepted: up to 1000000");
    points *= n;
    const auto* numbers = std::get_if<NumberAxis>(&request.axes[k]);
    for (std::size_t j = 0; j < k; ++j) {
      const auto* other = std::get_if<NumberAxis>(&request.axes[j]);
      const bool is_same = numbers == nullptr || other == nullptr
                               ? (numbers == nullptr) == (other == nullptr)
                               : numbers->spot.what == other->spot.what && numbers->spot.input == other->spot.input;
      require(!is_same, Code::field_duplicate, field, "an input varied twice; accepted: each input once");
    }
    if (numbers != nullptr)
      for (const double x : numbers->values)
        require(std::isfinite(x), Code::nonfinite, field, "not a finite number; accepted: finite numbers");
  }
  return points;
}

/// The requests that differ by more than numbers: one for each model.
[[nodiscard]] inline std::vector<Request> by_model(const SweepRequest& request) {
  std::vector<Request> all;
  for (const Axis& axis : request.axes)
    if (const auto* models = std::get_if<ModelAxis>(&axis))
      for (const ModelCard& card : models->models) {
        all.push_back(request.base);
        all.back().model = card;
      }
  if (all.empty()) all.push_back(request.base);
  return all;
}

}  // namespace detail

/// Asks every point, with the last axis varying fastest. Profiles and sensitivities are not kept, so they are not
/// asked; `observe` says only where the time above ends. Throws for what is wrong with the sweep itself; what is wrong
/// with a point, its range or its domain, is that point's refusal, and so is trouble of the solver. Where no point can
/// be asked, throws what the first one was refused for. Of several models each must admit the patient and the order, as
/// `refusal` has it. `before_each` is called ahead of every point; what it throws
/// ends the sweep.
template <class BeforeEach>
[[nodiscard]] Sweep sweep(SweepRequest request, BeforeEach before_each) {
  const std::size_t points = detail::checked_points(request);
  if (!request.base.observe.at.empty() && !request.base.observe.until)
    request.base.observe.until = request.base.observe.at.back();
  request.base.observe = {.until = request.base.observe.until};
  request.base.sensitivity = false;
  std::vector<Request> requests = detail::by_model(request);
  SummaryColumns columns = summary_columns(requests);
  columns.agreement = request.is_checked;
  Sweep out{.asked = std::move(request),
            .answers = summary_table(std::move(columns), points),
            .refused = std::vector<std::optional<RefusedPoint>>(points)};
  const std::vector<Event> events = out.asked.base.order.events;
  for (std::size_t row = 0; row < points; ++row) {
    std::size_t model = 0;
    for (std::size_t k = 0; k < out.asked.axes.size(); ++k)
      if (std::holds_alternative<ModelAxis>(out.asked.axes[k])) model = out.place(row, k);
    Request& one = requests[model];
    before_each();
    try {
      one.order.events = events;
      for (std::size_t k = 0; k < out.asked.axes.size(); ++k)
        if (const auto* numbers = std::get_if<NumberAxis>(&out.asked.axes[k]))
          put(one, numbers->spot, numbers->values[out.place(row, k)], numbers->unit);
      if (requests.size() > 1)
        if (auto refused = refusal(one.model, one)) {
          out.refused[row] = RefusedPoint{refused->code, refused->field, refused->message};
          continue;
        }
      const Outcome outcome = out.asked.is_checked ? simulate(one) : simulate(one, NoSecondSolver{});
      if (const auto* trouble = std::get_if<Trouble>(&outcome))
        out.refused[row] = RefusedPoint{trouble->code, trouble->where, trouble->message};
      else
        keep(out.answers, row, std::get<Result>(outcome));
    } catch (const InvalidInput& e) {
      out.refused[row] = RefusedPoint{e.code, e.field, e.message};
    }
  }
  if (std::all_of(out.refused.begin(), out.refused.end(), [](const auto& r) { return r.has_value(); })) {
    const RefusedPoint& first = *out.refused.front();
    throw InvalidInput(first.code, first.field, first.message);
  }
  return out;
}

/// The same, to its end.
[[nodiscard]] inline Sweep sweep(SweepRequest request) {
  return sweep(std::move(request), [] {});
}

}  // namespace ketpk
