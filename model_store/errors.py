"""What can go wrong with stored models, and the base of every error of this product.

CustomerClustersError
├── NotFound        a version, an alias or a file that is not there
├── WrongArtifact   an artifact that is damaged, incomplete or of a newer format
├── Conflict        somebody else wrote first
├── Temporary       trying again later may succeed
├── Denied          the storage refuses, and will refuse again
├── WrongKey        (model_store.signing) a file that should hold a private key
├── NotPromoted     (pipeline.comparing) a version that is no fit successor of the champion
├── WrongAddress    (model_store.storage.addresses) a text that should be s3://bucket/prefix
├── WrongFile       (pipeline.errors) a customer file that is refused whole
│   └── EmptyCluster  (pipeline.training.fitting) too few different customers for an algorithm
└── WrongRow        (pipeline.errors) a customer that is refused
"""

from collections.abc import Iterator
from contextlib import contextmanager


class CustomerClustersError(Exception):
    """Base of every error that a user can cause or cure: its text is one line for people."""

    code = "error"


class NotFound(CustomerClustersError, LookupError):
    """Raised when a store, version, alias or file does not exist."""

    def __init__(self, what: str, where: str, known: tuple[str, ...] = ()) -> None:
        hint = f"; there are: {', '.join(known)}" if known else ""
        super().__init__(f"no {what} in {where}{hint}")


class WrongArtifact(CustomerClustersError, ValueError):
    """Raised when an artifact must not be used: damaged, incomplete or of a newer format."""

    code = "wrong_artifact"

    def __init__(self, artifact: str, problem: str, remedy: str) -> None:
        super().__init__(f"artifact {artifact}: {problem}; {remedy}")


class Conflict(CustomerClustersError, FileExistsError):
    """Raised when a file that must be new exists, or changed since it was read."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(
            f"{what} in {where} was written by somebody else meanwhile; look, then retry"
        )


class Temporary(CustomerClustersError, OSError):
    """Raised when the storage did not answer; the same call may succeed later."""

    def __init__(self, action: str, where: str, reason: str) -> None:
        super().__init__(f"could not {action} in {where}: {reason}; try again")


class Denied(CustomerClustersError, PermissionError):
    """Raised when the storage refuses for good: no permission, no credentials, a bad request."""

    def __init__(self, action: str, where: str, reason: str) -> None:
        super().__init__(f"not allowed to {action} in {where}: {reason}")


MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading a document raises that is not what it should be, however it is wrong."""


@contextmanager
def needs_extra(what: str, extra: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise NotFound(
            f"support for {what}",
            f"this installation: it needs the extra customer-clusters[{extra}]",
        ) from error
