"""A plain at-least-once consumer of micro-batches, for writers whose rows carry a key and a version."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from deploy.runtime.processor import Record
from deploy.runtime.settings import Settings


class Retry(Exception):  # noqa: N818  (an order, not an error of the program)
    """Raised by a handler that cannot take the batch now: the same batch comes again, in order, with back-off."""


Handler = Callable[[str, int, Sequence[Record]], Awaitable[None]]
"""(topic, partition, records in offset order); returns when they are stored."""


def run_sink(
    name: str,
    settings: Settings,
    topics: Mapping[str, Handler],
    *,
    process: str,
    health_port: int = 0,
    linger_s: float = 1.0,
    max_records: int = 50_000,
) -> None:
    """Consume `topics` as group `name` until SIGTERM; blocks.

    A batch is what arrived for one partition within `linger_s` (at most `max_records`). Offsets are
    committed after the handler returned. `Retry` repeats the batch with back-off while the process stays
    in its group; any other exception ends the process (exit code 1), to be restarted.
    """
    raise NotImplementedError
