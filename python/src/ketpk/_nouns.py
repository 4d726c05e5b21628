# SPDX-License-Identifier: Apache-2.0
"""Patient and order, as somebody states them. Both are values; neither is checked here for what is possible, that is
the core's task, which every door shares."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from ._errors import InvalidInput, WrongType
from ._frozen import Immutable, only_once
from ._numbers import Number, quantity, word


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


class Patient(_Value):
    """The person a dose is for, as stated. What is not stated stays absent; nothing is estimated.

    Args:
        weight_kg, weight_lb: actual body weight, 0.2 to 700 kg; one of the two. The covariate of every model.
        height_cm, height_m, height_in: body height, 20 to 280 cm.
        age_yr: age, 0 to 130 yr.
        sex: ``"female"`` or ``"male"``.
        dosing_weight_kg: what "per kg" in an order counts; the actual weight if not stated.

    Raises:
        WrongType: for anything but a number (text, bool, float32, Decimal, arrays).
        InvalidInput: ``E_FIELD_MISSING`` without a weight, ``E_FIELD_DUPLICATE`` for two, ``E_NONFINITE`` for NaN.
            What no body can have is ``E_RANGE``, raised by ``simulate``.

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
        dosing_weight_kg: Number | None = None,
    ) -> None:
        only_once(self, "_said")
        said: list[tuple[str, str, str]] = []  # key of a session, text, keyword
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
        if dosing_weight_kg is not None:
            said.append(("dosing_weight", quantity(dosing_weight_kg, "dosing_weight_kg", "kg"), "dosing_weight_kg"))
        object.__setattr__(self, "_said", tuple(said))

    def to_session(self) -> dict[str, str]:
        """The ``patient`` of a session: ``{"weight": "70 kg", "age": "42 yr"}``."""
        return {key: text for key, text, _ in _Value._stated(self)}

    def __repr__(self) -> str:
        shown = [f"{name}={text if name != 'sex' else repr(text)}" for _, text, name in self._said]
        return f"Patient({', '.join(s.split(' ')[0] for s in shown)})"


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
) -> Order:
    """An amount over a duration, or a rate for a duration.

    Args:
        dose_mg_per_kg, dose_mcg_per_kg, dose_mg, dose_mcg: how much is infused in all. "Per kg" is per dosing weight.
        rate_...: how fast, instead of a dose. Exactly one dose or rate is given. A rate in mL needs ``bag_mg_per_mL``
            in ``simulate``.
        duration_min: how long [min], more than zero.
        start_min: when it starts [min] after time zero.

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
    return _order((f"infusion({shown})", pairs))


def bolus(
    *,
    dose_mg_per_kg: Number | None = None,
    dose_mcg_per_kg: Number | None = None,
    dose_mg: Number | None = None,
    dose_mcg: Number | None = None,
    start_min: Number = 0,
) -> Order:
    """An amount at an instant.

    Args:
        dose_mg_per_kg, dose_mcg_per_kg, dose_mg, dose_mcg: how much; exactly one of them. "Per kg" is per dosing
            weight.
        start_min: when [min] after time zero.

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
    return _order((f"bolus({shown})", pairs))


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
