"""What the engine told, brought to the oracle's form: the highest version of each visit, cell and dead letter."""

from collections.abc import Iterable
from typing import Any

import msgspec

from oracle.batch import Answer, CellKey
from streams.contract import DIMENSIONS, CallFact, Cell, DeadLetter, Visit

LETTER = ("reason", "append_time", "feed", "hotline", "type", "event_time")
NOT_COMPARED = {"feed", "generation", "visit", "version", "retracted"}


def answer_of(visits: Iterable[Visit | CallFact], cells: Iterable[Cell], letters: Iterable[DeadLetter]) -> Answer:
    """Each visit, cell and letter once, as it stood at its highest version."""
    answer = Answer()
    for visit in visits:
        if not visit.retracted:
            answer.visits[visit.feed, visit.generation, id_of(visit)] = row_of(visit)
    for cell in cells:
        if cell.counts:
            answer.cells[cell_key(cell)] = dict(cell.counts)
    for letter in letters:
        answer.letters[letter.partition, letter.offset] = {
            name: value for name in LETTER if (value := getattr(letter, name)) not in (None, "")
        }
    return answer


def cell_key(cell: Cell) -> CellKey:
    values = tuple(sorted((name, value) for name in DIMENSIONS if (value := getattr(cell, name))))
    return CellKey(cell.feed, cell.generation, cell.hotline, cell.dimension_set, values, cell.minute)


def id_of(row: Visit | CallFact) -> str:
    return row.visit if isinstance(row, Visit) else f"{row.call}/{row.type}/{row.at}"


def row_of(visit: Visit | CallFact) -> dict[str, Any]:
    row = msgspec.structs.asdict(visit)
    return {k: v for k, v in row.items() if k not in NOT_COMPARED and v not in (None, "", (), {}, False)}
