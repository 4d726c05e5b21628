# SPDX-License-Identifier: Apache-2.0
"""Facts about the plots, and pictures to compare with. ``python python/tests/test_plot.py --write`` draws the pictures
anew into python/tests/baseline; look at them before they are kept."""

from __future__ import annotations

import copy
import inspect
import json
import pathlib
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import ketpk
import matplotlib
import numpy as np
import pytest
from conftest import EVERYTHING
from ketpk import _plot
from matplotlib import collections, patches, pyplot
from matplotlib.legend import Legend
from matplotlib.testing.compare import compare_images

matplotlib.use("Agg")


ROOT = pathlib.Path(__file__).resolve().parents[2]
BASELINE = ROOT / "python" / "tests" / "baseline"
EXAMPLE = ROOT / "examples" / "limits.json"
DPI = 100
#: Root mean square over all channels, of 255. One release of matplotlib draws the same picture everywhere. Other
#: releases set text a little differently and so move everything by a pixel or two; they are compared after
#: squares of pixels were averaged, and must be nearer to their own picture than to any other.
TOLERANCE, TOLERANCE_OF_OTHER_RELEASES, SHRUNK = 0.5, 8.5, 32


def limits_document(**changed: Any) -> dict[str, Any]:
    rows = [
        {
            "id": "peak",
            "quantity": "plasma_peak",
            "site": "arterial",
            "soft_high": "200 mcg/L",
            "hard_high": "0.4 mg/L",
            "required": True,
            "source": "an invented bound",
        },
        {
            "id": "minutes",
            "quantity": "time_above_level",
            "site": "arterial",
            "level": "100 ng/mL",
            "soft_high": "30 min",
            "hard_high": "90 min",
            "required": True,
            "source": "an invented bound",
        },
        {
            "id": "venous-peak",
            "quantity": "plasma_peak",
            "site": "venous",
            "soft_high": "150 ng/mL",
            "required": False,
            "source": "an invented bound",
        },
        {
            "id": "effect",
            "quantity": "effect_site_peak",
            "soft_high": "150 ng/mL",
            "required": False,
            "source": "an invented bound",
        },
        {
            "id": "dose",
            "quantity": "dose_per_weight",
            "soft_high": "0.5 mg/kg",
            "hard_high": "1.5 mg/kg",
            "required": True,
            "source": "an invented bound",
        },
        {
            "id": "rate",
            "quantity": "rate_per_weight",
            "soft_high": "0.75 mg/kg/h",
            "hard_high": "1 mg/kg/h",
            "required": True,
            "source": "an invented bound",
        },
        {
            "id": "duration",
            "quantity": "duration",
            "soft_low": "2 min",
            "soft_high": "100 min",
            "required": True,
            "source": "an invented bound",
        },
        {
            "id": "bolus",
            "quantity": "bolus_per_weight",
            "soft_high": "0.35 mg/kg",
            "hard_high": "1 mg/kg",
            "required": True,
            "source": "an invented bound",
        },
    ]
    return {
        "schema": "ketpk.limits/1",
        "id": "clinic",
        "version": "3",
        "status": "example",
        "approver": "nobody",
        "effective": "2026-01-01",
        "expires": "2090-01-01",
        "limits": rows,
        **changed,
    }


CUSTOM = copy.deepcopy(EVERYTHING)
CUSTOM["custom"]["site"] = "arterial"
CUSTOM["custom"]["metabolites"][0]["apparent"] = True
HALF = ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40)
WHOLE = ketpk.infusion(dose_mg_per_kg=1, duration_min=40)
PAUSED = (
    ketpk.bolus(dose_mg=10)
    + ketpk.infusion(dose_mg=15, duration_min=20, start_min=5)
    + ketpk.infusion(dose_mg=10, duration_min=20, start_min=40)
)
DAYS = HALF + ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40, start_min=3 * 1440)
DAYS += ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40, start_min=7 * 1440)


def simulated(order: ketpk.Order, **changed: Any) -> ketpk.Result:
    keywords: dict[str, Any] = {
        "model": "kamp2020",
        "analyte": "racemic-ketamine",
        "form": "base",
        "drug_free": True,
        "limits": limits_document(),
        "as_of": "2026-11-21",
        **changed,
    }
    return ketpk.simulate(ketpk.Patient(weight_kg=70, age_yr=42, height_cm=175), order, **keywords)


def three() -> tuple[ketpk.Result, ...]:
    with_example: dict[str, Any] = {"limits": EXAMPLE}
    return (
        simulated(HALF, **with_example),
        simulated(HALF, model="otto2021", assume_enantiomers_alike=True, **with_example),
        simulated(HALF, model="domino1984", **with_example),
    )


HAPPENED: dict[str, Any] = {
    "bag_mg_per_mL": 1,
    "until_min": 90,
    "every_min": 1,
    "events": [
        ketpk.pause(0, at_min=10),
        ketpk.resume(0, at_min=20),
        ketpk.change_rate(0, at_min=30, rate_mL_per_h=60),
        ketpk.stop(0, at_min=36),
        ketpk.restart_remainder(0, at_min=50, duration_min=10),
        ketpk.pause(0, at_min=56),
    ],
}
LINE: dict[str, Any] = {
    "bag_mg_per_mL": 1,
    "until_min": 90,
    "every_min": 1,
    "pump": ketpk.Pump(dead_volume_mL=3, primed_with="drug", flush_mL=5, flush_duration_min=5, flush_at_min=55),
}
INTRANASAL = ROOT / "examples" / "model.json"
SPRAYED = ketpk.bolus(dose_mg=50, into="nose") + ketpk.infusion(dose_mg=30, duration_min=30, start_min=60, into="gut")

PICTURES: dict[str, Callable[[], Any]] = {
    "within": lambda: ketpk.plot(simulated(HALF, limits=EXAMPLE)),
    "flagged": lambda: ketpk.plot(simulated(WHOLE)),
    "three_models": lambda: ketpk.plot(*three()),
    "bolus_infusion_pause": lambda: ketpk.plot(simulated(PAUSED)),
    "metabolite": lambda: ketpk.plot(simulated(HALF, model=CUSTOM)),
    "hours": lambda: ketpk.plot(
        simulated(HALF, model="otto2021", analyte="s-ketamine", limits=EXAMPLE, every_min=10, until_min=900)
    ),
    "days": lambda: ketpk.plot(simulated(DAYS)),
    "orders": lambda: ketpk.plot(
        simulated(HALF), simulated(WHOLE), simulated(PAUSED, form="hydrochloride"), labels=["half", "whole", "paused"]
    ),
    "interrupted": lambda: ketpk.plot(simulated(HALF, **HAPPENED)),
    "line_and_flush": lambda: ketpk.plot(simulated(HALF, **LINE)),
    "nose_and_gut": lambda: ketpk.plot(simulated(SPRAYED, model=INTRANASAL, limits=None)),
}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    pyplot.close("all")


def texts(ax: Any) -> list[str]:
    """Every word on an Axes, header and strip included."""
    legend = ax.get_legend()
    found = [t.get_text() for t in ax.texts]
    found += [t.get_text() for t in legend.get_texts()] if legend else []
    return [*found, ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel()]


def bars(ax: Any) -> list[Any]:
    return [p for p in ax.patches if isinstance(p, patches.Rectangle)]


def plasma(d: _plot.Drawn) -> Any:
    return d.curves[0].ng_per_mL


# ---------------------------------------------------------------------------------------------------------------------
# Pictures


@pytest.mark.parametrize("name", PICTURES)
def test_the_picture_is_the_one_that_was_looked_at(name: str, tmp_path: pathlib.Path) -> None:
    PICTURES[name]().figure.savefig(tmp_path / f"{name}.png", dpi=DPI, metadata={"Software": None})
    made_with = (BASELINE / "matplotlib.txt").read_text().strip()
    if matplotlib.__version__.split(".")[:2] == made_with.split(".")[:2]:
        differs = compare_images(str(BASELINE / f"{name}.png"), str(tmp_path / f"{name}.png"), TOLERANCE)
        assert differs is None, differs
    else:
        distance = {p.stem: differ(p, tmp_path / f"{name}.png") for p in BASELINE.glob("*.png")}
        assert distance[name] < TOLERANCE_OF_OTHER_RELEASES
        assert min(distance, key=lambda n: distance[n]) == name


def differ(one: pathlib.Path, other: pathlib.Path) -> float:
    """The root mean square by which two shrunk pictures differ."""
    return float(np.sqrt(np.mean((shrunk(one) - shrunk(other)) ** 2)))


def shrunk(path: pathlib.Path) -> Any:
    """A picture with the means of squares of pixels for its pixels, 0 to 255."""
    pixels = 255 * pyplot.imread(path)[..., :3].astype(float)
    rows, columns = (n // SHRUNK for n in pixels.shape[:2])
    squares = pixels[: rows * SHRUNK, : columns * SHRUNK].reshape(rows, SHRUNK, columns, SHRUNK, 3)
    return squares.mean(axis=(1, 3))


def test_the_tolerance_is_too_small_for_a_missing_bar(tmp_path: pathlib.Path) -> None:
    ax = PICTURES["flagged"]()
    bars(ax)[0].set_visible(False)
    ax.figure.savefig(tmp_path / "flagged.png", dpi=DPI)
    assert compare_images(str(BASELINE / "flagged.png"), str(tmp_path / "flagged.png"), TOLERANCE) is not None


def test_the_tolerance_of_other_releases_is_too_small_for_another_picture() -> None:
    pictures = sorted(BASELINE.glob("*.png"))
    pairs = [(a, b) for i, a in enumerate(pictures) for b in pictures[i + 1 :]]
    assert min(differ(a, b) for a, b in pairs) > TOLERANCE_OF_OTHER_RELEASES


def test_there_is_no_picture_that_nobody_compares_with() -> None:
    assert {p.stem for p in BASELINE.glob("*.png")} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_is_cut_off_and_no_words_cover_each_other(name: str) -> None:
    ax = PICTURES[name]()
    figure = ax.figure
    figure.draw_without_rendering()
    words = [t for t in [*ax.texts, ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label] if t.get_text()]
    words += ax.get_legend().get_texts() if ax.get_legend() else []
    words += [t for axis in (ax.xaxis, ax.yaxis) for t in axis.get_ticklabels() if t.get_text()]
    boxes = [(t.get_text(), t.get_window_extent()) for t in words if shown_within(ax, t)]
    for said, box in boxes:
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1, said
    for i, (said, box) in enumerate(boxes):
        for other, second in boxes[i + 1 :]:
            apart = box.x1 <= second.x0 or second.x1 <= box.x0 or box.y1 <= second.y0 + 1 or second.y1 <= box.y0 + 1
            assert apart, (said, other)


def shown_within(ax: Any, text: Any) -> bool:
    """A mark of an axis outside its limits is a text that is not drawn."""
    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        for tick in axis.get_major_ticks():
            if text is tick.label1:
                return bool(low <= tick.get_loc() <= high)
    return True


# ---------------------------------------------------------------------------------------------------------------------
# What is computed


def test_every_vertex_of_the_curve_is_the_core_s_own_value() -> None:
    d = _plot.drawn(simulated(PAUSED))
    asked = simulated(PAUSED, at_min=d.time_min[1:]).profile
    assert np.array_equal(asked.time_us, d.time_us[1:])
    assert np.array_equal(asked.plasma_ng_per_mL, plasma(d)[1:])


@pytest.mark.parametrize("order", [HALF, PAUSED, DAYS], ids=["half", "paused", "days"])
def test_between_its_vertices_the_curve_bends_by_less_than_two_thousandths_of_the_peak(order: ketpk.Order) -> None:
    d = _plot.drawn(simulated(order))
    between = (d.time_us[1:] + d.time_us[:-1]) // 2
    between = between[np.diff(d.time_us) > 1]
    exact = simulated(order, at_min=between / 60e6).profile.plasma_ng_per_mL
    straight = np.interp(between, d.time_us, plasma(d))
    assert np.abs(straight - exact).max() < 2e-3 * exact.max()


def test_the_peak_is_drawn_to_the_last_bit() -> None:
    for order in (HALF, WHOLE, DAYS, ketpk.bolus(dose_mg=10, start_min=7)):
        r = simulated(order)
        assert plasma(_plot.drawn(r)).max() == r.summary.cmax_ng_per_mL


def test_every_edge_of_the_order_is_a_vertex_and_a_bolus_is_upright() -> None:
    r = simulated(PAUSED + ketpk.bolus(dose_mg=5, start_min=100))
    d = _plot.drawn(r)
    assert {5, 25, 40, 60, 100} <= set(d.time_min)
    at = int(np.flatnonzero(d.time_us == 100 * 60_000_000)[0])
    assert d.time_us[at] - d.time_us[at - 1] == 1
    jump = plasma(d)[at] - plasma(d)[at - 1]
    assert jump == pytest.approx(5 / 25 * 1000, rel=1e-5)  # 5 mg into the 25 L of V1
    assert list(d.time_us[:2]) == [0, 0] and plasma(d)[0] == 0 and plasma(d)[1] == pytest.approx(400)


def test_a_two_minute_infusion_on_the_third_day_is_not_missed() -> None:
    r = simulated(HALF + ketpk.infusion(dose_mg=5, duration_min=2, start_min=4320))
    d = _plot.drawn(r)
    late = plasma(d)[d.time_min >= 4320]
    assert late.max() > 100


def test_the_drawing_ends_where_the_asked_instants_end() -> None:
    assert _plot.drawn(simulated(HALF, every_min=7, until_min=95)).time_min[-1] == 95
    assert _plot.drawn(simulated(HALF, at_min=[10, 50])).until_min == 50
    assert _plot.drawn(simulated(HALF)).until_min == 240


@pytest.mark.parametrize("order", [HALF, PAUSED], ids=["half", "paused"])
def test_a_result_kept_as_json_or_pickled_is_drawn_the_same(order: ketpk.Order) -> None:
    r = simulated(order, model=CUSTOM, every_min=1, until_min=300)
    first = _plot.drawn(r)
    for again in (ketpk.Result.from_json(r.to_json()), pickle.loads(pickle.dumps(r))):
        second = _plot.drawn(again)
        assert np.array_equal(first.time_us, second.time_us)
        assert all(np.array_equal(a.ng_per_mL, b.ng_per_mL) for a, b in zip(first.curves, second.curves, strict=True))
        assert (first.bars, first.lines, first.spans) == (second.bars, second.lines, second.spans)


def test_the_inputs_are_drawn_as_they_go_in() -> None:
    salt = _plot.drawn(simulated(PAUSED, form="hydrochloride")).bars
    assert [(b.start_min, b.end_min) for b in salt] == [(0, 0), (5, 25), (40, 60)]
    assert [b.amount_mg for b in salt] == pytest.approx([10 / 1.1533, 15 / 1.1533, 10 / 1.1533])
    assert salt[0].rate_mg_per_min is None
    assert salt[1].rate_mg_per_min == pytest.approx(15 / 1.1533 / 20)
    assert salt[0].stated == "10 mg (hydrochloride) bolus"


def test_spans_are_where_the_curve_is_above_a_flagged_bound() -> None:
    r = simulated(WHOLE)
    d = _plot.drawn(r)
    flags = {f.limit_id: f for f in r.flags if f.limit is not None}
    assert flags["peak"].severity == "hard" and flags["minutes"].severity == "hard"
    hard = [s for s in d.spans if s.limit_id == "peak" and s.severity == "hard"]
    assert [s.ng_per_mL for s in hard] == [400]
    assert hard[0].start_min == pytest.approx(flags["peak"].first_min, abs=1e-6)
    assert sum(s.end_min - s.start_min for s in hard) == pytest.approx(flags["peak"].minutes, abs=1e-6)
    minutes = [s for s in d.spans if s.limit_id == "minutes"]
    assert minutes[0].of_minutes and minutes[0].ng_per_mL == 100
    assert sum(s.end_min - s.start_min for s in minutes) == pytest.approx(flags["minutes"].minutes, abs=1e-6)
    soft = [s for s in d.spans if s.limit_id == "peak" and s.severity == "soft"]
    for s in soft:
        inside = (d.time_min > s.start_min) & (d.time_min < s.end_min)
        assert (plasma(d)[inside] > 200).all()
    outside = np.ones(len(d.time_min), dtype=bool)
    for s in soft:
        outside &= (d.time_min < s.start_min) | (d.time_min > s.end_min)
    assert (plasma(d)[outside] <= 200 * (1 + 1e-9)).all()


def test_a_curve_that_comes_back_above_a_bound_has_two_spans() -> None:
    r = simulated(PAUSED)
    minutes = next(f for f in r.flags if f.limit_id == "minutes")
    spans = [s for s in _plot.drawn(r).spans if s.limit_id == "minutes"]
    assert len(spans) == 2 and spans[0].start_min == 0
    assert sum(s.end_min - s.start_min for s in spans) == pytest.approx(minutes.minutes, abs=1e-6)


def test_a_span_goes_on_to_the_end_of_the_drawing_and_starts_at_a_bolus() -> None:
    d = _plot.drawn(simulated(ketpk.bolus(dose_mg=30, start_min=10), at_min=[10.5]))
    soft = [s for s in d.spans if s.limit_id == "peak" and s.severity == "soft"]
    assert [(s.start_min, s.end_min) for s in soft] == [(10, 10.5)]


def test_what_is_not_flagged_is_not_shaded() -> None:
    quiet = simulated(ketpk.infusion(dose_mg_per_kg=0.1, duration_min=40))
    assert not quiet.flags
    d = _plot.drawn(quiet)
    assert d.spans == () and all(b.flagged == () for b in d.bars)
    assert len(d.lines) == 3


def test_lines_are_of_limits_at_the_model_s_own_site_only() -> None:
    def ids(**changed: Any) -> set[str]:
        return {line.limit_id for line in _plot.drawn(simulated(HALF, **changed)).lines}

    assert ids() == {"peak", "minutes"}
    assert ids(model="otto2021", analyte="s-ketamine") == {"venous-peak"}
    assert ids(model="domino1984") == set()
    assert ids(model=CUSTOM) == {"peak", "minutes", "effect"}
    assert ids(limits=None) == set()


def test_lines_say_id_bound_and_severity_and_know_every_unit_of_concentration() -> None:
    said = {line.says: (line.ng_per_mL, line.severity) for line in _plot.drawn(simulated(HALF)).lines}
    assert said == {
        "peak: soft high 200 ng/mL": (200, "soft"),
        "peak: hard high 400 ng/mL": (400, "hard"),
        "minutes: time above 100 ng/mL, soft 30 min, hard 90 min": (100, "level"),
    }


def test_other_limits_can_be_drawn_and_change_no_verdict() -> None:
    r = simulated(WHOLE, limits=None)
    other = ketpk.Limits(limits_document())
    d = _plot.drawn(r, limits=other)
    assert {line.limit_id for line in d.lines} == {"peak", "minutes"}
    assert d.spans == ()
    assert any("verdict: unevaluated (no limits given)" in t for t in texts(ketpk.plot(r, limits=other)))


def flagged(order: ketpk.Order) -> list[dict[str, str]]:
    return [{quantity: severity for severity, quantity in b.flagged} for b in _plot.drawn(simulated(order)).bars]


def test_a_flag_on_the_dose_marks_every_input_and_one_on_the_rate_those_that_are_too_fast() -> None:
    slow, fast = ketpk.infusion(dose_mg=20, duration_min=60), ketpk.infusion(dose_mg=30, duration_min=20, start_min=80)
    assert flagged(slow + fast) == [{"dose_per_weight": "soft"}, {"dose_per_weight": "soft", "rate_per_weight": "hard"}]


def test_infusions_that_are_too_fast_together_are_both_marked() -> None:
    one, two = ketpk.infusion(dose_mg=12, duration_min=20), ketpk.infusion(dose_mg=12, duration_min=20, start_min=10)
    after = ketpk.infusion(dose_mg=2, duration_min=20, start_min=30)
    assert flagged(one + two + after) == [{"rate_per_weight": "hard"}, {"rate_per_weight": "hard"}, {}]


def test_flags_on_bolus_and_duration_mark_what_they_speak_of() -> None:
    order = ketpk.bolus(dose_mg=26) + ketpk.bolus(dose_mg=1, start_min=30)
    order += ketpk.infusion(dose_mg=0.5, duration_min=1, start_min=50)
    assert flagged(order) == [{"bolus_per_weight": "soft"}, {}, {"duration": "soft"}]
    long = ketpk.infusion(dose_mg=20, duration_min=110) + ketpk.infusion(dose_mg=1, duration_min=100, start_min=200)
    assert flagged(long) == [{"duration": "soft"}, {}]


# ---------------------------------------------------------------------------------------------------------------------
# What is drawn


def test_the_axes_say_what_and_in_which_unit() -> None:
    ax = ketpk.plot(simulated(HALF))
    assert ax.get_xlabel() == "time [min]"
    assert ax.get_ylabel() == "plasma racemic-ketamine, base, arterial [ng/mL]"
    assert ax.get_title(loc="left") == "kamp2020: 0.5 mg/kg over 40 min, 70 kg, 42 yr"
    other = ketpk.plot(simulated(HALF, model="domino1984")).get_ylabel().replace("\n", " ")
    assert other == "plasma racemic-ketamine, base, sampling site not stated [ng/mL]"


@pytest.mark.parametrize(
    ("until_min", "unit", "right"),
    [(600, "min", 600), (601, "h", 601 / 60), (4320, "h", 72), (4321, "d", 4321 / 1440)],
)
def test_long_courses_are_in_hours_and_longer_ones_in_days(until_min: int, unit: str, right: float) -> None:
    ax = ketpk.plot(simulated(HALF, every_min=1, until_min=until_min))
    assert ax.get_xlabel() == f"time [{unit}]"
    assert ax.get_xlim() == pytest.approx((0, right))
    assert bars(ax)[0].get_width() == pytest.approx(40 * right / until_min)


def test_the_infusion_is_a_bar_from_0_to_40_min_under_the_line_of_zero() -> None:
    ax = ketpk.plot(simulated(HALF))
    (bar,) = bars(ax)
    assert (bar.get_x(), bar.get_width()) == (0, 40)
    zero = ax.transAxes.inverted().transform(ax.transData.transform((0, 0)))[1]
    assert 0 < bar.get_y() < bar.get_y() + bar.get_height() < zero
    assert "35 mg at 0.875 mg/min" in texts(ax)
    assert "mg base" in texts(ax)
    ax.figure.draw_without_rendering()
    assert min(ax.get_yticks()) == 0


def test_a_bolus_is_a_triangle_with_its_amount() -> None:
    ax = ketpk.plot(simulated(ketpk.bolus(dose_mg=10, start_min=5)))
    assert not bars(ax)
    marks = [c for c in ax.collections if len(c.get_offsets()) == 1 and type(c).__name__ == "PathCollection"]
    assert [float(c.get_offsets()[0][0]) for c in marks] == [5]
    assert "10 mg" in texts(ax)


def test_a_flagged_input_is_hatched_in_the_colour_of_its_severity_and_says_so() -> None:
    ax = ketpk.plot(simulated(WHOLE))
    (bar,) = bars(ax)
    assert matplotlib.colors.to_hex(bar.get_facecolor()) == "#d55e00"
    assert bar.get_hatch()
    assert any("hard: rate per weight" in t for t in texts(ax))
    (quiet,) = bars(ketpk.plot(simulated(ketpk.infusion(dose_mg_per_kg=0.1, duration_min=40))))
    assert not quiet.get_hatch()


def test_what_is_beyond_a_flagged_bound_is_shaded_there() -> None:
    r = simulated(WHOLE)
    ax = ketpk.plot(r)
    spans = {(s.severity, s.ng_per_mL): s for s in _plot.drawn(r).spans if not s.of_minutes}
    shaded = [c.get_paths()[0].get_extents() for c in ax.collections if isinstance(c, collections.PolyCollection)]
    for (_, level), span in spans.items():
        found = [e for e in shaded if e.y0 == pytest.approx(level)]
        assert [(e.x0, e.x1) for e in found] == [pytest.approx((span.start_min, span.end_min))]
        assert found[0].y1 == pytest.approx(r.summary.cmax_ng_per_mL)


def test_lines_of_limits_stand_at_their_level_with_their_words() -> None:
    ax = ketpk.plot(simulated(WHOLE))
    levels = {line.get_ydata()[0] for line in ax.get_lines() if list(line.get_xdata()) == [0, 1]}
    assert levels == {0, 100, 200, 400}
    assert {"peak: soft high 200 ng/mL", "peak: hard high 400 ng/mL"} <= set(texts(ax))


def test_a_level_far_above_the_curve_is_said_and_does_not_flatten_it() -> None:
    ax = ketpk.plot(simulated(ketpk.infusion(dose_mg_per_kg=0.1, duration_min=40)))
    assert ax.get_ylim()[1] < 150
    assert "peak: hard high 400 ng/mL ↑" in texts(ax)


def test_the_verdict_its_limits_and_the_typical_patient_are_said() -> None:
    words = " ".join(texts(ketpk.plot(simulated(WHOLE)))).replace("\n", " ")
    assert "verdict: hard by clinic version 3 (status example) · typical patient, no variability" in words
    assert "RATE_PER_WEIGHT_HIGH" in words
    several = texts(ketpk.plot(*three()))
    assert any("typical patient, no variability" in t for t in several)
    assert "kamp2020: arterial, 0.5 mg/kg over 40 min, verdict: within-limits" in several
    assert "otto2021: venous, 0.5 mg/kg over 40 min, verdict: soft" in several


def test_a_required_check_that_was_not_evaluated_is_said() -> None:
    document = limits_document()
    document["limits"][3]["required"] = True
    words = " ".join(texts(ketpk.plot(simulated(HALF, limits=document)))).replace("\n", " ")
    assert "required, not evaluated: effect" in words


def test_several_results_share_the_axes_and_no_two_curves_look_alike() -> None:
    ax = ketpk.plot(*three())
    curves = [line for line in ax.get_lines() if len(line.get_xdata()) > 100]
    assert len(curves) == 4  # the metabolite of one of them too
    assert len({repr(line._dash_pattern) for line in curves}) == 4
    assert len({line.get_color() for line in curves}) == 3
    assert [line.get_xdata()[-1] for line in curves] == [240] * 4
    assert len(bars(ax)) == 1  # the same order for all


def test_results_of_other_lengths_are_drawn_to_the_same_end() -> None:
    ax = ketpk.plot(simulated(HALF, every_min=1, until_min=60), simulated(WHOLE, every_min=1, until_min=300))
    curves = [line for line in ax.get_lines() if len(line.get_xdata()) > 100]
    assert [line.get_xdata()[-1] for line in curves] == [300, 300]
    assert len(bars(ax)) == 2


def test_ten_results_are_told_apart_by_dashes_or_colour() -> None:
    several = [simulated(ketpk.infusion(dose_mg=i, duration_min=40), limits=None) for i in range(1, 11)]
    ax = ketpk.plot(*several)
    curves = [line for line in ax.get_lines() if len(line.get_xdata()) > 100]
    assert len({(repr(line._dash_pattern), line.get_color()) for line in curves}) == 10


def test_effect_site_and_metabolites_are_drawn_and_named() -> None:
    ax = ketpk.plot(simulated(HALF, model=CUSTOM))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "racemic-ketamine",
        "effect site",
        "norketamine (apparent)",
    ]
    assert ax.get_ylabel() == "plasma concentration, base, arterial [ng/mL]"


def test_labels_replace_model_and_order() -> None:
    ax = ketpk.plot(simulated(HALF), simulated(WHOLE), labels=["half", "whole"])
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["half · verdict: soft", "whole · verdict: hard"]
    assert ketpk.plot(simulated(HALF), labels=["mine"]).get_title(loc="left").startswith("mine: ")


def test_the_axes_given_are_the_axes_drawn_on_and_returned() -> None:
    figure, axes = pyplot.subplots(1, 2, layout="constrained")
    assert ketpk.plot(simulated(HALF), ax=axes[1]) is axes[1]
    assert not axes[0].get_lines()
    assert simulated(HALF).plot(ax=axes[0]) is axes[0]
    assert pyplot.get_fignums() == [figure.number]


def test_no_setting_of_matplotlib_is_changed_and_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[object] = []
    monkeypatch.setattr(pyplot, "show", lambda *a, **k: shown.append(a))
    before = dict(matplotlib.rcParams)
    ketpk.plot(simulated(WHOLE))
    assert dict(matplotlib.rcParams) == before
    assert not shown


def test_the_picture_does_not_depend_on_somebody_s_style() -> None:
    def pixels() -> Any:
        figure = ketpk.plot(simulated(HALF)).figure
        figure.set_dpi(60)
        figure.canvas.draw()
        return np.asarray(figure.canvas.buffer_rgba()).copy()

    plain = pixels()
    with pyplot.style.context("dark_background"):
        assert np.array_equal(pixels(), plain)


def test_on_a_dark_axes_the_words_are_light() -> None:
    with pyplot.style.context("dark_background"):
        _, ax = pyplot.subplots(layout="constrained")
        ketpk.plot(simulated(WHOLE), ax=ax)
    assert {matplotlib.colors.to_hex(t.get_color()) for t in ax.texts} == {"#ffffff"}


def test_names_are_taken_literally_and_are_no_formula() -> None:
    document = limits_document(id="a $\\frac{1}{$ b")
    document["limits"][0]["id"] = "cost $x$ and $y"
    ax = ketpk.plot(simulated(HALF, limits=document), simulated(WHOLE, limits=document), labels=["$\\bad{$", "b"])
    ax.figure.canvas.draw()
    assert "cost $x$ and $y: soft high 200 ng/mL" in texts(ax)
    words = [*ax.texts, *ax.get_legend().get_texts()]
    assert [t.get_text() for t in words if "$" in t.get_text() and t.get_parse_math()] == []


def test_a_very_long_name_of_a_limit_is_cut() -> None:
    document = limits_document()
    document["limits"][0]["id"] = "x" * 300
    assert max(len(line.says) for line in _plot.drawn(simulated(HALF, limits=document)).lines) < 90


def test_fifty_inputs_are_drawn_without_covering_each_other_with_words() -> None:
    order = ketpk.infusion(dose_mg=1, duration_min=1)
    for i in range(1, 50):
        order += ketpk.infusion(dose_mg=1, duration_min=1, start_min=2 * i)
    ax = ketpk.plot(simulated(order))
    assert len(bars(ax)) == 50
    assert len({bar.get_y() for bar in bars(ax)}) == 1
    assert "50 inputs, 50 mg base" in ax.get_title(loc="left")


# What was delivered


def test_a_bar_is_what_went_in() -> None:
    r = simulated(HALF, **HAPPENED)
    (bar,) = _plot.drawn(r).bars
    assert r.delivery is not None
    (one,) = r.delivery.inputs
    assert [(p.from_min, p.until_min, p.mg_per_min) for p in one.pieces] == list(bar.runs)
    assert bar.amount_mg == one.delivered_mg and bar.ordered_mg == one.ordered_mg == 35 and not bar.is_bolus
    assert [event for _, event in bar.marks] == [e.event for e in r.delivery.events]
    assert (bar.start_min, bar.end_min) == (0, 56)
    edges = {round(x * 60e6) for run in bar.runs for x in run[:2]}
    assert edges <= set(_plot.drawn(r).time_us.tolist())


def test_a_paused_infusion_has_a_gap_and_its_events_are_marked() -> None:
    r = simulated(HALF, **HAPPENED)
    ax = ketpk.plot(r)
    drawn = sorted((p.get_x(), p.get_x() + p.get_width()) for p in bars(ax))
    assert np.array(drawn) == pytest.approx(np.array([(0, 10), (20, 30), (30, 36), (50, 56)]))
    gaps = [line.get_xdata() for line in ax.lines if line.get_label() == "_gap"]
    assert [list(g) for g in gaps] == [[10, 20], [36, 50]]
    signs = [c.get_offsets()[0][0] for c in ax.collections if isinstance(c, collections.PathCollection)]
    assert signs == pytest.approx([15, 30, 36, 50, 56])  # the pause that ended in its middle
    words = " ".join(t.get_text() for t in ax.texts)
    assert f"{_plot.told_number(_plot.drawn(r).bars[0].amount_mg)} of 35 mg" in words
    assert "pause at 10 min, resume at 20 min, change of rate at 30 min, stop at 36 min" in words


def test_what_is_flagged_as_delivered_is_hatched() -> None:
    faster = [ketpk.change_rate(0, at_min=20, rate_mL_per_h=80)]
    r = simulated(HALF, bag_mg_per_mL=1, events=faster)
    assert "RATE_PER_WEIGHT_HIGH" in {f.code for f in r.flags if f.severity == "hard"}
    (bar,) = _plot.drawn(r).bars
    assert bar.severity == "hard" and ("hard", "rate_per_weight") in bar.flagged
    (as_ordered,) = _plot.drawn(simulated(HALF, bag_mg_per_mL=1)).bars
    assert ("hard", "rate_per_weight") not in as_ordered.flagged


def test_what_comes_out_of_a_line_is_a_bar_of_its_own() -> None:
    r = simulated(HALF, **LINE)
    ordered, primed = _plot.drawn(r).bars
    assert r.delivery is not None and r.delivery.line is not None
    assert primed.amount_mg == pytest.approx(r.delivery.line.delivered_mg) == pytest.approx(3)
    assert ordered.start_min == pytest.approx(3 / 0.875) and ordered.due_min == 0 and len(ordered.runs) == 2
    assert "0.5 mg/kg over 40 min, 70 kg" in ketpk.plot(r).get_title(loc="left")


def test_a_course_that_went_on_is_drawn_with_what_it_carries() -> None:
    state = simulated(HALF).state(at_min=25)
    later = ketpk.bolus(dose_mg=5, start_min=60)
    words = {"model": "kamp2020", "analyte": "racemic-ketamine", "form": "base"}
    patient = ketpk.Patient(weight_kg=70, age_yr=42, height_cm=175)
    r = ketpk.simulate(patient, later, **words, initial_state=state, under_way="continue")
    carried, bolus = _plot.drawn(r).bars
    assert carried.runs == ((0.0, 40.0, 0.875),) and bolus.is_bolus and bolus.start_min == 60
    assert _plot.drawn(r).curves[0].ng_per_mL.max() == pytest.approx(r.summary.cmax_ng_per_mL)
    again = _plot.drawn(pickle.loads(pickle.dumps(r)))
    assert again.bars == (carried, bolus)
    assert again.curves[0].ng_per_mL.tobytes() == _plot.drawn(r).curves[0].ng_per_mL.tobytes()


def test_a_saturable_model_is_drawn_like_any_other() -> None:
    document = json.loads(INTRANASAL.read_text())
    del document["parameters"]["CL"], document["golden"], document["variability"]
    document["parameters"]["Vmax"] = {"value": "60 mg/h", "source": "illustrative"}
    document["parameters"]["Km"] = {"value": "0.4 mg/L", "source": "illustrative"}
    r = simulated(HALF, model=document, **HAPPENED)
    for result in (r, ketpk.Result.from_json(r.to_json())):
        d = _plot.drawn(result)
        assert [c.kind for c in d.curves] == ["plasma", "effect site", "metabolite"]
        at = np.searchsorted(d.time_us, r.profile.time_us)
        inside = d.time_us[np.minimum(at, len(d.time_us) - 1)] == r.profile.time_us
        assert inside.sum() > 5
        assert (d.curves[0].ng_per_mL[at[inside]] == r.profile.plasma_ng_per_mL[inside]).all()


def test_more_instants_than_one_session_can_hold_can_be_asked_for() -> None:
    r = simulated(HALF, limits=None)
    time_us = np.arange(70_000, dtype=np.int64) * 480_000_001
    for result in (r, ketpk.Result.from_json(r.to_json())):
        asked = _plot._road(result)[1](time_us)["plasma_ng_per_mL"]
        some = [0, 40_000, 69_999]
        exact = simulated(HALF, limits=None, at_min=time_us[some] / 60e6).profile.plasma_ng_per_mL
        assert asked.shape == time_us.shape
        assert asked[some] == pytest.approx(exact, rel=1e-12)


def test_many_crossings_are_still_found_closely() -> None:
    order = ketpk.infusion(dose_mg=4, duration_min=2)
    for i in range(1, 150):
        order += ketpk.infusion(dose_mg=4, duration_min=2, start_min=120 * i)
    r = simulated(order, every_min=1000, until_min=20_000)
    (minutes,) = (f for f in r.flags if f.limit_id == "minutes")
    spans = [s for s in _plot.drawn(r).spans if s.limit_id == "minutes"]
    assert len(spans) > 100
    assert sum(s.end_min - s.start_min for s in spans) == pytest.approx(minutes.minutes, rel=1e-2)


def test_what_cannot_be_drawn_is_refused() -> None:
    r = simulated(HALF)
    for wrong, code in (
        (lambda: ketpk.plot(), "E_FIELD_MISSING"),
        (lambda: ketpk.plot(r, r, labels=["one"]), "E_COLUMNS"),
        (lambda: ketpk.plot(r, labels="a"), "E_TYPE"),
        (lambda: ketpk.plot(r, limits=5), "E_TYPE"),
        (lambda: ketpk.plot(r, limits="no such file.json"), "E_IO"),
        (lambda: ketpk.plot(r, "r"), "E_TYPE"),
    ):
        with pytest.raises(ketpk.InvalidInput) as caught:
            wrong()
        assert caught.value.code == code


def test_importing_ketpk_does_not_import_matplotlib() -> None:
    source = str(pathlib.Path(inspect.getfile(ketpk)).parents[1])
    script = f"import sys; sys.path.insert(0, {source!r}); import ketpk; print('matplotlib' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="pip install matplotlib, which is ketpk's extra 'plot'"):
        ketpk.plot(simulated(HALF))


def write() -> None:
    BASELINE.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        draw().figure.savefig(BASELINE / f"{name}.png", dpi=DPI, metadata={"Software": None})
        pyplot.close("all")
    (BASELINE / "matplotlib.txt").write_text(matplotlib.__version__ + "\n")


def test_a_result_that_this_version_would_not_give_is_not_drawn() -> None:
    result = simulated(HALF)
    document = result.to_dict()
    document["summary"]["cmax_ng_per_mL"] *= 1 + 1e-12
    with pytest.raises(ketpk.InvalidInput, match="E_STATE results"):
        ketpk.Result.from_json(json.dumps(document)).plot()
    pyplot.close("all")


def test_axes_that_hold_a_plot_are_refused() -> None:
    result = simulated(HALF)
    figure, ax = pyplot.subplots(layout="constrained")
    result.plot(ax=ax)
    with pytest.raises(ketpk.InvalidInput, match="E_STATE ax"):
        result.plot(ax=ax)
    ax.cla()
    assert result.plot(ax=ax) is ax
    pyplot.close(figure)


def test_results_of_different_patients_are_told_apart_in_the_legend() -> None:
    words = dict(model="kamp2020", analyte="racemic-ketamine", form="base", drug_free=True)
    order = ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40)
    two = [ketpk.simulate(ketpk.Patient(weight_kg=kg), order, **words) for kg in (70, 100)]
    ax = ketpk.plot(*two)
    shown = [text.get_text() for legend in ax.figure.findobj(Legend) for text in legend.get_texts()]
    assert any("70 kg" in text for text in shown) and any("100 kg" in text for text in shown)
    pyplot.close(ax.figure)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python python/tests/test_plot.py --write")
    write()
