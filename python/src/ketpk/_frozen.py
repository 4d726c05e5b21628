# SPDX-License-Identifier: Apache-2.0
"""JSON documents that cannot be changed by whoever looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, TypeVar

V = TypeVar("V")


def only_once(made: object, slot: str) -> None:
    """Raises ``AttributeError`` where somebody calls ``__init__`` of a value that is made already."""
    try:
        object.__getattribute__(made, slot)
    except AttributeError:
        return
    raise AttributeError("a value cannot be changed; make another one")


class Immutable:
    """A value: once it is made it does not change."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is a value and cannot be changed; make another one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is a value and cannot be changed; make another one")


class Frozen(Immutable, Mapping[str, V]):
    """A mapping that cannot be changed, and can be pickled."""

    __slots__ = ("_members",)
    _members: dict[str, V]

    def __init__(self, members: Mapping[str, V]) -> None:
        only_once(self, "_members")
        object.__setattr__(self, "_members", dict(members))

    def __getitem__(self, name: str) -> V:
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __hash__(self) -> int:
        return hash(frozenset(self._members.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._members,)

    def __repr__(self) -> str:
        return repr(self._members)


def frozen(document: Any) -> Any:
    """A read-only copy of a document: mappings and tuples all the way down."""
    if isinstance(document, dict):
        return Frozen({key: frozen(value) for key, value in document.items()})
    if isinstance(document, list):
        return tuple(frozen(value) for value in document)
    return document


def thawed(document: Any) -> Any:
    """A copy of a document, frozen or not, in plain dicts and lists."""
    if isinstance(document, Mapping):
        return {key: thawed(value) for key, value in document.items()}
    if isinstance(document, (list, tuple)):
        return [thawed(value) for value in document]
    return document
