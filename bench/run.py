#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every benchmark with its peers and limits, in one run on one core: a Markdown table, and the figures as JSON.

Why: a time means something only beside another one that was taken on the same core in the same minute. Programs and
peers are pinned to one core and report CPU time, the least of their repetitions; whole processes report wall time.
Nothing here fails because something is slow: times are reported, and the tests assert counts of work instead.
Exit 0 unless a program fails.

    python3 bench/run.py BUILD_FOLDER [--quick] [--long] [--package-python PYTHON]
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

BENCH = pathlib.Path(__file__).resolve().parent
FASTER_THAN_SCIPY, FASTER_THAN_NUMPY = 2000, 20
# Of a cohort: share of memset's bandwidth, subjects per second with people drawn, times writing at half that bandwidth.
COHORT_BANDWIDTH, COHORT_SUBJECTS_PER_S, COHORT_PERCENTILES, COHORT_GROWTH_MB = 0.6, 1.5e6, 1.5, 200
PROCESS_LIMIT_MS = 25
PYTHON_CALL_LIMIT_US, PYTHON_TABLE_RATIO, PYTHON_IMPORT_LIMIT_MS = 60, 1.3, 150
PYTHON_COHORT_RATIO = 1.05
KINDS = "protocol", "pulse", "pause", "confluent", "mixed", "stiff", "course"


def pin_to_one_core():
    """The last core this process may use, also for every program it starts; None where that cannot be said."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core


def run(command):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: {pathlib.Path(command[0]).name} {pathlib.Path(command[1]).name} failed, exit {done.returncode}")
    return json.loads(done.stdout)


def google(program, quick, only=None):
    """name -> {us, limit_us, label, counters} of a Google Benchmark program."""
    report = run([program, "--benchmark_format=json", f"--benchmark_min_time={0.01 if quick else 0.05}",
                  f"--benchmark_repetitions={1 if quick else 5}", *([f"--benchmark_filter={only}"] if only else [])])
    unit_us = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}
    figures = {}  # also `share_limit`, where a figure is held against a peer's
    for row in report["benchmarks"]:
        if row.get("error_occurred"):
            sys.exit(f"bench: {row['name']}: {row['error_message']}")
        if row.get("run_type") == "aggregate":
            continue
        us = row["cpu_time"] * unit_us[row["time_unit"]]
        known = figures.setdefault(row["run_name"], {"us": us, "limit_us": row.get("limit_us"), "share_limit": row.get("share_limit"),
                                                  "label": row.get("label", ""),
                                                  "counters": {key: x for key, x in row.items() if key.endswith(("_MB", "_ng_per_mL"))}})
        known["us"] = min(known["us"], us)
    return figures


def python_with_scipy():
    """The interpreter that runs this, or the system's where only that one has SciPy."""
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.run([python, "-c", "import scipy"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return python
    return None


def text(us):
    if us >= 1e3:
        return f"{us / 1e3:.2f} ms"
    return f"{us:.1f} us" if us >= 10 else f"{us:.2f} us"


class Table:
    """Rows of figure, measured, target, met, ratio, beside what."""

    def __init__(self):
        self.rows = []

    def within(self, figure, us, limit_us, peer=""):
        self.rows.append([figure, text(us), f"< {text(limit_us)}", "met" if us < limit_us else "not met", f"{us / limit_us:.2f}", peer or "the limit"])

    def plain(self, figure, us, peer_us=None, peer=""):
        self.rows.append([figure, text(us), "", "", f"{us / peer_us:.2f}" if peer_us else "", peer])

    def times_faster(self, figure, us, peer_us, peer, due=None):
        ratio = peer_us / us
        self.rows.append([figure, text(us), f"{due} times faster" if due else "", ("met" if ratio >= due else "not met") if due else "",
                          f"{ratio:.0f}", f"{peer}: {text(peer_us)}"])

    def markdown(self):
        lines = [["figure", "measured", "target", "", "ratio", "beside"], ["---"] * 6, *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def solve_rows(table, solve, scipy):
    table.within("exact solve and 241 samples, regular grid", solve["solve_and_sample_grid"]["us"], solve["solve_and_sample_grid"]["limit_us"])
    table.within("exact solve and 241 samples, arbitrary instants", solve["solve_and_sample_instants"]["us"], solve["solve_and_sample_instants"]["limit_us"])
    for figure in ("grid", "instants"):
        for row in scipy["rows"] if scipy else []:
            table.times_faster(f"the same on the {'regular grid' if figure == 'grid' else 'arbitrary instants'}", solve[f"solve_and_sample_{figure}"]["us"], row["us"],
                               f"SciPy solve_ivp, {row['name']}, off by {row['error_at_40_min_rel']:.0e} at 40 min",
                               FASTER_THAN_SCIPY if row["name"] == "by hand" and figure == "grid" else None)
    whole = solve["solve_and_sample_grid"]["us"]
    for name, each in solve.items():
        if each["limit_us"] is None:
            table.plain(name.replace("_", " "), each["us"], whole, "solve and sample, grid")


def simulate_rows(table, simulate):
    for kind in ("example", *KINDS):
        cases = {name.rsplit("/", 1)[-1]: each for name, each in simulate.items() if name.split("/")[1] == kind}
        worst = max(cases, key=lambda name: cases[name]["us"])
        times, limit = [each["us"] for each in cases.values()], cases[worst]["limit_us"]
        seconds = {label: sum(each["label"] == label for each in cases.values()) for label in ("odeint", "expm")}
        by = ", ".join(f"{count} by {label}" for label, count in seconds.items() if count)
        if len(cases) > 1:
            table.within(f"simulate, {kind}: median of {len(cases)}", statistics.median(times), limit, f"second solver: {by}")
        table.within(f"simulate, {kind}: worst, {worst}", max(times), limit, f"second solver: {cases[worst]['label']}")


def ode_rows(table, ode):
    for name, each in ode.items():
        kind, _, rest = name.partition("/")
        if kind == "user_ode":
            states, _, way = rest.partition("/")
            if way == "by_hand":
                continue
            peer = ode[f"user_ode/{states}/by_hand"]["us"]
            figure = f"a user's ODE of {states.replace('_', ' ')}, {'241 instants' if way == 'only_at' else 'kept whole, for any question'}"
            if each["share_limit"]:
                table.within(figure, each["us"], each["share_limit"] * peer, f"{each['us'] / peer:.2f} of the loop by hand with Odeint: {text(peer)}")
            else:
                table.plain(figure, each["us"], peer, f"the loop by hand, which answers 241 instants only: {text(peer)}")
        elif each["limit_us"]:
            table.within(f"trouble is told, {rest.replace('_', ' ')}", each["us"], each["limit_us"])
        else:
            table.plain(name.replace("_", " "), each["us"])


def cohort_ode_rows(table, found):
    """Per subject; held against one subject after another through solve_ode."""
    alone = found["cohort_ode/one_by_one"]["us"]
    for name, each in found.items():
        way, _, subjects = name.removeprefix("cohort_ode/").partition("/")
        if subjects:
            table.times_faster(f"a saturable cohort of {int(subjects):,}, {way.replace('_', ' ')}, per subject", each["us"] / int(subjects), alone,
                               "solve_ode, one by one", 5)


def cohort_rows(table, found, numpy):
    """All per subject, beside a memset of the same buffer and beside NumPy."""
    sizes = sorted({int(name.partition("/")[2]) for name in found if name.startswith("memset")})
    for subjects in sizes:
        of = {name.partition("/")[0]: each["us"] / subjects for name, each in found.items() if name.endswith(f"/{subjects}")}
        memset, words = of["memset_the_same"], f"of {subjects:,} subjects x 241"
        instructions = found[f"percentiles/{subjects}"]["label"]
        given, drawn = of["profiles_parameters_given"], of["profiles_people_drawn"]
        table.within(f"profiles {words}, parameters given, per subject", given, memset / COHORT_BANDWIDTH,
                     f"{memset / given:.2f} of the bandwidth of memset ({text(memset)}); {instructions}")
        table.within(f"profiles {words}, people and etas drawn, per subject", drawn, 1e6 / COHORT_SUBJECTS_PER_S, f"{1 / drawn:.2f} million subjects/s")
        for count in (subjects, 10 * subjects if subjects == sizes[-1] else None):
            if f"percentiles/{count}" not in found:
                continue
            each = found[f"percentiles/{count}"]
            growth = each["counters"]["growth_MB"]
            table.within(f"percentiles of {count:,} subjects x 241 and no profiles, per subject", each["us"] / count, 2 * COHORT_PERCENTILES * memset,
                         f"{COHORT_PERCENTILES} times writing at half the bandwidth of memset")
            table.rows.append([f"memory it takes, {count:,} subjects", f"{growth:.0f} MB", f"< {COHORT_GROWTH_MB} MB",
                               "met" if growth < COHORT_GROWTH_MB else "not met", f"{growth / COHORT_GROWTH_MB:.2f}", "the limit"])
        if numpy:
            table.times_faster(f"profiles {words} against NumPy, parameters given, per subject", given, numpy["us_per_subject"],
                               f"NumPy {numpy['numpy']}, closed form in its best chunks, {numpy['chunk']} subjects", FASTER_THAN_NUMPY)
    if not numpy:
        return
    for key in ("at_40_ng_per_mL", "at_240_ng_per_mL"):
        ours = found["typical"]["counters"][key]
        if abs(ours / numpy[key] - 1) > 1e-9:
            sys.exit(f"bench: NumPy's typical subject has {numpy[key]} {key}, ours {ours}: not the same workload")


def sweep_rows(table, sweep):
    whole = sweep["sweep_10000_points"]["us"]
    table.within("a sweep of 10,000 points with limits", whole, sweep["sweep_10000_points"]["limit_us"])
    table.within("the same as CSV", sweep["sweep_10000_points_to_csv"]["us"], sweep["sweep_10000_points_to_csv"]["limit_us"])
    for name, words in (("once", "one solver"), ("twice", "two solvers")):
        us = sweep[f"loop_of_10000_calls_that_ask_{name}"]["us"]
        table.plain(f"the same points as a loop of single calls, {words}", us, whole, "the sweep")


def python_rows(table, found):
    for name, us in found["calls_us"].items():
        if name == "simulate, one solver":
            table.within(f"Python: {name}", us, PYTHON_CALL_LIMIT_US)
        else:
            table.plain(f"Python: {name}", us)
    rows, here, there = found["table"]["rows"], found["table"]["python_s"], found["table"]["cpp_s"]
    table.within(f"Python: a table of {rows} rows, limits and one solver, per row", 1e6 * here / rows, 1e6 * PYTHON_TABLE_RATIO * there / rows,
                 f"{here / there:.2f} of the C++ loop of the same calls: {text(1e6 * there / rows)}")
    ms = found["import_ms"]
    table.within("Python: import ketpk", 1e3 * ms["ketpk"], 1e3 * PYTHON_IMPORT_LIMIT_MS, f"of that NumPy {ms['numpy']:.0f} ms")


def python_cohort_rows(table, found):
    subjects = found["subjects"]
    for what, said in (("profiles", "x 241 instants into one array"), ("bands", "x 241 instants, bands and JSON")):
        here, there = (1e6 * found[f"{what}{end}_s"] / subjects for end in ("", "_cpp"))
        table.within(f"Python: {subjects} subjects {said}, per subject", here, PYTHON_COHORT_RATIO * there,
                     f"{here / there:.3f} of the same in C++: {text(there)}")
    table.plain("Python: the same profiles into a new array, per subject", 1e6 * found["fresh_s"] / subjects)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("build", type=pathlib.Path, help="the build folder of the preset bench")
    arguments.add_argument("--package-python", help="a Python that has ketpk and pandas installed")
    arguments.add_argument("--quick", action="store_true", help="short runs, to see that everything works")
    arguments.add_argument("--long", action="store_true", help="a cohort of ten million too")
    options = arguments.parse_args()
    core = pin_to_one_core()
    quick = options.quick
    python = python_with_scipy()
    if python is None:
        print("bench: no SciPy, so its rows are left out; accepted: the package python3-scipy", file=sys.stderr)

    found = {
        "core": core,
        "solve": google(options.build / "bench" / "bench_solve", quick),
        "scipy": run([python, BENCH / "scipy_baseline.py", "--json", f"--seconds={0.2 if quick else 2}"]) if python else None,
        "simulate": google(options.build / "bench" / "bench_simulate", quick),
        "ode": google(options.build / "bench" / "bench_ode", quick),
        "cohort": google(options.build / "bench" / "bench_cohort", quick,
                         "typical|/100000$" if quick else None if options.long else "-/10000000$"),
        "numpy": run([python, BENCH / "numpy_cohort.py", "--json", f"--seconds={0.2 if quick else 1}"]) if python else None,
        "cohort_ode": google(options.build / "bench" / "bench_cohort_ode", quick),
        "sweep": google(options.build / "bench" / "bench_sweep", quick),
        "quantity": google(options.build / "bench" / "bench_quantity", quick),
        "process": run([sys.executable, BENCH / "process_start.py", options.build / "ketpk", "--json", f"--runs={20 if quick else 200}"]),
    }
    if options.package_python:
        found["python"] = run([options.package_python, BENCH / "python_calls.py", options.build / "tests" / "core_rows", "--json",
                               *(["--quick"] if quick else [])])
        found["python_cohort"] = run([options.package_python, BENCH / "python_cohort.py", options.build / "bench" / "core_cohort",
                                      "--json", *(["--quick"] if quick else [])])
    else:
        print("bench: no --package-python, so the rows of the Python package are left out", file=sys.stderr)
    table = Table()
    solve_rows(table, found["solve"], found["scipy"])
    simulate_rows(table, found["simulate"])
    ode_rows(table, found["ode"])
    cohort_rows(table, found["cohort"], found["numpy"])
    cohort_ode_rows(table, found["cohort_ode"])
    sweep_rows(table, found["sweep"])
    for name, each in found["quantity"].items():
        table.plain(name.replace("_", " "), each["us"])
    ms = found["process"]["ms"]
    table.within("whole process of one session, more than `true`", 1e3 * ms["difference"], 1e3 * PROCESS_LIMIT_MS,
                 f"`true` takes {ms['true']:.1f} ms, ketpk {ms['ketpk']:.1f} ms")
    if "python" in found:
        python_rows(table, found["python"])
        python_cohort_rows(table, found["python_cohort"])
    print(table.markdown())
    print(f"\nCPU time, least of the repetitions; processes: wall time, median of {found['process']['runs']} runs. "
          + (f"All on core {core}." if core is not None else "Not pinned to a core."), flush=True)

    found["compile"] = run([sys.executable, BENCH / "compile_cost.py", "--json"])
    print("\n| header alone | syntax [s] | -O2 [s] | lines |\n| --- | --- | --- | --- |")
    for row in found["compile"]["headers"]:
        print(f"| {row['header']} | {row['syntax_s']:.2f} | {row['O2_s']:.2f} | {row['lines']} |")

    found["table"] = table.rows
    (options.build / "bench.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
