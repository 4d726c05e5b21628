// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the whole way of one dose, from what was asked to what is answered, in one place to read.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "ketpk/assess.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/profile.hpp"
#include "ketpk/regimen.hpp"

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
};

/// How far the second solver agrees, and what it took.
struct SolverCheck {
  std::string solver = "exact";
  std::string second_solver;     ///< "odeint" or "expm"
  double agreement_rel;          ///< worst difference over all curves and compared instants
  double mass_balance_rel;       ///< (delivered - in the body - eliminated) / delivered, worst over the edges
};

/// A complete answer.
struct Result {
  Request inputs;      ///< the request as understood
  Regimen regimen;
  Admission admission;
  SolverCheck check;
  Profile profile;
  Exposure summary;
  std::vector<TimeAbove> time_above;
  Assessment assessment;
};

/// A complete answer, or the trouble that stood in its way; never a partial curve.
using Outcome = Attempt<Result>;

/// Order → regimen → segments → both solvers → exposure → assessment. Throws `InvalidInput` as the stages do.
[[nodiscard]] Outcome simulate(const Request& request);

}  // namespace ketpk
