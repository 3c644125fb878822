"""Who takes figures and spans; nobody, unless a setting names somebody."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from functions.telemetry.figures import FACTS, Figure

STOP_SECONDS = 3.0
"""How long a process waits at its end for a collector that does not answer."""
Attributes = Mapping[str, str | int | float | bool]
"""By their full names, such as `http.route`; never a customer's value."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model that answers, or that should."""

    name: str
    reference: str
    """The alias or version that is followed."""
    version: str | None
    """None while none is loaded."""
    loaded_at: float | None
    """In seconds since 1970."""
    failing: bool
    """Whether it cannot be loaded or exchanged now."""


Models = Callable[[], Sequence[ModelFacts]]


class Recorder(Protocol):
    """Keeps figures."""

    def record(self, figure: Figure, amount: float, labels: Mapping[str, str]) -> None:
        """Add to a figure, or to a distribution."""
        ...

    def watch(self, models: Models) -> None:
        """Ask for the models whenever the figures are read."""
        ...


class Span(Protocol):
    """Something that takes time, while it does."""

    traceparent: str
    """By which others go on with its trace; empty where there is none."""

    def tell(self, attributes: Attributes, name: str = "") -> None:
        """Say more of it; with a name, that is what it is called."""
        ...

    def fail(self, code: str) -> None:
        """Say that it has failed."""
        ...


class Tracer(Protocol):
    """Sends spans."""

    def span(
        self, name: str, attributes: Attributes, parent: Mapping[str, str] | None, server: bool
    ) -> AbstractContextManager[Span]:
        """A span for a `with`; spans inside are its children."""
        ...

    def carrier(self) -> dict[str, str]:
        """By which another thread goes on with the trace of now."""
        ...


class Sender(Protocol):
    """What sends by itself, now and then."""

    def flush(self) -> None:
        """Begin to send what waits."""
        ...

    def stop(self) -> None:
        """The same, and end."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait for what was begun, no longer than that."""
        ...


Exposition = Callable[[str], tuple[bytes, str]]
"""From a client's Accept to all figures and their content type."""


class NoSpan:
    """A span that nobody looks at."""

    traceparent = ""

    def tell(self, attributes: Attributes, name: str = "") -> None:
        """Nothing is said."""

    def fail(self, code: str) -> None:
        """Nothing is said."""


_NO_SPAN = NoSpan()


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Hands figures and spans to whoever takes them."""

    recorders: Sequence[Recorder] = ()
    tracer: Tracer | None = None
    senders: Sequence[Sender] = ()
    exposition: Exposition | None = None
    """Where figures are kept until somebody asks for them."""

    @property
    def active(self) -> bool:
        """Whether anybody takes anything."""
        return bool(self.recorders) or self.tracer is not None

    def record(self, figure: Figure, amount: float = 1, **labels: str) -> None:
        """Add to a figure.

        Args:
            figure: One of `figures`.
            amount: How much; of a distribution, the value.
            labels: All that the figure has.
        """
        for recorder in self.recorders:
            recorder.record(figure, amount, labels)

    def measure(self, figures: Mapping[str, float]) -> None:
        """Add figures by their names for CloudWatch."""
        if not self.recorders:
            return
        for name, amount in figures.items():
            if figure := FACTS.get(name):
                self.record(figure, amount)

    def watch(self, models: Models) -> None:
        """Tell of models whenever the figures are read."""
        for recorder in self.recorders:
            recorder.watch(models)

    @contextmanager
    def span(
        self,
        name: str,
        attributes: Attributes | None = None,
        *,
        parent: Mapping[str, str] | None = None,
        server: bool = False,
    ) -> Iterator[Span]:
        """What happens inside, as a span; an error that ends it fails it.

        Args:
            name: What is done, without anything of a customer.
            attributes: What is known at its beginning.
            parent: The headers `traceparent` and `tracestate` of what it belongs to; None: what
                is around it.
            server: Whether it answers somebody else's request.
        """
        if self.tracer is None:
            yield _NO_SPAN
            return
        with self.tracer.span(name, attributes or {}, parent, server) as span:
            try:
                yield span
            except Exception as error:
                span.fail(str(getattr(error, "code", "")) or type(error).__name__)
                raise

    def carrier(self) -> dict[str, str]:
        """What `span` takes as parent in another thread; empty where there is no span."""
        return {} if self.tracer is None else self.tracer.carrier()

    def flush(self, seconds: float) -> None:
        """Send what waits; where it cannot be sent, wait no longer than so many seconds."""
        for sender in self.senders:
            sender.flush()
        self._wait(seconds)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Send what waits, and end; wait no longer than so many seconds."""
        for sender in self.senders:
            sender.stop()
        self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for sender in self.senders:
            sender.wait(max(0.0, until - time.monotonic()))


SILENT = Telemetry()
"""Nobody takes anything."""
