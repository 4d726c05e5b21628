# SPDX-License-Identifier: Apache-2.0
"""The notebooks run, and show what is checked in."""

from __future__ import annotations

import copy
import importlib.util
import io
import json
import pathlib
import re
import time
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from PIL.PngImagePlugin import PngInfo

FOLDER = ROOT / "python" / "notebooks"


def _loaded() -> Any:
    spec = importlib.util.spec_from_file_location("notebooks_run", FOLDER / "run.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


run = _loaded()


@pytest.fixture(params=run.NOTEBOOKS)
def kept(request: pytest.FixtureRequest) -> Any:
    """A notebook as it is checked in."""
    return run.read(FOLDER / request.param)


@pytest.mark.parametrize("name", run.NOTEBOOKS)
def test_a_notebook_shows_what_is_checked_in(name: str) -> None:
    start = time.monotonic()
    now = run.executed(FOLDER / name)
    assert list(run.differences(run.read(FOLDER / name), now)) == [], "python python/notebooks/run.py --write"
    assert time.monotonic() - start < 60


def test_every_notebook_of_the_folder_is_run() -> None:
    assert sorted(run.NOTEBOOKS) == sorted(path.name for path in FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("name", run.NOTEBOOKS)
def test_a_notebook_is_kept_as_the_script_writes_it(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert text == run.text_of(run.cleaned(run.read(FOLDER / name)))
    assert json.loads(text)["nbformat"] == 4


def test_every_cell_was_run_in_order_and_says_nothing_on_standard_error(kept: Any) -> None:
    cells = [cell for cell in kept.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


def test_a_cell_that_draws_shows_a_picture(kept: Any) -> None:
    drawing = [cell for cell in kept.cells if cell.cell_type == "code" and cell.source.endswith(";")]
    assert len(drawing) >= 1
    for cell in drawing:
        pictures = [run.png(o) for o in cell.outputs if "image/png" in o.get("data", {})]
        assert len(pictures) == 1, cell.source
        pixels = np.asarray(Image.open(io.BytesIO(pictures[0])).convert("L"))
        assert 0.005 < (pixels < 200).mean() < 0.6, cell.source


def test_nothing_in_a_notebook_tells_where_it_was_run(kept: Any) -> None:
    text = run.text_of(kept)
    assert not re.search(r"/home/|/root/|/tmp/|site-packages|0x[0-9a-f]{6,}", text)
    assert str(pathlib.Path(__file__).resolve().parents[2]) not in text


def test_a_number_in_the_text_is_one_that_the_code_has_or_shows(kept: Any) -> None:
    shown = ""
    for cell in kept.cells:
        if cell.cell_type == "code":
            shown += cell.source + "\n"
            for output in cell.outputs:
                texts = [text for kind, text in output.get("data", {}).items() if kind.startswith("text/")]
                shown += "\n".join([output.get("text", ""), *texts, ""])
    number = r"(?<![\w.])\d+(?:\.\d+)?"
    known = set(re.findall(number, shown))
    said = {n for cell in kept.cells if cell.cell_type == "markdown" for n in re.findall(number, cell.source)}
    assert said <= known, f"typed, and nowhere to be seen: {sorted(said - known)}"


def test_a_notebook_is_read_in_a_few_minutes(kept: Any) -> None:
    words = sum(len(cell.source.split()) for cell in kept.cells if cell.cell_type == "markdown")
    assert words <= 600, f"{words} words; three minutes are 600"


def test_the_comparison_sees_a_changed_number(kept: Any) -> None:
    changed = copy.deepcopy(kept)
    cell = next(c for c in changed.cells if any(o.get("text") for o in c.get("outputs", [])))
    output = next(o for o in cell.outputs if o.get("text"))
    output["text"] = re.sub(r"\d", lambda m: str((int(m[0]) + 1) % 10), output["text"], count=1)
    assert len(list(run.differences(kept, changed))) == 1


def test_the_comparison_sees_a_changed_html_card_a_missing_output_and_a_changed_source(kept: Any) -> None:
    def outputs(notebook: Any) -> list[Any]:
        return [o for c in notebook.cells for o in c.get("outputs", []) if "text/html" in o.get("data", {})]

    changed = copy.deepcopy(kept)
    outputs(changed)[0]["data"]["text/html"] += " "
    assert len(list(run.differences(kept, changed))) == 1

    changed = copy.deepcopy(kept)
    next(c for c in changed.cells if c.get("outputs")).outputs.pop()
    assert len(list(run.differences(kept, changed))) == 1

    changed = copy.deepcopy(kept)
    changed.cells[0].source += "."
    assert len(list(run.differences(kept, changed))) == 1


def _png(pixels: Any, maker: str | None = None) -> bytes:
    out, info = io.BytesIO(), PngInfo()
    if maker is not None:
        info.add_text("Software", maker)
    Image.fromarray(pixels).save(out, format="png", pnginfo=info)
    return out.getvalue()


def test_pictures_are_alike_up_to_their_letters_and_not_beyond(kept: Any) -> None:
    first = next(run.png(o) for c in kept.cells for o in c.get("outputs", []) if "image/png" in o.get("data", {}))
    pixels = np.asarray(Image.open(io.BytesIO(first)).convert("RGB"))
    first = _png(pixels)
    # another shade of every letter and line is alike
    assert not list(run.picture_differences(first, _png(np.where(pixels < 100, pixels + 3, pixels).astype(np.uint8))))
    # everything two pixels further down is not, nor is another size
    assert len(list(run.picture_differences(first, _png(np.roll(pixels, 2, axis=0))))) == 1
    assert len(list(run.picture_differences(first, _png(pixels[:, :-1])))) == 1
    # of another maker, which sets letters differently: two pixels are alike, an empty sheet is not
    assert not list(run.picture_differences(first, _png(np.roll(pixels, 2, axis=0), "another version")))
    assert len(list(run.picture_differences(first, _png(np.full_like(pixels, 255), "another version")))) == 1


def test_the_script_says_whether_a_notebook_is_as_checked_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = run.NOTEBOOKS[0]
    now = run.read(FOLDER / name)
    monkeypatch.setattr(run, "executed", lambda path: now)
    assert run.main([name]) == 0
    now.cells[0].source = "another title"
    assert run.main([name]) == 1
    assert f"{name}: cell 0: source" in capsys.readouterr().err
