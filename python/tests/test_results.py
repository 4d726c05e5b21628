# SPDX-License-Identifier: Apache-2.0
"""A result is a value with the contract's names."""

from __future__ import annotations

import copy
import functools
import gc
import json
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from conftest import EVERYTHING, LIMITS, ORDER, PATIENT, ROOT, WORDS, golden_cases, golden_session, session

import ketpk
from ketpk._result import session_again

#: A limits set whose texts nobody else has, so that they can be looked for.
CANARY = "Jane-Canary-4711"

SESSIONS: dict[str, dict[str, Any]] = {
    "plain": session(),
    "flagged": session(
        patient={"weight": "154.3 lb", "height": "68 in", "age": "42 yr", "sex": "female", "dosing_weight": "60 kg"},
        order=[
            {"infuse": "0.9 mg/kg", "over": "40 min", "at": "0 min"},
            {"infuse_at_rate": "30 mL/h", "over": "20 min", "at": "60 min"},
            {"bolus": "30 mg", "at": "90 min"},
        ],
        bag={"concentration": "1 mg/mL"},
        limits=json.loads(LIMITS.read_text()),
        as_of="2026-11-21",
        overrides=[{"flag": "DOSE_PER_WEIGHT_HIGH", "reason": "a made-up reason", "by": "nobody"}],
        questions={"time_above": ["100 ng/mL", "9000 ng/mL"]},
    ),
    "dosed by a formula": session(
        patient={"weight": "110 kg", "height": "165 cm", "age": "42 yr", "sex": "female", "dosing_weight": "adjusted"}
    ),
    "everything": session(model=EVERYTHING, form="hydrochloride", questions={"time_above": ["50 ng/mL"]}),
    "custom with exponents": session(
        patient={"weight": "203.7 lb"},
        model={
            "custom": {
                **EVERYTHING["custom"],
                "reference_weight": "70 kg",
                "weight_exponents": {"CL": 0.75, "Q2": 0.75, "Q3": 0.75, "V1": 1, "V2": 1, "V3": 1},
            }
        },
    ),
    "children": session(model="herd2007", patient={"weight": "20 kg", "age": "6 yr"}),
    "extrapolated": session(model="herd2007", extrapolate=True),
    "metabolite": session(model="otto2021", analyte="s-ketamine"),
    "assumed alike": session(model="otto2021", assume_enantiomers_alike=True),
    "unsampled": session(observe=None),
    "at instants": session(observe={"at": ["0 min", "1 us", "39.5 min", "2 h"], "until": "4 h"}),
    "interrupted": session(
        model=EVERYTHING,
        bag={"concentration": "1 mg/mL", "vials": [{"amount": "50 mg", "volume": "5 mL"}], "diluent": "45 mL"},
        events=[
            {"pause": 0, "at": "12 min"},
            {"resume": 0, "at": "15 min"},
            {"change_rate": 0, "to": "30 mL/h", "at": "20 min"},
            {"stop": 0, "at": "35 min"},
            {"restart_remainder": 0, "over": "10 min", "at": "50 min"},
        ],
        pump={
            "rate_step": "0.1 mL/h",
            "line": {"dead_volume": "1.5 mL", "primed_with": "drug"},
            "flush": {"volume": "5 mL", "over": "2 min", "at": "90 min"},
        },
    ),
    "course": session(
        course={"every": "84 h", "times": 3},
        events=[{"pause": 0, "session": 1, "at": "12 min"}, {"resume": 0, "session": 1, "at": "17 min"}],
        observe={"every": "12 h", "until": "10 d"},
    ),
    "of a file": session(
        model={"card": json.loads((ROOT / "examples" / "model.json").read_text())},
        order=[
            {"bolus": "50 mg", "at": "0 min", "into": "nose"},
            {"infuse": "20 mg", "over": "30 min", "at": "60 min"},
        ],
    ),
    "effects": session(
        model=EVERYTHING,
        effects=[
            {
                "name": "dissociation",
                "of": "effect_site",
                "kind": "emax",
                "ec50": "120 ng/mL",
                "hill": 2,
                "baseline": 0,
                "change": 80,
                "unit": "points",
                "source": "invented for this test",
            },
            {
                "name": "score",
                "of": "norketamine",
                "kind": "turnover",
                "acts": "stimulate-loss",
                "drive": "linear",
                "kout": "0.1 1/min",
                "baseline": 30,
                "most": 0.5,
                "c50": "0.1 mg/L",
                "unit": "% of all",
                "source": "invented for this test",
            },
        ],
    ),
    "never above": session(questions={"time_above": ["99999 ng/mL"]}),
}


#: The columns that count.
WHOLE = ("time_us", "paused_infusions")


@functools.cache
def result_of(name: str) -> ketpk.Result:
    return ketpk.simulate_session(SESSIONS[name])


each = pytest.mark.parametrize("name", SESSIONS)
sampled = pytest.mark.parametrize("name", [n for n in SESSIONS if n != "unsampled"])


def same(found: Any, stated: Any, path: str) -> None:
    """What JSON states under a key is what the attribute or the member of that name holds."""
    if isinstance(stated, dict):
        for key, value in stated.items():
            if isinstance(found, Mapping) and not isinstance(found, ketpk.Profile):
                assert key in found, f"{path}.{key}"
                same(found[key], value, f"{path}.{key}")
            else:
                assert hasattr(found, key), f"{path}.{key}"
                same(getattr(found, key), value, f"{path}.{key}")
    elif isinstance(stated, list):
        if isinstance(found, Mapping):  # by name
            assert [*found] == [each["name"] for each in stated], path
            found = tuple(found.values())
        assert len(found) == len(stated), path
        if isinstance(found, np.ndarray):
            assert found.tolist() == stated, path
        else:
            for i, (a, b) in enumerate(zip(found, stated)):
                same(a, b, f"{path}[{i}]")
    elif isinstance(found, ketpk.Verdict):
        assert found.value == stated, path
    else:
        assert found == stated and isinstance(found, bool) == isinstance(stated, bool), path


@each
def test_every_key_of_the_contract_is_an_attribute(name: str) -> None:
    result = result_of(name)
    document = json.loads(result.to_json())
    assert document.pop("schema") == "ketpk.result/1"  # the same for every result, so it stands in its documents only
    same(result, document, "result")


def test_the_sessions_here_have_everything_a_result_can_have() -> None:
    flagged = result_of("flagged")
    assert flagged.verdict is ketpk.Verdict.HARD or flagged.verdict is ketpk.Verdict.SOFT
    assert len(flagged.flags) >= 2 and flagged.assessment.overrides and flagged.assessment.limits is not None
    assert any(f.clears_at is not None for f in flagged.flags)
    assert result_of("everything").summary.effect_site is not None
    assert list(result_of("everything").summary.metabolites) == ["norketamine"]
    assert result_of("extrapolated").model["extrapolated"]
    assert [f.code for f in result_of("assumed alike").flags] == ["ENANTIOMERS_ASSUMED_ALIKE"]
    assert result_of("never above").time_above[0].first_min is None


def test_verdict_flags_and_provenance_are_those_of_the_result() -> None:
    result = result_of("flagged")
    assert result.verdict is result.assessment.verdict
    assert result.flags is result.assessment.flags
    assert result.provenance == ketpk.Provenance(result.ketpk, result.inputs, result.model)


# Arrays


def test_columns_are_views_of_the_results_own_memory() -> None:
    result = ketpk.simulate_session(SESSIONS["everything"])
    for name, values in result.profile.items():
        assert values.base is not None or not values.flags.owndata, name
        # Asking the core again gives a view of the same memory: no copy was made.
        answer = result._answer
        assert answer is not None
        if name == "time_us":
            column = answer.time_us()
        elif name in result.profile.metabolites:
            column = answer.metabolite(answer.metabolites.index(name.removesuffix("_ng_per_mL")))
        else:
            column = answer.column(name)
        assert column.ctypes.data == values.ctypes.data and np.shares_memory(column, values), name


@sampled
def test_columns_have_the_contracts_names_types_and_shapes(name: str) -> None:
    profile = result_of(name).profile
    n = len(profile.time_us)
    assert n > 0
    for column, values in profile.items():
        assert values.shape == (n,) and values.flags.c_contiguous, column
        assert values.dtype == (np.int64 if column in WHOLE else np.float64), column
    assert list(profile)[:3] == ["time_us", "time_min", "plasma_ng_per_mL"]
    last = ["delivered_mg", "auc_ng_h_per_mL", *(f"{e.name} ({e.unit})" for e in result_of(name).effects.values())]
    if result_of(name).delivery is not None:
        last.append("paused_infusions")
    assert list(profile)[-len(last) :] == last
    assert np.array_equal(profile.time_min, profile.time_us / 6e7)


@pytest.mark.parametrize("read_back", [False, True], ids=["fresh", "read back"])
def test_columns_cannot_be_written_to(read_back: bool) -> None:
    result = ketpk.simulate_session(SESSIONS["everything"])
    result = ketpk.Result.from_json(result.to_json()) if read_back else result
    before = result.profile.plasma_ng_per_mL.tolist()
    for name, values in result.profile.items():
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            values.flags.writeable = True
        with pytest.raises(TypeError):
            result.profile[name] = values  # type: ignore[index]
    with pytest.raises(TypeError):
        result.profile.metabolites["norketamine_ng_per_mL"] = before  # type: ignore[index]
    assert result.profile.plasma_ng_per_mL.tolist() == before


def test_a_column_keeps_its_memory_alive() -> None:
    result = ketpk.simulate_session(SESSIONS["everything"])
    kept = dict(result.profile)
    copies = {name: values.copy() for name, values in kept.items()}
    del result
    gc.collect()
    for _ in range(200):  # whatever is freed would be written over
        ketpk.simulate_session(SESSIONS["everything"])
    for name, values in kept.items():
        assert values.tobytes() == copies[name].tobytes(), name


# Values


@each
def test_equal_questions_have_equal_answers(name: str) -> None:
    one, other = ketpk.simulate_session(SESSIONS[name]), ketpk.simulate_session(SESSIONS[name])
    assert one is not other and one == other and hash(one) == hash(other) and not one != other
    assert one.profile == other.profile and one.summary == other.summary and one.assessment == other.assessment


def test_results_of_different_questions_differ() -> None:
    results = [result_of(name) for name in SESSIONS]
    assert len(set(results)) == len(SESSIONS)
    assert result_of("plain") != "plain"
    assert result_of("plain").profile != result_of("at instants").profile


def test_a_result_cannot_be_changed() -> None:
    result = result_of("flagged")
    for thing, name in (
        (result, "summary"),
        (result, "anything"),
        (result.summary, "cmax_ng_per_mL"),
        (result.assessment, "verdict"),
        (result.flags[0], "severity"),
        (result.profile, "metabolites"),
        (result.ketpk, "agreement_rel"),
        (result.provenance, "inputs"),
    ):
        with pytest.raises(AttributeError):
            setattr(thing, name, None)
    with pytest.raises(TypeError):
        result.inputs["patient"]["weight"] = "7 kg"
    with pytest.raises(TypeError):
        result.model["id"] = "another"  # type: ignore[index]
    with pytest.raises(AttributeError):
        result.inputs["order"].append({})


@pytest.mark.parametrize("attribute", ["summary", "profile", "_text", "_answer"])
def test_an_attribute_of_a_result_cannot_be_deleted(attribute: str) -> None:
    result = ketpk.simulate_session(SESSIONS["plain"])
    with pytest.raises(AttributeError):
        delattr(result, attribute)


def test_what_to_dict_gives_is_a_copy() -> None:
    result = result_of("plain")
    before = result.to_json()
    result.to_dict()["summary"]["cmax_ng_per_mL"] = 1
    assert result.to_json() == before and result.to_dict() == json.loads(before)


def test_a_result_is_no_truth_value() -> None:
    for name in ("flagged", "plain"):
        for thing in (result_of(name), result_of(name).verdict, result_of(name).assessment):
            with pytest.raises(TypeError, match="no truth value"):
                bool(thing)
    with pytest.raises(TypeError):
        assert not result_of("plain").verdict


def test_a_verdict_is_compared_with_verdicts_only() -> None:
    verdict = result_of("flagged").verdict
    assert verdict in (ketpk.Verdict.SOFT, ketpk.Verdict.HARD) and verdict != ketpk.Verdict.WITHIN_LIMITS
    assert {ketpk.Verdict.SOFT: 1}[ketpk.Verdict("soft")] == 1
    assert [v.value for v in ketpk.Verdict] == ["unevaluated", "within-limits", "soft", "hard"]
    assert str(ketpk.Verdict.WITHIN_LIMITS) == "within-limits"
    assert pickle.loads(pickle.dumps(verdict)) is verdict and copy.deepcopy(verdict) is verdict
    for word in ("soft", "ok", ""):
        with pytest.raises(TypeError, match="no text"):
            verdict == word
        with pytest.raises(TypeError, match="no text"):
            verdict != word


def test_a_result_is_not_made_by_hand() -> None:
    with pytest.raises(TypeError):
        ketpk.Result()


@each
def test_pickle_copy_and_json_bring_back_every_bit(name: str) -> None:
    result = result_of(name)
    brought = [pickle.loads(pickle.dumps(result, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    brought += [copy.copy(result), copy.deepcopy(result), ketpk.Result.from_json(result.to_json())]
    brought += [pickle.loads(pickle.dumps(brought[-1])), copy.deepcopy([result])[0]]
    for again in brought:
        assert again == result and hash(again) == hash(result)
        assert again.to_json() == result.to_json()
        assert again.summary == result.summary and again.ketpk == result.ketpk
        assert again.time_above == result.time_above and again.assessment == result.assessment
        assert again.inputs == result.inputs and again.model == result.model
        assert list(again.profile) == list(result.profile)
        assert list(again.profile.metabolites) == list(result.profile.metabolites)
        for column in result.profile:
            assert again.profile[column].tobytes() == result.profile[column].tobytes(), column
            assert again.profile[column].dtype == result.profile[column].dtype, column
        assert repr(again) == repr(result)


def test_a_profile_and_its_parts_can_be_pickled() -> None:
    result = result_of("everything")
    for part in (result.profile, result.summary, result.assessment, result.ketpk, result.provenance):
        assert pickle.loads(pickle.dumps(part)) == part
        assert copy.deepcopy(part) == part


def test_no_result_holds_nan() -> None:
    for name in SESSIONS:
        json.dumps(result_of(name).to_dict(), allow_nan=False)
        assert all(np.isfinite(values).all() for values in result_of(name).profile.values())


# Refusals of from_json


def changed(**members: Any) -> str:
    """A result's text with some blocks changed: a function is applied to the block, None takes it away."""
    document = result_of("everything").to_dict()
    for key, change in members.items():
        if change is None:
            del document[key]
        elif callable(change):
            change(document[key])
        else:
            document[key] = change
    return json.dumps(document)


def replaced(old: str, new: str) -> str:
    text = result_of("everything").to_json()
    assert old in text
    return text.replace(old, new, 1)


BLOCKS = ("ketpk", "inputs", "model", "profile", "summary", "time_above", "assessment")
#: How a text is made, and the code (or either of two) that refuses it.
REFUSED: dict[str, tuple[Any, str]] = {
    "another schema": (lambda: changed(schema="ketpk.result/2"), "E_SCHEMA_VERSION"),
    "a session": (lambda: json.dumps(session()), "E_SCHEMA_VERSION"),
    "no schema": (lambda: changed(schema=None), "E_SCHEMA_VERSION"),
    "a list": (lambda: "[]", "E_SCHEMA_VERSION"),
    "nothing": (lambda: "", "E_PARSE"),
    "truncated": (lambda: result_of("everything").to_json()[:-20], "E_PARSE"),
    "text after it": (lambda: result_of("everything").to_json() + "{}", "E_PARSE"),
    "too deep": (lambda: "[" * 100_000, "E_PARSE"),
    "NaN": (lambda: replaced('"cmax_ng_per_mL": ', '"cmax_ng_per_mL": NaN, "x": '), "E_NONFINITE"),
    "infinity": (lambda: replaced('"cmax_ng_per_mL": ', '"cmax_ng_per_mL": -Infinity, "x": '), "E_NONFINITE"),
    "a number too large": (lambda: replaced('"cmax_ng_per_mL": ', '"cmax_ng_per_mL": 1e999, "x": '), "E_RANGE"),
    "a number of 5,000 digits": (
        lambda: replaced('"cmax_ng_per_mL": ', f'"cmax_ng_per_mL": {"9" * 5000}, "x": '),
        "E_PARSE",
    ),
    "a model without an id": (lambda: changed(model=lambda m: m.pop("id")), "E_TYPE"),
    "a basis that is no text": (lambda: changed(assessment=lambda a: a.update(basis=7)), "E_TYPE"),
    "a key twice": (lambda: replaced('"tmax_min"', '"tmax_min": 1, "tmax_min"'), "E_FIELD_DUPLICATE"),
    "columns of two lengths": (lambda: changed(profile=lambda p: p["time_min"].append(1.0)), "E_TYPE"),
    "a column of texts": (lambda: changed(profile=lambda p: p.update(delivered_mg=["a"])), "E_TYPE"),
    "a column of columns": (lambda: changed(profile=lambda p: p.update(delivered_mg=[[1.0]] * 13)), "E_TYPE"),
    "a column missing": (lambda: changed(profile=lambda p: p.pop("plasma_ng_per_mL")), "E_FIELD_MISSING E_TYPE"),
    "instants that are no integers": (lambda: changed(profile=lambda p: p.update(time_us=[0.5] * 13)), "E_TYPE"),
    "truth values for numbers": (lambda: changed(profile=lambda p: p.update(delivered_mg=[True] * 13)), "E_TYPE"),
    "a summary without its peak": (
        lambda: changed(summary=lambda s: s.pop("cmax_ng_per_mL")),
        "E_FIELD_MISSING E_TYPE",
    ),
    "a peak that is a text": (lambda: changed(summary=lambda s: s.update(cmax_ng_per_mL="253")), "E_TYPE"),
    "a verdict unheard of": (lambda: changed(assessment=lambda a: a.update(verdict="fine")), "E_TYPE"),
    "no flags": (lambda: changed(assessment=lambda a: a.pop("flags")), "E_FIELD_MISSING E_TYPE"),
    "flags that are none": (lambda: changed(assessment=lambda a: a.update(flags=[1])), "E_TYPE"),
    **{f"no {block}": (functools.partial(changed, **{block: None}), "E_FIELD_MISSING") for block in BLOCKS},
    **{f"a number for {block}": (functools.partial(changed, **{block: 1}), "E_TYPE") for block in BLOCKS},
}


@pytest.mark.parametrize("why", REFUSED)
def test_from_json_refuses(why: str) -> None:
    text, codes = REFUSED[why]
    with pytest.raises(ketpk.InvalidInput) as refusal:
        ketpk.Result.from_json(text())
    assert refusal.value.code in codes.split()


def test_from_json_takes_what_changed_makes_of_nothing() -> None:
    # The refusals above come from the change, not from how it is made.
    assert ketpk.Result.from_json(changed()) == result_of("everything")


def test_equal_results_have_equal_hashes_however_their_numbers_are_written() -> None:
    whole, pointed = (
        replaced('"tmax_min": ', '"tmax_min": 4e1, "x": '),
        replaced('"tmax_min": ', '"tmax_min": 40, "x": '),
    )
    a, b = ketpk.Result.from_json(whole), ketpk.Result.from_json(pointed)
    assert a == b and hash(a) == hash(b)


@pytest.mark.parametrize("kind", ["profile", "profile of a text", "table"])
def test_what_was_pickled_cannot_be_written_to(kind: str) -> None:
    result = result_of("everything")
    table: ketpk.Table = {
        "profile": result.profile,
        "profile of a text": ketpk.Result.from_json(result.to_json()).profile,
        "table": ketpk.Table({"a": np.array([1.5, 2.5]), "b": np.array(["x", None], dtype=object)}),
    }[kind]
    again = pickle.loads(pickle.dumps(table))
    assert again == table and type(again) is type(table) and list(again) == list(table)
    for column in again.values():
        assert not column.flags.writeable
        if column.dtype != object:
            with pytest.raises(ValueError, match="WRITEABLE"):
                column.setflags(write=True)
    if isinstance(again, ketpk.Profile):
        assert again.metabolites and all(np.shares_memory(again[n], c) for n, c in again.metabolites.items())


def test_from_json_takes_texts_only() -> None:
    for thing in (result_of("plain").to_json().encode(), result_of("plain").to_dict(), None, 1):
        with pytest.raises(ketpk.WrongType):
            ketpk.Result.from_json(thing)  # type: ignore[arg-type]


# Tables


@sampled
def test_to_pandas_has_the_profile(name: str) -> None:
    result = result_of(name)
    frame = result.to_pandas()
    assert list(frame.columns) == list(result.profile)
    for column, values in result.profile.items():
        assert frame[column].dtype == values.dtype and frame[column].to_numpy().tobytes() == values.tobytes()
    frame["plasma_ng_per_mL"] = 0.0  # the frame is the user's own
    frame.iloc[0, 1] = -1.0
    assert result.profile.time_min[0] == 0 and result.profile.plasma_ng_per_mL.max() > 0


@sampled
def test_to_arrow_has_the_profile(name: str) -> None:
    result = result_of(name)
    table = result.to_arrow()
    assert table.column_names == list(result.profile)
    for column, values in result.profile.items():
        assert table.schema.field(column).type == (pyarrow.int64() if column in WHOLE else pyarrow.float64())
        assert table[column].to_numpy().tobytes() == values.tobytes()
    one = table["plasma_ng_per_mL"].chunk(0)
    assert np.shares_memory(one.to_numpy(zero_copy_only=True), result.profile.plasma_ng_per_mL)


@sampled
def test_arrow_readers_take_a_result_as_it_is(name: str) -> None:
    result = result_of(name)
    for source in (result, result.profile):
        assert pyarrow.table(source).equals(result.to_arrow())
        frame = polars.DataFrame(source)
        assert frame.columns == list(result.profile)
        for column, values in result.profile.items():
            assert frame[column].to_numpy().tobytes() == values.tobytes(), column


def test_a_table_outlives_its_result() -> None:
    result = ketpk.simulate_session(SESSIONS["everything"])
    table, due = result.to_arrow(), result.profile.plasma_ng_per_mL.tolist()
    del result
    gc.collect()
    for _ in range(200):
        ketpk.simulate_session(SESSIONS["everything"])
    assert table["plasma_ng_per_mL"].to_pylist() == due


def test_a_profile_without_instants_is_no_table() -> None:
    result = result_of("unsampled")
    assert len(result.profile.time_us) == 0 and result.summary.cmax_ng_per_mL > 0
    makers = (
        result.to_pandas,
        result.to_arrow,
        result.__arrow_c_stream__,
        result.profile.to_pandas,
        lambda: pyarrow.table(result),
    )
    for make in makers:
        with pytest.raises(ketpk.InvalidInput) as refusal:
            make()
        assert (refusal.value.code, refusal.value.field) == ("E_FIELD_MISSING", "observe")


def test_a_frame_of_results_reads_together() -> None:
    doses = [0.25, 0.5, 1.0]
    results = [
        ketpk.simulate(
            PATIENT, ketpk.infusion(dose_mg_per_kg=d, duration_min=40), every_min=10, until_min=60, **WORDS
        ).to_pandas()
        for d in doses
    ]
    whole = pandas.concat(results, keys=doses)
    peaks = whole.groupby(level=0)["plasma_ng_per_mL"].max()
    assert peaks.is_monotonic_increasing and len(whole) == 21


# Asking again


def course(result: ketpk.Result) -> tuple[Any, ...]:
    """What a result says of the course, whatever was sampled or compared with limits."""
    return result.summary, result.ketpk


@pytest.mark.parametrize("name", SESSIONS)
def test_asking_again_gives_the_same_bits(name: str) -> None:
    result = result_of(name)
    again = session_again(result.inputs)
    assert not {"observe", "questions", "limits", "overrides", "as_of"} & set(again)
    if "observe" in SESSIONS[name]:
        again["observe"] = SESSIONS[name]["observe"]
    second = ketpk.simulate_session(again)
    assert course(second) == course(result)
    assert second.profile == result.profile
    for column in result.profile:
        assert second.profile[column].tobytes() == result.profile[column].tobytes(), column
    assert second.model == result.model
    # Once more changes nothing: it is as it was stated.
    assert session_again(second.inputs) == session_again(result.inputs)


def test_asking_again_gives_the_same_bits_on_the_reference_cases() -> None:
    for case in golden_cases():
        stated = golden_session(case)
        result = ketpk.simulate_session(stated)
        second = ketpk.simulate_session({**session_again(result.inputs), "observe": stated["observe"]})
        assert course(second) == course(result), case["id"]
        assert second.profile == result.profile, case["id"]


# What is shown


def test_repr_is_short_and_says_what_it_is() -> None:
    result = result_of("flagged")
    for thing in (result, result.profile, result.verdict, PATIENT, ORDER):
        shown = repr(thing)
        assert "\n" not in shown and len(shown) < 300, shown
    assert "kamp2020" in repr(result) and "ng/mL" in repr(result) and str(result.verdict) in repr(result)
    assert repr(PATIENT) == "Patient(weight_kg=70, age_yr=42)"
    by_rule = ketpk.Patient(
        weight_kg=70, height_cm=170, sex="male", dosing_weight="ideal", covariates={"RACE_ASIAN": 0}
    )
    assert eval(repr(by_rule).replace("Patient", "ketpk.Patient", 1)) == by_rule
    assert by_rule.to_session()["covariates"] == {"RACE_ASIAN": 0}
    assert repr(ORDER) == "infusion(dose_mg_per_kg=0.5, duration_min=40, start_min=0)"


def test_repr_shows_no_free_text() -> None:
    limits = json.loads(LIMITS.read_text())
    limits["approver"] = limits["limits"][0]["source"] = CANARY
    model = copy.deepcopy(EVERYTHING)
    model["custom"]["effect_site"]["source"] = CANARY
    overrides = [{"flag": "DOSE_PER_WEIGHT_HIGH", "reason": CANARY, "by": CANARY}]
    result = ketpk.simulate_session(session(model=model, limits=limits, as_of="2026-11-21", overrides=overrides))
    assert CANARY in result.to_json()  # it is recorded,
    for thing in (result, result.profile, result.summary, result.verdict, ketpk.Limits(limits)):
        assert CANARY not in repr(thing) and CANARY not in str(thing)  # and not shown in passing


@pytest.mark.parametrize("name", ["time_min", "delivered_mg", "auc_ng_h_per_mL", "plasma_ng_per_mL", "time_us"])
def test_a_metabolite_called_like_a_column_is_still_the_metabolite(name: str) -> None:
    custom = copy.deepcopy(EVERYTHING)
    custom["custom"]["metabolites"] = [{**custom["custom"]["metabolites"][0], "name": name}]
    result = ketpk.simulate_session(session(model=custom))
    document = result.to_dict()
    assert result.profile.plasma_ng_per_mL.tolist() == document["profile"]["plasma_ng_per_mL"]
    assert {n: c.tolist() for n, c in result.profile.metabolites.items()} == document["profile"]["metabolites"]
    assert ketpk.Result.from_json(result.to_json()).profile == result.profile


@pytest.mark.parametrize("name", ["plasma", "effect_site"])
def test_a_metabolite_may_not_have_the_name_of_another_curve(name: str) -> None:
    custom = copy.deepcopy(EVERYTHING)
    custom["custom"]["metabolites"] = [{**custom["custom"]["metabolites"][0], "name": name}]
    with pytest.raises(ketpk.InvalidInput, match=r"E_FIELD_DUPLICATE model.custom.metabolites\[0\].name"):
        ketpk.simulate_session(session(model=custom))


def test_a_value_cannot_be_made_twice() -> None:
    patient, result = ketpk.Patient(weight_kg=70), result_of("everything")
    limits = ketpk.limits.read(LIMITS)
    for again in (
        lambda: patient.__init__(weight_kg=80),  # type: ignore[misc]
        lambda: limits.__init__(limits.to_dict()),  # type: ignore[misc]
        lambda: result.inputs.__init__({}),  # type: ignore[misc]
        lambda: result.profile.__init__({}),  # type: ignore[misc]
    ):
        with pytest.raises(AttributeError):
            again()
    with pytest.raises(TypeError):
        vars(result.summary)


def test_what_one_does_to_a_view_no_other_sees() -> None:
    result = result_of("everything")
    result.profile.plasma_ng_per_mL.dtype = np.dtype(np.int64)
    result.profile.plasma_ng_per_mL.shape = (len(result.profile.time_us), 1)
    assert result.profile.plasma_ng_per_mL.dtype == np.float64 and result.profile.plasma_ng_per_mL.ndim == 1


def test_the_dosing_weight_is_chosen_and_the_weight_of_the_model_stays() -> None:
    who: dict[str, Any] = {"weight_kg": 110, "height_cm": 165, "sex": "female", "age_yr": 42}
    ideal = 45.5 + 2.3 * (165 / 2.54 - 60)
    for choice, kg in {"actual": 110, "ideal": ideal, "adjusted": 0.6 * ideal + 44}.items():
        made = ketpk.simulate(ketpk.Patient(**who, dosing_weight=choice), ORDER, **WORDS)
        assert made.summary.delivered_mg == pytest.approx(0.5 * kg, rel=1e-12)
        assert made.body_size["dosing_weight"]["choice"] == choice
        assert made.body_size["model_weight_kg"] == 110
        assert made.body_size["ideal_weight"]["value"] == pytest.approx(ideal, rel=1e-12)
        assert "turned over" in made.body_size["lean_mass"]["absent"]
        assert ketpk.Result.from_json(made.to_json()).body_size == made.body_size
    for more, code in (({"dosing_weight": "lean"}, "E_RANGE"), ({"covariates": {"RACE_ASIAN": 0}}, "E_FIELD_UNKNOWN")):
        with pytest.raises(ketpk.InvalidInput) as refused:
            ketpk.simulate(ketpk.Patient(**who, **more), ORDER, **WORDS)
        assert refused.value.code == code
    with pytest.raises(ketpk.InvalidInput):
        ketpk.Patient(weight_kg=70, dosing_weight="ideal", dosing_weight_kg=60)


def test_what_drives_a_result_is_told_and_drawn() -> None:
    made = ketpk.simulate(PATIENT, ORDER, time_above_ng_per_mL=100, sensitivity=True, **WORDS)
    assert [(o["outcome"], o["curve"]) for o in made.sensitivity] == [
        (outcome, "plasma") for outcome in ("cmax", "auc_inf", "time_above")
    ]
    area = {s["input"]: s["elasticity"] for s in made.sensitivity[1]["inputs"]}
    assert area["dose"] == pytest.approx(1, rel=1e-12) and area["CL"] == pytest.approx(-1, rel=1e-12)
    assert made.sensitivity[0]["driver"].startswith("The peak follows the dose one to one")
    assert ketpk.Result.from_json(made.to_json()).sensitivity == made.sensitivity
    # The dose once more by two whole simulations.
    peak = {s["input"]: s for s in made.sensitivity[0]["inputs"]}
    longer, shorter = (
        ketpk.simulate(PATIENT, ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40 + d), **WORDS).summary.cmax_ng_per_mL
        for d in (0.01, -0.01)
    )
    assert peak["order[0].over"]["slope"] == pytest.approx((longer - shorter) / 0.02, rel=1e-6)

    axes = made.plot_tornado(most=3)
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        s["input"] for s in made.sensitivity[0]["inputs"]
    ][:3]
    assert [bar.get_width() for bar in axes.patches] == [s["elasticity"] for s in made.sensitivity[0]["inputs"]][:3]
    plain = ketpk.simulate(PATIENT, ORDER, **WORDS)
    assert plain.sensitivity == ()
    for draw in (plain.plot_tornado, lambda: made.plot_tornado("tmax"), lambda: made.plot_tornado(most=0)):
        with pytest.raises(ketpk.InvalidInput):
            draw()
