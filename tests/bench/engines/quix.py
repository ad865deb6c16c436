"""Quix Streams: a tumbling window with a reducer, told when it is final."""

import os
import sys
from importlib.metadata import version
from typing import Any

from quixstreams import Application
from told import MINUTE_MS, Run, add


def main(run: Run) -> None:
    app = Application(
        broker_address=run.bootstrap,
        consumer_group=run.group,
        auto_offset_reset="earliest",
        state_dir=sys.argv[4] + ".state",
        loglevel="WARNING",
    )

    def event_time(value: dict[str, Any], headers: Any, timestamp: float, timestamp_type: Any) -> int:
        del headers, timestamp, timestamp_type
        return int(value["time"])

    topic = app.topic(run.topic, value_deserializer="json", key_deserializer="str", timestamp_extractor=event_time)
    found: list[tuple[str, int, list[int]]] = []

    def begin(value: dict[str, Any]) -> list[int]:
        return reduce([0, 0, 0, 0, 0], value)

    def reduce(cell: list[int], value: dict[str, Any]) -> list[int]:
        if not run.seen:
            run.begin()
        add(cell, value["type"] == "answered", value.get("wait_ms"))
        run.see()
        return cell

    def tell(window: dict[str, Any], key: str, timestamp: int, headers: Any) -> None:
        del timestamp, headers
        found.append((key or "", window["start"] // MINUTE_MS, window["value"]))
        if run.seen == run.events:  # the last event of all closes its queue's last window
            run.end(found, f"quixstreams {version('quixstreams')}")
            os._exit(0)

    frame = (
        app.dataframe(topic).tumbling_window(duration_ms=MINUTE_MS).reduce(reducer=reduce, initializer=begin).final()
    )
    frame.update(tell, metadata=True)
    app.run()


if __name__ == "__main__":
    main(Run(sys.argv))
