"""A server that answers the clients of other protocols."""

from collections.abc import Iterator

import pytest

from tests.support.live import serve


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server on loopback, with the bundled champion."""
    with serve() as address:
        yield address
