"""What settings promise for a queue, as rules need it."""

from collections.abc import Callable
from typing import NamedTuple
from zoneinfo import ZoneInfo

from deploy.runtime.settings import Hotline, Settings


class Promise(NamedTuple):
    """The promised threshold (s), the promised service level (fraction; None: nothing at that hour), the hotline's zone."""

    threshold_s: int
    target: float | None
    zone: ZoneInfo


Promises = Callable[[str, str, int], Promise]
"""(hotline, queue; "" for the whole hotline, ms) -> what is promised then."""


def promises_of(settings: Settings) -> Promises:
    return lambda hotline, queue, at: promise_of(settings.hotline(hotline), queue, at)


def promise_of(config: Hotline, queue: str, at: int) -> Promise:
    """What a hotline promises of a queue at `at` (ms)."""
    return Promise(config.thresholds(queue)[0], config.target_at(queue, at), config.zone)
