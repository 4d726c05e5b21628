# SPDX-License-Identifier: Apache-2.0
"""What an outcome hangs on, as a picture: a bar for each input, the longest on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import InvalidInput
from ._result import Result
from ._table import optional

if TYPE_CHECKING:
    import matplotlib.axes

#: Of Okabe and Ito, Color Universal Design, 2008: what rises with the input, and what falls.
_RISES, _FALLS = "#0072B2", "#D55E00"
_TOLD = {"cmax": "Peak", "auc_inf": "Total area", "time_above": "Time above"}


def plot_tornado(
    result: Result, outcome: str, *, curve: str, most: int, ax: matplotlib.axes.Axes | None
) -> matplotlib.axes.Axes:
    """See ``Result.plot_tornado``."""
    pyplot = optional("matplotlib.pyplot", "plot_tornado")
    if not result.sensitivity:
        raise InvalidInput(
            "E_FIELD_MISSING", "sensitivity", "not asked for; accepted: a result of simulate(..., sensitivity=True)"
        )
    if type(most) is not int or most < 1:
        raise InvalidInput("E_RANGE", "most", "no number of bars; accepted: 1 or more")
    found = next((o for o in result.sensitivity if o["outcome"] == outcome and o["curve"] == curve), None)
    if found is None:
        raise InvalidInput("E_RANGE", "outcome", "not one that the result has; accepted: what result.sensitivity lists")
    inputs = [s for s in found["inputs"] if s["elasticity"] is not None][:most]
    axes: Any = pyplot.figure(figsize=(7.2, 4.5), layout="constrained").add_subplot() if ax is None else ax
    lengths = [s["elasticity"] for s in inputs]
    bars = axes.barh(range(len(inputs)), lengths, color=[_RISES if e >= 0 else _FALLS for e in lengths])
    axes.bar_label(bars, [f"{e:+.2g}" for e in lengths], padding=3)
    axes.set_yticks(range(len(inputs)), [s["input"] for s in inputs])
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.margins(x=0.15)
    axes.set_xlabel("% for each 1 % of the input")
    level = f" {found['threshold_ng_per_mL']:g} ng/mL" if "threshold_ng_per_mL" in found else ""
    axes.set_title(f"{_TOLD[outcome]}{level} of {curve}: {found['value']:.3g} {found['unit']}")
    drawn: matplotlib.axes.Axes = axes
    return drawn
