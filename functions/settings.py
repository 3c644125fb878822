"""Settings from the environment. Nothing else reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from model_store import BUNDLED, CHAMPION


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the models are and which one answers."""

    store: str = str(BUNDLED)
    """CUSTOMER_CLUSTERS_STORE: the folder of a model store; the bundled one by default."""
    model: str = CHAMPION
    """CUSTOMER_CLUSTERS_MODEL: the alias or version that answers."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from a mapping such as os.environ."""
        return cls(
            store=environment.get("CUSTOMER_CLUSTERS_STORE") or cls().store,
            model=environment.get("CUSTOMER_CLUSTERS_MODEL") or cls().model,
        )
