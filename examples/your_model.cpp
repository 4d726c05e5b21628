// SPDX-License-Identifier: Apache-2.0

// Why: your own equations, in about twenty lines, solved and asked like every other model. Two compartments with
// saturable elimination, and an effect that turns over while the drug inhibits its build-up. The numbers illustrate.

#include <cmath>
#include <cstdio>
#include <ketpk/ketpk.hpp>

using namespace ketpk;

struct YourModel {
  static constexpr Curve effect = Curve::other(0);

  static constexpr std::size_t size() { return 3; }  // central [mg], peripheral [mg], effect [score]
  bool has(Curve c) const { return c == Curve::plasma() || c == effect; }
  bool is_linear(Curve) const { return true; }  // each curve is one of the states, scaled
  void start(std::span<double> x) const { x[2] = 100; }
  void bolus(std::span<double> x, double mg) const { x[0] += mg; }
  void slopes(auto x, double input_mg_per_min, auto dx) const {  // auto: doubles, and dual numbers for the stiff solver
    const auto c1 = x[0] / 25.0, c2 = x[1] / 80.0;               // mg/L
    dx[1] = 1.5 * (c1 - c2);
    dx[0] = input_mg_per_min - 0.6 * c1 / (0.3 + c1) - dx[1];
    dx[2] = 0.05 * (100.0 * (1.0 - 0.9 * c1 / (0.15 + c1)) - x[2]);
  }
  double value(std::span<const double> x, Curve c) const { return c == effect ? x[2] : x[0] / 25.0; }
  const char* name_of(std::size_t i) const { return i == 0 ? "central" : i == 1 ? "peripheral" : "effect"; }
};
static_assert(PkModel<YourModel> && DifferentiableModel<YourModel>);

int main() {
  using namespace std::chrono_literals;
  using namespace ketpk::literals;

  const Regimen regimen{.doses = {{0min, 40min, 35, 35.0 / 40}}, .dosing_weight = 70_kg};
  const auto attempt = solve_ode(YourModel{}, schedule(regimen), 12h);
  if (const auto* trouble = std::get_if<Trouble>(&attempt)) {
    std::printf("no numbers: %s\n", trouble->message.c_str());
    return 1;
  }
  const auto& solution = std::get<0>(attempt);
  const auto plasma = course_of(solution, Curve::plasma()), effect = course_of(solution, YourModel::effect);

  const Peak highest = peak(plasma);
  std::printf("plasma peaks at %.1f ng/mL after %.1f min\n", highest.ng_per_mL, highest.min);
  std::printf("above 100 ng/mL for %.1f min\n", time_above(plasma, 100).minutes);
  std::printf("area under plasma to 12 h %.1f ng h/mL\n", area_to(plasma, 12h) * 1000 / 60);
  const Extreme least = lowest(effect);
  std::printf("the effect falls from 100 to %.2f at %.1f min\n", least.value, least.min);
  std::printf("below 50 for %.1f min", minutes_under(effect, 50).minutes);
  for (const double minute : crossings(effect, 50)) std::printf(", crossing at %.1f min", minute);
  std::printf("\narea under the effect to 12 h %.0f score min\n", area_to(effect, 12h));

  // The stiff solver knows nothing of the other one; it takes the same equations as dual numbers.
  const auto again = solve_ode(YourModel{}, schedule(regimen), 12h, {.method = OdeMethod::rosenbrock});
  const auto stiff = course_of(std::get<0>(again), YourModel::effect);
  const bool agree = std::abs(lowest(stiff).value - least.value) < 1e-9 * least.value;
  std::printf("the two solvers agree on it to 1e-9: %s\n", agree ? "yes" : "no");
  return agree ? 0 : 1;
}
