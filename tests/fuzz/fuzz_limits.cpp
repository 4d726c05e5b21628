// SPDX-License-Identifier: Apache-2.0
// libFuzzer: whatever the bytes are, limits are read or refused as invalid input, and the linter agrees with the
// reader.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ketpk/io.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::chrono;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const year_month_day today = year{2026} / 11 / 21;
  bool usable = false;
  try {
    const auto limits = ketpk::io::read_limits(bytes);
    ketpk::validate(limits, today);
    usable = true;
  } catch (const ketpk::InvalidInput&) {
  }
  if (usable != ketpk::io::lint_limits(bytes, today).empty()) std::abort();
  return 0;
}
