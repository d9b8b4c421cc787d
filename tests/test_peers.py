"""The tables of the peers: written between their markers and nowhere else, and a peer that is missing is skipped with a word."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PEERS = ROOT / "benchmarks" / "peers"


@pytest.fixture
def run(monkeypatch):
    """The script as a module, beside the one that it imports."""
    monkeypatch.syspath_prepend(PEERS)
    spec = importlib.util.spec_from_file_location("peers_run", PEERS / "run.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "peers_run", module)
    spec.loader.exec_module(module)
    return module


FOUND = {
    "version": "1.0", "import": 0.1, "seconds": 0.01, "runs": 5, "memory": 50.0,
    "mean": 0.25, "average": [0.2, 0.3], "new": None,
}  # fmt: skip


def test_a_table_is_written_between_its_markers_alone(run, tmp_path):
    path = tmp_path / "README.md"
    begin, end = "<!-- peers: written by a script -->", "<!-- peers: end -->"
    path.write_text(f"before\n\n{begin}\nold\n{end}\n\nafter\n")
    for _ in range(2):
        run.write_between(path, "peers", "new")
        assert path.read_text() == f"before\n\n{begin}\nnew\n{end}\n\nafter\n"
    assert [one.name for one in tmp_path.iterdir()] == ["README.md"]
    with pytest.raises(ValueError, match="no place for the table"):
        run.write_between(path, "others", "new")


def test_the_documents_have_a_place_for_each_table(run):
    for path, name in (
        ("README.md", "peers"),
        ("benchmarks/README.md", "peers"),
        ("benchmarks/README.md", "many findings"),
    ):
        text = (ROOT / path).read_text(encoding="utf-8")
        assert f"<!-- {name}: written by a script -->" in text.split(f"<!-- {name}: end -->")[0]


def test_what_is_missing_is_skipped_with_a_word(run, monkeypatch, tmp_path):
    by_name = {peer.name: peer for peer in run.PEERS}
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert run.run(by_name["metafor"], tmp_path, 1, sys.executable) == {"skipped": "Rscript is not there"}
    data = tmp_path / "data.json"
    data.write_text('{"events": [1, 2], "totals": [5, 9]}')
    absent = run.run(by_name["proportions"], data, 1, sys.executable)
    assert absent == {"skipped": "proportions is not installed"}
    assert "it failed" in run.run(by_name["ours_mean"], tmp_path / "nowhere.json", 1, sys.executable)["skipped"]


def test_a_faster_peer_and_a_skipped_one_are_told(run):
    peers = [peer for peer in run.PEERS if peer.name in ("ours", "statsmodels", "metafor", "nutpie_compiled")]
    results = {
        "ours": FOUND | {"new": [0.1, 0.4]},
        "nutpie_compiled": FOUND | {"seconds": 0.2, "runs": 2, "new": [0.1, 0.4]},
        "metafor": {"skipped": "Rscript is not there"},
        "statsmodels": FOUND | {"seconds": 0.001},
    }
    known = {
        "mean": 0.25,
        "average_logits": [-1.3862943611198906, -0.8472978603872036],
        "new_setting_logits": [-2.0, 0.0],
    }
    text = run.full(peers, results, {"title": "two"}, known)
    lines = {line.split(" | ")[0].strip("| "): line for line in text.splitlines()}
    assert "| 0.1, faster |" in lines["statsmodels, DerSimonian-Laird 1.0 ‡"]
    assert "| none |" in lines["statsmodels, DerSimonian-Laird 1.0 ‡"]
    assert "| 200 (2) | 20 |" in lines["nutpie, compiled 1.0"]
    assert "| 0e+00 | 1e-01 |" in lines["nutpie, compiled 1.0"]
    assert text.endswith("Skipped: metafor, rma: Rscript is not there.")
    short = run.short(peers, {"2": results})
    assert "| riskmodel, fit and both intervals | 10 ms | yes |" in short
    assert "| statsmodels, DerSimonian-Laird ‡ | 0.1, faster | no |" in short
    assert "metafor" not in short


def test_every_peer_has_a_fit_and_every_data_set_a_reference(run):
    spec = importlib.util.spec_from_file_location("peers_fits", PEERS / "fits.py")
    fits = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fits)
    assert {one.__name__ for one in fits.PEERS} == {peer.name for peer in run.PEERS if peer.language == "python"}
    in_r = (PEERS / "fits.R").read_text(encoding="utf-8")
    assert all(f"\n  {peer.name} = list(" in in_r for peer in run.PEERS if peer.language == "R")
    for size, known in run.references().items():
        assert len(run.cases()[size]["events"]) == int(size)
        assert 0 < known["mean"] < 1
