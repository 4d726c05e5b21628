// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the whole way of one dose, from what was asked to what is answered, in one place to read.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/assess.hpp"
#include "ketpk/body_size.hpp"
#include "ketpk/delivery.hpp"
#include "ketpk/effect.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/profile.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/response.hpp"
#include "ketpk/result.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/second_opinion.hpp"
#include "ketpk/sensitivity.hpp"
#include "ketpk/sessions.hpp"
#include "ketpk/solve.hpp"
#include "ketpk/solve_network.hpp"
#include "ketpk/state.hpp"
#include "ketpk/time.hpp"
#include "ketpk/timeline.hpp"
#include "ketpk/trajectory.hpp"

namespace ketpk {

/// In place of a second solver, where a caller takes an answer that was asked once: a search over thousands of
/// what-ifs, say. The result says so.
struct NoSecondSolver {};

/// Largest loss of mass that a result may have.
inline constexpr double mass_balance_due = 1e-9;

namespace detail {

/// Plasma [mg/L] and the area under it [mg min/L] at many instants.
inline void sample(const ExactTrajectory<>& exact, const std::vector<Micros>& times, Profile& out) {
  exact.plasma_at(times, out.plasma_ng_per_mL);
  exact.area_at(times, out.auc_ng_h_per_mL);
}
inline void sample(const NetworkTrajectory& course, const std::vector<Micros>& times, Profile& out) {
  for (std::size_t k = 0; k < times.size(); ++k) {
    out.plasma_ng_per_mL[k] = course.value(times[k], Curve::plasma());
    out.auc_ng_h_per_mL[k] = course.auc_mg_min_per_L(times[k]);
  }
}

template <class T>
[[nodiscard]] Profile profile_of(const T& trajectory, const ModelCard& card, const std::vector<Segment>& given,
                                 std::vector<Micros> times) {
  constexpr double ng_per_mL = 1000, ng_h_per_mL = 1000.0 / 60.0;  // per mg/L and per mg min/L
  const auto curve = [&](Curve c) {
    std::vector<double> column;
    column.reserve(times.size());
    for (const Micros t : times) column.push_back(trajectory.value(t, c) * ng_per_mL);
    return column;
  };
  Profile out;
  out.plasma_ng_per_mL.resize(times.size());
  out.auc_ng_h_per_mL.resize(times.size());
  sample(trajectory, times, out);
  for (double& c : out.plasma_ng_per_mL) c *= ng_per_mL;
  if (trajectory.has(Curve::effect_site())) out.effect_site_ng_per_mL = curve(Curve::effect_site());
  for (std::size_t i = 0; i < card.metabolites.size(); ++i)
    out.metabolites.push_back({card.metabolites[i].name, curve(Curve::metabolite(i))});
  for (double& area : out.auc_ng_h_per_mL) area *= ng_h_per_mL;
  out.delivered_mg = delivered_mg(given, times);
  out.time = std::move(times);
  return out;
}

/// (delivered - in the body - eliminated) / delivered, worst over the ends of all segments and one more instant.
[[nodiscard]] inline double mass_balance(const ExactTrajectory<>& exact, Micros last) {
  const auto& segments = exact.segments();
  double delivered = 0, worst = 0;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool ends = i + 1 < segments.size();
    const double tau = ends ? exact.length_min(i) : minutes(std::max(last, segments[i].start) - segments[i].start);
    delivered += segments[i].bolus_mg + segments[i].rate_mg_per_min * tau;
    if (delivered == 0) continue;
    const double found = exact.in_body_mg(i, tau) + exact.response().cl_L_per_min * exact.area(i, tau);
    const double off = std::abs(delivered - found) / delivered;
    if (!std::isfinite(off)) return off;
    worst = std::max(worst, off);
  }
  return worst;
}
[[nodiscard]] inline double mass_balance(const NetworkTrajectory& course, Micros) { return course.mass_balance_rel(); }

[[nodiscard]] constexpr const char* name_of(const ExactTrajectory<>&) noexcept { return "exact"; }
[[nodiscard]] constexpr const char* name_of(const NetworkTrajectory&) noexcept { return "odeint"; }

/// What the stages ahead of the curve made of a request.
struct Prepared {
  const Request& request;
  Whom whom;
  Regimen regimen;
  std::optional<Delivery> delivery;
  Admission admission;
  std::vector<Micros> times;
  std::vector<CheckedEffect> effects;

  [[nodiscard]] const Regimen& given() const noexcept { return delivery ? delivery->given : regimen; }
};

/// The second solver's answers; absent where none was asked.
template <class Second>
[[nodiscard]] Attempt<std::optional<Answers>> second_answers(const ExactTrajectory<>& exact,
                                                             const Parameters<double>& parameters,
                                                             const Questions& questions, Second second) {
  if constexpr (std::same_as<Second, NoSecondSolver>) {
    return std::optional<Answers>();
  } else {
    Attempt<Answers> other = second(parameters, exact.segments(), questions);
    if (auto* trouble = std::get_if<Trouble>(&other)) return std::move(*trouble);
    return std::optional(std::get<Answers>(std::move(other)));
  }
}
template <class Second>
[[nodiscard]] Attempt<std::optional<Answers>> second_answers(const NetworkTrajectory& course, const Parameters<double>&,
                                                             const Questions& questions, Second) {
  if constexpr (std::same_as<Second, NoSecondSolver>)
    return std::optional<Answers>();
  else
    return second_opinion_on(course, questions);
}

/// What one effect is asked, and how the drug's own course was checked.
struct EffectQuestion {
  const CheckedEffect& effect;
  const std::vector<Micros>& times;
  const SolverCheck& drug;
};

/// An effect that follows its concentration at once. Before any drug, and long after, there is none, so the effect goes
/// from its baseline to where the concentration peaks and back: one of its extremes is the baseline, from 0 on.
template <class T, DirectEffect E>
[[nodiscard]] EffectAnswer answer_of(const EffectQuestion& asked, const Course<T>& concentration, const E& effect) {
  const Extreme rest{effect.baseline, 0}, most = strongest(concentration, effect);
  EffectAnswer out{.effect = asked.effect.stated,
                   .baseline = effect.baseline,
                   .highest = effect.change > 0 ? most : rest,
                   .lowest = effect.change > 0 ? rest : most,
                   .values = {},
                   .check = asked.drug};
  out.values.reserve(asked.times.size());
  for (const Micros t : asked.times)
    out.values.push_back(effect_of(effect, concentration.trajectory.value(t, concentration.curve)));
  return out;
}

[[nodiscard]] inline std::vector<double> values_of(const ResponseTrajectory& response,
                                                   const std::vector<Micros>& times) {
  std::vector<double> values;
  values.reserve(times.size());
  for (const Micros t : times) values.push_back(response.value(t));
  return values;
}

/// An effect that turns over, by one method and, where a second solver is asked and the course is not too stiff, by
/// another.
template <class Second>
[[nodiscard]] Attempt<EffectAnswer> answer_of(const EffectQuestion& asked, const DrivingCourse& driving,
                                              const IndirectResponse& indirect) {
  const DrivenResponse driven{indirect, asked.effect.of};
  auto solved = respond(driving, driven);
  if (auto* trouble = std::get_if<Trouble>(&solved)) return std::move(*trouble);
  const ResponseTrajectory& response = std::get<0>(solved);
  const auto course = course_of(response, ResponseTrajectory::effect());
  // From rest an effect turns over to one side of its baseline only, which is its other extreme.
  const bool is_lowered = indirect.kind == Turnover::inhibit_build_up || indirect.kind == Turnover::stimulate_loss;
  const Extreme rest{indirect.baseline, 0};
  EffectAnswer out{.effect = asked.effect.stated,
                   .baseline = indirect.baseline,
                   .highest = is_lowered ? rest : highest(course),
                   .lowest = is_lowered ? lowest(course) : rest,
                   .values = values_of(response, asked.times),
                   .check = {.solver = response.is_stiff() ? "rosenbrock" : "odeint",
                             .mass_balance_rel = asked.drug.mass_balance_rel}};
  if constexpr (!std::same_as<Second, NoSecondSolver>) {
    if (response.is_stiff()) return out;
    const auto other = respond(driving, driven, OdeMethod::rosenbrock);
    if (const auto* trouble = std::get_if<Trouble>(&other)) return *trouble;
    const std::vector<Micros> instants =
        instants_to_compare(response.segments(), asked.times, {out.highest.min, out.lowest.min});
    out.check.second_solver = "rosenbrock";
    out.check.agreement_rel = worst_difference(values_of(response, instants), values_of(std::get<0>(other), instants));
    if (auto trouble = trouble_of_disagreement(*out.check.agreement_rel, *out.check.second_solver))
      return *std::move(trouble);
  }
  return out;
}

/// Every effect that was asked about; `drug` is how the concentrations were checked.
template <class Second, class T>
[[nodiscard]] Attempt<std::vector<EffectAnswer>> answers_of(const Prepared& prepared,
                                                            const std::vector<Course<T>>& courses,
                                                            const SolverCheck& drug) {
  if (prepared.effects.empty()) return std::vector<EffectAnswer>();
  // What drives those that turn over, once for all of them.
  const Timeline timeline = turns_over(prepared.effects) ? timeline_of(prepared.whom, prepared.given()) : Timeline{};
  const Networks networks{{Network(prepared.whom.person.parameters)},
                          std::vector<std::size_t>(timeline.of_record.size(), 0)};
  const NetworkSolver solver(networks);
  const auto states = solve(timeline, solver, networks.distinct.front().size());
  if (const auto* trouble = std::get_if<Trouble>(&states)) return *trouble;
  const DrivingCourse driving{timeline, solver, std::get<0>(states)};

  std::vector<EffectAnswer> out;
  for (const CheckedEffect& e : prepared.effects) {
    const EffectQuestion asked{e, prepared.times, drug};
    auto answered = std::visit(
        [&]<class Form>(const Form& form) -> Attempt<EffectAnswer> {
          if constexpr (DirectEffect<Form>)
            return answer_of(
                asked,
                *std::find_if(courses.begin(), courses.end(), [&](const Course<T>& c) { return c.curve == e.of; }),
                form);
          else
            return answer_of<Second>(asked, driving, form);
        },
        e.form);
    if (auto* told = std::get_if<EffectAnswer>(&answered))
      if (!std::isfinite(told->highest.value) || !std::isfinite(told->lowest.value))
        answered = Trouble{Code::internal_check, told->check.solver, "an effect is not a number; no numbers are given"};
    if (auto* trouble = std::get_if<Trouble>(&answered)) {
      trouble->message += " (effect " + std::to_string(out.size() + 1) + ")";
      return std::move(*trouble);
    }
    out.push_back(std::get<0>(std::move(answered)));
  }
  return out;
}

/// From the curve on: exposure, second opinion, assessment, effects, profile.
template <class T, class Second>
[[nodiscard]] Outcome answer(Prepared prepared, const T& trajectory, Second second) {
  const Request& request = prepared.request;
  const std::vector<Segment> segments = schedule(prepared.given());
  const auto courses = courses_of(trajectory);
  Exposure summary = exposure(trajectory, courses);
  summary.delivered_mg = delivered_mg(segments, segments.back().start);
  Questions questions{.instants = {}, .curves = {}};
  std::vector<double> peaks;
  for (const auto& course : courses) {
    questions.curves.push_back(course.curve);
    peaks.push_back(peak(course).min);
  }
  for (const double t : peaks)
    if (!std::isfinite(t))
      return Trouble{Code::internal_check, name_of(trajectory), "a peak is not a number; no numbers are given"};
  questions.instants = instants_to_compare(trajectory.segments(), prepared.times, peaks);
  SolverCheck check{.solver = name_of(trajectory),
                    .mass_balance_rel = mass_balance(trajectory, questions.instants.back())};
  const auto other = second_answers(trajectory, prepared.whom.person.parameters, questions, second);
  if (const auto* trouble = std::get_if<Trouble>(&other)) return *trouble;
  if (const auto& answers = std::get<0>(other)) {
    check.second_solver = answers->solver;
    check.agreement_rel = disagreement(ask(trajectory, questions, check.solver), *answers);
    if (auto trouble = trouble_of_disagreement(*check.agreement_rel, answers->solver)) return *std::move(trouble);
  }
  if (!(check.mass_balance_rel <= mass_balance_due))
    return Trouble{Code::internal_check, "mass balance", "drug is not conserved to 1e-9; no numbers are given"};

  std::optional<Micros> until = request.observe.until;
  if (!until && !prepared.times.empty()) until = prepared.times.back();
  std::vector<TimeAbove> above;
  for (const auto& level : request.time_above)
    above.push_back(time_above(courses.front(), level.in(unit::ng_per_mL), until));

  Assessment assessment = assess(
      Evidence{request.patient, request.order, prepared.regimen, request.model, prepared.admission, summary,
               prepared.delivery ? &*prepared.delivery : nullptr},
      request.limits ? &*request.limits : nullptr, [&](Curve c, double level_ng_per_mL) {
        for (const auto& course : courses)
          if (course.curve == c) return time_above(course, level_ng_per_mL);
        throw InvalidInput(Code::arg, "curve", "not a curve of this model; accepted: plasma, and what the model has");
      });
  assessment.overrides = request.overrides;
  std::vector<Session> sessions;
  if (request.order.course)
    sessions = sessions_of(
        CourseRecord{*request.order.course, prepared.regimen, prepared.delivery ? &*prepared.delivery : nullptr},
        courses.front());

  auto effects = answers_of<Second>(prepared, courses, check);
  if (auto* trouble = std::get_if<Trouble>(&effects)) return std::move(*trouble);

  std::vector<OutcomeSensitivity> slopes;
  if (request.sensitivity) {
    SensitivityQuestion asked{.card = request.model,
                              .patient = request.patient,
                              .order = request.order,
                              .ordered = prepared.regimen,
                              .delivery = prepared.delivery ? &*prepared.delivery : nullptr,
                              .levels_ng_per_mL = {},
                              .until = until};
    for (const auto& level : request.time_above) asked.levels_ng_per_mL.push_back(level.in(unit::ng_per_mL));
    auto answered = sensitivities(asked, courses);
    if (auto* trouble = std::get_if<Trouble>(&answered)) return std::move(*trouble);
    slopes = std::get<0>(std::move(answered));
  }

  Profile profile = profile_of(trajectory, request.model, segments, std::move(prepared.times));
  return Result{request,
                std::move(prepared.regimen),
                std::move(prepared.delivery),
                std::move(prepared.admission),
                check,
                std::move(profile),
                summary,
                std::move(above),
                std::move(assessment),
                std::move(sessions),
                std::get<0>(std::move(effects)),
                std::move(slopes)};
}

}  // namespace detail

/// The whole way with a second solver of the caller's choice: `second(parameters, segments, questions)` gives
/// an `Attempt<Answers>`; or with none, `NoSecondSolver{}`. A network has a second solver of its own instead. Throws
/// `InvalidInput` as the stages do, `checked_effects` with model.effects[i] and effects[i], E_FIELD_MISSING(as_of) for
/// limits without a day to hold them against, E_FIELD_MISSING(overrides[i]…) for an override that does not say who and
/// why, `require_answerable` with questions.sensitivity.
template <class Second>
[[nodiscard]] Outcome simulate(const Request& request, Second second) {
  validate(request.patient);
  if (request.limits) {
    require(request.as_of.has_value(), Code::field_missing, "as_of", "not stated; accepted: a date such as 2026-11-21");
    validate(*request.limits, *request.as_of);
  }
  for (std::size_t i = 0; i < request.overrides.size(); ++i) {
    const Override& o = request.overrides[i];
    require(!o.flag.empty() && !o.reason.empty() && !o.by.empty(), Code::field_missing,
            "overrides[" + std::to_string(i) + "]", "incomplete; accepted: a flag, a reason and who decided");
  }
  std::vector<Micros> times = detail::observed_instants(request.observe);
  for (std::size_t i = 0; i < request.time_above.size(); ++i) {
    const double level = request.time_above[i].in(unit::ng_per_mL);
    const std::string field = "questions.time_above[" + std::to_string(i) + "]";
    require(std::isfinite(level), Code::nonfinite, field, "not finite; accepted: more than zero");
    require(level > 0, Code::range, field, "no level; accepted: more than zero");
  }

  Regimen regimen = resolve(request.order, mass_for_dosing(request.patient));
  Admission admission = admit(request.model, request.patient, request.order.analyte, request.allowances);
  Whom who = whom(request.model, request.patient);
  require_compartments(request.order, who);
  std::vector<CheckedEffect> effects =
      checked_effects(request.model, {{"model.effects", request.model.effects}, {"effects", request.effects}});

  std::optional<Delivery> delivery;
  if (!request.order.is_delivered_as_it_stands()) delivery = deliver(request.order, regimen);
  if (request.order.saved) require_resumable(*request.order.saved, {who, request.patient, request.order.analyte});

  if (request.sensitivity) require_answerable(who.person.parameters, delivery ? delivery->given : regimen);

  detail::Prepared prepared{
      request,          std::move(who),    std::move(regimen), std::move(delivery), std::move(admission),
      std::move(times), std::move(effects)};
  const auto trajectory = trajectory_of(prepared.whom, prepared.given());
  if (const auto* trouble = std::get_if<Trouble>(&trajectory)) return *trouble;
  return std::visit([&](const auto& course) { return detail::answer(std::move(prepared), course, second); },
                    std::get<0>(trajectory));
}

#ifdef KETPK_COMPILED
extern template Outcome simulate(const Request&, SecondOpinion);
extern template Outcome simulate(const Request&, NoSecondSolver);
#endif

/// Order → regimen → segments → both solvers → exposure → assessment.
[[nodiscard]] inline Outcome simulate(const Request& request) { return simulate(request, second_opinion); }

/// The course of a result up to `at`, to go on with later. Throws as `history`.
[[nodiscard]] inline SavedState saved_state(const Result& r, Micros at) {
  const Whom who = whom(r.inputs.model, r.inputs.patient);
  return saved_state(r.inputs.order, r.regimen, {who, r.inputs.patient, r.inputs.order.analyte}, at);
}

}  // namespace ketpk
