"""Operations of any OpenAPI document, as the page `/docs` shows them."""

import asyncio
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request

from functions.web.reference.fields import FieldTable
from functions.web.reference.operations import Operation, Reader, chapters

PROBLEM = {"application/problem+json": {"examples": {"job_gone": {"value": {"code": "job_gone"}}}}}
JOB = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "Its id."},
        "state": {"enum": ["queued", "running"], "description": "How far it is."},
        "parent": {"anyOf": [{"$ref": "#/components/schemas/Job"}, {"type": "null"}]},
    },
    "required": ["id", "state"],
}


def shown(path: str, method: str, **described: Any) -> Operation:
    operation = {"operationId": "anything", "responses": {"204": {"description": "Done"}}}
    schemas = {"Job": JOB}
    document = {
        "paths": {path: {method: operation | described}},
        "components": {"schemas": schemas},
    }
    scope = {
        "type": "http", "scheme": "https", "server": ("host", 443), "headers": [], "path": "/docs",
        "root_path": "/stage", "app_root_path": "/stage", "app": Starlette(),
    }  # fmt: skip
    reader = Reader(Request(scope), document, FieldTable(schemas), 1, False)
    ((operation_shown,),) = [c.operations for c in asyncio.run(chapters(reader))]
    return operation_shown


def job_body(*content_types: str) -> dict[str, Any]:
    file = {"schema": {"type": "string", "format": "binary"}}
    return {"content": dict.fromkeys(content_types, file)}


def test_a_file_is_sent_as_a_file() -> None:
    form = {"schema": {"type": "object", "properties": {"file": {"type": "string"}}}}
    body = job_body("application/vnd.apache.parquet", "text/csv")
    body["content"] = {"multipart/form-data": form, **body["content"]}
    job = {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}}
    headers = {"Location": {"description": "The address of the job."}}
    operation = shown(
        "/v1/jobs", "post", requestBody=body,
        responses={"202": {"description": "It waits", "headers": headers, "content": job}},
    )  # fmt: skip
    assert operation.samples[0].code == (
        "curl https://host/stage/v1/jobs \\\n"
        "  -H 'Content-Type: text/csv' \\\n"
        "  --data-binary @customers.csv"
    )
    assert operation.content_types[0] == "text/csv"
    assert (operation.status, operation.answer) == ("202", "")
    assert [row.name for row in operation.gives] == ["id", "state", "parent"]
    assert operation.gives[1].allowed == '"queued", "running"'
    assert operation.gives[2].same_as[0] == "anything-gives"  # and goes round in no circle
    assert [row.name for row in operation.headers] == ["Location"]


def test_a_form_has_fields_and_no_sample() -> None:
    form = {"schema": {"type": "object", "properties": {"file": {"type": "string"}}}}
    operation = shown("/v1/jobs", "post", requestBody={"content": {"multipart/form-data": form}})
    assert operation.samples == []
    assert [row.name for row in operation.takes] == ["file"]


def test_an_answer_without_a_body_is_printed_by_its_status() -> None:
    given = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    operation = shown(
        "/v1/jobs/{id}", "delete", parameters=[{**given, "example": "a/b c"}],
        responses={"204": {"description": "Gone"}, "404": {"content": PROBLEM}},
    )  # fmt: skip
    by_language = {sample.language: sample.code for sample in operation.samples}
    assert by_language["curl"] == "curl https://host/stage/v1/jobs/a%2Fb%20c \\\n  -X DELETE"
    assert "answer.status" in by_language["python"]
    assert "ConvertTo-Json" not in by_language["powershell"]
    assert [(p.status, p.codes) for p in operation.problems] == [("404", ["job_gone"])]


def test_a_parameter_that_is_needed_is_in_the_address() -> None:
    def given(name: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "in": "query", "schema": {"type": "string"}, **more}

    parameters = [given("top", required=True, example="5 %"), given("by")]
    operation = shown("/v1/list", "get", parameters=parameters)
    assert "https://host/stage/v1/list?top=5+%25" in operation.samples[0].code
    assert [row.required for row in operation.parameters] == [True, False]
