"""Simulation-based calibration of every model at its full size: writes validation/sbc/*.json, or names those it is given.

make sbc, or: python validation/simulate.py [MODEL ...] [--jobs 2] [--seed 1], of the models below.
"""

import argparse
from pathlib import Path

from riskmodel._support.executors import workers
from sbc_calibrate import simulation_based_calibration

FOLDER = Path(__file__).parent / "sbc"
MODELS = {
    "beta-binomial": {"model": "beta-binomial"},
    "contaminated-beta-binomial": {"model": "contaminated-beta-binomial"},
    "logit-normal": {"model": "logit-normal"},
    "logit-t": {"model": "logit-t"},
    "nuts": {"model": "beta-binomial", "method": "nuts"},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help=", ".join(MODELS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    unknown = set(asked.models) - set(MODELS)
    if unknown:
        parser.error(f"no model {', '.join(sorted(unknown))}; there are {', '.join(MODELS)}")
    FOLDER.mkdir(exist_ok=True)
    with workers(asked.jobs) as executor:
        for name in asked.models or MODELS:
            record = simulation_based_calibration(**MODELS[name], seed=asked.seed, executor=executor)
            record.save(FOLDER / f"{name}.json")
            print(f"{record}, {record.seconds:.0f} s, {len(record.refused)} refused")
            print(record.table().to_string(index=False, float_format="{:.4f}".format))


if __name__ == "__main__":
    main()
