// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: one include for everything that is header-only, and the only place that states the version; the build
// reads it from these three lines. JSON in and out is compiled and stands apart, in "ketpk/io.hpp".

#include <string_view>

#include "ketpk/analyte.hpp"
#include "ketpk/assess.hpp"
#include "ketpk/assess_cohort.hpp"
#include "ketpk/body_size.hpp"
#include "ketpk/cohort.hpp"
#include "ketpk/compare.hpp"
#include "ketpk/delivery.hpp"
#include "ketpk/dosing.hpp"
#include "ketpk/drawing.hpp"
#include "ketpk/dual.hpp"
#include "ketpk/effect.hpp"
#include "ketpk/effect_cards.hpp"
#include "ketpk/elementary.hpp"
#include "ketpk/error.hpp"
#include "ketpk/evidence.hpp"
#include "ketpk/exact_lanes.hpp"
#include "ketpk/exponential.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/identity.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/kernels.hpp"
#include "ketpk/lanes.hpp"
#include "ketpk/library.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/model.hpp"
#include "ketpk/network.hpp"
#include "ketpk/network_trajectory.hpp"
#include "ketpk/normal.hpp"
#include "ketpk/observations.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/philox.hpp"
#include "ketpk/polynomial.hpp"
#include "ketpk/population.hpp"
#include "ketpk/predict.hpp"
#include "ketpk/profile.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/records.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/report.hpp"
#include "ketpk/report_cohort.hpp"
#include "ketpk/report_effect_cards.hpp"
#include "ketpk/report_spread.hpp"
#include "ketpk/report_sweep.hpp"
#include "ketpk/response.hpp"
#include "ketpk/result.hpp"
#include "ketpk/root.hpp"
#include "ketpk/rosenbrock.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/second_opinion.hpp"
#include "ketpk/sensitivity.hpp"
#include "ketpk/sessions.hpp"
#include "ketpk/simulate.hpp"
#include "ketpk/slips.hpp"
#include "ketpk/solve.hpp"
#include "ketpk/solve_expm.hpp"
#include "ketpk/solve_network.hpp"
#include "ketpk/solve_ode.hpp"
#include "ketpk/solve_ode_lanes.hpp"
#include "ketpk/spread.hpp"
#include "ketpk/state.hpp"
#include "ketpk/sum.hpp"
#include "ketpk/summary_table.hpp"
#include "ketpk/sweep.hpp"
#include "ketpk/tally.hpp"
#include "ketpk/time.hpp"
#include "ketpk/timeline.hpp"
#include "ketpk/trajectory.hpp"
#include "ketpk/vary.hpp"
#include "ketpk/verdict.hpp"
#include "ketpk/walk.hpp"

#define KETPK_VERSION_MAJOR 0
#define KETPK_VERSION_MINOR 1
#define KETPK_VERSION_PATCH 0

#define KETPK_DETAIL_TEXT_OF(x) #x
#define KETPK_DETAIL_VERSION_TEXT(major, minor, patch) \
  KETPK_DETAIL_TEXT_OF(major) "." KETPK_DETAIL_TEXT_OF(minor) "." KETPK_DETAIL_TEXT_OF(patch)

namespace ketpk {

/// The version of these headers, "major.minor.patch".
inline constexpr std::string_view version =
    KETPK_DETAIL_VERSION_TEXT(KETPK_VERSION_MAJOR, KETPK_VERSION_MINOR, KETPK_VERSION_PATCH);

}  // namespace ketpk

#undef KETPK_DETAIL_VERSION_TEXT
#undef KETPK_DETAIL_TEXT_OF
