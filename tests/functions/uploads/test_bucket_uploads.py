"""The page for files where there are buckets: the form, waiting, the results, and nothing else."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.testclient import TestClient

from functions.http.lambda_adapter import handler_for
from functions.settings import READING_VARIABLES, BatchSettings, Settings
from functions.uploads.bucket import BucketFiles, Run
from functions.uploads.bucket_uploads import MOST_RELOADS, seconds_to_reload
from model_store import S3Address
from tests.functions.conftest import Lines
from tests.support.dropping import Drop, customers, golden
from tests.support.uploading import downloads, told, words
from tests.support.web import BROWSER, Page, app_over, hidden, page_of

BrowserOver = Callable[..., TestClient]
NOBODY = "A" * 32
pytestmark = pytest.mark.usefixtures("aws")


@dataclass
class Site:
    """The page over two buckets, and what a browser does with its form."""

    drop: Drop
    browser: TestClient

    def send(self, content: bytes, name: str = "customers.csv") -> tuple[str, Any]:
        """Send the form as a browser does; the landing page's path, and the event of S3."""
        page = page_of(self.browser, "/files")
        fields = hidden(page)
        form = page.one("form").attributes["action"]
        answer = httpx2.post(form, data=fields, files={"file": (name, content)})
        assert answer.status_code == 303, answer.text
        return urlsplit(answer.headers["location"]).path, self.drop.arrived(name)


def policy_of(fields: Mapping[str, str]) -> Any:
    return json.loads(base64.b64decode(fields["policy"]))


@pytest.fixture
def site(drop: Drop, browser_over: BrowserOver) -> Site:
    return Site(drop, browser_over(buckets=drop.settings))


def test_the_form_goes_to_the_bucket_and_may_do_no_more(site: Site, aws_server: str) -> None:
    page = page_of(site.browser, "/files")
    form, bucket = page.one("form").attributes, site.drop.settings.input.bucket
    assert form == {
        "class": "card form",
        "method": "post",
        "action": f"{aws_server}/{bucket}",
        "enctype": "multipart/form-data",
    }
    fields = hidden(page)
    found = re.fullmatch(r"incoming/page/([A-Za-z0-9_-]{32})/\$\{filename\}", fields["key"])
    assert found
    landing = f"http://testserver/files/{found[1]}"
    assert fields["success_action_redirect"] == landing
    policy = policy_of(fields)
    bounds = (
        {"bucket": bucket},
        ["starts-with", "$key", f"incoming/page/{found[1]}/"],
        ["content-length-range", 1, 2 << 30],
        {"success_action_redirect": landing},
    )
    for bound in bounds:
        assert bound in policy["conditions"]
    left = datetime.fromisoformat(policy["expiration"]) - datetime.now(UTC)
    assert timedelta(minutes=25) < left <= timedelta(minutes=30)
    last = page.all("input")[-1].attributes  # S3 ignores whatever follows the file
    assert (last["type"], last["name"], "required" in last) == ("file", "file", True)
    assert "up to 2.15e+03 MB" not in page.text
    assert "up to 2.15 GB" in page.text


def test_only_this_page_may_send_a_form_elsewhere_and_only_there(
    site: Site, aws_server: str
) -> None:
    allowed = f"form-action 'self' {aws_server}/{site.drop.settings.input.bucket};"
    (policy,) = site.browser.get("/files").headers.get_list("content-security-policy")
    assert allowed in policy
    (policy,) = site.browser.get("/").headers.get_list("content-security-policy")
    assert "form-action 'self';" in policy


def test_every_form_is_for_an_upload_of_its_own(site: Site) -> None:
    keys = {hidden(page_of(site.browser, "/files"))["key"] for _ in range(3)}
    assert len(keys) == 3


def test_a_file_is_waited_for_and_its_results_are_downloaded(site: Site) -> None:
    landing, event = site.send(customers())
    page = page_of(site.browser, landing)
    assert page.one("h1").text == "Your file is being scored"
    assert page.one("meta", **{"http-equiv": "refresh"}).attributes["content"] == (
        f"2; url={landing}?look=1"
    )
    assert site.drop.deliver(event) == {}
    page = page_of(site.browser, landing)
    assert page.all("meta", **{"http-equiv": "refresh"}) == []
    assert page.one("h1").text == "customers.csv"
    assert "Customers in the file 40 rows Assigned to a group 39" in words(page)
    assert "disappear" not in page.text
    found = downloads(page)
    assert list(found) == [
        "assigned.csv", "rejected.csv", "report.html", "clusters.csv", "summary.json",
        "manifest.json",
    ]  # fmt: skip
    written = {name.rpartition("/")[2]: body for name, body in site.drop.written().items()}
    for name, address in found.items():
        sent = site.browser.get(address, follow_redirects=False)
        assert sent.status_code == 303
        assert parse_qs(urlsplit(sent.headers["location"]).query)["X-Amz-Expires"] == ["60"]
        got = httpx2.get(sent.headers["location"])
        assert got.content == written[name]
        kept = f"customers-{datetime.now(UTC):%Y-%m-%d}-{name}"
        named = f"attachment; filename=\"{kept}\"; filename*=UTF-8''{kept}"
        how = "inline" if name == "report.html" else named
        assert got.headers["content-disposition"] == how


def test_a_file_that_cannot_be_scored_is_told_above_a_new_form(site: Site) -> None:
    landing, event = site.send(b"a,b\n1,2\n", "März 2026 (1).csv")
    site.drop.deliver(event)
    page = page_of(site.browser, landing)
    assert told(page).startswith(
        "The file was not scored März 2026 (1).csv: no column Total_Revolving_Bal"
    )
    assert landing.rpartition("/")[2] not in hidden(page)["key"]
    assert site.browser.get(f"{landing}/failed.json").status_code == 404


def test_the_page_names_the_settings_that_say_how_files_are_written(site: Site) -> None:
    page = page_of(site.browser, "/files")
    assert page.all("details", "select") == []
    shown = [element.text for element in page.all("code")]
    assert set(READING_VARIABLES.values()) <= set(shown)
    header = "Total_Revolving_Bal;Total_Trans_Amt;Total_Trans_Ct\n"
    landing, event = site.send((header + "0;4.604;38\n" * 8).encode(), "a.csv")
    site.drop.deliver(event)
    reason = told(page_of(site.browser, landing))
    assert "say which mark is decimal with CUSTOMER_CLUSTERS_DECIMAL" in reason


def test_the_page_gives_up_looking_and_can_be_told_to(site: Site) -> None:
    page = page_of(site.browser, f"/files/{NOBODY}?look={MOST_RELOADS}")
    assert page.all("meta", **{"http-equiv": "refresh"}) == []
    assert page.one("h1").text == "Your file is not scored yet"
    waits = [seconds_to_reload(look) for look in range(MOST_RELOADS + 1)]
    assert waits[:3] == [2, 3, 4]
    assert waits[-1] is None
    assert 15 * 60 < sum(wait for wait in waits if wait) < 25 * 60
    for wrong in ("x", "-1", "²", "1" * 5000, ""):
        page = page_of(site.browser, f"/files/{NOBODY}?look={wrong}")
        assert page.one("h1").text == "Your file is being scored"


@pytest.mark.parametrize(
    "address",
    ["{id}/claim.json", "{id}/failed.json", "{id}/..%2fmanifest.json",
     "{id}/ASSIGNED.CSV", NOBODY + "/manifest.json", "..%2f{id}/manifest.json",
     "%2e%2e/manifest.json", "page/{id}"],
)  # fmt: skip
def test_nothing_but_the_files_of_a_run_is_given_out(site: Site, address: str) -> None:
    landing, event = site.send(customers())
    site.drop.deliver(event)
    upload = landing.rpartition("/")[2]
    answer = site.browser.get("/files/" + address.format(id=upload), follow_redirects=False)
    assert answer.status_code == 404


def test_what_was_dropped_into_the_bucket_by_others_is_not_shown(site: Site) -> None:
    site.drop.deliver(site.drop.put("incoming/secret.csv"))
    for upload in ("secret.csv", "page", "..", NOBODY[1:], "page%2fx"):
        answer = site.browser.get(f"/files/{upload}/manifest.json", follow_redirects=False)
        assert answer.status_code == 404
    for upload in ("secret.csv", NOBODY[1:]):  # for that nobody need wait
        assert site.browser.get(f"/files/{upload}").status_code == 404


def test_results_are_shown_with_the_model_that_made_them(
    site: Site, browser_over: BrowserOver
) -> None:
    landing, event = site.send(customers())
    site.drop.deliver(event)
    other = browser_over("original", buckets=site.drop.settings)
    page = page_of(other, landing)
    assert "5 Little revolving balance, rare card use" in words(page)
    assert "Compare with an earlier file" not in page.text  # which S3 has, and not this server
    assert site.drop.live_model.current().version in page.text


def test_an_address_of_ours_is_not_told_with_a_failure() -> None:
    name = f"page/{NOBODY}/a (1).csv"
    document = {"input": {"name": name}, "reason": f"s3://bucket/in/{name} has 9 bytes"}
    assert Run("x", document, True, datetime.now(UTC)).reason == "a (1).csv has 9 bytes"
    document |= {"problem": "has 9 bytes"}
    assert Run("x", document, True, datetime.now(UTC)).reason == "a (1).csv: has 9 bytes"


def test_storage_that_fails_is_a_problem_that_the_log_explains(drop: Drop, lines: Lines) -> None:
    from functions.api import create_app

    gone = BatchSettings(drop.settings.input, S3Address("no-such-bucket"))
    app = create_app(drop.live_model, Settings(buckets=gone), lines.append)
    with TestClient(app, headers=BROWSER) as browser:
        page = page_of(browser, f"/files/{NOBODY}", 503)
        answer = browser.get(f"/files/{NOBODY}", headers={"accept": "*/*"})
    assert page.one("h1").text == "Files cannot be taken or shown now"
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert "no bucket in s3://no-such-bucket" in lines[-1]["error"]


def test_nothing_is_uploaded_to_this_server(site: Site) -> None:
    files = {"file": ("a.csv", customers())}
    assert site.browser.post("/files", files=files).status_code == 405
    assert site.browser.post(f"/files/{NOBODY}/moves", files=files).status_code == 405


def test_no_id_is_logged(drop: Drop, lines: Lines) -> None:
    from functions.api import create_app

    app = create_app(drop.live_model, Settings(buckets=drop.settings), lines.append)
    with TestClient(app, headers=BROWSER) as browser:
        browser.get(f"/files/{NOBODY}?key=incoming/page/{NOBODY}/private.csv")
        browser.get(f"/files/{NOBODY}/assigned.csv")
        browser.get("/files")
    assert [line["route"] for line in lines] == ["/files/{id}", "/files/{id}/{name}", "/files"]
    assert NOBODY not in json.dumps(lines)
    assert "private" not in json.dumps(lines)


@pytest.mark.usefixtures("event_loop")
def test_on_lambda_the_browser_comes_back_to_the_stage(drop: Drop) -> None:
    handler = handler_for(app_over(buckets=drop.settings))
    event = golden("http_api_v2_stage")
    event["requestContext"]["http"] |= {"method": "GET", "path": "/prod/files"}
    event |= {"rawPath": "/prod/files", "body": None}
    event["headers"]["accept"] = "text/html"
    answer = handler(event, None)
    assert answer["statusCode"] == 200
    host = event["headers"].get("host", event["requestContext"]["domainName"])
    landing = hidden(Page(answer["body"]))["success_action_redirect"]
    assert landing.startswith(f"https://{host}/prod/files/")


def test_a_bucket_on_aws_is_addressed_in_its_own_region(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The global address answers a form with a redirect, after all of the file was sent."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-role-has-one")
    for region in ("eu-central-1", "us-east-1"):
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        files = BucketFiles(BatchSettings(S3Address("mine", "incoming"), S3Address("other")))
        form = files.form(files.new_id(), "https://here/files")
        part = "" if region == "us-east-1" else f".{region}"
        assert form.address == f"https://mine.s3{part}.amazonaws.com/"
        assert form.fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
        assert form.fields["x-amz-security-token"] == "a-role-has-one"
        files.close()


def test_browsers_may_reach_the_server_by_another_address(drop: Drop, aws_server: str) -> None:
    """As where both are containers: this server knows the other by a name of theirs."""
    outside = aws_server.replace("127.0.0.1", "localhost")
    app = app_over(buckets=drop.settings, storage_public_url=outside)
    with TestClient(app, headers=BROWSER, follow_redirects=False) as browser:
        answer = browser.get("/files")
        form = Page(answer.text)
        address = f"{outside}/{drop.settings.input.bucket}"
        assert f'action="{address}"' in answer.text
        assert f"form-action 'self' {address}" in answer.headers["content-security-policy"]
        sent = httpx2.post(address, data=hidden(form), files={"file": ("a.csv", customers())})
        assert sent.status_code == 303, sent.text
        drop.deliver(drop.arrived("a.csv"))
        page = sent.headers["location"].partition("?")[0]
        report = browser.get(f"{page}/report.html")
        assert report.status_code == 303
        assert report.headers["location"].startswith(f"{outside}/{drop.settings.output.bucket}/")
        assert httpx2.get(report.headers["location"]).status_code == 200


def test_an_assignment_does_not_wait_for_botocore() -> None:
    program = """
import os, sys
os.environ["CUSTOMER_CLUSTERS_INPUT"] = "s3://inbox/incoming"
os.environ["CUSTOMER_CLUSTERS_OUTPUT"] = "s3://out"
from starlette.testclient import TestClient
from functions.api import app
numbers = {"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}
assert TestClient(app).post("/v1/assign", json=numbers).status_code == 200
assert "botocore" not in sys.modules
assert TestClient(app).get("/files").status_code == 200
assert "botocore" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, capture_output=True)
