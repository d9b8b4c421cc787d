"""The same counts by the package and by its peers in one run: what they say, how wrong, how long, how much memory.

    python benchmarks/peers/run.py [--write] [--only PEER ...] [--cases 4 8 71 500]
    python benchmarks/peers/run.py --reference     # reference.json again, by validation/make_exact_reference.py

`make peers` installs the peers into build/peers-venv, and R's from Debian where it can. A peer that is missing is skipped
with a word. --write puts the tables into benchmarks/README.md and README.md.
"""

import argparse
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tables import write_between

from riskmodel.report.wording import table

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
VALIDATION = ROOT / "validation"
REFERENCE = HERE / "reference.json"
#: What the reference integrates, as validation/make_exact_reference.py names the package's "first-default".
HELD = "log-normal-0.8-0.6"
SAME, OTHER, LIKELY = "same", "other prior or model", "maximum likelihood"
#: The peers' own answers to another question, which have no error.
SIGNS = {SAME: "", OTHER: " †", LIKELY: " ‡"}
OURS = "ours"


class Peer(NamedTuple):
    """A row: the name of a function of fits.py or of an entry of fits.R, and what it answers."""

    name: str
    title: str
    kind: str = SAME
    language: str = "python"
    short: bool = False  # whether the README has it too


PEERS = (
    Peer("ours_mean", "riskmodel, fit and mean"),
    Peer(OURS, "riskmodel, fit and both intervals", short=True),
    Peer("ours_default", "riskmodel, both, its default prior", OTHER),
    Peer("ours_logit_normal", "riskmodel, both, logit-normal", OTHER),
    Peer("nutpie", "nutpie, standing start"),
    Peer("nutpie_compiled", "nutpie, compiled", short=True),
    Peer("pymc", "PyMC, standing start", short=True),
    Peer("pymc_compiled", "PyMC, compiled"),
    Peer("numpyro", "NumPyro, standing start"),
    Peer("numpyro_compiled", "NumPyro, compiled"),
    Peer("jags", "JAGS (rjags)", language="R"),
    Peer("rstanarm", "rstanarm", OTHER, "R"),
    Peer("proportions", "proportions", OTHER),
    Peer("metafor_glmm", "metafor, rma.glmm", LIKELY, "R", short=True),
    Peer("metafor", "metafor, rma", LIKELY, "R", short=True),
    Peer("vgam", "VGAM", LIKELY, "R"),
    Peer("glmmtmb", "glmmTMB", LIKELY, "R"),
    Peer("pymare_reml", "PyMARE, REML", LIKELY),
    Peer("pymare", "PyMARE, DerSimonian-Laird", LIKELY),
    Peer("statsmodels", "statsmodels, DerSimonian-Laird", LIKELY, short=True),
)


def cases():
    """The data sets by their number of series."""
    known = json.loads((VALIDATION / "cases.json").read_text(encoding="utf-8"))
    spondylitis = json.loads((VALIDATION / "logit_normal.json").read_text(encoding="utf-8"))["ankylosing_spondylitis"]
    four = {name: known["associated"][name][:4] for name in ("events", "totals")}
    return {
        "4": four | {"title": "4 series: associated anomaly in fetal hepatic calcification, without the last"},
        "8": spondylitis | {"title": "8 series: ankylosing spondylitis, RBesT's data set AS"},
        "71": known["rats"] | {"title": "71 series: rat tumours", "name": "rats"},
        "500": known["500 series"] | {"title": "500 series, drawn", "name": "500 series"},
    }


def write_reference():
    """High-precision integration of the data sets that validation/exact_reference.json does not have."""
    sys.path.insert(0, str(VALIDATION))
    from make_exact_reference import PRIORS, summarise

    found = {
        "source": "python benchmarks/peers/run.py --reference: summarise() of validation/make_exact_reference.py, "
        f"{HELD}, 200 rows of 1,601 points"
    }
    for size, case in cases().items():
        if "name" not in case:
            found[size] = summarise(case, PRIORS[HELD], 200, 1601)
    REFERENCE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def references():
    """Mean and ends of both intervals of each data set."""
    held = json.loads((VALIDATION / "exact_reference.json").read_text(encoding="utf-8"))
    ours = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return {size: held[f"{case['name']} | {HELD}"] if "name" in case else ours[size] for size, case in cases().items()}


# ---------------------------------------------------------------- running


def run(peer, data, seconds, python):
    """What a peer's process says: a dictionary, or why there is none under "skipped"."""
    if peer.language == "R":
        rscript = shutil.which("Rscript")
        if rscript is None:
            return {"skipped": "Rscript is not there"}
        command = [rscript, str(HERE / "fits.R"), peer.name, str(data), str(seconds)]
    else:
        command = [str(python), str(HERE / "fits.py"), peer.name, str(data), "--seconds", str(seconds)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT)
        if done.returncode:
            return {"skipped": f"it failed: {(done.stderr.strip().splitlines() or ['no word'])[-1][:80]}"}
        return json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"skipped": "not done in 300 s"}
    except (OSError, ValueError, IndexError) as error:
        return {"skipped": f"it failed: {error}"}


def measure(peers, chosen, seconds, python):
    """Results by data set and peer. Peers follow each other within a data set, so that ratios are of the same minutes."""
    found = {}
    with tempfile.TemporaryDirectory() as place:
        for size, case in chosen.items():
            data = Path(place) / f"{size}.json"
            data.write_text(json.dumps({name: case[name] for name in ("events", "totals")}), encoding="utf-8")
            found[size] = {}
            for peer in peers:
                one = found[size][peer.name] = run(peer, data, seconds, python)
                told = one.get("skipped") or f"{1e3 * one['seconds']:.1f} ms, {one['runs']} runs"
                print(f"{size:>4}  {peer.title:<36}{told}", flush=True)
    return found


# ---------------------------------------------------------------- tables


def number(value):
    """Two digits, or whole thousands."""
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


def ends(pair):
    return "none" if pair is None else f"{pair[0]:.3f} to {pair[1]:.3f}"


def errors(one, known):
    """Distance of the mean, and the largest of the ends that there are, from high-precision integration."""
    wrong = []
    for name in ("average", "new"):
        if one[name] is not None:
            logits = np.array(known[{"average": "average_logits", "new": "new_setting_logits"}[name]])
            wrong.append(np.abs(np.array(one[name]) - 1 / (1 + np.exp(-logits))).max())
    return abs(one["mean"] - known["mean"]), max(wrong, default=None)


def ratio(peer, found):
    """How many times as long as ours with both intervals takes; a peer that is faster is told."""
    times = found[peer.name]["seconds"] / found.get(OURS, {}).get("seconds", float("nan"))
    faster = times < 1 and "riskmodel" not in peer.title
    return f"{number(times)}, faster" if faster else number(times)


def full(peers, found, case, known):
    """A data set's heading and table; who was skipped, below it."""
    rows, skipped = [], []
    for peer in peers:
        one = found[peer.name]
        if "skipped" in one:
            skipped.append(f"{peer.title}: {one['skipped']}")
            continue
        runs = "" if one["runs"] == 5 else f" ({one['runs']})"
        wrong = [None, None] if peer.kind != SAME else errors(one, known)
        cells = [f"{peer.title} {one['version']}{SIGNS[peer.kind]}", f"{one['mean']:.4f}"]
        cells += [ends(one["average"]) if peer.name != "ours_mean" else "not asked"]
        cells += [ends(one["new"]) if peer.name != "ours_mean" else "not asked"]
        cells += ["" if error is None else f"{error:.0e}" for error in wrong]
        cells += [f"{number(1e3 * one['seconds'])}{runs}", ratio(peer, found)]
        rows.append([*cells, number(one["memory"]), number(1e3 * one["import"])])
    head = ["Peer", "Average", "Its 95 % interval", "New setting, 95 %", "Error of the mean", "Of the ends"]
    head += ["ms (runs)", "Times ours", "Peak, MB", "Import, ms"]
    words = f"\n\nSkipped: {'; '.join(skipped)}." if skipped else ""
    return f"### {case['title']}\n\n{table(head, rows)}{words}"


def short(peers, results):
    """How many times as long as ours with both intervals, a column for each data set."""
    rows = []
    for peer in peers:
        ones = [found[peer.name] for found in results.values()]
        known = [one for one in ones if "skipped" not in one]
        if not peer.short or not known:
            continue
        cells = ["skipped" if "skipped" in found[peer.name] else ratio(peer, found) for found in results.values()]
        if peer.name == OURS:
            cells = [f"{number(1e3 * one['seconds'])} ms" for one in ones]
        new = "not asked" if peer.name == "ours_mean" else "yes" if known[0]["new"] else "no"
        rows.append([f"{peer.title}{SIGNS[peer.kind]}", *cells, new])
    head = ["Time, as a multiple of ours with both intervals", *(f"{size} series" for size in results)]
    return table([*head, "Interval of a new setting"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="the tables into the two READMEs")
    parser.add_argument("--reference", action="store_true", help="work the reference out again, and stop")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in PEERS], default=[one.name for one in PEERS])
    parser.add_argument("--cases", nargs="+", choices=list(cases()), default=list(cases()))
    parser.add_argument("--seconds", type=float, default=10.0, help="no further run of a peer after these")
    options = parser.parse_args()
    if options.reference:
        write_reference()
        return
    made = ROOT / "build" / "peers-venv" / "bin" / "python"
    peers = [one for one in PEERS if one.name in options.only]
    chosen = {size: case for size, case in cases().items() if size in options.cases}
    results = measure(peers, chosen, options.seconds, made if made.exists() else sys.executable)
    known = references()
    said = f"Python {platform.python_version()}, {platform.machine()}; versions beside the names."
    parts = [full(peers, results[size], case, known[size]) for size, case in chosen.items()]
    text = "\n\n".join([said, *parts])
    print(f"\n{text}\n\n{short(peers, results)}")
    if options.write:
        write_between(ROOT / "benchmarks" / "README.md", "peers", text)
        write_between(ROOT / "README.md", "peers", short(peers, results))


if __name__ == "__main__":
    main()
