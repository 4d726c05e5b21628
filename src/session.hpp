// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: reading characters and understanding a session are two things, so that a command line can build the same
// document from its options and send it down the same road as a file.

#include <filesystem>
#include <span>
#include <vector>

#include "fields.hpp"
#include "ketpk/io.hpp"
#include "strict_json.hpp"

namespace ketpk::io {

/// What a `ketpk.session/1` document asks of its one model. Throws `InvalidInput` with the path of what is wrong, and
/// E_MODEL_UNKNOWN(model) where it names several. What the patient's covariates say may be for one of `others` too.
[[nodiscard]] Request understand_session(const Json& document, const SessionContext& context,
                                         std::span<const ModelCard> others = {});

/// The file that `node` names. Throws E_IO where it lies outside the session's folder and that matters.
[[nodiscard]] std::filesystem::path named_file(const Node& node, const SessionContext& context);

/// Whether its `model` is "all" or a list.
[[nodiscard]] bool asks_several_models(const Json& document);

/// "all", or each model of a list, as a session names or holds one. Throws as `understand_session` does of its model,
/// E_TYPE for anything else and E_FIELD_MISSING for an empty list.
[[nodiscard]] std::vector<ModelCard> understand_models(const Node& node, const SessionContext& context);

/// What it then asks of them. Throws as `understand_session`; E_FIELD_UNKNOWN(effects, effect_card) and
/// E_STATE(initial_state) for what belongs to one model.
[[nodiscard]] SpreadRequest understand_spread(const Json& document, const SessionContext& context);

}  // namespace ketpk::io
