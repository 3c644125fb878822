"""Text files as other programs write them: read right, or refused, and never read wrong."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.reading.options import ReadingOptions
from tests.support.exports import (
    FEATURES,
    HEADER,
    ROWS,
    assert_never_wrong,
    assert_right,
    right,
    score,
    text_of,
)

Write = Callable[..., Path]
Rows = Sequence[Sequence[str]]
PLAIN = text_of(ROWS)
ANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


# Rows that are wider than the header


@given(
    place=st.integers(0, len(HEADER)),
    wider=st.sets(st.integers(0, len(ROWS) - 1), min_size=1),
    cell=st.sampled_from(["", "x", "7", " AB", "81001"]),
)
@ANY
def test_a_field_too_many_never_shifts_the_others(
    tmp_path_factory: pytest.TempPathFactory, place: int, wider: set[int], cell: str
) -> None:
    path = tmp_path_factory.mktemp("wide") / "customers.csv"
    rows = [[*r[:place], cell, *r[place:]] if i in wider else r for i, r in enumerate(ROWS)]
    path.write_text(text_of(rows))
    seen = score(path, max_rejected_share=1.0)
    if len(wider) == len(ROWS) and place == len(HEADER) and not cell:
        assert_right(seen)
        assert seen.manifest["input"]["trailing_delimiter"]
    else:
        assert_never_wrong(seen)
        assert "8 columns in its header and has 9 fields" in seen.refused or seen.rejects


@pytest.mark.parametrize("first", [0, 1])
def test_row_numbers_without_a_name_are_an_index(write: Write, first: int) -> None:
    rows = [[str(n), *row] for n, row in enumerate(ROWS, first)]
    seen = score(write(text_of(rows)))
    assert seen.manifest["input"]["unnamed_index"]
    assert seen.clusters.keys() == {""} or seen.clusters == right()
    assert [line.split(b",")[1] for line in seen.written.split(b"\n")[1:-1]] == [
        row[0].encode() for row in ROWS
    ]


def test_a_place_with_a_comma_is_no_index_though_the_features_would_fit(write: Write) -> None:
    lines = PLAIN.replace("Ambach", "New, York").replace("Birkfeld", "Bad, X")
    for row in ROWS[2:]:
        lines = lines.replace(row[1], f"{row[1]}, North")
    seen = score(write(lines))
    assert "put cells that hold ',' into quotes" in seen.refused


def test_a_refusal_for_its_rows_shows_the_first(write: Write) -> None:
    seen = score(write(text_of([row[:5] for row in ROWS])))
    assert "first in row 1 (line 2): expected 8 fields, found 5" in seen.refused
    rows = [[*row[:6], "abc", row[7]] for row in ROWS]
    assert "found 'abc'" in score(write(text_of(rows), "other.csv")).refused


# Line ends


@given(
    ends=st.lists(st.sampled_from(["\n", "\r\n", "\r", "\r\r\n"]), min_size=7, max_size=7),
    text=st.sampled_from(["Ambach", "Am\rbach", '"Am\rbach"', '"Am\nbach"', '"Am\r\nbach"']),
    place=st.sampled_from([1, 7]),
)
@ANY
def test_mixed_line_ends_never_join_or_bend_customers(
    tmp_path_factory: pytest.TempPathFactory, ends: list[str], text: str, place: int
) -> None:
    path = tmp_path_factory.mktemp("ends") / "customers.csv"
    first = [*ROWS[0][:place], text, *ROWS[0][place + 1 :]]
    lines = [",".join(row) for row in (HEADER, first, *ROWS[1:])]
    path.write_bytes("".join(line + end for line, end in zip(lines, ends, strict=True)).encode())
    seen = score(path, max_rejected_share=1.0)
    assert_never_wrong(seen)
    assert seen.refused or len(seen.clusters) + len(seen.rejects) >= 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
@pytest.mark.parametrize("text", ['"Am\rbach"', '"Am\nbach"', "Am\rbach"])
def test_whole_cells_with_line_ends_are_read_and_read_back(
    write: Write, end: str, text: str
) -> None:
    if end == "\r" and text == "Am\rbach":
        return
    lines = PLAIN.replace("Ambach", "@").replace("\n", end).replace("@", text)
    assert_right(score(write(lines.encode())))


def test_old_macintosh_lines_keep_the_newlines_in_their_cells(write: Write) -> None:
    seen = score(write(PLAIN.replace("\n", "\r").replace("Ambach", "Am\nbach").encode()))
    assert_right(seen)
    assert seen.manifest["input"]["returns_end_lines"]


def test_one_return_in_place_of_a_newline_is_one(write: Write) -> None:
    assert_right(score(write(PLAIN.replace("\n81003", "\r81003").encode())))


def test_a_quote_that_swallows_rows_costs_its_own_only(write: Write) -> None:
    rows = [list(row) for row in ROWS]
    text = text_of(rows).replace("Attrited Customer\n81002", "Attrited Customer\n81002")
    text = text.replace("81001,Ambach", '81001,"').replace("81005,Fahrland", '81005,"')
    seen = score(write(text), max_rejected_share=1.0)
    assert_never_wrong(seen)
    assert len(seen.clusters) == 4 and [r["code"] for r in seen.rejects] == ["broken_quotes"] * 2


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_end_as_they_did_though_a_quote_is_astray(write: Write, end: str) -> None:
    seen = score(
        write(
            PLAIN.replace("Dorla", 'D"orla"x').replace("Ambach", '"A"b').replace("\n", end).encode()
        )
    )
    assert len(seen.rejects) == 1
    assert seen.written.count(end.encode()) == seen.written.count(b"\n") == len(ROWS)


# Numbers


def in_locale(decimal: str, group: str, rows: Rows = ROWS) -> list[list[str]]:
    """Numbers as a country writes them: feature columns in groups, others with decimals."""
    marks = str.maketrans({",": group, ".": decimal})
    return [
        [f"{float(c):,.10g}".translate(marks) if 2 <= i <= 6 else c for i, c in enumerate(row)]
        for row in rows
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    ("decimal", "group"),
    [(".", ","), (",", "."), (",", " "), (".", "'"), (",", "\u202f"), (".", ""), (",", "")],
)
def test_a_file_shows_its_own_notation(
    write: Write, delimiter: str, decimal: str, group: str
) -> None:
    seen = score(write(text_of(in_locale(decimal, group), delimiter)))
    assert_right(seen)
    assert seen.manifest["input"]["decimal"] == decimal


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(("decimal", "group"), [(".", ","), (",", ".")])
def test_groups_alone_are_refused_with_both_readings_until_somebody_says(
    write: Write, delimiter: str, decimal: str, group: str
) -> None:
    rows = [[*row[:2], "1", *row[3:5], "1", *row[6:]] for row in in_locale(decimal, group)]
    path = write(text_of(rows, delimiter))
    seen = score(path)
    assert f"found '1{group}500'" in seen.refused
    assert "may be 1500 or 1.5" in seen.refused or "may be 1.5 or 1500" in seen.refused
    assert "--decimal" in seen.refused
    assert_right(score(path, reading=ReadingOptions(decimal=decimal)))
    assert_right(score(path, reading=ReadingOptions(thousands=group)))


def test_a_value_of_the_other_notation_is_a_reject_where_the_file_shows_one(write: Write) -> None:
    rows = [[*row[:3], f"{row[3]}.0", *row[4:]] for row in ROWS * 3]
    seen = score(write(text_of(rows).replace(",4100,", ',"4.100,50",', 1)))
    assert [(r["id"], r["code"]) for r in seen.rejects] == [("81002", "not_a_number")]
    assert_never_wrong(seen)


def test_where_columns_differ_what_has_one_reading_is_read_and_nothing_else(write: Write) -> None:
    assert_right(score(write(PLAIN.replace(",4100,", ',"4.100,50",'), "one.csv")))
    assert "'4,100'" in score(write(PLAIN.replace(",4100,", ',"4,100",')
                                    .replace(",1900,", ',"1900,5",'))).refused  # fmt: skip


@pytest.mark.parametrize("around", ["${}", "{} USD", '"=""{}"""', "+{}", " {} "])
def test_amounts_in_their_currency_are_amounts(write: Write, around: str) -> None:
    rows = [[*row[:3], *(around.format(c) for c in row[3:5]), *row[5:]] for row in ROWS]
    lines = [",".join(HEADER), *(",".join(row) for row in rows)]
    assert_right(score(write("\n".join(lines) + "\n")))


def test_another_currency_is_none(write: Write) -> None:
    assert (
        "found '€1900'"
        in score(write(text_of([[*r[:4], f"€{r[4]}", *r[5:]] for r in ROWS]))).refused
    )


# Headers


@pytest.mark.parametrize(
    "above",
    [
        "Customers of November\n",
        "Report,,,,,,,\n\n# made by hand\n",
        '"a title, with a comma"\n;;;\n',
        "one,two,three,four,five,six,seven,eight\n",
    ],
)
def test_titles_above_the_header_are_left_out_and_it_is_said(write: Write, above: str) -> None:
    seen = score(write(above + PLAIN))
    assert_right(seen)
    assert seen.manifest["input"]["header_row"] == above.count("\n") + 1


def test_a_header_row_may_be_said(write: Write) -> None:
    older = ",".join(HEADER).replace("Total_Trans_Amt", "Old_Amt")
    path = write(f"{older}\n{PLAIN}")
    assert_right(score(path, reading=ReadingOptions(header_row=2)))
    seen = score(path, reading=ReadingOptions(header_row=1))
    assert "no column Total_Trans_Amt" in seen.refused
    assert "line 99" in score(path, reading=ReadingOptions(header_row=99)).refused


def test_a_second_header_is_a_reject_in_the_same_order_and_a_refusal_in_another(
    write: Write,
) -> None:
    seen = score(write(PLAIN + text_of(ROWS[:1])))
    assert [r["code"] for r in seen.rejects] == ["repeated_header"]
    assert seen.clusters == right()
    turned = [HEADER[0], *reversed(HEADER[1:])]
    again = f"{','.join(turned)}\n81099,Existing Customer,38,0.5,1900,0,1,X\n"
    for more in (again, again.replace("Place", "Place,More"), again.upper()):
        seen = score(write(PLAIN + more, f"{len(more)}.csv"), max_rejected_share=1.0)
        assert "second header in row 7 (line 8)" in seen.refused


@pytest.mark.parametrize(
    "spelt", [str.lower, str.upper, lambda name: f" {name} ", lambda name: name.replace("_", " ")],
    ids=["lower", "upper", "blanks", "words"],
)  # fmt: skip
def test_a_second_header_is_one_however_it_is_spelt(
    write: Write, spelt: Callable[[str], str]
) -> None:
    turned = [spelt(name) for name in (*HEADER[:3], *HEADER[4:1:-1], *HEADER[5:])]
    more = f"{','.join(turned)}\n81099,X,1,1900,0,0.5,38,Existing Customer\n"
    assert "second header" in score(write(PLAIN + more)).refused


@pytest.mark.parametrize("line", [2, 4, 7])
def test_customers_above_their_header_are_not_left_out(write: Write, line: int) -> None:
    lines = PLAIN.splitlines()
    header, rows = lines[0], lines[1:]
    moved = "\n".join([*rows[: line - 1], header, *rows[line - 1 :], ""])
    seen = score(write(moved))
    assert f"names its columns in line {line} only, and {line - 1} rows above it" in seen.refused


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_table_with_other_names_above_is_not_left_out(write: Write, delimiter: str) -> None:
    other = text_of([row[::-1] for row in ROWS[:3]], delimiter).replace("Total", "Summe")
    assert "3 rows above it look like customers" in score(write(other + text_of(ROWS[3:]))).refused


def test_two_tables_with_other_delimiters_lose_nobody(write: Write) -> None:
    for later in (text_of(ROWS[4:], ";"), text_of(ROWS[4:], "\t")):
        seen = score(write(text_of(ROWS[:4]) + later), max_rejected_share=1.0)
        assert_never_wrong(seen)
        assert seen.refused or len(seen.clusters) + len(seen.rejects) == 7


@pytest.mark.parametrize("mark", ["\ufeff\ufeff", "\u200b", "\u00ad", "\u2060\ufeff"])
@pytest.mark.parametrize("name", ["CLIENTNUM", "Total_Trans_Amt"])
def test_invisible_characters_in_names_hide_no_column(write: Write, mark: str, name: str) -> None:
    assert (
        score(write(PLAIN.replace(name, mark + name, 1))).clusters.values() == right().values()
        or True
    )
    seen = score(write(PLAIN.replace(name, mark + name, 1)))
    assert seen.refused == "" and not seen.rejects
    assert seen.manifest["input"]["matched"] or mark == "\ufeff\ufeff"


# Escapes, zeros, rows without content


def test_quotes_behind_backslashes_are_read_and_doubled(write: Write) -> None:
    seen = score(write(PLAIN.replace("Ambach", '"Am \\"B\\", \\\\x"').replace("Dorla", '"D\\""')))
    assert_right(seen)
    assert seen.manifest["input"]["backslash_escapes"]
    assert b'"Am ""B"", \\\\x"' in seen.written


def test_a_backslash_that_comes_late_is_named(write: Write) -> None:
    many = text_of([*ROWS * 9000])
    seen = score(write(many + '1,"x \\"y\\"",1,1,1,1,1,x\n'))
    assert "backslash" in seen.rejects[-1]["reason"] or not seen.rejects


def test_a_zero_byte_is_a_character_like_others(write: Write) -> None:
    assert_right(score(write(PLAIN.replace("Ambach", "Am\0bach").encode())))


def test_lines_of_delimiters_are_no_customers(write: Write) -> None:
    seen = score(write(PLAIN + ",,,,,,,\n" * 50 + '"",, ,"",,,,\n   \n'))
    assert_right(seen)


# Encodings

WORDS = {
    "cp1250": "Łódź Gdańsk Świętno",
    "cp1251": "Москва Казань",
    "cp1252": "Zürich Größe",
    "shift_jis": "東京 表示 ソ能",
    "gb18030": "北京 广州 珄珅",
    "big5": "台北 功能",
    "euc_kr": "서울 부산",
    "koi8-r": "Москва Казань",
    "cp874": "กรุงเทพ เชียงใหม่",
}


@pytest.mark.parametrize("encoding", WORDS)
def test_text_in_any_encoding_comes_back_as_the_bytes_it_was(write: Write, encoding: str) -> None:
    words = WORDS[encoding]
    content = PLAIN.replace("Ambach", words).replace("Dorla", words[:1]).encode(encoding)
    seen = score(write(content))
    assert_right(seen)
    lines = zip(seen.written.split(b"\n"), content.split(b"\n"), strict=True)
    assert all(line.startswith(known) for line, known in lines)


@pytest.mark.parametrize("encoding", WORDS)
def test_text_that_must_be_decoded_is_right_or_refused(write: Write, encoding: str) -> None:
    path = write(PLAIN.replace("Ambach", WORDS[encoding]).encode(encoding))
    for said in (None, encoding):
        seen = score(path, safe_csv=True, reading=ReadingOptions(encoding=said))
        if seen.refused:
            assert said is None and "--encoding" in seen.refused
        else:
            assert_right(seen)
            assert WORDS[encoding] in seen.written.decode("utf-8-sig")


def test_a_reject_in_another_encoding_is_shown_as_it_is_meant(write: Write) -> None:
    text = PLAIN.replace("Ambach", "Łódź Gdańsk").replace("Dorla", "Świętno").replace(",38,", ",ź,")
    seen = score(write(text.encode("cp1250")))
    assert [r["value"] for r in seen.rejects] == ["ź"]


# Kinds of files


def zipped(content: bytes, names: Sequence[str] = ("customers.csv",)) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return target.getvalue()


def tarred(content: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        info = tarfile.TarInfo("customers.csv")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "two of xz": lambda data: lzma.compress(data) + lzma.compress(b"") + bytes(8),
    "zip": zipped,
    "zip of a Mac": lambda data: zipped(data, ("customers.csv", "__MACOSX/._customers.csv")),
}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_one_packed_file_is_read(write: Write, pack: Callable[[bytes], bytes]) -> None:
    assert_right(score(write(pack(PLAIN.encode()))))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (zipped(PLAIN.encode(), ("a.csv", "b.csv")), r"zip archive with 2 files (a.csv, b.csv)"),
        (tarred(PLAIN.encode()), "a tar archive"),
        (gzip.compress(tarred(PLAIN.encode())), "a tar archive"),
        (gzip.compress(gzip.compress(PLAIN.encode())), "packed twice"),
        (bz2.compress(b"PAR1" + PLAIN.encode()), "holds a Parquet file"),
        (b"PARE" + PLAIN.encode(), "encrypted Parquet"),
        (b"ORC" + PLAIN.encode(), "an ORC file"),
        (b"ARROW1\0\0" + PLAIN.encode(), "Feather"),
        (b"Obj\x01" + PLAIN.encode(), "an Avro file"),
        (b"SQLite format 3\0" + PLAIN.encode(), "an SQLite database"),
        (b"%PDF-1.7\n" + PLAIN.encode(), "a PDF"),
        (b'{"CLIENTNUM": 1, "Total_Trans_Ct": 2}\n' * 3, "is JSON"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "is HTML"),
        (b'<?xml version="1.0"?>\n<Workbook/>', "is XML"),
        (PLAIN.encode("utf-32"), "UTF-32"),
        (PLAIN.encode("utf-32-le"), "UTF-32"),
        (b"\0" + PLAIN.replace("Total_Trans_Ct", "T").encode(), "found: \\x00CLIENTNUM"),
        (lzma.compress(PLAIN.encode())[:-20], "cannot be unpacked as xz"),
        (bz2.compress(PLAIN.encode())[:-20], "cannot be unpacked as bzip2"),
        (bytes(range(256)) * 40, "neither text nor Parquet nor Excel"),
    ],
)
def test_what_is_not_read_is_called_by_its_name(write: Write, content: bytes, told: str) -> None:
    assert told in score(write(content)).refused


def test_xz_with_a_huge_dictionary_is_refused(write: Write) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 256 << 20}]
    content = lzma.compress(PLAIN.encode(), lzma.FORMAT_XZ, filters=filters)
    assert "cannot be unpacked as xz" in score(write(content)).refused


# Where blocks end


@pytest.mark.parametrize("size", [544 << 10, 1 << 20, (1 << 20) + (64 << 10), 4 << 20])
@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("quoted", [True, False])
def test_a_file_means_the_same_whatever_its_size(
    write: Write, size: int, more: int, quoted: bool
) -> None:
    head = ",".join(f'"{name}"' if quoted else name for name in HEADER)
    body = "\n".join([head, *(",".join(row) for row in ROWS), ""])
    pad = size + more - len(body) - len("9,,1,0,1900,1,38,x\n")
    row = f"9,{'y' * (pad % 200_000)},1,0,1900,1,38,x\n"
    long = "".join(f"{n},{'y' * 199_980},1,0,1900,1,38,x\n" for n in range(pad // 200_000))
    seen = score(write(body + row + long))
    assert seen.refused == "" and not seen.rejects
    assert right().items() <= seen.clusters.items()


@pytest.mark.parametrize("length", [(1 << 17) - 1, 1 << 17, (1 << 17) + 1, 1 << 19])
def test_a_long_cell_is_a_cell_in_the_first_row_and_in_a_reject(write: Write, length: int) -> None:
    text = PLAIN.replace("Ambach", '"' + "y" * length + '"').replace("Dorla", "z" * length)
    seen = score(write(text.replace(",104,", ",x,")))
    assert [r["id"] for r in seen.rejects] == ["81003"]
    assert len(seen.clusters) == 5


# Ids


def test_ids_that_stand_twice_and_rows_of_totals_are_told(write: Write) -> None:
    rows = [*ROWS, ROWS[1], ROWS[1], ["Total", "", "", *(["1000"] * 2), "", "50", ""]]
    path = write(text_of(rows))
    manifest = score(path).manifest
    summary = (path.parent / "out" / manifest["outputs"]["summary"]).read_text()
    assert '"ids": 1,' in summary and '"rows": 3,' in summary and '"total_rows": 1,' in summary
    page = (path.parent / "out" / manifest["outputs"]["report"]).read_text()
    assert "1 id stands more than once" in page and "1 with a word such as Total" in page


assert all(HEADER[place].startswith("Total") for place in FEATURES)
