# SPDX-License-Identifier: Apache-2.0
"""Writes api.md, the reference of the package, from its signatures and docstrings.

``python make_api.py`` says whether api.md is what they say (exit 1 if not); ``--write`` writes it.
"""

from __future__ import annotations

import argparse
import dataclasses
import enum
import inspect
import pathlib
import re
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ketpk

PAGE = pathlib.Path(__file__).resolve().parent / "api.md"

HEAD = """# ketpk, the Python reference

Made from the docstrings by `python/docs/make_api.py`; edit those. Numbers carry their unit in their name: `weight_kg`,
`cmax_ng_per_mL`, `duration_min`. Concentrations and amounts are of base.

The codes of errors (`E_RANGE`, ...) and the keys of sessions, limits, models, states and results are those of the
command line; the JSON Schemas are in `schemas/`.
"""

#: What people come for, in the order in which they meet it. Everything public stands in exactly one of these.
SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Asking",
        ("Patient", "infusion", "bolus", "Order", "simulate", "simulate_session", "simulate_frame", "minutes_between"),
    ),
    (
        "Courses, and when it did not go as ordered",
        ("pause", "resume", "stop", "change_rate", "restart_remainder", "Event", "Pump", "Vial", "State", "Course"),
    ),
    ("Any model, any data", ("predict", "Prediction")),
    ("Which model, how sure", ("validate", "Evidence")),
    ("What a concentration does", ("Emax", "LinearEffect", "Turnover", "Effect", "EffectAnswer", "Extreme")),
    (
        "Which model, how sure",
        ("compare", "Spread", "SiteSpread", "Range", "MinutesAbove", "FlagCount", "OpenCheck", "RefusedModel"),
    ),
    ("What if", ("sweep", "evenly", "Sweep", "SweepAxis", "RefusedPoint")),
    (
        "A population",
        (
            "cohort",
            "cohort_file",
            "Cohort",
            "Spreading",
            "LimitInCohort",
            "Proportion",
            "Interval95",
            "Replicates",
            "FailedSubject",
            "cohort_profiles",
            "CohortProfiles",
        ),
    ),
    ("Looking", ("plot",)),
    (
        "Answers",
        ("Result", "Summary", "Peak", "MetaboliteSummary", "TimeAbove", "Profile", "Table", "Provenance", "Solvers"),
    ),
    (
        "What was delivered",
        (
            "SessionOfCourse",
            "Delivery",
            "DeliveredInput",
            "DeliveredEvent",
            "Piece",
            "Interruption",
            "RateRun",
            "Priming",
        ),
    ),
    ("Judgement", ("Verdict", "Assessment", "Flag", "Check", "Override", "LimitsUsed")),
    ("Errors", ("InvalidInput", "WrongType", "NumericalTrouble")),
    ("Models", ("models.list", "models.show", "models.read", "models.lint", "models.Finding", "Model")),
    ("Limits", ("limits.read", "limits.lint", "limits.Finding", "Limits")),
)


def public() -> dict[str, Any]:
    """Everything public by the name it has after ``ketpk.``: what ``__all__`` names, and what its two modules do."""
    found: dict[str, Any] = {}
    for name in ketpk.__all__:
        thing = getattr(ketpk, name)
        if not isinstance(thing, types.ModuleType):
            found[name] = thing
    for module in (ketpk.models, ketpk.limits):
        short = module.__name__.rpartition(".")[2]
        for name in module.__all__:
            thing = getattr(module, name)
            if not any(thing is other for other in found.values()):
                found[f"{short}.{name}"] = thing
    return found


def documented() -> Iterator[tuple[str, str, Any]]:
    """Section, name and thing, in the order of the page. Raises ``LookupError`` for what stands in no section."""
    things = public()
    listed = [name for _, names in SECTIONS for name in names]
    missing = [name for name in things if name not in listed and name != "__version__"]
    missing += [name for name in listed if name not in things]
    missing += [name for name in dict.fromkeys(listed) if listed.count(name) > 1]
    if missing:
        raise LookupError(f"in SECTIONS of make_api.py and in the package differently: {', '.join(missing)}")
    for section, names in SECTIONS:
        for name in names:
            yield section, name, things[name]


def members(kind: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that a class defines or has from a class of the package, first its own."""
    seen: set[str] = set()
    for owner in kind.__mro__:
        if not owner.__module__.startswith("ketpk"):
            continue
        for name, thing in vars(owner).items():
            if name.startswith("_") or name in seen:
                continue
            seen.add(name)
            if isinstance(thing, (property, classmethod, staticmethod)) or inspect.isfunction(thing):
                yield name, thing


def plain(function: Any) -> Callable[..., Any]:
    """The function inside a class method, static method or property."""
    inner: Any = function.fget if isinstance(function, property) else getattr(function, "__func__", function)
    return inner  # type: ignore[no-any-return]


def signature(name: str, function: Any, skip_first: bool) -> str:
    """A call as it is written down, over several lines where it is long."""
    given = inspect.signature(plain(function))
    parameters = list(given.parameters.values())[1 if skip_first else 0 :]
    parts: list[str] = []
    starred = False
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        starred = starred or p.kind is p.VAR_POSITIONAL
        star = "*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else ""
        default = "" if p.default is p.empty else f" = {p.default!r}"
        kind = "" if p.annotation is p.empty else f": {p.annotation}"
        parts.append(f"{star}{p.name}{kind}{default}")
    returns = "" if given.return_annotation in (given.empty, "None") else f" -> {given.return_annotation}"
    line = f"{name}({', '.join(parts)}){returns}"
    if len(line) <= 100:
        return line
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){returns}"


_SECTION = re.compile(r"^(Args|Returns|Raises|Attributes):(.*)$")
_ITEM = re.compile(r"^([\w.`*]+(?:, [\w.`*]+)*): (.*)$")


def _prose(lines: Sequence[str]) -> str:
    return re.sub(r"``([^`]*)``", r"`\1`", " ".join(line.strip() for line in lines if line.strip()))


def _item(lines: Sequence[str]) -> str:
    """One entry of a section: what is named, as code, and what is said of it."""
    said = _prose(lines)
    match = _ITEM.match(said)
    if match is None:
        return f"- {said}"
    return f"- {', '.join(f'`{name}`' for name in match[1].split(', '))}: {match[2]}"


def _under_heading(heading: str, lines: Sequence[str]) -> list[str]:
    """A section: what it returns as running text, the others as a list, one entry per line that is indented once."""
    if heading == "Returns":
        return [_prose(lines)]
    items: list[list[str]] = []
    for line in lines:
        if line.startswith("     ") and items:
            items[-1].append(line)
        else:
            items.append([line])
    return [_item(item) for item in items]


def markdown(docstring: str) -> str:
    """A docstring as Markdown: its sections as lists, its examples as code."""
    out: list[str] = []
    for block in re.split(r"\n\n+", inspect.cleandoc(docstring)):
        lines = block.splitlines()
        if lines[0].startswith(">>>"):
            out += ["```pycon", *lines, "```", ""]
            continue
        at = next((i for i, line in enumerate(lines) if _SECTION.match(line)), len(lines))
        if at > 0:
            out += [_prose(lines[:at]), ""]
        while at < len(lines):
            end = next((i for i in range(at + 1, len(lines)) if _SECTION.match(lines[i])), len(lines))
            match = _SECTION.match(lines[at])
            assert match is not None
            if match[2].strip():
                out += [f"**{match[1]}** {_prose([match[2], *lines[at + 1 : end]])}", ""]
            else:
                out += [f"**{match[1]}**", "", *_under_heading(match[1], lines[at + 1 : end]), ""]
            at = end
    return "\n".join(out).rstrip() + "\n"


def _call(name: str, function: Any, skip_first: bool) -> str:
    return f"```python\n{signature(name, function, skip_first)}\n```\n"


def _fields(kind: type) -> str:
    """The fields of a value with their types, as the class has them."""
    lines = [f"    {f.name}: {f.type}" for f in dataclasses.fields(kind)]
    return "```python\nclass " + kind.__name__ + ":\n" + "\n".join(lines) + "\n```\n"


def constructor(kind: type) -> Any | None:
    """The constructor, if people are to call it: what only answers hold is made by the library."""
    init = None if issubclass(kind, (ketpk.Table, Exception)) else vars(kind).get("__init__")
    return init if init is not None and len(inspect.signature(init).parameters) > 1 else None


def entry(name: str, thing: Any) -> str:
    """One heading of the page with all that stands under it."""
    short = name.rpartition(".")[2]
    parts = [f"### `ketpk.{name}`\n"]
    if not inspect.isclass(thing):
        return "\n".join([*parts, _call(f"ketpk.{name}", thing, False), markdown(thing.__doc__ or "")])
    if issubclass(thing, Exception):
        bases = ", ".join(base.__name__ for base in thing.__bases__)
        parts.append(f"```python\nclass {short}({bases})\n```\n")
    elif issubclass(thing, enum.Enum):
        lines = [f"    {member.name} = {member.value!r}" for member in thing]
        parts.append(f"```python\nclass {short}(Enum):\n" + "\n".join(lines) + "\n```\n")
    elif dataclasses.is_dataclass(thing):
        parts.append(_fields(thing))
    elif (init := constructor(thing)) is not None:
        parts.append(_call(f"ketpk.{name}", init, True))
    parts.append(markdown(thing.__doc__ or ""))
    for member, what in members(thing):
        if isinstance(what, property):
            returns = inspect.signature(plain(what)).return_annotation
            parts.append(f"#### `{short}.{member}`: `{returns}`\n")
        else:
            parts.append(f"#### `{short}.{member}`\n")
            parts.append(_call(f"{short}.{member}", what, not isinstance(what, staticmethod)))
        parts.append(markdown(plain(what).__doc__ or ""))
    return "\n".join(parts)


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    entries = list(documented())
    for section, names in SECTIONS:
        links = ", ".join(f"[{name}](#{_anchor(name)})" for name in names)
        parts.append(f"- {section}: {links}")
    parts.append("")
    previous = ""
    for section, name, thing in entries:
        if section != previous:
            parts.append(f"## {section}\n")
            previous = section
        parts.append(entry(name, thing))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).rstrip() + "\n"


def _anchor(name: str) -> str:
    """What the heading of ``name`` is called in a link, as GitHub makes it."""
    return re.sub(r"[^\w-]", "", f"ketpk.{name}".lower())


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares or writes the page. Returns 1 where it is not what the docstrings say."""
    parser = argparse.ArgumentParser(description="Write api.md from the docstrings, or say whether it is theirs.")
    parser.add_argument("--write", action="store_true", help="write api.md")
    given = parser.parse_args(arguments)
    made = page()
    if given.write:
        PAGE.write_text(made, encoding="utf-8")
        return 0
    if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != made:
        print("api.md is not what the docstrings say; write it with: python make_api.py --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
