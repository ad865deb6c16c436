"""`hotline streams`: hosts the cores for the partitions of `hotline.calls` and `hotline.partials`."""

from deploy.runtime.planned_events import events_path
from deploy.runtime.settings import Settings
from deploy.runtime.watched_file import watch
from deploy.runtime.worker import Worker, run_worker
from streams.contract.topics import CALLS, PARTIALS, STATE_STREAMS
from streams.event_file import EventFile
from streams.merge import Merger
from streams.processors import factory, meaning

GROUP = "hotline-streams"


def run(settings: Settings) -> None:
    """Run until SIGTERM; blocks. Raises SettingsError before anything is started."""
    events = EventFile(events_path(settings))
    build = factory(settings, events)

    async def announce(worker: Worker) -> None:
        await watch(events.reread, lambda: _announce(worker, events))

    run_worker(
        GROUP,
        settings,
        {CALLS: build, PARTIALS: build},
        STATE_STREAMS,
        health_port=settings.health.streams_port,
        background=[announce],
        meaning=dict.fromkeys((CALLS, PARTIALS), meaning(settings)),
        trace=(PARTIALS, 0),
    )


def _announce(worker: Worker, events: EventFile) -> None:
    """Let the merger know, while this process owns it."""
    processor = worker.processor(PARTIALS, 0)
    if isinstance(processor, Merger):
        processor.announce(events.events)
