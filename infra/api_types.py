"""Writes docs/openapi.d.ts: the types of the API for TypeScript, with the model that ships.

python -m infra.api_types [FILE]

It needs the packages of package.json. `make types` brings them.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from functions.api import create_app
from functions.live_model import LiveModel
from functions.settings import Settings
from model_store import BUNDLED, CHAMPION, open_store

ROOT = Path(__file__).parents[1]
TYPES = ROOT / "docs" / "openapi.d.ts"
_EVERYTHING = Settings(api_keys=("0" * 64,), results="results", index_key="of no use")
"""A server that has every address."""


def document() -> dict[str, Any]:
    """The OpenAPI document of a server with every address, and the model that ships."""
    live_model = LiveModel(open_store(BUNDLED), CHAMPION, log=lambda line: None)
    live_model.refresh()
    described: dict[str, Any] = create_app(live_model, _EVERYTHING).openapi()
    return described


def write(path: Path = TYPES) -> None:
    """Write the types into a file."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "openapi.json"
        source.write_text(json.dumps(document()))
        tool = ROOT / "node_modules" / ".bin" / "openapi-typescript"
        subprocess.run([tool, source, "--output", path], check=True, capture_output=True)


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:]))
