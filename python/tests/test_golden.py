# SPDX-License-Identifier: Apache-2.0
"""The 96 reference cases through both Python doors: held against 45-digit arithmetic, and against the command bit for
bit."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
from conftest import PATIENT, command, golden_cases, golden_model, golden_session, session

import ketpk

CASES = golden_cases()
US_PER_MIN = 60_000_000

each_case = pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])


def by_keyword(case: dict[str, Any]) -> ketpk.Result:
    """The case by keyword. Minutes as doubles: at 400 days they are still known to a hundredth of a microsecond, and
    the core rounds to the nearest whole one, so the instants are the case's own."""
    order: ketpk.Order | None = None
    for e in case["events"]:
        start = e["start_us"] / US_PER_MIN
        if e["duration_us"]:
            minutes = e["duration_us"] / US_PER_MIN
            one = ketpk.infusion(dose_mg=e["amount_mg"], duration_min=minutes, start_min=start)
        else:
            one = ketpk.bolus(dose_mg=e["amount_mg"], start_min=start)
        order = one if order is None else order + one
    assert order is not None
    return ketpk.simulate(
        ketpk.Patient(weight_kg=70),
        order,
        model=golden_model(case),
        analyte="racemic-ketamine",
        form="base",
        drug_free=True,
        at_min=[t / US_PER_MIN for t in case["times_us"]],
        until_min=case["end_us"] / US_PER_MIN,
        time_above_ng_per_mL=[case["expected"]["above"]["threshold_ng_per_mL"]],
    )


def close(found: float, expected: float, largest: float, what: str) -> None:
    scale = max(abs(expected), 1e-6 * largest)
    assert abs(found - expected) <= 1e-9 * scale, f"{what}: {found!r} for {expected!r}"


def column(found: Sequence[float] | Any, expected: Sequence[float], what: str) -> None:
    assert len(found) == len(expected), what
    for i, (a, b) in enumerate(zip(found, expected)):
        close(a, b, max(expected), f"{what}[{i}]")


def peak(cmax: float, tmax: float, expected: tuple[float, float], case: dict[str, Any], what: str) -> None:
    expected_cmax, expected_tmax = expected
    if tmax > case["end_us"] / US_PER_MIN:  # the reference looks to the end of its span only, a result at all of it
        assert cmax > expected_cmax, what
        return
    close(cmax, expected_cmax, expected_cmax, what)
    if not case["id"].startswith("course"):  # a course has equal peaks, of which a result has the earliest
        assert abs(tmax - expected_tmax) <= 1e-6, what
    assert tmax <= expected_tmax + 1e-6, what


def meets_the_reference(result: ketpk.Result, case: dict[str, Any]) -> None:
    profile, summary, expected = result.profile, result.summary, case["expected"]
    assert profile.time_us.tolist() == case["times_us"]
    column(profile.plasma_ng_per_mL, expected["plasma_ng_per_mL"], "plasma")
    column(profile.auc_ng_h_per_mL, expected["auc_to_time_ng_h_per_mL"], "auc")
    due = expected["cmax_ng_per_mL"], expected["tmax_min"]
    peak(summary.cmax_ng_per_mL, summary.tmax_min, due, case, "plasma")
    assert ("effect_site_ng_per_mL" in expected) == (summary.effect_site is not None)
    if summary.effect_site is not None:
        assert profile.effect_site_ng_per_mL is not None
        column(profile.effect_site_ng_per_mL, expected["effect_site_ng_per_mL"], "effect site")
        due = expected["effect_site_peak"]["ng_per_mL"], expected["effect_site_peak"]["min"]
        peak(summary.effect_site.cmax_ng_per_mL, summary.effect_site.tmax_min, due, case, "effect site")
    assert ("metabolite_ng_per_mL" in expected) == ("norketamine" in summary.metabolites)
    if "norketamine" in summary.metabolites:
        column(profile.metabolites["norketamine_ng_per_mL"], expected["metabolite_ng_per_mL"], "metabolite")
        of = summary.metabolites["norketamine"]
        due = expected["metabolite_peak"]["ng_per_mL"], expected["metabolite_peak"]["min"]
        peak(of.cmax_ng_per_mL, of.tmax_min, due, case, "metabolite")
    close(summary.auc_inf_ng_h_per_mL, expected["auc_inf_ng_h_per_mL"], 0, "auc to infinity")
    (above,) = result.time_above
    assert abs(above.minutes - expected["above"]["minutes_until_end"]) <= 1e-6
    assert above.first_min is not None and abs(above.first_min - expected["above"]["first_min"]) <= 1e-6
    assert result.ketpk.agreement_rel is not None and result.ketpk.agreement_rel <= 1e-8


def bits(values: Sequence[float] | Any) -> bytes:
    numbers = [float(x) for x in values]
    return struct.pack(f"<{len(numbers)}d", *numbers)


def numbers_of(result: ketpk.Result) -> dict[str, bytes]:
    """Every float that can be reached in a result, by name, as its bits."""
    s = result.summary
    found = {name: bits(values) for name, values in result.profile.items()}
    found |= {
        "cmax": bits([s.cmax_ng_per_mL]),
        "tmax": bits([s.tmax_min]),
        "auc_inf": bits([s.auc_inf_ng_h_per_mL]),
        "delivered": bits([s.delivered_mg]),
        "half_life": bits([s.terminal_half_life_min]),
        "agreement": bits([result.ketpk.agreement_rel or 0.0, result.ketpk.mass_balance_rel]),
    }
    if s.effect_site is not None:
        found["effect_site"] = bits([s.effect_site.cmax_ng_per_mL, s.effect_site.tmax_min])
    for name, m in s.metabolites.items():
        found[name] = bits([m.cmax_ng_per_mL, m.tmax_min, m.auc_inf_ng_h_per_mL])
    for t in result.time_above:
        found[f"above {t.threshold_ng_per_mL}"] = bits([t.minutes, -1.0 if t.first_min is None else t.first_min])
    return found


def numbers_in(document: dict[str, Any]) -> dict[str, bytes]:
    """The same of a parsed result file, found there by the contract's keys and not by the package."""
    p, s = document["profile"], document["summary"]
    found = {name: bits(values) for name, values in p.items() if name != "metabolites"}
    found |= {name: bits(values) for name, values in p.get("metabolites", {}).items()}
    found |= {
        "cmax": bits([s["cmax_ng_per_mL"]]),
        "tmax": bits([s["tmax_min"]]),
        "auc_inf": bits([s["auc_inf_ng_h_per_mL"]]),
        "delivered": bits([s["delivered_mg"]]),
        "half_life": bits([s["terminal_half_life_min"]]),
        "agreement": bits([document["ketpk"]["agreement_rel"], document["ketpk"]["mass_balance_rel"]]),
    }
    if "effect_site" in s:
        found["effect_site"] = bits([s["effect_site"]["cmax_ng_per_mL"], s["effect_site"]["tmax_min"]])
    for name, m in s.get("metabolites", {}).items():
        found[name] = bits([m["cmax_ng_per_mL"], m["tmax_min"], m["auc_inf_ng_h_per_mL"]])
    for t in document["time_above"]:
        first = -1.0 if t["first_min"] is None else t["first_min"]
        found[f"above {float(t['threshold_ng_per_mL'])}"] = bits([t["minutes"], first])
    return found


def commanded(session: dict[str, Any]) -> str:
    """What the command writes for a session."""
    done = subprocess.run(
        [command(), "simulate", "-", "--json"], input=json.dumps(session), text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_there_are_96_of_them() -> None:
    assert len(CASES) == 96 and len({case["id"] for case in CASES}) == 96


@each_case
def test_by_keyword_meets_the_reference(case: dict[str, Any]) -> None:
    meets_the_reference(by_keyword(case), case)


@each_case
def test_a_session_meets_the_reference(case: dict[str, Any]) -> None:
    meets_the_reference(ketpk.simulate_session(golden_session(case)), case)


@each_case
def test_a_session_gives_the_bytes_of_the_command(case: dict[str, Any]) -> None:
    session = golden_session(case)
    text, result = commanded(session), ketpk.simulate_session(session)
    assert result.to_json() == text
    assert numbers_of(result) == numbers_in(json.loads(text))


@each_case
def test_by_keyword_gives_the_numbers_of_the_command(case: dict[str, Any]) -> None:
    # Not its bytes: the inputs echo how the instants were stated, in minutes here and in microseconds there.
    theirs = numbers_in(json.loads(commanded(golden_session(case))))
    assert numbers_of(by_keyword(case)) == theirs


@each_case
def test_what_was_written_reads_back_with_the_same_bits(case: dict[str, Any]) -> None:
    result = ketpk.simulate_session(golden_session(case))
    again = ketpk.Result.from_json(result.to_json())
    assert numbers_of(again) == numbers_of(result)
    assert again.to_json() == result.to_json()


def test_a_whole_clinical_session_gives_the_bytes_of_the_command() -> None:
    session = {
        "schema": "ketpk.session/1",
        "patient": {"weight": "154.3 lb", "height": "68 in", "age": "42 yr", "dosing_weight": "60 kg"},
        "analyte": "racemic-ketamine",
        "form": "hydrochloride",
        "initial_state": "drug-free",
        "order": [
            {"infuse": "0.9 mg/kg", "over": "40 min", "at": "0 min"},
            {"infuse_at_rate": "30 mL/h", "over": "20 min", "at": "60 min"},
            {"bolus": "10 mg", "at": "90 min"},
        ],
        "bag": {"concentration": "1 mg/mL"},
        "model": "kamp2020",
        "observe": {"every": "1 min", "until": "4 h"},
        "questions": {"time_above": ["100 ng/mL", "9000 ng/mL"]},
        "overrides": [{"flag": "DOSE_PER_WEIGHT_HIGH", "reason": "a made-up reason", "by": "nobody"}],
    }
    result = ketpk.simulate_session(session)
    text = commanded(session)
    assert result.to_json() == text
    assert numbers_of(result) == numbers_in(json.loads(text))


def test_by_keyword_is_the_session_it_says() -> None:
    by_words = ketpk.simulate(
        PATIENT,
        ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40),
        model="kamp2020",
        analyte="racemic-ketamine",
        form="base",
        drug_free=True,
        every_min=1,
        until_min=240,
    )
    written = session(observe={"every": "1 min", "until": "240 min"})
    assert by_words.to_json() == commanded(written)
