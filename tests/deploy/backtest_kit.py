"""A backtest that is known to the last digit: two weeks of a quiet line, three incidents, five settings."""

from datetime import datetime
from zoneinfo import ZoneInfo

from deploy.backtest.against import Label, judge
from deploy.backtest.learning import Learning
from deploy.backtest.play import Fired
from deploy.backtest.trace import Trace
from deploy.backtest.trial import Backtest, Trial
from streams.detection.keys import Key
from streams.detection.outlook import Ahead

ZONE = ZoneInfo("Asia/Shanghai")
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = round(datetime(2026, 3, 2, tzinfo=ZONE).timestamp() * 1000)
END = START + 14 * DAY
BURST, SLOW, OTHER = START + 34 * HOUR, START + 3 * DAY + 9 * HOUR, START + 8 * DAY + 15 * HOUR
LABELS = (
    Label(BURST, BURST + HOUR, "burst <main>", "water"),
    Label(SLOW, SLOW + 2 * HOUR, "rumour"),
    Label(OTHER, OTHER + HOUR, "hail"),
)
NAMES = {"": "City line", "water": "Water works"}


def alarm(at: int, queue: str = "", minutes: int | None = 20) -> Fired:
    until = None if minutes is None else at + minutes * MINUTE
    return Fired("demand_above_expectation", queue, "", "", at, at, until, "More <calls>.", "来电偏多。")


def traced() -> Trace:
    """Ten calls in five minutes by day where ten were expected, forty in incidents; nothing was expected on day one."""
    trace = Trace("12345", START)
    for at in range(START, END, 5 * MINUTE):
        by_day = 8 <= (at - START) // HOUR % 24 < 20
        busy = any(label.begin <= at < label.end for label in LABELS)
        expected = None if at < START + DAY else Ahead(10.0, 5.0, 16.0) if by_day else Ahead(0.5, 0.0, 2.0)
        coarse = expected and Ahead(*(6 * it for it in expected))
        trace.row(at, 40 if busy else 10 if by_day else 0, (expected, coarse))
        trace.add(Key("12345", "queue", "water"), at, 30 if busy else 5)
    return trace


def backtest(
    *,
    labelled: bool = True,
    setting: str = "demand.false_alarms_per_week",
    allowed: float = 0.5,
    learning: Learning | None = None,
) -> Backtest:
    """`water` is found after 4 min, `hail` after 10 by looser settings alone, the rumour never; noise grows."""
    labels = LABELS if labelled else None
    right = [alarm(BURST + 4 * MINUTE, "water"), alarm(BURST + 6 * MINUTE)]
    noise = [alarm(START + day * DAY + 11 * HOUR) for day in (2, 5, 6, 9)] + [alarm(END - HOUR, minutes=None)]
    fired = {
        0.02: right,
        0.05: [*right, *noise[:1]],
        0.1: [*right, alarm(OTHER + 10 * MINUTE), *noise[:1]],
        0.5: [*right, alarm(OTHER + 10 * MINUTE), *noise[:3]],
        2.0: [*right, alarm(OTHER + 10 * MINUTE), *noise],
    }
    trials = [
        Trial(value, sorted(them, key=lambda it: it.at), judge(them, labels, START, END, ZONE), traced(), learning)
        for value, them in fired.items()
    ]
    return Backtest(
        hotline="12345", feed="live", source="feed live", zone=ZONE, start=START, end=END, learned=28,
        what=("demand_above_expectation", "queue_silence"), rule=False, setting=setting, present=2.0, allowed=allowed,
        trials=trials, labels=labels,
    )  # fmt: skip
