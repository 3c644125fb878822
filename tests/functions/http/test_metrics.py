"""The address at which Prometheus asks for figures."""

import hashlib
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
from starlette.testclient import TestClient

from functions.api import create_app
from functions.live_model import LiveModel
from functions.settings import Settings
from functions.telemetry import Telemetry
from functions.telemetry.figures import FACTS, FIGURES, RATIOS
from functions.telemetry.prometheus import Prometheus
from model_store import Store
from tests.functions.conftest import Lines
from tests.support.live import serve
from tests.support.paths import ROOT

Clients = Callable[..., TestClient]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
DOCUMENT = ROOT / "docs/monitoring.md"


@pytest.fixture
def observed(live_model: LiveModel, lines: Lines) -> Iterator[Clients]:
    """Makes clients of an application that keeps figures."""
    clients = []

    def make(metrics: str = "keys", **settings: Any) -> TestClient:
        kept = Prometheus()
        telemetry = Telemetry((kept,), exposition=kept.exposition)
        known = Settings(metrics=metrics, **settings)  # type: ignore[arg-type]
        app = create_app(live_model, known, log=lines.append, telemetry=telemetry)
        clients.append(TestClient(app, raise_server_exceptions=False))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def key(name: str, scopes: str = "") -> str:
    return f"{name}:{scopes}={hashlib.sha256(name.encode()).hexdigest()}"


def samples(text: str) -> Samples:
    """Each sample by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in plain(text)
        for sample in family.samples
    }


def scraped(client: TestClient, **headers: str) -> Samples:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    return samples(answer.text)


def of(found: Samples, figure: str, /, **labels: str) -> float:
    return found.get((f"customer_clusters_{figure}", frozenset(labels.items())), 0.0)


def test_without_the_setting_there_is_no_such_address(client_for: Clients) -> None:
    client = client_for()
    assert client.get("/metrics").status_code == 404
    keyed = client_for(api_keys=(key("prometheus"),))
    assert keyed.get("/metrics").status_code == 401
    assert keyed.get("/metrics", headers={"X-API-Key": "prometheus"}).status_code == 404


@pytest.mark.parametrize(
    ("scopes", "status"), [("metrics", 200), ("admin", 200), ("", 200), ("assign+files", 403)]
)
def test_a_key_with_the_scope_may_ask(observed: Clients, scopes: str, status: int) -> None:
    client = observed(api_keys=(key("scraper", scopes),))
    assert client.get("/metrics").status_code == 401
    bearer = {"Authorization": "Bearer scraper"}
    assert client.get("/metrics", headers=bearer).status_code == status
    if scopes == "metrics":
        assert client.get("/v1/model", headers=bearer).status_code == 403


def test_it_may_be_open_while_all_else_is_not(observed: Clients) -> None:
    client = observed("open", api_keys=(key("crm"),))
    assert client.get("/metrics").status_code == 200
    assert client.get("/v1/model").status_code == 401
    assert of(scraped(client), "http_problems_total", code="unauthorised") == 1


def test_requests_are_counted_and_timed_by_route_and_status(
    observed: Clients, leaver: dict[str, Any]
) -> None:
    client = observed()
    assert client.post("/v1/assign", json=leaver).status_code == 200
    assert client.post("/v1/assign", json={**leaver, "Total_Trans_Ct": "many"}).status_code == 422
    found = scraped(client)
    for status in ("200", "422"):
        labels = {"method": "POST", "route": "/v1/assign", "status": status}
        assert of(found, "http_requests_total", **labels) == 1
        assert of(found, "http_request_duration_seconds_count", **labels) == 1
        assert 0 < of(found, "http_request_duration_seconds_sum", **labels) < 10
    assert of(found, "http_problems_total", code="invalid_customer") == 1
    assert of(found, "http_requests_in_progress") == 1  # this one


def test_customers_are_counted_by_their_cluster_and_by_what_became_of_them(
    observed: Clients, leaver: dict[str, Any]
) -> None:
    client = observed()
    cluster = client.post("/v1/assign", json=leaver).json()["cluster"]["id"]
    client.post("/v1/assign/batch", json={"customers": [leaver, {}, leaver]})
    header, row = ",".join(leaver), ",".join(map(str, leaver.values()))
    table = f"{header}\n{row}\n{row.replace('1900', 'x')}\n"
    answer = client.post("/v1/assign/batch", content=table, headers={"content-type": "text/csv"})
    assert answer.status_code == 200
    found = scraped(client)
    assert of(found, "look_ups_total", model="default", cluster=str(cluster)) == 1
    assert of(found, "batch_rows_total", model="default", outcome="assigned") == 3
    assert of(found, "batch_rows_total", model="default", outcome="rejected") == 2


def test_no_label_holds_what_a_client_sends(observed: Clients) -> None:
    client = observed()
    client.get("/v1/clusters/4711-secret")
    client.get("/4711-secret/here")
    client.request("SECRET4711", "/v1/model")
    text = client.get("/metrics").text
    assert "4711" not in text and "secret" not in text.lower()
    found = samples(text)
    labels = {"route": "/v1/clusters/{cluster_id}", "method": "GET", "status": "404"}
    assert of(found, "http_requests_total", **labels) == 1
    assert of(found, "http_requests_total", route="", method="GET", status="404") == 1


def test_the_model_that_answers_is_told_and_that_it_cannot_be_exchanged(
    observed: Clients, live_model: LiveModel, store: Store
) -> None:
    client, loaded = observed(), live_model.current()
    known = {"name": "default", "version": loaded.version, "alias": "champion"}
    found = scraped(client)
    assert of(found, "model_info", **known) == 1
    told = of(found, "model_loaded_timestamp_seconds", name="default")
    assert told == pytest.approx(loaded.loaded_at.timestamp(), abs=0.001)
    assert of(found, "model_reload_failing", name="default") == 0
    live_model.reference = "nobody"
    live_model.refresh()
    assert of(scraped(client), "model_reload_failing", name="default") == 1


def test_it_speaks_openmetrics_to_who_asks_for_it(observed: Clients) -> None:
    accept = "application/openmetrics-text; version=1.0.0, text/plain; version=0.0.4; q=0.5"
    answer = observed().get("/metrics", headers={"accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    names = {family.name for family in openmetrics(answer.text)}
    assert {figure.prometheus.removesuffix("_total") for figure in FIGURES} <= names
    assert "_created" not in answer.text


def test_files_of_the_page_are_counted(observed: Clients, leaver: dict[str, Any]) -> None:
    client = observed()
    header, row = ",".join(leaver), ",".join(map(str, leaver.values()))
    form = {"file": ("customers.csv", f"{header}\n" + f"{row}\n" * 12)}
    answer = client.post("/files", files=form, follow_redirects=False)
    assert answer.status_code == 303
    refused = client.post("/files", files={"file": ("wrong.csv", "a;b\n1;2\n")})
    assert refused.status_code == 422
    found = scraped(client)
    assert of(found, "files_scored_total") == of(found, "scoring_seconds_count") == 1
    assert of(found, "rows_in_total") == of(found, "rows_assigned_total") == 12
    assert of(found, "files_failed_total") == of(found, "files_refused_total") == 1
    assert of(found, "drift_verdict_total") == 1  # twelve who are alike are not as in training


def test_any_worker_tells_of_all(tmp_path: Path) -> None:
    environment = {"CUSTOMER_CLUSTERS_METRICS": "open", "TMPDIR": str(tmp_path)}
    with serve(environment, workers=2) as address:
        for _ in range(20):
            with urllib.request.urlopen(f"{address}/v1/model"):
                pass
        for _ in range(6):
            with urllib.request.urlopen(f"{address}/metrics") as answer:
                found = samples(answer.read().decode())
            labels = {"method": "GET", "route": "/v1/model", "status": "200"}
            assert of(found, "http_requests_total", **labels) == 20
            assert of(found, "http_requests_in_progress") == 1
        [folder] = tmp_path.glob("customer-clusters-figures-*")
        level = next(folder.glob("gauge*")).read_bytes()
        (folder / "gauge_livesum_999999999.db").write_bytes(level)  # of a process that is no more
        with urllib.request.urlopen(f"{address}/metrics") as answer:
            assert of(samples(answer.read().decode()), "http_requests_in_progress") == 1
        assert not list(folder.glob("gauge*_999999999.db"))
    assert not list(tmp_path.glob("customer-clusters-figures-*"))


def test_where_it_is_off_nothing_of_it_is_imported() -> None:
    script = """
import sys
import functions.api
functions.api.app
late = {"prometheus_client", "opentelemetry.sdk", "functions.telemetry", "functions.http.observed"}
print(sorted(late & set(sys.modules)))
"""
    environment = {name: value for name, value in os.environ.items() if "OTEL" not in name}
    environment |= {"OTEL_SERVICE_NAME": "groups", "OTEL_EXPORTER_OTLP_ENDPOINT": ""}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_every_figure_is_documented_and_every_documented_one_exists(observed: Clients) -> None:
    client, text = observed(), DOCUMENT.read_text()
    said = set(re.findall(r"customer_clusters_[a-z_]+[a-z]", text))
    there = {name for family in plain(client.get("/metrics").text) for name in _names(family)}
    timed = {figure.prometheus for figure in FIGURES if figure.kind == "seconds"}
    there |= {f"{name}{part}" for name in timed for part in ("", "_bucket", "_count", "_sum")}
    assert said <= there, said - there
    assert not {figure.prometheus for figure in FIGURES} - said
    assert {name for name in there if re.search("_(model|build)_", name)} <= said
    attributes = set(re.findall(r"`((?:http|customer_clusters)\.[a-z_.]+)`", text))
    sent = {figure.otel_name for figure in FIGURES if figure.otel is not None}
    assert {"http.server.request.duration", "http.server.active_requests"} <= attributes & sent


def test_what_is_measured_for_cloudwatch_is_known_here_under_the_same_name() -> None:
    measured = set()
    for path in (ROOT / "functions").rglob("*.py"):
        text = path.read_text()
        for body in re.findall(r"(?:measure\(|figures = )\s*(\{.*?\})", text, re.DOTALL):
            measured |= set(re.findall(r'"([A-Z][A-Za-z]+)":', body))
    assert {"FilesScored", "ChallengerLookUps"} <= measured
    of_retraining = {"Retrainings", "GateObjections", "RetrainingsFailed"}
    assert measured - of_retraining <= FACTS.keys() | RATIOS


def _names(family: Any) -> set[str]:
    names = {family.name, *(sample.name for sample in family.samples)}
    return names | ({f"{family.name}_total"} if family.type == "counter" else set())
