"""The model that a process answers with now, and how it follows its alias."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from functions import logs
from functions.logs import Log
from model_store import Artifact, CustomerClustersError, Store, Temporary, open_store
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.published.loading import load_model

PATIENCE_SECONDS = 2.0
"""How long a call waits for the store before it answers with the model that is there."""


class NoLiveModel(Temporary):
    """Raised while no model can answer; it says why, and whether to try again is for the reason."""

    code = "model_unavailable"

    def __init__(self, store: str, why: str) -> None:
        self.store, self.why = store, why
        self.action, self.where, self.reason = "answer", self.store, why
        CustomerClustersError.__init__(self, f"no model of {store} can answer: {why}")


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """A model store that is not opened yet."""

    address: str
    open: Callable[[str], Store] = open_store

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A model in memory, verified; a request uses one from start to end."""

    artifact: Artifact
    model: ClusterModel
    version: str
    loaded_at: datetime
    made: dict[str, Any] = field(default_factory=dict)
    """What others made of this model, by a name of theirs; it goes when the model goes."""


class Companion(Protocol):
    """What is loaded beside a model, and followed with it."""

    def refresh(self, store: Store, loaded: LoadedModel) -> None:
        """Look whether it is another now; it never raises."""
        ...

    def unload(self) -> None:
        """Give its memory back."""
        ...


class LiveModel:
    """Holds the model that a reference means, and follows the reference when it moves.

    A server with a port follows it in a thread (`LiveModels.follow`), a function looks before it
    answers (`refresh_if_older`), and what must never use an older model asks each time (`latest`).
    """

    def __init__(
        self,
        store: Store | StoreAddress,
        reference: str,
        log: Log = logs.write,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is read yet.

        Args:
            store: The model store; one that is given by its address is opened with the first
                read, which tells what is wrong with it.
            reference: The alias or version that is followed.
            log: Where a model that is loaded is told, and one that cannot be.
            clock: What time it is.
        """
        self._store, self.reference, self._log, self._clock = store, reference, log, clock
        self.companion: Companion | None = None
        """What is refreshed after the model, and unloaded with it."""
        self.failure: str | None = None
        """Why the latest refresh failed; None when it did not."""
        self._loaded: LoadedModel | None = None
        self._other: LoadedModel | None = None
        self._refreshed_at = float("-inf")
        self._refreshing: threading.Thread | None = None

    @property
    def address(self) -> str:
        """Where the store is."""
        return str(self._store)

    @property
    def store(self) -> Store:
        """The store, which the first call opens."""
        if isinstance(self._store, StoreAddress):
            self._store = self._store.open(self._store.address)
        return self._store

    @property
    def loaded(self) -> LoadedModel | None:
        """The model that answers; None while there is none."""
        return self._loaded

    def current(self) -> LoadedModel:
        """The model that answers.

        Raises:
            NoLiveModel: There is none.
        """
        loaded = self._loaded
        if loaded is None:
            raise NoLiveModel(self.address, self.failure or "not read yet")
        return loaded

    def latest(self) -> LoadedModel:
        """The model that the reference means now; it is read when it is another than before.

        Raises:
            CustomerClustersError: It cannot be had; the model that answers stays.
        """
        version = self.store.resolve(self.reference)
        if self._loaded is None or self._loaded.version != version:
            self._loaded = loaded = load(self.store, self.reference)
            message = {"message": "model loaded", "model_version": loaded.version}
            self._log({"level": "info", **message})
        return self._loaded

    def of_version(self, version: str) -> LoadedModel:
        """The model of a version: the one that answers, or another, of which the last is kept.

        Raises:
            CustomerClustersError: It cannot be had.
        """
        for loaded in (self._loaded, self._other):
            if loaded is not None and loaded.version == version:
                return loaded
        self._other = loaded = load(self.store, version)
        return loaded

    def refresh(self) -> None:
        """Load the model that the reference means now, if it is another one.

        A failure keeps the model that answers, and is told by `failure`.
        """
        try:
            loaded = self.latest()
            self.failure = None
            if self.companion is not None:
                self.companion.refresh(self.store, loaded)
        except Exception as error:  # whatever a store holds, it must not end what follows it
            ours = isinstance(error, CustomerClustersError | OSError)
            why = str(error) if ours else f"an unexpected error ({type(error).__name__})"
            before, self.failure = self.failure, why
            if why != before:
                line = {"level": "error", "message": f"model not loaded: {why}"}
                self._log(line if ours else {**line, "error": logs.where(error)})
        finally:
            self._refreshed_at = self._clock()

    def refresh_if_older(
        self,
        seconds: float,
        *,
        wait_for_first: bool = False,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Refresh when the latest refresh is longer ago, in a thread of its own.

        For Lambda, where nothing runs between calls, and where a call may find the model of a
        snapshot that was taken months ago: of all clocks only that of the wall goes on there.

        Args:
            seconds: How old the latest refresh may be.
            wait_for_first: Whether to wait as long as it takes while there is no model at all.
            patience: How long to wait else.
        """
        if self._refreshing is None or not self._refreshing.is_alive():
            if self._loaded and abs(self._clock() - self._refreshed_at) < seconds:
                return
            self._refreshing = threading.Thread(
                target=self.refresh, name="model-refresh", daemon=True
            )
            self._refreshing.start()
        elif self._loaded:
            return  # an earlier call has waited for it
        endless = wait_for_first and self._loaded is None
        self._refreshing.join(None if endless else patience)

    def unload(self) -> None:
        """Give the model's memory back; the next refresh loads it again."""
        self._loaded = self._other = None
        if self.companion is not None:
            self.companion.unload()
        self._refreshed_at = float("-inf")


def load(store: Store, reference: str) -> LoadedModel:
    """Read the model of an alias or version, verified; it answers for its golden customers."""
    artifact = store.open(reference)
    return LoadedModel(artifact, load_model(artifact), artifact.version, datetime.now(UTC))
