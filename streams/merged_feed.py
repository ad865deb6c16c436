"""One feed merged over all calls partitions: the last share of each, and the sums.

A share is absolute, so merging is keeping the last one per partition and adding: in any order of
arrival between partitions, and repeated, it gives the same sums.
"""

from typing import Literal

import msgspec

from streams.bundle import FeedPart, PartialCell, PartialGauge
from streams.contract.cells import Cell, Counts, add_counts
from streams.contribution import MINUTE_MS, CellKey


class _Merged(msgspec.Struct, array_like=True):
    """One base cell: what each partition has of it, and whether it was called final (never taken back).

    `settled` is the sum of the shares that cannot change any more.
    """

    shares: dict[int, Counts]
    settled: Counts
    final: bool = False


class _Source(msgspec.Struct, array_like=True):
    """How far one partition is with this feed."""

    clock: int = 0
    watermark: int = 0
    horizon: int = 0
    ended: bool = False
    gauges: list[PartialGauge] = msgspec.field(default_factory=list)


class MergedFeedSnapshot(msgspec.Struct, array_like=True):
    """A merged feed as it is packed into the merger's state."""

    feed: str
    generation: int
    range_from: int | None
    range_to: int | None
    state: Literal["", "running", "ended"]
    sources: dict[int, _Source]
    cells: list[tuple[int, str, str, str, _Merged]]


class MergedFeed:
    """The merged state of one generation of a feed."""

    def __init__(self, snapshot: MergedFeedSnapshot) -> None:
        self.feed = snapshot.feed
        self.generation = snapshot.generation
        self.range_from = snapshot.range_from
        self.range_to = snapshot.range_to
        self._state = snapshot.state
        self._sources = snapshot.sources
        self._cells = {CellKey(*row[:4]): row[4] for row in snapshot.cells}
        self._changed: dict[CellKey, None] = {}
        self._let_go = 0
        self._not_final: dict[int, list[CellKey]] = {}
        self._by_minute: dict[int, list[CellKey]] = {}
        for key, cell in self._cells.items():
            self._by_minute.setdefault(key.minute, []).append(key)
            if not cell.final:
                self._not_final.setdefault(key.minute, []).append(key)

    @classmethod
    def new(cls, feed: str, generation: int) -> "MergedFeed":
        return cls(MergedFeedSnapshot(feed, generation, None, None, "", {}, []))

    @property
    def clock(self) -> int:
        """The lowest clock of the partitions that have this feed, ms (0: none has)."""
        return min((source.clock for source in self._sources.values()), default=0)

    def merge(self, partition: int, part: FeedPart) -> None:
        """Take in what a partition tells of this feed.

        A share below the horizon that the partition told before is one that it tells again after a
        restart: it stands in the sums already (perhaps in a cell that was let go) and is passed over.
        """
        source = self._sources.setdefault(partition, _Source())
        for share in part.cells:
            if share.minute >= source.horizon:
                self._share(partition, share)
        if part.gauges is not None:
            source.gauges = part.gauges
        if part.clock is None:
            return
        source.clock = max(source.clock, part.clock)
        source.watermark = max(source.watermark, part.watermark or 0)
        source.ended = source.ended or part.ended
        if part.range_from is not None:
            self.range_from, self.range_to = part.range_from, part.range_to
        if (part.horizon or 0) > source.horizon:
            self._settle(partition, source.horizon, part.horizon or 0)
            source.horizon = part.horizon or 0

    def _share(self, partition: int, share: PartialCell) -> None:
        key = CellKey(share.minute, share.hotline, share.dimension_set, share.value)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Merged({}, {})
            self._by_minute.setdefault(key.minute, []).append(key)
            self._not_final.setdefault(key.minute, []).append(key)
        if cell.shares.get(partition, {}) != share.counts:
            cell.shares[partition] = share.counts
            self._changed[key] = None

    def _settle(self, partition: int, begin: int, end: int) -> None:
        """The shares of a partition in minutes from `begin` to before `end` cannot change any more."""
        for minute in [minute for minute in self._by_minute if begin <= minute < end]:
            for key in self._by_minute[minute]:
                cell = self._cells[key]
                add_counts(cell.settled, cell.shares.pop(partition, {}))

    def finalise(self, of: int) -> None:
        """Call cells final that the watermarks of all `of` partitions have passed."""
        if len(self._sources) < of:
            return
        watermark = min((source.watermark for source in self._sources.values()), default=0)
        for minute in [minute for minute in self._not_final if minute + MINUTE_MS <= watermark]:
            for key in self._not_final.pop(minute):
                self._cells[key].final = True
                self._changed[key] = None

    def horizon(self, of: int) -> int:
        """No cell of an earlier minute (ms) will change any more in any of all `of` partitions.

        0 until all have told: one that has told nothing of the feed may have a share in any of its cells.
        """
        return min(source.horizon for source in self._sources.values()) if len(self._sources) == of else 0

    def take_cells(self, version: int, of: int) -> list[Cell]:
        """Cells that changed since the last call, as sums carrying `version`; then let go of old ones."""
        cells = [self._cell(key, version) for key in self._changed]
        self._changed.clear()
        horizon = self.horizon(of)
        if horizon > self._let_go:
            self._let_go = horizon
            for minute in [minute for minute in self._by_minute if minute < horizon]:
                if minute not in self._not_final:
                    for key in self._by_minute.pop(minute):
                        del self._cells[key]
        return cells

    def gauges(self) -> dict[tuple[str, str], PartialGauge]:
        """Gauges per (hotline, queue) and per hotline (queue `""`), summed over partitions."""
        total: dict[tuple[str, str], PartialGauge] = {}
        for source in self._sources.values():
            for share in source.gauges:
                for key in {(share.hotline, share.queue), (share.hotline, "")}:
                    gauge = total.get(key) or total.setdefault(key, PartialGauge(*key, 0, 0, None, 0))
                    gauge.waiting += share.waiting
                    gauge.over_threshold += share.over_threshold
                    gauge.in_service += share.in_service
                    if share.oldest_queued_at is not None:
                        oldest = gauge.oldest_queued_at
                        gauge.oldest_queued_at = min(share.oldest_queued_at, oldest or share.oldest_queued_at)
        return total

    def take_state(self, of: int) -> Literal["running", "ended"] | None:
        """The state of the feed if it is new since the last call; ended: on all `of` partitions."""
        ended = [source.ended for source in self._sources.values()]
        state: Literal["running", "ended"] = "ended" if len(ended) == of and all(ended) else "running"
        if state == self._state:
            return None
        self._state = state
        if state == "ended":
            self._cells.clear()
            self._by_minute.clear()
            self._not_final.clear()
        return state

    def snapshot(self) -> MergedFeedSnapshot:
        """The feed, packed."""
        cells = [(*key, cell) for key, cell in self._cells.items()]
        return MergedFeedSnapshot(
            self.feed, self.generation, self.range_from, self.range_to, self._state, self._sources, cells
        )

    def _cell(self, key: CellKey, version: int) -> Cell:
        merged = self._cells[key]
        counts = dict(merged.settled)
        for share in merged.shares.values():
            add_counts(counts, share)
        return Cell(
            feed=self.feed,
            generation=self.generation,
            hotline=key.hotline,
            dimension_set=key.dimension_set,
            queue=key.value if key.dimension_set == "queue" else "",
            category=key.value if key.dimension_set == "category_1" else "",
            minute=key.minute,
            final=merged.final,
            version=version,
            counts=counts,
        )
