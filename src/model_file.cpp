// SPDX-License-Identifier: Apache-2.0

#include "model_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "effects_file.hpp"
#include "fields.hpp"
#include "ketpk/effect.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/report.hpp"
#include "strict_json.hpp"

namespace ketpk::io {
namespace {

using Names = std::string_view;  // of keys

constexpr std::string_view root = "model";
constexpr std::size_t most_effects = 20, most_card_levels = 100, most_goldens = 1'000, most_uncertainties = 100;
constexpr std::size_t most_golden_doses = 100, most_etas = 64;

/// A card as it is being read. Without `findings` the first refusal is thrown.
struct Reading {
  ModelCard card;
  std::vector<ModelFinding>* findings;
  bool is_whole = true;

  /// Runs `step`; says whether nothing in it was refused.
  template <class Step>
  bool text(Step step) {
    if (findings == nullptr) {
      step();
      return true;
    }
    try {
      step();
    } catch (const InvalidInput& e) {
      findings->push_back({LintSeverity::error, std::string(name_of(e.code)), e.field, e.message});
      return false;
    }
    return true;
  }
  /// As `text`, for what the model cannot be without.
  template <class Step>
  void part(Step step) {
    is_whole = text(step) && is_whole;
  }
  template <std::size_t N>
  void only(const Fields& fields, const std::array<Names, N>& accepted) {
    for (const InvalidInput& other : fields.unknown(accepted.data(), N)) text([&] { throw other; });
  }
};

/// A quantity of the dimension `due`, or of that per body mass. Throws as `parse_with_unit`, and E_UNIT_MISMATCH.
StatedParameter quantity(const Node& node, Dimension due) {
  if (due == dim::none) return {number_of(node), unit::one};
  const auto fits = [&](const AnyUnit& u) { return u.dimension == due || u.dimension == due - dim::body; };
  const std::string accepted = ketpk::detail::units_where(fits);
  const auto [number, unit] = parse_with_unit(quantity_text(node, accepted), node.path, fits);
  require(fits(unit), Code::unit_mismatch, node.path, "a unit of another dimension; accepted: " + accepted);
  return StatedParameter(number, unit, node.path);
}

template <Dimension D>
Unit<D> unit_of(const Node& node) {
  const auto fits = [](const AnyUnit& u) { return u.dimension == D; };
  const std::string accepted = ketpk::detail::units_where(fits);
  require(node.value.is_string(), Code::type, node.path, "not a unit; accepted: one of " + accepted);
  const std::string& name = node.value.get_ref<const std::string&>();
  const AnyUnit* other = nullptr;
  for (const AnyUnit& u : unit_list) {
    if (u.name != name) continue;
    if (fits(u)) return {u.name, u.num, u.den};
    other = &u;
  }
  throw InvalidInput(other != nullptr ? Code::unit_mismatch : Code::unit_unknown, node.path,
                     "not a unit of this column; accepted: one of " + accepted);
}

double mass_of(const Node& node) {
  const double kg = quantity_of<Stated<dim::body>>(node).in(unit::kg);
  ketpk::detail::require_body_mass(BodyMass(kg, unit::kg), node.path);
  return kg;
}

CovariateLevel level_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 2>{"is", "factor"});
  const CovariateLevel level{number_of(fields.required("is", "what the covariate is at this level")),
                             number_of(fields.required("factor", "what the parameter is multiplied by"))};
  require(level.factor >= 0, Code::model_param, fields.path("factor"), "negative; accepted: zero or more");
  return level;
}

CovariateEffect effect_of(const Node& node) {
  // What a data file has in columns of these names is no covariate.
  constexpr std::array<Names, 14> columns{"ID",  "TIME", "DATE", "AMT", "RATE", "DUR", "EVID",
                                          "CMT", "ADDL", "II",   "SS",  "MDV",  "DV",  "C"};
  const Fields fields(node);
  fields.only(std::array<Names, 6>{"covariate", "form", "reference", "coefficient", "levels", "source"});
  CovariateEffect effect{
      .covariate = text_of(fields.required("covariate", "the name of a column, such as AGE")),
      .form = word_of<CovariateForm>(fields.required("form", "power, linear, exponential, levels, added-above"),
                                     covariate_form_names),
      .source = {}};
  require_name(effect.covariate, fields.path("covariate"), "_");
  require(std::find(columns.begin(), columns.end(), effect.covariate) == columns.end(), Code::field_duplicate,
          fields.path("covariate"), "a column that means something else; accepted: any other name");
  const bool by_levels = effect.form == CovariateForm::levels;
  for (const Names idle : by_levels ? std::array<Names, 2>{"reference", "coefficient"} : std::array<Names, 2>{"levels"})
    require(idle.empty() || !fields.has(idle), Code::field_unknown, fields.path(idle),
            "means nothing for this form; accepted: levels with levels, reference and coefficient with the others");
  if (by_levels) {
    const Node levels = fields.required("levels", "a list such as [{\"is\": 1, \"factor\": 0.8}]");
    for (const Node& each : list_of(levels, most_card_levels)) {
      const CovariateLevel level = level_of(each);
      require(std::none_of(effect.levels.begin(), effect.levels.end(),
                           [&](const CovariateLevel& l) { return l.is == level.is; }),
              Code::field_duplicate, each.path + ".is", "a level listed twice; accepted: each level once");
      effect.levels.push_back(level);
    }
    require(!effect.levels.empty(), Code::field_missing, levels.path, "empty; accepted: at least one level");
  } else {
    effect.reference = number_of(fields.required("reference", "the covariate at which the value holds"));
    effect.coefficient = number_of(fields.required("coefficient", "a number"));
    require(effect.form != CovariateForm::power || effect.reference > 0, Code::model_param, fields.path("reference"),
            "nothing a power can be taken over; accepted: more than zero");
  }
  effect.source = text_of(fields.required("source", "where the effect comes from"));
  return effect;
}

/// One parameter; none where its value could not be read and that is noted.
std::optional<CardParameter> parameter_of(Reading& reading, const Node& node, std::string_view name) {
  std::optional<CardParameter> parameter;
  reading.part([&] {
    const Fields fields(node);
    reading.only(fields, std::array<Names, 4>{"value", "weight_exponent", "covariates", "source"});
    std::string source;
    reading.text([&] { source = text_of(fields.required("source", "where the number comes from")); });
    const Dimension due = ketpk::detail::CardReader<>::due(name);
    parameter = CardParameter{.name = std::string(name),
                              .value = quantity(fields.required("value", "a number with its unit"), due),
                              .source = std::move(source)};
    if (const auto exponent = fields.optional("weight_exponent")) {
      const double x = number_of(*exponent);
      require(x >= -3 && x <= 3, Code::range, exponent->path, "no plausible exponent; accepted: -3 to 3");
      require(parameter->value.unit().dimension.body == 0, Code::model_param, exponent->path,
              "the parameter is already stated per kg; accepted: an exponent or a per-kg unit");
      parameter->weight_exponent = x;
    }
    if (const auto effects = fields.optional("covariates"))
      for (const Node& effect : list_of(*effects, most_effects))
        reading.part([&] { parameter->covariates.push_back(effect_of(effect)); });
  });
  return parameter;
}

template <std::size_t N>
std::vector<CardParameter> parameters_of(Reading& reading, const Node& node, const std::array<Names, N>& known) {
  const Fields fields(node);
  reading.only(fields, known);
  std::vector<CardParameter> all;
  for (const auto& [name, value] : node.value.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) continue;
    if (auto p = parameter_of(reading, {value, fields.path(name)}, name)) all.push_back(std::move(*p));
  }
  return all;
}

/// Two bounds, either of which may be null for one that was not stated.
template <class Of>
std::array<std::optional<double>, 2> bounds_of(const Node& node, Of of) {
  const std::vector<Node> ends = list_of(node, 2);
  require(ends.size() == 2, Code::type, node.path, "not two bounds; accepted: [lowest, highest], null for none");
  std::array<std::optional<double>, 2> bounds;
  for (std::size_t i = 0; i < 2; ++i)
    if (!ends[i].value.is_null()) bounds[i] = of(ends[i]);
  require(bounds[0] || bounds[1], Code::field_missing, node.path, "no bound; accepted: at least one");
  require(!bounds[0] || !bounds[1] || *bounds[0] <= *bounds[1], Code::range, node.path,
          "the lowest above the highest; accepted: bounds in order");
  return bounds;
}

Domain domain_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 5>{"statement", "age", "weight", "only_for", "source"});
  Domain domain{.statement = text_of(fields.required("statement", "who the model was built on, or not-stated"))};
  if (const auto age = fields.optional("age")) {
    const auto bounds = bounds_of(*age, [](const Node& n) {
      const double yr = quantity_of<Stated<dim::age>>(n).number();
      ketpk::detail::require_between(yr, 0, 130, n.path, "not a possible age; accepted: 0 to 130 yr");
      return yr;
    });
    domain.age_low_yr = bounds[0];
    domain.age_high_yr = bounds[1];
  }
  if (const auto weight = fields.optional("weight")) {
    const auto bounds = bounds_of(*weight, mass_of);
    domain.weight_low_kg = bounds[0];
    domain.weight_high_kg = bounds[1];
  }
  if (const auto only = fields.optional("only_for")) domain.only_for = text_of(*only);
  if (const auto source = fields.optional("source")) domain.source = text_of(*source);
  require(!domain.is_stated() || !domain.source.empty(), Code::field_missing, fields.path("source"),
          "not stated; accepted: where the bounds come from");
  return domain;
}

void read_absorption(Reading& reading, const Node& node) {
  for (const Node& each : list_of(node, most_depots)) {
    reading.part([&] {
      const Fields fields(each);
      fields.only(std::array<Names, 3>{"name", "into", "ka"});
      std::string name = text_of(fields.required("name", "a name such as gut")), into;
      require_name(name, fields.path("name"), "_");
      if (const auto to = fields.optional("into"); to && to->value != "central") into = text_of(*to);
      auto ka = parameter_of(reading, fields.required("ka", "an object with value and source"), "ka");
      if (ka) reading.card.depots.push_back({std::move(name), std::move(*ka), std::move(into)});
    });
  }
}

void read_entries(Reading& reading, const Node& node) {
  const Fields fields(node);
  for (const auto& [name, value] : node.value.items()) {
    const std::string compartment = name;
    const Node at{value, fields.path(name)};
    reading.part([&] {
      const std::vector<std::string> known = compartments_of(reading.card);
      require(std::find(known.begin(), known.end(), compartment) != known.end(), Code::field_unknown, at.path,
              "a compartment the model does not have; accepted: a depot, central, shallow, deep, or a metabolite");
      const Fields own(at);
      reading.only(own, std::array<Names, 4>{"F", "lag", "duration", "rate"});
      CardEntry entry{.compartment = compartment};
      const auto read = [&](Names key, std::optional<CardParameter>& to) {
        if (const auto p = own.optional(key)) to = parameter_of(reading, *p, key);
      };
      read("F", entry.bioavailability);
      read("lag", entry.lag);
      read("duration", entry.duration);
      read("rate", entry.rate);
      require(own.has("F") || own.has("lag") || own.has("duration") || own.has("rate"), Code::field_missing, at.path,
              "empty; accepted: any of F, lag, duration, rate");
      reading.card.entries.push_back(std::move(entry));
    });
  }
}

/// Absent where its time could not be read and that is noted.
std::optional<CardDelay> delay_of(Reading& reading, const Node& node) {
  const Fields fields(node);
  reading.only(fields, std::array<Names, 2>{"transits", "mtt"});
  const Node number = fields.required("transits", "how many compartments, 1 to 16");
  const double transits = number_of(number);
  require(transits >= 1 && transits <= static_cast<double>(most_waypoints) && transits == std::floor(transits),
          Code::model_param, number.path, "not a number of compartments that can be passed; accepted: 1 to 16");
  auto mtt = parameter_of(reading, fields.required("mtt", "an object with value and source"), "MTT");
  if (!mtt) return std::nullopt;
  return CardDelay{static_cast<std::size_t>(transits), *std::move(mtt)};
}

void read_metabolites(Reading& reading, const Node& node) {
  for (const Node& each : list_of(node, most_metabolites)) {
    reading.part([&] {
      const Fields fields(each);
      reading.only(fields,
                   std::array<Names, 7>{"name", "from", "fraction", "apparent", "source", "parameters", "delay"});
      CardMetabolite m{.name = text_of(fields.required("name", "a name such as norketamine")),
                       .fraction = number_of(fields.required("fraction", "0 to 1.1 mg formed per mg eliminated")),
                       .parameters = {},
                       .apparent = false,
                       .source = {}};
      require_name(m.name, fields.path("name"), "_-");
      require(m.fraction >= 0 && m.fraction <= 1.1, Code::model_param, fields.path("fraction"),
              "not a mass fraction; accepted: 0 to 1.1 mg formed per mg eliminated");
      if (const auto from = fields.optional("from")) m.from = text_of(*from);
      if (const auto apparent = fields.optional("apparent")) m.apparent = truth_of(*apparent);
      reading.text([&] { m.source = text_of(fields.required("source", "where the metabolite's numbers come from")); });
      m.parameters = parameters_of(reading, fields.required("parameters", "V1 CL, and Q2 V2 for a second compartment"),
                                   std::array<Names, 7>{"V1", "CL", "k10", "Q2", "V2", "k12", "k21"});
      if (const auto delay = fields.optional("delay")) reading.part([&] { m.delay = delay_of(reading, *delay); });
      reading.card.metabolites.push_back(std::move(m));
    });
  }
}

/// Throws E_FIELD_DUPLICATE where two compartments, or a compartment and a curve or a derived quantity, share a name.
void require_names_distinct(const ModelCard& card) {
  std::set<std::string, std::less<>> taken{"central", "shallow", "deep", "plasma", "effect_site"};
  for (const std::string_view name : derived_quantities) taken.emplace(name);
  const auto take = [&](const std::string& name, const std::string& path) {
    require(taken.insert(name).second, Code::field_duplicate, path,
            "the name of something else; accepted: a name of its own");
  };
  for (std::size_t i = 0; i < card.depots.size(); ++i)
    take(card.depots[i].name, element_path("model.absorption", i) + ".name");
  for (std::size_t i = 0; i < card.metabolites.size(); ++i) {
    const CardMetabolite& m = card.metabolites[i];
    take(m.name, element_path("model.metabolites", i) + ".name");
    if (ketpk::detail::states_any(m.parameters, "Q2", "k12"))
      take(m.name + "_2", element_path("model.metabolites", i) + ".name");
  }
}

}  // namespace

Variability understand_variability(const Node& node, const ModelCard& card) {
  const Fields fields(node);
  fields.only(std::array<Names, 3>{"parameters", "omega", "source"});
  Variability v{.parameters = {}, .omega = {}, .source = text_of(fields.required("source", "where it comes from"))};
  for (const Node& each : list_of(fields.required("parameters", "a list such as [\"CL\", \"V1\"]"), most_etas))
    v.parameters.push_back(text_of(each));
  const Node omega = fields.required("omega", "the variance matrix, a list of rows");
  const std::size_t n = v.parameters.size();
  const std::vector<Node> rows = list_of(omega, most_etas);
  constexpr std::string_view square = "not one row and one column for each parameter; accepted: a square matrix";
  require(n > 0 && rows.size() == n, Code::model_param, omega.path, square);
  for (const Node& row : rows) {
    const std::vector<Node> cells = list_of(row, most_etas);
    require(cells.size() == n, Code::model_param, row.path, square);
    for (const Node& cell : cells) v.omega.push_back(number_of(cell));
  }
  validate(v, card, node.path);
  return v;
}

namespace {

ResidualError residual_error_of(const Node& node) {
  constexpr Names proportional = "proportional_variance", additive = "additive_variance_mg2_per_L2";
  const Fields fields(node);
  fields.only(std::array<Names, 3>{proportional, additive, "source"});
  ResidualError error{.source = text_of(fields.required("source", "where it comes from"))};
  const auto read = [&](Names name, double& to) {
    const auto value = fields.optional(name);
    if (!value) return;
    to = number_of(*value);
    require(to >= 0, Code::model_param, value->path, "no variance; accepted: zero or more");
  };
  read(proportional, error.proportional_variance);
  read(additive, error.additive_variance_mg2_per_L2);
  require(fields.has(proportional) || fields.has(additive), Code::field_missing, fields.path(proportional),
          "not stated; accepted: a proportional variance, an additive one, or both");
  return error;
}

/// The dimension of a golden quantity. Throws E_MODEL_PARAM where the model has no such thing.
Dimension dimension_of(const std::string& quantity, const ModelCard& card, const std::string& path) {
  const std::vector<std::string> compartments = compartments_of(card);
  const auto has = [&](std::string_view name) {
    return std::find(compartments.begin(), compartments.end(), name) != compartments.end();
  };
  const bool is_metabolite = std::any_of(card.metabolites.begin(), card.metabolites.end(),
                                         [&](const CardMetabolite& m) { return m.name == quantity; });
  if (quantity == "plasma" || is_metabolite || (quantity == "effect_site" && card.ke0)) return dim::concentration;
  const bool has_liver = layout_of(card).has_liver;
  const std::size_t modes = 1 + (has("shallow") ? 1 : 0) + (has("deep") ? 1 : 0) + (has_liver ? 1 : 0);
  const char last = quantity.back();
  const bool counted = quantity.starts_with("lambda_") || quantity.starts_with("half_life_");
  const bool is_there =
      counted ? static_cast<std::size_t>(last - '0') <= modes
              : !((quantity.find('2') != Names::npos && !has("shallow")) ||
                  (quantity.find('3') != Names::npos && !has("deep")) || (quantity == "k10" && has_liver));
  const bool is_known =
      std::find(derived_quantities.begin(), derived_quantities.end(), quantity) != derived_quantities.end();
  require(
      is_known && is_there, Code::model_param, path,
      "nothing the model has; accepted: plasma, effect_site or a metabolite, or one of Vss CL V1 … k10 … lambda_1 … "
      "half_life_1 … half_life");
  if (quantity.starts_with("half_life")) return dim::time;
  if (quantity[0] == 'k' || quantity[0] == 'l') return dim::rate_constant;
  return quantity[0] == 'V' ? dim::volume : dim::flow;
}

GoldenDose golden_dose_of(const Node& node, const ModelCard& card) {
  const Fields fields(node);
  fields.only(std::array<Names, 4>{"into", "amount", "at", "over"});
  const Node into = fields.required("into", "a compartment, such as central");
  GoldenDose dose{.compartment = text_of(into), .amount_mg = 0, .at = {}, .over = {}};
  const std::vector<std::string> known = compartments_of(card);
  require(std::find(known.begin(), known.end(), dose.compartment) != known.end(), Code::model_param, into.path,
          "a compartment the model does not have; accepted: a depot, central, shallow, deep, or a metabolite");
  const Node amount = fields.required("amount", "a drug mass such as 35 mg");
  dose.amount_mg = quantity_of<Stated<dim::drug>>(amount).in(unit::mg);
  require(dose.amount_mg > 0, Code::range, amount.path, "no dose; accepted: more than zero");
  if (const auto at = fields.optional("at")) dose.at = elapsed_of(*at);
  if (const auto over = fields.optional("over")) dose.over = elapsed_of(*over);
  return dose;
}

GoldenValue golden_of(const Node& node, const ModelCard& card) {
  const Fields fields(node);
  fields.only(std::array<Names, 8>{"quantity", "value", "tolerance", "weight", "covariates", "doses", "at", "source"});
  const Node quantity_node = fields.required("quantity", "plasma, or a derived quantity such as Vss");
  const std::string of = text_of(quantity_node);
  const Dimension due = dimension_of(of, card, quantity_node.path);
  const Node value_node = fields.required("value", "a number with its unit");
  const StatedParameter value = quantity(value_node, due);
  require(value.number() > 0, Code::range, value_node.path,
          "nothing a relative tolerance can be taken of; accepted: more than zero");
  GoldenValue golden{.quantity = of,
                     .value = value.number(),
                     .unit = value.unit(),
                     .tolerance_rel = number_of(fields.required("tolerance", "how far off it may be, relative")),
                     .weight_kg = mass_of(fields.required("weight", "the body mass it holds for, such as 70 kg")),
                     .source = text_of(fields.required("source", "who computed or measured it"))};
  require(golden.tolerance_rel > 0 && golden.tolerance_rel <= 0.5, Code::range, fields.path("tolerance"),
          "no tolerance; accepted: more than 0, up to 0.5");
  std::vector<std::string> due_covariates = covariates_of(card);
  std::erase(due_covariates, "WT");
  if (const auto covariates = fields.optional("covariates")) {
    const Fields own(*covariates);
    const std::vector<Names> accepted(due_covariates.begin(), due_covariates.end());
    if (const auto others = own.unknown(accepted.data(), accepted.size()); !others.empty()) throw others.front();
    for (const auto& [name, x] : covariates->value.items())
      golden.covariates.push_back({name, number_of({x, own.path(name)})});
  }
  require(golden.covariates.size() == due_covariates.size(), Code::field_missing, fields.path("covariates"),
          "not all that the model looks at; accepted: a number for each but the weight");
  if (due != dim::concentration) {
    for (const Names idle : {"doses", "at"})
      require(!fields.has(idle), Code::field_unknown, fields.path(idle),
              "means nothing for what follows from the parameters; accepted: only with a concentration");
    return golden;
  }
  golden.at = elapsed_of(fields.required("at", "when, such as 40 min"));
  const Node doses = fields.required("doses", "a list of doses");
  for (const Node& dose : list_of(doses, most_golden_doses)) golden.doses.push_back(golden_dose_of(dose, card));
  require(!golden.doses.empty(), Code::field_missing, doses.path, "empty; accepted: at least one dose");
  return golden;
}

DataUnits data_units_of(const Node& node) {
  const Fields fields(node);
  fields.only(std::array<Names, 5>{"time", "amount", "concentration", "infusion_bioavailability", "covariates"});
  DataUnits units;
  units.time = unit_of<dim::time>(fields.required("time", "a unit such as h"));
  units.amount = unit_of<dim::drug>(fields.required("amount", "a unit such as mg"));
  units.concentration = unit_of<dim::concentration>(fields.required("concentration", "a unit such as ng/mL"));
  if (const auto rule = fields.optional("infusion_bioavailability"))
    units.infusion_bioavailability = word_of<InfusionBioavailability>(*rule, infusion_bioavailability_names);
  if (const auto rule = fields.optional("covariates"))
    units.covariate_rule = word_of<CovariateRule>(*rule, covariate_rule_names);
  return units;
}

/// Where in the file stands what `individual` calls `field`.
std::string in_file(const std::string& field, const ModelCard& card) {
  const std::string path = "model.";
  if (field == "reference_weight_kg") return path + "reference_weight";
  if (field == "ke0") return path + "effect_site.ke0";
  if (field.starts_with("depots")) return path + "absorption" + field.substr(field.find('['));
  if (const std::size_t dot = field.find("]."); field.starts_with("metabolites[") && dot != std::string::npos) {
    const std::string name = field.substr(dot + 2);
    const bool own = name == "fraction" || name == "from";
    if (name == "MTT") return path + field.substr(0, dot + 2) + "delay.mtt";
    if (name == "transits") return path + field.substr(0, dot + 2) + "delay.transits";
    return path + field.substr(0, dot + 2) + (own ? "" : "parameters.") + name;
  }
  if (field.find('.') != std::string::npos) return path + "entries." + field;
  for (const CardParameter& p : card.parameters)
    for (const CovariateEffect& e : p.covariates)
      if (e.covariate == field) return path + "parameters." + p.name + ".covariates";
  return field == "metabolites" || field == "depots" ? path + field : path + "parameters." + field;
}

/// Throws, with the place in the file, unless the card is one complete model where its numbers hold as they stand.
void require_complete(const ModelCard& card) {
  try {
    (void)individual(card, reference_covariates(card));
  } catch (const InvalidInput& e) {
    throw InvalidInput(e.code, in_file(e.field, card), e.message);
  }
}

/// An effect that cannot be used is left out; the model is whole without it.
void read_effects(Reading& reading, const Node& node) {
  reading.text([&] {
    for (const Node& each : list_of(node, ketpk::most_effects))
      reading.text([&] { reading.card.effects.push_back(stated_effect_of(each, reading.card, reading.card.effects)); });
  });
}

void read_head(Reading& reading, const Fields& fields) {
  ModelCard& card = reading.card;
  reading.text([&] {
    const Node id = fields.required("id", "a name such as kamp2020");
    card.id = text_of(id);
    require_name(card.id, id.path, "_-.");
  });
  reading.text([&] { card.label = text_of(fields.required("label", "what people call the model")); });
  reading.text([&] { card.citation = text_of(fields.required("citation", "where the model was published")); });
  const auto optional = [&](Names name, std::string& to) {
    if (const auto node = fields.optional(name)) reading.text([&] { to = text_of(*node); });
  };
  optional("doi", card.doi);
  optional("population", card.population);
  optional("corroboration", card.corroboration);
  optional("not_for_use", card.not_for_use);
  if (const auto node = fields.optional("confidence"))
    reading.text([&] { card.confidence = word_of<Confidence>(*node, confidence_names); });
  reading.text([&] {
    const Node analytes = fields.required("analytes", "a list of racemic-ketamine, s-ketamine, r-ketamine, or []");
    for (const Node& analyte : list_of(analytes, analyte_names.size() - 1)) {
      const auto a = word_of<Analyte>(analyte, analyte_names, 1);
      require(std::find(card.analytes.begin(), card.analytes.end(), a) == card.analytes.end(), Code::field_duplicate,
              analyte.path, "stands twice; accepted: each analyte once");
      card.analytes.push_back(a);
    }
  });
  reading.text([&] { card.site = word_of<Site>(fields.required("site", "not-stated, arterial, venous"), site_names); });
  if (const auto domain = fields.optional("domain")) reading.text([&] { card.domain = domain_of(*domain); });
  if (const auto list = fields.optional("uncertainties"))
    reading.text([&] {
      for (const Node& each : list_of(*list, most_uncertainties)) card.uncertainties.push_back(text_of(each));
    });
}

void read_structure(Reading& reading, const Fields& fields) {
  ModelCard& card = reading.card;
  if (const auto mass = fields.optional("reference_weight"))
    reading.part([&] { card.reference_weight_kg = mass_of(*mass); });
  reading.part([&] {
    card.parameters =
        parameters_of(reading, fields.required("parameters", "CL V1 Q2 V2 Q3 V3, or V1 k10 k12 k21 k13 k31"),
                      std::array<Names, 17>{"CL", "V1", "Q2", "V2", "Q3", "V3", "k10", "k12", "k21", "k13", "k31",
                                            "Vmax", "Km", "Qh", "Vh", "kel", "kmet"});
  });
  if (const auto site = fields.optional("effect_site"))
    reading.part([&] {
      const Fields own(*site);
      own.only(std::array<Names, 1>{"ke0"});
      card.ke0 = parameter_of(reading, own.required("ke0", "an object with value and source"), "ke0");
    });
  if (const auto list = fields.optional("absorption")) reading.part([&] { read_absorption(reading, *list); });
  if (const auto list = fields.optional("metabolites")) reading.part([&] { read_metabolites(reading, *list); });
  if (!reading.is_whole) return;  // what follows would only say again that something is missing
  reading.part([&] { require_names_distinct(card); });
  if (const auto entries = fields.optional("entries"); entries && reading.is_whole)
    reading.part([&] { read_entries(reading, *entries); });
  bool scales = false;
  ketpk::detail::each_parameter(card, [&](const CardParameter& p) { scales = scales || p.weight_exponent != 0; });
  if (const auto list = fields.optional("effects")) read_effects(reading, *list);
  if (scales)
    reading.part([&] { (void)fields.required("reference_weight", "the body mass at which the values hold"); });
  if (reading.is_whole) reading.part([&] { require_complete(card); });
}

void read_rest(Reading& reading, const Fields& fields) {
  ModelCard& card = reading.card;
  if (const auto units = fields.optional("data_units")) reading.text([&] { card.data_units = data_units_of(*units); });
  if (const auto error = fields.optional("residual_error"))
    reading.text([&] { card.residual_error = residual_error_of(*error); });
  if (!reading.is_whole) return;
  if (const auto variability = fields.optional("variability"))
    reading.text([&] { card.variability = understand_variability(*variability, card); });
  if (const auto list = fields.optional("golden"))
    reading.text([&] {
      for (const Node& each : list_of(*list, most_goldens))
        reading.text([&] { card.goldens.push_back(golden_of(each, card)); });
    });
}

void read(Reading& reading, std::string_view bytes) {
  const Json document = parse_strict(bytes, root);
  const Fields fields(Node{document, std::string(root)});
  const auto schema = fields.optional("schema");
  require(schema && schema->value == "ketpk.model/1", Code::schema_version, fields.path("schema"),
          "not a model this program knows; accepted: ketpk.model/1");
  reading.only(fields, std::array<Names, 24>{"schema",        "id",
                                             "label",         "citation",
                                             "doi",           "analytes",
                                             "site",          "population",
                                             "domain",        "uncertainties",
                                             "corroboration", "confidence",
                                             "not_for_use",   "reference_weight",
                                             "parameters",    "absorption",
                                             "entries",       "effect_site",
                                             "metabolites",   "effects",
                                             "variability",   "residual_error",
                                             "golden",        "data_units"});
  read_head(reading, fields);
  read_structure(reading, fields);
  read_rest(reading, fields);
}

ModelCard nothing() { return {.id = {}, .label = {}, .citation = {}, .doi = {}, .analytes = {}, .parameters = {}}; }

using Text = report_detail::JsonText;

void write_text(Text& json, std::string_view name, const std::string& text) {
  if (!text.empty()) json.member(name, text);
}

void write_parameter(Text& json, std::string_view name, const CardParameter& p) {
  json.object(name, [&] {
    if (p.value.unit().dimension == dim::none)
      json.member("value", p.value.number());
    else
      json.member("value", to_text(p.value));
    if (p.weight_exponent != 0) json.member("weight_exponent", p.weight_exponent);
    report_detail::effects(json, p.covariates);
    write_text(json, "source", p.source);
  });
}

void write_parameters(Text& json, const std::vector<CardParameter>& all) {
  json.object("parameters", [&] {
    for (const CardParameter& p : all) write_parameter(json, p.name, p);
  });
}

void write_bounds(Text& json, std::string_view name, const std::array<std::optional<double>, 2>& bounds,
                  std::string_view unit) {
  if (!bounds[0] && !bounds[1]) return;
  json.array(name, bounds, [&](const std::optional<double>& bound) {
    if (bound)
      json.string(to_text(*bound) + ' ' + std::string(unit));
    else
      json.text += "null";
  });
}

void write_golden(Text& json, const GoldenValue& g) {
  json.object([&] {
    json.member("quantity", g.quantity);
    json.member("value", to_text(g.value) + ' ' + std::string(g.unit.name));
    json.member("tolerance", g.tolerance_rel);
    json.member("weight", to_text(g.weight_kg) + " kg");
    if (!g.covariates.empty())
      json.object("covariates", [&] {
        for (const CovariateValue& c : g.covariates) json.member(c.covariate, c.value);
      });
    if (!g.doses.empty())
      json.array("doses", g.doses, [&](const GoldenDose& d) {
        json.object([&] {
          json.member("into", d.compartment);
          json.member("amount", to_text(d.amount_mg) + " mg");
          json.member("at", report_detail::time_text(d.at));
          if (d.over > Micros{0}) json.member("over", report_detail::time_text(d.over));
        });
      });
    if (g.at) json.member("at", report_detail::time_text(*g.at));
    write_text(json, "source", g.source);
  });
}

void write_variability(Text& json, const Variability& v) {
  json.object("variability", [&] {
    json.strings("parameters", v.parameters);
    std::vector<std::span<const double>> rows;
    const std::size_t n = v.parameters.size();
    for (std::size_t i = 0; i < n; ++i) rows.push_back(std::span(v.omega).subspan(i * n, n));
    json.array("omega", rows, [&](std::span<const double> row) {
      json.text += '[';
      for (std::size_t j = 0; j < row.size(); ++j) {
        if (j > 0) json.text += ", ";
        json.number(row[j]);
      }
      json.text += ']';
    });
    write_text(json, "source", v.source);
  });
}

void write_head(Text& json, const ModelCard& card) {
  write_text(json, "id", card.id);
  write_text(json, "label", card.label);
  write_text(json, "citation", card.citation);
  write_text(json, "doi", card.doi);
  report_detail::names_of(json, card.analytes);
  json.member("site", name_of(card.site));
  write_text(json, "population", card.population);
  const Domain& d = card.domain;
  if (d.is_stated() || d.statement != "not-stated" || !d.source.empty())
    json.object("domain", [&] {
      write_text(json, "statement", d.statement);
      write_bounds(json, "age", {d.age_low_yr, d.age_high_yr}, "yr");
      write_bounds(json, "weight", {d.weight_low_kg, d.weight_high_kg}, "kg");
      write_text(json, "only_for", d.only_for);
      write_text(json, "source", d.source);
    });
  if (!card.uncertainties.empty()) json.strings("uncertainties", card.uncertainties);
  write_text(json, "corroboration", card.corroboration);
  if (card.confidence != Confidence::not_stated)
    json.member("confidence", report_detail::pick(confidence_names, card.confidence));
  write_text(json, "not_for_use", card.not_for_use);
}

void write_structure(Text& json, const ModelCard& card) {
  json.member("reference_weight", to_text(card.reference_weight_kg) + " kg");
  write_parameters(json, card.parameters);
  if (card.ke0) json.object("effect_site", [&] { write_parameter(json, "ke0", *card.ke0); });
  if (!card.metabolites.empty())
    json.array("metabolites", card.metabolites, [&](const CardMetabolite& m) {
      json.object([&] {
        json.member("name", m.name);
        write_text(json, "from", m.from);
        json.member("fraction", m.fraction);
        if (m.apparent) json.member("apparent", true);
        write_text(json, "source", m.source);
        write_parameters(json, m.parameters);
        if (m.delay)
          json.object("delay", [&] {
            json.member("transits", static_cast<double>(m.delay->transits));
            write_parameter(json, "mtt", m.delay->mtt);
          });
      });
    });
  if (!card.effects.empty()) report_detail::stated_effects(json, card.effects);
}

}  // namespace

void write_rest_of_model(Text& json, const ModelCard& card) {
  if (!card.depots.empty())
    json.array("absorption", card.depots, [&](const CardDepot& d) {
      json.object([&] {
        json.member("name", d.name);
        json.member("into", d.into.empty() ? std::string_view("central") : std::string_view(d.into));
        write_parameter(json, "ka", d.ka);
      });
    });
  if (!card.entries.empty())
    json.object("entries", [&] {
      for (const CardEntry& e : card.entries)
        json.object(e.compartment, [&] {
          for (const auto* p : {&e.bioavailability, &e.lag, &e.duration, &e.rate})
            if (*p) write_parameter(json, (*p)->name, **p);
        });
    });
  if (card.variability) write_variability(json, *card.variability);
  if (const auto& e = card.residual_error)
    json.object("residual_error", [&] {
      json.member("proportional_variance", e->proportional_variance);
      json.member("additive_variance_mg2_per_L2", e->additive_variance_mg2_per_L2);
      write_text(json, "source", e->source);
    });
  if (!card.goldens.empty()) json.array("golden", card.goldens, [&](const GoldenValue& g) { write_golden(json, g); });
  if (const auto& u = card.data_units)
    json.object("data_units", [&] {
      json.member("time", u->time.name);
      json.member("amount", u->amount.name);
      json.member("concentration", u->concentration.name);
      json.member("infusion_bioavailability",
                  report_detail::pick(infusion_bioavailability_names, u->infusion_bioavailability));
      json.member("covariates", report_detail::pick(covariate_rule_names, u->covariate_rule));
    });
}

std::vector<double> reference_covariates(const ModelCard& card) {
  std::vector<double> values;
  for (const std::string& name : covariates_of(card)) {
    // What the narrowest form takes, every other takes as well: levels before a power, a power before the rest.
    double value = name == "WT" ? card.reference_weight_kg : 0;
    int rank = name == "WT" ? 2 : 0;
    ketpk::detail::each_parameter(card, [&](const CardParameter& p) {
      for (const CovariateEffect& e : p.covariates) {
        const bool by_levels = e.form == CovariateForm::levels && !e.levels.empty();
        const int own = by_levels ? 3 : e.form == CovariateForm::power ? 2 : 1;
        if (e.covariate != name || own <= rank) continue;
        rank = own;
        value = by_levels ? e.levels.front().is : e.reference;
      }
    });
    values.push_back(value);
  }
  return values;
}

ModelReading look_through_model(std::string_view bytes) {
  std::vector<ModelFinding> findings;
  Reading reading{.card = nothing(), .findings = &findings};
  reading.part([&] { read(reading, bytes); });
  return {std::move(reading.card), std::move(findings), reading.is_whole};
}

ModelCard read_model(std::string_view bytes) {
  Reading reading{.card = nothing(), .findings = nullptr};
  read(reading, bytes);
  // The text goes into results as it is; it is one JSON document by now.
  const std::size_t first = bytes.find_first_of('{'), last = bytes.find_last_of('}');
  reading.card.file = bytes.substr(first, last - first + 1);
  return std::move(reading.card);
}

std::string write_model(const ModelCard& card) {
  Text json;
  json.object([&] {
    json.member("schema", "ketpk.model/1");
    write_head(json, card);
    write_structure(json, card);
    write_rest_of_model(json, card);
  });
  return std::move(json.text) + '\n';
}

}  // namespace ketpk::io
