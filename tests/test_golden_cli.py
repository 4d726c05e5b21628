#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every reference case as a session through the command, held against 45-digit arithmetic.

Usage: test_golden_cli.py PATH_TO_KETPK [unittest arguments]
"""

import json
import pathlib
import subprocess
import sys
import unittest

KETPK = ""
CASES = [json.loads(line) for line in (pathlib.Path(__file__).parent / "golden/exact.jsonl").read_text().splitlines()]


def session_of(case):
    m = case["model"]
    parameters = {"V1": f"{m['V1_L']} L", "CL": f"{m['CL_L_per_h']} L/h"}
    for n in (2, 3):
        if f"Q{n}_L_per_h" in m:
            parameters[f"Q{n}"] = f"{m[f'Q{n}_L_per_h']} L/h"
            parameters[f"V{n}"] = f"{m[f'V{n}_L']} L"
    custom = {"analytes": ["racemic-ketamine"], "site": "venous", "parameters": parameters}
    if "ke0_per_min" in m:
        custom["effect_site"] = {"ke0": f"{m['ke0_per_min']} 1/min", "source": "reference case"}
    if "metabolite" in m:
        q = m["metabolite"]
        row = {"name": "norketamine", "fraction": q["fraction"], "V1": f"{q['V1_L']} L", "CL": f"{q['CL_L_per_h']} L/h"}
        if "Q2_L_per_h" in q:
            row |= {"Q2": f"{q['Q2_L_per_h']} L/h", "V2": f"{q['V2_L']} L"}
        custom["metabolites"] = [row]
    order = []
    for e in case["events"]:
        at = f"{e['start_us']} us"
        if e["duration_us"]:
            order.append({"infuse": f"{e['amount_mg']} mg", "over": f"{e['duration_us']} us", "at": at})
        else:
            order.append({"bolus": f"{e['amount_mg']} mg", "at": at})
    threshold = case["expected"]["above"]["threshold_ng_per_mL"]
    return {"schema": "ketpk.session/1", "patient": {"weight": "70 kg"}, "analyte": "racemic-ketamine", "form": "base",
            "initial_state": "drug-free", "order": order, "model": {"custom": custom},
            "observe": {"at": [f"{t} us" for t in case["times_us"]], "until": f"{case['end_us']} us"},
            "questions": {"time_above": [f"{threshold} ng/mL"]}}


class ReferenceCases(unittest.TestCase):
    def close(self, found, expected, largest, due, what):
        scale = max(abs(expected), 1e-6 * largest)
        self.assertLessEqual(abs(found - expected), due * scale, f"{what}: {found} for {expected}")

    def column(self, found, expected, what):
        self.assertEqual(len(found), len(expected), what)
        for i, (a, b) in enumerate(zip(found, expected)):
            self.close(a, b, max(expected), 1e-9, f"{what}[{i}]")

    def peak(self, found, cmax, tmax, end, what):
        if found["tmax_min"] > end:  # the reference looks to the end of its span only, the command at the whole course
            self.assertGreater(found["cmax_ng_per_mL"], cmax, what)
            return
        self.close(found["cmax_ng_per_mL"], cmax, cmax, 1e-9, what)
        self.assertLess(found["tmax_min"], tmax + 1e-6, what)  # of equal peaks the earliest

    def test_there_are_96_of_them(self):
        self.assertEqual(len(CASES), 96)

    def test_each_case_through_the_command_meets_the_reference(self):
        unequal_peaks = 0
        for case in CASES:
            with self.subTest(case["id"]):
                run = subprocess.run([KETPK, "simulate", "-", "--json"], input=json.dumps(session_of(case)), text=True,
                                     capture_output=True, check=False)
                self.assertEqual((run.returncode, run.stderr), (0, ""))
                result, expected = json.loads(run.stdout), case["expected"]
                profile, summary, end = result["profile"], result["summary"], case["end_us"] / 6e7
                self.assertEqual(profile["time_us"], case["times_us"])
                self.column(profile["plasma_ng_per_mL"], expected["plasma_ng_per_mL"], "plasma")
                self.column(profile["auc_ng_h_per_mL"], expected["auc_to_time_ng_h_per_mL"], "auc")
                if "effect_site_ng_per_mL" in expected:
                    self.column(profile["effect_site_ng_per_mL"], expected["effect_site_ng_per_mL"], "effect site")
                    peak = expected["effect_site_peak"]
                    self.peak(summary["effect_site"], peak["ng_per_mL"], peak["min"], end, "effect site")
                if "metabolite_ng_per_mL" in expected:
                    self.column(profile["metabolites"]["norketamine_ng_per_mL"], expected["metabolite_ng_per_mL"], "metabolite")
                    peak = expected["metabolite_peak"]
                    self.peak(summary["metabolites"]["norketamine"], peak["ng_per_mL"], peak["min"], end, "metabolite")
                self.peak(summary, expected["cmax_ng_per_mL"], expected["tmax_min"], end, "plasma")
                unequal_peaks += abs(summary["tmax_min"] - expected["tmax_min"]) > 1e-6
                self.close(summary["auc_inf_ng_h_per_mL"], expected["auc_inf_ng_h_per_mL"], 0, 1e-9, "auc to infinity")
                above = result["time_above"][0]
                self.assertAlmostEqual(above["minutes"], expected["above"]["minutes_until_end"], delta=1e-6)
                self.assertAlmostEqual(above["first_min"], expected["above"]["first_min"], delta=1e-6)
                self.assertLessEqual(result["ketpk"]["agreement_rel"], 1e-8)
        self.assertLessEqual(unequal_peaks, 6)  # the courses with equal peaks


if __name__ == "__main__":
    KETPK = sys.argv.pop(1)
    unittest.main()
