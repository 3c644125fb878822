"""The picture of the architecture shows what its source says, and its source says what is there."""

import re
from html import unescape

from tests.support.paths import ROOT

SOURCE = (ROOT / "docs/architecture.dot").read_text()
NODES = set(re.findall(r"^ +(\w+) \[label=", SOURCE, re.MULTILINE))
ARROWS = set(re.findall(r"^ +(\w+) -> (\w+)", SOURCE, re.MULTILINE))


def test_every_node_is_called_what_the_templates_call_it() -> None:
    parts = [ROOT / "serverless.yml", *(ROOT / "infra").glob("*.yml")]
    names = {
        name for path in parts for name in re.findall(r"^  (\w+):$", path.read_text(), re.MULTILINE)
    }
    names |= {"HttpApi"}  # osls makes it, and the dashboard and alarms name it
    names |= set(re.findall(r"^    (\w+): Dockerfile", (ROOT / "heroku.yml").read_text(), re.M))
    assert NODES - names == {"people"}
    assert {node for arrow in ARROWS for node in arrow} == NODES


def test_every_function_bucket_and_queue_is_shown() -> None:
    text = (ROOT / "serverless.yml").read_text().partition("\nfunctions:\n")[2]
    functions = re.findall(r"^  (\w+):$", text.partition("\nresources:")[0], re.MULTILINE)
    assert set(functions) >= {"api", "batch"}
    kept = "".join(path.read_text() for path in (ROOT / "infra").glob("*.yml"))
    kinds = r"^  (\w+):\n    Type: AWS::(?:S3::Bucket|SQS::Queue)$"
    assert {*functions, *re.findall(kinds, kept, re.MULTILINE)} <= NODES


def test_the_picture_was_drawn_from_this_source() -> None:
    """`make picture` draws it anew."""
    drawing = (ROOT / "docs/pictures/architecture.svg").read_text()
    titles = {unescape(title) for title in re.findall(r"<title>([^<]*)</title>", drawing)}
    clusters = set(re.findall(r"subgraph (\w+)", SOURCE))
    assert titles == NODES | clusters | {f"{a}->{b}" for a, b in ARROWS} | {"architecture"}
    shown = {unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", drawing)}
    labels = re.findall(r'label="([^"]*)"', SOURCE)
    assert shown == {line for label in labels for line in label.split("\\n")}
