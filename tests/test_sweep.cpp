// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "ketpk/library.hpp"
#include "ketpk/sweep.hpp"
#include "made_up.hpp"
#include "sub_anaesthetic.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;

namespace {

Request base() {
  return {.patient = {.weight = 70_kg, .age = Age(42, unit::yr)},
          .order = made_up::order_of({Infuse{0.5_mg_per_kg, 40min}}),
          .model = library::find("kamp2020"),
          .limits = fixture::limits(),
          .as_of = fixture::today,
          .time_above = {Stated<dim::concentration>(100, unit::ng_per_mL)}};
}

NumberAxis doses(std::vector<double> values) { return {{Varied::dose}, unit::mg_per_kg, std::move(values)}; }
NumberAxis durations(std::vector<double> values) { return {{Varied::duration}, unit::min, std::move(values)}; }

/// The number of the column called `name`.
double at(const Sweep& s, const std::string& name, std::size_t row) {
  for (std::size_t c = 0; c < s.answers.names.size(); ++c)
    if (s.answers.names[c] == name) return s.answers.columns[c][row];
  FAIL("no column " << name);
  return 0;
}

std::string joined_codes(const Assessment& a) {
  std::string codes;
  for (const Flag& f : a.flags) codes += (codes.empty() ? "" : ";") + f.code;
  return codes;
}

std::string refusal(SweepRequest request) {
  try {
    (void)sweep(std::move(request));
  } catch (const InvalidInput& e) {
    return std::string(name_of(e.code)) + ' ' + e.field;
  }
  return "accepted";
}

}  // namespace

TEST_CASE("every point is the single call with its numbers, to the bit, and the last axis varies fastest") {
  const std::vector<double> mg_per_kg{0.1, 0.5, 1.2}, min{20, 40}, kg{45, 70, 128.5};
  const std::vector<ModelCard> models{library::find("kamp2020"), library::find("clements1981")};
  const Sweep s = sweep(
      {base(), {doses(mg_per_kg), ModelAxis{models}, NumberAxis{{Varied::weight}, unit::kg, kg}, durations(min)}});
  REQUIRE(s.points() == 3 * 2 * 3 * 2);
  std::size_t row = 0;
  for (std::size_t d = 0; d < 3; ++d)
    for (const ModelCard& card : models)
      for (const double w : kg)
        for (const double t : min) {
          INFO(row);
          Request one = base();
          one.model = card;
          one.patient.weight = Stated<dim::body>(w, unit::kg);
          one.order.inputs = {Infuse{StatedDose(mg_per_kg[d], unit::mg_per_kg), std::chrono::minutes{int(t)}}};
          const Result r = std::get<Result>(simulate(one, NoSecondSolver{}));
          CHECK(at(s, "cmax_ng_per_mL", row) == r.summary.plasma.ng_per_mL);
          CHECK(at(s, "tmax_min", row) == r.summary.plasma.min);
          CHECK(at(s, "auc_inf_ng_h_per_mL", row) == r.summary.auc_inf_ng_h_per_mL);
          CHECK(at(s, "delivered_mg", row) == r.summary.delivered_mg);
          CHECK(at(s, "minutes_above_100_ng_per_mL", row) == r.time_above[0].minutes);
          CHECK(s.answers.verdicts[row] == r.assessment.verdict.kind);
          CHECK(s.answers.flags[row] == joined_codes(r.assessment));
          CHECK_FALSE(s.refused[row].has_value());
          CHECK(s.place(row, 0) == d);
          ++row;
        }
}

TEST_CASE("limits are held at each point: the dose at which a flag appears is the limit's") {
  std::vector<double> grid;
  for (int i = 1; i <= 24; ++i) grid.push_back(i / 20.0);
  const Sweep s = sweep({base(), {doses(grid)}});
  for (std::size_t row = 0; row < grid.size(); ++row) {
    INFO(grid[row]);
    CHECK((s.answers.flags[row].find("DOSE_PER_WEIGHT_HIGH") != std::string::npos) == grid[row] > 0.5);
    CHECK((s.answers.verdicts[row] == VerdictKind::hard) == grid[row] > 1);
  }
}

TEST_CASE("a pause is the events that a session would state, and none where it is zero") {
  const Spot pause{.what = Varied::pause, .pause_at = 15min};
  const Sweep s = sweep({base(), {NumberAxis{pause, unit::min, {0, 10, 25}}}});
  for (std::size_t row = 0; row < 3; ++row) {
    Request one = base();
    const auto length = std::chrono::minutes{std::array{0, 10, 25}[row]};
    if (row > 0) one.order.events = {{0, 15min, Pause{}}, {0, 15min + length, Resume{}}};
    const Result r = std::get<Result>(simulate(one, NoSecondSolver{}));
    CHECK(at(s, "cmax_ng_per_mL", row) == r.summary.plasma.ng_per_mL);
    CHECK(at(s, "tmax_min", row) == r.summary.plasma.min);
  }
  CHECK(at(s, "tmax_min", 2) == 65);
}

TEST_CASE("a point that cannot be asked keeps its row, says why and disturbs no other") {
  const Sweep s = sweep({base(), {NumberAxis{{Varied::weight}, unit::kg, {70, 7000, 80}}, doses({0.5, -1})}});
  REQUIRE(s.points() == 6);
  for (const std::size_t row : {1U, 2U, 3U, 5U}) {
    REQUIRE(s.refused[row].has_value());
    CHECK(std::isnan(at(s, "cmax_ng_per_mL", row)));
    CHECK(s.answers.flags[row].empty());
    CHECK(s.refused[row]->code == Code::range);
    CHECK(s.refused[row]->field == (row == 2 || row == 3 ? "patient.weight" : "order[0].infuse"));
  }
  const Sweep alone = sweep({base(), {NumberAxis{{Varied::weight}, unit::kg, {80}}, doses({0.5})}});
  CHECK(at(s, "cmax_ng_per_mL", 4) == at(alone, "cmax_ng_per_mL", 0));
}

TEST_CASE("what is wrong with the sweep itself is thrown") {
  CHECK(refusal({base(), {}}) == "E_FIELD_MISSING vary");
  CHECK(refusal({base(), {doses({})}}) == "E_FIELD_MISSING vary[0]");
  CHECK(refusal({base(), {doses({0.1}), doses({0.2})}}) == "E_FIELD_DUPLICATE vary[1]");
  CHECK(refusal({base(), {doses({0.1, NAN})}}) == "E_NONFINITE vary[0]");
  CHECK(refusal({base(), {doses(std::vector<double>(1001, 0.5)), durations(std::vector<double>(1000, 40))}}) ==
        "E_SIZE vary");
  // Where no point can be asked, the first one's reason.
  Request undeclared = base();
  undeclared.order.form = Form::unstated;
  CHECK(refusal({undeclared, {doses({0.1, 0.2})}}) == "E_FIELD_MISSING form");
  CHECK(refusal({base(), {NumberAxis{{Varied::bolus}, unit::mg, {5}}}}) == "E_ARG order[0].bolus");
  CHECK(refusal({base(), {NumberAxis{{Varied::duration, 3}, unit::min, {5}}}}) == "E_ARG order[3].over");
}

TEST_CASE("evenly spaced numbers end where they should and look like decimals") {
  const std::vector<double> tenths = evenly(0.1, 1, 10);
  CHECK(tenths == std::vector<double>{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1});
  CHECK(evenly(130, 45, 2) == std::vector<double>{130, 45});
  CHECK_THROWS_AS(evenly(0, 1, 1), InvalidInput);
}

TEST_CASE("asked twice, the answers are the same and the difference is a column") {
  SweepRequest request{base(), {doses({0.2, 0.5})}};
  const Sweep once = sweep(request);
  request.is_checked = true;
  const Sweep twice = sweep(request);
  for (std::size_t row = 0; row < 2; ++row) {
    CHECK(at(once, "cmax_ng_per_mL", row) == at(twice, "cmax_ng_per_mL", row));
    CHECK(at(twice, "agreement_rel", row) <= 1e-8);
  }
}

TEST_CASE("numbers of every kind go where a session would state them") {
  Request request = base();
  request.order.inputs = {Bolus{StatedDose(5, unit::mg)}, InfuseAtRate{StatedRate(30, unit::mL_per_h), 40min}};
  request.order.bag = Stated<dim::concentration>(1, unit::mg_per_mL);
  put(request, {Varied::bolus, 0}, 7, unit::mg);
  put(request, {Varied::rate, 1}, 25, unit::mL_per_h);
  put(request, {Varied::start, 1}, 5, unit::min);
  put(request, {Varied::bag}, 2, unit::mg_per_mL);
  put(request, {Varied::height}, 180, unit::cm);
  put(request, {Varied::age}, 50, unit::yr);
  const auto& bolus = std::get<Bolus>(request.order.inputs[0]);
  const auto& infusion = std::get<InfuseAtRate>(request.order.inputs[1]);
  CHECK(bolus.amount.number() == 7);
  CHECK(infusion.rate.number() == 25);
  CHECK(infusion.at == 5min);
  CHECK(request.order.bag->number() == 2);
  CHECK(request.patient.height->number() == 180);
  CHECK(request.patient.age->in(unit::yr) == 50);
}
