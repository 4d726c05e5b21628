// SPDX-License-Identifier: Apache-2.0

// Why: what cohorts of the Python package are compared with, bit for bit and second for second: the same document, read
// from standard input, answered in C++. `core_cohort profiles|bands TURNS THREADS` prints the least seconds of
// the turns, and a hash of what came out (FNV-1a, 64 bit, of the profiles' bytes or of the JSON). Profiles go into one
// buffer that every turn writes again, as they do in Python.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#ifdef __linux__
#include <sys/mman.h>
#endif

#include "ketpk/io.hpp"
#include "ketpk/ketpk.hpp"
#include "ketpk/population.hpp"
#include "ketpk/report_cohort.hpp"

namespace {

std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace ketpk;
  if (argc != 4) return 2;
  const std::string_view what = argv[1];
  const int turns = std::atoi(argv[2]);
  const CohortRun run{.threads = static_cast<unsigned>(std::atoi(argv[3]))};
  const std::string document{std::istreambuf_iterator<char>(std::cin), {}};
  const CohortRequest request = io::read_cohort(document, {});
  const std::size_t instants = detail::observed_instants(request.each.observe).size();
  const std::size_t bytes = what == "profiles" ? request.subjects * instants * sizeof(double) : 0;
  // Memory as the package makes it.
  constexpr std::size_t page = std::size_t{2} << 20;
  const std::unique_ptr<double, void (*)(void*)> memory(
      static_cast<double*>(std::aligned_alloc(page, (bytes + page) / page * page)), std::free);
#ifdef MADV_HUGEPAGE
  (void)::madvise(memory.get(), (bytes + page) / page * page, MADV_HUGEPAGE);
#endif
  const std::span<double> rows(memory.get(), bytes / sizeof(double));
  std::fill(rows.begin(), rows.end(), 0.0);
  double least = std::numeric_limits<double>::infinity();
  std::string text;
  for (int turn = 0; turn < turns; ++turn) {
    const auto start = std::chrono::steady_clock::now();
    if (what == "profiles") {
      (void)std::get<Profiles>(write_profiles(request, rows, run));
    } else {
      const Cohort cohort = std::get<Cohort>(simulate_cohort(request, run));
      text = to_json(cohort, version);
    }
    least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  const std::string_view out =
      what == "profiles" ? std::string_view(reinterpret_cast<const char*>(rows.data()), bytes) : std::string_view(text);
  std::printf("%.9f %016llx\n", least, static_cast<unsigned long long>(hash_of(out)));
}
