"""Writes what the Terraform module has from the rendered CloudFormation template.

python3 -m infra.terraform_facts build/prod/cloudformation-template-update-stack.json

serverless.yml and infra/*.yml say each fact once: what a role may do, when an alarm rings, how long
a queue waits. The module in infra/terraform is written by hand where it wires resources together,
and reads these facts from infra/terraform/template, which nobody edits. In what refers to another
resource, `${InputBucket.Arn}` is what Terraform's templatefile fills in; `.Ref` is CloudFormation's
Ref of it. Only the standard library is used.
"""

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.conditions import Template, holding, is_made, resolved

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "infra" / "terraform" / "template"
FUNCTIONS = ("Api", "Batch", "Retrain")
_BUCKETS = ("InputBucket", "OutputBucket", "ModelBucket")
_OF_THE_TEMPLATE = re.compile(r"CUSTOMER_CLUSTERS_(SPARK|FAN_OUT)_|DEPLOYMENT$")
"""Variables of functions that are left out: of Spark, of parts, and what osls alone has to see."""
_SCHEDULE = re.compile(r"(Api|Batch|Retrain)EventsRuleSchedule(\d+)")
_REFERENCE = re.compile(r"\$\{([A-Za-z0-9:]+)(\.[A-Za-z]+)?\}")


def files(template: Template) -> dict[str, str]:
    """Each file of the module's folder `template`, by its name there.

    Args:
        template: The document that `make package` renders.

    Returns:
        The text by the name of the file.
    """
    resources, holds = resolved(template), holding(template)
    written: dict[str, Any] = {
        "facts.json": {
            "alarms": dict(_alarms(resources, holds)),
            "buckets": {name: _rules(resources[name]["Properties"]) for name in _BUCKETS},
            "functions": {name: _function(resources, name) for name in FUNCTIONS},
            "queues": {name: _queue(resources, name) for name in ("DroppedQueue", "FailedQueue")},
            "schedules": dict(_schedules(resources)),
            "notices": resources["NoticeSubscription"]["Properties"]["FilterPolicy"],
            "access_log": resources["HttpApiStage"]["Properties"]["AccessLogSettings"]["Format"],
        }
    }
    for name in FUNCTIONS:
        function = resources[f"{name}LambdaFunction"]["Properties"]
        variables = {
            key: _text(value)
            for key, value in function["Environment"]["Variables"].items()
            if not _OF_THE_TEMPLATE.match(key)
        }
        written[f"environment/{name}.json"] = variables
        written[f"policies/{name}.json"] = _policy(resources[f"{name}Role"]["Properties"])
    for name in ("DroppedQueuePolicy", *(f"{bucket}Policy" for bucket in _BUCKETS)):
        written[f"policies/{name}.json"] = spelt(resources[name]["Properties"]["PolicyDocument"])
    written["policies/KeyPolicy.json"] = spelt(
        resources["KeyPolicy"]["Properties"]["PolicyDocument"]
    )
    texts = {name: json.dumps(value, indent=2) + "\n" for name, value in written.items()}
    body = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    return {**texts, "dashboard.json": _spelt(body)}


def _policy(role: Template) -> Any:
    """The one policy of a role."""
    (policy,) = role["Policies"]
    return spelt(policy["PolicyDocument"])


def spelt(value: Any) -> Any:
    """A value of the template, with references as templatefile fills them in."""
    if isinstance(value, list):
        return [spelt(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() & {"Ref", "Fn::GetAtt", "Fn::Sub"}:
        return _text(value)
    return {name: spelt(inner) for name, inner in value.items()}


def _text(value: Any) -> str:
    """A string of the template, or a reference, as templatefile fills it in."""
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return _spelt(f"${{{name}}}")
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Sub": str(text)}:
            return _spelt(text)
    raise SystemExit(f"infra/terraform_facts.py cannot say {json.dumps(value)} in Terraform")


def _spelt(text: str) -> str:
    """`${InputBucket}` as `${InputBucket.Ref}`, `${AWS::Region}` as `${AWS.Region}`."""

    def full(found: re.Match[str]) -> str:
        name = found[1].replace("::", ".")
        return f"${{{name}{found[2] or ('' if '.' in name else '.Ref')}}}"

    return _REFERENCE.sub(full, text)


def _alarms(resources: Template, holds: Mapping[str, bool]) -> Iterator[tuple[str, Any]]:
    for name, resource in resources.items():
        if resource["Type"] != "AWS::CloudWatch::Alarm" or not is_made(resource, holds):
            continue
        alarm = dict(resource["Properties"])
        del alarm["AlarmActions"], alarm["OKActions"]
        queries = [_query(query) for query in alarm.pop("Metrics", [])]
        dimensions = _dimensions(alarm.pop("Dimensions", []))
        yield name, {**alarm, "Dimensions": dimensions, "Queries": queries}


def _query(query: Template) -> dict[str, Any]:
    """A metric of an alarm over several, or the expression over them."""
    if "Expression" in query:
        return {"Id": query["Id"], "Expression": query["Expression"]}
    told = query["MetricStat"]
    metric = {**told["Metric"], "Dimensions": _dimensions(told["Metric"]["Dimensions"])}
    return {"Id": query["Id"], **metric, "Stat": told["Stat"], "Period": told["Period"]}


def _dimensions(given: Sequence[Template]) -> dict[str, list[str]]:
    """Each dimension with the resource that it names, and the attribute of that."""
    parts = {each["Name"]: _text(each["Value"])[2:-1].split(".") for each in given}
    return dict(sorted(parts.items()))


def _rules(bucket: Template) -> list[dict[str, Any]]:
    """How long a bucket keeps what is in it."""
    rules = []
    for rule in bucket["LifecycleConfiguration"]["Rules"]:
        abort = rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation")
        old = rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays")
        days = rule.get("ExpirationInDays")
        days = {"days": days, "noncurrent_days": old, "abort_days": abort}
        rules.append({"id": rule["Id"], "prefix": rule.get("Prefix", ""), **days})
    return rules


def _function(resources: Template, name: str) -> dict[str, Any]:
    function = resources[f"{name}LambdaFunction"]["Properties"]
    return {
        "description": function["Description"],
        "command": function["ImageConfig"]["Command"],
        "memory": function["MemorySize"],
        "timeout": function["Timeout"],
        "disk": function.get("EphemeralStorage", {}).get("Size", 512),
    }


def _queue(resources: Template, name: str) -> dict[str, Any]:
    queue = resources[name]["Properties"]
    redrive = queue.get("RedrivePolicy", {})
    return {
        "visibility_timeout": queue.get("VisibilityTimeout", 30),
        "retention": queue["MessageRetentionPeriod"],
        "max_receive_count": redrive.get("maxReceiveCount"),
    }


def _schedules(resources: Template) -> Iterator[tuple[str, Any]]:
    for name, resource in resources.items():
        if found := _SCHEDULE.fullmatch(name):
            rule = resource["Properties"]
            (target,) = rule["Targets"]
            told = {"expression": rule["ScheduleExpression"], "input": target.get("Input")}
            yield f"{found[1]}{found[2]}", {"function": found[1], **told}


def main(given: Sequence[str] | None = None) -> None:
    """Write the files anew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("template", type=Path, help="what `make package STAGE=prod` renders")
    chosen = parser.parse_args(given)
    for name, text in files(json.loads(chosen.template.read_text(encoding="utf-8"))).items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
