"""Settings from the environment. Nothing else reads it."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Self

from functions.variables import PREFIX, Kind, Variable, WrongSetting, read, setting, variables_of
from model_store import BUNDLED, CHAMPION, S3Address
from pipeline.hashing import CONTROL_KEY
from pipeline.reading.options import AUTODETECT, OPTIONS, ReadingOptions, WrongOption
from pipeline.scoring.documents import OUTPUT_FORMATS, OutputFormat
from pipeline.scoring.period import DEFAULT_PERIODS, PeriodPattern

__all__ = [
    "READING_VARIABLES",
    "BatchSettings",
    "RetrainingSettings",
    "Settings",
    "SparkSettings",
    "WrongSetting",
    "batch_variables",
    "retraining_variables",
    "server_variables",
]
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_APPLICATION = re.compile(r"[0-9a-z]{1,64}")
_ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[\w+=,.@/-]+")
READING_VARIABLES = {name: PREFIX + name.upper() for name in OPTIONS}
"""The variable of each option about how files are written."""


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


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError
        return text

    return parse


def _path(text: str) -> str:
    return _matching(_ROOT_PATH)(text.rstrip("/"))


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",") if part.strip())
    if not parts:
        raise ValueError
    return parts


def _hashes(text: str) -> tuple[str, ...]:
    return tuple(_matching(_SHA256)(part.lower()) for part in _parts(text))


def _keys(text: str) -> tuple[str, ...]:
    keys = _parts(text)
    if any(len(base64.b64decode(key, validate=True)) != 32 for key in keys):
        raise ValueError
    return keys


def _format(text: str) -> OutputFormat:
    known: dict[str, OutputFormat] = {each: each for each in OUTPUT_FORMATS}
    if text not in known:
        raise ValueError
    return known[text]


def _object(text: str) -> S3Address:
    address = S3Address.from_string(text)
    if not address.key or address.key.endswith("/"):
        raise ValueError
    return address


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError
    return text.lower() == "true"


_POSITIVE = Kind(_positive, "a number above zero")
_WHOLE = Kind(_whole, "a whole number above zero")
_WHOLE_OR_NONE = Kind(_whole_or_none, f"{_WHOLE.expected}, or 0")
_YES_OR_NO = Kind(_yes_or_no, "true or false")
_S3_PREFIX = Kind(S3Address.from_string, "s3://bucket/prefix")


@dataclass(frozen=True, slots=True)
class SparkSettings:
    """The EMR Serverless application that takes large files, and what a job there runs as."""

    application: str = setting(
        "CUSTOMER_CLUSTERS_SPARK_APPLICATION",
        Kind(_matching(_APPLICATION), "the id of an application"),
        "The id of the EMR Serverless application that takes large files; without one none goes "
        "there",
        shown="none",
    )
    role: str = setting(
        "CUSTOMER_CLUSTERS_SPARK_ROLE",
        Kind(_matching(_ROLE), "the ARN of a role"),
        "The ARN of the role of its jobs",
        shown="needed with it",
    )
    entry_point: str = setting(
        "CUSTOMER_CLUSTERS_SPARK_ENTRY_POINT",
        Kind(str, "an address"),
        "Where the job's code is in the application's image",
        default="local:///opt/code/functions/spark_job.py",
    )
    submit_parameters: str = setting(
        "CUSTOMER_CLUSTERS_SPARK_SUBMIT_PARAMETERS",
        Kind(str, "options of spark-submit"),
        "Options of spark-submit, such as the size of executors",
        default="",
    )
    threshold_bytes: int = setting(
        "CUSTOMER_CLUSTERS_SPARK_THRESHOLD_BYTES",
        _WHOLE,
        "Larger files go there",
        default=1 << 30,
        shown="1 GiB",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self | None:
        """Read them from a mapping; None where no application is named."""
        application = variables_of(cls)["application"]
        return read(cls, environment) if application.is_set(environment) else None


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """Where the function that scores dropped files reads and writes, and its limits."""

    input: S3Address = setting(
        "CUSTOMER_CLUSTERS_INPUT",
        _S3_PREFIX,
        "Where files are dropped, `s3://bucket/incoming`; the page `/files` sends them there",
    )
    output: S3Address = setting(
        "CUSTOMER_CLUSTERS_OUTPUT",
        _S3_PREFIX,
        "Where `results/` goes: another bucket, or a prefix apart",
    )
    max_input_bytes: int = setting(
        "CUSTOMER_CLUSTERS_MAX_INPUT_BYTES",
        _WHOLE,
        "A larger file is refused; `/tmp` must hold it and its results",
        default=2 << 30,
        shown="2 GiB",
    )
    deadline_seconds: float = setting(
        "CUSTOMER_CLUSTERS_DEADLINE_SECONDS",
        _POSITIVE,
        "With less time left, a file is given back to the queue",
        default=30.0,
    )
    challenger: str | None = setting(
        "CUSTOMER_CLUSTERS_CHALLENGER",
        Kind(str, "an alias or a version"),
        "The alias or version of a second model that assigns as well",
        default=None,
    )
    why: int = setting(
        "CUSTOMER_CLUSTERS_WHY",
        _WHOLE_OR_NONE,
        "So many reasons for each customer, as `--why` of `score`",
        default=0,
    )
    sentences: bool = setting(
        "CUSTOMER_CLUSTERS_SENTENCES",
        _YES_OR_NO,
        "Each reason in words too, as `--sentences` of `score`",
        default=False,
        shown="false",
    )
    what_if: bool = setting(
        "CUSTOMER_CLUSTERS_WHAT_IF",
        _YES_OR_NO,
        "The smallest change that leads to another cluster, as `--what-if` of `score`",
        default=False,
        shown="false",
    )
    spark: SparkSettings | None = None
    """None: no file goes to Spark."""
    reading: ReadingOptions = AUTODETECT
    """How every dropped file is written, where files do not show it."""
    format: OutputFormat | None = setting(
        "CUSTOMER_CLUSTERS_FORMAT",
        Kind(_format, ", ".join(OUTPUT_FORMATS)),
        "What assigned rows are written as: `csv`, `parquet` or `xlsx`, a workbook for people",
        default=None,
        shown="that of the file",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read them from a mapping such as `os.environ`.

        Raises:
            WrongSetting: A variable cannot be used, or an address is not set, or results would
                come back as input.
        """
        spark = SparkSettings.from_environment(environment)
        made = read(cls, environment, spark=spark, reading=_reading(environment))
        if made.input.overlaps(made.output):
            names = {field: variable.name for field, variable in variables_of(cls).items()}
            apart = (
                f"another bucket than {names['input']}, or a prefix that neither holds nor is held"
            )
            raise WrongSetting(names["output"], f"{apart} by it: results would come back as input")
        return made


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the models are, which one answers, and what a server allows."""

    store: str = setting(
        "CUSTOMER_CLUSTERS_STORE",
        Kind(str, "a folder or an s3:// address"),
        "The model store: a folder or `s3://bucket/prefix`",
        default=str(BUNDLED),
        shown="the bundled store",
    )
    model: str = setting(
        "CUSTOMER_CLUSTERS_MODEL",
        Kind(str, "an alias or a version"),
        "The alias or version of the model that answers",
        default=CHAMPION,
    )
    model_ttl_seconds: float = setting(
        "CUSTOMER_CLUSTERS_MODEL_TTL_SECONDS",
        _POSITIVE,
        "How often a server looks where the alias points",
        default=60.0,
    )
    api_keys: tuple[str, ...] = setting(
        "CUSTOMER_CLUSTERS_API_KEYS",
        Kind(_hashes, "SHA-256 hashes (64 hex digits), separated by commas"),
        "The SHA-256 of each API key in hex (`printf %s KEY | sha256sum`), with commas; clients "
        "send a key as bearer token, `X-API-Key` or password of HTTP Basic",
        default=(),
        shown="none, open to all",
    )
    max_body_bytes: int = setting(
        "CUSTOMER_CLUSTERS_MAX_BODY_BYTES",
        _WHOLE,
        "A larger request is refused; of a packed one this is what it unpacks to",
        default=1_048_576,
    )
    request_seconds: float = setting(
        "CUSTOMER_CLUSTERS_REQUEST_SECONDS",
        _POSITIVE,
        "How long a client may take to send its request",
        default=10.0,
    )
    root_path: str = setting(
        "CUSTOMER_CLUSTERS_ROOT_PATH",
        Kind(_path, "a path such as /groups"),
        "The path under which a proxy shows the pages, such as `/groups`",
        default="",
    )
    trusted_keys: tuple[str, ...] = setting(
        "CUSTOMER_CLUSTERS_TRUSTED_KEYS",
        Kind(_keys, "Ed25519 public keys in base64, separated by commas"),
        "Ed25519 public keys in base64, with commas; where there are any, a model that none of "
        "them signed is refused",
        default=(),
    )
    sign_key: Path | None = setting(
        "CUSTOMER_CLUSTERS_SIGN_KEY",
        Kind(Path, "a file"),
        "The file with the Ed25519 private key (PEM) that signs what is published",
        default=None,
    )
    max_upload_bytes: int = setting(
        "CUSTOMER_CLUSTERS_MAX_UPLOAD_BYTES",
        _WHOLE_OR_NONE,
        "A larger file on the page `/files` is not scored here; 0: none is taken",
        default=20_000_000,
    )
    keep_minutes: int = setting(
        "CUSTOMER_CLUSTERS_KEEP_MINUTES",
        _WHOLE,
        "Results of the page `/files` have an address for so long, on this machine's disk",
        default=15,
    )
    buckets: BatchSettings | None = None
    """Where they are, the page for files sends them there."""

    control_key: str = setting(
        "CUSTOMER_CLUSTERS_CONTROL_KEY",
        Kind(str, "a text"),
        "What ids are hashed with to draw the control group of an audience; another text draws "
        "another group",
        default=CONTROL_KEY,
    )
    as_of_pattern: PeriodPattern = setting(
        "CUSTOMER_CLUSTERS_AS_OF_PATTERN",
        Kind(PeriodPattern.from_text, "such as customers-{year}-{month}, several with |, or none"),
        "Where a file's name says to which period it belongs, such as `customers-{year}-{month}`; "
        "`none`: the day it is scored",
        default=DEFAULT_PERIODS,
        shown="`2026-11-27`, `2026_11_27`, `20261127`, `2026-11` or `2026_11` anywhere",
    )
    results: str = setting(
        "CUSTOMER_CLUSTERS_RESULTS",
        Kind(str, "a folder or an s3:// address"),
        "The folder or `s3://bucket/prefix/results` of scored files whose history the page "
        "`/history` shows to whoever may see the pages",
        default="",
        shown="none, no such page",
    )

    index_key: str = setting(
        "CUSTOMER_CLUSTERS_INDEX_KEY",
        Kind(str, "a secret text"),
        "What ids are hashed with in the index that each run gets, by which one customer is found "
        "again; another text finds nobody",
        default="",
        shown="none, no index",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from a mapping such as `os.environ`.

        Raises:
            WrongSetting: A variable cannot be used; the error names it.
        """
        buckets = None
        if variables_of(BatchSettings)["input"].is_set(environment):
            buckets = BatchSettings.from_environment(environment)
        return read(cls, environment, buckets=buckets)


@dataclass(frozen=True, slots=True)
class RetrainingSettings:
    """What the function that retrains reads, where it publishes, and its limit."""

    data: S3Address = setting(
        "CUSTOMER_CLUSTERS_TRAINING_DATA",
        Kind(_object, "s3://bucket/key of a file"),
        "The customers to train on, `s3://bucket/key`",
    )
    store: S3Address = setting(
        "CUSTOMER_CLUSTERS_STORE",
        _S3_PREFIX,
        "The model store, `s3://bucket/prefix`: a function's disk forgets",
    )
    max_training_bytes: int = setting(
        "CUSTOMER_CLUSTERS_MAX_TRAINING_BYTES",
        _WHOLE,
        "A larger object is refused",
        default=20_000_000,
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read them from a mapping such as `os.environ`.

        Raises:
            WrongSetting: A variable cannot be used, or an address is not set.
        """
        return read(cls, environment)


def server_variables() -> list[Variable]:
    """The variables that a server reads."""
    plain, buckets = variables_of(Settings), variables_of(BatchSettings)
    del plain["sign_key"]  # a server publishes nothing
    both = [replace(buckets[name], default="none") for name in ("input", "output")]
    return [*plain.values(), *both]


def batch_variables() -> list[Variable]:
    """The variables that the function for dropped files reads, besides the store and the model."""
    reading = [
        Variable(
            name,
            Kind(str, "what the option takes"),
            f"How every dropped file is written, as `--{option.replace('_', '-')}` of `score`",
            "as each file shows",
        )
        for option, name in READING_VARIABLES.items()
    ]
    own = (variables_of(group).values() for group in (BatchSettings, SparkSettings))
    return [*chain(*own), *reading, variables_of(Settings)["as_of_pattern"]]


def retraining_variables() -> list[Variable]:
    """The variables that the function that retrains reads."""
    return [*variables_of(RetrainingSettings).values()]


def _reading(environment: Mapping[str, str]) -> ReadingOptions:
    texts = {  # a tab alone is a delimiter
        name: environment.get(variable, "").strip(" ")
        for name, variable in READING_VARIABLES.items()
    }
    try:
        return ReadingOptions.from_texts(texts)
    except WrongOption as error:
        raise WrongSetting(READING_VARIABLES[error.name], error.expected) from None
