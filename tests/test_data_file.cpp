// SPDX-License-Identifier: Apache-2.0
// Facts about data files in and tables out, and the bad inputs J27, J35, J37 and J44 to J50 as far as they are about
// such files. Where a file is refused, code, line and column are asserted.

#include "catch.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "ketpk/io.hpp"
#include "ketpk/quantity.hpp"
#include "random_cases.hpp"

namespace {

using namespace ketpk;
using namespace std::chrono_literals;
using io::DataFormat;
using ketpk::testing::Random;

/// h, mg, ng/mL; one compartment.
DataFormat plain() { return {.units = {}, .compartments = {"central"}}; }
/// The same with an absorption compartment ahead and a peripheral one behind, and a covariate.
DataFormat nasal() { return {.units = {}, .compartments = {"nose", "central", "shallow"}, .covariates = {"WT"}}; }

std::optional<InvalidInput> refusal(std::string_view bytes, const DataFormat& format) {
  try {
    (void)io::read_data(bytes, format);
  } catch (const InvalidInput& e) {
    return e;
  }
  return std::nullopt;
}

/// `E_CODE field`, or `read`.
std::string answer(std::string_view bytes, const DataFormat& format) {
  const auto e = refusal(bytes, format);
  return e ? std::string(name_of(e->code)) + ' ' + e->field : "read";
}

/// The records of a file of one subject.
std::vector<Record> records(std::string_view bytes, const DataFormat& format) {
  const Dataset dataset = io::read_data(bytes, format);
  REQUIRE(dataset.subjects.size() == 1);
  return dataset.subjects.front().records;
}

RecordDose dose(const std::string& header, const std::string& row, const DataFormat& format) {
  const auto all = records(header + '\n' + row + '\n', format);
  REQUIRE(all.size() == 1);
  REQUIRE(all.front().dose.has_value());
  return *all.front().dose;
}

bool same(double a, double b) { return std::abs(a - b) <= 1e-15 * std::abs(b); }

struct Bad {
  std::string bytes;
  std::string expected;  ///< "E_CODE field"
  bool nasal = false;    ///< read for three compartments and WT
};

const std::string full = "ID,TIME,AMT,RATE,DUR,EVID,CMT,ADDL,II,SS,MDV,DV,WT\n";
/// A file of the full header and one row.
std::string one(const std::string& row) { return full + row + '\n'; }

}  // namespace

TEST_CASE("a data file is read into base units, with the lines it stands on") {
  const Dataset d = io::read_data(
      "ID,TIME,AMT,RATE,EVID,CMT,DV,MDV,WT,SITE\n"
      "7,0,35,52.5,1,2,.,1,70,A\n"
      "7,0.5,.,.,0,.,120,0,70,A\n"
      "7,0.75,0,0,2,0,,,71.5,A\n"
      "8,-1.5,10,0,4,nose,.,.,80,B\n",
      nasal());
  CHECK(d.covariates == std::vector<std::string>{"WT"});
  CHECK(d.ignored_columns == std::vector<std::string>{"SITE"});
  REQUIRE(d.subjects.size() == 2);
  CHECK(d.subjects[0].id == "7");
  CHECK(d.subjects[1].id == "8");
  REQUIRE(d.subjects[0].records.size() == 3);
  REQUIRE(d.subjects[1].records.size() == 1);

  const Record& first = d.subjects[0].records[0];
  CHECK(first.line == 2);
  CHECK(first.time == 0us);
  CHECK(first.evid == Evid::dose);
  REQUIRE(first.dose.has_value());
  CHECK(first.dose->compartment == 1);
  CHECK(first.dose->kind == DoseKind::at_rate);
  CHECK(first.dose->amount_mg == 35);
  CHECK(first.dose->rate_mg_per_min == 0.875);
  CHECK(first.covariates == std::vector<double>{70});
  CHECK_FALSE(first.observed_mg_per_L.has_value());
  CHECK(first.missing_observation == true);

  const Record& second = d.subjects[0].records[1];
  CHECK(second.line == 3);
  CHECK(second.time == 30min);
  CHECK(second.evid == Evid::observation);
  CHECK_FALSE(second.dose.has_value());
  CHECK(second.observed_mg_per_L == 0.12);
  CHECK(second.missing_observation == false);

  const Record& third = d.subjects[0].records[2];
  CHECK(third.evid == Evid::other);
  CHECK(third.covariates == std::vector<double>{71.5});
  CHECK_FALSE(third.missing_observation.has_value());

  const Record& other = d.subjects[1].records[0];
  CHECK(other.line == 5);
  CHECK(other.time == -90min);
  CHECK(other.evid == Evid::reset_and_dose);
  REQUIRE(other.dose.has_value());
  CHECK(other.dose->compartment == 0);
  CHECK(other.dose->kind == DoseKind::bolus);
}

TEST_CASE("the units of the columns are those of the format") {
  DataFormat f = plain();
  f.units = {.time = unit::d, .amount = unit::mcg, .concentration = unit::mcg_per_mL};
  const auto all = records("ID,TIME,AMT,RATE,DV,II,ADDL\n1,1,1440,2880,0,.,0\n1,1.5,0,.,3,,\n1,2,50,.,.,0.25,4\n", f);
  REQUIRE(all.size() == 3);
  CHECK(all[0].time == 24h);
  CHECK(all[0].dose->amount_mg == 1.44);
  CHECK(all[0].dose->rate_mg_per_min == 0.002);
  CHECK(all[1].observed_mg_per_L == 3);
  CHECK(all[2].dose->interval == 6h);
  CHECK(all[2].dose->additional == 4);

  f.units = {.time = unit::s, .amount = unit::g, .concentration = unit::ng_per_mL};
  CHECK(dose("ID,TIME,AMT,RATE", "1,0,3,0.001", f).rate_mg_per_min == 60);
  CHECK(dose("ID,TIME,AMT,DUR", "1,0,3,90", f).duration == 90s);
  f.units.time = unit::us;
  CHECK(dose("ID,TIME,AMT,RATE", "1,0,3,1e-6", f).rate_mg_per_min == 6e4);
}

TEST_CASE("record times are rounded to the nearest microsecond, on both sides of zero") {
  DataFormat f = plain();
  f.units.time = unit::us;
  const auto all = records("ID,TIME\n1,-2.5\n1,-2.4\n1,-0.4\n1,0.4\n1,1e0\n1,1.5\n", f);
  std::vector<std::int64_t> times;
  for (const Record& r : all) times.push_back(r.time.count());
  CHECK(times == std::vector<std::int64_t>{-3, -2, 0, 0, 1, 2});
}

TEST_CASE("columns stand in any order, in capitals or all in lower case") {
  const std::string upper = "WT,AMT,TIME,ID\n70,5,1,a\n70,.,2,a\n";
  const std::string lower = "wt,amt,time,id\n70,5,1,a\n70,.,2,a\n";
  DataFormat f = plain();
  f.covariates = {"WT"};
  for (const std::string& bytes : {upper, lower}) {
    const auto all = records(bytes, f);
    REQUIRE(all.size() == 2);
    CHECK(all[0].time == 1h);
    CHECK(all[0].dose->amount_mg == 5);
    CHECK(all[1].covariates == std::vector<double>{70});
  }
  f.covariates = {"Weight"};
  CHECK(answer("ID,TIME,Weight\n1,0,70\n", f) == "read");
  CHECK(answer("id,time,weight\n1,0,70\n", f) == "read");
  CHECK(answer("ID,TIME,WEIGHT\n1,0,70\n", f) == "E_COLUMNS data line 1 column 3");
  CHECK(answer("id,time,Weight\n1,0,70\n", f) == "E_COLUMNS data line 1 column 3");
}

TEST_CASE("what a line ends in changes nothing") {
  for (const std::string bytes : {"ID,TIME\n1,0\n1,2", "ID,TIME\r\n1,0\r\n1,2\r\n", "ID,TIME\r\n1,0\n1,2\r\n",
                                  "\"ID\",\"TIME\"\n\"1\",\"0\"\n\"1\",\"2\""}) {
    INFO(bytes);
    const auto all = records(bytes, plain());
    REQUIRE(all.size() == 2);
    CHECK(all[1].time == 2h);
    CHECK(all[1].line == 3);
  }
}

TEST_CASE("J47: a quoted field may hold commas, quotes and line breaks, and lines are counted on") {
  const Dataset d = io::read_data(
      "ID,TIME,NOTE\n\"a,\"\"b\"\"\",0,\"two\nlines, \"\"quoted\"\"\"\n\"a,\"\"b\"\"\",1,\"\"\n", plain());
  REQUIRE(d.subjects.size() == 1);
  CHECK(d.subjects[0].id == "a,\"b\"");
  REQUIRE(d.subjects[0].records.size() == 2);
  CHECK(d.subjects[0].records[0].line == 2);
  CHECK(d.subjects[0].records[1].line == 4);
  CHECK(answer("ID,TIME,NOTE\n1,0,\"two\nlines\"\n1,x,\n", plain()) == "E_PARSE data line 4 column TIME");
  CHECK(answer("ID,TIME,NOTE\n1,0,\"never\nclosed\n1,1,\n", plain()) == "E_PARSE data line 2 column 3");
}

TEST_CASE("without EVID a record with an amount, or with a rate at steady state, is a dose") {
  const auto all =
      records("ID,TIME,AMT,RATE,SS\n1,0,5,.,.\n1,1,0,.,.\n1,2,.,.,.\n1,3,.,4,1\n1,4,0,4,2\n1,5,7,-1,0\n", plain());
  std::vector<Evid> kinds;
  for (const Record& r : all) kinds.push_back(r.evid);
  CHECK(kinds ==
        std::vector<Evid>{Evid::dose, Evid::observation, Evid::observation, Evid::dose, Evid::dose, Evid::dose});
  CHECK(answer("ID,TIME,AMT,RATE\n1,0,0,4\n", plain()) == "E_RANGE data line 2 column RATE");
  CHECK(answer("ID,TIME,AMT\n1,0,-5\n", plain()) == "E_RANGE data line 2 column AMT");
  CHECK(answer("ID,TIME,EVID\n1,0,0\n", plain()) == "read");
}

TEST_CASE("EVID says what a record is") {
  const auto all = records("ID,TIME,AMT,EVID\n1,0,5,1\n1,1,.,0\n1,2,0,2\n1,3,,3\n1,3,5,4\n", plain());
  std::vector<Evid> kinds;
  for (const Record& r : all) kinds.push_back(r.evid);
  CHECK(kinds == std::vector<Evid>{Evid::dose, Evid::observation, Evid::other, Evid::reset, Evid::reset_and_dose});
  CHECK(all[4].dose.has_value());
  CHECK_FALSE(all[3].dose.has_value());
}

TEST_CASE("RATE and DUR say how a dose enters") {
  const std::string header = "ID,TIME,AMT,RATE,DUR";
  const auto kind = [&](const std::string& tail) { return dose(header, "1,0,60," + tail, plain()).kind; };
  for (const char* tail : {".,.", ",", "0,0", "0.0,.", "-0,"}) {
    INFO(tail);
    CHECK(kind(tail) == DoseKind::bolus);
  }
  CHECK(kind("-1,.") == DoseKind::modelled_rate);
  CHECK(kind("-2,0") == DoseKind::modelled_duration);
  CHECK(dose(header, "1,0,60,90,.", plain()).rate_mg_per_min == 1.5);
  CHECK(kind("90,0") == DoseKind::at_rate);
  CHECK(kind(".,0.5") == DoseKind::over_duration);
  CHECK(dose(header, "1,0,60,.,0.5", plain()).duration == 30min);
  for (const char* rate : {"-3", "-0.5", "-1.0000001", "-2.5"}) {
    INFO(rate);
    CHECK(answer(header + "\n1,0,60," + rate + ",.\n", plain()) == "E_RANGE data line 2 column RATE");
  }
  CHECK(answer(header + "\n1,0,60,10,1\n", plain()) == "E_RANGE data line 2 column DUR");
  CHECK(answer(header + "\n1,0,60,-1,1\n", plain()) == "E_RANGE data line 2 column DUR");
  CHECK(answer(header + "\n1,0,60,.,-1\n", plain()) == "E_RANGE data line 2 column DUR");
}

TEST_CASE("an infusion lasts from a microsecond to 400 d") {
  const std::string header = "ID,TIME,AMT,RATE\n";
  CHECK(answer(header + "1,0,9600,1\n", plain()) == "read");
  CHECK(answer(header + "1,0,9601,1\n", plain()) == "E_RANGE data line 2 column RATE");
  CHECK(answer(header + "1,0,1,3.6e9\n", plain()) == "read");
  CHECK(answer(header + "1,0,1,3.6e10\n", plain()) == "E_RANGE data line 2 column RATE");
  CHECK(answer(header + "1,0,1e300,1e-300\n", plain()) == "E_RANGE data line 2 column RATE");
  CHECK(answer("ID,TIME,AMT,DUR\n1,0,1,9600\n", plain()) == "read");
  CHECK(answer("ID,TIME,AMT,DUR\n1,0,1,9600.1\n", plain()) == "E_RANGE data line 2 column DUR");
  CHECK(answer("ID,TIME,AMT,DUR\n1,0,1,1e-12\n", plain()) == "E_RANGE data line 2 column DUR");
}

TEST_CASE("a constant infusion at steady state has a rate and nothing else") {
  const std::string header = "ID,TIME,EVID,AMT,RATE,DUR,ADDL,II,SS";
  for (const std::string row : {"1,0,1,0,30,.,.,.,1", "1,0,4,.,30,0,0,0,2"}) {
    INFO(row);
    const RecordDose d = dose(header, row, plain());
    CHECK(d.kind == DoseKind::at_rate);
    CHECK(d.amount_mg == 0);
    CHECK(d.rate_mg_per_min == 0.5);
    CHECK(d.steady_state == (row.back() == '1' ? SteadyState::replaces : SteadyState::adds));
  }
  const auto at = [&](const std::string& row) { return answer(header + '\n' + row + '\n', plain()); };
  CHECK(at("1,0,1,0,30,.,.,.,0") == "E_RANGE data line 2 column AMT");
  CHECK(at("1,0,1,0,30,.,.,6,1") == "E_RANGE data line 2 column II");
  CHECK(at("1,0,1,0,30,.,2,.,1") == "E_RANGE data line 2 column ADDL");
  CHECK(at("1,0,1,0,30,1,.,.,1") == "E_RANGE data line 2 column DUR");
  CHECK(at("1,0,1,0,-1,.,.,.,1") == "read");  // the infusion that has always been running, at the model's rate
  CHECK(at("1,0,1,0,.,1,.,6,1") == "E_RANGE data line 2 column AMT");
  CHECK(at("1,0,1,.,.,.,.,6,1") == "E_FIELD_MISSING data line 2 column AMT");
}

TEST_CASE("doses repeat by ADDL and II within 400 d of the subject's first record") {
  const std::string header = "ID,TIME,AMT,ADDL,II,SS";
  const RecordDose d = dose(header, "1,0,5,3,12,.", plain());
  CHECK(d.additional == 3);
  CHECK(d.interval == 12h);
  CHECK(dose(header, "1,0,5,1e2,1.0,0", plain()).additional == 100);
  CHECK(dose(header, "1,0,5,.,8,2", plain()).interval == 8h);
  const auto at = [&](const std::string& rows) { return answer(header + '\n' + rows + '\n', plain()); };
  CHECK(at("1,0,5,100000,0.096,.") == "read");
  CHECK(at("1,0,5,100001,0.001,.") == "E_RANGE data line 2 column ADDL");
  CHECK(at("1,0,5,1.5,1,.") == "E_RANGE data line 2 column ADDL");
  CHECK(at("1,0,5,-1,1,.") == "E_RANGE data line 2 column ADDL");
  CHECK(at("1,0,5,400,24,.") == "read");
  CHECK(at("1,0,5,401,24,.") == "E_RANGE data line 2 column ADDL");
  CHECK(at("1,-1,.,.,.,.\n1,0,5,400,24,.") == "E_RANGE data line 3 column ADDL");
  CHECK(at("1,0,5,100000,9600,.") == "E_RANGE data line 2 column ADDL");
  CHECK(at("1,0,5,2,.,.") == "E_FIELD_MISSING data line 2 column II");
  CHECK(at("1,0,5,2,0,.") == "E_RANGE data line 2 column II");
  CHECK(at("1,0,5,2,-1,.") == "E_RANGE data line 2 column II");
  CHECK(at("1,0,5,.,.,1") == "E_FIELD_MISSING data line 2 column II");
  CHECK(at("1,0,5,.,6,.") == "E_RANGE data line 2 column II");
  CHECK(at("1,0,5,0,6,0") == "E_RANGE data line 2 column II");
  CHECK(at("1,0,5,.,6,3") == "E_RANGE data line 2 column SS");
  CHECK(answer("ID,TIME,AMT,SS\n1,0,5,1\n", plain()) == "E_COLUMNS data line 2 column II");
}

TEST_CASE("a dose says which compartment it enters, by number or by name") {
  const std::string header = "ID,TIME,AMT,WT,CMT";
  for (const auto& [text, index] :
       {std::pair{"1", 0U}, {"2", 1U}, {"3", 2U}, {"2.0", 1U}, {"nose", 0U}, {"shallow", 2U}})
    CHECK(dose(header, std::string("1,0,5,70,") + text, nasal()).compartment == index);
  const auto at = [&](const std::string& cmt) { return answer(header + "\n1,0,5,70," + cmt + '\n', nasal()); };
  CHECK(at("0") == "E_RANGE data line 2 column CMT");
  CHECK(at("4") == "E_RANGE data line 2 column CMT");
  CHECK(at("1.5") == "E_RANGE data line 2 column CMT");
  CHECK(at("-2") == "E_RANGE data line 2 column CMT");
  CHECK(at("NOSE") == "E_PARSE data line 2 column CMT");
  CHECK(at(".") == "E_FIELD_MISSING data line 2 column CMT");
  CHECK(answer("ID,TIME,AMT,WT\n1,0,5,70\n", nasal()) == "E_COLUMNS data line 2 column CMT");
  CHECK(answer("ID,TIME,AMT,WT,CMT\n1,0,0,70,4\n", nasal()) == "E_RANGE data line 2 column CMT");
  CHECK(answer("ID,TIME,AMT,WT,CMT\n1,0,0,70,.\n1,0,0,70,0\n1,0,0,70,3\n", nasal()) == "read");

  const DataFormat central_first{.units = {}, .compartments = {"central", "shallow"}};
  CHECK(dose("ID,TIME,AMT", "1,0,5", central_first).compartment == 0);
  CHECK(answer("ID,TIME,AMT,CMT\n1,0,5,.\n", central_first) == "E_FIELD_MISSING data line 2 column CMT");
  CHECK(dose("ID,TIME,AMT,CMT", "1,0,5,.", plain()).compartment == 0);
}

TEST_CASE("J37: time never falls within a subject, and a subject never comes back") {
  const std::string header = "ID,TIME,EVID,AMT\n";
  CHECK(answer(header + "1,1,0,.\n1,1,0,.\n2,0,0,.\n", plain()) == "read");
  CHECK(answer(header + "1,1,0,.\n1,0.5,0,.\n", plain()) == "E_TIME_ORDER data line 3 column TIME");
  CHECK(answer(header + "1,1,1,5\n1,0.5,1,5\n", plain()) == "E_TIME_ORDER data line 3 column TIME");
  CHECK(answer(header + "1,0,0,.\n2,0,0,.\n1,1,0,.\n", plain()) == "E_TIME_ORDER data line 4 column ID");
  CHECK(io::read_data(header + "1,0,0,.\n1.0,0,0,.\n01,0,0,.\n", plain()).subjects.size() == 3);
}

TEST_CASE("a new clock may begin at a reset, and all clocks of a subject together run for 400 d") {
  const std::string header = "ID,TIME,EVID,AMT\n";
  CHECK(answer(header + "1,1,0,.\n1,0,3,.\n1,0,1,5\n", plain()) == "read");
  CHECK(answer(header + "1,1,0,.\n1,0,4,5\n1,2,0,.\n1,1,4,5\n", plain()) == "read");
  CHECK(answer(header + "1,1,0,.\n1,0,4,5\n1,-1,0,.\n", plain()) == "E_TIME_ORDER data line 4 column TIME");
  const std::string long_clock = header + "1,0,1,5\n1,9599,0,.\n1,0,4,5\n";
  CHECK(answer(long_clock + "1,1,0,.\n", plain()) == "read");
  CHECK(answer(long_clock + "1,1.001,0,.\n", plain()) == "E_RANGE data line 5 column TIME");
}

TEST_CASE("times lie within 400 d of zero and of the subject's first record") {
  CHECK(answer("ID,TIME\n1,0\n1,9600\n", plain()) == "read");
  CHECK(answer("ID,TIME\n1,-9600\n", plain()) == "read");
  CHECK(answer("ID,TIME\n1,9600.001\n", plain()) == "E_RANGE data line 2 column TIME");
  CHECK(answer("ID,TIME\n1,-9600.001\n", plain()) == "E_RANGE data line 2 column TIME");
  CHECK(answer("ID,TIME\n1,-1\n1,9600\n", plain()) == "E_RANGE data line 3 column TIME");
  CHECK(answer("ID,TIME\n1,1e300\n", plain()) == "E_RANGE data line 2 column TIME");
}

TEST_CASE("J44 to J49: a column that may have been meant for another is refused, any other is left out") {
  const auto with = [](const std::string& name) { return answer("ID,TIME,AMT," + name + "\n1,0,5,0\n", plain()); };
  for (const char* name :
       {"OCC", "COMMENT", "DVID", "SEX",  "RACE",  "DATE",  "TAD",     "NTIME",        "TIME2", "AST",   "ATM",
        "LDV", "C",       "BLQ",  "DOSE", "STUDY", "HRATE", "Groesse", "\xC3\xA4lter", "dose",  "weight"}) {
    INFO(name);
    CHECK(with(name) == "read");
  }
  for (const char* name :
       {"Time",     "time",  "TIME ", " TIME",       "T_I_M_E", "TIM",      "TIME(h)",     "TIME [h]",   "TIME_H",
        "TIMEH",    "TIMES", "TMIE",  "Amt",         "amt",     "AMT(mg)",  "AMT_MG",      "AMTS",       "Rate",
        "rate",     "RAT",   "RATES", "RATE (mg/h)", "RTAE",    "RATE_MGH", "Dur",         "DUR(h)",     "DURH",
        "Evid",     "EVI",   "EVDI",  "#ID",         "Id",      "id",       "Cmt",         "cmt",        "Addl",
        "ADD",      "ii",    "II(h)", "IIH",         "Ss",      "mdv",      "dv",          "DV (ng/mL)", "DURATION",
        "Duration", "TINF",  "TAU",   "INTERVAL",    "EVENT",   "COMP",     "COMPARTMENT", "Tinf"}) {
    INFO(name);
    CHECK(with(name) == "E_COLUMNS data line 1 column 4");
  }
  // What it could have been meant for is there.
  CHECK(answer("ID,TIME,AMT,RATE,TINF\n1,0,5,5,1\n", plain()) == "read");
  CHECK(answer("ID,TIME,AMT,ADDL,II,TAU\n1,0,5,0,.,1\n", plain()) == "read");
  CHECK(answer("ID,TIME,DOSE\n1,0,5\n", plain()) == "E_COLUMNS data line 1 column 3");
  CHECK(answer("id,time,AMT\n1,0,5\n", plain()) == "E_COLUMNS data line 1 column 3");
  const auto e = refusal("ID,TIME,Dur\n1,0,5\n", plain());
  REQUIRE(e.has_value());
  CHECK(e->message.find("accepted: DUR,") != std::string::npos);
}

TEST_CASE("bad files are refused with their code, line and column") {
  const std::string ok = "1,0,5,.,.,1,1,.,.,.,.,.,70";
  REQUIRE(answer(one(ok), nasal()) == "read");
  const std::vector<Bad> all{
      // the text
      {"", "E_COLUMNS data line 1"},
      {"\n", "E_COLUMNS data line 1"},
      {"\r\nID,TIME\n1,0\n", "E_COLUMNS data line 1"},
      {"ID,TIME\n", "E_FIELD_MISSING data"},
      {"ID,TIME", "E_FIELD_MISSING data"},
      {"\xEF\xBB\xBFID,TIME\n1,0\n", "E_ENCODING data line 1"},  // J27
      {"\xFF\xFEI\0D\0", "E_ENCODING data line 1"},
      {std::string("ID,TIME\n1,0\n1,\0\n", 15), "E_ENCODING data line 3"},
      {"ID,TIME\n1,0\n\xFF,1\n", "E_ENCODING data line 3"},
      {"ID,TIME,N\n1,0,\xC0\xAF\n", "E_ENCODING data line 2"},
      {"ID,TIME,N\n1,0,\xED\xA0\x80\n", "E_ENCODING data line 2"},
      {"ID,TIME\n1,0\n\n1,1\n", "E_COLUMNS data line 3"},
      {"ID,TIME\r\n1,0\r\n\r\n1,1\r\n", "E_COLUMNS data line 3"},
      {"ID,TIME\n1,0\n\n", "E_COLUMNS data line 3"},
      {"ID,TIME\n1,0\n \n", "E_COLUMNS data line 3"},
      {"ID,TIME\r1,0\r", "E_PARSE data line 1 column 2"},
      {"ID,TIME\n1,0\r1,1\n", "E_PARSE data line 2 column TIME"},
      {"ID,TIME\n1,\"0\n", "E_PARSE data line 2 column TIME"},
      {"ID,TIME\n1,\"0", "E_PARSE data line 2 column TIME"},
      {"ID,TIME\n1,\"0\"0\n", "E_PARSE data line 2 column TIME"},
      {"ID,TIME\n1,\"0\" \n", "E_PARSE data line 2 column TIME"},
      {"ID,TIME\n1,0\"\n", "E_PARSE data line 2 column TIME"},
      {"ID,TIME\nA\"B,0\n", "E_PARSE data line 2 column ID"},
      {"ID,TIME\n1, \"0\"\n", "E_PARSE data line 2 column TIME"},
      {"ID,TI\"ME\n1,0\n", "E_PARSE data line 1 column 2"},
      // the header
      {"1,0,5\n1,1,5\n", "E_COLUMNS data line 1 column ID"},
      {"ID;TIME;AMT\n1;0;70,5\n", "E_COLUMNS data line 1 column ID"},  // J44
      {"ID\tTIME\n1\t0\n", "E_ENCODING data line 1 column 1"},
      {"ID TIME\n1 0\n", "E_COLUMNS data line 1 column ID"},
      {"TIME,AMT\n0,5\n", "E_COLUMNS data line 1 column ID"},
      {"ID,AMT\n1,5\n", "E_COLUMNS data line 1 column TIME"},
      {"id,amt\n1,5\n", "E_COLUMNS data line 1 column time"},
      {"ID,TIME,AMT\n1,0,.\n", "E_COLUMNS data line 1 column WT", true},
      {"ID,TIME,WT(kg)\n1,0,.\n", "E_COLUMNS data line 1 column 3", true},
      {"ID,TIME,AMT,TIME\n1,0,5,0\n", "E_FIELD_DUPLICATE data line 1 column TIME"},  // J45
      {"ID,TIME,OCC,OCC\n1,0,5,0\n", "E_FIELD_DUPLICATE data line 1 column 4"},
      {"ID,TIME,WT,WT\n1,0,5,0\n", "E_FIELD_DUPLICATE data line 1 column WT", true},
      {"ID,TIME,\n1,0,5\n", "E_COLUMNS data line 1 column 3"},
      {"ID,TIME,\"A\nB\"\n1,0,5\n", "E_ENCODING data line 1 column 3"},
      {"ID,TIME," + std::string(1001, 'x') + "\n1,0,5\n", "E_SIZE data line 1 column 3"},
      {"ID,TIME" + std::string(1000, ',') + "\n1,0\n", "E_SIZE data line 1"},
      // the fields of a row
      {"ID,TIME,AMT\n1,0\n", "E_COLUMNS data line 2"},  // J46
      {"ID,TIME,AMT\n1,0,5,\n", "E_COLUMNS data line 2"},
      {"ID,TIME,AMT\n1,0,70,5\n", "E_COLUMNS data line 2"},  // J44
      {"ID,TIME,AMT\n1,0,5\n1\n", "E_COLUMNS data line 3"},
      // ID
      {"ID,TIME\n,0\n", "E_FIELD_MISSING data line 2 column ID"},
      {"ID,TIME\n.,0\n", "E_FIELD_MISSING data line 2 column ID"},
      {"ID,TIME\nNA,0\n", "E_FIELD_MISSING data line 2 column ID"},
      {"ID,TIME\n" + std::string(65, 'a') + ",0\n", "E_SIZE data line 2 column ID"},
      {"ID,TIME\n\"a\nb\",0\n", "E_ENCODING data line 2 column ID"},
      {"ID,TIME\n\x1B[2J,0\n", "E_ENCODING data line 2 column ID"},
      {"ID,TIME\na\xC2\x9B,0\n", "E_ENCODING data line 2 column ID"},
      {"ID,TIME\n 1,0\n", "E_PARSE data line 2 column ID"},
      {"ID,TIME\n1 ,0\n", "E_PARSE data line 2 column ID"},
      // TIME
      {"ID,TIME\n1,.\n", "E_FIELD_MISSING data line 2 column TIME"},
      {"ID,TIME\n1,\n", "E_FIELD_MISSING data line 2 column TIME"},
      {"ID,TIME\n1,09:30\n", "E_PARSE data line 2 column TIME"},
      {"ID,TIME\n1,2026-10-25T02:30:00\n", "E_PARSE data line 2 column TIME"},  // J35
      {"ID,TIME\n1,1 h\n", "E_PARSE data line 2 column TIME"},
      {"ID,TIME\n1, 1\n", "E_PARSE data line 2 column TIME"},
      // numbers, J48 and J49
      {"ID,TIME,AMT\n1,0,.5\n", "E_PARSE data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,5.\n", "E_PARSE data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,+5\n", "E_PARSE data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,0x5\n", "E_PARSE data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,05\n", "E_PARSE data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,inf\n", "E_PARSE data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,nan\n", "E_PARSE data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,5mg\n", "E_PARSE data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,5-Nov\n", "E_PARSE data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,\"70,5\"\n", "E_PARSE data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,\xD9\xA3\n", "E_PARSE data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,1e400\n", "E_RANGE data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,1e-400\n", "E_RANGE data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,NA\n", "E_FIELD_MISSING data line 2 column AMT"},
      {"ID,TIME,AMT\n1,0,-\n", "E_FIELD_MISSING data line 2 column AMT"},
      {"ID,TIME,AMT,EVID\n1,0,.,1\n", "E_FIELD_MISSING data line 2 column AMT"},
      {"ID,TIME,AMT,EVID\n1,0,,4\n", "E_FIELD_MISSING data line 2 column AMT"},
      {"ID,TIME,AMT,EVID\n1,0,0,1\n", "E_RANGE data line 2 column AMT"},
      {"ID,TIME,AMT,EVID\n1,0,-5,1\n", "E_RANGE data line 2 column AMT"},
      {"ID,TIME,EVID\n1,0,1\n", "E_COLUMNS data line 2 column AMT"},
      // EVID
      {"ID,TIME,EVID\n1,0,.\n", "E_FIELD_MISSING data line 2 column EVID"},
      {"ID,TIME,EVID\n1,0,5\n", "E_RANGE data line 2 column EVID"},
      {"ID,TIME,EVID\n1,0,-1\n", "E_RANGE data line 2 column EVID"},
      {"ID,TIME,EVID\n1,0,0.5\n", "E_RANGE data line 2 column EVID"},
      {"ID,TIME,EVID\n1,0,obs\n", "E_PARSE data line 2 column EVID"},
      // what a record without a dose may not say
      {one("1,0,5,.,.,0,.,.,.,.,.,.,70"), "E_RANGE data line 2 column AMT", true},
      {one("1,0,.,5,.,0,.,.,.,.,.,.,70"), "E_RANGE data line 2 column RATE", true},
      {one("1,0,.,.,5,2,.,.,.,.,.,.,70"), "E_RANGE data line 2 column DUR", true},
      {one("1,0,.,.,.,2,.,5,.,.,.,.,70"), "E_RANGE data line 2 column ADDL", true},
      {one("1,0,.,.,.,3,.,.,5,.,.,.,70"), "E_RANGE data line 2 column II", true},
      {one("1,0,.,.,.,3,.,.,.,1,.,.,70"), "E_RANGE data line 2 column SS", true},
      {one("1,0,.,x,.,0,.,.,.,.,.,.,70"), "E_PARSE data line 2 column RATE", true},
      // MDV, DV, covariates
      {one("1,0,.,.,.,0,.,.,.,.,2,.,70"), "E_RANGE data line 2 column MDV", true},
      {one("1,0,.,.,.,0,.,.,.,.,0.5,.,70"), "E_RANGE data line 2 column MDV", true},
      {one("1,0,.,.,.,0,.,.,.,.,0,BLQ,70"), "E_PARSE data line 2 column DV", true},
      {one("1,0,.,.,.,0,.,.,.,.,0,NA,70"), "E_FIELD_MISSING data line 2 column DV", true},
      {one(ok) + "1,1,.,.,.,0,.,.,.,.,0,.,.\n", "E_FIELD_MISSING data line 3 column WT", true},
      {one("1,0,.,.,.,0,.,.,.,.,0,.,"), "E_FIELD_MISSING data line 2 column WT", true},
      {one("1,0,.,.,.,0,.,.,.,.,0,.,NA"), "E_FIELD_MISSING data line 2 column WT", true},
      {one("1,0,.,.,.,0,.,.,.,.,0,.,heavy"), "E_PARSE data line 2 column WT", true},
  };
  CHECK(all.size() >= 60);
  for (const Bad& bad : all) {
    INFO(bad.bytes.substr(0, 200));
    const auto e = refusal(bad.bytes, bad.nasal ? nasal() : plain());
    REQUIRE(e.has_value());
    CHECK(std::string(name_of(e->code)) + ' ' + e->field == bad.expected);
    CHECK(e->message.find("; accepted: ") != std::string::npos);
    CHECK(e->message.find('\n') == std::string::npos);
  }
}

TEST_CASE("J49: exponents as spreadsheets write them are numbers") {
  CHECK(dose("ID,TIME,AMT", "1,0,7.00E+01", plain()).amount_mg == 70);
}

TEST_CASE("a row of another length is refused with both counts") {
  const auto e = refusal("ID,TIME,AMT\n1,0,5\n1,0\n", plain());
  REQUIRE(e.has_value());
  CHECK(e->message == "2 fields; accepted: 3, as in the header");
}

TEST_CASE("no refusal repeats what stands in the file") {
  const std::string canary = "Zacharias4711";
  const std::vector<std::vector<std::string>> cells{
      {"ID", "TIME", "AMT", "RATE", "DUR", "EVID", "CMT", "ADDL", "II", "SS", "MDV", "DV", "WT", "OCC"},
      {"1", "0", "5", ".", ".", "1", "1", ".", ".", ".", ".", ".", "70", "1"},
      {"1", "1", ".", ".", ".", "0", ".", ".", ".", ".", "0", "12", "70", "1"}};
  std::size_t refused = 0;
  for (std::size_t i = 0; i < cells.size(); ++i)
    for (std::size_t j = 0; j < cells[i].size(); ++j)
      for (const std::string& put : {canary, "\"" + canary, canary + "\"", canary + "\xFF", canary + " " + cells[0][j],
                                     canary + ',' + canary, "-1" + canary, "9e999" + canary}) {
        std::string bytes;
        for (std::size_t row = 0; row < cells.size(); ++row)
          for (std::size_t column = 0; column < cells[row].size(); ++column) {
            bytes += row == i && column == j ? put : cells[row][column];
            bytes += column + 1 < cells[row].size() ? ',' : '\n';
          }
        const auto e = refusal(bytes, nasal());
        if (!e) continue;
        ++refused;
        INFO(e->what());
        CHECK(std::string_view(e->what()).find(canary) == std::string_view::npos);
        CHECK(std::string_view(e->what()).find("4711") == std::string_view::npos);
      }
  CHECK(refused > 200);
}

TEST_CASE("a format that leaves columns in doubt is refused") {
  const std::string bytes = "ID,TIME,WT\n1,0,70\n";
  const auto field = [&](const DataFormat& f) { return answer(bytes, f); };
  CHECK(field({.units = {}, .compartments = {}}) == "E_ARG compartments");
  for (const char* name : {"", ".", "NA", "-", "1", "2.5", "central"})
    CHECK(field({.units = {}, .compartments = {"central", name}}) == "E_ARG compartments");
  CHECK(field({.units = {}, .compartments = {"central"}, .covariates = {"WT", "wt"}}) == "E_ARG covariates");
  CHECK(field({.units = {}, .compartments = {"central"}, .covariates = {"Amt"}}) == "E_ARG covariates");
  CHECK(field({.units = {}, .compartments = {"central"}, .covariates = {""}}) == "E_ARG covariates");
}

TEST_CASE("the limits of size are looked at first") {
  // Not a byte of it is CSV with a header that is accepted.
  CHECK(answer(std::string(io::most_data_bytes + 1, 'x'), plain()) == "E_SIZE data");
  std::string rows;
  for (std::size_t i = 0; i < io::most_data_rows + 2; ++i) rows += "1,0\n";
  CHECK(answer(rows, plain()) == "E_SIZE data");
  rows.resize(rows.size() - 4);  // as many as are accepted and a line in place of the header
  CHECK(answer(rows, plain()) == "E_COLUMNS data line 1 column ID");
  rows.pop_back();
  CHECK(answer(rows, plain()) == "E_COLUMNS data line 1 column ID");
  rows += "\n1,0";
  CHECK(answer(rows, plain()) == "E_SIZE data");
}

TEST_CASE("lines inside quotes are not records") {
  std::string bytes = "ID,TIME,NOTE\n1,0,\"" + std::string(io::most_data_rows + 5, '\n') + "\"\n1,1,x\n";
  const auto all = records(bytes, plain());
  REQUIRE(all.size() == 2);
  CHECK(all[1].line == 2 + io::most_data_rows + 5 + 1);
}

TEST_CASE("a file of 200,000 records is read whole") {
  constexpr std::size_t subjects = 400, each = 500;
  std::string bytes = "ID,TIME,AMT,RATE,EVID,CMT,DV,WT\n";
  for (std::size_t s = 0; s < subjects; ++s)
    for (std::size_t i = 0; i < each; ++i)
      bytes += 's' + std::to_string(s) + ',' + std::to_string(i) +
               (i % 50 == 0 ? ",35,52.5,1,2,.," : ",.,.,0,2,12.5,") + std::to_string(50 + s % 60) + '\n';
  const Dataset d = io::read_data(bytes, nasal());
  REQUIRE(d.subjects.size() == subjects);
  std::size_t doses = 0, line = 2, wrong = 0;
  for (std::size_t s = 0; s < subjects; ++s) {
    REQUIRE(d.subjects[s].records.size() == each);
    for (std::size_t i = 0; i < each; ++i, ++line) {
      const Record& r = d.subjects[s].records[i];
      const bool right = r.line == line && r.time == std::chrono::hours{i} && r.dose.has_value() == (i % 50 == 0) &&
                         r.covariates == std::vector<double>{static_cast<double>(50 + s % 60)};
      wrong += right ? 0 : 1;
      doses += r.dose ? 1 : 0;
    }
  }
  CHECK(wrong == 0);
  CHECK(doses == subjects * each / 50);
}

namespace {

// A second road from records to text: numbers are drawn as whole thousandths and written by hand, and what they are
// in base units is worked out in integers or by moving the exponent of the text.

struct TimeUnit {
  Unit<dim::time> unit;
  std::int64_t us;  ///< of one unit
};
constexpr std::array<TimeUnit, 6> time_units{{{unit::us, 1},
                                              {unit::ms, 1'000},
                                              {unit::s, 1'000'000},
                                              {unit::min, 60'000'000},
                                              {unit::h, 3'600'000'000},
                                              {unit::d, 86'400'000'000}}};
struct DrugUnit {
  Unit<dim::drug> unit;
  int exponent;  ///< mg in it, as a power of ten
};
constexpr std::array<DrugUnit, 3> drug_units{{{unit::mcg, -3}, {unit::mg, 0}, {unit::g, 3}}};

std::string thousandths(std::int64_t n) {
  const std::uint64_t a = static_cast<std::uint64_t>(n < 0 ? -n : n);
  std::string tail = std::to_string(a % 1000);
  tail.insert(0, 3 - tail.size(), '0');
  return (n < 0 ? "-" : "") + std::to_string(a / 1000) + '.' + tail;
}
std::int64_t micros_of_thousandths(std::int64_t n, const TimeUnit& u) {
  const std::int64_t product = n * u.us, half = product < 0 ? -500 : 500;
  return (product + half) / 1000;
}
/// The number that is all of `text`, whatever the locale.
double number_in(std::string_view text) {
  double x = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  REQUIRE(error == std::errc{});
  REQUIRE(end == text.data() + text.size());
  return x;
}
double shifted(const std::string& text, int exponent) { return number_in(text + 'e' + std::to_string(exponent)); }

struct Written {
  std::string bytes;
  Dataset dataset;
  DataFormat format;
};

std::string quoted(const std::string& s) {
  std::string text = "\"";
  for (const char c : s) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + '"';
}

Written random_file(Random& r) {
  Written w;
  const TimeUnit& tu = time_units[static_cast<std::size_t>(r.below(time_units.size()))];
  const DrugUnit& du = drug_units[static_cast<std::size_t>(r.below(drug_units.size()))];
  w.format.units.time = tu.unit;
  w.format.units.amount = du.unit;
  w.format.compartments = r.one_in(3)   ? std::vector<std::string>{"central"}
                          : r.one_in(2) ? std::vector<std::string>{"central", "shallow"}
                                        : std::vector<std::string>{"nose", "muscle", "central", "deep"};
  if (r.one_in(2)) w.format.covariates.push_back("WT");
  if (r.one_in(3)) w.format.covariates.push_back("Sex");
  w.dataset.covariates = w.format.covariates;
  // 400 d in thousandths of the unit; the longest spans stay well inside.
  const std::int64_t horizon = horizon_limit.count() / tu.us * 1000;
  const auto up_to = [&](std::int64_t n) { return static_cast<std::int64_t>(r.uniform() * static_cast<double>(n)); };

  const bool evid_column = !r.one_in(4);
  const bool cmt_column = w.format.compartments.front() != "central" || !r.one_in(3);
  const bool small = r.one_in(4), crlf = r.one_in(3);
  std::vector<std::string> names{"ID", "TIME", "AMT", "RATE", "DUR", "ADDL", "II", "SS", "MDV", "DV", "NOTE"};
  if (evid_column) names.push_back("EVID");
  if (cmt_column) names.push_back("CMT");
  for (const std::string& c : w.format.covariates) names.push_back(c);
  for (std::size_t i = names.size(); i > 1; --i)
    std::swap(names[i - 1], names[static_cast<std::size_t>(r.below(static_cast<int>(i)))]);
  const auto newline = [&] { return crlf ? "\r\n" : "\n"; };
  std::size_t line = 1;
  const auto put_row = [&](const auto& text_of) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string text = text_of(names[i]);
      const bool must = text.find_first_of(",\"\r\n") != std::string::npos;
      w.bytes += (i == 0 ? "" : ",") + (must || r.one_in(20) ? quoted(text) : text);
      for (const char c : text) line += c == '\n' ? 1 : 0;
    }
    w.bytes += newline();
    ++line;
  };
  put_row([&](std::string name) {
    if (small)
      for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return name;
  });
  w.dataset.ignored_columns = {small ? "note" : "NOTE"};

  const auto nothing = [&](bool zero_too = true) {
    const int which = r.below(zero_too ? 4 : 2);
    return std::string(which == 0 ? "." : which == 1 ? "" : which == 2 ? "0" : "0.000");
  };
  for (int s = 0, subjects = 1 + r.below(3); s < subjects; ++s) {
    Subject subject{.id = "s" + std::to_string(s) +
                          (r.one_in(5)   ? ",\"x\""
                           : r.one_in(5) ? "\xC3\xA9=1"
                                         : ""),
                    .records = {}};
    std::int64_t time = r.one_in(2) ? 0 : up_to(horizon / 2) - horizon / 4;
    for (int i = 0, n = 1 + r.below(6); i < n; ++i) {
      if (!r.one_in(3)) time += up_to(horizon / 20);
      Record record{.line = line, .time = Micros{micros_of_thousandths(time, tu)}};
      const int kinds = evid_column ? 5 : 2;
      record.evid = static_cast<Evid>(r.below(kinds));
      std::vector<std::pair<std::string, std::string>> cells{
          {"ID", subject.id}, {"TIME", thousandths(time)}, {"EVID", std::to_string(static_cast<int>(record.evid))}};
      const auto say = [&](const char* name, const std::string& text) { cells.emplace_back(name, text); };
      if (record.evid == Evid::dose || record.evid == Evid::reset_and_dose) {
        RecordDose d;
        if (cmt_column) {
          d.compartment = static_cast<std::size_t>(r.below(static_cast<int>(w.format.compartments.size())));
          say("CMT", r.one_in(2)                                        ? std::to_string(d.compartment + 1)
                     : w.format.compartments.size() == 1 && r.one_in(2) ? "."
                                                                        : w.format.compartments[d.compartment]);
        }
        const bool constant = r.one_in(6);
        const bool steady = constant || r.one_in(4);
        if (steady) d.steady_state = r.one_in(2) ? SteadyState::adds : SteadyState::replaces;
        say("SS", steady ? std::to_string(static_cast<int>(d.steady_state)) : nothing());
        const std::int64_t amount = 1 + up_to(1'000'000);
        if (constant) {
          say("AMT", nothing());
        } else {
          d.amount_mg = shifted(thousandths(amount), du.exponent);
          say("AMT", thousandths(amount));
        }
        const int kind = constant ? 0 : r.below(5);
        if (kind == 0) {
          d.kind = DoseKind::at_rate;
          // lasts up to 300 of the file's units of time
          const std::int64_t rate = constant ? amount : amount / (1 + r.below(300)) + 1;
          const std::string text = thousandths(rate);
          d.rate_mg_per_min =
              static_cast<double>(std::strtold((text + 'e' + std::to_string(du.exponent)).c_str(), nullptr) * 6e7L /
                                  static_cast<long double>(tu.us));
          say("RATE", text);
          say("DUR", nothing());
        } else if (kind == 1) {
          const std::int64_t over = 1000 + up_to(horizon / 50);
          d.kind = DoseKind::over_duration;
          d.duration = Micros{micros_of_thousandths(over, tu)};
          say("DUR", thousandths(over));
          say("RATE", nothing());
        } else if (kind == 2) {
          d.kind = r.one_in(2) ? DoseKind::modelled_rate : DoseKind::modelled_duration;
          say("RATE", d.kind == DoseKind::modelled_rate ? "-1" : "-2");
          say("DUR", nothing());
        } else {
          say("RATE", nothing());
          say("DUR", nothing());
        }
        if (!constant && r.one_in(3)) d.additional = 1 + static_cast<std::size_t>(r.below(10));
        say("ADDL", d.additional > 0 ? std::to_string(d.additional) : nothing());
        if (d.additional > 0 || (steady && !constant)) {
          const std::int64_t interval = 1000 + up_to(horizon / 50);
          d.interval = Micros{micros_of_thousandths(interval, tu)};
          say("II", thousandths(interval));
        } else {
          say("II", nothing());
        }
        record.dose = d;
      } else {
        for (const char* name : {"AMT", "RATE", "DUR", "ADDL", "II", "SS"}) say(name, nothing());
        say("CMT", r.one_in(2) ? nothing() : "1");
      }
      if (r.one_in(2)) record.missing_observation = r.one_in(2);
      say("MDV", record.missing_observation ? (*record.missing_observation ? "1" : "0") : nothing(false));
      if (r.one_in(2)) {
        const std::string text = thousandths(up_to(1'000'000));
        record.observed_mg_per_L = shifted(text, -3);
        say("DV", text);
      } else {
        say("DV", nothing(false));
      }
      for (const std::string& c : w.format.covariates) {
        const std::string text = thousandths(up_to(200'000) - 1000);
        record.covariates.push_back(shifted(text, 0));
        cells.emplace_back(c, text);
      }
      say("NOTE", r.one_in(4) ? "a \"note\",\nof two lines" : r.one_in(3) ? "=1+1" : "");
      put_row([&](const std::string& name) {
        for (const auto& [column, text] : cells)
          if (column == name) return text;
        throw std::logic_error("no cell for a column");
      });
      subject.records.push_back(record);
    }
    w.dataset.subjects.push_back(subject);
  }
  if (r.one_in(3)) w.bytes.resize(w.bytes.size() - (crlf ? 2 : 1));
  return w;
}

bool same(const std::optional<double>& a, const std::optional<double>& b) {
  return a.has_value() == b.has_value() && (!a || same(*a, *b));
}

/// What differs first; empty if nothing does.
std::string difference(const Dataset& a, const Dataset& b) {
  if (a.covariates != b.covariates) return "covariates";
  if (a.ignored_columns != b.ignored_columns) return "ignored columns";
  if (a.subjects.size() != b.subjects.size()) return "number of subjects";
  for (std::size_t s = 0; s < a.subjects.size(); ++s) {
    if (a.subjects[s].id != b.subjects[s].id) return "id";
    if (a.subjects[s].records.size() != b.subjects[s].records.size()) return "number of records";
    for (std::size_t i = 0; i < a.subjects[s].records.size(); ++i) {
      const Record &x = a.subjects[s].records[i], &y = b.subjects[s].records[i];
      const std::string at = " of line " + std::to_string(y.line);
      if (x.line != y.line) return "line" + at;
      if (x.time != y.time) return "time" + at;
      if (x.evid != y.evid) return "evid" + at;
      if (x.covariates != y.covariates) return "covariates" + at;
      if (!same(x.observed_mg_per_L, y.observed_mg_per_L)) return "observation" + at;
      if (x.missing_observation != y.missing_observation) return "mdv" + at;
      if (x.dose.has_value() != y.dose.has_value()) return "dose" + at;
      if (!x.dose) continue;
      const RecordDose &d = *x.dose, &e = *y.dose;
      if (d.compartment != e.compartment) return "compartment" + at;
      if (d.kind != e.kind) return "kind" + at;
      if (!same(d.amount_mg, e.amount_mg)) return "amount" + at;
      if (!same(d.rate_mg_per_min, e.rate_mg_per_min)) return "rate" + at;
      if (d.duration != e.duration) return "duration" + at;
      if (d.additional != e.additional) return "additional" + at;
      if (d.interval != e.interval) return "interval" + at;
      if (d.steady_state != e.steady_state) return "steady state" + at;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("10,000 random datasets that were written by other means are read as they were meant") {
  std::size_t records_seen = 0;
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    Random random(seed);
    const Written w = random_file(random);
    const auto e = refusal(w.bytes, w.format);
    const std::string wrong = e ? e->what() : difference(io::read_data(w.bytes, w.format), w.dataset);
    if (!wrong.empty()) {
      INFO("seed " << seed << ": " << wrong << '\n' << w.bytes);
      REQUIRE(wrong.empty());
    }
    for (const Subject& s : w.dataset.subjects) records_seen += s.records.size();
  }
  CHECK(records_seen > 50'000);
}

TEST_CASE("a file that is cut anywhere is refused, or ends with a whole record") {
  std::size_t refused = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    const Written w = random_file(random);
    for (std::size_t n = 0; n < w.bytes.size(); ++n) {
      const auto e = refusal(std::string_view(w.bytes).substr(0, n), w.format);
      if (!e) continue;
      ++refused;
      CHECK(e->field.starts_with("data"));
    }
  }
  CHECK(refused > 1000);
}

namespace {

using Numbers = std::vector<std::optional<double>>;
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a table is written with shortest numbers, and what is absent is empty") {
  const io::Table table{{{"ID", Texts{"a", "b,c", "d\"e", ""}},
                         {"TIME_h", Numbers{0.0, -1.5, 1e-300, 0.1}},
                         {"IPRED_ng_per_mL", Numbers{std::nullopt, 1.0 / 3, 123456789.0, std::nullopt}}}};
  CHECK(io::write_table(table) ==
        "ID,TIME_h,IPRED_ng_per_mL\n"
        "a,0,\n"
        "\"b,c\",-1.5,0.3333333333333333\n"
        "\"d\"\"e\",1e-300,123456789\n"
        ",0.1,\n");
  CHECK(io::write_table({{{"A", Numbers{std::nullopt, 1.0}}}}) == "A\n\"\"\n1\n");
  CHECK(io::write_table({}).empty());
}

TEST_CASE("J50: text that a spreadsheet would take for a formula is stored as it is and neutralised on export") {
  const std::vector<std::string> ids{"=HYPERLINK(\"http://x\",\"y\")",
                                     "@SUM(1+1)*cmd|' /C calc'!A0",
                                     "+1",
                                     "-2+3",
                                     "\tx",
                                     "=1+1",
                                     "-1",
                                     "+A1",
                                     "=cmd|' /C calc'!A0"};
  for (const std::string& id : ids) {
    INFO(id);
    const Dataset d = io::read_data("ID,TIME\n" + quoted(id) + ",0\n", plain());
    CHECK(d.subjects.front().id == id);
    const std::string csv = io::write_table({{{id, Texts{d.subjects.front().id}}, {"x", Numbers{-1.0}}}});
    const bool in_quotes = id.find_first_of(",\"") != std::string::npos;
    const std::string cell = in_quotes ? quoted('\'' + id) : '\'' + id;
    CHECK(csv == cell + ",x\n" + cell + ",-1\n");
  }
}

TEST_CASE("a table that is no table, or holds what is no number, is a defect") {
  CHECK_THROWS_AS(io::write_table({{{"A", Numbers{1.0}}, {"B", Texts{}}}}), std::logic_error);
  for (const double x : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    CHECK_THROWS_AS(io::write_table({{{"A", Numbers{x}}}}), std::logic_error);
}

TEST_CASE("random numbers that were written read back as the same bits") {
  Random r(20);
  Numbers numbers;
  for (int i = 0; i < 20'000; ++i) {
    const double x = (r.one_in(2) ? 1 : -1) * r.log_between(1e-300, 1e300);
    numbers.push_back(r.one_in(10) ? std::nullopt : std::optional<double>(x));
  }
  const std::string csv = io::write_table({{{"A", Texts(numbers.size(), "x")}, {"B", numbers}}});
  std::size_t at = csv.find('\n') + 1, wrong = 0;
  for (const auto& x : numbers) {
    const std::size_t comma = csv.find(',', at), end = csv.find('\n', comma);
    const std::string text = csv.substr(comma + 1, end - comma - 1);
    wrong += x ? number_in(text) != *x : !text.empty();
    at = end + 1;
  }
  CHECK(wrong == 0);
  CHECK(at == csv.size());
}
