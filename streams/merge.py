"""Bundles of all calls partitions in; merged cells, gauges, feed states, progress and signals out.

Everything here is a function of the `hotline.partials` log up to an offset, which is the version of
whatever leaves: a restart can only repeat. Time is what the partitions say it is.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from deploy.runtime.processor import Output, Record
from streams.bundle import Bundle, FeedPart, PartialAgents, PartialGauge, Quality
from streams.contract.cells import FeedStatus, Forecast, Gauge, PartitionProgress, Progress, progress_to
from streams.contract.events import LIVE
from streams.contract.signals import Signal
from streams.contract.topics import CELLS, SIGNALS
from streams.contribution import Rules
from streams.detection import Announced, Detection, DetectionRules
from streams.lives import Lives, LivesHead
from streams.merged_feed import MergedFeed, MergedFeedHead, Tellable
from streams.merged_present import NEVER
from streams.merged_sources import TELL_EVERY_MS
from streams.torn import replay_is_whole

PROGRESS_EVERY_MS = 1_000

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Bundle).decode
_encode_head = msgspec.msgpack.Encoder().encode


class Merging(msgspec.Struct, frozen=True):
    """`most_values`: kept apart per hotline and dimension set. `silent_after_ms`: how long a source may say nothing."""

    most_values: int
    silent_after_ms: int


class _Partition(msgspec.Struct, array_like=True):
    """How far one calls partition is, by its last bundle. `epoch`: of the latest owner that was heard.

    `clock`: the highest it told, as an owner's may be behind its predecessor's; `told`: the clock of the last bundle.
    `born`, `cut_at` and `live_from` as in its bundles.
    """

    offset: int
    clock: int
    quality: Quality
    epoch: int = 0
    told: int = 0
    born: int = 0
    cut_at: int = 0
    live_from: int = 0


class _Head(msgspec.Struct, array_like=True):
    version: int
    of: int
    partitions: dict[int, _Partition]
    feeds: list[MergedFeedHead]
    gauges: list[Gauge]
    lives: LivesHead = msgspec.field(default_factory=LivesHead)


_decode_head = msgspec.msgpack.Decoder(_Head).decode


class Merger:
    """The state of the one partition of `hotline.partials`, restored from `snapshot` if given."""

    def __init__(
        self, rules: Rules, merging: Merging, detection: DetectionRules, snapshot: Mapping[str, bytes] | None = None
    ) -> None:
        self._rules = rules
        self._merging = merging
        self._judged = detection.feed
        self._watched = {detection.feed, *detection.demand.learn_from}
        if snapshot:
            state = _decode_head(snapshot["head"])
            self._detection = Detection.restore(detection, snapshot)
        else:
            state = _Head(-1, 0, {}, [], [])
            self._detection = Detection(detection)
        self._version = state.version
        self._of = state.of
        self._partitions = state.partitions
        self._lives = Lives(state.lives)
        parts: dict[str, dict[str, bytes]] = {}
        for name, packed in (snapshot or {}).items():
            part, _, of_feed = name.partition("@")
            parts.setdefault(of_feed, {})[part] = packed
        self._feeds = {head.feed: self._feed(head, parts.get(head.feed)) for head in state.feeds}
        self._told_gauges: dict[str, dict[tuple[str, str], Gauge]] = {}
        for gauge in state.gauges:
            self._told_gauges.setdefault(gauge.feed, {})[gauge.hotline, gauge.queue] = gauge
        self._told_version = self._version
        self._told_progress_at = 0
        self._read_at = 0

    @property
    def clock(self) -> int:
        """The lowest partition clock of `live` (0 until every partition has told), ms."""
        if not self._of or len(self._partitions) < self._of:
            return 0
        return min(its.clock for its in self._partitions.values())

    def apply(self, records: Sequence[Record]) -> None:
        """Take in bundles.

        Passed over is one that is older than what its partition has told, whoever told that, and one that a former owner
        sends beside its successor: it would stand between two things that the successor tells.
        """
        for record in records:
            if record.value is None:
                continue
            bundle = _decode(record.value)
            if self._version < 0 and record.offset > 0:
                self._lives.cut(record.timestamp)
            self._version = record.offset
            self._read_at = record.timestamp
            self._of = bundle.of
            if not self._counts(bundle):
                continue
            for part in bundle.feeds:
                self._merge(bundle.partition, part)

    def _counts(self, bundle: Bundle) -> bool:
        """Whether a bundle is the newest of its partition; if so, remember how far the partition is."""
        match self._lives.judge(bundle.partition, bundle.born):
            case "former":
                return False
            case "afresh":
                self._begin_afresh()
            case "same":
                pass
        known = self._partitions.get(bundle.partition)
        clock, epoch = bundle.clock, bundle.epoch
        if known is not None:
            if epoch and epoch < known.epoch:
                return False
            epoch = known.epoch = max(epoch, known.epoch)
            if (bundle.offset, bundle.clock) < (known.offset, known.told):
                return False
            clock = max(clock, known.clock)
        if bundle.quality is not None:  # not a piece: whoever sent that may have died before the last one
            self._partitions[bundle.partition] = _Partition(
                bundle.offset, clock, bundle.quality, epoch, bundle.clock, bundle.born, bundle.cut_at, bundle.live_from
            )
        return True

    def _begin_afresh(self) -> None:
        """A partition tells everything again, and so will the others: forget what was merged before."""
        for name in self._feeds:
            self._detection.forget(name)
        self._feeds.clear()
        self._partitions.clear()

    def announce(self, events: Iterable[Announced]) -> None:
        """From now on these are the events that are announced."""
        self._detection.announce(events)

    def tick(self, now: int, *, caught_up: bool) -> None:
        """Nothing: the clocks of the calls partitions are the only time here."""

    def outputs(self) -> list[Output]:
        """Changed cells, gauges and forecasts, feeds that ended, progress; signals last."""
        if self._version == self._told_version:
            return []
        self._told_version = self._version
        taken: list[Output] = []
        judged = self._feeds.get(self._judged)
        over = judged is not None and judged.over
        # A partition that was not heard yet may not know its minutes whole.
        heard = len(self._partitions) == self._of or not self._lives.named
        for feed in self._feeds.values():
            # Before the cells, whose counts are let go when they are told for the last time.
            taken += self._told_sources(feed)
            if heard:
                taken += self._cells(feed)
                taken += self._status(feed)
            # After the status: that nobody is there any more when a feed has ended is no news of its last minute.
            taken += self._gauges(feed)
        signals = self._judge(judged, over=over) if judged else []
        if self._read_at - self._told_progress_at >= PROGRESS_EVERY_MS:
            self._told_progress_at = self._read_at
            taken.append(Output(CELLS, b"progress", _encode(self._progress())))
        for told in signals:
            taken.append(self._told(told))
        return taken

    def snapshot(self) -> dict[str, bytes]:
        """The whole state in named parts; must follow `outputs`."""
        if self._version != self._told_version:
            raise RuntimeError("a snapshot must follow the outputs: the last bundles were not told yet")
        heads = [feed.head() for feed in self._feeds.values()]
        gauges = [gauge for told in self._told_gauges.values() for gauge in told.values()]
        head = _Head(self._version, self._of, self._partitions, heads, gauges, self._lives.head)
        parts = {"head": _encode_head(head), **self._detection.snapshot()}
        for feed in self._feeds.values():
            parts.update((f"{name}@{feed.feed}", packed) for name, packed in feed.parts())
        return parts

    def _feed(self, head: MergedFeedHead, parts: Mapping[str, bytes] | None = None) -> MergedFeed:
        return MergedFeed(head, self._rules.dimensions, self._merging.most_values, parts)

    def _merge(self, partition: int, part: FeedPart) -> None:
        feed = self._feeds.get(part.feed)
        if feed is None or part.generation > feed.generation:
            if feed is not None:
                self._detection.forget(feed.feed)
            feed = self._feeds[part.feed] = self._feed(MergedFeedHead(part.feed, part.generation))
        if part.generation == feed.generation:
            feed.merge(partition, part)

    def _clock_of(self, feed: MergedFeed) -> int:
        """How far a feed is: for `live` every partition must have told; for others those that have it."""
        return self.clock if feed.feed == LIVE else feed.as_of(self._of)

    def _ahead_of(self, feed: MergedFeed) -> int:
        """By how much the partition that is furthest with a feed is ahead of its clock, ms."""
        if feed.feed == LIVE:
            return max(its.clock for its in self._partitions.values()) - self.clock
        return feed.ahead

    def _judge(self, feed: MergedFeed, *, over: bool) -> Sequence[Signal | Forecast]:
        """The signals and forecasts of the judged feed; `over`: an earlier call has told that it ended.

        A call later, so that a condition which goes on at the end is told as ended with a higher version than as going on.
        """
        if over:
            return self._detection.end(self._version)
        clock = self._clock_of(feed)
        return self._detection.advance(clock, self._version, self._ahead_of(feed)) if clock else []

    def _cells(self, feed: MergedFeed) -> list[Output]:
        feed.finalise(self._of)
        cells = feed.take_cells(self._version, self._of, self._tellable(feed))
        if feed.feed in self._watched:
            for cell in cells:
                self._detection.cell(cell)
            self._detection.complete(feed.feed, feed.known_to(self._of))
        taken = []
        for cell in cells:
            key = f"{cell.feed}/{cell.dimension_set}/{cell.hotline}/{cell.queue}{cell.category}"
            taken.append(Output(CELLS, key.encode(), _encode(cell)))
        return taken

    def _tellable(self, feed: MergedFeed) -> Tellable:
        """Which cells of a feed may be told: only whole ones, and one that may have been told as final only as final."""
        partitions = self._partitions.values()
        began = self._lives.began
        if feed.feed == LIVE:
            return Tellable(max(its.live_from for its in partitions), began)
        if not replay_is_whole(feed.generation, max(its.cut_at for its in partitions)):
            return Tellable(NEVER, NEVER)
        return Tellable(0, NEVER if feed.generation < began and not feed.ended(self._of) else 0)

    def _gauges(self, feed: MergedFeed) -> list[Output]:
        told = self._told_gauges.setdefault(feed.feed, {})
        taken = []
        at = self._clock_of(feed)
        present, agents = feed.gauges(self._of), feed.agents(self._of)
        # Most of a nation's queues are as they were: only what changed is made a gauge, and sorted.
        changed = {}
        for key in present.keys() | agents.keys() | told.keys():
            share = present.get(key) or PartialGauge(*key, 0, 0, None, 0)
            its = agents.get(key) or PartialAgents(*key, {}, {})
            threshold_s = self._rules.promise(*key).thresholds_s[0]
            if not _says_already(told.get(key), share, its, threshold_s):
                changed[key] = self._gauge(feed.feed, share, its, threshold_s, at)
        for key, gauge in sorted(changed.items()):
            told[key] = gauge
            if feed.feed == self._judged:
                self._detection.gauge(gauge)
            taken.append(Output(CELLS, f"{feed.feed}/gauge/{key[0]}/{key[1]}".encode(), _encode(gauge)))
        return taken

    def _told_sources(self, feed: MergedFeed) -> list[Output]:
        """What is new of the sources, now and in each window that the clock has passed: one step may be hours."""
        at = self._clock_of(feed)
        if not at or not feed.running:
            return []
        changed = []
        for end, records in feed.passed_windows(at, self._of):
            changed += feed.told_sources.judge_window(feed.feed, end, self._version, records)
        every_ms = 0 if feed.ended(self._of) else TELL_EVERY_MS
        changed += feed.told_sources.judge(
            feed.feed, at, self._version, self._merging.silent_after_ms, feed.recent_records(at), every_ms=every_ms
        )
        if feed.feed == self._judged:
            for status in changed:
                self._detection.source(status)
        return [Output(CELLS, f"{feed.feed}/source/{it.source}".encode(), _encode(it)) for it in changed]

    def _gauge(self, feed: str, share: PartialGauge, agents: PartialAgents, threshold_s: int, at: int) -> Gauge:
        return Gauge(
            feed=feed,
            hotline=share.hotline,
            dimension_set="queue" if share.queue else "hotline",
            queue=share.queue,
            at=at,
            version=self._version,
            waiting=share.waiting,
            waiting_over_threshold=share.over_threshold,
            oldest_queued_at=share.oldest_queued_at,
            in_service=share.in_service,
            threshold_s=threshold_s,
            agents=agents.states,
            breaks=agents.breaks,
        )

    def _status(self, feed: MergedFeed) -> list[Output]:
        if feed.feed == LIVE:
            return []
        state = feed.take_state(self._of)
        if state is None:
            return []
        status = FeedStatus(
            feed=feed.feed,
            generation=feed.generation,
            state=state,
            range_from=feed.range_from,
            range_to=feed.range_to,
            at=feed.as_of(self._of) or feed.range_from or 0,
            version=self._version,
        )
        return [Output(CELLS, f"{feed.feed}/feed".encode(), _encode(status))]

    def _progress(self) -> Progress:
        total = progress_to(self.clock or None, self._version)
        total.partitions = [
            PartitionProgress(partition=number, offset=its.offset, clock=its.clock)
            for number, its in sorted(self._partitions.items())
        ]
        for its in self._partitions.values():
            quality = its.quality
            total.missing += quality.missing
            for name in ("misrouted", "late", "unknown_fields", "superseded"):
                _add(getattr(total, name), getattr(quality, name))
            for name in ("repaired", "rejected"):
                for kind, counts in getattr(quality, name).items():
                    _add(getattr(total, name).setdefault(kind, {}), counts)
        return total

    @staticmethod
    def _told(told: Signal | Forecast) -> Output:
        if isinstance(told, Signal):
            return Output(SIGNALS, told.fingerprint.encode(), _encode(told))
        key = f"{told.feed}/forecast/{told.hotline}/{told.queue}"
        return Output(CELLS, key.encode(), _encode(told))


def _says_already(gauge: Gauge | None, share: PartialGauge, agents: PartialAgents, threshold_s: int) -> bool:
    """Whether the gauge that was told last says just this."""
    return (
        gauge is not None
        and gauge.waiting == share.waiting
        and gauge.in_service == share.in_service
        and gauge.waiting_over_threshold == share.over_threshold
        and gauge.oldest_queued_at == share.oldest_queued_at
        and gauge.threshold_s == threshold_s
        and gauge.agents == agents.states
        and gauge.breaks == agents.breaks
    )


def _add(total: dict[str, int], counts: dict[str, int]) -> None:
    for name, number in counts.items():
        total[name] = total.get(name, 0) + number
