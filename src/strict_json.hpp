// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a JSON parser that lets a repeated key win, drops a byte order mark or turns 1e-400 into 0 has already
// changed somebody's dose. This one accepts one RFC 8259 document in UTF-8 and names the place of anything else.

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace ketpk::io {

using Json = nlohmann::ordered_json;

/// The document in `bytes`. Throws, with the path as field where there is one and otherwise `document`; `root`, if
/// given, stands before every path (`limits` for a limits file):
/// E_SIZE above 1 MiB (before anything else is looked at) · E_ENCODING for a byte order mark, UTF-16, invalid UTF-8,
/// a lone surrogate or a NUL · E_PARSE, with line and column, for any other grammar, and for no document or two ·
/// E_DEPTH below 16 levels · E_FIELD_DUPLICATE for a repeated key · E_RANGE for a number no double can hold.
/// No message repeats what was read.
[[nodiscard]] Json parse_strict(std::string_view bytes, std::string_view root = "");

/// The path of a member. A key that is not plain ASCII letters, digits and `_-` is shown by its position only.
[[nodiscard]] std::string member_path(std::string_view object, std::string_view key, std::size_t position);

/// The path of an element: `order[2]`.
[[nodiscard]] std::string element_path(std::string_view array, std::size_t index);

}  // namespace ketpk::io
