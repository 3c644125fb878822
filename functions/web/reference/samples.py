"""Samples that run as they stand: one request in curl, Python, JavaScript and PowerShell."""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
_SECONDS = 30
"""How long a sample waits for its answer."""
_LINE = 50
"""How many characters of JSON stand on one line."""


@dataclass(frozen=True, slots=True)
class File:
    """A body that is read from a file beside the sample."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A request that samples make."""

    method: str
    address: str
    body: Any = None
    """What becomes JSON, a text of another content type, or a File; None where there is none."""
    content_type: str = JSON
    with_key: bool = False
    """Whether it sends the key that the variable KEY of the environment holds."""
    answers_json: bool = True
    accept: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """A request, or more, in one language."""

    language: str
    """As the page names it for itself: curl, python, javascript, powershell."""
    title: str
    code: str


def samples(call: Call) -> list[Sample]:
    """The request in every language, with what prints the answer."""
    return [Sample(name, title, write(call)) for name, title, write in _LANGUAGES]


def failing_samples(call: Call) -> list[Sample]:
    """The same for a request that is refused: each prints the problem."""
    writers = (_failing_curl, _failing_python, _failing_javascript, _failing_powershell)
    return [
        Sample(name, title, write(call))
        for (name, title, _), write in zip(_LANGUAGES, writers, strict=True)
    ]


def _headers(call: Call) -> dict[str, str]:
    """All but that of the key, which each language reads from the environment in its own way."""
    content = {"Content-Type": call.content_type} if call.body is not None else {}
    accept = {"Accept": call.accept} if call.accept else {}
    return {**content, **accept, **call.headers}


def _curl(call: Call, *options: str) -> str:
    lines = [f"curl {shlex.quote(call.address)}", *options]
    if call.method != "GET" and not (call.method == "POST" and call.body is not None):
        lines.append(f"-X {call.method}")
    if call.with_key:
        lines.append('-H "Authorization: Bearer $KEY"')
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in _headers(call).items()]
    if isinstance(call.body, File):
        lines.append(f"--data-binary {shlex.quote('@' + call.body.name)}")
    elif call.content_type == JSON and call.body is not None:
        lines.append(f"-d {shlex.quote(_short_json(call.body))}")
    elif call.body is not None:
        lines.append(f"--data-raw {shlex.quote(call.body)}")
    return " \\\n  ".join(lines)


def _short_json(value: Any) -> str:
    """On one line where it is read without scrolling."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= _LINE:
        return text
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n  ")


def _failing_curl(call: Call) -> str:
    return _curl(call, r"-sS -w '\nstatus %{http_code}\n'")


def _python(call: Call) -> str:
    show = "json.dumps(json.load(answer), indent=2)" if call.answers_json else _PYTHON_TEXT
    return _python_head(call) + (
        f"with urlopen(request, timeout={_SECONDS}) as answer:\n    print({show})"
    )


_PYTHON_TEXT = "answer.status, answer.read().decode()"


def _failing_python(call: Call) -> str:
    return _python_head(call, "from urllib.error import HTTPError") + (
        "try:\n"
        f"    with urlopen(request, timeout={_SECONDS}) as answer:\n"
        "        print(json.load(answer))\n"
        "except HTTPError as error:\n"
        "    problem = json.load(error)\n"
        '    print(error.code, problem["code"], problem["detail"])\n'
        '    for wrong in problem.get("errors", []):\n'
        '        print(wrong["field"], wrong["code"], wrong["expected"])\n'
        "    if error.code in (429, 503):\n"
        '        print("try again after", error.headers["Retry-After"], "seconds")'
    )


def _python_head(call: Call, *imports: str) -> str:
    sends_json = call.content_type == JSON and call.body is not None
    needed = {
        "import json": call.answers_json or sends_json,
        "import os": call.with_key,
        "from pathlib import Path": isinstance(call.body, File),
    }
    lines = [line for line, is_needed in needed.items() if is_needed]
    lines += [*imports, "from urllib.request import Request, urlopen", ""]
    if call.body is not None and not isinstance(call.body, File):
        lines += [f"body = {_literal(call.body)}", ""]
    return "\n".join([*lines, *_python_request(call), ""])


def _python_request(call: Call) -> list[str]:
    lines = []
    if call.method != ("GET" if call.body is None else "POST"):
        lines.append(f"    method={_quoted(call.method)},")
    headers = (
        ["""        "Authorization": f"Bearer {os.environ['KEY']}","""] if call.with_key else []
    )
    headers += [
        f"        {_quoted(name)}: {_quoted(value)}," for name, value in _headers(call).items()
    ]
    if headers:
        lines += ["    headers={", *headers, "    },"]
    if call.body is not None:
        lines.append(f"    data={_python_body(call)},")
    if not lines:
        return [f"request = Request({_quoted(call.address)})"]
    return ["request = Request(", f"    {_quoted(call.address)},", *lines, ")"]


def _python_body(call: Call) -> str:
    if isinstance(call.body, File):
        return f"Path({_quoted(call.body.name)}).read_bytes()"
    return "json.dumps(body).encode()" if call.content_type == JSON else "body.encode()"


def _javascript(call: Call) -> str:
    show = "JSON.stringify(await answer.json(), null, 2)" if call.answers_json else _JS_TEXT
    return _javascript_head(call) + f"console.log({show});"


_JS_TEXT = "answer.status, await answer.text()"


def _failing_javascript(call: Call) -> str:
    return _javascript_head(call) + (
        "if (answer.ok) {\n"
        "  console.log(await answer.json());\n"
        "} else {\n"
        "  const problem = await answer.json();\n"
        "  console.log(answer.status, problem.code, problem.detail);\n"
        "  for (const wrong of problem.errors ?? []) {\n"
        "    console.log(wrong.field, wrong.code, wrong.expected);\n"
        "  }\n"
        "  if ([429, 503].includes(answer.status)) {\n"
        '    console.log("try again after", answer.headers.get("Retry-After"), "seconds");\n'
        "  }\n"
        "}"
    )


def _javascript_head(call: Call) -> str:
    lines = []
    if isinstance(call.body, File):
        lines += ['import { readFile } from "node:fs/promises";', ""]
        lines += [f"const body = await readFile({_quoted(call.body.name)});", ""]
    elif call.body is not None:
        lines += [f"const body = {json.dumps(call.body, indent=2, ensure_ascii=False)};", ""]
    key = ["    Authorization: `Bearer ${process.env.KEY}`,"] if call.with_key else []
    entries = [f"    {_quoted(name)}: {_quoted(value)}," for name, value in
               _headers(call).items()]  # fmt: skip
    options = []
    if call.method != "GET":
        options.append(f"  method: {_quoted(call.method)},")
    if key or entries:
        options += ["  headers: {", *key, *entries, "  },"]
    if call.body is not None:
        text = "JSON.stringify(body)" if call.content_type == JSON else "body"
        options.append(f"  body: {text},")
    inside = ["{", *options, "}"] if options else []
    more = f", {chr(10).join(inside)}" if inside else ""
    return "\n".join([*lines, f"const answer = await fetch({_quoted(call.address)}{more});", ""])


def _powershell(call: Call) -> str:
    show = " | ConvertTo-Json -Depth 10" if call.answers_json else ""
    return _powershell_head(call) + f"Invoke-RestMethod @request{show}"


def _failing_powershell(call: Call) -> str:
    return _powershell_head(call) + (
        "try {\n"
        "    Invoke-RestMethod @request | ConvertTo-Json -Depth 10\n"
        "} catch {\n"
        "    $problem = $_.ErrorDetails.Message | ConvertFrom-Json\n"
        '    "$($problem.status) $($problem.code): $($problem.detail)"\n'
        "    $problem.errors | ForEach-Object {\n"
        '        "$($_.field) $($_.code): expected $($_.expected)"\n'
        "    }\n"
        "}"
    )


def _powershell_head(call: Call) -> str:
    """What a request is made of; a body stands between lines of its own, where nothing is read.

    The content type names UTF-8: Windows PowerShell sends Latin-1 else.
    """
    lines = []
    if call.body is not None and not isinstance(call.body, File):
        is_json = call.content_type == JSON
        text = json.dumps(call.body, indent=2, ensure_ascii=False) if is_json else call.body
        lines += ["$body = @'", text.rstrip("\n"), "'@"]
    lines += ["$request = @{", f"    Uri = {_single(call.address)}"]
    lines.append(f"    Method = {_single(call.method.capitalize())}")
    others = {**({"Accept": call.accept} if call.accept else {}), **call.headers}
    headers = ['Authorization = "Bearer $env:KEY"'] if call.with_key else []
    headers += [f"{_single(name)} = {_single(value)}" for name, value in others.items()]
    if headers:
        lines.append(f"    Headers = @{{ {'; '.join(headers)} }}")
    if isinstance(call.body, File):
        lines.append(f"    ContentType = {_single(call.content_type)}")
        lines.append(f"    InFile = {_single(call.body.name)}")
    elif call.body is not None:
        lines.append(f"    ContentType = {_single(f'{call.content_type}; charset=utf-8')}")
        lines.append("    Body = $body")
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    """A text as Python and JavaScript both write it."""
    return json.dumps(text)


def _single(text: str) -> str:
    """A text as PowerShell writes it where nothing in it is read."""
    return "'" + text.replace("'", "''") + "'"


def _literal(value: Any, indent: str = "") -> str:
    """What became of JSON, as Python writes it."""
    deeper = indent + "    "
    if isinstance(value, Mapping) and value:
        items: Sequence[str] = [
            f"{deeper}{_quoted(key)}: {_literal(item, deeper)},\n" for key, item in value.items()
        ]
        return "{\n" + "".join(items) + indent + "}"
    if isinstance(value, list) and value:
        items = [f"{deeper}{_literal(item, deeper)},\n" for item in value]
        return "[\n" + "".join(items) + indent + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


_LANGUAGES: tuple[tuple[str, str, Callable[[Call], str]], ...] = (
    ("curl", "curl", _curl),
    ("python", "Python", _python),
    ("javascript", "JavaScript", _javascript),
    ("powershell", "PowerShell", _powershell),
)
