// SPDX-License-Identifier: Apache-2.0

#include "strict_csv.hpp"

#include <algorithm>
#include <array>

#include "ketpk/io.hpp"
#include "ketpk/report.hpp"

namespace ketpk::io {
namespace {

constexpr std::string_view accepted_field =
    "; accepted: RFC 4180, fields between commas, a quote in a field doubled "
    "and the field in quotes";

[[noreturn]] void refuse(const CsvText& text, const CsvRow& row, std::string_view what) {
  throw InvalidInput(Code::parse, place_of(text, row.line, row.fields.size()),
                     std::string(what) + std::string(accepted_field));
}

/// The field that opens with a quote at `text.at`; afterwards `text.at` is behind the closing quote.
std::string_view quoted_field(CsvText& text, CsvRow& row) {
  const std::string_view bytes = text.bytes;
  const std::size_t start = ++text.at;
  bool doubled = false;
  for (;;) {
    const std::size_t quote = bytes.find('"', text.at);
    if (quote == std::string_view::npos) refuse(text, row, "a quote that is never closed");
    text.at = quote + 1;
    if (text.at == bytes.size() || bytes[text.at] != '"') break;
    doubled = true;
    ++text.at;
  }
  const std::string_view inside = bytes.substr(start, text.at - 1 - start);
  text.line += static_cast<std::size_t>(std::count(inside.begin(), inside.end(), '\n'));
  if (!doubled) return inside;
  std::string& plain = row.with_quotes.emplace_back();
  for (std::size_t i = 0; i < inside.size(); ++i) {
    plain += inside[i];
    if (inside[i] == '"') ++i;
  }
  return plain;
}

std::string_view plain_field(CsvText& text, const CsvRow& row) {
  const std::size_t start = text.at;
  text.at = std::min(text.bytes.find_first_of(",\"\r\n", start), text.bytes.size());
  if (text.at < text.bytes.size() && text.bytes[text.at] == '"') refuse(text, row, "a quote inside a field");
  return text.bytes.substr(start, text.at - start);
}

}  // namespace

std::string place_of(const CsvText& text, std::size_t line) { return text.name + " line " + std::to_string(line); }

std::string place_of(const CsvText& text, std::size_t line, std::size_t column) {
  return place_of(text, line) + " column " +
         (column < text.columns.size() ? text.columns[column] : std::to_string(column + 1));
}

void check_encoding(const CsvText& text) {
  const std::string_view bytes = text.bytes;
  const auto refuse_at = [&](std::size_t offset, std::string_view what) {
    const auto before = bytes.begin() + static_cast<std::ptrdiff_t>(offset);
    const auto line = 1 + static_cast<std::size_t>(std::count(bytes.begin(), before, '\n'));
    throw InvalidInput(Code::encoding, place_of(text, line),
                       std::string(what) + "; accepted: UTF-8 without a byte order mark");
  };
  for (const std::string_view mark : {"\xEF\xBB\xBF", "\xFE\xFF", "\xFF\xFE"})
    if (bytes.starts_with(mark)) refuse_at(0, "a byte order mark");
  for (std::size_t i = 0; i < bytes.size();) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte == 0) refuse_at(i, "a NUL (UTF-16?)");
    const std::size_t length = byte < 0x80 ? 1 : report_detail::utf8_length(bytes.substr(i));
    if (length == 0) refuse_at(i, "a byte that is not UTF-8");
    i += length;
  }
}

std::size_t count_rows(std::string_view bytes) {
  std::size_t rows = 0;
  bool quoted = false;
  for (const char c : bytes) {
    quoted ^= c == '"';
    rows += static_cast<std::size_t>(c == '\n' && !quoted);
  }
  return rows + static_cast<std::size_t>(!bytes.empty() && bytes.back() != '\n');
}

bool next_row(CsvText& text, CsvRow& row) {
  const std::string_view bytes = text.bytes;
  const auto next_is = [&](char c) { return text.at < bytes.size() && bytes[text.at] == c; };
  row.line = text.line;
  row.fields.clear();
  row.with_quotes.clear();
  if (text.at == bytes.size()) return false;
  if (next_is('\n') || bytes.substr(text.at).starts_with("\r\n"))
    throw InvalidInput(Code::columns, place_of(text, row.line), "a blank line; accepted: one record per line");
  for (;;) {
    const bool quoted = next_is('"');
    const std::string_view field = quoted ? quoted_field(text, row) : plain_field(text, row);
    const bool more = next_is(',');
    if (next_is('\r') && !bytes.substr(text.at).starts_with("\r\n")) refuse(text, row, "a CR that no LF follows");
    if (text.at < bytes.size() && !more && !next_is('\r') && !next_is('\n')) refuse(text, row, "text after a quote");
    if (row.fields.size() == most_data_columns)
      throw InvalidInput(Code::size, place_of(text, row.line), "too many fields; accepted: up to 1000");
    row.fields.push_back(field);
    if (text.at < bytes.size()) text.at += next_is('\r') ? 2 : 1;
    if (more) continue;
    ++text.line;
    return true;
  }
}

}  // namespace ketpk::io
