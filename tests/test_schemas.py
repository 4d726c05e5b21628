#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The JSON Schemas say what the program does: examples and outputs fit them, and both refuse the same slips.

Why: another program relies on a schema as on a promise. usage: test_schemas.py [KETPK_COMMAND]
Needs the package python3-jsonschema.
"""

import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema

try:
    import referencing  # jsonschema 4.18 and later resolves references with it
except ImportError:
    referencing = None

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCHEMAS = {s["$id"]: s for s in (json.loads(p.read_text()) for p in sorted((ROOT / "schemas").glob("*.json")))}
KINDS = ("session", "limits", "result", "state", "model", "table", "spread", "sweep", "grid", "evidence", "cohort",
         "cohort-result")
OF = {f"ketpk.{kind}/1": f"https://ketpk.invalid/ketpk.{kind}-1.schema.json" for kind in KINDS}
ERROR = "https://ketpk.invalid/ketpk.error.schema.json"
LIMITS = {
    "schema": "ketpk.limits/1", "id": "test", "version": "1", "status": "example", "approver": "nobody",
    "effective": "2026-01-01", "expires": "2030-01-01",
    "limits": [
        {"id": "dose", "quantity": "dose_per_weight", "soft_low": "0.1 mg/kg", "soft_high": "0.5 mg/kg",
         "hard_high": "1 mg/kg", "required": True, "source": "s"},
        {"id": "peak", "quantity": "plasma_peak", "site": "arterial", "soft_high": "300 ng/mL",
         "required": False, "source": "s"},
        {"id": "above", "quantity": "time_above_level", "site": "arterial", "level": "0.1 mg/L", "soft_high": "2 h",
         "required": False, "source": "s"},
        {"id": "week", "quantity": "cumulative_dose_per_weight", "window": "7 d", "hard_high": "3 mg/kg",
         "required": False, "source": "s"},
        {"id": "body", "quantity": "weight", "hard_low": "30 kg", "required": False, "source": "s"},
    ],
}
# One of each kind; of plasma, which every model has.
EFFECTS = [
    {"name": "dissociation", "of": "plasma", "kind": "emax", "ec50": "120 ng/mL", "hill": 2, "baseline": 0,
     "change": 80, "unit": "points", "source": "s"},
    {"name": "pressure", "of": "plasma", "kind": "linear", "at": "0.2 mg/L", "baseline": 90, "change": 12.5,
     "unit": "mmHg", "source": "s"},
    {"name": "score", "of": "plasma", "kind": "turnover", "acts": "inhibit-build-up", "drive": "saturable",
     "kout": "0.1 1/min", "baseline": 30, "most": 0.9, "c50": "50 ng/mL", "hill": 1, "unit": "points, of 100",
     "source": "s"},
]
SESSION = {
    "schema": "ketpk.session/1",
    "patient": {"weight": "70 kg", "height": "175 cm", "age": "42 yr", "sex": "female", "dosing_weight": "actual"},
    "analyte": "racemic-ketamine", "form": "base", "initial_state": "drug-free",
    "order": [{"infuse": "0.5 mg/kg", "over": "40 min", "at": "0 min"},
              {"infuse_at_rate": "12.5 mcg/kg/min", "over": "20 min", "at": "60 min"},
              {"bolus": "10 mg", "at": "90 min"}],
    "bag": {"concentration": "1 mg/mL", "vials": [{"amount": "0.15 g", "volume": "15 mL"}], "diluent": "135 mL"},
    "events": [{"pause": 0, "at": "5 min"}, {"resume": 0, "at": "7 min"},
               {"change_rate": 0, "to": "30 mL/h", "at": "9 min"}, {"stop": 0, "at": "12 min"},
               {"restart_remainder": 0, "over": "20 min", "at": "15 min"}],
    "pump": {"rate_step": "0.1 mL/h", "line": {"dead_volume": "1.5 mL", "primed_with": "drug"},
             "flush": {"volume": "5 mL", "over": "2 min", "at": "95 min"}},
    "model": {"custom": {
        "analytes": ["racemic-ketamine"], "site": "venous",
        "parameters": {"CL": "84 L/h", "V1": "25 L", "Q2": "161 L/h", "V2": "56 L", "Q3": "79 L/h", "V3": "157 L"},
        "effect_site": {"ke0": "0.2 1/min", "source": "s"},
        "metabolites": [{"name": "norketamine", "fraction": 1.0, "V1": "98.6 L", "CL": "57.7 L/h", "Q2": "42.8 L/h",
                         "V2": "160 L"}]}},
    "effects": EFFECTS,
    "limits": LIMITS, "as_of": "2026-11-21",
    "overrides": [{"flag": "DOSE_PER_WEIGHT_HIGH", "reason": "r", "by": "b"}],
    "observe": {"every": "1 min", "until": "4 h"},
    "questions": {"time_above": ["100 ng/mL"]},
}
ABSENT = object()
CUSTOM = ("model", "custom")
ROW = ("limits", "limits")
EMAX, LINEAR, TURNOVER = (("effects", i) for i in range(3))
EFFECT_SLIPS = [
    (("effects",), {}), (("effects",), [{**EFFECTS[1], "name": f"e{i}"} for i in range(17)]), (("effects",), [None]),
    ((*EMAX, "name"), ABSENT), ((*EMAX, "name"), "two words"), ((*EMAX, "name"), "a-b"),
    ((*EMAX, "name"), "effect_site"), ((*EMAX, "of"), ABSENT),
    ((*EMAX, "of"), "two words"), ((*EMAX, "kind"), ABSENT), ((*EMAX, "kind"), "sigmoid"), ((*EMAX, "ec50"), ABSENT),
    ((*EMAX, "ec50"), 120), ((*EMAX, "ec50"), "120 mg"), ((*EMAX, "ec50"), "120 ug/mL"), ((*EMAX, "hill"), ABSENT),
    ((*EMAX, "hill"), 0), ((*EMAX, "hill"), "2"), ((*EMAX, "baseline"), ABSENT), ((*EMAX, "baseline"), "0 points"),
    ((*EMAX, "change"), 0), ((*EMAX, "change"), ABSENT), ((*EMAX, "unit"), ABSENT), ((*EMAX, "unit"), " "),
    ((*EMAX, "source"), ABSENT), ((*EMAX, "source"), ""), ((*EMAX, "kout"), "0.1 1/min"), ((*EMAX, "Hill"), 2),
    ((*LINEAR, "at"), ABSENT), ((*LINEAR, "at"), "2 h"), ((*LINEAR, "hill"), 1), ((*LINEAR, "change"), 0),
    ((*LINEAR, "source"), ABSENT), ((*TURNOVER, "acts"), ABSENT), ((*TURNOVER, "acts"), "inhibit"),
    ((*TURNOVER, "drive"), ABSENT), ((*TURNOVER, "drive"), "linear"), ((*TURNOVER, "kout"), "10 min"),
    ((*TURNOVER, "kout"), ABSENT), ((*TURNOVER, "baseline"), 0), ((*TURNOVER, "most"), 1.5), ((*TURNOVER, "most"), 0),
    ((*TURNOVER, "c50"), ABSENT), ((*TURNOVER, "hill"), ABSENT), ((*TURNOVER, "source"), ABSENT),
    (TURNOVER, {**{k: v for k, v in EFFECTS[2].items() if k != "hill"}, "drive": "linear"}),
]
DRIVEN = {**{k: v for k, v in EFFECTS[2].items() if k != "hill"}, "drive": "linear", "acts": "stimulate-loss"}
EFFECT_VARIANTS = [
    (("effects",), []), (("effects",), ABSENT), ((*EMAX, "of"), "effect_site"), ((*EMAX, "of"), "norketamine"),
    ((*EMAX, "change"), -3.5), ((*EMAX, "hill"), 0.5), ((*EMAX, "name"), "dissociation_2"), ((*EMAX, "unit"), "%"),
    ((*TURNOVER, "acts"), "inhibit-loss"), (TURNOVER, {**EFFECTS[2], "acts": "stimulate-build-up", "most": 3}),
    (TURNOVER, DRIVEN),
]
# One change each, by path; every result is refused by schema and program alike.
SLIPS = [
    (("schema",), "ketpk.session/2"), (("schema",), ABSENT), (("wieght",), "70 kg"), (("patient",), ABSENT),
    (("patient", "weight"), ABSENT), (("patient", "weight"), 70), (("patient", "weight"), "70"),
    (("patient", "weight"), "70 KG"), (("patient", "weight"), "70,5 kg"), (("patient", "weight"), "070 kg"),
    (("patient", "weight"), "70  kg"), (("patient", "weight"), "-70 kg"), (("patient", "weight"), True),
    (("patient", "Weight"), "7 kg"), (("patient", "sex"), "unknown"), (("patient", "age"), "42 y"),
    (("patient", "dosing_weight"), "Ideal"), (("patient", "covariates"), {"RACE_ASIAN": "0"}),
    (("patient", "covariates"), 3), (("analyte",), "ketamine"), (("form",), "salt"),
    (("initial_state",), ABSENT), (("initial_state",), "undeclared"), (("order",), []), (("order",), {}),
    (("order", 0, "over"), ABSENT), (("order", 0, "infuse"), "0.5 mg/kg/h"), (("order", 0, "bolus"), "1 mg"),
    (("order", 2, "over"), "1 min"), (("order", 2, "bolus"), ABSENT), (("order", 0, "at"), "-1 min"),
    (("order", 0, "at"), "2026-10-25T02:30:00"), (("bag", "concentration"), ABSENT), (("model",), ABSENT),
    (("model",), 7), ((*CUSTOM, "site"), "capillary"), ((*CUSTOM, "analytes"), []),
    ((*CUSTOM, "parameters", "V2"), ABSENT), ((*CUSTOM, "parameters", "CL"), ABSENT),
    ((*CUSTOM, "parameters", "k10"), "1 1/h"), ((*CUSTOM, "parameters", "Q4"), "1 L/h"),
    ((*CUSTOM, "parameters", "CL"), "84 L"), ((*CUSTOM, "effect_site", "source"), ABSENT),
    ((*CUSTOM, "effect_site", "source"), " "), ((*CUSTOM, "metabolites", 0, "fraction"), 1.2),
    ((*CUSTOM, "metabolites", 0, "fraction"), "1"), ((*CUSTOM, "metabolites", 0, "name"), "nor ketamine"),
    ((*CUSTOM, "metabolites", 0, "V2"), ABSENT), ((*CUSTOM, "weight_exponents"), {"CL": 0.75}),
    ((*CUSTOM, "reference_weight"), "70 kg"), (("limits",), "limits.json"), (("limits",), {"file": 7}),
    (("limits",), {"file": "x", "sha256": "abc"}), (("limits", "status"), "draft"), (("limits", "approver"), ""),
    (("limits", "effective"), "01.01.2026"), (("limits", "expires"), ABSENT), (("limits", "limits"), []),
    ((*ROW, 0, "hard_high"), ABSENT), ((*ROW, 0, "hard_high"), None), ((*ROW, 0, "soft_hgih"), "1 mg/kg"),
    ((*ROW, 0, "soft_high"), 0.5), ((*ROW, 0, "soft_high"), "0.5 mg"), ((*ROW, 0, "required"), ABSENT),
    ((*ROW, 0, "required"), "yes"), ((*ROW, 0, "source"), ABSENT), ((*ROW, 0, "site"), "venous"),
    ((*ROW, 0, "quantity"), "dose"), ((*ROW, 1, "site"), ABSENT), ((*ROW, 1, "site"), "not-stated"),
    ((*ROW, 1, "soft_high"), ABSENT), ((*ROW, 2, "level"), ABSENT), ((*ROW, 3, "window"), ABSENT),
    ((*ROW, 4, "window"), "7 d"), ((*ROW, 1, "max_probability"), 1), ((*ROW, 1, "max_probability"), -0.1),
    ((*ROW, 1, "max_probability"), "5 %"), ((*ROW, 1, "max_probability"), None), (("as_of",), "2026-11-21T00:00:00Z"), (("as_of",), "0226-11-21"),
    (("overrides", 0, "reason"), ""), (("overrides", 0, "by"), ABSENT), (("observe", "until"), ABSENT),
    (("observe", "at"), ["1 min"]), (("observe",), {"at": []}), (("observe",), {"at": ["1"]}),
    (("bag", "vials"), []), (("bag", "vials"), ABSENT), (("bag", "diluent"), ABSENT), (("bag", "diluent"), "135"),
    (("bag", "vials", 0, "amount"), "0.15 mg/kg"), (("bag", "vials", 0, "volume"), ABSENT),
    (("bag", "vials", 0, "lot"), "1"),
    (("events",), {}), (("events", 0, "pause"), -1), (("events", 0, "pause"), "0"), (("events", 0, "pause"), 0.5),
    (("events", 0, "pause"), "saved[x]"), (("events", 0, "pause"), "saved[01]"), (("events", 0, "at"), ABSENT),
    (("events", 0, "stop"), 0), (("events", 0, "to"), "1 mg/h"), (("events", 0, "pause"), ABSENT),
    (("events", 1, "over"), "1 min"), (("events", 2, "to"), ABSENT), (("events", 2, "to"), "30 mL"),
    (("events", 4, "over"), ABSENT),
    (("events", 4, "over"), 20),
    (("pump",), {}), (("pump", "rate_step"), "0.1 mg/h"), (("pump", "rate_step"), 0.1), (("pump", "speed"), "1 mL/h"),
    (("pump", "line", "dead_volume"), ABSENT), (("pump", "line", "primed_with"), "air"),
    (("pump", "line", "primed_with"), ABSENT),
    (("pump", "line"), ABSENT), (("pump", "flush", "volume"), "5 mL/kg"), (("pump", "flush", "over"), ABSENT),
    (("pump", "flush", "at"), ABSENT), (("initial_state",), {}), (("initial_state",), {"saved": 7}),
    (("initial_state",), {"saved": "no-such-file.json", "under_way": "goes_on"}),
    (("initial_state",), {"schema": "ketpk.state/2"}),
    (("events", 0, "session"), "0"), (("events", 0, "session"), -1), (("course",), []), (("course",), {"every": "84 h"}),
    (("course",), {"times": 2}), (("course",), {"every": "84 h", "times": 0}),
    (("course",), {"every": "84 h", "times": "2"}), (("course",), {"every": 84, "times": 2}), (("course",), {"at": []}),
    (("course",), {"at": ["0 d"], "times": 1}), (("course",), {"at": ["2026-10-25T02:30:00"]}),
    (("course",), {"at": ["0 d", "2026-10-25T02:30:00Z"]}), (("course",), {"at": ["2026-12-31T23:59:60Z"]}),
    (("course",), {"at": ["2026-10-25T02:30:00-00:00"]}), (("course",), {"at": ["2026-10-25T02:30:00.1234567Z"]}),
    (("questions", "time_above"), ["100"]), (("questions", "sensitivity"), "yes"), (("effect_card",), 7),
    (("effect_card",), ""), (("extrapolate",), "yes"), (("assume_enantiomers_alike",), 1),
    *EFFECT_SLIPS,
]
# One change each; schema and program take every result.
VARIANTS = [
    (("patient", "weight"), "154lb"), (("patient", "dosing_weight"), "65.5 kg"),
    (("patient", "dosing_weight"), "ideal"), (("patient", "dosing_weight"), "fat-free"), (("patient", "covariates"), {}), (("patient", "sex"), ABSENT),
    (("order", 0, "at"), ABSENT), (("order", 0, "infuse"), "3.5e1 mg"), (("order", 1, "infuse_at_rate"), "52.5 mL/h"),
    (("model",), "kamp2020"), (("model",), "domino1984"),
    ((*CUSTOM, "parameters"), {"V1": "0.3 L/kg", "k10": "2 1/h", "k12": "0.1 1/min", "k21": "0.001 1/s"}),
    ((*CUSTOM, "metabolites", 0, "apparent"), True), (("limits",), ABSENT), (("limits", "status"), "approved"),
    ((*ROW, 1, "max_probability"), 0.05), ((*ROW, 0, "max_probability"), 0),
    (("as_of",), ABSENT), (("observe",), {"at": ["10 min", "900000000 us"], "until": "4 h"}), (("observe",), ABSENT),
    (("questions",), {}), (("questions", "sensitivity"), True), (("extrapolate",), True), (("events",), []), (("events",), ABSENT), (("pump",), ABSENT),
    (("pump",), {"rate_step": "1 mL/h"}), (("pump", "flush"), ABSENT), (("events",), [{"stop": 1, "at": "61 min"}]),
    (("events", 2, "to"), "10 mcg/kg/min"), (("bag",), {"concentration": "1 mg/mL"}), *EFFECT_VARIANTS,
]
MODEL = {**json.loads((ROOT / "examples" / "model.json").read_text()), "effects": EFFECTS}
ENTRY = {"F": {"value": 1, "source": "s"}}
CLEARANCE = ("parameters", "CL")
EFFECT = (*CLEARANCE, "covariates", 0)
FORMED = ("metabolites", 0)
GOLDEN = ("golden", 0)
MTT = {"value": "20 min", "source": "s"}
# As above, for a model file.
MODEL_SLIPS = [
    (("schema",), "ketpk.model/2"), (("id",), "two words"), (("id",), ABSENT), (("label",), " "),
    (("citation",), ABSENT), (("doi",), 7), (("analytes",), ABSENT), (("analytes",), ["ketamine"]),
    (("analytes",), ["r-ketamine", "r-ketamine"]), (("site",), "capillary"), (("siet",), "venous"),
    (("domain", "age"), ["18 yr"]), (("domain", "age"), [None, None]), (("domain", "age"), ["18", None]),
    (("domain", "weight"), [None, "120 yr"]), (("domain", "source"), ABSENT), (("domain", "statement"), ABSENT),
    (("uncertainties",), [""]), (("reference_weight",), "70"), (("parameters",), ABSENT), (("parameters",), []),
    (CLEARANCE, ABSENT), (("parameters", "V1"), ABSENT), (("parameters", "V2"), ABSENT), (("parameters", "Q2"), ABSENT),
    (("parameters", "Q4"), {"value": "1 L/h", "source": "s"}),
    (("parameters", "k10"), {"value": "1 1/h", "source": "s"}),
    (("parameters", "Km"), {"value": "1 mg/L", "source": "s"}),
    (("parameters", "Vmax"), {"value": "1 mg/h", "source": "s"}), (CLEARANCE, "75 L/h"),
    ((*CLEARANCE, "value"), 75), ((*CLEARANCE, "value"), "75"), ((*CLEARANCE, "value"), "75 l/h"),
    ((*CLEARANCE, "value"), "75 L"), ((*CLEARANCE, "value"), "-75 L/h"), ((*CLEARANCE, "value"), ABSENT),
    ((*CLEARANCE, "source"), ABSENT), ((*CLEARANCE, "source"), "  "), ((*CLEARANCE, "weight_exponent"), 3.1),
    ((*CLEARANCE, "weight_exponent"), "0.75"), (("parameters", "V2", "weight_exponent"), 1),
    ((*EFFECT, "form"), "root"), ((*EFFECT, "reference"), 0), ((*EFFECT, "reference"), ABSENT),
    ((*EFFECT, "coefficient"), "-0.2"), ((*EFFECT, "levels"), []), ((*EFFECT, "covariate"), "AMT"),
    ((*EFFECT, "covariate"), "A GE"), ((*EFFECT, "source"), ABSENT),
    (EFFECT, {"covariate": "SEX", "form": "levels", "source": "s"}),
    (EFFECT, {"covariate": "SEX", "form": "levels", "levels": [{"is": 1, "factor": -1}], "source": "s"}),
    (("effect_site", "ke0", "source"), ABSENT), (("effect_site", "ke0", "value"), "3 min"),
    ((*FORMED, "name"), "central"), ((*FORMED, "name"), "nor ketamine"), ((*FORMED, "fraction"), 1.2),
    ((*FORMED, "source"), ABSENT), ((*FORMED, "parameters", "CL"), ABSENT),
    ((*FORMED, "parameters", "Q3"), {"value": "1 L/h", "source": "s"}), (("absorption", 0, "name"), "plasma"),
    (("absorption", 1, "name"), "gut-2"), (("absorption", 0, "ka"), ABSENT),
    (("absorption", 0, "ka", "value"), "-1 1/h"), (("entries", "nose"), {}), (("entries", "gut", "F", "value"), "0.2"),
    (("entries", "gut", "F", "value"), -0.1), (("entries", "gut", "lag", "value"), 10),
    (("entries", "gut", "rate"), {"value": "1 1/h", "source": "s"}),
    (("entries", "gut", "ALAG"), {"value": "1 h", "source": "s"}), (("variability", "source"), ABSENT),
    (("variability", "parameters"), ["CL", "CL"]), (("residual_error", "proportional_variance"), -1),
    (("residual_error", "proportional_variance"), ABSENT), ((*GOLDEN, "value"), "300 ng"),
    ((*GOLDEN, "value"), "300 mg"), ((*GOLDEN, "tolerance"), 0), ((*GOLDEN, "weight"), ABSENT),
    ((*GOLDEN, "doses"), []), ((*GOLDEN, "doses", 0, "amount"), "35"), ((*GOLDEN, "at"), ABSENT),
    ((*GOLDEN, "source"), ABSENT), (("golden", 2, "at"), "1 h"), (("golden", 3, "value"), "200 h"),
    (("data_units", "time"), "hours"), (("data_units", "amount"), "mg/kg"), (("data_units", "concentration"), ABSENT),
    (("data_units", "infusion_bioavailability"), "stan"), (("data_units", "covariates"), "nocb"),
    (("confidence",), "certain"), (("not_for_use",), 7), (("domain", "only_for"), ""),
    (("parameters", "Qh"), {"value": "90 L/h", "source": "s"}), (("parameters", "Vh"), {"value": "9 L", "source": "s"}),
    ((*FORMED, "delay"), {"transits": 0, "mtt": MTT}), ((*FORMED, "delay"), {"transits": 1.5, "mtt": MTT}),
    ((*FORMED, "delay"), {"transits": 17, "mtt": MTT}), ((*FORMED, "delay"), {"transits": 2}),
    ((*FORMED, "delay"), {"mtt": MTT}), ((*FORMED, "delay"), {"transits": 2, "mtt": {"value": "20 min"}}),
    ((*FORMED, "delay"), {"transits": 2, "mtt": {"value": "20 L", "source": "s"}}),
    ((*FORMED, "delay"), {"transits": 2, "mtt": MTT, "of": 1}), ((*EFFECT, "form"), "added_above"),
    (("golden", 3, "quantity"), "half_life_5"), *EFFECT_SLIPS,
]
MODEL_VARIANTS = [
    (("confidence",), "medium-high"), (("not_for_use",), "made up"), (("domain", "only_for"), "people in a test"),
    ((*FORMED, "delay"), {"transits": 2, "mtt": MTT}),
    (("parameters", "V1", "covariates"), [{"covariate": "AGE", "form": "added-above", "reference": 60,
                                           "coefficient": -0.5, "source": "s"}]),
    ((*FORMED, "delay"), {"transits": 14, "mtt": {**MTT, "weight_exponent": 0.25}}),
    (("doi",), ABSENT), (("analytes",), []), (("population",), ABSENT), (("domain",), ABSENT),
    (("domain", "weight"), [None, "120 kg"]), (("reference_weight",), "154.32358352941 lb"), (("golden",), ABSENT),
    ((*CLEARANCE, "value"), "1.25 L/min"), ((*FORMED, "apparent"), True), (("absorption", 0, "into"), "nose"),
    (("absorption", 0, "into"), ABSENT), (("entries", "central"), ENTRY), (("entries", "norketamine"), ENTRY),
    (("entries", "gut", "rate"), {"value": "1 mg/kg/h", "source": "s"}),
    (("entries", "gut", "duration"), {"value": "1 h", "weight_exponent": 0.25, "source": "s"}),
    (("variability",), ABSENT), (("residual_error", "additive_variance_mg2_per_L2"), 1e-6),
    (("data_units", "infusion_bioavailability"), "nonmem"), (("data_units", "covariates"), ABSENT),
    (("data_units",), ABSENT), *EFFECT_VARIANTS,
]


def validator(schema_id):
    schema = SCHEMAS[schema_id]
    if referencing is None:
        resolver = jsonschema.RefResolver.from_schema(schema, store=SCHEMAS)
        return jsonschema.Draft202012Validator(schema, resolver=resolver)
    registry = referencing.Registry().with_contents(SCHEMAS.items())
    return jsonschema.Draft202012Validator(schema, registry=registry)


def changed(document, path, value):
    document = copy.deepcopy(document)
    place = document
    for step in path[:-1]:
        place = place[step]
    if value is ABSENT:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


class Facts:
    def __init__(self):
        self.count, self.broken = 0, []

    def hold(self, fact, what):
        self.count += 1
        if not fact:
            self.broken.append(what)


def schemas_are_schemas(facts):
    facts.hold(set(OF.values()) | {ERROR} == set(SCHEMAS), "one schema for each kind of file")
    for name, schema in SCHEMAS.items():
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as e:
            facts.hold(False, f"{name} is no 2020-12 schema: {e.message}")
    header = (ROOT / "include/ketpk/error.hpp").read_text()
    listed = SCHEMAS[ERROR]["properties"]["error"]["properties"]["code"]["enum"]
    facts.hold(listed == re.findall(r'"(E_[A-Z_]+)"', header), "the error schema lists the codes of error.hpp")


def examples_fit(facts):
    seen = set()
    for path in sorted((ROOT / "examples").rglob("*.json")):
        document = json.loads(path.read_text())
        if not isinstance(document, dict) or document.get("schema") not in OF:
            continue
        seen.add(document["schema"])
        errors = [e.message for e in validator(OF[document["schema"]]).iter_errors(document)]
        facts.hold(not errors, f"{path.name} fits its schema: {errors}")
    facts.hold({"ketpk.session/1", "ketpk.limits/1", "ketpk.model/1"} <= seen, "examples have each kind of input")


def schema_takes_and_refuses(facts):
    for kind, base, variants, slips in (("session", SESSION, VARIANTS, SLIPS),
                                        ("model", MODEL, MODEL_VARIANTS, MODEL_SLIPS)):
        schema = validator(OF[f"ketpk.{kind}/1"])
        facts.hold(schema.is_valid(base), f"the {kind} that everything is varied from fits")
        for path, value in variants:
            facts.hold(schema.is_valid(changed(base, path, value)), f"schema takes {path} = {value}")
        for path, value in slips:
            facts.hold(not schema.is_valid(changed(base, path, value)), f"schema refuses {path} = {value}")


def run(command, *arguments):
    done = subprocess.run([command, *arguments], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def program_agrees(facts, command):
    result, error = validator(OF["ketpk.result/1"]), validator(ERROR)

    def answer_fits(path, what, refused):
        code, out = run(command, "simulate", str(path), "--json")
        try:
            document = json.loads(out)
        except ValueError:
            return facts.hold(False, f"{what}: no JSON, exit {code}")
        errors = [e.message for e in (error if refused else result).iter_errors(document)]
        facts.hold(not errors, f"{what}: the {'refusal' if refused else 'result'} fits its schema: {errors}")
        facts.hold((code in (2, 7)) if refused else code in (0, 3, 4, 6), f"{what}: exit {code}")
        if not refused and not errors:
            lengths = {len(v) for v in document["profile"].values() if isinstance(v, list)}
            lengths |= {len(e["values"]) for e in document.get("effects", [])}
            facts.hold(len(lengths) == 1, f"{what}: columns of one length")

    for path in sorted((ROOT / "examples").rglob("*.json")):
        if json.loads(path.read_text()).get("schema") == "ketpk.session/1":
            answer_fits(path, path.name, refused=False)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "session.json"
        for changes, refused in ((VARIANTS, False), (SLIPS, True)):
            for place, value in changes:
                path.write_text(json.dumps(changed(SESSION, place, value)))
                answer_fits(path, f"{place} = {'absent' if value is ABSENT else value}", refused)


def saved_states_fit(facts, command):
    """A state that is saved fits its schema, and so does a session that holds it; what it leaves behind is taken."""
    state_of, session_of = validator(OF["ketpk.state/1"]), validator(OF["ketpk.session/1"])
    base = {k: v for k, v in SESSION.items() if k != "pump"}
    base["order"] = [*base["order"], {"bolus": "1 mg", "at": "91 min", "into": "central"}]
    with tempfile.TemporaryDirectory() as folder:
        path, kept = pathlib.Path(folder) / "session.json", pathlib.Path(folder) / "state.json"
        for at, left in (("0us", None), ("6min", "continue"), ("13min", "stopped"), ("20min", "continue"),
                         ("2h", None)):
            path.write_text(json.dumps(base))
            run(command, "simulate", str(path), "--save-state", str(kept), "--save-at", at, "--force")
            state = json.loads(kept.read_text())
            errors = [e.message for e in state_of.iter_errors(state)]
            facts.hold(not errors, f"a state saved at {at} fits its schema: {errors}")
            follow = {**base, "initial_state": {"saved": state, "under_way": left or "continue"}, "events": [],
                      "order": [{"bolus": "1 mg", "at": "3 h"}]}
            errors = [e.message for e in session_of.iter_errors(follow)]
            facts.hold(not errors, f"a session that goes on from {at} fits its schema: {errors}")
            path.write_text(json.dumps(follow))
            code, out = run(command, "simulate", str(path), "--json")
            facts.hold(code in (0, 3, 4, 6), f"a session goes on from {at}: exit {code}")
            result = json.loads(out)
            errors = [e.message for e in validator(OF["ketpk.result/1"]).iter_errors(result)]
            facts.hold(not errors, f"its result fits its schema: {errors}")
            facts.hold(result["inputs"]["initial_state"]["saved"] == state, "the result holds the state it went on from")


def tables_fit(facts, command):
    """What a data file leads to is what its schema says, and as long as the file."""
    examples = ROOT / "examples"
    data = examples / "events.csv"
    code, out = run(command, "simulate", "--model", str(examples / "model.json"), "--data", str(data), "--json")
    table = json.loads(out)
    errors = [e.message for e in validator(OF["ketpk.table/1"]).iter_errors(table)]
    facts.hold(code == 0 and not errors, f"a table fits its schema: {errors}")
    records = len(data.read_text().splitlines()) - 1
    facts.hold({len(c) for c in table["columns"].values()} == {records}, "a table has a value for each record")


def spreads_fit(facts, command):
    """What several models answer is what its schema says; the session that it says it was asked is one."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "session.json"
        for models in ("all", ["kamp2020", SESSION["model"]]):
            session = {**SESSION, "model": models}
            del session["effects"]
            facts.hold(validator(OF["ketpk.session/1"]).is_valid(session), f"a session may ask {models}")
            path.write_text(json.dumps(session))
            code, out = run(command, "simulate", str(path), "--assume-enantiomers-alike", "--json")
            facts.hold(code == 1, "a session file says itself what it allows")
            path.write_text(json.dumps({**session, "assume_enantiomers_alike": True}))
            code, out = run(command, "simulate", str(path), "--json")
            document = json.loads(out)
            errors = [e.message for e in validator(OF["ketpk.spread/1"]).iter_errors(document)]
            facts.hold(code in (3, 4, 6) and not errors, f"a spread fits its schema: exit {code}, {errors}")


def sweeps_fit(facts, command):
    """A sweep's schema takes what the program takes and refuses what it refuses; the grid fits its own."""
    session = {**SESSION, "model": "kamp2020", "effects": [], "events": []}
    base = {"schema": "ketpk.sweep/1", "session": session,
            "vary": [{"input": "dose", "values": ["0.3 mg/kg", "0.5 mg/kg"]},
                     {"input": "weight", "from": "45 kg", "to": "130 kg", "points": 3},
                     {"input": "model", "models": ["kamp2020", "clements1981"]},
                     {"input": "pause", "of": 0, "at": "10 min", "values": ["0 min", "5 min"]}]}
    takes = [base, {**base, "vary": base["vary"][:1]}, {**base, "second_solver": True},
             {**base, "vary": [{"input": "model", "models": "all"}]}]
    axes = [{"input": "colour", "values": ["1 mg"]}, {"input": "dose"}, {"input": "dose", "values": []},
            {"input": "dose", "from": "1 mg", "to": "2 mg"}, {"input": "dose", "values": ["1 mg"], "points": 2},
            {"input": "model", "values": ["kamp2020"]}, {"input": "dose", "values": [1]}, {"input": "model", "models": []},
            {"input": "dose", "from": "1 mg", "to": "2 mg", "points": 1}]
    refuses = [{**base, "schema": "ketpk.sweep/2"}, {**base, "vary": []}, {k: v for k, v in base.items() if k != "vary"},
               {k: v for k, v in base.items() if k != "session"}, {**base, "second_solver": 1}, {**base, "grid": 1},
               *({**base, "vary": [axis]} for axis in axes)]
    schema, grid = validator(OF["ketpk.sweep/1"]), validator(OF["ketpk.grid/1"])
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "sweep.json"
        for documents, refused in ((takes, False), (refuses, True)):
            for document in documents:
                what = json.dumps(document["vary"] if "vary" in document else sorted(document))
                facts.hold(schema.is_valid(document) != refused, f"the schema on a sweep of {what}")
                path.write_text(json.dumps(document))
                code, out = run(command, "sweep", str(path), "--json")
                facts.hold((code == 2) == refused, f"the program on a sweep of {what}: exit {code}")
                if not refused:
                    errors = [e.message for e in grid.iter_errors(json.loads(out))]
                    facts.hold(not errors, f"the grid of {what} fits its schema: {errors}")


def cohorts_fit(facts, command):
    """A cohort's schema takes what the program takes and refuses what it refuses; the answer fits its own."""
    weight = {"name": "weight", "normal": {"mean": "75 kg", "sd": "12 kg", "low": "45 kg"}, "source": "s"}
    height = {"name": "height", "lognormal": {"median": "170 cm", "cv": 0.05}, "source": "s"}
    drawn = {"covariates": [weight, height], "correlation": [[1, 0.5], [0.5, 1]], "female_share": 0.5}
    omega = {"parameters": ["CL", "V1"], "omega": [[0.09, 0.01], [0.01, 0.04]], "source": "s"}
    session = {**SESSION, "model": "kamp2020", "effects": [], "events": [], "overrides": []}
    base = {"schema": "ketpk.cohort/1", "session": session,
            "cohort": {"subjects": 20, "seed": 7, "people": drawn, "between_subjects": omega}}

    def with_cohort(**changes):
        cohort = {**base["cohort"], **changes}
        return {**base, "cohort": {k: v for k, v in cohort.items() if v is not ABSENT}}

    def with_people(people):
        return with_cohort(people=people)

    no_weight = {**session, "patient": {"age": "42 yr"}}
    group = {"covariates": [weight]}
    takes = [base, with_cohort(people=ABSENT), with_cohort(between_subjects="none"), {**base, "session": no_weight},
             with_cohort(first=5, percentiles=[0, 2.5, 100], despite_failures=True, keep_subjects=True,
                         between_occasions=omega, uncertainty={"of": omega, "replicates": 3}),
             with_people({"women": group, "men": group, "female_share": 1}),
             with_people({"table": {"weight_kg": [70, 80], "sex": ["female", "male"]}, "drawn": True}),
             with_people({"covariates": [{"name": "weight", "uniform": {"low": "50 kg", "high": "90 kg"}, "source": "s"}]}),
             with_people({"covariates": [{"name": "weight", "constant": "154 lb", "source": "s"}]})]
    covariates = [{**weight, "normal": {"mean": 75, "sd": "12 kg"}}, {**weight, "normal": {"mean": "75 kg"}},
                  {**weight, "source": " "}, {k: v for k, v in weight.items() if k != "source"},
                  {**weight, "constant": "70 kg"}, {**weight, "name": "sex"}, {"name": "weight", "source": "s"},
                  {**height, "lognormal": {"median": "170 cm"}},
                  {**height, "lognormal": {"median": "170 cm", "cv": 0.1, "log_sd": 0.1}}]
    refuses = [{**base, "schema": "ketpk.cohort/2"}, {**base, "colour": 1}, {k: v for k, v in base.items() if k != "cohort"},
               {k: v for k, v in base.items() if k != "session"}, {**base, "session": {**session, "wieght": 1}},
               *(with_cohort(**{key: value}) for key, value in (
                   ("subjects", 0), ("subjects", "20"), ("subjects", ABSENT), ("subjects", 2000000000), ("seed", ABSENT),
                   ("seed", -1), ("seed", 1.5), ("first", -1), ("percentiles", []), ("percentiles", [101]),
                   ("percentiles", "5"), ("between_subjects", "all"), ("between_subjects", {"parameters": ["CL"]}),
                   ("between_occasions", "model"), ("residual_error", "yes"), ("uncertainty", {"of": omega}),
                   ("uncertainty", {"of": omega, "replicates": 0}), ("despite_failures", 1), ("people", "all"),
                   ("people", {}), ("people", {"csv": 7}), ("people", {"table": {"height_cm": [170]}}),
                   ("people", {"table": {"weight_kg": [70], "sex": ["F"]}}), ("people", {"women": group, "men": group}),
                   ("people", {**drawn, "female_share": 2}), ("people", {**drawn, "correlation": [[1, 2], [2, 1]]}))),
               *(with_people({"covariates": [covariate, *([weight] if covariate["name"] == "height" else [])]})
                 for covariate in covariates)]
    schema, answer = validator(OF["ketpk.cohort/1"]), validator(OF["ketpk.cohort-result/1"])
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "cohort.json"
        for documents, refused in ((takes, False), (refuses, True)):
            for document in documents:
                what = json.dumps(document["cohort"] if "cohort" in document else sorted(document))
                facts.hold(schema.is_valid(document) != refused, f"the schema on a cohort of {what}")
                path.write_text(json.dumps(document))
                code, out = run(command, "cohort", str(path), "--json")
                facts.hold((code == 2) == refused, f"the program on a cohort of {what}: exit {code} {out[:300]}")
                if not refused:
                    errors = [e.message for e in answer.iter_errors(json.loads(out))]
                    facts.hold(not errors, f"the answer of {what} fits its schema: {errors}")
        path.write_text(json.dumps(with_people({"table": {"weight_kg": [70, 900]}, "drawn": True})))
        code, out = run(command, "cohort", str(path), "--json")
        errors = [e.message for e in answer.iter_errors(json.loads(out))]
        facts.hold(code == 8 and not errors, f"an answer without statistics fits its schema: {errors}")
        broken = {k: v for k, v in json.loads(out).items() if k != "n_failed"}
        facts.hold(not answer.is_valid(broken), "schema refuses an answer that does not say who failed")


def evidence_fits(facts, command):
    """What models were held against is what the schema says, for all of them and for one."""
    schema = validator(OF["ketpk.evidence/1"])
    for arguments in ((), ("--model", "kamp2020"), ("--data", "hasan2021-decay"), ("--data", "idvall1979")):
        code, out = run(command, "validate", "--json", *arguments)
        document = json.loads(out)
        errors = [e.message for e in schema.iter_errors(document)]
        facts.hold(code == 0 and not errors, f"the evidence {arguments} fits its schema: {errors}")
        models, data = ({each["id"] for each in document[k]} for k in ("models", "data"))
        facts.hold(all(c["model"] in models and c["data"] in data for c in document["comparisons"]),
                   "a comparison names a model and data that are there")
        broken = {**document, "data": [{k: v for k, v in document["data"][0].items() if k != "licence"}]}
        facts.hold(not schema.is_valid(broken), "schema refuses data without a licence")


def program_agrees_on_models(facts, command):
    """The linter finds an error in what the schema refuses and none in what it takes; built-in models fit."""
    model = validator(OF["ketpk.model/1"])
    listed = json.loads(run(command, "models", "list", "--json")[1])["models"]
    facts.hold(len(listed) >= 6, "models are listed")
    for each in listed:
        code, out = run(command, "models", "show", each["id"], "--card")
        errors = [e.message for e in model.iter_errors(json.loads(out))]
        facts.hold(code == 0 and not errors, f"{each['id']} fits the schema of models: {errors}")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.json"
        for changes, refused in ((MODEL_VARIANTS, False), (MODEL_SLIPS, True)):
            for place, value in changes:
                path.write_text(json.dumps(changed(MODEL, place, value)))
                code, out = run(command, "models", "lint", str(path), "--json")
                severities = {f["severity"] for f in json.loads(out)["findings"]}
                what = f"{place} = {'absent' if value is ABSENT else value}"
                facts.hold(code == (2 if refused else 0) and ("error" in severities) == refused,
                           f"lint of {what}: exit {code}, {out}")
                if not refused:
                    code, out = run(command, "models", "show", str(path), "--card")
                    facts.hold(code == 0 and model.is_valid(json.loads(out)), f"the card of {what} fits: exit {code}")


def main(arguments):
    facts = Facts()
    schemas_are_schemas(facts)
    examples_fit(facts)
    schema_takes_and_refuses(facts)
    if arguments:
        program_agrees(facts, arguments[0])
        saved_states_fit(facts, arguments[0])
        tables_fit(facts, arguments[0])
        spreads_fit(facts, arguments[0])
        sweeps_fit(facts, arguments[0])
        cohorts_fit(facts, arguments[0])
        evidence_fits(facts, arguments[0])
        program_agrees_on_models(facts, arguments[0])
    for what in facts.broken:
        print("broken:", what)
    print(f"schemas: {facts.count} facts, {len(facts.broken)} broken")
    return 1 if facts.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
