"""Makes one plain CloudFormation template of serverless.yml, for accounts that deploy without Node.

python3 -m infra.cloudformation --out build/customer-clusters.json
python3 -m infra.cloudformation --out … --image …@sha256:… --train-image …@sha256:… --release 1.2.0
python3 -m infra.cloudformation --out … --param apiAuth=jwt --param logAddresses=true

osls renders the stage prod with a sentinel for every parameter of `parameters.toml`; each sentinel
becomes a reference to a Parameter. What is not there is fixed when it is rendered: `apiAuth`,
`logAddresses`, `snapStart`, and that buckets outlive the stack. The bucket in which osls keeps its
templates is left out, with the names of exports. docs/deploy-aws.md says how to use it.
"""

import argparse
import json
import subprocess
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FILE = "cloudformation-template-update-stack.json"
TABLE = Path(__file__).with_name("parameters.toml")
OWN = {"stage", "revision"}
"""Parameters of the template that are no parameters of serverless.yml."""
SWITCH = "retrainEnabled"
"""What osls takes as true or false alone, and what is found by the names of its schedules."""
TAKES_UP = ("Revision", "ApiKeysVersion", "Challenger", "ChallengerShare", "MaxInputBytes")
"""What makes a new version of the API: short enough, together, for the description of one."""
Template = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One question that the template asks."""

    option: str
    """Its name in serverless.yml."""
    said: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name in the template."""
        return str(self.said.get("name", self.option[0].upper() + self.option[1:]))

    @property
    def sentinel(self) -> str | int:
        """What it is rendered with, to be found again."""
        found: str | int = self.said.get("sentinel", f"@@{self.name}@@")
        return found

    def declared(self, before: Mapping[str, Any], default: str | None) -> dict[str, Any]:
        """Its entry under Parameters.

        Args:
            before: What infra/*.yml declare of it.
            default: What holds where nobody answers; None: somebody has to.
        """
        values = self.said.get("values", before.get("AllowedValues"))
        number = "least" in self.said or (values and isinstance(values[0], int))
        kind = before.get("Type", "Number" if number else "String")
        entry = {
            "Type": kind,
            "Description": self.said.get("description", before.get("Description")),
            "Default": int(default) if default and kind == "Number" else default,
            "AllowedValues": values,
            "AllowedPattern": f"^{self.said['pattern']}$" if "pattern" in self.said else None,
            "MaxLength": self.said.get("max"),
            "MinValue": self.said.get("least"),
            "MaxValue": self.said.get("most"),
            "NoEcho": self.said.get("hidden"),
        }
        return {key: value for key, value in entry.items() if value is not None}


def parameters() -> list[Parameter]:
    """All of `parameters.toml`, in its order."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return [Parameter(option, said) for option, said in table.items()]


def plain(rendered: Template, asked: Sequence[Parameter], defaults: Mapping[str, str]) -> Template:
    """The template that stands alone.

    Args:
        rendered: What osls makes of sentinels.
        asked: The parameters.
        defaults: What holds where nobody answers, by option.
    """
    template = _without_osls(json.loads(json.dumps(rendered)))
    _takes_up(template["Resources"])
    _schedule(template)
    before = template.pop("Parameters")
    answers = _Answers([each for each in asked if each.option != SWITCH])
    rules = {"ADomainHasACertificate": _implies("Domain", "CertificateArn", "the ARN of its own")}
    return {
        "AWSTemplateFormatVersion": template.pop("AWSTemplateFormatVersion"),
        "Description": "Customer clusters: an HTTP API, files that are scored, retraining",
        "Parameters": {
            each.name: each.declared(before.get(each.name, {}), defaults.get(each.option))
            for each in asked
        },
        "Metadata": {"AWS::CloudFormation::Interface": {"ParameterGroups": _groups(asked)}},
        "Rules": rules,
        **{part: answers.of(template[part]) for part in ("Conditions", "Resources", "Outputs")},
    }


def _groups(asked: Sequence[Parameter]) -> list[dict[str, Any]]:
    """What the console shows together, in the order of the questions."""
    groups: list[dict[str, Any]] = []
    for each in asked:
        if heading := each.said.get("group"):
            groups.append({"Label": {"default": heading}, "Parameters": []})
        groups[-1]["Parameters"].append(each.name)
    return groups


class _Answers:
    """Puts references in place of sentinels."""

    def __init__(self, asked: Sequence[Parameter]) -> None:
        self._names = {each.sentinel: each.name for each in asked}
        # a number, and what is one of a few values, stand alone and never within a text
        self._texts = {
            each.sentinel: f"${{{each.name}}}"
            for each in asked
            if isinstance(each.sentinel, str) and "values" not in each.said
        }

    def of(self, value: Any) -> Any:
        """A value with references."""
        match value:
            case {"Fn::Sub": str() as text}:
                return {"Fn::Sub": self._inside(text)}
            case dict():
                return {key: self.of(inner) for key, inner in value.items()}
            case list():
                return [self.of(inner) for inner in value]
            case bool():
                return value
            case str() | int() if value in self._names:
                return {"Ref": self._names[value]}
            case str():
                text = self._inside(value.replace("${", "${!"))
                return {"Fn::Sub": text} if text != value.replace("${", "${!") else value
        return value

    def _inside(self, text: str) -> str:
        for sentinel, reference in self._texts.items():
            text = text.replace(sentinel, reference)
        return text


def _without_osls(template: Template) -> Template:
    """Without the bucket of osls, names of exports, and the hash in the name of the version."""
    for part in ("ServerlessDeploymentBucket", "ServerlessDeploymentBucketPolicy"):
        del template["Resources"][part]
    del template["Outputs"]["ServerlessDeploymentBucketName"]
    for output in template["Outputs"].values():
        output.pop("Export", None)
    text = json.dumps(template)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Version":
            text = text.replace(f'"{name}"', '"ApiLambdaVersion"')
    found: Template = json.loads(text)
    return found


def _takes_up(resources: Template) -> None:
    """A new image or revision makes a new version, and so does what is often changed."""
    function = resources["ApiLambdaFunction"]["Properties"]
    function["Environment"]["Variables"]["DEPLOYMENT"] = {"Ref": "Revision"}
    if version := resources.get("ApiLambdaVersion"):
        digest = {"Fn::Split": ["@sha256:", {"Ref": "Image"}]}
        version["Properties"]["CodeSha256"] = {"Fn::Select": [1, digest]}
        version["Properties"]["Description"] = {
            "Fn::Sub": " ".join(f"${{{name}}}" for name in TAKES_UP)
        }


def _schedule(template: Template) -> None:
    """The schedules of retraining are on by a parameter."""
    equals = [{"Ref": "RetrainEnabled"}, "true"]
    template["Conditions"]["RetrainIsOn"] = {"Fn::Equals": equals}
    for name, resource in template["Resources"].items():
        if name.startswith("RetrainEventsRuleSchedule"):
            state = {"Fn::If": ["RetrainIsOn", "ENABLED", "DISABLED"]}
            resource["Properties"]["State"] = state


def _implies(given: str, needed: str, what: str) -> dict[str, Any]:
    """A rule: who gives one parameter gives another one."""

    def has(name: str) -> dict[str, Any]:
        return {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]}

    assertion = {"Assert": has(needed), "AssertDescription": f"{given} needs {needed}, {what}"}
    return {"RuleCondition": has(given), "Assertions": [assertion]}


def render(options: Mapping[str, str]) -> Template:
    """What osls makes of serverless.yml in the stage of the sentinel, with these parameters."""
    (stage,) = (each.sentinel for each in parameters() if each.option == "stage")
    given = [word for name, value in options.items() for word in ("--param", f"{name}={value}")]
    with tempfile.TemporaryDirectory() as folder:
        command = ["npx", "osls", "package", "--stage", str(stage), "--package", folder, *given]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"osls does not render serverless.yml: {done.stdout}{done.stderr}")
        found: Template = json.loads((Path(folder) / FILE).read_text(encoding="utf-8"))
    return found


@cache
def defaults() -> Mapping[str, str]:
    """What serverless.yml says for the stage prod, by parameter; images are for people to give."""
    command = ["npx", "osls", "print", "--stage", "prod", "--format", "json"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    said = json.loads(told)["params"]
    texts = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in {**said["default"], **said["prod"]}.items()
    }
    own = {p.option: str(p.said["default"]) for p in parameters() if "default" in p.said}
    return {n: v for n, v in {**texts, **own}.items() if n not in ("image", "trainImage")}


def make(given: Mapping[str, str], fixed: Mapping[str, str]) -> Template:
    """The template.

    Args:
        given: Defaults in place of those of serverless.yml, by option.
        fixed: What is no parameter of the template, by option.
    """
    asked = parameters()
    if wrong := sorted({*fixed} & {each.option for each in asked}):
        raise SystemExit(f"{wrong[0]} is a parameter of the template: give it when you deploy")
    sentinels = {each.option: str(each.sentinel) for each in asked if each.option not in OWN}
    rendered = render({"retainData": "Retain", **sentinels, **fixed})
    return plain(rendered, asked, {**defaults(), **given})


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the template."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="where the template goes")
    parser.add_argument("--image", help="the default of Image; without it, it has none")
    parser.add_argument("--train-image", help="the default of TrainImage")
    parser.add_argument("--release", help="the default of Release")
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE",
        help="what is fixed: apiAuth, logAddresses, snapStart, retainData",
    )  # fmt: skip
    chosen = parser.parse_args(arguments)
    given = {
        "image": chosen.image, "trainImage": chosen.train_image, "release": chosen.release,
    }  # fmt: skip
    template = make(
        {name: value for name, value in given.items() if value},
        dict(each.split("=", 1) for each in chosen.param),
    )
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(template, indent=1) + "\n"
    chosen.out.write_text(text, encoding="utf-8")
    print(f"{chosen.out}: {len(text):,} bytes, {len(template['Parameters'])} parameters")


if __name__ == "__main__":
    main()
