# SPDX-License-Identifier: Apache-2.0
"""Models with the source of every number; limits that somebody else has set."""

from __future__ import annotations

import copy
import datetime
import hashlib
import json
import math
import pathlib
import pickle
import re
import subprocess
from typing import Any

import pytest
from conftest import LIMITS, ORDER, PATIENT, ROOT, WORDS, command

import ketpk

IDS = [
    *("kamp2020", "kamp2020-linear", "otto2021", "domino1984", "clements1981", "herd2007", "simons2022"),
    *("perezruixo2021", "elkomy2015", "hijazi2003", "sherwin2015", "hornik2018", "flint2017"),
]
CARDS = ketpk.models.list()
each_card = pytest.mark.parametrize("card", CARDS, ids=[card.id for card in CARDS])
QUANTITY = re.compile(r"-?\d+(\.\d+)?(e-?\d+)? (L|L/kg|L/h|L/min|L/h/kg|1/min|1/h|min)")


def limits_document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(LIMITS.read_text())
    return document


# Models


def test_the_contracts_models_are_listed() -> None:
    assert [card.id for card in CARDS][: len(IDS)] == IDS
    assert len({card.id for card in CARDS}) == len(CARDS)


@each_card
def test_every_parameter_of_every_card_has_a_source(card: ketpk.Model) -> None:
    rows = list(card.parameters)
    names = {row["name"] for row in rows}
    assert "V1" in names and ("CL" in names or "k10" in names or "Qh" in names)
    for metabolite in card.metabolites:
        rows += list(metabolite["parameters"]) + list(metabolite.get("delay", {"parameters": ()})["parameters"])
    if card.effect_site is not None:
        rows.append({"name": "ke0", **card.effect_site, "value": card.effect_site["ke0"]})
    for row in rows:
        assert len(row["source"].strip()) > 10, row["name"]
        assert QUANTITY.fullmatch(row["value"]), row
    if card.domain["statement"] != "not-stated":
        assert card.domain["source"].strip()


@each_card
def test_a_card_says_who_measured_what_where(card: ketpk.Model) -> None:
    assert card.label and card.site in ("arterial", "venous", "not-stated") and card.population
    assert card.citation and card.doi and card.uncertainties and card.reference_weight == "70 kg"
    assert card.confidence in ("low", "medium-low", "medium", "medium-high", "high")
    assert (card.not_for_use is not None) == (card.id in ("hornik2018", "flint2017"))
    assert card.analytes and set(card.analytes) <= {"racemic-ketamine", "s-ketamine", "r-ketamine"}


@each_card
def test_show_gives_the_listed_card(card: ketpk.Model) -> None:
    shown = ketpk.models.show(card.id)
    assert shown == card and hash(shown) == hash(card) and shown is not card
    assert card.to_dict() == json.loads(card.to_json()) and card.to_dict()["schema"] == "ketpk.card/1"
    for name, value in card.to_dict().items():
        if name != "schema":
            held = getattr(card, name)
            assert json.loads(json.dumps(held, default=lambda m: dict(m))) == value, name
    assert card.id in repr(card) and "\n" not in repr(card)
    assert card.id in str(card) and all(row["name"] in str(card) for row in card.parameters)


@each_card
def test_a_card_is_a_value(card: ketpk.Model) -> None:
    for again in (pickle.loads(pickle.dumps(card)), copy.copy(card), copy.deepcopy(card)):
        assert again == card and hash(again) == hash(card) and again.to_json() == card.to_json()
    with pytest.raises(AttributeError):
        card.site = "venous"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        card.parameters[0].update(value="1 L")  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        card.domain["statement"] = "anybody"  # type: ignore[index]
    card.to_dict()["parameters"][0]["value"] = "1 L"
    assert ketpk.models.show(card.id) == card and card != "a card"


def test_cards_differ() -> None:
    assert len(set(CARDS)) == len(CARDS) and CARDS[0] != CARDS[1]


def test_a_card_is_not_made_by_hand() -> None:
    with pytest.raises(TypeError):
        ketpk.Model()


def test_a_card_can_be_asked_for_by_itself_or_by_its_id() -> None:
    for card in CARDS:
        words = {**WORDS, "analyte": card.analytes[0], "extrapolate": True}
        if card.not_for_use:
            with pytest.raises(ketpk.InvalidInput, match="not for use"):
                ketpk.simulate(PATIENT, ORDER, **{**words, "model": card.id})
            continue
        looked_at = {e["covariate"] for row in card.parameters for e in row.get("covariates", ())} - {"AGE"}
        patient = ketpk.Patient(weight_kg=70, age_yr=42, covariates=dict.fromkeys(looked_at, 0))
        by_id = ketpk.simulate(patient, ORDER, **{**words, "model": card.id})
        assert ketpk.simulate(patient, ORDER, **{**words, "model": card}) == by_id
        stated = {row["name"]: row["value"] for row in card.parameters}
        assert {row["name"]: row["value"] for row in by_id.model["parameters"]} == stated


def test_a_model_that_is_not_there_names_those_that_are() -> None:
    words = {**WORDS, "model": "kamp"}
    for ask in (lambda: ketpk.models.show("kamp"), lambda: ketpk.simulate(PATIENT, ORDER, **words)):
        with pytest.raises(ketpk.InvalidInput) as refusal:
            ask()
        assert refusal.value.code == "E_MODEL_UNKNOWN" and all(card.id in refusal.value.message for card in CARDS)
    for thing in (1, None, b"kamp2020", CARDS[0]):
        with pytest.raises(ketpk.WrongType):
            ketpk.models.show(thing)  # type: ignore[arg-type]


MODEL = ROOT / "examples" / "model.json"
OF_FILE: dict[str, Any] = {**WORDS, "model": MODEL}


def model_document(**changed: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(MODEL.read_text())
    return {**document, **changed}


def by_the_command(*arguments: object, code: int = 0) -> str:
    done = subprocess.run([str(command()), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


def test_a_model_is_shown_as_the_command_shows_it(tmp_path: pathlib.Path) -> None:
    for card, name in ((ketpk.models.read(MODEL), MODEL), (CARDS[0], CARDS[0].id)):
        assert card.to_json() == by_the_command("models", "show", name, "--json")
        assert str(card) == by_the_command("models", "show", name)
        card.to_file(tmp_path / "model.json", replace=True)
        assert (tmp_path / "model.json").read_text() == by_the_command("models", "show", name, "--card")


def test_a_model_from_a_path_a_text_and_a_document_are_alike() -> None:
    card = ketpk.models.read(MODEL)
    for source in (str(MODEL), model_document(), {"card": model_document()}):
        again = ketpk.models.read(source)
        assert again == card and hash(again) == hash(card) and again.to_json() == card.to_json()
    assert card.id == "example-intranasal" and card.analytes == ("racemic-ketamine",)
    for again in (pickle.loads(pickle.dumps(card)), copy.deepcopy(card)):
        assert again == card and str(again) == str(card)
    assert card != ketpk.models.read(model_document(label="another"))


def test_the_document_of_a_card_is_a_file_that_gives_the_card_again(tmp_path: pathlib.Path) -> None:
    for card in (*CARDS, ketpk.models.read(MODEL)):
        document = card.document()
        assert document["schema"] == "ketpk.model/1" and document["id"] == card.id
        again = ketpk.models.read(document)
        assert again.to_dict() == card.to_dict() and again.document() == document
        path = tmp_path / f"{card.id}.json"
        card.to_file(path)
        assert ketpk.models.read(path) == again
        document["id"] = "mine"
        assert card.document()["id"] == card.id
        with pytest.raises(ketpk.InvalidInput, match="E_IO output"):
            card.to_file(path)


def test_a_card_says_what_follows_from_it() -> None:
    derived = ketpk.models.read(MODEL).derived
    assert derived is not None
    assert derived["Vss_L"] == pytest.approx(200) and derived["CL_L_per_min"] == pytest.approx(75 / 60)
    assert derived["half_life_min"][-1] == pytest.approx(2.9764148 * 60, rel=1e-7)
    assert [rate * half for rate, half in zip(derived["lambda_per_min"], derived["half_life_min"])] == pytest.approx(
        [math.log(2)] * 2
    )
    assert isinstance(derived["Vss_L"], float)
    for card in CARDS:
        assert card.derived is not None and len(card.derived["half_life_min"]) in (2, 3, 4)


def test_everything_that_takes_a_model_takes_a_file() -> None:
    card = ketpk.models.read(MODEL)
    due = ketpk.simulate(PATIENT, ORDER, **OF_FILE)
    session = {"schema": "ketpk.session/1", "patient": PATIENT.to_session(), "order": ORDER.to_session()}
    session |= {"analyte": "racemic-ketamine", "form": "base", "initial_state": "drug-free"}
    assert due == ketpk.simulate_session({**session, "model": {"file": "model.json"}}, folder=MODEL.parent)
    table = {"weight_kg": [70.0, 80.0], "age_yr": [42.0] * 2, "dose_mg_per_kg": [0.5] * 2, "duration_min": [40.0] * 2}
    frame = ketpk.simulate_frame(table, **OF_FILE)
    assert frame["cmax_ng_per_mL"][0] == due.summary.cmax_ng_per_mL
    for model in (str(MODEL), card, model_document(), {"file": str(MODEL)}, {"card": model_document()}):
        assert ketpk.simulate(PATIENT, ORDER, **{**OF_FILE, "model": model}) == due
        assert ketpk.simulate_frame(table, **{**OF_FILE, "model": model}) == frame
    words = {name: word for name, word in WORDS.items() if name != "model"}
    by_row = ketpk.simulate_frame({**table, "model": [str(MODEL), "kamp2020"]}, **words)
    built_in = ketpk.simulate(ketpk.Patient(weight_kg=80, age_yr=42), ORDER, **WORDS)
    assert by_row["cmax_ng_per_mL"].tolist() == [due.summary.cmax_ng_per_mL, built_in.summary.cmax_ng_per_mL]


def test_a_result_of_a_file_comes_back_and_can_be_asked_again(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(MODEL.read_bytes())
    result = ketpk.simulate(PATIENT, ORDER, **{**OF_FILE, "model": path}, every_min=10, until_min=60)
    path.unlink()  # the result holds its model
    again = pickle.loads(pickle.dumps(result))
    assert again == result and again.inputs["model"]["card"]["id"] == "example-intranasal"
    asked = ketpk.simulate(PATIENT, ORDER, **{**OF_FILE, "model": again.inputs["model"]}, every_min=10, until_min=60)
    assert asked.profile == result.profile and asked == result


def test_bad_models_are_refused(tmp_path: pathlib.Path) -> None:
    def refused(model: Any, code: str, field: str) -> None:
        for ask in (
            lambda: ketpk.models.read(model),
            lambda: ketpk.simulate(PATIENT, ORDER, **{**OF_FILE, "model": model}),
        ):
            with pytest.raises(ketpk.InvalidInput) as caught:
                ask()
            assert (caught.value.code, caught.value.field) == (code, field)

    refused(model_document(schema="ketpk.model/2"), "E_SCHEMA_VERSION", "model.schema")
    refused(model_document(parameter={}), "E_FIELD_UNKNOWN", "model.parameter")
    refused(model_document(parameters={"V1": {"value": "60 L", "source": "x"}}), "E_MODEL_PARAM", "model.parameters.CL")
    twice = tmp_path / "twice.json"
    twice.write_text('{"schema": "ketpk.model/1", "schema": "ketpk.model/1"}')
    refused(twice, "E_FIELD_DUPLICATE", "model.schema")
    with pytest.raises(ketpk.InvalidInput, match="E_IO model"):
        ketpk.models.read(tmp_path / "absent.json")
    with pytest.raises(ketpk.InvalidInput, match="E_IO model.file"):
        ketpk.simulate(PATIENT, ORDER, **{**OF_FILE, "model": "./absent.json"})
    for thing in (1, None, b"model.json", CARDS[0]):
        with pytest.raises(ketpk.WrongType):
            ketpk.models.read(thing)  # type: ignore[arg-type]
    no_drug = model_document(analytes=[])  # a model for data files only
    with pytest.raises(ketpk.InvalidInput):
        ketpk.simulate(PATIENT, ORDER, **{**OF_FILE, "model": no_drug})


def test_lint_finds_in_a_model_what_the_command_finds(tmp_path: pathlib.Path) -> None:
    assert ketpk.models.lint(MODEL) == ketpk.models.lint(ketpk.models.read(MODEL)) == ()
    for card in CARDS:
        assert [f for f in ketpk.models.lint(card.id) if f.severity == "error"] == []
    bad = model_document()
    bad["parameters"]["V1"]["value"] = "60000 L"
    del bad["parameters"]["CL"]["source"]
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(bad))
    found = ketpk.models.lint(bad)
    assert found == ketpk.models.lint(path) == ketpk.models.lint(str(path))
    due = json.loads(by_the_command("models", "lint", path, "--json", code=2))["findings"]
    assert [dict(severity=f.severity, code=f.code, field=f.field, message=f.message) for f in found] == due
    assert {"error", "warning"} <= {f.severity for f in found}
    assert "model.parameters.CL.source" in {f.field for f in found}
    for thing in (1, None, b"model.json"):
        with pytest.raises(ketpk.WrongType):
            ketpk.models.lint(thing)  # type: ignore[arg-type]
    with pytest.raises(ketpk.InvalidInput, match="E_MODEL_UNKNOWN"):
        ketpk.models.lint("kamp")


# Limits


def test_limits_from_a_path_a_text_and_a_mapping_are_alike() -> None:
    read = ketpk.limits.read(LIMITS)
    assert read == ketpk.limits.read(str(LIMITS)) and hash(read) == hash(ketpk.limits.read(str(LIMITS)))
    made = ketpk.Limits(limits_document())
    assert made == ketpk.limits.read(limits_document()) and made.rows == read.rows
    # A mapping is written anew, so its bytes, and by them its hash in results, are its own.
    assert made != read and made.sha256 != read.sha256


def test_limits_say_what_the_file_says() -> None:
    limits, document = ketpk.limits.read(LIMITS), limits_document()
    assert (limits.id, limits.version, limits.status) == (document["id"], document["version"], "example")
    assert limits.approver == document["approver"]
    assert limits.effective == datetime.date(2026, 1, 1) and limits.expires == datetime.date(2030, 1, 1)
    assert limits.sha256 == hashlib.sha256(LIMITS.read_bytes()).hexdigest()
    assert [dict(row) for row in limits.rows] == document["limits"] and limits.to_dict() == document
    assert all(row["source"].strip() for row in limits.rows)
    assert limits.id in repr(limits) and "example" in repr(limits) and "\n" not in repr(limits)


def test_limits_are_a_value() -> None:
    limits = ketpk.limits.read(LIMITS)
    for again in (pickle.loads(pickle.dumps(limits)), copy.copy(limits), copy.deepcopy(limits)):
        assert again == limits and hash(again) == hash(limits) and again.sha256 == limits.sha256
        assert again.rows == limits.rows
    for name in ("id", "rows", "sha256", "anything"):
        with pytest.raises(AttributeError):
            setattr(limits, name, None)
    with pytest.raises(AttributeError):
        del limits._bytes
    with pytest.raises(TypeError):
        limits.rows[0]["soft_high"] = "9 mg/kg"  # type: ignore[index]
    limits.to_dict()["limits"].clear()
    assert limits == ketpk.limits.read(LIMITS) and limits != "limits"


def test_limits_given_in_any_form_are_used_alike() -> None:
    words: dict[str, Any] = {**WORDS, "as_of": "2026-11-21"}
    limits = ketpk.limits.read(LIMITS)
    due = ketpk.simulate(PATIENT, ORDER, limits=limits, **words)
    assert due.assessment.limits is not None and due.assessment.limits.sha256 == limits.sha256
    assert due.verdict is ketpk.Verdict.WITHIN_LIMITS
    for given in (LIMITS, str(LIMITS)):
        assert ketpk.simulate(PATIENT, ORDER, limits=given, **words) == due
    assert ketpk.simulate(PATIENT, ORDER, limits=limits_document(), **words).assessment.checks == due.assessment.checks
    assert ketpk.simulate(PATIENT, ORDER, **words).verdict is ketpk.Verdict.UNEVALUATED
    things: list[Any] = [1, [], LIMITS.read_bytes(), True]
    for thing in things:
        with pytest.raises(ketpk.WrongType):
            ketpk.simulate(PATIENT, ORDER, limits=thing, **words)


def test_a_result_keeps_limits_that_change_later(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "limits.json"
    path.write_bytes(LIMITS.read_bytes())
    limits = ketpk.limits.read(path)
    document = limits_document()
    from_mapping = ketpk.Limits(document)
    path.write_text("{}")
    document["limits"].clear()
    assert len(limits.rows) == len(from_mapping.rows) == len(limits_document()["limits"])
    with pytest.raises(ketpk.InvalidInput):
        ketpk.limits.read(path)


BROKEN: dict[str, tuple[Any, str, str]] = {
    "no source": (lambda d: d["limits"][0].pop("source"), "E_FIELD_MISSING", "limits.limits[0].source"),
    "an empty source": (lambda d: d["limits"][0].update(source=""), "E_FIELD_MISSING", "limits.limits[0].source"),
    "no hard bound": (lambda d: d["limits"][0].pop("hard_high"), "E_LIMITS_MISSING", "limits.limits[0].hard_high"),
    "bounds out of order": (
        lambda d: d["limits"][0].update(soft_low="0.9 mg/kg"),
        "E_LIMITS_ORDER",
        "limits.limits[0].soft_high",
    ),
    "a bound without a unit": (
        lambda d: d["limits"][0].update(soft_high="0.5"),
        "E_UNIT_MISSING",
        "limits.limits[0].soft_high",
    ),
    "a bound of another kind": (
        lambda d: d["limits"][0].update(soft_high="5 min"),
        "E_UNIT_MISMATCH",
        "limits.limits[0].soft_high",
    ),
    "a slip of the pen": (
        lambda d: d["limits"][0].update(soft_hgih="0.5 mg/kg"),
        "E_FIELD_UNKNOWN",
        "limits.limits[0].soft_hgih",
    ),
    "another schema": (lambda d: d.update(schema="ketpk.limits/2"), "E_SCHEMA_VERSION", "limits.schema"),
    "no approver": (lambda d: d.pop("approver"), "E_FIELD_MISSING", "limits.approver"),
    "an empty approver": (lambda d: d.update(approver=""), "E_LIMITS_UNAPPROVED", "limits.approver"),
}


@pytest.mark.parametrize("why", BROKEN)
def test_reading_and_linting_name_what_is_wrong(why: str) -> None:
    change, code, field = BROKEN[why]
    document = limits_document()
    change(document)
    with pytest.raises(ketpk.InvalidInput) as refusal:
        ketpk.limits.read(document)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    (finding,) = ketpk.limits.lint(document, as_of="2026-11-21")
    assert (finding.code, finding.field) == (code, field) and "; accepted: " in finding.message


def test_lint_names_every_finding() -> None:
    document = limits_document()
    rows = document["limits"]
    rows[0]["soft_hgih"] = rows[0].pop("soft_high")
    rows[1]["source"] = ""
    del rows[2]["hard_high"]
    rows[3]["soft_high"] = "100"
    rows[4]["site"] = "somewhere"
    document["expires"] = "2026-02-01"
    found = [(f.code, f.field) for f in ketpk.limits.lint(document, as_of="2026-11-21")]
    assert sorted(found) == sorted(
        [
            ("E_FIELD_UNKNOWN", "limits.limits[0].soft_hgih"),
            ("E_FIELD_MISSING", "limits.limits[1].source"),
            ("E_LIMITS_MISSING", "limits.limits[2].hard_high"),
            ("E_UNIT_MISSING", "limits.limits[3].soft_high"),
            ("E_RANGE", "limits.limits[4].site"),
            ("E_LIMITS_STALE", "limits.expires"),
        ]
    )


def test_lint_finds_nothing_wrong_with_the_example(tmp_path: pathlib.Path) -> None:
    for source in (LIMITS, str(LIMITS), limits_document()):
        assert ketpk.limits.lint(source, as_of="2026-11-21") == ()
    path = tmp_path / "limits.json"
    path.write_text("{")
    (finding,) = ketpk.limits.lint(path)
    assert finding.code == "E_PARSE"


def test_a_finding_is_a_value() -> None:
    (finding,) = ketpk.limits.lint({**limits_document(), "schema": "other"})
    assert pickle.loads(pickle.dumps(finding)) == finding and hash(finding) == hash(copy.copy(finding))
    with pytest.raises(AttributeError):
        finding.code = "E_OK"  # type: ignore[misc]


def test_files_that_cannot_be_read_are_named_as_such(tmp_path: pathlib.Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        for ask in (ketpk.limits.read, ketpk.limits.lint, ketpk.simulate_session):
            with pytest.raises(ketpk.InvalidInput) as refusal:
                ask(path)
            assert refusal.value.code == "E_IO"
    large = tmp_path / "large.json"
    large.write_bytes(b" " * (1 << 20) + b"{}")
    with pytest.raises(ketpk.InvalidInput) as refusal:
        ketpk.limits.read(large)
    assert refusal.value.code == "E_SIZE"


# Days


def test_a_day_is_a_date_or_its_text() -> None:
    words: dict[str, Any] = {**WORDS, "limits": LIMITS}
    by_text = ketpk.simulate(PATIENT, ORDER, as_of="2026-11-21", **words)
    assert ketpk.simulate(PATIENT, ORDER, as_of=datetime.date(2026, 11, 21), **words) == by_text
    assert by_text.inputs["as_of"] == "2026-11-21"
    lint = ketpk.limits.lint
    assert lint(LIMITS, as_of=datetime.date(2026, 11, 21)) == lint(LIMITS, as_of="2026-11-21") == ()
    now = datetime.datetime.now(datetime.timezone.utc)
    for thing in (now, now.replace(tzinfo=None), 20261121, 2026.0, b"2026-11-21", (2026, 11, 21)):
        with pytest.raises(ketpk.WrongType):
            ketpk.simulate(PATIENT, ORDER, as_of=thing, **words)  # type: ignore[arg-type]
        with pytest.raises(ketpk.WrongType):
            lint(LIMITS, as_of=thing)  # type: ignore[arg-type]
    for text in ("2026-13-01", "2026-02-30", "21.11.2026", "2026-11-21T00:00", "", "2026-11-2"):
        with pytest.raises(ketpk.InvalidInput) as refusal:
            ketpk.simulate(PATIENT, ORDER, as_of=text, **words)
        assert refusal.value.code in ("E_PARSE", "E_RANGE")
        with pytest.raises(ketpk.InvalidInput) as refusal:
            lint(LIMITS, as_of=text)
        assert refusal.value.code in ("E_PARSE", "E_RANGE")


def test_limits_count_on_the_days_they_are_in_force() -> None:
    words: dict[str, Any] = {**WORDS, "limits": LIMITS}
    for day, code in (("2025-12-31", "E_LIMITS_NOT_YET"), ("2030-01-02", "E_LIMITS_STALE")):
        with pytest.raises(ketpk.InvalidInput) as refusal:
            ketpk.simulate(PATIENT, ORDER, as_of=day, **words)
        assert refusal.value.code == code
        assert [f.code for f in ketpk.limits.lint(LIMITS, as_of=day)] == [code]
    assert ketpk.simulate(PATIENT, ORDER, as_of="2026-01-01", **words).verdict is ketpk.Verdict.WITHIN_LIMITS
    # Without a day it is today's, in UTC, which the result says.
    before = datetime.datetime.now(datetime.timezone.utc).date()
    said = datetime.date.fromisoformat(ketpk.simulate(PATIENT, ORDER, **words).inputs["as_of"])
    assert before <= said <= datetime.datetime.now(datetime.timezone.utc).date()


def test_a_pickled_card_is_the_card_that_was_pickled() -> None:
    for card in CARDS:
        again = pickle.loads(pickle.dumps(card))
        assert again == card and str(again) == str(card)
    kind, (schema, *held) = CARDS[0].__reduce__()
    assert schema == "ketpk.card/1" and kind(schema, *held) == CARDS[0]
    text, *others = held
    assert kind(schema, text.replace("25 L", "26 L"), *others) != CARDS[0]
    with pytest.raises(ketpk.InvalidInput, match="E_SCHEMA_VERSION"):
        kind("ketpk.card/0", *held)
