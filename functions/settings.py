"""Settings from the environment. Nothing else reads it."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from model_store import BUNDLED, CHAMPION, CustomerClustersError, S3Address
from pipeline.reading.options import AUTODETECT, OPTIONS, ReadingOptions, WrongOption

_PREFIX = "CUSTOMER_CLUSTERS_"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_POSITIVE, _WHOLE = "a number above zero", "a whole number above zero"
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_JOB, _LARGE = "local:///opt/code/functions/spark_job.py", 1 << 30
_APPLICATION = re.compile(r"[0-9a-z]{1,64}")
_ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+")
READING_VARIABLES = {name: _PREFIX + name.upper() for name in OPTIONS}
"""The variable of each option about how files are written."""
T = TypeVar("T")


class WrongSetting(CustomerClustersError, ValueError):
    """Raised when a variable of the environment cannot be used; its value is never shown."""

    code = "wrong_setting"

    def __init__(self, variable: str, expected: str) -> None:
        self.variable, self.expected = variable, expected
        super().__init__(f"{variable}: expected {expected}")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the models are, which one answers, and what a server allows."""

    store: str = str(BUNDLED)
    """CUSTOMER_CLUSTERS_STORE: a folder or s3:// address; by default the bundled models."""
    model: str = CHAMPION
    """CUSTOMER_CLUSTERS_MODEL: the alias or version that answers."""
    model_ttl_seconds: float = 60.0
    """CUSTOMER_CLUSTERS_MODEL_TTL_SECONDS: how often a server looks where the alias points."""
    api_keys: tuple[str, ...] = ()
    """CUSTOMER_CLUSTERS_API_KEYS: SHA-256 of each key in hex, with commas; none: open to all."""
    max_body_bytes: int = 1_048_576
    """CUSTOMER_CLUSTERS_MAX_BODY_BYTES: a larger request is refused."""
    request_seconds: float = 10.0
    """CUSTOMER_CLUSTERS_REQUEST_SECONDS: how long a client may take to send its request."""
    root_path: str = ""
    """CUSTOMER_CLUSTERS_ROOT_PATH: the path under which a proxy shows the pages, e.g. /groups."""
    trusted_keys: tuple[str, ...] = ()
    """CUSTOMER_CLUSTERS_TRUSTED_KEYS: Ed25519 public keys in base64, with commas; where there are
    any, a model that none of them signed is refused."""
    sign_key: Path | None = None
    """CUSTOMER_CLUSTERS_SIGN_KEY: the file with the private key that signs what is published."""
    max_upload_bytes: int = 20_000_000
    """CUSTOMER_CLUSTERS_MAX_UPLOAD_BYTES: a larger file is not scored; 0: none is taken at all."""
    buckets: "BatchSettings | None" = None
    """CUSTOMER_CLUSTERS_INPUT and _OUTPUT: with them, the page for files sends them there."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from a mapping such as os.environ; WrongSetting names what is off."""
        read = _Reader(environment)
        plain = cls()
        return cls(
            store=read("STORE", str, plain.store, "a folder or an s3:// address"),
            model=read("MODEL", str, plain.model, "an alias or a version"),
            trusted_keys=read(
                "TRUSTED_KEYS", _keys, (), "Ed25519 public keys in base64, separated by commas"
            ),
            sign_key=read("SIGN_KEY", Path, None, "a file"),
            model_ttl_seconds=read(
                "MODEL_TTL_SECONDS", _positive, plain.model_ttl_seconds, _POSITIVE
            ),
            api_keys=read(
                "API_KEYS", _hashes, (), "SHA-256 hashes (64 hex digits), separated by commas"
            ),
            max_body_bytes=read("MAX_BODY_BYTES", _whole, plain.max_body_bytes, _WHOLE),
            request_seconds=read("REQUEST_SECONDS", _positive, plain.request_seconds, _POSITIVE),
            root_path=read("ROOT_PATH", _path, "", "a path such as /groups"),
            max_upload_bytes=read(
                "MAX_UPLOAD_BYTES", _whole_or_none, plain.max_upload_bytes, f"{_WHOLE}, or 0"
            ),
            buckets=BatchSettings.from_environment(environment) if read.has("INPUT") else None,
        )


@dataclass(frozen=True, slots=True)
class SparkSettings:
    """The EMR Serverless application that takes large files, and what a job there runs as."""

    application: str
    """CUSTOMER_CLUSTERS_SPARK_APPLICATION: its id."""
    role: str
    """CUSTOMER_CLUSTERS_SPARK_ROLE: the ARN of the role of its jobs."""
    entry_point: str = _JOB
    """CUSTOMER_CLUSTERS_SPARK_ENTRY_POINT: where the job's code is, in the application's image."""
    submit_parameters: str = ""
    """CUSTOMER_CLUSTERS_SPARK_SUBMIT_PARAMETERS: for spark-submit, such as the executors' size."""
    threshold_bytes: int = _LARGE
    """CUSTOMER_CLUSTERS_SPARK_THRESHOLD_BYTES: larger files go there."""


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """Where the function that scores dropped files reads and writes, and its limits."""

    input: S3Address
    """CUSTOMER_CLUSTERS_INPUT: where files are dropped, e.g. s3://bucket/incoming."""
    output: S3Address
    """CUSTOMER_CLUSTERS_OUTPUT: where results/ goes: another bucket, or a prefix apart."""
    max_input_bytes: int = 2 << 30
    """CUSTOMER_CLUSTERS_MAX_INPUT_BYTES: a larger file is refused; it must fit in /tmp, twice."""
    lease_seconds: float = 300.0
    """CUSTOMER_CLUSTERS_LEASE_SECONDS: a worker silent for so long is taken for dead."""
    deadline_seconds: float = 30.0
    """CUSTOMER_CLUSTERS_DEADLINE_SECONDS: with less time left, a file is given back."""
    challenger: str | None = None
    """CUSTOMER_CLUSTERS_CHALLENGER: the alias or version of a second model that assigns as well."""
    spark: SparkSettings | None = None
    """None where CUSTOMER_CLUSTERS_SPARK_APPLICATION is not set: then no file goes to Spark."""
    reading: ReadingOptions = AUTODETECT
    """CUSTOMER_CLUSTERS_DELIMITER, _DECIMAL, _THOUSANDS, _ENCODING, _SHEET and _HEADER_ROW: how
    every dropped file is written, where files do not show it."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read them from a mapping; both addresses must be set, and be apart."""
        read = _Reader(environment)
        made = cls(
            input=read.required("INPUT", S3Address.from_string, "s3://bucket/prefix"),
            output=read.required("OUTPUT", S3Address.from_string, "s3://bucket/prefix"),
            max_input_bytes=read("MAX_INPUT_BYTES", _whole, 2 << 30, _WHOLE),
            lease_seconds=read("LEASE_SECONDS", _positive, 300.0, _POSITIVE),
            deadline_seconds=read("DEADLINE_SECONDS", _positive, 30.0, _POSITIVE),
            spark=_spark(read),
            challenger=read("CHALLENGER", str, None, "an alias or a version"),
            reading=_reading(environment),
        )
        if made.input.overlaps(made.output):
            apart = (
                f"another bucket than {_PREFIX}INPUT, or a prefix that neither holds nor is held"
            )
            raise WrongSetting(
                f"{_PREFIX}OUTPUT", f"{apart} by it: results would come back as input"
            )
        return made


@dataclass(frozen=True, slots=True)
class RetrainingSettings:
    """What the function that retrains reads, where it publishes, and its limit."""

    data: S3Address
    """CUSTOMER_CLUSTERS_TRAINING_DATA: the customers to train on, s3://bucket/key."""
    store: S3Address
    """CUSTOMER_CLUSTERS_STORE, which has to be in S3 here: a function's disk forgets."""
    max_training_bytes: int = 20_000_000
    """CUSTOMER_CLUSTERS_MAX_TRAINING_BYTES: a larger file is refused."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Like `Settings.from_environment`; both addresses must be set."""
        read = _Reader(environment)
        return cls(
            data=read.required("TRAINING_DATA", _object, "s3://bucket/key of a file"),
            store=read.required("STORE", S3Address.from_string, "s3://bucket/prefix"),
            max_training_bytes=read("MAX_TRAINING_BYTES", _whole, 20_000_000, _WHOLE),
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one variable after the other; WrongSetting names the one that is off."""

    environment: Mapping[str, str]

    def __call__(self, name: str, parse: Callable[[str], T], default: T, expected: str) -> T:
        return self.required(name, parse, expected) if self.has(name) else default

    def has(self, name: str) -> bool:
        return bool(self._text(name))

    def required(self, name: str, parse: Callable[[str], T], expected: str) -> T:
        try:
            return parse(self._text(name))
        except ValueError:
            raise WrongSetting(_PREFIX + name, expected) from None

    def _text(self, name: str) -> str:
        return self.environment.get(_PREFIX + name, "").strip()


def _object(text: str) -> S3Address:
    address = S3Address.from_string(text)
    if not address.key or address.key.endswith("/"):
        raise ValueError
    return address


def _spark(read: _Reader) -> SparkSettings | None:
    application = read("SPARK_APPLICATION", _application, "", "the id of an application")
    if not application:
        return None
    return SparkSettings(
        application,
        read.required("SPARK_ROLE", _role, "the ARN of a role"),
        read("SPARK_ENTRY_POINT", str, _JOB, "an address"),
        read("SPARK_SUBMIT_PARAMETERS", str, "", "options of spark-submit"),
        read("SPARK_THRESHOLD_BYTES", _whole, _LARGE, _WHOLE),
    )


def _reading(environment: Mapping[str, str]) -> ReadingOptions:
    texts = {  # a tab alone is a delimiter
        name: environment.get(variable, "").strip(" ")
        for name, variable in READING_VARIABLES.items()
    }
    try:
        return ReadingOptions.from_texts(texts)
    except WrongOption as error:
        raise WrongSetting(READING_VARIABLES[error.name], error.expected) from None


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError
    return number


def _whole(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise ValueError
    return number


def _whole_or_none(text: str) -> int:
    return 0 if int(text) == 0 else _whole(text)


def _application(text: str) -> str:
    if not _APPLICATION.fullmatch(text):
        raise ValueError
    return text


def _role(text: str) -> str:
    if not _ROLE.fullmatch(text):
        raise ValueError
    return text


def _hashes(text: str) -> tuple[str, ...]:
    hashes = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if not hashes or not all(_SHA256.fullmatch(part) for part in hashes):
        raise ValueError
    return hashes


def _keys(text: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in text.split(",") if part.strip())
    if not keys or any(len(base64.b64decode(key, validate=True)) != 32 for key in keys):
        raise ValueError
    return keys


def _path(text: str) -> str:
    path = text.rstrip("/")
    if not _ROOT_PATH.fullmatch(path):
        raise ValueError
    return path
