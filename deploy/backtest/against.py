"""What fired against what is known to have happened: found, how early, and how much of it was noise."""

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import takewhile
from math import sqrt
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple
from zoneinfo import ZoneInfo

from deploy.backtest.play import Fired
from deploy.runtime.plurals import so_many
from deploy.runtime.written_times import local_ms

MINUTE = 60_000
WEEK = 7 * 1440 * MINUTE
TAIL = 30 * MINUTE
"""An alarm that comes so soon after an incident is of it: long windows end later than what was in them."""
Z = 1.96
"""Standard deviations within which 95 % of a normal distribution lie."""


class Label(NamedTuple):
    """An incident that is known of: [begin, end) ms; `queue` "": wherever it is told."""

    begin: int
    end: int
    name: str
    queue: str = ""

    def explains(self, fired: Fired) -> bool:
        """Whether an alarm is of this incident. The whole hotline (queue "") has what its queues have."""
        on = self.begin <= fired.at < self.end + TAIL
        return on and (not self.queue or fired.queue in {"", self.queue})


class LabelsError(ValueError):
    """A file of incidents that cannot be used; the text names the line."""


def read_labels(path: Path, zone: ZoneInfo) -> list[Label]:
    """The incidents of a CSV with the columns begin, end, name and, if wanted, queue. Raises LabelsError."""
    made = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        for row in rows:
            try:
                begin, end = (local_ms(row[name], zone) for name in ("begin", "end"))
            except (KeyError, TypeError, ValueError):
                raise LabelsError(
                    f"{path}, line {rows.line_num}: write columns begin,end,name and times such as 2026-03-02T07:05"
                ) from None
            if end <= begin:
                raise LabelsError(f"{path}, line {rows.line_num}: end is not after begin")
            made.append(Label(begin, end, row.get("name") or "", row.get("queue") or ""))
    return made


class Incident(NamedTuple):
    """An incident of the judged days, and the alarms that are of it in order of time; none: it was missed."""

    label: Label
    alarms: tuple[Fired, ...]

    @property
    def delay(self) -> float | None:
        """Minutes from its begin to the first alarm."""
        return (self.alarms[0].at - self.label.begin) / MINUTE if self.alarms else None


def incidents(fired: Sequence[Fired], labels: Sequence[Label], start: int, end: int) -> list[Incident]:
    """The incidents that began in [start, end) ms, in order of time."""
    known = sorted(label for label in labels if start <= label.begin < end)
    return [Incident(label, tuple(sorted(filter(label.explains, fired), key=lambda it: it.at))) for label in known]


def false_alarms(fired: Sequence[Fired], labels: Sequence[Label]) -> list[Fired]:
    """The alarms that are of no incident."""
    return [it for it in fired if not any(label.explains(it) for label in labels)]


class Verdict(NamedTuple):
    """`per_week`: of alarms, by local ISO week. Without incidents that are known of, the last five are None.

    `delays`: minutes from the begin of each incident that was found to its first alarm; `false`: alarms of none.
    """

    fired: int
    weeks: float
    per_week: dict[str, int]
    of: int | None = None
    missed: tuple[Label, ...] | None = None
    delays: tuple[float, ...] | None = None
    precision: float | None = None
    false: int | None = None

    @property
    def rate(self) -> float:
        """Alarms a week; where incidents are known, false ones."""
        return (self.fired if self.false is None else self.false) / self.weeks

    @property
    def nine_in_ten(self) -> float:
        """Minutes within which nine of ten incidents that were found were told; `delays` must hold one."""
        assert self.delays
        return quantiles(self.delays, n=10, method="inclusive")[-1] if len(self.delays) > 1 else self.delays[0]

    def in_words(self) -> str:
        """One line."""
        told = f"{so_many(self.fired, 'alarm')} in {self.weeks:.1f} weeks, {self.fired / self.weeks:.2f} a week"
        if self.of is None or self.delays is None or self.false is None:
            return told
        told += f"; {len(self.delays)} of {self.of} incidents found, {self.false / self.weeks:.2f} false alarms a week"
        if self.delays:
            told += f", after {median(self.delays):.0f} min (nine in ten within {self.nine_in_ten:.0f})"
        if self.precision is not None:
            told += f", {self.precision:.0%} of alarms are of one"
        return told


def judge(fired: Sequence[Fired], labels: Sequence[Label] | None, start: int, end: int, zone: ZoneInfo) -> Verdict:
    """What the alarms of [start, end) ms are worth. `labels` None: nobody knows what happened."""
    weeks = (end - start) / WEEK
    days = (datetime.fromtimestamp(it.at / 1000, zone).isocalendar() for it in fired)
    per_week = dict(sorted(Counter(f"{day.year}-W{day.week:02}" for day in days).items()))
    if labels is None:
        return Verdict(len(fired), weeks, per_week)
    known = incidents(fired, labels, start, end)
    missed = tuple(it.label for it in known if not it.alarms)
    delays = tuple(it.delay for it in known if it.delay is not None)
    false = len(false_alarms(fired, labels))
    precision = (len(fired) - false) / len(fired) if fired else None
    return Verdict(len(fired), weeks, per_week, len(known), missed, delays, precision, false)


def loosest(verdicts: Sequence[tuple[float, Verdict]], allowed: float) -> float | None:
    """Of settings (value, what it brought), the strictest first, the loosest that kept to `allowed` false alarms a week.

    It and all stricter ones did: a setting so loose that one alarm never ends has few alarms too. None: none did.
    """
    kept = list(takewhile(lambda tried: tried[1].rate <= allowed, verdicts))
    return kept[-1][0] if kept else None


def rate_range(count: int, weeks: float) -> tuple[float, float]:
    """The 95 % range of a rate of which `count` were seen in `weeks` (Poisson, Byar's approximation)."""
    more = count + 1
    lower = count * (1 - 1 / (9 * count) - Z / (3 * sqrt(count))) ** 3 if count else 0.0
    return max(0.0, lower) / weeks, more * (1 - 1 / (9 * more) + Z / (3 * sqrt(more))) ** 3 / weeks


def share_range(part: int, whole: int) -> tuple[float, float]:
    """The 95 % range of a share of which `part` of `whole` were seen (Wilson's score interval); `whole` is not 0."""
    share, square = part / whole, Z * Z / whole
    middle, half = share + square / 2, Z * sqrt(share * (1 - share) / whole + square / (4 * whole))
    return max(0.0, (middle - half) / (1 + square)), min(1.0, (middle + half) / (1 + square))
