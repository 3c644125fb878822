"""Versions and aliases of model artifacts. Knows files and digests, nothing about clustering."""

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
from model_store.history import Event, Reason
from model_store.manifest import FORMAT, FileRecord, Manifest
from model_store.open import BUNDLED, StoreOpener, open_storage, open_store
from model_store.storage.addresses import S3Address, WrongAddress
from model_store.storage.base import Storage
from model_store.storage.folder import FolderStorage
from model_store.store import Artifact, Store
from model_store.trust import load_signer
from model_store.version import Version

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
    "FolderStorage",
    "Manifest",
    "MissingExtra",
    "NotFound",
    "Reason",
    "S3Address",
    "Storage",
    "Store",
    "StoreOpener",
    "Temporary",
    "Version",
    "WrongAddress",
    "WrongArtifact",
    "load_signer",
    "needs_extra",
    "open_storage",
    "open_store",
]
