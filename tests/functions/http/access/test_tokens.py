"""Signed tokens: which are taken, what they may do, and how their keys are kept."""

import asyncio
import base64
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import jwt
import pytest
from starlette.testclient import TestClient

from functions.http.access import signing_keys
from functions.http.access.signing_keys import SigningKeys, WrongKeySet, read_keys
from functions.http.access.tokens import Tokens, words_of
from functions.http.problems import ProblemError
from functions.settings import Settings, WrongSetting
from functions.settings.access import AccessSettings
from functions.settings.clients import Rate
from tests.functions.conftest import Lines
from tests.functions.http.access.conftest import Clients, entry
from tests.support.tokens import AUDIENCE, ISSUER, ec_key, public, publishing, rsa_key, signed
from tests.support.web import Page

Make = Callable[[], str]


@pytest.fixture
def key_set(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    keys = [public("one", rsa_key()), public("two", ec_key(), alg="ES256", use="sig")]
    path.write_text(json.dumps({"keys": keys}))
    return path


def settings(keys: object, **changes: Any) -> AccessSettings:
    return AccessSettings(
        jwt_issuer=ISSUER, jwt_audience=(AUDIENCE, "other"), jwt_keys=str(keys), **changes
    )


@pytest.fixture
def site(client_for: Clients, key_set: Path) -> TestClient:
    return client_for(api_keys=(entry("crm", "key"),), access=settings(key_set))


def ask(client: TestClient, token: str, path: str = "/v1/model") -> Any:
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


TAKEN: dict[str, Make] = {
    "RS256": signed,
    "ES256": lambda: signed(ec_key(), "two", "ES256"),
    "several audiences": lambda: signed(aud=["somebody", "other"]),
    "of Cognito": lambda: signed(aud=None, client_id=AUDIENCE),
    "a list of scopes": lambda: signed(scope=["files", "assign"]),
    "another claim": lambda: signed(scope=None, scp="openid assign"),
    "a clock behind": lambda: signed(exp=time.time() - 20),
    "a clock before": lambda: signed(nbf=time.time() + 20),
    "no end in sight": lambda: signed(exp=10**400),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_token_of_the_issuer_is_taken(site: TestClient, lines: Lines, name: str) -> None:
    token = TAKEN[name]()
    for _ in range(2):  # checked, and remembered
        assert ask(site, token).status_code == 200
    assert lines[-1]["client"] == "jwt:nightly"
    assert token not in json.dumps(lines)
    refused = ask(site, token, "/v1/customers/1")
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert site.get("/v1/model", headers={"X-API-Key": "key"}).status_code == 200  # keys as before


def unsigned(**header: object) -> str:
    parts = ({"alg": "none", "kid": "one", **header}, {"iss": ISSUER, "aud": AUDIENCE, "sub": "x"})
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    ) + "."  # fmt: skip


def tampered() -> str:
    head, _, signature = signed().split(".")
    payload = signed(sub="somebody-else").split(".")[1]
    return f"{head}.{payload}.{signature}"


PUBLIC_PEM = "by-the-public-key" * 3


WRONG: dict[str, tuple[Make, str]] = {
    "expired": (lambda: signed(exp=time.time() - 40), "it has expired"),
    "too early": (lambda: signed(nbf=time.time() + 40), "it does not hold yet"),
    "no end": (lambda: signed(exp=None), "it lacks the claim exp or iss"),
    "another issuer": (lambda: signed(iss="https://evil.example"), "it is of another issuer"),
    "another audience": (lambda: signed(aud="somebody"), "it is for another audience"),
    "no audience": (lambda: signed(aud=None), "it is for another audience"),
    "another audience, our client": (
        lambda: signed(aud="somebody", client_id=AUDIENCE),
        "it is for another audience",
    ),
    "an audience with a blank": (
        lambda: signed(aud=f"somebody {AUDIENCE}"),
        "it is for another audience",
    ),
    "a subject that the log cannot write": (
        lambda: signed(sub="\ud800"),
        "it names no subject",
    ),
    "a time that is no number": (
        lambda: jwt.PyJWS().encode(
            json.dumps({"iss": ISSUER, "exp": 0}).replace("0", "1e400").encode(),
            rsa_key(),
            "RS256",
            {"kid": "one"},
        ),
        "it cannot be read",
    ),
    "no subject": (lambda: signed(sub=None), "it names no subject"),
    "another key": (lambda: signed(rsa_key(number=1)), "its signature does not fit"),
    "tampered with": (lambda: tampered(), "its signature does not fit"),
    "an unknown key": (lambda: signed(key_id="three"), "its key is not among those of the issuer"),
    "no key named": (lambda: signed(key_id=None), "its key is not among those of the issuer"),
    "the algorithm of another key": (
        lambda: signed(ec_key(), "one", "ES256"),
        "it is not signed by RS256 or ES256",
    ),
    "RS512": (lambda: signed(algorithm="RS512"), "it is not signed by RS256 or ES256"),
    "PS256": (lambda: signed(algorithm="PS256"), "it is not signed by RS256 or ES256"),
    "a public key as a secret": (
        lambda: signed(PUBLIC_PEM, "one", "HS256"),
        "it is not signed by RS256 or ES256",
    ),
    "unsigned": (lambda: unsigned(), "it is not signed by RS256 or ES256"),
    "unsigned, said to be signed": (lambda: unsigned(alg="RS256"), "its signature does not fit"),
    "no token": (lambda: "a.b.c", "it cannot be read"),
    "nothing": (lambda: "..", "it cannot be read"),
    "too long": (lambda: signed(more="x" * 9_000), "it is too long"),
}


@pytest.mark.parametrize("name", WRONG)
def test_any_other_token_is_refused_and_it_is_said_why(site: TestClient, name: str) -> None:
    make, reason = WRONG[name]
    answer = ask(site, make())
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
    assert answer.json()["detail"] == f"this token is not taken: {reason}"
    assert answer.headers["www-authenticate"] == (
        f'Bearer error="invalid_token", error_description="{reason}"'
    )


@pytest.mark.parametrize(
    ("claims", "changes", "codes"),
    [
        ({"scope": "files"}, {}, (403, 200)),
        ({"scope": "admin"}, {}, (200, 200)),
        ({"scope": "cc/files other/assign"}, {"jwt_scope_prefix": "cc/"}, (403, 200)),
        ({"scope": "files"}, {"jwt_scope_prefix": "cc/"}, (403, 403)),
        ({"roles": ["assign"], "scope": "files"}, {"jwt_scope_claim": "roles"}, (200, 403)),
        ({"scope": None}, {}, (403, 403)),
        ({"scope": 7}, {}, (403, 403)),
        ({"scope": "everything"}, {}, (403, 403)),
    ],
)
def test_a_token_may_do_what_its_scopes_say_and_nothing_without(
    client_for: Clients, key_set: Path, claims: Any, changes: Any, codes: tuple[int, int]
) -> None:
    site = client_for(access=settings(key_set, **changes))
    token = signed(**claims)
    assert tuple(ask(site, token, path).status_code for path in ("/v1/model", "/files")) == codes


def test_each_subject_has_a_rate_of_its_own(client_for: Clients, key_set: Path) -> None:
    site = client_for(access=settings(key_set, jwt_rate=Rate(2, 60)))
    codes = [ask(site, signed(exp=time.time() + n)).status_code for n in (50, 60, 70)]
    assert codes == [200, 200, 429]
    assert ask(site, signed(sub="other")).status_code == 200


def test_subjects_that_begin_alike_are_different_clients(
    client_for: Clients, key_set: Path, lines: Lines
) -> None:
    site = client_for(access=settings(key_set, jwt_rate=Rate(1, 60)))
    same = "spiffe://company.example/ns/production/sa/" + "x" * 60
    codes = [ask(site, signed(sub=same + end)).status_code for end in ("a", "b", "a")]
    assert codes == [200, 200, 429]
    names = [line["client"] for line in lines[-3:]]
    assert names[0] == names[2] != names[1]
    assert {len(name) for name in names} == {len("jwt:") + 64}


def test_where_tokens_alone_are_taken_a_browser_is_asked_for_no_password(
    client_for: Clients, key_set: Path
) -> None:
    site = client_for(access=settings(key_set))
    answer = site.get("/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    page = Page(answer.text)
    assert "Send a token as" in page.text
    assert "password" not in page.text
    assert ask(site, "wrong").status_code == 401
    assert site.get("/health/live").status_code == 200


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_is_checked_again_after_a_while_and_when_it_ends(key_set: Path) -> None:
    clock, checks = Clock(), 0
    clock.now = time.time()
    tokens = Tokens(settings(key_set), lambda line: None, clock)
    check = tokens._checked

    async def counted(token: bytes) -> Any:
        nonlocal checks
        checks += 1
        return await check(token)

    tokens._checked = counted  # type: ignore[method-assign]

    async def scenario() -> list[int]:
        seen = []
        ends = began + 70
        for token, seconds in ((signed(), (0, 59, 61)), (signed(exp=ends), (62, 69, 71))):
            for passed in seconds:
                clock.now = began + passed
                await tokens.client(token.encode())
                seen.append(checks)
        return seen

    began = clock.now
    assert asyncio.run(scenario()) == [1, 1, 2, 3, 3, 4]


class Source:
    """Keys that are exchanged, and how often they were read."""

    def __init__(self, *ids: str) -> None:
        self.ids, self.reads, self.fails = ids, 0, False

    def __call__(self, source: str) -> Any:
        self.reads += 1
        if self.fails:
            raise OSError("a text that may hold anything")
        return {key_id: jwt.PyJWK(public(key_id, rsa_key()), "RS256") for key_id in self.ids}


def test_an_unknown_key_has_the_keys_read_again_and_not_with_every_token() -> None:
    clock, source = Clock(), Source("old")
    keys = SigningKeys("https://sign-in.example/keys", lambda line: None, clock, source)

    async def scenario() -> None:
        assert await keys.of("old")
        assert source.reads == 1
        source.ids = ("old", "new")
        for _ in range(50):  # too soon after the last time
            assert await keys.of("new") is None
        clock.now += signing_keys.PAUSE_SECONDS
        found = await asyncio.gather(*(keys.of("new") for _ in range(50)))
        assert all(found)
        assert source.reads == 2
        source.ids = ("new",)
        clock.now += signing_keys.KEPT_SECONDS + 1
        assert await keys.of("old")  # while they are read beside it
        while source.reads == 2 or keys._reading is None or not keys._reading.done():
            await asyncio.sleep(0)
        assert await keys.of("old") is None

    asyncio.run(scenario())


def test_keys_hold_for_a_day_while_they_cannot_be_read() -> None:
    clock, source = Clock(), Source("old")
    lines: list[Any] = []
    keys = SigningKeys("https://sign-in.example/keys?secret", lines.append, clock, source)

    async def scenario() -> None:
        source.fails = True
        for _ in range(3):
            with pytest.raises(ProblemError, match="no token can be checked now") as caught:
                await keys.of("old")
        assert (caught.value.status, caught.value.code) == (503, "keys_unavailable")
        assert source.reads == 1  # who asks meanwhile does not wait
        source.fails = False
        clock.now += signing_keys.PAUSE_SECONDS
        assert await keys.of("old")
        source.fails = True
        clock.now += signing_keys.TRUSTED_SECONDS - 1
        assert await keys.of("old")
        clock.now += 2 + signing_keys.PAUSE_SECONDS
        with pytest.raises(ProblemError):
            await keys.of("old")

    asyncio.run(scenario())
    assert (
        lines[0]["message"] == "keys of tokens not read from sign-in.example: unreadable (OSError)"
    )


def test_keys_are_fetched_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    good = json.dumps({"keys": [public("one", rsa_key())]}).encode()
    answers = iter([(200, good), (302, b""), (404, b""), (200, b"x" * 300_000), (200, b"[]")])
    with publishing(lambda: next(answers)) as address:
        assert set(read_keys(address)) == {"one"}
        for reason in ("status 302", "status 404", "more than 262,144 bytes", "no JSON"):
            with pytest.raises(WrongKeySet, match=reason):
                read_keys(address)
    monkeypatch.setattr(signing_keys, "FETCH_SECONDS", 0.1)

    def slow() -> tuple[int, bytes]:
        time.sleep(0.5)
        return 200, good

    with publishing(slow) as address, pytest.raises(OSError):  # noqa: PT011 - of either kind
        read_keys(address)


def test_keys_whose_headers_never_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_keys, "FETCH_SECONDS", 0.5)

    def drip(listening: socket.socket) -> None:
        with listening.accept()[0] as connected, suppress(OSError):
            connected.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            for _ in range(100):
                connected.sendall(b"x")
                time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        started = time.monotonic()
        with pytest.raises((OSError, WrongKeySet, HTTPException)):
            read_keys(f"http://127.0.0.1:{listening.getsockname()[1]}/keys")
        assert time.monotonic() - started < 5
        thread.join()


def test_keys_that_are_not_for_signing_or_too_weak_are_left_out(tmp_path: Path) -> None:
    small, large = rsa_key(1024), rsa_key()
    private = {**public("private", large), "d": "AQ"}
    entries: list[object] = [
        public("small", small), public("encrypts", large, use="enc"), private,
        public("other", large, alg="RS512"), {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
        {"kty": "RSA", "kid": "broken"}, {"kty": ["RSA"], "kid": "list"}, "text", None,
        public("number", large, kid=7),
    ]  # fmt: skip
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": entries}))
    with pytest.raises(
        WrongKeySet, match=r"no public key for RS256 \(from 2,048 bits on\) or ES256"
    ):
        read_keys(str(path))
    path.write_text(json.dumps({"keys": [*entries, public(None, ec_key())]}))
    assert set(read_keys(str(path))) == {None}


def test_a_token_without_a_key_id_means_the_only_key(client_for: Clients, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [public("one", rsa_key())]}))
    site = client_for(access=settings(path))
    assert ask(site, signed(key_id=None)).status_code == 200


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a b", ["a", "b"]), ("[a b]", ["a", "b"]), (["a", 1, "b"], ["a", "b"]), (None, []),
        ({"a": 1}, []), ("", []),
    ],
)  # fmt: skip
def test_a_claim_is_a_text_or_a_list(value: object, words: list[str]) -> None:
    assert list(words_of(value)) == words


ENVIRONMENT = {
    "CUSTOMER_CLUSTERS_JWT_ISSUER": ISSUER,
    "CUSTOMER_CLUSTERS_JWT_AUDIENCE": f"{AUDIENCE}, other",
    "CUSTOMER_CLUSTERS_JWT_KEYS": "https://sign-in.example/keys",
}


def test_the_settings_of_tokens_are_read() -> None:
    more = {"CUSTOMER_CLUSTERS_JWT_RATE": "600/min", "CUSTOMER_CLUSTERS_JWT_SCOPE_PREFIX": "cc/"}
    found = Settings.from_environment({**ENVIRONMENT, **more}).access
    assert found == settings(
        "https://sign-in.example/keys", jwt_rate=Rate(600, 60), jwt_scope_prefix="cc/"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_AUDIENCE", ""),
        ("JWT_KEYS", ""),
        ("JWT_KEYS", "http://sign-in.example/keys"),
        ("JWT_KEYS", "ftp://sign-in.example/keys"),
        ("JWT_KEYS", "https://me:" + "pass@sign-in.example/keys"),
        ("JWT_ISSUER", "two words"),
        ("JWT_SCOPE_CLAIM", "a b"),
        ("JWT_RATE", "fast"),
        ("GATEWAY", "keys"),
    ],
)
def test_a_wrong_setting_of_tokens_is_named(name: str, value: str) -> None:
    with pytest.raises(WrongSetting, match=f"^CUSTOMER_CLUSTERS_{name}: expected "):
        Settings.from_environment({**ENVIRONMENT, f"CUSTOMER_CLUSTERS_{name}": value})


def test_what_checks_tokens_comes_with_the_first_one(key_set: Path) -> None:
    script = f"""
import sys
from functions.api import create_app
from functions.live_model import LiveModel
from functions.settings import Settings
from model_store import BUNDLED, open_store
from starlette.testclient import TestClient
live = LiveModel(open_store(BUNDLED), "champion")
live.refresh()
environment = {{**{ENVIRONMENT!r}, "CUSTOMER_CLUSTERS_JWT_KEYS": {str(key_set)!r}}}
client = TestClient(create_app(live, Settings.from_environment(environment), log=lambda line: None))
assert client.get("/v1/model").status_code == 401
assert not {{"jwt", "cryptography"}} & set(sys.modules)
assert client.get("/v1/model", headers={{"Authorization": "Bearer {signed()}"}}).status_code == 200
assert {{"jwt", "cryptography"}} <= set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
