// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: how a cohort is counted. Blocks of subjects are drawn, read through the card and solved side by side; what comes
// out is counted in integers, so that neither order nor threads show.
//
// Three roads. `exact`: linear models into a vein, by the algebra of solve.hpp in lanes. `odeint`: the same with
// saturable elimination, in lanes that each have a step of their own. `network`: whatever these cannot
// do (depots, livers, events, parameters that change between sessions), one subject after
// another, by the solvers that one patient has. A subject whose curve turns between dose edges, or of whom more than
// plasma is asked, goes through exposure.hpp by himself, on the very same solution.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/assess.hpp"
#include "ketpk/assess_cohort.hpp"
#include "ketpk/body_size.hpp"
#include "ketpk/cohort.hpp"
#include "ketpk/dosing.hpp"
#include "ketpk/elementary.hpp"
#include "ketpk/error.hpp"
#include "ketpk/exact_lanes.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/kernels.hpp"
#include "ketpk/lanes.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/network_trajectory.hpp"
#include "ketpk/normal.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/philox.hpp"
#include "ketpk/population.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/result.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve_ode_lanes.hpp"
#include "ketpk/tally.hpp"
#include "ketpk/time.hpp"
#include "ketpk/trajectory.hpp"

#ifdef KETPK_COMPILED
#define KETPK_COHORT_INLINE
#else
#define KETPK_COHORT_INLINE inline
#endif

namespace ketpk {

namespace detail::cohort {

/// Lanes in which a card is read: wide, since reading costs the same for one lane and for many.
using Wide = Lanes<64>;
using Times = CovariateValuesOf<Wide>::Times;
static_assert(block_size % Wide::width == 0);

// --- what is the same for everybody --------------------------------------------------------------------------

/// Parameters that vary together: value = typical exp(factor z), z independent normals.
struct Varying {
  std::vector<const CardParameter*> of;
  std::vector<double> factor;  ///< L of omega = L L', row after row
};

[[nodiscard]] inline Varying varying(const Variability* v, const ModelCard& card) {
  Varying out;
  if (v == nullptr) return out;
  for (const std::string& name : v->parameters) out.of.push_back(&parameter_of_eta(card, name));
  out.factor = *semidefinite_factor(v->omega, v->parameters.size());
  return out;
}

/// One covariate as it is drawn; the cuts are probabilities.
struct Marginal {
  Distribution distribution;
  double low_cut = 0, high_cut = 1;
  bool is_cut = false;
};

[[nodiscard]] inline Marginal marginal(const Distribution& d) {
  Marginal out{d};
  const auto cut = [&](const auto& by, auto score) {
    out.is_cut = by.low || by.high;
    if (by.low) out.low_cut = normal_cdf(score(*by.low));
    if (by.high) out.high_cut = normal_cdf(score(*by.high));
  };
  if (const auto* n = std::get_if<Normal>(&d)) cut(*n, [&](double x) { return (x - n->mean) / n->sd; });
  if (const auto* n = std::get_if<Lognormal>(&d))
    cut(*n, [&](double x) {
      return x > 0 ? portable::log(x / n->median) / n->log_sd : -std::numeric_limits<double>::infinity();
    });
  return out;
}

/// The value that has the normal score `z`.
template <class L>
[[nodiscard]] L value_at(const Marginal& m, L z) {
  if (m.is_cut) z = normal_quantile(m.low_cut + normal_cdf(z) * (m.high_cut - m.low_cut));
  return std::visit(
      [&]<class D>(const D& d) -> L {
        if constexpr (std::is_same_v<D, Constant>)
          return d.value;
        else if constexpr (std::is_same_v<D, Uniform>)
          return d.low + (d.high - d.low) * normal_cdf(z);
        else if constexpr (std::is_same_v<D, Normal>)
          return d.mean + d.sd * z;
        else
          return d.median * exp(d.log_sd * z);
      },
      m.distribution);
}

struct DrawnAs {
  std::vector<Marginal> marginals;
  std::vector<double> factor;  ///< of the correlation; empty: independent
};

[[nodiscard]] inline DrawnAs drawn_as(const People& people) {
  DrawnAs out;
  for (const DrawnCovariate& c : people.covariates) out.marginals.push_back(marginal(c.distribution));
  if (!people.correlation.empty()) out.factor = *semidefinite_factor(people.correlation, people.covariates.size());
  return out;
}

/// Doses as a straight line in the dosing weight, from one dose edge to the next.
struct DoseSegment {
  Micros start, duration;
  double bolus_mg = 0, bolus_mg_per_kg = 0, rate_mg_per_min = 0, rate_mg_per_kg_per_min = 0;
};

[[nodiscard]] inline bool is_per_kg(const Input& input) {
  if (const auto* infuse = std::get_if<Infuse>(&input)) return infuse->amount.as<dim::dose>().has_value();
  if (const auto* bolus = std::get_if<Bolus>(&input)) return bolus->amount.as<dim::dose>().has_value();
  return std::get<InfuseAtRate>(input).rate.as<dim::dose_rate>().has_value();
}

/// Throws as `resolve`, for the lightest and the heaviest body there can be.
[[nodiscard]] inline std::vector<DoseSegment> dose_segments(const Order& order) {
  const Regimen per_kg = resolve(order, BodyMass(1, unit::kg));
  (void)resolve(order, BodyMass(700, unit::kg));
  std::vector<Micros> edges{Micros{0}};
  for (const Dose& d : per_kg.doses) {
    edges.push_back(d.at);
    edges.push_back(d.end());
  }
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  std::vector<DoseSegment> out;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    DoseSegment s{edges[i], i + 1 < edges.size() ? edges[i + 1] - edges[i] : Micros{0}};
    for (std::size_t k = 0; k < per_kg.doses.size(); ++k) {
      const Dose& d = per_kg.doses[k];
      const bool follows = is_per_kg(order.inputs[entry_of(per_kg, k)]);
      if (d.is_bolus() && d.at == s.start) (follows ? s.bolus_mg_per_kg : s.bolus_mg) += d.amount_mg;
      if (!d.is_bolus() && d.at <= s.start && s.start < d.end())
        (follows ? s.rate_mg_per_kg_per_min : s.rate_mg_per_min) += d.rate_mg_per_min;
    }
    out.push_back(s);
  }
  return out;
}

/// Instants in segments, as evenly spaced runs.
[[nodiscard]] inline std::vector<EvenRun> runs_of(const std::vector<Micros>& times,
                                                  const std::vector<DoseSegment>& segments) {
  std::vector<EvenRun> out;
  std::size_t i = 0;
  for (std::size_t k = 0; k < times.size();) {
    while (i + 1 < segments.size() && segments[i + 1].start <= times[k]) ++i;
    const bool is_last = i + 1 == segments.size();
    std::size_t n = 1;
    const Micros step = k + 1 < times.size() ? times[k + 1] - times[k] : Micros{0};
    while (step > Micros{0} && n < march_length && k + n < times.size() && times[k + n] - times[k + n - 1] == step &&
           (is_last || times[k + n] < segments[i + 1].start))
      ++n;
    out.push_back({i, minutes(times[k] - segments[i].start), minutes(step), k, n});
    k += n;
  }
  return out;
}

/// What one limit is compared with.
struct LimitAsked {
  enum class Of : std::uint8_t {
    absent,
    constant,
    weight,
    age,
    subject,
    plasma_peak,
    effect_site_peak,
    above,
    unknown
  };
  const Limit* limit;
  Of of = Of::unknown;
  double constant = 0;    ///< what everybody has; absent: nothing of it is in the order, so that nobody crosses it
  std::size_t level = 0;  ///< which of the levels
  std::string why = {};   ///< where nothing can be said
};

enum class RoadTaken : std::uint8_t { exact, odeint, network };
inline constexpr std::array<std::string_view, 3> road_names{"exact", "odeint", "network"};

/// Everything that is settled before the first subject is drawn.
struct Plan {
  const CohortRequest& asked;
  Kernels kernels;
  RoadTaken road;
  std::vector<std::string> covariates;  ///< of the card
  Varying eta, kappa, theta;
  std::vector<double> theta_times;  ///< of this replicate, for each of `theta.of`
  std::vector<DrawnAs> drawn;       ///< everybody, or women and men
  std::vector<std::string> drawn_names;
  double female_below = 0;  ///< normal score below which a subject is a woman
  std::vector<DoseSegment> segments;
  std::vector<Micros> times;
  std::vector<EvenRun> runs;
  std::vector<LevelAsked> levels;  ///< those asked, then those of limits
  std::vector<LimitAsked> limits;
  bool asks_effect_site = false;
  std::vector<std::string> compartments;
  std::vector<std::size_t> places;
  std::size_t sessions = 0;  ///< of a course
};

inline constexpr std::array<std::string_view, 4> of_everybody{"weight", "height", "age", "sex"};

// --- a block of subjects -------------------------------------------------------------------------------------

/// Numbers of a block, by name; absent where nobody has them.
struct Column {
  std::string name;
  OfBlock numbers;
};

/// Who the subjects of a block are and what became of them.
struct Block {
  std::uint64_t first = 0;
  std::size_t n = 0;
  std::vector<Column> people;  ///< weight height age sex, as far as they are there, and what else is drawn
  OfBlock dosing_kg;
  std::array<bool, block_size> is_ok;
  std::vector<FailedSubject> failed;
  using Individuals = std::array<IndividualOf<Wide>, block_size / Wide::width>;
  Individuals individuals;
  std::vector<Individuals> of_session;  ///< where parameters change between the sessions of a course; else none
  OfBlock v1, cl, q2, v2, q3, v3;
  std::vector<OfBlock> boluses, rates;  ///< of each segment
  OfBlock given_mg;
  OfBlock cmax, tmax, auc, effect_peak;
  std::vector<OfBlock> above;  ///< of each level
  std::vector<double> minutes_above;
  std::array<std::uint8_t, block_size> turns;
  std::vector<double> columns;  ///< plasma, all subjects at each instant
  std::vector<double> rows;     ///< and all instants of each subject, where it is reckoned so
  std::vector<double> normals;

  [[nodiscard]] const OfBlock* find(std::string_view name) const {
    for (const Column& c : people)
      if (c.name == name) return &c.numbers;
    return nullptr;
  }
  void fail(std::size_t i, const InvalidInput& e) { fail(i, e.code, e.field, e.message); }
  void fail(std::size_t i, Code code, std::string field, std::string message) {
    if (!is_ok[i]) return;
    is_ok[i] = false;
    failed.push_back({first + i, code, std::move(field), std::move(message)});
  }
};

/// Independent normals of a stream, each number of all subjects after the other.
[[nodiscard]] inline std::span<const double> draw(const Plan& plan, Block& b, const Stream& stream, std::size_t count) {
  b.normals.resize(count * block_size);
  plan.kernels.normals(stream, b.first, 0, b.normals);
  return b.normals;
}

/// Row `i` of L times z, for a block.
inline void combine(const std::vector<double>& factor, std::size_t i, std::span<const double> z, OfBlock& out) {
  const std::size_t n = z.size() / block_size;
  out.fill(0);
  for (std::size_t j = 0; j < n; ++j) {
    const double f = factor[i * n + j];
    if (f == 0) continue;
    for (std::size_t s = 0; s < block_size; ++s) out[s] += f * z[j * block_size + s];
  }
}

inline void draw_people(const Plan& plan, const DrawnPeople& people, Block& b) {
  using L = Lanes<8>;
  const std::size_t n = plan.drawn_names.size();
  // Number 0 is the sex, 1 a row of a table; covariates begin at 2.
  const auto z = draw(plan, b, {plan.asked.seed, Purpose::design}, n + 2);
  OfBlock is_woman;
  for (std::size_t s = 0; s < block_size; ++s) is_woman[s] = z[s] < plan.female_below ? 1 : 0;
  for (std::size_t k = 0; k < n; ++k) {
    Column column{plan.drawn_names[k], {}};
    for (std::size_t by = 0; by < plan.drawn.size(); ++by) {
      const DrawnAs& as = plan.drawn[by];
      OfBlock score, value;
      if (as.factor.empty())
        std::copy_n(z.begin() + static_cast<std::ptrdiff_t>((k + 2) * block_size), block_size, score.begin());
      else
        combine(as.factor, k, z.subspan(2 * block_size), score);
      for (std::size_t s = 0; s < block_size; s += 8) value_at(as.marginals[k], L::from(&score[s])).to(&value[s]);
      for (std::size_t s = 0; s < block_size; ++s)
        if (by == 0 || is_woman[s] == 0) column.numbers[s] = value[s];
    }
    b.people.push_back(std::move(column));
  }
  if (people.female_share) b.people.push_back({"sex", is_woman});
}

inline void draw_people(const Plan& plan, const PeopleTable& table, Block& b) {
  const std::size_t rows = table.columns.front().size();
  std::array<std::size_t, block_size> row;
  if (table.is_drawn) {
    const auto z = draw(plan, b, {plan.asked.seed, Purpose::design}, 2).subspan(block_size);
    for (std::size_t s = 0; s < block_size; ++s)
      row[s] = std::min(static_cast<std::size_t>(normal_cdf(z[s]) * static_cast<double>(rows)), rows - 1);
  } else {
    for (std::size_t s = 0; s < block_size; ++s) row[s] = std::min<std::size_t>(b.first + s, rows - 1);
  }
  for (std::size_t k = 0; k < table.names.size(); ++k) {
    Column column{table.names[k], {}};
    for (std::size_t s = 0; s < block_size; ++s) column.numbers[s] = table.columns[k][row[s]];
    b.people.push_back(std::move(column));
  }
}
inline void draw_people(const Plan&, const SamePatient&, Block&) {}

/// One subject as a patient of the request's kind.
[[nodiscard]] inline Patient patient_of(const Plan& plan, const Block& b, std::size_t i) {
  Patient p = plan.asked.each.patient;
  for (const Column& c : b.people) {
    const double x = c.numbers[i];
    if (c.name == "weight")
      p.weight = Stated<dim::body>(x, unit::kg, "patient.weight");
    else if (c.name == "height")
      p.height = Stated<dim::length>(x, unit::cm, "patient.height");
    else if (c.name == "age")
      p.age = Age(x, unit::yr);
    else if (c.name == "sex")
      p.sex = x == 1 ? Sex::female : Sex::male;
    else {
      std::erase_if(p.covariates, [&](const PatientCovariate& own) { return own.name == c.name; });
      p.covariates.push_back({c.name, x});
    }
  }
  return p;
}

/// Subjects who cannot be, or whom the card does not speak of, fail. Most can be told in passing.
inline void admit_block(const Plan& plan, Block& b) {
  const Domain& domain = plan.asked.each.model.domain;
  const auto between = [](double x, const std::optional<double>& low, const std::optional<double>& high) {
    return (!low || at_least(x, *low)) && (!high || at_most(x, *high));
  };
  const OfBlock *kg = b.find("weight"), *cm = b.find("height"), *yr = b.find("age");
  const std::optional<Age>& own = plan.asked.each.patient.age;  // everybody's, where none is drawn
  const bool is_own_plain = yr != nullptr || !own || between(own->in(unit::yr), domain.age_low_yr, domain.age_high_yr);
  for (std::size_t i = 0; i < b.n; ++i) {
    const bool is_plain =
        (kg == nullptr ||
         ((*kg)[i] >= 0.2 && (*kg)[i] <= 700 && between((*kg)[i], domain.weight_low_kg, domain.weight_high_kg))) &&
        (cm == nullptr || ((*cm)[i] >= 20 && (*cm)[i] <= 280)) &&
        (yr == nullptr ||
         ((*yr)[i] >= 0 && (*yr)[i] <= 130 && between((*yr)[i], domain.age_low_yr, domain.age_high_yr)));
    if (is_plain && is_own_plain && kg != nullptr) continue;
    try {
      (void)admit(plan.asked.each.model, patient_of(plan, b, i), plan.asked.each.order.analyte,
                  plan.asked.each.allowances);
    } catch (const InvalidInput& e) {
      b.fail(i, e);
    }
  }
}

/// A covariate of the card for the whole block. Sizes of a body, and what the request's patient states, are taken one
/// subject after another.
[[nodiscard]] inline OfBlock card_covariate(const Plan& plan, Block& b, const std::string& name) {
  const std::string_view own = name == "WT"    ? "weight"
                               : name == "HT"  ? "height"
                               : name == "AGE" ? "age"
                               : name == "SEX" ? "sex"
                                               : std::string_view(name);
  if (const OfBlock* there = b.find(own)) return *there;
  OfBlock out;
  out.fill(std::numeric_limits<double>::quiet_NaN());
  const bool is_alike = b.people.empty();
  for (std::size_t i = 0; i < b.n; ++i) {
    if (is_alike && i > 0) {
      out[i] = out[0];
      if (!b.is_ok[0] && b.is_ok[i]) b.fail(i, b.failed.front().code, b.failed.front().field, b.failed.front().message);
      continue;
    }
    if (!b.is_ok[i]) continue;
    try {
      out[i] = covariate_of(patient_of(plan, b, i), name);
    } catch (const InvalidInput& e) {
      b.fail(i, e);
    }
  }
  return out;
}

inline void weigh_for_dosing(const Plan& plan, Block& b) {
  const auto* rule = std::get_if<WeightRule>(&plan.asked.each.patient.dosing_weight);
  const OfBlock* kg = b.find("weight");
  if (rule != nullptr && *rule == WeightRule::actual && kg != nullptr) {
    b.dosing_kg = *kg;
    return;
  }
  for (std::size_t i = 0; i < b.n; ++i) {
    if (i > 0 && b.people.empty()) {
      b.dosing_kg[i] = b.dosing_kg[0];
      if (!b.is_ok[0]) b.fail(i, b.failed.front().code, b.failed.front().field, b.failed.front().message);
      continue;
    }
    if (!b.is_ok[i]) continue;
    try {
      b.dosing_kg[i] = mass_for_dosing(patient_of(plan, b, i)).in(unit::kg);
    } catch (const InvalidInput& e) {
      b.fail(i, e);
    }
  }
}

/// How many times the typical value one parameter of each subject is.
struct Factor {
  const CardParameter* of;
  OfBlock times;
};

/// exp(L z) of parameters that vary, for a block.
[[nodiscard]] inline std::vector<Factor> factors_of(const Plan& plan, Block& b, const Varying& v,
                                                    const Stream& stream) {
  std::vector<Factor> out;
  if (v.of.empty()) return out;
  const auto z = draw(plan, b, stream, v.of.size());
  for (std::size_t k = 0; k < v.of.size(); ++k) {
    Factor& f = out.emplace_back(Factor{v.of[k], {}});
    combine(v.factor, k, z, f.times);
    for (std::size_t s = 0; s < block_size; s += 8) exp(Lanes<8>::from(&f.times[s])).to(&f.times[s]);
  }
  return out;
}

/// Lane `i` of parameters and entries.
template <class L>
[[nodiscard]] std::optional<double> lane_of(const std::optional<L>& x, std::size_t i) {
  return x ? std::optional((*x)[i]) : std::nullopt;
}
[[nodiscard]] inline Individual lane_of(const IndividualOf<Wide>& all, std::size_t i) {
  const Parameters<Wide>& w = all.parameters;
  Individual out;
  Parameters<double>& p = out.parameters;
  p = {.v1_L = w.v1_L[i],
       .cl_L_per_min = w.cl_L_per_min[i],
       .q2_L_per_min = w.q2_L_per_min[i],
       .v2_L = w.v2_L[i],
       .q3_L_per_min = w.q3_L_per_min[i],
       .v3_L = w.v3_L[i]};
  p.ke0_per_min = lane_of(w.ke0_per_min, i);
  for (const auto& m : w.metabolites)
    p.metabolites.push_back({m.fraction[i], m.v1_L[i], m.cl_L_per_min[i], m.q2_L_per_min[i], m.v2_L[i], m.from,
                             m.transits, m.transits > 0 ? m.transit_per_min[i] : 0.0});
  for (const auto& d : w.depots) p.depots.push_back({d.ka_per_min[i], d.into});
  if (w.saturable) p.saturable = {w.saturable->vmax_mg_per_min[i], w.saturable->km_mg_per_L[i]};
  if (w.liver) p.liver = {w.liver->q_L_per_min[i], w.liver->v_L[i], w.liver->kel_per_min[i], w.liver->kmet_per_min[i]};
  for (const auto& e : all.entries)
    out.entries.push_back(
        {e.bioavailability[i], e.lag_min[i], lane_of(e.duration_min, i), lane_of(e.rate_mg_per_min, i)});
  return out;
}

/// What the card says of the lanes from `lane` on; `at(numbers)` gives their numbers.
template <class At>
[[nodiscard]] IndividualOf<Wide> read_card(const Plan& plan, const std::vector<OfBlock>& covariates,
                                           const std::vector<Factor>& factors, At at) {
  std::vector<Wide> values;
  std::vector<Times> times;
  values.reserve(covariates.size());
  for (const OfBlock& c : covariates) values.push_back(at(c));
  for (const Factor& f : factors) times.push_back({f.of, at(f.times)});
  for (std::size_t k = 0; k < plan.theta_times.size(); ++k)
    times.push_back({plan.theta.of[k], Wide(plan.theta_times[k])});
  const ModelCard& card = plan.asked.each.model;
  const CovariateValuesOf<Wide> seen{plan.covariates, values, nullptr, times};
  return {parameters_at(card, seen), entries(card, seen)};
}

/// The individuals of a block. Where the lanes together are refused, each is asked by himself, and who is refused
/// fails; his lane then holds another.
inline void read_individuals(const Plan& plan, Block& b, const std::vector<OfBlock>& covariates,
                             const std::vector<Factor>& factors, Block::Individuals& out) {
  std::optional<std::size_t> read;  // the first part that could be
  std::vector<std::size_t> unread;
  for (std::size_t lane = 0; lane < b.n; lane += Wide::width) {
    IndividualOf<Wide>& of = out[lane / Wide::width];
    const auto told = [&] {
      if (!read) read = lane / Wide::width;
    };
    try {
      of = read_card(plan, covariates, factors, [&](const OfBlock& x) { return Wide::from(&x[lane]); });
      told();
      continue;
    } catch (const InvalidInput&) {
      // One of them is refused, for a reason of his own: each is asked again.
    }
    std::array<std::size_t, Wide::width> from;
    std::optional<std::size_t> any;
    for (std::size_t i = 0; i < Wide::width; ++i) {
      from[i] = lane + i;
      if (lane + i >= b.n || !b.is_ok[lane + i]) continue;
      try {
        (void)read_card(plan, covariates, factors, [&](const OfBlock& x) { return Wide(x[lane + i]); });
        any = lane + i;
      } catch (const InvalidInput& e) {
        b.fail(lane + i, e);
      }
    }
    if (!any) {
      unread.push_back(lane / Wide::width);
      continue;
    }
    for (std::size_t i = 0; i < Wide::width; ++i)
      if (lane + i >= b.n || !b.is_ok[lane + i]) from[i] = *any;
    of = read_card(plan, covariates, factors, [&](const OfBlock& x) {
      Wide each;
      for (std::size_t i = 0; i < Wide::width; ++i) each.set(i, x[from[i]]);
      return each;
    });
    told();
  }
  if (read)
    for (const std::size_t k : unread) out[k] = out[*read];
}

/// Who everybody is, in each session where that changes.
inline void read_cards(const Plan& plan, Block& b) {
  std::vector<OfBlock> covariates;
  for (const std::string& name : plan.covariates) covariates.push_back(card_covariate(plan, b, name));
  // A lane that nobody uses, or whose subject failed, is another's.
  const auto end = b.is_ok.begin() + static_cast<std::ptrdiff_t>(b.n), first_ok = std::find(b.is_ok.begin(), end, true);
  if (first_ok == end) return;
  const auto good = static_cast<std::size_t>(first_ok - b.is_ok.begin());
  for (std::size_t i = 0; i < block_size; ++i) {
    if (i < b.n && b.is_ok[i]) continue;
    for (OfBlock& c : covariates) c[i] = c[good];
    b.dosing_kg[i] = b.dosing_kg[good];
  }
  const std::vector<Factor> etas = factors_of(plan, b, plan.eta, {plan.asked.seed, Purpose::eta});
  b.of_session.resize(plan.kappa.of.empty() ? 0 : std::max<std::size_t>(1, plan.sessions));
  for (std::size_t s = 0; s < b.of_session.size(); ++s) {
    std::vector<Factor> factors =
        factors_of(plan, b, plan.kappa, {plan.asked.seed, Purpose::kappa, static_cast<std::uint32_t>(s)});
    factors.insert(factors.end(), etas.begin(), etas.end());
    read_individuals(plan, b, covariates, factors, b.of_session[s]);
  }
  if (b.of_session.empty())
    read_individuals(plan, b, covariates, etas, b.individuals);
  else
    b.individuals = b.of_session.front();
}

// --- what a subject's curve amounts to -----------------------------------------------------------------------

/// Summaries of one curve by itself.
template <class T>
void summarise_one(const Plan& plan, const T& trajectory, Block& b, std::size_t i) {
  const auto plasma = course_of(trajectory, Curve::plasma());
  const Peak top = peak(plasma);
  b.cmax[i] = top.ng_per_mL;
  b.tmax[i] = top.min;
  for (std::size_t k = 0; k < plan.levels.size(); ++k)
    b.minutes_above[k * block_size + i] = time_above(plasma, plan.levels[k].ng_per_mL, plan.levels[k].until).minutes;
  if (plan.asks_effect_site && trajectory.has(Curve::effect_site()))
    b.effect_peak[i] = peak(course_of(trajectory, Curve::effect_site())).ng_per_mL;
}

[[nodiscard]] inline std::vector<Segment> segments_of(const Plan& plan, const Block& b, std::size_t i) {
  std::vector<Segment> out;
  for (std::size_t s = 0; s < plan.segments.size(); ++s)
    out.push_back({plan.segments[s].start, plan.segments[s].duration, b.boluses[s][i], b.rates[s][i]});
  return out;
}

/// What the subjects are made of, and what goes into them.
inline void give(const Plan& plan, Block& b) {
  for (std::size_t lane = 0; lane < b.n; lane += Wide::width) {
    const Parameters<Wide>& p = b.individuals[lane / Wide::width].parameters;
    p.v1_L.to(&b.v1[lane]);
    p.cl_L_per_min.to(&b.cl[lane]);
    p.q2_L_per_min.to(&b.q2[lane]);
    p.v2_L.to(&b.v2[lane]);
    p.q3_L_per_min.to(&b.q3[lane]);
    p.v3_L.to(&b.v3[lane]);
  }
  b.given_mg.fill(0);
  for (std::size_t k = 0; k < plan.segments.size(); ++k) {
    const DoseSegment& s = plan.segments[k];
    const double length = minutes(s.duration);
    for (std::size_t i = 0; i < block_size; ++i) {
      b.boluses[k][i] = s.bolus_mg + s.bolus_mg_per_kg * b.dosing_kg[i];
      b.rates[k][i] = s.rate_mg_per_min + s.rate_mg_per_kg_per_min * b.dosing_kg[i];
      b.given_mg[i] += b.boluses[k][i] + b.rates[k][i] * length;
    }
  }
}

inline void solve_exactly(const Plan& plan, Block& b, double* rows) {
  give(plan, b);
  std::vector<BlockSegment> segments;
  for (std::size_t k = 0; k < plan.segments.size(); ++k)
    segments.push_back({plan.segments[k].start, plan.segments[k].duration, b.boluses[k].data(), b.rates[k].data()});
  const bool asks_summaries = rows == nullptr;
  plan.kernels.exact({.subjects = b.n,
                      .v1_L = b.v1.data(),
                      .cl_L_per_min = b.cl.data(),
                      .q2_L_per_min = b.q2.data(),
                      .v2_L = b.v2.data(),
                      .q3_L_per_min = b.q3.data(),
                      .v3_L = b.v3.data(),
                      .segments = segments,
                      .runs = plan.runs,
                      .instants = plan.times.size(),
                      .rows_ng_per_mL = rows,
                      .columns_ng_per_mL = rows == nullptr ? b.columns.data() : nullptr,
                      .cmax_ng_per_mL = asks_summaries ? b.cmax.data() : nullptr,
                      .tmax_min = asks_summaries ? b.tmax.data() : nullptr,
                      .levels = plan.levels,
                      .minutes_above = b.minutes_above.data(),
                      .turns_inside = b.turns.data()});
  if (!asks_summaries) return;
  for (std::size_t i = 0; i < b.n; ++i) {
    // All that is given leaves through the clearance.
    b.auc[i] = b.given_mg[i] / b.cl[i] * (1000.0 / 60.0);
    if (!b.is_ok[i] || (b.turns[i] == 0 && !plan.asks_effect_site)) continue;
    const Individual one = lane_of(b.individuals[i / Wide::width], i % Wide::width);
    summarise_one(plan, ExactTrajectory<>(respond(one.parameters), segments_of(plan, b, i)), b, i);
  }
}

/// Where the segments of the numerical road begin: at dose edges, and where the last instant or dose edge is. From
/// there on each subject is followed until it rests, if the area to infinity is asked; profiles are the same either
/// way.
inline void solve_saturable(const Plan& plan, Block& b, double* rows) {
  const std::size_t instants = plan.times.size();
  give(plan, b);
  OfBlock vmax, km, length;
  std::array<LaneStatus, block_size> status;
  std::array<std::uint32_t, block_size> accepted, rejected;
  const double last = minutes(plan.segments.back().start);
  const double end = instants == 0 ? last : std::max(last, minutes(plan.times.back()));
  // Of the card, not of who happens to be in this block.
  const auto& stated = plan.asked.each.model.parameters;
  const bool has_second = states_any(stated, "Q2", "k12"), has_third = states_any(stated, "Q3", "k13");
  const auto good = static_cast<std::size_t>(std::find(b.is_ok.begin(), b.is_ok.end(), true) - b.is_ok.begin());
  for (std::size_t i = 0; i < b.n; ++i) {
    const std::size_t who = b.is_ok[i] ? i : good;  // of others there may be no parameters
    for (OfBlock* numbers : {&b.v1, &b.cl, &b.q2, &b.v2, &b.q3, &b.v3, &b.given_mg}) (*numbers)[i] = (*numbers)[who];
    const auto& p = b.individuals[who / Wide::width].parameters;
    const std::size_t lane = who % Wide::width;
    vmax[i] = p.saturable->vmax_mg_per_min[lane];
    km[i] = p.saturable->km_mg_per_L[lane];
    length[i] = 0;
    if (rows != nullptr) continue;
    const Parameters<double> one = lane_of(b.individuals[who / Wide::width], lane).parameters;
    double slowest = std::numeric_limits<double>::infinity();
    for (const ParentMode& mode : parent_modes(one))
      if (mode.coupling > 0) slowest = std::min(slowest, mode.rate_per_min);
    length[i] = minutes_to_rest({.v1_L = one.v1_L,
                                 .cl_L_per_min = one.cl_L_per_min,
                                 .q2_L_per_min = one.q2_L_per_min,
                                 .v2_L = one.v2_L,
                                 .q3_L_per_min = one.q3_L_per_min,
                                 .v3_L = one.v3_L,
                                 .saturable = one.saturable},
                                slowest, b.given_mg[i]);
  }
  OfBlock nothing;
  nothing.fill(0);
  std::vector<LaneSegment> segments;
  std::vector<double> taus;
  std::size_t k = 0;
  const auto take = [&](double start, double stop) {
    for (; k < instants && minutes(plan.times[k]) < stop; ++k) taus.push_back(minutes(plan.times[k]) - start);
  };
  for (std::size_t s = 0; s < plan.segments.size(); ++s) {
    const double start = minutes(plan.segments[s].start);
    const bool is_last = s + 1 == plan.segments.size();
    segments.push_back(
        {start, is_last ? end - last : minutes(plan.segments[s].duration), b.boluses[s].data(), b.rates[s].data(), k});
    take(start, is_last ? end : start + minutes(plan.segments[s].duration));
  }
  segments.push_back({end, 0, nothing.data(), nothing.data(), k, length.data()});
  take(end, std::numeric_limits<double>::infinity());
  if (rows == nullptr) b.rows.resize(instants * block_size);
  double* const out = rows == nullptr ? b.rows.data() : rows;
  plan.kernels.saturable({.compartments = has_third    ? 3U
                                          : has_second ? 2U
                                                       : 1U,
                          .subjects = {.count = b.n,
                                       .v1_L = b.v1.data(),
                                       .cl_L_per_min = b.cl.data(),
                                       .vmax_mg_per_min = vmax.data(),
                                       .km_mg_per_L = km.data(),
                                       .q2_L_per_min = b.q2.data(),
                                       .v2_L = b.v2.data(),
                                       .q3_L_per_min = b.q3.data(),
                                       .v3_L = b.v3.data()},
                          .course = {segments.data(), segments.size(), taus.data(), instants},
                          .answers = {.plasma_mg_per_L = out,
                                      .row_stride = instants,
                                      .status = status.data(),
                                      .accepted_steps = accepted.data(),
                                      .rejected_steps = rejected.data(),
                                      .auc_mg_min_per_L = b.auc.data(),
                                      .cmax_mg_per_L = b.cmax.data(),
                                      .tmax_min = b.tmax.data()},
                          .asks_summaries = rows == nullptr});
  for (std::size_t i = 0; i < b.n; ++i) {
    if (status[i] != LaneStatus::ok)
      b.fail(i, status[i] == LaneStatus::too_many_steps ? Code::solver_maxsteps : Code::solver, "odeint",
             status[i] == LaneStatus::not_finite ? "a state is no longer finite; no numbers are given"
                                                 : "the steps shrank to nothing or were used up; no numbers are given");
    // The far tail of a numerical solution may lie below zero by its tolerance.
    for (std::size_t t = 0; t < instants; ++t) {
      double& c = out[i * instants + t];
      c = c < 0 ? 0 : c * 1000;
      if (rows == nullptr) b.columns[t * block_size + i] = c;
    }
    b.cmax[i] *= 1000;
    b.auc[i] *= 1000.0 / 60.0;
  }
}

/// Whether the run goes on. A block that was stopped is of no further use.
using GoesOn = std::function<bool()>;

/// A block of these can take seconds, so whether it goes on is asked before each subject.
/// The course of a subject who is another in each session.
[[nodiscard]] inline Attempt<OrderTrajectory> by_session(const Whom& who, const Block& b, std::size_t i,
                                                         const Regimen& given) {
  std::vector<Individual> each;
  for (const Block::Individuals& all : b.of_session) each.push_back(lane_of(all[i / Wide::width], i % Wide::width));
  auto course = trajectory_of(who, each, given);
  if (auto* trouble = std::get_if<Trouble>(&course)) return std::move(*trouble);
  return OrderTrajectory(std::get<0>(std::move(course)));
}

inline void solve_one_by_one(const Plan& plan, Block& b, double* rows, const GoesOn& goes_on) {
  const std::size_t instants = plan.times.size();
  for (std::size_t i = 0; i < b.n; ++i) {
    if (!goes_on()) return;
    if (!b.is_ok[i]) continue;
    try {
      const Whom who{lane_of(b.individuals[i / Wide::width], i % Wide::width), plan.compartments, plan.places};
      validate(who.person.parameters);
      const Order& order = plan.asked.each.order;
      const Regimen regimen = resolve(order, BodyMass(b.dosing_kg[i], unit::kg));
      std::optional<Delivery> delivery;
      if (!order.is_delivered_as_it_stands()) delivery = deliver(order, regimen);
      const Regimen& given = delivery ? delivery->given : regimen;
      auto trajectory = b.of_session.size() > 1 ? by_session(who, b, i, given) : trajectory_of(who, given);
      if (const auto* trouble = std::get_if<Trouble>(&trajectory)) {
        b.fail(i, trouble->code, trouble->where, trouble->message);
        continue;
      }
      std::visit(
          [&](const auto& course) {
            for (std::size_t k = 0; k < instants; ++k) {
              const double c = course.value(plan.times[k], Curve::plasma()) * 1000;
              // The far tail of a numerical solution may lie below zero by its tolerance.
              const double shown = c < 0 ? 0 : c;
              (rows != nullptr ? rows[i * instants + k] : b.columns[k * block_size + i]) = shown;
            }
            if (rows != nullptr) return;
            summarise_one(plan, course, b, i);
            b.auc[i] = course.auc_to_infinity(Curve::plasma()) * (1000.0 / 60.0);
          },
          std::get<0>(trajectory));
    } catch (const InvalidInput& e) {
      b.fail(i, e);
    }
  }
}

/// Numbers that are none, or below zero, are no answer: who has one fails.
inline void require_numbers(const Plan& plan, Block& b, double* rows) {
  const std::size_t instants = plan.times.size();
  for (std::size_t i = 0; i < b.n; ++i) {
    bool is_fine = true;
    if (rows == nullptr) {
      is_fine = b.cmax[i] >= 0 && b.tmax[i] >= 0 && b.auc[i] >= 0 && std::isfinite(b.cmax[i] + b.tmax[i] + b.auc[i]);
      for (std::size_t k = 0; k < plan.levels.size(); ++k)
        is_fine = is_fine && std::isfinite(b.minutes_above[k * block_size + i]);
    } else if (instants > 0) {
      // A curve that holds a NaN or an infinity holds one at its end or its highest point too: modes only decay.
      const double* row = rows + i * instants;
      is_fine = std::isfinite(row[0] + row[instants - 1] + row[instants / 2]);
    }
    if (!is_fine) b.fail(i, Code::internal_check, "curve", "not a number; no numbers are given");
  }
}

/// Observations in place of predictions: of variance additive + proportional prediction^2, from a stream of their own.
/// One below zero reads as zero.
inline void observe(const Plan& plan, Block& b, double* rows) {
  const ResidualError& error = *plan.asked.each.model.residual_error;
  const std::size_t instants = plan.times.size();
  const double additive = error.additive_variance_mg2_per_L2 * 1e6;
  const auto z = draw(plan, b, {plan.asked.seed, Purpose::eps}, instants);
  for (std::size_t k = 0; k < instants; ++k)
    for (std::size_t i = 0; i < b.n; ++i) {
      double& c = rows != nullptr ? rows[i * instants + k] : b.columns[k * block_size + i];
      const double seen = c + std::sqrt(additive + error.proportional_variance * c * c) * z[k * block_size + i];
      c = seen > 0 ? seen : 0;
    }
}

/// Draws, reads and solves subjects `first` to `first + n - 1`; profiles into `rows`, or into the block's columns.
inline void answer_block(const Plan& plan, Block& b, double* rows, const GoesOn& goes_on) {
  b.is_ok.fill(true);
  b.failed.clear();
  b.people.clear();
  std::visit([&](const auto& population) { draw_people(plan, population, b); }, plan.asked.population);
  admit_block(plan, b);
  weigh_for_dosing(plan, b);
  read_cards(plan, b);
  if (std::none_of(b.is_ok.begin(), b.is_ok.begin() + static_cast<std::ptrdiff_t>(b.n), [](bool ok) { return ok; })) {
  } else if (plan.road == RoadTaken::exact) {
    solve_exactly(plan, b, rows);
  } else if (plan.road == RoadTaken::odeint) {
    solve_saturable(plan, b, rows);
  } else {
    solve_one_by_one(plan, b, rows, goes_on);
  }
  require_numbers(plan, b, rows);
  if (plan.asked.has_residual_error) observe(plan, b, rows);
  if (rows != nullptr)
    for (std::size_t i = 0; i < b.n; ++i)
      if (!b.is_ok[i])
        std::fill_n(rows + i * plan.times.size(), plan.times.size(), std::numeric_limits<double>::quiet_NaN());
  std::sort(b.failed.begin(), b.failed.end(), [](const auto& x, const auto& y) { return x.subject < y.subject; });
}

// --- counting ------------------------------------------------------------------------------------------------

/// What is read of the patient and the order alone, for one of them.
[[nodiscard]] inline Reading read_order(const Request& each, const Patient& patient, const Limit& limit) {
  const Regimen regimen = resolve(each.order, mass_for_dosing(patient));
  const Dosing dosing = dosing_of(regimen);
  std::optional<Delivery> delivery;
  if (!each.order.is_delivered_as_it_stands()) delivery = deliver(each.order, regimen);
  const Admission admission;
  const Exposure no_curve{};
  const Evidence evidence{
      patient, each.order, regimen, each.model, admission, no_curve, delivery ? &*delivery : nullptr};
  Scene scene{evidence, {regimen, dosing}};
  std::optional<Dosing> delivered;
  if (delivery) {
    delivered = dosing_of(delivery->given);
    scene.delivered.emplace(Account{delivery->given, *delivered, &delivery->input_of});
  }
  const auto no_time = [](Curve, double level) { return TimeAbove{level, 0, {}}; };
  return read(limit, scene, no_time);
}

/// What one limit is compared with in one subject; none where it cannot be said.
[[nodiscard]] inline std::optional<double> value_of(const Plan& plan, const LimitAsked& limit, const Block& b,
                                                    std::size_t i) {
  using Of = LimitAsked::Of;
  const auto number = [&](std::string_view name) -> std::optional<double> {
    const OfBlock* there = b.find(name);
    return there == nullptr ? std::nullopt : std::optional((*there)[i]);
  };
  switch (limit.of) {
    case Of::constant: return limit.constant;
    case Of::weight: return number("weight");
    case Of::age: return number("age");
    case Of::subject: return read_order(plan.asked.each, patient_of(plan, b, i), *limit.limit).value;
    case Of::plasma_peak: return Concentration(b.cmax[i], unit::ng_per_mL).in(unit::mg_per_L);
    case Of::effect_site_peak: return Concentration(b.effect_peak[i], unit::ng_per_mL).in(unit::mg_per_L);
    case Of::above: return b.minutes_above[limit.level * block_size + i];
    case Of::absent:
    case Of::unknown: break;
  }
  return std::nullopt;
}

inline void count_limits(const Plan& plan, const Block& b, std::vector<BreachTally>& limits) {
  for (std::size_t k = 0; k < plan.limits.size(); ++k) {
    const LimitAsked& asked = plan.limits[k];
    if (asked.of == LimitAsked::Of::unknown) continue;
    for (std::size_t i = 0; i < b.n; ++i) {
      if (!b.is_ok[i]) continue;
      if (asked.of == LimitAsked::Of::absent) {
        ++limits[k].evaluated;
        continue;
      }
      const auto value = value_of(plan, asked, b, i);
      if (!value) continue;
      const auto breach = breach_of(*asked.limit, *value);
      ++limits[k].evaluated;
      limits[k].beyond_soft += breach.has_value();
      limits[k].beyond_hard += breach && breach->beyond_hard;
    }
  }
}

/// Adds the numbers of those who are well.
inline void add(Tally& to, std::span<const double> numbers, const Block& b, const Kernels& kernels) {
  if (b.failed.empty()) {
    to.add(numbers.first(b.n), kernels.facts);
    return;
  }
  OfBlock kept;
  std::size_t n = 0;
  for (std::size_t i = 0; i < b.n; ++i)
    if (b.is_ok[i]) kept[n++] = numbers[i];
  to.add(std::span<const double>(kept.data(), n), kernels.facts);
}

[[nodiscard]] inline SubjectRow row_of(const Plan& plan, const Block& b, std::size_t i) {
  SubjectRow row{.subject = b.first + i, .covariates = {}, .parameters = {}, .summaries = {}};
  for (const Column& c : b.people) row.covariates.push_back(c.numbers[i]);
  const Parameters<Wide>& p = b.individuals[i / Wide::width].parameters;
  const std::size_t lane = i % Wide::width;
  for (const Wide* x : {&p.v1_L, &p.cl_L_per_min, &p.q2_L_per_min, &p.v2_L, &p.q3_L_per_min, &p.v3_L})
    row.parameters.push_back((*x)[lane]);
  row.summaries = {b.cmax[i], b.tmax[i], b.auc[i]};
  for (std::size_t k = 0; k < plan.asked.each.time_above.size(); ++k)
    row.summaries.push_back(b.minutes_above[k * block_size + i]);
  return row;
}

/// What one thread has counted.
struct Count {
  CohortTally tally;
  std::vector<SubjectRow> rows;
};

inline void count(const Plan& plan, const Block& b, Count& to) {
  to.tally.in += b.n;
  to.tally.ok += b.n - b.failed.size();
  to.tally.failed.insert(to.tally.failed.end(), b.failed.begin(), b.failed.end());
  for (std::size_t k = 0; k < plan.times.size(); ++k)
    add(to.tally.plasma[k], std::span<const double>(&b.columns[k * block_size], block_size), b, plan.kernels);
  add(to.tally.summaries[0], b.cmax, b, plan.kernels);
  add(to.tally.summaries[1], b.tmax, b, plan.kernels);
  add(to.tally.summaries[2], b.auc, b, plan.kernels);
  for (std::size_t k = 0; k < plan.asked.each.time_above.size(); ++k)
    add(to.tally.summaries[3 + k], std::span<const double>(&b.minutes_above[k * block_size], block_size), b,
        plan.kernels);
  count_limits(plan, b, to.tally.limits);
  if (!plan.asked.keeps_subjects) return;
  for (std::size_t i = 0; i < b.n; ++i)
    if (b.is_ok[i]) to.rows.push_back(row_of(plan, b, i));
}

[[nodiscard]] inline CohortTally empty_tally(const Plan& plan) {
  CohortTally out;
  out.plasma.resize(plan.times.size());
  out.summaries.resize(3 + plan.asked.each.time_above.size());
  out.limits.resize(plan.limits.size());
  return out;
}

[[nodiscard]] inline std::unique_ptr<Block> empty_block(const Plan& plan, bool has_columns) {
  auto b = std::make_unique<Block>();
  b->boluses.resize(plan.segments.size());
  b->rates.resize(plan.segments.size());
  b->minutes_above.resize(plan.levels.size() * block_size);
  b->effect_peak.fill(std::numeric_limits<double>::quiet_NaN());
  if (has_columns) b->columns.resize(plan.times.size() * block_size);
  return b;
}

// --- threads -------------------------------------------------------------------------------------------------

/// Shares `blocks` pieces of work between threads: `make_worker(id)` makes what a thread works with, and that is called
/// with the number of each block, and with whom to ask whether it goes on. True where all is done; false where it was
/// stopped. What a thread throws is thrown here.
template <class MakeWorker>
[[nodiscard]] bool share(std::uint64_t blocks, const CohortRun& run, MakeWorker make_worker,
                         const std::function<bool(std::uint64_t)>& on_progress) {
  std::atomic<std::uint64_t> next{0}, done{0};
  std::atomic<bool> is_stopped{false};
  const auto tell_every = std::chrono::milliseconds(50);
  if (run.threads == 1) {
    auto work = make_worker(0U);
    auto told = std::chrono::steady_clock::now();
    std::uint64_t ended = 0;
    bool is_on = true;
    const GoesOn goes_on = [&] {
      if (!is_on || !on_progress) return is_on;
      if (const auto now = std::chrono::steady_clock::now(); now - told >= tell_every) {
        told = now;
        is_on = on_progress(ended);
      }
      return is_on;
    };
    while (ended < blocks && is_on) {
      work(ended, goes_on);
      if (!is_on) break;
      ++ended;
      (void)goes_on();
    }
    return is_on;
  }
  std::mutex mutex;
  std::condition_variable ended;
  unsigned running = run.threads;
  std::exception_ptr thrown;
  std::vector<std::thread> threads;
  const auto labour = [&](unsigned id) {
    try {
      auto work = make_worker(id);
      const GoesOn goes_on = [&is_stopped] { return !is_stopped; };
      for (std::uint64_t k = next++; k < blocks && !is_stopped; k = next++) {
        work(k, goes_on);
        if (!is_stopped) ++done;
      }
    } catch (...) {  // passed on to the caller below
      const std::lock_guard lock(mutex);
      if (!thrown) thrown = std::current_exception();
      is_stopped = true;
    }
    const std::lock_guard lock(mutex);
    --running;
    ended.notify_one();
  };
  const auto join = [&] {
    for (std::thread& t : threads) t.join();
    threads.clear();
  };
  bool goes_on = true;
  try {
    for (unsigned id = 0; id < run.threads; ++id) threads.emplace_back(labour, id);
    std::unique_lock lock(mutex);
    while (!ended.wait_for(lock, tell_every, [&] { return running == 0; })) {
      if (!goes_on || !on_progress) continue;
      lock.unlock();
      goes_on = on_progress(done);
      lock.lock();
      if (!goes_on) is_stopped = true;
    }
  } catch (...) {  // what the caller's own function threw, or a thread that could not be started
    is_stopped = true;
    join();
    throw;
  }
  join();
  if (thrown) std::rethrow_exception(thrown);
  return goes_on;
}

[[nodiscard]] inline std::uint64_t blocks_of(const CohortRequest& asked) noexcept {
  return (asked.subjects + block_size - 1) / block_size;
}
inline void set_block(const CohortRequest& asked, std::uint64_t k, Block& b) noexcept {
  b.first = asked.first + k * block_size;
  b.n = static_cast<std::size_t>(std::min<std::uint64_t>(block_size, asked.subjects - k * block_size));
}

/// Counts everybody; nothing where it was stopped.
[[nodiscard]] inline std::optional<Count> count_all(const Plan& plan, const CohortRun& run,
                                                    const std::function<bool(std::uint64_t)>& on_progress) {
  std::vector<Count> counts(run.threads);
  const auto worker = [&](unsigned id) {
    counts[id].tally = empty_tally(plan);
    return [&plan, &mine = counts[id], block = std::shared_ptr<Block>(empty_block(plan, true))](std::uint64_t k,
                                                                                                const GoesOn& goes_on) {
      set_block(plan.asked, k, *block);
      answer_block(plan, *block, nullptr, goes_on);
      if (goes_on()) count(plan, *block, mine);
    };
  };
  if (!share(blocks_of(plan.asked), run, worker, on_progress)) return std::nullopt;
  Count out = std::move(counts.front());
  if (out.tally.plasma.size() != plan.times.size() || out.tally.summaries.empty()) out.tally = empty_tally(plan);
  for (std::size_t t = 1; t < counts.size(); ++t) {
    if (counts[t].tally.in == 0) continue;
    out.tally = ketpk::merge(std::move(out.tally), counts[t].tally);
    std::move(counts[t].rows.begin(), counts[t].rows.end(), std::back_inserter(out.rows));
  }
  std::sort(out.tally.failed.begin(), out.tally.failed.end(),
            [](const auto& x, const auto& y) { return x.subject < y.subject; });
  std::sort(out.rows.begin(), out.rows.end(), [](const auto& x, const auto& y) { return x.subject < y.subject; });
  return out;
}

// --- the plan ------------------------------------------------------------------------------------------------

/// What a limit asks of subjects, and what is the same for all of them. Adds the level that it speaks of.
[[nodiscard]] inline LimitAsked limit_asked(const Limit& limit, Plan& plan, const Patient& typical) {
  using Of = LimitAsked::Of;
  LimitAsked out{.limit = &limit};
  const Request& each = plan.asked.each;
  const auto has = [&](std::string_view name) {
    return std::find(plan.drawn_names.begin(), plan.drawn_names.end(), name) != plan.drawn_names.end();
  };
  const bool is_of_plasma =
      limit.quantity == LimitQuantity::plasma_peak || limit.quantity == LimitQuantity::time_above_level;
  if (is_of_plasma) {
    if (const auto mismatch = site_mismatch(limit, each.model)) {
      out.why = *mismatch;
    } else if (limit.quantity == LimitQuantity::plasma_peak) {
      out.of = Of::plasma_peak;
    } else {
      out.of = Of::above;
      out.level = plan.levels.size();
      plan.levels.push_back({limit.level->value().in(unit::ng_per_mL), {}});
    }
    return out;
  }
  if (limit.quantity == LimitQuantity::effect_site_peak) {
    out.of = each.model.ke0 ? Of::effect_site_peak : Of::unknown;
    out.why = each.model.ke0 ? "" : "the model has no effect site";
    plan.asks_effect_site = plan.asks_effect_site || each.model.ke0.has_value();
    return out;
  }
  if (!plan.drawn_names.empty()) {
    if (limit.quantity == LimitQuantity::weight) out.of = Of::weight;
    if (limit.quantity == LimitQuantity::age && has("age")) out.of = Of::age;
    if (limit.quantity == LimitQuantity::bmi && (has("height") || each.patient.height)) out.of = Of::subject;
    // Of orders per kg alone, what counts per kg is the same for everybody.
    const bool is_per_weight = limit.quantity == LimitQuantity::dose_per_weight ||
                               limit.quantity == LimitQuantity::rate_per_weight ||
                               limit.quantity == LimitQuantity::bolus_per_weight ||
                               limit.quantity == LimitQuantity::cumulative_dose_per_weight;
    const auto& inputs = each.order.inputs;
    const bool is_alike = std::all_of(inputs.begin(), inputs.end(), is_per_kg) && !each.order.pump;
    if (limit.quantity == LimitQuantity::total_dose || (is_per_weight && !is_alike)) out.of = Of::subject;
    if (out.of != Of::unknown) return out;
  }
  const Reading reading = read_order(each, typical, limit);
  out.why = reading.why;
  if (reading.value) {
    out.of = Of::constant;
    out.constant = *reading.value;
  } else if (reading.outcome == CheckOutcome::passed) {
    out.of = Of::absent;
  }
  return out;
}

/// Whether the exact solution is open to everybody: as `trajectory_of` has it, by what the card is made of.
[[nodiscard]] inline RoadTaken road_of(const Plan& plan) {
  const Order& order = plan.asked.each.order;
  const ModelCard& card = plan.asked.each.model;
  const Layout layout = layout_of(card);
  const auto into_vein = [](const Input& input) {
    return std::visit([](const auto& in) { return in.into.empty() || in.into == "central"; }, input);
  };
  const bool saturates = states_any(card.parameters, "Vmax", "Km");
  const bool is_plain = !layout.has_liver &&
                        std::none_of(card.metabolites.begin(), card.metabolites.end(),
                                     [](const CardMetabolite& m) { return !m.from.empty() || m.delay.has_value(); }) &&
                        std::none_of(card.entries.begin(), card.entries.end(),
                                     [](const CardEntry& e) { return e.compartment == "central"; });
  const bool is_simple = order.is_delivered_as_it_stands() && (plan.kappa.of.empty() || plan.sessions < 2) &&
                         std::all_of(order.inputs.begin(), order.inputs.end(), into_vein);
  if (!is_plain || !is_simple) return RoadTaken::network;
  if (!saturates) return RoadTaken::exact;
  // The lanes of the numerical road do not count minutes above a level, nor follow an effect site.
  return plan.levels.empty() && !plan.asks_effect_site ? RoadTaken::odeint : RoadTaken::network;
}

/// Somebody of the population, to try the request on. Of people who are drawn: all in the middle.
[[nodiscard]] inline Patient somebody(const CohortRequest& asked) {
  Patient p = asked.each.patient;
  const auto put = [&](const std::string& name, double x) {
    if (name == "weight") p.weight = Stated<dim::body>(x, unit::kg, "patient.weight");
    if (name == "height") p.height = Stated<dim::length>(x, unit::cm, "patient.height");
    if (name == "age") p.age = Age(x, unit::yr);
    if (name == "sex") p.sex = x == 1 ? Sex::female : Sex::male;
    if (is_of_every_patient(name) || name == "weight" || name == "height" || name == "age" || name == "sex") return;
    std::erase_if(p.covariates, [&](const PatientCovariate& own) { return own.name == name; });
    p.covariates.push_back({name, x});
  };
  if (const auto* drawn = std::get_if<DrawnPeople>(&asked.population)) {
    for (const DrawnCovariate& c : drawn->all.covariates)
      put(c.name, value_at(marginal(c.distribution), Lanes<2>(0.0))[0]);
    if (drawn->female_share) p.sex = *drawn->female_share >= 0.5 ? Sex::female : Sex::male;
  }
  return p;
}

/// Throws for what is wrong with the request whoever is asked: as `validate(CohortRequest)`, the limits, the instants,
/// the order, and the card in the middle of its population.
[[nodiscard]] inline Plan plan_of(const CohortRequest& asked, const CohortRun& run) {
  validate(asked);
  require(run.threads >= 1 && run.threads <= 1024, Code::range, "threads", "no such number; accepted: 1 to 1024");
  const Request& each = asked.each;
  const ModelCard& card = each.model;
  if (each.limits) {
    require(each.as_of.has_value(), Code::field_missing, "as_of", "not stated; accepted: a date such as 2026-11-21");
    validate(*each.limits, *each.as_of);
  }
  std::optional<Kernels> kernels = run.set ? kernels_for(*run.set) : best_kernels();
  require(kernels.has_value(), Code::arg, "set", "not one that this machine or this build has; accepted: baseline");
  Plan plan{.asked = asked,
            .kernels = *kernels,
            .road = RoadTaken::exact,
            .covariates = covariates_of(card),
            .eta = {},
            .kappa = {},
            .theta = {},
            .theta_times = {},
            .drawn = {},
            .drawn_names = {},
            .segments = {},
            .times = observed_instants(each.observe),
            .runs = {},
            .levels = {},
            .limits = {},
            .compartments = compartments_of(card),
            .places = places_of(card)};
  const Variability* etas = std::get_if<Variability>(&asked.between_subjects);
  if (etas == nullptr && std::get<BetweenSubjects>(asked.between_subjects) == BetweenSubjects::of_the_model)
    etas = &*card.variability;
  plan.eta = varying(etas, card);
  plan.kappa = varying(asked.between_occasions ? &*asked.between_occasions : nullptr, card);
  plan.theta = varying(asked.uncertainty ? &asked.uncertainty->of : nullptr, card);
  if (const auto* drawn = std::get_if<DrawnPeople>(&asked.population)) {
    plan.drawn.push_back(drawn_as(drawn->all));
    if (drawn->men) plan.drawn.push_back(drawn_as(*drawn->men));
    for (const DrawnCovariate& c : drawn->all.covariates) plan.drawn_names.push_back(c.name);
    plan.female_below = normal_quantile(drawn->female_share.value_or(0));
  } else if (const auto* table = std::get_if<PeopleTable>(&asked.population)) {
    plan.drawn_names = table->names;
  }
  // What does not hang on who it is: the analyte, what the card is for, and the order.
  ModelCard anybody = card;
  anybody.domain = {.only_for = card.domain.only_for};
  const bool is_table = std::holds_alternative<PeopleTable>(asked.population);
  const Patient typical = somebody(asked);
  (void)admit(anybody, typical, each.order.analyte, each.allowances);
  require_looked_at(each.patient, std::span<const ModelCard>(&card, 1));
  plan.sessions = each.order.course ? each.order.course->starts.size() : 0;
  plan.segments = dose_segments(each.order);
  plan.runs = runs_of(plan.times, plan.segments);

  std::optional<Micros> until = each.observe.until;
  if (!until && !plan.times.empty()) until = plan.times.back();
  for (std::size_t i = 0; i < each.time_above.size(); ++i) {
    const double level = each.time_above[i].in(unit::ng_per_mL);
    const std::string field = "questions.time_above[" + std::to_string(i) + "]";
    require(std::isfinite(level), Code::nonfinite, field, "not finite; accepted: more than zero");
    require(level > 0, Code::range, field, "no level; accepted: more than zero");
    plan.levels.push_back({level, until});
  }
  if (each.limits)
    for (const Limit& limit : each.limits->limits) plan.limits.push_back(limit_asked(limit, plan, typical));
  // The people of a table are whoever they are, and each of them may be refused by himself.
  if (!is_table) require_compartments(each.order, whom(card, typical));
  plan.road = road_of(plan);
  return plan;
}

// --- what the counts come to ---------------------------------------------------------------------------------

[[nodiscard]] inline Spreading spreading(std::string name, std::string unit, const Tally& tally,
                                         const std::vector<double>& percents) {
  return {.name = std::move(name),
          .unit = std::move(unit),
          .mean = mean(tally),
          .lowest = tally.lowest(),
          .highest = tally.highest(),
          .at_percentiles = percentiles(tally, percents),
          .error_rel = tally.is_exact() ? 0 : Tally::relative_error};
}

[[nodiscard]] inline LimitInCohort limit_in_cohort(const LimitAsked& asked, const BreachTally& counted) {
  LimitInCohort out{.id = asked.limit->id,
                    .quantity = std::string(info(asked.limit->quantity).name),
                    .beyond_soft = {},
                    .beyond_hard = {},
                    .why = asked.why,
                    .most_probability = asked.limit->most_probability};
  if (counted.evaluated == 0) return out;
  out.beyond_soft = proportion(counted.beyond_soft, counted.evaluated);
  out.beyond_hard = proportion(counted.beyond_hard, counted.evaluated);
  return out;
}

[[nodiscard]] inline std::vector<std::string> parameter_columns() {
  return {"V1_L", "CL_L_per_min", "Q2_L_per_min", "V2_L", "Q3_L_per_min", "V3_L"};
}
[[nodiscard]] inline std::vector<std::string> covariate_columns(const Plan& plan) {
  std::vector<std::string> out;
  for (const std::string& name : plan.drawn_names)
    out.push_back(name == "weight" ? "weight_kg" : name == "height" ? "height_cm" : name == "age" ? "age_yr" : name);
  const auto* drawn = std::get_if<DrawnPeople>(&plan.asked.population);
  if (drawn != nullptr && drawn->female_share) out.emplace_back("sex");
  return out;
}

[[nodiscard]] inline Cohort answers(const Plan& plan, CohortTally tally) {
  const CohortRequest& asked = plan.asked;
  Cohort out{.inputs = asked,
             .in = tally.in,
             .ok = tally.ok,
             .failed = std::move(tally.failed),
             .has_statistics = tally.ok > 0 && (tally.ok == tally.in || asked.despite_failures),
             .time = plan.times,
             .mean_ng_per_mL = {},
             .percentile_ng_per_mL = {},
             .summaries = {},
             .limits = {},
             .assessment = assess_cohort(asked.each.limits, {}),
             .covariates = covariate_columns(plan),
             .parameters = parameter_columns(),
             .road = std::string(road_names[static_cast<std::size_t>(plan.road)])};
  if (!out.has_statistics) return out;
  out.percentile_ng_per_mL.assign(asked.percentiles.size(), {});
  for (const Tally& t : tally.plasma) {
    out.mean_ng_per_mL.push_back(mean(t));
    const auto at = percentiles(t, asked.percentiles);
    for (std::size_t p = 0; p < at.size(); ++p) out.percentile_ng_per_mL[p].push_back(at[p]);
    if (!t.is_exact()) out.percentile_error_rel = Tally::relative_error;
  }
  constexpr std::array<std::string_view, 3> names{"cmax", "tmax", "auc_inf"}, units{"ng/mL", "min", "ng h/mL"};
  for (std::size_t k = 0; k < tally.summaries.size(); ++k) {
    const bool is_level = k >= names.size();
    out.summaries.push_back(spreading(
        is_level ? "minutes above " + text_of(asked.each.time_above[k - names.size()]) : std::string(names[k]),
        std::string(is_level ? "min" : units[k]), tally.summaries[k], asked.percentiles));
  }
  for (std::size_t k = 0; k < plan.limits.size(); ++k)
    out.limits.push_back(limit_in_cohort(plan.limits[k], tally.limits[k]));
  out.assessment = assess_cohort(asked.each.limits, out.limits);
  return out;
}

/// Draws what everybody's typical values are in one replicate.
inline void draw_theta(Plan& plan, std::uint64_t replicate) {
  const std::size_t n = plan.theta.of.size();
  std::vector<double> z(n);
  normals<double>({plan.asked.seed, Purpose::theta}, replicate, 0, std::span<double>(z));
  plan.theta_times.assign(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    double x = 0;
    for (std::size_t j = 0; j < n; ++j) x += plan.theta.factor[i * n + j] * z[j];
    plan.theta_times[i] = portable::exp(x);
  }
}

[[nodiscard]] inline Replicate replicate_of(const Cohort& cohort) {
  Replicate out;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const LimitInCohort& l : cohort.limits) {
    out.share_beyond_soft.push_back(l.beyond_soft ? l.beyond_soft->share : nan);
    out.share_beyond_hard.push_back(l.beyond_hard ? l.beyond_hard->share : nan);
  }
  out.plasma = cohort.percentile_ng_per_mL;
  return out;
}

}  // namespace detail::cohort

KETPK_COHORT_INLINE CohortTally merge(CohortTally a, const CohortTally& b) {
  require(a.plasma.size() == b.plasma.size() && a.summaries.size() == b.summaries.size() &&
              a.limits.size() == b.limits.size(),
          Code::arg, "tally", "of another request; accepted: parts of one cohort");
  a.in += b.in;
  a.ok += b.ok;
  a.failed.insert(a.failed.end(), b.failed.begin(), b.failed.end());
  std::sort(a.failed.begin(), a.failed.end(), [](const auto& x, const auto& y) { return x.subject < y.subject; });
  for (std::size_t k = 0; k < a.plasma.size(); ++k) a.plasma[k].add(b.plasma[k]);
  for (std::size_t k = 0; k < a.summaries.size(); ++k) a.summaries[k].add(b.summaries[k]);
  for (std::size_t k = 0; k < a.limits.size(); ++k) {
    a.limits[k].evaluated += b.limits[k].evaluated;
    a.limits[k].beyond_soft += b.limits[k].beyond_soft;
    a.limits[k].beyond_hard += b.limits[k].beyond_hard;
  }
  return a;
}

KETPK_COHORT_INLINE std::variant<CohortTally, Stopped> tally_cohort(const CohortRequest& request,
                                                                    const CohortRun& run) {
  const detail::cohort::Plan plan = detail::cohort::plan_of(request, run);
  std::uint64_t done = 0;
  const auto on_progress = [&](std::uint64_t blocks) {
    done = std::min(blocks * block_size, request.subjects);
    return run.on_progress(done, request.subjects);
  };
  auto counted =
      detail::cohort::count_all(plan, run, run.on_progress ? std::function<bool(std::uint64_t)>(on_progress) : nullptr);
  if (!counted) return Stopped{done, request.subjects};
  return std::move(counted->tally);
}

KETPK_COHORT_INLINE Cohort answers_of(const CohortRequest& request, CohortTally tally) {
  return detail::cohort::answers(detail::cohort::plan_of(request, {}), std::move(tally));
}

KETPK_COHORT_INLINE std::variant<Cohort, Stopped> simulate_cohort(const CohortRequest& request, const CohortRun& run) {
  using namespace detail::cohort;
  Plan plan = plan_of(request, run);
  const std::uint64_t rounds = 1 + (request.uncertainty ? request.uncertainty->replicates : 0);
  std::uint64_t round = 0, done = 0;
  const auto on_progress = [&](std::uint64_t blocks) {
    done = round * request.subjects + std::min(blocks * block_size, request.subjects);
    return run.on_progress(done, rounds * request.subjects);
  };
  const auto told = run.on_progress ? std::function<bool(std::uint64_t)>(on_progress) : nullptr;
  auto counted = count_all(plan, run, told);
  if (!counted) return Stopped{done, rounds * request.subjects};
  Cohort out = answers(plan, std::move(counted->tally));
  out.subjects = std::move(counted->rows);
  if (out.ok == 0) return out;  // nobody to ask again
  for (round = 1; round < rounds; ++round) {
    draw_theta(plan, round - 1);
    auto again = count_all(plan, run, told);
    if (!again) return Stopped{done, rounds * request.subjects};
    const std::vector<Tally> summaries = again->tally.summaries;
    const Cohort one = answers(plan, std::move(again->tally));
    Replicate replicate = replicate_of(one);
    for (const Tally& t : summaries)
      replicate.summaries_median.push_back(one.has_statistics ? percentile(t, 50)
                                                              : std::numeric_limits<double>::quiet_NaN());
    out.replicates.push_back(std::move(replicate));
  }
  return out;
}

namespace detail::cohort {

/// Profiles that are not all there are no numbers, however it came to that.
class Unfinished {
 public:
  explicit Unfinished(std::span<double> rows) noexcept : rows_(rows) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() { std::fill(rows_.begin(), rows_.end(), std::numeric_limits<double>::quiet_NaN()); }
  void is_finished() noexcept { rows_ = {}; }

 private:
  std::span<double> rows_;
};

}  // namespace detail::cohort

KETPK_COHORT_INLINE std::variant<Profiles, Stopped> write_profiles(const CohortRequest& request, std::span<double> rows,
                                                                   const CohortRun& run) {
  using namespace detail::cohort;
  const Plan plan = plan_of(request, run);
  const std::size_t instants = plan.times.size();
  require(instants > 0, Code::field_missing, "observe", "no instant; accepted: at least one");
  require(rows.size() / instants == request.subjects && rows.size() % instants == 0, Code::size, "rows",
          "not one number for each subject and instant; accepted: subjects times instants");
  Unfinished until_all_are_there(run.discards_rows ? std::span<double>() : rows);
  std::vector<Profiles> counts(run.threads, Profiles{0, 0, {}});
  const auto worker = [&](unsigned id) {
    return [&plan, rows, instants, &mine = counts[id], block = std::shared_ptr<Block>(empty_block(plan, false))](
               std::uint64_t k, const GoesOn& goes_on) {
      set_block(plan.asked, k, *block);
      answer_block(plan, *block, rows.data() + k * block_size * instants, goes_on);
      mine.in += block->n;
      mine.ok += block->n - block->failed.size();
      mine.failed.insert(mine.failed.end(), block->failed.begin(), block->failed.end());
    };
  };
  std::uint64_t done = 0;
  const auto on_progress = [&](std::uint64_t blocks) {
    done = std::min(blocks * block_size, request.subjects);
    return run.on_progress(done, request.subjects);
  };
  if (!share(blocks_of(request), run, worker,
             run.on_progress ? std::function<bool(std::uint64_t)>(on_progress) : nullptr))
    return Stopped{done, request.subjects};
  until_all_are_there.is_finished();
  Profiles out{0, 0, {}};
  for (Profiles& c : counts) {
    out.in += c.in;
    out.ok += c.ok;
    out.failed.insert(out.failed.end(), c.failed.begin(), c.failed.end());
  }
  std::sort(out.failed.begin(), out.failed.end(), [](const auto& x, const auto& y) { return x.subject < y.subject; });
  return out;
}

}  // namespace ketpk

#undef KETPK_COHORT_INLINE
