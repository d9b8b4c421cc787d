"""Text is text: what a folder says is no tag, no link, no mathematics and no formula wherever it is shown."""

import json
import re
import shutil

import matplotlib as mpl
import pytest
from matplotlib.text import Text

import riskmodel as rm
from riskmodel.cli._terminal import drawn_markdown
from riskmodel.evidence.export import describe, write_package
from riskmodel.evidence.manifest import SHIPPED
from riskmodel.report import evidence as pages
from riskmodel.report import render

EVIL = "<script>x</script> ![p](http://x/y.png) [l](javascript:x) [r][s]"


@pytest.fixture
def spoilt(tmp_path):
    """A folder that says it in its titles, notes and citations."""
    place = tmp_path / "Finding (1) \u00fc"
    shutil.copytree(SHIPPED / "template", place)
    finding, sources = place / "finding.toml", place / "sources.csv"
    text = finding.read_text()
    text = re.sub(r'(?m)^(title|disclaimer|definition|description) = "', rf'\1 = "{EVIL} ', text)
    finding.write_text(text)
    lines = sources.read_text().splitlines()
    sources.write_text(
        "\n".join([lines[0], *(line.replace("Invented", f"{EVIL} Invented") for line in lines[1:])]) + "\n"
    )
    return place


def test_no_page_has_a_tag_an_image_or_a_link_of_theirs(spoilt):
    evidence = rm.load_evidence(spoilt)
    answer = rm.consult(finding=evidence, detail="all").to_dict()
    texts = [
        pages.to_markdown(describe(evidence)),
        render.to_markdown(answer),
        render.body(answer, tuple(render.SECTIONS)),
    ]
    assert "script" in texts[0]
    for text in texts:
        assert "<script" not in text
        assert "](javascript" not in text
        assert "](http://x" not in text
        assert "\x1b]8" not in drawn_markdown(text)
    assert "<script>" in drawn_markdown(texts[0])  # as text it is shown as it was written


def test_the_exported_name_fits_the_grammar_of_data_packages(spoilt, tmp_path):
    write_package(rm.load_evidence(spoilt), tmp_path / "package")
    assert re.fullmatch("[-a-z0-9._/]+", json.loads((tmp_path / "package" / "datapackage.json").read_text())["name"])


def test_dollars_in_a_label_are_no_mathematics(tmp_path):
    mpl.use("agg")
    table = rm.pool([1, 2], [9, 9], labels=[r"$\frac{1}{0}$ $x$", "$\\nosuch$"]).table()
    axes = rm.plots.forest(table, title="$\\nosuch$")
    assert not [one for one in axes.findobj(Text) if one.get_parse_math()]
    rm.plots.save(axes, tmp_path / "x.png")


@pytest.mark.parametrize("cell", ["\uff1d1+1", "\uff0bx", "\uff20x", "\uff0dx", "=1", "@x"])
def test_signs_of_full_width_begin_formulas_too(tmp_path, cell):
    shutil.copytree(SHIPPED / "template", tmp_path / "mine")
    path = tmp_path / "mine" / "counts.csv"
    path.write_text(path.read_text().replace("Invented", cell, 1), encoding="utf-8")
    with pytest.raises(rm.EvidenceError, match="formula"):
        rm.load_evidence(tmp_path / "mine")
