# SPDX-License-Identifier: Apache-2.0
"""The Python cases P-01 to P-32 of the list of bad inputs that the contract adopts, one function each.

Where a case supposes another interface, its function says what stands for it here: quantities are numbers in keywords
that carry the unit; sessions are dicts or files with quantities as text; tables are ``simulate_frame``.
"""

from __future__ import annotations

import copy
import datetime
import decimal
import fractions
import gc
import itertools
import json
import operator
import os
import pathlib
import pickle
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import traceback
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from conftest import EVERYTHING, LIMITS, ORDER, PACKAGE, PATIENT, ROOT, WORDS, child, session

import ketpk
from ketpk import InvalidInput, WrongType

Case = Callable[[pathlib.Path], None]
CASES: dict[str, Case] = {}


def case(name: str) -> Callable[[Case], Case]:
    """Enters a function in the table under the number of its case."""

    def enter(function: Case) -> Case:
        assert name not in CASES, f"{name} stands twice"
        CASES[name] = function
        return function

    return enter


def test_the_table_has_all_cases() -> None:
    assert list(CASES) == [f"P-{n:02}" for n in range(1, 33)]


@pytest.mark.parametrize("name", CASES)
def test_bad_input(name: str, tmp_path: pathlib.Path) -> None:
    CASES[name](tmp_path)


def refused(
    call: Callable[[], object], code: str, *, row: int | None = None, column: str | None = None, what: object = "it"
) -> InvalidInput:
    """The refusal of a call, with the code that is due; a wrong type is a TypeError too."""
    try:
        call()
    except InvalidInput as refusal:
        assert (refusal.code, refusal.row, refusal.column) == (code, row, column), (what, str(refusal))
        assert isinstance(refusal, TypeError) == (code == "E_TYPE"), type(refusal)
        return refusal
    pytest.fail(f"{what} was taken")


def column_of(rows: int = 3, **changed: Any) -> dict[str, Any]:
    """A table of so many patients and orders as a dict of arrays; None leaves a column out."""
    columns = {
        "weight_kg": np.linspace(50.0, 90.0, rows),
        "dose_mg_per_kg": np.linspace(0.25, 0.5, rows),
        "duration_min": np.full(rows, 40.0),
        **changed,
    }
    return {name: values for name, values in columns.items() if values is not None}


def framed(frame: Any, **more: Any) -> Any:
    return ketpk.simulate_frame(frame, **{**WORDS, **more})


def answer(**more: Any) -> ketpk.Result:
    return ketpk.simulate(PATIENT, ORDER, **{**WORDS, "every_min": 10, "until_min": 120, **more})


#: Every keyword that takes a number, as a call with that number in it.
NUMBERS: dict[str, Callable[[Any], object]] = {
    "weight_kg": lambda x: ketpk.Patient(weight_kg=x),
    "weight_lb": lambda x: ketpk.Patient(weight_lb=x),
    "height_cm": lambda x: ketpk.Patient(weight_kg=70, height_cm=x),
    "height_m": lambda x: ketpk.Patient(weight_kg=70, height_m=x),
    "height_in": lambda x: ketpk.Patient(weight_kg=70, height_in=x),
    "age_yr": lambda x: ketpk.Patient(weight_kg=70, age_yr=x),
    "dosing_weight_kg": lambda x: ketpk.Patient(weight_kg=70, dosing_weight_kg=x),
    "covariates": lambda x: ketpk.Patient(weight_kg=70, covariates={"RACE_ASIAN": x}),
    "dose_mg_per_kg": lambda x: ketpk.infusion(dose_mg_per_kg=x, duration_min=40),
    "rate_mL_per_h": lambda x: ketpk.infusion(rate_mL_per_h=x, duration_min=40),
    "duration_min": lambda x: ketpk.infusion(dose_mg=10, duration_min=x),
    "start_min": lambda x: ketpk.infusion(dose_mg=10, duration_min=40, start_min=x),
    "bolus": lambda x: ketpk.bolus(dose_mg=x),
    "bolus start": lambda x: ketpk.bolus(dose_mg=10, start_min=x),
    "bag_mg_per_mL": lambda x: answer(bag_mg_per_mL=x),
    "every_min": lambda x: answer(every_min=x),
    "until_min": lambda x: answer(until_min=x),
    "at_min": lambda x: answer(at_min=[0, x], every_min=None, until_min=None),
    "time_above": lambda x: answer(time_above_ng_per_mL=[x]),
    "one level": lambda x: answer(time_above_ng_per_mL=x),
}
#: Of these, the ones whose None says "not stated", which is what leaving them out says.
MAY_BE_NONE = {"height_cm", "height_m", "height_in", "age_yr", "dosing_weight_kg", "bag_mg_per_mL"} | {
    "every_min",
    "until_min",
}


def test_each_number_of_the_table_is_taken_when_it_is_one() -> None:
    for name, call in NUMBERS.items():
        call(30)
        call(np.float64(30.5))
        assert name


@case("P-01")
def a_number_without_a_unit_is_refused(_: pathlib.Path) -> None:
    # A bare number is one without a keyword, or with a keyword that names no unit.
    calls: list[Callable[[], object]] = [
        lambda: ketpk.Patient(70),  # type: ignore[call-arg]
        lambda: ketpk.Patient(weight=70),  # type: ignore[call-arg]
        lambda: ketpk.Patient(weight_kg=70, age=42),  # type: ignore[call-arg]
        lambda: ketpk.infusion(0.5, 40),  # type: ignore[call-arg]
        lambda: ketpk.infusion(dose=0.5, duration_min=40),  # type: ignore[call-arg]
        lambda: ketpk.infusion(dose_mg_per_kg=0.5, duration=40),  # type: ignore[call-arg]
        lambda: ketpk.bolus(10),  # type: ignore[call-arg]
        lambda: answer(time_above=100),
        lambda: ketpk.simulate(70, ORDER, **WORDS),  # type: ignore[arg-type]
        lambda: ketpk.simulate(PATIENT, 35, **WORDS),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises(TypeError):
            call()
    for patient in ({"weight": 70}, {"weight": "70"}):
        error = refused(lambda: ketpk.simulate_session(session(patient=patient)), "E_UNIT_MISSING")
        assert error.field == "patient.weight"
    refused(lambda: framed(column_of(weight=[70.0] * 3)), "E_FIELD_UNKNOWN", column="weight")


@case("P-02")
def texts_and_decimals_are_no_numbers(_: pathlib.Path) -> None:
    things = ["70", "70 kg", b"70", bytearray(b"70"), decimal.Decimal("70"), fractions.Fraction(70), 70 + 0j, "", []]
    for thing in things:
        for name, call in NUMBERS.items():
            if not (name == "one level" and thing == []):  # no level is no question
                refused(lambda: call(thing), "E_TYPE", what=(name, thing))
        if not isinstance(thing, list):
            refused(lambda: framed(column_of(weight_kg=[70.0, thing, 70.0])), "E_TYPE", row=1, column="weight_kg")
    # The explicit, exact way for a decimal is a session, where the digits are text.
    exact = decimal.Decimal("70.1")
    by_text = ketpk.simulate_session(session(patient={"weight": f"{exact} kg"}))
    by_number = ketpk.simulate(ketpk.Patient(weight_kg=70.1), ORDER, every_min=10, until_min=120, **WORDS)
    assert by_text.to_json() == by_number.to_json()


@case("P-03")
def a_truth_value_is_no_number(_: pathlib.Path) -> None:
    for thing in (True, False, np.True_, np.False_):
        for call in NUMBERS.values():
            refused(lambda: call(thing), "E_TYPE", what=(call, thing))
        refused(lambda: framed(column_of(dose_mg_per_kg=[0.5, 0.5, thing])), "E_TYPE", row=2, column="dose_mg_per_kg")
    truths = np.array([True, True, False])
    refused(lambda: framed(column_of(weight_kg=truths)), "E_TYPE", column="weight_kg")
    refused(lambda: answer(at_min=truths, every_min=None, until_min=None), "E_TYPE")
    # And a number is no truth value.
    others: list[Any] = [1, "yes", None]
    for thing in others:
        refused(lambda: ketpk.simulate(PATIENT, ORDER, **{**WORDS, "drug_free": thing}), "E_TYPE")


@case("P-04")
def what_is_not_a_number_is_never_skipped(_: pathlib.Path) -> None:
    not_finite = [float("nan"), np.nan, np.float64("nan"), float("inf"), -np.inf]
    no_numbers = [pandas.NA, pandas.NaT, np.ma.masked, np.datetime64("NaT")]
    for call in NUMBERS.values():
        for thing in not_finite:
            refused(lambda: call(thing), "E_NONFINITE")
        for thing in no_numbers:
            with pytest.raises(InvalidInput) as caught:
                call(thing)
            assert caught.value.code in ("E_TYPE", "E_NONFINITE")
    for name, call in NUMBERS.items():
        if name == "weight_kg" or name == "weight_lb" or name in ("dose_mg_per_kg", "rate_mL_per_h", "bolus"):
            refused(lambda: call(None), "E_FIELD_MISSING")  # nothing is stated, and something must be
        elif name not in MAY_BE_NONE:
            refused(lambda: call(None), "E_TYPE")
    for thing, code in [(x, "E_NONFINITE") for x in not_finite] + [(x, "E_TYPE") for x in (*no_numbers, None)]:
        refused(lambda: framed(column_of(weight_kg=[70.0, 80.0, thing])), code, row=2, column="weight_kg")
    masked = np.ma.MaskedArray([10.0, 20.0, 30.0], mask=[False, True, False])
    refused(lambda: answer(at_min=masked, every_min=None, until_min=None), "E_NONFINITE")
    refused(lambda: framed(column_of(weight_kg=masked)), "E_NONFINITE", row=1, column="weight_kg")
    spoilt = np.array([70.0, np.nan, 70.0])
    refused(lambda: framed(column_of(weight_kg=spoilt)), "E_NONFINITE", row=1, column="weight_kg")
    now = datetime.datetime.now(datetime.timezone.utc)
    refused(lambda: ketpk.minutes_between(pandas.NaT, now), "E_TYPE")
    refused(lambda: ketpk.minutes_between(now, pandas.NaT), "E_TYPE")


@case("P-05")
def numbers_of_another_precision_are_not_widened(_: pathlib.Path) -> None:
    for thing in (np.float32(0.1), np.float16(0.1), np.longdouble(0.1), np.complex128(1)):
        for call in NUMBERS.values():
            refused(lambda: call(thing), "E_TYPE", what=(call, thing))
    for kind in (np.float32, np.float16, np.longdouble):
        single = np.array([10.0, 20.0, 30.0], dtype=kind)
        refused(lambda: answer(at_min=single, every_min=None, until_min=None), "E_TYPE")
        refused(lambda: framed(column_of(weight_kg=single)), "E_TYPE", column="weight_kg")
    frame = pandas.DataFrame(column_of()).astype({"weight_kg": "float32"})
    refused(lambda: framed(frame), "E_TYPE", column="weight_kg")


@case("P-06")
def an_array_is_no_single_number(_: pathlib.Path) -> None:
    for thing in (np.array([70, 80]), np.array([70.0]), np.array(70.0), (70,), {"kg": 70}, pandas.Series([70.0])):
        for name, call in NUMBERS.items():
            if name == "one level" and np.ndim(thing) == 1 and not isinstance(thing, dict):  # type: ignore[arg-type]
                continue  # several levels may be asked for
            refused(lambda: call(thing), "E_TYPE", what=(call, thing))


@case("P-07")
def whole_numbers_are_refused_where_they_would_have_cut_a_dose(_: pathlib.Path) -> None:
    cut = np.array([0.5, 1.9, 0.5]).astype(np.int64)
    assert cut.tolist() == [0, 1, 0]
    for name in ("dose_mg_per_kg", "dose_mg", "rate_mg_per_h", "bolus_mg"):
        for kind in (np.int64, np.int32, np.uint8):
            table = {**column_of(dose_mg_per_kg=None), name: cut.astype(kind)}
            if name == "bolus_mg":
                del table["duration_min"]
            refused(lambda: framed(table), "E_TYPE", column=name)
            refused(lambda: framed(pandas.DataFrame(table)), "E_TYPE", column=name)
            refused(lambda: framed(polars.DataFrame(table)), "E_TYPE", column=name)
    # Whole kilograms and minutes are no accident.
    whole = framed(column_of(weight_kg=np.array([50, 70, 90]), duration_min=np.array([40, 40, 40])))
    assert whole == framed(column_of(weight_kg=np.array([50.0, 70.0, 90.0])))


@case("P-08")
def every_layout_of_an_array_gives_the_same_bits_or_is_refused(_: pathlib.Path) -> None:
    plain = np.linspace(50.0, 90.0, 4)
    apart = np.empty(8)
    apart[::2] = plain
    read_only = plain.copy()
    read_only.setflags(write=False)
    unaligned = np.frombuffer(b"\0" + plain.tobytes(), dtype=np.float64, offset=1)
    assert not unaligned.flags.aligned and not apart[::2].flags.c_contiguous
    ways = {
        "big-endian": plain.astype(">f8"),
        "with gaps": apart[::2],
        "backwards": plain[::-1].copy()[::-1],
        "read-only": read_only,
        "unaligned": unaligned,
        "column of a matrix": np.stack([plain, plain], axis=1)[:, 0],
        "a list": plain.tolist(),
        "nothing masked": np.ma.MaskedArray(plain, mask=False),
    }
    due = framed(column_of(4, weight_kg=plain))
    due_curve = answer(at_min=plain, every_min=None, until_min=None)
    for way, values in ways.items():
        found = framed(column_of(4, weight_kg=values))
        numbers = [name for name in due if due[name].dtype.kind == "f"]
        assert all(found[name].tobytes() == due[name].tobytes() for name in numbers), way
        assert found == due, way
        assert answer(at_min=values, every_min=None, until_min=None).profile == due_curve.profile, way
    two = np.stack([plain, plain], axis=1)
    for thing in (np.array(70.0), two, plain.reshape(4, 1), plain.astype("U"), plain.astype("c16")):
        refused(lambda: framed(column_of(4, weight_kg=thing)), "E_TYPE", column="weight_kg")
        refused(lambda: answer(at_min=thing, every_min=None, until_min=None), "E_TYPE")
    objects = plain.astype(object)
    refused(lambda: framed(column_of(4, weight_kg=objects)), "E_TYPE", column="weight_kg")
    objects[2] = "70"
    refused(lambda: framed(column_of(4, weight_kg=objects)), "E_TYPE", row=2, column="weight_kg")


@case("P-09")
def columns_of_different_lengths_are_refused(_: pathlib.Path) -> None:
    for weights in ([70.0, 80.0], [70.0], [70.0] * 4, []):
        for thing in (weights, np.array(weights)):
            refused(lambda: framed(column_of(weight_kg=thing)), "E_COLUMNS")
    refused(lambda: framed(column_of(sex=["female"])), "E_COLUMNS")
    refused(lambda: framed(column_of(weight_kg=70.0)), "E_TYPE", column="weight_kg")  # no broadcasting of one number
    refused(lambda: framed(column_of(0)), "E_FIELD_MISSING")


@case("P-10")
def a_table_changed_during_the_call_is_answered_as_it_was_at_entry(_: pathlib.Path) -> None:
    rows = 3000
    frame = column_of(rows, at=None)
    given = {name: values.copy() for name, values in frame.items()}
    due = framed(given)
    started, changed = threading.Event(), threading.Event()
    done_then: list[int] = []

    def change() -> None:
        assert started.wait(60)
        for values in frame.values():
            values[:] = 1.0
        changed.set()

    def progress(done: int, total: int) -> None:
        if not started.is_set():
            done_then.append(done)
            started.set()
            assert changed.wait(60)

    for threads in (1, 2):
        for name, values in given.items():
            frame[name][:] = values
        started.clear()
        changed.clear()
        other = threading.Thread(target=change)
        other.start()
        found = framed(frame, threads=threads, progress=progress)
        other.join()
        assert frame["weight_kg"].tolist() == [1.0] * rows
        assert found == due
    assert max(done_then) < rows  # rows were still to come when the table changed


@case("P-11")
def an_array_outlives_its_result(_: pathlib.Path) -> None:
    result = answer()
    table = framed(column_of())
    kept, column = result.profile.plasma_ng_per_mL, table["cmax_ng_per_mL"]
    due, due_column = kept.tolist(), column.tolist()
    del result, table
    gc.collect()
    for _again in range(300):  # what was freed would be written over
        answer()
        gc.collect(0)
    assert kept.tolist() == due and column.tolist() == due_column


@case("P-12")
def a_result_array_cannot_be_assigned_to(_: pathlib.Path) -> None:
    result, table = answer(), framed(column_of())
    for array in (result.profile.plasma_ng_per_mL, result.profile.time_us, table["cmax_ng_per_mL"], table["verdict"]):
        before = array.copy()
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
        with pytest.raises(ValueError, match="read-only"):
            array.sort()
        assert np.array_equal(array, before)
    with pytest.raises(AttributeError):
        result.profile.plasma_ng_per_mL = np.zeros(13)  # type: ignore[misc]
    with pytest.raises(TypeError):
        result.profile["plasma_ng_per_mL"] = np.zeros(13)  # type: ignore[index]


@case("P-13")
def neither_a_result_nor_a_verdict_is_a_truth_value(_: pathlib.Path) -> None:
    result = answer(limits=LIMITS, as_of="2026-11-21")
    for thing in (result, result.verdict, result.assessment, *ketpk.Verdict):
        with pytest.raises(TypeError):
            bool(thing)
        with pytest.raises(TypeError):
            not thing  # noqa: B018


@case("P-14")
def a_verdict_is_compared_with_verdicts(_: pathlib.Path) -> None:
    verdict = answer(limits=LIMITS, as_of="2026-11-21").verdict
    assert verdict == ketpk.Verdict.WITHIN_LIMITS
    for word in ("ok", "within-limits", ""):
        for compare in (operator.eq, operator.ne):
            for sides in ((verdict, word), (word, verdict)):
                with pytest.raises(TypeError, match="no text"):
                    compare(*sides)


@case("P-15")
def a_result_takes_no_arithmetic(_: pathlib.Path) -> None:
    # There are no typed arrays here: columns are NumPy's, and each is named by its unit; what has no unit is no number.
    result = answer()
    for thing in (result, result.profile, result.summary, result.verdict, result.ketpk, PATIENT, ORDER):
        for operate in (operator.add, operator.sub, operator.mul, operator.truediv):
            for number in (1, 2.5, np.float64(2)):
                with pytest.raises(TypeError):
                    operate(thing, number)
    with pytest.raises(AttributeError):
        getattr(result, "concentration")
    units = ("_us", "_min", "_ng_per_mL", "_mg", "_ng_h_per_mL")
    assert all(name.endswith(units) for name in result.profile)
    stated = [n for n in result.summary.__slots__ if n not in ("effect_site", "metabolites")]
    assert stated and all(name.endswith(units) for name in stated)
    with pytest.raises(TypeError):
        operator.add(ORDER, PATIENT)


@case("P-16")
def copies_of_a_result_are_equal_and_other_versions_are_refused(_: pathlib.Path) -> None:
    result = ketpk.simulate_session(session(model=EVERYTHING, questions={"time_above": ["100 ng/mL"]}))
    pickles = [pickle.dumps(result, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for again in (copy.copy(result), copy.deepcopy(result), *map(pickle.loads, pickles)):
        assert again == result and hash(again) == hash(result) and again.to_json() == result.to_json()
    for data in pickles:
        assert b"ketpk.result/1" in data
        older = data.replace(b"ketpk.result/1", b"ketpk.result/0")
        assert refused(lambda: pickle.loads(older), "E_SCHEMA_VERSION").field == "schema"


def same_bits(a: Any, b: Any) -> None:
    """Two documents with the same keys, types and, of every number, bits."""
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same_bits(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for one, other in zip(a, b):
            same_bits(one, other)
    else:
        assert (a.hex() == b.hex()) if isinstance(a, float) else a == b


@case("P-17")
def json_brings_back_every_bit(_: pathlib.Path) -> None:
    result = ketpk.simulate_session(session(model=EVERYTHING, questions={"time_above": ["100 ng/mL"]}))
    again = ketpk.Result.from_json(result.to_json())
    same_bits(again.to_dict(), result.to_dict())
    same_bits(json.loads(json.dumps(result.to_dict())), result.to_dict())
    for name in result.profile:
        assert again.profile[name].tobytes() == result.profile[name].tobytes(), name
    assert again.summary == result.summary and again.to_json() == result.to_json()


@case("P-18")
def no_result_can_hold_nan(_: pathlib.Path) -> None:
    result = answer(time_above_ng_per_mL=[100, 99999])
    json.dumps(result.to_dict(), allow_nan=False)
    text = result.to_json()
    not_finite = dict.fromkeys(("NaN", "Infinity", "-Infinity"), "E_NONFINITE")
    for number, code in {**not_finite, "1e999": "E_RANGE", "-1e999": "E_RANGE"}.items():  # as in a session
        for key in ("cmax_ng_per_mL", "agreement_rel", "minutes"):
            spoilt = re.sub(rf'"{key}": [^,\n]+', f'"{key}": {number}', text, count=1)
            assert spoilt != text
            refused(lambda: ketpk.Result.from_json(spoilt), code)
        spoilt = re.sub(r'"plasma_ng_per_mL": \[\s*0', f'"plasma_ng_per_mL": [{number}', text, count=1)
        assert spoilt != text
        refused(lambda: ketpk.Result.from_json(spoilt), code)


@case("P-19")
def an_instant_without_a_time_zone_is_refused(_: pathlib.Path) -> None:
    # An order counts minutes from time zero; `ketpk.minutes_between` is where clocks become minutes.
    naive, aware = datetime.datetime(2026, 3, 1, 9), datetime.datetime(2026, 3, 1, 9, tzinfo=datetime.timezone.utc)
    assert refused(lambda: ketpk.minutes_between(naive, aware), "E_TIME_ZONE").field == "start"
    assert refused(lambda: ketpk.minutes_between(aware, naive), "E_TIME_ZONE").field == "end"
    refused(lambda: ketpk.minutes_between(naive, naive), "E_TIME_ZONE")
    refused(lambda: ketpk.minutes_between(aware, aware - datetime.timedelta(microseconds=1)), "E_TIME_ORDER")
    things: list[Any] = [datetime.date(2026, 3, 1), "2026-03-01T09:00Z", 1772355600, np.datetime64("2026-03-01"), None]
    for thing in things:
        refused(lambda: ketpk.minutes_between(thing, aware), "E_TYPE")
    for thing in (naive, aware):
        refused(lambda: ketpk.bolus(dose_mg=10, start_min=thing), "E_TYPE")  # type: ignore[arg-type]
        refused(lambda: answer(as_of=thing, limits=LIMITS), "E_TYPE")  # an instant is no day


@case("P-20")
def forty_minutes_are_forty_minutes_when_clocks_change(_: pathlib.Path) -> None:
    # zone, local start, fold, local end, fold: 40 minutes in each, whatever the clock on the wall says.
    spans: list[tuple[str, tuple[int, ...], int, tuple[int, ...], int]] = [
        ("Europe/Berlin", (2026, 3, 29, 1, 40), 0, (2026, 3, 29, 3, 20), 0),
        ("Europe/Berlin", (2026, 10, 25, 2, 40), 0, (2026, 10, 25, 2, 20), 1),
        ("Europe/Berlin", (2026, 10, 25, 2, 10), 1, (2026, 10, 25, 2, 50), 1),
        ("Europe/London", (2026, 3, 29, 0, 40), 0, (2026, 3, 29, 2, 20), 0),
        ("Europe/London", (2026, 10, 25, 1, 40), 0, (2026, 10, 25, 1, 20), 1),
        ("America/New_York", (2026, 3, 8, 1, 40), 0, (2026, 3, 8, 3, 20), 0),
        ("America/New_York", (2026, 11, 1, 1, 40), 0, (2026, 11, 1, 1, 20), 1),
        ("America/Los_Angeles", (2026, 11, 1, 1, 59), 0, (2026, 11, 1, 1, 39), 1),
        ("Australia/Sydney", (2026, 10, 4, 1, 40), 0, (2026, 10, 4, 3, 20), 0),
        ("Australia/Sydney", (2026, 4, 5, 2, 40), 0, (2026, 4, 5, 2, 20), 1),
        ("Australia/Lord_Howe", (2026, 10, 4, 1, 40), 0, (2026, 10, 4, 2, 50), 0),
        ("Australia/Lord_Howe", (2026, 4, 5, 1, 40), 0, (2026, 4, 5, 1, 50), 1),
    ]
    for zone, start, start_fold, end, end_fold in spans:
        where = zoneinfo.ZoneInfo(zone)
        a = datetime.datetime(*start, tzinfo=where, fold=start_fold)  # type: ignore[arg-type,misc]
        b = datetime.datetime(*end, tzinfo=where, fold=end_fold)  # type: ignore[arg-type,misc]
        assert ketpk.minutes_between(a, b) == 40.0, (zone, start)
        assert (b - a) != datetime.timedelta(minutes=40) or start_fold == end_fold == 1, "the clock did not change here"
        minutes = ketpk.minutes_between(a, b)
        assert answer(at_min=[minutes], every_min=None, until_min=None).profile.time_us.tolist() == [40 * 60_000_000]
        # Across zones too.
        assert ketpk.minutes_between(a.astimezone(datetime.timezone.utc), b) == 40.0


@case("P-21")
def a_data_frame_is_never_coerced(_: pathlib.Path) -> None:
    frame = pandas.DataFrame(column_of())
    twice = pandas.concat([frame, frame[["weight_kg"]]], axis=1)
    refused(lambda: framed(twice), "E_FIELD_DUPLICATE")
    refused(lambda: framed(frame.assign(weight_lb=150.0)), "E_FIELD_DUPLICATE", column="weight_lb")
    comma = frame.assign(weight_kg=pandas.Series([70.0, "70,5", 71.0], dtype=object))
    refused(lambda: framed(comma), "E_TYPE", row=1, column="weight_kg")
    texts = frame.assign(weight_kg=["70", "71", "72"])
    refused(lambda: framed(texts), "E_TYPE", row=0, column="weight_kg")
    refused(lambda: framed(frame.rename(columns={"weight_kg": 0})), "E_TYPE")
    refused(lambda: framed(frame.assign(wieght_kg=1.0)), "E_FIELD_UNKNOWN", column="wieght_kg")
    # An index out of order, or with a label twice, is no error: rows are rows, and each answer keeps its row's label.
    for labels in ([2, 0, 1], ["b", "a", "b"]):
        found = framed(frame.set_axis(labels, axis=0), keep=["weight_kg"])
        assert list(found.index) == labels
        for at in range(3):
            alone = framed(frame.iloc[[at]], keep=["weight_kg"])
            assert found.iloc[at].tolist() == alone.iloc[0].tolist()
    both = framed(frame.set_axis([2, 0, 1], axis=0), layout="long", at_min=[0, 40])
    assert list(both.index) == [2, 2, 0, 0, 1, 1] and both["row"].tolist() == [0, 0, 1, 1, 2, 2]


@case("P-22")
def categories_and_missing_values_of_pandas_are_refused(_: pathlib.Path) -> None:
    frame = pandas.DataFrame(column_of())
    for column in ("weight_kg", "dose_mg_per_kg", "duration_min"):
        refused(lambda: framed(frame.astype({column: "category"})), "E_TYPE", row=0, column=column)
        missing = frame.astype({column: "Float64"})
        due = framed(frame)
        assert framed(missing).equals(due)  # nullable, and nothing missing
        missing.loc[1, column] = pandas.NA
        refused(lambda: framed(missing), "E_NONFINITE", row=1, column=column)
        arrow = frame.astype({column: "double[pyarrow]"})
        assert framed(arrow).equals(due)
        arrow.loc[2, column] = pandas.NA
        refused(lambda: framed(arrow), "E_NONFINITE", row=2, column=column)
        plain = frame.copy()
        plain.loc[2, column] = None
        refused(lambda: framed(plain), "E_NONFINITE", row=2, column=column)
    for sex in (["female", None, "male"], ["female", pandas.NA, "male"], ["female", float("nan"), "male"]):
        refused(lambda: framed(frame.assign(sex=sex)), "E_TYPE", row=1, column="sex")
    refused(lambda: framed(frame.astype({"weight_kg": "timedelta64[s]"})), "E_TYPE", column="weight_kg")


@case("P-23")
def nulls_of_polars_and_arrow_are_refused(_: pathlib.Path) -> None:
    for name in ("weight_kg", "dose_mg_per_kg", "duration_min"):
        whole = column_of()
        for row in range(3):
            holed = {**whole, name: [None if i == row else x for i, x in enumerate(whole[name].tolist())]}
            for frame in (polars.DataFrame(holed), pyarrow.table(holed), pandas.DataFrame(holed)):
                refused(lambda: framed(frame), "E_NONFINITE", row=row, column=name)
            spoilt = {**whole, name: np.where(np.arange(3) == row, np.nan, whole[name])}
            for frame in (polars.DataFrame(spoilt), pyarrow.table(spoilt)):
                refused(lambda: framed(frame), "E_NONFINITE", row=row, column=name)
    sexes = column_of(sex=["female", None, "male"])
    for frame in (polars.DataFrame(sexes), pyarrow.table(sexes)):
        refused(lambda: framed(frame), "E_TYPE", row=1, column="sex")
    # Without nulls both give the answers that pandas gives.
    due = framed(column_of())
    for frame in (polars.DataFrame(column_of()), pyarrow.table(column_of())):
        found = framed(frame)
        assert type(found) is type(frame)
        assert np.asarray(found["cmax_ng_per_mL"]).tobytes() == due["cmax_ng_per_mL"].tobytes()


@case("P-24")
def thirty_two_threads_on_shared_nouns_give_the_same_bytes(_: pathlib.Path) -> None:
    # There is no simulator object; what can be shared is a patient, an order, limits and a model.
    limits, model = ketpk.limits.read(LIMITS), ketpk.models.show("kamp2020")
    words = {**WORDS, "model": model, "limits": limits, "as_of": "2026-11-21"}

    def ask(at: int) -> str:
        result = ketpk.simulate(PATIENT, ORDER, every_min=1 + at % 7, until_min=120, **words)
        return result.to_json() + repr(result) + result.profile.plasma_ng_per_mL.tobytes().hex()

    due = [ask(at) for at in range(7)]
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(ask, range(320)))
    assert all(text == due[at % 7] for at, text in enumerate(found))


INTERPRETERS = """
import sys
import _xxsubinterpreters as interpreters
ask = '''
import warnings
warnings.simplefilter("ignore")  # NumPy warns that it was not made for this
import ketpk
result = ketpk.simulate(
    ketpk.Patient(weight_kg=70), ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40), every_min=10, until_min=60,
    model="kamp2020", analyte="racemic-ketamine", form="base", drug_free=True,
)
print("worked", result.profile.plasma_ng_per_mL.tobytes().hex())
'''
for where in sys.argv[1:]:
    if where == "main":
        exec(ask)
        continue
    other = interpreters.create()
    try:
        interpreters.run_string(other, ask)
    except interpreters.RunFailedError as error:
        if "ImportError" not in str(error):
            raise
        print("refused import", flush=True)
    interpreters.destroy(other)
"""


@case("P-25")
def another_interpreter_works_or_refuses_the_import(_: pathlib.Path) -> None:
    if sys.version_info < (3, 13):
        for order in (["main", "sub", "main"], ["sub"], ["main", "sub", "sub", "main"]):
            lines = child(INTERPRETERS, *order, timeout=30).splitlines()
            assert len(lines) == len(order)
            for where, line in zip(order, lines):
                assert line.startswith("worked " if where == "main" else ("worked ", "refused import")), (order, lines)
            assert len({line for line in lines if line.startswith("worked")}) == (1 if "main" in order else 0)
    # The module says that it needs no GIL. Only a free-threaded build of Python asks, and only there is it run:
    # on any other Python nothing but this declaration is looked at.
    source = (ROOT / "python" / "CMakeLists.txt").read_text()
    assert re.search(r"nanobind_add_module\(\s*_core\b[^)]*\bFREE_THREADED\b", source)
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert child("import sys, ketpk; print(sys._is_gil_enabled())") == "False\n"
    if sys.version_info >= (3, 13):
        pytest.skip("other interpreters were not run: this Python starts them in another way than up to 3.12")


FORKS = """
import hashlib, os, sys, warnings
import numpy as np
import ketpk
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork beside threads
words = dict(model="kamp2020", analyte="racemic-ketamine", form="base", drug_free=True)
frame = {"weight_kg": np.linspace(50, 90, 200), "dose_mg_per_kg": np.full(200, 0.5), "duration_min": np.full(200, 40.0)}

def one():
    patient, order = ketpk.Patient(weight_kg=70), ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40)
    return ketpk.simulate(patient, order, every_min=1, until_min=60, **words).to_json().encode()

def many():
    table = ketpk.simulate_frame(frame, threads=2, **words)
    columns = table.values()
    return b"".join(c.tobytes() if c.dtype.kind == "f" else repr(c.tolist()).encode() for c in columns)

def in_child(what):
    end, start = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(start, hashlib.sha256(what()).digest())
        os._exit(0)
    os.close(start)
    digest = os.read(end, 100)
    os.close(end)
    assert os.waitpid(pid, 0)[1] == 0
    return digest

first = in_child(one), in_child(many)  # after nothing but the import
assert first == (hashlib.sha256(one()).digest(), hashlib.sha256(many()).digest())
assert (in_child(one), in_child(many)) == first  # after threads have come and gone
print("equal")
"""


@case("P-26")
def a_forked_process_can_go_on(_: pathlib.Path) -> None:
    assert child(FORKS) == "equal\n"


INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
import ketpk
threads, after_s = int(sys.argv[1]), float(sys.argv[2])
rows = 1_000_000
frame = {"weight_kg": np.full(rows, 70.0), "dose_mg_per_kg": np.full(rows, 0.5), "duration_min": np.full(rows, 40.0)}
words = dict(model="kamp2020", analyte="racemic-ketamine", form="base", drug_free=True)
sent = []

def send():
    sent.append(time.perf_counter())
    os.kill(os.getpid(), signal.SIGINT)

result = None
tasks = len(os.listdir("/proc/self/task"))
timer = threading.Timer(after_s, send)
timer.start()
try:
    result = ketpk.simulate_frame(frame, threads=threads, second_solver=True, **words)
except KeyboardInterrupt:
    late = time.perf_counter() - sent[0]
else:
    sys.exit("it ran to its end")
timer.join()
assert result is None
assert len(os.listdir("/proc/self/task")) == tasks  # no thread was left behind
few = ketpk.simulate_frame({name: values[:3] for name, values in frame.items()}, threads=threads, **words)
assert few.rows == 3  # and a later call works
print(late)
"""


@case("P-27")
def an_interrupt_ends_a_long_table_within_200_ms(_: pathlib.Path) -> None:
    for threads in (1, 2):
        for after_s in (0.3, 1.0):
            late = float(child(INTERRUPTED, str(threads), str(after_s)))
            assert 0 <= late < 0.2, f"{late} s with {threads} threads"


@case("P-28")
def what_a_callback_raises_comes_through(_: pathlib.Path) -> None:
    class Mine(Exception):
        pass

    class End(BaseException):
        pass

    frame = column_of(2000)
    due = framed(frame)
    tasks = len(os.listdir("/proc/self/task"))
    for threads in (1, 2):
        for error in (Mine("mine"), End(), SystemExit(3), KeyboardInterrupt()):

            def raising(done: int, total: int) -> None:
                raise error

            with pytest.raises(type(error)) as caught:
                framed(frame, threads=threads, progress=raising)
            assert caught.value is error
            assert len(os.listdir("/proc/self/task")) == tasks  # no thread was left behind
        with pytest.raises(TypeError):
            framed(frame, threads=threads, progress=lambda: None)
        assert framed(frame, threads=threads) == due
    seen: list[tuple[int, int]] = []
    inner: list[ketpk.Result] = []

    def progress(done: int, total: int) -> None:
        seen.append((done, total))
        inner.append(answer())  # a callback may ask on its own

    assert framed(frame, threads=2, progress=progress) == due
    assert seen == sorted(seen) and seen[-1] == (2000, 2000) and set(inner) == {answer()}
    for thing in ("yes", 1):
        refused(lambda: framed(frame, progress=thing), "E_TYPE")


@case("P-29")
def a_subclass_that_lies_changes_nothing_or_is_a_type_error(_: pathlib.Path) -> None:
    due = ketpk.simulate(PATIENT, ORDER, **WORDS)

    class Patient(ketpk.Patient):
        def to_session(self) -> Any:
            return 42

        def __iter__(self) -> Iterator[int]:
            return iter(())

        def __eq__(self, other: object) -> Any:
            return "equal"

        __hash__ = None  # type: ignore[assignment]

    class Silent(ketpk.Patient):
        def __init__(self) -> None:
            pass

    class Odd(ketpk.Patient):
        def __getattribute__(self, name: str) -> Any:
            return 42

    class Order(ketpk.Order):
        def __init__(self) -> None:
            pass

        def to_session(self) -> Any:
            return None

    assert ketpk.simulate(Patient(weight_kg=70, age_yr=42), ORDER, **WORDS) == due
    for patient in (Silent(), Odd(weight_kg=70, age_yr=42)):
        with pytest.raises(TypeError):
            ketpk.simulate(patient, ORDER, **WORDS)
    with pytest.raises(TypeError):
        ketpk.simulate(PATIENT, Order(), **WORDS)
    with pytest.raises(TypeError):
        ORDER + Order()

    class Float(np.float64):
        def __float__(self) -> Any:
            return "70"

        def __repr__(self) -> str:
            return "7000"

    class Plain(float):
        def __repr__(self) -> str:
            return "7000"

    class Whole(int):
        def __repr__(self) -> str:
            return "7000"

    with pytest.raises(TypeError):
        ketpk.Patient(weight_kg=Float(70))
    for number in (Plain(70), Whole(70)):
        refused(lambda: ketpk.Patient(weight_kg=number), "E_TYPE")

    class Session(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            return self

        def __iter__(self) -> Any:
            return iter([1, 2])

        def __len__(self) -> int:
            return 2

    class Path:
        def __fspath__(self) -> Any:
            return 42

    with pytest.raises(TypeError):
        ketpk.simulate_session(Session())
    with pytest.raises(TypeError):
        ketpk.simulate_session(Path())

    class Limits(ketpk.Limits):
        @property
        def _core(self) -> Any:  # type: ignore[override]
            return 42

    class Model(ketpk.Model):
        @property
        def id(self) -> Any:
            return 42

    with pytest.raises(TypeError):
        ketpk.simulate(PATIENT, ORDER, limits=object.__new__(Limits), **WORDS)
    with pytest.raises(TypeError):
        ketpk.simulate(PATIENT, ORDER, **{**WORDS, "model": object.__new__(Model)})
    for overrides in ([42], 42, [ketpk.Override(flag="A", reason=None, by="B")], ["A"]):  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            ketpk.simulate(PATIENT, ORDER, overrides=overrides, **WORDS)  # type: ignore[arg-type]

    class Frame(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            return 42

    with pytest.raises(TypeError):
        framed(Frame(column_of()))


CANARY = "Jane Canary 4711"


def silent(thing: object) -> None:
    """No way to show this thing in passing shows the canary: repr, str, and for errors what a traceback prints of them
    and of those behind them."""
    assert CANARY not in repr(thing) and CANARY not in str(thing)
    error = thing if isinstance(thing, BaseException) else None
    if error is not None:
        assert not any(CANARY in line for line in traceback.format_exception_only(type(error), error))
        behind = error.__cause__ if error.__cause__ or error.__suppress_context__ else error.__context__
        if behind is not None:
            silent(behind)
        shown = "".join(traceback.format_exception(error))
        assert CANARY not in shown


@case("P-30")
def no_name_shows_in_passing(folder: pathlib.Path) -> None:
    limits = json.loads(LIMITS.read_text())
    limits["approver"] = limits["limits"][0]["source"] = CANARY
    overrides = [{"flag": CANARY, "reason": CANARY, "by": CANARY}]
    named = folder / CANARY
    named.mkdir()
    (named / "broken.json").write_text('{"schema": "' + CANARY)
    stale = {**limits, "expires": "2026-01-02"}
    unsound = copy.deepcopy(limits)
    unsound["limits"][0]["soft_high"] = CANARY
    unknown = copy.deepcopy(limits)
    unknown["limits"][0][CANARY] = CANARY
    model = copy.deepcopy(EVERYTHING)
    model["custom"]["metabolites"][0]["V1"] = CANARY
    table = column_of(name=[CANARY] * 3)
    frame = pandas.DataFrame(table, index=[CANARY, CANARY + "1", CANARY + "2"])
    no_model = {"model": None}

    refusals: list[Callable[[], object]] = [
        lambda: ketpk.simulate_session(session(**{CANARY: CANARY})),
        lambda: ketpk.simulate_session({**session(), "patient": {"weight": "70 kg", CANARY: 1}}),
        lambda: ketpk.simulate_session(session(patient={"weight": CANARY})),
        lambda: ketpk.simulate_session(session(analyte=CANARY)),
        lambda: ketpk.simulate_session(session(model=CANARY)),
        lambda: ketpk.simulate_session(session(model=model)),
        lambda: ketpk.simulate_session(session(as_of=CANARY)),
        lambda: ketpk.simulate_session(session(overrides=[{"by": CANARY}])),
        lambda: ketpk.simulate_session(session(overrides=[{**overrides[0], CANARY: 1}])),
        lambda: ketpk.simulate_session(session(limits={"file": CANARY})),
        lambda: ketpk.simulate_session({CANARY: object()}),
        lambda: ketpk.simulate_session({CANARY: {1, 2}}),
        lambda: ketpk.simulate_session({CANARY: CANARY + "\ud800"}),
        lambda: ketpk.simulate_session(named / "none.json"),
        lambda: ketpk.simulate_session(named / "broken.json"),
        lambda: ketpk.simulate(PATIENT, ORDER, limits=unsound, **WORDS),
        lambda: ketpk.simulate(PATIENT, ORDER, limits=stale, as_of="2026-11-21", **WORDS),
        lambda: ketpk.simulate(PATIENT, ORDER, limits=unknown, **WORDS),
        lambda: ketpk.simulate(PATIENT, ORDER, **{**WORDS, "analyte": CANARY}),
        lambda: ketpk.simulate(PATIENT, ORDER, overrides=[ketpk.Override(CANARY, CANARY * 99, CANARY)], **WORDS),
        lambda: ketpk.limits.read(named / "none.json"),
        lambda: ketpk.limits.read({CANARY: CANARY}),
        lambda: ketpk.models.show(CANARY),
        lambda: ketpk.Patient(weight_kg=CANARY),  # type: ignore[arg-type]
        lambda: ketpk.Patient(weight_kg=70, sex=CANARY),
        lambda: ketpk.Result.from_json(CANARY),
        lambda: ketpk.Result.from_json(json.dumps({"schema": CANARY})),
        lambda: ketpk.Result.from_json(re.sub('"verdict": "[a-z]+"', f'"verdict": "{CANARY}"', answer().to_json())),
        lambda: framed(frame),  # the column `name` is not known
        lambda: framed(table),
        lambda: framed({**column_of(), CANARY: [CANARY] * 3}),
        lambda: framed(frame.assign(weight_kg=-1.0), keep=["name"]),
        lambda: framed(frame.assign(weight_kg=CANARY), keep=["name"]),
        lambda: framed(frame.assign(weight_kg=[70.0, np.nan, 70.0]), keep=["name"]),
        lambda: framed(frame.assign(sex=CANARY), keep=["name"]),
        lambda: framed(frame.assign(model=CANARY), keep=["name"], **no_model),
        lambda: framed(frame.rename(columns={"name": "cmax_ng_per_mL"}), keep=["cmax_ng_per_mL"]),
        lambda: framed(frame, keep=["name", CANARY]),
        lambda: framed(polars.DataFrame(table).with_columns(weight_kg=None), keep=["name"]),
        lambda: framed(pyarrow.table({**table, "weight_kg": [CANARY] * 3}), keep=["name"]),
    ]
    for at, call in enumerate(refusals):
        try:
            call()
        except InvalidInput as refusal:
            silent(refusal)
            assert pickle.loads(pickle.dumps(refusal)).args == refusal.args
        else:
            pytest.fail(f"number {at} was taken")
    model["custom"]["metabolites"][0]["V1"] = "98 L"
    model["custom"]["effect_site"]["source"] = CANARY
    result = ketpk.simulate_session(session(overrides=overrides, limits=limits, as_of="2026-11-21", model=model))
    assert CANARY in result.to_json()  # what is recorded is recorded,
    for thing in (result, result.profile, result.summary, result.verdict, ketpk.Limits(limits), PATIENT, ORDER):
        silent(thing)  # and not shown in passing
    silent(framed(table, keep=["name"]))


BASELINE = re.compile(
    r"^(?:v(?!er[rw]\b)\w+|\w*(?:popcnt|crc32)\w*|lzcnt|bextr|blsr|blsi|blsmsk|andn|bzhi|pdep|pext|mulx|rorx"
    r"|sarx|shlx|shrx|movbe|aes\w+|pclmul\w+|sha(?:1|256)\w+|pshufb|palignr|pabs[bwd]|phadd\w+|phsub\w+|pmaddubsw"
    r"|pmulhrsw|psign[bwd]"
    r"|pblend\w+|blendp[sd]|blendvp[sd]|dpp[sd]|extractps|insertps|mpsadbw|packusdw|pcmpeqq|pcmpgtq|pcmp[ei]str[im]"
    r"|pextr[bdq]|pinsr[bdq]|phminposuw|pmax(?:sb|sd|ud|uw)|pmin(?:sb|sd|ud|uw)|pmov[sz]x\w+|pmuldq|pmulld|ptest"
    r"|round[ps][sd]|movntdqa|hadd\w+|hsub\w+|addsubp[sd]|lddqu|movddup|movshdup|movsldup|fisttp\w*"
    r"|rdrand|rdseed|xbegin)$"
)


@case("P-31")
def the_module_runs_on_any_machine_or_says_why_not(folder: pathlib.Path) -> None:
    # A package without its compiled half says what to do.
    shutil.copytree(PACKAGE, folder / "ketpk", ignore=shutil.ignore_patterns("_core*", "__pycache__"))
    done = subprocess.run(
        [sys.executable, "-c", "import ketpk"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: the compiled half of ketpk") and "pip install" in last
    # One of another machine is refused as an ImportError too, not as a crash.
    (folder / "ketpk" / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}").write_bytes(b"\x7fELF" + b"\0" * 100)
    done = subprocess.run(
        [sys.executable, "-c", "import ketpk"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "ImportError: the compiled half of ketpk" in done.stderr
    if platform.machine() != "x86_64":
        pytest.skip("the instructions are looked at on x86-64 only")
    module = ketpk._core.__file__
    assert module is not None
    listing = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", os.path.realpath(module)], capture_output=True, text=True, check=True
    ).stdout
    prefixes = r"(?:(?:rep|repz|repnz|lock|data16|cs|ds|bnd|notrack) )*"
    instructions = re.findall(rf"^\s*([0-9a-f]+):\t{prefixes}(\w+)([^\n]*)", listing, re.M)
    assert len(instructions) > 50_000  # it is the module that was looked at
    wide = re.compile(r"%[yz]mm\d+|%k[0-7]\b")
    beyond = [int(at, 16) for at, name, rest in instructions if BASELINE.match(name) or wide.search(rest)]
    # Beyond the baseline of x86-64 are only the kernels of cohorts, which are chosen when the machine has been asked.
    # They lie side by side; that nothing else of theirs can be called by others is looked at by tests/kernels_apart.py,
    # in the library that this module is linked from.
    stretches = [(first, last) for first, last in itertools.pairwise(beyond) if last - first > 4096]
    assert len(stretches) <= 1, f"beyond the baseline in {len(stretches) + 1} places"
    assert len(beyond) < 0.1 * len(instructions)


def test_an_instruction_beyond_the_baseline_is_recognised() -> None:
    assert BASELINE.match("vaddpd") and BASELINE.match("roundsd") and not BASELINE.match("addpd")


FLUSHED = """
import ctypes, hashlib, mmap, struct, sys
import numpy as np

# Two functions of four bytes each: ldmxcsr (%rdi); ret and stmxcsr (%rdi); ret.
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("0fae17c3 0fae1fc3"))
at = ctypes.addressof(ctypes.c_char.from_buffer(code))
kind = ctypes.CFUNCTYPE(None, ctypes.POINTER(ctypes.c_uint32))
load, store = kind(at), kind(at + 4)

def flags():
    word = ctypes.c_uint32()
    store(ctypes.byref(word))
    return word.value & 0x8040

wanted = int(sys.argv[1], 0)
word = ctypes.c_uint32()
store(ctypes.byref(word))
word.value = word.value & ~0x8040 | wanted
smallest, half, large = np.finfo(np.float64).tiny, 0.5, 2.0**1000
subnormal = np.array([5e-324])
load(ctypes.byref(word))
assert flags() == wanted
# The flags do what they say: a subnormal product is flushed (FTZ), a subnormal operand counts as zero (DAZ).
def is_zero(x):  # by its bits: a comparison is a matter of the flags too
    return struct.pack("<d", x) == bytes(8)
assert is_zero(float(smallest) * half) == bool(wanted & 0x8000)
assert is_zero(float(subnormal[0]) * large) == bool(wanted & 0x0040)

import ketpk

words = dict(model="kamp2020", analyte="racemic-ketamine", form="base", drug_free=True)
patient = ketpk.Patient(weight_kg=70)
seen = []

def keep(data):
    seen.append(hashlib.sha256(data).hexdigest())

def keep_result(result):
    for name in result.profile:
        keep(result.profile[name].tobytes())
    keep(result.to_json().encode())

infusion = ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40)
keep_result(ketpk.simulate(patient, infusion, every_min=1, until_min=240, time_above_ng_per_mL=[100], **words))
# So little, so late, that concentrations are subnormal.
late = [float(t) for t in range(150_000, 165_000, 250)]
trace = ketpk.simulate(patient, ketpk.bolus(dose_mg=1e-50), at_min=[0.0, *late], **words)
bits = np.frombuffer(trace.profile.plasma_ng_per_mL.tobytes(), dtype=np.uint64)
assert np.count_nonzero((bits > 0) & (bits < 1 << 52)) > 10  # by their bits: comparing them would flush them
keep_result(trace)
keep_result(ketpk.simulate(patient, ketpk.bolus(dose_mg=1e-50), at_min=[0.0, *late], second_solver=False, **words))
for threads in (1, 2):
    frame = {
        "weight_kg": np.linspace(50, 90, 50),
        "dose_mg": np.geomspace(1e-50, 1e2, 50),
        "duration_min": np.full(50, 40.0),
    }
    table = ketpk.simulate_frame(frame, layout="long", at_min=[0.0, *late], threads=threads, **words)
    for name in table:
        words_or_numbers = table[name]
        keep(repr(words_or_numbers.tolist()).encode() if words_or_numbers.dtype == object else words_or_numbers.tobytes())
    assert flags() == wanted  # what another library set is left as it was
print("\\n".join(seen))
"""


@case("P-32")
def flushed_subnormals_change_no_bit(_: pathlib.Path) -> None:
    assert platform.machine() == "x86_64", "the stub that sets the flags is machine code of x86-64"
    due = child(FLUSHED, "0")
    assert len(due.splitlines()) > 20
    for flags in ("0x8000", "0x0040", "0x8040"):  # FTZ, DAZ, both
        assert child(FLUSHED, flags) == due, flags
