# SPDX-License-Identifier: Apache-2.0
"""Several models, and grids, as pictures: what lies apart is seen apart, and what a colour says is said without it."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _plot
from ._errors import InvalidInput
from ._plot import _LARGE, _PLAIN, _SMALL, _WHITE, Drawn, drawn, reach, told_number
from ._result import Result
from ._spread import RefusedModel, SiteSpread, Spread, is_alike, is_extrapolated
from ._sweep import Sweep, SweepAxis
from ._table import optional

if TYPE_CHECKING:
    import matplotlib.axes

Floats = NDArray[np.float64]

# ---------------------------------------------------------------------------------------------------------------------
# Several models


def plasma_of(results: Sequence[Result]) -> list[Drawn]:
    """What is to be seen of each: plasma alone, all at the same instants, with the levels of its own sampling site."""
    each = [drawn(r) for r in results]
    until = max(d.until_min for d in each)
    each = [d if d.until_min == until else drawn(r, until_min=until) for r, d in zip(results, each)]
    return [
        dataclasses.replace(
            d, curves=d.curves[:1], lines=tuple(line for line in d.lines if line.kind == "plasma"), spans=()
        )
        for d in each
    ]


def envelope_of(each: Sequence[Drawn]) -> tuple[Floats, Floats]:
    """The lowest and the highest of curves at the same instants."""
    curves = np.array([d.curves[0].ng_per_mL for d in each])
    return curves.min(axis=0), curves.max(axis=0)


def names_of(results: Sequence[Result]) -> str:
    """What models are called beside their curve."""
    said: dict[str, list[str]] = {}
    for r in results:
        marks = (" (S)" if is_alike(r) else "") + (" (x)" if is_extrapolated(r) else "")
        verdict = "" if r.assessment.limits is None else f": {r.verdict}"
        said.setdefault(verdict, []).append(f"{r.model['id']}{marks}")
    return " = ".join(" = ".join(names) + verdict for verdict, names in said.items())


def _told_range(site: SiteSpread) -> str:
    peak = site.cmax_ng_per_mL
    if len(site.models) == 1:
        return f"one model, so no spread is known; peak {peak.highest:.3g} ng/mL"
    fold = "alike" if peak.highest - peak.lowest <= 0.005 * peak.highest else f"{peak.highest / peak.lowest:.3g}-fold"
    return f"{len(site.models)} models; peak {peak.lowest:.3g} to {peak.highest:.3g} ng/mL, {fold}"


def _told_refused(refused: RefusedModel) -> str:
    return f"{refused.id} ({refused.field} {refused.message.partition('; accepted')[0]})"


def _footnotes(spread: Spread) -> list[str]:
    told = []
    if any(len(site.models) > 1 for site in spread.sites):
        told.append(
            "Shaded: from the lowest to the highest model of one sampling site; a range of models, none of patients. "
            "Models differ in drug analysed, study and site at once."
        )
    if any(is_alike(r) for r in spread.results):
        told.append("(S): built on S-ketamine, run as if both enantiomers behaved alike.")
    if any(is_extrapolated(r) for r in spread.results):
        told.append("(x): extrapolated beyond whom the model was built on.")
    told += [f"One source: {' and '.join(group)}." for site in spread.sites for group in site.same_source]
    if spread.refused:
        told.append(f"Not asked: {'; '.join(map(_told_refused, spread.refused))}.")
    return told


class _Panel(_plot._Sheet):
    """The models of one sampling site."""

    def __init__(self, ax: Any, site: SiteSpread, results: Sequence[Result], each: Sequence[Drawn], top: float) -> None:
        super().__init__(ax, results, each, None, each[0].until_min)
        self.site, self.highest = site, top
        self.is_first = ax.get_subplotspec().is_first_col()

    def top(self) -> float:
        return self.highest

    def axes(self) -> None:
        super().axes()
        analyte = self.results[0].inputs["analyte"]
        self.ax.set_ylabel(f"plasma {analyte}, base [ng/mL]" if self.is_first else "", fontsize=_PLAIN)

    def curves(self) -> None:
        super().curves()
        if len(self.each) < 2:
            return
        low, high = envelope_of(self.each)
        time = self.each[0].time_min / self.unit_min
        self.ax.fill_between(time, low, high, facecolor="#7F7F7F", alpha=0.22, linewidth=0, zorder=1.1)

    def header(self) -> None:
        said = self.ax.annotate(
            _told_range(self.site),
            (0, 1),
            (0, 4),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=_SMALL,
            color=self.ink,
            ha="left",
            va="bottom",
        )
        above = 4 + said.get_window_extent().height / self.px + 3
        title = _plot._told_site(self.site.site)
        self.ax.set_title(title, loc="left", fontsize=_LARGE, color=self.ink, pad=above)

    def strip(self) -> None:
        super().strip()
        if not self.is_first:
            for text in [t for t in self.ax.texts if t.get_text() == "mg base"]:
                text.remove()
            self.ax.tick_params(labelleft=False)

    def names(self) -> None:
        """Each model's name beside its own curve, where curves lie apart, with a stroke that leads to it. Curves that
        lie one upon the other have one name together."""
        box = self.ax.get_window_extent()
        zero = float(self.ax.transData.transform((0, 0))[1])
        curves = [self._along(line) for line in self.lines]
        levels = [float(self.ax.transData.transform((0, x.ng_per_mL))[1]) for d in self.each for x in d.lines]
        taken = [_box(t.get_window_extent()) for t in self.ax.texts]
        high = 1.2 * _SMALL * self.px
        for group in self._groups(curves):
            own = curves[group[0]]
            others = [c for j, c in enumerate(curves) if j not in group]
            ink = np.concatenate([own, *others])
            apart = np.full(len(own), np.inf)
            for curve in others:
                apart = np.minimum(apart, _distances(own, curve))
            crowded = np.maximum(0, 12 - apart / self.px)
            # Where the curve is high the names of one panel begin close to each other, and to what they speak of.
            crowded += 0.02 * np.hypot(*(own - own[np.argmax(own[:, 1])]).T) / self.px
            said = names_of([self.results[i] for i in group])
            long = self.width(said, _SMALL)
            best: tuple[float, Any, Any] | None = None
            for x in np.linspace(box.x0 + 4 * self.px, max(box.x0 + 4 * self.px, box.x1 - long), 29):
                for y in np.arange(zero + 3 * self.px, box.y1 - high, 0.5 * high):
                    spot = _plot._Box(float(x), float(y), float(x) + long, float(y) + high)
                    cost = 3000 * sum(spot.meets(t) for t in taken) + 30 * sum(spot.y0 < y < spot.y1 for y in levels)
                    if best is not None and cost >= best[0]:
                        continue
                    more, anchor = self._cost(spot, own, ink, crowded)
                    if best is None or cost + more < best[0]:
                        best = (cost + more, spot, anchor)
            if best is None:
                continue
            _, spot, anchor = best
            taken.append(spot)
            back = self.ax.transAxes.inverted().transform
            x, y = back((spot.x0, (spot.y0 + spot.y1) / 2))
            self.ax.plot(
                *np.array([back(_nearest(spot, anchor)), back(anchor)]).T,
                transform=self.ax.transAxes,
                color=self.colour(group[-1]),
                linewidth=0.8,
                label="_leader",
                zorder=3.5,
            )
            text = self.text(x, y, said, transform=self.ax.transAxes, va="center", ha="left", zorder=4)
            text.set_bbox({"facecolor": self.paper, "alpha": 0.75, "linewidth": 0, "pad": 0.4})

    def _groups(self, curves: Sequence[Floats]) -> list[list[int]]:
        """The curves, the highest first, those together that cannot be told apart."""
        groups: list[list[int]] = []
        for i in sorted(range(len(curves)), key=lambda i: -self.results[i].summary.cmax_ng_per_mL):
            alike = (g for g in groups if _distances(curves[i], curves[g[0]]).max() < 1.5 * self.px)
            if (group := next(alike, None)) is None:
                groups.append([i])
            else:
                group.append(i)
        return [sorted(group) for group in groups]

    def _along(self, line: Any) -> Floats:
        """Points along a curve, close together [pixels]."""
        points = self.ax.transData.transform(np.column_stack(line.get_data()))
        steps = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))))
        along = np.arange(0, steps[-1], 4.0)
        return np.column_stack([np.interp(along, steps, points[:, k]) for k in (0, 1)])

    def _cost(self, spot: Any, own: Floats, ink: Floats, crowded: Floats) -> tuple[float, Floats]:
        """What is wrong with a place for a name: what it covers, how far it is, and what lies between; and the point of
        the curve that it is led to."""
        px = self.px
        dx = np.maximum(np.maximum(spot.x0 - ink[:, 0], ink[:, 0] - spot.x1), 0)
        dy = np.maximum(np.maximum(spot.y0 - ink[:, 1], ink[:, 1] - spot.y1), 0)
        away = np.hypot(dx, dy)
        cost = 8.0 * np.count_nonzero(away < 2 * px)
        to_own = np.abs(away[: len(own)] / px - 7)
        at = int(np.argmin(to_own + 2.5 * crowded))
        anchor = own[at]
        cost += float(to_own[at]) + 2.5 * float(crowded[at])
        start = np.array(_nearest(spot, anchor))
        for share in (0.2, 0.4, 0.6, 0.8):
            point = start + share * (anchor - start)
            if np.hypot(*(point - anchor)) > 5 * px and np.hypot(*(ink - point).T).min() < 2 * px:
                cost += 15
        return float(cost), anchor


def _box(extent: Any) -> _plot._Box:
    return _plot._Box(extent.x0, extent.y0, extent.x1, extent.y1)


def _nearest(spot: Any, point: Floats) -> tuple[float, float]:
    """The point of a rectangle that is nearest to another point."""
    return min(max(float(point[0]), spot.x0), spot.x1), min(max(float(point[1]), spot.y0), spot.y1)


def _distances(points: Floats, curve: Floats) -> Floats:
    """How far each point is from a curve."""
    nearest: Floats = np.hypot(*(points[:, None, :] - curve[None, :, :]).transpose(2, 0, 1)).min(axis=1)
    return nearest


def plot_spread(spread: Spread) -> tuple[matplotlib.axes.Axes, ...]:
    """As ``Spread.plot``."""
    library, pyplot = optional("matplotlib", "plot"), optional("matplotlib.pyplot", "plot")
    each = dict(zip(spread, plasma_of(spread.results)))
    top = reach(list(each.values()))
    wide = {1: 6.6, 2: 8.6}.get(len(spread.sites), 1.2 + 3.4 * len(spread.sites))
    figure = pyplot.figure(figsize=(wide, 4.8), layout="constrained", facecolor="white")
    with library.rc_context():
        library.rcParams.update(_WHITE)
        grid = figure.subplots(1, len(spread.sites), squeeze=False)[0]
        panels = [
            _Panel(ax, site, [spread[id] for id in site.models], [each[id] for id in site.models], top)
            for ax, site in zip(grid, spread.sites)
        ]
        for panel in panels:
            panel.axes()
            panel.curves()
        first = panels[0]
        room = 0.97 * figure.bbox.width
        one = next(iter(each.values()))
        any_result = spread.results[0]
        patient = _plot._told_patient(any_result)
        title = f"{_plot._told_order(one.bars)}, {patient}: {len(spread)} models"
        used = any_result.assessment.limits
        by = "no limits given" if used is None else f"limits: {used.id} version {used.version} (status {used.status})"
        basis = any_result.assessment.basis
        _over(figure, first, title, f"{by} · {basis}", room)
        _under(figure, first, _footnotes(spread), room)
        for panel in panels:
            panel.header()
        first.settle()
        for panel in panels:
            panel.strip()
        first.settle()
        for panel in panels:
            panel.levels()
        first.settle()
        for panel in panels:
            panel.names()
            for line in panel.ax.lines:
                line.set_gid(_plot._MARK)
    return tuple(grid)


def _over(figure: Any, sheet: Any, title: str, said: str, room: float) -> None:
    """What was asked, over all panels."""
    lines = [*sheet.wrapped(title, _LARGE, room), *sheet.wrapped(said, _LARGE, room)]
    text = figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=_LARGE - 0.5, color=sheet.ink)
    text.set_parse_math(False)


def _under(figure: Any, sheet: Any, notes: Sequence[str], room: float) -> None:
    """What must be known, under all panels."""
    lines = [line for note in notes for line in sheet.wrapped(note, _SMALL, room)]
    if lines:
        text = figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=_SMALL, color=sheet.ink)
        text.set_parse_math(False)


# ---------------------------------------------------------------------------------------------------------------------
# A grid

_MOST_PANELS = 24
_WITHIN, _SOFT, _HARD, _OPEN, _REFUSED = range(5)
_TOLD_STATES = {
    _WITHIN: "within limits",
    _SOFT: "soft flag",
    _HARD: "hard flag",
    _OPEN: "a required check not evaluated",
    _REFUSED: "refused",
}
_HATCHES = {_SOFT: "//", _HARD: "xx", _OPEN: "..", _REFUSED: "\\\\\\"}
_MARKERS = {_WITHIN: "o", _SOFT: "^", _HARD: "X", _OPEN: "D", _REFUSED: "x"}
_INPUTS = {"dosing_weight": "dosing weight", "bag": "drug in the bag", "start": "start of the infusion"}
_UNITS = (("_ng_per_mL", "ng/mL"), ("_ng_h_per_mL", "ng h/mL"), ("_min", "min"), ("_mg", "mg"))
_QUANTITIES = {
    "cmax_ng_per_mL": "peak plasma {analyte}",
    "tmax_min": "time of the peak",
    "auc_inf_ng_h_per_mL": "area under plasma without end",
    "delivered_mg": "delivered base",
    "terminal_half_life_min": "terminal half-life",
    "agreement_rel": "difference of the two solvers, relative",
}


def told_quantity(name: str, analyte: str) -> tuple[str, str]:
    """A column of numbers in words, and its unit."""
    above = re.fullmatch(r"(minutes|first_min)_above_(.+)_ng_per_mL", name)
    if above is not None:
        what = "time above" if above[1] == "minutes" else "first time above"
        return f"{what} {above[2]} ng/mL", "min"
    ended = next(((ending, unit) for ending, unit in _UNITS if name.endswith(ending)), ("", ""))
    effect = re.fullmatch(r"(.+) \((.+)\)", name)
    if effect is not None:
        return effect[1].replace("_", " "), effect[2]
    plain = name.removesuffix(ended[0]).replace("_", " ")
    return _QUANTITIES.get(name, plain).format(analyte=analyte), ended[1]


def told_axis(axis: SweepAxis) -> str:
    """What was varied, in words."""
    of = re.match(rf"{axis.input}_(\d+)_", axis.column)
    return _INPUTS.get(axis.input, axis.input) + (f" of input {of[1]}" if of else "")


def models_named(sweep: Sweep) -> dict[str, str]:
    """Each model that was asked, with its sampling site, and marked where it is run as if enantiomers were alike."""
    columns = sweep.columns
    asked = columns["model"] if "model" in columns else [next(iter(sweep._told["sites"]))] * sweep.points
    flags = zip(asked, columns["flags"])
    alike = {id for id, codes in flags if codes and "ENANTIOMERS_ASSUMED_ALIKE" in codes.split(";")}
    return {
        id: f"{id}{' (S)' if id in alike else ''} ({_plot._told_site(site)})"
        for id, site in sweep._told["sites"].items()
    }


def states_of(sweep: Sweep) -> NDArray[np.int64]:
    """What each point is to be told apart by; without limits nothing is but what was refused."""
    limits = sweep._told["limits"] is not None
    kinds = {"within-limits": _WITHIN, "soft": _SOFT, "hard": _HARD, "unevaluated": _OPEN if limits else _WITHIN}
    return np.array([_REFUSED if v is None else kinds[v] for v in sweep.columns["verdict"]], dtype=np.int64)


def edges_of(values: Floats) -> Floats:
    """Where cells around increasing values begin and end."""
    if len(values) == 1:
        half = 0.05 * abs(values[0]) or 0.5
        return np.array([values[0] - half, values[0] + half])
    middles = (values[1:] + values[:-1]) / 2
    return np.concatenate(([2 * values[0] - middles[0]], middles, [2 * values[-1] - middles[-1]]))


@dataclasses.dataclass(frozen=True, eq=False)
class Scale:
    """One axis of a panel: where values stand on it, and in which order they are taken.

    Attributes:
        at: shape ``(n,)``, increasing.
        order: the places of the values on it.
        ticks: what stands at each, where that is no number; None for numbers.
    """

    at: Floats
    order: NDArray[np.int64]
    ticks: tuple[str, ...] | None

    @classmethod
    def of(cls, axis: SweepAxis, named: Mapping[str, str]) -> Scale:
        places = np.arange(len(axis.values))
        if axis.unit is None:
            words = tuple(named[id] for id in axis.values.tolist())
            return cls(places.astype(float), places, words)
        order = np.argsort(axis.values, kind="stable")
        if len(np.unique(axis.values)) == len(axis.values):
            return cls(axis.values[order], order, None)
        return cls(places.astype(float), places, tuple(told_number(x) for x in axis.values))


def _held(sweep: Sweep) -> str:
    """What is not varied: patient and order as they were stated."""
    session = sweep.inputs["session"]
    varied = {(axis["input"], axis.get("of")) for axis in sweep.inputs["vary"]}
    plain = {name for name, _ in varied}

    def amount(text: str) -> str:
        number, unit = text.split(" ")
        return f"{told_number(float(number))} {unit}"

    patient = session["patient"]
    told = [f"{name} {amount(patient[name])}" for name in ("weight", "height", "age") if name in patient]
    told = [each for each in told if each.split(" ")[0] not in plain]
    keys = {"infuse": "dose", "infuse_at_rate": "rate", "bolus": "bolus", "over": "duration"}
    for i, given in enumerate(session["order"]):
        fixed = [
            amount(given[key]) if key != "over" else f"over {amount(given[key])}"
            for key, what in keys.items()
            if key in given and not {(what, None), (what, i)} & varied
        ]
        kind = "bolus" if "bolus" in given else "infusion"
        if fixed:
            told.append(f"{kind} {' '.join(fixed)}")
    return ", ".join(told)


def plot_sweep(sweep: Sweep, quantity: str) -> tuple[matplotlib.axes.Axes, ...]:
    """As ``Sweep.plot``."""
    library, pyplot = optional("matplotlib", "plot"), optional("matplotlib.pyplot", "plot")
    axes = sweep.axes
    across = [k for k, axis in enumerate(axes) if axis.unit is not None][:2] or [0]
    others = [k for k in range(len(axes)) if k not in across]
    panels = int(np.prod([len(axes[k].values) for k in others]))
    if panels > _MOST_PANELS:
        raise InvalidInput(
            "E_SIZE", "plot", f"a panel for each combination of what else is varied; accepted: up to {_MOST_PANELS}"
        )
    columns = min(panels, 3)
    rows = -(-panels // columns)
    figure = pyplot.figure(
        figsize=(max(6.6, 1.6 + 3.0 * columns), 1.7 + 2.8 * rows), layout="constrained", facecolor="white"
    )
    with library.rc_context():
        library.rcParams.update(_WHITE)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for ax in grid[panels:]:
            ax.remove()
        grid = grid[:panels]
        _Map(sweep, quantity, across, others, tuple(grid)).draw()
    return tuple(grid)


class _Map:
    """All panels of one number of a grid."""

    def __init__(
        self, sweep: Sweep, quantity: str, across: Sequence[int], others: Sequence[int], panels: Sequence[Any]
    ) -> None:
        self.sweep, self.across, self.others, self.panels = sweep, across, others, panels
        self.figure = panels[0].figure
        shape = [len(axis.values) for axis in sweep.axes]
        self.named_models = models_named(sweep)
        self.scales = [Scale.of(sweep.axes[k], self.named_models) for k in across]
        self.values = self._laid(sweep.columns[quantity].reshape(shape))
        self.states = self._laid(states_of(sweep).reshape(shape))
        analyte = str(sweep.inputs["session"]["analyte"])
        self.told, self.unit = told_quantity(quantity, analyte)
        self.ink = panels[0].xaxis.label.get_color()

    def _laid(self, whole: NDArray[Any]) -> NDArray[Any]:
        """Panel by panel, with the first drawn axis last."""
        moved = np.moveaxis(whole, [*self.others, *reversed(self.across)], range(whole.ndim))
        panels = moved.reshape(len(self.panels), *moved.shape[len(self.others) :])
        for scale, axis in zip(self.scales, (-1, -2)):
            panels = np.take(panels, scale.order, axis=axis)
        return panels

    @property
    def named(self) -> str:
        """The number with its unit."""
        return f"{self.told} [{self.unit}]" if self.unit else self.told

    def draw(self) -> None:
        if self.scales[0].ticks is not None and len(self.sweep.axes) == 1:
            self.dots(self.panels[0])
            self.header()
            return
        shown = self.lines if len(self.across) == 1 else self.map
        combinations = list(itertools.product(*(range(len(self.sweep.axes[k].values)) for k in self.others)))
        for i, (ax, places) in enumerate(zip(self.panels, combinations)):
            ax.tick_params(labelsize=8)
            title = ", ".join(self._value(k, place) for k, place in zip(self.others, places))
            if title:
                ax.set_title(title, loc="left", fontsize=_PLAIN, color=self.ink, parse_math=False)
            shown(ax, i)
            spec = ax.get_subplotspec()
            if spec.is_last_row() or i + spec.get_gridspec().ncols >= len(self.panels):
                ax.set_xlabel(self._axis(0), fontsize=_PLAIN)
                ax.xaxis.set_tick_params(labelbottom=True)
            if spec.is_first_col():
                ax.set_ylabel(self.named if len(self.across) == 1 else self._axis(1), fontsize=_PLAIN)
        self.ticks()
        self.header()
        if len(self.across) == 2:
            self.numbers()

    def _value(self, k: int, place: int) -> str:
        axis = self.sweep.axes[k]
        value = axis.values[place]
        if axis.unit is None:
            return self.named_models[value]
        return f"{told_axis(axis)} {told_number(float(value))} {axis.unit}"

    def _axis(self, which: int) -> str:
        axis = self.sweep.axes[self.across[which]]
        return told_axis(axis) + (f" [{axis.unit}]" if axis.unit else "")

    def ticks(self) -> None:
        """At the values that were asked, where they are few and do not lie close together."""
        for scale, axes, gap in zip(
            self.scales, ([a.xaxis for a in self.panels], [a.yaxis for a in self.panels]), (0.13, 0.06)
        ):
            few = 1 < len(scale.at) <= 8 and np.diff(scale.at).min() > gap * (scale.at[-1] - scale.at[0])
            for axis in axes:
                if scale.ticks is not None:
                    axis.set_ticks(scale.at, scale.ticks)
                elif few or len(scale.at) == 1:
                    axis.set_ticks(scale.at, [told_number(x) for x in scale.at])

    def header(self) -> None:
        from matplotlib.text import Text

        def wrapped(said: str, size: float) -> list[str]:
            room, lines = 0.97 * self.figure.bbox.width, [""]
            for word in said.split():
                longer = f"{lines[-1]} {word}".strip()
                text = Text(0, 0, longer, fontsize=size, parse_math=False, figure=self.figure)
                if lines[-1] and text.get_window_extent().width > room:
                    lines.append(word)
                else:
                    lines[-1] = longer
            return lines

        models = list(self.named_models.values())
        title = ", ".join([self.told, *models[: len(models) == 1]])
        limits = self.sweep._told["limits"]
        by = "no limits given" if limits is None else f"limits: {limits[0]} version {limits[1]} (status {limits[2]})"
        held = _held(self.sweep)
        alike = any(" (S) " in name for name in models)
        note = "(S): built on S-ketamine, run as if both enantiomers behaved alike" if alike else ""
        said = " · ".join(each for each in (held, by, note) if each)
        lines = [*wrapped(title, _LARGE), *wrapped(said, _LARGE)]
        text = self.figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=_LARGE - 0.5, color=self.ink)
        text.set_parse_math(False)
        self.legend()

    def legend(self) -> None:
        from matplotlib import lines, patches

        present = [state for state in _TOLD_STATES if np.any(self.states == state)]
        limits = self.sweep._told["limits"] is not None
        present = [state for state in present if state == _REFUSED or limits]
        handles: list[Any] = []
        for state in present:
            if len(self.across) == 1:
                handles.append(lines.Line2D([], [], linestyle="none", label=_TOLD_STATES[state], **self.marker(state)))
            else:
                face = "white" if state == _REFUSED else "#C9E8DF"
                handles.append(
                    patches.Patch(
                        facecolor=face,
                        edgecolor="#262626",
                        hatch=_HATCHES.get(state),
                        linewidth=0.6,
                        label=_TOLD_STATES[state],
                    )
                )
        if handles:
            self.figure.legend(
                handles=handles,
                loc="outside lower left",
                ncols=len(handles),
                frameon=False,
                fontsize=8,
                handlelength=2.4,
                handleheight=1.3,
                labelcolor=self.ink,
            )

    # A map -----------------------------------------------------------------------------------------------------------

    def map(self, ax: Any, panel: int) -> None:
        from matplotlib import colormaps, colors, patches

        values, states = self.values[panel], self.states[panel]
        x, y = (edges_of(scale.at) for scale in self.scales)
        finite = self.values[np.isfinite(self.values)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        # The darkest are left out, so that hatching in ink is seen on every colour, and the palest, which are paper.
        shown = colormaps["YlGnBu"](np.linspace(0.1, 0.75, 256))
        shades = colors.LinearSegmentedColormap.from_list("ketpk", shown).with_extremes(bad="#E4E4E4")
        mesh = ax.pcolormesh(
            x,
            y,
            np.ma.masked_invalid(values),
            cmap=shades,
            norm=colors.Normalize(low, high if high > low else low + 1),
            rasterized=values.size > 2500,
            zorder=1,
        )
        for state, hatch in _HATCHES.items():
            region = _region(x, y, states == state)
            if region is not None:
                refused = state == _REFUSED
                ax.add_patch(
                    patches.PathPatch(
                        region,
                        facecolor="white" if refused else "none",
                        edgecolor="#9A9A9A" if refused else (0.1, 0.1, 0.1, 0.45),
                        hatch=hatch,
                        linewidth=0,
                        zorder=2,
                        label=f"_{_TOLD_STATES[state]}",
                    )
                )
        self.borders(ax, x, y, states)
        ax.set_xlim(x[0], x[-1])
        ax.set_ylim(y[0], y[-1])
        if panel == len(self.panels) - 1:
            bar = self.figure.colorbar(mesh, ax=list(self.panels), fraction=0.04, pad=0.02, aspect=28)
            bar.set_label(self.named, fontsize=_PLAIN)
            bar.ax.tick_params(labelsize=8)
            bar.outline.set_linewidth(0.6)

    def borders(self, ax: Any, x: Floats, y: Floats, states: NDArray[np.int64]) -> None:
        """Along the cells where the verdict changes: a broad line around hard flags, a thin one elsewhere."""
        from matplotlib.collections import LineCollection

        thin: list[Any] = []
        broad: list[Any] = []
        for j, i in zip(*np.nonzero(states[:, 1:] != states[:, :-1])):
            pair = {int(states[j, i]), int(states[j, i + 1])}
            (broad if _HARD in pair else thin).append([(x[i + 1], y[j]), (x[i + 1], y[j + 1])])
        for j, i in zip(*np.nonzero(states[1:] != states[:-1])):
            pair = {int(states[j, i]), int(states[j + 1, i])}
            (broad if _HARD in pair else thin).append([(x[i], y[j + 1]), (x[i + 1], y[j + 1])])
        for segments, width in ((thin, 1.1), (broad, 2.4)):
            for colour, more, order in (("white", 1.6, 3.0), ("#111111", 0.0, 3.1)):
                ax.add_collection(
                    LineCollection(
                        segments, colors=colour, linewidths=width + more, capstyle="projecting", zorder=order
                    ),
                    autolim=False,
                )

    def numbers(self) -> None:
        """The number in each cell, where there is room for it in all of them."""
        from matplotlib.text import Text

        self.figure.canvas.figure.draw_without_rendering()
        finite = self.values[np.isfinite(self.values)]
        if not len(finite):
            return
        decimals = max(0, 2 - int(np.floor(np.log10(np.abs(finite).max() or 1))))
        longest = max((f"{v:.{decimals}f}" for v in finite), key=len)
        text = Text(0, 0, longest, fontsize=_SMALL, figure=self.figure)
        wide, high = text.get_window_extent().width * 1.6, text.get_window_extent().height * 1.6
        x, y = (edges_of(scale.at) for scale in self.scales)
        box = self.panels[0].get_window_extent()
        narrow = np.diff(x).min() / (x[-1] - x[0]) * box.width < wide
        low = np.diff(y).min() / (y[-1] - y[0]) * box.height < high
        if narrow or low or self.values[0].size > 100:
            return
        for panel, ax in enumerate(self.panels):
            for j, i in itertools.product(range(len(y) - 1), range(len(x) - 1)):
                value, state = self.values[panel][j, i], self.states[panel][j, i]
                if not np.isfinite(value):
                    continue
                said = ax.text(
                    (x[i] + x[i + 1]) / 2,
                    (y[j] + y[j + 1]) / 2,
                    f"{value:.{decimals}f}",
                    fontsize=_SMALL,
                    color="#111111",
                    ha="center",
                    va="center",
                    zorder=4,
                )
                if state in _HATCHES:
                    said.set_bbox({"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.8})

    # A line ----------------------------------------------------------------------------------------------------------

    def marker(self, state: int) -> dict[str, Any]:
        filled = state in (_WITHIN, _SOFT, _HARD)
        colour = {_SOFT: "#E69F00", _HARD: "#D55E00"}.get(state, "#0072B2")
        return {
            "marker": _MARKERS[state],
            "markersize": 5 if state in (_WITHIN, _OPEN) else 7,
            "markerfacecolor": colour if filled else "white",
            "markeredgecolor": "#111111",
            "markeredgewidth": 0.8 if state != _REFUSED else 1.2,
        }

    def lines(self, ax: Any, panel: int) -> None:
        at, values, states = self.scales[0].at, self.values[panel], self.states[panel]
        if self.scales[0].ticks is None:
            ax.plot(at, values, color="#0072B2", linewidth=1.6, zorder=2)
        turns = np.flatnonzero(states[1:] != states[:-1])
        marked = np.unique([*range(0, len(at), max(1, len(at) // 30)), len(at) - 1, *turns, *(turns + 1)])
        for state in _TOLD_STATES:
            here = marked[states[marked] == state]
            if state == _REFUSED:
                ax.plot(
                    at[here],
                    np.full(len(here), 0.03),
                    linestyle="none",
                    transform=ax.get_xaxis_transform(),
                    zorder=3,
                    **self.marker(state),
                )
            else:
                ax.plot(at[here], values[here], linestyle="none", zorder=3, **self.marker(state))
        finite = self.values[np.isfinite(self.values)]
        if len(finite):
            ax.set_ylim(0 if finite.min() >= 0 else None, 1.08 * float(finite.max()) or 1.0)
        room = 0.04 * (at[-1] - at[0]) or 0.5
        ax.set_xlim(at[0] - room, at[-1] + room)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)

    def dots(self, ax: Any) -> None:
        """What cannot be ordered: a row for each, the first on top."""
        values, states = self.values[0], self.states[0]
        rows = np.arange(len(values))[::-1]
        for state in _TOLD_STATES:
            here = np.flatnonzero(states == state)
            refused = state == _REFUSED
            ax.plot(
                np.full(len(here), 0.02) if refused else values[here],
                rows[here],
                linestyle="none",
                transform=ax.get_yaxis_transform() if refused else ax.transData,
                zorder=3,
                **self.marker(state),
            )
        finite = values[np.isfinite(values)]
        if len(finite):
            ax.set_xlim(0 if finite.min() >= 0 else None, 1.08 * float(finite.max()) or 1.0)
        ax.set_ylim(-0.6, len(values) - 0.4)
        ax.set_yticks(rows, self.scales[0].ticks)
        ax.tick_params(labelsize=8, axis="both")
        ax.hlines(rows, 0, 1, transform=ax.get_yaxis_transform(), color="#D0D0D0", linewidth=0.7, zorder=1)
        ax.set_xlabel(self.named, fontsize=_PLAIN)
        for side in ("top", "right", "left"):
            ax.spines[side].set_visible(False)


def _region(x: Floats, y: Floats, inside: NDArray[np.bool_]) -> Any:
    """One path around all cells that are inside, row by row; None where there is none."""
    from matplotlib.path import Path

    corners: list[tuple[float, float]] = []
    codes: list[Any] = []
    for j, row in enumerate(inside):
        turns = np.flatnonzero(np.diff(np.concatenate(([0], row.astype(np.int8), [0]))))
        for begin, end in zip(turns[::2], turns[1::2]):
            left, right, low, high = x[begin], x[end], y[j], y[j + 1]
            corners += [(left, low), (right, low), (right, high), (left, high), (left, low)]
            codes += [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY]
    return Path(corners, codes) if corners else None
