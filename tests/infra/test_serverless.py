"""The deploy template as osls renders it, offline and without credentials."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from functions.aws.events import DELIVER
from functions.aws.metrics import NAMESPACE
from functions.aws.notifications import SOURCE
from functions.aws.page_runs import DELETED, PAGE
from functions.aws.prefix_options import OPTIONS_FILE
from functions.settings.access import AccessSettings
from functions.settings.notices import NoticeSettings
from infra.empty import deletable
from model_store import CANDIDATE
from pipeline.runs.history.entry import LEDGER
from pipeline.runs.notices.outbox import OUTBOX, TOLD
from tests.infra.conftest import STAGES
from tests.support.paths import ROOT

Resources = Mapping[str, Mapping[str, Any]]
PUT_EVENTS = "events:PutEvents"
NOTHING = {"Ref": "AWS::NoValue"}
ROLES = {"ApiRole", "BatchRole", "RetrainRole"}


@pytest.fixture(params=STAGES)
def resources(templates: Mapping[str, Path], request: pytest.FixtureRequest) -> Resources:
    document = json.loads(templates[request.param].read_text())
    found: Resources = document["Resources"]
    return found


def of(resources: Resources, kind: str) -> dict[str, Any]:
    return {name: r.get("Properties", {}) for name, r in resources.items() if r["Type"] == kind}


def test_cfn_lint_finds_nothing(templates: Mapping[str, Path]) -> None:
    # W3005: what osls itself writes; W8003: a condition on a parameter that is filled in;
    # W1030: an ARN that is empty where the condition of its resource is false
    command = [str(Path(sys.executable).parent / "cfn-lint"), "-i", "W3005", "W8003", "W1030", "--"]
    done = subprocess.run(
        [*command, *map(str, templates.values())], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(resources: Resources) -> Iterator[dict[str, Any]]:
    for policy in of(resources, "AWS::IAM::Policy").values():
        yield from policy["PolicyDocument"]["Statement"]
    for role in of(resources, "AWS::IAM::Role").values():
        if managed := role.get("ManagedPolicyArns"):  # interfaces in a VPC have no name yet
            (name,) = managed["Fn::If"][1]
            assert (managed["Fn::If"][0], managed["Fn::If"][2]) == ("HasVpc", NOTHING)
            assert name["Fn::Sub"].endswith("/AWSLambdaENIManagementAccess")
        for policy in role["Policies"]:
            yield from policy["PolicyDocument"]["Statement"]


def test_every_role_is_of_least_privilege(resources: Resources) -> None:
    assert set(of(resources, "AWS::IAM::Role")) == {*ROLES, "SparkRole", "ShiftRole"}
    for statement in statements(resources):
        assert not any("*" in action for action in several(statement["Action"]))
        for resource in several(statement["Resource"]):
            assert resource != "*"
            text = json.dumps(resource)
            assert "Fn::GetAtt" in text or "${" in text  # one of our own resources, by name
            assert "Bucket.Arn}/*" not in text  # a prefix, not a whole bucket
        if "s3:ListBucket" in several(statement["Action"]):
            (prefix,) = statement["Condition"]["StringLike"]["s3:prefix"]
            assert prefix.rstrip("*").endswith("/")


def allowed(resources: Resources, role: str) -> set[tuple[str, str]]:
    """What a role may do with objects: action, and bucket with prefix."""
    (policy,) = resources[role]["Properties"]["Policies"]
    return {
        (action, resource["Fn::Sub"].replace(".Arn}", "}"))
        for statement in policy["PolicyDocument"]["Statement"]
        for action in several(statement["Action"])
        for resource in several(statement["Resource"])
        if "Fn::Sub" in resource
    }


def test_the_api_may_touch_files_of_its_page_and_see_figures_only(resources: Resources) -> None:
    assert allowed(resources, "ApiRole") == {
        ("s3:GetObject", "${ModelBucket}/models/*"),
        ("s3:PutObject", f"${{InputBucket}}/incoming/{PAGE}/*"),
        ("s3:GetObject", f"${{InputBucket}}/incoming/{PAGE}/*/{OPTIONS_FILE}"),
        ("s3:DeleteObject", f"${{InputBucket}}/incoming/{PAGE}/*"),
        ("s3:GetObject", f"${{OutputBucket}}/results/{PAGE}/*"),
        ("s3:PutObject", f"${{OutputBucket}}/results/{PAGE}/*/{DELETED}"),
        ("s3:DeleteObject", f"${{OutputBucket}}/results/{PAGE}/*"),
        ("s3:GetObject", f"${{OutputBucket}}/results/{LEDGER}/*"),
        ("s3:GetObject", "${OutputBucket}/results/*/report.html"),
        ("s3:GetObject", "${OutputBucket}/results/*/customers-*.idx"),
    }
    variables = resources["ApiLambdaFunction"]["Properties"]["Environment"]["Variables"]
    batch = resources["BatchLambdaFunction"]["Properties"]["Environment"]["Variables"]
    alone = ("_SPARK_", "_FAN_OUT_", "_NOTIFY")  # of the batch function
    own = {name: value for name, value in batch.items() if not any(part in name for part in alone)}
    assert own.items() <= variables.items()  # a form promises what the batch function does
    assert variables["CUSTOMER_CLUSTERS_INPUT"]["Fn::Sub"] == "s3://${InputBucket}/incoming"


def test_retraining_may_publish_candidates_and_not_move_the_champion(
    resources: Resources,
) -> None:
    telling = {
        ("s3:PutObject", f"${{ModelBucket}}/models/{OUTBOX}/*"),
        ("s3:DeleteObject", f"${{ModelBucket}}/models/{OUTBOX}/*"),
        ("s3:PutObject", f"${{ModelBucket}}/models/versions/*/{TOLD}"),
    }
    assert allowed(resources, "RetrainRole") == telling | {
        ("s3:GetObject", "${ModelBucket}/models/*"),
        ("s3:GetObject", "${ModelBucket}/training/*"),
        ("s3:PutObject", "${ModelBucket}/models/versions/*"),
        ("s3:PutObject", "${ModelBucket}/models/history/*"),
        ("s3:PutObject", "${ModelBucket}/models/marks/*"),
        ("s3:PutObject", f"${{ModelBucket}}/models/aliases/{CANDIDATE}.json"),
    }
    (policy,) = resources["RetrainRole"]["Properties"]["Policies"]
    once = [s for s in policy["PolicyDocument"]["Statement"] if "Null" in s.get("Condition", {})]
    assert [statement["Condition"]["Null"] for statement in once] == [
        {"s3:if-none-match": "false"}  # a version that is there is never written again
    ]
    assert "models/versions/" in json.dumps(once[0]["Resource"])
    function = resources["RetrainLambdaFunction"]["Properties"]
    variables = function["Environment"]["Variables"]
    data = variables["CUSTOMER_CLUSTERS_TRAINING_DATA"]["Fn::Sub"]
    assert data.startswith("s3://${ModelBucket}/training/")
    assert variables["CUSTOMER_CLUSTERS_STORE"]["Fn::Sub"] == "s3://${ModelBucket}/models"
    assert int(variables["CUSTOMER_CLUSTERS_MAX_TRAINING_BYTES"]) > 0
    assert "customer-clusters-train@" in function["Code"]["ImageUri"]
    assert function["Timeout"] == 900


def tells(statement: Mapping[str, Any]) -> bool:
    return statement["Action"] in ("sns:Publish", PUT_EVENTS)


def scheduled(resources: Resources) -> list[Any]:
    rules = of(resources, "AWS::Events::Rule").values()
    return [rule for rule in rules if "EventPattern" not in rule]


def test_retraining_is_scheduled_and_off_until_somebody_wants_it(resources: Resources) -> None:
    (rule,) = (r for r in scheduled(resources) if r["ScheduleExpression"] == "rate(30 days)")
    (late,) = (r for r in scheduled(resources) if r["ScheduleExpression"] == "rate(1 hour)")
    assert json.loads(late["Targets"][0]["Input"]) == DELIVER
    for each in (rule, late):
        assert each["State"] == "DISABLED"
        (target,) = each["Targets"]
        assert target["Arn"]["Fn::GetAtt"][0] == "RetrainLambdaFunction"
    (tries,) = of(resources, "AWS::Lambda::EventInvokeConfig").values()
    assert (tries["FunctionName"], tries["MaximumRetryAttempts"]) == (
        {"Ref": "RetrainLambdaFunction"},
        2,
    )


def test_each_function_has_its_own_role_and_the_image_by_digest(resources: Resources) -> None:
    functions = of(resources, "AWS::Lambda::Function")
    assert {f["Role"]["Fn::GetAtt"][0] for f in functions.values()} == ROLES
    for function in functions.values():
        assert "@sha256:" in function["Code"]["ImageUri"]
    assert functions["ApiLambdaFunction"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert functions["ApiLambdaFunction"].get("EphemeralStorage") is None  # SnapStart: at most 512
    commands = {f["ImageConfig"]["Command"][0] for f in functions.values()}
    assert commands == {
        "functions.api.handler", "functions.s3.handler", "functions.retrain.handler"
    }  # fmt: skip


def test_the_api_is_reached_through_its_snapshot(resources: Resources) -> None:
    (integration,) = of(resources, "AWS::ApiGatewayV2::Integration").values()
    assert ":snapstart" in json.dumps(integration) or "snapstart" in json.dumps(integration)
    (stage,) = of(resources, "AWS::ApiGatewayV2::Stage").values()
    limits = stage["DefaultRouteSettings"]
    assert 0 < limits["ThrottlingRateLimit"] <= limits["ThrottlingBurstLimit"]


def test_one_snapshot_is_kept_and_asked_for_each_week_where_the_http_api_asks(
    resources: Resources,
) -> None:
    """Each kept one is billed; one that nobody asks for in fourteen days refuses the next call."""
    raw = [r for r in resources.values() if r["Type"] == "AWS::Lambda::Version"]
    assert len(raw) == 1
    assert "DeletionPolicy" not in raw[0]
    rule = resources["ApiEventsRuleSchedule1"]["Properties"]
    assert rule["State"] == "ENABLED"
    assert rule["ScheduleExpression"] == "rate(7 days)"
    asked = resources["HttpApiIntegrationApi"]["Properties"]["IntegrationUri"]
    assert [target["Arn"] for target in rule["Targets"]] == [asked]
    assert asked["Fn::Join"][1][-1] == "snapstart"


def test_buckets_are_private_encrypted_versioned_and_tidy(resources: Resources) -> None:
    buckets = of(resources, "AWS::S3::Bucket")
    ours = {name: b for name, b in buckets.items() if name != "ServerlessDeploymentBucket"}
    assert set(ours) == {"InputBucket", "OutputBucket", "ModelBucket"}
    for bucket in ours.values():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["LifecycleConfiguration"]["Rules"]
    for name, prefix, days in (
        ("InputBucket", f"incoming/{PAGE}/", 7),
        ("OutputBucket", f"results/{PAGE}/", 30),
    ):
        rules = ours[name]["LifecycleConfiguration"]["Rules"]
        assert {rule.get("Prefix"): rule["ExpirationInDays"] for rule in rules}[prefix] == days
    policies = of(resources, "AWS::S3::BucketPolicy")
    refusing = {
        p["Bucket"]["Ref"]
        for p in policies.values()
        for s in p["PolicyDocument"]["Statement"]
        if s["Effect"] == "Deny" and s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    assert refusing >= set(ours)


def test_dropped_files_reach_the_function_and_failures_are_kept(resources: Resources) -> None:
    queue = resources["DroppedQueue"]["Properties"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] == "FailedQueue"
    (told,) = resources["InputBucket"]["Properties"]["NotificationConfiguration"][
        "QueueConfigurations"
    ]
    assert told["Queue"]["Fn::GetAtt"][0] == "DroppedQueue"
    mappings = of(resources, "AWS::Lambda::EventSourceMapping")
    assert len(mappings) == 2  # of files, and of parts of large ones
    for mapping in mappings.values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2
    assert any("sqs:ChangeMessageVisibility" in s["Action"] for s in statements(resources))
    batch = resources["BatchLambdaFunction"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * batch["Timeout"]
    assert all(q["SqsManagedSseEnabled"] for q in of(resources, "AWS::SQS::Queue").values())


def test_large_files_reach_spark_by_one_role_only(resources: Resources) -> None:
    (application,) = of(resources, "AWS::EMRServerless::Application").values()
    assert application["AutoStopConfiguration"]["Enabled"]
    assert application["MaximumCapacity"]["Cpu"]
    (trust,) = resources["SparkRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "emr-serverless.amazonaws.com"}
    passing = [s for s in statements(resources) if s["Action"] == "iam:PassRole"]
    assert [s["Resource"] for s in passing] == [{"Fn::GetAtt": ["SparkRole", "Arn"]}]
    assert passing[0]["Condition"]["StringEquals"] == {
        "iam:PassedToService": "emr-serverless.amazonaws.com"
    }
    starting = [s for s in statements(resources) if "StartJobRun" in json.dumps(s["Action"])]
    assert [s["Resource"] for s in starting] == [{"Fn::GetAtt": ["SparkApplication", "Arn"]}]
    for kind in ("AWS::EMRServerless::Application", "AWS::IAM::Policy"):
        others = ("KeyPolicy", "PartsPolicy")
        made = [r for name, r in resources.items() if r["Type"] == kind and name not in others]
        assert [resource.get("Condition") for resource in made] == ["HasSpark"]
    (rule,) = (r for r in of(resources, "AWS::Events::Rule").values() if "EventPattern" in r)
    assert rule["Targets"][0]["Arn"] == {"Fn::GetAtt": ["DroppedQueue", "Arn"]}
    assert rule["EventPattern"]["detail"]["state"] == ["FAILED", "CANCELLED"]
    policy = resources["DroppedQueuePolicy"]["Properties"]
    (told,) = (s for s in policy["PolicyDocument"]["Statement"] if "Fn::If" in s)
    condition, allowed_to_tell, nothing = told["Fn::If"]
    assert (condition, nothing) == ("HasSpark", {"Ref": "AWS::NoValue"})
    assert allowed_to_tell["Condition"] == {
        "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["SparkJobDied", "Arn"]}}
    }
    variables = resources["BatchLambdaFunction"]["Properties"]["Environment"]["Variables"]
    for name in ("APPLICATION", "ROLE"):
        assert variables[f"CUSTOMER_CLUSTERS_SPARK_{name}"]["Fn::If"][::2] == ["HasSpark", ""]


def test_parts_of_large_files_have_a_queue_of_their_own(resources: Resources) -> None:
    parts = {name: resources[name] for name in resources if name.startswith("Parts")}
    assert len(parts) == 5
    assert {each["Condition"] for each in parts.values()} == {"HasFanOut"}
    queue, batch = parts["PartsQueue"]["Properties"], resources["BatchLambdaFunction"]["Properties"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["FailedQueue", "Arn"]}
    assert queue["VisibilityTimeout"] >= 2 * batch["Timeout"]
    mapping = parts["PartsMapping"]["Properties"]
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["PartsQueue", "Arn"]}
    assert mapping["FunctionName"] == {"Fn::GetAtt": ["BatchLambdaFunction", "Arn"]}
    assert mapping["BatchSize"] == 1
    assert parts["PartsPolicy"]["Properties"]["Roles"] == [{"Ref": "BatchRole"}]
    (refusing,) = parts["PartsQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert refusing["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    variables = batch["Environment"]["Variables"]
    assert variables["CUSTOMER_CLUSTERS_FAN_OUT_THRESHOLD_BYTES"] == "0"  # off until it is said
    wanted = {"Fn::If": ["HasFanOut", {"Ref": "PartsQueue"}, ""]}
    assert variables["CUSTOMER_CLUSTERS_FAN_OUT_QUEUE"] == wanted


def test_input_and_output_do_not_meet(resources: Resources) -> None:
    variables = resources["BatchLambdaFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["CUSTOMER_CLUSTERS_INPUT"]["Fn::Sub"].startswith("s3://${InputBucket}/")
    assert variables["CUSTOMER_CLUSTERS_OUTPUT"]["Fn::Sub"].startswith("s3://${OutputBucket}")


def test_alarms_and_logs_are_wired(resources: Resources) -> None:
    alarms = of(resources, "AWS::CloudWatch::Alarm")
    watched = {(a["Namespace"], a["MetricName"]) for a in alarms.values() if "MetricName" in a}
    assert watched == {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"),
        (NAMESPACE, "RetrainingsFailed"),
        (NAMESPACE, "FilesRefused"),
        (NAMESPACE, "FilesGivenBack"),
        (NAMESPACE, "DriftVerdict"),
        (NAMESPACE, "RejectedShare"),
        ("AWS/ApiGateway", "5xx"),
        ("AWS/ApiGateway", "Latency"),
    }
    told = {"Fn::If": ["HasAlarmTopic", {"Ref": "GivenAlarmTopic"}, {"Ref": "AlarmTopic"}]}
    assert all(a["AlarmActions"] == a["OKActions"] == [told] for a in alarms.values())
    failing = {
        a["Dimensions"][0]["Value"]["Ref"]
        for a in alarms.values()
        if (a.get("Namespace"), a.get("MetricName")) == ("AWS/Lambda", "Errors")
    }
    assert failing == {"BatchLambdaFunction", "RetrainLambdaFunction"}  # the API's are its 5xx
    topics = of(resources, "AWS::SNS::Topic")
    assert set(topics) == {"AlarmTopic", "NoticeTopic"}
    assert all(topic.get("KmsMasterKeyId") != "alias/aws/sns" for topic in topics.values())
    groups = of(resources, "AWS::Logs::LogGroup")
    assert set(groups) == {"ApiLogGroup", "BatchLogGroup", "RetrainLogGroup", "HttpApiLogGroup"}
    assert all(group["RetentionInDays"] >= 30 for group in groups.values())
    queried = set(re.findall(r"`(/aws/[a-z/-]+)`", (ROOT / "docs/operate.md").read_text()))
    names = {group["LogGroupName"] for group in groups.values()}
    assert len(queried) == 3
    assert {name.replace("-dev", "-prod") for name in names} >= queried
    (dashboard,) = of(resources, "AWS::CloudWatch::Dashboard").values()
    body = dashboard["DashboardBody"]["Fn::Sub"]
    assert len(json.loads(body)["widgets"]) == 6


def test_figures_of_our_own_are_told_apart_by_the_function_which_has_its_stage(
    resources: Resources,
) -> None:
    """And by nothing else: what is watched or shown under another dimension would never come."""
    shown = json.dumps(of(resources, "AWS::CloudWatch::Dashboard"))
    alarms = json.dumps(of(resources, "AWS::CloudWatch::Alarm"))
    assert len(re.findall(rf'\\"{NAMESPACE}\\", \\"\w+\\", \\"function\\"', shown)) == 9
    assert shown.count(NAMESPACE) == 9
    own = re.findall(
        rf'"{NAMESPACE}", "MetricName": "\w+", "Dimensions": \[{{"Name": "(\w+)"', alarms
    )
    assert own == ["function"] * alarms.count(NAMESPACE)


def test_a_file_that_fails_for_what_is_not_in_it_rings_apart_from_a_refused_one(
    resources: Resources,
) -> None:
    alarm = resources["FilesFailedAlarm"]["Properties"]
    names = {m["Id"]: m["MetricStat"]["Metric"]["MetricName"] for m in alarm["Metrics"][1:]}
    assert names == {"failed": "FilesFailed", "refused": "FilesRefused"}
    assert alarm["Metrics"][0]["Expression"] == "failed - FILL(refused, 0)"


def test_runs_and_candidates_are_told_by_one_topic_and_one_bus_and_by_two_roles(
    resources: Resources,
) -> None:
    (bus,) = of(resources, "AWS::Events::EventBus").values()
    assert bus["Name"].startswith("customer-clusters-")
    for name in ("Batch", "Retrain"):
        function = resources[f"{name}LambdaFunction"]["Properties"]
        variables = function["Environment"]["Variables"]
        assert variables["CUSTOMER_CLUSTERS_NOTIFY_TOPIC"] == {"Ref": "NoticeTopic"}
        assert variables["CUSTOMER_CLUSTERS_NOTIFY_BUS"] == {"Fn::GetAtt": ["NoticeBus", "Arn"]}
        assert NoticeSettings.from_environment(
            {name: value for name, value in variables.items() if isinstance(value, str)}
        ) == NoticeSettings(most_rejected=0.05)
        (policy,) = resources[f"{name}Role"]["Properties"]["Policies"]
        telling = [s for s in policy["PolicyDocument"]["Statement"] if tells(s)]
        assert [s["Resource"]["Fn::GetAtt"][0] for s in telling] == ["NoticeTopic", "NoticeBus"]
        assert telling[1]["Condition"] == {"StringEquals": {"events:source": SOURCE}}
    assert len([s for s in statements(resources) if tells(s)]) == 4  # and nobody else
    (mail,) = (s for s in of(resources, "AWS::SNS::Subscription").values() if "FilterPolicy" in s)
    assert mail["FilterPolicy"] == {"attention": ["true"]}
    (rule,) = (r for r in scheduled(resources) if r["ScheduleExpression"] == "rate(15 minutes)")
    (target,) = rule["Targets"]
    assert target["Arn"]["Fn::GetAtt"][0] == "BatchLambdaFunction"
    assert json.loads(target["Input"]) == DELIVER


def test_the_alarm_for_rejected_rows_has_the_share_of_the_notices(resources: Resources) -> None:
    alarm = resources["RejectedShareAlarm"]["Properties"]
    batch = resources["BatchLambdaFunction"]["Properties"]["Environment"]["Variables"]
    share = batch["CUSTOMER_CLUSTERS_NOTIFY_REJECTED_SHARE"]
    assert float(alarm["Threshold"]) == float(share)
    assert alarm["Statistic"] == "Maximum"


def test_what_to_do_is_told_for_every_alarm(resources: Resources) -> None:
    text = (ROOT / "docs/operate.md").read_text()
    rows = re.findall(r"^\| (\w+Alarm) \| .+ \| .+ \|$", text, re.MULTILINE)
    assert sorted(rows) == sorted(of(resources, "AWS::CloudWatch::Alarm"))


def test_no_secret_stands_in_the_template(
    templates: Mapping[str, Path], resources: Resources
) -> None:
    variables = resources["ApiLambdaFunction"]["Properties"]["Environment"]["Variables"]
    keys = variables["CUSTOMER_CLUSTERS_API_KEYS"]  # with a version, or nobody sees it change
    assert re.fullmatch(r"\{\{resolve:ssm:/customer-clusters/\w+/api-key-hashes:1\}\}", keys)
    for path in templates.values():
        assert "AKIA" not in path.read_text()


def test_data_outlives_the_stack_in_production_only(templates: Mapping[str, Path]) -> None:
    for stage, policy in (("dev", "Delete"), ("prod", "Retain")):
        found = json.loads(templates[stage].read_text())["Resources"]
        for name in ("InputBucket", "OutputBucket", "ModelBucket"):
            assert found[name]["DeletionPolicy"] == policy
        ours = {"InputBucket", "OutputBucket", "ModelBucket"}  # osls empties its own
        assert deletable({"Resources": found}) == (ours if policy == "Delete" else set())


def test_the_retraining_can_be_switched_on(tmp_path: Path, templates: Mapping[str, Path]) -> None:
    command = [
        "npx",
        "osls",
        "package",
        "--package",
        str(tmp_path),
        "--param",
        "retrainEnabled=true",
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    document = json.loads((tmp_path / templates["dev"].name).read_text())
    rules = scheduled(document["Resources"])
    assert [rule["State"] for rule in rules] == ["ENABLED"] * 4


def test_the_snapshot_can_be_switched_off(tmp_path: Path, templates: Mapping[str, Path]) -> None:
    command = ["npx", "osls", "package", "--package", str(tmp_path), "--param", "snapStart=false"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    text = (tmp_path / templates["dev"].name).read_text()
    assert "napstart" not in text.lower()
    assert not of(json.loads(text)["Resources"], "AWS::Lambda::Version")


@pytest.mark.parametrize("checked_by", ["jwt", "iam"])
def test_the_gateway_may_look_at_callers_of_the_api_and_at_none_of_the_pages(
    tmp_path: Path, templates: Mapping[str, Path], checked_by: str
) -> None:
    options = {"apiAuth": checked_by}
    if checked_by == "jwt":
        options |= {"jwtIssuer": "https://sign-in.example", "jwtAudience": "us"}
    given = [part for name, value in options.items() for part in ("--param", f"{name}={value}")]
    command = ["npx", "osls", "package", "--package", str(tmp_path), *given]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    template = tmp_path / templates["dev"].name
    found = json.loads(template.read_text())["Resources"]
    routes = of(found, "AWS::ApiGatewayV2::Route").values()
    kinds = {route["RouteKey"]: route.get("AuthorizationType") for route in routes}
    kind = {"jwt": "JWT", "iam": "AWS_IAM"}[checked_by]
    ours = ("/v1/{proxy+}", "/v2/{proxy+}", "/mcp")
    assert kinds == {
        "$default": None,
        **{f"OPTIONS {path}": None for path in ours},
        **{f"ANY {path}": kind for path in ours},
    }
    variables = found["ApiLambdaFunction"]["Properties"]["Environment"]["Variables"]
    read = {
        name: value for name, value in variables.items() if "_JWT_" in name or "_GATEWAY" in name
    }
    settings = AccessSettings.from_environment(read)
    assert settings.gateway == checked_by
    configured = [
        a["JwtConfiguration"] for a in of(found, "AWS::ApiGatewayV2::Authorizer").values()
    ]
    ours_too = {"Audience": ["us"], "Issuer": settings.jwt_issuer}
    assert configured == ([ours_too] if checked_by == "jwt" else [])
    test_cfn_lint_finds_nothing({checked_by: template})


def test_without_more_said_the_function_alone_looks_at_callers(resources: Resources) -> None:
    (route,) = of(resources, "AWS::ApiGatewayV2::Route").values()
    assert route["RouteKey"] == "$default"
    variables = resources["ApiLambdaFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["CUSTOMER_CLUSTERS_API_KEYS"]
    read = {name: value for name, value in variables.items() if isinstance(value, str)}
    assert AccessSettings.from_environment(read) == AccessSettings()


def test_every_parameter_is_used_and_told() -> None:
    text = (ROOT / "serverless.yml").read_text()
    parts = text + "".join(path.read_text() for path in (ROOT / "infra").glob("*.yml"))
    defaults = text.partition("  default:\n")[2].partition("  dev:\n")[0]
    names = set(re.findall(r"^    (\w+): ", defaults, re.MULTILINE))
    assert names >= {"region", "image", "trainImage", "retrainEnabled"}
    assert {name for name in names if f"${{param:{name}}}" not in parts} == set()
    told = (ROOT / "docs/deploy-aws.md").read_text()
    assert {name for name in names if f"`{name}`" not in told} == set()


def test_the_access_log_names_neither_a_client_nor_a_customer(resources: Resources) -> None:
    (stage,) = of(resources, "AWS::ApiGatewayV2::Stage").values()
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert {"requestId", "status", "ms"} <= set(line)
    said = " ".join(line.values()).lower()
    assert not any(
        part in said for part in ("sourceip", "path", "query", "useragent", "authorizer")
    )


def test_all_that_is_stored_may_have_a_key_of_the_account(resources: Resources) -> None:
    key = {"Fn::If": ["HasKey", {"Ref": "KmsKey"}, NOTHING]}
    groups, topics = of(resources, "AWS::Logs::LogGroup"), of(resources, "AWS::SNS::Topic")
    assert all(group["KmsKeyId"] == key for group in groups.values())
    assert all(topic["KmsMasterKeyId"] == key for topic in topics.values())
    for queue in of(resources, "AWS::SQS::Queue").values():
        assert queue["KmsMasterKeyId"] == key
        assert queue["SqsManagedSseEnabled"] == {"Fn::If": ["HasKey", False, True]}
    for name in ("InputBucket", "OutputBucket", "ModelBucket"):
        (rule,) = resources[name]["Properties"]["BucketEncryption"][
            "ServerSideEncryptionConfiguration"
        ]
        by_default = rule["ServerSideEncryptionByDefault"]
        assert by_default["KMSMasterKeyID"] == key
        assert by_default["SSEAlgorithm"] == {"Fn::If": ["HasKey", "aws:kms", "AES256"]}
    roles = json.dumps(resources["KeyPolicy"]["Properties"]["Roles"])
    assert all(f'"{name}"' in roles for name in (*ROLES, "SparkRole"))


def test_an_account_with_rules_finds_its_parameters(resources: Resources) -> None:
    """Off by default: each is behind a condition that an empty parameter makes false."""
    roles = of(resources, "AWS::IAM::Role")
    bounded = {name for name, role in roles.items() if "PermissionsBoundary" in role}
    assert bounded == set(roles)
    for function in of(resources, "AWS::Lambda::Function").values():
        assert function["VpcConfig"]["Fn::If"][0] == "HasVpc"
        assert function["Architectures"] == ["x86_64"]
    prefixes = set()
    for bucket in of(resources, "AWS::S3::Bucket").values():
        if "LoggingConfiguration" not in bucket:  # osls's own, for templates
            continue
        condition, on, off = bucket["LoggingConfiguration"]["Fn::If"]
        assert (condition, off) == ("HasAccessLogs", NOTHING)
        prefixes.add(on["LogFilePrefix"])
    assert len(prefixes) == 3
    expiring = json.dumps(resources["ModelBucket"])
    assert '"Prefix": "training/", "ExpirationInDays": "365"' in expiring or (
        '"Prefix": "training/", "ExpirationInDays": 365' in expiring
    )


def test_rules_of_an_account_can_be_given(tmp_path: Path, templates: Mapping[str, Path]) -> None:
    given = {
        "subnetIds": "subnet-0a,subnet-0b", "securityGroupIds": "sg-0a", "architecture": "arm64",
        "permissionsBoundary": "arn:aws:iam::123456789012:policy/bound", "accessLogBucket": "logs",
        "trainingDays": "30", "logAddresses": "true",
    }  # fmt: skip
    options = [word for name, value in given.items() for word in ("--param", f"{name}={value}")]
    command = ["npx", "osls", "package", "--package", str(tmp_path), *options]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    text = (tmp_path / templates["dev"].name).read_text()
    document = json.loads(text)
    function = document["Resources"]["ApiLambdaFunction"]["Properties"]
    assert function["Architectures"] == ["arm64"]
    assert function["VpcConfig"]["Fn::If"][1]["SubnetIds"] == {"Ref": "SubnetIds"}
    defaults = {name: each["Default"] for name, each in document["Parameters"].items()}
    assert defaults["SubnetIds"] == given["subnetIds"]
    assert defaults["PermissionsBoundary"] == given["permissionsBoundary"]
    assert defaults["AccessLogBucket"] == "logs"
    assert text.count("$context.identity.sourceIp") == 1
