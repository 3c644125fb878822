"""Writes what the settings declare into the documents and into Heroku's app.json.

What the API says of problems and limits goes into its document as well.

.venv/bin/python -m infra.settings_docs
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from functions.cli.serve import serve
from functions.settings import Settings
from functions.settings.notices import notice_variables
from functions.settings.overview import batch_variables, retraining_variables, server_variables
from functions.settings.telemetry import otel_variables
from functions.settings.variables import Variable
from functions.web.reference.limits import limits
from functions.web.reference.remedies import FIELD_CODES, problem_rows

ROOT = Path(__file__).parents[1]
_MARKED = re.compile(
    r"(<!-- (?:settings|api): (\w+) -->\n).*?(<!-- end of (?:settings|api) -->)", re.DOTALL
)
_APP = "app.json"


def main() -> None:
    """Bring every document up to date."""
    for path, text in documents():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


def documents() -> Iterator[tuple[Path, str]]:
    """Each document that describes settings or the API, and what it should say."""
    tables = {
        "server": table(server_variables(), _options()),
        "batch": table(batch_variables()),
        "retraining": table(retraining_variables()),
        "notices": table(notice_variables()),
        "telemetry": table(otel_variables()),
        "problems": _table("code, status, what to do", _problems()),
        "fields": _table("code, what is wrong, what to do", _fields()),
        "limits": _table("of, at most, beyond it", _limits()),
    }
    for path in sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")]):
        text = path.read_text(encoding="utf-8")
        yield path, _MARKED.sub(lambda marked: marked[1] + tables[marked[2]] + marked[3], text)
    app = ROOT / _APP
    yield app, described(app.read_text(encoding="utf-8"), server_variables())


def table(variables: Iterable[Variable], more: Sequence[tuple[str, str, str]] = ()) -> str:
    """A table in Markdown: name, default and meaning of each variable, then more such rows."""
    rows = [(variable.name, variable.default, variable.meaning) for variable in variables]
    named = [(f"`{name}`", default, meaning) for name, default, meaning in [*rows, *more]]
    return _table("variable, default, meaning", named)


def _table(header: str, rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, of a header with commas between."""
    names = header.split(", ")
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for *first, last in rows:
        escaped = last.replace("|", "\\|")
        lines.append(f"| {' | '.join(first)} | {escaped} |")
    return "\n".join(lines) + "\n"


def _problems() -> Iterator[tuple[str, str, str]]:
    for row in problem_rows():
        if row.remedy:
            yield f"`{row.code}`", str(row.remedy.status), f"{row.title}. {row.remedy.remedy}"


def _fields() -> Iterator[tuple[str, str, str]]:
    for row in FIELD_CODES:
        yield f"`{row.code}`", row.meaning, row.remedy


def _limits() -> Iterator[tuple[str, str, str]]:
    for limit in limits(Settings(), on_port=True):
        yield limit.of, limit.most, f"`{limit.code}`"


def described(app: str, variables: Iterable[Variable]) -> str:
    """app.json with the meaning of each setting in it."""
    document, known = json.loads(app), {variable.name: variable for variable in variables}
    for name, entry in document["env"].items():
        if variable := known.get(name):
            meaning = variable.meaning.replace("`", "")
            entry["description"] = f"{meaning} (default: {variable.default})"
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _options() -> list[tuple[str, str, str]]:
    """The variables that options of `serve` read: they are not ours alone and have no prefix."""
    return [
        (str(option.envvar), str(option.default), str(getattr(option, "help", "")).rstrip("."))
        for option in serve.params
        if option.envvar
    ]


if __name__ == "__main__":
    main()
