# SPDX-License-Identifier: Apache-2.0
"""Columns of one length that cannot be written to, and the doors to other tables."""

from __future__ import annotations

import abc
import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._frozen import Frozen, Immutable, only_once

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


def optional(module: str, extra: str) -> Any:
    """A module of an optional package. Raises ``ImportError`` that says how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        how = f"pip install {package}, which is ketpk's extra {extra!r}"
        raise ImportError(f"this needs {package}, which is not installed; accepted: {how}") from error


class Table(Immutable, Mapping[str, NDArray[Any]]):
    """Columns of one length: a read-only mapping of names, with their units, to arrays of the shape ``(n,)`` that
    cannot be written to. ``len(table)`` counts columns, ``table.rows`` rows."""

    __slots__ = ("_columns",)
    _columns: Mapping[str, NDArray[Any]]

    def __init__(self, columns: Mapping[str, NDArray[Any]]) -> None:
        only_once(self, "_columns")
        views = {name: column.view() for name, column in columns.items()}
        for view in views.values():
            view.setflags(write=False)
        object.__setattr__(self, "_columns", Frozen(views))

    def __getitem__(self, name: str) -> NDArray[Any]:
        # A view of its own for each who asks: nobody can change the shape or the type of another's.
        return self._columns[name].view()

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        """The number of columns; ``rows`` is the number of rows."""
        return len(self._columns)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self._columns.values()), ()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        return list(self) == list(other) and all(_same(self[name], other[name]) for name in self)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpacked, (type(self), [(name, *_packed(column)) for name, column in self.items()])

    def _shown(self) -> Mapping[str, NDArray[Any]]:
        """What other tables get to see."""
        return self._columns

    def to_pandas(self) -> pandas.DataFrame:
        """The columns as a data frame of its own, a copy. Needs pandas.

        Raises:
            ImportError: without pandas.
            InvalidInput: ``E_FIELD_MISSING`` for a profile for which no instant was asked.
        """
        frame: pandas.DataFrame = optional("pandas", "pandas").DataFrame(dict(self._shown()), copy=True)
        return frame

    def to_polars(self) -> polars.DataFrame:
        """The columns as a data frame of polars. Needs polars.

        Raises:
            ImportError: without polars.
            InvalidInput: ``E_FIELD_MISSING`` for a profile for which no instant was asked.
        """
        columns = {n: v.tolist() if v.dtype == object else v for n, v in self._shown().items()}
        frame: polars.DataFrame = optional("polars", "polars").DataFrame(columns)
        return frame

    def to_arrow(self) -> pyarrow.Table:
        """The columns as an Arrow table, numbers without copying. Needs pyarrow.

        Raises:
            ImportError: without pyarrow.
            InvalidInput: ``E_FIELD_MISSING`` for a profile for which no instant was asked.
        """
        table: pyarrow.Table = optional("pyarrow", "arrow").table(dict(self._shown()))
        return table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule protocol: polars, DuckDB, pandas and others read the columns directly. Needs pyarrow."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"<ketpk.{type(self).__name__} of {self.rows} rows: {', '.join(self)}>"


class Tabular(Immutable):
    """What has ``columns``, and the doors from there to other tables."""

    __slots__ = ()

    @property
    @abc.abstractmethod
    def columns(self) -> Table:
        """A read-only mapping of names, with their units, to arrays of the shape ``(n,)``."""

    def to_pandas(self) -> pandas.DataFrame:
        """``columns`` as a data frame of pandas, a copy. Needs pandas.

        Raises:
            ImportError: without pandas.
        """
        return self.columns.to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """``columns`` as a data frame of polars. Needs polars.

        Raises:
            ImportError: without polars.
        """
        return self.columns.to_polars()

    def to_arrow(self) -> pyarrow.Table:
        """``columns`` as an Arrow table, numbers without copying. Needs pyarrow.

        Raises:
            ImportError: without pyarrow.
        """
        return self.columns.to_arrow()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """``columns`` by the Arrow PyCapsule protocol. Needs pyarrow. Raises as ``to_arrow``."""
        return self.columns.__arrow_c_stream__(requested_schema)


def _packed(column: NDArray[Any]) -> tuple[str, Any]:
    return ("O", column.tolist()) if column.dtype == object else (column.dtype.str, column.tobytes())


def _unpacked(kind: type[Table], packed: list[tuple[str, str, Any]]) -> Table:
    """A pickled table. Its numbers lie in memory that nobody can write to."""
    made = object.__new__(kind)
    columns = {n: np.array(d, dtype=object) if t == "O" else np.frombuffer(d, dtype=t) for n, t, d in packed}
    Table.__init__(made, columns)
    return made


def _same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """The same numbers; NaN, which says in tables that there is no such curve, equals NaN."""
    return np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f")
