// SPDX-License-Identifier: Apache-2.0

// Why: what a caller waits for is not a solver but an answer: both solvers, their comparison, the continuous curve,
// every check of a limits file. Each case of the reference is asked as a whole request at its own instants;
// `limit_us` beside a figure is the limit for its kind. bench/run.py sums the cases up by kind.

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "golden.hpp"
#include "ketpk/io.hpp"
#include "ketpk/library.hpp"
#include "ketpk/simulate.hpp"

namespace {

using namespace ketpk;
using namespace std::chrono_literals;

constexpr std::chrono::year_month_day as_of = 2026y / 11 / 21;

Limits example_limits() {
  return io::read_limits(io::read_file(std::string(KETPK_SOURCE_DIR) + "/examples/limits.json"));
}

ModelCard card_of(const Parameters<double>& p) {
  const std::string source = "reference case";
  ModelCard card{
      .id = "custom",
      .label = "a reference case",
      .citation = source,
      .doi = "not-stated",
      .analytes = {Analyte::racemic_ketamine},
      .site = Site::venous,
      .parameters = {{"V1", {p.v1_L, unit::L}, 0, source}, {"CL", {p.cl_L_per_min, unit::L_per_min}, 0, source}}};
  const auto add = [&](std::vector<CardParameter>& to, const char* q, double flow, const char* v, double volume) {
    if (!(flow > 0)) return;
    to.push_back({q, {flow, unit::L_per_min}, 0, source});
    to.push_back({v, {volume, unit::L}, 0, source});
  };
  add(card.parameters, "Q2", p.q2_L_per_min, "V2", p.v2_L);
  add(card.parameters, "Q3", p.q3_L_per_min, "V3", p.v3_L);
  if (p.ke0_per_min) card.ke0 = CardParameter{"ke0", {*p.ke0_per_min, unit::per_min}, 0, source};
  for (const auto& m : p.metabolites) {
    CardMetabolite own{
        .name = "norketamine",
        .fraction = m.fraction,
        .parameters = {{"V1", {m.v1_L, unit::L}, 0, source}, {"CL", {m.cl_L_per_min, unit::L_per_min}, 0, source}},
        .source = source};
    add(own.parameters, "Q2", m.q2_L_per_min, "V2", m.v2_L);
    card.metabolites.push_back(std::move(own));
  }
  return card;
}

Request request_of(const testing::GoldenCase& c, const Limits& limits) {
  Request request{
      .patient = {.weight = {70, unit::kg}, .height = Stated<dim::length>(175, unit::cm), .age = Age(42, unit::yr)},
      .order = {.analyte = Analyte::racemic_ketamine,
                .form = Form::base,
                .initial_state = InitialState::drug_free,
                .inputs = {}},
      .model = card_of(c.parameters),
      .limits = limits,
      .as_of = as_of,
      .observe = {.at = c.times, .until = c.end}};
  for (const Dose& d : c.regimen.doses) {
    const StatedDose amount(d.amount_mg, unit::mg);
    if (d.is_bolus())
      request.order.inputs.emplace_back(Bolus{amount, d.at});
    else
      request.order.inputs.emplace_back(Infuse{amount, d.over, d.at});
  }
  if (c.expected.contains("above"))
    request.time_above.emplace_back(c.expected["above"]["threshold_ng_per_mL"].get<double>(), unit::ng_per_mL);
  return request;
}

/// The README's session: kamp2020, 0.5 mg/kg over 40 min, every minute for 4 h.
Request example_request(const Limits& limits) {
  return {.patient = {.weight = {70, unit::kg}, .height = Stated<dim::length>(175, unit::cm), .age = Age(42, unit::yr)},
          .order = {.analyte = Analyte::racemic_ketamine,
                    .form = Form::base,
                    .initial_state = InitialState::drug_free,
                    .inputs = {Infuse{StatedDose(0.5, unit::mg_per_kg), 40min}}},
          .model = library::find("kamp2020"),
          .limits = limits,
          .as_of = as_of,
          .observe = {.every = 1min, .until = 4h},
          .time_above = {Stated<dim::concentration>(100, unit::ng_per_mL)}};
}

double limit_us(const std::string& kind) {
  return kind == "protocol" || kind == "pulse" || kind == "pause" ? 400 : 5000;
}

void whole(benchmark::State& state, const Request& request, double limit) {
  state.counters["limit_us"] = limit;
  std::string second;
  for (auto _ : state) {
    const Outcome outcome = simulate(request);
    if (const auto* trouble = std::get_if<Trouble>(&outcome)) {
      state.SkipWithError((std::string(name_of(trouble->code)) + ' ' + trouble->where).c_str());
      break;
    }
    second = std::get<Result>(outcome).check.second_solver.value();
    benchmark::DoNotOptimize(outcome);
  }
  state.SetLabel(second);
}

}  // namespace

int main(int argc, char** argv) {
  const Limits limits = example_limits();
  benchmark::RegisterBenchmark("simulate/example/readme",
                               [request = example_request(limits)](benchmark::State& s) { whole(s, request, 400); });
  for (const auto& c : testing::golden_cases()) {
    const std::string kind = c.id.substr(0, c.id.find('-'));
    benchmark::RegisterBenchmark(("simulate/" + kind + '/' + c.id).c_str(), [request = request_of(c, limits),
                                                                             limit =
                                                                                 limit_us(kind)](benchmark::State& s) {
      whole(s, request, limit);
    })->Unit(benchmark::kMicrosecond);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return EXIT_FAILURE;
  benchmark::RunSpecifiedBenchmarks();
  return EXIT_SUCCESS;
}
