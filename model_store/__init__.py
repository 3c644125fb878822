"""Versions and aliases of model artifacts. Knows files and digests, nothing about clustering."""

from pathlib import Path

from model_store.aliases import CANDIDATE, CHAMPION, PREVIOUS
from model_store.errors import (
    Conflict,
    CustomerClustersError,
    Denied,
    MissingExtra,
    NotFound,
    Temporary,
    WrongArtifact,
)
from model_store.extras import needs_extra
from model_store.history import Event, Reason
from model_store.manifest import FORMAT, FileRecord, Manifest
from model_store.storage.addresses import S3Address, WrongAddress
from model_store.storage.base import Files
from model_store.storage.folder import FolderFiles
from model_store.store import Artifact, Store
from model_store.trust import load_signer
from model_store.version import Version

BUNDLED = Path(__file__).parent / "artifacts"


def open_store(address: str | Path, trusted: tuple[str, ...] = ()) -> Store:
    """The store at a folder's path or an s3:// address; one that is not there yet is empty.

    With `trusted` public keys, versions that none of them signed are refused.
    """
    text = str(address)
    if text.startswith(S3Address.SCHEME):
        return Store(_in_s3(S3Address.from_string(text)), trusted)
    if "://" in text:
        raise NotFound(f"support for {text}", "this release: give a folder or s3://bucket/prefix")
    return Store(FolderFiles(Path(address)), trusted)


def _in_s3(address: S3Address) -> Files:
    with needs_extra(str(address), "aws"):
        from model_store.storage.s3 import S3Files  # boto3 is loaded for those who need it
    return S3Files.at(address)


__all__ = [
    "BUNDLED",
    "CANDIDATE",
    "CHAMPION",
    "FORMAT",
    "PREVIOUS",
    "Artifact",
    "Conflict",
    "CustomerClustersError",
    "Denied",
    "Event",
    "FileRecord",
    "Files",
    "FolderFiles",
    "Manifest",
    "MissingExtra",
    "NotFound",
    "Reason",
    "S3Address",
    "Store",
    "Temporary",
    "Version",
    "WrongAddress",
    "WrongArtifact",
    "load_signer",
    "open_store",
]
