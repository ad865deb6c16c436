"""Random calls as a telephone system would tell them, and everything that may happen to the telling.

An event is delivered with a delay, perhaps twice, perhaps never; some are late, some from the future, some broken.
"""

import random
from dataclasses import dataclass, field
from typing import Any

import msgspec

from streams.contract.keys import murmur2_partition

S, MINUTE, HOUR = 1_000, 60_000, 3_600_000
LATENESS = 20 * MINUTE
"""What the settings of a scenario allow: all limits are a sixth of the defaults, so that a scenario is short."""
START = 1_700_000_000_000 - 1_700_000_000_000 % HOUR
QUEUES = ("utilities", "traffic", "health")
ENDINGS = ("abandoned", "ended", "wrapped", "callback_completed", "rated", "reclassified")
CATEGORIES = ("water/leak", "water/bill", "roads", "noise/night/bar", "")


@dataclass(frozen=True)
class Arrival:
    """A record on its way into the input topic: at which instant (ms), on which partition."""

    at: int
    partition: int
    value: bytes


@dataclass(frozen=True)
class Plan:
    """How much traffic of which kind, from the instant `begin` (ms) on; probabilities are per event.

    `name`: what the ids of its calls begin with. `endless`: per call, that nobody tells its end.
    """

    calls: int
    span_ms: int
    begin: int = START
    name: str = "c"
    repeat: float = 0.05
    disorder: float = 0.05
    far_behind: float = 0.02
    late: float = 0.01
    future: float = 0.01
    lost: float = 0.02
    broken: float = 0.02
    endless: float = 0.0


def traffic(rng: random.Random, plan: Plan, partitions: int) -> list[Arrival]:
    """Everything that reaches the input topic, in order of arrival."""
    arrivals: list[Arrival] = []
    placed: dict[str, int] = {}
    for number in range(plan.calls):
        call = f"{plan.name}{number}"
        begin = plan.begin + rng.randrange(plan.span_ms)
        partition = murmur2_partition(call.encode(), partitions)
        if rng.random() < 0.02:
            partition = rng.randrange(partitions)  # a producer with another partitioner
        placed[call] = partition
        arrivals += _told(rng, plan, partition, _call(rng, call, begin))
    for source in ("pbx-1", "pbx-2"):
        partition = murmur2_partition(source.encode(), partitions)
        for event in _heartbeats(rng, source, plan):
            arrivals += _delivered(rng, plan, partition, event)
        for _ in range(rng.choice([0, 1, 1, 2])):
            arrivals += _snapshot(rng, source, plan, placed, partitions)
    for agent in ("ann", "bob", "cai"):
        partition = murmur2_partition(agent.encode(), partitions)
        arrivals += _told(rng, plan, partition, _shift(rng, agent, plan))
    return sorted(arrivals, key=lambda arrival: arrival.at)


def of_call(rng: random.Random, plan: Plan, call: str, begin: int, partitions: int) -> list[Arrival]:
    """One call that begins at `begin` (ms), as it reaches the input topic."""
    events = _call(rng, call, begin)
    if rng.random() < plan.endless:
        events = [event for event in events if event["type"] not in ENDINGS]
    return _told(rng, plan, murmur2_partition(call.encode(), partitions), events)


def _told(rng: random.Random, plan: Plan, partition: int, events: list[dict[str, Any]]) -> list[Arrival]:
    """These events as they arrive: some never do, some also as rubbish."""
    arrivals: list[Arrival] = []
    for event in events:
        if rng.random() < plan.lost:
            continue
        arrivals += _delivered(rng, plan, partition, event)
        if rng.random() < plan.broken:
            arrivals.append(Arrival(event["time"] + rng.randrange(5 * S), partition, _broken(rng, event)))
    return arrivals


def _heartbeats(rng: random.Random, source: str, plan: Plan) -> list[dict[str, Any]]:
    every = max(30 * S, plan.span_ms // 20)
    said = {"type": "heartbeat", "source": source, "hotline": rng.choice(["", "city"])}
    return [said | {"time": plan.begin + at} for at in range(0, plan.span_ms, every)]


def _shift(rng: random.Random, agent: str, plan: Plan) -> list[dict[str, Any]]:
    """What one agent's telephone says of a shift."""
    said = {"type": "agent_state", "agent": agent, "hotline": "city", "centre": "north", "source": "pbx-1"}
    at = plan.begin + rng.randrange(plan.span_ms)
    events: list[dict[str, Any]] = [
        said | {"time": at, "state": "available", "skills": rng.sample(QUEUES, rng.randint(1, 3))}
    ]
    for _ in range(rng.choice([2, 6, 12])):
        at += rng.choice([0, 7 * S, 40 * S, 5 * MINUTE, 25 * MINUTE, 75 * MINUTE])
        state = rng.choice(["available", "ringing", "on_call", "hold", "after_call", "break", "ring_no_answer"])
        told: dict[str, Any] = {"time": at, "state": state}
        if state in {"ringing", "on_call", "hold", "ring_no_answer"}:
            told["queue"] = rng.choice(QUEUES)
        if state == "break":
            told["reason"] = rng.choice(["lunch", ""])
        if rng.random() < 0.1:
            told["skills"] = rng.sample(QUEUES, 1)
        events.append(said | told)
    if rng.random() < 0.7:
        events.append(said | {"time": at + 30 * S, "state": "logged_out"})
    return events


def _snapshot(rng: random.Random, source: str, plan: Plan, placed: dict[str, int], partitions: int) -> list[Arrival]:
    """A source tells which calls and agents it has: some of those that there are, and one that nobody heard of."""
    at = plan.begin + rng.randrange(plan.span_ms)
    found: list[Arrival] = []

    def tell(fields: dict[str, Any], key: str = "") -> None:
        nonlocal at
        at += rng.randrange(20)
        value = msgspec.json.encode({"time": at, "source": source} | fields)
        to = [placed.get(key, murmur2_partition(key.encode(), partitions))] if key else range(partitions)
        found.extend(Arrival(at, partition, value) for partition in to)

    tell({"type": "snapshot_begin"})
    calls = sorted({number for number in range(plan.calls) if rng.random() < 0.5})
    for number in [*calls, plan.calls + 1]:
        durations = {"wait_ms": 9 * S, "talk_ms": 60 * S} if rng.random() < 0.5 else {"wait_ms": 9 * S}
        told = {"type": "snapshot", "call": f"{plan.name}{number}", "hotline": "city", "queue": rng.choice(QUEUES)}
        tell(told | durations, f"{plan.name}{number}")
    if source == "pbx-1" and rng.random() < 0.5:
        tell({"type": "snapshot", "agent": "ann", "state": "available", "hotline": "city", "centre": "north"}, "ann")
    if rng.random() < 0.8:
        tell({"type": "snapshot_end"})
    return found


def replay(rng: random.Random, feed: str, begin: int, *, calls: int, partitions: int) -> list[Arrival]:
    """One run of a replay beside live: an hour of another month, between its marks, at the instant `begin` (ms), its generation."""
    past = START - 700 * HOUR
    order = random.Random(feed)  # every generation replays the same file
    events = [event for n in range(calls) for event in _call(order, f"r{n}", past + order.randrange(HOUR))]
    events.sort(key=lambda event: event["time"])
    named = {"feed": feed, "generation": begin}
    marks = {"range_from": past, "range_to": past + 2 * HOUR}
    values: list[tuple[list[int], dict[str, Any]]] = [
        (list(range(partitions)), {"type": "feed_begin", "time": past} | marks | named)
    ]
    values += [([murmur2_partition(event["call"].encode(), partitions)], event | named) for event in events]
    values.append((list(range(partitions)), {"type": "feed_end", "time": past + 2 * HOUR} | named))
    arrivals, at = [], begin
    for targets, event in values:
        at += rng.choice([0, 0, 10, 500])
        arrivals += [Arrival(at, partition, msgspec.json.encode(event)) for partition in targets]
    return arrivals


def _delivered(rng: random.Random, plan: Plan, partition: int, event: dict[str, Any]) -> list[Arrival]:
    chance = rng.random()
    delay = rng.randrange(2 * S)
    if chance < plan.late:
        delay = LATENESS + rng.randint(1, HOUR)
    elif chance < plan.late + plan.far_behind:
        delay = rng.randrange(LATENESS - MINUTE)
    elif chance < plan.late + plan.far_behind + plan.disorder:
        delay = rng.randrange(90 * S)
    elif chance < plan.late + plan.far_behind + plan.disorder + plan.future:
        delay = -rng.choice([2 * MINUTE, 5 * MINUTE, 5 * MINUTE + 1, HOUR])
    value = msgspec.json.encode(event)
    arrivals = [Arrival(event["time"] + delay, partition, value)]
    while rng.random() < plan.repeat:
        again = event["time"] + max(0, delay) + rng.choice([0, 100, 30 * S, 10 * MINUTE])
        arrivals.append(Arrival(again, partition, value))
    return arrivals


@dataclass
class _Telling:
    """One call as it goes on: what is told of it, and its time (ms)."""

    rng: random.Random
    at: int
    said: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, kind: str, **fields: Any) -> None:
        said = {name: value for name, value in fields.items() if value not in ("", None)}
        self.events.append({"type": kind, "time": self.at} | self.said | said)

    def wait(self, most_s: float) -> int:
        """Some time passes; how much, ms."""
        ms = self.rng.choice([0, round(self.rng.random() * most_s * S), round(self.rng.random() * most_s) * S])
        self.at += ms
        return ms


def _call(rng: random.Random, call: str, at: int) -> list[dict[str, Any]]:
    """The events of one call, in order of its life."""
    said = {"call": call, "hotline": rng.choice(["city", "city", "line-2"]), "source": rng.choice(["pbx-1", "pbx-2"])}
    told = _Telling(rng, at, said)
    if rng.random() < 0.8:
        told.tell("arrived", caller=f"139{rng.randrange(10**8):08d}", language=rng.choice(["zh", "en", ""]))
        told.wait(20)
    kind = rng.choices(["menu", "blocked", "flagged", "queue"], [8, 3, 4, 85])[0]
    if kind in {"blocked", "menu"}:
        told.tell("blocked" if kind == "blocked" else "ended")
        return told.events
    flag = rng.choice(["phantom", "test", "nuisance"]) if kind == "flagged" else None
    visits = rng.choice([1, 1, 1, 2, 3])
    queue = outcome = ""
    for number in range(visits):
        queue = rng.choice(QUEUES)
        outcome = _stay(told, queue, flag, last=number == visits - 1)
        if outcome == "hung_up":
            return told.events
        if outcome != "answered" and number == visits - 1:
            break
        told.wait(3)
        told.at += 1_500
    told.at += rng.choice([0, MINUTE, 10 * MINUTE, 90 * MINUTE])
    if outcome == "callback_taken" and rng.random() < 0.7:
        told.tell("callback_completed")
    if rng.random() < 0.2:
        told.tell("rated", rating=rng.randint(1, 5), queue=rng.choice(["", queue]))
    if rng.random() < 0.05:
        told.tell("reclassified", category=rng.choice(CATEGORIES))
    return told.events


def _stay(told: _Telling, queue: str, flag: str | None, *, last: bool) -> str:
    """One stay in a queue; how it ended (`hung_up`: only that the call is over was told)."""
    rng = told.rng
    told.tell("queued", queue=queue, flag=flag, centre=rng.choice(["north", ""]), skill=rng.choice(["s1", ""]))
    waited = told.wait(rng.choice([5, 21, 60, 400]))
    outcome = rng.choices(["answered", "abandoned", "flowed_out", "callback_taken"], [70, 18, 8, 4])[0]
    stated = waited if rng.random() < 0.3 else None
    if not last and outcome in {"abandoned", "callback_taken"}:
        outcome = "flowed_out"
    if outcome == "abandoned" and rng.random() < 0.3:
        told.tell("ended")
        return "hung_up"
    skew = rng.choice([0] * 9 + [-2 * S, -9 * S])  # two clocks in one exchange
    told.at += skew
    told.tell(outcome, queue=queue if rng.random() < 0.7 else "", wait_ms=stated, agent=rng.choice(["ann", "bob", ""]))
    told.at -= skew
    if outcome == "answered":
        _talk(told, queue, last=last)
    return outcome


def _talk(told: _Telling, queue: str, *, last: bool) -> None:
    rng = told.rng
    talked, held = told.wait(300), 0
    if rng.random() < 0.2:
        told.tell("held")
        held = told.wait(60)
        told.tell("resumed")
        talked += told.wait(60)
    stated = {"talk_ms": talked, "hold_ms": held} if rng.random() < 0.3 else {}
    category = rng.choice(CATEGORIES)
    told.tell("ended" if last else "transferred", queue=rng.choice([queue, ""]), category=category, **stated)
    if last and rng.random() < 0.6:
        worked = told.wait(120)
        acw = worked if rng.random() < 0.3 else None
        told.tell("wrapped", acw_ms=acw, category=rng.choice(CATEGORIES), district=rng.choice(["110105", ""]))


def _broken(rng: random.Random, event: dict[str, Any]) -> bytes:
    text = msgspec.json.encode(event)
    left_out = rng.choice(["type", "time"])
    without = {name: value for name, value in event.items() if name != left_out}
    return rng.choice(
        [
            text[:-1],
            b"",
            b"[]",
            b"not json 13912345678",
            text.replace(b'"hotline":"', b'"hotline":"\xff'),
            msgspec.json.encode(without),
            msgspec.json.encode(event | {"call": " "}),
            msgspec.json.encode(event | {"time": "2026-11-22 10:41"}),
            msgspec.json.encode(event | {"type": "exploded"}),
            msgspec.json.encode(event | {"entry": 0}),
            msgspec.json.encode(event | {"subject": "x" * 70_000}),
        ]
    )
