"""The errors of the whole product: their tree, and their way to another process."""

import ast
import importlib
import json
import pickle
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

import model_store.errors
from customer_clusters.client.errors import JobUnfinished, NoAnswer, ProblemAnswer, StrangeAnswer
from functions.aws.deadline import OutOfTime
from functions.aws.events import UnknownEvent
from functions.aws.handover import JobFailed, JobNotStarted, PartsFailed
from functions.aws.page_runs import Unwanted
from functions.aws.prefix_options import WrongOptions
from functions.cli.notify import NoReceivers, Undelivered
from functions.cli.serve import NoPort
from functions.http.access.signing_keys import WrongKeySet
from functions.http.lambda_adapter import WrongEvent
from functions.live_model import NoLiveModel
from functions.settings import WrongSetting
from model_store.errors import (
    Conflict,
    CustomerClustersError,
    Denied,
    MissingExtra,
    NotFound,
    Temporary,
    WrongArtifact,
)
from model_store.extras import MODULES, needs_extra
from model_store.signing import WrongKey
from model_store.storage.addresses import WrongAddress
from pipeline.comparing.promotion import NotPromoted
from pipeline.errors import (
    Gone,
    Problem,
    TooLarge,
    UnchosenSheet,
    UnmatchedColumns,
    Unreadable,
    WrongFile,
    WrongRow,
)
from pipeline.exports.errors import WrongExport
from pipeline.reading.options import WrongOption
from pipeline.runs.notices import NotDelivered
from pipeline.runs.objects import EmptyObject, ReplacedObject, Skipped
from pipeline.scoring.parts.kept import PartsMissing
from pipeline.scoring.parts.part_plan import CannotSplit
from pipeline.scoring.parts.spark import NoSpark
from pipeline.training.fitting import EmptyCluster

ROOT = Path(__file__).parents[2]
ERRORS = [
    NotFound("model 'x'", "store models", ("a", "b")),
    WrongArtifact("20260101T000000Z-12345678", "it is damaged", "publish it again"),
    Conflict("manifest.json", "s3://bucket"),
    Denied("read a.csv", "s3://bucket", "AccessDenied"),
    MissingExtra("--engine spark", "spark"),
    Temporary("read a.csv", "s3://bucket", "SlowDown"),
    NoLiveModel("models", "not read yet"),
    OutOfTime("a.csv", 12.5),
    JobFailed("job run 1 ended as FAILED without results"),
    JobNotStarted("not allowed to start a.csv"),
    PartsFailed("was planned by another release"),
    PartsMissing([{"index": 1, "blocks": [0, 0]}]),
    Unwanted("its job was deleted"),
    Gone("a.csv", "is gone"),
    Unreadable("a.csv", "AccessDenied"),
    TooLarge("a.csv", "has 9 bytes"),
    WrongKey(Path("key.pem"), "is no such key"),
    WrongAddress("s3:/bucket"),
    WrongFile(Path("a.csv"), "is empty"),
    UnmatchedColumns(
        "a.csv",
        {"Age": ["age (years)"], "Sex": []},
        {"Fee": ["fee", "FEE"]},
        ["x"],
        3,
        ["S"],
        False,
        {"Id": "id no"},
    ),
    UnchosenSheet("a.csv", "several sheets have the columns", ["S", "T"]),
    CannotSplit("a.csv", "is packed"),
    EmptyCluster("a.csv", "k-means", 9),
    WrongRow([Problem("Age", "missing", "", "a number"), Problem("Sex", "x", "?", "F or M")]),
    WrongExport("onnx", "a feature has the name of an answer"),
    WrongOption("header_row", "1 or more", "0"),
    NotPromoted("2", "1", ("30 % move", "the silhouette is worse")),
    NoSpark("no java"),
    Skipped("there is nothing to score"),
    EmptyObject("it is empty"),
    ReplacedObject("it was replaced"),
    WrongOptions("s3://in/_options.toml", "why: expected a number", "e"),
    NotDelivered("webhook", "example.org answered 500"),
    NoReceivers(("CUSTOMER_CLUSTERS_WEBHOOK",)),
    Undelivered(("webhook",)),
    NoPort(8000, "127.0.0.1", "is taken"),
    UnknownEvent(("body", "headers")),
    WrongEvent("an empty event"),
    WrongKeySet("it has no keys"),
    ProblemAnswer("POST /v1/assign", 422, {"code": "invalid_customer", "detail": "x: expected y"}),
    NoAnswer("GET /v1/model", "http://host:8000", "connection refused", 5),
    StrangeAnswer("GET /v1/model", "http://host:8000", "text/html"),
    JobUnfinished("abc", "running", 60.0),
    WrongSetting("CUSTOMER_CLUSTERS_STORE", "an address"),
]
each_error = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)


def modules_of_errors() -> Iterator[tuple[str, str]]:
    """(module, class) of each error, by the source: a class whose base is an error by its name."""
    classes = [
        (".".join(path.relative_to(ROOT).with_suffix("").parts), node)
        for package in ("functions", "customer_clusters", "pipeline", "model_store")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    known, count = {CustomerClustersError.__name__}, 0
    while len(known) > count:
        count = len(known)
        known |= {node.name for _, node in classes if known & bases(node)}
    top = CustomerClustersError.__name__
    return (
        (module, node.name) for module, node in classes if known & bases(node) or node.name == top
    )


def bases(node: ast.ClassDef) -> set[str]:
    return {ast.unparse(base).rpartition(".")[2] for base in node.bases}


def drawn() -> dict[str, tuple[str | None, str]]:
    """Each class of the tree in the docstring: its parent and its module."""
    tree: dict[str, tuple[str | None, str]] = {}
    parents: list[str] = []
    for line in (model_store.errors.__doc__ or "").splitlines():
        found = re.fullmatch(r"((?:[│ ]   )*)(?:[├└]── )(\w+) +(?:\(([\w.]+)\) )?\S.*", line)
        if found:
            del parents[len(found[1]) // 4 + 1 :]
            tree[found[2]] = (parents[-1], found[3] or "model_store.errors")
            parents.append(found[2])
        elif line == CustomerClustersError.__name__:
            tree[line] = (None, "model_store.errors")
            parents = [line]
    return tree


def test_the_tree_draws_every_error_under_its_parent_with_its_module() -> None:
    defined = list(modules_of_errors())
    found = {}
    for module, name in defined:
        kind = getattr(importlib.import_module(module), name)
        parents = [base for base in kind.__bases__ if issubclass(base, CustomerClustersError)]
        found[name] = (parents[0].__name__ if parents else None, module)
    assert len(found) == len(defined), "two errors have the same name"
    assert drawn() == found


def test_every_error_is_tried_here() -> None:
    names = [name for _, name in modules_of_errors() if name != CustomerClustersError.__name__]
    assert sorted(type(error).__name__ for error in ERRORS) == sorted(names)


@each_error
def test_an_error_says_one_line_and_has_a_code(error: CustomerClustersError) -> None:
    assert error.message == str(error)
    assert len(error.message.splitlines()) == 1
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert error.code != CustomerClustersError.code


@each_error
def test_an_error_is_the_same_after_pickling(error: CustomerClustersError) -> None:
    assert_same(pickle.loads(pickle.dumps(error)), error)


@each_error
def test_an_error_is_the_same_after_a_way_as_json(error: CustomerClustersError) -> None:
    document = json.loads(json.dumps(error.to_dict()))
    assert_same(CustomerClustersError.from_dict(document), error)


def assert_same(other: CustomerClustersError, error: CustomerClustersError) -> None:
    assert type(other) is type(error)
    assert (other.message, other.code, other.data) == (error.message, error.code, error.data)
    assert vars(other) == vars(error)


def test_an_unknown_error_is_told_with_its_message() -> None:
    document = {"type": "Newer", "message": "the moon is full", "data": {}}
    with pytest.raises(RuntimeError, match="not known here: Newer: the moon is full"):
        CustomerClustersError.from_dict(document)


@pytest.mark.parametrize(
    "error",
    [error for error in ERRORS if isinstance(error, WrongFile)],
    ids=lambda e: type(e).__name__,
)
def test_a_wrong_file_is_told_by_another_name(error: WrongFile) -> None:
    other = error.about("s3://bucket/b.csv")
    assert type(other) is type(error)
    assert (other.file, other.problem) == ("s3://bucket/b.csv", error.problem)
    assert str(other) == f"s3://bucket/b.csv: {error.problem}"
    assert str(error) == f"a.csv: {error.problem}"


def test_a_missing_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingExtra) as raised, needs_extra("a signature", "sign"):
        importlib.import_module("cryptography")
    assert str(raised.value) == (
        "a signature needs the extra customer-clusters[sign]; "
        "install it with: pip install 'customer-clusters[sign]'"
    )


@pytest.mark.parametrize("module", ["model_store.moved", "pipeline.moved", "boto3_of_nobody"])
def test_a_module_that_no_extra_brings_is_a_fault(module: str) -> None:
    with pytest.raises(ModuleNotFoundError), needs_extra("train", "train"):
        importlib.import_module(module)


def test_every_requirement_of_an_extra_is_known_by_its_modules() -> None:
    modules: dict[str, set[str]] = {}
    for module, distributions in packages_distributions().items():
        for distribution in distributions:
            modules.setdefault(re.sub(r"[-_.]+", "-", distribution).lower(), set()).add(module)
    asked: dict[str, list[str]] = {}
    for requirement in requires("customer-clusters") or ():
        parts = re.match(r"([\w.-]+).*extra == ['\"](\w+)['\"]", requirement)
        if parts:
            asked.setdefault(parts[2], []).append(re.sub(r"[-_.]+", "-", parts[1]).lower())
    assert asked.keys() == MODULES.keys()
    for brought, names in asked.items():
        for name in names:
            known = MODULES[brought]
            assert known & modules.get(name, set(known)), f"{brought}: {name}"
