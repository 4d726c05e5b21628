// SPDX-License-Identifier: Apache-2.0
// Prints the accuracy table of the README, measured now. Every figure is the worst of its kind, rounded up to one
// digit.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>

#include "golden.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/second_opinion.hpp"
#include "ketpk/solve.hpp"

using namespace ketpk;
using namespace ketpk::testing;

namespace {

struct Worst {
  double exact = 0, second = 0;
};

/// 7.1e-15 becomes "8e-15": a bound, in one digit.
std::string bound(double x) {
  if (!(x > 0)) return "0";
  const double power = std::floor(std::log10(x));
  double digit = std::ceil(x / std::pow(10.0, power));
  double exponent = power;
  if (digit > 9) digit = 1, exponent += 1;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.0fe%.0f", digit, exponent);
  return text.data();
}

void raise(double& worst, double x) {
  if (!(x <= worst)) worst = x;
}

}  // namespace

int main() {
  constexpr double ng_h_per_mL = 1000.0 / 60.0;
  const std::array<const char*, 4> keys{"plasma_ng_per_mL", "effect_site_ng_per_mL", "metabolite_ng_per_mL",
                                        "auc_to_time_ng_h_per_mL"};
  const std::array<const char*, 4> names{"plasma", "effect site", "metabolite", "area under plasma to each instant"};
  std::array<Worst, 4> worst{};
  double cmax = 0, tmax_min = 0, crossing_min = 0;
  std::size_t values = 0, by_odeint = 0;
  const auto cases = golden_cases();
  for (const GoldenCase& c : cases) {
    const auto exact = solve(c.parameters, schedule(c.regimen));
    Questions questions{.instants = c.times, .curves = {Curve::plasma()}};
    if (c.parameters.ke0_per_min) questions.curves.push_back(Curve::effect_site());
    if (!c.parameters.metabolites.empty()) questions.curves.push_back(Curve::metabolite(0));
    const auto attempt = second_opinion(c.parameters, exact.segments(), questions);
    if (!std::holds_alternative<Answers>(attempt)) return 1;
    const Answers& second = std::get<Answers>(attempt);
    by_odeint += second.solver == "odeint" ? 1U : 0U;
    for (std::size_t k = 0; k < keys.size(); ++k) {
      if (!c.expected.contains(keys[k])) continue;
      const auto& column = c.expected[keys[k]];
      const Curve curve = k == 1 ? Curve::effect_site() : k == 2 ? Curve::metabolite(0) : Curve::plasma();
      const auto place = static_cast<std::size_t>(std::find(questions.curves.begin(), questions.curves.end(), curve) -
                                                  questions.curves.begin());
      double largest = 0;
      for (const auto& v : column) largest = std::max(largest, v.get<double>());
      for (std::size_t i = 0; i < c.times.size(); ++i) {
        const double a =
            k == 3 ? exact.auc_mg_min_per_L(c.times[i]) * ng_h_per_mL : exact.value(c.times[i], curve) * 1000;
        const double b = k == 3 ? second.areas[i] * ng_h_per_mL : second.values[place][i] * 1000;
        raise(worst[k].exact, reference_difference(a, column[i], largest));
        raise(worst[k].second, reference_difference(b, column[i], largest));
        ++values;
      }
    }
    const auto course = course_of(exact, Curve::plasma());
    const Peak p = peak(course);
    raise(cmax, std::abs(p.ng_per_mL / c.expected["cmax_ng_per_mL"].get<double>() - 1));
    // Where several peaks are equal to 1e-9 the earliest is reported and the reference may name a later one.
    const double off = std::abs(p.min - c.expected["tmax_min"].get<double>());
    if (off < 1) raise(tmax_min, off);
    const auto& above = c.expected["above"];
    const TimeAbove found = time_above(course, above["threshold_ng_per_mL"].get<double>(), c.end);
    raise(crossing_min, std::abs(found.minutes - above["minutes_until_end"].get<double>()));
    raise(crossing_min, std::abs(found.first_min.value_or(-1e9) - above["first_min"].get<double>()));
  }
  std::printf("| %zu reference cases, %zu values | exact solver | second solver | due |\n|---|---|---|---|\n",
              cases.size(), values);
  for (std::size_t k = 0; k < keys.size(); ++k)
    std::printf("| %s, relative | %s | %s | 1e-9, 1e-8 |\n", names[k], bound(worst[k].exact).c_str(),
                bound(worst[k].second).c_str());
  std::printf("| peak, relative | %s | | 1e-9 |\n", bound(cmax).c_str());
  std::printf("| time of the peak, min | %s | | 1e-6 |\n", bound(tmax_min).c_str());
  std::printf("| minutes above a level and first crossing, min | %s | | 1e-6 |\n", bound(crossing_min).c_str());
  std::printf("\nThe second solver was Odeint in %zu cases and the Taylor exponential in %zu.\n", by_odeint,
              cases.size() - by_odeint);
  return 0;
}
