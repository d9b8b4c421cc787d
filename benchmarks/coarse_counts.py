"""Coarse counts joined with a tree: time as counts, fetuses and branches grow, and the error of the mean.

    python benchmarks/coarse_counts.py [--repeats 3] [--picture benchmarks/coarse_counts.svg]

Processor seconds, medians: from branches that are fitted to the weights of the ways to divide. A chain of branches, each
of which must go well, with 19 of 20 at each branch in two series, and counts of which seven in ten did well.
"""

import argparse
import statistics
import time
from dataclasses import replace

import riskmodel as rm
from riskmodel.coarsened.joint import Joint
from riskmodel.coarsened.read_coarse import Coarse
from riskmodel.distributions.diagram import Branch
from riskmodel.inference.pool import pool

SIZES = {
    "fetuses, one count, three branches": ((1, n, 3) for n in (30, 100, 300, 1000)),
    "counts of 60, three branches": ((k, 60, 3) for k in (1, 2, 4, 8)),
    "branches, one count of 100": ((1, 100, b) for b in (1, 2, 3, 4, 5)),
}


class Fits:
    """Every branch the same: 19 of 20 in two series."""

    def __init__(self):
        self.one = pool([19, 19], [20, 20])

    def posterior(self, edge, more=()):
        """What its counts say, and more cells."""
        cells = [(19, 20), (19, 20), *((hits, seen) for _, hits, seen in more)]
        return pool(*zip(*cells, strict=True)) if more else self.one


def chain(branches):
    node = 1.0
    for edge in reversed(range(branches)):
        node = Branch(edge, node, 0.0)
    return node


def taken(fits, row, counts, fetuses, branches):
    node = chain(branches)
    rows = tuple(
        Coarse(replace(row, source=f"series {i}", events=fetuses * 7 // 10, total=fetuses), node, {})
        for i in range(counts)
    )
    start = time.process_time()
    joint = Joint(fits, rows)
    mean = joint.mean(node, 1.0, {})
    return time.process_time() - start, mean, joint.error(node, 1.0, {}), joint.ways


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--picture")
    options = parser.parse_args()
    fits, row = Fits(), rm.load_evidence("fetal-hepatic-calcification").counts[0]
    taken(fits, row, 1, 10, 2)
    curves = {}
    print("| Counts | Fetuses each | Branches | Ways | Seconds | Mean | Its error |\n" + "| --- " * 7 + "|")
    for name, sizes in SIZES.items():
        for size in sizes:
            runs = [taken(fits, row, *size) for _ in range(options.repeats)]
            seconds = statistics.median(run[0] for run in runs)
            _, mean, error, ways = runs[0]
            print(f"| {' | '.join(map(str, size))} | {ways} | {seconds:.3f} | {mean:.4f} | {error:.5f} |", flush=True)
            curves.setdefault(name, []).append((size[{"f": 1, "c": 0, "b": 2}[name[0]]], seconds))
    if options.picture:
        import matplotlib as mpl

        mpl.use("svg")
        import matplotlib.pyplot as plt

        plt.rcParams["svg.hashsalt"] = "riskmodel"
        figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True, layout="constrained")
        for ax, (name, points) in zip(axes, curves.items(), strict=True):
            ax.loglog(*zip(*points, strict=True), "o-", color="#1f5a8a")
            ax.set(xlabel=name, xticks=[x for x, _ in points], xticklabels=[f"{x:,}" for x, _ in points])
            ax.minorticks_off()
            ax.grid(axis="y", color="0.9")
        axes[0].set_ylabel("processor seconds")
        figure.savefig(options.picture, metadata={"Date": None})


if __name__ == "__main__":
    main()
