"""Opening a store, or other storage, by its address: a folder's path or s3://bucket/prefix."""

import threading
from pathlib import Path

from model_store.errors import NotFound
from model_store.extras import needs_extra
from model_store.storage.addresses import S3Address
from model_store.storage.base import Storage
from model_store.storage.folder import FolderStorage
from model_store.store import Store

BUNDLED = Path(__file__).parent / "artifacts"
"""The store that ships with the product."""


def open_store(address: str | Path, trusted: tuple[str, ...] = ()) -> Store:
    """The model store at an address; one that is not there yet is empty.

    Args:
        address: A folder, or s3://bucket/prefix.
        trusted: Public keys. Where there are any, a version that none of them signed is refused.

    Raises:
        WrongAddress: an s3:// address that names no bucket.
        NotFound: an address of another kind.
        MissingExtra: an s3:// address, where the extra `aws` is not installed.
        Denied: the environment names no usable S3.
    """
    return Store(open_storage(address), trusted)


class StoreOpener:
    """Opens many stores; those in S3 share one client, of which each takes 13 MB."""

    def __init__(self, trusted: tuple[str, ...] = ()) -> None:
        """Open nothing yet.

        Args:
            trusted: Public keys, as `open_store` takes them, for all of the stores.
        """
        self._trusted = trusted
        self._in_s3: Storage | None = None
        self._lock = threading.Lock()

    def __call__(self, address: str) -> Store:
        """The model store at an address; `open_store` says what it raises."""
        if not address.startswith(S3Address.SCHEME):
            return open_store(address, self._trusted)
        parsed = S3Address.from_string(address)
        with self._lock:
            if self._in_s3 is None:
                self._in_s3 = _in_s3(parsed)
        return Store(_in_s3(parsed, self._in_s3), self._trusted)


def open_storage(address: str | Path) -> Storage:
    """The storage at an address, as `open_store` takes it; nothing is read or written yet."""
    text = str(address)
    if text.startswith(S3Address.SCHEME):
        return _in_s3(S3Address.from_string(text))
    if "://" in text:
        raise NotFound(f"support for {text}", "this release: give a folder or s3://bucket/prefix")
    return FolderStorage(Path(address))


def _in_s3(address: S3Address, beside: Storage | None = None) -> Storage:
    with needs_extra(str(address), "aws"):
        from model_store.storage.s3 import S3Storage  # boto3 is loaded for those who need it
    if isinstance(beside, S3Storage):
        return beside.beside(address)
    return S3Storage.at(address)
