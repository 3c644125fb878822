"""A rendered CloudFormation template where no parameter is given: its conditions, decided."""

from collections.abc import Mapping
from typing import Any

Template = Mapping[str, Any]
NOTHING = {"Ref": "AWS::NoValue"}


def holding(template: Template) -> dict[str, bool]:
    """Whether each condition holds, by its name."""
    conditions = template.get("Conditions", {})
    return {name: _holds(template, condition) for name, condition in conditions.items()}


def resolved(template: Template) -> dict[str, Any]:
    """Its resources, those too that are not made; every `Fn::If` is what it comes to."""
    holds = holding(template)
    return {name: _chosen(resource, holds) for name, resource in template["Resources"].items()}


def is_made(resource: Template, holds: Mapping[str, bool]) -> bool:
    """Whether a resource is made, by its condition."""
    return "Condition" not in resource or holds[resource["Condition"]]


def _holds(template: Template, condition: Any) -> bool:
    match condition:
        case {"Condition": str(name)}:
            return _holds(template, template["Conditions"][name])
        case {"Fn::Not": [inner]}:
            return not _holds(template, inner)
        case {"Fn::And": inner}:
            return all(_holds(template, each) for each in inner)
        case {"Fn::Or": inner}:
            return any(_holds(template, each) for each in inner)
        case {"Fn::Equals": [one, other]}:
            return _text(template, one) == _text(template, other)
    raise SystemExit(f"infra/conditions.py cannot decide {condition}")


def _text(template: Template, value: Any) -> str:
    match value:
        case {"Ref": str(name)}:
            return str(template["Parameters"][name]["Default"])
        case {"Fn::Join": [str(between), {"Ref": str(name)}]}:  # of a list, whose default is a text
            return str(template["Parameters"][name]["Default"]).replace(",", between)
    return str(value)


def _chosen(value: Any, holds: Mapping[str, bool]) -> Any:
    """A value without `Fn::If`, and without what that leaves out."""
    match value:
        case {"Fn::If": [str(name), yes, no]}:
            return _chosen(yes if holds[name] else no, holds)
        case dict():
            chosen = {name: _chosen(each, holds) for name, each in value.items()}
            return {name: each for name, each in chosen.items() if each != NOTHING}
        case list():
            several = [_chosen(each, holds) for each in value]
            return [each for each in several if each != NOTHING]
    return value
