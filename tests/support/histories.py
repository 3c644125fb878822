"""Ledgers of a test's own: small files to score, and entries without any file."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.runs.history.entry import LedgerEntry

HEADER = "CLIENTNUM,Avg_Utilization_Ratio,Credit_Limit,Contacts_Count_12_mon,Total_Revolving_Bal"
SHARES = (0.09, 0.41, 0.14, 0.24, 0.12)
"""Of the groups of simulated customers."""
CHURN, REJECTED = 1 / 6, 0.01
STABLE = {"psi": 0.01, "critical_psi": 0.02, "verdict": "stable"}
"""What drift says of customers like training's."""


def customers_of(rows: int, first: int = 0) -> str:
    """A small file for the original model."""
    lines = (
        f"{first + n:04d},{n % 10 / 10},{3000 + 500 * n},{n % 6},{n * 37 % 2500}"
        for n in range(rows)
    )
    return "\n".join([HEADER, *lines, ""])


def entry(
    as_of: str,
    counts: Sequence[int] = (600, 400),
    churned: int | None = 100,
    rejected: int = 0,
    **changes: Any,
) -> LedgerEntry:
    """An entry of the file of a month, scored on its day at noon.

    Args:
        as_of: The period.
        counts: The customers of each group.
        churned: How many of all customers churned; None where the file does not say it.
        rejected: Rejected rows.
        changes: Other values of the entry.
    """
    total = sum(counts)
    committed = datetime.fromisoformat(as_of).replace(tzinfo=UTC) + timedelta(hours=12)
    made: dict[str, Any] = {
        "format": 1,
        "run": f"customers-{as_of}.csv/v1-{as_of}",
        "input": f"customers-{as_of}.csv",
        "identity": f"sha256:{as_of}",
        "as_of": as_of,
        "dated_by": "name",
        "committed": committed.isoformat(),
        "model_version": "v1",
        "contract_sha256": "c" * 64,
        "churned_word": "cancelled",
        "rows_in": total + rejected,
        "rows_assigned": total,
        "rows_rejected": rejected,
        "outliers": 3,
        "churned": None if churned is None else {"churned": churned, "customers": total},
        "expected_churners": 0.2 * total,
        "clusters": [
            {
                "cluster": number,
                "cluster_name": f"Group {number}",
                "customers": count,
                "training_share": 1 / len(counts),
                "training_churn_rate": 0.1 * number,
                "expected_churners": 0.1 * number * count,
                "churned": None,
            }
            for number, count in enumerate(counts, start=1)
        ],
        "drift": drift(),
        "report": f"customers-{as_of}.csv/v1-{as_of}/report.html",
    }
    return made | changes  # type: ignore[return-value]


def drift(
    implausible: Sequence[str] = (), features: Mapping[str, str] | None = None, mix: str = "stable"
) -> dict[str, Any]:
    """What an entry says of drift: the verdict of each feature, and on the mix."""
    verdicts = {"amount": "stable", "count": "stable", **(features or {})}
    verdicts |= dict.fromkeys(implausible, "implausible")
    return {
        "clusters": {**STABLE, "verdict": mix},
        "features": {name: {**STABLE, "verdict": each} for name, each in verdicts.items()},
        "implausible": [*implausible],
        "churn": None,
    }


def fresh_file(
    day: str, shares: Sequence[float], size: int, rng: np.random.Generator
) -> LedgerEntry:
    """A file of customers drawn anew."""
    return _entry_of(day, rng.multinomial(size, shares), rng)


def same_customers(
    months: int, size: int, staying: float, rng: np.random.Generator
) -> list[LedgerEntry]:
    """Files of the same customers: each month most stay, and others are drawn anew.

    Args:
        months: How many files.
        size: How many customers.
        staying: The share of customers who stay in their group each month.
        rng: Where chance comes from.
    """
    groups, files = rng.choice(len(SHARES), size, p=SHARES), []
    for month in range(1, months + 1):
        counts = np.bincount(groups, minlength=len(SHARES))
        files.append(_entry_of(f"2026-{month:02d}-01", counts, rng))
        moving = rng.random(size) >= staying
        groups = np.where(moving, rng.choice(len(SHARES), size, p=SHARES), groups)
    return files


def _entry_of(day: str, counts: NDArray[np.int64], rng: np.random.Generator) -> LedgerEntry:
    size = int(counts.sum())
    churned, rejected = int(rng.binomial(size, CHURN)), int(rng.binomial(size, REJECTED))
    return entry(day, [int(count) for count in counts], churned, rejected)
