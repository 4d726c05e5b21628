# SPDX-License-Identifier: Apache-2.0
"""32 threads on shared objects give what one gives, byte for byte."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pytest
from conftest import EVERYTHING, LIMITS, ORDER, PATIENT, ROOT, WORDS, child, session

import ketpk
from ketpk._result import session_again

THREADS = 32
T = TypeVar("T")


def at_once(ask: Callable[[int], T]) -> list[T]:
    """What ``ask`` gives in each of 32 threads that all start together; what one raises is raised here."""
    start = threading.Barrier(THREADS)
    found: dict[int, T] = {}
    raised: list[BaseException] = []

    def run(n: int) -> None:
        try:
            start.wait(60)
            found[n] = ask(n)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if raised:
        raise raised[0]
    assert len(found) == THREADS
    return [found[n] for n in range(THREADS)]


def test_the_process_ends_in_peace_while_a_daemon_thread_still_calculates() -> None:
    code = """
import threading, time, ketpk
words = dict(model="kamp2020", analyte="racemic-ketamine", form="base", drug_free=True)
table = {"weight_kg": [70.0] * 200_000, "bolus_mg": [1.0] * 200_000}
def rows():
    ketpk.simulate_frame(table, **words, threads=2)
def calls():
    while True:
        ketpk.simulate(ketpk.Patient(weight_kg=70), ketpk.bolus(dose_mg=1), **words)
def until_the_end(work):
    try:
        work()
    except ketpk.InvalidInput as error:
        assert error.code == "E_STATE"
for work in (rows, calls, calls):
    threading.Thread(target=until_the_end, args=(work,), daemon=True).start()
time.sleep(0.5)
print("over")
"""
    assert child(code).strip() == "over"


def everything_of(result: ketpk.Result) -> bytes:
    """All that a result shows, as bytes."""
    shown: list[bytes] = [
        repr((result.summary, result.time_above, result.assessment, result.ketpk, result.provenance)).encode(),
        repr(result.delivery).encode(),
        repr(result).encode(),
        result.to_json().encode(),
        pickle.dumps(result),
        str(hash(result)).encode(),
        json.dumps(session_again(result.inputs)).encode(),
        result.to_pandas().to_csv().encode(),
        repr(result.to_arrow()).encode(),
    ]
    for name, values in result.profile.items():
        shown += [name.encode(), values.tobytes()]
    return b"\0".join(shown)


def test_a_session_answered_by_all_is_answered_alike() -> None:
    sessions = [
        session(),
        session(model=EVERYTHING, questions={"time_above": ["100 ng/mL"]}),
        session(model="otto2021", assume_enantiomers_alike=True),
        session(limits=json.loads(LIMITS.read_text()), as_of="2026-11-21"),
        session(events=[{"pause": 0, "at": "12 min"}, {"resume": 0, "at": "15 min"}]),
        session(model={"card": json.loads((ROOT / "examples" / "model.json").read_text())}),
    ]
    due = [everything_of(ketpk.simulate_session(s)) for s in sessions]

    def ask(n: int) -> list[bytes]:
        order = [(n + i) % len(sessions) for i in range(len(sessions))]
        found = {at: everything_of(ketpk.simulate_session(sessions[at])) for at in order}
        return [found[at] for at in range(len(sessions))]

    assert all(found == due for found in at_once(ask))


def test_shared_nouns_are_asked_by_all_alike() -> None:
    limits, model = ketpk.limits.read(LIMITS), ketpk.models.show("kamp2020")
    order = ORDER + ketpk.bolus(dose_mg=5, start_min=60)
    asked: dict[str, Any] = {"every_min": 1, "until_min": 90, "time_above_ng_per_mL": [100]}
    patients = [ketpk.Patient(weight_kg=50 + n, age_yr=42) for n in range(THREADS)]

    def ask(n: int, second_solver: bool = True) -> bytes:
        words: dict[str, Any] = {**WORDS, "model": model, "limits": limits, "as_of": "2026-11-21"}
        shown = b""
        for patient in (PATIENT, patients[n]):
            result = ketpk.simulate(patient, order, second_solver=second_solver, **asked, **words)
            shown += everything_of(result)
        return shown

    due = [ask(n) for n in range(THREADS)]
    assert at_once(ask) == due
    due = [ask(n, False) for n in range(THREADS)]
    assert at_once(lambda n: ask(n, False)) == due


@pytest.mark.parametrize("read_back", [False, True], ids=["fresh", "read back"])
def test_one_result_shows_all_the_same(read_back: bool) -> None:
    asked = session(model=EVERYTHING, questions={"time_above": ["100 ng/mL", "200 ng/mL"]})
    due = everything_of(ketpk.simulate_session(asked))
    for _ in range(10):  # each time with nothing looked at before all look at once
        shared = ketpk.simulate_session(asked)
        if read_back:
            shared = ketpk.Result.from_json(shared.to_json())
        assert set(at_once(lambda n: everything_of(shared))) == {due}


def test_what_is_kept_is_made_once() -> None:
    for _ in range(10):
        shared = ketpk.simulate_session(session(model=EVERYTHING))
        for name in ("profile", "summary", "assessment", "ketpk", "time_above"):
            assert len({id(thing) for thing in at_once(lambda n: getattr(shared, name))}) == 1, name


def test_one_limits_set_and_one_card_show_all_the_same() -> None:
    limits, card = ketpk.limits.read(LIMITS), ketpk.models.show("otto2021")

    def look(_: int) -> str:
        return repr(limits) + repr(limits.rows) + limits.sha256 + str(card) + card.to_json() + repr(card.parameters)

    assert set(at_once(look)) == {look(0)}
    assert set(at_once(lambda n: repr(ketpk.models.list()))) == {repr(ketpk.models.list())}
    assert set(at_once(lambda n: repr(ketpk.limits.lint({"schema": str(n)})[0].code))) == {"'E_SCHEMA_VERSION'"}


def test_refusals_come_to_the_thread_that_asked() -> None:
    def ask(n: int) -> str:
        if n % 2:
            return ketpk.simulate_session(session()).to_json()
        with pytest.raises(ketpk.InvalidInput) as refusal:
            ketpk.simulate_session(session(patient={"weight": f"{-n} kg"}))
        return str(refusal.value)

    due = [ask(n) for n in range(THREADS)]
    for _ in range(5):
        assert at_once(ask) == due


def test_tables_of_all_threads_at_once_are_alike() -> None:
    frame = {
        "weight_kg": np.linspace(50.0, 90.0, 64),
        "dose_mg_per_kg": np.linspace(0.2, 0.6, 64),
        "duration_min": np.full(64, 40.0),
    }

    def ask(threads: int) -> ketpk.Table:
        table: ketpk.Table = ketpk.simulate_frame(frame, threads=threads, time_above_ng_per_mL=[100], **WORDS)
        return table

    due = ask(1)
    bits = b"".join(due[name].tobytes() for name in due if due[name].dtype.kind == "f")
    for found in at_once(lambda n: ask(1 + n % 4)):
        assert found == due
        assert b"".join(found[name].tobytes() for name in found if found[name].dtype.kind == "f") == bits


@pytest.mark.parametrize("threads", [2, 3, 8, 64])
def test_a_table_has_the_same_bits_for_any_number_of_threads(threads: int) -> None:
    frame = {
        "weight_kg": np.linspace(50.0, 90.0, 501),
        "dose_mg_per_kg": np.linspace(0.2, 0.6, 501),
        "duration_min": np.full(501, 40.0),
        "model": ["kamp2020", "domino1984", "clements1981"] * 167,
    }
    words = {**WORDS, "model": None, "limits": LIMITS, "as_of": "2026-11-21"}
    due = ketpk.simulate_frame(frame, **words)
    found = ketpk.simulate_frame(frame, threads=threads, **words)
    assert found == due
    for name in due:
        if due[name].dtype.kind == "f":
            assert found[name].tobytes() == due[name].tobytes(), name
    # The first bad row is named, whichever thread meets it and whatever another has met.
    weights = frame["weight_kg"].copy()  # type: ignore[attr-defined]
    weights[[77, 78, 300, 499]] = -1.0
    for _ in range(5):
        with pytest.raises(ketpk.InvalidInput) as refusal:
            ketpk.simulate_frame({**frame, "weight_kg": weights}, threads=threads, **words)
        assert (refusal.value.code, refusal.value.row, refusal.value.column) == ("E_RANGE", 77, "weight_kg")
