// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a session and a limits file come from outside, from a program or from a tired person. They are read here
// strictly: what is not exactly what the contract says is refused with its place, never repaired and never guessed.
// This is the one public header of the compiled library `ketpk::io`; no JSON type shows in it.

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "ketpk/error.hpp"
#include "ketpk/limits.hpp"
#include "ketpk/simulate.hpp"

namespace ketpk::io {

/// The largest session or limits file [bytes].
inline constexpr std::size_t most_bytes = std::size_t{1} << 20;

/// The deepest nesting of objects and arrays in a document.
inline constexpr std::size_t most_depth = 16;

/// The longest free text (a reason, a source, a name) [bytes].
inline constexpr std::size_t most_text_bytes = 1'000;

/// What a session does not say about itself.
struct SessionContext {
  std::filesystem::path folder;       ///< where a limits file named in the session is looked for
  std::chrono::year_month_day today;  ///< dates the limits when the session has no `as_of`
  /// A limits file must lie under `folder`. A command line whose user names the file sets this to false.
  bool confined = true;
  /// Limits that a program holds already, for a session that names none. Both is E_FIELD_DUPLICATE(limits).
  const Limits* limits = nullptr;
};

/// The bytes of a regular file. Throws E_IO(`field`) for anything that is not one or cannot be read, and
/// E_SIZE(`field`) above 1 MiB, of which never more than one byte too many is read.
[[nodiscard]] std::string read_file(const std::filesystem::path& path, std::string_view field = "file");

/// The bytes of standard input. Throws E_IO(stdin) and E_SIZE(stdin) as `read_file`.
[[nodiscard]] std::string read_stdin();

/// SHA-256, 64 lower-case hexadecimal digits.
[[nodiscard]] std::string sha256(std::string_view bytes);

/// A day, `2026-11-21`. Throws E_PARSE(`field`), and E_RANGE outside 1900 to 9999 and for a day the calendar has not.
[[nodiscard]] std::chrono::year_month_day read_day(std::string_view text, std::string_view field);

/// A session, `ketpk.session/1`. Throws `InvalidInput` with the path of what is wrong. Limits that come with it
/// are validated for `as_of`; patient and order are checked by the stages of `simulate`.
[[nodiscard]] Request read_session(std::string_view bytes, const SessionContext& context);

/// A limits file, `ketpk.limits/1`, with the SHA-256 of these bytes. Throws `InvalidInput` with a field `limits…`, also
/// where bounds are out of order. Whether the set may be used on a given day is `ketpk::validate(limits, as_of)`.
[[nodiscard]] Limits read_limits(std::string_view bytes);

/// A saved state as `ketpk.state/1`, with digests of the identity and of the whole, so that another model or patient
/// and a change are noticed. The digests protect against mistakes, not against somebody who makes new ones.
/// Throws E_SIZE(state) where it would be too long to be read again.
[[nodiscard]] std::string state_json(const SavedState& state, std::string_view model_id, std::string_view version);

/// A `ketpk.state/1` document. Throws `InvalidInput` with a field `state…`: E_STATE where it was changed after it was
/// saved, or was saved for another model, patient or drug. Whether its history gives the same numbers here is asked by
/// `require_resumable`, which `simulate` calls.
[[nodiscard]] SavedState read_state(std::string_view bytes, const Whose& whose);

/// One thing that is wrong with a limits file.
struct LintFinding {
  Code code;
  std::string field;
  std::string message;
};

/// Everything that is wrong with a limits file, as far as it can be looked at; empty if it can be used on `today`.
[[nodiscard]] std::vector<LintFinding> lint_limits(std::string_view bytes, std::chrono::year_month_day today);

}  // namespace ketpk::io
