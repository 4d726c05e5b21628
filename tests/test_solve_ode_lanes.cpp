// SPDX-License-Identifier: Apache-2.0
// Why: what is promised of saturable models solved side by side. Expected values: SciPy's (tests/golden), the exact
// solution, the scalar solver at a tight tolerance, and drug that can neither appear nor vanish. Work is asserted;
// times are measured in bench/bench_cohort_ode.cpp.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/lanes.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve.hpp"
#include "ketpk/solve_ode.hpp"
#include "ketpk/solve_ode_lanes.hpp"
#include "random_cases.hpp"

using namespace ketpk;
using namespace ketpk::testing;
using namespace std::chrono_literals;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity(),
                 not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr LaneOdeOptions tight{.rtol = 1e-11, .atol_per_dose = 1e-19};

/// The same model for the scalar solver, in amounts.
struct Saturable {
  double v1 = 5, cl = 0, vmax = 0.6, km = 0.3, q2 = 0, v2 = 1, q3 = 0, v3 = 1;

  [[nodiscard]] static constexpr std::size_t size() noexcept { return 3; }
  [[nodiscard]] bool has(Curve c) const noexcept { return c == Curve::plasma(); }
  [[nodiscard]] bool is_linear(Curve) const noexcept { return true; }
  void bolus(std::span<double> x, double mg) const noexcept { x[0] += mg; }
  void slopes(auto x, double input, auto dx) const noexcept {
    const auto c1 = x[0] / v1;
    dx[1] = q2 * (c1 - x[1] / v2);
    dx[2] = q3 * (c1 - x[2] / v3);
    dx[0] = input - dx[1] - dx[2] - cl * c1 - vmax * c1 / (km + c1);
  }
  [[nodiscard]] double value(std::span<const double> x, Curve) const noexcept { return x[0] / v1; }
};

/// What one subject is given, under edges that all share.
struct Given {
  std::vector<double> bolus_mg, rate_mg_per_min;
};
struct Cohort {
  std::vector<double> starts_min, lengths_min;
  std::vector<std::vector<double>> instants_min;  ///< of each segment, from its start
  std::vector<Saturable> models;
  std::vector<Given> given;
};

struct Answers {
  std::size_t instants = 0;
  std::vector<double> plasma, auc, cmax, tmax;
  std::vector<LaneStatus> status;
  std::vector<std::uint32_t> accepted, rejected;

  [[nodiscard]] double at(std::size_t subject, std::size_t instant) const {
    return plasma[subject * instants + instant];
  }
};

template <class L, std::size_t Compartments = 3, bool Summaries = true>
Answers solved(const Cohort& cohort, const std::vector<std::size_t>& who, const LaneOdeOptions& options = {}) {
  const std::size_t n = who.size(), edges = cohort.lengths_min.size();
  std::vector<std::vector<double>> of(8);
  for (const std::size_t i : who) {
    const Saturable& m = cohort.models[i];
    const double all[] = {m.v1, m.cl, m.vmax, m.km, m.q2, m.v2, m.q3, m.v3};
    for (std::size_t k = 0; k < 8; ++k) of[k].push_back(all[k]);
  }
  std::vector<std::vector<double>> boluses(edges), rates(edges);
  std::vector<double> instants;
  std::vector<LaneSegment> segments;
  for (std::size_t s = 0; s < edges; ++s) {
    for (const std::size_t i : who) {
      boluses[s].push_back(cohort.given[i].bolus_mg[s]);
      rates[s].push_back(cohort.given[i].rate_mg_per_min[s]);
    }
    segments.push_back(
        {cohort.starts_min[s], cohort.lengths_min[s], boluses[s].data(), rates[s].data(), instants.size()});
    instants.insert(instants.end(), cohort.instants_min[s].begin(), cohort.instants_min[s].end());
  }
  Answers a{.instants = instants.size(),
            .plasma = std::vector<double>(n * instants.size(), -1),
            .auc = std::vector<double>(n, -1),
            .cmax = std::vector<double>(n, -1),
            .tmax = std::vector<double>(n, -1),
            .status = std::vector<LaneStatus>(n, LaneStatus::not_finite),
            .accepted = std::vector<std::uint32_t>(n),
            .rejected = std::vector<std::uint32_t>(n)};
  const SaturableSubjects subjects{.count = n,
                                   .v1_L = of[0].data(),
                                   .cl_L_per_min = of[1].data(),
                                   .vmax_mg_per_min = of[2].data(),
                                   .km_mg_per_L = of[3].data(),
                                   .q2_L_per_min = of[4].data(),
                                   .v2_L = of[5].data(),
                                   .q3_L_per_min = of[6].data(),
                                   .v3_L = of[7].data()};
  const LaneCourse course{segments.data(), edges, instants.data(), instants.size()};
  const LaneAnswers answers{.plasma_mg_per_L = a.plasma.data(),
                            .row_stride = instants.size(),
                            .status = a.status.data(),
                            .accepted_steps = a.accepted.data(),
                            .rejected_steps = a.rejected.data(),
                            .auc_mg_min_per_L = Summaries ? a.auc.data() : nullptr,
                            .cmax_mg_per_L = Summaries ? a.cmax.data() : nullptr,
                            .tmax_min = Summaries ? a.tmax.data() : nullptr};
  solve_in_lanes<L, Compartments, Summaries>(subjects, course, options, answers);
  return a;
}

std::vector<std::size_t> everyone(const Cohort& cohort) {
  std::vector<std::size_t> who(cohort.models.size());
  std::iota(who.begin(), who.end(), std::size_t{0});
  return who;
}

/// Subject `i` of one answer and `j` of another, in every bit.
bool same(const Answers& a, std::size_t i, const Answers& b, std::size_t j) {
  const auto bits = [](double x) { return std::bit_cast<std::uint64_t>(x); };
  for (std::size_t k = 0; k < a.instants; ++k)
    if (bits(a.at(i, k)) != bits(b.at(j, k))) return false;
  return a.instants == b.instants && a.status[i] == b.status[j] && a.accepted[i] == b.accepted[j] &&
         a.rejected[i] == b.rejected[j] && bits(a.auc[i]) == bits(b.auc[j]) && bits(a.cmax[i]) == bits(b.cmax[j]) &&
         bits(a.tmax[i]) == bits(b.tmax[j]);
}

/// Four hours with a push, an infusion, a pause and a second push, and a grid with instants at every edge.
Cohort random_cohort(std::uint64_t seed, std::size_t n) {
  Random r(seed);
  Cohort c{
      .starts_min = {0, 10, 50, 90}, .lengths_min = {10, 40, 40, 150}, .instants_min = {}, .models = {}, .given = {}};
  for (std::size_t s = 0; s < 4; ++s) {
    c.instants_min.emplace_back();
    for (double t = 0; t < c.lengths_min[s] || (s == 3 && t == c.lengths_min[s]); t += 1)
      c.instants_min.back().push_back(t);
  }
  for (std::size_t i = 0; i < n; ++i) {
    Saturable m{.v1 = r.log_between(3, 60), .cl = r.one_in(3) ? 0 : r.log_between(0.2, 3)};
    m.vmax = r.one_in(5) ? 0 : r.log_between(0.05, 2);
    m.km = r.log_between(0.02, 2);
    if (!r.one_in(3)) m.q2 = r.log_between(0.1, 3), m.v2 = r.log_between(5, 300);
    if (r.one_in(2)) m.q3 = r.log_between(0.1, 3), m.v3 = r.log_between(5, 300);
    c.models.push_back(m);
    c.given.push_back({{r.one_in(2) ? 0 : r.between(1, 20), 0, 0, r.one_in(2) ? 0 : r.between(1, 20)},
                       {0, r.between(0.1, 1.5), 0, r.one_in(3) ? r.between(0.01, 0.1) : 0}});
  }
  return c;
}

OdeTrajectory<Saturable> scalar(const Cohort& cohort, std::size_t i, OdeOptions options = {}) {
  std::vector<Segment> segments;
  const std::size_t edges = cohort.lengths_min.size();
  const auto micros = [](double minute) { return Micros{std::llround(minute * micros_per_minute)}; };
  for (std::size_t s = 0; s < edges; ++s)
    segments.push_back({micros(cohort.starts_min[s]), s + 1 < edges ? micros(cohort.lengths_min[s]) : Micros{0},
                        cohort.given[i].bolus_mg[s], cohort.given[i].rate_mg_per_min[s]});
  auto attempt =
      solve_ode(cohort.models[i], segments, micros(cohort.starts_min.back() + cohort.lengths_min.back()), options);
  if (const auto* trouble = std::get_if<Trouble>(&attempt)) FAIL(trouble->message);
  return std::get<0>(std::move(attempt));
}

/// The worst error of plasma, relative to it wherever that is above `least` mg/L, and to the highest in the subject.
struct Worst {
  double relative = 0, of_highest = 0;
};
Worst worst_error(const Cohort& cohort, const Answers& a, double least) {
  Worst worst;
  for (std::size_t i = 0; i < cohort.models.size(); ++i) {
    REQUIRE(a.status[i] == LaneStatus::ok);
    const auto x = scalar(cohort, i);
    double highest = 0, most = 0;
    std::size_t k = 0;
    for (std::size_t s = 0; s < cohort.lengths_min.size(); ++s)
      for (const double t : cohort.instants_min[s]) {
        const double minute = cohort.starts_min[s] + t;
        const double c = x.value(Micros{std::llround(minute * micros_per_minute)}, Curve::plasma());
        const double d = std::abs(a.at(i, k++) - c);
        highest = std::max(highest, c);
        most = std::max(most, d);
        if (c > least) worst.relative = std::max(worst.relative, d / c);
      }
    worst.of_highest = std::max(worst.of_highest, most / highest);
  }
  return worst;
}

using Eight = Lanes<8>;

/// Two compartments, 37.5 mg over 40 min, a value each minute for four hours: the same for `n` subjects of many sizes.
Cohort minute_cohort(std::uint64_t seed, std::size_t n) {
  Random r(seed);
  Cohort c{.starts_min = {0, 40}, .lengths_min = {40, 200}, .instants_min = {{}, {}}, .models = {}, .given = {}};
  for (int t = 0; t < 40; ++t) c.instants_min[0].push_back(t);
  for (int t = 0; t <= 200; ++t) c.instants_min[1].push_back(t);
  for (std::size_t i = 0; i < n; ++i) {
    const double v = 4.7 * r.log_between(0.6, 1.6), scale = r.log_between(0.5, 2);
    c.models.push_back({.v1 = v * scale,
                        .cl = 0,
                        .vmax = 0.3 * 0.438 * v * r.log_between(0.5, 2),
                        .km = 0.3,
                        .q2 = 0.592 * v,
                        .v2 = 0.592 * v / 0.247});
    c.given.push_back({{0, 0}, {0.94, 0}});
  }
  return c;
}

}  // namespace

TEST_CASE(
    "at the default tolerance a ketamine model's plasma is right to 1e-6 above 1e-3 mg/L, any to 5e-6 of its highest") {
  const Cohort minutes = minute_cohort(1, 200), mixed = random_cohort(2, 200);
  const Worst sub_anaesthetic = worst_error(minutes, solved<Eight, 2>(minutes, everyone(minutes)), 1e-3);
  CHECK(sub_anaesthetic.relative < 1e-6);
  CHECK(sub_anaesthetic.of_highest < 1e-6);
  const Answers loose = solved<Eight, 2>(minutes, everyone(minutes)),
                sure = solved<Eight, 2>(minutes, everyone(minutes), tight);
  for (std::size_t i = 0; i < loose.auc.size(); ++i) {
    REQUIRE(loose.auc[i] == Approx(sure.auc[i]).epsilon(1e-6));
    REQUIRE(loose.cmax[i] == Approx(sure.cmax[i]).epsilon(1e-6));
    REQUIRE(loose.tmax[i] == 40);
  }
  // Where elimination is saturated for long, an early error is one of time, and weighs more the lower plasma has come.
  const Worst any = worst_error(mixed, solved<Eight>(mixed, everyone(mixed)), 1e-3);
  CHECK(any.relative < 5e-5);
  // Where a curve is so smooth that few steps do, what lies between their ends is less right than the ends.
  CHECK(any.of_highest < 5e-6);
}

TEST_CASE("lanes agree with the scalar solver to 1e-9 at a tight tolerance, for one, two and three compartments") {
  Cohort cohort = random_cohort(3, 60);
  CHECK(worst_error(cohort, solved<Eight, 3>(cohort, everyone(cohort), tight), 1e-9).relative < 1e-9);
  for (Saturable& m : cohort.models) m.q3 = 0;
  CHECK(worst_error(cohort, solved<Eight, 2>(cohort, everyone(cohort), tight), 1e-9).relative < 1e-9);
  for (Saturable& m : cohort.models) m.q2 = 0;
  CHECK(worst_error(cohort, solved<Eight, 1>(cohort, everyone(cohort), tight), 1e-9).relative < 1e-9);
}

TEST_CASE("without saturable elimination the curve, its area and its peak are those of the exact solution") {
  Cohort cohort = random_cohort(4, 60);
  for (Saturable& m : cohort.models) {
    m.vmax = 0;
    if (m.cl == 0) m.cl = 1;
  }
  const Answers a = solved<Eight>(cohort, everyone(cohort), tight);
  for (std::size_t i = 0; i < cohort.models.size(); ++i) {
    CAPTURE(i);
    const Saturable& m = cohort.models[i];
    std::vector<Segment> segments;
    for (std::size_t s = 0; s < 4; ++s)
      segments.push_back({Micros{std::llround(cohort.starts_min[s] * micros_per_minute)},
                          s < 3 ? Micros{std::llround(cohort.lengths_min[s] * micros_per_minute)} : Micros{0},
                          cohort.given[i].bolus_mg[s], cohort.given[i].rate_mg_per_min[s]});
    const auto exact = solve(Parameters<double>{m.v1, m.cl, m.q2, m.v2, m.q3, m.v3}, segments);
    double highest = 0, area = 0;
    for (int t = 0; t <= 240; ++t) {
      const double c = exact.value(t * Micros{1min}, Curve::plasma());
      REQUIRE(a.at(i, static_cast<std::size_t>(t)) == Approx(c).epsilon(1e-9));
    }
    // Boole's rule within each segment, on the exact curve.
    for (std::size_t s = 0; s < 4; ++s) {
      constexpr int pieces = 4000;
      const double h = cohort.lengths_min[s] / pieces;
      const auto at = [&](int k) {
        const std::int64_t edge = std::llround((cohort.starts_min[s] + cohort.lengths_min[s]) * micros_per_minute);
        const std::int64_t t = std::llround((cohort.starts_min[s] + k * h) * micros_per_minute);
        return exact.value(Micros{std::min(t, k == pieces && s < 3 ? edge - 1 : edge)}, Curve::plasma());
      };
      for (int k = 0; k <= pieces; ++k) highest = std::max(highest, at(k));
      for (int k = 0; k < pieces; k += 4)
        area += 2 * h / 45 * (7 * at(k) + 32 * at(k + 1) + 12 * at(k + 2) + 32 * at(k + 3) + 7 * at(k + 4));
    }
    CHECK(a.auc[i] == Approx(area).epsilon(3e-7));
    CHECK(a.cmax[i] == Approx(highest).epsilon(1e-6));
    CHECK(a.cmax[i] >= highest * (1 - 1e-9));
    const double at_peak = exact.value(Micros{std::llround(a.tmax[i] * micros_per_minute)}, Curve::plasma());
    CHECK(at_peak == Approx(a.cmax[i]).epsilon(1e-6));
  }
}

TEST_CASE("500 saturable models agree with SciPy to 1e-7 in lanes") {
  std::ifstream file(KETPK_SOURCE_DIR "/tests/golden/saturable.jsonl");
  REQUIRE(file);
  int cases = 0;
  double worst = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    const auto j = nlohmann::json::parse(line);
    INFO(j.at("id"));
    const auto& m = j.at("model");
    const auto number = [&](const char* key, double absent) {
      return m.contains(key) ? m.at(key).get<double>() : absent;
    };
    std::vector<Dose> doses;
    for (const auto& e : j.at("events")) {
      const Micros at{e.at("start_us").get<std::int64_t>()}, over{e.at("duration_us").get<std::int64_t>()};
      const double mg = e.at("amount_mg");
      doses.push_back(over.count() == 0 ? bolus(at, mg) : infusion(at, over, mg));
    }
    Cohort c;
    c.models = {{m.at("V1_L"), m.at("CL_L_per_min"), m.at("Vmax_mg_per_min"), m.at("Km_mg_per_L"),
                 number("Q2_L_per_min", 0), number("V2_L", 1), number("Q3_L_per_min", 0), number("V3_L", 1)}};
    c.given.emplace_back();
    const std::vector<Segment> segments = schedule(regimen_of(std::move(doses)));
    std::vector<Micros> times;
    for (const auto& t : j.at("times_us")) times.emplace_back(t.get<std::int64_t>());
    std::vector<std::size_t> order;  // of the instants, as the lanes are asked
    for (std::size_t s = 0; s < segments.size(); ++s) {
      const bool is_last = s + 1 == segments.size();
      const Micros begin = segments[s].start, end = is_last ? std::max<Micros>(24h, begin) : segments[s + 1].start;
      c.starts_min.push_back(minutes(begin));
      c.lengths_min.push_back(minutes(end - begin));
      c.instants_min.emplace_back();
      c.given[0].bolus_mg.push_back(segments[s].bolus_mg);
      c.given[0].rate_mg_per_min.push_back(segments[s].rate_mg_per_min);
      for (std::size_t k = 0; k < times.size(); ++k)
        if (times[k] >= begin && (is_last || times[k] < end)) {
          c.instants_min.back().push_back(minutes(times[k] - begin));
          order.push_back(k);
        }
      REQUIRE(std::is_sorted(c.instants_min.back().begin(), c.instants_min.back().end()));
    }
    const Answers a = solved<Lanes<2>>(c, {0}, tight);
    const double largest = j.at("largest_ng_per_mL").get<double>() / 1000;
    for (std::size_t k = 0; k < order.size(); ++k) {
      const double expected = j.at("plasma_ng_per_mL").at(order[k]).get<double>() / 1000;
      const double d = std::abs(a.at(0, k) - expected) / std::max(expected, 1e-6 * largest);
      if (!(d < 1e-7)) FAIL("differs by " << d);
      worst = std::max(worst, d);
    }
  }
  CAPTURE(worst);
  CHECK(cases == 500);
}

TEST_CASE("what went in is what linear and saturable elimination took out") {
  Cohort cohort = random_cohort(5, 40);
  // Long enough for all to be gone, with instants close enough for Simpson's rule; dense where it is fast.
  cohort.lengths_min.back() = 20000;
  for (std::size_t s = 0; s < 4; ++s) {
    cohort.instants_min[s].clear();
    const int pieces = s < 3 ? 4000 : 80000;
    for (int k = 0; k < pieces || (s == 3 && k == pieces); ++k)
      cohort.instants_min[s].push_back(cohort.lengths_min[s] * std::pow(static_cast<double>(k) / pieces, 2));
  }
  for (std::size_t i = 0; i < 40; ++i) {
    cohort.given[i].rate_mg_per_min[3] = 0;
    cohort.models[i].q3 = 0;  // deep compartments would take weeks
    cohort.models[i].cl = std::max(cohort.models[i].cl, 0.5);
    cohort.models[i].v2 = std::min(cohort.models[i].v2, 100.0);
  }
  const Answers a = solved<Eight>(cohort, everyone(cohort), {.rtol = 1e-9, .atol_per_dose = 1e-15});
  for (std::size_t i = 0; i < 40; ++i) {
    CAPTURE(i);
    const Saturable& m = cohort.models[i];
    double dose = 0, saturable = 0, area = 0;
    std::size_t first = 0;
    for (std::size_t s = 0; s < 4; ++s) {
      dose += cohort.given[i].bolus_mg[s] + cohort.given[i].rate_mg_per_min[s] * cohort.lengths_min[s];
      const auto& t = cohort.instants_min[s];
      // In u, with t = length u^2, the instants are evenly spaced; the segment's end is left out where another follows.
      const std::size_t pieces = s < 3 ? t.size() : t.size() - 1;
      const double h = 1.0 / static_cast<double>(pieces);
      for (std::size_t k = 0; k < t.size(); ++k) {
        const double c = a.at(i, first + k), weight = k == 0 || k == pieces ? 1 : k % 2 == 1 ? 4 : 2;
        const double w = h / 3 * weight * 2 * cohort.lengths_min[s] * static_cast<double>(k) * h;
        area += w * c;
        saturable += w * m.vmax * c / (m.km + c);
      }
      if (s < 3) {  // plasma just before the edge is what is after it less the bolus
        const double c = a.at(i, first + t.size()) - cohort.given[i].bolus_mg[s + 1] / m.v1;
        area += h / 3 * 2 * cohort.lengths_min[s] * c;
        saturable += h / 3 * 2 * cohort.lengths_min[s] * m.vmax * c / (m.km + c);
      }
      first += t.size();
    }
    CHECK(m.cl * a.auc[i] + saturable == Approx(dose).epsilon(1e-7));
    CHECK(a.auc[i] == Approx(area).epsilon(1e-7));
  }
}

TEST_CASE("a subject's bits do not depend on its neighbours, their number, or where it stands") {
  Cohort cohort = random_cohort(6, 61);
  cohort.models[7].vmax = not_a_number;
  cohort.models[20].v2 = not_a_number;
  cohort.models[21].q2 = 1e9, cohort.models[21].v2 = 1;
  cohort.models[33].km = -0.01;
  cohort.models[40].v1 = 0;
  cohort.given[50].bolus_mg[2] = infinity;
  const LaneOdeOptions options{.max_steps = 2000};
  const auto all = everyone(cohort);
  const Answers first = solved<Eight>(cohort, all, options);
  const auto check = [&](const Answers& a, const std::vector<std::size_t>& who) {
    for (std::size_t j = 0; j < who.size(); ++j)
      if (!same(a, j, first, who[j])) return false;
    return true;
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    auto who = all;
    std::mt19937_64 bits(seed);
    for (std::size_t k = who.size(); k-- > 1;) std::swap(who[k], who[bits() % (k + 1)]);
    who.resize(1 + bits() % who.size());
    CHECK(check(solved<Eight>(cohort, who, options), who));
  }
  CHECK(check(solved<Lanes<2>>(cohort, all, options), all));
  CHECK(check(solved<Lanes<16>>(cohort, all, options), all));
  CHECK(check(solved<Lanes<32>>(cohort, all, options), all));
  CHECK(check(solved<Lanes<64>>(cohort, all, options), all));
  CHECK(check(solved<Lanes<4, isa::avx2>>(cohort, all, options), all));
  CHECK(check(solved<Lanes<16, isa::avx512>>(cohort, all, options), all));
  for (const std::size_t i : {std::size_t{0}, std::size_t{21}, std::size_t{60}})
    CHECK(check(solved<Eight>(cohort, {i}, options), {i}));
}

TEST_CASE("a subject that fails says why, has no number at all, and takes nobody with it") {
  Cohort cohort = random_cohort(7, 12);
  const Answers sound = solved<Eight>(cohort, everyone(cohort));
  const std::vector<double Saturable::*> parameters{&Saturable::v1, &Saturable::cl, &Saturable::vmax, &Saturable::km,
                                                    &Saturable::q2, &Saturable::v2, &Saturable::q3,   &Saturable::v3};
  for (std::size_t k = 0; k < parameters.size(); ++k) cohort.models[k].*parameters[k] = not_a_number;
  cohort.models[8].q2 = 1e9, cohort.models[8].v2 = 1;  // a compartment that fills in nanoseconds
  cohort.models[9].km = -0.01;                         // plasma falls to where the slope is infinite
  cohort.models[10].cl = -1e4;                         // grows beyond every number
  const Answers a = solved<Eight>(cohort, everyone(cohort), {.max_steps = 5000});
  for (std::size_t i = 0; i < 11; ++i) {
    CAPTURE(i);
    CHECK(a.status[i] == (i == 8 || i == 9 ? LaneStatus::too_many_steps : LaneStatus::not_finite));
    for (std::size_t k = 0; k < a.instants; ++k) REQUIRE(std::isnan(a.at(i, k)));
    CHECK((std::isnan(a.auc[i]) && std::isnan(a.cmax[i]) && std::isnan(a.tmax[i])));
  }
  // It hovers there, which a tight tolerance cannot follow.
  CHECK(solved<Eight>(cohort, {9}, tight).status[0] == LaneStatus::step_too_small);
  CHECK(a.accepted[8] + a.rejected[8] == 5000);
  for (std::size_t i = 0; i < 8; ++i) CHECK(a.accepted[i] + a.rejected[i] == 1);
  CHECK(same(a, 11, sound, 11));
}

TEST_CASE("to ask for area and peak changes no bit of the curve") {
  const Cohort cohort = random_cohort(8, 40);
  const Answers with = solved<Eight, 3, true>(cohort, everyone(cohort));
  const Answers without = solved<Eight, 3, false>(cohort, everyone(cohort));
  CHECK(with.plasma == without.plasma);
  CHECK(with.accepted == without.accepted);
}

TEST_CASE("an instant at a dose edge shows plasma after the bolus, also where the course ends with it") {
  Cohort cohort{.starts_min = {0, 5, 5.5},
                .lengths_min = {5, 0.5, 0},
                .instants_min = {{0, 0, 2}, {0}, {0, 0}},
                .models = {{.v1 = 10}},
                .given = {{{20, 30, 40}, {0, 0, 0}}}};
  const Answers a = solved<Eight>(cohort, {0});
  CHECK(a.at(0, 0) == 2);
  CHECK(a.at(0, 1) == 2);
  CHECK((a.at(0, 2) < 2 && a.at(0, 2) > 1.8));
  CHECK((a.at(0, 3) > 4.6 && a.at(0, 3) < 5));
  CHECK((a.at(0, 4) > 8.4 && a.at(0, 4) < 9));
  CHECK(a.at(0, 5) == a.at(0, 4));
  CHECK(a.cmax[0] == a.at(0, 4));
  CHECK(a.tmax[0] == 5.5);
}

TEST_CASE("an infusion of a microsecond is a bolus, and a pause is without input") {
  constexpr double microsecond = 1 / 60e6;
  const Saturable model{.v1 = 5, .cl = 0.5, .vmax = 0.6, .km = 0.3, .q2 = 1, .v2 = 20};
  Cohort cohort{.starts_min = {0, microsecond, 60},
                .lengths_min = {microsecond, 60 - microsecond, 60},
                .instants_min = {{}, {5, 10, 30}, {0, 30, 60}},
                .models = {model, model},
                .given = {{{10, 0, 0}, {0, 0, 0.2}}, {{0, 0, 0}, {10 / microsecond, 0, 0.2}}}};
  const Answers a = solved<Eight>(cohort, {0, 1}, {.rtol = 1e-9});
  for (std::size_t k = 0; k < a.instants; ++k) CHECK(a.at(1, k) == Approx(a.at(0, k)).epsilon(1e-6));
  CHECK(a.at(0, 2) < a.at(0, 1));
  CHECK(a.at(0, 4) > a.at(0, 3));
  CHECK(a.auc[1] == Approx(a.auc[0]).epsilon(1e-6));
}

TEST_CASE("the highest plasma is that of a fine scan of the scalar solution, and it is at a dose edge or the end") {
  const Cohort cohort = random_cohort(11, 40);
  const Answers a = solved<Eight>(cohort, everyone(cohort), tight);
  for (std::size_t i = 0; i < 40; ++i) {
    CAPTURE(i);
    const auto x = scalar(cohort, i);
    double highest = 0;
    for (int k = 0; k <= 240 * 60; ++k) highest = std::max(highest, x.value(k * Micros{1s}, Curve::plasma()));
    CHECK(a.cmax[i] >= highest * (1 - 1e-9));
    const double t = a.tmax[i];
    if (t == 0 || t == 90) {  // of a bolus
      CHECK(a.cmax[i] == Approx(highest).epsilon(1e-9));
    } else {
      CHECK((t == 10 || t == 50 || t == 240));
      const double before = x.value(Micros{std::llround(t * micros_per_minute) - 1}, Curve::plasma());
      CHECK(a.cmax[i] == Approx(before).epsilon(1e-7));
    }
  }
}

TEST_CASE("no dose is no plasma, in no time") {
  Cohort cohort = random_cohort(9, 3);
  for (Given& g : cohort.given) g = {{0, 0, 0, 0}, {0, 0, 0, 0}};
  const Answers a = solved<Eight>(cohort, everyone(cohort));
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t k = 0; k < a.instants; ++k) REQUIRE(a.at(i, k) == 0);
    CHECK((a.auc[i] == 0 && a.cmax[i] == 0 && a.tmax[i] == 0));
    CHECK(a.accepted[i] < 60);
    CHECK(a.rejected[i] == 0);
  }
}

TEST_CASE(
    "40 min of infusion and 200 of washout take as many steps in lanes as alone: 220, with two that are rejected") {
  const Cohort cohort = minute_cohort(10, 50);
  const LaneOdeOptions options;
  const Answers a = solved<Eight, 2>(cohort, everyone(cohort), options);
  double lanes = 0, rejected = 0, alone = 0;
  for (std::size_t i = 0; i < 50; ++i) {
    const auto work = scalar(cohort, i, {.rtol = options.rtol, .atol_per_dose = options.atol_per_dose}).work();
    lanes += a.accepted[i] + a.rejected[i];
    rejected += a.rejected[i];
    alone += static_cast<double>(work.accepted_steps + work.rejected_steps);
    CHECK(a.accepted[i] + a.rejected[i] < 320);
  }
  CAPTURE(lanes / 50, rejected / 50, alone / 50);
  CHECK(lanes / 50 < 220);
  CHECK(rejected / 50 < 2);
  CHECK(lanes == Approx(alone).epsilon(0.03));
}
