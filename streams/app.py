"""`hotline streams`: hosts the cores for the partitions of `hotline.calls` and `hotline.partials`."""

import asyncio

import structlog
from aiokafka.errors import KafkaError

from deploy.runtime.announcement_log import NoTopicError, follow, load
from deploy.runtime.hosting import without_kafka
from deploy.runtime.planned_events import events_path
from deploy.runtime.settings import Kafka, Settings
from deploy.runtime.watched_file import watch
from deploy.runtime.worker import Worker, run_worker
from streams.contract.announcements import Announcements
from streams.contract.topics import CALLS, GROUPS, PARTIALS, STATE_STREAMS
from streams.event_file import EventFile, Events
from streams.merge import Merger
from streams.processors import factory, meaning

GROUP = GROUPS["streams"]

log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Run until SIGTERM; blocks. Raises SettingsError before anything is started."""
    file = EventFile(events_path(settings))
    events = Events(file)
    build = factory(settings, events)
    events.take(_known_already(settings.kafka))

    async def reread(worker: Worker) -> None:
        await watch(file.reread, lambda: _announce(worker, events))

    async def announce(worker: Worker) -> None:
        def adopt(found: Announcements) -> None:
            if events.take(found):
                _announce(worker, events)

        await follow(settings.kafka, adopt)

    run_worker(
        GROUP,
        settings,
        {CALLS: build, PARTIALS: build},
        STATE_STREAMS,
        health_port=settings.health.streams_port,
        background=[reread, announce],
        meaning=dict.fromkeys((CALLS, PARTIALS), meaning(settings)),
        trace=(PARTIALS, 0),
    )


def _known_already(kafka: Kafka) -> Announcements:
    """What was announced before this process began: nothing is judged without it."""
    try:
        return asyncio.run(load(kafka))
    except NoTopicError as error:
        log.warning("no announced events but those of the file", problem=str(error))
        return Announcements()
    except KafkaError as error:
        without_kafka(error)


def _announce(worker: Worker, events: Events) -> None:
    """Let the merger know, while this process owns it."""
    processor = worker.processor(PARTIALS, 0)
    if isinstance(processor, Merger):
        processor.announce(events.all)
