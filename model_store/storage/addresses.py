"""Addresses such as s3://bucket/prefix, read without boto3."""

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from model_store.errors import CustomerClustersError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class WrongAddress(CustomerClustersError, ValueError):
    """Raised when a text should be an address in S3 and is not."""

    code = "wrong_address"

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"{text}: expected s3://bucket or s3://bucket/prefix")


@dataclass(frozen=True, slots=True)
class S3Address:
    """A bucket and what stands behind it: a key or a prefix, as it was written."""

    SCHEME: ClassVar[str] = "s3://"
    bucket: str
    key: str = ""

    @classmethod
    def from_string(cls, text: str) -> Self:
        """Read an address such as s3://bucket/prefix.

        Raises:
            WrongAddress: It names no bucket.
        """
        bucket, _, key = text.removeprefix(cls.SCHEME).partition("/")
        if not text.startswith(cls.SCHEME) or not _BUCKET.fullmatch(bucket):
            raise WrongAddress(text)
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"{self.SCHEME}{self.bucket}/{self.key}".rstrip("/")

    @property
    def folder(self) -> str:
        """The prefix of all keys below: nothing, or what ends in `/`."""
        inner = self.key.strip("/")
        return f"{inner}/" if inner else ""

    def below(self, name: str) -> Self:
        """The address of a folder in this one."""
        return type(self)(self.bucket, f"{self.folder}{name}")

    def overlaps(self, other: "S3Address") -> bool:
        """Whether one of both folders holds the other, or they are the same."""
        same_bucket = self.bucket == other.bucket
        nested = self.folder.startswith(other.folder) or other.folder.startswith(self.folder)
        return same_bucket and nested

    def holds(self, bucket: str, key: str) -> bool:
        """Whether an object lies in this folder."""
        return bucket == self.bucket and key.startswith(self.folder)
