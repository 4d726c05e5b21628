#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Python package beside the C++ that it binds: one call, a table of 100,000 rows, the import.

Why: a binding is worth having if what it adds is small beside what it calls. The table and a C++ loop of the same calls
(tests/core_rows.cpp) take turns, on the same core. `--json` writes the figures for bench/run.py.

    python3 bench/python_calls.py CORE_ROWS [--json] [--quick]      with a Python that has ketpk and pandas
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

import ketpk
import numpy as np
import pandas as pd

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMITS = ROOT / "examples" / "limits.json"
WORDS = {"analyte": "racemic-ketamine", "form": "base", "drug_free": True}


def least_us(call, seconds):
    """The least time of one call, over batches that fill `seconds`."""
    call()
    batch, best, end = 200, float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(batch):
            call()
        best = min(best, (time.perf_counter() - start) / batch)
    return 1e6 * best


def single_calls(seconds):
    patient = ketpk.Patient(weight_kg=70, age_yr=42)
    order = ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40)
    limits = ketpk.limits.read(LIMITS)
    known = {**WORDS, "model": "kamp2020"}
    sampled = {"every_min": 1, "until_min": 240}
    calls = {
        "simulate": {},
        "simulate with limits": {"limits": limits},
        "simulate with 241 samples": sampled,
        "simulate with limits and 241 samples": {"limits": limits, **sampled},
    }
    figures = {}
    for name, more in calls.items():
        for second in (False, True):
            label = f"{name}, {'both solvers' if second else 'one solver'}"
            figures[label] = least_us(lambda: ketpk.simulate(patient, order, **known, **more, second_solver=second), seconds)
    return figures


def table_and_loop(core_rows, rows, turns):
    random = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "model": "kamp2020",
            "weight_kg": random.uniform(45, 130, rows),
            "age_yr": random.uniform(20, 70, rows),
            "bolus_mg": random.uniform(0.5, 10, rows),
            "dose_mg_per_kg": random.uniform(0.1, 1, rows),
            "duration_min": random.uniform(20, 60, rows),
        }
    )
    lines = "\n".join(" ".join(map(str, row)) for row in table.values.tolist()) + "\n"
    limits = ketpk.limits.read(LIMITS)
    ours, theirs = [], []
    for _ in range(turns):
        start = time.perf_counter()
        ketpk.simulate_frame(table, **WORDS, limits=limits, extrapolate=True, assume_enantiomers_alike=True,
                             time_above_ng_per_mL=100, second_solver=False)
        ours.append(time.perf_counter() - start)
        done = subprocess.run([core_rows, LIMITS, "--alone"], input=lines, capture_output=True, text=True, check=True)
        theirs.append(float(done.stderr))
    return {"rows": rows, "python_s": min(ours), "cpp_s": min(theirs)}


def import_ms(runs):
    """Wall time of a Python that imports, less one that does not; medians."""
    def median(code):
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - start)
        return 1e3 * sorted(times)[runs // 2]

    nothing, numpy = median("pass"), median("import numpy")
    return {"nothing": nothing, "numpy": numpy - nothing, "ketpk": median("import ketpk") - nothing}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("core_rows", help="the program tests/core_rows of the same build options")
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--quick", action="store_true")
    options = arguments.parse_args()
    found = {
        "import_ms": import_ms(5 if options.quick else 21),
        "calls_us": single_calls(0.1 if options.quick else 1.0),
        "table": table_and_loop(options.core_rows, 5_000 if options.quick else 100_000, 2 if options.quick else 3),
    }
    print(json.dumps(found) if options.json else json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
