// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: one solver can be wrong without anyone noticing. Every answer is asked twice, by roads that share no
// algebra, at the same instants: every dose edge, instants between them that crowd towards the edge where the
// curve bends most, the peaks, and the instants somebody wants to see.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/model.hpp"
#include "ketpk/network.hpp"
#include "ketpk/network_trajectory.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve_expm.hpp"
#include "ketpk/solve_network.hpp"
#include "ketpk/solve_ode.hpp"
#include "ketpk/time.hpp"
#include "ketpk/timeline.hpp"

namespace ketpk {

/// What is asked of a solver.
struct Questions {
  std::vector<Micros> instants;  ///< in order of time
  std::vector<Curve> curves;
};

/// What a solver says: a row of values [mg/L] per curve, and the areas under plasma [mg min/L].
struct Answers {
  std::string solver;
  std::vector<std::vector<double>> values;
  std::vector<double> areas;
};

template <class T>
[[nodiscard]] Answers ask(const T& trajectory, const Questions& questions, std::string solver) {
  Answers answers{.solver = std::move(solver), .values = {}, .areas = {}};
  for (const Curve c : questions.curves) {
    auto& row = answers.values.emplace_back();
    row.reserve(questions.instants.size());
    for (const Micros t : questions.instants) row.push_back(trajectory.value(t, c));
  }
  answers.areas.reserve(questions.instants.size());
  for (const Micros t : questions.instants) answers.areas.push_back(trajectory.auc_mg_min_per_L(t));
  return answers;
}

/// Most observed instants that are asked twice; of more, evenly spread ones.
inline constexpr std::size_t most_observed_checked = 256;

/// The instants at which two solvers are compared. `peaks` in minutes; those past 400 d are left out.
[[nodiscard]] inline std::vector<Micros> instants_to_compare(const std::vector<Segment>& segments,
                                                             const std::vector<Micros>& observed,
                                                             const std::vector<double>& peaks) {
  std::vector<Micros> out;
  for (const double peak : peaks) {
    const double us = std::round(peak * micros_per_minute);
    if (us <= static_cast<double>(horizon_limit.count())) out.emplace_back(static_cast<std::int64_t>(us));
  }
  const std::size_t stride = 1 + observed.size() / most_observed_checked;
  for (std::size_t k = 0; k < observed.size(); k += stride) out.push_back(observed[k]);
  if (!observed.empty()) out.push_back(observed.back());
  const Micros horizon =
      out.empty() ? segments.back().start : std::max(segments.back().start, *std::max_element(out.begin(), out.end()));
  for (const Segment& s : segments) {
    const Micros length = s.duration.count() > 0 ? s.duration : horizon - s.start;
    out.push_back(s.start);
    for (const int part : {256, 32, 4, 2}) out.push_back(s.start + length / part);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

/// Largest product of fastest rate and horizon that the step-by-step solver is given. Its work grows with it
/// (about 2 evaluations of the right-hand side per unit); beyond, the Taylor exponential stands in.
inline constexpr double stiffest_for_odeint = stiffest_for_explicit_steps;

/// The second road for the same questions. Its failure is an outcome, never skipped.
[[nodiscard]] inline Attempt<Answers> second_opinion(const Parameters<double>& p, const std::vector<Segment>& segments,
                                                     const Questions& questions) {
  const Micros horizon = std::max(questions.instants.back(), segments.back().start);
  double fastest =
      (p.cl_L_per_min + p.q2_L_per_min + p.q3_L_per_min) / p.v1_L + p.q2_L_per_min / p.v2_L + p.q3_L_per_min / p.v3_L;
  if (p.ke0_per_min) fastest = std::max(fastest, *p.ke0_per_min);
  for (const auto& m : p.metabolites)
    fastest = std::max(fastest, (m.cl_L_per_min + m.q2_L_per_min) / m.v1_L + m.q2_L_per_min / m.v2_L);
  const auto answer = [&](auto&& attempt, const char* name) -> Attempt<Answers> {
    if (const auto* trouble = std::get_if<Trouble>(&attempt)) return *trouble;
    return ask(std::get<0>(attempt), questions, name);
  };
  if (fastest * minutes(horizon) > stiffest_for_odeint) return answer(solve_expm(p, segments, horizon), "expm");
  // Each segment starts with small steps of its own, so what may be spent grows with their number.
  OdeOptions options{.max_steps = 100'000 + 1'000 * segments.size(), .only_at = questions.instants};
  return answer(solve_ode(Mammillary(p), segments, horizon, std::move(options)), "odeint");
}

/// The second road for a network: chances, which know nothing of steps, and are not asked for areas; or, where
/// elimination saturates, implicit steps that know nothing of the explicit ones; absent where the course was so stiff
/// that it took those itself.
[[nodiscard]] inline Attempt<std::optional<Answers>> second_opinion_on(const NetworkTrajectory& course,
                                                                       const Questions& questions) {
  const Network& net = course.network();
  if (!net.is_linear()) {
    if (course.is_stiff()) return std::optional<Answers>();
    auto other = follow(net.parameters(), course.timeline(), OdeMethod::rosenbrock);
    if (auto* trouble = std::get_if<Trouble>(&other)) return std::move(*trouble);
    return std::optional(ask(std::get<0>(other), questions, "rosenbrock"));
  }
  const Timeline& timeline = course.timeline();
  const Networks networks{{net}, std::vector<std::size_t>(timeline.of_record.size(), 0)};
  const NetworkSolver solver(networks);
  auto solved = solve(timeline, solver, net.size());
  if (auto* trouble = std::get_if<Trouble>(&solved)) return std::move(*trouble);
  const auto& states = std::get<0>(solved);

  Answers answers{.solver = "expm", .values = {}, .areas = {}};
  answers.values.resize(questions.curves.size());
  std::size_t k = 0;
  for (const Micros t : questions.instants) {
    while (k + 1 < timeline.stretches.size() && timeline.stretches[k + 1].start <= t) ++k;
    const Stretch& s = timeline.stretches[k];
    const auto there = solver.after(states[k], s.rates, t - s.start, s.record);
    const NetworkState& x = std::get<0>(there);
    for (std::size_t c = 0; c < questions.curves.size(); ++c)
      answers.values[c].push_back(concentration_of<double>(net, x, questions.curves[c]));
  }
  return std::optional(std::move(answers));
}

/// What may stand in the place of `second_opinion`.
using SecondOpinion = Attempt<Answers> (*)(const Parameters<double>&, const std::vector<Segment>&, const Questions&);

namespace detail {

/// Worst difference of `b` from `a`, relative to a or to a millionth of the largest a, whichever is more.
[[nodiscard]] inline double worst_difference(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::quiet_NaN();
  double highest = 0, worst = 0;
  for (const double x : a) highest = std::max(highest, x);
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (a[k] == b[k]) continue;
    const double relative = std::abs(a[k] - b[k]) / std::max(std::abs(a[k]), 1e-6 * highest);
    if (!std::isfinite(relative)) return relative;
    worst = std::max(worst, relative);
  }
  return worst;
}

}  // namespace detail

/// Worst relative difference of two sets of answers, each curve measured against its own value or a millionth
/// of its largest one, whichever is more. Anything that is not finite on either side gives a value that is
/// not finite.
[[nodiscard]] inline double disagreement(const Answers& a, const Answers& b) {
  if (a.values.size() != b.values.size()) return std::numeric_limits<double>::quiet_NaN();
  // Areas that one of the two was not asked for are not compared.
  double worst = a.areas.empty() || b.areas.empty() ? 0 : detail::worst_difference(a.areas, b.areas);
  for (std::size_t c = 0; c < a.values.size() && std::isfinite(worst); ++c) {
    const double here = detail::worst_difference(a.values[c], b.values[c]);
    if (!(here <= worst)) worst = here;
  }
  return worst;
}

/// Largest disagreement of two solvers that a result may have.
inline constexpr double agreement_due = 1e-8;

/// Two solvers agree, or no numbers are given.
[[nodiscard]] inline std::optional<Trouble> trouble_of_disagreement(double agreement_rel,
                                                                    const std::string& second_solver) {
  if (agreement_rel <= agreement_due) return std::nullopt;
  return Trouble{Code::internal_check, second_solver,
                 "the two solvers disagree by more than 1e-8; no numbers are given"};
}

}  // namespace ketpk
