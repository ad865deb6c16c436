"""Hosts processors for the partitions of some input topics: exactly once, by construction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from deploy.runtime.processor import Output, Processor, ProcessorFactory
from deploy.runtime.settings import Settings

OnOutputs = Callable[[str, int, Sequence[Output]], None]
"""(input topic, partition, outputs): called once they are acknowledged, in order."""


class Worker:
    """What a background task sees of the running process."""

    def processor(self, topic: str, partition: int) -> Processor | None:
        """The processor of an input partition, or None while this process does not own it."""
        raise NotImplementedError

    def processors(self, topic: str) -> Mapping[int, Processor]:
        """partition -> processor of those owned now; ask again after every await."""
        raise NotImplementedError

    def collect(self, topic: str, partition: int) -> None:
        """Send what the processor's `outputs` holds now, without waiting for the next tick."""
        raise NotImplementedError


Background = Callable[[Worker], Awaitable[None]]
"""Runs beside the readers, started when the first states are loaded; its failure ends the process."""


def run_worker(
    name: str,
    settings: Settings,
    topics: Mapping[str, ProcessorFactory],
    state_topic: str,
    *,
    process: str,
    health_port: int = 0,
    on_outputs: OnOutputs | None = None,
    background: Sequence[Background] = (),
) -> None:
    """Read `topics` as group `name`, keep states in `state_topic`, until SIGTERM; blocks."""
    raise NotImplementedError
