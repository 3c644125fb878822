"""What other protocols cost those who do not speak them."""

import json
import subprocess
import sys


def test_nothing_of_a_protocol_is_loaded_before_its_first_request() -> None:
    script = """
import json, sys
from starlette.testclient import TestClient
from tests.support.web import app_over
client = TestClient(app_over())
def loaded():
    return sorted(name for name in sys.modules if name.startswith("functions.protocols.")
                  or name in ("numpy", "pyarrow", "jinja2", "boto3", "mcp"))
customer = {"Total_Revolving_Bal": 0, "Total_Trans_Amt": 1900, "Total_Trans_Ct": 38}
assert client.post("/v1/assign", json=customer).status_code == 200
print(json.dumps(loaded()))
inputs = [{"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
          for name, value in customer.items()]
assert client.post("/v2/models/default/infer", json={"inputs": inputs}).status_code == 200
message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
assert client.post("/mcp", json=message).status_code == 200
assert client.post("/invocations", json=customer).status_code == 200
print(json.dumps(loaded()))
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    before, after = map(json.loads, done.stdout.splitlines()[-2:])
    assert before == ["functions.protocols.routes"]
    assert not set(after) & {"numpy", "pyarrow", "jinja2", "boto3", "mcp"}
