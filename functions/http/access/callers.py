"""Who sends a request, whether he may, and how often."""

import hashlib
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from functions.http.access.credentials import Fields, Headers, is_basic, presented_key
from functions.http.access.guesses import Guesses
from functions.http.access.rates import Buckets
from functions.http.access.scopes import may, scope_needed
from functions.http.problems import ProblemError
from functions.logs import Log
from functions.settings.access import AccessSettings
from functions.settings.clients import Client, Rate, api_keys_of, shown_scopes

if TYPE_CHECKING:
    from functions.http.access.tokens import Tokens

MOST_SUBJECTS = 10_000
"""So many subjects of tokens have their requests counted."""
_DOTS_OF_A_TOKEN = 2


class Callers:
    """Tells the clients of one application apart.

    Args:
        entries: Of the API keys, as the setting has them.
        settings: Whose tokens are taken.
        log: Takes what goes wrong with the keys of tokens.
        clock: In seconds.
    """

    def __init__(
        self,
        entries: Sequence[str],
        settings: AccessSettings,
        log: Log,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        keys = api_keys_of(tuple(entries))
        self._buckets = Buckets(max(MOST_SUBJECTS, len(keys)))
        self._clients = {bytes.fromhex(key.sha256): key.client for key in keys}
        self._gateway = settings.gateway
        self._tokens = _tokens_of(settings, log)
        self._guesses = Guesses()

    def admit(
        self, scope: Scope, path: str, headers: Headers, fields: Fields
    ) -> Awaitable[None] | None:
        """Let a request pass whose client may send it.

        Args:
            scope: Of the request; it gets `caller`, the client's name, and what `may` reads.
                What ASGI calls the client is an address only.
            path: Ours, without what stands before it.
            headers: Of the request.
            fields: Gets the headers that tell of the client's rate.

        Returns:
            None, or what is to be awaited before it passes: most clients are known at once.

        Raises:
            ProblemError: It may not pass.
        """
        client = self._of_gateway(scope) if self._gateway else None
        if client is None:
            credential = presented_key(headers)
            if self._tokens and _like_a_token(credential, headers):
                return self._admit_token(self._tokens, credential, scope, path, fields)
            client = self._of_key(scope, credential)
        self._pass(client, scope, path, fields)
        return None

    async def _admit_token(
        self, tokens: "Tokens", credential: bytes, scope: Scope, path: str, fields: Fields
    ) -> None:
        self._pass(await tokens.client(credential), scope, path, fields)

    def _pass(self, client: Client, scope: Scope, path: str, fields: Fields) -> None:
        """Let a known client pass where its scopes and its rate allow it."""
        scope["caller"], scope["caller_scopes"] = client.name, client.scopes
        if client.rate is not None:
            self._count(client.name, client.rate, fields)
        needed = scope_needed(path)
        if needed is not None and needed not in client.scopes and not may(scope, needed):
            raise _missing_scope(needed, client)

    def _of_key(self, scope: Scope, credential: bytes) -> Client:
        """The client whose key it is, found by the key's hash: of that, time may tell."""
        if not credential:
            raise self._unknown("send")
        digest = hashlib.sha256(credential).digest()
        address = (scope.get("client") or ("",))[0]
        client = self._clients.get(digest)
        if client is not None and (address, digest) in self._guesses.right:
            return client
        if wait := self._guesses.wait(address, self._clock()):
            raise self._not_looked_at(wait)
        if client is None:
            self._guesses.count_wrong(address, self._clock())
            raise self._unknown("the key is unknown; send")
        self._guesses.remember_right(address, digest)
        return client

    def _of_gateway(self, scope: Scope) -> Client | None:
        """The client that the gateway before the function has checked, where it is to be believed.

        Only the gateway can write there; a client sends what is in its headers and body.
        """
        if "aws.event" not in scope:
            return None
        authorizer = scope["aws.event"]["requestContext"].get("authorizer") or {}
        checked: dict[str, Any] = authorizer.get(self._gateway) or {}
        if self._gateway == "iam" and (arn := checked.get("userArn")):
            return Client(f"iam:{arn.rpartition(':')[2]}")
        if self._gateway == "jwt" and self._tokens and (claims := checked.get("claims")):
            return self._tokens.client_of(claims)
        return None

    def _count(self, name: str, rate: Rate, fields: Fields) -> None:
        now = self._clock()
        bucket = self._buckets.of(name, rate, now)
        wait = bucket.take(now)
        fields += (bucket.policy, bucket.left(wait))
        if wait:
            detail = f"{name} may ask at a rate of {rate}; try again later"
            raise ProblemError(429, detail, code="rate_exceeded", headers=_after(wait))

    def _not_looked_at(self, wait: float) -> ProblemError:
        detail = "too many wrong keys came from this address; try again later"
        headers = {**_after(wait), "WWW-Authenticate": self._challenge}
        return ProblemError(401, detail, code="too_many_attempts", headers=headers)

    @property
    def _challenge(self) -> str:
        if self._clients:
            return 'Basic realm="customer clusters", charset="UTF-8"'
        return "Bearer" if self._tokens else "AWS4-HMAC-SHA256"

    def _unknown(self, beginning: str) -> ProblemError:
        ways = "`Authorization: Bearer KEY`, `X-API-Key: KEY`, or the password of HTTP Basic"
        sent = f"a key as {ways}" if self._clients else "a request that is signed for IAM"
        if self._tokens:
            token = "a token as `Authorization: Bearer TOKEN`"
            sent = f"{sent}, or {token}" if self._clients else token
        headers = {"WWW-Authenticate": self._challenge}
        return ProblemError(401, f"{beginning} {sent}", headers=headers)


def _like_a_token(credential: bytes, headers: Headers) -> bool:
    return credential.count(b".") == _DOTS_OF_A_TOKEN and not is_basic(headers)


def _tokens_of(settings: AccessSettings, log: Log) -> "Tokens | None":
    if not settings.jwt_issuer:
        return None
    from functions.http.access.tokens import Tokens  # who takes none need not load it

    return Tokens(settings, log)


def _after(wait: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(wait)))}


def _missing_scope(needed: str, client: Client) -> ProblemError:
    has = ", ".join(shown_scopes(client.scopes)) or "none"
    return ProblemError(
        403,
        f"this needs the scope {needed}; {client.name} has {has}",
        code="missing_scope",
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{needed}"'},
    )
