# SPDX-License-Identifier: Apache-2.0
"""One order in a population: keywords become the document that a file would hold, and the core answers it.

A subject is a seed and a number, so that whoever draws him again, in whatever part and by however many threads, has the
same one. People who come as a table go to the core as arrays, for a document has room for some ten thousand only.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._errors import InvalidInput, WrongType
from ._files import bytes_of, json_bytes, path_bytes, session_path
from ._frame import Source, progress_of, threads_of
from ._frozen import Frozen, frozen
from ._nouns import Course, Event, Order, Patient, Pump, Vial
from ._numbers import Number, number, numbers, truth
from ._result import Assessment, Flag, Verdict, _made
from ._session import LimitsSource, limits_of, one_model, session_of
from ._table import Table, Tabular
from .limits import today
from .models import ModelSource

if TYPE_CHECKING:
    import matplotlib.axes

SCHEMA = "ketpk.cohort-result/1"
Floats = NDArray[np.float64]
PeopleSource = Mapping[str, Any] | str | os.PathLike[str] | Any
Progress = bool | Callable[[int, int], object] | None

#: The members of a document's people; a mapping with any of them is no table of columns.
_MEMBERS = ("covariates", "correlation", "female_share", "women", "men", "csv", "file", "table", "drawn")


@dataclass(frozen=True, slots=True)
class FailedSubject:
    """A subject who could not be answered, and why.

    Attributes:
        subject: the number of the subject.
        code, field, message: as ``InvalidInput`` or ``NumericalTrouble`` has them, had he been asked alone.
    """

    subject: int
    code: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Interval95:
    """The middle 95 % of what the replicates of a parameter uncertainty came to.

    Attributes:
        low, high: its ends, in the [unit] of the number that it is of.
    """

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Proportion:
    """How many of the subjects, and how well so many subjects tell it. As text it is ``"7.1 % (6.9 to 7.3)"``, with the
    decimals that the interval leaves. It is no truth value.

    Attributes:
        hits, of: how many of how many.
        share: ``hits / of``, 0 to 1 [no unit].
        low, high: the 95 % interval of the share [no unit].
    """

    hits: int
    of: int
    share: float
    low: float
    high: float

    def __bool__(self) -> NoReturn:
        raise TypeError("a proportion is no truth value; look at its share, low and high")

    def __str__(self) -> str:
        return _core.share_text(self.hits, self.of)


@dataclass(frozen=True, slots=True)
class Spreading:
    """How one number is spread over the subjects who were answered.

    Attributes:
        name: ``"cmax_ng_per_mL"`` for example.
        unit: of the numbers, ``"ng/mL"``.
        mean, lowest, highest: over all of them [unit].
        at_percentiles: a read-only mapping of each asked percentile to its number [unit], by definition 7 of Hyndman
            and Fan (1996).
        error_rel: of these at most; 0 where they are exact, which they are of up to 10,000 subjects.
        median_interval95: an ``Interval95`` of the median; None without a parameter uncertainty.
    """

    name: str
    unit: str
    mean: float
    lowest: float
    highest: float
    at_percentiles: Mapping[float, float]
    error_rel: float
    median_interval95: Interval95 | None


@dataclass(frozen=True, slots=True)
class LimitInCohort:
    """How often the bounds of a limit are crossed. It is no truth value.

    Attributes:
        id, quantity: of the limit.
        max_probability: how often it may be, 0 to 1 [no unit], as the limit says; None where it does not.
        beyond_any, beyond_hard: a ``Proportion`` of the subjects who are beyond a bound, and beyond a hard one; None
            where nobody could be evaluated, and then
        why: says why not.
        beyond_any_interval95, beyond_hard_interval95: an ``Interval95`` of the shares; None without a parameter
            uncertainty.
    """

    id: str
    quantity: str
    max_probability: float | None
    beyond_any: Proportion | None
    beyond_hard: Proportion | None
    why: str | None
    beyond_any_interval95: Interval95 | None
    beyond_hard_interval95: Interval95 | None

    def __bool__(self) -> NoReturn:
        raise TypeError("how often a limit is crossed is no truth value; look at beyond_any and beyond_hard")


@dataclass(frozen=True, slots=True, eq=False)
class Replicates:
    """What every replicate of a parameter uncertainty came to; NaN where one came to no number.

    Attributes:
        count: how many there are.
        medians: a read-only mapping of the names of ``Cohort.summaries`` to float64, shape ``(count,)``: the median.
        beyond_any, beyond_hard: mappings of the ids of ``Cohort.limits`` to float64, shape ``(count,)``: the share.
        percentiles: a mapping of each percentile [%] to plasma [ng/mL], float64, shape ``(count, instants)``.
    """

    count: int
    medians: Mapping[str, Floats]
    beyond_any: Mapping[str, Floats]
    beyond_hard: Mapping[str, Floats]
    percentiles: Mapping[float, Floats]

    def _told(self) -> tuple[Any, ...]:
        several = (self.medians, self.beyond_any, self.beyond_hard, self.percentiles)
        return (self.count, *((tuple(each), *(x.tobytes() for x in each.values())) for each in several))

    def __eq__(self, other: object) -> bool:
        return self._told() == other._told() if isinstance(other, Replicates) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._told())


class Cohort(Tabular):
    """What an order does in a population. ``ketpk.cohort`` and ``ketpk.cohort_file`` make one.

    It is a value: it does not change, equal ones are equal, and it can be pickled. It is no truth value. Where subjects
    failed and ``despite_failures`` was not asked there are no statistics, and whoever asks for them is refused.
    """

    __slots__ = ("_held", "_told")
    _held: _core.Cohort | None
    _told: Mapping[str, Any]

    def __init__(self) -> None:
        raise TypeError("a cohort comes from ketpk.cohort(order, subjects=..., seed=..., ...)")

    @classmethod
    def _of(cls, held: _core.Cohort | None, told: Mapping[str, Any]) -> Cohort:
        made = object.__new__(cls)
        object.__setattr__(made, "_held", held)
        object.__setattr__(made, "_told", Frozen(told))
        return made

    # Who was answered ------------------------------------------------------------------------------------------------

    @property
    def n_in(self) -> int:
        """How many subjects were asked: ``n_ok + n_failed``."""
        return int(self._told["head"]["n_in"])

    @property
    def n_ok(self) -> int:
        """How many were answered."""
        return int(self._told["head"]["n_ok"])

    @property
    def n_failed(self) -> int:
        """How many could not be."""
        return int(self._told["head"]["n_failed"])

    @property
    def failed(self) -> tuple[FailedSubject, ...]:
        """Who could not be answered and why, by their numbers."""
        failed: tuple[FailedSubject, ...] = self._told["failed"]
        return failed

    @property
    def has_statistics(self) -> bool:
        """Whether there are any: nobody failed, or ``despite_failures`` was asked."""
        return bool(self._told["head"]["has_statistics"])

    def _statistics(self, name: str) -> Any:
        if not self.has_statistics:
            why, accepted = "subjects failed", "despite_failures=True, for those of the others"
            if self.n_ok == 0:
                why, accepted = "nobody could be answered", "people of whom somebody can be"
            message = f"{why}, so there are no statistics; accepted: {accepted}"
            raise InvalidInput("E_STATE", "despite_failures", message)
        return self._told[name]

    # Plasma over time ------------------------------------------------------------------------------------------------

    @property
    def time_us(self) -> NDArray[np.int64]:
        """The asked instants [us], int64, shape ``(n,)``, read-only."""
        time: NDArray[np.int64] = self._told["time_us"]
        return time

    @property
    def time_min(self) -> Floats:
        """The asked instants [min], float64, shape ``(n,)``, read-only."""
        time: Floats = self._told["time_min"]
        return time

    @property
    def mean_ng_per_mL(self) -> Floats:
        """Mean plasma at these instants [ng/mL], float64, shape ``(n,)``, read-only. Raises ``InvalidInput``:
        ``E_STATE`` where there are no statistics."""
        mean: Floats = self._statistics("mean")
        return mean

    @property
    def percentiles(self) -> Mapping[float, Floats]:
        """A read-only mapping of each asked percentile, 50.0 for example, to plasma at these instants [ng/mL], float64,
        shape ``(n,)``. By definition 7 of Hyndman and Fan (1996). Raises as ``mean_ng_per_mL``."""
        percentiles: Mapping[float, Floats] = self._statistics("percentiles")
        return percentiles

    @property
    def percentile_error_rel(self) -> float:
        """The relative error of these at most [no unit]; 0 where they are exact, which they are of up to 10,000
        subjects."""
        return float(self._statistics("error_rel"))

    @property
    def columns(self) -> Table:
        """A read-only mapping of names to arrays of the shape ``(n,)``, one element an instant, as ``to_csv`` has them:
        ``time_us``, ``time_min``, ``mean_ng_per_mL``, ``p5_ng_per_mL`` and its kin; with a parameter uncertainty the
        ends of each percentile's 95 % interval, ``p5_low_ng_per_mL`` and ``p5_high_ng_per_mL``. Raises as
        ``mean_ng_per_mL``."""
        table: Table = self._statistics("columns")
        return table

    # Subjects and limits ---------------------------------------------------------------------------------------------

    @property
    def summaries(self) -> Mapping[str, Spreading]:
        """A read-only mapping of names to a ``Spreading`` each: ``cmax_ng_per_mL``, ``tmax_min``,
        ``auc_inf_ng_h_per_mL``, and ``minutes_above_<level>_ng_per_mL`` for each level that was asked about. Raises as
        ``mean_ng_per_mL``."""
        summaries: Mapping[str, Spreading] = self._statistics("summaries")
        return summaries

    @property
    def limits(self) -> Mapping[str, LimitInCohort]:
        """A read-only mapping of the ids of limits to a ``LimitInCohort`` each: how often its bounds are crossed.
        Raises as ``mean_ng_per_mL``."""
        limits: Mapping[str, LimitInCohort] = self._statistics("limits")
        return limits

    @property
    def assessment(self) -> Assessment:
        """The judgement by the limits that say how often they may be crossed."""
        assessment: Assessment = self._told["assessment"]
        return assessment

    @property
    def verdict(self) -> Verdict:
        """Of the assessment. It is no truth value."""
        return self.assessment.verdict

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Of the assessment."""
        return self.assessment.flags

    @property
    def replicates(self) -> Replicates | None:
        """What every replicate of the parameter uncertainty came to; None without one."""
        replicates: Replicates | None = self._told["replicates"]
        return replicates

    @property
    def subjects(self) -> Table | None:
        """The table of the subjects who were answered, with ``keep_subjects``; else None. A read-only mapping of names to
        arrays: ``subject`` (its number, uint64), covariates, parameters and summaries, float64, NaN where a subject has
        none."""
        subjects: Table | None = self._told["subjects"]
        return subjects

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What was asked, as it was understood: ``session`` and ``cohort``. Read-only."""
        inputs: Mapping[str, Any] = self._told["head"]["inputs"]
        return inputs

    @property
    def model(self) -> Mapping[str, Any]:
        """Which model, with its citation, site and domain. Read-only."""
        model: Mapping[str, Any] = self._told["head"]["model"]
        return model

    @property
    def road(self) -> str:
        """Which solver answered: ``"exact"``, ``"odeint"`` or ``"network"``."""
        return str(self._told["head"]["road"])

    # To elsewhere ----------------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """The answer as ``ketpk.cohort-result/1``, the same bytes as ``ketpk cohort --json`` writes."""
        if self.subjects is None:  # whose table is all that the head leaves out
            return str(self._told["text"])
        return str(self._told["json"]) if self._held is None else self._held.json()

    def to_dict(self) -> dict[str, Any]:
        """The answer as ``ketpk.cohort-result/1`` in plain dicts and lists, a copy."""
        document: dict[str, Any] = json.loads(self.to_json())
        return document

    def to_csv(self) -> str:
        """The bands over time as CSV, the same bytes as ``ketpk cohort --csv`` writes; of an answer without statistics
        the header alone."""
        return str(self._told["csv"]) if self._held is None else self._held.csv()

    def subjects_to_csv(self) -> str:
        """The table of subjects as CSV, the same bytes as ``ketpk cohort --table`` writes: who was answered, then, with
        code and field, who was not.

        Raises:
            InvalidInput: ``E_STATE`` without ``keep_subjects``.
        """
        if self.subjects is None:
            raise InvalidInput("E_STATE", "keep_subjects", "no subject was kept; accepted: keep_subjects=True")
        return str(self._told["subjects_csv"]) if self._held is None else self._held.subjects_csv()

    def card(self) -> str:
        """The answer as text, as the command line shows it.

        Raises:
            InvalidInput: ``E_STATE`` for a cohort that was pickled.
        """
        if self._held is None:
            raise InvalidInput("E_STATE", "card", "the cohort was pickled; accepted: one that was calculated here")
        return self._held.card()

    def plot(self, quantity: str = "plasma") -> matplotlib.axes.Axes:
        """Plasma over time, or how a number of the summaries is spread, in a figure of its own. Needs matplotlib.

        Plasma: the median, the mean, and a band between each pair of percentiles that leaves out as much below as
        above. Upper bounds on the peak are lines, of the model's own sampling site only, each with the share of subjects
        whose peak is beyond it. A number: the share of subjects who are above each value, from the table of subjects
        where it was kept, or else from the percentiles.

        Args:
            quantity: ``"plasma"``, or a name of ``summaries``.

        Returns:
            The Axes.

        Raises:
            InvalidInput: ``E_STATE`` where there are no statistics; ``E_FIELD_MISSING`` for plasma where no instant was
                asked; ``E_RANGE`` for no such number.
            WrongType: for no text.
            ImportError: without matplotlib.
        """
        from ._plot_cohort import plot_cohort

        return plot_cohort(self, quantity)

    def __len__(self) -> int:
        """How many subjects were asked, as ``n_in``."""
        return self.n_in

    def __bool__(self) -> NoReturn:
        raise TypeError("a cohort is no truth value; look at its verdict, limits and summaries")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Cohort):
            return NotImplemented
        return self is other or (self.to_json() == other.to_json() and self.replicates == other.replicates)

    def __hash__(self) -> int:
        return hash((self.n_in, self.n_ok, self.model["id"], self.inputs["cohort"]["seed"]))

    def __reduce__(self) -> tuple[Any, ...]:
        kept = {"text": self._told["text"], "csv": self.to_csv(), "bounds": self._told["bounds"]}
        if self.subjects is not None:
            kept |= {"json": self.to_json(), "subjects_csv": self.subjects_to_csv()}
        curves = {n: np.array(self._told[n]) for n in ("time_us", "mean")}
        many = [np.array(x) for x in self._told["percentiles"].values()]
        again = self.replicates
        parts = None
        if again is not None:
            several = (again.medians, again.beyond_any, again.beyond_hard, again.percentiles)
            parts = [{name: np.array(x) for name, x in each.items()} for each in several]
        return _restored, (SCHEMA, kept, curves, many, self.subjects, parts)

    def __copy__(self) -> Cohort:
        return self

    def __deepcopy__(self, memo: object) -> Cohort:
        return self

    def __repr__(self) -> str:
        said = f"<ketpk.Cohort {self.model['id']}: {self.n_in} subjects, {self.n_failed} failed"
        if self.has_statistics:
            peak = self.summaries["cmax_ng_per_mL"]
            at = list(peak.at_percentiles)
            low, high = (f"{peak.at_percentiles[p]:.3g}" for p in (at[0], at[-1]))
            said += f", peak {low} to {high} ng/mL ({at[0]:g} to {at[-1]:g} %)" if len(at) > 1 else ""
        return f"{said}, verdict {self.verdict}>"

    def _repr_html_(self) -> str:
        from . import _html

        return _html.cohort(self)


def _restored(schema: str, kept: dict[str, Any], curves: Any, many: Any, subjects: Any, parts: Any) -> Cohort:
    """A pickled cohort. One of another schema is refused."""
    if schema != SCHEMA:
        raise InvalidInput("E_SCHEMA_VERSION", "schema", f"pickled by another version of ketpk; accepted: {SCHEMA}")
    document = json.loads(kept["text"])
    asked = document["inputs"]["cohort"]["percentiles"]
    for array in (*curves.values(), *many, *(x for each in parts or () for x in each.values())):
        array.setflags(write=False)
    again = None
    if parts is not None:
        again = _replicates(*parts)
    told = _told(document, curves["time_us"], curves["mean"], dict(zip(map(float, asked), many)))
    return Cohort._of(None, {**told, "subjects": subjects, "replicates": again, **kept})


V = TypeVar("V")


def _by_percentile(members: Mapping[float, V]) -> Mapping[float, V]:
    """A mapping of percentiles that cannot be changed."""
    made: Any = Frozen(members)  # type: ignore[arg-type]
    return made  # type: ignore[no-any-return]


def _replicates(
    medians: Mapping[str, Floats],
    any_: Mapping[str, Floats],
    hard: Mapping[str, Floats],
    curves: Mapping[float, Floats],
) -> Replicates:
    count = len(next(iter(medians.values())))
    return Replicates(count, Frozen(medians), Frozen(any_), Frozen(hard), _by_percentile(curves))


def _told(
    head: Mapping[str, Any], time_us: NDArray[np.int64], mean: Floats, percentiles: Mapping[float, Floats]
) -> dict[str, Any]:
    """What an answer says, made of its JSON and its curves."""

    def interval(block: Mapping[str, Any], name: str) -> Interval95 | None:
        made: Interval95 | None = _made(Interval95, block[name]) if block.get(name) is not None else None
        return made

    def proportion(block: Mapping[str, Any], name: str) -> Proportion | None:
        made: Proportion | None = _made(Proportion, block[name]) if block[name] is not None else None
        return made

    time_min = time_us / 6e7
    columns: dict[str, NDArray[Any]] = {"time_us": time_us, "time_min": time_min, "mean_ng_per_mL": mean}
    summaries, limits = {}, {}
    if head["has_statistics"]:
        for p, block in zip(percentiles, head["profile"]["percentiles"]):
            name = f"p{int(p) if p == int(p) else p!r}"
            columns[f"{name}_ng_per_mL"] = percentiles[p]
            for end in ("low_ng_per_mL", "high_ng_per_mL"):
                if end in block:
                    columns[f"{name}_{end}"] = np.array(block[end], dtype=np.float64)
        for block in head["summaries"]:
            at = _by_percentile(dict(zip(percentiles, map(float, block["at_percentiles"]))))
            more = {"at_percentiles": at, "median_interval95": interval(block, "median_interval95")}
            summaries[block["name"]] = _made(Spreading, block, **more)
        for block in head["limits"]:
            parts: dict[str, Any] = {n: proportion(block, n) for n in ("beyond_any", "beyond_hard")}
            parts |= {f"{n}_interval95": interval(block, f"{n}_interval95") for n in parts}
            limits[block["id"]] = _made(LimitInCohort, block, **parts)
    time_min.setflags(write=False)
    short = {k: v for k, v in head.items() if k not in ("failed", "profile", "summaries", "limits", "subjects")}
    return {
        "head": frozen(short),
        "error_rel": float(head["profile"]["error_rel"]) if head["has_statistics"] else None,
        "failed": tuple(_made(FailedSubject, f) for f in head["failed"]),
        "time_us": time_us,
        "time_min": time_min,
        "mean": mean,
        "percentiles": _by_percentile(percentiles),
        "columns": Table(columns),
        "summaries": Frozen(summaries),
        "limits": Frozen(limits),
        "assessment": Assessment._of({**head["assessment"], "overrides": head["assessment"].get("overrides", [])}),
    }


def _answered(asked: _core.CohortAsked, threads: int, progress: Progress) -> Cohort:
    call, close = progress_of(progress, asked.work, "subjects")
    try:
        held = asked.answer(threads, call)
        if call is not None:
            call(asked.work)
    finally:
        close()
    text = held.head()
    head = json.loads(text)
    percentiles = [float(p) for p in head["inputs"]["cohort"]["percentiles"]]
    told = _told(head, held.time_us(), held.mean(), dict(zip(percentiles, held.percentiles())))
    told["subjects"] = Table(held.subjects()) if "subjects" in head else None
    told["replicates"] = None
    told["bounds"], told["text"] = tuple(held.bounds()), text
    again = held.replicates()
    if again:
        curves = {p: x.reshape(-1, len(told["time_us"])) for p, x in zip(percentiles, again["curves"])}
        told["replicates"] = _replicates(again["medians"], again["beyond_any"], again["beyond_hard"], curves)
    return Cohort._of(held, told)


# ---------------------------------------------------------------------------------------------------------------------
# Asking


def _whole(value: object, field: str) -> int:
    """A whole number. Raises ``InvalidInput``, ``WrongType``."""
    if not isinstance(count := number(value, field), int):
        raise WrongType("E_TYPE", field, "not a whole number; accepted: an integer of 0 or more")
    return count


_Columns = list[tuple[str, Any]]


def _people(people: PeopleSource) -> tuple[dict[str, Any], _Columns]:
    """The ``people`` of a document, and the columns of their table, which stand beside it. Raises ``InvalidInput``."""
    if isinstance(people, (str, os.PathLike)):
        path = session_path(people, "people")
        return {"csv" if len(path) > 4 and path.endswith(".csv") else "file": path}, []
    if isinstance(people, Mapping) and any(key in _MEMBERS for key in people):
        said = {k: session_path(v, "people") if isinstance(v, os.PathLike) else v for k, v in people.items()}
        if "table" not in said:
            return said, []
        frame = said.pop("table")
    else:
        said, frame = {}, people
    source = Source(frame, "people")
    if not source.names or source.rows == 0:
        raise InvalidInput("E_FIELD_MISSING", "people", "nobody; accepted: a table of at least one person")
    return said, [(name, source.words(name) if name == "sex" else source.numbers(name)) for name in source.names]


def _document(
    order: object,
    *,
    people: PeopleSource | None,
    patient: object,
    subjects: object,
    seed: object,
    first: object,
    between_subjects: object,
    between_occasions: object,
    residual_error: object,
    uncertainty: object,
    limits: LimitsSource | None,
    cohort: Mapping[str, Any],
    session: Mapping[str, Any],
) -> _core.CohortAsked:
    """What the keywords ask, read. Raises ``InvalidInput``."""
    if people is None and patient is None:
        raise InvalidInput(
            "E_FIELD_MISSING", "people", "nobody is stated; accepted: people, or a patient who all subjects are"
        )
    if not isinstance(between_subjects, (str, Mapping)):
        raise WrongType("E_TYPE", "between_subjects", 'neither a text nor a dict; accepted: "model", "none", or a dict')
    said: dict[str, Any] = {"subjects": _whole(subjects, "subjects"), "seed": _whole(seed, "seed")}
    said["first"] = _whole(first, "first")
    table: _Columns = []
    if people is not None:
        said["people"], table = _people(people)
    said["between_subjects"] = between_subjects
    for name, value in (("between_occasions", between_occasions), ("uncertainty", uncertainty)):
        if value is not None:
            if not isinstance(value, Mapping):
                raise WrongType("E_TYPE", name, "not a dict; accepted: as a ketpk.cohort/1 has it")
            said[name] = value
    said["residual_error"] = truth(residual_error, "residual_error")
    # Where people have weights nobody else's counts, and the document states none.
    whoever = Patient(weight_kg=70) if patient is None else patient
    asked = session_of(whoever, order, **session)
    if patient is None:
        asked["patient"] = {}
    document = {"schema": "ketpk.cohort/1", "session": asked, "cohort": {**said, **cohort}}
    held = limits_of(limits)
    return _core.read_cohort(
        json_bytes(document, "cohort"), table, b".", today(), False, None if held is None else held._core
    )


def cohort(
    order: Order,
    *,
    subjects: int,
    seed: int,
    people: PeopleSource | None = None,
    patient: Patient | None = None,
    model: ModelSource,
    analyte: str,
    form: str,
    drug_free: bool = False,
    course: Course | None = None,
    events: Sequence[Event] = (),
    pump: Pump | None = None,
    limits: LimitsSource | None = None,
    as_of: datetime.date | str | None = None,
    bag_mg_per_mL: Number | None = None,
    bag_vials: Sequence[Vial] = (),
    bag_diluent_mL: Number | None = None,
    every_min: Number | None = None,
    until_min: Number | None = None,
    at_min: Sequence[Number] | Any | None = None,
    time_above_ng_per_mL: Number | Sequence[Number] = (),
    extrapolate: bool = False,
    assume_enantiomers_alike: bool = False,
    first: int = 0,
    between_subjects: str | Mapping[str, Any] = "model",
    between_occasions: Mapping[str, Any] | None = None,
    residual_error: bool = False,
    uncertainty: Mapping[str, Any] | None = None,
    percentiles: Sequence[Number] | Any = (5, 50, 95),
    keep_subjects: bool = False,
    despite_failures: bool = False,
    threads: int = 1,
    progress: Progress = None,
) -> Cohort:
    """What this order does in a population: bands over time, how peaks and areas are spread, and how often limits are
    crossed.

    A subject depends on seed and number alone, so any number of threads gives the same bytes. There is no default seed:
    whoever states the same one draws the same subjects again.

    Args:
        order: an ``Order``; what it says per kg is resolved for each subject.
        subjects: how many, 1 to 1,000,000,000.
        seed: 0 to 2^64 - 1.
        people: who they are. A dict as ``people`` of a ``ketpk.cohort/1`` has it, of distributions: ``{"covariates":
            [{"name": "weight", "lognormal": {"median": "75 kg", "cv": 0.2}, "source": "..."}], "correlation": ...,
            "female_share": ...}``, or ``women`` and ``men`` beside ``female_share``. Or a table, one row a person: a
            DataFrame of pandas or polars, an Arrow table, a dict of columns ``weight_kg``, ``height_cm``, ``age_yr``,
            ``sex``, and what else the model looks at, by its name for it; subject i is row i, or, by
            ``{"table": ..., "drawn": True}``, each is a row drawn with replacement. Or the path of a CSV or JSON file.
        patient: a ``Patient``: what people leave open; without people, who all subjects are.
        model, analyte, form, drug_free, course, events, pump, limits, as_of, bag_mg_per_mL, bag_vials: as in
            ``simulate``. A limit with a ``max_probability`` is judged by how often it is crossed.
        bag_diluent_mL: likewise [mL].
        every_min, until_min: tell plasma every so many minutes from 0 to the end [min], or
        at_min: at these instants [min], shape ``(n,)``, at most 10,000. Without either there are no bands.
        time_above_ng_per_mL: a level or several [ng/mL]: how many minutes subjects are above it.
        extrapolate, assume_enantiomers_alike: as in ``simulate``.
        first: the number of the first subject, where a part of a cohort is asked.
        between_subjects: how subjects differ beside who they are: ``"model"``, as the card says; ``"none"``; or
            ``{"parameters": ["CL", "V1"], "omega": [[0.09, 0], [0, 0.09]], "source": "..."}``, variances of logarithms.
        between_occasions: likewise, from session to session of a course.
        residual_error: True tells observations, with the card's residual error, in place of concentrations.
        uncertainty: how uncertain the typical values are, ``{"of": {"parameters": ..., "omega": ..., "source": ...},
            "replicates": 200}``.
        percentiles: 0 to 100 [%], rising, at most 100 of them.
        keep_subjects: True keeps a row for each subject, of at most 1,000,000.
        despite_failures: True tells statistics also where subjects failed, of the others.
        threads: how many threads work; the numbers do not depend on it.
        progress: True for a progress bar (needs tqdm), or a function that is called with subjects done and subjects in
            all, those of replicates among them. What it raises ends the run and is passed on.

    Returns:
        A ``Cohort``.

    Raises:
        InvalidInput: for what is wrong whoever is asked, with code and field; of a table with ``row`` and ``column``.
            What is wrong with one subject is in ``failed``; where all failed there are no statistics at all.
        WrongType: where a type is wrong.
        KeyboardInterrupt: within 200 ms; nothing is returned.
        ImportError: for ``progress=True`` without tqdm.

    >>> import ketpk
    >>> told = ketpk.cohort(
    ...     ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40),
    ...     people={"covariates": [{"name": "weight", "source": "illustrative",
    ...                             "lognormal": {"median": "75 kg", "cv": 0.2, "low": "45 kg", "high": "120 kg"}}]},
    ...     subjects=10_000, seed=20261121,
    ...     model="otto2021", analyte="s-ketamine", form="base", drug_free=True, every_min=20, until_min=60,
    ... )
    >>> told.n_failed
    0
    >>> told.percentiles[50].round()
    array([  0.,  98., 159., 104.])
    """
    held = _document(
        order,
        people=people,
        patient=patient,
        subjects=subjects,
        seed=seed,
        first=first,
        between_subjects=between_subjects,
        between_occasions=between_occasions,
        residual_error=residual_error,
        uncertainty=uncertainty,
        limits=limits,
        cohort={
            "percentiles": numbers(percentiles, "percentiles"),
            "despite_failures": truth(despite_failures, "despite_failures"),
            "keep_subjects": truth(keep_subjects, "keep_subjects"),
        },
        session={
            "model": one_model(model),
            "analyte": analyte,
            "form": form,
            "drug_free": drug_free,
            "course": course,
            "events": events,
            "pump": pump,
            "as_of": as_of,
            "bag_mg_per_mL": bag_mg_per_mL,
            "bag_vials": bag_vials,
            "bag_diluent_mL": bag_diluent_mL,
            "every_min": every_min,
            "until_min": until_min,
            "at_min": at_min,
            "time_above_ng_per_mL": time_above_ng_per_mL,
            "extrapolate": extrapolate,
            "assume_enantiomers_alike": assume_enantiomers_alike,
        },
    )
    return _answered(held, threads_of(threads), progress)


def cohort_file(
    cohort: Mapping[str, Any] | str | os.PathLike[str],
    *,
    limits: LimitsSource | None = None,
    folder: str | os.PathLike[str] | None = None,
    threads: int = 1,
    progress: Progress = None,
) -> Cohort:
    """Answers a cohort, ``ketpk.cohort/1``, exactly as the command line does.

    Args:
        cohort: a file, or a dict as the file would hold it.
        limits: limits, as in ``simulate``, where its session names none itself.
        folder: where files that are named in it are looked for, and which they may not leave; the file's own folder, or
            the current one for a dict.
        threads, progress: as in ``cohort``.

    Raises: as ``cohort``; ``InvalidInput`` ``E_IO`` for a file that cannot be read.
    """
    data = bytes_of(cohort, "cohort")
    if folder is None:
        folder = "." if isinstance(cohort, Mapping) else os.path.dirname(os.fspath(cohort)) or "."
    held = limits_of(limits)
    core = None if held is None else held._core
    asked = _core.read_cohort(data, [], path_bytes(folder, "folder"), today(), True, core)
    return _answered(asked, threads_of(threads), progress)


# ---------------------------------------------------------------------------------------------------------------------
# Profiles


@dataclass(frozen=True, slots=True, eq=False)
class CohortProfiles:
    """Every subject's plasma. ``ketpk.cohort_profiles`` makes one.

    Attributes:
        plasma_ng_per_mL: float64, shape ``(subjects, instants)``, one subject's instants side by side [ng/mL]; of a
            subject who failed NaN. It is the array that was given as ``out``, or a new one.
        time_us: the instants [us], int64, shape ``(instants,)``, read-only.
        n_in, n_ok: how many were asked, and answered.
        failed: who was not and why, a ``FailedSubject`` each.
        first: the number of the subject in row 0.
    """

    plasma_ng_per_mL: Floats
    time_us: NDArray[np.int64]
    n_in: int
    n_ok: int
    failed: tuple[FailedSubject, ...]
    first: int

    @property
    def n_failed(self) -> int:
        """How many could not be answered: ``n_in - n_ok``."""
        return self.n_in - self.n_ok

    @property
    def time_min(self) -> Floats:
        """The instants [min], float64, shape ``(instants,)``."""
        time: Floats = self.time_us / 6e7
        return time

    def __bool__(self) -> NoReturn:
        raise TypeError("profiles are no truth value; look at n_failed and plasma_ng_per_mL")

    def __repr__(self) -> str:
        return f"<ketpk.CohortProfiles {self.n_in} subjects x {len(self.time_us)} instants, {self.n_failed} failed>"


def _usable(out: object, shape: tuple[int, int]) -> Floats:
    """Memory of the caller, if every number can be written right where it is. Raises ``InvalidInput``."""
    if not isinstance(out, np.ndarray) or type(out) is not np.ndarray:
        raise WrongType("E_TYPE", "out", "not a plain array; accepted: numpy.ndarray of float64")
    if out.dtype != np.float64 or not out.dtype.isnative:
        raise WrongType("E_TYPE", "out", "an array of something else than float64; accepted: dtype=numpy.float64")
    if out.shape != shape:
        raise InvalidInput("E_SIZE", "out", "another shape; accepted: (subjects, instants)")
    if not out.flags.c_contiguous:
        raise InvalidInput("E_SIZE", "out", "not contiguous, rows side by side; accepted: an array in C order")
    if not out.flags.writeable:
        raise InvalidInput("E_ARG", "out", "cannot be written to; accepted: an array that can")
    if not out.flags.aligned:
        raise InvalidInput("E_ARG", "out", "not aligned; accepted: an array whose numbers are at multiples of 8 bytes")
    return out


def cohort_profiles(
    order: Order,
    *,
    subjects: int,
    seed: int,
    people: PeopleSource | None = None,
    patient: Patient | None = None,
    model: ModelSource,
    analyte: str,
    form: str,
    drug_free: bool = False,
    course: Course | None = None,
    events: Sequence[Event] = (),
    pump: Pump | None = None,
    as_of: datetime.date | str | None = None,
    bag_mg_per_mL: Number | None = None,
    every_min: Number | None = None,
    until_min: Number | None = None,
    at_min: Sequence[Number] | Any | None = None,
    extrapolate: bool = False,
    assume_enantiomers_alike: bool = False,
    first: int = 0,
    between_subjects: str | Mapping[str, Any] = "model",
    between_occasions: Mapping[str, Any] | None = None,
    residual_error: bool = False,
    out: Floats | None = None,
    threads: int = 1,
    progress: Progress = None,
) -> CohortProfiles:
    """Plasma of every subject of a cohort at the asked instants, written straight into one array.

    Args:
        order, subjects, seed, people, patient, model, analyte, form, drug_free, course, events, pump, as_of,
            extrapolate, assume_enantiomers_alike, first, between_subjects, between_occasions, residual_error, threads,
            progress: as in ``cohort``.
        bag_mg_per_mL: drug in the bag, for rates in mL.
        every_min, until_min: at every so many minutes from 0 to the end [min], or
        at_min: at these instants [min]; one of the two is due.
        out: an array to write into, float64, C-contiguous, shape ``(subjects, instants)`` [ng/mL]; fastest where it was
            written to before. Without it there is a new one, aligned to 64 bytes, where it is large to 2 MiB, for which
            the system is asked for huge pages. An array that was already there is filled in half the time.

    Returns:
        A ``CohortProfiles``. Subjects who failed have NaN, and are listed.

    Raises:
        InvalidInput: as ``cohort``; ``E_SIZE`` for ``out`` of another shape or order, ``E_ARG`` where it cannot be
            written to, ``E_NOMEM`` where there is not enough memory for a new one.
        WrongType: where a type is wrong, that of ``out`` too.
        KeyboardInterrupt: within 200 ms, and for ``out`` the time it takes to fill it with NaN, for nothing half there
            is left behind; likewise for what ``progress`` raises.
        ImportError: for ``progress=True`` without tqdm.

    >>> import ketpk
    >>> told = ketpk.cohort_profiles(
    ...     ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40),
    ...     patient=ketpk.Patient(weight_kg=70, age_yr=42), subjects=1000, seed=7,
    ...     model="otto2021", analyte="s-ketamine", form="base", drug_free=True, every_min=1, until_min=240,
    ... )
    >>> told
    <ketpk.CohortProfiles 1000 subjects x 241 instants, 0 failed>
    >>> told.plasma_ng_per_mL.shape
    (1000, 241)
    """
    held = _document(
        order,
        people=people,
        patient=patient,
        subjects=subjects,
        seed=seed,
        first=first,
        between_subjects=between_subjects,
        between_occasions=between_occasions,
        residual_error=residual_error,
        uncertainty=None,
        limits=None,
        cohort={},
        session={
            "model": one_model(model),
            "analyte": analyte,
            "form": form,
            "drug_free": drug_free,
            "course": course,
            "events": events,
            "pump": pump,
            "as_of": as_of,
            "bag_mg_per_mL": bag_mg_per_mL,
            "every_min": every_min,
            "until_min": until_min,
            "at_min": at_min,
            "extrapolate": extrapolate,
            "assume_enantiomers_alike": assume_enantiomers_alike,
        },
    )
    time_us = held.time_us()
    if not len(time_us):
        raise InvalidInput("E_FIELD_MISSING", "observe", "no instant; accepted: every_min with until_min, or at_min")
    shape = (held.subjects, len(time_us))
    count = threads_of(threads)
    call, close = progress_of(progress, held.subjects, "subjects")
    try:
        rows = _core.new_rows(*shape) if out is None else _usable(out, shape)
        n_in, n_ok, failed = held.write(rows, count, call, out is None)
        try:
            if call is not None:
                call(held.subjects)
        except BaseException:
            rows.fill(np.nan)
            raise
    finally:
        close()
    return CohortProfiles(rows, time_us, n_in, n_ok, tuple(FailedSubject(*f) for f in failed), int(first))
