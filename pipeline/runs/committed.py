"""A committed run by its address, for those who read results: audiences and their like."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import cast

from model_store import FolderStorage, NotFound, S3Address
from model_store.errors import MALFORMED
from model_store.extras import needs_extra
from model_store.storage.base import Storage
from pipeline.errors import WrongFile
from pipeline.model.contract import Label
from pipeline.runs.store import FAILED, MANIFEST
from pipeline.scoring.documents import Manifest, Summary

_ASSIGNED = "assigned."
FORGOTTEN = "forgotten.json"
"""How many of a run's assigned rows are gone; its manifest stays as it was committed."""


@dataclass(frozen=True)
class CommittedRun:
    """What a run wrote, found by its manifest."""

    address: str
    """Its folder, or its prefix in S3."""
    manifest: Manifest
    files: Storage
    """What lies in its folder."""
    on_disk: Callable[[str], AbstractContextManager[Path]]
    """A file of the folder by its name, as a path of this machine for as long as it is used."""

    delete_old_versions: Callable[[str], int] = lambda below: 0
    """Removes for good what a bucket with versions keeps of its files whose names begin so; returns
    how many there were."""

    @property
    def assigned(self) -> list[str]:
        """The files of assigned rows, in the order of the rows."""
        return [name for name in self.manifest["bytes"] if name.startswith(_ASSIGNED)]

    @property
    def label(self) -> Label | None:
        """The churn label of the contract; None where there is none, or the run is of old."""
        given = self.manifest.get("label")
        if given is None:
            return None
        known = tuple(given["churned"]), tuple(given["stayed"])
        return Label(given["column"], *known, given["churned_word"])

    @property
    def implausible(self) -> tuple[str, ...]:
        """Features whose unit is probably another one than training's: its groups mean nothing."""
        return (*self.summary.get("drift", {}).get("implausible", ()),)

    @cached_property
    def forgotten(self) -> int:
        """How many assigned rows may have been removed since, as people asked to be forgotten."""
        try:
            content = self.files.read(FORGOTTEN)
        except NotFound:
            return 0
        return int(json.loads(content)["rows"])

    @cached_property
    def summary(self) -> Summary:
        """What the run says of its customers."""
        name = self.manifest["outputs"]["summary"].rpartition("/")[2]
        return cast(Summary, json.loads(self.files.read(name)))


def open_run(address: str) -> CommittedRun:
    """The committed run in a folder or below an address in S3.

    Args:
        address: The folder with `manifest.json`, or that file itself.

    Raises:
        NotFound: There is no run; names those below it.
        WrongFile: The run failed, or its manifest is damaged.
        WrongAddress: It begins with s3:// and names no bucket.
        MissingExtra: It is in S3, and boto3 is not installed.
    """
    address = address.removesuffix(f"/{MANIFEST}").rstrip("/") or "/"
    files, on_disk, delete_old_versions = open_folder(address)
    try:
        content = files.read(MANIFEST)
    except NotFound as error:
        raise _no_run(address, files) from error
    try:
        manifest: Manifest = json.loads(content)
        _check(manifest)
    except MALFORMED as error:
        raise WrongFile(f"{address}/{MANIFEST}", "is damaged; score the file again") from error
    return CommittedRun(address, manifest, files, on_disk, delete_old_versions)


@contextmanager
def file_at(address: str) -> Iterator[Path]:
    """A file by its path or its address in S3, as a path of this machine while it is used.

    What is wrong with it is told by its address.

    Raises:
        WrongFile: It is empty, or there is no such object.
        WrongAddress: It begins with s3:// and names no bucket.
        MissingExtra: It is in S3, and boto3 is not installed.
    """
    if address.startswith(S3Address.SCHEME) and not S3Address.from_string(address).key:
        raise WrongFile(address, "is no file; expected s3://bucket/name")
    folder, slash, name = address.rpartition("/")
    files, on_disk, _ = open_folder(folder or slash or ".")
    if files.size(name) == 0:
        raise WrongFile(address, "is empty; expected a header and a row for each customer")
    with on_disk(name) as path:
        try:
            yield path
        except WrongFile as error:
            if error.file != str(path):
                raise
            raise error.about(address) from error


OnDisk = Callable[[str], AbstractContextManager[Path]]
DeleteOldVersions = Callable[[str], int]


def open_folder(address: str) -> tuple[Storage, OnDisk, DeleteOldVersions]:
    """What is done to the files of a folder, or below an address in S3; see `CommittedRun`."""
    if not address.startswith(S3Address.SCHEME):
        root = Path(address)
        return FolderStorage(root), lambda name: _here(root / name), lambda below: 0
    where = S3Address.from_string(address)
    with needs_extra(address, "aws"):
        from pipeline.runs.s3 import S3Runs, fetched
    objects = S3Runs.at(where).files
    return objects, partial(fetched, objects), objects.delete_old_versions


@contextmanager
def _here(path: Path) -> Iterator[Path]:
    yield path


def another_unit(features: Sequence[str]) -> str:
    """What has to be known of a run before anybody acts on it, in words."""
    return (
        f"the unit of {', '.join(features)} is probably another one, such as cents: the groups "
        "mean nothing until the file is scored in the right one"
    )


def _no_run(address: str, files: Storage) -> Exception:
    """Why there is no run: it failed, or the address is that of something else."""
    names = files.names()
    if FAILED in names:
        reason = json.loads(files.read(FAILED)).get("reason", "")
        return WrongFile(address, f"is a run that failed and has no customers: {reason}")
    below = [name for name in names if files.exists(f"{name}/{MANIFEST}")]
    return NotFound("committed run (a folder with manifest.json)", address, below)


def _check(manifest: Manifest) -> None:
    """Raise one of MALFORMED unless everything is there that readers of a run ask for."""
    texts = (manifest["run"], manifest["model_version"], manifest["input"]["name"])
    sizes, columns = manifest["bytes"], manifest["columns"]
    known = {"cluster", "margin", "distance"} <= {*columns} and isinstance(sizes, dict)
    inside = all(".." not in name.split("/") for name in sizes)
    if not known or not inside or not all(isinstance(text, str) for text in texts):
        raise ValueError(MANIFEST)
    int(manifest["rows_assigned"])
