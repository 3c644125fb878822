"""An input that many workers read at once: one file, or many with the same columns."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Self

from pipeline.errors import refuse_unreadable
from pipeline.hashing import identity_of_blocks
from pipeline.reading.input_files import Tell, files_below
from pipeline.scoring.inputs import InputFile, check_name
from pipeline.scoring.parts.locations import LocalSource, Source


@dataclass(frozen=True, slots=True)
class SharedInput:
    """What all workers read: where its bytes are, and what the manifest says of it."""

    sources: Sequence[Source]
    name: str
    address: str
    known_identity: str | None = None
    """Its identity; None when it follows from its bytes."""
    files: Sequence[str] = ()
    """Of a data set: what each of its files is called below its address."""

    @classmethod
    def at(cls, path: Path, name: str | None = None) -> Self:
        """A file that every worker sees; WrongFile when none is there, or its name is no text."""
        name = path.name if name is None else name
        check_name(name)
        return cls([LocalSource.of(path)], name, str(path))

    @classmethod
    def below(cls, folder: Path, tell: Tell = lambda note: None) -> Self:
        """The files in a folder and below it as one input; WrongFile when there are none."""
        files = files_below(folder, tell)
        name = folder.resolve().name or "files"  # what is above all folders has no name
        names = [file.name for file in files]
        for each in (name, *names):
            check_name(each)
        return cls([LocalSource.of(file.path) for file in files], name, str(folder), files=names)

    def identified_by(self, identity: str | None) -> Self:
        """The same input, whose identity is known; None changes nothing."""
        return self if identity is None else replace(self, known_identity=identity)

    @property
    def identity(self) -> str:
        """Read here, if need be; WrongFile when that cannot be done."""
        return self.identity_by({})

    def identity_by(self, digests: Mapping[tuple[int, int], str]) -> str:
        """`identity` where the digests of some blocks are known, by the file and the block."""
        if self.known_identity is not None:
            return self.known_identity
        known: list[dict[int, str]] = [{} for _ in self.sources]
        for (file, block), digest in digests.items():
            known[file][block] = digest
        each = [_identity(there, its) for there, its in zip(self.sources, known, strict=True)]
        return identity_of(dict(zip(self.files, each, strict=True))) if self.files else each[0]

    @property
    def bytes(self) -> int:
        """The bytes of all its files."""
        return sum(source.size for source in self.sources)

    def refuse_changed(self) -> None:
        """Temporary when what was read may be of two files: one was written to meanwhile."""
        for source in self.sources:
            source.refuse_changed()


def shared_file(source: InputFile) -> SharedInput:
    """A file of this machine, as several processes read it."""
    there = LocalSource.of(source.path, source.state)
    return SharedInput([there], source.name, str(source.path), source.identity_so_far)


def identity_of(files: Mapping[str, str]) -> str:
    """What tells a data set from all others, by the identities of its files."""
    return f"sha256:{sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()}"


def _identity(source: Source, digests: Mapping[int, str]) -> str:
    with refuse_unreadable(source.address):
        return identity_of_blocks(source.open, source.size, digests)
