// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what a dose does to a million patients, each of whom is (seed, index) and nothing else. How they are cut into
// parts, in which order, and how many threads share them changes no bit of the answer, and ten million subjects need no
// more room than ten thousand.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "ketpk/cohort.hpp"
#include "ketpk/kernels.hpp"

namespace ketpk {

/// How a cohort is run; nothing here changes a bit of what it comes to.
struct CohortRun {
  unsigned threads = 1;  ///< 1 to 1024; none is started where it is 1
  /// Called from the caller's thread, about ten times a second and not at the very end: subjects done, and of how many.
  /// False stops the run; so does what it throws, which is passed on.
  std::function<bool(std::uint64_t done, std::uint64_t of)> on_progress = {};
  std::optional<InstructionSet> set = {};  ///< the widest there is, unless stated
  bool discards_rows = false;  ///< who stops `write_profiles` gives its memory back, and nobody reads it: no NaN in it
};

/// Parts of one cohort, put together: the same bytes whichever comes first. Throws E_ARG(tally) where they were not
/// asked the same.
[[nodiscard]] CohortTally merge(CohortTally a, const CohortTally& b);

/// Counts a part of a cohort, `first` to `first + subjects - 1`, to be merged with others. Throws as `simulate_cohort`.
[[nodiscard]] std::variant<CohortTally, Stopped> tally_cohort(const CohortRequest& request, const CohortRun& run = {});

/// What parts that were counted come to; `request` says how many subjects there are in all.
[[nodiscard]] Cohort answers_of(const CohortRequest& request, CohortTally tally);

/// The whole cohort. Throws for what is wrong whoever is asked: E_RANGE(threads), E_ARG(set), as
/// `validate(CohortRequest)`, `validate(Limits)`, `resolve`, `admit` and `whom` for somebody in the middle of the
/// population. What is wrong with one subject is his failure, and there are no statistics where all have failed.
[[nodiscard]] std::variant<Cohort, Stopped> simulate_cohort(const CohortRequest& request, const CohortRun& run = {});

/// How many profiles were written, and who has none.
struct Profiles {
  std::uint64_t in, ok;
  std::vector<FailedSubject> failed;
};

/// Plasma [ng/mL] of every subject at the instants of the request, into memory of the caller: one subject after
/// another, each with all instants. Subjects who fail have NaN. Fastest where `rows` is aligned to 64 bytes and its
/// pages were touched before. Stopped, or left by what `on_progress` throws, it leaves NaN everywhere, unless they are
/// discarded. Throws as `simulate_cohort`, and E_SIZE(rows) for another number of them than subjects times instants.
[[nodiscard]] std::variant<Profiles, Stopped> write_profiles(const CohortRequest& request, std::span<double> rows,
                                                             const CohortRun& run = {});

}  // namespace ketpk

#ifndef KETPK_COMPILED
#include "ketpk/cohort_engine.hpp"  // who links ketpk::io has it compiled once
#endif
