"""What is known of the sources of one feed in one partition: when each was heard last, and how its clock goes."""

import msgspec

from streams.bundle import PartialSource
from streams.contract.cells import MINUTE_MS

OFFSET_MINUTES = 10
FORGET_MS = 7 * 24 * 60 * MINUTE_MS


class Source(msgspec.Struct, array_like=True):
    """One source. `heartbeat_at`: event time of its last heartbeat (0: it sends none).

    `least`: of the last ten minutes, append minute (ms) -> least time (ms) between event and append of its records.
    `heard_at`: the clock (ms) when its last record was read.
    """

    hotline: str = ""
    last_at: int = 0
    heartbeat_at: int = 0
    least: dict[int, int] = msgspec.field(default_factory=dict)
    heard_at: int = 0


class Sources:
    """The sources of one feed, by name."""

    def __init__(self, sources: dict[str, Source]) -> None:
        self.sources = sources

    def heard(self, name: str, time: int, append_time: int, clock: int) -> None:
        """Take in that a record of the source, with event time `time`, was read at `clock`; all in ms."""
        source = self.sources.get(name)
        if source is None:
            source = self.sources[name] = Source()
        source.last_at = max(source.last_at, time)
        source.heard_at = max(source.heard_at, clock)
        minute = append_time - append_time % MINUTE_MS
        least = source.least.get(minute)
        offset = append_time - time
        if least is None:
            source.least[minute] = offset
            for old in [it for it in source.least if it <= minute - OFFSET_MINUTES * MINUTE_MS]:
                del source.least[old]
        elif offset < least:
            source.least[minute] = offset

    def heartbeat(self, name: str, time: int, hotline: str) -> bool:
        """Take in a heartbeat, after `heard`; whether it told anything new."""
        source = self.sources[name]
        if time <= source.heartbeat_at:
            return False
        source.heartbeat_at = time
        source.hotline = hotline
        return True

    def told(self, clock: int) -> list[PartialSource]:
        """All sources as the merger gets them; one unheard of for a week is let go."""
        for name in [name for name, it in self.sources.items() if it.last_at < clock - FORGET_MS]:
            del self.sources[name]
        return [
            PartialSource(
                name,
                it.hotline,
                it.heartbeat_at > 0,
                it.last_at,
                min(it.least.values(), default=None),
                it.heard_at,
            )
            for name, it in sorted(self.sources.items())
        ]
