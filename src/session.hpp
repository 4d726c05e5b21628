// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: reading characters and understanding a session are two things, so that a command line can build the same
// document from its options and send it down the same road as a file.

#include "ketpk/io.hpp"
#include "strict_json.hpp"

namespace ketpk::io {

/// What a `ketpk.session/1` document asks for. Throws `InvalidInput` with the path of what is wrong.
[[nodiscard]] Request understand_session(const Json& document, const SessionContext& context);

}  // namespace ketpk::io
