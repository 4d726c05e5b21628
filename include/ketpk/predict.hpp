// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a researcher has a model and a table of what happened, and wants the table back with what the model says at each
// record. Every record is answered, in the order it came.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/effect.hpp"
#include "ketpk/error.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/network.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/records.hpp"
#include "ketpk/response.hpp"
#include "ketpk/second_opinion.hpp"
#include "ketpk/solve_network.hpp"
#include "ketpk/solve_ode.hpp"
#include "ketpk/time.hpp"
#include "ketpk/timeline.hpp"

namespace ketpk {

struct PredictOptions {
  bool is_checked = true;   ///< ask a second solver
  bool has_spread = false;  ///< the standard deviation of plasma between subjects, by the delta method
};

namespace detail {

/// A dose of one record on its way in.
struct Doorway {
  const RecordDose& dose;
  const Entry& entry;
  std::size_t place;
  InfusionBioavailability rule;
  std::string field;

  /// Throws E_MODEL_PARAM where the record leaves to the model what the card does not say, E_RANGE for an infusion
  /// shorter than 1 us or longer than 400 d.
  [[nodiscard]] Entering entering() const {
    Entering in{.place = place,
                .lag = micros(entry.lag_min, "a lag"),
                .additional = dose.additional,
                .interval = dose.interval,
                .steady_state = dose.steady_state};
    const double f = entry.bioavailability, mg = dose.amount_mg * f;
    if (dose.kind == DoseKind::bolus) {
      in.bolus_mg = mg;
      return in;
    }
    double rate = dose.rate_mg_per_min, min = minutes(dose.duration);
    const bool is_rated = dose.kind == DoseKind::at_rate || dose.kind == DoseKind::modelled_rate;
    if (dose.kind == DoseKind::modelled_rate) rate = stated(entry.rate_mg_per_min, "rate");
    if (dose.kind == DoseKind::modelled_duration) min = stated(entry.duration_min, "duration");
    // Bioavailability changes the amount. Where a rate was stated, NONMEM keeps the rate and the duration follows;
    // otherwise the duration stays and the rate follows.
    const bool keeps_rate = is_rated && rule == InfusionBioavailability::nonmem;
    if (is_rated) min = (keeps_rate ? mg : dose.amount_mg) / rate;
    in.rate_mg_per_min = keeps_rate ? rate : is_rated ? rate * f : mg / min;
    if (dose.amount_mg == 0) return in;  // the constant infusion, which has no duration
    if (mg == 0) {                       // nothing of it gets in
      in.rate_mg_per_min = 0;
      return in;
    }
    // Whole microseconds at the rate; what the rate would give in the last, broken one enters at the end.
    const double us = min * micros_per_minute, whole = std::round(us);
    require(us >= 1 && us <= static_cast<double>(horizon_limit.count()), Code::range, field,
            "an infusion shorter than a microsecond or longer than the supported course; accepted: 1 us to 400 d");
    const bool is_whole = std::abs(us - whole) <= 8 * std::numeric_limits<double>::epsilon() * us;
    in.duration = Micros{static_cast<std::int64_t>(is_whole ? whole : std::floor(us))};
    if (!is_whole) in.bolus_mg = std::max(0.0, mg - in.rate_mg_per_min * minutes(in.duration));
    return in;
  }

 private:
  [[nodiscard]] Micros micros(double min, std::string_view what) const {
    const double us = std::round(min * micros_per_minute);
    require(us >= 0 && us <= static_cast<double>(horizon_limit.count()), Code::range, field,
            std::string(what) + " beyond the supported course; accepted: 0 to 400 d");
    return Micros{static_cast<std::int64_t>(us)};
  }
  [[nodiscard]] double stated(const std::optional<double>& x, std::string_view name) const {
    require(x.has_value(), Code::model_param, field,
            "a " + std::string(name) +
                " is left to the model, and the card says none for this compartment; accepted: " +
                "a card with an entry that states it");
    return *x;
  }
};

/// Runs `f`, and names the record in what it throws.
template <class F>
[[nodiscard]] auto at_line(const Record& r, F f) {
  try {
    return f();
  } catch (const InvalidInput& e) {
    throw InvalidInput(e.code, "data line " + std::to_string(r.line) + ' ' + e.field, e.message);
  }
}

/// How far a second road was off, relative to each state or to a millionth of its largest.
struct Compared {
  double worst_rel = 0;
  std::size_t stretches = 0;  ///< that it went over
  bool is_any = false;        ///< whether there was anything that it could go over
};

/// One subject on the way through.
class SubjectCourse {
 public:
  SubjectCourse(const ModelCard& card, const DataUnits& units, const Subject& subject) {
    const std::vector<std::size_t> places = places_of(card);
    std::vector<Happening> happenings;
    Individual person{};
    Micros offset{0};
    for (std::size_t k = 0; k < subject.records.size(); ++k) {
      const Record& r = subject.records[k];
      if (k == 0 || r.covariates != subject.records[k - 1].covariates) {
        person = at_line(r, [&] { return individual(card, r.covariates); });
        networks_.distinct.emplace_back(person.parameters);
      }
      networks_.of_record.push_back(networks_.distinct.size() - 1);
      if (k > 0) offset = clock_offset(offset, subject.records[k - 1], r);
      Happening h{.line = r.line, .time = r.time + offset, .empties = r.is_reset(), .dose = {}};
      if (r.dose) {
        const std::string field = "data line " + std::to_string(r.line);
        require(r.dose->compartment < places.size(), Code::range, field,
                "not a compartment of the model; accepted: those of the card");
        h.dose = Doorway{*r.dose, person.entries[r.dose->compartment], places[r.dose->compartment],
                         units.infusion_bioavailability, field}
                     .entering();
      }
      happenings.push_back(h);
    }
    timeline_ = timeline(happenings, units.covariate_rule);
  }

  [[nodiscard]] const Networks& networks() const noexcept { return networks_; }
  [[nodiscard]] const Timeline& timeline_of() const noexcept { return timeline_; }
  [[nodiscard]] std::size_t size() const noexcept { return networks_.distinct.front().size(); }

  /// Stretches that take time.
  [[nodiscard]] std::size_t stretches() const noexcept {
    return static_cast<std::size_t>(std::count_if(timeline_.stretches.begin(), timeline_.stretches.end(),
                                                  [](const Stretch& s) { return s.duration.count() > 0; }));
  }

  /// Any state after any stretch, and any steady state after one interval (or an hour of an infusion that never ends),
  /// by the second road from the `states` of the first.
  [[nodiscard]] Attempt<Compared> compared(const std::vector<NetworkState>& states) const {
    const NetworkSolver first(networks_), second(networks_, {.road = Road::second});
    NetworkState highest(size());
    for (const NetworkState& x : states)
      for (std::size_t i = 0; i < x.size(); ++i) highest[i] = std::max(highest[i], x[i]);
    // Steps are not told to follow a state below 1e-18 of the most there is.
    double most_mg = *std::max_element(highest.begin(), highest.end());
    for (const Stretch& s : timeline_.stretches) {
      for (const Intake& r : s.rates) most_mg = std::max(most_mg, r.amount * minutes(s.duration));
      if (s.steady) most_mg = std::max(most_mg, s.steady->dose.given_mg());
    }
    Compared out;
    const auto compare = [&](const NetworkState& a, const NetworkState& b) {
      out.is_any = true;
      for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i] == b[i]) continue;
        const double off = std::abs(a[i] - b[i]) / std::max({a[i], b[i], 1e-6 * highest[i], 1e-7 * most_mg});
        if (!std::isnan(out.worst_rel) && !(off <= out.worst_rel)) out.worst_rel = off;
      }
    };
    for (std::size_t k = 0; k < timeline_.stretches.size(); ++k) {
      const Stretch& s = timeline_.stretches[k];
      if (s.duration.count() > 0 && is_gentle(s.record, s.duration)) {
        const auto a = first.after(states[k], s.rates, s.duration, s.record);
        const auto b = second.after(states[k], s.rates, s.duration, s.record);
        if (const auto* trouble = std::get_if<Trouble>(&b)) return *trouble;
        compare(std::get<0>(a), std::get<0>(b));
        ++out.stretches;
      }
      if (!s.steady) continue;
      const Entering& dose = s.steady->dose;
      const Micros over = dose.is_constant() ? Micros{std::chrono::hours{1}} : dose.interval;
      if (!is_gentle(s.steady->record, over)) continue;
      const Train before{dose, Micros{0}, s.steady->record};
      const Intake rate{dose.place, dose.rate_mg_per_min};
      const auto a = first.steady(before);
      const auto b = dose.is_constant() ? second.after(std::get<0>(a), {&rate, 1}, over, before.record)
                                        : second.repeated_over(std::get<0>(a), before, over);
      if (const auto* trouble = std::get_if<Trouble>(&b)) return *trouble;
      compare(std::get<0>(a), std::get<0>(b));
    }
    return out;
  }

 private:
  [[nodiscard]] bool is_gentle(std::size_t record, Micros t) const noexcept {
    return method_for(networks_.at(record), t) == OdeMethod::dormand_prince;
  }

  Networks networks_;
  Timeline timeline_;
};

/// The same card for a subject whose parameter is exp(eta) times the typical one. What covariates add grows with it.
[[nodiscard]] inline ModelCard with_eta(ModelCard card, std::string_view name, double eta) {
  CardParameter& p = parameter_of_eta(card, name);
  const double times = std::exp(eta);
  p.value = StatedParameter(p.value.number() * times, p.value.unit(), name);
  for (CovariateEffect& e : p.covariates)
    if (e.form == CovariateForm::added_above) e.coefficient *= times;
  return card;
}

/// One effect at each record of a subject.
struct EffectAtRecords {
  std::vector<double> values;
  std::optional<double> agreement_rel = {};  ///< of an effect that turns over, where it could be asked twice
};

template <DirectEffect E>
[[nodiscard]] EffectAtRecords at_records(const E& effect, Curve of, const DrivingCourse& course) {
  EffectAtRecords out;
  out.values.reserve(course.timeline.of_record.size());
  for (std::size_t k = 0; k < course.timeline.of_record.size(); ++k) {
    const NetworkState& x = course.states[course.timeline.of_record[k]];
    out.values.push_back(effect_of(effect, concentration_of<double>(course.solver.networks().at(k), x, of)));
  }
  return out;
}

[[nodiscard]] inline Attempt<EffectAtRecords> at_records(const DrivenResponse& effect, const DrivingCourse& course,
                                                         const PredictOptions& options) {
  const auto solved = responses(course, effect);
  if (const auto* trouble = std::get_if<Trouble>(&solved)) return *trouble;
  const Responses& found = std::get<0>(solved);
  EffectAtRecords out;
  out.values.reserve(course.timeline.of_record.size());
  for (const std::size_t k : course.timeline.of_record) out.values.push_back(found.values[k]);
  if (!options.is_checked || found.is_stiff) return out;
  const auto again = responses(course, effect, OdeMethod::rosenbrock);
  if (const auto* trouble = std::get_if<Trouble>(&again)) return *trouble;
  out.agreement_rel = worst_difference(found.values, std::get<0>(again).values);
  return out;
}

/// What a subject's course shows at its records.
inline void see_records(const DrivingCourse& course, const std::vector<std::size_t>& places, Predictions& out) {
  for (std::size_t k = 0; k < course.timeline.of_record.size(); ++k) {
    const NetworkState& x = course.states[course.timeline.of_record[k]];
    const Network& net = course.solver.networks().at(k);
    const auto& p = net.parameters();
    std::size_t column = 0;
    out.concentrations[column++].values.push_back(net.plasma_mg_per_L(x));
    for (std::size_t m = 0; m < p.metabolites.size(); ++m)
      out.concentrations[column++].values.push_back(net.metabolite_mg_per_L(x, m));
    if (p.ke0_per_min) out.concentrations[column].values.push_back(net.effect_site_mg_per_L(x));
    for (std::size_t c = 0; c < places.size(); ++c) out.amounts[c].values.push_back(x[places[c]]);
  }
}

/// What its effects are there.
[[nodiscard]] inline std::optional<Trouble> see_effects(const DrivingCourse& course,
                                                        const std::vector<CheckedEffect>& effects,
                                                        const PredictOptions& options, Predictions& out) {
  for (std::size_t i = 0; i < effects.size(); ++i) {
    const auto found = std::visit(
        [&]<class Form>(const Form& form) -> Attempt<EffectAtRecords> {
          if constexpr (DirectEffect<Form>)
            return at_records(form, effects[i].of, course);
          else
            return at_records({form, effects[i].of}, course, options);
        },
        effects[i].form);
    if (const auto* trouble = std::get_if<Trouble>(&found)) return *trouble;
    const auto& [values, off] = std::get<0>(found);
    if (!std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); }))
      return Trouble{Code::internal_check, out.solver, "an effect is not a number; no numbers are given"};
    if (off) {
      if (auto trouble = trouble_of_disagreement(*off, "rosenbrock")) return trouble;
      if (out.agreement_rel) out.agreement_rel = std::max(*out.agreement_rel, *off);
    }
    out.effects[i].values.insert(out.effects[i].values.end(), values.begin(), values.end());
  }
  return std::nullopt;
}

/// Steady states that are added, beside an effect that turns over: there is no such sum. Throws E_MODEL_PARAM, and
/// names the line, which `responses` does not know.
inline void require_no_added_steady_state(const Subject& subject) {
  for (const Record& r : subject.records)
    require(!r.dose || r.dose->steady_state != SteadyState::adds, Code::model_param,
            "data line " + std::to_string(r.line),
            "a steady state that is added, and the model has an effect that turns over, for which steady states do not "
            "add; accepted: a steady state that replaces, or the doses themselves with ADDL");
}

}  // namespace detail

[[nodiscard]] Attempt<Predictions> predict(const ModelCard& card, const Dataset& data, PredictOptions options = {});

namespace detail {

/// The standard deviation of plasma between subjects at every record. Var(C) = g' Omega g, g the slope of C by each eta
/// at the typical subject (central differences; their own error is about 1e-8 of g). Throws E_MODEL_PARAM(variability)
/// for a card that states none.
[[nodiscard]] inline Attempt<std::vector<double>> plasma_sd(const ModelCard& card, const Dataset& data) {
  require(card.variability.has_value(), Code::model_param, "variability",
          "the card states none, so there is no spread; accepted: a card with variability");
  constexpr double step = 1e-4;
  const Variability& v = *card.variability;
  ModelCard drug = card;
  drug.effects.clear();
  std::vector<std::vector<double>> slopes;
  for (const std::string& name : v.parameters) {
    std::vector<double> by_eta[2];
    for (const int side : {0, 1}) {
      const auto there = predict(with_eta(drug, name, side == 0 ? -step : step), data, {.is_checked = false});
      if (const auto* trouble = std::get_if<Trouble>(&there)) return *trouble;
      by_eta[side] = std::get<0>(there).concentrations.front().values;
    }
    std::vector<double>& slope = slopes.emplace_back(by_eta[1].size());
    for (std::size_t k = 0; k < slope.size(); ++k) slope[k] = (by_eta[1][k] - by_eta[0][k]) / (2 * step);
  }
  const std::size_t etas = slopes.size(), records = etas == 0 ? 0 : slopes.front().size();
  std::vector<double> sd(records);
  for (std::size_t k = 0; k < records; ++k) {
    double variance = 0;
    for (std::size_t i = 0; i < etas; ++i)
      for (std::size_t j = 0; j < etas; ++j) variance += slopes[i][k] * v.omega[i * etas + j] * slopes[j][k];
    sd[k] = std::sqrt(std::max(variance, 0.0));
  }
  return sd;
}

}  // namespace detail

/// The model at every record of the data. `data` as `io::read_data` gives it for the card's `data_units`,
/// `compartments_of` and `covariates_of`.
/// Throws E_MODEL_PARAM(data_units) for a card without them, E_COLUMNS(covariates) where the data hold others than the
/// card looks at, what `checked_effects` throws with effects[i]; with `data line N` in the field what `individual`,
/// `timeline` and a dose on its way in throw, and E_MODEL_PARAM for a steady state that is added (SS 2) where an effect
/// turns over.
/// `Trouble`, with the line: no steady state, a solver that gives up, two solvers that disagree by more than 1e-8.
[[nodiscard]] inline Attempt<Predictions> predict(const ModelCard& card, const Dataset& data, PredictOptions options) {
  require(card.data_units.has_value(), Code::model_param, "data_units",
          "the card does not say how its data are read; accepted: a card with data_units");
  require(data.covariates == covariates_of(card), Code::columns, "covariates",
          "not the columns that the model looks at; accepted: those that the card names, in its order");
  Predictions out{.concentrations = {{"plasma", {}}}, .amounts = {}, .solver = "expm"};
  for (const CardMetabolite& m : card.metabolites) out.concentrations.push_back({m.name, {}});
  if (card.ke0) out.concentrations.push_back({"effect_site", {}});
  for (const std::string& name : compartments_of(card)) out.amounts.push_back({name, {}});
  const std::vector<std::size_t> places = places_of(card);
  const std::vector<CheckedEffect> effects = checked_effects(card, {{"effects", card.effects}});
  for (const CheckedEffect& e : effects) out.effects.push_back({e.stated.name, effect_unit_of(e.stated), {}});

  for (const Subject& subject : data.subjects) {
    if (turns_over(effects)) detail::require_no_added_steady_state(subject);
    const auto troubled = [&](Trouble trouble) {
      trouble.message += " (subject at data line " + std::to_string(subject.records.front().line) + ")";
      return trouble;
    };
    const detail::SubjectCourse course(card, *card.data_units, subject);
    const Timeline& timeline = course.timeline_of();
    const NetworkSolver solver(course.networks());
    auto solved = solve(timeline, solver, course.size());
    if (const auto* trouble = std::get_if<Trouble>(&solved)) return troubled(*trouble);
    const std::vector<NetworkState>& states = std::get<0>(solved);
    out.stretches += course.stretches();

    const bool is_linear = course.networks().distinct.front().is_linear();
    out.solver = is_linear ? "expm" : "odeint";
    if (options.is_checked) {
      const Attempt<detail::Compared> asked_twice = course.compared(states);
      if (const auto* trouble = std::get_if<Trouble>(&asked_twice)) return troubled(*trouble);
      const detail::Compared& compared = std::get<0>(asked_twice);
      const char* const second = is_linear ? "odeint" : "rosenbrock";
      if (const auto trouble = trouble_of_disagreement(compared.worst_rel, second)) return troubled(*trouble);
      out.stretches_checked += compared.stretches;
      if (compared.is_any) {
        out.second_solver = second;
        out.agreement_rel = std::max(out.agreement_rel.value_or(0), compared.worst_rel);
      }
    }

    const DrivingCourse driving{timeline, solver, states};
    detail::see_records(driving, places, out);
    if (const auto trouble = detail::see_effects(driving, effects, options, out)) return troubled(*trouble);
  }
  if (!options.has_spread) return out;
  Attempt<std::vector<double>> sd = detail::plasma_sd(card, data);
  if (auto* trouble = std::get_if<Trouble>(&sd)) return std::move(*trouble);
  out.plasma_sd_mg_per_L = std::get<0>(std::move(sd));
  return out;
}

}  // namespace ketpk
