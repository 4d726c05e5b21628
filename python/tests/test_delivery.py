# SPDX-License-Identifier: Apache-2.0
"""Delivered is not ordered: events, pumps, bags and saved courses, said in Python, are those of a session to the bit."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import json
import os
import pathlib
import pickle
import stat
import subprocess
import zoneinfo
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import EVERYTHING, LIMITS, ORDER, PATIENT, ROOT, WORDS, command, session

import ketpk
from ketpk import InvalidInput, WrongType, _plot

MODEL = ROOT / "examples" / "model.json"
INTERRUPTED = ROOT / "examples" / "interrupted.json"
ASKED: dict[str, Any] = {"every_min": 1, "until_min": 240}
EVENTS = [
    ketpk.pause(0, at_min=12),
    ketpk.resume(0, at_min=15),
    ketpk.change_rate(0, at_min=20, rate_mL_per_h=30),
    ketpk.stop(0, at_min=35),
]


def interrupted(**changed: Any) -> ketpk.Result:
    keywords: dict[str, Any] = {**WORDS, **ASKED, "events": EVENTS, "bag_mg_per_mL": 1, **changed}
    patient = keywords.pop("patient", PATIENT)
    return ketpk.simulate(patient, keywords.pop("order", ORDER), **keywords)


def refused(call: Callable[[], Any], code: str, field: str | None = None) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        call()
    assert caught.value.code == code, caught.value
    assert field is None or caught.value.field == field, caught.value
    assert isinstance(caught.value, TypeError) == (code == "E_TYPE")
    return caught.value


# Keywords are what a session says -----------------------------------------------------------------------------------


def test_the_example_said_in_keywords_is_the_file_byte_for_byte() -> None:
    told = ketpk.simulate(
        ketpk.Patient(weight_kg=70, height_cm=175, age_yr=42),
        ORDER,
        **WORDS,
        **ASKED,
        bag_mg_per_mL=1,
        bag_vials=[ketpk.Vial(amount_mg=50, volume_mL=5)],
        bag_diluent_mL=45,
        events=EVENTS,
        pump=ketpk.Pump(rate_step_mL_per_h=0.1),
        limits=LIMITS,
        as_of="2026-11-21",
    )
    assert told == ketpk.simulate_session(INTERRUPTED)
    done = subprocess.run([str(command()), "simulate", str(INTERRUPTED), "--json"], capture_output=True, check=False)
    assert told.to_json().encode() == done.stdout and done.returncode in (0, 3, 4)


@pytest.mark.parametrize(
    ("event", "due"),
    [
        (ketpk.pause(0, at_min=12), {"pause": 0, "at": "12 min"}),
        (ketpk.resume(1, at_min=15.5), {"resume": 1, "at": "15.5 min"}),
        (ketpk.stop("saved[0]", at_min=35), {"stop": "saved[0]", "at": "35 min"}),
        (ketpk.restart_remainder(0, at_min=50, duration_min=10), {"restart_remainder": 0, "over": "10 min"}),
        (ketpk.change_rate(0, at_min=2, rate_mL_per_h=30), {"change_rate": 0, "to": "30 mL/h"}),
        (ketpk.change_rate(0, at_min=2, rate_mL_per_min=3), {"to": "3 mL/min"}),
        (ketpk.change_rate(0, at_min=2, rate_mg_per_kg_per_h=0.3), {"to": "0.3 mg/kg/h"}),
        (ketpk.change_rate(0, at_min=2, rate_mg_per_kg_per_min=0.3), {"to": "0.3 mg/kg/min"}),
        (ketpk.change_rate(0, at_min=2, rate_mcg_per_kg_per_h=0.3), {"to": "0.3 mcg/kg/h"}),
        (ketpk.change_rate(0, at_min=2, rate_mcg_per_kg_per_min=0.3), {"to": "0.3 mcg/kg/min"}),
        (ketpk.change_rate(0, at_min=2, rate_mg_per_h=0.3), {"to": "0.3 mg/h"}),
        (ketpk.change_rate(0, at_min=2, rate_mg_per_min=0.3), {"to": "0.3 mg/min"}),
        (ketpk.change_rate(0, at_min=2, rate_mcg_per_min=0.3), {"to": "0.3 mcg/min"}),
    ],
    ids=repr,
)
def test_an_event_is_a_value_and_says_what_a_session_says(event: ketpk.Event, due: dict[str, Any]) -> None:
    said = event.to_session()
    assert {**said, **due} == said
    for again in (pickle.loads(pickle.dumps(event)), copy.deepcopy(event), eval(repr(event), vars(ketpk))):
        assert again == event and hash(again) == hash(event) and repr(again) == repr(event)
    assert event != ketpk.pause(0, at_min=99) and event != said
    with pytest.raises(AttributeError):
        event.at = 3  # type: ignore[attr-defined]


def test_a_pump_and_a_vial_are_values_and_say_what_a_session_says() -> None:
    pump = ketpk.Pump(
        rate_step_mL_per_h=0.1,
        dead_volume_mL=1.5,
        primed_with="drug",
        flush_mL=5,
        flush_duration_min=2,
        flush_at_min=62,
    )
    assert pump.to_session() == {
        "rate_step": "0.1 mL/h",
        "line": {"dead_volume": "1.5 mL", "primed_with": "drug"},
        "flush": {"volume": "5 mL", "over": "2 min", "at": "62 min"},
    }
    vial = ketpk.Vial(amount_mg=50, volume_mL=5)
    assert vial.to_session() == {"amount": "50 mg", "volume": "5 mL"}
    for value in (pump, vial, ketpk.Pump(rate_step_mL_per_h=1)):
        again = pickle.loads(pickle.dumps(value))
        assert again == value and hash(again) == hash(value) and eval(repr(value), vars(ketpk)) == value
        with pytest.raises(AttributeError):
            value.rate = 1  # type: ignore[union-attr]


def test_bad_events_pumps_and_bags_are_refused() -> None:
    nan = float("nan")
    for make in (ketpk.pause, ketpk.resume, ketpk.stop):
        for number in (True, "12", None, np.float32(1), [1]):
            refused(lambda m=make, x=number: m(0, at_min=x), "E_TYPE", "at_min")
        refused(lambda m=make: m(0, at_min=nan), "E_NONFINITE", "at_min")
        for which in (True, 0.0, None, b"saved[0]", [0]):
            refused(lambda m=make, x=which: m(x, at_min=1), "E_TYPE", "input")
    refused(lambda: ketpk.change_rate(0, at_min=1), "E_FIELD_MISSING")
    refused(lambda: ketpk.change_rate(0, at_min=1, rate_mL_per_h=1, rate_mg_per_h=1), "E_FIELD_DUPLICATE")
    refused(lambda: ketpk.change_rate(0, at_min=1, rate_mL_per_h="30 mL/h"), "E_TYPE", "rate_mL_per_h")
    refused(lambda: ketpk.restart_remainder(0, at_min=1, duration_min=nan), "E_NONFINITE", "duration_min")
    with pytest.raises(TypeError):
        ketpk.Event()
    refused(lambda: ketpk.Pump(), "E_FIELD_MISSING", "pump")
    refused(lambda: ketpk.Pump(dead_volume_mL=1), "E_FIELD_MISSING", "primed_with")
    refused(lambda: ketpk.Pump(primed_with="drug"), "E_FIELD_MISSING", "dead_volume_mL")
    refused(lambda: ketpk.Pump(flush_mL=1, flush_at_min=2), "E_FIELD_MISSING", "flush_duration_min")
    refused(lambda: ketpk.Pump(rate_step_mL_per_h=True), "E_TYPE", "rate_step_mL_per_h")
    refused(lambda: ketpk.Vial(amount_mg="50", volume_mL=5), "E_TYPE", "amount_mg")
    refused(lambda: ketpk.Vial(amount_mg=50, volume_mL=nan), "E_NONFINITE", "volume_mL")
    for events in (42, EVENTS[0], [{"pause": 0, "at": "12 min"}], "pause", None):
        refused(lambda e=events: interrupted(events=e), "E_TYPE", "events")
    for pump in (42, {"rate_step": "0.1 mL/h"}, "pump"):
        refused(lambda p=pump: interrupted(pump=p), "E_TYPE", "pump")
    refused(lambda: interrupted(bag_vials=[50]), "E_TYPE", "bag_vials")
    refused(lambda: interrupted(bag_vials=[ketpk.Vial(amount_mg=50, volume_mL=5)]), "E_FIELD_MISSING", "bag.diluent")


@pytest.mark.parametrize(
    ("events", "code", "field"),
    [
        ([ketpk.resume(0, at_min=5)], "E_STATE", "events[0].resume"),
        ([ketpk.pause(1, at_min=5)], "E_RANGE", "events[0].pause"),
        ([ketpk.pause(-1, at_min=5)], "E_TYPE", "events[0].pause"),
        ([ketpk.pause("saved[0]", at_min=5)], "E_RANGE", "events[0].pause"),
        ([ketpk.pause("order[0]", at_min=5)], "E_PARSE", "events[0].pause"),
        ([ketpk.stop(0, at_min=40)], "E_TIME_ORDER", "events[0].at"),
        ([ketpk.stop(0, at_min=-1)], "E_RANGE", "events[0].at"),
        ([ketpk.pause(0, at_min=9), ketpk.stop(0, at_min=8)], "E_TIME_ORDER", "events[1].at"),
        ([ketpk.pause(0, at_min=9), ketpk.stop(0, at_min=9)], "E_OVERLAP", "events[1].at"),
        ([ketpk.change_rate(0, at_min=9, rate_mL_per_h=0)], "E_RANGE", "events[0].to"),
    ],
)
def test_what_an_infusion_does_not_admit_is_refused(events: list[ketpk.Event], code: str, field: str) -> None:
    refused(lambda: interrupted(events=events), code, field)


def test_a_pump_rate_needs_the_bag() -> None:
    refused(lambda: interrupted(bag_mg_per_mL=None), "E_FIELD_MISSING", "bag.concentration")


# What was delivered --------------------------------------------------------------------------------------------------


def test_what_was_delivered_is_what_the_document_says() -> None:
    result = interrupted(pump=ketpk.Pump(rate_step_mL_per_h=7))
    block, told = result.to_dict()["delivery"], result.delivery
    assert told is not None and told is result.delivery
    assert (told.ordered_mg, told.delivered_mg, told.left_mg) == (
        block["ordered_mg"],
        block["delivered_mg"],
        block["left_mg"],
    )
    assert told.delivered_mg + told.left_mg == pytest.approx(35, rel=1e-12) and told.left_mg > 1
    (one,), (row,) = told.inputs, block["inputs"]
    assert (one.input, one.state, one.since_min, one.note) == ("order[0]", "stopped", 35.0, row["note"])
    assert [dataclasses.asdict(p) for p in one.pieces] == row["pieces"]
    assert sum(p.mg for p in one.pieces) == pytest.approx(one.delivered_mg, rel=1e-12)
    assert [p.from_min for p in one.pieces] == [0, 15, 20] and one.pieces[0].until_min == 12
    assert one.rounded_rates and one.rounded_rates[0].run_mL_per_h == pytest.approx(49)
    assert one.rounded_rates[0].asked_mL_per_h == pytest.approx(52.5) and one.rounded_rates[0].difference_rel < 0
    assert [(e.event, e.input, e.at_min) for e in told.events] == [
        ("pause", "order[0]", 12),
        ("resume", "order[0]", 15),
        ("change_rate", "order[0]", 20),
        ("stop", "order[0]", 35),
    ]
    assert [(p.from_min, p.until_min) for p in one.pauses] == [(12, 15)]
    paused = result.profile.paused_infusions
    assert paused is not None and paused.dtype == np.int64
    assert paused.tolist() == [int(12 <= t < 15) for t in result.profile.time_min]
    assert told.line is None and one.in_line_mg is None
    assert result.summary.delivered_mg == pytest.approx(told.delivered_mg, rel=1e-12)


def test_what_was_delivered_is_read_only_and_comes_back() -> None:
    result = interrupted()
    for again in (pickle.loads(pickle.dumps(result)), ketpk.Result.from_json(result.to_json())):
        assert again.delivery == result.delivery and hash(again.delivery) == hash(result.delivery)
        assert again == result
    assert result.delivery is not None
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.delivery.left_mg = 0  # type: ignore[misc]
    with pytest.raises(TypeError):
        bool(result.delivery)
    document = result.to_dict()
    document["delivery"]["inputs"][0]["state"] = 3
    with pytest.raises(InvalidInput, match="E_TYPE result"):
        ketpk.Result.from_json(json.dumps(document))


def test_what_goes_in_as_ordered_has_no_delivery_of_its_own() -> None:
    result = ketpk.simulate(PATIENT, ORDER, **WORDS)
    assert result.delivery is None and pickle.loads(pickle.dumps(result)).delivery is None
    assert result.profile.paused_infusions is None and "paused_infusions" not in result.profile


def test_a_pause_is_two_infusions() -> None:
    events = [ketpk.pause(0, at_min=10), ketpk.resume(0, at_min=25)]
    two = ketpk.infusion(dose_mg=8.75, duration_min=10) + ketpk.infusion(dose_mg=26.25, duration_min=30, start_min=25)
    for model in ("kamp2020", EVERYTHING):
        paused = interrupted(events=events, model=model, order=ketpk.infusion(dose_mg=35, duration_min=40))
        apart = interrupted(events=(), model=model, order=two)
        assert paused.profile.plasma_ng_per_mL == pytest.approx(apart.profile.plasma_ng_per_mL, rel=1e-12)


def test_a_line_and_its_flush_are_accounted_for() -> None:
    line = ketpk.Pump(dead_volume_mL=1.5, primed_with="drug")
    held = interrupted(events=(), pump=line).delivery
    assert held is not None and held.line is not None
    (one,) = held.inputs
    assert one.in_line_mg == pytest.approx(1.5) and one.left_mg == one.in_line_mg
    assert held.line.primed_mg == pytest.approx(1.5) and held.line.delivered_mg == pytest.approx(1.5)
    assert one.pieces[0].from_min == pytest.approx(1.5 / 0.875)
    flushed = interrupted(
        events=(),
        pump=ketpk.Pump(dead_volume_mL=1.5, primed_with="diluent", flush_mL=5, flush_duration_min=2, flush_at_min=62),
    ).delivery
    assert flushed is not None and flushed.line is not None
    assert flushed.left_mg == 0 and flushed.inputs[0].delivered_mg == pytest.approx(35) and flushed.line.primed_mg == 0


def test_a_bag_is_held_against_what_it_was_made_of() -> None:
    right = [ketpk.Vial(amount_mg=50, volume_mL=5)]
    assert "BAG" not in " ".join(f.code for f in interrupted(bag_vials=right, bag_diluent_mL=45).flags)
    wrong = interrupted(bag_vials=right, bag_diluent_mL=20)
    assert {f.severity for f in wrong.flags if "BAG" in f.code or "bag" in f.quantity} == {"hard"}


# Saved courses -------------------------------------------------------------------------------------------------------

CUT = 18.25
LATER = ketpk.bolus(dose_mg=5, start_min=90)


@pytest.mark.parametrize("model", ["kamp2020", "nonlinear", EVERYTHING], ids=["exact", "saturable", "everything"])
def test_a_course_that_is_gone_on_with_is_the_one_never_interrupted_to_the_bit(model: Any) -> None:
    if model == "nonlinear":
        model = ketpk.models.read(MODEL).document()
        del model["parameters"]["CL"], model["golden"], model["variability"]
        model["parameters"]["Vmax"] = {"value": "60 mg/h", "source": "illustrative"}
        model["parameters"]["Km"] = {"value": "0.4 mg/L", "source": "illustrative"}
    whole = interrupted(model=model, order=ORDER + LATER)
    first = interrupted(model=model, events=EVENTS[:2])
    state = first.state(at_min=CUT)
    words = {k: v for k, v in WORDS.items() if k != "drug_free"} | {"model": model}
    rest = [
        ketpk.change_rate("saved[0]", at_min=20, rate_mL_per_h=30),
        ketpk.stop("saved[0]", at_min=35),
    ]
    asked: dict[str, Any] = {**ASKED, "events": rest, "bag_mg_per_mL": 1, "under_way": "continue"}
    second = ketpk.simulate(PATIENT, LATER, **words, **asked, initial_state=state)
    for name, column in second.profile.items():
        if name == "paused_infusions":  # what was paused before the state was saved is no longer known
            continue
        assert column.tobytes() == whole.profile[name].tobytes(), name
    assert second.summary == whole.summary
    for saved in (state.to_dict(), pickle.loads(pickle.dumps(state)), ketpk.State.from_json(state.to_json())):
        assert ketpk.simulate(PATIENT, LATER, **words, **asked, initial_state=saved) == second
    assert second.delivery is not None and [i.input for i in second.delivery.inputs] == ["saved[0]", "order[0]"]
    # The state of the second course is that of the whole one.
    assert second.state(at_min=100).to_dict()["amounts"] == whole.state(at_min=100).to_dict()["amounts"]


def test_a_course_can_go_on_without_a_new_order() -> None:
    words = {k: v for k, v in WORDS.items() if k != "drug_free"}
    state = interrupted(events=()).state(at_min=20)
    on = ketpk.simulate(PATIENT, None, **words, **ASKED, initial_state=state, under_way="continue")
    due = interrupted(events=()).profile.plasma_ng_per_mL
    assert on.profile.plasma_ng_per_mL.tobytes() == due.tobytes()
    off = ketpk.simulate(PATIENT, None, **words, **ASKED, initial_state=state, under_way="stopped")
    assert off.summary.delivered_mg == pytest.approx(17.5)
    refused(lambda: ketpk.simulate(PATIENT, None, **words, initial_state=state), "E_STATE")
    refused(lambda: ketpk.simulate(PATIENT, None, **words, initial_state=state, under_way="maybe"), "E_RANGE")
    refused(lambda: ketpk.simulate(PATIENT, None, **WORDS), "E_TYPE", "order")


def test_a_state_is_saved_as_the_command_saves_it(tmp_path: pathlib.Path) -> None:
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    result = ketpk.simulate_session(INTERRUPTED)
    result.save_state(here, at_min=30)
    arguments = ["simulate", str(INTERRUPTED), "--save-state", str(there), "--save-at", "30 min"]
    subprocess.run([str(command()), *arguments], capture_output=True, check=False)
    assert here.read_bytes() == there.read_bytes() == result.state(at_min=30).to_json().encode()
    patient = ketpk.Patient(weight_kg=70, height_cm=175, age_yr=42)
    words = {k: v for k, v in WORDS.items() if k != "drug_free"}
    for path in (there, str(here)):
        on = ketpk.simulate(patient, LATER, **words, initial_state=path, under_way="stopped")
        assert on.delivery is not None and on.delivery.inputs[0].state == "stopped"


def test_a_state_says_what_it_is() -> None:
    state = interrupted().state(at_min=CUT)
    assert (state.at_min, state.model) == (CUT, "kamp2020") and state.to_dict()["schema"] == "ketpk.state/1"
    assert "kamp2020" in repr(state) and "18.25" in repr(state)
    assert state == interrupted().state(at_min=CUT) and hash(state) == hash(interrupted().state(at_min=CUT))
    assert state != interrupted().state(at_min=CUT + 1) and state != "a state"
    with pytest.raises(AttributeError):
        state.at_min = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        ketpk.State()


def test_states_that_do_not_belong_are_refused(tmp_path: pathlib.Path) -> None:
    state = interrupted(events=()).state(at_min=20)
    words: dict[str, Any] = {k: v for k, v in WORDS.items() if k != "drug_free"}
    words |= {"initial_state": state, "under_way": "continue"}
    other = ketpk.Patient(weight_kg=71, age_yr=42)
    refused(lambda: ketpk.simulate(other, LATER, **words), "E_STATE", "initial_state.saved.fingerprint")
    refused(lambda: ketpk.simulate(PATIENT, LATER, **{**words, "model": "domino1984"}, extrapolate=True), "E_STATE")
    forged = state.to_dict()
    forged["inputs"][0]["pieces"][0]["amount_mg"] += 1
    refused(lambda: ketpk.simulate(PATIENT, LATER, **{**words, "initial_state": forged}), "E_STATE")
    refused(lambda: ketpk.simulate(PATIENT, LATER, **words, drug_free=True), "E_FIELD_DUPLICATE", "drug_free")
    refused(lambda: ketpk.simulate(PATIENT, ORDER, **WORDS, under_way="continue"), "E_FIELD_UNKNOWN", "under_way")
    refused(lambda: ketpk.simulate(PATIENT, ORDER, **{**WORDS, "drug_free": False}), "E_STATE", "drug_free")
    earlier = ketpk.bolus(dose_mg=5, start_min=10)
    refused(lambda: ketpk.simulate(PATIENT, earlier, **words), "E_TIME_ORDER")
    for thing in (42, b"state", [state]):
        refused(lambda x=thing: ketpk.simulate(PATIENT, LATER, **{**words, "initial_state": x}), "E_TYPE")
    absent = tmp_path / "absent.json"
    refused(lambda: ketpk.simulate(PATIENT, LATER, **{**words, "initial_state": absent}), "E_IO")
    for text, code in (
        ("{", "E_PARSE"),
        ("{}", "E_SCHEMA_VERSION"),
        ('{"schema": "ketpk.state/1"}', "E_FIELD_MISSING"),
    ):
        refused(lambda t=text: ketpk.State.from_json(t), code)
    refused(lambda: ketpk.State.from_json(b"{}"), "E_TYPE")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        ketpk.simulate(PATIENT, LATER, **{**words, "initial_state": object.__new__(ketpk.State)})


def test_states_that_cannot_be_saved_are_refused() -> None:
    result = interrupted()
    for at in (True, "20 min", None):
        refused(lambda a=at: result.state(at_min=a), "E_TYPE", "at_min")
    refused(lambda: result.state(at_min=-1), "E_RANGE", "save_at")
    refused(lambda: result.state(at_min=1e9), "E_RANGE", "save_at")
    refused(lambda: pickle.loads(pickle.dumps(result)).state(at_min=1), "E_STATE", "state")
    line = interrupted(events=(), pump=ketpk.Pump(dead_volume_mL=1.5, primed_with="drug"))
    refused(lambda: line.state(at_min=1), "E_STATE", "pump.line")


# Courses -------------------------------------------------------------------------------------------------------------


def test_the_example_of_a_course_said_in_keywords_is_the_file_byte_for_byte() -> None:
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    days = [(10, 19), (10, 22), (10, 26), (10, 29), (11, 2), (11, 5)]  # the clocks change on the 25th
    told = ketpk.simulate(
        ketpk.Patient(weight_kg=70, height_cm=175, age_yr=42),
        ORDER,
        **WORDS,
        course=ketpk.Course(at=[datetime.datetime(2026, month, day, 9, tzinfo=berlin) for month, day in days]),
        events=[ketpk.pause(0, at_min=12, session=2), ketpk.resume(0, at_min=17, session=2)],
        limits=LIMITS,
        as_of="2026-11-21",
        every_min=12 * 60,
        until_min=18 * 24 * 60,
    )
    example = ROOT / "examples" / "course.json"
    assert told == ketpk.simulate_session(example)
    done = subprocess.run([str(command()), "simulate", str(example), "--json"], capture_output=True, check=False)
    assert told.to_json().encode() == done.stdout
    assert [s.date for s in told.sessions] == [s["date"] for s in told.to_dict()["sessions"]]
    assert told.sessions[2].start_min == 7 * 1440 + 60  # an hour more has passed than the clock on the wall says
    assert pickle.loads(pickle.dumps(told)).sessions == told.sessions


def test_a_course_is_the_order_given_again() -> None:
    course = ketpk.Course(every_min=3.5 * 1440, times=3)
    asked: dict[str, Any] = {**WORDS, "every_min": 60, "until_min": 12_000}
    told = ketpk.simulate(PATIENT, ORDER, **asked, course=course)
    starts = [0.0, 5040.0, 10080.0]
    by_hand = sum(ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40, start_min=start) for start in starts)
    due = ketpk.simulate(PATIENT, by_hand, **asked)
    assert told.profile.plasma_ng_per_mL.tobytes() == due.profile.plasma_ng_per_mL.tobytes()
    assert [s.start_min for s in told.sessions] == starts and due.sessions == ()
    assert told.sessions[1].cmax_ng_per_mL > told.sessions[0].cmax_ng_per_mL
    assert told.sessions[0].trough_ng_per_mL == told.sessions[1].before_ng_per_mL
    assert told.sessions[-1].trough_ng_per_mL is None and told.sessions[0].date is None
    assert ketpk.simulate(PATIENT, ORDER, **asked, course=ketpk.Course(at_min=starts)).sessions == told.sessions
    for value in (course, ketpk.Course(at_min=starts)):
        assert pickle.loads(pickle.dumps(value)) == value == eval(repr(value), vars(ketpk))
    bars = _plot.drawn(told).bars
    assert [(b.start_min, b.end_min) for b in bars] == [(s, s + 40) for s in starts]
    assert _plot.drawn(pickle.loads(pickle.dumps(told))).bars == bars
    stopped = ketpk.simulate(PATIENT, ORDER, **asked, course=course, events=[ketpk.stop(0, at_min=20, session=1)])
    assert [b.amount_mg for b in _plot.drawn(stopped).bars] == pytest.approx([35, 17.5, 35])
    assert "3 sessions" in stopped.plot().get_title(loc="left")
    assert "3 of this order" in stopped._repr_html_()


def test_bad_courses_are_refused() -> None:
    utc = datetime.timezone.utc
    refused(lambda: ketpk.Course(), "E_FIELD_MISSING", "course")
    refused(lambda: ketpk.Course(every_min=60), "E_FIELD_MISSING", "times")
    refused(lambda: ketpk.Course(at_min=[0], times=2), "E_FIELD_DUPLICATE", "times")
    refused(lambda: ketpk.Course(every_min=60, times=2, at_min=[0]), "E_FIELD_DUPLICATE", "course")
    for times in (True, 2.0, "2"):
        refused(lambda t=times: ketpk.Course(every_min=60, times=t), "E_TYPE", "times")
    refused(lambda: ketpk.Course(every_min=float("nan"), times=2), "E_NONFINITE", "every_min")
    refused(lambda: ketpk.Course(at="2026-10-19"), "E_TYPE", "at")  # type: ignore[arg-type]
    refused(lambda: ketpk.Course(at=["2026-10-19T09:00:00Z"]), "E_TYPE", "at[0]")  # type: ignore[list-item]
    refused(lambda: ketpk.Course(at=[datetime.datetime(2026, 10, 19)]), "E_TIME_ZONE", "at[0]")
    refused(lambda: ketpk.pause(0, at_min=1, session=1.0), "E_TYPE", "session")  # type: ignore[arg-type]
    for course, code, field in (
        (ketpk.Course(every_min=60, times=0), "E_RANGE", "course.times"),
        (ketpk.Course(every_min=0, times=2), "E_RANGE", "course.every"),
        (ketpk.Course(every_min=20, times=2), "E_OVERLAP", "course.every"),
        (ketpk.Course(at_min=[60, 0]), "E_TIME_ORDER", "course.at[1]"),
        (ketpk.Course(at=[datetime.datetime(2026, 10, 19, tzinfo=utc)] * 2), "E_TIME_ORDER", "course.at[1]"),
    ):
        refused(lambda c=course: ketpk.simulate(PATIENT, ORDER, **WORDS, course=c), code, field)
    refused(lambda: ketpk.simulate(PATIENT, ORDER, **WORDS, course={"every": "7 d"}), "E_TYPE", "course")


# Files ---------------------------------------------------------------------------------------------------------------


def test_a_file_is_written_in_full_or_not_at_all(tmp_path: pathlib.Path) -> None:
    result, path = interrupted(), tmp_path / "state.json"
    result.save_state(path, at_min=10)
    first = path.read_bytes()
    refused(lambda: result.save_state(path, at_min=20), "E_IO", "output")
    assert path.read_bytes() == first
    os.chmod(path, 0o640)
    result.save_state(path, at_min=20, replace=True)
    assert path.read_bytes() != first and stat.S_IMODE(path.stat().st_mode) == 0o640
    new = tmp_path / "new.json"
    old = os.umask(0o027)
    try:
        result.save_state(new, at_min=20)
    finally:
        os.umask(old)
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    link = tmp_path / "link.json"
    link.symlink_to(path)
    result.save_state(link, at_min=10, replace=True)
    assert link.is_symlink() and path.read_bytes() == first
    (tmp_path / "folder").mkdir()
    for name in (tmp_path / "folder", tmp_path / "none" / "a.json", "", "a\0b", str(tmp_path) + "/"):
        refused(lambda n=name: result.save_state(n, at_min=10, replace=True), "E_IO", "output")
    refused(lambda: result.save_state(42, at_min=10), "E_TYPE")  # type: ignore[arg-type]
    refused(lambda: result.save_state(new, at_min=10, replace=1), "E_TYPE")  # type: ignore[arg-type]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "link.json", "new.json", "state.json"]


# Into any compartment ------------------------------------------------------------------------------------------------


def test_an_order_goes_into_a_compartment_as_a_session_says_it() -> None:
    order = ketpk.bolus(dose_mg=50, into="nose") + ketpk.infusion(dose_mg=20, duration_min=30, into="gut", start_min=5)
    order += ketpk.infusion(dose_mg=20, duration_min=30, start_min=60)
    assert order.to_session()[0] == {"bolus": "50 mg", "at": "0 min", "into": "nose"}
    assert order.to_session()[1]["into"] == "gut" and "into" not in order.to_session()[2]
    assert eval(repr(order), vars(ketpk)) == order == pickle.loads(pickle.dumps(order))
    told = ketpk.simulate(PATIENT, order, **{**WORDS, "model": MODEL}, every_min=10, until_min=120)
    due = ketpk.simulate_session(
        session(model={"file": "model.json"}, order=order.to_session()), folder=ROOT / "examples"
    )
    assert told == due
    alone = ketpk.simulate(PATIENT, ketpk.bolus(dose_mg=50, into="nose"), **{**WORDS, "model": MODEL})
    assert alone.summary.cmax_ng_per_mL < 0.5 * (
        ketpk.simulate(PATIENT, ketpk.bolus(dose_mg=50), **{**WORDS, "model": MODEL}).summary.cmax_ng_per_mL
    )


def test_a_compartment_that_is_not_there_is_refused() -> None:
    error = refused(
        lambda: ketpk.simulate(PATIENT, ketpk.bolus(dose_mg=50, into="ear"), **{**WORDS, "model": MODEL}),
        "E_RANGE",
        "order[0].into",
    )
    assert "nose" in error.message and "ear" not in error.message.replace("shallow, deep", "")
    refused(lambda: ketpk.simulate(PATIENT, ketpk.bolus(dose_mg=5, into="nose"), **WORDS), "E_RANGE", "order[0].into")
    for into in (3, b"nose", ["nose"]):
        refused(lambda x=into: ketpk.bolus(dose_mg=5, into=x), "E_TYPE", "into")
        refused(lambda x=into: ketpk.infusion(dose_mg=5, duration_min=1, into=x), "E_TYPE", "into")


@pytest.mark.parametrize("threads", [1, 4])
def test_rows_of_a_table_go_into_their_compartments(threads: int) -> None:
    words: dict[str, Any] = {**WORDS, "model": MODEL}
    places, mg = ["nose", "gut", "central", "nose"], [50.0, 50.0, 30.0, 25.0]
    table = ketpk.simulate_frame(
        {"weight_kg": [70.0] * 4, "age_yr": [42.0] * 4, "bolus_mg": mg, "into": places}, **words, threads=threads
    )
    alone = [
        ketpk.simulate(PATIENT, ketpk.bolus(dose_mg=m, into=p), **words).summary.cmax_ng_per_mL
        for m, p in zip(mg, places)
    ]
    assert table["cmax_ng_per_mL"].tolist() == alone
    infused = ketpk.simulate_frame(
        {"weight_kg": [70.0], "age_yr": [42.0], "dose_mg": [30.0], "duration_min": [10.0], "into": ["gut"]}, **words
    )
    one = ketpk.simulate(PATIENT, ketpk.infusion(dose_mg=30, duration_min=10, into="gut"), **words)
    assert infused["cmax_ng_per_mL"].tolist() == [one.summary.cmax_ng_per_mL]


def test_a_table_says_which_row_goes_where_it_cannot() -> None:
    words: dict[str, Any] = {**WORDS, "model": MODEL}
    table = {"weight_kg": [70.0] * 3, "age_yr": [42.0] * 3, "bolus_mg": [5.0] * 3, "into": ["nose", "ear", "gut"]}
    error = refused(lambda: ketpk.simulate_frame(table, **words), "E_RANGE", "order[0].into")
    assert (error.row, error.column) == (1, "into")
    error = refused(lambda: ketpk.simulate_frame({**table, "into": ["nose", None, "gut"]}, **words), "E_TYPE", "into")
    assert (error.row, error.column) == (1, "into")
    both = {**table, "into": ["nose"] * 3, "dose_mg": [5.0] * 3, "duration_min": [5.0] * 3}
    assert refused(lambda: ketpk.simulate_frame(both, **words), "E_FIELD_DUPLICATE", "into").column == "into"


def test_wrong_types_are_type_errors_here_too() -> None:
    with pytest.raises(WrongType):
        ketpk.pause(True, at_min=1)
