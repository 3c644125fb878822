"""Servers to ask: one of a script, and the real one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

import customer_clusters as cc
from tests.support.answering import Answering, Script, answering

Scripted = Callable[..., Answering]
Connected = Callable[..., tuple[cc.Client, list[float]]]


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """Starts a server that gives these answers, in this order."""
    with ExitStack() as stack:

        def start(*script: Any) -> Answering:
            found: Script = iter(script)
            return stack.enter_context(answering(found))

        yield start


@pytest.fixture
def connected() -> Iterator[Connected]:
    """Makes a client that does not wait, and a list of how long it would have waited."""
    made: list[cc.Client] = []

    def connect(url: str, *arguments: Any, **named: Any) -> tuple[cc.Client, list[float]]:
        client, waits = cc.Client(url, *arguments, **named), list[float]()
        client._transport.sleep = waits.append
        made.append(client)
        return client, waits

    yield connect
    for client in made:
        client.close()
