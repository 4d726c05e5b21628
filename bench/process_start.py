#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole process of one session, against a process that does nothing.

Why: a script that asks for a thousand patients by calling the command pays for its start a thousand times. `true` and
the command take turns, so that a busy machine slows both; medians of wall time. `--json` writes the figures for
bench/run.py.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUN = 0, 3, 4, 6  # a result was given; flags and checks that could not be made are part of it


def milliseconds(command):
    start = time.perf_counter()
    code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
    return 1e3 * (time.perf_counter() - start), code


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("command", help="the ketpk command")
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--runs", type=int, default=200)
    options = arguments.parse_args()
    nothing = shutil.which("true")
    session = [options.command, "simulate", str(ROOT / "examples" / "session.json"), "--json"]
    times = {"true": [], "ketpk": []}
    for _ in range(options.runs):
        times["true"].append(milliseconds([nothing])[0])
        took, code = milliseconds(session)
        if code not in RUN:
            sys.exit(f"process_start: the command gave no result, exit {code}")
        times["ketpk"].append(took)
    medians = {name: statistics.median(each) for name, each in times.items()}
    medians["difference"] = medians["ketpk"] - medians["true"]
    if options.json:
        print(json.dumps({"runs": options.runs, "ms": medians}))
        return
    print(f"median of {options.runs} runs: true {medians['true']:.1f} ms, ketpk simulate {medians['ketpk']:.1f} ms, "
          f"difference {medians['difference']:.1f} ms")


if __name__ == "__main__":
    main()
