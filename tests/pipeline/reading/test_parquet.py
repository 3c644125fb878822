"""Parquet files as others write them: read as they are meant, or refused in one line."""

import base64
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import WrongFile
from pipeline.reading.arrow_columns import as_text
from pipeline.reading.open import open_customers
from pipeline.reading.parquet.footer import Chunk, first_chunks
from pipeline.reading.parquet.reader import open_parquet
from pipeline.scoring.parts.part_plan import Part, row_group_pieces

Write = Callable[..., Path]
FOR_EVER = datetime(9999, 12, 31, 23, 59, 59)


class Keys(pe.KmsClient):  # type: ignore[misc]
    """Wraps keys by writing them down."""

    def __init__(self, config: Any) -> None:
        super().__init__()

    def wrap_key(self, key: bytes, name: str) -> bytes:
        return base64.b64encode(key)

    def unwrap_key(self, wrapped: bytes, name: str) -> bytes:
        return base64.b64decode(wrapped)


def read(path: Path) -> pa.Table:
    with open_customers(path) as file:
        return file.read_all()[0]


def refusal(path: Path) -> str:
    with pytest.raises(WrongFile) as refused:
        read(path)
    assert "\n" not in str(refused.value)
    return str(refused.value).removeprefix(f"{path}: ")


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(["same", "other", 7, None]), min_size=1, max_size=40),
    st.sampled_from(["none", "snappy", "zstd"]),
    st.booleans(),
    st.sampled_from(["1.0", "2.6"]),
)
def test_the_footer_says_what_arrow_says_of_it(
    tmp_path_factory: pytest.TempPathFactory,
    cells: list[Any], packing: str, dictionary: bool, version: str,
) -> None:  # fmt: skip
    path = tmp_path_factory.mktemp("footer") / "a.parquet"
    texts = [str(cell) if cell else None for cell in cells]
    nested = [{"x": [1.0] * index} for index in range(len(cells))]
    table = pa.table({"Name, mit é": texts, "n": range(len(cells)), "nested": nested})
    pq.write_table(
        table, path, compression=packing, use_dictionary=dictionary, version=version,
        row_group_size=7, write_page_index=dictionary,
    )  # fmt: skip
    group = pq.read_metadata(path).row_group(0)
    assert first_chunks(path) == [
        Chunk(
            found.path_in_schema,
            False,
            found.num_values,
            found.total_uncompressed_size,
            found.has_dictionary_page,
        )
        for found in map(group.column, range(group.num_columns))
    ]


@pytest.mark.parametrize("plain", [True, False])
def test_encrypted_columns_are_refused_by_their_names(tmp_path: Path, plain: bool) -> None:
    """Arrow ends the process when it is asked about one of them."""
    path, factory = tmp_path / "a.parquet", pe.CryptoFactory(Keys)
    config = pe.EncryptionConfiguration(
        footer_key="footer", column_keys={"key": ["limit", "note"]}, plaintext_footer=plain
    )
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    table = pa.table({"id": [1, 2], "limit": [1.0, 2.0], "note": ["a", "b"]})
    with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    if plain:
        assert refusal(path) == ("has encrypted columns (limit, note); write it without encryption")
    else:
        refusal(path)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(
    ("moments", "unit"),
    [
        ([datetime(1900, 1, 1), datetime(2200, 1, 1, 1, 2, 3, 456789), None], "ns"),
        ([datetime(1, 1, 1), FOR_EVER, datetime(2020, 1, 1, 1, 2, 3, 456789), None], "us"),
    ],
)
def test_timestamps_without_a_unit_stay_what_they_are(
    tmp_path: Path, moments: list[datetime | None], unit: str, nested: bool
) -> None:
    column = pa.array(moments, pa.timestamp("us"))
    if nested:
        lists = pa.ListArray.from_arrays(list(range(len(column) + 1)), column)
        column = pa.StructArray.from_arrays([lists], ["inside"])
    path = tmp_path / "a.parquet"
    table = pa.table({"id": range(len(column)), "when": column})
    pq.write_table(table, path, use_deprecated_int96_timestamps=True, store_schema=False)
    found = read(path)["when"].combine_chunks()
    if nested:
        found = found.flatten()[0].flatten()
    assert found.type == pa.timestamp(unit)
    assert found.cast(pa.timestamp("us")).to_pylist() == moments


def test_timestamps_that_no_unit_holds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    moments = pa.chunked_array(
        [pa.array([1], pa.int64()).cast(pa.timestamp("ns"))], pa.timestamp("ns")
    )
    near = pa.table({"when": moments})
    far = pa.table({"when": pa.array([FOR_EVER], pa.timestamp("us"))})
    whole = (tmp_path / "near.parquet", tmp_path / "far.parquet")
    for each, table in zip(whole, (near, far), strict=True):
        pq.write_table(
            table, each, use_deprecated_int96_timestamps=True, compression="none",
            use_dictionary=False, store_schema=False,
        )  # fmt: skip
    julian_day_of_far = whole[1].read_bytes()
    at = julian_day_of_far.index((86399 * 10**9).to_bytes(8, "little"))
    sentinel = julian_day_of_far[at : at + 12]
    content = julian_day_of_far.replace(sentinel, (1).to_bytes(8, "little") + sentinel[8:])
    path.write_bytes(content)  # one nanosecond after midnight, in the year 9999
    assert "has timestamps that 64 bits cannot hold (when, stored as INT96)" in refusal(path)


def test_a_part_does_not_read_timestamps_that_the_end_of_the_file_told_nothing_of(
    tmp_path: Path,
) -> None:
    """Workers on Spark are told of a file in S3 from its footer alone."""
    path, sample = tmp_path / "a.parquet", tmp_path / "sample"
    table = pa.table({"when": pa.array([FOR_EVER, None], pa.timestamp("us"))})
    pq.write_table(table, path, use_deprecated_int96_timestamps=True)
    content = path.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    sample.write_bytes(content[:4] + content[-footer:])
    assert (open_parquet(sample).unit, open_parquet(path).unit) == ("ns", "us")
    part = Part(0, 0, 1)
    with path.open("rb") as file:
        (piece,) = row_group_pieces(file, path, "us", part)
        assert piece.batch["when"].to_pylist() == [FOR_EVER, None]
        with pytest.raises(WrongFile, match="need a look at the whole file"):
            list(row_group_pieces(file, path, "ns", part))


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a_name": [1]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"a_name", b"a_\xfa\xfbme"))
    assert "names of columns that are no UTF-8" in refusal(path)


@pytest.mark.parametrize(
    "kind", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(2), pa.string()]
)
def test_bytes_that_are_text_are_read_as_it(kind: pa.DataType) -> None:
    assert as_text(pa.array([b"12", None, b"ab"], kind)).to_pylist() == ["12", None, "ab"]


def test_bytes_that_are_no_text_are_shown_as_bytes() -> None:
    assert as_text(pa.array([b"12", b"\xff"])).to_pylist() == ["12", r"b'\xff'"]


def test_a_value_that_is_repeated_by_its_dictionary_is_not_unpacked(tmp_path: Path) -> None:
    """37 kB took 4 GB."""
    path, value = tmp_path / "a.parquet", pa.array(["x" * (5 << 20)])
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 200, pa.int32()), value)
    table = pa.table({"id": range(200), "note": column})
    pq.write_table(table, path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 20_000
    before = pa.total_allocated_bytes()
    assert refusal(path) == "unpacks to 1,000 MiB in 200 rows of column note; expected a table"
    assert pa.total_allocated_bytes() - before < 100 << 20


def test_a_file_of_no_length_and_one_that_promises_more_than_it_has(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    for content in (b"PAR1", b"PAR1" + b"\xff\xff\xff\x7f" + b"PAR1", b"PAR1\x15\x19\x1c" * 99):
        path.write_bytes(content)
        assert first_chunks(path) == []
        assert "is not readable as Parquet" in refusal(path)
