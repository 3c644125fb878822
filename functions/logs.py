"""One JSON object a line on standard output. No line ever holds a customer's values."""

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from model_store import CustomerClustersError
from pipeline.release import RELEASE

Log = Callable[[Mapping[str, Any]], object]

UVICORN = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": f"{__name__}.JsonFormatter"}},
    "handlers": {
        "out": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "stream": "ext://sys.stdout",
        }
    },
    "loggers": {"uvicorn": {"handlers": ["out"], "level": "INFO", "propagate": False}},
}
"""uvicorn's own messages in the same form."""


def write(fields: Mapping[str, Any]) -> None:
    """Write one line, at once."""
    line = _as_json({"time": time.time(), **fields, "release": RELEASE})
    try:
        sys.stdout.write(f"{line}\n")
    except UnicodeEncodeError:  # half a character, or an encoding that has few
        sys.stdout.write(f"{json.dumps(json.loads(line))}\n")
    sys.stdout.flush()


def cause(error: Exception) -> str | list[str]:
    """Our own errors name no customer's values; of others only the place is told."""
    return str(error) if isinstance(error, CustomerClustersError) else where(error)


def where(error: BaseException) -> list[str]:
    """The type of an error and the lines it passed, without its message: that may hold values."""
    frames = traceback.extract_tb(error.__traceback__)
    return [type(error).__name__, *(f"{f.filename}:{f.lineno} {f.name}" for f in frames)]


class JsonFormatter(logging.Formatter):
    """A record of the logging module as one such line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": record.created,
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[1]:
            line["error"] = where(record.exc_info[1])
        line["release"] = RELEASE
        return _as_json(line)


_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
"""A line; the encoder is made once."""
