// SPDX-License-Identifier: Apache-2.0

#include "cohort_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "fields.hpp"
#include "ketpk/patient.hpp"
#include "ketpk/quantity.hpp"
#include "model_file.hpp"
#include "session.hpp"
#include "strict_csv.hpp"

namespace ketpk::io {
namespace {

using Names = std::string_view;

constexpr std::size_t most_covariates = 100;

/// A whole number from 0 on. Throws E_TYPE; E_RANGE below zero.
std::uint64_t whole_of(const Node& node) {
  require(node.value.is_number_integer(), Code::type, node.path, "not a whole number; accepted: one without a unit");
  require(node.value.is_number_unsigned(), Code::range, node.path, "below zero; accepted: 0 or more");
  return node.value.get<std::uint64_t>();
}

// --- people who are drawn ------------------------------------------------------------------------------------

/// A value of a covariate, in the unit that the cohort has it in: weight in kg, height in cm, age in yr; any other is a
/// number, as of a patient.
double covariate_number(const Node& node, std::string_view name) {
  if (name == "weight") return quantity_of<Stated<dim::body>>(node).in(unit::kg);
  if (name == "height") return quantity_of<Stated<dim::length>>(node).in(unit::cm);
  if (name == "age") return quantity_of<Stated<dim::age>>(node).in(unit::yr);
  return number_of(node);
}

/// The members of one kind of distribution.
struct DistributionFields {
  Fields fields;
  std::string_view name;  ///< of the covariate

  [[nodiscard]] double number(Names key) const { return covariate_number(fields.required(key, "a value"), name); }
  [[nodiscard]] std::optional<double> end(Names key) const {
    const auto node = fields.optional(key);
    return node ? std::optional(covariate_number(*node, name)) : std::nullopt;
  }
};

/// The standard deviation of the logarithm: as stated, or sqrt(ln(1 + CV^2)).
double log_sd_of(const Fields& fields) {
  require(fields.has("log_sd") != fields.has("cv"), fields.has("cv") ? Code::field_unknown : Code::field_missing,
          fields.path(fields.has("cv") ? "cv" : "log_sd"),
          "how wide it is must be said once; accepted: log_sd, of the logarithm, or cv, both numbers such as 0.2");
  if (!fields.has("cv")) return number_of(*fields.optional("log_sd"));
  const Node cv = *fields.optional("cv");
  require(number_of(cv) > 0, Code::range, cv.path, "no spread; accepted: more than zero, such as 0.2");
  return std::sqrt(std::log1p(number_of(cv) * number_of(cv)));
}

Distribution distribution_of(const Fields& covariate, std::string_view name) {
  constexpr std::array<Names, 4> kinds{"constant", "uniform", "normal", "lognormal"};
  Names kind;
  for (const Names each : kinds) {
    if (!covariate.has(each)) continue;
    require(kind.empty(), Code::field_unknown, covariate.path(each),
            "a second distribution of one covariate; accepted: one of constant, uniform, normal, lognormal");
    kind = each;
  }
  const Node node = covariate.required(kind.empty() ? "normal" : kind, "one of constant, uniform, normal, lognormal");
  if (kind == "constant") return Constant{covariate_number(node, name)};
  const DistributionFields of{Fields(node), name};
  if (kind == "uniform") {
    of.fields.only(std::array<Names, 2>{"low", "high"});
    return Uniform{of.number("low"), of.number("high")};
  }
  if (kind == "normal") {
    of.fields.only(std::array<Names, 4>{"mean", "sd", "low", "high"});
    return Normal{of.number("mean"), of.number("sd"), of.end("low"), of.end("high")};
  }
  of.fields.only(std::array<Names, 5>{"median", "log_sd", "cv", "low", "high"});
  return Lognormal{of.number("median"), log_sd_of(of.fields), of.end("low"), of.end("high")};
}

People drawn_of(const Fields& fields) {
  People people;
  const Node covariates = fields.required("covariates", "a list of covariates, weight among them");
  for (const Node& node : list_of(covariates, most_covariates)) {
    const Fields covariate(node);
    covariate.only(std::array<Names, 6>{"name", "constant", "uniform", "normal", "lognormal", "source"});
    const Node named = covariate.required("name", "weight, height, age, or what the model looks at");
    std::string name = text_of(named);
    require_name(name, named.path, "_-");
    Distribution distribution = distribution_of(covariate, name);
    people.covariates.push_back(
        {std::move(name), distribution, text_of(covariate.required("source", "where the distribution comes from"))});
  }
  if (const auto correlation = fields.optional("correlation"))
    for (const Node& row : list_of(*correlation, most_covariates)) {
      const auto cells = list_of(row, most_covariates);
      require(cells.size() == people.covariates.size(), Code::size, row.path,
              "not one number for each covariate; accepted: a square matrix, in the order of the covariates");
      for (const Node& cell : cells) people.correlation.push_back(number_of(cell));
    }
  return people;
}

DrawnPeople drawn_people_of(const Fields& fields) {
  DrawnPeople drawn;
  const bool by_sex = fields.has("women") || fields.has("men");
  if (by_sex) {
    fields.only(std::array<Names, 3>{"women", "men", "female_share"});
    constexpr std::array<Names, 2> members{"covariates", "correlation"};
    const Fields women(fields.required("women", "covariates and correlation of the women, beside men"));
    const Fields men(fields.required("men", "covariates and correlation of the men, beside women"));
    women.only(members);
    men.only(members);
    drawn.all = drawn_of(women);
    drawn.men = drawn_of(men);
  } else {
    fields.only(std::array<Names, 3>{"covariates", "correlation", "female_share"});
    drawn.all = drawn_of(fields);
  }
  if (const auto share = fields.optional("female_share")) drawn.female_share = number_of(*share);
  return drawn;
}

// --- people who are there already ----------------------------------------------------------------------------

/// What a column is called here, and there: weight_kg is weight. Throws E_UNIT_MISSING, E_UNIT_UNKNOWN, E_COLUMNS,
/// E_PARSE(`path`).
std::string covariate_of_column(std::string_view header, const std::string& path) {
  struct Known {
    std::string_view header, name;
  };
  constexpr std::array<Known, 4> known{
      {{"weight_kg", "weight"}, {"height_cm", "height"}, {"age_yr", "age"}, {"sex", "sex"}}};
  constexpr std::string_view accepted = "accepted: weight_kg, height_cm, age_yr, sex, or the model's name of another";
  for (const Known& k : known) {
    if (header == k.header) return std::string(k.name);
    require(header != k.name, Code::unit_missing, path, "a column without its unit; " + std::string(accepted));
    require(k.name == "sex" || !header.starts_with(std::string(k.name) + '_'), Code::unit_unknown, path,
            "a column in another unit; " + std::string(accepted));
  }
  std::string lower(header);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const Names close : {"weight", "height", "age", "sex", "wt", "ht", "bmi", "id"})
    require(lower != close && !lower.starts_with(std::string(close) + '_'), Code::columns, path,
            "nearly the name of a covariate, or nothing that a cohort looks at; " + std::string(accepted));
  require(!header.empty(), Code::columns, path, "no name; " + std::string(accepted));
  std::string name(header);
  require_name(name, path, "_-");
  return name;
}

/// The number that a sex is in a table. Throws E_RANGE(`path`).
double number_of_sex(std::string_view word, const std::string& path) {
  const auto sex = from_name<Sex>(word, sex_names, 0);
  require(sex.has_value(), Code::range, path, "not one of the accepted words; accepted: female, male");
  return *sex == Sex::female ? 1 : 0;
}

PeopleTable table_of(const Node& node) {
  PeopleTable table;
  require(node.value.is_object(), Code::type, node.path, "not an object; accepted: {\"weight_kg\": […], …}");
  require(node.value.size() <= most_covariates, Code::size, node.path, "too many columns; accepted: up to 100");
  const Fields fields(node);
  for (const auto& [header, cells] : node.value.items()) {
    const std::string path = fields.path(header);
    table.names.push_back(covariate_of_column(header, path));
    std::vector<double>& column = table.columns.emplace_back();
    for (const Node& cell : list_of(*fields.optional(header), most_data_rows)) {
      const bool is_sex = table.names.back() == "sex";
      require(!is_sex || cell.value.is_string(), Code::type, cell.path, "not a text; accepted: female, male");
      column.push_back(is_sex ? number_of_sex(cell.value.get_ref<const std::string&>(), cell.path) : number_of(cell));
    }
  }
  return table;
}

// --- all together --------------------------------------------------------------------------------------------

/// The people of a cohort; where they stand in a file of their own, of that.
Population population_of(const Node& node, const SessionContext& context) {
  const Fields fields(node);
  if (const auto file = fields.optional("file")) {
    fields.only(std::array<Names, 1>{"file"});
    const Json document = parse_strict(read_file(named_file(*file, context), file->path), node.path);
    require(!Fields(Node{document, node.path}).has("file"), Code::field_unknown, node.path + ".file",
            "a file that names a file; accepted: one that holds the people");
    return population_of(Node{document, node.path}, context);
  }
  const bool is_csv = fields.has("csv");
  if (!is_csv && !fields.has("table")) return drawn_people_of(fields);
  fields.only(std::array<Names, 2>{is_csv ? "csv" : "table", "drawn"});
  PeopleTable table;
  if (is_csv) {
    const Node file = *fields.optional("csv");
    table = read_people(read_file(named_file(file, context), file.path, most_data_bytes));
  } else {
    table = table_of(*fields.optional("table"));
  }
  if (const auto drawn = fields.optional("drawn")) table.is_drawn = truth_of(*drawn);
  return table;
}

/// A weight that the people have, for a session that leaves it to them; nothing where none of them has a possible one.
/// Throws E_FIELD_MISSING(cohort.people.weight), and as `validate(CohortRequest)` for the distribution of weight.
std::optional<double> weight_among(const Population& population) {
  const auto require_weight = [](bool is_there) {
    require(is_there, Code::field_missing, "cohort.people.weight", "not stated; accepted: a weight for everybody");
  };
  if (const auto* table = std::get_if<PeopleTable>(&population)) {
    const auto at = std::find(table->names.begin(), table->names.end(), "weight");
    require_weight(at != table->names.end());
    const std::vector<double>& kg = table->columns[static_cast<std::size_t>(at - table->names.begin())];
    const auto [low, high, accepted] = ketpk::detail::range_of_covariate("weight");
    const auto first = std::find_if(kg.begin(), kg.end(), [&](double x) { return x >= low && x <= high; });
    return first == kg.end() ? std::nullopt : std::optional(*first);
  }
  struct Middle {
    double operator()(const Constant& d) const { return d.value; }
    double operator()(const Uniform& d) const { return d.low + (d.high - d.low) / 2; }
    double operator()(const Normal& d) const { return d.mean; }
    double operator()(const Lognormal& d) const { return d.median; }
  };
  const auto* drawn = std::get_if<DrawnPeople>(&population);
  if (drawn == nullptr) return std::nullopt;
  const auto& all = drawn->all.covariates;
  const auto at = std::find_if(all.begin(), all.end(), [](const DrawnCovariate& c) { return c.name == "weight"; });
  require_weight(at != all.end());
  std::visit(ketpk::detail::DistributionCheck{ketpk::detail::range_of_covariate("weight"), "cohort.people.weight"},
             at->distribution);
  return std::visit(Middle{}, at->distribution);
}

/// The session of the cohort. Its patient is what the people leave open, so where they have weights it need not state
/// one.
Json session_of(const Node& node, const Population& population) {
  Json session = node.value;
  if (!session.is_object()) return session;
  const auto patient = session.find("patient");
  if (patient == session.end() || !patient->is_object() || patient->contains("weight")) return session;
  if (const auto kg = weight_among(population)) (*patient)["weight"] = to_text(*kg) + " kg";
  return session;
}

std::variant<BetweenSubjects, Variability> between_subjects_of(const Node& node, const ModelCard& card) {
  if (!node.value.is_object()) return word_of<BetweenSubjects>(node, between_subjects_names);
  return understand_variability(node, card);
}

ParameterUncertainty uncertainty_of(const Node& node, const ModelCard& card) {
  const Fields fields(node);
  fields.only(std::array<Names, 2>{"of", "replicates"});
  const Node replicates = fields.required("replicates", "how many, such as 200");
  ParameterUncertainty uncertainty{understand_variability(fields.required("of", "parameters, omega and source"), card),
                                   0};
  const std::uint64_t n = whole_of(replicates);
  require(n <= most_replicates, Code::size, replicates.path, "too many; accepted: 1 to 10000");
  uncertainty.replicates = static_cast<std::size_t>(n);
  return uncertainty;
}

}  // namespace

PeopleTable read_people(std::string_view bytes) {
  PeopleTable table;
  CsvText text{.bytes = bytes, .name = "people"};
  require(bytes.size() <= most_data_bytes, Code::size, text.name, "too long; accepted: up to 64 MiB");
  require(count_rows(bytes) <= most_data_rows + 1, Code::size, text.name, "too many people; accepted: up to 1000000");
  check_encoding(text);
  CsvRow row;
  if (!next_row(text, row))
    throw InvalidInput(Code::columns, place_of(text, 1), "nothing; accepted: a header and people below it");
  for (std::size_t c = 0; c < row.fields.size(); ++c) {
    std::string name = covariate_of_column(row.fields[c], place_of(text, 1, c));
    require(std::find(table.names.begin(), table.names.end(), name) == table.names.end(), Code::field_duplicate,
            place_of(text, 1, c), "stands twice; accepted: each column once");
    table.names.push_back(std::move(name));
  }
  for (const std::string_view header : row.fields) text.columns.emplace_back(header);
  table.columns.resize(table.names.size());
  while (next_row(text, row)) {
    if (row.fields.size() != table.names.size())
      throw InvalidInput(Code::columns, place_of(text, row.line),
                         std::to_string(row.fields.size()) +
                             " fields; accepted: " + std::to_string(table.names.size()) + ", as in the header");
    for (std::size_t c = 0; c < row.fields.size(); ++c) {
      const std::string place = place_of(text, row.line, c);
      const std::string_view cell = row.fields[c];
      require(!cell.empty() && cell != ".", Code::field_missing, place, "not stated; accepted: a value for everybody");
      table.columns[c].push_back(table.names[c] == "sex" ? number_of_sex(cell, place) : parse_number(cell, place));
    }
  }
  require(!table.columns.front().empty(), Code::field_missing, text.name,
          "nobody; accepted: one or more people below the header");
  return table;
}

CohortRequest understand_cohort(const Json& document, const SessionContext& context) {
  const Fields fields(Node{document, ""});
  const auto schema = fields.optional("schema");
  require(schema && schema->value == "ketpk.cohort/1", Code::schema_version, "schema",
          "not a cohort this program knows; accepted: ketpk.cohort/1");
  fields.only(std::array<Names, 3>{"schema", "session", "cohort"});
  const Node session = fields.required("session", "a session, ketpk.session/1");
  const Fields cohort(fields.required("cohort", "an object with subjects and seed"));
  cohort.only(std::array<Names, 11>{"subjects", "seed", "first", "people", "between_subjects", "between_occasions",
                                    "residual_error", "uncertainty", "percentiles", "despite_failures",
                                    "keep_subjects"});
  const std::uint64_t subjects = whole_of(cohort.required("subjects", "how many, a whole number"));
  const std::uint64_t seed = whole_of(
      cohort.required("seed", "a whole number from 0 to 2^64 - 1; the same seed draws the same subjects again"));
  const auto people = cohort.optional("people");
  Population population = people ? population_of(*people, context) : Population{SamePatient{}};
  const Json asked = session_of(session, population);
  CohortRequest request{.each = understand_session(asked, context),
                        .population = std::move(population),
                        .seed = seed,
                        .subjects = subjects};
  const ModelCard& card = request.each.model;
  if (const auto first = cohort.optional("first")) request.first = whole_of(*first);
  if (const auto between = cohort.optional("between_subjects"))
    request.between_subjects = between_subjects_of(*between, card);
  if (const auto between = cohort.optional("between_occasions"))
    request.between_occasions = understand_variability(*between, card);
  if (const auto error = cohort.optional("residual_error")) request.has_residual_error = truth_of(*error);
  if (const auto uncertainty = cohort.optional("uncertainty")) request.uncertainty = uncertainty_of(*uncertainty, card);
  if (const auto percentiles = cohort.optional("percentiles")) {
    request.percentiles.clear();
    for (const Node& node : list_of(*percentiles, most_percentiles)) request.percentiles.push_back(number_of(node));
  }
  if (const auto despite = cohort.optional("despite_failures")) request.despite_failures = truth_of(*despite);
  if (const auto keep = cohort.optional("keep_subjects")) request.keeps_subjects = truth_of(*keep);
  validate(request);
  return request;
}

CohortRequest read_cohort(std::string_view bytes, const SessionContext& context) {
  return understand_cohort(parse_strict(bytes), context);
}

}  // namespace ketpk::io
