// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what the two halves of the extension module share. Everything here is private to the package; what a user
// sees is Python, in python/src/ketpk.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cfenv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
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

/// Trouble on its way to Python, which raises it as `NumericalTrouble`.
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

/// What `act` gives, with the processor's floating point and the errors that every other door has: what the system
/// refuses is E_IO, and a failed check of the program on itself is trouble.
template <class Act>
auto steadily(Act act) {
  const DefaultFloatingPoint steady;
  try {
    return act();
  } catch (const InvalidInput&) {
    throw;
  } catch (const std::system_error&) {
    throw InvalidInput(Code::io, "files", "cannot be reached; accepted: paths that exist and may be read");
  } catch (const std::logic_error&) {
    throw TroubleRaised{{Code::internal_check, "ketpk", "a check of the program on itself failed; no result"}};
  }
}

/// One call of the core. While there is one the interpreter does not end; once it ends there is no new one.
class Running {
 public:
  /// Throws E_STATE(interpreter) once `no_more` was called.
  Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running();
  /// Whether the interpreter waits for calls to end.
  [[nodiscard]] static bool should_end();
  /// Refuses new calls and waits for those that run. The GIL must be held; others have it meanwhile.
  static void no_more();
  /// In a child process nobody runs that the parent was running.
  static void forked();
};

[[nodiscard]] io::SessionContext context_of(const Reading& reading);

[[nodiscard]] Request request_from(std::string_view session, const Reading& reading);

[[nodiscard]] Outcome answer(const Request& request, bool second_solver);

/// `Result` and what only Python asks of it. It never changes after it was made.
struct Answered {
  Result result;
  std::vector<double> time_min;

  explicit Answered(Result r) : result(std::move(r)) {
    time_min.reserve(result.profile.time.size());
    for (const Micros t : result.profile.time) time_min.push_back(minutes(t));
  }
};

/// The values as an array that Python owns and nobody can write to.
template <class T>
nb::ndarray<nb::numpy, const T, nb::ndim<1>> owned(std::vector<T>&& values) {
  auto kept = std::make_unique<std::vector<T>>(std::move(values));
  const nb::capsule owner(kept.get(), [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  const std::vector<T>& held = *kept.release();
  return nb::ndarray<nb::numpy, const T, nb::ndim<1>>(held.data(), {held.size()}, owner);
}

[[nodiscard]] inline std::string_view text_of(const nb::bytes& b) {
  return {static_cast<const char*>(b.data()), b.size()};
}

void bind_cohort(nb::module_& m);
void bind_evidence(nb::module_& m);
void bind_models(nb::module_& m);
void bind_predict(nb::module_& m);
void bind_rows(nb::module_& m);
void bind_several(nb::module_& m);

}  // namespace ketpk::bind
