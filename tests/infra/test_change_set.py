"""A deployment that only shows what it would change."""

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import WaiterError

from infra.change_set import NotCompared, create, main

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION = "eu-central-1"
BUCKET = {"ServerlessDeploymentBucket": {"Type": "AWS::S3::Bucket"}}
QUEUE = {"FailedQueue": {"Type": "AWS::SQS::Queue"}}


def written(folder: Path, **resources: Any) -> str:
    path = folder / "template.json"
    path.write_text(json.dumps({"Resources": resources}))
    return str(path)


@pytest.fixture
def stack(aws: object) -> str:
    """A stack as osls makes it: its bucket, and nothing yet."""
    name = f"customer-clusters-{uuid.uuid4().hex[:8]}"
    cloudformation = boto3.client("cloudformation", region_name=REGION)
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": BUCKET}))
    return name


def resources(stack: str) -> dict[str, str]:
    cloudformation = boto3.client("cloudformation", region_name=REGION)
    made = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    return {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in made}


def test_what_would_change_is_told_and_nothing_is_changed_until_somebody_does_it(
    stack: str, s3: "S3Client", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = written(tmp_path, **BUCKET, **QUEUE)
    main(["--stack", stack, "--region", REGION, "--template", template])
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{stack}: this would change"
    assert "  Add     FailedQueue (AWS::SQS::Queue)" in told
    assert set(resources(stack)) == set(BUCKET)
    executing = next(line for line in told if line.startswith("do it: "))
    assert executing.startswith(f"do it: aws cloudformation execute-change-set --region {REGION} ")
    made = executing.rpartition(" ")[2]
    boto3.client("cloudformation", region_name=REGION).execute_change_set(ChangeSetName=made)
    assert set(resources(stack)) == {*BUCKET, *QUEUE}
    kept = s3.list_objects_v2(Bucket=resources(stack)["ServerlessDeploymentBucket"])["Contents"]
    own = f"serverless/customer-clusters/{stack.removeprefix('customer-clusters-')}/"
    assert [it["Key"].startswith(own) for it in kept] == [True]  # `osls remove` empties that


def test_a_stack_that_is_not_there_is_deployed_first(aws: object, tmp_path: Path) -> None:
    arguments = ["--stack", "customer-clusters-none", "--region", REGION]
    with pytest.raises(NotCompared, match=r"customer-clusters-none.* that `make deploy` has made"):
        main([*arguments, "--template", written(tmp_path, **QUEUE)])


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("The submitted information didn't contain changes.", "stack: nothing would change"),
        ("Template error: no such thing", "stack: Template error: no such thing"),
    ],
)
def test_a_change_set_that_fails_is_removed_and_says_why(reason: str, told: str) -> None:
    class Failing:
        deleted: str | None = None

        def create_change_set(self, **_: Any) -> dict[str, str]:
            return {"Id": "arn"}

        def get_waiter(self, _: str) -> "Failing":
            return self

        def wait(self, **_: Any) -> None:
            raise WaiterError("change_set_create_complete", "failed", {})

        def describe_change_set(self, **_: Any) -> dict[str, str]:
            return {"StatusReason": reason}

        def delete_change_set(self, **given: str) -> None:
            self.deleted = given["ChangeSetName"]

    cloudformation = Failing()
    with pytest.raises(NotCompared, match=told):
        create(cloudformation, "stack", "https://example.org")
    assert cloudformation.deleted == "arn"
