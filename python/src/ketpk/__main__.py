# SPDX-License-Identifier: Apache-2.0
"""``python -m ketpk``: the command line, as the program ``ketpk`` has it."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from . import _core


def main() -> NoReturn:
    """Runs the command of ``sys.argv`` and ends the process with its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    arguments = [b"ketpk", *(os.fsencode(a) for a in sys.argv[1:])]
    # The command writes to and closes the descriptor itself; the interpreter has nothing of its own left to write.
    os._exit(_core.command_line(arguments))


if __name__ == "__main__":
    main()
