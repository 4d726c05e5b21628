# SPDX-License-Identifier: Apache-2.0
"""What the tests share: where things are, a few questions to ask, and child processes."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import ketpk

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMITS = ROOT / "examples" / "limits.json"
SESSION = ROOT / "examples" / "session.json"
PACKAGE = pathlib.Path(ketpk.__file__).resolve().parent
#: What `simulate` needs besides patient and order.
WORDS: dict[str, Any] = {"model": "kamp2020", "analyte": "racemic-ketamine", "form": "base", "drug_free": True}
PATIENT = ketpk.Patient(weight_kg=70, age_yr=42)
ORDER = ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40)
#: A custom model with everything a model can have. Illustrative numbers.
EVERYTHING: dict[str, Any] = {
    "custom": {
        "analytes": ["racemic-ketamine"],
        "site": "venous",
        "parameters": {"CL": "84 L/h", "V1": "25 L", "Q2": "161 L/h", "V2": "56 L", "Q3": "79 L/h", "V3": "157 L"},
        "effect_site": {"ke0": "0.2 1/min", "source": "invented for this test"},
        "metabolites": [
            {
                "name": "norketamine",
                "fraction": 1.0,
                "V1": "98.6 L",
                "CL": "57.7 L/h",
                "Q2": "42.8 L/h",
                "V2": "160 L",
            }
        ],
    }
}


def session(**changed: Any) -> dict[str, Any]:
    """A session of one infusion, with some of its members replaced or, where None, left out."""
    whole = {
        "schema": "ketpk.session/1",
        "patient": {"weight": "70 kg", "age": "42 yr"},
        "analyte": "racemic-ketamine",
        "form": "base",
        "initial_state": "drug-free",
        "order": [{"infuse": "0.5 mg/kg", "over": "40 min", "at": "0 min"}],
        "model": "kamp2020",
        "observe": {"every": "10 min", "until": "120 min"},
        **changed,
    }
    return {key: value for key, value in whole.items() if value is not None}


def golden_cases() -> list[dict[str, Any]]:
    """The reference cases, solved in 45-digit arithmetic by a program that shares no code with this one."""
    return [json.loads(line) for line in (ROOT / "tests" / "golden" / "exact.jsonl").read_text().splitlines()]


def golden_model(case: Mapping[str, Any]) -> dict[str, Any]:
    """The model of a reference case, as a session has it."""
    m = case["model"]
    parameters = {"V1": f"{m['V1_L']} L", "CL": f"{m['CL_L_per_h']} L/h"}
    for n in (2, 3):
        if f"Q{n}_L_per_h" in m:
            parameters |= {f"Q{n}": f"{m[f'Q{n}_L_per_h']} L/h", f"V{n}": f"{m[f'V{n}_L']} L"}
    custom: dict[str, Any] = {"analytes": ["racemic-ketamine"], "site": "venous", "parameters": parameters}
    if "ke0_per_min" in m:
        custom["effect_site"] = {"ke0": f"{m['ke0_per_min']} 1/min", "source": "reference case"}
    if "metabolite" in m:
        q = m["metabolite"]
        row = {"name": "norketamine", "fraction": q["fraction"], "V1": f"{q['V1_L']} L", "CL": f"{q['CL_L_per_h']} L/h"}
        if "Q2_L_per_h" in q:
            row |= {"Q2": f"{q['Q2_L_per_h']} L/h", "V2": f"{q['V2_L']} L"}
        custom["metabolites"] = [row]
    return {"custom": custom}


def golden_session(case: Mapping[str, Any]) -> dict[str, Any]:
    """A reference case as a session, every instant in whole microseconds."""
    order = []
    for e in case["events"]:
        drug, at, over = f"{e['amount_mg']} mg", f"{e['start_us']} us", f"{e['duration_us']} us"
        order.append({"infuse": drug, "over": over, "at": at} if e["duration_us"] else {"bolus": drug, "at": at})
    return {
        "schema": "ketpk.session/1",
        "patient": {"weight": "70 kg"},
        "analyte": "racemic-ketamine",
        "form": "base",
        "initial_state": "drug-free",
        "order": order,
        "model": golden_model(case),
        "observe": {"at": [f"{t} us" for t in case["times_us"]], "until": f"{case['end_us']} us"},
        "questions": {"time_above": [f"{case['expected']['above']['threshold_ng_per_mL']} ng/mL"]},
    }


def command() -> pathlib.Path:
    """The program ``ketpk``. What it is compared with must be there: without it a test fails."""
    found = pathlib.Path(os.environ.get("KETPK_COMMAND", ROOT / "build" / "release" / "ketpk"))
    assert found.is_file(), f"{found} is not there; build it with ./dev build, or name it in KETPK_COMMAND"
    return found.resolve()


def environment(**more: str) -> dict[str, str]:
    """This process's environment, in which a child finds the same package."""
    return {**os.environ, "PYTHONPATH": str(PACKAGE.parent), **more}


def child(code: str, *arguments: str, timeout: float = 120) -> str:
    """What a fresh interpreter prints that runs ``code``. It must end well and say nothing on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=timeout,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"exit {done.returncode}: {done.stderr}{done.stdout}"
    return done.stdout
