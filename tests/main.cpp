// SPDX-License-Identifier: Apache-2.0

// Why: Catch2's own main, compiled once for all test programs, with version 2 and with version 3.

#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
int main(int argc, char* argv[]) { return Catch::Session().run(argc, argv); }
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
