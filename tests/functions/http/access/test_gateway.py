"""What an API Gateway has checked: a token, or a signature by IAM."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.api import create_app
from functions.http.lambda_adapter import LambdaHandler, handler_for
from functions.live_model import LiveModel
from functions.settings import Settings
from functions.settings.access import AccessSettings
from tests.functions.conftest import Lines
from tests.functions.http.access.conftest import entry
from tests.support.paths import EVENTS
from tests.support.tokens import AUDIENCE, ISSUER

pytestmark = pytest.mark.usefixtures("event_loop")
ARN = "arn:aws:sts::123456789012:assumed-role/nightly/session"
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "nightly", "scope": "assign", "exp": "1"}
Make = Callable[..., LambdaHandler]


@pytest.fixture
def handler_of(live_model: LiveModel, lines: Lines) -> Make:
    def make(**access: Any) -> LambdaHandler:
        keys = (entry("crm", "key"),)
        settings = Settings(api_keys=keys, access=AccessSettings(**access))
        return handler_for(create_app(live_model, settings, log=lines.append))

    return make


def event(path: str = "/v1/assign", method: str = "POST", **authorizer: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((EVENTS / "http_api_v2.json").read_text())
    made["rawPath"] = made["requestContext"]["http"]["path"] = path
    made["requestContext"]["http"]["method"] = method
    made["routeKey"] = made["requestContext"]["routeKey"] = "ANY /v1/{proxy+}"
    made["pathParameters"] = {"proxy": path.removeprefix("/v1/")}
    if authorizer:
        made["requestContext"]["authorizer"] = authorizer
    return made


BY_JWT = {"gateway": "jwt", "jwt_issuer": ISSUER, "jwt_audience": (AUDIENCE,)}


def code(answer: dict[str, Any]) -> tuple[int, str | None]:
    return answer["statusCode"], json.loads(answer["body"]).get("code")


@pytest.mark.parametrize(
    "changes",
    [{}, {"aud": f"[somebody {AUDIENCE}]"}, {"scope": "[files assign]"}, {"scope": "openid admin"}],
)
def test_the_claims_of_the_gateway_are_taken_as_ours_are(
    handler_of: Make, lines: Lines, changes: dict[str, str]
) -> None:
    answer = handler_of(**BY_JWT)(
        event(jwt={"claims": {**CLAIMS, **changes}, "scopes": None}), None
    )
    assert answer["statusCode"] == 200, answer["body"]
    assert lines[-1]["client"] == "jwt:nightly"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({**CLAIMS, "iss": "https://evil.example"}, (401, "invalid_token")),
        ({**CLAIMS, "aud": "somebody"}, (401, "invalid_token")),
        ({**CLAIMS, "scope": "files"}, (403, "missing_scope")),
        ({}, (401, "unauthorised")),
    ],
)
def test_claims_that_mean_nothing_here_let_nobody_pass(
    handler_of: Make, claims: dict[str, str], expected: tuple[int, str]
) -> None:
    assert code(handler_of(**BY_JWT)(event(jwt={"claims": claims}), None)) == expected


def test_the_word_of_a_gateway_counts_where_a_setting_says_so(handler_of: Make) -> None:
    by_jwt, by_iam = {"jwt": {"claims": CLAIMS}}, {"iam": {"userArn": ARN}}
    with_keys = {"jwt_issuer": ISSUER, "jwt_audience": (AUDIENCE,), "jwt_keys": "nowhere.json"}
    for access, authorizer in (
        ({}, by_jwt), ({}, by_iam), (with_keys, by_jwt), (BY_JWT, by_iam),
        ({"gateway": "iam"}, by_jwt), (BY_JWT, {}), (BY_JWT, {"jwt": None}),
        (BY_JWT, {"principalId": "me"}),
    ):  # fmt: skip
        assert code(handler_of(**access)(event(**authorizer), None)) == (401, "unauthorised")
    without = event()
    without["requestContext"]["authorizer"] = None
    assert code(handler_of(**BY_JWT)(without, None)) == (401, "unauthorised")


def test_who_signs_for_iam_is_named_by_the_end_of_his_arn(handler_of: Make, lines: Lines) -> None:
    handler = handler_of(gateway="iam")
    assert handler(event(iam={"userArn": ARN}), None)["statusCode"] == 200
    assert lines[-1]["client"] == "iam:assumed-role/nightly/session"


def test_beside_the_gateways_clients_keys_are_taken(handler_of: Make) -> None:
    for access in (BY_JWT, {"gateway": "iam"}):
        given = event("/clusters", "GET")
        given["headers"]["x-api-key"] = "key"
        assert handler_of(**access)(given, None)["statusCode"] == 200


@pytest.mark.parametrize("path", ["/v1/model", "/prod/v1/model", "/v1/clusters/1"])
def test_a_route_of_our_own_paths_is_no_prefix(handler_of: Make, path: str) -> None:
    given = event(path, "GET", iam={"userArn": ARN})
    given["pathParameters"] = {"proxy": path.partition("/v1/")[2]}
    assert handler_of(gateway="iam")(given, None)["statusCode"] == 200


def test_the_gateway_answers_for_tokens_without_what_checks_them(live_model: LiveModel) -> None:
    """PyJWT is an extra, and the gateway has done its work."""
    settings = Settings(access=AccessSettings(**BY_JWT))  # type: ignore[arg-type]
    app = create_app(live_model, settings, log=lambda line: None)
    answer = handler_for(app)(event(jwt={"claims": CLAIMS}), None)
    assert answer["statusCode"] == 200
    bare = event()
    bare["headers"]["authorization"] = "Bearer a.b.c"
    answer = handler_for(app)(bare, None)
    assert answer["statusCode"] == 401
    assert "none is taken here" in json.loads(answer["body"])["detail"]
