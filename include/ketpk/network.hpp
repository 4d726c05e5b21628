// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: depots, a parent of up to three compartments, a liver, metabolites that follow each other at once or after a
// while, an effect site, elimination that saturates: whatever a card is made of, it is places, and rates at which drug
// moves between them. Here that is written down once, for the solver that multiplies chances and for the one that takes
// steps.

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "ketpk/parameters.hpp"

namespace ketpk {

/// Drug passes from one place to another at first order. What `moves` leaves the first place; what does not is a copy:
/// a metabolite formed from what the parent eliminates, the effect site that follows plasma.
template <class S>
struct PassageOf {
  std::size_t from, to;
  S per_min;  ///< of what is in `from`
  bool moves;
};
using Passage = PassageOf<double>;

/// The compartments of one individual and what moves between them. State: an amount [mg] for each depot, for the liver
/// if there is one, for central, shallow and deep, for each metabolite its transit compartments and its two, and last,
/// if there is one, the concentration at the effect site [mg/L]. `S` is double, or a number that carries derivatives,
/// for parameters that a double has been through.
template <class S>
class NetworkOf {
 public:
  /// Throws E_MODEL_PARAM or E_SIZE as `validate(Parameters)`.
  explicit NetworkOf(Parameters<S> p) : p_(std::move(p)) {
    if constexpr (std::is_same_v<S, double>) validate(p_);
    layout_ = layout_of(p_);
    const std::size_t c = central();
    leaves_per_min_.assign(size(), S(0.0));
    for (std::size_t i = 0; i < p_.depots.size(); ++i)
      passages_.push_back({i, p_.depots[i].into.value_or(c), p_.depots[i].ka_per_min, true});
    leaves_per_min_[c] = p_.cl_L_per_min / p_.v1_L;
    exchange({c, layout_.shallow(), p_.q2_L_per_min, p_.v1_L, p_.v2_L});
    exchange({c, layout_.deep(), p_.q3_L_per_min, p_.v1_L, p_.v3_L});
    if (p_.liver) {
      leaves_per_min_[layout_.liver()] = p_.liver->kel_per_min + p_.liver->kmet_per_min;
      exchange({c, layout_.liver(), p_.liver->q_L_per_min, p_.v1_L, p_.liver->v_L});
    }
    for (std::size_t k = 0; k < p_.metabolites.size(); ++k) {
      const auto& m = p_.metabolites[k];
      const std::size_t here = metabolite(k), way = layout_.way_to(k);
      const Forming forming = forming_of(k);
      passages_.push_back({forming.place, way, m.fraction * forming.per_min, false});
      // A transit compartment is copied into the next, so each is a place that passes nothing back.
      for (std::size_t i = way; i < here; ++i) {
        passages_.push_back({i, i + 1, m.transit_per_min, false});
        leaves_per_min_[i] = m.transit_per_min;
      }
      leaves_per_min_[here] = m.cl_L_per_min / m.v1_L;
      exchange({here, here + 1, m.q2_L_per_min, m.v1_L, m.v2_L});
    }
    if (p_.ke0_per_min) {
      passages_.push_back({c, effect_site(), *p_.ke0_per_min / p_.v1_L, false});
      leaves_per_min_[effect_site()] = *p_.ke0_per_min;
    }
    std::vector<S> leaving = leaves_per_min_;
    if (p_.saturable) leaving[c] += p_.saturable->vmax_mg_per_min / p_.saturable->km_mg_per_L / p_.v1_L;
    for (const PassageOf<S>& q : passages_)
      if (q.moves) leaving[q.from] += q.per_min;
    fastest_per_min_ = *std::max_element(leaving.begin(), leaving.end());
  }

  [[nodiscard]] const Parameters<S>& parameters() const noexcept { return p_; }
  [[nodiscard]] const Layout& layout() const noexcept { return layout_; }
  [[nodiscard]] std::size_t size() const noexcept { return effect_site() + (p_.ke0_per_min ? 1 : 0); }
  [[nodiscard]] std::size_t central() const noexcept { return layout_.central(); }
  [[nodiscard]] std::size_t parent_end() const noexcept { return layout_.parent_end(); }
  [[nodiscard]] std::size_t metabolite(std::size_t k) const noexcept { return layout_.metabolite(k); }
  [[nodiscard]] std::size_t effect_site() const noexcept { return layout_.effect_site(); }
  /// The places that pass drug to each other, `place` among them: from the first to one past the last. The parent's all
  /// do, the two of a metabolite do, any other is by itself.
  struct Block {
    std::size_t first, last;
  };
  [[nodiscard]] Block block_of(std::size_t place) const noexcept {
    if (place < parent_end()) return {0, parent_end()};
    if (place >= effect_site()) return {place, place + 1};
    const std::size_t own = metabolite(layout_.metabolite_at(place));
    return place < own ? Block{place, place + 1} : Block{own, own + 2};
  }
  [[nodiscard]] bool is_linear() const noexcept { return !p_.saturable.has_value(); }
  [[nodiscard]] const std::vector<PassageOf<S>>& passages() const noexcept { return passages_; }
  /// What place `i` loses for good, per minute of what is in it.
  [[nodiscard]] S leaves_per_min(std::size_t i) const noexcept { return leaves_per_min_[i]; }

  /// Parent that the body loses for good [mg/min].
  template <class X>
  [[nodiscard]] X eliminated_mg_per_min(std::span<const X> x) const {
    if (p_.liver) return leaves_per_min_[layout_.liver()] * x[layout_.liver()];
    const X c1 = x[central()] / p_.v1_L;
    X out = p_.cl_L_per_min * c1;
    if (p_.saturable) out += p_.saturable->vmax_mg_per_min * c1 / (p_.saturable->km_mg_per_L + c1);
    return out;
  }
  /// Of parent in `place`, what reaches plasma: all, but from the liver only what it does not eliminate first.
  [[nodiscard]] S reaches_plasma(std::size_t place) const noexcept {
    if (!p_.liver || place != layout_.liver()) return 1;
    const S back = p_.liver->q_L_per_min / p_.liver->v_L;
    return back / (back + leaves_per_min_[place]);
  }
  /// Of parent that the body loses, what may form the metabolites that are formed from it.
  [[nodiscard]] S may_form() const noexcept {
    if (!p_.liver) return 1;
    return p_.liver->kmet_per_min / (p_.liver->kel_per_min + p_.liver->kmet_per_min);
  }

  /// The most that leaves any place, per minute of what is in it.
  [[nodiscard]] S fastest_per_min() const noexcept { return fastest_per_min_; }

  /// Change per minute of the state `x`, nothing entering. `X` is double, or a number that carries derivatives.
  template <class X>
  void slopes(std::span<const X> x, std::span<X> dx) const {
    for (std::size_t i = 0; i < x.size(); ++i) dx[i] = -leaves_per_min_[i] * x[i];
    for (const PassageOf<S>& p : passages_) {
      const X flow = p.per_min * x[p.from];
      if (p.moves) dx[p.from] -= flow;
      dx[p.to] += flow;
    }
    if (!p_.saturable) return;
    // The size of c1, so that a step that ends a rounding below nothing is drawn back and not driven on.
    const X c1 = x[central()] / p_.v1_L, size = c1 < 0 ? -c1 : c1;
    const X eliminated = p_.saturable->vmax_mg_per_min * c1 / (p_.saturable->km_mg_per_L + size);
    dx[central()] -= eliminated;
    for (std::size_t k = 0; k < p_.metabolites.size(); ++k)
      if (!p_.metabolites[k].from) dx[layout_.way_to(k)] += p_.metabolites[k].fraction * eliminated;
  }

  /// Concentrations that the state shows [mg/L].
  [[nodiscard]] S plasma_mg_per_L(std::span<const S> x) const noexcept { return x[central()] / p_.v1_L; }
  [[nodiscard]] S metabolite_mg_per_L(std::span<const S> x, std::size_t k) const noexcept {
    return x[metabolite(k)] / p_.metabolites[k].v1_L;
  }
  [[nodiscard]] S effect_site_mg_per_L(std::span<const S> x) const noexcept { return x[effect_site()]; }

 private:
  /// Where what forms a metabolite is eliminated, and what of it may, per minute of what is there.
  struct Forming {
    std::size_t place;
    S per_min;
  };
  [[nodiscard]] Forming forming_of(std::size_t k) const noexcept {
    if (const auto from = p_.metabolites[k].from) return {metabolite(*from), leaves_per_min_[metabolite(*from)]};
    if (p_.liver) return {layout_.liver(), p_.liver->kmet_per_min};
    return {central(), leaves_per_min_[central()]};
  }

  struct Exchange {
    std::size_t a, b;
    S q_L_per_min, v_a_L, v_b_L;
  };
  void exchange(const Exchange& e) {
    if (e.q_L_per_min == 0) return;
    passages_.push_back({e.a, e.b, e.q_L_per_min / e.v_a_L, true});
    passages_.push_back({e.b, e.a, e.q_L_per_min / e.v_b_L, true});
  }

  Parameters<S> p_;
  Layout layout_;
  std::vector<PassageOf<S>> passages_;
  std::vector<S> leaves_per_min_;
  S fastest_per_min_ = 0;
};
using Network = NetworkOf<double>;

}  // namespace ketpk
