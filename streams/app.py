"""`hotline streams`: hosts the cores for the partitions of `hotline.calls` and `hotline.partials`."""

from deploy.runtime.settings import Settings
from deploy.runtime.worker import run_worker
from streams.contract.topics import CALLS, PARTIALS, STATE_STREAMS
from streams.processors import factory, meaning

GROUP = "hotline-streams"


def run(settings: Settings) -> None:
    """Run until SIGTERM; blocks. Raises SettingsError before anything is started."""
    build = factory(settings)
    run_worker(
        GROUP,
        settings,
        {CALLS: build, PARTIALS: build},
        STATE_STREAMS,
        health_port=settings.health.streams_port,
        meaning=dict.fromkeys((CALLS, PARTIALS), meaning(settings)),
    )
