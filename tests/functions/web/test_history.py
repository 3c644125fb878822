"""The page of scored files over time, over a folder and over S3."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

import customer_clusters as cc
from functions.http.problems import ProblemError
from functions.settings import Settings
from functions.web.history import HistoryPages
from model_store import Denied, FolderStorage
from pipeline.runs import FolderRuns
from pipeline.runs.history.entry import LEDGER
from tests.support.paths import ROOT
from tests.support.web import BROWSER, Page, app_over, page_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CUSTOMERS = (ROOT / "examples/customers.csv").read_bytes()
UPLOAD = "page/" + "x" * 32


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months, and a file of another name; nobody may write to it."""
    folder = tmp_path_factory.mktemp("history")
    for name in ("customers-2026-10.csv", "customers-2026-11.csv", "branch.csv"):
        (folder / name).write_bytes(CUSTOMERS)
        cc.score(folder / name, folder / "results")
    return folder / "results"


@pytest.fixture
def client(results: Path) -> TestClient:
    return TestClient(app_over(results=str(results)), headers=BROWSER)


def test_the_page_shows_periods_and_leads_to_their_reports(client: TestClient) -> None:
    page = page_of(client, "/history")
    assert page.one("h1").text == "Customers over timecustomers-*.csv"
    assert "2 periods, 2026-10-01 to 2026-11-01, one model" in page.text
    reports = sorted({each for each in page.addresses if each.endswith("/report")})
    assert len(reports) == 2
    answer = client.get(reports[0])
    assert answer.status_code == 200 and "Customers by group" in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src")


def test_other_files_have_a_history_of_their_own(client: TestClient) -> None:
    (other,) = (each for each in page_of(client, "/history").addresses if "files=" in each)
    assert other == "/history?files=branch.csv"
    assert page_of(client, other).one("h1").text == "Customers over timebranch.csv"


def test_every_page_leads_to_it_where_there_is_one(client: TestClient) -> None:
    assert "/history" in page_of(client).addresses
    without = TestClient(app_over(), headers=BROWSER)
    assert "/history" not in page_of(without).addresses
    assert without.get("/history").status_code == 404


def test_links_know_what_stands_before_our_paths(results: Path) -> None:
    client = TestClient(app_over(results=str(results), root_path="/groups"), headers=BROWSER)
    page = page_of(client, "/groups/history")
    addresses = [each for each in page.addresses if not each.startswith("#")]
    assert addresses and all(each.startswith("/groups") for each in addresses)


@pytest.mark.parametrize(
    "path", ["/history?files=x", "/history/x/report", "/history/..%2F..%2Fx/report"]
)
def test_what_is_not_there_is_said(client: TestClient, path: str) -> None:
    page = page_of(client, path, 404)
    assert page.one("h1").text
    assert client.get(path, headers={"accept": "*/*"}).json()["status"] == 404


def test_an_empty_folder_says_that_nothing_was_scored(tmp_path: Path) -> None:
    client = TestClient(app_over(results=str(tmp_path / "none")), headers=BROWSER)
    page = page_of(client, "/history", 404)
    assert page.one("h1").text == "There is no history of such files"


def test_uploads_of_the_page_are_shown_to_nobody(results: Path, tmp_path: Path) -> None:
    files, copy = FolderStorage(results), FolderStorage(tmp_path)
    for number, name in enumerate(files.names(LEDGER)):
        content = files.read(f"{LEDGER}/{name}")
        named = content.replace(b'"customers-2026', f'"{UPLOAD}/customers-2026'.encode())
        copy.create(f"{LEDGER}/{number}.json", named)
    client = TestClient(app_over(results=str(tmp_path)), headers=BROWSER)
    text = client.get("/history").text
    assert "branch.csv" in text and "x" * 32 not in text and "page/" not in text


def test_a_period_that_comes_later_is_on_the_next_page(results: Path, tmp_path: Path) -> None:
    files, copy = FolderStorage(results), FolderStorage(tmp_path)
    names = files.names(LEDGER)
    client = TestClient(app_over(results=str(tmp_path)), headers=BROWSER)
    for count, name in enumerate(names, start=1):
        copy.create(f"{LEDGER}/{name}", files.read(f"{LEDGER}/{name}"))
        page = page_of(client, "/history")
        others = sum("files=" in each for each in page.addresses)
        reports = {each for each in page.addresses if each.endswith("/report")}
        assert len(reports) + others == count


def test_results_in_s3_have_the_same_page(
    results: Path,
    client: TestClient,
    s3: "S3Client",
    aws: None,
    make_bucket: Callable[[], str],
) -> None:
    bucket = make_bucket()
    for path in (path for path in results.rglob("*") if path.suffix in (".json", ".html")):
        key = f"out/results/{path.relative_to(results)}"
        s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
    over_s3 = TestClient(app_over(results=f"s3://{bucket}/out/results/"), headers=BROWSER)
    assert over_s3.get("/history").text == client.get("/history").text
    page = Page(over_s3.get("/history").text)
    report = next(each for each in page.addresses if each.endswith("/report"))
    assert over_s3.get(report).text == client.get(report).text


class Denying(FolderStorage):
    """Results that this server may not see."""

    def names(self, folder: str = "") -> list[str]:
        raise Denied(f"list {folder}", str(self), "no permission")


class DenyingRuns(FolderRuns):
    @property
    def files(self) -> FolderStorage:
        return Denying(self.root)


def test_trouble_with_the_storage_is_ours_and_may_pass(tmp_path: Path) -> None:
    pages = HistoryPages(replace(Settings(), results="elsewhere"))
    vars(pages)["runs"] = DenyingRuns(tmp_path)
    request = Request({"type": "http", "query_string": b"", "headers": []})
    with pytest.raises(ProblemError) as caught:
        asyncio.run(pages.history(request))
    assert (caught.value.status, caught.value.code) == (503, "storage_unavailable")
    assert "no permission" in request.scope["error"]
