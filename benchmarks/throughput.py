"""How many small problems a second: pool_many beside a loop of pool, by number of series, their size and number of problems.

    python benchmarks/throughput.py [--jobs 2]

Everything is answered with mean, sd, median and 95 % interval of the average and of a new setting. "alike" counts problems
with the same counts, which pool_many fits once.
"""

import argparse
import platform
import sys
import time
from pathlib import Path

import numpy as np

import riskmodel as rm
from riskmodel._support.executors import workers

sys.path.append(str(Path(__file__).parents[1] / "validation"))
from sbc_generator import Generator


def summaries(post):
    return [(one.mean, one.sd, *one.ppf(np.array([0.025, 0.5, 0.975]))) for one in (post.average, post.new_setting)]


def seconds(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


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
    fits = seconds(lambda: [rm.pool(*one, model=model).average.mean for one in problems])
    loop = seconds(lambda: [summaries(rm.pool(*one, model=model)) for one in problems])
    here = seconds(lambda: rm.pool_many(problems, model=model))
    spread = seconds(lambda: rm.pool_many(problems, model=model, executor=executor)) if executor else float("nan")
    size = len(problems)
    print(
        f"| {name} | {size:,} | {alike:,} | {size / fits:.0f} | {size / loop:.0f} | {size / here:.0f} ({loop / here:.2f}) "
        f"| {size / spread:.0f} ({loop / spread:.2f}) |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2)
    jobs = parser.parse_args().jobs
    print(
        f"Python {platform.python_version()}, {jobs} processes; problems a second, and in brackets times the loop's\n"
    )
    print("| Problems | Number | Alike | Loop, fit and mean | Loop, all | pool_many | pool_many, processes |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    usual = (4, 5, 7, 11, 14, 17, 20, 21, 28, 40, 61)
    with workers(jobs) as executor:
        if executor:
            rm.pool_many(drawn(4, usual, 5), executor=executor)  # the processes start
        for number in (10, 100, 1000):
            row("1 to 5 series of 4 to 61", drawn(number, usual, 5), executor)
        for k in (1, 3, 10):
            row(f"{k} series of 20", drawn(200, (20,), max(k, 2), k), executor)
        for n in (200, 2000):
            row(f"3 series of {n:,}", drawn(200, (n,), 5, 3), executor)
        row("logit-normal, 1 to 5 series of 4 to 61", drawn(200, usual, 5), executor, "logit-normal")


if __name__ == "__main__":
    main()
