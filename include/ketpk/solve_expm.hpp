// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a second road for linear models so stiff that a Runge–Kutta solver would take millions of steps. It shares
// nothing with the exact solver: no eigenvalues, no subtraction. Every quantity is a concentration measured against
// its equilibrium with plasma, so whatever a compartment loses goes to another one or out through clearance, like a
// walker who moves between rooms. The chances of such a walk over 1 us come from a series of non-negative terms;
// doubling the time again and again is multiplication of chances; an instant in whole microseconds is reached by the
// bits of its count. Sums and products of non-negative numbers lose no digits, however far the rates lie apart.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/model.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

namespace detail::expm {

/// The effect site, or the one or two compartments of a metabolite: fed by the parent, never feeding it.
struct Child {
  std::array<std::array<double, 3>, 2> parent{};
  std::array<std::array<double, 2>, 2> own{};
  std::array<double, 2> lost{}, input{};
};
inline constexpr std::size_t most_children = 1 + most_metabolites;

/// What becomes of the system over one stretch of time, as the blocks of one non-negative matrix. Rows are what is
/// looked at afterwards, columns what was there before: the parent's three compartments, what is eliminated
/// (`lost`), an input of 1 mg/L/min into plasma (`input`); `area` and `area_input` are the row of the area under
/// plasma.
struct Flow {
  std::array<std::array<double, 3>, 3> parent{};
  std::array<double, 3> lost{}, input{}, area{};
  double area_input = 0;
  double keep = 1;  ///< diagonal of what has no exit: the eliminated, the input, the area
  std::array<Child, most_children> child{};
};

struct State {
  std::array<double, 3> parent{};
  double area = 0;
  std::array<std::array<double, 2>, most_children> child{};
};

[[nodiscard]] inline double dot(const std::array<double, 3>& a, const std::array<double, 3>& b) noexcept {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
[[nodiscard]] inline double dot(const std::array<double, 2>& a, const std::array<double, 2>& b) noexcept {
  return a[0] * b[0] + a[1] * b[1];
}
[[nodiscard]] inline double sum(const std::array<double, 3>& a) noexcept { return a[0] + a[1] + a[2]; }
[[nodiscard]] inline double sum(const std::array<double, 2>& a) noexcept { return a[0] + a[1]; }

/// `out` = x y; the blocks that are always zero are left out. `out` is neither `x` nor `y`.
inline void multiply(const Flow& x, const Flow& y, std::size_t children, Flow& out) noexcept {
  const auto column = [&](std::size_t j) { return std::array{y.parent[0][j], y.parent[1][j], y.parent[2][j]}; };
  const std::array<std::array<double, 3>, 3> columns{column(0), column(1), column(2)};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) out.parent[i][j] = dot(x.parent[i], columns[j]);
    out.lost[i] = dot(x.parent[i], y.lost) + x.lost[i] * y.keep;
    out.input[i] = dot(x.parent[i], y.input) + x.input[i] * y.keep;
    out.area[i] = dot(x.area, columns[i]) + x.keep * y.area[i];
  }
  out.area_input = dot(x.area, y.input) + x.area_input * y.keep + x.keep * y.area_input;
  out.keep = x.keep * y.keep;
  for (std::size_t k = 0; k < children; ++k) {
    const Child &a = x.child[k], &b = y.child[k];
    Child& c = out.child[k];
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t j = 0; j < 3; ++j)
        c.parent[i][j] = dot(a.parent[i], columns[j]) + a.own[i][0] * b.parent[0][j] + a.own[i][1] * b.parent[1][j];
      for (std::size_t j = 0; j < 2; ++j) c.own[i][j] = a.own[i][0] * b.own[0][j] + a.own[i][1] * b.own[1][j];
      c.lost[i] = dot(a.parent[i], y.lost) + dot(a.own[i], b.lost) + a.lost[i] * y.keep;
      c.input[i] = dot(a.parent[i], y.input) + dot(a.own[i], b.input) + a.input[i] * y.keep;
    }
  }
}

/// `x` = f(x, y) for every entry in use.
template <class F>
void combine(Flow& x, const Flow& y, std::size_t children, F f) {
  const auto all = [&](auto& a, const auto& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = f(a[i], b[i]);
  };
  for (std::size_t i = 0; i < 3; ++i) all(x.parent[i], y.parent[i]);
  all(x.lost, y.lost);
  all(x.input, y.input);
  all(x.area, y.area);
  x.area_input = f(x.area_input, y.area_input);
  x.keep = f(x.keep, y.keep);
  for (std::size_t k = 0; k < children; ++k) {
    Child& a = x.child[k];
    const Child& b = y.child[k];
    for (std::size_t i = 0; i < 2; ++i) {
      all(a.parent[i], b.parent[i]);
      all(a.own[i], b.own[i]);
    }
    all(a.lost, b.lost);
    all(a.input, b.input);
  }
}

/// A row's chances and what is lost add up to one. Rounding in a row's sum would double with each doubling of the
/// time; taking the sum from what is lost, which is known to all its digits while it is small, stops that.
/// (The idea of Grassmann, Taksar and Heyman, Oper Res 1985;33:1107, doi 10.1287/opre.33.5.1107.)
inline void complete_rows(Flow& x, std::size_t children) noexcept {
  const auto scale = [](auto& row, double by) {
    for (double& e : row) e *= by;
  };
  for (std::size_t i = 0; i < 3; ++i)
    if (x.lost[i] < 0.5) scale(x.parent[i], (1 - x.lost[i]) / sum(x.parent[i]));
  for (std::size_t k = 0; k < children; ++k) {
    Child& c = x.child[k];
    for (std::size_t i = 0; i < 2; ++i) {
      if (!(c.lost[i] < 0.5)) continue;
      const double by = (1 - c.lost[i]) / (sum(c.parent[i]) + sum(c.own[i]));
      scale(c.parent[i], by);
      scale(c.own[i], by);
    }
  }
}

/// Rates per minute of a model, on the diagonal too: minus what leaves a place, plus `fastest`, the most that leaves
/// any place; so no entry is negative. c1' = -CL/V1 c1 + Q2/V1 (c2 - c1) + Q3/V1 (c3 - c1); ce' = ke0 (c1 - ce);
/// a metabolite in units of fraction CL / CLm, to which it settles at c1 = 1: m1' = CLm/Vm1 (c1 - m1) + Qm/Vm1 (m2 -
/// m1).
[[nodiscard]] inline Flow shifted_rates(const Parameters<double>& p, std::size_t& children) noexcept {
  Flow r;
  r.parent = {{{0, p.q2_L_per_min / p.v1_L, p.q3_L_per_min / p.v1_L},
               {p.q2_L_per_min / p.v2_L, 0, 0},
               {p.q3_L_per_min / p.v3_L, 0, 0}}};
  r.lost[0] = p.cl_L_per_min / p.v1_L;
  r.input[0] = 1;
  r.area[0] = 1;
  children = 0;
  if (p.ke0_per_min) r.child[children++].parent[0][0] = *p.ke0_per_min;
  for (const auto& m : p.metabolites) {
    Child& c = r.child[children++];
    c.parent[0][0] = m.cl_L_per_min / m.v1_L;
    c.own = {{{0, m.q2_L_per_min / m.v1_L}, {m.q2_L_per_min / m.v2_L, 0}}};
  }
  const auto leaves = [](const Child& c, std::size_t i) { return sum(c.parent[i]) + c.own[i][1 - i]; };
  double fastest = 0;
  for (std::size_t i = 0; i < 3; ++i) fastest = std::max(fastest, sum(r.parent[i]) + r.lost[i]);
  for (std::size_t k = 0; k < children; ++k)
    for (std::size_t i = 0; i < 2; ++i) fastest = std::max(fastest, leaves(r.child[k], i));
  for (std::size_t i = 0; i < 3; ++i) r.parent[i][i] = fastest - (sum(r.parent[i]) + r.lost[i]);
  for (std::size_t k = 0; k < children; ++k)
    for (std::size_t i = 0; i < 2; ++i) r.child[k].own[i][i] = fastest - leaves(r.child[k], i);
  r.keep = fastest;
  return r;
}

/// What becomes of the system over 1 us: over a 2^-n of it by a series, then n doublings.
[[nodiscard]] inline Flow over_one_microsecond(Flow rates, std::size_t children) noexcept {
  const double fastest = rates.keep;
  double h = 1 / micros_per_minute;
  int doublings = 0;
  for (; fastest * h > 0.25; h /= 2) ++doublings;

  // exp(M h) = exp(-fastest h) sum of ((M + fastest) h)^n / n!
  Flow term, result, next;
  for (std::size_t i = 0; i < 3; ++i) term.parent[i][i] = 1;
  for (std::size_t k = 0; k < children; ++k) term.child[k].own = {{{1, 0}, {0, 1}}};
  result = term;
  // From anywhere to anywhere it takes five moves at most; the other n - 5 of the n-th term are detours, whose
  // share of every entry is below (fastest h)^(n - 5) / (n - 5)!.
  double share = 1;
  for (int n = 1; share > 1e-17; ++n) {
    multiply(term, rates, children, next);
    combine(term, next, children, [&](double, double e) { return e * h / n; });
    combine(result, term, children, [](double e, double more) { return e + more; });
    if (n > 5) share *= fastest * h / (n - 5);
  }
  const double unshift = std::exp(-fastest * h);
  combine(result, result, children, [&](double e, double) { return e * unshift; });
  result.keep = 1;
  complete_rows(result, children);
  for (int i = 0; i < doublings; ++i) {
    multiply(result, result, children, next);
    complete_rows(next, children);
    result = next;
  }
  return result;
}

}  // namespace detail::expm

/// The course of a linear model, reached from each segment's start by powers of two of a microsecond.
class ExpmTrajectory {
 public:
  [[nodiscard]] const std::vector<Segment>& segments() const noexcept { return segments_; }
  /// The last instant that can be asked.
  [[nodiscard]] Micros horizon() const noexcept { return horizon_; }

  [[nodiscard]] bool has(Curve c) const noexcept {
    if (c.kind == Curve::Kind::effect_site) return has_effect_site_;
    return c.kind == Curve::Kind::plasma || (c.kind == Curve::Kind::metabolite && c.index < metabolite_scale_.size());
  }

  /// Concentration at `t` [mg/L]; at the instant of a bolus the one after it.
  /// Throws E_RANGE for an instant outside 0 to `horizon()`, E_ARG for a curve the model does not have.
  [[nodiscard]] double value(Micros t, Curve c) const {
    require(has(c), Code::arg, "curve", "not a curve of this model; accepted: plasma, and what the model has");
    if (c.kind == Curve::Kind::plasma) return at(t, 0, 0).parent[0];
    if (c.kind == Curve::Kind::effect_site) return at(t, 0, 1).child[0][0];
    const std::size_t k = c.index + (has_effect_site_ ? 1 : 0);
    return metabolite_scale_[c.index] * at(t, k, k + 1).child[k][0];
  }

  /// Area under plasma from 0 to `t` [mg min/L]. Throws E_RANGE as `value`.
  [[nodiscard]] double auc_mg_min_per_L(Micros t) const { return at(t, 0, 0).area; }

 private:
  ExpmTrajectory() = default;
  friend Attempt<ExpmTrajectory> solve_expm(const Parameters<double>& p, std::vector<Segment> segments, Micros horizon);

  /// `s` after `us` microseconds of constant input; children outside [first, last) are left behind.
  void advance(detail::expm::State& s, double input_mg_per_L_per_min, std::int64_t us, std::size_t first,
               std::size_t last) const noexcept {
    using detail::expm::dot;
    const double u = input_mg_per_L_per_min;
    for (auto bits = static_cast<std::uint64_t>(us); bits != 0; bits &= bits - 1) {
      const detail::expm::Flow& f = doubled_[static_cast<std::size_t>(std::countr_zero(bits))];
      s.area += dot(f.area, s.parent) + u * f.area_input;
      for (std::size_t k = first; k < last; ++k) {
        const auto& c = f.child[k];
        const std::array<double, 2> before = s.child[k];
        for (std::size_t i = 0; i < 2; ++i)
          s.child[k][i] = dot(c.parent[i], s.parent) + dot(c.own[i], before) + u * c.input[i];
      }
      const std::array<double, 3> before = s.parent;
      for (std::size_t i = 0; i < 3; ++i) s.parent[i] = dot(f.parent[i], before) + u * f.input[i];
    }
  }

  [[nodiscard]] detail::expm::State at(Micros t, std::size_t first, std::size_t last) const {
    require(t >= Micros{0} && t <= horizon_, Code::range, "t", "outside the solved course; accepted: 0 to its horizon");
    const auto after = std::upper_bound(segments_.begin(), segments_.end(), t,
                                        [](Micros instant, const Segment& s) { return instant < s.start; });
    const auto i = static_cast<std::size_t>(after - segments_.begin()) - 1;
    detail::expm::State s = starts_[i];
    advance(s, segments_[i].rate_mg_per_min / v1_L_, (t - segments_[i].start).count(), first, last);
    return s;
  }

  std::vector<Segment> segments_;
  Micros horizon_{0};
  double v1_L_ = 1;
  bool has_effect_site_ = false;
  std::vector<double> metabolite_scale_;     ///< fraction CL / CL of the metabolite
  std::vector<detail::expm::Flow> doubled_;  ///< over 2^k us
  std::vector<detail::expm::State> starts_;  ///< just after the bolus of each segment
};

/// The course of `segments` up to `horizon`, or to the last edge where that comes later.
/// Throws E_MODEL_PARAM as `validate(Parameters)`, and E_SEGMENT for segments with a gap, out of order, or with an
/// input that is not zero or a positive number. Rates that no double can hold are `Trouble{solver}`.
[[nodiscard]] inline Attempt<ExpmTrajectory> solve_expm(const Parameters<double>& p, std::vector<Segment> segments,
                                                        Micros horizon) {
  validate(p);
  validate(segments);

  ExpmTrajectory out;
  out.horizon_ = std::max(horizon, segments.back().start);
  out.v1_L_ = p.v1_L;
  out.has_effect_site_ = p.ke0_per_min.has_value();

  std::size_t children = 0;
  const detail::expm::Flow rates = detail::expm::shifted_rates(p, children);
  if (!(rates.keep <= 1e30)) return Trouble{Code::solver, "expm", "at 0 min: a rate constant above 1e30 per min"};
  for (const auto& m : p.metabolites) out.metabolite_scale_.push_back(m.fraction * p.cl_L_per_min / m.cl_L_per_min);

  Micros longest = out.horizon_ - segments.back().start;
  for (const Segment& s : segments) longest = std::max(longest, s.duration);
  const auto levels = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(longest.count())));
  out.doubled_.reserve(levels);
  for (std::size_t k = 0; k < levels; ++k) {
    if (k == 0) {
      out.doubled_.push_back(detail::expm::over_one_microsecond(rates, children));
      continue;
    }
    detail::expm::Flow& next = out.doubled_.emplace_back();
    detail::expm::multiply(out.doubled_[k - 1], out.doubled_[k - 1], children, next);
    detail::expm::complete_rows(next, children);
  }

  detail::expm::State state;
  out.starts_.reserve(segments.size());
  for (const Segment& s : segments) {
    state.parent[0] += s.bolus_mg / p.v1_L;
    out.starts_.push_back(state);
    out.advance(state, s.rate_mg_per_min / p.v1_L, s.duration.count(), 0, children);
  }
  out.segments_ = std::move(segments);
  return out;
}

}  // namespace ketpk
