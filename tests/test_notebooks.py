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


#: However long a busy machine takes to start the kernel, to run a cell and to hand over what it printed.
PATIENT = {"timeout": None, "startup_timeout": 3600, "iopub_timeout": 3600}


@pytest.fixture(scope="module")
def runner():
    """With one kernel for all: what they import is loaded once."""
    from nbclient import NotebookClient
    from nbformat.v4 import new_notebook

    found = NotebookClient(new_notebook(), **PATIENT, resources={"metadata": {"path": str(NOTEBOOKS[0].parent)}})
    with found.setup_kernel():
        yield found


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path, runner):
    """In a kernel where nothing has a name, so that each brings what it needs."""
    from nbformat.v4 import new_code_cell

    book = jupytext.read(path, fmt="py:percent")
    book.cells.insert(0, new_code_cell("%reset -f"))
    runner.nb = book
    runner.execute(cleanup_kc=False)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    for cell in code:  # every picture is shown, not the first alone
        if "rm.plots." in cell.source:
            assert any("image/png" in one.get("data", {}) for one in cell.outputs), cell.source
