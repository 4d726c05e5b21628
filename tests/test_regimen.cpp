// SPDX-License-Identifier: Apache-2.0

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "ketpk/regimen.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Order order_of(std::vector<Input> inputs, Form form = Form::base) {
  return {.analyte = Analyte::racemic_ketamine,
          .form = form,
          .initial_state = InitialState::drug_free,
          .inputs = std::move(inputs)};
}

Dose only_dose(const Order& order, BodyMass weight = 70_kg) {
  const Regimen regimen = resolve(order, weight);
  REQUIRE(regimen.doses.size() == 1);
  return regimen.doses.front();
}

/// "E_CODE field", or "accepted".
std::string answer(const Order& order, BodyMass weight = 70_kg) {
  try {
    (void)resolve(order, weight);
    return "accepted";
  } catch (const InvalidInput& no) {
    REQUIRE(no.message.find("; accepted: ") != std::string::npos);
    return std::string(name_of(no.code)) + ' ' + no.field;
  }
}

std::string answer(Input input) { return answer(order_of({std::move(input)})); }

bool within_ulps(double a, double b, int ulps) {
  for (int i = 0; i < ulps; ++i) a = std::nextafter(a, b);
  return a == b;
}

}  // namespace

TEST_CASE("0.5 mg/kg over 40 min for 70 kg is 35 mg at 0.875 mg/min") {
  const Dose d = only_dose(order_of({Infuse{0.5_mg_per_kg, 40min, 5min}}));
  CHECK(d.amount_mg == 35.0);
  CHECK(d.rate_mg_per_min == 0.875);
  CHECK(d.at == 5min);
  CHECK(d.over == 40min);
  CHECK(d.end() == 45min);
  CHECK_FALSE(d.is_bolus());
}

TEST_CASE("12.5 mcg/kg/min for 40 min is the same drug as 0.5 mg/kg over 40 min") {
  const Dose d = only_dose(order_of({InfuseAtRate{12.5_mcg_per_kg_per_min, 40min}}));
  CHECK(within_ulps(d.rate_mg_per_min, 0.875, 1));
  CHECK(within_ulps(d.amount_mg, 35, 2));
}

TEST_CASE("each rate unit of the contract means what its name says") {
  const auto rate = [](StatedRate r) {
    Order order = order_of({InfuseAtRate{r, 60min}});
    order.bag = Stated<dim::concentration>{2, unit::mg_per_mL};
    return only_dose(order, 50_kg).rate_mg_per_min;
  };
  // 50 kg: every row is 0.5 mg/min.
  CHECK(within_ulps(rate({0.5, unit::mg_per_min}), 0.5, 1));
  CHECK(within_ulps(rate({30, unit::mg_per_h}), 0.5, 1));
  CHECK(within_ulps(rate({500, unit::mcg_per_min}), 0.5, 1));
  CHECK(within_ulps(rate({30'000, unit::mcg_per_h}), 0.5, 1));
  CHECK(within_ulps(rate({0.01, unit::mg_per_kg_per_min}), 0.5, 1));
  CHECK(within_ulps(rate({0.6, unit::mg_per_kg_per_h}), 0.5, 1));
  CHECK(within_ulps(rate({10, unit::mcg_per_kg_per_min}), 0.5, 1));
  CHECK(within_ulps(rate({600, unit::mcg_per_kg_per_h}), 0.5, 1));
  CHECK(within_ulps(rate({15, unit::mL_per_h}), 0.5, 1));
  CHECK(within_ulps(rate({0.25, unit::mL_per_min}), 0.5, 1));
}

TEST_CASE("C38: a pump rate without the bag's concentration is a missing field") {
  CHECK(answer(InfuseAtRate{60_mL_per_h, 40min}) == "E_FIELD_MISSING bag.concentration");
}

TEST_CASE("a bag's concentration counts the milligrams of the form") {
  Order order = order_of({InfuseAtRate{60_mL_per_h, 60min}}, Form::hydrochloride);
  order.bag = 1.1533_mg_per_mL;
  CHECK(within_ulps(only_dose(order).amount_mg, 60, 2));
  order.form = Form::base;
  CHECK(within_ulps(only_dose(order).amount_mg, 69.198, 2));
}

TEST_CASE("a bag that holds no drug, less than none or no number is refused even where no pump rate needs it") {
  for (const auto& [c, expected] :
       {std::pair{0.0, "E_RANGE bag.concentration"}, std::pair{-1.0, "E_RANGE bag.concentration"},
        std::pair{not_a_number, "E_NONFINITE bag.concentration"},
        std::pair{infinity, "E_NONFINITE bag.concentration"}}) {
    Order order = order_of({Bolus{10_mg}});
    order.bag = Stated<dim::concentration>{c, unit::mg_per_mL};
    CHECK(answer(order) == expected);
  }
}

TEST_CASE("C42: 40.37 mg of hydrochloride is 35.0 mg of base") {
  const Dose d = only_dose(order_of({Infuse{40.37_mg, 40min}}, Form::hydrochloride));
  CHECK(std::abs(d.amount_mg - 35.0) < 0.005);
  CHECK(within_ulps(d.amount_mg, 40.37 / 1.1533, 1));
  CHECK(only_dose(order_of({Bolus{115.33_mg}}, Form::hydrochloride)).amount_mg == 100.0);
}

TEST_CASE("per kg counts the dosing weight, and the regimen remembers it") {
  const Order order = order_of({Bolus{0.5_mg_per_kg}});
  CHECK(only_dose(order, 90_kg).amount_mg == 45.0);
  CHECK(resolve(order, 90_kg).dosing_weight == 90_kg);
  const Dose at_154_lb = only_dose(order, {154, unit::lb});
  CHECK(within_ulps(at_154_lb.amount_mg, 34.926612490, 2));  // 154 * 0.45359237 / 2
}

TEST_CASE("a total amount does not depend on weight") {
  CHECK(only_dose(order_of({Bolus{10_mg}}), 40_kg).amount_mg == 10.0);
  CHECK(only_dose(order_of({Bolus{10_mg}}), 150_kg).amount_mg == 10.0);
}

TEST_CASE("a bolus has an instant and no rate") {
  const Dose d = only_dose(order_of({Bolus{10_mg, 90min}}));
  CHECK(d.is_bolus());
  CHECK(d.at == 90min);
  CHECK(d.end() == 90min);
  CHECK(d.rate_mg_per_min == 0.0);
}

TEST_CASE("C04: a weight below zero never turns a negative dose into a positive one") {
  const Order order = order_of({Bolus{-1.0 * 0.5_mg_per_kg}});
  CHECK(answer(order, -1.0 * BodyMass{70, unit::kg}) == "E_RANGE patient.dosing_weight");
  CHECK(answer(order) == "E_RANGE order[0].bolus");
  CHECK(answer(order, {not_a_number, unit::kg}) == "E_NONFINITE patient.dosing_weight");
  CHECK(answer(order, {0, unit::kg}) == "E_RANGE patient.dosing_weight");
}

TEST_CASE("C25: no duration, one below zero and one past the course are out of range") {
  for (const Micros over :
       {Micros{0}, Micros{-1}, Micros{-60min}, Micros{horizon_limit + 1us}, Micros::max(), Micros::min()}) {
    CHECK(answer(Infuse{35_mg, over}) == "E_RANGE order[0].over");
    CHECK(answer(InfuseAtRate{1_mg_per_min, over}) == "E_RANGE order[0].over");
  }
  CHECK(answer(Infuse{35_mg, horizon_limit}) == "accepted");
  CHECK(answer(Infuse{35_mg, horizon_limit, 1us}) == "E_RANGE order[0].over");
  CHECK(answer(Infuse{35_mg, 1us}) == "accepted");
}

TEST_CASE("an input starts within the course") {
  for (const Micros at : {Micros{-1}, Micros::min(), Micros{horizon_limit + 1us}, Micros::max()}) {
    CHECK(answer(Bolus{10_mg, at}) == "E_RANGE order[0].at");
    CHECK(answer(Infuse{35_mg, 40min, at}) == "E_RANGE order[0].at");
  }
  CHECK(answer(Bolus{10_mg, horizon_limit}) == "accepted");
}

TEST_CASE("an amount or a rate of nothing, below nothing or no number is refused under its own key") {
  const auto each = [](double x) {
    return std::vector<std::string>{answer(Infuse{StatedDose{x, unit::mg_per_kg}, 40min}),
                                    answer(InfuseAtRate{StatedRate{x, unit::mg_per_h}, 40min}),
                                    answer(Bolus{StatedDose{x, unit::mg}})};
  };
  const auto expected = [](const std::string& code) {
    return std::vector<std::string>{code + " order[0].infuse", code + " order[0].infuse_at_rate",
                                    code + " order[0].bolus"};
  };
  for (const double x : {0.0, -0.0, -0.5}) CHECK(each(x) == expected("E_RANGE"));
  for (const double x : {not_a_number, infinity, -infinity}) CHECK(each(x) == expected("E_NONFINITE"));
}

TEST_CASE("what is derived is checked too: no rate that vanishes, no amount beyond what can be summed") {
  CHECK(answer(Infuse{StatedDose{5e-324, unit::mg}, horizon_limit}) == "E_RANGE order[0].infuse");
  CHECK(answer(Infuse{StatedDose{1e300, unit::mg}, 1us}) == "E_RANGE order[0].infuse");
  CHECK(answer(InfuseAtRate{StatedRate{1e300, unit::mg_per_min}, 60min}) == "E_RANGE order[0].infuse_at_rate");
  CHECK(answer(Bolus{StatedDose{1e9, unit::g}}) == "accepted");
  CHECK(answer(Bolus{StatedDose{1.0001e9, unit::g}}) == "E_RANGE order[0].bolus");
}

TEST_CASE("C35 C41: analyte, form, starting state and at least one input are stated, never assumed") {
  const Order whole = order_of({Bolus{10_mg}});
  CHECK(answer(whole) == "accepted");
  Order order = whole;
  order.analyte = Analyte::unstated;
  CHECK(answer(order) == "E_FIELD_MISSING analyte");
  order = whole;
  order.form = Form::unstated;
  CHECK(answer(order) == "E_FIELD_MISSING form");
  order = whole;
  order.initial_state = InitialState::undeclared;
  CHECK(answer(order) == "E_STATE initial_state");
  order = whole;
  order.inputs.clear();
  CHECK(answer(order) == "E_FIELD_MISSING order");
  CHECK(answer(Order{}) == "E_FIELD_MISSING analyte");
}

TEST_CASE("J37: inputs out of order are refused by index, never sorted") {
  CHECK(answer(order_of({Bolus{1_mg, 10min}, Bolus{1_mg, 20min}, Bolus{1_mg, 15min}})) == "E_TIME_ORDER order[2].at");
  CHECK(answer(order_of({Bolus{1_mg, 10min}, Bolus{1_mg, 10min}})) == "accepted");
}

TEST_CASE("J31: 10,000 inputs are read, 10,001 are too many") {
  CHECK(answer(order_of(std::vector<Input>(10'000, Bolus{1_mg}))) == "accepted");
  CHECK(answer(order_of(std::vector<Input>(10'001, Bolus{1_mg}))) == "E_SIZE order");
}

TEST_CASE("the field of a refusal names the input by its place") {
  CHECK(answer(order_of({Bolus{1_mg}, Bolus{1_mg}, Infuse{1_mg, 0min, 1min}})) == "E_RANGE order[2].over");
  CHECK(answer(order_of({Bolus{1_mg}, InfuseAtRate{1_mL_per_h, 1min}})) == "E_FIELD_MISSING bag.concentration");
}

TEST_CASE("C22: 0.5 mg/kg stays 0.5 mg/kg to 1e-15 for each of 1,101 weights") {
  for (int tenth = 400; tenth <= 1500; ++tenth) {
    const double kg = tenth / 10.0;
    const Dose d = only_dose(order_of({Bolus{0.5_mg_per_kg}}), {kg, unit::kg});
    REQUIRE(std::abs(d.amount_mg / kg - 0.5) <= 1e-15);
  }
}
