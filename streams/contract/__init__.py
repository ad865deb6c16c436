"""The contract: every record that passes between processes, and the topics they pass through.

The rooms meet here and nowhere else. Times are integers, milliseconds since the Unix epoch in UTC,
unless a name says otherwise (`_s`: seconds). JSON Schema comes from these types (`hotline schema`).
"""

from streams.contract.alerts import AlertEvent, AlertReason, AlertState, ControlRecord, Notification
from streams.contract.announcements import Announcement
from streams.contract.cells import (
    COUNTERS,
    DIMENSIONS,
    OTHER,
    Cell,
    CellsRecord,
    FeedStatus,
    Forecast,
    Gauge,
    Progress,
    SourceStatus,
    add_counts,
)
from streams.contract.dead_letters import DeadLetter, RejectionKind, RepairKind
from streams.contract.events import LIVE, AgentState, CallEvent, EventType
from streams.contract.keys import murmur2_partition, visit_id
from streams.contract.signals import Signal, SignalKind
from streams.contract.topics import TOPICS, Topic
from streams.contract.visits import CallFact, Outcome, Visit, VisitMark, VisitsRecord

__all__ = [
    "COUNTERS",
    "DIMENSIONS",
    "LIVE",
    "OTHER",
    "TOPICS",
    "AgentState",
    "AlertEvent",
    "AlertReason",
    "AlertState",
    "Announcement",
    "CallEvent",
    "CallFact",
    "Cell",
    "CellsRecord",
    "ControlRecord",
    "DeadLetter",
    "EventType",
    "FeedStatus",
    "Forecast",
    "Gauge",
    "Notification",
    "Outcome",
    "Progress",
    "RejectionKind",
    "RepairKind",
    "Signal",
    "SignalKind",
    "SourceStatus",
    "Topic",
    "Visit",
    "VisitMark",
    "VisitsRecord",
    "add_counts",
    "murmur2_partition",
    "visit_id",
]
