"""How long the records of years take: an export of calls read, cleaned and windowed, and what that makes of 362 million.

    python tests/bench/backfill.py [--cleaned 200000] [--windowed 200000] [--calls-a-day 1000000] [--workers 1]

Writes an export as telephone systems make them (`call-records`: CSV, a row a call), one row in a hundred with blanks
around its values, one in a thousand without a time that can be read, and has its first `--cleaned` rows read by `hotline
feed test` (cleaning alone; 0: none), and its first `--windowed` rows replayed by `hotline replay --wait` into the whole
product: a broker, ClickHouse, `streams` (as many as `--workers`), one `sinks`. The run counts only if every minute and
queue in SQL has the calls that were written.
"""

import argparse
import asyncio
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from idle import HOTLINE
from whole import Whole

from deploy import topics
from sinks.clickhouse.client import connect
from sinks.clickhouse.migrate import migrate
from streams.contract.topics import TOPICS

ALL = 362_000_000
BLANKS, UNREADABLE = 0.01, 0.001
QUEUES = [f"queue-{number:02}" for number in range(40)]
DISTRICTS = [f"{440300 + number}" for number in range(1, 60)]
CATEGORIES = [f"{area}/{part}" for area in ("water", "power", "traffic", "noise", "tax") for part in range(8)]
BEGIN = datetime(2025, 3, 3, tzinfo=UTC)


def write(path: Path, records: int, calls_a_day: int) -> Counter[tuple[str, int]]:
    """The export; (queue, minute in epoch seconds) -> calls in it that can be read."""
    rng = random.Random(362)
    offered: Counter[tuple[str, int]] = Counter()
    at = BEGIN
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(
            [
                "call_id",
                "start",
                "caller",
                "queue",
                "wait",
                "talk",
                "after_call",
                "outcome",
                "agent",
                "category",
                "district",
            ]
        )
        for number in range(records):
            at += timedelta(seconds=rng.expovariate(calls_a_day / 86_400))
            answered = rng.random() < 0.9
            queue = rng.choice(QUEUES)
            row = [
                f"b{number:09}",
                at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                f"138{rng.randrange(10**8):08}",
                queue,
                str(int(rng.expovariate(1 / 15))),
                str(int(rng.expovariate(1 / 180))) if answered else "",
                str(int(rng.expovariate(1 / 30))) if answered else "",
                "answered" if answered else "abandoned",
                f"a{rng.randrange(2_000):04}" if answered else "",
                rng.choice(CATEGORIES),
                rng.choice(DISTRICTS),
            ]
            luck = rng.random()
            if luck < UNREADABLE:
                row[1] = "yesterday"
            else:
                offered[queue, int(at.timestamp()) // 60 * 60] += 1
                if luck < UNREADABLE + BLANKS:
                    row = [f" {value} " for value in row]
            rows.writerow(row)
    return offered


def told(whole: Whole, path: Path, *command: str) -> tuple[float, dict[str, object]]:
    """Seconds that a command of `hotline` takes with the export, and what it says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
    environment = kept | {
        "HOTLINE_DEMO": "true",
        "HOTLINE_DATA_DIR": str(whole.settings.data_dir),
        "HOTLINE_KAFKA__BOOTSTRAP": whole.settings.kafka.bootstrap,
        "HOTLINE_CLICKHOUSE__URL": whole.settings.clickhouse.url,
        "HOTLINE_HOTLINES": json.dumps({"12345": {"time_zone": "Asia/Shanghai", "thresholds_s": [20]}}),
    }
    begin = time.perf_counter()
    done = subprocess.run(
        [HOTLINE, *command, path, "--mapping", "call-records", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        check=False,
    )
    seconds = time.perf_counter() - begin
    if done.returncode not in {0, 1}:  # 1: rows were rejected, as they should be
        raise RuntimeError(f"hotline {' '.join(command)} ended with {done.returncode}")
    return seconds, json.loads(done.stdout)


def wrong(whole: Whole, feed: object, offered: Counter[tuple[str, int]]) -> int:
    """How many (queue, minute) have other calls in SQL than in the export."""
    with connect(whole.settings.clickhouse) as client:
        rows = client.query(
            "SELECT queue, toUnixTimestamp(minute), offered FROM v_cells "
            "WHERE feed = {feed:String} AND dimension_set = 'queue' AND offered > 0",
            {"feed": feed},
        ).result_rows
    found = {(queue, minute): calls for queue, minute, calls in rows}
    return sum(found.get(key, 0) != offered.get(key, 0) for key in found.keys() | offered.keys())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cleaned", type=int, default=200_000)
    parser.add_argument("--windowed", type=int, default=200_000)
    parser.add_argument("--calls-a-day", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Whole(Path(folder), 6) as whole:
        path = Path(folder) / "calls.csv"
        if chosen.cleaned:
            write(path, chosen.cleaned, chosen.calls_a_day)
            cleaning, found = told(whole, path, "feed", "test")
            used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            print(f"cleaned {found['read']:,} records, load average {os.getloadavg()[0]:.1f}: {used:.1f} s of a core")
            _say("cleaned", chosen.cleaned, cleaning)
        if not chosen.windowed:
            return
        offered = write(path, chosen.windowed, chosen.calls_a_day)
        asyncio.run(topics.apply(whole.settings.kafka, TOPICS))
        migrate(whole.settings)
        sinks = whole.start("sinks")
        streams = [whole.start("streams") for _ in range(chosen.workers)]
        whole.until(lambda: sinks.ready and all(process.ready for process in streams), within=120)
        before = whole.costs()
        replayed, summary = told(whole, path, "replay", "--wait", "--timeout", "21600")
        after = whole.costs()
        differ = wrong(whole, summary["feed"], offered)
    if differ:
        sys.exit(f"{differ} minutes of queues have other calls in SQL than in the export")
    print(f"{chosen.windowed:,} records at {chosen.calls_a_day:,} a day; load average {os.getloadavg()[0]:.1f}")
    print(f"rejected {summary['rejected']}, repaired {summary['repaired']}")
    _say("cleaned, windowed and in SQL", chosen.windowed, replayed)
    for name, costs in after.items():
        used = sum(cost.cpu_s for cost in costs) - sum(cost.cpu_s for cost in before.get(name, []))
        memory = " + ".join(f"{cost.rss / 2**20:,.0f}" for cost in costs)
        speed = chosen.windowed / used
        print(f"{name}: {used:.1f} s of a core, {speed:,.0f} records per second of it; {memory} MiB at the end")


def _say(name: str, records: int, seconds: float) -> None:
    speed = records / seconds
    print(f"{name}: {seconds:.1f} s, {speed:,.0f} records/s; {ALL:,}: {ALL / speed / 3_600:,.1f} h", flush=True)


if __name__ == "__main__":
    main()
