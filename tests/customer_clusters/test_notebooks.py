"""The notebooks of examples/ run from the first cell to the last, where nobody has run anything."""

import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.paths import ROOT

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
SECONDS = 600
"""For one cell, so that a kernel that hangs ends."""


def executed(name: str, folder: Path) -> list[dict[str, str]]:
    """What the cells of a notebook show, by kind, in a folder with the invented customers."""
    shutil.copy(ROOT / "examples/customers.csv", folder)
    notebook = nbformat.read(ROOT / "examples" / name, as_version=4)
    NotebookClient(
        notebook, timeout=SECONDS, resources={"metadata": {"path": str(folder)}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return [dict(output.get("data", {"text/plain": output.get("text", "")})) for output in outputs]


def shown(outputs: list[dict[str, str]], kind: str = "text/plain") -> str:
    return "\n".join(output.get(kind, "") for output in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_nobody_s_customers(path: Path) -> None:
    """Outputs would; and they grow old."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_the_story_is_told_without_the_real_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BANKCHURNERS_CSV", raising=False)
    outputs = executed("bank_churners.ipynb", tmp_path)
    assert "customers.csv: 1,000 customers" in shown(outputs)
    page = shown(outputs, "text/html")
    assert '<div class="customer-clusters">' in page
    assert 'aria-label="Churn rate of each cluster: cluster 1 1.3%' in page
    assert "<strong>the frame: 1,000 customers</strong>" in page
    assert "Little revolving balance, rare card use" in page


def test_the_story_is_told_of_the_real_file(
    tmp_path: Path, bank_churners: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BANKCHURNERS_CSV", str(bank_churners.absolute()))
    outputs = executed("bank_churners.ipynb", tmp_path)
    assert "BankChurners.csv: 10,127 customers" in shown(outputs)
    assert "2 columns give the answer away" in shown(outputs)


def test_a_table_of_one_s_own_becomes_a_model_that_others_load(tmp_path: Path) -> None:
    outputs = executed("your_own_data.ipynb", tmp_path)
    assert "Visits: 13 a month speaks for this group" in shown(outputs)
    assert "churn_auc" in shown(outputs)
    assert (tmp_path / "models/aliases/champion.json").is_file()
    assert (tmp_path / "models/aliases/candidate.json").is_file()
    assert shown(outputs, "text/html").count("Churn rate of each cluster") == 1


def test_steps_are_shown_in_one_line_that_ends_empty(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell("""
import customer_clusters as cc
run = cc.score("customers.csv")
from customer_clusters.progress import steps
with steps() as progress:
    progress("fitting")
    progress("judging")
    raise ValueError("in the middle")
""")
    ]
    shutil.copy(ROOT / "examples/customers.csv", tmp_path)
    lines: list[str] = []

    class Watched(NotebookClient):
        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            if msg["header"]["msg_type"] == "update_display_data":
                lines.append(msg["content"]["data"]["text/plain"])
            return super().process_message(msg, cell, cell_index)

    resources = {"metadata": {"path": str(tmp_path)}}
    Watched(notebook, timeout=SECONDS, allow_errors=True, resources=resources).execute()
    assert lines[-3:] == ["Fitting …", "Judging …", ""]
    kinds = [output["output_type"] for output in notebook.cells[0].outputs]
    assert kinds == ["display_data", "display_data", "error"]
