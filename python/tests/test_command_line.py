# SPDX-License-Identifier: Apache-2.0
"""``python -m ketpk`` is the command: the same bytes, the same exit."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence

import pytest
from conftest import EVERYTHING, LIMITS, SESSION, command, environment, session

import ketpk

MODULE = [sys.executable, "-m", "ketpk"]
WHO = ["--weight", "70kg", "--age", "42yr", "--height", "175cm"]
ORDER = ["--analyte", "racemic-ketamine", "--form", "base", "--drug-free", "--dose", "0.5mg/kg", "--over", "40min"]
ASK = ["simulate", *WHO, *ORDER, "--model", "kamp2020"]
SAMPLED = [*ASK, "--every", "1min", "--until", "4h"]
LIMITED = ["--limits", str(LIMITS), "--as-of", "2026-11-21"]
MORE = [a if a != "0.5mg/kg" else "0.6mg/kg" for a in SAMPLED]
TENFOLD = [a if a != "0.5mg/kg" else "5mg/kg" for a in SAMPLED]


def both(
    arguments: Sequence[str | bytes], folder: pathlib.Path, stdin: bytes = b"", **more: str
) -> tuple[subprocess.CompletedProcess[bytes], subprocess.CompletedProcess[bytes]]:
    """The program and the module with the same arguments, each in a folder of its own."""
    done = []
    for name, start in (("program", [str(command())]), ("module", MODULE)):
        where = folder / name
        where.mkdir(exist_ok=True)
        done.append(
            subprocess.run(
                [*start, *arguments],
                input=stdin,
                capture_output=True,
                cwd=where,
                env=environment(**more),
                timeout=60,
                check=False,
            )
        )
    return done[0], done[1]


def alike(arguments: Sequence[str | bytes], folder: pathlib.Path, code: int, stdin: bytes = b"", **more: str) -> bytes:
    """The standard output that both give, which must end with ``code`` and say the same on standard error."""
    program, module = both(arguments, folder, stdin, **more)
    assert (module.returncode, module.stdout, module.stderr) == (program.returncode, program.stdout, program.stderr)
    assert module.returncode == code, module.stderr
    return module.stdout


ANSWERED: dict[str, tuple[list[str], int]] = {
    "simulate, a card": (SAMPLED, 0),
    "simulate, JSON": ([*SAMPLED, "--json"], 0),
    "simulate, CSV": ([*SAMPLED, "--csv"], 0),
    "simulate, within limits": ([*SAMPLED, *LIMITED, "--json"], 0),
    "simulate, a soft flag": ([*MORE, *LIMITED], 3),
    "simulate, a hard flag": ([*TENFOLD, *LIMITED, "--json"], 4),
    "simulate, a session file": (["simulate", str(SESSION), "--json"], 0),
    "check": (["check", *SAMPLED[1:], *LIMITED], 0),
    "check, a soft flag": (["check", *MORE[1:], *LIMITED, "--json"], 3),
    "models list": (["models", "list"], 0),
    "models list, JSON": (["models", "list", "--json"], 0),
    "models show": (["models", "show", "otto2021"], 0),
    "models show, JSON": (["models", "show", "otto2021", "--json"], 0),
    "limits lint": (["limits", "lint", str(LIMITS)], 0),
    "units": (["units"], 0),
    "version": (["version"], 0),
    "version, verbose": (["version", "--verbose"], 0),
    "help": (["--help"], 0),
    "help for simulate": (["simulate", "--help"], 0),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_an_answer_has_the_same_bytes(name: str, tmp_path: pathlib.Path) -> None:
    arguments, code = ANSWERED[name]
    assert alike(arguments, tmp_path, code)


REFUSED: dict[str, tuple[list[str], int]] = {
    "nothing asked": ([], 1),
    "an unknown command": (["simulat"], 1),
    "an unknown option": ([*ASK, "--wieght", "70kg"], 1),
    "an option twice": ([*ASK, "--weight", "70kg"], 1),
    "an option without a value": ([*ASK, "--limits"], 1),
    "no weight": ([a for a in ASK if a not in ("--weight", "70kg")], 2),
    "no model": (ASK[:-2], 2),
    "no unit": ([a if a != "70kg" else "70" for a in ASK], 2),
    "a weight out of range": ([a if a != "70kg" else "7000kg" for a in ASK], 2),
    "a model unheard of": ([a if a != "kamp2020" else "nobody1999" for a in ASK], 2),
    "check without limits": (["check", *ASK[1:]], 2),
    "a missing session": (["simulate", "nowhere.json"], 7),
    "missing limits": (["limits", "lint", "nowhere.json"], 7),
    "a card unheard of": (["models", "show", "nobody1999"], 2),
}


@pytest.mark.parametrize("as_json", [False, True], ids=["", "with --json"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_has_the_same_words_and_exit(name: str, as_json: bool, tmp_path: pathlib.Path) -> None:
    arguments, code = REFUSED[name]
    program, module = both([*arguments, *(["--json"] if as_json and arguments else [])], tmp_path)
    assert (module.returncode, module.stdout, module.stderr) == (program.returncode, program.stdout, program.stderr)
    assert module.returncode == (1 if as_json and name == "missing limits" and program.returncode == 1 else code)
    assert module.stderr.startswith(b"ketpk: E_")


def test_a_session_on_standard_input_is_answered(tmp_path: pathlib.Path) -> None:
    asked = session(model=EVERYTHING, questions={"time_above": ["100 ng/mL"]})
    out = alike(["simulate", "-", "--json"], tmp_path, 0, stdin=json.dumps(asked).encode())
    assert out.decode() == ketpk.simulate_session(asked).to_json()
    alike(["simulate", "-"], tmp_path, 2, stdin=b'{"schema": "ketpk.session/1"')
    alike(["simulate", "-"], tmp_path, 2, stdin=b"")


def test_a_session_file_gives_what_python_gives(tmp_path: pathlib.Path) -> None:
    out = alike(["simulate", str(SESSION), "--json"], tmp_path, 0)
    assert out.decode() == ketpk.simulate_session(SESSION).to_json()


def test_broken_limits_have_the_same_findings(tmp_path: pathlib.Path) -> None:
    broken = json.loads(LIMITS.read_text())
    broken["limits"][0]["soft_hgih"] = broken["limits"][0].pop("soft_high")
    broken["limits"][1]["source"] = ""
    del broken["limits"][2]["hard_high"]
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(broken))
    program, module = both(["limits", "lint", str(path)], tmp_path)
    assert (module.returncode, module.stdout, module.stderr) == (program.returncode, program.stdout, program.stderr)
    assert module.returncode == 2
    said = module.stdout + module.stderr
    for finding in ketpk.limits.lint(path):
        assert finding.field.encode() in said and finding.code.encode() in said


def test_an_output_file_has_the_same_bytes(tmp_path: pathlib.Path) -> None:
    arguments = [*SAMPLED, "--json", "-o", "out.json"]
    assert alike(arguments, tmp_path, 0) == b""
    program, module = (tmp_path / name / "out.json" for name in ("program", "module"))
    assert module.read_bytes() == program.read_bytes() and module.stat().st_mode == program.stat().st_mode
    assert ketpk.Result.from_json(module.read_text()).summary.delivered_mg == 35
    before = module.read_bytes()
    again = [*MORE, "--json", "-o", "out.json"]
    program_code, module_code = (done.returncode for done in both(again, tmp_path))
    assert program_code == module_code != 0 and module.read_bytes() == before
    alike([*again, "--force"], tmp_path, 0)
    assert module.read_bytes() == program.read_bytes() != before
    assert os.listdir(tmp_path / "module") == ["out.json"]  # no temporary file is left
    alike([*SAMPLED, "-o", "nowhere/out.txt"], tmp_path, 7)


@pytest.mark.parametrize("redirection", [">&-", "> /dev/full", "<&-", "2>&-"])
def test_streams_that_cannot_be_used_end_the_same_way(redirection: str, tmp_path: pathlib.Path) -> None:
    done = []
    for start in ([str(command())], MODULE):
        script = f'exec "$@" {redirection}'
        done.append(
            subprocess.run(
                ["sh", "-c", script, "sh", *start, *SAMPLED, "--json"],
                capture_output=True,
                env=environment(),
                cwd=tmp_path,
                check=False,
            )
        )
    program, module = done
    assert (module.returncode, module.stdout, module.stderr) == (program.returncode, program.stdout, program.stderr)
    assert module.returncode == (7 if redirection.startswith(">") else 0)


def test_a_reader_that_leaves_ends_both_the_same_way(tmp_path: pathlib.Path) -> None:
    ends = []
    asked = session(observe={"every": "1 s", "until": "24 h"})  # more than a pipe holds
    for start in ([str(command())], MODULE):
        running = subprocess.Popen(
            [*start, "simulate", "-", "--json"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            cwd=tmp_path,
        )
        assert running.stdin is not None and running.stdout is not None and running.stderr is not None
        running.stdin.write(json.dumps(asked).encode())
        running.stdin.close()
        assert running.stdout.read(1) == b"{"
        running.stdout.close()
        said = running.stderr.read()
        running.stderr.close()
        ends.append((running.wait(60), said))
    assert ends[0] == ends[1]
    assert b"Traceback" not in ends[1][1]


def test_arguments_that_are_no_text_are_refused_alike(tmp_path: pathlib.Path) -> None:
    for bad in (b"\xff\xfe", b"70\xb5g", b"\xc3\x28"):
        program, module = both([*ASK, b"--sex", bad], tmp_path)
        assert (module.returncode, module.stdout, module.stderr) == (program.returncode, program.stdout, program.stderr)
        assert module.returncode in (1, 2) and module.stderr.startswith(b"ketpk: E_")
        program, module = both([b"simulate", bad], tmp_path)
        assert (module.returncode, module.stdout, module.stderr) == (program.returncode, program.stdout, program.stderr)
        assert module.returncode == 7
    # Right texts of other alphabets, and empty ones, arrive as they are.
    for text in ("é", "体重", ""):
        program, module = both([*ASK, "--sex", text], tmp_path)
        assert (module.returncode, module.stderr) == (program.returncode, program.stderr)
        assert module.returncode in (1, 2)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_the_locale_changes_nothing(locale: str, tmp_path: pathlib.Path) -> None:
    plain = alike([*SAMPLED, "--json"], tmp_path, 0)
    assert alike([*SAMPLED, "--json"], tmp_path, 0, LC_ALL=locale, PYTHONUTF8="0") == plain


def test_a_session_in_a_folder_with_any_name_is_found(tmp_path: pathlib.Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff name"
    os.mkdir(folder)
    with open(folder + b"/s.json", "w") as file:
        json.dump(session(), file)
    out = alike([b"simulate", folder + b"/s.json", b"--json"], tmp_path, 0)
    assert out.decode() == ketpk.simulate_session(session()).to_json()
    # Python's own way to name such a file works too.
    named = os.fsdecode(folder + b"/s.json")
    assert ketpk.simulate_session(named).to_json() == out.decode()
