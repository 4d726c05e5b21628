# SPDX-License-Identifier: Apache-2.0
"""Facts about cohorts: the command's bytes, profiles right where they belong, runs that can be watched and stopped, and
what is refused."""

from __future__ import annotations

import copy
import io
import itertools
import json
import pathlib
import pickle
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from conftest import ORDER, ROOT, child, command

import ketpk

WORDS: dict[str, Any] = {"model": "otto2021", "analyte": "s-ketamine", "form": "base", "drug_free": True}
SOURCE = "invented for this test"
PEOPLE: dict[str, Any] = {
    "covariates": [
        {
            "name": "weight",
            "lognormal": {"median": "75 kg", "cv": 0.2, "low": "45 kg", "high": "120 kg"},
            "source": SOURCE,
        },
        {"name": "age", "uniform": {"low": "20 yr", "high": "65 yr"}, "source": SOURCE},
    ]
}
OMEGA = {"parameters": ["CL", "V1"], "omega": [[0.0862, 0.02], [0.02, 0.0862]], "source": SOURCE}
SAMPLED: dict[str, Any] = {"every_min": 5, "until_min": 120}
LIMITS = ROOT / "examples" / "cohort_limits.json"
EXAMPLE = ROOT / "examples" / "cohort.json"


def asked(**changed: Any) -> dict[str, Any]:
    keywords = {**WORDS, "people": PEOPLE, "subjects": 500, "seed": 7, **SAMPLED, **changed}
    return {key: value for key, value in keywords.items() if value is not ...}


def told(**changed: Any) -> ketpk.Cohort:
    return ketpk.cohort(ORDER, **asked(**changed))


def profiles(**changed: Any) -> ketpk.CohortProfiles:
    return ketpk.cohort_profiles(ORDER, **asked(**changed))


def document(cohort: Mapping[str, Any], **session: Any) -> dict[str, Any]:
    """A cohort as a file has it, with what ``asked`` says beside it."""
    return {
        "schema": "ketpk.cohort/1",
        "session": {
            "schema": "ketpk.session/1",
            "patient": {},
            "analyte": "s-ketamine",
            "form": "base",
            "initial_state": "drug-free",
            "order": [{"infuse": "0.5 mg/kg", "over": "40 min"}],
            "model": "otto2021",
            "observe": {"every": "5 min", "until": "2 h"},
            **session,
        },
        "cohort": {"subjects": 500, "seed": 7, "people": PEOPLE, **cohort},
    }


def of_the_command(folder: pathlib.Path, asked: Mapping[str, Any], *options: str, code: int = 0) -> str:
    path = folder / "cohort.json"
    path.write_text(json.dumps(asked))
    done = subprocess.run(
        [str(command()), "cohort", str(path), *options], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (code, "")
    return done.stdout


def refusal(**changed: Any) -> tuple[str, str]:
    with pytest.raises(ketpk.InvalidInput) as caught:
        told(**changed)
    return caught.value.code, caught.value.field


# ---------------------------------------------------------------------------------------------------------------------
# The same answer


def test_the_command_says_the_same_to_the_byte(tmp_path: pathlib.Path) -> None:
    cohort = told(
        limits=LIMITS,
        as_of="2026-11-21",
        time_above_ng_per_mL=100,
        percentiles=[2.5, 50, 97.5],
        keep_subjects=True,
        between_subjects=OMEGA,
        uncertainty={"of": {**OMEGA, "omega": [[0.01, 0], [0, 0.01]]}, "replicates": 20},
        threads=2,
    )
    whole = document(
        {
            "percentiles": [2.5, 50, 97.5],
            "keep_subjects": True,
            "between_subjects": OMEGA,
            "uncertainty": {"of": {**OMEGA, "omega": [[0.01, 0], [0, 0.01]]}, "replicates": 20},
        },
        limits={"file": LIMITS.name},
        as_of="2026-11-21",
        questions={"time_above": ["100 ng/mL"]},
    )
    (tmp_path / LIMITS.name).write_bytes(LIMITS.read_bytes())
    done = subprocess.run(
        [str(command()), "cohort", "-", "--json"],
        input=json.dumps(whole),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    assert cohort.to_json() == done.stdout
    assert cohort.to_csv() == of_the_command(tmp_path, whole, "--csv", code=done.returncode)
    assert cohort.card() == of_the_command(tmp_path, whole, code=done.returncode)
    table = tmp_path / "subjects.csv"
    of_the_command(tmp_path, whole, "--table", str(table), code=done.returncode)
    assert cohort.subjects_to_csv() == table.read_text()
    assert ketpk.cohort_file(tmp_path / "cohort.json").to_json() == done.stdout


def test_a_file_is_answered_as_the_command_answers_it(tmp_path: pathlib.Path) -> None:
    whole = json.loads(EXAMPLE.read_text())
    whole["cohort"]["subjects"] = 2000
    (tmp_path / LIMITS.name).write_bytes(LIMITS.read_bytes())
    (tmp_path / "asked.json").write_text(json.dumps(whole))
    cohort = ketpk.cohort_file(tmp_path / "asked.json", threads=2)
    assert cohort == ketpk.cohort_file(whole, folder=tmp_path)
    done = subprocess.run(
        [str(command()), "cohort", str(tmp_path / "asked.json"), "--json"], capture_output=True, text=True, check=False
    )
    assert cohort.to_json() == done.stdout
    with pytest.raises(ketpk.InvalidInput, match=r"^E_FIELD_MISSING cohort\.seed"):
        ketpk.cohort_file({**whole, "cohort": {"subjects": 3}}, folder=tmp_path)


def test_people_of_a_table_are_the_same_whatever_holds_them(tmp_path: pathlib.Path) -> None:
    random = np.random.default_rng(11)
    columns = {
        "weight_kg": random.uniform(50, 110, 300),
        "age_yr": random.integers(20, 65, 300),
        "sex": ["female" if x else "male" for x in random.integers(0, 2, 300)],
    }
    frame = pandas.DataFrame(columns)
    frame.to_csv(tmp_path / "people.csv", index=False)
    tables = [columns, frame, polars.DataFrame(columns), pyarrow.table(columns), tmp_path / "people.csv"]
    answers = [told(people=each, subjects=300).to_json() for each in tables]
    assert len(set(answers)) == 1
    listed = {name: np.asarray(c).tolist() for name, c in columns.items()}
    whole = document({"subjects": 300, "people": {"table": listed}})
    assert answers[0] == of_the_command(tmp_path, whole, "--json")
    drawn = told(people={"table": frame, "drawn": True}, subjects=1000, keep_subjects=True)
    assert drawn.subjects is not None
    assert set(drawn.subjects["weight_kg"]) <= set(columns["weight_kg"])
    assert len(set(drawn.subjects["weight_kg"])) > 200
    assert (
        ketpk.cohort_file(
            document({"people": {"table": listed, "drawn": True}, "subjects": 1000, "keep_subjects": True})
        )
        == drawn
    )


def test_a_table_may_be_longer_than_a_document() -> None:
    weights = np.linspace(50.0, 110.0, 200_000)  # 2 MB as text, and a document has 1 MiB
    cohort = told(
        people={"weight_kg": weights, "age_yr": np.full(200_000, 40)}, subjects=200_000, every_min=..., until_min=...
    )
    assert (cohort.n_in, cohort.n_ok) == (200_000, 200_000)
    assert cohort.inputs["cohort"]["people"]["rows"] == 200_000


def test_every_subject_is_the_single_patient(tmp_path: pathlib.Path) -> None:
    weights = [52.5, 61.0, 70.0, 88.0, 103.0]
    of_all = profiles(people={"weight_kg": weights, "age_yr": [40] * 5}, subjects=5, between_subjects="none")
    for row, kg in enumerate(weights):
        alone = ketpk.simulate(ketpk.Patient(weight_kg=kg, age_yr=40), ORDER, **WORDS, **SAMPLED)
        np.testing.assert_allclose(of_all.plasma_ng_per_mL[row], alone.profile.plasma_ng_per_mL, rtol=1e-12)
    assert of_all.time_us.tolist() == [int(t * 60e6) for t in range(0, 121, 5)]


def test_bands_are_those_of_the_profiles() -> None:
    whole, rows = told(subjects=3000, percentiles=[0, 5, 50, 95, 100]), profiles(subjects=3000).plasma_ng_per_mL
    for p, curve in whole.percentiles.items():
        np.testing.assert_allclose(curve, np.percentile(rows, p, axis=0, method="linear"), rtol=1e-12)
    np.testing.assert_allclose(whole.mean_ng_per_mL, rows.mean(axis=0), rtol=1e-11)
    assert whole.percentile_error_rel == 0
    many = told(subjects=30_000)
    rows = profiles(subjects=30_000).plasma_ng_per_mL
    assert 0 < many.percentile_error_rel <= 0.005
    for p, curve in many.percentiles.items():
        np.testing.assert_allclose(curve, np.percentile(rows, p, axis=0), rtol=many.percentile_error_rel)


def test_threads_change_no_bit() -> None:
    assert len({told(subjects=5000, threads=n).to_json() for n in (1, 2, 3, 8)}) == 1
    assert len({profiles(subjects=5000, threads=n).plasma_ng_per_mL.tobytes() for n in (1, 2, 3, 8)}) == 1


def test_a_part_of_a_cohort_is_that_part_of_it() -> None:
    whole = profiles(subjects=700).plasma_ng_per_mL
    parts = [profiles(subjects=n, first=first).plasma_ng_per_mL for first, n in ((0, 13), (13, 500), (513, 187))]
    assert whole.tobytes() == np.concatenate(parts).tobytes()
    assert profiles(subjects=700, seed=8).plasma_ng_per_mL.tobytes() != whole.tobytes()


def test_what_a_cohort_says_is_what_its_json_says() -> None:
    cohort = told(
        limits=LIMITS,
        as_of="2026-11-21",
        time_above_ng_per_mL=[50, 100],
        keep_subjects=True,
        uncertainty={"of": OMEGA, "replicates": 30},
    )
    whole = cohort.to_dict()
    assert (cohort.n_in, cohort.n_ok, cohort.n_failed, len(cohort)) == (500, 500, 0, 500)
    assert cohort.time_min.tolist() == whole["profile"]["time_min"]
    assert cohort.mean_ng_per_mL.tolist() == whole["profile"]["mean_ng_per_mL"]
    for block, (p, curve) in zip(whole["profile"]["percentiles"], cohort.percentiles.items()):
        assert (block["percentile"], block["ng_per_mL"]) == (p, curve.tolist())
        assert cohort.columns[f"p{p:g}_low_ng_per_mL"].tolist() == block["low_ng_per_mL"]
    for block in whole["summaries"]:
        of = cohort.summaries[block["name"]]
        assert (of.mean, of.lowest, of.highest) == (block["mean"], block["lowest"], block["highest"])
        assert list(of.at_percentiles.values()) == block["at_percentiles"]
        assert of.median_interval95 == ketpk.Interval95(**block["median_interval95"])
    limit = cohort.limits["plasma-peak-venous"]
    assert limit.beyond_any is not None and limit.max_probability == 0.05
    assert limit.beyond_any.share == limit.beyond_any.hits / limit.beyond_any.of
    peaks = cohort.subjects["cmax_ng_per_mL"]  # type: ignore[index]
    assert limit.beyond_any.hits == np.count_nonzero(peaks > 200 * (1 + 1e-9))
    assert str(cohort.verdict) == whole["assessment"]["verdict"]
    again = cohort.replicates
    assert again is not None and again.count == 30
    assert again.percentiles[50].shape == (30, 25)
    low, high = np.percentile(again.medians["cmax_ng_per_mL"], [2.5, 97.5])
    of = cohort.summaries["cmax_ng_per_mL"]
    assert of.median_interval95 is not None
    np.testing.assert_allclose([low, high], [of.median_interval95.low, of.median_interval95.high], rtol=1e-12)
    low, high = np.percentile(again.percentiles[50], [2.5, 97.5], axis=0)
    np.testing.assert_allclose(cohort.columns["p50_low_ng_per_mL"], low, rtol=1e-12)
    np.testing.assert_allclose(cohort.columns["p50_high_ng_per_mL"], high, rtol=1e-12)


def test_bands_and_subjects_become_tables_of_others() -> None:
    cohort = told(keep_subjects=True)
    header = cohort.to_csv().partition("\n")[0].split(",")
    assert list(cohort.columns) == list(cohort.to_pandas().columns) == cohort.to_polars().columns == header
    assert pyarrow.table(cohort).column_names == header
    assert cohort.subjects is not None
    frame = cohort.subjects.to_pandas()
    written = pandas.read_csv(io.StringIO(cohort.subjects_to_csv()))
    assert list(frame.columns) == [c for c in written.columns if not c.startswith("error")]
    np.testing.assert_array_equal(frame["cmax_ng_per_mL"], written["cmax_ng_per_mL"])
    assert cohort.subjects.to_arrow().num_rows == cohort.subjects.to_polars().height == 500
    with pytest.raises(ketpk.InvalidInput, match="^E_STATE keep_subjects"):
        told().subjects_to_csv()


def test_a_cohort_is_a_value() -> None:
    cohort = told(keep_subjects=True, limits=LIMITS, as_of="2026-11-21", uncertainty={"of": OMEGA, "replicates": 5})
    again = pickle.loads(pickle.dumps(cohort))
    assert again == cohort and hash(again) == hash(cohort) and copy.deepcopy(cohort) is cohort
    assert again.to_csv() == cohort.to_csv() and again.subjects == cohort.subjects
    assert again.replicates == cohort.replicates and again.columns == cohort.columns
    assert again.summaries == cohort.summaries and again.limits == cohort.limits
    assert repr(again) == repr(cohort) and again._repr_html_() == cohort._repr_html_()
    with pytest.raises(ketpk.InvalidInput, match="^E_STATE card"):
        again.card()
    for value in (cohort, cohort.verdict, cohort.assessment, cohort.limits["plasma-peak-venous"], profiles()):
        with pytest.raises(TypeError, match="truth value"):
            bool(value)
    with pytest.raises(AttributeError):
        cohort.n_in = 3  # type: ignore[misc]
    for array in (cohort.time_min, cohort.time_us, cohort.mean_ng_per_mL, cohort.percentiles[50]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert told(seed=8) != told()


# ---------------------------------------------------------------------------------------------------------------------
# Who fails


def test_a_subject_who_cannot_be_is_listed_and_without_asking_there_are_no_statistics() -> None:
    weights = [60.0 + i % 30 for i in range(100)]
    weights[61] = 900.0
    people = {"weight_kg": weights, "age_yr": [30 + i % 20 for i in range(100)]}
    cohort = told(people=people, subjects=100)
    assert (cohort.n_in, cohort.n_ok, cohort.n_failed) == (100, 99, 1)
    assert [(f.subject, f.code, f.field) for f in cohort.failed] == [(61, "E_RANGE", "patient.weight")]
    assert not cohort.has_statistics
    for name in ("mean_ng_per_mL", "percentiles", "summaries", "limits", "columns", "percentile_error_rel"):
        with pytest.raises(ketpk.InvalidInput, match="^E_STATE despite_failures"):
            getattr(cohort, name)
    with pytest.raises(ketpk.InvalidInput, match="^E_STATE"):
        cohort.plot()
    assert "No statistics" in cohort._repr_html_() and "subject 61" in cohort._repr_html_()
    assert "1 failed" in repr(cohort)
    others = told(people=people, subjects=100, despite_failures=True)
    assert others.n_failed == 1 and others.has_statistics and len(others.mean_ng_per_mL) == 25
    rows = profiles(people=people, subjects=100)
    assert np.isnan(rows.plasma_ng_per_mL[61]).all()
    assert np.isfinite(np.delete(rows.plasma_ng_per_mL, 61, axis=0)).all()
    assert (rows.n_in, rows.n_ok, rows.n_failed) == (100, 99, 1)
    assert rows.failed == cohort.failed
    assert pickle.loads(pickle.dumps(cohort)) == cohort


# ---------------------------------------------------------------------------------------------------------------------
# Right into memory


def test_profiles_are_written_where_the_array_is() -> None:
    out = np.full((500, 25), -1.0)
    address = out.ctypes.data
    made = profiles(out=out)
    assert made.plasma_ng_per_mL is out and out.ctypes.data == address
    assert out.tobytes() == profiles().plasma_ng_per_mL.tobytes()
    part = np.full((600, 25), -1.0)
    profiles(out=part[50:550])
    assert part[50:550].tobytes() == out.tobytes()
    assert (part[:50] == -1).all() and (part[550:] == -1).all()


def test_new_memory_is_aligned_and_is_not_there_twice() -> None:
    for subjects, to in ((3, 64), (40_000, 2 << 20)):
        rows = profiles(subjects=subjects).plasma_ng_per_mL
        assert rows.ctypes.data % to == 0 and rows.flags.c_contiguous and rows.flags.writeable
        assert rows.dtype == np.float64 and rows.shape == (subjects, 25)
    code = """
import re, ketpk
def most():
    return 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
words = dict(model="otto2021", analyte="s-ketamine", form="base", drug_free=True, every_min=1, until_min=240)
people = dict(patient=ketpk.Patient(weight_kg=70, age_yr=40), seed=1)
order = ketpk.infusion(dose_mg_per_kg=0.5, duration_min=40)
ketpk.cohort_profiles(order, subjects=1000, **people, **words)
before = most()
rows = ketpk.cohort_profiles(order, subjects=100_000, **people, **words).plasma_ng_per_mL
print((most() - before) / rows.nbytes)
"""
    assert 0.9 < float(child(code)) < 1.1


@pytest.mark.parametrize(
    ("out", "code"),
    [
        (np.zeros((500, 24)), "E_SIZE"),
        (np.zeros((25, 500)), "E_SIZE"),
        (np.zeros(500 * 25), "E_SIZE"),
        (np.zeros((25, 500)).T, "E_SIZE"),
        (np.zeros((500, 50))[:, ::2], "E_SIZE"),
        (np.zeros((500, 25), dtype=np.float32), "E_TYPE"),
        (np.zeros((500, 25), dtype=">f8"), "E_TYPE"),
        (np.zeros((500, 25), dtype=np.int64), "E_TYPE"),
        (np.ma.zeros((500, 25)), "E_TYPE"),
        ([[0.0] * 25] * 500, "E_TYPE"),
        (np.broadcast_to(np.zeros(25), (500, 25)), "E_SIZE"),
        (np.frombuffer(bytes(500 * 25 * 8)).reshape(500, 25), "E_ARG"),
        (np.frombuffer(bytearray(500 * 25 * 8 + 1), dtype=np.uint8)[1:].view(np.float64).reshape(500, 25), "E_ARG"),
    ],
)
def test_an_array_that_cannot_take_the_profiles_is_refused(out: Any, code: str) -> None:
    with pytest.raises(ketpk.InvalidInput) as caught:
        profiles(out=out)
    assert (caught.value.code, caught.value.field) == (code, "out")
    assert isinstance(caught.value, TypeError) == (code == "E_TYPE")


def test_a_request_that_is_refused_leaves_an_array_as_it_was() -> None:
    out = np.full((500, 25), -1.0)
    with pytest.raises(ketpk.InvalidInput):
        profiles(out=out, model="otto2021", analyte="r-ketamine")
    assert (out == -1).all()
    with pytest.raises(ketpk.InvalidInput, match="^E_FIELD_MISSING observe"):
        profiles(every_min=..., until_min=...)


# ---------------------------------------------------------------------------------------------------------------------
# Watched, and stopped

LONG: dict[str, Any] = {"subjects": 20_000_000, "every_min": 1, "until_min": 240}


class Interrupted:
    """Interrupts this process so many seconds from now, and knows when it did."""

    def __init__(self, after_s: float) -> None:
        self.after_s, self.at = after_s, 0.0

    def __call__(self) -> None:
        time.sleep(self.after_s)
        self.at = time.perf_counter()
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_ends_a_cohort_within_200_ms(threads: int) -> None:
    took = []
    for _ in range(3):
        interrupt = Interrupted(0.3)
        beside = threading.Thread(target=interrupt)
        beside.start()
        with pytest.raises(KeyboardInterrupt):
            told(**LONG, threads=threads)
        took.append(time.perf_counter() - interrupt.at)
        beside.join()
    assert min(took) < 0.2, took


def test_an_interrupt_is_seen_where_each_subject_takes_milliseconds() -> None:
    who = ketpk.Patient(weight_kg=70, age_yr=40, covariates={"RACE_ASIAN": 0})
    took = []
    for _ in range(3):
        interrupt = Interrupted(0.3)
        beside = threading.Thread(target=interrupt)
        beside.start()
        with pytest.raises(KeyboardInterrupt):
            told(subjects=100_000, model="perezruixo2021", between_subjects="none", people=None, patient=who)
        took.append(time.perf_counter() - interrupt.at)
        beside.join()
    assert min(took) < 0.2, took


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_leaves_nothing_in_an_array(threads: int) -> None:
    out = np.zeros((200_000, 241))
    took = []
    for _ in range(3):
        out.fill(0)
        at = [0.0]

        def interrupt(done: int, of: int, at: list[float] = at) -> None:
            at[0] = time.perf_counter()
            signal.raise_signal(signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            profiles(subjects=200_000, every_min=1, until_min=240, out=out, threads=threads, progress=interrupt)
        took.append(time.perf_counter() - at[0])
        assert np.isnan(out).all()
    assert min(took) < 0.3, took  # 386 MB are filled with NaN meanwhile


@pytest.mark.parametrize("threads", [1, 3])
def test_progress_is_told_and_what_it_raises_is_passed_on(threads: int) -> None:
    seen: list[tuple[int, int]] = []
    told(
        subjects=200_000, every_min=1, until_min=240, threads=threads, progress=lambda done, of: seen.append((done, of))
    )
    assert len(seen) >= 2 and seen[-1] == (200_000, 200_000)
    assert {of for _, of in seen} == {200_000}
    assert all(a[0] <= b[0] for a, b in itertools.pairwise(seen))
    seen.clear()
    told(subjects=100, uncertainty={"of": OMEGA, "replicates": 9}, progress=lambda done, of: seen.append((done, of)))
    assert seen[-1] == (1000, 1000)

    class Enough(Exception):
        pass

    def enough(done: int, of: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        told(**LONG, threads=threads, progress=enough)
    out = np.zeros((200_000, 241))
    with pytest.raises(Enough):
        profiles(subjects=200_000, every_min=1, until_min=240, out=out, threads=threads, progress=enough)
    assert np.isnan(out).all()
    with pytest.raises(Enough):
        profiles(**LONG | {"subjects": 1_000_000}, progress=enough)
    out = np.zeros((5, 25))
    with pytest.raises(Enough):  # too short to be told of before its end
        profiles(subjects=5, out=out, progress=enough)
    assert np.isnan(out).all()


def test_a_bar_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    told(progress=True)
    shown = capsys.readouterr()
    assert shown.out == "" and "500/500" in shown.err
    assert refusal(progress=3) == ("E_TYPE", "progress")


def test_others_run_meanwhile() -> None:
    counted = [0]
    stop = threading.Event()

    def count() -> None:
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0.001)

    beside = threading.Thread(target=count)
    beside.start()
    start, before = time.perf_counter(), counted[0]
    told(subjects=300_000, every_min=1, until_min=240)
    took, ticks = time.perf_counter() - start, counted[0] - before
    stop.set()
    beside.join()
    assert ticks > 50 * took  # of some 900 a second on an idle machine


# ---------------------------------------------------------------------------------------------------------------------
# What is refused


def test_there_is_no_default_seed() -> None:
    with pytest.raises(TypeError, match="seed"):
        ketpk.cohort(ORDER, **asked(seed=...))
    with pytest.raises(TypeError, match="subjects"):
        ketpk.cohort(ORDER, **asked(subjects=...))
    with pytest.raises(TypeError, match="seed"):
        ketpk.cohort_profiles(ORDER, **asked(seed=...))


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"people": ...}, "E_FIELD_MISSING", "people"),
        ({"people": 3}, "E_TYPE", "people"),
        ({"people": {}}, "E_FIELD_MISSING", "people"),
        ({"people": {"weight_kg": []}}, "E_FIELD_MISSING", "people"),
        ({"people": {"weight_kg": [70.0, None], "age_yr": [40, 40]}}, "E_TYPE", "weight_kg"),
        ({"people": {"weight_kg": [70.0, float("nan")], "age_yr": [40, 40]}}, "E_NONFINITE", "weight_kg"),
        ({"people": {"weight_kg": np.array([70, 71], dtype=np.float32)}}, "E_TYPE", "weight_kg"),
        ({"people": {"weight_kg": [70.0], "age_yr": [40, 41]}}, "E_COLUMNS", "people"),
        (
            {"people": {"weight_lb": [150.0], "age_yr": [40]}, "subjects": 1},
            "E_UNIT_UNKNOWN",
            "cohort.people.table.weight_lb",
        ),
        ({"people": {"weight": [70.0], "age_yr": [40]}, "subjects": 1}, "E_UNIT_MISSING", "cohort.people.table.weight"),
        (
            {"people": {"weight_kg": [70.0], "sex": ["f"], "age_yr": [40]}, "subjects": 1},
            "E_RANGE",
            "cohort.people.table.sex[0]",
        ),
        ({"people": {"weight_kg": [70.0], "age_yr": [40]}, "subjects": 2}, "E_SIZE", "cohort.subjects"),
        ({"people": {"covariates": []}}, "E_FIELD_MISSING", "cohort.people.weight"),
        (
            {"people": {"covariates": [{"name": "weight", "constant": "70 kg"}]}},
            "E_FIELD_MISSING",
            "cohort.people.covariates[0].source",
        ),
        ({"people": {**PEOPLE, "female_share": 1.5}}, "E_RANGE", "cohort.people.female_share"),
        ({"people": {**PEOPLE, "correlation": [[1, 2], [2, 1]]}}, "E_RANGE", "cohort.people.correlation[1][0]"),
        ({"people": "nobody.csv"}, "E_IO", "cohort.people.csv"),
        ({"patient": 70}, "E_TYPE", "patient"),
        ({"subjects": 0}, "E_RANGE", "cohort.subjects"),
        ({"subjects": -1}, "E_RANGE", "cohort.subjects"),
        ({"subjects": 1e6}, "E_TYPE", "subjects"),
        ({"subjects": True}, "E_TYPE", "subjects"),
        ({"subjects": 2_000_000_000}, "E_SIZE", "cohort.subjects"),
        ({"seed": -1}, "E_RANGE", "cohort.seed"),
        ({"seed": 2**64}, "E_TYPE", "cohort.seed"),
        ({"seed": 1.5}, "E_TYPE", "seed"),
        ({"seed": "7"}, "E_TYPE", "seed"),
        ({"seed": None}, "E_TYPE", "seed"),
        ({"first": -1}, "E_RANGE", "cohort.first"),
        ({"first": 0.5}, "E_TYPE", "first"),
        ({"threads": 0}, "E_RANGE", "threads"),
        ({"threads": 2.0}, "E_TYPE", "threads"),
        ({"threads": 1025}, "E_RANGE", "threads"),
        ({"percentiles": []}, "E_FIELD_MISSING", "cohort.percentiles"),
        ({"percentiles": [50, 5]}, "E_RANGE", "cohort.percentiles[1]"),
        ({"percentiles": [101]}, "E_RANGE", "cohort.percentiles[0]"),
        ({"percentiles": 50}, "E_TYPE", "percentiles"),
        ({"percentiles": [float("nan")]}, "E_NONFINITE", "percentiles[0]"),
        ({"between_subjects": "some"}, "E_RANGE", "cohort.between_subjects"),
        ({"between_subjects": None}, "E_TYPE", "between_subjects"),
        (
            {"between_subjects": {"parameters": ["CL"], "omega": [[0.09]]}},
            "E_FIELD_MISSING",
            "cohort.between_subjects.source",
        ),
        ({"between_subjects": {**OMEGA, "omega": [[0.09, 0.2], [0.2, 0.09]]}}, ..., "cohort.between_subjects.omega"),
        ({"between_subjects": {**OMEGA, "parameters": ["CL", "no"]}}, "E_MODEL_PARAM", ...),
        ({"between_occasions": 0.1}, "E_TYPE", "between_occasions"),
        ({"between_occasions": {}}, "E_FIELD_MISSING", "cohort.between_occasions.source"),
        ({"residual_error": 1}, "E_TYPE", "residual_error"),
        ({"uncertainty": 200}, "E_TYPE", "uncertainty"),
        ({"uncertainty": {"of": OMEGA, "replicates": 0}}, "E_RANGE", "cohort.uncertainty.replicates"),
        ({"uncertainty": {"of": OMEGA}}, "E_FIELD_MISSING", "cohort.uncertainty.replicates"),
        ({"keep_subjects": "yes"}, "E_TYPE", "keep_subjects"),
        ({"keep_subjects": True, "subjects": 1_000_001}, "E_SIZE", "cohort.keep_subjects"),
        ({"despite_failures": 1}, "E_TYPE", "despite_failures"),
        ({"model": "all"}, "E_MODEL_UNKNOWN", "model"),
        ({"model": "kamp"}, "E_MODEL_UNKNOWN", "model"),
        ({"model": "kamp2020", "analyte": "racemic-ketamine"}, "E_MODEL_PARAM", "cohort.between_subjects"),
        ({"drug_free": False}, "E_STATE", "drug_free"),
        ({"limits": 3}, "E_TYPE", "limits"),
        ({"every_min": 0.001}, "E_SIZE", "observe"),
        ({"time_above_ng_per_mL": -1}, ..., "questions.time_above[0]"),
        ({"order": None}, "E_TYPE", "order"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_code_and_field(changed: dict[str, Any], code: Any, field: Any) -> None:
    order = changed.pop("order", ORDER)
    with pytest.raises(ketpk.InvalidInput) as caught:
        ketpk.cohort(order, **asked(**changed))
    found = caught.value.code, caught.value.field
    assert found == (found[0] if code is ... else code, found[1] if field is ... else field)
    assert "; accepted: " in caught.value.message


def test_bad_cells_are_named() -> None:
    with pytest.raises(ketpk.InvalidInput) as caught:
        told(people=pandas.DataFrame({"weight_kg": [70.0, np.nan], "age_yr": [40, 41]}), subjects=2)
    assert (caught.value.row, caught.value.column) == (1, "weight_kg")
    with pytest.raises(ketpk.InvalidInput) as caught:
        told(people={"weight_kg": [70.0, 80.0], "age_yr": [40, 41], "sex": ["male", 1]}, subjects=2)
    assert (caught.value.row, caught.value.column) == (1, "sex")


def test_a_patient_is_who_all_are_or_what_people_leave_open() -> None:
    alike = told(
        people=None, patient=ketpk.Patient(weight_kg=80, age_yr=40), between_subjects="none", percentiles=[0, 100]
    )
    np.testing.assert_array_equal(alike.percentiles[0], alike.percentiles[100])
    only_weights = {"covariates": PEOPLE["covariates"][:1]}
    light, heavy = (told(people=only_weights, patient=ketpk.Patient(weight_kg=kg, age_yr=50)) for kg in (50, 110))
    assert light.columns == heavy.columns == told(people=only_weights).columns
    by_lean = told(people=only_weights, patient=ketpk.Patient(weight_kg=50, dosing_weight_kg=60, age_yr=50))
    assert by_lean.columns != light.columns


def test_where_all_fail_there_is_nothing_even_if_asked() -> None:
    cohort = told(people=None, patient=ketpk.Patient(weight_kg=50, age_yr=4), subjects=20, despite_failures=True)
    assert (cohort.n_in, cohort.n_ok, cohort.n_failed) == (20, 0, 20)
    assert {(f.code, f.field) for f in cohort.failed} == {("E_MODEL_DOMAIN", "patient.age")}
    weights = told(people={"covariates": PEOPLE["covariates"][:1]}, patient=ketpk.Patient(weight_kg=50, age_yr=4))
    assert {(f.code, f.field) for f in weights.failed} == {("E_MODEL_DOMAIN", "patient.age")} and weights.n_ok == 0
    with pytest.raises(ketpk.InvalidInput, match="^E_STATE despite_failures: nobody could be answered"):
        _ = cohort.summaries
    with pytest.raises(ketpk.InvalidInput, match="^E_STATE"):
        cohort.plot("cmax_ng_per_mL")


# ---------------------------------------------------------------------------------------------------------------------
# Looked at


def limited(**changed: Any) -> ketpk.Cohort:
    return told(**{"limits": LIMITS, "as_of": "2026-11-21", "every_min": 1, "until_min": 180, **changed})


def test_a_picture_of_the_bands_says_what_is_crossed_and_how_often() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    cohort = limited(percentiles=[5, 25, 50, 75, 95, 99])
    ax = cohort.plot()
    beyond = cohort.limits["plasma-peak-venous"].beyond_any
    said = [t.get_text() for t in ax.texts]
    assert f"soft 200 ng/mL: {beyond} of subjects peak above it" in said
    assert re.fullmatch(r"[\d.]+ % \([\d.]+ to [\d.]+\)", str(beyond))
    legend = [t.get_text() for t in ax.get_legend().get_texts()]
    assert legend == [
        "middle 90 % of subjects (5 to 95 %)",
        "middle 50 % of subjects (25 to 75 %)",
        "median",
        "99 % of subjects are below",
        "mean",
    ]
    assert "otto2021" in ax.get_title(loc="left") and "venous" in ax.get_ylabel() and "s-ketamine" in ax.get_ylabel()
    median = next(line for line in ax.lines if line.get_label() == "median")
    np.testing.assert_array_equal(median.get_ydata(), cohort.percentiles[50])
    with pytest.raises(ketpk.InvalidInput, match="^E_RANGE quantity"):
        cohort.plot("cmax")
    with pytest.raises(ketpk.InvalidInput, match="^E_FIELD_MISSING observe"):
        told(every_min=..., until_min=...).plot()
    pyplot.close("all")


def test_a_limit_of_another_site_is_no_line() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    arterial = json.loads(LIMITS.read_text())
    for limit in arterial["limits"]:
        if "site" in limit:
            limit["site"] = "arterial"
    ax = limited(limits=arterial).plot()
    assert not any("ng/mL:" in t.get_text() for t in ax.texts)
    pyplot.close("all")


def test_a_picture_of_peaks_is_the_share_of_subjects_above() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    kept, few = limited(keep_subjects=True), limited(percentiles=[10, 50, 90])
    ax = kept.plot("cmax_ng_per_mL")
    curve = next(line for line in ax.lines if line.get_label() == "subjects above")
    x, y = curve.get_data()
    beyond = kept.limits["plasma-peak-venous"].beyond_any
    assert beyond is not None
    assert np.interp(200, x, y) == pytest.approx(100 * beyond.share, abs=0.3)
    assert any(str(beyond) in t.get_text() for t in ax.get_legend().get_texts())
    points = few.plot("cmax_ng_per_mL").lines[0]
    assert points.get_ydata().tolist() == [100, 90, 50, 10, 0]
    of = few.summaries["cmax_ng_per_mL"]
    assert points.get_xdata().tolist() == [of.lowest, *of.at_percentiles.values(), of.highest]
    assert "time" in few.plot("tmax_min").get_xlabel()
    pyplot.close("all")


def test_a_card_for_a_notebook_escapes_what_others_wrote() -> None:
    cohort = limited()
    shown = cohort._repr_html_()
    beyond = cohort.limits["plasma-peak-venous"].beyond_any
    assert str(beyond) in shown and "500 = 500 answered + 0 failed" in shown and "STATUS EXAMPLE" in shown
    evil = json.loads(LIMITS.read_text())
    evil["id"] = "<script>alert(1)</script>"
    try:
        hurt = limited(limits=evil)
    except ketpk.InvalidInput:
        return
    assert "<script" not in hurt._repr_html_()


def test_a_share_is_told_as_everywhere() -> None:
    cohort = limited(subjects=2000)
    beyond = cohort.limits["plasma-peak-venous"].beyond_any
    assert beyond is not None
    assert [f.value for f in cohort.flags if f.limit_id == "plasma-peak-venous"] == [str(beyond)]
    assert f"beyond a bound {beyond}" in " ".join(cohort.card().split())
