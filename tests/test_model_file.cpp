// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "../src/model_lint.hpp"
#include "catch.hpp"
#include "ketpk/individual.hpp"
#include "ketpk/io.hpp"
#include "ketpk/library.hpp"
#include "random_cases.hpp"
#include "sub_anaesthetic.hpp"

using namespace ketpk;
using Json = nlohmann::ordered_json;
using fixture::refusal;
using testing::Random;

namespace {

std::string file(const std::string& name) {
  std::ifstream in(KETPK_SOURCE_DIR "/" + name, std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The card that everything is varied from: examples/model.json.
Json example() { return Json::parse(file("examples/model.json")); }

const Json absent = Json::value_t::discarded;

/// `document` with the value at `pointer` replaced, added or, if `value` is `absent`, taken away.
Json changed(Json document, const std::string& pointer, const Json& value) {
  const Json::json_pointer at(pointer);
  if (!value.is_discarded()) {
    document[at] = value;
    return document;
  }
  Json& holder = document[at.parent_pointer()];
  if (holder.is_array())
    holder.erase(std::stoul(at.back()));
  else
    holder.erase(at.back());
  return document;
}

std::string refused(const Json& document) {
  return refusal([&] { (void)io::read_model(document.dump()); });
}

/// The findings of one severity, as "CODE field".
std::vector<std::string> findings(const Json& document, io::LintSeverity severity) {
  std::vector<std::string> found;
  for (const io::ModelFinding& f : io::lint_model(document.dump()))
    if (f.severity == severity) found.push_back(f.code + ' ' + f.field);
  return found;
}
std::vector<std::string> errors(const Json& d) { return findings(d, io::LintSeverity::error); }
std::vector<std::string> warnings(const Json& d) { return findings(d, io::LintSeverity::warning); }
std::vector<std::string> notes(const Json& d) { return findings(d, io::LintSeverity::note); }

std::string message(const Json& document, std::string_view code) {
  for (const io::ModelFinding& f : io::lint_model(document.dump()))
    if (f.code == code) return f.message;
  return "";
}

/// A card with these parameters and nothing else; numbers without golden values.
Json bare(const Json& parameters) {
  Json card{{"schema", "ketpk.model/1"}, {"id", "bare"},         {"label", "bare"},     {"citation", "made up"},
            {"analytes", Json::array()}, {"site", "not-stated"}, {"parameters", Json{}}};
  for (const auto& [name, value] : parameters.items())
    card["parameters"][name] = {{"value", value}, {"source", "made up"}};
  return card;
}

// Field by field, so that what a writer and a reader both forget does not pass.

bool same(const CovariateEffect& a, const CovariateEffect& b) {
  const auto level = [](const CovariateLevel& x, const CovariateLevel& y) {
    return x.is == y.is && x.factor == y.factor;
  };
  return a.covariate == b.covariate && a.form == b.form && a.reference == b.reference &&
         a.coefficient == b.coefficient && a.source == b.source &&
         std::equal(a.levels.begin(), a.levels.end(), b.levels.begin(), b.levels.end(), level);
}

bool same(const CardParameter& a, const CardParameter& b) {
  return a.name == b.name && a.value.number() == b.value.number() && a.value.unit() == b.value.unit() &&
         a.weight_exponent == b.weight_exponent && a.source == b.source &&
         std::equal(a.covariates.begin(), a.covariates.end(), b.covariates.begin(), b.covariates.end(),
                    [](const auto& x, const auto& y) { return same(x, y); });
}

bool same(const std::optional<CardParameter>& a, const std::optional<CardParameter>& b) {
  return a.has_value() == b.has_value() && (!a || same(*a, *b));
}

bool same(const std::vector<CardParameter>& a, const std::vector<CardParameter>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) { return same(x, y); });
}

bool same(const CardMetabolite& a, const CardMetabolite& b) {
  return a.name == b.name && a.fraction == b.fraction && same(a.parameters, b.parameters) && a.apparent == b.apparent &&
         a.source == b.source && a.from == b.from && a.delay.has_value() == b.delay.has_value() &&
         (!a.delay || (a.delay->transits == b.delay->transits && same(a.delay->mtt, b.delay->mtt)));
}

bool same(const CardDepot& a, const CardDepot& b) { return a.name == b.name && same(a.ka, b.ka) && a.into == b.into; }

bool same(const CardEntry& a, const CardEntry& b) {
  return a.compartment == b.compartment && same(a.bioavailability, b.bioavailability) && same(a.lag, b.lag) &&
         same(a.duration, b.duration) && same(a.rate, b.rate);
}

template <Dimension D>
bool same(const Stated<D>& a, const Stated<D>& b) {
  return a.number() == b.number() && a.unit() == b.unit();
}

bool same(const EmaxEffect& a, const EmaxEffect& b) {
  return same(a.ec50, b.ec50) && a.hill == b.hill && a.baseline == b.baseline && a.change == b.change &&
         a.effect_unit == b.effect_unit && a.source == b.source;
}
bool same(const LinearEffect& a, const LinearEffect& b) {
  return same(a.at, b.at) && a.baseline == b.baseline && a.change == b.change && a.effect_unit == b.effect_unit &&
         a.source == b.source;
}
bool same(const TurnoverEffect& a, const TurnoverEffect& b) {
  return a.kind == b.kind && a.drive == b.drive && same(a.kout, b.kout) && a.baseline == b.baseline &&
         a.most == b.most && same(a.c50, b.c50) && a.hill == b.hill && a.effect_unit == b.effect_unit &&
         a.source == b.source;
}
bool same(const CardEffect& a, const CardEffect& b) {
  if (a.name != b.name || a.of != b.of || a.form.index() != b.form.index()) return false;
  return std::visit([&](const auto& form) { return same(form, std::get<std::decay_t<decltype(form)>>(b.form)); },
                    a.form);
}

bool same(const GoldenValue& a, const GoldenValue& b) {
  const auto dose = [](const GoldenDose& x, const GoldenDose& y) {
    return x.compartment == y.compartment && x.amount_mg == y.amount_mg && x.at == y.at && x.over == y.over;
  };
  const auto covariate = [](const CovariateValue& x, const CovariateValue& y) {
    return x.covariate == y.covariate && x.value == y.value;
  };
  return a.quantity == b.quantity && a.value == b.value && a.unit == b.unit && a.tolerance_rel == b.tolerance_rel &&
         a.weight_kg == b.weight_kg && a.at == b.at && a.source == b.source &&
         std::equal(a.doses.begin(), a.doses.end(), b.doses.begin(), b.doses.end(), dose) &&
         std::equal(a.covariates.begin(), a.covariates.end(), b.covariates.begin(), b.covariates.end(), covariate);
}

template <class T>
bool same_list(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const T& x, const T& y) { return same(x, y); });
}

bool same(const Domain& a, const Domain& b) {
  return a.statement == b.statement && a.age_low_yr == b.age_low_yr && a.age_high_yr == b.age_high_yr &&
         a.weight_low_kg == b.weight_low_kg && a.weight_high_kg == b.weight_high_kg && a.source == b.source &&
         a.only_for == b.only_for;
}

bool same(const std::optional<Variability>& a, const std::optional<Variability>& b) {
  return a.has_value() == b.has_value() &&
         (!a || (a->parameters == b->parameters && a->omega == b->omega && a->source == b->source));
}

bool same(const std::optional<ResidualError>& a, const std::optional<ResidualError>& b) {
  return a.has_value() == b.has_value() &&
         (!a || (a->proportional_variance == b->proportional_variance &&
                 a->additive_variance_mg2_per_L2 == b->additive_variance_mg2_per_L2 && a->source == b->source));
}

bool same(const std::optional<DataUnits>& a, const std::optional<DataUnits>& b) {
  return a.has_value() == b.has_value() &&
         (!a || (a->time.name == b->time.name && a->amount.name == b->amount.name &&
                 a->concentration.name == b->concentration.name && a->time.num == b->time.num &&
                 a->amount.den == b->amount.den && a->concentration.den == b->concentration.den &&
                 a->infusion_bioavailability == b->infusion_bioavailability && a->covariate_rule == b->covariate_rule));
}

bool same(const ModelCard& a, const ModelCard& b) {
  return a.id == b.id && a.label == b.label && a.citation == b.citation && a.doi == b.doi && a.analytes == b.analytes &&
         a.site == b.site && a.population == b.population && same(a.domain, b.domain) &&
         a.uncertainties == b.uncertainties && a.corroboration == b.corroboration && a.confidence == b.confidence &&
         a.not_for_use == b.not_for_use && a.reference_weight_kg == b.reference_weight_kg &&
         same(a.parameters, b.parameters) && same(a.ke0, b.ke0) && same_list(a.metabolites, b.metabolites) &&
         same_list(a.depots, b.depots) && same_list(a.entries, b.entries) && same_list(a.effects, b.effects) &&
         same(a.variability, b.variability) && same(a.residual_error, b.residual_error) &&
         same_list(a.goldens, b.goldens) && same(a.data_units, b.data_units);
}

template <class... Units>
StatedParameter any_of(Random& r, double low, double high, Units... units) {
  const std::vector<AnyUnit> all{AnyUnit(units)...};
  return {r.log_between(low, high), all[static_cast<std::size_t>(r.below(static_cast<int>(all.size())))], "random"};
}

CardParameter random_parameter(Random& r, const std::string& name) {
  using namespace ketpk::unit;
  const auto value = [&]() -> StatedParameter {
    if (name == "F") return {r.between(0, 1), one};
    if (name == "lag" || name == "duration" || name == "MTT") return any_of(r, 0.1, 100, us, ms, s, unit::min, h, d);
    if (name == "Vmax" || name == "rate")
      return any_of(r, 0.1, 100, mg_per_min, mg_per_h, mcg_per_kg_per_h, mg_per_kg_per_min);
    if (name == "Km") return any_of(r, 0.1, 100, mg_per_mL, ng_per_mL, mcg_per_L);
    if (name[0] == 'V') return any_of(r, 0.1, 100, L, mL, L_per_kg, mL_per_kg);
    if (name[0] == 'k') return any_of(r, 0.001, 10, per_min, per_h, per_s);
    return any_of(r, 0.1, 100, L_per_h, mL_per_min, L_per_min_per_kg, mL_per_h);
  }();
  CardParameter p{name, value, 0, "source of " + name + " \xC3\xA4 \"quoted\" \\"};
  if (value.unit().dimension.body == 0 && r.one_in(2)) p.weight_exponent = r.between(-3, 3);
  for (int n = r.below(3); n > 0; --n) {
    const auto form = static_cast<CovariateForm>(r.below(5));
    // A covariate of its own for each form, so that the reference of one is never outside another.
    std::string covariate = std::string(covariate_form_names[static_cast<std::size_t>(form)]) + "_cov";
    std::replace(covariate.begin(), covariate.end(), '-', '_');
    CovariateEffect e{.covariate = covariate, .form = form, .source = "an effect"};
    if (form == CovariateForm::levels) {
      e.levels = {{1, r.between(0.1, 2)}, {r.between(2, 3), r.between(0, 2)}};
    } else {
      e.reference = r.between(form == CovariateForm::power ? 1e-3 : -1e3, 1e3);
      // Another reference of the same covariate leaves the parameter in its bounds.
      e.coefficient = (form == CovariateForm::power ? 1 : 1e-4) * r.between(-1, 1);
      if (form == CovariateForm::added_above) e.coefficient = r.between(0, 10);
    }
    p.covariates.push_back(e);
  }
  return p;
}

/// Any effect of a concentration that the card has.
CardEffect random_effect(Random& r, const ModelCard& card, std::string name) {
  std::vector<std::string> of{"plasma"};
  if (card.ke0) of.emplace_back("effect_site");
  for (const CardMetabolite& m : card.metabolites) of.push_back(m.name);
  const auto concentration = [&]() -> Stated<dim::concentration> {
    const std::array<Unit<dim::concentration>, 4> units{unit::ng_per_mL, unit::mg_per_L, unit::mcg_per_L,
                                                        unit::mg_per_mL};
    return {r.log_between(1e-3, 1e3), units[static_cast<std::size_t>(r.below(4))]};
  };
  const auto rate = [&]() -> Stated<dim::rate_constant> {
    const std::array<Unit<dim::rate_constant>, 3> units{unit::per_min, unit::per_h, unit::per_s};
    return {r.log_between(1e-3, 1e1), units[static_cast<std::size_t>(r.below(3))]};
  };
  const std::string unit = r.one_in(2) ? "points, of \"100\"" : "mmHg", source = "source of " + name;
  const double change = (r.one_in(2) ? -1 : 1) * r.log_between(1e-3, 1e3);
  const auto form = [&]() -> decltype(CardEffect::form) {
    switch (r.below(3)) {
      case 0: return EmaxEffect{concentration(), r.between(0.1, 10), r.between(-100, 100), change, unit, source};
      case 1: return LinearEffect{concentration(), r.between(-100, 100), change, unit, source};
      default: break;
    }
    const auto kind = static_cast<Turnover>(r.below(4));
    const bool inhibits = kind == Turnover::inhibit_build_up || kind == Turnover::inhibit_loss;
    const auto drive = inhibits || r.one_in(2) ? Drive::saturable : Drive::linear;
    return TurnoverEffect{kind,
                          drive,
                          rate(),
                          r.log_between(1e-3, 1e3),
                          r.between(0.01, inhibits ? 1 : 10),
                          concentration(),
                          drive == Drive::linear ? 1 : r.between(0.1, 10),
                          unit,
                          source};
  }();
  return {std::move(name), of[static_cast<std::size_t>(r.below(static_cast<int>(of.size())))], form};
}

GoldenValue random_golden(Random& r, const ModelCard& card) {
  GoldenValue g{.quantity = "Vss",
                .value = r.log_between(1, 100),
                .unit = unit::L,
                .tolerance_rel = r.log_between(1e-9, 0.5),
                .weight_kg = r.between(1, 200),
                .source = "random"};
  if (r.one_in(2)) {
    g.quantity = card.metabolites.empty() ? "plasma" : card.metabolites.back().name;
    g.unit = unit::ng_per_mL;
    g.at = Micros{static_cast<std::int64_t>(r.log_between(1, 1e12))};
    const std::vector<std::string> all = compartments_of(card);
    for (int n = 1 + r.below(3); n > 0; --n)
      g.doses.push_back({all[static_cast<std::size_t>(r.below(static_cast<int>(all.size())))], r.log_between(1e-3, 1e3),
                         Micros{r.below(1'000'000'000)}, Micros{r.one_in(2) ? 0 : r.below(1'000'000'000)}});
  }
  for (const std::string& name : covariates_of(card))
    if (name != "WT") g.covariates.push_back({name, r.between(-10, 10)});
  return g;
}

ModelCard random_card(std::uint64_t seed) {
  Random r(seed);
  ModelCard c{.id = "random-" + std::to_string(seed),
              .label = "label",
              .citation = "citation",
              .doi = r.one_in(2) ? "" : "10.1/x",
              .analytes = {},
              .parameters = {}};
  if (r.one_in(2)) c.analytes = {Analyte::r_ketamine, Analyte::racemic_ketamine};
  c.site = static_cast<Site>(r.below(3));
  if (r.one_in(2)) {
    c.domain = {.statement = "adults", .age_low_yr = r.between(0, 20), .source = "somewhere"};
    if (r.one_in(2)) c.domain.age_high_yr = r.between(20, 130);
    if (r.one_in(2)) c.domain.weight_high_kg = r.between(50, 700);
    if (r.one_in(2)) c.domain.only_for = "people of whom nothing is said";
  }
  c.confidence = static_cast<Confidence>(r.below(6));
  if (r.one_in(4)) c.not_for_use = "made up";
  for (int n = r.below(3); n > 0; --n) c.uncertainties.push_back("sentence " + std::to_string(n) + '.');
  c.reference_weight_kg = r.between(1, 200);
  const auto add = [&](std::vector<CardParameter>& to, std::initializer_list<const char*> names) {
    for (const char* name : names) to.push_back(random_parameter(r, name));
  };
  const bool constants = r.one_in(2), has_liver = r.one_in(4), saturable = !has_liver && r.one_in(3);
  add(c.parameters, {"V1"});
  if (has_liver)
    add(c.parameters, {"Qh", "Vh", "kel", "kmet"});
  else if (!saturable || r.one_in(2))
    add(c.parameters, {constants ? "k10" : "CL"});
  if (saturable) add(c.parameters, {"Vmax", "Km"});
  const auto pair = [&](std::vector<CardParameter>& to, bool by_constants, const char* n) {
    const std::string i(n);
    for (const std::string& name : {by_constants ? "k1" + i : "Q" + i, by_constants ? "k" + i + "1" : "V" + i})
      to.push_back(random_parameter(r, name));
  };
  if (r.one_in(2)) pair(c.parameters, constants, "2");
  if (r.one_in(2)) pair(c.parameters, constants, "3");
  if (r.one_in(3)) c.ke0 = random_parameter(r, "ke0");
  for (int n = r.below(4), i = 0; i < n; ++i)
    c.metabolites.push_back({.name = "m" + std::to_string(i),
                             .fraction = r.between(0, 1.1),
                             .parameters = {},
                             .apparent = r.one_in(2),
                             .source = "random",
                             .from = i > 0 && r.one_in(2) ? "m" + std::to_string(r.below(i)) : ""});
  for (CardMetabolite& m : c.metabolites) {
    add(m.parameters, {"CL", "V1"});
    if (r.one_in(2)) pair(m.parameters, r.one_in(2), "2");
    if (r.one_in(3)) m.delay = CardDelay{static_cast<std::size_t>(1 + r.below(4)), random_parameter(r, "MTT")};
  }
  const int depots = r.below(4);
  for (int i = 0; i < depots; ++i)
    c.depots.push_back({"d" + std::to_string(i), random_parameter(r, "ka"),
                        i + 1 < depots && r.one_in(2) ? "d" + std::to_string(i + 1) : ""});
  for (const std::string& name : compartments_of(c)) {
    if (!r.one_in(3)) continue;
    CardEntry e{.compartment = name};
    e.bioavailability = random_parameter(r, "F");
    if (r.one_in(2)) e.lag = random_parameter(r, "lag");
    if (r.one_in(2)) e.duration = random_parameter(r, "duration");
    if (r.one_in(2)) e.rate = random_parameter(r, "rate");
    c.entries.push_back(e);
  }
  if (r.one_in(2)) {
    const double a = r.between(-1, 1), b = r.between(-1, 1);  // rank one is semidefinite
    const bool of_delay = !c.metabolites.empty() && c.metabolites.front().delay.has_value();
    c.variability = Variability{{"V1", of_delay ? c.metabolites.front().name + ".MTT" : c.parameters[1].name},
                                {a * a, a * b, b * a, b * b},
                                "random"};
  }
  if (r.one_in(2)) c.residual_error = ResidualError{r.uniform(), r.uniform(), "random"};
  for (int n = r.below(4); n > 0; --n) c.goldens.push_back(random_golden(r, c));
  for (int n = r.below(4); n > 0; --n) c.effects.push_back(random_effect(r, c, "effect_" + std::to_string(n)));
  if (r.one_in(2))
    c.data_units = DataUnits{unit::d, unit::g, unit::mcg_per_L, static_cast<InfusionBioavailability>(r.below(2)),
                             static_cast<CovariateRule>(r.below(2))};
  return c;
}

}  // namespace

TEST_CASE("every built-in model is a file: read back it is the same card, and written again the same bytes") {
  for (const ModelCard& card : library::cards()) {
    INFO(card.id);
    const std::string bytes = io::write_model(card);
    const ModelCard again = io::read_model(bytes);
    CHECK(same(card, again));
    CHECK(io::write_model(again) == bytes);
  }
}

TEST_CASE("every built-in model passes the linter: no error, and every golden value computed again") {
  for (const ModelCard& card : library::cards()) {
    INFO(card.id);
    CHECK_FALSE(card.goldens.empty());
    for (const GoldenValue& g : card.goldens) CHECK(io::golden_value(card, g).has_value());
    const Json file = Json::parse(io::write_model(card));
    CHECK(errors(file).empty());
    // Hijazi's 36 mL/min/kg is more than a liver is given of blood; that is what its abstract says.
    CHECK(warnings(file) == (card.id == "hijazi2003" ? std::vector<std::string>{"CLEARANCE model.parameters.k10"}
                                                     : std::vector<std::string>{}));
    CHECK(notes(file) == (card.not_for_use.empty() ? std::vector<std::string>{}
                                                   : std::vector<std::string>{"NOT_FOR_USE model.not_for_use"}));
  }
}

TEST_CASE(
    "a delay, a liver and what a card says of itself are read as they are meant, and refused where they are not") {
  const Json card = Json::parse(io::write_model(library::find("simons2022")));
  const ModelCard read = io::read_model(card.dump());
  REQUIRE(read.metabolites[1].delay);
  CHECK(read.metabolites[1].delay->transits == 2);
  CHECK(to_text(read.metabolites[1].delay->mtt.value) == "1.12 min");
  CHECK(read.confidence == Confidence::medium_high);
  const std::string delay = "/metabolites/0/delay";
  for (const Json& transits : {Json(0), Json(-1), Json(1.5), Json(17)})
    CHECK(refused(changed(card, delay + "/transits", transits)) == "E_MODEL_PARAM model.metabolites[0].delay.transits");
  CHECK(refused(changed(card, delay + "/transits", absent)) == "E_FIELD_MISSING model.metabolites[0].delay.transits");
  CHECK(refused(changed(card, delay + "/mtt", absent)) == "E_FIELD_MISSING model.metabolites[0].delay.mtt");
  CHECK(refused(changed(card, delay + "/mtt/source", absent)) ==
        "E_FIELD_MISSING model.metabolites[0].delay.mtt.source");
  CHECK(refused(changed(card, delay + "/mtt/value", "20 L")) == "E_UNIT_MISMATCH model.metabolites[0].delay.mtt.value");
  CHECK(refused(changed(card, delay + "/mtt/value", "0 min")) == "E_MODEL_PARAM model.metabolites[0].delay.mtt");
  CHECK(refused(changed(card, delay + "/of", 1)) == "E_FIELD_UNKNOWN model.metabolites[0].delay.of");
  CHECK(refused(changed(card, "/confidence", "certain")) == "E_RANGE model.confidence");
  CHECK(refused(changed(card, "/not_for_use", 7)) == "E_TYPE model.not_for_use");
  CHECK(refused(changed(card, "/variability/parameters/5", "s-norketamine.mtt")) ==
        "E_MODEL_PARAM model.variability.parameters[5]");
  CHECK(refused(changed(card, "/domain/source", absent)) == "E_FIELD_MISSING model.domain.source");

  const Json of_liver = Json::parse(io::write_model(library::find("perezruixo2021")));
  for (const char* name : {"Qh", "Vh", "kel", "kmet"})
    CHECK(refused(changed(of_liver, "/parameters/" + std::string(name), absent)) ==
          "E_MODEL_PARAM model.parameters." + std::string(name));
  CHECK(refused(changed(of_liver, "/parameters/CL", of_liver["parameters"]["Qh"])) ==
        "E_MODEL_PARAM model.parameters.CL");
  CHECK(refused(changed(of_liver, "/parameters/Qh/covariates/0/form", "added-below")) ==
        "E_RANGE model.parameters.Qh.covariates[0].form");
  CHECK(refused(changed(of_liver, "/golden/10/quantity", "k10")) == "E_MODEL_PARAM model.golden[10].quantity");
  Json only = of_liver;
  only["domain"] = {{"statement", "children"}, {"only_for", "children"}};
  CHECK(refused(only) == "E_FIELD_MISSING model.domain.source");
}

TEST_CASE("what follows from a liver: clearance and volume at steady state as from its plasma curve, four exponents") {
  const ModelCard card = library::find("perezruixo2021");
  const std::array<double, 2> covariates{40, 0};
  const io::Derived d = io::derived_of(individual(card, covariates).parameters);
  CHECK(60 * d.cl_L_per_min == Approx(151 * 3.88 * 101 / (151 + 3.88 * 101)).epsilon(1e-13));
  // Clearance times mean residence time, from the moments of the curve: the matrix is solved by hand. With a unit dose,
  // areas A_i = -(M^-1 e)_i and first moments -(M^-1 A)_i; of plasma, MRT = moment / area.
  const double k = 3.88, out = 151.0 / 192, back = 151.0 / 101;
  const double area_liver = 1 / k, area = area_liver * (back + k) / out;  // amounts times hours
  const double area_2 = area * 143 / 192, area_3 = area * 417 / 192;
  const double moment_liver = (area + area_2 + area_3 + area_liver) / k;
  const double moment = ((back + k) * moment_liver - area_liver) / out;
  CHECK(d.vss_L == Approx(60 * d.cl_L_per_min * moment / area).epsilon(1e-12));
  CHECK(d.vss_L == Approx(760).margin(0.5));
  CHECK_FALSE(d.k10_per_min.has_value());
  REQUIRE(d.lambda_per_min.size() == 4);
  // Eigenvalues in NumPy [1/min]
  CHECK(d.lambda_per_min.front() == Approx(0.094271566504531).epsilon(1e-12));
  CHECK(d.lambda_per_min.back() == Approx(0.0010470583749682).epsilon(1e-12));
  GoldenValue slowest = card.goldens.back();
  slowest.quantity = "half_life_4";
  CHECK(*io::golden_value(card, slowest) == Approx(std::log(2) / 0.0010470583749682 / 60).epsilon(1e-12));
}

TEST_CASE("a model is shown with its confidence, what it is not for, its delays, its liver and what it varies by") {
  const auto shown = [](std::string_view id) { return io::model_card_text(library::find(id), false); };
  const auto has = [](const std::string& text, std::string_view what) {
    INFO(what);
    CHECK(text.find(what) != std::string::npos);
  };
  const std::string simons = shown("simons2022");
  has(simons, "medium-high that these are the paper's numbers");
  has(simons, "through 2 transit compartments");
  has(simons, "MTT");
  has(simons, "s-norketamine.MTT 0.021");
  has(simons, "s-norketamine.V1 with V1 0.057");
  has(shown("perezruixo2021"), "a liver of Vh");
  has(shown("perezruixo2021"), "- 2.19 for each of AGE above 60");
  has(shown("hornik2018"), "not for use: implausible");
  has(shown("hijazi2003"), "intensive-care patients");
  const Json json = Json::parse(io::model_card_json(library::find("simons2022")));
  CHECK(json["confidence"] == "medium-high");
  CHECK(json["metabolites"][0]["delay"]["transits"] == 2);
  CHECK(json["metabolites"][0]["delay"]["parameters"][0]["value"] == "20.1 min");
  CHECK_FALSE(json.contains("not_for_use"));
  CHECK(Json::parse(io::model_card_json(library::find("flint2017"))).contains("not_for_use"));
  CHECK_FALSE(Json::parse(io::model_card_json(library::find("perezruixo2021")))["derived"].contains("k10_per_min"));
}

TEST_CASE("two thousand random cards come back from their files as they were, byte for byte") {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    const ModelCard card = random_card(seed);
    const std::string bytes = io::write_model(card);
    INFO("seed " << seed);
    const ModelCard again = io::read_model(bytes);
    REQUIRE(same(card, again));
    REQUIRE(io::write_model(again) == bytes);
  }
}

TEST_CASE("the example of a model file is clean, and its golden values come from other arithmetic") {
  CHECK(io::lint_model(file("examples/model.json")).empty());
  const ModelCard card = io::read_model(file("examples/model.json"));
  CHECK(compartments_of(card) == std::vector<std::string>{"gut", "nose", "central", "shallow", "norketamine"});
  CHECK(covariates_of(card) == std::vector<std::string>{"WT", "AGE"});
}

TEST_CASE("a bad card is refused with a code and the place in the file") {
  struct Bad {
    const char* pointer;
    Json value;
    const char* refusal;
  };
  const Json source = "made up";
  const Json rate{{"value", "1 1/h"}, {"source", source}}, litres{{"value", "1 L"}, {"source", source}};
  const auto by_levels = [&](std::vector<Json> levels) {
    return Json{{"covariate", "SEX"}, {"form", "levels"}, {"levels", std::move(levels)}, {"source", source}};
  };
  const Json female{{"is", 1}, {"factor", 0.8}}, negative{{"is", 1}, {"factor", -1}};
  const std::vector<Bad> bad{
      {"/schema", "ketpk.model/2", "E_SCHEMA_VERSION model.schema"},
      {"/schema", absent, "E_SCHEMA_VERSION model.schema"},
      {"/id", absent, "E_FIELD_MISSING model.id"},
      {"/id", "two words", "E_PARSE model.id"},
      {"/label", " ", "E_FIELD_MISSING model.label"},
      {"/citation", absent, "E_FIELD_MISSING model.citation"},
      {"/doi", 7, "E_TYPE model.doi"},
      {"/analytes", absent, "E_FIELD_MISSING model.analytes"},
      {"/analytes/0", "ketamine", "E_RANGE model.analytes[0]"},
      {"/analytes", Json{"r-ketamine", "r-ketamine"}, "E_FIELD_DUPLICATE model.analytes[1]"},
      {"/site", "capillary", "E_RANGE model.site"},
      {"/site", absent, "E_FIELD_MISSING model.site"},
      {"/siet", "venous", "E_FIELD_UNKNOWN model.siet"},
      {"/domain/age", Json{"65 yr", "18 yr"}, "E_RANGE model.domain.age"},
      {"/domain/age", Json{nullptr, nullptr}, "E_FIELD_MISSING model.domain.age"},
      {"/domain/age/0", "18", "E_UNIT_MISSING model.domain.age[0]"},
      {"/domain/weight/1", "120 yr", "E_UNIT_MISMATCH model.domain.weight[1]"},
      {"/domain/source", absent, "E_FIELD_MISSING model.domain.source"},
      {"/reference_weight", "70", "E_UNIT_MISSING model.reference_weight"},
      {"/reference_weight", "7000 kg", "E_RANGE model.reference_weight"},
      {"/reference_weight", absent, "E_FIELD_MISSING model.reference_weight"},
      {"/parameters", absent, "E_FIELD_MISSING model.parameters"},
      {"/parameters", Json::array(), "E_TYPE model.parameters"},
      {"/parameters/CL", absent, "E_MODEL_PARAM model.parameters.CL"},
      {"/parameters/V1", absent, "E_MODEL_PARAM model.parameters.V1"},
      {"/parameters/V2", absent, "E_MODEL_PARAM model.parameters.V2"},
      {"/parameters/Q2", absent, "E_MODEL_PARAM model.parameters.Q2"},
      {"/parameters/Q4", rate, "E_FIELD_UNKNOWN model.parameters.Q4"},
      {"/parameters/k10", rate, "E_MODEL_PARAM model.parameters.k10"},
      {"/parameters/k12", rate, "E_MODEL_PARAM model.parameters.k12"},
      {"/parameters/Km", {{"value", "1 mg/L"}, {"source", source}}, "E_MODEL_PARAM model.parameters.Vmax"},
      {"/parameters/Vmax", {{"value", "1 mg/h"}, {"source", source}}, "E_MODEL_PARAM model.parameters.Km"},
      {"/parameters/Vmax", {{"value", "1 mg/kg"}, {"source", source}}, "E_UNIT_MISMATCH model.parameters.Vmax.value"},
      {"/parameters/CL", "75 L/h", "E_TYPE model.parameters.CL"},
      {"/parameters/CL/value", 75, "E_UNIT_MISSING model.parameters.CL.value"},
      {"/parameters/CL/value", "75", "E_UNIT_MISSING model.parameters.CL.value"},
      {"/parameters/CL/value", "75 l/h", "E_UNIT_UNKNOWN model.parameters.CL.value"},
      {"/parameters/CL/value", "75 L", "E_UNIT_MISMATCH model.parameters.CL.value"},
      {"/parameters/CL/value", "75,5 L/h", "E_PARSE model.parameters.CL.value"},
      {"/parameters/CL/value", "1e400 L/h", "E_RANGE model.parameters.CL.value"},
      {"/parameters/CL/value", "-75 L/h", "E_MODEL_PARAM model.parameters.CL"},
      {"/parameters/CL/value", "0 L/h", "E_MODEL_PARAM model.parameters.CL"},
      {"/parameters/CL/value", absent, "E_FIELD_MISSING model.parameters.CL.value"},
      {"/parameters/CL/source", absent, "E_FIELD_MISSING model.parameters.CL.source"},
      {"/parameters/CL/source", "  ", "E_FIELD_MISSING model.parameters.CL.source"},
      {"/parameters/CL/weight_exponent", 3.1, "E_RANGE model.parameters.CL.weight_exponent"},
      {"/parameters/CL/weight_exponent", "0.75", "E_TYPE model.parameters.CL.weight_exponent"},
      {"/parameters/V2/weight_exponent", 1, "E_MODEL_PARAM model.parameters.V2.weight_exponent"},
      {"/parameters/CL/covariates/0/form", "root", "E_RANGE model.parameters.CL.covariates[0].form"},
      {"/parameters/CL/covariates/0/reference", 0, "E_MODEL_PARAM model.parameters.CL.covariates[0].reference"},
      {"/parameters/CL/covariates/0/reference", absent, "E_FIELD_MISSING model.parameters.CL.covariates[0].reference"},
      {"/parameters/CL/covariates/0/coefficient", "-0.2", "E_TYPE model.parameters.CL.covariates[0].coefficient"},
      {"/parameters/CL/covariates/0/levels", Json::array(), "E_FIELD_UNKNOWN model.parameters.CL.covariates[0].levels"},
      {"/parameters/CL/covariates/0/covariate", "AMT", "E_FIELD_DUPLICATE model.parameters.CL.covariates[0].covariate"},
      {"/parameters/CL/covariates/0/covariate", "A GE", "E_PARSE model.parameters.CL.covariates[0].covariate"},
      {"/parameters/CL/covariates/0/source", absent, "E_FIELD_MISSING model.parameters.CL.covariates[0].source"},
      {"/parameters/CL/covariates/0",
       {{"covariate", "SEX"}, {"form", "levels"}, {"source", source}},
       "E_FIELD_MISSING model.parameters.CL.covariates[0].levels"},
      {"/parameters/CL/covariates/0", by_levels({female, female}),
       "E_FIELD_DUPLICATE model.parameters.CL.covariates[0].levels[1].is"},
      {"/parameters/CL/covariates/0", by_levels({negative}),
       "E_MODEL_PARAM model.parameters.CL.covariates[0].levels[0].factor"},
      {"/effect_site/ke0/source", absent, "E_FIELD_MISSING model.effect_site.ke0.source"},
      {"/effect_site/ke0/value", "0 1/min", "E_MODEL_PARAM model.effect_site.ke0"},
      {"/effect_site/ke0/value", "3 min", "E_UNIT_MISMATCH model.effect_site.ke0.value"},
      {"/metabolites/0/name", "central", "E_FIELD_DUPLICATE model.metabolites[0].name"},
      {"/metabolites/0/name", "Vss", "E_FIELD_DUPLICATE model.metabolites[0].name"},
      {"/metabolites/0/name", "nor ketamine", "E_PARSE model.metabolites[0].name"},
      {"/metabolites/0/fraction", 1.2, "E_MODEL_PARAM model.metabolites[0].fraction"},
      {"/metabolites/0/from", "norketamine", "E_MODEL_PARAM model.metabolites[0].from"},
      {"/metabolites/0/from", "nobody", "E_MODEL_PARAM model.metabolites[0].from"},
      {"/metabolites/0/source", absent, "E_FIELD_MISSING model.metabolites[0].source"},
      {"/metabolites/0/parameters/CL", absent, "E_MODEL_PARAM model.metabolites[0].parameters.CL"},
      {"/metabolites/0/parameters/Q3", litres, "E_FIELD_UNKNOWN model.metabolites[0].parameters.Q3"},
      {"/metabolites/0/parameters/V1/value", "0 L", "E_MODEL_PARAM model.metabolites[0].parameters.V1"},
      {"/absorption/0/name", "plasma", "E_FIELD_DUPLICATE model.absorption[0].name"},
      {"/absorption/1/name", "gut-2", "E_PARSE model.absorption[1].name"},
      {"/absorption/0/into", "lung", "E_MODEL_PARAM model.absorption[0].into"},
      {"/absorption/1/into", "gut", "E_MODEL_PARAM model.absorption[1].into"},
      {"/absorption/0/into", "gut", "E_MODEL_PARAM model.absorption[0].into"},
      {"/absorption/0/ka", absent, "E_FIELD_MISSING model.absorption[0].ka"},
      {"/absorption/0/ka/value", "-1 1/h", "E_MODEL_PARAM model.absorption[0].ka"},
      {"/entries/lung", {{"F", {{"value", 1}, {"source", source}}}}, "E_FIELD_UNKNOWN model.entries.lung"},
      {"/entries/deep", {{"F", {{"value", 1}, {"source", source}}}}, "E_FIELD_UNKNOWN model.entries.deep"},
      {"/entries/nose", Json::object(), "E_FIELD_MISSING model.entries.nose"},
      {"/entries/gut/F/value", "0.2", "E_TYPE model.entries.gut.F.value"},
      {"/entries/gut/F/value", -0.1, "E_MODEL_PARAM model.entries.gut.F"},
      {"/entries/gut/lag/value", "-1 min", "E_MODEL_PARAM model.entries.gut.lag"},
      {"/entries/gut/lag/value", 10, "E_UNIT_MISSING model.entries.gut.lag.value"},
      {"/entries/gut/duration", {{"value", "0 h"}, {"source", source}}, "E_MODEL_PARAM model.entries.gut.duration"},
      {"/entries/gut/rate", rate, "E_UNIT_MISMATCH model.entries.gut.rate.value"},
      {"/entries/gut/ALAG", rate, "E_FIELD_UNKNOWN model.entries.gut.ALAG"},
      {"/variability/parameters/2", "gut.V1", "E_MODEL_PARAM model.variability.parameters[2]"},
      {"/variability/parameters/2", "CL", "E_FIELD_DUPLICATE model.variability.parameters[2]"},
      {"/variability/omega/0/1", 0.03, "E_MODEL_PARAM model.variability.omega[1][0]"},
      {"/variability/omega/2", absent, "E_MODEL_PARAM model.variability.omega"},
      {"/variability/omega/2", Json{0, 0}, "E_MODEL_PARAM model.variability.omega[2]"},
      {"/variability/omega/2/2", -0.04, "E_MODEL_PARAM model.variability.omega"},
      {"/variability/omega/0/0", 0.001, "E_MODEL_PARAM model.variability.omega"},
      {"/variability/source", absent, "E_FIELD_MISSING model.variability.source"},
      {"/residual_error/proportional_variance", -1, "E_MODEL_PARAM model.residual_error.proportional_variance"},
      {"/residual_error/proportional_variance", absent, "E_FIELD_MISSING model.residual_error.proportional_variance"},
      {"/golden/0/quantity", "plasm", "E_MODEL_PARAM model.golden[0].quantity"},
      {"/golden/2/quantity", "half_life_3", "E_MODEL_PARAM model.golden[2].quantity"},
      {"/golden/3/quantity", "V3", "E_MODEL_PARAM model.golden[3].quantity"},
      {"/golden/0/value", "300 ng", "E_UNIT_UNKNOWN model.golden[0].value"},
      {"/golden/0/value", "300 mg", "E_UNIT_MISMATCH model.golden[0].value"},
      {"/golden/0/value", "0 ng/mL", "E_RANGE model.golden[0].value"},
      {"/golden/0/tolerance", 0, "E_RANGE model.golden[0].tolerance"},
      {"/golden/0/weight", absent, "E_FIELD_MISSING model.golden[0].weight"},
      {"/golden/0/covariates", absent, "E_FIELD_MISSING model.golden[0].covariates"},
      {"/golden/0/covariates/SEX", 1, "E_FIELD_UNKNOWN model.golden[0].covariates.SEX"},
      {"/golden/0/doses", Json::array(), "E_FIELD_MISSING model.golden[0].doses"},
      {"/golden/0/doses/0/into", "lung", "E_MODEL_PARAM model.golden[0].doses[0].into"},
      {"/golden/0/doses/0/amount", "0 mg", "E_RANGE model.golden[0].doses[0].amount"},
      {"/golden/0/at", absent, "E_FIELD_MISSING model.golden[0].at"},
      {"/golden/2/at", "1 h", "E_FIELD_UNKNOWN model.golden[2].at"},
      {"/golden/0/source", absent, "E_FIELD_MISSING model.golden[0].source"},
      {"/data_units/time", "hours", "E_UNIT_UNKNOWN model.data_units.time"},
      {"/data_units/amount", "mg/kg", "E_UNIT_MISMATCH model.data_units.amount"},
      {"/data_units/concentration", absent, "E_FIELD_MISSING model.data_units.concentration"},
      {"/data_units/infusion_bioavailability", "stan", "E_RANGE model.data_units.infusion_bioavailability"},
      {"/data_units/covariates", "nocb", "E_RANGE model.data_units.covariates"},
  };
  CHECK(refused(example()).empty());
  for (const Bad& b : bad) {
    INFO(b.pointer << " = " << (b.value.is_discarded() ? "absent" : b.value.dump()));
    const Json document = changed(example(), b.pointer, b.value);
    CHECK(refused(document) == b.refusal);
    const auto found = errors(document);
    CHECK(std::find(found.begin(), found.end(), b.refusal) != found.end());
    for (const io::ModelFinding& f : io::lint_model(document.dump()))
      if (f.severity == io::LintSeverity::error) CHECK(f.message.find("; accepted: ") != std::string::npos);
  }
  CHECK(bad.size() >= 110);
}

TEST_CASE("bytes that are no card are refused as every file is") {
  const auto of = [](std::string_view bytes) { return refusal([&] { (void)io::read_model(bytes); }); };
  CHECK(of("") == "E_PARSE model");
  CHECK(of("{") == "E_PARSE model");
  CHECK(of("[]") == "E_TYPE model");
  CHECK(of("\xEF\xBB\xBF{}") == "E_ENCODING model");
  CHECK(of(R"({"schema": "ketpk.model/1", "schema": "ketpk.model/1"})") == "E_FIELD_DUPLICATE model.schema");
  CHECK(of(std::string(io::most_bytes + 1, ' ')) == "E_SIZE model");
  REQUIRE(io::lint_model("{").size() == 1);
  CHECK(io::lint_model("{")[0].code == "E_PARSE");
}

TEST_CASE("the linter goes on after an error and names every one") {
  Json card = changed(example(), "/parameters/CL/source", "");
  card = changed(card, "/golden/2/value", "2.9 h");
  card = changed(card, "/site", "capillary");
  card = changed(card, "/parameters/V1/note", "x");
  card = changed(card, "/data_units/time", "hour");
  CHECK(errors(card) == std::vector<std::string>{"E_RANGE model.site", "E_FIELD_MISSING model.parameters.CL.source",
                                                 "E_FIELD_UNKNOWN model.parameters.V1.note",
                                                 "E_UNIT_UNKNOWN model.data_units.time",
                                                 "E_MODEL_PARAM model.golden[2].value"});
}

TEST_CASE("whatever stands in a place, reader and linter agree, and what is read is written and read again") {
  std::vector<std::string> places;
  const std::function<void(const Json&, const std::string&)> walk = [&](const Json& node, const std::string& at) {
    if (!at.empty()) places.push_back(at);
    if (node.is_array())
      for (std::size_t i = 0; i < node.size(); ++i) walk(node[i], at + '/' + std::to_string(i));
    if (node.is_object())
      for (const auto& [key, value] : node.items()) walk(value, at + '/' + key);
  };
  const std::vector<Json> junk{absent,
                               nullptr,
                               true,
                               0,
                               -1,
                               1e308,
                               5e-324,
                               "",
                               " ",
                               "x",
                               "1",
                               "1 L",
                               "0 L/h",
                               "1e308 L/h",
                               "1e-300 L",
                               "1 L/kg",
                               "1e300 1/s",
                               "400 d",
                               "-1 h",
                               "central",
                               "nose",
                               "CL",
                               "nose.ka",
                               "plasma",
                               "V2",
                               "half_life",
                               "levels",
                               Json::array(),
                               Json::object(),
                               Json{1, 2},
                               Json{{"value", "2 L/h"}, {"source", "s"}}};
  // Golden values take long to compute through transit compartments and a liver, and have been varied by then.
  const auto bare_card = [](std::string_view id) {
    Json card = Json::parse(io::write_model(library::find(id)));
    card.erase("golden");
    return card;
  };
  const std::array<Json, 3> cards{example(), bare_card("simons2022"), bare_card("perezruixo2021")};
  std::size_t read = 0;
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    Random r(seed);
    const std::size_t which = seed <= 6'000 ? 0 : 1 + seed % 2;
    if (seed == 1 || seed > 6'000) {
      places.clear();
      walk(cards[which], "");
    }
    Json document = cards[which];
    for (int n = 1 + r.below(2); n > 0; --n) {
      const std::string& place = places[static_cast<std::size_t>(r.below(static_cast<int>(places.size())))];
      const Json::json_pointer at(place);
      if (document.contains(at))
        document = changed(document, place, junk[static_cast<std::size_t>(r.below(static_cast<int>(junk.size())))]);
    }
    INFO("seed " << seed);
    const std::string refusal = refused(document);
    const std::vector<std::string> found = errors(document);
    if (!refusal.empty()) {
      REQUIRE(std::find(found.begin(), found.end(), refusal) != found.end());
      continue;
    }
    ++read;
    for (const std::string& e : found) REQUIRE(e.find(" model.golden[") != std::string::npos);
    const ModelCard card = io::read_model(document.dump());
    REQUIRE(same(card, io::read_model(io::write_model(card))));
  }
  CHECK((read > 500 && read < 9'500));
}

TEST_CASE("no finding repeats what a free text of the file says") {
  const std::string canary = "Zacharias-4711";
  Json card = example();
  for (const char* pointer : {"/label", "/citation", "/doi", "/population", "/corroboration", "/parameters/CL/source",
                              "/golden/0/source", "/domain/statement", "/domain/only_for", "/not_for_use", "/site"})
    card = changed(card, pointer, canary);
  card = changed(card, "/golden/0/value", "1 ng/mL");
  card = changed(card, "/parameters/V1/value", "1 mL");
  const auto found = io::lint_model(card.dump());
  CHECK(found.size() >= 3);
  for (const io::ModelFinding& f : found) CHECK((f.message + f.field).find(canary) == std::string::npos);
}

TEST_CASE("a golden value that the card does not give is an error, and one it cannot give is a note") {
  CHECK(errors(changed(example(), "/golden/0/value", "300.845 ng/mL")) ==
        std::vector<std::string>{"E_MODEL_PARAM model.golden[0].value"});
  CHECK(errors(changed(example(), "/golden/0/tolerance", 1e-9)) ==
        std::vector<std::string>{"E_MODEL_PARAM model.golden[0].value"});
  CHECK(errors(changed(example(), "/golden/3/value", "2.8571428571428572 L/kg")).empty());
  CHECK(errors(changed(example(), "/golden/3/value", "2.86 L/kg")).size() == 1);
  CHECK(errors(changed(example(), "/golden/0/covariates/AGE", 0)) ==
        std::vector<std::string>{"E_RANGE model.golden[0]"});
  const Json oral = changed(example(), "/golden/0/doses/0/into", "gut");
  CHECK(errors(oral) == std::vector<std::string>{"E_MODEL_PARAM model.golden[0].value"});
  CHECK(notes(changed(example(), "/golden", absent)) == std::vector<std::string>{"NO_GOLDEN model.golden"});
  CHECK(notes(changed(example(), "/doi", absent)) == std::vector<std::string>{"NO_DOI model.doi"});
  CHECK(notes(changed(example(), "/analytes", Json::array())) == std::vector<std::string>{"NO_ANALYTE model.analytes"});
}

TEST_CASE("golden concentrations of effect site and metabolite are what a fixed-step Runge-Kutta gives") {
  const ModelCard card = io::read_model(file("examples/model.json"));
  // 70 kg, 40 yr: the equations of the example written out, 35 mg over 40 min, 100 min, steps of 1 s.
  const double cl = 1.25, v1 = 60, q = 70.0 / 60, v2 = 140, ke0 = 0.2, m_cl = 50.0 / 60, m_v = 100, f = 0.75;
  std::array<double, 4> x{};
  const auto slopes = [&](const std::array<double, 4>& y, double rate) {
    const double c = y[0] / v1, flow = q * (c - y[1] / v2);
    return std::array<double, 4>{rate - cl * c - flow, flow, ke0 * (c - y[2]), f * cl * c - m_cl / m_v * y[3]};
  };
  const double h = 1.0 / 60;
  for (int step = 0; step < 6000; ++step) {
    const double rate = step < 2400 ? 35.0 / 40 : 0;
    const auto at = [&](const std::array<double, 4>& k, double by) {
      std::array<double, 4> y = x;
      for (std::size_t i = 0; i < 4; ++i) y[i] += by * k[i];
      return y;
    };
    const auto k1 = slopes(x, rate), k2 = slopes(at(k1, h / 2), rate), k3 = slopes(at(k2, h / 2), rate),
               k4 = slopes(at(k3, h), rate);
    for (std::size_t i = 0; i < 4; ++i) x[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
  }
  GoldenValue g = card.goldens[0];
  g.at = std::chrono::minutes{100};
  const std::map<std::string, double> mg_per_L{
      {"plasma", x[0] / v1}, {"effect_site", x[2]}, {"norketamine", x[3] / m_v}};
  for (const auto& [quantity, expected] : mg_per_L) {
    g.quantity = quantity;
    INFO(quantity);
    CHECK(io::golden_value(card, g).value() == Approx(1000 * expected).epsilon(1e-8));
  }
}

TEST_CASE("derived exponents are the roots of the characteristic polynomial, fastest first, and so are golden ones") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random r(seed);
    const double k10 = r.log_between(1e-3, 1), k12 = r.log_between(1e-3, 1), k21 = r.log_between(1e-3, 1),
                 k13 = r.log_between(1e-3, 1), k31 = r.log_between(1e-3, 1), v1 = r.log_between(1, 100);
    const Parameters<double> p{v1, k10 * v1, k12 * v1, k12 * v1 / k21, k13 * v1, k13 * v1 / k31};
    const io::Derived d = io::derived_of(p);
    INFO("seed " << seed);
    REQUIRE(d.lambda_per_min.size() == 3);
    const auto& l = d.lambda_per_min;
    CHECK((l[0] >= l[1] && l[1] >= l[2] && l[2] > 0));
    // Vieta: sum, sum of products of two, product.
    CHECK(l[0] + l[1] + l[2] == Approx(k10 + k12 + k13 + k21 + k31).epsilon(1e-12));
    CHECK(l[0] * l[1] + l[0] * l[2] + l[1] * l[2] ==
          Approx(k10 * k21 + k10 * k31 + k12 * k31 + k13 * k21 + k21 * k31).epsilon(1e-12));
    CHECK(l[0] * l[1] * l[2] == Approx(k10 * k21 * k31).epsilon(1e-12));
    for (std::size_t i = 0; i < 3; ++i) CHECK(d.half_life_min[i] * l[i] == Approx(0.6931471805599453).epsilon(1e-14));
    CHECK(d.vss_L == Approx(v1 * (1 + k12 / k21 + k13 / k31)).epsilon(1e-13));
  }
  const io::Derived one = io::derived_of({10, 0, 0, 1, 0, 1, {}, {}, {}, SaturableElimination<double>{2, 4}});
  REQUIRE(one.lambda_per_min.size() == 1);  // far below Km: 2 / 4 L/min from 10 L
  CHECK(one.lambda_per_min[0] == Approx(0.05).epsilon(1e-14));
  CHECK(one.k10_per_min == Approx(0.05).epsilon(1e-14));
}

TEST_CASE("what follows from numbers too far apart is left out, not written as a number it is not") {
  for (const Json& parameters :
       {Json{{"V1", "1e300 L"}, {"CL", "1e-300 L/min"}}, Json{{"V1", "1e-306 L"}, {"CL", "1e8 L/h"}}}) {
    const ModelCard card = io::read_model(bare(parameters).dump());
    const std::string json = io::model_card_json(card), text = io::model_card_text(card, false);
    CHECK_FALSE(Json::parse(json).contains("derived"));
    for (const char* none : {"nan", "inf"}) {
      CHECK(json.find(none) == std::string::npos);
      CHECK(text.find(std::string(" ") + none) == std::string::npos);
    }
  }
  const Json usual = Json::parse(io::model_card_json(library::find("kamp2020")));
  CHECK(usual["derived"]["Vss_L"] == 238);
}

TEST_CASE("litres where litres per kg were meant stand out, and the reading that would not is named") {
  // Pharmacolibrary codes ketamine's volume as 2.18 L in all; 2.18 L/kg is what is published.
  const Json slip = bare({{"V1", "2.18 L"}, {"CL", "84 L/h"}});
  const auto found = warnings(slip);
  CHECK(std::find(found.begin(), found.end(), "VOLUME model.parameters.V1") != found.end());
  CHECK(message(slip, "VOLUME").find("L/kg") != std::string::npos);
  CHECK(message(slip, "VOLUME").find("would not stand out in L/kg") != std::string::npos);
  CHECK(message(slip, "VOLUME").find("Davies and Morris 1993") != std::string::npos);
  CHECK(warnings(bare({{"V1", "2.18 L/kg"}, {"CL", "84 L/h"}})).empty());
  // And the other way round: 152 L/kg for 152 L.
  CHECK(warnings(bare({{"V1", "152 L/kg"}, {"CL", "84 L/h"}})) ==
        std::vector<std::string>{"VOLUME model.parameters.V1"});
}

TEST_CASE("a clearance per minute where per hour was meant stands out against the liver's blood flow") {
  const Json slip = bare({{"V1", "200 L"}, {"CL", "84 L/min"}});
  CHECK(warnings(slip) == std::vector<std::string>{"CLEARANCE model.parameters.CL"});
  CHECK(message(slip, "CLEARANCE").find("Bradley 1945") != std::string::npos);
  CHECK(message(slip, "CLEARANCE").find("L/h") != std::string::npos);
  CHECK(warnings(bare({{"V1", "200 L"}, {"CL", "84 L/h"}})).empty());
  // 1.5 x 90 L/h per 70 kg, and as much more at 140 kg as weight^0.75 says: 227.04 L/h.
  CHECK(warnings(bare({{"V1", "200 L"}, {"CL", "134.9 L/h"}})).empty());
  CHECK(warnings(bare({{"V1", "200 L"}, {"CL", "135.1 L/h"}})).size() == 1);
  const auto at_140 = [](const char* cl) {
    return changed(bare({{"V1", "200 L"}, {"CL", cl}}), "/reference_weight", "140 kg");
  };
  CHECK(warnings(at_140("227.0 L/h")).empty());
  CHECK(warnings(at_140("227.1 L/h")).size() == 1);
  // By constants: 0.438 1/min of 4.41 L is 116 L/h; per second it is 60 times that.
  CHECK(warnings(bare({{"V1", "4.41 L"}, {"k10", "0.438 1/min"}, {"k12", "0.592 1/min"}, {"k21", "0.247 1/min"}}))
            .empty());
  CHECK(warnings(bare({{"V1", "4.41 L"}, {"k10", "0.438 1/s"}, {"k12", "0.592 1/min"}, {"k21", "0.247 1/min"}})) ==
        std::vector<std::string>{"CLEARANCE model.parameters.k10", "HALF_LIFE model.parameters.k10"});
  // The other way round only ketamine tells: 1.4 L/h for 1.4 L/min.
  Json slow = bare({{"V1", "200 L"}, {"CL", "1.4 L/h"}});
  CHECK(warnings(slow).empty());
  slow["analytes"] = {"racemic-ketamine"};
  CHECK(warnings(slow) == std::vector<std::string>{"CLEARANCE model.parameters.CL"});
  CHECK(message(slow, "CLEARANCE").find("L/min") != std::string::npos);
}

TEST_CASE("saturable elimination counts as the clearance it has far below Km") {
  CHECK(warnings(bare({{"V1", "100 L"}, {"Vmax", "100 mg/h"}, {"Km", "1 mg/L"}})).empty());
  CHECK(warnings(bare({{"V1", "100 L"}, {"Vmax", "140 mg/h"}, {"Km", "1 mg/L"}})) ==
        std::vector<std::string>{"CLEARANCE model.parameters.Vmax"});
  CHECK(warnings(bare({{"V1", "100 L"}, {"CL", "50 L/h"}, {"Vmax", "100 mg/h"}, {"Km", "1 mg/L"}})) ==
        std::vector<std::string>{"CLEARANCE model.parameters.CL"});
  CHECK(refused(bare({{"V1", "100 L"}, {"CL", "0 L/h"}, {"Vmax", "100 mg/h"}, {"Km", "1 mg/L"}})).empty());
}

TEST_CASE("half-lives that nobody means stand out, at the bounds they are said to") {
  const auto ke0 = [](const char* value) { return warnings(changed(example(), "/effect_site/ke0/value", value)); };
  CHECK(ke0("8.3 1/min").empty());  // ln 2 / 5 s is 8.318 1/min
  CHECK(ke0("8.4 1/min") == std::vector<std::string>{"HALF_LIFE model.effect_site.ke0"});
  CHECK(ke0("0.0289 1/h").empty());  // ln 2 / 24 h is 0.02888 1/h
  CHECK(ke0("0.0288 1/h") == std::vector<std::string>{"HALF_LIFE model.effect_site.ke0"});
  CHECK(warnings(changed(example(), "/absorption/0/ka/value", "1.2 1/s")) ==
        std::vector<std::string>{"HALF_LIFE model.absorption[0].ka"});
  CHECK(warnings(bare({{"V1", "100 L"}, {"k10", "0.01 1/min"}, {"k12", "0.1 1/min"}, {"k21", "0.00001 1/min"}})) ==
        std::vector<std::string>{"VOLUME model.parameters.V2", "HALF_LIFE model.parameters.k21"});
}

TEST_CASE("apparent parameters of a metabolite are left alone, true ones are not") {
  const Json odd = changed(example(), "/metabolites/0/parameters/V1/value", "10000 L");
  CHECK(warnings(odd) == std::vector<std::string>{"VOLUME model.metabolites[0].parameters.V1"});
  CHECK(warnings(changed(odd, "/metabolites/0/apparent", true)).empty());
}

TEST_CASE("a variance matrix of standard deviations or percentages stands out") {
  CHECK(warnings(changed(example(), "/variability/omega/2/2", 30)) ==
        std::vector<std::string>{"OMEGA model.variability.omega[2][2]"});
  CHECK(warnings(changed(example(), "/variability/omega/2/2", 4)).empty());
  CHECK(warnings(changed(example(), "/residual_error/proportional_variance", 20)) ==
        std::vector<std::string>{"RESIDUAL_ERROR model.residual_error.proportional_variance"});
}

TEST_CASE("a matrix with a variance of exactly nothing in some direction is still one of variances") {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    Random r(seed);
    // B B' with B of rank 2 is semidefinite; less a little of the identity it is not.
    std::array<std::array<double, 2>, 3> b{};
    for (auto& row : b)
      for (double& x : row) x = r.between(-1, 1);
    Json omega = Json::array();
    double trace = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      omega.push_back(Json::array());
      for (std::size_t j = 0; j < 3; ++j) omega[i].push_back(b[i][0] * b[j][0] + b[i][1] * b[j][1]);
      trace += omega[i][i].get<double>();
    }
    INFO("seed " << seed);
    CHECK(refused(changed(example(), "/variability/omega", omega)).empty());
    for (std::size_t i = 0; i < 3; ++i) omega[i][i] = omega[i][i].get<double>() - 1e-6 * trace;
    CHECK(refused(changed(example(), "/variability/omega", omega)) == "E_MODEL_PARAM model.variability.omega");
  }
}

TEST_CASE("weight twice and more than all of a dose stand out") {
  const Json effect{{"covariate", "WT"}, {"form", "power"}, {"reference", 70}, {"coefficient", 1}, {"source", "s"}};
  Json card = changed(example(), "/parameters/V1/covariates", Json::array({effect}));
  CHECK(warnings(card) == std::vector<std::string>{"WEIGHT_TWICE model.parameters.V1"});
  CHECK(warnings(changed(example(), "/entries/nose/F/value", 1.5)) ==
        std::vector<std::string>{"BIOAVAILABILITY model.entries.nose.F"});
}

TEST_CASE("a card of another drug, for data files only, needs nothing that is ketamine's") {
  Json card = bare({{"V1", "10 L"}, {"CL", "1 L/h"}});
  card["data_units"] = {{"time", "h"}, {"amount", "mg"}, {"concentration", "mg/L"}};
  const ModelCard read = io::read_model(card.dump());
  CHECK(read.analytes.empty());
  CHECK(covariates_of(read).empty());
  CHECK(individual(read, std::span<const double>()).parameters.cl_L_per_min == Approx(1.0 / 60));
  CHECK(warnings(card).empty());
  REQUIRE(read.data_units.has_value());
  CHECK(read.data_units->infusion_bioavailability == InfusionBioavailability::keeps_duration);
  CHECK(read.data_units->covariate_rule == CovariateRule::nonmem);
}

namespace {

const Json emax{{"name", "dissociation"}, {"of", "effect_site"}, {"kind", "emax"},   {"ec50", "120 ng/mL"}, {"hill", 2},
                {"baseline", 0},          {"change", 80},        {"unit", "points"}, {"source", "made up"}};
const Json straight{{"name", "pressure"}, {"of", "plasma"}, {"kind", "linear"}, {"at", "0.2 mg/L"},
                    {"baseline", 90},     {"change", -5.5}, {"unit", "mmHg"},   {"source", "made up"}};
const Json turnover{{"name", "score"},      {"of", "norketamine"}, {"kind", "turnover"}, {"acts", "inhibit-build-up"},
                    {"drive", "saturable"}, {"kout", "0.1 1/min"}, {"baseline", 30},     {"most", 0.9},
                    {"c50", "50 ng/mL"},    {"hill", 1.5},         {"unit", "points"},   {"source", "made up"}};

Json with_effects(const Json& effects) { return changed(example(), "/effects", effects); }

}  // namespace

TEST_CASE("effects of a model file read to the numbers they state, and the card is as clean as without them") {
  const Json card = with_effects(Json::array({emax, straight, turnover}));
  CHECK(io::lint_model(card.dump()).empty());
  const std::vector<CardEffect> effects = io::read_model(card.dump()).effects;
  REQUIRE(effects.size() == 3);
  CHECK(effects[0].name == "dissociation");
  CHECK(effects[0].of == "effect_site");
  CHECK(same(std::get<EmaxEffect>(effects[0].form), {.ec50 = {120.0, unit::ng_per_mL},
                                                     .hill = 2,
                                                     .baseline = 0,
                                                     .change = 80,
                                                     .effect_unit = "points",
                                                     .source = "made up"}));
  CHECK(
      same(std::get<LinearEffect>(effects[1].form),
           {.at = {0.2, unit::mg_per_L}, .baseline = 90, .change = -5.5, .effect_unit = "mmHg", .source = "made up"}));
  CHECK(same(std::get<TurnoverEffect>(effects[2].form), {.kind = Turnover::inhibit_build_up,
                                                         .drive = Drive::saturable,
                                                         .kout = {0.1, unit::per_min},
                                                         .baseline = 30,
                                                         .most = 0.9,
                                                         .c50 = {50.0, unit::ng_per_mL},
                                                         .hill = 1.5,
                                                         .effect_unit = "points",
                                                         .source = "made up"}));
}

TEST_CASE("a linear drive has an exponent of 1 without stating it") {
  Json linear = turnover;
  linear["acts"] = "stimulate-loss";
  linear["drive"] = "linear";
  linear.erase("hill");
  const auto effects = io::read_model(with_effects(Json::array({linear})).dump()).effects;
  REQUIRE(effects.size() == 1);
  CHECK(std::get<TurnoverEffect>(effects[0].form).hill == 1);
  CHECK(std::get<TurnoverEffect>(effects[0].form).drive == Drive::linear);
}

TEST_CASE("an effect that is not exactly what its kind states is refused with code and place, by reader and linter") {
  struct Slip {
    const Json* base;
    std::string key;
    Json value;
    std::string refusal;
  };
  const std::string at = "model.effects[0].";
  const std::vector<Slip> slips{
      {&emax, "source", absent, "E_FIELD_MISSING " + at + "source"},
      {&emax, "source", " ", "E_FIELD_MISSING " + at + "source"},
      {&emax, "unit", absent, "E_FIELD_MISSING " + at + "unit"},
      {&emax, "unit", 1, "E_TYPE " + at + "unit"},
      {&emax, "name", absent, "E_FIELD_MISSING " + at + "name"},
      {&emax, "name", "two words", "E_PARSE " + at + "name"},
      {&emax, "name", "a-b", "E_PARSE " + at + "name"},
      {&emax, "name", "plasma", "E_FIELD_DUPLICATE " + at + "name"},
      {&emax, "name", "norketamine", "E_FIELD_DUPLICATE " + at + "name"},
      {&emax, "of", absent, "E_FIELD_MISSING " + at + "of"},
      {&emax, "of", "brain", "E_MODEL_PARAM " + at + "of"},
      {&emax, "of", "gut", "E_MODEL_PARAM " + at + "of"},
      {&emax, "kind", absent, "E_FIELD_MISSING " + at + "kind"},
      {&emax, "kind", "sigmoid", "E_RANGE " + at + "kind"},
      {&emax, "ec50", absent, "E_FIELD_MISSING " + at + "ec50"},
      {&emax, "ec50", 120, "E_UNIT_MISSING " + at + "ec50"},
      {&emax, "ec50", "120 ng", "E_UNIT_UNKNOWN " + at + "ec50"},
      {&emax, "ec50", "120 mg", "E_UNIT_MISMATCH " + at + "ec50"},
      {&emax, "ec50", "0 ng/mL", "E_MODEL_PARAM " + at + "ec50"},
      {&emax, "hill", absent, "E_FIELD_MISSING " + at + "hill"},
      {&emax, "hill", 0, "E_MODEL_PARAM " + at + "hill"},
      {&emax, "hill", "2", "E_TYPE " + at + "hill"},
      {&emax, "change", 0, "E_MODEL_PARAM " + at + "change"},
      {&emax, "baseline", absent, "E_FIELD_MISSING " + at + "baseline"},
      {&emax, "kout", "0.1 1/min", "E_FIELD_UNKNOWN " + at + "kout"},
      {&emax, "at", "0.2 mg/L", "E_FIELD_UNKNOWN " + at + "at"},
      {&straight, "hill", 2, "E_FIELD_UNKNOWN " + at + "hill"},
      {&straight, "at", "2 mg/min", "E_UNIT_MISMATCH " + at + "at"},
      {&straight, "at", absent, "E_FIELD_MISSING " + at + "at"},
      {&turnover, "acts", absent, "E_FIELD_MISSING " + at + "acts"},
      {&turnover, "acts", "inhibit", "E_RANGE " + at + "acts"},
      {&turnover, "drive", absent, "E_FIELD_MISSING " + at + "drive"},
      {&turnover, "drive", "linear", "E_FIELD_UNKNOWN " + at + "hill"},
      {&turnover, "hill", absent, "E_FIELD_MISSING " + at + "hill"},
      {&turnover, "kout", "0.1 min", "E_UNIT_MISMATCH " + at + "kout"},
      {&turnover, "kout", "0 1/min", "E_MODEL_PARAM " + at + "kout"},
      {&turnover, "baseline", 0, "E_MODEL_PARAM " + at + "baseline"},
      {&turnover, "most", 1.1, "E_MODEL_PARAM " + at + "most"},
      {&turnover, "c50", absent, "E_FIELD_MISSING " + at + "c50"},
      {&turnover, "ec50", "1 mg/L", "E_FIELD_UNKNOWN " + at + "ec50"},
  };
  for (const Slip& slip : slips) {
    const Json card = with_effects(Json::array({changed(*slip.base, "/" + slip.key, slip.value)}));
    INFO(slip.key << " = " << slip.value.dump());
    CHECK(refused(card) == slip.refusal);
    CHECK(errors(card) == std::vector<std::string>{slip.refusal});
  }
  Json inhibition = changed(turnover, "/drive", "linear");
  inhibition.erase("hill");
  CHECK(refused(with_effects(Json::array({inhibition}))) == "E_MODEL_PARAM model.effects[0].drive");
  CHECK(refused(with_effects(Json::array({emax, emax}))) == "E_FIELD_DUPLICATE model.effects[1].name");
  CHECK(refused(with_effects(emax)) == "E_TYPE model.effects");
  CHECK(refused(with_effects(Json(std::vector<Json>(17, emax)))) == "E_SIZE model.effects");
  CHECK(refused(changed(with_effects(Json::array({emax})), "/effect_site", absent)) ==
        "E_MODEL_PARAM model.effects[0].of");
}

TEST_CASE("the linter names each effect that is wrong, and what no effect can mean") {
  const Json both = Json::array({changed(emax, "/hill", -1), changed(straight, "/change", 0)});
  CHECK(errors(with_effects(both)) ==
        std::vector<std::string>{"E_MODEL_PARAM model.effects[0].hill", "E_MODEL_PARAM model.effects[1].change"});
  CHECK(warnings(with_effects(Json::array({changed(turnover, "/kout", "0.1 1/s")}))).empty());
  CHECK(warnings(with_effects(Json::array({changed(turnover, "/kout", "30 1/s")}))) ==
        std::vector<std::string>{"HALF_LIFE model.effects[0].kout"});
  CHECK(warnings(with_effects(Json::array({changed(emax, "/hill", 21)}))) ==
        std::vector<std::string>{"HILL model.effects[0].hill"});
}

TEST_CASE("a model is shown with its effects, what they follow and where they come from") {
  const ModelCard card = io::read_model(with_effects(Json::array({emax, straight, turnover})).dump());
  std::string text;  // without the line breaks
  std::istringstream words(io::model_card_text(card, false));
  for (std::string word; words >> word;) text += word + ' ';
  for (const std::string_view told :
       {"dissociation of effect_site: 0 points, changes by 80 at most, by half of that at 120 ng/mL (exponent 2)",
        "pressure of plasma: 90 mmHg, changes by -5.5 at 0.2 mg/L, in proportion",
        "score of norketamine: 30 points at rest, turns over at 0.1 1/min; the drug inhibits build-up by up to 0.9, by "
        "half of that at 50 ng/mL (exponent 1.5) made up"}) {
    INFO(text);
    CHECK(text.find(told) != std::string::npos);
  }
  const Json json = Json::parse(io::model_card_json(card));
  CHECK(json["effects"] == Json::array({emax, straight, turnover}));
}
