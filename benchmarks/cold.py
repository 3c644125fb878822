"""Commands from a standing start, next to the imports that they cannot do without.

.venv/bin/python -m benchmarks.cold
"""

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.files import write_invented
from benchmarks.processes import run
from model_store import BUNDLED, CHAMPION, open_store
from pipeline.model.published.loading import load_model

ROUNDS = 15
ROWS = 1_000
CUSTOMER = ("Total_Revolving_Bal=0", "Total_Trans_Amt=1900", "Total_Trans_Ct=38")
OURS = str(Path(sys.executable).with_name("customer-clusters"))


def main() -> None:
    """Print the median of every command, all in turn, and the ratio to its imports."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "customers.csv"
        write_invented(file, "csv", load_model(open_store(BUNDLED).open(CHAMPION)), ROWS)
        commands = {
            "import click, rich": [sys.executable, "-c", "import click, rich"],
            "import numpy, pyarrow": [sys.executable, "-c", "import numpy, pyarrow"],
            "--help": [OURS, "--help"],
            "assign": [OURS, "assign", *CUSTOMER],
            f"score {ROWS:,} rows, CSV → CSV": [OURS, "score", str(file), "--out"],
        }
        taken: dict[str, list[float]] = {what: [] for what in commands}
        for number in range(ROUNDS):
            for what, command in commands.items():
                out = [str(folder / str(number))] if command[-1] == "--out" else []
                taken[what].append(run([*command, *out]).seconds)
    medians = {what: statistics.median(seconds) for what, seconds in taken.items()}
    for what, seconds in medians.items():
        base = "import numpy, pyarrow" if what.startswith("score") else "import click, rich"
        ratio = "" if what.startswith("import") else f"{seconds / medians[base]:5.2f} × {base}"
        print(f"{what:<28} {seconds * 1000:7.1f} ms  {ratio}")


if __name__ == "__main__":
    main()
