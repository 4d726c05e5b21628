// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a sweep is a session and what is varied in it. The command line builds the same document from its options.

#include "ketpk/io.hpp"
#include "strict_json.hpp"

namespace ketpk::io {

/// What a `ketpk.sweep/1` document asks for. Throws `InvalidInput` with the path of what is wrong.
[[nodiscard]] SweepRequest understand_sweep(const Json& document, const SessionContext& context);

}  // namespace ketpk::io
