"""A table in memory is read as a file of the same customers would be."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import WrongFile
from pipeline.model.contract import Contract
from pipeline.reading.memory import MemoryTable
from pipeline.reading.open import open_customers, open_table
from pipeline.training.cleaning import read_customers

MEMBERS: dict[str, list[Any]] = {
    "member": ["a", "b", "b", "c"],
    "visits": [1, None, None, 20],
    "fee": [20.5, 21, 21, -1],
    "plan": ["basic", "plus", "plus", "gold"],
}


def test_its_digest_is_that_of_its_values() -> None:
    table = pa.table(MEMBERS)
    chunked = pa.concat_tables([table[:1], table[1:]])
    named = table.replace_schema_metadata({"written": "by somebody"})
    assert len({MemoryTable("t", t).sha256 for t in (table, chunked, named)}) == 1
    others = (table[:3], table.rename_columns(["member", "visits", "fee", "Plan"]),
              table.set_column(1, "visits", pa.array([1.0, None, None, 20.0])))  # fmt: skip
    assert len({MemoryTable("t", t).sha256 for t in (table, *others)}) == 4


def test_it_is_read_as_a_file_is(gym_contract: Contract, tmp_path: Path) -> None:
    table = pa.table(MEMBERS)
    path = tmp_path / "members.parquet"
    pq.write_table(table, path)
    with open_customers(path, gym_contract) as file:
        from_file, _ = file.read_all()
    from_memory, broken = open_table(MemoryTable("members", table), gym_contract).read_all()
    assert from_memory.to_pylist() == from_file.to_pylist()
    assert list(broken) == []
    known = read_customers(MemoryTable("members", table), gym_contract)
    assert (len(known.rows), known.duplicate_rows) == (3, 1)


def test_customers_without_ids_may_be_alike(gym_contract: Contract) -> None:
    alike = pa.table({name: values[1:3] for name, values in MEMBERS.items() if name != "member"})
    known = read_customers(MemoryTable("members", alike), gym_contract)
    assert (len(known.rows), known.duplicate_rows) == (2, 0)


def test_without_customers_it_is_refused(gym_contract: Contract) -> None:
    with pytest.raises(WrongFile, match="members: has columns but no customers"):
        read_customers(MemoryTable("members", pa.table(MEMBERS)[:0]), gym_contract)
