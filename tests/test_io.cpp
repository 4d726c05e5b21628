// SPDX-License-Identifier: Apache-2.0
// Facts about the strict reading road. The rows are the bad inputs J01 to J41 and J60 that concern files, by number.

#include "catch.hpp"

#include <array>
#include <chrono>
#include <clocale>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "ketpk/io.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/regimen.hpp"

namespace {

using namespace ketpk;
using namespace std::chrono_literals;
using std::chrono::year_month_day;
namespace fs = std::filesystem;

constexpr year_month_day today{std::chrono::year{2026}, std::chrono::month{11}, std::chrono::day{21}};

/// Stands in every free text of the examples below; no message may ever show it.
const std::string canary = "Zacharias-4711";

const std::string limits_text = R"({
  "schema": "ketpk.limits/1", "id": "Zacharias-4711-set", "version": "3", "status": "example", "approver": "Zacharias-4711",
  "effective": "2026-01-01", "expires": "2030-01-01",
  "limits": [
    {"id": "dose-per-weight", "quantity": "dose_per_weight", "soft_low": "0.1 mg/kg", "soft_high": "0.5 mg/kg",
     "hard_high": "1 mg/kg", "required": true, "source": "Zacharias-4711 1999"},
    {"id": "rate", "quantity": "rate_per_weight", "soft_high": "0.75 mg/kg/h", "hard_high": "1500 mcg/kg/h",
     "required": false, "source": "Zacharias-4711 2000"},
    {"id": "peak", "quantity": "plasma_peak", "site": "venous", "soft_high": "0.2 mg/L", "required": false, "source": "s"},
    {"id": "above", "quantity": "time_above_level", "site": "arterial", "level": "100 ng/mL", "soft_high": "1 h",
     "required": false, "source": "s"},
    {"id": "week", "quantity": "cumulative_dose_per_weight", "window": "7 d", "hard_high": "3 mg/kg", "required": false,
     "source": "s"},
    {"id": "body", "quantity": "weight", "hard_low": "30000 g", "soft_low": "40 kg", "required": true, "source": "s"}
  ]
})";

const std::string session_head = R"({
  "schema": "ketpk.session/1",
  "patient": {"weight": "70 kg", "height": "175 cm", "age": "42 yr", "sex": "female", "dosing_weight": "actual"},
  "analyte": "racemic-ketamine",
  "form": "base",
  "initial_state": "drug-free",
  "order": [
    {"infuse": "0.5 mg/kg", "over": "40 min", "at": "0 min"},
    {"infuse_at_rate": "12.5 mcg/kg/min", "over": "20 min", "at": "60 min"},
    {"bolus": "10 mg", "at": "90 min"}
  ],
  "bag": {"concentration": "1 mg/mL"},
  "model": "kamp2020",
  "limits": )";
const std::string session_tail = R"(,
  "as_of": "2026-11-20",
  "overrides": [{"flag": "DOSE_PER_WEIGHT_HIGH", "reason": "Zacharias-4711 asked", "by": "Zacharias-4711"}],
  "observe": {"every": "1 min", "until": "4 h"},
  "questions": {"time_above": ["100 ng/mL"]}
})";
const std::string session_text = session_head + limits_text + session_tail;

const std::string custom_text = R"({"custom": {
  "analytes": ["racemic-ketamine"], "site": "venous",
  "parameters": {"CL": "84 L/h", "V1": "25 L", "Q2": "161 L/h", "V2": "56 L", "Q3": "79 L/h", "V3": "157 L"},
  "effect_site": {"ke0": "0.2 1/min", "source": "Zacharias-4711"},
  "metabolites": [{"name": "norketamine", "fraction": 1.0, "V1": "98.6 L", "CL": "57.7 L/h", "Q2": "42.8 L/h", "V2": "160 L"}]
}})";

/// `text` with the one place where `from` stands replaced.
std::string swapped(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  REQUIRE(text.find(from, at + 1) == std::string::npos);
  return text.replace(at, from.size(), to);
}
std::string session(const std::string& from, const std::string& to) { return swapped(session_text, from, to); }
std::string limits(const std::string& from, const std::string& to) { return swapped(limits_text, from, to); }
std::string with_model(const std::string& from, const std::string& to) {
  return session(R"("model": "kamp2020")", "\"model\": " + swapped(custom_text, from, to));
}
std::string with_weight(const std::string& json) { return session(R"("weight": "70 kg")", "\"weight\": " + json); }
std::string with_infuse(const std::string& json) { return session(R"("infuse": "0.5 mg/kg")", "\"infuse\": " + json); }

/// An empty folder that goes when the test ends.
struct Folder {
  Folder() : path(fs::temp_directory_path() / ("ketpk-test-io-" + std::to_string(::getpid()))) {
    fs::remove_all(path);
    fs::create_directory(path);
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path / name, std::ios::binary) << bytes;
    return path / name;
  }
  fs::path path;
};

/// What `act` refuses, if it refuses.
template <class Act>
std::optional<InvalidInput> refusal(Act act) {
  try {
    act();
  } catch (const InvalidInput& e) {
    return e;
  }
  return std::nullopt;
}

/// Reads a session and takes the first steps of a simulation with it.
Request take_session(const std::string& text, const fs::path& folder = ".") {
  Request request = io::read_session(text, {.folder = folder, .today = today});
  validate(request.patient);
  (void)resolve(request.order, mass_for_dosing(request.patient));
  return request;
}
Limits take_limits(const std::string& text) {
  Limits set = io::read_limits(text);
  validate(set, today);
  return set;
}

enum class Door { session, limits };
struct Row {
  std::string id;
  std::string what;
  Door door;
  std::string text;
  Code code;
  std::string field;
  std::string message_has = "; accepted: ";
};

void check(const Row& row) {
  INFO(row.id << ": " << row.what);
  const auto refused = refusal([&] {
    if (row.door == Door::session)
      (void)take_session(row.text);
    else
      (void)take_limits(row.text);
  });
  CHECK(refused.has_value());
  if (!refused) return;
  const InvalidInput& e = *refused;
  CHECK(name_of(e.code) == name_of(row.code));
  CHECK(e.field == row.field);
  CHECK_THAT(e.message, Catch::Contains(row.message_has));
  CHECK_THAT(e.message, Catch::Contains("; accepted: "));
  CHECK(std::string(e.what()).find(canary) == std::string::npos);
  CHECK(std::string(e.what()).find('\n') == std::string::npos);
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("limits that cannot be used are refused with code and place") {
  const std::string soft_high = R"("soft_high": "0.5 mg/kg")", hard_high = R"(     "hard_high": "1 mg/kg", )";
  const std::vector<Row> rows{
      {"J01", "soft_high under soft_low", Door::limits, limits(soft_high, R"("soft_high": "0.05 mg/kg")"),
       Code::limits_order, "limits.limits[0].soft_high"},
      {"J01", "in other units", Door::limits, limits(soft_high, R"("soft_high": "99 mcg/kg")"), Code::limits_order,
       "limits.limits[0].soft_high"},
      {"J02", "hard_high under soft_high", Door::limits, limits(hard_high, R"("hard_high": "0.4 mg/kg", )"),
       Code::limits_order, "limits.limits[0].hard_high"},
      {"J03", "hard_high null", Door::limits, limits(hard_high, R"("hard_high": null, )"), Code::limits_missing,
       "limits.limits[0].hard_high"},
      {"J03", "hard_high absent", Door::limits, limits(hard_high, ""), Code::limits_missing,
       "limits.limits[0].hard_high"},
      {"J03", "no bound at all", Door::limits, limits(R"("soft_high": "0.2 mg/L", )", ""), Code::limits_missing,
       "limits.limits[2]"},
      {"J04", "bound without unit", Door::limits, limits(soft_high, R"("soft_high": 0.5)"), Code::unit_missing,
       "limits.limits[0].soft_high", "mg/kg"},
      {"J04", "mg/kg on a rate", Door::limits, limits("0.75 mg/kg/h", "0.75 mg/kg"), Code::unit_mismatch,
       "limits.limits[1].soft_high", "mg/kg/h"},
      {"J05", "bound as text without unit", Door::limits, limits(soft_high, R"("soft_high": "0.5")"),
       Code::unit_missing, "limits.limits[0].soft_high"},
      {"J05", "bound as a list", Door::limits, limits(soft_high, R"("soft_high": ["0.5 mg/kg"])"), Code::type,
       "limits.limits[0].soft_high"},
      {"J06", "expired yesterday", Door::limits, limits("2030-01-01", "2026-11-20"), Code::limits_stale,
       "limits.expires"},
      {"J06", "effective tomorrow", Door::limits, limits("2026-01-01", "2026-11-22"), Code::limits_not_yet,
       "limits.effective"},
      {"J07", "approver empty", Door::limits, limits(R"("approver": "Zacharias-4711")", R"("approver": "  ")"),
       Code::limits_unapproved, "limits.approver"},
      {"J07", "status draft", Door::limits, limits(R"("example")", R"("draft")"), Code::limits_unapproved,
       "limits.status", "example, approved"},
      {"J09", "two rows with one id", Door::limits, limits(R"("id": "rate")", R"("id": "dose-per-weight")"),
       Code::field_duplicate, "limits.limits[1].id"},
      {"J11", "soft_hgih", Door::limits, limits(soft_high, R"("soft_hgih": "0.5 mg/kg")"), Code::field_unknown,
       "limits.limits[0].soft_hgih", "soft_high"},
      {"J12", "a bound twice", Door::limits, limits(soft_high, soft_high + ", " + soft_high), Code::field_duplicate,
       "limits.limits[0].soft_high"},
      {"J13", "a key in another case", Door::limits, limits(R"("approver")", R"("Approver")"), Code::field_unknown,
       "limits.Approver"},
      {"J19", "a bound beyond what can be held", Door::limits, limits("0.5 mg/kg", "1e400 mg/kg"), Code::range,
       "limits.limits[0].soft_high"},
      {"J26", "a trailing comma", Door::limits, limits("s\"}\n  ]", "s\"},\n  ]"), Code::parse, "limits.limits[6]",
       "line 15, column 3"},
      {"J34", "no schema", Door::limits, limits(R"("schema": "ketpk.limits/1", )", ""), Code::schema_version,
       "limits.schema"},
      {"J34", "another schema", Door::limits, limits("ketpk.limits/1", "ketpk.limits/2"), Code::schema_version,
       "limits.schema"},
      {"J38", "year 0226", Door::limits, limits("2026-01-01", "0226-01-01"), Code::range, "limits.effective"},
      {"-", "the 30th of February", Door::limits, limits("2026-01-01", "2026-02-30"), Code::range, "limits.effective"},
      {"-", "a date in another order", Door::limits, limits("2026-01-01", "01-01-2026"), Code::parse,
       "limits.effective"},
      {"-", "an unknown quantity", Door::limits, limits("plasma_peak", "plasma_peek"), Code::field_unknown,
       "limits.limits[2].quantity", "plasma_peak"},
      {"-", "required not written", Door::limits,
       limits(R"("required": false, "source": "Zacharias-4711 2000")", R"("source": "x")"), Code::field_missing,
       "limits.limits[1].required"},
      {"-", "required as a text", Door::limits,
       limits(R"("required": false, "source": "Zacharias-4711 2000")", R"("required": "false", "source": "x")"),
       Code::type, "limits.limits[1].required"},
      {"-", "a site where none belongs", Door::limits, limits(R"("id": "rate",)", R"("id": "rate", "site": "venous",)"),
       Code::field_unknown, "limits.limits[1].site"},
      {"-", "a level where none belongs", Door::limits,
       limits(R"("id": "rate",)", R"("id": "rate", "level": "1 mg/L",)"), Code::field_unknown,
       "limits.limits[1].level"},
      {"-", "a window where none belongs", Door::limits,
       limits(R"("id": "rate",)", R"("id": "rate", "window": "1 d",)"), Code::field_unknown, "limits.limits[1].window"},
      {"-", "a plasma row without site", Door::limits, limits(R"("site": "venous", )", ""), Code::field_missing,
       "limits.limits[2].site"},
      {"-", "a site that is not stated", Door::limits, limits(R"("site": "venous")", R"("site": "not-stated")"),
       Code::range, "limits.limits[2].site"},
      {"-", "an empty source", Door::limits, limits(R"("source": "Zacharias-4711 2000")", R"("source": "")"),
       Code::field_missing, "limits.limits[1].source"},
      {"-", "null where no hard bound is due", Door::limits,
       limits(R"("soft_high": "0.2 mg/L")", R"("soft_high": null)"), Code::type, "limits.limits[2].soft_high"},
      {"J10", "a care-area profile is no part of a set yet", Door::limits,
       limits(R"("version": "3",)", R"("version": "3", "profile": "ward",)"), Code::field_unknown, "limits.profile"},
      {"-", "a set that is a list", Door::limits, "[]", Code::type, "limits"},
  };
  for (const Row& row : rows) check(row);
}

TEST_CASE("text that is not one JSON document is refused with code and place") {
  const std::vector<Row> rows{
      {"J12", "a key twice", Door::session, with_weight(R"("70 kg", "weight": "7 kg")"), Code::field_duplicate,
       "patient.weight"},
      {"J12", "twice by an escape", Door::session, with_weight(R"("70 kg", "\u0077eight": "7 kg")"),
       Code::field_duplicate, "patient.weight"},
      {"J18", "NaN", Door::session, with_weight("NaN"), Code::parse, "patient.weight", "line 3, column 25"},
      {"J18", "Infinity", Door::session, with_weight("Infinity"), Code::parse, "patient.weight"},
      {"J18", "-Infinity", Door::session, with_weight("-Infinity"), Code::parse, "patient.weight"},
      {"J19", "1e400 bare", Door::session, with_weight("1e400"), Code::range, "patient.weight"},
      {"J19", "-1e400 bare", Door::session, with_weight("-1e400"), Code::range, "patient.weight"},
      {"J19", "1e-400 bare", Door::session, with_weight("1e-400"), Code::range, "patient.weight"},
      {"J21", "0x10 bare", Door::session, with_weight("0x10"), Code::parse, "patient.weight"},
      {"J21", "010 bare", Door::session, with_weight("010"), Code::parse, "patient.weight"},
      {"J21", ".5 bare", Door::session, with_weight(".5"), Code::parse, "patient.weight"},
      {"J21", "5. bare", Door::session, with_weight("5."), Code::parse, "patient.weight"},
      {"J21", "+5 bare", Door::session, with_weight("+5"), Code::parse, "patient.weight"},
      {"J21", "1_000 bare", Door::session, with_weight("1_000"), Code::parse, "patient.weight"},
      {"J24", "400 digits bare", Door::session, with_weight(std::string(400, '7')), Code::range, "patient.weight"},
      {"J26", "a trailing comma", Door::session, session("\"100 ng/mL\"]}\n}", "\"100 ng/mL\",]}\n}"), Code::parse,
       "questions.time_above[1]", "line 33, column 44"},
      {"J26", "a // comment", Door::session, "// a comment\n" + session_text, Code::parse, "document",
       "line 1, column 1"},
      {"J26", "a /* comment", Door::session, session("\"form\"", "/* */ \"form\""), Code::parse, "analyte",
       "line 5, column 3"},
      {"J26", "two documents", Door::session, "{}\n {}", Code::parse, "document", "line 2, column 2"},
      {"J26", "cut off", Door::session, "{\"schema\":", Code::parse, "schema", "line 1, column 11"},
      {"J27", "a byte order mark", Door::session, "\xEF\xBB\xBF" + session_text, Code::encoding, "document",
       "byte order mark"},
      {"J28", "invalid UTF-8", Door::session, with_weight("\"70 kg\xC3(\""), Code::encoding, "document",
       "line 3, column 31"},
      {"J28", "an overlong slash", Door::session, with_weight("\"\xC0\xAF\""), Code::encoding, "document"},
      {"J28", "a surrogate in UTF-8", Door::session, with_weight("\"\xED\xA0\x80\""), Code::encoding, "document"},
      {"J28", "past U+10FFFF", Door::session, with_weight("\"\xF4\x90\x80\x80\""), Code::encoding, "document"},
      {"J28", "a lone high surrogate", Door::session, with_weight(R"("\ud800")"), Code::encoding, "document"},
      {"J28", "a lone low surrogate", Door::session, with_weight(R"("\udc00 kg")"), Code::encoding, "document"},
      {"J28", "a high surrogate before another", Door::session, with_weight(R"("\ud800\ud800")"), Code::encoding,
       "document"},
      {"J28", "an escaped NUL", Door::session, with_weight(R"("70\u0000 kg")"), Code::encoding, "document"},
      {"J28", "a raw NUL", Door::session, with_weight(std::string("\"70\0 kg\"", 9)), Code::encoding, "document"},
      {"J28", "a NUL behind the document", Door::session, session_text + std::string("\0{}", 3), Code::encoding,
       "document"},
      {"J28", "UTF-16 with mark", Door::session, std::string("\xFF\xFE{\0}\0", 6), Code::encoding, "document"},
      {"J28", "UTF-16 without mark", Door::session, std::string("{\0}\0", 4), Code::encoding, "document"},
      {"J29", "depth 17", Door::session, nested(17), Code::depth, "[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]"},
      {"J29", "depth 17 of objects", Door::session,
       [] {
         std::string text;
         for (int i = 0; i < 17; ++i) text += "{\"a\":";
         return text;
       }(),
       Code::depth, "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"},
      {"J29", "depth 100,000", Door::session, nested(100'000), Code::depth,
       "[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]"},
      {"J29", "depth 16 is read", Door::session, nested(16), Code::type, "document"},
      {"J30", "1 MiB and a byte", Door::session,
       session_text + std::string(io::most_bytes + 1 - session_text.size(), ' '), Code::size, "document"},
      {"J30", "size goes before grammar", Door::session, std::string(io::most_bytes + 1, '?'), Code::size, "document"},
      {"J32", "an empty file", Door::session, "", Code::parse, "document", "line 1, column 1"},
      {"J32", "only white space", Door::session, " \t\r\n ", Code::parse, "document"},
      {"-", "a control character in a text", Door::session, with_weight("\"70\nkg\""), Code::parse, "patient.weight"},
      {"-", "a key that is not plain is shown by its position", Door::session,
       with_weight(R"("70 kg", "Zacharias-4711 ä": 1, "Zacharias-4711 ä": 1)"), Code::field_duplicate,
       "patient.<key 2>"},
  };
  for (const Row& row : rows) check(row);
}

TEST_CASE("a session of good JSON that says something else is refused with code and place") {
  const std::string height = R"("height": "175 cm")";
  std::string many = R"({"bolus": "1 mg"})";
  for (int i = 0; i < 10'000; ++i) many += R"(,{"bolus": "1 mg"})";
  const auto with_order = [&](const std::string& json) {
    return session(R"({"bolus": "10 mg", "at": "90 min"})", json);
  };
  const auto with_observe = [&](const std::string& json) {
    return session(R"({"every": "1 min", "until": "4 h"})", json);
  };
  const std::vector<Row> rows{
      {"J13", "a key in another case", Door::session, session(height, R"("Height": "175 cm")"), Code::field_unknown,
       "patient.Height"},
      {"J13", "a look-alike (Cyrillic)", Door::session, session(height, "\"h\xD0\xB5ight\": \"175 cm\""),
       Code::field_unknown, "patient.<key 2>", "height"},
      {"J13", "a key at the top", Door::session, session(R"("bag")", R"("Bag")"), Code::field_unknown, "Bag"},
      {"J14", "a bare number", Door::session, with_weight("70"), Code::unit_missing, "patient.weight", "kg g lb"},
      {"J14", "a bare number with a point", Door::session, with_weight("70.5"), Code::unit_missing, "patient.weight"},
      {"J15", "an object where a quantity is due", Door::session, with_weight(R"({"value": 70, "unit": "KG"})"),
       Code::type, "patient.weight"},
      {"J15", "KG", Door::session, with_weight(R"("70 KG")"), Code::unit_unknown, "patient.weight", "accepted: kg"},
      {"J17", "ug", Door::session, with_infuse(R"("500 ug/kg")"), Code::unit_unknown, "order[0].infuse",
       "accepted: mcg/kg"},
      {"J17", "U+00B5 g", Door::session, with_infuse("\"500 \xC2\xB5g\""), Code::unit_unknown, "order[0].infuse",
       "accepted: mcg"},
      {"J17", "U+03BC g", Door::session, with_infuse("\"500 \xCE\xBCg\""), Code::unit_unknown, "order[0].infuse",
       "accepted: mcg"},
      {"J17", "gamma", Door::session, with_infuse(R"("500 gamma")"), Code::unit_unknown, "order[0].infuse",
       "accepted: mcg"},
      {"J17", "cc", Door::session, with_infuse(R"("50 cc")"), Code::unit_unknown, "order[0].infuse", "accepted: mL"},
      {"J18", "NaN as a text", Door::session, with_weight(R"("NaN kg")"), Code::parse, "patient.weight"},
      {"J19", "1e400 with unit", Door::session, with_weight(R"("1e400 kg")"), Code::range, "patient.weight"},
      {"J19", "1e-400 with unit", Door::session, with_weight(R"("1e-400 kg")"), Code::range, "patient.weight"},
      {"J20", "0,5", Door::session, with_infuse(R"("0,5 mg/kg")"), Code::parse, "order[0].infuse"},
      {"J20", "1,000", Door::session, with_infuse(R"("1,000 mg")"), Code::parse, "order[0].infuse"},
      {"J20", "1 000", Door::session, with_infuse(R"("1 000 mg")"), Code::parse, "order[0].infuse"},
      {"J20", "1'000", Door::session, with_infuse(R"("1'000 mg")"), Code::parse, "order[0].infuse"},
      {"J21", "0x10", Door::session, with_weight(R"("0x10 kg")"), Code::parse, "patient.weight"},
      {"J21", "010", Door::session, with_weight(R"("010 kg")"), Code::parse, "patient.weight"},
      {"J21", ".5", Door::session, with_weight(R"(".5 kg")"), Code::parse, "patient.weight"},
      {"J21", "5.", Door::session, with_weight(R"("5. kg")"), Code::parse, "patient.weight"},
      {"J21", "+5", Door::session, with_weight(R"("+5 kg")"), Code::parse, "patient.weight"},
      {"J21", "1_000", Door::session, with_weight(R"("1_000 kg")"), Code::parse, "patient.weight"},
      {"J22", "Arabic digits", Door::session, with_weight("\"\xD9\xA7\xD9\xA0 kg\""), Code::parse, "patient.weight"},
      {"J22", "full-width digits", Door::session, with_weight("\"\xEF\xBC\x97\xEF\xBC\x90 kg\""), Code::parse,
       "patient.weight"},
      {"J23", "70.5abc", Door::session, with_weight(R"("70.5abc")"), Code::unit_unknown, "patient.weight"},
      {"J23", "text after the unit", Door::session, with_weight(R"("70 kg ")"), Code::unit_unknown, "patient.weight"},
      {"J23", "a text where a plain number is due", Door::session,
       with_model(R"("fraction": 1.0)", R"("fraction": "70 kg")"), Code::type, "model.custom.metabolites[0].fraction"},
      {"J24", "400 digits with unit", Door::session, with_weight('"' + std::string(400, '7') + " kg\""), Code::range,
       "patient.weight"},
      {"J25", "true for a weight", Door::session, with_weight("true"), Code::type, "patient.weight"},
      {"J25", "null for a dose", Door::session, with_infuse("null"), Code::type, "order[0].infuse"},
      {"J25", "[] for a dose", Door::session, with_infuse("[]"), Code::type, "order[0].infuse"},
      {"J31", "10,001 inputs", Door::session, with_order(many), Code::size, "order"},
      {"J34", "schema missing", Door::session, session(R"("schema": "ketpk.session/1",)", ""), Code::schema_version,
       "schema"},
      {"J34", "schema \"2\"", Door::session, session(R"("ketpk.session/1")", R"("2")"), Code::schema_version, "schema"},
      {"J34", "schema 999", Door::session, session(R"("ketpk.session/1")", "999"), Code::schema_version, "schema"},
      {"J35", "a local date without offset", Door::session, session("90 min", "2026-10-25T02:30:00"), Code::time_zone,
       "order[2].at"},
      {"J35", "the same where instants are asked", Door::session, with_observe(R"({"at": ["2026-10-25T02:30:00"]})"),
       Code::time_zone, "observe.at[0]"},
      {"J36", "a date with offset, where a time since the start is due", Door::session,
       session("90 min", "2026-10-25T02:30:00+02:00"), Code::parse, "order[2].at"},
      {"J37", "inputs out of order", Door::session, session("90 min", "59 min"), Code::time_order, "order[2].at"},
      {"J37", "asked instants out of order", Door::session, with_observe(R"({"at": ["2 min", "1 min"]})"),
       Code::time_order, "observe.at[1]"},
      {"J38", "year 0226", Door::session, session("2026-11-20", "0226-11-20"), Code::range, "as_of"},
      {"J38", "an input beyond the course", Door::session, session("90 min", "401 d"), Code::range, "order[2].at"},
      {"J39", "a leap second is a date like any other there", Door::session, session("90 min", "2026-12-31T23:59:60Z"),
       Code::parse, "order[2].at"},
      {"J60", "a limits file outside the folder", Door::session,
       session_head + R"({"file": "../limits.json"})" + session_tail, Code::io, "limits.file"},
      {"J60", "an absolute path elsewhere", Door::session, session_head + R"({"file": "/etc/hostname"})" + session_tail,
       Code::io, "limits.file"},
      {"J60", "a path of 5,000 characters", Door::session,
       session_head + R"({"file": ")" + std::string(5'000, 'a') + "\"}" + session_tail, Code::io, "limits.file"},
      {"J60", "a path with a newline", Door::session, session_head + R"({"file": "limits\n.json"})" + session_tail,
       Code::io, "limits.file"},
      {"J61", "a formula for a parameter", Door::session, with_model(R"("25 L")", "\"__import__('os')\""), Code::parse,
       "model.custom.parameters.V1"},
      {"C35", "no initial state", Door::session, session(R"("initial_state": "drug-free",)", ""), Code::state,
       "initial_state"},
      {"C35", "another initial state", Door::session, session(R"("drug-free")", R"("as-before")"), Code::state,
       "initial_state"},
      {"C38", "a pump rate without the bag", Door::session,
       swapped(session(R"("12.5 mcg/kg/min")", R"("35 mL/h")"), R"("bag": {"concentration": "1 mg/mL"},)", ""),
       Code::field_missing, "bag.concentration"},
      {"C41", "no form", Door::session, session(R"("form": "base",)", ""), Code::field_missing, "form",
       "base, hydrochloride"},
      {"C43", "an analyte nobody knows", Door::session, session(R"("racemic-ketamine")", R"("ketamine")"), Code::range,
       "analyte"},
      {"C43", "unstated is no analyte", Door::session, session(R"("racemic-ketamine")", R"("unstated")"), Code::range,
       "analyte"},
      {"C46", "CL = 0", Door::session, with_model("84 L/h", "0 L/h"), Code::model_param, "model.custom.parameters.CL"},
      {"C46", "V1 below zero", Door::session, with_model("25 L", "-25 L"), Code::model_param,
       "model.custom.parameters.V1"},
      {"C46", "Q2 below zero", Door::session, with_model("161 L/h", "-1 L/h"), Code::model_param,
       "model.custom.parameters.Q2"},
      {"C46", "ke0 = 0", Door::session, with_model("0.2 1/min", "0 1/min"), Code::model_param,
       "model.custom.effect_site.ke0"},
      {"-", "no patient", Door::session,
       session(
           R"("patient": {"weight": "70 kg", "height": "175 cm", "age": "42 yr", "sex": "female", "dosing_weight": "actual"},)",
           ""),
       Code::field_missing, "patient"},
      {"-", "no weight", Door::session, session(R"("weight": "70 kg", )", ""), Code::field_missing, "patient.weight"},
      {"-", "no analyte", Door::session, session(R"("analyte": "racemic-ketamine",)", ""), Code::field_missing,
       "analyte"},
      {"-", "no model", Door::session, session(R"("model": "kamp2020",)", ""), Code::field_missing, "model"},
      {"-", "an unknown model", Door::session, session("kamp2020", "kamp2021"), Code::model_unknown, "model",
       "kamp2020"},
      {"-", "a model that is a number", Door::session, session(R"("kamp2020")", "2020"), Code::type, "model"},
      {"-", "a session that is a text", Door::session, "\"session\"", Code::type, "document"},
      {"-", "an order that is an object", Door::session, with_order(R"({"bolus": "10 mg", "over": "1 min"})"),
       Code::field_unknown, "order[2].over"},
      {"-", "two kinds in one input", Door::session,
       with_order(R"({"bolus": "10 mg", "infuse": "10 mg", "over": "1 min"})"), Code::field_unknown, "order[2].bolus"},
      {"-", "no kind in an input", Door::session, with_order(R"({"at": "90 min"})"), Code::field_missing, "order[2]"},
      {"-", "an infusion without duration", Door::session, with_order(R"({"infuse": "10 mg", "at": "90 min"})"),
       Code::field_missing, "order[2].over"},
      {"-", "an input that is a list", Door::session, with_order("[]"), Code::type, "order[2]"},
      {"-", "a rate where an amount is due", Door::session, with_infuse(R"("0.5 mg/kg/min")"), Code::unit_mismatch,
       "order[0].infuse"},
      {"-", "an age in months", Door::session, session("42 yr", "504 min"), Code::unit_mismatch, "patient.age"},
      {"-", "a start before zero", Door::session,
       session("0 min\"},\n    {\"infuse_at", "-1 min\"},\n    {\"infuse_at"), Code::range, "order[0].at"},
      {"-", "a bag without concentration", Door::session, session(R"({"concentration": "1 mg/mL"})", "{}"),
       Code::field_missing, "bag.concentration"},
      {"-", "limits that are a text", Door::session, session_head + "\"limits.json\"" + session_tail, Code::type,
       "limits"},
      {"-", "a misspelt bound inside a session", Door::session,
       session(R"("soft_low": "0.1 mg/kg")", R"("soft_lwo": "0.1 mg/kg")"), Code::field_unknown,
       "limits.limits[0].soft_lwo"},
      {"-", "limits inside a session that have expired", Door::session, session("2026-11-20", "2030-01-02"),
       Code::limits_stale, "limits.expires"},
      {"-", "an as_of with a time", Door::session, session("2026-11-20", "2026-11-20T10:00:00Z"), Code::parse, "as_of"},
      {"-", "an override without reason", Door::session, session(R"("Zacharias-4711 asked")", R"("")"),
       Code::field_missing, "overrides[0].reason"},
      {"-", "an override by nobody", Door::session, session(R"(, "by": "Zacharias-4711")", ""), Code::field_missing,
       "overrides[0].by"},
      {"-", "a reason of 1,001 bytes", Door::session, session("Zacharias-4711 asked", std::string(1'001, 'a')),
       Code::size, "overrides[0].reason"},
      {"-", "a reason that moves the cursor", Door::session,
       session("Zacharias-4711 asked", R"(Zacharias-4711\u001b[2J)"), Code::encoding, "overrides[0].reason"},
      {"-", "a reason with a C1 control", Door::session, session("Zacharias-4711 asked", R"(Zacharias-4711\u009b2J)"),
       Code::encoding, "overrides[0].reason"},
      {"-", "every without until", Door::session, with_observe(R"({"every": "1 min"})"), Code::field_missing,
       "observe.until"},
      {"-", "every = 0", Door::session, with_observe(R"({"every": "0 min", "until": "4 h"})"), Code::range,
       "observe.every"},
      {"-", "every and at", Door::session, with_observe(R"({"every": "1 min", "at": ["1 min"], "until": "4 h"})"),
       Code::field_unknown, "observe.every"},
      {"-", "observe nothing", Door::session, with_observe("{}"), Code::field_missing, "observe.every"},
      {"-", "at no instant", Door::session, with_observe(R"({"at": []})"), Code::field_missing, "observe.at"},
      {"-", "1,000,001 instants", Door::session, with_observe(R"({"every": "1 ms", "until": "1000 s"})"), Code::size,
       "observe.every"},
      {"-", "a level of nothing", Door::session, session(R"(["100 ng/mL"])", R"(["0 ng/mL"])"), Code::range,
       "questions.time_above[0]"},
      {"-", "extrapolate as a text", Door::session,
       session(R"("model": "kamp2020")", R"("model": "kamp2020", "extrapolate": "yes")"), Code::type, "extrapolate"},
      {"-", "extrapolate as a number", Door::session,
       session(R"("model": "kamp2020")", R"("model": "kamp2020", "extrapolate": 1)"), Code::type, "extrapolate"},
  };
  for (const Row& row : rows) check(row);
}

TEST_CASE("a custom model that is not one complete model is refused with the parameter that is wrong") {
  const std::string p = "model.custom.parameters.", m = "model.custom.metabolites[0].";
  const std::string all =
      R"("CL": "84 L/h", "V1": "25 L", "Q2": "161 L/h", "V2": "56 L", "Q3": "79 L/h", "V3": "157 L")";
  const std::string site = R"("site": "venous",)", metabolite = R"("name": "norketamine")";
  const std::vector<Row> rows{
      {"-", "Q2 without V2", Door::session, with_model(R"("V2": "56 L", )", ""), Code::model_param, p + "V2"},
      {"-", "V3 without Q3", Door::session, with_model(R"("Q3": "79 L/h", )", ""), Code::model_param, p + "Q3"},
      {"-", "no V1", Door::session, with_model(R"("V1": "25 L", "Q2")", R"("Q2")"), Code::model_param, p + "V1"},
      {"-", "no CL", Door::session, with_model(R"("CL": "84 L/h", )", ""), Code::model_param, p + "CL"},
      {"-", "k12 without k21", Door::session, with_model(all, R"("V1": "25 L", "k10": "1 1/h", "k12": "1 1/h")"),
       Code::model_param, p + "k21"},
      {"-", "micro-constants beside CL", Door::session,
       with_model(all, R"("V1": "25 L", "k10": "1 1/h", "CL": "1 L/h")"), Code::model_param, p + "CL"},
      {"-", "k10 in L/h", Door::session, with_model(all, R"("V1": "25 L", "k10": "1 L/h")"), Code::unit_mismatch,
       p + "k10", "1/min"},
      {"-", "CL in L", Door::session, with_model("84 L/h", "84 L"), Code::unit_mismatch, p + "CL", "L/h"},
      {"-", "CL as a number", Door::session, with_model(R"("84 L/h")", "84"), Code::unit_missing, p + "CL"},
      {"-", "CL as an object", Door::session, with_model(R"("84 L/h")", R"({"value": 84})"), Code::type, p + "CL"},
      {"-", "a parameter nobody knows", Door::session, with_model(R"("Q3")", R"("Q4")"), Code::field_unknown, p + "Q4"},
      {"-", "a site nobody knows", Door::session, with_model(R"("venous")", R"("capillary")"), Code::range,
       "model.custom.site"},
      {"-", "no site", Door::session, with_model(site, ""), Code::field_missing, "model.custom.site"},
      {"-", "no analyte", Door::session, with_model(R"(["racemic-ketamine"])", "[]"), Code::field_missing,
       "model.custom.analytes"},
      {"-", "an analyte twice", Door::session, with_model(R"(["racemic-ketamine"])", R"(["s-ketamine", "s-ketamine"])"),
       Code::field_duplicate, "model.custom.analytes[1]"},
      {"-", "ke0 without source", Door::session, with_model(R"("source": "Zacharias-4711")", R"("source": "")"),
       Code::field_missing, "model.custom.effect_site.source"},
      {"-", "a fraction of 1.2", Door::session, with_model(R"("fraction": 1.0)", R"("fraction": 1.2)"),
       Code::model_param, m + "fraction"},
      {"-", "a metabolite without V1", Door::session, with_model(R"("V1": "98.6 L", )", ""), Code::model_param,
       m + "V1"},
      {"-", "a metabolite with half a second compartment", Door::session, with_model(R"(, "V2": "160 L")", ""),
       Code::model_param, m + "V2"},
      {"-", "a name with a space", Door::session, with_model(metabolite, R"("name": "Zacharias-4711 x")"), Code::parse,
       m + "name"},
      {"-", "a name that starts with a digit", Door::session, with_model(metabolite, R"("name": "6-OH")"), Code::parse,
       m + "name"},
      {"-", "a name of 65 letters", Door::session, with_model(metabolite, "\"name\": \"" + std::string(65, 'n') + '"'),
       Code::parse, m + "name"},
      {"-", "two metabolites of one name", Door::session,
       with_model(R"("metabolites": [)",
                  R"("metabolites": [{"name": "norketamine", "fraction": 1, "V1": "1 L", "CL": "1 L/h"}, )"),
       Code::field_duplicate, "model.custom.metabolites[1].name"},
      {"-", "seven metabolites", Door::session,
       with_model(R"("metabolites": [)", R"("metabolites": [0, 0, 0, 0, 0, 0, )"), Code::size,
       "model.custom.metabolites"},
      {"-", "exponents without reference weight", Door::session,
       with_model(site, site + R"("weight_exponents": {"CL": 0.75},)"), Code::field_missing,
       "model.custom.reference_weight"},
      {"-", "a reference weight alone", Door::session, with_model(site, site + R"("reference_weight": "70 kg",)"),
       Code::field_missing, "model.custom.weight_exponents"},
      {"-", "an exponent for what is not there", Door::session,
       with_model(site, site + R"("reference_weight": "70 kg", "weight_exponents": {"k10": 0.75},)"),
       Code::field_unknown, "model.custom.weight_exponents.k10"},
      {"-", "an exponent for a per-kg parameter", Door::session,
       swapped(with_model(site, site + R"("reference_weight": "70 kg", "weight_exponents": {"V1": 1},)"), "25 L",
               "0.4 L/kg"),
       Code::model_param, "model.custom.weight_exponents.V1"},
  };
  for (const Row& row : rows) check(row);
}

TEST_CASE("a good session reads to the values it states") {
  const Request r = io::read_session(session_text, {.folder = ".", .today = today});
  CHECK(r.patient.weight.value().in(unit::kg) == 70);
  CHECK(r.patient.height->value().in(unit::cm) == 175);
  CHECK(r.patient.age->in(unit::yr) == 42);
  CHECK(r.patient.sex == Sex::female);
  CHECK(std::get<WeightRule>(r.patient.dosing_weight) == WeightRule::actual);
  CHECK(r.order.analyte == Analyte::racemic_ketamine);
  CHECK(r.order.form == Form::base);
  CHECK(r.order.initial_state == InitialState::drug_free);
  REQUIRE(r.order.inputs.size() == 3);
  const auto& infuse = std::get<Infuse>(r.order.inputs[0]);
  CHECK(infuse.amount.as<dim::dose>()->in(unit::mg_per_kg) == 0.5);
  CHECK(infuse.over == 40min);
  CHECK(infuse.at == 0min);
  const auto& rate = std::get<InfuseAtRate>(r.order.inputs[1]);
  CHECK(rate.rate.number() == 12.5);
  CHECK(rate.rate.unit() == AnyUnit(unit::mcg_per_kg_per_min));
  CHECK(rate.over == 20min);
  CHECK(rate.at == 60min);
  const auto& bolus = std::get<Bolus>(r.order.inputs[2]);
  CHECK(bolus.amount.as<dim::drug>()->in(unit::mg) == 10);
  CHECK(bolus.at == 90min);
  CHECK(r.order.bag->value().in(unit::mg_per_L) == 1000);
  CHECK(r.model.id == "kamp2020");
  CHECK(r.as_of == year_month_day{std::chrono::year{2026}, std::chrono::month{11}, std::chrono::day{20}});
  REQUIRE(r.overrides.size() == 1);
  CHECK(r.overrides[0].flag == "DOSE_PER_WEIGHT_HIGH");
  CHECK(r.overrides[0].reason == "Zacharias-4711 asked");
  CHECK(r.overrides[0].by == "Zacharias-4711");
  CHECK(r.observe.every == 1min);
  CHECK(r.observe.until == 4h);
  CHECK(r.observe.at.empty());
  REQUIRE(r.time_above.size() == 1);
  CHECK(r.time_above[0].value().in(unit::ng_per_mL) == 100);
  CHECK_FALSE(r.allowances.extrapolate);
  CHECK_FALSE(r.allowances.assume_enantiomers_alike);
  REQUIRE(r.limits.has_value());
  CHECK(r.limits->limits.size() == 6);
  CHECK(r.limits->sha256.size() == 64);
}

TEST_CASE("what a session leaves out stays out, and only the day comes from the context") {
  const std::string least = R"({"schema": "ketpk.session/1", "patient": {"weight": "154 lb"}, "analyte": "s-ketamine",
    "form": "hydrochloride", "initial_state": "drug-free", "order": [{"bolus": "35000 mcg"}], "model": "otto2021"})";
  const Request r = take_session(least);
  CHECK(r.patient.weight.value().in(unit::kg) == Approx(154 * 0.45359237).epsilon(1e-15));  // J16: lb is accepted
  CHECK(to_text(r.patient.weight) == "154 lb");
  CHECK(std::get<Bolus>(r.order.inputs[0]).at == 0min);
  CHECK_FALSE(
      (r.patient.height || r.patient.age || r.patient.sex || r.order.bag || r.limits || r.as_of || r.observe.until));
  CHECK(r.overrides.empty());
  CHECK(r.time_above.empty());

  const std::string undated = swapped(session_text, R"("as_of": "2026-11-20",)", "");
  CHECK(take_session(undated).as_of == today);
  const Request allowed =
      take_session(swapped(least, R"("form")", R"("extrapolate": true, "assume_enantiomers_alike": true, "form")"));
  CHECK(allowed.allowances.extrapolate);
  CHECK(allowed.allowances.assume_enantiomers_alike);
  const Request heavy = take_session(swapped(least, R"("154 lb")", R"("100 kg", "dosing_weight": "80 kg")"));
  CHECK(mass_for_dosing(heavy.patient).in(unit::kg) == 80);
}

TEST_CASE("asked instants are read to the microsecond") {
  const Request r =
      take_session(session(R"({"every": "1 min", "until": "4 h"})",
                           R"({"at": ["10 min", "900000000 us", "900001 ms", "0.5 h", "0.5 h"], "until": "4 h"})"));
  CHECK(r.observe.at == std::vector<Micros>{10min, 15min, 15min + 1ms, 30min, 30min});
  CHECK(r.observe.until == 4h);
  CHECK_FALSE(r.observe.every.has_value());
  // 1,000,000 instants are the most: 0 to 999,999 ms.
  CHECK(take_session(session(R"({"every": "1 min", "until": "4 h"})", R"({"every": "1 ms", "until": "999999 ms"})"))
            .observe.every == 1ms);
}

TEST_CASE("a custom model reads to a card with its own numbers") {
  const ModelCard card = take_session(session(R"("model": "kamp2020")", "\"model\": " + custom_text)).model;
  CHECK(card.id == "custom");
  CHECK(card.citation == "custom model, no citation");
  CHECK(card.site == Site::venous);
  CHECK(card.analytes == std::vector<Analyte>{Analyte::racemic_ketamine});
  CHECK_FALSE(card.domain.is_stated());
  const auto in_base = [](const CardParameter& p) {
    return p.value.number() * p.value.unit().num / p.value.unit().den;
  };
  const auto value = [&](const std::vector<CardParameter>& all, std::string_view name) {
    for (const CardParameter& p : all)
      if (p.name == name) return in_base(p);
    return -1.0;
  };
  CHECK(card.parameters.size() == 6);
  CHECK(value(card.parameters, "CL") == Approx(1.4));
  CHECK(value(card.parameters, "V1") == 25);
  CHECK(value(card.parameters, "Q2") == Approx(161 / 60.0));
  CHECK(value(card.parameters, "V2") == 56);
  CHECK(value(card.parameters, "Q3") == Approx(79 / 60.0));
  CHECK(value(card.parameters, "V3") == 157);
  CHECK(in_base(card.ke0.value()) == 0.2);
  CHECK(card.ke0->source == "Zacharias-4711");
  REQUIRE(card.metabolites.size() == 1);
  CHECK(card.metabolites[0].name == "norketamine");
  CHECK(card.metabolites[0].fraction == 1.0);
  CHECK_FALSE(card.metabolites[0].apparent);
  CHECK(value(card.metabolites[0].parameters, "V1") == 98.6);
  CHECK(value(card.metabolites[0].parameters, "CL") == Approx(57.7 / 60));
  CHECK(value(card.metabolites[0].parameters, "Q2") == Approx(42.8 / 60));
  CHECK(value(card.metabolites[0].parameters, "V2") == 160);

  const auto names = [](const ModelCard& c) {
    std::string text;
    for (const CardParameter& p : c.parameters) text += p.name + ' ';
    return text;
  };
  const std::string all =
      R"("CL": "84 L/h", "V1": "25 L", "Q2": "161 L/h", "V2": "56 L", "Q3": "79 L/h", "V3": "157 L")";
  CHECK(names(take_session(with_model(all, R"("CL": "84 L/h", "V1": "25 L")")).model) == "V1 CL ");
  CHECK(names(take_session(with_model(all, R"("CL": "84 L/h", "V1": "25 L", "Q3": "0 L/h", "V3": "5 L")")).model) ==
        "V1 CL Q3 V3 ");
  CHECK(names(take_session(with_model(all, R"("k10": "1 1/h", "V1": "0.4 L/kg", "k12": "0.1 1/min", "k21": "2 1/h")"))
                  .model) == "V1 k10 k12 k21 ");
  const ModelCard scaled =
      take_session(
          with_model(R"("site": "venous",)",
                     R"("site": "venous", "reference_weight": "60 kg", "weight_exponents": {"CL": 0.75, "V1": 1},)"))
          .model;
  CHECK(scaled.reference_weight_kg == 60);
  CHECK(scaled.parameters[0].name == "V1");
  CHECK(scaled.parameters[0].weight_exponent == 1);
  CHECK(scaled.parameters[1].weight_exponent == 0.75);
  CHECK(scaled.parameters[2].weight_exponent == 0);
  CHECK(take_session(with_model(R"("fraction": 1.0)", R"("apparent": true, "fraction": 0)"))
            .model.metabolites[0]
            .apparent);
}

TEST_CASE("good limits read to the values they state") {
  const Limits set = take_limits(limits_text);
  CHECK(set.id == "Zacharias-4711-set");
  CHECK(set.version == "3");
  CHECK(set.status == LimitsStatus::example);
  CHECK(set.approver == "Zacharias-4711");
  CHECK(set.effective == year_month_day{std::chrono::year{2026}, std::chrono::month{1}, std::chrono::day{1}});
  CHECK(set.expires == year_month_day{std::chrono::year{2030}, std::chrono::month{1}, std::chrono::day{1}});
  REQUIRE(set.limits.size() == 6);
  const Limit& dose = set.limits[0];
  CHECK(dose.quantity == LimitQuantity::dose_per_weight);
  CHECK(to_text(*dose.soft_low) == "0.1 mg/kg");
  CHECK(to_text(*dose.soft_high) == "0.5 mg/kg");
  CHECK(to_text(*dose.hard_high) == "1 mg/kg");
  CHECK_FALSE(dose.hard_low.has_value());
  CHECK(dose.required);
  CHECK(dose.source == "Zacharias-4711 1999");
  CHECK(base_value(*set.limits[1].hard_high) == Approx(0.025));  // 1.5 mg/kg/h
  CHECK_FALSE(set.limits[1].required);
  CHECK(set.limits[2].site == Site::venous);
  CHECK(base_value(*set.limits[2].soft_high) == 0.2);
  CHECK(set.limits[3].site == Site::arterial);
  CHECK(set.limits[3].level->value().in(unit::ng_per_mL) == 100);
  CHECK(set.limits[4].window->value().in(unit::d) == 7);
  CHECK(base_value(*set.limits[5].hard_low) == 30);  // grams of body, not of drug
  CHECK(take_limits(limits(R"("example")", R"("approved")")).status == LimitsStatus::approved);
}

TEST_CASE("the hash is SHA-256 and is that of the bytes that were read") {
  // FIPS 180-4 examples.
  CHECK(io::sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(io::sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(io::sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(take_limits(limits_text).sha256 == io::sha256(limits_text));
  CHECK(take_limits(limits_text + "\n").sha256 == io::sha256(limits_text + "\n"));
}

TEST_CASE("a limits file is found beside its session, and a pin holds it to its bytes") {  // J08, J33
  const Folder folder;
  fs::create_directory(folder.path / "sub");
  folder.write("sub/limits.json", limits_text);
  const auto ask = [&](const std::string& reference) {
    return take_session(session_head + reference + session_tail, folder.path);
  };
  CHECK(ask(R"({"file": "sub/limits.json"})").limits->sha256 == io::sha256(limits_text));
  const std::string pinned = R"({"file": "sub/limits.json", "sha256": ")" + io::sha256(limits_text) + "\"}";
  CHECK(ask(pinned).limits->sha256 == io::sha256(limits_text));

  const auto refused = [&](const std::string& reference, Code code, const std::string& field) {
    const auto e = refusal([&] { (void)ask(reference); });
    REQUIRE(e.has_value());
    CHECK(name_of(e->code) == name_of(code));
    CHECK(e->field == field);
    CHECK(std::string(e->what()).find("limits.json") == std::string::npos);
    CHECK(std::string(e->what()).find(canary) == std::string::npos);
  };
  refused(R"({"file": "sub/limits.json", "sha256": "abc"})", Code::parse, "limits.sha256");
  refused(R"({"file": "none.json"})", Code::io, "limits.file");
  refused(R"({"file": "sub"})", Code::io, "limits.file");
  refused(R"({"file": "sub/../sub/limits.json"})", Code::io, "limits.file");
  refused(R"({"file": 7})", Code::type, "limits.file");
  refused(R"({"file": "sub/limits.json", "schema": "ketpk.limits/1"})", Code::field_unknown, "limits.schema");
  fs::create_symlink("loop", folder.path / "loop");
  refused(R"({"file": "loop"})", Code::io, "limits.file");
  fs::create_symlink("/etc/hostname", folder.path / "leads-out");
  refused(R"({"file": "leads-out"})", Code::io, "limits.file");
  // One byte changed: 0.5 became 0.6.
  folder.write("sub/limits.json", limits("0.5 mg/kg", "0.6 mg/kg"));
  refused(pinned, Code::limits_hash, "limits.sha256");
  CHECK(base_value(*ask(R"({"file": "sub/limits.json"})").limits->limits[0].soft_high) == 0.6);
  // Grammar in the file is told apart from grammar in the session.
  folder.write("sub/limits.json", "{");
  refused(R"({"file": "sub/limits.json"})", Code::parse, "limits");
  // Whoever names a file on a command line may name any.
  folder.write("limits.json", limits_text);
  const std::string climbs = session_head + R"({"file": "../limits.json"})" + session_tail;
  const Request r = io::read_session(climbs, {.folder = folder.path / "sub", .today = today, .confined = false});
  CHECK(r.limits->sha256 == io::sha256(limits_text));
}

TEST_CASE("only a regular file of up to 1 MiB is read, and a refusal comes at once") {  // J30, J32, J60
  const Folder folder;
  const auto refused = [](const fs::path& path, Code code) {
    const auto start = std::chrono::steady_clock::now();
    const auto e = refusal([&] { (void)io::read_file(path, "session"); });
    CHECK(std::chrono::steady_clock::now() - start < 1s);
    REQUIRE(e.has_value());
    CHECK(name_of(e->code) == name_of(code));
    CHECK(e->field == "session");
    CHECK(std::string(e->what()).find("ketpk-test-io") == std::string::npos);
  };
  const std::string most(io::most_bytes, ' ');
  CHECK(io::read_file(folder.write("most", most)) == most);
  CHECK(io::read_file(folder.write("none", "")).empty());
  refused(folder.write("more", most + ' '), Code::size);
  refused(folder.path, Code::io);
  refused(folder.path / "missing", Code::io);
  refused(folder.path / std::string(5'000, 'a'), Code::io);
  refused(folder.write("new\nline", "{}"), Code::io);
  refused(folder.path / std::string("n\0ne", 4), Code::io);
  refused("", Code::io);
  refused("/dev/zero", Code::io);
  fs::create_symlink("loop", folder.path / "loop");
  refused(folder.path / "loop", Code::io);
  REQUIRE(::mkfifo((folder.path / "fifo").c_str(), 0600) == 0);
  refused(folder.path / "fifo", Code::io);
}

TEST_CASE("standard input is read to its end and no further than 1 MiB") {
  const Folder folder;
  const auto through_stdin = [&](const fs::path& path) {
    const int saved = ::dup(STDIN_FILENO);
    REQUIRE(std::freopen(path.c_str(), "rb", stdin) != nullptr);
    std::string bytes;
    const auto e = refusal([&] { bytes = io::read_stdin(); });
    ::dup2(saved, STDIN_FILENO);
    ::close(saved);
    return e ? std::string(name_of(e->code)) : bytes;
  };
  CHECK(through_stdin(folder.write("text", "{\"a\": 1}\n")) == "{\"a\": 1}\n");
  CHECK(through_stdin("/dev/null").empty());
  CHECK(through_stdin("/dev/zero") == "E_SIZE");
}

TEST_CASE("a reader that says so gets more than 1 MiB, or less, and never more than it said") {
  const Folder folder;
  std::string text;
  for (int i = 0; text.size() < 9 * io::most_bytes; ++i) text += std::to_string(i) + ',';
  const fs::path path = folder.write("long", text);
  const auto read = [&](std::size_t most) {
    std::string bytes;
    const auto e = refusal([&] { bytes = io::read_file(path, "data", most); });
    return e ? std::string(name_of(e->code)) + ' ' + e->field : bytes == text ? "whole" : "other bytes";
  };
  CHECK(read(io::most_data_bytes) == "whole");
  CHECK(read(text.size()) == "whole");
  CHECK(read(text.size() - 1) == "E_SIZE data");
  CHECK(read(io::most_bytes) == "E_SIZE data");
  CHECK(read(0) == "E_SIZE data");
  CHECK(io::read_file(folder.write("none", ""), "data", 0).empty());
}

TEST_CASE("a session of exactly 1 MiB, of 10,000 inputs and of many keys is read in good time") {
  std::string text = session_text + std::string(io::most_bytes - session_text.size(), ' ');
  const auto start = std::chrono::steady_clock::now();
  CHECK(take_session(text).order.inputs.size() == 3);
  std::string many = R"({"bolus": "10 mg", "at": "90 min"})";
  for (int i = 1; i < 9'998; ++i) many += R"(,{"bolus": "1 mg", "at": "90 min"})";
  CHECK(take_session(session(R"({"bolus": "10 mg", "at": "90 min"})", many)).order.inputs.size() == 10'000);
  std::string keys = "{";
  for (int i = 0; i < 80'000; ++i) keys += "\"k" + std::to_string(i) + "\":0,";
  keys.back() = '}';
  const auto e = refusal([&] { (void)take_session(keys); });
  REQUIRE(e.has_value());
  CHECK(name_of(e->code) == name_of(Code::schema_version));
  CHECK(std::chrono::steady_clock::now() - start <
        10s);  // quadratic work on 80,000 keys would take minutes under a sanitizer
}

TEST_CASE("a surrogate pair and text beyond ASCII are read as they are") {
  const Request r = take_session(session("Zacharias-4711 asked", R"(\ud83d\udc89 \\ud800 für)"));
  CHECK(r.overrides[0].reason == "\xF0\x9F\x92\x89 \\ud800 f\xC3\xBCr");
}

TEST_CASE("numbers read alike under every locale") {
  struct Restore {
    ~Restore() { std::setlocale(LC_ALL, "C"); }
  } restore;
  const std::string text = with_model(R"("fraction": 1.0)", R"("fraction": 0.54)");
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "tr_TR.UTF-8", "ar_EG.UTF-8"}) {
    INFO(name);
    REQUIRE(std::setlocale(LC_ALL, name) != nullptr);
    const Request r = take_session(text);
    CHECK(r.model.metabolites[0].fraction == 0.54);
    CHECK(r.patient.weight.number() == 70);
    CHECK(std::get<Infuse>(r.order.inputs[0]).amount.number() == 0.5);
    CHECK(std::string_view(std::setlocale(LC_ALL, nullptr)) == name);
  }
}

TEST_CASE("the linter names every problem of a limits file with its row") {
  std::string text = limits(R"("approver": "Zacharias-4711")", R"("approver": "")");
  text = swapped(text, R"("soft_high": "0.5 mg/kg")", R"("soft_hgih": "0.5 mg/kg", "soft_high": "0.05 mg/kg")");
  text = swapped(text, R"("0.75 mg/kg/h")", "0.75");
  text = swapped(text, R"("hard_high": "3 mg/kg")", R"("soft_high": "3 mg/kg")");
  text = swapped(text, R"("site": "venous", )", "");
  text = swapped(text, "2030-01-01", "2026-06-01");
  std::vector<std::string> found;
  for (const io::LintFinding& f : io::lint_limits(text, today)) {
    found.push_back(std::string(name_of(f.code)) + ' ' + f.field);
    CHECK(f.message.find(canary) == std::string::npos);
  }
  CHECK(found ==
        std::vector<std::string>{"E_LIMITS_UNAPPROVED limits.approver", "E_FIELD_UNKNOWN limits.limits[0].soft_hgih",
                                 "E_UNIT_MISSING limits.limits[1].soft_high", "E_FIELD_MISSING limits.limits[2].site",
                                 "E_LIMITS_MISSING limits.limits[4].hard_high", "E_LIMITS_STALE limits.expires"});
  CHECK(io::lint_limits(limits_text, today).empty());
  REQUIRE(io::lint_limits("{", today).size() == 1);
  CHECK(name_of(io::lint_limits("{", today)[0].code) == name_of(Code::parse));
  const auto twice = io::lint_limits(limits(R"("id": "rate")", R"("id": "dose-per-weight")"), today);
  REQUIRE(twice.size() == 1);
  CHECK(twice[0].field == "limits.limits[1].id");
  const auto rowless =
      io::lint_limits(limits_text.substr(0, limits_text.find("\"limits\": [")) + "\"limits\": []}", today);
  REQUIRE(rowless.size() == 1);
  CHECK(name_of(rowless[0].code) == name_of(Code::limits_missing));
}

TEST_CASE("limits that a program holds serve a session that names none, and only such a session") {
  const Limits held = io::read_limits(limits_text);
  const std::string without = session(R"("limits": )" + limits_text + ",", "");
  const Request r = io::read_session(without, {.folder = ".", .today = today, .limits = &held});
  REQUIRE(r.limits.has_value());
  CHECK(r.limits->sha256 == io::sha256(limits_text));
  CHECK(r.as_of == std::chrono::year{2026} / 11 / 20);
  const auto refused =
      refusal([&] { (void)io::read_session(session_text, {.folder = ".", .today = today, .limits = &held}); });
  REQUIRE(refused.has_value());
  CHECK(refused->code == Code::field_duplicate);
  CHECK(refused->field == "limits");
}

TEST_CASE("a metabolite may not have the name of another curve") {
  for (const std::string name : {"plasma", "effect_site"}) {
    const auto refused =
        refusal([&] { (void)take_session(with_model(R"("name": "norketamine")", "\"name\": \"" + name + '"')); });
    REQUIRE(refused.has_value());
    CHECK(refused->code == Code::field_duplicate);
    CHECK(refused->field == "model.custom.metabolites[0].name");
  }
}

namespace {

const std::string effects_text =
    R"("effects": [{"name": "dissociation", "of": "effect_site", "kind": "emax", "ec50": "120 ng/mL", "hill": 2,)"
    R"( "baseline": 0, "change": 80, "unit": "points", "source": "Zacharias-4711"}],)";

/// The session of a custom model, with effects.
std::string with_effects(const std::string& from, const std::string& to) {
  return swapped(session(R"("model": "kamp2020",)", "\"model\": " + custom_text + "," + effects_text), from, to);
}

}  // namespace

TEST_CASE("effects stand beside the model of a session, and read to what they state") {
  const Request r = take_session(with_effects("\"hill\": 2", "\"hill\": 2.5"));
  CHECK(r.model.effects.empty());
  REQUIRE(r.effects.size() == 1);
  CHECK(r.effects[0].name == "dissociation");
  CHECK(r.effects[0].of == "effect_site");
  const auto& emax = std::get<EmaxEffect>(r.effects[0].form);
  CHECK(emax.ec50.in(unit::mg_per_L) == Approx(0.12).epsilon(1e-15));
  CHECK(emax.hill == 2.5);
  CHECK(emax.baseline == 0);
  CHECK(emax.change == 80);
  CHECK(emax.effect_unit == "points");
  CHECK(emax.source == canary);
  CHECK(take_session(session_text).effects.empty());
}

TEST_CASE("an effect of a session that cannot be used is refused with code and place, and shows none of it") {
  struct Slip {
    std::string from, to;
    Code code;
    std::string field;
  };
  const std::vector<Slip> slips{
      {R"(, "source": "Zacharias-4711"}],)", "}],", Code::field_missing, "effects[0].source"},
      {R"("of": "effect_site")", R"("of": "Zacharias-4711")", Code::model_param, "effects[0].of"},
      {R"("120 ng/mL")", R"("120 ng/kg")", Code::unit_unknown, "effects[0].ec50"},
      {R"("120 ng/mL")", R"("120 mg/kg")", Code::unit_mismatch, "effects[0].ec50"},
      {R"("change": 80)", R"("change": 0)", Code::model_param, "effects[0].change"},
      {R"("kind": "emax")", R"("kind": "Zacharias-4711")", Code::range, "effects[0].kind"},
      {R"("name": "dissociation")", R"("name": "Zacharias 4711")", Code::parse, "effects[0].name"},
      {R"("name": "dissociation")", R"("name": "norketamine")", Code::field_duplicate, "effects[0].name"},
      {R"("unit": "points")", R"("units": "points")", Code::field_unknown, "effects[0].units"},
      {R"("effects": [{)", R"("effect": [{)", Code::field_unknown, "effect"},
  };
  for (const Slip& slip : slips) {
    INFO(slip.to);
    const auto refused = refusal([&] { (void)take_session(with_effects(slip.from, slip.to)); });
    REQUIRE(refused.has_value());
    CHECK(refused->code == slip.code);
    CHECK(refused->field == slip.field);
    CHECK(refused->message.find("Zacharias") == std::string::npos);
    CHECK(refused->message.find("; accepted: ") != std::string::npos);
  }
}

TEST_CASE("a table of predictions has a column for each effect, its unit in the name, before the spread") {
  const Dataset data{.covariates = {}, .subjects = {{"1", {{.line = 2, .time = 0min}, {.line = 3, .time = 30min}}}}};
  const Predictions told{.concentrations = {{"plasma", {0.25, 0.5}}},
                         .amounts = {{"central", {1, 2}}},
                         .effects = {{"dissociation", "points, of 100", {1.5, 1.0 / 3}}, {"x", "=1", {-2, 0}}},
                         .plasma_sd_mg_per_L = {0.125, 0.25},
                         .solver = "expm"};
  const io::Table table = io::table_of(told, data, {});
  CHECK(io::write_table(table) ==
        "ID,TIME_h,EVID,plasma_ng_per_mL,central_mg,\"dissociation (points, of 100)\",x (=1),plasma_sd_ng_per_mL\n"
        "1,0,0,250,1,1.5,-2,125\n"
        "1,0.5,0,500,2,0.3333333333333333,0,250\n");
}
