"""Files scored in parts by calls that are made one after the other, in any order."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from functions.aws.parts.fan_out import FanOut
from functions.aws.parts.queue import PartOrder
from model_store import BUNDLED
from pipeline.runs.parts.work import InThisProcess, PartWork
from tests.support.dropping import Context, Drop, queued


@dataclass
class Post:
    """A queue of parts, as a list."""

    messages: list[str] = field(default_factory=list)

    def send(self, orders: Sequence[PartOrder]) -> None:
        self.messages += [order.to_message() for order in orders]

    def take(self) -> list[str]:
        """The messages that wait, which wait no more."""
        taken, self.messages = self.messages, []
        return taken


@dataclass
class InPieces:
    """A function that scores files above 500 bytes in parts of 400."""

    drop: Drop
    post: Post = field(default_factory=Post)
    work: PartWork = field(default_factory=InThisProcess)

    @property
    def fan_out(self) -> FanOut:
        return FanOut(self.post, 500, str(BUNDLED), self.work, 400)

    def deliver(self, *events: Any, **changes: Any) -> list[str]:
        """Deliver events, or messages of parts; those that have to come again."""
        function = self.drop.function(**{"in_parts": self.fan_out, **changes})
        answer = function(queued(*events), Context())
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]

    def scored(self, event: Any) -> dict[str, bytes]:
        """All files of a run whose parts come in some order, a third of them twice."""
        assert self.deliver(event) == []
        while messages := self.post.take():
            again = messages[::3]
            random.Random(len(messages)).shuffle(messages)
            for message in messages + again:
                assert self.deliver(message) == []
        return self.drop.written()

    def whole(self, event: Any) -> dict[str, bytes]:
        """All files of the same run as one call makes them; they are removed again."""
        self.drop.deliver(event)
        written = self.drop.written()
        for name in [*written, *(f"_ledger/{n}" for n in self.drop.results.names("_ledger"))]:
            self.drop.results.delete(name)
        self.drop.lines.clear()
        return written


def assert_same(parts: Mapping[str, bytes], whole: Mapping[str, bytes]) -> None:
    """The same files, byte for byte; but for rows of Parquet, which lie in several."""
    if not any(name.endswith("/assigned.parquet") for name in whole):
        assert parts == whole
        return
    manifest, other = (_manifest(files) for files in (parts, whole))
    assert {**manifest, "bytes": None} == {**other, "bytes": None}
    several = ("manifest.json", "assigned.parquet")
    once = [name for name in whole if not name.endswith(several)]
    assert len(once) == 4
    for name in once:
        assert parts[name] == whole[name], name
    rows = [_table(parts[name]) for name in sorted(parts) if "/assigned." in name]
    (assigned,) = (_table(whole[name]) for name in whole if "/assigned." in name)
    assert len(rows) > 1
    assert pa.concat_tables(rows).equals(assigned, check_metadata=True)


def _table(content: bytes) -> pa.Table:
    return pq.read_table(pa.BufferReader(content))


def _manifest(files: Mapping[str, bytes]) -> dict[str, Any]:
    (content,) = (files[name] for name in files if name.endswith("/manifest.json"))
    found: dict[str, Any] = json.loads(content)
    return found
