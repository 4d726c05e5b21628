// SPDX-License-Identifier: Apache-2.0

#include "fields.hpp"

#include <algorithm>
#include <charconv>

#include "ketpk/io.hpp"

namespace ketpk::io {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether `text` starts as `2026-11-21` does.
bool starts_with_day(std::string_view text) {
  constexpr std::string_view shape = "dddd-dd-dd";
  if (text.size() < shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == 'd' ? !is_digit(text[i]) : text[i] != shape[i]) return false;
  return true;
}

/// Whether a date and time ends in `Z` or an offset such as `+02:00`.
bool ends_with_offset(std::string_view text, std::size_t day_columns = 10) {
  const std::string_view clock = text.substr(std::min(text.size(), day_columns));
  return clock.ends_with('Z') || clock.ends_with('z') || clock.find_first_of("+-") != std::string_view::npos;
}

int digits_of(std::string_view digits) {
  int x = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), x);
  return x;
}

}  // namespace

Fields::Fields(const Node& node) : value_(node.value), path_(node.path) {
  require(value_.is_object(), Code::type, path_.empty() ? "document" : path_, "not an object; accepted: {…}");
}

std::vector<InvalidInput> Fields::unknown(const std::string_view* accepted, std::size_t count) const {
  std::vector<InvalidInput> others;
  std::size_t position = 0;
  for (const auto& [key, value] : value_.items()) {
    ++position;
    if (std::find(accepted, accepted + count, key) != accepted + count) continue;
    std::string names;
    for (std::size_t i = 0; i < count; ++i) names += (i == 0 ? "" : " ") + std::string(accepted[i]);
    others.emplace_back(Code::field_unknown, member_path(path_, key, position), "no such key; accepted: " + names);
  }
  return others;
}

std::optional<Node> Fields::optional(std::string_view name) const {
  const auto at = value_.find(name);
  if (at == value_.end()) return std::nullopt;
  return Node{*at, path(name)};
}

Node Fields::required(std::string_view name, std::string_view accepted) const {
  const auto at = value_.find(name);
  require(at != value_.end(), Code::field_missing, path(name), "not stated; accepted: " + std::string(accepted));
  return {*at, path(name)};
}

std::string text_of(const Node& node, Code if_blank) {
  require(node.value.is_string(), Code::type, node.path, "not a text; accepted: a text of up to 1000 bytes");
  const std::string& text = node.value.get_ref<const std::string&>();
  require(text.size() <= most_text_bytes, Code::size, node.path, "too long; accepted: a text of up to 1000 bytes");
  const auto is_control = [&](std::size_t i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 = c == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;  // U+0080 to U+009F
    return c < 0x20 || c == 0x7F || c1;
  };
  for (std::size_t i = 0; i < text.size(); ++i)
    require(!is_control(i), Code::encoding, node.path, "a control character; accepted: printable text in one line");
  require(text.find_first_not_of(' ') != std::string::npos, if_blank, node.path,
          "empty; accepted: a text that says something");
  return text;
}

void require_name(const std::string& text, const std::string& path, const std::string& more) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const std::string later = std::string(letters) + "0123456789" + more;
  require(text.size() <= 64 && letters.find(text[0]) != std::string_view::npos &&
              text.find_first_not_of(later) == std::string::npos,
          Code::parse, path, "not a name; accepted: a letter, then letters, digits or any of " + more + ", up to 64");
}

bool truth_of(const Node& node) {
  require(node.value.is_boolean(), Code::type, node.path,
          "neither true nor false; accepted: true or false, without quotes");
  return node.value.get<bool>();
}

double number_of(const Node& node) {
  require(node.value.is_number(), Code::type, node.path,
          "not a number; accepted: a number without quotes and without a unit");
  return node.value.get<double>();
}

std::vector<Node> list_of(const Node& node, std::size_t most) {
  require(node.value.is_array(), Code::type, node.path, "not a list; accepted: […]");
  require(node.value.size() <= most, Code::size, node.path, "too many; accepted: up to " + std::to_string(most));
  std::vector<Node> nodes;
  nodes.reserve(node.value.size());
  for (std::size_t i = 0; i < node.value.size(); ++i) nodes.push_back({node.value[i], element_path(node.path, i)});
  return nodes;
}

std::string_view quantity_text(const Node& node, const std::string& accepted) {
  require(!node.value.is_number(), Code::unit_missing, node.path,
          "a number without a unit; accepted: a text with number and unit, unit one of " + accepted);
  require(node.value.is_string(), Code::type, node.path,
          "not a quantity; accepted: a text with number and unit, unit one of " + accepted);
  return node.value.get_ref<const std::string&>();
}

Micros elapsed_of(const Node& node) {
  const std::string_view text = quantity_text(node, Stated<dim::time>::accepted());
  if (starts_with_day(text)) {
    require(ends_with_offset(text), Code::time_zone, node.path,
            "a date without an offset from UTC; accepted: time since the start, such as 40 min");
    throw InvalidInput(
        Code::parse, node.path,
        "a date, which only the starts of a course can be; accepted: time since the start, such as 40 min");
  }
  return parse_time(text, node.path);
}

bool looks_like_date(const Node& node) {
  return node.value.is_string() && starts_with_day(node.value.get_ref<const std::string&>());
}

std::chrono::sys_time<Micros> world_instant_of(const Node& node) {
  using namespace std::chrono;
  constexpr std::string_view example = "; accepted: a text such as 2026-11-23T09:00:00+01:00";
  const auto refuse_unless = [&](bool holds, Code code, const std::string& what) {
    require(holds, code, node.path, what + std::string(example));
  };
  refuse_unless(looks_like_date(node), node.value.is_string() ? Code::parse : Code::type, "not a date and time");
  std::string_view text = node.value.get_ref<const std::string&>();
  const auto date = read_day(text.substr(0, 10), node.path);
  text.remove_prefix(10);
  refuse_unless(ends_with_offset(text, 0), Code::time_zone, "no offset from UTC");
  const auto shaped = [](std::string_view s, std::string_view shape) {
    if (s.size() < shape.size()) return false;
    for (std::size_t i = 0; i < shape.size(); ++i)
      if (shape[i] == 'd' ? !is_digit(s[i]) : s[i] != shape[i]) return false;
    return true;
  };
  refuse_unless(!text.empty() && (text[0] == 'T' || text[0] == 't') && shaped(text.substr(1), "dd:dd:dd"), Code::parse,
                "not a date and time");
  const int hour = digits_of(text.substr(1, 2)), minute = digits_of(text.substr(4, 2)),
            second = digits_of(text.substr(7, 2));
  text.remove_prefix(9);
  refuse_unless(second != 60, Code::range, "a leap second, which elapsed time cannot count");
  refuse_unless(hour < 24 && minute < 60 && second < 60, Code::range, "no such time of day");
  std::int64_t us = 0;
  if (text.starts_with('.')) {
    std::size_t digits = 0;
    for (; digits + 1 < text.size() && is_digit(text[digits + 1]); ++digits)
      if (digits < 6) us = us * 10 + (text[digits + 1] - '0');
    refuse_unless(digits > 0 && digits <= 6, Code::parse, "no fraction of a second, or one finer than a microsecond");
    for (std::size_t i = digits; i < 6; ++i) us *= 10;
    text.remove_prefix(1 + digits);
  }
  std::chrono::minutes offset{0};
  if (text != "Z" && text != "z") {
    refuse_unless(text.size() == 6 && (text[0] == '+' || text[0] == '-') && shaped(text.substr(1), "dd:dd"),
                  Code::parse, "not a date and time");
    const int hours_off = digits_of(text.substr(1, 2)), minutes_off = digits_of(text.substr(4, 2));
    refuse_unless(hours_off < 24 && minutes_off < 60, Code::range, "no such offset");
    refuse_unless(text != "-00:00", Code::time_zone, "an offset that says that none is known");
    offset = std::chrono::minutes{60 * hours_off + minutes_off} * (text[0] == '-' ? -1 : 1);
  }
  return sys_days(date) + hours{hour} + std::chrono::minutes{minute} + seconds{second} + Micros{us} - offset;
}

std::chrono::year_month_day day_of(const Node& node) {
  require(node.value.is_string(), Code::type, node.path, "not a date; accepted: a text such as 2026-11-21");
  return read_day(node.value.get_ref<const std::string&>(), node.path);
}

std::chrono::year_month_day read_day(std::string_view text, std::string_view field) {
  require(text.size() == 10 && starts_with_day(text), Code::parse, field,
          "not a date; accepted: year-month-day, such as 2026-11-21");
  using namespace std::chrono;
  const year_month_day date{year{digits_of(text.substr(0, 4))},
                            month{static_cast<unsigned>(digits_of(text.substr(5, 2)))},
                            day{static_cast<unsigned>(digits_of(text.substr(8, 2)))}};
  require(date.ok() && date.year() >= year{1900}, Code::range, field,
          "no such day; accepted: a day of the calendar from 1900-01-01 to 9999-12-31");
  return date;
}

}  // namespace ketpk::io
