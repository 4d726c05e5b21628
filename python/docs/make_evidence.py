# SPDX-License-Identifier: Apache-2.0
"""Writes docs/evidence.md and its pictures: what the models predict, held against what was measured.

``python make_evidence.py`` says whether they are what the package says (exit 1 if not); ``--write`` writes them;
``--into FOLDER`` writes them elsewhere. Pictures are the same bytes for one release of matplotlib, the one pinned in
python/tests/requirements.txt; with another release only the page is compared.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import sys
from collections.abc import Sequence

import ketpk
import matplotlib
from matplotlib import pyplot

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGE = pathlib.Path("evidence.md")
PICTURES = pathlib.Path("evidence")
REQUIREMENTS = ROOT / "python" / "tests" / "requirements.txt"

#: Letters as outlines and nothing random, so that a picture is the same bytes everywhere.
STYLE = {"svg.fonttype": "path", "svg.hashsalt": "ketpk", "font.family": "DejaVu Sans", "figure.dpi": 100}


def pinned() -> bool:
    """Whether this is the release of matplotlib that the pictures are drawn with."""
    return f"matplotlib=={matplotlib.__version__}" in REQUIREMENTS.read_text(encoding="utf-8").splitlines()


def figures(evidence: ketpk.Evidence) -> list[tuple[str, str]]:
    """The name of each picture and what it shows, for those who cannot see it."""
    found = [("summary", "Bias and inaccuracy of every model on every data set; the table above has the numbers")]
    for d in evidence.data:
        for molecule in ("ketamine", "norketamine", "hydroxynorketamine"):
            if any(c["data"] == d["id"] and c["molecule"] == molecule for c in evidence.comparisons):
                ending = "" if molecule == "ketamine" else f"-{molecule}"
                found.append((d["id"] + ending, f"{molecule} of {d['label']}: measured, and each model's curve"))
    return found


def draw(evidence: ketpk.Evidence, name: str, path: pathlib.Path) -> None:
    """One picture."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        if name == "summary":
            figure = evidence.plot_summary()
        else:
            data, _, molecule = next(
                (d["id"], "", name[len(d["id"]) + 1 :])
                for d in sorted(evidence.data, key=lambda d: -len(d["id"]))
                if name == d["id"] or name.startswith(d["id"] + "-")
            )
            figure = evidence.plot(data, molecule=molecule or "ketamine").figure
        figure.savefig(
            path, format=path.suffix[1:], metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else None
        )
        pyplot.close(figure)


def page(evidence: ketpk.Evidence) -> str:
    """The page, with a picture where its place is marked."""
    said = figures(evidence)

    def picture(match: re.Match[str]) -> str:
        of = [(n, alt) for n, alt in said if n == match[1] or (n.startswith(match[1] + "-") and n not in ids)]
        return "\n\n".join(f"![{alt}]({PICTURES}/{n}.svg)" for n, alt in of)

    ids = {d["id"] for d in evidence.data}
    return re.sub(r"<!-- figure (\S+) -->", picture, evidence.to_markdown())


def write(folder: pathlib.Path) -> None:
    """The page and every picture into a folder; pictures that belong to nothing any more go."""
    evidence = ketpk.validate()
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    (folder / PAGE).write_text(page(evidence), encoding="utf-8")
    names = [name for name, _ in figures(evidence)]
    for old in (folder / PICTURES).glob("*.svg"):
        if old.stem not in names:
            old.unlink()
    for name in names:
        draw(evidence, name, folder / PICTURES / f"{name}.svg")


def differences(made: pathlib.Path, kept: pathlib.Path, with_pictures: bool) -> list[str]:
    """What of ``made`` is not what is in ``kept``, or the other way round."""
    endings = ("*.md", "*.svg") if with_pictures else ("*.md",)
    files = [pathlib.PurePath(PAGE)]
    for ending in endings[1:]:
        files += sorted({p.relative_to(f) for f in (made, kept) for p in (f / PICTURES).glob(ending)})

    def bytes_of(path: pathlib.Path) -> bytes | None:
        return path.read_bytes() if path.is_file() else None

    return [str(f) for f in files if bytes_of(made / f) != bytes_of(kept / f)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares or writes. Returns 1 where what is kept is not what the package says."""
    parser = argparse.ArgumentParser(description="Write docs/evidence.md and its pictures, or say whether they hold.")
    parser.add_argument("--write", action="store_true", help="write them")
    parser.add_argument("--into", type=pathlib.Path, metavar="FOLDER", help="write them there instead")
    given = parser.parse_args(arguments)
    if given.write or given.into is not None:
        write(given.into or DOCS)
        return 0
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder)
        write(made)
        wrong = differences(made, DOCS, with_pictures=pinned())
    if wrong:
        print(f"not what the package says: {', '.join(wrong)}; make_evidence.py --write writes them", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
