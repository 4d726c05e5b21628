// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what is asked and what is answered, as plain values. Who reads, writes or shows them needs no solver.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "ketpk/delivery.hpp"
#include "ketpk/error.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/profile.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/sensitivity.hpp"
#include "ketpk/sessions.hpp"
#include "ketpk/verdict.hpp"

namespace ketpk {

/// Everything that is asked at once. Values throughout: a request can be kept, copied and asked again.
struct Request {
  Patient patient;
  Order order;
  ModelCard model;
  std::optional<Limits> limits = {};
  std::optional<std::chrono::year_month_day> as_of = {};  ///< due when there are limits; never read from a clock here
  Allowances allowances = {};
  Observe observe = {};
  std::vector<Stated<dim::concentration>> time_above = {};  ///< levels asked about
  std::vector<Override> overrides = {};
  std::vector<CardEffect> effects = {};  ///< beside those of the card; each name once
  bool sensitivity = false;              ///< whether what each outcome hangs on is asked
};

/// How far the second solver agrees, and what it took. Both are absent where no second solver was asked, or where the
/// course is so stiff that there is none.
struct SolverCheck {
  std::string solver = "exact";
  std::optional<std::string> second_solver = {};  ///< "odeint", "expm" or "rosenbrock"
  std::optional<double> agreement_rel = {};       ///< worst difference over all curves and compared instants
  double mass_balance_rel;  ///< (delivered - in the body - eliminated) / delivered, worst over segment ends and the
                            ///< last instant
};

/// What becomes of one effect over the whole course, each value in the effect's own unit. It begins at its baseline
/// and goes back there, so that is one of its extremes, at 0; the other is where the drug brings it farthest.
struct EffectAnswer {
  CardEffect effect;           ///< as stated
  double baseline;             ///< without drug
  Extreme highest, lowest;     ///< of the whole course, not of a grid
  std::vector<double> values;  ///< at the instants of the profile
  SolverCheck check;           ///< of the concentration for an effect that follows it at once
};

/// A complete answer.
struct Result {
  Request inputs;                         ///< the request as understood
  Regimen regimen;                        ///< as ordered
  std::optional<Delivery> delivery = {};  ///< what really went in, where that can be another thing than the order
  Admission admission;
  SolverCheck check;
  Profile profile;
  Exposure summary;
  std::vector<TimeAbove> time_above;
  Assessment assessment;
  std::vector<Session> sessions = {};                  ///< of a course; none where the order stands alone
  std::vector<EffectAnswer> effects = {};              ///< the card's, then the request's
  std::vector<OutcomeSensitivity> sensitivities = {};  ///< where they were asked; plasma first

  /// What the curve follows.
  [[nodiscard]] const Regimen& given() const noexcept { return delivery ? delivery->given : regimen; }
};

/// A complete answer, or the trouble that stood in its way; never a partial curve.
using Outcome = Attempt<Result>;

}  // namespace ketpk
