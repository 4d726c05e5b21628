#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cohorts in Python beside the same ones in C++: a million profiles into memory, and bands without storing them.

Why: a binding is worth having if what it adds is small beside what it calls. Python and the C++ program
(bench/core_cohort.cpp) read the same document, take turns on the same core, and must come to the same bytes. `--json`
writes the figures for bench/run.py.

    python3 bench/python_cohort.py CORE_COHORT [--json] [--quick] [--threads N]      with a Python that has ketpk
"""

import argparse
import json
import subprocess
import time

import ketpk
import numpy as np

V1, Q2, Q3 = 0.063, 0.063 * 0.592, 0.063 * 0.590
# As bench_cohort.cpp: StevenLShafer/stanpumpR R/drugs_ketamine.R at 03ef468, rate constants times V1.
MODEL = {
    "custom": {
        "analytes": ["racemic-ketamine"],
        "site": "not-stated",
        "parameters": {
            "V1": f"{V1} L/kg",
            "CL": f"{V1 * 438} mL/min/kg",
            "Q2": f"{1000 * Q2} mL/min/kg",
            "V2": f"{Q2 / 0.247} L/kg",
            "Q3": f"{1000 * Q3} mL/min/kg",
            "V3": f"{Q3 / 0.0146} L/kg",
        },
    }
}
VARIANCE = float(np.log1p(0.3**2))  # a CV of 30 %
SUBJECTS = {
    "people": {
        "covariates": [
            {"name": "weight", "lognormal": {"median": "75 kg", "cv": 0.2}, "source": "chosen for the benchmark"}
        ]
    },
    "between_subjects": {
        "parameters": ["CL", "V1"],
        "omega": [[VARIANCE, 0], [0, VARIANCE]],
        "source": "chosen for the benchmark",
    },
}
SESSION = {
    "schema": "ketpk.session/1",
    "patient": {},
    "analyte": "racemic-ketamine",
    "form": "base",
    "initial_state": "drug-free",
    "order": [{"infuse": "0.5 mg/kg", "over": "40 min", "at": "0 min"}],
    "model": MODEL,
    "observe": {"every": "1 min", "until": "240 min"},
}
KEYWORDS = {
    "model": MODEL,
    "analyte": "racemic-ketamine",
    "form": "base",
    "drug_free": True,
    "every_min": 1,
    "until_min": 240,
    **SUBJECTS,
}
ORDER = ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40)


def hash_of(data):
    """FNV-1a, 64 bit, as the C++ program has it; slow here, so of a few megabytes only."""
    value = 0xCBF29CE484222325
    for byte in bytes(data):
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def in_cpp(program, what, subjects, threads):
    document = {"schema": "ketpk.cohort/1", "session": SESSION, "cohort": {"subjects": subjects, "seed": 7, **SUBJECTS}}
    if what == "bands":
        document["cohort"] |= {"first": 0, "residual_error": False, "percentiles": [5, 50, 95]}
    done = subprocess.run(
        [program, what, "2", str(threads)], input=json.dumps(document), capture_output=True, text=True, check=True
    )
    seconds, found = done.stdout.split()
    return float(seconds), found


def turns_of(program, subjects, turns, threads):
    """Seconds of profiles and bands, each the least over the turns; Python's array is the same one in every turn."""
    rows = ketpk.cohort_profiles(ORDER, subjects=subjects, seed=7, **KEYWORDS).plasma_ng_per_mL
    seconds = {name: [] for name in ("profiles", "profiles_cpp", "fresh", "bands", "bands_cpp")}
    for turn in range(turns):
        for _ in range(2):
            start = time.perf_counter()
            ketpk.cohort_profiles(ORDER, subjects=subjects, seed=7, out=rows, threads=threads, **KEYWORDS)
            seconds["profiles"].append(time.perf_counter() - start)
        start = time.perf_counter()
        ketpk.cohort_profiles(ORDER, subjects=subjects, seed=7, threads=threads, **KEYWORDS)
        seconds["fresh"].append(time.perf_counter() - start)
        for _ in range(2):
            start = time.perf_counter()
            told = ketpk.cohort(ORDER, subjects=subjects, seed=7, threads=threads, **KEYWORDS).to_json()
            seconds["bands"].append(time.perf_counter() - start)
        for what in ("profiles", "bands"):
            least, found = in_cpp(program, what, subjects, threads)
            seconds[f"{what}_cpp"].append(least)
            if turn == 0 and what == "bands" and hash_of(told.encode()) != found:
                raise SystemExit("Python and C++ come to other bytes")
    least = {name: min(each) for name, each in seconds.items()}
    few = min(subjects, 2000)
    if hash_of(rows[:few].tobytes()) != in_cpp(program, "profiles", few, threads)[1]:
        raise SystemExit("Python and C++ write other profiles")
    start = time.perf_counter()
    rows.fill(1.0)
    return {"subjects": subjects, "fill_s": time.perf_counter() - start, **{f"{n}_s": s for n, s in least.items()}}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("core_cohort", help="the program core_cohort of the same build options")
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--threads", type=int, default=1)
    options = arguments.parse_args()
    found = turns_of(options.core_cohort, 20_000 if options.quick else 1_000_000, 2 if options.quick else 3, options.threads)
    for what in ("profiles", "bands"):
        found[f"{what}_ratio"] = found[f"{what}_s"] / found[f"{what}_cpp_s"]
    print(json.dumps(found) if options.json else json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
