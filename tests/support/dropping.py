"""Buckets of a test's own, events about what is dropped there, and the function that answers."""

import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from functions.aws.events import object_refs
from functions.live_model import LiveModel
from functions.s3 import Batch, result_name
from functions.settings import BatchSettings
from model_store import NotFound, S3Address
from model_store.storage.s3 import S3Storage
from pipeline.runs.history.entry import LEDGER, LedgerEntry
from pipeline.runs.history.ledger import read_ledger
from pipeline.runs.notices import SILENT, Notices
from pipeline.runs.s3 import S3Runs
from pipeline.scoring.spec import ScoringSpec
from tests.support.paths import EVENTS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HEADER = "CLIENTNUM,Note,Total_Revolving_Bal,Total_Trans_Amt,Total_Trans_Ct\n"


def customers(rows: int = 40, *, wrong: int = 1) -> bytes:
    """A small file, of which the last rows have no number where one is needed."""
    good = (f"{n:06d},n° {n},{n * 60},{1000 + n * 90},{20 + n}\n" for n in range(rows - wrong))
    bad = (f"{n:06d},?,1,many,2\n" for n in range(wrong))
    return (HEADER + "".join(good) + "".join(bad)).encode()


def golden(name: str) -> Any:
    """An event as AWS documents it."""
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


def queued(*bodies: Any) -> dict[str, Any]:
    """Events as one batch of a queue; the messages are named m0, m1 and so on."""
    (pattern, *_) = golden("sqs_eventbridge")["Records"]
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {"Records": [{**pattern, "messageId": f"m{n}", "body": t} for n, t in enumerate(texts)]}


@dataclass(slots=True)
class Context:
    """What Lambda tells of an invocation."""

    millis: float = 900_000
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> float:
        return self.millis


@dataclass(slots=True)
class Waning(Context):
    """An invocation whose time runs out after some looks at it."""

    looks: int = 3

    def get_remaining_time_in_millis(self) -> float:
        self.looks -= 1
        return self.millis if self.looks >= 0 else 5_000


@dataclass(slots=True)
class Drop:
    """A bucket for input, one for output, and the function between them."""

    s3: "S3Client"
    settings: BatchSettings
    live_model: LiveModel
    lines: list[Any] = field(default_factory=list)
    figures: list[Mapping[str, float]] = field(default_factory=list)
    notices: Notices = SILENT

    def put(self, key: str, content: bytes | None = None) -> dict[str, Any]:
        """Drop a file; the event that S3 sends for it."""
        content = customers() if content is None else content
        answer = self.s3.put_object(Bucket=self.settings.input.bucket, Key=key, Body=content)
        told: dict[str, Any] = {"key": quote_plus(key, safe="/"), "size": len(content)}
        told |= {"eTag": answer["ETag"].strip('"'), "sequencer": uuid.uuid1().hex[:18]}
        if "VersionId" in answer:
            told["versionId"] = answer["VersionId"]
        return {"Records": [self.record(told)]}

    def told(self, key: str) -> dict[str, Any]:
        """The event of an object that lies in the bucket."""
        head = self.s3.head_object(Bucket=self.settings.input.bucket, Key=key)
        told = {"key": quote_plus(key, safe="/"), "size": head["ContentLength"]}
        return {"Records": [self.record({**told, "eTag": head["ETag"].strip('"')})]}

    def arrived(self, name: str) -> dict[str, Any]:
        """The event of the one file that lies in the bucket, which a form has put there."""
        (entry,) = self.s3.list_objects_v2(Bucket=self.settings.input.bucket)["Contents"]
        assert entry["Key"].endswith(f"/{name}")  # S3 writes the file's name into the key
        told = {"key": quote_plus(entry["Key"], safe="/"), "size": entry["Size"]}
        return {"Records": [self.record({**told, "eTag": entry["ETag"].strip('"')})]}

    def record(self, told: Mapping[str, Any], name: str = "ObjectCreated:Put") -> dict[str, Any]:
        """A record of the golden event, about another object."""
        (pattern,) = golden("s3_put")["Records"]
        bucket = {**pattern["s3"]["bucket"], "name": self.settings.input.bucket}
        return {
            **pattern,
            "eventName": name,
            "s3": {**pattern["s3"], "bucket": bucket, "object": told},
        }

    @property
    def results(self) -> S3Storage:
        return S3Storage(self.s3, self.settings.output.below("results"))

    def function(self, results: S3Storage | None = None, **changes: Any) -> Batch:
        """The handler, as a process that was just started has it.

        `changes` are of its settings where these have such a field, else of the handler.
        """
        known = {field.name for field in fields(BatchSettings)}
        settings = {name: changes.pop(name) for name in list(changes) if name in known}
        return Batch(
            replace(self.settings, **settings),
            S3Runs(results or self.results),
            self.live_model,
            log=self.lines.append,
            measure=self.figures.append,
            **{"notices": self.notices, **changes},
        )

    def run_of(self, event: Any) -> str:
        """Where the results for an event's object belong."""
        (ref, *_) = object_refs(event)
        name, loaded = result_name(ref, self.settings), self.live_model.current()
        assert ref.identity is not None
        return f"{name}/{ScoringSpec(loaded.model, loaded.version).run_id(ref.identity)}"

    def deliver(self, event: Any, context: Any = None) -> dict[str, Any]:
        return self.function()(event, context or Context())

    def written(self, output: S3Address | None = None) -> dict[str, bytes]:
        """Every file of all runs."""
        files = self._files(output or self.settings.output)
        return {name: files[name] for name in files if not name.startswith(f"{LEDGER}/")}

    def ledger(self) -> list[LedgerEntry]:
        """Every entry of the ledger."""
        return read_ledger(self.results).entries

    def documents(self, name: str) -> list[dict[str, Any]]:
        """Every manifest.json or failed.json."""
        found = self._files(self.settings.output)
        return [json.loads(found[key]) for key in found if key.endswith(f"/{name}")]

    def _files(self, place: S3Address) -> dict[str, bytes]:
        results, found = S3Storage(self.s3, S3Address(place.bucket)), {}
        root = place.below("results").folder
        pages = self.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=place.bucket, Prefix=root):
            for key in (entry["Key"] for entry in page.get("Contents", [])):
                with suppress(NotFound):  # a call that was killed had asked for its removal
                    found[key.removeprefix(root)] = results.read(key)
        return found

    def said(self) -> list[str]:
        return [line["message"] for line in self.lines]


def is_whole(written: Mapping[str, bytes]) -> bool:
    """Whether the one run that is there has the files that its manifest tells of."""
    (manifest,) = (name for name in written if name.endswith("/manifest.json"))
    folder = manifest.removesuffix("manifest.json")
    told = json.loads(written[manifest])["bytes"]
    found = {name.removeprefix(folder): len(content) for name, content in written.items()}
    found.pop("manifest.json")
    return bool(told) and found == told
