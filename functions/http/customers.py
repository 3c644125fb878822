"""Which groups one customer was in, for machines: from the indexes of scored files."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, cast

from functions.http.problems import ProblemError
from functions.http.schemas import CustomerAnswer, PlaceAnswer
from model_store import open_storage
from pipeline.runs.customers.index import IndexKey
from pipeline.runs.customers.timeline import timeline
from pipeline.runs.history.ledger import read_ledger

if TYPE_CHECKING:
    from model_store import Storage
    from pipeline.runs.history.entry import LedgerEntry


class CustomerLookups:
    """Looks customers up in the runs below some results."""

    def __init__(
        self,
        results: str,
        key: IndexKey,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is read yet.

        Args:
            results: The folder or address of the results.
            key: What ids were hashed with.
            seconds: How long the list of runs is believed.
            clock: What time it is.
        """
        self._results, self._key, self._seconds, self._clock = results, key, seconds, clock
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._entries: Sequence[LedgerEntry] = ()

    async def look_up(self, customer: str) -> CustomerAnswer:
        """Where each run has put a customer, the latest period first.

        Raises:
            ProblemError: He is in none of them.
            CustomerClustersError: They cannot be read.
        """
        return await asyncio.to_thread(self._look_up, customer)

    def _look_up(self, customer: str) -> CustomerAnswer:
        found = timeline(self._files, self._runs(), self._key, customer)
        if not found.places:
            raise ProblemError(
                404,
                f"no customer with this id in {found.searched:,} runs; "
                f"{len(found.without_index):,} runs have no index under this key",
                code="unknown_customer",
            )
        return {
            "id": customer,
            "places": [cast(PlaceAnswer, place.to_dict()) for place in found.places],
            "runs_searched": found.searched,
            "runs_without_index": len(found.without_index),
        }

    @cached_property
    def _files(self) -> "Storage":
        return open_storage(self._results)

    def _runs(self) -> Sequence["LedgerEntry"]:
        with self._lock:
            if self._clock() - self._read_at > self._seconds:
                self._entries = read_ledger(self._files).entries
                self._read_at = self._clock()
            return self._entries
