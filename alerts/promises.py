"""What settings promise for a queue, as rules need it."""

from collections.abc import Callable
from typing import NamedTuple
from zoneinfo import ZoneInfo

from deploy.runtime.settings import Settings


class Promise(NamedTuple):
    """The promised threshold (s), the promised service level (fraction), the hotline's zone."""

    threshold_s: int
    target: float
    zone: ZoneInfo


Promises = Callable[[str, str], Promise]
"""(hotline, queue; "" for the whole hotline) -> what is promised."""


def promises_of(settings: Settings) -> Promises:
    def promise(hotline: str, queue: str) -> Promise:
        told = settings.hotline(hotline)
        return Promise(told.thresholds(queue)[0], told.target_of(queue), told.zone)

    return promise
