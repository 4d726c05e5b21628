# SPDX-License-Identifier: Apache-2.0
"""A result as a picture: concentration over time, the drug going in under it, the limits and where they are crossed.

``drawn`` computes everything that is to be seen and needs no matplotlib; ``plot`` puts it on an Axes.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._errors import InvalidInput, WrongType
from ._frozen import thawed
from ._result import DeliveredInput, Flag, Piece, Profile, Result, session_again
from ._session import LimitsSource, limits_of, simulate_session
from ._table import optional
from .limits import Limits

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.legend
    import matplotlib.lines
    import matplotlib.text

__all__ = ["plot"]

# ---------------------------------------------------------------------------------------------------------------------
# What is to be seen

_QUANTITY = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?) ?([A-Za-z].*)")
_US = {"us": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_NG_PER_ML = {"ng/mL": 1, "mcg/L": 1, "mcg/mL": 1_000, "mg/L": 1_000, "mg/mL": 1_000_000}
_BOUNDS = ("hard_low", "soft_low", "soft_high", "hard_high")
_TOLERANCE = 1e-9  # of the core, at a bound

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """One concentration over time.

    Attributes:
        kind: ``"plasma"``, ``"effect site"`` or ``"metabolite"``.
        name: of the analyte or metabolite.
        ng_per_mL: shape ``(n,)``, at the instants of ``Drawn.time_min`` [ng/mL].
        apparent: whether the source calls the volumes of this metabolite apparent.
    """

    kind: str
    name: str
    ng_per_mL: Floats
    apparent: bool = False


@dataclass(frozen=True)
class Bar:
    """One input as it was delivered. A bolus starts and ends at one instant and has no rate.

    Attributes:
        start_min, end_min: from when on, and until when something of it goes in [min].
        amount_mg: base that goes in [mg].
        rate_mg_per_min: base [mg/min], where it has one rate; None for a bolus.
        stated: as it was ordered, ``"0.5 mg/kg over 40 min"``.
        flagged: (severity, quantity) of each flag on dose, rate, bolus or duration that this input has a part in.
        runs: (start [min], end [min], rate [mg/min]) of each stretch that goes in at one rate; empty for a bolus.
        marks: (instant [min], event) of what happened to it, ``"pause"`` for example.
        ordered_mg: what was ordered, where that is more [mg].
        is_venous: whether it goes into the central compartment.
        due_min: when it was ordered to start, where that is another instant [min].
    """

    start_min: float
    end_min: float
    amount_mg: float
    rate_mg_per_min: float | None
    stated: str
    flagged: tuple[tuple[str, str], ...] = ()
    runs: tuple[tuple[float, float, float], ...] = ()
    marks: tuple[tuple[float, str], ...] = ()
    ordered_mg: float | None = None
    is_venous: bool = True
    due_min: float | None = None

    @property
    def is_bolus(self) -> bool:
        """Whether it goes in at an instant."""
        return not self.runs

    @property
    def severity(self) -> str | None:
        """The worst of its flags."""
        found = [severity for severity, _ in self.flagged]
        return next((s for s in ("hard", "soft") if s in found), None)


@dataclass(frozen=True)
class Line:
    """One level that limits speak of.

    Attributes:
        limit_id: of the limit.
        kind: of the curve it is for, ``"plasma"`` or ``"effect site"``.
        site: the limit's sampling site; None for the effect site.
        severity: ``"soft"`` or ``"hard"``; ``"level"`` where the limit is on the minutes above it.
        ng_per_mL: the level [ng/mL].
        says: what is to be written beside it.
    """

    limit_id: str
    kind: str
    site: str | None
    severity: str
    ng_per_mL: float
    says: str


@dataclass(frozen=True)
class Span:
    """A stretch of time in which a curve is beyond the bound of a limit that was flagged.

    Attributes:
        limit_id: of the limit.
        kind: of the curve.
        severity: of the bound that is crossed, ``"soft"`` or ``"hard"``.
        ng_per_mL: the bound [ng/mL].
        start_min, end_min: to a microsecond [min], or finer than can be seen if there are very many; where the drawing
            ends the stretch ends too.
        of_minutes: whether the limit is on the minutes above this level.
    """

    limit_id: str
    kind: str
    severity: str
    ng_per_mL: float
    start_min: float
    end_min: float
    of_minutes: bool = False


@dataclass(frozen=True, eq=False)
class Drawn:
    """Everything a picture of one result shows.

    Attributes:
        time_us, time_min: shape ``(n,)``, the drawing's own instants: every edge of the order is among them, and at a
            bolus the microsecond before it, so that a jump is upright. Before a bolus at zero stands a zero.
        until_min: where the drawing ends [min].
        curves: plasma first, then effect site, then metabolites. Each value is the core's own.
        bars: what went in, input by input.
        lines: the limits' levels for curves of this result.
        spans: where a curve is beyond a flagged bound.
    """

    time_us: NDArray[np.int64]
    time_min: Floats
    until_min: float
    curves: tuple[Curve, ...]
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    spans: tuple[Span, ...]


def _parts(text: str) -> tuple[str, str]:
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise InvalidInput("E_PARSE", "inputs", "not a quantity; accepted: a number and its unit")
    return found[1], found[2]


def _us(text: str) -> int:
    """A time with its unit, in whole microseconds."""
    number, unit = _parts(text)
    return round(Fraction(number) * _US[unit])


def _ng_per_mL(text: str) -> float:
    number, unit = _parts(text)
    return float(Fraction(number) * _NG_PER_ML[unit])


def drawn(result: Result, *, until_min: float | None = None, limits: Limits | None = None) -> Drawn:
    """What a picture of ``result`` shows. The core is asked again, at instants of the drawing's own, so it is the same
    for a result that was kept as JSON; where this version of ketpk would say something else, there is no picture.

    Args:
        until_min: where it ends [min]; where the asked instants end, or late enough to see the fall, if not given.
        limits: whose levels are shown; those of the result if not given.

    Raises:
        InvalidInput: ``E_STATE`` for a result whose summary this version of ketpk does not give.
    """
    inputs = result.inputs
    answer, ask = _road(result)
    if until_min is None:
        until_min = answer.drawn_until_min
    until_us = max(1, round(until_min * _US["min"]))
    bars = _bars(result)
    time_us = _instants(bars, until_us)
    columns = ask(time_us)
    model = result.model
    metabolites = {m["name"]: bool(m.get("apparent", False)) for m in model.get("metabolites", ())}
    curves = []
    for column, values in columns.items():
        name = column.removesuffix("_ng_per_mL")
        kind = "plasma" if name == "plasma" else "effect site" if name == "effect_site" else "metabolite"
        named = name if kind == "metabolite" else str(inputs["analyte"])
        curves.append(Curve(kind, named, values, metabolites.get(name, False) if kind == "metabolite" else False))
    rows = _rows(result) if limits is None else limits.rows
    kinds = {c.kind for c in curves}
    lines = [line for row in rows for line in _lines(row, str(model["site"]), kinds)]
    spans = [span for flag in result.flags for span in _spans(result, flag, ask, time_us, columns)]
    if any(b.is_bolus and b.start_min == 0 for b in bars):  # drug-free until then
        time_us = np.concatenate(([0], time_us))
        curves = [Curve(c.kind, c.name, np.concatenate(([0.0], c.ng_per_mL)), c.apparent) for c in curves]
    return Drawn(time_us, time_us / _US["min"], until_us / _US["min"], tuple(curves), bars, tuple(lines), tuple(spans))


Ask = Callable[[NDArray[np.int64]], dict[str, Floats]]


def _road(result: Result) -> tuple[_core.Answer, Ask]:
    """The core's own answer, and how it is asked for the curves at other instants: the columns of a profile that are
    concentrations. Raises ``InvalidInput``: ``E_STATE``."""

    def concentrations(profile: Mapping[str, NDArray[Any]]) -> dict[str, Floats]:
        return {name: column for name, column in profile.items() if name.endswith("_ng_per_mL")}

    answer = result._answer
    if answer is not None:
        held = answer
        return held, lambda us: concentrations(Profile._of_answer(held.again(np.ascontiguousarray(us))))

    inputs = result.inputs
    began = inputs["initial_state"]
    if not isinstance(began, str) and "schema" not in began["saved"]:
        raise InvalidInput(
            "E_STATE",
            "results",
            "read back, and its saved state is not part of it; accepted: one that was calculated here",
        )
    session = session_again(inputs)
    observed = thawed(inputs["observe"])
    again = simulate_session({**session, "observe": observed} if observed else session, second_solver=False)
    if again.summary != result.summary:
        raise InvalidInput(
            "E_STATE",
            "results",
            "asked again, this version of ketpk gives another curve; accepted: results of this version",
        )
    assert again._answer is not None
    return _road(again)


def _instants(bars: Sequence[Bar], until_us: int) -> NDArray[np.int64]:
    """Every edge, the microsecond before it, close behind it, and evenly over the whole."""
    edges = {0, until_us}
    for bar in bars:
        edges |= {round(bar.start_min * _US["min"]), round(bar.end_min * _US["min"])}
        edges |= {round(x * _US["min"]) for start, end, _ in bar.runs for x in (start, end)}
    starts = np.array(sorted(e for e in edges if 0 <= e <= until_us), dtype=np.int64)
    gaps = np.diff(starts)
    behind = np.geomspace(1e-4, 1, max(2, min(80, 16_000 // max(1, len(gaps)))))[:-1]
    close = (starts[:-1, None] + gaps[:, None] * behind[None, :]).astype(np.int64).ravel()
    even = np.linspace(0, until_us, 601).astype(np.int64)
    every = np.unique(np.concatenate((starts, starts - 1, close, even)))
    return every[(every >= 0) & (every <= until_us)]


def _bars(result: Result) -> tuple[Bar, ...]:
    """What was delivered, with the flags on it; for comparison with limits also what was ordered."""
    ordered = _ordered(result)
    delivery = result.delivery
    bars = ordered
    if delivery is not None:
        places = [f"order[{i}]" for i in range(len(result.inputs["order"]))]
        if result.sessions:
            places = [f"session[{s}].{place}" for s in range(len(result.sessions)) for place in places]
        as_ordered = dict(zip(places, ordered))
        bars = []
        for each in delivery.inputs:
            marks = tuple((e.at_min, e.event) for e in delivery.events if e.input == each.input)
            bars.append(_delivered(each, as_ordered.get(each.input), marks))
        ordered = [as_ordered.get(each.input, bar) for each, bar in zip(delivery.inputs, bars)]
        if delivery.line is not None and delivery.line.pieces:
            bars.append(_of_pieces(delivery.line.pieces, ""))  # nobody ordered it
    flagged: list[list[tuple[str, str]]] = [[] for _ in bars]
    for flag in result.flags:
        for i in _taking_part(flag, ordered, bars):
            flagged[i].append((flag.severity, flag.quantity))
    return tuple(dataclasses.replace(bar, flagged=tuple(f)) for bar, f in zip(bars, flagged))


def _ordered(result: Result) -> list[Bar]:
    bars = []
    inputs = result.inputs  # once: each look at it makes a read-only view of all of it
    salt = " (hydrochloride)" if inputs["form"] == "hydrochloride" else ""
    for each in inputs["order"]:
        start = _us(each.get("at", "0 min"))
        over = _us(each["over"]) if "over" in each else 0
        rate = each.get("rate_mg_per_min")
        kind = next(k for k in ("infuse", "infuse_at_rate", "bolus") if k in each)
        into = f" into {each['into']}" if "into" in each else ""
        stated = f"{each[kind]}{salt} " + ("bolus" if kind == "bolus" else f"over {_told_us(over)}") + into
        bars.append(
            Bar(
                start / _US["min"],
                (start + over) / _US["min"],
                float(each["amount_mg"]),
                None if rate is None else float(rate),
                stated,
                runs=() if rate is None else ((start / _US["min"], (start + over) / _US["min"], float(rate)),),
                is_venous=each.get("into", "central") == "central",
            )
        )
    return [_later(bar, s.start_us) for s in result.sessions for bar in bars] if result.sessions else bars


def _later(bar: Bar, us: int) -> Bar:
    """The bar of a session that begins so much later."""

    def moved(at_min: float) -> float:
        return (round(at_min * _US["min"]) + us) / _US["min"]

    runs = tuple((moved(start), moved(end), rate) for start, end, rate in bar.runs)
    return dataclasses.replace(bar, start_min=moved(bar.start_min), end_min=moved(bar.end_min), runs=runs)


def _of_pieces(pieces: Sequence[Piece], stated: str) -> Bar:
    runs = tuple((p.from_min, p.until_min, p.mg_per_min) for p in pieces if p.mg_per_min is not None)
    rates = {rate for _, _, rate in runs}
    return Bar(
        pieces[0].from_min,
        pieces[-1].until_min,
        sum(p.mg for p in pieces),
        rates.pop() if len(rates) == 1 else None,
        stated,
        runs=runs,
    )


def _delivered(each: DeliveredInput, ordered: Bar | None, marks: tuple[tuple[float, str], ...]) -> Bar:
    """One input as it went in."""
    stated = ordered.stated if ordered is not None else f"{told_number(each.ordered_mg)} mg of the saved state"
    left = each.ordered_mg if each.left_mg > _TOLERANCE * each.ordered_mg else None
    if each.pieces:
        bar = _of_pieces(each.pieces, stated)
    else:  # nothing went in of it
        start = ordered.start_min if ordered is not None else each.since_min
        bar = Bar(start, start, 0.0, None, stated, runs=((start, start, 0.0),))
    venous = ordered is None or ordered.is_venous
    # A pause that nobody ended, and the instant of a stop, belong to it.
    end = max([bar.end_min, *(at for at, _ in marks)])
    due = None if ordered is None or ordered.start_min == bar.start_min else ordered.start_min
    return dataclasses.replace(
        bar, end_min=end, amount_mg=each.delivered_mg, marks=marks, ordered_mg=left, is_venous=venous, due_min=due
    )


def _taking_part(flag: Flag, ordered: Sequence[Bar], delivered: Sequence[Bar]) -> list[int]:
    """The inputs that a flag on the dosing speaks of. Of what was ordered and what was delivered the larger one counts,
    as for the flag. The bound is taken from the flag's own margin, which is exact."""
    if flag.margin_rel is None or not flag.code.endswith(("_HIGH", "_LOW")):
        return []
    if flag.quantity in ("dose_per_weight", "total_dose"):
        return list(range(len(delivered)))
    high = flag.code.endswith("_HIGH")
    values: dict[int, float] = {}
    for bars in (ordered, delivered):
        for i, x in _values(flag.quantity, bars).items():
            values[i] = max(x, values.get(i, 0.0))
    if not values:
        return []
    if flag.quantity == "rate_per_weight" and not high:  # the largest rate is too low, so all are
        return list(values)
    bound = (max if high else min)(values.values()) * (1 / (1 + flag.margin_rel) if flag.margin_rel > -1 else np.inf)
    return [i for i, x in values.items() if (x > bound * (1 + _TOLERANCE) if high else x < bound * (1 - _TOLERANCE))]


def _values(quantity: str, bars: Sequence[Bar]) -> dict[int, float]:
    """What each input that has a part in a quantity comes to: the largest sum that it is in."""
    if quantity == "duration":
        return {i: sum(end - start for start, end, _ in b.runs) for i, b in enumerate(bars) if not b.is_bolus}
    if quantity == "bolus_per_weight":
        boluses = {i: b for i, b in enumerate(bars) if b.is_bolus and b.is_venous}
        at: dict[float, float] = {}
        for b in boluses.values():
            at[b.start_min] = at.get(b.start_min, 0) + b.amount_mg
        return {i: at[b.start_min] for i, b in boluses.items()}
    if quantity != "rate_per_weight":
        return {}
    runs = [(i, *run) for i, b in enumerate(bars) if b.is_venous for run in b.runs]
    if not runs:
        return {}
    # The sum of rates only rises where a run starts, so each one's largest sum is at such a start within it.
    first, last, rate = (np.array([run[k] for run in runs]) for k in (1, 2, 3))
    order_of_starts, order_of_ends = np.argsort(first), np.argsort(last)
    started = np.concatenate(([0.0], np.cumsum(rate[order_of_starts])))
    ended = np.concatenate(([0.0], np.cumsum(rate[order_of_ends])))
    starts = np.unique(first)
    summed = (
        started[np.searchsorted(first[order_of_starts], starts, "right")]
        - ended[np.searchsorted(last[order_of_ends], starts, "right")]
    )
    largest: dict[int, float] = {}
    for i, start, end, _ in runs:
        inside = summed[(starts >= start) & (starts < end)]
        if len(inside):
            largest[i] = max(float(inside.max()), largest.get(i, 0.0))
    return largest


def _rows(result: Result) -> tuple[Mapping[str, Any], ...]:
    limits = result.inputs.get("limits")
    return () if limits is None else tuple(limits["limits"])


def _lines(row: Mapping[str, Any], site: str, kinds: set[str]) -> list[Line]:
    """The levels of one limit, if it speaks of a curve that is drawn, at the model's own sampling site."""
    name = " ".join(str(row["id"]).split())
    name = name if len(name) <= 48 else name[:47] + "…"
    stated = [(bound, str(row[bound])) for bound in _BOUNDS if bound in row]
    quantity = row["quantity"]
    if quantity == "effect_site_peak" and "effect site" in kinds:
        kind, where = "effect site", None
    elif quantity in ("plasma_peak", "time_above_level") and row.get("site") == site:
        kind, where = "plasma", site
    else:
        return []
    if quantity == "time_above_level":
        level = _ng_per_mL(row["level"])
        minutes = ", ".join(f"{bound.removesuffix('_high').replace('_', ' ')} {text}" for bound, text in stated)
        return [Line(str(row["id"]), kind, where, "level", level, f"{name}: time above {level:g} ng/mL, {minutes}")]
    return [
        Line(
            str(row["id"]),
            kind,
            where,
            bound[:4],
            _ng_per_mL(text),
            f"{name}: {bound.replace('_', ' ')} {_ng_per_mL(text):g} ng/mL",
        )
        for bound, text in stated
    ]


def _spans(
    result: Result, flag: Flag, ask: Ask, time_us: NDArray[np.int64], columns: Mapping[str, Floats]
) -> list[Span]:
    """Where the curve is above the bounds of a flagged limit."""
    row = next((r for r in _rows(result) if r["id"] == flag.limit_id and r["quantity"] == flag.quantity), None)
    if row is None or not flag.code.endswith("_HIGH") or flag.severity not in ("soft", "hard"):
        return []
    kind = "effect site" if flag.quantity == "effect_site_peak" else "plasma"
    column = kind.replace(" ", "_") + "_ng_per_mL"
    if flag.quantity == "time_above_level":
        levels = [(flag.severity, _ng_per_mL(row["level"]))]
    elif flag.quantity in ("plasma_peak", "effect_site_peak"):
        levels = [(bound[:4], _ng_per_mL(row[bound])) for bound in ("soft_high", "hard_high") if bound in row]
    else:
        return []
    return [
        Span(flag.limit_id or "", kind, severity, level, start / _US["min"], end / _US["min"], "level" in row)
        for severity, level in levels
        for start, end in _above(ask, time_us, columns[column], column, level)
    ]


def _above(ask: Ask, time_us: NDArray[np.int64], values: Floats, column: str, level: float) -> list[tuple[int, int]]:
    """The stretches with the curve above ``level`` [us], each end found by asking the core: to a microsecond, or,
    if there are more than 200, to a hundred-thousandth of the drawing."""
    bound = level * (1 + _TOLERANCE)
    above = values > bound
    turns = np.flatnonzero(above[1:] != above[:-1])
    low, high = time_us[turns], time_us[turns + 1]
    rises = above[turns + 1]
    finest = 1 if len(turns) <= 200 else max(1, int(time_us[-1]) // 100_000)
    while len(turns) and (high - low).max() > finest:
        inner = low[:, None] + (high - low)[:, None] * np.arange(33, dtype=np.int64) // 32
        asked, where = np.unique(inner, return_inverse=True)
        beyond = (ask(asked)[column] > bound)[where].reshape(inner.shape)
        last_before = np.argmax(beyond == rises[:, None], axis=1) - 1
        each = np.arange(len(turns))
        low, high = inner[each, last_before], inner[each, last_before + 1]
    ends = [int(t) for t in high]
    if len(above) and above[0]:
        ends.insert(0, int(time_us[0]))
    if len(ends) % 2:
        ends.append(int(time_us[-1]))
    return list(zip(ends[::2], ends[1::2]))


# ---------------------------------------------------------------------------------------------------------------------
# In words


def told_number(x: float) -> str:
    """At most four significant digits."""
    return np.format_float_positional(float(f"{x:.4g}"), trim="-") if x else "0"


def _told_us(us: int) -> str:
    for unit in ("d", "h", "min", "s"):
        if unit != "min" and us % _US[unit]:
            continue
        if unit in ("d", "h") and us < 3 * _US["d"] and (unit == "d" or us < 10 * _US["h"]):
            continue
        return f"{told_number(us / _US[unit])} {unit}"
    return f"{told_number(us / _US['s'])} s"


def _told_order(bars: Sequence[Bar]) -> str:
    bars = [b for b in bars if b.stated]
    if len(bars) > 2:
        amount = sum(b.amount_mg if b.ordered_mg is None else b.ordered_mg for b in bars)
        return f"{len(bars)} inputs, {told_number(amount)} mg base"
    due = [b.start_min if b.due_min is None else b.due_min for b in bars]
    starts = [f" at {_told_us(round(at * _US['min']))}" if at else "" for at in due]
    return " + ".join(b.stated + start for b, start in zip(bars, starts))


def _told_patient(result: Result) -> str:
    patient = result.inputs["patient"]
    words = [str(patient["weight"])]
    if patient["dosing_weight"] != "actual":
        by = str(patient["dosing_weight"])
        words[0] += f" (dosed by {by if by[0].isdigit() else by + ' weight'})"
    words += [str(patient[k]) for k in ("age",) if k in patient]
    return ", ".join(words)


def _told_site(site: str) -> str:
    return "sampling site not stated" if site == "not-stated" else site


def _told_verdict(result: Result) -> str:
    limits = result.assessment.limits
    if limits is None:
        return f"verdict: {result.verdict} (no limits given)"
    return f"verdict: {result.verdict} by {limits.id} version {limits.version} (status {limits.status})"


_TOLD = {"change_rate": "change of rate", "restart_remainder": "restart of the remainder"}


def _told_delivery(result: Result) -> str:
    """What became of the order, where that is not simply what was ordered."""
    d = result.delivery
    if d is None:
        return ""
    left = d.left_mg > _TOLERANCE * d.ordered_mg
    told = [f"delivered {told_number(d.delivered_mg)}" + (f" of {told_number(d.ordered_mg)} mg" if left else " mg")]
    if d.line is not None and d.line.delivered_mg:
        told[0] += f", {told_number(d.line.delivered_mg)} mg of it primed in the line"
    if len(d.events) > 6:
        told.append(f"{len(d.events)} events")
    else:
        told += [f"{_TOLD.get(e.event, e.event)} at {_told_us(round(e.at_min * _US['min']))}" for e in d.events]
    return ", ".join(told)


def _told_flags(result: Result) -> str:
    told = []
    for severity in ("hard", "soft", "advisory"):
        codes = [f.code for f in result.flags if f.severity == severity]
        if codes:
            told.append(f"{severity}: {', '.join(dict.fromkeys(codes))}")
    required = [c.id for c in result.assessment.checks if c.required and c.outcome == "unevaluated"]
    if required:
        told.append(f"required, not evaluated: {', '.join(required)}")
    return " · ".join(told)


# ---------------------------------------------------------------------------------------------------------------------
# On paper: the colours of Okabe and Ito, told apart by anyone; in grey the dashes and hatches tell them apart.

#: Says that a line was drawn here.
_MARK = "ketpk"
_COLOURS = ("#0072B2", "#009E73", "#CC79A7", "#56B4E9", None)  # None: the ink of the Axes
_DASHES: tuple[Any, ...] = (
    "-",
    (0, (6, 2)),
    (0, (6, 2, 1.2, 2)),
    (0, (1.2, 1.6)),
    (0, (10, 3)),
    (0, (6, 2, 1.2, 2, 1.2, 2)),
    (0, (3, 1.5)),
)
_OF_SEVERITY = {"soft": "#E69F00", "hard": "#D55E00"}
_HATCH = {"soft": "///", "hard": "xxx"}
_OF_LINE: dict[str, Any] = {"soft": (0, (7, 4)), "hard": "-", "level": (0, (1, 2))}


def _signs(marks: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """Where events are shown: a pause that ended in its middle, and its end not again."""
    shown = []
    for (at_min, event), (next_min, following) in zip(marks, [*marks[1:], (0.0, "")]):
        if event != "resume":
            shown.append(((at_min + next_min) / 2 if (event, following) == ("pause", "resume") else at_min, event))
    return shown


def _sign(event: str) -> Any:
    """The marker of an event: two bars, a square and a triangle as on any player, a diamond for another rate."""
    if event == "pause":
        from matplotlib.path import Path

        bars = [[(x, -1), (x + 0.7, -1), (x + 0.7, 1), (x, 1), (x, -1)] for x in (-1.0, 0.3)]
        codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY]
        return Path([point for bar in bars for point in bar], codes * 2)
    return {"stop": "s", "change_rate": "D"}.get(event, ">")


_WHITE: Any = {
    "axes.edgecolor": "#262626",
    "axes.facecolor": "white",
    "axes.labelcolor": "#262626",
    "figure.facecolor": "white",
    "savefig.facecolor": "auto",
    "hatch.linewidth": 0.5,
    "text.color": "#262626",
    "xtick.color": "#262626",
    "ytick.color": "#262626",
    "font.family": ["sans-serif"],
    "text.usetex": False,
    "axes.grid": False,
}
_SMALL, _PLAIN, _LARGE = 7.5, 9.0, 10.0  # [pt]
_ROW = 12.0  # the height of one row of the strip [pt]


def plot(
    *results: Result,
    ax: matplotlib.axes.Axes | None = None,
    limits: LimitsSource | None = None,
    labels: Sequence[str] | None = None,
) -> matplotlib.axes.Axes:
    """Concentration over time with the drug going in under it. Needs matplotlib.

    The curve is asked anew from the core, whatever instants the results were asked for: every edge of the order is a
    vertex. Under the line of 0 ng/mL stands what went in, a bar for an infusion, a triangle for a bolus, with the
    amount of base; it is hatched where a limit on dose, rate, bolus or duration is flagged. An infusion that was paused
    has a gap there, with the two bars of a pause; a diamond is a change of rate, a square a stop, a triangle the
    restart of a remainder. Levels of limits are lines, for
    curves of the limit's own sampling site only. Where a curve is beyond a flagged peak limit it is shaded down to it;
    flagged minutes above a level are a broad stroke along it. Time is in minutes, for more than 10 h in hours, for more
    than 3 d in days.

    Legend and verdict stand over the Axes; in a figure of your own, ``layout="constrained"`` makes room for them.

    Args:
        results: one or several; give those that belong into one Axes in one call.
        ax: where to draw; a figure of its own if not given. No global setting is changed and nothing is shown.
        limits: whose levels are drawn (as in ``simulate``); those of each result if not given. Verdicts and
            shading stay those of the results.
        labels: one per result, for the legend; model and order if not given.

    Returns:
        The Axes.

    Raises:
        ImportError: without matplotlib.
        WrongType: for anything but results, limits from ``ketpk.limits.read``, texts.
        InvalidInput: ``E_FIELD_MISSING`` without a result, ``E_COLUMNS`` for another number of labels than of results,
            ``E_STATE`` for a result whose summary this version of ketpk does not give, and for Axes that hold a plot.

    The colours are those of Okabe and Ito, Color Universal Design, 2008.
    """
    library, pyplot = optional("matplotlib", "plot"), optional("matplotlib.pyplot", "plot")
    limits = limits_of(limits)
    _refuse(results, labels)
    if ax is not None and any(line.get_gid() == _MARK for line in getattr(ax, "lines", ())):
        raise InvalidInput(
            "E_STATE", "ax", "holds a plot of ketpk already; accepted: all results in one call, or cla()"
        )
    each = [drawn(r, limits=limits) for r in results]
    until = max(d.until_min for d in each)
    each = [d if d.until_min == until else drawn(r, until_min=until, limits=limits) for r, d in zip(results, each)]
    # Outside the context: the first figure of a notebook turns pyplot interactive, which its end would undo.
    figure = pyplot.figure(figsize=(7.2, 4.5), layout="constrained", facecolor="white") if ax is None else None
    with library.rc_context():
        if figure is not None:
            library.rcParams.update(_WHITE)
        sheet: Any = ax if figure is None else figure.add_subplot()
        library.rcParams.update({"text.usetex": False, "hatch.linewidth": 0.5})
        _Sheet(sheet, results, each, labels, until).draw()
    axes: matplotlib.axes.Axes = sheet
    return axes


def _refuse(results: Sequence[object], labels: object) -> None:
    if not results:
        raise InvalidInput("E_FIELD_MISSING", "results", "nothing to draw; accepted: one result or several")
    if not all(isinstance(r, Result) for r in results):
        raise WrongType("E_TYPE", "results", "not a result; accepted: what ketpk.simulate returns")
    if labels is not None:
        if isinstance(labels, str) or not isinstance(labels, Sequence) or not all(isinstance(x, str) for x in labels):
            raise WrongType("E_TYPE", "labels", "not a list of texts; accepted: one text per result")
        if len(labels) != len(results):
            raise InvalidInput("E_COLUMNS", "labels", "another number than of results; accepted: one text per result")


def reach(each: Sequence[Drawn]) -> float:
    """Where Axes end that show all of these [ng/mL]."""
    top = max(float(c.ng_per_mL.max()) for d in each for c in d.curves)
    near = [line.ng_per_mL for d in each for line in d.lines if line.ng_per_mL <= 2 * top]
    return max([top, *near]) * 1.1 or 1.0


@dataclass(frozen=True)
class _Box:
    """A rectangle in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    def meets(self, other: _Box) -> bool:
        return self.x0 < other.x1 and other.x0 < self.x1 and self.y0 < other.y1 and other.y0 < self.y1


@dataclass(frozen=True)
class _Lane:
    """The rows of the strip that belong to one order, and the colour of its results (None where it is everybody's)."""

    bars: tuple[Bar, ...]
    colour: str | None


class _Sheet:
    """One Axes while it is drawn on."""

    def __init__(
        self,
        ax: matplotlib.axes.Axes,
        results: Sequence[Result],
        each: Sequence[Drawn],
        labels: Sequence[str] | None,
        until_min: float,
    ) -> None:
        self.ax, self.results, self.each, self.labels, self.until_min = ax, results, each, labels, until_min
        self.ink = ax.xaxis.label.get_color()
        self.paper = ax.get_facecolor()
        self.unit, self.unit_min = "d", 1440.0
        if until_min <= 4320:
            self.unit, self.unit_min = ("min", 1.0) if until_min <= 600 else ("h", 60.0)
        self.sites = {str(r.model["site"]) for r in results}
        self.lines: list[matplotlib.lines.Line2D] = []
        self.side_curves = any(len(d.curves) > 1 for d in each)

    def draw(self) -> None:
        self.axes()
        self.curves()
        self.header()
        self.settle()
        self.strip()
        self.settle()
        self.levels()
        for line in self.ax.lines:
            line.set_gid(_MARK)

    def settle(self) -> None:
        """Lets matplotlib lay out what is there, so that lengths can be measured."""
        self.ax.figure.canvas.figure.draw_without_rendering()

    @property
    def px(self) -> float:
        """Pixels per point."""
        return float(self.ax.figure.canvas.figure.dpi) / 72

    def colour(self, i: int) -> Any:
        return _COLOURS[i % len(_COLOURS)] or self.ink

    def text(self, x: float, y: float, said: str, **how: Any) -> matplotlib.text.Text:
        """A text that is taken literally: names are other people's, and a dollar sign is no formula."""
        return self.ax.text(x, y, said, **{"color": self.ink, "fontsize": _SMALL, "parse_math": False, **how})

    def width(self, said: str, size: float) -> float:
        """How long a text is [pixels]."""
        text = self.text(0, 0, said, fontsize=size)
        width = text.get_window_extent().width
        text.remove()
        return 1.04 * float(width)  # at another resolution hinting makes it longer

    def wrapped(self, said: str, size: float, room: float) -> list[str]:
        """A text in lines of at most ``room`` pixels."""
        lines: list[str] = []
        for word in said.split():
            if lines and self.width(f"{lines[-1]} {word}", size) <= room:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        return lines

    def axes(self) -> None:
        from matplotlib import ticker

        class FromZero(ticker.MaxNLocator):
            """No marks in the strip under zero, where no concentration is."""

            def tick_values(self, vmin: float, vmax: float) -> Any:
                return [t for t in super().tick_values(max(0.0, vmin), vmax) if t >= 0]

        ax = self.ax
        ax.set_xlim(0, self.until_min / self.unit_min)
        nice = [1, 1.5, 2, 3, 6, 10] if self.unit == "min" else [1, 2, 3, 6, 10] if self.unit == "h" else [1, 2, 5, 10]
        ax.xaxis.set_major_locator(ticker.MaxNLocator(9, steps=nice))
        ax.yaxis.set_major_locator(FromZero(7, steps=[1, 2, 2.5, 5, 10]))
        ax.set_xlabel(f"time [{self.unit}]", fontsize=_PLAIN)
        analytes = {str(r.inputs["analyte"]) for r in self.results}
        what = "concentration" if self.side_curves else analytes.pop() if len(analytes) == 1 else "ketamine"
        where = f", {_told_site(*self.sites)}" if len(self.sites) == 1 else ""
        ax.set_ylabel(f"plasma {what}, base{where} [ng/mL]", fontsize=_PLAIN)
        ax.tick_params(labelsize=8)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)

    def curves(self) -> None:
        """The curves, plasma before the others, and what is shaded under them."""
        dash = len(self.results)
        for i, d in enumerate(self.each):
            time = d.time_min / self.unit_min
            for curve in d.curves:
                plasma = curve.kind == "plasma"
                style = _DASHES[(i if plasma else dash) % len(_DASHES)]
                dash += not plasma
                self.lines += self.ax.plot(
                    time,
                    curve.ng_per_mL,
                    color=self.colour(i),
                    linestyle=style,
                    linewidth=1.9 if plasma else 1.4,
                    label=self.named(i, curve),
                    zorder=3,
                )
            of_kind = {c.kind: c.ng_per_mL for c in reversed(d.curves)}
            for span in d.spans:
                self.shade(d, span, time, of_kind[span.kind])

    def shade(self, d: Drawn, span: Span, time: Floats, values: Floats) -> None:
        """What is beyond a bound is shaded between bound and curve, and more lightly down to zero; minutes above a
        level are a broad stroke along it."""
        from matplotlib.colors import to_rgba

        start, end = span.start_min / self.unit_min, span.end_min / self.unit_min
        colour = _OF_SEVERITY[span.severity]
        if span.of_minutes:
            self.ax.plot(
                [start, end],
                [span.ng_per_mL] * 2,
                color=colour,
                alpha=0.75,
                linewidth=5,
                solid_capstyle="butt",
                label="_minutes",
                zorder=2.2,
            )
            return
        inside = (d.time_min >= span.start_min) & (d.time_min <= span.end_min)
        # The very ends are not among the instants: there the curve is at the bound, or jumps.
        x = np.concatenate(([start], time[inside], [end]))
        y = np.concatenate(([span.ng_per_mL], values[inside], [span.ng_per_mL]))
        if span.end_min == d.until_min:
            y[-1] = values[-1]
        lowest = min(s.ng_per_mL for s in d.spans if s.limit_id == span.limit_id)
        if len(self.results) == 1 and span.kind == "plasma" and span.ng_per_mL == lowest:
            self.ax.fill_between(x, 0, span.ng_per_mL, facecolor=to_rgba(colour, 0.13), linewidth=0, zorder=1.2)
        self.ax.fill_between(
            x,
            span.ng_per_mL,
            y,
            facecolor=to_rgba(colour, 0.4),
            edgecolor=to_rgba(colour, 0.9),
            hatch="///" if span.severity == "hard" else None,
            linewidth=0,
            zorder=2,
        )

    def named(self, i: int, curve: Curve) -> str:
        """The legend's words for a curve."""
        result, several = self.results[i], len(self.results) > 1
        site = _told_site(str(result.model["site"]))
        whose = self.labels[i] if self.labels else str(result.model["id"])
        if curve.kind == "effect site":
            told = "effect site"
        elif curve.kind == "metabolite":
            told = curve.name + (" (apparent)" if curve.apparent else "")
        elif several:
            who = "" if len({_told_patient(r) for r in self.results}) == 1 else f", {_told_patient(result)}"
            told = "" if self.labels else f"{site}, {_told_order(self.each[i].bars)}{who}"
            told += f"{' · ' if self.labels else ', '}verdict: {result.verdict}"
            return f"{whose}{told}" if self.labels else f"{whose}: {told}"
        else:
            return curve.name
        return f"{whose}: {told}" if several else told

    def header(self) -> None:
        """Over the Axes, from below: the legend, what was found, what was given."""
        results = self.results
        self.settle()
        above = 4.0  # [pt]
        if len(results) > 1 or self.side_curves:
            legend = self.legend(above)
            above += legend.get_window_extent().height / self.px + 1
        basis = "; ".join(dict.fromkeys(r.assessment.basis for r in results))
        patients = list(dict.fromkeys(_told_patient(r) for r in results))
        if len(results) == 1:
            order = _told_order(self.each[0].bars)
            if results[0].sessions:
                order = f"{len(results[0].sessions)} sessions, {order}"
            whose = self.labels[0] if self.labels else str(results[0].model["id"])
            title = f"{whose}: {order}, {patients[0]}"
            told = [_told_delivery(results[0]), f"{_told_verdict(results[0])} · {basis}", _told_flags(results[0])]
        else:
            title = f"{len(results)} results" + (f", {patients[0]}" if len(patients) == 1 else "")
            used = {(u.id, u.version, u.status) for u in (r.assessment.limits for r in results) if u is not None}
            by = "; ".join(f"limits: {i} version {v} (status {s})" for i, v, s in sorted(used))
            told = [f"{by or 'no limits given'} · {basis}"]
        self.titled(title, told, above)

    def titled(self, title: str, told: Sequence[str], above: float) -> None:
        """A title, and under it what is told, from so far over the Axes on [pt]."""
        width = self.ax.get_window_extent().width
        lines = [line for words in told if words for line in self.wrapped(words, _SMALL, width)]
        if lines:
            said = self.ax.annotate(
                "\n".join(lines),
                (0, 1),
                (0, above),
                xycoords="axes fraction",
                textcoords="offset points",
                fontsize=_SMALL,
                color=self.ink,
                alpha=0.85,
                linespacing=1.25,
                ha="left",
                va="bottom",
                parse_math=False,
            )
            above += said.get_window_extent().height / self.px + 3
        self.ax.set_title(
            "\n".join(self.wrapped(title, _LARGE, width)),
            loc="left",
            fontsize=_LARGE,
            color=self.ink,
            pad=above,
            parse_math=False,
        )

    def legend(self, above: float) -> matplotlib.legend.Legend:
        lines, box = self.lines, self.ax.get_window_extent()
        height = float(box.height) / 72
        beside = 8 * (3.6 + 0.8 + 1.6) * self.px  # handle and gaps
        names = ["\n".join(self.wrapped(str(x.get_label()), 8, box.width - beside)) for x in lines]
        in_a_row = len(self.results) == 1 and sum(self.width(n, 8) + beside for n in names) <= box.width
        legend = self.ax.legend(
            handles=lines,
            labels=names,
            loc="lower left",
            bbox_to_anchor=(0, 1 + (above - 3) / (height / self.px * 72)),
            ncols=len(lines) if in_a_row else 1,
            frameon=False,
            fontsize=8,
            handlelength=3.6,
            borderaxespad=0,
            borderpad=0.2,
            labelspacing=0.25,
            columnspacing=1.6,
            labelcolor=self.ink,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
        self.settle()
        return legend

    # The strip -------------------------------------------------------------------------------------------------------

    def lanes(self) -> list[_Lane]:
        """One lane for everybody where all orders are the same and flagged alike."""
        if len({d.bars for d in self.each}) == 1:
            return [_Lane(self.each[0].bars, None)]
        return [_Lane(d.bars, self.colour(i)) for i, d in enumerate(self.each)]

    def top(self) -> float:
        """How high the Axes reach: over all curves, and over the levels that are near them."""
        return reach(self.each)

    def strip(self) -> None:
        """The order under zero, in rows, each bar or triangle with its amount; and with it the scale of the Axes."""
        from matplotlib import transforms

        ax = self.ax
        box = ax.get_window_extent()
        lanes = self.lanes()
        placed = [self.rows(lane, box.width) for lane in lanes]
        rows = sum(max((row for _, row, _, _ in p), default=0) + 1 for p in placed)
        row_px = min(_ROW * self.px, 0.4 * box.height / rows)
        share = (rows * row_px + 4 * self.px) / box.height
        top = self.top()
        ax.set_ylim(-top * share / (1 - share), top)
        ax.axhline(0, color=self.ink, linewidth=0.6, zorder=1)
        across = transforms.blended_transform_factory(ax.transData, ax.transAxes)
        row_share = row_px / box.height
        first = rows
        for lane, lane_rows in zip(lanes, placed):
            deepest = 0
            for bar, row, said, (x, ha) in lane_rows:
                deepest = max(deepest, row)
                middle = (first - row - 0.5) * row_share
                self.bar(lane, bar, middle, 0.62 * row_share, across)
                if said:
                    inside = ha == "center"
                    self.text(
                        x,
                        middle,
                        said,
                        ha=ha,
                        va="center_baseline",
                        transform=across,
                        zorder=5,
                        clip_on=True,
                        fontsize=_SMALL,
                        **({"color": "white"} if inside else {}),
                    )
            first -= deepest + 1
        ax.set_ylabel("\n".join(self.wrapped(ax.get_ylabel(), _PLAIN, (1 - share) * box.height)), fontsize=_PLAIN)
        ax.yaxis.label.set_y((1 + share) / 2)
        ax.annotate(
            "mg base",
            (0, rows * row_share / 2),
            (-4, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=_SMALL,
            color=self.ink,
            ha="right",
            va="center",
        )

    def said_of(self, bar: Bar, brief: bool, said_before: frozenset[tuple[str, str]]) -> str:
        of = "" if bar.ordered_mg is None else f" of {told_number(bar.ordered_mg)}"
        amount = f"{told_number(bar.amount_mg)}{of} mg"
        if brief:
            return amount
        told = amount if bar.rate_mg_per_min is None else f"{amount} at {told_number(bar.rate_mg_per_min)} mg/min"
        flagged = [f"{s}: {q.replace('_', ' ')}" for s, q in sorted(bar.flagged) if (s, q) not in said_before]
        return " · ".join([told, *flagged])

    def rows(self, lane: _Lane, width: float) -> list[tuple[Bar, int, str, tuple[float, str]]]:
        """Each input with its row, its words and where they stand. Where words do not fit, they get fewer."""
        scale = width / self.until_min  # [px/min]
        shown = [b for b in lane.bars if b.start_min <= self.until_min]
        of_all = frozenset.intersection(*(frozenset(b.flagged) for b in lane.bars))  # said once
        most = 3 if len(self.each) == 1 else 2
        for words in ("all", "brief", "none") if len(shown) <= 60 else ("none",):
            free: list[float] = []
            made: list[tuple[Bar, int, str, tuple[float, str]]] = []
            before: frozenset[tuple[str, str]] = frozenset()
            for bar in sorted(shown, key=lambda b: (b.start_min, b.end_min)):
                left, right = bar.start_min * scale, min(bar.end_min, self.until_min) * scale
                if bar.is_bolus:
                    left, right = left - 4 * self.px, right + 4 * self.px
                if bar.marks:  # the sign of a stop
                    right += 4 * self.px
                said = "" if words == "none" else self.said_of(bar, words == "brief", before)
                before |= of_all & set(bar.flagged)
                long = self.width(said, _SMALL) if said else 0.0
                pad = 3 * self.px
                at, ha = (right + pad, "left")
                whole = bar.severity is None and len(bar.runs) == 1 and not bar.marks
                if said and whole and long + 2 * pad <= right - left:
                    at, ha = ((left + right) / 2, "center")
                elif right + pad + long > width and left - pad - long > 0:
                    at, ha = (left - pad, "right")
                first = left - pad - long if ha == "right" else left
                last = right + pad + long if ha == "left" and said else right
                gap = 2 * self.px if said else 0.0
                row = next((i for i, x in enumerate(free) if x + gap <= first), len(free))
                free[row : row + 1] = [last]
                x = at / scale / self.unit_min
                made.append((bar, row, said, (x, ha)))
            if len(free) <= most or words == "none":
                break
        return made

    def bar(self, lane: _Lane, bar: Bar, middle: float, height: float, across: Any) -> None:
        from matplotlib import patches

        colour = _OF_SEVERITY[bar.severity] if bar.severity else (lane.colour or "#5F6B76")
        hatch = _HATCH[bar.severity] if bar.severity else None
        start = bar.start_min / self.unit_min
        edge = lane.colour or self.ink
        if bar.is_bolus:
            self.ax.scatter(
                [start],
                [middle],
                marker="^",
                s=(0.95 * _ROW) ** 2 * 0.45,
                transform=across,
                facecolor=colour,
                edgecolor=edge,
                linewidth=1.0,
                hatch=hatch and hatch * 2,
                zorder=4,
                clip_on=False,
            )
            return
        self.gaps(bar, middle, across)
        for run_start, run_end, _ in bar.runs:
            thin = (run_end - run_start) / self.until_min < 0.01  # an outline would hide it
            self.ax.add_patch(
                patches.Rectangle(
                    (run_start / self.unit_min, middle - height / 2),
                    (run_end - run_start) / self.unit_min,
                    height,
                    transform=across,
                    facecolor=colour,
                    edgecolor=colour if thin else edge,
                    linewidth=1.0,
                    hatch=hatch,
                    zorder=4,
                )
            )
        for at_min, event in _signs(bar.marks):
            self.ax.scatter(
                [at_min / self.unit_min],
                [middle],
                marker=_sign(event),
                s=(0.46 * _ROW) ** 2,
                transform=across,
                facecolor=self.paper,
                edgecolor=self.ink,
                linewidth=0.9,
                zorder=4.5,
                clip_on=False,
            )

    def gaps(self, bar: Bar, middle: float, across: Any) -> None:
        """A thin line where nothing of an input goes in that goes on later, or may."""
        ends = [start for start, _, _ in bar.runs[1:]] + [bar.end_min]
        for (_, from_min, _), to_min in zip(bar.runs, ends):
            if to_min > from_min:
                self.ax.plot(
                    [from_min / self.unit_min, to_min / self.unit_min],
                    [middle] * 2,
                    transform=across,
                    color=self.ink,
                    linewidth=0.8,
                    linestyle=(0, (1.5, 1.5)),
                    label="_gap",
                    zorder=3.9,
                )

    # The levels ------------------------------------------------------------------------------------------------------

    def levels(self) -> None:
        """The lines of the limits, each with its words where they cover the least."""
        ax = self.ax
        box = ax.get_window_extent()
        top = ax.get_ylim()[1]
        lines = sorted(dict.fromkeys(line for d in self.each for line in d.lines), key=lambda x: x.ng_per_mL)
        ink = self.pixels_of_curves()
        taken: list[_Box] = []
        beyond = []
        for line in lines:
            if line.ng_per_mL > top:
                beyond.append(f"{self.said_at(line)} ↑")
                continue
            ax.axhline(
                line.ng_per_mL,
                color=_OF_SEVERITY.get(line.severity, self.ink),
                linestyle=_OF_LINE[line.severity],
                linewidth=1.1,
                zorder=1.5,
            )
        others = [float(ax.transData.transform((0, x.ng_per_mL))[1]) for x in lines if x.ng_per_mL <= top]
        for line in lines:
            if line.ng_per_mL <= top:
                self.level_words(line, box, ink, taken, others)
        if beyond:
            y = box.y1
            for said in beyond:
                text = self.text(1, 0, said, ha="right", va="top", zorder=4)
                text.set_transform(ax.transAxes)
                text.set_y((y - 1 * self.px - box.y0) / box.height)
                y -= 1.3 * _SMALL * self.px

    def said_at(self, line: Line) -> str:
        several = len(self.sites) > 1 and line.site is not None
        return line.says + (f", {line.site}" if several else ", effect site" if line.kind == "effect site" else "")

    def pixels_of_curves(self) -> Floats:
        """Points along all curves, close together [pixels]."""
        found = []
        for line in self.lines:
            points = self.ax.transData.transform(np.column_stack(line.get_data()))
            steps = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))))
            along = np.arange(0, steps[-1], 2.0)
            found.append(np.column_stack([np.interp(along, steps, points[:, k]) for k in (0, 1)]))
        return np.concatenate(found)

    def level_words(self, line: Line, box: Any, ink: Floats, taken: list[_Box], others: Sequence[float]) -> None:
        said = self.said_at(line)
        long, high = self.width(said, _SMALL), 1.15 * _SMALL * self.px
        y = float(self.ax.transData.transform((0, line.ng_per_mL))[1])
        gap = 1.5 * self.px
        best: tuple[float, float, bool, _Box] | None = None
        for step in np.linspace(0, 1, 21):
            right = box.x1 - 2 * self.px - step * max(0.0, box.width - long - 6 * self.px)
            for over in (True, False):
                low = y + gap if over else y - gap - high
                spot = _Box(right - long, low, right, low + high)
                covered = np.count_nonzero(
                    (ink[:, 0] > spot.x0 - gap)
                    & (ink[:, 0] < spot.x1 + gap)
                    & (ink[:, 1] > spot.y0 - gap)
                    & (ink[:, 1] < spot.y1 + gap)
                )
                crossed = sum(spot.y0 < o < spot.y1 for o in others)
                outside = spot.y1 > box.y1 + high
                cost = covered + 40 * crossed + 1000 * sum(spot.meets(t) for t in taken) + 5 * step + 0.5 * (not over)
                cost += 1000 * outside
                if best is None or cost < best[0]:
                    best = (cost, right, over, spot)
        assert best is not None
        _, right, over, spot = best
        taken.append(spot)
        x = (right - box.x0) / box.width
        from matplotlib import transforms

        # Over or under its line by a fixed distance, at a fixed share of the width, whatever is zoomed later.
        moved = transforms.blended_transform_factory(self.ax.transAxes, self.ax.transData)
        moved_by = transforms.ScaledTranslation(0, (1.5 if over else -1.5) / 72, self.ax.figure.dpi_scale_trans)
        text = self.text(x, line.ng_per_mL, said, ha="right", va="bottom" if over else "top", zorder=4)
        text.set_transform(moved + moved_by)
        text.set_bbox({"facecolor": self.paper, "alpha": 0.7, "linewidth": 0, "pad": 0.6})
