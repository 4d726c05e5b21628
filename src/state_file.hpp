// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a saved state is somebody's history of doses. It is read as strictly as a session, and only for the model, the
// patient and the drug that it was saved for.

#include <string>

#include "fields.hpp"
#include "ketpk/io.hpp"

namespace ketpk::io {

/// A `ketpk.state/1` document. Throws `InvalidInput` with the path of what is wrong, which starts with `node.path`;
/// E_STATE where it was changed after it was saved, or was saved for another model, patient or drug.
[[nodiscard]] SavedState understand_state(const Node& node, const Whose& whose);

}  // namespace ketpk::io
