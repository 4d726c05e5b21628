#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random cards and data files through the command, held against an independent solution: test_records_cli.py KETPK [FILE].

golden/make_records.py wrote what is expected and says how; with more cases in FILE, those are compared.
"""

import csv
import io
import json
import pathlib
import subprocess
import sys
import tempfile

GOLDEN = pathlib.Path(__file__).parent / "golden/records.jsonl"
RELATIVE = {False: 1e-10, True: 1e-7}  # linear, saturable
FLOOR = 1e-8  # of a column's largest value
# What the reference itself cannot tell from nothing, of the largest amount: a solution of linear equations.
NOTHING = 1e-17


def answer(command, folder, case):
    """Worst difference of any value, relative to it or the floor of its column."""
    (folder / "card.json").write_text(json.dumps(case["card"]))
    (folder / "events.csv").write_text(case["data"])
    arguments = [command, "simulate", "--model", str(folder / "card.json"), "--data", str(folder / "events.csv")]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        return f"exit {done.returncode}: {done.stderr.strip()}", 0
    rows = list(csv.reader(io.StringIO(done.stdout)))
    got, expected = [[float(x) for x in row[3:]] for row in rows[1:]], case["expected"]
    if [len(row) for row in got] != [len(row) for row in expected]:
        return "another number of rows or columns", 0
    most = [max(column) for column in zip(*expected)]
    worst, where = 0.0, ""
    for line, (row, due) in enumerate(zip(got, expected), start=2):
        for name, value, wanted, high in zip(rows[0][3:], row, due, most):
            off = abs(value - wanted) / max(wanted, FLOOR * high, sys.float_info.min)
            if abs(value - wanted) > NOTHING * max(most) and not off <= worst:
                worst, where = off, f"line {line} {name}: {value!r}, expected {wanted!r}"
    return (where if not worst <= RELATIVE[case["saturable"]] else ""), worst


def main():
    command, file = sys.argv[1], pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else GOLDEN
    cases = [json.loads(line) for line in file.read_text().splitlines()]
    failures, worst = 0, {False: 0.0, True: 0.0}
    with tempfile.TemporaryDirectory() as scratch:
        for case in cases:
            why, off = answer(command, pathlib.Path(scratch), case)
            worst[case["saturable"]] = max(worst[case["saturable"]], off)
            if why:
                failures += 1
                print(f"FAILED seed {case['seed']}{' saturable' if case['saturable'] else ''}: {why}")
    values = sum(len(row) for case in cases for row in case["expected"])
    print(f"{len(cases)} cards, {values} values; worst {worst[False]:.2g} linear, {worst[True]:.2g} saturable")
    return 1 if failures or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
