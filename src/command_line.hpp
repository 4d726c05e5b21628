// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the command has two doors of its own, the program `ketpk` and `python -m ketpk`. Behind both is this.

namespace ketpk::cli {

/// Runs the command of `argv` on the standard streams of the process and gives its exit code (contract, section 3).
/// NOTE: it ignores SIGPIPE and SIGXFSZ and closes standard output when all of it is written; call it last.
[[nodiscard]] int run_command_line(int argc, const char* const* argv);

}  // namespace ketpk::cli
