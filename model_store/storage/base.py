"""What the product asks of storage: named files in a folder or below a prefix of S3."""

from datetime import datetime
from pathlib import Path
from typing import Protocol


class Storage(Protocol):
    """Named files. `folder.FolderStorage` and `s3.S3Storage` behave alike.

    Names are relative, with `/` between their parts; folders come and go with their files. A file
    appears whole or not at all. A tag tells one content of a file from another: what it looks
    like is the storage's own business.

    Every method raises Temporary where the storage did not answer and the same call may succeed
    later, and Denied where the storage refuses for good.
    """

    def read(self, name: str, /) -> bytes:
        """The content of a file.

        Raises:
            NotFound: there is no such file.
        """
        ...

    def read_tagged(self, name: str, /) -> tuple[bytes, str]:
        """The content of a file and its tag, which `swap` takes.

        Raises:
            NotFound: there is no such file.
        """
        ...

    def names(self, folder: str = "", /) -> list[str]:
        """The names of the files and folders directly in a folder, sorted.

        Args:
            folder: A folder, without `/` at its end; by default the whole storage.

        Returns:
            Names without the folder's own; none where there is no such folder.
        """
        ...

    def times(self, folder: str = "", ending: str = "", /) -> dict[str, datetime]:
        """When each file in a folder and below it was last written, in UTC.

        Args:
            folder: A folder, without `/` at its end; by default the whole storage.
            ending: What the names end with, by default anything.

        Returns:
            Whole name → time, by name.
        """
        ...

    def exists(self, name: str, /) -> bool:
        """Whether there is such a file; a folder is none."""
        ...

    def size(self, name: str, /) -> int | None:
        """The bytes of a file; None where there is none."""
        ...

    def create(self, name: str, content: bytes, /) -> str:
        """Write a file that must not exist yet.

        Returns:
            Its tag.

        Raises:
            Conflict: there is one.
        """
        ...

    def swap(self, name: str, content: bytes, tag: str, /) -> str:
        """Write a file in place of exactly the one that has a tag.

        Returns:
            The new tag.

        Raises:
            Conflict: it is another one by now, or gone.
        """
        ...

    def replace(self, name: str, content: bytes, /) -> None:
        """Write a file, in place of the one that may be there."""
        ...

    def upload(self, path: Path, name: str, /) -> None:
        """Write a local file of any size, in place of the one that may be there.

        The local file must not be written to afterwards: a folder may share its bytes.
        """
        ...

    def delete(self, name: str, /) -> None:
        """Remove a file; one that is not there is no error."""
        ...
