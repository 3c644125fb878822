"""Names under which a server is asked: a page in a browser may have a name of its own lead here."""

import urllib.error
import urllib.request

import pytest
from starlette.testclient import TestClient

from functions.settings import Settings, WrongSetting
from functions.settings.access import AccessSettings
from tests.functions.http.access.conftest import Clients
from tests.support.live import serve

REBOUND = "evil.example:8000"


@pytest.fixture
def site(client_for: Clients) -> TestClient:
    return client_for(access=AccessSettings(hosts=("groups.example",)))


@pytest.mark.parametrize(
    "host",
    [
        "groups.example",
        "Groups.Example:8000",
        "groups.example.",
        "localhost:8000",
        "groups.localhost",
        "127.0.0.1:8000",
        "[::1]:8000",
    ],
)
def test_addresses_and_names_of_the_list_are_answered(site: TestClient, host: str) -> None:
    assert site.get("/v1/model", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        REBOUND,
        "groups.example.evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "evil.example:80:80",
    ],
)
def test_other_names_are_refused_whatever_else_is_said(site: TestClient, host: str) -> None:
    given = {"Host": host, "Origin": f"http://{host}", "X-Forwarded-Host": "groups.example"}
    for path in ("/v1/model", "/", "/health/live"):
        answer = site.get(path, headers=given)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert "CUSTOMER_CLUSTERS_HOSTS" in answer.json()["detail"]


def test_the_names_are_read_from_the_environment() -> None:
    name = "CUSTOMER_CLUSTERS_HOSTS"
    found = Settings.from_environment({name: "Groups.example, groups"}).access.hosts
    assert found == ("groups.example", "groups")
    for text in ("https://groups.example", "groups.example:80", "*", ",", "a..b"):
        with pytest.raises(WrongSetting, match=name):
            Settings.from_environment({name: text})


def test_a_server_for_this_machine_without_keys_takes_no_name_of_another_site() -> None:
    with serve() as address:
        asked = urllib.request.Request(f"{address}/v1/model", headers={"Host": REBOUND})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, timeout=10)
        refused.value.close()
    assert refused.value.code == 403
