#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the README shows is what happens.

Usage: test_readme.py KETPK ACCURACY ONE_MINUTE [--write]
With --write the README is brought up to date instead.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.rstrip("\n")


def replace_block(text, after, fence, content):
    """The first block that `fence` opens after the line `after`, with new content."""
    start = text.index(after)
    opening = text.index(fence + "\n", start) + len(fence) + 1
    closing = text.index("\n```", opening)
    return text[:opening] + content + text[closing:]


def up_to_date(text, ketpk, accuracy, one_minute):
    for after in ("On this order:", "**A population.**", "**What if.**"):
        shown = text[text.index(after):]
        asked = shown[shown.index("```sh\n") + 6:shown.index("\n```", shown.index("```sh\n"))]
        arguments = asked.replace("\\\n", " ").split()[1:]
        # What an order is flagged for sets the exit, too.
        done = subprocess.run([ketpk, *arguments], cwd=ROOT, check=False, capture_output=True, text=True)
        assert done.returncode in (0, 3, 4, 6), done.stderr
        text = replace_block(text, after, "```text", done.stdout.rstrip("\n"))
    source = (ROOT / "examples/one_minute.cpp").read_text().split("\n", 2)[2].rstrip("\n")
    text = replace_block(text, "`./dev demo` ends with this card:", "```text", output(ketpk, "simulate", "examples/session.json"))
    effects = (ROOT / "examples/effects.json").read_text()
    stated = effects[effects.index('  "effects"'):effects.index(',\n  "limits"')]
    text = replace_block(text, "`examples/effects.json` asks", "```json", re.sub("(?m)^  ", "", stated))
    card = output(ketpk, "simulate", "examples/effects.json")
    text = replace_block(text, "and the card answers", "```text", card[card.index("Effects "):].split("\n\n")[0])
    table = output(ketpk, "simulate", "--model", "examples/model.json", "--data", "examples/events.csv")
    text = replace_block(text, "The table comes back with one row", "```text", table)
    text = replace_block(text, "`examples/one_minute.cpp`:", "```cpp", source)
    plot = (ROOT / "examples/first_plot.py").read_text().split("\n", 1)[1].rstrip("\n")
    text = replace_block(text, "`examples/first_plot.py`:", "```python", plot)
    text = replace_block(text, "It prints:", "```text", output(one_minute))
    table = re.compile(r"(?<=what stands here:\n\n).*?(?=\n\nBeyond these)", re.S)
    assert len(table.findall(text)) == 1
    return table.sub(lambda _: output(accuracy), text)


def main():
    write = "--write" in sys.argv
    ketpk, accuracy, one_minute = [a for a in sys.argv[1:] if a != "--write"]
    text = README.read_text()
    placeholder = re.search(r"@[A-Z]+@", text)
    if placeholder and not write:
        sys.exit(f"README.md still holds {placeholder[0]}")
    new = up_to_date(text, ketpk, accuracy, one_minute)
    if write:
        README.write_text(new)
    elif new != text:
        old_lines, new_lines = text.splitlines(), new.splitlines()
        for i, (a, b) in enumerate(zip(old_lines, new_lines)):
            if a != b:
                sys.exit(f"README.md line {i + 1} is not what happens\n  stands:  {a}\n  happens: {b}")
        sys.exit("README.md is not what happens")


main()
