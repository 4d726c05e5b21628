# SPDX-License-Identifier: Apache-2.0
"""A row of a table is a single call: the same numbers to the bit, the same flags, the same refusals."""

import os
import pathlib
import subprocess

import ketpk
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMITS = ROOT / "examples" / "limits.json"
CORE_ROWS = pathlib.Path(os.environ.get("KETPK_CORE_ROWS", ROOT / "build/release/tests/core_rows"))
WORDS = {"analyte": "racemic-ketamine", "form": "base", "drug_free": True}


def frame(n, seed=7):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": [f"row {i}" for i in range(n)],
            "model": rng.choice(["kamp2020", "domino1984", "clements1981", "otto2021", "herd2007"], n),
            "weight_kg": rng.uniform(12, 140, n),
            "age_yr": rng.uniform(1, 90, n),
            "bolus_mg": rng.uniform(0.1, 20, n),
            "dose_mg_per_kg": rng.uniform(0.05, 1.5, n),
            "duration_min": rng.uniform(0.5, 240, n),
        }
    )


def bits(cells):
    return [x if isinstance(x, str) else float(x).hex() for x in cells]


def asked(table, **changed):
    keywords = {**WORDS, "limits": LIMITS, "as_of": "2026-11-21", "time_above_ng_per_mL": 100, "extrapolate": True}
    keywords.update({"assume_enantiomers_alike": True, "keep": ["id"], **changed})
    return ketpk.simulate_frame(table, **keywords)


NUMBERS = [
    "cmax_ng_per_mL",
    "tmax_min",
    "auc_inf_ng_h_per_mL",
    "delivered_mg",
    "terminal_half_life_min",
    "minutes_above_100_ng_per_mL",
    "first_min_above_100_ng_per_mL",
]


@pytest.mark.parametrize("threads", [1, 3])
def test_ten_thousand_rows_are_the_bits_of_a_loop_in_cpp(threads):
    table = frame(10_000)
    columns = ["model", "weight_kg", "age_yr", "bolus_mg", "dose_mg_per_kg", "duration_min"]
    lines = "\n".join(
        " ".join(x if isinstance(x, str) else repr(x) for x in row) for row in table[columns].values.tolist()
    )
    core = subprocess.run(
        [CORE_ROWS, LIMITS, "--alone"], input=lines + "\n", capture_output=True, text=True, check=True
    ).stdout.splitlines()
    answers = asked(table, second_solver=False, threads=threads)
    assert len(core) == len(answers) == 10_000
    rows = [line.split(" ") for line in core]
    for i, name in enumerate(NUMBERS):
        there = np.array([float.fromhex(row[i]) for row in rows])
        here = answers[name].to_numpy()
        never = np.isnan(here)
        assert not never.any() or name.startswith("first_min_above")
        assert np.array_equal(there[never], np.full(never.sum(), -1.0))
        assert np.array_equal(here[~never].view(np.int64), there[~never].view(np.int64)), name
    names = ["unevaluated", "within-limits", "soft", "hard"]
    assert [names[int(row[7])] for row in rows] == answers["verdict"].tolist()
    assert [row[8] for row in rows] == answers["flags"].tolist()
    assert len(set(answers["flags"])) > 10 and {"soft", "hard"} <= set(answers["verdict"])


def test_a_row_is_a_single_call():
    table = frame(25)
    table["sex"] = ["female", "male", "female", "male", "male"] * 5
    table["height_cm"] = np.linspace(80, 200, 25)
    table["dosing_weight_kg"] = table["weight_kg"] * 0.9
    table["start_min"] = np.linspace(0, 30, 25)
    answers = asked(table)
    long = asked(table, layout="long", at_min=[0, 10, 45.5])
    for i, row in enumerate(table.itertuples()):
        patient = ketpk.Patient(
            weight_kg=row.weight_kg,
            height_cm=row.height_cm,
            age_yr=row.age_yr,
            sex=row.sex,
            dosing_weight_kg=row.dosing_weight_kg,
        )
        order = ketpk.bolus(dose_mg=row.bolus_mg) + ketpk.infusion(
            dose_mg_per_kg=row.dose_mg_per_kg, duration_min=row.duration_min, start_min=row.start_min
        )
        single = ketpk.simulate(
            patient,
            order,
            model=row.model,
            **WORDS,
            limits=LIMITS,
            as_of="2026-11-21",
            time_above_ng_per_mL=100,
            extrapolate=True,
            assume_enantiomers_alike=True,
        )
        for name in NUMBERS[:5]:
            assert getattr(single.summary, name) == answers[name].iloc[i]
        assert single.time_above[0].minutes == answers["minutes_above_100_ng_per_mL"].iloc[i]
        assert single.ketpk.agreement_rel == answers["agreement_rel"].iloc[i]
        assert str(single.verdict) == answers["verdict"].iloc[i]
        assert ";".join(f.code for f in single.flags) == answers["flags"].iloc[i]
        for name, metabolite in single.summary.metabolites.items():
            assert metabolite.cmax_ng_per_mL == answers[f"{name}_cmax_ng_per_mL"].iloc[i]
        if not single.summary.metabolites:
            assert np.isnan(answers["s-norketamine_cmax_ng_per_mL"].iloc[i])
        sampled = ketpk.simulate(
            patient,
            order,
            model=row.model,
            **WORDS,
            at_min=[0, 10, 45.5],
            extrapolate=True,
            assume_enantiomers_alike=True,
        )
        mine = long[long["row"] == i]
        for name in ("time_us", "time_min", "plasma_ng_per_mL", "delivered_mg", "auc_ng_h_per_mL"):
            assert np.array_equal(sampled.profile[name], mine[name].to_numpy())


def test_a_long_table_says_what_was_flagged():
    table = frame(60)
    rows, long = asked(table), asked(table, layout="long", at_min=[5, 50])
    assert {"soft", "hard"} <= set(rows["verdict"])
    for name in ("verdict", "flags", "not_evaluated"):
        assert long[name].tolist() == [word for word in rows[name] for _ in range(2)]


def test_samples_that_no_answer_would_show_are_refused():
    for samples in ({"every_min": 1, "until_min": 60}, {"at_min": [1, 2]}):
        assert refusal(frame(2), **samples)[0] == "E_FIELD_UNKNOWN"
    whole, early = asked(frame(30)), asked(frame(30), until_min=10)
    assert (early["minutes_above_100_ng_per_mL"] <= 10 + 1e-9).all()
    assert (whole["minutes_above_100_ng_per_mL"] > 10).any()


def test_rates_and_pumps_and_boluses_alone_are_rows_too():
    rates = ketpk.simulate_frame(
        {
            "weight_kg": [70.0, 82.0],
            "rate_mL_per_h": [35.0, 40.0],
            "bag_mg_per_mL": [1.0, 2.0],
            "duration_min": [40, 60],
        },
        model="kamp2020",
        **WORDS,
    )
    assert rates["delivered_mg"].tolist() == pytest.approx([35 * 40 / 60, 80.0], rel=1e-15)
    boluses = ketpk.simulate_frame({"weight_lb": [154.0], "bolus_mg_per_kg": [0.1]}, model="kamp2020", **WORDS)
    assert boluses["delivered_mg"][0] == pytest.approx(15.4 * 0.45359237, rel=1e-15)
    assert boluses["tmax_min"][0] == 0


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "dict", "lists", "table"])
def test_answers_come_back_as_the_kind_of_table_that_was_asked(kind):
    table = frame(40).drop(columns="model")
    given = {
        "pandas": table,
        "polars": pl.from_pandas(table),
        "pyarrow": pa.Table.from_pandas(table, preserve_index=False),
        "dict": {name: table[name].to_numpy() for name in table},
        "lists": {name: table[name].tolist() for name in table},
        "table": ketpk.Table({name: table[name].to_numpy().copy() for name in table}),
    }[kind]
    answers = asked(given, model="kamp2020")
    long = asked(given, model="kamp2020", layout="long", every_min=10, until_min=60)
    types = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.Table}
    assert type(answers) is type(long) is types.get(kind, ketpk.Table)
    reference = asked(table, model="kamp2020")
    for name in reference:
        column = answers[name].to_pylist() if kind == "pyarrow" else list(answers[name])
        assert bits(column) == bits(reference[name].tolist()), name
    assert (len(long) if kind in ("pandas", "polars") else long.num_rows if kind == "pyarrow" else long.rows) == 280


def test_the_index_and_the_kept_columns_of_pandas_go_through_untouched():
    table = frame(5).set_index(pd.Index([9, 3, 3, 1, 0], name="subject"))
    table["note"] = pd.Series([None, "a", "b", "c", "d"], index=table.index)
    before = table.copy(deep=True)
    answers = asked(table, keep=["id", "note"])
    assert answers.index.equals(table.index)
    pd.testing.assert_frame_equal(answers[["id", "note"]], table[["id", "note"]])
    long = asked(table.drop(columns="note"), layout="long", at_min=[1, 2])
    assert long.index.tolist() == [9, 9, 3, 3, 3, 3, 1, 1, 0, 0]
    assert long["id"].tolist() == [name for name in table["id"] for _ in range(2)]
    pd.testing.assert_frame_equal(table, before)


def test_the_order_of_rows_does_not_change_a_row():
    table = frame(300)
    answers = asked(table, second_solver=False)
    shuffled = table.sample(frac=1, random_state=3)
    again = asked(shuffled, second_solver=False, threads=4)
    pd.testing.assert_frame_equal(again.loc[answers.index], answers)


def refusal(table, **changed):
    with pytest.raises(ketpk.InvalidInput) as caught:
        asked(table, **changed)
    return caught.value.code, caught.value.row, caught.value.column


def test_the_first_bad_row_is_named_whatever_the_number_of_threads():
    table = frame(2_000)
    for row in (1_999, 1_203, 777):
        table.loc[row, "weight_kg"] = 900.0
        for threads in (1, 4):
            assert refusal(table, threads=threads, second_solver=False) == ("E_RANGE", row, "weight_kg")


BAD_CELLS = [
    ("weight_kg", float("nan"), "E_NONFINITE"),
    ("weight_kg", 0.1, "E_RANGE"),
    ("age_yr", -1.0, "E_RANGE"),
    ("age_yr", float("inf"), "E_NONFINITE"),
    ("bolus_mg", 0.0, "E_RANGE"),
    ("dose_mg_per_kg", -0.5, "E_RANGE"),
    ("dose_mg_per_kg", float("nan"), "E_NONFINITE"),
    ("duration_min", 0.0, "E_RANGE"),
    ("duration_min", 1e-9, "E_RANGE"),
    ("duration_min", 1e9, "E_RANGE"),
    ("model", "kamp2021", "E_MODEL_UNKNOWN"),
]


@pytest.mark.parametrize(("column", "value", "code"), BAD_CELLS)
@pytest.mark.parametrize("row", [0, 6])
def test_a_bad_cell_is_named_by_row_and_column(column, value, code, row):
    table = frame(9)
    table.loc[row, column] = value
    assert refusal(table) == (code, row, column)


def test_a_patient_outside_the_domain_of_the_model_is_named_by_row():
    table = frame(6)
    table["model"] = "otto2021"
    table["age_yr"] = 40.0
    table.loc[4, "age_yr"] = 12.0
    assert refusal(table, extrapolate=False) == ("E_MODEL_DOMAIN", 4, "age_yr")
    assert refusal(table, assume_enantiomers_alike=False)[0] == "E_MODEL_ANALYTE"


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        (lambda t: t.drop(columns="weight_kg"), "E_FIELD_MISSING", None),
        (lambda t: t.drop(columns="duration_min"), "E_FIELD_MISSING", None),
        (lambda t: t.drop(columns=["bolus_mg", "dose_mg_per_kg", "duration_min"]), "E_FIELD_MISSING", None),
        (lambda t: t.drop(columns=["dose_mg_per_kg"]), "E_FIELD_UNKNOWN", None),
        (lambda t: t.assign(weight_lb=150.0), "E_FIELD_DUPLICATE", "weight_lb"),
        (lambda t: t.assign(rate_mg_per_min=1.0), "E_FIELD_DUPLICATE", None),
        (lambda t: t.assign(wieght=1.0), "E_FIELD_UNKNOWN", "wieght"),
        (lambda t: t.assign(analyte="racemic-ketamine"), "E_FIELD_DUPLICATE", None),
        (lambda t: t.drop(columns="model"), "E_FIELD_MISSING", None),
        (lambda t: t.head(0), "E_FIELD_MISSING", None),
        (lambda t: t.rename(columns={"bolus_mg": 4}), "E_TYPE", None),
        (lambda t: t.assign(cmax_ng_per_mL=1.0), "E_FIELD_UNKNOWN", "cmax_ng_per_mL"),
    ],
)
def test_columns_that_are_missing_doubled_or_unknown_are_refused(change, code, column):
    got, _, where = refusal(change(frame(3)))
    assert (got, where) == (code, column)


def test_an_answer_may_not_take_the_name_of_a_kept_column():
    assert refusal(frame(3).assign(cmax_ng_per_mL=1.0), keep=["id", "cmax_ng_per_mL"])[0] == "E_FIELD_DUPLICATE"
    assert refusal(frame(3), keep=["nobody"])[0] == "E_FIELD_UNKNOWN"


def test_progress_is_told_and_a_bar_is_shown(capsys):
    told = []
    asked(frame(400), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (400, 400)
    assert told == sorted(told)
    asked(frame(50), progress=True)
    assert "50/50" in capsys.readouterr().err


def test_nothing_but_a_table_is_a_table():
    for other in (5, "rows", [1, 2], None, np.zeros((2, 2))):
        with pytest.raises(TypeError):
            asked(other)


def test_a_level_is_called_as_it_was_asked():
    for level in (252.81, 63.7, 127.4, 254.3, 500.5):
        answers = asked(frame(2), time_above_ng_per_mL=[level])
        assert f"minutes_above_{level}_ng_per_mL" in answers
        assert f"first_min_above_{level}_ng_per_mL" in answers


@pytest.mark.parametrize("column", [{2.0, 35.0}, frozenset({2.0, 35.0}), bytearray([40, 41]), {1.0: 2, 2.0: 3}, "ab"])
def test_what_has_no_order_or_no_numbers_is_no_column(column):
    for name in ("dose_mg", "weight_kg", "sex"):
        table = {"weight_kg": [70.0, 71.0], "dose_mg": [35.0, 2.0], "duration_min": [40, 40], "sex": ["male", "female"]}
        with pytest.raises(ketpk.InvalidInput) as caught:
            ketpk.simulate_frame({**table, name: column}, model="kamp2020", **WORDS)
        assert (caught.value.code, caught.value.column) == ("E_TYPE", name)


def test_a_span_of_time_is_no_number():
    for span in (np.timedelta64(40, "ns"), np.timedelta64(40, "m"), np.timedelta64("NaT"), np.timedelta64(40)):
        with pytest.raises(ketpk.WrongType):
            ketpk.infusion(dose_mg=35, duration_min=span)
        with pytest.raises(ketpk.WrongType):
            table = {"weight_kg": [70.0], "dose_mg": [35.0], "duration_min": [span]}
            ketpk.simulate_frame(table, model="kamp2020", **WORDS)


def test_kept_cells_of_a_dict_are_the_cells_that_were_given():
    cells = ["007", 7, 2**63, 2**53 + 1, 0.5, True, None, "a\0"]
    table = {"weight_kg": [70.0] * 8, "bolus_mg": [1.0] * 8, "id": cells, "array": np.arange(8)}
    answers = ketpk.simulate_frame(table, model="kamp2020", **WORDS, keep=["id", "array"])
    assert [(type(x), x) for x in answers["id"]] == [(type(x), x) for x in cells]
    assert answers["array"].dtype == np.arange(8).dtype and answers["array"].tolist() == list(range(8))
    long = ketpk.simulate_frame(table, model="kamp2020", **WORDS, keep=["id", "array"], layout="long", at_min=[1, 2])
    assert long["id"].tolist() == [cell for cell in cells for _ in range(2)]


def test_the_answers_of_a_dict_cannot_be_written_to():
    answers = ketpk.simulate_frame({"weight_kg": [70.0], "bolus_mg": [1.0]}, model="kamp2020", **WORDS)
    for column in answers.values():
        with pytest.raises(ValueError, match="WRITEABLE"):
            column.flags.writeable = True
        column.shape = (1, 1)
    assert all(column.shape == (1,) for column in answers.values())
