"""How the image is built and entered, without building it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pytest

from infra import slim
from infra.image import EPOCH, PARTS, Build, buildah, docker, labels, pip_conf, secrets
from tests.support.paths import ROOT

BUILD = Build("mine:1", "python:x", {"revision": "abc"}, {"ca": Path("/etc/bundle.crt")})
Builder = Callable[[Build, str | None], list[list[str]]]


def follows(command: Sequence[str], *words: str) -> bool:
    """Whether the words stand in the command, one after the other."""
    return any(tuple(command[at : at + len(words)]) == words for at in range(len(command)))


@pytest.mark.parametrize("builder", [docker, buildah])
def test_builders_are_told_the_same(builder: Builder) -> None:
    [command] = builder(BUILD, None)
    assert follows(command, "--tag", "mine:1")
    assert follows(command, "--build-arg", "BASE_IMAGE=python:x")
    assert follows(command, "--build-arg", "PART=serve")
    assert follows(command, "--label", "org.opencontainers.image.revision=abc")
    assert follows(command, "--secret", "id=ca,src=/etc/bundle.crt")
    assert str(EPOCH) in " ".join(command)


@pytest.mark.parametrize("part", PARTS)
def test_what_a_part_depends_on_goes_into_its_build(part: str) -> None:
    path = f"requirements/{part}.txt"
    assert (ROOT / path).is_file()
    assert f"!{path}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_the_image_of_large_files_has_a_file_of_its_own() -> None:
    [command] = buildah(replace(BUILD, part="spark"), None)
    assert follows(command, "--file", "Dockerfile.spark")
    assert "PART=spark" not in command


def test_docker_pushes_the_form_that_lambda_and_heroku_take() -> None:
    _, push = docker(BUILD, "registry.example/mine:1")
    assert follows(push, "--output", "type=image,push=true,oci-mediatypes=false")
    assert follows(push, "--tag", "registry.example/mine:1")
    assert {"--provenance=false", "--sbom=false"} <= set(push)


def test_buildah_pushes_it_too() -> None:
    _, push = buildah(BUILD, "registry.example/mine:1")
    assert push[-4:] == ["--format", "v2s2", "mine:1", "docker://registry.example/mine:1"]


def test_a_build_is_labelled_with_its_commit() -> None:
    told = labels(ROOT)
    assert told["version"] == metadata.version("customer-clusters")
    assert len(told["revision"].removesuffix("-changed")) == 40
    assert datetime.fromisoformat(told["created"]).tzinfo is UTC


def test_a_private_index_reaches_the_build_and_paths_of_this_machine_do_not() -> None:
    listed = (
        "global.cert='/somewhere/bundle.crt'\n"
        "global.extra-index-url='file:///somewhere https://two.example/simple'\n"
        "global.index-url='https://one.example/simple'\n"
        ":env:.index-url='https://env.example/simple'\n"
    )
    assert pip_conf(listed) == (
        "[global]\n"
        "extra-index-url = https://two.example/simple\n"
        "index-url = https://env.example/simple\n"
    )
    assert pip_conf("global.find-links='/wheels'\n") == ""


def test_secrets_are_gone_after_the_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:word@one.example/simple")
    bundle = tmp_path / "bundle.crt"
    bundle.touch()
    with secrets({"PIP_CERT": str(bundle)}) as found:
        conf = found["pip"]
        assert "index-url = https://user:word@one.example/simple\n" in conf.read_text()
        assert conf.stat().st_mode & 0o77 == 0
        assert found["ca"] == bundle
    assert not conf.exists()


def test_slimming_takes_what_is_named_and_no_service_that_is_used(tmp_path: Path) -> None:
    for rule in slim.UNUSED:
        path = tmp_path / rule.replace("**/", "deep/").replace("[a-z]*", "a").replace("*", "x")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for kept in ("botocore/data/s3", "botocore/data/ec2", "pyarrow/compute"):
        (tmp_path / kept).mkdir(parents=True)
    (tmp_path / "botocore/data/endpoints.json").touch()
    slim.main([str(tmp_path)])
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert {"botocore/data/s3", "botocore/data/endpoints.json", "pyarrow/compute"} <= left
    assert "botocore/data/ec2" not in left
    assert not [path for path in left if "flight" in path or path.endswith(".pyx")]
    with pytest.raises(LookupError, match="matches nothing"):
        slim.main([str(tmp_path)])


def test_a_library_without_its_symbols_is_smaller_and_still_loads(tmp_path: Path) -> None:
    import uvloop.loop

    whole = Path(uvloop.loop.__file__)
    path = tmp_path / whole.name
    shutil.copy(whole, path)
    slim.cut_symbols(path)
    assert path.stat().st_size < whole.stat().st_size / 3
    code = (
        "import importlib.util as u, sys;"
        "s = u.spec_from_file_location('uvloop.loop', sys.argv[1]);"
        "m = u.module_from_spec(s); s.loader.exec_module(m); print(m.Loop.__name__)"
    )
    told = subprocess.check_output([sys.executable, "-c", code, str(path)], text=True)
    assert told == "Loop\n"
    text = tmp_path / "loop.py"
    text.write_text("x")
    slim.cut_symbols(text)  # is left as it is
    assert text.read_text() == "x"


def test_sizes_are_listed_with_what_they_are_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, size in (
        ("venv/lib/python3.13/site-packages/pyarrow/lib.so", 3_000_000),
        ("pycache/opt/venv/lib/python3.13/site-packages/pyarrow/compute.pyc", 1_000_000),
        ("pycache/usr/lib/python3.13/os.pyc", 1_500_000),
        ("code/functions/api.py", 100),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(bytes(size))
    slim.main(["--sizes", *(str(tmp_path / name) for name in ("venv", "code", "pycache"))])
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.split()[:3] == ["4.0", "MB", "pyarrow"]
    assert "CSV and Parquet" in first
    assert second.split()[:3] == ["1.5", "MB", "python"]
    assert last.split()[0] == "5.5"


LAMBDA = {"AWS_LAMBDA_RUNTIME_API": "x:1"}


@pytest.mark.parametrize(
    ("environment", "given", "run"),
    [
        ({}, ["customer-clusters", "score", "a b.csv"], "customer-clusters score a b.csv"),
        ({}, ["exec", "customer-clusters", "serve"], "customer-clusters serve"),
        ({}, ["/bin/sh", "-c", "exec customer-clusters serve"], "customer-clusters serve"),
        ({"PORT": "1"}, ["serve"], "customer-clusters serve --host 0.0.0.0 --port 8080"),
        (
            {"SAGEMAKER_BIND_TO_PORT": "9"},
            ["serve", "--workers", "2"],
            "customer-clusters serve --host 0.0.0.0 --port 9 --workers 2",
        ),
        (LAMBDA, ["customer-clusters", "serve"], "python -m awslambdaric functions.api.handler"),
        (LAMBDA, ["mine.handler"], "python -m awslambdaric mine.handler"),
    ],
    ids=[
        "command",
        "words of a line",
        "line for a shell",
        "SageMaker",
        "SageMaker's port",
        "Lambda",
        "Lambda with a handler",
    ],
)
def test_the_entry_point_becomes_what_it_starts(
    tmp_path: Path, environment: dict[str, str], given: list[str], run: str
) -> None:
    for name in ("python", "customer-clusters"):
        stand_in = tmp_path / name
        stand_in.write_text('#!/bin/sh\necho "$$ ${0##*/} $*"\n')
        stand_in.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    command = [str(ROOT / "infra/entrypoint.sh"), *given]
    with subprocess.Popen(
        command, env={"PATH": path, **environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        told, _ = process.communicate(timeout=10)
    assert told == f"{process.pid} {run}\n"


def test_the_base_is_named_by_its_digest() -> None:
    base = re.search(r"^ARG BASE_IMAGE=(.*)$", (ROOT / "Dockerfile").read_text(), re.M)
    assert base
    assert re.fullmatch(r"python:3\.\d+-slim-\w+@sha256:[0-9a-f]{64}", base[1])
