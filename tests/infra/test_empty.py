"""A stack can be taken down though files were dropped: its buckets are emptied first."""

import json
import uuid
from typing import TYPE_CHECKING

import boto3
import pytest

from infra.empty import main

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION = "eu-central-1"
KEPT = {"InputBucket": "Delete", "OutputBucket": "Delete", "ModelBucket": "Retain"}


@pytest.mark.usefixtures("aws")
def test_what_goes_with_the_stack_is_emptied_and_what_stays_is_not(
    s3: "S3Client", capsys: pytest.CaptureFixture[str]
) -> None:
    cloudformation = boto3.client("cloudformation", region_name=REGION)
    stack = f"stack-{uuid.uuid4().hex[:8]}"
    template = {
        name: {"Type": "AWS::S3::Bucket", "DeletionPolicy": policy} for name, policy in KEPT.items()
    }
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": template}))
    made = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    buckets = {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in made}
    for bucket in buckets.values():
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for content in (b"1", b"2"):
            s3.put_object(Bucket=bucket, Key="a.csv", Body=content)
        s3.delete_object(Bucket=bucket, Key="a.csv")
    s3.put_object(Bucket=buckets["ModelBucket"], Key="b.csv", Body=b"3")

    main(["--stack", stack, "--region", REGION])

    told = capsys.readouterr().out.splitlines()
    assert sorted(told) == sorted(
        f"s3://{buckets[name]}: 3 objects removed" for name in ("InputBucket", "OutputBucket")
    )
    for name in ("InputBucket", "OutputBucket"):
        left = s3.list_object_versions(Bucket=buckets[name])
        assert "Versions" not in left and "DeleteMarkers" not in left
    kept = s3.list_object_versions(Bucket=buckets["ModelBucket"])
    assert [len(kept["Versions"]), len(kept["DeleteMarkers"])] == [3, 1]
    main(["--stack", stack, "--region", REGION])  # may be repeated: nothing is left


@pytest.mark.usefixtures("aws")
def test_nothing_is_deleted_of_a_stack_that_is_protected(s3: "S3Client") -> None:
    cloudformation = boto3.client("cloudformation", region_name=REGION)
    stack = f"stack-{uuid.uuid4().hex[:8]}"
    template = {"InputBucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Delete"}}
    cloudformation.create_stack(
        StackName=stack,
        TemplateBody=json.dumps({"Resources": template}),
        EnableTerminationProtection=True,
    )
    (made,) = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    s3.put_object(Bucket=made["PhysicalResourceId"], Key="a.csv", Body=b"1")
    with pytest.raises(SystemExit, match=f"{stack} is protected .* --stack-name {stack}"):
        main(["--stack", stack, "--region", REGION])
    assert s3.list_objects_v2(Bucket=made["PhysicalResourceId"])["KeyCount"] == 1
