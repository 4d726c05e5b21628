"""
The compiled core of ketpk. Private: use the functions of the package ketpk.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy
from numpy.typing import NDArray


version: str = '0.1.0'

class Limits:
    """A limits set that was read and validated."""

    @property
    def id(self) -> str:
        """The id of the set."""

    @property
    def version(self) -> str:
        """The version of the set."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes it was read from, lower-case hexadecimal."""

    @property
    def status(self) -> str:
        """approved or example."""

class Answer:
    """A result, held by the core."""

    def json(self) -> str:
        """The result as ketpk.result/1."""

    def block(self, name: str) -> str:
        """One block of the result as an object with that one member."""

    def card(self) -> str:
        """The result on one screen."""

    @property
    def has_delivery(self) -> bool:
        """Whether what went in can be something else than what was ordered."""

    def paused(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,), writable=False)]:
        """How many infusions are paused at each asked instant."""

    def again(self, at_us: Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> Answer:
        """The same question at these instants [us], by one solver."""

    def state(self, at: str) -> str:
        """The course up to an instant with its unit, ketpk.state/1."""

    @property
    def drawn_until_min(self) -> float:
        """Where a drawing of the curve ends [min]."""

    @property
    def metabolites(self) -> list[str]:
        """The names of the model's metabolites."""

    @property
    def has_effect_site(self) -> bool:
        """Whether the model has an effect site."""

    @property
    def effects(self) -> list[str]:
        """The columns of effects, each named with its unit."""

    def time_us(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,), order='C', writable=False)]:
        """The asked instants [us], read-only, without copying."""

    def column(self, name: str) -> Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', writable=False)]:
        """A column of the profile, read-only, without copying."""

    def metabolite(self, index: int) -> Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', writable=False)]:
        """The curve of one metabolite, read-only, without copying."""

    def effect(self, index: int) -> Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', writable=False)]:
        """One effect at the asked instants, read-only, without copying."""

def simulate(session: bytes, folder: bytes, today: str, confined: bool, limits: Limits | None, second_solver: bool) -> Answer:
    """Answers a session, ketpk.session/1."""

def read_file(path: bytes, field: str) -> bytes:
    """The bytes of a regular file of at most 1 MiB."""

def read_data_file(path: bytes) -> bytes:
    """The bytes of a regular file of at most 64 MiB."""

def read_limits(bytes: bytes) -> Limits:
    """Reads a limits file, ketpk.limits/1."""

def lint_limits(bytes: bytes, today: str) -> list[tuple[str, str, str]]:
    """
    Everything that is wrong with a limits file: code, field and message of each finding.
    """

def no_more() -> None:
    """
    Waits for the calls that run and refuses new ones; for the end of the process.
    """

def forked() -> None:
    """For a child process: none of the parent's calls run there."""

def command_line(arguments: Sequence[bytes]) -> int:
    """
    Runs the command line; `arguments` starts with the program's name. Gives its exit code.
    """

class CohortAsked:
    """A cohort that was read and can be run."""

    @property
    def subjects(self) -> int:
        """How many subjects are asked."""

    @property
    def work(self) -> int:
        """How many subjects are answered, each replicate's too."""

    def time_us(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,), writable=False)]:
        """The asked instants [us]."""

    def answer(self, threads: int, progress: object | None) -> Cohort:
        """Answers it; `progress` is called with the subjects done."""

    def write(self, rows: Annotated[NDArray[numpy.float64], dict(shape=(None, None), order='C', device='cpu')], threads: int, progress: object | None, are_new: bool) -> tuple[int, int, list[tuple[int, str, str, str]]]:
        """
        Plasma of each subject at each instant [ng/mL] into `rows`: how many, how many were answered, who was not.
        """

class Cohort:
    """The answer about a population, held by the core."""

    def head(self) -> str:
        """
        The answer as ketpk.cohort-result/1, of which the table of subjects is left empty.
        """

    def json(self) -> str:
        """The answer as ketpk.cohort-result/1."""

    def csv(self) -> str:
        """The bands over time as CSV."""

    def subjects_csv(self) -> str:
        """The table of subjects as CSV."""

    def card(self) -> str:
        """The answer on one screen."""

    def time_us(self) -> Annotated[NDArray[numpy.int64], dict(shape=(None,), writable=False)]:
        """The asked instants [us]."""

    def mean(self) -> Annotated[NDArray[numpy.float64], dict(shape=(None,), writable=False)]:
        """Mean plasma at these instants [ng/mL]."""

    def percentiles(self) -> list[Annotated[NDArray[numpy.float64], dict(shape=(None,), writable=False)]]:
        """Plasma at these instants [ng/mL], of each percentile."""

    def subjects(self) -> dict[str, Any]:
        """The table of subjects by column."""

    def replicates(self) -> dict[str, Any]:
        """What every replicate of the parameter uncertainty came to."""

    def bounds(self) -> list[tuple[str, str, float, bool]]:
        """
        The upper bounds on the peak in plasma: limit, severity, level [ng/mL], whether it has no lower ones.
        """

def read_cohort(document: bytes, table: Sequence[tuple[str, Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | Sequence[str]]], folder: bytes, today: str, confined: bool, limits: Limits | None) -> CohortAsked:
    """
    Reads a cohort, ketpk.cohort/1; `table`, unless empty, is that of its people.
    """

def share_text(hits: int, of: int) -> str:
    """So many of so many in percent, with the 95 % interval."""

def new_rows(rows: int, columns: int) -> Annotated[NDArray[numpy.float64], dict(shape=(None, None))]:
    """Memory for an array, aligned; what is in it is not said."""

def evidence(model: str, data: str) -> tuple[str, str, str, str]:
    """
    Models against what was measured, as JSON, CSV, Markdown and text; an empty id means all of them.
    """

def model_ids() -> list[str]:
    """The ids of the built-in models."""

def model_file(id: str) -> str:
    """A built-in model as its file would be, ketpk.model/1."""

def written_model(bytes: bytes) -> str:
    """
    The one file that says what the card of these bytes says, ketpk.model/1.
    """

def model_json(bytes: bytes) -> str:
    """
    Everything the card of a model file says and what follows from it, ketpk.card/1.
    """

def model_card(bytes: bytes) -> str:
    """The same for a terminal."""

def model_covariates(bytes: bytes) -> list[str]:
    """The columns of a data file that the model looks at."""

def lint_model(bytes: bytes) -> list[tuple[str, str, str, str]]:
    """
    Everything that is wrong, implausible or not checked in a model file: severity, code, field and message.
    """

def predict(model: bytes, data: bytes, spread: bool) -> dict[str, Any]:
    """
    What a model file says at every record of a data file: columns, units, solvers.
    """

def table_csv(headers: Sequence[str], columns: Sequence[Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | Sequence[str]]) -> str:
    """A table as CSV; NaN is an empty field."""

def table_json(headers: Sequence[str], columns: Sequence[Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)] | Sequence[str]], model: str, citation: str, version: str, solver: str, second_solver: str | None, agreement_rel: float | None, stretches: int, stretches_checked: int) -> str:
    """A table as ketpk.table/1; NaN is null."""

def verdict_names() -> list[str]:
    """The words of a verdict, by the numbers that `simulate_rows` gives."""

def simulate_rows(sessions: Sequence[bytes], first_rows: Sequence[int], session_of: Annotated[NDArray[numpy.int32], dict(shape=(None,), order='C', device='cpu', writable=False)], columns: Sequence[tuple[str, str, Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]]], today: str, limits: Limits | None, second_solver: bool, profiles: bool, threads: int, progress: object | None) -> dict[str, Any]:
    """Answers one session a row, with the numbers of the columns in it."""

class Spread:
    """The answers of several models, held by the core."""

    def answers(self) -> list[Answer]:
        """Each model's answer."""

    def json(self) -> str:
        """All of them as ketpk.spread/1."""

    def card(self) -> str:
        """The answers side by side."""

class Sweep:
    """The answers over a grid, held by the core."""

    def columns(self) -> dict[str, Any]:
        """Every column of the tidy table by its name."""

    def axes(self) -> list[tuple[str, str, str | None, object]]:
        """Column, input, unit and values of each axis."""

    def refused(self) -> list[tuple[int, str, str, str]]:
        """Row, code, field and message of each point that was refused."""

    def sites(self) -> dict[str, Any]:
        """The sampling site of each model by its id."""

    def numbers(self) -> list[str]:
        """The names of the columns of numbers."""

    def limits(self) -> tuple[str, str, str] | None:
        """Id, version and status of the limits; None without."""

    def json(self) -> str:
        """The table as ketpk.grid/1."""

    def csv(self) -> str:
        """The table as CSV."""

    def card(self, quantity: str) -> str:
        """Maps of one number."""

def compare(session: bytes, folder: bytes, today: str, confined: bool, limits: Limits | None, second_solver: bool) -> Spread:
    """Answers a session that asks several models."""

def sweep(document: bytes, today: str, limits: Limits | None) -> Sweep:
    """Answers a sweep, ketpk.sweep/1."""

def evenly(from_: float, to: float, points: int) -> Annotated[NDArray[numpy.float64], dict(shape=(None,), writable=False)]:
    """So many numbers, evenly spaced."""
