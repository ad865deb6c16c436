"""Replaying an export: the whole file is read and put in order of time, then published as a feed of its own."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from deploy.producers.export import Export, sha256
from deploy.producers.mapping import Mapping
from deploy.producers.mapping_rows import Rejection, RowReader
from deploy.producers.publisher import Message, Publisher
from deploy.runtime.settings import Kafka, Settings, SettingsError
from streams.contract import CallEvent, EventType

VISIT_OUTCOMES = ("answered", "abandoned", "flowed_out", "callback_taken")
_SLICE = 5_000
_SLEEP_S = 0.1
_encode = msgspec.json.Encoder().encode


class Timed(NamedTuple):
    """One event ready to be sent: event time in ms, key (call id), JSON."""

    time: int
    key: bytes
    value: bytes


class Contents(NamedTuple):
    """What an export holds: events in order of time, rows by outcome, what was mended or refused."""

    read: int
    events: list[Timed]
    outcomes: Counter[str]
    repaired: Counter[str]
    rejected: list[tuple[int, Rejection]]

    @property
    def visits(self) -> int:
        return sum(self.outcomes[outcome] for outcome in VISIT_OUTCOMES)

    def rejected_by_kind(self) -> Counter[str]:
        return Counter(rejection.kind for _, rejection in self.rejected)


class Markers(NamedTuple):
    """What every partition is told before and after the events of a feed."""

    begin: bytes
    end: bytes
    key: bytes

    def to_all(self, value: bytes, partitions: int) -> list[Message]:
        return [Message(self.key, value, partition) for partition in range(partitions)]


def feed_name(given: str, path: Path) -> str:
    """The name given, else `replay-` and the first eight hex digits of the file's SHA-256.

    Raises SettingsError for `live`: a replay never mixes with it.
    """
    if given == "live":
        raise SettingsError("a replay has a feed of its own: name another than live")
    return given or f"replay-{sha256(path)[:8]}"


def check_hotline(mapping: Mapping, settings: Settings) -> None:
    """Raise SettingsError, with the lines to add, unless the mapping's hotline is known with its zone."""
    known = settings.known_hotlines().get(mapping.hotline)
    if known is None:
        raise SettingsError(
            f"hotline {mapping.hotline!r} of mapping {mapping.name} is not configured; add to hotline.yaml:\n"
            f'hotlines:\n  "{mapping.hotline}":\n    time_zone: {mapping.zone}\n    thresholds_s: [20]'
        )
    if known.time_zone != mapping.zone:
        raise SettingsError(
            f"mapping {mapping.name} reads times of {mapping.zone}, but hotline {mapping.hotline!r} is in "
            f"{known.time_zone}: correct `zone` in the mapping, or in hotline.yaml:\n"
            f'hotlines:\n  "{mapping.hotline}":\n    time_zone: {mapping.zone}'
        )


def read(path: Path, mapping: Mapping, *, feed: str, generation: int) -> Contents:
    """The whole file as events, in memory (about 400 bytes an event).

    Raises MappingError if columns are missing, OSError if the file cannot be read.
    """
    export = Export(path, mapping)
    reader = RowReader(mapping, export.header, feed=feed, generation=generation)
    contents = Contents(0, [], Counter(), Counter(), [])
    rows = 0
    for line in export:
        rows += 1
        row = line.values if isinstance(line.values, Rejection) else reader.read(line.values)
        if isinstance(row, Rejection):
            contents.rejected.append((line.number, row))
            continue
        contents.outcomes[row.outcome] += 1
        contents.repaired.update(row.repairs)
        contents.repaired["line_end"] += line.carriage_return
        contents.events.extend(Timed(int(event.time), event.call.encode(), _encode(event)) for event in row.events)
    contents.events.sort(key=lambda event: event.time)  # stable: a call's events of one instant stay in order
    return contents._replace(read=rows, repaired=+contents.repaired)


def whole_days(first: int, last: int, zone: ZoneInfo) -> tuple[int, int]:
    """The local midnights (ms) before `first` and after `last`."""
    start = datetime.fromtimestamp(first / 1000, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    end = datetime.fromtimestamp(last / 1000, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return round(start.timestamp() * 1000), round((end + timedelta(days=1)).timestamp() * 1000)


def markers(*, hotline: str, source: str, feed: str, generation: int, span: tuple[int, int], last: int) -> Markers:
    """`feed_begin` declaring `span` (ms, end excluded) and `feed_end` at the time of the last event."""

    def marker(type_: EventType, at: int, **more: Any) -> bytes:
        event = CallEvent(type=type_, time=at, hotline=hotline, source=source, feed=feed, generation=generation, **more)
        return _encode(event)

    begin = marker("feed_begin", span[0], range_from=span[0], range_to=span[1])
    return Markers(begin, marker("feed_end", last), source.encode())


def markers_of(contents: Contents, mapping: Mapping, *, feed: str, generation: int) -> Markers:
    """The markers of a replay: its range is the whole local days that its events touch."""
    first, last = contents.events[0].time, contents.events[-1].time
    span = whole_days(first, last, ZoneInfo(mapping.zone))
    return markers(hotline=mapping.hotline, source=mapping.name, feed=feed, generation=generation, span=span, last=last)


def slices(events: Sequence[Timed], speed: float | None) -> Iterator[tuple[float, Sequence[Timed]]]:
    """Parts of the events, each with the seconds after the start at which it is due (0 at full speed)."""
    start = 0
    while start < len(events):
        due = 0.0 if speed is None else (events[start].time - events[0].time) / 1000 / speed
        end = min(start + _SLICE, len(events))
        if speed is not None:
            limit = events[0].time + (due + _SLEEP_S) * 1000 * speed
            end = next((at for at in range(start, end) if events[at].time > limit), end)
        yield due, events[start:end]
        start = end


async def publish(
    settings: Kafka,
    events: Sequence[Timed],
    marks: Markers,
    *,
    speed: float | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Send markers and events; how many events. `speed`: times real time, None as fast as possible.

    Raises NotReachableError.
    """
    published = 0
    async with Publisher(settings) as publisher:
        await publisher.publish(marks.to_all(marks.begin, publisher.partitions))
        started = time.monotonic()
        for due, part in slices(events, speed):
            wait = started + due - time.monotonic()
            if wait > 0:
                await publisher.flush()
                await asyncio.sleep(wait)
            published += await publisher.publish(Message(event.key, event.value) for event in part)
            progress(published)
        await publisher.flush()
        await publisher.publish(marks.to_all(marks.end, publisher.partitions))
    return published
