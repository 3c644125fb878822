"""Which files of a folder, a pattern or a prefix in S3 are inputs: one rule for all of them.

Names are relative to the folder that was given, with `/` between their parts.
"""

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import WrongFile, refuse_unreadable

Tell = Callable[[str], object]
"""Takes a sentence for people about what was left out."""
HIDDEN = "hidden"
UNFINISHED = "unfinished downloads"
EMPTY = "empty"
RESULTS = "results of earlier runs"
LINKS = "symbolic links"
NO_FILES = "pipes, sockets or devices"
_OF_SYSTEMS = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini"})
_UNFINISHED = (
    ".tmp", ".part", ".partial", ".crdownload", ".opdownload", ".filepart", ".aria2",
    "._copying_",
)  # fmt: skip
"""Endings under which programs write a file that they rename when it is whole."""
LEDGER = "_ledger"
"""The folder beside runs with what is kept of each for their history."""
_RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}-[0-9a-f]{12}")
_TABLES = {
    "a Delta table (_delta_log)": re.compile(r"(?:.*/)?_delta_log/"),
    "an Iceberg table (metadata)": re.compile(
        r"(?:.*/)?metadata/[^/]+\.metadata\.json(?:\.gz)?\Z", re.DOTALL
    ),
    "a Hudi table (.hoodie)": re.compile(r"(?:.*/)?\.hoodie/"),
}
_LOGS = ("_delta_log", ".hoodie", "metadata")
_COLUMN = re.compile(r"[^=/]+=[^/]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """A name that a listing has."""

    name: str
    size: int
    mode: int = stat.S_IFREG
    """Of a local file, what it is."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """An input on this machine."""

    path: Path
    name: str
    """What its results are named after: its path below the folder that was given."""


def why_skipped(entry: Entry) -> str | None:
    """Why an entry is no input, as a kind of things; None for an input."""
    parts = entry.name.rstrip("/").split("/")
    last = parts[-1].lower()
    if LEDGER in parts[:-1] or any(map(_RUN.fullmatch, parts)):
        return RESULTS
    if any(map(_is_hidden, parts)) or last in _OF_SYSTEMS:
        return HIDDEN
    if last.endswith(_UNFINISHED):
        return UNFINISHED
    if not stat.S_ISREG(entry.mode):
        return LINKS if stat.S_ISLNK(entry.mode) else NO_FILES
    return None if entry.size else EMPTY


def _is_hidden(part: str) -> bool:
    """As Spark and Hive see it: `_SUCCESS` is, a folder of the column `_day=1` is not."""
    return part.startswith((".", "~$")) or (part.startswith("_") and "=" not in part)


def inputs_among(where: str, entries: Iterable[Entry], tell: Tell) -> list[str]:
    """The inputs among the entries of a listing.

    Args:
        where: What people call the folder.
        entries: What the listing has.
        tell: Hears in a sentence what was skipped, and of columns that only names of folders have.

    Returns:
        Their names, sorted.

    Raises:
        WrongFile: There are none, or the files belong to a table with a log of its own.
    """
    entries = [entry for entry in entries if not _marks_a_folder(entry.name)]
    refuse_tables(where, [entry.name for entry in entries])
    skipped = Counter(why for entry in entries if (why := why_skipped(entry)))
    kinds = ", ".join(f"{kind}: {count:,}" for kind, count in sorted(skipped.items()))
    names = sorted(entry.name for entry in entries if not why_skipped(entry))
    if not names:
        raise WrongFile(where, f"no file matches; skipped {kinds}" if kinds else "no file matches")
    if kinds:
        tell(f"{where}: skipped {kinds}")
    folders = (part for name in names for part in name.split("/")[:-1])
    if column := next(filter(_COLUMN.fullmatch, folders), None):
        tell(f"{where}: names of folders such as {column!r} are not read as columns")
    return names


def _marks_a_folder(name: str) -> bool:
    """As a console of S3 leaves them: there are no folders else. `""` is the one that was given."""
    return not name or name.endswith("/")


def refuse_tables(where: str, names: Iterable[str]) -> None:
    """Refuse the files of a table whose log says which of their rows still count.

    Raises:
        WrongFile: One of the names is that of such a log.
    """
    for name in names:
        for table, log in _TABLES.items():
            if log.match(name):
                problem = f"{table} is here: its files may have deleted or replaced rows"
                raise WrongFile(where, f"{problem}; export the table and score the export")


def files_at(text: str, tell: Tell) -> list[LocalFile]:
    """The inputs that a path or a pattern names; a folder names all files in it and below it.

    Args:
        text: A path, or a pattern with `*`, `?`, `[…]` or `**`.
        tell: Hears in a sentence what was skipped.

    Raises:
        WrongFile: No file matches, or they belong to a table with a log of its own.
    """
    path = Path(text)
    if path.is_dir():
        return files_below(path, tell)
    if path.exists() or not set(text) & set("*?["):
        refuse_table_around(path)
        return [LocalFile(path, path.name)]
    base = _without_wildcards(path)
    try:
        matches = list(base.glob(str(path.relative_to(base))))
    except (ValueError, NotImplementedError) as error:
        raise WrongFile(text, f"is no pattern ({error})") from error
    for folder in {match.parent for match in matches}:
        refuse_table_around(folder)
    entries = {entry.name: entry for match in matches for entry in _entries_at(match, base)}
    return _local(text, base, entries.values(), tell)


def files_below(folder: Path, tell: Tell) -> list[LocalFile]:
    """The inputs in a folder and below it.

    Args:
        folder: The folder.
        tell: Hears in a sentence what was skipped.

    Raises:
        WrongFile: There are none, or they belong to a table with a log of its own.
    """
    if not folder.is_dir():
        raise WrongFile(folder, "is no folder")
    refuse_table_around(folder)
    return _local(str(folder), folder, _entries_below(folder, folder), tell)


def refuse_table_around(path: Path) -> None:
    """Refuse a file or a folder that lies in a table, be it in one of its partitions.

    Raises:
        WrongFile: It does.
    """
    folder = path.absolute()
    while folder != folder.parent:
        is_folder = folder.is_dir()
        logs = [folder / log for log in _LOGS if is_folder and (folder / log).is_dir()]
        with refuse_unreadable(path):
            names = [f"{log.name}/{entry.name}" for log in logs for entry in log.iterdir()]
        refuse_tables(str(path), names)
        if is_folder and "=" not in folder.name and folder.name != "data":
            return
        folder = folder.parent


def _local(where: str, base: Path, entries: Iterable[Entry], tell: Tell) -> list[LocalFile]:
    with refuse_unreadable(where):
        names = inputs_among(where, entries, tell)
    return [LocalFile(base / name, name) for name in names]


def _without_wildcards(pattern: Path) -> Path:
    base = Path(pattern.anchor)
    for part in pattern.relative_to(pattern.anchor).parts:
        if set(part) & set("*?["):
            break
        base /= part
    return base


def _entries_at(path: Path, base: Path) -> Iterator[Entry]:
    if path.is_dir() and not path.is_symlink():
        yield from _entries_below(path, base)
    else:
        yield from _entry(path, base)


def _entries_below(folder: Path, base: Path) -> Iterator[Entry]:
    for parent, folders, files in os.walk(folder, onerror=_raise):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in (*files, *links):
            yield from _entry(Path(parent, name), base)


def _entry(path: Path, base: Path) -> Iterator[Entry]:
    try:
        status = path.lstat()
    except FileNotFoundError:  # gone since it was listed
        return
    yield Entry(path.relative_to(base).as_posix(), status.st_size, status.st_mode)


def _raise(error: OSError) -> None:
    raise error
