"""Each picture shows what its source says, and its source says what is there."""

import re
from html import unescape

import pytest

from tests.support.paths import ROOT

SOURCE = (ROOT / "docs/architecture.dot").read_text()
RUN = (ROOT / "docs/run.dot").read_text()


def nodes_in(source: str) -> set[str]:
    return set(re.findall(r"^ +(\w+) \[label=", source, re.MULTILINE))


def arrows_in(source: str) -> set[tuple[str, str]]:
    return set(re.findall(r"^ +(\w+) -> (\w+)", source, re.MULTILINE))


def lines_in(source: str) -> list[str]:
    labels = re.findall(r'label="([^"]*)"', source)
    return [line.strip() for label in labels for line in label.split("\\n")]


NODES = nodes_in(SOURCE)


def test_every_node_is_called_what_the_templates_call_it() -> None:
    parts = [ROOT / "serverless.yml", *(ROOT / "infra").glob("*.yml")]
    names = {
        name for path in parts for name in re.findall(r"^  (\w+):$", path.read_text(), re.MULTILINE)
    }
    names |= {"HttpApi"}  # osls makes it, and the dashboard and alarms name it
    names |= set(re.findall(r"^    (\w+): Dockerfile", (ROOT / "heroku.yml").read_text(), re.M))
    assert NODES - names == {"people"}
    assert {node for arrow in arrows_in(SOURCE) for node in arrow} == NODES


def test_every_function_bucket_and_queue_is_shown() -> None:
    text = (ROOT / "serverless.yml").read_text().partition("\nfunctions:\n")[2]
    functions = re.findall(r"^  (\w+):$", text.partition("\nresources:")[0], re.MULTILINE)
    assert set(functions) >= {"api", "batch"}
    kept = "".join(path.read_text() for path in (ROOT / "infra").glob("*.yml"))
    kinds = r"^  (\w+):\n    Type: AWS::(?:S3::Bucket|SQS::Queue)$"
    assert {*functions, *re.findall(kinds, kept, re.MULTILINE)} <= NODES


def test_the_life_of_a_run_names_paths_that_are_there() -> None:
    paths = re.findall(r"\b(?:functions|pipeline)/[\w/.]+", " ".join(lines_in(RUN)))
    assert len(paths) == 5
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", ["architecture", "run"])
def test_the_picture_was_drawn_from_its_source(name: str) -> None:
    """`make picture` draws it anew."""
    source = (ROOT / f"docs/{name}.dot").read_text()
    drawing = (ROOT / f"docs/pictures/{name}.svg").read_text()
    titles = {unescape(title) for title in re.findall(r"<title>([^<]*)</title>", drawing)}
    clusters = set(re.findall(r"subgraph (\w+)", source))
    arrows = {f"{a}->{b}" for a, b in arrows_in(source)}
    assert titles == nodes_in(source) | clusters | arrows | {name}
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", drawing)
    assert {unescape(text).strip() for text in texts} == set(lines_in(source))
