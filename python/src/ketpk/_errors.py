# SPDX-License-Identifier: Apache-2.0
"""The two kinds of no that Python raises. The third, a clinical concern, is a flag in a result."""

from __future__ import annotations

from typing import Any


def _restored(kind: type[Any], arguments: tuple[str, str, str], keywords: dict[str, Any]) -> Any:
    return kind(*arguments, **keywords)


class InvalidInput(ValueError):
    """Input that cannot be used. Nothing was calculated and nothing is left behind.

    Attributes:
        code: the contract's code, ``"E_RANGE"`` for example.
        field: the path of what is wrong in a session, ``"patient.weight"``, or the name of an argument.
        message: what is wrong and, after a semicolon, what is accepted. It never repeats a value.
        row: the position of the row in a table, counted from 0; ``None`` outside tables.
        column: the name of the table's column; ``None`` outside tables.
    """

    code: str
    field: str
    message: str
    row: int | None
    column: str | None

    def __init__(
        self, code: str, field: str, message: str, *, row: int | None = None, column: str | None = None
    ) -> None:
        self.code, self.field, self.message, self.row, self.column = code, field, message, row, column
        place = [f"row {row}"] if row is not None else []
        place += [f"column {column}"] if column is not None else []
        super().__init__(f"{code} {field}: {message}" + (f" ({', '.join(place)})" if place else ""))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (
            type(self),
            (self.code, self.field, self.message),
            {"row": self.row, "column": self.column},
        )


class WrongType(InvalidInput, TypeError):
    """An argument of a type that could only be guessed at: an ``InvalidInput`` with the code ``E_TYPE`` that is also a
    ``TypeError``."""


class NumericalTrouble(ArithmeticError):
    """A calculation that did not finish, or whose two solvers disagree. There are no numbers.

    Attributes:
        code: ``"E_SOLVER"``, ``"E_SOLVER_MAXSTEPS"`` or ``"E_INTERNAL_CHECK"``.
        where: the solver or the check.
        message: what happened.
        row: the position of the row in a table, counted from 0; ``None`` outside tables.
    """

    code: str
    where: str
    message: str
    row: int | None

    def __init__(self, code: str, where: str, message: str, *, row: int | None = None) -> None:
        self.code, self.where, self.message, self.row = code, where, message, row
        super().__init__(f"{code} {where}: {message}" + (f" (row {row})" if row is not None else ""))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), (self.code, self.where, self.message), {"row": self.row})
