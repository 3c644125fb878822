"""What can go wrong with stored models, and the base of every error of this product.

CustomerClustersError
├── NotFound           a version, an alias or a file that is not there
├── WrongArtifact      an artifact that is damaged, incomplete or of a newer format
├── Conflict           somebody else wrote first
├── Denied             the storage refuses, and will refuse again
├── MissingExtra       an optional part of this package that is not installed
├── Temporary          trying again later may succeed
│   ├── NoLiveModel    (functions.live_model) no model can answer yet
│   └── OutOfTime      (functions.aws.deadline) too little time is left for a run
├── WrongKey           (model_store.signing) a file that should hold a private key
├── WrongAddress       (model_store.storage.addresses) a text that should be s3://bucket/prefix
├── WrongFile          (pipeline.errors) a customer file that is refused whole
│   ├── Gone           (pipeline.errors) an input that is not there any more
│   ├── Unreadable     (pipeline.errors) an input that is archived
│   ├── TooLarge       (pipeline.errors) an input that is larger than may be read here
│   ├── UnmatchedColumns (pipeline.errors) a file without a column, or with two
│   ├── UnchosenSheet  (pipeline.errors) a workbook of several sheets
│   ├── CannotSplit    (pipeline.scoring.parts.part_plan) a file that cannot be read in parts
│   └── EmptyCluster   (pipeline.training.fitting) too few different customers for an algorithm
├── WrongRow           (pipeline.errors) a customer that is refused
├── WrongOption        (pipeline.reading.options) an option about reading that cannot be meant
├── NotPromoted        (pipeline.comparing.promotion) a version that may not follow the champion
├── WrongExport        (pipeline.exports.errors) a model that cannot be exported as asked for
├── NoSpark            (pipeline.scoring.parts.spark) Spark cannot be started
├── Skipped            (pipeline.runs.objects) an object that holds nothing to score
│   ├── EmptyObject    (pipeline.runs.objects) an object without bytes
│   ├── ReplacedObject (pipeline.runs.objects) an object that is another by now
│   └── Unwanted       (functions.aws.page_runs) a file whose results nobody wants any more
├── JobFailed          (functions.aws.handover) a job on Spark that ended without results
├── JobNotStarted      (functions.aws.handover) a job on Spark that may never be started
├── PartsMissing       (pipeline.scoring.parts.kept) parts to be scored before a run can end
├── PartsFailed        (functions.aws.handover) parts of a file that cannot be put together
├── WrongOptions       (functions.aws.prefix_options) options beside a file that cannot be meant
├── NotDelivered       (pipeline.runs.notices.receivers) a receiver that did not take a notice
├── NoReceivers        (functions.cli.notify) nobody who is to be told
├── Undelivered        (functions.cli.notify) a test of notices that did not arrive
├── NoPort             (functions.cli.serve) a port that a server cannot have
├── UnknownEvent       (functions.aws.events) an event that tells of no object
├── WrongEvent         (functions.http.lambda_adapter) an event that is no HTTP request
├── WrongKeySet        (functions.http.access.signing_keys) no set of keys to check tokens with
├── ProblemAnswer      (customer_clusters.client.errors) an answer that something is wrong
├── NoAnswer           (customer_clusters.client.errors) a server that does not answer
├── StrangeAnswer      (customer_clusters.client.errors) an answer of something else
├── JobUnfinished      (customer_clusters.client.errors) a job that nobody waits for any longer
└── WrongSetting       (functions.settings.variables) a variable that cannot be used

An error is raised with data and writes its own message, once. Nobody edits that text: who knows
the thing by another name makes the error again (`WrongFile.about`), and who needs a part of the
message reads an attribute.
"""

from collections.abc import Iterator, Mapping, Sequence
from errno import ENOSPC
from inspect import signature
from typing import Any, Self


class CustomerClustersError(Exception):
    """Base of every error that a user can cause or cure: its text is one line for people.

    Every parameter of a class is an attribute of the same name and holds plain data: texts,
    numbers, and sequences of them. So each error can be pickled, and told to another process.
    """

    code: str = "error"
    """Stable name for machines: in failed.json, in answers and in logs."""

    def __init__(self, message: str) -> None:
        super().__init__(message)

    @property
    def message(self) -> str:
        """The one line for people."""
        return str(self)

    @property
    def data(self) -> dict[str, Any]:
        """What the error was made with, by the names of the parameters; JSON can hold it."""
        names = list(signature(type(self).__init__).parameters)[1:]
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The error that has these data."""
        return cls(**data)

    def to_dict(self) -> dict[str, Any]:
        """The error as a document for `from_dict`; JSON can hold it."""
        return {"type": type(self).__name__, "message": self.message, "data": self.data}

    @staticmethod
    def from_dict(document: Mapping[str, Any]) -> "CustomerClustersError":
        """The error that `to_dict` described, in another process as well.

        Raises:
            RuntimeError: No class of this name is known here; its text holds the error's message.
        """
        kinds = {kind.__name__: kind for kind in _subclasses(CustomerClustersError)}
        kind = kinds.get(document["type"])
        if kind is None:
            raise RuntimeError(
                f"an error of a class that is not known here: {document['type']}: "
                f"{document['message']}"
            )
        return kind.from_data(document["data"])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_data, (self.data,)


def _subclasses(parent: type[CustomerClustersError]) -> Iterator[type[CustomerClustersError]]:
    yield parent
    for kind in parent.__subclasses__():
        yield from _subclasses(kind)


class NotFound(CustomerClustersError, LookupError):
    """Raised when a store, version, alias or file does not exist."""

    code = "not_found"

    def __init__(self, what: str, where: str, known: Sequence[str] = ()) -> None:
        self.what, self.where, self.known = what, where, tuple(known)
        hint = f"; there are: {', '.join(known)}" if known else ""
        super().__init__(f"no {what} in {where}{hint}")


class WrongArtifact(CustomerClustersError, ValueError):
    """Raised when an artifact must not be used: damaged, incomplete or of a newer format."""

    code = "wrong_artifact"

    def __init__(self, artifact: str, problem: str, remedy: str) -> None:
        self.artifact, self.problem, self.remedy = artifact, problem, remedy
        super().__init__(f"artifact {artifact}: {problem}; {remedy}")


class Conflict(CustomerClustersError, FileExistsError):
    """Raised when a file that must be new exists, or changed since it was read."""

    code = "conflict"

    def __init__(self, what: str, where: str) -> None:
        self.what, self.where = what, where
        super().__init__(
            f"{what} in {where} was written by somebody else meanwhile; look, then retry"
        )


class Temporary(CustomerClustersError, OSError):
    """Raised when something did not answer; the same call may succeed later."""

    code = "temporary"

    def __init__(self, action: str, where: str, reason: str) -> None:
        self.action, self.where, self.reason = action, where, reason
        super().__init__(f"{self.problem}; try again")

    @property
    def problem(self) -> str:
        """What went wrong, without what to do: for an error that tells of this one."""
        return f"could not {self.action} in {self.where}: {self.reason}"


class Denied(CustomerClustersError, PermissionError):
    """Raised when the storage refuses for good: no permission, no credentials, a bad request."""

    code = "access_denied"

    def __init__(self, action: str, where: str, reason: str) -> None:
        self.action, self.where, self.reason = action, where, reason
        super().__init__(f"not allowed to {action} in {where}: {reason}")


class MissingExtra(CustomerClustersError, ImportError):
    """Raised when something needs an optional part of this package that is not installed."""

    code = "missing_extra"

    def __init__(self, what: str, extra: str) -> None:
        self.what, self.extra = what, extra
        package = f"customer-clusters[{extra}]"
        super().__init__(
            f"{what} needs the extra {package}; install it with: pip install '{package}'"
        )


def reason_of(error: OSError) -> str:
    """What the system says of its error, and what to do where that is plain."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason}: make room there" if error.errno == ENOSPC else reason


MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading a document raises that is not what it should be, however it is wrong."""
