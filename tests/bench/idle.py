"""What the whole costs when no calls come: memory and processor time of every process of `hotline up`.

    python tests/bench/idle.py [--settle 240] [--for 60]

Starts it in a directory of its own on free ports, lets it settle (Java compiles for minutes), and reads /proc (Linux
only). RSS counts pages that processes share in each of them; PSS divides them among them, and says what would be free
without Hotline.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "embedded"))

from afterwards import afterwards

from deploy.runtime import run_file

MIB = 1024 * 1024
HOTLINE = Path(sys.executable).with_name("hotline")


class Cost(NamedTuple):
    rss: int
    pss: int
    cpu_s: float


def cost(pid: int) -> Cost:
    rollup = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:] if ":" in line
    )
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return Cost(_kib(rollup["Rss"]), _kib(rollup["Pss"]), ticks / os.sysconf("SC_CLK_TCK"))


def _kib(text: str) -> int:
    return int(text.split(maxsplit=1)[0]) * 1024


def family(pid: int) -> dict[int, str]:
    """A process and what it started: pid -> a name for it."""
    found = {pid: name_of(pid)}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found |= family(int(child))
    return found


def name_of(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    if "deploy.cli" in words:
        return f"hotline {words[words.index('deploy.cli') + 1]}"
    return "ClickHouse" if any("clickhouse_server" in word for word in words) else "Kafka"


@contextmanager
def running(directory: Path, *arguments: str, **more: str) -> Iterator[run_file.RunFile]:
    """All of Hotline, with its data in `directory`; it ends with the block, and with this process if that is killed."""
    environment = (
        os.environ | {"HOTLINE_DATA_DIR": str(directory), "HOTLINE_PSEUDONYM__KEY": os.urandom(32).hex()} | more
    )
    with afterwards([HOTLINE, "down"], directory, environment):  # also what is still starting
        subprocess.run([HOTLINE, "up", "--detach", "--ports", "auto", *arguments], env=environment, check=True)
        run = run_file.read(directory)
        assert run is not None
        yield run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--settle", type=float, default=240)
    parser.add_argument("--for", type=float, default=60, dest="seconds")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, running(Path(directory)) as run:
        time.sleep(chosen.settle)
        before = {pid: cost(pid) for pid in family(run.pid)}
        time.sleep(chosen.seconds)
        show({pid: name for pid, name in family(run.pid).items() if pid in before}, before, chosen.seconds)


def show(processes: dict[int, str], before: dict[int, Cost], seconds: float) -> None:
    print("| process | RSS, MiB | PSS, MiB | of one core |\n|---|---|---|---|")
    total = [0.0, 0.0, 0.0]
    for pid, name in sorted(processes.items(), key=lambda it: it[1]):
        its = cost(pid)
        row = [its.rss / MIB, its.pss / MIB, (its.cpu_s - before[pid].cpu_s) / seconds]
        total = [sum(pair) for pair in zip(total, row, strict=True)]
        print(f"| {name} | {row[0]:.0f} | {row[1]:.0f} | {row[2]:.1%} |")
    print(f"| **all** | **{total[0]:.0f}** | **{total[1]:.0f}** | **{total[2]:.1%}** |")


if __name__ == "__main__":
    main()
