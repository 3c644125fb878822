"""What clients may keep, and how they learn that it still holds."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from functions.http.content.caching import is_known
from functions.live_model import LiveModel

KEPT = ["/v1/clusters", "/v1/clusters/5", "/v1/model", "/openapi.json"]
Clients = Callable[..., TestClient]


@pytest.mark.parametrize("path", [*KEPT, "/static/style.css", "/static/preview.png"])
def test_what_a_client_has_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path, headers={"accept-encoding": "identity"})
    packed = client.get(path, headers={"accept-encoding": "gzip"})
    assert first.headers["etag"] == packed.headers["etag"]
    assert first.headers["etag"].startswith('W/"')
    assert "Accept-Encoding" in first.headers["vary"]

    again = client.get(path, headers={"if-none-match": f'"x", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["content-security-policy"]

    changed = client.get(path, headers={"if-none-match": 'W/"x"'})
    assert (changed.status_code, changed.content) == (200, first.content)


@pytest.mark.parametrize("path", KEPT)
def test_it_is_kept_as_long_as_a_model_may_go_unnoticed(client_for: Clients, path: str) -> None:
    answer = client_for(model_ttl_seconds=7).get(path)
    assert answer.headers["cache-control"] == "private, max-age=7"


@pytest.mark.parametrize("path", KEPT)
def test_another_model_has_other_tags(client: TestClient, live_model: LiveModel, path: str) -> None:
    before = client.get(path).headers["etag"]
    live_model.store.point("champion", live_model.store.resolve("original"))
    live_model.refresh()
    answer = client.get(path, headers={"if-none-match": before})
    assert answer.status_code in (200, 404)  # the other model has fewer clusters
    assert answer.headers.get("etag") != before


def test_what_is_about_customers_or_now_is_kept_by_nobody(
    client: TestClient, leaver: dict[str, object]
) -> None:
    answers = [
        client.post("/v1/assign", json=leaver),
        client.post("/v1/assign/batch", json={"customers": [leaver]}),
        client.post("/v1/what-if", json={"customer": leaver}),
        client.get("/health/ready"),
        client.get("/v1/clusters/99"),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


@pytest.mark.parametrize(
    ("given", "known"),
    [
        (None, False),
        ("*", True),
        ('W/"a"', True),
        ('"a"', True),
        ('"b" , W/"a"', True),
        ('"b"', False),
        ("a", False),
        ("", False),
    ],
)
def test_tags_are_compared_weakly(given: str | None, known: bool) -> None:
    assert is_known(given, 'W/"a"') == known
