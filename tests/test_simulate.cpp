// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "ketpk/library.hpp"
#include "ketpk/simulate.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;

namespace {

Request protocol(const char* model = "kamp2020", Analyte analyte = Analyte::racemic_ketamine) {
  return {.patient = {.weight = 70_kg},
          .order = {.analyte = analyte,
                    .form = Form::base,
                    .initial_state = InitialState::drug_free,
                    .inputs = {Infuse{0.5_mg_per_kg, 40min}}},
          .model = library::find(model),
          .observe = {.at = {40min, 60min, 120min}}};
}

Result must(const Outcome& outcome) {
  REQUIRE(std::holds_alternative<Result>(outcome));
  return std::get<Result>(outcome);
}

std::string refusal(const Request& request) {
  try {
    (void)simulate(request);
  } catch (const InvalidInput& e) {
    return std::string(name_of(e.code)) + ' ' + e.field;
  }
  return "accepted";
}

}  // namespace

TEST_CASE("typical values of the published models are those of the literature table") {
  struct Row {
    const char* model;
    Analyte analyte;
    double c40, c60, c120, auc;
  };
  for (const Row& row : {Row{"kamp2020", Analyte::racemic_ketamine, 253, 96, 50, 417},
                         Row{"domino1984", Analyte::racemic_ketamine, 240, 55, 36, 302},
                         Row{"otto2021", Analyte::s_ketamine, 158, 104, 55, 368},
                         Row{"clements1981", Analyte::racemic_ketamine, 177, 115, 59, 436},
                         Row{"herd2007", Analyte::racemic_ketamine, 253, 119, 68, 389}}) {
    INFO(row.model);
    Request request = protocol(row.model, row.analyte);
    request.allowances.extrapolate = true;
    const Result r = must(simulate(request));
    CHECK(std::abs(r.profile.plasma_ng_per_mL[0] - row.c40) <= 0.5);
    CHECK(std::abs(r.profile.plasma_ng_per_mL[1] - row.c60) <= 0.5);
    CHECK(std::abs(r.profile.plasma_ng_per_mL[2] - row.c120) <= 0.5);
    CHECK(std::abs(r.summary.auc_inf_ng_h_per_mL - row.auc) <= 0.5);
  }
}

TEST_CASE("away from 70 kg the weight rule of each card decides") {
  struct Row {
    const char* model;
    Analyte analyte;
    std::array<double, 3> c40;
  };
  const std::array<double, 3> weights{45, 100, 130};
  for (const Row& row : {Row{"kamp2020", Analyte::racemic_ketamine, {236, 268, 279}},
                         Row{"kamp2020-linear", Analyte::racemic_ketamine, {253, 253, 253}},
                         Row{"otto2021", Analyte::s_ketamine, {135, 174, 184}}})
    for (std::size_t i = 0; i < 3; ++i) {
      INFO(row.model << " at " << weights[i] << " kg");
      Request request = protocol(row.model, row.analyte);
      request.patient.weight = BodyMass(weights[i], unit::kg);
      CHECK(std::abs(must(simulate(request)).profile.plasma_ng_per_mL[0] - row.c40[i]) <= 0.5);
    }
}

TEST_CASE("a second solver with one rate constant off by 1e-6 is an internal check that failed, not a result") {
  for (const char* which : {"CL", "V1", "Q2", "V2", "Q3", "V3"}) {
    INFO(which);
    const auto wrong = [&](Parameters<double> p, const std::vector<Segment>& s, const Questions& q) {
      const std::string name = which;
      (name == "CL"   ? p.cl_L_per_min
       : name == "V1" ? p.v1_L
       : name == "Q2" ? p.q2_L_per_min
       : name == "V2" ? p.v2_L
       : name == "Q3" ? p.q3_L_per_min
                      : p.v3_L) *= 1 + 1e-6;
      return second_opinion(p, s, q);
    };
    const Outcome outcome = simulate(protocol(), wrong);
    REQUIRE(std::holds_alternative<Trouble>(outcome));
    CHECK(std::get<Trouble>(outcome).code == Code::internal_check);
  }
}

TEST_CASE("a second solver whose metabolite or effect site is off by 1e-6 is caught too") {
  Request request = protocol("otto2021", Analyte::s_ketamine);
  request.model.ke0 = CardParameter{"ke0", {0.2, unit::per_min}, 0, "made up for this test"};
  (void)must(simulate(request));
  for (const int which : {0, 1, 2}) {
    const auto wrong = [&](Parameters<double> p, const std::vector<Segment>& s, const Questions& q) {
      if (which == 0) *p.ke0_per_min *= 1 + 1e-6;
      if (which == 1) p.metabolites[0].cl_L_per_min *= 1 + 1e-6;
      if (which == 2) p.metabolites[0].fraction *= 1 - 1e-6;
      return second_opinion(p, s, q);
    };
    const Outcome outcome = simulate(request, wrong);
    REQUIRE(std::holds_alternative<Trouble>(outcome));
    CHECK(std::get<Trouble>(outcome).code == Code::internal_check);
  }
}

TEST_CASE("a second solver that drops a segment, or a dose, is caught") {
  Request request = protocol();
  request.order.inputs = {Infuse{0.25_mg_per_kg, 20min}, Infuse{0.25_mg_per_kg, 20min, 30min}, Bolus{1_mg, 90min}};
  for (const std::size_t drop : {0U, 2U, 4U}) {  // 1 and 3 are the pauses between
    INFO("segment " << drop);
    const auto forgetful = [&](const Parameters<double>& p, std::vector<Segment> s, const Questions& q) {
      s[drop].rate_mg_per_min = s[drop].bolus_mg = 0;
      return second_opinion(p, s, q);
    };
    const Outcome outcome = simulate(request, forgetful);
    REQUIRE(std::holds_alternative<Trouble>(outcome));
    CHECK(std::get<Trouble>(outcome).code == Code::internal_check);
  }
}

TEST_CASE("a second solver that fails, or answers NaN, leaves no result") {
  const auto fails = [](const Parameters<double>&, const std::vector<Segment>&, const Questions&) -> Attempt<Answers> {
    return Trouble{Code::solver_maxsteps, "odeint", "100000 steps by 12 min"};
  };
  const Outcome failed = simulate(protocol(), fails);
  REQUIRE(std::holds_alternative<Trouble>(failed));
  CHECK(std::get<Trouble>(failed).code == Code::solver_maxsteps);

  const auto nan = [](const Parameters<double>& p, const std::vector<Segment>& s, const Questions& q) {
    auto attempt = second_opinion(p, s, q);
    std::get<Answers>(attempt).values[0][3] = std::nan("");
    return attempt;
  };
  const Outcome poisoned = simulate(protocol(), nan);
  REQUIRE(std::holds_alternative<Trouble>(poisoned));
  CHECK(std::get<Trouble>(poisoned).code == Code::internal_check);
}

TEST_CASE("the answer is the same whatever is observed") {
  const Result plain = must(simulate(protocol()));
  Request request = protocol();
  request.observe = {};
  const Result none = must(simulate(request));
  CHECK(none.profile.time.empty());
  request.observe = {.every = 30min, .at = {}, .until = 1h};
  const Result coarse = must(simulate(request));
  for (const Result* r : {&none, &coarse}) {
    CHECK(r->summary.plasma.ng_per_mL == plain.summary.plasma.ng_per_mL);
    CHECK(r->summary.plasma.min == plain.summary.plasma.min);
    CHECK(r->summary.auc_inf_ng_h_per_mL == plain.summary.auc_inf_ng_h_per_mL);
  }
  CHECK(coarse.profile.time == std::vector<Micros>{0min, 30min, 60min});
  CHECK(coarse.profile.delivered_mg.back() == Approx(35).epsilon(1e-14));
}

TEST_CASE("a request that cannot be answered says which field and why") {
  Request r = protocol();
  r.observe = {.every = 1min};
  CHECK(refusal(r) == "E_FIELD_MISSING observe.until");
  r.observe = {.every = 0min, .at = {}, .until = 1h};
  CHECK(refusal(r) == "E_RANGE observe.every");
  r.observe = {.every = 1us, .at = {}, .until = 4h};
  CHECK(refusal(r) == "E_SIZE observe.every");
  r.observe = {.at = {2min, 1min}};
  CHECK(refusal(r) == "E_TIME_ORDER observe.at[1]");
  r.observe = {.at = {-1min}};
  CHECK(refusal(r) == "E_RANGE observe.at[0]");
  r.observe = {.at = {24h * 401}};
  CHECK(refusal(r) == "E_RANGE observe.at[0]");
  r = protocol();
  r.time_above = {0.0 * 100_ng_per_mL};
  CHECK(refusal(r) == "E_RANGE questions.time_above[0]");
  r = protocol();
  r.overrides = {{"DOSE_PER_WEIGHT_HIGH", "", "somebody"}};
  CHECK(refusal(r) == "E_FIELD_MISSING overrides[0]");
  r = protocol("herd2007");
  r.patient.age = 42_yr;
  CHECK(refusal(r).starts_with("E_MODEL_DOMAIN"));
  r = protocol("otto2021");
  CHECK(refusal(r) == "E_MODEL_ANALYTE analyte");
}

TEST_CASE("without limits nothing is within limits") {
  CHECK(must(simulate(protocol())).assessment.verdict.kind == VerdictKind::unevaluated);
}

TEST_CASE("without a second solver the numbers are the same, and the result says that nobody compared them") {
  for (const char* model : {"kamp2020", "domino1984"}) {
    const Result both = must(simulate(protocol(model)));
    const Result alone = must(simulate(protocol(model), NoSecondSolver{}));
    CHECK(both.check.second_solver == "odeint");
    CHECK(both.check.agreement_rel.has_value());
    CHECK_FALSE(alone.check.second_solver.has_value());
    CHECK_FALSE(alone.check.agreement_rel.has_value());
    CHECK(alone.check.mass_balance_rel == both.check.mass_balance_rel);
    CHECK(alone.profile.plasma_ng_per_mL == both.profile.plasma_ng_per_mL);
    CHECK(alone.summary.plasma.ng_per_mL == both.summary.plasma.ng_per_mL);
    CHECK(alone.summary.auc_inf_ng_h_per_mL == both.summary.auc_inf_ng_h_per_mL);
  }
}
