"""What people have said about alerts: silences and acknowledgements, as `hotline.alert-control` holds them."""

from fnmatch import fnmatchcase

from streams.contract import AlertEvent
from streams.contract.alerts import Acknowledgement, ControlRecord, Feedback, Silence

LONGEST_MS = 14 * 86_400_000
"""A silence may last so long: shorter than its topic keeps it."""


class Controls:
    """The last record of each silence and of each alert. `ready`: the topic was read to its end once."""

    def __init__(self) -> None:
        self.ready = False
        self.silences: dict[str, Silence] = {}
        self.acknowledgements: dict[str, Acknowledgement] = {}

    def take(self, record: ControlRecord) -> None:
        match record:
            case Silence():
                self.silences[record.id] = record
            case Acknowledgement():
                self.acknowledgements[record.fingerprint] = record
            case Feedback():
                pass  # for whoever mends the rules

    def silence_of(self, event: AlertEvent, now: int) -> Silence | None:
        """The silence that holds for this alert at `now` (ms), if any."""
        return next((silence for silence in self.active(now) if matches(silence.matchers, event.labels)), None)

    def active(self, now: int) -> list[Silence]:
        """The silences in force, the one that ends first in front."""
        return sorted((s for s in self.silences.values() if now < s.ends_at), key=lambda s: (s.ends_at, s.id))

    def acknowledgement_of(self, event: AlertEvent, since: int) -> Acknowledgement | None:
        """Who has taken on the episode that fires since `since` (wall clock, ms), if anybody."""
        found = self.acknowledgements.get(event.fingerprint)
        return found if found is not None and found.at > since and found.withdrawn_at is None else None


def matches(matchers: dict[str, str], labels: dict[str, str]) -> bool:
    """Whether each named label fits its pattern (an absent label is "")."""
    return all(fnmatchcase(labels.get(name, ""), pattern) for name, pattern in matchers.items())
