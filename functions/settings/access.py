"""Who may ask besides those who have a key: pages of other sites, and holders of tokens."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

from functions.settings.clients import Rate
from functions.settings.kinds import secure_address
from functions.settings.variables import Kind, WrongSetting, read, setting, variables_of

Gateway = Literal["jwt", "iam"]
"""What an API Gateway before the function has checked: a signed token, or a signature by IAM."""
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[1-9]\d{0,4})?")
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_CLAIM = re.compile(r"[A-Za-z0-9_:/.-]{1,200}")
_PRINTABLE = re.compile(r"[!-~]{1,2000}")


def _parts(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError
    return parts


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(part.lower() for part in _parts(text))
    if not all(map(_ORIGIN.fullmatch, origins)):
        raise ValueError
    return origins


def _hosts(text: str) -> tuple[str, ...]:
    names = tuple(part.lower() for part in _parts(text))
    if not all(map(_HOST.fullmatch, names)):
        raise ValueError
    return names


def _gateway(text: str) -> Gateway:
    known: dict[str, Gateway] = {"jwt": "jwt", "iam": "iam"}
    if text not in known:
        raise ValueError
    return known[text]


def _words(text: str) -> tuple[str, ...]:
    words = tuple(_parts(text))
    if not all(map(_PRINTABLE.fullmatch, words)):
        raise ValueError
    return words


def _word(text: str) -> str:
    if not _PRINTABLE.fullmatch(text):
        raise ValueError
    return text


def _claim(text: str) -> str:
    if not _CLAIM.fullmatch(text):
        raise ValueError
    return text


def _key_set(text: str) -> str:
    return secure_address(text) if "://" in text else text


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Whose pages may ask, under which names, and whose tokens are taken."""

    cors_origins: tuple[str, ...] = setting(
        "CUSTOMER_CLUSTERS_CORS_ORIGINS",
        Kind(_origins, "origins such as https://app.example, separated by commas; no * and no /"),
        "Origins of pages whose scripts may ask the API, such as `https://app.example`, with "
        "commas",
        default=(),
    )
    hosts: tuple[str, ...] = setting(
        "CUSTOMER_CLUSTERS_HOSTS",
        Kind(_hosts, "names of this server, separated by commas, without ports"),
        "Names under which this server is asked, with commas; others are refused. Addresses and "
        "`localhost` need not be named",
        default=(),
        shown="all; without keys on a loopback address `localhost`",
    )
    jwt_issuer: str = setting(
        "CUSTOMER_CLUSTERS_JWT_ISSUER",
        Kind(_word, "the claim iss of a token"),
        "Who signs the tokens (JWT) that are taken besides keys: their claim `iss`, letter by "
        "letter",
        default="",
        shown="none, no tokens",
    )
    jwt_audience: tuple[str, ...] = setting(
        "CUSTOMER_CLUSTERS_JWT_AUDIENCE",
        Kind(_words, "the claim aud of a token, several with commas"),
        "For whom a token has to be: its claim `aud`; several with commas",
        default=(),
        shown="needed with it",
    )
    jwt_keys: str = setting(
        "CUSTOMER_CLUSTERS_JWT_KEYS",
        Kind(_key_set, "the address of a JWKS, https:// (http:// for this machine), or a file"),
        "Where the keys of tokens are: the `https://` address of a JWKS, or a file with one",
        default="",
        shown="needed with it",
    )
    jwt_scope_claim: str = setting(
        "CUSTOMER_CLUSTERS_JWT_SCOPE_CLAIM",
        Kind(_claim, "the name of a claim"),
        "The claim that has the scopes, as text with blanks or as a list",
        default="scope",
        shown="`scope`, else `scp`",
    )
    jwt_scope_prefix: str = setting(
        "CUSTOMER_CLUSTERS_JWT_SCOPE_PREFIX",
        Kind(_word, "a text without blanks"),
        "What stands before our scopes in that claim, such as `customer-clusters/`",
        default="",
    )
    jwt_rate: Rate | None = setting(
        "CUSTOMER_CLUSTERS_JWT_RATE",
        Kind(Rate.from_text, "a rate such as 100/s, 600/min or 5000/h"),
        "How many requests each subject of tokens may send, such as `100/s`",
        default=None,
    )
    gateway: Gateway | None = setting(
        "CUSTOMER_CLUSTERS_GATEWAY",
        Kind(_gateway, "jwt or iam"),
        "What the API Gateway before the function has checked, whose word is taken then: `jwt` "
        "or `iam`",
        default=None,
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read them from a mapping such as `os.environ`.

        Raises:
            WrongSetting: A variable cannot be used, or tokens lack an audience, or keys.
        """
        made = read(cls, environment)
        for name in made._missing():
            variable = variables_of(cls)[name]
            raise WrongSetting(variable.name, variable.kind.expected)
        return made

    @property
    def known(self) -> bool:
        """Whether clients are told apart by something else than keys."""
        return bool(self.jwt_issuer or self.gateway)

    def _missing(self) -> list[str]:
        """The fields without which what is set means nothing."""
        if self.gateway == "jwt":
            needed = {"jwt_issuer": self.jwt_issuer, "jwt_audience": self.jwt_audience}
        elif self.jwt_issuer:
            needed = {"jwt_audience": self.jwt_audience, "jwt_keys": self.jwt_keys}
        else:
            needed = {}
        return [name for name, value in needed.items() if not value]
