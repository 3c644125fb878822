"""Settings of a server, and of what it and the functions have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from functions.settings.access import AccessSettings
from functions.settings.batch import BatchSettings
from functions.settings.clients import API_KEYS
from functions.settings.kinds import (
    METRICS,
    PATH,
    POSITIVE,
    SERVER,
    SHARE,
    WHOLE,
    WHOLE_OR_NONE,
    Metrics,
)
from functions.settings.models import ModelSettings
from functions.settings.public_address import PublicAddress
from functions.settings.variables import Kind, WrongSetting, read, setting, variables_of
from pipeline.hashing import CONTROL_KEY
from pipeline.scoring.period import DEFAULT_PERIODS, PeriodPattern


@dataclass(frozen=True, slots=True)
class Settings(ModelSettings):
    """Where the models are, which one answers, and what a server allows."""

    model_ttl_seconds: float = setting(
        "CUSTOMER_CLUSTERS_MODEL_TTL_SECONDS",
        POSITIVE,
        "How often a server looks where the alias points",
        default=60.0,
    )
    api_keys: tuple[str, ...] = setting(
        "CUSTOMER_CLUSTERS_API_KEYS",
        API_KEYS,
        "An entry for each API key, with commas: its SHA-256 in hex, or `name:scopes:rate=` before "
        "that; `customer-clusters keys new` makes both. Clients send a key as bearer token, "
        "`X-API-Key` or password of HTTP Basic",
        default=(),
        shown="none, open to all",
    )
    max_body_bytes: int = setting(
        "CUSTOMER_CLUSTERS_MAX_BODY_BYTES",
        WHOLE,
        "A larger request is refused; of a packed one this is what it unpacks to",
        default=1_048_576,
    )
    request_seconds: float = setting(
        "CUSTOMER_CLUSTERS_REQUEST_SECONDS",
        POSITIVE,
        "How long a client may take to send its request",
        default=10.0,
    )
    root_path: str = setting(
        "CUSTOMER_CLUSTERS_ROOT_PATH",
        PATH,
        "The path under which a proxy shows the pages, such as `/groups`",
        default="",
    )
    max_upload_bytes: int = setting(
        "CUSTOMER_CLUSTERS_MAX_UPLOAD_BYTES",
        WHOLE_OR_NONE,
        "A larger file on the page `/files` is not scored here; 0: none is taken",
        default=20_000_000,
    )
    keep_minutes: int = setting(
        "CUSTOMER_CLUSTERS_KEEP_MINUTES",
        WHOLE,
        "Results of the page `/files` have an address for so long, on this machine's disk",
        default=15,
    )
    job_key: str = setting(
        "CUSTOMER_CLUSTERS_JOB_KEY",
        Kind(str, "a secret text"),
        "With buckets: what ids of jobs are made with of an `Idempotency-Key`",
        default="",
        shown="the hashes of the API keys",
        secret=True,
    )
    buckets: BatchSettings | None = None
    """Where they are, the page for files sends them there."""
    storage_public_url: str = setting(
        "CUSTOMER_CLUSTERS_STORAGE_PUBLIC_URL",
        SERVER,
        "With buckets: where browsers and programs reach the S3 server, such as "
        "`http://localhost:8333`, if this server knows it by another address (`AWS_ENDPOINT_URL`)",
        default="",
        shown="as this server does",
    )

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
    models_loaded: int = setting(
        "CUSTOMER_CLUSTERS_MODELS_LOADED",
        WHOLE,
        "So many models are in memory at once; who was asked for longest ago makes room",
        default=100,
    )
    challenger: str | None = setting(
        "CUSTOMER_CLUSTERS_CHALLENGER",
        Kind(str, "an alias or a version"),
        "The alias or version of a second model in each store, for a share of the look-ups",
        default=None,
    )
    challenger_share: float = setting(
        "CUSTOMER_CLUSTERS_CHALLENGER_SHARE",
        SHARE,
        "The share of customers, by a hash of their ids, whose look-ups that second model answers",
        default=0.0,
    )
    public_url: PublicAddress | None = setting(
        "CUSTOMER_CLUSTERS_PUBLIC_URL",
        Kind(
            PublicAddress.from_text,
            "an address such as https://clusters.bank.example/base, without query and user",
        ),
        "The address under which people and programs reach this server through a proxy, such as "
        "`https://clusters.bank.example/base`; whole addresses are made of it, whatever the "
        "headers of a request say",
        default=None,
        shown="that of each request, by its `Host`",
    )
    metrics: Metrics | None = setting(
        "CUSTOMER_CLUSTERS_METRICS",
        METRICS,
        "Figures for Prometheus at `/metrics`: `keys`, for keys with the scope `metrics`; `open`, "
        "for whoever asks",
        default=None,
        shown="none, no such address",
    )

    access: AccessSettings = field(default_factory=AccessSettings)
    """Who may ask besides those who have a key."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from a mapping such as `os.environ`.

        Raises:
            WrongSetting: A variable cannot be used; the error names it.
        """
        buckets = None
        if variables_of(BatchSettings)["input"].is_set(environment):
            buckets = BatchSettings.from_environment(environment)
        access = AccessSettings.from_environment(environment)
        made = read(cls, environment, buckets=buckets, access=access)
        if made.challenger_share and made.challenger is None:
            share, challenger = (variables_of(cls)[f"challenger{end}"] for end in ("_share", ""))
            raise WrongSetting(share.name, f"0, or {challenger.name} too, which gets that share")
        if made.public_url and made.root_path not in ("", made.public_url.path):
            path, address = (variables_of(cls)[name].name for name in ("root_path", "public_url"))
            raise WrongSetting(path, f"nothing, or the path of {address}")
        return made.with_default_first(environment)

    @property
    def base_path(self) -> str:
        """What stands before our paths where people see them; nothing mostly."""
        return self.root_path if self.public_url is None else self.public_url.path

    @property
    def base_address(self) -> str:
        """What is put before our paths where no request says who asks: whole, where it is known."""
        return self.root_path if self.public_url is None else str(self.public_url)
