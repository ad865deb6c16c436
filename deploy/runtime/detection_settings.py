"""When the engine tells of what it sees: demand, silence, concentrations, shares, the day's answer rate."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from deploy.runtime.section import Section
from deploy.runtime.service_settings import Fraction, Seconds


class Demand(Section):
    """Demand above and below expectation, each with its budget. `learn_from`: feeds whose history teaches `live`.

    `min_excess` and `min_shortfall`: calls more or less than expected that are worth a word. `events`: a file of
    announced events beside those that people enter, `events.yaml` in the data directory unless told.
    """

    events: Path | None = None
    learn_from: tuple[str, ...] = ("history",)
    false_alarms_per_week: Annotated[float, Field(gt=0, le=100)] = 0.1
    min_excess: Annotated[int, Field(ge=1)] = 8
    min_shortfall: Annotated[int, Field(ge=1)] = 8
    clear_after_s: Seconds = 300


class QueueSilence(Section):
    """No call in a queue, or to a whole hotline, where some were due. Longer than `intake.silent_after_s`: a source cut off
    explains it.
    """

    false_alarms_per_week: Annotated[float, Field(gt=0, le=100)] = 0.1
    min_silence_s: Seconds = 120


class Concentration(Section):
    """More calls of some kind than usual among the others, by the values of these dimension sets and by source.

    One budget for all of them together, per hotline. `min_excess`: calls more than expected that are worth a word.
    """

    dimension_sets: tuple[str, ...] = (
        "queue",
        "category_1",
        "category_2",
        "district_1",
        "district_2",
        "district_3",
        "category_district",
        "channel",
        "centre",
        "source",
    )
    false_alarms_per_week: Annotated[float, Field(gt=0, le=100)] = 0.2
    min_excess: Annotated[int, Field(ge=1)] = 8
    clear_after_s: Seconds = 300


class ShareLimit(Section):
    """When a share counts as above its `limit`: over `window`, of at least `min_volume`."""

    window: Literal["5m", "15m", "30m", "60m"] = "15m"
    limit: Fraction
    min_volume: Annotated[int, Field(ge=1)] = 20


class Abandonment(ShareLimit):
    """Abandoned of offered visits, short abandons left out of both."""

    limit: Fraction = 0.1


class Blocked(ShareLimit):
    """Blocked of all calls that came in."""

    limit: Fraction = 0.02


class RingNoAnswer(ShareLimit):
    """Calls that an agent did not answer, of those given to an agent."""

    window: Literal["5m", "15m", "30m", "60m"] = "30m"
    limit: Fraction = 0.1


class AnswerRate(Section):
    """Answered of all calls that came in over rolling 24 hours; GB/T 33358 asks for 95 %.

    A breach is foretold when the rate of the last `recent_s` leads to it within `ahead_s`.
    """

    target: Fraction = 0.95
    min_volume: Annotated[int, Field(ge=1)] = 100
    recent_s: Annotated[int, Field(ge=300, le=21_600)] = 1_800
    ahead_s: Annotated[int, Field(ge=600, le=86_400)] = 28_800


class NoAgent(Section):
    """Somebody waits and no agent is available for so long. In busy times that is usual for a minute."""

    after_s: Seconds = 120
