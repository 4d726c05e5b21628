// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what a solver needs to know of a model, and the one linear model of this library: a mammillary parent
// with an effect site and metabolites hanging off its plasma. A solver sees segments of constant input; no
// model ever sees a clock.

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ketpk/dual.hpp"
#include "ketpk/parameters.hpp"

namespace ketpk {

/// Which curve of a trajectory is meant.
struct Curve {
  enum class Kind { plasma, effect_site, metabolite, other };
  Kind kind = Kind::plasma;
  std::size_t index = 0;  ///< of the metabolite, or of the model's own further curves

  [[nodiscard]] static constexpr Curve plasma() noexcept { return {}; }
  [[nodiscard]] static constexpr Curve effect_site() noexcept { return {Kind::effect_site, 0}; }
  [[nodiscard]] static constexpr Curve metabolite(std::size_t i) noexcept { return {Kind::metabolite, i}; }
  /// A further curve of a user's model, in whatever unit that model gives it: an effect, a fraction bound.
  [[nodiscard]] static constexpr Curve other(std::size_t i) noexcept { return {Kind::other, i}; }
  friend constexpr bool operator==(const Curve&, const Curve&) = default;
};

/// A system of ordinary differential equations with one constant input into its plasma compartment.
/// `slopes(x, input_mg_per_min, dx)`: change per minute of the state `x`.
/// `bolus(x, mg)`: the state just after an instantaneous dose.
/// `value(x, curve)`: concentration [mg/L] that the state shows; of `Curve::other`, whatever the model means by it. It
/// is asked at states of the solution as far as the tolerance goes: an amount may be below zero by a rounding.
/// `has(curve)`: whether there is such a curve.
///
/// It may offer more, and nothing is assumed where it does not:
/// `slopes` as a template over the scalar (`std::span<const S> x, double input, std::span<S> dx`, or `auto x, double
/// input, auto dx`): what the stiff solver needs, which puts dual numbers through it (dual.hpp).
/// `start(x)`: the state at instant 0 before any dose, written over zeros: a turnover effect begins at its baseline, a
/// resumed course where it stopped. Without it every state begins at zero.
/// `is_linear(curve)`: the curve's value is linear in the state, without a constant; its turns are then those of the
/// solver's own polynomial. Without it a curve's turns are looked for as those of any smooth function.
/// `name_of(i)`: what state `i` is called, for messages.
/// `array_sizes`: the sizes of arrays that a model of no constant size is compiled for, ascending.
template <class M>
concept PkModel = requires(const M& m, std::span<const double> x, std::span<double> dx, double r, Curve c) {
  { m.size() } -> std::convertible_to<std::size_t>;
  m.slopes(x, r, dx);
  m.bolus(dx, r);
  { m.value(x, c) } -> std::convertible_to<double>;
  { m.has(c) } -> std::convertible_to<bool>;
};

/// A `PkModel` that says where its state begins.
template <class M>
concept HasStart = requires(const M& m, std::span<double> x) {
  m.start(x);
};

/// A `PkModel` whose equations take dual numbers.
template <class M>
concept DifferentiableModel = PkModel<M> &&
    requires(const M& m, std::span<const Dual<1>> x, std::span<Dual<1>> dx, double r) {
  m.slopes(x, r, dx);
};

/// A `PkModel` whose curves take dual numbers too.
template <class M>
concept DifferentiableValue = PkModel<M> && requires(const M& m, std::span<const Dual<1>> x, Curve c) {
  { m.value(x, c) } -> std::convertible_to<Dual<1>>;
};

/// A `PkModel` that knows the area under its plasma curve [mg min/L].
template <class M>
concept KnowsArea = requires(const M& m, std::span<const double> x) {
  { m.auc_mg_min_per_L(x) } -> std::convertible_to<double>;
};

/// A `PkModel` that says which of its curves are linear in the state.
template <class M>
concept KnowsLinearity = requires(const M& m, Curve c) {
  { m.is_linear(c) } -> std::convertible_to<bool>;
};

/// A `PkModel` that names its states.
template <class M>
concept NamesStates = requires(const M& m, std::size_t i) {
  { m.name_of(i) } -> std::convertible_to<std::string_view>;
};

/// A `PkModel` that is linear with constant coefficients, given by its parameters.
template <class M>
concept LinearModel = PkModel<M> && requires(const M& m) {
  { m.parameters() } -> std::convertible_to<const Parameters<double>&>;
};

/// Throws E_MODEL_PARAM(Qh, metabolites[i].MTT) for elimination from a liver and metabolites formed through transit
/// compartments, which only a network has.
inline void require_mammillary(const Parameters<double>& p) {
  require(!p.liver, Code::model_param, "Qh",
          "elimination from a liver, which only a network has; accepted: elimination from plasma");
  for (std::size_t i = 0; i < p.metabolites.size(); ++i)
    require(p.metabolites[i].transits == 0, Code::model_param, "metabolites[" + std::to_string(i) + "].MTT",
            "formed through transit compartments, which only a network has; accepted: formed at once");
}

/// The equations themselves, written in amounts and rate constants as a textbook has them; the exact solver
/// does not use them, and being linear they need no other stiff solver than that. State: a1 a2 a3 [mg], Ce [mg/L], then
/// m1 m2 [mg] for each metabolite, last the area under plasma [mg min/L].
class Mammillary {
 public:
  static constexpr std::array<std::size_t, 4> array_sizes{5, 7, 9, 17};

  /// Throws E_MODEL_PARAM as `validate(Parameters)` and `require_mammillary`.
  explicit Mammillary(Parameters<double> p) : p_(std::move(p)) {
    validate(p_);
    require_mammillary(p_);
    per_v1_ = 1 / p_.v1_L;
    k10_ = p_.cl_L_per_min / p_.v1_L;
    k12_ = p_.q2_L_per_min / p_.v1_L;
    k21_ = p_.q2_L_per_min / p_.v2_L;
    k13_ = p_.q3_L_per_min / p_.v1_L;
    k31_ = p_.q3_L_per_min / p_.v3_L;
    ke0_ = p_.ke0_per_min.value_or(0.0);
    for (const auto& m : p_.metabolites)
      metabolites_.push_back({m.fraction, m.cl_L_per_min / m.v1_L, m.q2_L_per_min / m.v1_L, m.q2_L_per_min / m.v2_L});
  }

  [[nodiscard]] const Parameters<double>& parameters() const noexcept { return p_; }
  [[nodiscard]] std::size_t size() const noexcept { return 5 + 2 * p_.metabolites.size(); }
  [[nodiscard]] bool has(Curve c) const noexcept {
    if (c.kind == Curve::Kind::effect_site) return p_.ke0_per_min.has_value();
    return c.kind == Curve::Kind::plasma || (c.kind == Curve::Kind::metabolite && c.index < p_.metabolites.size());
  }
  [[nodiscard]] bool is_linear(Curve) const noexcept { return true; }

  void slopes(std::span<const double> x, double input_mg_per_min, std::span<double> dx) const noexcept {
    const double eliminated = k10_ * x[0];
    dx[1] = k12_ * x[0] - k21_ * x[1];
    dx[2] = k13_ * x[0] - k31_ * x[2];
    dx[0] = input_mg_per_min - eliminated - dx[1] - dx[2];
    const double c1 = per_v1_ * x[0];
    dx[3] = ke0_ * (c1 - x[3]);
    std::size_t i = 4;
    for (const MetaboliteRates& m : metabolites_) {
      dx[i + 1] = m.k12 * x[i] - m.k21 * x[i + 1];
      dx[i] = m.fraction * eliminated - m.k10 * x[i] - dx[i + 1];
      i += 2;
    }
    dx[i] = c1;
  }

  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }

  /// How much of what it is fed state `i` comes to hold, to the order of magnitude: a metabolite that forms slowly or
  /// leaves at once holds little, and a solver's tolerance has to know.
  [[nodiscard]] double share(std::size_t i) const noexcept {
    if (i < 4 || i + 1 >= size()) return 1;
    const MetaboliteRates& m = metabolites_[i / 2 - 2];
    return std::clamp(m.fraction * k10_ / m.k10, 1e-12, 1.0);
  }

  [[nodiscard]] double value(std::span<const double> x, Curve c) const noexcept {
    switch (c.kind) {
      case Curve::Kind::plasma: return x[0] / p_.v1_L;
      case Curve::Kind::effect_site: return x[3];
      case Curve::Kind::metabolite: return x[4 + 2 * c.index] / p_.metabolites[c.index].v1_L;
      case Curve::Kind::other: break;
    }
    return 0;
  }

  /// Area under plasma from 0 to the state's instant [mg min/L].
  [[nodiscard]] double auc_mg_min_per_L(std::span<const double> x) const noexcept { return x[size() - 1]; }

 private:
  struct MetaboliteRates {
    double fraction, k10, k12, k21;
  };
  Parameters<double> p_;
  double per_v1_ = 0, k10_ = 0, k12_ = 0, k21_ = 0, k13_ = 0, k31_ = 0, ke0_ = 0;
  std::vector<MetaboliteRates> metabolites_;
};

static_assert(LinearModel<Mammillary>);

}  // namespace ketpk
