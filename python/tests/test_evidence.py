# SPDX-License-Identifier: Apache-2.0
"""Facts about the evidence in Python: the command's own bytes, its measures worked out again with NumPy, its pictures,
and the page and the pictures of docs/, which are what the package says."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import pickle
import subprocess
from types import ModuleType
from typing import Any

import ketpk
import matplotlib
import numpy as np
import pytest
from conftest import ROOT, command
from matplotlib import pyplot

matplotlib.use("Agg")


def _loaded(path: pathlib.Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_evidence = _loaded(ROOT / "python" / "docs" / "make_evidence.py")


@pytest.fixture(scope="module")
def evidence() -> ketpk.Evidence:
    return ketpk.validate()


@pytest.fixture(autouse=True)
def _no_figures_stay() -> Any:
    yield
    pyplot.close("all")


def said(*arguments: str) -> str:
    done = subprocess.run([str(command()), "validate", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("asked", [{}, {"model": "otto2021"}, {"data": "hasan2021-decay"}])
def test_it_is_what_the_command_writes(asked: dict[str, str]) -> None:
    arguments = [text for name, value in asked.items() for text in (f"--{name}", value)]
    made = ketpk.validate(**asked)
    assert made.to_json() == said("--json", *arguments)
    assert made.to_csv() == said("--csv", *arguments)
    assert made.to_markdown() == said("--markdown", *arguments)
    assert str(made) == said(*arguments)


def test_every_measure_is_that_of_numpy(evidence: ketpk.Evidence) -> None:
    points = evidence.to_pandas()
    assert len(points) == sum(len(c["points"]) for c in evidence.comparisons)
    ratio = points["observed_ng_per_mL"] / points["predicted_ng_per_mL"]
    np.testing.assert_allclose(points["error_percent"], 100 * (ratio - 1), rtol=1e-9, atol=1e-9)
    rows_told = evidence.summary_to_pandas().to_dict("records")
    summary = {(row["model"], row["data"], row["molecule"]): row for row in rows_told}
    assert len(summary) == len(evidence.comparisons)
    for key, rows in points[points["left_out"] == ""].groupby(["model", "data", "molecule"]):
        told, error = summary[key], rows["error_percent"].to_numpy()
        hours = rows["time_us"].to_numpy() / 3.6e9
        assert told["points"] == len(rows)
        np.testing.assert_allclose(told["mdpe_percent"], np.median(error), atol=1e-9)
        np.testing.assert_allclose(told["mdape_percent"], np.median(abs(error)), atol=1e-9)
        wobble = np.median(abs(error - np.median(error))) if len(rows) > 1 else np.nan
        np.testing.assert_allclose(told["wobble_percent"], wobble, atol=1e-9)
        slope = np.polyfit(hours, abs(error), 1)[0] if len(set(hours)) > 1 else np.nan
        np.testing.assert_allclose(told["divergence_percent_per_h"], slope, rtol=1e-7, atol=1e-7)
        for phase, column in (("during", "during"), ("first-hour", "first_hour"), ("tail", "tail")):
            of_phase = error[rows["phase"] == phase]
            expected = np.median(of_phase) if len(of_phase) else np.nan
            np.testing.assert_allclose(told[f"{column}_mdpe_percent"], expected, atol=1e-9)


def test_data_that_no_model_is_run_on_have_columns_and_no_rows() -> None:
    none = ketpk.validate(data="idvall1979")
    assert none.comparisons == () and none.data[0]["reported"][0]["value"] == 9.3
    assert len(none.to_pandas()) == 0 and "error_percent" in none.to_pandas().columns
    assert len(none.summary_to_pandas()) == 0
    with pytest.raises(ketpk.InvalidInput):
        none.plot_summary()


def test_every_data_set_has_a_source_a_site_and_a_licence(evidence: ketpk.Evidence) -> None:
    assert len(evidence.data) >= 14
    for d in evidence.data:
        for name in ("paper", "doi", "source", "licence", "site", "site_source"):
            assert d[name], (d["id"], name)


def test_it_is_a_value(evidence: ketpk.Evidence) -> None:
    again = ketpk.validate()
    assert again == evidence and hash(again) == hash(evidence)
    assert pickle.loads(pickle.dumps(evidence)) == evidence
    assert ketpk.validate(model="otto2021") != evidence
    with pytest.raises(AttributeError):
        evidence._texts = ("", "", "", "")
    with pytest.raises(TypeError):
        bool(evidence)
    with pytest.raises(TypeError):
        ketpk.Evidence()
    assert evidence.version == ketpk.__version__
    assert json.loads(evidence.to_json())["schema"] == "ketpk.evidence/1"


def test_a_name_that_is_none_is_refused() -> None:
    for asked, code in (({"model": "Zacharias-4711"}, "E_MODEL_UNKNOWN"), ({"data": "Zacharias-4711"}, "E_RANGE")):
        with pytest.raises(ketpk.InvalidInput) as caught:
            ketpk.validate(**asked)
        assert caught.value.code == code
        assert "Zacharias" not in str(caught.value)
    for bad in (7, ["kamp2020"]):
        with pytest.raises(ketpk.WrongType):
            ketpk.validate(model=bad)  # type: ignore[arg-type]
    with pytest.raises(ketpk.InvalidInput):
        ketpk.validate(data="")


def test_the_drawn_points_are_those_measured_and_the_lines_those_predicted(evidence: ketpk.Evidence) -> None:
    ax = evidence.plot("kamp2020bja-racemic")
    comparison = next(c for c in evidence.comparisons if (c["model"], c["data"]) == ("kamp2020", "kamp2020bja-racemic"))
    lines = {line.get_label().split(" ")[0]: line for line in ax.get_lines() if line.get_linestyle() != "None"}
    assert {m["id"] for m in evidence.models} <= set(lines)
    curve = comparison["predicted"]
    drawn = dict(zip(lines["kamp2020"].get_xdata(), lines["kamp2020"].get_ydata()))
    expected = {t / 3.6e9: y for t, y in zip(curve["at_us"], curve["ng_per_mL"]) if y > 0}
    assert drawn == pytest.approx(expected)
    kept, left = [container.lines[0] for container in ax.containers]
    for line, is_kept in ((kept, True), (left, False)):
        points = [p for p in comparison["points"] if (p["left_out"] is None) == is_kept]
        np.testing.assert_allclose(np.asarray(line.get_xdata(), float), [p["at_us"] / 3.6e9 for p in points])
        np.testing.assert_allclose(np.asarray(line.get_ydata(), float), [p["observed_ng_per_mL"] for p in points])
    assert kept.get_markerfacecolor() != left.get_markerfacecolor()
    assert ax.get_yscale() == "log" and "[ng/mL]" in ax.get_ylabel() and "[h]" in ax.get_xlabel()


def test_sites_are_told_apart_by_the_kind_of_line(evidence: ketpk.Evidence) -> None:
    ax = evidence.plot("hasan2021-decay")
    styles = {line.get_label().split(" ")[0]: line.get_linestyle() for line in ax.get_lines()}
    of_site: dict[str, set[str]] = {}
    for m in evidence.models:
        of_site.setdefault(m["site"], set()).add(styles[m["id"]])
    assert all(len(s) == 1 for s in of_site.values())
    assert len(set.union(*of_site.values())) == len(of_site) == 3
    assert "venous" in ax.get_title(loc="left")


def test_each_dot_of_the_summary_is_one_comparison(evidence: ketpk.Evidence) -> None:
    figure = evidence.plot_summary()
    suspect = {d["id"] for d in evidence.data if d["not_judged_by"] is not None}
    compared = [c for c in evidence.comparisons if c["molecule"] == "ketamine" and c["data"] not in suspect]
    left, right = figure.axes
    dots = [line for line in left.get_lines() if line.get_marker() not in (None, "None", "")]
    assert sorted(float(line.get_xdata()[0]) for line in dots) == pytest.approx(
        sorted(1 + c["error"]["mdpe_percent"] / 100 for c in compared)
    )
    assert len([line for line in right.get_lines() if line.get_marker() not in (None, "None", "")]) == len(compared)
    half = [line for line in dots if line.get_fillstyle() == "left"]
    assert len(half) == sum(c["standing"] == "shows-fit" for c in compared) > 0
    assert "[%]" in left.get_xlabel() and "[%]" in right.get_xlabel()


def test_plots_refuse_what_was_not_compared_and_change_nothing_global(evidence: ketpk.Evidence) -> None:
    before = dict(matplotlib.rcParams)
    for asked in (("idvall1979", "ketamine"), ("hasan2021-decay", "norketamine"), ("otto2021", "ketamine")):
        with pytest.raises(ketpk.InvalidInput) as caught:
            evidence.plot(asked[0], molecule=asked[1])
        assert caught.value.code == "E_RANGE"
    with pytest.raises(ketpk.InvalidInput):
        evidence.plot_summary(molecule="aspirin")
    with pytest.raises(ketpk.WrongType):
        evidence.plot(7)  # type: ignore[arg-type]
    _, ax = pyplot.subplots()
    assert evidence.plot("otto2021-chdr1311", molecule="norketamine", ax=ax) is ax
    assert dict(matplotlib.rcParams) == before


def test_the_page_and_the_pictures_are_what_the_package_says(tmp_path: pathlib.Path) -> None:
    make_evidence.write(tmp_path)
    wrong = make_evidence.differences(tmp_path, ROOT / "docs", with_pictures=make_evidence.pinned())
    assert not wrong, "python python/docs/make_evidence.py --write"
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    assert "<!-- figure" not in page
    named = {line.split("](")[1].rstrip(")") for line in page.splitlines() if line.startswith("![")}
    assert named == {f"evidence/{p.name}" for p in (ROOT / "docs" / "evidence").glob("*.svg")}


def test_a_page_or_a_picture_that_drifts_is_found(tmp_path: pathlib.Path, evidence: ketpk.Evidence) -> None:
    made, kept = tmp_path / "made", tmp_path / "kept"
    for folder in (made, kept):
        (folder / "evidence").mkdir(parents=True)
        (folder / "evidence.md").write_text(make_evidence.page(evidence), encoding="utf-8")
        make_evidence.draw(evidence, "otto2021-chdr1311", folder / "evidence" / "otto2021-chdr1311.svg")
    assert make_evidence.differences(made, kept, with_pictures=True) == []
    picture = kept / "evidence" / "otto2021-chdr1311.svg"
    picture.write_bytes(picture.read_bytes().replace(b"0072b2", b"0072b3", 1))
    assert make_evidence.differences(made, kept, with_pictures=True) == ["evidence/otto2021-chdr1311.svg"]
    assert make_evidence.differences(made, kept, with_pictures=False) == []
    (kept / "evidence.md").write_text("drifted", encoding="utf-8")
    (kept / "evidence" / "old.svg").write_text("left behind", encoding="utf-8")
    assert len(make_evidence.differences(made, kept, with_pictures=True)) == 3
