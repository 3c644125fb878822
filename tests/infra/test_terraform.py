"""The Terraform module: `make policy` runs Terraform over it, and sees what is wrong."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.policy.drift import differences
from infra.terraform_facts import FOLDER, files
from tests.support.paths import ROOT
from tests.support.policy import policy

MODULE = ROOT / "infra/terraform"
OF_THE_TEMPLATE_ALONE = {
    "region",  # a provider has it
    "release",  # a tag of the images says it
    "apiKeysVersion",  # Terraform sees by itself that a parameter has changed
    "apiAuth",  # the function looks at keys and tokens; no authorizers are made
    "canary",  # the alias moves at once
    *("domain", "certificateArn", "disableDefaultEndpoint"),  # map one to the API yourself
    *("deletionProtection", "retainData"),  # force_destroy, the other way round
    *("fanOutBytes", "fanOutConcurrency"),  # large files stay with one call
    *("spark", "sparkBytes", "sparkImage", "sparkRelease", "sparkMaxCpu", "sparkMaxMemory"),
}
OF_THE_MODULE_ALONE = {
    "name", "stage", "tags", "force_destroy", "public_url",
}  # fmt: skip
NEEDED = {"image", "train_image"}


@pytest.fixture(scope="module")
def template(templates: Mapping[str, Path]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(templates["prod"].read_text())
    return document


def test_the_module_has_what_the_template_says(template: dict[str, Any]) -> None:
    """`make terraform` writes it."""
    there = {
        str(path.relative_to(FOLDER)): path.read_text()
        for path in FOLDER.rglob("*")
        if path.is_file()
    }
    assert there == files(template)


def variables() -> dict[str, str]:
    text = (MODULE / "variables.tf").read_text()
    return dict(re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL))


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def test_a_variable_has_the_name_and_the_default_of_its_parameter() -> None:
    params = yaml.safe_load((ROOT / "serverless.yml").read_text())["params"]
    given = {**params["default"], **params["prod"]}
    names = {
        snake(name): value for name, value in given.items() if name not in OF_THE_TEMPLATE_ALONE
    }
    assert names.keys() | OF_THE_MODULE_ALONE == variables().keys()
    for name in names.keys() - NEEDED - {"api_keys_parameter"}:
        (default,) = re.findall(r"^  default +(?:= )(.*)$", variables()[name], re.MULTILINE)
        said = {"null": "", "[]": "", "{}": "", '""': ""}.get(default, default.strip('"'))
        assert said == str(names[name]).replace("True", "true").replace("False", "false"), name


def test_every_variable_and_output_is_described_and_typed() -> None:
    assert variables()
    for name, body in variables().items():
        assert re.search(r'^  description = ".+"$', body, re.MULTILINE), name
        assert re.search(r"^  type +=", body, re.MULTILINE), name
        assert ("default" in body) == (name not in NEEDED), name
    outputs = (MODULE / "outputs.tf").read_text()
    assert len(re.findall(r"^output", outputs, re.M)) == len(
        re.findall(r"^  description", outputs, re.M)
    )


def test_a_module_that_says_otherwise_than_the_template_is_found(
    templates: Mapping[str, Path], tmp_path: Path
) -> None:
    module = changed(tmp_path, "template/facts.json", '"memory": 2048', '"memory": 1024')
    policies = module / "template/policies/Api.json"
    policies.write_text(policies.read_text().replace('"s3:DeleteObject"', '"s3:*"'))
    told = policy("infra.policy.terraform", templates["prod"], module, expected=1)
    assert "Batch memory: the template has 2048, the module 1024" in told
    assert "Action: the template has 's3:DeleteObject', the module 's3:*'" in told
    assert "2 findings" in told


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("functions.tf", "  timeout       =", "  time_out      =", "Unsupported argument"),
        (
            "queue.tf",
            "aws_sqs_queue.failed.arn",
            "aws_sqs_queue.lost.arn",
            "Reference to undeclared",
        ),
        ("queue.tf", "  tags  ", " tags  ", "fmt"),
    ],
)
def test_what_terraform_refuses_is_told(
    templates: Mapping[str, Path], tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    module = changed(tmp_path, file, old, new)
    assert told in policy("infra.policy.terraform", templates["prod"], module, expected=1)


def changed(tmp_path: Path, file: str, old: str, new: str) -> Path:
    """A copy of the module with one change."""
    shutil.copytree(MODULE, tmp_path / "module")
    text = (tmp_path / "module" / file).read_text()
    assert old in text
    (tmp_path / "module" / file).write_text(text.replace(old, new))
    return tmp_path / "module"


def test_a_resource_that_the_module_lacks_is_found(template: dict[str, Any]) -> None:
    table = {"Type": "AWS::DynamoDB::Table", "Properties": {}}
    added = {**template, "Resources": {**template["Resources"], "Table": table}}
    nothing: dict[str, Any] = {"values": {"root_module": {"resources": []}}}
    assert "AWS::DynamoDB::Table: the template has Table, the module 0 of them" in next(
        line for line in differences(added, nothing) if "DynamoDB" in line
    )
