"""Since when a log has been read without a gap: what tells silence from deafness."""

from alerts.lifecycle import Time

GAP_MS = 15_000
"""A gap in which not everything was read and that is longer than this counts as deafness: silence is counted from its end."""


class Listening:
    """The time of a processor; None while a backlog is read. `written_at`: when the last record was written (ms)."""

    def __init__(self) -> None:
        self.time: Time | None = None
        self.written_at = 0
        self._caught_up_at: int | None = None
        self._since = 0

    def tick(self, now: int, *, caught_up: bool) -> None:
        if not caught_up:
            self.time = None
            return
        if self._caught_up_at is None or now - self._caught_up_at > GAP_MS:
            self._since = now
        self._caught_up_at = now
        self.time = Time(now, self._since)
