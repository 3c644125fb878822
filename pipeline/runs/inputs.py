"""What a run reads: something with a name, an address and an identity."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from pipeline.errors import WrongFile
from pipeline.reading.input_files import Tell
from pipeline.runs.store import Checkpoint
from pipeline.scoring.inputs import InputFile
from pipeline.scoring.parts.shared_input import SharedInput, shared_file


class RunInput(Protocol):
    """An input of a run; `LocalInput`, `DataSetInput` and `pipeline.runs.objects.ObjectInput`."""

    @property
    def name(self) -> str:
        """What the results are named after."""
        ...

    @property
    def address(self) -> str:
        """What people call it: a path, or an address in S3."""
        ...

    @property
    def identity(self) -> str:
        """What tells it from all others; it may take reading it to its end."""
        ...

    def on_disk(self, checkpoint: Checkpoint) -> AbstractContextManager[InputFile]:
        """The whole of it as one file of this machine, as long as it is used."""
        ...

    def shared(self) -> SharedInput:
        """The input as many workers read it at once, each a part."""
        ...


@dataclass(frozen=True, slots=True)
class LocalInput:
    """A file of this machine."""

    file: InputFile

    @classmethod
    def at(cls, path: Path, name: str | None = None) -> Self:
        """A file, by default called as it is; WrongFile when it cannot be read or be named."""
        return cls(InputFile.at(path, name))

    @property
    def name(self) -> str:
        """What the results are named after."""
        return self.file.name

    @property
    def address(self) -> str:
        """Its path."""
        return str(self.file.path)

    @property
    def identity(self) -> str:
        """The digest of its bytes."""
        return self.file.identity

    @contextmanager
    def on_disk(self, checkpoint: Checkpoint) -> Iterator[InputFile]:
        """The file, where it is."""
        checkpoint()
        yield self.file

    def shared(self) -> SharedInput:
        """The file as workers see it who see the same disk."""
        return shared_file(self.file)


@dataclass(slots=True)
class DataSetInput:
    """Many files with the same columns as one input, for workers only."""

    files: SharedInput
    """What the workers read; it knows its identity once that was asked for."""

    @classmethod
    def below(cls, folder: Path, tell: Tell = lambda note: None) -> Self:
        """The files in a folder and below it; WrongFile when there are none."""
        return cls(SharedInput.below(folder, tell))

    @property
    def name(self) -> str:
        """What the results are named after."""
        return self.files.name

    @property
    def address(self) -> str:
        """Its folder or prefix."""
        return self.files.address

    @property
    def identity(self) -> str:
        """The digest of the identities of its files."""
        self.files = self.files.identified_by(self.files.identity)
        return self.files.identity

    @contextmanager
    def on_disk(self, checkpoint: Checkpoint) -> Iterator[InputFile]:
        """A data set is never one file: WrongFile."""
        raise WrongFile(self.address, "is a data set, which is scored in parts only")
        yield

    def shared(self) -> SharedInput:
        """The files as workers see them."""
        return self.files
