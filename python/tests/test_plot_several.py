# SPDX-License-Identifier: Apache-2.0
"""Facts about the plots of several models and of grids, and pictures to compare with. ``python
python/tests/test_plot_several.py --write`` draws the pictures anew into python/tests/baseline/several; look at them
before they are kept."""

from __future__ import annotations

import copy
import json
import pathlib
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib
import numpy as np
import pytest
from conftest import LIMITS, PATIENT
from matplotlib import collections, patches, pyplot
from matplotlib.colors import to_rgba
from matplotlib.testing.compare import compare_images

import ketpk
from ketpk import _plot_several

matplotlib.use("Agg")

BASELINE = pathlib.Path(__file__).resolve().parent / "baseline" / "several"
DPI = 100
#: As in test_plot.py: root mean square over all channels, of 255.
TOLERANCE = 0.5

#: Pictures are of these, whatever other models there are.
SIX = ["kamp2020", "kamp2020-linear", "domino1984", "clements1981", "otto2021", "herd2007"]
ORDER = ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40)
TWICE = ORDER + ketpk.infusion(dose_mg=20, duration_min=20, start_min=80)
WORDS: dict[str, Any] = {"analyte": "racemic-ketamine", "form": "base", "drug_free": True, "as_of": "2026-11-21"}


def limits_document(**changed: Any) -> dict[str, Any]:
    """The example with a peak for arterial blood too, 300 and 450 ng/mL."""
    document: dict[str, Any] = json.loads(LIMITS.read_text())
    row = {"id": "plasma-peak-arterial", "quantity": "plasma_peak", "site": "arterial", "soft_high": "300 ng/mL"}
    row |= {"hard_high": "450 ng/mL", "required": False, "source": "an invented bound", **changed}
    document["limits"].append(row)
    return document


def compared(order: ketpk.Order = ORDER, patient: ketpk.Patient = PATIENT, **changed: Any) -> ketpk.Spread:
    keywords = {**WORDS, "models": SIX, "assume_enantiomers_alike": True, "limits": limits_document()} | changed
    return ketpk.compare(patient, order, **keywords)


def swept(vary: dict[Any, Any], **changed: Any) -> ketpk.Sweep:
    keywords: dict[str, Any] = {**WORDS, "model": "kamp2020", "limits": limits_document(), **changed}
    if "model" in vary:
        keywords.pop("model")
    return ketpk.sweep(PATIENT, ORDER, vary=vary, **keywords)


DOSE_AND_DURATION = {"dose_mg_per_kg": ketpk.evenly(0.1, 1.2, 45), "duration_min": ketpk.evenly(10, 90, 41)}
AGES = {"dose_mg_per_kg": [0.25, 0.5, 0.55, 1.0], "age_yr": [5, 12, 20, 42], "model": ["kamp2020", "herd2007"]}
OPEN = {"required": True, "site": "venous"}

PICTURES: dict[str, Callable[[], Any]] = {
    "all_models": lambda: compared().plot(),
    "heavy": lambda: compared(patient=ketpk.Patient(weight_kg=130, age_yr=42)).plot(),
    "two_sites": lambda: compared(
        TWICE, limits=None, models=["kamp2020", "kamp2020-linear", "domino1984", "clements1981"]
    ).plot(),
    "one_site": lambda: compared(models=["domino1984", "clements1981"]).plot(),
    "map": lambda: swept(DOSE_AND_DURATION).plot(),
    "map_not_evaluated": lambda: swept(DOSE_AND_DURATION, limits=limits_document(**OPEN)).plot(),
    "map_of_models": lambda: swept(AGES).plot("auc_inf_ng_h_per_mL"),
    "map_without_limits": lambda: swept(
        {"weight_kg": ketpk.evenly(45, 130, 18), "pause_min": ketpk.evenly(0, 30, 13)},
        pause_at_min=15,
        limits=None,
        time_above_ng_per_mL=100,
    ).plot("minutes_above_100_ng_per_mL"),
    "line": lambda: swept({"dose_mg_per_kg": ketpk.evenly(0.05, 1.2, 60)}).plot(),
    "lines_of_models": lambda: swept(
        {"weight_kg": ketpk.evenly(45, 130, 18), "model": SIX}, assume_enantiomers_alike=True
    ).plot(),
    "models": lambda: swept({"model": SIX}, assume_enantiomers_alike=True).plot(),
}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    pyplot.close("all")


def saved(name: str, path: pathlib.Path) -> None:
    PICTURES[name]()[0].figure.savefig(path, dpi=DPI, metadata={"Software": None})


def words(figure: Any) -> list[Any]:
    """Every text that is shown."""
    figure.draw_without_rendering()
    found = [figure._suptitle, figure._supxlabel, *(t for legend in figure.legends for t in legend.get_texts())]
    for ax in figure.axes:
        found += [*ax.texts, ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label]
        for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            for tick in axis.get_major_ticks():
                if min(low, high) <= tick.get_loc() <= max(low, high) and tick.label1.get_visible():
                    found.append(tick.label1)
    return [t for t in found if t is not None and t.get_text() and t.get_visible()]


def said(figure: Any) -> str:
    return "\n".join(" ".join(t.get_text().split()) for t in words(figure))


# ---------------------------------------------------------------------------------------------------------------------
# Pictures


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_is_the_one_that_was_looked_at(name: str, tmp_path: pathlib.Path) -> None:
    saved(name, tmp_path / f"{name}.png")
    made_with = (BASELINE.parent / "matplotlib.txt").read_text().strip()
    if matplotlib.__version__.split(".")[:2] == made_with.split(".")[:2]:
        differs = compare_images(str(BASELINE / f"{name}.png"), str(tmp_path / f"{name}.png"), TOLERANCE)
        assert differs is None, differs
    else:  # another release sets text a little differently; that the picture is there is seen by the other facts
        kept, now = (pyplot.imread(folder / f"{name}.png") for folder in (BASELINE, tmp_path))
        assert kept.shape == now.shape


def test_there_is_no_picture_that_nobody_compares_with() -> None:
    assert {p.stem for p in BASELINE.glob("*.png")} == set(PICTURES)


def test_the_tolerance_is_too_small_for_a_missing_border(tmp_path: pathlib.Path) -> None:
    ax = PICTURES["map"]()[0]
    next(c for c in ax.collections if isinstance(c, collections.LineCollection) and len(c.get_segments())).remove()
    ax.figure.savefig(tmp_path / "map.png", dpi=DPI)
    assert compare_images(str(BASELINE / "map.png"), str(tmp_path / "map.png"), TOLERANCE) is not None


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_is_cut_off_and_no_words_cover_each_other(name: str) -> None:
    figure = PICTURES[name]()[0].figure
    boxes = [(t.get_text(), t.get_window_extent()) for t in words(figure)]
    for text, box in boxes:
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1, text
    for i, (text, box) in enumerate(boxes):
        for other, second in boxes[i + 1 :]:
            apart = box.x1 <= second.x0 or second.x1 <= box.x0 or box.y1 <= second.y0 + 1 or second.y1 <= box.y0 + 1
            assert apart, (text, other)


# ---------------------------------------------------------------------------------------------------------------------
# Several models


def curves(ax: Any) -> list[Any]:
    return [line for line in ax.lines if line.get_zorder() == 3]


def test_each_sampling_site_has_a_panel_of_its_own_and_its_own_limits() -> None:
    spread = compared()
    axes = spread.plot()
    assert [ax.get_title(loc="left") for ax in axes] == ["arterial", "venous", "sampling site not stated"]
    for ax, site in zip(axes, spread.sites, strict=True):
        assert len(curves(ax)) == len(site.models)
        shown = [t.get_text() for t in ax.texts]
        assert all(any(id in text for text in shown) for id in site.models)
        assert any("peak-arterial" in t for t in shown) is (site.site == "arterial")
        assert any("peak-venous" in t for t in shown) is (site.site == "venous")
    assert len({ax.get_ylim() for ax in axes}) == len({ax.get_xlim() for ax in axes}) == 1


def test_the_peaks_that_are_drawn_are_those_of_the_results() -> None:
    spread = compared(TWICE)
    for ax, site in zip(spread.plot(), spread.sites, strict=True):
        drawn = [line.get_ydata().max() for line in curves(ax)]
        assert drawn == [spread[id].summary.cmax_ng_per_mL for id in site.models]


def test_the_filled_area_lies_between_the_lowest_and_the_highest() -> None:
    spread = compared()
    ax = spread.plot()[2]
    filled = [c for c in ax.collections if isinstance(c, collections.PolyCollection)]
    assert len(filled) == 1
    both = np.array([line.get_ydata() for line in curves(ax)])
    time = curves(ax)[0].get_xdata()
    corners = filled[0].get_paths()[0].vertices
    for edge in (both.min(axis=0), both.max(axis=0)):
        due = {(round(x, 9), round(y, 9)) for x, y in zip(time, edge)}
        assert due <= {(round(x, 9), round(y, 9)) for x, y in corners}
    assert not [c for c in spread.plot()[1].collections if isinstance(c, collections.PolyCollection)]


def test_what_was_assumed_and_who_was_refused_is_written_there() -> None:
    shown = said(compared().plot()[0].figure)
    assert "otto2021 (S): soft" in shown
    assert "(S): built on S-ketamine, run as if both enantiomers behaved alike." in shown
    assert "Not asked: herd2007 (patient.age above 14 yr" in shown
    assert "One source: kamp2020 and kamp2020-linear." in shown
    assert "a range of models, none of patients" in shown
    extrapolated = said(compared(models=["kamp2020", "herd2007"], extrapolate=True).plot()[0].figure)
    assert "herd2007 (x)" in extrapolated and "extrapolated beyond whom" in extrapolated and "(S)" not in extrapolated


def test_curves_that_cannot_be_told_apart_have_one_name() -> None:
    assert "kamp2020 = kamp2020-linear: within-limits" in said(compared().plot()[0].figure)
    apart = said(compared(patient=ketpk.Patient(weight_kg=130, age_yr=42)).plot()[0].figure)
    assert " = " not in apart and "kamp2020-linear: within-limits" in apart


def test_curves_are_told_apart_without_colour() -> None:
    for ax in compared(patient=ketpk.Patient(weight_kg=130, age_yr=42)).plot():
        styles = [(line._unscaled_dash_pattern, line.get_linestyle()) for line in curves(ax)]
        assert len({str(s) for s in styles}) == len(styles)


def test_a_spread_that_came_back_is_drawn_the_same() -> None:
    spread = compared()
    first = spread.plot()
    second = ketpk.Spread.from_json(spread.to_json()).plot()
    for a, b in zip(first, second, strict=True):
        for one, other in zip(curves(a), curves(b), strict=True):
            assert np.array_equal(one.get_ydata(), other.get_ydata())


# ---------------------------------------------------------------------------------------------------------------------
# Grids


def mesh(ax: Any) -> Any:
    return next(c for c in ax.collections if isinstance(c, collections.QuadMesh))


def hatched(ax: Any) -> dict[str, Any]:
    return {p.get_label().removeprefix("_"): p for p in ax.patches if isinstance(p, patches.PathPatch)}


def test_every_point_is_a_cell_with_its_own_number() -> None:
    sweep = swept({"duration_min": [60, 20, 30], "dose_mg_per_kg": [0.2, 0.5]})
    ax = sweep.plot()[0]
    told = mesh(ax).get_array()
    for row in range(sweep.points):
        i = [20, 30, 60].index(sweep.columns["duration_min"][row])
        j = [0.2, 0.5].index(sweep.columns["dose_mg_per_kg"][row])
        assert told[j, i] == sweep.columns["cmax_ng_per_mL"][row]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("duration [min]", "dose [mg/kg]")


def test_hatching_covers_the_points_of_each_verdict_and_no_other() -> None:
    sweep = swept(DOSE_AND_DURATION)
    regions = hatched(sweep.plot()[0])
    assert set(regions) == {"soft flag", "hard flag"}
    assert len({p.get_hatch() for p in regions.values()}) == 2
    for name, verdict in (("soft flag", "soft"), ("hard flag", "hard")):
        points = np.column_stack([sweep.columns["dose_mg_per_kg"], sweep.columns["duration_min"]])
        inside = np.zeros(sweep.points, dtype=bool)
        for polygon in regions[name].get_path().to_polygons():
            (left, low), (right, high) = polygon.min(axis=0), polygon.max(axis=0)
            inside |= ((points > (left, low)) & (points < (right, high))).all(axis=1)
        assert np.array_equal(inside, sweep.columns["verdict"] == verdict)


def test_a_border_runs_where_the_verdict_changes() -> None:
    sweep = swept({"dose_mg_per_kg": [0.4, 0.5, 0.6, 1.1], "duration_min": [40, 60]})
    ax = sweep.plot()[0]
    verdicts = sweep.columns["verdict"].reshape(4, 2)
    due = {(x, y) for k, x in enumerate((0.45, 0.55, 0.85)) for j, y in enumerate((30, 50)) if differ(verdicts, k, j)}
    lines = [c for c in ax.collections if isinstance(c, collections.LineCollection)]
    upright = {
        (round(float(s[0][0]), 9), float(s[0][1]))
        for c in lines
        if np.allclose(c.get_color(), to_rgba("#111111"))
        for s in c.get_segments()
        if s[0][0] == s[1][0]
    }
    assert upright == due and len(due) >= 3


def differ(verdicts: Any, k: int, j: int) -> bool:
    return bool(verdicts[k][j] != verdicts[k + 1][j])


def test_a_refused_point_is_an_empty_cell() -> None:
    axes = swept(AGES).plot()
    assert set(hatched(axes[0])) == {"soft flag", "hard flag"}
    assert "refused" in hatched(axes[1])
    assert np.ma.getmaskarray(mesh(axes[1]).get_array()).sum() == 8  # two ages by four doses
    assert [ax.get_title(loc="left") for ax in axes] == ["kamp2020 (arterial)", "herd2007 (sampling site not stated)"]
    assert mesh(axes[0]).norm is not None and mesh(axes[0]).get_clim() == mesh(axes[1]).get_clim()


def test_without_limits_nothing_is_marked() -> None:
    figure = PICTURES["map_without_limits"]()[0].figure
    assert not hatched(figure.axes[0]) and not figure.legends
    assert "no limits given" in said(figure)


def test_a_check_that_was_not_made_has_a_hatch_of_its_own() -> None:
    regions = hatched(PICTURES["map_not_evaluated"]()[0])
    assert regions["a required check not evaluated"].get_hatch() != regions["hard flag"].get_hatch()


def test_the_marks_of_a_line_stand_at_its_points_and_tell_the_verdicts_apart() -> None:
    sweep = swept({"dose_mg_per_kg": [0.2, 0.5, 0.6, 1.1]})
    ax = sweep.plot()[0]
    told = {}
    for line in ax.lines:
        if line.get_marker() != "None":
            told |= {x: (y, line.get_marker()) for x, y in zip(line.get_xdata(), line.get_ydata())}
    assert [told[x][0] for x in (0.2, 0.5, 0.6, 1.1)] == sweep.columns["cmax_ng_per_mL"].tolist()
    assert sweep.columns["verdict"].tolist() == ["within-limits", "within-limits", "soft", "hard"]
    assert told[0.2][1] == told[0.5][1] and len({told[x][1] for x in (0.5, 0.6, 1.1)}) == 3


def test_every_change_of_verdict_is_marked_however_many_points_there_are() -> None:
    sweep = swept({"dose_mg_per_kg": ketpk.evenly(0.2, 1.2, 501)})
    marked = {float(x) for line in sweep.plot()[0].lines if line.get_marker() != "None" for x in line.get_xdata()}
    verdicts = sweep.columns["verdict"]
    turns = np.flatnonzero(verdicts[1:] != verdicts[:-1])
    assert len(turns) >= 2 and len(marked) < 60
    for turn in turns:
        assert {*sweep.columns["dose_mg_per_kg"][[turn, turn + 1]].tolist()} <= marked


def test_what_is_held_is_written_and_what_is_varied_is_not() -> None:
    shown = said(swept({"weight_kg": [50, 60], "duration_min": [20, 40]}).plot()[0].figure)
    assert "age 42 yr, infusion 0.5 mg/kg ·" in shown and "70 kg" not in shown and "over 40 min" not in shown
    assert "peak plasma racemic-ketamine, kamp2020 (arterial)" in shown


def test_a_grid_marks_models_that_are_run_as_if_enantiomers_were_alike() -> None:
    asked: dict[str, Any] = {"assume_enantiomers_alike": True}
    for sweep in (swept({"model": SIX}, **asked), swept({"weight_kg": [50, 60]}, model="otto2021", **asked)):
        shown = said(sweep.plot()[0].figure)
        assert "otto2021 (S) (venous)" in shown and "(S): built on S-ketamine" in shown and "kamp2020 (S)" not in shown


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cmax_ng_per_mL", ("peak plasma s-ketamine", "ng/mL")),
        ("minutes_above_100_ng_per_mL", ("time above 100 ng/mL", "min")),
        ("first_min_above_0.5_ng_per_mL", ("first time above 0.5 ng/mL", "min")),
        ("norketamine_auc_inf_ng_h_per_mL", ("norketamine auc inf", "ng h/mL")),
        ("pain_highest (points)", ("pain highest", "points")),
        ("agreement_rel", ("difference of the two solvers, relative", "")),
    ],
)
def test_a_number_is_told_with_its_unit(name: str, told: tuple[str, str]) -> None:
    assert _plot_several.told_quantity(name, "s-ketamine") == told


def test_more_panels_than_can_be_looked_at_are_refused() -> None:
    sweep = swept({"dose_mg_per_kg": [0.4, 0.5], "duration_min": [20, 40], "weight_kg": ketpk.evenly(50, 74, 25)})
    with pytest.raises(ketpk.InvalidInput, match="E_SIZE plot"):
        sweep.plot()


def test_a_pickled_sweep_is_drawn_the_same() -> None:
    sweep = swept(AGES)
    again = copy.deepcopy(pickle.loads(pickle.dumps(sweep)))
    for a, b in zip(sweep.plot(), again.plot(), strict=True):
        one, other = mesh(a).get_array(), mesh(b).get_array()
        assert np.array_equal(one.filled(-1), other.filled(-1)) and one.filled(-1).max() > 0
        assert set(hatched(a)) == set(hatched(b))


def test_no_global_setting_is_changed() -> None:
    before = matplotlib.rcParams.copy()
    compared().plot()
    swept(AGES).plot()
    assert matplotlib.rcParams == before


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for draw in (compared().plot, swept({"weight_kg": [50, 60]}).plot):
        with pytest.raises(ImportError, match="pip install matplotlib, which is ketpk's extra 'plot'"):
            draw()


def write() -> None:
    BASELINE.mkdir(exist_ok=True)
    for name in PICTURES:
        saved(name, BASELINE / f"{name}.png")
        pyplot.close("all")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python python/tests/test_plot_several.py --write")
    write()
