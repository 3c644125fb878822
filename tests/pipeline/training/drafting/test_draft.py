"""What a draft guesses of a stranger's file."""

import random
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import WrongFile
from pipeline.model.contract import SCHEMA, load_contract, read_contract
from pipeline.reading.agreement import find_disagreements
from pipeline.training.drafting import NONE, Answers, Draft, draft_contract, to_toml

Write = Callable[..., Path]


@pytest.fixture
def members(write: Write) -> Path:
    """Four hundred invented members: an id, a score that knows the label, dates, notes, gaps."""
    random.seed(1)
    lines = ["MemberNo,ChurnScore,LeavingReason,joined,Notes,Age,MonthlyFee,Plan,level,Left"]
    for number in range(400):
        left = random.random() < 0.3
        score = random.gauss(80 if left else 20, 5)
        reason = "price" if left else ""
        fee = "" if number % 10 == 0 else f"{random.uniform(10, 90):.2f}"
        lines.append(
            f"M{number:05},{score:.1f},{reason},2020-01-{number % 28 + 1:02},note {number},"
            f"{random.randint(18, 80)},{fee},{random.choice(['basic', 'plus'])},"
            f"{random.randint(1, 3)},{'yes' if left else 'no'}"
        )
    return write("\n".join(lines) + "\n", "members.csv")


def by_column(draft: Draft) -> dict[str, Any]:
    return {feature.column: feature for feature in draft.features}


def test_the_id_and_the_label_are_found_with_their_reasons(members: Path) -> None:
    draft = draft_contract(members)
    assert draft.id.column == "MemberNo"
    assert "each of 400 rows has another value" in draft.id.reason
    assert (draft.label.column, draft.label.churned, draft.label.stayed) == (
        "Left", ("yes",), ("no",)
    )  # fmt: skip
    assert "its name speaks of customers who left" in draft.label.reason


def test_columns_that_give_the_label_away_are_never_features(members: Path) -> None:
    reasons = {it.column: it.reason for it in draft_contract(members).left_out if it.never}
    assert list(reasons) == ["ChurnScore", "LeavingReason"]
    assert "alone it says who left (AUC" in reasons["ChurnScore"]
    assert "it has a value for those who left alone" in reasons["LeavingReason"]


def test_what_is_no_number_and_no_category_is_left_out_with_a_reason(members: Path) -> None:
    reasons = {it.column: it.reason for it in draft_contract(members).left_out if not it.never}
    assert list(reasons) == ["joined", "Notes"]
    assert "dates" in reasons["joined"] and "free text" in reasons["Notes"]


def test_types_ranges_units_and_marks(members: Path) -> None:
    features = by_column(draft_contract(members))
    age, fee, plan = features["Age"], features["MonthlyFee"], features["Plan"]
    assert (age.type, age.unit, age.valid, age.sensitive, age.actionable) == (
        "integer", "years", (0, 120), True, "no"
    )  # fmt: skip
    assert (fee.type, fee.unit, fee.sensitive) == ("number", "EUR", None)
    assert fee.valid == (0, float("inf")) and fee.typical[0] >= 10 and fee.typical[1] <= 90
    assert (fee.missing, fee.fills) == ("median", True)
    assert (plan.type, set(plan.values)) == ("category", {"basic", "plus"})
    assert any(
        'type = "category" and values = ["1", "2", "3"]' in it for it in features["level"].remarks
    )


def test_the_draft_is_a_contract_that_its_file_agrees_with(members: Path, tmp_path: Path) -> None:
    path = tmp_path / "members.toml"
    path.write_text(to_toml(draft_contract(members), SCHEMA.as_uri()))
    contract, findings = read_contract(path)
    assert contract is not None and not findings
    assert find_disagreements(members, contract) == []
    assert contract.never_features == ("ChurnScore", "LeavingReason")
    assert max(map(len, path.read_text().splitlines()[1:])) <= 101


def test_what_somebody_says_goes_before_a_guess(members: Path) -> None:
    draft = draft_contract(members, answers=Answers(NONE, "Plan", "plus"))
    assert (draft.id.column, draft.id.reason) == (None, "as you said")
    assert (draft.label.column, draft.label.churned) == ("Plan", ("plus",))


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (Answers(id_column="Nr"), "the id: no column Nr; there are MemberNo"),
        (Answers(label="Age"), "column Age has .* values; a label has two"),
        (Answers(churned="gone"), "Left has no value gone; it has no, yes"),
    ],
)
def test_an_answer_that_cannot_be_is_one_line(
    members: Path, answers: Answers, message: str
) -> None:
    with pytest.raises(WrongFile, match=message):
        draft_contract(members, answers=answers)


def test_questions_are_asked_with_the_guess(members: Path) -> None:
    asked = []

    def ask(question: str, choices: Sequence[str], guess: str) -> str:
        asked.append((question, guess))
        return guess

    draft_contract(members, ask=ask)
    assert asked == [
        ("Which column is the customer's id?", "MemberNo"),
        ("Which column says who left?", "Left"),
        ("Which value of Left means left?", "yes"),
    ]


def test_a_flag_has_words_for_both_of_its_values(write: Write) -> None:
    rows = "".join(f"{n},{n % 2},{n % 3 // 2}\n" for n in range(60))
    path = write("client_id,IsActiveMember,TVPackage\n" + rows)
    words = [(it.low, it.high) for it in draft_contract(path).features]
    assert words == [("no active member", "active member"), ("no TV package", "TV package")]


def test_names_and_values_that_toml_must_quote(write: Write, tmp_path: Path) -> None:
    rows = "".join(f'{n},"{"a" if n % 3 else ""}""b\\",{n % 7}\n' for n in range(60))
    path = write('kunden_id,"Tarif ""neu"" [x]",Höhe\n' + rows)
    text = to_toml(draft_contract(path), "contract.json")
    assert set(tomllib.loads(text)["features"]) == {'Tarif "neu" [x]', "Höhe"}
    target = tmp_path / "contract.toml"
    target.write_text(text, encoding="utf-8")
    assert set(load_contract(target).features[0].values) == {'a"b\\', '"b\\'}


def test_a_ledger_is_no_customer_file(write: Write) -> None:
    rows = "".join(f"{n % 20},2024-01-{n % 28 + 1:02},{n}.50\n" for n in range(100))
    reason = draft_contract(write("customer_id,date,amount\n" + rows)).id.reason
    assert "customer_id is called so, but 80 rows" in reason and "init --transactions" in reason


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n", "has a header but no customers"),
        ("customer_id,a\n1,x\n2,x\n3,x\n", "has no column that can be a feature"),
        (
            "x,y\n" + "1,2\n" * 9,
            "no column that can be a feature .x: it has one value, '1'; y: it has one value, '2'.",
        ),
        ("y,x\n" + "1,\n" * 99 + "1,2\n1,3\n", "x: 99 of 101 values are missing"),
        ("a,a\n1,2\n3,4\n", "has 2 columns a, expected one of each"),
    ],
)
def test_a_file_of_which_no_contract_can_be_drafted(
    write: Write, content: str, message: str
) -> None:
    with pytest.raises(WrongFile, match=message):
        draft_contract(write(content))


def test_numbers_with_a_decimal_comma(write: Write) -> None:
    rows = "".join(f"{n};{n},75\n" for n in range(50))
    (feature,) = draft_contract(write("kundennr;betrag\n" + rows)).features
    assert (feature.type, feature.typical) == ("number", (0, 50))


def test_category_values_missing_often_get_a_value_of_their_own(write: Write) -> None:
    rows = "".join(f"{n},{'' if n % 4 == 0 else 'ab'[n % 2]},{n}\n" for n in range(60))
    feature = by_column(draft_contract(write("client_id,plan,visits\n" + rows)))["plan"]
    assert feature.fills and feature.missing == "not known" and "not known" in feature.values


def test_a_label_that_is_known_of_few_is_said_to_be_refused(write: Write) -> None:
    rows = "".join(f"{n},{n * 7 % 13},{'yn'[n % 2] if n < 4 else ''}\n" for n in range(100))
    label = draft_contract(write("client_id,visits,left\n" + rows)).label
    assert "2 of 4 customers (50.0%)" in label.meaning
    assert "Of 96 more it is not known, and training refuses that" in label.meaning


def test_an_id_that_repeats_is_no_feature(write: Write) -> None:
    rows = "".join(f"c{n % 40},{n}\n" for n in range(100))
    (item,) = draft_contract(write("customer_id,visits\n" + rows)).left_out
    assert (item.column, item.never, item.reason) == (
        "customer_id",
        True,
        "its name is that of an id",
    )


def test_who_finds_no_value_that_means_left_has_no_label(members: Path) -> None:
    draft = draft_contract(members, answers=Answers(churned=NONE))
    assert (draft.label.column, draft.label.reason) == (None, "as you said")


def test_an_id_that_repeats_is_taken_when_said_with_a_warning(members: Path) -> None:
    draft = draft_contract(members, answers=Answers(id_column="Plan"))
    assert draft.id.column == "Plan"
    assert "398 rows have one of another row, which training refuses" in draft.id.reason
