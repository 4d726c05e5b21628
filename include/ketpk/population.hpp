// stand-in, uncommitted
#pragma once
#include <functional>
#include <variant>
#include "ketpk/cohort.hpp"
namespace ketpk {
struct CohortRun { unsigned threads = 1; std::function<bool(std::uint64_t done, std::uint64_t of)> on_progress = {}; };
[[nodiscard]] std::variant<Cohort, Stopped> simulate_cohort(const CohortRequest&, const CohortRun& = {});
}
