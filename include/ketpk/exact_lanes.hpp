// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the exact solution for many subjects who share their dose edges, as fast as memory takes it. The algebra is that
// of solve.hpp, with lanes for its scalar; here is only how subjects go into lanes and profiles come out of them.
//
// Everything on this road carries the lanes' instruction set in its type, and nothing throws: it is compiled once for
// each instruction set, and what goes in was checked before. A subject's bits do not depend on its neighbours.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "ketpk/elementary.hpp"
#include "ketpk/lanes.hpp"
#include "ketpk/model.hpp"
#include "ketpk/parameters.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve.hpp"
#include "ketpk/time.hpp"

namespace ketpk {

/// Evenly spaced instants of one segment; of one instant the step is of no account.
struct EvenRun {
  std::size_t segment;
  double tau_min, step_min;
  std::size_t first, count;  ///< which of all instants
};

/// How many subjects a kernel is given at most at once; arrays of subjects are that long.
inline constexpr std::size_t block_size = 256;
using OfBlock = std::array<double, block_size>;

/// What goes into one segment, of each subject.
struct BlockSegment {
  Micros start, duration;
  const double* bolus_mg;
  const double* rate_mg_per_min;
};

/// A level, and up to when the time above it counts; no instant: on the whole course.
struct LevelAsked {
  double ng_per_mL;
  std::optional<Micros> until = {};
};

/// A block of subjects and what is asked of them. Pointers lead to `block_size` numbers, the unused ones those of any
/// valid subject; a null pointer says that it is not asked.
struct ExactBlock {
  std::size_t subjects;
  const double *v1_L, *cl_L_per_min, *q2_L_per_min, *v2_L, *q3_L_per_min, *v3_L;
  std::span<const BlockSegment> segments;
  std::span<const EvenRun> runs;
  std::size_t instants = 0;
  double* rows_ng_per_mL = nullptr;     ///< the profile of each subject, one after another, `instants` numbers each
  double* columns_ng_per_mL = nullptr;  ///< all subjects at each instant, `block_size` numbers each
  double *cmax_ng_per_mL = nullptr, *tmax_min = nullptr;  ///< both or neither
  std::span<const LevelAsked> levels = {};
  double* minutes_above = nullptr;  ///< of each level, `block_size` numbers each
  /// Not zero for a subject whose curve may turn inside a segment: its summaries are not known from here.
  std::uint8_t* turns_inside = nullptr;  ///< due with cmax
};

namespace detail {

template <std::size_t Stage, class V, std::size_t N, std::size_t... K>
inline void swap_stage(std::array<V, N>& v, std::index_sequence<K...>) noexcept {
  for (std::size_t i = 0; i < N; ++i) {
    if ((i & Stage) != 0) continue;
    const V a = v[i], b = v[i + Stage];
    v[i] = __builtin_shufflevector(a, b, ((K & Stage) == 0 ? K : N + K - Stage)...);
    v[i + Stage] = __builtin_shufflevector(a, b, ((K & Stage) == 0 ? K + Stage : N + K)...);
  }
}
/// N vectors of N numbers, columns to rows.
template <class V, std::size_t N>
inline void transpose(std::array<V, N>& v) noexcept {
  constexpr std::make_index_sequence<N> all;
  swap_stage<1>(v, all);
  if constexpr (N > 2) swap_stage<2>(v, all);
  if constexpr (N > 4) swap_stage<4>(v, all);
}
/// Eight lanes of eight subjects become eight instants of each.
template <class Isa>
inline void transpose(std::array<Lanes<8, Isa>, 8>& of) noexcept {
  using L = Lanes<8, Isa>;
  constexpr std::size_t n = L::in_part;
  std::array<L, 8> out;
  for (std::size_t p = 0; p < L::parts; ++p)
    for (std::size_t q = 0; q < L::parts; ++q) {
      std::array<typename L::Vector, n> tile;
      for (std::size_t i = 0; i < n; ++i) tile[i] = of[p * n + i].part[q];
      transpose(tile);
      for (std::size_t i = 0; i < n; ++i) out[q * n + i].part[p] = tile[i];
    }
  of = out;
}

/// Copies whole cache lines past the caches: a profile is written once and read, if ever, much later. `to` is aligned
/// as the lines are.
template <class Isa>
inline void stream(double* to, const double* from, std::size_t numbers) noexcept {
#if defined(__SSE2__)
  for (std::size_t i = 0; i < numbers; i += Isa::native) {
#if defined(__AVX512F__)
    if constexpr (Isa::native == 8) _mm512_stream_pd(to + i, _mm512_load_pd(from + i));
#endif
#if defined(__AVX__)
    if constexpr (Isa::native == 4) _mm256_stream_pd(to + i, _mm256_load_pd(from + i));
#endif
    if constexpr (Isa::native == 2) _mm_stream_pd(to + i, _mm_load_pd(from + i));
  }
#else
  __builtin_memcpy(to, from, numbers * sizeof(double));
#endif
}

/// Orders what was streamed before anything after it.
template <class Isa>
inline void settle() noexcept {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

/// Lanes `first` to `first + 7`.
template <std::size_t N, class Isa>
[[nodiscard]] inline Lanes<8, Isa> eight_of(const Lanes<N, Isa>& all, std::size_t first) noexcept {
  return Lanes<8, Isa>::by_part([&](std::size_t k) { return all.part[first / all.in_part + k]; });
}

/// One strand of one subject after another: eight instants at a time, side by side.
template <class L>
struct RowStrands {
  std::array<L, 3> brings, keep, adds;
};
template <bool IsFed, class L>
inline void write_row(const RowStrands<L>& by, std::span<double> row) noexcept {
  auto brings = by.brings;
  const auto &keep = by.keep, &adds = by.adds;
  const auto next = [&](std::size_t j) { brings[j] = IsFed ? brings[j] * keep[j] + adds[j] : brings[j] * keep[j]; };
  std::size_t k = 0;
  for (; k + 8 <= row.size(); k += 8) {
    (brings[0] + brings[1] + brings[2]).to(&row[k]);
    next(0);
    next(1);
    next(2);
  }
  if (k == row.size()) return;
  const L last = brings[0] + brings[1] + brings[2];
  for (std::size_t i = 0; k + i < row.size(); ++i) row[k + i] = last[i];
}

}  // namespace detail

namespace detail {

/// Strand after strand, eight subjects side by side.
template <bool IsFed, class Marching>
inline void write_columns(const Marching& by, std::size_t count, double* column) noexcept {
  for (std::size_t k = 0; k < 8; ++k) {
    auto b0 = by.brings[0][k], b1 = by.brings[1][k], b2 = by.brings[2][k];
    for (std::size_t i = k; i < count; i += 8) {
      (b0 + b1 + b2).to(column + i * block_size);
      b0 = IsFed ? b0 * by.keep[0] + by.adds[0] : b0 * by.keep[0];
      b1 = IsFed ? b1 * by.keep[1] + by.adds[1] : b1 * by.keep[1];
      b2 = IsFed ? b2 * by.keep[2] + by.adds[2] : b2 * by.keep[2];
    }
  }
}

}  // namespace detail

/// Subjects that are solved at a time: more than a register holds, so that one has something to do while another waits.
template <class Isa>
using SolveLanes = Lanes<(Isa::native > 2 ? 16 : 8), Isa>;

/// Memory that blocks use one after another.
template <class Isa>
struct SolveRoom {
  using L = SolveLanes<Isa>;
  typename ExactTrajectory<L>::Emptied trajectory;
  std::vector<typename ExactTrajectory<L>::Marching> marchings;  ///< of each run
  std::vector<Lanes<8, Isa>> rows;                               ///< eight profiles, one after another
  std::vector<L> ends;  ///< where the segments' pieces of the curve begin and end
};

namespace detail {

/// A piece of the curve that only rises or only falls. In the last segment it has no end, and falls to nothing.
template <class L>
struct LanePiece {
  std::size_t segment;
  double to_tau;
  L from, to;  ///< [mg/L]
};

/// Where each lane's piece passes `level` [mg/L], as far as it does; NaN where that was not found. A rising piece is
/// concave, and the logarithm of a falling one convex, so Newton's steps come from the left and never pass the root.
template <class L>
[[nodiscard]] inline L passes(const ExactTrajectory<L>& exact, const LanePiece<L>& p, double level) noexcept {
  const auto rises = p.from < p.to;
  const auto crosses = (rises && !(p.from > level) && p.to > level) || (!rises && p.from > level && !(p.to > level));
  // A lane that is there stands still, however long its neighbours take.
  L tau = 0.0, off = 1.0;
  auto goes_on = crosses;
  for (int step = 0; step < 60 && any(goes_on); ++step) {
    L here = 0.0, slope = 0.0;
    exact.plasma_and_slope(p.segment, tau, here, slope);
    const L rising = (level - here) / slope, falling = log(here / level) * here / (-slope);
    off = select(goes_on, select(rises, rising, falling), off);
    tau = select(goes_on, tau + off, tau);
    goes_on = goes_on && abs(off) > 1e-13 * (1.0 + tau);
  }
  const auto is_found = abs(off) <= 1e-9 * (1.0 + tau);
  return select(!crosses || is_found, tau, L(std::numeric_limits<double>::quiet_NaN()));
}

/// Minutes for which a piece is above the level.
template <class L>
[[nodiscard]] inline L above_on(const ExactTrajectory<L>& exact, const LanePiece<L>& p, double level) noexcept {
  const auto from_is = p.from > level, to_is = p.to > level;
  if (!any(from_is || to_is)) return 0.0;
  const L all_of_it = select(from_is && to_is, L(p.to_tau), L(0.0));
  const auto rises = !from_is && to_is, falls = from_is && !to_is;
  if (!any(rises || falls)) return all_of_it;
  const L at = passes(exact, p, level);
  return select(falls, at, select(rises, p.to_tau - at, all_of_it));
}

/// Peaks and times above, for curves that turn at dose edges only; which do not is told.
template <class Isa, class L>
inline void summarise(const ExactBlock& b, std::size_t lane, const ExactTrajectory<L>& exact,
                      std::vector<L>& ends) noexcept {
  const std::size_t n = b.segments.size();
  ends.resize(2 * n);
  L highest = 0.0;
  auto turns = highest < highest;
  for (std::size_t i = 0; i < n; ++i) {
    ends[2 * i] = exact.plasma_at_start(i);
    ends[2 * i + 1] = i + 1 < n ? exact.at(i, minutes(b.segments[i].duration), Curve::plasma()) : L(0.0);
    highest = larger(highest, larger(ends[2 * i], ends[2 * i + 1]));
    auto rises = highest < highest, falls = rises;
    for (std::size_t j = 0; j < 3; ++j) {
      const L fed = exact.response().parent.coupling[j] * exact.flow_in(i, j);
      rises = rises || fed > 0.0;
      falls = falls || fed < 0.0;
    }
    // A curve that is no number is not known from here either.
    turns = turns || (rises && falls) || !isfinite(ends[2 * i] + ends[2 * i + 1]);
  }
  // As `highest_of` in exposure.hpp has it: the earliest local maximum within 1e-9 of the highest point.
  const L near = highest * (1 - 1e-9);
  L tmax = 0.0;
  auto is_found = !(highest > 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    const L from = ends[2 * i], to = ends[2 * i + 1];
    auto is_it = from >= near && !(to > from);
    if (i > 0) is_it = is_it && (ends[2 * i - 1] >= ends[2 * i - 2] || from > ends[2 * i - 1]);
    tmax = select(!is_found && is_it, L(minutes(b.segments[i].start)), tmax);
    is_found = is_found || is_it;
  }
  (highest * 1000.0).to(b.cmax_ng_per_mL + lane);
  tmax.to(b.tmax_min + lane);
  for (std::size_t k = 0; k < b.levels.size(); ++k) {
    const double level = b.levels[k].ng_per_mL / 1000;
    L above = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      const BlockSegment& s = b.segments[i];
      LanePiece<L> p{i, i + 1 < n ? minutes(s.duration) : 0.0, ends[2 * i], ends[2 * i + 1]};
      if (b.levels[k].until) {
        const double stop = minutes(*b.levels[k].until - s.start);
        if (!(stop > 0)) break;
        if (i + 1 == n || stop < p.to_tau) {
          p.to_tau = stop;
          p.to = exact.at(i, stop, Curve::plasma());
        }
      }
      above = above + above_on(exact, p, level);
    }
    above.to(b.minutes_above + k * block_size + lane);
    turns = turns || !(above == above);
  }
  turns = turns || !is_found;
  for (std::size_t i = 0; i < L::width; ++i) b.turns_inside[lane + i] = turns[i] ? 1 : 0;
}

}  // namespace detail

namespace detail {

/// The profiles of subjects `subject` to `subject + 7` of a block, which are the lanes of `room` from `lane` on.
template <class Isa>
inline void write_rows(const ExactBlock& b, std::size_t subject, std::size_t lane, SolveRoom<Isa>& room) noexcept {
  using L = Lanes<8, Isa>;
  const std::size_t here = b.subjects - subject < 8 ? b.subjects - subject : 8;
  double* const rows = b.rows_ng_per_mL + subject * b.instants;
  const bool is_streamed = here == 8 && reinterpret_cast<std::uintptr_t>(rows) % 64 == 0;
  if (is_streamed) room.rows.resize(b.instants);
  double* const written = is_streamed ? reinterpret_cast<double*>(room.rows.data()) : rows;
  for (std::size_t r = 0; r < b.runs.size(); ++r) {
    const EvenRun& run = b.runs[r];
    const auto& by = room.marchings[r];
    std::array<std::array<L, 8>, 3> strands;
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 8; ++k) strands[j][k] = eight_of(by.brings[j][k], lane);
      transpose(strands[j]);
    }
    for (std::size_t i = 0; i < here; ++i) {
      const std::size_t k = lane + i;
      const RowStrands<L> row_by{{strands[0][i], strands[1][i], strands[2][i]},
                                 {by.keep[0][k], by.keep[1][k], by.keep[2][k]},
                                 {by.adds[0][k], by.adds[1][k], by.adds[2][k]}};
      const std::span<double> row(written + i * b.instants + run.first, run.count);
      if (by.is_fed)
        write_row<true>(row_by, row);
      else
        write_row<false>(row_by, row);
    }
  }
  if (is_streamed) stream<Isa>(rows, written, 8 * b.instants);
}

}  // namespace detail

/// The subjects of a block from `lane` on, as many as `SolveLanes` holds.
template <class Isa>
inline void solve_lanes(const ExactBlock& b, std::size_t lane, SolveRoom<Isa>& room) noexcept {
  using L = SolveLanes<Isa>;
  const auto of = [lane](const double* all) { return L::from(all + lane); };
  const Parameters<L> p{.v1_L = of(b.v1_L),
                        .cl_L_per_min = of(b.cl_L_per_min),
                        .q2_L_per_min = of(b.q2_L_per_min),
                        .v2_L = of(b.v2_L),
                        .q3_L_per_min = of(b.q3_L_per_min),
                        .v3_L = of(b.v3_L)};
  std::vector<SegmentOf<L>> segments = std::move(room.trajectory.segments);
  segments.clear();
  for (const BlockSegment& s : b.segments)
    segments.push_back({s.start, s.duration, of(s.bolus_mg), of(s.rate_mg_per_min)});
  ExactTrajectory<L> exact(respond(p), std::move(segments), std::move(room.trajectory.room));
  room.marchings.clear();
  for (const EvenRun& run : b.runs) {
    room.marchings.push_back(exact.marching({run.segment, run.tau_min, run.step_min, 1000}));
    if (b.columns_ng_per_mL == nullptr) continue;
    double* const column = b.columns_ng_per_mL + run.first * block_size + lane;
    if (room.marchings.back().is_fed)
      detail::write_columns<true>(room.marchings.back(), run.count, column);
    else
      detail::write_columns<false>(room.marchings.back(), run.count, column);
  }
  if (b.rows_ng_per_mL != nullptr)
    for (std::size_t first = 0; first < L::width && lane + first < b.subjects; first += 8)
      detail::write_rows(b, lane + first, first, room);
  if (b.cmax_ng_per_mL != nullptr) detail::summarise<Isa>(b, lane, exact, room.ends);
  room.trajectory = std::move(exact).emptied();
}

}  // namespace ketpk
