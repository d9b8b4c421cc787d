"""The logit-normal model beside the beta-binomial on the same counts, side by side in one run.

    python benchmarks/logit_normal.py [--repeats 15]

Medians of processor time, so that what else the machine does counts little. Each column but the first holds a whole fit:
with the means of the average, the new setting and every series; with the new setting's 95 % interval; with the predictive
distribution of 30 and of 3,000.
"""

import argparse
import json
import platform
import statistics
import sys
import time

from pool_against_nuts import CASES, HERE, synthetic

import riskmodel as rm

PUBLISHED = json.loads((HERE / "logit_normal.json").read_text(encoding="utf-8"))


def median_time(action, repeats):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times)


def means(post):
    return post.average.mean, post.new_setting.mean, [one.mean for one in post.series]


ACTIONS = {
    "fit": lambda post: post.average.mean,
    "means": means,
    "interval": lambda post: post.new_setting.interval(0.95),
    "30": lambda post: post.predict(30),
    "3,000": lambda post: post.predict(3000),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    print(f"Python {sys.version.split()[0]}, {platform.machine()}, riskmodel {rm.__version__}")
    shapes = {name: (case["events"], case["totals"]) for name, case in CASES.items() if len(case["events"]) < 100}
    spondylitis = PUBLISHED["ankylosing_spondylitis"]
    shapes |= {"spondylitis": (spondylitis["events"], spondylitis["totals"]), "12 drawn": synthetic(12)}
    for prior, heterogeneity in (("rbest", "rbest"), ("jeffreys", "default")):
        print(f"\nprior {prior}, heterogeneity {heterogeneity}: milliseconds, and times the beta-binomial's")
        print(f"{'case':<14}{'series':>7}" + "".join(f"{name:>16}" for name in ACTIONS) + f"{'as estimated':>14}")
        for name, (events, totals) in sorted(shapes.items(), key=lambda item: len(item[1][0])):
            options = {"prior": prior, "heterogeneity": heterogeneity}
            cells = []
            for action in ACTIONS.values():
                own, other = (
                    median_time(lambda a=action, m=model: a(rm.pool(events, totals, model=m, **options)), repeats)  # noqa: B023
                    for model in ("logit-normal", "beta-binomial")
                )
                cells.append(f"{own:>8.1f} ({own / other:>4.1f})")
            error = rm.pool(events, totals, model="logit-normal", **options).error.mean
            print(f"{name:<14}{len(events):>7}" + "".join(f"{cell:>16}" for cell in cells) + f"{error:>14.0e}")


if __name__ == "__main__":
    main()
