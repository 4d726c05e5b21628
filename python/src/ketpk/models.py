# SPDX-License-Identifier: Apache-2.0
"""The built-in models: every number with its source, and what is not known about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import _core
from ._errors import InvalidInput
from ._frozen import Immutable, frozen, thawed
from ._numbers import word

__all__ = ["Model", "list", "show"]


SCHEMA = "ketpk.model/1"


class Model(Immutable):
    """A model card, read-only. ``str(model)`` is the card for a terminal; a notebook shows it as a table.

    Attributes are the keys of ``ketpk.model/1``: ``id``, ``label``, ``citation``, ``doi``, ``site`` (where blood was
    drawn), ``analytes``, ``population``, ``domain``, ``uncertainties``, ``corroboration``, ``reference_weight``,
    ``parameters`` (each a mapping with name, value with unit, weight_exponent, source), ``effect_site``,
    ``metabolites``.
    """

    __slots__ = ("_document", "_text")
    _document: Mapping[str, Any]
    _text: str

    def __init__(self) -> None:
        raise TypeError("a model card comes from ketpk.models.show(id)")

    @classmethod
    def _of(cls, id: str) -> Model:
        return cls._from_text(_core.model_json(id))

    @classmethod
    def _from_text(cls, text: str) -> Model:
        made = object.__new__(cls)
        object.__setattr__(made, "_text", text)
        object.__setattr__(made, "_document", frozen(json.loads(text)))
        return made

    @property
    def id(self) -> str:
        """What ``model=`` is given, ``"kamp2020"`` for example."""
        return str(self._document["id"])

    @property
    def label(self) -> str:
        """The model in a few words."""
        return str(self._document["label"])

    @property
    def citation(self) -> str | None:
        """The paper; None where none is known."""
        value: str | None = self._document["citation"]
        return value

    @property
    def doi(self) -> str | None:
        """The paper's DOI, without a resolver in front; None where none is known."""
        value: str | None = self._document["doi"]
        return value

    @property
    def site(self) -> str:
        """Where blood was drawn: ``"arterial"``, ``"venous"`` or ``"not-stated"``."""
        return str(self._document["site"])

    @property
    def analytes(self) -> tuple[str, ...]:
        """What the model was built on: ``"racemic-ketamine"``, ``"s-ketamine"``, ``"r-ketamine"``."""
        return tuple(self._document["analytes"])

    @property
    def population(self) -> str:
        """Who the model was built on, as far as its source says."""
        return str(self._document["population"])

    @property
    def domain(self) -> Mapping[str, Any]:
        """For whom the source says that it holds: bounds with their units, and a text. Read-only."""
        value: Mapping[str, Any] = self._document["domain"]
        return value

    @property
    def uncertainties(self) -> tuple[str, ...]:
        """What is doubtful or not known, a sentence each. Read these first."""
        return tuple(self._document["uncertainties"])

    @property
    def corroboration(self) -> str | None:
        """Where the numbers were seen, and how well the places agree."""
        value: str | None = self._document["corroboration"]
        return value

    @property
    def reference_weight(self) -> str:
        """The body weight that parameters refer to, with its unit: ``"70 kg"``."""
        return str(self._document["reference_weight"])

    @property
    def parameters(self) -> tuple[Mapping[str, Any], ...]:
        """Each parameter: name, value with its unit, weight_exponent, source. Read-only."""
        return tuple(self._document["parameters"])

    @property
    def effect_site(self) -> Mapping[str, Any] | None:
        """The constant ke0 with its unit and source; None where there is no effect site."""
        value: Mapping[str, Any] | None = self._document.get("effect_site")
        return value

    @property
    def metabolites(self) -> tuple[Mapping[str, Any], ...]:
        """Each metabolite with its own parameters; empty where there are none. Read-only."""
        return tuple(self._document.get("metabolites", ()))

    def to_dict(self) -> dict[str, Any]:
        """The card as ``ketpk.model/1``, a copy."""
        return dict(thawed(self._document))

    def to_json(self) -> str:
        """The card as the text of ``ketpk.model/1``."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Model) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (SCHEMA, self._text)

    def __repr__(self) -> str:
        return f"<ketpk.Model {self.id}: {self.label}, {self.site} plasma>"

    def __str__(self) -> str:
        """The card for a terminal; of a card that another version pickled, its one line."""
        return _core.model_card(self.id) if self == Model._of(self.id) else repr(self)

    def _repr_html_(self) -> str:
        from . import _html

        return _html.model(self)


def _restored(schema: str, text: str) -> Model:
    """A pickled card. One of another schema is refused."""
    if schema != SCHEMA:
        raise InvalidInput("E_SCHEMA_VERSION", "schema", f"pickled by another version of ketpk; accepted: {SCHEMA}")
    return Model._from_text(text)


def show(id: str) -> Model:
    """The built-in card called ``id``.

    Raises:
        InvalidInput: ``E_MODEL_UNKNOWN`` for an id that is none, naming those there are.
        WrongType: for anything but a text.

    >>> import ketpk
    >>> ketpk.models.show("kamp2020")
    <ketpk.Model kamp2020: Kamp 2020 pooled, arterial, arterial plasma>
    """
    return Model._of(word(id, "model"))


def list() -> tuple[Model, ...]:
    """The cards of all built-in models.

    >>> import ketpk
    >>> [(card.id, card.site) for card in ketpk.models.list()][:3]
    [('kamp2020', 'arterial'), ('kamp2020-linear', 'arterial'), ('otto2021', 'venous')]
    """
    return tuple(Model._of(id) for id in _core.model_ids())
