// SPDX-License-Identifier: Apache-2.0

// Why: a million subjects at 241 instants are 241 million values, each of which is counted once. The tally stands
// beside Boost.Histogram with the same number of bins on a logarithmic axis (which keeps no sum and no ends), and
// beside the least that anybody could do with the values: to add them up.

#include <benchmark/benchmark.h>

#include <boost/histogram.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "ketpk/tally.hpp"

namespace {

using namespace ketpk;

constexpr std::size_t in_block = 256, blocks = 8;

/// Concentrations [ng/mL] as a population's are: log-normal with a CV of 30 %. One block of subjects after the other,
/// of each the instants one after the other.
std::vector<double> values_of(std::size_t instants, double centre) {
  std::mt19937_64 engine(1);
  std::normal_distribution<double> normal(std::log(centre), std::sqrt(std::log(1.09)));
  std::vector<double> out(in_block * instants * blocks);
  for (double& x : out) x = std::exp(normal(engine));
  return out;
}

/// `fill(instant, values)` for each block in turn. Arguments: instants, centre.
template <class Fill>
void fill_blocks(benchmark::State& state, Fill fill) {
  const auto instants = static_cast<std::size_t>(state.range(0));
  const std::vector<double> values = values_of(instants, static_cast<double>(state.range(1)));
  for (auto _ : state) {
    for (std::size_t k = 0; k < instants * blocks; ++k)
      fill(k % instants, std::span<const double>(values).subspan(k * in_block, in_block));
  }
  const auto n = static_cast<double>(values.size()) * static_cast<double>(state.iterations());
  state.counters["per_value"] = benchmark::Counter(n, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void tally(benchmark::State& state) {
  std::vector<Tally> tallies(static_cast<std::size_t>(state.range(0)), Tally::of_many());
  fill_blocks(state, [&](std::size_t i, std::span<const double> values) { tallies[i].add(values); });
  std::size_t memory = 0;
  for (const Tally& t : tallies) memory += t.memory();
  state.counters["bytes"] = static_cast<double>(memory);
}
BENCHMARK(tally)->ArgsProduct({{1, 241}, {150, 5000}});

void boost_histogram(benchmark::State& state) {
  namespace bh = boost::histogram;
  const auto one =
      bh::make_histogram_with(bh::dense_storage<std::uint64_t>(),
                              bh::axis::regular<double, bh::axis::transform::log>(80 * 256, 0x1p-40, 0x1p40));
  std::vector<std::decay_t<decltype(one)>> histograms(static_cast<std::size_t>(state.range(0)), one);
  fill_blocks(state, [&](std::size_t i, std::span<const double> values) { histograms[i].fill(values); });
}
BENCHMARK(boost_histogram)->ArgsProduct({{1, 241}, {150}});

void plain_sum(benchmark::State& state) {
  fill_blocks(state, [](std::size_t, std::span<const double> values) {
    double sum = 0;
    for (const double x : values) sum += x;
    benchmark::DoNotOptimize(sum);
  });
}
BENCHMARK(plain_sum)->ArgsProduct({{1, 241}, {150}});

/// One at a time, as where a block has a zero in it.
void tally_singly(benchmark::State& state) {
  std::vector<Tally> tallies(static_cast<std::size_t>(state.range(0)), Tally::of_many());
  fill_blocks(state, [&](std::size_t i, std::span<const double> values) {
    for (const double x : values) tallies[i].add(x);
  });
}
BENCHMARK(tally_singly)->ArgsProduct({{1}, {150}});

/// Seven percentiles of a million values.
void seven_percentiles(benchmark::State& state) {
  Tally t;
  for (int i = 0; i < 500; ++i) t.add(values_of(1, 150));
  const std::vector<double> of{2.5, 5, 25, 50, 75, 95, 97.5};
  for (auto _ : state) benchmark::DoNotOptimize(percentiles(t, of));
}
BENCHMARK(seven_percentiles)->Unit(benchmark::kMicrosecond);

}  // namespace
