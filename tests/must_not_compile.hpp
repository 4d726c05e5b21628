// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: what every case of must_not_compile.cpp sees, compiled once. TOKEN(wrong, right) is the one token that
// stands between a slip and a program.

#include <string>
#include <type_traits>
#include <vector>

#include "ketpk/assess.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/quantity.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/time.hpp"
