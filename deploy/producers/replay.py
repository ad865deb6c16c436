"""Replaying an export: the whole file is read and put in order of time, then published as a feed of its own."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from deploy.producers.ahead import Ahead
from deploy.producers.contents import Contents
from deploy.producers.export import sha256
from deploy.producers.mapping import Mapping
from deploy.producers.publisher import Message, Publisher
from deploy.producers.sorting import Timed
from deploy.runtime.settings import Kafka, Settings, SettingsError
from streams.contract import LIVE, CallEvent, EventType
from streams.contract.local_days import local_day

_SLICE = 5_000
_SLEEP_S = 0.1
_encode = msgspec.json.Encoder().encode


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
    if given == LIVE:
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


def whole_days(first: int, last: int, zone: ZoneInfo) -> tuple[int, int]:
    """The local midnights (ms) before `first` and after `last`."""
    return local_day(first, zone).start, local_day(last, zone).end


def markers(*, hotline: str, source: str, feed: str, generation: int, span: tuple[int, int], last: int) -> Markers:
    """`feed_begin` declaring `span` (ms, end excluded) and `feed_end` at the time of the last event."""

    def marker(type_: EventType, at: int, **more: Any) -> bytes:
        event = CallEvent(type=type_, time=at, hotline=hotline, source=source, feed=feed, generation=generation, **more)
        return _encode(event)

    begin = marker("feed_begin", span[0], range_from=span[0], range_to=span[1])
    return Markers(begin, marker("feed_end", last), source.encode())


def markers_of(contents: Contents, mapping: Mapping, *, feed: str, generation: int) -> Markers:
    """The markers of a replay that has events: its range is the whole local days that they touch."""
    first, last = contents.events.first, contents.events.last
    assert first is not None
    assert last is not None
    span = whole_days(first, last, ZoneInfo(mapping.zone))
    return markers(hotline=mapping.hotline, source=mapping.name, feed=feed, generation=generation, span=span, last=last)


def slices(events: Iterable[Timed], speed: float | None) -> Iterator[tuple[float, Sequence[Timed]]]:
    """Parts of the events (in order of time), each with the seconds after the start at which it is due.

    0 at full speed, else the time since the first event, divided by `speed`.
    """
    first: int | None = None
    due, limit = 0.0, float("inf")
    part: list[Timed] = []
    for event in events:
        if first is None:
            first = event.time
        if part and (len(part) >= _SLICE or event.time > limit):
            yield due, part
            part = []
        if not part and speed is not None:
            due = (event.time - first) / 1000 / speed
            limit = first + (due + _SLEEP_S) * 1000 * speed
        part.append(event)
    if part:
        yield due, part


async def publish(
    settings: Kafka,
    events: Iterable[Timed],
    marks: Markers,
    *,
    speed: float | None = None,
    progress: Callable[[int], None] = lambda _: None,
    waits: Callable[[int | None], None] = lambda _: None,
) -> int:
    """Send markers and events; how many events. `speed`: times real time, None as fast as they are counted.

    `waits`: `Ahead` says so. Raises NotReachableError.
    """
    published = asked = 0
    async with Publisher(settings) as publisher:
        ahead = Ahead(settings, publisher.partitions, waits)
        await publisher.publish(marks.to_all(marks.begin, publisher.partitions))
        started = time.monotonic()
        for due, part in slices(events, speed):
            wait = started + due - time.monotonic()
            if wait > 0:
                await publisher.flush()
                await asyncio.sleep(wait)
            published += await publisher.publish(Message(event.key, event.value) for event in part)
            progress(published)
            if published - asked >= ahead.ask_after:
                asked = published
                await publisher.flush()
                await ahead.wait()
        await publisher.flush()
        await publisher.publish(marks.to_all(marks.end, publisher.partitions))
    return published
