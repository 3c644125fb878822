"""Files of the page in S3: a form takes one to the input bucket, its results come from the other.

It brings boto3: import it with the first page that needs it. Whoever knows the unguessable id of
an upload may look at its results; nothing else is ever looked for.
"""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.config import Config

from functions.aws.page_runs import DELETED, PAGE
from functions.settings import BatchSettings
from model_store.storage.s3 import S3Storage, connect
from model_store.storage.s3_errors import translate_errors
from pipeline.scoring.documents import Summary

UPLOAD_SECONDS = 1800
"""How long a form may be used."""
DOWNLOAD_SECONDS = 60
"""How long the address of a download holds; each click makes a new one."""
ANY_NAME = "${filename}"
"""What S3 replaces by the name that a client's form has."""
_ID = re.compile(r"[A-Za-z0-9_-]{32}")
_MANIFEST, _FAILED = "manifest.json", "failed.json"
_SIGNED = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
"""Addresses in the bucket's own region: the global one redirects, and a form is not sent twice."""


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where a browser sends a file, and the fields that go before it."""

    address: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """What became of an upload."""

    folder: str
    """Below the results."""
    document: dict[str, Any]
    """The manifest; of a file that cannot be scored, its failure."""
    failed: bool
    ended: datetime

    @property
    def name(self) -> str:
        """What the person called the file."""
        return str(self.document["input"]["name"]).split("/", 2)[-1]

    @property
    def reason(self) -> str:
        """Of a failure, without our address of the file."""
        if "problem" in self.document:
            return f"{self.name}: {self.document['problem']}"
        # what has no problem of its own, or was written before there were any
        address = re.compile(rf"s3://\S*?/{re.escape(self.document['input']['name'])}")
        return address.sub(lambda _: self.name, str(self.document["reason"]))


class BucketFiles:
    """The two buckets, as far as the page needs them: put below one folder, read below another."""

    def __init__(self, settings: BatchSettings, public_url: str = "") -> None:
        """Nothing is asked yet.

        Args:
            settings: Where they are.
            public_url: Where browsers reach the S3 server; empty: as this process does.
        """
        self.input, self.max_bytes = settings.input, settings.max_input_bytes
        self.results = S3Storage(connect(_SIGNED), settings.output.below("results"))
        self._public = connect(_SIGNED, public_url) if public_url else self.results.client
        """Signs addresses for browsers, and sends nothing itself."""

    @staticmethod
    def new_id() -> str:
        """An id that nobody can guess."""
        return secrets.token_urlsafe(24)

    def form(self, upload: str, landing: str | None = None, name: str = ANY_NAME) -> UploadForm:
        """A form that takes one file.

        Args:
            upload: The id of the upload.
            landing: Where S3 sends a browser afterwards; None for a program.
            name: What the file is to be called; by default as the client calls it.
        """
        redirect = {} if landing is None else {"success_action_redirect": landing}
        key = f"{self.input.folder}{PAGE}/{upload}/{name}"
        with translate_errors("sign", "a form", str(self.input)):
            post = self._public.generate_presigned_post(
                self.input.bucket,
                key,
                Fields=dict(redirect),
                Conditions=[
                    *([redirect] if redirect else []),
                    ["content-length-range", 1, self.max_bytes],
                ],
                ExpiresIn=UPLOAD_SECONDS,
            )
        return UploadForm(post["url"], post["fields"])

    @staticmethod
    def is_id(text: str) -> bool:
        """Whether a text has the form of an id, so that there may be results one day."""
        return _ID.fullmatch(text) is not None

    def find(self, upload: str) -> Run | None:
        """The newest run of an upload; None while there is none."""
        if not self.is_id(upload):
            return None
        entries = self.entries(upload)
        return None if entries is None else self.ended(entries)

    def entries(self, upload: str) -> list[Any] | None:
        """What lies below the results of an upload; None where somebody has deleted it."""
        root, entries = self.results.address, list[Any]()
        prefix = f"{root.folder}{PAGE}/{upload}/"
        with translate_errors("list", f"{PAGE}/{upload}", str(root)):
            pages = self.results.client.get_paginator("list_objects_v2").paginate(
                Bucket=root.bucket, Prefix=prefix
            )
            for page in pages:
                entries += page.get("Contents", [])
        deleted = any(entry["Key"] == f"{prefix}{DELETED}" for entry in entries)
        return None if deleted else entries

    def ended(self, entries: Sequence[Any]) -> Run | None:
        """The newest run among some entries; None where none has ended."""
        root = self.results.address
        ended = [
            entry for entry in entries if entry["Key"].endswith((f"/{_MANIFEST}", f"/{_FAILED}"))
        ]
        if not ended:
            return None
        last = max(ended, key=lambda entry: entry["LastModified"])
        latest = last["Key"]
        committed = f"{latest.rpartition('/')[0]}/{_MANIFEST}"  # which counts, whatever failed too
        newest = committed if committed in {entry["Key"] for entry in ended} else latest
        folder, _, name = newest.removeprefix(root.folder).rpartition("/")
        document = json.loads(self.results.read(f"{folder}/{name}"))
        return Run(folder, document, name == _FAILED, last["LastModified"])

    def summary(self, run: Run) -> Summary:
        """The summary that a run wrote."""
        summary: Summary = json.loads(self.results.read(run.document["outputs"]["summary"]))
        return summary

    def download(self, run: Run, name: str, disposition: str) -> str | None:
        """An address of S3 for one file of a run; None when there is none.

        Args:
            run: The run.
            name: The file's name.
            disposition: What S3 tells a browser to do with it.
        """
        outputs = {str(output).rpartition("/")[2] for output in run.document["outputs"].values()}
        if name not in {*outputs, _MANIFEST}:
            return None
        root = self.results.address
        with translate_errors("sign", name, str(root)):
            return self._public.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": root.bucket,
                    "Key": f"{root.folder}{run.folder}/{name}",
                    "ResponseContentDisposition": disposition,
                },
                ExpiresIn=DOWNLOAD_SECONDS,
            )

    def close(self) -> None:
        """Close the connections to S3."""
        self.results.client.close()
        self._public.close()
