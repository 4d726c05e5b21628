// SPDX-License-Identifier: Apache-2.0

#include "ketpk/kernels.hpp"

namespace ketpk::detail {

[[nodiscard]] Kernels compiled_for_avx2() noexcept;
Kernels compiled_for_avx2() noexcept { return kernels_of<isa::avx2>(InstructionSet::avx2); }

}  // namespace ketpk::detail
