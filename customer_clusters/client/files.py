"""Sending a file to the server, following its job, and fetching the results."""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote, urlencode, urljoin

from customer_clusters.client.errors import JobUnfinished, ProblemAnswer, StrangeAnswer
from customer_clusters.client.exchange import Answer, FileTrouble, Request, problem_of
from customer_clusters.client.jobs import Job, JobOptions, JobUpload, option_texts
from customer_clusters.client.transport import Transport

_CHUNK = 1 << 18
_SHORTEST_WAIT, _LONGEST_WAIT, _USUAL_WAIT = 0.2, 30.0, 1.0
_MOST_REDIRECTS = 3
_NOT_FOUND = 404
_KEY = "Idempotency-Key"
_UNSAFE = frozenset("/\\:\0")
"""Characters that a name has which leads out of its folder."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file that is sent."""

    path: Path
    name: str
    """What the results call it."""
    size: int

    @classmethod
    def at(cls, path: str | Path, name: str | None = None) -> Self:
        """The file of a path; OSError where there is none."""
        path = Path(path)
        with path.open("rb"):
            return cls(path, name or path.name, path.stat().st_size)

    def parts(self) -> Iterator[bytes]:
        """Its content; FileTrouble where it is another size than it was."""
        size = 0
        try:
            with self.path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    size += len(chunk)
                    if size > self.size:
                        break
                    yield chunk
        except OSError as error:
            raise FileTrouble(error) from None
        if size != self.size:
            raise FileTrouble(OSError(f"{self.path} was changed while it was sent; send it again"))


class FileJobs:
    """The files that a client has sent to one server."""

    def __init__(self, transport: Transport, root: str) -> None:
        """Nothing is sent yet.

        Args:
            transport: How the server is asked.
            root: What stands before `/jobs`.
        """
        self._transport, self._root = transport, root
        self._takes_body = False
        """Whether the server is known to take files itself, rather than a bucket."""

    def send(self, below: str, file: LocalFile, options: JobOptions, key: str | None) -> Job:
        """Send a file; its job as it stands then.

        Args:
            below: What stands between the root and `/jobs`: the model, where it is named.
            file: The file.
            options: What is said of it.
            key: What makes two requests the same; None: a new one.
        """
        query = urlencode([("name", file.name), *option_texts(options)], errors="replace")
        path = f"{self._root}{below}/jobs?{query}"
        try:
            job = None if self._takes_body else self._announced(path, key)
            if job is None:
                headers = _headers(file.size, key or secrets.token_urlsafe(24))
                return self._transport.ask(Request("POST", path, file.parts, headers)).decoded(Job)
            if job.upload is not None:
                _send_form(self._transport, job.upload, file)
        except FileTrouble as trouble:
            raise trouble.error from None
        return self.find(job.id)

    def find(self, job: str) -> Job:
        """A job as it stands now."""
        return self._asked(job).decoded(Job)

    def wait(self, job: str, seconds: float, progress: Callable[[Job], object]) -> Job:
        """Ask for a job until it has succeeded."""
        until = time.monotonic() + seconds
        while True:
            answer = self._asked(job)
            found = answer.decoded(Job)
            progress(found)
            if found.state == "succeeded":
                return found
            if found.state == "failed":
                raise _failure(found)
            pause = _USUAL_WAIT if answer.retry_after is None else answer.retry_after
            pause = min(max(pause, _SHORTEST_WAIT), _LONGEST_WAIT)
            if time.monotonic() + pause > until:
                raise JobUnfinished(job, found.state, seconds)
            self._transport.sleep(pause)

    def download(self, job: Job, folder: Path) -> dict[str, Path]:
        """Save the results of a job; where each is, by its role."""
        folder.mkdir(parents=True, exist_ok=True)
        saved: dict[str, Path] = {}
        for output in job.outputs:
            name = output.name
            if not name.isprintable() or name[:1] in ("", ".") or _UNSAFE & {*name}:
                where = str(self._transport.origin)
                raise StrangeAnswer(f"job {job.id}", where, f"a result with the name {name!r:.60}")
            path, aside = folder / name, folder / f".{name}.{secrets.token_hex(4)}"
            try:
                with aside.open("wb") as file:
                    _fetch(self._transport, _href(self._transport, output.href), file)
                saved[output.role] = aside.replace(path)
            except FileTrouble as trouble:
                raise trouble.error from None
            finally:
                aside.unlink(missing_ok=True)
        return saved

    def delete(self, job: str) -> None:
        """Remove a job; nothing happens where it is gone."""
        try:
            self._transport.ask(Request("DELETE", self._address(job)))
        except ProblemAnswer as error:
            if error.status != _NOT_FOUND:
                raise

    def _announced(self, path: str, key: str | None) -> Job | None:
        """The job of a file that goes into a bucket; None of a server that takes files itself.

        Asked without the file: a bucket's server would have it sent for nothing, or refuse it. A
        form that nobody fills in is no job, so the repeats of this need no key.
        """
        try:
            answer = self._transport.ask(Request("POST", path, b"", _headers(0, key)))
        except ProblemAnswer as error:
            of_the_file = (error.status, error.code) == (422, "invalid_request")
            if not of_the_file or error.detail.startswith(_KEY):
                raise
            self._takes_body = True
            return None
        return answer.decoded(Job)

    def _asked(self, job: str) -> Answer:
        return self._transport.ask(Request("GET", self._address(job)))

    def _address(self, job: str) -> str:
        return f"{self._root}/jobs/{quote(job, safe='')}"


def _headers(size: int, key: str | None) -> dict[str, str]:
    return {
        "Accept": "application/json",
        "Content-Type": "application/octet-stream",
        "Content-Length": str(size),
        **({} if key is None else {_KEY: key}),
    }


def _failure(job: Job) -> ProblemAnswer:
    """Why a job has failed."""
    problem = job.problem or {}
    status = problem.get("status")
    return ProblemAnswer(f"job {job.id}", status if isinstance(status, int) else 422, problem)


def _href(transport: Transport, href: str) -> str:
    """An address of ours with what stands before it here, whatever a proxy has told the server."""
    start = href.find("/v1/")
    return href if start < 0 or "://" in href else f"{transport.origin.prefix}{href[start:]}"


def _fetch(transport: Transport, href: str, aside: IO[bytes], most: int = _MOST_REDIRECTS) -> None:
    """Write what an address gives into a file; it may lead to another, such as one in a bucket."""
    url = urljoin(f"{transport.origin}/", href)
    other, path = transport.at(url)
    answer = other.download(Request("GET", path), aside)
    if answer.status >= 300:
        if not most:
            raise problem_of(answer)
        _fetch(other, urljoin(url, answer.headers["location"]), aside, most - 1)


def _send_form(transport: Transport, upload: JobUpload, file: LocalFile) -> None:
    """Send a file as the form that a bucket takes: the fields, and the file as the last one."""
    boundary = secrets.token_hex(16)
    name = file.name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
        for field, value in upload.fields.items()
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    before, after = head.encode(errors="replace"), f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(before) + file.size + len(after)),
    }
    other, path = transport.at(upload.url)
    other.ask(Request("POST", path, lambda: chain([before], file.parts(), [after]), headers))
