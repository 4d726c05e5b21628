// SPDX-License-Identifier: Apache-2.0
// libFuzzer: whatever the bytes are, a cohort and a table of people are read or refused as invalid input. Nothing else
// may come out.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ketpk/io.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::chrono;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // A folder that has no files: no bytes may lead to one.
  const ketpk::io::SessionContext context{.folder = "/nowhere", .today = year{2026} / 11 / 21};
  try {
    (void)ketpk::io::read_cohort(bytes, context);
  } catch (const ketpk::InvalidInput&) {
  }
  try {
    (void)ketpk::io::read_people(bytes);
  } catch (const ketpk::InvalidInput&) {
  }
  return 0;
}
