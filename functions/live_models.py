"""The models that a process answers with, by their names; each is loaded when it is asked for."""

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from functions import logs
from functions.aws.metrics import Measure
from functions.live_challenger import LiveChallenger
from functions.live_model import LiveModel, LoadedModel, NoLiveModel, StoreAddress
from functions.logs import Log
from functions.settings import DEFAULT, Settings
from model_store import NotFound, StoreOpener
from pipeline.errors import shortened

FIRST_SECONDS = 10.0
"""How long a request waits for a model that is not loaded yet."""
AGAIN_SECONDS = 5.0
"""How long a store that gave no model is left alone; so long a client is told to wait."""


_EACH_SECONDS = 0.2
"""How long what follows all models waits for one store before it turns to the next."""


@dataclass(frozen=True, slots=True)
class _Loading:
    """A first load that is under way; who comes late waits for what is left of its time."""

    future: "Future[LoadedModel | None]"
    since: float = field(default_factory=time.monotonic)


class LiveModels:
    """Live models by name: one is the default, the others are loaded with their first request.

    So many are in memory at once; who was asked for longest ago makes room, but never the default.
    A store that does not answer keeps its own requests waiting, and nobody else's.
    """

    def __init__(
        self,
        models: Mapping[str, LiveModel],
        most_loaded: int = 100,
        log: Log = logs.write,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is loaded yet.

        Args:
            models: Name → live model, the default first.
            most_loaded: How many of them are in memory at once.
            log: Where it is told that a model made room.
            clock: What time it is.
        """
        self._models, self._most, self._log, self._clock = dict(models), most_loaded, log, clock
        self.names = tuple(self._models)
        """The names of all, the default's first."""
        self.default = self._models[self.names[0]]
        """The model that answers where no name is given."""
        self.refresh_seconds: float | None = None
        """Where nothing runs between requests: how long ago the latest look at a store may be."""
        self._used: OrderedDict[str, None] = OrderedDict()
        self._loading: dict[str, _Loading] = {}
        self._failed_at: dict[str, float] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    @classmethod
    def of(cls, live_model: LiveModel) -> Self:
        """One model alone."""
        return cls({DEFAULT: live_model})

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        log: Log = logs.write,
        measure: Measure = lambda figures: None,
    ) -> Self:
        """The models that settings name; their stores are opened when they are read.

        Args:
            settings: What names them, and the challenger that stands beside each.
            log: Where it is told what is loaded, and what cannot be.
            measure: Takes what is counted of look-ups that go to a challenger.
        """
        opener, models = StoreOpener(settings.trusted_keys), {}
        for model in settings.named_models:
            store, reference = StoreAddress(model.store, opener), model.reference or settings.model
            tell = naming(model.name, log) if settings.models else log
            models[model.name] = LiveModel(store, reference, tell)
            if settings.challenger and settings.challenger_share:
                models[model.name].companion = LiveChallenger(
                    settings.challenger, settings.challenger_share, tell, measure
                )
        return cls(models, settings.models_loaded, log)

    def named(self, name: str) -> LiveModel:
        """The live model of a name; it may not be loaded.

        Raises:
            NotFound: There is no such name; says which there are.
        """
        live_model = self._models.get(name)
        if live_model is None:
            raise NotFound(f"model {shortened(name)}", "this server", self.names)
        return live_model

    @staticmethod
    def challenger_of(live_model: LiveModel) -> LiveChallenger | None:
        """What answers a share of the look-ups beside a live model; None where nothing does."""
        companion = live_model.companion
        return companion if isinstance(companion, LiveChallenger) else None

    async def load(self, name: str) -> LoadedModel:
        """The model of a name, which is loaded now if it is not yet.

        Raises:
            NotFound: There is no such name.
            NoLiveModel: It cannot be had, or not in time.
        """
        live_model = self._use(name)
        loaded = live_model.loaded
        if loaded is not None and self.refresh_seconds is not None:
            await asyncio.to_thread(live_model.refresh_if_older, self.refresh_seconds)
            loaded = live_model.loaded
        return await self._first(name, live_model) if loaded is None else loaded

    def look(self, name: str, seconds: float) -> LiveModel:
        """The live model of a name, refreshed if its latest refresh is longer ago.

        For a function that has nobody else to answer: it waits for a store as long as that takes.

        Raises:
            NotFound: There is no such name.
        """
        live_model = self._use(name)
        live_model.refresh_if_older(seconds, wait_for_first=True)
        self._make_room()
        return live_model

    def follow(self, every_seconds: float) -> threading.Thread:
        """Refresh what is loaded for ever, in a thread of its own, off the path of requests."""

        def loop() -> None:
            while not self._stopped.wait(every_seconds):
                with suppress(Exception):  # of a log that cannot be written
                    self._refresh_all()

        thread = threading.Thread(target=loop, name="models-follower", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End the thread that follows."""
        self._stopped.set()

    def _use(self, name: str) -> LiveModel:
        live_model = self.named(name)
        with self._lock:
            self._used[name] = None
            self._used.move_to_end(name)
        return live_model

    def _refresh_all(self) -> None:
        """Each in a thread of its own, so that none waits for another's store for long."""
        for live_model in self._models.values():
            if live_model is self.default or live_model.loaded is not None:
                live_model.refresh_if_older(0, patience=_EACH_SECONDS)
        self._make_room()

    async def _first(self, name: str, live_model: LiveModel) -> LoadedModel:
        """A model that is not loaded; all who wait for it wait for one thread."""
        with self._lock:
            loading = self._loading.get(name)
            if loading is None and not self._failed_lately(name):
                loading = self._loading[name] = _Loading(self._start(name, live_model))
        if loading is None:
            return live_model.current()
        try:
            left = max(0.0, FIRST_SECONDS - (time.monotonic() - loading.since))
            loaded = await asyncio.wait_for(asyncio.wrap_future(loading.future), left)
        except TimeoutError:
            why = f"it has been loading for more than {FIRST_SECONDS:g} seconds"
            raise NoLiveModel(live_model.address, why) from None
        return loaded or live_model.current()

    def _failed_lately(self, name: str) -> bool:
        return self._clock() - self._failed_at.get(name, float("-inf")) < AGAIN_SECONDS

    def _start(self, name: str, live_model: LiveModel) -> "Future[LoadedModel | None]":
        loading: Future[LoadedModel | None] = Future()
        loading.set_running_or_notify_cancel()  # who gives up waiting does not end it for others

        def load() -> None:
            loaded = None
            try:
                live_model.refresh()
                loaded = live_model.loaded
                self._make_room()
            finally:
                with self._lock:
                    del self._loading[name]
                    if loaded is None:
                        self._failed_at[name] = self._clock()
                loading.set_result(loaded)

        threading.Thread(target=load, name="model-load", daemon=True).start()
        return loading

    def _make_room(self) -> None:
        """Unload who was asked for longest ago until no more are loaded than may be.

        The default and who was asked for last stay, however few that is.
        """
        with self._lock:
            used = [name for name in self._used if self._models[name] is not self.default]
            loaded = [name for name in used if self._models[name].loaded is not None]
            too_many = loaded[:-1][: max(0, len(loaded) + 1 - self._most)]
            for name in too_many:
                self._models[name].unload()
        for name in too_many:
            self._log({"level": "info", "message": "model unloaded", "model": name})


def naming(name: str, log: Log) -> Log:
    """A log whose lines say which model they are about."""
    return lambda line: log({**line, "model": name})
