// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a model file is read once to be used and once to be looked through. Both go down one road, so that the linter
// knows of no card that the reader does not, nor the other way round.

#include <string_view>
#include <vector>

#include "fields.hpp"
#include "ketpk/io.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/report.hpp"

namespace ketpk::io {

/// What could be understood of a model file.
struct ModelReading {
  ModelCard card;
  std::vector<ModelFinding> findings;  ///< errors only
  bool is_whole = true;                ///< no part had to be left out, though texts may be missing
};

/// Reads on after what is refused. Throws nothing that `bytes` may be to blame for.
[[nodiscard]] ModelReading look_through_model(std::string_view bytes);

/// Variances between subjects, as a card and a cohort state them. Throws as `validate(Variability)`.
[[nodiscard]] Variability understand_variability(const Node& node, const ModelCard& card);

/// Covariates at which the card's numbers hold as they stand: the reference weight, the references of effects, the
/// first of listed levels; in the order of `covariates_of`.
[[nodiscard]] std::vector<double> reference_covariates(const ModelCard& card);

/// The members of a model file that follow its parameters: absorption, entries, variability, residual error, golden
/// values, units of data.
void write_rest_of_model(report_detail::JsonText& json, const ModelCard& card);

}  // namespace ketpk::io
