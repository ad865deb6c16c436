"""Signals as rows of `signals`."""

from operator import attrgetter

from sinks.clickhouse.rows.table import DAY_MS, Row, Table
from streams.contract.signals import Signal

SIGNALS = Table("signals", Signal.__struct_fields__)
_values = attrgetter(*SIGNALS.columns)


def signal_row(signal: Signal) -> Row:
    return Row(SIGNALS, signal.at // DAY_MS, _values(signal))
