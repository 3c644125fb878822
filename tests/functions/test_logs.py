"""Lines of the log."""

import io
import json

import pytest

from functions import logs


def test_a_line_that_the_output_cannot_encode_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    for encoding in ("ascii", "utf-8"):
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding))
        logs.write({"message": "request", "client": "jwt:J\u00fcrgen \ud800"})
    for line in written.getvalue().splitlines():
        assert json.loads(line)["client"] == "jwt:J\u00fcrgen \ud800"
