"""The little of PowerShell that samples use, read by its grammar: there is no PowerShell here.

It shows that a sample is PowerShell, and which request it makes: the table that `Invoke-RestMethod`
is given, with variables and texts worked out. It does not show what PowerShell prints.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

_PARSER = Parser(Language(tree_sitter_powershell.language()))


@dataclass(frozen=True)
class WebRequest:
    method: str
    address: str
    headers: dict[str, str]
    body: bytes


def web_request(code: str, environment: Mapping[str, str]) -> WebRequest:
    """The one request that a script makes; AssertionError where it is not PowerShell."""
    root = _PARSER.parse(code.encode()).root_node
    assert not root.has_error, code
    values: dict[str, Any] = {f"$env:{name}": value for name, value in environment.items()}
    for assignment in _all(root, "assignment_expression"):
        left, right = assignment.children[0], assignment.children[-1]
        if next(iter(_all(right, "command", "member_access")), None) is None:
            values[_text(left)] = _value(right, values)
    (command,) = (node for node in _all(root, "command") if _name(node) == "Invoke-RestMethod")
    (elements,) = _all(command, "command_elements")
    (given,) = (node for node in elements.children if node.type != "command_argument_sep")
    request = values[_text(given).replace("@", "$")]
    assert isinstance(request, dict)
    assert set(request) <= {"Uri", "Method", "Headers", "ContentType", "Body", "InFile"}
    headers = dict(request.get("Headers", {}))
    if "ContentType" in request:
        headers["Content-Type"] = request["ContentType"]
    body = request.get("Body", "").encode()
    if "InFile" in request:
        body = Path(request["InFile"]).read_bytes()
    return WebRequest(request["Method"].upper(), request["Uri"], headers, body)


def _value(node: Node, values: Mapping[str, object]) -> object:
    """The one thing that an expression comes to."""
    while node.type not in _KINDS and len(node.children) == 1:
        node = node.children[0]
    assert node.type in _KINDS, node.type
    text = _text(node)
    if node.type == "hash_literal_expression":
        (body,) = (child for child in node.children if child.type == "hash_literal_body")
        return {
            str(_value(entry.children[0], values)): _value(entry.children[-1], values)
            for entry in body.children
            if entry.type == "hash_entry"
        }
    if node.type == "verbatim_here_string_characters":
        return text.removeprefix("@'\n").removesuffix("\n'@")
    if node.type == "verbatim_string_characters":
        return text[1:-1].replace("''", "'")
    if node.type == "expandable_string_literal":
        return re.sub(r"\$[\w:]+", lambda name: str(values[name[0]]), text[1:-1])
    return values[text] if node.type == "variable" else text


_KINDS = frozenset({
    "hash_literal_expression", "verbatim_here_string_characters", "verbatim_string_characters",
    "expandable_string_literal", "variable", "generic_token", "simple_name",
})  # fmt: skip


def _all(node: Node, *kinds: str) -> Iterator[Node]:
    if node.type in kinds:
        yield node
    for child in node.children:
        yield from _all(child, *kinds)


def _name(command: Node) -> str:
    return _text(command.children[0])


def _text(node: Node) -> str:
    return (node.text or b"").decode()
