# SPDX-License-Identifier: Apache-2.0
"""A population as a picture: where its middle and its edges run, what bounds they meet, and how many are beyond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _plot
from ._cohort import Cohort
from ._errors import InvalidInput
from ._numbers import word
from ._plot import _COLOURS, _OF_LINE, _OF_SEVERITY, _PLAIN, _WHITE, Bar, Drawn, Line, told_number
from ._table import optional

if TYPE_CHECKING:
    import matplotlib.axes

Floats = NDArray[np.float64]

_BAND: Any = _COLOURS[0]
#: Words for what a number of the summaries is.
_QUANTITIES = {
    "cmax_ng_per_mL": "peak plasma {analyte}, base{site} [ng/mL]",
    "tmax_min": "time of the peak [min]",
    "auc_inf_ng_h_per_mL": "area under plasma without end [ng h/mL]",
}


def bands_of(percentiles: Sequence[float]) -> tuple[list[tuple[float, float]], list[float]]:
    """The pairs that leave out as much below as above, the widest first; and those that have no partner but 50."""
    pairs = [(p, 100 - p) for p in percentiles if p < 50 and 100 - p in percentiles]
    paired = {p for pair in pairs for p in pair}
    return pairs, [p for p in percentiles if p not in paired and p != 50]


def lines_of(cohort: Cohort) -> tuple[Line, ...]:
    """The upper bounds on the peak, each with the share of subjects beyond it."""
    site = str(cohort.model["site"])
    lines = []
    for limit_id, severity, level, lone in cohort._told["bounds"]:
        limit = cohort.limits[limit_id]
        beyond = limit.beyond_hard if severity == "hard" else limit.beyond_any
        if beyond is None:
            continue
        share = str(beyond)
        # Where a limit has lower bounds too, crossing them counts as well, and the share is not of this line alone.
        peaks = (
            f"{share} of subjects peak above it" if lone else f"{share} of subjects are beyond a bound of {limit_id}"
        )
        lines.append(Line(limit_id, "plasma", site, severity, level, f"{severity} {told_number(level)} ng/mL: {peaks}"))
    return tuple(lines)


def told_order(cohort: Cohort) -> str:
    """What each subject gets, in words."""
    session = cohort.inputs["session"]
    salt = " (hydrochloride)" if session["form"] == "hydrochloride" else ""
    told = []
    for each in session["order"][:3]:
        kind = next(k for k in ("infuse", "infuse_at_rate", "bolus") if k in each)
        said = f"{each[kind]}{salt} " + ("bolus" if kind == "bolus" else f"over {each['over']}")
        into = f" into {each['into']}" if each.get("into", "central") != "central" else ""
        told.append(said + into + ("" if _minutes(each.get("at", "0 min")) == 0 else f" at {each['at']}"))
    if len(session["order"]) > 3:
        told.append(f"{len(session['order']) - 3} more")
    return " + ".join(told) + (", in sessions" if "course" in session else "")


def _minutes(text: str) -> float:
    return _plot._us(text) / _plot._US["min"]


def _bars(session: Mapping[str, Any]) -> tuple[Bar, ...]:
    """What goes in, where that is what was ordered; nothing where more than that happens."""
    if any(name in session for name in ("course", "events", "pump")):
        return ()
    bars = []
    for each in session["order"]:
        kind = next(k for k in ("infuse", "infuse_at_rate", "bolus") if k in each)
        start = _minutes(each.get("at", "0 min"))
        end = start + (_minutes(each["over"]) if "over" in each else 0)
        runs = () if kind == "bolus" else ((start, end, 0.0),)
        bars.append(Bar(start, end, 0.0, None, str(each[kind]), runs=runs))
    return tuple(bars)


def _told_judgement(cohort: Cohort) -> str:
    used = cohort.assessment.limits
    if used is None:
        return "no limits given"
    by = f"{used.id} version {used.version} (status {used.status})"
    if all(limit.max_probability is None for limit in cohort.limits.values()):
        return f"limits: {by}; none says how often it may be crossed, so there is no verdict on the cohort"
    return f"verdict: {cohort.verdict} by {by}"


def _told_asked(cohort: Cohort) -> str:
    asked = cohort.inputs["cohort"]
    error = cohort.percentile_error_rel
    told = [f"seed {asked['seed']}", "percentiles exact" if not error else f"percentiles within {100 * error:.1f} %"]
    if cohort.n_failed:
        told.append(f"of the {cohort.n_ok:,} answered; {cohort.n_failed:,} failed".replace(",", " "))
    if asked["residual_error"]:
        told.append("with residual error")
    return " · ".join(told)


class _Bands(_plot._Sheet):
    """Plasma of a cohort over time."""

    def __init__(self, ax: Any, cohort: Cohort, until_min: float) -> None:
        drawn = Drawn(
            cohort.time_us, cohort.time_min, until_min, (), _bars(cohort.inputs["session"]), lines_of(cohort), ()
        )
        super().__init__(ax, (), (drawn,), None, until_min)
        self.cohort = cohort
        self.sites = {str(cohort.model["site"])}

    def draw(self) -> None:
        self.axes()
        analyte = self.cohort.inputs["session"]["analyte"]
        self.ax.set_ylabel(f"plasma {analyte}, base, {_plot._told_site(*self.sites)} [ng/mL]", fontsize=_PLAIN)
        self.curves()
        self.header()
        self.settle()
        self.strip()
        self.settle()
        self.levels()
        for line in self.ax.lines:
            line.set_gid(_plot._MARK)

    def top(self) -> float:
        top = max(float(values.max()) for values in self.cohort.percentiles.values())
        near = [line.ng_per_mL for line in self.each[0].lines if line.ng_per_mL <= 2 * top]
        return max([top, *near]) * 1.1 or 1.0

    def curves(self) -> None:
        cohort, ax = self.cohort, self.ax
        time = cohort.time_min / self.unit_min
        mark = "o" if len(time) < 8 else None
        pairs, lone = bands_of(list(cohort.percentiles))
        self.handles: list[Any] = []
        for i, (low, high) in enumerate(pairs):
            band = ax.fill_between(
                time,
                cohort.percentiles[low],
                cohort.percentiles[high],
                facecolor=_BAND,
                alpha=0.18 + 0.1 * min(i, 3),
                linewidth=0,
                zorder=2 + 0.01 * i,
                label=f"middle {high - low:g} % of subjects ({low:g} to {high:g} %)",
            )
            self.handles.append(band)
            for p in (low, high):  # an edge, for the words of levels to keep away from
                self.lines += ax.plot(
                    time, cohort.percentiles[p], color=_BAND, linewidth=0.6, alpha=0.7, label="_edge", zorder=2.2
                )
        if 50 in cohort.percentiles:
            middle = ax.plot(
                time, cohort.percentiles[50], color=_BAND, linewidth=1.9, label="median", marker=mark, zorder=3
            )
            self.lines += middle
            self.handles += middle
            self.uncertain(time)
        for i, p in enumerate(lone):
            line = ax.plot(
                time,
                cohort.percentiles[p],
                color=_BAND,
                linewidth=1.2,
                linestyle=_plot._DASHES[1 + i % (len(_plot._DASHES) - 1)],
                label=f"{p:g} % of subjects are below",
                zorder=2.5,
            )
            self.lines += line
            self.handles += line
        mean = ax.plot(
            time, cohort.mean_ng_per_mL, color=self.ink, linewidth=1.0, linestyle=(0, (2, 2)), label="mean", zorder=2.9
        )
        self.lines += mean
        self.handles += mean

    def uncertain(self, time: Floats) -> None:
        """How well the median is known, over the replicates of a parameter uncertainty."""
        columns = self.cohort.columns
        if "p50_low_ng_per_mL" not in columns:
            return
        for end in ("low", "high"):
            self.lines += self.ax.plot(
                time,
                columns[f"p50_{end}_ng_per_mL"],
                color=_COLOURS[1],
                linewidth=1.2,
                linestyle=(0, (5, 1.5, 1, 1.5)),
                label="median, 95 % of replicates" if end == "low" else "_high",
                zorder=2.8,
            )
            if end == "low":
                self.handles.append(self.lines[-1])

    def header(self) -> None:
        self.settle()
        box = self.ax.get_window_extent()
        beside = 8 * (2.2 + 0.8 + 1.6) * self.px
        names = [str(h.get_label()) for h in self.handles]
        columns = max(1, min(len(names), int(box.width / (max(self.width(n, 8) for n in names) + beside))))
        legend = self.ax.legend(
            handles=self.handles,
            loc="lower left",
            bbox_to_anchor=(0, 1 + 1 * self.px / box.height),
            ncols=columns,
            frameon=False,
            fontsize=8,
            handlelength=2.2,
            borderpad=0.1,
            borderaxespad=0,
        )
        self.settle()
        above = 4.0 + legend.get_window_extent().height / self.px + 2
        self.titled(title_of(self.cohort), [_told_judgement(self.cohort), _told_asked(self.cohort)], above)

    def strip(self) -> None:
        if not self.each[0].bars:
            self.ax.set_ylim(0, self.top())
            return
        super().strip()
        for text in [t for t in self.ax.texts if t.get_text() == "mg base"]:
            text.remove()

    def said_of(self, bar: Bar, brief: bool, said_before: frozenset[tuple[str, str]]) -> str:
        return bar.stated


def title_of(cohort: Cohort) -> str:
    """Model, order and how many."""
    count = f"{cohort.n_in:,}".replace(",", " ")
    return f"{cohort.model['id']}: {told_order(cohort)}, {count} subjects"


# ---------------------------------------------------------------------------------------------------------------------


def shares_above(cohort: Cohort, quantity: str) -> tuple[Floats, Floats, bool]:
    """Values, the share of subjects above each [%], and whether it is from the table of subjects: of the percentiles
    only, with the lowest and the highest, there are a few points."""
    if cohort.subjects is not None:
        values = np.sort(cohort.subjects[quantity][np.isfinite(cohort.subjects[quantity])])
        above = 100 * (1 - np.arange(1, len(values) + 1) / len(values))
        if len(values) > 4000:
            kept = np.unique(np.concatenate((np.linspace(0, len(values) - 1, 4000).astype(int), [0, len(values) - 1])))
            values, above = values[kept], above[kept]
        return np.concatenate((values[:1], values)), np.concatenate(([100.0], above)), True
    of = cohort.summaries[quantity]
    at = {0.0: of.lowest, **of.at_percentiles, 100.0: of.highest}
    return np.array(list(at.values())), 100 - np.array(list(at)), False


class _Shares(_plot._Sheet):
    """How many subjects are above each value."""

    def __init__(self, ax: Any, cohort: Cohort, quantity: str) -> None:
        drawn = Drawn(cohort.time_us, cohort.time_min, 1.0, (), (), (), ())
        super().__init__(ax, (), (drawn,), None, 1.0)
        self.cohort, self.quantity = cohort, quantity

    def draw(self) -> None:
        cohort, ax = self.cohort, self.ax
        of = cohort.summaries[self.quantity]
        values, above, is_whole = shares_above(cohort, self.quantity)
        analyte = cohort.inputs["session"]["analyte"]
        site = f", {_plot._told_site(str(cohort.model['site']))}"
        if self.quantity in _QUANTITIES:
            named = _QUANTITIES[self.quantity].format(analyte=analyte, site=site)
        else:
            level = self.quantity.removeprefix("minutes_above_").removesuffix("_ng_per_mL")
            named = f"time above {level} ng/mL [min]"
        handles: list[Any] = []
        if is_whole:
            self.histogram(cohort.subjects[self.quantity])  # type: ignore[index]
            handles += ax.plot(values, above, color=_BAND, linewidth=1.9, label="subjects above", zorder=3)
        else:
            handles += ax.plot(
                values,
                above,
                color=_BAND,
                linewidth=1.0,
                linestyle=(0, (3, 2)),
                marker="o",
                markersize=4.5,
                label="subjects above, at the percentiles that were asked, and at lowest and highest",
                zorder=3,
            )
        if self.quantity == "cmax_ng_per_mL":
            for line in lines_of(cohort):
                handles.append(
                    ax.axvline(
                        line.ng_per_mL,
                        color=_OF_SEVERITY[line.severity],
                        linestyle=_OF_LINE[line.severity],
                        linewidth=1.3,
                        label=line.says,
                        zorder=2.5,
                    )
                )
        ax.set_ylim(0, 104)
        low, high = float(values[0]), float(values[-1])
        bounds = [x.ng_per_mL for x in lines_of(cohort)] if self.quantity == "cmax_ng_per_mL" else []
        near = [x for x in bounds if low / 2 <= x <= 2 * high]
        left, right = min([low, *near]), max([high, *near])
        room = 0.04 * (right - left) or 0.5
        ax.set_xlim(0 if left - room < 0.25 * right else left - room, right + room)
        ax.set_xlabel(named, fontsize=_PLAIN)
        ax.set_ylabel("share of subjects above [%]", fontsize=_PLAIN)
        ax.tick_params(labelsize=8)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        self.settle()
        box = ax.get_window_extent()
        legend = ax.legend(
            handles=handles,
            loc="lower left",
            bbox_to_anchor=(0, 1 + 1 * self.px / box.height),
            ncols=1,
            frameon=False,
            fontsize=8,
            handlelength=2.6,
            borderpad=0.1,
            borderaxespad=0,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
        self.settle()
        above_pt = 4.0 + legend.get_window_extent().height / self.px + 2
        at = of.at_percentiles
        told = [f"mean {told_number(of.mean)}", *(f"{p:g} %: {told_number(x)}" for p, x in list(at.items())[:7])]
        told.append(f"{told_number(of.lowest)} to {told_number(of.highest)} {of.unit}")
        asked = _told_asked(cohort) + (" · grey: how many have each value" if is_whole else "")
        self.titled(title_of(cohort), [_told_judgement(cohort), " · ".join(told), asked], above_pt)
        for drawn_line in ax.lines:
            drawn_line.set_gid(_plot._MARK)

    def histogram(self, values: Floats) -> None:
        finite = values[np.isfinite(values)]
        if len(finite) < 50 or finite.min() == finite.max():
            return
        counts, edges = np.histogram(finite, bins=min(80, max(10, int(2 * len(finite) ** (1 / 3)))))
        self.ax.stairs(40 * counts / counts.max(), edges, fill=True, facecolor="#7F7F7F", alpha=0.25, zorder=1)


def plot_cohort(cohort: Cohort, quantity: object) -> matplotlib.axes.Axes:
    """As ``Cohort.plot``."""
    name = word(quantity, "quantity")
    if name != "plasma" and name not in cohort.summaries:
        accepted = ", ".join(["plasma", *cohort.summaries])
        raise InvalidInput("E_RANGE", "quantity", f"no number of the cohort; accepted: {accepted}")
    if name == "plasma" and not len(cohort.columns["time_us"]):
        raise InvalidInput(
            "E_FIELD_MISSING", "observe", "no instant was asked; accepted: every_min with until_min, or at_min"
        )
    library, pyplot = optional("matplotlib", "plot"), optional("matplotlib.pyplot", "plot")
    figure = pyplot.figure(figsize=(7.2, 4.6), layout="constrained", facecolor="white")
    with library.rc_context():
        library.rcParams.update(_WHITE)
        ax = figure.add_subplot()
        sheet: Any
        if name == "plasma":
            sheet = _Bands(ax, cohort, float(cohort.time_min[-1]) or 1.0)
        else:
            sheet = _Shares(ax, cohort, name)
        sheet.draw()
    axes: matplotlib.axes.Axes = ax
    return axes
