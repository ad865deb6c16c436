"""The sources of one feed over all partitions: who is heard, who is silent, and who sends everything twice."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from streams.bundle import PartialSource
from streams.contract.cells import MINUTE_MS, SourceStatus

TELL_EVERY_MS = 10_000
WINDOW_MS = 10 * MINUTE_MS
DOUBLED_SHARE = 0.4
DOUBLED_MIN = 20
DOUBLED_AGAIN_MS = 60 * MINUTE_MS
"""While windows of the past are judged, a source that goes on to send everything twice is told of once in this time."""


class SourcesHead(msgspec.Struct, array_like=True):
    """As packed. `told`: partition -> what it told last; `heard`: minute (ms) -> sources heard in it.

    `judged_to`: windows that end by then (ms) were judged (None: the state is of a version that judged none). `doubled`:
    the sources that sent everything twice in the last window judged -> the end (ms) of the window that was told of last.
    """

    told: dict[int, list[PartialSource]] = msgspec.field(default_factory=dict)
    heard: dict[int, set[str]] = msgspec.field(default_factory=dict)
    statuses: dict[str, SourceStatus] = msgspec.field(default_factory=dict)
    judged_to: int | None = None
    doubled: dict[str, int] = msgspec.field(default_factory=dict)


class MergedSources:
    """What all partitions together know of the sources of a feed."""

    def __init__(self, head: SourcesHead) -> None:
        self.head = head
        self._expected: dict[str, frozenset[str]] = {}
        self._summed: dict[str, PartialSource] = {}

    def merge(self, partition: int, told: list[PartialSource]) -> bool:
        """Take in what a partition tells; whether other sources are expected than before."""
        known = self.head.told.get(partition, [])
        self.head.told[partition] = told
        self._expected.clear()
        self._summed.clear()
        return {(it.source, it.hotline) for it in known if it.expected} != {
            (it.source, it.hotline) for it in told if it.expected
        }

    def heard(self, source: str, minute: int) -> bool:
        """Take in that a record of the source lies in a minute (ms); whether it is the first one there."""
        heard = self.head.heard.setdefault(minute, set())
        if source in heard:
            return False
        heard.add(source)
        return True

    def let_go(self, minute: int) -> None:
        """Forget who was heard in a minute (ms) whose cells are let go of."""
        self.head.heard.pop(minute, None)

    def pass_windows(self, to: int, minutes: Collection[int]) -> Sequence[int]:
        """Ends (ms) of the windows of full minutes that the clock, now at `to`, has passed, each given out once.

        `minutes`: those that have records. If most have none, only windows with a record, and the one after, are given
        out: a single record with a wrong year may lie millions of minutes before the others.
        """
        head = self.head
        if head.judged_to is None:
            head.judged_to = to
            head.doubled = {name: status.at for name, status in head.statuses.items() if status.doubled}
        since = head.judged_to or min(minutes, default=to)
        head.judged_to = max(head.judged_to, to)
        ends = range(since - since % MINUTE_MS + MINUTE_MS, to + 1, MINUTE_MS)
        after = range(MINUTE_MS, WINDOW_MS + MINUTE_MS + 1, MINUTE_MS)
        if len(ends) <= len(minutes) * len(after):
            return ends
        return sorted({end for minute in minutes for ms in after if (end := minute + ms) in ends})

    def judge_window(
        self, feed: str, end: int, version: int, records: Mapping[str, tuple[int, int]]
    ) -> list[SourceStatus]:
        """Statuses, as of its last minute, of sources that sent everything twice in the window that ended at `end` (ms), if
        that is new or was told an hour ago, and of those that no longer did.

        Silence is judged by `judge` alone: when a source was heard last is known of the present, not of past windows.
        """
        told = self.head.doubled
        changed = []
        for name in sorted(records.keys() | told):
            it = self._together().get(name)
            events, repeats = records.get(name, (0, 0))
            doubled = _doubled(events, repeats)
            due = end - told.get(name, 0) >= DOUBLED_AGAIN_MS if doubled else name in told
            if it is None or not due:
                continue
            if doubled:
                told[name] = end
            else:
                del told[name]
            known = self.head.statuses.get(name)
            status = _status(
                it,
                feed,
                end - 1,
                version,
                (events, repeats),
                last_at=min(it.last_at, end - 1),
                silent_since=known.silent_since if known and not events else None,
            )
            self.head.statuses[name] = status
            changed.append(status)
        return changed

    def completeness(self, hotline: str, minute: int) -> tuple[int, int]:
        """How many sources are expected for a hotline, and how many of them were heard in the minute (ms)."""
        expected = self._expected.get(hotline)
        if expected is None:
            expected = self._expected[hotline] = frozenset(
                name for name, it in self._together().items() if it.expected and it.hotline in {"", hotline}
            )
        return len(expected), len(expected & self.head.heard.get(minute, set()))

    def judge(
        self,
        feed: str,
        clock: int,
        version: int,
        silent_after_ms: int,
        records: Mapping[str, tuple[int, int]],
        *,
        every_ms: int,
    ) -> list[SourceStatus]:
        """Statuses that changed, or are due again after `every_ms`, as of `clock` (ms).

        `records`: (records, repeats) of the window.
        """
        changed = []
        for name, it in self._together().items():
            heard_at = max(it.heard_at, it.last_at)
            silent = it.expected and clock - heard_at > silent_after_ms
            status = _status(
                it,
                feed,
                clock,
                version,
                records.get(name, (0, 0)),
                last_at=it.last_at,
                silent_since=heard_at if silent else None,
            )
            known = self.head.statuses.get(name)
            if (
                known is None
                or clock - known.at >= every_ms
                or (known.silent_since, known.doubled, known.expected)
                != (status.silent_since, status.doubled, status.expected)
            ):
                self.head.statuses[name] = status
                changed.append(status)
        return changed

    def _together(self) -> dict[str, PartialSource]:
        total = self._summed
        if total:
            return total
        for told in self.head.told.values():
            for it in told:
                known = total.get(it.source)
                if known is None:
                    total[it.source] = msgspec.structs.replace(it)
                    continue
                known.last_at = max(known.last_at, it.last_at)
                known.heard_at = max(known.heard_at, it.heard_at)
                if it.expected:
                    known.expected, known.hotline = True, it.hotline
                offsets = [ms for ms in (known.clock_offset_ms, it.clock_offset_ms) if ms is not None]
                known.clock_offset_ms = min(offsets, default=None)
        return total


def _status(
    it: PartialSource,
    feed: str,
    at: int,
    version: int,
    records: tuple[int, int],
    *,
    last_at: int,
    silent_since: int | None,
) -> SourceStatus:
    events, repeats = records
    return SourceStatus(
        feed=feed,
        source=it.source,
        hotline=it.hotline,
        expected=it.expected,
        last_at=last_at,
        silent_since=silent_since,
        clock_offset_ms=it.clock_offset_ms,
        events=events,
        repeats=repeats,
        doubled=_doubled(events, repeats),
        at=at,
        version=version,
    )


def _doubled(events: int, repeats: int) -> bool:
    return events >= DOUBLED_MIN and repeats >= DOUBLED_SHARE * events
