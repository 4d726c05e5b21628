// SPDX-License-Identifier: Apache-2.0

#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "catch.hpp"
#include "ketpk/patient.hpp"

using namespace ketpk;
using namespace ketpk::literals;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// "E_CODE field", or "accepted".
std::string answer(const Patient& p) {
  try {
    validate(p);
    return "accepted";
  } catch (const InvalidInput& no) {
    return std::string(name_of(no.code)) + ' ' + no.field;
  }
}

Patient weighing(double kg) { return {.weight = {kg, unit::kg}}; }
Patient tall(double cm) { return {.weight = 70_kg, .height = Stated<dim::length>{cm, unit::cm}}; }
Patient aged(double yr) { return {.weight = 70_kg, .age = Age{yr, unit::yr}}; }

double just_below(double x) { return std::nextafter(x, -infinity); }
double just_above(double x) { return std::nextafter(x, infinity); }

}  // namespace

TEST_CASE("C01 C02: a weight that is not finite is refused as such") {
  CHECK(answer(weighing(not_a_number)) == "E_NONFINITE patient.weight");
  CHECK(answer(weighing(infinity)) == "E_NONFINITE patient.weight");
  CHECK(answer(weighing(-infinity)) == "E_NONFINITE patient.weight");
}

TEST_CASE("C03 C04 C05 C06: a weight of nothing, below nothing, a denormal or beyond sense is out of range") {
  for (const double kg : {0.0, -0.0, -70.0, 5e-324, 1e308, -1e308}) {
    INFO(kg);
    CHECK(answer(weighing(kg)) == "E_RANGE patient.weight");
  }
}

TEST_CASE("C11: the physical range of body mass is 0.2 to 700 kg, both ends inside") {
  CHECK(answer(weighing(0.2)) == "accepted");
  CHECK(answer(weighing(just_below(0.2))) == "E_RANGE patient.weight");
  CHECK(answer(weighing(700)) == "accepted");
  CHECK(answer(weighing(just_above(700))) == "E_RANGE patient.weight");
  for (const double kg : {29.999, 30.0, 30.000001, 154.0}) CHECK(answer(weighing(kg)) == "accepted");
}

TEST_CASE("C09: 1.70 in a field of centimetres is out of range and the message thinks of metres") {
  CHECK(answer(tall(1.70)) == "E_RANGE patient.height");
  try {
    validate(tall(1.70));
    FAIL("accepted");
  } catch (const InvalidInput& no) {
    CHECK(no.message.find("metres") != std::string::npos);
    CHECK(no.message.find("accepted: 20 to 280 cm") != std::string::npos);
    CHECK(no.message.find("1.7") == std::string::npos);
  }
  CHECK(answer({.weight = 70_kg, .height = 1.70_m}) == "accepted");
}

TEST_CASE("the physical range of height is 20 to 280 cm and of age 0 to 130 yr, all ends inside") {
  for (const double cm : {20.0, 67.0, 175.0, 280.0}) CHECK(answer(tall(cm)) == "accepted");
  for (const double cm : {just_below(20) - 1e-9, just_above(280) + 1e-9, 0.0, -175.0, 1e300})
    CHECK(answer(tall(cm)) == "E_RANGE patient.height");
  CHECK(answer(tall(not_a_number)) == "E_NONFINITE patient.height");
  for (const double yr : {0.0, 17.999, 130.0}) CHECK(answer(aged(yr)) == "accepted");
  for (const double yr : {just_above(130), -5e-324, -1.0}) CHECK(answer(aged(yr)) == "E_RANGE patient.age");
  CHECK(answer(aged(not_a_number)) == "E_NONFINITE patient.age");
  CHECK(answer(aged(infinity)) == "E_NONFINITE patient.age");
}

TEST_CASE("a range holds in every unit a mass or a length may be stated in") {
  const auto pounds = [](double lb) { return Patient{.weight = {lb, unit::lb}}; };
  CHECK(answer(pounds(1543.2)) == "accepted");                // 699.98 kg
  CHECK(answer(pounds(1543.3)) == "E_RANGE patient.weight");  // 700.03 kg
  CHECK(answer(pounds(0.44)) == "E_RANGE patient.weight");    // 0.1996 kg
  CHECK(answer(pounds(1e308)) == "E_RANGE patient.weight");
  CHECK(answer({.weight = {200, unit::g_of_body}}) == "accepted");
  CHECK(answer({.weight = {70, unit::g_of_body}}) == "E_RANGE patient.weight");
  CHECK(answer({.weight = 70_kg, .height = 110_inch}) == "accepted");  // 279.4 cm
  CHECK(answer({.weight = 70_kg, .height = 111_inch}) == "E_RANGE patient.height");
}

TEST_CASE("a stated dosing weight is held to the range of a weight, under its own field") {
  const auto dosed_at = [](double kg) {
    return Patient{.weight = 70_kg, .dosing_weight = Stated<dim::body>{kg, unit::kg}};
  };
  CHECK(answer(dosed_at(60)) == "accepted");
  CHECK(answer(dosed_at(0)) == "E_RANGE patient.dosing_weight");
  CHECK(answer(dosed_at(not_a_number)) == "E_NONFINITE patient.dosing_weight");
}

TEST_CASE("sex has two words") {
  CHECK(name_of(Sex::female) == "female");
  CHECK(name_of(Sex::male) == "male");
}
