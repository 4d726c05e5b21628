# SPDX-License-Identifier: Apache-2.0
"""Facts about grids: the command's bytes, each point as it is alone, and what is refused."""

from __future__ import annotations

import copy
import json
import pathlib
import pickle
import signal
import subprocess
import threading
import time
from typing import Any

import numpy as np
import pytest
from conftest import EVERYTHING, LIMITS, ORDER, PATIENT, command

import ketpk

WORDS: dict[str, Any] = {"analyte": "racemic-ketamine", "form": "base", "drug_free": True}
LIMITED: dict[str, Any] = {"limits": LIMITS, "as_of": "2026-11-21"}
DOSES = [0.1, 0.25, 0.5, 0.55, 1.3]


def swept(vary: Any, order: Any = ORDER, **changed: Any) -> ketpk.Sweep:
    keywords: dict[str, Any] = {**WORDS, "model": "kamp2020", **changed}
    if isinstance(vary, dict) and "model" in vary:
        keywords.pop("model")
    return ketpk.sweep(PATIENT, order, vary=vary, **keywords)


def alone(order: ketpk.Order = ORDER, patient: ketpk.Patient = PATIENT, **changed: Any) -> ketpk.Result:
    return ketpk.simulate(patient, order, **{**WORDS, "model": "kamp2020", "second_solver": False, **changed})


def of_the_command(tmp_path: pathlib.Path, document: dict[str, Any], *options: str) -> str:
    path = tmp_path / "sweep.json"
    path.write_text(json.dumps(document))
    done = subprocess.run(
        [str(command()), "sweep", str(path), *options], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.stdout


# ---------------------------------------------------------------------------------------------------------------------
# The same answer


def test_the_command_says_the_same_to_the_byte(tmp_path: pathlib.Path) -> None:
    sweep = swept(
        {"dose_mg_per_kg": DOSES, "duration_min": ketpk.evenly(20, 60, 5), "model": ["kamp2020", "herd2007"]},
        **LIMITED,
        time_above_ng_per_mL=100,
    )
    document = {
        "schema": "ketpk.sweep/1",
        "session": {
            "schema": "ketpk.session/1",
            "patient": {"weight": "70 kg", "age": "42 yr"},
            "analyte": "racemic-ketamine",
            "form": "base",
            "initial_state": "drug-free",
            "order": [{"infuse": "0.5 mg/kg", "over": "40 min"}],
            "model": "kamp2020",
            "limits": {"file": LIMITS.name},
            "as_of": "2026-11-21",
            "questions": {"time_above": ["100 ng/mL"]},
        },
        "vary": [
            {"input": "dose", "values": [f"{x} mg/kg" for x in DOSES]},
            {"input": "duration", "from": "20 min", "to": "60 min", "points": 5},
            {"input": "model", "models": ["kamp2020", "herd2007"]},
        ],
    }
    (tmp_path / LIMITS.name).write_bytes(LIMITS.read_bytes())
    assert sweep.to_csv() == of_the_command(tmp_path, document, "--csv")
    assert sweep.to_json() == of_the_command(tmp_path, document, "--json")
    assert sweep.card() == of_the_command(tmp_path, document)
    assert sweep.card() != sweep.card("auc_inf_ng_h_per_mL")


def test_what_was_asked_is_what_the_command_reads(tmp_path: pathlib.Path) -> None:
    sweep = swept({"weight_kg": ketpk.evenly(45, 130, 18), "pause_min": [0, 12.5]}, pause_at_min=15)
    document = json.loads(json.dumps(sweep.inputs, default=lambda o: dict(o)))
    assert of_the_command(tmp_path, document, "--csv") == sweep.to_csv()


def test_the_columns_are_those_of_the_csv() -> None:
    sweep = swept({"age_yr": [7, 42], "model": ["kamp2020", "herd2007"]}, **LIMITED, time_above_ng_per_mL=[100, 2000])
    header, *lines = sweep.to_csv().splitlines()
    assert list(sweep.columns) == header.split(",")
    assert sweep.points == len(sweep) == len(lines) == 4
    for row, line in enumerate(lines):
        for name, cell in zip(sweep.columns, line.split(","), strict=True):
            value = sweep.columns[name][row]
            if isinstance(value, float):
                assert np.isnan(value) if cell == "" else float(cell) == value, (row, name)
            else:
                assert (value or "") == cell, (row, name)


def test_every_point_is_what_it_is_alone_to_the_bit() -> None:
    sweep = swept({"weight_kg": [45, 70.3], "dose_mg_per_kg": DOSES, "duration_min": (20, 40)}, **LIMITED)
    rows = [(w, d, t) for w in (45, 70.3) for d in DOSES for t in (20, 40)]
    for row, (weight, dose, duration) in enumerate(rows):
        result = alone(
            ketpk.infusion(dose_mg_per_kg=dose, duration_min=duration),
            ketpk.Patient(weight_kg=weight, age_yr=42),
            **LIMITED,
        )
        told = {name: column[row] for name, column in sweep.columns.items()}
        assert (told["weight_kg"], told["dose_mg_per_kg"], told["duration_min"]) == (weight, dose, duration)
        s = result.summary
        for name in ("cmax_ng_per_mL", "tmax_min", "auc_inf_ng_h_per_mL", "delivered_mg", "terminal_half_life_min"):
            assert told[name] == getattr(s, name)
        assert told["verdict"] == str(result.verdict)
        assert told["flags"] == ";".join(f.code for f in result.flags)
    assert len({*sweep.columns["verdict"]}) == 3


def test_a_frame_of_the_same_questions_says_the_same() -> None:
    sweep = swept(
        {"age_yr": [20, 42], "model": ["kamp2020", "domino1984", EVERYTHING]},
        time_above_ng_per_mL=100,
        second_solver=True,
    )
    for age, row in ((20.0, 0), (42.0, 3)):
        frame = ketpk.simulate_frame(
            {
                "weight_kg": [70.0] * 2,
                "age_yr": [age] * 2,
                "dose_mg_per_kg": [0.5] * 2,
                "duration_min": [40.0] * 2,
                "model": ["kamp2020", "domino1984"],
            },
            **WORDS,
            time_above_ng_per_mL=100,
        )
        for name in frame:
            assert np.array_equal(sweep.columns[name][row : row + 2], frame[name]), name
    assert np.isfinite(sweep.columns["norketamine_cmax_ng_per_mL"][[2, 5]]).all()
    assert np.isnan(sweep.columns["norketamine_cmax_ng_per_mL"][[0, 1, 3, 4]]).all()


def test_a_pause_is_the_pause_of_simulate_and_of_no_length_none() -> None:
    sweep = swept({"pause_min": [0, 20]}, pause_at_min=15)
    paused = alone(events=[ketpk.pause(0, at_min=15), ketpk.resume(0, at_min=35)])
    assert sweep.columns["cmax_ng_per_mL"].tolist() == [
        alone().summary.cmax_ng_per_mL,
        paused.summary.cmax_ng_per_mL,
    ]


def test_of_several_inputs_a_pair_says_which() -> None:
    two = ketpk.infusion(dose_mg=20, duration_min=20) + ketpk.infusion(dose_mg=10, duration_min=30, start_min=40)
    with pytest.raises(ketpk.InvalidInput) as e:
        swept({"dose_mg": [5, 10]}, two)
    assert (e.value.code, e.value.field) == ("E_FIELD_MISSING", "vary.dose_mg.of")
    sweep = swept({("dose_mg", 1): [5, 10], ("duration_min", 0): [10.0], ("start_min", 1): [40, 50]}, two)
    assert [a.column for a in sweep.axes] == ["dose_1_mg", "duration_0_min", "start_1_min"]
    other = ketpk.infusion(dose_mg=20, duration_min=10) + ketpk.infusion(dose_mg=5, duration_min=30, start_min=50)
    assert sweep.columns["auc_inf_ng_h_per_mL"][1] == alone(other).summary.auc_inf_ng_h_per_mL
    assert sweep.columns["tmax_min"][1] == alone(other).summary.tmax_min


def test_boluses_rates_bags_and_height_can_be_varied() -> None:
    order = ketpk.bolus(dose_mg=10) + ketpk.infusion(rate_mL_per_h=30, duration_min=40)
    sweep = swept({"bolus_mg": [5], "rate_mL_per_h": [20], "bag_mg_per_mL": [2], "height_cm": [160]}, order)
    asked = ketpk.bolus(dose_mg=5) + ketpk.infusion(rate_mL_per_h=20, duration_min=40)
    patient = ketpk.Patient(weight_kg=70, age_yr=42, height_cm=160)
    assert sweep.columns["cmax_ng_per_mL"][0] == alone(asked, patient, bag_mg_per_mL=2).summary.cmax_ng_per_mL
    assert [a.unit for a in sweep.axes] == ["mg", "mL/h", "mg/mL", "cm"]


def test_the_models_of_a_grid_may_be_all() -> None:
    sweep = swept({"model": "all"}, assume_enantiomers_alike=True)
    spread = ketpk.compare(PATIENT, ORDER, **WORDS)
    assert sorted(sweep.axes[0].values) == sorted([*spread, *(r.id for r in spread.refused)])
    for row, id in enumerate(sweep.columns["model"]):
        if sweep.columns["error"][row] is None:
            told = alone(model=id, assume_enantiomers_alike=True).summary.cmax_ng_per_mL
            assert sweep.columns["cmax_ng_per_mL"][row] == told


def test_evenly_is_the_span_of_a_file() -> None:
    assert ketpk.evenly(0.1, 1, 10).tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
    assert ketpk.evenly(60, 20, 3).tolist() == [60, 40, 20]
    assert not ketpk.evenly(0, 1, 2).flags.writeable


# ---------------------------------------------------------------------------------------------------------------------
# Points that cannot be asked


def test_a_point_that_is_refused_says_what_it_says_alone_and_keeps_its_row() -> None:
    sweep = swept({"age_yr": [7, 42], "model": ["kamp2020", "herd2007"]}, **LIMITED)
    assert [(r.row, r.code, r.field) for r in sweep.refused] == [(3, "E_MODEL_DOMAIN", "patient.age")]
    with pytest.raises(ketpk.InvalidInput) as e:
        alone(model="herd2007")
    assert sweep.refused[0].message == e.value.message
    row = {name: column[3] for name, column in sweep.columns.items()}
    assert (row["verdict"], row["flags"], row["not_evaluated"]) == (None, None, None)
    assert (row["error"], row["error_field"]) == ("E_MODEL_DOMAIN", "patient.age")
    assert np.isnan(row["cmax_ng_per_mL"])


def test_where_no_point_can_be_asked_the_first_one_says_why() -> None:
    with pytest.raises(ketpk.InvalidInput) as e:
        swept({"model": ["herd2007"]})
    assert (e.value.code, e.value.field) == ("E_MODEL_DOMAIN", "patient.age")
    with pytest.raises(ketpk.InvalidInput) as e:
        swept({"weight_kg": [-1, 0]})
    assert (e.value.code, e.value.field) == ("E_RANGE", "patient.weight")


# ---------------------------------------------------------------------------------------------------------------------
# What is refused


@pytest.mark.parametrize(
    ("vary", "code", "field"),
    [
        ({}, "E_FIELD_MISSING", "vary"),
        ([("dose_mg_per_kg", [1])], "E_TYPE", "vary"),
        ({"dose": [1]}, "E_RANGE", "vary.dose"),
        ({"dose_mg_per_kg": [1], "a b<c": [1]}, "E_RANGE", "vary"),
        ({7: [1]}, "E_TYPE", "vary"),
        ({("dose_mg_per_kg", "0"): [1]}, "E_TYPE", "vary.dose_mg_per_kg"),
        ({("dose_mg_per_kg", -1): [1]}, "E_RANGE", "vary.dose_mg_per_kg"),
        ({("dose_mg_per_kg", 1): [1]}, "E_RANGE", "vary.dose_mg_per_kg.of"),
        ({("weight_kg", 0): [70]}, "E_FIELD_UNKNOWN", "vary.weight_kg.of"),
        ({"rate_mg_per_h": [1]}, "E_FIELD_MISSING", "vary.rate_mg_per_h.of"),
        ({"dose_mg_per_kg": []}, "E_FIELD_MISSING", "vary.dose_mg_per_kg"),
        ({"dose_mg_per_kg": 0.5}, "E_TYPE", "vary.dose_mg_per_kg"),
        ({"dose_mg_per_kg": "0.5 mg/kg"}, "E_TYPE", "vary.dose_mg_per_kg"),
        ({"dose_mg_per_kg": [0.5, "1"]}, "E_TYPE", "vary.dose_mg_per_kg[1]"),
        ({"dose_mg_per_kg": [0.5, True]}, "E_TYPE", "vary.dose_mg_per_kg[1]"),
        ({"dose_mg_per_kg": [0.5, float("nan")]}, "E_NONFINITE", "vary.dose_mg_per_kg[1]"),
        ({"dose_mg_per_kg": np.ones(3, dtype=np.float32)}, "E_TYPE", "vary.dose_mg_per_kg"),
        ({"dose_mg_per_kg": np.ones((2, 2))}, "E_TYPE", "vary.dose_mg_per_kg"),
        ({"dose_mg_per_kg": [1], "dose_mcg_per_kg": [1]}, "E_FIELD_DUPLICATE", "vary.dose_mcg_per_kg"),
        ({"pause_min": [5]}, "E_FIELD_MISSING", "pause_at_min"),
        ({"model": "kamp2020"}, "E_TYPE", "vary.model"),
        ({"model": []}, "E_FIELD_MISSING", "vary.model"),
        ({"model": ["kamp"]}, "E_MODEL_UNKNOWN", None),
        ({"weight_kg": np.linspace(50, 60, 1001), "age_yr": np.linspace(20, 30, 1000)}, "E_SIZE", "vary"),
    ],
)
def test_what_cannot_be_varied_is_named(vary: Any, code: str, field: str | None) -> None:
    with pytest.raises(ketpk.InvalidInput) as e:
        swept(vary)
    assert e.value.code == code
    assert field is None or e.value.field == field
    assert isinstance(e.value, TypeError) is (code == "E_TYPE")
    assert "<" not in str(e.value)


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"pause_at_min": 5}, "E_FIELD_UNKNOWN", "pause_at_min"),
        ({"model": None}, "E_FIELD_MISSING", "model"),
        ({"model": "all"}, "E_MODEL_UNKNOWN", "model"),
        ({"second_solver": 1}, "E_TYPE", "second_solver"),
        ({"limits": 7}, "E_TYPE", "limits"),
        ({"until_min": "4 h"}, "E_TYPE", "until_min"),
        ({"drug_free": False}, "E_STATE", "drug_free"),
    ],
)
def test_what_is_wrong_beside_the_grid_is_named(changed: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(ketpk.InvalidInput) as e:
        swept({"dose_mg_per_kg": DOSES}, **changed)
    assert (e.value.code, e.value.field) == (code, field)


def test_a_model_stands_in_one_place() -> None:
    with pytest.raises(ketpk.InvalidInput, match="E_FIELD_DUPLICATE model"):
        ketpk.sweep(PATIENT, ORDER, vary={"model": ["kamp2020"]}, model="kamp2020", **WORDS)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((0, 1, 1), "E_RANGE"),
        ((0, 1, 1_000_001), "E_RANGE"),
        ((0, 1, 2.0), "E_TYPE"),
        (("0", 1, 2), "E_TYPE"),
        ((0, np.inf, 2), "E_NONFINITE"),
    ],
)
def test_evenly_takes_numbers_and_a_count(arguments: tuple[Any, ...], code: str) -> None:
    with pytest.raises(ketpk.InvalidInput) as e:
        ketpk.evenly(*arguments)
    assert e.value.code == code


def test_a_number_that_the_table_does_not_have_is_neither_mapped_nor_drawn() -> None:
    sweep = swept({"dose_mg_per_kg": DOSES})
    for ask in (sweep.card, sweep.plot):
        with pytest.raises(ketpk.InvalidInput, match="accepted: cmax_ng_per_mL") as e:
            ask("verdict")
        assert (e.value.code, e.value.field) == ("E_RANGE", "quantity")
        with pytest.raises(ketpk.WrongType):
            ask(7)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------------------------
# A value


def test_a_sweep_does_not_change_and_is_no_truth_value() -> None:
    sweep = swept({"dose_mg_per_kg": DOSES})
    with pytest.raises(TypeError, match="no truth value"):
        bool(sweep)
    with pytest.raises(AttributeError):
        sweep.axes = ()  # type: ignore[misc]
    for values in (sweep.columns["cmax_ng_per_mL"], sweep.axes[0].values):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1
    with pytest.raises(TypeError, match=r"ketpk\.sweep"):
        ketpk.Sweep()
    assert repr(sweep) == "<ketpk.Sweep 5 dose_mg_per_kg = 5 points, 0 refused>"


def test_a_sweep_comes_back_from_a_pickle() -> None:
    sweep = swept({"age_yr": [7, 42], "model": ["kamp2020", "herd2007"]}, **LIMITED)
    again = pickle.loads(pickle.dumps(sweep))
    assert again == sweep and hash(again) == hash(sweep) and copy.copy(sweep) is sweep
    assert (again.to_csv(), again.to_json()) == (sweep.to_csv(), sweep.to_json())
    assert again.columns == sweep.columns and again.axes == sweep.axes and again.refused == sweep.refused
    assert again.inputs == sweep.inputs
    assert pickle.loads(pickle.dumps(again)) == sweep
    with pytest.raises(ValueError, match="read-only"):
        again.axes[0].values[0] = 1
    with pytest.raises(ketpk.InvalidInput, match="E_STATE card"):
        again.card()
    assert sweep != swept({"age_yr": [7, 43], "model": ["kamp2020", "herd2007"]}, **LIMITED)


def test_other_tables_have_the_same_rows() -> None:
    sweep = swept({"age_yr": [7, 42], "model": ["kamp2020", "herd2007"]}, **LIMITED)
    frame = sweep.to_pandas()
    assert list(frame) == list(sweep.columns) == sweep.to_polars().columns == sweep.to_arrow().column_names
    assert frame["error"].isna().tolist() == [True, True, True, False]


# ---------------------------------------------------------------------------------------------------------------------
# Waiting


def test_ten_thousand_points_take_less_than_a_second_of_the_processor() -> None:
    vary = {"dose_mg_per_kg": ketpk.evenly(0.2, 2, 100), "duration_min": ketpk.evenly(20, 60, 100)}
    start = time.process_time()
    sweep = swept(vary, **LIMITED)
    assert time.process_time() - start < 1
    assert sweep.points == sweep.columns.rows == 10_000


def test_an_interrupt_ends_a_sweep() -> None:
    def interrupt() -> None:
        time.sleep(0.3)
        signal.raise_signal(signal.SIGINT)

    beside = threading.Thread(target=interrupt)
    vary = {"weight_kg": ketpk.evenly(50, 100, 1000), "age_yr": ketpk.evenly(20, 80, 1000)}
    start = time.monotonic()
    beside.start()
    with pytest.raises(KeyboardInterrupt):
        swept(vary, **LIMITED)
    beside.join()
    assert time.monotonic() - start < 5
