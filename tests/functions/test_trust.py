"""What no path that serves may do: load pipeline.joblib, or unpickle anything at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import functions

ROOT = Path(functions.__file__).parents[1]
WATCH = """
import sys
def watch(event, arguments):
    if event == "pickle.find_class":
        raise SystemExit(f"unpickled {arguments}")
    if event == "open" and str(arguments[0]).endswith(".joblib"):
        raise SystemExit(f"opened {arguments}")
sys.addaudithook(watch)
"""
DONE = """
assert "joblib" not in sys.modules and "sklearn" not in sys.modules
print("done")
"""
CUSTOMER = ["Total_Revolving_Bal=0", "Total_Trans_Amt=1900", "Total_Trans_Ct=38"]
COMMAND = "from functions.cli.main import main; main({arguments!r}, standalone_mode=False)"
LOOK_UP = """
from starlette.testclient import TestClient
from functions.api import app
with TestClient(app) as client:
    customer = {"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}
    assert client.post("/v1/assign", json=customer).status_code == 200
    assert client.get("/clusters").status_code == 200
"""
DROP = """
import boto3
client = boto3.client("s3")
client.create_bucket(Bucket="in-and-out",
                     CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
client.upload_file("examples/customers.csv", "in-and-out", "incoming/customers.csv")
etag = client.head_object(Bucket="in-and-out", Key="incoming/customers.csv")["ETag"].strip('"')
from functions.s3 import handler
record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "eu-central-1",
          "s3": {"bucket": {"name": "in-and-out"},
                 "object": {"key": "incoming/customers.csv", "size": 1, "eTag": etag}}}
handler({"Records": [record]}, None)
keys = [e["Key"] for e in client.list_objects_v2(Bucket="in-and-out", Prefix="scored")["Contents"]]
assert any(key.endswith("/manifest.json") for key in keys), keys
"""


def runs_without_unpickling(code: str, **environment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WATCH + code + DONE],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["done"]), done.stderr


@pytest.mark.parametrize("command", ["assign", "score", "export"])
def test_the_command_never_unpickles(command: str, tmp_path: Path) -> None:
    arguments = ["assign", *CUSTOMER]
    if command == "score":
        arguments = ["score", "examples/customers.csv", "--out", str(tmp_path)]
    if command == "export":
        out = ["--out", str(tmp_path / "champion.onnx")]
        arguments = ["models", "export", "champion", "--to", "onnx", *out]
    runs_without_unpickling(COMMAND.format(arguments=arguments))


def test_the_server_never_unpickles() -> None:
    runs_without_unpickling(LOOK_UP)


def test_the_function_for_dropped_files_never_unpickles(aws: dict[str, str]) -> None:
    runs_without_unpickling(
        DROP,
        CUSTOMER_CLUSTERS_INPUT="s3://in-and-out/incoming",
        CUSTOMER_CLUSTERS_OUTPUT="s3://in-and-out/scored",
    )


def test_the_watch_would_notice() -> None:
    from model_store import BUNDLED

    path = next(BUNDLED.rglob("pipeline.joblib"))
    with pytest.raises(AssertionError, match=r"opened .*pipeline\.joblib"):
        runs_without_unpickling(f"import joblib; joblib.load({str(path)!r})")
    with pytest.raises(AssertionError, match="unpickled"):
        runs_without_unpickling("import pickle; pickle.loads(pickle.dumps(sys.exit))")
