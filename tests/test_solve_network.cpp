// SPDX-License-Identifier: Apache-2.0

#include "ketpk/solve_network.hpp"

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/solve.hpp"
#include "random_cases.hpp"

using namespace ketpk;
using namespace std::chrono_literals;
using ketpk::testing::Random;

namespace {

constexpr double relative_floor = 1e-6, rounding = std::numeric_limits<double>::epsilon();

/// Worst difference relative to each value or a millionth of the largest.
double worst(const NetworkState& a, const NetworkState& b) {
  double most = 0, far = 0;
  for (const double e : a) most = std::max(most, std::abs(e));
  for (std::size_t i = 0; i < a.size(); ++i)
    far = std::max(far, std::abs(a[i] - b[i]) / std::max(std::abs(a[i]), relative_floor * most));
  return far;
}

/// Random parameters that may have depots, in a row or not, metabolites of metabolites, formed at once or through
/// transit compartments, and a liver instead of a clearance.
Parameters<double> random_network(Random& random) {
  Parameters<double> p = testing::random_parameters(random);
  const auto depots = static_cast<std::size_t>(random.below(4));
  for (std::size_t i = 0; i < depots; ++i) {
    const bool is_chained = i + 1 < depots && random.one_in(2);
    p.depots.push_back({random.log_between(0.002, 0.5), is_chained ? std::optional(i + 1) : std::nullopt});
  }
  for (std::size_t i = 1; i < p.metabolites.size(); ++i)
    if (random.one_in(2)) p.metabolites[i].from = i - 1;
  for (auto& m : p.metabolites) {
    if (!random.one_in(2)) continue;
    m.transits = 1 + static_cast<std::size_t>(random.below(4));
    m.transit_per_min = random.log_between(0.02, 2);
  }
  if (random.one_in(3)) {
    p.cl_L_per_min = 0;
    p.liver = {random.log_between(0.2, 4), random.log_between(5, 100), random.one_in(4) ? 0 : random.uniform(),
               random.log_between(0.005, 0.2)};
  }
  return p;
}

/// The same, as the exact solver knows them.
Parameters<double> random_mammillary(Random& random) {
  Parameters<double> p = random_network(random);
  p.depots.clear();
  for (auto& m : p.metabolites) {
    m.from.reset();
    m.transits = 0;
  }
  if (p.liver) p.cl_L_per_min = 1;
  p.liver.reset();
  return p;
}

/// The slowest that anything leaves anything [1/min].
double slowest(const Network& net) {
  double least = 1;
  for (const Passage& q : net.passages()) least = std::min(least, q.per_min);
  for (std::size_t i = 0; i < net.size(); ++i)
    if (net.leaves_per_min(i) > 0) least = std::min(least, net.leaves_per_min(i));
  return least;
}

NetworkState state_of(Attempt<NetworkState> attempt) {
  if (const auto* trouble = std::get_if<Trouble>(&attempt)) FAIL(trouble->message);
  return std::get<0>(std::move(attempt));
}

Networks one(const Parameters<double>& p) { return {{Network(p)}, {0}}; }

}  // namespace

TEST_CASE("an infusion into plasma from rest gives what the exact solver gives") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    const Parameters<double> p = random_mammillary(random);
    const Networks nets = one(p);
    const Network& net = nets.distinct[0];
    const NetworkSolver solver(nets);
    const ExactTrajectory<> exact = solve(p, {Segment{0us, 40min, 10.0, 0.9}, Segment{40min, Micros{0}, 0.0, 0.0}});
    NetworkState x(net.size());
    x[net.central()] = 10;
    const Intake rate{net.central(), 0.9};
    x = state_of(solver.after(x, {&rate, 1}, 40min, 0));
    x = state_of(solver.after(x, {}, 6h + 7us, 0));
    const Micros t = 40min + 6h + 7us;
    // A rate constant that is off by a rounding moves exp(-k t) by k t roundings, and k t is how many times a curve has
    // fallen to a third: whichever way it is computed.
    const auto near = [&](Curve c) {
      const double there = exact.value(t, c), fallen = std::log(exact.value(40min, c) / there);
      return Approx(there).epsilon(2e-13 + 8 * rounding * std::max(fallen, 0.0));
    };
    CHECK(net.plasma_mg_per_L(x) == near(Curve::plasma()));
    if (p.ke0_per_min) CHECK(net.effect_site_mg_per_L(x) == near(Curve::effect_site()));
    for (std::size_t k = 0; k < p.metabolites.size(); ++k)
      CHECK(net.metabolite_mg_per_L(x, k) == near(Curve::metabolite(k)));
  }
}

TEST_CASE("steps and chances lead to the same state, from any state, with anything entering anywhere") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    const Networks nets = one(random_network(random));
    const Network& net = nets.distinct[0];
    const NetworkSolver solver(nets);
    NetworkState x(net.size());
    for (double& e : x) e = random.between(0, 100);
    std::vector<Intake> rates;
    for (std::size_t i = 0; i < net.parent_end(); i += 2) rates.push_back({i, random.uniform()});
    const Micros t = random.instant(1us, 24h);
    CHECK(worst(state_of(solver.after(x, rates, t, 0)), state_of(solver.by_steps(x, rates, t, 0))) < 3e-9);
  }
}

TEST_CASE("a steady state is what a very long train of the same dose leads to") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    Networks nets = one(random_network(random));
    while (slowest(nets.distinct[0]) < 2e-3) nets = one(random_network(random));
    const Network& net = nets.distinct[0];
    const Micros interval = 8h;
    const auto pick = [&](int most) { return random.below(most + 1); };
    Entering dose{.place = static_cast<std::size_t>(pick(static_cast<int>(net.central()))),
                  .bolus_mg = 100,
                  .interval = interval,
                  .steady_state = SteadyState::replaces};
    if (pick(2) > 0) {
      dose.duration = Micros(1h) * (1 + pick(30));
      dose.rate_mg_per_min = 0.5;
      dose.bolus_mg = pick(1) == 0 ? 0.0 : 1e-3;
    }
    dose.lag = Micros(1h) * pick(7);
    const std::vector<Happening> steady{{.line = 2, .time = 5h, .dose = dose}, {.line = 3, .time = 5h + 39h}};
    // The same train by itself: enough doses that the slowest place is full, the last one at the record.
    std::vector<Happening> train;
    Entering each = dose;
    each.steady_state = SteadyState::none;
    constexpr int before = 1100;
    each.additional = before;
    train.push_back({.line = 2, .time = 5h - before * interval, .dose = each});
    train.push_back({.line = 3, .time = 5h});
    train.push_back({.line = 4, .time = 5h + 39h});
    const Timeline a = timeline(steady, CovariateRule::nonmem), b = timeline(train, CovariateRule::nonmem);
    Networks of_a = nets, of_b = nets;
    of_a.of_record.assign(2, 0);
    of_b.of_record.assign(3, 0);
    const auto states_a = solve(a, NetworkSolver(of_a), net.size());
    const auto states_b = solve(b, NetworkSolver(of_b), net.size());
    REQUIRE(std::holds_alternative<std::vector<NetworkState>>(states_a));
    REQUIRE(std::holds_alternative<std::vector<NetworkState>>(states_b));
    const auto& x = std::get<0>(states_a);
    const auto& y = std::get<0>(states_b);
    CHECK(worst(x[a.of_record[0]], y[b.of_record[1]]) < 1e-11);
    CHECK(worst(x[a.of_record[1]], y[b.of_record[2]]) < 1e-11);
  }
}

TEST_CASE("an infusion that has always been running holds plasma at rate over clearance, and ends at its record") {
  const Parameters<double> p{10, 0.5, 0.3, 40, 0.1, 100, 0.4, {}, {{0.02}}};
  const Networks nets = one(p);
  const Network& net = nets.distinct[0];
  const std::vector<Happening> records{
      {.line = 2,
       .time = 3h,
       .dose = Entering{.place = 1, .rate_mg_per_min = 2, .steady_state = SteadyState::replaces}},
      {.line = 3, .time = 4h}};
  const Timeline t = timeline(records, CovariateRule::nonmem);
  Networks of = nets;
  of.of_record = {0, 0};
  const NetworkSolver solver(of);
  const auto solved = solve(t, solver, net.size());
  REQUIRE(std::holds_alternative<std::vector<NetworkState>>(solved));
  const auto& x = std::get<0>(solved);
  CHECK(net.plasma_mg_per_L(x[0]) == Approx(4.0).epsilon(1e-14));
  CHECK(net.effect_site_mg_per_L(x[0]) == Approx(4.0).epsilon(1e-14));
  CHECK(x[0][2] == Approx(4.0 * 40).epsilon(1e-14));
  CHECK(net.plasma_mg_per_L(x[1]) < 2.5);
  CHECK(worst(x[1], state_of(solver.by_steps(x[0], {}, 1h, 0))) < 1e-9);
}

TEST_CASE("an infusion that has always been running holds plasma at rate over what a liver clears it of") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    Parameters<double> p = random_mammillary(random);
    p.cl_L_per_min = 0;
    p.liver = {random.log_between(0.2, 4), random.log_between(5, 100), random.uniform(), 0.02 + random.uniform()};
    p.metabolites = {{0.8, 12, 0.7, 0, 1}};
    p.metabolites[0].transits = 3;
    p.metabolites[0].transit_per_min = 0.2;
    const Networks nets = one(p);
    const Network& net = nets.distinct[0];
    const Entering dose{.place = net.central(), .rate_mg_per_min = 0.7, .steady_state = SteadyState::replaces};
    const NetworkState x = state_of(NetworkSolver(nets).steady(Train{dose, Micros{0}, 0}));
    // What leaves the liver is what enters: Q C = (Q / V + k) A and k A = rate.
    const double q = p.liver->q_L_per_min, k = p.liver->kel_per_min + p.liver->kmet_per_min, in_liver = 0.7 / k;
    CHECK(x[net.layout().liver()] == Approx(in_liver).epsilon(1e-11));
    CHECK(net.plasma_mg_per_L(x) == Approx((q / p.liver->v_L + k) * in_liver / q).epsilon(1e-11));
    CHECK(net.metabolite_mg_per_L(x, 0) == Approx(0.8 * 0.7 * p.liver->kmet_per_min / k / 0.7).epsilon(1e-11));
  }
}

TEST_CASE("a slow train has its steady state too, and one that nothing eliminates has none") {
  Parameters<double> p{50, 50 * 1e-7, 0, 1, 0, 1};  // a half-life of 13 years
  const Entering dose{.bolus_mg = 1, .interval = 12h, .steady_state = SteadyState::replaces};
  Networks nets = one(p);
  const NetworkState x = state_of(NetworkSolver(nets).steady({dose, Micros{0}, 0}));
  CHECK(x[0] == Approx(std::exp(-7.2e-5) / -std::expm1(-7.2e-5)).epsilon(1e-13));

  p = {.v1_L = 10, .cl_L_per_min = 0, .q2_L_per_min = 0, .v2_L = 1, .q3_L_per_min = 0, .v3_L = 1};
  p.saturable = {1.0, 0.5};
  nets = one(p);
  const NetworkSolver saturable(nets);
  const Entering too_much{.bolus_mg = 721, .interval = 12h, .steady_state = SteadyState::replaces};
  CHECK(std::holds_alternative<Trouble>(saturable.steady({too_much, Micros{0}, 0})));
  const Entering all_the_time{.rate_mg_per_min = 1.001, .steady_state = SteadyState::replaces};
  CHECK(std::holds_alternative<Trouble>(saturable.steady({all_the_time, Micros{0}, 0})));
  const Entering nearly{.bolus_mg = 719, .interval = 12h, .steady_state = SteadyState::replaces};
  CHECK(std::holds_alternative<NetworkState>(saturable.steady({nearly, Micros{0}, 0})));
}

TEST_CASE("near the most that can be eliminated, a steady state is what the closed form gives, or an outcome") {
  // One compartment: V (C0 - C + Km ln(C0 / C)) = Vmax t. Trough and dose are chosen, Vmax follows.
  constexpr double v = 10, trough = 50, rise = 7, hours = 12;
  Parameters<double> p{.v1_L = v, .cl_L_per_min = 0, .q2_L_per_min = 0, .v2_L = 1, .q3_L_per_min = 0, .v3_L = 1};
  for (const double km : {1e-3, 0.05, 0.5, 5.0}) {
    INFO("Km " << km);
    const double vmax = v * (rise + km * std::log1p(rise / trough)) / (60 * hours);
    p.saturable = {vmax, km};
    const Networks nets = one(p);
    const Entering dose{.bolus_mg = v * rise, .interval = 12h, .steady_state = SteadyState::replaces};
    CHECK(state_of(NetworkSolver(nets).steady({dose, Micros{0}, 0}))[0] == Approx(v * trough).epsilon(1e-7));
    const Entering held{.rate_mg_per_min = 0.9999 * vmax, .steady_state = SteadyState::replaces};
    CHECK(state_of(NetworkSolver(nets).steady({held, Micros{0}, 0}))[0] == Approx(9999 * km * v).epsilon(1e-9));
  }
  p.saturable = {5.0 / 60, 1000};
  const Networks nets = one(p);
  const Entering dose{.bolus_mg = 59.994, .interval = 12h, .steady_state = SteadyState::replaces};
  CHECK(std::holds_alternative<Trouble>(NetworkSolver(nets).steady({dose, Micros{0}, 0})));
}

TEST_CASE("a train whose every dose is gone before the next has a saturable steady state too") {
  Parameters<double> p{.v1_L = 9, .cl_L_per_min = 0.5, .q2_L_per_min = 2, .v2_L = 3, .q3_L_per_min = 0, .v3_L = 1};
  p.saturable = {0.2, 0.1};
  const Networks nets = one(p);
  const Entering dose{.bolus_mg = 25, .interval = 12h, .steady_state = SteadyState::replaces};
  for (const double e : state_of(NetworkSolver(nets).steady({dose, Micros{0}, 0}))) CHECK((e >= 0 && e < 1e-12));
}

TEST_CASE("elimination that saturates at once never leaves less than nothing") {
  Parameters<double> p{.v1_L = 10, .cl_L_per_min = 0, .q2_L_per_min = 0, .v2_L = 1, .q3_L_per_min = 0, .v3_L = 1};
  for (const double km : {1e-12, 1e-9, 1e-6, 1e-3}) {
    INFO("Km " << km);
    p.saturable = {5.0 / 60, km};
    const Networks nets = one(p);
    const NetworkSolver solver(nets);
    const auto after = solver.after({100, 0, 0}, {}, 30h, 0);
    if (const auto* x = std::get_if<NetworkState>(&after))
      for (const double e : *x) CHECK((e >= 0 && e < 1e-9));
    CHECK(state_of(solver.after({100, 0, 0}, {}, 10h, 0))[0] == Approx(50).epsilon(1e-3));
  }
}

TEST_CASE("the largest model goes both roads: 16 depots, three compartments, six metabolites of two, an effect site") {
  Parameters<double> p{10, 0.5, 0.3, 40, 0.1, 100, 0.4, {}, {}};
  for (std::size_t i = 0; i < most_depots; ++i)
    p.depots.push_back({0.02 + 0.004 * static_cast<double>(i),
                        i % 3 != 2 && i + 1 < most_depots ? std::optional(i + 1) : std::nullopt});
  for (std::size_t i = 0; i < most_metabolites; ++i)
    p.metabolites.push_back({0.9, 7, 0.2, 0.1, 5, i > 0 ? std::optional(i - 1) : std::nullopt});
  const Networks nets = one(p);
  REQUIRE(nets.distinct[0].size() == 32);
  const NetworkSolver solver(nets);
  NetworkState x(32);
  for (std::size_t i = 0; i < 16; ++i) x[i] = 1 + static_cast<double>(i);
  const Intake rate{3, 0.4};
  CHECK(worst(state_of(solver.after(x, {&rate, 1}, 5h, 0)), state_of(solver.by_steps(x, {&rate, 1}, 5h, 0))) < 1e-9);
  p.saturable = {0.3, 0.7};
  const Networks saturable = one(p);
  CHECK(state_of(NetworkSolver(saturable).after(x, {&rate, 1}, 5h, 0))[16] > 0);
}

TEST_CASE("the largest model of transit compartments and a liver goes both roads too, and no larger one is taken") {
  Parameters<double> p{10, 0, 0.3, 40, 0.1, 100, 0.4};
  p.liver = {1.4, 20, 0.02, 0.05};
  for (std::size_t i = 0; i < most_metabolites; ++i) {
    p.metabolites.push_back({0.9, 7, 0.2, 0.1, 5, i > 0 ? std::optional(i - 1) : std::nullopt});
    p.metabolites.back().transits = i < 3 ? 5 : 0;
    p.metabolites.back().transit_per_min = 0.5;
  }
  const Networks nets = one(p);
  REQUIRE(nets.distinct[0].size() == 32);
  const NetworkSolver solver(nets);
  NetworkState x(32);
  x[0] = 5;
  const Intake rate{nets.distinct[0].central(), 0.4};
  CHECK(worst(state_of(solver.after(x, {&rate, 1}, 5h, 0)), state_of(solver.by_steps(x, {&rate, 1}, 5h, 0))) < 1e-9);
  p.depots = {{0.1}};
  CHECK_THROWS_AS(Network(p), InvalidInput);
}

TEST_CASE("every place of a network belongs to one block of places that pass drug to each other") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    const Network net(random_network(random));
    const detail::walk::Rooms rooms = detail::walk::rooms_of(net);
    for (std::size_t i = 0; i < net.size(); ++i) {
      CHECK((rooms.blocks.first[i] <= i && i < rooms.blocks.last[i]));
      for (std::size_t j = rooms.blocks.first[i]; j < rooms.blocks.last[i]; ++j)
        CHECK(rooms.blocks.first[j] == rooms.blocks.first[i]);
    }
    // What moves stays in its block, and what leaves a block is a copy.
    for (const Passage& q : net.passages()) CHECK(q.moves == (rooms.blocks.first[q.from] == rooms.blocks.first[q.to]));
  }
}

TEST_CASE("steps follow what has decayed by six orders, beside large amounts") {
  Parameters<double> p{3.652, 0.1166, 0.01673, 243.2, 0.003354, 20.27};
  p.depots = {{0.04205}};
  const Networks nets = one(p);
  const NetworkSolver solver(nets);
  const NetworkState x{50, 300, 9'000, 40};
  const NetworkState a = state_of(solver.after(x, {}, 5h, 0)), b = state_of(solver.by_steps(x, {}, 5h, 0));
  for (std::size_t i = 0; i < 4; ++i) CHECK(b[i] == Approx(a[i]).epsilon(1e-9));
}

TEST_CASE("a saturable steady state repeats itself, and a constant one balances input and elimination") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    const auto u = [&] { return random.uniform(); };
    Parameters<double> p{.v1_L = 10 + 40 * u(),
                         .cl_L_per_min = seed % 2 == 0 ? 0 : 0.01 * u(),
                         .q2_L_per_min = seed % 3 == 0 ? 0 : u(),
                         .v2_L = 50,
                         .q3_L_per_min = 0,
                         .v3_L = 1};
    p.saturable = {0.2 + u(), 0.5 + 5 * u()};
    p.depots = {{0.01 + 0.05 * u()}};
    const Networks nets = one(p);
    const Network& net = nets.distinct[0];
    const NetworkSolver solver(nets);
    const double most = p.saturable->vmax_mg_per_min * 720;
    Entering dose{
        .place = seed % 2, .bolus_mg = 0.7 * u() * most, .interval = 12h, .steady_state = SteadyState::replaces};
    const NetworkState x = state_of(solver.steady({dose, Micros{0}, 0}));
    NetworkState later = x;
    later[dose.place] += dose.bolus_mg;
    later = state_of(solver.by_steps(later, {}, 12h, 0));
    CHECK(worst(x, later) < 1e-9);

    const Intake rate{1, 0.7 * p.saturable->vmax_mg_per_min};
    const NetworkState held = state_of(solver.steady(
        {Entering{.place = 1, .rate_mg_per_min = rate.amount, .steady_state = SteadyState::replaces}, Micros{0}, 0}));
    const double c = net.plasma_mg_per_L(held);
    CHECK(p.cl_L_per_min * c + p.saturable->vmax_mg_per_min * c / (p.saturable->km_mg_per_L + c) ==
          Approx(rate.amount).epsilon(1e-9));
  }
}
