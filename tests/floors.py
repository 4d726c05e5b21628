#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A header includes only headers of lower floors; on the ground floor also its neighbours to the left.

Why: a dose goes one way. The table below is the house; a header that is not in it has no floor to stand on.
Also held here: Eigen and Odeint appear only where they are marked, <iostream> nowhere, and the umbrella leaves out
nothing that is header-only.
"""

import pathlib
import re
import sys

GROUND = ["error", "time", "sum", "analyte", "lanes", "exponential", "elementary", "philox", "normal", "tally", "root", "dual", "polynomial", "rosenbrock", "quantity"]
FLOORS = [
    GROUND,
    ["patient", "regimen", "parameters", "profile", "limits", "verdict", "records"],
    ["body_size"],
    ["schedule", "delivery", "model", "library", "observations", "individual", "network", "timeline"],
    ["solve", "solve_ode", "solve_ode_lanes", "walk", "dosing", "effect", "effect_cards", "identity"],
    ["solve_network", "solve_expm", "exact_lanes"],
    ["exposure", "slips", "network_trajectory", "kernels"],
    ["trajectory", "response"],
    ["assess", "second_opinion", "sensitivity", "sessions", "state"],
    ["result"],
    ["spread", "vary", "summary_table", "cohort"],
    ["assess_cohort"],
    ["simulate", "predict", "population"],
    ["cohort_engine"],
    ["compare", "sweep", "evidence"],
    ["drawing"],
    ["report"],
    ["report_spread", "report_sweep", "report_effect_cards", "report_cohort"],
    ["ketpk", "io"],
]
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}
# What is not ours, and the only headers that may include it.
RESERVED = [
    (re.compile(r"^(unsupported/)?Eigen/"), {"solve_network"}, "Eigen"),
    (re.compile(r"^boost/numeric/odeint"), {"solve_ode", "solve_ode_lanes"}, "Boost.Odeint"),
    (re.compile(r"^iostream$"), set(), "<iostream>"),
]
NOT_IN_UMBRELLA = {"ketpk", "io", "cohort_engine"}  # itself, and the door to the compiled library
# The one way up: a header that programs without the compiled library need the rest of.
UPWARDS = {("population", "cohort_engine")}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.MULTILINE)


def problems_of(headers):
    """`headers`: name without folder and ending -> text. Returns one sentence per violation."""
    problems = []
    for name, text in sorted(headers.items()):
        if name not in FLOOR_OF:
            problems.append(f"{name}.hpp has no floor; accepted: a place in the table of tests/floors.py")
            continue
        if not re.search(r"^#pragma once$", text, re.MULTILINE):
            problems.append(f"{name}.hpp has no #pragma once")
        for included in INCLUDE.findall(text):
            for pattern, allowed, what in RESERVED:
                if pattern.search(included) and name not in allowed:
                    where = " ".join(f"{a}.hpp" for a in sorted(allowed)) or "nowhere"
                    problems.append(f"{name}.hpp includes {what}; accepted: {where}")
            ours = re.fullmatch(r"(?:ketpk/)?([a-z_0-9]+)\.hpp", included)
            if not ours or not (included.startswith("ketpk/") or ours[1] in FLOOR_OF):
                continue
            other = ours[1]
            if not included.startswith("ketpk/"):
                problems.append(f'{name}.hpp includes "{included}"; accepted: "ketpk/{included}"')
            if other not in FLOOR_OF:
                problems.append(f"{name}.hpp includes {other}.hpp, which has no floor")
            elif FLOOR_OF[other] == FLOOR_OF[name] == 0:
                if GROUND.index(other) >= GROUND.index(name):
                    problems.append(f"{name}.hpp includes its right neighbour {other}.hpp on the ground floor")
            elif FLOOR_OF[other] >= FLOOR_OF[name] and (name, other) not in UPWARDS:
                side = "sideways" if FLOOR_OF[other] == FLOOR_OF[name] else "upwards"
                problems.append(f"{name}.hpp of floor {FLOOR_OF[name]} includes {side} {other}.hpp of {FLOOR_OF[other]}")
    if "ketpk" in headers:
        named = {i[len("ketpk/"):-len(".hpp")] for i in INCLUDE.findall(headers["ketpk"]) if i.startswith("ketpk/")}
        for name in sorted(set(headers) - named - NOT_IN_UMBRELLA):
            problems.append(f"ketpk.hpp leaves out {name}.hpp; accepted: every header-only header")
    return problems


def self_test():
    """Each made-up violation is caught, and the sound house raises nothing."""
    once = "#pragma once\n"
    sound = {
        "error": once,
        "quantity": once + '#include <array>\n#include "ketpk/error.hpp"\n',
        "solve_network": once + '#include <Eigen/Core>\n#include "ketpk/quantity.hpp"\n',
        "ketpk": once + "".join(f'#include "ketpk/{n}.hpp"\n' for n in ("error", "quantity", "solve_network")),
    }
    assert problems_of(sound) == [], problems_of(sound)
    for name, line, expected in [
        ("quantity", '#include "ketpk/solve.hpp"', "upwards"),
        ("schedule", '#include "ketpk/model.hpp"', "sideways"),
        ("error", '#include "ketpk/quantity.hpp"', "right neighbour"),
        ("quantity", "#include <Eigen/Dense>", "Eigen"),
        ("quantity", "#include <unsupported/Eigen/MatrixFunctions>", "Eigen"),
        ("solve_network", "#include <boost/numeric/odeint.hpp>", "Odeint"),
        ("error", "#include <iostream>", "<iostream>"),
        ("quantity", '#include "error.hpp"', 'accepted: "ketpk/error.hpp"'),
        ("attic", "", "no floor"),
        ("error", '  #  include "ketpk/attic.hpp"', "no floor"),
        ("regimen", '#include "ketpk/quantity.hpp"', "leaves out regimen.hpp"),
    ]:
        broken = dict(sound)
        broken[name] = broken.get(name, once) + line + "\n"
        found = problems_of(broken)
        assert any(expected in p for p in found), (name, line, found)
    assert any("pragma" in p for p in problems_of({"error": "int x;\n"}))


def main():
    self_test()
    folder = pathlib.Path(__file__).resolve().parent.parent / "include" / "ketpk"
    headers = {path.stem: path.read_text(encoding="utf-8") for path in folder.rglob("*.hpp")}
    if not headers:
        sys.exit("no headers found; accepted: include/ketpk/*.hpp")
    problems = problems_of(headers)
    for problem in problems:
        print(problem)
    print(f"{len(headers)} headers on {len(FLOORS)} floors, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
