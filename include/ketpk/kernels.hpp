// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what a population spends its time on, compiled for more than one kind of machine. A kernel takes plain memory
// and gives plain memory, the same bits on every one of them; which one runs is chosen once, when the program runs.
//
// Everything a kernel consists of has its instruction set in its name, so that the linker cannot give a machine code it
// does not have (tests/kernels_apart.py reads the symbols). Programs that use the headers alone have the baseline.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "ketpk/error.hpp"
#include "ketpk/exact_lanes.hpp"
#include "ketpk/lanes.hpp"
#include "ketpk/normal.hpp"
#include "ketpk/philox.hpp"
#include "ketpk/solve_ode_lanes.hpp"
#include "ketpk/tally.hpp"

namespace ketpk {

enum class InstructionSet : std::uint8_t { baseline, avx2, avx512 };
inline constexpr std::array<std::string_view, 3> instruction_set_names{"baseline", "avx2", "avx512"};
[[nodiscard]] constexpr std::string_view name_of(InstructionSet s) noexcept {
  return instruction_set_names[static_cast<std::size_t>(s)];
}

/// Subjects with saturable elimination, and what is asked of them.
struct SaturableBlock {
  std::size_t compartments;  ///< 1 to 3
  SaturableSubjects subjects;
  LaneCourse course;
  LaneAnswers answers;
  bool asks_summaries;
};

struct Kernels {
  InstructionSet set;
  /// Normal numbers `index` to `index + numbers - 1` of subjects `first` to `first + block_size - 1`, one number of all
  /// subjects after the other.
  void (*normals)(const Stream& stream, std::uint64_t first, std::size_t index, std::span<double> out);
  void (*exact)(const ExactBlock& block);
  void (*saturable)(const SaturableBlock& block);
  detail::FactsOf* facts;
};

namespace detail {

template <class Isa>
struct KernelsOf {
  using L = Lanes<8, Isa>;

  static void normals(const Stream& stream, std::uint64_t first, std::size_t index, std::span<double> out) noexcept {
    for (std::size_t lane = 0; lane < block_size; lane += 8) {
      const auto subjects = consecutive<L>(first + lane);
      for (std::size_t k = 0; k * block_size < out.size(); k += 2) {
        std::array<L, 2> two;
        const std::size_t n = (k + 1) * block_size < out.size() ? 2 : 1;
        ketpk::normals<L>(stream, subjects, index + k, std::span<L>(two.data(), n));
        for (std::size_t i = 0; i < n; ++i) two[i].to(&out[(k + i) * block_size + lane]);
      }
    }
  }
  static void exact(const ExactBlock& block) noexcept {
    SolveRoom<Isa> room;
    for (std::size_t lane = 0; lane < block.subjects; lane += SolveLanes<Isa>::width)
      solve_lanes<Isa>(block, lane, room);
    if (block.rows_ng_per_mL != nullptr) detail::settle<Isa>();
  }
  static void saturable(const SaturableBlock& block) noexcept {
    if (block.compartments == 1) return saturable<1>(block);
    if (block.compartments == 2) return saturable<2>(block);
    saturable<3>(block);
  }

 private:
  template <std::size_t Compartments>
  static void saturable(const SaturableBlock& block) noexcept {
    using Pool = Lanes<ketpk::ode_lanes<Isa>, Isa>;
    constexpr LaneOdeOptions options{};
    if (block.asks_summaries)
      solve_in_lanes<Pool, Compartments, true>(block.subjects, block.course, options, block.answers);
    else
      solve_in_lanes<Pool, Compartments, false>(block.subjects, block.course, options, block.answers);
  }
};

#ifdef KETPK_COMPILED
[[nodiscard]] std::optional<Kernels> kernels_avx2() noexcept;
[[nodiscard]] std::optional<Kernels> kernels_avx512() noexcept;
#endif

}  // namespace detail

template <class Isa>
[[nodiscard]] inline Kernels kernels_of(InstructionSet set) noexcept {
  return {set, &detail::KernelsOf<Isa>::normals, &detail::KernelsOf<Isa>::exact, &detail::KernelsOf<Isa>::saturable,
          &detail::facts_of<Isa>};
}

/// The kernels of an instruction set; none where this machine or this build has not got it.
[[nodiscard]] inline std::optional<Kernels> kernels_for(InstructionSet set) noexcept {
  if (set == InstructionSet::baseline) return kernels_of<isa::baseline>(set);
#ifdef KETPK_COMPILED
  return set == InstructionSet::avx2 ? detail::kernels_avx2() : detail::kernels_avx512();
#else
  return std::nullopt;
#endif
}

/// The widest that this machine and this build have.
[[nodiscard]] inline Kernels best_kernels() noexcept {
  for (const InstructionSet set : {InstructionSet::avx512, InstructionSet::avx2})
    if (const auto kernels = kernels_for(set)) return *kernels;
  return kernels_of<isa::baseline>(InstructionSet::baseline);
}

}  // namespace ketpk
