"""What people's type checkers know of the client: `make check` holds it, nothing here runs long."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import assert_type

import pytest

import customer_clusters as cc
from customer_clusters.client import Assignment, FieldProblem, Item, Job, Reason
from tests.customer_clusters.client.conftest import Scripted


def known(client: cc.Client) -> None:
    """Never called: each line is a promise about types."""
    found = client.assign({"Total_Trans_Ct": 38})
    assert_type(found, Assignment)
    assert_type(found.reasons, tuple[Reason, ...])
    assert_type(found.cluster.id, int)
    items = client.assign_many([{"Total_Trans_Ct": 38}])
    assert_type(items, Iterator[Item])
    item = next(items)
    assert_type(item.assignment, Assignment | None)
    assert_type(item.errors, tuple[FieldProblem, ...])
    job = client.score_file("a.csv", why=3, format="xlsx", map={"Spend": "Total_Trans_Amt"})
    assert_type(job, Job)
    assert_type(job.expires_at, datetime | None)
    assert_type(client.download(job, "results"), dict[str, Path])
    assert_type(client.model().created, datetime)


def refused(client: cc.Client) -> None:
    """Never called: what a type checker finds. Were it not found, its remark would be unused."""
    client.score_file("a.csv", wy=3)  # type: ignore[call-arg]
    client.score_file("a.csv", format="docx")  # type: ignore[arg-type]
    client.assign({}).churn.rate  # type: ignore[union-attr]  # noqa: B018
    client.assign({}).cluster.nam  # type: ignore[attr-defined]  # noqa: B018
    client.assign(38)  # type: ignore[arg-type]


def test_a_mistake_that_a_type_checker_finds_is_one(scripted: Scripted) -> None:
    with pytest.raises(FileNotFoundError), cc.Client(scripted().url) as client:
        refused(client)
