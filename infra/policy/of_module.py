"""What Terraform made of the module, in the words in which it is compared."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from infra.policy.aws_schema import ACCOUNT, REGION
from infra.policy.of_template import BUCKETS, Facts, without_own
from infra.terraform_facts import FUNCTIONS

Made = Sequence[Mapping[str, Any]]
Values = Mapping[str, Any]


def of_module(made: Made) -> Facts:
    """What the module made, by the names that the template has.

    Args:
        made: The resources of a state, as `terraform show -json` has them.
    """
    plain = {_address(each): each["values"] for each in made}
    words = _words(plain)
    by = {address: _said(values, words) for address, values in plain.items()}
    alarms = "aws_cloudwatch_metric_alarm.alarm."
    facts: Facts = {
        address.removeprefix(alarms): _alarm(by[address])
        for address in by
        if address.startswith(alarms)
    }
    for name in FUNCTIONS:
        own = plain[f"aws_lambda_function.function.{name}"]["function_name"]
        facts[name] = {**_function(by, name), "name": own}
    facts |= {name: _bucket(by, name) for name in BUCKETS}
    facts["DroppedQueue"] = _queue(by["aws_sqs_queue.dropped"])
    facts["FailedQueue"] = {**_queue(by["aws_sqs_queue.failed"]), "redrives": None}
    facts["DroppedQueue policy"] = json.loads(by["aws_sqs_queue_policy.dropped"]["policy"])
    facts["notification"] = _notification(by["aws_s3_bucket_notification.dropped"])
    facts["batches"] = _batches(by["aws_lambda_event_source_mapping.dropped"])
    retries = by["aws_lambda_function_event_invoke_config.retrain"]
    facts["retries"] = retries["maximum_retry_attempts"]
    facts["api"] = _stage(by["aws_apigatewayv2_stage.default"])
    facts["schedules"] = sorted(_schedules(plain))
    facts["dashboard"] = json.loads(by["aws_cloudwatch_dashboard.dashboard"]["dashboard_body"])
    return facts


def _function(by: Values, name: str) -> Facts:
    function = by[f"aws_lambda_function.function.{name}"]
    return {
        "memory": function["memory_size"],
        "timeout": function["timeout"],
        "disk": function["ephemeral_storage"][0]["size"],
        "command": function["image_config"][0]["command"],
        "image": function["image_uri"],
        "architectures": function["architectures"],
        "snapshot": next((each["apply_on"] for each in function["snap_start"]), None),
        "variables": without_own(function["environment"][0]["variables"]),
        "role": json.loads(by[f"aws_iam_role_policy.function.{name}"]["policy"]),
        "trust": json.loads(by[f"aws_iam_role.function.{name}"]["assume_role_policy"]),
        "log": by[f"aws_cloudwatch_log_group.function.{name}"]["retention_in_days"],
    }


def _notification(notification: Values) -> list[str]:
    (told,) = notification["queue"]
    (event,) = told["events"]
    return [event, told["queue_arn"], told["filter_prefix"]]


def _queue(queue: Values) -> Facts:
    redrive = queue["redrive_policy"]
    return {
        "waits": queue["visibility_timeout_seconds"],
        "keeps": queue["message_retention_seconds"],
        "redrives": json.loads(redrive) if redrive.startswith("{") else None,
        "encrypted": queue["sqs_managed_sse_enabled"],
    }


def _batches(mapping: Values) -> list[Any]:
    (scaling,) = mapping["scaling_config"]
    types = mapping["function_response_types"]
    return [mapping["batch_size"], types, scaling["maximum_concurrency"]]


def _stage(stage: Values) -> list[Any]:
    (limits,), (log,) = stage["default_route_settings"], stage["access_log_settings"]
    told = json.loads(log["format"])
    return [limits["throttling_burst_limit"], limits["throttling_rate_limit"], told]


def _schedules(plain: Values) -> list[list[Any]]:
    rule, target = "aws_cloudwatch_event_rule.", "aws_cloudwatch_event_target."
    return [
        [each["schedule_expression"], each["state"], plain[address.replace(rule, target)]["input"]]
        for address, each in plain.items()
        if address.startswith(rule)
    ]


def _address(resource: Mapping[str, Any]) -> str:
    kind = f"data.{resource['type']}" if resource["mode"] == "data" else str(resource["type"])
    index = f".{resource['index']}" if "index" in resource else ""
    return f"{kind}.{resource['name']}{index}"


def _words(values: Values) -> dict[str, str]:
    """What was made, as the template would call it."""
    words = {ACCOUNT: "${AWS.AccountId}", REGION: "${AWS.Region}"}
    for name in BUCKETS:
        bucket = values[f"aws_s3_bucket.bucket.{name}"]
        words |= {bucket["id"]: f"${{{name}.Ref}}", bucket["arn"]: f"${{{name}.Arn}}"}
    for name, short in (("DroppedQueue", "dropped"), ("FailedQueue", "failed")):
        queue = values[f"aws_sqs_queue.{short}"]
        words |= {queue["arn"]: f"${{{name}.Arn}}", queue["name"]: f"${{{name}.QueueName}}"}
    for name in FUNCTIONS:
        function = values[f"aws_lambda_function.function.{name}"]["function_name"]
        words[function] = f"${{{name}LambdaFunction.Ref}}"
        log = values[f"aws_cloudwatch_log_group.function.{name}"]["arn"]
        words[f"{log}:*"] = f"${{{name}LogGroup.Arn}}"
    bus, topic = values["aws_cloudwatch_event_bus.notices"], values["aws_sns_topic.notices"]
    words |= {bus["arn"]: "${NoticeBus.Arn}", topic["arn"]: "${NoticeTopic.Ref}"}
    return words | {values["aws_apigatewayv2_api.http"]["id"]: "${HttpApi.Ref}"}


def _said(value: Any, words: Mapping[str, str]) -> Any:
    """A value with what the template would call each resource in it."""
    if isinstance(value, list):
        return [_said(each, words) for each in value]
    if isinstance(value, dict):
        return {name: _said(each, words) for name, each in value.items()}
    if not isinstance(value, str) or value in words:
        return words.get(value, value) if isinstance(value, str) else value
    if value.startswith("{"):
        return json.dumps(_said(json.loads(value), words))
    for word in sorted((word for word in words if word.startswith("aws_")), key=len, reverse=True):
        value = value.replace(word, words[word])
    return value


def _alarm(alarm: Values) -> Facts:
    queries = [
        (each["id"], each["expression"], next((of["stat"] for of in each["metric"]), None))
        for each in alarm["metric_query"]
    ]
    return {
        "Namespace": alarm["namespace"],
        "MetricName": alarm["metric_name"],
        "Statistic": alarm["statistic"],
        "ExtendedStatistic": alarm["extended_statistic"],
        "Period": alarm["period"],
        "EvaluationPeriods": alarm["evaluation_periods"],
        "ComparisonOperator": alarm["comparison_operator"],
        "TreatMissingData": alarm["treat_missing_data"],
        "AlarmDescription": alarm["alarm_description"],
        "Threshold": float(alarm["threshold"]),
        "Dimensions": alarm["dimensions"] or {},
        "Queries": sorted(map(str, queries)),
    }


def _bucket(by: Values, name: str) -> Facts:
    (rule,) = by[f"aws_s3_bucket_server_side_encryption_configuration.bucket.{name}"]["rule"]
    public = by[f"aws_s3_bucket_public_access_block.bucket.{name}"]
    private = [value for key, value in public.items() if key.startswith(("block_", "ignore_"))]
    (owner,) = by[f"aws_s3_bucket_ownership_controls.bucket.{name}"]["rule"]
    (versions,) = by[f"aws_s3_bucket_versioning.bucket.{name}"]["versioning_configuration"]
    kept = [
        [
            each["id"],
            each["filter"][0]["prefix"],
            next((of["days"] for of in each["expiration"]), None),
            next((of["noncurrent_days"] for of in each["noncurrent_version_expiration"]), None),
            next(
                (of["days_after_initiation"] for of in each["abort_incomplete_multipart_upload"]),
                None,
            ),
        ]
        for each in by[f"aws_s3_bucket_lifecycle_configuration.bucket.{name}"]["rule"]
    ]
    (how,) = rule["apply_server_side_encryption_by_default"]
    return {
        "encryption": how["sse_algorithm"],
        "private": sorted([*private, public["restrict_public_buckets"]]),
        "owner": owner["object_ownership"],
        "versions": versions["status"],
        "kept": kept,
        "policy": json.loads(by[f"aws_s3_bucket_policy.bucket.{name}"]["policy"]),
    }
