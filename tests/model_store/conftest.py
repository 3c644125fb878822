"""The same tests over a folder and over S3."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from model_store import FolderStorage, S3Address, Storage, Store


@dataclass(frozen=True, slots=True)
class Backend:
    """A store, and a way to harm what is under it."""

    store: Store
    storage: Storage
    delete: Callable[[str], None]

    def damage(self, version: str, name: str, content: bytes) -> None:
        self.storage.replace(f"versions/{version}/{name}", content)

    def lose(self, version: str, name: str) -> None:
        self.delete(f"versions/{version}/{name}")


@pytest.fixture(params=["folder", "s3"])
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "folder":
        root: Path = request.getfixturevalue("tmp_path") / "store"
        folder = FolderStorage(root)
        return Backend(Store(folder), folder, lambda name: (root / name).unlink())
    from model_store.storage.s3 import S3Storage

    bucket = request.getfixturevalue("make_bucket")()
    s3 = S3Storage(request.getfixturevalue("s3"), S3Address(bucket, "models"))
    return Backend(Store(s3), s3, s3.delete)


@pytest.fixture
def store(backend: Backend) -> Store:
    return backend.store


@pytest.fixture
def storage(backend: Backend) -> Storage:
    return backend.storage
