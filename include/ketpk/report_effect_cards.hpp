// SPDX-License-Identifier: Apache-2.0
#pragma once

// Why: somebody who is offered an effect must read first whose it is, of what, and what its study did not say.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ketpk/effect_cards.hpp"
#include "ketpk/report.hpp"

namespace ketpk {

namespace report_detail {

[[nodiscard]] inline std::string stated_text(const StatedKe0& ke0) {
  return std::visit([](const auto& stated) { return to_text(stated); }, ke0.stated);
}

inline void effect_card(JsonText& json, const EffectCard& card) {
  json.object([&] {
    json.member("id", card.id);
    json.member("label", card.label);
    json.member("citation", card.citation);
    json.member("doi", card.doi);
    json.member("endpoint", card.endpoint);
    json.member("population", card.population);
    names_of(json, card.analytes);
    json.member("estimated_with", card.estimated_with);
    if (card.ke0)
      json.object("ke0", [&] {
        json.member("stated", stated_text(*card.ke0));
        json.member("per_min", card.ke0->per_min());
        json.member("source", card.ke0->source);
      });
    if (!card.effects.empty()) stated_effects(json, card.effects);
    json.array("numbers", card.numbers, [&](const EffectNumber& n) {
      json.object([&] {
        json.member("name", n.name);
        json.member("value", to_text(n.value));
        json.member("range", stated(n.range));
        json.member("source", n.source);
      });
    });
    json.strings("uncertainties", card.uncertainties);
    json.member("corroboration", card.corroboration);
    json.member("confidence", pick(confidence_names, card.confidence));
    json.member("not_for_use", stated(card.not_for_use));
  });
}

}  // namespace report_detail

/// Effect cards as JSON, `ketpk.effects/1`.
[[nodiscard]] inline std::string to_json(std::span<const EffectCard> cards) {
  report_detail::JsonText json;
  json.object([&] {
    json.member("schema", "ketpk.effects/1");
    json.array("effect_cards", cards, [&](const EffectCard& card) { report_detail::effect_card(json, card); });
  });
  json.text += '\n';
  return std::move(json.text);
}

/// Everything an effect card says, for a person.
[[nodiscard]] inline std::string to_card(const EffectCard& card, CardStyle style = {}) {
  namespace d = report_detail;
  constexpr std::size_t all = std::string::npos;
  d::Page page{.colour = style.colour};
  page.row("Effect", card.id + " \xC2\xB7 " + card.label, d::Tint::cyan, all);
  page.row("Citation", card.citation, d::Tint::plain, all);
  page.row("Endpoint", card.endpoint, d::Tint::plain, all);
  page.row("Seen on", card.population, d::Tint::plain, all);
  std::string analytes;
  for (const Analyte a : card.analytes) analytes += (analytes.empty() ? "" : ", ") + std::string(name_of(a));
  page.row("Of", analytes + ", estimated with " + card.estimated_with, d::Tint::plain, all);
  page.row("Seen in",
           card.corroboration + " \xC2\xB7 confidence " + std::string(d::pick(confidence_names, card.confidence)),
           d::Tint::plain, all);
  if (!card.not_for_use.empty()) page.row("Refused", "not for use: " + card.not_for_use, d::Tint::red, all);
  page.blank();
  if (card.ke0) {
    page.row("Site", "ke0 " + d::with_unit(card.ke0->per_min(), "1/min") + ", stated as " + d::stated_text(*card.ke0),
             d::Tint::plain, all);
    page.row("", card.ke0->source, d::Tint::faint, all);
  } else {
    page.row("Site", "no constant was seen");
  }
  for (const CardEffect& effect : card.effects) {
    page.row("Effect", d::effect_line(effect), d::Tint::plain, all);
    page.row("", effect_source_of(effect), d::Tint::faint, all);
  }
  for (std::size_t i = 0; i < card.numbers.size(); ++i) {
    const EffectNumber& n = card.numbers[i];
    page.row(i == 0 ? "Numbers" : "", n.name + ": " + to_text(n.value) + (n.range.empty() ? "" : " (" + n.range + ")"),
             d::Tint::plain, all);
    page.row("", n.source, d::Tint::faint, all);
  }
  page.blank();
  for (std::size_t i = 0; i < card.uncertainties.size(); ++i)
    page.row(i == 0 ? "Not known" : "", card.uncertainties[i], d::Tint::plain, all);
  return page.text();
}

}  // namespace ketpk
