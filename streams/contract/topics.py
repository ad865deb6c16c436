"""The table of topics: what `hotline topics apply` creates and `hotline topics check` verifies."""

from typing import Literal

import msgspec

DAY_MS = 86_400_000
FOR_GOOD = -1

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding a record's value raises where it is none of its topic: no JSON, no UTF-8, nested without end."""


class Topic(msgspec.Struct, frozen=True):
    """One topic as it must exist. `key`: what its records are keyed by, for people; `retention_ms` None: compaction alone."""

    name: str
    partitions: int
    key: str
    cleanup: Literal["delete", "compact"]
    retention_ms: int | None
    timestamp: Literal["LogAppendTime", "CreateTime"]
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def config(self) -> dict[str, str]:
        config: dict[str, str] = {"cleanup.policy": self.cleanup, "message.timestamp.type": self.timestamp}
        if self.retention_ms is not None:
            config["retention.ms"] = str(self.retention_ms)
        return config | dict(self.extra)


CALLS = "hotline.calls"
VISITS = "hotline.visits"
PARTIALS = "hotline.partials"
CELLS = "hotline.cells"
SIGNALS = "hotline.signals"
ALERTS = "hotline.alerts"
ALERT_CONTROL = "hotline.alert-control"
ANNOUNCEMENTS = "hotline.announcements"
NOTIFICATIONS = "hotline.notifications"
AUDIT = "hotline.audit"
DEAD_LETTER = "hotline.dead-letter"
STATE_STREAMS = "hotline.state.streams"
STATE_ALERTS = "hotline.state.alerts"

GROUPS = {"streams": "hotline-streams", "sinks": "hotline.sinks", "alerts": "hotline-alerts"}
"""Process -> its consumer group, to whose commits others look. Under another name everything would be read again."""

# Recovery reads what compaction has left: small segments and bounded lags keep that short. Nothing goes while it is
# being read (at most 40 s): what is younger than a minute is left alone.
_COMPACTED = (
    ("segment.bytes", str(32 * 1024 * 1024)),
    ("min.compaction.lag.ms", "60000"),
    ("max.compaction.lag.ms", "300000"),
    ("delete.retention.ms", "600000"),
)

TOPICS: tuple[Topic, ...] = (
    Topic(CALLS, 6, "call id", "delete", 14 * DAY_MS, "LogAppendTime"),
    Topic(VISITS, 6, "visit id", "delete", 7 * DAY_MS, "CreateTime"),
    Topic(PARTIALS, 1, "none; partition named", "delete", DAY_MS, "LogAppendTime"),
    Topic(CELLS, 1, "feed, set, key", "delete", 3 * DAY_MS, "CreateTime"),
    Topic(SIGNALS, 1, "fingerprint", "delete", 30 * DAY_MS, "CreateTime"),
    Topic(ALERTS, 1, "fingerprint", "delete", 30 * DAY_MS, "CreateTime"),
    Topic(ALERT_CONTROL, 1, "silence id or fingerprint", "delete", 30 * DAY_MS, "CreateTime"),
    Topic(ANNOUNCEMENTS, 1, "event id", "delete", FOR_GOOD, "CreateTime"),
    Topic(NOTIFICATIONS, 1, "notification id", "delete", 30 * DAY_MS, "CreateTime"),
    Topic(AUDIT, 1, "id of the deed", "delete", 30 * DAY_MS, "CreateTime"),
    Topic(DEAD_LETTER, 1, "topic/partition/offset", "delete", 30 * DAY_MS, "CreateTime"),
    Topic(STATE_STREAMS, 6, "topic/partition", "compact", None, "CreateTime", _COMPACTED),
    Topic(STATE_ALERTS, 1, "topic/partition", "compact", None, "CreateTime", _COMPACTED),
)
