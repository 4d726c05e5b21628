// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what a concentration does. Three classical answers, each offered and none implied: there is no default constant,
// and an effect without a source of its own is nobody's. A direct effect follows its concentration at once (Emax with
// Hill's exponent, or a straight line), so questions about it are questions about the concentration and are answered
// there. An indirect one turns over: the drug inhibits or stimulates its build-up or its loss, which makes it one more
// differential equation on top of any model (Dayneka, Garg, Jusko, J Pharmacokinet Biopharm 1993;21:457,
// doi 10.1007/BF01061691).

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/model.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/quantity.hpp"

namespace ketpk {

/// What a card states, in mg/L and min and checked; what formulas take.
struct Emax {
  double ec50_mg_per_L, hill, baseline, change;
};
struct Straight {
  double at_mg_per_L, baseline, change;
};
struct IndirectResponse {
  Turnover kind;
  Drive drive;
  double kout_per_min, baseline, most, c50_mg_per_L, hill;
};

namespace detail {

inline void require_effect(bool holds, std::string_view field, std::string_view message) {
  require(holds, Code::model_param, field, message);
}
inline void require_positive(double x, std::string_view field) {
  require_effect(std::isfinite(x) && x > 0, field, "not a positive number; accepted: more than zero");
}
inline void require_change(double baseline, double change) {
  require_effect(std::isfinite(baseline), "baseline", "not a finite number; accepted: any finite number");
  require_effect(std::isfinite(change) && change != 0, "change",
                 "not a finite number other than zero; accepted: above zero, or below it");
}
inline void require_stated(const std::string& effect_unit, const std::string& source) {
  require_effect(!effect_unit.empty(), "effect_unit", "not stated; accepted: the unit of the effect");
  require_effect(!source.empty(), "source", "not stated; accepted: where the numbers come from");
}

/// C^h, of a concentration that a solver may leave a rounding below zero: that is none.
template <class S>
[[nodiscard]] S hill_power(const S& c, double hill) noexcept {
  using std::pow;
  if (!(c > 0)) return hill == 1 ? c : S(0.0);
  return hill == 1 ? c : pow(c, hill);
}

}  // namespace detail

/// Throws E_MODEL_PARAM(ec50 | hill | baseline | change | effect_unit | source) unless ec50 and hill are positive, the
/// others finite, the change not zero, unit and source stated.
[[nodiscard]] inline Emax checked(const EmaxEffect& e) {
  const double ec50 = e.ec50.in(unit::mg_per_L);
  detail::require_positive(ec50, "ec50");
  detail::require_positive(e.hill, "hill");
  detail::require_change(e.baseline, e.change);
  detail::require_stated(e.effect_unit, e.source);
  return {ec50, e.hill, e.baseline, e.change};
}

/// Throws E_MODEL_PARAM(at | baseline | change | effect_unit | source), likewise.
[[nodiscard]] inline Straight checked(const LinearEffect& e) {
  const double at = e.at.in(unit::mg_per_L);
  detail::require_positive(at, "at");
  detail::require_change(e.baseline, e.change);
  detail::require_stated(e.effect_unit, e.source);
  return {at, e.baseline, e.change};
}

/// Throws E_MODEL_PARAM(kout | baseline | most | c50 | hill | drive | effect_unit | source) unless all numbers are
/// positive, an inhibition saturates and is at most 1, and a linear drive has a Hill exponent of 1.
[[nodiscard]] inline IndirectResponse checked(const TurnoverEffect& e) {
  const double kout = e.kout.in(unit::per_min), c50 = e.c50.in(unit::mg_per_L);
  detail::require_positive(kout, "kout");
  detail::require_positive(e.baseline, "baseline");
  detail::require_positive(e.most, "most");
  detail::require_positive(c50, "c50");
  detail::require_positive(e.hill, "hill");
  const bool inhibits = e.kind == Turnover::inhibit_build_up || e.kind == Turnover::inhibit_loss;
  detail::require_effect(!inhibits || e.drive == Drive::saturable, "drive",
                         "an inhibition without a ceiling; accepted: saturable");
  detail::require_effect(!inhibits || e.most <= 1, "most",
                         "an inhibition of more than all; accepted: more than zero, up to 1");
  detail::require_effect(e.drive == Drive::saturable || e.hill == 1, "hill",
                         "an exponent of a straight line; accepted: 1");
  detail::require_stated(e.effect_unit, e.source);
  return {e.kind, e.drive, kout, e.baseline, e.most, c50, e.hill};
}

/// An effect that a model can have: as stated, the curve that it follows, and its numbers.
struct CheckedEffect {
  CardEffect stated;
  Curve of;
  std::variant<Emax, Straight, IndirectResponse> form;
};

/// Whether any of them has a past of its own.
[[nodiscard]] inline bool turns_over(std::span<const CheckedEffect> effects) noexcept {
  return std::any_of(effects.begin(), effects.end(),
                     [](const CheckedEffect& e) { return std::holds_alternative<IndirectResponse>(e.form); });
}

/// Effects, and what errors call the list they stand in.
struct EffectList {
  std::string_view field;  ///< "effects"
  std::span<const CardEffect> effects;
};

/// Most effects that are asked about at once.
inline constexpr std::size_t most_effects = 16;

namespace detail {

/// A letter, then letters, digits and _, up to 64.
[[nodiscard]] inline bool is_name_of_effect(std::string_view name) noexcept {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= 64 && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

/// The concentration that the card has under this name, if it has.
[[nodiscard]] inline std::optional<Curve> concentration_called(std::string_view name, const ModelCard& card) noexcept {
  if (name == "plasma") return Curve::plasma();
  if (name == "effect_site" && card.ke0) return Curve::effect_site();
  for (std::size_t i = 0; i < card.metabolites.size(); ++i)
    if (card.metabolites[i].name == name) return Curve::metabolite(i);
  return std::nullopt;
}

}  // namespace detail

/// The effects of all lists, in their order, held against the card whose concentrations they follow.
/// Throws with the list's field, `effects[i].name` and so on: E_SIZE(effects) beyond 16 of all lists together;
/// E_PARSE(name) unless it is a letter, then letters, digits and _; E_FIELD_DUPLICATE(name) where another effect
/// or a concentration of the model has it; E_MODEL_PARAM(of) for a concentration that the model does not have, and what
/// `checked` throws.
[[nodiscard]] inline std::vector<CheckedEffect> checked_effects(const ModelCard& card,
                                                                std::initializer_list<EffectList> lists) {
  std::vector<CheckedEffect> out;
  for (const EffectList& list : lists) {
    require(list.effects.size() <= most_effects - out.size(), Code::size, list.field,
            "too many; accepted: up to 16 effects, those of the model among them");
    for (std::size_t i = 0; i < list.effects.size(); ++i) {
      const CardEffect& e = list.effects[i];
      const std::string at = std::string(list.field) + '[' + std::to_string(i) + "].";
      require(detail::is_name_of_effect(e.name), Code::parse, at + "name",
              "not a name; accepted: a letter, then letters, digits or _, up to 64");
      const bool is_taken = e.name == "effect_site" || detail::concentration_called(e.name, card) ||
                            std::any_of(out.begin(), out.end(), [&](const auto& o) { return o.stated.name == e.name; });
      require(!is_taken, Code::field_duplicate, at + "name",
              "the name of another effect or of a concentration of the model; accepted: each name once");
      const std::optional<Curve> of = detail::concentration_called(e.of, card);
      require(of.has_value(), Code::model_param, at + "of",
              "not a concentration of the model; accepted: plasma, effect_site where the model has ke0, or the name of "
              "one of its metabolites");
      try {
        std::visit([&](const auto& form) { out.push_back({e, *of, checked(form)}); }, e.form);
      } catch (const InvalidInput& refused) {
        throw InvalidInput(refused.code, at + refused.field, refused.message);
      }
    }
  }
  return out;
}

/// E = baseline + change C^h / (ec50^h + C^h), at C [mg/L]. `S` is double or a dual number.
template <class S>
[[nodiscard]] S effect_of(const Emax& e, const S& c_mg_per_L) noexcept {
  const S x = detail::hill_power<S>(c_mg_per_L / e.ec50_mg_per_L, e.hill);
  // Both forms are the same number; each holds where the other overflows.
  if (x > 1) return e.baseline + e.change / (1 + 1 / x);
  return e.baseline + e.change * (x / (1 + x));
}

/// E = baseline + change C / at, at C [mg/L].
template <class S>
[[nodiscard]] S effect_of(const Straight& e, const S& c_mg_per_L) noexcept {
  return e.baseline + e.change * (c_mg_per_L / e.at_mg_per_L);
}

/// The concentration that has an effect: beyond it the effect is beyond the level. Below every concentration where even
/// none has more than that effect, above all where none has as much.
struct LevelOfEffect {
  double mg_per_L;  ///< may be minus or plus infinity
};

/// C = ec50 (f / (1 - f))^(1 / h) with f = (E - baseline) / change. Throws E_ARG(level) unless the level is finite.
[[nodiscard]] inline LevelOfEffect concentration_for(const Emax& e, double level) {
  require(std::isfinite(level), Code::arg, "level", "not a finite number; accepted: a level of the effect");
  const double f = (level - e.baseline) / e.change, rest = (e.baseline + e.change - level) / e.change;  // 1 - f
  if (f < 0) return {-std::numeric_limits<double>::infinity()};
  if (!(rest > 0)) return {std::numeric_limits<double>::infinity()};
  return {e.ec50_mg_per_L * std::pow(f / rest, 1 / e.hill)};
}

/// C = at (E - baseline) / change. Throws E_ARG(level) unless the level is finite.
[[nodiscard]] inline LevelOfEffect concentration_for(const Straight& e, double level) {
  require(std::isfinite(level), Code::arg, "level", "not a finite number; accepted: a level of the effect");
  const double f = (level - e.baseline) / e.change;
  return {f < 0 ? -std::numeric_limits<double>::infinity() : e.at_mg_per_L * f};
}

/// An effect that follows its concentration at once, and rises or falls with it throughout.
template <class E>
concept DirectEffect = requires(const E& e, double x) {
  { effect_of(e, x) } -> std::same_as<double>;
  { concentration_for(e, x) } -> std::same_as<LevelOfEffect>;
  { e.change } -> std::convertible_to<double>;
};
static_assert(DirectEffect<Emax> && DirectEffect<Straight> && !DirectEffect<IndirectResponse>);

/// How strongly the drug drives the turnover at C [mg/L]: most C^h / (c50^h + C^h), or most C / c50.
template <class S>
[[nodiscard]] S drive_of(const IndirectResponse& r, const S& c_mg_per_L) noexcept {
  if (r.drive == Drive::linear) return r.most * (c_mg_per_L / r.c50_mg_per_L);
  return effect_of(Emax{r.c50_mg_per_L, r.hill, 0, r.most}, c_mg_per_L);
}

/// Change of the effect a minute, with D the drive:
///   inhibit_build_up   dE/dt = kin (1 - D) - kout E        stimulate_build_up   dE/dt = kin (1 + D) - kout E
///   inhibit_loss       dE/dt = kin - kout (1 - D) E        stimulate_loss       dE/dt = kin - kout (1 + D) E
/// and kin = kout baseline. What a user's own model writes in its `slopes`.
template <class S>
[[nodiscard]] S slope_of(const IndirectResponse& r, const S& effect, const S& c_mg_per_L) noexcept {
  const S d = drive_of(r, c_mg_per_L);
  switch (r.kind) {
    case Turnover::inhibit_build_up: return r.kout_per_min * (r.baseline * (1 - d) - effect);
    case Turnover::inhibit_loss: return r.kout_per_min * (r.baseline - (1 - d) * effect);
    case Turnover::stimulate_build_up: return r.kout_per_min * (r.baseline * (1 + d) - effect);
    case Turnover::stimulate_loss: return r.kout_per_min * (r.baseline - (1 + d) * effect);
  }
  return S(0.0);
}

/// A model and an indirect response to one of its concentrations: a `PkModel` with one state and one curve more, which
/// begins at its baseline. What the model says of itself beyond `PkModel` stays said.
template <PkModel M>
class WithTurnover {
 public:
  /// Throws E_ARG(curve) for a curve the model does not have, or that is not a concentration.
  WithTurnover(M model, IndirectResponse response, Curve driven_by)
      : model_(std::move(model)), response_(response), driven_by_(driven_by) {
    require(driven_by.kind != Curve::Kind::other && model_.has(driven_by), Code::arg, "curve",
            "not a concentration of this model; accepted: plasma, and what the model has");
    while (model_.has(Curve::other(others_))) ++others_;
  }

  [[nodiscard]] const M& model() const noexcept { return model_; }
  /// The curve of the effect, in its own unit.
  [[nodiscard]] Curve effect() const noexcept { return Curve::other(others_); }

  [[nodiscard]] std::size_t size() const noexcept { return model_.size() + 1; }
  [[nodiscard]] bool has(Curve c) const noexcept { return c == effect() || model_.has(c); }
  [[nodiscard]] bool is_linear(Curve c) const noexcept {
    if (c == effect()) return true;
    if constexpr (KnowsLinearity<M>)
      return model_.is_linear(c);
    else
      return false;
  }
  void start(std::span<double> x) const {
    if constexpr (HasStart<M>) model_.start(x.first(x.size() - 1));
    x.back() = response_.baseline;
  }
  /// For the stiff solver too, where slopes and values of the model take dual numbers.
  template <class S>
  requires(std::same_as<S, double> ||
           (DifferentiableModel<M> &&
            DifferentiableValue<M>)) void slopes(std::span<const S> x, double input_mg_per_min, std::span<S> dx) const {
    const std::span<const S> own = x.first(x.size() - 1);
    model_.slopes(own, input_mg_per_min, dx.first(dx.size() - 1));
    dx.back() = slope_of<S>(response_, x.back(), model_.value(own, driven_by_));
  }
  void bolus(std::span<double> x, double mg) const { model_.bolus(x.first(x.size() - 1), mg); }
  [[nodiscard]] double value(std::span<const double> x, Curve c) const {
    return c == effect() ? x.back() : static_cast<double>(model_.value(x.first(x.size() - 1), c));
  }
  [[nodiscard]] double auc_mg_min_per_L(std::span<const double> x) const requires KnowsArea<M> {
    return model_.auc_mg_min_per_L(x.first(x.size() - 1));
  }
  [[nodiscard]] double share(std::size_t i) const noexcept {
    if constexpr (requires { model_.share(i); })
      return i < model_.size() ? model_.share(i) : 1.0;
    else
      return 1;
  }
  [[nodiscard]] std::string name_of(std::size_t i) const {
    if (i + 1 == size()) return "effect";
    if constexpr (NamesStates<M>)
      return std::string(model_.name_of(i));
    else
      return "of the model";
  }

 private:
  M model_;
  IndirectResponse response_;
  Curve driven_by_;
  std::size_t others_ = 0;
};

static_assert(PkModel<WithTurnover<Mammillary>> && HasStart<WithTurnover<Mammillary>>);

}  // namespace ketpk
