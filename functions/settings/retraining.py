"""Settings of the function that retrains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from functions.settings.kinds import S3_OBJECT, S3_PREFIX, WHOLE
from functions.settings.variables import read, setting
from model_store import S3Address


@dataclass(frozen=True, slots=True)
class RetrainingSettings:
    """What the function that retrains reads, where it publishes, and its limit."""

    data: S3Address = setting(
        "CUSTOMER_CLUSTERS_TRAINING_DATA",
        S3_OBJECT,
        "The customers to train on, `s3://bucket/key`",
    )
    store: S3Address = setting(
        "CUSTOMER_CLUSTERS_STORE",
        S3_PREFIX,
        "The model store, `s3://bucket/prefix`: a function's disk forgets",
    )
    max_training_bytes: int = setting(
        "CUSTOMER_CLUSTERS_MAX_TRAINING_BYTES",
        WHOLE,
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
