// SPDX-License-Identifier: Apache-2.0

// Why: text and orders are the doors of every request; they should cost nothing beside its solution (a microsecond,
// bench/bench_solve.cpp).

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ketpk/quantity.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/schedule.hpp"

namespace {

using namespace ketpk;
using namespace std::chrono_literals;

void read_dose(benchmark::State& state) {
  std::string_view text = "0.5 mg/kg";
  for (auto _ : state) {
    benchmark::DoNotOptimize(text);
    benchmark::DoNotOptimize(parse_stated<StatedDose>(text, "order[0].infuse"));
  }
}
BENCHMARK(read_dose);

void read_time(benchmark::State& state) {
  std::string_view text = "40 min";
  for (auto _ : state) {
    benchmark::DoNotOptimize(text);
    benchmark::DoNotOptimize(parse_time(text, "order[0].over"));
  }
}
BENCHMARK(read_time);

void write_number(benchmark::State& state) {
  double x = 252.65432101234567;
  for (auto _ : state) {
    benchmark::DoNotOptimize(x);
    benchmark::DoNotOptimize(to_text(x));
  }
}
BENCHMARK(write_number);

/// An infusion that is paused and a bolus after each piece, `inputs` in all.
Order order_of(std::int64_t inputs) {
  Order order{
      .analyte = Analyte::racemic_ketamine, .form = Form::base, .initial_state = InitialState::drug_free, .inputs = {}};
  for (std::int64_t i = 0; i < inputs; ++i) {
    const Micros at = i * 10min;
    if (i % 2 == 0)
      order.inputs.emplace_back(Infuse{StatedDose(0.1, unit::mg_per_kg), 15min, at});
    else
      order.inputs.emplace_back(Bolus{StatedDose(5, unit::mg), at});
  }
  return order;
}

void resolve_and_schedule(benchmark::State& state) {
  const Order order = order_of(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(schedule(resolve(order, BodyMass(70, unit::kg))));
}
BENCHMARK(resolve_and_schedule)->Arg(1)->Arg(10)->Arg(1000);

}  // namespace
