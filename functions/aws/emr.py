"""Jobs of EMR Serverless: started, and asked about. Nothing else of AWS is known here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import botocore.session
from botocore.config import Config

from functions.settings import SparkSettings
from model_store.storage.s3_errors import translate_errors

if TYPE_CHECKING:
    from mypy_boto3_emr_serverless import EMRServerlessClient

_ENDED = {"SUCCESS", "FAILED", "CANCELLED"}


@dataclass(frozen=True, slots=True)
class State:
    """Where a job is."""

    name: str
    details: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.name in _ENDED


class EmrServerless:
    """One application; role, entry point and size of its jobs come from the settings."""

    def __init__(
        self, settings: SparkSettings, client: "EMRServerlessClient | None" = None
    ) -> None:
        self.settings = settings
        self._client = client or connect()

    def start(self, name: str, token: str, arguments: Sequence[str]) -> str:
        """The id of a job, which is started unless the token started one before.

        Temporary when the same call may succeed later, Denied when not.
        """
        driver: Any = {
            "sparkSubmit": {
                "entryPoint": self.settings.entry_point,
                "entryPointArguments": list(arguments),
            }
        }
        if self.settings.submit_parameters:
            driver["sparkSubmit"]["sparkSubmitParameters"] = self.settings.submit_parameters
        with translate_errors("start", name, self._where):
            answer = self._client.start_job_run(
                applicationId=self.settings.application,
                clientToken=token,
                executionRoleArn=self.settings.role,
                jobDriver=driver,
                name=name[:256],
            )
        return answer["jobRunId"]

    def state(self, job_run: str) -> State:
        """Where a job is; errors as of `start`."""
        found = self._job_run(job_run)
        return State(found["state"], found.get("stateDetails") or "")

    def arguments(self, job_run: str) -> list[str]:
        """What a job was started with; errors as of `start`."""
        driver = self._job_run(job_run)["jobDriver"]
        return list(driver.get("sparkSubmit", {}).get("entryPointArguments", []))

    def _job_run(self, job_run: str) -> Any:
        with translate_errors("look after", job_run, self._where):
            answer = self._client.get_job_run(
                applicationId=self.settings.application, jobRunId=job_run
            )
        return answer["jobRun"]

    @property
    def _where(self) -> str:
        return f"EMR Serverless application {self.settings.application}"


def connect() -> "EMRServerlessClient":
    """A client with time limits fit for a function."""
    config = Config(
        connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4}
    )
    session = botocore.session.get_session()
    return cast("EMRServerlessClient", session.create_client("emr-serverless", config=config))
