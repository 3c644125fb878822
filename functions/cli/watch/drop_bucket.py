"""A bucket of any S3-compatible server as a drop folder: the batch function, and no queue.

What a queue does there is done here: a listing finds what waits, a lease keeps two workers from
one file, and what may succeed later is tried again. Nothing is remembered that another process
could not find by listing the bucket and the results.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from functions import logs
from functions.aws.deadline import UNLIMITED, Deadline
from functions.aws.events import why_skipped as why_function_skips
from functions.aws.page_runs import PAGE
from functions.cli.watch.signals import ended_by_signals
from functions.logs import Log
from functions.s3 import Batch, result_name
from model_store import CustomerClustersError
from pipeline.reading.input_files import Entry, why_skipped
from pipeline.runs.inbox.arrivals import Arrival, Inbox
from pipeline.runs.inbox.leases import SECONDS, Leases
from pipeline.runs.objects import ObjectRef
from pipeline.scoring.spec import ScoringSpec

GRACE_SECONDS = 20.0
"""For the file that is being scored when this is told to stop; then it is given back."""
LONGEST_SECONDS = 900.0
"""What is tried again waits longer each time, but no longer than this."""
_AWAY_SECONDS = 60.0
"""The same for a bucket that does not answer."""
_DELIVERY_SECONDS = 60.0
_MOST_PUT_OFF = 10_000
_MOST_DOUBLINGS = 10
_PAGES = f"{PAGE}/"


@dataclass(slots=True)
class DropBucket:
    """Scores what is dropped into a bucket. Nothing in it is ever moved or changed."""

    batch: Batch
    log: Log = logs.write
    interval: float = 10.0
    """Seconds between two looks at a bucket in which nothing waited."""
    lease_seconds: float = SECONDS
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic
    _put_off: OrderedDict[int, tuple[int, float]] = field(default_factory=OrderedDict)
    """Arrivals that failed: how often, and when the next try is."""
    _specs: dict[str, ScoringSpec] = field(default_factory=dict)
    """What files are scored with, by the folder that names a model, during one look."""
    _away: int = 0
    """How often the bucket did not answer, one look after the other."""
    _stopped_at: float | None = None
    _next_delivery: float = 0.0
    _next_look: float = 0.0
    """When the next look at what somebody waits for is, while much else is scored."""
    _awaited: Inbox = field(init=False)
    _dropped: Inbox = field(init=False)
    _leases: Leases = field(init=False)

    def __post_init__(self) -> None:
        files, dropped = self.batch.runs.files, self.batch.settings.input
        self._awaited = Inbox(dropped.below(PAGE), files, self._name_of, self._run_of)
        self._dropped = Inbox(dropped, files, self._name_if_dropped, self._run_of)
        self._leases = Leases(files, self.lease_seconds)

    def watch(self) -> None:
        """Score for ever; SIGINT and SIGTERM end it after the file that is being scored."""
        with ended_by_signals(self.stop):
            self.log({"level": "info", "message": f"watching {self.batch.settings.input}/"})
            while not self.stop.is_set():
                self.look()
                self._deliver()
                self.stop.wait(self._pause())
        self.log({"level": "info", "message": "stopped"})

    def look(self) -> None:
        """Score what waits now; a bucket that does not answer is told once."""
        if not self._has_model():
            return
        self._specs.clear()
        try:
            self._look_at(self._awaited)
            for arrival in self._dropped.waiting():
                if self.clock() >= self._next_look:
                    self._look_at(self._awaited)
                if self.stop.is_set():
                    return
                self._score(arrival, self._dropped)
        except CustomerClustersError as error:
            self._is_away(error)
        else:
            self._is_back()

    def _look_at(self, inbox: Inbox) -> None:
        """Score what somebody waits for: it comes before all that does not."""
        for arrival in inbox.waiting():
            if self.stop.is_set():
                return
            self._score(arrival, inbox)
        self._next_look = self.clock() + self.interval

    def _score(self, arrival: Arrival, inbox: Inbox) -> None:
        if self._is_put_off(arrival):
            return
        with self._leases.held(arrival.ref.address) as is_held:
            if not is_held:
                return
            if not inbox.still_waits(arrival):
                inbox.done(arrival)
                return
            try:
                self.batch.score(arrival.ref, Deadline(self._remaining))
            except (
                Exception
            ):  # which is logged, and of one file, which must not keep others waiting
                self._put(arrival)
            else:
                self._put_off.pop(arrival.key, None)
                inbox.done(arrival)

    def _name_of(self, ref: ObjectRef) -> str | None:
        """What the results of an object are named after; None for what is no input."""
        settings = self.batch.settings
        if why_function_skips(ref, settings.input, settings.output):
            return None
        name = result_name(ref, settings)
        own = name.rpartition("/")[2] if name.startswith(_PAGES) else name  # ids may begin with _
        return None if why_skipped(Entry(own, ref.size or 0)) else name

    def _name_if_dropped(self, ref: ObjectRef) -> str | None:
        """The same; None too for what came by the page, or as a job, at which others look."""
        name = self._name_of(ref)
        return None if name is None or name.startswith(_PAGES) else name

    def _run_of(self, ref: ObjectRef) -> str | None:
        """The run that an object gets now, if there are no options beside it."""
        folder = ref.key.removeprefix(self.batch.settings.input.folder).partition("/")[0]
        models = self.batch.models
        name = folder if models is not None and folder in models.names else ""
        try:
            if name not in self._specs:
                self._specs[name] = self.batch.of(ref).spec()
        except CustomerClustersError:  # whoever scores it will say so
            return None
        return ref.identity and self._specs[name].run_id(ref.identity)

    def _has_model(self) -> bool:
        """Whether a model answers; the live model tells why none does."""
        live_model = self.batch.live_model
        live_model.refresh_if_older(self.batch.model_ttl_seconds, wait_for_first=True)
        return live_model.loaded is not None

    def _remaining(self) -> float:
        """The seconds that the file under way has; without end until this is told to stop."""
        if not self.stop.is_set():
            return UNLIMITED
        if self._stopped_at is None:
            self._stopped_at = self.clock()
        return self._stopped_at + GRACE_SECONDS - self.clock()

    def _put(self, arrival: Arrival) -> None:
        times = self._put_off.pop(arrival.key, (0, 0.0))[0] + 1
        wait = min(self.interval * 2 ** min(times, _MOST_DOUBLINGS), LONGEST_SECONDS)
        self._put_off[arrival.key] = (times, self.clock() + wait)
        if len(self._put_off) > _MOST_PUT_OFF:
            self._put_off.popitem(last=False)

    def _is_put_off(self, arrival: Arrival) -> bool:
        return self._put_off.get(arrival.key, (0, 0.0))[1] > self.clock()

    def _is_away(self, error: CustomerClustersError) -> None:
        if not self._away:
            message = "the bucket cannot be looked at; it is tried again"
            self.log({"level": "error", "message": message, "error": str(error)})
        self._away += 1

    def _is_back(self) -> None:
        if self._away:
            self.log({"level": "info", "message": "the bucket answers again"})
        self._away = 0

    def _pause(self) -> float:
        if not self._away:
            return self.interval
        return min(2.0 ** min(self._away - 1, _MOST_DOUBLINGS), _AWAY_SECONDS)

    def _deliver(self) -> None:
        """Send the notices that wait, once a minute."""
        if self.batch.notices.active and self.clock() >= self._next_delivery:
            self.batch.notices.deliver_quietly(self.batch.runs)
            self._next_delivery = self.clock() + _DELIVERY_SECONDS
