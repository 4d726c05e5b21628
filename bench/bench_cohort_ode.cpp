// SPDX-License-Identifier: Apache-2.0

// Why: a population with saturable elimination is solved in lanes, and must not cost what as many single patients do.
// The workload is the literature's: 0.5 mg/kg over 40 min into two compartments (stanpumpR's Domino set) with
// Michaelis–Menten elimination, weight log-normal 75 kg, CV 20 %, clearance and V1 CV 30 %, 241 values over four hours.
// The peer is solve_ode asked for the same instants at the same tolerance, one subject after another. `times_faster`
// beside a figure is how many times faster than the peer it must be, `worst` the largest error relative to a tight
// reference where plasma is above 1e-3 mg/L. One instruction set per program: that of the build.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <variant>
#include <vector>

#include "ketpk/lanes.hpp"
#include "ketpk/model.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve_ode.hpp"
#include "ketpk/solve_ode_lanes.hpp"

namespace {

using namespace ketpk;
using namespace std::chrono_literals;

#if defined(__AVX512F__)
using Isa = isa::avx512;
#elif defined(__AVX2__)
using Isa = isa::avx2;
#else
using Isa = isa::baseline;
#endif

constexpr std::size_t samples = 241;
constexpr LaneOdeOptions options;

struct Saturable {
  double v1, vmax, km, q2, v2;
  [[nodiscard]] static constexpr std::size_t size() noexcept { return 2; }
  [[nodiscard]] bool has(Curve c) const noexcept { return c == Curve::plasma(); }
  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }
  void slopes(auto x, double input, auto dx) const noexcept {
    const auto c1 = x[0] / v1;
    dx[1] = q2 * (c1 - x[1] / v2);
    dx[0] = input - dx[1] - vmax * c1 / (km + c1);
  }
  [[nodiscard]] double value(std::span<const double> x, Curve) const noexcept { return x[0] / v1; }
};

/// `n` subjects, and where their answers go.
struct Cohort {
  std::vector<double> v1, cl, vmax, km, q2, v2, nothing, rate, instants, plasma, auc, cmax, tmax;
  std::vector<LaneStatus> status;
  std::vector<std::uint32_t> accepted, rejected;

  explicit Cohort(std::size_t n)
      : cl(n),
        km(n, 0.3),
        nothing(n),
        plasma(n * samples),
        auc(n),
        cmax(n),
        tmax(n),
        status(n),
        accepted(n),
        rejected(n) {
    std::mt19937_64 bits(1);
    const auto normal = [&] {  // the sum of twelve is near enough
      double sum = -6;
      for (int i = 0; i < 12; ++i) sum += static_cast<double>(bits() >> 11) * 0x1p-53;
      return sum;
    };
    const double cv20 = std::sqrt(std::log(1.04)), cv30 = std::sqrt(std::log(1.09));
    for (std::size_t i = 0; i < n; ++i) {
      const double kg = 75 * std::exp(cv20 * normal()), typical_v1 = 0.063 * kg;
      v1.push_back(typical_v1 * std::exp(cv30 * normal()));
      vmax.push_back(0.3 * 0.438 * typical_v1 * std::exp(cv30 * normal()));
      q2.push_back(0.592 * typical_v1);
      v2.push_back(q2.back() / 0.247);
      rate.push_back(0.5 * kg / 40);
    }
    for (int t = 0; t < 40; ++t) instants.push_back(t);
    for (int t = 0; t <= 200; ++t) instants.push_back(t);
  }

  template <std::size_t N, bool Summaries>
  void solve() {
    const LaneSegment segments[] = {{0, 40, nothing.data(), rate.data(), 0},
                                    {40, 200, nothing.data(), nothing.data(), 40}};
    const SaturableSubjects subjects{.count = v1.size(),
                                     .v1_L = v1.data(),
                                     .cl_L_per_min = cl.data(),
                                     .vmax_mg_per_min = vmax.data(),
                                     .km_mg_per_L = km.data(),
                                     .q2_L_per_min = q2.data(),
                                     .v2_L = v2.data()};
    const LaneAnswers answers{.plasma_mg_per_L = plasma.data(),
                              .row_stride = samples,
                              .status = status.data(),
                              .accepted_steps = accepted.data(),
                              .rejected_steps = rejected.data(),
                              .auc_mg_min_per_L = auc.data(),
                              .cmax_mg_per_L = cmax.data(),
                              .tmax_min = tmax.data()};
    solve_in_lanes<Lanes<N, Isa>, 2, Summaries>(subjects, {segments, 2, instants.data(), samples}, options, answers);
  }

  [[nodiscard]] std::vector<double> alone(std::size_t i, double rtol, double atol_per_dose) const {
    const Saturable model{v1[i], vmax[i], km[i], q2[i], v2[i]};
    OdeOptions o{.rtol = rtol, .atol_per_dose = atol_per_dose};
    for (int t = 0; t <= 240; ++t) o.only_at.push_back(t * Micros{1min});
    const auto attempt = solve_ode(model, {{0min, 40min, 0, rate[i]}, {40min, 0min, 0, 0}}, 240min, o);
    const auto& x = std::get<0>(attempt);
    std::vector<double> out;
    for (const Micros at : o.only_at) out.push_back(x.value(at, Curve::plasma()));
    return out;
  }

  [[nodiscard]] double worst(std::size_t of) const {
    double most = 0;
    for (std::size_t i = 0; i < std::min(of, v1.size()); ++i) {
      const auto expected = alone(i, 1e-13, 1e-20);
      for (std::size_t k = 0; k < samples; ++k)
        if (expected[k] > 1e-3) most = std::max(most, std::abs(plasma[i * samples + k] - expected[k]) / expected[k]);
    }
    return most;
  }
};

void one_by_one(benchmark::State& state) {
  const Cohort cohort(1000);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(cohort.alone(i, options.rtol, options.atol_per_dose));
    i = (i + 1) % 1000;
  }
  state.counters["subjects"] = 1;
  state.counters["per_second"] = benchmark::Counter(1, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(one_by_one)->Name("cohort_ode/one_by_one");

template <std::size_t N, bool Summaries>
void in_lanes(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  Cohort cohort(n);
  cohort.solve<N, Summaries>();  // the pages are there
  for (auto _ : state) {
    cohort.solve<N, Summaries>();
    benchmark::ClobberMemory();
  }
  for (const LaneStatus status : cohort.status)
    if (status != LaneStatus::ok) return state.SkipWithError("a subject that is not solved");
  const double worst = cohort.worst(200);
  if (!(worst < 1e-6)) return state.SkipWithError("not right to 1e-6");
  double steps = 0;
  for (std::size_t i = 0; i < n; ++i) steps += cohort.accepted[i] + cohort.rejected[i];
  state.counters["subjects"] = static_cast<double>(n);
  state.counters["per_second"] =
      benchmark::Counter(static_cast<double>(n), benchmark::Counter::kIsIterationInvariantRate);
  state.counters["steps"] = steps / static_cast<double>(n);
  state.counters["worst"] = worst;
  state.counters["times_faster"] = 5;
}
BENCHMARK(in_lanes<ode_lanes<Isa>, false>)
    ->Name("cohort_ode/lanes_default")
    ->Arg(1'000)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(in_lanes<Isa::native, false>)->Name("cohort_ode/lanes_native")->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(in_lanes<8, false>)->Name("cohort_ode/lanes_8")->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(in_lanes<16, false>)->Name("cohort_ode/lanes_16")->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(in_lanes<32, false>)->Name("cohort_ode/lanes_32")->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK(in_lanes<ode_lanes<Isa>, true>)
    ->Name("cohort_ode/lanes_and_summaries")
    ->Arg(10'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
