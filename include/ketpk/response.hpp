// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: an effect that turns over has a past of its own, so it cannot be read off a concentration; it is followed along
// the course that drives it. Drug is solved as it is without any effect, and each stretch of constant input begins with
// that solution; the effect goes from stretch to stretch by itself, as a share of its baseline. What it comes to is a
// continuous curve, and is asked like any other (exposure.hpp).

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/effect.hpp"
#include "ketpk/error.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/model.hpp"
#include "ketpk/network.hpp"
#include "ketpk/network_trajectory.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve_network.hpp"
#include "ketpk/solve_ode.hpp"
#include "ketpk/time.hpp"
#include "ketpk/timeline.hpp"

namespace ketpk {

/// An indirect response, and the concentration that drives it.
struct DrivenResponse {
  IndirectResponse response;
  Curve by;
};

/// A network and an effect of it during one stretch: what enters where, and the state it begins with. Its last state is
/// the effect as a share of the baseline, whatever its unit, times a weight. That is light: a trace of drug may change
/// an effect by a lot, and a stiff solver that picks the largest slope to eliminate by must not reckon drug from
/// effect.
class RespondingNetwork {
 public:
  static constexpr std::array<std::size_t, 2> array_sizes{9, 33};
  static constexpr double weight = 0x1p-60;

  /// `begins`: the network's state, and the effect as a share of its baseline.
  RespondingNetwork(std::shared_ptr<const Network> net, DrivenResponse driven, std::vector<Intake> rates,
                    NetworkState begins)
      : net_(std::move(net)),
        relative_(driven.response),
        by_(driven.by),
        unit_(driven.response.baseline / weight),
        rates_(std::move(rates)),
        begins_(std::move(begins)) {
    relative_.baseline = weight;
    begins_.back() *= weight;
  }

  /// The curve of the effect, in its own unit.
  [[nodiscard]] static constexpr Curve effect() noexcept { return Curve::other(0); }

  [[nodiscard]] std::size_t size() const noexcept { return net_->size() + 1; }
  [[nodiscard]] bool has(Curve c) const noexcept { return c == effect() || c == by_ || c == Curve::plasma(); }
  [[nodiscard]] static constexpr bool is_linear(Curve) noexcept { return true; }
  void start(std::span<double> x) const noexcept { std::copy(begins_.begin(), begins_.end(), x.begin()); }
  template <class S>
  void slopes(std::span<const S> x, double, std::span<S> dx) const {
    const std::size_t n = net_->size();
    net_->slopes<S>(x.first(n), dx.first(n));
    for (const Intake& r : rates_) dx[r.place] += S(r.amount);
    dx[n] = slope_of<S>(relative_, x[n], concentration_of<S>(*net_, x, by_));
  }
  void bolus(std::span<double> x, double mg) const noexcept { x[net_->central()] += mg; }
  [[nodiscard]] double value(std::span<const double> x, Curve c) const noexcept {
    return c == effect() ? unit_ * x[net_->size()] : concentration_of<double>(*net_, x, c);
  }
  [[nodiscard]] double share(std::size_t i) const noexcept { return i == net_->size() ? weight : 1; }
  [[nodiscard]] std::string name_of(std::size_t i) const { return i == net_->size() ? "effect" : "of the model"; }

 private:
  std::shared_ptr<const Network> net_;
  IndirectResponse relative_;
  Curve by_;
  double unit_;
  std::vector<Intake> rates_;
  NetworkState begins_;
};

static_assert(DifferentiableModel<RespondingNetwork> && HasStart<RespondingNetwork>);

#ifdef KETPK_COMPILED
extern template Attempt<OdeTrajectory<RespondingNetwork>> solve_ode(const RespondingNetwork&, std::vector<Segment>,
                                                                    Micros, OdeOptions);
#endif

/// A course of networks that drives an effect: `states` as `solve(timeline, solver, n)` gives them. It refers to all
/// three.
struct DrivingCourse {
  const Timeline& timeline;
  const NetworkSolver& solver;
  const std::vector<NetworkState>& states;
};

namespace detail {

/// The volume that a concentration is read in [L].
[[nodiscard]] inline double volume_L(const Network& net, Curve c) noexcept {
  const auto& p = net.parameters();
  return c.kind == Curve::Kind::metabolite ? p.metabolites[c.index].v1_L : p.v1_L;
}

/// Less of a drive than this, as a share of the baseline a minute of kout, is none.
inline constexpr double least_drive = 1e-14;

/// The natural logarithm of the concentration, in c50, that makes so little of a drive.
[[nodiscard]] inline double log_least_in_c50(const IndirectResponse& r) noexcept {
  return std::log(least_drive / std::max(r.most, 1.0)) / std::min(r.hill, 1.0);
}

/// About the most that the effect loses a minute, as a share of it, under a concentration.
[[nodiscard]] inline double fastest_loss_per_min(const IndirectResponse& r, double c_mg_per_L) noexcept {
  return r.kind == Turnover::stimulate_loss ? r.kout_per_min * (1 + drive_of(r, c_mg_per_L)) : r.kout_per_min;
}

/// How long after the last thing that happens nothing is left of the drive.
[[nodiscard]] inline double minutes_to_no_drive(const Network& net, const DrivenResponse& d,
                                                const DrivingCourse& course) {
  double given_mg = 0;
  for (std::size_t k = 0; k < course.timeline.stretches.size(); ++k) {
    const Stretch& s = course.timeline.stretches[k];
    if (s.steady)
      for (const double mg : course.states[k]) given_mg += mg;
    for (const Intake& b : s.boluses) given_mg += b.amount;
    for (const Intake& r : s.rates) given_mg += r.amount * minutes(s.duration);
  }
  // The drug is gone, to 1e-17, after 40 of its longest times; the drive may be gone before that, or later.
  const double in_c50 = given_mg / volume_L(net, d.by) / d.response.c50_mg_per_L;
  const double longer = (5 + std::log(std::max(in_c50, 1.0)) - log_least_in_c50(d.response)) / 40;
  const auto& p = net.parameters();
  return longer * minutes_to_rest(p, slowest_in_plasma(p, course.timeline), given_mg);
}

}  // namespace detail

/// Carries an effect, as a share of its baseline, over stretches of a course of networks.
class ResponseSolver {
 public:
  struct Options {
    double rtol = 1e-11;
    OdeMethod method = OdeMethod::dormand_prince;  ///< of stretches that are not stiff
  };

  /// Refers to `drug`, which must outlive it.
  ResponseSolver(const NetworkSolver& drug, DrivenResponse driven, Options options)
      : drug_(drug), driven_(driven), options_(options) {}

  /// Drug and effect at the start of a stretch.
  struct Begins {
    const NetworkState& drug;
    double effect;
  };

  /// Whether explicit steps would be too many: as of a network, the effect's own rate among the others.
  [[nodiscard]] bool is_stiff(const Begins& b, const Stretch& s) const {
    const Network& net = drug_.networks().at(s.record);
    if (method_for(net, s.duration) == OdeMethod::rosenbrock) return true;
    double mg = 0;
    for (const double e : b.drug) mg += e;
    for (const Intake& r : s.rates) mg += r.amount * minutes(s.duration);
    const double loss = detail::fastest_loss_per_min(driven_.response, mg / detail::volume_L(net, driven_.by));
    return !(loss * minutes(s.duration) <= stiffest_for_explicit_steps);
  }

  /// The whole course of a stretch; with `only_at`, what is asked of it.
  [[nodiscard]] Attempt<OdeTrajectory<RespondingNetwork>> course(const Begins& b, const Stretch& s,
                                                                 std::vector<Micros> only_at = {}) const {
    // What is returned may outlive the networks.
    const auto net = std::make_shared<const Network>(drug_.networks().at(s.record));
    NetworkState x = b.drug;
    x.push_back(b.effect);
    // A place may be off by what makes no drive, but the effect, which is measured alike, by 1e-15 at most; below 1e-25
    // of what there is, nothing is told apart.
    const double most = std::max(*std::max_element(b.drug.begin(), b.drug.end()), RespondingNetwork::weight);
    const double nothing_mg = driven_.response.c50_mg_per_L * detail::volume_L(*net, driven_.by) *
                              std::exp(detail::log_least_in_c50(driven_.response));
    OdeOptions steps{.rtol = options_.rtol, .atol_per_dose = std::clamp(nothing_mg / most, 1e-25, 1e-15)};
    steps.method = is_stiff(b, s) ? OdeMethod::rosenbrock : options_.method;
    steps.only_at = std::move(only_at);
    return solve_ode(RespondingNetwork(net, driven_, s.rates, std::move(x)), {Segment{Micros{0}, Micros{0}, 0, 0}},
                     s.duration, std::move(steps));
  }

  /// The effect at the end of a stretch.
  [[nodiscard]] Attempt<double> after(const Begins& b, const Stretch& s) const {
    if (s.duration.count() == 0) return b.effect;
    const auto solved = course(b, s, {s.duration});
    if (const auto* trouble = std::get_if<Trouble>(&solved)) return *trouble;
    return std::get<0>(solved).state_at(s.duration).back() / RespondingNetwork::weight;
  }

  /// The effect that goes with the steady state of a train that replaces what was there, seen at its phase. It is
  /// linear in itself: over one interval it goes from E to A E + B, and rests at B / (1 - A). `Trouble` as of the
  /// drug's own steady state, and where it would take more than 100,000 intervals to settle.
  [[nodiscard]] Attempt<double> steady(const Train& train) const {
    constexpr double least_left = 1e-5;
    const Trouble unsettled{Code::solver, "steady state",
                            "the effect is not in a steady state: it turns over too slowly, or is not lost at all, "
                            "under what is given"};
    const Train before{train.dose, Micros{0}, train.record};
    auto drug = drug_.steady(before);
    if (const auto* trouble = std::get_if<Trouble>(&drug)) return *trouble;
    const NetworkState& begins = std::get<0>(drug);
    if (train.dose.is_constant()) {
      const double c = concentration_of<double>(drug_.networks().at(train.record), begins, driven_.by);
      IndirectResponse relative = driven_.response;
      relative.baseline = 1;
      const double build_up = slope_of(relative, 0.0, c), loss = build_up - slope_of(relative, 1.0, c);
      if (!(loss >= least_left * relative.kout_per_min)) return unsettled;
      return build_up / loss;
    }
    // What is left of the error of an interval, it divides by 1 - A.
    const ResponseSolver precise(drug_, driven_, {.rtol = std::min(options_.rtol, 1e-13), .method = options_.method});
    const auto over = [&](double effect, Micros span) { return precise.over_interval({begins, effect}, train, span); };
    const Micros interval = train.dose.interval;
    const auto from_0 = over(0, interval), from_1 = over(1, interval);
    for (const auto* attempt : {&from_0, &from_1})
      if (const auto* trouble = std::get_if<Trouble>(attempt)) return *trouble;
    const double b = std::get<double>(from_0), left = 1 - (std::get<double>(from_1) - b);
    if (!(left >= least_left)) return unsettled;
    const double near = b / left;
    const auto next = over(near, interval);
    if (const auto* trouble = std::get_if<Trouble>(&next)) return *trouble;
    return over(near + (std::get<double>(next) - near) / left, train.phase);
  }

 private:
  /// From just before a dose of a train to `span` later.
  [[nodiscard]] Attempt<double> over_interval(const Begins& b, const Train& train, Micros span) const {
    NetworkState drug = b.drug;
    Attempt<double> effect = b.effect;
    for (const Stretch& s : interval_of(train, span)) {
      for (const Intake& in : s.boluses) drug[in.place] += in.amount;
      effect = after({drug, std::get<double>(effect)}, s);
      if (std::holds_alternative<Trouble>(effect)) return effect;
      auto then = drug_.after(std::move(drug), s.rates, s.duration, s.record);
      if (auto* trouble = std::get_if<Trouble>(&then)) return std::move(*trouble);
      drug = std::get<0>(std::move(then));
    }
    return effect;
  }

  const NetworkSolver& drug_;
  DrivenResponse driven_;
  Options options_;
};

namespace detail {

/// From baseline on, stretch after stretch: `see(k, effect)` is told what stretch k begins with, as a share of the
/// baseline, and says what it ends with. A reset empties the body of drug; the effect is then what it is at rest.
template <class See>
[[nodiscard]] std::optional<Trouble> carry(const DrivingCourse& course, const ResponseSolver& solver, See see) {
  Attempt<double> effect = 1.0;
  for (std::size_t k = 0; k < course.timeline.stretches.size(); ++k) {
    const Stretch& s = course.timeline.stretches[k];
    if (s.is_emptied) effect = 1.0;
    if (s.steady) effect = solver.steady(*s.steady);
    if (std::holds_alternative<double>(effect)) effect = see(k, std::get<double>(effect));
    if (auto* trouble = std::get_if<Trouble>(&effect)) {
      trouble->message += " (after " + to_text(minutes(s.start)) + " min)";
      return std::move(*trouble);
    }
  }
  return std::nullopt;
}

/// Superposition does not hold for what turns over.
inline void require_no_added_steady_state(const Timeline& timeline) {
  for (const Stretch& s : timeline.stretches)
    require(!s.steady || s.steady->dose.steady_state != SteadyState::adds, Code::arg, "timeline",
            "a steady state that is added, which an effect that turns over does not have; accepted: one that replaces");
}

}  // namespace detail

/// The course of one effect that turns over, up to where drug and effect are back at rest. The last segment begins
/// where nothing drives the effect any more: it goes back to its baseline by kout alone.
class ResponseTrajectory {
 public:
  /// The curve of the effect, in its own unit; the only one that is asked here.
  [[nodiscard]] static constexpr Curve effect() noexcept { return RespondingNetwork::effect(); }

  [[nodiscard]] const std::vector<Segment>& segments() const noexcept { return segments_; }
  [[nodiscard]] bool has(Curve c) const noexcept { return c == effect(); }
  [[nodiscard]] double length_min(std::size_t segment) const noexcept {
    return segment < pieces_.size() ? pieces_[segment].length_min(0) : 40 / kout_per_min_;
  }
  [[nodiscard]] double at(std::size_t segment, double minute, Curve c) const {
    if (segment < pieces_.size()) return pieces_[segment].at(0, minute, c);
    return baseline_ * (1 + beyond_rest_ * std::exp(-kout_per_min_ * minute));
  }
  [[nodiscard]] std::vector<double> turning_points(std::size_t segment, Curve c) const {
    return segment < pieces_.size() ? pieces_[segment].turning_points(0, c) : std::vector<double>();
  }
  /// The effect at `t`, in its own unit. Past the end of what was solved it is at rest. Throws E_RANGE(t) before 0.
  [[nodiscard]] double value(Micros t) const {
    require(t >= Micros{0}, Code::range, "t", "before the course; accepted: 0 or later");
    const auto after = std::upper_bound(segments_.begin(), segments_.end(), t,
                                        [](Micros instant, const Segment& s) { return instant < s.start; });
    const auto i = static_cast<std::size_t>(after - segments_.begin()) - 1;
    const double minute = minutes(t - segments_[i].start);
    return minute > length_min(i) ? baseline_ : at(i, minute, effect());
  }
  [[nodiscard]] double baseline() const noexcept { return baseline_; }
  /// Whether any stretch was so stiff that implicit steps were taken.
  [[nodiscard]] bool is_stiff() const noexcept { return is_stiff_; }

 private:
  ResponseTrajectory() = default;
  friend Attempt<ResponseTrajectory> respond(const DrivingCourse& course, const DrivenResponse& driven,
                                             OdeMethod method);

  std::vector<Segment> segments_;
  std::vector<OdeTrajectory<RespondingNetwork>> pieces_;
  double baseline_ = 0, kout_per_min_ = 0;
  double beyond_rest_ = 0;  ///< of the effect where the last segment begins, as a share of the baseline
  bool is_stiff_ = false;
};

static_assert(Trajectory<ResponseTrajectory>);

/// The effect along a course that begins at 0 and has no end, from its baseline. Each dose edge begins a stretch, so no
/// input is stepped over; a reset puts the effect back to its baseline with the drug to none, as NONMEM does with a
/// compartment that A_0 initialises. Stiff stretches choose their steps by themselves; `method` is for the others.
/// Throws E_ARG(timeline) for a steady state that is added to what is there. `Trouble` as `solve_ode`, with the
/// instant; also where the slowest rate would need longer than can be counted.
[[nodiscard]] inline Attempt<ResponseTrajectory> respond(const DrivingCourse& course, const DrivenResponse& driven,
                                                         OdeMethod method = OdeMethod::dormand_prince) {
  detail::require_no_added_steady_state(course.timeline);
  ResponseTrajectory out;
  out.baseline_ = driven.response.baseline;
  out.kout_per_min_ = driven.response.kout_per_min;
  const std::size_t last = course.timeline.stretches.size() - 1;
  const Stretch& open = course.timeline.stretches[last];
  const auto no_drive =
      detail::as_micros(detail::minutes_to_no_drive(course.solver.networks().at(open.record), driven, course));
  if (!no_drive || !detail::as_micros(minutes(*no_drive) + 40 / out.kout_per_min_))
    return Trouble{Code::solver, "odeint", "a rate of the effect is so slow that its course has no end"};
  const ResponseSolver solver(course.solver, driven, {.method = method});
  auto trouble = detail::carry(course, solver, [&](std::size_t k, double effect) -> Attempt<double> {
    Stretch s = course.timeline.stretches[k];
    if (k == last) s.duration = *no_drive;
    if (s.duration.count() == 0) return effect;  // the next begins at the same instant
    out.segments_.push_back({s.start, s.duration, 0, 0});
    const ResponseSolver::Begins begins{course.states[k], effect};
    out.is_stiff_ = out.is_stiff_ || solver.is_stiff(begins, s);
    auto piece = solver.course(begins, s);
    if (auto* t = std::get_if<Trouble>(&piece)) return std::move(*t);
    out.pieces_.push_back(std::get<0>(std::move(piece)));
    const double ends = out.pieces_.back().state_at(s.duration).back() / RespondingNetwork::weight;
    out.beyond_rest_ = ends - 1;
    return ends;
  });
  if (trouble) return *std::move(trouble);
  out.segments_.push_back({open.start + *no_drive, Micros{0}, 0, 0});
  return out;
}

/// An effect at the start of each stretch, after all that happens there, in its own unit.
struct Responses {
  std::vector<double> values;
  bool is_stiff = false;  ///< whether any stretch was so stiff that implicit steps were taken
};

/// The effect where stretches begin; networks may change from stretch to stretch. Throws and `Trouble` as `respond`.
[[nodiscard]] inline Attempt<Responses> responses(const DrivingCourse& course, const DrivenResponse& driven,
                                                  OdeMethod method = OdeMethod::dormand_prince) {
  detail::require_no_added_steady_state(course.timeline);
  const ResponseSolver solver(course.solver, driven, {.method = method});
  Responses out;
  out.values.reserve(course.timeline.stretches.size());
  auto trouble = detail::carry(course, solver, [&](std::size_t k, double effect) {
    const Stretch& s = course.timeline.stretches[k];
    const ResponseSolver::Begins begins{course.states[k], effect};
    out.values.push_back(driven.response.baseline * effect);
    out.is_stiff = out.is_stiff || (s.duration.count() > 0 && solver.is_stiff(begins, s));
    return solver.after(begins, s);
  });
  if (trouble) return *std::move(trouble);
  return out;
}

}  // namespace ketpk
