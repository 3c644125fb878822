"""Operations on whole files."""

from typing import Any

from functions.http.openapi.operation import READS, Answer, Media, Operation, Parameter
from functions.http.problems import ProblemError
from functions.http.schemas import JobAnswer

_FILE = {"type": "string", "format": "binary"}
_TEXT = {"type": "string", "maxLength": 200}
_ENCODINGS = "utf-8|utf-16|cp125[0-8]|cp437|cp850|iso-8859-[1-9]|iso-8859-15|shift_jis|gb18030|big5"
_FLAG = {"type": "boolean"}
_ID = "Ksb1ikhGCTtP2rJWfCwMTY2SBnYUhaVQ"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PARQUET = "application/vnd.apache.parquet"
_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "format": (
        "What the assigned rows come back as; without it as the file came.",
        {"type": "string", "enum": ["csv", "parquet", "xlsx"]},
    ),
    "safe_csv": ("Whether an apostrophe goes before cells that a spreadsheet would run.", _FLAG),
    "max_rejected_share": (
        "A file of which a larger share of rows cannot be scored is refused; without it 0.5.",
        {"type": "number", "minimum": 0, "maximum": 1},
    ),
    "why": (
        "So many reasons for each customer, as further columns.",
        {"type": "integer", "minimum": 0, "maximum": 20},
    ),
    "sentences": ("Whether each reason comes in words too; `why` must be given.", _FLAG),
    "what_if": ("Whether the smallest change that leads to another cluster is added.", _FLAG),
    "as_of": (
        "The day of the period that the file belongs to; without it as its name says.",
        {"type": "string", "format": "date"},
    ),
    "delimiter": (
        "What stands between the fields of a text: a character, or its name.",
        {"type": "string", "pattern": "^([!#-~]|comma|semicolon|tab|pipe|space)$"},
    ),
    "decimal": ("The decimal mark of a text.", {"type": "string", "enum": [".", ","]}),
    "thousands": (
        "What groups digits in a text.",
        {"type": "string", "enum": [",", ".", "space", "apostrophe", "none"]},
    ),
    "encoding": (
        "The encoding of a text, such as `cp1250`.",
        {"type": "string", "pattern": f"^({_ENCODINGS}|[A-Za-z][A-Za-z0-9_-]{{1,39}})$"},
    ),
    "sheet": ("The sheet of a workbook.", _TEXT),
    "header_row": (
        "The line, or the row of a sheet, that has the names.",
        {"type": "integer", "minimum": 1},
    ),
    "map": (
        "Columns by other names: `their name=our name`, several on lines of their own.",
        {"type": "string", "maxLength": 8000, "pattern": "[^\\s=][ ]*=[ ]*[^\\s=]"},
    ),
}
"""Option → what it says, and its schema; `score` of the command line has the same."""


def _queries() -> tuple[Parameter, ...]:
    named = {"name": ("What the file is called; a form says it by its own file name.", _TEXT)}
    return tuple(
        Parameter(name, text, schema, where="query", required=False)
        for name, (text, schema) in {**named, **_OPTIONS}.items()
    )


def _form() -> dict[str, Any]:
    fields = {name: {"description": text, **schema} for name, (text, schema) in _OPTIONS.items()}
    file = {"description": "The file; its content says what kind it is.", **_FILE}
    return {
        "type": "object",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {"file": file, **fields},
    }


_KEY = Parameter(
    "Idempotency-Key",
    "A text of the client's choice, such as a UUID. The same key with the same file is the same "
    "job, however often it is sent; with another file it is refused.",
    {"type": "string", "pattern": "^[!-~]{1,255}$"},
    where="header",
    required=False,
)
_JOB_ID = Parameter("id", "The id of a job.", {"type": "string"}, example=lambda loaded: _ID)
_OUTPUT = Parameter(
    "name",
    "The name of a file of the results, as in `outputs`.",
    {"type": "string"},
    example=lambda loaded: "manifest.json",
)
_TO_JOB = {
    "getJob": {"id": "$response.body#/id"},
    "deleteJob": {"id": "$response.body#/id"},
}
_TO_OUTPUT = {"getJobOutput": {"id": "$response.body#/id", "name": "manifest.json"}}
_NO_JOB = ProblemError(404, "there is no such job, or no longer", code="job_gone")
_LOCATION = {"Location": "The address of the job.", "Retry-After": "Seconds until it is asked for."}
_RETRY = {"Retry-After": "Seconds until it is to be asked for again; absent once it has ended."}

OPERATIONS = (
    Operation(
        id="createJob",
        method="post",
        path="/v1/jobs",
        tag="Jobs",
        summary="Take a file of customers, to be scored",
        description="The file is the body, or the field `file` of a form; options stand in the "
        "address, or in the form. It waits its turn: ask the address in `Location` for its end. "
        "Where the server uses buckets, nothing is sent here: the answer is 201, and its `upload` "
        "is the form that takes the file.",
        parameters=(*_queries(), _KEY),
        body={
            "multipart/form-data": Media(_form()),
            "text/csv": Media(_FILE),
            _PARQUET: Media(_FILE),
            _XLSX: Media(_FILE),
        },
        answers={
            202: Answer(JobAnswer, "The job waits its turn", _LOCATION, _TO_JOB),
            201: Answer(JobAnswer, "The job waits for its file", _LOCATION),
        },
        problems=(
            400, 401, 403, 408,
            ProblemError(413, "the file is larger than the 20,000,000 bytes that are taken here"),
            ProblemError(415, "content type: expected text/csv, …; found 'application/json'"),
            ProblemError(422, "field 'why': expected a whole number from 0 to 20",
                         code="invalid_form"),
            ProblemError(422, "Idempotency-Key: this key was sent with another file, or with other "
                         "options; use a new one", code="idempotency_key_reused"),
            ProblemError(503, "32 jobs are waiting, and no more may; try again later", code="busy"),
        ),
    ),
    Operation(
        id="getJob",
        method="get",
        path="/v1/jobs/{id}",
        tag="Jobs",
        summary="How far a job is, or what became of it",
        description="A job that has failed is answered by 200 as well: its `problem` says why.",
        parameters=(_JOB_ID,),
        answers={200: Answer(JobAnswer, "The job", _RETRY, _TO_OUTPUT)},
        problems=(*READS, _NO_JOB),
    ),
    Operation(
        id="deleteJob",
        method="delete",
        path="/v1/jobs/{id}",
        tag="Jobs",
        summary="End a job, and remove its file and its results",
        parameters=(_JOB_ID,),
        answers={204: Answer(None, "It is gone")},
        problems=(401, 403, _NO_JOB, 503),
    ),
    Operation(
        id="getJobOutput",
        method="get",
        path="/v1/jobs/{id}/outputs/{name}",
        tag="Jobs",
        summary="A file of the results of a job",
        parameters=(_JOB_ID, _OUTPUT),
        answers={
            200: Answer(
                {
                    "text/csv": Media({"type": "string"}),
                    _PARQUET: Media(_FILE),
                    _XLSX: Media(_FILE),
                    "text/html": Media({"type": "string"}),
                    "application/json": Media({}),
                },
                "The file",
            ),
            303: Answer(None, "The way to the file, in a bucket", {"Location": "Its address."}),
        },
        problems=(
            *READS,
            ProblemError(404, "there are no such results, or no longer", code="results_gone"),
        ),
    ),
)  # fmt: skip
