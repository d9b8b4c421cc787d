"""The notebooks run from top to bottom, and define nothing. What is published in them they compare themselves."""

import ast
from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext", reason="the docs extra is not installed")

NOTEBOOKS = sorted((Path(__file__).parent.parent / "docs" / "notebooks").glob("*.py"))


def test_there_are_seven():
    assert len(NOTEBOOKS) == 7


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_a_notebook_that_defines_no_function(path):
    book = jupytext.read(path, fmt="py:percent")
    assert book.cells[0].cell_type == "markdown"
    assert book.cells[0].source.startswith("# ")
    code = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda) for node in ast.walk(ast.parse(code)))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path):
    from nbclient import NotebookClient

    book = jupytext.read(path, fmt="py:percent")
    # However long a busy machine takes to start the kernel, to run a cell and to hand over what it printed.
    patient = {"timeout": None, "startup_timeout": 3600, "iopub_timeout": 3600}
    NotebookClient(book, **patient, resources={"metadata": {"path": str(path.parent)}}).execute()
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    for cell in code:  # every picture is shown, not the first alone
        if "rm.plots." in cell.source:
            assert any("image/png" in one.get("data", {}) for one in cell.outputs), cell.source
