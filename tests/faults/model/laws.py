"""What must hold at every moment, and of the logs, whatever the sums are."""

import msgspec

from model.broker import PARTITIONS, Broker
from streams.bundle import Bundle
from streams.contract import Cell, CellsRecord
from streams.contract.topics import CALLS, CELLS, PARTIALS

MINUTE_MS = 60_000


class BrokenError(AssertionError):
    """A law that must hold at every moment does not."""


_cells = msgspec.json.Decoder(CellsRecord).decode
_bundle = msgspec.json.Decoder(Bundle).decode


def called_final_too_early(broker: Broker) -> list[str]:
    """Cells of `live` that were called final before every partition's watermark had passed them, one line each."""
    passed = [0]  # by offset of the log of bundles: how far the slowest partition was before it
    watermarks = dict.fromkeys(range(PARTITIONS[CALLS]), 0)
    for record in broker.logs[PARTIALS, 0]:
        assert record.value is not None
        bundle = _bundle(record.value)
        for part in bundle.feeds:
            if part.feed == "live":
                watermarks[bundle.partition] = max(watermarks[bundle.partition], part.watermark or 0)
        passed.append(min(watermarks.values()))
    found = []
    for record in broker.logs[CELLS, 0]:
        assert record.value is not None
        cell = _cells(record.value)
        if isinstance(cell, Cell) and cell.feed == "live" and cell.final:
            slowest = passed[cell.version + 1]
            if slowest < cell.minute + MINUTE_MS:
                found.append(f"{cell} was called final when a partition was at {slowest}")
    return found
