// SPDX-License-Identifier: Apache-2.0
// libFuzzer: whatever the bytes are, a model is read or refused as invalid input, the linter agrees with the reader but
// for golden values, and what was read is written as a file that reads back and writes the same.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ketpk/io.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  bool usable = false;
  try {
    const std::string written = ketpk::io::write_model(ketpk::io::read_model(bytes));
    usable = true;
    if (ketpk::io::write_model(ketpk::io::read_model(written)) != written) std::abort();
  } catch (const ketpk::InvalidInput&) {
    if (usable) std::abort();
  }
  const auto findings = ketpk::io::lint_model(bytes);
  const bool faulty = std::any_of(findings.begin(), findings.end(), [](const auto& f) {
    const bool computed =
        f.field.starts_with("model.golden[") && (f.field.ends_with("].value") || f.field.ends_with("]"));
    return f.severity == ketpk::io::LintSeverity::error && !computed;
  });
  if (usable && faulty) std::abort();
  if (!usable && findings.empty()) std::abort();
  return 0;
}
