"""What happens besides being called and answered, and how often: shares of calls, times in seconds."""

from typing import NamedTuple


class Habits(NamedTuple):
    """How often what happens. All shares are of the calls that it can happen to.

    `lines`: trunks of the hotline; None: as many as `spare_lines` x erlangs of the busiest hour + 2 x its root
    (0: never too few). `overflow_after_s`: a call that waits longer leaves for a queue with a shorter line (0: never).
    `agents_told`: whether agents, heartbeats and snapshots are told of.
    """

    agents_told: bool = False
    phantom: float = 0.0
    test: float = 0.0
    nuisance: float = 0.0
    transfer: float = 0.0
    overflow_after_s: float = 0.0
    callback: float = 0.0
    callback_after_s: float = 45.0
    callback_kept: float = 0.85
    hold: float = 0.0
    hold_s: float = 40.0
    ring_no_answer: float = 0.0
    second_skill: float = 0.0
    rated: float = 0.0
    reclassified_soon: float = 0.0
    reclassified_late: float = 0.0
    lost_ending: float = 0.0
    lines: int | None = None
    spare_lines: float = 0.0
    dimensions: bool = False


NOTHING_BESIDES = Habits()
EVERYTHING = Habits(
    agents_told=True,
    phantom=0.008,
    test=0.001,
    nuisance=0.006,
    transfer=0.06,
    overflow_after_s=75.0,
    callback=0.12,
    hold=0.15,
    ring_no_answer=0.015,
    second_skill=0.4,
    rated=0.25,
    reclassified_soon=0.02,
    reclassified_late=0.01,
    spare_lines=0.95,
    dimensions=True,
)

CHANNELS = (("phone", 88.0), ("app", 8.0), ("wechat", 4.0))
ORIGINS = (("mobile", 84.0), ("landline", 13.0), ("abroad", 3.0))
PRIORITIES = (("normal", 92.0), ("elderly", 6.0), ("urgent", 2.0))
TICKET_TYPES = (("consultation", 55.0), ("request", 22.0), ("complaint", 16.0), ("report", 5.0), ("praise", 2.0))
SERVED = (("citizen", 84.0), ("business", 13.0), ("visitor", 3.0))
RATINGS = (("5", 62.0), ("4", 21.0), ("3", 8.0), ("2", 3.0), ("1", 6.0))
DIRECTION = "inbound"
