"""A prefix of an S3 bucket as storage. Imported for an s3:// address only, and botocore with it.

Endpoint, region and credentials come from where boto3 looks for them: AWS_ENDPOINT_URL_S3 and its
like, a profile, the role of the function.
"""

import weakref
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config

from model_store.errors import Conflict, Denied, NotFound
from model_store.storage.addresses import S3Address
from model_store.storage.s3_errors import translate_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ANY = "*"
_PART = 16 << 20
"""A larger file is written in parts of this size."""
_TYPES = {".csv": "text/csv", ".html": "text/html; charset=utf-8", ".json": "application/json"}


def connect(special: Config | None = None, endpoint: str | None = None) -> "S3Client":
    """A client of the S3 that the environment names, with time limits fit for a function.

    A server that is not AWS's is addressed as host/bucket, since bucket.host rarely resolves
    there; a profile may say otherwise.

    Args:
        special: What differs from the usual settings.
        endpoint: The address of the server; by default the environment's.

    Raises:
        Denied: The environment names no usable S3.
    """
    config = Config(
        connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4}
    ).merge(special or Config())
    try:
        with translate_errors("find", "S3", "the environment"):
            session = botocore.session.get_session()
            client = cast(
                "S3Client", session.create_client("s3", config=config, endpoint_url=endpoint)
            )
            profile = session.get_scoped_config()
    except ValueError as error:  # an endpoint that is no address
        raise Denied("find S3", "the environment", str(error)) from error
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    if "addressing_style" in profile.get("s3", {}) or ".amazonaws.com" in host:
        return client
    client.close()
    by_path = config.merge(Config(s3={"addressing_style": "path"}))
    made = session.create_client("s3", config=by_path, endpoint_url=endpoint)
    return cast("S3Client", made)


class S3Storage:
    """Named files below a prefix, as `base.Storage` describes them. A tag is an ETag."""

    def __init__(
        self, client: "S3Client", address: S3Address, owner: "S3Storage | None" = None
    ) -> None:
        """Storage at an address.

        Args:
            client: What asks S3.
            address: The bucket and the prefix.
            owner: The storage whose client it is, kept so that the client stays open.
        """
        self.client, self.address, self._owner = client, address, owner

    @classmethod
    def at(cls, address: S3Address) -> Self:
        """With a client of its own, whose connections end with this storage."""
        storage = cls(connect(), address)
        weakref.finalize(storage, storage.client.close)
        return storage

    def beside(self, address: S3Address) -> "S3Storage":
        """Storage elsewhere with the same client, which lives as long as either of them."""
        return S3Storage(self.client, address, owner=self)

    def __str__(self) -> str:
        return str(self.address)

    def read(self, name: str) -> bytes:
        """The content of a file; NotFound where there is none."""
        return self.read_tagged(name)[0]

    def read_tagged(self, name: str) -> tuple[bytes, str]:
        """The content of a file, and the ETag that `swap` takes."""
        with translate_errors("read", name, str(self)):
            answer = self.client.get_object(**self._at(name))
            with closing(answer["Body"]) as body:  # entering it gives what checks no length
                return body.read(), answer["ETag"]

    def read_range(self, name: str, start: int, length: int) -> bytes:
        """A part of a file, by one request; NotFound where there is none."""
        part = f"bytes={start}-{start + length - 1}"
        with translate_errors("read", name, str(self)):
            try:
                answer = self.client.get_object(**self._at(name), Range=part)
            except self.client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] == "InvalidRange":  # all of it is before
                    return b""
                raise
            with closing(answer["Body"]) as body:
                return body.read()

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return self.size(name) is not None

    def size(self, name: str) -> int | None:
        """The bytes of a file; None where there is none."""
        try:
            with translate_errors("read", name, str(self)):
                return self.client.head_object(**self._at(name))["ContentLength"]
        except NotFound:
            return None

    def create(self, name: str, content: bytes) -> str:
        """Write a file that must not exist yet and return its ETag; Conflict where it does."""
        return self._put(name, content, IfNoneMatch=ANY)

    def swap(self, name: str, content: bytes, tag: str) -> str:
        """Write in place of exactly the file that has the ETag, and return the new one.

        Conflict where it is another one by now, or gone.
        """
        try:
            return self._put(name, content, IfMatch=tag)
        except NotFound as error:
            raise Conflict(name, str(self)) from error

    def replace(self, name: str, content: bytes) -> None:
        """Write a file, in place of the one that may be there; readers see one or the other."""
        self._put(name, content)

    def upload(self, path: Path, name: str) -> None:
        """Write a local file of any size, in place of the one that may be there."""
        with translate_errors("write", name, str(self)), path.open("rb") as file:
            if path.stat().st_size <= _PART:
                self.client.put_object(**self._at(name), **_typed(name), Body=file)
                return
            from s3transfer.manager import TransferConfig, TransferManager  # for large ones only

            parts = TransferConfig(
                multipart_threshold=_PART, multipart_chunksize=_PART, max_request_concurrency=4
            )
            at = self._at(name)
            with TransferManager(self.client, parts) as manager:
                manager.upload(file, at["Bucket"], at["Key"], _typed(name)).result()

    def delete(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""
        with translate_errors("delete", name, str(self)):
            self.client.delete_object(**self._at(name))

    def names(self, folder: str = "") -> list[str]:
        """The names of the entries of a folder, sorted; none where there is no such folder."""
        prefix = self.address.below(folder).folder
        names: set[str] = set()
        with translate_errors("list", folder, str(self)):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.address.bucket, Prefix=prefix, Delimiter="/"
            )
            for page in pages:
                names.update(entry["Key"] for entry in page.get("Contents", []))
                names.update(entry["Prefix"] for entry in page.get("CommonPrefixes", []))
        return sorted({name.removeprefix(prefix).strip("/") for name in names} - {""})

    def times(self, folder: str = "", ending: str = "") -> dict[str, datetime]:
        """When each file below a folder was last written."""
        found: dict[str, datetime] = {}
        with translate_errors("list", folder, str(self)):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.address.bucket, Prefix=self.address.below(folder).folder
            )
            for page in pages:
                for entry in page.get("Contents", []):
                    name = entry["Key"].removeprefix(self.address.folder)
                    if name.endswith(ending):
                        found[name] = entry["LastModified"]
        return dict(sorted(found.items()))

    def delete_old_versions(self, below: str = "") -> int:
        """Remove for good what versioning keeps of files below a prefix but the latest of each.

        A file that was deleted goes with its marker. Returns how many versions there were.
        """
        prefix, removed = f"{self.address.folder}{below}", 0
        with translate_errors("delete old versions of", below, str(self)):
            pages = self.client.get_paginator("list_object_versions").paginate(
                Bucket=self.address.bucket, Prefix=prefix
            )
            for page in pages:
                old = [each for each in page.get("Versions", ()) if not each["IsLatest"]]
                marks = page.get("DeleteMarkers", ())
                for each in (*old, *marks):
                    self.client.delete_object(
                        Bucket=self.address.bucket, Key=each["Key"], VersionId=each["VersionId"]
                    )
                removed += len(old)
        return removed

    def _put(self, name: str, content: bytes, **condition: Any) -> str:
        with translate_errors("write", name, str(self)):
            answer = self.client.put_object(
                **self._at(name), **_typed(name), **condition, Body=content
            )
        return answer["ETag"]

    def _at(self, name: str) -> dict[str, Any]:
        return {"Bucket": self.address.bucket, "Key": f"{self.address.folder}{name}"}


def _typed(name: str) -> dict[str, Any]:
    """So that a browser shows a report instead of storing it."""
    return {"ContentType": _TYPES.get(Path(name).suffix, "application/octet-stream")}
