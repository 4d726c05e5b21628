# SPDX-License-Identifier: Apache-2.0
"""Asking: keywords become the session that a file would hold, and the core answers sessions."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from typing import Any

from . import _core
from ._errors import InvalidInput, WrongType
from ._files import bytes_of, json_bytes, path_bytes, session_path
from ._frozen import thawed
from ._nouns import Course, Effect, Event, Order, Patient, Pump, Vial
from ._numbers import Number, number, numbers, quantity, truth
from ._result import Override, Result, State
from .limits import Limits, day_text, read, today
from .models import ModelSource, session_model

LimitsSource = Limits | str | os.PathLike[str] | Mapping[str, Any]
StateSource = State | str | os.PathLike[str] | Mapping[str, Any]


def limits_of(limits: object) -> Limits | None:
    """What was given as limits, read. Raises ``InvalidInput``."""
    if limits is None or isinstance(limits, Limits):
        return limits
    if isinstance(limits, (str, os.PathLike, Mapping)):
        return read(limits)
    raise WrongType("E_TYPE", "limits", "not limits; accepted: ketpk.limits.read(path), a path, or a dict")


def observe_of(every_min: object, until_min: object, at_min: object) -> dict[str, Any]:
    """The ``observe`` of a session; empty if nothing is asked for."""
    observe: dict[str, Any] = {}
    if every_min is not None:
        observe["every"] = quantity(every_min, "every_min", "min")
    if at_min is not None:
        observe["at"] = [f"{x!r} min" for x in numbers(at_min, "at_min")]
    if until_min is not None:
        observe["until"] = quantity(until_min, "until_min", "min")
    return observe


def levels_of(levels: object) -> list[str]:
    """The ``time_above`` of a session: one level or several."""
    field = "time_above_ng_per_mL"
    several = numbers(levels, field) if hasattr(levels, "__iter__") else [number(levels, field)]
    return [f"{x!r} ng/mL" for x in several]


def words_of(
    *,
    model: ModelSource,
    analyte: str,
    form: str,
    drug_free: bool,
    as_of: datetime.date | str | None,
    extrapolate: bool,
    assume_enantiomers_alike: bool,
) -> dict[str, Any]:
    """The members of a session that are no numbers."""
    if not truth(drug_free, "drug_free"):
        raise InvalidInput(
            "E_STATE", "drug_free", "drug on board at time zero is not known here; accepted: True, or initial_state"
        )
    session: dict[str, Any] = {
        "schema": "ketpk.session/1",
        "analyte": analyte,
        "form": form,
        "initial_state": "drug-free",
        "model": session_model(model),
    }
    if as_of is not None:
        session["as_of"] = day_text(as_of, "as_of")
    if truth(extrapolate, "extrapolate"):
        session["extrapolate"] = True
    if truth(assume_enantiomers_alike, "assume_enantiomers_alike"):
        session["assume_enantiomers_alike"] = True
    return session


def _values(given: object, kind: type[Any], field: str, accepted: str) -> list[Any]:
    """What each of a list says in a session. Raises ``WrongType`` for anything but a list of ``kind``."""
    if not isinstance(given, (list, tuple)) or not all(isinstance(each, kind) for each in given):
        raise WrongType("E_TYPE", field, f"not a list of such; accepted: a list of {accepted}")
    return [kind.to_session(each) for each in given]


def effects_of(effects: object) -> list[dict[str, Any]]:
    """The ``effects`` of a session; empty if none is stated. Raises ``WrongType``."""
    return _values(effects, Effect, "effects", "ketpk.Emax, ketpk.LinearEffect, ketpk.Turnover")


def _bag(bag_mg_per_mL: object, bag_vials: object, bag_diluent_mL: object) -> dict[str, Any]:
    """The ``bag`` of a session; empty if nothing is said of it."""
    bag: dict[str, Any] = {}
    if bag_mg_per_mL is not None:
        bag["concentration"] = quantity(bag_mg_per_mL, "bag_mg_per_mL", "mg/mL")
    vials = _values(bag_vials, Vial, "bag_vials", "ketpk.Vial")
    if vials:
        bag["vials"] = vials
    if bag_diluent_mL is not None:
        bag["diluent"] = quantity(bag_diluent_mL, "bag_diluent_mL", "mL")
    return bag


def _starting_from(saved: object, under_way: object) -> dict[str, Any]:
    """The ``initial_state`` of a session that goes on from a saved state."""
    document: Any
    if isinstance(saved, State):
        document = State._document(saved)
    elif isinstance(saved, Mapping):
        document = thawed(saved)
    elif isinstance(saved, (str, os.PathLike)):
        document = session_path(saved, "initial_state")
    else:
        raise WrongType("E_TYPE", "initial_state", "not a saved state; accepted: ketpk.State, a path, or a dict")
    start: dict[str, Any] = {"saved": document}
    if under_way is not None:
        start["under_way"] = under_way
    return start


def one_model(model: object) -> Any:
    """``model``, unless it stands for several. Raises ``InvalidInput``: ``E_MODEL_UNKNOWN``."""
    if isinstance(model, (list, tuple)) or (isinstance(model, str) and model == "all"):
        raise InvalidInput(
            "E_MODEL_UNKNOWN",
            "model",
            "several models, and one answer is asked; accepted: one model, or ketpk.compare for several",
        )
    return model


def session_of(
    patient: object,
    order: object,
    *,
    model: Any,
    analyte: str,
    form: str,
    drug_free: bool,
    initial_state: StateSource | None = None,
    under_way: str | None = None,
    course: object = None,
    events: object = (),
    pump: object = None,
    effects: object = (),
    as_of: datetime.date | str | None = None,
    bag_mg_per_mL: object = None,
    bag_vials: object = (),
    bag_diluent_mL: object = None,
    every_min: object = None,
    until_min: object = None,
    at_min: object = None,
    time_above_ng_per_mL: object = (),
    sensitivity: object = False,
    effect_card: object = None,
    overrides: object = (),
    extrapolate: bool = False,
    assume_enantiomers_alike: bool = False,
) -> dict[str, Any]:
    """The session of the keywords of ``simulate``; of a list of models the ``model`` is a list. Raises
    ``InvalidInput``."""
    if not isinstance(patient, Patient):
        raise WrongType("E_TYPE", "patient", "not a patient; accepted: ketpk.Patient (sessions go to simulate_session)")
    if not isinstance(order, Order) and (order is not None or initial_state is None):
        raise WrongType(
            "E_TYPE", "order", "not an order; accepted: ketpk.infusion(...), ketpk.bolus(...), added with +"
        )
    if initial_state is not None and truth(drug_free, "drug_free"):
        raise InvalidInput("E_FIELD_DUPLICATE", "drug_free", "stands beside initial_state; accepted: one of them")
    if initial_state is None and under_way is not None:
        raise InvalidInput("E_FIELD_UNKNOWN", "under_way", "nothing was saved; accepted: with initial_state")
    session = words_of(
        model=model,
        analyte=analyte,
        form=form,
        drug_free=True if initial_state is not None else drug_free,
        as_of=as_of,
        extrapolate=extrapolate,
        assume_enantiomers_alike=assume_enantiomers_alike,
    )
    session["patient"] = Patient.to_session(patient)
    session["order"] = [] if order is None else Order.to_session(order)
    if initial_state is not None:
        session["initial_state"] = _starting_from(initial_state, under_way)
    if course is not None:
        if not isinstance(course, Course):
            raise WrongType("E_TYPE", "course", "not a course; accepted: ketpk.Course(...)")
        session["course"] = Course.to_session(course)
    happened = _values(events, Event, "events", "ketpk.pause(...) and the like")
    if happened:
        session["events"] = happened
    if pump is not None:
        if not isinstance(pump, Pump):
            raise WrongType("E_TYPE", "pump", "not a pump; accepted: ketpk.Pump(...)")
        session["pump"] = Pump.to_session(pump)
    stated = effects_of(effects)
    if stated:
        session["effects"] = stated
    bag = _bag(bag_mg_per_mL, bag_vials, bag_diluent_mL)
    if bag:
        session["bag"] = bag
    observe = observe_of(every_min, until_min, at_min)
    if observe:
        session["observe"] = observe
    levels = levels_of(time_above_ng_per_mL)
    if levels:
        session["questions"] = {"time_above": levels}
    if truth(sensitivity, "sensitivity"):
        session.setdefault("questions", {})["sensitivity"] = True
    if effect_card is not None:
        session["effect_card"] = effect_card
    if not isinstance(overrides, (list, tuple)):
        raise WrongType("E_TYPE", "overrides", "not a list; accepted: a list of ketpk.Override")
    if overrides:
        session["overrides"] = [_override(o) for o in overrides]
    return session


def simulate(
    patient: Patient,
    order: Order | None,
    *,
    model: ModelSource,
    analyte: str,
    form: str,
    drug_free: bool = False,
    initial_state: StateSource | None = None,
    under_way: str | None = None,
    course: Course | None = None,
    events: Sequence[Event] = (),
    pump: Pump | None = None,
    effects: Sequence[Effect] = (),
    limits: LimitsSource | None = None,
    as_of: datetime.date | str | None = None,
    bag_mg_per_mL: Number | None = None,
    bag_vials: Sequence[Vial] = (),
    bag_diluent_mL: Number | None = None,
    every_min: Number | None = None,
    until_min: Number | None = None,
    at_min: Sequence[Number] | Any | None = None,
    time_above_ng_per_mL: Number | Sequence[Number] = (),
    sensitivity: bool = False,
    effect_card: str | None = None,
    overrides: Sequence[Override] = (),
    extrapolate: bool = False,
    assume_enantiomers_alike: bool = False,
    second_solver: bool = True,
) -> Result:
    """What this order does to the concentration in this patient, and whether it is outside the limits.

    Args:
        patient: a ``Patient``.
        order: an ``Order``, from ``infusion`` and ``bolus``; None where only a saved state goes on.
        model: the id of a built-in model (``ketpk.models.list()``), a model file or its document, a ``Model``, or
            ``{"custom": {...}}`` as in a session. A text with a dot or a slash in it that is no id is a file.
        analyte: ``"racemic-ketamine"``, ``"s-ketamine"`` or ``"r-ketamine"``.
        form: what the milligrams count, ``"base"`` or ``"hydrochloride"`` (115.33 mg hydrochloride hold 100 mg base).
        drug_free: True; says that there is no ketamine on board at time zero. Or
        initial_state: a course that this one goes on from: a ``State``, the path of a saved one, or its document. Times
            count from the same start.
        under_way: what becomes of infusions that the saved state holds unfinished, ``"continue"`` or ``"stopped"``; due
            where there is one.
        course: a ``Course``: the order is given again, each session of it; ``result.sessions`` tells each by itself.
        events: what happened to running infusions, in order of time: ``pause``, ``resume``, ``stop``, ``change_rate``,
            ``restart_remainder``. The curve follows what was delivered; ``result.delivery`` says how much that was.
        pump: a ``Pump``: its steps, the line, a flush.
        effects: what a concentration does, ``Emax``, ``LinearEffect`` or ``Turnover`` each, beside those of the model;
            ``result.effects`` answers them by name.
        limits: ``ketpk.limits.read(path)``, a path, or a dict; without them the verdict is unevaluated.
        as_of: the day the limits must be in force; today in UTC if not given.
        bag_mg_per_mL: drug in the bag, for rates in mL.
        bag_vials, bag_diluent_mL: what the bag was made of, a list of ``Vial`` and the volume they were added to [mL];
            the stated concentration is held against it.
        every_min, until_min: sample every so many minutes from 0 to the end [min], or
        at_min: sample at these instants [min], shape ``(n,)``, in order of time, some 50,000 at most. Without either
            nothing is sampled; summary and limits look at the whole continuous course in any case.
        time_above_ng_per_mL: a level or several [ng/mL].
        sensitivity: True asks what peak, area and minutes above hang on, ``result.sensitivity``; not for a model whose
            elimination saturates.
        effect_card: the effect site and effects of a study beside the model, by its id; ``ketpk effects list`` on the
            command line says which there are. None is ever implied.
        overrides: recorded decisions to go on in spite of a flag; they change no verdict.
        extrapolate: run outside the model's stated domain, and flag it.
        assume_enantiomers_alike: run an S-ketamine model for a racemic order, and flag it.
        second_solver: ask a second, independent solver too, and give no numbers unless both agree to 1e-8.

    Returns:
        A ``Result``: ``summary``, ``profile``, ``effects``, ``time_above``, ``assessment``, ``provenance``.

    Raises:
        InvalidInput: for anything that cannot be used, with code and field; ``WrongType`` where the type is wrong.
        NumericalTrouble: where the calculation failed or the two solvers disagree.

    The models and where their numbers come from: ``ketpk.models.show(id)``.

    >>> import ketpk
    >>> result = ketpk.simulate(
    ...     ketpk.Patient(weight_kg=70, age_yr=42),
    ...     ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40),
    ...     model="kamp2020", analyte="racemic-ketamine", form="base", drug_free=True,
    ...     every_min=20, until_min=60, time_above_ng_per_mL=100,
    ... )
    >>> result
    <ketpk.Result kamp2020: 35 mg, peak 253 ng/mL at 40 min, verdict unevaluated, 0 flags>
    >>> result.profile.plasma_ng_per_mL.round()
    array([  0., 198., 253.,  96.])
    >>> round(result.time_above[0].minutes, 1)
    53.2
    """
    session = session_of(
        patient,
        order,
        model=one_model(model),
        analyte=analyte,
        form=form,
        drug_free=drug_free,
        initial_state=initial_state,
        under_way=under_way,
        course=course,
        events=events,
        pump=pump,
        effects=effects,
        as_of=as_of,
        bag_mg_per_mL=bag_mg_per_mL,
        bag_vials=bag_vials,
        bag_diluent_mL=bag_diluent_mL,
        every_min=every_min,
        until_min=until_min,
        at_min=at_min,
        time_above_ng_per_mL=time_above_ng_per_mL,
        sensitivity=sensitivity,
        effect_card=effect_card,
        overrides=overrides,
        extrapolate=extrapolate,
        assume_enantiomers_alike=assume_enantiomers_alike,
    )
    return _answered(json_bytes(session, "session"), limits_of(limits), b".", False, second_solver)


def _override(override: object) -> dict[str, str]:
    if not isinstance(override, Override):
        raise WrongType(
            "E_TYPE", "overrides", "not an override; accepted: ketpk.Override(flag=..., reason=..., by=...)"
        )
    return {"flag": override.flag, "reason": override.reason, "by": override.by}


def simulate_session(
    session: Mapping[str, Any] | str | os.PathLike[str],
    *,
    limits: LimitsSource | None = None,
    folder: str | os.PathLike[str] | None = None,
    second_solver: bool = True,
) -> Result:
    """Answers a session, ``ketpk.session/1``, exactly as the command line does.

    Args:
        session: a file, or a dict as the file would hold it.
        limits: limits, as in ``simulate``, where the session names none itself.
        folder: where a limits file named in the session is looked for, and which it may not leave; the session file's
            folder, or the current one for a dict.
        second_solver: as in ``simulate``.

    Raises: as ``simulate``; ``InvalidInput`` ``E_IO`` for a file that cannot be read.
    """
    data = bytes_of(session, "session")
    if folder is None:
        folder = "." if isinstance(session, Mapping) else os.path.dirname(os.fspath(session)) or "."
    return _answered(data, limits_of(limits), path_bytes(folder, "folder"), True, second_solver)


def _answered(session: bytes, limits: Limits | None, folder: bytes, confined: bool, second_solver: bool) -> Result:
    held = None if limits is None else limits._core
    second = truth(second_solver, "second_solver")
    return Result._of_answer(_core.simulate(session, folder, today(), confined, held, second))
