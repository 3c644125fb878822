"""The document of a running server, and what it is read by."""

import hashlib
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live import serve
from tests.support.npm import node_modules

KEY = "correct horse"
OF_CUSTOMERS = (
    "speaks for this group",
    "customers of training are in it",
    "customer 1: Total_Trans_Ct: expected a whole number from 0 to 1,000,000",
    "422 invalid_customer",
)
"""What either client prints of a batch whose second customer is wrong."""
OF_A_FILE = ("rows are assigned", "fine: ", "Total_Trans_Ct")
"""What either client prints of the customers that ship."""


@pytest.fixture(scope="session")
def npm() -> Path:
    """Where npm's packages are."""
    return node_modules()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server that asks for a key."""
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    with serve({"CUSTOMER_CLUSTERS_API_KEYS": digest}) as address:
        yield address


@pytest.fixture(scope="session")
def document(server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document that the server gives."""
    request = urllib.request.Request(f"{server}/openapi.json", headers={"X-API-Key": KEY})
    with urllib.request.urlopen(request, timeout=30) as answer:
        described = json.load(answer)
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_text(json.dumps(described, indent=1))
    return path
