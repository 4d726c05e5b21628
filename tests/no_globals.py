#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No object of the library holds a variable that can be written.

Why: the same request gives the same bits from any number of threads, because there is nothing for them to share.
Usage: no_globals.py NM FILE...   (archives or objects)
"""

import re
import subprocess
import sys

# Sections that the loader makes read-only again, or that hold nothing of ours.
READ_ONLY = (".data.rel.ro", ".data.rel.local.DW.ref.", ".data.rel.DW.ref.")
# Not ours, and constant once the program has started: Eigen's empty tag objects (without optimisation only), the
# standard library's start-up object that Boost.Odeint brings in, and the name of itself that Boost.Math's root finder
# keeps for its messages.
THIRD_PARTY = re.compile(r"Eigen::(all|last|lastp1|fix<\d+>)|std::__ioinit|"
                         r"boost::math::tools::toms748_solve<.*>\(.*\)::function")
WRITABLE = (".data", ".bss", ".tdata", ".tbss", "COMMON", "*COM*")


def writable_symbols(listing):
    """Names of writable data in the output of `nm --format=sysv --demangle`."""
    found = []
    for line in listing.splitlines():
        columns = [c.strip() for c in line.split("|")]
        if len(columns) < 7 or columns[0] == "Name":
            continue
        name, section = "|".join(columns[:-6]), columns[-1]
        if section.startswith(WRITABLE) and not section.startswith(READ_ONLY) and not THIRD_PARTY.fullmatch(name):
            found.append(f"{name} in {section}")
    return found


def self_test():
    row = "{}|0000000000000000|   {}  |            OBJECT|0000000000000008|     |{}"
    for name, kind, section in [("counter", "b", ".bss"), ("ketpk::last", "D", ".data"), ("table", "d", ".data.counter"),
                                ("per_thread", "b", ".tbss"), ("guard variable for x()::y", "u", ".bss._ZGVZ1xvE1y")]:
        assert writable_symbols(row.format(name, kind, section)) == [f"{name} in {section}"], (name, section)
    for name, kind, section in [("names", "d", ".data.rel.ro.local"), ("pi", "r", ".rodata"), ("run()", "T", ".text"),
                                ("boost::math::tools::toms748_solve<f, double>(f, double const&)::function", "d", ".data.rel.local.f"),
                                ("std::__ioinit", "b", ".bss"), ("Eigen::fix<1>", "b", ".bss"),
                                ("DW.ref.__gxx_personality_v0", "V", ".data.rel.local.DW.ref.__gxx_personality_v0")]:
        assert writable_symbols(row.format(name, kind, section)) == [], (name, section)


def main():
    self_test()
    nm, *files = sys.argv[1:]
    if not files:
        sys.exit("no files; accepted: nm, then one or more archives or objects")
    problems, symbols = [], 0
    for file in files:
        command = [nm, "--format=sysv", "--demangle", file]
        listing = subprocess.run(command, check=True, capture_output=True, text=True)
        symbols += listing.stdout.count("|OBJECT") + listing.stdout.count("OBJECT|")
        problems += [f"{file.rsplit('/', 1)[-1]}: {p}" for p in writable_symbols(listing.stdout)]
    for problem in problems:
        print("can be written:", problem)
    print(f"{len(files)} files, {symbols} data symbols, {len(problems)} that can be written")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
