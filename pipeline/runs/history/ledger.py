"""The ledger: one small file a run, written once beside the runs, and read for the history.

An entry follows the commit and is never changed. A process that dies between the two leaves a run
without an entry: the next call for the run writes it, and so does `rebuild`. Nothing that goes
wrong here makes a committed run fail.
"""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from model_store import Conflict, CustomerClustersError, NotFound
from model_store.errors import MALFORMED
from model_store.storage.base import Storage
from pipeline.reading.input_files import Tell
from pipeline.runs.history.entry import LEDGER, LedgerEntry, entry_name, entry_of, read_entry
from pipeline.runs.store import MANIFEST, RunResult, RunStore, as_json
from pipeline.scoring.documents import Manifest
from pipeline.scoring.period import DEFAULT_PERIODS, PeriodPattern

_AT_ONCE = 8
"""Files that are read at the same time."""


def record(
    runs: RunStore, result: RunResult, periods: PeriodPattern, tell: Tell = lambda note: None
) -> None:
    """Write the entry of a committed run, unless it is there; it never raises.

    Args:
        runs: Where the run is.
        result: What became of the run; of one that is not committed nothing is written.
        periods: How names say to which period a file belongs.
        tell: Called with a sentence where the entry cannot be written.
    """
    if result.state != "committed":
        return
    try:
        files, name, now = runs.files, entry_name(result.run), datetime.now(UTC)
        if result.new:
            committed = now
        elif files.exists(name):
            return
        else:  # who committed it died before the entry, or knew no ledger
            times = files.times(result.run, f"/{MANIFEST}")
            committed = times.get(f"{result.run}/{MANIFEST}", now)
        _write(files, result.run, result.manifest, committed, periods)
    except Exception as error:  # the run is committed, whatever happens to its entry
        why = str(error) if isinstance(error, CustomerClustersError) else type(error).__name__
        tell(
            f"{result.run} is scored, and not in the history yet: {why}; "
            "`customer-clusters history --rebuild` adds it"
        )


@dataclass(frozen=True, slots=True)
class Ledger:
    """What lies in the ledger."""

    entries: list[LedgerEntry]
    damaged: list[str] = field(default_factory=list)
    """The names of files that are no entries."""


def read_ledger(files: Storage, known: dict[str, LedgerEntry] | None = None) -> Ledger:
    """The entries beside some runs, in no order that means anything.

    Args:
        files: What lies below all results.
        known: Name → entry, of an earlier call, which need not be read again; new ones are added.
    """
    known = {} if known is None else known
    names = [f"{LEDGER}/{name}" for name in files.names(LEDGER) if name.endswith(".json")]
    unknown, damaged = [name for name in names if name not in known], []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        read = pool.map(lambda name: _read(files, name), unknown)
        for name, entry in zip(unknown, read, strict=True):
            if isinstance(entry, dict):
                known[name] = entry
            elif entry:
                damaged.append(name)
    return Ledger([known[name] for name in names if name in known], damaged)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild came to."""

    added: list[str] = field(default_factory=list)
    """Runs that had no entry."""
    replaced: list[str] = field(default_factory=list)
    """Runs whose entry was damaged."""
    no_runs: list[str] = field(default_factory=list)
    """Folders whose manifest or summary is damaged."""


def committed_runs(files: Storage) -> dict[str, datetime]:
    """The folders of all committed runs below the results, and when each was committed."""
    times = files.times("", f"/{MANIFEST}")
    return {name.removesuffix(f"/{MANIFEST}"): time for name, time in times.items()}


def rebuild(
    files: Storage, periods: PeriodPattern = DEFAULT_PERIODS, runs: Mapping[str, datetime] = {}
) -> Rebuilt:
    """Write the entries that are missing or damaged, from the manifests; others stay as they are.

    Args:
        files: What lies below all results.
        periods: How names say to which period a file belongs.
        runs: The committed runs, where they are known.
    """
    present = set(files.names(LEDGER))
    damaged = set(read_ledger(files).damaged)
    rebuilt = Rebuilt()
    for run, committed in (runs or committed_runs(files)).items():
        name = entry_name(run)
        if name.removeprefix(f"{LEDGER}/") in present and name not in damaged:
            continue
        try:
            manifest: Manifest = json.loads(files.read(f"{run}/{MANIFEST}"))
            _write(files, run, manifest, committed, periods, replace=name in damaged)
        except (*MALFORMED, NotFound):
            rebuilt.no_runs.append(run)
        else:
            (rebuilt.replaced if name in damaged else rebuilt.added).append(run)
    return rebuilt


def without_entry(runs: Iterable[str], ledger: Ledger) -> list[str]:
    """Runs that the ledger does not know."""
    known = {entry["run"] for entry in ledger.entries}
    return sorted(set(runs) - known)


def _write(
    files: Storage,
    run: str,
    manifest: Manifest,
    committed: datetime,
    periods: PeriodPattern,
    *,
    replace: bool = False,
) -> None:
    summary = json.loads(files.read(f"{run}/{manifest['outputs']['summary'].rpartition('/')[2]}"))
    content = as_json(entry_of(run, manifest, summary, committed, periods))
    if replace:
        files.replace(entry_name(run), content)
        return
    try:
        files.create(entry_name(run), content)
    except Conflict:  # another worker was faster
        return


def _read(files: Storage, name: str) -> LedgerEntry | str:
    """An entry; a word where it is damaged, and none where it is gone."""
    try:
        return read_entry(files.read(name))
    except NotFound:
        return ""
    except MALFORMED:
        return "damaged"
