#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Facts about effect cards as a shell sees them: offered by name, never implied.

Usage: test_effect_cards_cli.py PATH_TO_KETPK [unittest arguments]
"""

import json
import pathlib
import sys
import unittest

import test_cli

ORDER = ["--weight", "70kg", "--age", "42yr", "--analyte", "racemic-ketamine", "--form", "base", "--drug-free",
         "--dose", "0.5mg/kg", "--over", "40min", "--model", "kamp2020", "--every", "10min", "--until", "2h"]


class EffectCards(test_cli.CommandCase):
    def test_every_card_is_listed_and_shown_with_its_source(self):
        cards = self.run_json("effects", "list")["effect_cards"]
        text = self.run_ok("effects", "list")
        for card in cards:
            with self.subTest(card=card["id"]):
                self.assertIn(card["id"], text)
                self.assertEqual(self.run_json("effects", "show", card["id"])["effect_cards"], [card])
                shown = self.run_ok("effects", "show", card["id"])
                self.assertLessEqual(max(len(line) for line in shown.splitlines()), 100)
                for number in [*card["numbers"], *([card["ke0"]] if "ke0" in card else []), *card.get("effects", [])]:
                    self.assertTrue(number["source"].strip())
                if card["not_for_use"]:
                    self.assertIn("not for use", shown)

    def test_nothing_is_there_that_was_not_asked_for(self):
        self.assertNotIn("effect_site", self.run_json("simulate", *ORDER)["summary"])

    def test_a_card_is_beside_the_model_and_said_with_it(self):
        document = self.run_json("simulate", *ORDER, "--effect-card", "navarrete2025")
        self.assertEqual(round(document["summary"]["effect_site"]["cmax_ng_per_mL"]), 243)
        self.assertEqual(document["inputs"]["effect_card"], "navarrete2025")
        self.assertIn("domino1984", " ".join(document["model"]["uncertainties"]))
        self.assertIn("navarrete2025", self.run_ok("simulate", *ORDER, "--effect-card", "navarrete2025"))
        session = {k: v for k, v in document["inputs"].items() if v is not None and k not in ("as_of",)}
        for entry in session["order"]:
            for derived in ("amount_mg", "rate_mg_per_min"):
                entry.pop(derived)
        again = self.run_json("simulate", "-", stdin=json.dumps(session).encode())
        self.assertEqual(again["summary"], document["summary"])

    def test_an_effect_of_a_card_is_answered_and_asked_again_with_the_same_answer(self):
        document = self.run_json("simulate", *ORDER, "--effect-card", "olofsen2012", "--assume-enantiomers-alike", code=3)
        (effect,) = document["effects"]
        site = document["summary"]["effect_site"]
        self.assertAlmostEqual(effect["lowest"]["value"], -3.8 * site["cmax_ng_per_mL"] / 100, places=8)
        self.assertNotIn("effects", document["inputs"])

    def test_what_cannot_be_is_refused(self):
        for card, code in (("olofsen2022", "E_MODEL_ANALYTE"), ("nobody2020", "E_MODEL_UNKNOWN"),
                           ("biogears", "E_MODEL_PARAM"), ("dahan2011", "E_MODEL_PARAM")):
            self.refused(["simulate", *ORDER, "--effect-card", card], code, 2, "effect_card")
        several = ["all" if a == "kamp2020" else a for a in ORDER]
        self.refused(["simulate", *several, "--effect-card", "navarrete2025"], "E_FIELD_UNKNOWN", 2, "effect_card")
        self.refused(["effects", "show", "nobody2020"], "E_MODEL_UNKNOWN", 2)
        self.refused(["effects"], "E_USAGE", 1)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_effect_cards_cli.py PATH_TO_KETPK")
    test_cli.KETPK = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
