"""Customers and predictions as JSON, JSON Lines and CSV with a header row."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic_core import to_json

from functions.http.content.bodies import parse_json
from functions.http.presenter import Presenter
from functions.http.problems import ProblemError, field_problems
from functions.protocols.predictions import outputs_of, predict
from functions.protocols.rows import Rows, parse_rows
from pipeline.errors import Problem, WrongRow, shortened
from pipeline.model.contract import Contract
from pipeline.model.spelling import normalised

Kind = Literal["application/json", "application/jsonlines", "text/csv"]
KINDS: Mapping[str, Kind] = {
    "application/json": "application/json",
    "application/jsonlines": "application/jsonlines",
    "application/jsonl": "application/jsonlines",
    "application/x-ndjson": "application/jsonlines",
    "application/x-jsonlines": "application/jsonlines",
    "text/csv": "text/csv",
}
"""A content type → what it is."""
INSTANCES = "instances"


def read_lines(contract: Contract, body: bytes) -> Rows:
    """A customer on each line; one that is no JSON is refused alone, so that lines keep in step.

    Raises:
        ProblemError: There are too many.
    """
    rows = Rows()
    for line in io.BytesIO(body):
        if not line.strip():
            continue
        try:
            customer = parse_json(line)
        except ProblemError as error:
            found = shortened(line.decode("utf-8", "replace").strip())
            rows.refuse([Problem("", error.code, found, "a JSON object of features by name")])
        else:
            rows.parse(contract, customer)
    return rows


def read_csv(contract: Contract, body: bytes) -> Rows:
    """Customers of a CSV: commas between, numbers with a decimal point, names in its first row.

    Raises:
        ProblemError: It is no such text, or its first row does not name every feature.
    """
    try:
        table = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        header = next(table, [])
        names = _names(contract, header)
        rows = Rows()
        for cells in table:
            if len(cells) == len(header):
                rows.parse(contract, dict(zip(names, cells, strict=True)), typed=False)
            elif cells:  # a blank line is none
                expected = f"{len(header)} fields, as the header has"
                found = f"{len(cells)} fields"
                rows.refuse([Problem("", "wrong_number_of_fields", found, expected)])
        return rows
    except UnicodeDecodeError:
        raise ProblemError(400, "the CSV is not valid UTF-8", code="invalid_request") from None
    except csv.Error as error:
        raise ProblemError(
            400, f"the CSV cannot be read: {error}", code="invalid_request"
        ) from None


def read_instances(contract: Contract, document: Mapping[str, Any]) -> Rows:
    """The customers of `{"instances": [...]}`; ProblemError where they are no array."""
    instances = document[INSTANCES]
    if set(document) != {INSTANCES} or not isinstance(instances, list):
        raise ProblemError(422, f'expected "{INSTANCES}" alone, an array of customers')
    return parse_rows(contract, instances)


def written(presenter: Presenter, rows: Rows, kind: Kind) -> bytes:
    """The prediction or the problems of every customer, in the order they came in."""
    if kind == "text/csv":
        return _csv(presenter, rows)
    predictions = list(_documents(presenter, rows))
    if kind == "application/json":
        return to_json({"predictions": predictions, "model_version": presenter.version})
    return b"".join(to_json(prediction) + b"\n" for prediction in predictions)


def _names(contract: Contract, header: Sequence[str]) -> list[str]:
    """What the header names, with the contract's spelling of its own columns."""
    own = {normalised(alias): column for column, names in contract.aliases.items()
           for alias in names}  # fmt: skip
    own |= {normalised(name): name for name in contract.columns}
    names = [own.get(normalised(name), name) for name in header]
    absent = [each.name for each in contract.features
              if each.missing is None and each.name not in names]  # fmt: skip
    if absent:
        raise ProblemError(
            422,
            f"no column {', '.join(absent)} in the first row: a CSV has to begin with a header, "
            f"because columns are found by name and never by position; found {_shown(header)}",
        )
    if twice := [name for name in contract.columns if names.count(name) > 1]:
        raise ProblemError(422, f"column {twice[0]} is there twice, expected once")
    return names


def _shown(header: Sequence[str]) -> str:
    return ", ".join(shortened(name) for name in header[:12]) or "nothing"


def _documents(presenter: Presenter, rows: Rows) -> Iterator[dict[str, Any]]:
    names = [output.name for output in outputs_of(presenter)]
    found = predict(presenter, rows.good)
    good = iter(zip(*(found[name] for name in names), strict=True))
    for row, customer_id in enumerate(rows.ids):
        if row in rows.wrong:
            yield {"id": customer_id, "errors": field_problems(rows.wrong[row])}
        else:
            yield {"id": customer_id, **dict(zip(names, next(good), strict=True))}


def _csv(presenter: Presenter, rows: Rows) -> bytes:
    names = [output.name for output in outputs_of(presenter)]
    found = predict(presenter, rows.good)
    good = iter(zip(*(found[name] for name in names), strict=True))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["id", *names, "error"])
    for row, customer_id in enumerate(rows.ids):
        if row in rows.wrong:
            why = str(WrongRow(rows.wrong[row])).removeprefix(": ")
            table.writerow([customer_id, *("" for _ in names), why])
        else:
            table.writerow([customer_id, *map(_cell, next(good)), ""])
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
