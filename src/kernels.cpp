// SPDX-License-Identifier: Apache-2.0

// Why: one program for every machine. Here it is asked what the machine has; the kernels themselves are compiled in
// units of their own.

#include "ketpk/kernels.hpp"

#include <optional>

namespace ketpk::detail {

#ifdef KETPK_X86_KERNELS
[[nodiscard]] Kernels compiled_for_avx2() noexcept;
[[nodiscard]] Kernels compiled_for_avx512() noexcept;

std::optional<Kernels> kernels_avx2() noexcept {
  if (!__builtin_cpu_supports("avx2")) return std::nullopt;
  return compiled_for_avx2();
}
std::optional<Kernels> kernels_avx512() noexcept {
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return std::nullopt;
  return compiled_for_avx512();
}
#else
std::optional<Kernels> kernels_avx2() noexcept { return std::nullopt; }
std::optional<Kernels> kernels_avx512() noexcept { return std::nullopt; }
#endif

}  // namespace ketpk::detail
