"""Dead letters and late events as rows of `dead_letters` and `late_events`."""

from operator import attrgetter

from sinks.clickhouse.rows.table import DAY_MS, Row, Table
from streams.contract.dead_letters import DeadLetter

_COLUMNS = DeadLetter.__struct_fields__
DEAD_LETTERS = Table("dead_letters", (*_COLUMNS, "version"))
LATE_EVENTS = Table("late_events", (*_COLUMNS, "version"))
_values = attrgetter(*_COLUMNS)


def dead_letter_row(letter: DeadLetter, offset: int) -> Row:
    """`offset`: where the entry stands in `hotline.dead-letter`; its version."""
    table = LATE_EVENTS if letter.reason == "late" else DEAD_LETTERS
    return Row(table, letter.append_time // DAY_MS, (*_values(letter), offset))
