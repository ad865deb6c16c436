"""One feed merged over all calls partitions: the last share of each, and the sums.

A share is absolute, so merging is keeping the last one per partition and adding what it differs by to the cells
of each dimension set: in any order of arrival between partitions, and repeated, it gives the same sums.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Literal, NamedTuple

import msgspec

from streams.bundle import FeedPart, PartialAgents, PartialGauge, Share
from streams.cell_book import difference
from streams.contract.cells import MINUTE_MS, OTHER, Cell, Counts, add_counts
from streams.contract.events import LIVE
from streams.dimensions import Dimensions, Place, Values
from streams.merged_present import NEVER, MergedPartition, PresentAt, agents, gauges
from streams.merged_sources import TELL_EVERY_MS, WINDOW_MS, MergedSources, SourcesHead
from streams.values import KnownValues

_SHELF_MS = 10 * MINUTE_MS
_encode = msgspec.msgpack.Encoder().encode


class CellKey(NamedTuple):
    """One base cell: the start of its minute (ms), hotline, dimension set and the set's values."""

    minute: int
    hotline: str
    dimension_set: str
    values: Values


class Tellable(NamedTuple):
    """Which cells may be told: none of minutes before `whole_from` (ms), and before `final_from` only final ones."""

    whole_from: int = 0
    final_from: int = 0


_ALL = Tellable()


class _Merged(msgspec.Struct, array_like=True):
    """One base cell: its counts, and whether it was called final (never taken back).

    `hidden`: its values are beyond the most that are kept apart, so it is told as a part of the cell `(other)`.
    """

    counts: Counts
    final: bool = False
    hidden: bool = False


class _Shelf(msgspec.Struct, array_like=True):
    """Ten minutes as they are packed: cells, and the shares of each partition."""

    cells: list[tuple[int, str, str, Values, _Merged]]
    shares: list[tuple[int, Share]]


_decode = msgspec.msgpack.Decoder(_Shelf).decode


class MergedFeedHead(msgspec.Struct, array_like=True):
    """What is packed of a merged feed beside its cells."""

    feed: str
    generation: int
    range_from: int | None = None
    range_to: int | None = None
    state: Literal["", "running", "ended"] = ""
    partitions: dict[int, MergedPartition] = msgspec.field(default_factory=dict)
    told: SourcesHead = msgspec.field(default_factory=lambda: SourcesHead(judged_to=0))
    values: list[tuple[str, str, dict[str, int]]] = msgspec.field(default_factory=list)


class MergedFeed:
    """The merged state of one generation of a feed. `most_values`: kept apart per hotline and dimension set."""

    def __init__(
        self,
        head: MergedFeedHead,
        dimensions: Dimensions,
        most_values: int,
        parts: Mapping[str, bytes] | None = None,
    ) -> None:
        self.feed = head.feed
        self.generation = head.generation
        self.range_from = head.range_from
        self.range_to = head.range_to
        self.told_sources = MergedSources(head.told)
        self._state = head.state
        self._told_at = 0
        self._partitions = head.partitions
        self._dimensions = dimensions
        self._values = KnownValues(head.values, most_values)
        self._cells: dict[CellKey, _Merged] = {}
        self._changed: dict[CellKey, None] = {}
        self._let_go = 0
        self._not_final: dict[int, list[CellKey]] = {}
        self._by_minute: dict[int, list[CellKey]] = {}
        self._hidden: dict[tuple[int, str, str], list[CellKey]] = {}
        self._packed: dict[int, bytes] = {}
        self._of_sources: dict[int, list[CellKey]] = {}
        self._shares: dict[int, dict[tuple[int, Place], Counts]] = {}
        for packed in (parts or {}).values():
            shelf = _decode(packed)
            for row in shelf.cells:
                self._put(CellKey(*row[:4]), row[4])
            for partition, share in shelf.shares:
                shares = self._shares.setdefault(share.minute, {})
                shares[partition, share.place] = share.counts

    @property
    def clock(self) -> int:
        """The lowest clock of the partitions that go on with this feed; the highest when none does, ms (0: none has it).

        A partition that is at its end holds nobody back: of one that never had an event the clock is 0.
        """
        going_on = [its.clock for its in self._partitions.values() if not its.ended]
        return min(going_on) if going_on else self._highest

    @property
    def running(self) -> bool:
        """Whether it goes on as `live` does: no generation, and not ended."""
        return not self.generation and not self.over

    @property
    def over(self) -> bool:
        """Whether it was told that it has ended."""
        return self._state == "ended"

    @property
    def ahead(self) -> int:
        """By how much the partition that is furthest is ahead of `clock`, ms."""
        return self._highest - self.clock

    @property
    def _highest(self) -> int:
        return max((its.clock for its in self._partitions.values()), default=0)

    def as_of(self, of: int) -> int:
        """How far the feed is, ms: its clock; when it has ended on all `of` partitions, within the range that it covers."""
        if self.range_to is not None and self.ended(of):
            return min(self.clock, self.range_to - 1)
        return self.clock

    def merge(self, partition: int, part: FeedPart) -> None:
        """Take in what a partition tells of this feed.

        A share below the horizon that the partition told before is one that it tells again after a
        restart: it stands in the sums already (perhaps in a cell that was let go) and is passed over.
        """
        known = self._partitions.setdefault(partition, MergedPartition())
        for share in part.shares:
            if share.minute >= known.horizon:
                self._share(partition, share)
        known.tell(part, at_once=self.feed == LIVE)
        if part.sources is not None and self.told_sources.merge(partition, part.sources):
            for keys in self._not_final.values():
                self._changed.update(dict.fromkeys(keys))
        if part.clock is None:
            return
        known.clock = max(known.clock, part.clock)
        known.watermark = max(known.watermark, part.watermark or 0)
        known.ended = known.ended or part.ended
        if part.range_from is not None:
            self.range_from, self.range_to = part.range_from, part.range_to
        if (part.horizon or 0) > known.horizon:
            self._settle(partition, part.horizon or 0)
            known.horizon = part.horizon or 0

    def finalise(self, of: int) -> None:
        """Call cells final that the watermarks of all `of` partitions have passed; one that has ended has passed all."""
        if len(self._partitions) < of:
            return
        watermark = min((its.watermark for its in self._partitions.values() if not its.ended), default=NEVER)
        for minute in [minute for minute in self._not_final if minute + MINUTE_MS <= watermark]:
            for key in self._not_final.pop(minute):
                self._cells[key].final = True
                self._changed[key] = None
                self._packed.pop(minute // _SHELF_MS, None)

    def horizon(self, of: int) -> int:
        """No cell of an earlier minute (ms) will change any more in any of all `of` partitions.

        0 until all have told: one that has told nothing of the feed may have a share in any of its cells.
        """
        return min(its.horizon for its in self._partitions.values()) if len(self._partitions) == of else 0

    def known_to(self, of: int) -> int:
        """Before this instant (ms) the feed is known and will not change; when it has ended, that is all that it covers."""
        if not self.ended(of):
            return self.horizon(of)
        return self.clock if self.range_to is None else self.range_to

    def take_cells(self, version: int, of: int, tellable: Tellable = _ALL) -> list[Cell]:
        """Cells that changed since the last call, as sums carrying `version`; then let go of old ones."""
        shown: dict[CellKey, list[CellKey]] = {}
        for key in self._changed:
            if key.minute < tellable.whole_from or (key.minute < tellable.final_from and not self._cells[key].final):
                continue  # what is called final is a change again
            if self._cells[key].hidden:
                width = len(key.values)
                shown[key._replace(values=(OTHER,) * width)] = self._hidden[key.minute, key.hotline, key.dimension_set]
            else:
                shown[key] = [key]
        cells = [self._cell(key, summed, version) for key, summed in shown.items()]
        self._changed.clear()
        horizon = self.horizon(of)
        if horizon > self._let_go:
            self._let_go = horizon
            for minute in [minute for minute in self._by_minute if minute < horizon]:
                if minute not in self._not_final:
                    self._drop(minute)
        return cells

    def gauges(self, of: int) -> dict[tuple[str, str], PartialGauge]:
        """Gauges per (hotline, queue) and per hotline (queue `""`), summed over partitions (`of` in all)."""
        return gauges(self._presents(of))

    def agents(self, of: int) -> dict[tuple[str, str], PartialAgents]:
        """Agents by state per (hotline, queue), and per hotline (queue `""`) each once."""
        return agents(self._presents(of))

    def recent_records(self, to: int) -> dict[str, tuple[int, int]]:
        """Source -> (records, repeats) of the minutes that began in the window up to `to` (ms), over all hotlines."""
        first = to - WINDOW_MS + MINUTE_MS - 1
        return self._records_in(range(first - first % MINUTE_MS, to + 1, MINUTE_MS))

    def passed_windows(self, to: int, of: int) -> Iterator[tuple[int, dict[str, tuple[int, int]]]]:
        """(end, records in it by source) of the windows of full minutes that the clock, now at `to` (ms), has passed.

        Nothing until all `of` partitions have told: one that has told nothing of the feed may have records in any.
        """
        if len(self._partitions) == of:
            for end in self.told_sources.pass_windows(to, self._of_sources):
                yield end, self._records_in(range(end - WINDOW_MS, end, MINUTE_MS))

    def take_state(self, of: int) -> Literal["running", "ended"] | None:
        """The state of the feed, if it is news: it differs from the last one, or the clock went on by `TELL_EVERY_MS`.

        `ended`: on all `of` partitions; then its cells are let go of.
        """
        state: Literal["running", "ended"] = "ended" if self.ended(of) else "running"
        # The clock goes back when a partition that is further behind tells of the feed for the first time.
        if state == self._state and (state == "ended" or 0 <= self.clock - self._told_at < TELL_EVERY_MS):
            return None
        self._state, self._told_at = state, self.clock
        if state == "ended":
            for index in (
                self._cells,
                self._by_minute,
                self._not_final,
                self._hidden,
                self._packed,
                self._shares,
                self._of_sources,
            ):
                index.clear()
        return state

    def head(self) -> MergedFeedHead:
        """What is packed beside the parts."""
        return MergedFeedHead(
            self.feed,
            self.generation,
            self.range_from,
            self.range_to,
            self._state,
            self._partitions,
            self.told_sources.head,
            self._values.pack(),
        )

    def parts(self) -> Iterator[tuple[str, bytes]]:
        """Cells and shares, packed by ten minutes; a part that did not change is the same object as before."""
        missing: dict[int, _Shelf] = {}
        for minute, keys in self._by_minute.items():
            number = minute // _SHELF_MS
            if number not in self._packed:
                shelf = missing.setdefault(number, _Shelf([], []))
                shelf.cells.extend((*key, self._cells[key]) for key in keys)
                for (partition, place), counts in self._shares.get(minute, {}).items():
                    shelf.shares.append((partition, Share(minute, place, counts)))
        for number, shelf in missing.items():
            self._packed[number] = _encode(shelf)
        return ((f"cells/{number}", packed) for number, packed in self._packed.items())

    def ended(self, of: int) -> bool:
        """Whether the feed is over on all `of` partitions."""
        return len(self._partitions) == of and all(its.ended for its in self._partitions.values())

    def _presents(self, of: int) -> list[PresentAt]:
        """The present of each partition as of `clock`; when the feed has ended on all `of`, the last that each told.

        Partitions of a replay may be hours apart: one that is ahead must not speak of a time that the feed has not
        reached. Of `live` it is the last that each told anyway, as its clocks are never far apart for long.
        """
        clock = NEVER if self.ended(of) else self.clock
        for its in self._partitions.values():
            its.reach(clock)
        return [its.present for its in self._partitions.values()]

    def _records_in(self, minutes: range) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for key in chain.from_iterable(self._of_sources.get(minute, ()) for minute in minutes):
            counts, name = self._cells[key].counts, key.values[0]
            events, repeats = found.get(name, (0, 0))
            found[name] = (events + counts.get("events", 0), repeats + counts.get("repeats", 0))
        return found

    def _share(self, partition: int, share: Share) -> None:
        shares = self._shares.setdefault(share.minute, {})
        known = shares.get((partition, share.place))
        if known == share.counts:
            return
        more = difference(share.counts, known) if known else share.counts
        shares[partition, share.place] = share.counts
        self._packed.pop(share.minute // _SHELF_MS, None)
        for tail in self._dimensions.tails(share.place):
            key = CellKey(share.minute, *tail)
            cell = self._cells.get(key)
            if cell is None:
                admitted = self._values.admit(key.hotline, key.dimension_set, key.values, key.minute)
                cell = _Merged({}, final=False, hidden=not admitted)
                self._put(key, cell)
            add_counts(cell.counts, more)
            self._changed[key] = None
        if (
            share.place.kind == "source"
            and share.counts.get("events")
            and self.told_sources.heard(share.place.told[0], share.minute)
        ):  # every cell of the minute says how complete it is
            self._changed.update(dict.fromkeys(self._by_minute[share.minute]))

    def _put(self, key: CellKey, cell: _Merged) -> None:
        self._cells[key] = cell
        self._by_minute.setdefault(key.minute, []).append(key)
        if not cell.final:
            self._not_final.setdefault(key.minute, []).append(key)
        if cell.hidden:
            self._hidden.setdefault((key.minute, key.hotline, key.dimension_set), []).append(key)
        if key.dimension_set == "source":
            self._of_sources.setdefault(key.minute, []).append(key)

    def _settle(self, partition: int, end: int) -> None:
        """The shares of a partition in minutes before `end` cannot change any more: they stand in the sums."""
        for minute, shares in self._shares.items():
            if minute < end:
                for key in [key for key in shares if key[0] == partition]:
                    del shares[key]
                    self._packed.pop(minute // _SHELF_MS, None)

    def _drop(self, minute: int) -> None:
        self._packed.pop(minute // _SHELF_MS, None)
        self.told_sources.let_go(minute)
        self._shares.pop(minute, None)
        self._of_sources.pop(minute, None)
        for key in self._by_minute.pop(minute):
            if self._cells.pop(key).hidden:
                self._hidden.pop((key.minute, key.hotline, key.dimension_set), None)

    def _cell(self, key: CellKey, summed: list[CellKey], version: int) -> Cell:
        counts = self._cells[summed[0]].counts
        if len(summed) > 1:
            counts = dict(counts)
            for one in summed[1:]:
                add_counts(counts, self._cells[one].counts)
        cell = Cell(
            feed=self.feed,
            generation=self.generation,
            hotline=key.hotline,
            dimension_set=key.dimension_set,
            minute=key.minute,
            final=any(self._cells[one].final for one in summed),
            version=version,
            counts=counts,
        )
        for column, value in zip(self._dimensions.columns[key.dimension_set], key.values, strict=True):
            setattr(cell, column, value)
        if counts:  # else every visit has left for another key
            cell.sources_expected, cell.sources_heard = self.told_sources.completeness(key.hotline, key.minute)
        return cell
