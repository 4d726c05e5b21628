// SPDX-License-Identifier: Apache-2.0

#include "effects_file.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ketpk/effect.hpp"
#include "ketpk/report.hpp"

namespace ketpk::io {
namespace {

using Names = std::string_view;  // of keys
using StatedConcentration = Stated<dim::concentration>;

double number_in(const Fields& fields, Names name, Names accepted) {
  return number_of(fields.required(name, accepted));
}

StatedConcentration concentration_in(const Fields& fields, Names name) {
  return quantity_of<StatedConcentration>(fields.required(name, "a concentration such as 120 ng/mL"));
}

std::string unit_in(const Fields& fields) {
  return text_of(fields.required("unit", "the unit of the effect, such as mmHg"));
}

std::string source_in(const Fields& fields) {
  return text_of(fields.required("source", "where the numbers come from"));
}

constexpr Names a_number = "a number in the unit of the effect";

EmaxEffect emax_of(const Fields& fields) {
  fields.only(std::array<Names, 9>{"name", "of", "kind", "ec50", "hill", "baseline", "change", "unit", "source"});
  return {.ec50 = concentration_in(fields, "ec50"),
          .hill = number_in(fields, "hill", "Hill's exponent, 1 for none"),
          .baseline = number_in(fields, "baseline", a_number),
          .change = number_in(fields, "change", a_number),
          .effect_unit = unit_in(fields),
          .source = source_in(fields)};
}

LinearEffect linear_of(const Fields& fields) {
  fields.only(std::array<Names, 8>{"name", "of", "kind", "at", "baseline", "change", "unit", "source"});
  return {.at = concentration_in(fields, "at"),
          .baseline = number_in(fields, "baseline", a_number),
          .change = number_in(fields, "change", a_number),
          .effect_unit = unit_in(fields),
          .source = source_in(fields)};
}

TurnoverEffect turnover_of(const Fields& fields) {
  fields.only(std::array<Names, 12>{"name", "of", "kind", "acts", "drive", "kout", "baseline", "most", "c50", "hill",
                                    "unit", "source"});
  const auto acts = word_of<Turnover>(
      fields.required("acts", "inhibit-build-up, inhibit-loss, stimulate-build-up, stimulate-loss"), turnover_names);
  const auto drive = word_of<Drive>(fields.required("drive", "saturable, linear"), drive_names);
  require(drive == Drive::saturable || !fields.has("hill"), Code::field_unknown, fields.path("hill"),
          "means nothing for a linear drive; accepted: with a saturable one");
  return {.kind = acts,
          .drive = drive,
          .kout = quantity_of<Stated<dim::rate_constant>>(fields.required("kout", "a rate constant such as 0.1 1/min")),
          .baseline = number_in(fields, "baseline", a_number),
          .most = number_in(fields, "most", "the most that build-up or loss changes by, 1 for all of it"),
          .c50 = concentration_in(fields, "c50"),
          .hill = drive == Drive::linear ? 1 : number_in(fields, "hill", "Hill's exponent, 1 for none"),
          .effect_unit = unit_in(fields),
          .source = source_in(fields)};
}

/// Throws what `checked_effects` throws of the last of `all`, with its place in the file.
void require_usable(const std::vector<CardEffect>& all, const ModelCard& card, const std::string& path) {
  try {
    (void)checked_effects(card, {{"effects", all}});
  } catch (const InvalidInput& e) {
    const std::size_t dot = e.field.find("].");
    if (dot == std::string::npos) throw InvalidInput(e.code, path.substr(0, path.rfind('[')), e.message);
    const std::string key = e.field.substr(dot + 2);
    throw InvalidInput(e.code, path + '.' + (key == "effect_unit" ? "unit" : key), e.message);
  }
}

}  // namespace

CardEffect stated_effect_of(const Node& node, const ModelCard& card, std::vector<CardEffect> before) {
  enum class Kind : std::uint8_t { emax, linear, turnover };
  const Fields fields(node);
  const Node name = fields.required("name", "a name such as dissociation");
  const Node of = fields.required("of", "plasma, effect_site or a metabolite");
  const auto kind = word_of<Kind>(fields.required("kind", "emax, linear, turnover"), report_detail::effect_kind_names);
  CardEffect effect{.name = text_of(name), .of = text_of(of), .form = [&]() -> decltype(CardEffect::form) {
                      if (kind == Kind::emax) return emax_of(fields);
                      if (kind == Kind::linear) return linear_of(fields);
                      return turnover_of(fields);
                    }()};
  before.push_back(effect);
  require_usable(before, card, node.path);
  return effect;
}

}  // namespace ketpk::io
