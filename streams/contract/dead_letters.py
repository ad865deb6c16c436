"""What `hotline.dead-letter` carries: where an event that is not in the numbers stands, and why."""

from typing import Literal

import msgspec

RejectionKind = Literal["not_json", "no_type", "no_time", "no_call", "future", "too_large", "schema", "encoding"]
RepairKind = Literal[
    "clock_skew",
    "order",
    "midnight",
    "whitespace",
    "line_end",
    "sentinel_time",
    "one_digit_hour",
    "repeated_hour",
    "skipped_hour",
]


class DeadLetter(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The position of a record in the input topic, the reason, and a preview with digit runs masked.

    `reason` is a `RejectionKind`, or `late` for an event that came after the allowed lateness: it was
    readable, is kept here, and stands in no cell. The record itself stays in the input topic only.
    """

    topic: str
    partition: int
    offset: int
    reason: RejectionKind | Literal["late"]
    field: str = ""
    detail: str = ""
    preview: str = ""
    source: str = ""
    feed: str = ""
    hotline: str = ""
    type: str = ""
    event_time: int | None = None
    append_time: int
