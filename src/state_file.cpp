// SPDX-License-Identifier: Apache-2.0

#include "state_file.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "strict_json.hpp"

namespace ketpk::io {
namespace {

using Names = std::string_view;

constexpr Names schema = "ketpk.state/1";

/// What the `sha256` of a state is taken of: everything else in it, compact.
std::string digest_of(Json document) {
  document.erase("sha256");
  return sha256(document.dump());
}

Micros instant_of(const Node& node) {
  require(node.value.is_number_integer(), Code::type, node.path,
          "not a whole number; accepted: microseconds since the start");
  const bool fits = node.value.is_number_unsigned() &&
                    node.value.get<std::uint64_t>() <= static_cast<std::uint64_t>(horizon_limit.count());
  require(fits, Code::range, node.path, "outside the supported course; accepted: 0 to 400 d in microseconds");
  return Micros{node.value.get<std::int64_t>()};
}

Json json_of(const Dose& d) {
  Json json{{"at_us", d.at.count()},
            {"over_us", d.over.count()},
            {"amount_mg", d.amount_mg},
            {"rate_mg_per_min", d.rate_mg_per_min}};
  if (!d.into.empty()) json["into"] = d.into;
  return json;
}

Dose dose_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 5>{"at_us", "over_us", "amount_mg", "rate_mg_per_min", "into"});
  const auto into = fields.optional("into");
  return {instant_of(fields.required("at_us", "microseconds")), instant_of(fields.required("over_us", "microseconds")),
          number_of(fields.required("amount_mg", "mg of base")),
          number_of(fields.required("rate_mg_per_min", "mg of base per minute, 0 for a bolus")),
          into ? text_of(*into) : std::string()};
}

Json json_of(const SavedInput& in) {
  Json pieces = Json::array();
  for (const Dose& piece : in.pieces) pieces.push_back(json_of(piece));
  Json json{{"ordered", json_of(in.ordered)},
            {"pieces", std::move(pieces)},
            {"state", name_of(in.state)},
            {"since_us", in.since.count()}};
  if (in.remaining.count() > 0) {
    json["rate_mg_per_min"] = in.rate_mg_per_min;
    json["remaining_us"] = in.remaining.count();
  }
  return json;
}

SavedInput input_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 6>{"ordered", "pieces", "state", "since_us", "rate_mg_per_min", "remaining_us"});
  SavedInput in{.ordered = dose_of(fields.required("ordered", "the input as it was ordered")), .pieces = {}};
  for (const Node& piece : list_of(fields.required("pieces", "what went in of it"), most_events + 1))
    in.pieces.push_back(dose_of(piece));
  in.state =
      word_of<DeliveryState>(fields.required("state", "complete, running, paused, stopped"), delivery_state_names);
  in.since = instant_of(fields.required("since_us", "microseconds"));
  if (const auto rate = fields.optional("rate_mg_per_min")) in.rate_mg_per_min = number_of(*rate);
  if (const auto remaining = fields.optional("remaining_us")) in.remaining = instant_of(*remaining);
  return in;
}

SavedAmounts amounts_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 5>{"plasma_ng_per_mL", "central_mg", "body_mg", "effect_site_ng_per_mL",
                                   "metabolites_ng_per_mL"});
  SavedAmounts amounts{.plasma_ng_per_mL = number_of(fields.required("plasma_ng_per_mL", "a number")),
                       .central_mg = number_of(fields.required("central_mg", "a number")),
                       .body_mg = number_of(fields.required("body_mg", "a number"))};
  if (const auto effect = fields.optional("effect_site_ng_per_mL")) amounts.effect_site_ng_per_mL = number_of(*effect);
  if (const auto formed = fields.optional("metabolites_ng_per_mL"))
    for (const Node& c : list_of(*formed, most_metabolites)) amounts.metabolites_ng_per_mL.push_back(number_of(c));
  return amounts;
}

}  // namespace

std::string state_json(const SavedState& state, std::string_view model_id, std::string_view version) {
  Json inputs = Json::array();
  for (const SavedInput& in : state.inputs) inputs.push_back(json_of(in));
  Json amounts{{"plasma_ng_per_mL", state.amounts.plasma_ng_per_mL},
               {"central_mg", state.amounts.central_mg},
               {"body_mg", state.amounts.body_mg}};
  if (state.amounts.effect_site_ng_per_mL) amounts["effect_site_ng_per_mL"] = *state.amounts.effect_site_ng_per_mL;
  if (!state.amounts.metabolites_ng_per_mL.empty())
    amounts["metabolites_ng_per_mL"] = state.amounts.metabolites_ng_per_mL;
  Json document{{"schema", schema},
                {"ketpk", {{"version", version}}},
                {"saved_at_us", state.at.count()},
                {"model", model_id},
                {"fingerprint", sha256(state.identity)},
                {"inputs", std::move(inputs)},
                {"amounts", std::move(amounts)}};
  document["sha256"] = digest_of(document);
  std::string text = document.dump(1) + '\n';
  require(text.size() <= most_bytes, Code::size, "state",
          "a history too long to be read again; accepted: a course whose state is up to 1 MiB");
  return text;
}

SavedState understand_state(const Node& node, const Whose& whose) {
  const Fields fields(node);
  const auto stated = fields.optional("schema");
  require(stated && stated->value == schema, Code::schema_version, fields.path("schema"),
          "not a saved state this program knows; accepted: ketpk.state/1");
  fields.only(
      std::array<Names, 8>{"schema", "ketpk", "saved_at_us", "model", "fingerprint", "inputs", "amounts", "sha256"});
  const Node digest = fields.required("sha256", "the digest that the state was saved with");
  require(digest.value == digest_of(node.value), Code::state, digest.path,
          "the state was changed after it was saved; accepted: a state as it was saved");
  std::string identity = identity_of(whose);
  const Node fingerprint = fields.required("fingerprint", "the digest of the model's numbers and the patient");
  require(fingerprint.value == sha256(identity), Code::state, fingerprint.path,
          "of another model, patient or drug; accepted: a state saved with these numbers of the model, this patient "
          "and this analyte");
  SavedState state{.at = instant_of(fields.required("saved_at_us", "microseconds")),
                   .inputs = {},
                   .identity = std::move(identity),
                   .amounts = amounts_of(fields.required("amounts", "what there was when it was saved"))};
  for (const Node& in : list_of(fields.required("inputs", "the history of inputs"), most_inputs))
    state.inputs.push_back(input_of(in));
  state.file = node.value.dump();
  return state;
}

SavedState read_state(std::string_view bytes, const Whose& whose) {
  const Json document = parse_strict(bytes, "state");
  return understand_state(Node{document, "state"}, whose);
}

}  // namespace ketpk::io
