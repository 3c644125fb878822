import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from model_store import BUNDLED, open_store
from pipeline.errors import Problem, WrongFile, WrongRow
from pipeline.model.contract import Contract, Feature, Range, load_contract, read_contract
from pipeline.model.published.loading import load_model

LIMIT = Feature("limit", "number", "Limit", valid=Range(0, 100))
COUNT = Feature("count", "integer", "Count", valid=Range(0, None))
KIND = Feature("kind", "category", "Kind", values=("a", "b"))


@pytest.mark.parametrize(
    ("feature", "value", "expected"),
    [
        (LIMIT, 12, 12.0),
        (LIMIT, " 12.50 ", 12.5),
        (LIMIT, "+1e1", 10.0),
        (LIMIT, ".5", 0.5),
        (LIMIT, 0, 0.0),
        (LIMIT, "100", 100.0),
        (COUNT, 3.0, 3.0),
        (COUNT, "3.0", 3.0),
        (KIND, " a ", "a"),
    ],
)
def test_usable_values(feature: Feature, value: object, expected: object) -> None:
    assert feature.parse(value) == expected


@pytest.mark.parametrize(
    ("feature", "value", "code"),
    [
        (LIMIT, None, "missing"),
        (LIMIT, " ", "missing"),
        (LIMIT, "NULL", "missing"),
        (LIMIT, "many", "not_a_number"),
        (LIMIT, "1,5", "not_a_number"),
        (LIMIT, "1_0", "not_a_number"),
        (LIMIT, "٣", "not_a_number"),
        (LIMIT, "0x10", "not_a_number"),
        (LIMIT, True, "not_a_number"),
        (LIMIT, [1], "not_a_number"),
        (LIMIT, "NaN", "not_finite"),
        (LIMIT, math.nan, "not_finite"),
        (LIMIT, "-inf", "not_finite"),
        (LIMIT, "1e999", "not_finite"),
        (LIMIT, 10**400, "not_finite"),
        (LIMIT, -0.001, "out_of_range"),
        (LIMIT, 100.001, "out_of_range"),
        (COUNT, 1e101, "out_of_range"),
        (COUNT, "2.5", "not_an_integer"),
        (KIND, "A", "unknown_value"),
        (KIND, 1, "unknown_value"),
    ],
)
def test_unusable_values_have_a_code(feature: Feature, value: object, code: str) -> None:
    found = feature.parse(value)
    assert isinstance(found, Problem)
    assert (found.column, found.code) == (feature.name, code)


def test_a_problem_says_what_was_expected_and_what_was_found() -> None:
    assert str(LIMIT.parse("-3")) == "limit: expected a number from 0 to 100, found '-3'"
    assert str(COUNT.parse("x" * 99)).endswith("found '" + "x" * 39 + "…'")
    assert str(KIND.parse(None)) == "kind: expected one of a, b, found nothing"


def test_a_missing_value_is_filled_only_where_the_contract_says_so(gym_contract: Contract) -> None:
    parsed = gym_contract.parse({"fee": 20, "plan": "basic", "visits": ""})
    assert parsed == {"visits": 0.0, "fee": 20.0, "plan": "basic"}


def test_every_problem_of_a_customer_is_reported(gym_contract: Contract) -> None:
    with pytest.raises(WrongRow) as caught:
        gym_contract.parse({"visits": 201, "plan": "gold"})
    assert [(p.column, p.code) for p in caught.value.problems] == [
        ("visits", "out_of_range"),
        ("fee", "missing"),
        ("plan", "unknown_value"),
    ]


def test_a_contract_survives_json_and_keeps_its_digest(bank_contract: Contract) -> None:
    again = Contract.from_dict(json.loads(json.dumps(bank_contract.to_dict())))
    assert again == bank_contract
    assert again.digest == bank_contract.digest
    assert again.select(["Credit_Limit"]).digest != bank_contract.digest


@pytest.mark.parametrize("alias", ["champion", "original"])
def test_a_published_contract_keeps_the_digest_of_its_manifest(alias: str) -> None:
    artifact = open_store(BUNDLED).open(alias)
    contract = load_model(artifact).contract
    assert contract.digest == artifact.manifest.facts["contract_sha256"]


@pytest.mark.parametrize("alias", ["champion", "original"])
def test_a_published_contract_says_what_the_shipped_file_says_of_its_features(
    alias: str, bank_contract: Contract
) -> None:
    own = load_model(open_store(BUNDLED).open(alias)).contract
    shipped = bank_contract.select([feature.name for feature in own.features])
    assert shipped.unmarked().digest == own.unmarked().digest


def test_older_contracts_say_yes_or_no_of_what_can_be_changed(bank_contract: Contract) -> None:
    document = bank_contract.to_dict()
    document["features"][0]["actionable"], document["features"][1]["actionable"] = True, False
    del document["label"]["churned_word"]
    older = Contract.from_dict(document)
    assert [feature.actionable for feature in older.features[:2]] == ["both", "no"]
    assert (bank_contract.churned_word, older.churned_word) == ("cancelled", "left")


def test_a_mark_changes_the_digest_only_where_it_is_set(bank_contract: Contract) -> None:
    spending = bank_contract.select(["Total_Trans_Amt"])
    plain = spending.unmarked()
    assert plain.unmarked().digest == plain.digest != spending.digest
    assert "actionable" not in plain.to_dict()["features"][0]
    age = bank_contract.select(["Customer_Age"])
    assert age.features[0].sensitive is True
    assert age.unmarked().digest != age.digest
    assert Contract.from_dict(json.loads(json.dumps(age.to_dict()))) == age


def test_leaking_columns_can_never_be_features(bank_contract: Contract) -> None:
    assert len(bank_contract.never_features) == 2
    with pytest.raises(WrongFile, match="declares no feature Naive_Bayes"):
        bank_contract.select([bank_contract.never_features[0]])


@pytest.mark.parametrize(
    ("text", "label", "meaning"),
    [
        ("Attrited Customer", "bank", True),
        ("existing customer", "bank", False),
        ("1", "bank", True),
        (0, "bank", False),
        (True, "bank", True),
        ("", "bank", None),
        (None, "bank", None),
        ("perhaps", "bank", None),
    ],
)
def test_a_label_in_any_of_its_codings(
    bank_contract: Contract, text: object, label: str, meaning: bool | None
) -> None:
    assert bank_contract.label is not None
    assert bank_contract.label.parse(text) is meaning


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not toml", "is not a contract"),
        ("title = 'no name'", "features: expected a table, found nothing"),
        (
            "name = 'x'\n[features.a]\ntype = 'number'",
            "features.a.label: expected what people call it",
        ),
        ("name = 'x'\n[features.a]\ntype = 'text'\nlabel = 'A'", "number, integer or category"),
        ("name = 'x'\n[features.a]\ntype = 'category'\nlabel = 'A'", "lists its values"),
        ("name = 'x'\n[features.a]\ntype = 'number'\nlabel = 'A'\nvalidd = [0, 1]", "validd"),
        (
            "name = 'x'\n[features.a]\ntype = 'number'\nlabel = 'A'\nvalid = [0, 1]\nmissing = 2",
            'features.a.missing: expected a number from 0 to 1, or "median", found 2',
        ),
        (
            "name = 'x'\nid_column = 'a'\n[features.a]\ntype = 'number'\nlabel = 'A'",
            "found the column of id_column, which cannot be a feature",
        ),
    ],
)
def test_a_wrong_contract_is_refused(write: Callable[..., Path], text: str, message: str) -> None:
    with pytest.raises(WrongFile, match=message):
        load_contract(write(text, "contract.toml"))


FEATURE = "name = 'x'\n{}\n[features.a]\ntype = 'number'\nlabel = 'A'\n{}"
LABEL = "name = 'x'\n[features.a]\ntype = 'number'\nlabel = 'A'\n[label]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FEATURE.format("", "valid = [5, 1]"), "a.valid: expected the lower end first"),
        (FEATURE.format("", "valid = [nan, nan]"), "a.valid: expected a finite number, found nan"),
        (FEATURE.format("", "valid = [0, nan]"), "a.valid: expected a finite number"),
        (FEATURE.format("", "valid = [inf, inf]"), "a.valid: expected a finite number"),
        (FEATURE.format("", "valid = [0]"), r"a.valid: expected \[low, high\]"),
        (FEATURE.format("", "valid = '05'"), r"a.valid: expected \[low, high\], found 05"),
        (FEATURE.format("", "valid = [false, true]"), "a.valid: expected a finite number"),
        (FEATURE.format("", f"valid = [0, 1{'0' * 400}]"), "a.valid: expected a finite number"),
        (
            FEATURE.format("", "valid = [0, 9]\ntypical = [5, 10]"),
            "typical: expected a range within the valid 0 to 9",
        ),
        (
            FEATURE.format("", "valid = [0, 9]\ntypical = [-1, 5]"),
            "typical: expected a range within the valid 0 to 9",
        ),
        (FEATURE.format("", "unit = 5"), "a.unit: expected a text"),
        (FEATURE.format("", "description = ['x']"), "a.description: expected a text"),
        (FEATURE.format("", "values = 'abc'"), "a.values: expected an array"),
        (FEATURE.format("", "sensitive = 'yes'"), "a.sensitive: expected true or false, found yes"),
        (FEATURE.format("", "type_ = 'x'"), "type_"),
        (FEATURE.format("never_features = 'abc'", ""), "never_features: expected an array"),
        (
            FEATURE.format("never_features = ['b', 'b']", ""),
            "never_features: expected each",
        ),
        (FEATURE.format("id_column = 5", ""), "id_column: expected a text"),
        (FEATURE.format("id_column = ''", ""), "id_column: expected a text that is not empty"),
        (FEATURE.format("title = 5", ""), "title: expected a text"),
        (FEATURE.format("id_colum = 'x'", ""), "found id_colum; did you mean id_column"),
        (FEATURE.format("label = 'Left'", ""), "label: expected a table"),
        ("name = ''\n[features.a]\ntype = 'number'\nlabel = 'A'", "name: expected a text"),
        ("name = 'x'\nfeatures = ['a']", "features: expected a table"),
        ("name = 'x'\n[features]", "features: expected one at least"),
        ("name = 'x'\n[features]\na = 5", "a: expected a table"),
        (LABEL + "column = 'Left'\nchurned = 'yes'\nstayed = ['no']", "label.churned: expected an"),
        (LABEL + "column = 'Left'\nchurned = ['yes']\nstayed = 'no'", "label.stayed: expected an"),
        (LABEL + "column = 'Left'\nchurned = []\nstayed = ['no']", "label.churned: expected one"),
        (LABEL + "column = 'Left'\nchurned = ['']\nstayed = ['no']", "label.churned: expected a"),
        (LABEL + "column = 'Left'\nchurned = [nan]\nstayed = ['no']", "label.churned: expected a"),
        (
            LABEL + "column = 'L'\nchurned = ['Yes']\nstayed = ['no', 'yes']",
            "label.stayed: expected values that do not stand in",
        ),
        (LABEL + "column = 5\nchurned = ['yes']\nstayed = ['no']", "label.column: expected a text"),
        (
            LABEL + "column = 'L'\nchurned = ['y']\nstay = ['n']",
            "found stay; did you mean stayed",
        ),
        (
            "name = 'x'\n[features.a]\ntype = 'category'\nlabel = 'A'\nvalues = ['b', 'b']",
            "a.values: expected each but once",
        ),
        (
            "name = 'x'\n[features.a]\ntype = 'category'\nlabel = 'A'\nvalues = ['b']\nvalid=[0,1]",
            r"a.valid: expected no range, found \[0 to 1\], though it is a category",
        ),
        ("a = " + "[" * 5_000 + "]" * 5_000, "nested too deeply"),
        ("a = " + "{a = " * 5_000 + "1" + "}" * 5_000, "nested too deeply"),
        ("a." * 5_000 + "a = 1", "is not a contract"),
    ],
)
def test_a_contract_names_the_field_that_is_wrong_in_one_line(
    write: Callable[..., Path], text: str, message: str
) -> None:
    with pytest.raises(WrongFile, match=message) as caught:
        load_contract(write(text, "contract.toml"))
    assert "\n" not in str(caught.value)


def test_any_value_of_any_field_is_taken_or_refused(write: Callable[..., Path]) -> None:
    values = ["'yes'", "''", "1", "-1.5", "nan", "inf", "true", "[]", "[[]]", "[1, 2]", "[nan, 1]",
              "['a', 'b']", "['a', 1]", "{a = 1}", "{}", "1979-05-27", "[-inf, inf]"]  # fmt: skip
    own = "type label description unit valid typical values missing low high sensitive actionable"
    own += " aliases"
    whole = "title id_column id_aliases never_features label"
    usual = {"type": "'number'", "label": "'A'"}
    for value in values:
        texts = [
            "name = 'x'\n[features.a]\n" + "\n".join(f"{k} = {v}" for k, v in fields.items())
            for fields in ({**usual, key: value} for key in own.split())
        ]
        texts += [FEATURE.format(f"{key} = {value}", "") for key in whole.split()]
        texts += [f"{LABEL}column = 'L'\nchurned = {value}\nstayed = ['no']"]
        for text in texts:
            try:
                contract = load_contract(write(text, "contract.toml"))
            except WrongFile:
                continue
            assert Contract.from_dict(json.loads(json.dumps(contract.to_dict()))) == contract


def test_labels_may_be_whole_numbers(write: Callable[..., Path]) -> None:
    label = load_contract(
        write(LABEL + "column = 'L'\nchurned = [1]\nstayed = [0]", "c.toml")
    ).label
    assert label is not None
    assert [label.parse(value) for value in (1, "0", 1.0, "2")] == [True, False, True, None]


def test_a_contract_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongFile, match="cannot be read"):
        load_contract(tmp_path / "none.toml")


def test_numbers_are_shown_with_their_unit() -> None:
    limit = Feature("limit", "number", "Limit", unit="USD")
    assert [limit.show(v) for v in (23_245.4, 0, 0.0612, 7.25)] == [
        "23,245 USD",
        "0 USD",
        "0.0612 USD",
        "7.25 USD",
    ]


WRONG_EVERYWHERE = """\
titel = "Members"
id_column = "fee"
[label]
column = "Left"
churned = [1]
stayed = [1, 2.5]
[features.fee]
type = "number"
label = "Fee"
valid = [100, 0]
[features.plan]
type = "category"
label = "Plan"
vlaues = ["basic"]
[features.age]
type = "float"
actionable = "sideways"
"""


def test_everything_that_is_wrong_is_found_at_once(write: Callable[..., Path]) -> None:
    path = write(WRONG_EVERYWHERE, "contract.toml")
    contract, findings = read_contract(path)
    assert contract is None
    assert [finding.where for finding in findings] == [
        "contract", "name", "label.stayed", "features.fee.valid", "features.plan",
        "features.plan.values", "features.age.type", "features.age.label",
        "features.age.actionable",
    ]  # fmt: skip
    assert findings[0].hint == "did you mean title?"
    assert all("\n" not in str(finding) for finding in findings)
    with pytest.raises(WrongFile, match=r"found titel; did you mean title.*and 8 more"):
        load_contract(path)


def test_a_column_is_one_thing(write: Callable[..., Path]) -> None:
    text = "name = 'x'\nid_column = 'a'\nnever_features = ['b']\n[label]\ncolumn = 'a'\n"
    text += "churned = ['y']\nstayed = ['n']\n"
    text += "".join(f"[features.{name}]\ntype = 'number'\nlabel = 'L'\n" for name in "ab")
    _, findings = read_contract(write(text, "contract.toml"))
    assert [finding.where for finding in findings] == ["label.column", "features.a", "features.b"]


def test_label_values_may_be_numbers(write: Callable[..., Path]) -> None:
    text = LABEL + "column = 'L'\nchurned = [1.0, 2.5]\nstayed = [false]"
    label = load_contract(write(text, "contract.toml")).label
    assert label is not None
    assert (label.churned, label.stayed) == (("1", "2.5"), ("False",))


def test_a_median_is_declared_and_found_by_training(write: Callable[..., Path]) -> None:
    contract = load_contract(write(FEATURE.format("", "missing = 'median'"), "contract.toml"))
    (declared,) = contract.features
    assert (declared.missing, declared.stand_in) == (None, "median")
    assert isinstance(declared.parse(""), Problem)
    filled = replace(contract, features=(replace(declared, missing=7.5),))
    assert filled.features[0].parse("") == 7.5
    assert filled.digest == contract.digest
    assert Contract.from_dict(json.loads(json.dumps(filled.to_dict()))) == filled


def test_a_category_has_no_median(write: Callable[..., Path]) -> None:
    text = FEATURE.format("", "missing = 'median'").replace("'number'", "'category'\nvalues=['b']")
    with pytest.raises(WrongFile, match=r"features.a.missing: expected one of b, found median"):
        load_contract(write(text, "contract.toml"))


ALIASES = """name = "x"
id_column = "nr"
id_aliases = ["number"]
[label]
column = "gone"
churned = ["y"]
stayed = ["n"]
aliases = ["left us"]
[features.fee]
type = "number"
label = "Fee"
aliases = ["Beitrag", "fee per month"]
"""


def test_other_names_of_columns_are_declared_and_kept(write: Callable[..., Path]) -> None:
    contract = load_contract(write(ALIASES, "contract.toml"))
    assert contract.aliases == {
        "fee": ("Beitrag", "fee per month"), "nr": ("number",), "gone": ("left us",),
    }  # fmt: skip
    assert Contract.from_dict(json.loads(json.dumps(contract.to_dict()))) == contract
    plain = load_contract(
        write(
            "".join(line + "\n" for line in ALIASES.splitlines() if "aliases" not in line), "b.toml"
        )
    )
    assert "aliases" not in json.dumps(plain.to_dict())  # which has the digest that it always had
    assert contract.unmarked() == plain.unmarked()
    assert contract.digest != plain.digest


@pytest.mark.parametrize(
    ("old", "new", "where", "found"),
    [
        ('"Beitrag"', '"NR "', "features.fee.aliases", "'NR ', by which nr is found"),
        ('["number"]', '["left  us"]', "label.aliases", "'left us', by which nr is found"),
        ('"left us"', '"fee"', "label.aliases", "'fee', by which fee is found"),
        ('id_column = "nr"\n', "", "id_aliases", "none"),
        ('"Beitrag"', '""', "features.fee.aliases", ""),
        ('"Beitrag"', '"fee per month"', "features.fee.aliases", "fee per month, fee per month"),
    ],
)
def test_a_name_belongs_to_one_column(
    write: Callable[..., Path], old: str, new: str, where: str, found: str
) -> None:
    text = ALIASES.replace(old, new)
    assert text != ALIASES
    _, findings = read_contract(write(text, "contract.toml"))
    assert [(finding.where, finding.found) for finding in findings] == [(where, found)]
