# SPDX-License-Identifier: Apache-2.0
"""Limits: what somebody accountable has configured as the range to stay in. The library has none of its own."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import _core
from ._errors import WrongType
from ._files import bytes_of
from ._frozen import Immutable, frozen, only_once, thawed
from ._numbers import word

__all__ = ["Finding", "Limits", "lint", "read"]


def today() -> str:
    """Today in UTC, as the command line has it."""
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a limits file.

    Attributes:
        code: ``"E_LIMITS_ORDER"`` for example.
        field: where it is, ``"limits.limits[3].source"``.
        message: what is wrong and, after a semicolon, what is accepted.
    """

    code: str
    field: str
    message: str


class Limits(Immutable):
    """A limits set, read once and used many times. It is a value: it does not change, and two of the same bytes are
    equal. ``ketpk.limits.read`` makes one.

    Attributes:
        id, version, status, approver, effective, expires: what the file says of itself. ``status`` is ``"approved"``
            or ``"example"``.
        sha256: of the file's bytes, lower-case hexadecimal.
        rows: the limits, each a mapping as in the file: id, quantity, bounds with their units, required, source.
    """

    __slots__ = ("_bytes", "_core", "_document")
    _bytes: bytes
    _core: _core.Limits
    _document: Mapping[str, Any]

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Limits from a mapping, as a file ``ketpk.limits/1`` would hold it. Raises ``InvalidInput``."""
        only_once(self, "_bytes")
        self._set(bytes_of(document, "limits"))

    def _set(self, data: bytes) -> None:
        object.__setattr__(self, "_bytes", data)
        object.__setattr__(self, "_core", _core.read_limits(data))
        object.__setattr__(self, "_document", frozen(json.loads(data)))

    @classmethod
    def _from_bytes(cls, data: bytes) -> Limits:
        made = object.__new__(cls)
        made._set(data)
        return made

    @property
    def id(self) -> str:
        """The name of the set."""
        return self._core.id

    @property
    def version(self) -> str:
        """The version of the set, a text."""
        return self._core.version

    @property
    def status(self) -> str:
        """``"approved"`` or ``"example"``."""
        return self._core.status

    @property
    def approver(self) -> str:
        """Who approved it."""
        return str(self._document["approver"])

    @property
    def effective(self) -> datetime.date:
        """The first day it is in force."""
        return datetime.date.fromisoformat(self._document["effective"])

    @property
    def expires(self) -> datetime.date:
        """The day it expires."""
        return datetime.date.fromisoformat(self._document["expires"])

    @property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes, lower-case hexadecimal."""
        return self._core.sha256

    @property
    def rows(self) -> tuple[Mapping[str, Any], ...]:
        """The limits, each as in the file: id, quantity, bounds with their units, required, source."""
        return tuple(self._document["limits"])

    def to_dict(self) -> dict[str, Any]:
        """The set as the file holds it, a copy."""
        return dict(thawed(self._document))

    def __eq__(self, other: object) -> bool:
        return self._bytes == other._bytes if isinstance(other, Limits) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __reduce__(self) -> tuple[Any, ...]:
        return Limits._from_bytes, (self._bytes,)

    def __repr__(self) -> str:
        return f"<ketpk.Limits {self.id} version {self.version}, status {self.status}, {len(self.rows)} limits>"

    def _repr_html_(self) -> str:
        from . import _html

        return _html.limits(self)


def read(source: str | os.PathLike[str] | Mapping[str, Any]) -> Limits:
    """A limits set from a file or a mapping, ``ketpk.limits/1``.

    Whether it may be used on a given day is checked when it is used.

    Raises:
        InvalidInput: with the path of what is wrong, ``limits.limits[3].source`` for example; ``E_IO`` for a file that
            cannot be read. ``lint`` finds everything, this the first.
        WrongType: for anything but a path or a mapping.
    """
    return Limits._from_bytes(bytes_of(source, "limits"))


def lint(
    source: str | os.PathLike[str] | Mapping[str, Any], *, as_of: datetime.date | str | None = None
) -> tuple[Finding, ...]:
    """Everything that is wrong with a limits set, as far as it can be looked at; empty if it can be used.

    Args:
        source: a file, or a mapping as the file would hold it.
        as_of: the day it is to be used, a date or ``"2026-11-21"``; today in UTC if not given.

    Raises:
        InvalidInput: ``E_IO`` for a file that cannot be read, ``E_PARSE`` or ``E_RANGE`` for a day that is none.
    """
    day = today() if as_of is None else day_text(as_of, "as_of")
    return tuple(Finding(*finding) for finding in _core.lint_limits(bytes_of(source, "limits"), day))


def day_text(day: object, field: str) -> str:
    """A day as ``2026-11-21``. Raises ``WrongType`` for anything but a date (an instant is none) or a text."""
    if isinstance(day, str):
        return word(day, field)
    if isinstance(day, datetime.date) and not isinstance(day, datetime.datetime):
        return day.isoformat()
    raise WrongType("E_TYPE", field, "not a day; accepted: datetime.date, or a text such as 2026-11-21")
