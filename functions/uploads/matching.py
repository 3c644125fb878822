"""Files that wait until somebody has said which of their columns are meant.

Such a file is kept beside the results, for as long as they are and under an id that nobody can
guess. It is no result: nothing of it can be downloaded.
"""

import json
import secrets
import shutil
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from starlette.requests import Request

from functions.http.content.bodies import FORM_FIELDS
from functions.http.problems import ProblemError
from functions.uploads.results import Results
from functions.uploads.upload import Upload
from functions.web.matching import PREFIX, Unclear
from functions.web.routes import by_person
from model_store import CustomerClustersError
from pipeline.errors import UnchosenSheet, UnmatchedColumns

FORM_BYTES = 1 << 16
"""Of the form that says which columns are meant."""
_MOST_COLUMNS = FORM_FIELDS - 10
_INPUT, _UPLOAD = "input", "upload.json"
_REMEMBERED = 200
"""Headers, of files that were matched."""


class ToMatch(ProblemError):
    """Raised when a file waits until its columns are matched."""

    def __init__(self, error: Unclear, waiting: "WaitingFile") -> None:
        self.waiting = waiting
        super().__init__(422, str(error), code="invalid_file", of_file=True)


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """A file that is kept, what was said of it, and why that was not enough."""

    id: str
    path: Path
    upload: Upload
    error: Unclear

    def told(self, form: Mapping[str, str]) -> Upload:
        """The upload with what the form says; where another sheet or row is to be read, that."""
        texts = dict(self.upload.texts)
        row = form.get("header_row", "").strip()
        if row and row != str(getattr(self.error, "header_row", "")):
            texts["header_row"] = row
        if sheet := form.get("sheet"):
            texts["sheet"] = sheet
        if "again" not in form and isinstance(self.error, UnmatchedColumns):
            texts["map"] = "".join(f"{text}\n" for text in self._pairs(form))
        return replace(self.upload, texts=texts)

    def take_into(self, folder: Path) -> None:
        """Put the file into a folder beside, without a second copy where the disk can do so.

        Raises:
            ProblemError: It is gone.
        """
        try:
            try:
                (folder / _INPUT).hardlink_to(self.path)
            except PermissionError:  # a file system without links
                shutil.copyfile(self.path, folder / _INPUT)
        except FileNotFoundError:
            raise gone() from None

    def _pairs(self, form: Mapping[str, str]) -> Iterator[str]:
        yield from self.upload.reading.map
        for name, chosen in form.items():
            if name.startswith(PREFIX) and chosen:
                yield f"{chosen}={name.removeprefix(PREFIX)}"

    def unclear_again(self, upload: Upload, error: Unclear) -> "WaitingFile":
        """The same file, of which more was said; but not yet enough."""
        try:
            _write(self.path.parent, upload, error)
        except FileNotFoundError:
            raise gone() from None
        return replace(self, upload=upload, error=error)


class MatchedHeaders:
    """Which columns were chosen for files of the same names, for as long as this process runs."""

    def __init__(self) -> None:
        self._chosen: OrderedDict[tuple[str, ...], dict[str, str]] = OrderedDict()

    def remember(self, contract: str, waiting: WaitingFile, form: Mapping[str, str]) -> None:
        """Keep what was chosen; it is proposed for the next such file, and not taken."""
        if isinstance(waiting.error, UnmatchedColumns):
            chosen = {key.removeprefix(PREFIX): name for key, name in form.items()
                      if key.startswith(PREFIX) and name}  # fmt: skip
            self._chosen[(contract, *waiting.error.names)] = chosen
            while len(self._chosen) > _REMEMBERED:
                self._chosen.popitem(last=False)

    def find(self, contract: str, error: Unclear) -> dict[str, str]:
        """What was chosen for the last file of these names: column → name."""
        names = error.names if isinstance(error, UnmatchedColumns) else ()
        return self._chosen.get((contract, *names), {})


@contextmanager
def offered(request: Request, results: Results, folder: Path, upload: Upload) -> Iterator[None]:
    """Keep a person's file whose columns are not clear, in place of refusing it.

    Args:
        request: Who brought the file.
        results: Where it is kept.
        folder: Where the file lies.
        upload: What was said of it.

    Raises:
        ToMatch: Its columns are not clear.
    """
    try:
        yield
    except (UnmatchedColumns, UnchosenSheet) as error:
        many = isinstance(error, UnmatchedColumns) and len(error.near) > _MOST_COLUMNS
        if many or not by_person(request) or not _may_help(error):
            raise
        kept = folder / "waiting"
        kept.mkdir(mode=0o700)
        (folder / _INPUT).rename(kept / _INPUT)
        _write(kept, upload, error)
        name = results.keep(kept)
        waiting = find(results, name)
        if waiting is None:  # swept away already: others took the room
            raise
        raise ToMatch(error, waiting) from error


def still_unclear(error: Unclear, form: Mapping[str, str]) -> ProblemError | None:
    """What a form lacks that was sent; None where it asked for other names only."""
    if "again" in form or isinstance(error, UnchosenSheet):
        return None
    columns = ", ".join({**error.claimed, **error.near})
    return ProblemError(422, f"no column is chosen yet for {columns}", code="invalid_form")


def gone() -> ProblemError:
    """What is answered where no file waits, or no longer."""
    return ProblemError(404, "there is no such file, or no longer", code="results_gone")


def find(results: Results, name: str) -> WaitingFile | None:
    """The file that waits under an id; None where there is none, or no longer."""
    folder = results.folder_of(name)
    if folder is None:
        return None
    try:
        document = json.loads((folder / _UPLOAD).read_text(encoding="utf-8"))
    except OSError:
        return None
    said = (document[key] for key in ("name", "safe_csv", "texts", "format", "further"))
    upload = Upload(*said)
    error = cast(Unclear, CustomerClustersError.from_dict(document["error"]))
    return WaitingFile(name, folder / _INPUT, upload, error)


def _may_help(error: Unclear) -> bool:
    """Whether something can be chosen: a file of a few other columns is just another file."""
    if isinstance(error, UnchosenSheet):
        return True
    near = any(error.near.values()) or bool(error.claimed)
    wanted = len(error.near) + len(error.claimed)
    return near or len(error.sheets) > 1 or len(error.names) > wanted


def _write(folder: Path, upload: Upload, error: Unclear) -> None:
    document = {
        "name": upload.name,
        "safe_csv": upload.safe_csv,
        "texts": dict(upload.texts),
        "format": upload.format,
        "further": dict(upload.further),
        "error": error.to_dict(),
    }
    aside = folder / secrets.token_hex(8)  # who sends a form twice reads one or the other
    aside.write_text(json.dumps(document), encoding="utf-8")
    aside.replace(folder / _UPLOAD)
