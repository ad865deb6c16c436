"""How long until a call is on the wallboard and in SQL, and a breach at a webhook, under a stated load: as distributions.

    python tests/bench/latency.py [--rate 10000] [--for 60] [--warm-up 10] [--streams 1] [--short] [--stages]

Starts all of Hotline in a directory of its own, sends events at a fixed rate (eight a call, with the states of its agent;
`--short`: three, the call's own), and watches the wallboard's stream (`calls_today`) and ClickHouse (every twentieth
call's row). Every second three calls come to a queue of that second of a minute and wait there for 40 s: after 20 s a
webhook is told (the rule is `waiting_past_threshold`, with no `for`); with `--probed 1000` each second has a queue of its
own, and there are the more of them the longer it goes on. Call n is on the board when the first message shows n calls. Its clock
starts when it was *due*, whether or not it could be sent then: a system that stalls its sender gets no better for it.

Rows are asked for by their key, in the table that `v_visits` reads (it shows every row of `live`): to count the view
five times a second took more of ClickHouse than everything else that it did here, and more with every minute. What
asking takes is in ClickHouse's figures.
"""

import argparse
import asyncio
import json
import math
import os
import tempfile
import time
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import aiohttp
import msgspec
from aiohttp import web
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from idle import MIB, cost, family, running

from deploy.embedded.child import free_port
from deploy.runtime import run_file
from streams.contract import Cell, CellsRecord
from streams.contract.events import CallEvent
from streams.contract.keys import murmur2_partition, record_key
from streams.contract.topics import CALLS, CELLS, TOPICS, VISITS

PARTITIONS = next(topic.partitions for topic in TOPICS if topic.name == CALLS)
SEND_EVERY_S = 0.05
"""A call that is due waits so long at most: sent a hundred times a second they cost the broker, and who reads, more than
Hotline's own records."""
THRESHOLD_S = 20
WAITING = 3
"""So many have to wait past the threshold (`service_level.over_threshold_min`)."""
GIVE_UP_S = 40
RULES = "rules: [{name: WaitingPastThreshold, signal: waiting_past_threshold, severity: warning}]"
ASK_EVERY_S = 0.2
ASKED = 20
"""Of so many calls one row is asked for."""
MOST_ASKED = 1_000
"""Of at most so many at once, those that are due longest."""
LAST_S = 30.0
"""How long after the last event everything must be there."""
QUEUES = 40


class Seen(NamedTuple):
    """At this instant (s) so many calls were there."""

    at: float
    calls: int


AGENTS = 10_000


class Step(NamedTuple):
    """What a call's source sends so many seconds after the call came; `state`: of its agent."""

    after_s: float
    type: str
    state: str = ""


WHOLE = (
    Step(0.0, "queued"),
    Step(1.5, "agent_state", "ringing"),
    Step(2.0, "answered"),
    Step(2.0, "agent_state", "on_call"),
    Step(5.0, "ended"),
    Step(5.0, "agent_state", "after_call"),
    Step(8.0, "wrapped"),
    Step(8.0, "agent_state", "available"),
)
SHORT = (WHOLE[0], WHOLE[2], WHOLE[4])
GAVE_UP = Step(GIVE_UP_S, "abandoned")


class Load:
    """Call n is queued in slot n, and the rest of its steps follow.

    The first of each second are nobody's: they wait in one of `probed` queues, each in turn, until they hang up.
    """

    def __init__(self, rate: float, seconds: float, steps: Sequence[Step], probed: int) -> None:
        self.steps = steps
        self.probed = probed
        self.calls_per_s = rate / len(steps)
        self.calls = int(self.calls_per_s * seconds)
        self.begin = time.time() + 1.0
        self.sent: list[Seen] = []
        self._encode = msgspec.json.Encoder().encode

    def due(self, call: int) -> float:
        return self.begin + call / self.calls_per_s

    def unanswered_in(self, call: int) -> int | None:
        """The second in whose queue the call waits in vain; None for most calls."""
        second = int(call / self.calls_per_s)
        return second if call in self.waiting_of(second) else None

    def waiting_of(self, second: int) -> range:
        first = math.ceil(second * self.calls_per_s)
        return range(first, first + WAITING)

    def queue(self, call: int) -> str:
        second = self.unanswered_in(call)
        return f"queue-{call % QUEUES}" if second is None else f"second-{second % self.probed}"

    def passes(self, second: int) -> float:
        """When the last call that it takes has waited past the threshold."""
        return self.due(self.waiting_of(second)[-1]) + THRESHOLD_S

    def told_of(self, queue: int, at: float) -> int:
        """The second whose calls have passed the threshold in one of the probed queues, as of that instant."""
        last = int(at - self.passes(0))
        return last - (last - queue) % self.probed

    async def send(self, bootstrap: str) -> None:
        sent = [0] * len(self.steps)
        gave_up = 0
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
            while sent[-1] < self.calls:
                now = time.time()
                batches = [producer.create_batch() for _ in range(PARTITIONS)]
                for number, step in enumerate(self.steps):
                    to = min(self.calls, max(0, int((now - step.after_s - self.begin) * self.calls_per_s) + 1))
                    for call in range(sent[number], to):
                        if not number or self.unanswered_in(call) is None:
                            await self._add(producer, batches, self._event(call, step))
                    sent[number] = to
                while self.due(self.waiting_of(gave_up)[-1]) + GIVE_UP_S <= now:
                    for call in self.waiting_of(gave_up):
                        await self._add(producer, batches, self._event(call, GAVE_UP))
                    gave_up += 1
                for partition, batch in enumerate(batches):
                    if batch.record_count():
                        await producer.send_batch(batch, CALLS, partition=partition)
                self.sent.append(Seen(time.time(), sent[0]))
                await asyncio.sleep(SEND_EVERY_S)
            await producer.flush()

    def _event(self, call: int, step: Step) -> CallEvent:
        event = CallEvent(type=step.type, time=int((self.due(call) + step.after_s) * 1000), hotline="bench")
        event.agent = f"agent-{call % AGENTS}"
        if step.state:
            event.state, event.skills = step.state, [f"queue-{call % QUEUES}"]
            return event
        event.call, event.queue = f"latency-{call}", self.queue(call)
        match step.type:
            case "queued":
                event.agent, event.caller = "", f"1380000{call % 10_000:04}"
            case "answered":
                event.wait_ms = 2_000
            case "abandoned":
                event.agent, event.wait_ms = "", GIVE_UP_S * 1000
            case "ended":
                event.talk_ms = 3_000
            case "wrapped":
                event.acw_ms = 3_000
        return event

    async def _add(self, producer: AIOKafkaProducer, batches: list, event: CallEvent) -> None:
        key, value = record_key(event).encode(), self._encode(event)
        partition = murmur2_partition(key, PARTITIONS)
        if batches[partition].append(key=key, value=value, timestamp=None) is None:
            await producer.send_batch(batches[partition], CALLS, partition=partition)
            batches[partition] = producer.create_batch()
            batches[partition].append(key=key, value=value, timestamp=None)


async def watch_board(session: aiohttp.ClientSession, url: str, seen: list[Seen], calls: int) -> None:
    """Until all calls are on the board."""
    async with session.get(f"{url}/api/v1/stream") as answer:
        async for line in answer.content:
            if line.startswith(b"data: "):
                at = time.time()
                totals = msgspec.json.decode(line[6:]).get("totals")
                if totals and totals["calls_today"]:
                    seen.append(Seen(at, totals["calls_today"]))
                    if totals["calls_today"] >= calls:
                        return


async def watch_rows(session: aiohttp.ClientSession, url: str, load: Load, found: dict[int, float]) -> None:
    """Until every twentieth call has its row: call -> when it was seen."""
    waiting = {f"latency-{call}/{load.queue(call)}/1": call for call in range(0, load.calls, ASKED)}
    while waiting:
        now = time.time()
        due = [visit for visit in islice(waiting, MOST_ASKED) if load.due(waiting[visit]) <= now]
        if due:
            listed = ", ".join(f"'{visit}'" for visit in due)
            question = f"SELECT visit FROM visits WHERE feed = 'live' AND generation = 0 AND visit IN ({listed})"
            async with session.post(url, data=question) as answer:
                answer.raise_for_status()
                there = (await answer.text()).split()
            at = time.time()
            found |= {waiting.pop(visit): at for visit in set(there)}
        await asyncio.sleep(ASK_EVERY_S)


async def watch_topics(bootstrap: str, visits: list[Seen], cells: list[Seen], calls: int) -> None:
    """Until all calls are in `hotline.visits` and counted in `hotline.cells`: where the time before a screen goes."""
    ids: set[bytes] = set()
    counted: dict[tuple[str, int], int] = {}
    decode = msgspec.json.Decoder(CellsRecord).decode
    fewer = {"fetch_min_bytes": 64 * 1024, "fetch_max_wait_ms": 50}  # its reading is not to be what is measured
    consumer = AIOKafkaConsumer(VISITS, CELLS, bootstrap_servers=bootstrap, auto_offset_reset="earliest", **fewer)
    await consumer.start()
    try:
        while min(len(ids), sum(counted.values())) < calls:
            for place, records in (await consumer.getmany(timeout_ms=200)).items():
                at = time.time()
                if place.topic == VISITS:
                    ids.update(record.key for record in records if record.key)
                    visits.append(Seen(at, len(ids)))
                    continue
                for record in records:
                    cell = decode(record.value)
                    if isinstance(cell, Cell) and cell.dimension_set == "hotline":
                        counted[cell.hotline, cell.minute] = cell.counts.get("offered", 0)
                cells.append(Seen(at, sum(counted.values())))
    finally:
        await consumer.stop()


class Pager:
    """The webhook's other end: when each second's queue was told of, by its number."""

    def __init__(self, load: Load) -> None:
        self.told: dict[int, float] = {}
        self._load = load
        self._more = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        at = time.time()
        for alert in (await request.json())["alerts"]:
            name, _, queue = alert["labels"].get("queue", "").partition("-")
            if name == "second" and alert["status"] == "firing":
                self.told.setdefault(self._load.told_of(int(queue), at), at)
        self._more.set()
        return web.Response()

    async def serve(self, port: int) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/", self.take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return runner

    async def hears(self, seconds: Sequence[int]) -> None:
        while not self.told.keys() >= set(seconds):
            await self._more.wait()
            self._more.clear()


def latencies(load: Load, seen: Sequence[Seen], first: int) -> list[float]:
    """Seconds from when each call was due until it was there, sorted; from call `first` on."""
    counts = [it.calls for it in seen]
    return sorted(seen[bisect_left(counts, call + 1)].at - load.due(call) for call in range(first, load.calls))


def line(name: str, values: Sequence[float]) -> str:
    marks = " | ".join(f"{values[min(len(values) - 1, int(p * len(values)))]:.2f}" for p in (0.5, 0.9, 0.99, 0.999))
    return f"| {name} | {marks} | {values[-1]:.2f} |"


async def measure(
    run: run_file.RunFile,
    port: int,
    rate: float,
    seconds: float,
    *,
    warm_up: float,
    steps: Sequence[Step],
    probed: int,
    stages: bool,
) -> None:
    board: list[Seen] = []
    rows: dict[int, float] = {}
    topics: tuple[list[Seen], list[Seen]] = [], []
    before = {pid: cost(pid) for pid in family(run.pid)}
    timeout = aiohttp.ClientTimeout(total=None, sock_read=LAST_S)
    async with aiohttp.ClientSession(read_bufsize=2**22, timeout=timeout) as session:
        load = Load(rate, seconds + warm_up, steps, probed)
        pager = Pager(load)
        runner = await pager.serve(port)
        asked = range(int(warm_up), int(warm_up + seconds) - 1)
        async with asyncio.timeout(warm_up + seconds + THRESHOLD_S + LAST_S):
            await asyncio.gather(
                load.send(run.endpoints.kafka),
                watch_board(session, run.endpoints.web, board, load.calls),
                watch_rows(session, run.endpoints.clickhouse, load, rows),
                pager.hears(asked),
                *([watch_topics(run.endpoints.kafka, *topics, load.calls)] if stages else []),
            )
    await runner.cleanup()
    first = int(warm_up * load.calls_per_s)
    print(
        f"{rate:,.0f} events/s for {seconds:.0f} s, {load.calls - first:,} calls of {len(steps)} events;"
        " seconds since a call was due\n"
    )
    print("| until | p50 | p90 | p99 | p99.9 | max |\n|---|---|---|---|---|---|")
    print(line("handed to Kafka's client", latencies(load, load.sent, first)))
    if stages:
        print(line("in `hotline.visits`", latencies(load, topics[0], first)))
        print(line("counted in `hotline.cells`", latencies(load, topics[1], first)))
    print(line("on the wallboard's stream", latencies(load, board, first)))
    print(line("a row in SQL", sorted(at - load.due(call) for call, at in rows.items() if call >= first)))
    paged = sorted(pager.told[second] - load.passes(second) for second in asked)
    print(line(f"threshold passed -> webhook ({len(asked)} of them)", paged))
    print(
        f"\nThis program: {time.process_time() / (time.time() - load.begin):.0%} of a core; load average {os.getloadavg()[0]:.1f}"
    )
    print("\n| process | of one core | RSS before, MiB | after |\n|---|---|---|---|")
    took = time.time() - load.begin
    for pid, name in family(run.pid).items():
        if pid in before:
            its = cost(pid)
            used = (its.cpu_s - before[pid].cpu_s) / took
            print(f"| {name} | {used:.0%} | {before[pid].rss / MIB:.0f} | {its.rss / MIB:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=10_000)
    parser.add_argument("--for", type=float, default=60, dest="seconds")
    parser.add_argument("--warm-up", type=float, default=10)
    parser.add_argument("--streams", default="1", help="so many `streams`, which share the partitions")
    parser.add_argument("--probed", type=int, default=60, help="so many queues in which calls wait past the threshold")
    parser.add_argument("--short", action="store_true", help="calls of three events, without agents")
    parser.add_argument("--stages", action="store_true", help="also until it is in the topics between")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        rules, port = Path(directory) / "rules.yaml", free_port()
        rules.write_text(RULES)
        more = {
            "HOTLINE_ALERTS__RULES": str(rules),
            "HOTLINE_ALERTS__WEBHOOKS": json.dumps([{"url": f"http://127.0.0.1:{port}/"}]),
        }
        with running(Path(directory), "--streams", chosen.streams, **more) as run:
            its = measure(
                run,
                port,
                chosen.rate,
                chosen.seconds,
                warm_up=chosen.warm_up,
                steps=SHORT if chosen.short else WHOLE,
                probed=chosen.probed,
                stages=chosen.stages,
            )
            asyncio.run(its)


if __name__ == "__main__":
    main()
