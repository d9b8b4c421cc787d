"""A cold `riskmodel consult --json` beside `python -c "import pandas, scipy.stats"`, alternating in one run.

python benchmarks/cold_start.py [--repeats 9]
"""

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "import pandas, scipy.stats": [sys.executable, "-c", "import pandas, scipy.stats"],
    "consult --json": [sys.executable, "-m", "riskmodel", "consult", "--json"],
    "consult, all known, --json": [
        *(sys.executable, "-m", "riskmodel", "consult", "--json"),
        *("--anatomy", "isolated", "--karyotype", "normal", "--infection", "negative"),
    ],
    "import riskmodel": [sys.executable, "-c", "import riskmodel"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    times = {name: [] for name in COMMANDS}
    for turn in range(repeats + 1):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            if turn:  # the first turn fills the disk's and Python's caches
                times[name].append(time.perf_counter() - start)
    base = statistics.median(times["import pandas, scipy.stats"])
    print(f"{'command':<30}{'median s':>10}{'fastest':>10}{'ratio':>8}")
    for name, taken in times.items():
        middle = statistics.median(taken)
        print(f"{name:<30}{middle:>10.3f}{min(taken):>10.3f}{middle / base:>8.2f}")


if __name__ == "__main__":
    main()
