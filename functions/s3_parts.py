"""One run in S3 whose parts are scored elsewhere, by whatever runs them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from functions.jobs import Job
from functions.s3_objects import Source, Unscorable, found
from functions.s3_runs import Beat, Outcome, Place, run_folder, score_once
from model_store import WrongArtifact
from pipeline.errors import WrongFile
from pipeline.scoring.distributed import Data, Runner, score_in_parts
from pipeline.scoring.places import S3Source, S3Target
from pipeline.scoring.splitting import PART_BYTES, CannotSplit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def s3_data(client: "S3Client", source: Source) -> Data:
    """The object that an event or a listing means and no later one; errors are those of `found`."""
    with found(client, source) as opened:
        there = S3Source(source.bucket, source.key, opened.size, opened.etag, opened.version)
        return Data(there, source.name, opened.identity)


def score_parts(
    data: Data,
    place: Place,
    job: Job,
    run: Runner,
    part_bytes: int = PART_BYTES,
    *,
    retry_failed: bool = False,
) -> Outcome:
    """Score an input into S3, or find it done.

    CannotSplit when it has no parts, Unscorable when it never can be scored; Temporary when the
    same call may succeed later.
    """
    name = run_folder(data.name, data.identity, job)
    target = S3Target(place.results.address.below(name))

    def score(folder: Path, beat: Beat) -> dict[str, Any]:
        outputs = folder / "outputs"
        outputs.mkdir()
        return score_in_parts(
            run, data, job.model, job.version, job.options, target, outputs, beat, part_bytes
        )

    try:
        return score_once(name, data.source.address, place, score, retry_failed=retry_failed)
    except CannotSplit:
        raise
    except (WrongFile, WrongArtifact) as error:
        code = "wrong_file" if isinstance(error, WrongFile) else "wrong_artifact"
        raise Unscorable(code, str(error), data.identity) from error
