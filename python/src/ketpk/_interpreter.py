# SPDX-License-Identifier: Apache-2.0
"""A compiled module that is loaded in two interpreters of one process would share what neither may share."""

from __future__ import annotations

import importlib


def require_main_interpreter() -> None:
    """Raises ``ImportError`` in a sub-interpreter, before anything compiled is touched."""
    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            interpreters = importlib.import_module(name)
        except ImportError:
            continue
        if interpreters.get_current() != interpreters.get_main():
            raise ImportError(
                "ketpk does not run in a sub-interpreter; accepted: the main interpreter, or another process"
            )
        return
