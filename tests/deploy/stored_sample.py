"""A quarter of an hour of one hotline, as records of the topics, put into ClickHouse the way the writer does it."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec
from clickhouse_connect.driver.client import Client

from deploy.runtime.processor import Record
from sinks.clickhouse.days import days_by
from sinks.clickhouse.inserter import Inserter, blocks
from sinks.clickhouse.records import row_functions, to_rows
from streams.contract.alerts import AlertEvent
from streams.contract.cells import Cell, Forecast, Gauge
from streams.contract.dead_letters import DeadLetter
from streams.contract.signals import Signal
from streams.contract.topics import ALERTS, CELLS, DEAD_LETTER, SIGNALS

MINUTE_MS = 60_000
HOTLINE = "city's line"  # a quote in a name must not break a query
QUEUES = ("housing", "water")
OF_QUEUE = {
    "offered": 4,
    "answered": 3,
    "abandoned": 1,
    "answered_wait.0": 1,
    "answered_wait.15": 1,
    "answered_wait.31": 1,
    "abandoned_wait.40": 1,
    "wait_ms_sum": 45_500,
    "waited": 2,
    "talk_ms_sum": 360_000,
    "talked": 3,
    "offered_by_outcome": 4,
    "answered_by_outcome": 3,
    "abandoned_by_outcome": 1,
}
OF_HOTLINE = {name: 2 * number for name, number in OF_QUEUE.items()} | {
    "calls_offered": 7,
    "calls_answered": 6,
    "calls_abandoned": 1,
    "ended_in_menu": 1,
}


def _cells(start: int, minutes: int) -> list[Cell]:
    common = {"feed": "live", "hotline": HOTLINE, "final": True, "version": 5}
    return [
        cell
        for minute in range(start, start + minutes * MINUTE_MS, MINUTE_MS)
        for cell in (
            Cell(**common, dimension_set="hotline", minute=minute, counts=OF_HOTLINE),
            *(Cell(**common, dimension_set="queue", queue=q, minute=minute, counts=OF_QUEUE) for q in QUEUES),
        )
    ]


def _gauges(start: int, minutes: int) -> list[Gauge]:
    ats = range(start, start + minutes * MINUTE_MS, 10_000)
    return [
        Gauge(
            feed="live", hotline=HOTLINE, dimension_set="queue" if queue else "hotline", queue=queue, at=at, version=at,
            waiting=3, waiting_over_threshold=1, oldest_queued_at=at - 25_000, in_service=6, threshold_s=15,
        )
        for at in ats
        for queue in ("", *QUEUES)
    ]  # fmt: skip


def _forecast(start: int) -> Forecast:
    steps = 288
    return Forecast(
        feed="live", hotline=HOTLINE, dimension_set="hotline", start=start - 12 * 3_600_000, step_s=300, version=1,
        expected=[30.0] * steps, lower=[20.0] * steps, upper=[40.0] * steps, days_learned=28,
    )  # fmt: skip


def _signals(start: int) -> list[Signal]:
    key = {"kind": "waiting_past_threshold", "feed": "live", "hotline": HOTLINE, "dimension_set": "queue"}
    return [
        Signal(fingerprint="s1", queue="water", active=False, at=start, since=start, version=1, value=0, **key),
        Signal(fingerprint="s1", queue="water", active=True, at=start + 1, since=start, version=2, value=4, **key),
        Signal(fingerprint="s2", queue="housing", active=True, at=start, since=start, version=1, value=3, **key),
        Signal(fingerprint="s2", queue="housing", active=False, at=start + 1, since=start, version=2, value=0, **key),
    ]


def _alerts(start: int) -> list[AlertEvent]:
    def change(episode: str, state: str, reason: str, after_ms: int, ended_at: int | None = None) -> AlertEvent:
        return AlertEvent(
            fingerprint="a", episode=episode, rule="WaitingPastThreshold", state=state, reason=reason,
            severity="warning", feed="live", hotline=HOTLINE, queue="water", at=start + after_ms, started_at=start,
            ended_at=ended_at, version=7, value=4, labels={"queue": "water"}, summary={"en": "Four wait too long"},
        )  # fmt: skip

    return [
        # All in one instant and from one signal: the order of states has to decide.
        change("e1", "pending", "condition_met", 0),
        change("e1", "firing", "held_long_enough", 0),
        change("e1", "resolved", "condition_cleared", 0, start + 60_000),
        change("e2", "pending", "condition_met", 0),
        change("e2", "firing", "held_long_enough", 30_000),
    ]


def _dead_letters(start: int) -> list[DeadLetter]:
    position = {"topic": "hotline.calls", "partition": 0}
    return [
        DeadLetter(**position, offset=11, reason="no_time", field="time", preview="{…}", append_time=start),
        DeadLetter(
            **position, offset=12, reason="late", source="pbx-1", feed="live", hotline=HOTLINE, append_time=start
        ),
    ]


def store(client: Client, start: int, minutes: int = 15) -> None:
    """Put `minutes` of data from `start` (epoch ms, a whole minute) into an empty, migrated database."""
    functions = row_functions(days_by(lambda _hotline: ZoneInfo("Asia/Shanghai")))
    by_topic: dict[str, Sequence[msgspec.Struct]] = {
        CELLS: [*_cells(start, minutes), *_gauges(start, minutes), _forecast(start)],
        SIGNALS: _signals(start),
        ALERTS: _alerts(start),
        DEAD_LETTER: _dead_letters(start),
    }
    inserter = Inserter(client)
    for topic, structs in by_topic.items():
        records = [Record(offset, start, b"", msgspec.json.encode(struct)) for offset, struct in enumerate(structs)]
        rows, refused = to_rows(functions[topic], topic, 0, records)
        assert not refused, refused
        for block in blocks(rows):
            assert not inserter.write(block)
