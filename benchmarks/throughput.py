"""How many small problems a second: pool_many beside a loop of pool, by number of series, their size and number of problems.

    python benchmarks/throughput.py [--jobs 2]

Everything is answered with mean, sd, median and 95 % interval of the average and of a new setting. "alike" counts problems
with the same counts, which pool_many fits once. pool_many is without and with compiled loops, in one run, as are simulations
and calibration. This process is timed by its processor time, many processes by the clock.
"""

import argparse
import os
import platform
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import riskmodel as rm
from riskmodel._support.executors import workers
from riskmodel._support.kept import clear
from riskmodel.distributions import bulk as compiled
from riskmodel.inference import pool_many as batch

sys.path.append(str(Path(__file__).parents[1] / "validation"))
from sbc_calibrate import simulation_based_calibration
from sbc_generator import Generator


def summaries(post):
    return [(one.mean, one.sd, *one.ppf(np.array([0.025, 0.5, 0.975]))) for one in (post.average, post.new_setting)]


def seconds(action, clock=time.perf_counter):
    clear()
    start = clock()
    action()
    return clock() - start


@contextmanager
def loops(wanted):
    """With compiled loops for any number of problems, or without them."""
    loaded, many = compiled._loaded, batch.MANY
    compiled._loaded, batch.MANY = (loaded, 1) if wanted else (lambda: None, float("inf"))
    try:
        yield
    finally:
        compiled._loaded, batch.MANY = loaded, many


def beside(action, clock=time.perf_counter):
    """Seconds without and with compiled loops."""
    found = []
    for wanted in (False, True):
        with loops(wanted):
            found.append(seconds(action, clock))
    return found


def drawn(problems, sizes, most_series, fixed_series=0):
    generator = Generator.of("beta-binomial", "jeffreys", "default", sizes=sizes, most_series=most_series)
    found = []
    for number in range(20 * problems):
        one = generator.draw(np.random.default_rng([7, number]))
        if not fixed_series or one.events.size == fixed_series:
            found.append((one.events, one.totals))
        if len(found) == problems:
            break
    return found


def row(name, problems, executor, model="beta-binomial"):
    alike = len(problems) - len({tuple(sorted(zip(*map(tuple, one), strict=True))) for one in problems})
    fits = seconds(lambda: [rm.pool(*one, model=model).average.mean for one in problems], time.process_time)
    loop = seconds(lambda: [summaries(rm.pool(*one, model=model)) for one in problems], time.process_time)
    size = len(problems)
    here = beside(lambda: rm.pool_many(problems, model=model), time.process_time)
    spread = beside(lambda: rm.pool_many(problems, model=model, executor=executor)) if executor else [float("nan")] * 2
    cells = " | ".join(f"{size / plain:.0f}, {size / fast:.0f} ({plain / fast:.2f})" for plain, fast in (here, spread))
    print(f"| {name} | {size:,} | {alike:,} | {size / fits:.0f} | {size / loop:.0f} | {cells} |", flush=True)


def longer(name, number, action):
    plain, fast = beside(action, time.process_time)
    print(f"| {name} | {number} | {plain:.1f} | {fast:.1f} ({plain / fast:.2f}) |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2)
    jobs = parser.parse_args().jobs
    print(
        f"Python {platform.python_version()}, {jobs} processes, load {os.getloadavg()[0]:.1f}; problems a second, "
        "of pool_many without and with compiled loops, and their ratio\n"
    )
    print("| Problems | Number | Alike | Loop, fit and mean | Loop, all | pool_many | pool_many, processes |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    usual = (4, 5, 7, 11, 14, 17, 20, 21, 28, 40, 61)
    with loops(True):
        rm.pool_many(drawn(4, usual, 5))  # what is compiled is loaded
    with workers(jobs) as executor:
        if executor:
            with loops(True):
                rm.pool_many(drawn(60, usual, 5), executor=executor)  # the processes start, and load what is compiled
        for number in (10, 100, 1000):
            row("1 to 5 series of 4 to 61", drawn(number, usual, 5), executor)
        for k in (1, 3, 10):
            row(f"{k} series of 20", drawn(200, (20,), max(k, 2), k), executor)
        for n in (200, 2000):
            row(f"3 series of {n:,}", drawn(200, (n,), 5, 3), executor)
        row("logit-normal, 1 to 5 series of 4 to 61", drawn(200, usual, 5), executor, "logit-normal")
    print("\n| Work | Number | Processor seconds, plain | Compiled |")
    print("| --- | --- | --- | --- |")
    longer("Simulation-based calibration", 500, lambda: simulation_based_calibration(replications=500))
    for predictor in ("default", "rbest"):
        longer(
            f"`calibrate`, {predictor}", "one series an arm", lambda one=predictor: rm.calibrate(predictors=one, most=1)
        )


if __name__ == "__main__":
    main()
