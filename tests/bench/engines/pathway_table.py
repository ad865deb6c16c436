"""Pathway: its Kafka source with a schema, a tumbling `windowby`, `reduce`, and a subscriber to what changes.

Its clock begins at `pw.run`, because its engine takes the first record where no Python sees it.
"""

import os
import sys
from importlib.metadata import version
from typing import Any

import pathway as pw
from told import MINUTE_MS, THRESHOLD_MS, Run


class Event(pw.Schema):
    type: str
    time: int
    queue: str = pw.column_definition(dtype=str, default_value="")
    wait_ms: int | None = pw.column_definition(dtype=int | None, default_value=None)


def main(run: Run) -> None:
    cells: dict[tuple[str, int], list[int]] = {}
    events = pw.io.kafka.read(
        {"bootstrap.servers": run.bootstrap, "group.id": run.group, "auto.offset.reset": "earliest"},
        topic=run.topic,
        schema=Event,
        format="json",
        mode="static",
    )
    waits = events.select(
        pw.this.queue,
        pw.this.time,
        answered=pw.if_else(pw.this.type == "answered", 1, 0),
        wait=pw.if_else(pw.this.type == "answered", pw.coalesce(pw.this.wait_ms, 0), 0),
    ).with_columns(within=pw.if_else((pw.this.answered == 1) & (pw.this.wait <= THRESHOLD_MS), 1, 0))
    counted = waits.windowby(
        pw.this.time, window=pw.temporal.tumbling(duration=MINUTE_MS), instance=pw.this.queue
    ).reduce(
        queue=pw.this._pw_instance,
        start=pw.this._pw_window_start,
        events=pw.reducers.count(),
        answered=pw.reducers.sum(pw.this.answered),
        total=pw.reducers.sum(pw.this.wait),
        longest=pw.reducers.max(pw.this.wait),
        within=pw.reducers.sum(pw.this.within),
    )

    def changed(key: pw.Pointer, row: dict[str, Any], time: int, is_addition: bool) -> None:
        del key, time
        if is_addition:
            cells[row["queue"], row["start"] // MINUTE_MS] = [
                row[name] for name in ("events", "answered", "total", "longest", "within")
            ]

    pw.io.subscribe(counted, on_change=changed)
    run.begin()
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
    run.end(((*key, cell) for key, cell in cells.items()), f"pathway {version('pathway')}")
    os._exit(0)


if __name__ == "__main__":
    main(Run(sys.argv))
