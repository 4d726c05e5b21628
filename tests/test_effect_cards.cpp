// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "ketpk/effect.hpp"
#include "ketpk/effect_cards.hpp"
#include "ketpk/library.hpp"
#include "ketpk/simulate.hpp"
#include "made_up.hpp"

using namespace ketpk;
using namespace ketpk::literals;
using namespace std::chrono_literals;

namespace {

constexpr Allowances alike{.assume_enantiomers_alike = true};

Result run(const ModelCard& card) {
  const Request request{.patient = {.weight = 70_kg, .age = Age(42, unit::yr)},
                        .order = made_up::order_of({Infuse{0.5_mg_per_kg, 40min}}),
                        .model = card,
                        .allowances = alike};
  return std::get<Result>(simulate(request));
}

std::string refusal(const ModelCard& model, const EffectCard& study, Allowances allowances = alike) {
  try {
    (void)with_effects(model, study, allowances);
  } catch (const InvalidInput& e) {
    return std::string(name_of(e.code));
  }
  return "accepted";
}

}  // namespace

TEST_CASE("no model has an effect site or an effect until somebody asks for one by name") {
  for (const ModelCard& card : library::cards()) {
    CHECK_FALSE(card.ke0.has_value());
    CHECK(card.effects.empty());
    CHECK(card.effect_card.empty());
  }
}

TEST_CASE("every number of an effect card has a source, and every card says what it does not know") {
  std::set<std::string> ids;
  for (const EffectCard& card : library::effect_cards()) {
    INFO(card.id);
    CHECK(ids.insert(card.id).second);
    CHECK(library::find_effect(card.id).id == card.id);
    for (const std::string* text : {&card.label, &card.citation, &card.doi, &card.endpoint, &card.population,
                                    &card.estimated_with, &card.corroboration})
      CHECK_FALSE(text->empty());
    CHECK_FALSE(card.analytes.empty());
    CHECK_FALSE(card.uncertainties.empty());
    CHECK(card.confidence != Confidence::not_stated);
    if (card.ke0) CHECK_FALSE(card.ke0->source.empty());
    for (const CardEffect& e : card.effects) CHECK_FALSE(effect_source_of(e).empty());
    for (const EffectNumber& n : card.numbers) CHECK_FALSE(n.source.empty());
    CHECK((card.ke0 || !card.effects.empty() || !card.numbers.empty()));
  }
}

TEST_CASE("a half-life of the effect site is a rate constant") {
  // The review gives these in 1/min: 8.3 min is 0.084, 6.1 min 0.114, 11 s 3.8.
  CHECK(library::find_effect("olofsen2022").ke0->per_min() == Approx(0.084).margin(0.0005));
  CHECK(library::find_effect("olofsen2012").ke0->per_min() == Approx(0.114).margin(0.0005));
  CHECK(library::find_effect("herd2008").ke0->per_min() == Approx(3.8).margin(0.05));
  CHECK(library::find_effect("navarrete2025").ke0->per_min() == 0.238);
}

TEST_CASE("the effect site's peak after a 40-min infusion hardly depends on the constant, as the review computed") {
  // Kamp's concentrations, 35 mg over 40 min at 70 kg: 217, 229 and 243 ng/mL at 40 to 41 min.
  for (const auto& [id, ng_per_mL] :
       {std::pair{"olofsen2022", 217.0}, {"olofsen2012", 229.0}, {"navarrete2025", 243.0}}) {
    INFO(id);
    const Result r = run(with_effects(library::find("kamp2020"), library::find_effect(id), alike));
    REQUIRE(r.summary.effect_site.has_value());
    CHECK(std::abs(r.summary.effect_site->ng_per_mL - ng_per_mL) <= 0.5);
    CHECK(r.summary.effect_site->min >= 40);
    CHECK(r.summary.effect_site->min <= 41.5);
    CHECK(r.summary.plasma.ng_per_mL == run(library::find("kamp2020")).summary.plasma.ng_per_mL);
    CHECK(r.inputs.model.effect_card == id);
    const auto& doubts = r.inputs.model.uncertainties;
    CHECK(std::any_of(doubts.begin(), doubts.end(),
                      [](const std::string& s) { return s.find("not with this model") != std::string::npos; }));
  }
}

TEST_CASE("an effect that is stated whole is computed from the effect site") {
  const Result r = run(with_effects(library::find("kamp2020"), library::find_effect("olofsen2012"), alike));
  REQUIRE(r.effects.size() == 1);
  CHECK(r.assessment.flags.size() == 1);
  CHECK(r.assessment.flags[0].code == "ENANTIOMERS_ASSUMED_ALIKE");
  // In proportion: -3.8 cm at 100 ng/mL.
  CHECK(r.effects[0].lowest.value == Approx(-3.8 * r.summary.effect_site->ng_per_mL / 100).epsilon(1e-9));
  CHECK(r.effects[0].lowest.min == Approx(r.summary.effect_site->min).epsilon(1e-6));
  const Result children = run(with_effects(library::find("kamp2020"), library::find_effect("herd2008"), alike));
  const double x = std::pow(children.summary.effect_site->ng_per_mL / 560, 3.71);
  CHECK(children.effects[0].lowest.value == Approx(5 * (1 - 0.939 * x / (1 + x))).epsilon(1e-9));
}

TEST_CASE("a constant that was estimated with the model's own concentrations says so") {
  const ModelCard card = with_effects(library::find("domino1984"), library::find_effect("navarrete2025"), {});
  const auto& doubts = card.uncertainties;
  CHECK(std::any_of(doubts.begin(), doubts.end(),
                    [](const std::string& s) { return s.find("estimated with this model.") != std::string::npos; }));
}

TEST_CASE("what cannot be put beside a model is refused") {
  const ModelCard kamp = library::find("kamp2020"), otto = library::find("otto2021");
  CHECK(refusal(kamp, library::find_effect("navarrete2025"), {}) == "accepted");
  CHECK(refusal(otto, library::find_effect("olofsen2022"), {}) == "accepted");
  CHECK(refusal(kamp, library::find_effect("olofsen2022"), {}) == "E_MODEL_ANALYTE");
  CHECK(refusal(otto, library::find_effect("navarrete2025"), {}) == "E_MODEL_ANALYTE");
  for (const char* id : {"simons2022-pd", "dahan2011", "biogears"}) {
    INFO(id);
    CHECK(refusal(kamp, library::find_effect(id)) == "E_MODEL_PARAM");
  }
  const ModelCard once = with_effects(kamp, library::find_effect("navarrete2025"), {});
  CHECK(refusal(once, library::find_effect("olofsen2022")) == "E_MODEL_PARAM");
  CHECK_THROWS_AS(library::find_effect("nobody2020"), InvalidInput);
}
