#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/records.jsonl: random model cards and data files, and what they should give.

An event logic and two solvers of its own, from NONMEM's documentation: whole instants are fractions, linear models go by
the exponential of the rate matrix in extended precision, saturable ones by DOP853 of SciPy at 3e-14. It shares nothing
with the project and never reads its output. Needs NumPy (with 80-bit long double) and SciPy:

    make_records.py LINEAR_CARDS SATURABLE_CARDS [FIRST_SEED] > records.jsonl
"""

import csv
import io
import json
import math
import random
import sys
from fractions import Fraction as Fr

import numpy as np
from scipy.integrate import solve_ivp

LD = np.longdouble
SOURCE = "random"
NOTHING = Fr(0)


def extended(x):
    return LD(x.numerator) / LD(x.denominator) if isinstance(x, Fr) else LD(x)


class Model:
    """Rates per unit of time. Places: depots, central, two peripheral ones, two of each metabolite, effect site."""

    def __init__(self, p):
        self.p, self.central = p, len(p["depots"])
        self.n = n = self.central + 3 + 2 * len(p["metabolites"]) + (1 if p["ke0"] else 0)
        a = np.zeros((n, n), dtype=LD)
        c = self.central

        def exchange(i, j, q, v_i, v_j):
            out, back = LD(q) / LD(v_i), LD(q) / LD(v_j)
            a[i, i] -= out
            a[j, i] += out
            a[j, j] -= back
            a[i, j] += back

        for i, (ka, into) in enumerate(p["depots"]):
            a[i, i] -= LD(ka)
            a[c if into is None else into, i] += LD(ka)
        k = LD(p["CL"]) / LD(p["V1"])
        a[c, c] -= k
        exchange(c, c + 1, p["Q2"], p["V1"], p["V2"])
        exchange(c, c + 2, p["Q3"], p["V1"], p["V3"])
        leaves = [k]
        for m, (fraction, v1, cl, q2, v2, source) in enumerate(p["metabolites"]):
            here = c + 3 + 2 * m
            parent = c if source is None else c + 3 + 2 * source
            a[here, parent] += LD(fraction) * (k if source is None else leaves[1 + source])
            leaves.append(LD(cl) / LD(v1))
            a[here, here] -= leaves[-1]
            exchange(here, here + 1, q2, v1, v2)
        if p["ke0"]:
            a[n - 1, n - 1] -= LD(p["ke0"])
            a[n - 1, c] += LD(p["ke0"]) / LD(p["V1"])
        self.a, self.a64, self.is_linear, self.known = a, a.astype(float), not p["Vmax"], {}

    def exponential(self, t):
        """exp(a t), and its integral from 0 to t: a shifted series without cancellation, then squaring."""
        if t in self.known:
            return self.known[t]
        n, one = self.n, np.eye(2 * self.n, dtype=LD)
        b = np.zeros((2 * n, 2 * n), dtype=LD)
        b[:n, :n], b[:n, n:] = self.a * extended(t), np.eye(n, dtype=LD) * extended(t)
        shift = max(-np.diag(b).min(), LD(0))
        halvings = max(0, math.ceil(math.log2(float(shift) + 1))) + 2
        b, shift = b / LD(2) ** halvings, shift / LD(2) ** halvings
        term, total, k = one, one, 0
        while k < 12 or not np.all(term <= total * LD(1e-22)):
            k += 1
            term = term.dot(b + shift * one) / LD(k)
            total = total + term
        total = total * np.exp(-shift)
        for _ in range(halvings):
            total = total.dot(total)
        self.known[t] = total[:n, :n], total[:n, n:]
        return self.known[t]

    def slopes(self, _, x, inflow):
        p, c = self.p, self.central
        change = self.a64.dot(x) + inflow
        eliminated = p["Vmax"] * x[c] / (p["Km"] * p["V1"] + x[c])
        change[c] -= eliminated
        for m, (fraction, *_rest, source) in enumerate(p["metabolites"]):
            if source is None:
                change[c + 3 + 2 * m] += fraction * eliminated
        return change

    def after(self, x, rates, t):
        if t == 0:
            return x
        inflow = np.zeros(self.n, dtype=LD)
        for place, rate in rates:
            inflow[place] += rate
        if self.is_linear:
            exponential, integral = self.exponential(t)
            return exponential.dot(x) + integral.dot(inflow)
        scale = float(max(x.max(), inflow.max() * extended(t)))
        if scale <= 0:
            return x
        solution = solve_ivp(
            self.slopes, (0, float(t)), x.astype(float), "DOP853", rtol=3e-14, atol=1e-22 * scale,
            args=(inflow.astype(float),),
        )  # fmt: skip
        assert solution.success
        return solution.y[:, -1].astype(LD)


def solved(a, b):
    """Gauss's elimination, for NumPy has none in extended precision."""
    a, b, n = a.copy(), b.copy(), len(b)
    for i in range(n):
        pivot = i + int(np.argmax(np.abs(a[i:, i])))
        a[[i, pivot]], b[[i, pivot]] = a[[pivot, i]], b[[pivot, i]]
        for j in range(i + 1, n):
            by = a[j, i] / a[i, i]
            a[j, i:] -= by * a[i, i:]
            b[j] -= by * b[i]
    for i in reversed(range(n)):
        b[i] = (b[i] - a[i, i + 1 :].dot(b[i + 1 :])) / a[i, i]
    return b


class Dose:
    """What a dose record gives after bioavailability."""

    def __init__(self, record, entry, rule):
        share = entry.get("F", Fr(1))
        self.place, self.interval, self.more = record["place"], record["II"], record["ADDL"]
        self.lag = entry.get("lag", NOTHING)
        amount, rate, duration = record["AMT"], record["RATE"], record["DUR"]
        if rate == -1:
            rate = entry["rate"]
        if rate == -2:
            rate, duration = NOTHING, entry["duration"]
        self.is_constant = rate > 0 and amount == 0
        self.is_infusion = rate > 0 or duration > 0
        self.amount, self.duration, self.rate = amount * share, NOTHING, NOTHING
        if rate > 0:
            self.rate = rate if rule == "nonmem" else rate * share
            self.duration = amount * (share if rule == "nonmem" else 1) / rate
        elif duration > 0:
            self.duration, self.rate = duration, amount * share / duration


def cycle(model, x, dose, span):
    """From just before a dose of a train that has always been going on to `span` later, at most an interval."""
    if not dose.is_infusion:
        x = x.copy()
        x[dose.place] += extended(dose.amount)
        return model.after(x, [], span)
    always, rest = divmod(dose.duration, dose.interval)
    rate, more = extended(dose.rate), min(rest, span)
    x = model.after(x, [(dose.place, (always + 1) * rate)], more)
    return model.after(x, [(dose.place, always * rate)], span - more)


def steady(model, dose):
    """The steady state of a train just before a dose, or of a constant infusion."""
    n, c = model.n, model.central
    nothing = np.zeros(n, dtype=LD)
    used = [i for i in range(n) if model.a[i, i] != 0 or (i == c and not model.is_linear)]
    inner = np.ix_(used, used)
    if dose.is_constant:
        assert model.is_linear
        inflow, x = nothing.copy(), nothing.copy()
        inflow[dose.place] = -extended(dose.rate)
        x[used] = solved(model.a[inner], inflow[used])
        return x
    if model.is_linear:
        x, once = nothing.copy(), cycle(model, nothing, dose, dose.interval)
        carried, _ = model.exponential(dose.interval)
        x[used] = solved(np.eye(len(used), dtype=LD) - carried[inner], once[used])
        return x

    def later(y):
        return cycle(model, y.astype(LD), dose, dose.interval).astype(float)

    x = nothing.astype(float)
    for _ in range(8):
        x = later(x)
    if x.max() == 0:
        return nothing
    for _ in range(40):
        change, most = later(x) - x, x.max()
        slope = np.zeros((n, n))
        for j in used:
            up, down = x.copy(), x.copy()
            step = 1e-5 * max(x[j], 1e-3 * most)
            up[j] += step
            down[j] -= min(step, x[j])
            slope[:, j] = (later(up) - later(down)) / (up[j] - down[j])
        move = np.zeros(n)
        move[used] = np.linalg.solve((np.eye(n) - slope)[inner], change[used])
        x = np.maximum(x + move, 0)
        if abs(move).max() < 1e-13 * most:
            break
    return x.astype(LD)


def simulated(records, models, entries, rules):
    """The state at each record, after what it does."""
    out, x, now = [], np.zeros(models[0].n, dtype=LD), records[0]["TIME"]
    coming, running = [], []  # (time, dose, how many follow) and (end, place, rate)

    def enter(dose, x):
        if not dose.is_infusion:
            x = x.copy()
            x[dose.place] += extended(dose.amount)
        elif dose.duration > 0:
            running.append((now + dose.duration, dose.place, dose.rate))
        return x

    for k, record in enumerate(records):
        governs = models[k if rules["covariates"] == "nonmem" or k == 0 else k - 1]
        while True:
            due = min([e[0] for e in coming + running] + [record["TIME"]])
            x = governs.after(x, [(place, extended(rate)) for _, place, rate in running], due - now)
            now = due
            arrived = [e for e in coming if e[0] == now]
            ended = [e for e in running if e[0] == now]
            coming = [e for e in coming if e[0] != now]
            running = [e for e in running if e[0] != now]
            for _, dose, follow in arrived:
                x = enter(dose, x)
                if follow:
                    coming.append((now + dose.interval, dose, follow - 1))
            if now == record["TIME"] and not arrived and not ended:
                break
        if record["EVID"] in (3, 4) or record["SS"] == 1:
            x, coming, running = np.zeros_like(x), [], []
        if record["EVID"] in (1, 4):
            dose = Dose(record, entries.get(record["place"], {}), rules["infusion_bioavailability"])
            if record["SS"]:
                state = steady(models[k], dose)
                if dose.is_constant:
                    out.append(x + state)
                    x = out[-1]
                    continue
                if dose.lag > 0:
                    state = cycle(models[k], state, dose, dose.interval - dose.lag)
                x = x + state
                start = now + dose.lag - dose.interval
                while start + dose.duration > now:
                    running.append((start + dose.duration, dose.place, dose.rate))
                    start -= dose.interval
            if dose.lag > 0:
                coming.append((now + dose.lag, dose, dose.more))
            else:
                x = enter(dose, x)
                if dose.more:
                    coming.append((now + dose.interval, dose, dose.more - 1))
        out.append(x)
    return out


def text_of(x):
    """An exact decimal."""
    assert Fr(repr(float(x))) == x, x
    return f"{float(x):.17g}" if float(x) % 1 else str(int(x))


class Draw(random.Random):
    def chance(self, p):
        return self.random() < p

    def log_uniform(self, low, high):
        return float(f"{10 ** self.uniform(math.log10(low), math.log10(high)):.4g}")

    def decimal(self, low, high, digits=3):
        return Fr(str(round(self.uniform(low, high), digits)))


class Case:
    """One card, and a data file of some subjects."""

    def __init__(self, seed, is_saturable, subjects):
        self.draw, self.is_saturable = Draw(seed), is_saturable
        draw = self.draw
        self.time_unit = draw.choice(["h", "h", "min", "d"])
        self.rate_unit = draw.choice(["h", "min"])
        hours = {"min": 1 / 60, "h": 1.0, "d": 24.0}
        self.per_time = hours[self.time_unit] / hours[self.rate_unit]  # 1 per rate unit in rates per time unit
        self.pace = (0.05 if self.time_unit == "min" else 1.0) / self.per_time
        self.varies, self.columns = draw.chance(0.35), []
        self.step = {"min": Fr(30), "h": Fr(1), "d": Fr(1, 4)}[self.time_unit] * draw.choice(
            [Fr(1), Fr(1, 2), Fr(1, 4)]
        )
        self.rules = {
            "infusion_bioavailability": draw.choice(["nonmem", "keeps-duration"]),
            "covariates": draw.choice(["nonmem", "locf"]),
        }
        self.concentration = draw.choice(["mg/L", "ng/mL"])
        self.card = {"schema": "ketpk.model/1", "id": "random", "label": SOURCE, "citation": SOURCE, "analytes": []}
        self.card |= {"site": "not-stated", "parameters": {}}
        self.values, self.names, self.places, self.entries = {}, [], [], {}
        self.structure()
        self.card["data_units"] = {"time": self.time_unit, "amount": "mg", "concentration": self.concentration}
        self.card["data_units"] |= self.rules
        self.subjects = [self.records() for _ in range(subjects)]

    def parameter(self, key, value, unit, may_vary=True):
        """A card's parameter, and its value by `key`; it may follow a column of its own."""
        self.values[key] = value
        said = {"value": f"{value!r} {unit}", "source": SOURCE}
        if may_vary and self.varies and self.draw.chance(0.5):
            self.columns.append("X" + key)
            effect = {"covariate": "X" + key, "form": "power", "reference": 1, "coefficient": 1, "source": SOURCE}
            said["covariates"] = [effect]
        return said

    def constant(self, low, high, times=1.0):
        return float(f"{self.draw.log_uniform(low, high) * self.pace * times:.4g}")

    def structure(self):
        draw, flow, stated = self.draw, "L/" + self.rate_unit, self.card["parameters"]
        v1 = draw.log_uniform(1, 100)
        stated["V1"] = self.parameter("V1", v1, "L")
        if not self.is_saturable or draw.chance(0.5):
            stated["CL"] = self.parameter("CL", self.constant(0.03, 2, v1), flow)
        if self.is_saturable:
            km = draw.log_uniform(0.05, 50)
            most = self.constant(0.03, 2, v1 * km * draw.choice([1, 5]))
            stated["Vmax"] = self.parameter("Vmax", most, "mg/" + self.rate_unit)
            stated["Km"] = self.parameter("Km", km, "mg/L", False)
        compartments, self.depots, self.metabolites = draw.randint(1, 3), [], []
        for i in range(2, compartments + 1):
            stated[f"Q{i}"] = self.parameter(f"Q{i}", self.constant(0.02, 5, v1), flow)
            stated[f"V{i}"] = self.parameter(f"V{i}", draw.log_uniform(1, 300), "L", False)
        depots = draw.choice([0, 0, 1, 1, 2, 3])
        for i in range(depots):
            into = draw.randrange(i + 1, depots) if i + 1 < depots and draw.chance(0.5) else None
            same = draw.chance(0.1) and not self.varies and not self.is_saturable
            ka = self.values["CL"] / v1 if same else self.constant(0.1, 6)
            said = {"name": f"d{i}", "ka": self.parameter(f"KA{i}", ka, "1/" + self.rate_unit)}
            if into is not None:
                said["into"] = f"d{into}"
            self.card.setdefault("absorption", []).append(said)
            self.depots.append(into)
            self.add(f"d{i}", i)
        for name, place in zip(["central", "shallow", "deep"][:compartments], range(depots, depots + 3)):
            self.add(name, place)
        for i in range(draw.choice([0, 0, 0, 1, 2, 3])):
            source = draw.randrange(i) if i and draw.chance(0.6) else None
            v = draw.log_uniform(1, 100)
            own = {"V1": self.parameter(f"MV{i}", v, "L")}
            own["CL"] = self.parameter(f"MCL{i}", self.constant(0.03, 2, v), flow)
            self.add(f"m{i}", depots + 3 + 2 * i)
            if draw.chance(0.4):
                own["Q2"] = self.parameter(f"MQ{i}", self.constant(0.03, 2, v), flow)
                own["V2"] = self.parameter(f"MW{i}", draw.log_uniform(1, 100), "L", False)
                self.add(f"m{i}_2", depots + 4 + 2 * i)
            fraction = round(draw.uniform(0, 1.1), 3)
            said = {"name": f"m{i}", "fraction": fraction, "source": SOURCE, "parameters": own}
            if source is not None:
                said["from"] = f"m{source}"
            self.card.setdefault("metabolites", []).append(said)
            self.metabolites.append((fraction, source))
        if draw.chance(0.3):
            ke0 = self.parameter("KE0", self.constant(0.05, 5), "1/" + self.rate_unit)
            self.card["effect_site"] = {"ke0": ke0}

    def add(self, name, place):
        """A compartment, and how doses get into it."""
        draw, said, entry = self.draw, {}, {}
        self.names.append(name)
        self.places.append(place)
        if draw.chance(0.5):
            return
        if draw.chance(0.7):
            entry["F"] = draw.choice([Fr(1, 2), Fr(1, 4), Fr("0.6"), Fr(0), Fr("1.25"), draw.decimal(0.05, 1)])
            said["F"] = {"value": float(entry["F"]), "source": SOURCE}
        if draw.chance(0.6):
            on_grid = draw.chance(0.7)
            entry["lag"] = self.step * draw.randint(0, 4) if on_grid else draw.decimal(0.05, 3) * self.step
            said["lag"] = {"value": f"{text_of(entry['lag'])} {self.time_unit}", "source": SOURCE}
        if draw.chance(0.6):
            entry["duration"] = self.step * draw.randint(1, 12)
            said["duration"] = {"value": f"{text_of(entry['duration'])} {self.time_unit}", "source": SOURCE}
        if draw.chance(0.6):
            rate, unit = Fr(draw.choice(["10", "25", "40", "7.3"])), "min" if self.time_unit == "min" else "h"
            entry["rate"] = rate * 24 if self.time_unit == "d" else rate
            said["rate"] = {"value": f"{text_of(rate)} mg/{unit}", "source": SOURCE}
        if said:
            self.card.setdefault("entries", {})[name] = said
            self.entries[place] = entry

    def dose(self, record):
        draw = self.draw
        which = draw.randrange(len(self.names))
        place = self.places[which]
        entry = self.entries.get(place, {})
        record["place"] = place
        record["CMT"] = self.names[which] if draw.chance(0.5) else str(which + 1)
        record["AMT"] = Fr(draw.choice(["100", "50", "12.5", "240", "33.3"]))
        kind = draw.choices(["bolus", "rate", "duration", "-1", "-2"], [4, 5, 2, 2, 2])[0]
        if kind == "-1" and "rate" in entry:
            record["RATE"] = Fr(-1)
        elif kind in ("rate", "-1"):
            record["RATE"] = Fr(draw.choice(["10", "25", "50", "12.5", "7.3", "100", "5"]))
        elif kind == "-2" and "duration" in entry:
            record["RATE"] = Fr(-2)
        elif kind != "bolus":
            record["DUR"] = self.step * draw.randint(1, 20)
        chance = draw.random()
        if chance < 0.28:
            self.steady(record, entry)
        elif chance < 0.5:
            record["ADDL"], record["II"] = draw.randint(1, 8), self.step * draw.randint(1, 10)

    def steady(self, record, entry):
        draw = self.draw
        record["SS"], record["II"] = draw.choice([1, 1, 2]), self.step * draw.randint(2, 16)
        while record["II"] <= entry.get("lag", 0):
            record["II"] += self.step
        if draw.chance(0.3):
            record["ADDL"] = draw.randint(1, 6)
        if not self.is_saturable and draw.chance(0.2):
            modelled = "rate" in entry and draw.chance(0.3)
            record["RATE"] = Fr(-1) if modelled else Fr(draw.choice(["10", "4"]))
            record["AMT"], record["DUR"], record["II"], record["ADDL"] = NOTHING, NOTHING, NOTHING, 0
        if self.is_saturable and "CL" not in self.values:
            dose = Dose(record, entry, self.rules["infusion_bioavailability"])
            given = dose.duration * dose.rate if dose.is_infusion else dose.amount
            # Vmax may be at 0.4 of what the card says.
            if float(given) > 0.3 * self.values["Vmax"] * self.per_time * float(record["II"]):
                record["SS"], record["II"], record["ADDL"] = 0, NOTHING, 0

    def records(self):
        draw, out = self.draw, []
        time = self.step * draw.randint(-4, 4) if draw.chance(0.3) else Fr(0)
        for k in range(draw.randint(3, 11)):
            if k and draw.chance(0.8):
                time += self.step * draw.randint(0, 10) if draw.chance(0.8) else draw.decimal(0, 8) * self.step
            evid = draw.choices([0, 1, 2, 3, 4], [5, 6, 0.4, 0.5, 0.6])[0]
            record = {"TIME": time, "EVID": 1 if k == 0 and draw.chance(0.8) else evid, "AMT": NOTHING, "CMT": "."}
            record |= {"RATE": NOTHING, "DUR": NOTHING, "II": NOTHING, "ADDL": 0, "SS": 0}
            if record["EVID"] in (1, 4):
                self.dose(record)
            stays = k > 0 and draw.chance(0.4)
            record["X"] = out[-1]["X"] if stays else [draw.decimal(0.4, 2, 2) for _ in self.columns]
            out.append(record)
        return out

    def data(self):
        keys = ["TIME", "EVID", "AMT", "CMT", "RATE", "DUR", "II", "ADDL", "SS"]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["ID", *keys, *self.columns])
        for number, records in enumerate(self.subjects):
            for r in records:
                said = [r[key] if key == "CMT" else text_of(Fr(r[key])) for key in keys]
                writer.writerow([number, *said, *map(text_of, r["X"])])
        return out.getvalue()

    def model(self, covariates):
        factors = dict(zip(self.columns, map(float, covariates)))

        def value(key, unit=1.0):
            return self.values.get(key, 0.0) * factors.get("X" + key, 1.0) * unit

        per = self.per_time
        p = {"V1": value("V1"), "CL": value("CL", per), "Q2": value("Q2", per), "Q3": value("Q3", per)}
        p |= {"V2": value("V2") or 1.0, "V3": value("V3") or 1.0, "ke0": value("KE0", per)}
        p |= {"Vmax": value("Vmax", per), "Km": value("Km")}
        p["depots"] = [(value(f"KA{i}", per), into) for i, into in enumerate(self.depots)]
        p["metabolites"] = [
            (f, value(f"MV{i}"), value(f"MCL{i}", per), value(f"MQ{i}", per), value(f"MW{i}") or 1.0, source)
            for i, (f, source) in enumerate(self.metabolites)
        ]
        return Model(p)

    def expected(self):
        """Rows of plasma, metabolites, effect site and the amounts of the compartments."""
        unit, known, rows = LD(1000 if self.concentration == "ng/mL" else 1), {}, []
        for records in self.subjects:
            models = [known.setdefault(tuple(r["X"]), None) or self.model(r["X"]) for r in records]
            known |= {tuple(r["X"]): m for r, m in zip(records, models)}
            for model, x in zip(models, simulated(records, models, self.entries, self.rules)):
                c = model.central
                row = [x[c] / LD(model.p["V1"]) * unit]
                row += [x[c + 3 + 2 * m] / LD(v[1]) * unit for m, v in enumerate(model.p["metabolites"])]
                row += [x[-1] * unit] if model.p["ke0"] else []
                rows.append([float(f"{float(v):.13g}") for v in [*row, *x[self.places]]])
        return rows


def main():
    counts, first = [int(n) for n in sys.argv[1:3]], int(sys.argv[3]) if len(sys.argv) > 3 else 1
    for is_saturable, count in zip((False, True), counts):
        for seed in range(first, first + count):
            case = Case(2 * seed + is_saturable, is_saturable, subjects=3)
            line = {"seed": seed, "saturable": is_saturable, "card": case.card, "data": case.data()}
            print(json.dumps(line | {"expected": case.expected()}, separators=(",", ":")))


if __name__ == "__main__":
    main()
