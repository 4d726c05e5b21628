// SPDX-License-Identifier: Apache-2.0

// Why: a population is worth what its slowest part allows, and the last part that can be slow is memory. Profiles are
// held against a memset of the very same buffer in the same run, percentiles against a multiple of it, and both against
// NumPy's closed form (bench/numpy_cohort.py, the same workload). The workload is the literature's: 0.5 mg/kg over
// 40 min, three compartments (stanpumpR's Domino set), weight log-normal 75 kg, CV 20 %, clearance and V1 CV 30 %, 241
// values over four hours. The argument is the number of subjects; all on one thread. `growth_MB` is what the process
// has had at most beyond what it had before.

#include <benchmark/benchmark.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/kernels.hpp"
#include "ketpk/population.hpp"

namespace {

using namespace ketpk;
using namespace std::chrono_literals;

constexpr std::size_t samples = 241;

CardParameter parameter(const char* name, double value, AnyUnit unit) {
  return {.name = name,
          .value = StatedParameter(value, unit, name),
          .source = "StevenLShafer/stanpumpR R/drugs_ketamine.R at 03ef468, rate constants times V1"};
}

CohortRequest cohort(std::uint64_t subjects) {
  constexpr double v1 = 0.063, q2 = v1 * 0.592, q3 = v1 * 0.590;
  ModelCard card{
      .id = "bench",
      .label = "three compartments",
      .citation = "Domino 1984 as transcribed by stanpumpR",
      .doi = {},
      .analytes = {Analyte::racemic_ketamine},
      .parameters = {parameter("V1", v1, unit::L_per_kg), parameter("CL", v1 * 438, unit::mL_per_min_per_kg),
                     parameter("Q2", 1000 * q2, unit::mL_per_min_per_kg), parameter("V2", q2 / 0.247, unit::L_per_kg),
                     parameter("Q3", 1000 * q3, unit::mL_per_min_per_kg),
                     parameter("V3", q3 / 0.0146, unit::L_per_kg)}};
  const double v = std::log(1.09);
  return {.each = {.patient = {.weight = {75, unit::kg}},
                   .order = {.analyte = Analyte::racemic_ketamine,
                             .form = Form::base,
                             .initial_state = InitialState::drug_free,
                             .inputs = {Infuse{{0.5, unit::mg_per_kg}, 40min}}},
                   .model = std::move(card),
                   .observe = {.every = 1min, .at = {}, .until = 4h}},
          .population = DrawnPeople{.all = {{{"weight", Lognormal{75, std::sqrt(std::log(1.04))}, "benchmark"}}}},
          .seed = 1,
          .subjects = subjects,
          .between_subjects = Variability{{"CL", "V1"}, {v, 0, 0, v}, "benchmark"}};
}

/// Memory on a boundary of cache lines, every page of it touched; where the system has large pages, in those.
class Touched {
 public:
  explicit Touched(std::size_t n) : size_(n), memory_(static_cast<double*>(std::aligned_alloc(page, bytes(n)))) {
    if (!memory_) throw std::bad_alloc();
    std::memset(memory_.get(), 1, bytes(n));
  }
  [[nodiscard]] std::span<double> rows() const noexcept { return {memory_.get(), size_}; }

 private:
  static constexpr std::size_t page = std::size_t{1} << 21;
  static constexpr std::size_t bytes(std::size_t n) noexcept { return (n * sizeof(double) + page - 1) / page * page; }
  struct Free {
    void operator()(double* p) const noexcept { std::free(p); }
  };
  std::size_t size_;
  std::unique_ptr<double, Free> memory_;
};

/// A figure of this process in kB; 0 where the system has no such thing.
double own_kB(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + ':')) return std::strtod(line.c_str() + name.size() + 1, nullptr);
  return 0;
}

std::size_t subjects_of(const benchmark::State& state) { return static_cast<std::size_t>(state.range(0)); }

void memset_the_same(benchmark::State& state) {
  const Touched memory(subjects_of(state) * samples);
  int byte = 60;
  for (auto _ : state) {
    std::memset(memory.rows().data(), ++byte, memory.rows().size_bytes());
    benchmark::ClobberMemory();
  }
  state.counters["bytes_per_s"] = benchmark::Counter(static_cast<double>(memory.rows().size_bytes()),
                                                     benchmark::Counter::kIsIterationInvariantRate);
}

/// Parameters of everybody, block after block, and their doses.
struct Prepared {
  std::vector<std::array<OfBlock, 6>> parameters;
  std::vector<OfBlock> rates;
  OfBlock nothing{};
  std::vector<EvenRun> runs{{0, 0, 1, 0, 40}, {1, 0, 1, 40, 201}};

  explicit Prepared(std::size_t subjects) : parameters(blocks(subjects)), rates(blocks(subjects)) {
    CohortRequest asked = cohort(subjects);
    asked.each.observe = {.every = {}, .at = {40min}, .until = {}};
    asked.keeps_subjects = true;
    const auto found = std::get<Cohort>(simulate_cohort(asked));
    for (std::size_t i = 0; i < parameters.size() * block_size; ++i) {
      const SubjectRow& row = found.subjects[std::min(i, subjects - 1)];
      for (std::size_t k = 0; k < 6; ++k) parameters[i / block_size][k][i % block_size] = row.parameters[k];
      rates[i / block_size][i % block_size] = 0.5 * row.covariates[0] / 40;
    }
  }
  [[nodiscard]] static std::size_t blocks(std::size_t subjects) { return (subjects + block_size - 1) / block_size; }
};

void profiles_parameters_given(benchmark::State& state) {
  const std::size_t subjects = subjects_of(state);
  const Prepared given(subjects);
  const Touched memory(subjects * samples);
  const Kernels kernels = best_kernels();
  for (auto _ : state) {
    for (std::size_t k = 0; k < given.parameters.size(); ++k) {
      const auto& p = given.parameters[k];
      const std::array<BlockSegment, 2> segments{{{0min, 40min, given.nothing.data(), given.rates[k].data()},
                                                  {40min, 0min, given.nothing.data(), given.nothing.data()}}};
      kernels.exact({.subjects = std::min(block_size, subjects - k * block_size),
                     .v1_L = p[0].data(),
                     .cl_L_per_min = p[1].data(),
                     .q2_L_per_min = p[2].data(),
                     .v2_L = p[3].data(),
                     .q3_L_per_min = p[4].data(),
                     .v3_L = p[5].data(),
                     .segments = segments,
                     .runs = given.runs,
                     .instants = samples,
                     .rows_ng_per_mL = memory.rows().data() + k * block_size * samples});
    }
    benchmark::ClobberMemory();
  }
  // The same numbers as by the other road, or the comparison would be of different things.
  std::vector<double> due(block_size * samples);
  (void)write_profiles(cohort(block_size), due);
  for (std::size_t i = 0; i < due.size(); ++i)
    if (!(std::abs(memory.rows()[i] - due[i]) <= 1e-11 * due[i]))
      return state.SkipWithError("other profiles than those of write_profiles");
  state.SetLabel(std::string(name_of(kernels.set)));
}

void profiles_people_drawn(benchmark::State& state) {
  const std::size_t subjects = subjects_of(state);
  const CohortRequest asked = cohort(subjects);
  const Touched memory(subjects * samples);
  for (auto _ : state) {
    const auto written = write_profiles(asked, memory.rows());
    if (std::get<Profiles>(written).ok != subjects) return state.SkipWithError("subjects failed");
    benchmark::ClobberMemory();
  }
  state.SetLabel(std::string(name_of(best_kernels().set)));
}

void percentiles(benchmark::State& state) {
  const CohortRequest asked = cohort(static_cast<std::uint64_t>(state.range(0)));
#if defined(__GLIBC__)
  malloc_trim(0);  // what was given back before is not room for this
#endif
  const double before = own_kB("VmRSS");
  std::ofstream("/proc/self/clear_refs") << 5;  // the most it has had counts from here
  for (auto _ : state) {
    const auto found = std::get<Cohort>(simulate_cohort(asked));
    if (found.ok != asked.subjects) return state.SkipWithError("subjects failed");
    benchmark::DoNotOptimize(found.percentile_ng_per_mL.front().front());
  }
  state.counters["growth_MB"] = (own_kB("VmHWM") - before) / 1024;
  state.SetLabel(std::string(name_of(best_kernels().set)));
}

/// The typical subject of 75 kg, ng/mL at 40 and 240 min: what the peer must come to.
void typical(benchmark::State& state) {
  CohortRequest asked = cohort(1);
  asked.population = SamePatient{};
  asked.between_subjects = BetweenSubjects::none;
  std::vector<double> row(samples);
  for (auto _ : state) (void)write_profiles(asked, row);
  state.counters["at_40_ng_per_mL"] = row[40];
  state.counters["at_240_ng_per_mL"] = row[240];
}

BENCHMARK(typical);
// Ahead of what leaves large holes in the heap.
BENCHMARK(percentiles)->Arg(100'000)->Arg(1'000'000)->Arg(10'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(memset_the_same)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(profiles_parameters_given)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);
BENCHMARK(profiles_people_drawn)->Arg(100'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
