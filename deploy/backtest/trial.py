"""The same days under several settings, and which of them to take."""

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from deploy.backtest.against import Label, Verdict, loosest
from deploy.backtest.learning import Learning
from deploy.backtest.play import Fired
from deploy.backtest.trace import Trace


class Trial(NamedTuple):
    """One value of the setting, what fired under it, what that is worth, the counts it was told of, and the days it
    learned from; None: it rests on none.
    """

    value: float
    fired: list[Fired]
    verdict: Verdict
    trace: Trace | None = None
    learning: Learning | None = None


class Backtest(NamedTuple):
    """All that was tried. `trials`: the strictest first; `setting`: what differs between them, "" where nothing does.

    `what`: kinds of signals, or a rule's name. `present`: the setting's value now. `allowed`: false alarms a week of
    which the loosest setting is wanted, None: nobody asked. `labels`: incidents that are known, None: nobody said.
    Times are ms; `learned`: days before `start`.
    """

    hotline: str
    feed: str
    source: str
    zone: ZoneInfo
    start: int
    end: int
    learned: int
    what: Sequence[str]
    rule: bool
    setting: str
    present: float
    allowed: float | None
    trials: Sequence[Trial]
    labels: Sequence[Label] | None

    @property
    def suggested(self) -> float | None:
        """The loosest value that kept to what is allowed; None where none did, or nobody asked."""
        if self.allowed is None or not self.setting:
            return None
        return loosest([(it.value, it.verdict) for it in self.trials], self.allowed)

    @property
    def shown(self) -> Trial:
        """What is looked at closely: the setting as it is now, else the strictest that was tried."""
        return next((it for it in self.trials if it.value == self.present), self.trials[0])
