"""The model that answers now, and how it is exchanged while it answers."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from functions import logs
from functions.http.schemas import Answers, ModelAnswer
from functions.logs import Log
from model_store import Artifact, CustomerClustersError, Store, Temporary
from pipeline.model.cluster_model import ClusterModel
from pipeline.model.loading import load_model

PATIENCE_SECONDS = 2.0
"""So long a call waits for a look at the store before it answers with the model that is there."""


class NoLiveModel(Temporary):
    """Raised while no model can answer; it says why, and whether to try again is for the reason."""

    code = "model_unavailable"

    def __init__(self, store: Store | str, why: str) -> None:
        self.store, self.why = str(store), why
        self.action, self.where, self.reason = "answer", self.store, why
        CustomerClustersError.__init__(self, f"no model of {store} can answer: {why}")


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory, verified and tested; a request uses one from start to end."""

    artifact: Artifact
    answers: Answers
    loaded_at: datetime

    @property
    def version(self) -> str:
        return self.answers.version

    @property
    def model(self) -> ClusterModel:
        return self.answers.model

    def document(self, reference: str) -> ModelAnswer:
        """What is known of the model, for machines."""
        facts = self.artifact.manifest.facts
        return {
            "version": self.version,
            "reference": reference,
            "created": self.artifact.manifest.version.published.isoformat(),
            "clusters": len(self.model.clusters),
            "metrics": dict(facts.get("metrics", {})),
            "recipe": dict(facts.get("recipe", {})),
            "contract": self.model.contract.to_dict(),
            "contract_sha256": self.answers.contract_sha256,
        }


class LiveModel:
    """Holds the model that a reference means, and follows the reference when it moves."""

    def __init__(
        self,
        store: Store,
        reference: str,
        log: Log = logs.write,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store, self.reference, self._log, self._clock = store, reference, log, clock
        self.failure: str | None = None
        """Why the latest look at the store failed; None when it did not."""
        self._loaded: LoadedModel | None = None
        self._looked = float("-inf")
        self._looking: threading.Thread | None = None
        self._stopped = threading.Event()

    @property
    def loaded(self) -> LoadedModel | None:
        return self._loaded

    def current(self) -> LoadedModel:
        """The model that answers; Temporary while there is none."""
        loaded = self._loaded
        if loaded is None:
            raise NoLiveModel(self.store, self.failure or "not read yet")
        return loaded

    def refresh(self) -> None:
        """Look where the reference points; load, test and swap when that is another version.

        A failure keeps the model that answers, and is told by `failure`.
        """
        try:
            version = self.store.resolve(self.reference)
            if self._loaded is None or self._loaded.version != version:
                self._loaded = loaded = load(self.store, self.reference)
                found = {"message": "model loaded", "model_version": loaded.version}
                self._log({"level": "info", **found})
            self.failure = None
        except Exception as error:  # whatever a store holds, it must not end what follows it
            ours = isinstance(error, CustomerClustersError | OSError)
            why = str(error) if ours else f"an unexpected error ({type(error).__name__})"
            before, self.failure = self.failure, why
            if why != before:
                line = {"level": "error", "message": f"model not loaded: {why}"}
                self._log(line if ours else {**line, "error": logs.where(error)})
        finally:
            self._looked = self._clock()

    def look(self, every_seconds: float) -> None:
        """Refresh when the latest look is longer ago, in a thread that is not waited for for ever.

        For Lambda, where nothing runs between calls, and where a call may find the model of a
        snapshot that was taken months ago: of all clocks only that of the wall goes on there.
        """
        if self._looking is None or not self._looking.is_alive():
            if self._loaded and abs(self._clock() - self._looked) < every_seconds:
                return
            self._looking = threading.Thread(target=self.refresh, name="model-look", daemon=True)
            self._looking.start()
        elif self._loaded:
            return  # an earlier call has waited for it
        self._looking.join(PATIENCE_SECONDS)

    def follow(self, every_seconds: float) -> threading.Thread:
        """Refresh for ever in a thread of its own, off the path of every request."""

        def loop() -> None:
            while not self._stopped.wait(every_seconds):
                with suppress(Exception):  # of a log that cannot be written
                    self.refresh()

        thread = threading.Thread(target=loop, name="model-follower", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End the thread that follows."""
        self._stopped.set()


def load(store: Store, reference: str) -> LoadedModel:
    """Read a version, verify its digest and let it answer for its golden customers."""
    artifact = store.open(reference)
    model = load_model(artifact)
    return LoadedModel(artifact, Answers(model, artifact.version), datetime.now(UTC))
