// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what the two halves of the extension module share. Everything here is private to the package; what a user
// sees is Python, in python/src/ketpk.

#include <nanobind/nanobind.h>

#include <cfenv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ketpk/io.hpp"
#include "ketpk/ketpk.hpp"

namespace ketpk::bind {

namespace nb = nanobind;

/// Rounds to nearest and keeps subnormal numbers while it lives, whatever another library has set for this thread.
class DefaultFloatingPoint {
 public:
  DefaultFloatingPoint() {
    std::fegetenv(&before_);
    std::fesetenv(FE_DFL_ENV);
  }
  DefaultFloatingPoint(const DefaultFloatingPoint&) = delete;
  DefaultFloatingPoint& operator=(const DefaultFloatingPoint&) = delete;
  ~DefaultFloatingPoint() { std::fesetenv(&before_); }

 private:
  std::fenv_t before_;
};

/// A result, or the trouble that Python raises as `NumericalTrouble`.
struct TroubleRaised {
  Trouble trouble;
};

/// What was wrong, and in which row of a table.
struct BadRow {
  std::size_t row;
  InvalidInput error;
};

/// The trouble of one row of a table.
struct TroubledRow {
  std::size_t row;
  Trouble trouble;
};

/// How a session is to be read.
struct Reading {
  std::string folder;
  std::string today;  ///< 2026-11-21
  bool confined;
  const Limits* limits;
};

/// Throws E_PARSE(today) unless it is a day written like 2026-11-21.
[[nodiscard]] std::chrono::year_month_day day_from(std::string_view text);

[[nodiscard]] Request request_from(std::string_view session, const Reading& reading);

[[nodiscard]] Outcome answer(const Request& request, bool second_solver);

void bind_rows(nb::module_& m);

}  // namespace ketpk::bind
