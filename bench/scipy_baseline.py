#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a researcher would write by hand: three compartments in scipy.integrate.solve_ivp, 241 samples over 4 h.

Why: the peer of bench/bench_solve.cpp, the same problem (kamp2020 at 70 kg, 35 mg over 40 min) in the way most notebooks
have it, and once more with the infusion's end as an edge. The error shown is that of the plasma concentration at the
end of the infusion against a matrix exponential. `--json` writes the figures for bench/run.py.
"""

import argparse
import json
import time

import numpy as np
import scipy
from scipy.integrate import solve_ivp
from scipy.linalg import expm

V1, V2, V3 = 25.0, 56.0, 157.0  # L
CL, Q2, Q3 = 84 / 60, 161 / 60, 79 / 60  # L/min
RATE, END = 35 / 40, 40.0  # mg/min, min
TIMES = np.arange(241.0)  # min


def slopes(a, rate):
    c1, c2, c3 = a[0] / V1, a[1] / V2, a[2] / V3
    return [rate - CL * c1 - Q2 * (c1 - c2) - Q3 * (c1 - c3), Q2 * (c1 - c2), Q3 * (c1 - c3)]


def by_hand():
    """The right-hand side asks the clock whether the pump still runs."""
    solution = solve_ivp(lambda t, a: slopes(a, RATE if t < END else 0.0), (0, 240), [0.0, 0.0, 0.0], t_eval=TIMES, rtol=1e-6)
    return 1000 * solution.y[0] / V1


def split():
    """One call while the pump runs, another one after it."""
    during = solve_ivp(lambda t, a: slopes(a, RATE), (0, END), [0.0, 0.0, 0.0], t_eval=TIMES[TIMES <= END], rtol=1e-6)
    after = solve_ivp(lambda t, a: slopes(a, 0.0), (END, 240), during.y[:, -1], t_eval=TIMES[TIMES >= END], rtol=1e-6)
    return 1000 * np.concatenate([during.y[0], after.y[0][1:]]) / V1


def exact_at_end():
    """ng/mL at the end of the infusion: exp(M t) with the constant input as a fourth state."""
    m = np.zeros((4, 4))
    for j in range(3):
        m[:3, j] = slopes(np.eye(3)[j], 0.0)
    m[0, 3] = RATE
    return 1000 * expm(m * END)[0, 3] / V1


def best(f, seconds):
    """Least CPU time of a call [us]; one call more than `seconds` hold, and no fewer than five."""
    times, stop = [], time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < stop:
        start = time.process_time()
        f()
        times.append(time.process_time() - start)
    return 1e6 * min(times)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--seconds", type=float, default=2.0, help="time for each of the two")
    options = arguments.parse_args()
    truth = exact_at_end()
    rows = []
    for name, f in (("by hand", by_hand), ("infusion split at its end", split)):
        curve = f()
        rows.append({"name": name, "us": best(f, options.seconds), "error_at_40_min_rel": abs(curve[40] / truth - 1),
                     "highest_ng_per_mL": float(curve.max())})
    if options.json:
        print(json.dumps({"scipy": scipy.__version__, "exact_ng_per_mL": truth, "rows": rows}))
        return
    print(f"SciPy {scipy.__version__}, solve_ivp RK45, rtol 1e-6, 241 samples; exact value at 40 min {truth:.6f} ng/mL")
    for row in rows:
        print(f"{row['name']:28}{row['us']:>10.0f} us   relative error at 40 min {row['error_at_40_min_rel']:.1e}")


if __name__ == "__main__":
    main()
