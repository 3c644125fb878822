"""Settings of the Spark application that takes large files, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from functions.settings.kinds import APPLICATION, ROLE, WHOLE
from functions.settings.variables import Kind, read, setting, variables_of


@dataclass(frozen=True, slots=True)
class SparkSettings:
    """The EMR Serverless application that takes large files, and what a job there runs as."""

    application: str = setting(
        "CUSTOMER_CLUSTERS_SPARK_APPLICATION",
        APPLICATION,
        "The id of the EMR Serverless application that takes large files; without one none goes "
        "there",
        shown="none",
    )
    role: str = setting(
        "CUSTOMER_CLUSTERS_SPARK_ROLE",
        ROLE,
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
        WHOLE,
        "Larger files go there",
        default=1 << 30,
        shown="1 GiB",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self | None:
        """Read them from a mapping; None where no application is named."""
        application = variables_of(cls)["application"]
        return read(cls, environment) if application.is_set(environment) else None
