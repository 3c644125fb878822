"""Has a server score a file, by a client that openapi-python-client has made; see assign.py.

python job.py http://127.0.0.1:8000 customers.csv
"""

import os
import sys
import time
import uuid
from pathlib import Path

from customer_clusters_client import AuthenticatedClient, Client
from customer_clusters_client.api.jobs import create_job, delete_job, get_job, get_job_output
from customer_clusters_client.models import CreateJobFilesBody, JobAnswer
from customer_clusters_client.types import File

LONGEST = 300.0


def main(address: str, path: Path) -> None:
    """Send a file, wait for its end, and fetch the assigned rows."""
    key = os.environ.get("KEY")
    client = AuthenticatedClient(address, token=key) if key else Client(address)
    with path.open("rb") as content:
        body = CreateJobFilesBody(file=File(payload=content, file_name=path.name), why=1)
        job = create_job.sync(client=client, body=body, idempotency_key=str(uuid.uuid4()))
    job = waited_for(client, job)
    assert job.counts is not None
    print(f"{job.counts.rows_assigned} of {job.counts.rows_in} rows are assigned")
    for notice in job.notices:
        print(f"{notice.level.value}: {notice.heading}")
    (name,) = [output.name for output in job.outputs if output.role.value == "assigned"]
    rows = get_job_output.sync_detailed(job.id, name, client=client).content
    print(rows.decode().splitlines()[0])
    delete_job.sync_detailed(job.id, client=client)


def waited_for(client: AuthenticatedClient | Client, job: object) -> JobAnswer:
    """A job that has succeeded; SystemExit with the reason where it has not."""
    deadline = time.monotonic() + LONGEST
    while isinstance(job, JobAnswer) and time.monotonic() < deadline:
        if job.problem is not None:
            raise SystemExit(job.problem.detail)
        if job.state.value == "succeeded":
            return job
        time.sleep(1)
        job = get_job.sync(job.id, client=client)
    raise SystemExit(getattr(job, "detail", "no answer in time"))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
