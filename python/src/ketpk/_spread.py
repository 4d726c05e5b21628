# SPDX-License-Identifier: Apache-2.0
"""One question put to several models. The core compares them; sampling sites are never put together."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._errors import InvalidInput, WrongType
from ._files import json_bytes
from ._frozen import Frozen, frozen
from ._nouns import Course, Event, Order, Patient, Pump, Vial
from ._numbers import Number, truth
from ._result import SCHEMA as RESULT
from ._result import Override, Result, _as_stated, _made, _strict_json
from ._session import LimitsSource, limits_of, session_of
from ._table import Table, Tabular
from .limits import today
from .models import ModelSource, session_model

if TYPE_CHECKING:
    import matplotlib.axes

SCHEMA = "ketpk.spread/1"


@dataclass(frozen=True, slots=True)
class Range:
    """One number over the models of one sampling site. The median of an even count is the mean of the middle two.

    Attributes:
        lowest, median, highest: each in the [unit] of the number that it is the range of.
        lowest_of, highest_of: the ids of the first models that have them.
    """

    lowest: float
    median: float
    highest: float
    lowest_of: str
    highest_of: str


@dataclass(frozen=True, slots=True)
class MinutesAbove:
    """How long plasma is above a level, over the models of one sampling site.

    Attributes:
        threshold_ng_per_mL: the level [ng/mL].
        minutes: a ``Range`` [min].
    """

    threshold_ng_per_mL: float
    minutes: Range


@dataclass(frozen=True, slots=True)
class FlagCount:
    """Which models of one sampling site raise a flag.

    Attributes:
        code: of the flag, ``"PLASMA_PEAK_HIGH"`` for example.
        severity: the worst it was raised with, ``"advisory"``, ``"soft"`` or ``"hard"``.
        models: the ids of those that raise it; none where only models of another site do.
        of: how many models of the site could evaluate what it is about.
    """

    code: str
    severity: str
    models: tuple[str, ...]
    of: int


@dataclass(frozen=True, slots=True)
class OpenCheck:
    """A check that some models could not make.

    Attributes:
        id: of the check: a limit, or ``"model-domain"``.
        required: whether the verdict waits for it.
        models: the ids of those that could not.
    """

    id: str
    required: bool
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefusedModel:
    """A model that does not answer for this patient and order, and why.

    Attributes:
        id, label: of the model.
        site: where its blood was drawn.
        code, field, message: as ``InvalidInput`` has them, had it been asked alone.
    """

    id: str
    label: str
    site: str
    code: str
    field: str
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class SiteSpread:
    """What the models of one sampling site say together. It is no truth value.

    The range is one of models, not of patients: it says nothing about how people differ.

    Attributes:
        site: ``"arterial"``, ``"venous"`` or ``"not-stated"``.
        models: their ids, in the order of ``spread.results``.
        cmax_ng_per_mL, tmax_min, auc_inf_ng_h_per_mL: a ``Range`` each.
        time_above: a ``MinutesAbove`` for each level that was asked about.
        lowest_ng_per_mL, highest_ng_per_mL: the envelope of plasma at the asked instants [ng/mL], float64, shape
            ``(n,)``, read-only; of length 0 where none was asked for.
        flags: a ``FlagCount`` each, in the order in which they first appear.
        not_evaluated: an ``OpenCheck`` each, those that some could not make.
        same_source: groups of ids whose models have one DOI: one set of data told more than once, not more evidence.
    """

    site: str
    models: tuple[str, ...]
    cmax_ng_per_mL: Range
    tmax_min: Range
    auc_inf_ng_h_per_mL: Range
    time_above: tuple[MinutesAbove, ...]
    lowest_ng_per_mL: NDArray[np.float64]
    highest_ng_per_mL: NDArray[np.float64]
    flags: tuple[FlagCount, ...]
    not_evaluated: tuple[OpenCheck, ...]
    same_source: tuple[tuple[str, ...], ...]

    @classmethod
    def _of(cls, block: Mapping[str, Any]) -> SiteSpread:
        def over(name: str) -> Range:
            made: Range = _made(Range, block[name])
            return made

        def curve(name: str) -> NDArray[np.float64]:
            return _column(block["envelope"][name])

        return cls(
            site=_as_stated(block["site"], "str"),
            models=_ids(block["models"]),
            cmax_ng_per_mL=over("cmax_ng_per_mL"),
            tmax_min=over("tmax_min"),
            auc_inf_ng_h_per_mL=over("auc_inf_ng_h_per_mL"),
            time_above=tuple(
                _made(MinutesAbove, t, minutes=_made(Range, t["minutes"])) for t in block.get("time_above", ())
            ),
            lowest_ng_per_mL=curve("lowest_ng_per_mL"),
            highest_ng_per_mL=curve("highest_ng_per_mL"),
            flags=tuple(_made(FlagCount, f, models=_ids(f["models"])) for f in block["flags"]),
            not_evaluated=tuple(_made(OpenCheck, o, models=_ids(o["models"])) for o in block["not_evaluated"]),
            same_source=tuple(_ids(group) for group in block["same_source"]),
        )

    def _told(self) -> tuple[Any, ...]:
        return tuple(x.tobytes() if isinstance(x := getattr(self, f.name), np.ndarray) else x for f in fields(self))

    def __eq__(self, other: object) -> bool:
        return self._told() == other._told() if isinstance(other, SiteSpread) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._told())

    def __bool__(self) -> NoReturn:
        raise TypeError("what models say together is no truth value; look at its ranges and flags")


def _ids(listed: Any) -> tuple[str, ...]:
    if not isinstance(listed, list):
        raise TypeError("not a list of ids")
    return tuple(_as_stated(each, "str") for each in listed)


def _column(values: Any) -> NDArray[np.float64]:
    if not isinstance(values, list):
        raise TypeError("not a column")
    column = np.array([_as_stated(x, "float") for x in values], dtype=np.float64)
    column.setflags(write=False)
    return column


class Spread(Tabular, Mapping[str, Result]):
    """The answers of all models that admit the patient and the order: a read-only mapping of their ids to results.

    ``ketpk.compare`` makes one, ``Spread.from_json`` brings one back. It is a value: it does not change, equal ones are
    equal, and it can be pickled. It is no truth value.
    """

    __slots__ = ("_blocks", "_held", "_kept", "_results", "_text")
    _blocks: Mapping[str, Any]
    _held: _core.Spread | None
    _kept: dict[str, Any]
    _results: Mapping[str, Result]
    _text: str

    def __init__(self) -> None:
        raise TypeError("a spread comes from ketpk.compare or ketpk.Spread.from_json")

    @classmethod
    def _of(cls, text: str, results: Sequence[Result], held: _core.Spread | None) -> Spread:
        document = json.loads(text)
        blocks = {
            "inputs": frozen(document["inputs"]),
            "refused": tuple(_made(RefusedModel, r) for r in document["refused"]),
            "sites": tuple(SiteSpread._of(s) for s in document["sites"]),
        }
        made = object.__new__(cls)
        by_id = Frozen({str(r.model["id"]): r for r in results})
        for name, value in (("_blocks", blocks), ("_held", held), ("_results", by_id), ("_text", text), ("_kept", {})):
            object.__setattr__(made, name, value)
        return made

    @classmethod
    def from_json(cls, text: str) -> Spread:
        """A spread from its JSON, bit for bit.

        Raises:
            InvalidInput: ``E_PARSE`` for what is no JSON, ``E_SCHEMA_VERSION`` for another schema or version,
                ``E_FIELD_MISSING``, ``E_FIELD_DUPLICATE``, ``E_NONFINITE``, ``E_TYPE``.
        """
        if not isinstance(text, str):
            raise WrongType("E_TYPE", "spread", "not a text; accepted: str")
        document = _strict_json(text, "spread", SCHEMA)
        for block in ("inputs", "models", "refused", "sites"):
            if block not in document:
                raise InvalidInput("E_FIELD_MISSING", block, f"not there; accepted: a complete {SCHEMA}")
        try:
            inputs = document["inputs"]
            results = []
            for answer, model in zip(document["models"], inputs["model"]):
                whole = {"schema": RESULT, **answer, "inputs": {**inputs, "model": model}}
                results.append(Result.from_json(json.dumps(whole)))
            return cls._of(text, results, None)
        except InvalidInput:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise InvalidInput("E_TYPE", "spread", f"a block of another shape; accepted: a complete {SCHEMA}") from None

    @property
    def results(self) -> tuple[Result, ...]:
        """A ``Result`` for each model that answers, in the order in which they were asked."""
        return tuple(self._results.values())

    @property
    def refused(self) -> tuple[RefusedModel, ...]:
        """The models that do not admit this patient and order, and why."""
        refused: tuple[RefusedModel, ...] = self._blocks["refused"]
        return refused

    @property
    def sites(self) -> tuple[SiteSpread, ...]:
        """What models say together, sampling site by sampling site: arterial, venous, not stated; those there are."""
        sites: tuple[SiteSpread, ...] = self._blocks["sites"]
        return sites

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The session as understood; its ``model`` lists all that were asked, those that answer first. Read-only."""
        inputs: Mapping[str, Any] = self._blocks["inputs"]
        return inputs

    def __getitem__(self, id: str) -> Result:
        return self._results[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        """The number of models that answer."""
        return len(self._results)

    @property
    def columns(self) -> Table:
        """A read-only mapping of names to arrays of the shape ``(n,)``, one element a model: ``model``, ``site``,
        ``enantiomers_assumed_alike`` and ``extrapolated`` (bools), then the columns that ``simulate_frame`` gives, then
        ``error`` and ``error_field``. A model that was refused has NaN and None but for these two."""
        if "columns" not in self._kept:
            self._kept["columns"] = _by_model(self)
        table: Table = self._kept["columns"]
        return table

    @property
    def curves(self) -> Table:
        """A read-only mapping of names to arrays of the shape ``(n,)``, one element a model and asked instant:
        ``model``, ``site``, ``time_us``, ``time_min``, ``plasma_ng_per_mL``; of length 0 where no instant was asked."""
        if "curves" not in self._kept:
            self._kept["curves"] = _curves(self.results)
        table: Table = self._kept["curves"]
        return table

    def to_json(self) -> str:
        """The spread as the text of ``ketpk.spread/1``, the same bytes as ``ketpk simulate --model all --json``."""
        return self._text

    def to_dict(self) -> dict[str, Any]:
        """The spread as ``ketpk.spread/1`` in plain dicts and lists, a copy."""
        document: dict[str, Any] = json.loads(self._text)
        return document

    def card(self) -> str:
        """The answers side by side, as the command line shows them.

        Raises:
            InvalidInput: ``E_STATE`` for a spread that was read back; its session can be asked again.
        """
        if self._held is None:
            raise InvalidInput("E_STATE", "card", "the spread was read back; accepted: one that was calculated here")
        return self._held.card()

    def to_csv(self) -> str:
        """Plasma of each model and the envelope of each site, one row per asked instant, the same bytes as the command
        writes with ``--csv``."""
        profile = self.results[0].profile
        columns: dict[str, Any] = {"time_us": [str(t) for t in profile.time_us], "time_min": profile.time_min}
        for id, result in self.items():
            columns[f"{id}_{result.model['site']}_plasma_ng_per_mL"] = result.profile.plasma_ng_per_mL
        for site in self.sites:
            columns[f"{site.site}_lowest_ng_per_mL"] = site.lowest_ng_per_mL
            columns[f"{site.site}_highest_ng_per_mL"] = site.highest_ng_per_mL
        return _core.table_csv(list(columns), list(columns.values()))

    def plot(self) -> tuple[matplotlib.axes.Axes, ...]:
        """Each model's curve [ng/mL] over time, one panel per sampling site, in a figure of its own. Needs matplotlib.

        The area between the lowest and the highest of a site is filled. Levels of limits are lines, in the panel of
        their own site only. Models that were built on S-ketamine and run as if the enantiomers behaved alike are marked
        ``(S)``, extrapolated ones ``(x)``; those that were refused are listed under the panels. The curves are asked
        anew, as by ``ketpk.plot``.

        Returns:
            The Axes, in the order of ``sites``.

        Raises:
            ImportError: without matplotlib.
            InvalidInput: ``E_STATE`` for a spread that this version of ketpk does not give.
        """
        from ._plot_several import plot_spread

        return plot_spread(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spread):
            return NotImplemented
        return self is other or self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(tuple(self._results.values()))

    def __bool__(self) -> NoReturn:
        raise TypeError("a spread is no truth value; look at its sites, results and refused")

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (SCHEMA, self._text)

    def __copy__(self) -> Spread:
        return self

    def __deepcopy__(self, memo: object) -> Spread:
        return self

    def __repr__(self) -> str:
        peaks = [
            f"{s.site} {s.cmax_ng_per_mL.lowest:.3g} to {s.cmax_ng_per_mL.highest:.3g} ng/mL by {len(s.models)}"
            for s in self.sites
        ]
        return f"<ketpk.Spread of {len(self)} models, {len(self.refused)} refused: peak {', '.join(peaks)}>"

    def _repr_html_(self) -> str:
        from . import _html

        return _html.spread(self)


def _restored(schema: str, text: str) -> Spread:
    """A pickled spread. One of another schema is refused."""
    if schema != SCHEMA:
        raise InvalidInput("E_SCHEMA_VERSION", "schema", f"pickled by another version of ketpk; accepted: {SCHEMA}")
    return Spread.from_json(text)


def _numbers_of(result: Result) -> list[tuple[int, str, float | None]]:
    """The columns of one answer, each with the place of its kind, as ``simulate_frame`` names and orders them."""
    s = result.summary
    told: list[tuple[int, str, float | None]] = [
        (0, "cmax_ng_per_mL", s.cmax_ng_per_mL),
        (0, "tmax_min", s.tmax_min),
        (0, "auc_inf_ng_h_per_mL", s.auc_inf_ng_h_per_mL),
        (0, "delivered_mg", s.delivered_mg),
        (0, "terminal_half_life_min", s.terminal_half_life_min),
    ]
    if s.effect_site is not None:
        told += [(1, "effect_site_cmax_ng_per_mL", s.effect_site.cmax_ng_per_mL)]
        told += [(1, "effect_site_tmax_min", s.effect_site.tmax_min)]
    for name, m in s.metabolites.items():
        told += [(2, f"{name}_cmax_ng_per_mL", m.cmax_ng_per_mL), (2, f"{name}_tmax_min", m.tmax_min)]
        told += [(2, f"{name}_auc_inf_ng_h_per_mL", m.auc_inf_ng_h_per_mL)]
    for t in result.time_above:
        level = np.format_float_positional(t.threshold_ng_per_mL, trim="-")
        told += [(3, f"minutes_above_{level}_ng_per_mL", t.minutes)]
        told += [(3, f"first_min_above_{level}_ng_per_mL", t.first_min)]
    for e in result.effects.values():
        for which, extreme in (("highest", e.highest), ("lowest", e.lowest)):
            told += [(4, f"{e.name}_{which} ({e.unit})", extreme.value), (4, f"{e.name}_{which}_at_min", extreme.min)]
    if result.ketpk.second_solver is not None:
        told += [(5, "agreement_rel", result.ketpk.agreement_rel)]
    return told


def _by_model(spread: Spread) -> Table:
    results, refused = spread.results, spread.refused
    told = [_numbers_of(r) for r in results]
    places: dict[str, int] = {}
    for each in told:
        for place, name, _ in each:
            places.setdefault(name, place)
    names = sorted(places, key=lambda name: places[name])  # within one kind as they first appear
    numbers = [{name: x for _, name, x in each} for each in told]
    none = [None] * len(refused)

    def objects(of_results: list[Any], of_refused: list[Any]) -> NDArray[Any]:
        column = np.empty(len(results) + len(refused), dtype=object)
        column[:] = [*of_results, *of_refused]
        return column

    columns = {
        "model": objects([r.model["id"] for r in results], [r.id for r in refused]),
        "site": objects([r.model["site"] for r in results], [r.site for r in refused]),
        "enantiomers_assumed_alike": objects([is_alike(r) for r in results], none),
        "extrapolated": objects([is_extrapolated(r) for r in results], none),
    }
    for name in names:
        values = [each.get(name) for each in numbers] + none
        columns[name] = np.array([np.nan if x is None else x for x in values], dtype=np.float64)
    columns["verdict"] = objects([str(r.verdict) for r in results], none)
    columns["flags"] = objects([";".join(f.code for f in r.flags) for r in results], none)
    columns["not_evaluated"] = objects([_open(r) for r in results], none)
    columns["error"] = objects([None] * len(results), [r.code for r in refused])
    columns["error_field"] = objects([None] * len(results), [r.field for r in refused])
    return Table(columns)


def _open(result: Result) -> str:
    checks = result.assessment.checks
    return ";".join(c.id for c in checks if c.required and c.outcome == "unevaluated")


def is_alike(result: Result) -> bool:
    """Whether the model was built on one enantiomer and run as if both behaved alike."""
    return bool(result.model.get("enantiomers_assumed_alike", False))


def is_extrapolated(result: Result) -> bool:
    """Whether the patient is beyond whom the model was built on."""
    return len(result.model["extrapolated"]) > 0


def _curves(results: Sequence[Result]) -> Table:
    profiles = [r.profile for r in results]
    each = [len(p.time_us) for p in profiles]

    def objects(of: list[str]) -> NDArray[Any]:
        return np.repeat(np.array(of, dtype=object), each)

    return Table(
        {
            "model": objects([r.model["id"] for r in results]),
            "site": objects([r.model["site"] for r in results]),
            **{name: np.concatenate([p[name] for p in profiles]) for name in ("time_us", "time_min")},
            "plasma_ng_per_mL": np.concatenate([p.plasma_ng_per_mL for p in profiles]),
        }
    )


def models_of(models: object, field: str = "models") -> Any:
    """What a session says of several models: ``"all"``, or a list. Raises ``WrongType``, ``InvalidInput``."""
    if isinstance(models, str) and models == "all":
        return "all"
    if not isinstance(models, (list, tuple)):
        raise WrongType("E_TYPE", field, 'not several models; accepted: "all", or a list of models')
    return [session_model(each) for each in models]


def compare(
    patient: Patient,
    order: Order,
    *,
    models: Literal["all"] | Sequence[ModelSource] = "all",
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
    overrides: Sequence[Override] = (),
    extrapolate: bool = False,
    assume_enantiomers_alike: bool = False,
    second_solver: bool = True,
) -> Spread:
    """What every model says of this order in this patient, how far they lie apart, and which do not answer and why.

    Blood from an artery and from a vein are two quantities: arterial, venous and not-stated models are never put
    together. Models differ in drug analysed, study and sampling site at once, so no difference between them is the
    effect of one of these, and their range is none of patients.

    Args:
        patient, order: as in ``simulate``.
        models: ``"all"`` for those that are built in, or a list; each of them as ``model`` in ``simulate``.
        analyte, form, drug_free, course, events, pump, limits, as_of, bag_mg_per_mL, bag_vials, every_min, until_min,
            at_min, time_above_ng_per_mL, overrides, extrapolate, second_solver: as in ``simulate``, for all models
            alike. Envelopes are of the asked instants.
        bag_diluent_mL: likewise [mL].
        assume_enantiomers_alike: also ask S-ketamine models for a racemic order, as if both enantiomers behaved alike;
            each of them is flagged, and marked ``(S)``.

    Returns:
        A ``Spread``: ``sites`` with the ranges, ``results`` with each answer, ``refused`` with the models that do not
        admit the patient or the order.

    Raises:
        InvalidInput: as ``simulate`` for what is wrong whatever the model; ``E_MODEL_DOMAIN`` where none of the models
            answers; ``E_FIELD_MISSING`` for no model and ``E_FIELD_DUPLICATE`` for one that stands twice;
            ``WrongType`` where the type is wrong.
        NumericalTrouble: where a calculation failed or two solvers disagree; the message names the model.

    >>> import ketpk
    >>> spread = ketpk.compare(
    ...     ketpk.Patient(weight_kg=70, age_yr=42),
    ...     ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40),
    ...     models=["kamp2020", "domino1984", "clements1981", "herd2007"],
    ...     analyte="racemic-ketamine", form="base", drug_free=True,
    ... )
    >>> for site in spread.sites:
    ...     print(site.site, round(site.cmax_ng_per_mL.lowest), round(site.cmax_ng_per_mL.highest))
    arterial 253 253
    not-stated 177 240
    >>> [(refused.id, refused.field) for refused in spread.refused]
    [('herd2007', 'patient.age')]
    """
    session = session_of(
        patient,
        order,
        model=models_of(models),
        analyte=analyte,
        form=form,
        drug_free=drug_free,
        course=course,
        events=events,
        pump=pump,
        as_of=as_of,
        bag_mg_per_mL=bag_mg_per_mL,
        bag_vials=bag_vials,
        bag_diluent_mL=bag_diluent_mL,
        every_min=every_min,
        until_min=until_min,
        at_min=at_min,
        time_above_ng_per_mL=time_above_ng_per_mL,
        overrides=overrides,
        extrapolate=extrapolate,
        assume_enantiomers_alike=assume_enantiomers_alike,
    )
    limits = limits_of(limits)
    held = None if limits is None else limits._core
    second = truth(second_solver, "second_solver")
    spread = _core.compare(json_bytes(session, "session"), b".", today(), False, held, second)
    return Spread._of(spread.json(), [Result._of_answer(answer) for answer in spread.answers()], spread)
