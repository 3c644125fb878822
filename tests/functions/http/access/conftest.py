"""Keys of clients that may do different things."""

import hashlib
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

Clients = Callable[..., TestClient]


def entry(said: str, key: str) -> str:
    """An entry of the setting for a key."""
    return f"{said}={hashlib.sha256(key.encode()).hexdigest()}"


@pytest.fixture
def clients(client_for: Clients) -> TestClient:
    """An application with a client for each scope, and one that may ask three times a minute."""
    keys = [entry(f"of-{scope}:{scope}", scope) for scope in ("assign", "files", "customers")]
    keys += [entry("boss:admin", "admin"), entry("all", "all"), entry("slow:assign:3/min", "slow")]
    return client_for(api_keys=tuple(keys), results="nowhere", index_key="secret")
