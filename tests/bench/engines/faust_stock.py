"""Stock Faust: an agent that takes event by event, its record declared as a `faust.Record`."""

import os
import sys
from importlib.metadata import version

import faust
from told import MINUTE_MS, Run, add


class Event(faust.Record, serializer="json"):
    type: str
    time: int
    queue: str = ""
    wait_ms: int | None = None


def main(run: Run) -> None:
    app = faust.App(run.group, broker=f"kafka://{run.bootstrap}", topic_disable_leader=True, web_enabled=False)
    cells: dict[tuple[str, int], list[int]] = {}

    @app.agent(app.topic(run.topic, value_type=Event))
    async def count(events: faust.Stream[Event]) -> None:
        async for event in events:
            if not run.seen:
                run.begin()
            cell = cells.setdefault((event.queue, event.time // MINUTE_MS), [0, 0, 0, 0, 0])
            add(cell, event.type == "answered", event.wait_ms)
            if run.see():
                run.end(((*key, cell) for key, cell in cells.items()), f"faust-streaming {version('faust-streaming')}")
                os._exit(0)

    app.finalize()
    faust.Worker(app, loglevel="warning", quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main(Run(sys.argv))
