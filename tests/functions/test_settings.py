"""Settings from an environment."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from functions.cli.main import main
from functions.settings import BatchSettings, Settings, WrongSetting
from functions.settings.notices import notice_variables
from functions.settings.overview import batch_variables, retraining_variables, server_variables
from functions.settings.telemetry import otel_variables
from functions.settings.variables import variables_of
from infra.settings_docs import documents
from model_store import S3Address
from pipeline.reading.options import ReadingOptions
from tests.support.paths import ROOT

HASH = "a" * 64
KEY = "A" * 43 + "="


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"CUSTOMER_CLUSTERS_MODEL": " "}) == Settings()


def test_every_setting_is_read() -> None:
    found = Settings.from_environment(
        {
            "CUSTOMER_CLUSTERS_STORE": "models",
            "CUSTOMER_CLUSTERS_MODEL": "candidate",
            "CUSTOMER_CLUSTERS_MODEL_TTL_SECONDS": "2.5",
            "CUSTOMER_CLUSTERS_API_KEYS": f"{HASH}, {HASH.upper()},",
            "CUSTOMER_CLUSTERS_MAX_BODY_BYTES": "1000",
            "CUSTOMER_CLUSTERS_REQUEST_SECONDS": "3",
            "CUSTOMER_CLUSTERS_ROOT_PATH": "/groups/",
            "CUSTOMER_CLUSTERS_TRUSTED_KEYS": f"{KEY}, {KEY}",
            "CUSTOMER_CLUSTERS_SIGN_KEY": "key.pem",
            "CUSTOMER_CLUSTERS_MAX_UPLOAD_BYTES": "0",
        }
    )
    secrets = (HASH, HASH), (KEY, KEY)
    assert found == Settings(
        store="models",
        model="candidate",
        model_ttl_seconds=2.5,
        api_keys=secrets[0],
        max_body_bytes=1000,
        request_seconds=3.0,
        root_path="/groups",
        trusted_keys=secrets[1],
        sign_key=Path("key.pem"),
        max_upload_bytes=0,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODEL_TTL_SECONDS", "0"),
        ("MODEL_TTL_SECONDS", "inf"),
        ("MODEL_TTL_SECONDS", "soon"),
        ("MAX_BODY_BYTES", "1.5"),
        ("MAX_BODY_BYTES", "-1"),
        ("MAX_UPLOAD_BYTES", "-1"),
        ("MAX_UPLOAD_BYTES", "20MB"),
        ("REQUEST_SECONDS", "nan"),
        ("STORAGE_PUBLIC_URL", "localhost:8333"),
        ("STORAGE_PUBLIC_URL", "http://localhost:8333/customers"),
        ("STORAGE_PUBLIC_URL", "http://me@localhost"),
        ("API_KEYS", "my-secret-key"),
        ("API_KEYS", f"{HASH},short"),
        ("API_KEYS", ","),
        ("TRUSTED_KEYS", "my-secret-key"),
        ("TRUSTED_KEYS", f"{KEY},AAAA"),
        ("TRUSTED_KEYS", ","),
        ("ROOT_PATH", "groups"),
        ("ROOT_PATH", "/a b"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_kept_secret(name: str, value: str) -> None:
    with pytest.raises(WrongSetting, match=f"CUSTOMER_CLUSTERS_{name}: expected ") as caught:
        Settings.from_environment({f"CUSTOMER_CLUSTERS_{name}": value})
    assert value not in str(caught.value).partition("expected")[0]
    assert "my-secret-key" not in str(caught.value)


BATCH = {
    "CUSTOMER_CLUSTERS_INPUT": "s3://bucket/incoming/",
    "CUSTOMER_CLUSTERS_OUTPUT": "s3://bucket/out",
}


def test_every_setting_of_the_batch_function_is_read() -> None:
    plain = BatchSettings.from_environment(BATCH)
    assert plain == BatchSettings(S3Address("bucket", "incoming/"), S3Address("bucket", "out"))
    limits = {"MAX_INPUT_BYTES": "100", "DEADLINE_SECONDS": "1.5"}
    limits |= {"CHALLENGER": "candidate", "FORMAT": "xlsx"}
    named = {f"CUSTOMER_CLUSTERS_{name}": value for name, value in limits.items()}
    found = BatchSettings.from_environment({**BATCH, **named})
    assert found == BatchSettings(plain.input, plain.output, 100, 1.5, "candidate", format="xlsx")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INPUT", ""),
        ("INPUT", "bucket/incoming"),
        ("OUTPUT", "https://bucket"),
        ("OUTPUT", "s3://"),
        ("OUTPUT", "s3://bucket"),
        ("OUTPUT", "s3://bucket/incoming"),
        ("OUTPUT", "s3://bucket/incoming/results"),
        ("MAX_INPUT_BYTES", "1e9"),
        ("DEADLINE_SECONDS", "nan"),
        ("FORMAT", "ods"),
    ],
)
def test_a_wrong_setting_of_the_batch_function_is_named(name: str, value: str) -> None:
    environment = {**BATCH, f"CUSTOMER_CLUSTERS_{name}": value}
    with pytest.raises(WrongSetting, match=f"CUSTOMER_CLUSTERS_{name}: expected "):
        BatchSettings.from_environment(environment)


def test_how_dropped_files_are_written_is_one_setting_for_each_option() -> None:
    said = {"DELIMITER": "tab", "DECIMAL": ",", "THOUSANDS": "space", "ENCODING": " cp1250 "}
    said |= {"SHEET": "März 2026", "HEADER_ROW": "3"}
    named = {f"CUSTOMER_CLUSTERS_{name}": value for name, value in said.items()}
    found = BatchSettings.from_environment({**BATCH, **named}).reading
    assert found == ReadingOptions("\t", ",", "space", "cp1250", "März 2026", 3)
    for empty in ("", " "):
        named = dict.fromkeys(named, empty)
        assert BatchSettings.from_environment({**BATCH, **named}).reading == ReadingOptions()
    tab = {**BATCH, "CUSTOMER_CLUSTERS_DELIMITER": "\t"}
    assert BatchSettings.from_environment(tab).reading.delimiter == "\t"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DELIMITER", "4711"),
        ("DECIMAL", "4711"),
        ("THOUSANDS", "4711"),
        ("ENCODING", "x4711"),
        ("HEADER_ROW", "-4711"),
        ("HEADER_ROW", "47.11"),
    ],
)
def test_a_way_to_read_that_cannot_be_meant_is_named_and_not_shown(name: str, value: str) -> None:
    environment = {**BATCH, f"CUSTOMER_CLUSTERS_{name}": value}
    with pytest.raises(WrongSetting, match=f"^CUSTOMER_CLUSTERS_{name}: expected ") as caught:
        BatchSettings.from_environment(environment)
    assert value not in str(caught.value)


VARIABLES = [
    *variables_of(Settings).values(),
    *server_variables(),
    *batch_variables(),
    *retraining_variables(),
    *notice_variables(),
    *otel_variables(),
]


@pytest.mark.parametrize("name", sorted({variable.name for variable in VARIABLES}))
def test_every_variable_is_described(name: str) -> None:
    described = "".join(path.read_text() for path, _ in documents() if path.suffix == ".md")
    assert f"`{name}`" in described


def test_the_documents_say_what_the_settings_declare() -> None:
    """`make settings` writes it."""
    for path, text in documents():
        assert path.read_text() == text, f"{path.name} is out of date: make settings"


def test_no_variable_is_read_without_a_declaration() -> None:
    declared = {variable.name for variable in VARIABLES}
    for path in (ROOT / "functions").rglob("*.py"):
        for name in re.findall(r"CUSTOMER_CLUSTERS_[A-Z_]*[A-Z]", path.read_text()):
            assert name in declared, f"{name} in {path}"


def test_a_declaration_shows_its_default_and_means_one_variable_once() -> None:
    shown = {variable.name: variable.default for variable in server_variables()}
    assert shown["CUSTOMER_CLUSTERS_MODEL"] == "champion"
    assert shown["CUSTOMER_CLUSTERS_MODEL_TTL_SECONDS"] == "60"
    assert shown["CUSTOMER_CLUSTERS_TRUSTED_KEYS"] == "none"
    assert "CUSTOMER_CLUSTERS_SIGN_KEY" not in shown  # a server publishes nothing
    assert len(shown) == len(server_variables())


def test_the_help_of_the_server_lists_what_it_reads() -> None:
    text = CliRunner().invoke(main, ["serve", "--help"]).output
    for variable in server_variables():
        assert f"  {variable.name}" in text


def test_a_server_knows_the_buckets_of_the_batch_function() -> None:
    assert Settings.from_environment(BATCH).buckets == BatchSettings.from_environment(BATCH)
    with pytest.raises(WrongSetting, match="CUSTOMER_CLUSTERS_OUTPUT: expected "):
        Settings.from_environment({**BATCH, "CUSTOMER_CLUSTERS_OUTPUT": ""})


@pytest.mark.parametrize("output", ["s3://bucket/incoming-results", "s3://other", "s3://bucket/a"])
def test_results_may_go_to_a_place_apart(output: str) -> None:
    BatchSettings.from_environment({**BATCH, "CUSTOMER_CLUSTERS_OUTPUT": output})


def models_of(text: str, **others: str) -> list[tuple[str, str, str | None]]:
    environment = {"CUSTOMER_CLUSTERS_MODELS": text, **others}
    found = Settings.from_environment(environment)
    return [(model.name, model.store, model.reference) for model in found.named_models]


def test_models_are_named_with_their_stores_and_the_default_comes_first() -> None:
    two = "cards=s3://bucket/models#candidate, loans=/stores/loans"
    cards, loans = ("cards", "s3://bucket/models", "candidate"), ("loans", "/stores/loans")
    assert models_of(two) == [cards, (*loans, "champion")]
    assert models_of(f"{two},default=here") == [
        ("default", "here", "champion"), cards, (*loans, "champion"),
    ]  # fmt: skip
    assert models_of(two, CUSTOMER_CLUSTERS_MODEL="original")[1] == (*loans, "original")
    found = Settings.from_environment({"CUSTOMER_CLUSTERS_MODELS": two})
    assert (found.store, found.model) == ("s3://bucket/models", "candidate")
    assert [m.name for m in Settings().named_models] == ["default"]


def test_a_store_of_its_own_is_the_default_beside_named_models() -> None:
    store = {"CUSTOMER_CLUSTERS_STORE": "own", "CUSTOMER_CLUSTERS_MODEL": "v"}
    assert models_of("cards=there#w", **store) == [("default", "own", "v"), ("cards", "there", "w")]
    with pytest.raises(WrongSetting, match="no model named default, for CUSTOMER_CLUSTERS_STORE"):
        models_of("default=there", **store)


@pytest.mark.parametrize(
    "text",
    ["cards", "cards=", "=store", "a=b#", "a b=c", "a=1,a=2", "../x=y", "a=s3://", "page=x", ","],
)
def test_models_that_cannot_be_meant_are_refused(text: str) -> None:
    with pytest.raises(WrongSetting, match=r"^CUSTOMER_CLUSTERS_MODELS: expected name=store"):
        models_of(text)
