"""One partition of `hotline.calls`: events in, visits, partial cells, gauges and dead letters out."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from deploy.runtime.processor import Output, Record
from streams import intake
from streams.bundle import Bundle, FeedPart, PartialAgents, PartialGauge, PartialSource, Quality, split
from streams.contract.events import LIVE, CallEvent
from streams.contract.keys import murmur2_partition, record_key
from streams.contract.topics import CALLS, DEAD_LETTER, PARTIALS, VISITS
from streams.contract.visits import CallFact, Visit, VisitMark
from streams.contribution import Rules
from streams.feed import Feed, FeedHead
from streams.intake import Accepted, Rejection
from streams.ledger import Ledger
from streams.telling import Teller
from streams.torn import CLOCKS_APART_MS, Torn

OUT_OF_ORDERNESS_MS = 60_000
IDLE_BUNDLE_MS = 2_000
SETTLE_RECORDS = 40_000
"""Records that are taken in at most before what follows from them is counted. Of a backlog most calls end within so many,
and are counted once."""
SOURCES_EVERY_MS = 1_000
_ON_EVERY_PARTITION = frozenset({"snapshot_begin", "snapshot_end"})

_encode = msgspec.json.Encoder().encode
_encode_head = msgspec.msgpack.Encoder().encode


class Config(msgspec.Struct, frozen=True):
    """What intake and counting go by. Times in ms; `pseudonym` hashes a caller's number."""

    rules: Rules
    pseudonym: Callable[[str], str]
    lateness_ms: int
    future_ms: int
    visits_partitions: int
    keep_fields: frozenset[str] = frozenset()
    default_hotline: str = ""


class _Head(msgspec.Struct, array_like=True):
    """What is packed beside the parts of the feeds."""

    partition: int
    of: int
    offset: int
    clock: int
    quality: Quality
    feeds: list[FeedHead]
    born: int = 0
    cut_at: int = 0


_decode_head = msgspec.msgpack.Decoder(_Head).decode


class _Told(msgspec.Struct):
    """What the merger was told last of a feed."""

    clock: int = -1
    ended: bool = False
    gauges: list[PartialGauge] | None = None
    agents: list[PartialAgents] | None = None
    sources: list[PartialSource] | None = None
    sources_at: int = 0


class CallsPartition:
    """The state of one partition of `hotline.calls` (of `of` in all), restored from `snapshot` if given."""

    def __init__(self, partition: int, of: int, config: Config, snapshot: Mapping[str, bytes] | None = None) -> None:
        self._partition = partition
        self._of = of
        self._config = config
        state = _decode_head(snapshot["head"]) if snapshot else _Head(partition, of, -1, 0, Quality(), [])
        self._offset = state.offset
        self._clock = state.clock
        self._ledger = Ledger(CALLS, partition, state.quality)
        self._teller = Teller(config.pseudonym, config.default_hotline)
        parts: dict[str, dict[str, bytes]] = {}
        for name, packed in (snapshot or {}).items():
            part, _, feed = name.partition("@")
            parts.setdefault(feed, {})[part] = packed
        self._feeds = {head.feed: self._feed(head, parts.get(head.feed)) for head in state.feeds}
        if LIVE not in self._feeds:
            self._feeds[LIVE] = self._feed(FeedHead(LIVE, 0))
        self._told_quality: bytes = b""
        self._told_at = 0
        self._told: dict[str, _Told] = {}
        self._retracing = True
        self._retraced_at = 0
        self._resumed_before: int | None = None
        self._epoch = 0
        self._born = state.born
        rules = config.rules
        # Twice for calls: what is heard of one after the cut may be the middle of it, and the rest as far away again.
        longest = max(2 * rules.lost_waiting_ms, 2 * rules.lost_talking_ms, rules.lost_agent_ms)
        self._torn = Torn(state.cut_at, longest + config.lateness_ms)
        self._unsettled = 0

    @property
    def clock(self) -> int:
        """The partition clock of `live`, ms; never back."""
        return self._clock

    def apply(self, records: Sequence[Record]) -> None:
        """Take in records in offset order; what follows from them is counted when it is asked for."""
        if records and self._offset < 0 and records[0].offset > 0:
            self._torn.cut(records[0].timestamp)
        for record in records:
            self._clock = max(self._clock, record.timestamp)
            self._offset = record.offset
            result = intake.read(record.value, record.timestamp, self._config.future_ms, self._config.keep_fields)
            if isinstance(result, Rejection):
                self._ledger.reject(record, result)
            else:
                self._accept(record, result)
        self._unsettled += len(records)
        if self._unsettled >= SETTLE_RECORDS:
            self._settle()

    def tick(self, now: int, *, caught_up: bool) -> None:
        """While caught up, the partition clock is wall time; else it stands until more is read.

        What time alone changes is counted when it is asked for.
        """
        if caught_up:
            self._clock = max(self._clock, now)
            if self._offset < 0 and self._resumed_before:
                self._torn.cut(now)
            if self._retracing:
                self._end_retracing(now)

    def resumed(self, end: int, epoch: int, *, first: bool = False) -> None:
        """The log ended before offset `end` when this state was loaded: a former owner has told of nothing further.

        `first`: there was no former owner. `epoch` counts the owners of the partition; every bundle carries it.
        """
        self._epoch = epoch
        if self._offset < 0 and not self._born:
            self._born = epoch
        self._resumed_before = end
        self._retracing = end > 0 and not first

    def missed(self, count: int) -> None:
        """Records that the topic no longer had when they were to be read."""
        self._ledger.quality.missing += count

    def outputs(self) -> list[Output]:
        """Dead letters, visits and marks of feeds that ended, then one bundle.

        Nothing until it is known where the log begins: which visits and minutes are whole depends on it.
        """
        if self._offset < 0 and self._resumed_before and not self._torn.cut_at:
            return []
        self._settle()
        version = (self._offset, self._clock)
        taken = [Output(DEAD_LETTER, key, value) for key, value in self._ledger.take_letters()]
        parts = []
        for feed in self._feeds.values():
            rows = [row for row in feed.take_rows(version) if self._torn.whole(row)]
            taken += [Output(VISITS, _key(row), _encode(row)) for row in rows]
            part = self._part(feed)
            if part is not None:
                parts.append(part)
                if part.ended:
                    taken += self._marks(feed, version)
                    feed.forget_all()
        quality = _encode(self._ledger.quality)
        if parts or quality != self._told_quality or self._clock - self._told_at >= IDLE_BUNDLE_MS:
            if not any(part.feed == LIVE for part in parts):
                parts.append(self._live_part(FeedPart(feed=LIVE)))
            bundle = Bundle(
                self._partition,
                self._of,
                *version,
                parts,
                self._ledger.quality,
                self._epoch,
                self._born,
                self._torn.cut_at,
                self._torn.live_from,
            )
            taken += [Output(PARTIALS, None, _encode(piece), 0) for piece in split(bundle)]
            self._told_at, self._told_quality = self._clock, quality
        return taken

    def snapshot(self) -> dict[str, bytes]:
        """The whole state in named parts (`calls/7@live`); must follow `outputs`."""
        return self._head() | {
            f"{name}@{feed.feed}": packed for feed in self._feeds.values() for name, packed in feed.parts()
        }

    def changes(self) -> dict[str, bytes | None]:
        """As `snapshot`, with None for a part that is as it was at the last call of this method."""
        changes: dict[str, bytes | None] = {**self._head()}
        for feed in self._feeds.values():
            changes.update((f"{name}@{feed.feed}", packed) for name, packed in feed.changes())
        return changes

    def _head(self) -> dict[str, bytes]:
        heads = [feed.head() for feed in self._feeds.values()]
        version = (self._offset, self._clock)
        head = _Head(self._partition, self._of, *version, self._ledger.quality, heads, self._born, self._torn.cut_at)
        return {"head": _encode_head(head)}

    def _feed(self, head: FeedHead, parts: dict[str, bytes] | None = None) -> Feed:
        return Feed(head, self._config.rules, self._config.lateness_ms, self._ledger.repaired, parts)

    def _retrace(self, feed: Feed, record: Record, reference: int) -> None:
        """Let the feed retrace a record that a former owner may have read, or passed with its clock."""
        if feed.feed == LIVE:
            feed.retrace(record.timestamp + CLOCKS_APART_MS)
        else:
            read = self._resumed_before is None or record.offset < self._resumed_before
            feed.retrace(reference if read else 0)

    def _end_retracing(self, now: int) -> None:
        """Stop to retrace once the clock is past all that a former owner can have told when this one had caught up."""
        self._retraced_at = self._retraced_at or now + 2 * CLOCKS_APART_MS
        if self._clock >= self._retraced_at:
            self._retracing = False
            for feed in self._feeds.values():
                feed.retrace(0)

    def _settle(self) -> None:
        self._unsettled = 0
        for feed in self._feeds.values():
            if not feed.ended:
                feed.settle(self._clock if feed.feed == LIVE else feed.clock)

    def _live_part(self, part: FeedPart) -> FeedPart:
        part.clock = self._clock
        part.watermark = self._clock - OUT_OF_ORDERNESS_MS
        part.horizon = self._feeds[LIVE].horizon
        return part

    def _part(self, feed: Feed) -> FeedPart | None:
        """What the merger does not know yet of a feed; None if that is nothing (but time)."""
        told = self._told.setdefault(feed.feed, _Told())
        part = FeedPart(feed=feed.feed, generation=feed.generation, shares=feed.cells.take())
        if not feed.generation:
            gauges, agents = feed.gauges(), feed.roster.states()  # an end is told too: nobody is there any more
            if gauges != told.gauges:
                part.gauges = told.gauges = gauges
            if agents != told.agents:
                part.agents = told.agents = agents
            if feed.ended or feed.clock >= told.sources_at + SOURCES_EVERY_MS:
                sources = feed.sources.told(feed.clock)
                told.sources_at = feed.clock
                if sources != told.sources:
                    part.sources = told.sources = sources
        news = part.shares or part.gauges is not None or part.agents is not None or part.sources is not None
        if feed.feed == LIVE:
            return self._live_part(part) if news else None
        if not news and (told.clock, told.ended) == (feed.clock, feed.ended):
            return None
        told.clock = part.clock = feed.clock
        part.watermark = feed.clock - OUT_OF_ORDERNESS_MS
        part.horizon = feed.horizon
        part.range_from, part.range_to = feed.range_from, feed.range_to
        told.ended = part.ended = feed.ended
        return part

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

    def _accept(self, record: Record, accepted: Accepted) -> None:
        event = accepted.event
        self._ledger.mended(accepted)
        if event.type in {"feed_begin", "feed_end"}:
            self._mark_feed(event)
            return
        feed = self._feed_of(event.feed, event.generation)
        if feed is None:
            self._ledger.superseded(event.source)
            return
        reference = record.timestamp if event.feed == LIVE else feed.read_to(accepted.time)
        if self._retracing:
            self._retrace(feed, record, reference)
        if feed.ended or reference - accepted.time > self._config.lateness_ms:
            self._ledger.late(record, accepted)
            return
        if (
            event.type not in _ON_EVERY_PARTITION
            and murmur2_partition(record_key(event).encode(), self._of) != self._partition
        ):
            self._ledger.misrouted(event.source)
        told = self._teller.tell(feed, accepted, record.timestamp, reference)
        if isinstance(told, Rejection):
            self._ledger.reject(record, told)

    def _feed_of(self, name: str, generation: int) -> Feed | None:
        """The feed an event belongs to (a higher generation replaces the lower); None for a lower one."""
        feed = self._feeds.get(name)
        if name == LIVE:
            return feed
        if feed is None or generation > feed.generation:
            feed = self._feeds[name] = self._feed(FeedHead(name, generation))
            self._told.pop(name, None)
        return feed if generation == feed.generation else None

    def _mark_feed(self, event: CallEvent) -> None:
        feed = self._feed_of(event.feed, event.generation)
        if feed is None or event.feed == LIVE:
            return
        if event.type == "feed_begin":
            feed.range_from, feed.range_to = event.range_from, event.range_to
        elif not feed.ended:
            feed.end()


def _key(row: Visit | CallFact) -> bytes:
    return (row.visit if isinstance(row, Visit) else row.call).encode()
