"""What an account with rules asks of the deploy template, and is off until it does."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.cloudformation import FILE
from tests.infra.conftest import STAGES
from tests.infra.test_serverless import NOTHING, of, several
from tests.support.paths import ROOT

Document = Mapping[str, Any]


@pytest.fixture(params=STAGES)
def document(templates: Mapping[str, Path], request: pytest.FixtureRequest) -> Document:
    found: Document = json.loads(templates[request.param].read_text())
    return found


def package(folder: Path, **given: str) -> Path:
    options = [word for name, value in given.items() for word in ("--param", f"{name}={value}")]
    command = ["npx", "osls", "package", "--package", str(folder), *options]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder / FILE


def version(path: Path) -> str:
    (name,) = of(json.loads(path.read_text())["Resources"], "AWS::Lambda::Version")
    return name


def test_all_of_it_is_off_until_somebody_asks(document: Document) -> None:
    for name in ("Domain", "CertificateArn", "Canary", "GivenAlarmTopic"):
        assert document["Parameters"][name]["Default"] == ""
    conditional = {
        name: resource["Condition"]
        for name, resource in document["Resources"].items()
        if resource.get("Condition") in ("HasDomain", "HasCanary", "OwnAlarmTopic")
    }
    assert conditional == {
        "ApiDomain": "HasDomain", "ApiDomainMapping": "HasDomain", "AlarmTopic": "OwnAlarmTopic",
        "ShiftApplication": "HasCanary", "ShiftGroup": "HasCanary", "ShiftRole": "HasCanary",
    }  # fmt: skip


def test_a_domain_leads_to_the_api_and_can_be_its_only_address(document: Document) -> None:
    resources = document["Resources"]
    (domain,) = of(resources, "AWS::ApiGatewayV2::DomainName").values()
    (configuration,) = domain["DomainNameConfigurations"]
    assert configuration["SecurityPolicy"] == "TLS_1_2"
    assert configuration["EndpointType"] == "REGIONAL"
    (mapping,) = of(resources, "AWS::ApiGatewayV2::ApiMapping").values()
    (stage,) = of(resources, "AWS::ApiGatewayV2::Stage").values()
    assert mapping["Stage"] == stage["StageName"]
    shut = resources["HttpApi"]["Properties"]["DisableExecuteApiEndpoint"]
    assert shut == {"Fn::If": ["OnlyTheDomain", True, False]}
    # without a domain nothing is shut, whatever else is said: nobody could ask any more
    needed, said = document["Conditions"]["OnlyTheDomain"]["Fn::And"]
    assert needed == {"Condition": "HasDomain"}
    assert said["Fn::Equals"][0] == {"Ref": "DisableDefaultEndpoint"}
    for output in ("DomainTarget", "DomainTargetZone"):
        assert document["Outputs"][output]["Condition"] == "HasDomain"


def test_a_canary_shifts_the_alias_that_the_http_api_asks(document: Document) -> None:
    resources = document["Resources"]
    alias = resources["ApiSnapStartLambdaAlias"]
    condition, shifting, at_once = alias["UpdatePolicy"]["Fn::If"]
    assert (condition, at_once) == ("HasCanary", NOTHING)
    assert shifting["CodeDeployLambdaAliasUpdate"] == {
        "ApplicationName": {"Ref": "ShiftApplication"},
        "DeploymentGroupName": {"Ref": "ShiftGroup"},
    }
    asked = resources["HttpApiIntegrationApi"]["Properties"]["IntegrationUri"]
    assert asked["Fn::Join"][1][-1] == alias["Properties"]["Name"]
    group = resources["ShiftGroup"]["Properties"]
    assert group["DeploymentConfigName"] == {"Fn::Sub": "CodeDeployDefault.${Canary}"}
    assert group["AlarmConfiguration"] == {
        "Enabled": True,
        "Alarms": [{"Name": {"Ref": "ApiErrorsAlarm"}}, {"Name": {"Ref": "ApiSlowAlarm"}}],
    }
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    # CodeDeploy moves away from a version that is still there: the old one goes after the alias
    (name,) = of(resources, "AWS::Lambda::Version")
    assert alias["Properties"]["FunctionVersion"] == {"Fn::GetAtt": [name, "Version"]}


def test_who_shifts_may_move_one_alias_and_see_alarms(document: Document) -> None:
    role = document["Resources"]["ShiftRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "codedeploy.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    (policy,) = role["Policies"]
    alias, alarms = policy["PolicyDocument"]["Statement"]
    assert set(several(alias["Action"])) == {
        "lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"
    }  # fmt: skip
    assert alias["Resource"] == [
        {"Fn::GetAtt": ["ApiLambdaFunction", "Arn"]},
        {"Fn::Sub": "${ApiLambdaFunction.Arn}:snapstart"},
    ]
    assert alarms["Action"] == "cloudwatch:DescribeAlarms"


def test_without_a_snapshot_there_is_no_canary(tmp_path: Path) -> None:
    found = json.loads(package(tmp_path, snapStart="false").read_text())
    assert found["Parameters"]["Canary"]["AllowedValues"] == [""]
    assert not of(found["Resources"], "AWS::CodeDeploy::DeploymentGroup")


def test_a_topic_of_the_account_takes_the_place_of_the_one_that_is_made(
    document: Document,
) -> None:
    conditions = document["Conditions"]
    assert conditions["OwnAlarmTopic"] == {"Fn::Not": [{"Condition": "HasAlarmTopic"}]}
    assert {"Condition": "OwnAlarmTopic"} in conditions["HasAlarmEmail"]["Fn::And"]


def test_what_is_asked_for_reaches_the_template(tmp_path: Path) -> None:
    given = {
        "domain": "customers.example.org", "disableDefaultEndpoint": "true",
        "certificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/0a",
        "canary": "LambdaCanary10Percent15Minutes", "alarmEmail": "a@example.org",
        "alarmTopic": "arn:aws:sns:eu-central-1:123456789012:alarms",
        "publicUrl": "https://clusters.bank.example/base",
    }  # fmt: skip
    document = json.loads(package(tmp_path, **given).read_text())
    defaults = {name: each["Default"] for name, each in document["Parameters"].items()}
    assert (defaults["Domain"], defaults["DisableDefaultEndpoint"]) == (given["domain"], "true")
    assert defaults["CertificateArn"] == given["certificateArn"]
    assert (defaults["Canary"], defaults["GivenAlarmTopic"]) == (
        given["canary"], given["alarmTopic"]
    )  # fmt: skip
    variables = document["Resources"]["ApiLambdaFunction"]["Properties"]["Environment"]["Variables"]
    public = variables["CUSTOMER_CLUSTERS_PUBLIC_URL"]
    named = {"Fn::If": ["HasDomain", "https://customers.example.org", ""]}
    assert public == {"Fn::If": ["HasPublicUrl", "https://clusters.bank.example/base", named]}


def test_what_osls_does_not_see_takes_a_new_snapshot_as_well(
    tmp_path: Path, templates: Mapping[str, Path]
) -> None:
    """The version's name is a hash of the function as osls knows it: without network and key."""
    other = package(tmp_path, subnetIds="subnet-0a", securityGroupIds="sg-0a", kmsKey="arn:x")
    assert version(other) != version(templates["dev"])
    function = json.loads(other.read_text())["Resources"]["ApiLambdaFunction"]["Properties"]
    assert function["Environment"]["Variables"]["DEPLOYMENT"] == "subnet-0a/sg-0a/arn:x"


def test_production_cannot_be_removed_by_mistake(templates: Mapping[str, Path]) -> None:
    """And where it is off, what somebody has set by hand stays."""
    set_to = {
        stage: json.loads(path.with_name("serverless-state.json").read_text())["service"][
            "provider"
        ]["deletionProtection"]
        for stage, path in templates.items()
    }
    assert set_to == {"dev": None, "prod": True}
