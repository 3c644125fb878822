"""From what people write to inputs and run stores: the border behind which boto3 is loaded."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from model_store import S3Address
from model_store.extras import needs_extra
from pipeline.reading.input_files import LocalFile, Tell, files_at
from pipeline.runs.folder import FolderRuns
from pipeline.runs.inputs import DataSetInput, LocalInput, RunInput
from pipeline.runs.store import RunStore


@dataclass(frozen=True, slots=True)
class InputRef:
    """An input that was listed and not yet opened."""

    name: str
    """What its results are named after."""
    open: Callable[[], AbstractContextManager[RunInput]]
    """Opens it; what goes wrong with it is raised then."""


def open_runs(address: str) -> RunStore:
    """The runs in a folder, or below s3://bucket/prefix.

    Raises:
        WrongAddress: It begins with s3:// and names no bucket.
        MissingExtra: It is in S3, and boto3 is not installed.
    """
    if not address.startswith(S3Address.SCHEME):
        return FolderRuns(Path(address))
    where = S3Address.from_string(address)
    with needs_extra(address, "aws"):
        from pipeline.runs.s3 import S3Runs
    return S3Runs.at(where)


def find_inputs(text: str, tell: Tell = lambda note: None) -> Sequence[InputRef]:
    """The inputs that a path, a folder, a pattern or an address in S3 means.

    Args:
        text: What somebody wrote.
        tell: Called with a sentence about what was left out.

    Raises:
        WrongFile: It means none, or files that belong to a table.
        WrongAddress: It begins with s3:// and names no bucket.
        MissingExtra: It is in S3, and boto3 is not installed.
    """
    if not text.startswith(S3Address.SCHEME):
        return [InputRef(file.name, partial(_open_local, file)) for file in files_at(text, tell)]
    address = S3Address.from_string(text)
    with needs_extra(text, "aws"):
        from pipeline.runs.objects import find_objects
    return [InputRef(name, opener) for name, opener in find_objects(address, tell)]


def find_data_set(text: str, tell: Tell = lambda note: None) -> InputRef:
    """All files of a folder or a prefix in S3 as one input; errors as of `find_inputs`."""
    source: DataSetInput
    if text.startswith(S3Address.SCHEME):
        address = S3Address.from_string(text)
        with needs_extra(text, "aws"):
            from pipeline.runs.objects import find_object_set
        source = find_object_set(address, tell)
    else:
        source = DataSetInput.below(Path(text), tell)
    return InputRef(source.name, partial(_open_ready, source))


@contextmanager
def _open_local(file: LocalFile) -> Iterator[RunInput]:
    yield LocalInput.at(file.path, file.name)


@contextmanager
def _open_ready(source: RunInput) -> Iterator[RunInput]:
    yield source
