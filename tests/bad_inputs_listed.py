#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each bad input that the contract adopts is tried somewhere, or stands in bad_inputs_not_yet.json with its reason."""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ADOPTED = [f"C{n:02}" for n in range(1, 51)] + [f"J{n:02}" for n in (*range(1, 42), *range(53, 61))]

sources = [p for pattern in ("test_*.cpp", "test_*.py") for p in HERE.glob(pattern)]
tried = {name.upper() for p in sources for name in re.findall(r"(?<![A-Za-z0-9])[CJcj]\d\d(?!\d)", p.read_text())}
not_yet = json.loads((HERE / "bad_inputs_not_yet.json").read_text())

missing = [name for name in ADOPTED if name not in tried and name not in not_yet]
unknown = [name for name in not_yet if name not in ADOPTED]
silent = [name for name, reason in not_yet.items() if len(reason) < 20]
print(f"{len(ADOPTED)} bad inputs: {len(ADOPTED) - len(missing) - len(not_yet)} tried, {len(not_yet)} not yet possible")
for what, names in (("neither tried nor listed", missing), ("listed but unknown", unknown), ("listed without a reason", silent)):
    if names:
        print(f"{what}: {' '.join(names)}")
sys.exit(1 if missing or unknown or silent else 0)
