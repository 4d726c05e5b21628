// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: published models disagree, and how far each was off what somebody measured is the only thing that speaks for one
// of them. Every card is run on every data set by the library's own road and held against it point by point, and what
// stands in the way of a verdict (another sampling site, another analyte, data that the card was built on) is part of
// the answer. The measures are those of Varvel, Donoho and Shafer, J Pharmacokinet Biopharm 1992;20:63-94,
// doi 10.1007/BF01143186.

#include <algorithm>
#include <array>
#include <chrono>
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

#include "ketpk/body_size.hpp"
#include "ketpk/error.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/model.hpp"
#include "ketpk/observations.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/time.hpp"
#include "ketpk/trajectory.hpp"

namespace ketpk {

/// What keeps a comparison from judging the model, or weakens it.
enum class Mark : std::uint8_t {
  other_site,                 ///< the blood of the data was drawn elsewhere than that of the model
  site_not_stated,            ///< of the model or of the data
  enantiomers_assumed_alike,  ///< the card does not list what was given
  outside_domain,             ///< the person the data are of is not one the model was built on
  domain_not_checked,         ///< age or weight that the card's domain bounds was not printed
  in_sample,                  ///< the card was estimated on these data
  in_sample_likely,
  chosen_on_it,  ///< the card was preferred to others because of these data
  not_for_use,   ///< the card is kept for comparison only
  suspect_data,  ///< no model is to be judged by the data
};
inline constexpr std::array<std::string_view, 10> mark_names{
    "other-site",         "site-not-stated", "enantiomers-assumed-alike", "outside-domain",
    "domain-not-checked", "in-sample",       "in-sample-likely",          "chosen-on-it",
    "not-for-use",        "suspect-data"};
[[nodiscard]] constexpr std::string_view name_of(Mark m) noexcept { return mark_names[static_cast<std::size_t>(m)]; }

/// What a comparison is good for.
enum class Standing : std::uint8_t {
  judges,      ///< the same site, what the card is for, and data that it did not see
  shows_fit,   ///< as above, but the card is built on the data, or was chosen for them
  orientation  ///< anything else stands between the two
};
inline constexpr std::array<std::string_view, 3> standing_names{"judges", "shows-fit", "orientation"};
[[nodiscard]] constexpr std::string_view name_of(Standing s) noexcept {
  return standing_names[static_cast<std::size_t>(s)];
}

/// Where a point lies: up to the end of the last input, in the hour after it, later.
enum class Phase : std::uint8_t { during, first_hour, tail };
inline constexpr std::array<std::string_view, 3> phase_names{"during", "first-hour", "tail"};
[[nodiscard]] constexpr std::string_view name_of(Phase p) noexcept { return phase_names[static_cast<std::size_t>(p)]; }

/// The prediction error of one point: 100 (observed - predicted) / predicted.
struct ErrorPoint {
  Micros at;
  double percent;
};

/// Over several points.
struct PredictionError {
  std::size_t points;
  double mdpe_percent;                        ///< median: the bias
  double mdape_percent;                       ///< median of the sizes: the inaccuracy
  std::optional<double> wobble_percent = {};  ///< median size of what is left beside the bias; of two points on
  std::optional<double> divergence_percent_per_h = {};  ///< slope of the sizes over time; of two instants on
};

struct ComparedPoint {
  Micros at;
  double observed_ng_per_mL;
  double predicted_ng_per_mL;
  double error_percent;
  Phase phase;
  std::string left_out = {};  ///< why no summary counts it; empty: it does
  std::string note = {};
};

struct PhaseBias {
  Phase phase;
  std::size_t points;
  double mdpe_percent;
};

/// What the model says all along, for a drawing.
struct PredictedCurve {
  std::vector<Micros> at;
  std::vector<double> ng_per_mL;
};

/// One card on one data set, for one molecule.
struct Comparison {
  std::string model, data;
  Molecule molecule;
  std::string curve;  ///< of the model: plasma, or a metabolite's name
  Site model_site, data_site;
  std::vector<Mark> marks;
  std::vector<ComparedPoint> points;
  std::optional<PredictionError> error = {};  ///< over what is not left out; absent where nothing is
  PredictionError error_of_all{};             ///< over every point
  std::vector<PhaseBias> phases = {};         ///< those that have points that are not left out
  PredictedCurve predicted = {};

  [[nodiscard]] bool is_marked(Mark m) const noexcept {
    return std::find(marks.begin(), marks.end(), m) != marks.end();
  }
  [[nodiscard]] Standing standing() const noexcept {
    if (marks.empty()) return Standing::judges;
    const auto is_own_data = [](Mark m) {
      return m == Mark::in_sample || m == Mark::in_sample_likely || m == Mark::chosen_on_it;
    };
    return std::all_of(marks.begin(), marks.end(), is_own_data) ? Standing::shows_fit : Standing::orientation;
  }
};

/// A card that could not be run on a data set.
struct NotCompared {
  std::string model, data, why;
};

/// Every card on every data set.
struct Validation {
  std::vector<ModelCard> models;
  std::vector<Observations> data;
  std::vector<Comparison> comparisons = {};  ///< data set after data set, molecule after molecule, card after card
  std::vector<NotCompared> not_compared = {};
};

/// The middle value; of an even count the mean of the two middle ones. Throws E_ARG(median) for none.
[[nodiscard]] inline double median(std::vector<double> x) {
  require(!x.empty(), Code::arg, "median", "no values; accepted: one or more");
  std::sort(x.begin(), x.end());
  const std::size_t half = x.size() / 2;
  return x.size() % 2 == 1 ? x[half] : x[half - 1] / 2 + x[half] / 2;
}

/// Throws E_ARG(median) for no points.
[[nodiscard]] inline PredictionError prediction_error(std::span<const ErrorPoint> points) {
  std::vector<double> errors, sizes, rests;
  for (const ErrorPoint& p : points) {
    errors.push_back(p.percent);
    sizes.push_back(std::abs(p.percent));
  }
  PredictionError out{.points = points.size(), .mdpe_percent = median(errors), .mdape_percent = median(sizes)};
  if (points.size() < 2) return out;
  for (const double e : errors) rests.push_back(std::abs(e - out.mdpe_percent));
  out.wobble_percent = median(rests);
  // Least squares about the means: sum (t - mean t) |PE| / sum (t - mean t)^2.
  const auto hours = [](Micros t) { return minutes(t) / 60; };
  double mean_h = 0, across = 0, square = 0;
  for (const ErrorPoint& p : points) mean_h += hours(p.at) / static_cast<double>(points.size());
  for (const ErrorPoint& p : points) {
    const double off_h = hours(p.at) - mean_h;
    across += off_h * std::abs(p.percent);
    square += off_h * off_h;
  }
  const bool is_spread =
      std::any_of(points.begin(), points.end(), [&](const ErrorPoint& p) { return p.at != points.front().at; });
  if (is_spread) out.divergence_percent_per_h = across / square;
  return out;
}

namespace detail {

/// What was observed of one molecule, in mass: both hands together where a racemate was given and they were measured
/// apart.
struct ObservedMass {
  Micros at;
  double ng_per_mL;
  std::string left_out, note;
};

/// Throws E_ARG(observations) where two series that are to be added were not read at the same instants.
[[nodiscard]] inline std::vector<ObservedMass> observed_mass(const Observations& data, Molecule molecule) {
  std::vector<ObservedMass> sum;
  bool is_first = true;
  for (const ObservedSeries& s : data.series) {
    if (molecule_of(s.substance) != molecule) continue;
    if (is_first) {
      for (const ObservedPoint& p : s.points)
        sum.push_back({p.at, observed::ng_per_mL(p.value, s.unit, molecule), p.left_out, p.note});
      is_first = false;
      continue;
    }
    require(s.points.size() == sum.size(), Code::arg, "observations",
            "series that are to be added have other instants; accepted: the same");
    for (std::size_t i = 0; i < sum.size(); ++i) {
      const ObservedPoint& p = s.points[i];
      require(p.at == sum[i].at, Code::arg, "observations",
              "series that are to be added have other instants; accepted: the same");
      sum[i].ng_per_mL += observed::ng_per_mL(p.value, s.unit, molecule);
      if (sum[i].left_out.empty()) sum[i].left_out = p.left_out;
    }
  }
  return sum;
}

/// The molecule that a metabolite of a card is, by its name; none where the name says none.
[[nodiscard]] inline std::optional<Molecule> molecule_called(std::string_view name) {
  const auto has = [&](std::string_view part) { return name.find(part) != name.npos; };
  if (has("dehydronor") || has("DHNK") || has("dhnk")) return Molecule::dehydronorketamine;
  if (has("hydroxynor") || has("HNK") || has("hnk")) return Molecule::hydroxynorketamine;
  if (has("noresketamine") || has("norketamine")) return Molecule::norketamine;
  return std::nullopt;
}

struct NamedCurve {
  Curve curve;
  std::string name;
};
[[nodiscard]] inline std::optional<NamedCurve> curve_of(const ModelCard& card, Molecule molecule) {
  if (molecule == Molecule::ketamine) return NamedCurve{Curve::plasma(), "plasma"};
  for (std::size_t i = 0; i < card.metabolites.size(); ++i)
    if (molecule_called(card.metabolites[i].name) == molecule)
      return NamedCurve{Curve::metabolite(i), card.metabolites[i].name};
  return std::nullopt;
}

/// Whether the card's domain, as far as it is stated, leaves the subjects out. Where their age was not printed they are
/// held for adults, and nothing more.
[[nodiscard]] inline bool is_outside(const Domain& d, const Observations& data) {
  constexpr double adult_yr = 18;
  const Patient& p = *data.person;
  const double kg = p.weight.in(unit::kg);
  if (!d.only_for.empty()) return true;
  if ((d.weight_low_kg && !(kg >= *d.weight_low_kg)) || (d.weight_high_kg && !(kg <= *d.weight_high_kg))) return true;
  if (!data.is_age_printed || !p.age) return d.age_high_yr && !(*d.age_high_yr > adult_yr);
  const double yr = p.age->in(unit::yr);
  return (d.age_low_yr && !(yr >= *d.age_low_yr)) || (d.age_high_yr && !(yr <= *d.age_high_yr));
}

/// Whether the domain bounds something that was not printed of the subjects, and that adults do not all satisfy.
[[nodiscard]] inline bool is_unchecked(const Domain& d, const Observations& data) {
  constexpr double adult_yr = 18;
  const bool by_age = !data.is_age_printed && (d.age_high_yr || (d.age_low_yr && *d.age_low_yr > adult_yr));
  return by_age || ((d.weight_low_kg || d.weight_high_kg) && data.weight == "not-stated");
}

[[nodiscard]] inline std::vector<Mark> marks_of(const ModelCard& card, const Observations& data, Molecule molecule) {
  std::vector<Mark> marks;
  const bool is_stated = card.site != Site::not_stated && data.site != Site::not_stated;
  if (!is_stated)
    marks.push_back(Mark::site_not_stated);
  else if (card.site != data.site)
    marks.push_back(Mark::other_site);
  if (std::find(card.analytes.begin(), card.analytes.end(), data.order->analyte) == card.analytes.end())
    marks.push_back(Mark::enantiomers_assumed_alike);
  if (is_outside(card.domain, data))
    marks.push_back(Mark::outside_domain);
  else if (is_unchecked(card.domain, data))
    marks.push_back(Mark::domain_not_checked);
  for (const InSampleFor& s : data.in_sample_for)
    if (s.model == card.id && s.molecule == molecule)
      marks.push_back(s.how == InSample::certain  ? Mark::in_sample
                      : s.how == InSample::likely ? Mark::in_sample_likely
                                                  : Mark::chosen_on_it);
  if (!card.not_for_use.empty()) marks.push_back(Mark::not_for_use);
  if (!data.not_judged_by.empty()) marks.push_back(Mark::suspect_data);
  return marks;
}

[[nodiscard]] inline Phase phase_of(Micros at, Micros end) noexcept {
  if (at <= end) return Phase::during;
  return at - end <= std::chrono::hours{1} ? Phase::first_hour : Phase::tail;
}

/// Evenly over the observed course, or twice the time it takes to give the drug, and more densely while drug goes in
/// and in the hour after that.
[[nodiscard]] inline std::vector<Micros> drawn_instants(const Regimen& given, Micros last) {
  for (const Dose& d : given.doses) last = std::max(last, 2 * d.end());
  std::vector<Micros> at;
  const auto evenly = [&](Micros from, Micros over, std::int64_t steps) {
    for (std::int64_t i = 0; i <= steps; ++i)
      if (const Micros t = from + over * i / steps; t <= last) at.push_back(t);
  };
  evenly(Micros{0}, last, 80);
  for (const Dose& d : given.doses) {
    evenly(d.at, d.over, 16);
    evenly(d.end(), std::chrono::hours{1}, 16);
  }
  std::sort(at.begin(), at.end());
  at.erase(std::unique(at.begin(), at.end()), at.end());
  return at;
}

/// The comparison of one molecule, from the course on.
template <class T>
[[nodiscard]] Attempt<Comparison> compared(const T& course, const Regimen& given, std::vector<ObservedMass> observed,
                                           Comparison out, Curve curve) {
  Micros end{0};
  for (const Dose& d : given.doses) end = std::max(end, d.end());
  constexpr double ng_per_mL_per_mg_per_L = 1000;
  std::vector<ErrorPoint> kept, all;
  std::array<std::vector<double>, phase_names.size()> of_phase;
  for (ObservedMass& o : observed) {
    const double predicted = course.value(o.at, curve) * ng_per_mL_per_mg_per_L;
    if (!(predicted > 0) || !std::isfinite(predicted))
      return Trouble{Code::internal_check, out.model,
                     "nothing is predicted where something was observed; no prediction error can be given"};
    const double percent = 100 * (o.ng_per_mL - predicted) / predicted;
    const Phase phase = phase_of(o.at, end);
    all.push_back({o.at, percent});
    if (o.left_out.empty()) {
      kept.push_back({o.at, percent});
      of_phase[static_cast<std::size_t>(phase)].push_back(percent);
    }
    out.points.push_back({o.at, o.ng_per_mL, predicted, percent, phase, std::move(o.left_out), std::move(o.note)});
  }
  out.error_of_all = prediction_error(all);
  if (!kept.empty()) out.error = prediction_error(kept);
  for (std::size_t i = 0; i < of_phase.size(); ++i)
    if (!of_phase[i].empty()) out.phases.push_back({static_cast<Phase>(i), of_phase[i].size(), median(of_phase[i])});
  out.predicted.at = drawn_instants(given, out.points.back().at);
  for (const Micros t : out.predicted.at)
    out.predicted.ng_per_mL.push_back(course.value(t, curve) * ng_per_mL_per_mg_per_L);
  return out;
}

}  // namespace detail

/// One card on one data set: one comparison for each molecule that both speak of. The card is run whether or not it may
/// be used; what speaks against that stands in the marks. Throws as `whom` and `resolve`, E_ARG(observations) where no
/// model is run on the data. `Trouble` as `trajectory_of`.
[[nodiscard]] inline Attempt<std::vector<Comparison>> held_against(const ModelCard& card, const Observations& data) {
  require(data.is_run() && data.order && data.person, Code::arg, "observations",
          "no model is run on them; accepted: data with an order and a person");
  const Whom who = whom(card, *data.person);
  const Regimen given = resolve(*data.order, mass_for_dosing(*data.person));
  const auto course = trajectory_of(who, given);
  if (const auto* trouble = std::get_if<Trouble>(&course)) return *trouble;
  std::vector<Comparison> all;
  for (std::size_t m = 0; m < molecule_names.size(); ++m) {
    const auto molecule = static_cast<Molecule>(m);
    std::vector<detail::ObservedMass> observed = detail::observed_mass(data, molecule);
    auto curve = detail::curve_of(card, molecule);
    if (observed.empty() || !curve) continue;
    Comparison begun{.model = card.id,
                     .data = data.id,
                     .molecule = molecule,
                     .curve = std::move(curve->name),
                     .model_site = card.site,
                     .data_site = data.site,
                     .marks = detail::marks_of(card, data, molecule),
                     .points = {}};
    auto done = std::visit(
        [&](const auto& c) { return detail::compared(c, given, std::move(observed), std::move(begun), curve->curve); },
        std::get<0>(course));
    if (auto* trouble = std::get_if<Trouble>(&done)) return std::move(*trouble);
    all.push_back(std::get<0>(std::move(done)));
  }
  return all;
}

/// Every card on every data set that models are run on. A card that looks at a covariate that the data do not have is
/// listed, with what was missing. `Trouble` as `held_against`.
[[nodiscard]] inline Attempt<Validation> validation(std::vector<ModelCard> models, std::vector<Observations> data) {
  Validation out{.models = std::move(models), .data = std::move(data)};
  for (const Observations& d : out.data) {
    if (!d.is_run()) continue;
    const auto first = static_cast<std::ptrdiff_t>(out.comparisons.size());
    for (const ModelCard& card : out.models) {
      try {
        auto done = held_against(card, d);
        if (auto* trouble = std::get_if<Trouble>(&done)) {
          trouble->message += " (" + card.id + " on " + d.id + ")";
          return std::move(*trouble);
        }
        for (Comparison& c : std::get<0>(done)) out.comparisons.push_back(std::move(c));
      } catch (const InvalidInput& e) {
        out.not_compared.push_back({card.id, d.id, e.field + ": " + e.message});
      }
    }
    std::stable_sort(out.comparisons.begin() + first, out.comparisons.end(),
                     [](const Comparison& a, const Comparison& b) { return a.molecule < b.molecule; });
  }
  return out;
}

}  // namespace ketpk
