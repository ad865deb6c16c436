"""Two days of a small hotline, counted by the real engine: what saved queries and `hotline why` are asked about.

On 2026-03-09 four calls come; on 2026-03-10 burst pipes in district 440305 bring more to `water`. Every figure below is
small enough to be checked by hand. Times are those of Shanghai; feeds, agents and sources are told too.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
from clickhouse_connect.driver.client import Client
from engine import Engine

from deploy.runtime.processor import Record
from deploy.runtime.settings import ClickHouse, Hotline, Settings
from sinks.clickhouse.client import connect
from sinks.clickhouse.days import days_by
from sinks.clickhouse.inserter import Inserter, blocks
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.records import row_functions, to_rows
from streams.contract import AlertEvent, Cell, Forecast
from streams.contract.alerts import Acknowledgement, ControlRecord, Feedback, Notification, NotifiedAlert, Silence
from streams.contract.topics import ALERT_CONTROL, ALERTS, CELLS, DEAD_LETTER, NOTIFICATIONS, VISITS

HOTLINE = "12345"
ZONE = ZoneInfo("Asia/Shanghai")
FIRST, SPIKE = "2026-03-09", "2026-03-10"
S = 1_000


def ms(day: str, time: str) -> int:
    """A local time of Shanghai, epoch ms."""
    return int(datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=ZONE).timestamp() * 1000)


class Call:
    """The events of one call as its telephone system tells them."""

    def __init__(self, name: str, at: int, **fields: Any) -> None:
        self.name, self.at = name, at
        self.common = {"call": name, "hotline": HOTLINE, "source": "pbx-1"} | fields
        self.events: list[dict[str, Any]] = []
        self.tell(0, "arrived")

    def tell(self, after_s: float, kind: str, **fields: Any) -> "Call":
        self.events.append(self.common | {"type": kind, "time": self.at + round(after_s * S)} | fields)
        return self

    def answered(self, queue: str, wait: float, talk: float, *, start: float = 0, **fields: Any) -> "Call":
        self.tell(start, "queued", queue=queue).tell(
            start + wait, "answered", queue=queue, agent="ann" if wait < 20 else "bob"
        )
        return self.tell(start + wait + talk, "ended", **fields)

    def abandoned(self, queue: str, wait: float) -> "Call":
        return self.tell(0, "queued", queue=queue).tell(wait, "abandoned", queue=queue)


def calls() -> list[Call]:
    """Both days, in order."""
    north = {"district": "440305"}
    south = {"district": "440303"}
    before = [
        Call("a1", ms(FIRST, "09:01:00"), caller="1001", category="water/leak", **north).answered("water", 5, 100),
        Call("a2", ms(FIRST, "09:03:00"), caller="1002", category="water/bill", **south).answered("water", 12, 200),
        Call("a3", ms(FIRST, "09:20:00"), caller="1003", category="housing/rent", **south).answered("housing", 10, 300),
        Call("a4", ms(FIRST, "10:00:00"), caller="1004").abandoned("housing", 70),
    ]
    spike = [
        Call("b1", ms(SPIKE, "09:00:10"), caller="1001", category="water/leak", **north).answered("water", 4, 120, hold_ms=20_000),
        *(
            Call(f"b{n}", ms(SPIKE, "09:02:00") + n * 10 * S, caller=f"20{n:02}", category="water/leak", **north).answered("water", 10 * n, 60)
            for n in range(2, 6)
        ),
        Call("b6", ms(SPIKE, "09:05:00"), caller="2006", category="water/leak", **north).abandoned("water", 3),
        Call("b7", ms(SPIKE, "09:05:30"), caller="2007", category="water/leak", **north).abandoned("water", 25),
        Call("b8", ms(SPIKE, "09:06:00"), caller="2008", **north).abandoned("water", 90),
        Call("b9", ms(SPIKE, "09:10:00"), caller="2007", category="water/leak", **north).answered("water", 8, 90),
        Call("c1", ms(SPIKE, "09:30:00"), caller="1001", category="water/leak", **north).answered("water", 15, 240),
        Call("c2", ms(SPIKE, "09:31:00"), category="housing/rent", **south)
        .tell(0, "queued", queue="housing").tell(7, "answered", queue="housing", agent="ann")
        .tell(67, "transferred", queue="housing").tell(67, "queued", queue="water")
        .tell(97, "answered", queue="water", agent="bob").tell(197, "ended"),
        Call("c3", ms(SPIKE, "09:40:00"), caller="3003", **south)
        .tell(0, "queued", queue="housing").tell(40, "flowed_out", queue="housing")
        .tell(40, "queued", queue="water").tell(52, "answered", queue="water", agent="ann").tell(152, "ended"),
        Call("c4", ms(SPIKE, "09:50:00"), caller="3004", category="housing/rent", **south)
        .tell(0, "queued", queue="housing").tell(30, "callback_taken", queue="housing"),
        Call("c5", ms(SPIKE, "09:51:00"), caller="3005", category="housing/rent", **south)
        .tell(0, "queued", queue="housing").tell(35, "callback_taken", queue="housing").tell(600, "callback_completed"),
        Call("c6", ms(SPIKE, "10:10:00")).tell(5, "blocked"),
        Call("c7", ms(SPIKE, "10:11:00")).tell(20, "ended"),
        Call("c8", ms(SPIKE, "10:12:00"), flag="phantom").tell(0, "queued", queue="housing").tell(9, "abandoned", queue="housing"),
        Call("c9", ms(SPIKE, "10:20:00"), caller="3009", category="housing/repair", **south)
        .answered("housing", 6, 180).tell(216, "wrapped").tell(400, "rated", rating=5),
    ]  # fmt: skip
    spike[0].tell(500, "rated", rating=2)
    return before + spike


def agents(day: str) -> Iterator[dict[str, Any]]:
    """Ann serves both queues: half an hour free, half an hour on calls."""
    common = {
        "type": "agent_state",
        "agent": "ann",
        "hotline": HOTLINE,
        "source": "pbx-1",
        "skills": ["water", "housing"],
    }
    for time, state in (("08:00:00", "available"), ("08:30:00", "on_call"), ("09:00:00", "logged_out")):
        yield common | {"time": ms(day, time), "state": state}


def heartbeats() -> Iterator[dict[str, Any]]:
    """Source pbx-1 all along the hours of the spike, pbx-2 until 09:30."""
    for minute in range(60, 150):
        at = ms(SPIKE, "08:00:00") + minute * 60 * S
        for source in ("pbx-1", "pbx-2"):
            if source == "pbx-1" or minute < 90:
                yield {"type": "heartbeat", "time": at, "source": source, "hotline": HOTLINE}


def run(settings: Settings) -> Engine:
    """Everything told at its own time, up to the afternoon of the spike."""
    engine = Engine(settings)
    told = [event for call in calls() for event in call.events]
    told += [*agents(FIRST), *agents(SPIKE), *heartbeats()]
    told.sort(key=lambda event: event["time"])
    ticked = 0
    for event in told:
        if event["time"] > ticked:
            ticked = event["time"]
            engine.tick(ticked)
        engine.send([event], ticked)
    engine.tick(ms(SPIKE, "11:00:00"))
    engine.send([b"{no json"], ms(SPIKE, "11:00:01"), key="b1")
    late = calls()[4].events[1] | {"call": "late-1"}
    engine.send([late], ms(SPIKE, "13:00:00"))
    engine.tick(ms(SPIKE, "13:30:00"))
    engine.send(
        [calls()[0].common | {"type": "reclassified", "category": "roads/pipes", "time": ms(SPIKE, "13:20:00")}],
        ms(SPIKE, "13:30:00"),
    )
    engine.tick(ms(SPIKE, "14:00:00"))
    return engine


def alerts() -> Iterator[AlertEvent]:
    """One episode taken on after 45 s, one that nobody took on, one that never fired."""

    def change(episode: str, queue: str, state: str, reason: str, time: str, *, ended: int | None = None) -> AlertEvent:
        return AlertEvent(
            fingerprint=f"f-{queue}", episode=episode, rule="ServiceLevelUnderTarget", state=state, reason=reason,
            severity="warning", feed="live", hotline=HOTLINE, queue=queue, at=ms(SPIKE, time), started_at=ms(SPIKE, "09:05:00"),
            ended_at=ended, version=7, value=0.4, target=0.8, labels={"queue": queue},
        )  # fmt: skip

    yield change("e1", "water", "firing", "held_long_enough", "09:06:00")
    yield change("e1", "water", "resolved", "condition_cleared", "09:36:00", ended=ms(SPIKE, "09:36:00"))
    yield change("e2", "water", "firing", "held_long_enough", "10:00:00")
    yield change("e2", "water", "resolved", "condition_cleared", "10:02:00", ended=ms(SPIKE, "10:02:00"))
    yield change("e3", "housing", "pending", "condition_met", "10:30:00")
    yield change("e3", "housing", "resolved", "cleared_before_firing", "10:31:00", ended=ms(SPIKE, "10:31:00"))


def controls() -> Iterator[ControlRecord]:
    yield Acknowledgement(fingerprint="f-water", author="chen", note="calling the works", at=ms(SPIKE, "09:06:45"))
    yield Acknowledgement(fingerprint="f-water", author="wang", at=ms(SPIKE, "09:08:00"))
    yield Silence(
        id="s1",
        matchers={"queue": "housing"},
        author="chen",
        reason="works",
        at=ms(SPIKE, "09:10:00"),
        ends_at=ms(SPIKE, "12:00:00"),
    )
    named = {"rule": "ServiceLevelUnderTarget", "hotline": HOTLINE, "queue": "water", "fingerprint": "f-water"}
    for episode, verdict, time in (
        ("e1", "noise", "09:40:00"),
        ("e1", "useful", "09:41:00"),
        ("e2", "noise", "10:05:00"),
    ):
        yield Feedback(**named, episode=episode, verdict=verdict, author="chen", at=ms(SPIKE, time))
    missed = named | {"fingerprint": "", "queue": "housing"}
    yield Feedback(**missed, verdict="missed", author="li", note="nobody was told of 10:40", at=ms(SPIKE, "11:00:00"))


def notifications() -> Iterator[Notification]:
    """The first episode: refused once, then taken, and taken on before anybody else was called."""

    def told(number: int, state: str, time: str, outcome: str, *, reason: str = "", attempt: int = 1) -> Notification:
        alert = NotifiedAlert(
            episode="e1", fingerprint="f-water", rule="ServiceLevelUnderTarget", severity="warning", state=state
        )
        return Notification(
            id=f"m{number}", attempt=attempt, receiver="water-desk", channel="wecom", target="water-desk/wecom",
            why="first" if state == "firing" else "resolved", outcome=outcome, reason=reason, at=ms(SPIKE, time), feed="live",
            hotline=HOTLINE, alerts=(alert,),
        )  # fmt: skip

    yield told(1, "firing", "09:06:05", "retry", reason="rate_limited")
    yield told(1, "firing", "09:06:20", "delivered", attempt=2)
    yield told(2, "resolved", "09:36:10", "delivered")


def forecast() -> Forecast:
    """One visit in each quarter hour of the spike, at most three."""
    return Forecast(
        feed="live", hotline=HOTLINE, dimension_set="queue", queue="water", start=ms(SPIKE, "00:00:00"), step_s=900, version=1,
        expected=[1.0] * 96, lower=[0.0] * 96, upper=[3.0] * 96, days_learned=28.0,
    )  # fmt: skip


class Told(NamedTuple):
    """The story as it lies in a database of its own, and the engine that counted it."""

    settings: Settings
    client: Client
    engine: Engine


def tell(clickhouse_url: str) -> Iterator[Told]:
    """Migrate a database, store the story, and drop it at the end."""
    settings = Settings(
        demo=True,
        clickhouse=ClickHouse(url=clickhouse_url, database=f"story_{uuid4().hex[:12]}"),
        hotlines={HOTLINE: Hotline(time_zone="Asia/Shanghai", thresholds_s=(15, 20), target=0.8)},
    )
    migrate(settings)
    with connect(settings.clickhouse) as client:
        yield Told(settings, client, store(client, settings))
        client.command(f"DROP DATABASE {settings.clickhouse.database}")


def store(client: Any, settings: Settings) -> Engine:
    """Put all of it into ClickHouse as the writer does; returns the engine that counted it."""
    engine = run(settings)
    functions = row_functions(days_by(lambda hotline: settings.hotline(hotline).zone))
    others = [record for record in engine.records if not isinstance(record, Cell | Forecast)]
    by_topic: dict[str, list[Any]] = {
        VISITS: [*engine.visits.values(), *engine.facts.values()],
        CELLS: [*engine.cells.values(), *others, forecast()],
        ALERTS: list(alerts()),
        ALERT_CONTROL: list(controls()),
        NOTIFICATIONS: list(notifications()),
        DEAD_LETTER: list(engine.letters.values()),
    }
    inserter = Inserter(client)
    for topic, records in by_topic.items():
        encoded = [Record(n, 0, None, msgspec.json.encode(record)) for n, record in enumerate(records)]
        rows, refused = to_rows(functions[topic], topic, 0, encoded)
        assert not refused, refused
        for block in blocks(rows):
            assert not inserter.write(block)
    return engine
