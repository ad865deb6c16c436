"""Scenarios with real processes by seed: `python tests/faults/run_real.py --first 0 --count 40`.

One broker, one database; in each scenario workers are killed, stopped past their session, join and leave, the broker and
the database go and come back, while calls arrive late, twice and in disorder. After each, every visit, cell and dead
letter in ClickHouse is compared with the batch oracle over the whole input topic. Exit code 1 if anything differs.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS), str(TESTS / "faults")]

from real.scenario import world  # noqa: E402  (the path comes first)

SHOWN = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=40, help="how many seeds")
    asked = parser.parse_args()
    wrong: list[int] = []
    happened: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="hotline-faults-") as directory, world(Path(directory)) as its:
        for seed in range(asked.first, asked.first + asked.count):
            outcome = its.run(seed)
            happened += outcome.happened
            done = ", ".join(f"{what} {n}" for what, n in sorted(outcome.happened.items()))
            compared = ", ".join(f"{what} {n:,}" for what, n in outcome.compared.items())
            print(
                f"seed {seed}: {len(outcome.differences)} differ, {outcome.seconds:.0f} s; {done}; {compared}",
                flush=True,
            )
            for line in outcome.differences[:SHOWN]:
                print(f"seed {seed}: {line}", flush=True)
            if outcome.differences:
                wrong.append(seed)
                print(its.fleet.last_words(), flush=True)
    print(", ".join(f"{what} {n}" for what, n in sorted(happened.items())))
    print(f"{asked.count} scenarios from seed {asked.first}: {len(wrong)} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
