"""Scoring on Spark for the command line: files and results here or in S3.

What cannot be cut into parts is scored as ever, where Spark's driver runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_store import S3Address
from pipeline.errors import WrongFile
from pipeline.reading.listing import LocalFile, Tell
from pipeline.runs.folder import score_once
from pipeline.runs.jobs import Job, LocalScoring
from pipeline.scoring import Progress, run_id
from pipeline.scoring.parts.data import Data, local_data, local_data_set
from pipeline.scoring.parts.distributed import Runner, score_in_parts
from pipeline.scoring.parts.shared import LocalTarget
from pipeline.scoring.parts.splitting import PART_BYTES, CannotSplit

if TYPE_CHECKING:
    from functions.aws.objects import Source


class SparkScoring:
    """Like `LocalScoring` and `functions.aws.scoring.Scoring`, in parts."""

    def __init__(
        self, out: str, run: Callable[[Progress], Runner], part_bytes: int = PART_BYTES
    ) -> None:
        """`out` is a folder that all workers see, or s3://bucket/prefix.

        `run` makes, of what wants to be told the rows scored so far, what scores parts.
        """
        self._out, self._run, self._part_bytes = out, run, part_bytes

    def sources(self, address: str, tell: Tell = lambda note: None) -> "list[Source]":
        """What an address in S3 means; WrongFile when that is nothing."""
        found: list[Source] = self._in_s3().sources(address, tell)
        return found

    def data_set(self, address: str, tell: Tell = lambda note: None) -> Data:
        """A folder or a prefix in S3 as one input; WrongFile when it holds no files."""
        if not address.startswith(S3Address.SCHEME):
            return local_data_set(Path(address), tell)
        from functions.aws.parts import s3_data_set
        from model_store.storage.s3 import S3Storage

        place = S3Address.from_string(address)
        return s3_data_set(S3Storage.at(S3Address(place.bucket)).client, place, tell)

    def score(
        self, source: "Source | LocalFile | Data", job: Job, progress: Progress = lambda rows: None
    ) -> dict[str, Any]:
        """The manifest of the run, which is done now or was already."""
        here = self._out_is_here and isinstance(source, LocalFile)
        try:
            manifest = self._score(source, job, self._run(progress))
        except CannotSplit as error:
            if isinstance(source, Data):
                raise WrongFile(
                    source.address, f"{error}; a data set is plain CSV or Parquet"
                ) from error
            whole: Any = LocalScoring(self._out) if here else self._in_s3()
            found: dict[str, Any] = whole.score(source, job, progress)
            return found
        progress(manifest["rows_in"])
        return manifest

    def summary(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """The summary that a run wrote."""
        by = LocalScoring(self._out) if self._out_is_here else self._in_s3()
        return by.summary(manifest)

    def _score(self, source: "Source | LocalFile | Data", job: Job, run: Runner) -> dict[str, Any]:
        if not self._out_is_here:
            from functions.aws.parts import score_parts
            from functions.aws.runs import Place
            from model_store.storage.s3 import S3Storage

            place = Place(S3Storage.at(S3Address.from_string(self._out)))
            data, size = self._data(source), self._part_bytes
            return score_parts(data, place, job, run, size, retry_failed=True).document
        data = self._data(source)

        def name() -> str:
            nonlocal data
            data = replace(data, told=data.identity)
            return run_id(data.identity, job.version, job.options)

        def score(folder: Path) -> dict[str, Any]:
            target, size = LocalTarget(folder), self._part_bytes
            return score_in_parts(
                run, data, job.model, job.version, job.options, target, folder,
                part_bytes=size,
            )  # fmt: skip

        return score_once(Path(self._out), data.name, name, score)

    def _data(self, source: "Source | LocalFile | Data") -> Data:
        if isinstance(source, Data):
            return source
        if isinstance(source, LocalFile):
            return local_data(source.path, source.name)
        from functions.aws.parts import s3_data
        from model_store.storage.s3 import S3Storage

        return s3_data(S3Storage.at(S3Address(source.bucket)).client, source)

    @property
    def _out_is_here(self) -> bool:
        return not self._out.startswith(S3Address.SCHEME)

    def _in_s3(self) -> Any:
        from functions.aws.scoring import Scoring  # boto3 is loaded for those who need it

        return Scoring(self._out)
