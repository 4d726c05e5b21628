// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the command line is one more door to the same room. Its options become the session document that a file
// would have held, so that nothing can be said on a command line that is understood differently in a file.

#include <cstdint>
#include <optional>
#include <string>

#include "ketpk/error.hpp"
#include "strict_json.hpp"

namespace ketpk::cli {

enum class Verb : std::uint8_t {
  help,
  version,
  units,
  models_list,
  models_show,
  models_lint,
  effects_list,
  effects_show,
  limits_lint,
  simulate,
  check,
  predict,
  sweep,
  cohort,
  validate
};
enum class Format : std::uint8_t { card, json, csv, file, markdown };

/// What was asked on the command line.
struct Command {
  Verb verb;
  std::string target =
      {};  ///< a session, sweep or cohort file or `-`, a model's or effect card's id, a model file, or a limits file
  std::optional<io::Json> session = {};  ///< the document that the options amount to, where no file was named
  std::string data = {};                 ///< of `predict`: a data file or `-`; `target` is then a model's id or file;
                                         ///< of `validate`: a data set's id, `target` a model's; empty: all of them
  bool spread = false;                   ///< of `predict`: with the standard deviation between subjects
  Format format = Format::card;
  std::optional<std::string> output = {};
  bool force = false;
  std::optional<std::string> save_state = {};  ///< the file that the state is saved to
  std::optional<std::string> save_at = {};     ///< the instant of it, as stated
  std::string map = {};                        ///< of `sweep`: the number that its map shows; the peak if empty
  std::optional<std::string> table = {};       ///< of `cohort`: the file that the table of subjects is written to
  unsigned threads = 1;                        ///< of `cohort`
  bool verbose = false;
  std::string help = {};
};

/// The command of `argv`. Throws E_USAGE(option) for an unknown, repeated or valueless option, and the error of the
/// first given value that cannot be read, or E_FIELD_MISSING or E_STATE(path in the session), where something
/// required was not given. No message repeats a value.
[[nodiscard]] Command read_command(int argc, const char* const* argv);

/// Whether errors are due as JSON too; known even when the rest of the line is not understood.
[[nodiscard]] bool wants_json(int argc, const char* const* argv) noexcept;

}  // namespace ketpk::cli
