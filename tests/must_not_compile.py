#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each case of must_not_compile.cpp is refused as it stands and compiles once its one stated token is changed.

Why: a slip that does not compile never reaches a patient. The second half keeps the first honest: a case that is
refused for a missing include or a typo would be refused after the change as well.
Usage: must_not_compile.py COMPILER SCRATCH_FOLDER FLAG...
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().with_name("must_not_compile.cpp")
PRELUDE = pathlib.Path(__file__).resolve().with_name("must_not_compile.hpp")
LEAST_CASES = 24
ONE_TOKEN = re.compile(r"[A-Za-z_]\w*|\.?\d(?:[eEpP][+-]|[\w.])*|[-+*/<>=]=?")


def cases_of(text):
    """Number -> (wrong, right), after checking that each case says which token and changes just that one."""
    cases = {}
    for number, body in re.findall(r"^#if CASE == (\d+)\n(.*?)^#endif", text, re.MULTILINE | re.DOTALL):
        stated = re.search(r"^// .*\. Change `([^`]+)` to `([^`]+)`\.$", body, re.MULTILINE)
        used = re.findall(r"\bTOKEN\((.+?), (.+?)\)", body)
        if not stated or used != [stated.groups()]:
            sys.exit(f"case {number}: the token in its comment and its TOKEN(…) differ, or there is not just one")
        for token in stated.groups():
            if not ONE_TOKEN.fullmatch(token):
                sys.exit(f"case {number}: {token} is not one token")
        if int(number) in cases:
            sys.exit(f"case {number} stands twice")
        cases[int(number)] = stated.groups()
    if sorted(cases) != list(range(1, len(cases) + 1)) or len(cases) < LEAST_CASES:
        sys.exit(f"{len(cases)} cases; accepted: at least {LEAST_CASES}, numbered from 1 without a gap")
    return cases


def main():
    compiler, scratch, *flags = sys.argv[1:]
    cases = cases_of(SOURCE.read_text(encoding="utf-8"))
    folder = pathlib.Path(scratch)
    folder.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ, LC_ALL="C")
    is_clang = "clang" in subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
    prelude = folder / "prelude.hpp"
    prelude.write_text(PRELUDE.read_text(encoding="utf-8").replace("#pragma once\n", ""), encoding="utf-8")
    built = folder / ("prelude.hpp.pch" if is_clang else "prelude.hpp.gch")
    subprocess.run([compiler, *flags, "-x", "c++-header", str(prelude), "-o", str(built)], check=True, env=environment)

    def compile_case(number, right):
        command = [compiler, *flags, "-fsyntax-only", "-include", str(prelude), f"-DCASE={number}"]
        done = subprocess.run([*command, *(["-DRIGHT"] if right else []), str(SOURCE)],
                              capture_output=True, text=True, env=environment)
        return done.returncode, done.stderr

    problems = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        jobs = {(n, right): pool.submit(compile_case, n, right) for n in cases for right in (False, True)}
        for (number, right), job in jobs.items():
            code, text = job.result()
            wrong_token, right_token = cases[number]
            if right and code != 0:
                problems += 1
                print(f"case {number} does not compile with `{right_token}`:\n{text}")
            elif not right and code == 0:
                problems += 1
                print(f"case {number} compiles with `{wrong_token}`")
            elif not right and not re.search(r"must_not_compile\.cpp:\d+:\d+: error:", text):
                problems += 1
                print(f"case {number} is refused, but not at its own line:\n{text}")
    print(f"{len(cases)} cases, each compiled both ways, {problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
