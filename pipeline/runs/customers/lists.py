"""Removes people from lists that were made of runs, such as audiences."""

from collections.abc import Set
from pathlib import Path

from model_store.storage.scratch import unfinished
from pipeline.errors import WrongFile
from pipeline.reading.customer_file import CustomerFile
from pipeline.reading.open import open_customers
from pipeline.reading.options import AUTODETECT
from pipeline.runs.committed import open_folder
from pipeline.runs.customers.forgetting import count_rows, write_without

_KINDS = ("delimited text", "parquet")


def forget_in_list(address: str, ids: Set[str], id_columns: Set[str]) -> int:
    """Remove people from a list in CSV or Parquet; returns how many rows went.

    Args:
        address: A path, or s3://bucket/name.
        ids: Their ids.
        id_columns: Names that the column of ids may have.

    Raises:
        WrongFile: It is no such list, and stays as it was.
        Temporary: It cannot be written now.
    """
    folder, _, name = address.rpartition("/")
    files, on_disk, delete_old_versions = open_folder(folder or ".")
    rows = 0
    with on_disk(name) as path, open_customers(path, None, AUTODETECT, keep_bytes=True) as file:
        _refuse_other(address, file)
        at = _position(address, file, id_columns)
        _, rows = count_rows(file, at, ids)
        if rows:
            with unfinished() as aside:
                new = aside / Path(name).name
                write_without(file, new, at, file.facts.get("newline", "\n"), ids)
                files.upload(new, name)
    delete_old_versions(name)
    return rows


def _refuse_other(address: str, file: CustomerFile) -> None:
    """WrongFile for what cannot be written again as it stands."""
    facts = file.facts
    odd = {"header_row", "returns_end_lines", "backslash_escapes"} & {*facts}
    wide = facts.get("encoding", "").startswith("utf-16")
    if facts["kind"] not in _KINDS or facts.get("packing", "none") != "none" or odd or wide:
        raise WrongFile(address, "is not written as lists are; delete it and make the list again")


def _position(address: str, file: CustomerFile, id_columns: Set[str]) -> int:
    found = [index for index, name in enumerate(file.header) if name in id_columns]
    if len(found) != 1:
        some = ", ".join(sorted(id_columns)) or "an id"
        raise WrongFile(address, f"has no column {some}, by which people could be found")
    return found[0]
