"""A simulated hotline, delivered into the core in one process, and its truth."""

from collections.abc import Callable, Sequence
from uuid import uuid4

import msgspec
from clickhouse_connect.driver.client import Client
from engine import Engine

from deploy.producers.simulator.incidents import Incident
from deploy.producers.simulator.profile import Profile
from deploy.producers.simulator.simulation import Simulation
from deploy.producers.simulator.sources import Delivery
from deploy.producers.simulator.truth import Truth
from deploy.runtime.processor import Record
from deploy.runtime.settings import Settings
from sinks.clickhouse.client import connect
from sinks.clickhouse.days import days_by
from sinks.clickhouse.inserter import Inserter, blocks
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.records import row_functions, to_rows
from streams.contract import CallEvent, Cell
from streams.contract.topics import CELLS, VISITS

STEP_MS = 600_000


def run(
    engine: Engine,
    profile: Profile,
    start: int,
    length: int,
    *,
    feed: str,
    incidents: Sequence[Incident] = (),
    duplicates: float = 0.0,
    disorder: float = 0.0,
    step: Callable[[int, list[Truth]], None] = lambda now, truths: None,
    step_ms: int = STEP_MS,
    ends: bool = False,
) -> list[Truth]:
    """Everything from `start` for `length` (ms) until nothing is to come; `step` is told each time and truth reached.

    With `ends` that is said at the end, with what comes last.
    """
    simulation = Simulation(profile, 1, start, end=start + length, incidents=incidents, feed=feed)
    delivery = Delivery(incidents, 1, duplicates=duplicates, disorder=disorder, counting=True)
    truths: list[Truth] = []
    at = start
    while not simulation.settled:
        at += step_ms
        events = list(delivery.send(simulation.advance(at), at))
        if simulation.settled:
            events += delivery.send(simulation.close(at), None)
            events += simulation.end_feed() if ends else []
        send(engine, events, at)
        truths += simulation.take_truth()
        step(at, [*truths, *simulation.so_far()])
    return [*truths, *simulation.take_truth(), *simulation.so_far(), *delivery.counts()]


def send(engine: Engine, events: Sequence[CallEvent], at: int) -> None:
    """Append the events at `at` (ms) and let time pass to there."""
    engine.send([msgspec.to_builtins(event) for event in events], at)
    engine.tick(at)


def stored(engine: Engine, url: str) -> tuple[Client, Settings]:
    """All that the engine told, as rows in a database of its own."""
    settings = engine.settings.model_copy(
        update={
            "clickhouse": engine.settings.clickhouse.model_copy(
                update={"url": url, "database": f"t_{uuid4().hex[:12]}"}
            )
        }
    )
    migrate(settings)
    client = connect(settings.clickhouse)
    functions = row_functions(days_by(lambda hotline: settings.hotline(hotline).zone))
    inserter = Inserter(client)
    others = [record for record in engine.records if not isinstance(record, Cell)]
    for topic, records in (
        (VISITS, [*engine.visits.values(), *engine.facts.values()]),
        (CELLS, [*engine.cells.values(), *others]),
    ):
        rows, refused = to_rows(
            functions[topic], topic, 0, [Record(n, 0, None, msgspec.json.encode(r)) for n, r in enumerate(records)]
        )
        assert not refused
        for block in blocks(rows):
            assert not inserter.write(block)
    return client, settings
