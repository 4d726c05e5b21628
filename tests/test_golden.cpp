// SPDX-License-Identifier: Apache-2.0
// The reference cases were solved in 45-digit arithmetic by a program that shares no code with this one.
#include <algorithm>
#include <cmath>
#include <string>

#include "catch.hpp"
#include "golden.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/second_opinion.hpp"
#include "ketpk/solve.hpp"

using namespace ketpk;
using namespace ketpk::testing;

namespace {

constexpr double ng_h_per_mL = 1000.0 / 60.0;

/// Worst difference from the reference over all curves of a case, by the reference's rule.
template <class T>
double worst_difference(const GoldenCase& c, const T& trajectory) {
  double worst = 0;
  const auto compare = [&](const char* key, auto value) {
    if (!c.expected.contains(key)) return;
    const auto& column = c.expected[key];
    double largest = 0;
    for (const auto& v : column) largest = std::max(largest, v.template get<double>());
    for (std::size_t i = 0; i < c.times.size(); ++i) {
      const double d = reference_difference(value(c.times[i]), column[i], largest);
      if (!(d <= worst)) worst = d;
    }
  };
  compare("plasma_ng_per_mL", [&](Micros t) { return trajectory.value(t, Curve::plasma()) * 1000; });
  compare("effect_site_ng_per_mL", [&](Micros t) { return trajectory.value(t, Curve::effect_site()) * 1000; });
  compare("metabolite_ng_per_mL", [&](Micros t) { return trajectory.value(t, Curve::metabolite(0)) * 1000; });
  compare("auc_to_time_ng_h_per_mL", [&](Micros t) { return trajectory.auc_mg_min_per_L(t) * ng_h_per_mL; });
  return worst;
}

/// The reference looks for a peak up to the end of its span; where that end itself is the highest point, or
/// where a higher peak comes later, the whole course is higher.
template <class T>
void check_peak(const GoldenCase& c, const T& trajectory, Curve curve, double cmax, double tmax) {
  INFO(c.id);
  const auto course = course_of(trajectory, curve);
  const Peak found = peak(course);
  const double end = minutes(c.end);
  if (found.min > end) {
    CHECK(found.ng_per_mL > cmax);
    const Micros there{static_cast<std::int64_t>(std::llround(tmax * micros_per_minute))};
    CHECK(trajectory.value(there, curve) * 1000 == Approx(cmax).epsilon(1e-9));
    return;
  }
  CHECK(found.ng_per_mL == Approx(cmax).epsilon(1e-9));
  // Of peaks that agree within 1e-9 the earliest is reported; the reference may name any of them.
  if (std::abs(found.min - tmax) > 1e-6) {
    CHECK(found.min < tmax);
    const Micros there{static_cast<std::int64_t>(std::llround(found.min * micros_per_minute))};
    CHECK(trajectory.value(there, curve) * 1000 == Approx(cmax).epsilon(1e-9));
  }
}

}  // namespace

TEST_CASE("there are 96 reference cases") { CHECK(golden_cases().size() == 96); }

TEST_CASE("the exact solver meets every reference value to 1e-12, a thousand times closer than due") {
  for (const GoldenCase& c : golden_cases()) {
    INFO(c.id);
    const auto trajectory = solve(c.parameters, schedule(c.regimen));
    CHECK(worst_difference(c, trajectory) < 1e-12);
    CHECK(trajectory.auc_to_infinity(Curve::plasma()) * ng_h_per_mL ==
          Approx(c.expected["auc_inf_ng_h_per_mL"].get<double>()).epsilon(1e-12));
  }
}

TEST_CASE("peaks and crossings meet the reference to 1e-6 min") {
  for (const GoldenCase& c : golden_cases()) {
    INFO(c.id);
    const auto trajectory = solve(c.parameters, schedule(c.regimen));
    check_peak(c, trajectory, Curve::plasma(), c.expected["cmax_ng_per_mL"], c.expected["tmax_min"]);
    if (c.expected.contains("effect_site_peak"))
      check_peak(c, trajectory, Curve::effect_site(), c.expected["effect_site_peak"]["ng_per_mL"],
                 c.expected["effect_site_peak"]["min"]);
    if (c.expected.contains("metabolite_peak"))
      check_peak(c, trajectory, Curve::metabolite(0), c.expected["metabolite_peak"]["ng_per_mL"],
                 c.expected["metabolite_peak"]["min"]);
    const auto& above = c.expected["above"];
    const TimeAbove found =
        time_above(course_of(trajectory, Curve::plasma()), above["threshold_ng_per_mL"].get<double>(), c.end);
    REQUIRE(found.first_min.has_value());
    CHECK(std::abs(found.minutes - above["minutes_until_end"].get<double>()) < 1e-6);
    CHECK(std::abs(*found.first_min - above["first_min"].get<double>()) < 1e-6);
  }
}

TEST_CASE("the second road for each case meets the reference to 1e-8") {
  int by_odeint = 0;
  for (const GoldenCase& c : golden_cases()) {
    INFO(c.id);
    Questions questions{.instants = c.times, .curves = {Curve::plasma()}};
    if (c.parameters.ke0_per_min) questions.curves.push_back(Curve::effect_site());
    if (!c.parameters.metabolites.empty()) questions.curves.push_back(Curve::metabolite(0));
    const auto attempt = second_opinion(c.parameters, schedule(c.regimen), questions);
    REQUIRE(std::holds_alternative<Answers>(attempt));
    const auto& answers = std::get<Answers>(attempt);
    by_odeint += answers.solver == "odeint" ? 1 : 0;
    CHECK(disagreement(ask(solve(c.parameters, schedule(c.regimen)), questions, "exact"), answers) < 1e-8);
  }
  CHECK(by_odeint >= 85);  // the stand-in is for the stiffest few
}
