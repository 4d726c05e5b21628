// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a CSV reader that fills up a short row, lets a repeated column win or takes `70,5` for two fields has already
// changed somebody's dose. This one splits RFC 4180 text and names the line and the column of anything else.
// NOTE: our own, because the packaged readers (libcsv, fast-cpp-csv-parser) cannot say both for each field: libcsv
// hands over fields without their place, and the other fixes the columns when the program is compiled and drops blank
// lines.

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "ketpk/error.hpp"

namespace ketpk::io {

/// Text that is being read, and what its columns are called in refusals.
struct CsvText {
  std::string_view bytes;
  std::string name;                       ///< of the whole, ahead of every place
  std::vector<std::string> columns = {};  ///< a column that is not in it is called by its number, from 1
  std::size_t at = 0;                     ///< bytes read
  std::size_t line = 1;                   ///< the line that `at` is on
};

struct CsvRow {
  std::size_t line = 0;                       ///< the line it begins on
  std::vector<std::string_view> fields = {};  ///< without their quotes
  std::deque<std::string> with_quotes = {};   ///< the text of fields that hold a quote
};

/// `data line 14 column RATE`; columns are counted from 0 here.
[[nodiscard]] std::string place_of(const CsvText& text, std::size_t line, std::size_t column);
/// `data line 14`.
[[nodiscard]] std::string place_of(const CsvText& text, std::size_t line);

/// Throws E_ENCODING with the line unless `text` is UTF-8 without a byte order mark and without a NUL.
void check_encoding(const CsvText& text);

/// Records of `bytes`, the header being one; no more than the true number are ever counted where quotes are in order.
[[nodiscard]] std::size_t count_rows(std::string_view bytes);

/// Reads the next record into `row`; false at the end. Records end in LF or CRLF, the last one perhaps in neither.
/// Throws E_COLUMNS for a blank line · E_PARSE for a quote inside a field that does not begin with one, text after a
/// closing quote, a quote that is never closed and a CR without an LF · E_SIZE above `most_data_columns` fields.
/// A quoted field may hold line breaks.
[[nodiscard]] bool next_row(CsvText& text, CsvRow& row);

}  // namespace ketpk::io
