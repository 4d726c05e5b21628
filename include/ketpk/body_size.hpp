// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: sizes that follow from weight, height and sex. They check a patient, and a dose counts one of them only where
// that was asked for by name. Each formula is somebody's fit to some people; outside what it can speak of it is refused
// with the reason, and nothing is extrapolated. Every coefficient was seen in two places that do not quote each other.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "ketpk/dual.hpp"
#include "ketpk/error.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/quantity.hpp"

namespace ketpk {

enum class BodySize : std::uint8_t {
  body_mass_index,
  surface_area,            ///< Du Bois
  surface_area_mosteller,  ///< the one that a pocket calculator can do
  ideal_weight,
  adjusted_weight,
  lean_mass,
  fat_free_mass,
  fat_free_mass_by_age,
};

/// A formula as it is told beside its value.
struct BodySizeInfo {
  std::string_view name;       ///< in a result
  std::string_view covariate;  ///< in a model card or a data file; empty: none
  std::string_view unit;
  std::string_view formula;  ///< W in kg, H in cm, A in yr
  std::string_view domain;
  std::string_view citation;
  std::string_view doi;  ///< empty: none known
};

// Coefficients as seen in: globalrph.com and clincalc.com (Devine, adjusted weight); programs for PET uptake values and
// for target-controlled infusion (James, Janmahasatian, Du Bois, Mosteller); the test values of the R package clinPK
// (Janmahasatian, Al-Sallami); programs of the Eleveld 2018 and Lawson 2022 models (Al-Sallami). Programs that print
// 120 for James' 128 hand on a misprint.
inline constexpr std::array<BodySizeInfo, 8> body_sizes{{
    {"body_mass_index", "BMI", "kg/m2", "W / (H / 100)^2", "every weight and height",
     "Quetelet A. Sur l'homme et le d\xC3\xA9veloppement de ses facult\xC3\xA9s. Paris 1835", ""},
    {"body_surface_area", "BSA", "m2", "0.007184 W^0.425 H^0.725", "every weight and height",
     "Du Bois D, Du Bois EF. Arch Intern Med 1916;17:863-871", "10.1001/archinte.1916.00080130010002"},
    {"body_surface_area_mosteller", "", "m2", "sqrt(W H / 3600)", "every weight and height",
     "Mosteller RD. N Engl J Med 1987;317:1098", "10.1056/NEJM198710223171717"},
    {"ideal_weight", "IBW", "kg", "50 (men) or 45.5 (women) + 2.3 (H / 2.54 - 60)",
     "adults of 60 in (152.4 cm) or more", "Devine BJ. Drug Intell Clin Pharm 1974;8:650-655", ""},
    {"adjusted_weight", "", "kg", "ideal weight + 0.4 (W - ideal weight)",
     "as the ideal weight, and a weight that is not below it",
     "Bauer LA. Applied Clinical Pharmacokinetics. McGraw-Hill 2001", ""},
    {"lean_mass", "LBM", "kg", "1.10 W - 128 (W / H)^2 (men) or 1.07 W - 148 (W / H)^2 (women)",
     "adults of a body mass index below 42.97 kg/m2 (men) or 36.15 kg/m2 (women), where it turns over",
     "James WPT. Research on Obesity. HMSO, London 1976", ""},
    {"fat_free_mass", "FFM", "kg", "9270 W / (6680 + 216 BMI) (men) or 9270 W / (8780 + 244 BMI) (women)",
     "adults, where it stays below the weight", "Janmahasatian S et al. Clin Pharmacokinet 2005;44:1051-1065",
     "10.2165/00003088-200544100-00004"},
    {"fat_free_mass_by_age", "", "kg",
     "fat-free mass times 0.88 + 0.12 / (1 + (A / 13.4)^-12.7) (men) or 1.11 - 0.11 / (1 + (A / 7.1)^-1.1) (women)",
     "from 3 yr on, where it stays below the weight", "Al-Sallami HS et al. Clin Pharmacokinet 2015;54:1169-1178",
     "10.1007/s40262-015-0277-z"},
}};
[[nodiscard]] constexpr const BodySizeInfo& info(BodySize s) noexcept {
  return body_sizes[static_cast<std::size_t>(s)];
}

/// Why a size cannot be told: something was not stated, or lies outside what the formula speaks of.
struct SizeRefused {
  Code code;          ///< field_missing or range
  std::string field;  ///< patient.height and so on
  std::string message;
};

/// In the unit of its `info`, or refused.
template <class S>
using SizeAnswerOf = std::variant<S, SizeRefused>;
using SizeAnswer = SizeAnswerOf<double>;

/// Weight / height^2 of a patient whose height is stated.
[[nodiscard]] inline std::optional<BodyMassIndex> body_mass_index(const Patient& patient) noexcept {
  if (!patient.height) return std::nullopt;
  const Length height = patient.height->value();
  return patient.weight.value() / (height * height);
}

namespace detail {

/// Where James' parabola turns over: W / H^2 = 1.10 / (2 128) or 1.07 / (2 148) kg/cm2.
inline constexpr double james_turns_men = 1.10 / 256 * 1e4, james_turns_women = 1.07 / 296 * 1e4;

/// `S` is double, or a number that carries a derivative with respect to the weight.
template <class S>
struct Measured {
  S kg;
  double cm, in;
  S bmi;
  bool is_man;
  std::optional<double> yr;
};

template <class S>
[[nodiscard]] SizeAnswerOf<S> at_most_the_weight(const S& kg, const Measured<S>& m) {
  if (kg <= m.kg) return kg;
  return SizeRefused{Code::range, "patient.weight",
                     "so little for the height that the formula finds more than there is; accepted: the actual weight"};
}

template <class S>
[[nodiscard]] SizeAnswerOf<S> ideal_weight_kg(const Measured<S>& m) {
  if (!at_least(m.in, 60))
    return SizeRefused{Code::range, "patient.height",
                       "below 152.4 cm (60 in), where the formula begins; accepted: 152.4 cm or more"};
  // IBW = 50 or 45.5 + 2.3 (in - 60). Devine 1974.
  return S((m.is_man ? 50.0 : 45.5) + 2.3 * (m.in - 60));
}

template <class S>
[[nodiscard]] SizeAnswerOf<S> adjusted_weight_kg(const Measured<S>& m) {
  SizeAnswerOf<S> ideal = ideal_weight_kg(m);
  const S* ibw = std::get_if<S>(&ideal);
  if (ibw == nullptr) return ideal;
  if (!at_least(number_in(m.kg), number_in(*ibw)))
    return SizeRefused{Code::range, "patient.weight",
                       "below the ideal weight, and the adjustment is for what lies above it; accepted: the actual "
                       "weight"};
  // IBW + 0.4 (W - IBW).
  return *ibw + 0.4 * (m.kg - *ibw);
}

template <class S>
[[nodiscard]] SizeAnswerOf<S> lean_mass_kg(const Measured<S>& m) {
  if (!(m.bmi < (m.is_man ? james_turns_men : james_turns_women)))
    return SizeRefused{
        Code::range, "patient.weight",
        "so much for the height that the formula's parabola has turned over; accepted: a body mass index "
        "below 42.97 kg/m2 (men) or 36.15 kg/m2 (women)"};
  // 1.10 W - 128 (W / H)^2, or 1.07 W - 148 (W / H)^2. James 1976.
  const S ratio = m.kg / m.cm;
  return at_most_the_weight<S>(m.is_man ? 1.10 * m.kg - 128 * ratio * ratio : 1.07 * m.kg - 148 * ratio * ratio, m);
}

template <class S>
[[nodiscard]] S fat_free_mass_kg(const Measured<S>& m) noexcept {
  // 9270 W / (6680 + 216 BMI), or 9270 W / (8780 + 244 BMI). Janmahasatian 2005.
  return m.is_man ? 9270 * m.kg / (6680 + 216 * m.bmi) : 9270 * m.kg / (8780 + 244 * m.bmi);
}

template <class S>
[[nodiscard]] SizeAnswerOf<S> fat_free_mass_by_age_kg(const Measured<S>& m) {
  if (!m.yr)
    return SizeRefused{Code::field_missing, "patient.age",
                       "not given, and the formula looks at it; accepted: the patient's own"};
  if (!at_least(*m.yr, 3))
    return SizeRefused{Code::range, "patient.age", "below 3 yr, where the formula begins; accepted: 3 yr or more"};
  // FFM (0.88 + 0.12 / (1 + (A / 13.4)^-12.7)), or FFM (1.11 - 0.11 / (1 + (A / 7.1)^-1.1)). Al-Sallami 2015.
  const double matured =
      m.is_man ? 0.88 + 0.12 / (1 + std::pow(*m.yr / 13.4, -12.7)) : 1.11 - 0.11 / (1 + std::pow(*m.yr / 7.1, -1.1));
  return at_most_the_weight<S>(matured * fat_free_mass_kg(m), m);
}

[[nodiscard]] constexpr bool is_for_adults(BodySize s) noexcept {
  return s == BodySize::ideal_weight || s == BodySize::adjusted_weight || s == BodySize::lean_mass ||
         s == BodySize::fat_free_mass;
}

/// As `size_of`, for a patient who weighs `kg`.
template <class S>
[[nodiscard]] SizeAnswerOf<S> size_at(const Patient& patient, BodySize size, const S& kg) {
  using std::pow, std::sqrt;
  constexpr std::string_view own = "not given, and the formula looks at it; accepted: the patient's own";
  if (!patient.height) return SizeRefused{Code::field_missing, "patient.height", std::string(own)};
  const Length height = patient.height->value();
  const double cm = height.in(unit::cm), m2 = height.in(unit::m)*height.in(unit::m);
  const S bmi = kg / m2;
  if (size == BodySize::body_mass_index) return bmi;
  // W^0.425 H^0.725 0.007184. Du Bois 1916.
  if (size == BodySize::surface_area) return 0.007184 * pow(kg, 0.425) * pow(cm, 0.725);
  // sqrt(W H / 3600). Mosteller 1987.
  if (size == BodySize::surface_area_mosteller) return sqrt(kg * cm / 3600);
  if (!patient.sex) return SizeRefused{Code::field_missing, "patient.sex", std::string(own)};
  if (is_for_adults(size) && patient.age && !at_least(patient.age->in(unit::yr), 18))
    return SizeRefused{Code::range, "patient.age",
                       "a child's, and the formula speaks of adults; accepted: 18 yr or more"};
  const Measured<S> m{.kg = kg,
                      .cm = cm,
                      .in = height.in(unit::inch),
                      .bmi = bmi,
                      .is_man = *patient.sex == Sex::male,
                      .yr = patient.age ? std::optional(patient.age->in(unit::yr)) : std::nullopt};
  switch (size) {
    case BodySize::ideal_weight: return ideal_weight_kg(m);
    case BodySize::adjusted_weight: return adjusted_weight_kg(m);
    case BodySize::lean_mass: return lean_mass_kg(m);
    case BodySize::fat_free_mass: return at_most_the_weight(fat_free_mass_kg(m), m);
    default: return fat_free_mass_by_age_kg(m);
  }
}

}  // namespace detail

/// The size of a possible patient (`validate(Patient)`). Refused: E_FIELD_MISSING(patient.height, patient.sex,
/// patient.age) where the formula looks at what is not stated; E_RANGE(patient.height, patient.weight, patient.age)
/// outside its domain. Formulas for adults refuse a stated age below 18 yr; an age that is not stated is taken for an
/// adult's, as their domain says beside the value.
[[nodiscard]] inline SizeAnswer size_of(const Patient& patient, BodySize size) {
  return detail::size_at(patient, size, patient.weight.value().in(unit::kg));
}

/// The formula behind a rule; none for the actual weight.
[[nodiscard]] constexpr std::optional<BodySize> size_behind(WeightRule rule) noexcept {
  switch (rule) {
    case WeightRule::ideal: return BodySize::ideal_weight;
    case WeightRule::adjusted: return BodySize::adjusted_weight;
    case WeightRule::lean: return BodySize::lean_mass;
    case WeightRule::fat_free: return BodySize::fat_free_mass;
    default: return std::nullopt;
  }
}

/// The mass that per-kg orders count. Throws, for a rule: E_FIELD_MISSING(patient.height, patient.sex);
/// E_RANGE(patient.dosing_weight) outside the domain of its formula, and where it comes to more than the actual weight:
/// a rule is there to count less of a heavy body, never more of a light one.
[[nodiscard]] inline BodyMass mass_for_dosing(const Patient& patient) {
  if (const auto* stated = std::get_if<Stated<dim::body>>(&patient.dosing_weight)) return stated->value();
  const auto size = size_behind(std::get<WeightRule>(patient.dosing_weight));
  if (!size) return patient.weight.value();
  const SizeAnswer answer = size_of(patient, *size);
  if (const auto* no = std::get_if<SizeRefused>(&answer))
    throw InvalidInput(
        no->code, no->code == Code::range ? "patient.dosing_weight" : no->field,
        no->code == Code::range ? no->field.substr(8) + ' ' + no->message + ", or a stated mass" : no->message);
  const BodyMass mass(std::get<double>(answer), unit::kg);
  require(at_most(mass.in(unit::kg), patient.weight.value().in(unit::kg)), Code::range, "patient.dosing_weight",
          "more than the actual weight; accepted: actual, another rule, or a stated mass");
  detail::require_body_mass(mass, "patient.dosing_weight");
  return mass;
}

/// The size that a card or a data file calls so: BMI, BSA (Du Bois), IBW, LBM, FFM.
[[nodiscard]] inline std::optional<BodySize> size_called(std::string_view covariate) noexcept {
  for (std::size_t i = 0; i < body_sizes.size(); ++i)
    if (!covariate.empty() && body_sizes[i].covariate == covariate) return static_cast<BodySize>(i);
  return std::nullopt;
}

}  // namespace ketpk
