// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "ketpk/quantity.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;

namespace {

/// How many doubles lie between two finite numbers of one sign.
std::int64_t ulps(double a, double b) {
  return std::abs(std::bit_cast<std::int64_t>(a) - std::bit_cast<std::int64_t>(b));
}

/// One unit of the contract as an exact rational of g, kg of body, L, m, s and yr; written from the definitions,
/// not from the library.
struct Row {
  std::string_view name;
  Dimension dimension;
  std::int64_t num, den;
};

constexpr std::int64_t k = 1000, M = k * k;
// clang-format off
constexpr std::array<Row, 46> table{{
    {"mg", dim::drug, 1, k},
    {"mcg", dim::drug, 1, M},
    {"g", dim::drug, 1, 1},
    {"kg", dim::body, 1, 1},
    {"g", dim::body, 1, k},
    {"lb", dim::body, 45'359'237, 100'000'000},  // international avoirdupois pound, 1959
    {"cm", dim::length, 1, 100},
    {"m", dim::length, 1, 1},
    {"in", dim::length, 254, 10'000},  // international inch, 1959
    {"yr", dim::age, 1, 1},
    {"mg/kg", dim::dose, 1, k},
    {"mcg/kg", dim::dose, 1, M},
    {"mg/min", dim::rate, 1, k * 60},
    {"mg/h", dim::rate, 1, k * 3600},
    {"mcg/min", dim::rate, 1, M * 60},
    {"mcg/h", dim::rate, 1, M * 3600},
    {"mg/kg/min", dim::dose_rate, 1, k * 60},
    {"mg/kg/h", dim::dose_rate, 1, k * 3600},
    {"mcg/kg/min", dim::dose_rate, 1, M * 60},
    {"mcg/kg/h", dim::dose_rate, 1, M * 3600},
    {"mL/h", dim::flow, 1, k * 3600},
    {"mL/min", dim::flow, 1, k * 60},
    {"L/h", dim::flow, 1, 3600},
    {"L/min", dim::flow, 1, 60},
    {"mg/mL", dim::concentration, 1, 1},
    {"mcg/mL", dim::concentration, 1, k},
    {"ng/mL", dim::concentration, 1, M},
    {"mg/L", dim::concentration, 1, k},
    {"mcg/L", dim::concentration, 1, M},
    {"us", dim::time, 1, M},
    {"ms", dim::time, 1, k},
    {"s", dim::time, 1, 1},
    {"min", dim::time, 60, 1},
    {"h", dim::time, 3600, 1},
    {"d", dim::time, 86'400, 1},
    {"mL", dim::volume, 1, k},
    {"L", dim::volume, 1, 1},
    {"L/kg", dim::volume_per_body, 1, 1},
    {"mL/kg", dim::volume_per_body, 1, k},
    {"L/h/kg", dim::flow_per_body, 1, 3600},
    {"L/min/kg", dim::flow_per_body, 1, 60},
    {"mL/min/kg", dim::flow_per_body, 1, k * 60},
    {"1/min", dim::rate_constant, 1, 60},
    {"1/h", dim::rate_constant, 1, 3600},
    {"1/s", dim::rate_constant, 1, 1},
    {"kg/m2", dim::body_mass_index, 1, 1},
}};
// clang-format on

/// Calls `with(Unit<D>)` for each unit of the closed list that has dimension D.
template <Dimension D, class With>
void each_of(With with) {
  for (const AnyUnit& u : unit_list)
    if (u.dimension == D) with(Unit<D>{u.name, u.num, u.den});
}

/// Calls `with.operator()<D>()` for each dimension of the closed list.
template <class With>
void each_dimension(With with) {
  with.template operator()<dim::drug>();
  with.template operator()<dim::body>();
  with.template operator()<dim::length>();
  with.template operator()<dim::age>();
  with.template operator()<dim::dose>();
  with.template operator()<dim::rate>();
  with.template operator()<dim::dose_rate>();
  with.template operator()<dim::flow>();
  with.template operator()<dim::concentration>();
  with.template operator()<dim::time>();
  with.template operator()<dim::volume>();
  with.template operator()<dim::volume_per_body>();
  with.template operator()<dim::flow_per_body>();
  with.template operator()<dim::rate_constant>();
  with.template operator()<dim::body_mass_index>();
}

const Row& row_of(std::string_view name, Dimension dimension) {
  const auto row = std::find_if(table.begin(), table.end(),
                                [&](const Row& r) { return r.name == name && r.dimension == dimension; });
  REQUIRE(row != table.end());
  return *row;
}

using Dose = Stated<dim::drug, dim::dose>;
using Rate = Stated<dim::rate, dim::dose_rate, dim::flow>;
using Weight = Stated<dim::body>;
using Height = Stated<dim::length>;
using Level = Stated<dim::concentration>;
using Constant = Stated<dim::rate_constant>;

/// The code and the field of what `work` throws; empty if it returns.
template <class Work>
std::string refusal(Work work) {
  try {
    (void)work();
    return {};
  } catch (const InvalidInput& no) {
    if (no.message.find("; accepted: ") == std::string::npos) return "a message that does not say what is accepted";
    return std::string(name_of(no.code)) + ' ' + no.field;
  }
}

}  // namespace

TEST_CASE("the closed list is the contract's, unit by unit, and each means what its definition says") {
  std::set<std::pair<std::string_view, std::size_t>> seen;
  std::size_t dimensions = 0;
  each_dimension([&]<Dimension D>() {
    ++dimensions;
    each_of<D>([&](Unit<D> u) {
      seen.insert({u.name, dimensions});
      const Row& ru = row_of(u.name, D);
      each_of<D>([&](Unit<D> v) {
        const Row& rv = row_of(v.name, D);
        // 1 u = (ru.num rv.den) / (ru.den rv.num) v; both products fit in 63 bits and in a long double's 64.
        const long double exact = static_cast<long double>(ru.num) * static_cast<long double>(rv.den) /
                                  (static_cast<long double>(ru.den) * static_cast<long double>(rv.num));
        INFO(std::string(u.name) << " in " << std::string(v.name));
        CHECK(ulps(Quantity<D>(1, u).in(v), static_cast<double>(exact)) <= 1);
      });
    });
  });
  CHECK(seen.size() == table.size());
  CHECK(unit_list.size() == table.size());
  CHECK(dimensions == 15);
}

TEST_CASE("a number comes out of its unit as it went in, to 1 ulp, for 100,000 numbers per unit") {
  std::mt19937_64 random(20261121);
  each_dimension([&]<Dimension D>() {
    each_of<D>([&](Unit<D> u) {
      std::int64_t worst = 0;
      for (int i = 0; i < 100'000; ++i) {
        const std::uint64_t bits = random();
        const double mantissa = 1 + static_cast<double>(bits >> 12) * 0x1p-52;
        const double x = std::ldexp(mantissa, static_cast<int>(bits % 121) - 60);
        worst = std::max(worst, ulps(Quantity<D>(x, u).in(u), x));
      }
      INFO(std::string(u.name));
      CHECK(worst <= 1);
    });
  });
}

TEST_CASE("pounds and inches are as if rounded once") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 100'000; ++i) {
    const double x = std::ldexp(static_cast<double>(random() >> 11), -45);
    const long double kg = static_cast<long double>(x) * 45'359'237.0L / 1e8L;
    REQUIRE(ulps(BodyMass(x, unit::lb).in(unit::kg), static_cast<double>(kg)) <= 1);
    const long double m = static_cast<long double>(x) * 0.0254L;
    REQUIRE(ulps(Length(x, unit::inch).in(unit::m), static_cast<double>(m)) <= 1);
  }
  CHECK((154_lb).in(unit::kg) == 69.85322498);
  CHECK((67_inch).in(unit::cm) == 170.18);
  CHECK((1_lb).in(unit::kg) == 0.45359237);
}

TEST_CASE("numbers at the edge of what a double holds stay ordered, and NaN stays NaN") {
  CHECK(BodyMass(1e308, unit::lb).in(unit::kg) == Approx(0.45359237e308));
  CHECK(std::isinf(BodyMass(std::numeric_limits<double>::infinity(), unit::lb).in(unit::kg)));
  CHECK(std::isnan(BodyMass(std::numeric_limits<double>::quiet_NaN(), unit::lb).in(unit::kg)));
  CHECK(std::isnan(BodyMass(std::numeric_limits<double>::quiet_NaN(), unit::kg).in(unit::lb)));
  CHECK(BodyMass(0, unit::lb).in(unit::kg) == 0.0);
}

TEST_CASE("a dose per body mass times a body mass is a mass of drug") {
  STATIC_REQUIRE(0.5_mg_per_kg * 70_kg == 35_mg);
  STATIC_REQUIRE(70_kg * 0.5_mg_per_kg == 35_mg);
  STATIC_REQUIRE(35_mg / 70_kg == 0.5_mg_per_kg);
  STATIC_REQUIRE(35_mg / 40min == 0.875_mg_per_min);
  STATIC_REQUIRE(0.875_mg_per_min * 40min == 35_mg);
  STATIC_REQUIRE(std::is_same_v<decltype(35_mg / 7_mg), double>);
  STATIC_REQUIRE(35_mg / 7_mg == 5.0);
  STATIC_REQUIRE(std::is_same_v<decltype(1_mg_per_mL * 60_mL_per_h), DrugRate>);
  STATIC_REQUIRE(std::is_same_v<decltype(70_kg / (1.75_m * 1.75_m)), BodyMassIndex>);
  STATIC_REQUIRE(std::is_same_v<decltype(12.5_mcg_per_kg_per_min * 70_kg * 40min), DrugMass>);
  CHECK((60_mL_per_h * 1_mg_per_mL).in(unit::mg_per_min) == Approx(1).epsilon(1e-15));
  CHECK((70_kg / (1.75_m * 1.75_m)).in(unit::kg_per_m2) == Approx(22.857142857142858).epsilon(1e-15));
}

TEST_CASE("sums, differences and multiples stay in their dimension") {
  STATIC_REQUIRE(1_mg + 500_mcg == 1.5_mg);
  STATIC_REQUIRE(1_mg - 500_mcg == 0.5_mg);
  STATIC_REQUIRE(2.0 * 35_mg == 70_mg);
  STATIC_REQUIRE(35_mg / 2.0 == 17.5_mg);
  STATIC_REQUIRE(1_mg_per_kg > 999_mcg_per_kg);
  STATIC_REQUIRE(!std::is_default_constructible_v<DrugMass>);
  STATIC_REQUIRE(!std::is_convertible_v<double, DrugMass>);
  STATIC_REQUIRE(!std::is_convertible_v<DrugMass, double>);
  STATIC_REQUIRE(!std::is_convertible_v<BodyMass, DrugMass>);
  STATIC_REQUIRE(sizeof(DrugMass) == sizeof(double));
}

TEST_CASE("1 mg/kg/h is 16.666… mcg/kg/min") {
  CHECK(ulps((1_mg_per_kg_per_h).in(unit::mcg_per_kg_per_min), 1000.0 / 60) <= 1);
  CHECK(ulps((0.75_mg_per_kg_per_h).in(unit::mcg_per_kg_per_min), 12.5) <= 1);
  CHECK(ulps((12.5_mcg_per_kg_per_min).in(unit::mg_per_kg_per_h), 0.75) <= 1);
}

TEST_CASE("NaN compares as less, equal and greater with nothing") {
  const DrugMass nothing{std::numeric_limits<double>::quiet_NaN(), unit::mg};
  CHECK_FALSE(nothing <= 35_mg);
  CHECK_FALSE(nothing >= 35_mg);
  CHECK_FALSE(nothing == nothing);
}

TEST_CASE("two units of one name and different dimensions are not the same unit") {
  CHECK_FALSE(AnyUnit(unit::g) == AnyUnit(unit::g_of_body));
  CHECK(AnyUnit(unit::g) == AnyUnit(unit::g));
}

TEST_CASE("what was stated is kept: the number, the unit, and the dimension that was meant") {
  const auto per_body = parse_stated<Dose>("500 mcg/kg", "dose");
  CHECK(per_body.number() == 500);
  CHECK(per_body.unit() == AnyUnit(unit::mcg_per_kg));
  CHECK(per_body.as<dim::dose>() == 0.5_mg_per_kg);
  CHECK_FALSE(per_body.as<dim::drug>().has_value());
  CHECK(to_text(per_body) == "500 mcg/kg");
  const Weight from_quantity = 70_kg;
  CHECK(to_text(from_quantity) == "70 kg");
  CHECK(to_text(Weight{154, unit::lb}) == "154 lb");
  CHECK(to_text(35_mg, unit::mcg) == "35000 mcg");
  CHECK(Dose::accepted() == "mg mcg g mg/kg mcg/kg");
  CHECK(Weight::accepted() == "kg g lb");
}

TEST_CASE("g is a gram of drug in a dose and a gram of body in a weight") {
  CHECK(parse_stated<Dose>("0.035 g", "dose").as<dim::drug>() == 35_mg);
  CHECK(parse_stated<Weight>("70000 g", "weight").value() == 70_kg);
  CHECK(refusal([] { return parse_stated<Rate>("1 g", "rate"); }) == "E_UNIT_MISMATCH rate");
}

TEST_CASE("each unit of the list is read back from its own name, with a space and without") {
  for (const AnyUnit& u : unit_list) {
    const auto same_dimension = [&](const AnyUnit& other) { return other.dimension == u.dimension; };
    for (const std::string& text : {"2.5 " + std::string(u.name), "2.5" + std::string(u.name)}) {
      INFO(text);
      const bool runs_together = u.name.starts_with("1/") && text.find(' ') == std::string::npos;
      if (runs_together) {  // 2.51/min is 2.51 of "/min", which is no unit
        CHECK(refusal([&] { return parse_with_unit(text, "q", same_dimension); }) == "E_UNIT_UNKNOWN q");
        continue;
      }
      const auto [number, unit] = parse_with_unit(text, "q", same_dimension);
      CHECK(number == 2.5);
      CHECK(unit == u);
    }
  }
}

TEST_CASE("a quantity as text is a JSON number, at most one space and a unit of the list") {
  struct Accepted {
    std::string_view text;
    double kg;
  };
  for (const auto& [text, kg] :
       {Accepted{"70 kg", 70}, Accepted{"70kg", 70}, Accepted{"70.0 kg", 70}, Accepted{"7e1 kg", 70},
        Accepted{"7E+01kg", 70}, Accepted{"7.00E+01 kg", 70}, Accepted{"700e-1 kg", 70}, Accepted{"0.2 kg", 0.2},
        Accepted{"0 kg", 0}, Accepted{"-70 kg", -70}, Accepted{"-0 kg", 0}, Accepted{"70000 g", 70},
        Accepted{"1e5g", 100}, Accepted{"100 lb", 45.359237}, Accepted{"0e-400 kg", 0}, Accepted{"1e308 kg", 1e308}}) {
    INFO(std::string(text));
    CHECK(parse_stated<Weight>(text, "weight").value().in(unit::kg) == kg);
  }
}

TEST_CASE("anything else is refused with the contract's code, under its field, and is not repeated") {
  struct Refused {
    std::string_view text;
    std::string_view code;
  };
  // clang-format off
  const std::vector<Refused> rows{
      // no number at all, or not JSON's grammar: J18 J20 J21 J22
      {"", "E_PARSE"}, {" ", "E_PARSE"}, {"kg", "E_PARSE"}, {"seventy kg", "E_PARSE"}, {" 70 kg", "E_PARSE"},
      {"\t70 kg", "E_PARSE"}, {"5. kg", "E_PARSE"}, {"5.kg", "E_PARSE"}, {"5.", "E_PARSE"}, {"010 kg", "E_PARSE"},
      {"010", "E_PARSE"}, {"00 kg", "E_PARSE"}, {"-010 kg", "E_PARSE"}, {"0x10 kg", "E_PARSE"}, {"0x10", "E_PARSE"},
      {"0X1p3 kg", "E_PARSE"}, {".5 kg", "E_PARSE"}, {"-.5 kg", "E_PARSE"}, {"+5 kg", "E_PARSE"}, {"+5", "E_PARSE"},
      {"--5 kg", "E_PARSE"}, {"- 5 kg", "E_PARSE"}, {"1_000 kg", "E_PARSE"}, {"0,5 kg", "E_PARSE"},
      {"1,000 kg", "E_PARSE"},
      {"1 000 kg", "E_PARSE"}, {"1'000 kg", "E_PARSE"}, {"70-80 kg", "E_PARSE"}, {"70 - 80 kg", "E_PARSE"},
      {"1.2.3 kg", "E_PARSE"}, {"1e kg", "E_PARSE"}, {"1e+ kg", "E_PARSE"}, {"1e5.5 kg", "E_PARSE"},
      {"1.e5 kg", "E_PARSE"},
      {"NaN kg", "E_PARSE"}, {"nan", "E_PARSE"}, {"-nan kg", "E_PARSE"}, {"Infinity kg", "E_PARSE"},
      {"-inf kg", "E_PARSE"},
      {"$70 kg", "E_PARSE"}, {"\xD9\xA7\xD9\xA0 kg", "E_PARSE"},          // Arabic-Indic seventy
      {"\xEF\xBC\x97\xEF\xBC\x90 kg", "E_PARSE"},                        // full-width seventy
      {"\xE2\x88\x92" "70 kg", "E_PARSE"},                               // a minus sign that is not ASCII
      {"\xEF\xBB\xBF" "70 kg", "E_PARSE"},                               // a byte order mark
      {std::string_view("\0" "70 kg", 6), "E_PARSE"},
      // no double holds it: J19
      {"1e400 kg", "E_RANGE"}, {"-1e400 kg", "E_RANGE"}, {"1e-400 kg", "E_RANGE"},
      {"1e99999999999999999999 kg", "E_RANGE"},
      {"1e-99999999999999999999 kg", "E_RANGE"}, {"1e400", "E_RANGE"},
      // a bare number: J14 J54
      {"70", "E_UNIT_MISSING"}, {"70 ", "E_UNIT_MISSING"}, {"-70", "E_UNIT_MISSING"}, {"7e1", "E_UNIT_MISSING"},
      {"0", "E_UNIT_MISSING"},
      // no unit of the list, or text after it: J15 J17 J23
      {"70.5abc", "E_UNIT_UNKNOWN"}, {"70 KG", "E_UNIT_UNKNOWN"}, {"70 Kg", "E_UNIT_UNKNOWN"},
      {"70 kG", "E_UNIT_UNKNOWN"},
      {"70  kg", "E_UNIT_UNKNOWN"}, {"70\tkg", "E_UNIT_UNKNOWN"}, {"70\nkg", "E_UNIT_UNKNOWN"},
      {"70 kg ", "E_UNIT_UNKNOWN"},
      {"70 kg\n", "E_UNIT_UNKNOWN"}, {"70 kg.", "E_UNIT_UNKNOWN"}, {"70 kg kg", "E_UNIT_UNKNOWN"},
      {"70 kgs", "E_UNIT_UNKNOWN"},
      {"70 k", "E_UNIT_UNKNOWN"}, {"154 lbs", "E_UNIT_UNKNOWN"}, {"154 [lb_av]", "E_UNIT_UNKNOWN"},
      {"11 st", "E_UNIT_UNKNOWN"},
      {"70\xC2\xA0kg", "E_UNIT_UNKNOWN"},                                // a no-break space
      {"7\xD9\xA0 kg", "E_UNIT_UNKNOWN"},                                // never 7
      {std::string_view("70 kg\0", 6), "E_UNIT_UNKNOWN"}, {std::string_view("70\0 kg", 6), "E_UNIT_UNKNOWN"},
      {"70 \xEF\xBD\x8B\xEF\xBD\x87", "E_UNIT_UNKNOWN"},                 // full-width kg
      {"70 1/", "E_UNIT_UNKNOWN"}, {"70 x", "E_UNIT_UNKNOWN"},
      // a unit of the list that no weight has: C14
      {"70 mg", "E_UNIT_MISMATCH"}, {"70 cm", "E_UNIT_MISMATCH"}, {"70 mg/kg", "E_UNIT_MISMATCH"},
      {"70 1/min", "E_UNIT_MISMATCH"},
      {"70 kg/m2", "E_UNIT_MISMATCH"}, {"70 yr", "E_UNIT_MISMATCH"}};
  // clang-format on
  CHECK(rows.size() >= 60);
  for (const Refused& row : rows) {
    INFO("text: [" << std::string(row.text) << "]");
    CHECK(refusal([&] { return parse_stated<Weight>(row.text, "patient.weight"); }) ==
          std::string(row.code) + " patient.weight");
  }
}

TEST_CASE("a refusal does not repeat what was typed") {
  for (const std::string_view text : {"70.5 canary", "canary", "canary kg", "70 kg canary", "7 canary/kg"}) {
    try {
      (void)parse_stated<Weight>(text, "patient.weight");
      FAIL("accepted");
    } catch (const InvalidInput& no) {
      CHECK(std::string(no.what()).find("canary") == std::string::npos);
    }
  }
}

TEST_CASE("J15 J17: a spelling that somebody may have meant is answered with the accepted one") {
  struct Meant {
    std::string_view text;
    std::string_view hint;
  };
  for (const auto& [text, hint] :
       {Meant{"35 ug", "mcg"}, Meant{"35 \xC2\xB5g", "mcg"}, Meant{"35\xCE\xBCg", "mcg"}, Meant{"35 gamma", "mcg"},
        Meant{"35 cc", "mL"}, Meant{"70 KG", "kg"}, Meant{"12.5 ug/kg/min", "mcg/kg/min"},
        Meant{"12.5 \xC2\xB5g/kg/min", "mcg/kg/min"}, Meant{"12.5 \xCE\xBCg/kg", "mcg/kg"}, Meant{"60 cc/h", "mL/h"},
        Meant{"60 ml/h", "mL/h"}, Meant{"1 mg/ml", "mg/mL"}, Meant{"100 ng/ml", "ng/mL"}, Meant{"154 lbs", "lb"}}) {
    INFO(std::string(text));
    try {
      (void)parse_stated<Dose>(text, "dose");
      FAIL("accepted");
    } catch (const InvalidInput& no) {
      CHECK(no.code == Code::unit_unknown);
      CHECK(no.message.ends_with("; accepted: " + std::string(hint)));
    }
  }
}

TEST_CASE("J24: a number of 400 digits is read as the nearest double") {
  const std::string ones(400, '1');
  CHECK(refusal([&] { return parse_number(ones, "n"); }) == "E_RANGE n");
  CHECK(parse_number("0." + ones, "n") == 0.1111111111111111111111);
  CHECK(parse_number("70." + std::string(400, '0'), "n") == 70);
  CHECK(parse_number("70." + std::string(400, '0') + "1", "n") == 70);
  CHECK(parse_stated<Weight>("70." + std::string(400, '0') + " kg", "w").value() == 70_kg);
  // Halfway between two doubles, and just above.
  CHECK(parse_number("9007199254740993", "n") == 9007199254740992.0);
  CHECK(parse_number("9007199254740993." + std::string(380, '0') + "1", "n") == 9007199254740994.0);
}

TEST_CASE("a bare number, where one is due, follows the same grammar") {
  CHECK(parse_number("0.54", "fraction") == 0.54);
  CHECK(parse_number("-1e-3", "fraction") == -0.001);
  CHECK(parse_number("0", "fraction") == 0);
  CHECK(parse_number("1e308", "fraction") == 1e308);
  for (const std::string_view text :
       {"",   ".5", "5.",  "+5", "0x10", "010", "1_000", "0,5",   "NaN",      "Infinity", "inf",
        "1 ", " 1", "1kg", "1e", "1e+",  "-",   "--1",   "1.5.2", "\xD9\xA1", "true",     "null"}) {
    INFO("text: [" << std::string(text) << "]");
    CHECK(refusal([&] { return parse_number(text, "fraction"); }) == "E_PARSE fraction");
  }
  for (const std::string_view text : {"1e400", "-1e400", "1e-400"})
    CHECK(refusal([&] { return parse_number(text, "fraction"); }) == "E_RANGE fraction");
}

TEST_CASE("a time becomes the nearest whole microsecond") {
  struct Instant {
    std::string_view text;
    Micros at;
  };
  for (const auto& [text, at] :
       {Instant{"40 min", 40min}, Instant{"40min", 40min}, Instant{"2400 s", 40min}, Instant{"0.5 h", 30min},
        Instant{"1 d", 24h}, Instant{"900000000 us", 15min}, Instant{"250 ms", 250ms}, Instant{"0.1 min", 6s},
        Instant{"5.35 min", 321s}, Instant{"0.1 s", 100ms}, Instant{"1e-6 s", 1us}, Instant{"0 min", 0us},
        Instant{"-0 min", 0us}, Instant{"400 d", horizon_limit}, Instant{"0.6 us", 1us}, Instant{"1.4 us", 1us},
        Instant{"33.3333333 min", 1'999'999'998us}, Instant{"34560000000000 us", horizon_limit},
        Instant{"0.7 d", 16h + 48min}}) {
    INFO(std::string(text));
    CHECK(parse_time(text, "at") == at);
  }
  struct Refused {
    std::string_view text;
    std::string_view code;
  };
  for (const Refused& row :
       {Refused{"40", "E_UNIT_MISSING"}, Refused{"40 mins", "E_UNIT_UNKNOWN"}, Refused{"40 kg", "E_UNIT_MISMATCH"},
        Refused{"42 yr", "E_UNIT_MISMATCH"}, Refused{"-1 min", "E_RANGE"}, Refused{"-1 us", "E_RANGE"},
        Refused{"401 d", "E_RANGE"}, Refused{"400.0000001 d", "E_RANGE"}, Refused{"34560000000001 us", "E_RANGE"},
        Refused{"1e300 d", "E_RANGE"}, Refused{"1e308 d", "E_RANGE"}, Refused{"0.4 us", "E_RANGE"},
        Refused{"1e-300 s", "E_RANGE"}, Refused{"NaN min", "E_PARSE"}, Refused{"00:40", "E_PARSE"},
        Refused{"40:00", "E_UNIT_UNKNOWN"}, Refused{"2026-10-25T02:30:00", "E_PARSE"}}) {
    INFO(std::string(row.text));
    CHECK(refusal([&] { return parse_time(row.text, "at"); }) == std::string(row.code) + " at");
  }
}

TEST_CASE("a number is written in the shortest form that reads back exactly") {
  CHECK(to_text(0.5) == "0.5");
  CHECK(to_text(35.0) == "35");
  CHECK(to_text(0.1) == "0.1");
  CHECK(to_text(1.0 / 3) == "0.3333333333333333");
  CHECK(to_text(0.1 + 0.2) == "0.30000000000000004");
  std::mt19937_64 random(11);
  for (int i = 0; i < 100'000; ++i) {
    const double x = std::bit_cast<double>(random());
    if (!std::isfinite(x)) continue;
    const std::string text = to_text(x);
    INFO(text);
    REQUIRE(text.find(',') == std::string::npos);
    REQUIRE(text.size() <= 24);
    double back = 0;
    REQUIRE(std::from_chars(text.data(), text.data() + text.size(), back).ptr == text.data() + text.size());
    REQUIRE(std::bit_cast<std::uint64_t>(back) == std::bit_cast<std::uint64_t>(x));
    if (std::isnormal(x)) REQUIRE(parse_number(text, "n") == x);
  }
}

TEST_CASE("a stated time and its text are the same microseconds") {
  for (const double x : {40.0, 0.1, 96.2929163, 1.0 / 3.0, 1e-6, 575999.9999})
    CHECK(micros_of(Stated<dim::time>(x, unit::min), "over") == parse_time(to_text(x) + " min", "over"));
  CHECK_THROWS_AS(micros_of(Stated<dim::time>(std::nan(""), unit::min), "over"), InvalidInput);
  CHECK_THROWS_AS(micros_of(Stated<dim::time>(-1.0, unit::min), "over"), InvalidInput);
}

TEST_CASE("a stated number is given back to the last digit in the unit it was stated in") {
  for (const double x : {252.81, 63.7, 127.4, 0.1, 1e-7}) {
    CHECK(Stated<dim::concentration>(x, unit::ng_per_mL).in(unit::ng_per_mL) == x);
    CHECK(Stated<dim::concentration>(x, unit::mg_per_mL).in(unit::mg_per_mL) == x);
  }
  CHECK(Stated<dim::concentration>(0.25, unit::mg_per_L).in(unit::ng_per_mL) == 250);
}
