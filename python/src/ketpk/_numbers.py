# SPDX-License-Identifier: Apache-2.0
"""How a Python number becomes a quantity: its unit stands in the keyword, its digits go on unchanged.

A session says ``"0.5 mg/kg"``. The shortest text that reads back exactly carries a double through without a change of
one bit, so the text that the core reads is as exact as the number was.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ._errors import InvalidInput, WrongType

#: What can be said without a guess: ``float``, ``int`` and NumPy's float64 and integers.
Number = float | int

#: NumPy's integers; timedelta64, which calls itself one, is not among them.
_INTEGERS = {np.dtype(code).type for code in "bBhHiIlLqQ"}
_ACCEPTED = "accepted: int or float (or NumPy's float64 and integers)"


def number(value: object, field: str) -> float | int:
    """``value`` as it is, if it is a finite number.

    Raises:
        WrongType: for anything that is no number, for ``bool``, for arrays, and for types of other precision
            (float32, Decimal), which would have to be widened or rounded without a word.
        InvalidInput: ``E_NONFINITE`` for NaN and infinities, ``E_RANGE`` beyond what a double holds.
    """
    kind = type(value)
    if kind is float:
        plain: float | int = value  # type: ignore[assignment]
    elif kind is int:
        plain = value  # type: ignore[assignment]
        if not -(10**300) < plain < 10**300:
            raise InvalidInput("E_RANGE", field, "a number beyond what can be held; accepted: up to 1e300")
        return plain
    elif kind is np.float64:
        plain = float(value)  # type: ignore[arg-type]
    elif kind in _INTEGERS:
        return int(value)  # type: ignore[call-overload, no-any-return]
    else:
        what = "a text, not a number" if isinstance(value, str) else "not a number of a type that is exact"
        raise WrongType("E_TYPE", field, f"{what}; {_ACCEPTED}; the unit stands in the name")
    if not math.isfinite(plain):
        raise InvalidInput("E_NONFINITE", field, "not finite; accepted: a finite number")
    return plain


def quantity(value: object, field: str, unit: str) -> str:
    """``value`` and ``unit`` as the text of a session, ``"0.5 mg/kg"``. Raises as ``number``."""
    return f"{number(value, field)!r} {unit}"


def word(value: object, field: str) -> str:
    """``value`` as a plain text. Raises ``WrongType`` for anything else, ``InvalidInput`` for no Unicode text."""
    if not isinstance(value, str):
        raise WrongType("E_TYPE", field, "not a text; accepted: str")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput("E_ENCODING", field, "not a text that UTF-8 can hold; accepted: Unicode text") from None
    return "".join(value)


def truth(value: object, field: str) -> bool:
    """``value`` if it is True or False. Raises ``WrongType`` otherwise."""
    if value is True or value is False:
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    raise WrongType("E_TYPE", field, "not a truth value; accepted: True or False")


def numbers(values: Any, field: str) -> list[float | int]:
    """A one-dimensional list or array of numbers, each as ``number`` would have it.

    Raises ``WrongType`` for a text, a mapping, a single number and for arrays of other shapes or types.
    """
    accepted = "accepted: a list or a one-dimensional float64 array of numbers"
    if isinstance(values, (str, bytes, bytearray, memoryview, dict)) or not isinstance(values, Iterable):
        raise WrongType("E_TYPE", field, f"not a list of numbers; {accepted}")
    if not isinstance(values, (list, tuple, range)):
        array: np.ndarray[Any, Any] = np.asarray(values)
        if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
            raise InvalidInput("E_NONFINITE", field, f"a masked element; {accepted}")
        if array.ndim != 1:
            raise WrongType("E_TYPE", field, f"not one-dimensional; {accepted}")
        if array.dtype.kind == "f" and array.dtype.itemsize != 8:
            raise WrongType("E_TYPE", field, f"an array of another precision; {accepted}")
        if array.dtype.kind not in "fiuO":
            raise WrongType("E_TYPE", field, f"an array of something else than numbers; {accepted}")
        values = array.tolist()
    return [number(x, f"{field}[{i}]") for i, x in enumerate(values)]
