// SPDX-License-Identifier: Apache-2.0
// Facts about every file that the fuzzers kept: it is read, or refused as invalid input, and nothing else happens.

#include "catch.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "ketpk/io.hpp"

namespace {

using namespace ketpk;
namespace fs = std::filesystem;

constexpr std::chrono::year_month_day today{std::chrono::year{2026}, std::chrono::month{11}, std::chrono::day{21}};

std::vector<fs::path> corpus(const char* kind) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(KETPK_SOURCE_DIR) / "tests/fuzz/corpus" / kind))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

struct Counts {
  std::size_t read = 0, refused = 0;
};

/// Runs `act` on the bytes of each file. Anything but a value or `InvalidInput` fails the test.
template <class Act>
Counts replay(const char* kind, Act act) {
  Counts counts;
  for (const fs::path& file : corpus(kind)) {
    INFO(file.filename().string());
    const std::string bytes = io::read_file(file);
    bool read = false;
    std::string refusal;
    try {
      act(bytes);
      read = true;
    } catch (const InvalidInput& e) {
      refusal = e.what();
    }
    CHECK(read != (refusal.find("; accepted: ") != std::string::npos));
    CHECK(refusal.find('\n') == std::string::npos);
    ++(read ? counts.read : counts.refused);
  }
  return counts;
}

}  // namespace

TEST_CASE("every kept session is read or refused with what is accepted") {
  const Counts counts = replay("session", [](const std::string& bytes) {
    const Request request =
        io::read_session(bytes, {.folder = fs::path(KETPK_SOURCE_DIR) / "tests/fuzz/corpus/limits", .today = today});
    validate(request.patient);
    (void)resolve(request.order, mass_for_dosing(request.patient));
  });
  CHECK(counts.read > 0);
  CHECK(counts.refused > 0);
}

TEST_CASE("every kept limits file is read or refused, and the linter says the same") {
  const Counts counts = replay("limits", [](const std::string& bytes) {
    const bool clean = io::lint_limits(bytes, today).empty();
    bool usable = false;
    try {
      validate(io::read_limits(bytes), today);
      usable = true;
    } catch (const InvalidInput&) {
      CHECK_FALSE(clean);
      throw;
    }
    CHECK(clean == usable);
  });
  CHECK(counts.read > 0);
  CHECK(counts.refused > 0);
}

TEST_CASE("every kept data file is read or refused, and what is read is in order") {
  const io::DataFormat format{.units = {}, .compartments = {"nose", "central", "shallow"}, .covariates = {"WT", "SEX"}};
  const Counts counts = replay("data", [&](const std::string& bytes) {
    for (const Subject& subject : io::read_data(bytes, format).subjects) {
      CHECK_FALSE(subject.records.empty());
      for (std::size_t i = 0; i < subject.records.size(); ++i) {
        const Record& r = subject.records[i];
        CHECK(r.covariates.size() == 2);
        CHECK((i == 0 || subject.records[i - 1].time <= r.time));
        CHECK((i == 0 || subject.records[i - 1].line < r.line));
        CHECK(r.dose.has_value() == (r.evid == Evid::dose || r.evid == Evid::reset_and_dose));
        if (r.dose) CHECK(r.dose->compartment < 3);
      }
    }
  });
  CHECK(counts.read > 0);
  CHECK(counts.refused > 0);
}

TEST_CASE("every kept cohort is read or refused, and so is every table of people") {
  const Counts cohorts = replay("cohort", [](const std::string& bytes) {
    validate(
        io::read_cohort(bytes, {.folder = fs::path(KETPK_SOURCE_DIR) / "tests/fuzz/corpus/limits", .today = today}));
  });
  CHECK(cohorts.read > 0);
  CHECK(cohorts.refused > 0);
  const Counts people = replay("people", [](const std::string& bytes) {
    const PeopleTable table = io::read_people(bytes);
    for (const std::vector<double>& column : table.columns) CHECK(column.size() == table.columns.front().size());
  });
  CHECK(people.read > 0);
  CHECK(people.refused > 0);
}
