// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: limits arrive as a file of their own and inside a session; both are understood by the same code.

#include "ketpk/limits.hpp"
#include "strict_json.hpp"

namespace ketpk::io {

/// What a `ketpk.limits/1` document says; `sha256` stays empty. Throws `InvalidInput` with a field `limits…` for what
/// is not of the right kind; whether the bounds are in order and the day is right is `ketpk::validate`.
[[nodiscard]] Limits understand_limits(const Json& document);

}  // namespace ketpk::io
