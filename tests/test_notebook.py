"""The notebook runs from top to bottom, and defines nothing."""

import ast
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def test_there_is_one():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_is_kept_with_its_output_and_defines_no_function(path):
    book = nbformat.read(path, as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    for cell in code:
        assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(ast.parse(cell.source)))
        assert not any(output.output_type == "error" for output in cell.outputs)


KINDS = ("execute_result", "stream")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_runs_and_prints_what_it_printed(path):
    from nbclient import NotebookClient

    kept = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    # However long a busy machine takes to start the kernel, to run a cell and to hand over what it printed.
    patient = {"timeout": None, "startup_timeout": 3600, "iopub_timeout": 3600}
    NotebookClient(fresh, **patient, resources={"metadata": {"path": str(path.parent)}}).execute()
    for old, new in zip(kept.cells, fresh.cells, strict=True):
        if old.cell_type != "code" or "sampled" in old.source:
            continue
        assert printed(old.outputs) == printed(new.outputs)


def printed(outputs):
    """What a cell printed and showed as text; how a stream was cut into pieces is a matter of timing."""
    texts = [one.get("text") or one["data"].get("text/plain") for one in outputs if one.output_type in KINDS]
    return "".join(filter(None, texts))
