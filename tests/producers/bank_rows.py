"""What the tests of mappings share: a small mapping of every kind, rows of it, and a plain count of events."""

from collections import defaultdict

from deploy.producers import mapping
from deploy.producers.mapping_rows import ReadRow, Rejection, RowReader

HEADER, AGENT = zip(
    ("vru+line", "AA0101"),
    ("call_id", "33118"),
    ("customer_id", "27997683"),
    ("priority", "2"),
    ("type", "PS"),
    ("date", "990101"),
    ("vru_entry", "6:55:20"),
    ("vru_exit", "6:55:26"),
    ("vru_time", "6"),
    ("q_start", "6:55:26"),
    ("q_exit", "6:55:43"),
    ("q_time", "17"),
    ("outcome", "AGENT"),
    ("ser_start", "6:55:43"),
    ("ser_exit", "6:56:37"),
    ("ser_time", "54"),
    ("server", "MICHAL"),
    strict=True,
)


def bank_row(**changes: str) -> list[str]:
    """An answered call of the Anonymous Bank, with changes by column (`vru_line` for `vru+line`)."""
    values = dict(zip(HEADER, AGENT, strict=True))
    for name, value in changes.items():
        values["vru+line" if name == "vru_line" else name] = value
    return list(values.values())


def bank_reader() -> RowReader:
    return RowReader(mapping.load("anonymous-bank"), HEADER, feed="replay-test", generation=7)


def read_bank(**changes: str) -> ReadRow:
    row = bank_reader().read(bank_row(**changes))
    assert isinstance(row, ReadRow), row
    return row


def reject_bank(**changes: str) -> Rejection:
    row = bank_reader().read(bank_row(**changes))
    assert isinstance(row, Rejection), row
    return row


def seconds_of(at: int, zone_hours: int = 2) -> str:
    """H:MM:SS of an epoch ms, in a zone that many hours ahead of UTC."""
    s = at // 1000 + zone_hours * 3600
    return f"{s // 3600 % 24}:{s // 60 % 60:02d}:{s % 60:02d}"


def stays(events) -> dict[str, dict]:
    """Each call's outcome, wait and talk (ms) from its events alone, as plainly as can be."""
    calls = defaultdict(dict)
    for event in events:
        call = calls[event.call]
        if event.flag:
            call["outcome"] = event.flag
        if event.type == "queued":
            call["queued_at"] = event.time
        if event.type in {"answered", "abandoned"}:
            call.update(outcome=event.type, wait_ms=event.wait_ms)
        if event.type == "ended":
            call["talk_ms"] = event.talk_ms
            if "queued_at" not in call:
                call["outcome"] = "ended_in_menu"
    return calls
