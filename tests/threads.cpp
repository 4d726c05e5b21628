// SPDX-License-Identifier: Apache-2.0

// Why: a race is not seen in what comes out but in how memory was touched, so this runs under ThreadSanitizer
// (./dev check), which makes it slow and everything else too: one small program, every road of a cohort, eight threads,
// stopped in every way that it can be. It says what went wrong, and ends with 1.

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/library.hpp"
#include "ketpk/population.hpp"

namespace {

using namespace ketpk;
using namespace std::chrono_literals;

CohortRequest cohort(ModelCard card, std::uint64_t subjects) {
  const double v = std::log(1.09);
  return {.each = {.patient = {.weight = {70, unit::kg}},
                   .order = {.analyte = Analyte::racemic_ketamine,
                             .form = Form::base,
                             .initial_state = InitialState::drug_free,
                             .inputs = {Bolus{{0.1, unit::mg_per_kg}}, Infuse{{0.5, unit::mg_per_kg}, 40min, 1min}}},
                   .model = std::move(card),
                   .observe = {.every = 20min, .at = {}, .until = 2h},
                   .time_above = {{100, unit::ng_per_mL}}},
          .population = DrawnPeople{.all = {{{"weight", Lognormal{75, 0.2}, "made up"}}}},
          .seed = 7,
          .subjects = subjects,
          .between_subjects = Variability{{"V1", "V2"}, {v, 0, 0, v}, "made up"},
          .keeps_subjects = true,
          .despite_failures = true};
}

/// One cohort for each road: in lanes, in lanes that step, and one by one; the first has subjects who fail.
std::vector<CohortRequest> cohorts() {
  CohortRequest exact = cohort(library::find("kamp2020"), 5000);
  exact.each.model.domain.weight_high_kg = 110;
  exact.uncertainty = ParameterUncertainty{{{"CL"}, {0.01}, "made up"}, 2};
  ModelCard card = library::find("kamp2020");
  card.parameters.push_back({.name = "Vmax", .value = {20, unit::mg_per_h, "Vmax"}, .source = "made up"});
  card.parameters.push_back({.name = "Km", .value = {0.3, unit::mg_per_L, "Km"}, .source = "made up"});
  CohortRequest paused = cohort(library::find("kamp2020"), 600);
  paused.each.order.events = {{1, 15min, Pause{}}, {1, 25min, Resume{}}};
  return {exact, cohort(std::move(card), 1500), paused};
}

std::vector<double> numbers(const Cohort& c) {
  std::vector<double> out = c.mean_ng_per_mL;
  out.push_back(static_cast<double>(c.failed.size()));
  for (const SubjectRow& row : c.subjects) out.insert(out.end(), row.summaries.begin(), row.summaries.end());
  for (const Replicate& r : c.replicates) out.insert(out.end(), r.summaries_median.begin(), r.summaries_median.end());
  return out;
}
bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

int failures = 0;
void expect(bool holds, const std::string& road, const char* what) {
  if (holds) return;
  std::printf("%s: %s\n", road.c_str(), what);
  ++failures;
}

struct Enough {};

void try_cohort(const CohortRequest& asked) {
  const Cohort alone = std::get<Cohort>(simulate_cohort(asked));
  std::vector<double> rows(asked.subjects * alone.time.size()), again(rows.size());
  (void)write_profiles(asked, rows);
  for (const unsigned threads : {2U, 8U}) {
    std::uint64_t told = 0;
    const CohortRun run{.threads = threads, .on_progress = [&](std::uint64_t done, std::uint64_t) {
                          told = done;
                          return true;
                        }};
    expect(same_bits(numbers(std::get<Cohort>(simulate_cohort(asked, run))), numbers(alone)), alone.road,
           "other numbers with more threads");
    (void)write_profiles(asked, again, run);
    expect(same_bits(rows, again), alone.road, "other profiles with more threads");
  }
  CohortRequest endless = asked;
  endless.subjects = 50'000'000;
  endless.keeps_subjects = false;
  endless.uncertainty.reset();
  const auto stopped = simulate_cohort(endless, {.threads = 8, .on_progress = [](auto, auto) { return false; }});
  expect(std::holds_alternative<Stopped>(stopped), alone.road, "was not stopped");
  bool is_thrown = false;
  try {
    (void)simulate_cohort(endless, {.threads = 8, .on_progress = [](auto, auto) -> bool { throw Enough{}; }});
  } catch (const Enough&) {
    is_thrown = true;
  }
  expect(is_thrown, alone.road, "what the caller threw was lost");
  std::printf("%s: %llu subjects, %zu failed\n", alone.road.c_str(), static_cast<unsigned long long>(alone.in),
              alone.failed.size());
}

}  // namespace

int main() {
  for (const CohortRequest& asked : cohorts()) try_cohort(asked);
  return failures == 0 ? 0 : 1;
}
