// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "ketpk/body_size.hpp"
#include "ketpk/library.hpp"
#include "ketpk/observations.hpp"

using namespace ketpk;
using namespace std::chrono_literals;

namespace {

std::vector<std::vector<std::string>> rows_of(const std::string& name) {
  std::ifstream file(std::string(KETPK_SOURCE_DIR "/tests/golden/") + name);
  REQUIRE(file.good());
  std::vector<std::vector<std::string>> rows;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string> cells(1);
    for (const char c : line)
      if (c == ',')
        cells.emplace_back();
      else
        cells.back() += c;
    rows.push_back(std::move(cells));
  }
  return rows;
}

/// The shortest text of a number, nothing for an absent one.
std::string text_of(const std::optional<double>& x) { return x ? to_text(*x) : std::string(); }

/// The number in a cell as it would be written here: 10.0 is 10.
std::string plain(const std::string& cell) { return cell.empty() ? cell : to_text(parse_number(cell, "cell")); }

}  // namespace

TEST_CASE("every observation says where it was read, where blood was drawn and under which licence") {
  for (const Observations& o : observed::data_sets()) {
    CAPTURE(o.id);
    CHECK_FALSE(o.label.empty());
    CHECK_FALSE(o.short_label.empty());
    CHECK_FALSE(o.paper.empty());
    CHECK_FALSE(o.doi.empty());
    CHECK_FALSE(o.source.empty());
    CHECK_FALSE(o.licence.empty());
    CHECK_FALSE(o.site_source.empty());
    CHECK_FALSE(o.given.empty());
    CHECK((o.doi == "not-stated" || o.doi.rfind("10.", 0) == 0));
    CHECK((!o.series.empty() || !o.reported.empty()));
    for (const ObservedSeries& s : o.series) {
      CHECK_FALSE(s.reading.empty());
      CHECK_FALSE(s.points.empty());
    }
    for (const InSampleFor& s : o.in_sample_for) CHECK_FALSE(s.why.empty());
  }
}

TEST_CASE("a data set that models are run on has an order, a person and what was assumed of him; others say why not") {
  std::size_t run = 0;
  for (const Observations& o : observed::data_sets()) {
    CAPTURE(o.id);
    CHECK(o.is_run() == (o.order.has_value() && o.person.has_value() && !o.series.empty()));
    if (!o.is_run()) {
      CHECK_FALSE(o.not_judged_by.empty());
      CHECK_FALSE(o.reported.empty());
      continue;
    }
    ++run;
    CHECK_FALSE(o.assumed.empty());
    CHECK_NOTHROW(validate(*o.person));
    CHECK_NOTHROW(resolve(*o.order, mass_for_dosing(*o.person)));
  }
  CHECK(run == 8);
}

TEST_CASE("points stand in order of time, and one that reads zero is left out") {
  for (const Observations& o : observed::data_sets())
    for (const ObservedSeries& s : o.series) {
      CAPTURE(o.id, std::string(name_of(s.substance)));
      CHECK(std::is_sorted(s.points.begin(), s.points.end(),
                           [](const ObservedPoint& a, const ObservedPoint& b) { return a.at < b.at; }));
      for (const ObservedPoint& p : s.points) {
        CHECK(p.at > 0us);
        CHECK(p.value >= 0);
        if (p.value == 0) CHECK_FALSE(p.left_out.empty());
      }
    }
}

TEST_CASE("two encodings of the observations agree value by value") {
  std::vector<std::vector<std::string>> typed;
  for (const Observations& o : observed::data_sets())
    for (const ObservedSeries& s : o.series)
      for (const ObservedPoint& p : s.points)
        typed.push_back({o.id, std::string(name_of(s.substance)), std::string(name_of(s.unit)),
                         std::to_string(p.at.count()), to_text(p.value), text_of(p.sd), text_of(p.low),
                         text_of(p.high)});
  std::vector<std::vector<std::string>> transcribed;
  for (std::vector<std::string> row : rows_of("observations.csv")) {
    REQUIRE(row.size() == 8);
    for (std::size_t i = 4; i < row.size(); ++i) row[i] = plain(row[i]);
    transcribed.push_back(std::move(row));
  }
  CHECK(typed.size() == 191);
  std::sort(typed.begin(), typed.end());
  std::sort(transcribed.begin(), transcribed.end());
  REQUIRE(typed.size() == transcribed.size());
  for (std::size_t i = 0; i < typed.size(); ++i) CHECK(typed[i] == transcribed[i]);
}

TEST_CASE("two encodings of the numbers that carry no curve agree") {
  std::vector<std::vector<std::string>> typed, transcribed;
  const std::set<std::string> transcribed_sets{"phar2669-10mg", "idvall1979", "icu-analgosedation"};
  for (const Observations& o : observed::data_sets())
    if (transcribed_sets.count(o.id) > 0)
      for (const ReportedValue& r : o.reported) typed.push_back({o.id, to_text(r.value), r.unit});
  for (std::vector<std::string> row : rows_of("observations_reported.csv")) {
    row[1] = plain(row[1]);
    transcribed.push_back(std::move(row));
  }
  std::sort(typed.begin(), typed.end());
  std::sort(transcribed.begin(), transcribed.end());
  CHECK(typed.size() == 12);
  CHECK(typed == transcribed);
}

TEST_CASE("ten of the sixteen instants of Kamp 2020 (BJA) count") {
  const std::vector<double> kept_h{0.25, 0.5, 0.75, 1.5, 1.667, 2.5, 3.0, 3.5, 4.0, 5.0};
  for (const char* id : {"kamp2020bja-racemic", "kamp2020bja-esketamine"})
    for (const ObservedSeries& s : observed::find(id).series) {
      if (molecule_of(s.substance) != Molecule::ketamine) continue;
      std::vector<double> found;
      for (const ObservedPoint& p : s.points)
        if (p.left_out.empty()) found.push_back(static_cast<double>(p.at.count()) / 3.6e9);
      CHECK(s.points.size() == 16);
      CHECK(found == kept_h);
    }
}

TEST_CASE("printed concentrations become mass by their own molecule") {
  // 9.3 umol/L of ketamine is the 2,211 ng/mL that the review computed.
  CHECK(observed::ng_per_mL(9.3, ObservedUnit::umol_per_L, Molecule::ketamine) == Approx(2211).margin(0.5));
  CHECK(observed::ng_per_mL(9.3, ObservedUnit::nmol_per_mL, Molecule::ketamine) == Approx(2211).margin(0.5));
  CHECK(observed::ng_per_mL(1.2, ObservedUnit::mcg_per_mL, Molecule::norketamine) == 1200);
  CHECK(observed::ng_per_mL(185, ObservedUnit::ng_per_mL, Molecule::ketamine) == 185);
  CHECK(molecule_of(Substance::s_dehydronorketamine) == Molecule::dehydronorketamine);
  CHECK(molecule_of(Substance::r_norketamine) == Molecule::norketamine);
  CHECK(molecule_of(Substance::hydroxynorketamine) == Molecule::hydroxynorketamine);
  CHECK(molecule_of(Substance::r_ketamine) == Molecule::ketamine);
}

TEST_CASE("data sets are found by their ids, and a name that is none is refused with those there are") {
  std::set<std::string> ids;
  for (const Observations& o : observed::data_sets()) {
    ids.insert(o.id);
    CHECK(observed::find(o.id).label == o.label);
  }
  CHECK(ids.size() == observed::shelf.size());
  for (const auto& [id, make] : observed::shelf) CHECK(ids.count(std::string(id)) == 1);
  try {
    (void)observed::find("kamp2020");
    FAIL("a model's id was taken for that of data");
  } catch (const InvalidInput& e) {
    CHECK(e.code == Code::range);
    CHECK(e.field == "data");
    for (const std::string& id : ids) CHECK(e.message.find(id) != std::string::npos);
  }
}

TEST_CASE("what is suspect says why") {
  const Observations xie = observed::find("xie2003-biogears");
  CHECK(xie.not_judged_by.find("suspect") != std::string::npos);
  for (const ReportedValue& r : observed::find("phar2669-10mg").reported)
    CHECK(r.suspect.empty() == (r.quantity.find("norketamine") == std::string::npos));
}
