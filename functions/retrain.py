"""AWS Lambda's handler for a schedule: train the champion's recipe on the data that lie ready.

It makes a candidate and never promotes one. What can never succeed is told and is done; what may
succeed later is raised, so that Lambda tries again.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from functions import logs
from functions.aws.deadline import Deadline
from functions.aws.metrics import Measure, emf
from functions.logs import Log
from functions.settings import RetrainingSettings, Settings
from model_store import (
    CANDIDATE,
    CHAMPION,
    Artifact,
    Conflict,
    CustomerClustersError,
    Reason,
    Store,
    Temporary,
    load_signer,
    open_store,
)
from model_store.extras import needs_extra
from model_store.storage.s3 import S3Storage
from model_store.storage.scratch import unfinished
from pipeline.errors import WrongFile
from pipeline.runs.objects import ObjectRef, open_object, safe_name

if TYPE_CHECKING:
    from model_store.signing import Signer
    from pipeline.training import Budget

LambdaHandler = Callable[[Any, Any], dict[str, Any]]
WHO = "functions.retrain"
SPARE_SECONDS = 15.0
"""So long before Lambda would end the call, it is stopped here, and says so."""


class TimeIsUp(BaseException):
    """Raised wherever a training is when its time ends; no error, that nobody takes it for one."""


@dataclass(slots=True)
class Retraining:
    """Retrains the champion of a store in S3."""

    settings: RetrainingSettings
    store: Store
    files: S3Storage
    """Of the same store."""
    signer: "Signer | None" = None
    budget: "Budget | None" = None
    log: Log = logs.write
    measure: Measure = emf

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer an invocation with what came of it; the event says nothing that matters."""
        told = {"data": str(self.settings.data), "store": str(self.store)}
        seconds = Deadline.of(context).remaining() - SPARE_SECONDS
        try:
            with stopped(seconds):
                answer = told | self._retrained()
        except (Temporary, Conflict) as error:
            self.log({"level": "warning", "message": "given back", **told, "error": str(error)})
            raise
        except CustomerClustersError as error:
            answer = self._failed(told, error.code, str(error))
        except TimeIsUp:
            most = f"not done in {max(seconds, 0):.0f} s: train on fewer customers, or on a machine"
            answer = self._failed(told, "too_slow", most)
        except Exception as error:
            self.log({"level": "error", "message": "crashed", **told, "error": logs.where(error)})
            raise
        else:
            self.measure({"Retrainings": 1, "GateObjections": len(answer["reasons"])})
            self.log({"level": "info", "message": "retrained", **answer})
        return answer

    def _failed(self, told: dict[str, str], code: str, reason: str) -> dict[str, Any]:
        answer = {**told, "status": "failed", "code": code, "reason": reason}
        self.measure({"RetrainingsFailed": 1})
        self.log({"level": "error", "message": "not retrained", **answer})
        return answer

    def _retrained(self) -> dict[str, Any]:
        from pipeline.comparing import compare

        self.store.check_signer(self.signer)
        champion = self.store.open(CHAMPION)
        with unfinished() as folder:
            path = self._fetched(folder)
            try:
                status, artifact = self._trained(path, champion)
            except WrongFile as error:
                raise error.about(self.settings.data) from error
        compared = compare(champion, artifact)
        moved = compared.crosswalk.moved_share if compared.crosswalk else None
        return {
            "status": status,
            "version": artifact.version,
            "champion": champion.version,
            "sha256": artifact.manifest.facts["training"]["sha256"],
            "moved_share": moved,
            "gate": "refuses" if compared.objections else "passes",
            "reasons": list(compared.objections),
        }

    def _fetched(self, folder: Path) -> Path:
        address = self.settings.data
        name = safe_name(address.key.rpartition("/")[2])
        ref, most = ObjectRef(address.bucket, address.key), self.settings.max_training_bytes
        with open_object(self.files.client, ref, name, most) as source:
            source.save(folder / name)
        return folder / name

    def _trained(self, path: Path, champion: Artifact) -> tuple[str, Artifact]:
        """What these data make of the champion, and whether that was there before."""
        with needs_extra("retraining", "train"):
            from pipeline import training
        known = training.trained_before(path, champion, self.store)
        if known is None:
            trained = training.retrain(path, self.store, None, lambda step: None, self.budget)
            artifact = training.publish(trained, self.store, CANDIDATE, WHO, self.signer)
            same = artifact.version == champion.version
            return "champion" if same else "candidate", artifact
        if known.version == champion.version:
            return "champion", known
        self._point_once(known)
        return "known", known

    def _point_once(self, artifact: Artifact) -> None:
        """Finish what a crash left; a candidate that people replaced does not come back."""
        moves = self.store.history()
        if not any(e.alias == CANDIDATE and e.new == artifact.version for e, done in moves if done):
            self.store.point(CANDIDATE, artifact.version, Reason(WHO, "found it published"))


@contextmanager
def stopped(seconds: float) -> Iterator[None]:
    """Raise TimeIsUp inside when so many seconds have passed; in a process's main thread only."""
    if seconds == float("inf"):
        yield
        return

    def stop(*_: object) -> None:
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))  # 0 would be never
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _from_environment() -> LambdaHandler:
    settings = Settings.from_environment(os.environ)
    own = RetrainingSettings.from_environment(os.environ)
    signer = load_signer(settings.sign_key) if settings.sign_key else None
    store = open_store(settings.store, settings.trusted_keys)
    return Retraining(own, store, S3Storage.at(own.store), signer)


def __getattr__(name: str) -> Any:
    if name == "handler":
        globals()["handler"] = made = _from_environment()
        return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
