"""What lies in a bucket and has no run yet, by listings: of what was dropped, and of the results.

No list of files is kept. An object is done where its results have the run that it would get now;
or one with another model or other options, which was over after it came, and tells of it.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from model_store import CustomerClustersError, NotFound, S3Address, Temporary
from model_store.storage.s3 import S3Storage
from model_store.storage.s3_errors import translate_errors
from pipeline.runs.inbox.ended_runs import EndedRun, ended_runs
from pipeline.runs.objects import ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_AT_ONCE = 8
"""So many documents are read at once."""
_PAGE = 1000
"""So many objects are listed at once, and kept in memory."""
_MOST_KNOWN = 200_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """An object that a listing has, and when it came."""

    ref: ObjectRef
    """With etag and size, as the listing has them; it knows no versions."""
    name: str
    """What its results are named after."""
    arrived: datetime

    @property
    def key(self) -> int:
        """What tells it from all others in this process; dropped again it is another."""
        return hash((self.ref.key, self.ref.etag, self.ref.size, self.arrived))


class Inbox:
    """What was dropped below an address, and has no results yet."""

    def __init__(
        self,
        address: S3Address,
        results: S3Storage,
        name_of: Callable[[ObjectRef], str | None],
        run_of: Callable[[ObjectRef], str | None],
    ) -> None:
        """Nothing is listed yet.

        Args:
            address: Where files are dropped.
            results: What lies below all results, with a client that reads the inbox too.
            name_of: What the results of an object are named after; None for what is no input.
            run_of: The id of the run that an object would get now; None where nobody knows it.
        """
        self.address, self._results = address, results
        self._name_of, self._run_of = name_of, run_of
        self._done: OrderedDict[int, None] = OrderedDict()
        """What needs no look; of more than fits here the results are asked again."""

    def done(self, arrival: Arrival) -> None:
        """Leave an object alone from now on."""
        self._done[arrival.key] = None
        if len(self._done) > _MOST_KNOWN:
            self._done.popitem(last=False)

    def waiting(self) -> Iterator[Arrival]:
        """What has no run, as the listing goes on.

        Raises:
            Temporary: The storage does not answer.
            NotFound: There is no such bucket.
            Denied: It may not be listed.
        """
        for page in self._pages():
            arrivals = [each for each in page if each.key not in self._done]
            ended = ended_runs(self._results, {each.name for each in arrivals})
            for arrival, has_run in zip(arrivals, self._have_runs(arrivals, ended), strict=True):
                if has_run:
                    self.done(arrival)
                else:
                    yield arrival

    def still_waits(self, arrival: Arrival) -> bool:
        """Whether no other worker has done an object since it was listed.

        Errors are as of `waiting`.
        """
        ended = ended_runs(self._results, {arrival.name})
        (has_run,) = self._have_runs([arrival], ended)
        return not has_run

    def _pages(self) -> Iterator[list[Arrival]]:
        bucket, more = self.address.bucket, dict[str, Any]()
        while True:
            with translate_errors("list", self.address.folder, f"{S3Address.SCHEME}{bucket}"):
                answer = self._client.list_objects_v2(
                    Bucket=bucket, Prefix=self.address.folder, MaxKeys=_PAGE, **more
                )
            yield [*self._arrivals(answer.get("Contents", []))]
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def _arrivals(self, entries: Sequence[Any]) -> Iterator[Arrival]:
        for entry in entries:
            etag = entry["ETag"].strip('"')
            ref = ObjectRef(self.address.bucket, entry["Key"], etag=etag, size=entry["Size"])
            name = self._name_of(ref)
            if name is not None:
                yield Arrival(ref, name, entry["LastModified"])

    def _have_runs(
        self, arrivals: Sequence[Arrival], ended: Mapping[str, Sequence[EndedRun]]
    ) -> Iterator[bool]:
        unread = [self._unread(each, ended.get(each.name, ())) for each in arrivals]
        if not any(unread):
            return iter([runs is None for runs in unread])
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return iter([*pool.map(self._has_run, arrivals, unread)])

    def _unread(self, arrival: Arrival, ended: Sequence[EndedRun]) -> list[EndedRun] | None:
        """The runs that have to be read to know; None where the id of one tells that it is done."""
        if ended:
            expected = self._run_of(arrival.ref)
            if any(run.id == expected for run in ended):
                return None
        return [run for run in ended if run.ended >= arrival.arrived]

    def _has_run(self, arrival: Arrival, unread: Sequence[EndedRun] | None) -> bool:
        return unread is None or any(self._tells_of(run, arrival) for run in unread)

    def _tells_of(self, run: EndedRun, arrival: Arrival) -> bool:
        """Whether a run was of this very object, by what it wrote of its input."""
        try:
            document = json.loads(self._results.read(run.document))
            identity = str(document["input"]["identity"])
        except (NotFound, ValueError, KeyError, TypeError):
            return False
        if identity == arrival.ref.identity:
            return True
        version = identity.removeprefix(f"{arrival.ref.address}?versionId=")
        return version != identity and version == self._version(arrival.ref)

    def _version(self, ref: ObjectRef) -> str | None:
        """Which version of an object is the latest: a listing does not say."""
        try:
            with translate_errors("read", ref.key, f"{S3Address.SCHEME}{ref.bucket}"):
                return self._client.head_object(Bucket=ref.bucket, Key=ref.key).get("VersionId")
        except Temporary:
            raise
        except CustomerClustersError:  # whoever reads it will say why not
            return None

    @property
    def _client(self) -> "S3Client":
        return self._results.client
