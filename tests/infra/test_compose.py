"""compose.yml: its settings and commands are ours, and nothing of it is open to a network."""

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from functions.cli.main import main as command_line
from functions.settings.batch import BatchSettings
from functions.settings.notices import notice_variables
from functions.settings.overview import batch_variables, server_variables
from functions.settings.server import Settings
from infra.compose import __main__ as compose
from infra.compose.buckets import main as make_buckets
from tests.support.composed import command_of, environment_of, services
from tests.support.paths import ROOT

SERVER = "http://storage.example:1"
OURS = ("api", "worker", "buckets")


def test_its_services_are_those_that_the_documents_name() -> None:
    assert set(services()) == {"api", "worker", "buckets", "storage", "prometheus"}
    text = (ROOT / "docs/compose.md").read_text()
    assert all(f"`{name}`" in text for name in services())


@pytest.mark.parametrize("name", OURS)
def test_its_variables_are_settings_that_can_be_read(name: str) -> None:
    variables = environment_of(name, SERVER)
    known = {each.name for each in (*server_variables(), *batch_variables(), *notice_variables())}
    ours = {each for each in variables if each.startswith("CUSTOMER_CLUSTERS_")}
    assert ours <= known
    Settings.from_environment(variables)


def test_the_page_and_the_worker_mean_the_same_places() -> None:
    settings = Settings.from_environment(environment_of("api", SERVER))
    assert isinstance(settings.buckets, BatchSettings)
    _, verb, inbox, out, results, *_ = command_of("worker")
    assert (verb, out) == ("watch", "--out")
    assert inbox == f"{settings.buckets.input}/"
    assert results == settings.results == str(settings.buckets.output.below("results"))
    assert command_of("buckets")[2:] == [
        settings.buckets.input.bucket, settings.buckets.output.bucket,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["api", "worker"])
def test_its_commands_are_ones_that_our_command_line_takes(name: str) -> None:
    program, verb, *arguments = command_of(name)
    assert program == "customer-clusters"
    context = click.Context(command_line)
    command = command_line.get_command(context, verb)
    assert command is not None
    command.make_context(verb, arguments, context)  # a UsageError for what it does not take


@pytest.mark.parametrize("name", sorted(services()))
def test_every_service_has_no_rights_that_it_does_not_need(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service["user"].startswith("0")
    assert service["mem_limit"]
    assert "healthcheck" in service or name == "api"  # whose image has one


def test_no_port_is_open_to_another_machine() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_secret_stands_in_it_and_none_is_a_default() -> None:
    text = (ROOT / "compose.yml").read_text()
    secrets = re.findall(r"^ +AWS_SECRET_ACCESS_KEY: (.*)$", text, re.MULTILINE)
    assert len(secrets) == 2
    assert all(secret.startswith("${STORAGE_SECRET:?") for secret in secrets)


def test_the_images_of_others_are_pinned_and_ours_is_never_fetched() -> None:
    for name, service in services().items():
        if name in OURS:
            assert service["pull_policy"] == "never"
        else:
            assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+(\.\d+)+", service["image"])


def test_what_it_mounts_is_there_and_what_it_keeps_is_named() -> None:
    kept = set(yaml.safe_load((ROOT / "compose.yml").read_text())["volumes"])
    for service in services().values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in kept or source == "/tmp" or (ROOT / source).is_file(), volume


def test_prometheus_asks_the_api_and_every_worker() -> None:
    told = yaml.safe_load((ROOT / "infra/compose/prometheus.yml").read_text())
    api, workers = told["scrape_configs"]
    assert api["static_configs"] == [{"targets": ["api:8000"]}]
    variables = environment_of("api", SERVER)
    assert "api" in variables["CUSTOMER_CLUSTERS_HOSTS"].split(",")
    assert variables["CUSTOMER_CLUSTERS_METRICS"] == "open"
    (found,) = workers["dns_sd_configs"]
    assert found["names"] == ["worker"]
    assert f"--metrics-port={found['port']}" in command_of("worker")


def test_buckets_that_cannot_be_made_are_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, aws: None
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(SystemExit, match="Error: could not read customers in the server"):
        make_buckets(["customers"], patience=0)


def test_a_secret_is_invented_once_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    compose.write_secret(path, {compose.VARIABLE: "given"})
    assert not path.exists()
    compose.write_secret(path, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = path.read_text()
    assert re.fullmatch(r"STORAGE_SECRET=[0-9a-f]{64}\n", written)
    compose.write_secret(path, {})
    assert path.read_text() == written
    path.write_text("IMAGE=mine")
    compose.write_secret(path, {})
    assert path.read_text().startswith("IMAGE=mine\nSTORAGE_SECRET=")


def test_git_does_not_take_the_secret() -> None:
    done = subprocess.run(["git", "check-ignore", ".env"], cwd=ROOT, capture_output=True)
    assert done.returncode == 0


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The commands that are given; all of them succeed, but there is no image."""
    given: list[Any] = []

    def run(command: Any, **_: Any) -> Any:
        given.append(tuple(command))
        missing = "inspect" in command and not any(
            "customer-clusters" in each for each in given[:-1]
        )
        return subprocess.CompletedProcess(command, int(missing))

    monkeypatch.setattr("infra.compose.__main__.subprocess.run", run)
    monkeypatch.setattr("infra.image.main", lambda arguments: given.append(tuple(arguments)))
    monkeypatch.setattr(compose, "wait_until_ready", lambda: compose.READY)
    return given


def test_up_builds_what_is_missing_starts_all_and_says_where_it_is(
    asked: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compose.up(("podman-compose",), tmp_path, {})
    assert asked == [
        ("podman", "image", "inspect", "customer-clusters"),
        ("--tag", "customer-clusters"),
        ("podman-compose", "up", "--detach"),
    ]
    said = capsys.readouterr().out
    for address in ("http://localhost:8000/files", "http://localhost:9090/"):
        assert address in said
    assert (tmp_path / ".env").exists()


def test_the_image_may_be_named_in_the_file_of_variables(asked: list[Any], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# ours\nIMAGE=registry.example/groups:2\n")
    compose.up(("docker", "compose"), tmp_path, {})
    assert asked[0] == ("docker", "image", "inspect", "registry.example/groups:2")


def test_down_keeps_what_was_stored_unless_it_is_to_go(asked: list[Any], tmp_path: Path) -> None:
    for delete_data in (False, True):
        compose.down(("docker", "compose"), tmp_path, {}, delete_data=delete_data)
    assert asked == [("docker", "compose", "down"), ("docker", "compose", "down", "--volumes")]


def test_without_anything_that_runs_it_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compose, "ENGINES", (("no-such-engine", "compose"),))
    with pytest.raises(SystemExit, match="install one of no-such-engine compose"):
        compose.main(["up"])


def test_what_does_not_get_ready_is_named() -> None:
    nobody = {"API": ("http://127.0.0.1:9/", "health/ready")}
    with pytest.raises(compose.NotStarted, match="API: no answer"):
        compose.wait_until_ready(0, nobody)
