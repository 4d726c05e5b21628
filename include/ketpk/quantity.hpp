// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a slip in a unit is an anaesthetic. Drug mass and body mass are different dimensions here, so
// `0.5_mg_per_kg * 70_kg == 35_mg` compiles and nothing that mixes the two does. A number gets its unit
// when it enters and loses it only through `in(unit)`. The closed list of units stands once, below.

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "ketpk/error.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// Exponents of the base units mg (of drug), kg (of body), L, m, min and yr (of age).
struct Dimension {
  int drug = 0, body = 0, volume = 0, length = 0, time = 0, age = 0;

  friend constexpr bool operator==(const Dimension&, const Dimension&) = default;
  friend constexpr Dimension operator+(Dimension a, Dimension b) noexcept {
    return {a.drug + b.drug, a.body + b.body, a.volume + b.volume, a.length + b.length, a.time + b.time, a.age + b.age};
  }
  friend constexpr Dimension operator-(Dimension a, Dimension b) noexcept {
    return {a.drug - b.drug, a.body - b.body, a.volume - b.volume, a.length - b.length, a.time - b.time, a.age - b.age};
  }
};

namespace dim {
inline constexpr Dimension none{};
inline constexpr Dimension drug{.drug = 1};
inline constexpr Dimension body{.body = 1};
inline constexpr Dimension length{.length = 1};
inline constexpr Dimension age{.age = 1};
inline constexpr Dimension time{.time = 1};
inline constexpr Dimension volume{.volume = 1};
inline constexpr Dimension dose = drug - body;
inline constexpr Dimension rate = drug - time;
inline constexpr Dimension dose_rate = drug - body - time;
inline constexpr Dimension concentration = drug - volume;
inline constexpr Dimension flow = volume - time;
inline constexpr Dimension volume_per_body = volume - body;
inline constexpr Dimension flow_per_body = volume - time - body;
inline constexpr Dimension rate_constant = none - time;
inline constexpr Dimension body_mass_index = body - length - length;
}  // namespace dim

namespace detail {

/// `x * num / den` as if rounded once, for `num` and `den` below 2^27, so that a number in lb or in survives the
/// way in and out to 1 ulp. Veltkamp's split and Dekker's exact products.
[[nodiscard]] constexpr double scaled(double x, double num, double den) noexcept {
  if (num == 1) return x / den;
  if (den == 1) return x * num;
  if (!(x > -1e290 && x < 1e290)) return x / den * num;  // no room to split; NaN and infinity pass through
  constexpr double splitter = 134217729;                 // 2^27 + 1
  const double xs = splitter * x, x_high = xs - (xs - x), x_low = x - x_high;
  const double product = x * num, product_error = (x_high * num - product) + x_low * num;
  const double q = product / den;
  const double qs = splitter * q, q_high = qs - (qs - q), q_low = q - q_high;
  const double rest = ((product - q_high * den) - q_low * den) + product_error;
  return q + rest / den;
}

}  // namespace detail

/// A unit of one dimension: 1 unit = `num / den` base units (both exact in double).
template <Dimension D>
struct Unit {
  std::string_view name;
  double num = 1, den = 1;
};

/// A unit whose dimension is known only when the program runs.
struct AnyUnit {
  std::string_view name;
  Dimension dimension;
  double num = 1, den = 1;

  template <Dimension D>
  // NOLINTNEXTLINE(google-explicit-constructor): a unit is an AnyUnit
  constexpr AnyUnit(Unit<D> u) noexcept : name(u.name), dimension(D), num(u.num), den(u.den) {}
  friend constexpr bool operator==(const AnyUnit& a, const AnyUnit& b) noexcept {
    return a.name == b.name && a.dimension == b.dimension;
  }
};

/// A number of base units with its dimension. No default value: a physical quantity is stated or absent.
template <Dimension D>
class Quantity {
 public:
  Quantity() = delete;
  /// `number` of `unit`.
  constexpr Quantity(double number, Unit<D> unit) noexcept : base_(detail::scaled(number, unit.num, unit.den)) {}

  /// The way out: the number that stands before `unit`.
  [[nodiscard]] constexpr double in(Unit<D> unit) const noexcept { return detail::scaled(base_, unit.den, unit.num); }

  friend constexpr auto operator<=>(Quantity, Quantity) = default;
  friend constexpr Quantity operator+(Quantity a, Quantity b) noexcept { return Quantity(a.base_ + b.base_); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) noexcept { return Quantity(a.base_ - b.base_); }
  friend constexpr Quantity operator*(double f, Quantity a) noexcept { return Quantity(f * a.base_); }
  friend constexpr Quantity operator/(Quantity a, double f) noexcept { return Quantity(a.base_ / f); }
  template <Dimension E>
  friend constexpr auto operator*(Quantity a, Quantity<E> b) noexcept {
    return Quantity<D + E>(a.in(Unit<D>{}) * b.in(Unit<E>{}), Unit<D + E>{});
  }
  template <Dimension E>
  friend constexpr auto operator/(Quantity a, Quantity<E> b) noexcept {
    if constexpr (D == E)
      return a.in(Unit<D>{}) / b.in(Unit<E>{});
    else
      return Quantity<D - E>(a.in(Unit<D>{}) / b.in(Unit<E>{}), Unit<D - E>{});
  }

 private:
  constexpr explicit Quantity(double base) noexcept : base_(base) {}
  double base_;
};

/// A rate over a duration, and back.
template <Dimension D>
[[nodiscard]] constexpr Quantity<D + dim::time> operator*(Quantity<D> rate, Micros over) noexcept {
  return {rate.in(Unit<D>{}) * minutes(over), {}};
}
template <Dimension D>
[[nodiscard]] constexpr Quantity<D - dim::time> operator/(Quantity<D> amount, Micros over) noexcept {
  return {amount.in(Unit<D>{}) / minutes(over), {}};
}

using DrugMass = Quantity<dim::drug>;
using BodyMass = Quantity<dim::body>;
using Length = Quantity<dim::length>;
using Age = Quantity<dim::age>;
using Volume = Quantity<dim::volume>;
using DrugPerBody = Quantity<dim::dose>;
using DrugRate = Quantity<dim::rate>;
using DrugRatePerBody = Quantity<dim::dose_rate>;
using Concentration = Quantity<dim::concentration>;
using Flow = Quantity<dim::flow>;
using RateConstant = Quantity<dim::rate_constant>;
using BodyMassIndex = Quantity<dim::body_mass_index>;

namespace unit {
inline constexpr Unit<dim::drug> mg{"mg"}, mcg{"mcg", 1, 1000}, g{"g", 1000};
inline constexpr Unit<dim::body> kg{"kg"}, lb{"lb", 45359237, 1e8}, g_of_body{"g", 1, 1000};
inline constexpr Unit<dim::length> m{"m"}, cm{"cm", 1, 100}, inch{"in", 254, 1e4};
inline constexpr Unit<dim::age> yr{"yr"};
inline constexpr Unit<dim::dose> mg_per_kg{"mg/kg"}, mcg_per_kg{"mcg/kg", 1, 1000};
inline constexpr Unit<dim::rate> mg_per_min{"mg/min"}, mg_per_h{"mg/h", 1, 60}, mcg_per_min{"mcg/min", 1, 1000},
    mcg_per_h{"mcg/h", 1, 60000};
inline constexpr Unit<dim::dose_rate> mg_per_kg_per_min{"mg/kg/min"}, mg_per_kg_per_h{"mg/kg/h", 1, 60},
    mcg_per_kg_per_min{"mcg/kg/min", 1, 1000}, mcg_per_kg_per_h{"mcg/kg/h", 1, 60000};
inline constexpr Unit<dim::flow> mL_per_h{"mL/h", 1, 60000}, mL_per_min{"mL/min", 1, 1000}, L_per_h{"L/h", 1, 60},
    L_per_min{"L/min"};
inline constexpr Unit<dim::concentration> mg_per_mL{"mg/mL", 1000}, mcg_per_mL{"mcg/mL"}, ng_per_mL{"ng/mL", 1, 1000},
    mg_per_L{"mg/L"}, mcg_per_L{"mcg/L", 1, 1000};
inline constexpr Unit<dim::time> us{"us", 1, 6e7}, ms{"ms", 1, 6e4}, s{"s", 1, 60}, min{"min"}, h{"h", 60},
    d{"d", 1440};
inline constexpr Unit<dim::volume> mL{"mL", 1, 1000}, L{"L"};
inline constexpr Unit<dim::volume_per_body> L_per_kg{"L/kg"}, mL_per_kg{"mL/kg", 1, 1000};
inline constexpr Unit<dim::flow_per_body> L_per_h_per_kg{"L/h/kg", 1, 60}, L_per_min_per_kg{"L/min/kg"},
    mL_per_min_per_kg{"mL/min/kg", 1, 1000};
inline constexpr Unit<dim::rate_constant> per_min{"1/min"}, per_h{"1/h", 1, 60}, per_s{"1/s", 60};
inline constexpr Unit<dim::body_mass_index> kg_per_m2{"kg/m2"};
inline constexpr Unit<dim::none> one{"1"};
}  // namespace unit

/// The closed list of units that text may carry. `g` stands twice: of drug and of body.
// clang-format off
inline constexpr std::array<AnyUnit, 46> unit_list{
    unit::mg, unit::mcg, unit::g, unit::kg, unit::g_of_body, unit::lb, unit::cm, unit::m, unit::inch, unit::yr,
    unit::mg_per_kg, unit::mcg_per_kg, unit::mg_per_min, unit::mg_per_h, unit::mcg_per_min, unit::mcg_per_h,
    unit::mg_per_kg_per_min, unit::mg_per_kg_per_h, unit::mcg_per_kg_per_min, unit::mcg_per_kg_per_h,
    unit::mL_per_h, unit::mL_per_min, unit::mg_per_mL, unit::mcg_per_mL, unit::ng_per_mL, unit::mg_per_L,
    unit::mcg_per_L, unit::us, unit::ms, unit::s, unit::min, unit::h, unit::d, unit::mL, unit::L, unit::L_per_kg,
    unit::mL_per_kg, unit::L_per_h, unit::L_per_min, unit::L_per_h_per_kg, unit::L_per_min_per_kg,
    unit::mL_per_min_per_kg, unit::per_min, unit::per_h, unit::per_s, unit::kg_per_m2};
// clang-format on

namespace detail {

/// The units of the closed list for which `wanted` holds, for messages.
template <class Wanted>
[[nodiscard]] std::string units_where(Wanted wanted) {
  std::string text;
  for (const AnyUnit& u : unit_list)
    if (wanted(u)) text.append(text.empty() ? "" : " ").append(u.name);
  return text;
}

}  // namespace detail

/// A quantity of one of the dimensions `Ds` as somebody stated it: the number and the unit are kept, so
/// that an echo shows them and a slip of the unit can be looked for.
template <Dimension... Ds>
class Stated {
 public:
  template <Dimension D>
  requires((D == Ds) || ...) constexpr Stated(double number, Unit<D> unit) noexcept : number_(number), unit_(unit) {}
  template <Dimension D>
  requires((D == Ds) || ...) constexpr Stated(Quantity<D> q) noexcept  // NOLINT(google-explicit-constructor)
      : number_(q.in(Unit<D>{})), unit_(base_unit<D>()) {}
  /// Throws `InvalidInput{E_UNIT_MISMATCH, field}` unless the unit has one of the dimensions.
  Stated(double number, AnyUnit unit, std::string_view field) : number_(number), unit_(unit) {
    require(fits(unit), Code::unit_mismatch, field, "a unit of another dimension; accepted: " + accepted());
  }

  [[nodiscard]] constexpr double number() const noexcept { return number_; }
  [[nodiscard]] constexpr AnyUnit unit() const noexcept { return unit_; }

  /// The quantity, if it was stated in dimension `D`.
  template <Dimension D>
  requires((D == Ds) || ...) [[nodiscard]] constexpr std::optional<Quantity<D>> as() const noexcept {
    if (unit_.dimension != D) return std::nullopt;
    return Quantity<D>(number_, Unit<D>{unit_.name, unit_.num, unit_.den});
  }
  /// The quantity, where only one dimension is possible.
  [[nodiscard]] constexpr auto value() const noexcept requires(sizeof...(Ds) == 1) {
    return Quantity<Ds...>(number_, Unit<Ds...>{unit_.name, unit_.num, unit_.den});
  }

  /// The number that stands before `unit`; as stated, to the last digit, where it was stated in that unit.
  template <Dimension D>
  requires(sizeof...(Ds) == 1 && ((D == Ds) && ...)) [[nodiscard]] constexpr double in(Unit<D> unit) const noexcept {
    return unit_.name == unit.name ? number_ : value().in(unit);
  }

  [[nodiscard]] static constexpr bool fits(const AnyUnit& unit) noexcept { return ((unit.dimension == Ds) || ...); }

  /// The units of the closed list that fit, for messages.
  [[nodiscard]] static std::string accepted() { return detail::units_where(fits); }

 private:
  template <Dimension D>
  static constexpr AnyUnit base_unit() noexcept {
    for (const AnyUnit& u : unit_list)
      if (u.dimension == D && u.num == 1 && u.den == 1) return u;
    return AnyUnit(unit::one);
  }
  double number_;
  AnyUnit unit_;
};

/// The shortest decimal text that reads back as exactly `x`; no locale, leading zero, no trailing zero.
[[nodiscard]] inline std::string to_text(double x) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), x).ptr;
  return {buffer.data(), end};
}

/// `0.5 mg/kg`: number, one space, unit.
template <Dimension... Ds>
[[nodiscard]] std::string to_text(const Stated<Ds...>& q) {
  return to_text(q.number()) + ' ' + std::string(q.unit().name);
}
template <Dimension D>
[[nodiscard]] std::string to_text(Quantity<D> q, Unit<D> unit) {
  return to_text(q.in(unit)) + ' ' + std::string(unit.name);
}

namespace detail {

/// `x` rounded to `digits` significant decimal digits, 1 to 17.
[[nodiscard]] inline double rounded(double x, int digits) {
  if (!std::isfinite(x)) return x;
  std::array<char, 40> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::scientific, digits - 1).ptr;
  double back = x;
  std::from_chars(buffer.data(), end, back);
  return back;
}

/// A number for people: `digits` significant digits, no exponent between a millionth and 1e15, leading zero,
/// no trailing zero, no locale.
[[nodiscard]] inline std::string plain_text(double x, int digits) {
  if (!std::isfinite(x)) return "not a finite number";
  x = rounded(x, digits);
  if (x != 0 && !(std::abs(x) >= 1e-6 && std::abs(x) < 1e15)) return to_text(x);
  std::array<char, 64> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), x, std::chars_format::fixed).ptr;
  return {buffer.data(), end};
}

/// Significant digits that people get to see of a value.
inline constexpr int shown_digits = 6;

/// `base` units of `u`'s dimension as text in `u`.
[[nodiscard]] inline std::string text_in(double base, const AnyUnit& u, int digits = shown_digits) {
  return plain_text(base * u.den / u.num, digits) + ' ' + std::string(u.name);
}

/// What was stated, every digit of it, in its own unit.
template <Dimension... Ds>
[[nodiscard]] std::string text_of(const Stated<Ds...>& q) {
  return plain_text(q.number(), 17) + ' ' + std::string(q.unit().name);
}

}  // namespace detail

/// The range of body mass that is physically possible.
inline constexpr BodyMass least_body_mass{0.2, unit::kg}, most_body_mass{700, unit::kg};

namespace detail {

/// Throws E_NONFINITE or E_RANGE(`field`) unless lo <= x <= hi.
inline void require_between(double x, double lo, double hi, std::string_view field, std::string_view message) {
  require(std::isfinite(x), Code::nonfinite, field, message);
  require(x >= lo && x <= hi, Code::range, field, message);
}

/// Throws E_NONFINITE or E_RANGE(`field`) unless the mass is physically possible.
inline void require_body_mass(BodyMass mass, std::string_view field) {
  require_between(mass.in(unit::kg), least_body_mass.in(unit::kg), most_body_mass.in(unit::kg), field,
                  "not a possible body mass; accepted: 0.2 to 700 kg");
}

/// Length of the JSON number at the start of `text`, 0 if there is none.
[[nodiscard]] constexpr std::size_t json_number_length(std::string_view text) noexcept {
  std::size_t i = 0;
  const auto digit = [&](std::size_t k) { return k < text.size() && text[k] >= '0' && text[k] <= '9'; };
  const auto digits = [&] {
    while (digit(i)) ++i;
  };
  if (i < text.size() && text[i] == '-') ++i;
  if (!digit(i)) return 0;
  if (text[i] == '0')
    ++i;
  else
    digits();
  if (i < text.size() && text[i] == '.' && digit(i + 1)) {
    ++i;
    digits();
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    const std::size_t sign = (i + 1 < text.size() && (text[i + 1] == '+' || text[i + 1] == '-')) ? 1 : 0;
    if (digit(i + 1 + sign)) {
      i += 1 + sign;
      digits();
    }
  }
  return i;
}

/// The unit of the list somebody may have meant, part by part (`ug/kg/min`: mcg/kg/min); empty if none is known.
[[nodiscard]] inline std::string spelling_hint(std::string_view unit) {
  // clang-format off
  constexpr std::array<std::array<std::string_view, 2>, 23> spellings{{
      {"ug", "mcg"}, {"\xC2\xB5g", "mcg"}, {"\xCE\xBCg", "mcg"}, {"gamma", "mcg"}, {"MG", "mg"},
      {"cc", "mL"}, {"ml", "mL"}, {"ML", "mL"}, {"l", "L"}, {"KG", "kg"}, {"Kg", "kg"}, {"kgs", "kg"}, {"lbs", "lb"},
      {"mins", "min"}, {"minute", "min"}, {"minutes", "min"}, {"hr", "h"}, {"hrs", "h"}, {"hour", "h"}, {"hours", "h"}, {"sec", "s"}, {"years", "yr"}, {"y", "yr"}}};
  // clang-format on
  if (unit.size() > 32) return {};
  std::string meant;
  for (std::size_t start = 0; start <= unit.size();) {
    const std::size_t stop = std::min(unit.find('/', start), unit.size());
    std::string_view part = unit.substr(start, stop - start);
    for (const auto& [wrong, right] : spellings)
      if (part == wrong) part = right;
    (meant += start == 0 ? "" : "/") += part;
    start = stop + 1;
  }
  for (const AnyUnit& u : unit_list)
    if (u.name == meant) return meant;
  return {};
}

}  // namespace detail

/// The number of `text`, which must be one JSON number and nothing else.
/// Throws E_PARSE for any other grammar and E_RANGE for a number no double can hold, in either direction.
[[nodiscard]] inline double parse_number(std::string_view text, std::string_view field) {
  require(!text.empty() && detail::json_number_length(text) == text.size(), Code::parse, field,
          "not a number; accepted: digits with a decimal point, as in 0.5");
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  require(error == std::errc{} && end == text.data() + text.size() && std::isfinite(x), Code::range, field,
          "a number beyond what can be held; accepted: magnitudes from 1e-307 to 1e308");
  return x;
}

/// `NUMBER [one space] UNIT`, split into number and unit by the closed list of the contract.
/// `wanted(u)` says which units are due, and so which of two of one name (`g` of drug or of body).
/// Throws E_PARSE, E_RANGE, E_UNIT_MISSING or E_UNIT_UNKNOWN.
template <class Wanted>
[[nodiscard]] std::pair<double, AnyUnit> parse_with_unit(std::string_view text, std::string_view field, Wanted wanted) {
  const auto accepted = [&wanted] { return detail::units_where(wanted); };
  const std::size_t n = detail::json_number_length(text);
  const bool spaced = n < text.size() && text[n] == ' ';
  const std::string_view name = text.substr(n + (spaced ? 1 : 0));
  // `0,5 kg`, `1 000 mg`, `0x10 kg` and `1e` are spoilt numbers, not unknown units; `1/min` is a unit.
  constexpr std::string_view spoils = "0123456789.,_'+-xXeE";
  const bool number_goes_on =
      !name.empty() && !name.starts_with("1/") &&
      spoils.substr(0, spaced ? 16 : spoils.size()).find(name.front()) != std::string_view::npos;
  require(n > 0 && !number_goes_on, Code::parse, field,
          "not a number with a unit; accepted: digits with a decimal point, one space and one of " + accepted());
  const double number = parse_number(text.substr(0, n), field);
  require(!name.empty(), Code::unit_missing, field,
          "a number without a unit; accepted: a number, one space and one of " + accepted());
  const AnyUnit* found = nullptr;
  for (const AnyUnit& u : unit_list)
    if (u.name == name && (found == nullptr || wanted(u))) found = &u;
  if (found == nullptr) {
    const std::string hint = detail::spelling_hint(name);
    throw InvalidInput(Code::unit_unknown, std::string(field),
                       "unknown unit; accepted: " + (hint.empty() ? "exactly one of " + accepted() : hint));
  }
  return {number, *found};
}

/// `text` as one of the dimensions of `S`, a `Stated`. Throws as `parse_with_unit`, and E_UNIT_MISMATCH.
template <class S>
[[nodiscard]] S parse_stated(std::string_view text, std::string_view field) {
  const auto [number, unit] = parse_with_unit(text, field, [](const AnyUnit& u) { return S::fits(u); });
  return S(number, unit, field);
}

/// A stated duration or instant in whole microseconds, rounded to the nearest one.
/// Throws E_RANGE below zero or beyond 400 d, or where a value that is not zero would round to zero.
[[nodiscard]] inline Micros micros_of(const Stated<dim::time>& stated, std::string_view field) {
  // 1 unit = num / den minutes = num * (6e7 / den) us, and den divides 6e7 for every unit of time.
  const double us = stated.number() * stated.unit().num * (micros_per_minute / stated.unit().den);
  require(us >= 0 && us <= static_cast<double>(horizon_limit.count()), Code::range, field,
          "a time outside the supported course; accepted: 0 to 400 d");
  const Micros rounded{static_cast<std::int64_t>(std::round(us))};
  require(us == 0.0 || rounded.count() != 0, Code::range, field,
          "shorter than one microsecond; accepted: whole microseconds");
  return rounded;
}

/// `text` as a duration or instant in whole microseconds. Throws as `parse_stated` and `micros_of`.
[[nodiscard]] inline Micros parse_time(std::string_view text, std::string_view field) {
  return micros_of(parse_stated<Stated<dim::time>>(text, field), field);
}

/// NOTE: constexpr, not consteval: clang 14 cannot call a consteval literal in a default argument.
namespace literals {
// clang-format off
#define KETPK_LITERAL(suffix, unit)                                                  \
  [[nodiscard]] constexpr auto operator""_##suffix(long double x) noexcept {         \
    return Quantity(static_cast<double>(x), unit);                                   \
  }                                                                                  \
  [[nodiscard]] constexpr auto operator""_##suffix(unsigned long long x) noexcept {  \
    return Quantity(static_cast<double>(x), unit);                                   \
  }
KETPK_LITERAL(mg, unit::mg)   KETPK_LITERAL(mcg, unit::mcg)
KETPK_LITERAL(kg, unit::kg)   KETPK_LITERAL(lb, unit::lb)
KETPK_LITERAL(cm, unit::cm)   KETPK_LITERAL(m, unit::m)   KETPK_LITERAL(inch, unit::inch)
KETPK_LITERAL(yr, unit::yr)
KETPK_LITERAL(L, unit::L)     KETPK_LITERAL(mL, unit::mL)
KETPK_LITERAL(mg_per_kg, unit::mg_per_kg)                 KETPK_LITERAL(mcg_per_kg, unit::mcg_per_kg)
KETPK_LITERAL(mg_per_min, unit::mg_per_min)               KETPK_LITERAL(mg_per_h, unit::mg_per_h)
KETPK_LITERAL(mg_per_kg_per_min, unit::mg_per_kg_per_min) KETPK_LITERAL(mg_per_kg_per_h, unit::mg_per_kg_per_h)
KETPK_LITERAL(mcg_per_kg_per_min, unit::mcg_per_kg_per_min) KETPK_LITERAL(mcg_per_kg_per_h, unit::mcg_per_kg_per_h)
KETPK_LITERAL(mg_per_mL, unit::mg_per_mL)                 KETPK_LITERAL(ng_per_mL, unit::ng_per_mL)
KETPK_LITERAL(mL_per_h, unit::mL_per_h)                   KETPK_LITERAL(L_per_h, unit::L_per_h)
KETPK_LITERAL(per_min, unit::per_min)
#undef KETPK_LITERAL
// clang-format on
}  // namespace literals

}  // namespace ketpk
