"""The image, built as users build it, run as strict platforms run it."""

import hashlib
import json
import re
import tarfile
import time
import urllib.request
from importlib import metadata
from pathlib import Path

import httpx2
import pandas as pd
import pyarrow as pa
import pytest
import xlsxwriter

from infra.image import labels
from model_store import BUNDLED, Artifact, open_store
from pipeline.model.published.loading import load_model
from tests.support.containers import BASE, IMAGE, LOCKED, Containers, canonical, post
from tests.support.paths import ROOT

SCHEMA_2 = "application/vnd.docker.distribution.manifest.v2+json"
LEAVER = {"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}
OWN = f"customer-clusters=={metadata.version('customer-clusters')}"
Server = tuple[str, str]


@pytest.fixture(scope="module")
def champion() -> Artifact:
    return open_store(BUNDLED).open("champion")


def test_any_user_gets_pages_and_lookups_from_a_read_only_root(
    server: Server, champion: Artifact
) -> None:
    _, address = server
    with urllib.request.urlopen(f"{address}/") as page:
        assert "<form" in page.read().decode()
    answer = json.loads(post(f"{address}/v1/assign", LEAVER))
    model = load_model(champion)
    assert answer["cluster"]["id"] == model.assign(LEAVER).cluster.id
    assert answer["model_version"] == champion.version


def test_a_file_is_dropped_on_the_page(server: Server) -> None:
    _, address = server
    content = (ROOT / "examples/customers.csv").read_bytes()
    dropped = {"file": ("customers.csv", content)}
    answer = httpx2.post(
        f"{address}/files", files=dropped, headers={"Accept": "text/html"}, follow_redirects=True
    )  # the other worker may answer
    assert answer.status_code == 200, answer.text
    [path] = re.findall(r'href="(/files/[^"/]+/assigned.csv)"', answer.text)
    assert httpx2.get(f"{address}{path}").text.count("\n") == 996


def test_a_workbook_with_many_rows_ends_no_server_of_512_megabytes(
    containers: Containers, server: Server, tmp_path: Path
) -> None:
    """Its 300,000 rows are held in memory as a whole, and as text in a /tmp that is memory too."""
    name, address = server
    path = tmp_path / "many.xlsx"
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, LEAVER)
    for row in range(1, 300_000):
        sheet.write_row(row, 0, [row % 2500, 500 + row % 9000, 10 + row % 100])
    book.close()
    dropped = {"file": ("many.xlsx", path.read_bytes())}
    answer = httpx2.post(f"{address}/files", files=dropped, timeout=60)
    told = answer.json()["detail"] if answer.status_code != 303 else ""
    assert answer.status_code == 303 or "save its sheet as CSV" in told or "20 seconds" in told
    state = json.loads(containers("podman", "container", "inspect", name))[0]["State"]
    assert state["Status"] == "running"
    assert httpx2.get(f"{address}/health/ready").status_code == 200


def test_the_server_is_process_1_with_as_many_workers_as_asked(
    containers: Containers, server: Server
) -> None:
    lines = containers("podman", "top", server[0], "user", "pid", "ppid", "args").splitlines()
    user = LOCKED[3].removeprefix("--user=")
    assert {line.split()[0] for line in lines[1:]} == {user}
    [first] = [line for line in lines if line.split()[1] == "1"]
    assert "customer-clusters serve --host 0.0.0.0" in first
    assert len([line for line in lines if "spawn_main" in line]) == 2


def test_the_image_says_what_it_runs(containers: Containers) -> None:
    """Registries that host it, Heroku's among them, ask for a command."""
    config = containers.inspect(IMAGE)["Config"]
    assert config["Cmd"] == ["customer-clusters", "serve", "--host", "0.0.0.0"]
    assert config["Entrypoint"] == ["/entrypoint.sh"]


def test_the_health_check_finds_the_server(containers: Containers, server: Server) -> None:
    check = containers.inspect(IMAGE)["Healthcheck"]["Test"]
    assert check[0] == "CMD"
    containers("podman", "exec", server[0], *check[1:])
    with pytest.raises(RuntimeError, match="ended with 1"):
        containers("podman", "exec", "--env", "PORT=1", server[0], *check[1:])


def test_a_stop_ends_it_cleanly_within_seconds(containers: Containers, server: Server) -> None:
    begun = time.monotonic()
    containers("podman", "stop", "--time", "30", server[0])
    assert time.monotonic() - begun < 10
    state = json.loads(containers("podman", "container", "inspect", server[0]))[0]["State"]
    assert state["ExitCode"] == 0
    assert not state["OOMKilled"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A folder into which any user may write."""
    folder = tmp_path / "results"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def test_it_scores_a_mounted_file(containers: Containers, results: Path) -> None:
    mounts = [f"--volume={ROOT}/examples:/data:ro", f"--volume={results}:/results"]
    run = ["podman", "run", "--rm", *LOCKED, *mounts, IMAGE, "customer-clusters", "score"]
    manifest = json.loads(containers(*run, "/data/customers.csv", "--out", "/results", "--json"))
    counts = [manifest[f"rows_{name}"] for name in ("in", "assigned", "rejected")]
    assert counts == [1001, 995, 6]
    [written] = results.glob("customers.csv/*/manifest.json")
    assert json.loads(written.read_text()) == manifest
    assert "Results in /tmp/out" in containers(*run, "/data/customers.csv", "--out", "/tmp/out")


def test_every_format_survived_the_slimming(
    containers: Containers, tmp_path: Path, results: Path
) -> None:
    """What the build took out of the packages is missed by no reader and no writer."""
    dropped = tmp_path / "dropped"
    dropped.mkdir()
    frame = pd.read_csv(ROOT / "examples/customers.csv", nrows=300, dtype_backend="pyarrow")
    frame.to_csv(dropped / "a.csv.gz", index=False)
    semicolons = frame.to_csv(index=False, sep=";", decimal=",").encode()
    (dropped / "b.csv.zst").write_bytes(pa.compress(semicolons, "zstd", asbytes=True))
    frame.to_parquet(dropped / "c.parquet")
    frame.to_excel(dropped / "d.xlsx", index=False)
    mounts = [f"--volume={dropped}:/data:ro", f"--volume={results}:/results"]
    run = ["podman", "run", "--rm", *LOCKED, *mounts, IMAGE, "customer-clusters", "score"]
    for form in ("parquet", "csv"):
        told = containers(*run, "/data", "--out", "/results", "--format", form, "--json")
        assert [manifest["rows_assigned"] for manifest in json.loads(told)] == [298] * 4
    client = "import boto3; [boto3.client(name, region_name='eu-west-1') for name in ('s3', 'sqs')]"
    containers("podman", "run", "--rm", *LOCKED, IMAGE, "python", "-c", client)


def test_everything_it_starts_with_is_compiled(containers: Containers) -> None:
    script = (
        "import functions.api as a, importlib.util as u, pathlib, sys; a.app; "
        "print(*(m for m in sys.modules.values() if getattr(m, '__file__', '') "
        "and m.__file__.endswith('.py') "
        "and not pathlib.Path(u.cache_from_source(m.__file__)).exists()))"
    )
    told = containers("podman", "run", "--rm", *LOCKED, IMAGE, "python", "-c", script)
    assert told.splitlines()[-1] == ""


def test_the_manifest_has_the_form_that_lambda_and_heroku_take(pushed: Path) -> None:
    manifest = json.loads((pushed / "manifest.json").read_text())
    assert manifest["mediaType"] == SCHEMA_2
    assert "manifests" not in manifest
    kinds = {part["mediaType"] for part in (manifest["config"], *manifest["layers"])}
    assert all(kind.startswith("application/vnd.docker.") for kind in kinds)
    config = json.loads((pushed / manifest["config"]["digest"].split(":")[1]).read_text())
    assert (config["os"], config["architecture"]) == ("linux", "amd64")


def test_labels_say_what_it_is(containers: Containers) -> None:
    config = containers.inspect(IMAGE)["Config"]
    assert config["Labels"]["com.amazonaws.lambda.feature.snapstart"] == "Allow"
    expected = {"title": "customer-clusters", **labels(ROOT)}
    oci = {name: config["Labels"][f"org.opencontainers.image.{name}"] for name in expected}
    assert oci == expected
    assert config["User"] == "10001:10001"


def test_it_holds_the_code_of_this_checkout(containers: Containers) -> None:
    script = "cd /opt/code && find functions pipeline model_store -name '*.py' | xargs sha256sum"
    lines = containers("podman", "run", "--rm", IMAGE, "sh", "-c", script).splitlines()
    found = {name: digest for digest, name in (line.split() for line in lines)}
    packages = ("functions", "pipeline", "model_store")
    paths = [path for name in packages for path in (ROOT / name).rglob("*.py")]
    assert found == {
        str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }


def test_it_holds_what_is_pinned_and_nothing_else(containers: Containers) -> None:
    """No test tools, no training stack, no pip: serving's requirements and our own code."""
    script = (
        "import importlib.metadata as m; print(*(f'{d.name}=={d.version}'.lower() "
        "for d in m.distributions() if str(d.locate_file('')).startswith('/opt')))"
    )
    found = containers("podman", "run", "--rm", IMAGE, "python", "-c", script).split()
    pins = (ROOT / "requirements/serve.txt").read_text()
    pinned = set(re.findall(r"^([a-z0-9-]+==[^ ]+)", pins, re.MULTILINE))
    assert {canonical(name) for name in found} == {*pinned, OWN}
    assert not pinned & {"scikit-learn", "pandas", "pytest", "moto"}


def test_the_bill_of_materials_lists_every_package(containers: Containers) -> None:
    path = "/usr/share/customer-clusters/sbom.cdx.json"
    bill = json.loads(containers("podman", "run", "--rm", IMAGE, "cat", path))
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "customer-clusters"
    listed = {f"{part['name'].lower()}=={part['version']}" for part in bill["components"]}
    pins = (ROOT / "requirements/serve.txt").read_text()
    pinned = set(re.findall(r"^([a-z0-9-]+==[^ ]+)", pins, re.MULTILINE))
    assert {canonical(name) for name in listed} == pinned


def test_the_serving_part_stays_below_250_megabytes(containers: Containers) -> None:
    size = {name: containers.inspect(name)["Size"] for name in (IMAGE, BASE)}
    assert size[IMAGE] - size[BASE] < 250e6


def test_a_build_leaves_nothing_behind_but_its_own_folders(
    containers: Containers, pushed: Path
) -> None:
    """Neither the secrets of the build nor anything of the machine that built it."""
    manifest = json.loads((pushed / "manifest.json").read_text())
    ours = re.compile(
        r"(opt|usr|usr/share)|opt/(venv|pycache|code)(/.*)?|usr/share/customer-clusters(/.*)?|entrypoint\.sh"
    )
    names: set[str] = set()
    of_the_base = len(containers.inspect(BASE)["RootFS"]["Layers"])
    for layer in manifest["layers"][of_the_base:]:
        with tarfile.open(pushed / layer["digest"].split(":")[1]) as archive:
            names.update(name.rstrip("/") for name in archive.getnames())
    assert sorted(name for name in names if not ours.fullmatch(name)) == []
    assert not [name for name in names if re.search(r"\.(key|env|conf|netrc|pypirc)$", name)]
    history = json.loads((pushed / manifest["config"]["digest"].split(":")[1]).read_text())
    assert "://" not in json.dumps(history["history"]).replace("http://127.0.0.1:", "")
