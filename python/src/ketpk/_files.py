# SPDX-License-Identifier: Apache-2.0
"""Names of files, what stands in them, and new files that are there in full or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from typing import Any

from . import _core
from ._errors import InvalidInput, WrongType
from ._frozen import thawed
from ._numbers import truth


def bytes_of(source: str | os.PathLike[str] | Mapping[str, Any], field: str) -> bytes:
    """The JSON of a file or of a mapping. Raises ``InvalidInput``: ``E_IO``, ``E_SIZE``; ``WrongType``."""
    if isinstance(source, Mapping):
        return json_bytes(source, field)
    if isinstance(source, (str, os.PathLike)):
        return _core.read_file(path_bytes(source, field), field)
    raise WrongType(
        "E_TYPE", field, "neither a file nor a mapping; accepted: a path, or a dict as the file would hold it"
    )


def path_bytes(path: object, field: str) -> bytes:
    """A path as the system has it. Raises ``InvalidInput``: ``E_IO`` for a name no file can have; ``WrongType``."""
    if not isinstance(path, (str, os.PathLike)):
        raise WrongType("E_TYPE", field, "not a path; accepted: a text or a pathlib.Path")
    try:
        return os.fsencode(path)
    except UnicodeEncodeError:
        raise InvalidInput("E_IO", field, "a name that no file can have; accepted: the path of a file") from None


def session_path(path: object, field: str) -> str:
    """A path as a session, which is UTF-8, names it. Raises as ``path_bytes``."""
    try:
        return path_bytes(path, field).decode()
    except UnicodeDecodeError:
        raise InvalidInput(
            "E_IO", field, "a name that is no Unicode text; accepted: a file with another name"
        ) from None


def json_bytes(document: Mapping[str, Any], field: str) -> bytes:
    """A mapping as JSON text. What JSON cannot say is ``WrongType``; whether the rest is right, the core says."""
    try:
        return json.dumps(thawed(document), ensure_ascii=False, allow_nan=True, check_circular=True).encode()
    except (TypeError, ValueError, RecursionError):
        # The cause may hold the whole document; it is not shown.
        raise WrongType(
            "E_TYPE",
            field,
            "holds what JSON cannot say; accepted: dicts with text keys, lists, texts, numbers, truth values",
        ) from None


def write_file(path: str | os.PathLike[str], data: bytes, replace: bool) -> None:
    """Writes a new file, and takes the place of one only with ``replace``. Whatever goes wrong, nothing is half there.

    Raises ``InvalidInput``: ``E_IO``; ``WrongType``.
    """
    name = path_bytes(path, "output")
    replace = truth(replace, "replace")
    if not os.path.basename(name) or b"\0" in name:
        raise InvalidInput("E_IO", "output", "not a usable name; accepted: the name of a file")
    if os.path.lexists(name) and not replace:
        raise InvalidInput("E_IO", "output", "the file exists; accepted: another name, or replace=True")
    if os.path.lexists(name) and not os.path.isfile(name):
        raise InvalidInput("E_IO", "output", "exists and is not a regular file; accepted: the name of a file")
    name = os.path.realpath(name)
    new = os.path.join(os.path.dirname(name), b".ketpk-" + secrets.token_hex(8).encode())
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), "wb") as file:
            if os.path.exists(name):
                os.fchmod(file.fileno(), os.stat(name).st_mode & 0o7777)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(new, name)
        else:
            os.link(new, name)
    except FileExistsError:
        raise InvalidInput("E_IO", "output", "the file exists; accepted: another name, or replace=True") from None
    except OSError:
        raise InvalidInput("E_IO", "output", "cannot be written; accepted: a file in a writable folder") from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(new)
