// SPDX-License-Identifier: Apache-2.0

// Facts about locales: a program that links this library may have called setlocale, and then a decimal comma, an
// Arabic digit or a Turkish dotless i must not reach a dose or a report. The locales have to be installed; a locale
// that is missing fails, because a test that cannot see the difference proves nothing.

#include <array>
#include <clocale>
#include <cstdio>
#include <locale>
#include <string>
#include <string_view>
#include <variant>

#include "catch.hpp"
#include "ketpk/io.hpp"
#include "ketpk/ketpk.hpp"
#include "ketpk/report.hpp"
#include "ketpk/simulate.hpp"

namespace {

using namespace ketpk;

constexpr std::string_view session = R"({
  "schema": "ketpk.session/1",
  "patient": {"weight": "70.5 kg", "height": "1.755 m", "age": "42.25 yr", "sex": "female"},
  "analyte": "racemic-ketamine", "form": "hydrochloride", "initial_state": "drug-free",
  "order": [
    {"infuse": "0.5 mg/kg", "over": "40.5 min"},
    {"infuse_at_rate": "12.5 mL/h", "over": "20 min", "at": "60 min"},
    {"bolus": "1234.5 mcg", "at": "90.25 min"}
  ],
  "bag": {"concentration": "1.25 mg/mL"},
  "model": {"custom": {"analytes": ["racemic-ketamine"], "site": "venous",
    "parameters": {"CL": "84.5 L/h", "V1": "25.25 L", "Q2": "161 L/h", "V2": "56 L"},
    "effect_site": {"ke0": "0.25 1/min", "source": "invented for this test"},
    "metabolites": [{"name": "norketamine", "fraction": 0.75, "V1": "98.6 L", "CL": "57.7 L/h"}]}},
  "limits": {"schema": "ketpk.limits/1", "id": "invented", "version": "1.5", "status": "example", "approver": "nobody",
    "effective": "2026-01-01", "expires": "2030-01-01",
    "limits": [{"id": "dose", "quantity": "dose_per_weight", "soft_high": "0.25 mg/kg", "hard_high": "1.5 mg/kg",
                "required": true, "source": "invented for this test"}]},
  "as_of": "2026-11-21",
  "observe": {"every": "2.5 min", "until": "4 h"},
  "questions": {"time_above": ["12.5 ng/mL"]}
})";

struct Told {
  std::string json, csv, card, check, refusal, model;
};

/// The whole way, from text to text.
Told everything() {
  const io::SessionContext context{.folder = {}, .today = std::chrono::year{2026} / 11 / 21};
  const Outcome outcome = simulate(io::read_session(session, context));
  const Result& r = std::get<Result>(outcome);
  Drawing drawing{.plasma_ng_per_mL = r.profile.plasma_ng_per_mL, .until_min = 240};
  drawing.plasma_ng_per_mL.resize(72, 0.5);
  Told told{.json = to_json(r, version),
            .csv = to_csv(r),
            .card = to_card(r, version, drawing),
            .check = to_card(AssessmentView{r}, version),
            .refusal = {},
            .model = to_card(library::find("kamp2020"))};
  std::string comma(session);
  comma.replace(comma.find("70.5 kg"), 7, "70,5 kg");
  try {
    (void)io::read_session(comma, context);
  } catch (const InvalidInput& e) {
    told.refusal = error_line(e) + error_json(e);
  }
  return told;
}

/// The process's locale for as long as this lives.
struct ProcessLocale {
  explicit ProcessLocale(const char* name) : is_set(std::setlocale(LC_ALL, name) != nullptr) {
    if (is_set) std::locale::global(std::locale(name));
  }
  ~ProcessLocale() {
    std::locale::global(std::locale::classic());
    std::setlocale(LC_ALL, "C");
  }
  ProcessLocale(const ProcessLocale&) = delete;
  ProcessLocale& operator=(const ProcessLocale&) = delete;
  bool is_set;
};

}  // namespace

TEST_CASE("J59: a program's locale changes no byte of what is read or told") {
  const Told plain = everything();
  REQUIRE(plain.json.find("\"25.25 L\"") != std::string::npos);
  REQUIRE(plain.csv.find("150000000,2.5,") != std::string::npos);
  REQUIRE(plain.refusal.starts_with("ketpk: E_PARSE patient.weight:"));
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "tr_TR.UTF-8", "ar_EG.UTF-8"}) {
    CAPTURE(name);
    const ProcessLocale locale(name);
    REQUIRE(locale.is_set);
    const Told told = everything();
    CHECK(told.json == plain.json);
    CHECK(told.csv == plain.csv);
    CHECK(told.card == plain.card);
    CHECK(told.check == plain.check);
    CHECK(told.refusal == plain.refusal);
    CHECK(told.model == plain.model);
  }
}

TEST_CASE("the locales of these tests do write a decimal comma, so that a difference would be seen") {
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "tr_TR.UTF-8"}) {
    CAPTURE(name);
    const ProcessLocale locale(name);
    REQUIRE(locale.is_set);
    std::array<char, 16> buffer{};
    std::snprintf(buffer.data(), buffer.size(), "%.1f", 0.5);
    CHECK(std::string_view(buffer.data()) == "0,5");
  }
}
