"""One run in S3 whose parts are scored elsewhere, by whatever runs them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from functions.aws.objects import Source, Unscorable, found, listed, safe_name
from functions.aws.runs import Beat, Outcome, Place, run_folder, score_once
from model_store import S3Address, WrongArtifact
from pipeline.errors import WrongFile
from pipeline.reading.listing import Tell
from pipeline.runs.jobs import Job
from pipeline.scoring.parts.data import Data, identity_of
from pipeline.scoring.parts.distributed import Runner, score_in_parts
from pipeline.scoring.parts.shared import S3Source, S3Target
from pipeline.scoring.parts.splitting import PART_BYTES, CannotSplit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LOOKING = 8


def s3_data(client: "S3Client", source: Source) -> Data:
    """The object that an event or a listing means and no later one; errors are those of `found`."""
    with found(client, source) as opened:
        there = S3Source(source.bucket, source.key, opened.size, opened.etag, opened.version)
        return Data([there], source.name, source.address, opened.identity)


def s3_data_set(client: "S3Client", address: S3Address, tell: Tell = lambda note: None) -> Data:
    """The objects below a prefix as they are now, as one input; WrongFile when there are none."""
    below = S3Address(address.bucket, address.folder)
    sources = listed(client, below, tell)
    sources.sort(key=lambda source: source.name)
    with ThreadPoolExecutor(_LOOKING) as pool:
        each = list(pool.map(lambda source: s3_data(client, source), sources))
    names = [data.name for data in each]
    name = safe_name(address.folder.rstrip("/").rpartition("/")[2] or address.bucket)
    identity = identity_of({data.address: data.identity for data in each})
    there = [source for data in each for source in data.sources]
    return Data(there, name, str(below), identity, names)


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
        return score_once(name, data.address, place, score, retry_failed=retry_failed)
    except CannotSplit:
        raise
    except (WrongFile, WrongArtifact) as error:
        raise Unscorable.because(error, data.identity) from error
