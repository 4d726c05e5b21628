// SPDX-License-Identifier: Apache-2.0

// Why: a grid of ten thousand what-ifs is only useful if nobody waits for it. The sweep stands beside the loop that
// somebody would write without it: one request after the other, each made anew, by the same call and by the one that
// asks two solvers. All give the same numbers; the sum of the peaks is compared.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/io.hpp"
#include "ketpk/library.hpp"
#include "ketpk/report_sweep.hpp"
#include "ketpk/simulate.hpp"
#include "ketpk/sweep.hpp"

namespace {

using namespace ketpk;
using namespace std::chrono_literals;

constexpr std::size_t along = 100;

Request protocol() {
  return {.patient = {.weight = {70, unit::kg}, .age = Age(42, unit::yr)},
          .order = {.analyte = Analyte::racemic_ketamine,
                    .form = Form::base,
                    .initial_state = InitialState::drug_free,
                    .inputs = {Infuse{StatedDose(0.5, unit::mg_per_kg), 40min}}},
          .model = library::find("kamp2020"),
          .limits = io::read_limits(io::read_file(std::string(KETPK_SOURCE_DIR) + "/examples/limits.json")),
          .as_of = 2026y / 11 / 21,
          .time_above = {Stated<dim::concentration>(100, unit::ng_per_mL)}};
}

std::vector<double> doses() { return evenly(0.1, 1, along); }
std::vector<double> weights() { return evenly(45, 130, along); }

double sum_of_peaks(const Sweep& s) {
  double sum = 0;
  for (const double x : s.answers.columns[0]) sum += x;
  return sum;
}

SweepRequest grid() {
  return {protocol(),
          {NumberAxis{{Varied::dose}, unit::mg_per_kg, doses()}, NumberAxis{{Varied::weight}, unit::kg, weights()}}};
}

void sweep_10000_points(benchmark::State& state) {
  const SweepRequest request = grid();
  for (auto _ : state) {
    const Sweep s = sweep(request);
    benchmark::DoNotOptimize(s.answers.columns[0].data());
  }
  state.counters["limit_us"] = 1e6;
}
BENCHMARK(sweep_10000_points)->Unit(benchmark::kMillisecond);

void sweep_10000_points_to_csv(benchmark::State& state) {
  const SweepRequest request = grid();
  for (auto _ : state) {
    const std::string csv = to_csv(sweep(request));
    benchmark::DoNotOptimize(csv.data());
  }
  state.counters["limit_us"] = 1e6;
}
BENCHMARK(sweep_10000_points_to_csv)->Unit(benchmark::kMillisecond);

/// The same points as single calls.
template <class Second>
void loop(benchmark::State& state, Second second) {
  const double due = sum_of_peaks(sweep(grid()));
  const Request base = protocol();
  for (auto _ : state) {
    double sum = 0;
    for (const double mg_per_kg : doses())
      for (const double kg : weights()) {
        Request one = base;
        one.patient.weight = Stated<dim::body>(kg, unit::kg);
        one.order.inputs = {Infuse{StatedDose(mg_per_kg, unit::mg_per_kg), 40min}};
        sum += std::get<Result>(simulate(one, second)).summary.plasma.ng_per_mL;
      }
    if (sum != due) state.SkipWithError("the loop and the sweep give other peaks");
  }
}
void loop_of_10000_calls_that_ask_once(benchmark::State& state) { loop(state, NoSecondSolver{}); }
BENCHMARK(loop_of_10000_calls_that_ask_once)->Unit(benchmark::kMillisecond);
void loop_of_10000_calls_that_ask_twice(benchmark::State& state) { loop(state, second_opinion); }
BENCHMARK(loop_of_10000_calls_that_ask_twice)->Unit(benchmark::kMillisecond);

}  // namespace
