# SPDX-License-Identifier: Apache-2.0
"""What the documentation says is true: its examples run, its reference is that of the code, and it is complete."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import doctest
import importlib
import importlib.util
import inspect
import io
import pathlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from conftest import PACKAGE, ROOT, environment

import ketpk

DOCS = ROOT / "python" / "docs"
COMING_FROM = DOCS / "coming_from.md"


def _loaded(path: pathlib.Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_api = _loaded(DOCS / "make_api.py")
THINGS: dict[str, Any] = {name: thing for _, name, thing in make_api.documented()}
MODULES = sorted(m.name for m in pkgutil.iter_modules([str(PACKAGE)]) if m.name not in ("_core", "__main__"))


def _public() -> Iterator[tuple[str, Any]]:
    """Every public function, class, method and property by its name, as the code it is made of."""
    for name, thing in THINGS.items():
        yield name, thing
        if inspect.isclass(thing):
            for member, what in make_api.members(thing):
                yield f"{name}.{member}", make_api.plain(what)


PUBLIC = dict(_public())


def test_the_reference_is_what_the_docstrings_say() -> None:
    made = make_api.page()
    assert (DOCS / "api.md").read_text(encoding="utf-8") == made, "python python/docs/make_api.py --write"


def test_the_reference_holds_everything_public() -> None:
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    absent = [name for name in make_api.public() if name != "__version__" and f"### `ketpk.{name}`" not in page]
    assert not absent


def test_the_links_of_the_reference_lead_somewhere() -> None:
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    lines = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    headings = {re.sub(r"[^\w-]", "", line.lower().replace(" ", "-")) for line in lines}
    links = re.findall(r"\]\(#([^)]*)\)", page)
    assert len(links) > 20
    assert not [link for link in links if link not in headings]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_a_module_are_right(name: str) -> None:
    module = importlib.import_module(f"ketpk.{name}")
    assert doctest.testmod(module).failed == 0


def test_the_examples_of_the_package_are_right_and_there() -> None:
    assert doctest.testmod(ketpk).failed == 0
    modules = [ketpk, *(importlib.import_module(f"ketpk.{name}") for name in MODULES)]
    with_examples = {t.name for m in modules for t in doctest.DocTestFinder(exclude_empty=True).find(m) if t.examples}
    due = {"ketpk", "ketpk._nouns.Patient", "ketpk._nouns.infusion", "ketpk._nouns.bolus", "ketpk._nouns.Order"}
    assert due <= with_examples


@pytest.mark.parametrize("name", PUBLIC)
def test_what_is_public_has_a_docstring(name: str) -> None:
    docstring = PUBLIC[name].__doc__
    assert docstring and docstring.strip()
    # a dataclass without one is given its signature
    assert not docstring.startswith(f"{PUBLIC[name].__name__}(")


#: How the name of a number ends when it says its unit, or that it has none.
UNIT = re.compile(
    r"_(kg|lb|cm|m|in|yr|min|us|mg|mcg|rel|ng_per_mL|ng_h_per_mL|mg_per_mL"
    r"|m?c?g_per_kg|mc?g_per_kg_per_(min|h)|mc?g_per_(min|h)|mL_per_(min|h))$"
)
#: Numbers that are counts or positions, and the one whose name is its unit.
NO_UNIT = {
    "row",
    "rows",
    "threads",
    "minutes",
    "progress",
    "input",
    "stretches",
    "stretches_checked",
    "paused_infusions",
    "times",
    "session",
    "points",
    "of",
    "subject",
    "subjects",
    "seed",
    "first",
    "hits",
    "count",
    "n_in",
    "n_ok",
    "n_failed",
    "most",  # bars of a tornado
    "covariates",  # of a model, each in its own unit
}
NUMERIC = re.compile(r"\b(float|int|Number|float64|int64)\b")


def _said_with_unit(name: str, docstring: str) -> bool:
    """A unit in square brackets in the text on ``name``, or in the name."""
    said = re.search(rf"\b{name}\b[^\n]*\[[^\]]+\]", docstring)
    return UNIT.search(name) is not None or name in NO_UNIT or said is not None


@pytest.mark.parametrize("name", PUBLIC)
def test_every_number_says_its_unit(name: str) -> None:
    thing = PUBLIC[name]
    docstring = thing.__doc__ or ""
    silent: list[str] = []
    if dataclasses.is_dataclass(thing):
        numbers = [f.name for f in dataclasses.fields(thing) if NUMERIC.search(str(f.type))]
        silent = [number for number in numbers if not _said_with_unit(number, docstring)]
    elif (called := make_api.constructor(thing) if inspect.isclass(thing) else thing) is not None:
        given = inspect.signature(called)
        silent = [
            p.name
            for p in given.parameters.values()
            if NUMERIC.search(str(p.annotation)) and not _said_with_unit(p.name, docstring)
        ]
        if inspect.isfunction(thing) and re.fullmatch(r"float|int|NDArray\[.*\](.*)", str(given.return_annotation)):
            last = name.rpartition(".")[2]
            if not (last in NO_UNIT or re.search(r"\[[^\]]+\]", docstring)):
                silent.append("what it returns")
    assert not silent


@pytest.mark.parametrize("name", [n for n, t in PUBLIC.items() if inspect.isclass(t) or inspect.isfunction(t)])
def test_every_keyword_is_explained(name: str) -> None:
    thing = PUBLIC[name]
    docstring = thing.__doc__ or ""
    called = make_api.constructor(thing) if inspect.isclass(thing) else thing
    if called is None or dataclasses.is_dataclass(thing):
        return
    keywords = [p.name for p in inspect.signature(called).parameters.values() if p.kind is p.KEYWORD_ONLY]
    endings = {"rate_": "rate_..."}
    absent = [
        k
        for k in keywords
        if not re.search(rf"\b{re.escape(k)}\b", docstring)
        and not any(k.startswith(start) and shown in docstring for start, shown in endings.items())
        and not re.search(r"See ``ketpk\.\w+``", docstring)
    ]
    assert not absent


def test_every_attribute_of_a_value_is_explained() -> None:
    silent = [
        f"{name}.{field.name}"
        for name, thing in THINGS.items()
        if dataclasses.is_dataclass(thing)
        for field in dataclasses.fields(thing)
        if not re.search(rf"\b{field.name}\b", thing.__doc__ or "")
        and not UNIT.search(field.name)
        and len(dataclasses.fields(thing)) > 3
    ]
    assert not silent


#: What the compiled half raises by itself.
CORE_RAISES = {
    "simulate",
    "simulate_rows",
    "predict",
    "read_file",
    "read_data_file",
    "read_limits",
    "lint_limits",
    "model_json",
    "model_file",
    "state",
}


#: What makes blocks of documents into values. It raises for documents of another shape, which only `from_json` reads.
SHAPES = {"_as_stated", "_column"}


def _raising() -> set[str]:
    """The names of the package's functions that raise, or call one that does, found in the source."""
    calls: dict[str, set[str]] = {}
    raising: set[str] = set()
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or node.name in SHAPES:
                continue
            for inner in ast.walk(node):
                if isinstance(inner, ast.Raise) and inner.exc is not None:
                    raising.add(node.name)
                if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name):
                    calls.setdefault(node.name, set()).add(inner.func.id)
                if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
                    owner = inner.func.value
                    if isinstance(owner, ast.Name) and owner.id == "_core" and inner.func.attr in CORE_RAISES:
                        raising.add(node.name)
    grown = True
    while grown:
        more = {name for name, called in calls.items() if called & raising} - raising
        raising |= more
        grown = bool(more)
    return raising


RAISING = _raising()
#: Methods that hand on to another one, whose errors they name.
HANDS_ON = {"Result.to_pandas", "Result.to_arrow", "Result.plot"}


@pytest.mark.parametrize("name", [n for n, t in PUBLIC.items() if inspect.isfunction(t)])
def test_what_raises_says_so(name: str) -> None:
    function = PUBLIC[name]
    if function.__name__ in RAISING or name in HANDS_ON:
        assert "Raises" in function.__doc__, f"{name} raises, and its docstring does not say so"


def test_the_search_for_what_raises_finds_it() -> None:
    assert {"simulate", "simulate_frame", "infusion", "bolus", "minutes_between", "lint", "plot"} <= RAISING
    assert "to_session" not in RAISING


def _blocks(path: pathlib.Path) -> list[tuple[str, str]]:
    """The Python of a page, and the text that stands right under each block of it."""
    text = path.read_text(encoding="utf-8")
    return [(m[1], m[2] or "") for m in re.finditer(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", text, re.DOTALL)]


def test_the_page_for_people_who_come_from_elsewhere_prints_what_it_says() -> None:
    names: dict[str, Any] = {}
    blocks = _blocks(COMING_FROM)
    assert len(blocks) >= 8
    for number, (code, printed) in enumerate(blocks):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, f"{COMING_FROM.name}, block {number}", "exec"), names)
        assert out.getvalue() == printed, f"block {number}"

    # three roads, one peak: SciPy's solver, a model typed in, the built-in card
    exact = names["result"].summary.cmax_ng_per_mL
    assert names["scipy_peak_ng_per_mL"] == pytest.approx(exact, rel=1e-8)
    assert names["built_in"].summary.cmax_ng_per_mL == pytest.approx(exact, rel=1e-12)
    # the trap that the page warns of is there
    assert names["lost"].y[0].max() == 0


def test_every_result_on_that_page_stands_under_the_code_that_printed_it() -> None:
    text = COMING_FROM.read_text(encoding="utf-8")
    assert text.count("```text") == sum(bool(printed) for _, printed in _blocks(COMING_FROM))
    assert text.count("```python") == len(_blocks(COMING_FROM))


def test_the_first_plot_runs_from_anywhere(tmp_path: pathlib.Path) -> None:
    script = ROOT / "examples" / "first_plot.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment(MPLBACKEND="Agg"),
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Patient    70 kg, dosed by actual weight")
    assert "peak 253 ng/mL at 40 min" in done.stdout and "WITHIN LIMITS" in done.stdout
    from matplotlib import image

    assert [p.name for p in tmp_path.iterdir()] == ["first_plot.png"]
    picture = image.imread(tmp_path / "first_plot.png")
    assert picture.shape[0] > 300 and picture.shape[1] > 500
    # something is drawn: a line and letters make up a share of the pixels, not none and not all
    assert 0.01 < (picture[..., :3].min(axis=-1) < 0.8).mean() < 0.5
