"""What the tests of jobs share: sending files as programs do, and waiting for their end."""

import time
from typing import Any

from httpx2 import Response, get
from starlette.testclient import TestClient

JOBS = "/v1/jobs"
CSV = {"content-type": "text/csv"}
LONGEST = 30.0


def send(client: TestClient, content: bytes, query: str = "", **headers: str) -> Any:
    """Send a file as a body; the job as it is then."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.post(f"{JOBS}{query}", content=content, headers={**CSV, **named})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["location"].endswith(f"{JOBS}/{job['id']}")
    assert answer.headers["retry-after"] == "1"
    return job


def ask(client: TestClient, job: Any) -> Response:
    """What is answered under the address of a job."""
    answer: Response = client.get(f"{JOBS}/{job['id']}")
    return answer


def ended(client: TestClient, job: Any) -> Any:
    """A job once it has ended."""
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        answer = ask(client, job)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        if found["state"] in ("succeeded", "failed"):
            assert "retry-after" not in answer.headers
            return found
        assert answer.headers["retry-after"] == "1"
        time.sleep(0.05)
    raise TimeoutError(job["id"])


def scored(client: TestClient, content: bytes, query: str = "", **headers: str) -> Any:
    """A file that was sent, and scored."""
    job = ended(client, send(client, content, query, **headers))
    assert job["state"] == "succeeded", job
    return job


def output(client: TestClient, job: Any, role: str = "assigned") -> Response:
    """A file of the results."""
    (href,) = (each["href"] for each in job["outputs"] if each["role"] == role)
    answer: Response = client.get(href, follow_redirects=False)
    if answer.status_code == 303:  # it is in a bucket
        answer = get(answer.headers["location"])
    assert answer.status_code == 200, answer.text
    return answer
