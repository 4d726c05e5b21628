// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a model file and a session state effects in the same words. They are read here for both.

#include <vector>

#include "fields.hpp"
#include "ketpk/parameters.hpp"

namespace ketpk::io {

/// One effect of a list, with all its keys: those of another kind are refused, none is filled in. `card` is the model
/// that it is stated for, `before` the effects that stand ahead of it there or here. Throws `InvalidInput` with the
/// path of what is wrong: E_FIELD_MISSING · E_FIELD_UNKNOWN · E_TYPE · E_UNIT_… · E_PARSE for no name · and what
/// `checked_effects` throws.
[[nodiscard]] CardEffect stated_effect_of(const Node& node, const ModelCard& card, std::vector<CardEffect> before);

}  // namespace ketpk::io
