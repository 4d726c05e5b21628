// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: which molecule, what its milligrams count and where blood is drawn are three separate facts, and
// each of them has produced a wrong number somewhere. None of them has a default.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ketpk {

/// What is given and modelled.
enum class Analyte : std::uint8_t { unstated, racemic_ketamine, s_ketamine, r_ketamine };

/// What the milligrams of an order count.
enum class Form : std::uint8_t { unstated, base, hydrochloride };

/// Where the blood was drawn that a model describes, or that a limit speaks of.
enum class Site : std::uint8_t { not_stated, arterial, venous };

/// mg of hydrochloride that hold 1 mg of base. Ketalar label: 115.33 mg hydrochloride = 100 mg base,
/// 57.67 = 50, 11.53 = 10.
inline constexpr double hydrochloride_mg_per_base_mg = 1.1533;

/// Molar masses of the bases [g/mol], which are the same for either enantiomer: the sums of the standard atomic weights
/// (IUPAC 2021, doi 10.1515/pac-2019-0603) of C13H16ClNO, C12H14ClNO and C12H14ClNO2.
inline constexpr double ketamine_g_per_mol = 237.73, norketamine_g_per_mol = 223.70,
                        hydroxynorketamine_g_per_mol = 239.70;

inline constexpr std::array<std::string_view, 4> analyte_names{"unstated", "racemic-ketamine", "s-ketamine",
                                                               "r-ketamine"};
inline constexpr std::array<std::string_view, 3> form_names{"unstated", "base", "hydrochloride"};
inline constexpr std::array<std::string_view, 3> site_names{"not-stated", "arterial", "venous"};

[[nodiscard]] constexpr std::string_view name_of(Analyte a) noexcept {
  return analyte_names[static_cast<std::size_t>(a)];
}
[[nodiscard]] constexpr std::string_view name_of(Form f) noexcept { return form_names[static_cast<std::size_t>(f)]; }
[[nodiscard]] constexpr std::string_view name_of(Site s) noexcept { return site_names[static_cast<std::size_t>(s)]; }

/// The value of `E` whose name is `text`, if there is one. `first` = 1 leaves out the unstated value.
template <class E, std::size_t N>
[[nodiscard]] constexpr std::optional<E> from_name(std::string_view text, const std::array<std::string_view, N>& names,
                                                   std::size_t first) noexcept {
  for (std::size_t i = first; i < N; ++i)
    if (names[i] == text) return static_cast<E>(i);
  return std::nullopt;
}

}  // namespace ketpk
