"""A log that says of each file once what keeps it from being scored, however often it is tried."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from functions.logs import Log

_TROUBLE = ("warning", "error")
_MOST = 10_000


class SaidOnce:
    """Passes lines on, but none again that says the same of the same object as the one before."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._said: OrderedDict[str, str] = OrderedDict()

    def __call__(self, line: Mapping[str, Any]) -> None:
        """Take a line."""
        what = str(line.get("object", ""))
        text = f"{line.get('message')} {line.get('error')}"
        if line.get("level") not in _TROUBLE:
            self._said.pop(what, None)
        elif self._said.get(what) == text:
            return
        else:
            self._said[what] = text
            if len(self._said) > _MOST:
                self._said.popitem(last=False)
        self._log(line)
