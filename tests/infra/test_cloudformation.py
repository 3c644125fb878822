"""The plain CloudFormation template: what osls renders, asked for by Parameters."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra import cloudformation
from infra.cloudformation import OWN, Parameter, Template, defaults, main, parameters
from tests.support.npm import node_modules
from tests.support.paths import ROOT

DIGESTS = {
    name: f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/{name}@sha256:{digit * 64}"
    for name, digit in (("image", "a"), ("trainImage", "b"))
}
OTHERS = {
    "release": "1.2.0", "architecture": "arm64", "subnetIds": "subnet-0a",
    "securityGroupIds": "sg-0a",
    "permissionsBoundary": "arn:aws:iam::123456789012:policy/bound", "accessLogBucket": "logs",
    "kmsKey": "arn:aws:kms:eu-central-1:123456789012:key/0a", "inputDays": "11", "resultDays": "12",
    "trainingDays": "13", "logRetentionInDays": "400", "apiRequestsPerSecond": "14",
    "apiBurst": "15", "batchConcurrency": "16", "domain": "customers.example.org",
    "certificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/0a",
    "disableDefaultEndpoint": "true", "canary": "LambdaCanary10Percent15Minutes",
    "maxInputBytes": "1000", "retrainEnabled": "true", "retrainSchedule": "rate(7 days)",
    "trainingData": "training/all.csv", "maxTrainingBytes": "2000", "alarmEmail": "a@example.org",
    "alarmTopic": "arn:aws:sns:eu-central-1:123456789012:alarms", "notify": "attention",
    "noticeEmail": "b@example.org", "rejectedShare": "0.2", "indexKey": "secret", "spark": "yes",
    "models": "cards=s3://bucket/models/cards#champion", "challenger": "candidate",
    "challengerShare": "0.1", "sparkRelease": "emr-spark-8.2.0", "sparkMaxCpu": "8 vCPU",
    "sparkMaxMemory": "32 GB", "apiKeysParameter": "/bank/keys", "apiKeysVersion": "7",
    "sparkImage": DIGESTS["image"], "fanOutBytes": "4000", "fanOutConcurrency": "17",
    "sparkBytes": "5000", "jwtIssuer": "https://sign-in.example", "jwtAudience": "us",
    "jwtKeys": "https://sign-in.example/keys", "corsOrigins": "https://app.example",
    "publicUrl": "https://clusters.bank.example/base",
    "otlpEndpoint": "http://collector:4318",
}  # fmt: skip
IN_TEXTS = {"Domain", "PublicUrl"}
"""Native Parameters that also stand in the text of a variable, where osls sees that they change."""
SHIPPED = ["-i", "W3005", "W8003", "W1030", "--"]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make cloudformation` writes it."""
    node_modules()
    path = tmp_path_factory.mktemp("plain") / "customer-clusters.json"
    main(["--out", str(path)])
    return path


@pytest.fixture(scope="session")
def said(template: Path) -> Template:
    found: Template = json.loads(template.read_text())
    return found


def resolved(value: Any, answers: Mapping[str, str]) -> Any:
    """What CloudFormation makes of references to these Parameters, and of nothing else."""
    match value:
        case {"Ref": str() as name} if name in answers:
            return answers[name]
        case {"Fn::Sub": str() as text}:
            for name, answer in answers.items():
                text = text.replace(f"${{{name}}}", answer)
            return {"Fn::Sub": text} if "${" in text.replace("${!", "") else text
        case {"Fn::Select": [1, {"Fn::Split": [between, inner]}]}:
            return resolved(inner, answers).split(between)[1]
        case {"Fn::If": ["RetrainIsOn", on, off]}:
            return on if answers["RetrainEnabled"] == "true" else off
        case dict():
            return {key: resolved(inner, answers) for key, inner in value.items()}
        case list():
            return [resolved(inner, answers) for inner in value]
        case bool():
            return value
        case int():
            return str(value)  # CloudFormation makes no difference
    return value


def compared(part: Template, answers: Mapping[str, str]) -> Template:
    """A template without what docs/deploy-aws.md names as different."""
    part = json.loads(json.dumps(part))
    part["Conditions"].pop("RetrainIsOn", None)
    for name in [*part["Resources"]]:
        if part["Resources"][name]["Type"] == "AWS::Lambda::Version":
            del part["Resources"][name]["Properties"]["Description"]
    del part["Resources"]["ApiLambdaFunction"]["Properties"]["Environment"]["Variables"][
        "DEPLOYMENT"
    ]
    return {
        section: resolved(part[section], answers)
        for section in ("Conditions", "Resources", "Outputs")
    }


def rendered(folder: Path, stage: str, given: Mapping[str, str]) -> Template:
    """What osls deploys with these parameters, without what is its own alone."""
    options = [word for name, value in given.items() for word in ("--param", f"{name}={value}")]
    command = ["npx", "osls", "package", "--stage", stage, "--package", str(folder), *options]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    text = (folder / cloudformation.FILE).read_text()
    found: Template = json.loads(re.sub(r"ApiLambdaVersion\w{30,}", "ApiLambdaVersion", text))
    for part in ("ServerlessDeploymentBucket", "ServerlessDeploymentBucketPolicy"):
        del found["Resources"][part]
    del found["Outputs"]["ServerlessDeploymentBucketName"]
    for output in found["Outputs"].values():
        output.pop("Export", None)
    return found


@pytest.mark.parametrize(("stage", "given"), [("prod", {}), ("other", OTHERS)])
def test_it_deploys_what_osls_deploys(
    tmp_path: Path, said: Template, stage: str, given: Mapping[str, str]
) -> None:
    """With defaults, and with another answer to every question."""
    asked = parameters()
    answered = {**defaults(), **given, **DIGESTS, "stage": stage}
    answers = {each.name: answered[each.option] for each in asked}
    natives = {each.name for each in asked if "native" in each.said}
    # osls leaves the reference there, and gives its Parameter the answer as the default
    answers |= {name: f"${{{name}}}" for name in natives - IN_TEXTS}
    expected = rendered(tmp_path, stage, {"retainData": "Retain", **given, **DIGESTS})
    for name in natives:
        option = next(each.option for each in asked if each.name == name)
        assert expected["Parameters"][name]["Default"] == answered[option]
    found = compared(said, {n: v for n, v in answers.items() if n not in natives - IN_TEXTS})
    wanted = compared(expected, {name: answers[name] for name in IN_TEXTS})
    for section, entries in wanted.items():
        assert found[section].keys() == entries.keys()
        for name, entry in entries.items():
            assert found[section][name] == entry, name


def test_every_question_has_another_answer_above(said: Template) -> None:
    asked = {each.option for each in parameters()}
    assert {*OTHERS, *DIGESTS} | OWN == asked
    known = defaults()
    assert not [name for name, value in OTHERS.items() if known[name] == value]
    assert list(said["Parameters"]) == [each.name for each in parameters()]
    groups = said["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert [name for group in groups for name in group["Parameters"]] == list(said["Parameters"])
    assert len(groups) == 10


def test_each_parameter_is_asked_for_or_fixed_for_a_reason_that_is_told() -> None:
    text = (ROOT / "serverless.yml").read_text().partition("  default:\n")[2].partition("  dev:")[0]
    names = set(re.findall(r"^    (\w+): ", text, re.MULTILINE)) | {"retainData"}
    fixed = names - {each.option for each in parameters()}
    assert fixed == {
        "region", "snapStart", "apiAuth", "logAddresses", "retainData", "deletionProtection"
    }  # fmt: skip
    section = (ROOT / "docs/deploy-aws.md").read_text().partition("## Without Node")[2]
    assert {name for name in fixed if f"`{name}`" not in section.partition("\n## ")[0]} == set()


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    else:
        yield str(value)


def test_it_stands_alone(said: Template) -> None:
    sentinels = {str(each.sentinel) for each in parameters() if "values" not in each.said}
    parts = {name: said[name] for name in ("Conditions", "Resources", "Outputs")}
    assert not [text for text in strings(parts) if any(mark in text for mark in sentinels)]
    assert "ServerlessDeployment" not in json.dumps(said)
    assert "Export" not in json.dumps(said["Outputs"])
    assert {name for name, entry in said["Parameters"].items() if "Default" not in entry} == {
        "Image", "TrainImage"
    }  # fmt: skip


def test_every_parameter_is_told_and_most_wrong_answers_are_refused(said: Template) -> None:
    for name, entry in said["Parameters"].items():
        assert entry["Description"], name
        if pattern := entry.get("AllowedPattern"):
            assert re.match(pattern, str(entry.get("Default", DIGESTS["image"]))), name
    entries = said["Parameters"]
    for option, value in {**OTHERS, **DIGESTS}.items():
        entry = entries[next(each.name for each in parameters() if each.option == option)]
        assert re.match(entry.get("AllowedPattern", ""), value), option
        assert value in map(str, entry.get("AllowedValues", [value])), option
    for name, wrong in (
        ("Image", "customer-clusters:latest"), ("AlarmEmail", "me"), ("Stage", "Prod"),
        ("KmsKey", "alias/mine"), ("Domain", "https://a.example"), ("RejectedShare", "5"),
    ):  # fmt: skip
        assert not re.match(entries[name]["AllowedPattern"], wrong), name
    assert entries["IndexKey"]["NoEcho"] is True


def test_what_makes_a_new_version_of_the_api_fits_its_description(said: Template) -> None:
    """And all of it stands in the function: Lambda publishes no version of what did not change."""
    version = said["Resources"]["ApiLambdaVersion"]["Properties"]
    names = re.findall(r"\$\{(\w+)\}", version["Description"]["Fn::Sub"])
    variables = said["Resources"]["ApiLambdaFunction"]["Properties"]["Environment"]["Variables"]
    longest = {"Revision": 64, "ApiKeysVersion": 6, "Challenger": 64, "ChallengerShare": 6}
    assert set(names) == {*longest, "MaxInputBytes"}
    assert sum(longest.values()) + 14 + len(names) <= 256
    assert all(name in json.dumps(variables) for name in names)
    assert version["CodeSha256"]["Fn::Select"][1]["Fn::Split"][1] == {"Ref": "Image"}


def test_cfn_lint_finds_nothing_and_it_is_made_the_same_again(
    tmp_path: Path, template: Path
) -> None:
    again = tmp_path / "again.json"
    images = ["--image", DIGESTS["image"], "--train-image", DIGESTS["trainImage"]]
    main(["--out", str(again), *images, "--param", "apiAuth=jwt"])
    command = [str(Path(sys.executable).parent / "cfn-lint"), *SHIPPED, str(again)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    jwt = json.loads(again.read_text())
    assert jwt["Parameters"]["Image"]["Default"] == DIGESTS["image"]
    (authorizer,) = (
        each["Properties"]["JwtConfiguration"]
        for each in jwt["Resources"].values()
        if each["Type"] == "AWS::ApiGatewayV2::Authorizer"
    )
    assert authorizer == {"Audience": [{"Ref": "JwtAudience"}], "Issuer": {"Ref": "JwtIssuer"}}
    main(["--out", str(again)])
    assert again.read_bytes() == template.read_bytes()
    assert len(again.read_bytes()) < 1_000_000  # what CloudFormation takes from a bucket


def test_what_is_asked_for_cannot_be_fixed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="inputDays is a parameter of the template"):
        main(["--out", str(tmp_path / "x.json"), "--param", "inputDays=3"])


def test_a_text_that_is_no_reference_stays_one() -> None:
    """`${` of a text of ours is told from that of Fn::Sub."""
    answers = cloudformation._Answers([Parameter("thing", {"description": "x"})])
    assert answers.of(["a${b}", "a${b}@@Thing@@", {"Fn::Sub": "${B}@@Thing@@"}, "@@Thing@@"]) == [
        "a${b}", {"Fn::Sub": "a${!b}${Thing}"}, {"Fn::Sub": "${B}${Thing}"}, {"Ref": "Thing"},
    ]  # fmt: skip
