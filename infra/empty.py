"""Empties the buckets that go with a stack: CloudFormation deletes none that holds anything.

python3 -m infra.empty --stack customer-clusters-dev --region eu-central-1

The deployed template says which they are: what it retains, as in prod, is left alone. A stack that
is protected from removal is refused before anything is deleted.
"""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef


def deletable(template: dict[str, Any]) -> set[str]:
    """The names in a template of the buckets that it says to delete."""
    return {
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::S3::Bucket" and resource.get("DeletionPolicy") == "Delete"
    }


def refuse(cloudformation: Any, stack: str) -> None:
    """Refuse a stack that CloudFormation would not remove.

    Raises:
        SystemExit: It is protected; says how to take that back.
    """
    (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    if found.get("EnableTerminationProtection"):
        raise SystemExit(
            f"{stack} is protected from removal; to take that back: aws cloudformation "
            f"update-termination-protection --no-enable-termination-protection --stack-name {stack}"
        )


def buckets(cloudformation: Any, stack: str) -> Iterator[str]:
    """The buckets that are deleted with a stack."""
    template = cloudformation.get_template(StackName=stack, TemplateStage="Processed")
    names = deletable(template["TemplateBody"])
    for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
        exists = resource["ResourceStatus"] != "DELETE_COMPLETE"
        if resource["LogicalResourceId"] in names and exists:
            yield resource["PhysicalResourceId"]


def empty(s3: "S3Client", bucket: str) -> int:
    """Delete every version of every object, and the delete markers.

    Returns:
        How many these were.
    """
    count = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        entries = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        keys: list[ObjectIdentifierTypeDef] = [
            {"Key": it["Key"], "VersionId": it["VersionId"]} for it in entries
        ]
        if keys:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
            if errors := answer.get("Errors"):
                raise SystemExit(f"s3://{bucket}/{errors[0]['Key']}: {errors[0]['Message']}")
            count += len(keys)
    return count


def main(given: Sequence[str] | None = None) -> None:
    """Empty the buckets of the stack that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--region", required=True)
    chosen = parser.parse_args(given)
    session = boto3.Session(region_name=chosen.region)
    cloudformation = session.client("cloudformation")
    refuse(cloudformation, chosen.stack)
    for bucket in buckets(cloudformation, chosen.stack):
        print(f"s3://{bucket}: {empty(session.client('s3'), bucket):,} objects removed")


if __name__ == "__main__":
    main()
