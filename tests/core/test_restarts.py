"""What a worker told before it was killed, and its successor passes over: told again, or taken back."""

from typing import Any

import msgspec
import pytest

from deploy.runtime.processor import Output, Record
from deploy.runtime.settings import Settings
from streams.bundle import Bundle, FeedPart, Quality, Share
from streams.contract import Cell, CellsRecord, Visit, VisitsRecord
from streams.contract.topics import CALLS, CELLS, PARTIALS, VISITS
from streams.dimensions import Place
from streams.processors import counting_rules, factory

T = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
S, HOUR = 1_000, 3_600_000

_visits = msgspec.json.Decoder(VisitsRecord).decode
_bundle = msgspec.json.Decoder(Bundle).decode
_cells = msgspec.json.Decoder(CellsRecord).decode


class Partition:
    """Partition 0 of the input topic in the hands of one worker after another; the last that was told of everything."""

    def __init__(self) -> None:
        self._build = factory(Settings(demo=True))
        self._log: list[Record] = []
        self._saved: tuple[dict[str, bytes] | None, int] = None, 0
        self._core: Any = self._build(CALLS, 0, None)
        self.shares: dict[tuple[int, Place], dict[str, int]] = {}
        self._dimensions = counting_rules(Settings(demo=True)).dimensions
        self.visits: dict[str, Visit] = {}

    def read(self, *events: dict[str, Any]) -> None:
        """The worker reads these in one chunk; each was appended at its own time unless it says `at`."""
        before = len(self._log)
        self.append(*events)
        self._core.apply(self._log[before:])
        self._take(self._core.outputs())

    def append(self, *events: dict[str, Any]) -> None:
        """These are in the log, and nobody has read them."""
        for event in events:
            append = event.pop("at", event["time"])
            self._log.append(Record(len(self._log), append, None, msgspec.json.encode(event)))

    def tick(self, now: int) -> None:
        self._core.tick(now, caught_up=True)
        self._take(self._core.outputs())

    def checkpoint(self) -> None:
        self._saved = self._core.snapshot(), len(self._log)

    def killed(self) -> None:
        """The next worker resumes at the checkpoint and reads what is there in one chunk, but tells nothing yet."""
        snapshot, read = self._saved
        self._core = self._build(CALLS, 0, snapshot)
        self._core.apply(self._log[read:])

    def _take(self, outputs: list[Output]) -> None:
        for output in outputs:
            if output.topic == PARTIALS:
                for share in (share for part in _bundle(output.value).feeds for share in part.shares):
                    self.shares[share.minute, share.place] = share.counts
            elif output.topic == VISITS:
                row = _visits(output.value)
                if isinstance(row, Visit):
                    self.visits[row.visit] = row

    def told(self, counter: str, dimension_set: str = "hotline", *values: str) -> int:
        found = 0
        for (_, place), counts in self.shares.items():
            if any(tail[1:] == (dimension_set, values) for tail in self._dimensions.tails(place)):
                found += counts.get(counter, 0)
        return found


def ev(second: float, kind: str, call: str = "c1", **fields: Any) -> dict[str, Any]:
    return {"type": kind, "time": T + round(second * S), "call": call, "hotline": "h", "source": "pbx"} | fields


def test_a_visit_that_moved_to_another_category_after_the_checkpoint_is_not_counted_in_both() -> None:
    partition = Partition()
    partition.read(ev(0, "queued", queue="q"))
    assert partition.told("offered", "category_1", "") == 1
    partition.append(ev(9, "ended", category="water"))
    partition.killed()
    partition.tick(T + 10 * S)
    assert partition.told("offered", "category_1", "") == 0
    assert partition.told("offered", "category_1", "water") == 1


def test_a_call_that_was_told_as_ended_in_the_menu_and_then_queued_is_taken_back() -> None:
    partition = Partition()
    partition.read(ev(0, "arrived"), ev(9, "ended"))
    assert partition.visits["c1//1"].outcome == "ended_in_menu"
    partition.append(ev(3, "queued", queue="q", at=T + 10 * S))
    partition.killed()
    partition.tick(T + 11 * S)
    assert partition.visits["c1//1"].retracted
    assert partition.visits["c1/q/1"].outcome == "abandoned"
    assert partition.told("ended_in_menu") == 0


def test_a_threshold_that_passed_for_a_worker_that_was_killed_is_taken_back_when_the_answer_was_in_time() -> None:
    partition = Partition()
    partition.read(ev(50, "queued", queue="q"))
    partition.checkpoint()
    partition.tick(T + 75 * S)
    assert partition.told("event_expired.20") == 1
    partition.killed()
    partition.read(ev(58, "answered", queue="q", at=T + 76 * S))
    assert partition.told("event_expired.20") == 0
    assert partition.told("event_answered.20") == 1


@pytest.mark.parametrize("later", [3, 5, 30])
def test_an_open_call_is_given_up_however_long_the_engine_stood_still(later: int) -> None:
    partition = Partition()
    partition.read(ev(0, "queued", queue="q"))
    partition.checkpoint()
    partition.killed()
    partition.tick(T + later * HOUR)
    assert partition.told("lost_track") == 1
    assert partition.visits["c1/q/1"].outcome == "lost_track"
    assert partition.told("event_expired.20") == 1


def test_a_call_that_was_given_up_when_its_id_comes_again_is_counted_as_lost() -> None:
    partition = Partition()
    partition.read(ev(0, "queued", queue="q"))
    partition.read(ev(5 * 3600, "queued", queue="q"))
    partition.tick(T + 10 * HOUR)
    assert partition.told("lost_track") == partition.told("offered") == 2


def test_whether_a_call_is_remembered_does_not_depend_on_what_is_read_at_once() -> None:
    events = [ev(0, "queued", queue="q"), ev(9, "abandoned"), ev(3 * 3600, "queued", queue="q")]
    at_once, one_by_one = Partition(), Partition()
    at_once.read(*[dict(event) for event in events])
    for event in events:
        one_by_one.read(event)
    for partition in (at_once, one_by_one):
        partition.tick(T + 6 * HOUR)
    assert at_once.shares == one_by_one.shares
    assert at_once.told("offered") == 2


def test_an_event_repeated_exactly_at_the_end_of_the_lateness_is_no_second_call() -> None:
    partition = Partition()
    partition.read(ev(0, "queued", queue="q"))
    partition.read(ev(9, "abandoned", queue="q"))
    partition.read(ev(9, "abandoned", queue="q", at=T + 9 * S + 2 * HOUR))
    partition.tick(T + 5 * HOUR)
    assert partition.told("offered") == partition.told("abandoned") == 1


def test_what_is_open_when_a_replay_ends_lost_track() -> None:
    feed = {"feed": "replay-1", "generation": 1}
    partition = Partition()
    partition.read(
        ev(0, "queued", queue="q") | feed | {"at": T + 99 * HOUR},
        ev(600, "queued", "c2", queue="q") | feed | {"at": T + 99 * HOUR},
        {"type": "feed_end", "time": T + HOUR, "at": T + 99 * HOUR} | feed,
    )
    assert partition.told("lost_track") == partition.told("offered") == 2


def test_a_bundle_whose_last_piece_never_came_does_not_hide_what_the_successor_tells() -> None:
    """The successor's clock may be behind that of the one who died between two pieces."""
    merger = factory(Settings(demo=True))(PARTIALS, 0, None)

    def share(queue: str) -> FeedPart:
        place = Place("agent_in_queue", "h", ("", "", queue))
        return FeedPart(feed="live", shares=[Share(T, place, {"offered": 1})])

    piece = Bundle(0, 6, offset=80, clock=T + 900, feeds=[share("a")])
    again = Bundle(0, 6, offset=80, clock=T + 100, feeds=[share("a"), share("b")], quality=Quality())
    merger.apply([Record(n, T, None, msgspec.json.encode(bundle)) for n, bundle in enumerate((piece, again))])
    cells = [_cells(output.value) for output in merger.outputs() if output.topic == CELLS]
    assert {cell.queue for cell in cells if isinstance(cell, Cell) and cell.queue} == {"a", "b"}


def _offered(*bundles: Bundle) -> int:
    """What a merger that hears these makes of queue `a`; between two of them it is restored from its state."""
    build = factory(Settings(demo=True))
    offered, snapshot = 0, None
    for offset, bundle in enumerate(bundles):
        merger = build(PARTIALS, 0, snapshot)
        merger.apply([Record(offset, T, None, msgspec.json.encode(bundle))])
        for output in merger.outputs():
            cell = _cells(output.value) if output.topic == CELLS else None
            if isinstance(cell, Cell) and cell.queue == "a":
                offered = cell.counts.get("offered", 0)
        snapshot = merger.snapshot()
    return offered


def _bundle_of(epoch: int, offset: int, offered: int) -> Bundle:
    shares = [Share(T, Place("agent_in_queue", "h", ("", "", "a")), {"offered": offered} if offered else {})]
    feeds = [FeedPart(feed="live", shares=shares)]
    return Bundle(0, 6, offset, T + offset, feeds, Quality(), epoch)


def test_what_an_owner_tells_after_its_successor_began_hides_nothing_that_the_successor_takes_back() -> None:
    successor = _bundle_of(2, 102, 5), _bundle_of(2, 107, 4)
    assert _offered(_bundle_of(1, 100, 3), successor[0], _bundle_of(1, 110, 6), successor[1]) == 4


def test_a_successor_that_is_not_as_far_yet_is_passed_over_until_it_is() -> None:
    told = _bundle_of(1, 110, 6)
    assert _offered(told, _bundle_of(2, 105, 5)) == 6
    assert _offered(told, _bundle_of(2, 105, 5), _bundle_of(1, 120, 9), _bundle_of(2, 110, 7)) == 7


def test_a_worker_of_an_older_version_that_names_no_epoch_is_heard() -> None:
    assert _offered(_bundle_of(7, 100, 3), _bundle_of(0, 105, 4), _bundle_of(7, 107, 5)) == 5
    assert _offered(_bundle_of(7, 100, 3), _bundle_of(0, 105, 4)) == 4


def test_a_merger_goes_on_from_a_state_that_names_no_owners_and_an_older_one_from_a_state_that_does() -> None:
    """Upgrade and roll-back: how far a partition had told is what both know."""
    build = factory(Settings(demo=True))
    merger = build(PARTIALS, 0, None)
    merger.apply([Record(0, T, None, msgspec.json.encode(_bundle_of(7, 110, 6)))])
    merger.outputs()
    parts = merger.snapshot()
    head = msgspec.msgpack.decode(parts["head"])
    sources = head[2]
    assert sources[0][:2] == [110, T + 110], "what an older version reads stands first"
    of_older = {partition: source[:3] for partition, source in sources.items()}
    older = parts | {"head": msgspec.msgpack.encode([*head[:2], of_older, *head[3:]])}
    again = build(PARTIALS, 0, older)
    for offset, bundle in enumerate((_bundle_of(0, 109, 5), _bundle_of(0, 111, 8)), start=1):
        again.apply([Record(offset, T, None, msgspec.json.encode(bundle))])
    cells = [_cells(output.value) for output in again.outputs() if output.topic == CELLS]
    assert [cell.counts["offered"] for cell in cells if isinstance(cell, Cell) and cell.queue == "a"] == [8]
