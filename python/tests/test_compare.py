# SPDX-License-Identifier: Apache-2.0
"""Facts about several models side by side: as the command says it, as each model says it alone, never put together."""

from __future__ import annotations

import copy
import json
import pathlib
import pickle
import re
import subprocess
import threading
from typing import Any

import numpy as np
import pytest
from conftest import EVERYTHING, LIMITS, ORDER, PATIENT, ROOT, command

import ketpk

WORDS: dict[str, Any] = {"analyte": "racemic-ketamine", "form": "base", "drug_free": True}
EVERY: dict[str, Any] = {"every_min": 7, "until_min": 240, "time_above_ng_per_mL": [100, 0.5]}
PAUSED: dict[str, Any] = {"events": [ketpk.pause(0, at_min=10), ketpk.resume(0, at_min=20)]}


def limits_document() -> dict[str, Any]:
    """Peaks at two sites, of which the arterial one is crossed, and a required one of another site."""
    document: dict[str, Any] = json.loads(LIMITS.read_text())
    for site in ("arterial", "venous"):
        document["limits"].append(
            {
                "id": f"peak-{site}",
                "quantity": "plasma_peak",
                "site": site,
                "soft_high": "200 ng/mL",
                "hard_high": "400 ng/mL",
                "required": True,
                "source": "an invented bound",
            }
        )
    return document


def compared(**changed: Any) -> ketpk.Spread:
    return ketpk.compare(PATIENT, ORDER, **{**WORDS, "assume_enantiomers_alike": True, **EVERY, **changed})


def alone(model: Any, **changed: Any) -> ketpk.Result:
    return ketpk.simulate(
        PATIENT, ORDER, model=model, **{**WORDS, "assume_enantiomers_alike": True, **EVERY, **changed}
    )


def asked_of_the_command(tmp_path: pathlib.Path, *options: str, **changed: Any) -> str:
    session = {
        "schema": "ketpk.session/1",
        "patient": {"weight": "70 kg", "age": "42 yr"},
        "analyte": "racemic-ketamine",
        "form": "base",
        "initial_state": "drug-free",
        "order": [{"infuse": "0.5 mg/kg", "over": "40 min", "at": "0 min"}],
        "model": "all",
        "assume_enantiomers_alike": True,
        "observe": {"every": "7 min", "until": "240 min"},
        "questions": {"time_above": ["100 ng/mL", "0.5 ng/mL"]},
        **changed,
    }
    path = tmp_path / "session.json"
    path.write_text(json.dumps(session))
    done = subprocess.run(
        [str(command()), "simulate", str(path), *options], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.stdout


# ---------------------------------------------------------------------------------------------------------------------
# The same answer


def test_the_command_says_the_same_to_the_byte(tmp_path: pathlib.Path) -> None:
    spread = compared()
    assert spread.to_json() == asked_of_the_command(tmp_path, "--json")
    assert spread.to_csv() == asked_of_the_command(tmp_path, "--csv")
    assert spread.card() == asked_of_the_command(tmp_path)


def test_the_command_says_the_same_with_limits_and_models_of_one_s_own(tmp_path: pathlib.Path) -> None:
    own = copy.deepcopy(EVERYTHING)
    models = ["domino1984", own, "kamp2020"]
    there = asked_of_the_command(tmp_path, "--json", model=models, limits=limits_document(), as_of="2026-11-21")
    here = json.loads(compared(models=models, limits=limits_document(), as_of="2026-11-21").to_json())
    there = json.loads(there)
    # a document that stands in a session has no bytes of its own
    for document in (here, there):
        for answer in document["models"]:
            answer["assessment"]["limits"].pop("sha256")
        document["inputs"]["limits"].pop("sha256", None)
    assert here == there


def test_each_model_says_what_it_says_alone() -> None:
    spread = compared(limits=limits_document())
    assert len(spread) >= 5
    for id, result in spread.items():
        assert result == alone(id, limits=limits_document())
        assert result.profile == alone(id, limits=limits_document()).profile


def test_one_solver_gives_the_same_numbers_and_no_agreement() -> None:
    both, one = compared(), compared(second_solver=False)
    assert [r.summary for r in both.results] == [r.summary for r in one.results]
    assert {r.ketpk.second_solver for r in one.results} == {None}
    assert "agreement_rel" in both.columns and "agreement_rel" not in one.columns


def test_a_model_is_refused_for_what_it_is_refused_for_alone() -> None:
    spread = compared(assume_enantiomers_alike=False)
    refused = {r.id: r for r in spread.refused}
    assert {"otto2021", "herd2007"} <= set(refused)
    for id, r in refused.items():
        with pytest.raises(ketpk.InvalidInput) as e:
            alone(id, assume_enantiomers_alike=False)
        assert (e.value.code, e.value.field, e.value.message) == (r.code, r.field, r.message)
        card = ketpk.models.show(id)
        assert (card.label, card.site) == (r.label, r.site)


def test_who_is_refused_for_age_is_asked_where_it_is_extrapolated() -> None:
    spread = compared(extrapolate=True, models=["kamp2020", "herd2007"])
    assert not spread.refused and "herd2007" in spread
    assert spread.columns["extrapolated"][list(spread).index("herd2007")]


def test_built_in_ids_cards_and_files_may_stand_in_one_list(tmp_path: pathlib.Path) -> None:
    card = json.loads((ROOT / "examples" / "model.json").read_text())
    path = tmp_path / "own.json"
    path.write_text(json.dumps({**card, "id": "of-a-file"}))
    spread = compared(
        models=["domino1984", ketpk.models.show("kamp2020"), path, {**card, "id": "of-a-dict"}], extrapolate=True
    )
    assert list(spread) == ["domino1984", "kamp2020", "of-a-file", "of-a-dict"]
    assert spread["of-a-file"].summary == spread["of-a-dict"].summary


# ---------------------------------------------------------------------------------------------------------------------
# What they amount to


def test_the_ranges_are_those_of_the_results() -> None:
    spread = compared()
    for site in spread.sites:
        members = [spread[id] for id in site.models]
        numbers = {
            "cmax_ng_per_mL": [r.summary.cmax_ng_per_mL for r in members],
            "tmax_min": [r.summary.tmax_min for r in members],
            "auc_inf_ng_h_per_mL": [r.summary.auc_inf_ng_h_per_mL for r in members],
        }
        ranges = [(getattr(site, name), values) for name, values in numbers.items()]
        ranges += [(t.minutes, [r.time_above[i].minutes for r in members]) for i, t in enumerate(site.time_above)]
        assert len(ranges) == 5
        for told, values in ranges:
            assert (told.lowest, told.median, told.highest) == (min(values), np.median(values), max(values))
            assert values[site.models.index(told.lowest_of)] == told.lowest
            assert values[site.models.index(told.highest_of)] == told.highest
        assert [t.threshold_ng_per_mL for t in site.time_above] == [100, 0.5]


def test_the_envelope_is_that_of_the_curves() -> None:
    for site in (spread := compared()).sites:
        curves = np.array([spread[id].profile.plasma_ng_per_mL for id in site.models])
        assert np.array_equal(site.lowest_ng_per_mL, curves.min(axis=0))
        assert np.array_equal(site.highest_ng_per_mL, curves.max(axis=0))
    assert [len(s.lowest_ng_per_mL) for s in compared(every_min=None).sites] == [0] * len(spread.sites)


def test_sampling_sites_are_never_put_together() -> None:
    spread = compared()
    assert [s.site for s in spread.sites] == ["arterial", "venous", "not-stated"]
    for site in spread.sites:
        assert {ketpk.models.show(id).site for id in site.models} == {site.site}
    assert sorted(id for s in spread.sites for id in s.models) == sorted(spread)


def test_flags_are_counted_site_by_site() -> None:
    spread = compared(limits=limits_document())
    seen = set()
    for site in spread.sites:
        for flag in site.flags:
            raising = [id for id in site.models if flag.code in {f.code for f in spread[id].flags}]
            severities = [f.severity for r in spread.results for f in r.flags if f.code == flag.code]
            assert list(flag.models) == raising and len(raising) <= flag.of <= len(site.models)
            assert flag.severity == max(severities, key=("advisory", "soft", "hard").index)
            if raising:
                seen.add((site.site, flag.code))
        for check in site.not_evaluated:
            for id in check.models:
                assert ("unevaluated", check.required) in {
                    (c.outcome, c.required) for c in spread[id].assessment.checks if c.id == check.id
                }
    assert ("arterial", "PLASMA_PEAK_HIGH") in seen and ("venous", "ENANTIOMERS_ASSUMED_ALIKE") in seen
    assert "peak-arterial" in {c.id for s in spread.sites if s.site != "arterial" for c in s.not_evaluated}


def test_models_of_one_paper_are_named_as_one_source() -> None:
    arterial = next(s for s in compared().sites if s.site == "arterial")
    assert ("kamp2020", "kamp2020-linear") in arterial.same_source
    assert len({ketpk.models.show(id).doi for id in arterial.same_source[0]}) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Tables


def test_the_table_is_that_of_a_frame_of_the_same_questions() -> None:
    spread = compared(limits=limits_document(), every_min=None)
    rows = len(spread)
    table = ketpk.simulate_frame(
        {
            "weight_kg": [70.0] * rows,
            "age_yr": [42.0] * rows,
            "dose_mg_per_kg": [0.5] * rows,
            "duration_min": [40.0] * rows,
            "model": list(spread),
        },
        **WORDS,
        assume_enantiomers_alike=True,
        limits=limits_document(),
        until_min=240,
        time_above_ng_per_mL=[100, 0.5],
    )
    for name in table:
        mine = spread.columns[name][:rows]
        assert np.array_equal(mine, table[name], equal_nan=table[name].dtype.kind == "f"), name
    assert [name for name in spread.columns if name in table] == list(table)


def test_every_model_has_a_row_also_who_was_refused() -> None:
    spread = compared()
    frame = spread.to_pandas()
    assert frame["model"].tolist() == [*spread, *(r.id for r in spread.refused)]
    last = frame.iloc[-1]
    assert (last["error"], last["error_field"]) == (spread.refused[-1].code, spread.refused[-1].field)
    assert np.isnan(last["cmax_ng_per_mL"])
    assert frame.loc[frame["model"] == "otto2021", "enantiomers_assumed_alike"].item() is True
    assert spread.to_polars().height == spread.to_arrow().num_rows == len(frame)


def test_a_model_with_everything_has_its_columns_and_others_have_none_there() -> None:
    spread = compared(models=["kamp2020", EVERYTHING])
    assert np.isnan(spread.columns["norketamine_cmax_ng_per_mL"][0])
    assert spread.columns["effect_site_cmax_ng_per_mL"][1] == spread.results[1].summary.effect_site.cmax_ng_per_mL


def test_the_curves_are_one_row_a_model_and_instant() -> None:
    spread = compared()
    curves = spread.curves.to_pandas()
    assert len(curves) == len(spread) * 35  # every 7 min up to 240 min
    for id, rows in curves.groupby("model"):
        assert np.array_equal(rows["plasma_ng_per_mL"], spread[id].profile.plasma_ng_per_mL)
        assert set(rows["site"]) == {spread[id].model["site"]}
    assert compared(every_min=None).curves.rows == 0


# ---------------------------------------------------------------------------------------------------------------------
# A value


def test_a_spread_comes_back_from_its_json_and_from_a_pickle() -> None:
    for spread in (compared(limits=limits_document()), compared(**PAUSED)):
        for again in (ketpk.Spread.from_json(spread.to_json()), pickle.loads(pickle.dumps(spread)), copy.copy(spread)):
            assert again == spread and hash(again) == hash(spread)
            assert again.results == spread.results and again.refused == spread.refused and again.sites == spread.sites
            assert again.columns == spread.columns and again.curves == spread.curves
            assert (again.to_json(), again.to_csv()) == (spread.to_json(), spread.to_csv())
        with pytest.raises(ketpk.InvalidInput, match="E_STATE card"):
            ketpk.Spread.from_json(spread.to_json()).card()
    assert spread != compared() and spread != 1


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ("{", "E_PARSE"),
        ('{"schema": "ketpk.result/1"}', "E_SCHEMA_VERSION"),
        ('{"schema": "ketpk.spread/1"}', "E_FIELD_MISSING"),
        ('{"schema": "ketpk.spread/1", "inputs": {}, "models": [], "refused": [], "sites": []}', "E_TYPE"),
        (7, "E_TYPE"),
    ],
)
def test_what_is_no_spread_does_not_come_back(broken: Any, code: str) -> None:
    with pytest.raises(ketpk.InvalidInput) as e:
        ketpk.Spread.from_json(broken)
    assert e.value.code == code


@pytest.mark.parametrize("change", ["inputs", "sites", "models", "refused"])
def test_a_spread_with_a_block_of_another_shape_does_not_come_back(change: str) -> None:
    document = compared().to_dict()
    document[change] = 7
    with pytest.raises(ketpk.InvalidInput) as e:
        ketpk.Spread.from_json(json.dumps(document))
    assert e.value.code == "E_TYPE"


def test_a_spread_does_not_change_and_is_no_truth_value() -> None:
    spread = compared()
    for thing in (spread, spread.sites[0]):
        with pytest.raises(TypeError, match="no truth value"):
            bool(thing)
    with pytest.raises(AttributeError):
        spread.results = ()  # type: ignore[misc]
    with pytest.raises(AttributeError):
        spread.sites[0].site = "venous"  # type: ignore[misc]
    with pytest.raises(TypeError):
        spread["kamp2020"] = spread["domino1984"]  # type: ignore[index]
    with pytest.raises(ValueError, match="read-only"):
        spread.sites[0].lowest_ng_per_mL[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        spread.columns["cmax_ng_per_mL"][0] = 1
    with pytest.raises(TypeError, match=r"ketpk\.compare"):
        ketpk.Spread()
    spread.to_dict()["sites"].clear()
    assert spread.sites
    three = compared(models=["domino1984", "clements1981", "herd2007"])
    assert repr(three) == "<ketpk.Spread of 2 models, 1 refused: peak not-stated 177 to 240 ng/mL by 2>"


def test_a_notebook_shows_every_model_its_numbers_and_who_was_refused() -> None:
    spread = compared(limits=limits_document(), models=["kamp2020", "kamp2020-linear", "otto2021", "herd2007"])
    shown = spread._repr_html_()
    text = re.sub(r"<[^>]*>", " ", shown)
    for id, result in spread.items():
        assert id in text and f"{result.summary.cmax_ng_per_mL:.4g}" in text
    for words in (
        "Arterial plasma",
        "Venous plasma",
        "otto2021 (S)",
        "lowest",
        "share one source",
        "herd2007: patient.age",
    ):
        assert words in text
    assert "PLASMA_PEAK_HIGH by 2 of 2: kamp2020, kamp2020-linear" in text
    assert "<script" not in shown and ketpk.Spread.from_json(spread.to_json())._repr_html_() == shown


def test_a_notebook_shows_names_of_others_as_text() -> None:
    card = json.loads((ROOT / "examples" / "model.json").read_text())
    limits = limits_document()
    for row in limits["limits"][-2:]:
        row["id"] = "<b>peak</b>" + row["site"]
    shown = compared(models=[card], extrapolate=True, limits=limits)._repr_html_()
    assert "<b>" not in shown and "&lt;b&gt;peak" in shown


def test_a_model_that_does_not_answer_is_no_key() -> None:
    spread = compared()
    assert "herd2007" not in spread and spread.get("herd2007") is None
    with pytest.raises(KeyError):
        spread["herd2007"]


# ---------------------------------------------------------------------------------------------------------------------
# What is refused


@pytest.mark.parametrize("models", ["all", ["kamp2020", "domino1984"], ("kamp2020",)])
def test_simulate_answers_for_one_model_and_points_to_compare(models: Any) -> None:
    with pytest.raises(ketpk.InvalidInput, match=r"ketpk\.compare") as e:
        alone(models)
    assert (e.value.code, e.value.field) == ("E_MODEL_UNKNOWN", "model")


@pytest.mark.parametrize(
    ("models", "code", "field"),
    [
        ("kamp2020", "E_TYPE", "models"),
        (None, "E_TYPE", "models"),
        ({"kamp2020"}, "E_TYPE", "models"),
        ([], "E_FIELD_MISSING", "model"),
        (["kamp2020", "kamp2020"], "E_FIELD_DUPLICATE", "models"),
        (["kamp2020", "kamp"], "E_MODEL_UNKNOWN", "model"),
        (["kamp2020", 7], "E_TYPE", "model[1]"),
        (["herd2007"], "E_MODEL_DOMAIN", "model"),
    ],
)
def test_models_that_cannot_be_asked_are_named(models: Any, code: str, field: str) -> None:
    with pytest.raises(ketpk.InvalidInput) as e:
        compared(models=models)
    assert (e.value.code, e.value.field) == (code, field)
    assert isinstance(e.value, TypeError) is (code == "E_TYPE")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"time_above_ng_per_mL": "100 ng/mL"}, "time_above_ng_per_mL"),
        ({"every_min": "7 min"}, "every_min"),
        ({"second_solver": 1}, "second_solver"),
        ({"limits": 7}, "limits"),
        ({"events": 7}, "events"),
    ],
)
def test_a_wrong_type_is_one(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(ketpk.WrongType) as e:
        compared(**changed)
    assert e.value.field == field


def test_what_belongs_to_one_model_is_no_keyword() -> None:
    for keyword in ("initial_state", "under_way", "effects", "model"):
        with pytest.raises(TypeError, match=keyword):
            compared(**{keyword: None})


def test_others_run_while_models_are_asked() -> None:
    at = np.arange(1, 20_000) / 10
    beside = threading.Thread(target=lambda: ketpk.compare(PATIENT, ORDER, **WORDS, at_min=at))
    beside.start()
    turns = 0
    while beside.is_alive():
        turns += 1
    assert turns > 1000
