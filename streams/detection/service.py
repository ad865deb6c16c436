"""Is the promise kept? Service level by event attribution over a trailing window, judged with its uncertainty."""

from collections.abc import Mapping

import msgspec

from deploy.runtime.settings import ServiceLevel
from streams.contract.metrics import service_level_event
from streams.detection.episode import Episode
from streams.detection.keys import MINUTE
from streams.detection.shares import gathered_since, wilson_upper

CLEAR_AFTER = 120_000


class Promise(msgspec.Struct):
    """One queue's (or hotline's) promise: minute -> (met, judged), and the episode of its being broken."""

    threshold_s: int
    target: float
    minutes: dict[int, tuple[int, int]] = {}
    episode: Episode = msgspec.field(default_factory=Episode)

    def put(self, minute: int, counts: Mapping[str, int]) -> None:
        seen = service_level_event(counts, self.threshold_s)
        if seen[1]:
            self.minutes[minute] = seen
        else:
            self.minutes.pop(minute, None)

    def window(self, now: int, window_s: int) -> tuple[int, int]:
        """(met, judged) of the last `window_s` seconds of minutes, the open one included; older ones are dropped."""
        first = -(-now // MINUTE) * MINUTE - max(MINUTE, window_s * 1000 // MINUTE * MINUTE)
        met = judged = 0
        for minute, seen in list(self.minutes.items()):
            if minute < first:
                del self.minutes[minute]
            elif minute <= now:
                met += seen[0]
                judged += seen[1]
        return met, judged

    def judge(self, now: int, rules: ServiceLevel) -> bool:
        """Bring the episode forward; True when it began or ended.

        Begins when at least `min_volume` visits were judged and even the upper bound of their share is
        under target; ends after two minutes at the target or without enough visits.
        """
        met, judged = self.window(now, rules.window_s)
        enough = judged >= rules.min_volume
        if self.episode.active:
            kept = not enough or met >= self.target * judged
            return self.episode.calm(now, calm=kept, needed=CLEAR_AFTER)
        if not enough or wilson_upper(met, judged) >= self.target:
            return False
        missed = {minute: (judged - met, judged) for minute, (met, judged) in self.minutes.items()}
        self.episode.begin(gathered_since(missed, 1 - self.target, now))
        return True
