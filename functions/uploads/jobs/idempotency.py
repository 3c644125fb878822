"""The header Idempotency-Key: the same key of the same client is the same job.

There is no table of keys: the id of the job is a keyed digest of both.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from pathlib import Path

from starlette.requests import Request

from functions.http.access.credentials import presented_key
from functions.http.problems import ProblemError

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[!-~]{1,255}")
_ID_BYTES = 24
_SECRET = "secret"


def idempotency_key(request: Request) -> str | None:
    """The key that a request brings; None without one.

    Raises:
        ProblemError: It is none.
    """
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise ProblemError(422, f"{HEADER}: expected 1 to 255 printable characters, such as a UUID")
    return given[0]


def job_id(request: Request, key: str | None, secret: bytes) -> str:
    """The id of a job: a new one, or that of the client's key.

    Args:
        request: It tells who the client is.
        key: The client's key.
        secret: What nobody outside knows, so that no id can be guessed by the key.
    """
    if key is None:
        return secrets.token_urlsafe(_ID_BYTES)
    message = json.dumps([*_client(request), key]).encode()
    digest = hmac.new(secret, message, hashlib.sha256).digest()[:_ID_BYTES]
    return base64.urlsafe_b64encode(digest).decode()


def other_body() -> ProblemError:
    """What is answered to a key that came with another file, or with other options."""
    words = f"{HEADER}: this key was sent with another file, or with other options; use a new one"
    return ProblemError(422, words, code="idempotency_key_reused")


def secret_in(folder: Path) -> bytes:
    """The secret of a folder that nobody else may read, made with its first use."""
    path = folder / _SECRET
    if not path.exists():
        aside = folder / f"{_SECRET}.{secrets.token_hex(8)}"
        aside.write_bytes(secrets.token_bytes(32))
        try:
            path.hardlink_to(aside)
        except FileExistsError:  # another process was faster
            pass
        except OSError:  # a file system without links
            aside.rename(path)
        aside.unlink(missing_ok=True)
    return path.read_bytes()


def _client(request: Request) -> tuple[str, str]:
    """Who asks: by name where clients have names, else by what it presented."""
    if caller := request.scope.get("caller"):
        return "name", str(caller)
    presented = presented_key(dict(request.scope["headers"]))
    return "key", hashlib.sha256(presented).hexdigest()
