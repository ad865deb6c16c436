"""The worst answer rate over all continuous 24 hours of a period. Pure; `v_answer_rate_24h_worst` says it per day in SQL."""

from collections.abc import Mapping
from typing import NamedTuple

from streams.contract.cells import MINUTE_MS

SPAN_MS = 1440 * MINUTE_MS


class Worst(NamedTuple):
    """The window [begin, end) in ms, its answered visits of all inbound calls, and the rate."""

    begin: int
    end: int
    answered: int
    inbound: int
    rate: float


def answer_rate_24h_worst(minutes: Mapping[int, tuple[int, int]], start: int, end: int) -> Worst | None:
    """The minimum of answered / inbound over all windows of 24 h inside [start, end) (ms, whole minutes).

    `minutes`: start of a minute -> (answered, inbound), by arrival; absent ones are of nothing. Of equal rates the
    earliest window counts. None if the period is shorter, or nothing came in.
    """
    worst: Worst | None = None
    answered = inbound = 0
    for minute in range(start, end, MINUTE_MS):
        came = minutes.get(minute, (0, 0))
        left = minutes.get(minute - SPAN_MS, (0, 0)) if minute - SPAN_MS >= start else (0, 0)
        answered, inbound = answered + came[0] - left[0], inbound + came[1] - left[1]
        if minute - start < SPAN_MS - MINUTE_MS or not inbound:
            continue
        rate = answered / inbound
        if worst is None or rate < worst.rate:
            worst = Worst(minute + MINUTE_MS - SPAN_MS, minute + MINUTE_MS, answered, inbound, rate)
    return worst
