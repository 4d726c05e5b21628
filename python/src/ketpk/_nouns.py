# SPDX-License-Identifier: Apache-2.0
"""Patient and order, as somebody states them. Both are values; neither is checked here for what is possible, that is
the core's task, which every door shares."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ._errors import InvalidInput, WrongType
from ._frozen import Immutable, only_once
from ._numbers import Number, number, numbers, quantity, word


def _one_of(given: Mapping[str, object], field: str, due: bool) -> str | None:
    """The one keyword of ``given`` that is not None. ``due`` says whether there must be one."""
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise InvalidInput("E_FIELD_DUPLICATE", field, f"stated more than once; accepted: one of {', '.join(given)}")
    if not names and due:
        raise InvalidInput("E_FIELD_MISSING", field, f"not stated; accepted: one of {', '.join(given)}")
    return names[0] if names else None


class _Value(Immutable):
    """Something that is what was said: it cannot be changed, and it is equal to what was said alike."""

    __slots__ = ("_said",)
    _said: tuple[Any, ...]

    def _stated(self) -> tuple[Any, ...]:
        """What was said. Raises ``TypeError`` for an object of a subclass that never said anything."""
        try:
            return self._said
        except AttributeError:
            raise TypeError(
                f"this {type(self).__name__} was never made; call __init__ of the class it derives from"
            ) from None

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._said == other._said

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._said))

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self._said)


def _remade(kind: type[Any], said: tuple[Any, ...]) -> Any:
    made = object.__new__(kind)
    object.__setattr__(made, "_said", said)
    return made


SEXES = ("female", "male")
DOSING_WEIGHTS = ("actual", "ideal", "adjusted", "lean", "fat-free")


class Patient(_Value):
    """The person a dose is for, as stated. What is not stated stays absent; nothing is estimated.

    Args:
        weight_kg, weight_lb: actual body weight, 0.2 to 700 kg; one of the two. The covariate of every model.
        height_cm, height_m, height_in: body height, 20 to 280 cm.
        age_yr: age, 0 to 130 yr.
        sex: ``"female"`` or ``"male"``.
        dosing_weight: what "per kg" in an order counts: ``"actual"`` (if not stated), ``"ideal"``, ``"adjusted"``,
            ``"lean"`` or ``"fat-free"``, which need height and sex. No model looks at it.
        dosing_weight_kg: the same as a mass; one of the two.
        covariates: what else the model looks at, by the name it has for it: ``{"RACE_ASIAN": 0}``.

    Raises:
        WrongType: for anything but a number (text, bool, float32, Decimal, arrays).
        InvalidInput: ``E_FIELD_MISSING`` without a weight, ``E_FIELD_DUPLICATE`` for two, ``E_NONFINITE`` for NaN.
            What no body can have is ``E_RANGE``, a covariate that the model does not look at ``E_FIELD_UNKNOWN``, and a
            dosing weight outside what its formula speaks of ``E_RANGE``, raised by ``simulate``.

    >>> Patient(weight_kg=70, age_yr=42)
    Patient(weight_kg=70, age_yr=42)
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        weight_kg: Number | None = None,
        weight_lb: Number | None = None,
        height_cm: Number | None = None,
        height_m: Number | None = None,
        height_in: Number | None = None,
        age_yr: Number | None = None,
        sex: str | None = None,
        dosing_weight: str | None = None,
        dosing_weight_kg: Number | None = None,
        covariates: Mapping[str, Number] | None = None,
    ) -> None:
        only_once(self, "_said")
        said: list[tuple[str, Any, str]] = []  # key of a session, what it holds, keyword
        given: dict[str, object] = {"weight_kg": weight_kg, "weight_lb": weight_lb}
        name = _one_of(given, "patient.weight", True)
        assert name is not None
        said.append(("weight", quantity(given[name], name, name.rpartition("_")[2]), name))
        given = {"height_cm": height_cm, "height_m": height_m, "height_in": height_in}
        name = _one_of(given, "patient.height", False)
        if name is not None:
            said.append(("height", quantity(given[name], name, name.rpartition("_")[2]), name))
        if age_yr is not None:
            said.append(("age", quantity(age_yr, "age_yr", "yr"), "age_yr"))
        if sex is not None:
            sex = word(sex, "sex")
            if sex not in SEXES:
                raise InvalidInput("E_RANGE", "sex", f"not one of the accepted words; accepted: {', '.join(SEXES)}")
            said.append(("sex", sex, "sex"))
        _one_of({"dosing_weight": dosing_weight, "dosing_weight_kg": dosing_weight_kg}, "patient.dosing_weight", False)
        if dosing_weight is not None:
            dosing_weight = word(dosing_weight, "dosing_weight")
            if dosing_weight not in DOSING_WEIGHTS:
                raise InvalidInput(
                    "E_RANGE", "dosing_weight", f"not one of the accepted words; accepted: {', '.join(DOSING_WEIGHTS)}"
                )
            said.append(("dosing_weight", dosing_weight, "dosing_weight"))
        if dosing_weight_kg is not None:
            said.append(("dosing_weight", quantity(dosing_weight_kg, "dosing_weight_kg", "kg"), "dosing_weight_kg"))
        if covariates is not None:
            if not isinstance(covariates, Mapping):
                raise WrongType("E_TYPE", "covariates", 'not a dict; accepted: {"NAME": number}')
            stated = tuple((word(key, "covariates"), number(x, "covariates")) for key, x in covariates.items())
            said.append(("covariates", stated, "covariates"))
        object.__setattr__(self, "_said", tuple(said))

    def to_session(self) -> dict[str, Any]:
        """The ``patient`` of a session: ``{"weight": "70 kg", "age": "42 yr"}``."""
        return {key: dict(x) if key == "covariates" else x for key, x, _ in _Value._stated(self)}

    def __repr__(self) -> str:
        def shown(key: str, x: Any, name: str) -> str:
            if key == "covariates":
                return repr(dict(x))
            return repr(x) if name in ("sex", "dosing_weight") else str(x.split(" ")[0])

        return f"Patient({', '.join(f'{name}={shown(key, x, name)}' for key, x, name in self._said)})"


class Order(_Value):
    """What is to be given, input by input, as ``infusion`` and ``bolus`` make it. Orders add up with ``+``, the left
    one first; inputs that overlap in time add. ``len(order)`` counts inputs. An order does not change.

    Raises: ``TypeError`` when called; use ``infusion`` and ``bolus``.

    >>> bolus(dose_mg=10) + infusion(dose_mg_per_kg=0.5, duration_min=40)
    bolus(dose_mg=10, start_min=0) + infusion(dose_mg_per_kg=0.5, duration_min=40, start_min=0)
    """

    __slots__ = ()

    def __init__(self) -> None:
        raise TypeError("an order is made by ketpk.infusion(...) and ketpk.bolus(...), and added up with +")

    def __add__(self, other: object) -> Order:
        if not isinstance(other, Order):
            return NotImplemented
        return _order(*_Value._stated(self), *_Value._stated(other))

    def __radd__(self, other: object) -> Order:
        """``sum(orders)`` starts from 0, which adds nothing."""
        return self if type(other) is int and other == 0 else NotImplemented

    def __len__(self) -> int:
        """The number of inputs."""
        return len(self._said)

    def to_session(self) -> list[dict[str, str]]:
        """The ``order`` of a session: ``[{"infuse": "0.5 mg/kg", "over": "40 min", "at": "0 min"}]``."""
        return [dict(pairs) for _, pairs in _Value._stated(self)]

    def __repr__(self) -> str:
        return " + ".join(shown for shown, _ in self._said)


def _order(*said: tuple[str, tuple[tuple[str, str], ...]]) -> Order:
    return _remade(Order, said)  # type: ignore[no-any-return]


#: The unit that each ending of a keyword means, for doses and rates.
DOSE_UNITS = {"mg_per_kg": "mg/kg", "mcg_per_kg": "mcg/kg", "mg": "mg", "mcg": "mcg"}
RATE_UNITS = {
    "mg_per_kg_per_h": "mg/kg/h",
    "mg_per_kg_per_min": "mg/kg/min",
    "mcg_per_kg_per_min": "mcg/kg/min",
    "mcg_per_kg_per_h": "mcg/kg/h",
    "mg_per_min": "mg/min",
    "mg_per_h": "mg/h",
    "mcg_per_min": "mcg/min",
    "mL_per_h": "mL/h",
    "mL_per_min": "mL/min",
}


def infusion(
    *,
    dose_mg_per_kg: Number | None = None,
    dose_mcg_per_kg: Number | None = None,
    dose_mg: Number | None = None,
    dose_mcg: Number | None = None,
    rate_mg_per_kg_per_h: Number | None = None,
    rate_mg_per_kg_per_min: Number | None = None,
    rate_mcg_per_kg_per_min: Number | None = None,
    rate_mcg_per_kg_per_h: Number | None = None,
    rate_mg_per_min: Number | None = None,
    rate_mg_per_h: Number | None = None,
    rate_mcg_per_min: Number | None = None,
    rate_mL_per_h: Number | None = None,
    rate_mL_per_min: Number | None = None,
    duration_min: Number,
    start_min: Number = 0,
    into: str | None = None,
) -> Order:
    """An amount over a duration, or a rate for a duration.

    Args:
        dose_mg_per_kg, dose_mcg_per_kg, dose_mg, dose_mcg: how much is infused in all. "Per kg" is per dosing weight.
        rate_...: how fast, instead of a dose. Exactly one dose or rate is given. A rate in mL needs ``bag_mg_per_mL``
            in ``simulate``.
        duration_min: how long [min], more than zero.
        start_min: when it starts [min] after time zero.
        into: a compartment of the model, as ``ketpk.models.show(id)`` names its depots, ``"nose"`` for example; into a
            vein (``"central"``) if not given.

    Raises:
        WrongType, InvalidInput: ``E_FIELD_MISSING`` or ``E_FIELD_DUPLICATE`` unless exactly one dose or rate is given;
            ``E_NONFINITE`` for NaN. What is out of range is raised by ``simulate``.

    >>> infusion(dose_mg_per_kg=0.5, duration_min=40)
    infusion(dose_mg_per_kg=0.5, duration_min=40, start_min=0)
    """
    given: dict[str, object] = {
        "dose_mg_per_kg": dose_mg_per_kg,
        "dose_mcg_per_kg": dose_mcg_per_kg,
        "dose_mg": dose_mg,
        "dose_mcg": dose_mcg,
        "rate_mg_per_kg_per_h": rate_mg_per_kg_per_h,
        "rate_mg_per_kg_per_min": rate_mg_per_kg_per_min,
        "rate_mcg_per_kg_per_min": rate_mcg_per_kg_per_min,
        "rate_mcg_per_kg_per_h": rate_mcg_per_kg_per_h,
        "rate_mg_per_min": rate_mg_per_min,
        "rate_mg_per_h": rate_mg_per_h,
        "rate_mcg_per_min": rate_mcg_per_min,
        "rate_mL_per_h": rate_mL_per_h,
        "rate_mL_per_min": rate_mL_per_min,
    }
    name = _one_of(given, "infusion", True)
    assert name is not None
    kind, _, ending = name.partition("_")
    key, unit = ("infuse", DOSE_UNITS[ending]) if kind == "dose" else ("infuse_at_rate", RATE_UNITS[ending])
    pairs = (
        (key, quantity(given[name], name, unit)),
        ("over", quantity(duration_min, "duration_min", "min")),
        ("at", quantity(start_min, "start_min", "min")),
    )
    shown = ", ".join(f"{n}={t.split(' ')[0]}" for n, (_, t) in zip((name, "duration_min", "start_min"), pairs))
    return _input_into("infusion", shown, pairs, into)


def _input_into(kind: str, shown: str, pairs: tuple[tuple[str, str], ...], into: str | None) -> Order:
    if into is None:
        return _order((f"{kind}({shown})", pairs))
    return _order((f"{kind}({shown}, into={into!r})", (*pairs, ("into", word(into, "into")))))


def bolus(
    *,
    dose_mg_per_kg: Number | None = None,
    dose_mcg_per_kg: Number | None = None,
    dose_mg: Number | None = None,
    dose_mcg: Number | None = None,
    start_min: Number = 0,
    into: str | None = None,
) -> Order:
    """An amount at an instant.

    Args:
        dose_mg_per_kg, dose_mcg_per_kg, dose_mg, dose_mcg: how much; exactly one of them. "Per kg" is per dosing
            weight.
        start_min: when [min] after time zero.
        into: a compartment of the model, as in ``infusion``.

    Raises: as ``infusion``.

    >>> bolus(dose_mg=10)
    bolus(dose_mg=10, start_min=0)
    """
    given: dict[str, object] = {
        "dose_mg_per_kg": dose_mg_per_kg,
        "dose_mcg_per_kg": dose_mcg_per_kg,
        "dose_mg": dose_mg,
        "dose_mcg": dose_mcg,
    }
    name = _one_of(given, "bolus", True)
    assert name is not None
    pairs = (
        ("bolus", quantity(given[name], name, DOSE_UNITS[name.removeprefix("dose_")])),
        ("at", quantity(start_min, "start_min", "min")),
    )
    shown = ", ".join(f"{n}={t.split(' ')[0]}" for n, (_, t) in zip((name, "start_min"), pairs))
    return _input_into("bolus", shown, pairs, into)


class Event(_Value):
    """Something done to one infusion at an instant, as ``pause``, ``resume``, ``stop``, ``change_rate`` and
    ``restart_remainder`` make it. An event does not change.

    The amount ordered is the cap of all of them. What the infusion does not admit at that instant is ``E_STATE``,
    raised by ``simulate``; no event is ever ignored.

    Raises: ``TypeError`` when called.

    >>> pause(0, at_min=12)
    pause(0, at_min=12)
    """

    __slots__ = ()

    def __init__(self) -> None:
        raise TypeError(
            "an event is made by ketpk.pause, ketpk.resume, ketpk.stop, ketpk.change_rate, ketpk.restart_remainder"
        )

    def to_session(self) -> dict[str, str | int]:
        """The event as one of the ``events`` of a session: ``{"pause": 0, "at": "12 min"}``."""
        return dict(_Value._stated(self)[1])

    def __repr__(self) -> str:
        return str(self._said[0])


def _event(
    verb: str, input: object, at_min: object, session: object, also: tuple[tuple[str, str, str], ...] = ()
) -> Event:
    """``also`` holds more keywords: the key of a session, the keyword, its text."""
    what: str | int
    if isinstance(input, str):
        what = word(input, "input")
    else:
        whole = number(input, "input")
        if not isinstance(whole, int):
            raise WrongType("E_TYPE", "input", "not the number of an input; accepted: 0, 1 …, or saved[0] and so on")
        what = whole
    at = quantity(at_min, "at_min", "min")
    pairs: tuple[tuple[str, str | int], ...] = ((verb, what), *((key, text) for key, _, text in also), ("at", at))
    told = "".join(f", {keyword}={text.split(' ')[0]}" for _, keyword, text in (*also, ("at", "at_min", at)))
    if session is not None:
        which = number(session, "session")
        if not isinstance(which, int):
            raise WrongType("E_TYPE", "session", "not the number of a session; accepted: 0, 1 and so on")
        pairs = (*pairs, ("session", which))
        told += f", session={which}"
    made: Event = _remade(Event, (f"{verb}({what!r}{told})", pairs))
    return made


def pause(input: int | str, *, at_min: Number, session: int | None = None) -> Event:
    """Holds a running infusion; its end moves by the pause.

    Args:
        input: which input of the order, counted from 0; ``"saved[0]"`` is the first of a saved state.
        at_min: when [min] after time zero, or after the start of the session.
        session: which session of a course, counted from 0; due where there is a ``course``.

    Raises:
        WrongType, InvalidInput: for anything but a number of an input and a finite instant.
    """
    return _event("pause", input, at_min, session)


def resume(input: int | str, *, at_min: Number, session: int | None = None) -> Event:
    """Lets a paused infusion run on, at the rate that was running.

    Args:
        input: which input, as in ``pause``.
        at_min, session: when [min], as in ``pause``.

    Raises: as ``pause``.
    """
    return _event("resume", input, at_min, session)


def stop(input: int | str, *, at_min: Number, session: int | None = None) -> Event:
    """Ends an infusion that runs or is paused; what is left of it is not given, unless its remainder is restarted.

    Args:
        input: which input, as in ``pause``.
        at_min, session: when [min], as in ``pause``.

    Raises: as ``pause``.
    """
    return _event("stop", input, at_min, session)


def change_rate(
    input: int | str,
    *,
    at_min: Number,
    rate_mg_per_kg_per_h: Number | None = None,
    rate_mg_per_kg_per_min: Number | None = None,
    rate_mcg_per_kg_per_min: Number | None = None,
    rate_mcg_per_kg_per_h: Number | None = None,
    rate_mg_per_min: Number | None = None,
    rate_mg_per_h: Number | None = None,
    rate_mcg_per_min: Number | None = None,
    rate_mL_per_h: Number | None = None,
    rate_mL_per_min: Number | None = None,
    session: int | None = None,
) -> Event:
    """Lets a running infusion run at another rate; its end moves to where the ordered amount is in.

    Args:
        input: which input, as in ``pause``.
        at_min, session: when [min], as in ``pause``.
        rate_...: how fast from then on, as in ``infusion``; exactly one.

    Raises: as ``pause``; ``E_FIELD_MISSING`` or ``E_FIELD_DUPLICATE`` unless exactly one rate is given.

    >>> change_rate(0, at_min=20, rate_mL_per_h=30)
    change_rate(0, rate_mL_per_h=30, at_min=20)
    """
    given: dict[str, object] = {
        "rate_mg_per_kg_per_h": rate_mg_per_kg_per_h,
        "rate_mg_per_kg_per_min": rate_mg_per_kg_per_min,
        "rate_mcg_per_kg_per_min": rate_mcg_per_kg_per_min,
        "rate_mcg_per_kg_per_h": rate_mcg_per_kg_per_h,
        "rate_mg_per_min": rate_mg_per_min,
        "rate_mg_per_h": rate_mg_per_h,
        "rate_mcg_per_min": rate_mcg_per_min,
        "rate_mL_per_h": rate_mL_per_h,
        "rate_mL_per_min": rate_mL_per_min,
    }
    name = _one_of(given, "change_rate", True)
    assert name is not None
    rate = quantity(given[name], name, RATE_UNITS[name.removeprefix("rate_")])
    return _event("change_rate", input, at_min, session, (("to", name, rate),))


def restart_remainder(input: int | str, *, at_min: Number, duration_min: Number, session: int | None = None) -> Event:
    """Gives what is left of a stopped infusion over a new duration.

    Args:
        input: which input, as in ``pause``.
        at_min, session: when [min], as in ``pause``.
        duration_min: how long that takes [min], more than zero.

    Raises: as ``pause``.
    """
    over = quantity(duration_min, "duration_min", "min")
    return _event("restart_remainder", input, at_min, session, (("over", "duration_min", over),))


class Pump(_Value):
    """What a pump really does; each part is off until it is given. It needs ``bag_mg_per_mL`` in ``simulate``.

    Args:
        rate_step_mL_per_h: the pump runs at whole multiples of it [mL/h], the nearest to the rate asked for.
        dead_volume_mL: of the line between pump and vein [mL]: drug comes that much later, and what is in the line at
            the end is not delivered.
        primed_with: what that line holds at first, ``"drug"`` or ``"diluent"``.
        flush_mL, flush_duration_min, flush_at_min: diluent pushed through the line, how much [mL], over how long [min],
            from when [min]; all three or none.

    Raises:
        WrongType, InvalidInput: ``E_FIELD_MISSING`` for a pump of which nothing is said, or of a part of which
            something is missing; ``E_NONFINITE`` for NaN. What is out of range is raised by ``simulate``.

    >>> Pump(rate_step_mL_per_h=0.1)
    Pump(rate_step_mL_per_h=0.1)
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        rate_step_mL_per_h: Number | None = None,
        dead_volume_mL: Number | None = None,
        primed_with: str | None = None,
        flush_mL: Number | None = None,
        flush_duration_min: Number | None = None,
        flush_at_min: Number | None = None,
    ) -> None:
        only_once(self, "_said")
        said: list[tuple[str, str, str, str]] = []  # part and key of a session, text, keyword

        def one(part: str, key: str, keyword: str, text: str) -> None:
            said.append((part, key, text, keyword))

        if rate_step_mL_per_h is not None:
            one("", "rate_step", "rate_step_mL_per_h", quantity(rate_step_mL_per_h, "rate_step_mL_per_h", "mL/h"))
        if dead_volume_mL is not None or primed_with is not None:
            _all_of({"dead_volume_mL": dead_volume_mL, "primed_with": primed_with})
            one("line", "dead_volume", "dead_volume_mL", quantity(dead_volume_mL, "dead_volume_mL", "mL"))
            one("line", "primed_with", "primed_with", word(primed_with, "primed_with"))
        flush = {"flush_mL": flush_mL, "flush_duration_min": flush_duration_min, "flush_at_min": flush_at_min}
        if any(value is not None for value in flush.values()):
            _all_of(flush)
            one("flush", "volume", "flush_mL", quantity(flush_mL, "flush_mL", "mL"))
            one("flush", "over", "flush_duration_min", quantity(flush_duration_min, "flush_duration_min", "min"))
            one("flush", "at", "flush_at_min", quantity(flush_at_min, "flush_at_min", "min"))
        if not said:
            raise InvalidInput(
                "E_FIELD_MISSING", "pump", "says nothing; accepted: a rate step, a line or a flush, or no pump"
            )
        object.__setattr__(self, "_said", tuple(said))

    def to_session(self) -> dict[str, Any]:
        """The ``pump`` of a session: ``{"rate_step": "0.1 mL/h"}``."""
        pump: dict[str, Any] = {}
        for part, key, text, _ in _Value._stated(self):
            (pump.setdefault(part, {}) if part else pump)[key] = text
        return pump

    def __repr__(self) -> str:
        shown = [f"{k}={repr(t) if k == 'primed_with' else t.split(' ')[0]}" for _, _, t, k in self._said]
        return f"Pump({', '.join(shown)})"


def _all_of(given: Mapping[str, object]) -> None:
    for name, value in given.items():
        if value is None:
            raise InvalidInput("E_FIELD_MISSING", name, f"not stated; accepted: all of {', '.join(given)}")


class Vial(_Value):
    """One vial that went into a bag.

    Args:
        amount_mg: the drug in it [mg], counted as the order's ``form`` says.
        volume_mL: its volume [mL].

    Raises:
        WrongType, InvalidInput: for anything but a finite number. What is out of range is raised by ``simulate``.

    >>> Vial(amount_mg=50, volume_mL=5)
    Vial(amount_mg=50, volume_mL=5)
    """

    __slots__ = ()

    def __init__(self, *, amount_mg: Number, volume_mL: Number) -> None:
        only_once(self, "_said")
        said = (quantity(amount_mg, "amount_mg", "mg"), quantity(volume_mL, "volume_mL", "mL"))
        object.__setattr__(self, "_said", said)

    def to_session(self) -> dict[str, str]:
        """One of the ``vials`` of a session's bag: ``{"amount": "50 mg", "volume": "5 mL"}``."""
        amount, volume = _Value._stated(self)
        return {"amount": amount, "volume": volume}

    def __repr__(self) -> str:
        amount, volume = (text.split(" ")[0] for text in self._said)
        return f"Vial(amount_mg={amount}, volume_mL={volume})"


class Course(_Value):
    """When an order is given again: each session is that order anew, and its times count from the session's start.

    Args:
        every_min, times: so many sessions, so far apart [min], the first at time zero; or
        at_min: when each begins [min] after time zero; or
        at: when each begins, a list of ``datetime.datetime`` with a time zone; the first is time zero. What is counted
            is elapsed time, whatever the clocks on the wall did in between.

    Raises:
        WrongType, InvalidInput: ``E_FIELD_MISSING`` or ``E_FIELD_DUPLICATE`` unless it is one of the three;
            ``E_NONFINITE``; ``E_TIME_ZONE`` for an instant without a time zone. What is out of range or out of order is
            raised by ``simulate``.

    >>> Course(every_min=3.5 * 1440, times=6)
    Course(every_min=5040.0, times=6)
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        every_min: Number | None = None,
        times: int | None = None,
        at_min: Sequence[Number] | Any | None = None,
        at: Sequence[datetime.datetime] | None = None,
    ) -> None:
        only_once(self, "_said")
        which = _one_of({"every_min": every_min, "at_min": at_min, "at": at}, "course", True)
        if (times is not None) != (which == "every_min"):
            code = "E_FIELD_MISSING" if times is None else "E_FIELD_DUPLICATE"
            raise InvalidInput(code, "times", "belongs to every_min; accepted: both, or at_min, or at")
        said: tuple[tuple[str, Any], ...]
        if which == "every_min":
            count = number(times, "times")
            if not isinstance(count, int):
                raise WrongType("E_TYPE", "times", "not a whole number; accepted: how many sessions")
            said = (("every", quantity(every_min, "every_min", "min")), ("times", count))
        elif which == "at_min":
            said = (("at", tuple(f"{x!r} min" for x in numbers(at_min, "at_min"))),)
        else:
            if not isinstance(at, (list, tuple)):
                raise WrongType("E_TYPE", "at", "not a list; accepted: datetimes with a time zone")
            said = (("at", tuple(_dated(instant, f"at[{i}]") for i, instant in enumerate(at))),)
        object.__setattr__(self, "_said", said)

    def to_session(self) -> dict[str, Any]:
        """The ``course`` of a session: ``{"every": "5040 min", "times": 6}``."""
        return {key: list(x) if isinstance(x, tuple) else x for key, x in _Value._stated(self)}

    def __repr__(self) -> str:
        said = dict(self._said)
        if "every" in said:
            return f"Course(every_min={said['every'].split(' ')[0]}, times={said['times']})"
        if all(text.endswith(" min") for text in said["at"]):
            return f"Course(at_min=[{', '.join(text.split(' ')[0] for text in said['at'])}])"
        return f"<ketpk.Course of {len(said['at'])} sessions from {said['at'][0]}>"


class Effect(_Value):
    """What a concentration does, as ``Emax``, ``LinearEffect`` and ``Turnover`` state it, each in a unit of its own.

    Raises: ``TypeError`` when called.
    """

    __slots__ = ()

    def __init__(self) -> None:
        raise TypeError("an effect is made by ketpk.Emax(...), ketpk.LinearEffect(...) or ketpk.Turnover(...)")

    def _say(self, kind: str, *said: tuple[str, str, str | float]) -> None:
        """Keeps keyword, key of a session and value of each member, in the order of a session."""
        only_once(self, "_said")
        object.__setattr__(self, "_said", (kind, *said))

    def to_session(self) -> dict[str, Any]:
        """The effect as one of the ``effects`` of a session or a model file: ``{"name": "dissociation", "of": "plasma",
        "kind": "emax", ...}``."""
        kind, *said = _Value._stated(self)
        members: dict[str, Any] = {key: value for _, key, value in said}
        return {"name": members.pop("name"), "of": members.pop("of"), "kind": kind, **members}

    def __repr__(self) -> str:
        def told(keyword: str, key: str, value: object) -> str:
            return str(value).split(" ")[0] if keyword != key else repr(value)

        return f"{type(self).__name__}({', '.join(f'{k}={told(k, key, value)}' for k, key, value in self._said[1:])})"


def _said_word(keyword: str, value: object) -> tuple[str, str, str | float]:
    return keyword, keyword, word(value, keyword)


def _said_number(keyword: str, value: object) -> tuple[str, str, str | float]:
    return keyword, keyword, number(value, keyword)


def _said_quantity(keyword: str, key: str, value: object, unit: str) -> tuple[str, str, str | float]:
    return keyword, key, quantity(value, keyword, unit)


class Emax(Effect):
    """An effect with a ceiling: baseline + change C^hill / (ec50^hill + C^hill). There is no default constant.

    Args:
        name: of the effect, a letter, then letters, digits and ``_``.
        of: the concentration that it follows, ``"plasma"``, ``"effect_site"`` or a metabolite's name.
        ec50_ng_per_mL: where half of the change is reached [ng/mL].
        hill: Hill's exponent [no unit]; 1 for none.
        baseline: without drug [unit of the effect].
        change: at most [unit of the effect]; below zero where the drug lowers it.
        unit: of the effect, ``"mmHg"`` for example.
        source: where the numbers come from.

    Raises:
        WrongType, InvalidInput: for anything but texts and finite numbers. What an effect cannot be is raised by
            ``simulate``.

    >>> Emax(name="score", of="plasma", ec50_ng_per_mL=150, hill=2, baseline=0, change=80, unit="points", source="ours")
    Emax(name='score', of='plasma', ec50_ng_per_mL=150, hill=2, baseline=0, change=80, unit='points', source='ours')
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        name: str,
        of: str,
        ec50_ng_per_mL: Number,
        hill: Number,
        baseline: Number,
        change: Number,
        unit: str,
        source: str,
    ) -> None:
        self._say(
            "emax",
            _said_word("name", name),
            _said_word("of", of),
            _said_quantity("ec50_ng_per_mL", "ec50", ec50_ng_per_mL, "ng/mL"),
            _said_number("hill", hill),
            _said_number("baseline", baseline),
            _said_number("change", change),
            _said_word("unit", unit),
            _said_word("source", source),
        )


class LinearEffect(Effect):
    """An effect in proportion: baseline + change C / at.

    Args:
        name, of, unit, source: as in ``Emax``.
        at_ng_per_mL: where the effect has changed by ``change`` [ng/mL]; at twice that by twice as much.
        baseline: without drug [unit of the effect].
        change: by how much [unit of the effect]; below zero where the drug lowers it.

    Raises: as ``Emax``.

    >>> LinearEffect(name="pressure", of="plasma", at_ng_per_mL=200, baseline=90, change=12, unit="mmHg", source="ours")
    LinearEffect(name='pressure', of='plasma', at_ng_per_mL=200, baseline=90, change=12, unit='mmHg', source='ours')
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        name: str,
        of: str,
        at_ng_per_mL: Number,
        baseline: Number,
        change: Number,
        unit: str,
        source: str,
    ) -> None:
        self._say(
            "linear",
            _said_word("name", name),
            _said_word("of", of),
            _said_quantity("at_ng_per_mL", "at", at_ng_per_mL, "ng/mL"),
            _said_number("baseline", baseline),
            _said_number("change", change),
            _said_word("unit", unit),
            _said_word("source", source),
        )


class Turnover(Effect):
    """An indirect response: something is built up and lost all the time, and the drug inhibits or stimulates one of the
    two (Dayneka, Garg, Jusko 1993, doi 10.1007/BF01061691). With D = most C^hill / (c50^hill + C^hill), or most C / c50
    for a linear drive, and kin = kout baseline: dE/dt = kin (1 - D) - kout E where build-up is inhibited, and so on.

    Args:
        name, of, unit, source: as in ``Emax``.
        acts: ``"inhibit-build-up"``, ``"inhibit-loss"``, ``"stimulate-build-up"`` or ``"stimulate-loss"``.
        drive: ``"saturable"`` or, for what stimulates, ``"linear"``.
        kout_per_min: rate constant of the loss [1/min].
        baseline: at rest [unit of the effect], more than zero.
        most: the largest D [no unit], up to 1 for what inhibits; for a linear drive the one at ``c50_ng_per_mL``.
        c50_ng_per_mL: where half of it is reached [ng/mL].
        hill: Hill's exponent of a saturable drive [no unit]; none for a linear one.

    Raises: as ``Emax``.

    >>> Turnover(name="pain", of="plasma", acts="inhibit-build-up", drive="saturable", kout_per_min=0.1, baseline=7,
    ...          most=0.9, c50_ng_per_mL=100, hill=1, unit="points", source="ours").to_session()["kout"]
    '0.1 1/min'
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        name: str,
        of: str,
        acts: str,
        drive: str,
        kout_per_min: Number,
        baseline: Number,
        most: Number,
        c50_ng_per_mL: Number,
        hill: Number | None = None,
        unit: str,
        source: str,
    ) -> None:
        self._say(
            "turnover",
            _said_word("name", name),
            _said_word("of", of),
            _said_word("acts", acts),
            _said_word("drive", drive),
            _said_quantity("kout_per_min", "kout", kout_per_min, "1/min"),
            _said_number("baseline", baseline),
            _said_number("most", most),
            _said_quantity("c50_ng_per_mL", "c50", c50_ng_per_mL, "ng/mL"),
            *(() if hill is None else (_said_number("hill", hill),)),
            _said_word("unit", unit),
            _said_word("source", source),
        )


def _dated(instant: object, field: str) -> str:
    """An instant as a session has it, ``2026-10-19T09:00:00+02:00``."""
    if not isinstance(instant, datetime.datetime) or instant.__class__.__name__ == "NaTType":
        raise WrongType("E_TYPE", field, "not an instant; accepted: datetime.datetime with a time zone")
    if instant.utcoffset() is None:
        raise InvalidInput("E_TIME_ZONE", field, "no time zone; accepted: a datetime with tzinfo")
    return instant.isoformat()


def minutes_between(start: datetime.datetime, end: datetime.datetime) -> float:
    """The time that passed between two instants [min], right across a change of the clock.

    Both must know their time zone. Python subtracts two times of one zone as if no clock had ever changed, so both are
    taken to UTC first; ``fold`` tells the two hours of an autumn night apart.

    Raises:
        WrongType: for anything but ``datetime.datetime``.
        InvalidInput: ``E_TIME_ZONE`` without a time zone, ``E_TIME_ORDER`` if the end comes first.
    """
    instants = []
    for field, instant in (("start", start), ("end", end)):
        if not isinstance(instant, datetime.datetime):
            raise WrongType("E_TYPE", field, "not an instant; accepted: datetime.datetime with a time zone")
        if instant != instant:  # pandas.NaT calls itself a datetime
            raise WrongType("E_TYPE", field, "no instant; accepted: datetime.datetime with a time zone")
        if instant.utcoffset() is None:
            raise InvalidInput("E_TIME_ZONE", field, "no time zone; accepted: a datetime with tzinfo")
        instants.append(instant.astimezone(datetime.timezone.utc))
    elapsed = instants[1] - instants[0]
    if elapsed < datetime.timedelta(0):
        raise InvalidInput("E_TIME_ORDER", "end", "before the start; accepted: the start or later")
    return elapsed / datetime.timedelta(minutes=1)
