// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a model file and a session state effects in the same words. They are read here for both.

#include <cstddef>
#include <vector>

#include "fields.hpp"
#include "ketpk/parameters.hpp"

namespace ketpk::io {

/// Most effects of one list.
inline constexpr std::size_t most_stated_effects = 20;

/// One effect of a list, with all its keys: those of another kind are refused, none is filled in. `card` is the model
/// it is stated for, `before` the list up to it. Throws `InvalidInput` with the path of what is wrong: E_FIELD_MISSING
/// · E_FIELD_UNKNOWN · E_PARSE for no name, E_FIELD_DUPLICATE for one that is taken · E_MODEL_PARAM for a concentration
/// that the model does not have, and for numbers that `checked` refuses · E_UNIT_… and E_TYPE.
[[nodiscard]] CardEffect stated_effect_of(const Node& node, const ModelCard& card,
                                          const std::vector<CardEffect>& before);

}  // namespace ketpk::io
