#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each public header costs who includes it: seconds to read it, seconds to compile a file that holds nothing else,
lines after the preprocessor.

Why: a header that everybody includes is paid for by everybody. CPU time of the compiler, best of `--times`, without a
cache; headers come in the order of their cost. `--json` writes the figures for bench/run.py.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = [os.environ.get("CXX", "g++"), "-std=c++20", f"-I{ROOT}/include", "-isystem", "/usr/include/eigen3", "-x", "c++"]


def cpu_seconds(header, *flags):
    def spent():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = spent()
    subprocess.run([*COMMAND, *flags, "-include", header, os.devnull], check=True, stdout=subprocess.DEVNULL)
    return spent() - before


def cost(header, times):
    preprocessed = subprocess.run([*COMMAND, "-E", "-P", "-include", header, os.devnull], check=True, capture_output=True, text=True)
    return {
        "header": header,
        "syntax_s": min(cpu_seconds(header, "-fsyntax-only") for _ in range(times)),
        "O2_s": min(cpu_seconds(header, "-O2", "-c", "-o", os.devnull) for _ in range(times)),
        "lines": preprocessed.stdout.count("\n"),
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--times", type=int, default=1)
    options = arguments.parse_args()
    headers = sorted(f"ketpk/{path.name}" for path in (ROOT / "include" / "ketpk").glob("*.hpp"))
    rows = sorted((cost(header, options.times) for header in headers), key=lambda row: -row["O2_s"])
    if options.json:
        print(json.dumps({"compiler": COMMAND[0], "headers": rows}))
        return
    print(f"{'header':28}{'syntax [s]':>12}{'-O2 [s]':>10}{'lines':>10}")
    for row in rows:
        print(f"{row['header']:28}{row['syntax_s']:>12.2f}{row['O2_s']:>10.2f}{row['lines']:>10}")


if __name__ == "__main__":
    main()
