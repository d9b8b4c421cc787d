"""What the repository promises about itself."""

import ast
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import riskmodel
from riskmodel import manifest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "riskmodel"

#: A module may import only from lower rows.
RANKS = [
    {"errors", "version"},
    {
        "distribution",
        "special",
        "diagram",
        "words",
        "tables",
        "files",
        "fingerprint",
        "scores",
        "work",
        "json_schema",
        "sheets",
    },
    {"mixture", "draws", "finding", "propagate", "random_effect", "corpus", "record_page", "sheets", "starter"},
    {
        "priors",
        "rules",
        "audit",
        "estimate",
        "described",
        "questions",
        "plain",
        "coarse",
        "record",
        "convergence",
        "refit_page",
    },
    {"posterior", "reader", "coarse_reader"},
    {"marginals", "counts", "workup_reader", "branches", "divisions", "mcmc_density"},
    {"quadrature", "mcmc", "evidence", "prediction", "tau", "tree_draws"},
    {"setting"},
    {"binomial_normal", "hypernodes"},
    {"pool", "describe", "manifest", "joint", "agreement", "datapackage"},
    {"tilted", "predictors", "simulation", "sbc_record", "mcmc_tree", "mcmc_setting", "tree_sample", "batch"},
    {"tree", "leave_out", "replicate"},
    {
        "workup",
        "sensitivity",
        "consult_tables",
        "calibration",
        "sbc",
        "tree_answers",
        "incoming",
        "value",
        "tipping",
        "tree_audit",
        "adjusted",
    },
    {"answers", "fit_record"},
    {"consult", "refit", "many"},
    {"plots", "report"},
    {"__init__"},
    {"cli"},
    {"__main__"},
]
ROW = {name: row for row, names in enumerate(RANKS) for name in names}
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))


def tracked():
    """Files of the repository: git's list, or everything but what tools make."""
    found = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if found.returncode == 0:
        return [ROOT / line for line in found.stdout.splitlines() if (ROOT / line).is_file()]
    return [
        path for path in ROOT.rglob("*") if path.is_file() and not any(part.startswith(".venv") for part in path.parts)
    ]


def test_every_module_has_its_row():
    assert set(ROW) == set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_from_lower_rows(name):
    for node in ast.walk(ast.parse((PACKAGE / f"{name}.py").read_text())):
        targets = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            if node.module == "riskmodel":
                targets = [alias.name if alias.name in ROW else "__init__" for alias in node.names]
            elif (node.module or "").startswith("riskmodel."):
                targets = [node.module.split(".")[1]]
        elif isinstance(node, ast.Import):
            targets = [alias.name.split(".")[1] for alias in node.names if alias.name.startswith("riskmodel.")]
        for target in targets:
            assert ROW[target] < ROW[name], f"{name} imports {target}"


def imported(code):
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return {line.split(".")[0] for line in done.stdout.splitlines()}, set(done.stdout.splitlines())


def test_importing_the_package_loads_nothing_heavy():
    roots, modules = imported("import riskmodel")
    heavy = {
        "pymc",
        "pytensor",
        "arviz",
        "arviz_base",
        "arviz_stats",
        "matplotlib",
        "pandas",
        "xarray",
        "click",
        "rich",
    }
    assert not roots & heavy
    assert not {name for name in modules if name.startswith(("scipy.stats", "scipy.optimize", "scipy.interpolate"))}


def test_a_consultation_loads_nothing_heavy():
    roots, _ = imported("import riskmodel\nriskmodel.consult(anatomy='isolated').to_dict()")
    assert not roots & {"pymc", "pytensor", "arviz", "matplotlib", "pandas", "xarray"}


def test_three_modules_know_pymc_and_one_matplotlib():
    for package, homes in (
        ("pymc", {"mcmc", "mcmc_tree", "mcmc_setting"}),
        ("pytensor", {"mcmc", "mcmc_density", "mcmc_tree", "mcmc_setting"}),
        ("matplotlib", {"plots"}),
        ("click", {"cli"}),
        ("rich", {"cli"}),
    ):
        users = {
            path.stem
            for path in PACKAGE.glob("*.py")
            if re.search(rf"^\s*(import|from) {package}\b", path.read_text(), re.MULTILINE)
        }
        assert users == homes


def test_exported_names_exist_and_are_all():
    assert sorted(riskmodel.__all__) == riskmodel.__all__
    for name in riskmodel.__all__:
        assert hasattr(riskmodel, name)
    public = {
        name for name, value in vars(riskmodel).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public <= set(riskmodel.__all__)


def documented():
    for info in pkgutil.iter_modules([str(PACKAGE)]):
        if info.name in ("__main__", "cli"):
            continue
        module = importlib.import_module(f"riskmodel.{info.name}")
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            if inspect.isfunction(value) or inspect.isclass(value):
                yield pytest.param(value, id=f"{info.name}.{name}")


@pytest.mark.parametrize("thing", list(documented()))
def test_public_objects_say_what_they_take_and_give(thing):
    text = inspect.getdoc(thing)
    assert text
    if inspect.isfunction(thing):
        signature = inspect.signature(thing)
        if signature.parameters:
            assert "Parameters\n-----" in text
            for name in signature.parameters:
                assert re.search(rf"^(\*\*|\*)?.*\b{name}\b.*( : |$)", text, re.MULTILINE), name
        if signature.return_annotation not in (None, "None"):
            assert "Returns\n-----" in text
        body = inspect.getsource(thing)
        if re.search(r"^\s+raise \w+Error\(", body, re.MULTILINE):
            assert "Raises\n-----" in text


def test_text_files_have_unix_line_ends_and_no_place_of_one_machine():
    listed = "/(root|home|work|tmp)/[a-z.]"
    for path in tracked():
        if path.suffix in (".png",):
            continue
        raw = path.read_bytes()
        assert b"\r" not in raw, path
        if path.name not in ("test_house.py",):
            assert not re.search(listed, raw.decode()), path


def test_no_file_names_a_package_index():
    # In two parts, so that this file does not either.
    hosts = ["py" + "pi.org", "python" + "hosted", "registry." + "npm", "deb." + "debian"]
    for path in tracked():
        if path.suffix != ".png":
            text = path.read_text(encoding="utf-8")
            assert not any(host in text for host in hosts), path


def test_the_version_is_in_the_changelog_and_the_citation():
    assert f"## {riskmodel.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert f"version: {riskmodel.__version__}" in (ROOT / "CITATION.cff").read_text()


def test_every_file_that_the_documents_name_exists():
    for document in (
        "README.md",
        "CONTRIBUTING.md",
        "docs/glossary.md",
        "docs/evidence-format.md",
        "docs/calibration.md",
        "docs/default-prior.md",
        "validation/README.md",
    ):
        text = (ROOT / document).read_text()
        for name in re.findall(r"`((?:docs|riskmodel|notebooks|benchmarks|validation|tests)/[\w./-]+)`", text):
            assert (ROOT / name).exists(), f"{document}: {name}"


def test_shipped_findings_are_the_released_ones():
    assert manifest.current() == manifest.read(), "run python -m riskmodel.manifest, and add a line to the changelog"


def test_the_manifest_is_written_whole(tmp_path):
    path = tmp_path / "manifest.json"
    manifest.write(path)
    assert json.loads(path.read_text()) == manifest.current()
    assert [one.name for one in tmp_path.iterdir()] == ["manifest.json"]


def test_every_dependency_is_pinned_in_the_constraints():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *project["optional-dependencies"]["dev"],
        *project["optional-dependencies"]["excel"],
    ]
    pinned = {
        line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    for requirement in wanted:
        assert re.split(r"[<>=\[]", requirement)[0].lower() in pinned, requirement


def test_the_schemas_are_valid_schemas():
    import jsonschema

    for path in (PACKAGE / "schemas").glob("*.json"):
        jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text()))
