// SPDX-License-Identifier: Apache-2.0
// libFuzzer: whatever the bytes are, a session is read or refused as invalid input. Nothing else may come out.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ketpk/io.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace std::chrono;
  // A folder that has no files: no bytes may lead to one.
  const ketpk::io::SessionContext context{.folder = "/nowhere", .today = year{2026} / 11 / 21};
  try {
    const auto request = ketpk::io::read_session({reinterpret_cast<const char*>(data), size}, context);
    ketpk::validate(request.patient);
    (void)ketpk::resolve(request.order, mass_for_dosing(request.patient));
    (void)ketpk::individual(request.model, request.patient);
  } catch (const ketpk::InvalidInput&) {
  }
  return 0;
}
