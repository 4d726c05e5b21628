// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: the reference cases of tests/golden, read into the library's own nouns, and the rule by which they compare.

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "ketpk/parameters.hpp"
#include "ketpk/regimen.hpp"
#include "ketpk/time.hpp"
#include "random_cases.hpp"

namespace ketpk::testing {

struct GoldenCase {
  std::string id;
  Parameters<double> parameters;
  Regimen regimen;
  std::vector<Micros> times;
  Micros end;
  nlohmann::json expected;
};

[[nodiscard]] inline std::vector<GoldenCase> golden_cases() {
  std::ifstream file(KETPK_SOURCE_DIR "/tests/golden/exact.jsonl");
  if (!file) throw std::runtime_error("tests/golden/exact.jsonl cannot be read");
  const auto number = [](const nlohmann::json& from, const char* key, double absent) {
    return from.contains(key) ? from.at(key).get<double>() : absent;
  };
  std::vector<GoldenCase> cases;
  for (std::string line; std::getline(file, line);) {
    const auto j = nlohmann::json::parse(line);
    const auto& m = j.at("model");
    Parameters<double> p{.v1_L = m.at("V1_L"),
                         .cl_L_per_min = m.at("CL_L_per_h").get<double>() / 60,
                         .q2_L_per_min = number(m, "Q2_L_per_h", 0) / 60,
                         .v2_L = number(m, "V2_L", 1),
                         .q3_L_per_min = number(m, "Q3_L_per_h", 0) / 60,
                         .v3_L = number(m, "V3_L", 1)};
    if (m.contains("ke0_per_min")) p.ke0_per_min = m.at("ke0_per_min").get<double>();
    if (m.contains("metabolite")) {
      const auto& n = m.at("metabolite");
      p.metabolites.push_back({.fraction = n.at("fraction"),
                               .v1_L = n.at("V1_L"),
                               .cl_L_per_min = n.at("CL_L_per_h").get<double>() / 60,
                               .q2_L_per_min = number(n, "Q2_L_per_h", 0) / 60,
                               .v2_L = number(n, "V2_L", 1)});
    }
    std::vector<Dose> doses;
    for (const auto& e : j.at("events")) {
      const Micros at{e.at("start_us").get<std::int64_t>()}, over{e.at("duration_us").get<std::int64_t>()};
      const double mg = e.at("amount_mg");
      doses.push_back(over.count() > 0 ? infusion(at, over, mg) : bolus(at, mg));
    }
    std::vector<Micros> times;
    for (const auto& t : j.at("times_us")) times.emplace_back(t.get<std::int64_t>());
    cases.push_back({j.at("id"), std::move(p), regimen_of(std::move(doses)), std::move(times),
                     Micros{j.at("end_us").get<std::int64_t>()}, j.at("expected")});
  }
  return cases;
}

/// Relative above 1e-6 of the curve's largest value, and relative to that bound below it.
[[nodiscard]] inline double reference_difference(double found, double expected, double largest) {
  return std::abs(found - expected) / std::max(std::abs(expected), 1e-6 * largest);
}

}  // namespace ketpk::testing
