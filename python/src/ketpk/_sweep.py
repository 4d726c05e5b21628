# SPDX-License-Identifier: Apache-2.0
"""One order over a grid of inputs, judged at every point: keywords become the document that a file would hold."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._errors import InvalidInput, WrongType
from ._files import json_bytes
from ._frame import NUMBERS
from ._frozen import Frozen, frozen, thawed
from ._nouns import Course, Effect, Event, Order, Patient, Pump, Vial
from ._numbers import Number, number, numbers, quantity, truth, word
from ._session import LimitsSource, limits_of, one_model, session_of
from ._spread import models_of
from ._table import Table, Tabular
from .limits import today
from .models import ModelSource

if TYPE_CHECKING:
    import matplotlib.axes

SCHEMA = "ketpk.grid/1"

#: What can be varied, by the keyword that states it: the input of a document, and the unit.
VARIED: Mapping[str, tuple[str, str]] = {
    **{name: (kind.role, kind.unit) for name, kind in NUMBERS.items()},
    "pause_min": ("pause", "min"),
}


@dataclass(frozen=True, slots=True, eq=False)
class SweepAxis:
    """What was varied.

    Attributes:
        column: its name in the table, ``"dose_mg_per_kg"``; with the input's number where the order has several inputs,
            ``"dose_1_mg_per_kg"``.
        input: what it is a number of, ``"dose"``, ``"duration"``, ``"weight"`` …, or ``"model"``.
        unit: of the values, ``"mg/kg"``; None for models.
        values: as they were given, float64, shape ``(n,)``, read-only [unit]; of models their ids, as objects.
    """

    column: str
    input: str
    unit: str | None
    values: NDArray[Any]

    def _told(self) -> tuple[Any, ...]:
        return self.column, self.input, self.unit, tuple(self.values.tolist())

    def __eq__(self, other: object) -> bool:
        return self._told() == other._told() if isinstance(other, SweepAxis) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._told())


@dataclass(frozen=True, slots=True)
class RefusedPoint:
    """A point that could not be asked, and why.

    Attributes:
        row: of the table, counted from 0.
        code, field, message: as ``InvalidInput`` or ``NumericalTrouble`` has them, had it been asked alone.
    """

    row: int
    code: str
    field: str
    message: str


class Sweep(Tabular):
    """The answers over a grid, one row a point. ``ketpk.sweep`` makes one.

    It is a value: it does not change, equal ones are equal, and it can be pickled. It is no truth value.
    """

    __slots__ = ("_held", "_told")
    _held: _core.Sweep | None
    _told: Mapping[str, Any]

    def __init__(self) -> None:
        raise TypeError("a sweep comes from ketpk.sweep(patient, order, vary={...})")

    @classmethod
    def _of(cls, held: _core.Sweep | None, told: Mapping[str, Any]) -> Sweep:
        made = object.__new__(cls)
        object.__setattr__(made, "_held", held)
        object.__setattr__(made, "_told", Frozen(told))
        return made

    @property
    def columns(self) -> Table:
        """A read-only mapping of names to arrays of the shape ``(n,)``, one element a point, as ``to_csv`` has them:
        what was varied; the columns of numbers that ``simulate_frame`` gives, float64; ``verdict``, ``flags`` and
        ``not_evaluated``; ``error`` and ``error_field`` of a point that was refused. NaN says that there is no such
        number, None that there is no such word."""
        table: Table = self._told["columns"]
        return table

    @property
    def axes(self) -> tuple[SweepAxis, ...]:
        """What was varied, in the order in which it was given; the last one varies fastest."""
        axes: tuple[SweepAxis, ...] = self._told["axes"]
        return axes

    @property
    def points(self) -> int:
        """The number of points, refused ones too."""
        return self.columns.rows

    @property
    def refused(self) -> tuple[RefusedPoint, ...]:
        """The points that could not be asked, and why, in the order of the rows."""
        refused: tuple[RefusedPoint, ...] = self._told["refused"]
        return refused

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What was asked, as the ``ketpk.sweep/1`` that ``ketpk sweep`` reads; limits that were given beside it are not
        in it. Read-only."""
        inputs: Mapping[str, Any] = self._told["inputs"]
        return inputs

    def to_json(self) -> str:
        """The table as ``ketpk.grid/1``, the same bytes as ``ketpk sweep --json`` writes."""
        return str(self._told["json"]) if self._held is None else self._held.json()

    def to_csv(self) -> str:
        """The table as CSV, the same bytes as ``ketpk sweep --csv`` writes."""
        return str(self._told["csv"]) if self._held is None else self._held.csv()

    def card(self, quantity: str = "cmax_ng_per_mL") -> str:
        """Maps of one number as text, as the command line shows them.

        Args:
            quantity: the name of a column of numbers.

        Raises:
            InvalidInput: ``E_RANGE`` for no such column; ``E_STATE`` for a sweep that was pickled.
            WrongType: for no text.
        """
        shown = self._quantity(quantity)
        if self._held is None:
            raise InvalidInput("E_STATE", "card", "the sweep was pickled; accepted: one that was calculated here")
        return self._held.card(shown)

    def _quantity(self, quantity: object) -> str:
        name = word(quantity, "quantity")
        if name not in self._told["numbers"]:
            accepted = ", ".join(self._told["numbers"])
            raise InvalidInput("E_RANGE", "quantity", f"not a number of the table; accepted: {accepted}")
        return name

    def plot(self, quantity: str = "cmax_ng_per_mL") -> tuple[matplotlib.axes.Axes, ...]:
        """A number of the table over the first two axes of numbers as a heat map, in a figure of its own; over a single
        one as a line. One panel for each combination of what else was varied. Needs matplotlib.

        Every point is a cell, nothing is smoothed. Where limits were given, hatching says what the verdict is, and a
        line runs along the cells where it changes; a point that was refused is an empty cell with a cross.

        Args:
            quantity: the name of a column of numbers.

        Returns:
            The Axes of the panels.

        Raises:
            InvalidInput: ``E_RANGE`` for no such column; ``E_SIZE`` for more than 24 panels.
            WrongType: for no text.
            ImportError: without matplotlib.
        """
        from ._plot_several import plot_sweep

        return plot_sweep(self, self._quantity(quantity))

    def __len__(self) -> int:
        """The number of points, as ``points``."""
        return self.points

    def __bool__(self) -> NoReturn:
        raise TypeError("a sweep is no truth value; look at its columns")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sweep):
            return NotImplemented
        return self is other or (self.to_json() == other.to_json() and self.refused == other.refused)

    def __hash__(self) -> int:
        return hash((self.axes, self.points))

    def __reduce__(self) -> tuple[Any, ...]:
        told = {name: self._told[name] for name in self._told if name != "inputs"}
        told |= {"inputs": thawed(self.inputs), "json": self.to_json(), "csv": self.to_csv()}
        return _restored, (SCHEMA, told)

    def __copy__(self) -> Sweep:
        return self

    def __deepcopy__(self, memo: object) -> Sweep:
        return self

    def __repr__(self) -> str:
        axes = " x ".join(f"{len(a.values)} {a.column}" for a in self.axes)
        return f"<ketpk.Sweep {axes} = {self.points} points, {len(self.refused)} refused>"


def _restored(schema: str, told: Mapping[str, Any]) -> Sweep:
    """A pickled sweep. One of another schema is refused."""
    if schema != SCHEMA:
        raise InvalidInput("E_SCHEMA_VERSION", "schema", f"pickled by another version of ketpk; accepted: {SCHEMA}")
    for axis in told["axes"]:
        axis.values.setflags(write=False)
    return Sweep._of(None, {**told, "inputs": frozen(told["inputs"])})


def _axis(key: object, values: object, pause_at_min: object) -> tuple[str, dict[str, Any]]:
    """The name of what is varied, and what a document says of it. Raises ``InvalidInput``, ``WrongType``."""
    name, of = key if isinstance(key, tuple) and len(key) == 2 else (key, None)
    if not isinstance(name, str):
        raise WrongType("E_TYPE", "vary", 'not a name; accepted: names such as "dose_mg_per_kg", or (name, input)')
    if name == "model" and of is None:
        models = models_of(values, "vary.model")
        if not models:
            raise InvalidInput("E_FIELD_MISSING", "vary.model", "empty; accepted: at least one model")
        return name, {"input": "model", "models": models}
    if name not in VARIED:
        shown = f"vary.{name}" if re.fullmatch(r"[A-Za-z0-9_]{1,40}", name) else "vary"  # no free text in a message
        accepted = "accepted: model, pause_min, weight_kg, dose_mg_per_kg, duration_min and the like (see the help)"
        raise InvalidInput("E_RANGE", shown, f"nothing that can be varied; {accepted}")
    field = f"vary.{name}"
    what, unit = VARIED[name]
    said: dict[str, Any] = {"input": what}
    if of is not None:
        if not isinstance(number(of, field), int):
            raise WrongType("E_TYPE", field, "not a whole number for an input; accepted: its number, counted from 0")
        if of < 0:
            raise InvalidInput("E_RANGE", field, "not an input of the order; accepted: its number, counted from 0")
        said["of"] = int(of)
    if what == "pause":
        if pause_at_min is None:
            raise InvalidInput(
                "E_FIELD_MISSING", "pause_at_min", "not given; accepted: the instant at which the pause begins"
            )
        said["at"] = quantity(pause_at_min, "pause_at_min", "min")
    said["values"] = [f"{x!r} {unit}" for x in numbers(values, field)]
    if not said["values"]:
        raise InvalidInput("E_FIELD_MISSING", field, "no value; accepted: at least one")
    return name, said


def evenly(first: Number, last: Number, points: int) -> NDArray[np.float64]:
    """So many numbers from the first to the last, evenly spaced, for ``vary``: the same bits as ``from``, ``to`` and
    ``points`` in a file. Each is rounded to 12 significant digits, so that a step of a tenth looks like one.

    Args:
        first, last: the ends, both among them, in the [unit] of what is varied.
        points: how many, 2 to 1,000,000.

    Returns:
        float64, shape ``(points,)``, read-only [unit of what is varied].

    Raises:
        InvalidInput: ``E_RANGE``, ``E_NONFINITE``.
        WrongType: for anything but numbers.

    >>> import ketpk
    >>> ketpk.evenly(0.1, 0.5, 5)
    array([0.1, 0.2, 0.3, 0.4, 0.5])
    """
    ends = float(number(first, "first")), float(number(last, "last"))
    if not isinstance(count := number(points, "points"), int):
        raise WrongType("E_TYPE", "points", "not a whole number; accepted: 2 to 1000000")
    if not 2 <= count <= 1_000_000:
        raise InvalidInput("E_RANGE", "points", "no such number of points; accepted: 2 to 1000000")
    return _core.evenly(*ends, count)


def sweep(
    patient: Patient,
    order: Order,
    *,
    vary: Mapping[Any, Any],
    pause_at_min: Number | None = None,
    model: ModelSource | None = None,
    analyte: str,
    form: str,
    drug_free: bool = False,
    course: Course | None = None,
    events: Sequence[Event] = (),
    pump: Pump | None = None,
    effects: Sequence[Effect] = (),
    limits: LimitsSource | None = None,
    as_of: datetime.date | str | None = None,
    bag_mg_per_mL: Number | None = None,
    bag_vials: Sequence[Vial] = (),
    bag_diluent_mL: Number | None = None,
    until_min: Number | None = None,
    time_above_ng_per_mL: Number | Sequence[Number] = (),
    extrapolate: bool = False,
    assume_enantiomers_alike: bool = False,
    second_solver: bool = False,
) -> Sweep:
    """What if: the same order with other numbers in it, over a grid, each point judged against the limits.

    Args:
        patient, order: as in ``simulate``; what is varied stands in place of what they state.
        vary: what is varied, and its values: a list, a one-dimensional array, or ``ketpk.evenly``. The names are those
            of the keywords: ``weight_kg``, ``dosing_weight_kg``, ``height_cm``, ``age_yr``; ``dose_mg_per_kg``
            (``_mcg_per_kg``, ``_mg``, ``_mcg``), ``rate_…``, ``duration_min``, ``start_min`` of an infusion;
            ``bolus_mg_per_kg`` (and the like) of a bolus; ``bag_mg_per_mL``; ``pause_min``, how long an infusion is
            paused; ``model``, ``"all"`` or a list of models. Where the order has several such inputs, a pair says which
            one, ``("dose_mg_per_kg", 1)``, counted from 0 as in ``order``. The last one varies fastest.
        pause_at_min: when the pause begins [min], with ``pause_min``.
        model: as in ``simulate``, where it is not varied.
        analyte, form, drug_free, course, events, pump, effects, limits, as_of, bag_mg_per_mL, bag_vials,
            time_above_ng_per_mL, extrapolate, assume_enantiomers_alike: as in ``simulate``, for all points.
        bag_diluent_mL: likewise [mL].
        until_min: where the time above levels ends [min].
        second_solver: ask a second solver at every point too, which takes about twice as long.

    Returns:
        A ``Sweep`` of at most 1,000,000 points. A point that cannot be asked, a patient outside the model's domain for
        example, keeps its row and says why.

    Raises:
        InvalidInput: for what is wrong with the sweep itself, and, where no point can be asked, for the first of them;
            ``E_FIELD_MISSING`` where it is not plain which input is meant.
        WrongType: where a type is wrong.
        KeyboardInterrupt: within 256 points; nothing is returned.

    >>> import ketpk
    >>> sweep = ketpk.sweep(
    ...     ketpk.Patient(weight_kg=70, age_yr=42),
    ...     ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40),
    ...     vary={"weight_kg": [50, 100], "duration_min": ketpk.evenly(20, 60, 3)},
    ...     model="kamp2020", analyte="racemic-ketamine", form="base", drug_free=True,
    ... )
    >>> sweep
    <ketpk.Sweep 2 weight_kg x 3 duration_min = 6 points, 0 refused>
    >>> sweep.columns["cmax_ng_per_mL"].round()
    array([375., 240., 186., 421., 268., 207.])
    """
    if not isinstance(vary, Mapping):
        raise WrongType("E_TYPE", "vary", "not a mapping; accepted: a dict of names and values")
    if not vary:
        raise InvalidInput("E_FIELD_MISSING", "vary", "nothing is varied; accepted: at least one input")
    named = [_axis(key, values, pause_at_min) for key, values in vary.items()]
    axes = [said for _, said in named]
    if pause_at_min is not None and not any(said["input"] == "pause" for said in axes):
        raise InvalidInput("E_FIELD_UNKNOWN", "pause_at_min", "no pause is varied; accepted: with pause_min in vary")
    varied = next((said["models"] for said in axes if said["input"] == "model"), None)
    if varied is not None and model is not None:
        raise InvalidInput("E_FIELD_DUPLICATE", "model", "stands in vary too; accepted: in one of them")
    if varied is None and model is None:
        raise InvalidInput("E_FIELD_MISSING", "model", "not given; accepted: one model, or several in vary")
    base: Any = one_model(model) if varied is None else _core.model_ids()[0] if varied == "all" else varied[0]
    session = session_of(
        patient,
        order,
        model=base,
        analyte=analyte,
        form=form,
        drug_free=drug_free,
        course=course,
        events=events,
        pump=pump,
        effects=effects,
        as_of=as_of,
        bag_mg_per_mL=bag_mg_per_mL,
        bag_vials=bag_vials,
        bag_diluent_mL=bag_diluent_mL,
        until_min=until_min,
        time_above_ng_per_mL=time_above_ng_per_mL,
        extrapolate=extrapolate,
        assume_enantiomers_alike=assume_enantiomers_alike,
    )
    document: dict[str, Any] = {"schema": "ketpk.sweep/1", "session": session, "vary": axes}
    if truth(second_solver, "second_solver"):
        document["second_solver"] = True
    limits = limits_of(limits)
    text = json_bytes(document, "sweep")
    try:
        held = _core.sweep(text, today(), None if limits is None else limits._core)
    except InvalidInput as error:
        field = re.sub(r"^vary\[(\d+)\]", lambda m: f"vary.{named[int(m[1])][0]}", error.field)
        raise type(error)(error.code, field, error.message) from None
    return Sweep._of(held, _told(held, json.loads(text)))


def _told(held: _core.Sweep, document: Mapping[str, Any]) -> dict[str, Any]:
    columns = {n: np.array(c, dtype=object) if isinstance(c, list) else c for n, c in held.columns().items()}
    axes = []
    for column, what, unit, values in held.axes():
        told: NDArray[Any] = np.array(values, dtype=object) if isinstance(values, list) else np.asarray(values)
        told.setflags(write=False)
        axes.append(SweepAxis(column, what, unit, told))
    return {
        "columns": Table(columns),
        "axes": tuple(axes),
        "refused": tuple(RefusedPoint(*point) for point in held.refused()),
        "numbers": tuple(held.numbers()),
        "sites": Frozen(held.sites()),
        "limits": held.limits(),
        "inputs": frozen(document),
    }
