"""Versions and aliases of model artifacts. Knows files and digests, nothing about clustering."""

from pathlib import Path

from model_store.errors import (
    Conflict,
    CustomerClustersError,
    NotFound,
    Temporary,
    WrongArtifact,
)
from model_store.folder import FolderFiles
from model_store.manifest import FORMAT, FileRecord, Manifest
from model_store.store import CANDIDATE, CHAMPION, Artifact, Files, Store
from model_store.version import Version

BUNDLED = Path(__file__).parent / "artifacts"


def open_store(address: str | Path) -> Store:
    """The store at a folder's path; a folder that does not exist yet is an empty store."""
    if "://" in str(address):
        raise NotFound(f"support for the store address {address}", "this release: give a folder")
    return Store(FolderFiles(Path(address)))


__all__ = [
    "BUNDLED",
    "CANDIDATE",
    "CHAMPION",
    "FORMAT",
    "Artifact",
    "Conflict",
    "CustomerClustersError",
    "FileRecord",
    "Files",
    "FolderFiles",
    "Manifest",
    "NotFound",
    "Store",
    "Temporary",
    "Version",
    "WrongArtifact",
    "open_store",
]
