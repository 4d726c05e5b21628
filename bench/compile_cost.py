#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each public header costs who includes it: seconds to compile it alone and lines after the preprocessor.

Why: a header that everybody includes is paid for by everybody. Best of three, so that a busy machine matters less.
"""

import os
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMAND = [os.environ.get("CXX", "g++"), "-std=c++20", f"-I{ROOT}/include", "-isystem", "/usr/include/eigen3", "-x", "c++"]


def seconds(header):
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([*COMMAND, "-fsyntax-only", "-include", header, os.devnull], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def lines(header):
    text = subprocess.run([*COMMAND, "-E", "-P", "-include", header, os.devnull], check=True, capture_output=True, text=True)
    return text.stdout.count("\n")


def main():
    print(f"{'header':28}{'seconds':>9}{'lines':>10}")
    for path in sorted((ROOT / "include" / "ketpk").glob("*.hpp")):
        header = f"ketpk/{path.name}"
        print(f"{header:28}{seconds(header):>9.2f}{lines(header):>10}")


if __name__ == "__main__":
    main()
