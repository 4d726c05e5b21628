// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the evidence is told in four ways: to a program, as a tidy table, as a page of documentation, and to a person at
// a terminal. Nothing is computed here; percentages are rounded to whole ones for people only.

#include <string>
#include <string_view>

#include "ketpk/evidence.hpp"

namespace ketpk::io {

/// `ketpk.evidence/1`. Throws std::logic_error where a number is not finite.
[[nodiscard]] std::string evidence_json(const Validation& v, std::string_view version);

/// One row for each point of each comparison. Marks stand in one cell, with blanks between them.
[[nodiscard]] std::string evidence_csv(const Validation& v);

/// A page in Markdown. Where a picture of a data set belongs, a line `<!-- figure ID -->` stands.
[[nodiscard]] std::string evidence_markdown(const Validation& v, std::string_view version);

/// At most 120 columns: bias and inaccuracy of every model on every data set; with `in_full`, instead, every measure of
/// each comparison; and every point too where one model and one data set were asked about.
[[nodiscard]] std::string evidence_card(const Validation& v, bool in_full);

}  // namespace ketpk::io
