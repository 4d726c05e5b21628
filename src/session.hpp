// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: reading characters and understanding a session are two things, so that a command line can build the same
// document from its options and send it down the same road as a file.

#include "ketpk/io.hpp"
#include "strict_json.hpp"

namespace ketpk::io {

/// What a `ketpk.session/1` document asks of its one model. Throws `InvalidInput` with the path of what is wrong, and
/// E_MODEL_UNKNOWN(model) where it names several.
[[nodiscard]] Request understand_session(const Json& document, const SessionContext& context);

/// Whether its `model` is "all" or a list.
[[nodiscard]] bool asks_several_models(const Json& document);

/// What it then asks of them. Throws as `understand_session`; E_FIELD_UNKNOWN(effects) and E_STATE(initial_state) for
/// what belongs to one model.
[[nodiscard]] SpreadRequest understand_spread(const Json& document, const SessionContext& context);

}  // namespace ketpk::io
