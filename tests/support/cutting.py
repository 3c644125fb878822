"""A connection that breaks at a call of one's choice, before or after the storage has done it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from model_store import Storage, Temporary

T = TypeVar("T")


class CutStorage:
    """A storage over a connection that breaks for good at call `cut`, counted from 0."""

    def __init__(self, storage: Storage, cut: int, done: bool) -> None:
        self._storage, self._cut, self._done = storage, cut, done
        self.calls = 0

    def __str__(self) -> str:
        return str(self._storage)

    def read(self, name: str) -> bytes:
        return self._call(lambda: self._storage.read(name))

    def read_tagged(self, name: str) -> tuple[bytes, str]:
        return self._call(lambda: self._storage.read_tagged(name))

    def names(self, folder: str = "") -> list[str]:
        return self._call(lambda: self._storage.names(folder))

    def times(self, folder: str = "", ending: str = "") -> dict[str, datetime]:
        return self._call(lambda: self._storage.times(folder, ending))

    def exists(self, name: str) -> bool:
        return self._call(lambda: self._storage.exists(name))

    def size(self, name: str) -> int | None:
        return self._call(lambda: self._storage.size(name))

    def create(self, name: str, content: bytes) -> str:
        return self._call(lambda: self._storage.create(name, content))

    def swap(self, name: str, content: bytes, tag: str) -> str:
        return self._call(lambda: self._storage.swap(name, content, tag))

    def replace(self, name: str, content: bytes) -> None:
        self._call(lambda: self._storage.replace(name, content))

    def upload(self, path: Path, name: str) -> None:
        self._call(lambda: self._storage.upload(path, name))

    def delete(self, name: str) -> None:
        self._call(lambda: self._storage.delete(name))

    def _call(self, act: Callable[[], T]) -> T:
        self.calls += 1
        if self.calls - 1 < self._cut:
            return act()
        if self.calls - 1 == self._cut and self._done:
            act()
        raise Temporary("reach the storage", str(self), "cut")
