"""The columns of a data set, and what a model expects of them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self, cast

from pipeline.errors import Problem, WrongFile, WrongRow
from pipeline.model.contract.declaration import read_document
from pipeline.model.contract.feature import MARKS, Feature, Value
from pipeline.model.contract.label import LEFT, Label

_LEFT_OUT = (*MARKS, "stand_in", "aliases")
"""Keys of a feature that are not written where they say nothing."""


@dataclass(frozen=True, slots=True)
class Contract:
    """The columns of a data set: features, id, churn label, and what must never be a feature."""

    name: str
    title: str
    features: tuple[Feature, ...]
    id_column: str | None = None
    label: Label | None = None
    never_features: tuple[str, ...] = ()
    id_aliases: tuple[str, ...] = ()
    """Other names under which files have the id column."""

    def __post_init__(self) -> None:
        taken = {self.id_column, *self.never_features, self.label and self.label.column}
        for feature in self.features:
            if feature.name in taken:
                raise WrongFile(f"contract {self.name}", f"{feature.name} cannot be a feature")
            taken.add(feature.name)  # nor be one twice

    def select(self, names: Sequence[str]) -> Self:
        """The contract of a model that reads only some features.

        Args:
            names: The features, in the order in which the model reads them.

        Raises:
            WrongFile: One of them is not declared.
        """
        known = {feature.name: feature for feature in self.features}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise WrongFile(
                f"contract {self.name}",
                f"declares no feature {', '.join(unknown)}; it declares {', '.join(known)}",
            )
        return replace(self, features=tuple(known[name] for name in names))

    def parse(self, customer: Mapping[str, object], *, typed: bool = False) -> dict[str, Value]:
        """The model's input for one customer.

        Args:
            customer: Values by the names of columns; those that are no features are ignored.
            typed: The source has types, so that text is no number.

        Returns:
            A value for each feature, by its name.

        Raises:
            WrongRow: A feature cannot be used; carries every problem.
        """
        parsed = {
            feature.name: (feature.parse_typed if typed else feature.parse)(
                customer.get(feature.name)
            )
            for feature in self.features
        }
        problems = [value for value in parsed.values() if isinstance(value, Problem)]
        if problems:
            raise WrongRow(problems)
        return cast(dict[str, Value], parsed)

    def with_aliases(self, aliases: Mapping[str, Sequence[str]]) -> Self:
        """The contract with these other names of its columns, and no others.

        Args:
            aliases: A column → its other names; columns that are not declared are left out.
        """
        features = tuple(replace(it, aliases=(*aliases.get(it.name, ()),)) for it in self.features)
        label = self.label
        if label is not None:
            label = replace(label, aliases=(*aliases.get(label.column, ()),))
        own = aliases.get(self.id_column or "", ())
        return replace(self, features=features, label=label, id_aliases=(*own,))

    def unmarked(self) -> Self:
        """The contract without marks, words and aliases: what it says of values, and no more."""
        none: dict[str, Any] = dict.fromkeys(MARKS)
        features = tuple(replace(it, **none) for it in self.features)
        label = self.label and replace(self.label, churned_word=LEFT)
        return replace(self, features=features, label=label).with_aliases({})

    @property
    def churned_word(self) -> str:
        """What people say of customers who churned; see `Label.churned_word`."""
        return LEFT if self.label is None else self.label.churned_word

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the contract names."""
        special = (self.id_column, self.label and self.label.column, *self.never_features)
        return (*(f.name for f in self.features), *(name for name in special if name))

    @property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """Each column that files may name otherwise → the other names."""
        declared = {feature.name: feature.aliases for feature in self.features}
        if self.id_column is not None:
            declared[self.id_column] = self.id_aliases
        if self.label is not None:
            declared[self.label.column] = self.label.aliases
        return {column: names for column, names in declared.items() if names}

    @property
    def ascii(self) -> bool:
        """Whether names and values are ASCII, so that text in any encoding shows them."""
        return json.dumps(self.to_dict(), ensure_ascii=False).isascii()

    @property
    def digest(self) -> str:
        """The sha256 of everything that is declared: the same contract has the same digest.

        A median that training has found is not declared, but that it is to be found.
        """
        document = self.to_dict()
        for feature in document["features"]:
            if "stand_in" in feature:
                feature["missing"] = None
        canonical = json.dumps(document, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Everything the contract says, as JSON can hold it; what says nothing new is left out."""
        document = asdict(self)
        for feature in document["features"]:
            for key in _LEFT_OUT:
                if feature[key] in (None, ()):
                    del feature[key]
        if self.label is not None and self.label.churned_word == LEFT:
            del document["label"]["churned_word"]
        if not self.id_aliases:
            del document["id_aliases"]
        if self.label is not None and not self.label.aliases:
            del document["label"]["aliases"]
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; ValueError, KeyError or TypeError when it is not that."""
        return cls(**read_document(document))
