# SPDX-License-Identifier: Apache-2.0
"""The cards of notebooks: well-formed, complete, and with every word of somebody else's files escaped."""

from __future__ import annotations

import html
import html.parser
import pathlib
import re
from typing import Any

import ketpk
import pytest
from ketpk import _html

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "limits.json"
HOSTILE = "<script>alert('x')</script>\"&<img src=x onerror=alert(1)>"
ELEMENTS = {"div", "table", "tbody", "tr", "th", "td", "span", "b", "ul", "li", "a"}


class Card(html.parser.HTMLParser):
    """A card, taken apart: its words, its attributes, and whether every element is closed in turn."""

    def __init__(self, card: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.roots = 0
        self.feed(card)
        self.close()
        assert self.open == []
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS, tag
        self.roots += not self.open
        self.open.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raise AssertionError(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        assert self.open, data
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def simulated(order: ketpk.Order, **changed: Any) -> ketpk.Result:
    keywords: dict[str, Any] = {
        "model": "kamp2020",
        "analyte": "racemic-ketamine",
        "form": "base",
        "drug_free": True,
        "limits": EXAMPLE,
        "as_of": "2026-11-21",
        **changed,
    }
    return ketpk.simulate(ketpk.Patient(weight_kg=70, age_yr=42, height_cm=175, sex="female"), order, **keywords)


HALF = ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40)
WHOLE = ketpk.infusion(dose_mg_per_kg=1, duration_min=40)


def flagged() -> ketpk.Result:
    return simulated(
        ketpk.bolus(dose_mg=20) + ketpk.infusion(dose_mg_per_kg=1, duration_min=40, start_min=5),
        model="otto2021",
        assume_enantiomers_alike=True,
        form="hydrochloride",
        time_above_ng_per_mL=[100, 5000],
    )


def custom(**changed: Any) -> dict[str, Any]:
    return {
        "custom": {
            "analytes": ["racemic-ketamine"],
            "site": "arterial",
            "parameters": {"CL": "84 L/h", "V1": "25 L"},
            "effect_site": {"ke0": "0.2 1/min", "source": "invented"},
            "metabolites": [{"name": "norketamine", "fraction": 1.0, "V1": "98.6 L", "CL": "57.7 L/h"}],
            **changed,
        }
    }


def limits_of(source: str, **changed: Any) -> dict[str, Any]:
    row = {"quantity": "dose_per_weight", "soft_high": "0.1 mg/kg", "hard_high": "1 mg/kg", "required": True}
    return {
        "schema": "ketpk.limits/1",
        "id": "clinic",
        "version": "3",
        "status": "approved",
        "approver": "the board",
        "effective": "2026-01-01",
        "expires": "2090-01-01",
        "limits": [{**row, "id": "dose", "source": source}],
        **changed,
    }


def all_cards() -> list[str]:
    results = [simulated(HALF), flagged(), simulated(HALF, limits=None, second_solver=False)]
    results.append(simulated(HALF, model=custom()))
    cards = [_html.result(r) for r in results] + [_html.model(m) for m in ketpk.models.list()]
    return [*cards, _html.limits(ketpk.limits.read(EXAMPLE))]


def test_every_card_is_one_element_with_all_in_it_closed() -> None:
    for card in all_cards():
        assert Card(card).roots == 1


def test_no_card_has_a_script_a_style_sheet_or_asks_for_anything_from_the_net() -> None:
    for card in all_cards():
        for tag, name, value in Card(card).attributes:
            assert name in ("style", "href", "rel", "target"), (tag, name)
            assert "url(" not in value
            if name == "href":
                assert value.startswith("https://doi.org/10.")


def test_no_card_paints_words_in_a_colour_without_the_paper_under_it() -> None:
    for card in all_cards():
        for _, name, value in Card(card).attributes:
            if name == "style" and re.search(r"(?<![-a-z])color:#", value):
                assert "background:#" in value


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("word", _html._LABELS)
def test_words_that_stand_out_can_be_read(word: str) -> None:
    light, dark = sorted((luminance(c) for c in _html._LABELS[word]), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5  # WCAG 2.1, contrast minimum


def test_the_card_of_a_result_says_who_what_and_by_which_model() -> None:
    text = Card(_html.result(simulated(HALF))).text
    assert "70 kg, dosed by actual weight · 175 cm · 42 yr · female" in text
    assert "0.5 mg/kg over 40 min from 0 min = 35 mg of base at 0.875 mg/min" in text
    assert "racemic-ketamine · milligrams of base · drug-free at 0 min" in text
    assert "kamp2020 · arterial plasma · built on racemic-ketamine" in text
    assert "Kamp J et al." in text and "doi 10.1097/ALN.0000000000003577" in text


def test_the_card_of_a_result_gives_its_numbers_with_units() -> None:
    r = simulated(HALF, time_above_ng_per_mL=[100, 500])
    text = Card(_html.result(r)).text
    assert "peak [ng/mL] at [min] AUC without end [ng h/mL] plasma 253.1 40 416.7" in text
    assert "delivered 35 mg of base · terminal half-life 183.8 min" in text
    assert "plasma above 100 ng/mL for 53.17 min, first at 4.326 min" in text
    assert "plasma above 500 ng/mL never" in text


def test_effect_site_and_metabolites_have_their_rows() -> None:
    r = simulated(HALF, model=custom())
    effect, metabolite = r.summary.effect_site, r.summary.metabolites["norketamine"]
    assert effect is not None
    text = Card(_html.result(r)).text
    assert f"effect site {effect.cmax_ng_per_mL:.4g} {effect.tmax_min:.4g}" in text
    assert f"norketamine {metabolite.cmax_ng_per_mL:.4g} {metabolite.tmax_min:.4g}" in text
    assert "s-norketamine (apparent)" in Card(_html.result(flagged())).text


@pytest.mark.parametrize(
    ("order", "changed", "word"),
    [
        (HALF, {}, "within-limits"),
        (ketpk.infusion(dose_mg_per_kg=0.6, duration_min=60), {}, "soft"),
        (WHOLE, {}, "hard"),
        (HALF, {"limits": None}, "unevaluated"),
    ],
    ids=["within-limits", "soft", "hard", "unevaluated"],
)
def test_the_verdict_is_a_word_in_a_colour_of_its_own(order: ketpk.Order, changed: Any, word: str) -> None:
    card = _html.result(simulated(order, **changed))
    parsed = Card(card)
    assert f"verdict: {word} typical patient, no variability" in parsed.text
    style = re.search(rf'<span style="([^"]*)">verdict: {word}</span>', card)
    assert style is not None and f"background:{_html._LABELS[word][0]}" in style[1]
    assert len({paper for paper, _ in _html._LABELS.values()}) == len(_html._LABELS)


def test_every_flag_is_there_with_severity_value_limit_source_and_driver() -> None:
    r = flagged()
    text = Card(_html.result(r)).text
    assert f"Flags: {len(r.flags)}" in text and len(r.flags) >= 5
    for flag in r.flags:
        assert f"{flag.severity} {flag.code} {flag.quantity}: {flag.value}" in text
        for said in (flag.source, flag.driver, flag.clears_at, flag.limit and f"limit {flag.limit}"):
            assert said is None or re.sub(r"\s+", " ", said) in text
    assert "first at 5 min, for 40 min" in text


def test_checks_that_were_not_evaluated_say_why_and_whether_they_are_required() -> None:
    text = Card(_html.result(simulated(HALF))).text
    assert "13 checks: 11 passed, 0 flagged, 2 not evaluated" in text
    assert "plasma-peak-venous: SITE_MISMATCH: the limit speaks of venous blood" in text
    document = limits_of("x")
    document["limits"] = [
        {"id": "es", "quantity": "effect_site_peak", "soft_high": "1 ng/mL", "required": True, "source": "x"}
    ]
    assert "es: the model has no effect site · required" in Card(_html.result(simulated(HALF, limits=document))).text


def test_the_solvers_and_what_the_library_is_not_are_said() -> None:
    r = simulated(HALF)
    text = Card(_html.result(r)).text
    assert f"exact and odeint differ by {r.ketpk.agreement_rel:.2g} relative" in text
    assert text.endswith("A research and engineering library, not a medical device.")
    assert "no second solver was asked" in Card(_html.result(simulated(HALF, second_solver=False))).text


def test_overrides_are_counted_and_not_quoted() -> None:
    override = ketpk.Override(flag="DOSE_PER_WEIGHT_HIGH", reason="a private reason", by="Dr Private")
    text = Card(_html.result(simulated(WHOLE, overrides=[override]))).text
    assert "overrides recorded: 1; they change no verdict" in text
    assert "rivate" not in text


def test_limits_that_are_an_example_are_said_to_be_one_loudly() -> None:
    for card in (_html.limits(ketpk.limits.read(EXAMPLE)), _html.result(simulated(HALF))):
        assert "STATUS EXAMPLE" in Card(card).text
    approved = ketpk.Limits(limits_of("x"))
    assert "STATUS EXAMPLE" not in Card(_html.limits(approved)).text
    assert "status approved" in Card(_html.limits(approved)).text


def test_the_card_of_limits_has_every_bound_with_its_source() -> None:
    limits = ketpk.limits.read(EXAMPLE)
    text = Card(_html.limits(limits)).text
    for row in limits.rows:
        assert row["id"] in text and row["source"] in text
        for bound in ("hard_low", "soft_low", "soft_high", "hard_high"):
            assert bound not in row or row[bound] in text
    assert limits.sha256 in text and limits.approver in text
    assert "in force from 2026-01-01 to 2030-01-01" in text
    assert "plasma peak · venous" in text


@pytest.mark.parametrize("id", [m.id for m in ketpk.models.list()])
def test_the_card_of_a_model_has_every_number_with_unit_weight_rule_and_source(id: str) -> None:
    model = ketpk.models.show(id)
    text = Card(_html.model(model)).text
    rules = {0: "as it is for any weight", 1: "× weight / 70 kg", 0.75: "× (weight / 70 kg) to the power of 0.75"}
    delays = [m["delay"]["parameters"] for m in model.metabolites if "delay" in m]
    for rows in (model.parameters, *(m["parameters"] for m in model.metabolites), *delays):
        for p in rows:
            assert f"{p['name']} {p['value']} {rules[p['weight_exponent']]} {p['source']}" in text
            assert all(f"{p['name']} by {e['covariate']} " in text for e in p.get("covariates", ()))
            assert all(e["source"] in text for e in p.get("covariates", ()))
    assert all(u in text for u in model.uncertainties)
    assert f"{model.confidence} that these are the paper's numbers" in text
    assert model.not_for_use is None or f"Not for use: {model.not_for_use}" in text
    assert model.population in text and str(model.corroboration) in text
    assert all(a in text for a in model.analytes)


def test_the_card_of_a_model_links_to_its_paper_and_states_its_domain() -> None:
    card = Card(_html.model(ketpk.models.show("otto2021")))
    assert ("a", "href", "https://doi.org/10.1007/s00228-021-03104-1") in card.attributes
    assert "healthy adults, 18 yr or older (age low 18 yr)" in card.text
    assert "Metabolite s-norketamine, apparent parameters 1 mg formed per mg of parent eliminated" in card.text
    assert "Domain not stated" in Card(_html.model(ketpk.models.show("kamp2020"))).text


def test_words_of_somebody_else_are_escaped_wherever_they_stand() -> None:
    document = limits_of(HOSTILE, id=HOSTILE, version=HOSTILE, approver=HOSTILE)
    document["limits"][0]["id"] = HOSTILE
    model = custom(effect_site={"ke0": "0.2 1/min", "source": HOSTILE})
    r = simulated(WHOLE, limits=document, model=model)
    assert any(f.source == HOSTILE for f in r.flags)
    for card in (_html.result(r), _html.limits(ketpk.Limits(document))):
        assert "<script" not in card and "<img" not in card
        assert HOSTILE in Card(card).text


def test_a_result_from_a_file_that_somebody_changed_is_escaped_too() -> None:
    document = simulated(WHOLE).to_dict()

    def poisoned(x: Any) -> Any:
        if isinstance(x, dict):
            return {k: v if k in ("schema", "verdict") else poisoned(v) for k, v in x.items()}
        if isinstance(x, list):
            return [poisoned(v) for v in x]
        return x + HOSTILE if isinstance(x, str) else x

    import json

    card = _html.result(ketpk.Result.from_json(json.dumps(poisoned(document))))
    parsed = Card(card)
    assert "<script" not in card and "<img" not in card
    assert parsed.text.count("<script>") > 20
    for _, name, value in parsed.attributes:
        assert name in ("style", "href", "rel", "target")
        assert "<" not in value and "alert" not in value or value.startswith("https://doi.org/10.1097/")


def test_words_that_praise_are_never_used() -> None:
    for card in all_cards():
        assert not re.search(r"\b(safe|safely|normal|ok to give|okay)\b", Card(card).text, re.IGNORECASE)


def test_a_long_order_is_cut_and_counted() -> None:
    order = ketpk.bolus(dose_mg=1)
    for i in range(1, 20):
        order += ketpk.bolus(dose_mg=1, start_min=i)
    assert "and 8 more inputs" in Card(_html.result(simulated(order))).text


MODEL = ROOT / "examples" / "model.json"
HAPPENED = [ketpk.pause(0, at_min=10), ketpk.resume(0, at_min=20), ketpk.stop(0, at_min=30)]


def test_the_card_of_a_result_says_what_was_delivered() -> None:
    text = Card(_html.result(simulated(HALF, events=HAPPENED))).text
    assert "17.5 mg of base of 35 mg ordered" in text and "stopped at 30 min" in text
    assert "pause of order[0] at 10 min · resume of order[0] at 20 min · stop of order[0] at 30 min" in text
    line = ketpk.Pump(dead_volume_mL=1.5, primed_with="drug")
    text = Card(_html.result(simulated(HALF, pump=line, bag_mg_per_mL=1))).text
    assert "the line: 1.5 mg of 1.5 mg primed went in" in text
    state = simulated(HALF).state(at_min=20)
    words = {"model": "kamp2020", "analyte": "racemic-ketamine", "form": "base"}
    patient = ketpk.Patient(weight_kg=70, age_yr=42, height_cm=175, sex="female")
    on = ketpk.simulate(patient, None, **words, initial_state=state, under_way="continue")
    assert "goes on from a state saved at 20 min" in Card(_html.result(on)).text
    many = [event for i in range(10) for event in (ketpk.pause(0, at_min=2 * i), ketpk.resume(0, at_min=2 * i + 1))]
    assert "and 8 more events" in Card(_html.result(simulated(HALF, events=many))).text


def test_the_card_of_a_result_says_into_what_an_input_goes() -> None:
    text = Card(_html.result(simulated(ketpk.bolus(dose_mg=50, into="nose"), model=MODEL, limits=None))).text
    assert "50 mg at once into nose at 0 min" in text


def test_the_card_of_a_model_file_has_what_a_file_can_hold() -> None:
    text = Card(_html.model(ketpk.models.read(MODEL))).text
    for said in ("Absorbed from nose into central", "0.05 1/min", "Entering gut", "10 min", "CL, V1, nose.F"):
        assert said in text
    assert "half-lives 15.5 min, 178.6 min · Vss 200 L" in text


def test_what_somebody_else_wrote_in_a_model_file_is_escaped() -> None:
    document = ketpk.models.read(MODEL).document()
    document["label"] = document["population"] = HOSTILE
    for member in (document["parameters"]["CL"], document["absorption"][1]["ka"], document["entries"]["nose"]["F"]):
        member["source"] = HOSTILE
    document["variability"]["source"] = HOSTILE
    card = _html.model(ketpk.models.read(document))
    assert "<script" not in card and "<img" not in card
    assert Card(card).text.count(HOSTILE) == 6


def test_notebooks_find_the_cards() -> None:
    r, m, limits = simulated(HALF), ketpk.models.show("kamp2020"), ketpk.limits.read(EXAMPLE)
    assert r._repr_html_() == _html.result(r)
    assert m._repr_html_() == _html.model(m)
    assert limits._repr_html_() == _html.limits(limits)
    assert _html.result(ketpk.Result.from_json(r.to_json())) == _html.result(r)
