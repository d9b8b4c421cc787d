"""A declaration at fault is told alone: not what names it, and no refused name is recommended."""

import pytest

import riskmodel as rm
from riskmodel.evidence.template import write_template


def edit(folder, name, change):
    path, (old, new) = folder / name, change
    assert old in path.read_text(), old
    path.write_text(path.read_text().replace(old, new, 1))


def told(folder):
    with pytest.raises(rm.EvidenceError) as caught:
        rm.load_evidence(folder)
    return [(one.file, one.row, one.column, one.what) for one in caught.value.problems]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("finding.toml", 'name = "karyotype"', 'name = "Karyo type"'),
        ("finding.toml", 'name = "karyotype"', "name = 3"),
        ("finding.toml", 'name = "karyotype"', 'nam = "karyotype"'),
        ("finding.toml", 'name = "termination"', 'name = "Termination"'),
        ("finding.toml", 'name = "termination"', ""),
        ("finding.toml", 'name = "weeks"', 'name = "Weeks"'),
        ("finding.toml", 'name = "with_finding"', 'name = "with finding"'),
        ("finding.toml", 'name = "with_finding"', ""),
        ("finding.toml", "pooled = true", 'pooled = "yes"'),
        ("finding.toml", "pooled = true", "poled = true"),
        ("finding.toml", 'name = "strict"', 'name = "the strict"'),
        ("finding.toml", 'name = "primary"', 'name = "the primary"'),
        ("finding.toml", 'name = "primary"', ""),
        ("finding.toml", 'ascertainments = ["routine", "us_unit", "detailed_us"]', "ascertainments = 3"),
        ("finding.toml", 'states = ["normal", "abnormal"]', 'states = ["a normal", "abnormal"]'),
        ("finding.toml", 'states = ["normal", "abnormal"]', "states = 2"),
        ("finding.toml", 'states = ["normal", "abnormal"]', 'states = ["normal"]'),
        ("finding.toml", 'states = ["normal", "abnormal"]', ""),
        ("finding.toml", 'karyotype = ["trisomy-13"', 'karyotpe = ["trisomy-13"'),
        ("finding.toml", 'category = "abnormal"', 'category = "abnorml"'),
        ("finding.toml", 'given = "anatomy=isolated"', ""),
        ("finding.toml", 'given = "anatomy=isolated; karyotype=normal"', ""),
        ("finding.toml", 'counts = ["Simchen 2002: k', 'counts = 3 # ["Simchen 2002: k'),
        ("workup.toml", 'name = "serology"', 'name = "Serology"'),
        ("workup.toml", 'name = "serology"', ""),
        ("workup.toml", 'of = "infection"', 'of = "infections"'),
        ("workup.toml", 'kind = "error"', 'kind = "eror"'),
        ("workup.toml", 'sources = ["Bronshtein 1995"]', "sources = 3"),
        ("sources.csv", "Simchen 2002,", "Simchen: 2002,"),
        ("sources.csv", "Simchen 2002,", "Simchen 2002,of that year,"),
    ],
)
def test_a_declaration_at_fault_is_the_only_fault(folder, file, old, new):
    edit(folder, file, (old, new))
    found = told(folder)
    assert [one[0] for one in found] == [file], found


def test_a_name_that_was_refused_is_not_recommended(tmp_path):
    small = tmp_path / "small"
    write_template(small)
    edit(small, "finding.toml", ('name = "with_finding"', 'name = "with finding"'))
    edit(small, "counts.csv", ("with_finding", "somebody"))
    with pytest.raises(rm.EvidenceError) as caught:
        rm.load_evidence(small)
    assert [one.column for one in caught.value.problems] == ["populations", "population"]
    assert "'with finding'" not in caught.value.problems[1].remedy
    assert "with finding" not in caught.value.problems[1].remedy


@pytest.mark.parametrize("row", [3, 12])
def test_a_ragged_row_of_counts_is_its_only_fault(folder, row):
    """Neither sums nor what cites or replaces it are told as well."""
    path = folder / "counts.csv"
    lines = path.read_text().splitlines()
    lines[row - 1] += ","
    path.write_text("\n".join(lines))
    assert [(file, at, what.split(" where")[0]) for file, at, _, what in told(folder)] == [
        ("counts.csv", row, "17 cells")
    ]


def test_a_fault_that_stands_by_itself_is_told_beside_a_declaration_at_fault(folder):
    """A state without a name hides no row that is no list of states, nor a name that is like no refused one."""
    edit(folder, "finding.toml", ('states = ["isolated", "associated"]', 'states = ["isolated", ""]'))
    edit(folder, "finding.toml", ('name = "with_finding"', 'name = "with finding"'))
    edit(
        folder,
        "counts.csv",
        ("Simchen 2002,karyotype,abnormal,anatomy=isolated,", "Simchen 2002,karyotype,abnormal,anatomy,"),
    )
    edit(folder, "counts.csv", ("Simchen 2002,karyotype,abnormal,anatomy=associated,", "Simchen 2002,zzz,abnormal,,"))
    found = told(folder)
    assert ("counts.csv", "given", "'anatomy' is not VARIABLE=STATE") in {(one[0], one[2], one[3]) for one in found}
    assert ("counts.csv", "variable", "unknown variable") in {(one[0], one[2], one[3]) for one in found}
    assert {one[2] for one in found if one[0] == "finding.toml"} == {"variables[1].states", "populations"}
