# SPDX-License-Identifier: Apache-2.0
"""Models: every number with its source, and what is not known about it. Some are built in, any other is a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import _core
from ._errors import InvalidInput, WrongType
from ._files import json_bytes, path_bytes, session_path, write_file
from ._frozen import Immutable, frozen, thawed
from ._numbers import word

__all__ = ["Finding", "Model", "lint", "list", "read", "show"]


SCHEMA = "ketpk.card/1"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a model file.

    Attributes:
        severity: ``"error"``, the file cannot be used; ``"warning"``, a number that can hardly be meant; ``"note"``,
            what was not looked at.
        code: ``"E_MODEL_PARAM"`` for example; of a warning or a note ``"VOLUME"``, ``"HALF_LIFE"`` and the like.
        field: where it is, ``"model.parameters.CL.source"``.
        message: what is wrong and, of an error after a semicolon, what is accepted.
    """

    severity: str
    code: str
    field: str
    message: str


class Model(Immutable):
    """A model card, read-only. ``str(model)`` is the card for a terminal; a notebook shows it as a table.

    Attributes are the keys of ``ketpk.card/1``: ``id``, ``label``, ``citation``, ``doi``, ``site`` (where blood was
    drawn), ``analytes``, ``population``, ``domain``, ``uncertainties``, ``corroboration``, ``confidence``,
    ``not_for_use``, ``reference_weight``, ``parameters`` (each a mapping with name, value with unit, weight_exponent, source), ``effect_site``,
    ``metabolites``, ``effects``, ``absorption``, ``entries``, ``variability``, ``residual_error``, ``golden``,
    ``data_units``, and ``derived``, what follows from the parameters.
    """

    __slots__ = ("_built_in", "_document", "_file", "_text")
    _built_in: bool
    _document: Mapping[str, Any]
    _file: bytes
    _text: str

    def __init__(self) -> None:
        raise TypeError("a model card comes from ketpk.models.show(id) or ketpk.models.read(path)")

    @classmethod
    def _of(cls, id: str) -> Model:
        return cls._from_bytes(_core.model_file(id).encode(), True)

    @classmethod
    def _from_bytes(cls, data: bytes, built_in: bool) -> Model:
        return cls._made(_core.model_json(data), data, built_in)

    @classmethod
    def _made(cls, text: str, data: bytes, built_in: bool) -> Model:
        made = object.__new__(cls)
        members = (("_text", text), ("_file", data), ("_built_in", built_in), ("_document", frozen(json.loads(text))))
        for name, value in members:
            object.__setattr__(made, name, value)
        return made

    @property
    def id(self) -> str:
        """The name of the model, ``"kamp2020"`` for example. That of a built-in model is what ``model=`` is given."""
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
        """What the model was built on: ``"racemic-ketamine"``, ``"s-ketamine"``, ``"r-ketamine"``; empty for a model of
        another drug, which answers data files only."""
        return tuple(self._document["analytes"])

    @property
    def population(self) -> str:
        """Who the model was built on, as far as its source says."""
        return str(self._document["population"])

    @property
    def domain(self) -> Mapping[str, Any]:
        """For whom the source says that it holds: bounds with their units, a text, and ``only_for``, where there is
        one, a group that nothing stated of a patient can place him in. Read-only."""
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
    def confidence(self) -> str:
        """How far the numbers may be trusted to be those of the paper: ``"low"``, ``"medium-low"``, ``"medium"``,
        ``"medium-high"``, ``"high"``, or ``"not-stated"``. Not how well the model predicts."""
        return str(self._document["confidence"])

    @property
    def not_for_use(self) -> str | None:
        """Why the model is kept for comparison only and refused for every patient; None where it is not."""
        value: str | None = self._document.get("not_for_use")
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
        """Each metabolite with its own parameters and, where it is formed through transit compartments, its ``delay``;
        empty where there are none. Read-only."""
        return tuple(self._document.get("metabolites", ()))

    @property
    def effects(self) -> tuple[Mapping[str, Any], ...]:
        """Each effect as the card states it: name, the concentration it is ``of``, kind, numbers, unit, source; empty
        where there are none. Read-only."""
        return tuple(self._document.get("effects", ()))

    @property
    def absorption(self) -> tuple[Mapping[str, Any], ...]:
        """Each depot: name, the compartment it empties into, its ka with unit and source. Read-only."""
        return tuple(self._document.get("absorption", ()))

    @property
    def entries(self) -> Mapping[str, Any]:
        """By compartment: bioavailability ``F``, ``lag``, and the ``duration`` or ``rate`` of infusions that leave it
        to the model. Read-only; empty where the card says nothing of it."""
        value: Mapping[str, Any] = self._document.get("entries", frozen({}))
        return value

    @property
    def variability(self) -> Mapping[str, Any] | None:
        """The variance matrix of etas and the parameters they belong to; None where the card states none."""
        value: Mapping[str, Any] | None = self._document.get("variability")
        return value

    @property
    def residual_error(self) -> Mapping[str, Any] | None:
        """Variances of the residual error, with their source; None where the card states none."""
        value: Mapping[str, Any] | None = self._document.get("residual_error")
        return value

    @property
    def golden(self) -> tuple[Mapping[str, Any], ...]:
        """The values that the model must reproduce, each with its tolerance and source. Read-only."""
        return tuple(self._document.get("golden", ()))

    @property
    def data_units(self) -> Mapping[str, Any] | None:
        """The units and conventions in which data files are read with this card; None where it does not say."""
        value: Mapping[str, Any] | None = self._document.get("data_units")
        return value

    @property
    def derived(self) -> Mapping[str, Any] | None:
        """What follows from the parameters at the reference weight: ``lambda_per_min`` [1/min] and ``half_life_min``
        [min] from the fastest on, ``Vss_L`` [L], ``k10_per_min`` [1/min], ``CL_L_per_min`` [L/min]; no ``k10_per_min``
        where a liver eliminates. None where it cannot be said. Read-only."""
        value: Mapping[str, Any] | None = self._document.get("derived")
        if value is None:
            return None
        told: Mapping[str, Any] = frozen(
            {k: [*map(float, x)] if isinstance(x, tuple) else float(x) for k, x in value.items()}
        )
        return told

    def to_dict(self) -> dict[str, Any]:
        """The card as ``ketpk.card/1``, a copy."""
        return dict(thawed(self._document))

    def to_json(self) -> str:
        """The card as the text of ``ketpk.card/1``, the same bytes as ``ketpk models show --json`` writes."""
        return self._text

    def document(self) -> dict[str, Any]:
        """The model file that says what the card says, ``ketpk.model/1``, a copy: the start of a model of your own. It
        goes into ``model=``, ``ketpk.models.read`` and ``ketpk.models.lint`` as it is."""
        document: dict[str, Any] = json.loads(_core.written_model(self._file))
        return document

    def to_file(self, path: str | os.PathLike[str], *, replace: bool = False) -> None:
        """Writes the model file, ``ketpk.model/1``: the same bytes as ``ketpk models show --card`` writes.

        Args:
            path: of the file.
            replace: whether a file of that name may go.

        Raises:
            InvalidInput: ``E_IO`` where a file of that name exists, or it cannot be written.
            WrongType: for anything but a path.
        """
        write_file(path, _core.written_model(self._file).encode(), replace)

    def _held(self) -> tuple[bytes, bool]:
        """The file's bytes, and whether it is built in. Raises ``TypeError`` for an object that was never read."""
        try:
            return self._file, self._built_in
        except AttributeError:
            raise TypeError("this model was never read; use ketpk.models.show(id) or ketpk.models.read(path)") from None

    def _source(self) -> str | dict[str, Any]:
        """What a session says of it: an id, or a card."""
        data, built_in = Model._held(self)
        return str(self._document["id"]) if built_in else {"card": json.loads(data)}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        return self._text == other._text and self._source() == other._source()

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (SCHEMA, self._text, self._file, self._built_in)

    def __repr__(self) -> str:
        return f"<ketpk.Model {self.id}: {self.label}, {self.site} plasma>"

    def __str__(self) -> str:
        """The card for a terminal."""
        return _core.model_card(self._file)

    def _repr_html_(self) -> str:
        from . import _html

        return _html.model(self)


def _restored(schema: str, text: str, data: bytes, built_in: bool) -> Model:
    """A pickled card. One of another schema is refused."""
    if schema != SCHEMA:
        raise InvalidInput("E_SCHEMA_VERSION", "schema", f"pickled by another version of ketpk; accepted: {SCHEMA}")
    return Model._made(text, data, built_in)


ModelSource = str | os.PathLike[str] | Model | Mapping[str, Any]

_ACCEPTED = "accepted: the id of a built-in model, a model file or its document, ketpk.models.read(path)"


def _is_file(model: str | os.PathLike[str]) -> bool:
    """Whether a text names a file: what is no built-in id does if it has a dot or a slash in it, as for the command."""
    return not isinstance(model, str) or (model not in _core.model_ids() and ("." in model or "/" in model))


def session_model(model: object) -> object:
    """What a session says of ``model``. Raises ``InvalidInput``: ``E_IO`` for a name that no file can have."""
    if isinstance(model, Model):
        return Model._source(model)
    if isinstance(model, Mapping):
        return {"card": thawed(model)} if "schema" in model else thawed(model)
    if isinstance(model, os.PathLike) or (isinstance(model, str) and _is_file(word(model, "model"))):
        return {"file": session_path(model, "model")}
    return model


def model_bytes(model: object) -> tuple[bytes, bool]:
    """The file of a model, and whether it is a built-in one. Raises ``InvalidInput``, ``WrongType``."""
    if isinstance(model, Model):
        return Model._held(model)
    if isinstance(model, Mapping):
        if [*model] == ["card"] and isinstance(model["card"], Mapping):
            model = model["card"]
        elif [*model] == ["file"]:
            return _core.read_file(path_bytes(model["file"], "model"), "model"), False
        return json_bytes(model, "model"), False
    if isinstance(model, os.PathLike) or (isinstance(model, str) and _is_file(word(model, "model"))):
        return _core.read_file(path_bytes(model, "model"), "model"), False
    if isinstance(model, str):
        return _core.model_file(model).encode(), True
    raise WrongType("E_TYPE", "model", f"not a model; {_ACCEPTED}")


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


def read(source: str | os.PathLike[str] | Mapping[str, Any]) -> Model:
    """A model from a file or its document, ``ketpk.model/1``.

    Args:
        source: a path, or a dict as the file would hold it. A text without a dot or a slash in it is the id of a
            built-in model, as it is for ``model=``.

    Raises:
        InvalidInput: with the path of what is wrong, ``model.parameters.CL.value`` for example; ``E_IO`` for a file
            that cannot be read. ``lint`` finds everything, this the first.
        WrongType: for anything but a path or a mapping.
    """
    if isinstance(source, Model):
        raise WrongType("E_TYPE", "model", "a model that was read already; accepted: a path, or a dict")
    return Model._from_bytes(*model_bytes(source))


def lint(source: ModelSource) -> tuple[Finding, ...]:
    """Everything that is wrong, implausible or not checked in a model: dimensions, sources, whether it is complete,
    volumes and clearances against a body, half-lives, the variance matrix, and its golden values computed again. Empty
    if nothing was found; a model without errors can be used.

    Args:
        source: a path, a dict as the file would hold it, the id of a built-in model, or a ``Model``.

    Raises:
        InvalidInput: ``E_IO`` for a file that cannot be read, ``E_MODEL_UNKNOWN`` for an id that is none.
        WrongType: for anything else.
    """
    return tuple(Finding(*finding) for finding in _core.lint_model(model_bytes(source)[0]))


def list() -> tuple[Model, ...]:
    """The cards of all built-in models.

    >>> import ketpk
    >>> [(card.id, card.site) for card in ketpk.models.list()][:3]
    [('kamp2020', 'arterial'), ('kamp2020-linear', 'arterial'), ('otto2021', 'venous')]
    """
    return tuple(Model._of(id) for id in _core.model_ids())
