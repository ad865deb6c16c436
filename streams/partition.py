"""One partition of `hotline.calls`: events in, visits, partial cells, gauges and dead letters out."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

import msgspec

from deploy.runtime.processor import Output, Record
from streams import intake
from streams.bundle import Bundle, FeedPart, PartialCell, PartialGauge, Quality, split
from streams.calls import CALL_TYPES, MAX_FACTS, Call, Fact
from streams.contract.events import CallEvent
from streams.contract.keys import murmur2_partition
from streams.contract.topics import CALLS, DEAD_LETTER, PARTIALS, VISITS
from streams.contract.visits import VisitMark
from streams.contribution import Rules
from streams.feed import CALL_ATTRIBUTES, EXTRA, STAY_ATTRIBUTES, Feed, FeedSnapshot
from streams.ledger import Ledger

LIVE = "live"
OUT_OF_ORDERNESS_MS = 60_000
IDLE_BUNDLE_MS = 2_000
_attributes = attrgetter(*CALL_ATTRIBUTES, *STAY_ATTRIBUTES)
_NO_ATTRIBUTES = ("",) * len(CALL_ATTRIBUTES + STAY_ATTRIBUTES)
_TALK = frozenset({"ended", "transferred"})

_encode = msgspec.json.Encoder().encode
_encode_state = msgspec.msgpack.Encoder().encode


class Config(msgspec.Struct, frozen=True):
    """What intake and counting go by. Times in ms; `pseudonym` hashes a caller's number."""

    rules: Rules
    pseudonym: Callable[[str], str]
    lateness_ms: int
    future_ms: int
    visits_partitions: int
    keep_fields: frozenset[str] = frozenset()
    default_hotline: str = ""


class _Snapshot(msgspec.Struct, array_like=True):
    partition: int
    of: int
    offset: int
    clock: int
    quality: Quality
    feeds: list[FeedSnapshot]


_decode_state = msgspec.msgpack.Decoder(_Snapshot).decode


class CallsPartition:
    """The state of one partition of `hotline.calls` (of `of` in all), restored from `snapshot` if given."""

    def __init__(self, partition: int, of: int, config: Config, snapshot: Mapping[str, bytes] | None = None) -> None:
        self._partition = partition
        self._of = of
        self._config = config
        state = _decode_state(snapshot["all"]) if snapshot else _Snapshot(partition, of, -1, 0, Quality(), [])
        self._offset = state.offset
        self._clock = state.clock
        self._ledger = Ledger(CALLS, partition, state.quality)
        self._feeds = {feed.feed: self._feed(feed) for feed in state.feeds}
        if LIVE not in self._feeds:
            self._feeds[LIVE] = self._new_feed(LIVE, 0)
        self._told_quality: bytes = b""
        self._told_at = 0
        self._told_clocks: dict[str, int] = {}
        self._told_gauges: dict[str, list[PartialGauge]] = {}

    @property
    def clock(self) -> int:
        """The partition clock of `live`, ms; never back."""
        return self._clock

    def apply(self, records: Sequence[Record]) -> None:
        """Take in records in offset order."""
        for record in records:
            self._clock = max(self._clock, record.timestamp)
            self._offset = record.offset
            result = intake.read(record.value, record.timestamp, self._config.future_ms, self._config.keep_fields)
            if isinstance(result, intake.Rejection):
                self._ledger.reject(record, result)
            else:
                self._accept(record, result)
        self._settle()

    def tick(self, now: int, *, caught_up: bool) -> None:
        """While caught up, the partition clock is wall time; else it stands until more is read."""
        if caught_up:
            self._clock = max(self._clock, now)
        self._settle()

    def missed(self, count: int) -> None:
        """Records that the topic no longer had when they were to be read."""
        self._ledger.quality.missing += count

    def outputs(self) -> list[Output]:
        """Dead letters, visits and marks of feeds that ended, then one bundle."""
        version = (self._offset, self._clock)
        taken = [Output(DEAD_LETTER, key, value) for key, value in self._ledger.take_letters()]
        parts = []
        for feed in self._feeds.values():
            taken += [Output(VISITS, v.visit.encode(), _encode(v)) for v in feed.take_visits(version)]
            part = self._part(feed)
            if part is not None:
                parts.append(part)
                if part.ended:
                    taken += self._marks(feed, version)
                    feed.forget_all()
        quality = _encode(self._ledger.quality)
        if parts or quality != self._told_quality or self._clock - self._told_at >= IDLE_BUNDLE_MS:
            if not any(part.feed == LIVE for part in parts):
                parts.append(self._live_part([], None))
            bundle = Bundle(self._partition, self._of, self._offset, self._clock, parts, self._ledger.quality)
            taken += [Output(PARTIALS, None, _encode(piece), 0) for piece in split(bundle)]
            self._told_at, self._told_quality = self._clock, quality
        return taken

    def snapshot(self) -> dict[str, bytes]:
        """The whole state in named parts; must follow `outputs`."""
        feeds = [feed.snapshot() for feed in self._feeds.values()]
        state = _Snapshot(self._partition, self._of, self._offset, self._clock, self._ledger.quality, feeds)
        return {"all": _encode_state(state)}

    def _feed(self, snapshot: FeedSnapshot) -> Feed:
        return Feed(snapshot, self._config.rules, self._config.lateness_ms, self._ledger.repaired)

    def _new_feed(self, name: str, generation: int) -> Feed:
        return Feed.new(name, generation, self._config.rules, self._config.lateness_ms, self._ledger.repaired)

    def _settle(self) -> None:
        for feed in self._feeds.values():
            if not feed.ended:
                feed.settle(self._clock if feed.feed == LIVE else feed.clock)

    def _live_part(self, cells: list[PartialCell], gauges: list[PartialGauge] | None) -> FeedPart:
        return FeedPart(
            feed=LIVE,
            clock=self._clock,
            watermark=self._clock - OUT_OF_ORDERNESS_MS,
            horizon=self._feeds[LIVE].horizon,
            cells=cells,
            gauges=gauges,
        )

    def _part(self, feed: Feed) -> FeedPart | None:
        """What the merger does not know yet of a feed; None if that is nothing (but time)."""
        cells = feed.take_cells()
        gauges = None
        if not feed.generation and not feed.ended:
            gauges = feed.gauges()
            if gauges == self._told_gauges.get(feed.feed):
                gauges = None
            else:
                self._told_gauges[feed.feed] = gauges
        if feed.feed == LIVE:
            return self._live_part(cells, gauges) if cells or gauges is not None else None
        if not cells and gauges is None and self._told_clocks.get(feed.feed) == feed.clock:
            return None
        self._told_clocks[feed.feed] = feed.clock
        return FeedPart(
            feed=feed.feed,
            generation=feed.generation,
            clock=feed.clock,
            watermark=feed.clock if feed.ended else feed.clock - OUT_OF_ORDERNESS_MS,
            horizon=feed.horizon,
            range_from=feed.range_from,
            range_to=feed.range_to,
            ended=feed.ended,
            cells=cells,
            gauges=gauges,
        )

    def _marks(self, feed: Feed, version: tuple[int, int]) -> list[Output]:
        count = self._config.visits_partitions
        marks = [
            VisitMark(
                feed=feed.feed,
                generation=feed.generation,
                source_partition=self._partition,
                partition=partition,
                of=self._of * count,
                version=version,
            )
            for partition in range(count)
        ]
        return [Output(VISITS, None, _encode(mark), mark.partition) for mark in marks]

    def _accept(self, record: Record, accepted: intake.Accepted) -> None:
        event = accepted.event
        self._ledger.mended(accepted)
        if event.type in {"feed_begin", "feed_end"}:
            self._mark_feed(event)
            return
        feed = self._feed_of(event.feed, event.generation)
        if feed is None:
            self._ledger.superseded(event.source)
            return
        if event.type not in CALL_TYPES:
            return  # agents, heartbeats and snapshots are valid; nothing is counted of them yet
        reference = record.timestamp if event.feed == LIVE else feed.read_to(accepted.time)
        if feed.ended or reference - accepted.time > self._config.lateness_ms:
            self._ledger.late(record, accepted)
            return
        call = feed.call(event.call, event.hotline, reference)
        if not call.facts:
            call.misrouted = murmur2_partition(event.call.encode(), self._of) != self._partition
        if call.misrouted:
            self._ledger.misrouted(event.source)
        if len(call.facts) >= MAX_FACTS:
            detail = f"more than {MAX_FACTS} distinct events of one call: is `call` unique?"
            self._ledger.reject(record, intake.Rejection("too_large", "call", detail, "", event.source))
        elif self._tell(call, event, accepted):
            feed.touch(event.call)

    def _tell(self, call: Call, event: CallEvent, accepted: intake.Accepted) -> bool:
        """Let the call take in the event; whether it changed."""
        time = accepted.time
        stated = event.acw_ms if event.type == "wrapped" else event.talk_ms if event.type in _TALK else event.wait_ms
        fact = Fact(
            time,
            event.type,
            event.queue,
            event.entry or 0,
            -1 if stated is None else stated,
            -1 if event.hold_ms is None else event.hold_ms,
            event.agent,
        )
        changed = call.tell(fact)
        hotline = event.hotline or self._config.default_hotline
        if hotline > call.hotline:
            call.hotline, changed = hotline, True
        if event.flag and event.flag > call.flag:
            call.flag, changed = event.flag, True
        values = _attributes(event)
        if values != _NO_ATTRIBUTES:
            changed |= self._describe(call, event, time, values)
        for name, value in accepted.extra.items():
            changed |= call.describe(EXTRA + name, time, value)
        return changed

    def _describe(self, call: Call, event: CallEvent, time: int, values: tuple[str, ...]) -> bool:
        changed = False
        for name, value in zip(CALL_ATTRIBUTES + STAY_ATTRIBUTES, values, strict=True):
            if not value:
                continue
            if name == "caller":
                changed |= call.describe(name, time, self._config.pseudonym(value))
            elif event.queue and name in STAY_ATTRIBUTES:
                changed |= call.describe(f"{name}@{event.queue}", time, value)
            else:
                changed |= call.describe(name, time, value)
        return changed

    def _feed_of(self, name: str, generation: int) -> Feed | None:
        """The feed an event belongs to (a higher generation replaces the lower); None for a lower one."""
        feed = self._feeds.get(name)
        if name == LIVE:
            return feed
        if feed is None or generation > feed.generation:
            feed = self._feeds[name] = self._new_feed(name, generation)
        return feed if generation == feed.generation else None

    def _mark_feed(self, event: CallEvent) -> None:
        feed = self._feed_of(event.feed, event.generation)
        if feed is None or event.feed == LIVE:
            return
        if event.type == "feed_begin":
            feed.range_from, feed.range_to = event.range_from, event.range_to
        elif not feed.ended:
            feed.end()
