"""Which inputs have a run that is over, by a listing of the results: nothing is read."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from model_store.storage.s3 import S3Storage
from model_store.storage.s3_errors import translate_errors
from pipeline.runs.store import FAILED, MANIFEST


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that was committed, or failed for good."""

    id: str
    document: str
    """The name of its manifest or failure, below all results."""
    ended: datetime


def ended_runs(results: S3Storage, names: Collection[str]) -> Mapping[str, list[EndedRun]]:
    """The runs of some inputs that are over.

    One listing goes over the results and leaps from each page to the next input that it did not
    show: there are never more requests than inputs, and far less where these lie close together.
    What a server lists in another order than S3's may be left out.

    Args:
        results: What lies below all results.
        names: What the results of the inputs are named after.
    """
    found: dict[str, list[EndedRun]] = defaultdict(list)
    root = results.address
    prefixes = sorted(f"{root.folder}{name}/" for name in names)
    start = prefixes[0] if prefixes else None
    while start is not None:
        with translate_errors("list", "runs", str(root)):
            answer = results.client.list_objects_v2(
                Bucket=root.bucket, Prefix=root.folder, StartAfter=start
            )
        entries = answer.get("Contents", [])
        for entry in entries:
            document = entry["Key"].removeprefix(root.folder)
            folder, _, file = document.rpartition("/")
            name, _, run_id = folder.rpartition("/")
            if file in (MANIFEST, FAILED) and name in names:
                found[name].append(EndedRun(run_id, document, entry["LastModified"]))
        more = bool(answer.get("IsTruncated") and entries)
        start = _next_start(prefixes, entries[-1]["Key"]) if more else None
    return found


def _next_start(prefixes: list[str], last: str) -> str | None:
    """Behind which key the listing goes on after a last one; None where all was shown.

    Names may lie below one another, so the last key may stand within several.
    """
    following = bisect_left(prefixes, last)
    if any(last.startswith(prefix) for prefix in prefixes[:following]):
        return last
    return prefixes[following] if following < len(prefixes) else None
