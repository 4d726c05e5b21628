// SPDX-License-Identifier: Apache-2.0

#include "strict_json.hpp"

#include <algorithm>
#include <cstdint>
#include <unordered_set>
#include <utility>
#include <vector>

#include <locale.h>

#include "ketpk/error.hpp"
#include "ketpk/io.hpp"

namespace ketpk::io {
namespace {

constexpr std::string_view document_field = "document";

/// `at line 3, column 7` of the byte at `offset`; columns count bytes from 1.
std::string place(std::string_view bytes, std::size_t offset) {
  const std::string_view before = bytes.substr(0, std::min(offset, bytes.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
  return "at line " + std::to_string(line) + ", column " + std::to_string(column);
}

/// Length of the UTF-8 sequence at the start of `s` (RFC 3629: shortest form, no surrogates), 0 if there is none.
std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
  const auto between = [](unsigned x, unsigned lo, unsigned hi) { return x >= lo && x <= hi; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (between(lead, 0xC2, 0xDF)) return between(byte(1), 0x80, 0xBF) ? 2 : 0;
  if (between(lead, 0xE0, 0xEF)) {
    const unsigned lo = lead == 0xE0 ? 0xA0 : 0x80, hi = lead == 0xED ? 0x9F : 0xBF;
    return between(byte(1), lo, hi) && between(byte(2), 0x80, 0xBF) ? 3 : 0;
  }
  if (between(lead, 0xF0, 0xF4)) {
    const unsigned lo = lead == 0xF0 ? 0x90 : 0x80, hi = lead == 0xF4 ? 0x8F : 0xBF;
    return between(byte(1), lo, hi) && between(byte(2), 0x80, 0xBF) && between(byte(3), 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

/// The 16 bits of the escape `\uXXXX` at the start of `s`, -1 if there is none.
int escaped_unit(std::string_view s) {
  if (s.size() < 6 || s[0] != '\\' || s[1] != 'u') return -1;
  int unit = 0;
  for (std::size_t i = 2; i < 6; ++i) {
    const char c = s[i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

/// Throws E_ENCODING unless `bytes` are UTF-8 without a byte order mark, a NUL or half a surrogate pair.
void check_encoding(std::string_view bytes, const std::string& field) {
  const auto refuse = [&](std::size_t offset, std::string_view what) {
    throw InvalidInput(Code::encoding, field,
                       std::string(what) + ' ' + place(bytes, offset) + "; accepted: UTF-8 without a byte order mark");
  };
  for (const std::string_view mark : {"\xEF\xBB\xBF", "\xFE\xFF", "\xFF\xFE"})
    if (bytes.starts_with(mark)) refuse(0, "a byte order mark");
  for (std::size_t i = 0; i < bytes.size();) {
    if (bytes[i] == '\0') refuse(i, "a NUL (UTF-16?)");
    const std::size_t length = utf8_length(bytes.substr(i));
    if (length == 0) refuse(i, "a byte that is not UTF-8");
    i += length;
  }
  // Outside a string a backslash is no JSON at all, so every backslash may be taken as the start of an escape.
  for (std::size_t i = 0; i < bytes.size();) {
    if (bytes[i] != '\\') {
      ++i;
      continue;
    }
    const int unit = escaped_unit(bytes.substr(i));
    if (unit == 0) refuse(i, "an escaped NUL");
    const bool high = unit >= 0xD800 && unit <= 0xDBFF, low = unit >= 0xDC00 && unit <= 0xDFFF;
    const int next = high ? escaped_unit(bytes.substr(i + 6)) : -1;
    const bool paired = high && next >= 0xDC00 && next <= 0xDFFF;
    if (low || (high && !paired)) refuse(i, "half a surrogate pair");
    i += paired ? 12 : 2;
  }
}

/// Receives the parser's events and builds the document; throws at the first thing that is refused.
class Builder {
 public:
  Builder(std::string_view bytes, std::string_view root) : bytes_(bytes), root_path_(root) {}

  [[nodiscard]] Json take() { return std::move(root_); }

  bool null() { return put(nullptr); }
  bool boolean(bool x) { return put(x); }
  bool number_integer(std::int64_t x) { return put(x); }
  bool number_unsigned(std::uint64_t x) { return put(x); }
  bool number_float(double x, const std::string& token) {
    const std::string_view digits = std::string_view(token).substr(0, token.find_first_of("eE"));
    if (x == 0 && digits.find_first_of("123456789") != std::string_view::npos) refuse_number();
    return put(x);
  }
  bool string(std::string& text) { return put(std::move(text)); }
  bool binary(Json::binary_t&) { return false; }  // no such thing in text

  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    Level& level = levels_.back();
    level.key = name;
    if (!level.seen.insert(name).second)
      throw InvalidInput(Code::field_duplicate, path(), "the key stands twice; accepted: each key once");
    return true;
  }

  bool parse_error(std::size_t bytes_read, const std::string&, const nlohmann::detail::exception& error) {
    constexpr int number_overflow = 406;  // NOTE: the parser's own message repeats the input, so only its id is used
    if (error.id == number_overflow) refuse_number();
    throw InvalidInput(Code::parse, path(),
                       "not JSON " + place(bytes_, bytes_read == 0 ? 0 : bytes_read - 1) +
                           "; accepted: one JSON document, without comments, trailing commas, NaN or Infinity");
  }

 private:
  struct Level {
    Json* container;
    std::string key = {};                       // the member being read
    std::unordered_set<std::string> seen = {};  // keys so far
  };

  [[nodiscard]] std::string path() const {
    std::string text(root_path_);
    for (const Level& level : levels_) {
      const bool innermost = &level == &levels_.back();  // the element being read is not stored yet
      if (level.container->is_array())
        text = element_path(text, level.container->size() - (innermost ? 0 : 1));
      else if (!level.seen.empty())
        text = member_path(text, level.key, level.seen.size());
    }
    return text.empty() ? std::string(document_field) : text;
  }

  [[noreturn]] void refuse_number() const {
    throw InvalidInput(Code::range, path(),
                       "a number beyond what can be held; accepted: magnitudes from 1e-307 to 1e308");
  }

  Json& place_value(Json value) {
    if (levels_.empty()) return root_ = std::move(value);
    const Level& level = levels_.back();
    if (level.container->is_array()) return level.container->get_ref<Json::array_t&>().emplace_back(std::move(value));
    // NOTE: keys are known to be distinct; `operator[]` would look through all of them for each one.
    return level.container->get_ref<Json::object_t&>().emplace_back(level.key, std::move(value)).second;
  }
  bool put(Json value) {
    place_value(std::move(value));
    return true;
  }
  bool open(Json container) {
    require(levels_.size() < most_depth, Code::depth, path(), "nested too deep; accepted: up to 16 levels");
    Json& stored = place_value(std::move(container));
    levels_.push_back({&stored});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return true;
  }

  std::string_view bytes_, root_path_;
  Json root_;
  std::vector<Level> levels_;
};

/// While it lives, numbers on this thread have a decimal point, whatever locale the host program has chosen.
/// NOTE: the JSON lexer reads floating numbers with the C library and aborts where the locale's decimal mark is
/// longer than one byte (ps_AF, fa_IR).
class DecimalPoint {
 public:
  DecimalPoint() : plain_(newlocale(LC_NUMERIC_MASK, "C", nullptr)) {
    require(plain_ != nullptr, Code::nomem, document_field, "no memory for the number format; accepted: more memory");
    before_ = uselocale(plain_);
  }
  ~DecimalPoint() {
    uselocale(before_);
    freelocale(plain_);
  }
  DecimalPoint(const DecimalPoint&) = delete;
  DecimalPoint& operator=(const DecimalPoint&) = delete;

 private:
  locale_t plain_;
  locale_t before_{};
};

}  // namespace

std::string member_path(std::string_view object, std::string_view key, std::size_t position) {
  const auto plain = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  const bool shown = !key.empty() && key.size() <= 40 && std::all_of(key.begin(), key.end(), plain);
  std::string path(object);
  if (!path.empty()) path += '.';
  path += shown ? std::string(key) : "<key " + std::to_string(position) + '>';
  return path;
}

std::string element_path(std::string_view array, std::size_t index) {
  return std::string(array) + '[' + std::to_string(index) + ']';
}

Json parse_strict(std::string_view bytes, std::string_view root) {
  const std::string field(root.empty() ? document_field : root);
  require(bytes.size() <= most_bytes, Code::size, field, "too long; accepted: up to 1 MiB");
  require(bytes.find_first_not_of(" \t\r\n") != std::string_view::npos, Code::parse, field,
          "nothing but white space at line 1, column 1; accepted: one JSON document");
  check_encoding(bytes, field);
  const DecimalPoint guard;
  Builder builder(bytes, root);
  Json::sax_parse(bytes.begin(), bytes.end(), &builder);
  return builder.take();
}

}  // namespace ketpk::io
