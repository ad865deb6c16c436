"""Random scenarios by seed: `python tests/faults/run_scenarios.py --first 0 --count 2000`.

Each puts the real cores and the real worker shell on a broker and a database in memory, lets go wrong what can, and
compares every visit, cell and dead letter with the batch oracle. Exit code 1 if anything differs.
"""

import argparse
import os
import sys
import time
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS), str(TESTS / "faults")]

from model.many import Report, outcomes  # noqa: E402  (the path comes first)

SHOWN = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=2_000, help="how many seeds")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    began = time.monotonic()
    report = Report()
    for outcome in outcomes(range(asked.first, asked.first + asked.count), asked.processes):
        report.add(outcome)
        for line in outcome.differences[:SHOWN]:
            print(f"seed {outcome.seed}: {line}", flush=True)
        if report.ran % 100 == 0:
            print(f"{report.ran} scenarios, {len(report.wrong)} differ, {time.monotonic() - began:.0f} s", flush=True)
    for what in (report.compared, report.happened):
        print(", ".join(f"{name} {number:,}" for name, number in sorted(what.items())))
    print(f"{report.ran} scenarios from seed {asked.first}: {len(report.wrong)} differ")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
