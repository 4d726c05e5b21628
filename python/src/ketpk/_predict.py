# SPDX-License-Identifier: Apache-2.0
"""A model and a table of what happened: the table comes back with what the model says at each record.

A data file is read by the core. A table in memory is written as the text that a data file would hold, each number in
the digits that read back exactly, and read by the same strict reader; so both have the same answer to the bit.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._errors import InvalidInput, NumericalTrouble, WrongType
from ._files import path_bytes
from ._frame import Source
from ._frozen import Frozen
from ._numbers import number, truth, word
from ._table import Table, Tabular
from .models import ModelSource, model_bytes

SCHEMA = "ketpk.table/1"


class Prediction(Tabular):
    """What a model says at every record of a data set, in the order of the records: at a dose record the state after
    the dose, at a reset the one after the reset. ``ketpk.predict`` makes one.

    It is a value: it does not change, equal ones are equal, and it can be pickled. It is no truth value.
    """

    __slots__ = ("_about", "_columns", "_units")
    _about: Mapping[str, Any]
    _columns: Table
    _units: Mapping[str, str | None]

    def __init__(self) -> None:
        raise TypeError("a prediction comes from ketpk.predict(model, data)")

    @classmethod
    def _of(cls, columns: Table, units: Mapping[str, str | None], about: Mapping[str, Any]) -> Prediction:
        made = object.__new__(cls)
        for name, value in (("_columns", columns), ("_units", Frozen(units)), ("_about", Frozen(about))):
            object.__setattr__(made, name, value)
        return made

    @property
    def columns(self) -> Table:
        """A read-only mapping of names to arrays of the shape ``(n,)``, one element a record: ``ID`` (texts, as
        objects), ``TIME_<unit>``, ``EVID``, then ``plasma_<unit>``, a concentration for each metabolite and for the
        effect site, the amount in each compartment, ``"<effect> (<unit>)"`` for each effect of the model, and
        ``plasma_sd_<unit>`` where ``spread`` was asked for. Numbers are float64."""
        return self._columns

    @property
    def units(self) -> Mapping[str, str | None]:
        """The unit of each column, ``"ng/mL"`` for example, of an effect its own; None for ``ID`` and ``EVID``."""
        return self._units

    @property
    def rows(self) -> int:
        """The number of records."""
        return self._columns.rows

    @property
    def model(self) -> str:
        """The id of the model."""
        return str(self._about["model"])

    @property
    def citation(self) -> str:
        """Where the model was published, as its card says."""
        return str(self._about["citation"])

    @property
    def version(self) -> str:
        """Of the ketpk that calculated it."""
        return str(self._about["version"])

    @property
    def solver(self) -> str:
        """Whose numbers these are: ``"expm"``, or ``"odeint"`` where elimination saturates."""
        return str(self._about["solver"])

    @property
    def second_solver(self) -> str | None:
        """The one they were compared with; None where all is so stiff that there is none."""
        value: str | None = self._about["second_solver"]
        return value

    @property
    def agreement_rel(self) -> float | None:
        """The worst relative difference of the two, of any state after any stretch, and of two solvers of any effect
        that turns over, at most 1e-8; None with ``second_solver``."""
        value: float | None = self._about["agreement_rel"]
        return value

    @property
    def stretches(self) -> int:
        """How many stretches of constant input there are, over all subjects."""
        return int(self._about["stretches"])

    @property
    def stretches_checked(self) -> int:
        """How many of them the second solver went over too; it leaves out the very stiff."""
        return int(self._about["stretches_checked"])

    def _told(self) -> tuple[list[str], list[Any]]:
        """Headers and columns as the core has them."""
        columns = self._columns
        return [*columns], [list(c) if c.dtype == object else np.ascontiguousarray(c) for c in columns.values()]

    def to_csv(self) -> str:
        """The table as CSV, the same bytes as ``ketpk simulate --model MODEL --data FILE`` writes."""
        return _core.table_csv(*self._told())

    def to_json(self) -> str:
        """The table as ``ketpk.table/1``, the same bytes as the command writes with ``--json``."""
        return _core.table_json(*self._told(), **self._about)

    def __len__(self) -> int:
        """The number of records, as ``rows``."""
        return self.rows

    def __bool__(self) -> NoReturn:
        raise TypeError("a prediction is no truth value; look at its columns")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Prediction):
            return NotImplemented
        return self._columns == other._columns and self._units == other._units and self._about == other._about

    def __hash__(self) -> int:
        return hash((self._about, self.rows))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (SCHEMA, self._columns, dict(self._units), dict(self._about))

    def __repr__(self) -> str:
        subjects = len(set(self._columns["ID"].tolist()))
        return f"<ketpk.Prediction {self.model}: {self.rows} records of {subjects} subjects, solver {self.solver}>"


def _restored(schema: str, columns: Table, units: Mapping[str, str | None], about: Mapping[str, Any]) -> Prediction:
    """A pickled prediction. One of another schema is refused."""
    if schema != SCHEMA:
        raise InvalidInput("E_SCHEMA_VERSION", "schema", f"pickled by another version of ketpk; accepted: {SCHEMA}")
    return Prediction._of(columns, units, about)


# ---------------------------------------------------------------------------------------------------------------------

#: The columns of a data file that mean something to every model.
KNOWN = ("ID", "TIME", "AMT", "RATE", "DUR", "EVID", "CMT", "ADDL", "II", "SS", "MDV", "DV")
_MISSING = "."


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"\r\n') else cell


def _texts(source: Source, name: str) -> list[str]:
    """A column as a data file holds it. Raises ``InvalidInput`` with row and column."""
    told: list[str] = []
    for row, cell in enumerate(source.cells(name)):
        if cell is None or (isinstance(cell, float) and cell != cell):
            told.append(_MISSING)
            continue
        try:
            if isinstance(cell, str):
                told.append(_quoted(word(cell, "data")))
                continue
            plain = number(cell, "data")
        except InvalidInput as error:
            kind, code, message = type(error), error.code, error.message
        else:
            if name.upper() != "ID" or isinstance(plain, int):
                told.append(repr(plain))
                continue
            kind, code = WrongType, "E_TYPE"
            message = "a number that is not whole by type as a name; accepted: texts, or integers (astype(int))"
        raise kind(code, "data", message.removesuffix("; the unit stands in the name"), row=row, column=name)
    return told


def _written(source: Source, covariates: list[str]) -> bytes:
    """A table as the text of a data file. Of columns that are no part of the model only the names are written."""
    known = {name.upper() for name in (*KNOWN, *covariates)}
    names = [word(name, "data") for name in source.names]
    columns = [_texts(source, n) if n.upper() in known else [""] * source.rows for n in names]
    lines = [",".join(map(_quoted, names)), *map(",".join, zip(*columns)), ""]
    return "\n".join(lines).encode()


_PLACE = re.compile(r"data line (\d+)(?: column (.+)| (.+))?")
_SUBJECT = re.compile(r" \(subject at data line (\d+)\)$")


def _in_the_table(error: InvalidInput, names: list[str]) -> InvalidInput:
    """An error of the reader with the place in the table instead of that in the text. The header is line 1."""
    place = _PLACE.fullmatch(error.field)
    if place is None:
        return error
    line, column = int(place[1]), place[2] or (place[3] if place[3] in names else None)
    if column is not None and column.isdigit() and column not in names:
        column = names[int(column) - 1]
    if column is not None and not re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", column):  # no free text in a message
        column = None
    # A column that is missing altogether, or wrong by its name, is no matter of one row.
    row = line - 2 if line > 1 and error.code != "E_COLUMNS" else None
    return type(error)(error.code, "data", error.message, row=row, column=column)


def predict(model: ModelSource, data: Any, *, spread: bool = False) -> Prediction:
    """What a model says at every record of a data set with NONMEM's columns, in the order it came.

    Args:
        model: a model file, its document as a dict, a ``Model``, or the id of a built-in model. Its ``data_units`` say
            in which units the data are, and by which conventions.
        data: the path of a CSV file; or a table: a DataFrame of pandas or polars, an Arrow table, a dict of columns.
            Columns are ID TIME AMT RATE DUR EVID CMT ADDL II SS MDV DV and one for each covariate of the model (WT is
            kg); all in capitals, or all in lower case. None, NaN and NA are missing, as an empty field and a point are
            in a file. A text stands for what a file would hold; ID is a text or an integer. Other columns are left out,
            but a name that is nearly one of the above is refused. Text of a CSV is not accepted here, as it looks like
            a path.
        spread: also the standard deviation of plasma between subjects, by the delta method; the card must state its
            variability.

    Returns:
        A ``Prediction``: one row a record, each column with its unit in its name. The same bits, and by ``to_csv()``
        the same bytes, as ``ketpk simulate --model MODEL --data FILE``.

    Raises:
        InvalidInput: of a file with line and column in ``field``; of a table with ``row`` (counted from 0) and
            ``column``. Nothing is sorted, filled in or dropped.
        WrongType: for a cell that would have to be guessed at (bool, float32, Decimal, a date), and for data that is
            neither a path nor a table.
        NumericalTrouble: where the calculation failed, a steady state does not exist, or two solvers disagree by more
            than 1e-8; of a table with the ``row`` at which that subject begins.
        KeyboardInterrupt: when the subject at hand is done; nothing is returned.

    >>> import ketpk
    >>> table = {"ID": [1, 1, 1], "TIME": [0, 0.5, 1], "AMT": [35, None, None], "DUR": [0.5, None, None]}
    >>> table["WT"] = [70, 70, 70]
    >>> told = ketpk.predict("kamp2020", table)  # its data are in hours, mg and ng/mL
    >>> told.columns["plasma_ng_per_mL"].round()
    array([  0., 304.,  88.])
    """
    with_spread = truth(spread, "spread")
    file, _ = model_bytes(model)
    if isinstance(data, (str, os.PathLike)):
        if isinstance(data, str) and ("\n" in data or "\r" in data):
            raise WrongType("E_TYPE", "data", "a text of several lines, which is no path; accepted: a path, or a table")
        return _prediction(_core.predict(file, _core.read_data_file(path_bytes(data, "data")), with_spread))
    if isinstance(data, (bytes, bytearray, memoryview)):
        raise WrongType("E_TYPE", "data", "bytes, which are no table; accepted: the path of a file, or a table")
    source = Source(data, "data")
    try:
        return _prediction(_core.predict(file, _written(source, _core.model_covariates(file)), with_spread))
    except InvalidInput as error:
        raise _in_the_table(error, source.names) from None
    except NumericalTrouble as error:
        place = _SUBJECT.search(error.message)
        row = None if place is None else int(place[1]) - 2
        raise NumericalTrouble(error.code, error.where, _SUBJECT.sub("", error.message), row=row) from None


def _prediction(answer: Mapping[str, Any]) -> Prediction:
    columns: dict[str, NDArray[Any]] = {}
    for name, values in answer["columns"].items():
        columns[name] = np.array(values, dtype=object) if isinstance(values, list) else values
    about = ("model", "citation", "solver", "second_solver", "agreement_rel", "stretches", "stretches_checked")
    told = {"version": _core.version, **{name: answer[name] for name in about}}
    return Prediction._of(Table(columns), dict(zip(columns, answer["units"])), told)
