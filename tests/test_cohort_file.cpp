// SPDX-License-Identifier: Apache-2.0
// Cohorts as they come from outside, and the request itself as a program makes it: what is taken, and what is refused
// with which code and place.

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "ketpk/cohort.hpp"
#include "ketpk/io.hpp"
#include "ketpk/library.hpp"

using namespace ketpk;
using Json = nlohmann::ordered_json;

namespace {

const io::SessionContext context{
    .folder = "/nowhere", .today = std::chrono::year{2026} / std::chrono::November / 21, .limits = nullptr};

constexpr std::string_view cohort_text = R"({
  "schema": "ketpk.cohort/1",
  "session": {
    "schema": "ketpk.session/1", "patient": {"age": "30 yr"}, "analyte": "s-ketamine", "form": "base",
    "initial_state": "drug-free", "order": [{"infuse": "0.5 mg/kg", "over": "40 min"}], "model": "otto2021",
    "observe": {"every": "10 min", "until": "2 h"}
  },
  "cohort": {
    "subjects": 1000, "seed": 18446744073709551615, "first": 7,
    "people": {
      "covariates": [
        {"name": "weight", "normal": {"mean": "154 lb", "sd": "12 kg", "low": "40000 g"}, "source": "s"},
        {"name": "height", "lognormal": {"median": "1.7 m", "cv": 0.2, "high": "210 cm"}, "source": "s"}
      ],
      "correlation": [[1, 0.5], [0.5, 1]], "female_share": 0.25
    },
    "between_subjects": {"parameters": ["CL", "V1"], "omega": [[0.09, 0.03], [0.03, 0.01]], "source": "s"},
    "between_occasions": {"parameters": ["CL"], "omega": [[0.01]], "source": "s"},
    "residual_error": true,
    "uncertainty": {"of": {"parameters": ["CL"], "omega": [[0.0025]], "source": "s"}, "replicates": 20},
    "percentiles": [2.5, 50, 97.5], "despite_failures": true, "keep_subjects": true
  }
})";

/// The document with one member changed, or taken away where `to` is discarded.
std::string changed(std::string_view place, const Json& to) {
  Json document = Json::parse(cohort_text);
  const Json::json_pointer at{std::string(place)};
  if (!to.is_discarded()) {
    document[at] = to;
  } else {
    Json& parent = document[at.parent_pointer()];
    if (parent.is_array())
      parent.erase(std::stoul(at.back()));
    else
      parent.erase(at.back());
  }
  return document.dump();
}
const Json absent(Json::value_t::discarded);

template <class Act>
std::string refusal_of(Act act) {
  try {
    act();
  } catch (const InvalidInput& e) {
    CHECK_THAT(e.message, Catch::Contains("; accepted: "));
    return std::string(name_of(e.code)) + ' ' + e.field;
  }
  return {};
}

std::string refused(const std::string& text) {
  return refusal_of([&] { (void)io::read_cohort(text, context); });
}

CohortRequest taken() { return io::read_cohort(cohort_text, context); }

/// The refusal of the request above after `change`, as a program would make it.
std::string after(const std::function<void(CohortRequest&)>& change) {
  CohortRequest request = taken();
  change(request);
  return refusal_of([&] { validate(request); });
}

}  // namespace

TEST_CASE("a cohort's file says who stands in it, with every quantity in the unit of the cohort") {
  const CohortRequest q = taken();
  CHECK(q.subjects == 1000);
  CHECK(q.seed == std::numeric_limits<std::uint64_t>::max());
  CHECK(q.first == 7);
  const auto& people = std::get<DrawnPeople>(q.population);
  REQUIRE(people.all.covariates.size() == 2);
  CHECK_FALSE(people.men);
  CHECK(people.female_share == 0.25);
  const auto& weight = std::get<Normal>(people.all.covariates[0].distribution);
  CHECK(weight.mean == Approx(154 * 0.45359237).epsilon(1e-15));
  CHECK(weight.sd == 12);
  CHECK(weight.low == 40);
  CHECK_FALSE(weight.high);
  const auto& height = std::get<Lognormal>(people.all.covariates[1].distribution);
  CHECK(height.median == Approx(170).epsilon(1e-15));
  CHECK(height.log_sd == Approx(0.19804220043536502).epsilon(1e-14));  // sqrt(ln 1.04)
  CHECK(height.high == 210);
  CHECK(people.all.correlation == std::vector<double>{1, 0.5, 0.5, 1});
  const auto& between = std::get<Variability>(q.between_subjects);
  CHECK(between.parameters == std::vector<std::string>{"CL", "V1"});
  CHECK(between.omega == std::vector<double>{0.09, 0.03, 0.03, 0.01});  // singular, and taken
  REQUIRE(q.between_occasions);
  CHECK(q.between_occasions->omega == std::vector<double>{0.01});
  REQUIRE(q.uncertainty);
  CHECK(q.uncertainty->replicates == 20);
  CHECK(q.percentiles == std::vector<double>{2.5, 50, 97.5});
  CHECK((q.has_residual_error && q.despite_failures && q.keeps_subjects));
  CHECK(q.each.model.id == "otto2021");
  CHECK(q.each.patient.age->in(unit::yr) == 30);
}

TEST_CASE("what a cohort's file leaves out is the patient, the model's variability and three percentiles") {
  Json document = Json::parse(cohort_text);
  document["cohort"] = {{"subjects", 5}, {"seed", 0}};
  document["session"]["patient"] = {{"weight", "70 kg"}};
  const CohortRequest q = io::read_cohort(document.dump(), context);
  CHECK(std::holds_alternative<SamePatient>(q.population));
  CHECK(std::get<BetweenSubjects>(q.between_subjects) == BetweenSubjects::of_the_model);
  CHECK(q.percentiles == std::vector<double>{5, 50, 95});
  CHECK(q.first == 0);
  CHECK_FALSE((q.has_residual_error || q.despite_failures || q.keeps_subjects));
  document["session"]["patient"] = Json::object();
  CHECK(refused(document.dump()) == "E_FIELD_MISSING patient.weight");
}

TEST_CASE("women and men may differ, and then their share is due") {
  Json document = Json::parse(cohort_text);
  Json& people = document["cohort"]["people"];
  Json group{{"covariates", people["covariates"]}, {"correlation", people["correlation"]}};
  people = {{"women", group}, {"men", group}, {"female_share", 0.5}};
  people["men"]["covariates"][0]["normal"]["mean"] = "82 kg";
  const CohortRequest q = io::read_cohort(document.dump(), context);
  const auto& drawn = std::get<DrawnPeople>(q.population);
  REQUIRE(drawn.men);
  CHECK(std::get<Normal>(drawn.men->covariates[0].distribution).mean == 82);
  Json without = document;
  without["cohort"]["people"].erase("female_share");
  CHECK(refused(without.dump()) == "E_FIELD_MISSING cohort.people.female_share");
  Json other = document;
  other["cohort"]["people"]["men"]["covariates"].erase(1);
  other["cohort"]["people"]["men"].erase("correlation");
  CHECK(refused(other.dump()) == "E_FIELD_MISSING cohort.people.men");
  Json beside = document;
  beside["cohort"]["people"]["covariates"] = group["covariates"];
  CHECK(refused(beside.dump()) == "E_FIELD_UNKNOWN cohort.people.covariates");
}

TEST_CASE("a cohort's file that says something else is refused with code and place") {
  struct Row {
    const char* place;
    Json to;
    const char* refusal;
  };
  const Json one_weight = Json::parse(R"([{"name": "weight", "constant": "70 kg", "source": "s"}])");
  const std::vector<Row> rows{
      {"/schema", "ketpk.session/1", "E_SCHEMA_VERSION schema"},
      {"/people", 1, "E_FIELD_UNKNOWN people"},
      {"/session", absent, "E_FIELD_MISSING session"},
      {"/cohort", absent, "E_FIELD_MISSING cohort"},
      {"/cohort", 3, "E_TYPE cohort"},
      {"/cohort/subjetcs", 1, "E_FIELD_UNKNOWN cohort.subjetcs"},
      {"/cohort/subjects", absent, "E_FIELD_MISSING cohort.subjects"},
      {"/cohort/subjects", 0, "E_RANGE cohort.subjects"},
      {"/cohort/subjects", -1, "E_RANGE cohort.subjects"},
      {"/cohort/subjects", 1e3, "E_TYPE cohort.subjects"},
      {"/cohort/subjects", "1000", "E_TYPE cohort.subjects"},
      {"/cohort/subjects", 1000000001, "E_SIZE cohort.subjects"},
      {"/cohort/seed", absent, "E_FIELD_MISSING cohort.seed"},
      {"/cohort/seed", -1, "E_RANGE cohort.seed"},
      {"/cohort/seed", "7", "E_TYPE cohort.seed"},
      {"/cohort/first", 18446744073709551000U, "E_RANGE cohort.first"},
      {"/cohort/people", "all", "E_TYPE cohort.people"},
      {"/cohort/people/wieght", 1, "E_FIELD_UNKNOWN cohort.people.wieght"},
      {"/cohort/people/female_share", 1.5, "E_RANGE cohort.people.female_share"},
      {"/cohort/people/female_share", "half", "E_TYPE cohort.people.female_share"},
      {"/cohort/people/covariates/0/name", "age", "E_UNIT_MISMATCH cohort.people.covariates[0].normal.mean"},
      {"/cohort/people/covariates/0", Json::parse(R"({"name": "age", "constant": "30 yr", "source": "s"})"),
       "E_FIELD_MISSING cohort.people.weight"},
      {"/cohort/people/covariates/1", one_weight[0], "E_FIELD_DUPLICATE cohort.people.weight"},
      {"/cohort/people/covariates/0/name", absent, "E_FIELD_MISSING cohort.people.covariates[0].name"},
      {"/cohort/people/covariates/0/source", absent, "E_FIELD_MISSING cohort.people.covariates[0].source"},
      {"/cohort/people/covariates/0/source", " ", "E_FIELD_MISSING cohort.people.covariates[0].source"},
      {"/cohort/people/covariates/0/uniform", Json::object(), "E_FIELD_UNKNOWN cohort.people.covariates[0].normal"},
      {"/cohort/people/covariates/0/normal", absent, "E_FIELD_MISSING cohort.people.covariates[0].normal"},
      {"/cohort/people/covariates/0/normal/mean", 70, "E_UNIT_MISSING cohort.people.covariates[0].normal.mean"},
      {"/cohort/people/covariates/0/normal/mean", "70 cm", "E_UNIT_MISMATCH cohort.people.covariates[0].normal.mean"},
      {"/cohort/people/covariates/0/normal/mean", "900 kg", "E_RANGE cohort.people.weight.mean"},
      {"/cohort/people/covariates/0/normal/mean", "30 kg", "E_RANGE cohort.people.weight"},
      {"/cohort/people/covariates/0/normal/sd", "0 kg", "E_RANGE cohort.people.weight.sd"},
      {"/cohort/people/covariates/0/normal/sd", absent, "E_FIELD_MISSING cohort.people.covariates[0].normal.sd"},
      {"/cohort/people/covariates/0/normal/median", "70 kg",
       "E_FIELD_UNKNOWN cohort.people.covariates[0].normal.median"},
      {"/cohort/people/covariates/0/normal/high", "40 kg", "E_RANGE cohort.people.weight.high"},
      {"/cohort/people/covariates/1/lognormal/cv", 0, "E_RANGE cohort.people.covariates[1].lognormal.cv"},
      {"/cohort/people/covariates/1/lognormal/cv", absent,
       "E_FIELD_MISSING cohort.people.covariates[1].lognormal.log_sd"},
      {"/cohort/people/covariates/1/lognormal/log_sd", 0.1, "E_FIELD_UNKNOWN cohort.people.covariates[1].lognormal.cv"},
      {"/cohort/people/covariates/1/lognormal/high", "160 cm", "E_RANGE cohort.people.height"},
      {"/cohort/people/covariates/1/name", "EGFR", "E_TYPE cohort.people.covariates[1].lognormal.median"},
      {"/cohort/people/covariates/1", Json::parse(R"({"name": "EGFR", "constant": 90, "source": "s"})"),
       "E_FIELD_UNKNOWN cohort.people.EGFR"},
      {"/cohort/people/covariates/1", Json::parse(R"({"name": "sex", "constant": 1, "source": "s"})"),
       "E_FIELD_UNKNOWN cohort.people.sex"},
      {"/cohort/people/covariates/1", Json::parse(R"({"name": "WT", "constant": 70, "source": "s"})"),
       "E_FIELD_UNKNOWN cohort.people.WT"},
      {"/cohort/people/correlation/0/1", 1.5, "E_RANGE cohort.people.correlation[1][0]"},
      {"/cohort/people/correlation/0/1", 0.4, "E_RANGE cohort.people.correlation[1][0]"},
      {"/cohort/people/correlation/0/0", 0.9, "E_RANGE cohort.people.correlation[0][0]"},
      {"/cohort/people/correlation/0", Json{1}, "E_SIZE cohort.people.correlation[0]"},
      {"/cohort/people/correlation/1", absent, "E_SIZE cohort.people.correlation"},
      {"/cohort/people/covariates", one_weight, "E_SIZE cohort.people.correlation[0]"},
      {"/cohort/between_subjects", "some", "E_RANGE cohort.between_subjects"},
      {"/cohort/between_subjects/parameters/1", "V9", "E_MODEL_PARAM cohort.between_subjects.parameters[1]"},
      {"/cohort/between_subjects/parameters/1", "CL", "E_FIELD_DUPLICATE cohort.between_subjects.parameters[1]"},
      {"/cohort/between_subjects/omega/0/1", 0.02, "E_MODEL_PARAM cohort.between_subjects.omega[1][0]"},
      {"/cohort/between_subjects/omega/0/0", 0.08, "E_MODEL_PARAM cohort.between_subjects.omega"},
      {"/cohort/between_subjects/omega/1", absent, "E_MODEL_PARAM cohort.between_subjects.omega"},
      {"/cohort/between_subjects/source", absent, "E_FIELD_MISSING cohort.between_subjects.source"},
      {"/cohort/between_occasions", "model", "E_TYPE cohort.between_occasions"},
      {"/cohort/between_occasions/omega/0/0", -0.01, "E_MODEL_PARAM cohort.between_occasions.omega"},
      {"/cohort/residual_error", 1, "E_TYPE cohort.residual_error"},
      {"/cohort/uncertainty/replicates", absent, "E_FIELD_MISSING cohort.uncertainty.replicates"},
      {"/cohort/uncertainty/replicates", 0, "E_RANGE cohort.uncertainty.replicates"},
      {"/cohort/uncertainty/replicates", 10001, "E_SIZE cohort.uncertainty.replicates"},
      {"/cohort/uncertainty/of", absent, "E_FIELD_MISSING cohort.uncertainty.of"},
      {"/cohort/percentiles", Json::array(), "E_FIELD_MISSING cohort.percentiles"},
      {"/cohort/percentiles/0", -1, "E_RANGE cohort.percentiles[0]"},
      {"/cohort/percentiles/2", 101, "E_RANGE cohort.percentiles[2]"},
      {"/cohort/percentiles/1", 2.5, "E_RANGE cohort.percentiles[1]"},
      {"/cohort/percentiles/1", "50", "E_TYPE cohort.percentiles[1]"},
      {"/cohort/keep_subjects", "yes", "E_TYPE cohort.keep_subjects"},
      {"/session/model", Json::array({"otto2021", "simons2022"}), "E_MODEL_UNKNOWN model"},
      {"/session/observe/every", "100 ms", "E_SIZE observe"},
      {"/session/questions", Json{{"sensitivity", true}}, "E_FIELD_UNKNOWN questions.sensitivity"},
      {"/session/overrides", Json::parse(R"([{"flag": "F", "reason": "r", "by": "b"}])"), "E_FIELD_UNKNOWN overrides"},
      {"/session/effects", Json::parse(R"([{"name": "e", "of": "plasma", "kind": "linear", "at": "1 mg/L",
        "baseline": 0, "change": 1, "unit": "u", "source": "s"}])"),
       "E_FIELD_UNKNOWN effects"},
      {"/session/initial_state", "undeclared", "E_STATE initial_state"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.place, row.to.is_discarded() ? "absent" : row.to.dump());
    CHECK(refused(changed(row.place, row.to)) == row.refusal);
  }
}

TEST_CASE("a model without variability or residual error is not asked for it in silence") {
  Json document = Json::parse(cohort_text);
  document["session"]["model"] = "kamp2020";
  document["session"]["analyte"] = "racemic-ketamine";
  Json& cohort = document["cohort"];
  for (const char* key : {"between_subjects", "between_occasions", "uncertainty"}) cohort.erase(key);
  cohort["residual_error"] = false;
  CHECK(refused(document.dump()) == "E_MODEL_PARAM cohort.between_subjects");
  cohort["between_subjects"] = "none";
  CHECK(refused(document.dump()).empty());
  cohort["residual_error"] = true;
  CHECK(refused(document.dump()) == "E_MODEL_PARAM cohort.residual_error");
}

TEST_CASE("a request that a program makes is held to the same") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const auto weight = [](CohortRequest& q) -> Distribution& {
    return std::get<DrawnPeople>(q.population).all.covariates[0].distribution;
  };
  CHECK(after([](CohortRequest&) {}).empty());
  for (const double x : {nan, infinity}) {
    CHECK(after([&](CohortRequest& q) { weight(q) = Constant{x}; }) == "E_NONFINITE cohort.people.weight.constant");
    CHECK(after([&](CohortRequest& q) { weight(q) = Uniform{40, x}; }) == "E_NONFINITE cohort.people.weight.high");
    CHECK(after([&](CohortRequest& q) { weight(q) = Normal{70, x}; }) == "E_NONFINITE cohort.people.weight.sd");
    CHECK(after([&](CohortRequest& q) { weight(q) = Lognormal{70, x}; }) == "E_NONFINITE cohort.people.weight.log_sd");
    CHECK(after([&](CohortRequest& q) { std::get<Variability>(q.between_subjects).omega[0] = x; }) ==
          "E_NONFINITE cohort.between_subjects.omega[0][0]");
  }
  CHECK(after([&](CohortRequest& q) { weight(q) = Uniform{70, 70}; }) == "E_RANGE cohort.people.weight.high");
  CHECK(after([&](CohortRequest& q) { weight(q) = Lognormal{70, -0.1}; }) == "E_RANGE cohort.people.weight.log_sd");
  CHECK(after([&](CohortRequest& q) { q.percentiles = {nan}; }) == "E_RANGE cohort.percentiles[0]");
  CHECK(after([&](CohortRequest& q) { std::get<DrawnPeople>(q.population).female_share = nan; }) ==
        "E_NONFINITE cohort.people.female_share");
  CHECK(after([](CohortRequest& q) { q.subjects = most_kept_subjects + 1; }) == "E_SIZE cohort.keep_subjects");
  CHECK(after([](CohortRequest& q) { q.percentiles.assign(101, 50); }) == "E_SIZE cohort.percentiles");
  // Of three pairwise correlations of -0.6 no three numbers can be had: 1 + 2 r must not be negative.
  const auto three = [](double r) {
    return [r](CohortRequest& q) {
      People& people = std::get<DrawnPeople>(q.population).all;
      people.covariates.push_back({"age", Uniform{18, 65}, "s"});
      people.correlation = {1, r, r, r, 1, r, r, r, 1};
    };
  };
  CHECK(after(three(-0.6)) == "E_RANGE cohort.people.correlation");
  CHECK(after(three(-0.5)).empty());
}

TEST_CASE("people are read from a table by name, and what one of them cannot be is left to that subject") {
  const PeopleTable people = io::read_people("age_yr,weight_kg,sex,EGFR\r\n40,70.5,female,90\n50,900,male,1e1\n");
  CHECK(people.names == std::vector<std::string>{"age", "weight", "sex", "EGFR"});
  CHECK(people.columns == std::vector<std::vector<double>>{{40, 50}, {70.5, 900}, {1, 0}, {90, 10}});
  CHECK_FALSE(people.is_drawn);

  Json document = Json::parse(cohort_text);
  document["cohort"]["people"] = Json::parse(R"({"table": {"sex": ["male", "female"], "weight_kg": [900, 60]}})");
  document["cohort"]["subjects"] = 2;
  document["cohort"]["first"] = 0;
  const CohortRequest q = io::read_cohort(document.dump(), context);
  CHECK(std::get<PeopleTable>(q.population).columns == std::vector<std::vector<double>>{{0, 1}, {900, 60}});
  document["cohort"]["subjects"] = 3;
  CHECK(refused(document.dump()) == "E_SIZE cohort.subjects");
  document["cohort"]["people"]["drawn"] = true;
  CHECK(refused(document.dump()).empty());
  document["cohort"]["people"]["table"]["weight_kg"] = {60};
  CHECK(refused(document.dump()) == "E_SIZE cohort.people.weight");
  document["cohort"]["people"]["table"].erase("weight_kg");
  CHECK(refused(document.dump()) == "E_FIELD_MISSING cohort.people.weight");
  document["cohort"]["people"] = {{"csv", "../people.csv"}};
  CHECK(refused(document.dump()) == "E_IO cohort.people.csv");
}

TEST_CASE("a table of people that is not one is refused with line and column") {
  struct Row {
    const char* text;
    const char* refusal;
  };
  for (const Row& row : std::vector<Row>{
           {"", "E_COLUMNS people line 1"},
           {"weight_kg\n", "E_FIELD_MISSING people"},
           {"weight\n70\n", "E_UNIT_MISSING people line 1 column 1"},
           {"weight_lb\n70\n", "E_UNIT_UNKNOWN people line 1 column 1"},
           {"Weight_kg\n70\n", "E_COLUMNS people line 1 column 1"},
           {"weight_kg,WT\n70,70\n", "E_COLUMNS people line 1 column 2"},
           {"weight_kg,ID\n70,1\n", "E_COLUMNS people line 1 column 2"},
           {"weight_kg,\n70,1\n", "E_COLUMNS people line 1 column 2"},
           {"weight_kg,a b\n70,1\n", "E_PARSE people line 1 column 2"},
           {"weight_kg,weight_kg\n70,70\n", "E_FIELD_DUPLICATE people line 1 column 2"},
           {"weight_kg,age_yr\n70\n", "E_COLUMNS people line 2"},
           {"weight_kg,age_yr\n70,40,1\n", "E_COLUMNS people line 2"},
           {"weight_kg,age_yr\n70,\n", "E_FIELD_MISSING people line 2 column age_yr"},
           {"weight_kg,age_yr\n70,.\n", "E_FIELD_MISSING people line 2 column age_yr"},
           {"weight_kg,age_yr\n70,NA\n", "E_PARSE people line 2 column age_yr"},
           {"weight_kg,age_yr\n70,nan\n", "E_PARSE people line 2 column age_yr"},
           {"weight_kg,age_yr\n\"70,5\",40\n", "E_PARSE people line 2 column weight_kg"},
           {"weight_kg,sex\n70,F\n", "E_RANGE people line 2 column sex"},
           {"weight_kg\n70\n\n", "E_COLUMNS people line 3"},
           {"weight_kg\n70 kg\n", "E_PARSE people line 2 column weight_kg"},
           {"\xEF\xBB\xBFweight_kg\n70\n", "E_ENCODING people line 1"},
       }) {
    CAPTURE(row.text);
    CHECK(refusal_of([&] { (void)io::read_people(row.text); }) == row.refusal);
  }
}
