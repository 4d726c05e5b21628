// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the published models, each with where its numbers come from and what is not known about them.

#include <string_view>
#include <vector>

#include "ketpk/parameters.hpp"

namespace ketpk::library {

/// The built-in cards: kamp2020 kamp2020-linear otto2021 domino1984 clements1981 herd2007.
[[nodiscard]] std::vector<ModelCard> cards();

/// The card called `id`. Throws E_MODEL_UNKNOWN(model), naming the ids there are.
[[nodiscard]] ModelCard find(std::string_view id);

}  // namespace ketpk::library
