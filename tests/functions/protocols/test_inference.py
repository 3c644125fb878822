"""The Open Inference Protocol: by its public client over loopback, and message by message."""

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from numpy.typing import NDArray
from starlette.testclient import TestClient
from tritonclient.utils import InferenceServerException

from functions.api import create_app
from functions.http.lambda_adapter import handler_for
from functions.live_model import LiveModel
from functions.protocols.inference import HEADER_LENGTH
from functions.protocols.rows import MAX_ROWS
from functions.settings import Settings
from tests.functions.conftest import Lines
from tests.support.paths import EVENTS

Clients = Callable[..., TestClient]
INFER = "/v2/models/default/infer"
VALUES: dict[str, Any] = {
    "Total_Revolving_Bal": [0, 1500, 2200],
    "Total_Trans_Amt": [1900.5, 4300, 14000],
    "Total_Trans_Ct": [38, 75, 110],
}
NAMES = ["cluster", "cluster_name", "churn_rate", "margin", "distance", "outlier", "risk"]


def tensor(name: str, data: list[Any], datatype: str = "FP64", **more: Any) -> dict[str, Any]:
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": data, **more}


def asked(**more: Any) -> dict[str, Any]:
    return {"inputs": [tensor(name, data) for name, data in VALUES.items()], **more}


def outputs_of(answer: Any) -> dict[str, Any]:
    return {output["name"]: output["data"] for output in answer.json()["outputs"]}


def triton_inputs(rows: int = 3, **arrays: NDArray[Any]) -> list[Any]:
    """Inputs in binary, as the client sends arrays; the customers come again and again."""
    columns: dict[str, NDArray[Any]] = {
        name: np.resize(np.array(data, np.float64), rows) for name, data in VALUES.items()
    }
    kinds = {"f8": "FP64", "f4": "FP32", "i8": "INT64", "i4": "INT32", "O": "BYTES"}
    inputs = []
    for name, array in {**columns, **arrays}.items():
        made = triton.InferInput(name, list(array.shape), kinds[array.dtype.str.lstrip("<|")])
        made.set_data_from_numpy(array)
        inputs.append(made)
    return inputs


@pytest.fixture
def public_client(server: str) -> Any:
    with triton.InferenceServerClient(server.removeprefix("http://")) as client:
        yield client


def test_the_public_client_finds_the_server_and_its_model(
    public_client: Any, live_model: LiveModel
) -> None:
    assert public_client.is_server_live()
    assert public_client.is_server_ready()
    assert public_client.is_model_ready("default")
    assert not public_client.is_model_ready("another")
    assert public_client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    found = public_client.get_model_metadata("default")
    assert found["versions"] == [live_model.current().version]
    assert [(each["name"], each["datatype"]) for each in found["inputs"]] == [
        ("Total_Revolving_Bal", "FP64"),
        ("Total_Trans_Amt", "FP64"),
        ("Total_Trans_Ct", "INT64"),
        ("CLIENTNUM", "BYTES"),
    ]
    assert [each["name"] for each in found["outputs"]] == [*NAMES, "id"]


@pytest.mark.parametrize("rows", [3, 120])
def test_the_public_client_gets_in_binary_what_a_look_up_says(
    public_client: Any, live_model: LiveModel, rows: int
) -> None:
    """Three are assigned one by one, a hundred by numpy."""
    ids = np.array([f"ü{row}".encode() for row in range(rows)], object)
    result = public_client.infer("default", triton_inputs(rows, CLIENTNUM=ids), request_id="7")
    assert result.get_response()["id"] == "7"
    model = live_model.current().model
    for row in range(rows):
        found = model.assign({name: data[row % 3] for name, data in VALUES.items()})
        assert result.as_numpy("cluster")[row] == found.cluster.id
        assert result.as_numpy("cluster_name")[row].decode() == found.cluster.name
        assert found.cluster.churn is not None and found.risk is not None
        assert result.as_numpy("churn_rate")[row] == found.cluster.churn.rate
        assert result.as_numpy("margin")[row] == pytest.approx(found.margin)
        assert result.as_numpy("distance")[row] == pytest.approx(found.distance)
        assert result.as_numpy("outlier")[row] == found.outlier
        assert result.as_numpy("risk")[row] == pytest.approx(found.risk.rate)
        assert result.as_numpy("id")[row] == ids[row]


def test_the_public_client_chooses_outputs_version_and_number_types(
    public_client: Any, live_model: LiveModel
) -> None:
    inputs = triton_inputs(
        Total_Trans_Ct=np.array([[38], [75], [110]], np.int32),
        Total_Trans_Amt=np.array([1900.5, 4300, 14000], np.float32),
        Another_Column=np.array([b"", b"", b""], object),
    )
    chosen = [
        triton.InferRequestedOutput("margin", binary_data=False),
        triton.InferRequestedOutput("cluster", binary_data=True),
    ]
    result = public_client.infer(
        "default",
        inputs,
        live_model.current().version,
        chosen,
        request_compression_algorithm="gzip",
    )
    assert [each["name"] for each in result.get_response()["outputs"]] == ["margin", "cluster"]
    assert result.as_numpy("cluster").tolist() == [
        live_model.current().model.assign(dict(zip(VALUES, row, strict=True))).cluster.id
        for row in zip(*VALUES.values(), strict=True)
    ]


def test_the_public_client_understands_why_it_is_refused(public_client: Any) -> None:
    wrong = triton_inputs(Total_Trans_Ct=np.array([38, -75, 110], np.int64))
    with pytest.raises(InferenceServerException, match=r"1 of 3 rows .* row 1 .*Total_Trans_Ct"):
        public_client.infer("default", wrong)
    with pytest.raises(InferenceServerException, match="no version 1 answers"):
        public_client.infer("default", triton_inputs(), "1")


def test_json_tensors_are_answered_as_json(client: TestClient, leaver: dict[str, Any]) -> None:
    inputs = [tensor(name, [[leaver[name]]], shape=[1, 1]) for name in VALUES]
    inputs.append(tensor("CLIENTNUM", ["0710001"], "BYTES"))
    answer = client.post(INFER, json={"inputs": inputs})
    assert answer.headers["content-type"] == "application/json"
    found, single = outputs_of(answer), client.post("/v1/assign", json=leaver).json()
    assert found["cluster"] == [single["cluster"]["id"]]
    assert found["risk"] == [single["risk_score"]["rate"]]
    assert found["id"] == ["0710001"]
    assert list(outputs_of(client.post(INFER, json=asked()))) == NAMES


def test_a_wrong_row_refuses_the_request_and_is_named(client: TestClient) -> None:
    inputs = [tensor(name, data) for name, data in VALUES.items()]
    inputs[1]["data"], inputs[2]["data"] = [None, 4300, "x"], [38, 7.5, 110]
    answer = client.post(INFER, json={"inputs": inputs}).json()
    assert (answer["status"], answer["code"]) == (422, "invalid_customer")
    assert answer["error"] == answer["detail"]
    assert [(each["row"], each["field"], each["code"]) for each in answer["errors"]] == [
        (0, "Total_Trans_Amt", "missing"),
        (1, "Total_Trans_Ct", "not_an_integer"),
        (2, "Total_Trans_Amt", "not_a_number"),
    ]


def test_a_feature_without_a_tensor_is_told_once(client: TestClient) -> None:
    answer = client.post(INFER, json={"inputs": asked()["inputs"][:2]}).json()
    assert [(each["field"], each["code"]) for each in answer["errors"]] == [
        ("Total_Trans_Ct", "missing")
    ]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"inputs": []}, 422, "a tensor for each feature"),
        ({"inputs": [3]}, 422, "an object with a name"),
        ({"inputs": [tensor("a", [1]), tensor("a", [1])]}, 422, "twice"),
        ({"inputs": [tensor("a", [1]), tensor("b", [1, 2])]}, 422, "as many in each"),
        ({"inputs": [tensor("a", [1], shape=[1, 3])]}, 422, "[n] or [n, 1]"),
        ({"inputs": [tensor("a", [1], shape=[True])]}, 422, "[n] or [n, 1]"),
        ({"inputs": [tensor("a", [1], shape=[2])]}, 422, "with 2 elements, found 1 elements"),
        ({"inputs": [tensor("a", [], shape=[MAX_ROWS + 1])]}, 413, "as a file"),
        ({"inputs": [tensor("a", [1], "BF16")]}, 422, "datatype"),
        ({"inputs": [tensor("a", [1], parameters={"binary_data_size": 8})]}, 400, HEADER_LENGTH),
        ({"outputs": [{"name": "group"}]}, 422, "of: cluster, "),
        ({"outputs": [{"name": "risk"}, {"name": "risk"}]}, 422, "each once"),
        ({"outputs": [{"name": "id"}]}, 422, "ids among the inputs"),
        ({"outputs": "risk"}, 422, "an array of objects"),
        ({"parameters": {"binary_data_output": 1}}, 422, "true or false"),
        ({"id": 7}, 422, "must be a text"),
    ],
)
def test_what_is_no_request_is_refused_with_a_reason(
    client: TestClient, change: dict[str, Any], status: int, said: str
) -> None:
    answer = client.post(INFER, json={**asked(), **change})
    assert answer.status_code == status
    assert said in answer.json()["error"]


def binary(**changes: Any) -> tuple[bytes, bytes]:
    """The JSON of a request whose first input is in binary, and what follows it."""
    inputs = asked()["inputs"]
    del inputs[0]["data"]
    inputs[0]["parameters"] = {"binary_data_size": 24}
    inputs[0] |= changes
    return json.dumps({"inputs": inputs}).encode(), struct.pack("<3d", 0, 1500, 2200)


@pytest.mark.parametrize(
    ("changes", "data", "length", "status"),
    [
        ({}, b"", None, 200),
        ({}, b"", "99999", 400),
        ({}, b"", "-1", 400),
        ({}, b"", "", 400),
        ({}, b"and more", None, 400),
        ({"parameters": {"binary_data_size": 25}}, b"", None, 400),
        ({"parameters": {"binary_data_size": -1}}, b"", None, 422),
        ({"parameters": {"binary_data_size": 16}}, b"", None, 422),
        ({"datatype": "FP32"}, b"", None, 422),
        ({"datatype": "BYTES"}, b"", None, 422),
    ],
)
def test_the_binary_part_has_to_be_what_the_json_says(
    client: TestClient, changes: dict[str, Any], data: bytes, length: str | None, status: int
) -> None:
    head, tensors = binary(**changes)
    headers = {HEADER_LENGTH: str(len(head)) if length is None else length}
    answer = client.post(INFER, content=head + tensors + data, headers=headers)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("text", [b"\xff\xff\xff\xff", b"\2\0\0\0\xff\xff", b"\1\0\0"])
def test_texts_that_are_none_are_refused(client: TestClient, text: bytes) -> None:
    inputs = [tensor(name, data[:1]) for name, data in VALUES.items()]
    parameters = {"binary_data_size": len(text)}
    inputs.append(
        {"name": "CLIENTNUM", "shape": [1], "datatype": "BYTES", "parameters": parameters}
    )
    head = json.dumps({"inputs": inputs}).encode()
    answer = client.post(INFER, content=head + text, headers={HEADER_LENGTH: str(len(head))})
    assert answer.status_code == 422
    assert "CLIENTNUM" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/nothing", 404),
        ("/v2/models/another", 404),
        ("/v2/models/default/versions/1", 404),
        ("/v2/models/default/infer", 405),
    ],
)
def test_every_error_below_v2_has_the_member_that_the_protocol_names(
    client: TestClient, path: str, status: int
) -> None:
    answer = client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == status
    assert answer.json()["error"] == answer.json()["detail"]
    assert "error" not in client.get("/v1/nothing").json()


def test_other_content_is_refused(client: TestClient) -> None:
    answer = client.post(INFER, content="a=1", headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    larger = client.post(INFER, content=b" " * 1_048_577)
    assert (larger.status_code, larger.json()["code"]) == (413, "too_large")


def test_with_keys_only_the_signs_of_life_are_open(client_for: Clients) -> None:
    client = client_for(api_keys=("00" * 32,))
    assert client.get("/v2/health/live").json() == {"live": True}
    refused = client.get("/v2/models/default/ready")
    assert refused.status_code == 401
    assert refused.json()["error"]


def test_the_log_names_the_model_and_no_value(client: TestClient, lines: Lines) -> None:
    client.post(INFER, json=asked())
    assert lines[-1]["route"] == "/v2/models/{model}/infer"
    assert lines[-1]["model_version"]
    assert "1900" not in json.dumps(lines)


@pytest.mark.usefixtures("event_loop")
@pytest.mark.parametrize("name", ["http_api_v2", "alb"])
def test_binary_tensors_go_through_lambda_both_ways(live_model: LiveModel, name: str) -> None:
    handler = handler_for(create_app(live_model, Settings(), log=lambda line: None))
    body, length = triton.InferenceServerClient.generate_request_body(triton_inputs())
    event = json.loads((EVENTS / f"{name}.json").read_text())
    headers = {"content-type": "application/octet-stream", HEADER_LENGTH: str(length)}
    event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    event |= {"path": INFER} if "path" in event else {"rawPath": INFER}
    event["requestContext"].get("http", {})["path"] = INFER
    many = "multiValueHeaders" in event
    event["multiValueHeaders" if many else "headers"] = (
        {key: [value] for key, value in headers.items()} if many else headers
    )
    answer = handler(event, None)
    assert answer["statusCode"] == 200 and answer["isBase64Encoded"] is True
    fields = answer.get("headers") or {
        key: values[0] for key, values in answer["multiValueHeaders"].items()
    }
    result = triton.InferenceServerClient.parse_response_body(
        base64.b64decode(answer["body"]), header_length=int(fields[HEADER_LENGTH.lower()])
    )
    assert result.as_numpy("cluster").shape == (3,)
