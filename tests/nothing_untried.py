#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each bad input and each error code of the contract is tried somewhere, or stands in not_yet.json with its reason."""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
INPUTS = [f"C{n:02}" for n in range(1, 51)] + [f"J{n:02}" for n in (*range(1, 42), 51, 52, *range(53, 61))]
INPUTS += [f"P-{n:02}" for n in range(1, 33)]
CODES = re.findall(r'"(E_[A-Z_]+)"', (HERE.parent / "include/ketpk/error.hpp").read_text())

FOLDERS = HERE, HERE.parent / "python/tests"
sources = "\n".join(p.read_text() for folder in FOLDERS for end in ("cpp", "py") for p in sorted(folder.glob(f"test_*.{end}")))
tried = {name.upper() for name in re.findall(r"(?<![A-Za-z0-9])(?:[CJcj]|P-)\d\d(?!\d)", sources)}
tried |= {code for code in CODES if re.search(rf"\b{code}\b|\bCode::{code[2:].lower()}\b", sources)}
not_yet = json.loads((HERE / "not_yet.json").read_text())

wanted = INPUTS + CODES
missing = [name for name in wanted if name not in tried and name not in not_yet]
unknown = [name for name in not_yet if name not in wanted]
silent = [name for name, reason in not_yet.items() if len(reason) < 20]
print(f"{len(INPUTS)} bad inputs and {len(CODES)} codes: {len(not_yet)} not possible yet")
for what, names in (("neither tried nor listed", missing), ("listed but unknown", unknown), ("listed without a reason", silent)):
    if names:
        print(f"{what}: {' '.join(names)}")
sys.exit(1 if missing or unknown or silent else 0)
