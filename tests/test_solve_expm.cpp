// SPDX-License-Identifier: Apache-2.0
// Expected values: the reference cases; and, for rate constants from 1e-8 to 1e8 per min over 400 days, a matrix
// exponential in 170-digit arithmetic that agrees with its 110-digit self to 1e-96.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "golden.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve_expm.hpp"
#include "random_cases.hpp"

using namespace ketpk;
using namespace ketpk::testing;
using namespace std::chrono_literals;

namespace {

ExpmTrajectory solved(const Parameters<double>& p, const Regimen& regimen, Micros horizon) {
  auto attempt = solve_expm(p, schedule(regimen), horizon);
  REQUIRE(std::holds_alternative<ExpmTrajectory>(attempt));
  return std::get<ExpmTrajectory>(std::move(attempt));
}

std::vector<Curve> curves_of(const Parameters<double>& p) {
  std::vector<Curve> curves{Curve::plasma()};
  if (p.ke0_per_min) curves.push_back(Curve::effect_site());
  for (std::size_t i = 0; i < p.metabolites.size(); ++i) curves.push_back(Curve::metabolite(i));
  return curves;
}

double relative(double found, double expected) {
  return expected == 0 ? std::abs(found) : std::abs(found - expected) / std::abs(expected);
}

template <class F>
void check_refused(Code code, const std::string& field, F f) {
  try {
    f();
    FAIL("nothing was refused");
  } catch (const InvalidInput& e) {
    CHECK(e.code == code);
    CHECK(e.field == field);
  }
}

/// 10 mg at 0 and 30 mg over 40 min from 0, 5 mg at one day. The state [a1 a2 a3 Ce m1 m2 area input] moves by
/// exp(A t) with, in A: a1' = -(CL + Q2 + Q3) a1/V1 + Q2 a2/V2 + Q3 a3/V3 + input; a2' = Q2 (a1/V1 - a2/V2); a3' alike;
/// Ce' = ke0 (a1/V1 - Ce); m1' = fraction CL a1/V1 - (CLm + Qm) m1/Vm1 + Qm m2/Vm2; m2' = Qm (m1/Vm1 - m2/Vm2);
/// area' = a1/V1. The doubles below enter as they are; exp by Taylor's series of A t / 2^k, squared k times.
struct Extreme {
  std::string rates_per_min;
  Parameters<double> parameters;
  std::array<std::array<double, 4>, 6> plasma_effect_metabolite_area;
};
constexpr std::array<std::int64_t, 6> extreme_times_us{
    1, 1'000'000, 2'400'000'000, 86'400'000'000, 2'592'000'000'000, 34'560'000'000'000};

const std::vector<Extreme>& extremes() {
  static const std::vector<Extreme> all{
      {"k10 = 1e-8, k12 = 1e8",
       {.v1_L = 1.0,
        .cl_L_per_min = 1e-08,
        .q2_L_per_min = 100000000.0,
        .v2_L = 10000.0,
        .q3_L_per_min = 1.0,
        .v3_L = 10000.0,
        .ke0_per_min = 0.01,
        .metabolites = {{.fraction = 0.6,
                         .v1_L = 10.0,
                         .cl_L_per_min = 0.01,
                         .q2_L_per_min = 9.999999999999999e-06,
                         .v2_L = 1e-07}}},
       {{{1.8892523113015728, 8.1116031255733455e-10, 4.866961875805958e-17, 8.111603126428905e-8},
         {0.0010011556961206586, 1.6774100620323096e-7, 1.0065219514553109e-14, 1.6775506543358841e-5},
         {0.003989641376111881, 0.00085557222264424259, 5.8950776452511025e-11, 0.099830803480664528},
         {5.0035037295664145, 0.0035344157602205219, 1.6784414416803011e-9, 5.3293338326764478},
         {0.0022503013807949562, 0.0022503098281257827, 1.3502429154947043e-9, 108.05196366406938},
         {0.0022498868466362797, 0.0022498868467487684, 1.3499321086567001e-9, 1306.793904993627}}}},
      {"k10 = 1e8, k12 = 1e-8",
       {.v1_L = 2.0,
        .cl_L_per_min = 200000000.0,
        .q2_L_per_min = 2e-08,
        .v2_L = 2.0,
        .q3_L_per_min = 2000.0,
        .v3_L = 200000.0,
        .ke0_per_min = 100000000.0,
        .metabolites =
            {{.fraction = 1.1, .v1_L = 0.5, .cl_L_per_min = 5e-09, .q2_L_per_min = 50000000.0, .v2_L = 50000000.0}}},
       {{{0.94436227772710248, 1.5739502425524784, 6.9253811187117006, 4.0555971725511759e-8},
         {3.7499675056911062e-9, 3.7499675056911029e-9, 2.3677265196620378e-7, 5.0061999425883647e-8},
         {3.7499782146956954e-9, 3.7499782146956933e-9, 8.9649298047947899e-7, 1.999984285147157e-7},
         {2.5, 1.3068738447658785e-20, 8.799999911941817e-7, 1.9999999999869309e-7},
         {2.2490321083082637e-31, 2.249032108308264e-31, 9.8999999009574024e-7, 2.2499999999999998e-7},
         {2.2370811309105859e-31, 2.2370811309105861e-31, 9.8999999004299304e-7, 2.2499999999999998e-7}}}},
      {"k12 = k21 = 1e8, k13 = k31 = 1e-8",
       {.v1_L = 5.0,
        .cl_L_per_min = 5.0,
        .q2_L_per_min = 500000000.0,
        .v2_L = 5.0,
        .q3_L_per_min = 5e-08,
        .v3_L = 5.0,
        .ke0_per_min = 1e-08,
        .metabolites =
            {{.fraction = 1.0, .v1_L = 20.0, .cl_L_per_min = 2000000000.0, .q2_L_per_min = 2e-07, .v2_L = 20.0}}},
       {{{1.035673981506628, 2.1488296575551671e-16, 2.410814998762688e-9, 2.1488296575551673e-8},
         {0.99294609409129385, 1.6607807435218088e-10, 2.4823652457650607e-9, 0.016607807436603704},
         {0.15000000025198106, 7.6999980764963572e-8, 3.7500000062995265e-10, 7.6999999224960571},
         {1.0000000000000008, 7.9998860808123139e-8, 1.9999715602025085e-24, 7.9999999200011376},
         {8.9961286130144043e-16, 8.996128523053121e-8, 2.2490321757439224e-24, 8.999999910038713},
         {8.948324702945132e-16, 8.9483246134618877e-8, 2.2370811981070945e-24, 8.9999999105167521}}}},
      {"all rates 0.1",
       {.v1_L = 20.0,
        .cl_L_per_min = 2.0,
        .q2_L_per_min = 2.0,
        .v2_L = 20.0,
        .q3_L_per_min = 2.0,
        .v3_L = 20.0,
        .ke0_per_min = 0.1,
        .metabolites = {{.fraction = 0.5, .v1_L = 30.0, .cl_L_per_min = 3.0, .q2_L_per_min = 3.0, .v2_L = 30.0}}},
       {{{0.49999999812500001, 8.3333333107638894e-10, 2.7777777679398148e-10, 8.3333333177083334e-9},
         {0.49813106377348542, 0.00083108101133384923, 0.0002767963244597771, 0.008317742038468859},
         {0.30991440883847988, 0.28609124967883289, 0.081313188399249201, 11.179030918038544},
         {0.25000000000000001, 1.6099239082892137e-17, 1.073282527453233e-17, 20.0},
         {0.0, 0.0, 0.0, 22.5},
         {0.0, 0.0, 0.0, 22.5}}}},
      {"tiny loss, fast exchange",
       {.v1_L = 15.0,
        .cl_L_per_min = 1.5e-07,
        .q2_L_per_min = 15000000.0,
        .v2_L = 1.5,
        .q3_L_per_min = 1500000000.0,
        .v3_L = 15000.0,
        .ke0_per_min = 100000000.0,
        .metabolites =
            {{.fraction = 0.9, .v1_L = 4.0, .cl_L_per_min = 4e-08, .q2_L_per_min = 400000000.0, .v2_L = 4.0}}},
       {{{0.12446882620432011, 0.20842430015292674, 1.0786498012500195e-16, 5.3792076450325233e-9},
         {0.00066676705568973389, 0.00066676705519028328, 1.8752348494795339e-13, 1.1112499478358497e-5},
         {0.0026637370546916749, 0.0026637370541922243, 1.1237642189103385e-9, 0.066593440508844175},
         {0.33599706985187136, 0.0026637365185380286, 6.405431178587916e-8, 3.7958245925380188},
         {0.0029967023380467449, 0.0029967023380467449, 2.1755970626276832e-6, 128.93814033369871},
         {0.0029966863892029038, 0.0029966863892029038, 2.9077231376759831e-5, 1725.5768972692364}}}},
  };
  return all;
}

}  // namespace

TEST_CASE("the matrix exponential meets every reference value to 1e-12, a thousand times closer than due") {
  std::size_t compared = 0;
  for (const GoldenCase& c : golden_cases()) {
    INFO(c.id);
    const ExpmTrajectory x = solved(c.parameters, c.regimen, c.end);
    double worst = 0;
    const auto compare = [&](const char* key, auto value) {
      if (!c.expected.contains(key)) return;
      const auto column = c.expected[key].template get<std::vector<double>>();
      const double largest = *std::max_element(column.begin(), column.end());
      for (std::size_t i = 0; i < column.size(); ++i, ++compared) {
        const double d = reference_difference(value(c.times[i]), column[i], largest);
        if (!(d <= worst)) worst = d;
      }
    };
    compare("plasma_ng_per_mL", [&](Micros t) { return x.value(t, Curve::plasma()) * 1000; });
    compare("effect_site_ng_per_mL", [&](Micros t) { return x.value(t, Curve::effect_site()) * 1000; });
    compare("metabolite_ng_per_mL", [&](Micros t) { return x.value(t, Curve::metabolite(0)) * 1000; });
    compare("auc_to_time_ng_h_per_mL", [&](Micros t) { return x.auc_mg_min_per_L(t) * 1000 / 60; });
    CHECK(worst < 1e-12);
  }
  CHECK(compared > 3000);
}

TEST_CASE("rates from 1e-8 to 1e8 per min over 400 days are right to 1e-11 in every value, however small") {
  const Regimen regimen = regimen_of({bolus(0min, 10), infusion(0min, 40min, 30), bolus(24h, 5)});
  for (const Extreme& e : extremes()) {
    const ExpmTrajectory x = solved(e.parameters, regimen, horizon_limit);
    for (std::size_t i = 0; i < extreme_times_us.size(); ++i) {
      INFO(e.rates_per_min << ", at " << extreme_times_us[i] << " us");
      const Micros t{extreme_times_us[i]};
      const auto& expected = e.plasma_effect_metabolite_area[i];
      CHECK(relative(x.value(t, Curve::plasma()), expected[0]) < 1e-11);
      CHECK(relative(x.value(t, Curve::effect_site()), expected[1]) < 1e-11);
      CHECK(relative(x.value(t, Curve::metabolite(0)), expected[2]) < 1e-11);
      CHECK(relative(x.auc_mg_min_per_L(t), expected[3]) < 1e-11);
    }
  }
}

TEST_CASE("one compartment is the textbook's exponentials") {
  const Parameters<double> p{
      .v1_L = 20, .cl_L_per_min = 1.4, .q2_L_per_min = 0, .v2_L = 1, .q3_L_per_min = 0, .v3_L = 1};
  const double k = 1.4 / 20;
  const ExpmTrajectory x = solved(p, regimen_of({infusion(0min, 40min, 35)}), 24h);
  for (const Micros t : {Micros{1}, Micros{10min}, Micros{40min}})
    CHECK(relative(x.value(t, Curve::plasma()), 35.0 / 40 / 1.4 * -std::expm1(-k * minutes(t))) < 1e-14);
  for (const Micros t : {Micros{41min}, Micros{10h}})
    CHECK(relative(x.value(t, Curve::plasma()),
                   35.0 / 40 / 1.4 * -std::expm1(-k * 40) * std::exp(-k * (minutes(t) - 40))) < 1e-13);
}

TEST_CASE("a value at the instant of a bolus is the one after it, and a microsecond before it the one before") {
  const Parameters<double> p{
      .v1_L = 20, .cl_L_per_min = 1, .q2_L_per_min = 2, .v2_L = 50, .q3_L_per_min = 0, .v3_L = 1};
  const ExpmTrajectory x = solved(p, regimen_of({bolus(0min, 10), bolus(30min, 4)}), 1h);
  CHECK(x.value(0min, Curve::plasma()) == 0.5);
  const double before = x.value(Micros{30min} - Micros{1}, Curve::plasma());
  CHECK(x.value(30min, Curve::plasma()) - before == Approx(0.2).epsilon(1e-6));
}

TEST_CASE("cutting a stretch in two changes no curve") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    const Parameters<double> p = random_parameters(r);
    const Regimen regimen = random_regimen(r);
    const std::vector<Segment> whole = schedule(regimen);
    std::vector<Segment> cut;
    for (const Segment& s : whole) {
      if (s.duration < Micros{2}) {
        cut.push_back(s);
        continue;
      }
      const Micros first{1 + static_cast<std::int64_t>(r.uniform() * static_cast<double>(s.duration.count() - 1))};
      cut.push_back({s.start, first, s.bolus_mg, s.rate_mg_per_min});
      cut.push_back({s.start + first, s.duration - first, 0, s.rate_mg_per_min});
    }
    const auto a = std::get<ExpmTrajectory>(solve_expm(p, whole, 24h)),
               b = std::get<ExpmTrajectory>(solve_expm(p, cut, 24h));
    double worst = 0;
    for (int i = 0; i < 20; ++i) {
      const Micros t = r.micros(0, 1440);
      for (const Curve c : curves_of(p)) worst = std::max(worst, relative(a.value(t, c), b.value(t, c)));
      worst = std::max(worst, relative(a.auc_mg_min_per_L(t), b.auc_mg_min_per_L(t)));
    }
    CHECK(worst < 1e-12);
  }
}

TEST_CASE("a metabolite of which nothing is formed stays at zero") {
  Parameters<double> p{.v1_L = 20, .cl_L_per_min = 1, .q2_L_per_min = 2, .v2_L = 50, .q3_L_per_min = 0, .v3_L = 1};
  p.metabolites = {{.fraction = 0, .v1_L = 30, .cl_L_per_min = 1, .q2_L_per_min = 0.5, .v2_L = 80},
                   {.fraction = 0.5, .v1_L = 30, .cl_L_per_min = 1, .q2_L_per_min = 0.5, .v2_L = 80}};
  const ExpmTrajectory x = solved(p, regimen_of({infusion(0min, 40min, 35)}), 24h);
  for (const Micros t : {Micros{1min}, Micros{1h}, Micros{24h}}) {
    CHECK(x.value(t, Curve::metabolite(0)) == 0.0);
    CHECK(x.value(t, Curve::metabolite(1)) > 0.0);
  }
}

TEST_CASE("the volume of a compartment that nothing flows to changes nothing") {
  Parameters<double> p{.v1_L = 20, .cl_L_per_min = 1, .q2_L_per_min = 2, .v2_L = 50, .q3_L_per_min = 0, .v3_L = 1};
  const Regimen regimen = regimen_of({infusion(0min, 40min, 35)});
  const ExpmTrajectory a = solved(p, regimen, 24h);
  p.v3_L = 1e-6;
  const ExpmTrajectory b = solved(p, regimen, 24h);
  for (const Micros t : {Micros{1min}, Micros{1h}, Micros{24h}})
    CHECK(a.value(t, Curve::plasma()) == b.value(t, Curve::plasma()));
}

TEST_CASE("rates beyond 1e30 per min are trouble, and carry no curve") {
  const Parameters<double> p{
      .v1_L = 1e-20, .cl_L_per_min = 1e20, .q2_L_per_min = 0, .v2_L = 1, .q3_L_per_min = 0, .v3_L = 1};
  const auto attempt = solve_expm(p, schedule(regimen_of({bolus(0min, 1)})), 1h);
  REQUIRE(std::holds_alternative<Trouble>(attempt));
  CHECK(std::get<Trouble>(attempt).code == Code::solver);
  CHECK(std::get<Trouble>(attempt).where == "expm");
}

TEST_CASE("what cannot be solved or asked is refused by its name") {
  const Parameters<double> p{.v1_L = 20, .cl_L_per_min = 1, .q2_L_per_min = 0, .v2_L = 1, .q3_L_per_min = 0, .v3_L = 1};
  const std::vector<Segment> segments = schedule(regimen_of({infusion(0min, 40min, 35)}));
  const auto with = [&](std::size_t i, Segment s) {
    auto changed = segments;
    changed[i] = s;
    return changed;
  };
  Parameters<double> wrong = p;
  wrong.cl_L_per_min = std::numeric_limits<double>::quiet_NaN();
  check_refused(Code::model_param, "CL", [&] { (void)solve_expm(wrong, segments, 1h); });
  Parameters<double> saturable = p;
  saturable.saturable = {.vmax_mg_per_min = 1, .km_mg_per_L = 1};
  check_refused(Code::model_param, "Vmax", [&] { (void)solve_expm(saturable, segments, 1h); });
  check_refused(Code::segment, "segments", [&] { (void)solve_expm(p, {}, 1h); });
  check_refused(Code::segment, "segments", [&] { (void)solve_expm(p, with(0, {0min, 39min, 0, 1}), 1h); });
  check_refused(Code::segment, "segments", [&] { (void)solve_expm(p, with(0, {1min, 39min, 0, 1}), 1h); });
  check_refused(Code::segment, "segments", [&] { (void)solve_expm(p, with(1, {40min, 1min, 0, 0}), 1h); });
  check_refused(Code::segment, "segments", [&] { (void)solve_expm(p, with(0, {0min, 40min, 0, -1}), 1h); });
  check_refused(Code::segment, "segments", [&] {
    (void)solve_expm(p, with(0, {0min, 40min, std::numeric_limits<double>::quiet_NaN(), 1}), 1h);
  });

  const auto x = std::get<ExpmTrajectory>(solve_expm(p, segments, 1h));
  check_refused(Code::range, "t", [&] { (void)x.value(Micros{-1}, Curve::plasma()); });
  check_refused(Code::range, "t", [&] { (void)x.value(Micros{1h} + Micros{1}, Curve::plasma()); });
  check_refused(Code::range, "t", [&] { (void)x.auc_mg_min_per_L(2h); });
  check_refused(Code::arg, "curve", [&] { (void)x.value(0min, Curve::effect_site()); });
  check_refused(Code::arg, "curve", [&] { (void)x.value(0min, Curve::metabolite(0)); });
}

TEST_CASE("a horizon before the last edge still reaches that edge") {
  const Parameters<double> p{.v1_L = 20, .cl_L_per_min = 1, .q2_L_per_min = 0, .v2_L = 1, .q3_L_per_min = 0, .v3_L = 1};
  const ExpmTrajectory x = solved(p, regimen_of({infusion(0min, 40min, 35), bolus(2h, 1)}), 10min);
  CHECK(x.horizon() == Micros{2h});
  CHECK(x.value(2h, Curve::plasma()) > 1.0 / 20);
}
