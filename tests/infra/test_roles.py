"""Each role of the rendered template allows what its function does: its calls, held against it."""

import fnmatch
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from botocore.client import BaseClient
from starlette.testclient import TestClient

import examples
from functions.aws.events import DELIVER
from functions.live_model import LiveModel
from functions.retrain import Retraining
from functions.settings import BatchSettings, RetrainingSettings
from model_store import BUNDLED, S3Address, open_store
from model_store.storage.s3 import S3Storage
from pipeline.runs.notices import Notices
from pipeline.training import Budget
from tests.infra.test_serverless import Resources, several
from tests.support.dropping import Drop, customers
from tests.support.notices import Clock, Inbox
from tests.support.parts import InPieces
from tests.support.web import BROWSER, Page, app_over, hidden

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.usefixtures("aws")
ACTIONS = {
    "GetObject": ["s3:GetObject"],
    "HeadObject": ["s3:GetObject"],
    "ListObjectsV2": ["s3:ListBucket"],
    "PutObject": ["s3:PutObject"],
    "DeleteObject": ["s3:DeleteObject"],
    "CreateMultipartUpload": ["s3:PutObject"],
    "UploadPart": ["s3:PutObject"],
    "CompleteMultipartUpload": ["s3:PutObject"],
}
Call = tuple[str, str, str]
"""An action, a bucket, and a key or the prefix that is listed."""
IF_NEW = " if it is new"
"""What a PutObject's action gets that writes only where nothing is (If-None-Match)."""


@dataclass(frozen=True)
class Stack:
    """Its three buckets, by the names that the template gives them."""

    buckets: Mapping[str, str]
    s3: "S3Client"

    @property
    def store(self) -> S3Address:
        return S3Address(self.buckets["ModelBucket"], "models")

    @property
    def drop(self) -> Drop:
        settings = BatchSettings(
            S3Address(self.buckets["InputBucket"], "incoming"),
            S3Address(self.buckets["OutputBucket"]),
        )
        return Drop(self.s3, settings, LiveModel(open_store(str(self.store)), "champion"))


@pytest.fixture
def stack(s3: "S3Client", make_bucket: Callable[[], str]) -> Stack:
    made = Stack(
        {name: make_bucket() for name in ("InputBucket", "OutputBucket", "ModelBucket")}, s3
    )
    for path in (path for path in BUNDLED.rglob("*") if path.is_file()):
        s3.put_object(
            Bucket=made.store.bucket,
            Key=f"models/{path.relative_to(BUNDLED)}",
            Body=path.read_bytes(),
        )
    data = Path(examples.__file__).parent / "customers.csv"
    s3.put_object(Bucket=made.store.bucket, Key="training/customers.csv", Body=data.read_bytes())
    return made


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """A block whose calls to S3 are put on record, whoever makes them."""

    @contextmanager
    def record() -> Iterator[set[Call]]:
        calls: set[Call] = set()
        send = BaseClient._make_api_call  # type: ignore[attr-defined]

        def note(client: Any, operation: str, given: dict[str, Any]) -> Any:
            what = given.get("Key") or given.get("Prefix", "")
            if operation == "DeleteObjects":
                removed = (each["Key"] for each in given["Delete"]["Objects"])
                calls.update(("s3:DeleteObject", given["Bucket"], key) for key in removed)
                return send(client, operation, given)
            actions = [*ACTIONS[operation], *(["s3:GetObject"] if "IfMatch" in given else [])]
            if "IfNoneMatch" in given:
                actions = [action + IF_NEW for action in actions]
            if "VersionId" in given:
                actions.append("s3:GetObjectVersion")
            calls.update((action, given["Bucket"], what) for action in actions)
            return send(client, operation, given)

        with monkeypatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", note)
            yield calls

    return record


def refused(
    calls: set[Call], role: str, stack: Stack, resources: Resources, *more: str
) -> list[Call]:
    """The calls that no statement of a role allows, or of policies that it gets besides."""
    (policy,) = resources[role]["Properties"]["Policies"]
    policies = [policy, *(resources[name]["Properties"] for name in more)]
    allowed = []
    for statement in chain(*(each["PolicyDocument"]["Statement"] for each in policies)):
        for resource in several(statement["Resource"]):
            text = resource.get("Fn::Sub") or "${{{}.{}}}".format(*resource["Fn::GetAtt"])
            bucket, _, keys = text.removeprefix("${").partition(".Arn}")
            condition = statement.get("Condition", {})
            once = condition.get("Null") == {"s3:if-none-match": "false"}
            ways = (IF_NEW,) if once else ("", IF_NEW)
            listed = condition.get("StringLike", {}).get("s3:prefix", [keys.removeprefix("/")])
            for action, pattern in itertools.product(several(statement["Action"]), listed):
                allowed += [(action + way, bucket, pattern) for way in ways]
    names = {real: name for name, real in stack.buckets.items()}
    return sorted(
        (action, names[bucket], what)
        for action, bucket, what in calls
        if not any(
            (action, names[bucket]) == (a, b) and fnmatch.fnmatchcase(what, pattern)
            for a, b, pattern in allowed
        )
    )


@pytest.fixture(scope="module")
def resources(templates: Mapping[str, Path]) -> Resources:
    found: Resources = json.loads(templates["dev"].read_text())["Resources"]
    return found


def test_the_api_and_the_batch_function_may_do_what_they_do(
    stack: Stack, recorded: Callable[[], Any], resources: Resources
) -> None:
    drop = stack.drop
    with recorded() as api:
        drop.live_model.refresh()
        results = str(drop.settings.output.below("results"))
        app = app_over(buckets=drop.settings, results=results, job_key="a")
        browser = TestClient(app, headers=BROWSER, follow_redirects=False)
        page = Page(browser.get("/files").text)
    form = page.one("form").attributes["action"]
    sent = httpx2.post(form, data=hidden(page), files={"file": ("a.csv", customers())})
    landing = sent.headers["location"].partition("?")[0]
    event = drop.arrived("a.csv")
    wrong = drop.put("incoming/wrong.csv", b"a,b\n1,2\n")
    monthly = drop.put("incoming/customers-2026-11.csv")
    inbox = Inbox()
    function = drop.function(notices=Notices((inbox,)))
    with recorded() as batch:
        for _ in range(2):
            assert function(event, None) == {}
        assert function(wrong, None) == {}
        assert function(monthly, None) == {}
    assert len(inbox.got) == 3
    with recorded() as later:
        assert "a.csv" in browser.get(landing).text
        assert browser.get(f"{landing}/assigned.csv").status_code == 303
        history = Page(browser.get("/history").text)
        (report,) = {each for each in history.addresses if each.endswith("/report")}
        assert browser.get(report).status_code == 200
    assert {action for action, *_ in api | later} == {"s3:GetObject", "s3:ListBucket"}
    assert {action.removesuffix(IF_NEW) for action, *_ in batch} >= {
        "s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject",
    }  # fmt: skip
    assert refused(api | later, "ApiRole", stack, resources) == []
    assert refused(batch, "BatchRole", stack, resources) == []
    assert refused(batch, "ApiRole", stack, resources) != []  # the test can fail


def test_both_may_do_what_jobs_take(
    stack: Stack, recorded: Callable[[], Any], resources: Resources
) -> None:
    drop, key = stack.drop, {"idempotency-key": "nightly"}
    drop.live_model.refresh()
    client = TestClient(app_over(buckets=drop.settings, job_key="a"), follow_redirects=False)
    with recorded() as before:
        job = client.post("/v1/jobs?name=b.csv&why=1", headers=key).json()
        again = client.post("/v1/jobs?name=b.csv&why=1", headers=key).json()
        address = f"/v1/jobs/{again['id']}"
        assert job["id"] == again["id"]
        assert client.get(address).json()["state"] == "queued"
    form = again["upload"]
    httpx2.post(form["url"], data=form["fields"], files={"file": ("b.csv", customers())})
    with recorded() as batch:
        event = drop.told(form["fields"]["key"])
        assert drop.function()(event, None) == {}
    with recorded() as after:
        assert client.get(address).json()["state"] == "succeeded"
        assert client.get(f"{address}/outputs/assigned.csv").status_code == 303
        assert client.delete(address).status_code == 204
        assert client.post("/v1/jobs?name=b.csv&why=1", headers=key).status_code == 201
    assert refused(before | after, "ApiRole", stack, resources) == []
    assert refused(batch, "BatchRole", stack, resources) == []
    assert refused(batch, "ApiRole", stack, resources) != []  # the test can fail


def test_the_batch_function_may_score_a_file_in_parts(
    stack: Stack, recorded: Callable[[], Any], resources: Resources
) -> None:
    drop = stack.drop
    drop.live_model.refresh()
    pieces, event = InPieces(drop), drop.put("incoming/a.csv")
    first = drop.put("incoming/b.csv")
    with recorded() as planned:
        pieces.scored(event)
        assert pieces.deliver(first) == []
    drop.put("incoming/b.csv", customers(50))  # so that the first one fails
    with recorded() as afterwards:
        assert pieces.deliver(*pieces.post.take()) == []
    calls = planned | afterwards
    states = [len(drop.documents(name)) for name in ("manifest.json", "failed.json")]
    assert states == [1, 1]
    assert refused(calls, "BatchRole", stack, resources, "PartsPolicy") == []
    removed = {what for action, _, what in calls if action == "s3:DeleteObject"}
    assert any("/working/" in name for name in removed)
    assert refused(calls, "BatchRole", stack, resources) != []  # the test can fail


def test_the_function_that_retrains_may_do_what_it_does(
    stack: Stack, recorded: Callable[[], Any], resources: Resources
) -> None:
    data = S3Address(stack.store.bucket, "training/customers.csv")
    settings = RetrainingSettings(data, stack.store)
    store, files = open_store(str(stack.store)), S3Storage(stack.s3, stack.store)
    lines: list[Any] = []
    inbox, clock = Inbox(down=True), Clock()
    function = Retraining(
        settings, store, files, budget=Budget(bootstraps=2, repeats=1),
        log=lines.append, measure=lines.append, notices=Notices((inbox,), clock=clock),
    )  # fmt: skip
    with recorded() as calls:
        assert function({}, None)["status"] == "candidate"
        inbox.down = False
        clock.pass_by(minutes=2)
        assert function(DELIVER, None) == {}
        assert function({}, None)["status"] == "known"
    assert len(inbox.got) == 1
    assert {key.partition("/")[0] for _, _, key in calls} == {"models", "training"}
    assert {action for action, *_ in calls} >= {"s3:DeleteObject", "s3:PutObject"}
    assert refused(calls, "RetrainRole", stack, resources) == []
    written = {key for action, _, key in calls if action == "s3:PutObject" + IF_NEW}
    champion = f"models/versions/{store.resolve('champion')}/model.json"
    assert any(key.startswith("models/versions/") for key in written)
    with recorded() as overwriting:
        stack.s3.put_object(Bucket=stack.store.bucket, Key=champion, Body=b"{}")
        stack.s3.delete_object(Bucket=stack.store.bucket, Key=champion)
    assert len(refused(overwriting, "RetrainRole", stack, resources)) == 2
    with recorded() as promoting:
        store.promote("original", "a test", "me")
    assert ("s3:PutObject", "ModelBucket", "models/aliases/champion.json") in refused(
        promoting, "RetrainRole", stack, resources
    )
