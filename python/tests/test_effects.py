# SPDX-License-Identifier: Apache-2.0
"""Effects in Python: stated as values, answered by name, the same bits as by the command."""

from __future__ import annotations

import csv
import io
import json
import pathlib
import pickle
import subprocess
from typing import Any

import numpy as np
import pandas
import pytest
from conftest import EVERYTHING, ORDER, PATIENT, ROOT, WORDS, command, session

import ketpk

MODEL = ROOT / "examples" / "model.json"
EMAX = ketpk.Emax(
    name="dissociation",
    of="plasma",
    ec50_ng_per_mL=150,
    hill=2.5,
    baseline=3,
    change=80,
    unit="points, of 100",
    source="made up",
)
LINEAR = ketpk.LinearEffect(
    name="pressure", of="plasma", at_ng_per_mL=200, baseline=90, change=-5.5, unit="mmHg", source="made up"
)
TURNOVER = ketpk.Turnover(
    name="pain",
    of="plasma",
    acts="inhibit-build-up",
    drive="saturable",
    kout_per_min=0.1,
    baseline=7,
    most=0.9,
    c50_ng_per_mL=100,
    hill=1.5,
    unit="points",
    source="made up",
)
EFFECTS = [EMAX, LINEAR, TURNOVER]


def simulated(**changed: Any) -> ketpk.Result:
    keywords: dict[str, Any] = {**WORDS, "effects": EFFECTS, "every_min": 5, "until_min": 120, **changed}
    return ketpk.simulate(PATIENT, ORDER, **keywords)


def changed(effect: ketpk.Effect, **members: Any) -> dict[str, Any]:
    """An effect as a session holds it, with members replaced or, where None, left out."""
    return {k: v for k, v in {**effect.to_session(), **members}.items() if v is not None}


def hill(c: Any) -> Any:
    return 3 + 80 * c**2.5 / (150**2.5 + c**2.5)


def test_an_effect_says_in_a_session_what_its_keywords_say() -> None:
    assert EMAX.to_session() == {
        "name": "dissociation",
        "of": "plasma",
        "kind": "emax",
        "ec50": "150 ng/mL",
        "hill": 2.5,
        "baseline": 3,
        "change": 80,
        "unit": "points, of 100",
        "source": "made up",
    }
    assert LINEAR.to_session()["at"] == "200 ng/mL"
    assert TURNOVER.to_session() == {
        "name": "pain",
        "of": "plasma",
        "kind": "turnover",
        "acts": "inhibit-build-up",
        "drive": "saturable",
        "kout": "0.1 1/min",
        "baseline": 7,
        "most": 0.9,
        "c50": "100 ng/mL",
        "hill": 1.5,
        "unit": "points",
        "source": "made up",
    }


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_is_a_value(effect: ketpk.Effect) -> None:
    again = eval(repr(effect), {name: getattr(ketpk, name) for name in ("Emax", "LinearEffect", "Turnover")})
    assert again == effect and hash(again) == hash(effect) and again is not effect
    assert pickle.loads(pickle.dumps(effect)) == effect
    assert all(effect != other for other in EFFECTS if other is not effect)
    with pytest.raises(AttributeError):
        effect.name = "another"  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        ketpk.Effect()


@pytest.mark.parametrize("effect", EFFECTS)
def test_every_keyword_is_due_and_none_is_filled_in(effect: ketpk.Effect) -> None:
    given = {keyword: value for keyword, _, value in effect._said[1:]}
    for keyword in given:
        if keyword == "hill" and isinstance(effect, ketpk.Turnover):
            continue  # of a saturable drive only, which the core knows
        with pytest.raises(TypeError):
            type(effect)(**{k: v for k, v in given.items() if k != keyword})


@pytest.mark.parametrize(
    ("keyword", "value", "code"),
    [
        ("ec50_ng_per_mL", "150", "E_TYPE"),
        ("ec50_ng_per_mL", float("nan"), "E_NONFINITE"),
        ("hill", True, "E_TYPE"),
        ("hill", np.float32(2), "E_TYPE"),
        ("baseline", None, "E_TYPE"),
        ("change", float("inf"), "E_NONFINITE"),
        ("unit", 1, "E_TYPE"),
        ("name", b"x", "E_TYPE"),
        ("source", None, "E_TYPE"),
    ],
)
def test_what_is_no_text_or_number_is_refused_with_its_keyword(keyword: str, value: object, code: str) -> None:
    given: dict[str, Any] = {
        "name": "x",
        "of": "plasma",
        "ec50_ng_per_mL": 150,
        "hill": 1,
        "baseline": 0,
        "change": 1,
        "unit": "points",
        "source": "made up",
    }
    with pytest.raises(ketpk.InvalidInput) as refused:
        ketpk.Emax(**{**given, keyword: value})
    assert (refused.value.code, refused.value.field) == (code, keyword)


def test_effects_are_answered_by_name_from_the_curve_that_they_follow() -> None:
    r = simulated()
    assert [*r.effects] == ["dissociation", "pressure", "pain"]
    emax, linear, pain = r.effects.values()
    c = r.profile.plasma_ng_per_mL
    np.testing.assert_allclose(emax.values, hill(c), rtol=1e-13)
    np.testing.assert_allclose(linear.values, 90 - 5.5 * c / 200, rtol=1e-14)
    assert emax.unit == "points, of 100" and emax.source == "made up" and emax.of == "plasma" and emax.kind == "emax"
    assert emax.highest == ketpk.Extreme(value=pytest.approx(hill(r.summary.cmax_ng_per_mL), rel=1e-9), min=40.0)
    assert emax.lowest == ketpk.Extreme(value=3.0, min=0.0)
    assert (emax.solver, emax.second_solver) == (r.ketpk.solver, r.ketpk.second_solver)
    assert pain.baseline == 7 and pain.highest.value == 7
    assert pain.lowest.value <= pain.values.min() < 3 and pain.lowest.min > 40
    assert pain.solver == "odeint" and pain.second_solver == "rosenbrock"
    assert pain.agreement_rel is not None and pain.agreement_rel <= 1e-8
    assert simulated(second_solver=False).effects["pain"].agreement_rel is None
    assert simulated(effects=[]).effects == {}


def test_the_values_are_columns_of_the_profile_that_nobody_can_write_to() -> None:
    r = simulated()
    assert [*r.profile][-3:] == ["dissociation (points, of 100)", "pressure (mmHg)", "pain (points)"]
    for effect in r.effects.values():
        column = r.profile[f"{effect.name} ({effect.unit})"]
        assert effect.values is column or np.shares_memory(effect.values, column)
        assert effect.values.dtype == np.float64 and effect.values.shape == r.profile.time_us.shape
        with pytest.raises(ValueError):
            effect.values[0] = 1
    assert r.profile.metabolites == {}
    frame = r.to_pandas()
    assert frame["pain (points)"].tolist() == r.effects["pain"].values.tolist()
    assert r.to_polars()["pain (points)"].to_list() == frame["pain (points)"].tolist()
    with pytest.raises(TypeError):
        bool(r.effects["pain"])


def test_a_result_with_effects_comes_back_bit_for_bit() -> None:
    r = simulated()
    for again in (ketpk.Result.from_json(r.to_json()), pickle.loads(pickle.dumps(r))):
        assert again == r and again.effects == r.effects and [*again.profile] == [*r.profile]
        assert again.effects["pain"].values.tolist() == r.effects["pain"].values.tolist()
        assert again.inputs["effects"] == r.inputs["effects"]
    assert r.effects["pain"] != simulated(effects=[TURNOVER], every_min=10).effects["pain"]


@pytest.mark.parametrize(
    ("member", "value"),
    [("values", [1.0]), ("values", ["x"] * 25), ("highest", 1), ("unit", None), ("baseline", "0"), ("name", 7)],
)
def test_an_effect_of_another_shape_is_refused_where_a_result_is_read_back(member: str, value: Any) -> None:
    document = simulated().to_dict()
    document["effects"][0][member] = value
    with pytest.raises(ketpk.InvalidInput) as refused:
        ketpk.Result.from_json(json.dumps(document))
    assert refused.value.code == "E_TYPE"


def test_python_and_the_command_answer_with_the_same_bytes() -> None:
    asked = session(effects=[e.to_session() for e in EFFECTS], observe={"every": "5 min", "until": "120 min"})
    arguments = [command(), "simulate", "-"]
    done = {
        flag: subprocess.run([*arguments, flag], input=json.dumps(asked), capture_output=True, text=True, check=True)
        for flag in ("--json", "--csv")
    }
    r = ketpk.simulate_session(asked)
    assert r.to_json() == done["--json"].stdout
    assert r.effects == simulated().effects
    rows = list(csv.reader(io.StringIO(done["--csv"].stdout)))
    assert rows[0] == [*r.profile]
    for i, column in enumerate(r.profile.values()):
        assert [float(row[i]) for row in rows[1:]] == column.tolist()


def test_effects_follow_what_the_model_has() -> None:
    effects = [EMAX, changed(LINEAR, of="effect_site"), changed(TURNOVER, of="norketamine")]
    asked = session(model=EVERYTHING, effects=[e if isinstance(e, dict) else e.to_session() for e in effects])
    r = ketpk.simulate_session(asked)
    assert r.profile.effect_site_ng_per_mL is not None
    np.testing.assert_allclose(
        r.effects["pressure"].values, 90 - 5.5 * r.profile.effect_site_ng_per_mL / 200, rtol=1e-14
    )
    assert [*r.profile.metabolites] == ["norketamine_ng_per_mL"]
    assert r.effects["pain"].of == "norketamine" and r.effects["pain"].lowest.value < 7


@pytest.mark.parametrize(
    ("effect", "code", "field"),
    [
        (changed(EMAX, of="brain"), "E_MODEL_PARAM", "of"),
        (changed(EMAX, of="effect_site"), "E_MODEL_PARAM", "of"),  # kamp2020 has none
        (changed(EMAX, source=None), "E_FIELD_MISSING", "source"),
        (changed(EMAX, ec50="150 mg"), "E_UNIT_MISMATCH", "ec50"),
        (changed(EMAX, name="plasma"), "E_FIELD_DUPLICATE", "name"),
        (changed(TURNOVER, most=1.5), "E_MODEL_PARAM", "most"),
        (changed(TURNOVER, drive="linear"), "E_FIELD_UNKNOWN", "hill"),
        (changed(TURNOVER, drive="linear", hill=None), "E_MODEL_PARAM", "drive"),
        (changed(LINEAR, hill=1), "E_FIELD_UNKNOWN", "hill"),
    ],
)
def test_an_effect_that_cannot_be_used_is_refused_with_code_and_field(
    effect: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(ketpk.InvalidInput) as refused:
        ketpk.simulate_session(session(effects=[effect]))
    assert (refused.value.code, refused.value.field) == (code, f"effects[0].{field}")
    assert "brain" not in str(refused.value)


def test_effects_are_a_list_of_effects() -> None:
    for wrong in (EMAX, "dissociation", [EMAX.to_session()], [ketpk.bolus(dose_mg=1)], None, {"a": EMAX}):
        with pytest.raises(ketpk.WrongType) as refused:
            simulated(effects=wrong)
        assert refused.value.field == "effects"


def with_effects() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(MODEL.read_text())
    document["effects"] = [changed(EMAX, of="norketamine"), changed(TURNOVER, of="effect_site")]
    return document


def test_a_model_file_brings_its_effects_along() -> None:
    model = ketpk.models.read(with_effects())
    assert [e["name"] for e in model.effects] == ["dissociation", "pain"]
    assert model.document()["effects"] == with_effects()["effects"]
    assert ketpk.models.lint(model) == ()
    assert ketpk.models.show("kamp2020").effects == ()
    assert "pain of effect_site: 7 points at rest" in str(model)
    r = simulated(model=model, effects=[LINEAR])
    assert [*r.effects] == ["dissociation", "pain", "pressure"]
    with pytest.raises(ketpk.InvalidInput) as refused:
        simulated(model=model, effects=[EMAX])
    assert (refused.value.code, refused.value.field) == ("E_FIELD_DUPLICATE", "effects[0].name")
    slip = with_effects()
    slip["effects"][1]["most"] = 2
    assert [(f.code, f.field) for f in ketpk.models.lint(slip)] == [("E_MODEL_PARAM", "model.effects[1].most")]


def test_predict_has_a_column_for_each_effect_of_the_model() -> None:
    told = ketpk.predict(with_effects(), ROOT / "examples" / "events.csv")
    assert [*told.columns][-2:] == ["dissociation (points, of 100)", "pain (points)"]
    assert told.units["dissociation (points, of 100)"] == "points, of 100" and told.units["pain (points)"] == "points"
    assert [*told.units] == [*told.columns]
    formed = told.columns["norketamine_ng_per_mL"]
    np.testing.assert_allclose(told.columns["dissociation (points, of 100)"], hill(formed), rtol=1e-13)
    pain = told.columns["pain (points)"]
    assert pain[0] == 7 and pain[9] == 7 and pain.min() < 3
    spread = ketpk.predict(with_effects(), ROOT / "examples" / "events.csv", spread=True)
    assert [*spread.columns][-2:] == ["pain (points)", "plasma_sd_ng_per_mL"]
    assert spread.units["plasma_sd_ng_per_mL"] == "ng/mL"


def test_a_row_of_a_table_has_the_effects_of_a_single_call() -> None:
    frame = pandas.DataFrame({"weight_kg": [50.0, 70.0], "dose_mg_per_kg": [0.5, 0.5], "duration_min": [40.0, 60.0]})
    words = {**WORDS, "effects": [EMAX, TURNOVER]}
    table = ketpk.simulate_frame(frame, **words, threads=2)
    long = ketpk.simulate_frame(frame, **words, every_min=30, until_min=120, layout="long")
    for row in range(2):
        patient = ketpk.Patient(weight_kg=frame["weight_kg"][row])
        order = ketpk.infusion(dose_mg_per_kg=0.5, duration_min=frame["duration_min"][row])
        one = ketpk.simulate(patient, order, **words, every_min=30, until_min=120)
        for effect in one.effects.values():
            for name, extreme in (("highest", effect.highest), ("lowest", effect.lowest)):
                assert table[f"{effect.name}_{name} ({effect.unit})"][row] == extreme.value
                assert table[f"{effect.name}_{name}_at_min"][row] == extreme.min
            values = long[long["row"] == row][f"{effect.name} ({effect.unit})"]
            assert values.tolist() == effect.values.tolist()


def test_a_table_tells_no_effect_where_a_rows_model_has_none(tmp_path: pathlib.Path) -> None:
    files = {"with.json": with_effects(), "without.json": json.loads(MODEL.read_text())}
    other = with_effects()
    other["effects"][1]["unit"] = "percent"
    files["other.json"] = other
    frame = {"weight_kg": [70.0] * 2, "age_yr": [42.0] * 2, "dose_mg_per_kg": [0.5] * 2, "duration_min": [40.0] * 2}
    words = {key: value for key, value in WORDS.items() if key != "model"}
    for name, document in files.items():
        (tmp_path / name).write_text(json.dumps(document))

    def asked(*names: str) -> Any:
        return ketpk.simulate_frame({**frame, "model": [str(tmp_path / name) for name in names]}, **words)

    table = asked("with.json", "without.json")
    assert np.isnan(table["pain_lowest (points)"]).tolist() == [False, True]
    assert np.isnan(table["pain_lowest_at_min"]).tolist() == [False, True]
    with pytest.raises(ketpk.InvalidInput) as refused:
        asked("with.json", "other.json")
    assert (refused.value.code, refused.value.field) == ("E_UNIT_MISMATCH", "effects")


def test_the_cards_for_notebooks_tell_effects_and_escape_them() -> None:
    hostile = "<script>alert(1)</script>"
    effect = ketpk.Emax(
        name="dissociation",
        of="plasma",
        ec50_ng_per_mL=150,
        hill=1,
        baseline=0,
        change=80,
        unit=hostile,
        source=hostile,
    )
    card = simulated(effects=[effect, LINEAR])._repr_html_()
    assert "<script" not in card and "dissociation of plasma" in card and "90 mmHg" in card
    document = with_effects()
    document["effects"][0]["source"] = hostile
    card = ketpk.models.read(document)._repr_html_()
    assert "<script" not in card and "Effect pain of effect site, turnover" in card


def test_the_card_of_a_result_has_a_line_for_each_effect() -> None:
    assert "pain (points) of plasma: 7, highest 7 at 0 min, lowest " in simulated(effects=[TURNOVER]).card()
