# SPDX-License-Identifier: Apache-2.0
"""What models predict, held against what was measured: the answer of ``ketpk validate`` as a value, and its pictures."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from . import _core
from ._errors import InvalidInput, WrongType
from ._frozen import Immutable, frozen
from ._numbers import word
from ._table import optional

if TYPE_CHECKING:
    import matplotlib.axes
    import matplotlib.figure
    import pandas

__all__ = ["Evidence", "validate"]

# Okabe and Ito, Color Universal Design, 2008.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_SITE_COLOURS = {"arterial": "#D55E00", "venous": "#0072B2", "not-stated": "#595959"}
_SITE_LINES = {"arterial": "-", "venous": "--", "not-stated": ":"}
_SITE_WORDS = {"arterial": "arterial", "venous": "venous", "not-stated": "site not stated"}
_MARKERS = ("o", "s", "^", "D", "v", ">", "p", "<", "h", "8")
_INK, _PALE = "#262626", "#B3B3B3"
_US_PER_H = 3_600_000_000


class Evidence(Immutable):
    """How far each model was off what was measured. ``ketpk.validate`` makes one; ``str(evidence)`` is its card.

    Data of one sampling site judge models of that site, on the analyte that their card lists, in people that their
    domain holds, and on data they did not see: a comparison says in ``standing`` whether it ``judges``, ``shows-fit``
    or is for ``orientation``, and in ``marks`` why.

    It is a value: it does not change, equal ones are equal, and it can be pickled. It is no truth value.
    """

    __slots__ = ("_document", "_texts")
    _document: Mapping[str, Any]
    _texts: tuple[str, str, str, str]

    def __init__(self) -> None:
        raise TypeError("evidence comes from ketpk.validate()")

    @classmethod
    def _of(cls, texts: tuple[str, str, str, str]) -> Evidence:
        made = object.__new__(cls)
        for name, value in (("_texts", texts), ("_document", frozen(json.loads(texts[0])))):
            object.__setattr__(made, name, value)
        return made

    @property
    def models(self) -> tuple[Mapping[str, Any], ...]:
        """Each model that was run: id, label, citation, site, analytes, and not_for_use, the reason or None."""
        return tuple(self._document["models"])

    @property
    def data(self) -> tuple[Mapping[str, Any], ...]:
        """Each data set with its paper, source, licence, site, subjects, series as printed, and caveats. Read-only."""
        return tuple(self._document["data"])

    @property
    def comparisons(self) -> tuple[Mapping[str, Any], ...]:
        """One model on one data set for one molecule each, as ``ketpk.evidence/1`` has it: standing, marks, error
        (mdpe_percent, mdape_percent, wobble_percent, divergence_percent_per_h), phases, points, predicted."""
        return tuple(self._document["comparisons"])

    @property
    def version(self) -> str:
        """Of the ketpk that calculated it."""
        return str(self._document["ketpk"]["version"])

    def to_json(self) -> str:
        """All of it as ``ketpk.evidence/1``, the same bytes as ``ketpk validate --json`` writes."""
        return self._texts[0]

    def to_csv(self) -> str:
        """One row for each point, the same bytes as ``ketpk validate --csv`` writes."""
        return self._texts[1]

    def to_markdown(self) -> str:
        """A page with every table, the same bytes as ``ketpk validate --markdown`` writes."""
        return self._texts[2]

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each point of each comparison: model, data, molecule, curve, sites, standing, marks, time_us,
        observed_ng_per_mL, predicted_ng_per_mL, error_percent, phase, and left_out, the reason or an empty text. Needs
        pandas.

        Raises:
            ImportError: without pandas.
        """
        reader = csv.DictReader(io.StringIO(self._texts[1]))
        rows = list(reader)
        # Each number as the digits read back exactly, whatever a reader of tables would make of them.
        kinds: dict[str, Callable[[str], Any]] = {"time_us": int}
        kinds |= dict.fromkeys(("observed_ng_per_mL", "predicted_ng_per_mL", "error_percent"), float)
        columns = {name: [kinds.get(name, str)(row[name]) for row in rows] for name in reader.fieldnames or ()}
        table: pandas.DataFrame = optional("pandas", "pandas").DataFrame(columns)
        return table

    def summary_to_pandas(self) -> pandas.DataFrame:
        """One row for each comparison: model, data, molecule, standing, marks, points, mdpe_percent, mdape_percent,
        wobble_percent, divergence_percent_per_h, and the bias by phase as during_, first_hour_ and tail_mdpe_percent;
        NaN for what is not defined. Needs pandas.

        Raises:
            ImportError: without pandas.
        """
        measures = ("points", "mdpe_percent", "mdape_percent", "wobble_percent", "divergence_percent_per_h")
        rows = []
        for c in self.comparisons:
            row = {name: c[name] for name in ("model", "data", "molecule", "standing")}
            row["marks"] = " ".join(c["marks"])
            row |= {name: math.nan if c["error"] is None else c["error"][name] for name in measures}
            row["points"] = 0 if c["error"] is None else c["error"]["points"]
            phases = {p["phase"]: p["mdpe_percent"] for p in c["phases"]}
            for phase in ("during", "first-hour", "tail"):
                row[f"{phase.replace('-', '_')}_mdpe_percent"] = phases.get(phase, math.nan)
            rows.append(row)
        table: pandas.DataFrame = optional("pandas", "pandas").DataFrame(rows)
        floats = [name for name in table.columns if name.endswith(("_percent", "_per_h"))]
        return table.astype(dict.fromkeys(floats, "float64"))

    def plot(
        self, data: str, *, molecule: str = "ketamine", ax: matplotlib.axes.Axes | None = None
    ) -> matplotlib.axes.Axes:
        """What was measured, as points, and each model's curve. Needs matplotlib.

        Bars are the reading error of a figure, where its reader states one. Points that no summary counts are hollow.
        Arterial models have full lines, venous ones dashes, those that do not state a site dots; what is not for use is
        pale.

        Args:
            data: id of a data set.
            molecule: ``"ketamine"``, ``"norketamine"`` or ``"hydroxynorketamine"``.
            ax: where to draw; a figure of its own if not given.

        Returns:
            The Axes.

        Raises:
            ImportError: without matplotlib.
            WrongType: for anything but texts.
            InvalidInput: ``E_RANGE`` where nothing was compared.
        """
        data, molecule = word(data, "data"), word(molecule, "molecule")
        chosen = [c for c in self.comparisons if c["data"] == data and c["molecule"] == molecule]
        if not chosen:
            there = ", ".join(dict.fromkeys(c["data"] for c in self.comparisons if c["molecule"] == molecule)) or "none"
            raise InvalidInput("E_RANGE", "data", f"nothing was compared there; accepted for this molecule: {there}")
        library, pyplot = optional("matplotlib", "plot"), optional("matplotlib.pyplot", "plot")
        figure = pyplot.figure(figsize=(9.2, 5.0), layout="constrained", facecolor="white") if ax is None else None
        with library.rc_context({"text.usetex": False}):
            sheet: Any = ax if figure is None else figure.add_subplot()
            self._draw_curves(sheet, chosen)
        axes: matplotlib.axes.Axes = sheet
        return axes

    def plot_summary(self, *, molecule: str = "ketamine") -> matplotlib.figure.Figure:
        """Bias (MDPE) and inaccuracy (MDAPE) of every model on every data set, one dot each. Needs matplotlib.

        The bias is on the logarithmic scale of observed / predicted, so that half and twice lie equally far from none.
        Colour and marker say where the blood of the data was drawn and which data they are; a full dot judges the
        model, half a dot shows its fit to data it was built on, and a hollow one is for orientation. Suspect data are
        left out.

        Args:
            molecule: as in ``plot``.

        Returns:
            A new figure.

        Raises:
            ImportError: without matplotlib.
            WrongType: for anything but a text.
            InvalidInput: ``E_RANGE`` where nothing was compared.
        """
        molecule = word(molecule, "molecule")
        suspect = {d["id"] for d in self.data if d["not_judged_by"] is not None}
        chosen = [
            c
            for c in self.comparisons
            if c["molecule"] == molecule and c["error"] is not None and c["data"] not in suspect
        ]
        if not chosen:
            raise InvalidInput("E_RANGE", "molecule", "nothing was compared; accepted: ketamine, or a metabolite")
        library, pyplot = optional("matplotlib", "plot"), optional("matplotlib.pyplot", "plot")
        rows = [m for m in _in_order(self.models) if any(c["model"] == m["id"] for c in chosen)]
        figure: matplotlib.figure.Figure = pyplot.figure(
            figsize=(9.2, 1.9 + 0.34 * len(rows)), layout="constrained", facecolor="white"
        )
        with library.rc_context({"text.usetex": False}):
            self._draw_summary(figure, chosen, rows)
        return figure

    def _draw_curves(self, ax: Any, chosen: Sequence[Mapping[str, Any]]) -> None:
        about = next(d for d in self.data if d["id"] == chosen[0]["data"])
        of_model = {c["model"]: c for c in chosen}
        rows = _in_order(self.models)
        until_h = chosen[0]["predicted"]["at_us"][-1] / _US_PER_H
        for i, m in enumerate(rows):
            if m["id"] not in of_model:
                continue
            curve = of_model[m["id"]]["predicted"]
            pairs = [(t / _US_PER_H, y) for t, y in zip(curve["at_us"], curve["ng_per_mL"]) if y > 0]
            is_for_use = m["not_for_use"] is None
            ax.plot(
                *zip(*pairs),
                color=_COLOURS[i % len(_COLOURS)] if is_for_use else _PALE,
                linestyle=_SITE_LINES[m["site"]],
                linewidth=1.1 if not is_for_use else 1.4 if m["site"] == "not-stated" else 1.9,
                label=f"{m['id']} ({_SITE_WORDS[m['site']]}{'' if is_for_use else ', not for use'})",
                zorder=2 - i / len(rows),  # of two that lie on each other the first is seen
            )
        bars, bars_say = _bars(about, chosen[0])
        for is_kept, face in ((True, _INK), (False, "white")):
            points = [
                (p["at_us"] / _US_PER_H, p["observed_ng_per_mL"], bar)
                for p, bar in zip(chosen[0]["points"], bars)
                if (p["left_out"] is None) == is_kept and p["observed_ng_per_mL"] > 0
            ]
            if not points:
                continue
            at_h, measured, of_points = zip(*points)
            ax.errorbar(
                at_h,
                measured,
                yerr=None if None in of_points else list(zip(*of_points)),
                fmt="o",
                markersize=5,
                markerfacecolor=face,
                markeredgecolor=_INK,
                ecolor=_INK,
                elinewidth=0.8,
                capsize=2,
                label="measured" + bars_say if is_kept else "measured, left out of summaries",
                zorder=3,
            )
        values = [p["observed_ng_per_mL"] for p in chosen[0]["points"] if p["observed_ng_per_mL"] > 0]
        tops = [max(c["predicted"]["ng_per_mL"]) for c in chosen]
        if len({p["at_us"] for p in chosen[0]["points"]}) > 1:
            ax.set_yscale("log")
            ax.set_ylim(min(values) / 3, max([*values, *tops]) * 1.5)
            _plain_ticks(ax.yaxis)
        else:
            ax.set_ylim(0, max([*values, *tops]) * 1.1)
        ax.set_xlim(0, until_h * 1.02)
        given = {"racemic-ketamine": "racemic ketamine", "s-ketamine": "S-ketamine"}.get(str(about["analyte"]), "drug")
        what = chosen[0]["molecule"] if given == "racemic ketamine" else f"S-{chosen[0]['molecule']}"
        ax.set_xlabel("time from the start of the infusion [h]")
        ax.set_ylabel(f"{what} [ng/mL]")
        n = "n not stated" if about["n"] is None else f"n = {about['n']}"
        ax.set_title(f"{about['label']}\nmeasured: {_SITE_WORDS[about['site']]}, {n}", fontsize=10, loc="left")
        ax.grid(True, which="major", color="#E5E5E5", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8, frameon=False)

    def _draw_summary(
        self, figure: Any, chosen: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
    ) -> None:
        from matplotlib.lines import Line2D

        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        places = {m["id"]: len(rows) - 1 - i for i, m in enumerate(rows)}
        data = [d for d in self.data if any(c["data"] == d["id"] for c in chosen)]
        looks = {d["id"]: (_MARKERS[i % len(_MARKERS)], _SITE_COLOURS[d["site"]]) for i, d in enumerate(data)}
        spread = {d["id"]: (i - (len(data) - 1) / 2) * 0.09 for i, d in enumerate(data)}
        for c in chosen:
            marker, colour = looks[c["data"]]
            error = c["error"]
            y = places[c["model"]] - spread[c["data"]]
            style: dict[str, Any] = {
                "marker": marker,
                "markersize": 6,
                "linestyle": "",
                "markeredgecolor": colour,
                "markeredgewidth": 1.1,
                "markerfacecolor": "white" if c["standing"] == "orientation" else colour,
                "markerfacecoloralt": "white",
                "fillstyle": "left" if c["standing"] == "shows-fit" else "full",
                "zorder": 2 if c["standing"] == "orientation" else 3,
            }
            left.plot([1 + error["mdpe_percent"] / 100], [y], **style)
            right.plot([max(error["mdape_percent"], 0.5)], [y], **style)
        left.set_xscale("log")
        ratios = [1 + c["error"]["mdpe_percent"] / 100 for c in chosen]
        ticks = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 8]
        ticks = [t for t in ticks if min(*ratios, 0.75) / 1.2 <= t <= max(*ratios, 1.5) * 1.2]
        _labelled(left, ticks, [f"{round(100 * (t - 1)):+d}" if t != 1 else "0" for t in ticks])
        left.axvline(1, color=_INK, linewidth=0.8, zorder=1)
        left.set_xlabel("bias, MDPE [%]\n(+: more was measured than predicted)")
        right.set_xscale("log")
        steps = [
            t
            for t in (1, 2, 5, 10, 20, 50, 100, 200, 500)
            if t <= 1.3 * max(c["error"]["mdape_percent"] for c in chosen)
        ]
        _labelled(right, steps, [str(t) for t in steps])
        right.set_xlabel("inaccuracy, MDAPE [%]")
        left.set_yticks(
            range(len(rows)),
            [
                f"{m['id']}\n({_SITE_WORDS[m['site']]}{'' if m['not_for_use'] is None else ', not for use'})"
                for m in reversed(rows)
            ],
            fontsize=7.5,
        )
        for label, m in zip(left.get_yticklabels(), reversed(rows)):
            label.set_color(_INK if m["not_for_use"] is None else "#737373")
        for ax in (left, right):
            ax.set_ylim(-0.6, len(rows) - 0.4)
            ax.grid(True, axis="x", color="#E5E5E5", linewidth=0.6)
            ax.set_axisbelow(True)
            for edge in range(1, len(rows)):
                ax.axhline(edge - 0.5, color="#EDEDED", linewidth=0.6, zorder=0)
            ax.tick_params(axis="y", length=0)
        handles = [
            Line2D(
                [], [], linestyle="", markersize=6, markerfacecolor="white", markeredgewidth=1.1,
                marker=looks[d["id"]][0], markeredgecolor=looks[d["id"]][1],
                label=f"{d['id']} ({_SITE_WORDS[d['site']]})",
            )
            for d in data
        ]  # fmt: skip
        kinds: tuple[tuple[str, str, Any], ...] = (
            ("judges the model", _INK, "full"),
            ("shows its fit to data it was built on", _INK, "left"),
            ("orientation", "white", "full"),
        )
        for says, face, fill in kinds:
            handles.append(
                Line2D(
                    [], [], linestyle="", marker="o", markersize=6, markerfacecolor=face, markeredgecolor=_INK,
                    markerfacecoloralt="white", fillstyle=fill, label=says,
                )
            )  # fmt: skip
        figure.legend(handles=handles, loc="outside upper center", ncols=4, fontsize=7.5, frameon=False)

    def __str__(self) -> str:
        return self._texts[3]

    def __repr__(self) -> str:
        return f"<Evidence: {len(self.models)} models, {len(self.data)} data sets, {len(self.comparisons)} comparisons>"

    def __bool__(self) -> NoReturn:
        raise TypeError("evidence is no truth value; look at its comparisons")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Evidence):
            return NotImplemented
        return self._texts == other._texts

    def __hash__(self) -> int:
        return hash(self._texts[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._texts,)


def _restored(texts: tuple[str, str, str, str]) -> Evidence:
    return Evidence._of(texts)


def _in_order(models: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Arterial models, venous ones, those that do not say; what is not for use last."""
    return sorted(models, key=lambda m: (m["not_for_use"] is not None, list(_SITE_LINES).index(m["site"])))


def _bars(data: Mapping[str, Any], comparison: Mapping[str, Any]) -> tuple[list[tuple[float, float] | None], str]:
    """Lengths below and above each point [ng/mL], and what they are: the largest reading error of what was added up, or
    the interval that is printed beside a single series; None where there is neither."""
    points = comparison["points"]
    series = [
        s for s in data["series"] if s["substance"].removeprefix("s-").removeprefix("r-") == comparison["molecule"]
    ]
    errors = [float(s["reading_error_rel"]) for s in series if s["reading_error_rel"] is not None]
    if errors:
        lengths = [max(errors) * p["observed_ng_per_mL"] for p in points]
        return [(length, length) for length in lengths], f"; bars: reading error, {100 * max(errors):.0f} %"
    printed = series[0]["points"] if len(series) == 1 else ()
    if printed and all("low" in p and "high" in p for p in printed):
        return [(p["value"] - p["low"], p["high"] - p["value"]) for p in printed], "; bars: 95 % interval"
    return [None] * len(points), ""


def _plain_ticks(axis: Any) -> None:
    """Numbers, not powers of ten, on a logarithmic axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0), numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    axis.set_minor_formatter(NullFormatter())


def _labelled(ax: Any, ticks: Sequence[float], labels: Sequence[str]) -> None:
    """These ticks on a logarithmic x axis, and no others."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    ax.xaxis.set_major_locator(FixedLocator(list(ticks)))
    ax.xaxis.set_major_formatter(FixedFormatter(list(labels)))
    ax.xaxis.set_minor_locator(NullLocator())


def validate(*, model: str | None = None, data: str | None = None) -> Evidence:
    """Every model on every set of observed concentrations, held against it point by point.

    The prediction error of a point is 100 (observed - predicted) / predicted; MDPE is its median, MDAPE the median of
    its size, wobble the median size of what is left beside the bias, divergence the slope of the size over time
    (Varvel 1992, J Pharmacokinet Biopharm 20:63). Models that are not for use are run here too, and marked.

    Args:
        model: the id of one model; all of them if not given.
        data: the id of one data set; all of them if not given.

    Returns:
        The evidence.

    Raises:
        WrongType: for anything but texts.
        InvalidInput: ``E_MODEL_UNKNOWN`` or ``E_RANGE`` for an id that is none, with those there are.
        NumericalTrouble: where a model could not be solved.
    """
    for field, value in (("model", model), ("data", data)):
        if value is None:
            continue
        if not isinstance(value, str):
            raise WrongType("E_TYPE", field, "not a text; accepted: an id, or None for all of them")
        if value == "":
            raise InvalidInput("E_RANGE", field, "empty; accepted: an id, or None for all of them")
    return Evidence._of(_core.evidence(model or "", data or ""))
