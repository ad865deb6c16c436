"""What people have said about alerts: who has taken one on, what is silenced until when. Pure."""

from fnmatch import fnmatchcase

from streams.contract import AlertEvent
from streams.contract.alerts import Acknowledgement, ControlRecord, Feedback, Silence


class Said:
    """The last word on each alert and of each silence; the records of `hotline.alert-control` in order."""

    def __init__(self) -> None:
        self.silences: dict[str, Silence] = {}
        self.acknowledgements: dict[str, Acknowledgement] = {}
        self.verdicts: dict[str, Feedback] = {}
        self._fires: dict[str, tuple[str, int]] = {}

    def take(self, record: ControlRecord) -> None:
        match record:
            case Silence():
                self.silences[record.id] = record
            case Acknowledgement():
                self.acknowledgements[record.fingerprint] = record
            case Feedback():
                self.verdicts[record.fingerprint] = record

    def fires(self, alert: AlertEvent) -> None:
        """Note since when (wall clock) an episode fires: a change of its severity does not undo an acknowledgement."""
        if alert.state != "firing":
            self._fires.pop(alert.fingerprint, None)
        elif self._fires.get(alert.fingerprint, ("", 0))[0] != alert.episode:
            self._fires[alert.fingerprint] = (alert.episode, alert.at)

    def owner(self, alert: AlertEvent) -> Acknowledgement | None:
        """Who has taken on the episode that fires, if anybody."""
        found = self.acknowledgements.get(alert.fingerprint)
        _, since = self._fires.get(alert.fingerprint, ("", alert.at))
        return found if found is not None and found.at > since and found.withdrawn_at is None else None

    def verdict(self, alert: AlertEvent) -> Feedback | None:
        """What somebody thought of this episode last, if anybody has said."""
        found = self.verdicts.get(alert.fingerprint)
        return found if found is not None and found.episode == alert.episode else None

    def holding(self, alert: AlertEvent, now: int) -> list[Silence]:
        """The silences that hold for an alert at `now` (ms)."""
        return [
            silence
            for silence in self.silences.values()
            if now < silence.ends_at
            and all(fnmatchcase(alert.labels.get(name, ""), pattern) for name, pattern in silence.matchers.items())
        ]

    def silence(self, alert: AlertEvent, now: int) -> Silence | None:
        """The one of them that ends last, if any."""
        return max(self.holding(alert, now), key=lambda silence: silence.ends_at, default=None)

    def active(self, now: int) -> list[Silence]:
        """The silences that hold at `now` (ms), the one that ends first in front."""
        holding = (silence for silence in self.silences.values() if now < silence.ends_at)
        return sorted(holding, key=lambda silence: (silence.ends_at, silence.id))

    def maintenance(self, hotline: str, queue: str, now: int) -> Silence | None:
        """The silence that holds for everything of a queue at `now` (ms) and ends last: somebody works on it."""
        labels = {"hotline": hotline, "queue": queue}
        holding = [
            silence
            for silence in self.silences.values()
            if now < silence.ends_at
            and "queue" in silence.matchers
            and all(name in labels and fnmatchcase(labels[name], text) for name, text in silence.matchers.items())
        ]
        return max(holding, key=lambda silence: silence.ends_at, default=None)
