# SPDX-License-Identifier: Apache-2.0
"""Runs the notebooks of this folder and compares what they show with what is checked in.

``python run.py`` runs each one into memory and exits with 1 where an output differs; ``--write`` runs and writes them.
Texts and HTML must be the same to the letter; pictures the same size, and alike. Needs nbclient, ipykernel, matplotlib
and pandas, whose versions may change how a table is written: then look, and ``--write``.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import pathlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import nbformat
import numpy as np
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from numpy.typing import NDArray
from PIL import Image

import ketpk

FOLDER = pathlib.Path(__file__).resolve().parent
NOTEBOOKS = (
    "one_infusion.ipynb",
    "models_disagree.ipynb",
    "which_model_how_sure.ipynb",
    "population_and_limits.ipynb",
    "table_of_patients.ipynb",
    "your_model_your_data.ipynb",
)
#: How far two pictures may be apart, root mean square over all pixels and colours of 0 to 255. A curve that moved by
#: its own width is further.
PICTURE_RMS = 4.0
#: Between two versions of matplotlib the letters differ, and with them the place of everything (measured: 27 to 46
#: between 3.10 and 3.11). Then the means over squares of so many pixels are compared, which only sees that the picture
#: is there and drawn alike as a whole. What the numbers are, the texts say.
COARSE_PIXELS = 30


class _ThisInterpreter(AsyncKernelManager):
    """Starts the running interpreter, not a kernel that somebody happens to have installed under the name python3."""

    def _kernel_spec_manager_default(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


def read(path: pathlib.Path) -> Any:
    """A notebook as it is checked in."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def text_of(notebook: Any) -> str:
    """A notebook as the text of its file."""
    return str(nbformat.writes(notebook)) + "\n"  # type: ignore[no-untyped-call]


def executed(path: pathlib.Path) -> Any:
    """The notebook with the outputs of running it now, in its own folder, with this interpreter and this ketpk. What
    would be another each time (clocks, versions of Python) is left out. Raises ``CellExecutionError``."""
    notebook = read(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        kernel_manager_class=_ThisInterpreter,
        kernel_name="python3",
        timeout=60,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
        # The figure as large as it was made, not cut to what its letters need in one version of matplotlib.
        extra_arguments=[
            "--InlineBackend.print_figure_kwargs={'bbox_inches': None}",
            "--HistoryManager.enabled=False",
            "--IPKernelApp.log_level=40",
        ],
    )
    package = str(pathlib.Path(ketpk.__file__).resolve().parents[1])
    environment = {k: v for k, v in os.environ.items() if k not in ("MPLBACKEND", "COLUMNS")}
    environment["PYTHONPATH"] = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    client.execute(env=environment)
    return cleaned(notebook)


def cleaned(notebook: Any) -> Any:
    """The notebook without what says when and where it was run."""
    notebook.metadata = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for number, cell in enumerate(notebook.cells):
        cell.metadata = {}
        cell.id = f"cell-{number:02d}"
        if cell.cell_type == "code":
            for output in cell.outputs:
                if "metadata" in output:
                    output.metadata = {}
                if "image/png" in output.get("data", {}):
                    output.data.pop("text/plain", None)  # "<Figure size ...>": the picture is there
    return notebook


def differences(kept: Any, now: Any) -> Iterator[str]:
    """What differs between two notebooks, cell by cell; nothing if they show the same."""
    if kept.metadata != now.metadata:
        yield f"metadata: {dict(kept.metadata)} was kept, {dict(now.metadata)} is now"
    if len(kept.cells) != len(now.cells):
        yield f"{len(kept.cells)} cells were kept, {len(now.cells)} are now"
        return
    for number, (a, b) in enumerate(zip(kept.cells, now.cells)):
        for what in ("cell_type", "id", "metadata", "source", "execution_count"):
            if a.get(what) != b.get(what):
                yield f"cell {number}: {what}: {_apart(a.get(what), b.get(what))}"
        first, second = a.get("outputs", []), b.get("outputs", [])
        if len(first) != len(second):
            yield f"cell {number}: {len(first)} outputs were kept, {len(second)} are now"
            continue
        for x, y in zip(first, second):
            yield from (f"cell {number}: {said}" for said in _output_differences(x, y))


def _output_differences(kept: Any, now: Any) -> Iterator[str]:
    data, other = dict(kept.get("data", {})), dict(now.get("data", {}))
    rest, others = ({k: v for k, v in o.items() if k != "data"} for o in (kept, now))
    if rest != others:
        yield _apart(rest, others)
    if set(data) != set(other):
        yield f"shown as {sorted(data)} was kept, as {sorted(other)} is now"
        return
    for kind in sorted(data):
        if kind == "image/png":
            yield from picture_differences(png(kept), png(now))
        elif data[kind] != other[kind]:
            yield f"{kind}: {_apart(data[kind], other[kind])}"


def _apart(kept: object, now: object) -> str:
    """Where two texts part, with a little of what stands around it."""
    a, b = str(kept), str(now)
    at = len(os.path.commonprefix([a, b]))
    return f"from character {at}, {a[max(at - 40, 0) : at + 60]!r} was kept, {b[max(at - 40, 0) : at + 60]!r} is now"


def png(output: Any) -> bytes:
    """The bytes of a picture that a cell shows."""
    return base64.b64decode(output["data"]["image/png"])


def picture_differences(kept: bytes, now: bytes) -> Iterator[str]:
    """How two pictures differ; nothing if they are of one size and alike."""
    if kept == now:
        return
    pictures = [Image.open(io.BytesIO(data)) for data in (kept, now)]
    a, b = (np.asarray(picture.convert("RGB"), dtype=np.float64) for picture in pictures)
    if a.shape != b.shape:
        yield f"picture: {a.shape[1]} x {a.shape[0]} pixels were kept, {b.shape[1]} x {b.shape[0]} are now"
        return
    makers = {picture.info.get("Software") for picture in pictures}
    if len(makers) > 1:
        a, b = _coarse(a), _coarse(b)
    rms = float(np.sqrt(np.mean((a - b) ** 2)))
    if not rms <= PICTURE_RMS:
        yield f"picture: differs by {rms:.2f} of 255, root mean square; due is {PICTURE_RMS}"


def _coarse(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """The means over squares of the picture; what is left over at its right and lower edge is not looked at."""
    n = COARSE_PIXELS
    rows, columns = picture.shape[0] // n, picture.shape[1] // n
    means: NDArray[np.float64] = picture[: rows * n, : columns * n].reshape(rows, n, columns, n, 3).mean(axis=(1, 3))
    return means


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the notebooks as the command line says. Returns 1 where a kept output differs, otherwise 0."""
    parser = argparse.ArgumentParser(description="Run the notebooks; compare, or write, what they show.")
    parser.add_argument("--write", action="store_true", help="write the notebooks instead of comparing")
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help=f"all if none: {', '.join(NOTEBOOKS)}")
    given = parser.parse_args(arguments)
    found = 0
    for name in given.notebooks or NOTEBOOKS:
        path = FOLDER / name
        now = executed(path)
        if given.write:
            path.write_text(text_of(now), encoding="utf-8")
            print(f"{name}: written", file=sys.stderr)
            continue
        for said in differences(read(path), now):
            found += 1
            print(f"{name}: {said}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
