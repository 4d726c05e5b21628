#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a careful researcher writes: a whole population by the closed form of three compartments, vectorised in NumPy.

Why: the peer of bench/bench_cohort.cpp, the same workload (0.5 mg/kg over 40 min, stanpumpR's Domino set, weight
log-normal 75 kg, CV 20 %, clearance and V1 CV 30 %, 241 instants), in chunks that stay in the caches, into memory that
was touched before. Parameters are drawn outside the time that counts. `--json` writes the figures for bench/run.py.

Derivation: an amount in the centre has C(s) = (s + k21)(s + k31) / (V1 D(s)), D the characteristic polynomial
s^3 + b s^2 + c s + d, whose roots are real and negative: -l1, -l2, -l3. So C(t) after a unit amount is
sum A_j exp(-l_j t) with A_j = (k21 - l_j)(k31 - l_j) / (V1 times the differences of l_j to the other two), and while R
mg/min run in, sum R A_j / l_j (1 - exp(-l_j t)).
"""

import argparse
import json
import time

import numpy as np

V1, K10, K12, K13, K21, K31 = 0.063, 0.438, 0.592, 0.590, 0.247, 0.0146  # L/kg, 1/min
DOSE, END = 0.5, 40.0  # mg/kg, min
TIMES = np.arange(241.0)  # min
DURING, AFTER = TIMES[TIMES <= END], TIMES[TIMES > END] - END


def population(n, rng):
    """CL, V1, Q2, V2, Q3, V3 of n subjects, and their dose [mg]."""
    weight = 75 * np.exp(np.sqrt(np.log(1.04)) * rng.standard_normal(n))
    spread = np.sqrt(np.log(1.09))
    typical = V1 * weight
    v1 = typical * np.exp(spread * rng.standard_normal(n))
    cl = K10 * typical * np.exp(spread * rng.standard_normal(n))
    return cl, v1, K12 * typical, K12 * typical / K21, K13 * typical, K13 * typical / K31, DOSE * weight


def modes(cl, v1, q2, v2, q3, v3):
    """Rates l [1/min] and coefficients A [1/L], each of shape (3, n)."""
    k10, k12, k13, k21, k31 = cl / v1, q2 / v1, q3 / v1, q2 / v2, q3 / v3
    b = k10 + k12 + k13 + k21 + k31
    c = k10 * k21 + k10 * k31 + k12 * k31 + k13 * k21 + k21 * k31
    d = k10 * k21 * k31
    # Roots of l^3 - b l^2 + c l - d by angles: l = b/3 + 2 r cos(.), r^2 = b^2/9 - c/3.
    r = np.sqrt(b * b / 9 - c / 3)
    angle = np.arccos(np.clip((b * b * b / 27 - b * c / 6 + d / 2) / r**3, -1, 1)) / 3
    rates = np.stack([b / 3 + 2 * r * np.cos(angle - 2 * np.pi * j / 3) for j in range(3)])
    coefficients = np.empty_like(rates)
    for j in range(3):
        here, one, other = rates[j], rates[j - 1], rates[j - 2]
        coefficients[j] = (k21 - here) * (k31 - here) / (v1 * (one - here) * (other - here))
    return rates, coefficients


def profiles(subjects, out):
    """Plasma [ng/mL] of shape (n, 241)."""
    *parameters, dose = subjects
    rates, coefficients = modes(*parameters)
    out[:] = 0
    for rate, coefficient in zip(rates, coefficients):
        level = (1000 * dose / END * coefficient / rate)[:, None]
        rate = rate[:, None]
        rise = -np.expm1(-rate * DURING)
        rise *= level
        out[:, : DURING.size] += rise
        fall = np.exp(-rate * AFTER)
        fall *= rise[:, -1:]
        out[:, DURING.size :] += fall


def best(subjects, chunk, seconds):
    """Least CPU time of the whole [s]."""
    n = subjects[0].size
    out = np.ones((n, TIMES.size))
    times, stop = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < stop:
        start = time.process_time()
        for k in range(0, n, chunk):
            profiles([x[k : k + chunk] for x in subjects], out[k : k + chunk])
        times.append(time.process_time() - start)
    return min(times)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--seconds", type=float, default=2.0, help="time for each size of chunks")
    arguments.add_argument("--subjects", type=int, default=100_000)
    options = arguments.parse_args()
    typical = np.empty((1, TIMES.size))
    one = np.array([75 * V1])
    profiles((K10 * one, one, K12 * one, K12 * one / K21, K13 * one, K13 * one / K31, np.array([DOSE * 75])), typical)
    subjects = population(options.subjects, np.random.default_rng(1))
    # The size of chunks matters to NumPy, so it is given its best.
    by_chunk = {chunk: best(subjects, chunk, options.seconds) for chunk in (100, 1000, 10_000, options.subjects)}
    chunk = min(by_chunk, key=by_chunk.get)
    us = 1e6 * by_chunk[chunk] / options.subjects
    if options.json:
        print(json.dumps({"numpy": np.__version__, "us_per_subject": us, "chunk": chunk, "at_40_ng_per_mL": typical[0, 40],
                          "at_240_ng_per_mL": typical[0, 240]}))
        return
    print(f"NumPy {np.__version__}, closed form, {options.subjects} subjects x {TIMES.size}; typical subject "
          f"{typical[0, 40]:.6f} ng/mL at 40 min")
    for size, seconds in by_chunk.items():
        print(f"chunks of {size:>7}{options.subjects / seconds:>12.0f} subjects/s")


if __name__ == "__main__":
    main()
