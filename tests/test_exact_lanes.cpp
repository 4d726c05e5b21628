// SPDX-License-Identifier: Apache-2.0
// The lane path is held against the single-patient one (which golden and laws hold against other solvers), and against
// itself: another place, other neighbours, another instruction set must not move a bit.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "golden.hpp"
#include "ketpk/exposure.hpp"
#include "ketpk/kernels.hpp"
#include "ketpk/schedule.hpp"
#include "ketpk/solve.hpp"
#include "random_cases.hpp"

using namespace ketpk;
using namespace ketpk::testing;

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
constexpr double untouched = -12345;

/// Instants in order, as the longest evenly spaced runs that stay in one segment.
std::vector<EvenRun> runs_of(const std::vector<Micros>& times, const std::vector<Segment>& segments) {
  const auto holds = [&](Micros t) {
    std::size_t i = 0;
    while (i + 1 < segments.size() && segments[i + 1].start <= t) ++i;
    return i;
  };
  std::vector<EvenRun> out;
  for (std::size_t k = 0; k < times.size(); ++k) {
    const std::size_t i = holds(times[k]);
    const bool goes_on = !out.empty() && out.back().segment == i && out.back().count < march_length &&
                         times[k] > times[k - 1] &&
                         (out.back().count == 1 || times[k] - times[k - 1] == times[k - 1] - times[k - 2]);
    if (!goes_on) {
      out.push_back({i, minutes(times[k] - segments[i].start), 0, k, 1});
      continue;
    }
    out.back().step_min = minutes(times[k] - times[k - 1]);
    ++out.back().count;
  }
  return out;
}

/// One subject of a block: parameters, and times what the shared doses are for him.
struct Subject {
  Parameters<double> parameters;
  double dose_times = 1;
};

/// What is asked of a block.
struct Asked {
  std::vector<Segment> segments;
  std::vector<Micros> times = {};
  std::vector<LevelAsked> levels = {};
  std::size_t row_offset = 0;  ///< doubles beyond a boundary of 64 bytes
};

struct Answered {
  std::size_t subjects = 0, instants = 0;
  std::vector<double> rows, columns, cmax, tmax, above;
  std::vector<std::uint8_t> turns;

  [[nodiscard]] std::span<const double> row(std::size_t i) const { return {&rows[i * instants], instants}; }
  /// Every number of subject `i`.
  [[nodiscard]] std::vector<double> all_of(std::size_t i) const {
    std::vector<double> out;
    for (std::size_t k = 0; k < instants; ++k) out.push_back(rows[i * instants + k]);
    for (std::size_t k = 0; k < instants; ++k) out.push_back(columns[k * block_size + i]);
    out.insert(out.end(), {cmax[i], tmax[i], static_cast<double>(turns[i])});
    for (std::size_t k = i; k < above.size(); k += block_size) out.push_back(above[k]);
    return out;
  }
};

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}
bool same_bits(const Answered& a, const Answered& b) {
  return same_bits(a.rows, b.rows) && same_bits(a.columns, b.columns) && same_bits(a.cmax, b.cmax) &&
         same_bits(a.tmax, b.tmax) && same_bits(a.above, b.above) && a.turns == b.turns;
}

/// Memory of which a block may write a part; the rest must stay as it is.
struct Fenced {
  static constexpr std::size_t fence = 64;
  std::vector<double> memory;
  double* inside;
  std::size_t size;

  Fenced(std::size_t n, std::size_t offset) : memory(n + offset + 2 * fence + 8, untouched), size(n) {
    void* from = memory.data() + fence;
    std::size_t room = (n + offset + 8 + fence) * sizeof(double);
    inside = static_cast<double*>(std::align(64, n * sizeof(double), from, room)) + offset;
  }
  [[nodiscard]] bool holds() const {
    return std::all_of(memory.data(), static_cast<const double*>(inside), [](double x) { return x == untouched; }) &&
           std::all_of(static_cast<const double*>(inside) + size, memory.data() + memory.size(),
                       [](double x) { return x == untouched; });
  }
};

Answered answer(const Kernels& kernels, const std::vector<Subject>& subjects, const Asked& asked) {
  const std::size_t n = subjects.size();
  std::array<OfBlock, 6> p;
  std::vector<OfBlock> boluses(asked.segments.size()), rates(asked.segments.size());
  for (std::size_t i = 0; i < block_size; ++i) {
    const Subject& s = subjects[std::min(i, n - 1)];
    const auto& q = s.parameters;
    const std::array<double, 6> of{q.v1_L, q.cl_L_per_min, q.q2_L_per_min, q.v2_L, q.q3_L_per_min, q.v3_L};
    for (std::size_t k = 0; k < of.size(); ++k) p[k][i] = of[k];
    for (std::size_t k = 0; k < asked.segments.size(); ++k) {
      boluses[k][i] = asked.segments[k].bolus_mg * s.dose_times;
      rates[k][i] = asked.segments[k].rate_mg_per_min * s.dose_times;
    }
  }
  std::vector<BlockSegment> segments;
  for (std::size_t k = 0; k < asked.segments.size(); ++k)
    segments.push_back({asked.segments[k].start, asked.segments[k].duration, boluses[k].data(), rates[k].data()});
  const auto runs = runs_of(asked.times, asked.segments);
  Answered out{.subjects = n,
               .instants = asked.times.size(),
               .rows = {},
               .columns = {},
               .cmax = {},
               .tmax = {},
               .above = {},
               .turns = {}};
  out.columns.assign(out.instants * block_size, untouched);
  out.cmax.assign(block_size, untouched);
  out.tmax.assign(block_size, untouched);
  out.above.assign(asked.levels.size() * block_size, untouched);
  out.turns.assign(block_size, 77);
  Fenced rows(n * out.instants, asked.row_offset);
  kernels.exact({.subjects = n,
                 .v1_L = p[0].data(),
                 .cl_L_per_min = p[1].data(),
                 .q2_L_per_min = p[2].data(),
                 .v2_L = p[3].data(),
                 .q3_L_per_min = p[4].data(),
                 .v3_L = p[5].data(),
                 .segments = segments,
                 .runs = runs,
                 .instants = out.instants,
                 .rows_ng_per_mL = rows.inside,
                 .columns_ng_per_mL = out.columns.data(),
                 .cmax_ng_per_mL = out.cmax.data(),
                 .tmax_min = out.tmax.data(),
                 .levels = asked.levels,
                 .minutes_above = out.above.data(),
                 .turns_inside = out.turns.data()});
  REQUIRE(rows.holds());
  out.rows.assign(rows.inside, rows.inside + rows.size);
  return out;
}

std::vector<Kernels> kernels_here() {
  std::vector<Kernels> out;
  for (const InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512})
    if (const auto kernels = kernels_for(set)) out.push_back(*kernels);
  return out;
}
const Kernels baseline = kernels_of<isa::baseline>(InstructionSet::baseline);

std::vector<Micros> every(Micros step, std::size_t n) {
  std::vector<Micros> out;
  for (std::size_t k = 0; k < n; ++k) out.push_back(static_cast<std::int64_t>(k) * step);
  return out;
}
std::vector<Micros> anywhere(Random& r, Micros until, std::size_t n) {
  std::vector<Micros> out;
  for (std::size_t k = 0; k < n; ++k) out.push_back(r.instant(Micros{0}, until));
  std::sort(out.begin(), out.end());
  return out;
}

/// Without an effect site and metabolites, which lanes do not have; at times with an exchange of nothing.
Parameters<double> random_plasma(Random& r) {
  Parameters<double> p = random_parameters(r);
  p.ke0_per_min.reset();
  p.metabolites.clear();
  return p;
}

/// Subjects of whom nothing can come.
std::vector<Subject> hopeless() {
  const Parameters<double> fine{20, 1, 1, 40, 0.5, 100};
  std::vector<Subject> out;
  for (const double bad : {nan, inf, -inf, 0.0, -1.0, 1e300, 5e-324, 1e-300}) {
    for (int which = 0; which < 6; ++which) {
      Parameters<double> p = fine;
      double* const field[] = {&p.v1_L, &p.cl_L_per_min, &p.q2_L_per_min, &p.v2_L, &p.q3_L_per_min, &p.v3_L};
      *field[which] = bad;
      out.push_back({p, 1});
    }
    out.push_back({fine, bad});
    out.push_back({{bad, bad, bad, bad, bad, bad}, bad});
  }
  return out;
}

/// What one patient's path says, and how far the lanes are from it.
struct Beside {
  double plasma = 0, cmax = 0, tmax = 0, above = 0;
  bool turns = false;
};
Beside beside_one_patient(const Answered& lanes, std::size_t i, const Subject& s, const Asked& asked) {
  std::vector<Segment> own = asked.segments;
  for (Segment& each : own) {
    each.bolus_mg *= s.dose_times;
    each.rate_mg_per_min *= s.dose_times;
  }
  const auto alone = solve(s.parameters, own);
  Beside out;
  std::vector<double> curve;
  for (const Micros t : asked.times) curve.push_back(alone.value(t, Curve::plasma()) * 1000);
  const double largest = curve.empty() ? 0 : *std::max_element(curve.begin(), curve.end());
  for (std::size_t k = 0; k < curve.size(); ++k) {
    if (largest == 0) {
      REQUIRE(lanes.row(i)[k] == 0);
      continue;
    }
    const double d = reference_difference(lanes.row(i)[k], curve[k], largest);
    if (!(d <= out.plasma)) out.plasma = d;
  }
  const auto course = course_of(alone, Curve::plasma());
  for (std::size_t k = 0; k < own.size(); ++k)
    out.turns = out.turns || !alone.turning_points(k, Curve::plasma()).empty();
  if (lanes.turns[i] != 0) return out;
  const Peak top = peak(course);
  out.cmax = std::abs(lanes.cmax[i] / top.ng_per_mL - 1);
  out.tmax = std::abs(lanes.tmax[i] - top.min);
  for (std::size_t k = 0; k < asked.levels.size(); ++k) {
    const double due = time_above(course, asked.levels[k].ng_per_mL, asked.levels[k].until).minutes;
    const double d = std::abs(lanes.above[k * block_size + i] - due) / std::max(1.0, due);
    if (!(d <= out.above)) out.above = d;
  }
  return out;
}

}  // namespace

TEST_CASE("on all reference cases the lanes and one patient's path agree to 1e-13, whatever the instruction set") {
  int told = 0, answered = 0;
  for (const Kernels& kernels : kernels_here())
    for (const GoldenCase& c : golden_cases()) {
      INFO(c.id << ", " << name_of(kernels.set));
      const auto& threshold = c.expected["above"]["threshold_ng_per_mL"];
      Asked asked{.segments = schedule(c.regimen),
                  .times = c.times,
                  .levels = {{threshold.get<double>(), c.end}, {threshold.get<double>() / 3}}};
      const std::vector<Subject> one{{c.parameters}};
      for (const bool on_grid : {false, true}) {
        if (on_grid) asked.times = every(Micros{c.end.count() / 240}, 241);
        const Answered lanes = answer(kernels, one, asked);
        const Beside beside = beside_one_patient(lanes, 0, one[0], asked);
        CHECK(beside.plasma < 1e-13);
        CHECK(beside.cmax < 1e-13);
        CHECK(beside.tmax == 0);
        CHECK(beside.above < 1e-13);
        CHECK((lanes.turns[0] != 0 || !beside.turns));
        ++(lanes.turns[0] != 0 ? told : answered);
        // The lanes alone against the 45 digits of the reference.
        if (on_grid || lanes.turns[0] != 0) continue;
        const double end = minutes(c.end);
        if (lanes.tmax[0] <= end)
          CHECK(lanes.cmax[0] == Approx(c.expected["cmax_ng_per_mL"].get<double>()).epsilon(1e-9));
        CHECK(std::abs(lanes.above[0] - c.expected["above"]["minutes_until_end"].get<double>()) < 1e-6);
      }
    }
  CHECK(answered > told);
  CHECK(told > 0);
}

TEST_CASE("on random cases the lanes agree with one patient, or say that the curve may turn inside a segment") {
  int told = 0, turned = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    Asked asked{.segments = schedule(random_regimen(r)),
                .times = r.one_in(2) ? anywhere(r, Micros{240 * 60'000'000LL}, 40) : every(Micros{60'000'000}, 241),
                .levels = {{r.log_between(1, 2000)}, {r.log_between(1, 2000), r.micros(1, 400)}}};
    std::vector<Subject> subjects;
    for (int i = 0; i < 9; ++i) subjects.push_back({random_plasma(r), r.log_between(0.1, 10)});
    const Answered lanes = answer(best_kernels(), subjects, asked);
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      INFO("subject " << i);
      const Beside beside = beside_one_patient(lanes, i, subjects[i], asked);
      CHECK(beside.plasma < 1e-13);
      CHECK(beside.cmax < 1e-13);
      CHECK(beside.tmax < 1e-12);
      CHECK(beside.above < 1e-11);
      CHECK((lanes.turns[i] != 0 || !beside.turns));
      told += lanes.turns[i] != 0 ? 1 : 0;
      turned += beside.turns ? 1 : 0;
    }
  }
  CHECK(turned > 100);
  CHECK(told < 3 * turned);  // what is told by caution costs time, so it must not be the rule
}

TEST_CASE("a second infusion that turns the curve inside a segment is told") {
  // The end of a bolus's fast fall and a weak infusion: down, then up.
  const Subject s{{10, 0.5, 3, 40, 0, 1}};
  const Asked asked{
      .segments = {{Micros{0}, Micros{120 * 60'000'000LL}, 50, 0.6}, {Micros{120 * 60'000'000LL}, Micros{0}, 0, 0}},
      .times = every(Micros{60'000'000}, 121)};
  for (const Kernels& kernels : kernels_here()) {
    const Answered lanes = answer(kernels, {s}, asked);
    const auto row = lanes.row(0);
    const auto lowest = std::min_element(row.begin(), row.end());
    REQUIRE(lowest != row.begin());
    REQUIRE(lowest != row.end() - 1);
    CHECK(lanes.turns[0] == 1);
  }
}

TEST_CASE("instruction sets give the same bits, of sound subjects and of hopeless ones") {
  if (kernels_here().size() == 1) WARN("this machine has the baseline only; nothing to compare");
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    INFO("seed " << seed);
    Random r(seed);
    Asked asked{.segments = schedule(random_regimen(r)),
                .times = r.one_in(2) ? anywhere(r, Micros{240 * 60'000'000LL}, 33) : every(r.micros(0.1, 5), 50),
                .levels = {{r.log_between(1, 2000)}, {r.log_between(1, 2000), r.micros(1, 400)}}};
    std::vector<Subject> subjects;
    for (int i = 0; i < 30; ++i) subjects.push_back({random_plasma(r), r.log_between(0.1, 10)});
    const Answered by_baseline = answer(baseline, subjects, asked);
    for (const Kernels& kernels : kernels_here()) {
      INFO(name_of(kernels.set));
      CHECK(same_bits(answer(kernels, subjects, asked), by_baseline));
    }
  }
}

TEST_CASE("no place in the block and no neighbour moves a bit of a subject") {
  const std::vector<Subject> bad = hopeless();
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Random r(seed);
    const Asked asked{
        .segments = schedule(random_regimen(r)),
        .times = r.one_in(2) ? anywhere(r, Micros{240 * 60'000'000LL}, 17) : every(r.micros(0.1, 5), 40),
        .levels = {{r.log_between(1, 2000)}, {r.log_between(1, 2000)}, {r.log_between(1, 50), r.micros(1, 400)}}};
    const Subject one{random_plasma(r), r.log_between(0.1, 10)};
    for (const Kernels& kernels : kernels_here()) {
      const std::vector<double> alone = answer(kernels, {one}, asked).all_of(0);
      for (int round = 0; round < 6; ++round) {
        const auto place = static_cast<std::size_t>(r.below(static_cast<int>(block_size)));
        std::vector<Subject> subjects;
        for (std::size_t i = 0; i < block_size; ++i) {
          const bool is_bad = round >= 3 && r.one_in(2);
          subjects.push_back(is_bad ? bad[static_cast<std::size_t>(r.below(static_cast<int>(bad.size())))]
                                    : Subject{random_plasma(r), r.log_between(1e-3, 1e3)});
        }
        subjects[place] = one;
        INFO("seed " << seed << ", " << name_of(kernels.set) << ", place " << place << ", round " << round);
        CHECK(same_bits(answer(kernels, subjects, asked).all_of(place), alone));
      }
    }
  }
}

TEST_CASE("hopeless subjects are no reason to stop, and never look like an answer where they are none") {
  const std::vector<Subject> bad = hopeless();
  const Asked asked{.segments = schedule(regimen_of({infusion(Micros{0}, Micros{2'400'000'000}, 35)})),
                    .times = every(Micros{60'000'000}, 241),
                    .levels = {{100.0}}};
  for (const Kernels& kernels : kernels_here()) {
    const Answered lanes = answer(kernels, bad, asked);
    for (std::size_t i = 0; i < bad.size(); ++i) {
      const auto& p = bad[i].parameters;
      if (!std::isnan(p.v1_L) && !std::isnan(p.cl_L_per_min) && !std::isnan(bad[i].dose_times)) continue;
      INFO("subject " << i);
      CHECK(std::isnan(lanes.row(i)[240]));
      CHECK((std::isnan(lanes.cmax[i]) || lanes.turns[i] != 0));
    }
  }
}

TEST_CASE("any number of subjects is answered as in a whole block, and nothing is written beside them") {
  Random r(5);
  std::vector<Subject> all;
  for (std::size_t i = 0; i < block_size; ++i) all.push_back({random_plasma(r), r.log_between(0.1, 10)});
  const Asked asked{
      .segments = schedule(random_regimen(r)), .times = every(Micros{60'000'000}, 37), .levels = {{100.0}}};
  for (const Kernels& kernels : kernels_here()) {
    const Answered whole = answer(kernels, all, asked);
    for (const std::size_t n : {1U, 2U, 7U, 8U, 9U, 15U, 16U, 63U, 64U, 65U, 255U, 256U}) {
      INFO(n << " subjects, " << name_of(kernels.set));
      const std::vector<Subject> some(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
      const Answered part = answer(kernels, some, asked);
      bool is_same = true;
      for (std::size_t i = 0; i < n; ++i) is_same = is_same && same_bits(part.all_of(i), whole.all_of(i));
      CHECK(is_same);
    }
  }
}

TEST_CASE("rows and columns are the same bits at any number of instants, wherever the memory of the rows begins") {
  for (const Kernels& kernels : kernels_here())
    for (const std::size_t instants : {1U, 2U, 7U, 8U, 9U, 16U, 17U, 241U, 255U, 256U, 257U, 1000U}) {
      Random r(instants);
      std::vector<Subject> subjects;
      for (int i = 0; i < 21; ++i) subjects.push_back({random_plasma(r), r.log_between(0.1, 10)});
      for (const bool is_even : {true, false}) {
        Asked asked{
            .segments = schedule(random_regimen(r)),
            .times = is_even ? every(r.micros(0.01, 3), instants) : anywhere(r, Micros{300 * 60'000'000LL}, instants)};
        const Answered aligned = answer(kernels, subjects, asked);
        INFO(instants << " instants, even " << is_even << ", " << name_of(kernels.set));
        bool is_same = true;
        for (std::size_t i = 0; i < subjects.size(); ++i)
          for (std::size_t k = 0; k < instants; ++k)
            is_same = is_same && std::memcmp(&aligned.rows[i * instants + k], &aligned.columns[k * block_size + i],
                                             sizeof(double)) == 0;
        CHECK(is_same);
        for (const std::size_t offset : {1U, 3U, 4U, 7U}) {
          asked.row_offset = offset;
          CHECK(same_bits(answer(kernels, subjects, asked), aligned));
        }
        double worst = 0;
        for (std::size_t i = 0; i < subjects.size(); ++i)
          worst = std::max(worst, beside_one_patient(aligned, i, subjects[i], asked).plasma);
        CHECK(worst < 1e-13);
      }
    }
}

TEST_CASE("equal rates, no exchange and hardly any clearance are no exceptions") {
  const std::vector<Subject> subjects{
      {{20, 2, 0, 1, 0, 1}},    // one compartment
      {{20, 2, 3, 40, 0, 1}},   // two
      {{20, 2, 0, 40, 3, 40}},  // two, the other way
      {{20, 2, 3, 40, 3, 40}},  // two rates of the three meet
      {{20, 2, 3, 40, 3, 40 * (1 + 1e-15)}},
      {{20, 2, 3, 40, 3, 40 * (1 + 1e-9)}},
      {{10, 1, 1, 10, 1, 10}},       // all volumes and clearances alike
      {{20, 1e-12, 3, 40, 1, 100}},  // nearly nothing leaves
      {{20, 1e-6, 0, 1, 0, 1}},
      {{20, 2, 1e-12, 40, 1e-12, 100}},  // nearly nothing goes over
      {{20, 2, 50, 0.01, 1e-6, 1e4}},    // stiff
      {{1e-3, 1e-3, 1e-3, 1e3, 1e-6, 1e5}},
      {{20, 2, 3, 40, 1, 100}, 0},  // is given nothing
  };
  const Asked asked{.segments = schedule(
                        regimen_of({infusion(Micros{0}, Micros{2'400'000'000}, 35), bolus(Micros{7'200'000'000}, 10)})),
                    .times = every(Micros{60'000'000}, 241),
                    .levels = {{100.0}, {5.0, Micros{14'400'000'000}}}};
  for (const Kernels& kernels : kernels_here()) {
    const Answered lanes = answer(kernels, subjects, asked);
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      INFO("subject " << i << ", " << name_of(kernels.set));
      if (subjects[i].dose_times == 0) {
        CHECK(lanes.cmax[i] == 0);
        CHECK(lanes.above[i] == 0);
        CHECK(std::all_of(lanes.row(i).begin(), lanes.row(i).end(), [](double x) { return x == 0; }));
        continue;
      }
      const Beside beside = beside_one_patient(lanes, i, subjects[i], asked);
      CHECK(beside.plasma < 1e-13);
      CHECK(beside.cmax < 1e-13);
      CHECK(beside.tmax < 1e-12);
      CHECK(beside.above < 1e-12);
      CHECK((lanes.turns[i] != 0 || !beside.turns));
    }
  }
}
