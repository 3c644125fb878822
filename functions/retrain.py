"""AWS Lambda's handler for a schedule: train the champion's recipe on one object.

It makes a candidate and never promotes one. A failure for good is the answer; what may succeed
later is raised, so that Lambda tries again.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from functions import logs
from functions.aws.deadline import Deadline
from functions.aws.events import asks_for_notices
from functions.aws.metrics import FUNCTION, Measure, emf
from functions.logs import Log
from functions.notices import keep_candidate, logged, notices_from
from functions.settings import RetrainingSettings, Settings
from model_store import (
    CHAMPION,
    Conflict,
    CustomerClustersError,
    Store,
    Temporary,
    load_signer,
    open_store,
)
from model_store.extras import needs_extra
from model_store.storage.s3 import S3Storage
from model_store.storage.scratch import unfinished
from pipeline.errors import WrongFile
from pipeline.model.published.facts import facts_of
from pipeline.runs.notices import SILENT, Beside, Notices
from pipeline.runs.objects import ObjectRef, open_object, safe_name

if TYPE_CHECKING:
    from model_store.signing import Signer
    from pipeline.training import Budget

LambdaHandler = Callable[[Any, Any], dict[str, Any]]
WHO = "functions.retrain"
SPARE_SECONDS = 15.0
"""A training is stopped so long before Lambda would end the call, so that it can say so."""
DELIVERY_SECONDS = 30.0
"""With less time left nothing is sent: what waits is sent at the schedule's next call."""


class DeadlineSignal(BaseException):
    """Raised by SIGALRM wherever a training is; no Exception, so that no handler swallows it."""


@dataclass(slots=True)
class Retraining:
    """Retrains the champion of a store in S3."""

    settings: RetrainingSettings
    store: Store
    files: S3Storage
    """The storage of the same store."""
    signer: "Signer | None" = None
    budget: "Budget | None" = None
    log: Log = logs.write
    measure: Measure = field(default_factory=lambda: emf("retrain"))
    notices: Notices = SILENT

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer an invocation, whatever its event holds.

        Returns:
            The addresses, and either `status`, `version`, `champion` and what promotion says of
            it, or the status `failed` with `code` and `reason`. Nothing where a schedule asks for
            what waits to be told.

        Raises:
            Temporary, Conflict: It may succeed later.
        """
        if request_id := getattr(context, "aws_request_id", None):
            return replace(self, log=_named(str(request_id), self.log))._answer(event, context)
        return self._answer(event, context)

    def _answer(self, event: Any, context: Any) -> dict[str, Any]:
        addresses = {"data": str(self.settings.data), "store": str(self.store)}
        deadline = Deadline.of(context)
        if asks_for_notices(event):
            self.notices.deliver_quietly(Beside(self.files))
            return {}
        seconds = deadline.remaining() - SPARE_SECONDS
        try:
            with stopped(seconds):
                answer = addresses | self._retrain()
        except (Temporary, Conflict) as error:
            given_back = {"level": "warning", "message": "given back", **addresses}
            self.log({**given_back, "error": str(error)})
            raise
        except CustomerClustersError as error:
            answer = self._failed(addresses, error.code, str(error))
        except DeadlineSignal:
            most = f"not done in {max(seconds, 0):.0f} s: train on fewer customers, or on a machine"
            answer = self._failed(addresses, "too_slow", most)
        except Exception as error:
            crashed = {"level": "error", "message": "crashed", **addresses}
            self.log({**crashed, "error": logs.where(error)})
            raise
        else:
            self.measure({"Retrainings": 1, "GateObjections": len(answer["reasons"])})
            self.log({"level": "info", "message": "retrained", **answer})
            if deadline.remaining() >= DELIVERY_SECONDS:
                self.notices.deliver_quietly(Beside(self.files))
        return answer

    def _failed(self, addresses: dict[str, str], code: str, reason: str) -> dict[str, Any]:
        answer = {**addresses, "status": "failed", "code": code, "reason": reason}
        self.measure({"RetrainingsFailed": 1})
        self.log({"level": "error", "message": "not retrained", **answer})
        return answer

    def _retrain(self) -> dict[str, Any]:
        from pipeline.comparing import compare

        with needs_extra("retraining", "train"):
            from pipeline.training import retrain_champion
        self.store.check_signer(self.signer)
        self.store.open(CHAMPION)  # before the object is fetched
        with unfinished() as folder:
            path = self._fetched(folder)
            try:
                retrained = retrain_champion(
                    path, self.store, who=WHO, signer=self.signer, budget=self.budget
                )
            except WrongFile as error:
                raise error.about(self.settings.data) from error
        comparison = compare(retrained.champion, retrained.artifact)
        keep_candidate(self.notices, self.store, retrained, comparison)
        moved = comparison.crosswalk.moved_share if comparison.crosswalk else None
        return {
            "status": retrained.status,
            "version": retrained.artifact.version,
            "champion": retrained.champion.version,
            "sha256": facts_of(retrained.artifact)["training"]["sha256"],
            "moved_share": moved,
            "gate": "refuses" if comparison.objections else "passes",
            "reasons": list(comparison.objections),
        }

    def _fetched(self, folder: Path) -> Path:
        address = self.settings.data
        name = safe_name(address.key.rpartition("/")[2])
        ref, most = ObjectRef(address.bucket, address.key), self.settings.max_training_bytes
        with open_object(self.files.client, ref, name, most) as source:
            source.save(folder / name)
        return folder / name


@contextmanager
def stopped(seconds: float) -> Iterator[None]:
    """Raise DeadlineSignal inside when so many seconds have passed; in the main thread only."""
    if seconds == float("inf"):
        yield
        return

    def stop(*_: object) -> None:
        raise DeadlineSignal

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))  # 0 would be never
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _named(request_id: str, log: Log) -> Log:
    """A log whose lines have what Lambda calls the call."""
    return lambda line: log({**line, "request_id": request_id})


def _from_environment() -> LambdaHandler:
    settings = Settings.from_environment(os.environ)
    own = RetrainingSettings.from_environment(os.environ)
    signer = load_signer(settings.sign_key) if settings.sign_key else None
    store = open_store(settings.store, settings.trusted_keys)
    notices = notices_from(os.environ, logged(logs.write))
    measure = emf(os.environ.get(FUNCTION, "retrain"))
    files = S3Storage.at(own.store)
    return Retraining(own, store, files, signer, measure=measure, notices=notices)


def __getattr__(name: str) -> Any:
    if name == "handler":
        globals()["handler"] = made = _from_environment()
        return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
