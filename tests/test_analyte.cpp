// SPDX-License-Identifier: Apache-2.0

#include <cmath>
#include <set>
#include <string>

#include "catch.hpp"
#include "ketpk/analyte.hpp"

using namespace ketpk;

TEST_CASE("the contract's words for analyte, form and site read back as what they name") {
  CHECK(from_name<Analyte>("racemic-ketamine", analyte_names, 1) == Analyte::racemic_ketamine);
  CHECK(from_name<Analyte>("s-ketamine", analyte_names, 1) == Analyte::s_ketamine);
  CHECK(from_name<Analyte>("r-ketamine", analyte_names, 1) == Analyte::r_ketamine);
  CHECK(from_name<Form>("base", form_names, 1) == Form::base);
  CHECK(from_name<Form>("hydrochloride", form_names, 1) == Form::hydrochloride);
  CHECK(from_name<Site>("arterial", site_names, 0) == Site::arterial);
  CHECK(from_name<Site>("venous", site_names, 0) == Site::venous);
  CHECK(from_name<Site>("not-stated", site_names, 0) == Site::not_stated);
}

TEST_CASE("every value has a name of its own") {
  std::set<std::string_view> names;
  for (const auto a : {Analyte::unstated, Analyte::racemic_ketamine, Analyte::s_ketamine, Analyte::r_ketamine})
    names.insert(name_of(a));
  CHECK(names == std::set<std::string_view>{"unstated", "racemic-ketamine", "s-ketamine", "r-ketamine"});
  CHECK(name_of(Form::base) == "base");
  CHECK(name_of(Form::hydrochloride) == "hydrochloride");
  CHECK(name_of(Site::not_stated) == "not-stated");
  CHECK(name_of(Site::venous) == "venous");
}

TEST_CASE("no one can state an unstated analyte or form") {
  CHECK_FALSE(from_name<Analyte>("unstated", analyte_names, 1).has_value());
  CHECK_FALSE(from_name<Form>("unstated", form_names, 1).has_value());
}

TEST_CASE("a word that only looks like one of the list is refused") {
  for (const std::string_view text :
       {"", "ketamine", "S-ketamine", "s-Ketamine", "s_ketamine", " s-ketamine", "s-ketamine ", "esketamine", "racemic",
        "racemic-ketamin", "racemic-ketamine\n"}) {
    INFO(std::string(text));
    CHECK_FALSE(from_name<Analyte>(text, analyte_names, 1).has_value());
  }
}

TEST_CASE("the salt factor is the one on the label, at each strength it prints") {
  CHECK(hydrochloride_mg_per_base_mg == 1.1533);
  struct Row {
    double base_mg, hydrochloride_mg;
  };
  for (const auto& [base_mg, hydrochloride_mg] : {Row{100, 115.33}, Row{50, 57.67}, Row{10, 11.53}})
    CHECK(std::abs(base_mg * hydrochloride_mg_per_base_mg - hydrochloride_mg) <= 0.005 + 1e-12);  // printed rounding
  // Molar masses, ketamine C13H16ClNO 237.725 and HCl 36.461 g/mol, agree to four digits.
  CHECK(std::abs((237.725 + 36.461) / 237.725 - hydrochloride_mg_per_base_mg) < 1e-4);
}

TEST_CASE("molar masses are the sums of their atoms, to the digit they are printed to") {
  // Standard atomic weights, abridged: C 12.011, H 1.008, Cl 35.45, N 14.007, O 15.999.
  const auto of = [](int carbon, int hydrogen, int oxygen) {
    return carbon * 12.011 + hydrogen * 1.008 + 35.45 + 14.007 + oxygen * 15.999;
  };
  CHECK(std::abs(ketamine_g_per_mol - of(13, 16, 1)) <= 0.005);
  CHECK(std::abs(norketamine_g_per_mol - of(12, 14, 1)) <= 0.005);
  CHECK(std::abs(hydroxynorketamine_g_per_mol - of(12, 14, 2)) <= 0.005);
}
