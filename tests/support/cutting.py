"""A connection that breaks at a call of one's choice, before or after the storage has done it."""

from collections.abc import Callable
from typing import TypeVar

from model_store import Files, Temporary

T = TypeVar("T")


class CutFiles:
    """Files over a connection that breaks for good at call `cut`, counted from 0."""

    def __init__(self, files: Files, cut: int, done: bool) -> None:
        self._files, self._cut, self._done = files, cut, done
        self.calls = 0

    def __str__(self) -> str:
        return str(self._files)

    def read(self, name: str) -> bytes:
        return self._call(lambda: self._files.read(name))

    def read_tagged(self, name: str) -> tuple[bytes, str]:
        return self._call(lambda: self._files.read_tagged(name))

    def list(self, folder: str) -> list[str]:
        return self._call(lambda: self._files.list(folder))

    def create(self, name: str, content: bytes) -> None:
        self._call(lambda: self._files.create(name, content))

    def swap(self, name: str, content: bytes, tag: str) -> str:
        return self._call(lambda: self._files.swap(name, content, tag))

    def replace(self, name: str, content: bytes) -> None:
        self._call(lambda: self._files.replace(name, content))

    def delete(self, name: str) -> None:
        self._call(lambda: self._files.delete(name))

    def _call(self, act: Callable[[], T]) -> T:
        self.calls += 1
        if self.calls - 1 < self._cut:
            return act()
        if self.calls - 1 == self._cut and self._done:
            act()
        raise Temporary("reach the storage", str(self), "cut")
