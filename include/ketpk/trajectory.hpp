// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: one place decides which solver a model and what goes in call for. Where everything goes into a vein and the
// model is linear, eliminates from plasma and forms each metabolite at once and from the parent, there is an exact
// solution. Anything else is a network: drug that is absorbed from a depot, that comes late or in part, elimination
// from a liver or one that saturates.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/network_trajectory.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve.hpp"
#include "ketpk/time.hpp"
#include "ketpk/timeline.hpp"

namespace ketpk {

/// The course of one order, by the solver that it calls for.
using OrderTrajectory = std::variant<ExactTrajectory<>, NetworkTrajectory>;

namespace detail {

/// Which of the compartments `into` names. Throws E_RANGE(field).
[[nodiscard]] inline std::size_t compartment_of(const Whom& whom, std::string_view into, std::string_view field) {
  const std::string_view name = into.empty() ? std::string_view("central") : into;
  const auto found = std::find(whom.compartments.begin(), whom.compartments.end(), name);
  if (found == whom.compartments.end()) {
    std::string accepted;
    for (const std::string& c : whom.compartments) accepted += (accepted.empty() ? "" : ", ") + c;
    throw InvalidInput(Code::range, std::string(field), "not a compartment of the model; accepted: " + accepted);
  }
  return static_cast<std::size_t>(found - whom.compartments.begin());
}
[[nodiscard]] inline std::size_t compartment_of(const Whom& whom, const Dose& dose) {
  return compartment_of(whom, dose.into, "into");
}

[[nodiscard]] inline bool is_exactly_soluble(const Whom& whom, const Regimen& given) {
  const Parameters<double>& p = whom.person.parameters;
  const auto is_plain = [](const Entry& e) { return e.bioavailability == 1 && e.lag_min == 0; };
  const auto is_chained = [](const auto& m) { return m.from.has_value() || m.transits > 0; };
  if (p.saturable || p.liver || std::any_of(p.metabolites.begin(), p.metabolites.end(), is_chained)) return false;
  for (std::size_t i = 0; i < given.doses.size(); ++i)
    if (!given.doses[i].is_intravenous() || !is_plain(whom.person.entries[compartment_of(whom, given.doses[i])]))
      return false;
  return true;
}

/// The doses on their way in: bioavailability changes their amount, an infusion's duration stays. `entry_of(i, c)` is
/// how dose i gets into compartment c.
template <class EntryOf>
[[nodiscard]] Timeline timeline_of(const Whom& whom, const Regimen& given, EntryOf entry_of) {
  std::vector<Happening> records{{.line = 0, .time = Micros{0}}};
  for (std::size_t i = 0; i < given.doses.size(); ++i) {
    const Dose& d = given.doses[i];
    const std::size_t c = compartment_of(whom, d);
    const Entry& entry = entry_of(i, c);
    const double us = std::round(entry.lag_min * micros_per_minute);
    require(us <= static_cast<double>((horizon_limit - d.end()).count()), Code::range, "order",
            "enters past the supported course; accepted: an end up to 400 d");
    Entering in{.place = whom.places[c], .lag = Micros{static_cast<std::int64_t>(us)}};
    if (d.is_bolus()) {
      in.bolus_mg = d.amount_mg * entry.bioavailability;
    } else {
      in.rate_mg_per_min = d.rate_mg_per_min * entry.bioavailability;
      in.duration = d.over;
    }
    records.push_back({.line = 0, .time = d.at, .dose = in});
  }
  // Something to happen after everything else; the stretch before it has no end.
  records.push_back({.line = 0, .time = horizon_limit});
  Timeline t = timeline(records, CovariateRule::nonmem);
  t.stretches.pop_back();
  return t;
}

[[nodiscard]] inline Timeline timeline_of(const Whom& whom, const Regimen& given) {
  return timeline_of(whom, given, [&](std::size_t, std::size_t c) -> const Entry& { return whom.person.entries[c]; });
}

}  // namespace detail

/// Throws E_RANGE(order[i].into, initial_state.saved) where an order goes into a compartment that the model does not
/// have.
inline void require_compartments(const Order& order, const Whom& whom) {
  for (std::size_t i = 0; i < order.inputs.size(); ++i)
    std::visit(
        [&](const auto& in) { (void)detail::compartment_of(whom, in.into, "order[" + std::to_string(i) + "].into"); },
        order.inputs[i]);
  if (order.saved)
    for (const SavedInput& in : order.saved->inputs)
      (void)detail::compartment_of(whom, in.ordered.into, "initial_state.saved");
}

/// The course of `given`. Throws E_RANGE(into) for a compartment that the model does not have, E_RANGE(order) where a
/// lag leads past 400 d. `Trouble` as `follow`.
[[nodiscard]] inline Attempt<OrderTrajectory> trajectory_of(const Whom& whom, const Regimen& given) {
  if (detail::is_exactly_soluble(whom, given)) return solve(whom.person.parameters, schedule(given));
  auto followed = follow(whom.person.parameters, detail::timeline_of(whom, given));
  if (auto* trouble = std::get_if<Trouble>(&followed)) return std::move(*trouble);
  return std::get<0>(std::move(followed));
}

/// The course of `given`, the sessions of a course, where somebody is another in each: `of_session[s]` from the start
/// of session s to that of the next, the first from 0 on. Throws and `Trouble` as above.
[[nodiscard]] inline Attempt<NetworkTrajectory> trajectory_of(const Whom& whom,
                                                              const std::vector<Individual>& of_session,
                                                              const Regimen& given) {
  const auto session_of = [&](Micros t) {
    return std::min(session_at(given.sessions, t).value_or(0), of_session.size() - 1);
  };
  const Timeline timeline = detail::timeline_of(whom, given, [&](std::size_t i, std::size_t c) -> const Entry& {
    return of_session[session_of(given.doses[i].at)].entries[c];
  });
  ParametersOverTime over;
  for (const Individual& each : of_session) over.distinct.push_back(each.parameters);
  Timeline cut = timeline;
  cut.stretches.clear();
  // A stretch in which a session begins is two.
  for (const Stretch& s : timeline.stretches) {
    const bool is_last = &s == &timeline.stretches.back();
    Stretch rest = s;
    for (const Micros start : given.sessions) {
      if (start <= rest.start || (!is_last && start >= s.start + s.duration)) continue;
      Stretch before = rest;
      before.duration = start - rest.start;
      cut.stretches.push_back(before);
      rest.start = start;
      rest.duration = is_last ? Micros{0} : s.start + s.duration - start;
      rest.boluses.clear();
      rest.is_emptied = false;
      rest.steady.reset();
    }
    cut.stretches.push_back(rest);
  }
  for (const Stretch& s : cut.stretches) over.of_stretch.push_back(session_of(s.start));
  return follow(over, cut, OdeMethod::dormand_prince);
}

}  // namespace ketpk
