"""A file of the Python client on its way through the buckets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import customer_clusters as cc
from tests.support.dropping import Drop, customers
from tests.support.serving import serve_here
from tests.support.web import app_over

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def client(drop: Drop) -> Iterator[cc.Client]:
    with serve_here(app_over(buckets=drop.settings)) as address, cc.Client(address) as client:
        yield client


def test_a_file_goes_into_the_bucket_and_its_results_come_back(
    client: cc.Client, drop: Drop, tmp_path: Path
) -> None:
    (tmp_path / "März.csv").write_bytes(customers())
    job = client.score_file(tmp_path / "März.csv", why=1, format="csv")
    assert (job.state, job.name, job.upload) == ("queued", "März.csv", None)
    bucket = drop.settings.input.bucket
    [key] = [entry["Key"] for entry in drop.s3.list_objects_v2(Bucket=bucket)["Contents"]
             if entry["Key"].endswith("/März.csv")]  # fmt: skip
    assert drop.deliver(drop.told(key)) == {}
    done = client.wait_for(job.id, 5)
    assert done.counts is not None and done.counts.rows_assigned == 39
    saved = client.download(done, tmp_path / "results")
    assert "reason_1" in saved["assigned"].read_text().splitlines()[0]
    client.delete_job(done)
    with pytest.raises(cc.ProblemAnswer, match="404 job_gone"):
        client.job(done)


def test_where_no_key_makes_ids_a_key_is_refused(client: cc.Client, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(customers())
    with pytest.raises(cc.ProblemAnswer, match="Idempotency-Key is taken where"):
        client.score_file(tmp_path / "a.csv", idempotency_key="monthly")
