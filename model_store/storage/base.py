"""What a store asks of the storage under it."""

from typing import Protocol


class Files(Protocol):
    """Named files; `folder.FolderFiles` and `s3.S3Files` are such."""

    def read(self, name: str, /) -> bytes: ...

    def read_tagged(self, name: str, /) -> tuple[bytes, str]:
        """A file's bytes, and the tag that `swap` takes."""
        ...

    def list(self, folder: str, /) -> list[str]: ...

    def create(self, name: str, content: bytes, /) -> None:
        """Write a file that must not exist yet; Conflict when it does."""
        ...

    def swap(self, name: str, content: bytes, tag: str, /) -> str:
        """Write in place of exactly the file that has the tag; Conflict when it is another one."""
        ...

    def replace(self, name: str, content: bytes, /) -> None: ...

    def delete(self, name: str, /) -> None:
        """Remove a file; one that is not there is no error."""
        ...
