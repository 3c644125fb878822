"""Signed tokens (JWT) of a company's own sign-in: who sends one, and what he may do.

The claims that an API Gateway has checked pass through the same code.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from functions.http.access.signing_keys import SigningKeys
from functions.http.problems import ProblemError
from functions.logs import Log
from functions.settings.access import AccessSettings
from functions.settings.clients import ALL_SCOPES, Client
from model_store import MissingExtra

ALGORITHMS = ("RS256", "ES256")
LEEWAY_SECONDS = 30
"""How far the clocks of who signs and who checks may be apart."""
LONGEST = 8_192
KEPT_SECONDS, KEPT_TOKENS = 60.0, 1_024
"""So long a token is not checked again, and so many of them are remembered."""
LONGEST_NAME = 64
_OF_DIGEST = 16
_SUBJECTS = ("sub", "client_id", "azp")
_OTHER_SCOPE_CLAIM = "scp"


class Tokens:
    """Tells clients by the tokens of one issuer."""

    def __init__(
        self, settings: AccessSettings, log: Log, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings, self._clock = settings, clock
        self._keys: SigningKeys | None = None
        self._jwt: Any = None  # PyJWT, which comes with the first token
        if settings.jwt_keys:
            if find_spec("jwt") is None:
                raise MissingExtra("CUSTOMER_CLUSTERS_JWT_ISSUER", "jwt")
            self._keys = SigningKeys(settings.jwt_keys, log)
        self._known: dict[bytes, tuple[Client, float]] = {}

    async def client(self, token: bytes) -> Client:
        """Who has sent a token.

        Raises:
            ProblemError: It is none of ours, does not hold now, or cannot be checked.
        """
        digest = hashlib.sha256(token).digest()
        client, until = self._known.get(digest, (None, 0.0))
        now = self._clock()
        if client is not None and now < until:
            return client
        claims = await self._checked(token)
        client = self.client_of(claims)
        if len(self._known) >= KEPT_TOKENS:
            self._known.clear()
        self._known[digest] = client, min(now + KEPT_SECONDS, int(claims["exp"]))
        return client

    def client_of(self, claims: Mapping[str, Any]) -> Client:
        """Who is meant by claims that were checked, here or by the gateway.

        Raises:
            ProblemError: They are of another issuer, for others, or name nobody.
        """
        if claims.get("iss") != self._settings.jwt_issuer:
            raise wrong_token("it is of another issuer")
        if not set(audiences_of(claims)) & set(self._settings.jwt_audience):
            raise wrong_token("it is for another audience")
        subject = next((claims[name] for name in _SUBJECTS if claims.get(name)), None)
        if not isinstance(subject, str) or not subject.isprintable():
            raise wrong_token("it names no subject")
        return Client(f"jwt:{_short(subject)}", self._scopes(claims), self._settings.jwt_rate)

    def _scopes(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """Ours among those of the token; without one of ours it may do nothing."""
        claim, prefix = self._settings.jwt_scope_claim, self._settings.jwt_scope_prefix
        given = words_of(claims.get(claim, claims.get(_OTHER_SCOPE_CLAIM)))
        ours = {word.removeprefix(prefix) for word in given if word.startswith(prefix)}
        return ALL_SCOPES & ours

    async def _checked(self, token: bytes) -> Mapping[str, Any]:
        """The claims of a token whose signature and time are right."""
        if self._keys is None or len(token) > LONGEST:
            raise wrong_token("it is too long" if self._keys else "none is taken here")
        jwt = self._jwt = self._jwt or await asyncio.to_thread(import_module, "jwt")
        try:
            key = await self._keys.of(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                raise wrong_token("its key is not among those of the issuer")
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                issuer=self._settings.jwt_issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss"], "verify_aud": False},
            )
        except OverflowError:  # such as of a time with 400 digits
            raise wrong_token("it cannot be read") from None
        except jwt.PyJWTError as error:
            raise wrong_token(_REASONS.get(type(error).__name__, "it cannot be read")) from None
        return claims


_REASONS = {
    "ExpiredSignatureError": "it has expired",
    "ImmatureSignatureError": "it does not hold yet",
    "InvalidAlgorithmError": f"it is not signed by {' or '.join(ALGORITHMS)}",
    "InvalidIssuerError": "it is of another issuer",
    "InvalidSignatureError": "its signature does not fit",
    "MissingRequiredClaimError": "it lacks the claim exp or iss",
}


def wrong_token(reason: str) -> ProblemError:
    """The problem of a token that is not taken."""
    challenge = f'Bearer error="invalid_token", error_description="{reason}"'
    return ProblemError(
        401,
        f"this token is not taken: {reason}",
        code="invalid_token",
        headers={"WWW-Authenticate": challenge},
    )


def _short(subject: str) -> str:
    """A subject as a client's name: a long one keeps apart from others that begin like it."""
    if len(subject) <= LONGEST_NAME:
        return subject
    digest = hashlib.sha256(subject.encode()).hexdigest()
    return f"{subject[: LONGEST_NAME - _OF_DIGEST - 1]}~{digest[:_OF_DIGEST]}"


def audiences_of(claims: Mapping[str, Any]) -> Sequence[str]:
    """For whom a token is; one without `aud`, as Amazon Cognito's, is for its `client_id`."""
    given = claims["aud"] if "aud" in claims else claims.get("client_id")
    if isinstance(given, str) and not given.startswith("["):
        return [given]  # whose blanks are its own
    return words_of(given)


def words_of(value: object) -> Sequence[str]:
    """The words of a claim: a list, or text with blanks, which a gateway puts in brackets."""
    if isinstance(value, str):
        inside = value[1:-1] if value.startswith("[") and value.endswith("]") else value
        return inside.split()
    if isinstance(value, list):
        return [word for word in value if isinstance(word, str)]
    return []
