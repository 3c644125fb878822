"""Sensitive traits, as the contract declares them: how far the clusters go along with each."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.training.clusters.characteristics import Characteristic, association
from pipeline.training.train import Trained


@dataclass(frozen=True, slots=True)
class Trait:
    """A column that the contract declares sensitive."""

    label: str
    association: float
    """Cramér's V with the clusters, 0 to 1; a number counts by its quarters."""
    read: bool
    """Whether the model reads it."""


@dataclass(frozen=True, slots=True)
class Fairness:
    """What is known of sensitive traits in a training file, and what nobody has declared."""

    traits: tuple[Trait, ...]
    """Those that the model reads first, then the strongest association first."""
    undeclared: tuple[str, ...]
    """Labels of the columns of which the contract does not say whether they are sensitive."""
    declared: bool
    """Whether the contract says so of any column; where it does not, nothing is cleared."""

    @property
    def read(self) -> tuple[Trait, ...]:
        """The sensitive traits that the model reads."""
        return tuple(trait for trait in self.traits if trait.read)


def fairness(trained: Trained, others: Sequence[Characteristic]) -> Fairness:
    """Measure the traits that the contract declares sensitive; no name of a column is guessed at.

    Args:
        trained: Whose clusters they are.
        others: The features that the model does not read, with their associations.
    """
    customers, labels = trained.customers, trained.fitted.labels
    own = customers.contract.features
    traits = [
        Trait(f.label, association(f, customers.features[f.name].to_numpy(), labels), True)
        for f in own
        if f.sensitive
    ] + [Trait(c.feature.label, c.association, False) for c in others if c.feature.sensitive]
    known = (*own, *customers.unread)
    return Fairness(
        tuple(sorted(traits, key=lambda trait: (not trait.read, -trait.association))),
        tuple(feature.label for feature in known if feature.sensitive is None),
        any(feature.sensitive is not None for feature in known),
    )
