#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Facts about several models asked at once, as a shell sees them.

Usage: test_spread_cli.py PATH_TO_KETPK [unittest arguments]
"""

import csv
import io
import json
import pathlib
import statistics
import sys
import unittest

import test_cli

ROOT = pathlib.Path(__file__).resolve().parent.parent
ORDER = ["--weight", "70kg", "--age", "42yr", "--analyte", "racemic-ketamine", "--form", "base", "--drug-free",
         "--dose", "0.5mg/kg", "--over", "40min"]
CURVE = ["--every", "5min", "--until", "4h", "--time-above", "100ng/mL"]
LIMITS = ["--limits", str(ROOT / "examples" / "limits.json"), "--as-of", "2026-11-21"]
SESSION = {
    "schema": "ketpk.session/1", "patient": {"weight": "70 kg", "age": "42 yr"}, "analyte": "racemic-ketamine",
    "form": "base", "initial_state": "drug-free", "order": [{"infuse": "0.5 mg/kg", "over": "40 min"}],
    "model": "all", "observe": {"every": "5 min", "until": "4 h"},
}


class Spread(test_cli.CommandCase):
    def ketpk(self, *arguments, stdin=""):
        done = self.run_raw(*arguments, stdin=stdin.encode())
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def spread(self, *more):
        code, out, err = self.ketpk("simulate", *ORDER, *CURVE, "--model", "all", *more, "--json")
        self.assertIn(code, (0, 3, 4, 6), err)
        return code, json.loads(out)

    def test_every_model_that_is_listed_answers_or_says_why_not(self):
        listed = [m["id"] for m in json.loads(self.ketpk("models", "list", "--json")[1])["models"]]
        _, document = self.spread()
        told = [m["model"]["id"] for m in document["models"]] + [r["id"] for r in document["refused"]]
        self.assertEqual(sorted(told), sorted(listed))
        self.assertEqual(document["inputs"]["model"], told)
        for refused in document["refused"]:
            self.assertRegex(refused["message"], "; accepted: ")

    def test_each_answer_is_the_one_the_model_gives_alone(self):
        _, document = self.spread("--assume-enantiomers-alike", *LIMITS)
        for answer in document["models"]:
            _, out, _ = self.ketpk("simulate", *ORDER, *CURVE, "--model", answer["model"]["id"],
                                   "--assume-enantiomers-alike", *LIMITS, "--json")
            alone = json.loads(out)
            for block in ("model", "profile", "summary", "time_above", "assessment", "ketpk"):
                self.assertEqual(answer[block], alone[block], (answer["model"]["id"], block))

    def test_ranges_are_those_of_the_answers_of_one_site(self):
        _, document = self.spread("--assume-enantiomers-alike", *LIMITS)
        answers = {a["model"]["id"]: a for a in document["models"]}
        seen = []
        for site in document["sites"]:
            members = [answers[i] for i in site["models"]]
            seen += site["models"]
            self.assertEqual({m["model"]["site"] for m in members}, {site["site"]})
            for name in ("cmax_ng_per_mL", "tmax_min", "auc_inf_ng_h_per_mL"):
                numbers = [m["summary"][name] for m in members]
                self.assertEqual(site[name]["lowest"], min(numbers))
                self.assertEqual(site[name]["highest"], max(numbers))
                self.assertAlmostEqual(site[name]["median"], statistics.median(numbers), delta=1e-12 * max(numbers))
            curves = list(zip(*[m["profile"]["plasma_ng_per_mL"] for m in members]))
            self.assertEqual(site["envelope"]["lowest_ng_per_mL"], [min(c) for c in curves])
            self.assertEqual(site["envelope"]["highest_ng_per_mL"], [max(c) for c in curves])
            for flag in site["flags"]:
                raised = [m["model"]["id"] for m in members
                          if flag["code"] in [f["code"] for f in m["assessment"]["flags"]]]
                self.assertEqual(flag["models"], raised)
                quantity = next(f["quantity"] for m in answers.values() for f in m["assessment"]["flags"]
                                if f["code"] == flag["code"])
                limits = {row["id"] for row in document["inputs"]["limits"]["limits"] if row["quantity"] == quantity}
                could = [m for m in members if not limits or any(
                    c["id"] in limits and c["outcome"] != "unevaluated" for c in m["assessment"]["checks"])]
                self.assertEqual(flag["of"], len(could))
            for check in site["not_evaluated"]:
                told = [m["model"]["id"] for m in members if any(
                    c["id"] == check["id"] and c["outcome"] == "unevaluated" for c in m["assessment"]["checks"])]
                self.assertEqual(check["models"], told)
        self.assertEqual(sorted(seen), sorted(answers))

    def test_the_worst_answer_sets_the_exit(self):
        self.assertEqual(self.ketpk("simulate", *ORDER, "--model", "all")[0], 0)
        self.assertEqual(self.ketpk("simulate", *ORDER, "--model", "all", "--assume-enantiomers-alike")[0], 3)
        high = ["5mg/kg" if a == "0.5mg/kg" else a for a in ORDER]
        self.assertEqual(self.ketpk("simulate", *high, "--model", "all", *LIMITS)[0], 4)

    def test_the_card_fits_the_page_and_says_by_how_much_they_disagree(self):
        _, out, _ = self.ketpk("simulate", *ORDER, *CURVE, "--model", "all", "--assume-enantiomers-alike", *LIMITS)
        self.assertLessEqual(max(len(line) for line in out.splitlines()), 100)
        for word in ("Arterial", "Venous", "Unstated", "Disagree", "-fold", "share one source", "Not asked", "in all"):
            self.assertIn(word, out)

    def test_the_table_has_a_column_for_each_model_and_two_for_each_site(self):
        _, out, _ = self.ketpk("simulate", *ORDER, *CURVE, "--model", "kamp2020,domino1984,clements1981", "--csv")
        rows = list(csv.DictReader(io.StringIO(out)))
        self.assertEqual(len(rows), 49)
        for row in rows:
            pair = [float(row[f"{m}_not-stated_plasma_ng_per_mL"]) for m in ("domino1984", "clements1981")]
            self.assertEqual(float(row["not-stated_lowest_ng_per_mL"]), min(pair))
            self.assertEqual(float(row["not-stated_highest_ng_per_mL"]), max(pair))

    def test_a_model_that_could_not_look_is_not_counted_as_one_that_saw_nothing(self):
        high = ["0.7mg/kg" if a == "0.5mg/kg" else a for a in ORDER]
        arguments = ["simulate", *high, "--model", "all", "--assume-enantiomers-alike", *LIMITS]
        document = json.loads(self.ketpk(*arguments, "--json")[1])
        sites = {s["site"]: {f["code"]: f for f in s["flags"]} for s in document["sites"]}
        self.assertEqual({f["of"] for s in sites.values() for c, f in s.items() if c == "DOSE_PER_WEIGHT_HIGH"},
                         {len(s["models"]) for s in document["sites"]})
        self.assertEqual(sites["not-stated"]["PLASMA_PEAK_HIGH"]["of"], 0)
        self.assertIn("not evaluated by", self.ketpk(*arguments)[1])
        self.assertIn("(?)", self.ketpk(*arguments)[1])

    def test_a_session_asks_the_same(self):
        code, out, _ = self.ketpk("simulate", "-", "--json", stdin=json.dumps(SESSION))
        self.assertEqual(code, 0)
        document = json.loads(out)
        listed = {**SESSION, "model": document["inputs"]["model"]}
        self.assertEqual(self.ketpk("simulate", "-", "--json", stdin=json.dumps(listed))[1], out)

    def test_what_belongs_to_one_model_is_refused_beside_several(self):
        effect = {"name": "e", "of": "plasma", "kind": "linear", "at": "1 mg/L", "baseline": 1, "change": 1,
                  "unit": "x", "source": "s"}
        for change, arguments, code in (({"effects": [effect]}, [], "E_FIELD_UNKNOWN effects"),
                                        ({"initial_state": {"saved": "x.json"}}, [], "E_STATE initial_state"),
                                        ({"model": []}, [], "E_FIELD_MISSING model"),
                                        ({"model": ["kamp2020", "kamp2020"]}, [], "E_FIELD_DUPLICATE models"),
                                        ({"model": ["kamp2020", "all"]}, [], "E_MODEL_UNKNOWN model"),
                                        ({"analyte": "r-ketamine"}, [], "E_MODEL_DOMAIN model"),
                                        ({}, ["--save-state", "state.json"], "E_USAGE --save-state")):
            exit_code, out, err = self.ketpk("simulate", "-", *arguments, stdin=json.dumps({**SESSION, **change}))
            self.assertEqual((exit_code, out), (1 if "USAGE" in code else 2, ""), err)
            self.assertTrue(err.startswith(f"ketpk: {code}: "), err)
        self.assertEqual(self.leftovers(), [])
        code, _, err = self.ketpk("check", "-", stdin=json.dumps({**SESSION, "limits": {"file": "x"}}))
        self.assertEqual(code, 2)
        self.assertIn("E_MODEL_UNKNOWN model: several models", err)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_spread_cli.py PATH_TO_KETPK")
    test_cli.KETPK = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
