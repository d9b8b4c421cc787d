"""A consultation cold and warm: fresh commands beside `import pandas, scipy.stats`, and questions of a loaded finding.

    python benchmarks/consultation.py [--repeats 9] [--questions 27]

Cold: whole processes, alternating in one run; medians, and ratios to the import. Warm: milliseconds to answer and serialise,
for questions that are new to a finding whose tree is fitted, for the same ones again, and with everything asked for by name.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from functools import partial

import riskmodel as rm
from riskmodel._support import kept

IMPORT = "import pandas, scipy.stats"
CONSULT = (sys.executable, "-m", "riskmodel", "consult", "--json")
ALL_KNOWN = ("--anatomy", "isolated", "--karyotype", "normal", "--infection", "negative")
SEED = ("--weeks", "20", "--size", "5.5x4.4x3.4", "--location", "umbilical-vein", "--foci", "1")
#: With bytecode, as an installed package and its dependencies are read: some shells ask Python not to write it.
INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
COMMANDS = {
    IMPORT: (sys.executable, "-c", IMPORT),
    "consult --json": CONSULT,
    "consult, the seed's question, --json": (*CONSULT, *SEED),
    "consult, anatomy known, --json": (*CONSULT, "--anatomy", "isolated"),
    "consult, all known, --json": (*CONSULT, *ALL_KNOWN),
    "consult, coarse counts whose ways are drawn, --json": (*CONSULT, "--finding", "fetal-echogenic-bowel"),
    "import riskmodel": (sys.executable, "-c", "import riskmodel"),
}


def seconds(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def cold(repeats):
    times = {name: [] for name in COMMANDS}
    for turn in range(repeats + 1):
        for name, command in COMMANDS.items():
            taken = seconds(
                lambda one=command: subprocess.run(one, check=True, stdout=subprocess.DEVNULL, env=INSTALLED)
            )
            if turn:  # the first turn fills the disk's and Python's caches
                times[name].append(taken)
    base = statistics.median(times[IMPORT])
    print("| Command | Seconds | Ratio |\n| --- | --- | --- |")
    for name, taken in times.items():
        print(f"| {name} | {statistics.median(taken):.3f} | {statistics.median(taken) / base:.2f} |")


def questions(evidence):
    """Every set of known states of a finding."""
    names = [one.name for one in evidence.finding.states]
    for states in itertools.product(*((None, *one.states) for one in evidence.finding.states)):
        yield {name: state for name, state in zip(names, states, strict=True) if state}


def answered(evidence, detail, known):
    json.dumps(rm.consult(finding=evidence, detail=detail, **known).to_dict())


def warm(most):
    print("\n| Warm, milliseconds | Questions | Median | Slowest |\n| --- | --- | --- | --- |")
    for name in rm.findings():
        evidence = rm.load_evidence(name)
        known = list(questions(evidence))[:most]
        for label, detail, again in (
            ("new", (), False),
            ("the same again", (), True),
            ("everything asked for", "all", False),
        ):
            if not again:
                kept.clear()
                rm.consult(finding=evidence).to_dict()  # the finding is loaded, and its branches are fitted
            times = [1e3 * seconds(partial(answered, evidence, detail, one)) for one in known]
            print(f"| {name}: {label} | {len(times)} | {statistics.median(times):.1f} | {max(times):.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--questions", type=int, default=27, help="of each finding, at most")
    options = parser.parse_args()
    cold(options.repeats)
    warm(options.questions)


if __name__ == "__main__":
    main()
