"""Columns by other names: known, stated, or merely near, which is told and never taken."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from pipeline.errors import UnmatchedColumns, WrongFile, map_option
from pipeline.model.contract import Contract, Feature, Label
from pipeline.reading.columns.names import KnownNames, bind
from pipeline.reading.columns.nearness import SURE, WantedColumn, nearest, nearness, sure_names
from pipeline.reading.open import open_customers
from pipeline.reading.options import ReadingOptions, WrongOption

Write = Callable[..., Path]
AMOUNT, COUNT = "Total_Trans_Amt", "Total_Trans_Ct"
CONTRACT = Contract(
    "bank",
    "Bank",
    (
        Feature(AMOUNT, "number", "Amount spent", unit="USD", aliases=("Umsatz gesamt",)),
        Feature(COUNT, "integer", "Transactions"),
    ),
    "CLIENTNUM",
    Label("Attrition_Flag", ("yes",), ("no",), aliases=("Gekündigt",)),
    id_aliases=("Kundennummer",),
)


def bound(header: list[str], *stated: str) -> dict[str, str]:
    """The columns of the contract that are found, each with its name in the file."""
    known = KnownNames.of("a.csv", CONTRACT, stated)
    names = bind("a.csv", header, known).names
    return {name: own for own, name in zip(header, names, strict=True) if name in known.columns}


def refusal(path: Path, *stated: str) -> str:
    """Why the features of a file cannot be bound."""
    with (
        pytest.raises(WrongFile) as refused,
        open_customers(path, CONTRACT, ReadingOptions(map=stated)) as file,
    ):
        file.indexes([AMOUNT, COUNT])
    return refused.value.problem


def test_a_known_name_is_taken_whatever_its_case_and_spaces() -> None:
    header = ["kundennummer", " UMSATZ  gesamt", COUNT, "Gekündigt", "other"]
    assert bound(header) == {
        "CLIENTNUM": "kundennummer",
        AMOUNT: " UMSATZ  gesamt",
        COUNT: COUNT,
        "Attrition_Flag": "Gekündigt",
    }


def test_a_stated_name_is_taken_before_any_other() -> None:
    header = ["Spent", AMOUNT, "n", "who"]
    found = bound(header, f"spent={AMOUNT}", f"n={COUNT}", "who=clientnum")
    assert found == {AMOUNT: "Spent", COUNT: "n", "CLIENTNUM": "who"}
    assert bound([AMOUNT, COUNT], f"{AMOUNT}={COUNT}", f"{COUNT}={AMOUNT}") == {
        AMOUNT: COUNT,
        COUNT: AMOUNT,
    }


def test_either_name_may_hold_an_equals_sign() -> None:
    assert bound(["a=b", COUNT], f"a=b={AMOUNT}") == {AMOUNT: "a=b", COUNT: COUNT}


@pytest.mark.parametrize(
    ("header", "claimed"),
    [
        ([AMOUNT, "Umsatz gesamt"], [AMOUNT, "Umsatz gesamt"]),
        (["total_trans_amt", "TOTAL_TRANS_AMT"], ["total_trans_amt", "TOTAL_TRANS_AMT"]),
    ],
)
def test_of_two_names_for_a_column_neither_is_taken_until_somebody_says_which(
    header: list[str], claimed: list[str]
) -> None:
    binding = bind("a.csv", header, KnownNames.of("a.csv", CONTRACT))
    assert binding.claimed == {AMOUNT: claimed}
    for name in claimed:
        assert bound(header, f"{name}={AMOUNT}") == {AMOUNT: name}


def test_the_own_spelling_comes_before_another_case() -> None:
    assert bound([AMOUNT, AMOUNT.lower()]) == {AMOUNT: AMOUNT}


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        ([f"Umsatz={AMOUNT}"], f"--map \"Umsatz={AMOUNT}\": no column 'Umsatz' in the file; found"),
        (["a=Fee"], '--map "a=Fee": no column Fee is read here; there are: Total_Trans_Amt'),
        ([f"a={AMOUNT}", f"b={AMOUNT}"], f"--map: both 'a' and 'b' are to be {AMOUNT}"),
        ([f"a={AMOUNT}", f"a={COUNT}"], f"--map: 'a' is to be both {AMOUNT} and {COUNT}"),
        ([f"a={AMOUNT}", f"A={COUNT}"], "is to be both Total_Trans_Ct and Total_Trans_Amt"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_both_names(
    write: Write, stated: list[str], problem: str
) -> None:
    assert problem in refusal(write("a,b\n1,2\n"), *stated)


@pytest.mark.parametrize("text", ["a", "=a", "a=", " = ", ""])
def test_an_option_needs_both_names(text: str) -> None:
    with pytest.raises(WrongOption, match=r"--map: expected 'its name=our name'"):
        ReadingOptions(map=(text,))


@given(st.lists(st.text(min_size=1).map(lambda name: f"x{name};y={AMOUNT}"), max_size=4))
def test_what_is_stated_is_the_same_after_a_way_as_text(stated: list[str]) -> None:
    options = ReadingOptions(map=tuple(stated))
    assert ReadingOptions.from_texts(options.texts) == options
    assert ReadingOptions(**options.facts) == options


def test_a_setting_may_have_semicolons_between() -> None:
    options = ReadingOptions.from_texts({"map": f"a={AMOUNT}; b={COUNT};"})
    assert options.map == (f"a={AMOUNT}", f"b={COUNT}")
    assert options == ReadingOptions(map=(f"b={COUNT}", f"a={AMOUNT}"))  # in any order


def test_all_missing_columns_are_named_with_what_is_near_and_how_to_say_so(write: Write) -> None:
    problem = refusal(write("Total Trans Amt;Total-Trans-Count;x\n1;2;3\n"))
    assert problem == (
        "no column Total_Trans_Amt or Total_Trans_Ct; expected a header that names them, found: "
        "Total Trans Amt, Total-Trans-Count, x; did you mean 'Total Trans Amt' and "
        "'Total-Trans-Count'? Then say --map \"Total Trans Amt=Total_Trans_Amt\" "
        '--map "Total-Trans-Count=Total_Trans_Ct"'
    )


def test_two_near_names_are_both_told(write: Write) -> None:
    problem = refusal(write(f"Total Trans Amt,TotalTransAmt,{COUNT}\n1,2,3\n"))
    assert "Total_Trans_Amt may be 'Total Trans Amt' or 'TotalTransAmt'; say which" in problem


def test_two_known_names_are_both_told(write: Write) -> None:
    problem = refusal(write(f"Umsatz gesamt,{AMOUNT},{COUNT}\n1,2,3\n"))
    assert problem == (
        "columns 'Umsatz gesamt' and 'Total_Trans_Amt' are both Total_Trans_Amt; "
        'say which is meant, as by --map "Umsatz gesamt=Total_Trans_Amt"'
    )


def test_an_id_that_two_columns_may_be_is_refused(write: Write) -> None:
    path = write(f"CLIENTNUM,Kundennummer,{AMOUNT},{COUNT}\n1,2,3,4\n")
    with (
        open_customers(path, CONTRACT) as file,
        pytest.raises(UnmatchedColumns, match="'CLIENTNUM' and 'Kundennummer' are both CLIENTNUM"),
    ):
        file.optional_column("CLIENTNUM")


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("a b", '--map "a b=X"'),
        ("Amt ($)", "--map 'Amt ($)=X'"),
        ('say "x"', "--map 'say \"x\"=X'"),
        ("it's `x`", "--map 'it'\"'\"'s `x`=X'"),
    ],
)
def test_the_option_can_be_copied_into_a_shell(name: str, option: str) -> None:
    assert map_option(name, "X") == option


def files(tmp_path: Path, header: list[str], row: list[float]) -> list[Path]:
    """One customer as CSV, Parquet and two workbooks, one of them with titles above."""
    text = tmp_path / "a.csv"
    text.write_text(";".join(header) + "\n" + ";".join(map(str, row)) + "\n", encoding="utf-8")
    packed = tmp_path / "a.parquet"
    pq.write_table(pa.table([[value] for value in row], names=header), packed)
    books = []
    for name, above in (("a.xlsx", []), ("titled.xlsx", [["Report"], []])):
        book, content = Workbook(), io.BytesIO()
        for line in [*above, header, row]:
            book.active.append(line)
        book.save(content)
        books.append(tmp_path / name)
        books[-1].write_bytes(content.getvalue())
    return [text, packed, *books]


def test_every_kind_of_file_is_read_by_stated_names_and_keeps_its_own(tmp_path: Path) -> None:
    header = ["Anzahl", "Nr", "Betrag (€)"]
    stated = (f"Anzahl={COUNT}", f"Betrag (€)={AMOUNT}", "nr=CLIENTNUM")
    for path in files(tmp_path, header, [38, 7, 1900.5]):
        with open_customers(path, CONTRACT, ReadingOptions(map=stated)) as file:
            assert file.indexes([AMOUNT, COUNT]) == {AMOUNT: 2, COUNT: 0}
            assert file.optional_column("CLIENTNUM") == 1
            assert file.header == tuple(header)
            assert file.facts["matched"] == {
                "Anzahl": COUNT, "Nr": "CLIENTNUM", "Betrag (€)": AMOUNT,
            }  # fmt: skip
            table, _ = file.read_all()
            assert [float(column[0].as_py()) for column in table.columns] == [38, 7, 1900.5]


def test_every_kind_of_file_tells_what_is_near(tmp_path: Path) -> None:
    for path in files(tmp_path, ["n", "total trans amt", "Total_Trans_Count"], [1, 2, 3]):
        with (
            pytest.raises(UnmatchedColumns) as refused,
            open_customers(path, CONTRACT) as file,
        ):
            file.indexes([AMOUNT, COUNT])
        assert refused.value.near == {AMOUNT: ["total trans amt"], COUNT: ["Total_Trans_Count"]}
        assert refused.value.names == ["n", "total trans amt", "Total_Trans_Count"]


def test_the_sheet_with_near_names_is_the_one_that_is_told_of(tmp_path: Path) -> None:
    book, path = Workbook(), tmp_path / "a.xlsx"
    book.active.append(["Legend"])
    book.create_sheet("Data").append(["Total Trans Amt", "Total Trans Ct"])
    book.save(path)
    with (
        pytest.raises(UnmatchedColumns) as refused,
        open_customers(path, CONTRACT) as file,
    ):
        file.indexes([AMOUNT, COUNT])
    assert refused.value.sheets == ["Data", "Sheet"]


@pytest.mark.parametrize("encoding", ["idna", "iso2022_jp_2", "hz", "utf-7", "rot13", "no"])
def test_an_encoding_that_no_table_is_written_in_is_refused(encoding: str) -> None:
    with pytest.raises(WrongOption, match="an encoding such as cp1250"):
        ReadingOptions(encoding=encoding)


def test_names_beyond_ascii_are_stated_for_any_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"Größe;{COUNT}\n1,5;2\n".encode("cp1252"))
    plain = replace(CONTRACT, label=None)
    options = ReadingOptions(map=(f"Größe={AMOUNT}",))
    with open_customers(path, plain, options, keep_bytes=True) as file:
        assert file.column(AMOUNT) == 0


WANTED = {column.name: column for column in WantedColumn.all_of(CONTRACT)}


@pytest.mark.parametrize(
    "name",
    [
        "Total Trans Amt",
        "total_trans_amt",
        "TotalTransAmt ($)",
        "totalTransAmt",
        "TOTAL-TRANS-AMT",
        "Total_Trans_Amt_USD",
        "Total trans amt [USD]",
        "Amt Total Trans",
        "Total Transaction Amount",
        "Total Transactions Amount (USD)",
        "Amount spent",
        "UMSATZ_GESAMT in EUR",
    ],
)
def test_a_name_that_says_the_same_is_near(name: str) -> None:
    assert nearness(WANTED[AMOUNT], name) >= SURE
    assert nearest([WANTED[AMOUNT]], [name, "Customer_Age", "x"]) == {AMOUNT: [name]}


@pytest.mark.parametrize("name", ["Gesamtbetrag", "x", "($)", "", "Credit_Limit", "1"])
def test_another_name_is_not_near(name: str) -> None:
    assert nearness(WANTED[AMOUNT], name) < SURE
    assert nearest([WANTED[AMOUNT]], [name]) == {AMOUNT: []}


def test_what_is_merely_alike_is_told_and_not_preselected() -> None:
    near = nearest([WANTED[COUNT]], [AMOUNT])
    assert near == {COUNT: [AMOUNT]}
    assert sure_names(CONTRACT, near) == {}
    assert sure_names(CONTRACT, {COUNT: ["Total trans ct"]}) == {COUNT: "Total trans ct"}


def test_another_quarter_is_never_near() -> None:
    column = WantedColumn("Total_Amt_Chng_Q4_Q1", ("Total_Amt_Chng_Q4_Q1",))
    assert nearness(column, "Total Amt Chng Q4 Q1") >= SURE
    assert nearness(column, "Total Amt Chng Q3 Q2") == 0


NAMES = st.one_of(
    st.text(max_size=12),
    st.sampled_from([AMOUNT, COUNT, "Umsatz gesamt", "total trans amt", "Total Trans Ct ($)"]),
)


@given(st.lists(NAMES, max_size=8))
def test_a_column_is_taken_by_a_known_name_alone(header: list[str]) -> None:
    known = KnownNames.of("a.csv", CONTRACT)
    binding = bind("a.csv", header, known)
    assert len(binding.names) == len(header)
    spelt = {" ".join(name.split()).casefold() for name in (*known.columns, *known.names)}
    for own, name in zip(header, binding.names, strict=True):
        if name in known.columns and name not in binding.claimed:
            assert " ".join(own.split()).casefold() in spelt or not own.isascii()
        if name not in known.columns:
            assert name == own


@given(st.lists(NAMES, max_size=8))
def test_a_name_is_told_for_one_column_and_is_in_the_file(names: list[str]) -> None:
    found = nearest(WANTED.values(), names)
    assert found.keys() == WANTED.keys()
    told = [name for near in found.values() for name in near]
    assert len(told) == len(set(told)) or len(names) > len(set(names))


@given(
    st.sampled_from(["_", " ", "-", ".", ""]), st.sampled_from([str.upper, str.title, str.lower])
)
def test_punctuation_and_case_make_no_difference_to_nearness(
    joiner: str, case: Callable[[str], str]
) -> None:
    name = joiner.join(case(word) for word in AMOUNT.split("_"))
    if joiner or case is str.title:
        assert nearness(WANTED[AMOUNT], name) == 1
    assert nearness(WANTED[AMOUNT], name) >= SURE
