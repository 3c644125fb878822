"""The ids of a run's rejected rows: whoever is rejected has neither gone nor come."""

import csv
from collections.abc import Iterator
from itertools import groupby, islice

import pyarrow as pa

from model_store import NotFound
from pipeline.errors import WrongFile
from pipeline.reading.arrow_numpy import text_column
from pipeline.runs.committed import CommittedRun

_BLOCK = 50_000
_LONGEST = 1 << 27
"""Characters of a cell: a broken row is kept as it stood."""


def rejected_ids(run: CommittedRun) -> Iterator[pa.Array]:
    """The ids of rejected rows in blocks, each row once; empty where a row has none.

    Raises:
        WrongFile: The run has rejected rows, and not the file that lists them.
    """
    if not run.manifest["rows_rejected"]:
        return
    name = run.manifest["outputs"].get("rejected", "rejected.csv").rpartition("/")[2]
    delimiter = run.manifest["input"].get("delimiter", ",")
    csv.field_size_limit(_LONGEST)
    try:
        with (
            run.on_disk(name) as path,
            path.open(encoding="utf-8-sig", newline="") as file,
        ):
            lines = csv.DictReader(file, delimiter=delimiter)
            rows = groupby(lines, key=lambda line: (line.get("file"), line["row"]))
            ids = (next(several)["id"].strip() for _, several in rows)
            while block := list(islice(ids, _BLOCK)):
                yield text_column(block)
    except (KeyError, AttributeError, csv.Error, UnicodeDecodeError) as error:
        raise WrongFile(run.address, f"has a damaged {name}; score the file again") from error
    except (FileNotFoundError, NotFound) as error:
        raise WrongFile(run.address, f"has no {name} any more; score the file again") from error
