# SPDX-License-Identifier: Apache-2.0
"""A result is a value with the contract's names. The core holds it; what is looked at is taken from there once."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._errors import InvalidInput, WrongType
from ._files import write_file
from ._frozen import Frozen, Immutable, frozen, thawed
from ._numbers import Number, quantity
from ._table import Table

if TYPE_CHECKING:
    import os

    import matplotlib.axes
    import pandas
    import polars
    import pyarrow

    from ._session import LimitsSource

SCHEMA = "ketpk.result/1"
BLOCKS = ("ketpk", "inputs", "model", "profile", "summary", "time_above", "assessment")


class Verdict(enum.Enum):
    """The word of an assessment. Never a truth value: "no flag" and "not looked" are different answers.

    Raises: ``TypeError`` when used as a truth value, or compared with a text.
    """

    UNEVALUATED = "unevaluated"
    WITHIN_LIMITS = "within-limits"
    SOFT = "soft"
    HARD = "hard"

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a verdict is no truth value; compare it with ketpk.Verdict.WITHIN_LIMITS, SOFT, HARD, UNEVALUATED"
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            raise TypeError(
                "a verdict is no text; compare it with ketpk.Verdict.WITHIN_LIMITS, SOFT, HARD, UNEVALUATED"
            )
        return self is other

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return str(self.value)


def _as_stated(value: Any, kind: str) -> Any:
    """A member of a document as the field's type says it is; whole numbers, which JSON writes without point, as float.
    Raises ``TypeError`` for anything else."""
    stated = type(value)
    if value is None and kind.endswith(" | None"):
        return None
    kind = kind.removesuffix(" | None")
    if kind == "float" and (stated is float or stated is int):
        return float(value)
    if (kind == "int" and stated is int) or (kind == "str" and stated is str) or (kind == "bool" and stated is bool):
        return value
    raise TypeError("a member of another type")


def _made(kind: type[Any], document: Mapping[str, Any], **members: Any) -> Any:
    """A dataclass from the members of a document that it knows; later versions may add others. ``members`` are those
    that are made already. Raises ``TypeError`` for a member of another type."""
    for field in fields(kind):
        if field.name not in members:
            members[field.name] = _as_stated(document.get(field.name), str(field.type))
    return kind(**members)


@dataclass(frozen=True, slots=True)
class Peak:
    """The largest concentration of a curve over the whole course [ng/mL], and when it comes first [min]."""

    cmax_ng_per_mL: float
    tmax_min: float


@dataclass(frozen=True, slots=True)
class MetaboliteSummary:
    """The peak of a metabolite over the whole course [ng/mL], when it comes first [min], and the area under its curve
    without end [ng h/mL]."""

    cmax_ng_per_mL: float
    tmax_min: float
    auc_inf_ng_h_per_mL: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole continuous course, whatever instants were asked for.

    Attributes:
        cmax_ng_per_mL: the peak of plasma, base [ng/mL].
        tmax_min: when it comes first [min].
        auc_inf_ng_h_per_mL: the area under plasma without end [ng h/mL].
        delivered_mg: all drug that goes in, base [mg].
        terminal_half_life_min: of the slowest mode present in plasma [min].
        effect_site: peak of the effect site, or None where the model has none.
        metabolites: peak and area by the metabolite's name.
    """

    cmax_ng_per_mL: float
    tmax_min: float
    auc_inf_ng_h_per_mL: float
    delivered_mg: float
    terminal_half_life_min: float
    effect_site: Peak | None
    metabolites: Mapping[str, MetaboliteSummary]

    @classmethod
    def _of(cls, block: Mapping[str, Any]) -> Summary:
        effect = block.get("effect_site")
        metabolites = {n: _made(MetaboliteSummary, m) for n, m in block.get("metabolites", {}).items()}
        made: Summary = _made(
            cls,
            block,
            effect_site=None if effect is None else _made(Peak, effect),
            metabolites=Frozen(metabolites),
        )
        return made


@dataclass(frozen=True, slots=True)
class TimeAbove:
    """How long plasma is above a level, from 0 to ``until_min`` (or the last asked instant; else the whole course).

    Attributes:
        threshold_ng_per_mL: the level [ng/mL].
        minutes: the time above it, all stretches together [min].
        first_min: when plasma is first above it [min]; None if never.
    """

    threshold_ng_per_mL: float
    minutes: float
    first_min: float | None


@dataclass(frozen=True, slots=True)
class Flag:
    """One thing that is out of range, explained. Texts carry their units.

    Attributes:
        code: what kind of flag, ``"DOSE_PER_WEIGHT_HIGH"`` for example.
        severity: ``"advisory"``, ``"soft"`` or ``"hard"``.
        quantity: what is out of range, as limits call it, ``"dose_per_weight"``.
        value: how much it is, ``"1 mg/kg"``.
        limit: the bound it crossed, ``"0.5 mg/kg"``; None for a slip, which crosses none.
        limit_id, source: which limit that is, and where its bound comes from.
        margin_rel: by how much it is crossed, relative to the bound (1.0 is twice the bound).
        margin: the same with its unit, ``"0.5 mg/kg"``.
        first_min: when it is first crossed [min]; None for what has no time.
        minutes: for how long [min]; None for what has no time.
        driver: what causes it, in words; for a slip, how the number may have been meant.
        clears_at: the setting that would clear it, all else fixed. Arithmetic, no recommendation.
    """

    code: str
    severity: str
    quantity: str
    value: str
    limit: str | None
    limit_id: str | None
    source: str | None
    margin_rel: float | None
    margin: str | None
    first_min: float | None
    minutes: float | None
    driver: str | None
    clears_at: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """One check that was made or could not be.

    Attributes:
        id: the limit's id, or ``"model-domain"``, ``"slip:lb-as-kg"`` and the like.
        required: whether the verdict is unevaluated where this check could not be made.
        outcome: ``"passed"``, ``"flagged"`` or ``"unevaluated"``.
        why: what was found, or what was missing.
    """

    id: str
    required: bool
    outcome: str
    why: str | None


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody's recorded decision to go on in spite of one flag. It changes no verdict.

    Attributes:
        flag: the flag's code.
        reason: why, in words.
        by: who decided.
    """

    flag: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class LimitsUsed:
    """Which limits were compared with.

    Attributes:
        id, version, status: what the file says of itself; ``status`` is ``"approved"`` or ``"example"``.
        sha256: of the file's bytes, lower-case hexadecimal.
    """

    id: str
    version: str
    status: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """Every check that was made or could not be, and every flag. It has a verdict and is no truth value.

    Attributes:
        verdict: hard if any flag is; else unevaluated if a required check is; else soft; else within limits.
        basis: who the verdict is about: a typical patient, without variability.
        limits: which limits were used; None where there were none.
        checks: all of them, in the order in which they were made.
        flags: what is out of range; empty where nothing that was looked at is.
        overrides: recorded decisions to go on; they change no verdict.
    """

    verdict: Verdict
    basis: str
    limits: LimitsUsed | None
    checks: tuple[Check, ...]
    flags: tuple[Flag, ...]
    overrides: tuple[Override, ...]

    @classmethod
    def _of(cls, block: Mapping[str, Any]) -> Assessment:
        return cls(
            verdict=Verdict(block["verdict"]),
            basis=block["basis"],
            limits=None if block["limits"] is None else _made(LimitsUsed, block["limits"]),
            checks=tuple(_made(Check, c) for c in block["checks"]),
            flags=tuple(_made(Flag, f) for f in block["flags"]),
            overrides=tuple(_made(Override, o) for o in block["overrides"]),
        )

    def __bool__(self) -> NoReturn:
        raise TypeError("an assessment is no truth value; look at its verdict, flags and checks")


@dataclass(frozen=True, slots=True)
class Solvers:
    """What calculated the result, and how well it agrees with itself.

    Attributes:
        version: of ketpk.
        solver: whose numbers these are.
        second_solver: the independent one they were compared with; None where none was asked, or where the course is
            so stiff that there is none.
        agreement_rel: the worst relative difference of the two, at most 1e-8; None with ``second_solver``.
        mass_balance_rel: drug that was given less drug that is found, relative to what was given.
    """

    version: str
    solver: str
    second_solver: str | None
    agreement_rel: float | None
    mass_balance_rel: float


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a result comes from.

    Attributes:
        ketpk: version and solvers.
        inputs: the session as understood, every quantity with its unit, every default echoed; read-only.
        model: id, citation, site, analytes, parameters with their sources; read-only.
    """

    ketpk: Solvers
    inputs: Mapping[str, Any]
    model: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of what went in: at one rate, or, of a bolus, at one instant.

    Attributes:
        from_us, until_us, from_min, until_min: when, in whole microseconds [us] and in [min]; of a bolus both are the
            same.
        mg: how much, base [mg].
        mg_per_min: how fast, base [mg/min]; None for a bolus.
    """

    from_us: int
    from_min: float
    until_us: int
    until_min: float
    mg: float
    mg_per_min: float | None


@dataclass(frozen=True, slots=True)
class RateRun:
    """A rate that was asked for, and what the pump made of it.

    Attributes:
        from_us, from_min: since when [us], [min].
        asked_mg_per_min, run_mg_per_min: in base [mg/min].
        asked_mL_per_h, run_mL_per_h: as the pump shows it [mL/h].
        difference_rel: by how much it runs faster, relative to what was asked for.
    """

    from_us: int
    from_min: float
    asked_mg_per_min: float
    run_mg_per_min: float
    asked_mL_per_h: float | None
    run_mL_per_h: float | None
    difference_rel: float


@dataclass(frozen=True, slots=True)
class Interruption:
    """A pause of one infusion.

    Attributes:
        from_us, from_min: when it began [us], [min].
        until_us, until_min: when it ended [us], [min]; None for a pause that nobody ended.
    """

    from_us: int
    from_min: float
    until_us: int | None
    until_min: float | None


@dataclass(frozen=True, slots=True)
class DeliveredInput:
    """What became of one input. What was delivered and what is left add up to what was ordered.

    Attributes:
        input: which one, ``"order[0]"``, or ``"saved[0]"`` of the state that the course went on from.
        ordered_mg, delivered_mg, left_mg: base [mg].
        in_line_mg: the share of ``left_mg`` that the line holds [mg]; None without a line.
        state: ``"complete"``, ``"running"``, ``"paused"`` or ``"stopped"``.
        since_us, since_min: when it ended, was stopped or was paused [us], [min]; of a running one, since when it runs
            at its rate.
        note: how it stands, in words.
        pieces: what went in, a ``Piece`` each, in order of time.
        pauses: an ``Interruption`` each, in order of time.
        rounded_rates: a ``RateRun`` for each rate that the pump does not have.
    """

    input: str
    ordered_mg: float
    delivered_mg: float
    left_mg: float
    in_line_mg: float | None
    state: str
    since_us: int
    since_min: float
    note: str | None
    pieces: tuple[Piece, ...]
    pauses: tuple[Interruption, ...]
    rounded_rates: tuple[RateRun, ...]


@dataclass(frozen=True, slots=True)
class DeliveredEvent:
    """An event, and what the pump had given of its input by that instant.

    Attributes:
        event: ``"pause"``, ``"resume"``, ``"stop"``, ``"change_rate"`` or ``"restart_remainder"``.
        input: of which input, ``"order[0]"``.
        at_us, at_min: when [us], [min].
        delivered_mg, left_mg: of that input, base [mg].
    """

    event: str
    input: str
    at_us: int
    at_min: float
    delivered_mg: float
    left_mg: float


@dataclass(frozen=True, slots=True)
class Priming:
    """What a line held before the first infusion. What was delivered and what is left add up to what was primed.

    Attributes:
        primed_mg, delivered_mg, left_mg: base [mg].
        pieces: what went in of it, a ``Piece`` each.
    """

    primed_mg: float
    delivered_mg: float
    left_mg: float
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What went in of what was ordered, where that can be two things. It is no truth value.

    Attributes:
        ordered_mg, delivered_mg, left_mg: of all inputs, base [mg]; what a line was primed with counts as delivered or
            left too.
        inputs: what became of each input: those of a saved state, then those of the order.
        events: in order of time.
        line: what the line held at first; None without a line.
    """

    ordered_mg: float
    delivered_mg: float
    left_mg: float
    inputs: tuple[DeliveredInput, ...]
    events: tuple[DeliveredEvent, ...]
    line: Priming | None

    @classmethod
    def _of(cls, block: Mapping[str, Any]) -> Delivery:
        def pieces(of: Mapping[str, Any]) -> tuple[Piece, ...]:
            return tuple(_made(Piece, p) for p in of["pieces"])

        def rates(of: Mapping[str, Any]) -> tuple[RateRun, ...]:
            return tuple(_made(RateRun, r) for r in of.get("rounded_rates", ()))

        def pauses(of: Mapping[str, Any]) -> tuple[Interruption, ...]:
            return tuple(_made(Interruption, p) for p in of.get("pauses", ()))

        inputs = tuple(
            _made(DeliveredInput, i, pieces=pieces(i), pauses=pauses(i), rounded_rates=rates(i))
            for i in block["inputs"]
        )
        line = block.get("line")
        made: Delivery = _made(
            cls,
            block,
            inputs=inputs,
            events=tuple(_made(DeliveredEvent, e) for e in block["events"]),
            line=None if line is None else _made(Priming, line, pieces=pieces(line)),
        )
        return made

    def __bool__(self) -> NoReturn:
        raise TypeError("a delivery is no truth value; look at delivered_mg, left_mg and inputs")


@dataclass(frozen=True, slots=True)
class SessionOfCourse:
    """One session of a course, from its start up to that of the next; the last one has no end.

    Attributes:
        start_us, start_min: when it begins [us], [min].
        date: as stated, where dates were; else None.
        ordered_mg, delivered_mg: of it, base [mg].
        delivered_mg_per_kg: by dosing weight [mg/kg].
        before_ng_per_mL: plasma as it begins, left from before [ng/mL].
        cmax_ng_per_mL, tmax_min: its own peak [ng/mL] and when that comes [min], counted from 0 as everywhere.
        trough_ng_per_mL: plasma as the next one begins [ng/mL]; None for the last.
        auc_ng_h_per_mL: the area under plasma up to the next one, of the last one without end [ng h/mL].
    """

    start_us: int
    start_min: float
    date: str | None
    ordered_mg: float
    delivered_mg: float
    delivered_mg_per_kg: float
    before_ng_per_mL: float
    cmax_ng_per_mL: float
    tmax_min: float
    trough_ng_per_mL: float | None
    auc_ng_h_per_mL: float


@dataclass(frozen=True, slots=True)
class Extreme:
    """The highest or lowest of an effect over the whole course.

    Attributes:
        value: how high or low [unit of the effect].
        min: when it is first there [min]; the baseline counts as there at 0, before any drug.
    """

    value: float
    min: float


@dataclass(frozen=True, slots=True, eq=False)
class EffectAnswer:
    """What becomes of one effect, over the whole continuous course and at the asked instants. It is no truth value.

    Attributes:
        name: of the effect.
        of: the concentration that it follows, ``"plasma"``, ``"effect_site"`` or a metabolite's name.
        kind: ``"emax"``, ``"linear"`` or ``"turnover"``.
        unit: of all its values, ``"mmHg"`` for example.
        source: where its numbers come from.
        baseline: without drug [unit of the effect].
        highest, lowest: of the whole course, an ``Extreme`` each.
        values: at the instants of the profile [unit of the effect], float64, shape ``(n,)``, read-only; the profile's
            column ``"<name> (<unit>)"``.
        solver: whose numbers these are; of the concentration, where the effect follows it at once.
        second_solver: the independent one they were compared with; None where none was asked, or where the course is
            so stiff that there is none.
        agreement_rel: the worst relative difference of the two, at most 1e-8; None with ``second_solver``.
    """

    name: str
    of: str
    kind: str
    unit: str
    source: str
    baseline: float
    highest: Extreme
    lowest: Extreme
    values: NDArray[np.float64]
    solver: str
    second_solver: str | None
    agreement_rel: float | None

    def _told(self) -> tuple[Any, ...]:
        return tuple(getattr(self, f.name) for f in fields(self) if f.name != "values")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EffectAnswer):
            return NotImplemented
        return self._told() == other._told() and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash(self._told())

    def __bool__(self) -> NoReturn:
        raise TypeError("an effect is no truth value; look at its highest, lowest and values")


def _header(effect: Mapping[str, Any]) -> str:
    """The name of an effect's column. Raises ``TypeError`` unless name and unit are texts."""
    name, unit = _as_stated(effect["name"], "str"), _as_stated(effect["unit"], "str")
    return f"{name} ({unit})"


STATE_SCHEMA = "ketpk.state/1"


class State(Immutable):
    """A course up to an instant, to go on from: the history of what went in, ``ketpk.state/1``.

    ``Result.state`` makes one, ``simulate(..., initial_state=...)`` goes on from it: for the same model, patient and
    drug only, and then to the bit as if it had never been interrupted. It is a value: it can be compared, pickled and
    written as JSON.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self) -> None:
        raise TypeError("a state comes from result.state(at_min=...) or ketpk.State.from_json")

    @classmethod
    def _of(cls, text: str) -> State:
        made = object.__new__(cls)
        object.__setattr__(made, "_text", text)
        return made

    @classmethod
    def from_json(cls, text: str) -> State:
        """A state from its JSON. Whether it was changed since it was saved is found when a course goes on from it.

        Raises:
            InvalidInput: ``E_PARSE`` for what is no JSON, ``E_SCHEMA_VERSION`` for another schema or version,
                ``E_FIELD_DUPLICATE``, ``E_NONFINITE``, ``E_FIELD_MISSING``, ``E_TYPE``.
        """
        if not isinstance(text, str):
            raise WrongType("E_TYPE", "state", "not a text; accepted: str")
        document = _strict_json(text, "state", STATE_SCHEMA)
        if type(document.get("saved_at_us")) is not int or type(document.get("model")) is not str:
            raise InvalidInput("E_FIELD_MISSING", "state", f"incomplete; accepted: a complete {STATE_SCHEMA}")
        return cls._of(text)

    def _document(self) -> dict[str, Any]:
        """The document. Raises ``TypeError`` for an object of a subclass that was never saved."""
        try:
            document: dict[str, Any] = json.loads(self._text)
        except AttributeError:
            raise TypeError("this state was never saved; use result.state(at_min=...)") from None
        return document

    @property
    def at_min(self) -> float:
        """The instant that it was saved at [min]."""
        return float(self._document()["saved_at_us"] / 6e7)

    @property
    def model(self) -> str:
        """The id of the model that it belongs to."""
        return str(self._document()["model"])

    def to_json(self) -> str:
        """The state as ``ketpk.state/1``, the bytes that ``ketpk simulate --save-state`` writes."""
        return self._text

    def to_dict(self) -> dict[str, Any]:
        """The state as ``ketpk.state/1`` in plain dicts and lists, a copy."""
        return self._document()

    def to_file(self, path: str | os.PathLike[str], *, replace: bool = False) -> None:
        """Writes the state to a file.

        Args:
            path: of the file.
            replace: whether a file of that name may go.

        Raises:
            InvalidInput: ``E_IO`` where a file of that name exists, or it cannot be written.
            WrongType: for anything but a path.
        """
        write_file(path, self._text.encode(), replace)

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if isinstance(other, State) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.to_dict()["saved_at_us"])

    def __reduce__(self) -> tuple[Any, ...]:
        return State.from_json, (self._text,)

    def __repr__(self) -> str:
        return f"<ketpk.State of {self.model} at {self.at_min:.6g} min>"


#: The columns of a profile that are no metabolite's.
_FIXED = (
    "time_us",
    "time_min",
    "plasma_ng_per_mL",
    "effect_site_ng_per_mL",
    "delivered_mg",
    "auc_ng_h_per_mL",
    "paused_infusions",
)


class Profile(Table):
    """The curve at the instants that were asked for, column by column: a read-only mapping of names to arrays.

    The columns are ``time_us`` (int64) and, in float64, ``time_min``, ``plasma_ng_per_mL``, ``effect_site_ng_per_mL``
    where the model has an effect site, ``<metabolite>_ng_per_mL`` for each metabolite, ``delivered_mg`` and
    ``auc_ng_h_per_mL`` (from 0 to each instant); ``"<effect> (<unit>)"`` for each effect; and ``paused_infusions``
    (int64) where there is a ``delivery``. Each has the shape ``(n,)``, is a view of the result's own memory and cannot
    be written to. Columns are attributes too: ``profile.plasma_ng_per_mL``; those of the metabolites are in
    ``profile.metabolites["<metabolite>_ng_per_mL"]``.
    """

    __slots__ = ()

    @classmethod
    def _of_answer(cls, answer: _core.Answer) -> Profile:
        columns: dict[str, NDArray[Any]] = {
            "time_us": answer.time_us(),
            "time_min": answer.column("time_min"),
            "plasma_ng_per_mL": answer.column("plasma_ng_per_mL"),
        }
        if answer.has_effect_site:
            columns["effect_site_ng_per_mL"] = answer.column("effect_site_ng_per_mL")
        columns.update({f"{n}_ng_per_mL": answer.metabolite(i) for i, n in enumerate(answer.metabolites)})
        columns["delivered_mg"] = answer.column("delivered_mg")
        columns["auc_ng_h_per_mL"] = answer.column("auc_ng_h_per_mL")
        columns.update({header: answer.effect(i) for i, header in enumerate(answer.effects)})
        if answer.has_delivery:
            columns["paused_infusions"] = answer.paused()
        return cls(columns)

    @classmethod
    def _of_block(cls, block: Mapping[str, Any], effects: Sequence[Mapping[str, Any]]) -> Profile:
        """From two blocks of a document. Raises ``TypeError`` unless it is the contract's columns, of numbers and of
        one length."""
        columns: dict[str, NDArray[Any]] = {"time_us": _column(block["time_us"], np.int64)}
        for name in ("time_min", "plasma_ng_per_mL", "effect_site_ng_per_mL"):
            if name in block or name != "effect_site_ng_per_mL":
                columns[name] = _column(block[name], np.float64)
        for name, values in block.get("metabolites", {}).items():
            if name in _FIXED or not name.endswith("_ng_per_mL"):
                raise TypeError("no name of a metabolite's column")
            columns[name] = _column(values, np.float64)
        for name in ("delivered_mg", "auc_ng_h_per_mL"):
            columns[name] = _column(block[name], np.float64)
        for effect in effects:
            columns[_header(effect)] = _column(effect["values"], np.float64)
        if "paused_infusions" in block:
            columns["paused_infusions"] = _column(block["paused_infusions"], np.int64)
        if len({len(column) for column in columns.values()}) > 1:
            raise TypeError("columns of different lengths")
        return cls(columns)

    @property
    def time_us(self) -> NDArray[np.int64]:
        """The asked instants [us], whole microseconds from time zero, int64, shape ``(n,)``."""
        return self["time_us"]

    @property
    def time_min(self) -> NDArray[np.float64]:
        """The asked instants [min], float64, shape ``(n,)``."""
        return self["time_min"]

    @property
    def plasma_ng_per_mL(self) -> NDArray[np.float64]:
        """Plasma at the asked instants, base [ng/mL], shape ``(n,)``. At the instant of a bolus, the value after it."""
        return self["plasma_ng_per_mL"]

    @property
    def effect_site_ng_per_mL(self) -> NDArray[np.float64] | None:
        """Effect site at the asked instants [ng/mL], shape ``(n,)``; None where the model has no effect site."""
        return self.get("effect_site_ng_per_mL")

    @property
    def delivered_mg(self) -> NDArray[np.float64]:
        """Drug that has gone in until each instant, base [mg], shape ``(n,)``."""
        return self["delivered_mg"]

    @property
    def auc_ng_h_per_mL(self) -> NDArray[np.float64]:
        """Area under plasma from 0 to each instant [ng h/mL], shape ``(n,)``."""
        return self["auc_ng_h_per_mL"]

    @property
    def paused_infusions(self) -> NDArray[np.int64] | None:
        """How many infusions are paused at each instant, int64, shape ``(n,)``; None where nothing can be."""
        return self.get("paused_infusions")

    @property
    def metabolites(self) -> Mapping[str, NDArray[np.float64]]:
        """The columns ``<metabolite>_ng_per_mL`` [ng/mL] by their names; empty where the model has no metabolite."""
        metabolites = (name for name in self if name not in _FIXED and name.endswith("_ng_per_mL"))
        return Frozen({name: self[name] for name in metabolites})

    def _shown(self) -> Mapping[str, NDArray[Any]]:
        """Raises ``InvalidInput`` where no instant was asked for: an empty table would look like an answer."""
        if len(self.time_us) == 0:
            raise InvalidInput(
                "E_FIELD_MISSING", "observe", "no instant was asked for; accepted: every_min with until_min, or at_min"
            )
        return self._columns


def _column(values: object, kind: type[np.generic]) -> NDArray[Any]:
    """A list of numbers as an array whose memory nobody can write to. Raises ``TypeError`` for anything else."""
    accepted = (int,) if kind is np.int64 else (int, float)
    if not isinstance(values, list) or any(type(x) not in accepted for x in values):
        raise TypeError("not a column of numbers")
    return np.frombuffer(np.array(values, dtype=kind).tobytes(), dtype=kind)


def _strict_json(text: str, field: str, schema: str) -> dict[str, Any]:
    """A document of this schema, strictly. Raises ``InvalidInput``."""

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        document = dict(members)
        if len(document) != len(members):
            raise InvalidInput("E_FIELD_DUPLICATE", field, "a key stands twice; accepted: each key once")
        return document

    def number(digits: str) -> float:
        x = float(digits)
        if x in (float("inf"), float("-inf")):
            raise InvalidInput("E_RANGE", field, "a number beyond what can be held; accepted: up to 1e308")
        return x

    def constant(_: str) -> NoReturn:
        raise InvalidInput("E_NONFINITE", field, "a number that is not finite; accepted: finite numbers")

    try:
        document = json.loads(text, object_pairs_hook=pairs, parse_float=number, parse_constant=constant)
    except InvalidInput:
        raise
    except (ValueError, RecursionError):
        raise InvalidInput("E_PARSE", field, f"not JSON; accepted: the text of a {schema}") from None
    if not isinstance(document, dict) or document.get("schema") != schema:
        raise InvalidInput("E_SCHEMA_VERSION", "schema", f"not a {field} this version knows; accepted: {schema}")
    return document


def _parsed(text: str) -> dict[str, Any]:
    """A result document, strictly. Raises ``InvalidInput``."""
    document = _strict_json(text, "result", SCHEMA)
    for block in BLOCKS:
        if block not in document:
            raise InvalidInput("E_FIELD_MISSING", block, f"not there; accepted: a complete {SCHEMA}")
        if not isinstance(document[block], list if block == "time_above" else dict):
            raise InvalidInput("E_TYPE", block, f"of another kind; accepted: a complete {SCHEMA}")
    return document


class Result(Immutable):
    """The answer to one patient and one order.

    It is a value: it does not change, equal results are equal, it can be pickled and written as JSON and comes back bit
    for bit. It is no truth value. ``ketpk.simulate`` makes one, ``Result.from_json`` brings one back.
    """

    __slots__ = ("_answer", "_blocks", "_kept", "_text")
    _answer: _core.Answer | None
    _blocks: dict[str, Any]
    _kept: dict[str, Any]
    _text: str | None

    def __init__(self) -> None:
        raise TypeError("a result comes from ketpk.simulate, ketpk.simulate_session or ketpk.Result.from_json")

    @classmethod
    def _of_answer(cls, answer: _core.Answer) -> Result:
        return cls._made(answer, {}, None)

    @classmethod
    def _made(cls, answer: _core.Answer | None, blocks: dict[str, Any], text: str | None) -> Result:
        made = object.__new__(cls)
        for name, value in (("_answer", answer), ("_blocks", blocks), ("_kept", {}), ("_text", text)):
            object.__setattr__(made, name, value)
        return made

    @classmethod
    def from_json(cls, text: str) -> Result:
        """A result from its JSON, bit for bit.

        Raises:
            InvalidInput: ``E_PARSE`` for what is no JSON, ``E_SCHEMA_VERSION`` for another schema or version,
                ``E_FIELD_MISSING``, ``E_FIELD_DUPLICATE``, ``E_NONFINITE``, ``E_TYPE``.
        """
        if not isinstance(text, str):
            raise WrongType("E_TYPE", "result", "not a text; accepted: str")
        document = _parsed(text)
        made = cls._made(None, document, text)
        try:
            _ = made.summary, made.time_above, made.assessment, made.ketpk, made.profile
            _ = made.delivery, made.sessions, made.effects, made.body_size, made.sensitivity
            session_again(document["inputs"])
            shown = document["model"]["id"], document["model"]["site"], made.assessment.basis
            if not all(isinstance(text, str) for text in shown):
                raise TypeError("a member of another type")
        except InvalidInput:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise InvalidInput("E_TYPE", "result", f"a block of another shape; accepted: a complete {SCHEMA}") from None
        return made

    def _block(self, name: str) -> Any:
        """A block of the document, read once. Two threads may both read it; they read the same."""
        if name not in self._blocks:
            assert self._answer is not None
            self._blocks[name] = json.loads(self._answer.block(name)).get(name)
        return self._blocks[name]

    def _keep(self, name: str, made: Any) -> Any:
        return self._kept.setdefault(name, made)

    @property
    def summary(self) -> Summary:
        """Peak [ng/mL], time of peak [min], area [ng h/mL], half-life [min] of the whole continuous course."""
        kept: Summary = self._kept.get("summary") or self._keep("summary", Summary._of(self._block("summary")))
        return kept

    @property
    def profile(self) -> Profile:
        """The curve at the asked instants, as read-only arrays; of length 0 where none was asked for."""
        if "profile" not in self._kept:
            if self._answer is None:
                made = Profile._of_block(self._block("profile"), self._blocks.get("effects", ()))
            else:
                made = Profile._of_answer(self._answer)
            self._keep("profile", made)
        profile: Profile = self._kept["profile"]
        return profile

    @property
    def time_above(self) -> tuple[TimeAbove, ...]:
        """One entry per level that was asked about with ``time_above_ng_per_mL``, in that order."""
        if "time_above" not in self._kept:
            self._keep("time_above", tuple(_made(TimeAbove, t) for t in self._block("time_above")))
        entries: tuple[TimeAbove, ...] = self._kept["time_above"]
        return entries

    @property
    def delivery(self) -> Delivery | None:
        """What went in of what was ordered; None where that is the same, without events, pump and saved state."""
        if "delivery" not in self._kept:
            block = self._blocks.get("delivery") if self._answer is None else self._block("delivery")
            self._keep("delivery", None if block is None else Delivery._of(block))
        delivery: Delivery | None = self._kept["delivery"]
        return delivery

    @property
    def sessions(self) -> tuple[SessionOfCourse, ...]:
        """Each session of a course, in order of time; empty where the order stands alone."""
        if "sessions" not in self._kept:
            block = self._blocks.get("sessions") if self._answer is None else self._block("sessions")
            self._keep("sessions", tuple(_made(SessionOfCourse, s) for s in block or ()))
        sessions: tuple[SessionOfCourse, ...] = self._kept["sessions"]
        return sessions

    @property
    def effects(self) -> Mapping[str, EffectAnswer]:
        """What becomes of each effect, by its name: those of the model, then those that were asked for; empty where
        there is none."""
        if "effects" not in self._kept:
            block = self._blocks.get("effects") if self._answer is None else self._block("effects")
            told = {
                e["name"]: _made(
                    EffectAnswer,
                    e,
                    highest=_made(Extreme, e["highest"]),
                    lowest=_made(Extreme, e["lowest"]),
                    values=self.profile[_header(e)],
                )
                for e in block or ()
            }
            self._keep("effects", Frozen(told))
        effects: Mapping[str, EffectAnswer] = self._kept["effects"]
        return effects

    @property
    def body_size(self) -> Mapping[str, Any]:
        """The mass that per-kg orders counted and by which formula (``dosing_weight``), the weight that the model looks
        at (``model_weight_kg``), and every size that follows from weight, height and sex with its formula and
        citation, or with the reason why it is absent; empty in a result that was saved before there was such a block."""
        if "body_size" not in self._kept:
            block = self._blocks.get("body_size", {}) if self._answer is None else self._block("body_size")
            self._keep("body_size", frozen(block))
        sizes: Mapping[str, Any] = self._kept["body_size"]
        return sizes

    @property
    def sensitivity(self) -> tuple[Mapping[str, Any], ...]:
        """What each outcome hangs on, where ``sensitivity=True`` asked for it, else empty: plasma peak, area, minutes
        above, then those of effect site and metabolites. Each has ``outcome``, ``curve``, ``value``, ``unit``, one
        sentence ``driver``, and ``inputs``, what moves it most first, each with ``input``, ``kind``, ``value``,
        ``unit``, ``slope`` and ``elasticity`` (per cent for each one per cent), or ``absent``, the reason why not."""
        if "sensitivity" not in self._kept:
            block = self._blocks.get("sensitivity") if self._answer is None else self._block("sensitivity")
            self._keep("sensitivity", tuple(frozen(outcome) for outcome in block or ()))
        outcomes: tuple[Mapping[str, Any], ...] = self._kept["sensitivity"]
        return outcomes

    @property
    def assessment(self) -> Assessment:
        """Verdict, checks and flags."""
        if "assessment" not in self._kept:
            self._keep("assessment", Assessment._of(self._block("assessment")))
        assessment: Assessment = self._kept["assessment"]
        return assessment

    @property
    def verdict(self) -> Verdict:
        """The assessment's verdict."""
        return self.assessment.verdict

    @property
    def flags(self) -> tuple[Flag, ...]:
        """The assessment's flags."""
        return self.assessment.flags

    @property
    def ketpk(self) -> Solvers:
        """Version, solvers, their agreement, the balance of mass."""
        if "ketpk" not in self._kept:
            self._keep("ketpk", _made(Solvers, self._block("ketpk")))
        solvers: Solvers = self._kept["ketpk"]
        return solvers

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The session as understood, every quantity with its unit, every default echoed. Read-only."""
        if "inputs" not in self._kept:
            self._keep("inputs", frozen(self._block("inputs")))
        inputs: Mapping[str, Any] = self._kept["inputs"]
        return inputs

    @property
    def model(self) -> Mapping[str, Any]:
        """The model: id, citation, site, analytes, population, parameters with their sources. Read-only."""
        if "model" not in self._kept:
            self._keep("model", frozen(self._block("model")))
        model: Mapping[str, Any] = self._kept["model"]
        return model

    @property
    def provenance(self) -> Provenance:
        """Where the result comes from: program, inputs as understood, model."""
        return Provenance(self.ketpk, self.inputs, self.model)

    def to_json(self) -> str:
        """The result as the text of ``ketpk.result/1``, the same bytes as the command line writes; of a result that was
        read back, the text it was read from."""
        if self._text is None:
            assert self._answer is not None
            return self._answer.json()
        return self._text

    def card(self) -> str:
        """The result on one screen, as the command line shows it: patient, order, curve, verdict, flags, checks.

        Raises:
            InvalidInput: ``E_STATE`` for a result that was read back; its session can be asked again.
        """
        if self._answer is None:
            raise InvalidInput("E_STATE", "card", "the result was read back; accepted: one that was calculated here")
        return self._answer.card()

    def state(self, *, at_min: Number) -> State:
        """The course up to an instant, to go on from later with ``initial_state=``. What had not begun by then is no
        part of it; an infusion that was under way is held unfinished.

        Args:
            at_min: the instant [min] after time zero.

        Raises:
            InvalidInput: ``E_STATE`` for a result that was read back, and for a course with a line; ``E_TIME_ORDER``
                before the state that the course itself went on from; ``E_RANGE``.
            WrongType: for anything but a number.
        """
        at = quantity(at_min, "at_min", "min")
        if self._answer is None:
            raise InvalidInput("E_STATE", "state", "the result was read back; accepted: one that was calculated here")
        return State._of(self._answer.state(at))

    def save_state(self, path: str | os.PathLike[str], *, at_min: Number, replace: bool = False) -> None:
        """Writes the course up to an instant to a file, the same bytes as ``ketpk simulate --save-state``.

        Args:
            path: of the file.
            at_min: the instant [min] after time zero.
            replace: whether a file of that name may go.

        Raises:
            InvalidInput: as ``state``; ``E_IO`` where a file of that name exists, or it cannot be written.
            WrongType: for anything but a path and a number.
        """
        self.state(at_min=at_min).to_file(path, replace=replace)

    def to_dict(self) -> dict[str, Any]:
        """The result as ``ketpk.result/1`` in plain dicts and lists, a copy."""
        document: dict[str, Any] = json.loads(self.to_json())
        return document

    def to_pandas(self) -> pandas.DataFrame:
        """The profile, one row per asked instant, the unit in each column's name. Needs pandas.

        Raises:
            InvalidInput: ``E_FIELD_MISSING`` if no instant was asked for (``every_min`` with ``until_min``, or
                ``at_min``).
            ImportError: without pandas.
        """
        return self.profile.to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """The profile as a data frame of polars. Needs polars.

        Raises: as ``to_pandas``; ``ImportError`` without polars.
        """
        return self.profile.to_polars()

    def to_arrow(self) -> pyarrow.Table:
        """The profile as an Arrow table, without copying. Needs pyarrow.

        Raises: as ``to_pandas``; ``ImportError`` without pyarrow.
        """
        return self.profile.to_arrow()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The profile by the Arrow PyCapsule protocol. Needs pyarrow. Raises as ``to_pandas``."""
        return self.profile.__arrow_c_stream__(requested_schema)

    def plot(
        self,
        *others: Result,
        ax: matplotlib.axes.Axes | None = None,
        limits: LimitsSource | None = None,
        labels: Sequence[str] | None = None,
    ) -> matplotlib.axes.Axes:
        """Concentration [ng/mL] over time, with the drug going in under it. Needs matplotlib. See ``ketpk.plot``.

        Args:
            others: more results for the same Axes.
            ax, limits, labels: as in ``ketpk.plot``.

        Raises: as ``ketpk.plot``.
        """
        from ._plot import plot

        return plot(self, *others, ax=ax, limits=limits, labels=labels)

    def plot_tornado(
        self,
        outcome: str = "cmax",
        *,
        curve: str = "plasma",
        most: int = 10,
        ax: matplotlib.axes.Axes | None = None,
    ) -> matplotlib.axes.Axes:
        """What an outcome hangs on, as bars by size: per cent for each one per cent of the input. Needs matplotlib.

        Args:
            outcome: ``"cmax"``, ``"auc_inf"`` or ``"time_above"`` (the first level that was asked about).
            curve: ``"plasma"``, ``"effect_site"`` or a metabolite's name.
            most: how many inputs are shown.
            ax: where to draw; a figure of its own if not given.

        Raises:
            ImportError: without matplotlib.
            InvalidInput: ``E_FIELD_MISSING`` where sensitivities were not asked for, ``E_RANGE`` for an outcome that
                the result does not have or a number of bars below one.
        """
        from ._tornado import plot_tornado

        return plot_tornado(self, outcome, curve=curve, most=most, ax=ax)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Result):
            return NotImplemented
        return self is other or self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self._block("model")["id"], self.ketpk, self.summary.cmax_ng_per_mL, self.summary.tmax_min))

    def __bool__(self) -> NoReturn:
        raise TypeError("a result is no truth value; look at result.verdict, result.flags or result.summary")

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (SCHEMA, self.to_json())

    def __copy__(self) -> Result:
        return self

    def __deepcopy__(self, memo: object) -> Result:
        return self

    def __repr__(self) -> str:
        s = self.summary
        return (
            f"<ketpk.Result {self._block('model')['id']}: {s.delivered_mg:.4g} mg, "
            f"peak {s.cmax_ng_per_mL:.3g} ng/mL at {s.tmax_min:.4g} min, "
            f"verdict {self.verdict}, {len(self.flags)} flags>"
        )

    def _repr_html_(self) -> str:
        from . import _html

        return _html.result(self)


def _restored(schema: str, text: str) -> Result:
    """A pickled result. One of another schema is refused."""
    if schema != SCHEMA:
        raise InvalidInput("E_SCHEMA_VERSION", "schema", f"pickled by another version of ketpk; accepted: {SCHEMA}")
    return Result.from_json(text)


def session_again(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The session that asks for the same course again, from the inputs a result echoes: patient, order, events, pump,
    model and effects as they were stated, without limits, questions and overrides."""

    def stated(document: Mapping[str, Any]) -> dict[str, Any]:
        kept = {k: v for k, v in document.items() if not k.endswith("_as_stated")}
        kept.update({k.removesuffix("_as_stated"): v for k, v in document.items() if k.endswith("_as_stated")})
        return kept

    inputs = thawed(inputs)
    order = [{k: v for k, v in i.items() if k not in ("amount_mg", "rate_mg_per_min")} for i in inputs["order"]]
    kept = ("schema", "analyte", "form", "initial_state", "bag", "model", "course", "events", "pump", "effects")
    allowed = ("extrapolate", "assume_enantiomers_alike")
    return {
        **{k: inputs[k] for k in (*kept, *allowed) if k in inputs},
        "patient": stated(inputs["patient"]),
        "order": order,
    }
