"""What the records of `hotline.alert-control` come to: which silences hold, and who has taken on which alert. Pure.

Who pages people and who shows alerts both go by it: nobody may be shown to have an alert for which others are called.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from streams.contract.alerts import Acknowledgement, AlertEvent, ControlRecord, Feedback, Silence


class LastWords:
    """The last record of each silence and of each alert; records are taken in the order of the log."""

    def __init__(self) -> None:
        self.silences: dict[str, Silence] = {}
        self.acknowledgements: dict[str, Acknowledgement] = {}
        self.verdicts: dict[str, Feedback] = {}

    def take(self, record: ControlRecord) -> None:
        match record:
            case Silence():
                self.silences[record.id] = record
            case Acknowledgement():
                self.acknowledgements[record.fingerprint] = record
            case Feedback():
                self.verdicts[record.fingerprint] = record

    def active(self, now: int) -> list[Silence]:
        """The silences in force at `now` (ms), the one that ends first in front."""
        holding = (silence for silence in self.silences.values() if now < silence.ends_at)
        return sorted(holding, key=lambda silence: (silence.ends_at, silence.id))

    def holding(self, alert: AlertEvent, now: int) -> list[Silence]:
        """Those of them that hold for an alert."""
        return [silence for silence in self.active(now) if matches(silence.matchers, alert.labels)]

    def acknowledgement_of(self, alert: AlertEvent, since: int) -> Acknowledgement | None:
        """Who has taken on the episode that fires since `since` (wall clock, ms), if anybody."""
        found = self.acknowledgements.get(alert.fingerprint)
        return found if found is not None and found.at > since and found.withdrawn_at is None else None


def matches(matchers: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether each label that is named fits its shell pattern (an absent label is "")."""
    return all(fnmatchcase(labels.get(name, ""), pattern) for name, pattern in matchers.items())
