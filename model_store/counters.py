"""Counters: whole numbers of a store that only grow, such as the highest cluster id ever given.

marks/<name>.json   {"highest": 7}

They outlive the versions that they come from, whoever removes those.
"""

import json

from model_store.errors import MALFORMED, Conflict, NotFound, WrongArtifact
from model_store.storage.base import Storage


class Counters:
    """The counters of a store, each moved by compare-and-swap."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def read(self, name: str) -> int:
        """The highest number on record; 0 where there is none.

        Raises:
            WrongArtifact: The counter's file is damaged.
        """
        return self._read(name)[0]

    def reserve(self, name: str, last: int, highest: int) -> None:
        """Take the numbers from `last` + 1 to `highest`.

        Raises:
            Conflict: One of them is somebody else's by now.
        """
        known, tag = self._read(name)
        if highest > last and known > last:
            raise Conflict(f"the number {last + 1} ({name})", str(self._storage))
        if highest <= known:
            return
        content = (json.dumps({"highest": highest}) + "\n").encode()
        if tag is None:
            self._storage.create(_path(name), content)
        else:
            self._storage.swap(_path(name), content, tag)

    def _read(self, name: str) -> tuple[int, str | None]:
        try:
            content, tag = self._storage.read_tagged(_path(name))
        except NotFound:
            return 0, None
        try:
            return int(json.loads(content)["highest"]), tag
        except MALFORMED as error:
            problem, remedy = "it is damaged", "restore that file from a backup"
            raise WrongArtifact(f"mark {_path(name)}", problem, remedy) from error


def _path(name: str) -> str:
    return f"marks/{name}.json"
