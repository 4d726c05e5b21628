# SPDX-License-Identifier: Apache-2.0
"""A table of what happened comes back as the command gives it: the same bytes from a file and from any table, and
refusals that name row and column."""

from __future__ import annotations

import copy
import csv
import datetime
import decimal
import json
import pathlib
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from conftest import PACKAGE, PATIENT, ROOT, command, environment

import ketpk
from ketpk import InvalidInput, WrongType

MODEL = ROOT / "examples" / "model.json"
EVENTS = ROOT / "examples" / "events.csv"
UNITS = {"time": "min", "amount": "mg", "concentration": "ng/mL"}


def by_the_command(*arguments: object, code: int = 0) -> str:
    done = subprocess.run(
        [str(command()), "simulate", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def kamp(**more: Any) -> dict[str, Any]:
    """The file of a built-in model, with units for data."""
    return {**ketpk.models.show("kamp2020").document(), "data_units": UNITS, **more}


def saturable() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(MODEL.read_text())
    del document["parameters"]["CL"], document["golden"], document["variability"]
    document["parameters"]["Vmax"] = {"value": "60 mg/h", "source": "illustrative"}
    document["parameters"]["Km"] = {"value": "0.4 mg/L", "source": "illustrative"}
    return document


def columns_of(path: pathlib.Path = EVENTS) -> dict[str, list[Any]]:
    """A data file as a dict of columns: numbers where there are, None where something is missing."""

    def cell(text: str, name: str) -> Any:
        if text in (".", ""):
            return None
        if name in ("ID", "CMT"):
            return text
        return float(text)

    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [cell(row[name], name) for row in rows] for name in rows[0]}


def refused(call: Callable[[], Any], code: str, row: int | None = None, column: str | None = None) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        call()
    error = caught.value
    assert (error.code, error.row, error.column) == (code, row, column), error
    assert isinstance(error, TypeError) == (code == "E_TYPE") and "data line" not in str(error)
    return error


# The same as the command --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spread", [False, True])
def test_a_file_comes_back_as_the_command_writes_it(spread: bool) -> None:
    asked = ["--model", MODEL, "--data", EVENTS, *(["--spread"] if spread else [])]
    told = ketpk.predict(MODEL, EVENTS, spread=spread)
    assert told.to_csv() == by_the_command(*asked)
    assert told.to_json() == by_the_command(*asked, "--json")
    assert ("plasma_sd_ng_per_mL" in told.columns) == spread


def test_a_saturable_model_comes_back_as_the_command_writes_it(tmp_path: pathlib.Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(saturable()))
    told = ketpk.predict(saturable(), EVENTS)
    assert told.to_csv() == by_the_command("--model", tmp_path / "model.json", "--data", EVENTS)
    assert (told.solver, told.second_solver) == ("odeint", "rosenbrock")
    assert told.agreement_rel is not None and 0 < told.agreement_rel <= 1e-8
    assert told.stretches_checked == told.stretches


def test_a_model_is_a_path_a_text_a_document_or_a_card() -> None:
    due = ketpk.predict(MODEL, EVENTS)
    document = json.loads(MODEL.read_text())
    card = ketpk.models.read(MODEL)
    for model in (str(MODEL), document, {"card": document}, {"file": str(MODEL)}, card, card.document()):
        told = ketpk.predict(model, str(EVENTS))
        assert told == due and told.to_csv() == due.to_csv() and hash(told) == hash(due)


def tables() -> dict[str, Any]:
    plain = columns_of()
    numbers = {k: v if k in ("ID", "CMT") else [np.nan if x is None else x for x in v] for k, v in plain.items()}
    return {
        "lists": plain,
        "arrays": {k: np.array(v) if k not in ("ID", "CMT") else v for k, v in numbers.items()},
        "masked": {
            k: v if k in ("ID", "CMT") else np.ma.MaskedArray([x or 0.0 for x in v], mask=[x is None for x in v])
            for k, v in plain.items()
        },
        "texts": {k: ["." if x is None else x if isinstance(x, str) else repr(x) for x in v] for k, v in plain.items()},
        "whole IDs": {**plain, "ID": [int(x) for x in plain["ID"]]},
        "pandas": pandas.DataFrame(plain),
        "pandas, as it reads the file": pandas.read_csv(EVENTS),
        "pandas, as it reads the file, points as NaN": pandas.read_csv(EVENTS, na_values="."),
        "pandas, its own types": pandas.DataFrame(plain).convert_dtypes(),
        "pandas, another index": pandas.DataFrame(plain).set_index(np.arange(11)[::-1]),
        "polars": polars.DataFrame(plain),
        "polars, as it reads the file": polars.read_csv(EVENTS, null_values="."),
        "pyarrow": pyarrow.table(plain),
        "pyarrow, words by number": pyarrow.table(
            {**plain, "ID": pyarrow.array(plain["ID"]).dictionary_encode(), "CMT": pyarrow.array(plain["CMT"])}
        ),
    }


@pytest.mark.parametrize("name", tables())
def test_a_table_of_any_library_has_the_bytes_of_the_file(name: str) -> None:
    assert ketpk.predict(MODEL, tables()[name]).to_csv() == by_the_command("--model", MODEL, "--data", EVENTS)


def test_the_columns_may_stand_in_any_order_and_in_lower_case() -> None:
    due = ketpk.predict(MODEL, EVENTS)
    plain = columns_of()
    assert ketpk.predict(MODEL, dict(reversed(plain.items()))) == due
    lower = {k.lower(): v for k, v in plain.items()}
    assert ketpk.predict(MODEL, lower) == due


def test_other_columns_are_left_out_whatever_they_hold() -> None:
    other = {
        "COMMENT": ['a "word", and\nanother line'] * 11,
        "when": [datetime.datetime(2026, 11, 21)] * 11,
        "half": np.full(11, 0.5, dtype=np.float32),
    }
    assert ketpk.predict(MODEL, {**columns_of(), **other}) == ketpk.predict(MODEL, EVENTS)


def test_numbers_go_over_to_the_last_bit(tmp_path: pathlib.Path) -> None:
    rng = np.random.default_rng(20261121)
    n = 300
    amount = np.where(np.arange(n) % 3 == 0, rng.uniform(1e-7, 1e3, n), np.nan)
    amount[3] = 5e-324 * 2**60  # as small as an exponent makes it
    table = {
        "ID": [f"{i // 10}" for i in range(n)],
        "TIME": np.sort(rng.uniform(0, 3000, (n // 10, 10)), axis=1).ravel(),
        "AMT": amount,
        "DUR": np.where(np.isnan(amount), np.nan, rng.choice([0, 1 / 3, 40], n)),
        "EVID": np.where(np.isnan(amount), 0, 1),
        "WT": rng.uniform(3, 200, n),
    }
    table["AMT"][3] = 1e-30
    file = tmp_path / "data.csv"
    rows = zip(*(list(map(repr, np.asarray(v).tolist())) if k != "ID" else v for k, v in table.items()))
    file.write_text(",".join(table) + "\n" + "".join(",".join(r).replace("nan", ".") + "\n" for r in rows))
    (tmp_path / "kamp.json").write_text(json.dumps(kamp()))
    due = by_the_command("--model", tmp_path / "kamp.json", "--data", file)
    for made in (table, pandas.DataFrame(table), polars.DataFrame(table, nan_to_null=True), pyarrow.table(table)):
        assert ketpk.predict(kamp(), made).to_csv() == due


def test_a_dose_at_once_and_an_infusion_are_those_of_simulate() -> None:
    order = ketpk.infusion(dose_mg=35, duration_min=40) + ketpk.bolus(dose_mg=10, start_min=60)
    at = [0, 20, 40, 60, 61, 90, 240]
    due = ketpk.simulate(
        PATIENT, order, model="kamp2020", analyte="racemic-ketamine", form="base", drug_free=True, at_min=at
    ).profile.plasma_ng_per_mL
    doses = {"TIME": [0, 60], "AMT": [35, 10], "DUR": [40, None], "EVID": [1, 1]}
    seen = {"TIME": at, "AMT": [None] * 7, "DUR": [None] * 7, "EVID": [0] * 7}
    records = sorted(zip(*(doses[k] + seen[k] for k in doses)), key=lambda r: r[0])
    table = {**dict(zip(doses, map(list, zip(*records)))), "ID": ["one"] * 9, "WT": [70] * 9}
    told = ketpk.predict(kamp(), table)
    observed = told.columns["plasma_ng_per_mL"][told.columns["EVID"] == 0]
    assert observed == pytest.approx(due, rel=1e-9)


# A value -------------------------------------------------------------------------------------------------------------


def test_a_prediction_says_what_it_is() -> None:
    told = ketpk.predict(MODEL, EVENTS, spread=True)
    document = json.loads(told.to_json())
    assert list(told.columns) == list(document["columns"]) == list(told.units) and told.rows == len(told) == 11
    for name, column in told.columns.items():
        assert column.shape == (11,) and column.tolist() == document["columns"][name]
        assert column.dtype == (object if name == "ID" else np.float64)
        unit = told.units[name]
        assert unit is None if name in ("ID", "EVID") else name.endswith("_" + unit.replace("/", "_per_"))
    made = document["ketpk"]
    assert (told.version, told.solver, told.second_solver) == (ketpk.__version__, made["solver"], "odeint")
    assert told.agreement_rel == made["agreement_rel"] and 0 <= told.agreement_rel <= 1e-8
    assert (told.stretches, told.stretches_checked) == (made["stretches"], made["stretches_checked"])
    assert told.model == "example-intranasal" and told.citation == document["model"]["citation"]
    assert told.model in repr(told) and "\n" not in repr(told)


def test_a_prediction_cannot_be_changed_and_is_no_truth_value() -> None:
    told = ketpk.predict(MODEL, EVENTS)
    for array in told.columns.values():
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(AttributeError):
        told.solver = "mine"  # type: ignore[misc]
    with pytest.raises(TypeError):
        told.units["ID"] = "kg"  # type: ignore[index]
    with pytest.raises(TypeError):
        bool(told)
    with pytest.raises(TypeError):
        ketpk.Prediction()


@pytest.mark.parametrize("spread", [False, True])
def test_a_prediction_comes_back_from_pickle_bit_for_bit(spread: bool) -> None:
    told = ketpk.predict(MODEL, EVENTS, spread=spread)
    for again in (pickle.loads(pickle.dumps(told)), copy.copy(told), copy.deepcopy(told)):
        assert again == told and hash(again) == hash(told) and repr(again) == repr(told)
        assert again.to_csv() == told.to_csv() and again.to_json() == told.to_json()
        assert all(not column.flags.writeable for column in again.columns.values())
    kind, (schema, *held) = told.__reduce__()
    with pytest.raises(InvalidInput, match="E_SCHEMA_VERSION"):
        kind(schema + "0", *held)


def test_predictions_of_other_data_differ() -> None:
    told = ketpk.predict(MODEL, EVENTS)
    assert told != ketpk.predict(MODEL, EVENTS, spread=True) and told != "a prediction"
    assert told != ketpk.predict(saturable(), EVENTS)
    other = columns_of()
    other["AMT"][0] = np.nextafter(35.0, 36.0)
    assert told != ketpk.predict(MODEL, other)


def test_the_table_goes_to_other_libraries() -> None:
    told = ketpk.predict(MODEL, EVENTS)
    frame, table, polar = told.to_pandas(), told.to_arrow(), told.to_polars()
    assert list(frame) == table.column_names == polar.columns == list(told.columns)
    for name, column in told.columns.items():
        assert frame[name].tolist() == table[name].to_pylist() == polar[name].to_list() == column.tolist()
    assert polars.DataFrame(told).equals(polar)
    frame.loc[0, "plasma_ng_per_mL"] = -1
    assert told.columns["plasma_ng_per_mL"][0] != -1


def test_what_a_spreadsheet_takes_for_a_formula_is_no_formula() -> None:
    table = {**columns_of(), "ID": ["=1+1"] * 6 + ["two, three"] * 5}
    told = ketpk.predict(MODEL, table)
    assert told.columns["ID"][0] == "=1+1" and told.to_csv().splitlines()[1].startswith("'=1+1,")
    assert '"two, three",' in told.to_csv()


# Refusals ------------------------------------------------------------------------------------------------------------


def changed(name: str, row: int, value: Any) -> dict[str, list[Any]]:
    table = columns_of()
    table[name][row] = value
    return table


@pytest.mark.parametrize(
    ("name", "row", "value", "code"),
    [
        ("TIME", 2, None, "E_FIELD_MISSING"),
        ("TIME", 2, 0.1, "E_TIME_ORDER"),
        ("TIME", 1, "1 h", "E_PARSE"),
        ("TIME", 1, "0,5", "E_PARSE"),
        ("TIME", 1, "two\nlines", "E_PARSE"),
        ("AMT", 0, None, "E_FIELD_MISSING"),
        ("AMT", 0, -35.0, "E_RANGE"),
        ("AMT", 1, 35.0, "E_RANGE"),
        ("AMT", 0, "35 mg", "E_PARSE"),
        ("AMT", 0, "NA", "E_FIELD_MISSING"),
        ("AMT", 0, "1" + "0" * 400, "E_RANGE"),
        ("AMT", 0, "ñ", "E_PARSE"),
        ("EVID", 4, 7, "E_RANGE"),
        ("EVID", 4, 0.5, "E_RANGE"),
        ("CMT", 3, "ear", "E_PARSE"),
        ("CMT", 3, 9, "E_RANGE"),
        ("CMT", 3, None, "E_FIELD_MISSING"),
        ("ADDL", 6, 1.5, "E_RANGE"),
        ("SS", 6, 3, "E_RANGE"),
        ("II", 6, None, "E_FIELD_MISSING"),
        ("WT", 5, None, "E_FIELD_MISSING"),
        ("ID", 5, None, "E_FIELD_MISSING"),
        ("ID", 7, "1", "E_TIME_ORDER"),
        ("ID", 5, "a\nb", "E_ENCODING"),
        ("ID", 5, " 1", "E_PARSE"),
        ("ID", 5, "x" * 65, "E_SIZE"),
        # what would have to be guessed at
        ("AMT", 0, True, "E_TYPE"),
        ("AMT", 0, np.float32(35), "E_TYPE"),
        ("AMT", 0, decimal.Decimal(35), "E_TYPE"),
        ("AMT", 0, [35], "E_TYPE"),
        ("AMT", 0, 35 + 0j, "E_TYPE"),
        ("TIME", 3, datetime.datetime(2026, 11, 21), "E_TYPE"),
        ("TIME", 3, np.datetime64("2026-11-21"), "E_TYPE"),
        ("ID", 5, 1.0, "E_TYPE"),
        ("AMT", 0, float("inf"), "E_NONFINITE"),
        ("WT", 10, -float("inf"), "E_NONFINITE"),
    ],
)
def test_a_bad_cell_is_named_by_row_and_column(name: str, row: int, value: Any, code: str) -> None:
    error = refused(lambda: ketpk.predict(MODEL, changed(name, row, value)), code, row, name)
    assert error.field == "data" and (pickle.loads(pickle.dumps(error)).row) == row
    if not isinstance(value, str) or "\n" in value:
        return
    refused(lambda: ketpk.predict(MODEL, polars.DataFrame(changed(name, row, value), strict=False)), code, row, name)


def test_the_first_bad_row_is_named_as_in_the_file(tmp_path: pathlib.Path) -> None:
    lines = EVENTS.read_text().splitlines()
    lines[4] = lines[4].replace("nose", "ear")
    file = tmp_path / "bad.csv"
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(InvalidInput) as caught:
        ketpk.predict(MODEL, file)
    error = caught.value
    assert (error.field, error.row, error.column) == ("data line 5 column CMT", None, None)
    assert f"{error.code} {error.field}: {error.message}" in by_the_command("--model", MODEL, "--data", file, code=2)
    in_table = refused(lambda: ketpk.predict(MODEL, changed("CMT", 3, "ear")), error.code, 3, "CMT")
    assert in_table.message == error.message


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        (lambda t: t.pop("WT"), "E_COLUMNS", "WT"),
        (lambda t: t.pop("TIME"), "E_COLUMNS", "TIME"),
        (lambda t: t.pop("AMT"), "E_COLUMNS", "AMT"),
        (lambda t: t.update(Rate=t.pop("RATE")), "E_COLUMNS", "Rate"),
        (lambda t: t.update(RATES=t.pop("RATE")), "E_COLUMNS", "RATES"),
        (lambda t: t.update(TAU=t.pop("II")), "E_COLUMNS", "TAU"),
        (lambda t: t.update({"TIME (h)": [0] * 11}), "E_COLUMNS", None),
        (lambda t: t.update({"": [0] * 11}), "E_COLUMNS", None),
    ],
)
def test_a_bad_column_is_named(change: Callable[[dict[str, Any]], Any], code: str, column: str | None) -> None:
    table = columns_of()
    change(table)
    refused(lambda: ketpk.predict(MODEL, table), code, None, column)


def test_an_empty_table_is_refused() -> None:
    empty = {name: [] for name in columns_of()}
    for table in (empty, pandas.DataFrame(empty), polars.DataFrame(empty), pyarrow.table(empty)):
        assert refused(lambda t=table: ketpk.predict(MODEL, t), "E_FIELD_MISSING").field == "data"
    refused(lambda: ketpk.predict(MODEL, {}), "E_COLUMNS")
    refused(lambda: ketpk.predict(MODEL, {**columns_of(), "WT": [70]}), "E_COLUMNS")


def test_a_table_in_another_precision_is_refused() -> None:
    for kind in (np.float32, np.float16):
        table = {**columns_of(), "WT": np.full(11, 70, dtype=kind)}
        refused(lambda t=table: ketpk.predict(MODEL, t), "E_TYPE", 0, "WT")
        refused(lambda t=table: ketpk.predict(MODEL, pandas.DataFrame(t)), "E_TYPE", 0, "WT")
        refused(lambda t=table: ketpk.predict(MODEL, pyarrow.table(t)), "E_TYPE", 0, "WT")
    single = polars.DataFrame(columns_of()).with_columns(polars.col("WT").cast(polars.Float32))
    refused(lambda: ketpk.predict(MODEL, single), "E_TYPE", 0, "WT")


def test_what_is_neither_a_path_nor_a_table_is_refused(tmp_path: pathlib.Path) -> None:
    text = EVENTS.read_text()
    things: list[Any] = [text, text.encode(), bytearray(text.encode()), None, 42, [1, 2], np.zeros((2, 2)), iter([])]
    for thing in things:
        refused(lambda t=thing: ketpk.predict(MODEL, t), "E_TYPE")
    for path in (tmp_path / "absent.csv", tmp_path, "a\0b"):
        assert refused(lambda p=path: ketpk.predict(MODEL, p), "E_IO").field == "data"
    for spread in (1, None, "yes"):
        refused(lambda s=spread: ketpk.predict(MODEL, EVENTS, spread=s), "E_TYPE")


def test_what_is_no_model_for_data_is_refused(tmp_path: pathlib.Path) -> None:
    for model in (None, 42, b"kamp2020", ["kamp2020"]):
        refused(lambda m=model: ketpk.predict(m, EVENTS), "E_TYPE")
    refused(lambda: ketpk.predict("kamp", EVENTS), "E_MODEL_UNKNOWN")
    refused(lambda: ketpk.predict(tmp_path / "absent.json", EVENTS), "E_IO")
    refused(lambda: ketpk.predict("./absent.json", EVENTS), "E_IO")
    unitless = {name: member for name, member in kamp().items() if name != "data_units"}
    error = refused(lambda: ketpk.predict(unitless, EVENTS), "E_MODEL_PARAM")  # it does not say in which units
    assert error.field == "data_units"
    refused(lambda: ketpk.predict({"custom": {}}, EVENTS), "E_SCHEMA_VERSION")
    refused(lambda: ketpk.predict({"schema": "ketpk.model/1", "id": {1: 2, "x": object()}}, EVENTS), "E_TYPE")
    error = refused(lambda: ketpk.predict(kamp(), {"ID": [1], "TIME": [0], "WT": [70]}, spread=True), "E_MODEL_PARAM")
    assert error.field == "variability"


def test_trouble_is_told_with_the_row_at_which_the_subject_begins() -> None:
    table = columns_of()
    # All that is ever given has nowhere to go: twice a day more than can be eliminated.
    table["AMT"][6] = 6e4
    with pytest.raises(ketpk.NumericalTrouble) as caught:
        ketpk.predict(saturable(), table)
    assert caught.value.row == 6 and "data line" not in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).row == 6


# Threads and interrupts ----------------------------------------------------------------------------------------------


def test_many_threads_are_told_the_same() -> None:
    table = pandas.DataFrame(columns_of())
    due = ketpk.predict(MODEL, EVENTS, spread=True).to_json()
    with ThreadPoolExecutor(16) as pool:
        asked = [pool.submit(ketpk.predict, MODEL, (table, EVENTS)[i % 2], spread=True) for i in range(64)]
        assert {a.result().to_json() for a in asked} == {due}


def many(subjects: int) -> dict[str, list[Any]]:
    plain = columns_of()
    first = [i for i, x in enumerate(plain["ID"]) if x == "1"]
    return {
        name: [f"{s}" for s in range(subjects) for _ in first]
        if name == "ID"
        else [column[i] for i in first] * subjects
        for name, column in plain.items()
    }


def test_other_threads_run_meanwhile() -> None:
    table = many(2_000)
    counted = 0
    over = threading.Event()

    def count() -> None:
        nonlocal counted
        while not over.is_set():
            counted += 1
            time.sleep(0.001)

    other = threading.Thread(target=count)
    other.start()
    begun = time.monotonic()
    told = ketpk.predict(MODEL, table, spread=True)
    took = time.monotonic() - begun
    over.set()
    other.join()
    assert told.rows == 12_000 and counted > 0.1 * took / 0.001


def test_an_interrupt_ends_it_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    code = """
import json, sys, time, ketpk
model, table = sys.argv[1], json.loads(open(sys.argv[2]).read())
print("begun", flush=True)
try:
    ketpk.predict(model, table, spread=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    file = tmp_path / "table.json"
    file.write_text(json.dumps(many(20_000)))
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(MODEL), str(file)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(PYTHONPATH=str(PACKAGE.parent)),
    )
    with process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        time.sleep(1.5)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "interrupted\n" and process.wait(60) == 0
        assert time.monotonic() - sent < 5


def test_wrong_types_are_type_errors() -> None:
    with pytest.raises(WrongType):
        ketpk.predict(MODEL, changed("AMT", 0, True))
