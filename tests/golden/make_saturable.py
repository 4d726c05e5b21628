#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes saturable.jsonl: 500 random models with Michaelis-Menten elimination, alone or beside a linear one, by SciPy.

Why: the second road for nonlinear models has to be somebody else's. One to three compartments, boluses and infusions over
24 h; every dose edge and every asked instant ends an integration, so nothing is stepped over and nothing interpolated.
solve_ivp, DOP853, rtol 1e-12, atol 1e-20 of the dose; every tenth model once more by Radau, rtol 1e-10, and the two must
agree to 1e-7 (relative above a millionth of the largest value). Needs NumPy and SciPy (written with 1.24.2 and 1.10.1);
run it in this folder, it takes some minutes.
The values are SciPy's: never regenerate them from this library's output.
"""

import json

import numpy as np
from scipy.integrate import solve_ivp

MINUTE_US = 60_000_000


def random_case(rng):
    """A model in L, L/min, mg/min and mg/L, inputs and instants in whole microseconds."""
    def log_between(low, high):
        return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.6g}")

    compartments = int(rng.integers(1, 4))
    model = {"V1_L": log_between(5, 100), "CL_L_per_min": 0.0 if rng.random() < 0.4 else log_between(0.05, 2),
             "Vmax_mg_per_min": log_between(0.1, 5), "Km_mg_per_L": log_between(0.01, 2)}
    for k in range(2, compartments + 1):
        model[f"Q{k}_L_per_min"] = log_between(0.05, 4)
        model[f"V{k}_L"] = log_between(5, 300)
    events = []
    for _ in range(int(rng.integers(1, 6))):
        start = int(rng.integers(0, 600 * MINUTE_US))
        duration = 0 if rng.random() < 0.4 else int(rng.integers(1, 120 * MINUTE_US))
        events.append({"start_us": start, "duration_us": duration, "amount_mg": log_between(1, 60)})
    events.sort(key=lambda e: e["start_us"])
    times = sorted(int(t) for t in rng.integers(events[0]["start_us"] + 1, 24 * 60 * MINUTE_US, size=8))
    return model, events, times


def solution(model, events, times, method, rtol):
    """Plasma [ng/mL] at each of `times`, and the largest at any edge; at the instant of a bolus the value after it."""
    v1, cl = model["V1_L"], model["CL_L_per_min"]
    vmax, km = model["Vmax_mg_per_min"], model["Km_mg_per_L"]
    peripheral = [(model[f"Q{k}_L_per_min"], model[f"V{k}_L"]) for k in (2, 3) if f"Q{k}_L_per_min" in model]

    def slopes(_, a, rate):
        c1 = a[0] / v1
        flows = [q * (c1 - a[i + 1] / v) for i, (q, v) in enumerate(peripheral)]
        return [rate - cl * c1 - vmax * c1 / (km + c1) - sum(flows), *flows]

    edges = sorted({0, *times, *(e["start_us"] for e in events), *(e["start_us"] + e["duration_us"] for e in events)})
    atol = 1e-20 * sum(e["amount_mg"] for e in events)
    state, values = np.zeros(1 + len(peripheral)), {}
    for start, end in zip(edges, [*edges[1:], None]):
        state[0] += sum(e["amount_mg"] for e in events if e["duration_us"] == 0 and e["start_us"] == start)
        values[start] = 1000 * state[0] / v1
        if end is None:
            break
        rate = sum(e["amount_mg"] / (e["duration_us"] / MINUTE_US) for e in events
                   if e["start_us"] <= start < e["start_us"] + e["duration_us"])
        done = solve_ivp(slopes, (0, (end - start) / MINUTE_US), state, method=method, rtol=rtol, atol=atol, args=(rate,))
        if not done.success:
            raise SystemExit(done.message)
        state = done.y[:, -1].copy()
    return [float(values[t]) for t in times], float(max(values.values()))


def main():
    rng = np.random.default_rng(20264)
    worst = 0.0
    with open("saturable.jsonl", "w", encoding="utf-8") as out:
        for i in range(500):
            model, events, times = random_case(rng)
            values, largest = solution(model, events, times, "DOP853", 1e-12)
            if i % 10 == 0:
                for a, b in zip(values, solution(model, events, times, "Radau", 1e-10)[0]):
                    worst = max(worst, abs(a - b) / max(a, 1e-6 * largest))
            out.write(json.dumps({"id": f"saturable-{i:03}", "model": model, "events": events, "times_us": times,
                                  "plasma_ng_per_mL": values, "largest_ng_per_mL": largest}) + "\n")
    print(f"DOP853 and Radau differ by {worst:.1e}")
    if not worst < 1e-7:
        raise SystemExit("they must not differ by more than 1e-7")


if __name__ == "__main__":
    main()
