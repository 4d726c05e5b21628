# SPDX-License-Identifier: Apache-2.0
"""A table of what-ifs: one patient and one order per row, one answer per row.

A row is the session that ``simulate`` would make of the same numbers, so it has the same answer to the bit. Sessions
are read once per combination of words; the core puts each row's numbers in.
"""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._errors import InvalidInput, WrongType
from ._files import json_bytes
from ._nouns import DOSE_UNITS, RATE_UNITS, Effect
from ._numbers import Number, number, truth
from ._session import LimitsSource, effects_of, levels_of, limits_of, observe_of, words_of
from ._table import Table, optional
from .limits import today
from .models import ModelSource


@dataclass(frozen=True)
class _Kind:
    """What a column of numbers means: its role for the core, its unit, and whether it says how much drug."""

    role: str
    unit: str
    dosing: bool = False


#: Every column of numbers there can be, named as the keywords of ``Patient``, ``infusion`` and ``simulate``.
NUMBERS: Mapping[str, _Kind] = {
    "weight_kg": _Kind("weight", "kg"),
    "weight_lb": _Kind("weight", "lb"),
    "height_cm": _Kind("height", "cm"),
    "height_m": _Kind("height", "m"),
    "height_in": _Kind("height", "in"),
    "age_yr": _Kind("age", "yr"),
    "dosing_weight_kg": _Kind("dosing_weight", "kg"),
    **{f"dose_{ending}": _Kind("dose", unit, True) for ending, unit in DOSE_UNITS.items()},
    **{f"rate_{ending}": _Kind("rate", unit, True) for ending, unit in RATE_UNITS.items()},
    "duration_min": _Kind("duration", "min"),
    "start_min": _Kind("start", "min"),
    **{f"bolus_{ending}": _Kind("bolus", unit, True) for ending, unit in DOSE_UNITS.items()},
    "bag_mg_per_mL": _Kind("bag", "mg/mL", True),
}
_ANY = _Kind("covariate", "")
WORDS = ("sex", "model", "analyte", "form", "into")


def _bad_cell(code: str, name: str, message: str, row: int | None) -> NoReturn:
    kind = WrongType if code == "E_TYPE" else InvalidInput
    raise kind(code, name, message, row=row, column=name)


def _doubles(values: NDArray[Any], name: str, kind: _Kind) -> NDArray[np.float64]:
    """A copy of a column in float64. Nothing is converted that would change a value or hide that one is missing."""
    accepted = "accepted: a float64 column" + ("" if kind.dosing else ", or integers")
    if values.ndim != 1:
        _bad_cell("E_TYPE", name, f"not one-dimensional; {accepted}", None)
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        masked = int(np.flatnonzero(np.ma.getmaskarray(values))[0])
        _bad_cell("E_NONFINITE", name, "a missing value; accepted: a number in every row", masked)
    what = values.dtype.kind
    if what == "O":
        for row, cell in enumerate(values):
            try:
                number(cell, name)
            except InvalidInput as error:
                _bad_cell(error.code, name, error.message, row)
        _bad_cell("E_TYPE", name, f"a column of Python objects; {accepted} (astype(float))", None)
    if what in "iu":
        if kind.dosing:
            _bad_cell("E_TYPE", name, f"integers, which cut 0.5 to 0; {accepted} (astype(float))", None)
        too_large = np.flatnonzero((values > 2**53) | (values < -(2**53)))
        if too_large.size:
            _bad_cell("E_RANGE", name, "a number beyond what is exact; accepted: up to 2^53", int(too_large[0]))
    elif what != "f" or values.dtype.itemsize != 8:
        _bad_cell("E_TYPE", name, f"not a column of numbers in double precision; {accepted}", None)
    copied = np.array(values, dtype=np.float64, order="C", copy=True)
    bad = np.flatnonzero(~np.isfinite(copied))
    if bad.size:
        _bad_cell("E_NONFINITE", name, "missing or not finite; accepted: a number in every row", int(bad[0]))
    return copied


def _kind_of(frame: object) -> str:
    """``pandas``, ``polars`` or ``pyarrow`` for a table of theirs or of a class derived from it, else ``mapping``."""
    marks = {"pandas": "iloc", "polars": "get_column", "pyarrow": "column_names"}
    for kind in type(frame).__mro__:
        module = kind.__module__.partition(".")[0]
        if module in marks and hasattr(frame, marks[module]) and hasattr(frame, "columns"):
            return module
    return "mapping"


#: Types of numbers that would have to be widened without a word.
_NARROW = {
    "float16",
    "float32",
    "longdouble",
    "float128",
    "float[pyarrow]",
    "halffloat[pyarrow]",
    "half_float[pyarrow]",
}


def _listed(column: Any) -> list[Any]:
    """The elements of a list or array. A masked one is None; NumPy's dates stay what they are, and are no numbers."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "mM":
        return list(column)
    return list(column.tolist()) if isinstance(column, np.ndarray) else [*column]


class Source:
    """A table of any kind: its column names, its columns as arrays, and how answers take its form again."""

    def __init__(self, frame: Any, field: str = "frame") -> None:
        self.frame = frame
        self.field = field
        self.kind = _kind_of(frame)
        if self.kind == "mapping" and not isinstance(frame, Mapping):
            raise WrongType(
                "E_TYPE",
                field,
                "not a table; accepted: a DataFrame of pandas or polars, an Arrow table, a dict of columns",
            )
        if self.kind == "pandas":
            names = list(self.frame.columns)
        elif self.kind == "polars":
            names = self.frame.columns
        else:
            names = self.frame.column_names if self.kind == "pyarrow" else list(self.frame)
        for name in names:
            if not isinstance(name, str):
                raise WrongType("E_TYPE", field, "a column whose name is no text; accepted: names such as weight_kg")
            if names.count(name) > 1:
                shown = name if name in NUMBERS or name in WORDS else field
                raise InvalidInput("E_FIELD_DUPLICATE", shown, "a column that stands twice; accepted: each once")
        self.names: list[str] = names
        self.rows = self._rows()

    def _rows(self) -> int:
        if self.kind == "mapping":
            lengths = {len(self._listed(name)) for name in self.names}
            if len(lengths) > 1:
                raise InvalidInput(
                    "E_COLUMNS", self.field, "columns of different lengths; accepted: one value a row in each"
                )
            return next(iter(lengths), 0)
        return int(self.frame.num_rows) if self.kind == "pyarrow" else len(self.frame)

    def _listed(self, name: str) -> Any:
        column = self.frame[name]
        if (
            not (isinstance(column, (list, tuple, range)) or hasattr(column, "__array__"))
            or getattr(column, "ndim", 1) == 0
        ):
            _bad_cell("E_TYPE", name, "not a column; accepted: a list or a one-dimensional array", None)
        return column

    def _missing(self, name: str, row: int) -> NoReturn:
        _bad_cell("E_NONFINITE", name, "a missing value; accepted: a value in every row", row)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A copy of the column as float64; integers too, unless it says how much drug. Raises ``InvalidInput`` with row
        and column."""
        kind = NUMBERS.get(name, _ANY)
        if self.kind == "mapping":
            column = self._listed(name)
            if not isinstance(column, np.ndarray) and hasattr(column, "__array__"):
                column = np.asarray(column)
            if isinstance(column, np.ndarray):
                return _doubles(column, name, kind)
            for row, cell in enumerate(column):
                try:
                    number(cell, name)
                except InvalidInput as error:
                    _bad_cell(error.code, name, error.message, row)
            return np.array([float(cell) for cell in column], dtype=np.float64)
        return _doubles(self._array(name), name, kind)

    def _array(self, name: str) -> NDArray[Any]:
        """The column as NumPy has it. Missing values and types that NumPy cannot name are refused."""
        if self.kind == "pandas":
            series = self.frame[name]
            if isinstance(series.dtype, np.dtype):
                array: NDArray[Any] = series.to_numpy()
                return array
            missing = np.flatnonzero(series.isna().to_numpy())
            if missing.size:
                self._missing(name, int(missing[0]))
            plain = {
                "Float64": np.float64,
                "double[pyarrow]": np.float64,
                "Int64": np.int64,
                "int64[pyarrow]": np.int64,
            }
            wanted = plain.get(str(series.dtype))
            if wanted is None:
                _bad_cell("E_TYPE", name, "not a column of numbers in double precision; accepted: float64", 0)
            return np.asarray(series.to_numpy(dtype=wanted))
        if self.kind == "polars":
            series = self.frame.get_column(name)
            if series.null_count():
                self._missing(name, int(np.flatnonzero(series.is_null().to_numpy())[0]))
            if not series.dtype.is_numeric() or str(series.dtype).startswith("Decimal"):
                _bad_cell("E_TYPE", name, "not a column of numbers in double precision; accepted: Float64", 0)
            return np.asarray(series.to_numpy())
        column = self.frame.column(name)
        if column.null_count:
            self._missing(name, int(np.flatnonzero(column.is_null().to_numpy())[0]))
        if str(column.type) not in ("double", "float", "int64", "int32", "int16", "int8"):
            _bad_cell("E_TYPE", name, "not a column of numbers in double precision; accepted: double", 0)
        return np.asarray(column.to_numpy())

    def words(self, name: str) -> list[str]:
        """The column as texts. Raises ``InvalidInput`` with row and column for anything else."""
        if self.kind == "polars":
            cells: list[Any] = self.frame.get_column(name).to_list()
        elif self.kind == "pyarrow":
            cells = self.frame.column(name).to_pylist()
        else:
            cells = list(self.frame[name] if self.kind == "pandas" else self._listed(name))
        for row, cell in enumerate(cells):
            if not isinstance(cell, str):
                _bad_cell("E_TYPE", name, "missing or not a text; accepted: a word in every row", row)
        return cells

    def cells(self, name: str) -> list[Any]:
        """The column as Python has it, None where something is missing, no number changed on the way. Raises
        ``WrongType`` for numbers in another precision."""
        if self.kind == "pandas":
            column = self.frame[name]
            missing, cells, kind = column.isna().tolist(), list(column.tolist()), str(column.dtype)
            cells = [None if gone else cell for gone, cell in zip(missing, cells)]
        elif self.kind == "polars":
            column = self.frame.get_column(name)
            cells, kind = column.to_list(), str(column.dtype)
        elif self.kind == "pyarrow":
            column = self.frame.column(name)
            cells, kind = column.to_pylist(), f"{column.type}[pyarrow]"
        else:
            column = self._listed(name)
            if not isinstance(column, (list, tuple, range)):
                column = column if isinstance(column, np.ndarray) else np.asarray(column)
                if column.ndim != 1:
                    _bad_cell("E_TYPE", name, "not one-dimensional; accepted: a list or a one-dimensional array", None)
            cells, kind = _listed(column), str(getattr(column, "dtype", ""))
        if kind.lower() in _NARROW:
            _bad_cell("E_TYPE", name, "numbers in another precision; accepted: float64, integers, texts", 0)
        return cells

    def like_it(self, columns: Mapping[str, NDArray[Any]], keep: Sequence[str]) -> Any:
        """The answers as a table of the same kind, the kept columns ahead, each cell beside the answers of its row."""
        at = columns.get("row", np.arange(self.rows))
        if self.kind == "pandas":
            import pandas

            kept = self.frame[list(keep)].iloc[at].copy()
            answers = pandas.DataFrame(dict(columns), index=kept.index, copy=False)
            return pandas.concat([kept, answers], axis=1)
        if self.kind == "polars":
            import polars

            answers = {name: v.tolist() if v.dtype == object else v for name, v in columns.items()}
            return polars.DataFrame({**{name: self.frame.get_column(name)[at] for name in keep}, **answers})
        if self.kind == "pyarrow":
            import pyarrow

            kept = {name: self.frame.column(name).take(pyarrow.array(at)) for name in keep}
            return pyarrow.table({**kept, **columns})
        for column in columns.values():
            column.setflags(write=False)
        return Table({**{name: self._kept(name)[at] for name in keep}, **columns})

    def _kept(self, name: str) -> NDArray[Any]:
        """A column of a mapping as it is: an array, or else its own objects, none of them converted."""
        column = self._listed(name)
        if type(column) is np.ndarray and column.ndim == 1:
            return column
        if not isinstance(column, (list, tuple, range)):
            _bad_cell("E_TYPE", name, "cannot be kept as it is; accepted: a list or a one-dimensional array", None)
        objects = np.empty(len(column), dtype=object)
        for row, cell in enumerate(column):
            objects[row] = cell
        return objects


_COLUMN_OF_FIELD = (
    (re.compile(r"patient\.weight$"), ("weight",)),
    (re.compile(r"patient\.height$"), ("height",)),
    (re.compile(r"patient\.age$"), ("age",)),
    (re.compile(r"patient\.dosing_weight$"), ("dosing_weight", "weight")),
    (re.compile(r"\.(infuse|infuse_at_rate)$"), ("dose", "rate")),
    (re.compile(r"\.bolus$"), ("bolus",)),
    (re.compile(r"\.over$"), ("duration",)),
    (re.compile(r"\.at$"), ("start",)),
    (re.compile(r"^bag\.concentration$"), ("bag",)),
)


def _column_of(field: str, names: Sequence[str]) -> str | None:
    """The column of the table that a field of a session came from."""
    last = field.rpartition(".")[2]
    if last in WORDS:
        return last if last in names else None
    for pattern, roles in _COLUMN_OF_FIELD:
        if pattern.search(field):
            return next(
                (name for role in roles for name in names if name in NUMBERS and NUMBERS[name].role == role), None
            )
    return None


def _one_role_each(names: Sequence[str]) -> dict[str, str]:
    """Role -> column. Raises ``InvalidInput`` where two columns say the same, or where there is none that must be."""
    roles: dict[str, str] = {}
    for name in names:
        role = NUMBERS[name].role
        if role in roles:
            raise InvalidInput(
                "E_FIELD_DUPLICATE", name, f"says the same as {roles[role]}; accepted: one of them", column=name
            )
        roles[role] = name
    if "weight" not in roles:
        raise InvalidInput("E_FIELD_MISSING", "weight_kg", "no such column; accepted: weight_kg or weight_lb")
    if "dose" in roles and "rate" in roles:
        raise InvalidInput("E_FIELD_DUPLICATE", roles["rate"], f"stands beside {roles['dose']}; accepted: one of them")
    infused = "dose" in roles or "rate" in roles
    if not infused and "bolus" not in roles:
        raise InvalidInput(
            "E_FIELD_MISSING", "dose_mg_per_kg", "no column of drug; accepted: dose_…, rate_… or bolus_…"
        )
    if infused and "duration" not in roles:
        raise InvalidInput("E_FIELD_MISSING", "duration_min", "no such column; accepted: minutes in every row")
    for role in ("duration", "start"):
        if role in roles and not infused:
            raise InvalidInput(
                "E_FIELD_UNKNOWN", roles[role], "no infusion to go with it; accepted: dose_… or rate_… too"
            )
    return roles


def _numbers_of_row(roles: Mapping[str, str], values: Mapping[str, NDArray[np.float64]], row: int) -> dict[str, Any]:
    """The members of a session that a row's numbers are."""

    def text(role: str) -> str:
        return f"{float(values[roles[role]][row])!r} {NUMBERS[roles[role]].unit}"

    patient = {key: text(key) for key in ("weight", "height", "age", "dosing_weight") if key in roles}
    order: list[dict[str, str]] = []
    if "bolus" in roles:
        order.append({"bolus": text("bolus"), "at": "0 min"})
    for role, key in (("dose", "infuse"), ("rate", "infuse_at_rate")):
        if role in roles:
            start = text("start") if "start" in roles else "0 min"
            order.append({key: text(role), "over": text("duration"), "at": start})
    session: dict[str, Any] = {"patient": patient, "order": order}
    if "bag" in roles:
        session["bag"] = {"concentration": text("bag")}
    return session


def _chosen(given: object, name: str, source: Source) -> list[str] | None:
    """A word per row from the column, or None where the keyword says it for all rows."""
    if name in source.names and given is not None:
        raise InvalidInput("E_FIELD_DUPLICATE", name, "given as a column and as an argument; accepted: one of them")
    if name not in source.names and given is None and name not in ("sex", "into"):
        raise InvalidInput("E_FIELD_MISSING", name, "neither a column nor an argument; accepted: one of them")
    return source.words(name) if name in source.names else None


def _told(answers: Mapping[str, Any], rows: int) -> dict[str, NDArray[Any]]:
    """What the core answers, in columns; ``time_us`` is there for a long table, whose rows are told once an instant."""
    columns: dict[str, NDArray[Any]] = {}
    each = 1
    if "time_us" in answers:
        each = len(answers["time_us"])
        columns["row"] = np.repeat(np.arange(rows), each)
        columns["time_us"] = np.tile(answers["time_us"], rows)
        columns["time_min"] = columns["time_us"] / 6e7
    columns.update(answers["numbers"])
    words = np.array(_core.verdict_names(), dtype=object)
    columns["verdict"] = np.repeat(words[answers["verdict"]], each)
    for name in ("flags", "not_evaluated"):
        columns[name] = np.repeat(np.array(answers[name], dtype=object), each)
    return columns


def threads_of(threads: object) -> int:
    """A number of threads. Raises ``InvalidInput``, ``WrongType``."""
    if not isinstance(count := number(threads, "threads"), int):
        raise WrongType("E_TYPE", "threads", "not a whole number; accepted: 1 to 1024")
    if not 1 <= count <= 1024:
        raise InvalidInput("E_RANGE", "threads", "not a number of threads; accepted: 1 to 1024")
    return count


def progress_of(progress: object, total: int, unit: str) -> tuple[Callable[[int], object] | None, Callable[[], object]]:
    """What the core calls with what is done of the total, and what is called at the end."""
    if progress is False or progress is None:
        return None, lambda: None
    if progress is True:
        bar = optional("tqdm.auto", "progress").tqdm(total=total, unit=f" {unit}", file=sys.stderr)
        return (lambda done: bar.update(done - bar.n)), bar.close
    if callable(progress):
        call = progress
        return (lambda done: call(done, total)), lambda: None
    raise WrongType("E_TYPE", "progress", "neither a truth value nor callable; accepted: True, or f(done, total)")


def simulate_frame(
    frame: Any,
    *,
    drug_free: bool,
    model: ModelSource | None = None,
    analyte: str | None = None,
    form: str | None = None,
    effects: Sequence[Effect] = (),
    limits: LimitsSource | None = None,
    as_of: datetime.date | str | None = None,
    every_min: Number | None = None,
    until_min: Number | None = None,
    at_min: Sequence[Number] | Any | None = None,
    time_above_ng_per_mL: Number | Sequence[Number] = (),
    layout: Literal["rows", "long"] = "rows",
    keep: Sequence[str] = (),
    extrapolate: bool = False,
    assume_enantiomers_alike: bool = False,
    second_solver: bool = True,
    threads: int = 1,
    progress: bool | Callable[[int, int], object] = False,
) -> Any:
    """A table of what-ifs: one patient and one order per row.

    Args:
        frame: a DataFrame of pandas or polars, an Arrow table, or a dict of columns. Its columns are named as the
            keywords of ``Patient`` and ``infusion``: ``weight_kg`` (or ``weight_lb``); ``height_cm`` (``_m``, ``_in``),
            ``age_yr``, ``dosing_weight_kg``, ``sex``; ``dose_mg_per_kg`` (``_mcg_per_kg``, ``_mg``, ``_mcg``) or
            ``rate_…``, with ``duration_min`` and perhaps ``start_min``; ``bolus_mg_per_kg`` (and the like), given at
            0 min; ``bag_mg_per_mL``; ``into``, the compartment of the infusion or the bolus, where a row has one of
            them; ``model``, ``analyte``, ``form``, where they differ from row to row.
        model, analyte, form: as in ``simulate``, where they are the same in all rows.
        drug_free, effects, limits, as_of, every_min, until_min, at_min, time_above_ng_per_mL, extrapolate,
            assume_enantiomers_alike, second_solver: as in ``simulate``, for all rows.
        layout: ``"rows"``, one row per patient, or ``"long"``, one per patient and asked instant.
        keep: columns that are passed on untouched (an id, say). A column that is neither known nor kept is an error.
        threads: how many threads work; the numbers do not depend on it.
        progress: True for a progress bar (needs tqdm), or a function that is called with rows done and rows in all.

    Returns:
        A table of the same kind (a dict gives a ``Table``) with the rows in the same order, and for pandas the same
        index. ``"rows"``: ``cmax_ng_per_mL``, ``tmax_min``, ``auc_inf_ng_h_per_mL``, ``delivered_mg``,
        ``terminal_half_life_min``; ``effect_site_…`` and ``<metabolite>_…`` where a model has them;
        ``minutes_above_<level>_ng_per_mL`` and ``first_min_above_<level>_ng_per_mL`` for each level;
        ``"<effect>_highest (<unit>)"``, ``<effect>_highest_at_min`` and the same with ``lowest`` for each effect;
        ``agreement_rel`` of the two solvers on the concentrations; ``verdict``; ``flags``, the codes joined by ``;``; ``not_evaluated``, the
        required checks that could not be made. ``"long"``: ``row`` (counted from 0), ``time_us``, ``time_min`` and the
        columns of a profile, then ``verdict``, ``flags`` and ``not_evaluated`` as above.
        NaN says that a row's model has no such curve or effect, or that a level is never reached.

    Raises:
        InvalidInput: with ``row`` and ``column`` of a bad cell. What is missing or of a wrong type is found column by
            column, then what a value may not be, row by row. No row is dropped and none is filled in.
        NumericalTrouble: with ``row``, where a calculation failed.
        KeyboardInterrupt: within 200 ms; nothing is returned.
        ImportError: for ``progress=True`` without tqdm.

    >>> import ketpk
    >>> table = ketpk.simulate_frame(
    ...     {"weight_kg": [50.0, 70.0, 90.0], "dose_mg_per_kg": [0.5, 0.5, 0.5], "duration_min": [40.0, 40.0, 60.0]},
    ...     model="kamp2020", analyte="racemic-ketamine", form="base", drug_free=True,
    ... )
    >>> table["cmax_ng_per_mL"].round()
    array([240., 253., 204.])
    """
    source = Source(frame)
    keep = [keep] if isinstance(keep, str) else keep
    if not isinstance(keep, (list, tuple)) or len(set(keep)) != len(keep):
        raise WrongType("E_TYPE", "keep", "not a list of column names; accepted: each name once")
    for name in keep:
        if name not in source.names:
            raise InvalidInput(
                "E_FIELD_UNKNOWN", "keep", "names a column that is not there; accepted: columns of the table"
            )
    for name in source.names:
        if name not in NUMBERS and name not in WORDS and name not in keep:
            accepted = "weight_kg, dose_mg_per_kg, duration_min and the like (see the help), or its name in keep="
            shown = name if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name) else None  # no free text in a message
            raise InvalidInput(
                "E_FIELD_UNKNOWN", "frame", f"a column of unknown meaning; accepted: {accepted}", column=shown
            )
    if source.rows == 0:
        raise InvalidInput("E_FIELD_MISSING", "frame", "no row; accepted: at least one")
    if layout not in ("rows", "long"):
        raise InvalidInput("E_ARG", "layout", "not a layout; accepted: rows, long")
    threads = threads_of(threads)

    # The core reads when an input starts before it reads how long it takes.
    used = sorted((n for n in source.names if n in NUMBERS), key=lambda n: NUMBERS[n].role == "duration")
    roles = _one_role_each(used)
    values = {name: source.numbers(name) for name in used}
    words: dict[str, list[str] | None] = {
        "model": _chosen(model, "model", source),
        "analyte": _chosen(analyte, "analyte", source),
        "form": _chosen(form, "form", source),
        "sex": _chosen(None, "sex", source),
        "into": _chosen(None, "into", source),
    }
    if words["into"] is not None and "bolus" in roles and len(roles.keys() & {"dose", "rate"}) > 0:
        raise InvalidInput(
            "E_FIELD_DUPLICATE",
            "into",
            "a bolus and an infusion in each row, and one compartment; accepted: one of them in a table with into",
            column="into",
        )
    observe = observe_of(every_min, until_min, at_min)
    levels = levels_of(time_above_ng_per_mL)
    stated = effects_of(effects)
    long = layout == "long"
    samples = "every" in observe or "at" in observe
    if samples and not long:
        raise InvalidInput(
            "E_FIELD_UNKNOWN", "observe", 'one row a patient has no samples; accepted: until_min, or layout="long"'
        )
    if long and not samples:
        raise InvalidInput(
            "E_FIELD_MISSING", "observe", "no instant was asked for; accepted: every_min with until_min, or at_min"
        )

    def session_of(row: int) -> bytes:
        said: dict[str, Any] = {"model": model, "analyte": analyte, "form": form}
        said.update(
            {name: column[row] for name, column in words.items() if column is not None and name not in ("sex", "into")}
        )
        session = words_of(
            **said,
            drug_free=drug_free,
            as_of=as_of,
            extrapolate=extrapolate,
            assume_enantiomers_alike=assume_enantiomers_alike,
        )
        session.update(_numbers_of_row(roles, values, row))
        if words["sex"] is not None:
            session["patient"]["sex"] = words["sex"][row]
        if words["into"] is not None:
            session["order"][0]["into"] = words["into"][row]
        if observe:
            session["observe"] = observe
        if levels:
            session["questions"] = {"time_above": levels}
        if stated:
            session["effects"] = stated
        return json_bytes(session, "session")

    combinations: dict[tuple[str, ...], int] = {}
    first_rows: list[int] = []
    session_index = np.zeros(source.rows, dtype=np.int32)
    by_row = [column for column in words.values() if column is not None]
    if by_row:
        for row, combination in enumerate(zip(*by_row)):
            session_index[row] = combinations.setdefault(combination, len(combinations))
            if len(combinations) > len(first_rows):
                first_rows.append(row)
    else:
        first_rows = [0]

    held = limits_of(limits)
    sessions = [session_of(row) for row in first_rows]

    def asked(rows: int, progress: Callable[[int], object] | None) -> dict[str, NDArray[Any]]:
        """The answers to the first ``rows`` rows; to none of them, the names that answers have."""
        answers = _core.simulate_rows(
            sessions,
            first_rows,
            session_index[:rows],
            [(NUMBERS[name].role, NUMBERS[name].unit, values[name][:rows]) for name in used],
            today(),
            None if held is None else held._core,
            truth(second_solver, "second_solver"),
            long,
            threads,
            progress,
        )
        return _told(answers, rows)

    try:
        if set(keep) & set(asked(0, None)):
            raise InvalidInput(
                "E_FIELD_DUPLICATE", "keep", "a kept column has the name of an answer; accepted: another name"
            )
        call, close = progress_of(progress, source.rows, "rows")
        try:
            columns = asked(source.rows, call)
        finally:
            close()
    except InvalidInput as error:
        column = _column_of(error.field, source.names)
        raise type(error)(error.code, error.field, error.message, row=error.row, column=column) from None
    return source.like_it(columns, keep)
