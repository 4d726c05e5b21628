// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a curve that is looked at needs an end, whether or not any instants were asked for. The card on the terminal and
// every plot take theirs from here; so does the card its instants.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <variant>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/profile.hpp"
#include "ketpk/result.hpp"
#include "ketpk/time.hpp"
#include "ketpk/trajectory.hpp"

namespace ketpk {

/// Where a drawing ends: where the asked instants end, else late enough to see the fall, at a round number.
[[nodiscard]] inline Micros drawn_until(const Result& r) {
  if (r.inputs.observe.until) return *r.inputs.observe.until;
  if (!r.inputs.observe.at.empty() && r.inputs.observe.at.back() > Micros{0}) return r.inputs.observe.at.back();
  Micros last{0};
  for (const Dose& d : r.given().doses) last = std::max(last, d.end());
  const double wanted =
      minutes(last) + std::min(2 * r.summary.terminal_half_life_min, std::max(180.0, 3 * minutes(last)));
  constexpr std::array<int, 13> round_minutes{10, 20, 30, 60, 90, 120, 180, 240, 360, 480, 720, 1440, 2880};
  for (const int m : round_minutes)
    if (wanted <= m) return std::chrono::minutes{m};
  const std::chrono::days whole{static_cast<int>(std::ceil(wanted / 1440))};
  return std::min<Micros>(whole, horizon_limit);
}

/// Columns of the curve on a card.
inline constexpr int card_columns = 73;

/// Plasma at `columns` evenly spaced instants. Throws E_ARG(columns) for fewer than two.
[[nodiscard]] inline Drawing drawing_of(const Result& r, int columns = card_columns) {
  require(columns >= 2, Code::arg, "columns", "no width to draw in; accepted: two or more");
  constexpr double ng_per_mL = 1000;  // per mg/L
  const Micros until = drawn_until(r);
  const auto solved = trajectory_of(whom(r.inputs.model, r.inputs.patient), r.given());
  Drawing drawing{.until_min = minutes(until)};
  if (std::holds_alternative<Trouble>(solved)) return drawing;  // not so where there is a result
  std::visit(
      [&](const auto& course) {
        for (int i = 0; i < columns; ++i)
          drawing.plasma_ng_per_mL.push_back(course.value(until * i / (columns - 1), Curve::plasma()) * ng_per_mL);
      },
      std::get<0>(solved));
  return drawing;
}

}  // namespace ketpk
