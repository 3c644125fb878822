"""The options of a job as the file `_options.toml` beside its object, where the function reads it.

It is there for a job without options as well: it says that the job is there.
"""

import json
from collections.abc import Iterator

from functions.uploads.upload import Upload
from pipeline.errors import MAX_REJECTED_SHARE

_FIRST = "# what is said of the file of a job"


def options_file(upload: Upload) -> bytes:
    """The content of the file; the same options give the same bytes.

    Raises:
        WrongOption: What is said of reading cannot be meant.
        ProblemError: Anything else cannot.
    """
    return "".join(f"{line}\n" for line in (_FIRST, *_lines(upload))).encode()


def _lines(upload: Upload) -> Iterator[str]:
    options = upload.options
    if options.format:
        yield f"format = {_text(options.format)}"
    if options.safe_csv:
        yield "safe_csv = true"
    if options.max_rejected_share != MAX_REJECTED_SHARE or upload.further.get("max_rejected_share"):
        yield f"max_rejected_share = {options.max_rejected_share!r}"
    for name, value in options.explaining.facts.items():
        yield f"{name} = {json.dumps(value)}"
    if options.as_of is not None:
        yield f"as_of = {options.as_of.isoformat()}"
    for name, stated in options.reading.facts.items():
        if isinstance(stated, list):
            yield f"{name} = [{', '.join(map(_text, stated))}]"
        else:
            yield f"{name} = {stated if isinstance(stated, int) else _text(stated)}"


def _text(text: str) -> str:
    """A basic string of TOML: JSON's, but for a character that TOML wants escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
