"""What boto3 raises, as errors of this product: may it be tried again, or not?"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)

from model_store.errors import Conflict, CustomerClustersError, Denied, NotFound, Temporary

_MISSING = {"404", "NoSuchKey", "NoSuchVersion", "NoSuchBucket"}
_DELETED = "MethodNotAllowed"
"""The answer to reading a version that is a deletion mark."""
_CHANGED = {"409", "412", "PreconditionFailed", "ConditionalRequestConflict"}
_LATER = {
    "ConflictException",
    "ExpiredToken",
    "OperationAborted",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "ServiceQuotaExceededException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_WORDS = {"RequestTimeTooSkewed": "the clock of this machine is wrong (RequestTimeTooSkewed)"}
_HOPELESS = (NoCredentialsError, PartialCredentialsError, ParamValidationError, ProfileNotFound)


@contextmanager
def translate_errors(action: str, name: str, where: str) -> Iterator[None]:
    """What boto3 raises inside, as an error of this product.

    Args:
        action: What is done, as a verb: read, write, list, delete.
        name: The file, folder or service to which it is done.
        where: The storage that it is in.

    Raises:
        NotFound: there is no such file or bucket.
        Conflict: a condition on what was there before does not hold.
        Denied: the storage refuses, and will refuse again.
        Temporary: the same call may succeed later.
    """
    try:
        yield
    except ClientError as error:
        raise _translated(error, action, name, where) from error
    except _HOPELESS as error:
        raise Denied(f"{action} {name}", where, str(error)) from error
    except BotoCoreError as error:
        raise Temporary(f"{action} {name}", where, _reason(error)) from error


def _translated(error: ClientError, action: str, name: str, where: str) -> CustomerClustersError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _LATER or status >= 500 or status == 429:
        return Temporary(f"{action} {name}", where, _WORDS.get(code, code))
    if code in _MISSING or (action == "read" and code == _DELETED):
        return NotFound("bucket" if code == "NoSuchBucket" else f"file {name}", where)
    if code in _CHANGED:
        return Conflict(name, where)
    return Denied(f"{action} {name}", where, code or str(status))


def _reason(error: BotoCoreError) -> str:
    """The kind of an error, and who did not answer: only the host, for a URL may be signed."""
    kind = type(error).__name__
    host = urlsplit(str(getattr(error, "kwargs", {}).get("endpoint_url", ""))).netloc
    return f"{host} does not answer ({kind})" if host else kind
