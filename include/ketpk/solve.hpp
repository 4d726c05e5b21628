// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the exact solution, and the reason it can be trusted. With x_i = amount_i / sqrt(V_i) the mammillary
// rate matrix is -G'G, where the rows of G hold square roots of CL, Q2 and Q3 over volumes; one-sided Jacobi
// rotations of G's columns give its rates and couplings to full relative accuracy, also where rates meet.
// (Demmel, Veselic, SIAM J Matrix Anal Appl 1992;13:1204, doi 10.1137/0613074, on why one-sided Jacobi keeps
// small values.) Every curve is then a sum of non-negative terms: parent modes that decay, and second-layer
// nodes (effect site, metabolites) fed by plasma through divided differences. Nothing is ever a difference of
// large like numbers.
//
// The algebra is generic in the scalar: double for one patient, `Lanes` for patients who share their dose edges.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/exponential.hpp"
#include "ketpk/model.hpp"
#include "ketpk/root.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// A mammillary system seen from its central compartment: concentration after a unit amount [1/L] is
/// sum of coupling_j^2 exp(-rate_j t). A compartment that is not there leaves a mode of coupling 0.
template <class S>
struct Modes {
  std::array<S, 3> rate_per_min;
  std::array<S, 3> coupling;  ///< [1/sqrt(L)], >= 0
};

/// Something that plasma feeds and that decays by itself: dz/dt = gain * C1 - rate * z. The curve is z [mg/L].
template <class S>
struct Node {
  S rate_per_min, gain_per_min;
};

/// A linear model reduced to what its curves need.
template <class S>
struct Response {
  Modes<S> parent;
  std::vector<Node<S>> nodes;
  bool has_effect_site = false;
  S cl_L_per_min, v1_L;

  [[nodiscard]] std::size_t metabolites() const noexcept { return (nodes.size() - (has_effect_site ? 1 : 0)) / 2; }
  /// The nodes whose sum is the curve; none for plasma.
  [[nodiscard]] std::pair<std::size_t, std::size_t> nodes_of(Curve c) const noexcept {
    if (c.kind == Curve::Kind::plasma) return {0, 0};
    if (c.kind == Curve::Kind::effect_site) return {0, 1};
    const std::size_t first = (has_effect_site ? 1 : 0) + 2 * c.index;
    return {first, first + 2};
  }
};

namespace detail {

/// Makes columns p and q of G orthogonal, and turns the couplings with them.
/// Columns that are orthogonal to rounding are left alone; says whether any lane turned.
template <class S>
[[nodiscard, gnu::always_inline]] inline bool rotate(std::array<S, 3>& gp, std::array<S, 3>& gq, S& up, S& uq) {
  using std::abs, std::copysign, std::sqrt;
  const S a = gp[0] * gp[0] + gp[1] * gp[1] + gp[2] * gp[2];
  const S b = gq[0] * gq[0] + gq[1] * gq[1] + gq[2] * gq[2];
  const S c = gp[0] * gq[0] + gp[1] * gq[1] + gp[2] * gq[2];
  const auto is_turned = c * c > 2e-31 * (a * b);  // below 4.5e-16 of their lengths there is rounding only
  if (!any(is_turned)) return false;
  // tan 2 phi = 2 c / (b - a); of its two angles the smaller one, t = tan phi. The angle only steers: what must be
  // exact is that sine and cosine belong together, as they do for any h = tan phi/2, here t/2 - t^3/8 + t^5/16 - 5
  // t^7/128 ...
  const S across = c + c, apart = b - a;
  const S whole = abs(apart) + sqrt(apart * apart + across * across);
  const S t = select(is_turned, copysign(across, across * apart) / select(is_turned, whole, S(1.0)), S(0.0));
  const S tt = t * t;
  const S h = t * (0.5 - tt * (0.125 - tt * (0.0625 - tt * (0.0390625 - tt * (0.02734375 - tt * 0.0103)))));
  const S per = 1.0 / (1.0 + h * h), cosine = (1.0 - h * h) * per, sine = (h + h) * per;
  const auto turn = [&](S& x, S& y) {
    const S old = x;
    x = cosine * old - sine * y;
    y = sine * old + cosine * y;
  };
  for (std::size_t i = 0; i < 3; ++i) turn(gp[i], gq[i]);
  turn(up, uq);
  return true;
}

}  // namespace detail

/// Rates and couplings of a mammillary system, without its effect site and metabolites. At most six sweeps; three or
/// four are the rule (tests/test_solve.cpp: worst relative error of a curve over 96 + 10,000 cases).
template <class S>
[[nodiscard]] Modes<S> modes(const Parameters<S>& p) {
  using std::abs, std::sqrt;
  const auto root = [](const S& x, const S& y) { return sqrt(x / y); };
  const S zero = p.v1_L - p.v1_L;
  std::array<std::array<S, 3>, 3> g{
      {{root(p.cl_L_per_min, p.v1_L), root(p.q2_L_per_min, p.v1_L), root(p.q3_L_per_min, p.v1_L)},
       {zero, zero - root(p.q2_L_per_min, p.v2_L), zero},
       {zero, zero, zero - root(p.q3_L_per_min, p.v3_L)}}};
  std::array<S, 3> u{zero + 1.0, zero, zero};
  for (int sweep = 0; sweep < 6; ++sweep) {
    bool turned = detail::rotate(g[0], g[1], u[0], u[1]);
    turned = detail::rotate(g[0], g[2], u[0], u[2]) || turned;
    turned = detail::rotate(g[1], g[2], u[1], u[2]) || turned;
    if (!turned) break;
  }
  Modes<S> out{{zero, zero, zero}, {zero, zero, zero}};
  for (std::size_t j = 0; j < 3; ++j) {
    out.rate_per_min[j] = g[j][0] * g[j][0] + g[j][1] * g[j][1] + g[j][2] * g[j][2];
    out.coupling[j] = abs(u[j]) / sqrt(p.v1_L);
  }
  return out;
}

template <class S>
[[nodiscard]] Response<S> respond(const Parameters<S>& p) {
  Response<S> out{.parent = modes(p),
                  .nodes = {},
                  .has_effect_site = p.ke0_per_min.has_value(),
                  .cl_L_per_min = p.cl_L_per_min,
                  .v1_L = p.v1_L};
  out.nodes.reserve(1 + 2 * p.metabolites.size());
  if (p.ke0_per_min) out.nodes.push_back({*p.ke0_per_min, *p.ke0_per_min});
  for (const auto& m : p.metabolites) {
    const S zero = m.v1_L - m.v1_L;
    const Modes<S> own = modes<S>({m.v1_L, m.cl_L_per_min, m.q2_L_per_min, m.v2_L, zero, zero + 1.0});
    for (std::size_t k = 0; k < 2; ++k)
      out.nodes.push_back({own.rate_per_min[k], m.fraction * p.cl_L_per_min * own.coupling[k] * own.coupling[k]});
  }
  return out;
}

/// Instants after which a march begins anew, so that its rounding stays below 1e-13.
inline constexpr std::size_t march_length = 256;

/// The exact solution of one model for one schedule; a value that can be asked at any instant from 0 on.
template <class S = double>
class ExactTrajectory {
 public:
  /// `room` is memory to use again, if any.
  ExactTrajectory(Response<S> response, std::vector<SegmentOf<S>> segments, std::vector<S> room = {})
      : response_(std::move(response)),
        segments_(std::move(segments)),
        stride_(4 + response_.nodes.size()),
        states_(std::move(room)) {
    states_.assign(segments_.size() * stride_, S(0.0));
    for (std::size_t i = 0; i < segments_.size(); ++i) {
      S* const state = &states_[i * stride_];
      if (i > 0) advance(i - 1, minutes(segments_[i - 1].duration), state);
      for (std::size_t j = 0; j < 3; ++j) state[j] = state[j] + segments_[i].bolus_mg * response_.parent.coupling[j];
    }
  }

  [[nodiscard]] const std::vector<SegmentOf<S>>& segments() const noexcept { return segments_; }
  [[nodiscard]] const Response<S>& response() const noexcept { return response_; }
  /// What its memory was, for the next one.
  struct Emptied {
    std::vector<SegmentOf<S>> segments;
    std::vector<S> room;
  };
  [[nodiscard]] Emptied emptied() && noexcept { return {std::move(segments_), std::move(states_)}; }
  [[nodiscard]] bool has(Curve c) const noexcept {
    return c.kind == Curve::Kind::plasma || (c.kind == Curve::Kind::effect_site && response_.has_effect_site) ||
           (c.kind == Curve::Kind::metabolite && c.index < response_.metabolites());
  }

  /// The segment that holds `t`; one that starts at `t` counts.
  [[nodiscard]] std::size_t segment_at(Micros t) const noexcept {
    const auto after = std::upper_bound(segments_.begin(), segments_.end(), t,
                                        [](Micros x, const SegmentOf<S>& s) { return x < s.start; });
    return static_cast<std::size_t>(after - segments_.begin()) - 1;
  }

  /// Concentration [mg/L] at `t` >= 0; at the instant of a bolus, after it.
  /// Throws E_RANGE(t) before 0, E_ARG(curve) for a curve the model does not have.
  [[nodiscard]] S value(Micros t, Curve c) const {
    require(t >= Micros{0}, Code::range, "t", "before the course; accepted: 0 or later");
    require(has(c), Code::arg, "curve", "not a curve of this model; accepted: plasma, and what the model has");
    const std::size_t i = segment_at(t);
    return at(i, minutes(t - segments_[i].start), c);
  }
  /// Area under plasma from 0 to `t` [mg min/L]. Areas are not reckoned in lanes.
  [[nodiscard]] S auc_mg_min_per_L(Micros t) const requires std::is_same_v<S, double> {
    require(t >= Micros{0}, Code::range, "t", "before the course; accepted: 0 or later");
    const std::size_t i = segment_at(t);
    return area(i, minutes(t - segments_[i].start));
  }

  /// Concentration [mg/L], `tau` minutes into segment `i`.
  [[nodiscard]] S at(std::size_t i, double tau, Curve c) const {
    const auto [first, last] = response_.nodes_of(c);
    if (first == last) return plasma(i, tau);
    S sum = node(i, tau, first);
    for (std::size_t k = first + 1; k < last; ++k) sum = sum + node(i, tau, k);
    return sum;
  }

  /// Change of the concentration per minute [mg/L/min], `tau` minutes into segment `i`.
  [[nodiscard]] S slope(std::size_t i, double tau, Curve c) const {
    const auto [first, last] = response_.nodes_of(c);
    S sum = response_.v1_L - response_.v1_L;
    if (first == last)
      for (std::size_t j = 0; j < 3; ++j)
        sum =
            sum + response_.parent.coupling[j] * flow_in(i, j) * decay_left<S>(response_.parent.rate_per_min[j] * tau);
    for (std::size_t k = first; k < last; ++k) sum = sum + node_slope(i, tau, k);
    return sum;
  }

  /// Plasma and its change per minute, each lane at minutes of its own.
  void plasma_and_slope(std::size_t i, const S& tau, S& mg_per_L, S& mg_per_L_min) const {
    mg_per_L = mg_per_L_min = S(0.0);
    for (std::size_t j = 0; j < 3; ++j) {
      const S p = response_.parent.coupling[j];
      const auto by = detail::decay<S>(response_.parent.rate_per_min[j] * tau);
      mg_per_L = mg_per_L + (p * states_[i * stride_ + j] * by.left + input_level(i, j) * by.gone);
      mg_per_L_min = mg_per_L_min + p * flow_in(i, j) * by.left;
    }
  }

  /// Area under plasma from 0 to `tau` minutes into segment `i` [mg min/L].
  [[nodiscard]] S area(std::size_t i, double tau) const requires std::is_same_v<S, double> {
    return area_block<1>(i, {tau})[0];
  }

  /// Area under a curve from 0 without end [mg min/L].
  [[nodiscard]] S auc_to_infinity(Curve c) const requires std::is_same_v<S, double> {
    const S* const state = &states_[(segments_.size() - 1) * stride_];
    S sum = state[3];
    for (std::size_t j = 0; j < 3; ++j)
      sum = sum + shown(j, response_.parent.coupling[j] * state[j] / response_.parent.rate_per_min[j]);
    const auto [first, last] = response_.nodes_of(c);
    if (first == last) return sum;
    S through = sum - sum;
    for (std::size_t k = first; k < last; ++k)
      through = through + select(response_.nodes[k].gain_per_min > 0.0,
                                 response_.nodes[k].gain_per_min / response_.nodes[k].rate_per_min, S(0.0));
    return sum * through;
  }

  /// Parent in the whole body, `tau` minutes into segment `i` [mg].
  [[nodiscard]] S in_body_mg(std::size_t i, double tau) const {
    S sum = response_.v1_L - response_.v1_L;
    for (std::size_t j = 0; j < 3; ++j)
      sum = sum + shown(j, response_.cl_L_per_min * response_.parent.coupling[j] * mode(i, tau, j) /
                               response_.parent.rate_per_min[j]);
    return sum;
  }

  /// Parent in the whole body at `t` >= 0 [mg].
  [[nodiscard]] S in_body_mg(Micros t) const {
    const std::size_t i = segment_at(t);
    return in_body_mg(i, minutes(t - segments_[i].start));
  }

  /// Plasma [mg/L] where segment `i` begins, after its bolus.
  [[nodiscard]] S plasma_at_start(std::size_t i) const {
    const S* const state = &states_[i * stride_];
    const auto& p = response_.parent.coupling;
    return p[0] * state[0] + p[1] * state[1] + p[2] * state[2];
  }

  /// Amount [mg/sqrt(L)] in mode `j`, `tau` minutes into segment `i`.
  [[nodiscard]] S mode(std::size_t i, double tau, std::size_t j) const {
    const S x = response_.parent.rate_per_min[j] * tau;
    return states_[i * stride_ + j] * decay_left(x) +
           segments_[i].rate_mg_per_min * response_.parent.coupling[j] * tau * phi1(x);
  }

  /// What enters mode `j` less what leaves it, at the start of segment `i`.
  [[nodiscard]] S flow_in(std::size_t i, std::size_t j) const {
    return segments_[i].rate_mg_per_min * response_.parent.coupling[j] -
           response_.parent.rate_per_min[j] * states_[i * stride_ + j];
  }

  /// Change per minute of node `k`, `tau` minutes into segment `i`.
  [[nodiscard]] S node_slope(std::size_t i, double tau, std::size_t k) const {
    const Node<S>& n = response_.nodes[k];
    S plasma_now = response_.v1_L - response_.v1_L, sum = plasma_now;
    const S y = n.rate_per_min * tau;
    for (std::size_t j = 0; j < 3; ++j) {
      const S p = response_.parent.coupling[j];
      plasma_now = plasma_now + p * states_[i * stride_ + j];
      sum = sum + p * flow_in(i, j) * tau * phi2<S>(response_.parent.rate_per_min[j] * tau, y);
    }
    const S start = n.gain_per_min * plasma_now - n.rate_per_min * states_[i * stride_ + 4 + k];
    return start * decay_left(y) + n.gain_per_min * sum;
  }

  /// Rate of the slowest mode that shows in plasma [1/min].
  [[nodiscard]] double slowest_rate_per_min() const noexcept requires std::is_same_v<S, double> {
    double slowest = std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < 3; ++j)
      if (shows(j)) slowest = std::min(slowest, response_.parent.rate_per_min[j]);
    return slowest;
  }

  /// Minutes of segment `i`; for the last one, the minutes after which every curve has fallen below 1e-130
  /// of itself.
  [[nodiscard]] double length_min(std::size_t i) const noexcept requires std::is_same_v<S, double> {
    if (i + 1 < segments_.size()) return minutes(segments_[i].duration);
    double slowest = slowest_rate_per_min();
    for (const Node<S>& n : response_.nodes)
      if (n.gain_per_min > 0) slowest = std::min(slowest, n.rate_per_min);
    return 300 / slowest;
  }

  /// Minutes into segment `i` at which the slope of the curve changes sign: all of them, in order.
  ///
  /// The slope is F = sum B_k Z_k + sum G_j exp(-rate_j t), Z_k the slope of node k. Between two zeros of
  /// F' + r F there is at most one of F (Rolle, for F exp(r t)), and with r the rate of a node or mode that
  /// combination has the same form with one rate less. So the zeros are found upwards from a single
  /// exponential, which has none; nothing is sampled.
  [[nodiscard]] std::vector<double> turning_points(std::size_t i, Curve c) const requires std::is_same_v<S, double> {
    struct Combination {
      std::array<double, 2> of_node;
      std::array<double, 3> of_mode;
    };
    const auto nodes = response_.nodes_of(c);
    const std::size_t first = nodes.first, last = nodes.second;
    std::array<double, 3> fed;  // plasma slope = sum of fed_j exp(-rate_j t)
    for (std::size_t j = 0; j < 3; ++j) fed[j] = response_.parent.coupling[j] * flow_in(i, j);
    const auto& rates = response_.parent.rate_per_min;

    std::array<Combination, 5> chain{};
    std::size_t depth = 0;
    if (first == last)
      chain[0].of_mode = fed;
    else
      for (std::size_t k = first; k < last; ++k)
        chain[0].of_node[k - first] = response_.nodes[k].gain_per_min > 0 ? 1 : 0;
    for (std::size_t k = first; k < last; ++k) {
      const double r = response_.nodes[k].rate_per_min;
      if (!(response_.nodes[k].gain_per_min > 0)) continue;
      const Combination& from = chain[depth];
      Combination& to = chain[++depth];
      double feeding = 0;
      for (std::size_t m = first; m < last; ++m) {
        to.of_node[m - first] = from.of_node[m - first] * (r - response_.nodes[m].rate_per_min);
        feeding += from.of_node[m - first] * response_.nodes[m].gain_per_min;
      }
      for (std::size_t j = 0; j < 3; ++j) to.of_mode[j] = (r - rates[j]) * from.of_mode[j] + feeding * fed[j];
    }
    std::array<std::size_t, 3> fastest_first{0, 1, 2};
    std::sort(fastest_first.begin(), fastest_first.end(),
              [&](std::size_t a, std::size_t b) { return rates[a] > rates[b]; });
    for (std::size_t n = 0; n < 2; ++n) {
      const std::size_t j = fastest_first[n];
      if (!shows(j)) continue;
      const Combination& from = chain[depth];
      Combination& to = chain[++depth];
      for (std::size_t m = 0; m < 3; ++m) to.of_mode[m] = (rates[j] - rates[m]) * from.of_mode[m];
    }

    std::vector<double> zeros, above;
    for (std::size_t level = depth; level-- > 0;) {
      const Combination& form = chain[level];
      const auto f = [&](double tau) {
        double sum = 0;
        for (std::size_t k = first; k < last; ++k)
          if (form.of_node[k - first] != 0) sum += form.of_node[k - first] * node_slope(i, tau, k);
        for (std::size_t j = 0; j < 3; ++j)
          if (form.of_mode[j] != 0) sum += form.of_mode[j] * decay_left(rates[j] * tau);
        return sum;
      };
      double slowest = slowest_rate_per_min();
      for (std::size_t k = first; k < last; ++k)
        if (form.of_node[k - first] != 0) slowest = std::min(slowest, response_.nodes[k].rate_per_min);
      above.swap(zeros);
      zeros.clear();
      // Further out the slowest term alone is left, and beyond 708 time constants nothing can be told apart.
      const double end = std::min(length_min(i), 300 / slowest);
      std::erase_if(above, [end](double zero) { return !(zero < end); });
      above.push_back(end);
      double a = 0, fa = f(a);
      for (const double b : above) {
        const double fb = f(b);
        if ((fa < 0 && fb > 0) || (fa > 0 && fb < 0)) zeros.push_back(root_between(f, {a, b, fa, fb}));
        if (fb == 0 && b < end) zeros.push_back(b);
        a = b;
        fa = fb;
      }
    }
    return zeros;
  }

  /// Plasma [mg/L] at `start + k * step` for each k, into `out`; the fast road for regular grids.
  void plasma_on_grid(Micros start, Micros step, std::span<S> out) const {
    require(start >= Micros{0} && step > Micros{0}, Code::range, "step",
            "before the course or no step; accepted: more than zero");
    std::size_t k = 0;
    while (k < out.size()) {
      const Micros t = start + static_cast<std::int64_t>(k) * step;
      const std::size_t i = segment_at(t);
      std::size_t end = out.size();
      if (i + 1 < segments_.size()) {
        const auto ahead = (segments_[i + 1].start - t + step - Micros{1}) / step;
        end = std::min(end, k + static_cast<std::size_t>(ahead));
      }
      end = std::min(end, k + march_length);
      march({i, minutes(t - segments_[i].start), minutes(step)}, out.subspan(k, end - k));
      k = end;
    }
  }

  /// Plasma [mg/L] at instants in order of time, into `out`; blocks of instants go through the exponential
  /// together.
  void plasma_at(std::span<const Micros> times, std::span<S> out) const {
    by_blocks(times, out, [this](std::size_t i, const auto& tau) { return this->plasma_block(i, tau); });
  }

  /// Area under plasma from 0 [mg min/L] to instants in order of time, into `out`; by blocks, as `plasma_at`.
  void area_at(std::span<const Micros> times, std::span<S> out) const requires std::is_same_v<S, double> {
    by_blocks(times, out, [this](std::size_t i, const auto& tau) { return this->area_block(i, tau); });
  }

  /// Evenly spaced instants of one segment, and what a mg/L is counted in.
  struct March {
    std::size_t segment;
    double tau_min, step_min, unit = 1;
  };
  /// What each mode brings to plasma at the first eight of them, and what carries it eight steps on: c = p y e + (r p^2
  /// / rate) (1 - e) becomes c q^8 + (r p^2 / rate) (1 - q^8), all terms non-negative. Eight strands, so that rounding
  /// grows with an eighth of the steps, and lanes can lie along time as well as across subjects.
  struct Marching {
    std::array<std::array<S, 8>, 3> brings;
    std::array<S, 3> keep, adds;
    bool is_fed;  ///< of any lane
  };
  [[nodiscard]] Marching marching(const March& m) const noexcept {
    Marching out;
    out.is_fed = any(segments_[m.segment].rate_mg_per_min > 0.0);
    for (std::size_t j = 0; j < 3; ++j) {
      const S rate = response_.parent.rate_per_min[j], level = input_level(m.segment, j) * m.unit;
      const S from_state = response_.parent.coupling[j] * states_[m.segment * stride_ + j] * m.unit;
      out.brings[j][0] = from_state;
      if (m.tau_min > 0) {
        const auto until = detail::decay<S>(rate * m.tau_min);
        out.brings[j][0] = from_state * until.left + level * until.gone;
      }
      auto [keep, lose] = detail::decay<S>(rate * m.step_min);
      const S adds = level * lose;
      for (std::size_t k = 1; k < 8; ++k) out.brings[j][k] = out.brings[j][k - 1] * keep + adds;
      for (int doubling = 0; doubling < 3; ++doubling) {
        lose = lose + keep * lose;
        keep = keep * keep;
      }
      out.keep[j] = keep;
      out.adds[j] = level * lose;
    }
    return out;
  }
  /// Plasma there, into `out`.
  void march(const March& m, std::span<S> out) const noexcept {
    if (out.size() == 1) {
      out[0] = plasma(m.segment, m.tau_min) * m.unit;
      return;
    }
    const Marching by = marching(m);
    for (std::size_t k = 0; k < 8; ++k) {
      S b0 = by.brings[0][k], b1 = by.brings[1][k], b2 = by.brings[2][k];
      for (std::size_t i = k; i < out.size(); i += 8) {
        out[i] = b0 + b1 + b2;
        b0 = b0 * by.keep[0] + by.adds[0];
        b1 = b1 * by.keep[1] + by.adds[1];
        b2 = b2 * by.keep[2] + by.adds[2];
      }
    }
  }

 private:
  /// Whether mode `j` has a share of plasma beyond rounding.
  [[nodiscard]] bool shows(std::size_t j) const noexcept requires std::is_same_v<S, double> {
    const double p = response_.parent.coupling[j];
    return p * p * response_.v1_L > 1e-26;
  }

  /// `term` of mode `j`; nothing where that mode does not couple to plasma, and its rate may be zero.
  [[nodiscard]] S shown(std::size_t j, const S& term) const {
    return select(response_.parent.coupling[j] > 0.0, term, S(0.0));
  }

  [[nodiscard]] S plasma(std::size_t i, double tau) const {
    S sum = response_.v1_L - response_.v1_L;
    for (std::size_t j = 0; j < 3; ++j) sum = sum + response_.parent.coupling[j] * mode(i, tau, j);
    return sum;
  }

  /// Calls `of(segment, minutes into it)` for blocks of instants that lie in one segment.
  template <class Of>
  void by_blocks(std::span<const Micros> times, std::span<S> out, Of of) const {
    require(times.empty() || times.front() >= Micros{0}, Code::range, "t", "before the course; accepted: 0 or later");
    constexpr std::size_t block = 8;
    std::array<double, block> tau{};
    std::size_t i = times.empty() ? 0 : segment_at(times.front());
    for (std::size_t k = 0; k < times.size();) {
      while (i + 1 < segments_.size() && segments_[i + 1].start <= times[k]) ++i;
      std::size_t n = 0;
      for (; n < block && k + n < times.size(); ++n) {
        if (i + 1 < segments_.size() && segments_[i + 1].start <= times[k + n]) break;
        tau[n] = minutes(times[k + n] - segments_[i].start);
      }
      const std::array<S, block> found = of(i, tau);
      for (std::size_t b = 0; b < n; ++b) out[k + b] = found[b];
      k += n;
    }
  }

  /// Areas from 0 to each of some instants in one segment.
  template <std::size_t N>
  [[nodiscard]] std::array<S, N> area_block(std::size_t i, const std::array<double, N>& tau) const {
    const S* const state = &states_[i * stride_];
    std::array<S, N> sums;
    sums.fill(state[3]);
    for (std::size_t j = 0; j < 3; ++j) {
      const S p = response_.parent.coupling[j], rate = response_.parent.rate_per_min[j];
      const S from_state = p * state[j], from_input = segments_[i].rate_mg_per_min * p * p;
      for (std::size_t k = 0; k < N; ++k) {
        const S x = rate * tau[k];
        sums[k] = sums[k] + tau[k] * (from_state * phi1(x) + from_input * tau[k] * phi3_at_zero(x));
      }
    }
    return sums;
  }

  /// As `march`, but for instants of any spacing.
  template <std::size_t N>
  [[nodiscard]] std::array<S, N> plasma_block(std::size_t i, const std::array<double, N>& tau) const {
    std::array<S, N> sums;
    sums.fill(response_.v1_L - response_.v1_L);
    for (std::size_t j = 0; j < 3; ++j) {
      const S from_state = response_.parent.coupling[j] * states_[i * stride_ + j];
      const S from_input = input_level(i, j);
      for (std::size_t k = 0; k < N; ++k) {
        const S x = response_.parent.rate_per_min[j] * tau[k];
        sums[k] = sums[k] + from_state * decay_left(x) + from_input * decay_gone(x);
      }
    }
    return sums;
  }

  /// What mode `j` alone would bring plasma to if segment `i` never ended [mg/L].
  [[nodiscard]] S input_level(std::size_t i, std::size_t j) const {
    const S p = response_.parent.coupling[j];
    return shown(j, segments_[i].rate_mg_per_min * p * p / response_.parent.rate_per_min[j]);
  }

  [[nodiscard]] S node(std::size_t i, double tau, std::size_t k) const {
    const Node<S>& n = response_.nodes[k];
    const S* const state = &states_[i * stride_];
    const S y = n.rate_per_min * tau;
    S sum = y - y;
    for (std::size_t j = 0; j < 3; ++j) {
      const S p = response_.parent.coupling[j];
      const S x = response_.parent.rate_per_min[j] * tau;
      sum = sum + p * tau * (state[j] * phi2(x, y) + segments_[i].rate_mg_per_min * p * tau * phi3(x, y));
    }
    return state[4 + k] * decay_left(y) + n.gain_per_min * sum;
  }

  void advance(std::size_t i, double tau, S* to) const {
    for (std::size_t j = 0; j < 3; ++j) to[j] = mode(i, tau, j);
    if constexpr (std::is_same_v<S, double>) to[3] = area(i, tau);
    for (std::size_t k = 0; k < response_.nodes.size(); ++k) to[4 + k] = node(i, tau, k);
  }

  Response<S> response_;
  std::vector<SegmentOf<S>> segments_;
  std::size_t stride_;
  std::vector<S> states_;  // per segment, at its start after the bolus: 3 modes, area under plasma, nodes
};

/// The exact trajectory of `p` under `segments`.
/// Throws E_MODEL_PARAM as `validate(Parameters)` and `require_mammillary`, E_SEGMENT as `validate(segments)`.
[[nodiscard]] inline ExactTrajectory<> solve(const Parameters<double>& p, std::vector<Segment> segments) {
  validate(p);
  require_mammillary(p);
  validate(segments);
  return {respond(p), std::move(segments)};
}

}  // namespace ketpk
