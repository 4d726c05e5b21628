// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: "which model, how sure" is one question: run every model that admits this patient and order, say which do not
// and why, and show how far the answers lie apart.

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/result.hpp"
#include "ketpk/simulate.hpp"
#include "ketpk/spread.hpp"

namespace ketpk {

/// Puts the request to each model with a second solver of the caller's choice, as `simulate` has it. Throws as
/// `simulate` for what is wrong with the request whatever the model; E_FIELD_MISSING(models) for no model,
/// E_FIELD_DUPLICATE(models) for an id that stands twice, E_STATE(initial_state) for a course that was begun with one
/// model, and E_MODEL_DOMAIN(model) where none of the models admits the patient and the order. Trouble in one model is
/// trouble.
template <class Second>
[[nodiscard]] Attempt<Spread> compare(const SpreadRequest& request, Second second) {
  require(!request.models.empty(), Code::field_missing, "models", "none; accepted: at least one model");
  require(!request.each.order.saved.has_value(), Code::state, "initial_state",
          "saved with one model, and several are asked; accepted: one model, or drug-free");
  Spread out;
  std::string reasons;
  for (std::size_t i = 0; i < request.models.size(); ++i) {
    const ModelCard& card = request.models[i];
    for (std::size_t j = 0; j < i; ++j)
      require(request.models[j].id != card.id, Code::field_duplicate, "models",
              "a model twice; accepted: each id once");
    if (auto refused = refusal(card, request.each)) {
      reasons += (reasons.empty() ? "" : " | ") + card.id + ": " + refused->field + ' ' +
                 refused->message.substr(0, refused->message.find("; accepted"));
      out.refused.push_back(*std::move(refused));
      continue;
    }
    Request one = request.each;
    one.model = card;
    Outcome outcome = simulate(one, second);
    if (auto* trouble = std::get_if<Trouble>(&outcome)) {
      trouble->message += " (model " + card.id + ')';
      return std::move(*trouble);
    }
    out.results.push_back(std::get<Result>(std::move(outcome)));
  }
  require(!out.results.empty(), Code::model_domain, "model",
          "none of those asked admits this patient and order (" + reasons + "); accepted: what one of them admits");
  for (const Site site : {Site::arterial, Site::venous, Site::not_stated})
    if (SiteSpread spread = site_spread(out.results, site); !spread.results.empty())
      out.sites.push_back(std::move(spread));
  tell_every_flag_everywhere(out);
  return out;
}

/// The same, each model answered twice as `simulate` does.
[[nodiscard]] inline Attempt<Spread> compare(const SpreadRequest& request) { return compare(request, second_opinion); }

}  // namespace ketpk
