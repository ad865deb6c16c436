"""What a provider should do about each kind of repair and rejection, a sentence each."""

from streams.contract import RejectionKind, RepairKind

_ADVICE: dict[RejectionKind | RepairKind, str] = {
    # rejected
    "not_json": "send one JSON object per event, in UTF-8",
    "no_type": "say what happened in `type`; in a mapping, give the word a meaning (or let it be ignored)",
    "no_time": "write times as epoch milliseconds or RFC 3339 with an offset; in a mapping, correct time.format",
    "no_call": "give every event the id of its call in `call`, the same for all events of one call",
    "future": "set the source's clock: events ahead of the broker's by more than intake.future_s are refused",
    "too_large": "keep an event below 64 KiB and a name below 256 characters",
    "schema": "make the field what `hotline schema` says; in a mapping, correct the column or its unit",
    "encoding": "send UTF-8; in a mapping, correct `encoding` (gb18030, latin-1, ...)",
    # repaired
    "clock_skew": "a step back of up to 5 s counts as 0: set the clocks of the two systems to one time server",
    "order": "a step back of more than 5 s counts as 0: check that times and durations come from one clock",
    "midnight": "a call that passes midnight was put on the next day: send dates with times",
    "whitespace": "white space around values was taken off (or took the place of a separator): trim it at the source",
    "line_end": "lines end in CR LF, as Excel writes them: nothing is lost, and nothing has to be done",
    "sentinel_time": "a time that means `never` was left out: leave it empty at the source",
    "one_digit_hour": "hours of one digit were read: write 09:05:00",
    "repeated_hour": "a time in the hour that the clocks show twice was decided by time.fold: send UTC or an offset",
    "skipped_hour": "a time in the hour that the clocks leave out was moved forward: send UTC or an offset",
}


def advice_on(kind: RejectionKind | RepairKind) -> str:
    """The sentence for a kind."""
    return _ADVICE[kind]
