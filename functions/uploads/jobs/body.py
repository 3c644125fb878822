"""The file that a job is about as it arrives: the body itself, or a form with it."""

import re
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request

from functions.http.content.bodies import content_coding
from functions.http.problems import ProblemError
from functions.uploads.multipart import receive_into, refuse_long, save_upload, written
from functions.uploads.upload import CHOICES, Upload, shown_name
from pipeline.reading.options import WrongOption
from pipeline.scoring.spec import Options

NAME = "name"
"""The parameter that says what the file is called."""
FORM = "multipart/form-data"
_ENDINGS: Mapping[str, str] = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "text/plain": "txt",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.ms-excel.sheet.macroenabled.12": "xlsm",
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": "xlsb",
    "application/vnd.ms-excel": "xls",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
}
"""What a file without a name is called. How it is read its content decides."""
FILE_TYPES = tuple(_ENDINGS)
"""The content types of files, by the most usual first."""
_NO_FILES = re.compile(r"application/(.*\+)?json")


def said_in_query(request: Request) -> dict[str, str]:
    """The options and the name that the address says.

    Raises:
        ProblemError: There is another parameter, or one of them twice.
    """
    said: dict[str, str] = {}
    for name, text in request.query_params.multi_items():
        if name not in (NAME, *CHOICES):
            known = ", ".join(sorted((NAME, *CHOICES)))
            raise ProblemError(422, f"no parameter {name!r:.60}; there are {known}")
        if name in said and name != "map":
            raise ProblemError(422, f"the parameter {name!r} is there twice")
        said[name] = f"{said[name]}\n{text}" if name in said else text
    return said


async def save_file(
    request: Request, path: Path, said: Mapping[str, str], limit: int, seconds: float
) -> Upload:
    """Write the file of a request to disk.

    Args:
        request: Its body is the file, or a form with it.
        path: Where the file goes.
        said: What the address says.
        limit: Bytes that the file may have.
        seconds: How long it may take.

    Returns:
        What is said of it, by the address and by the form.

    Raises:
        ProblemError: It cannot be taken, or what is said cannot be meant.
        Temporary: The disk does not take it.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == FORM:
        form = await save_upload(request, path, limit, seconds)
        return _with_both(form, said)
    if NAME in said:
        name = shown_name(said[NAME].encode(errors="replace"))
    elif kind in _ENDINGS:
        name = f"customers.{_ENDINGS[kind]}"
    else:
        raise _unknown_type(kind)
    if _NO_FILES.fullmatch(kind):
        raise _unknown_type(kind)
    upload = Upload.of(name, {each: said[each] for each in said if each != NAME})
    options_of(upload)  # rather than have it sent for nothing
    content_coding(dict(request.scope["headers"]))  # the reader unpacks those that are known
    await _save_body(request, path, name, limit, seconds)
    return upload


def options_of(upload: Upload) -> Options:
    """The options of a run; ProblemError where they cannot be meant."""
    try:
        return upload.options
    except WrongOption as error:
        detail = f"field {error.name!r}: expected {error.expected}, found {error.value!r:.100}"
        raise ProblemError(422, detail, code="invalid_form") from error


def _with_both(form: Upload, said: Mapping[str, str]) -> Upload:
    """What a form says, and what the address says that the form does not."""
    typed = {name: text for name, text in form.choices.items() if text}
    if not form.safe_csv:
        typed.pop("safe_csv", None)  # the form need not have said it
    for name in said:
        if name in typed and typed[name] != said[name]:
            raise ProblemError(422, f"{name!r} is said twice: in the address and in the form")
    name = shown_name(said[NAME].encode(errors="replace")) if NAME in said else form.name
    both = Upload.of(name, typed | {each: said[each] for each in said if each != NAME})
    options_of(both)
    return both


async def _save_body(request: Request, path: Path, name: str, limit: int, seconds: float) -> None:
    refuse_long(request, limit, limit, name)
    size = 0

    with written(path) as file:

        def take(piece: bytes) -> None:
            nonlocal size
            size += len(piece)
            file.write(piece)

        await receive_into(request.receive, take, limit, limit, seconds)
    if not size:
        raise ProblemError(422, "the body is empty: expected a file of customers")


def _unknown_type(kind: str) -> ProblemError:
    few = "text/csv, application/vnd.apache.parquet, that of a workbook"
    return ProblemError(
        415, f"content type: expected {few}, {FORM}, or any with ?{NAME}=FILE; found {kind!r:.100}"
    )
