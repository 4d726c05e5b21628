// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a peak is a number; what it hangs on is what somebody can do something about. Here each outcome of a course is
// asked how it answers to every number of the card, to the weight, to the dose and to how long it takes. Nothing is
// computed twice with a small change: the card's own rules and its network are evaluated in dual numbers, the state is
// carried to the instant that matters by a matrix exponential in dual numbers, and where that instant itself moves it
// is moved. At a turning point it need not be: there the curve is flat (the envelope theorem); a peak at the end of an
// infusion moves with that end, a crossing of a level by what the curve changes over how steep it is.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/body_size.hpp"
#include "ketpk/delivery.hpp"
#include "ketpk/dual.hpp"
#include "ketpk/error.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/model.hpp"
#include "ketpk/network.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/time.hpp"
#include "ketpk/trajectory.hpp"

namespace ketpk {

/// What a course amounts to that can be asked what it hangs on.
enum class OutcomeKind : std::uint8_t { peak, total_area, time_above };
inline constexpr std::array<std::string_view, 3> outcome_kind_names{"cmax", "auc_inf", "time_above"};

/// What an outcome can answer to. A weight changes the model by its rules, and the dose where that is stated per kg of
/// a dosing weight that follows it; a dose is every amount and rate of the order together; a duration is that of one
/// infusion, whose amount stays where that was stated, and whose rate stays where that was.
enum class InputKind : std::uint8_t { parameter, weight, dose, duration };
inline constexpr std::array<std::string_view, 4> input_kind_names{"parameter", "weight", "dose", "duration"};

/// How an outcome answers to one input: dy/dx, and the elasticity (dy / y) / (dx / x), "so many per cent for each one".
struct Sensitivity {
  std::string input;  ///< CL, gut.ka, norketamine.CL, norketamine.fraction, weight, dose, order[0].over
  InputKind kind;
  double value;                                       ///< in `unit`
  std::string unit;                                   ///< as the card states it; kg, mg, min; 1 for a fraction
  std::optional<double> slope;                        ///< [unit of the outcome per `unit`]
  std::optional<double> elasticity;                   ///< absent without a slope, and where the outcome is 0
  std::optional<double> by_model = {}, by_dose = {};  ///< of the weight: the shares of the elasticity
  std::string absent = {};                            ///< why there is no slope
};

/// One outcome and what it hangs on, what moves it most first, what has no slope last. A number of the card that it
/// does not depend on at all is not listed, nor is one that is 0.
struct OutcomeSensitivity {
  OutcomeKind kind;
  std::string curve;                           ///< plasma, effect_site, or a metabolite's name
  std::optional<double> level_ng_per_mL = {};  ///< of a time above
  double value;                                ///< in `unit`
  std::string_view unit;                       ///< ng/mL, ng h/mL or min
  std::vector<Sensitivity> inputs;
};

/// Most inputs of a course, sessions and pieces counted, that are asked what they do.
inline constexpr std::size_t most_doses_for_sensitivity = 1'000;

/// What is asked, beside the course itself. All of it outlives the call.
struct SensitivityQuestion {
  const ModelCard& card;
  const Patient& patient;
  const Order& order;
  const Regimen& ordered;
  const Delivery* delivery = nullptr;  ///< where what went in can be another thing than the order
  std::vector<double> levels_ng_per_mL = {};
  std::optional<Micros> until = {};  ///< of times above

  [[nodiscard]] const Regimen& given() const noexcept { return delivery != nullptr ? delivery->given : ordered; }
};

namespace detail::answering {

using D = Dual<1>;

/// A number and what it moves by.
[[nodiscard]] inline D moving(double value, double slope) noexcept {
  D x(value);
  x.slope[0] = slope;
  return x;
}

/// One thing that is varied: the individual, how each dose follows, or why nobody can say.
struct Variation {
  std::string input;
  InputKind kind;
  double value;
  std::string unit;
  IndividualOf<D> person;
  /// Of each dose that is given: the slope of its amount and rate as a share of them, and that of its end [min].
  struct OfDose {
    double share = 0, end_min = 0;
  };
  std::vector<OfDose> doses;
  std::string absent = {};
};

/// Something begins, ends or enters at an instant, which may move.
struct Edge {
  Micros at;
  double at_slope;  ///< [min]
  std::size_t place;
  D bolus_mg, rate_mg_per_min;  ///< enters; is added to the rate
};

/// An instant at which the state is looked at: `tau` minutes after a dose edge, after all that happens there.
struct Instant {
  Micros from;
  double tau = 0;

  [[nodiscard]] double minute() const noexcept { return minutes(from) + tau; }
  /// Whether it is that edge itself, and moves with it.
  [[nodiscard]] bool is_edge() const noexcept { return tau == 0; }
};

/// The state, and how fast it changes.
struct Seen {
  std::vector<D> x, per_min;
};

/// Of 1 mg in j, what is in i after some time; of 1 mg/min into the k-th inlet all that time, what is in i. The series
/// of the rate matrix with its diagonal made non-negative has no term that takes away from another; what is too long
/// for it is halved, and squared back.
class Carrier {
 public:
  Carrier(const NetworkOf<D>& net, std::vector<std::size_t> inlets) : n_(net.size()), inlets_(std::move(inlets)) {
    size_ = n_ + inlets_.size();
    rates_.assign(size_ * size_, D(0.0));
    std::vector<D> unit(n_), column(n_);
    for (std::size_t j = 0; j < n_; ++j) {
      std::fill(unit.begin(), unit.end(), D(0.0));
      unit[j] = 1;
      net.template slopes<D>(unit, column);
      for (std::size_t i = 0; i < n_; ++i) rates_[i * size_ + j] = column[i];
      fastest_per_min_ = std::max(fastest_per_min_, -column[j].value);
    }
    for (std::size_t k = 0; k < inlets_.size(); ++k) rates_[inlets_[k] * size_ + n_ + k] = 1;
  }

  /// `x` after `min` minutes of `rates`, one for each inlet.
  [[nodiscard]] std::vector<D> after(const std::vector<D>& x, const std::vector<D>& rates, double min) {
    if (min == 0) return x;
    return product(over(min), x, rates);
  }
  /// Its change per minute.
  [[nodiscard]] std::vector<D> per_min(const std::vector<D>& x, const std::vector<D>& rates) const {
    return product(rates_, x, rates);
  }
  [[nodiscard]] std::size_t inlet_at(std::size_t place) const noexcept {
    return static_cast<std::size_t>(std::find(inlets_.begin(), inlets_.end(), place) - inlets_.begin());
  }
  [[nodiscard]] std::size_t inlets() const noexcept { return inlets_.size(); }

 private:
  using Matrix = std::vector<D>;

  /// What the rows of `by` make of a state and its inlets' rates.
  [[nodiscard]] std::vector<D> product(const Matrix& by, const std::vector<D>& x, const std::vector<D>& rates) const {
    std::vector<D> out(n_);
    for (std::size_t i = 0; i < n_; ++i) {
      D sum = 0;
      for (std::size_t j = 0; j < n_; ++j) sum += by[i * size_ + j] * x[j];
      for (std::size_t k = 0; k < rates.size(); ++k) sum += by[i * size_ + n_ + k] * rates[k];
      out[i] = sum;
    }
    return out;
  }

  void multiply(const Matrix& a, const Matrix& b, Matrix& out) const {
    std::fill(out.begin(), out.end(), D(0.0));
    for (std::size_t i = 0; i < size_; ++i)
      for (std::size_t m = 0; m < size_; ++m) {
        const D& x = a[i * size_ + m];
        if (x.value == 0 && x.slope[0] == 0) continue;
        for (std::size_t j = 0; j < size_; ++j) out[i * size_ + j] += x * b[m * size_ + j];
      }
  }

  [[nodiscard]] const Matrix& over(double min) {
    const auto known = kept_.find(min);
    if (known != kept_.end()) return known->second;
    double h = min;
    int halvings = 0;
    for (; fastest_per_min_ * h > 0.5; h /= 2) ++halvings;
    Matrix term(size_ * size_), sum, next(size_ * size_), step = rates_;
    for (std::size_t i = 0; i < size_; ++i) {
      step[i * size_ + i] += fastest_per_min_;
      term[i * size_ + i] = 1;
    }
    for (D& e : step) e *= h;
    sum = term;
    for (int k = 1; k <= 24; ++k) {
      multiply(step, term, next);
      for (D& e : next) e /= k;
      std::swap(term, next);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += term[i];
    }
    const double unshift = std::exp(-fastest_per_min_ * h);
    for (D& e : sum) e *= unshift;
    for (; halvings > 0; --halvings) {
      multiply(sum, sum, next);
      std::swap(sum, next);
    }
    return kept_.emplace(min, std::move(sum)).first->second;
  }

  std::size_t n_, size_ = 0;
  std::vector<std::size_t> inlets_;
  Matrix rates_;
  double fastest_per_min_ = 0;
  std::map<double, Matrix> kept_;
};

/// A course in dual numbers, as far as its edges.
class DualCourse {
 public:
  DualCourse(const Variation& v, const Whom& whom, const Regimen& given) : net_(v.person.parameters) {
    for (std::size_t i = 0; i < given.doses.size(); ++i) {
      const Dose& d = given.doses[i];
      const std::size_t c = compartment_of(whom, d);
      const EntryOf<D>& entry = v.person.entries[c];
      const Micros lag{static_cast<std::int64_t>(std::round(entry.lag_min.value * micros_per_minute))};
      const double start = entry.lag_min.slope[0], end = start + v.doses[i].end_min;
      const D share = moving(1, v.doses[i].share) * entry.bioavailability;
      const std::size_t place = whom.places[c];
      if (d.is_bolus()) {
        edges_.push_back({d.at + lag, start, place, d.amount_mg * share, 0});
        entered_.push_back({place, d.amount_mg * share});
      } else {
        edges_.push_back({d.at + lag, start, place, 0, d.rate_mg_per_min * share});
        edges_.push_back({d.end() + lag, end, place, 0, -(d.rate_mg_per_min * share)});
        entered_.push_back({place, d.rate_mg_per_min * share * moving(minutes(d.over), v.doses[i].end_min)});
      }
    }
    std::stable_sort(edges_.begin(), edges_.end(), [](const Edge& a, const Edge& b) { return a.at < b.at; });
  }

  [[nodiscard]] const NetworkOf<D>& network() const noexcept { return net_; }

  /// How the edge at `t` moves [min]; absent where two that differ meet there. Where there is none, it stays.
  [[nodiscard]] std::optional<double> edge_slope(Micros t) const {
    std::optional<double> slope;
    for (const Edge& e : edges_) {
      if (e.at != t) continue;
      if (slope && *slope != e.at_slope) return std::nullopt;
      slope = e.at_slope;
    }
    return slope.value_or(0);
  }

  /// The states at these instants, which are in order. Those at edges move with them, others stay.
  [[nodiscard]] std::vector<Seen> at(const std::vector<Instant>& instants) const {
    std::vector<std::size_t> inlets;
    for (const Edge& e : edges_)
      if (std::find(inlets.begin(), inlets.end(), e.place) == inlets.end()) inlets.push_back(e.place);
    Carrier carrier(net_, inlets);
    std::vector<D> x(net_.size(), D(0.0)), rates(carrier.inlets(), D(0.0));
    Micros now{0};
    double now_slope = 0;
    const auto carried = [&](double min, double slope) {
      std::vector<D> there = carrier.after(x, rates, min);
      if (slope != 0) {
        const std::vector<D> change = carrier.per_min(there, rates);
        for (std::size_t i = 0; i < there.size(); ++i) there[i].slope[0] += slope * change[i].value;
      }
      return there;
    };
    std::vector<Seen> seen;
    std::size_t next = 0;
    for (const Instant& t : instants) {
      for (; next < edges_.size() && minutes(edges_[next].at - t.from) <= t.tau; ++next) {
        const Edge& e = edges_[next];
        x = carried(minutes(e.at - now), e.at_slope - now_slope);
        now = e.at;
        now_slope = e.at_slope;
        x[e.place] += e.bolus_mg;
        rates[carrier.inlet_at(e.place)] += e.rate_mg_per_min;
      }
      const double moves = t.is_edge() ? edge_slope(t.from).value_or(0) : 0;
      Seen s{.x = carried(minutes(t.from - now) + t.tau, moves - now_slope), .per_min = {}};
      s.per_min = carrier.per_min(s.x, rates);
      seen.push_back(std::move(s));
    }
    return seen;
  }

  /// The area without end [mg min/L]: what is cleared of plasma, or of a metabolite, has passed it.
  [[nodiscard]] D area(Curve c) const {
    const Parameters<D>& p = net_.parameters();
    const Layout& layout = net_.layout();
    D own = 0, parent = 0, reached = 0;
    for (const auto& [place, mg] : entered_) {
      if (place < net_.parent_end()) {
        parent += mg;
        reached += mg * net_.reaches_plasma(place);
      } else if (c.kind == Curve::Kind::metabolite && layout.metabolite_at(place) == c.index) {
        own += mg;
      }
    }
    if (c.kind != Curve::Kind::metabolite) return reached / linear_clearance(p);
    const auto& m = p.metabolites[c.index];
    if (m.from)
      own += m.fraction * p.metabolites[*m.from].cl_L_per_min * area(Curve::metabolite(*m.from));
    else
      own += m.fraction * net_.may_form() * parent;
    return own / m.cl_L_per_min;
  }

  [[nodiscard]] D concentration(const std::vector<D>& x, Curve c) const {
    switch (c.kind) {
      case Curve::Kind::effect_site: return net_.effect_site_mg_per_L(x);
      case Curve::Kind::metabolite: return net_.metabolite_mg_per_L(x, c.index);
      default: return net_.plasma_mg_per_L(x);
    }
  }

 private:
  struct Entered {
    std::size_t place;
    D mg;
  };
  NetworkOf<D> net_;
  std::vector<Edge> edges_;
  std::vector<Entered> entered_;
};

/// A bound of a stretch above a level: where the curve passes it, or an instant at which it jumps or is cut.
struct Bound {
  Instant at;
  bool passes;  ///< the curve is continuous there
  bool ends;
  bool is_cut = false;  ///< the end of what was asked, which stays
};

/// An outcome, and the instants it hangs on.
struct Target {
  OutcomeKind kind;
  Curve curve;
  std::optional<double> level_mg_per_L = {};
  double value;                    ///< mg/L, mg min/L or min
  std::vector<Bound> bounds = {};  ///< of a time above; of a peak, the peak itself
};

/// The instant `tau` minutes into segment `i`; the end of a segment is the start of the next.
template <Trajectory T>
[[nodiscard]] Instant instant_of(const T& trajectory, std::size_t i, double tau) {
  const auto& segments = trajectory.segments();
  if (tau == trajectory.length_min(i) && i + 1 < segments.size()) return {segments[i + 1].start, 0};
  return {segments[i].start, tau};
}

/// The earliest highest point, found as `peak` finds it.
template <Trajectory T>
[[nodiscard]] Target peak_of(const Course<T>& course) {
  const Extreme found = highest(course);
  Target target{.kind = OutcomeKind::peak, .curve = course.curve, .value = found.value};
  for (const Piece& p : course.pieces) {
    const double start = minutes(course.trajectory.segments()[p.segment].start);
    if (!target.bounds.empty() || start + p.from_tau != found.min) continue;
    target.bounds.push_back({instant_of(course.trajectory, p.segment, p.from_tau), false, false});
  }
  if (target.bounds.empty()) {  // it rises to its end
    const Piece& last = course.pieces.back();
    target.bounds.push_back({instant_of(course.trajectory, last.segment, last.to_tau), false, false});
  }
  return target;
}

/// The minutes above a level and the bounds between which they are counted.
template <Trajectory T>
[[nodiscard]] Target above(const Course<T>& course, double level, std::optional<Micros> until) {
  Target target{.kind = OutcomeKind::time_above,
                .curve = course.curve,
                .level_mg_per_L = level,
                .value = minutes_over(course, level, until).minutes};
  bool inside = false;
  const auto add = [&](const Bound& bound) {
    target.bounds.push_back(bound);
    inside = !inside;
  };
  for (const Piece& p : course.pieces) {
    const Micros start = course.trajectory.segments()[p.segment].start;
    if (until && !(p.from_tau < minutes(*until - start))) break;
    const bool is_cut = until && p.to_tau > minutes(*until - start);
    const double to_tau = is_cut ? minutes(*until - start) : p.to_tau;
    const double to = is_cut ? course.trajectory.at(p.segment, to_tau, course.curve) : p.to;
    if ((p.from > level) != inside) add({instant_of(course.trajectory, p.segment, p.from_tau), false, inside});
    if ((p.from > level) != (to > level)) {
      const double tau = crossing(course, level, {p.segment, p.from_tau, to_tau, p.from, to});
      add({{start, tau}, true, inside});
    }
    if (is_cut && inside) add({{start, to_tau}, false, true, true});
  }
  return target;
}

/// How one outcome moves with what is varied; or why it has no slope.
[[nodiscard]] inline std::variant<D, std::string> answer(const DualCourse& course, const Target& target,
                                                         const std::vector<Seen>& seen) {
  if (target.kind == OutcomeKind::total_area) return course.area(target.curve);
  if (target.kind == OutcomeKind::peak) {
    const Instant& at = target.bounds.front().at;
    if (at.is_edge() && !course.edge_slope(at.from))
      return "inputs that begin and end at the instant of the peak part there, one way or the other";
    return course.concentration(seen.front().x, target.curve);
  }
  D minutes_above = target.value;
  for (std::size_t i = 0; i < target.bounds.size(); ++i) {
    const Bound& bound = target.bounds[i];
    double moves = 0;
    if (bound.passes) {
      // Where C(t) = level: dt/dp = -(dC/dp) / (dC/dt).
      moves = -course.concentration(seen[i].x, target.curve).slope[0] /
              course.concentration(seen[i].per_min, target.curve).value;
      if (!std::isfinite(moves)) return "the curve is flat where it meets the level";
    } else if (!bound.is_cut && bound.at.is_edge()) {
      const auto edge = course.edge_slope(bound.at.from);
      if (!edge) return "inputs that begin and end at the instant of a jump part there, one way or the other";
      moves = *edge;
    }
    minutes_above.slope[0] += bound.ends ? moves : -moves;
  }
  return minutes_above;
}

/// The individual in dual numbers: a number of the card, or the weight, is varied.
[[nodiscard]] inline IndividualOf<D> person_along(const SensitivityQuestion& asked, const void* varied,
                                                  double weight_slope) {
  const std::vector<std::string> names = covariates_of(asked.card);
  const D weight = moving(asked.patient.weight.value().in(unit::kg), weight_slope);
  std::vector<D> values;
  values.reserve(names.size());
  for (const std::string& name : names) values.push_back(covariate_at(asked.patient, name, weight));
  const CovariateValuesOf<D> covariates{names, values, varied};
  return {parameters_at(asked.card, covariates), entries(asked.card, covariates)};
}

/// Which input of the ordered regimen dose `i` of what was given is a piece of.
[[nodiscard]] inline std::size_t input_of(const SensitivityQuestion& asked, std::size_t i) {
  return asked.delivery != nullptr ? asked.delivery->input_of[i] : i;
}
/// The entry of the order that it is of; absent for what a saved state carries over, which has happened.
[[nodiscard]] inline std::optional<std::size_t> entry_at(const SensitivityQuestion& asked, std::size_t i) {
  const std::size_t input = input_of(asked, i);
  if (input < asked.ordered.carried || input >= asked.ordered.doses.size()) return std::nullopt;
  return entry_of(asked.ordered, input);
}

[[nodiscard]] inline bool is_per_body(const Input& input) {
  return std::visit(
      [](const auto& in) {
        using T = std::decay_t<decltype(in)>;
        if constexpr (std::is_same_v<T, InfuseAtRate>)
          return in.rate.unit().dimension.body != 0;
        else
          return in.amount.unit().dimension.body != 0;
      },
      input);
}

/// Why an infusion that was interfered with does not follow in proportion; empty where it does.
[[nodiscard]] inline std::string interference(const SensitivityQuestion& asked, std::size_t entry, bool per_body_only) {
  for (const Event& e : asked.order.events) {
    if (e.of_saved || e.input != entry) continue;
    if (const auto* change = std::get_if<ChangeRate>(&e.act)) {
      if (!per_body_only) return "its rate was changed on the way";
      if ((change->to.unit().dimension.body != 0) != is_per_body(asked.order.inputs[entry]))
        return "its rate was changed on the way, and one of the two is per kg";
    }
    if (!per_body_only && std::holds_alternative<RestartRemainder>(e.act)) return "its remainder was started again";
  }
  return {};
}

constexpr std::string_view pump_between = "a pump's steps or a line stand between the order and the vein";

/// Doses all at once, by the same factor.
[[nodiscard]] inline Variation of_dose(const SensitivityQuestion& asked, IndividualOf<D> person) {
  Variation v{"dose", InputKind::dose, 0, "mg", std::move(person), {}};
  if (asked.order.pump) v.absent = pump_between;
  for (std::size_t i = 0; i < asked.given().doses.size(); ++i) {
    const bool follows = entry_at(asked, i).has_value();
    if (follows) v.value += asked.given().doses[i].amount_mg;
    v.doses.push_back({.share = follows ? 1.0 : 0.0});
  }
  // Per mg of all of them.
  for (auto& d : v.doses) d.share /= v.value;
  if (v.value == 0) v.absent = "nothing is given that was not already under way";
  return v;
}

/// Doses per kg, where the dosing weight follows the weight; the model stays.
[[nodiscard]] inline Variation of_weight_by_dose(const SensitivityQuestion& asked, IndividualOf<D> person) {
  const double kg = asked.patient.weight.value().in(unit::kg);
  Variation v{"weight", InputKind::weight, kg, "kg", std::move(person), {}};
  double share = 0;  // of the dosing weight, per kg
  if (const auto* rule = std::get_if<WeightRule>(&asked.patient.dosing_weight)) {
    D dosing = moving(kg, 1);
    if (const auto size = size_behind(*rule)) dosing = std::get<D>(size_at(asked.patient, *size, dosing));
    share = dosing.slope[0] / dosing.value;
  }
  bool follows = false;
  for (std::size_t i = 0; i < asked.given().doses.size(); ++i) {
    const auto entry = entry_at(asked, i);
    const bool this_one = share != 0 && entry && is_per_body(asked.order.inputs[*entry]);
    if (share != 0 && entry && v.absent.empty()) v.absent = interference(asked, *entry, true);
    follows = follows || this_one;
    v.doses.push_back({.share = this_one ? share : 0.0});
  }
  if (follows && asked.order.pump) v.absent = pump_between;
  return v;
}

/// How long infusion `entry` of the order takes, in every session of a course.
[[nodiscard]] inline std::optional<Variation> of_duration(const SensitivityQuestion& asked, std::size_t entry,
                                                          const IndividualOf<D>& person) {
  const Input& input = asked.order.inputs[entry];
  const auto* by_amount = std::get_if<Infuse>(&input);
  const auto* by_rate = std::get_if<InfuseAtRate>(&input);
  if (by_amount == nullptr && by_rate == nullptr) return std::nullopt;
  const double over = minutes(by_amount != nullptr ? by_amount->over : by_rate->over);
  Variation v{"order[" + std::to_string(entry) + "].over", InputKind::duration, over, "min", person, {}};
  v.absent = asked.order.pump ? std::string(pump_between) : interference(asked, entry, false);
  const auto& given = asked.given().doses;
  v.doses.resize(given.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (entry_at(asked, i) != entry) continue;
    if (by_amount != nullptr) v.doses[i].share = -1 / over;
    const std::size_t of = input_of(asked, i);
    bool is_last = true;
    for (std::size_t later = i + 1; later < given.size() && is_last; ++later) is_last = input_of(asked, later) != of;
    const bool completes = asked.delivery == nullptr || asked.delivery->inputs[of].state == DeliveryState::complete;
    if (is_last && completes) v.doses[i].end_min = 1;
  }
  return v;
}

/// Everything that is varied, one after another; the weight twice, by the model and by the dose.
[[nodiscard]] inline std::vector<Variation> variations_of(const SensitivityQuestion& asked) {
  std::vector<Variation> all;
  const std::size_t n = asked.given().doses.size();
  const auto number = [&](const std::string& name, double value, std::string_view unit, const void* at) {
    if (value == 0) return;  // nothing to take a share of
    all.push_back({name, InputKind::parameter, value, std::string(unit), person_along(asked, at, 0),
                   std::vector<Variation::OfDose>(n)});
  };
  const auto parameter = [&](const std::string& of, const CardParameter& p) {
    number(of + p.name, p.value.number(), p.value.unit().name, &p);
  };
  const ModelCard& card = asked.card;
  for (const CardParameter& p : card.parameters) parameter("", p);
  if (card.ke0) parameter("", *card.ke0);
  for (const CardDepot& d : card.depots) parameter(d.name + '.', d.ka);
  for (const CardEntry& e : card.entries)
    for (const auto* p : {&e.bioavailability, &e.lag})
      if (*p) parameter(e.compartment + '.', **p);
  for (const CardMetabolite& m : card.metabolites) {
    number(m.name + ".fraction", m.fraction, "1", &m);
    for (const CardParameter& p : m.parameters) parameter(m.name + '.', p);
    if (m.delay) parameter(m.name + '.', m.delay->mtt);
  }
  const IndividualOf<D> still = person_along(asked, nullptr, 0);
  all.push_back(of_dose(asked, still));
  for (std::size_t entry = 0; entry < asked.order.inputs.size(); ++entry)
    if (auto v = of_duration(asked, entry, still)) all.push_back(*std::move(v));
  all.push_back({"weight", InputKind::weight, asked.patient.weight.value().in(unit::kg), "kg",
                 person_along(asked, nullptr, 1), std::vector<Variation::OfDose>(n)});
  all.push_back(of_weight_by_dose(asked, still));
  return all;
}

[[nodiscard]] inline std::string_view unit_of(OutcomeKind kind) noexcept {
  constexpr std::array<std::string_view, 3> units{"ng/mL", "ng h/mL", "min"};
  return units[static_cast<std::size_t>(kind)];
}
[[nodiscard]] inline double in_unit(OutcomeKind kind, double value) noexcept {
  constexpr std::array<double, 3> factors{1000, 1000.0 / 60, 1};  // of mg/L, mg min/L, min
  return factors[static_cast<std::size_t>(kind)] * value;
}

/// The two shares of the weight, which come one after the other, in one.
[[nodiscard]] inline Sensitivity together(const Sensitivity& model, const Sensitivity& dose) {
  Sensitivity sum = model;
  sum.by_model = model.elasticity;
  sum.by_dose = dose.elasticity;
  if (!dose.slope) {
    sum.slope = sum.elasticity = std::nullopt;
    sum.absent = dose.absent;
  }
  if (sum.slope && dose.slope) *sum.slope += *dose.slope;
  if (sum.elasticity && dose.elasticity) *sum.elasticity += *dose.elasticity;
  return sum;
}

/// What moves an outcome most first, without a slope last.
inline void sort_by_size(std::vector<Sensitivity>& inputs) {
  const auto size = [](const Sensitivity& s) {
    return s.elasticity ? std::abs(*s.elasticity) : s.slope ? std::abs(*s.slope * s.value) : -1.0;
  };
  std::stable_sort(inputs.begin(), inputs.end(),
                   [&](const Sensitivity& a, const Sensitivity& b) { return size(a) > size(b); });
}

/// The outcomes of a course, each with its instants.
template <Trajectory T>
[[nodiscard]] std::vector<Target> targets_of(const SensitivityQuestion& asked, const std::vector<Course<T>>& courses) {
  std::vector<Target> targets;
  for (const Course<T>& c : courses) {
    targets.push_back(peak_of(c));
    if (c.curve.kind != Curve::Kind::effect_site)
      targets.push_back(
          {.kind = OutcomeKind::total_area, .curve = c.curve, .value = c.trajectory.auc_to_infinity(c.curve)});
    if (c.curve == Curve::plasma())
      for (const double level : asked.levels_ng_per_mL) targets.push_back(above(c, level / 1000, asked.until));
  }
  return targets;
}

[[nodiscard]] inline std::string curve_name(const ModelCard& card, Curve c) {
  if (c.kind == Curve::Kind::metabolite) return card.metabolites[c.index].name;
  return c.kind == Curve::Kind::effect_site ? "effect_site" : "plasma";
}

}  // namespace detail::answering

/// Throws E_MODEL_PARAM(questions.sensitivity) for a model whose elimination saturates, where no exponential carries a
/// state; E_SIZE(questions.sensitivity) above 1,000 inputs and pieces.
inline void require_answerable(const Parameters<double>& p, const Regimen& given) {
  require(!p.saturable, Code::model_param, "questions.sensitivity",
          "elimination that saturates, along which slopes are not carried; accepted: a model without Vmax and Km");
  require(given.doses.size() <= most_doses_for_sensitivity, Code::size, "questions.sensitivity",
          "too many inputs in all; accepted: up to 1000");
}

/// What every outcome of a course hangs on: of plasma the peak, the total area and the minutes above each level, of an
/// effect site its peak, of a metabolite its peak and area. `courses` as `courses_of` gives them. Throws as
/// `require_answerable`. `Trouble` where the state that is carried along is not that of the course, to 1e-6.
template <Trajectory T>
[[nodiscard]] Attempt<std::vector<OutcomeSensitivity>> sensitivities(const SensitivityQuestion& asked,
                                                                     const std::vector<Course<T>>& courses) {
  namespace a = detail::answering;
  const Whom who = whom(asked.card, asked.patient);
  require_answerable(who.person.parameters, asked.given());
  const std::vector<a::Target> targets = a::targets_of(asked, courses);
  struct Look {
    a::Instant at;
    std::size_t target, bound;
  };
  std::vector<Look> looks;
  std::vector<std::vector<a::Seen>> seen(targets.size());
  for (std::size_t t = 0; t < targets.size(); ++t) {
    seen[t].resize(targets[t].bounds.size());
    for (std::size_t b = 0; b < targets[t].bounds.size(); ++b) looks.push_back({targets[t].bounds[b].at, t, b});
  }
  std::stable_sort(looks.begin(), looks.end(),
                   [](const Look& x, const Look& y) { return x.at.minute() < y.at.minute(); });
  std::vector<a::Instant> instants;
  for (const Look& look : looks) instants.push_back(look.at);

  std::vector<OutcomeSensitivity> out;
  out.reserve(targets.size());
  for (const a::Target& t : targets)
    out.push_back({.kind = t.kind,
                   .curve = a::curve_name(asked.card, t.curve),
                   .level_ng_per_mL = t.level_mg_per_L ? std::optional(*t.level_mg_per_L * 1000) : std::nullopt,
                   .value = a::in_unit(t.kind, t.value),
                   .unit = a::unit_of(t.kind),
                   .inputs = {}});
  for (const a::Variation& v : a::variations_of(asked)) {
    const a::DualCourse course(v, who, asked.given());
    if (v.absent.empty()) {
      std::vector<a::Seen> states = course.at(instants);
      for (std::size_t k = 0; k < looks.size(); ++k) seen[looks[k].target][looks[k].bound] = std::move(states[k]);
    }
    for (std::size_t t = 0; t < targets.size(); ++t) {
      Sensitivity s{v.input, v.kind, v.value, v.unit, std::nullopt, std::nullopt};
      s.absent = v.absent;
      if (v.absent.empty()) {
        const auto answer = a::answer(course, targets[t], seen[t]);
        if (const auto* why = std::get_if<std::string>(&answer)) {
          s.absent = *why;
        } else {
          const a::D& y = std::get<a::D>(answer);
          if (!(std::abs(y.value - targets[t].value) <= 1e-6 * std::abs(targets[t].value)) ||
              !std::isfinite(y.slope[0]))
            return Trouble{Code::internal_check, "sensitivity",
                           "the state that slopes are carried with is not that of the course; no numbers are given"};
          // What is below 1e-13 of the outcome is rounding.
          const bool is_none = std::abs(y.slope[0] * v.value) <= 1e-13 * std::abs(targets[t].value);
          s.slope = is_none ? 0 : a::in_unit(targets[t].kind, y.slope[0]);
          if (targets[t].value != 0) s.elasticity = is_none ? 0 : y.slope[0] * v.value / targets[t].value;
        }
      }
      auto& inputs = out[t].inputs;
      const bool is_second_share = !inputs.empty() && inputs.back().input == s.input && s.kind == InputKind::weight;
      if (is_second_share)
        inputs.back() = a::together(inputs.back(), s);
      else if (s.kind != InputKind::parameter || !s.slope || *s.slope != 0)
        inputs.push_back(std::move(s));
    }
  }
  for (OutcomeSensitivity& o : out) a::sort_by_size(o.inputs);
  return out;
}

namespace detail::answering {

/// "falls by 0.6 % for each 1 % of CL".
[[nodiscard]] inline std::string follows(const Sensitivity& s) {
  constexpr std::array<std::string_view, 4> articles{"", "the ", "the ", "the duration of "};
  const bool is_only_infusion = s.kind == InputKind::duration && s.input == "order[0].over";
  const std::string name =
      is_only_infusion ? "the duration" : std::string(articles[static_cast<std::size_t>(s.kind)]) + s.input;
  const double e = *s.elasticity;
  if (std::abs(e - 1) < 0.005) return "follows " + name + " one to one";
  if (std::abs(e) < 0.005) return "hardly depends on " + name;
  return (e < 0 ? "falls by " : "rises by ") + plain_text(std::abs(e), 2) + " % for each 1 % of " + name;
}

}  // namespace detail::answering

/// One sentence on what drives an outcome: the dose, the two numbers of the card that move it most, how long an only
/// infusion takes, and the weight with its two shares where it has both.
[[nodiscard]] inline std::string driver_of(const OutcomeSensitivity& o) {
  namespace a = detail::answering;
  constexpr std::array<std::string_view, 3> told{"The peak", "The total area", "The time above "};
  std::string what(told[static_cast<std::size_t>(o.kind)]);
  if (o.level_ng_per_mL) what += detail::plain_text(*o.level_ng_per_mL, detail::shown_digits) + " ng/mL";
  if (o.curve != "plasma") what += " of " + o.curve;
  if (o.value == 0) return what + " is 0, and stays so where something changes a little.";
  std::vector<std::string> parts;
  const auto add = [&](InputKind kind, std::size_t most) {
    const auto is_asked = [&](const Sensitivity& s) { return s.kind == kind && s.elasticity; };
    if (kind == InputKind::duration && std::count_if(o.inputs.begin(), o.inputs.end(), is_asked) > 1) return;
    for (const Sensitivity& s : o.inputs) {
      if (!is_asked(s) || most == 0) continue;
      --most;
      parts.push_back(a::follows(s));
      if (s.by_model && s.by_dose && *s.by_model != 0 && *s.by_dose != 0)
        parts.back() += " (" + detail::plain_text(*s.by_model, 2) + " % by the model, " +
                        detail::plain_text(*s.by_dose, 2) + " % by the dose)";
    }
  };
  add(InputKind::dose, 1);
  add(InputKind::parameter, 2);
  add(InputKind::duration, 1);
  add(InputKind::weight, 1);
  for (const Sensitivity& s : o.inputs)
    if (s.kind == InputKind::dose && !s.slope) parts.push_back("has no slope to the dose, as " + s.absent);
  if (parts.empty()) return what + " has no slope here.";
  for (std::size_t i = 0; i < parts.size(); ++i)
    what += (i == 0 ? " " : i + 1 < parts.size() ? ", " : " and ") + parts[i];
  return what + '.';
}

}  // namespace ketpk
