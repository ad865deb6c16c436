"""What people have said about alerts, as the board shows it: who has one, what it was worth, what is silenced. Pure."""

from streams.contract import AlertEvent
from streams.contract.alerts import Acknowledgement, Feedback, Silence
from streams.contract.controls import LastWords, matches


class Said(LastWords):
    """The last word on each alert and of each silence, and since when each alert fires."""

    def __init__(self) -> None:
        super().__init__()
        self._fires: dict[str, tuple[str, int]] = {}

    def fires(self, alert: AlertEvent) -> None:
        """Note since when (wall clock) an episode fires: a change of its severity does not undo an acknowledgement."""
        if alert.state != "firing":
            self._fires.pop(alert.fingerprint, None)
        elif self._fires.get(alert.fingerprint, ("", 0))[0] != alert.episode:
            self._fires[alert.fingerprint] = (alert.episode, alert.at)

    def owner(self, alert: AlertEvent) -> Acknowledgement | None:
        """Who has taken on the episode that fires, if anybody."""
        _, since = self._fires.get(alert.fingerprint, ("", alert.at))
        return self.acknowledgement_of(alert, since)

    def verdict(self, alert: AlertEvent) -> Feedback | None:
        """What somebody thought of this episode last, if anybody has said."""
        found = self.verdicts.get(alert.fingerprint)
        return found if found is not None and found.episode == alert.episode else None

    def silence(self, alert: AlertEvent, now: int) -> Silence | None:
        """The silence that holds for an alert at `now` (ms) and ends last, if any."""
        return max(self.holding(alert, now), key=lambda silence: silence.ends_at, default=None)

    def maintenance(self, hotline: str, queue: str, now: int) -> Silence | None:
        """The silence that holds for everything of a queue at `now` (ms) and ends last: somebody works on it."""
        labels = {"hotline": hotline, "queue": queue}
        holding = [
            silence
            for silence in self.active(now)
            if "queue" in silence.matchers
            and silence.matchers.keys() <= labels.keys()
            and matches(silence.matchers, labels)
        ]
        return max(holding, key=lambda silence: silence.ends_at, default=None)
