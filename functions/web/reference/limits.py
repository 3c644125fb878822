"""What a request may be, and what is answered beyond."""

from dataclasses import dataclass

from functions.http.assign import MAX_BATCH, MAX_ID_LENGTH
from functions.http.content.bodies import DEEPEST
from functions.settings import Settings


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit, and the code of the problem beyond it."""

    of: str
    most: str
    code: str


def limits(settings: Settings, on_port: bool) -> list[Limit]:
    """Those of this server, by its settings; what stands before it has some of its own.

    Args:
        settings: The settings.
        on_port: Whether it listens on a port itself, and is not called by AWS Lambda.
    """
    return [
        Limit("A body, after unpacking", f"{settings.max_body_bytes:,} bytes", "too_large"),
        Limit("Customers of a batch", f"{MAX_BATCH:,}", "invalid_request"),
        Limit("Levels of arrays and objects in a body", f"{DEEPEST}", "invalid_json"),
        Limit("A customer’s id", f"{MAX_ID_LENGTH} characters", "invalid_customer"),
        Limit("Time for a body to arrive", f"{settings.request_seconds:g} seconds", "timeout"),
        *(_of_connections() if on_port else _of_lambda()),
        *_of_files(settings),
    ]


def _of_connections() -> list[Limit]:
    from functions.http.protocol import HEADER_BYTES, HEADER_SECONDS, PIPELINED  # brings uvicorn

    return [
        Limit("Headers, with the first line", f"{HEADER_BYTES:,} bytes", "headers_too_large"),
        Limit("Time for headers to arrive", f"{HEADER_SECONDS:g} seconds", "timeout"),
        Limit("Requests of a connection that wait", f"{PIPELINED}", "too_many_requests"),
    ]


def _of_lambda() -> list[Limit]:
    return [Limit("An answer, which AWS Lambda hands over", "6 MB", "too_large")]


def _of_files(settings: Settings) -> list[Limit]:
    if settings.buckets or not settings.max_upload_bytes:
        return []
    return [Limit("A file", f"{settings.max_upload_bytes:,} bytes", "too_large")]
