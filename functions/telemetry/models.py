"""What is told of the models that a process answers with."""

from datetime import datetime
from typing import Protocol

from functions.telemetry.telemetry import ModelFacts


class Loaded(Protocol):
    """A model in memory, as far as it is told of."""

    @property
    def version(self) -> str:
        """Its version."""
        ...

    @property
    def loaded_at(self) -> datetime:
        """Since when it is there."""
        ...


class Followed(Protocol):
    """A live model, as far as it is told of."""

    reference: str
    failure: str | None

    @property
    def loaded(self) -> Loaded | None:
        """The model that answers."""
        ...


def facts_of(name: str, model: Followed) -> ModelFacts:
    """What is known of a live model now.

    Args:
        name: By which it is asked for.
        model: The live model.
    """
    loaded = model.loaded
    return ModelFacts(
        name,
        model.reference,
        loaded.version if loaded else None,
        loaded.loaded_at.timestamp() if loaded else None,
        model.failure is not None,
    )
