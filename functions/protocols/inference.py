"""The Open Inference Protocol v2 over HTTP, as KServe, Triton and MLServer speak it."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, NotRequired

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from functions.http.content.bodies import parse_json, read_body
from functions.http.middleware import ANONYMOUS
from functions.http.presenter import Presenter, presenter_of
from functions.http.problems import ProblemError, field_problems, not_ready
from functions.http.schemas import FieldProblem
from functions.live_model import LoadedModel
from functions.live_models import LiveModels
from functions.protocols.models import check_ready, model_named
from functions.protocols.predictions import Columns, Output, outputs_of, predict
from functions.protocols.rows import Rows, beside, parse_rows
from functions.protocols.tensors import binary_of, read_tensors
from functions.settings import Settings
from model_store import CustomerClustersError
from pipeline.errors import Problem, WrongRow, shortened
from pipeline.model.contract import Contract, Feature
from pipeline.release import RELEASE

HEADER_LENGTH = "Inference-Header-Content-Length"
"""How many bytes of a body are JSON, where binary tensors follow."""
_JSON, _BINARY = "application/json", "application/octet-stream"
_DATATYPES = {"integer": "INT64", "number": "FP64", "category": "BYTES"}
_ROWS_TOLD = 20
"""Wrong rows that a problem names; more say no more."""


class RowProblem(FieldProblem):
    """Why a field of one row cannot be used; rows count from 0, as in the tensors."""

    row: NotRequired[int]


class InferencePages:
    """What answers the addresses below `/v2`."""

    def __init__(self, live_models: LiveModels, settings: Settings) -> None:
        self.live_models, self.settings = live_models, settings

    async def server(self, request: Request) -> Response:
        """What this server is, and which extensions it knows."""
        return _json({
            "name": "customer-clusters",
            "version": RELEASE,
            "extensions": ["binary_tensor_data"],
        })  # fmt: skip

    async def live(self, request: Request) -> Response:
        """Whether the process answers at all."""
        return _json({"live": True})

    async def ready(self, request: Request) -> Response:
        """Whether the default model answers; others are loaded with their first request."""
        try:
            check_ready(await model_named(request, self.live_models))
        except (CustomerClustersError, ProblemError) as error:
            if request.scope.get(ANONYMOUS, False):
                raise not_ready() from error
            raise
        return _json({"live": True, "ready": True})

    async def model_ready(self, request: Request) -> Response:
        """Whether one model answers."""
        name, loaded = await self._model(request)
        check_ready(loaded)
        return _json({"name": name, "ready": True})

    async def model(self, request: Request) -> Response:
        """A model's inputs and outputs, by name."""
        name, loaded = await self._model(request)
        contract = loaded.model.contract
        outputs = [
            {"name": output.name, "datatype": output.datatype, "shape": [-1]}
            for output in _outputs(presenter_of(loaded))
        ]
        return _json({
            "name": name,
            "versions": [loaded.version],
            "platform": "customer_clusters",
            "inputs": [*map(_input, contract.features), *_id_input(contract)],
            "outputs": outputs,
        })  # fmt: skip

    async def infer(self, request: Request) -> Response:
        """Assign the customers of some tensors: all of them, or none with every reason why."""
        kind = request.headers.get("content-type", "")
        if kind.partition(";")[0].strip().lower() not in ("", _JSON, _BINARY):
            detail = f"expected content type {_JSON} or {_BINARY}, found {kind!r:.100}"
            raise ProblemError(415, detail)
        limits = self.settings.max_body_bytes, self.settings.request_seconds
        body = await read_body(request, None, *limits)
        length = _header_length(request, body)
        name, loaded = await self._model(request)
        return await beside(len(body), _infer, loaded, name, body, length)

    async def _model(self, request: Request) -> tuple[str, LoadedModel]:
        name, version = request.path_params["model"], request.path_params.get("version")
        loaded = await model_named(request, self.live_models, name)
        if version not in (None, loaded.version):
            detail = f"no version {shortened(version)} answers; {loaded.version} does"
            raise ProblemError(404, detail)
        return name, loaded


def _infer(loaded: LoadedModel, name: str, body: bytes, length: int | None) -> Response:
    asked = parse_json(body if length is None else body[:length])
    if not isinstance(asked, dict):
        raise ProblemError(422, 'expected an object with "inputs"')
    if not isinstance(asked.get("id"), str | None):
        raise ProblemError(422, '"id" must be a text')
    presenter, contract = presenter_of(loaded), loaded.model.contract
    columns = read_tensors(asked.get("inputs"), None if length is None else body[length:])
    _refuse_absent(contract, columns)
    wanted = _wanted(asked, _outputs(presenter), has_ids=contract.id_column in columns)
    rows = parse_rows(contract, _customers(contract, columns))
    if rows.wrong:
        raise _wrong(rows)
    found = predict(presenter, rows.good)
    found["id"] = ["" if each is None else str(each) for each in rows.ids]
    head = {"model_name": name, "model_version": loaded.version}
    return _answer(head if asked.get("id") is None else {**head, "id": asked["id"]}, wanted, found)


def _outputs(presenter: Presenter) -> tuple[Output, ...]:
    """What may be asked for; ids come back where they were sent."""
    ids = () if presenter.model.contract.id_column is None else (Output("id", "BYTES"),)
    return (*outputs_of(presenter), *ids)


def _customers(contract: Contract, columns: Mapping[str, Sequence[Any]]) -> Iterator[object]:
    """The rows of tensors that are equally long; those that the model does not read are left."""
    read = [*(feature.name for feature in contract.features), contract.id_column]
    names = [name for name in read if name is not None and name in columns]
    for row in range(len(next(iter(columns.values())))):
        yield {name: columns[name][row] for name in names}


def _refuse_absent(contract: Contract, columns: Container[str]) -> None:
    """One problem for a feature without a tensor, and not one for each row."""
    absent = [feature for feature in contract.features
              if feature.missing is None and feature.name not in columns]  # fmt: skip
    if absent:
        problems = [Problem(each.name, "missing", "", f"an input of {each.expected}, one value "
                            "for each customer") for each in absent]  # fmt: skip
        raise WrongRow(problems)


def _wanted(
    asked: Mapping[str, Any], outputs: Sequence[Output], *, has_ids: bool
) -> list[tuple[Output, bool]]:
    """The outputs that are asked for, and whether each goes out in binary."""
    binary = _flag(asked, "binary_data_output")
    given = asked.get("outputs") or []
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise ProblemError(422, '"outputs" must be an array of objects, each with a name')
    if not given:
        return [(each, binary) for each in outputs if has_ids or each.name != "id"]
    known = {each.name: each for each in outputs}
    names = [each.get("name") for each in given]
    for name in names:
        if not isinstance(name, str) or name not in known or names.count(name) > 1:
            expected = f"each once, of: {', '.join(known)}"
            raise ProblemError(422, f"output {shortened(name)}: expected {expected}")
    if "id" in names and not has_ids:
        raise ProblemError(422, "output id: expected ids among the inputs too")
    return [(known[each["name"]], _flag(each, "binary_data", binary)) for each in given]


def _flag(given: Mapping[str, Any], name: str, otherwise: bool = False) -> bool:
    """A parameter that is true or false."""
    parameters = given.get("parameters")
    value = parameters.get(name, otherwise) if isinstance(parameters, dict) else otherwise
    if not isinstance(value, bool):
        raise ProblemError(422, f"parameter {name}: expected true or false")
    return value


def _answer(
    head: Mapping[str, Any], wanted: Sequence[tuple[Output, bool]], found: Columns
) -> Response:
    outputs, parts = [], []
    for (name, datatype), binary in wanted:
        values = found[name]
        output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": [len(values)]}
        if binary:
            parts.append(binary_of(datatype, values))
            output["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            output["data"] = values
        outputs.append(output)
    document = to_json({**head, "outputs": outputs})
    if not parts:
        return Response(document, media_type=_JSON)
    headers = {HEADER_LENGTH: str(len(document))}
    return Response(b"".join([document, *parts]), 200, headers, _BINARY)


def _wrong(rows: Rows) -> ProblemError:
    """The protocol has no rejects: one wrong row refuses the request, and is named."""
    told = list(rows.wrong.items())[:_ROWS_TOLD]
    errors: list[RowProblem] = [
        {**problem, "row": row} for row, problems in told for problem in field_problems(problems)
    ]
    first, problems = told[0]
    many = f"{len(rows.wrong):,} of {len(rows.ids):,} rows cannot be assigned"
    detail = f"{many}; row {first} (from 0): {WrongRow(problems)}"
    return ProblemError(422, detail, code="invalid_customer", errors=errors)


def _input(feature: Feature) -> dict[str, Any]:
    return {"name": feature.name, "datatype": _DATATYPES[feature.type], "shape": [-1]}


def _id_input(contract: Contract) -> list[dict[str, Any]]:
    if contract.id_column is None:
        return []
    return [{"name": contract.id_column, "datatype": "BYTES", "shape": [-1]}]


def _header_length(request: Request, body: bytes) -> int | None:
    given = request.headers.get(HEADER_LENGTH)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 20 and int(given) <= len(body)):
        detail = f"{HEADER_LENGTH}: expected how many of the {len(body):,} bytes are JSON"
        raise ProblemError(400, detail, code="invalid_request")
    return int(given)


def _json(document: object) -> Response:
    return Response(to_json(document), media_type=_JSON)
