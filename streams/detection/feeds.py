"""Is a source cut off, or does it send everything twice? What the merger knows of sources, as conditions."""

import msgspec

from streams.contract import SourceStatus
from streams.detection.episode import Episode

CLEAR_AFTER = 60_000


class SourceWatch(msgspec.Struct):
    """The last status of one source, and the episodes of its silence and its doubling."""

    status: SourceStatus
    dead: Episode = msgspec.field(default_factory=Episode)
    doubled: Episode = msgspec.field(default_factory=Episode)

    def blinds(self, hotline: str) -> bool:
        """Whether what the hotline does cannot be seen whole because this source is silent."""
        return self.status.silent_since is not None and self.status.hotline in {"", hotline}

    def judge_dead(self, now: int) -> bool:
        """True when the silence began or ended; it ends with the first record."""
        since = self.status.silent_since
        if self.dead.active:
            return self.dead.calm(now, calm=since is None, needed=0)
        if since is None:
            return False
        self.dead.begin(min(now, since))
        return True

    def judge_doubled(self, now: int) -> bool:
        """True when the doubling began, or was over for a minute."""
        if self.doubled.active:
            return self.doubled.calm(now, calm=not self.status.doubled, needed=CLEAR_AFTER)
        if not self.status.doubled:
            return False
        self.doubled.begin(min(now, self.status.at))
        return True
