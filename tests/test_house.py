"""What the repository promises about itself."""

import inspect
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import riskmodel
from riskmodel._support import json_schema
from riskmodel.evidence import manifest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "riskmodel"

MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if path.stem != "__main__"
)


def tracked():
    """Files of the repository: git's list, or everything but what tools make."""
    found = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if found.returncode == 0:
        return [ROOT / line for line in found.stdout.splitlines() if (ROOT / line).is_file()]
    return [
        path for path in ROOT.rglob("*") if path.is_file() and not any(part.startswith(".venv") for part in path.parts)
    ]


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
    assert not roots & {"pymc", "pytensor", "arviz", "matplotlib", "pandas", "xarray", "narwhals", "polars"}


def test_one_room_knows_pymc_one_matplotlib_and_one_the_terminal():
    for package, home in (
        ("pymc", "mcmc"),
        ("pytensor", "mcmc"),
        ("matplotlib", "plots"),
        ("click", "cli"),
        ("rich", "cli"),
        ("fastapi", "serve"),
        ("starlette", "serve"),
        ("uvicorn", "serve"),
        ("jinja2", "serve"),
    ):
        users = {
            name.split(".")[0]
            for name in MODULES
            if re.search(
                rf"^\s*(import|from) {package}\b", (PACKAGE / f"{name.replace('.', '/')}.py").read_text(), re.MULTILINE
            )
        }
        assert users == {home}


#: What users call, besides the door itself.
NAMESPACES = (riskmodel.between, riskmodel.calibration, riskmodel.plots, riskmodel.sensitivity, riskmodel.updating)


def test_the_door_is_what_is_shown_and_other_names_stay_importable():
    assert dir(riskmodel) == sorted(riskmodel.__all__)
    for name in (
        *riskmodel.__all__,
        *("update", "pool_many", "calibrate", "tipping_point", "next_series", "fit_all", "schema", "load_corpus"),
        *("CalibrationRecord", "FitRecord", "before_counts", "audit_model", "adjusted_settings", "UnknownNameError"),
    ):
        assert hasattr(riskmodel, name), name
    assert not hasattr(riskmodel, "nothing")


def test_no_function_of_a_package_bears_the_name_of_a_file_in_it():
    for package in (riskmodel, *NAMESPACES):
        files = {path.stem for path in Path(package.__file__).parent.iterdir()}
        taken = [name for name in package.__all__ if name in files]
        assert not [name for name in taken if not inspect.ismodule(getattr(package, name))]


def documented():
    """What users call: the names of the package and their public methods."""
    names = {name: getattr(package, name) for package in (riskmodel, *NAMESPACES) for name in package.__all__}
    for name, value in sorted(names.items()):
        if inspect.isfunction(value):
            yield pytest.param(value, id=name)
        elif inspect.isclass(value):
            yield pytest.param(value, id=name)
            for verb, method in vars(value).items():
                if inspect.isfunction(method) and not verb.startswith("_"):
                    yield pytest.param(method, id=f"{name}.{verb}")


@pytest.mark.parametrize("thing", list(documented()))
def test_public_objects_say_what_they_take_and_give(thing):
    text = inspect.getdoc(thing)
    assert text
    if inspect.isfunction(thing):
        signature = inspect.signature(thing)
        names = [name for name in signature.parameters if name != "self"]
        if len(names) > 0 and "\n" in text:
            assert "Parameters\n-----" in text
            for name in names:
                assert re.search(rf"^(\*\*|\*)?.*\b{name}\b.*( : |$)", text, re.MULTILINE), name
        if signature.return_annotation not in (None, "None") and ("\n" in text or "self" not in signature.parameters):
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
    assert manifest.current() == manifest.read(), "run make manifest, and add a line to the changelog"


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
        *project["optional-dependencies"]["web"],
        *project["optional-dependencies"]["jwt"],
        *project["optional-dependencies"]["docs"],
    ]
    pinned = {
        line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    for requirement in wanted:
        assert re.split(r"[<>=\[;]", requirement)[0].lower() in pinned, requirement


def test_the_schemas_are_valid_schemas():
    import jsonschema

    assert {"calibration", "consultation", "error", "fit"} == set(json_schema.TYPES)
    for name in json_schema.TYPES:
        found = riskmodel.schema(name)
        jsonschema.Draft202012Validator.check_schema(found)
        assert all(part["additionalProperties"] is False for part in (found, *found["$defs"].values()))


def test_no_file_is_longer_than_four_hundred_lines_and_no_room_larger_than_a_dozen_files():
    for folder in (PACKAGE, ROOT / "tests", ROOT / "validation", ROOT / "benchmarks"):
        for path in folder.rglob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path
    for room in {path.parent for path in PACKAGE.rglob("*.py")} - {PACKAGE}:
        assert len(list(room.glob("*.py"))) <= 12, room
