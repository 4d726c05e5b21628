#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Facts about effects as a shell sees them: held against their formulas and a Runge-Kutta written here.

Usage: test_effects_cli.py PATH_TO_KETPK [unittest arguments]
"""

import copy
import csv
import io
import json
import math
import pathlib
import sys
import unittest

import test_cli

ROOT = pathlib.Path(__file__).resolve().parent.parent
#: 10 L and 0.06 per minute, so that plasma after a bolus is one exponential; and what may be followed beside it.
CARD = {
    "analytes": ["racemic-ketamine"], "site": "venous", "parameters": {"V1": "10 L", "CL": "36 L/h"},
    "effect_site": {"ke0": "0.2 1/min", "source": "made up"},
    "metabolites": [{"name": "norketamine", "fraction": 0.8, "V1": "40 L", "CL": "30 L/h"}],
}
BASE = {
    "schema": "ketpk.session/1", "patient": {"weight": "70 kg", "age": "42 yr"}, "analyte": "racemic-ketamine",
    "form": "base", "initial_state": "drug-free", "order": [{"bolus": "5 mg"}], "model": {"custom": CARD},
    "observe": {"every": "5 min", "until": "2 h"},
}
EMAX = {"name": "dissociation", "of": "plasma", "kind": "emax", "ec50": "120 ng/mL", "hill": 2.5, "baseline": 3,
        "change": 80, "unit": "points", "source": "made up"}
LINEAR = {"name": "pressure", "of": "plasma", "kind": "linear", "at": "0.2 mg/L", "baseline": 90, "change": -5.5,
          "unit": "mmHg", "source": "made up"}
TURNOVER = {"name": "pain", "of": "plasma", "kind": "turnover", "acts": "inhibit-build-up", "drive": "saturable",
            "kout": "0.1 1/min", "baseline": 7, "most": 0.9, "c50": "100 ng/mL", "hill": 1.5, "unit": "points of 10",
            "source": "made up"}
CANARY = "Zacharias-4711"


def changed(effect, **changes):
    return {k: v for k, v in {**effect, **changes}.items() if v is not None}


def driven(effect, ng_per_mL):
    """The drive D at a concentration."""
    x = ng_per_mL / float(effect["c50"].split()[0])
    if effect["drive"] == "linear":
        return effect["most"] * x
    return effect["most"] * x ** effect["hill"] / (1 + x ** effect["hill"])


def runge_kutta(effect, ng_per_mL_at, minutes, step=0.01):
    """The effect at whole multiples of 5 minutes, by the classical method in steps of 0.6 s."""
    kout, rest = float(effect["kout"].split()[0]), effect["baseline"]
    sign = -1 if effect["acts"].startswith("inhibit") else 1

    def slope(t, e):
        d = 1 + sign * driven(effect, ng_per_mL_at(t))
        if effect["acts"].endswith("build-up"):
            return kout * (rest * d - e)
        return kout * (rest - d * e)

    told, e = [rest], rest
    for k in range(round(minutes / step)):
        t = k * step
        a = slope(t, e)
        b = slope(t + step / 2, e + step / 2 * a)
        c = slope(t + step / 2, e + step / 2 * b)
        d = slope(t + step, e + step * c)
        e += step / 6 * (a + 2 * b + 2 * c + d)
        if (k + 1) % round(5 / step) == 0:
            told.append(e)
    return told


class EffectCase(test_cli.CommandCase):
    def answer(self, document, code=0, verb="simulate"):
        return self.run_json(verb, "-", stdin=json.dumps(document).encode(), code=code)

    def told(self, *effects, **changes):
        return self.answer({**copy.deepcopy(BASE), "effects": list(effects), **changes})

    def close(self, got, due, relative=1e-12):
        self.assertEqual(len(got), len(due))
        most = max(map(abs, due))
        for one, other in zip(got, due):
            self.assertLessEqual(abs(one - other), relative * most)


class Values(EffectCase):
    def test_a_direct_effect_is_its_formula_of_the_concentration_it_follows(self):
        for of in ("plasma", "effect_site", "norketamine"):
            answer = self.told(changed(EMAX, of=of), changed(LINEAR, of=of))
            profile = answer["profile"]
            c = profile["metabolites"]["norketamine_ng_per_mL"] if of == "norketamine" else profile[f"{of}_ng_per_mL"]
            emax, linear = answer["effects"]
            self.close(emax["values"], [3 + 80 * x**2.5 / (120**2.5 + x**2.5) for x in c])
            self.close(linear["values"], [90 - 5.5 * x / 200 for x in c])
            self.assertEqual((emax["of"], emax["unit"], emax["source"]), (of, "points", "made up"))

    def test_the_extremes_of_a_direct_effect_are_where_its_concentration_peaks_and_at_rest(self):
        answer = self.told(changed(EMAX, of="effect_site"), changed(LINEAR, of="effect_site"))
        peak = answer["summary"]["effect_site"]
        emax, linear = answer["effects"]
        self.assertAlmostEqual(emax["highest"]["min"], peak["tmax_min"], delta=1e-6 * peak["tmax_min"])
        self.assertAlmostEqual(linear["lowest"]["min"], peak["tmax_min"], delta=1e-6 * peak["tmax_min"])
        self.assertAlmostEqual(linear["lowest"]["value"], 90 - 5.5 * peak["cmax_ng_per_mL"] / 200, delta=1e-9)
        self.assertEqual((emax["lowest"], linear["highest"]), ({"value": 3, "min": 0}, {"value": 90, "min": 0}))

    def test_an_effect_that_turns_over_is_what_a_runge_kutta_gives(self):
        kinds = [TURNOVER, changed(TURNOVER, name="b", acts="inhibit-loss"),
                 changed(TURNOVER, name="c", acts="stimulate-build-up", most=2),
                 changed(TURNOVER, name="d", acts="stimulate-loss", most=2),
                 changed(TURNOVER, name="e", acts="stimulate-build-up", drive="linear", hill=None),
                 changed(TURNOVER, name="f", acts="stimulate-loss", drive="linear", hill=None)]
        answer = self.told(*kinds)
        for effect, told in zip(kinds, answer["effects"]):
            due = runge_kutta(effect, lambda t: 500 * math.exp(-0.06 * t), 120)
            self.close(told["values"], due, 1e-8)
            self.assertLessEqual(told["agreement_rel"], 1e-8)
            low, high = told["lowest"]["value"], told["highest"]["value"]
            self.assertLessEqual(low, min(told["values"]) * (1 + 1e-9))
            self.assertGreaterEqual(high, max(told["values"]) * (1 - 1e-9))
            self.assertEqual(told["baseline"], 7)

    def test_extremes_are_those_of_the_course_whatever_instants_are_asked_for(self):
        sampled = self.told(EMAX, TURNOVER)["effects"]
        without = {**copy.deepcopy(BASE), "effects": [EMAX, TURNOVER]}
        del without["observe"]
        for one, other in zip(sampled, self.answer(without)["effects"]):
            self.assertEqual(other["values"], [])
            self.assertEqual((one["highest"], one["lowest"]), (other["highest"], other["lowest"]))

    def test_a_course_that_goes_on_from_a_saved_state_has_the_effects_of_the_whole_one(self):
        whole = {**copy.deepcopy(BASE), "effects": [EMAX, TURNOVER]}
        self.run_ok("simulate", "-", "--save-state", "state.json", "--save-at", "20min",
                    stdin=json.dumps(whole).encode())
        state = json.loads((self.folder / "state.json").read_text())
        follow = {**whole, "initial_state": {"saved": state}, "order": []}
        self.assertEqual(self.answer(follow)["effects"], self.answer(whole)["effects"])


class Doors(EffectCase):
    def test_no_built_in_model_has_an_effect_and_none_is_answered_that_was_not_stated(self):
        for model in self.run_json("models", "list")["models"]:
            self.assertNotIn("effects", self.run_json("models", "show", model["id"]))
        answer = self.answer(BASE)
        for block in (answer, answer["inputs"], answer["model"]):
            self.assertNotIn("effects", block)
        self.assertNotIn("Effects", self.run_ok("simulate", "-", stdin=json.dumps(BASE).encode()))

    def test_effects_of_a_model_file_and_of_a_session_are_answered_alike(self):
        card = json.loads((ROOT / "examples/model.json").read_text())
        effects = [changed(EMAX, of="effect_site"), changed(TURNOVER, of="norketamine")]
        self.write("bare.json", card)
        self.write("with.json", {**card, "effects": effects})
        told = []
        for name, beside in (("bare.json", effects), ("with.json", []), ("with.json", [LINEAR])):
            self.write("session.json", {**BASE, "model": {"file": name}, "effects": beside})
            told.append(self.run_json("simulate", "session.json"))
        self.assertEqual(told[0]["effects"], told[1]["effects"])
        self.assertEqual([e["name"] for e in told[2]["effects"]], ["dissociation", "pain", "pressure"])
        self.assertEqual(told[2]["effects"][:2], told[1]["effects"])
        self.assertEqual(told[1]["model"]["effects"], effects)

    def test_the_echo_of_a_session_asks_for_the_same_effects(self):
        first = self.told(EMAX, LINEAR, TURNOVER)
        self.assertEqual(first["inputs"]["effects"], [EMAX, LINEAR, TURNOVER])
        again = {**BASE, **{key: first["inputs"][key] for key in ("model", "effects", "observe")}}
        self.assertEqual(self.answer(again)["effects"], first["effects"])

    def test_each_effect_is_a_column_of_the_csv_with_its_unit_in_the_name(self):
        session = {**BASE, "effects": [changed(EMAX, unit="points, \"of\" 100"), LINEAR]}
        rows = list(csv.reader(io.StringIO(self.run_ok("simulate", "-", "--csv", stdin=json.dumps(session).encode()))))
        self.assertEqual(rows[0][-2:], ["dissociation (points, \"of\" 100)", "pressure (mmHg)"])
        told = self.answer(session)["effects"]
        for column, effect in ((-2, told[0]), (-1, told[1])):
            self.assertEqual([float(row[column]) for row in rows[1:]], effect["values"])

    def test_a_line_of_the_card_says_what_becomes_of_each_effect(self):
        card = self.run_ok("simulate", "-", stdin=json.dumps({**BASE, "effects": [EMAX, LINEAR]}).encode())
        self.assertIn("\nEffects    dissociation (points) of plasma: 3, highest 80.8 at 0 min, lowest 3 at 0 min", card)
        self.assertIn("\n           pressure (mmHg) of plasma: 90, highest 90 at 0 min, lowest 76.2 at 0 min", card)

    def test_a_check_judges_a_session_with_effects_as_without(self):
        limits = json.loads((ROOT / "examples/limits.json").read_text())
        judged = [self.run_raw("check", "-", "--json", stdin=json.dumps({**BASE, "limits": limits, **more}).encode())
                  for more in ({}, {"effects": [EMAX, TURNOVER]})]
        self.assertEqual(judged[0].returncode, judged[1].returncode)
        plain, told = (json.loads(done.stdout) for done in judged)
        self.assertEqual(plain["assessment"], told["assessment"])
        self.assertEqual(told["inputs"]["effects"], [EMAX, TURNOVER])

    def test_a_data_file_comes_back_with_the_effects_of_its_model(self):
        card = json.loads((ROOT / "examples/model.json").read_text())
        self.write("model.json", {**card, "effects": [changed(EMAX, of="norketamine"), TURNOVER]})
        arguments = ["simulate", "--model", "model.json", "--data", ROOT / "examples/events.csv"]
        rows = list(csv.reader(io.StringIO(self.run_ok(*arguments))))
        self.assertEqual(rows[0][-2:], ["dissociation (points)", "pain (points of 10)"])
        norketamine = [float(row[rows[0].index("norketamine_ng_per_mL")]) for row in rows[1:]]
        self.close([float(row[-2]) for row in rows[1:]], [3 + 80 * x**2.5 / (120**2.5 + x**2.5) for x in norketamine])
        pain = [float(row[-1]) for row in rows[1:]]
        self.assertEqual((pain[0], pain[9]), (7, 7))  # before any drug, and reset
        self.assertTrue(all(0.7 < x <= 7 for x in pain))
        columns = self.run_json(*arguments)["columns"]
        self.assertEqual(columns["pain (points of 10)"], pain)

    def test_a_model_with_effects_is_linted_shown_and_written_as_it_was_stated(self):
        card = json.loads((ROOT / "examples/model.json").read_text())
        effects = [EMAX, LINEAR, changed(TURNOVER, of="norketamine")]
        self.write("model.json", {**card, "effects": effects})
        self.assertEqual(self.run_json("models", "lint", "model.json")["findings"], [])
        self.assertEqual(self.run_json("models", "show", "model.json")["effects"], effects)
        self.assertEqual(json.loads(self.run_ok("models", "show", "model.json", "--card"))["effects"], effects)
        self.assertIn("pain of norketamine: 7 points of 10 at rest", self.run_ok("models", "show", "model.json"))


class Refusals(EffectCase):
    SLIPS = (
        (changed(EMAX, ec50="120 ng/kg"), "E_UNIT_UNKNOWN", "ec50"),
        (changed(EMAX, ec50="120 mg/kg"), "E_UNIT_MISMATCH", "ec50"),
        (changed(EMAX, ec50=120), "E_UNIT_MISSING", "ec50"),
        (changed(EMAX, ec50="0 ng/mL"), "E_MODEL_PARAM", "ec50"),
        (changed(EMAX, ec50="-1 ng/mL"), "E_MODEL_PARAM", "ec50"),
        (changed(EMAX, hill=0), "E_MODEL_PARAM", "hill"),
        (changed(EMAX, hill=None), "E_FIELD_MISSING", "hill"),
        (changed(EMAX, change=0), "E_MODEL_PARAM", "change"),
        (changed(EMAX, baseline="3 points"), "E_TYPE", "baseline"),
        (changed(EMAX, source=None), "E_FIELD_MISSING", "source"),
        (changed(EMAX, source=" "), "E_FIELD_MISSING", "source"),
        (changed(EMAX, unit=None), "E_FIELD_MISSING", "unit"),
        (changed(EMAX, unit="mm\u001bHg"), "E_ENCODING", "unit"),
        (changed(EMAX, of=CANARY), "E_MODEL_PARAM", "of"),
        (changed(EMAX, of="central"), "E_MODEL_PARAM", "of"),
        (changed(EMAX, of=None), "E_FIELD_MISSING", "of"),
        (changed(EMAX, kind=CANARY), "E_RANGE", "kind"),
        (changed(EMAX, name=CANARY), "E_PARSE", "name"),
        (changed(EMAX, name="plasma"), "E_FIELD_DUPLICATE", "name"),
        (changed(EMAX, name="norketamine"), "E_FIELD_DUPLICATE", "name"),
        (changed(EMAX, kout="0.1 1/min"), "E_FIELD_UNKNOWN", "kout"),
        (changed(LINEAR, hill=2), "E_FIELD_UNKNOWN", "hill"),
        (changed(LINEAR, at="10 min"), "E_UNIT_MISMATCH", "at"),
        (changed(TURNOVER, most=1.01), "E_MODEL_PARAM", "most"),
        (changed(TURNOVER, baseline=0), "E_MODEL_PARAM", "baseline"),
        (changed(TURNOVER, kout="10 min"), "E_UNIT_MISMATCH", "kout"),
        (changed(TURNOVER, drive="linear"), "E_FIELD_UNKNOWN", "hill"),
        (changed(TURNOVER, drive="linear", hill=None), "E_MODEL_PARAM", "drive"),
        (changed(TURNOVER, acts=CANARY), "E_RANGE", "acts"),
        (changed(TURNOVER, acts=None), "E_FIELD_MISSING", "acts"),
    )

    def test_an_effect_that_cannot_be_used_is_refused_by_session_model_and_linter_alike(self):
        card = json.loads((ROOT / "examples/model.json").read_text())
        for effect, code, field in self.SLIPS:
            with self.subTest(code=code, field=field):
                other = EMAX if effect["name"] == "pressure" else LINEAR
                session = json.dumps({**BASE, "effects": [other, effect]}).encode()
                line = self.refused(["simulate", "-", "--json"], code, 2, f"effects[1].{field}", stdin=session)
                self.assertNotIn(CANARY, line)
                self.write("model.json", {**card, "effects": [effect]})
                place = f"model.effects[0].{field}"
                done = self.run_raw("models", "lint", "model.json", "--json")
                self.assertEqual(done.returncode, 2)
                findings = json.loads(done.stdout)["findings"]
                self.assertEqual([(f["code"], f["field"]) for f in findings], [(code, place)])
                data = ["simulate", "--model", "model.json", "--data", ROOT / "examples/events.csv", "--json"]
                self.assertNotIn(CANARY, self.refused(data, code, 2, place))

    def test_names_stand_once_over_model_and_session_and_there_are_16_effects_at_most(self):
        def no(effects, code, field, **changes):
            document = {**BASE, "effects": effects, **changes}
            self.refused(["simulate", "-", "--json"], code, 2, field, stdin=json.dumps(document).encode())
        many = [changed(LINEAR, name=f"e{i}") for i in range(17)]
        no([EMAX, EMAX], "E_FIELD_DUPLICATE", "effects[1].name")
        no(many, "E_SIZE", "effects")
        card = {**json.loads((ROOT / "examples/model.json").read_text()), "effects": many[:9]}
        no([EMAX, many[3]], "E_FIELD_DUPLICATE", "effects[1].name", model={"card": card})
        no(many[9:], "E_SIZE", "effects", model={"card": card})
        self.assertEqual(len(self.told(*many[9:16], model={"card": card})["effects"]), 16)
        without_site = {**BASE["model"]["custom"]}
        del without_site["effect_site"]
        no([changed(EMAX, of="effect_site")], "E_MODEL_PARAM", "effects[0].of", model={"custom": without_site})


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_effects_cli.py PATH_TO_KETPK")
    test_cli.KETPK = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
