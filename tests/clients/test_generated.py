"""Clients that generators make of the document: they type-check, and the server answers them."""

import re
import shutil
import sys
from pathlib import Path

from infra.api_types import TYPES, write
from tests.clients.conftest import KEY, OF_A_FILE, OF_CUSTOMERS
from tests.support.npm import run
from tests.support.paths import CUSTOMERS, ROOT

EXAMPLES = ROOT / "examples" / "clients"
OTHER = "Unsupported content type"
"""The one warning of the generator: tables are for other clients."""
BIN = Path(sys.executable).parent


def test_a_client_in_python_type_checks_and_is_answered(
    server: str, document: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.yml").write_text("post_hooks: []")
    made = run(
        BIN / "openapi-python-client", "generate", "--path", document, "--meta", "none",
        "--config", "config.yml", "--output-path", "customer_clusters_client",
        cwd=tmp_path,
    )  # fmt: skip
    warnings = re.findall(r"^(?:WARNING|ERROR) parsing .*\n+(.*?) \S+$", made.stderr, re.M)
    assert set(warnings) == {OTHER}
    scripts = ("assign.py", "job.py")
    for script in scripts:
        shutil.copy(EXAMPLES / script, tmp_path)
    run(BIN / "mypy", "--strict", "--config-file=", *scripts, cwd=tmp_path)

    def printed(*command: str | Path) -> str:
        environment = {"KEY": KEY, "PYTHONPATH": str(tmp_path)}
        return run(sys.executable, *command, cwd=tmp_path, environment=environment).stdout

    of_customers, of_a_file = printed("assign.py", server), printed("job.py", server, CUSTOMERS)
    assert [part for part in OF_CUSTOMERS if part not in of_customers] == []
    assert [part for part in OF_A_FILE if part not in of_a_file] == []


def test_a_client_in_typescript_type_checks_and_is_answered(
    server: str, document: Path, npm: Path, tmp_path: Path
) -> None:
    (tmp_path / "node_modules").symlink_to(npm)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    scripts = ("assign.ts", "job.ts")
    for script in scripts:
        shutil.copy(EXAMPLES / script, tmp_path)
    tools = npm / ".bin"
    run(tools / "openapi-typescript", document, "--output", "openapi.d.ts", cwd=tmp_path)
    options = ("--strict", "--target", "es2022", "--module", "nodenext")
    run(tools / "tsc", *options, *scripts, cwd=tmp_path)
    of_customers = run("node", "assign.js", server, KEY, cwd=tmp_path).stdout
    assert [part for part in OF_CUSTOMERS if part not in of_customers] == []
    of_a_file = run("node", "job.js", server, CUSTOMERS, KEY, cwd=tmp_path).stdout
    assert [part for part in OF_A_FILE if part not in of_a_file] == []


def test_the_types_in_the_documents_are_those_of_the_api(npm: Path, tmp_path: Path) -> None:
    write(tmp_path / "openapi.d.ts")
    assert (tmp_path / "openapi.d.ts").read_text() == TYPES.read_text(), "run: make types"
