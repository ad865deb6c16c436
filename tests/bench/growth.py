"""How the core grows: memory, checkpoints, restarts and speed against open calls and against keys, and rows per event.

    python tests/bench/growth.py [--calls 1000 10000 100000 1000000] [--keys 100 1000 10000 100000]
        [--queues 60 600 3000] [--days 1 7 28 91 364] [--judged 60 600 3000]

Each point is a process of its own, all six partitions and the merger in it, without Kafka. `open calls`: so many wait, each with
an id of 22 characters and nine attributes. Bytes are what the process takes with them less what it took without them,
divided; then a twentieth of them (at most 20,000) are answered and ended, spread over all; then all partitions are saved
and built anew. `keys`: calls that are queued, answered and ended, over so many queues. `queues`: 500 calls a second over
so many queues, ten of them a hotline's, and what each fifth of a second brought is told, as while nothing is behind.
`days`: detection learns so many of ten queues, then an hour is judged, five times a second. `judged`: it learns four days
of so many queues, then five minutes are.
Seconds are of processor time.
"""

import argparse
import gc
import json
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import count, groupby, islice
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "detection"))

from detection_kit import tell

from deploy.runtime.hosting import GC_THRESHOLDS
from deploy.runtime.processor import Output, Processor, Record
from deploy.runtime.settings import Settings
from streams.contract.keys import murmur2_partition
from streams.contract.topics import CALLS, CELLS, PARTIALS, VISITS
from streams.detection import Detection, rules_from
from streams.processors import factory

PARTITIONS = 6
CHUNK = 2_000
HOUR_MS = 3_600_000
T = 1_700_000_000_000 // HOUR_MS * HOUR_MS
CALLS_OF_KEYS = 50_000
LIVE_S = 40
CALLS_PER_S = 500
TELL_MS = 200
MINUTE_MS, DAY_MS = 60_000, 24 * HOUR_MS
QUEUES_OF_HOTLINE = 10
JUDGED_DAYS = 4
CALLS_A_MINUTE = (0, 0, 0, 0, 1, 1, 1, 2, 3)
KINDS = ("queued", "answered", "ended")

Item = TypeVar("Item")

_encode = msgspec.json.Encoder().encode


def resident() -> int:
    """Bytes (Linux only)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Core:
    """All partitions and the merger; counts what leaves."""

    def __init__(self) -> None:
        self._build = factory(Settings(demo=True))
        self.calls: list[Any] = [self._build(CALLS, partition, None) for partition in range(PARTITIONS)]
        for calls in self.calls:
            calls.resumed(0, 1)
        self._merger: Processor = self._build(PARTIALS, 0, None)
        self._offsets = [count() for _ in range(PARTITIONS)]
        self._bundles = count()
        self.seconds = {"partitions": 0.0, "merger": 0.0}
        self.left: dict[str, list[int]] = {topic: [0, 0] for topic in (VISITS, PARTIALS, CELLS)}

    def read(self, events: list[dict[str, Any]]) -> None:
        """Events in order of time, partition by partition."""
        chunks: list[list[Record]] = [[] for _ in range(PARTITIONS)]
        for event in events:
            key = event["call"].encode()
            partition = murmur2_partition(key, PARTITIONS)
            offset = next(self._offsets[partition])
            chunks[partition].append(Record(offset, event["time"], key, _encode(event)))
        outputs: list[Output] = []
        begun = time.process_time()
        for calls, records in zip(self.calls, chunks, strict=True):
            calls.apply(records)
            outputs += calls.outputs()
        told = time.process_time()
        bundles = [Record(next(self._bundles), 0, None, it.value) for it in outputs if it.topic == PARTIALS]
        self._merger.apply(bundles)
        outputs += self._merger.outputs()
        self.seconds["partitions"] += told - begun
        self.seconds["merger"] += time.process_time() - told
        for it in outputs:
            if it.topic in self.left:
                self.left[it.topic][0] += 1
                self.left[it.topic][1] += len(it.value)

    def save(self) -> list[dict[str, bytes]]:
        return [calls.snapshot() for calls in self.calls]

    def restore(self, snapshots: list[dict[str, bytes]]) -> None:
        self.calls = [self._build(CALLS, partition, its) for partition, its in enumerate(snapshots)]


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def waiting(number: int, of: int) -> Iterator[dict[str, Any]]:
    """A call that arrives and waits; all of them arrive within an hour."""
    call, at, queue = f"pbx1-20261122-{number:08d}", T + number * HOUR_MS // of, f"queue-{number % 40}"
    told = {"call": call, "hotline": "12345"}
    yield told | {
        "type": "arrived",
        "time": at,
        "caller": f"138{number:08d}",
        "source": "PBX-1",
        "channel": "phone",
        "origin": "mobile",
        "direction": "inbound",
        "centre": "east",
    }
    yield told | {
        "type": "queued",
        "time": at + 900,
        "queue": queue,
        "language": "zh",
        "priority": "normal",
        "skill": f"{queue}-zh",
    }


def over(number: int, at: int) -> Iterator[dict[str, Any]]:
    """The same call is answered and ends."""
    told = {"call": f"pbx1-20261122-{number:08d}", "hotline": "12345", "queue": f"queue-{number % 40}"}
    yield told | {"type": "answered", "time": at, "agent": f"a{number % 500}"}
    yield told | {"type": "ended", "time": at + 1, "talk_ms": 1}


def of_calls(calls: int) -> dict[str, float]:
    core = Core()
    empty = resident()
    for numbers in chunks(range(calls), CHUNK * PARTITIONS // 2):
        core.read([event for number in numbers for event in waiting(number, calls)])
    gc.collect()
    each = (resident() - empty) / calls
    arriving = 2 * calls / core.seconds["partitions"]
    core.seconds["partitions"] = 0.0
    some = min(20_000, max(1, calls // 20))
    later = [
        event for at, number in enumerate(range(0, calls, calls // some)) for event in over(number, T + HOUR_MS + at)
    ]
    for events in chunks(later, CHUNK * PARTITIONS):
        core.read(events)
    ending = len(later) / core.seconds["partitions"]
    begun = time.process_time()
    saved = core.save()
    checkpoint = time.process_time() - begun
    begun = time.process_time()
    core.restore(saved)
    return {
        "calls": calls,
        "bytes_each": each,
        "events_per_s_arriving": arriving,
        "events_per_s_ending": ending,
        "state_bytes_each": sum(len(part) for parts in saved for part in parts.values()) / calls,
        "checkpoint_s": checkpoint,
        "restart_s": time.process_time() - begun,
    }


def of_keys(keys: int) -> dict[str, float]:
    core = Core()
    events = []
    for number in range(CALLS_OF_KEYS):
        told = {"call": f"call-{number}", "hotline": "12345", "queue": f"queue-{number * 7919 % keys}"}
        at = T + number * 600_000 // CALLS_OF_KEYS
        events.append(told | {"type": "queued", "time": at})
        events.append(told | {"type": "answered", "time": at + 8_000, "agent": f"a{number % 500}"})
        events.append(told | {"type": "ended", "time": at + 200_000, "talk_ms": 192_000})
    events.sort(key=lambda event: event["time"])
    for some in chunks(events, CHUNK * PARTITIONS):
        core.read(some)
    rows = {f"{topic.partition('.')[2]}_per_event": core.left[topic][0] / len(events) for topic in (VISITS, CELLS)}
    sizes = {f"{topic.partition('.')[2]}_bytes": core.left[topic][1] / len(events) for topic in core.left}
    state = sum(len(part) for parts in core.save() for part in parts.values())
    return {
        "keys": keys,
        "events_per_s_partitions": len(events) / core.seconds["partitions"],
        "events_per_s_merger": len(events) / core.seconds["merger"],
        "state_mib": state / 2**20,
        **rows,
        **sizes,
    }


def of_queues(queues: int) -> dict[str, float]:
    core, random = Core(), Random(1)
    events = []
    for number in range(LIVE_S * CALLS_PER_S):
        queue = random.randrange(queues)
        told = {"call": f"call-{number}", "hotline": f"hotline-{queue // QUEUES_OF_HOTLINE}", "queue": f"queue-{queue}"}
        at = T + number * 1_000 // CALLS_PER_S
        answered = at + int(random.expovariate(1 / 15_000))
        ended = answered + int(random.expovariate(1 / 180_000))
        events += [told | {"type": kind, "time": when} for kind, when in zip(KINDS, (at, answered, ended), strict=True)]
    live = sorted((it for it in events if it["time"] < T + LIVE_S * 1_000), key=lambda it: it["time"])
    for _, some in groupby(live, key=lambda it: it["time"] // TELL_MS):
        core.read(list(some))
    return {
        "queues": queues,
        "partitions_percent_of_a_core": 100 * core.seconds["partitions"] / LIVE_S,
        "merger_percent_of_a_core": 100 * core.seconds["merger"] / LIVE_S,
        "partials_bytes_per_s": core.left[PARTIALS][1] / LIVE_S,
    }


def of_days(days: int) -> dict[str, float]:
    empty, seconds = resident(), time.process_time()
    detection = learned(days, QUEUES_OF_HOTLINE)
    learnt = time.process_time() - seconds
    gc.collect()
    kept = resident() - empty
    judged = judging(detection, QUEUES_OF_HOTLINE, minutes=60)
    seconds = time.process_time()
    state = detection.snapshot()
    saved = time.process_time() - seconds
    seconds = time.process_time()
    Detection.restore(detection.rules, state)
    return {
        "days": days,
        "learning_s": learnt,
        "memory_mib": kept / 2**20,
        "judging_percent_of_a_core": 100 * sum(judged) / 3_600,
        "state_kib": sum(map(len, state.values())) / 1024,
        "checkpoint_s": saved,
        "restart_s": time.process_time() - seconds,
    }


def of_judged(queues: int) -> dict[str, float]:
    empty = resident()
    detection = learned(JUDGED_DAYS, queues)
    gc.collect()
    kept = resident() - empty
    judged = judging(detection, queues, minutes=5)
    before = detection.snapshot()
    tell_queue(detection, "live", T + 5 * MINUTE_MS, [1] * queues, 0)
    detection.advance(T + 5 * MINUTE_MS + 2 * TELL_MS, T + 5 * MINUTE_MS + 2 * TELL_MS)
    seconds = time.process_time()
    state = detection.snapshot()
    saved = time.process_time() - seconds
    return {
        "queues": queues,
        "memory_mib": kept / 2**20,
        "judging_percent_of_a_core": 100 * sum(judged) / 300,
        "at_a_border_s": max(judged),
        "state_kib": sum(map(len, state.values())) / 1024,
        "written_kib": sum(len(state[name]) for name in state if state[name] != before[name]) / 1024,
        "checkpoint_s": saved,
    }


def learned(days: int, queues: int) -> Detection:
    """A detection that was taught so many days of so many queues, a call a minute in each."""
    detection = Detection(rules_from(Settings(demo=True, demand={"learn_from": ("history",)})))
    random = Random(1)
    usual = [[random.choice(CALLS_A_MINUTE) for _ in range(queues)] for _ in range(50)]
    for minute in range(T - days * DAY_MS, T, MINUTE_MS):
        offered = random.choice(usual)
        for queue in range(queues):
            tell_queue(detection, "history", minute, offered, queue)
        for hotline in range(queues // QUEUES_OF_HOTLINE):
            tell_hotline(detection, "history", minute, offered, hotline)
        if not minute % DAY_MS:
            detection.complete("history", minute)
    detection.complete("history", T)
    detection.advance(T, 1)
    return detection


def judging(detection: Detection, queues: int, *, minutes: int) -> list[float]:
    """Seconds that each of five looks a second took, while as many calls come as were learned."""
    random, offered, spent = Random(2), [0] * queues, []
    for now in range(T + TELL_MS, T + minutes * MINUTE_MS + TELL_MS, TELL_MS):
        minute = now - now % MINUTE_MS
        if now == minute:
            offered = [0] * queues
        for queue in random.sample(range(queues), round(queues * TELL_MS / MINUTE_MS + random.random() / 2)):
            offered[queue] += 1
            tell_queue(detection, "live", minute, offered, queue)
            tell_hotline(detection, "live", minute, offered, queue // QUEUES_OF_HOTLINE)
        begun = time.process_time()
        detection.advance(now, now)
        spent.append(time.process_time() - begun)
    return spent


def tell_queue(detection: Detection, feed: str, minute: int, offered: list[int], queue: int) -> None:
    """A minute's calls of a queue."""
    told = {"offered": offered[queue], "event_answered.20": offered[queue]}
    tell(detection, feed, f"hotline-{queue // QUEUES_OF_HOTLINE}", "queue", f"queue-{queue}", minute, told)


def tell_hotline(detection: Detection, feed: str, minute: int, offered: list[int], hotline: int) -> None:
    """The sum of its queues."""
    calls = sum(offered[hotline * QUEUES_OF_HOTLINE : (hotline + 1) * QUEUES_OF_HOTLINE])
    told = {"offered": calls, "event_answered.20": calls}
    tell(detection, feed, f"hotline-{hotline}", "hotline", "", minute, told)


def point(kind: str, size: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--point", kind, str(size)]
    told: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told


def table(rows: list[dict[str, float]]) -> str:
    head = [name.replace("_", " ") for name in rows[0]]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(f'{it:,.0f}' if it >= 50 else f'{it:.3g}' for it in row.values())} |" for row in rows]
    return "\n".join(lines)


POINTS = {"calls": of_calls, "keys": of_keys, "queues": of_queues, "days": of_days, "judged": of_judged}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, nargs="*", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--keys", type=int, nargs="*", default=[100, 1_000, 10_000, 100_000])
    parser.add_argument("--queues", type=int, nargs="*", default=[60, 600, 3_000])
    parser.add_argument("--days", type=int, nargs="*", default=[1, 7, 28, 91, 364])
    parser.add_argument("--judged", type=int, nargs="*", default=[60, 600, 3_000])
    parser.add_argument("--point", nargs=2)
    chosen = parser.parse_args()
    if chosen.point:
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        kind, size = chosen.point
        print(json.dumps(POINTS[kind](int(size))))
        return
    print(f"Python {platform.python_version()}\n")
    for kind in POINTS:
        if sizes := getattr(chosen, kind):
            print(table([point(kind, size) for size in sizes]), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
