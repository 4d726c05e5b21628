// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a research data file is a list of records, and what it means hangs on conventions: what a rate of -2 says,
// whether a dose is given before a sample of the same instant. Here a record is already read and in base units; what
// it does to the course is decided in timeline.hpp.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ketpk/time.hpp"

namespace ketpk {

/// NONMEM's EVID 0 to 4.
enum class Evid : std::uint8_t { observation, dose, other, reset, reset_and_dose };

/// NONMEM's SS: none; the steady state in place of what was there; the steady state added to it.
enum class SteadyState : std::uint8_t { none, replaces, adds };

/// How a dose enters: all at once; at a stated rate; over a stated duration; at a rate (RATE -1) or over a duration
/// (RATE -2) that the model says.
enum class DoseKind : std::uint8_t { bolus, at_rate, over_duration, modelled_rate, modelled_duration };

/// What a record gives, before bioavailability and lag.
struct RecordDose {
  std::size_t compartment = 0;  ///< as the model's compartments are counted, from 0
  DoseKind kind = DoseKind::bolus;
  double amount_mg = 0;        ///< 0 only for a constant infusion at steady state
  double rate_mg_per_min = 0;  ///< of `at_rate`
  Micros duration{0};          ///< of `over_duration`
  std::size_t additional = 0;  ///< ADDL
  Micros interval{0};          ///< II
  SteadyState steady_state = SteadyState::none;
};

struct Record {
  std::size_t line;  ///< of the file it was read from, the header being line 1
  Micros time;
  Evid evid = Evid::observation;
  std::optional<RecordDose> dose = {};           ///< of EVID 1 and 4
  std::vector<double> covariates = {};           ///< in the order of `Dataset::covariates`
  std::optional<double> observed_mg_per_L = {};  ///< DV, where it is stated
  std::optional<bool> missing_observation = {};  ///< MDV, where it is stated

  [[nodiscard]] constexpr bool is_reset() const noexcept { return evid == Evid::reset || evid == Evid::reset_and_dose; }
};

/// The records of one subject, in the order of the file; times never fall, but at resets.
struct Subject {
  std::string id;
  std::vector<Record> records;
};

struct Dataset {
  std::vector<std::string> covariates;            ///< names of columns
  std::vector<Subject> subjects;                  ///< in the order of the file
  std::vector<std::string> ignored_columns = {};  ///< names as in the file of columns that are no part of the model
};

/// What is added to the TIME of `r` and of the records after it, so that time never falls: a reset may set the clock
/// back, and counts on from the record ahead. `offset` is what was added to that one.
[[nodiscard]] constexpr Micros clock_offset(Micros offset, const Record& ahead, const Record& r) noexcept {
  return r.is_reset() && r.time < ahead.time ? offset + (ahead.time - r.time) : offset;
}

/// One curve at every record.
struct PredictedColumn {
  std::string name;  ///< plasma, effect_site, a metabolite's name, or of amounts a compartment's name
  std::vector<double> values;
};

/// One effect at every record, in its own unit.
struct PredictedEffect {
  std::string name;
  std::string unit;
  std::vector<double> values;
};

/// What the model says at every record of a data set, subject after subject. At a dose record it is the state after the
/// dose; at a reset, after the reset.
struct Predictions {
  std::vector<PredictedColumn> concentrations;    ///< [mg/L]: plasma first, then metabolites, then the effect site
  std::vector<PredictedColumn> amounts;           ///< [mg], in the order of `compartments_of` the card
  std::vector<PredictedEffect> effects = {};      ///< in the order of the card
  std::vector<double> plasma_sd_mg_per_L = {};    ///< between subjects, where it was asked for
  std::string solver;                             ///< "expm", or "odeint" where elimination saturates
  std::optional<std::string> second_solver = {};  ///< "odeint", or "rosenbrock" where elimination saturates
  /// Worst difference of any state at the end of any stretch, and of any effect that turns over, by "odeint" and
  /// "rosenbrock", where one begins.
  std::optional<double> agreement_rel = {};
  std::size_t stretches = 0;          ///< of constant input, over all subjects
  std::size_t stretches_checked = 0;  ///< those that the second solver went over too; it leaves out the very stiff
};

}  // namespace ketpk
