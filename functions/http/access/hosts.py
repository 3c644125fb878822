"""Under which names this server is asked, where not every name will do.

A page in a browser may have a name of its own lead to this machine, which its script then reads as
its own site (DNS rebinding). Who asks by an address, or as localhost, was led by no name.
"""

import re
from collections.abc import Sequence

from functions.http.access.credentials import Headers
from functions.http.problems import ProblemError

SETTING = "CUSTOMER_CLUSTERS_HOSTS"
HERE = "localhost"
_ADDRESS = re.compile(r"\[[0-9a-f:.%]+\]|\d+(\.\d+){3}")
_PORT = re.compile(r":\d*$")


class Hosts:
    """Knows the names."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)

    def check(self, headers: Headers) -> None:
        """ProblemError where a request is for another name; browsers always say for which."""
        host = _PORT.sub("", headers.get(b"host", b"").decode("latin-1").lower()).rstrip(".")
        if not host or host in self._names or _ADDRESS.fullmatch(host):
            return
        if host == HERE or host.endswith(f".{HERE}"):  # browsers look these up nowhere
            return
        raise ProblemError(403, f"this server is not asked under that name; see {SETTING}")
