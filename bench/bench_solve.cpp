// SPDX-License-Identifier: Apache-2.0

// Why: the exact solution is worth having only if nobody ever has a reason to avoid it. One patient's curve is held
// against what a researcher would write by hand (bench/scipy_baseline.py, the same problem) and against two limits.
// The rest says where the time goes. `limit_us` beside a figure is the limit it is held against.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <variant>
#include <vector>

#include "ketpk/exposure.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/library.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve.hpp"
#include "ketpk/solve_expm.hpp"
#include "ketpk/solve_ode.hpp"

namespace {

using namespace ketpk;
using namespace std::chrono_literals;

constexpr std::size_t samples = 241;
constexpr Micros horizon = 240min;

Parameters<double> parameters_of(const char* model) {
  return individual(library::find(model), Patient{.weight = {70, unit::kg}});
}

/// kamp2020 at 70 kg; with an effect site, its constant only stands for some number.
Parameters<double> three_compartments(bool with_effect_site = false) {
  Parameters<double> p = parameters_of("kamp2020");
  if (with_effect_site) p.ke0_per_min = 0.2;
  return p;
}

/// 35 mg over 40 min.
std::vector<Segment> protocol() {
  return schedule({.doses = {{0min, 40min, 35, 35.0 / 40}}, .dosing_weight = {70, unit::kg}});
}

/// 241 instants of any spacing over 4 h, in order.
std::vector<Micros> arbitrary_instants() {
  std::mt19937_64 bits(20261);
  std::vector<Micros> out;
  for (std::size_t i = 0; i < samples; ++i)
    out.emplace_back(static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(horizon.count())));
  std::sort(out.begin(), out.end());
  return out;
}

void limit(benchmark::State& state, double us) { state.counters["limit_us"] = us; }

void solve_and_sample_grid(benchmark::State& state) {
  limit(state, 1.5);
  const auto p = three_compartments();
  const auto segments = protocol();
  std::vector<double> out(samples);
  for (auto _ : state) {
    solve(p, segments).plasma_on_grid(0min, 1min, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(solve_and_sample_grid);

void solve_and_sample_instants(benchmark::State& state) {
  limit(state, 6);
  const auto p = three_compartments();
  const auto segments = protocol();
  const auto times = arbitrary_instants();
  std::vector<double> out(samples);
  for (auto _ : state) {
    solve(p, segments).plasma_at(times, out);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(solve_and_sample_instants);

void part_modes(benchmark::State& state) {
  auto p = three_compartments();
  for (auto _ : state) {
    benchmark::DoNotOptimize(p);
    benchmark::DoNotOptimize(modes(p));
  }
}
BENCHMARK(part_modes);

void part_solve(benchmark::State& state) {
  const auto p = three_compartments();
  const auto segments = protocol();
  for (auto _ : state) benchmark::DoNotOptimize(solve(p, segments));
}
BENCHMARK(part_solve);

void part_grid(benchmark::State& state) {
  const auto exact = solve(three_compartments(), protocol());
  std::vector<double> out(samples);
  for (auto _ : state) {
    exact.plasma_on_grid(0min, 1min, out);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(part_grid);

void part_instants(benchmark::State& state) {
  const auto exact = solve(three_compartments(), protocol());
  const auto times = arbitrary_instants();
  std::vector<double> out(samples);
  for (auto _ : state) {
    exact.plasma_at(times, out);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(part_instants);

void column(benchmark::State& state, const Parameters<double>& p, Curve curve) {
  const auto exact = solve(p, protocol());
  const auto times = arbitrary_instants();
  std::vector<double> out(samples);
  for (auto _ : state) {
    for (std::size_t i = 0; i < samples; ++i) out[i] = exact.value(times[i], curve);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK_CAPTURE(column, plasma, three_compartments(), Curve::plasma());
BENCHMARK_CAPTURE(column, effect_site, three_compartments(true), Curve::effect_site());
BENCHMARK_CAPTURE(column, metabolite, parameters_of("otto2021"), Curve::metabolite(0));

void column_area(benchmark::State& state) {
  const auto exact = solve(three_compartments(), protocol());
  const auto times = arbitrary_instants();
  std::vector<double> out(samples);
  for (auto _ : state) {
    for (std::size_t i = 0; i < samples; ++i) out[i] = exact.auc_mg_min_per_L(times[i]);
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(column_area);

void exposures(benchmark::State& state, const Parameters<double>& p) {
  const auto exact = solve(p, protocol());
  for (auto _ : state) {
    const auto courses = courses_of(exact);
    benchmark::DoNotOptimize(exposure(exact, courses));
  }
}
BENCHMARK_CAPTURE(exposures, plasma, three_compartments());
BENCHMARK_CAPTURE(exposures, effect_site, three_compartments(true));
BENCHMARK_CAPTURE(exposures, metabolite, parameters_of("otto2021"));

void minutes_above(benchmark::State& state) {
  const auto exact = solve(three_compartments(), protocol());
  const auto courses = courses_of(exact);
  for (auto _ : state) benchmark::DoNotOptimize(time_above(courses.front(), 100));
}
BENCHMARK(minutes_above);

void second_solver_odeint(benchmark::State& state) {
  const Mammillary model(three_compartments());
  const auto segments = protocol();
  OdeWork work;
  for (auto _ : state) {
    const auto attempt = solve_ode(model, segments, horizon);
    work = std::get<0>(attempt).work();
    benchmark::DoNotOptimize(work);
  }
  state.counters["steps"] = static_cast<double>(work.accepted_steps + work.rejected_steps);
  state.counters["rhs"] = static_cast<double>(work.rhs_evaluations);
}
BENCHMARK(second_solver_odeint);

void second_solver_expm(benchmark::State& state) {
  const auto p = three_compartments();
  const auto segments = protocol();
  for (auto _ : state) benchmark::DoNotOptimize(solve_expm(p, segments, horizon));
}
BENCHMARK(second_solver_expm);

}  // namespace
