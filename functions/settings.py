"""Settings from the environment. Nothing else reads it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

from model_store import BUNDLED, CHAMPION, CustomerClustersError

_PREFIX = "CUSTOMER_CLUSTERS_"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
T = TypeVar("T")


class WrongSetting(CustomerClustersError, ValueError):
    """Raised when a variable of the environment cannot be used; its value is never shown."""

    def __init__(self, variable: str, expected: str) -> None:
        super().__init__(f"{variable}: expected {expected}")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the models are, which one answers, and what a server allows."""

    store: str = str(BUNDLED)
    """CUSTOMER_CLUSTERS_STORE: the folder of a model store; the bundled one by default."""
    model: str = CHAMPION
    """CUSTOMER_CLUSTERS_MODEL: the alias or version that answers."""
    model_ttl_seconds: float = 60.0
    """CUSTOMER_CLUSTERS_MODEL_TTL_SECONDS: how often a server looks where the alias points."""
    api_keys: tuple[str, ...] = ()
    """CUSTOMER_CLUSTERS_API_KEYS: SHA-256 of each key in hex, with commas; none: open to all."""
    max_body_bytes: int = 1_048_576
    """CUSTOMER_CLUSTERS_MAX_BODY_BYTES: a larger request is refused."""
    request_seconds: float = 10.0
    """CUSTOMER_CLUSTERS_REQUEST_SECONDS: how long a client may take to send its request."""
    root_path: str = ""
    """CUSTOMER_CLUSTERS_ROOT_PATH: the path under which a proxy shows the pages, e.g. /groups."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from a mapping such as os.environ; WrongSetting names what is off."""

        def read(name: str, parse: Callable[[str], T], default: T, expected: str) -> T:
            text = environment.get(_PREFIX + name, "").strip()
            try:
                return parse(text) if text else default
            except ValueError:
                raise WrongSetting(_PREFIX + name, expected) from None

        plain = cls()
        positive = "a number above zero"
        return cls(
            store=read("STORE", str, plain.store, "a folder"),
            model=read("MODEL", str, plain.model, "an alias or a version"),
            model_ttl_seconds=read(
                "MODEL_TTL_SECONDS", _positive, plain.model_ttl_seconds, positive
            ),
            api_keys=read(
                "API_KEYS", _hashes, (), "SHA-256 hashes (64 hex digits), separated by commas"
            ),
            max_body_bytes=read(
                "MAX_BODY_BYTES", _whole, plain.max_body_bytes, "a whole number above zero"
            ),
            request_seconds=read("REQUEST_SECONDS", _positive, plain.request_seconds, positive),
            root_path=read("ROOT_PATH", _path, "", "a path such as /groups"),
        )


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError
    return number


def _whole(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise ValueError
    return number


def _hashes(text: str) -> tuple[str, ...]:
    hashes = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if not hashes or not all(_SHA256.fullmatch(part) for part in hashes):
        raise ValueError
    return hashes


def _path(text: str) -> str:
    path = text.rstrip("/")
    if not _ROOT_PATH.fullmatch(path):
        raise ValueError
    return path
