// SPDX-License-Identifier: Apache-2.0

#include "model_lint.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numbers>
#include <string_view>
#include <utility>
#include <variant>

#include "ketpk/individual.hpp"
#include "ketpk/io.hpp"
#include "ketpk/report.hpp"
#include "ketpk/solve.hpp"
#include "ketpk/trajectory.hpp"
#include "model_file.hpp"

namespace ketpk::io {
namespace {

using Findings = std::vector<ModelFinding>;
using report_detail::with_unit;

/// What numbers are compared with. Flows scale with (weight / 70 kg)^0.75, volumes with weight.
namespace body {
constexpr double weight_kg = 70;
/// Bradley 1945, J Clin Invest 24:890: 1,497 mL/min per 1.73 m2, the mean of 23 persons.
constexpr double liver_flow_L_per_min = 1.5;
constexpr std::string_view liver_flow_source =
    "liver blood flow of 90 L/h per 70 kg (Bradley 1945, J Clin Invest 24:890)";
/// Davies and Morris 1993, Pharm Res 10:1093, doi 10.1023/A:1018943613122: 3 L of plasma in 70 kg.
constexpr double plasma_L_per_kg = 3.0 / 70;
constexpr std::string_view plasma_source =
    "plasma alone, 3 L per 70 kg (Davies and Morris 1993, doi 10.1023/A:1018943613122)";
constexpr double least_L_per_kg = 0.01, most_L_per_kg = 50;
/// Kamp 2020, doi 10.1097/ALN.0000000000003577: 79 L/h per 70 kg over 18 studies; a fourth of it.
constexpr double least_ketamine_clearance_L_per_min = 79.0 / 60 / 4;
}  // namespace body

constexpr double month_min = 30 * 1440.0;

/// Between what two half-lives a rate constant is taken as meant [min].
struct HalfLives {
  double least_min, most_min;
  std::string_view said;
};
constexpr HalfLives of_transfer{5.0 / 60, month_min, "5 s to 30 d"}, of_effect{5.0 / 60, 1440, "5 s to 24 h"};

/// Hill exponent above which an effect is on or off.
constexpr double most_hill = 20;

void warn(Findings& findings, std::string code, std::string field, std::string message) {
  findings.push_back({LintSeverity::warning, std::move(code), std::move(field), std::move(message)});
}

void note(Findings& findings, std::string code, std::string field, std::string message) {
  findings.push_back({LintSeverity::note, std::move(code), std::move(field), std::move(message)});
}

const CardParameter* find_in(const std::vector<CardParameter>& all, std::string_view name) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const CardParameter& p) { return p.name == name; });
  return at == all.end() ? nullptr : &*at;
}

/// Other units of the list with which the same number would satisfy `holds` [base units at `kg`], as words to add to a
/// warning; nothing where there are none.
template <class Holds>
std::string other_readings(const CardParameter* p, double kg, Holds holds) {
  if (p == nullptr) return "";
  const Dimension due = ketpk::detail::CardReader<>::due(p->name);
  std::string units;
  for (const AnyUnit& u : unit_list) {
    const bool per_body = u.dimension == due - dim::body;
    if (u == p->value.unit() || !(u.dimension == due || per_body)) continue;
    if (holds(p->value.number() * u.num / u.den * (per_body ? kg : 1)))
      units += (units.empty() ? "" : ", ") + std::string(u.name);
  }
  return units.empty() ? "" : "; the same number would not stand out in " + units;
}

/// One compartment system in what is said about it.
struct System {
  const std::vector<CardParameter>& stated;
  std::string path;  ///< of its parameters in the file
  double v1_L, v2_L, v3_L, q2_L_per_min, q3_L_per_min;
  double cl_L_per_min;  ///< linear and saturable
};

void check_volumes(const System& s, double kg, Findings& findings) {
  const auto is_meant = [&](double L) { return L >= body::least_L_per_kg * kg && L <= body::most_L_per_kg * kg; };
  const auto check = [&](std::string_view name, double L) {
    if (is_meant(L)) return;
    warn(findings, "VOLUME", s.path + std::string(name),
         with_unit(L / kg, "L/kg") + " at the reference weight, outside 0.01 to 50 L/kg" +
             other_readings(find_in(s.stated, name), kg, is_meant));
  };
  check("V1", s.v1_L);
  if (s.q2_L_per_min > 0) check("V2", s.v2_L);
  if (s.q3_L_per_min > 0) check("V3", s.v3_L);
  const double in_all = s.v1_L + (s.q2_L_per_min > 0 ? s.v2_L : 0) + (s.q3_L_per_min > 0 ? s.v3_L : 0);
  const auto above_plasma = [&](double L) { return L >= body::plasma_L_per_kg * kg && is_meant(L); };
  if (in_all < body::plasma_L_per_kg * kg && is_meant(s.v1_L))
    warn(findings, "VOLUME", s.path + "V1",
         with_unit(in_all / kg, "L/kg") + " for all compartments together, less than " +
             std::string(body::plasma_source) + other_readings(find_in(s.stated, "V1"), kg, above_plasma));
}

void check_clearance(const System& s, const ModelCard& card, Findings& findings) {
  const double scale = std::pow(card.reference_weight_kg / body::weight_kg, 0.75);
  const double most = 1.5 * body::liver_flow_L_per_min * scale;
  const double least = body::least_ketamine_clearance_L_per_min * scale;
  const bool by_constant = find_in(s.stated, "k10") != nullptr;
  const auto is_meant = [&](double cl) { return cl >= least && cl <= most; };
  const CardParameter* linear = find_in(s.stated, by_constant ? "k10" : "CL");
  const auto reading_is_meant = [&](double x) { return is_meant(by_constant ? x * s.v1_L : x); };
  const std::string readings = other_readings(linear, card.reference_weight_kg, reading_is_meant);
  const std::string otherwise = find_in(s.stated, "Qh") != nullptr ? "Qh" : "Vmax";
  const std::string field = s.path + (linear != nullptr ? linear->name : otherwise);
  const std::string now = with_unit(60 * s.cl_L_per_min, "L/h") + " at the reference weight, ";
  if (s.cl_L_per_min > most)
    warn(findings, "CLEARANCE", field,
         now + "above 1.5 times the " + std::string(body::liver_flow_source) + ", scaled by weight^0.75" + readings);
  const bool of_ketamine = !card.analytes.empty() && &s.stated == &card.parameters;
  if (of_ketamine && s.cl_L_per_min < least)
    warn(findings, "CLEARANCE", field,
         now +
             "below a fourth of ketamine's 79 L/h per 70 kg (Kamp 2020, doi 10.1097/ALN.0000000000003577), scaled by "
             "weight^0.75" +
             readings);
}

void check_half_life(double rate_per_min, const HalfLives& due, const std::string& field, Findings& findings) {
  const double half_life = std::numbers::ln2 / rate_per_min;
  if (half_life >= due.least_min && half_life <= due.most_min) return;
  warn(findings, "HALF_LIFE", field,
       "a half-life of " + with_unit(half_life, "min") + ", outside " + std::string(due.said));
}

void check_constants(const System& s, Findings& findings) {
  const auto check = [&](std::string_view name, std::string_view otherwise, double rate_per_min) {
    if (!(rate_per_min > 0)) return;
    const bool stated = find_in(s.stated, name) != nullptr;
    check_half_life(rate_per_min, of_transfer, s.path + std::string(stated ? name : otherwise), findings);
  };
  if (find_in(s.stated, "Qh") == nullptr) check("k10", "CL", s.cl_L_per_min / s.v1_L);
  check("k12", "Q2", s.q2_L_per_min / s.v1_L);
  check("k21", "V2", s.q2_L_per_min / s.v2_L);
  check("k13", "Q3", s.q3_L_per_min / s.v1_L);
  check("k31", "V3", s.q3_L_per_min / s.v3_L);
}

double whole_clearance(const Parameters<double>& p) {
  return linear_clearance(p) + (p.saturable ? p.saturable->vmax_mg_per_min / p.saturable->km_mg_per_L : 0);
}

void check_plausible(const ModelCard& card, Findings& findings) {
  const double kg = card.reference_weight_kg;
  const Individual typical = individual(card, reference_covariates(card));
  const Parameters<double>& p = typical.parameters;
  const System parent{card.parameters, "model.parameters.", p.v1_L,         p.v2_L,
                      p.v3_L,          p.q2_L_per_min,      p.q3_L_per_min, whole_clearance(p)};
  check_volumes(parent, kg, findings);
  check_clearance(parent, card, findings);
  check_constants(parent, findings);
  if (p.liver) {
    check_half_life(p.liver->q_L_per_min / p.liver->v_L, of_transfer, "model.parameters.Vh", findings);
    check_half_life(p.liver->kel_per_min + p.liver->kmet_per_min, of_transfer, "model.parameters.kmet", findings);
  }
  if (p.ke0_per_min) check_half_life(*p.ke0_per_min, of_effect, "model.effect_site.ke0", findings);
  for (std::size_t i = 0; i < p.depots.size(); ++i)
    check_half_life(p.depots[i].ka_per_min, of_transfer, "model.absorption[" + std::to_string(i) + "].ka", findings);
  for (std::size_t i = 0; i < p.metabolites.size(); ++i) {
    if (p.metabolites[i].transits > 0)
      check_half_life(p.metabolites[i].transit_per_min, of_transfer,
                      "model.metabolites[" + std::to_string(i) + "].delay.mtt", findings);
    if (card.metabolites[i].apparent) continue;  // divided by a fraction that nobody knows
    const MetaboliteParameters<double>& m = p.metabolites[i];
    const System own{card.metabolites[i].parameters,
                     "model.metabolites[" + std::to_string(i) + "].parameters.",
                     m.v1_L,
                     m.v2_L,
                     1,
                     m.q2_L_per_min,
                     0,
                     m.cl_L_per_min};
    check_volumes(own, kg, findings);
    check_clearance(own, card, findings);
    check_constants(own, findings);
  }
  const std::vector<std::string> compartments = compartments_of(card);
  for (std::size_t i = 0; i < compartments.size(); ++i)
    if (typical.entries[i].bioavailability > 1)
      warn(findings, "BIOAVAILABILITY", "model.entries." + compartments[i] + ".F", "more than all of a dose gets in");
}

void check_effects(const ModelCard& card, Findings& findings) {
  for (std::size_t i = 0; i < card.effects.size(); ++i) {
    const std::string path = "model.effects[" + std::to_string(i) + "].";
    std::visit(
        [&](const auto& form) {
          using Form = std::decay_t<decltype(form)>;
          if constexpr (std::is_same_v<Form, TurnoverEffect>)
            check_half_life(form.kout.in(unit::per_min), of_transfer, path + "kout", findings);
          if constexpr (!std::is_same_v<Form, LinearEffect>)
            if (form.hill > most_hill)
              warn(findings, "HILL", path + "hill", "an exponent above 20, with which an effect is all or nothing");
        },
        card.effects[i].form);
  }
}

void check_rules(const ModelCard& card, Findings& findings) {
  ketpk::detail::each_parameter(card, [&](const CardParameter& p) {
    const bool again = std::any_of(p.covariates.begin(), p.covariates.end(),
                                   [](const CovariateEffect& e) { return e.covariate == "WT"; });
    if (again && ketpk::detail::follows_weight(p))
      warn(findings, "WEIGHT_TWICE", "model.parameters." + p.name,
           "scales with weight by its unit or exponent, and again by a covariate effect");
  });
  if (const auto& v = card.variability) {
    const std::size_t n = v->parameters.size();
    for (std::size_t i = 0; i < n; ++i)
      if (v->omega[i * n + i] > 4)
        warn(findings, "OMEGA", "model.variability.omega[" + std::to_string(i) + "][" + std::to_string(i) + ']',
             "a variance above 4, a coefficient of variation of more than 700 %; a standard deviation or a percentage "
             "has to be squared first: 30 % is 0.09 or, exactly, ln(1 + 0.09)");
  }
  if (card.residual_error && card.residual_error->proportional_variance > 4)
    warn(findings, "RESIDUAL_ERROR", "model.residual_error.proportional_variance",
         "a variance above 4; a standard deviation or a percentage has to be squared first: 20 % is 0.04");
  if (!card.not_for_use.empty())
    note(findings, "NOT_FOR_USE", "model.not_for_use", "refused for every patient, for the reason it states");
  if (card.doi.empty()) note(findings, "NO_DOI", "model.doi", "not stated, so nobody can look the numbers up by it");
  if (card.analytes.empty()) note(findings, "NO_ANALYTE", "model.analytes", "none, so the card serves data files only");
}

void check_goldens(const ModelCard& card, Findings& findings) {
  if (card.goldens.empty())
    note(findings, "NO_GOLDEN", "model.golden", "no value to compute again, so nothing but the numbers was checked");
  for (std::size_t i = 0; i < card.goldens.size(); ++i) {
    const GoldenValue& g = card.goldens[i];
    const std::string field = "model.golden[" + std::to_string(i) + ']';
    try {
      const auto found = golden_value(card, g);
      if (!found)
        note(findings, "GOLDEN_NOT_COMPUTED", field,
             "not computed again, because the model gives none or its solver gave up");
      else if (!(std::abs(*found - g.value) <= g.tolerance_rel * g.value))
        findings.push_back({LintSeverity::error, std::string(name_of(Code::model_param)), field + ".value",
                            "the card gives " + with_unit(*found, g.unit.name, 6) +
                                ", not what it must; accepted: " + with_unit(g.value, g.unit.name, 6) + " within " +
                                with_unit(100 * g.tolerance_rel, "%")});
    } catch (const InvalidInput& e) {
      findings.push_back({LintSeverity::error, std::string(name_of(e.code)), field, e.message});
    }
  }
}

std::optional<double> concentration_mg_per_L(const ModelCard& card, const GoldenValue& golden, Individual person) {
  Curve curve = golden.quantity == "effect_site" ? Curve::effect_site() : Curve::plasma();
  for (std::size_t i = 0; i < card.metabolites.size(); ++i)
    if (card.metabolites[i].name == golden.quantity) curve = Curve::metabolite(i);
  Regimen regimen{.doses = {}, .dosing_weight = BodyMass(golden.weight_kg, unit::kg)};
  for (const GoldenDose& d : golden.doses)
    regimen.doses.push_back(
        {d.at, d.over, d.amount_mg, d.over > Micros{0} ? d.amount_mg / minutes(d.over) : 0, d.compartment});
  std::stable_sort(regimen.doses.begin(), regimen.doses.end(),
                   [](const Dose& a, const Dose& b) { return a.at < b.at; });
  const auto course = trajectory_of({std::move(person), compartments_of(card), places_of(card)}, regimen);
  if (std::holds_alternative<Trouble>(course)) return std::nullopt;
  return std::visit([&](const auto& trajectory) { return trajectory.value(*golden.at, curve); }, std::get<0>(course));
}

/// A derived quantity in base units, nothing where the typical individual has none.
std::optional<double> derived_value(const Parameters<double>& p, const std::string& quantity) {
  const Derived d = derived_of(p);
  const bool second = p.q2_L_per_min > 0, third = p.q3_L_per_min > 0;
  const auto counted = [&](const std::vector<double>& from) -> std::optional<double> {
    const auto i = static_cast<std::size_t>(quantity.back() - '1');
    return i < from.size() ? std::optional(from[i]) : std::nullopt;
  };
  const auto only_if = [](bool is_there, double x) { return is_there ? std::optional(x) : std::nullopt; };
  if (quantity == "half_life") return d.half_life_min.back();
  if (quantity.starts_with("half_life_")) return counted(d.half_life_min);
  if (quantity.starts_with("lambda_")) return counted(d.lambda_per_min);
  if (quantity == "Vss") return d.vss_L;
  if (quantity == "CL") return d.cl_L_per_min;
  if (quantity == "V1") return p.v1_L;
  if (quantity == "V2") return only_if(second, p.v2_L);
  if (quantity == "V3") return only_if(third, p.v3_L);
  if (quantity == "Q2") return p.q2_L_per_min;
  if (quantity == "Q3") return p.q3_L_per_min;
  if (quantity == "k10") return d.k10_per_min;
  if (quantity == "k12") return p.q2_L_per_min / p.v1_L;
  if (quantity == "k21") return only_if(second, p.q2_L_per_min / p.v2_L);
  if (quantity == "k13") return p.q3_L_per_min / p.v1_L;
  if (quantity == "k31") return only_if(third, p.q3_L_per_min / p.v3_L);
  return std::nullopt;
}

/// Nothing where the numbers are so far apart that what follows from them cannot be held.
std::optional<Derived> typical_derived(const ModelCard& card) {
  Derived d = derived_of(individual(card, reference_covariates(card)).parameters);
  const auto finite = [](double x) { return std::isfinite(x); };
  const bool held = std::all_of(d.lambda_per_min.begin(), d.lambda_per_min.end(), finite) &&
                    std::all_of(d.half_life_min.begin(), d.half_life_min.end(), finite) && finite(d.vss_L) &&
                    finite(d.k10_per_min.value_or(0)) && finite(d.cl_L_per_min);
  return held ? std::optional(std::move(d)) : std::nullopt;
}

void derived_rows(report_detail::Page& page, const ModelCard& card) {
  namespace r = report_detail;
  constexpr std::size_t all = std::string::npos;
  const auto d = typical_derived(card);
  if (!d) return page.row("Derived", "nothing that can be held as a number");
  std::string exponents, half_lives;
  for (std::size_t i = 0; i < d->lambda_per_min.size(); ++i) {
    exponents += (i == 0 ? "" : ", ") + r::short_number(d->lambda_per_min[i], 4);
    half_lives += (i == 0 ? "" : ", ") + r::short_number(d->half_life_min[i], 4);
  }
  const bool saturable = find_in(card.parameters, "Vmax") != nullptr;
  page.row("Derived", "exponents " + exponents + " 1/min \xC2\xB7 half-lives " + half_lives + " min", r::Tint::plain,
           all);
  page.row("",
           "Vss " + with_unit(d->vss_L, "L", 4) +
               (d->k10_per_min ? " \xC2\xB7 k10 " + with_unit(*d->k10_per_min, "1/min", 4) : "") + " \xC2\xB7 CL " +
               with_unit(60 * d->cl_L_per_min, "L/h", 4) + ", at the reference weight" +
               (saturable ? " and far below Km" : ""),
           r::Tint::plain, all);
}

std::string golden_text(const GoldenValue& g) {
  std::string text = g.quantity + ' ' + to_text(g.value) + ' ' + std::string(g.unit.name);
  if (g.at) text += " at " + report_detail::time_text(*g.at);
  for (const GoldenDose& d : g.doses) {
    text += ", " + to_text(d.amount_mg) + " mg into " + d.compartment + " at " + report_detail::time_text(d.at);
    if (d.over > Micros{0}) text += " over " + report_detail::time_text(d.over);
  }
  return text + ", " + to_text(g.weight_kg) + " kg, within " + with_unit(100 * g.tolerance_rel, "%");
}

}  // namespace

Derived derived_of(const Parameters<double>& p) {
  validate(p);
  const bool second = p.q2_L_per_min > 0, third = p.q3_L_per_min > 0;
  Derived d{.cl_L_per_min = whole_clearance(p),
            .vss_L = p.v1_L + (second ? p.v2_L : 0) + (third ? p.v3_L : 0),
            .k10_per_min = {},
            .lambda_per_min = {},
            .half_life_min = {}};
  if (p.liver) {
    const LiverParameters<double>& h = *p.liver;
    const double share = h.q_L_per_min / (h.q_L_per_min + (h.kel_per_min + h.kmet_per_min) * h.v_L);
    d.vss_L += h.v_L * share * share;
  } else {
    d.k10_per_min = d.cl_L_per_min / p.v1_L;
  }
  std::vector<double> rates;
  for (const ketpk::detail::ParentMode& mode : ketpk::detail::parent_modes(p)) rates.push_back(mode.rate_per_min);
  std::sort(rates.begin(), rates.end(), std::greater<>());  // what is not there has rate 0 and comes last
  for (std::size_t i = 0; i < 1U + (second ? 1U : 0U) + (third ? 1U : 0U) + (p.liver ? 1U : 0U); ++i) {
    d.lambda_per_min.push_back(rates[i]);
    d.half_life_min.push_back(std::numbers::ln2 / rates[i]);
  }
  return d;
}

std::optional<double> golden_value(const ModelCard& card, const GoldenValue& golden) {
  std::vector<double> covariates;
  for (const std::string& name : covariates_of(card)) {
    const auto at = std::find_if(golden.covariates.begin(), golden.covariates.end(),
                                 [&](const CovariateValue& c) { return c.covariate == name; });
    const bool is_weight = name == "WT" && at == golden.covariates.end();
    require(is_weight || at != golden.covariates.end(), Code::field_missing, name,
            "not stated, and the model looks at it; accepted: a number for each covariate");
    covariates.push_back(is_weight ? golden.weight_kg : at->value);
  }
  Individual who = individual(card, covariates);
  const auto found =
      golden.at ? concentration_mg_per_L(card, golden, std::move(who)) : derived_value(who.parameters, golden.quantity);
  if (!found) return std::nullopt;
  return *found / golden.unit.num * golden.unit.den / (golden.unit.dimension.body < 0 ? golden.weight_kg : 1);
}

std::vector<ModelFinding> lint_model(std::string_view bytes) {
  ModelReading reading = look_through_model(bytes);
  if (!reading.is_whole) return std::move(reading.findings);
  check_plausible(reading.card, reading.findings);
  check_effects(reading.card, reading.findings);
  check_rules(reading.card, reading.findings);
  check_goldens(reading.card, reading.findings);
  return std::move(reading.findings);
}

std::string model_card_json(const ModelCard& card) {
  return report_detail::card_json(card, [&](report_detail::JsonText& json) {
    write_rest_of_model(json, card);
    if (const auto d = typical_derived(card))
      json.object("derived", [&] {
        json.numbers("lambda_per_min", d->lambda_per_min);
        json.numbers("half_life_min", d->half_life_min);
        json.member("Vss_L", d->vss_L);
        if (d->k10_per_min) json.member("k10_per_min", *d->k10_per_min);
        json.member("CL_L_per_min", d->cl_L_per_min);
      });
  });
}

std::string model_card_text(const ModelCard& card, bool colour) {
  namespace r = report_detail;
  constexpr std::size_t all = std::string::npos;
  r::Page page{.colour = colour};
  const auto parameter = [&](const CardParameter& p) {
    const bool plain = p.value.unit().dimension == dim::none;
    page.row("  " + p.name, plain ? to_text(p.value.number()) : to_text(p.value), r::Tint::plain, all);
    for (const CovariateEffect& e : p.covariates) page.row("", r::effect_text(e), r::Tint::plain, all);
    page.row("", p.source, r::Tint::faint, all);
  };
  for (const CardDepot& d : card.depots) {
    page.row("Absorbed", "from " + d.name + " into " + (d.into.empty() ? "central" : d.into));
    parameter(d.ka);
  }
  for (const CardEntry& e : card.entries) {
    page.row("Entry", "into " + e.compartment);
    for (const auto* p : {&e.bioavailability, &e.lag, &e.duration, &e.rate})
      if (*p) parameter(**p);
  }
  if (card.variability) {
    const std::vector<std::string>& names = card.variability->parameters;
    const std::vector<double>& omega = card.variability->omega;
    std::string variances, together;
    for (std::size_t i = 0; i < names.size(); ++i) {
      variances += (i == 0 ? "" : ", ") + names[i] + ' ' + r::short_number(omega[i * names.size() + i], 5);
      for (std::size_t j = 0; j < i; ++j)
        if (const double x = omega[i * names.size() + j]; x != 0)
          together += (together.empty() ? "" : ", ") + names[i] + " with " + names[j] + ' ' + r::short_number(x, 5);
    }
    page.row("Varies", "between subjects, variances of ln: " + variances, r::Tint::plain, all);
    if (!together.empty()) page.row("", "covariances: " + together, r::Tint::plain, all);
    page.row("", card.variability->source, r::Tint::faint, all);
  }
  if (const auto& e = card.residual_error)
    page.row("Residual",
             "variance " + to_text(e->proportional_variance) + " of the prediction squared, and " +
                 to_text(e->additive_variance_mg2_per_L2) + " mg2/L2 \xC2\xB7 " + e->source,
             r::Tint::plain, all);
  for (std::size_t i = 0; i < card.goldens.size(); ++i) {
    const GoldenValue& g = card.goldens[i];
    page.row(i == 0 ? "Golden" : "", "- " + golden_text(g), r::Tint::plain, all);
    if (i + 1 == card.goldens.size() || card.goldens[i + 1].source != g.source)
      page.row("", g.source, r::Tint::faint, all);
  }
  if (const auto& u = card.data_units)
    page.row("Data in",
             std::string(u->time.name) + ", " + std::string(u->amount.name) + ", " +
                 std::string(u->concentration.name) + " \xC2\xB7 infusion bioavailability " +
                 std::string(r::pick(infusion_bioavailability_names, u->infusion_bioavailability)) +
                 " \xC2\xB7 covariates " + std::string(r::pick(covariate_rule_names, u->covariate_rule)),
             r::Tint::plain, all);
  derived_rows(page, card);
  return to_card(card, {.colour = colour}) + page.text();
}

}  // namespace ketpk::io
