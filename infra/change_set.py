"""Shows what a deployment would change, and leaves it to be executed.

make deploy CHANGE_SET=1 STAGE=prod IMAGE=…@sha256:… TRAIN_IMAGE=…@sha256:…

It makes a change set of the stack from a rendered template, waits until CloudFormation has
compared, and prints the changes and the command that executes them. Nothing is changed before.
"""

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

BUCKET = "ServerlessDeploymentBucket"
"""Where osls keeps templates; one is too large to be sent along."""
SERVICE = "customer-clusters"
NOTHING = "nothing would change"


class NotCompared(SystemExit):
    """Raised when there is no change set to look at; says why."""


def upload(session: boto3.Session, stack: str, template: bytes) -> str:
    """Put a template where CloudFormation reads it.

    Returns:
        Its address.

    Raises:
        NotCompared: The stack is not there, or osls has not made it.
    """
    cloudformation = session.client("cloudformation")
    try:
        found = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=BUCKET)
    except ClientError as error:
        raise NotCompared(
            f"{stack}: {error.response['Error']['Message']}; a change set compares with a stack "
            "that `make deploy` has made: do that once, or take the plain template"
        ) from None
    bucket = found["StackResourceDetail"]["PhysicalResourceId"]
    # below what osls calls its own, or `make remove` would find the bucket not empty
    folder = f"serverless/{SERVICE}/{stack.removeprefix(SERVICE + '-')}/change-sets"
    key = f"{folder}/{hashlib.sha256(template).hexdigest()}.json"
    session.client("s3").put_object(Bucket=bucket, Key=key, Body=template)
    return f"https://{bucket}.s3.{session.region_name}.amazonaws.com/{key}"


def create(cloudformation: Any, stack: str, address: str) -> str:
    """Let CloudFormation compare a stack with a template.

    Returns:
        The ARN of the change set.

    Raises:
        NotCompared: Nothing would change, or the template is wrong.
    """
    name = f"review-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    made: str = cloudformation.create_change_set(
        StackName=stack, ChangeSetName=name, ChangeSetType="UPDATE", TemplateURL=address,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )["Id"]  # fmt: skip
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(ChangeSetName=made)
    except WaiterError:
        reason = cloudformation.describe_change_set(ChangeSetName=made).get("StatusReason", "")
        cloudformation.delete_change_set(ChangeSetName=made)
        empty = "didn't contain changes" in reason or "No updates" in reason
        raise NotCompared(f"{stack}: {NOTHING if empty else reason}") from None
    return made


def changes(cloudformation: Any, made: str) -> Iterator[str]:
    """A line for each resource that would change."""
    for page in cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=made):
        for change in page["Changes"]:
            it = change["ResourceChange"]
            replaced = {"True": ", replaced", "Conditional": ", perhaps replaced"}
            kind = f"{it['ResourceType']}{replaced.get(it.get('Replacement', ''), '')}"
            yield f"  {it['Action']:7} {it['LogicalResourceId']} ({kind})"


def main(given: Sequence[str] | None = None) -> None:
    """Make a change set, and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--template", type=Path, required=True, help="as osls has rendered it")
    chosen = parser.parse_args(given)
    session = boto3.Session(region_name=chosen.region)
    cloudformation = session.client("cloudformation")
    address = upload(session, chosen.stack, chosen.template.read_bytes())
    made = create(cloudformation, chosen.stack, address)
    print(f"{chosen.stack}: this would change", *changes(cloudformation, made), sep="\n")
    for what, verb in (("look closer", "describe"), ("do it", "execute"), ("leave it", "delete")):
        command = f"aws cloudformation {verb}-change-set --region {chosen.region}"
        print(f"{what}: {command} --change-set-name {made}")


if __name__ == "__main__":
    main()
