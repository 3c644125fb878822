"""One customer over time: which group each committed run has put him in."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from model_store import NotFound
from model_store.storage.base import Storage
from pipeline.errors import WrongFile
from pipeline.runs.customers.index import Found, IndexKey, find, id_text
from pipeline.runs.history.entry import LedgerCluster, LedgerEntry

_AT_ONCE = 8
"""Runs that are asked at the same time: each is one request to S3."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one row of one run has put a customer."""

    entry: LedgerEntry
    """The run's."""
    found: Found

    @property
    def cluster(self) -> LedgerCluster:
        """The group."""
        ids = (each for each in self.entry["clusters"] if each["cluster"] == self.found.cluster)
        return next(ids)

    def to_dict(self) -> dict[str, Any]:
        """As the command and the API say it."""
        cluster = self.cluster
        return {
            "as_of": self.entry["as_of"],
            "cluster": cluster["cluster"],
            "cluster_name": cluster["cluster_name"],
            "churn_rate": cluster["training_churn_rate"],
            "risk": self.found.risk,
            "outlier": self.found.outlier,
            "churned": self.found.churned,
            "implausible": self.entry["drift"]["implausible"],
            "input": self.entry["input"],
            "run": self.entry["run"],
            "model_version": self.entry["model_version"],
        }


@dataclass(frozen=True, slots=True)
class Timeline:
    """A customer in all runs that have an index."""

    places: Sequence[Place]
    """The latest period first; of one period the latest commit."""
    searched: int
    """Runs that were asked."""
    without_index: Sequence[str]
    """Runs that have no index under the key."""


def timeline(
    files: Storage, entries: Iterable[LedgerEntry], key: IndexKey, customer: str
) -> Timeline:
    """Where each run has put a customer.

    Args:
        files: What lies below all results.
        entries: Those of the ledger.
        key: What ids were hashed with.
        customer: The id.

    Raises:
        WrongFile: An index is damaged.
        Temporary: One cannot be read now.
    """
    every = sorted(entries, key=lambda entry: (entry["as_of"], entry["committed"]), reverse=True)
    ask = partial(_ask, files, key, key.digest(id_text(customer) or ""))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(ask, every))
    asked = list(zip(every, answers, strict=True))
    places = [Place(entry, found) for entry, answer in asked for found in answer or ()]
    missing = [entry["run"] for entry, answer in asked if answer is None]
    return Timeline(places, len(every) - len(missing), missing)


def _ask(files: Storage, key: IndexKey, digest: bytes, entry: LedgerEntry) -> list[Found] | None:
    """What a run says of a customer; None where it has no index."""
    name = f"{entry['run']}/{key.file}"
    if not entry["rows_assigned"]:
        return []
    try:
        return find(partial(files.read_range, name), entry["rows_assigned"], digest)
    except NotFound:
        return None
    except ValueError as error:
        problem = "is damaged; delete it, and `customer-clusters customer --index` writes it again"
        raise WrongFile(name, problem) from error
