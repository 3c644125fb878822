"""A client of the API, on the standard library alone."""

import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, Unpack
from urllib.parse import quote

from customer_clusters.client.answers import (
    Assignment,
    ClusterProfile,
    Clusters,
    CustomerHistory,
    Item,
    ModelFacts,
    NamedModel,
    WhatIf,
)
from customer_clusters.client.batches import batches, body_of, items_of, written
from customer_clusters.client.connections import Connections, Origin
from customer_clusters.client.decoding import decode
from customer_clusters.client.errors import ProblemAnswer
from customer_clusters.client.exchange import Answer, Request
from customer_clusters.client.files import FileJobs, LocalFile
from customer_clusters.client.jobs import Job, JobOptions
from customer_clusters.client.transport import Key, Transport, checked_key

Customer = Mapping[Any, Any]
"""One customer: values by the names of features, and perhaps an id and other columns."""
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_TOO_LARGE = 413


class Client:
    """Asks a server which groups customers belong to, and why.

    Threads may share a client. Connections are kept, requests are packed, and tried again with
    growing pauses where the server is busy (429, 502, 503, 504) or does not answer: none of them
    changes anything twice.

    Example:
        >>> import customer_clusters as cc
        >>> cc.Client("https://clusters.example.com", key="…")
        <Client of https://clusters.example.com>
    """

    def __init__(
        self,
        url: str,
        key: Key = None,
        *,
        model: str | None = None,
        timeout: float = 30.0,
        retries: int = 4,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Nothing is connected before the first question.

        Args:
            url: The address of the API, such as `https://clusters.example.com`; what stands before
                `/v1`, with the stage or the path of a proxy.
            key: The API key or token, or what gives one: it is called for each request. None where
                the server is open to all.
            model: The name of the model that answers, where the server has several. None: the
                default.
            timeout: Seconds that connecting may take, and each time that nothing comes.
            retries: How many times a request is tried again.
            context: What a server over TLS has to show; None: a certificate that the system
                believes. The environment's proxies are used, as by all of the standard library.

        Raises:
            ValueError: The address or the key cannot be one.
        """
        if isinstance(key, str):
            checked_key(key)
        origin = Origin.of(url)
        self._transport = Transport(Connections(origin, timeout, context), key, retries)
        self._root = f"{origin.prefix}/v1"
        self._files = FileJobs(self._transport, self._root)
        self._named = "" if model is None else f"/models/{quote(model, safe='')}"

    def assign(self, customer: Customer) -> Assignment:
        """Which cluster one customer belongs to, and why.

        Args:
            customer: Values by the names of features; other columns are ignored, the id comes back.

        Raises:
            ProblemAnswer: The customer cannot be assigned (`errors` says why), or the server does
                not answer this.
            NoAnswer: The server cannot be reached.
        """
        return self._post("/assign", written(customer)).decoded(Assignment)

    def assign_many(self, customers: Iterable[Customer]) -> Iterator[Item]:
        """Which clusters any number of customers belong to, in their order.

        They are read, sent in batches and given back one by one, so that their number does not
        matter. For a whole file `score_file` is quicker, and reads every notation of numbers.

        Args:
            customers: Each as for `assign`.

        Returns:
            An item for each customer: assigned, or rejected with every problem.

        Raises:
            ProblemAnswer: The server does not answer this.
            NoAnswer: The server cannot be reached.
        """
        start = 0
        for batch in batches(map(written, customers)):
            yield from self._assigned(batch, start)
            start += len(batch)

    def what_if(self, customer: Customer, ways: Mapping[str, str] | None = None) -> WhatIf:
        """The smallest change of each feature alone that leads a customer to another cluster.

        Args:
            customer: As for `assign`.
            ways: Which way each feature may change: up, down, both or no; one that is not named
                does not. None: as the contract says.

        Raises:
            ProblemAnswer: The customer or the ways cannot be used.
            NoAnswer: The server cannot be reached.
        """
        document = b'{"customer":' + written(customer)
        if ways is not None:
            document += b',"ways":' + written(ways)
        return self._post("/what-if", document + b"}").decoded(WhatIf)

    def clusters(self) -> Clusters:
        """Every cluster with its size, churn rate and profile."""
        return self._get(f"{self._named}/clusters").decoded(Clusters)

    def cluster(self, cluster_id: int) -> ClusterProfile:
        """One cluster; ProblemAnswer with status 404 where there is none of this id."""
        return self._get(f"{self._named}/clusters/{cluster_id:d}").decoded(ClusterProfile)

    def model(self) -> ModelFacts:
        """The model that answers: version, metrics and contract."""
        return self._get(self._named or "/model").decoded(ModelFacts)

    def models(self) -> tuple[NamedModel, ...]:
        """The models of the server by name, where it has several."""
        return self._get("/models").read(
            lambda document: tuple(decode(NamedModel, each) for each in document["models"])
        )

    def customer(self, customer_id: str | int) -> CustomerHistory:
        """Which groups one customer was in, in each scored file.

        Raises:
            ProblemAnswer: No file has this customer, or the server keeps no index.
        """
        quoted = quote(str(customer_id), safe="")
        path = f"{self._root}/customers/"
        request = Request("GET", f"{path}{quoted}", shown=f"{path}ID")
        return self._transport.ask(request).decoded(CustomerHistory)

    def score_file(
        self,
        path: str | Path,
        *,
        name: str | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[JobOptions],
    ) -> Job:
        """Send a customer file to be scored, and do not wait for it.

        Where files go into a bucket it is sent there, by the form that the server gives.

        Args:
            path: A CSV, Parquet, Excel or OpenDocument file.
            name: What the results call it; None: as it is called here.
            idempotency_key: The same key with the same file is the same job, however often it is
                sent; None: a new one for each call, which its retries share.
            options: As of the command `score`.

        Returns:
            The job as it stands; `wait_for` waits for its end.

        Raises:
            OSError: The file cannot be read.
            ProblemAnswer: It is refused, or too large.
            NoAnswer: The server cannot be reached.

        Example:
            >>> import customer_clusters as cc
            >>> client = cc.Client("https://clusters.example.com", key="…")
            >>> job = client.wait_for(client.score_file("new.csv", why=3))  # doctest: +SKIP
            >>> client.download(job, "results")  # doctest: +SKIP
        """
        return self._files.send(self._named, LocalFile.at(path, name), options, idempotency_key)

    def job(self, job: Job | str) -> Job:
        """A job as it stands now; ProblemAnswer with status 404 where it is gone.

        Args:
            job: The job, or its id.
        """
        return self._files.find(_id(job))

    def wait_for(
        self,
        job: Job | str,
        seconds: float = 3_600.0,
        progress: Callable[[Job], object] = lambda job: None,
    ) -> Job:
        """Wait until a job has succeeded.

        Args:
            job: The job, or its id.
            seconds: How long to wait at most.
            progress: Told of the job each time that it was asked for.

        Raises:
            ProblemAnswer: The job has failed; it says why.
            JobUnfinished: It has not ended in this time.
        """
        return self._files.wait(_id(job), seconds, progress)

    def download(self, job: Job, folder: str | Path) -> dict[str, Path]:
        """Save the results of a job that has succeeded into a folder.

        Returns:
            Where each is, by its role: assigned, rejected, clusters, summary, report, manifest.

        Raises:
            OSError: They cannot be written.
            ProblemAnswer: They are gone.
        """
        return self._files.download(job, Path(folder))

    def delete_job(self, job: Job | str) -> None:
        """Remove a job with its results, or end it; nothing happens where it is gone already."""
        self._files.delete(_id(job))

    def close(self) -> None:
        """End the connections that are kept; the client can be used again."""
        self._transport.connections.close()

    def _get(self, path: str) -> Answer:
        return self._transport.ask(Request("GET", f"{self._root}{path}"))

    def _post(self, path: str, body: bytes) -> Answer:
        return self._transport.ask(Request("POST", f"{self._root}{self._named}{path}", body, _JSON))

    def _assigned(self, batch: Sequence[bytes], start: int) -> list[Item]:
        """The items of a batch; of one that is too large for the server by its halves."""
        try:
            answer = self._post("/assign/batch", body_of(batch))
        except ProblemAnswer as error:
            if error.status != _TOO_LARGE or len(batch) == 1:
                raise
            middle = len(batch) // 2
            first = self._assigned(batch[:middle], start)
            return [*first, *self._assigned(batch[middle:], start + middle)]
        return answer.read(lambda document: items_of(document, start, len(batch)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client of {self._transport.origin}>"


def _id(job: Job | str) -> str:
    return job if isinstance(job, str) else job.id
