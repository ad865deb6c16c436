"""Takes each safeguard of the engine away and looks for a scenario that shows it: `python tests/faults/safeguards.py`.

Exit code 1 if one could be taken away and nobody would notice.
"""

import argparse
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS.parent), str(TESTS), str(TESTS / "faults")]

from model.safeguards import SAFEGUARDS, found_without  # noqa: E402  (the path comes first)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=60, help="how many seeds to try for each")
    parser.add_argument("names", nargs="*", help="only those whose name holds one of these")
    asked = parser.parse_args()
    unseen = []
    for name, safeguard in SAFEGUARDS.items():
        if asked.names and not any(part in name for part in asked.names):
            continue
        for seed in range(safeguard.first, safeguard.first + asked.most):
            found = found_without(safeguard, seed)
            if found:
                print(f"{name}: seed {seed}, {len(found)} differences, the first: {found[0][:200]}", flush=True)
                break
        else:
            print(f"{name}: NOT SEEN in {asked.most} scenarios", flush=True)
            unseen.append(name)
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
