#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Facts about the command as a process: what it prints where, how it ends, what it leaves on disk.

Usage: test_cli.py PATH_TO_KETPK [unittest arguments]

Case numbers (C.., J..) are those of the list of bad inputs that the contract adopts. Not here:
J51, J52, J58 (cohorts), which are in test_cohort_cli.py; exit 5 - both solvers agree, so only a fault that is put
in on purpose can raise it, which the C++ tests do.
"""

import decimal
import json
import os
import pathlib
import pty
import re
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

KETPK = ""
ORDER = ["--analyte", "racemic-ketamine", "--form", "base", "--drug-free", "--dose", "0.5mg/kg", "--over", "40min",
         "--model", "kamp2020"]
WHO = ["--weight", "70kg", "--age", "42yr", "--height", "175cm", "--sex", "female"]
SESSION = {
    "schema": "ketpk.session/1",
    "patient": {"weight": "70 kg", "height": "175 cm", "age": "42 yr", "sex": "female", "dosing_weight": "actual"},
    "analyte": "racemic-ketamine",
    "form": "base",
    "initial_state": "drug-free",
    "order": [
        {"infuse": "0.5 mg/kg", "over": "40 min", "at": "0 min"},
        {"infuse_at_rate": "12.5 mcg/kg/min", "over": "20 min", "at": "60 min"},
        {"bolus": "10 mg", "at": "90 min"},
    ],
    "bag": {"concentration": "1 mg/mL"},
    "model": "kamp2020",
    "limits": {"file": "limits.json"},
    "as_of": "2026-11-21",
    "overrides": [{"flag": "DOSE_PER_WEIGHT_HIGH", "reason": "a made-up reason", "by": "nobody"}],
    "observe": {"every": "1 min", "until": "4 h"},
    "questions": {"time_above": ["100 ng/mL", "9000 ng/mL"]},
}
EVERYTHING = {
    "custom": {
        "analytes": ["racemic-ketamine"], "site": "venous",
        "parameters": {"CL": "84 L/h", "V1": "25 L", "Q2": "161 L/h", "V2": "56 L", "Q3": "79 L/h", "V3": "157 L"},
        "effect_site": {"ke0": "0.2 1/min", "source": "invented for this test"},
        "metabolites": [{"name": "norketamine", "fraction": 1.0, "V1": "98.6 L", "CL": "57.7 L/h", "Q2": "42.8 L/h",
                         "V2": "160 L"}],
    }
}
SUMMARY = ["cmax_ng_per_mL", "tmax_min", "auc_inf_ng_h_per_mL", "delivered_mg", "terminal_half_life_min"]
BANNED = re.compile(r"\b(safe|safely|safety|normal|approved|ok to give)\b", re.IGNORECASE)
NOT_A_NUMBER = re.compile(r"\b(nan|inf|infinity)\b", re.IGNORECASE)


def limits(**bounds):
    """Limits with one row of dose_per_weight, and any other rows given as `rows`."""
    row = {"id": "dose-per-weight", "quantity": "dose_per_weight", "soft_low": "0.1 mg/kg", "soft_high": "0.5 mg/kg",
           "hard_high": "1 mg/kg", "required": True, "source": "invented for this test"}
    row.update({k: v for k, v in bounds.items() if k != "rows"})
    return {"schema": "ketpk.limits/1", "id": "test-limits", "version": "1", "status": "example", "approver": "nobody",
            "effective": "2026-01-01", "expires": "2030-01-01", "limits": [row] + bounds.get("rows", [])}


REQUIRED_AGE = {"id": "age", "quantity": "age", "soft_low": "18 yr", "required": True,
        "source": "invented for this test"}


class CommandCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ketpk-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_raw(self, *arguments, stdin=b"", env=None, timeout=60, **more):
        return subprocess.run([KETPK, *map(str, arguments)], input=stdin, capture_output=True, cwd=self.folder, env=env,
                              timeout=timeout, check=False, **more)

    def run_ok(self, *arguments, code=0, **more):
        done = self.run_raw(*arguments, **more)
        self.assertEqual(done.returncode, code, (arguments, done.stderr.decode()))
        self.assertEqual(done.stderr, b"", arguments)
        text = done.stdout.decode("utf-8")
        self.assertNotRegex(text, BANNED)
        return text

    def run_json(self, *arguments, **more):
        def refuse(token):
            raise ValueError(token)
        return json.loads(self.run_ok(*arguments, "--json", **more), parse_constant=refuse)

    def refused(self, arguments, code, exit_code, field=None, **more):
        """One line on standard error and nothing on standard output; with --json the error as JSON there."""
        done = self.run_raw(*arguments, **more)
        line = done.stderr.decode("utf-8")
        self.assertEqual(done.returncode, exit_code, (arguments, line))
        self.assertRegex(line, r"\Aketpk: E_[A-Z_]+ [^\n]+: [^\n]+\n\Z")
        self.assertEqual(line.split()[1], code, line)
        self.assertNotRegex(line, BANNED)
        if "--json" in arguments:
            error = json.loads(done.stdout)
            self.assertEqual(list(error), ["error"])
            self.assertEqual(list(error["error"]), ["code", "field", "message"])
            self.assertEqual(line, "ketpk: {code} {field}: {message}\n".format(**error["error"]))
            if field is not None:
                self.assertEqual(error["error"]["field"], field)
        else:
            self.assertEqual(done.stdout, b"", arguments)
            if field is not None:
                self.assertTrue(line.split(" ", 2)[2].startswith(field + ":"), line)
        return line

    def write(self, name, document):
        path = self.folder / name
        path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        return path

    def session(self, **changes):
        return {**SESSION, **changes}

    def leftovers(self):
        return sorted(p.name for p in self.folder.iterdir())


class Usage(CommandCase):
    def test_J53_unknown_option_is_exit_1_with_one_line_and_nothing_written(self):
        for arguments in (["--wieght", "70kg"], ["--weigh", "70kg"], ["-x"], ["--configuration=secret"]):
            for extra in ([], ["--json"]):
                with self.subTest(arguments=arguments, extra=extra):
                    line = self.refused(["simulate", *WHO, *ORDER, *arguments, *extra], "E_USAGE", 1)
                    self.assertNotIn("secret", line)

    def test_J53_repeated_option_is_exit_1(self):
        for option, value in (("--weight", "70kg"), ("--dose", "0.5mg/kg"), ("--model", "kamp2020"), ("--limits",
                "a"), ("-o", "b")):
            with self.subTest(option=option):
                self.refused(["simulate", *WHO, *ORDER, option, value, option, value], "E_USAGE", 1)
        for flag in ("--drug-free", "--json", "--extrapolate"):
            with self.subTest(flag=flag):
                self.refused(["simulate", *WHO, *ORDER, flag, flag], "E_USAGE", 1)
        self.assertEqual(self.leftovers(), [])

    def test_J53_option_without_its_value_is_exit_1(self):
        self.refused(["simulate", *ORDER, "--weight"], "E_USAGE", 1)
        self.refused(["simulate", *ORDER, "--weight", "--age", "42yr"], "E_USAGE", 1, "--weight")
        self.refused(["simulate", *ORDER, "--weight", "--json"], "E_USAGE", 1, "--weight")
        self.refused(["simulate", *WHO, *ORDER, "-o"], "E_USAGE", 1)

    def test_a_flag_takes_no_value(self):
        without = [a for a in ORDER if a != "--drug-free"]
        self.refused(["simulate", *WHO, *without, "--drug-free=false"], "E_USAGE", 1)
        self.refused(["simulate", *WHO, *ORDER, "--extrapolate=no"], "E_USAGE", 1)

    def test_nothing_to_do_is_wrong_usage(self):
        for arguments in ([], ["simulate"], ["simulate", "--json"], ["check"], ["models"], ["models", "show"],
                          ["models", "lint"],
                ["limits"],
                          ["limits", "lint"], ["nonsense"], ["simulate", "a.json", "b.json"], ["units", "x"],
                                  ["version", "--json"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.run_raw(*arguments).returncode, 1)

    def test_a_session_file_and_patient_options_do_not_mix(self):
        self.write("s.json", SESSION)
        for more in (["--weight", "70kg"], ["--drug-free"], ["--extrapolate"], ["--limits", "l.json"], ["--at", "1min"],
                     ["--time-above", "1ng/mL"]):
            with self.subTest(more=more):
                self.refused(["simulate", "s.json", *more], "E_USAGE", 1, more[0])

    def test_options_that_exclude_each_other_are_wrong_usage(self):
        self.refused(["simulate", *WHO, *ORDER, "--rate", "1mg/min"], "E_USAGE", 1)
        self.refused(["simulate", *WHO, *ORDER, "--csv", "--json"], "E_USAGE", 1)
        self.refused(["simulate", *WHO, *ORDER, "--at", "1min", "--every", "1min", "--until", "2min"], "E_USAGE", 1)
        self.refused(["simulate", *WHO, *ORDER, "--force"], "E_USAGE", 1)

    def test_help_names_every_option_and_goes_to_standard_output(self):
        text = self.run_ok("simulate", "--help")
        for option in ("--weight", "--age", "--height", "--sex", "--analyte", "--form", "--drug-free", "--dose",
                "--over", "--model",
                       "--limits", "--every", "--until", "--at", "--json", "--csv", "--output", "--force", "--as-of",
                               "--extrapolate",
                       "--assume-enantiomers-alike"):
            self.assertIn(option, text)
        self.assertIn("not a medical device", self.run_ok("--help"))

    def test_version_is_one_line_and_more_when_asked(self):
        self.assertRegex(self.run_ok("version"), r"\Aketpk \d+\.\d+\.\d+\n\Z")
        self.assertGreater(self.run_ok("version", "--verbose").count("\n"), 3)

    def test_units_lists_the_closed_list(self):
        words = set(self.run_ok("units").split())
        listed = ("mg mcg g kg lb cm m in yr mg/kg mcg/kg mg/min mg/h mcg/min mcg/h mg/kg/min mg/kg/h mcg/kg/min "
                  "mcg/kg/h mL/h mL/min mg/mL mcg/mL ng/mL mg/L mcg/L us ms s min h d mL L L/kg mL/kg L/h L/min "
                  "L/h/kg L/min/kg mL/min/kg 1/min 1/h 1/s kg/m2")
        self.assertLessEqual(set(listed.split()), words)


class Missing(CommandCase):
    def test_each_missing_field_is_exit_2_and_names_its_option(self):
        line = [*WHO, *ORDER]
        for option, width, field, code in (
                ("--weight", 2, "patient.weight", "E_FIELD_MISSING"), ("--analyte", 2, "analyte", "E_FIELD_MISSING"),
                ("--form", 2, "form", "E_FIELD_MISSING"), ("--drug-free", 1, "initial_state", "E_STATE"),
                ("--model", 2, "model", "E_FIELD_MISSING"), ("--over", 2, "order[0].over", "E_FIELD_MISSING")):
            with self.subTest(option=option):
                at = line.index(option)
                message = self.refused(["simulate", *line[:at], *line[at + width:]], code, 2, field)
                self.assertIn(option, message)
                self.refused(["simulate", *line[:at], *line[at + width:], "--json"], code, 2, field)
        at = line.index("--dose")
        self.assertIn("--dose", self.refused(["simulate", *line[:at], *line[at + 4:]], "E_FIELD_MISSING", 2, "order"))
        self.refused(["simulate", *line[:at], *line[at + 2:]], "E_FIELD_MISSING", 2, "order")
        self.refused(["simulate", *line[:at], *line[at + 2:], "--bolus", "1mg"], "E_FIELD_MISSING", 2, "order")
        self.refused(["simulate", *line, "--every", "1min"], "E_FIELD_MISSING", 2, "observe.until")

    def test_check_needs_limits(self):
        self.refused(["check", *WHO, *ORDER], "E_FIELD_MISSING", 2, "limits")
        self.refused(["check", *WHO, *ORDER, "--json"], "E_FIELD_MISSING", 2, "limits")


class BadValues(CommandCase):
    def table(self, option, rows):
        base = ["--weight", "70kg", "--age", "42yr", "--height", "175cm", *ORDER]
        for case, value, code, field in rows:
            with self.subTest(case=case, value=value):
                arguments = list(base)
                if option in arguments:
                    arguments[arguments.index(option) + 1] = value
                else:
                    arguments += [option, value]
                self.refused(["simulate", *arguments], code, 2, field)

    def test_J54_a_weight_without_a_unit(self):
        self.table("--weight", [("J54", "70", "E_UNIT_MISSING", "patient.weight")])
        self.refused(["simulate", "--weight", "70"], "E_UNIT_MISSING", 2, "patient.weight")

    def test_J55_a_negative_weight_is_a_value_and_out_of_range(self):
        self.table("--weight", [("J55", "-70kg", "E_RANGE", "patient.weight")])
        self.refused(["simulate", "--weight=-70kg", *ORDER], "E_RANGE", 2, "patient.weight")
        self.refused(["simulate", "--weight", "-70kg"], "E_RANGE", 2, "patient.weight")

    def test_weights(self):
        where = "patient.weight"
        self.table("--weight", [
            ("C01", "NaNkg", "E_PARSE", where), ("C02", "Infinitykg", "E_PARSE", where), ("C02", "-Infinity kg",
                    "E_PARSE", where),
            ("C03", "0kg", "E_RANGE", where), ("C03", "-0kg", "E_RANGE", where), ("C05", "5e-324kg", "E_RANGE", where),
            ("C06", "1e308kg", "E_RANGE", where), ("J15", "70KG", "E_UNIT_UNKNOWN", where), ("J19", "1e400kg",
                    "E_RANGE", where),
            ("J19", "1e-400kg", "E_RANGE", where), ("J20", "70,5kg", "E_PARSE", where), ("J20", "1'000kg", "E_PARSE",
                    where),
            ("J21", "0x10kg", "E_PARSE", where), ("J21", "010kg", "E_PARSE", where), ("J21", ".5kg", "E_PARSE", where),
            ("J21", "5.kg", "E_PARSE", where), ("J21", "+5kg", "E_PARSE", where), ("J21", "1_000kg", "E_PARSE", where),
            ("J22", "\u0667\u0660kg", "E_PARSE", where), ("J22", "\uff17\uff10kg", "E_PARSE", where),
            ("J23", "70 kgs", "E_UNIT_UNKNOWN", where), ("J23", "70.5abc", "E_UNIT_UNKNOWN", where), ("", "70 mg",
                    "E_UNIT_MISMATCH", where),
            ("", "70  kg", "E_UNIT_UNKNOWN", where), ("", "", "E_PARSE", where)])

    def test_heights_ages_doses_and_durations(self):
        self.table("--height", [("C09", "1.70cm", "E_RANGE", "patient.height"), ("", "9m", "E_RANGE",
                "patient.height")])
        self.table("--age", [("", "131yr", "E_RANGE", "patient.age"), ("", "42", "E_UNIT_MISSING", "patient.age")])
        self.table("--dose", [("J17", "500ug/kg", "E_UNIT_UNKNOWN", "order[0].infuse"), ("J17", "500\u00b5g/kg",
                "E_UNIT_UNKNOWN", "order[0].infuse"),
                              ("J18", "NaNmg/kg", "E_PARSE", "order[0].infuse"), ("", "0.5mg/kg/min",
                                      "E_UNIT_MISMATCH", "order[0].infuse")])
        self.table("--over", [("C25", "0min", "E_RANGE", "order[0].over"), ("C25", "-1min", "E_RANGE", "order[0].over"),
                              ("C26", "401d", "E_RANGE", "order[0].over")])
        self.table("--model", [("", "kamp", "E_MODEL_UNKNOWN", "model"), ("C43", "otto2021", "E_MODEL_ANALYTE",
                "analyte")])

    def test_C38_a_pump_rate_needs_the_bag(self):
        arguments = [*WHO, *ORDER]
        arguments[arguments.index("--dose"):arguments.index("--dose") + 2] = ["--rate", "35mL/h"]
        self.refused(["simulate", *arguments], "E_FIELD_MISSING", 2, "bag.concentration")
        order = self.run_json("simulate", *arguments, "--bag", "1mg/mL")["inputs"]["order"]
        self.assertAlmostEqual(order[0]["amount_mg"], 35 * 40 / 60, places=9)

    def test_C42_hydrochloride_is_told_in_base(self):
        arguments = [*WHO, *ORDER]
        arguments[arguments.index("--form") + 1] = "hydrochloride"
        arguments[arguments.index("--dose") + 1] = "40.37mg"
        self.assertAlmostEqual(self.run_json("simulate", *arguments)["summary"]["delivered_mg"], 35.0, delta=0.01)

    def test_no_message_repeats_a_value(self):
        for arguments in (["--weight", "Jane Doe"], ["--sex", "Jane-Doe"], ["--model", "Jane Doe"], ["--limits",
                "Jane Doe.json"],
                          ["--as-of", "Jane Doe"], ["--at", "Jane Doe"]):
            with self.subTest(arguments=arguments):
                base = [a for a in ORDER if a not in ("--model", "kamp2020")] if arguments[0] == "--model" else ORDER
                who = [] if arguments[0] == "--weight" else ["--weight", "70kg"]
                done = self.run_raw("simulate", *who, *base, *arguments)
                self.assertIn(done.returncode, (1, 2, 7))
                self.assertNotIn(b"Jane", done.stdout + done.stderr)


class Results(CommandCase):
    def test_the_contract_session_runs_and_has_the_contract_keys(self):
        self.write("limits.json", limits())
        result = self.run_json("simulate", self.write("s.json", SESSION), code=3)
        self.assertEqual(list(result), ["schema", "ketpk", "inputs", "model", "profile", "summary", "time_above",
                "assessment", "body_size"])
        self.assertEqual(result["schema"], "ketpk.result/1")
        self.assertEqual(list(result["ketpk"]), ["version", "solver", "second_solver", "agreement_rel",
                "mass_balance_rel"])
        self.assertEqual(list(result["model"])[:6], ["id", "citation", "site", "analytes", "population",
                "extrapolated"])
        self.assertEqual(list(result["profile"]), ["time_us", "time_min", "plasma_ng_per_mL", "delivered_mg",
                "auc_ng_h_per_mL"])
        self.assertEqual(list(result["summary"]), SUMMARY)
        self.assertEqual(list(result["time_above"][0]), ["threshold_ng_per_mL", "minutes", "first_min"])
        self.assertIsNone(result["time_above"][1]["first_min"])
        assessment = result["assessment"]
        self.assertEqual(list(assessment), ["verdict", "basis", "limits", "checks", "flags", "overrides"])
        self.assertEqual(list(assessment["limits"]), ["id", "version", "status", "sha256"])
        self.assertEqual(list(assessment["checks"][0]), ["id", "required", "outcome", "why"])
        self.assertEqual(list(assessment["flags"][0])[:12],
                         ["code", "severity", "quantity", "value", "limit", "limit_id", "source", "margin_rel",
                                 "first_min", "minutes",
                          "driver", "clears_at"])
        self.assertEqual(assessment["overrides"], SESSION["overrides"])
        self.assertEqual(len(result["profile"]["time_us"]), 241)
        self.assertEqual({len(column) for column in result["profile"].values()}, {241})
        self.assertEqual(result["profile"]["time_us"][-1], 4 * 3600 * 1000000)
        self.assertAlmostEqual(result["summary"]["delivered_mg"], 35 + 0.0125 * 70 * 20 + 10, places=9)
        inputs = result["inputs"]
        self.assertEqual(inputs["patient"], SESSION["patient"])
        self.assertEqual([i["at"] for i in inputs["order"]], ["0 min", "60 min", "90 min"])
        self.assertEqual([i["amount_mg"] for i in inputs["order"]], [35, 17.5, 10])
        self.assertIs(inputs["extrapolate"], False)

    def test_effect_site_and_metabolites_stand_where_the_model_has_them(self):
        session = self.session(model=EVERYTHING, limits=limits())
        result = self.run_json("simulate", "-", stdin=json.dumps(session).encode(), code=3)
        self.assertEqual(list(result["profile"]), ["time_us", "time_min", "plasma_ng_per_mL", "effect_site_ng_per_mL",
                "metabolites",
                                                   "delivered_mg", "auc_ng_h_per_mL"])
        self.assertEqual(list(result["profile"]["metabolites"]), ["norketamine_ng_per_mL"])
        self.assertEqual(list(result["summary"]), [*SUMMARY, "effect_site", "metabolites"])
        self.assertEqual(list(result["summary"]["effect_site"]), ["cmax_ng_per_mL", "tmax_min"])
        self.assertEqual(list(result["summary"]["metabolites"]["norketamine"]), ["cmax_ng_per_mL", "tmax_min",
                "auc_inf_ng_h_per_mL"])
        self.assertEqual(result["inputs"]["model"]["custom"]["parameters"], {
            k: EVERYTHING["custom"]["parameters"][k] for k in result["inputs"]["model"]["custom"]["parameters"]})
        # AUC to infinity of the parent is dose / CL, that of all metabolite is fraction * dose / its CL.
        self.assertAlmostEqual(result["summary"]["auc_inf_ng_h_per_mL"], 62.5 / 84 * 1000, delta=1e-6)
        self.assertAlmostEqual(result["summary"]["metabolites"]["norketamine"]["auc_inf_ng_h_per_mL"],
                62.5 / 57.7 * 1000, delta=1e-6)

    def test_the_echoed_inputs_run_again_to_the_same_answer(self):
        first = self.run_json("simulate", "-", stdin=json.dumps(self.session(model=EVERYTHING,
                limits=limits())).encode(), code=3)
        again = {k: v for k, v in first["inputs"].items() if k != "limits"}
        again["order"] = [{k: v for k, v in i.items() if k not in ("amount_mg",
                "rate_mg_per_min")} for i in again["order"]]
        again["limits"] = limits()
        second = self.run_json("simulate", "-", stdin=json.dumps(again).encode(), code=3)
        for block in ("inputs", "profile", "summary", "time_above", "assessment"):
            self.assertEqual(second[block], first[block], block)

    def test_kamp_at_40_60_and_120_minutes_is_253_96_and_50(self):
        result = self.run_json("simulate", *WHO, *ORDER, "--at", "40min,60min,7200s")
        self.assertEqual([round(c) for c in result["profile"]["plasma_ng_per_mL"]], [253, 96, 50])
        self.assertEqual(round(result["summary"]["auc_inf_ng_h_per_mL"]), 417)
        self.assertEqual(result["profile"]["time_us"], [2400000000, 3600000000, 7200000000])

    def test_numbers_are_the_shortest_that_read_back(self):
        text = self.run_ok("simulate", *WHO, *ORDER, "--every", "1min", "--until", "4h", "--json")
        seen = []
        json.loads(text, parse_float=lambda lexeme: seen.append(lexeme) or float(lexeme))
        self.assertGreater(len(seen), 400)
        for lexeme in seen:
            self.assertEqual(decimal.Decimal(lexeme), decimal.Decimal(repr(float(lexeme))), lexeme)
        self.assertNotRegex(text, NOT_A_NUMBER)

    def test_csv_holds_the_same_numbers_as_json(self):
        arguments = ["simulate", *WHO, *ORDER, "--every", "7min", "--until", "4h"]
        profile = self.run_json(*arguments)["profile"]
        lines = self.run_ok(*arguments, "--csv").splitlines()
        self.assertEqual(lines[0], "time_us,time_min,plasma_ng_per_mL,delivered_mg,auc_ng_h_per_mL")
        rows = [[float(cell) for cell in line.split(",")] for line in lines[1:]]
        self.assertEqual([list(map(float, column)) for column in zip(*rows)], [list(map(float,
                profile[k])) for k in lines[0].split(",")])

    def test_without_observe_nothing_is_sampled(self):
        result = self.run_json("simulate", *WHO, *ORDER)
        self.assertEqual(set(map(len, result["profile"].values())), {0})
        self.assertGreater(result["summary"]["cmax_ng_per_mL"], 250)
        self.assertEqual(len(self.run_ok("simulate", *WHO, *ORDER, "--csv").splitlines()), 1)

    def test_options_and_session_file_are_one_road(self):
        self.write("limits.json", limits())
        session = self.session(order=SESSION["order"][:1], overrides=[], questions={"time_above": ["100 ng/mL"]})
        del session["bag"]
        by_file = self.run_ok("simulate", self.write("s.json", session), "--json")
        by_pipe = self.run_ok("simulate", "-", "--json", stdin=json.dumps(session).encode())
        by_options = self.run_ok("simulate", *WHO, *ORDER, "--limits", "limits.json", "--as-of", "2026-11-21",
                "--every", "1min",
                                 "--until", "4h", "--time-above", "100ng/mL", "--json")
        self.assertEqual(by_file, by_pipe)
        self.assertEqual(by_file, by_options)

    def test_bolus_and_infusion_together(self):
        result = self.run_json("simulate", *WHO, *ORDER, "--bolus", "10mg")
        self.assertEqual(result["summary"]["delivered_mg"], 45)
        self.assertEqual([list(i)[0] for i in result["inputs"]["order"]], ["bolus", "infuse"])

    def test_pounds_are_converted_and_echoed_twice(self):
        patient = self.run_json("simulate", "--weight", "154lb", *ORDER)["inputs"]["patient"]
        self.assertEqual(patient["weight_as_stated"], "154 lb")
        self.assertAlmostEqual(float(patient["weight"].split()[0]), 154 * 0.45359237, places=9)

    def test_the_card_fits_one_screen_and_says_what_it_is_not(self):
        self.write("limits.json", limits())
        for arguments, code in (([*WHO, *ORDER], 0), ([*WHO, *ORDER, "--limits", "limits.json", "--as-of",
                "2026-11-21"], 0),
                                ([str(self.write("s.json", SESSION))], 3)):
            text = self.run_ok("simulate", *arguments, code=code)
            lines = text.splitlines()
            self.assertLessEqual(len(lines), 40)
            self.assertLessEqual(max(map(len, lines)), 100)
            self.assertIn("not a medical device", text)
            self.assertIn("ng/mL", text)
            self.assertNotRegex(text, NOT_A_NUMBER)
            self.assertNotIn("\u00b5", text)
            self.assertNotIn("\x1b", text)

    def test_models_show_has_every_number_with_unit_and_source(self):
        listed = self.run_json("models", "list")["models"]
        ids = [m["id"] for m in listed]
        self.assertLessEqual({"kamp2020", "kamp2020-linear", "otto2021", "domino1984", "clements1981", "herd2007",
                              "simons2022", "perezruixo2021", "elkomy2015", "hijazi2003", "sherwin2015", "hornik2018",
                              "flint2017"}, set(ids))
        for name in ids:
            card = self.run_json("models", "show", name)
            text = self.run_ok("models", "show", name)
            self.assertIn(name, self.run_ok("models", "list"))
            for p in card["parameters"]:
                self.assertIn(p["value"], text)
                self.assertTrue(p["source"], p)
            self.assertTrue(card["citation"])
            self.assertTrue(card["uncertainties"])
            self.assertIn(card["confidence"], ("low", "medium-low", "medium", "medium-high", "high"))
            for m in card.get("metabolites", []):
                for p in [*m["parameters"], *m.get("delay", {"parameters": []})["parameters"]]:
                    self.assertIn(p["value"], text)
                    self.assertTrue(p["source"], p)
            for eta in card.get("variability", {"parameters": []})["parameters"]:
                self.assertIn(eta, text)
        self.refused(["models", "show", "nobody1999"], "E_MODEL_UNKNOWN", 2, "model")
        self.refused(["models", "show", "nobody1999", "--json"], "E_MODEL_UNKNOWN", 2, "model")

    def test_models_list_says_how_sure_each_is_and_which_are_not_for_use(self):
        text = self.run_ok("models", "list")
        self.assertLessEqual(max(len(line) for line in text.splitlines()), 120)
        lines = {line.split()[0]: line for line in text.splitlines()}
        listed = {m["id"]: m for m in self.run_json("models", "list")["models"]}
        self.assertEqual({name for name, m in listed.items() if "not_for_use" in m}, {"hornik2018", "flint2017"})
        self.assertEqual({name for name, m in listed.items() if "only_for" in m}, {"hijazi2003", "sherwin2015"})
        for name, m in listed.items():
            self.assertIn("not for use" if "not_for_use" in m else f" {m['confidence']} ", lines[name])
            self.assertIn(m["label"], lines[name])

    def test_a_model_that_is_not_for_use_is_refused_whatever_is_allowed(self):
        for name, analyte in (("hornik2018", "racemic-ketamine"), ("flint2017", "s-ketamine")):
            session = self.session(model=name, analyte=analyte, limits=limits(), extrapolate=True,
                                   assume_enantiomers_alike=True)
            self.refused(["simulate", self.write("s.json", session)], "E_MODEL_DOMAIN", 2, "model")

    def test_models_show_has_what_follows_from_the_parameters(self):
        derived = self.run_json("models", "show", "domino1984")["derived"]
        # V1 0.063 L/kg, k12/k21 and k13/k31 at 70 kg
        self.assertAlmostEqual(derived["Vss_L"], 4.41 * (1 + 0.592 / 0.247 + 0.590 / 0.0146), delta=1e-9)
        self.assertAlmostEqual(derived["k10_per_min"], 0.438, delta=1e-12)
        self.assertAlmostEqual(sum(derived["lambda_per_min"]), 0.438 + 0.592 + 0.590 + 0.247 + 0.0146, delta=1e-12)
        self.assertEqual(derived["lambda_per_min"], sorted(derived["lambda_per_min"], reverse=True))
        self.assertAlmostEqual(derived["half_life_min"][-1] / 60, 1.91, delta=0.005)
        text = self.run_ok("models", "show", "domino1984")
        for part in ("1/min", "half-lives", "Vss 193.2 L", "k10 0.438 1/min"):
            self.assertIn(part, text)

    def test_a_built_in_model_is_a_file_and_a_file_is_a_model(self):
        for name in ("kamp2020", "otto2021", "domino1984"):
            card = self.run_ok("models", "show", name, "--card")
            path = self.write(f"{name}.json", card)
            self.assertEqual(self.run_ok("models", "show", path, "--card"), card)
            self.assertEqual(self.run_ok("models", "show", "-", "--card", stdin=card.encode()), card)
            self.assertEqual(self.run_ok("models", "show", f"./{name}.json"), self.run_ok("models", "show", name))
            self.assertEqual(self.run_json("models", "show", path), self.run_json("models", "show", name))
        self.refused(["models", "show", "kamp2020", "--json", "--card"], "E_USAGE", 1)
        self.refused(["models", "show", "absent.json"], "E_IO", 7)
        self.refused(["models", "show", self.write("no.json", "{}")], "E_SCHEMA_VERSION", 2, "model.schema")

    def test_models_lint_says_errors_warnings_and_notes(self):
        for each in self.run_json("models", "list")["models"]:
            found = [(f["severity"], f["code"]) for f in self.run_json("models", "lint", each["id"])["findings"]]
            self.assertEqual(found, {"hijazi2003": [("warning", "CLEARANCE")], "hornik2018": [("note", "NOT_FOR_USE")],
                                     "flint2017": [("note", "NOT_FOR_USE")]}.get(each["id"], []))
        card = json.loads(self.run_ok("models", "show", "herd2007", "--card"))
        del card["golden"]
        card["parameters"]["V1"]["value"] = "38700 L"
        path = self.write("slip.json", card)
        found = self.run_json("models", "lint", path)
        self.assertEqual([(f["severity"], f["code"], f["field"]) for f in found["findings"]],
                         [("warning", "VOLUME", "model.parameters.V1"), ("note", "NO_GOLDEN", "model.golden")])
        self.assertNotIn("error", found)
        self.assertEqual(len(self.run_ok("models", "lint", path).splitlines()), 2)
        del card["parameters"]["CL"]["source"]
        card["golden"] = [{"quantity": "CL", "value": "91 L/h", "tolerance": 0.001, "weight": "70 kg", "source": "s"}]
        path = self.write("bad.json", card)
        done = self.run_raw("models", "lint", path, "--json")
        self.assertEqual(done.returncode, 2)
        found = json.loads(done.stdout)
        self.assertEqual([f["code"] for f in found["findings"] if f["severity"] == "error"],
                         ["E_FIELD_MISSING", "E_MODEL_PARAM"])
        self.assertEqual(found["error"]["field"], "model.parameters.CL.source")
        self.assertRegex(done.stderr.decode(), r"\Aketpk: E_FIELD_MISSING model.parameters.CL.source: [^\n]+\n\Z")
        self.refused(["models", "lint", "absent.json"], "E_IO", 7, "model")
        self.refused(["models", "lint", "nobody1999"], "E_MODEL_UNKNOWN", 2, "model")
        self.refused(["models", "lint"], "E_USAGE", 1)


    def test_the_dosing_weight_is_chosen_by_name_and_what_else_a_model_looks_at_by_its_own(self):
        order = ["--analyte", "racemic-ketamine", "--form", "base", "--drug-free", "--dose", "1mg/kg", "--over", "40min"]
        who = ["--weight", "110kg", "--height", "165cm", "--sex", "female"]
        asked = ["simulate", *who, *order, "--model", "kamp2020"]
        ideal = 45.5 + 2.3 * (165 / 2.54 - 60)
        for word, kg in [("actual", 110), ("ideal", ideal), ("adjusted", 0.6 * ideal + 44), ("80kg", 80)]:
            result = self.run_json(*asked, "--dosing-weight", word)
            self.assertAlmostEqual(result["summary"]["delivered_mg"], kg, places=9)
            self.assertEqual(result["body_size"]["model_weight_kg"], 110)
        for word, code, field in [("lean", "E_RANGE", "patient.dosing_weight"),
                                  ("ideal-weight", "E_PARSE", "patient.dosing_weight"),
                                  ("70", "E_UNIT_MISSING", "patient.dosing_weight")]:
            self.refused([*asked, "--dosing-weight", word, "--json"], code, 2, field)
        self.refused(["simulate", "--weight", "70kg", *order, "--model", "kamp2020", "--dosing-weight", "ideal", "--json"],
                     "E_FIELD_MISSING", 2, "patient.height")

        card = json.loads(self.run_ok("models", "show", "kamp2020", "--card"))
        card["id"] = "made-up"
        effect = {"covariate": "RACE_ASIAN", "form": "levels", "levels": [{"is": 0, "factor": 1}, {"is": 1, "factor": 0.8}],
                  "source": "made up"}
        card["parameters"]["CL"]["covariates"] = [effect]
        path = self.write("card.json", {k: v for k, v in card.items() if k != "golden"})
        asked = ["simulate", *who, *order, "--model", path]
        auc = [self.run_json(*asked, "--covariate", f"RACE_ASIAN={x}")["summary"]["auc_inf_ng_h_per_mL"] for x in (0, 1)]
        self.assertAlmostEqual(auc[1] * 0.8, auc[0], places=9)
        for text, code, field in [("RACE_ASIAN=0,STUDY=1", "E_FIELD_UNKNOWN", "patient.covariates.STUDY"),
                                  ("RACE_ASIAN=0,RACE_ASIAN=1", "E_FIELD_DUPLICATE", "patient.covariates"),
                                  ("RACE_ASIAN", "E_PARSE", "patient.covariates"),
                                  ("RACE_ASIAN=x", "E_PARSE", "patient.covariates"),
                                  ("RACE_ASIAN=2", "E_RANGE", "RACE_ASIAN")]:
            self.refused([*asked, "--covariate", text, "--json"], code, 2, field)
        self.refused([*asked, "--json"], "E_FIELD_MISSING", 2, "patient.covariates.RACE_ASIAN")


    def test_sensitivity_tells_what_drives_the_peak(self):
        asked = ["simulate", *WHO, *ORDER, "--time-above", "100ng/mL", "--sensitivity"]
        told = self.run_json(*asked)["sensitivity"]
        self.assertEqual([o["outcome"] for o in told], ["cmax", "auc_inf", "time_above"])
        area = {s["input"]: s["elasticity"] for s in told[1]["inputs"]}
        self.assertAlmostEqual(area["CL"], -1, places=12)
        self.assertAlmostEqual(area["dose"], 1, places=12)
        card = self.run_ok(*asked)
        self.assertLessEqual(len(card.splitlines()), 40)
        self.assertIn("The peak follows the dose one to one", " ".join(card.split()))
        bars = [line for line in card.splitlines() if "% " in line and line.rstrip().endswith("\u2588")]
        self.assertEqual(len(bars), 6)
        self.assertGreaterEqual(bars[0].count("\u2588"), bars[5].count("\u2588"))
        course = self.run_ok(*asked, "--course-every", "84h", "--course-times", "6")
        self.assertLessEqual(len(course.splitlines()), 40)
        self.assertNotIn("sensitivity", self.run_json("simulate", *WHO, *ORDER))
        self.write("s.json", {**SESSION, "model": EVERYTHING, "limits": limits(), "questions": {"sensitivity": True}})
        told = self.run_json("simulate", self.folder / "s.json", code=3)["sensitivity"]
        self.assertEqual({o["curve"] for o in told}, {"plasma", "effect_site", "norketamine"})


class Exits(CommandCase):
    def exit_for(self, dose, set_of_limits, *more):
        self.write("limits.json", set_of_limits)
        arguments = ["--weight", "70kg", *ORDER, "--limits", "limits.json", "--as-of", "2026-11-21", *more]
        arguments[arguments.index("--dose") + 1] = dose
        codes = set()
        for verb in ("simulate", "check"):
            for output in ([], ["--json"]):
                codes.add(self.run_raw(verb, *arguments, *output).returncode)
        return codes

    def test_exit_0_within_limits_3_soft_4_hard(self):
        self.assertEqual(self.exit_for("0.5mg/kg", limits()), {0})
        self.assertEqual(self.exit_for("0.6mg/kg", limits()), {3})
        self.assertEqual(self.exit_for("1.1mg/kg", limits()), {4})

    def test_exit_6_where_a_required_check_could_not_be_made_below_hard_and_above_soft(self):
        required = limits(rows=[REQUIRED_AGE])
        self.assertEqual(self.exit_for("0.5mg/kg", required), {6})
        self.assertEqual(self.exit_for("0.6mg/kg", required), {6})
        self.assertEqual(self.exit_for("1.1mg/kg", required), {4})
        self.assertEqual(self.exit_for("0.5mg/kg", required, "--age", "42yr"), {0})

    def test_a_check_that_is_not_required_leaves_the_exit_alone(self):
        self.assertEqual(self.exit_for("0.5mg/kg", limits(rows=[{**REQUIRED_AGE, "required": False}])), {0})

    def test_without_limits_the_verdict_is_unevaluated_and_only_flags_set_the_exit(self):
        self.assertEqual(self.run_json("simulate", *WHO, *ORDER)["assessment"]["verdict"], "unevaluated")
        arguments = [*WHO, *ORDER]
        arguments[arguments.index("--model") + 1] = "otto2021"
        flagged = self.run_json("simulate", *arguments, "--assume-enantiomers-alike", code=3)["assessment"]
        self.assertEqual([f["code"] for f in flagged["flags"]], ["ENANTIOMERS_ASSUMED_ALIKE"])
        self.assertIsNone(flagged["limits"])

    def test_an_override_changes_no_verdict_and_no_exit(self):
        self.write("limits.json", limits())
        for overrides in ([], SESSION["overrides"]):
            result = self.run_json("simulate", self.write("s.json", self.session(overrides=overrides)), code=3)
            self.assertEqual(result["assessment"]["verdict"], "soft")

    def test_the_verdict_word_and_the_hard_flag_reach_the_card(self):
        self.write("limits.json", limits())
        arguments = [*WHO, *ORDER, "--limits", "limits.json", "--as-of", "2026-11-21"]
        arguments[arguments.index("--dose") + 1] = "5mg/kg"
        for verb in ("simulate", "check"):
            text = self.run_ok(verb, *arguments, code=4)
            self.assertIn("HARD", text)
            self.assertIn("DOSE_PER_WEIGHT_HIGH", text)
            self.assertIn("status example", text)

    def test_check_tells_the_assessment_of_simulate(self):
        self.write("limits.json", limits())
        session = self.write("s.json", SESSION)
        check = self.run_json("check", session, code=3)
        self.assertEqual(list(check), ["schema", "ketpk", "inputs", "model", "assessment"])
        self.assertEqual(check["assessment"], self.run_json("simulate", session, code=3)["assessment"])

    def test_J06_limits_are_dated_by_as_of(self):
        self.write("limits.json", limits())
        base = ["simulate", *WHO, *ORDER, "--limits", "limits.json", "--as-of"]
        self.assertIn("test-limits", self.run_ok(*base, "2026-11-21"))
        self.refused([*base, "2030-01-02"], "E_LIMITS_STALE", 2)
        self.refused([*base, "2025-12-31"], "E_LIMITS_NOT_YET", 2)

    def test_lint_names_everything_that_is_wrong(self):
        self.write("limits.json", limits())
        self.run_ok("limits", "lint", "limits.json")
        self.assertEqual(self.run_json("limits", "lint", "limits.json")["findings"], [])
        self.write("bad.json", limits(soft_high="2 mg/kg", source=""))
        done = self.run_raw("limits", "lint", "bad.json", "--json")
        self.assertEqual(done.returncode, 2)
        self.assertGreaterEqual(len(json.loads(done.stdout)["findings"]), 1)
        self.refused(["limits", "lint", "absent.json"], "E_IO", 7)


class Output(CommandCase):
    base = ["simulate", *WHO, *ORDER, "--every", "1min", "--until", "4h", "--json"]

    def test_J56_an_existing_file_needs_force_and_stays_intact(self):
        target = self.write("out.json", "old")
        before = target.stat().st_ino
        done = self.run_raw(*self.base, "-o", target)
        self.assertEqual(done.returncode, 7)
        self.assertIn(b"E_IO output: ", done.stderr)
        self.assertEqual((target.read_text(), target.stat().st_ino), ("old", before))
        os.chmod(target, 0o640)
        self.assertEqual(self.run_ok(*self.base, "-o", target, "--force"), "")
        self.assertEqual(target.read_text(), self.run_ok(*self.base))
        self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o640)
        self.assertEqual(self.leftovers(), ["out.json"])

    def test_a_new_file_is_the_same_bytes_as_standard_output(self):
        for extra in (["--json"], ["--csv"], []):
            arguments = [*self.base[:-1], *extra]
            self.assertEqual(self.run_ok(*arguments, "-o", "out"), "")
            self.assertEqual((self.folder / "out").read_text(encoding="utf-8"), self.run_ok(*arguments))
            (self.folder / "out").unlink()
        self.assertEqual(self.leftovers(), [])

    def test_J56_a_disk_that_is_full_at_byte_n_keeps_the_old_file_and_leaves_nothing(self):
        target = self.write("out.json", "old")
        size = len(self.run_ok(*self.base))
        for n in (0, 1, 100, 4096, size - 1):
            with self.subTest(n=n):
                limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n, n))
                for name, more in (("out.json", ["--force"]), ("new.json", [])):
                    done = self.run_raw(*self.base, "-o", name, *more, preexec_fn=limit)
                    self.assertEqual(done.returncode, 7)
                    self.assertIn(b"E_IO output: ", done.stderr)
                    self.assertEqual(target.read_text(), "old")
                    self.assertEqual(self.leftovers(), ["out.json"])

    def test_J56_a_read_only_folder(self):
        copy = self.folder / "ketpk"
        shutil.copy(KETPK, copy)
        os.chmod(copy, 0o755)
        os.chmod(self.folder, 0o755)
        locked = self.folder / "locked"
        locked.mkdir()
        (locked / "old.json").write_text("old")
        os.chmod(locked, 0o555)
        drop = (lambda: os.setuid(65534)) if os.geteuid() == 0 else None
        for name, more in (("new.json", []), ("old.json", ["--force"])):
            done = subprocess.run([copy, *self.base, "-o", locked / name, *more], capture_output=True,
                    preexec_fn=drop, check=False)
            self.assertEqual(done.returncode, 7, done.stderr)
            self.assertIn(b"E_IO output: ", done.stderr)
        self.assertEqual([p.name for p in locked.iterdir()], ["old.json"])
        self.assertEqual((locked / "old.json").read_text(), "old")

    def test_only_regular_files_are_replaced(self):
        (self.folder / "d").mkdir()
        os.mkfifo(self.folder / "pipe")
        for name in ("d", "pipe", "/dev/full", "/dev/null", ".", "..", "absent/x", "d/", ""):
            with self.subTest(name=name):
                done = self.run_raw(*self.base, "-o", name, "--force")
                self.assertEqual(done.returncode, 7, done.stderr)
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/full").st_mode))
        self.assertTrue(stat.S_ISFIFO(os.stat(self.folder / "pipe").st_mode))

    def test_a_link_keeps_being_a_link(self):
        self.write("real.json", "old")
        (self.folder / "link.json").symlink_to("real.json")
        self.run_ok(*self.base, "-o", "link.json", "--force")
        self.assertTrue((self.folder / "link.json").is_symlink())
        self.assertEqual(json.loads((self.folder / "real.json").read_text())["schema"], "ketpk.result/1")

    def test_an_error_writes_no_file(self):
        self.assertEqual(self.run_raw("simulate", "--weight", "70", *ORDER, "-o", "out.json").returncode, 2)
        self.assertEqual(self.leftovers(), [])

    def test_a_full_standard_output_is_E_IO(self):
        for arguments in (self.base, ["units"], ["--help"], ["models", "list"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([KETPK, *arguments], stdout=full, stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.returncode, 7)
            self.assertRegex(done.stderr.decode(), r"\Aketpk: E_IO stdout: [^\n]+\n\Z")

    def test_J57_a_closed_pipe_is_E_IO_and_no_signal(self):
        read, write = os.pipe()
        os.close(read)
        try:
            done = subprocess.run([KETPK, *self.base], stdout=write, stderr=subprocess.PIPE, check=False)
        finally:
            os.close(write)
        self.assertEqual(done.returncode, 7)
        self.assertRegex(done.stderr.decode(), r"\Aketpk: E_IO stdout: [^\n]+\n\Z")

    def test_J57_a_reader_that_leaves_midway_is_E_IO(self):
        arguments = [*self.base]
        arguments[arguments.index("1min")] = "50ms"
        with subprocess.Popen([KETPK, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.read(10)
            process.stdout.close()
            self.assertEqual(process.wait(timeout=60), 7)
            self.assertIn(b"E_IO stdout", process.stderr.read())

    def test_J57_standard_output_that_was_never_open_is_E_IO(self):
        self.write("s.json", self.session(limits=limits()))
        for arguments in (self.base, ["simulate", "s.json"]):
            done = subprocess.run([KETPK, *arguments], preexec_fn=lambda: os.close(1), stdout=None,
                    stderr=subprocess.PIPE,
                                  cwd=self.folder, check=False)
            self.assertEqual(done.returncode, 7)
        self.assertEqual(json.loads((self.folder / "s.json").read_text())["schema"], "ketpk.session/1")

    def test_colour_only_on_a_terminal_and_never_with_NO_COLOR(self):
        def on_terminal(**env):
            parent, child = pty.openpty()
            with subprocess.Popen([KETPK, "simulate", *WHO, *ORDER], stdout=child, env={"TERM": "xterm",
                    **env}) as process:
                os.close(child)
                seen = b""
                while True:
                    try:
                        piece = os.read(parent, 65536)
                    except OSError:
                        piece = b""
                    if not piece:
                        break
                    seen += piece
                process.wait(timeout=60)
            os.close(parent)
            return seen
        self.assertIn(b"\x1b[", on_terminal())
        self.assertNotIn(b"\x1b[", on_terminal(NO_COLOR="1"))
        self.assertNotIn(b"\x1b[", on_terminal(TERM="dumb"))

    def test_too_little_memory_is_E_NOMEM(self):
        if b"__asan_init" in pathlib.Path(KETPK).read_bytes():
            self.skipTest("the address sanitizer needs the address space that this test takes away")
        arguments = [*self.base]
        arguments[arguments.index("1min")] = "15ms"
        room = 64 * 2**20
        done = self.run_raw(*arguments, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (room, room)))
        self.assertEqual((done.returncode, done.stderr.split()[1]), (7, b"E_NOMEM"))
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "E_NOMEM")


class Paths(CommandCase):
    def test_J60_paths_that_lead_nowhere_are_E_IO(self):
        (self.folder / "loop").symlink_to("loop")
        (self.folder / "a").symlink_to("b")
        (self.folder / "b").symlink_to("a")
        os.mkfifo(self.folder / "pipe")
        for path in ("absent.json", "../absent.json", "loop", "a", "x" * 5000, "x/" * 2500, "new\nline", ".", "pipe",
                "/dev/zero",
                     "/dev/tty"):
            with self.subTest(path=path[:20]):
                self.refused(["simulate", path], "E_IO", 7, timeout=10)
                self.refused(["simulate", *WHO, *ORDER, "--limits", path], "E_IO", 7, timeout=10)
                self.refused(["limits", "lint", path], "E_IO", 7, timeout=10)
                if path not in ("absent.json", "../absent.json"):
                    self.refused(["simulate", *WHO, *ORDER, "-o", path, "--force"], "E_IO", 7, timeout=10)

    def test_J60_a_session_reads_no_limits_outside_its_folder(self):
        inner = self.folder / "inner"
        inner.mkdir()
        self.write("limits.json", limits())
        (inner / "link.json").symlink_to("../limits.json")
        (inner / "limits.json").write_text(json.dumps(limits()))
        for name in ("../limits.json", str(self.folder / "limits.json"), "link.json", "../inner/../limits.json"):
            with self.subTest(name=name):
                (inner / "s.json").write_text(json.dumps(self.session(limits={"file": name})))
                self.refused(["simulate", inner / "s.json"], "E_IO", 7)
        (inner / "s.json").write_text(json.dumps(self.session()))
        self.run_ok("simulate", inner / "s.json", code=3)

    def test_a_path_that_the_user_names_may_lead_anywhere(self):
        inner = self.folder / "inner"
        inner.mkdir()
        self.write("limits.json", limits())
        for name in ("limits.json", self.folder / "limits.json", "inner/../limits.json"):
            self.assertIn("test-limits", self.run_ok("simulate", *WHO, *ORDER, "--limits", name, "--as-of",
                    "2026-11-21"))

    def test_J32_empty_input_is_E_PARSE_or_E_IO_at_once(self):
        for text in ("", "   \n"):
            self.write("s.json", text)
            self.refused(["simulate", "s.json"], "E_PARSE", 2, timeout=10)
            self.refused(["simulate", "-", "--json"], "E_PARSE", 2, stdin=text.encode(), timeout=10)


class Locales(CommandCase):
    def test_J59_the_environment_s_locale_changes_no_byte(self):
        self.write("s.json", self.session(model=EVERYTHING, limits=limits()))
        settings = [{}, *({"LC_ALL": name, "LANG": name, "LC_NUMERIC": name}
                          for name in ("C", "de_DE.UTF-8", "fr_FR.UTF-8", "tr_TR.UTF-8", "ar_EG.UTF-8", "xx_XX"))]
        for arguments in (["simulate", "s.json", "--json"], ["simulate", "s.json", "--csv"], ["simulate", "s.json"],
                ["check", "s.json"],
                          ["simulate", "--weight", "70,5kg", *ORDER, "--json"], ["models", "show", "otto2021"],
                                  ["units"],
                          ["simulate", *WHO, *ORDER, "--over", "1"], ["--help"]):
            with self.subTest(arguments=arguments):
                told = {(done.returncode, done.stdout, done.stderr)
                        for done in (self.run_raw(*arguments, env=setting) for setting in settings)}
                self.assertEqual(len(told), 1)


class Words(CommandCase):
    def test_no_output_calls_anything_by_a_word_that_promises(self):
        self.write("limits.json", limits())
        self.write("s.json", SESSION)
        for arguments in (["--help"], ["simulate", "--help"], ["check", "--help"], ["models", "--help"], ["limits",
                "--help"], ["units"],
                          ["version", "--verbose"], ["models", "list"], ["models", "list", "--json"], ["simulate",
                                  "s.json"],
                          ["simulate", "s.json", "--json"], ["check", "s.json"], ["limits", "lint", "limits.json"],
                          *(["models", "show", name] for name in ("kamp2020", "otto2021", "domino1984",
                                  "clements1981", "herd2007", "simons2022", "perezruixo2021", "elkomy2015",
                                  "hijazi2003", "sherwin2015", "hornik2018", "flint2017"))):
            with self.subTest(arguments=arguments):
                done = self.run_raw(*arguments)
                self.assertIn(done.returncode, (0, 3))
                text = (done.stdout + done.stderr).decode()
                self.assertTrue(text)
                self.assertNotRegex(text, BANNED)
                self.assertNotRegex(text, NOT_A_NUMBER)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_cli.py PATH_TO_KETPK")
    KETPK = os.path.abspath(sys.argv.pop(1))
    if not os.access(KETPK, os.X_OK):
        sys.exit("no program there; accepted: the path of the built ketpk")
    unittest.main()
