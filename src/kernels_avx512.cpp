// SPDX-License-Identifier: Apache-2.0

#include "ketpk/kernels.hpp"

namespace ketpk::detail {

[[nodiscard]] Kernels compiled_for_avx512() noexcept;
Kernels compiled_for_avx512() noexcept { return kernels_of<isa::avx512>(InstructionSet::avx512); }

}  // namespace ketpk::detail
