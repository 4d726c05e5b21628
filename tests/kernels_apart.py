#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Code for one instruction set is called by its name, and no other object holds any.

Why: the linker keeps one copy of each weak function, whichever object it meets first. If a unit compiled for AVX-512
brings a weak function that others have too, a machine without AVX-512 may be given that copy, and dies of it. So every
weak function in such a unit must carry the unit's instruction set in its name, and the disassembly of all other objects
must not hold a wide register.
Usage: kernels_apart.py AR NM OBJDUMP ARCHIVE   (OBJDUMP may be empty: then only names are looked at, and that is said)
"""

import pathlib
import re
import subprocess
import sys
import tempfile

KERNELS = {"kernels_avx2": "avx2", "kernels_avx512": "avx512"}
# Of data one copy serves all, so it must be constant; DW.ref.* is how a unit finds the routine that unwinds the stack.
READ_ONLY = (".rodata", ".data.rel.ro", ".gcc_except_table", ".data.rel.local.DW.ref.", ".data.rel.DW.ref.", ".data.DW.ref.")
# What Clang ends a noexcept function with: two calls and no arithmetic.
HARMLESS = ("__clang_call_terminate",)
# Wide registers, masks, and the encoding that came with AVX, which narrow registers have too.
WIDE = re.compile(r"%(?:ymm|zmm)\d+|%k[0-7]\b|\tv[a-z0-9]+ .*%xmm")


def shared_symbols(listing):
    """Weak and unique symbols, which the linker keeps one of, in the output of `nm --format=sysv --demangle`: their
    names, whether they are functions, and their sections."""
    found = []
    for line in listing.splitlines():
        columns = [c.strip() for c in line.split("|")]
        if len(columns) < 7 or columns[-5] not in ("W", "V", "u", "i") or columns[-1] == "*UND*":
            continue
        found.append(("|".join(columns[:-6]), columns[-4] in ("FUNC", "IFUNC", "NOTYPE"), columns[-1]))
    return found


def mixed_up(symbols, tag):
    """Of these, functions without the tag in their name, and data that can be written."""
    found = [f"not called {tag}: {name}" for name, is_function, _ in symbols
             if is_function and name not in HARMLESS and not re.search(rf"\bketpk::isa::{tag}\b", name)]
    return found + [f"can be written: {name} in {section}" for name, is_function, section in symbols
                    if not is_function and not section.startswith(READ_ONLY)]


def wide_lines(disassembly):
    """Functions that touch a wide register, each once."""
    found, function = [], "?"
    for line in disassembly.splitlines():
        if line.endswith(">:"):
            function = line.split("<", 1)[1][:-2]
        elif WIDE.search(line) and (not found or found[-1] != function):
            found.append(function)
    return found


def self_test():
    row = "{}|0000000000000000|   {}  |{:>18}|0000000000000008|     |{}"
    good = [row.format("void ketpk::solve_lanes<ketpk::isa::avx2>(int||)", "W", "FUNC", ".text._ZN5ketpk"),
            row.format("DW.ref.__gxx_personality_v0", "V", "OBJECT", ".data.rel.local.DW.ref.__gxx_personality_v0"),
            row.format("ketpk::detail::table", "u", "OBJECT", ".rodata._ZN5ketpk"),
            row.format("ketpk::detail::compiled_for_avx2()", "T", "FUNC", ".text"),
            row.format("helper()", "t", "FUNC", ".text"), row.format("operator new(unsigned long)", "U", "NOTYPE", "*UND*")]
    assert mixed_up(shared_symbols("\n".join(good)), "avx2") == []
    assert len(shared_symbols("\n".join(good))) == 3
    for name, kind, what, section, problem in [
            ("std::vector<double>::resize(unsigned long)", "W", "FUNC", ".text.x", "not called avx2"),
            ("void ketpk::solve_lanes<ketpk::isa::avx512>(int)", "W", "FUNC", ".text.x", "not called avx2"),
            ("void f<ketpk::isa::avx2x>()", "W", "FUNC", ".text.x", "not called avx2"),
            ("f()::counter", "u", "OBJECT", ".bss.x", "can be written"),
            ("ketpk::last", "V", "OBJECT", ".data.x", "can be written")]:
        found = mixed_up(shared_symbols(row.format(name, kind, what, section)), "avx2")
        assert len(found) == 1 and found[0].startswith(problem), (name, found)
    code = ["0000000000000000 <f()>:", "   0:\tvaddpd %zmm0,%zmm1,%zmm2", "   6:\tvaddpd %ymm0,%ymm1,%ymm2",
            "0000000000000010 <g()>:", "  10:\taddpd  %xmm0,%xmm1", "  18:\tcall   20 <void v<k1>()>",
            "0000000000000020 <h()>:", "  20:\tkmovb %k1,%eax", "0000000000000030 <i()>:", "  30:\tvaddsd %xmm0,%xmm1,%xmm2"]
    assert wide_lines("\n".join(code)) == ["f()", "h()", "i()"], wide_lines("\n".join(code))


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    self_test()
    if len(sys.argv) != 5:
        sys.exit("not four arguments; accepted: ar, nm, objdump (may be empty) and the archive")
    ar, nm, objdump, archive = sys.argv[1:]
    if objdump.endswith("NOTFOUND"):  # as CMake has it
        objdump = ""
    problems, functions, looked_at, others = [], 0, [], 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([ar, "x", str(pathlib.Path(archive).resolve())], check=True, cwd=folder)
        objects = sorted(pathlib.Path(folder).iterdir())
        for each in objects:
            tag = KERNELS.get(each.name.split(".", 1)[0])
            if tag is None:
                others += 1
                if objdump:
                    problems += [f"{each.name}: wide registers in {name}"
                                 for name in wide_lines(output(objdump, "-d", "-C", "--no-show-raw-insn", str(each)))]
                continue
            looked_at.append(each.name)
            symbols = shared_symbols(output(nm, "--format=sysv", "--demangle", str(each)))
            functions += sum(is_function for _, is_function, _ in symbols)
            problems += [f"{each.name}: {problem}" for problem in mixed_up(symbols, tag)]
            if not symbols:
                problems.append(f"{each.name}: no function of its own")
    if len({name.split(".", 1)[0] for name in looked_at}) not in (0, len(KERNELS)):
        problems.append("not all kernels are there")
    for problem in problems:
        print(problem)
    wide = f"no wide register in {others} others" if objdump else f"{others} others not disassembled: no objdump"
    if not looked_at:
        print("this build has the baseline only")
    print(f"{len(looked_at)} kernels with {functions} weak functions of their own; {len(problems)} problems; looked for {wide}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
