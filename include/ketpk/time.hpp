// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: a dose edge must be the same instant for everyone who asks, so instants and durations are whole
// microseconds. Doubles appear only inside a segment, in minutes counted from the segment's start.

#include <chrono>
#include <cstdint>

namespace ketpk {

/// A duration, or an instant counted from the start of the order [us].
using Micros = std::chrono::duration<std::int64_t, std::micro>;

/// The last instant that is accepted anywhere.
inline constexpr Micros horizon_limit = std::chrono::hours{24 * 400};

inline constexpr double micros_per_minute = 6e7;

/// The same duration in minutes; correctly rounded for all |t| below 2^53 us.
[[nodiscard]] constexpr double minutes(Micros t) noexcept { return static_cast<double>(t.count()) / micros_per_minute; }

}  // namespace ketpk
