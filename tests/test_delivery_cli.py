#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Facts about infusions that did not go as ordered, as a shell sees them: events, pumps, bags, saved states.

Usage: test_delivery_cli.py PATH_TO_KETPK [unittest arguments]
"""

import copy
import csv
import io
import itertools
import json
import pathlib
import random
import sys
import unittest

import test_cli

BASE = {
    "schema": "ketpk.session/1",
    "patient": {"weight": "70 kg", "age": "42 yr"},
    "analyte": "racemic-ketamine", "form": "base", "initial_state": "drug-free",
    "order": [{"infuse": "0.5 mg/kg", "over": "40 min"}],
    "model": "kamp2020",
    "observe": {"at": ["10 min", "13 min", "30 min", "45 min", "2 h"]},
}
PAUSED = [{"pause": 0, "at": "12 min"}, {"resume": 0, "at": "15 min"}]
CURVE = ("profile", "summary", "time_above")
SEED = 20261121


def session(**changes):
    return {**copy.deepcopy(BASE), **changes}


def texts_of(document, key):
    """The bytes of one block, numbers as they were printed; without the column that only a delivery has."""
    block = json.loads(document, parse_float=str, parse_int=str)[key]
    if key == "profile":
        block.pop("paused_infusions", None)
    return json.dumps(block)


class DeliveryCase(test_cli.CommandCase):
    def answer(self, document, code=0):
        return self.run_json("simulate", "-", stdin=json.dumps(document).encode(), code=code)

    def bytes_of(self, document, code=0):
        text = self.run_ok("simulate", "-", "--json", stdin=json.dumps(document).encode(), code=code)
        return [texts_of(text, key) for key in CURVE]

    def no(self, document, code, field):
        self.refused(["simulate", "-", "--json"], code, 2, field, stdin=json.dumps(document).encode())

    def save(self, document, at, name="state.json"):
        self.run_ok("simulate", "-", "--save-state", name, "--save-at", at, "--force",
                    stdin=json.dumps(document).encode())
        return json.loads((self.folder / name).read_text())


class Verbs(DeliveryCase):
    def test_a_paused_infusion_is_its_two_pieces_to_the_byte(self):
        pieces = [{"infuse_at_rate": "0.875 mg/min", "over": "12 min"},
                  {"infuse_at_rate": "0.875 mg/min", "over": "28 min", "at": "15 min"}]
        self.assertEqual(self.bytes_of(session(events=PAUSED)), self.bytes_of(session(order=pieces)))

    def test_a_stop_is_a_shorter_infusion_to_the_byte(self):
        shorter = [{"infuse_at_rate": "0.875 mg/min", "over": "1234567890 us"}]
        self.assertEqual(self.bytes_of(session(events=[{"stop": 0, "at": "1234567890 us"}])),
                         self.bytes_of(session(order=shorter)))

    def test_ordered_delivered_and_left_are_told_and_the_curve_follows_what_was_delivered(self):
        answer = self.answer(session(events=[{"pause": 0, "at": "36 min"}]))
        told = answer["delivery"]
        self.assertEqual([told[k] for k in ("ordered_mg", "delivered_mg", "left_mg")], [35, 31.5, 3.5])
        self.assertEqual(told["inputs"][0]["note"], "paused since 36 min; 3.5 mg of 35 mg not given")
        self.assertEqual(told["inputs"][0]["state"], "paused")
        self.assertEqual(told["events"], [{"event": "pause", "input": "order[0]", "at_us": 2160000000, "at_min": 36,
                                           "delivered_mg": 31.5, "left_mg": 3.5}])
        self.assertEqual(answer["profile"]["delivered_mg"], [8.75, 11.375, 26.25, 31.5, 31.5])
        self.assertEqual(answer["profile"]["paused_infusions"], [0, 0, 0, 1, 1])
        self.assertEqual(told["inputs"][0]["pauses"],
                         [{"from_us": 2160000000, "from_min": 36, "until_us": None, "until_min": None}])
        self.assertEqual(answer["inputs"]["order"][0]["amount_mg"], 35)
        self.assertEqual([f["code"] for f in answer["assessment"]["flags"]], ["INTERRUPTED"])  # C33
        self.assertEqual(answer["inputs"]["events"], [{"pause": 0, "at": "36 min"}])

    def test_card_and_csv_tell_it_too(self):
        document = json.dumps(session(events=[*PAUSED, {"stop": 0, "at": "39 min"}])).encode()
        card = self.run_ok("simulate", "-", stdin=document)
        for line in ("Delivered  31.5 mg of 35 mg of base ordered, 3.5 mg left",
                     "stopped at 39 min; 3.5 mg of 35 mg not given",
                     "Events     pause at 12 min · resume at 15 min · stop at 39 min"):
            self.assertIn(line, card)
        self.assertTrue(all(len(line) <= 100 for line in card.splitlines()))
        self.assertLessEqual(len(card.splitlines()), 40)
        rows = list(csv.DictReader(io.StringIO(self.run_ok("simulate", "-", "--csv", stdin=document))))
        self.assertEqual([r["events"] for r in rows], ["", "pause at 12 min", "resume at 15 min", "stop at 39 min", ""])
        self.assertEqual([r["paused_infusions"] for r in rows], ["0", "1", "0", "0", "0"])
        self.assertEqual({r["ordered_mg"] for r in rows}, {"35"})
        self.assertEqual([float(r["delivered_mg"]) + float(r["left_mg"]) for r in rows], [35] * 5)

    def test_a_course_without_events_is_told_as_ever(self):
        answer = self.answer(BASE)
        self.assertNotIn("delivery", answer)
        self.assertEqual({"events", "pump"} & set(answer["inputs"]), set())

    def test_a_changed_rate_moves_the_end_and_a_restart_keeps_its_duration(self):
        events = [{"change_rate": 0, "to": "0.7 mg/min", "at": "20 min"}]
        told = self.answer(session(events=events))["delivery"]["inputs"][0]
        self.assertEqual((told["state"], told["since_min"], told["delivered_mg"]), ("complete", 45, 35))
        events = [{"stop": 0, "at": "20 min"}, {"restart_remainder": 0, "over": "25 min", "at": "30 min"}]
        told = self.answer(session(events=events))["delivery"]["inputs"][0]
        self.assertEqual((told["state"], told["since_min"], told["pieces"][1]["mg_per_min"]), ("complete", 55, 0.7))

    def test_four_events_at_one_instant_give_identical_bytes_in_all_24_orders(self):
        order = [{"infuse": f"{mg} mg", "over": "40 min"} for mg in (9.7, 12.3, 3.1, 5.9)]
        events = [{"pause": 0, "at": "11 min"}, {"stop": 1, "at": "11 min"}, {"pause": 2, "at": "11 min"},
                  {"change_rate": 3, "to": "0.21 mg/min", "at": "11 min"}]
        told = {tuple(self.bytes_of(session(order=order, events=list(e)))) for e in itertools.permutations(events)}
        self.assertEqual(len(told), 1)

    def test_four_inputs_at_one_instant_give_identical_bytes_in_all_24_orders(self):
        inputs = [{"infuse": "9.7 mg", "over": "40 min", "at": "3 min"}, {"bolus": "1.1 mg", "at": "3 min"},
                  {"infuse_at_rate": "0.31 mg/min", "over": "17 min", "at": "3 min"},
                  {"bolus": "2.3 mg", "at": "3 min"}]
        told = {tuple(self.bytes_of(session(order=list(o)))) for o in itertools.permutations(inputs)}
        self.assertEqual(len(told), 1)

    def test_a_changed_rate_counts_against_a_limit(self):
        rate = {"id": "rate", "quantity": "rate_per_weight", "soft_high": "0.75 mg/kg/h", "hard_high": "1.5 mg/kg/h",
                "required": True, "source": "invented for this test"}
        document = session(limits=test_cli.limits(rows=[rate]), as_of="2026-11-21",
                           events=[{"change_rate": 0, "to": "1 mg/kg/h", "at": "20 min"}])
        flags = self.answer(document, code=3)["assessment"]["flags"]
        self.assertEqual([(f["code"], f["value"], f["first_min"]) for f in flags],
                         [("RATE_PER_WEIGHT_HIGH", "1 mg/kg/h", 20)])
        self.assertIn("as delivered, ordered 0.75 mg/kg/h", flags[0]["driver"])

    def test_c34_what_cannot_happen_is_refused_with_its_place(self):
        for events, code, field in [
                ([{"resume": 0, "at": "5 min"}], "E_STATE", "events[0].resume"),
                ([{"pause": 0, "at": "5 min"}, {"pause": 0, "at": "6 min"}], "E_STATE", "events[1].pause"),
                ([{"restart_remainder": 0, "over": "5 min", "at": "5 min"}], "E_STATE", "events[0].restart_remainder"),
                ([{"stop": 0, "at": "40 min"}], "E_TIME_ORDER", "events[0].at"),
                ([{"stop": 0, "at": "3 h"}], "E_TIME_ORDER", "events[0].at"),
                ([{"pause": 0, "at": "6 min"}, {"resume": 0, "at": "5 min"}], "E_TIME_ORDER", "events[1].at"),
                ([{"pause": 0, "at": "6 min"}, {"stop": 0, "at": "6 min"}], "E_OVERLAP", "events[1].at"),
                ([{"pause": 1, "at": "6 min"}], "E_RANGE", "events[0].pause"),
                ([{"pause": "saved[0]", "at": "6 min"}], "E_RANGE", "events[0].pause"),
                ([{"pause": "0", "at": "6 min"}], "E_PARSE", "events[0].pause"),
                ([{"pause": 0.0, "at": "6 min"}], "E_TYPE", "events[0].pause"),
                ([{"pause": -1, "at": "6 min"}], "E_TYPE", "events[0].pause"),
                ([{"pause": 0}], "E_FIELD_MISSING", "events[0].at"),
                ([{"at": "6 min"}], "E_FIELD_MISSING", "events[0]"),
                ([{"pause": 0, "stop": 0, "at": "6 min"}], "E_FIELD_UNKNOWN", "events[0].stop"),
                ([{"pause": 0, "at": "6 min", "to": "1 mg/h"}], "E_FIELD_UNKNOWN", "events[0].to"),
                ([{"pause": 0, "at": "6 min", "by": "nobody"}], "E_FIELD_UNKNOWN", "events[0].by"),
                ([{"change_rate": 0, "at": "6 min"}], "E_FIELD_MISSING", "events[0].to"),
                ([{"change_rate": 0, "to": "0 mg/h", "at": "6 min"}], "E_RANGE", "events[0].to"),
                ([{"change_rate": 0, "to": "30 mL/h", "at": "6 min"}], "E_FIELD_MISSING", "bag.concentration"),
                ([{"change_rate": 0, "to": "0.7 mg", "at": "6 min"}], "E_UNIT_MISMATCH", "events[0].to"),
                ([{"pause": 0, "at": 6}], "E_UNIT_MISSING", "events[0].at"),
                ({}, "E_TYPE", "events")]:
            with self.subTest(events=events):
                self.no(session(events=events), code, field)
        self.no(session(order=[{"bolus": "5 mg", "at": "5 min"}], events=[{"stop": 0, "at": "6 min"}]), "E_STATE",
                "events[0].stop")
        late = [{"infuse": "35 mg", "over": "40 min", "at": "10 min"}]
        self.no(session(order=late, events=[{"stop": 0, "at": "9 min"}]), "E_TIME_ORDER", "events[0].at")


class Pumps(DeliveryCase):
    def test_the_rate_that_the_pump_has_is_run_until_the_ordered_amount_is_in(self):
        answer = self.answer(session(order=[{"infuse_at_rate": "52.53 mL/h", "over": "40 min"}],
                                     pump={"rate_step": "0.1 mL/h"}, bag={"concentration": "1 mg/mL"}))
        told = answer["delivery"]["inputs"][0]
        rate = told["rounded_rates"][0]
        self.assertEqual((rate["asked_mL_per_h"], round(rate["run_mL_per_h"], 9)), (52.53, 52.5))
        self.assertAlmostEqual(told["since_min"], 40 * 52.53 / 52.5, places=7)
        self.assertAlmostEqual(told["delivered_mg"], 35.02, places=12)

    def test_a_line_keeps_drug_until_it_is_flushed(self):
        pump = {"line": {"dead_volume": "20 mL", "primed_with": "diluent"}}
        bag = {"concentration": "0.35 mg/mL"}
        told = self.answer(session(pump=pump, bag=bag))["delivery"]
        first = told["inputs"][0]["pieces"][0]
        self.assertEqual((told["delivered_mg"], told["left_mg"], first["from_min"]), (28, 7, 8))
        pump["flush"] = {"volume": "25 mL", "over": "5 min", "at": "42 min"}
        answer = self.answer(session(pump=pump, bag=bag))
        self.assertEqual((answer["delivery"]["left_mg"], answer["summary"]["delivered_mg"]), (0, 35))
        self.assertGreater(answer["summary"]["tmax_min"], 42)  # the peak is the flush's
        pump["flush"]["at"] = "39 min"
        self.no(session(pump=pump, bag=bag), "E_OVERLAP", "pump.flush")

    def test_a_pump_needs_what_its_volumes_mean(self):
        self.no(session(pump={"rate_step": "0.1 mL/h"}), "E_FIELD_MISSING", "bag.concentration")
        self.no(session(pump={"line": {"dead_volume": "1 mL", "primed_with": "drug"}}), "E_FIELD_MISSING",
                "bag.concentration")
        self.no(session(pump={}), "E_FIELD_MISSING", "pump")
        self.no(session(pump={"flush": {"volume": "1 mL", "over": "1 min", "at": "50 min"}},
                        bag={"concentration": "1 mg/mL"}), "E_FIELD_MISSING", "pump.line")

    def test_c40_a_bag_that_was_made_otherwise_is_a_hard_flag(self):
        def bag(diluent):
            return {"concentration": "1 mg/mL", "vials": [{"amount": "50 mg", "volume": "5 mL"}], "diluent": diluent}
        self.answer(session(bag=bag("45 mL")))
        answer = self.answer(session(bag=bag("95 mL")), code=4)
        self.assertEqual([f["code"] for f in answer["assessment"]["flags"]], ["BAG_CONCENTRATION_MISMATCH"])
        self.assertIn("0.5 mg/mL", answer["assessment"]["flags"][0]["driver"])
        big = session(bag=bag("45 mL"), order=[{"infuse": "51 mg", "over": "40 min"}])
        self.assertEqual([f["code"] for f in self.answer(big, code=4)["assessment"]["flags"]], ["BAG_VOLUME_HIGH"])
        self.no(session(bag={"concentration": "1 mg/mL", "vials": [{"amount": "50 mg", "volume": "5 mL"}]}),
                "E_FIELD_MISSING", "bag.diluent")


class States(DeliveryCase):
    def test_saved_and_gone_on_with_is_the_course_that_was_never_interrupted_to_the_byte(self):
        lottery = random.Random(SEED)
        whole = session(order=[{"infuse": "0.5 mg/kg", "over": "37 min"}, {"bolus": "3.3 mg", "at": "52 min"}],
                        events=[{"pause": 0, "at": "12 min"}, {"resume": 0, "at": "17 min"},
                                {"change_rate": 0, "to": "0.7 mg/min", "at": "23 min"}])
        uninterrupted = self.bytes_of(whole)
        instants = [lottery.randrange(0, 90 * 60_000_000) for _ in range(10)]
        instants += [0, 720_000_000, 840_000_000, 3_120_000_000]
        for cut in instants:
            with self.subTest(cut_us=cut, seed=SEED):
                self.save(whole, f"{cut}us")
                later = session(initial_state={"saved": "state.json", "under_way": "continue"})
                later["order"] = [] if cut >= 52 * 60_000_000 else whole["order"][1:]
                later["events"] = [{k: "saved[0]" if v == 0 else v for k, v in e.items()} for e in whole["events"]
                                   if int(e["at"].split()[0]) * 60_000_000 > cut]
                path = self.write("later.json", later)
                text = self.run_ok("simulate", path, "--json")
                self.assertEqual([texts_of(text, key) for key in CURVE], uninterrupted)

    def test_a_state_can_stand_in_the_session_itself(self):
        state = self.save(BASE, "1h")
        follow = session(order=[{"bolus": "5 mg", "at": "2 h"}])
        whole = self.bytes_of(session(order=BASE["order"] + follow["order"]))
        self.assertEqual(self.bytes_of({**follow, "initial_state": {"saved": state}}), whole)
        self.assertEqual(self.bytes_of({**follow, "initial_state": state}), whole)

    def test_c36_a_state_of_another_model_patient_or_content_is_e_state(self):
        state = self.save(BASE, "1h")
        good = session(order=[{"bolus": "5 mg", "at": "2 h"}], initial_state={"saved": state})
        self.answer(good)
        for changes in ({"model": "domino1984"}, {"patient": {"weight": "71 kg", "age": "42 yr"}},
                        {"patient": {"weight": "70 kg"}},
                        {"patient": {"weight": "70 kg", "age": "42 yr", "sex": "male"}}):
            with self.subTest(changes=changes):
                self.no({**good, **changes}, "E_STATE", "initial_state.saved.fingerprint")
        for path, value in ((("saved_at_us",), 3600000001), (("inputs", 0, "pieces", 0, "amount_mg"), 3.5),
                            (("amounts", "body_mg"), 1.0), (("sha256",), "0" * 64), (("ketpk", "version"), "9.9.9")):
            with self.subTest(path=path):
                changed = copy.deepcopy(state)
                place = changed
                for step in path[:-1]:
                    place = place[step]
                place[path[-1]] = value
                self.no({**good, "initial_state": {"saved": changed}}, "E_STATE", "initial_state.saved.sha256")

    def test_c37_an_unfinished_infusion_must_be_spoken_of(self):
        state = self.save(BASE, "17min")
        follow = session(order=[], initial_state={"saved": state})
        self.no(follow, "E_STATE", "initial_state.under_way")
        follow["initial_state"]["under_way"] = "stopped"
        self.assertEqual(self.answer(follow)["summary"]["delivered_mg"], 14.875)
        follow["initial_state"]["under_way"] = "continue"
        self.assertEqual(self.answer(follow)["summary"]["delivered_mg"], 35)
        self.no({**follow, "order": [{"bolus": "1 mg", "at": "16 min"}]}, "E_TIME_ORDER", "order[0].at")
        self.no({**follow, "events": [{"stop": "saved[0]", "at": "16 min"}]}, "E_TIME_ORDER", "events[0].at")
        ended = self.answer({**follow, "events": [{"stop": "saved[0]", "at": "17 min"}]})
        self.assertEqual(ended["summary"]["delivered_mg"], 14.875)
        follow["initial_state"]["under_way"] = "as before"
        self.no(follow, "E_RANGE", "initial_state.under_way")

    def test_a_state_outside_the_folder_of_the_session_is_not_read(self):
        self.save(BASE, "1h")
        (self.folder / "inner").mkdir()
        path = self.write("inner/later.json", session(order=[], initial_state={"saved": "../state.json"}))
        self.refused(["simulate", path], "E_IO", 7, "initial_state.saved")
        path = self.write("later.json", session(order=[], initial_state={"saved": "no-such.json"}))
        self.refused(["simulate", path], "E_IO", 7, "initial_state.saved")

    def test_the_instant_of_saving_is_where_the_curve_ends_unless_it_is_stated(self):
        options = ["simulate", *test_cli.WHO, *test_cli.ORDER]
        self.run_ok(*options, "--every", "1min", "--until", "17min", "--save-state", "a.json")
        self.run_ok(*options, "--at", "3min,9min", "--save-state", "b.json")
        self.run_ok(*options, "--at", "3min,9min", "--save-at", "1h", "--save-state", "c.json")
        saved = [json.loads((self.folder / name).read_text())["saved_at_us"] for name in ("a.json", "b.json", "c.json")]
        self.assertEqual(saved, [17 * 60_000_000, 9 * 60_000_000, 3_600_000_000])
        self.refused([*options, "--save-state", "d.json"], "E_FIELD_MISSING", 2, "save_at")
        self.refused([*options, "--save-at", "1h"], "E_USAGE", 1, "--save-at")
        self.refused([*options, "--save-at", "401d", "--save-state", "d.json"], "E_RANGE", 2, "save_at")
        self.assertFalse((self.folder / "d.json").exists())

    def test_a_state_is_never_written_over_another_file_unless_forced(self):
        options = ["simulate", *test_cli.WHO, *test_cli.ORDER, "--save-at", "1h", "--save-state", "a.json"]
        self.run_ok(*options)
        before = (self.folder / "a.json").read_bytes()
        self.refused(options, "E_IO", 7, "output")
        self.run_ok(*options, "--force")
        self.assertEqual((self.folder / "a.json").read_bytes(), before)
        self.refused([*options, "-o", "a.json", "--force"], "E_USAGE", 1, "--save-state")
        self.refused(["check", *options[1:]], "E_USAGE", 1)


class Courses(DeliveryCase):
    OPTIONS = ["--weight", "70kg", "--age", "42yr", "--analyte", "racemic-ketamine", "--form", "base", "--drug-free",
               "--dose", "0.5mg/kg", "--over", "40min", "--model", "kamp2020"]

    def test_options_say_what_a_file_says(self):
        by_options = self.run_json("simulate", *self.OPTIONS, "--course-every", "84h", "--course-times", "6")
        by_file = self.answer(session(course={"every": "84 h", "times": 6}))
        self.assertEqual(by_options["sessions"], by_file["sessions"])
        self.assertEqual(len(by_file["sessions"]), 6)
        self.assertEqual([s["delivered_mg"] for s in by_file["sessions"]], [35] * 6)
        self.assertNotIn("sessions", self.answer(session()))

    def test_a_course_needs_both_options_and_a_whole_number(self):
        for more, code, field in ((["--course-every", "84h"], "E_FIELD_MISSING", "course.times"),
                                  (["--course-times", "6"], "E_FIELD_MISSING", "course.every"),
                                  (["--course-every", "84h", "--course-times", "six"], "E_TYPE", "course.times"),
                                  (["--course-every", "84h", "--course-times", "0"], "E_RANGE", "course.times"),
                                  (["--course-every", "84", "--course-times", "6"], "E_UNIT_MISSING", "course.every"),
                                  (["--course-every", "20min", "--course-times", "6"], "E_OVERLAP", "course.every")):
            self.refused(["simulate", *self.OPTIONS, *more, "--json"], code, 2, field)

    def test_a_course_saved_after_two_sessions_goes_on_to_the_byte(self):
        asked = {"observe": {"at": ["1 h", "8 d", "14 d"]}}
        whole = session(course={"at": ["0 d", "3 d", "7 d", "10 d"]}, **asked)
        state = self.save(whole, "4 d")
        rest = session(course={"at": ["7 d", "10 d"]}, initial_state={"saved": state}, **asked)
        self.assertEqual(self.bytes_of(rest), self.bytes_of(whole))
        self.assertEqual(self.answer(rest)["sessions"], self.answer(whole)["sessions"][2:])

    def test_the_course_example_runs_across_the_end_of_summer_time(self):
        path = pathlib.Path(__file__).resolve().parent.parent / "examples/course.json"
        told = self.run_json("simulate", path)["sessions"]
        self.assertEqual([s["start_min"] / 60 for s in told], [0, 72, 169, 241, 337, 409])
        self.assertEqual(told[2]["date"], "2026-10-26T09:00:00+01:00")
        for before, after in zip(told, told[1:]):
            self.assertEqual(before["trough_ng_per_mL"], after["before_ng_per_mL"])


class Example(DeliveryCase):
    def test_the_interrupted_example_runs(self):
        path = pathlib.Path(__file__).resolve().parent.parent / "examples/interrupted.json"
        told = self.run_json("simulate", path)["delivery"]
        # 12 min and 5 min of 0.875 mg/min, 15 min of 0.5 mg/min
        self.assertAlmostEqual(told["delivered_mg"], 17 * 0.875 + 7.5, places=12)
        self.assertEqual([e["event"] for e in told["events"]], ["pause", "resume", "change_rate", "stop"])


if __name__ == "__main__":
    test_cli.KETPK = str(pathlib.Path(sys.argv[1]).resolve())
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
