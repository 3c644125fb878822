"""The Helm chart, by Helm itself: what it renders, and what it refuses."""

import json
import re
import subprocess
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from functions.api import create_app
from functions.live_model import LiveModel
from functions.settings import Settings
from functions.settings.overview import server_variables
from model_store import BUNDLED, open_store
from tests.support.paths import ROOT
from tests.support.policy import policy

CHART = ROOT / "infra/helm/customer-clusters"
Manifests = Mapping[tuple[str, str], dict[str, Any]]
"""By kind, and by what the name has behind that of the release."""


@pytest.fixture(scope="session")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Manifests]:
    """What is rendered of each file in the chart's folder `ci`, linted and valid."""
    folder = tmp_path_factory.mktemp("helm")
    assert "linted, rendered and valid" in policy("infra.policy.chart", folder)
    return {
        path.name.removesuffix("-values.yaml"): by_kind(path.read_text())
        for path in sorted(folder.glob("*.yaml"))
    }


def by_kind(text: str) -> Manifests:
    documents = [each for each in yaml.safe_load_all(text) if each]
    return {
        (each["kind"], each["metadata"]["name"].removeprefix("groups-customer-clusters")): each
        for each in documents
    }


def helm(*command: str) -> "subprocess.CompletedProcess[str]":
    program = ROOT / ".venv-policy/bin/helm"
    return subprocess.run(
        [program, *command], capture_output=True, text=True, timeout=60, check=False
    )


def pods(manifests: Manifests) -> list[dict[str, Any]]:
    kinds = ("Deployment", "Service")
    specs = (each["spec"] for (kind, _), each in manifests.items() if kind in kinds)
    return [spec["template"]["spec"] for spec in specs if "template" in spec]


def test_each_kind_has_what_belongs_to_it(charts: Mapping[str, Manifests]) -> None:
    plain = {("ServiceAccount", ""), ("Deployment", ""), ("Service", ""), ("NetworkPolicy", "")}
    plain |= {("PodDisruptionBudget", "")}
    assert charts["plain"].keys() == plain
    more = {("Ingress", ""), ("HorizontalPodAutoscaler", ""), ("ServiceMonitor", "")}
    more |= {("Deployment", "-worker"), ("NetworkPolicy", "-worker")}
    assert charts["everything"].keys() == plain | more
    assert charts["knative"].keys() == {("ServiceAccount", ""), ("Service", "")}
    assert charts["knative"][("Service", "")]["apiVersion"] == "serving.knative.dev/v1"


def test_every_container_may_as_little_as_the_image_needs(charts: Mapping[str, Manifests]) -> None:
    containers = [
        each for chart in charts.values() for pod in pods(chart) for each in pod["containers"]
    ]
    assert len(containers) == 4
    for container in containers:
        rights = container["securityContext"]
        assert rights["runAsNonRoot"] is rights["readOnlyRootFilesystem"] is True
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert rights["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["resources"]["limits"]["memory"]
        assert "/tmp" in [mount["mountPath"] for mount in container["volumeMounts"]]
    for pod in (pod for chart in charts.values() for pod in pods(chart)):
        assert pod["automountServiceAccountToken"] is False
        tmp = next(volume for volume in pod["volumes"] if volume["name"] == "tmp")
        assert tmp["emptyDir"]["sizeLimit"]


def test_a_cluster_may_pick_the_user(charts: Mapping[str, Manifests]) -> None:
    plain = str(CHART / "ci/plain-values.yaml")
    done = helm("template", "groups", str(CHART), "-f", plain, "--set", "user=null")
    (pod,) = pods(by_kind(done.stdout))
    assert pods(charts["plain"])[0]["securityContext"]["runAsUser"] == 10001
    assert "runAsUser" not in json.dumps(pod)
    assert pod["securityContext"]["runAsNonRoot"] is True


def test_probes_ask_addresses_that_the_server_has(charts: Mapping[str, Manifests]) -> None:
    app = create_app(LiveModel(open_store(BUNDLED), "champion"), Settings())
    (server,) = pods(charts["plain"])[0]["containers"]
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    asked = {server[probe]["httpGet"]["path"] for probe in probes}
    assert asked == {"/health/live", "/health/ready"}
    assert asked <= app.openapi()["paths"].keys()


def environment(manifests: Manifests) -> dict[str, Any]:
    container = pods(manifests)[0]["containers"][0]
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


def test_settings_are_variables_as_the_server_reads_them(charts: Mapping[str, Manifests]) -> None:
    given = environment(charts["everything"])
    known = {variable.name for variable in server_variables()}
    assert {name for name in given if name.startswith("CUSTOMER_CLUSTERS_")} <= known
    assert given["CUSTOMER_CLUSTERS_MAX_UPLOAD_BYTES"] == "20000000"  # and not 2e+07
    assert given["CUSTOMER_CLUSTERS_API_KEYS"] == {
        "secretKeyRef": {"name": "testing", "key": "api-keys"}
    }
    assert given["PORT"] == "8000"
    assert "PORT" not in environment(charts["knative"])  # Knative names it, and refuses who does


def test_the_worker_watches_a_bucket_and_is_asked_by_nobody(
    charts: Mapping[str, Manifests],
) -> None:
    worker = charts["everything"][("Deployment", "-worker")]
    (container,) = worker["spec"]["template"]["spec"]["containers"]
    assert container["args"] == [
        "customer-clusters", "watch", "s3://input/incoming", "--out", "s3://output/results",
        "--why", "3",
    ]  # fmt: skip
    assert "ports" not in container
    assert "ingress" not in charts["everything"][("NetworkPolicy", "-worker")]["spec"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("image.repository=", "image.repository is needed"),
        ("apiKeys.existingSecret=", "apiKeys.existingSecret is needed"),
        ("image.digest=1.0", "does not match pattern"),
        ("replicasss=3", "additional properties 'replicasss' not allowed"),
        (
            "settings.CUSTOMER_CLUSTERS_CHALLENGER_SHARE=0.1",
            "got number, want boolean or integer or string",
        ),
        ("settings.CUSTOMER_CLUSTERS_API_KEYS=abc", "'not' failed"),
        ("env.PORT=9000", "'not' failed"),
        ("ingress.enabled=true", "ingress.host is needed"),
        ("worker.enabled=true", "worker.input is needed"),
    ],
)
def test_what_is_missing_or_meant_otherwise_is_refused(
    charts: Mapping[str, Manifests], given: str, told: str
) -> None:
    how = "--set-json" if given.endswith("=0.1") else "--set"
    done = helm(
        "template", "groups", str(CHART), "-f", str(CHART / "ci/plain-values.yaml"), how, given
    )
    assert done.returncode != 0
    assert told in done.stderr


def test_every_value_is_used_and_every_value_that_is_used_is_there() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    templates = "".join(path.read_text() for path in CHART.glob("templates/*"))
    used = set(re.findall(r"\.Values\.([\w.]*\w)", templates))
    there = set(paths(values))
    assert {name for name in used if not leads(name, values)} == set()
    assert {
        path for path in there if not any(path == u or path.startswith(f"{u}.") for u in used)
    } == set()
    assert set(paths(values)) == set(paths_of_schema(schema)) - {"global"}


def paths(values: Mapping[str, Any], before: str = "") -> list[str]:
    """The names of all values, but for what people fill in."""
    found = []
    for name, value in values.items():
        inner = isinstance(value, dict) and value and name not in ("requests", "limits")
        found += paths(value, f"{before}{name}.") if inner else [f"{before}{name}"]
    return found


def paths_of_schema(schema: Mapping[str, Any], before: str = "") -> list[str]:
    found = []
    for name, value in schema["properties"].items():
        if name == "claims":
            continue
        found += (
            paths_of_schema(value, f"{before}{name}.")
            if "properties" in value
            else [f"{before}{name}"]
        )
    return found


def leads(name: str, values: Any) -> bool:
    for part in name.split("."):
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def test_chart_and_package_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert chart["version"] == chart["appVersion"] == version
