"""What came and what was expected as it began, kept beside a backtest so that its alarms can be looked at."""

from array import array
from collections.abc import Iterable, Iterator
from math import isnan, nan
from typing import NamedTuple

from streams.contract import Cell
from streams.detection import Detection
from streams.detection.keys import MINUTE, Key
from streams.detection.outlook import Ahead

FINE, COARSE = 5, 30
"""Minutes of a step: of every key, and of the hotline as a whole, for plots of a week."""


class Step(NamedTuple):
    """Calls of the step that begins at `at` (ms), and the range (90 %) of what was expected of it; None: not known."""

    at: int
    calls: int
    expected: Ahead | None


class Steps:
    """Steps of equal length without a gap. `step` in ms; small, as there may be hundreds of keys."""

    def __init__(self, step: int) -> None:
        self.step = step
        self._first = 0
        self._calls = array("l")
        self._expected = array("f")

    def begin(self, at: int, expected: Ahead | None) -> None:
        """The step at `at` begins, and so much is expected of it."""
        self._reach(at)
        index = 3 * self._index(at)
        self._expected[index : index + 3] = array("f", expected or (nan, nan, nan))

    def add(self, at: int, calls: int) -> None:
        """Count calls of a moment in a step; steps that nobody began have no expectation."""
        self._reach(at)
        self._calls[self._index(at)] += calls

    def between(self, start: int, end: int) -> Iterator[Step]:
        """The steps that begin in [start, end)."""
        for index, calls in enumerate(self._calls):
            at = self._first + index * self.step
            if start <= at < end:
                expected = Ahead(*self._expected[3 * index : 3 * index + 3])
                yield Step(at, calls, None if isnan(expected.expected) else expected)

    @property
    def expects(self) -> bool:
        """Whether any of them has an expectation."""
        return any(not isnan(it) for it in self._expected)

    def _index(self, at: int) -> int:
        return (at - self._first) // self.step

    def _reach(self, at: int) -> None:
        if not self._calls:
            self._first = at // self.step * self.step
        for _ in range(len(self._calls), self._index(at) + 1):
            self._calls.append(0)
            self._expected.extend((nan, nan, nan))


class Trace:
    """The steps of each key of one hotline from `since` (ms) on; the whole hotline's in coarse ones too."""

    def __init__(self, hotline: str, since: int, fine: int = FINE) -> None:
        self._whole = Key(hotline, "hotline")
        self._since = since
        self._fine = fine
        self._keys: dict[Key, Steps] = {}
        self.coarse = Steps(max(COARSE, fine) * MINUTE)

    def begin(self, minute: int, detection: Detection) -> None:
        """The minute at `minute` begins: keep what is expected, before any of its calls is known."""
        if minute < self._since:
            return
        if minute % self.coarse.step == 0:
            self.coarse.begin(minute, dict(detection.ahead(minute, self.coarse.step // MINUTE)).get(self._whole))
        if minute % (self._fine * MINUTE) == 0:
            for key, expected in detection.ahead(minute, self._fine):
                self._of(key).begin(minute, expected)

    def count(self, minute: int, cells: Iterable[Cell]) -> None:
        """The calls of a minute."""
        if minute < self._since:
            return
        for cell in cells:
            key = Key(cell.hotline, cell.dimension_set, cell.queue, cell.category)
            if key.judged:
                self.add(key, minute, cell.counts.get("offered", 0))

    def add(self, key: Key, at: int, calls: int) -> None:
        if key == self._whole:
            self.coarse.add(at, calls)
        self._of(key).add(at, calls)

    def row(self, at: int, calls: int, expected: tuple[Ahead | None, Ahead | None]) -> None:
        """A row of a plain series, what was expected of it, and of the coarse step that begins with it."""
        if at < self._since:
            return
        self._of(self._whole).begin(at, expected[0])
        if at % self.coarse.step == 0:
            self.coarse.begin(at, expected[1])
        self.add(self._whole, at, calls)

    @property
    def keys(self) -> int:
        """How many keys were judged one by one."""
        return len(self._keys)

    @property
    def expects(self) -> bool:
        """Whether anything was expected at all: a rule over windows is held against no expectation."""
        return self.whole.expects

    @property
    def whole(self) -> Steps:
        """The hotline's own steps."""
        return self._of(self._whole)

    def of(self, queue: str, category: str) -> Steps:
        """The steps of what an alarm is of; the hotline's where that has no demand of its own."""
        key = self._whole
        if category:
            key = Key(self._whole.hotline, "category_1", category=category)
        elif queue:
            key = Key(self._whole.hotline, "queue", queue)
        return self._keys.get(key) or self.whole

    def _of(self, key: Key) -> Steps:
        found = self._keys.get(key)
        if found is None:
            found = self._keys[key] = Steps(self._fine * MINUTE)
        return found
