#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Facts about sweeps as a shell sees them.

Usage: test_sweep_cli.py PATH_TO_KETPK [unittest arguments]
"""

import csv
import io
import json
import pathlib
import sys

import unittest

import test_cli

ROOT = pathlib.Path(__file__).resolve().parent.parent
ORDER = ["--weight", "70kg", "--age", "42yr", "--analyte", "racemic-ketamine", "--form", "base", "--drug-free",
         "--dose", "0.5mg/kg", "--over", "40min", "--model", "kamp2020", "--time-above", "100ng/mL"]
LIMITS = ["--limits", str(ROOT / "examples" / "limits.json"), "--as-of", "2026-11-21"]
GRID = ["--vary", "dose=0.1mg/kg:1mg/kg:10", "--vary", "duration=20min,40min", "--vary", "model=kamp2020,herd2007"]
SWEEP = {
    "schema": "ketpk.sweep/1",
    "session": {"schema": "ketpk.session/1", "patient": {"weight": "70 kg", "age": "42 yr"},
                "analyte": "racemic-ketamine", "form": "base", "initial_state": "drug-free",
                "order": [{"infuse": "0.5 mg/kg", "over": "40 min"}], "model": "kamp2020"},
    "vary": [{"input": "dose", "from": "0.1 mg/kg", "to": "1 mg/kg", "points": 10},
             {"input": "weight", "values": ["50 kg", "90 kg"]}],
}


class Sweep(test_cli.CommandCase):
    def ketpk(self, *arguments, stdin=""):
        done = self.run_raw(*arguments, stdin=stdin.encode())
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def rows(self, *arguments, code=0, stdin=""):
        exit_code, out, err = self.ketpk("sweep", *arguments, "--csv", stdin=stdin)
        self.assertEqual(exit_code, code, err)
        return list(csv.DictReader(io.StringIO(out)))

    def test_every_row_is_the_single_call(self):
        rows = self.rows(*ORDER, *LIMITS, "--extrapolate", *GRID, code=4)
        self.assertEqual(len(rows), 40)
        for row in rows[::7]:
            options = [*ORDER]
            for option, value in (("--dose", row["dose_mg_per_kg"] + "mg/kg"), ("--over", row["duration_min"] + "min"),
                                  ("--model", row["model"])):
                options[options.index(option) + 1] = value
            _, out, _ = self.ketpk("simulate", *options, *LIMITS, "--extrapolate", "--json")
            alone = json.loads(out)
            self.assertEqual(float(row["cmax_ng_per_mL"]), alone["summary"]["cmax_ng_per_mL"])
            self.assertEqual(float(row["minutes_above_100_ng_per_mL"]), alone["time_above"][0]["minutes"])
            self.assertEqual(row["verdict"], alone["assessment"]["verdict"])
            self.assertEqual(row["flags"], ";".join(f["code"] for f in alone["assessment"]["flags"]))

    def test_a_refused_point_keeps_its_row_and_sets_the_exit(self):
        rows = self.rows(*ORDER, *GRID, code=8)
        self.assertEqual({r["error"] for r in rows if r["model"] == "herd2007"}, {"E_MODEL_DOMAIN"})
        self.assertEqual({r["error_field"] for r in rows if r["model"] == "herd2007"}, {"patient.age"})
        self.assertEqual({r["error"] for r in rows if r["model"] == "kamp2020"}, {""})
        for row in rows:
            self.assertEqual(row["cmax_ng_per_mL"] == "", row["error"] != "")

    def test_what_is_varied_need_not_be_stated_beside(self):
        without = [a for a in ORDER if a not in ("--dose", "0.5mg/kg")]
        self.assertEqual(self.rows(*without, "--vary", "dose=0.5mg/kg,0.2mg/kg"),
                         self.rows(*ORDER, "--vary", "dose=0.5mg/kg,0.2mg/kg"))

    def test_the_file_and_the_options_ask_the_same(self):
        plain = [a for a in ORDER if a not in ("--time-above", "100ng/mL")]
        options = self.ketpk("sweep", *plain, "--vary", "dose=0.1mg/kg:1mg/kg:10", "--vary", "weight=50kg,90kg", "--json")
        self.assertEqual(self.ketpk("sweep", "-", "--json", stdin=json.dumps(SWEEP)), options)
        document = json.loads(options[1])
        self.assertEqual(document["points"], 20)
        self.assertEqual(document["axes"][0]["values"], [i / 10 for i in range(1, 11)])
        self.assertEqual({len(c) for c in document["columns"].values()}, {20})

    def test_a_pause_is_that_of_a_session(self):
        rows = self.rows(*ORDER, "--pause-at", "15min", "--vary", "pause=0min,10min")
        self.assertEqual([r["tmax_min"] for r in rows], ["40", "50"])

    def test_the_map_marks_what_the_table_flags_and_fits_the_page(self):
        _, out, _ = self.ketpk("sweep", *ORDER, *LIMITS, *GRID[:4])
        self.assertLessEqual(max(len(line) for line in out.splitlines()), 100)
        rows = self.rows(*ORDER, *LIMITS, *GRID[:4], code=4)
        marks = {"within-limits": "", "soft": "*", "hard": "!"}
        cells = [cell for line in out.splitlines() if " mg/kg" in line for cell in line.split()[2:]]
        self.assertEqual([c[-1] if c[-1] in "*!" else "" for c in cells], [marks[r["verdict"]] for r in rows])
        _, areas, _ = self.ketpk("sweep", *ORDER, *GRID[:4], "--map", "auc_inf_ng_h_per_mL")
        self.assertIn("417", areas)

    def test_models_stand_with_their_sampling_site_and_admit_as_a_spread_does(self):
        arguments = [*[a for a in ORDER if a not in ("--age", "42yr")], "--vary", "model=all", "--vary",
                     "dose=0.3mg/kg,0.5mg/kg"]
        rows = self.rows(*arguments, code=8)
        spread = json.loads(self.ketpk("simulate", *["all" if a == "kamp2020" else a for a in arguments[:-4]],
                                       "--json")[1])
        sites = {m["model"]["id"]: m["model"]["site"] for m in spread["models"]}
        self.assertEqual({r["model"]: r["site"] for r in rows if not r["error"]}, sites)
        self.assertEqual({r["model"]: r["error"] for r in rows if r["error"]},
                         {r["id"]: r["code"] for r in spread["refused"]})
        card = self.ketpk("sweep", *arguments)[1]
        for word in ("kamp2020 arterial", "kamp2020-linear arterial", "domino1984 not-stated", "at once"):
            self.assertIn(word, card)

    def test_numbers_below_zero_stay_numbers(self):
        rows = self.rows(*ORDER, "--vary", "start=0min,-5min", code=8)
        self.assertEqual([r["start_min"] for r in rows], ["0", "-5"])

    def test_slips_are_refused(self):
        for vary, code, field in ((["dose"], "E_USAGE", "--vary"), (["dose=1mg/kg:2mg/kg"], "E_USAGE", "--vary"),
                                  (["colour=1,2"], "E_RANGE", "vary[0].input"),
                                  (["dose=0.1mg/kg,20mg"], "E_UNIT_MISMATCH", "vary[0].values[1]"),
                                  (["dose=0.1,0.2"], "E_UNIT_MISSING", "vary[0].values[0]"),
                                  (["weight=45kg:130kg:x"], "E_TYPE", "vary[0].points"),
                                  (["weight=45kg:130kg:1"], "E_RANGE", "vary[0].points"),
                                  (["pause=1min"], "E_FIELD_MISSING", "vary.at"),
                                  (["rate=1mg/min"], "E_USAGE", None),
                                  (["dose=1mg,2mg", "dose=3mg"], "E_FIELD_DUPLICATE", "vary[1]"),
                                  (["model=nobody2020"], "E_MODEL_UNKNOWN", "model")):
            arguments = [a for v in vary for a in ("--vary", v)]
            self.refused(["sweep", *ORDER, *arguments], code, 1 if code == "E_USAGE" else 2, field)
        self.refused(["sweep", *ORDER], "E_USAGE", 1)
        without = [a for a in ORDER if a not in ("--dose", "0.5mg/kg")]
        self.refused(["sweep", *without, "--vary", "Dose=1mg"], "E_RANGE", 2, "vary[0].input")
        for extra in (["--sensitivity"], ["--every", "1min", "--until", "1h"], ["--pause-at", "5min"]):
            self.refused(["sweep", *ORDER, "--vary", "dose=1mg", *extra], "E_USAGE", 1, extra[0])
        self.refused(["sweep", *ORDER, "--vary", "model=kamp2020,kamp2020"], "E_FIELD_DUPLICATE", 2, "vary[0]")
        self.refused(["sweep", *ORDER, "--vary", "dose=1mg", "--map", "x"], "E_RANGE", 2, "map")
        for change, code, field in (({"schema": "ketpk.session/1"}, "E_SCHEMA_VERSION", "schema"),
                                    ({"vary": []}, "E_FIELD_MISSING", "vary"), ({"colour": 1}, "E_FIELD_UNKNOWN", None),
                                    ({"vary": [{"input": "dose", "values": ["1 mg"], "at": "1 min"}]},
                                     "E_FIELD_UNKNOWN", "vary[0].at")):
            self.refused(["sweep", "-"], code, 2, field, stdin=json.dumps({**SWEEP, **change}).encode())
        self.assertEqual(self.leftovers(), [])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_sweep_cli.py PATH_TO_KETPK")
    test_cli.KETPK = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
