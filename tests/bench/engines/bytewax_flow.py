"""Bytewax: its Kafka source, a map, and a fold over tumbling windows of event time."""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main
from told import Run, add

EPOCH = datetime.fromtimestamp(0, UTC)


def main(run: Run) -> None:
    cells: dict[tuple[str, int], list[int]] = {}

    def decode(message: KafkaSourceMessage[bytes | None, bytes]) -> tuple[str, dict[str, Any]]:
        if not run.seen:
            run.begin()
        run.see()
        event = json.loads(message.value)
        return event.get("queue", ""), event

    def fold(cell: list[int], event: dict[str, Any]) -> list[int]:
        add(cell, event["type"] == "answered", event.get("wait_ms"))
        return cell

    class Found(StatelessSinkPartition[tuple[str, tuple[int, list[int]]]]):
        def write_batch(self, items: list[tuple[str, tuple[int, list[int]]]]) -> None:
            for queue, (window, cell) in items:
                cells[queue, window] = cell

    class Sink(DynamicSink[tuple[str, tuple[int, list[int]]]]):
        def build(self, step_id: str, worker_index: int, worker_count: int) -> Found:
            del step_id, worker_index, worker_count
            return Found()

    flow = Dataflow("job_a")
    source = KafkaSource(brokers=[run.bootstrap], topics=[run.topic], tail=False, batch_size=1000)
    events = op.map("decode", op.input("kafka", flow, source), decode)
    # Its watermark goes on with the wall clock between batches: without a wait, events in order are late.
    clock = win.EventClock(
        ts_getter=lambda event: datetime.fromtimestamp(event["time"] / 1000, UTC),
        wait_for_system_duration=timedelta(seconds=10),
    )
    windower = win.TumblingWindower(length=timedelta(minutes=1), align_to=EPOCH)
    counted = win.fold_window("count", events, clock, windower, lambda: [0, 0, 0, 0, 0], fold, lambda a, b: a)
    op.output("found", counted.down, Sink())
    run_main(flow)
    assert run.seen == run.events
    run.end(
        ((queue, window, cell) for (queue, window), cell in cells.items()),
        f"bytewax {version('bytewax')}",
    )
    os._exit(0)


if __name__ == "__main__":
    main(Run(sys.argv))
