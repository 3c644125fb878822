"""What the rendered CloudFormation template says, in the words in which it is compared."""

import json
from collections.abc import Mapping
from typing import Any

from infra.conditions import is_made
from infra.terraform_facts import FUNCTIONS, spelt

Facts = dict[str, Any]
BUCKETS = ("InputBucket", "OutputBucket", "ModelBucket")
_LEFT_OUT = ("_SPARK_", "_FAN_OUT_", "CUSTOMER_CLUSTERS_API_KEYS", "DEPLOYMENT")
"""Variables of functions that the module does not have, or has in its own way."""


def of_template(there: Mapping[str, Any], holds: Mapping[str, bool]) -> Facts:
    """What the template says, by the name of the thing.

    Args:
        there: Its resources by their names, with every condition decided.
        holds: Which condition holds.
    """
    plain = {name: _spelt(each.get("Properties", {})) for name, each in there.items()}
    alarms = [name for name, each in there.items() if each["Type"] == "AWS::CloudWatch::Alarm"]
    facts: Facts = {name: _alarm(plain[name]) for name in alarms if is_made(there[name], holds)}
    facts |= {name: _function(plain, name) for name in FUNCTIONS}
    facts |= {name: _bucket(plain, name) for name in BUCKETS}
    facts |= {name: _queue(plain[name]) for name in ("DroppedQueue", "FailedQueue")}
    facts["DroppedQueue policy"] = plain["DroppedQueuePolicy"]["PolicyDocument"]
    facts["notification"] = _notification(plain["InputBucket"])
    facts["batches"] = _batches(plain["BatchEventSourceMappingSQSDroppedQueue"])
    facts["retries"] = plain["RetrainLambdaEvConf"]["MaximumRetryAttempts"]
    facts["api"] = _stage(plain["HttpApiStage"])
    facts["schedules"] = sorted(
        [rule["ScheduleExpression"], rule["State"], rule["Targets"][0].get("Input")]
        for rule in plain.values()
        if "ScheduleExpression" in rule
    )
    facts["dashboard"] = json.loads(plain["Dashboard"]["DashboardBody"])
    return facts


def _function(plain: Mapping[str, Any], name: str) -> Facts:
    """A function with its variables, its role and its log."""
    function, role = plain[f"{name}LambdaFunction"], plain[f"{name}Role"]
    (policy,) = role["Policies"]
    return {
        "name": function["FunctionName"],
        "memory": function["MemorySize"],
        "timeout": function["Timeout"],
        "disk": function.get("EphemeralStorage", {}).get("Size", 512),
        "command": function["ImageConfig"]["Command"],
        "image": function["Code"]["ImageUri"],
        "architectures": function["Architectures"],
        "snapshot": function.get("SnapStart", {}).get("ApplyOn"),
        "variables": without_own(function["Environment"]["Variables"]),
        "role": policy["PolicyDocument"],
        "trust": role["AssumeRolePolicyDocument"],
        "log": plain[f"{name}LogGroup"]["RetentionInDays"],
    }


def _notification(bucket: Mapping[str, Any]) -> list[str]:
    (told,) = bucket["NotificationConfiguration"]["QueueConfigurations"]
    (prefix,) = told["Filter"]["S3Key"]["Rules"]
    return [told["Event"], told["Queue"], prefix["Value"]]


def _queue(queue: Mapping[str, Any]) -> Facts:
    return {
        "waits": queue.get("VisibilityTimeout"),
        "keeps": queue["MessageRetentionPeriod"],
        "redrives": queue.get("RedrivePolicy"),
        "encrypted": queue["SqsManagedSseEnabled"],
    }


def _batches(mapping: Mapping[str, Any]) -> list[Any]:
    concurrency = mapping["ScalingConfig"]["MaximumConcurrency"]
    return [mapping["BatchSize"], mapping["FunctionResponseTypes"], concurrency]


def _stage(stage: Mapping[str, Any]) -> list[Any]:
    limits = stage["DefaultRouteSettings"]
    log = json.loads(stage["AccessLogSettings"]["Format"])
    return [limits["ThrottlingBurstLimit"], limits["ThrottlingRateLimit"], log]


def _spelt(properties: Any) -> Any:
    """Properties whose references have one spelling, as far as they refer to what is compared."""
    if isinstance(properties, list):
        return [_spelt(each) for each in properties]
    if not isinstance(properties, dict):
        return properties
    if properties.keys() & {"Ref", "Fn::GetAtt", "Fn::Sub"}:
        return spelt(properties).replace("${NoticeTopic.TopicArn}", "${NoticeTopic.Ref}")
    return {name: _spelt(each) for name, each in properties.items()}


def without_own(given: Mapping[str, Any]) -> Facts:
    """Without those of Spark and of parts, and the keys, which each tool fetches in its own way."""
    return {
        name: value for name, value in given.items() if not any(part in name for part in _LEFT_OUT)
    }


def _alarm(alarm: Mapping[str, Any]) -> Facts:
    said = ("Namespace", "MetricName", "Statistic", "ExtendedStatistic", "Period")
    rest = ("EvaluationPeriods", "ComparisonOperator", "TreatMissingData", "AlarmDescription")
    queries = [
        (each["Id"], each.get("Expression"), each.get("MetricStat", {}).get("Stat"))
        for each in alarm.get("Metrics", [])
    ]
    return {
        **{name: alarm.get(name) for name in (*said, *rest)},
        "Threshold": float(alarm["Threshold"]),
        "Dimensions": {each["Name"]: each["Value"] for each in alarm.get("Dimensions", [])},
        "Queries": sorted(map(str, queries)),
    }


def _bucket(plain: Mapping[str, Any], name: str) -> Facts:
    bucket = plain[name]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    (owner,) = bucket["OwnershipControls"]["Rules"]
    kept = [
        [
            each["Id"],
            each.get("Prefix", ""),
            each.get("ExpirationInDays"),
            each.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"),
            each.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation"),
        ]
        for each in bucket["LifecycleConfiguration"]["Rules"]
    ]
    return {
        "encryption": rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"],
        "private": sorted(bucket["PublicAccessBlockConfiguration"].values()),
        "owner": owner["ObjectOwnership"],
        "versions": bucket["VersioningConfiguration"]["Status"],
        "kept": kept,
        "policy": plain[f"{name}Policy"]["PolicyDocument"],
    }
