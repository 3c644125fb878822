"""Who is told of runs, from the environment."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Self, TypeVar

from functions.settings.kinds import SHARE, secure_address
from functions.settings.variables import Kind, Variable, WrongSetting, read, setting, variables_of
from pipeline.runs.notices import MOST_REJECTED, Rule

Form = Literal["standard", "text"]
"""What a webhook gets: a signed document, or a text for a chat tool."""
Told = Literal["all", "attention"]
_FORMS: tuple[Form, ...] = ("standard", "text")
_TOLD: tuple[Told, ...] = ("all", "attention")
_Word = TypeVar("_Word", bound=str)
_SECRET_PREFIX = "whsec_"
_SECRET_BYTES = range(24, 65)


def _secrets(text: str) -> tuple[bytes, ...]:
    secrets = tuple(_secret(part.strip()) for part in text.split(",") if part.strip())
    if not secrets:
        raise ValueError
    return secrets


def _secret(text: str) -> bytes:
    if not text.startswith(_SECRET_PREFIX):
        raise ValueError
    try:
        secret = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError from None  # the cause would quote nothing, and says nothing
    if len(secret) not in _SECRET_BYTES:
        raise ValueError
    return secret


def _one_of(words: tuple[_Word, ...]) -> Callable[[str], _Word]:
    known = {str(word): word for word in words}

    def parse(text: str) -> _Word:
        if text not in known:
            raise ValueError
        return known[text]

    return parse


def _arn(service: str, resource: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = text.split(":", 5)
        known = len(parts) == 6 and parts[0] == "arn" and parts[1] and parts[3] and parts[5]
        if not known or parts[2] != service or not parts[5].startswith(resource):
            raise ValueError
        return text

    return parse


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """Where notices go, and which."""

    webhook: str | None = setting(
        "CUSTOMER_CLUSTERS_WEBHOOK",
        Kind(
            secure_address, "an address that begins with https://; http:// for this machine alone"
        ),
        "The address that notices are posted to; it is never logged",
        default=None,
        secret=True,
    )
    webhook_form: Form = setting(
        "CUSTOMER_CLUSTERS_WEBHOOK_FORM",
        Kind(_one_of(_FORMS), "standard or text"),
        '`standard` is a document signed as Standard Webhooks has it; `text` is `{"text": …}`, as '
        "chat tools take it",
        default="standard",
    )
    webhook_secrets: tuple[bytes, ...] = setting(
        "CUSTOMER_CLUSTERS_WEBHOOK_SECRET",
        Kind(_secrets, "whsec_ and 24 to 64 bytes in base64; several with commas"),
        "What the signature is made with, `whsec_` and 24 to 64 bytes in base64; while secrets "
        "are exchanged two, with a comma",
        default=(),
        shown="needed for `standard`",
        secret=True,
    )
    topic: str | None = setting(
        "CUSTOMER_CLUSTERS_NOTIFY_TOPIC",
        Kind(_arn("sns", ""), "the ARN of a topic of SNS"),
        "The ARN of a topic of SNS that notices are published to",
        default=None,
    )
    bus: str | None = setting(
        "CUSTOMER_CLUSTERS_NOTIFY_BUS",
        Kind(_arn("events", "event-bus/"), "the ARN of a bus of EventBridge"),
        "The ARN of a bus of EventBridge that notices are put on",
        default=None,
    )
    told: Told = setting(
        "CUSTOMER_CLUSTERS_NOTIFY",
        Kind(_one_of(_TOLD), "all or attention"),
        "`all` runs are told, or those alone that need `attention`: refused, or with a verdict",
        default="all",
    )
    most_rejected: float = setting(
        "CUSTOMER_CLUSTERS_NOTIFY_REJECTED_SHARE",
        SHARE,
        "A larger share of rejected rows needs attention",
        default=MOST_REJECTED,
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read them from a mapping such as `os.environ`.

        Raises:
            WrongSetting: A variable cannot be used, or a webhook has no secret to sign with.
        """
        made = read(cls, environment)
        if made.webhook and made.webhook_form == "standard" and not made.webhook_secrets:
            variable = variables_of(cls)["webhook_secrets"]
            raise WrongSetting(variable.name, f"{variable.kind.expected}: the webhook has none")
        return made

    @property
    def rule(self) -> Rule:
        """What is told."""
        return Rule(self.most_rejected, only_attention=self.told == "attention")


def notice_variables() -> list[Variable]:
    """The variables that decide who is told, wherever runs are made."""
    return [*variables_of(NoticeSettings).values()]


def receiver_variables() -> tuple[str, ...]:
    """The variables of which one must be set, or nobody is told."""
    known = variables_of(NoticeSettings)
    return tuple(known[name].name for name in ("webhook", "topic", "bus"))
