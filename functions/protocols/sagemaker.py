"""What SageMaker asks of a container: `/ping`, `/invocations`, and how batches are to be cut."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from functions.http.assign import assign_one
from functions.http.content.bodies import parse_json, read_body
from functions.http.content.media_types import preferred
from functions.http.presenter import presenter_of
from functions.http.problems import ProblemError
from functions.live_model import LoadedModel
from functions.live_models import LiveModels
from functions.protocols.models import check_ready, model_named
from functions.protocols.records import (
    INSTANCES,
    KINDS,
    Kind,
    read_csv,
    read_instances,
    read_lines,
    written,
)
from functions.protocols.rows import beside, parse_rows
from functions.settings import Settings
from pipeline.errors import WrongRow

ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
PAYLOAD_MB = 6
"""What SageMaker sends at most unless it is told otherwise."""
_PAYLOAD = PAYLOAD_MB * 1_048_576
_ATTRIBUTES = re.compile(r"[\x20-\x7e]{1,1024}")
_MODEL = re.compile(r"(?:^|[;,])\s*model=([^;,\s]+)")


class SageMakerPages:
    """What answers SageMaker."""

    def __init__(self, live_models: LiveModels, settings: Settings) -> None:
        self.live_models, self.settings = live_models, settings
        self._turn = asyncio.Lock()
        """For bodies that are larger than elsewhere: one at a time, which bounds the memory."""

    async def ping(self, request: Request) -> Response:
        """200 where the default model answers, else 503: SageMaker looks at nothing else."""
        check_ready(await model_named(request, self.live_models))
        return Response(status_code=200)

    async def parameters(self, request: Request) -> Response:
        """How a batch transform is to cut its input, unless its owner says so."""
        document = {
            "MaxConcurrentTransforms": 1,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": PAYLOAD_MB,
        }
        return Response(to_json(document), media_type="application/json")

    async def invocations(self, request: Request) -> Response:
        """Assign one customer with every reason, or many in short; wrong ones keep their place."""
        given = request.headers.get("content-type", "")
        kind = _kind(given)
        answer = _accepted(request.headers.get("accept"), kind)
        limit = max(self.settings.max_body_bytes, _PAYLOAD)
        body = await read_body(request, None, limit, self.settings.request_seconds)
        headers, name = _attributes(request)
        loaded = await model_named(request, self.live_models, name)
        async with self._turn if len(body) > self.settings.max_body_bytes else nullcontext():
            content, media_type = await beside(len(body), _invoke, loaded, kind, answer, body)
        return Response(content, 200, headers, media_type)


def _invoke(loaded: LoadedModel, kind: Kind, answer: Kind, body: bytes) -> tuple[bytes, Kind]:
    presenter, contract = presenter_of(loaded), loaded.model.contract
    if kind == "text/csv":
        rows = read_csv(contract, body)
    elif kind == "application/jsonlines":
        rows = read_lines(contract, body)
    else:
        document: Any = parse_json(body)
        if isinstance(document, dict) and INSTANCES in document:
            rows = read_instances(contract, document)
        elif answer == "application/json":
            return to_json(assign_one(presenter, document)), answer
        else:
            rows = parse_rows(contract, [document])
            for problems in rows.wrong.values():
                raise WrongRow(problems)
    return written(presenter, rows, answer), answer


def _kind(content_type: str) -> Kind:
    """What a body is, by its type; ProblemError for another."""
    found, _, parameters = content_type.partition(";")
    kind = KINDS.get(found.strip().lower())
    charset = re.search(r"charset=\"?([\w-]+)", parameters.lower())
    if kind is None or (charset and charset[1] not in ("utf-8", "us-ascii")):
        expected = "application/json, application/jsonlines or text/csv with a header row, in UTF-8"
        raise ProblemError(415, f"expected content type {expected}, found {content_type!r:.100}")
    return kind


def _accepted(accept: str | None, kind: Kind) -> Kind:
    """What the answer is to be: as the body, unless the client likes another form better."""
    offered = sorted(KINDS, key=lambda name: KINDS[name] != kind)
    wanted = preferred(accept, offered)
    if wanted is None:
        known = ", ".join(dict.fromkeys(KINDS.values()))
        raise ProblemError(406, f"Accept: expected {known}, found {accept!r:.100}")
    return KINDS[wanted]


def _attributes(request: Request) -> tuple[Mapping[str, str], str | None]:
    """The header that goes back as it came, and the model that it names, such as `model=loans`."""
    given = request.headers.get(ATTRIBUTES, "")
    if not given:
        return {}, None
    if not _ATTRIBUTES.fullmatch(given):
        detail = f"{ATTRIBUTES}: expected at most 1,024 printable ASCII characters"
        raise ProblemError(400, detail, code="invalid_request")
    named = _MODEL.search(given)
    return {ATTRIBUTES: given}, named[1] if named else None
