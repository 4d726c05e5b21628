// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the tests build with Catch2 version 2 and version 3; this is the one place that knows which.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
