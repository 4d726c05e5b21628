// SPDX-License-Identifier: Apache-2.0
// Why: what users of other simulators had to report, established here as facts, from the text of a data file to the
// predicted value. The thread stands above each case.

#include "catch.hpp"

#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/individual.hpp"
#include "ketpk/io.hpp"
#include "ketpk/predict.hpp"
#include "ketpk/solve.hpp"
#include "made_up.hpp"

using namespace ketpk;

namespace {

using made_up::infused;
using made_up::parameter;

ModelCard card() { return made_up::oral_card(unit::mg_per_L); }

Predictions answered(const ModelCard& model, std::string_view csv) {
  const Dataset data = io::read_data(
      csv, {.units = *model.data_units, .compartments = compartments_of(model), .covariates = covariates_of(model)});
  auto answer = predict(model, data);
  if (const auto* trouble = std::get_if<Trouble>(&answer)) FAIL(trouble->message);
  return std::get<0>(std::move(answer));
}
std::vector<double> plasma(const ModelCard& model, std::string_view csv) {
  return answered(model, csv).concentrations.at(0).values;
}
std::string refused(const ModelCard& model, std::string_view csv) {
  try {
    (void)answered(model, csv);
  } catch (const InvalidInput& e) {
    return std::string(name_of(e.code)) + ' ' + e.field;
  }
  return "nothing";
}

double bolus(double mg, double since_h) { return since_h < 0 ? 0 : mg / 20 * std::exp(-0.3 * since_h); }

Approx near(double x) { return Approx(x).epsilon(1e-13).margin(1e-14); }

}  // namespace

// pharmsol pull 324
TEST_CASE("no step crosses the end of an infusion, however far apart the samples lie") {
  const auto c = plasma(card(), "ID,TIME,AMT,RATE,CMT,EVID\n1,0,10,20,central,1\n1,48,.,.,.,0\n");
  CHECK(c[1] == near(infused(20, 0.5, 48)));
}

// pharmsol pull 328; mrgsolve 9
TEST_CASE("a sample whose time was added up in doubles meets the end of an infusion, not a moment beside it") {
  std::string csv = "ID,TIME,AMT,RATE,CMT,EVID\n1,0,30,100,central,1\n";
  double t = 0;
  bool is_off = false;
  for (int i = 1; i <= 12; ++i) {
    t += 0.05;
    is_off = is_off || t != i / 20.0;
    csv += "1," + to_text(t) + ",.,.,.,0\n";
  }
  const auto c = plasma(card(), csv);
  REQUIRE(is_off);
  for (std::size_t i = 1; i <= 12; ++i) CHECK(c[i] == near(infused(100, 0.3, 0.05 * static_cast<double>(i))));
}

// pharmsol pull 326
TEST_CASE("a bolus and an infusion into one compartment at one instant both count") {
  const auto c = plasma(card(), "ID,TIME,AMT,RATE,CMT,EVID\n1,0,10,20,central,1\n1,0,40,.,central,1\n1,3,.,.,.,0\n");
  CHECK(c[1] == near(2));
  CHECK(c[2] == near(infused(20, 0.5, 3) + bolus(40, 3)));
}

// pharmsol pull 341
TEST_CASE("a bolus in the middle of an infusion does not disturb what comes after it") {
  const auto c = plasma(
      card(), "ID,TIME,AMT,RATE,CMT,EVID\n1,0,60,10,central,1\n1,2.5,33,.,central,1\n1,2.6,.,.,.,0\n1,9,.,.,.,0\n");
  CHECK(c[2] == near(infused(10, 6, 2.6) + bolus(33, 0.1)));
  CHECK(c[3] == near(infused(10, 6, 9) + bolus(33, 6.5)));
}

// mrgsolve 43; FeRx review of pull 461
TEST_CASE("a rate without an amount is refused, and so is a rate below zero; neither becomes a bolus") {
  CHECK(refused(card(), "ID,TIME,AMT,RATE,CMT,EVID\n1,0,0,20,central,1\n") == "E_RANGE data line 2 column AMT");
  CHECK(refused(card(), "ID,TIME,AMT,RATE,CMT,EVID\n1,0,10,-3,central,1\n") == "E_RANGE data line 2 column RATE");
}

// mrgsolve 267, pull 268, 270
TEST_CASE("a lag moves an infusion and leaves its length") {
  ModelCard model = card();
  model.entries = {{.compartment = "central", .lag = parameter("lag", 1.25, unit::h)}};
  const auto c = plasma(model,
                        "ID,TIME,AMT,RATE,CMT,EVID\n1,1,40,10,central,1\n1,2,.,.,.,0\n1,4,.,.,.,0\n1,6.25,.,.,.,0\n"
                        "1,8,.,.,.,0\n");
  CHECK(c[1] == 0);
  CHECK(c[2] == near(infused(10, 4, 1.75)));
  CHECK(c[3] == near(infused(10, 4, 4)));
  CHECK(c[4] == near(infused(10, 4, 5.75)));
}

// mrgsolve 299, 683
TEST_CASE("a reset with a dose ends the infusion that was running") {
  const auto c = plasma(
      card(), "ID,TIME,AMT,RATE,CMT,EVID\n1,0,100,10,central,1\n1,4,20,.,central,4\n1,5,.,.,.,0\n1,12,.,.,.,0\n");
  CHECK(c[1] == near(1));
  CHECK(c[2] == near(bolus(20, 1)));
  CHECK(c[3] == near(bolus(20, 8)));
}

// mrgsolve 1123
TEST_CASE("an infusion that begins at its own record also ends") {
  const auto c =
      plasma(card(), "ID,TIME,AMT,RATE,CMT,EVID\n1,1,100,50,central,1\n1,1,.,.,.,0\n1,3,.,.,.,0\n1,30,.,.,.,0\n");
  CHECK(c[1] == 0);
  CHECK(c[2] == near(infused(50, 2, 2)));
  CHECK(c[3] == near(infused(50, 2, 29)));
}

// mrgsolve 924, pull 1304
TEST_CASE("a rate that the data leave to the model is used, and is not supposed where the model has none") {
  const std::string csv = "ID,TIME,AMT,RATE,CMT,EVID\n1,0,40,-1,central,1\n1,3,.,.,.,0\n";
  CHECK(refused(card(), csv) == "E_MODEL_PARAM data line 2");
  ModelCard model = card();
  model.entries = {{.compartment = "central", .rate = parameter("rate", 10, unit::mg_per_h)}};
  CHECK(plasma(model, csv)[1] == near(infused(10, 4, 3)));
}

// mrgsolve 954; PKPDsim pull 70, 82, 92
TEST_CASE(
    "bioavailability changes the amount of an infusion and, unless NONMEM's meaning is asked for, not its length") {
  ModelCard model = card();
  model.entries = {{.compartment = "central", .bioavailability = parameter("F", 0.25, unit::one)}};
  const std::string csv = "ID,TIME,AMT,RATE,CMT,EVID\n1,0,40,10,central,1\n1,3,.,.,.,0\n";
  CHECK(plasma(model, csv)[1] == near(infused(2.5, 4, 3)));
  model.data_units->infusion_bioavailability = InfusionBioavailability::nonmem;
  CHECK(plasma(model, csv)[1] == near(infused(10, 1, 3)));
}

// mrgsolve 947
TEST_CASE("a steady state of infusions that follow each other without a gap is the constant one") {
  ModelCard model = card();
  model.data_units->infusion_bioavailability = InfusionBioavailability::nonmem;
  model.entries = {{.compartment = "central", .bioavailability = parameter("F", 0.412, unit::one)}};
  const auto c = plasma(model, "ID,TIME,AMT,RATE,CMT,EVID,SS,II\n1,0,100,4.12,central,1,1,10\n1,5,.,.,.,0,.,.\n");
  CHECK(c[0] == Approx(4.12 / 6).epsilon(1e-12));
  CHECK(c[1] == Approx(4.12 / 6).epsilon(1e-12));
}

// mrgsolve 340, 341
TEST_CASE("rate and duration together are refused; a rate that changes is a row for each") {
  CHECK(refused(card(), "ID,TIME,AMT,RATE,DUR,CMT,EVID\n1,0,40,10,4,central,1\n") == "E_RANGE data line 2 column DUR");
  const auto c = plasma(card(), "ID,TIME,AMT,RATE,CMT,EVID\n1,0,40,20,central,1\n1,2,15,5,central,1\n1,4,.,.,.,0\n");
  CHECK(c[2] == near(infused(20, 2, 4) + infused(5, 3, 2)));
}

// PKPDsim pull 21
TEST_CASE("a sample at the end of an infusion ends it once") {
  const auto c =
      plasma(card(), "ID,TIME,AMT,RATE,CMT,EVID\n1,0,40,20,central,1\n1,2,.,.,.,0\n1,2,.,.,.,2\n1,6,.,.,.,0\n");
  CHECK(c[1] == near(infused(20, 2, 2)));
  CHECK(c[2] == c[1]);
  CHECK(c[3] == near(infused(20, 2, 6)));
}

// rxode2 1316, 440; RxODE 420
TEST_CASE("infusions count after a bolus that came first, and repeated ones each") {
  const auto c = plasma(card(),
                        "ID,TIME,AMT,RATE,CMT,EVID,ADDL,II\n1,0,30,.,central,1,.,.\n1,1,10,20,central,1,3,2\n"
                        "1,20,.,.,.,0,.,.\n");
  double due = bolus(30, 20);
  for (int i = 0; i < 4; ++i) due += infused(20, 0.5, 19 - 2 * i);
  CHECK(c[2] == near(due));
}

// PopED 41
TEST_CASE("a short infusion misses none of the doses that follow it") {
  std::string csv = "ID,TIME,AMT,DUR,CMT,EVID,ADDL,II\n1,0,100,0.0005,central,1,99,2.5\n";
  csv += "1,400,.,.,.,0,.,.\n";
  double due = 0;
  for (int i = 0; i < 100; ++i) due += infused(200'000, 0.0005, 400 - 2.5 * i);
  CHECK(plasma(card(), csv)[1] == Approx(due).epsilon(1e-12));
}

// RxODE 468; mrgsolve 741, 808
TEST_CASE("the hidden end of an infusion is no record: covariates do not change there") {
  ModelCard model = card();
  model.parameters[0].covariates = {
      {.covariate = "X", .form = CovariateForm::power, .reference = 1, .coefficient = 1, .source = "made up"}};
  const auto c = plasma(model, "ID,TIME,AMT,RATE,CMT,EVID,X\n1,0,40,20,central,1,1\n1,6,.,.,.,0,2\n");
  // 0.6 per hour all the way to 6 h, though the infusion ends at 2 h.
  CHECK(c[1] == near(20 / 12.0 * -std::expm1(-1.2) * std::exp(-0.6 * 4)));
}

// FeRx 1262; rxode2 1350
TEST_CASE("a constant infusion at steady state is its rate over clearance; with a duration it is refused") {
  CHECK(plasma(card(), "ID,TIME,AMT,RATE,CMT,EVID,SS,II\n1,0,0,12,central,1,1,0\n")[0] == near(2));
  CHECK(refused(card(), "ID,TIME,AMT,DUR,CMT,EVID,SS,II\n1,0,0,12,central,1,1,0\n").starts_with("E_RANGE data line 2"));
  CHECK(
      refused(card(), "ID,TIME,AMT,RATE,CMT,EVID,SS,II\n1,0,0,-2,central,1,1,0\n").starts_with("E_RANGE data line 2"));
}

// mrgsolve 239
TEST_CASE("a steady state with a lag is where doses and samples by themselves lead to") {
  ModelCard model = card();
  model.entries = {{.compartment = "gut", .lag = parameter("lag", 0.536, unit::h)}};
  std::string train = "ID,TIME,AMT,CMT,EVID,SS,II,ADDL\n1,0,100,gut,1,.,12,30\n";
  std::string steady = "ID,TIME,AMT,CMT,EVID,SS,II,ADDL\n1,0,100,gut,1,1,12,2\n";
  for (const double t : {0.0, 0.5, 0.536, 1.0, 12.0, 12.6, 24.0}) {
    steady += "1," + to_text(t) + ",.,.,0,.,.,.\n";
    train += "1," + to_text(336 + t) + ",.,.,0,.,.,.\n";
  }
  const auto a = plasma(model, steady), b = plasma(model, train);
  for (std::size_t k = 1; k < a.size(); ++k) CHECK(a[k] == Approx(b[k]).epsilon(1e-11));
}

// mrgsolve 1241, 1286
TEST_CASE("a time comes back as it was given, and the same time of two subjects is the same number") {
  const ModelCard model = card();
  const std::string csv = "ID,TIME,AMT,CMT,EVID\n1,0,1,central,1\n1,2184,.,.,0\n2,0.1,1,central,1\n2,2184,.,.,0\n";
  const Dataset data = io::read_data(
      csv, {.units = *model.data_units, .compartments = compartments_of(model), .covariates = covariates_of(model)});
  const auto answer = predict(model, data);
  const std::string table = io::write_table(io::table_of(std::get<0>(answer), data, *model.data_units));
  CHECK(table.find("\n1,2184,0,") != std::string::npos);
  CHECK(table.find("\n2,0.1,1,") != std::string::npos);
  CHECK(table.find("\n2,2184,0,") != std::string::npos);
}

// mrgsolve 1179
TEST_CASE("absorption as fast as elimination is no special case, nor is one that differs in the last digit") {
  for (const double ka : {0.3, std::nextafter(0.3, 1), 0.3 * (1 + 1e-9)}) {
    ModelCard model = card();
    model.depots[0].ka = parameter("ka", ka, unit::per_h);
    const auto c = plasma(model, "ID,TIME,AMT,CMT,EVID\n1,0,100,gut,1\n1,3,.,.,0\n");
    CHECK(c[1] == Approx(5 * 0.9 * std::exp(-0.9)).epsilon(2e-9));
  }
}

// stanpumpR pull 292
TEST_CASE("the exponents of three compartments satisfy Vieta's identities") {
  const double k10 = 0.01, k12 = 0.02, k13 = 0.03, k21 = 0.04, k31 = 0.05;
  const Parameters<double> p{1, k10, k12, k12 / k21, k13, k13 / k31};
  const auto r = modes(p).rate_per_min;
  CHECK(r[0] + r[1] + r[2] == Approx(k10 + k12 + k13 + k21 + k31).epsilon(1e-14));
  CHECK(r[0] * r[1] * r[2] == Approx(k10 * k21 * k31).epsilon(1e-14));
  CHECK(r[0] * r[1] + r[1] * r[2] + r[0] * r[2] ==
        Approx(k10 * k21 + k10 * k31 + k21 * k31 + k12 * k31 + k13 * k21).epsilon(1e-14));
}

// PAS 2
TEST_CASE("how often a curve is looked at does not change it") {
  std::string coarse = "ID,TIME,AMT,RATE,CMT,EVID\n1,0,40,60,central,1\n", fine = coarse;
  for (int i = 1; i <= 3'000; ++i) fine += "1," + to_text(i / 1000.0) + ",.,.,.,0\n";
  coarse += "1,3,.,.,.,0\n";
  CHECK(plasma(card(), fine).back() == Approx(plasma(card(), coarse).back()).epsilon(1e-12));
}

TEST_CASE("NONMEM: a reset may begin a new clock, and what follows is what a subject of its own would have") {
  const std::string header = "ID,TIME,AMT,CMT,EVID,DUR,ADDL,II\n";
  const std::string first = "1,0,100,gut,1,.,9,12\n1,3,.,.,0,.,.,.\n1,25,60,central,1,4,.,.\n1,26,.,.,0,.,.,.\n";
  const auto second = [](const std::string& id) {
    std::string rows;
    for (const char* row : {"2,50,central,4,1,.,.", "2.5,.,.,0,.,.,.", "40,.,.,0,.,.,."}) rows += id + ',' + row + '\n';
    return rows;
  };
  const auto one = plasma(card(), header + first + second("1")), two = plasma(card(), header + first + second("2"));
  REQUIRE(one.size() == 7);
  CHECK(one == two);
  CHECK(one[5] > 0);
}
