"""The sources of one feed over all partitions: who is heard, who is silent, and who sends everything twice."""

from collections.abc import Iterable, Mapping

import msgspec

from streams.bundle import PartialSource
from streams.cell_book import MINUTE_MS
from streams.contract.cells import SourceStatus

TELL_EVERY_MS = 10_000
WINDOW_MS = 10 * MINUTE_MS
DOUBLED_SHARE = 0.4
DOUBLED_MIN = 20


class SourcesHead(msgspec.Struct, array_like=True):
    """As packed. `told`: partition -> what it told last; `heard`: minute (ms) -> sources heard in it.

    `judged_to`: the windows that end by then (ms) were judged.
    """

    told: dict[int, list[PartialSource]] = msgspec.field(default_factory=dict)
    heard: dict[int, set[str]] = msgspec.field(default_factory=dict)
    statuses: dict[str, SourceStatus] = msgspec.field(default_factory=dict)
    judged_to: int = 0


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
        """A record of the source lies in that minute (ms); whether it is the first."""
        heard = self.head.heard.setdefault(minute, set())
        if source in heard:
            return False
        heard.add(source)
        return True

    def let_go(self, minute: int) -> None:
        """The cells of a minute are let go."""
        self.head.heard.pop(minute, None)

    def pass_windows(self, to: int, minutes: Iterable[int]) -> list[int]:
        """Ends (ms) of the windows of full minutes that are to be judged now, up to `to`: each once, in order.

        `minutes`: in which there are records. Of windows without any there is nothing to say.
        """
        since, self.head.judged_to = self.head.judged_to, max(self.head.judged_to, to)
        if to - to % MINUTE_MS <= since:
            return []
        ends = {end for minute in minutes for end in range(minute + MINUTE_MS, minute + WINDOW_MS + 1, MINUTE_MS)}
        return sorted(end for end in ends if since < end <= to)

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
        every_ms: int = TELL_EVERY_MS,
    ) -> list[SourceStatus]:
        """Statuses that changed, or are due again after `every_ms`, as of `clock` (ms).

        `records`: (records, repeats) of the window.
        """
        changed = []
        for name, it in self._together().items():
            heard_at = max(it.heard_at, it.last_at)
            silent = it.expected and clock - heard_at > silent_after_ms
            events, repeats = records.get(name, (0, 0))
            status = SourceStatus(
                feed=feed,
                source=name,
                hotline=it.hotline,
                expected=it.expected,
                last_at=it.last_at,
                silent_since=heard_at if silent else None,
                clock_offset_ms=it.clock_offset_ms,
                events=events,
                repeats=repeats,
                doubled=events >= DOUBLED_MIN and repeats >= DOUBLED_SHARE * events,
                at=clock,
                version=version,
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
