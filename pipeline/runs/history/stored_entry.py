"""An entry as it is found in the ledger: checked, for somebody may have written there by hand."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast, get_args

from pipeline.model import typed_values as typed
from pipeline.runs.history.entry import FORMAT, DatedBy, LedgerEntry
from pipeline.scoring.documents import Verdict
from pipeline.scoring.period import day_of

_VERDICTS, _DATED_BY = get_args(Verdict), get_args(DatedBy)


def read_entry(content: bytes) -> LedgerEntry:
    """An entry from its bytes.

    Raises:
        ValueError: It is none, or its counts contradict each other; or another one of
            `model_store.errors.MALFORMED`.
    """
    entry = typed.table(json.loads(content), "entry")
    _expect(entry["format"] == FORMAT, "format")
    for name in ("run", "input", "identity", "model_version", "contract_sha256"):
        typed.name(entry[name], name)
    if entry["churned_word"] is not None:
        typed.name(entry["churned_word"], "churned_word")
    _check_paths(entry)
    day_of(entry["as_of"])
    _expect(entry["dated_by"] in _DATED_BY, "dated_by")
    _expect(datetime.fromisoformat(entry["committed"]).tzinfo is not None, "committed")
    _check_counts(entry)
    _check_drift(entry["drift"])
    return cast(LedgerEntry, entry)


def _check_paths(entry: Mapping[str, Any]) -> None:
    """The run lies below the results, and the report in its folder: a server shows that file."""
    run = entry["run"]
    _expect(not {"", ".", ".."} & {*run.split("/")} and "\\" not in run, "run")
    if "report" in entry:
        folder, _, name = typed.name(entry["report"], "report").rpartition("/")
        _expect(folder == run and name.endswith(".html") and "\\" not in name, "report")


def _check_counts(entry: Mapping[str, Any]) -> None:
    rows = [typed.whole(entry[f"rows_{what}"], what) for what in ("in", "assigned", "rejected")]
    _expect(rows[0] == rows[1] + rows[2], "rows")
    typed.whole(entry["outliers"], "outliers")
    _check_churned(entry["churned"])
    _check_optional(entry["expected_churners"])
    clusters = [typed.table(cluster, "cluster") for cluster in entry["clusters"]]
    ids = [typed.whole(cluster["cluster"], "cluster", 1) for cluster in clusters]
    _expect(bool(ids) and len(ids) == len({*ids}), "clusters")
    counts = [typed.whole(cluster["customers"], "customers") for cluster in clusters]
    _expect(sum(counts) == rows[1], "customers")
    for cluster in clusters:
        typed.name(cluster["cluster_name"], "cluster_name")
        _check_churned(cluster["churned"])
        _check_optional(cluster["expected_churners"])
        _check_share(cluster["training_share"])
        if cluster["training_churn_rate"] is not None:
            _check_share(cluster["training_churn_rate"])


def _check_churned(churned: Any) -> None:
    if churned is None:
        return
    some, every = (typed.whole(churned[what], what) for what in ("churned", "customers"))
    _expect(some <= every, "churned")


def _check_share(share: Any) -> None:
    _expect(0 <= typed.number(share, "share") <= 1, "share")


def _check_optional(number: Any) -> None:
    if number is not None:
        typed.number(number, "number")


def _check_drift(drift: Mapping[str, Any]) -> None:
    features = typed.table(drift["features"], "features")
    for measured in (drift["clusters"], *features.values()):
        typed.number(measured["psi"], "psi")
        _check_optional(measured["critical_psi"])
        _expect(measured["verdict"] in _VERDICTS, "verdict")
    for name in typed.array(drift["implausible"], "implausible"):
        typed.name(name, "implausible")


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
