// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a cohort is a session and who stands in it. The command line builds the same document from its options.

#include "ketpk/cohort.hpp"
#include "ketpk/io.hpp"
#include "strict_json.hpp"

namespace ketpk::io {

/// What a `ketpk.cohort/1` document asks for, validated. Throws `InvalidInput` with the path of what is wrong.
[[nodiscard]] CohortRequest understand_cohort(const Json& document, const SessionContext& context);

}  // namespace ketpk::io
