"""An entry of the ledger: what is kept of one run, so that history needs no other file of it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal, NotRequired, TypedDict

from pipeline.reading.input_files import LEDGER as LEDGER
from pipeline.scoring.documents import ChurnVerdict, DriftDocument, Manifest, Summary
from pipeline.scoring.period import DEFAULT_PERIODS, PeriodPattern, day_of
from pipeline.scoring.summary.verdict import cluster_mix_verdict

FORMAT = 1
DatedBy = Literal["option", "name", "arrival"]
"""Who says to which period a file belongs: a person, its name, or the day it was scored."""


class Churned(TypedDict):
    """Those of whom it is known, and of these who churned."""

    churned: int
    customers: int


class LedgerCluster(TypedDict):
    """One cluster's customers."""

    cluster: int
    cluster_name: str
    customers: int
    training_share: float
    training_churn_rate: float | None
    expected_churners: float | None
    churned: Churned | None


class LedgerDrift(TypedDict):
    """How far customers and clusters are from training's."""

    clusters: DriftDocument
    features: dict[str, DriftDocument]
    implausible: list[str]
    churn: ChurnVerdict | None


class LedgerEntry(TypedDict):
    """What is kept of a run: dates, counts and verdicts, and never a customer's value or id."""

    format: int
    run: str
    """Its folder below the results: the input's name and the run's id."""
    input: str
    identity: str
    as_of: str
    """The date of the period that the input belongs to, YYYY-MM-DD."""
    dated_by: DatedBy
    committed: str
    """ISO 8601, UTC."""
    model_version: str
    contract_sha256: str
    churned_word: str | None
    rows_in: int
    rows_assigned: int
    rows_rejected: int
    outliers: int
    churned: Churned | None
    expected_churners: float | None
    clusters: list[LedgerCluster]
    drift: LedgerDrift
    report: NotRequired[str]
    """Below the results."""


def entry_name(run: str) -> str:
    """Where the entry of a run lies, below all results; it follows from the run alone.

    Args:
        run: The run's folder below the results.
    """
    name, _, run_id = run.rpartition("/")
    return f"{LEDGER}/{run_id}-{sha256(name.encode()).hexdigest()[:8]}.json"


def entry_of(
    run: str,
    manifest: Manifest,
    summary: Summary,
    committed: datetime,
    periods: PeriodPattern = DEFAULT_PERIODS,
) -> LedgerEntry:
    """What is kept of a run.

    Args:
        run: Its folder below the results.
        manifest: Its manifest.
        summary: Its summary.
        committed: When its manifest was written.
        periods: How names say a period, for runs whose manifest says none.
    """
    committed = committed.astimezone(UTC)
    as_of, dated_by = _period(manifest, committed, periods)
    label = manifest.get("label")
    entry: LedgerEntry = {
        "format": FORMAT,
        "run": run,
        "input": manifest["input"]["name"],
        "identity": manifest["input"]["identity"],
        "as_of": as_of,
        "dated_by": dated_by,
        "committed": committed.isoformat(timespec="milliseconds"),
        "model_version": manifest["model_version"],
        "contract_sha256": manifest["contract_sha256"],
        "churned_word": label["churned_word"] if label else None,
        "rows_in": summary["rows_in"],
        "rows_assigned": summary["rows_assigned"],
        "rows_rejected": summary["rows_rejected"],
        "outliers": summary["outliers"],
        "churned": _churned(summary["observed_churn"]),
        "expected_churners": summary["expected_churners"],
        "clusters": [
            {
                "cluster": cluster["cluster"],
                "cluster_name": cluster["cluster_name"],
                "customers": cluster["customers"],
                "training_share": cluster["training_share"],
                "training_churn_rate": cluster["training_churn_rate"],
                "expected_churners": cluster["expected_churners"],
                "churned": _churned(cluster["observed_churn"]),
            }
            for cluster in summary["clusters"]
        ],
        "drift": _drift(summary),
    }
    if "report" in manifest["outputs"]:
        entry["report"] = f"{run}/{manifest['outputs']['report'].rpartition('/')[2]}"
    return entry


def read_entry(content: bytes) -> LedgerEntry:
    """An entry from its bytes; one of `model_store.errors.MALFORMED` when it is none."""
    entry: LedgerEntry = json.loads(content)
    if entry["format"] != FORMAT:
        raise ValueError("format")
    texts = (entry["run"], entry["input"], entry["model_version"], entry["identity"])
    counts = [entry["rows_in"], entry["rows_assigned"], entry["rows_rejected"]]
    counts += [number for cluster in entry["clusters"] for number in _counts(cluster)]
    counts += _pair(entry["churned"])
    if not all(isinstance(text, str) for text in texts) or ".." in entry["run"].split("/"):
        raise ValueError("text")
    if any(type(number) is not int or number < 0 for number in counts):
        raise ValueError("count")
    day_of(entry["as_of"])
    if datetime.fromisoformat(entry["committed"]).tzinfo is None:
        raise ValueError("committed")
    return entry


def _counts(cluster: LedgerCluster) -> list[int]:
    return [cluster["cluster"], cluster["customers"], *_pair(cluster["churned"])]


def _pair(churned: Churned | None) -> list[int]:
    return [churned["churned"], churned["customers"]] if churned else []


def _period(manifest: Manifest, committed: datetime, periods: PeriodPattern) -> tuple[str, DatedBy]:
    """The date of the period, and who says it."""
    if "as_of" in manifest:
        return manifest["as_of"], "option" if "as_of" in manifest["options"] else "name"
    if day := periods.day(manifest["input"]["name"]):
        return day.isoformat(), "name"
    return committed.date().isoformat(), "arrival"


def _churned(observed: Mapping[str, Any] | None) -> Churned | None:
    if observed is None:
        return None
    return {"churned": observed["churned"], "customers": observed["customers"]}


def _drift(summary: Summary) -> LedgerDrift:
    drift = summary["drift"]
    churn = drift.get("churn")
    clusters: DriftDocument = {**drift["clusters"], "verdict": cluster_mix_verdict(drift)}
    return {
        "clusters": clusters,
        "features": drift["features"],
        "implausible": drift["implausible"],
        "churn": churn["verdict"] if churn else None,
    }
