"""Whether the Terraform module makes what the CloudFormation template makes.

The module is applied against the stand-in of the provider; what it made is compared, property by
property, with the rendered template. Both are brought into the same words first: a reference to
another resource is `${InputBucket.Arn}`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.conditions import holding, is_made, resolved
from infra.policy.of_module import of_module
from infra.policy.of_template import of_template

OSLS_ALONE = ("ServerlessDeploymentBucket", "ServerlessDeploymentBucketPolicy")
"""What the tool of the template keeps for itself."""
MADE = {
    "AWS::ApiGatewayV2::Api": "aws_apigatewayv2_api",
    "AWS::ApiGatewayV2::Integration": "aws_apigatewayv2_integration",
    "AWS::ApiGatewayV2::Route": "aws_apigatewayv2_route",
    "AWS::ApiGatewayV2::Stage": "aws_apigatewayv2_stage",
    "AWS::CloudWatch::Alarm": "aws_cloudwatch_metric_alarm",
    "AWS::CloudWatch::Dashboard": "aws_cloudwatch_dashboard",
    "AWS::Events::EventBus": "aws_cloudwatch_event_bus",
    "AWS::Events::Rule": "aws_cloudwatch_event_rule",
    "AWS::IAM::Role": "aws_iam_role",
    "AWS::Lambda::Alias": "aws_lambda_alias",
    "AWS::Lambda::EventInvokeConfig": "aws_lambda_function_event_invoke_config",
    "AWS::Lambda::EventSourceMapping": "aws_lambda_event_source_mapping",
    "AWS::Lambda::Function": "aws_lambda_function",
    "AWS::Lambda::Permission": "aws_lambda_permission",
    "AWS::Logs::LogGroup": "aws_cloudwatch_log_group",
    "AWS::S3::Bucket": "aws_s3_bucket",
    "AWS::S3::BucketPolicy": "aws_s3_bucket_policy",
    "AWS::SNS::Topic": "aws_sns_topic",
    "AWS::SQS::Queue": "aws_sqs_queue",
    "AWS::SQS::QueuePolicy": "aws_sqs_queue_policy",
}
"""Kind in the template → kind in the module: there are as many of each."""
PART_OF_ANOTHER = ("AWS::Lambda::Version",)
"""Of the function that is published."""
IN_THE_MODULE = {
    "HasAccessLogs", "HasAlarmEmail", "HasAlarmTopic", "HasBoundary", "HasKey", "HasNoticeEmail",
    "HasPublicUrl", "HasVpc", "OwnAlarmTopic",
}  # fmt: skip
"""Conditions of the template that a variable of the module stands for; its tests try them."""
LEFT_OUT = {"HasCanary", "HasDomain", "HasFanOut", "HasSpark", "OnlyTheDomain"}
"""Conditions whose resources the module does not have: docs/deploy-terraform.md says so."""


def differences(template: Mapping[str, Any], state: Mapping[str, Any]) -> Iterator[str]:
    """One line for each thing that the two say differently."""
    holds = holding(template)
    for name in sorted(holds.keys() - IN_THE_MODULE - LEFT_OUT):
        yield f"{name}: infra/policy/drift.py does not say whether the module has this condition"
    there = resolved(template)
    made = state["values"]["root_module"]["resources"]
    yield from _counts({n: r for n, r in there.items() if is_made(r, holds)}, made)
    expected, found = of_template(there, holds), of_module(made)
    yield from _unlike("", expected, found)


def _unlike(where: str, expected: Any, found: Any) -> Iterator[str]:
    """The innermost things that differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in sorted(expected.keys() | found.keys()):
            yield from _unlike(f"{where} {name}", expected.get(name), found.get(name))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from _unlike(f"{where} [{number}]", one, other)
    elif expected != found:
        yield f"{where.strip()}: the template has {expected!r}, the module {found!r}"


def _counts(there: Mapping[str, Any], made: list[Mapping[str, Any]]) -> Iterator[str]:
    ours = {name: each["Type"] for name, each in there.items() if name not in OSLS_ALONE}
    for kind in sorted(set(ours.values()).difference(PART_OF_ANOTHER)):
        names = [name for name in ours if ours[name] == kind]
        count = sum(each["type"] == MADE.get(kind) for each in made)
        if count != len(names):
            yield f"{kind}: the template has {', '.join(names)}, the module {count} of them"
