"""Mutation testing of the modules that every figure passes through: small faults that no test would notice.

    python -m pip install mutmut --constraint constraints.txt
    python validation/mutation.py [--modules NAME ...] [--sample N] [--seed S] [--only ID ...]

A mutant is one small fault, by the operators of mutmut: another number, sign or comparison, an argument less, a condition
turned. mutmut itself leaves out every decorated function, which here is every kept value and property, so its operators are
applied by this file; texts are left alone, since the pages' tests hold them. Each mutant is tried in a process of its own by
the tests named below, which stop at the first failure; one that takes too long counts as killed. Prints a line for each;
`mutation.md` is the record, with what survived and why.
"""

import argparse
import importlib.machinery
import os
import random
import resource
import signal
import sys
import time
from pathlib import Path

import hypothesis  # noqa: F401
import libcst as cst
import numpy as np  # noqa: F401
import pandas as pd  # noqa: F401
import pytest
import scipy.optimize
import scipy.special
import scipy.stats  # noqa: F401
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

# What is slow to load is loaded once, before the processes part; the package itself is not.
ROOT = Path(__file__).resolve().parent.parent
#: A module, and the tests that try its mutants: of its own room, the quickest first.
MODULES = {
    "distributions/mixture.py": [["tests/distributions/test_mixture.py"], ["tests/inference/test_bulk.py"]],
    "inference/quadrature.py": [["tests/inference/test_quadrature.py"], ["tests/inference/test_reference.py"]],
    "coarsened/joint.py": [
        ["tests/coarsened/test_joint_of_two.py"],
        [
            "tests/coarsened/test_joint.py",
            "-k",
            "exact_mean or without_events or used_twice or ties_nothing or count_of_all",
        ],
    ],
    "tree/answer.py": [
        ["tests/tree/test_answer.py"],
        ["tests/tree/test_model.py", "-k", "not simulation and not two_betas"],
    ],
    "tree/estimate.py": [["tests/tree/test_answer.py"]],
}
#: A mutant that needs more than this many times the unchanged module's time has been found.
PATIENCE = 8
MEMORY = 6 << 30  # bytes that a mutant may ask for


class Faults(cst.CSTVisitor):
    """Every mutant of a module: line, the node, and what it becomes."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self):
        super().__init__()
        self.found = []

    def on_visit(self, node):
        """Leave out types, decorators, imports, texts, and what an error or an assertion says."""
        if isinstance(node, cst.Annotation | cst.Decorator | cst.Import | cst.ImportFrom | cst.BaseString):
            return False
        if isinstance(node, cst.If) and node.test.deep_equals(cst.Name("TYPE_CHECKING")):
            return False
        if isinstance(node, cst.Raise | cst.Assert):
            return False
        line = self.get_metadata(PositionProvider, node).start.line if not isinstance(node, cst.Module) else 0
        for kind, operator in mutation_operators:
            if isinstance(node, kind):
                self.found += [(line, node, changed) for changed in operator(node)]
        return True


def mutants(path):
    """The module, and each mutant of it: line, the node, and what it becomes."""
    wrapper = MetadataWrapper(cst.parse_module(path.read_text(encoding="utf-8")))
    faults = Faults()
    wrapper.visit(faults)
    return wrapper.module, faults.found


def survives(path, source, tests, seconds):
    """Whether a module's tests pass with this source in its place, and how long they took."""
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        compiled = importlib.machinery.SourceFileLoader.get_code

        def get_code(loader, name):
            return compile(source, path, "exec") if loader.path == str(path) else compiled(loader, name)

        importlib.machinery.SourceFileLoader.get_code = get_code
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        failed = any(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *some]) for some in tests)
        os._exit(int(failed))
    _, status = os.waitpid(child, 0)
    return status == 0, time.monotonic() - begun


def main():
    """Try the mutants and print what became of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modules", nargs="+", choices=MODULES, default=list(MODULES))
    parser.add_argument("--sample", type=int, help="mutants of each module, drawn at random; all where not given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="+", help="these mutants, by the number of their line of output")
    given = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    for name in given.modules:
        path = ROOT / "riskmodel" / name
        passes, unchanged = survives(path, path.read_text(encoding="utf-8"), MODULES[name], 600)
        if not passes:
            sys.exit(f"{name}: its tests fail without any fault")
        module, every = mutants(path)
        tried = given.only or range(len(every))
        if given.sample and not given.only:
            tried = random.Random(given.seed).sample(tried, min(given.sample, len(every)))
        left = 0
        for number in tried:
            line, node, changed = every[number]
            source = module.deep_replace(node, changed).code
            alive, took = survives(path, source, MODULES[name], int(PATIENCE * unchanged) + 5)
            what = "  ->  ".join(" ".join(module.code_for_node(one).split()) for one in (node, changed))
            left += alive
            print(
                f"{'SURVIVED' if alive else 'killed  '} {name} {number:4} line {line:3} {took:4.1f} s  {what}",
                flush=True,
            )
        print(
            f"{name}: {len(tried) - left} of {len(tried)} killed, of {len(every)} mutants; unchanged {unchanged:.1f} s"
        )


if __name__ == "__main__":
    main()
