#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Facts about `ketpk validate` as a shell sees it: its measures worked out again from its own points, its four forms
held against each other, and what it refuses.

Usage: test_evidence_cli.py PATH_TO_KETPK [unittest arguments]
"""

import csv
import io
import json
import math
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import unittest

import test_cli

KETPK = ""
MODELS = ["kamp2020", "kamp2020-linear", "otto2021", "domino1984", "clements1981", "herd2007"]


def run(*arguments, stdin=""):
    return subprocess.run([KETPK, *arguments], capture_output=True, text=True, input=stdin, timeout=60, check=False)


def validate(*arguments):
    done = run("validate", *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def matrix_exponential(a):
    """exp of a small matrix: Taylor after halving until it is small, then squaring back."""
    n = range(len(a))

    def times(x, y):
        return [[math.fsum(x[i][k] * y[k][j] for k in n) for j in n] for i in n]

    halvings = max(0, math.ceil(math.log2(max(1e-30, max(sum(map(abs, row)) for row in a)))) + 4)
    small = [[x / 2**halvings for x in row] for row in a]
    out = term = [[float(i == j) for j in n] for i in n]
    for k in range(1, 18):
        term = [[x / k for x in row] for row in times(term, small)]
        out = [[x + y for x, y in zip(r, s)] for r, s in zip(out, term)]
    for _ in range(halvings):
        out = times(out, out)
    return out


def plasma_ng_per_mL(volumes, flows, infusions, at_min):
    """V1, V2, V3 [L]; CL, Q2, Q3 [L/min]; (start, end [min], rate [mg/min]); by matrix exponentials of the system that
    has the rate as one more state."""
    v1, cl = volumes[0], flows[0]
    size = len(volumes) + 1
    x, now = [0.0] * (size - 1) + [1.0], 0.0
    for edge in sorted({e for start, end, _ in infusions for e in (start, end) if e < at_min} | {at_min}):
        rate = sum(r for start, end, r in infusions if start <= now and edge <= end)
        a = [[0.0] * size for _ in range(size)]
        a[0][0], a[0][-1] = -cl / v1, rate
        for i, (v, q) in enumerate(zip(volumes[1:], flows[1:]), 1):
            a[0][0] -= q / v1
            a[i][0], a[0][i], a[i][i] = q / v1, q / v, -q / v
        step = matrix_exponential([[y * (edge - now) for y in row] for row in a])
        x, now = [math.fsum(row[k] * x[k] for k in range(size)) for row in step], edge
    return 1000 * x[0] / v1


class Evidence(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.whole = json.loads(validate("--json"))
        cls.rows = list(csv.DictReader(io.StringIO(validate("--csv"))))

    def of(self, model, data, molecule="ketamine"):
        found = [c for c in self.whole["comparisons"]
                 if (c["model"], c["data"], c["molecule"]) == (model, data, molecule)]
        self.assertEqual(len(found), 1)
        return found[0]

    def test_every_measure_follows_from_the_points_of_the_table(self):
        points = {}
        for row in self.rows:
            points.setdefault((row["model"], row["data"], row["molecule"]), []).append(row)
        self.assertEqual(len(points), len(self.whole["comparisons"]))
        for c in self.whole["comparisons"]:
            rows = points[c["model"], c["data"], c["molecule"]]
            errors = [(int(r["time_us"]) / 3.6e9,
                       100 * (float(r["observed_ng_per_mL"]) / float(r["predicted_ng_per_mL"]) - 1)) for r in rows]
            for r, (_, e) in zip(rows, errors):
                self.assertAlmostEqual(float(r["error_percent"]), e, places=8)
            kept = [x for x, r in zip(errors, rows) if not r["left_out"]]
            for summary, used in ((c["error"], kept), (c["error_of_all"], errors)):
                times, sizes = [t for t, _ in used], [abs(e) for _, e in used]
                mdpe = statistics.median(e for _, e in used)
                self.assertEqual(summary["points"], len(used))
                self.assertAlmostEqual(summary["mdpe_percent"], mdpe, places=8)
                self.assertAlmostEqual(summary["mdape_percent"], statistics.median(sizes), places=8)
                if len(used) == 1:
                    self.assertIsNone(summary["wobble_percent"])
                else:
                    self.assertAlmostEqual(summary["wobble_percent"],
                                           statistics.median(abs(e - mdpe) for _, e in used), places=8)
                if len(set(times)) == 1:
                    self.assertIsNone(summary["divergence_percent_per_h"])
                else:
                    slope = statistics.linear_regression(times, sizes).slope
                    self.assertAlmostEqual(summary["divergence_percent_per_h"], slope, delta=1e-9 * (1 + abs(slope)))
            by_phase = {}
            for (_, e), r in zip(errors, rows):
                if not r["left_out"]:
                    by_phase.setdefault(r["phase"], []).append(e)
            self.assertEqual({p["phase"]: p["points"] for p in c["phases"]}, {k: len(v) for k, v in by_phase.items()})
            for p in c["phases"]:
                self.assertAlmostEqual(p["mdpe_percent"], statistics.median(by_phase[p["phase"]]), places=8)

    def test_predictions_are_those_of_a_matrix_exponential_written_here(self):
        steps = [(60 * i, 60 * i + 60, 70 * r / 60) for i, r in enumerate((0.28, 0.57, 1.14))]
        size = 68 / 70
        kamp = ([25, 56, 157], [84 / 60, 161 / 60, 79 / 60])
        kamp_68 = ([v * size for v in kamp[0]], [q * size**0.75 for q in kamp[1]])
        otto = ([133, 187, 98.8], [95.2 / 60, 23.2 / 60, 157 / 60])
        for model, data, (volumes, flows), infusions in (
                ("kamp2020", "kamp2020bja-racemic", kamp, steps),
                ("kamp2020", "otto2021-chdr1311", kamp_68, [(0, 30, 10 / 30)]),
                ("otto2021", "hasan2021-decay", otto, [(0, 30, 5 / 30)]),
                ("herd2007", "hasan2021-decay", ([38.7, 102], [90 / 60, 215 / 60]), [(0, 30, 5 / 30)])):
            for p in self.of(model, data)["points"]:
                expected = plasma_ng_per_mL(volumes, flows, infusions, p["at_us"] / 6e7)
                self.assertAlmostEqual(p["predicted_ng_per_mL"] / expected, 1, delta=1e-9, msg=f"{model} {data}")

    def test_the_drawn_curve_is_the_predictions(self):
        for c in self.whole["comparisons"]:
            at, curve = c["predicted"]["at_us"], c["predicted"]["ng_per_mL"]
            self.assertEqual(at, sorted(set(at)))
            for p in c["points"]:
                if p["at_us"] in at:
                    self.assertAlmostEqual(curve[at.index(p["at_us"])] / p["predicted_ng_per_mL"], 1, delta=1e-12)

    def test_every_model_stands_against_every_data_set_that_is_run(self):
        listed = [m["id"] for m in json.loads(run("models", "list", "--json").stdout)["models"]]
        self.assertLessEqual(set(MODELS), set(listed))
        self.assertEqual([m["id"] for m in self.whole["models"]], listed)
        run_on = [d["id"] for d in self.whole["data"] if d["not_run"] is None]
        pairs = {(c["model"], c["data"]) for c in self.whole["comparisons"] if c["molecule"] == "ketamine"}
        self.assertEqual(pairs, {(m, d) for m in listed for d in run_on})
        self.assertEqual(self.whole["not_compared"], [])

    def test_only_its_own_site_judges_a_model(self):
        for c in self.whole["comparisons"]:
            if c["standing"] != "orientation":
                self.assertEqual(c["model_site"], c["data_site"])
                self.assertNotEqual(c["model_site"], "not-stated")
            if c["standing"] == "judges":
                self.assertEqual(c["marks"], [])

    def test_one_model_and_one_data_set_are_a_part_of_the_whole(self):
        for arguments, keep in ((("--model", "otto2021"), lambda c: c["model"] == "otto2021"),
                                (("--data", "hasan2021-decay"), lambda c: c["data"] == "hasan2021-decay"),
                                (("--model", "otto2021", "--data", "hasan2021-decay"),
                                 lambda c: (c["model"], c["data"]) == ("otto2021", "hasan2021-decay"))):
            part = json.loads(validate("--json", *arguments))
            self.assertEqual(part["comparisons"], [c for c in self.whole["comparisons"] if keep(c)])

    def test_the_cards_fit_a_terminal_and_say_what_judges(self):
        for arguments in ((), ("--model", "kamp2020"), ("--data", "kamp2020bja-racemic"),
                          ("--model", "otto2021", "--data", "hasan2021-decay"), ("--data", "idvall1979")):
            card = validate(*arguments)
            self.assertLessEqual(max(map(len, card.splitlines())), 120, arguments)
            self.assertFalse([line for line in card.splitlines() if line != line.rstrip()])
            self.assertNotRegex(card, test_cli.NOT_A_NUMBER)
            self.assertNotRegex(card, test_cli.BANNED)
        card = validate()
        for model in MODELS:
            self.assertRegex(card, rf"(?m)^{model}( x)? ")
        self.assertIn("judges the model", card)
        numbers = validate("--data", "phar2669-10mg")
        self.assertRegex(numbers, r"(?m)^  AUC of ketamine +113 mcg h/L$")
        self.assertIn("suspect: ", numbers)
        self.assertIn("no model is run on it: ", numbers)
        one = validate("--model", "otto2021", "--data", "hasan2021-decay")
        self.assertRegex(one, r"(?m)^  24 .* left out \(2\)$")
        self.assertIn("(2) on the pixel floor of the figure", one)

    def test_the_page_has_every_table_every_source_and_no_verdict_words(self):
        page = validate("--markdown")
        self.assertNotRegex(page, test_cli.NOT_A_NUMBER)
        self.assertNotRegex(page, test_cli.BANNED)
        for d in self.whole["data"]:
            self.assertEqual(page.count(f"### {d['label']}\n"), 1)
            for text in (d["source"], d["licence"], d["site_source"]):
                self.assertIn(text, page)
            if d["doi"] != "not-stated":
                self.assertIn(f"https://doi.org/{d['doi']}", page)
            self.assertEqual(f"<!-- figure {d['id']} -->" in page, d["not_run"] is None)
        for block in re.findall(r"(?m)(?:^\|.*\n)+", page):
            self.assertEqual(len({line.replace("\\|", "").count("|") for line in block.splitlines()}), 1, block)

    def test_names_that_are_none_are_answered_with_those_there_are(self):
        done = run("validate", "--model", "Zacharias-4711")
        self.assertEqual(done.returncode, 2)
        self.assertTrue(done.stderr.startswith("ketpk: E_MODEL_UNKNOWN model: "))
        self.assertIn("kamp2020", done.stderr)
        data = run("validate", "--data", "Zacharias-4711", "--json")
        self.assertEqual(data.returncode, 2)
        self.assertTrue(data.stderr.startswith("ketpk: E_RANGE data: "))
        self.assertIn("hasan2021-decay", data.stderr)
        self.assertEqual(json.loads(data.stdout)["error"]["code"], "E_RANGE")
        self.assertNotIn("Zacharias", done.stderr + done.stdout + data.stderr + data.stdout)

    def test_wrong_usage_is_exit_1(self):
        for arguments in (("--json", "--csv"), ("--csv", "--markdown"), ("--json", "--markdown"), ("--force",),
                          ("--model",), ("--model", ""), ("--data", ""), ("--model", "kamp2020", "--model", "otto2021"),
                          ("--weight", "70kg"), ("something",), ("-o", "-")):
            done = run("validate", *arguments)
            self.assertEqual((done.returncode, "E_USAGE" in done.stderr), (1, True), (arguments, done.stderr))

    def test_a_file_is_written_and_replaced_only_by_force(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "evidence.csv"
            self.assertEqual(validate("--csv", "-o", str(path)), "")
            self.assertEqual(path.read_text(), validate("--csv"))
            self.assertEqual(run("validate", "-o", str(path)).returncode, 7)
            validate("-o", str(path), "--force")
            self.assertEqual(path.read_text(), validate())


if __name__ == "__main__":
    KETPK = sys.argv.pop(1)
    unittest.main()
