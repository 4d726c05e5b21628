// SPDX-License-Identifier: Apache-2.0

// Why: what the tables of the Python package are compared with, bit for bit and second for second: the same calls in
// a C++ loop, one per line of standard input. `core_rows LIMITS.json [--alone]`, with --alone without second solver.
// A line is `model weight_kg age_yr bolus_mg dose_mg_per_kg duration_min`; an answer is a line of hexadecimal
// doubles and words. The seconds of the loop alone go to standard error.

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "ketpk/io.hpp"
#include "ketpk/ketpk.hpp"

namespace {

using namespace ketpk;
using namespace ketpk::literals;

struct Row {
  std::string model;
  double weight_kg, age_yr, bolus_mg, dose_mg_per_kg, duration_min;
};

struct Kept {
  Exposure summary;
  TimeAbove above;
  VerdictKind verdict;
  std::string flags;
};

std::vector<Row> rows_of(std::istream& in) {
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    Row row{};
    words >> row.model;
    for (double* x : {&row.weight_kg, &row.age_yr, &row.bolus_mg, &row.dose_mg_per_kg, &row.duration_min}) {
      std::string text;
      words >> text;
      *x = parse_number(text, "row");
    }
    rows.push_back(row);
  }
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  const bool alone = argc > 2 && std::string(argv[2]) == "--alone";
  const Limits limits = io::read_limits(io::read_file(argv[1]));
  const std::vector<Row> rows = rows_of(std::cin);
  std::map<std::string, Request> requests;
  for (const Row& row : rows) {
    if (requests.contains(row.model)) continue;
    Request request{.patient = {.weight = 70_kg},
                    .order = {.analyte = Analyte::racemic_ketamine,
                              .form = Form::base,
                              .initial_state = InitialState::drug_free,
                              .inputs = {Bolus{1_mg}, Infuse{1_mg_per_kg, std::chrono::minutes{1}}}},
                    .model = library::find(row.model),
                    .limits = limits,
                    .as_of = limits.effective,
                    .allowances = {.extrapolate = true, .assume_enantiomers_alike = true},
                    .time_above = {100_ng_per_mL}};
    requests.emplace(row.model, std::move(request));
  }

  std::vector<Kept> kept;
  kept.reserve(rows.size());
  const auto begin = std::chrono::steady_clock::now();
  for (const Row& row : rows) {
    Request& request = requests.at(row.model);
    request.patient.weight = BodyMass(row.weight_kg, unit::kg);
    request.patient.age = Age(row.age_yr, unit::yr);
    request.order.inputs = {Bolus{DrugMass(row.bolus_mg, unit::mg)},
                            Infuse{Quantity(row.dose_mg_per_kg, unit::mg_per_kg),
                                   micros_of({row.duration_min, unit::min}, "duration_min")}};
    const Outcome outcome = alone ? simulate(request, NoSecondSolver{}) : simulate(request);
    const Result& r = std::get<Result>(outcome);
    std::string flags;
    for (const Flag& f : r.assessment.flags) flags += (flags.empty() ? "" : ";") + f.code;
    kept.push_back({r.summary, r.time_above[0], r.assessment.verdict.kind, std::move(flags)});
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  std::fprintf(stderr, "%.6f\n", spent.count());

  for (const Kept& k : kept) {
    std::printf("%a %a %a %a %a %a %a %d %s\n", k.summary.plasma.ng_per_mL, k.summary.plasma.min,
                k.summary.auc_inf_ng_h_per_mL, k.summary.delivered_mg, k.summary.terminal_half_life_min,
                k.above.minutes, k.above.first_min.value_or(-1), static_cast<int>(k.verdict), k.flags.c_str());
  }
  return EXIT_SUCCESS;
}
