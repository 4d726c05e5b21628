// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: depots, a parent of up to three compartments, metabolites that follow each other, an effect site, elimination
// that saturates: whatever a card is made of, it is places, and rates at which drug moves between them. Here that is
// written down once, for the solver that multiplies chances and for the one that takes steps.

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "ketpk/parameters.hpp"

namespace ketpk {

/// Drug passes from one place to another at first order. What `moves` leaves the first place; what does not is a copy:
/// a metabolite formed from what the parent eliminates, the effect site that follows plasma.
struct Passage {
  std::size_t from, to;
  double per_min;  ///< of what is in `from`
  bool moves;
};

/// The compartments of one individual and what moves between them. State: an amount [mg] for each depot, for central,
/// shallow and deep, two for each metabolite, and last, if there is one, the concentration at the effect site [mg/L].
class Network {
 public:
  /// Throws E_MODEL_PARAM or E_SIZE as `validate(Parameters)`.
  explicit Network(Parameters<double> p) : p_(std::move(p)) {
    validate(p_);
    const std::size_t c = central(), shallow = c + 1, deep = c + 2;
    leaves_per_min_.assign(size(), 0.0);
    for (std::size_t i = 0; i < c; ++i)
      passages_.push_back({i, p_.depots[i].into.value_or(c), p_.depots[i].ka_per_min, true});
    leaves_per_min_[c] = p_.cl_L_per_min / p_.v1_L;
    exchange({c, shallow, p_.q2_L_per_min, p_.v1_L, p_.v2_L});
    exchange({c, deep, p_.q3_L_per_min, p_.v1_L, p_.v3_L});
    for (std::size_t k = 0; k < p_.metabolites.size(); ++k) {
      const auto& m = p_.metabolites[k];
      const std::size_t here = metabolite(k), parent = m.from ? metabolite(*m.from) : c;
      passages_.push_back({parent, here, m.fraction * leaves_per_min_[parent], false});
      leaves_per_min_[here] = m.cl_L_per_min / m.v1_L;
      exchange({here, here + 1, m.q2_L_per_min, m.v1_L, m.v2_L});
    }
    if (p_.ke0_per_min) {
      passages_.push_back({c, effect_site(), *p_.ke0_per_min / p_.v1_L, false});
      leaves_per_min_[effect_site()] = *p_.ke0_per_min;
    }
    std::vector<double> leaving = leaves_per_min_;
    if (p_.saturable) leaving[c] += p_.saturable->vmax_mg_per_min / p_.saturable->km_mg_per_L / p_.v1_L;
    for (const Passage& q : passages_)
      if (q.moves) leaving[q.from] += q.per_min;
    fastest_per_min_ = *std::max_element(leaving.begin(), leaving.end());
  }

  [[nodiscard]] const Parameters<double>& parameters() const noexcept { return p_; }
  [[nodiscard]] std::size_t size() const noexcept {
    return central() + 3 + 2 * p_.metabolites.size() + (p_.ke0_per_min ? 1 : 0);
  }
  [[nodiscard]] std::size_t central() const noexcept { return p_.depots.size(); }
  [[nodiscard]] std::size_t metabolite(std::size_t k) const noexcept { return central() + 3 + 2 * k; }
  [[nodiscard]] std::size_t effect_site() const noexcept { return central() + 3 + 2 * p_.metabolites.size(); }
  [[nodiscard]] bool is_linear() const noexcept { return !p_.saturable.has_value(); }
  [[nodiscard]] const std::vector<Passage>& passages() const noexcept { return passages_; }
  /// What place `i` loses for good, per minute of what is in it.
  [[nodiscard]] double leaves_per_min(std::size_t i) const noexcept { return leaves_per_min_[i]; }

  /// The most that leaves any place, per minute of what is in it.
  [[nodiscard]] double fastest_per_min() const noexcept { return fastest_per_min_; }

  /// Change per minute of the state `x`, nothing entering. `S` is double, or a number that carries derivatives.
  template <class S>
  void slopes(std::span<const S> x, std::span<S> dx) const {
    for (std::size_t i = 0; i < x.size(); ++i) dx[i] = -leaves_per_min_[i] * x[i];
    for (const Passage& p : passages_) {
      const S flow = p.per_min * x[p.from];
      if (p.moves) dx[p.from] -= flow;
      dx[p.to] += flow;
    }
    if (!p_.saturable) return;
    // The size of c1, so that a step that ends a rounding below nothing is drawn back and not driven on.
    const S c1 = x[central()] / p_.v1_L, size = c1 < 0 ? -c1 : c1;
    const S eliminated = p_.saturable->vmax_mg_per_min * c1 / (p_.saturable->km_mg_per_L + size);
    dx[central()] -= eliminated;
    for (std::size_t k = 0; k < p_.metabolites.size(); ++k)
      if (!p_.metabolites[k].from) dx[metabolite(k)] += p_.metabolites[k].fraction * eliminated;
  }

  /// Concentrations that the state shows [mg/L].
  [[nodiscard]] double plasma_mg_per_L(std::span<const double> x) const noexcept { return x[central()] / p_.v1_L; }
  [[nodiscard]] double metabolite_mg_per_L(std::span<const double> x, std::size_t k) const noexcept {
    return x[metabolite(k)] / p_.metabolites[k].v1_L;
  }
  [[nodiscard]] double effect_site_mg_per_L(std::span<const double> x) const noexcept { return x[effect_site()]; }

 private:
  struct Exchange {
    std::size_t a, b;
    double q_L_per_min, v_a_L, v_b_L;
  };
  void exchange(const Exchange& e) {
    if (e.q_L_per_min == 0) return;
    passages_.push_back({e.a, e.b, e.q_L_per_min / e.v_a_L, true});
    passages_.push_back({e.b, e.a, e.q_L_per_min / e.v_b_L, true});
  }

  Parameters<double> p_;
  std::vector<Passage> passages_;
  std::vector<double> leaves_per_min_;
  double fastest_per_min_ = 0;
};

}  // namespace ketpk
