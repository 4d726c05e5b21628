// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: sessions and limits ask the same questions of a JSON value: is it there, is it of the right kind, what
// quantity, date or word does it hold. They are asked here once, always with the path that a refusal will name.

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ketpk/analyte.hpp"
#include "ketpk/error.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/time.hpp"
#include "strict_json.hpp"

namespace ketpk::io {

/// A value of a document and where it stands.
struct Node {
  const Json& value;
  std::string path;
};

/// The members of an object.
class Fields {
 public:
  /// Throws E_TYPE unless `node` is an object.
  explicit Fields(const Node& node);

  /// Throws E_FIELD_UNKNOWN with the path of the first member that is not in `accepted`.
  template <std::size_t N>
  void only(const std::array<std::string_view, N>& accepted) const {
    const std::vector<InvalidInput> others = unknown(accepted.data(), N);
    if (!others.empty()) throw others.front();
  }
  /// What `only` would throw for each member that is not accepted.
  [[nodiscard]] std::vector<InvalidInput> unknown(const std::string_view* accepted, std::size_t count) const;

  [[nodiscard]] bool has(std::string_view name) const { return value_.contains(name); }
  [[nodiscard]] std::string path(std::string_view name) const { return member_path(path_, name, 0); }
  [[nodiscard]] std::optional<Node> optional(std::string_view name) const;
  /// Throws E_FIELD_MISSING.
  [[nodiscard]] Node required(std::string_view name, std::string_view accepted) const;

 private:
  const Json& value_;
  std::string path_;
};

/// A free text that says something. Throws E_TYPE; `if_blank` if nothing but spaces; E_SIZE above 1,000 bytes;
/// E_ENCODING for control characters, which would move the cursor of whoever reads it on a terminal.
[[nodiscard]] std::string text_of(const Node& node, Code if_blank = Code::field_missing);

/// Throws E_PARSE unless `text`, which is not empty, is a letter, then letters, digits and what `more` lists, up to 64.
void require_name(const std::string& text, const std::string& path, const std::string& more);

/// Throws E_TYPE.
[[nodiscard]] bool truth_of(const Node& node);
/// A number without a unit. Throws E_TYPE.
[[nodiscard]] double number_of(const Node& node);
/// The elements of a list. Throws E_TYPE; E_SIZE above `most`.
[[nodiscard]] std::vector<Node> list_of(const Node& node, std::size_t most);

/// The text in which a quantity stands. Throws E_UNIT_MISSING for a number; E_TYPE for anything else.
[[nodiscard]] std::string_view quantity_text(const Node& node, const std::string& accepted);

/// A quantity of one of the dimensions of `S`. Throws as `quantity_text` and `parse_stated`.
template <class S>
[[nodiscard]] S quantity_of(const Node& node) {
  return parse_stated<S>(quantity_text(node, S::accepted()), node.path);
}

/// A time counted from the start of the order, zero or later. Throws as `quantity_of`; E_TIME_ZONE for a date without
/// an offset and E_PARSE for one with an offset; E_RANGE outside 0 to 400 d.
[[nodiscard]] Micros elapsed_of(const Node& node);

/// An instant of the world's clock with its offset from UTC, `2026-11-23T09:00:00+01:00` (RFC 3339, up to
/// microseconds). Throws E_TYPE; E_PARSE for another shape; E_TIME_ZONE without an offset, or with -00:00, which says
/// that none is known; E_RANGE for what no calendar or clock has, a leap second among it, and outside the years 1900 to
/// 9999.
[[nodiscard]] std::chrono::sys_time<Micros> world_instant_of(const Node& node);

/// Whether a value is a date, or was meant as one.
[[nodiscard]] bool looks_like_date(const Node& node);

/// A day, `2026-11-21`. Throws E_TYPE, E_PARSE, E_RANGE outside 1900 to 9999 and for a day the calendar has not.
[[nodiscard]] std::chrono::year_month_day day_of(const Node& node);

/// One of a list of words; `first` as in `from_name`. Throws E_TYPE; `code` for any other word.
template <class E, std::size_t N>
[[nodiscard]] E word_of(const Node& node, const std::array<std::string_view, N>& words, std::size_t first = 0,
                        Code code = Code::range) {
  std::string accepted;
  for (std::size_t i = first; i < N; ++i) accepted += (i == first ? "" : ", ") + std::string(words[i]);
  require(node.value.is_string(), Code::type, node.path, "not a text; accepted: " + accepted);
  const auto found = from_name<E>(node.value.get_ref<const std::string&>(), words, first);
  require(found.has_value(), code, node.path, "not one of the accepted words; accepted: " + accepted);
  return *found;
}

}  // namespace ketpk::io
