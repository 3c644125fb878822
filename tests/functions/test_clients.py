"""Entries of API keys."""

import pytest

from functions.settings import Settings, WrongSetting
from functions.settings.clients import ALL_SCOPES, ApiKey, Client, Rate, api_keys_of

ONE, OTHER = "a1" * 32, "b2" * 32


@pytest.mark.parametrize(
    ("entry", "client"),
    [
        (ONE, Client("a1a1a1a1")),
        (ONE.upper(), Client("a1a1a1a1")),
        (f"crm={ONE}", Client("crm")),
        (f"crm:files={ONE}", Client("crm", frozenset({"files"}))),
        (f"crm:assign+files={ONE}", Client("crm", frozenset({"assign", "files"}))),
        (f"crm::100/s={ONE}", Client("crm", ALL_SCOPES, Rate(100, 1))),
        (f"crm:customers:600/min={ONE}", Client("crm", frozenset({"customers"}), Rate(600, 60))),
        (f" a.b-1 : admin : 9/h = {ONE}", Client("a.b-1", frozenset({"admin"}), Rate(9, 3600))),
        (f"::3/s={ONE}", Client("a1a1a1a1", ALL_SCOPES, Rate(3, 1))),
    ],
)  # fmt: skip
def test_an_entry_says_who_may_do_what_and_how_often(entry: str, client: Client) -> None:
    assert ApiKey.from_text(entry) == ApiKey(client, ONE)
    assert ApiKey.from_text(str(ApiKey(client, ONE))) == ApiKey(client, ONE)


@pytest.mark.parametrize(
    "entry",
    [
        "", "crm", f"crm:{ONE}", f"crm={ONE}0", f"crm={ONE[1:]}", f"c m={ONE}", f"-crm={ONE}",
        f"crm:assign,files={ONE}", f"crm:read={ONE}", f"crm:assign+={ONE}", f"crm::100={ONE}",
        f"crm::0/s={ONE}", f"crm::1/day={ONE}", f"crm::1.5/s={ONE}", f"crm:assign:1/s:x={ONE}",
        f"{'n' * 65}={ONE}", f"jwt:me={ONE}",
    ],
)  # fmt: skip
def test_another_text_is_no_entry(entry: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the setting says what is expected
        ApiKey.from_text(entry)


def test_two_keys_may_be_of_one_client_while_they_are_exchanged() -> None:
    keys = api_keys_of((f"crm:files:9/s={ONE}", f"crm:files:9/s={OTHER}"))
    assert [key.client.name for key in keys] == ["crm", "crm"]


@pytest.mark.parametrize(
    "entries",
    [
        f"crm={ONE},other={ONE}",
        f"crm:files={ONE},crm:assign={OTHER}",
        f"crm::1/s={ONE},crm::2/s={OTHER}",
    ],
)
def test_a_key_or_a_name_with_two_meanings_is_refused(entries: str) -> None:
    with pytest.raises(WrongSetting, match="CUSTOMER_CLUSTERS_API_KEYS: expected ") as caught:
        Settings.from_environment({"CUSTOMER_CLUSTERS_API_KEYS": entries})
    assert ONE not in str(caught.value)
