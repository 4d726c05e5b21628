// SPDX-License-Identifier: Apache-2.0
// libFuzzer: whatever the bytes are, a data file is read or refused as invalid input. Nothing else may come out.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ketpk/io.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ketpk::io::DataFormat format{
      .units = {}, .compartments = {"nose", "central", "shallow"}, .covariates = {"WT", "SEX"}};
  try {
    (void)ketpk::io::read_data({reinterpret_cast<const char*>(data), size}, format);
  } catch (const ketpk::InvalidInput&) {
  }
  return 0;
}
