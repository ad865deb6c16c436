"""What is told at once, what may wait for more because it is old, and what a checkpoint writes of it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import pytest
from aiokafka.errors import ProducerClosed

from deploy.runtime import owned as module
from deploy.runtime.chunks import Chunk
from deploy.runtime.outbox import BulkSender
from deploy.runtime.owned import FAR_BEHIND_MS, TELL_MOST_S, TELL_S, OwnedPartition
from deploy.runtime.processor import Output, Record
from deploy.runtime.state_records import Stand
from deploy.runtime.state_taking import Taking

LONG_AGO_S = 600


class _Sums:
    """Tells how many records it took since it was asked last."""

    clock = 0

    def __init__(self) -> None:
        self.new = 0

    def apply(self, records: Sequence[Record]) -> None:
        self.new += len(records)

    def tick(self, now: int, *, caught_up: bool) -> None:
        pass

    def outputs(self) -> list[Output]:
        new, self.new = self.new, 0
        return [Output("sums", b"k", str(new).encode())] if new else []

    def snapshot(self) -> dict[str, bytes]:
        assert not self.new, "written before it was told"
        return {}


class _Sender(BulkSender):
    def __init__(self) -> None:
        self.sent: list[int] = []

    async def send(self, outputs: Sequence[Output]) -> None:
        self.sent.extend(int(output.value) for output in outputs)


class _Log:
    async def write(self, *_: Any) -> int:
        return 0


class _Shelves(_Sums):
    """Two parts, of which one is handed over when it has changed."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0
        self._handed_over = -1

    def apply(self, records: Sequence[Record]) -> None:
        super().apply(records)
        self.taken += len(records)

    def changes(self) -> dict[str, bytes | None]:
        shelf = None if self.taken == self._handed_over else str(self.taken).encode()
        self._handed_over = self.taken
        return {"head": str(self.taken).encode(), "shelf": shelf}


class _SlowLog:
    """A state log that takes as long as the test wants; `parts` is what stands."""

    def __init__(self) -> None:
        self.parts: dict[str, bytes] = {}
        self.asked = asyncio.Event()
        self.open = asyncio.Event()

    async def write(self, _producer: Any, _taking: Any, _stand: Any, parts: Mapping[str, bytes | None]) -> int:
        self.asked.set()
        await self.open.wait()
        self.parts = {name: self.parts[name] if raw is None else raw for name, raw in parts.items()}
        return 1


class _Clock:
    """Stands for `time`: it passes when the test says so."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def time(self) -> float:
        return self.at

    monotonic = perf_counter = time


def chunk(first: int, appended: float) -> Chunk:
    """Ten records, appended at that time (s)."""
    appended_ms = int(appended * 1000)
    return Chunk(first, [Record(offset, appended_ms, b"k", b"v") for offset in range(first, first + 10)])


async def owned_by(sender: _Sender, core: _Sums | None = None, log: Any = None) -> OwnedPartition:
    stand = Stand(offset=-1, clock=0, cluster="", mark=None)
    taking = Taking(("calls", 0), 1, "me")
    owned = OwnedPartition("calls", 0, core or _Sums(), taking=taking, stand=stand, parts={}, sure=lambda: True)
    owned.open(sender, log or _Log(), None, None)  # type: ignore[arg-type]  # a producer that takes everything
    return owned


async def told(owned: OwnedPartition, sender: _Sender) -> list[int]:
    outbox = owned._outbox
    assert outbox is not None
    await outbox.acknowledged(outbox.count)
    return sender.sent


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


async def test_what_comes_after_a_while_is_told_at_once(clock: _Clock) -> None:
    sender = _Sender()
    owned = await owned_by(sender)
    await owned.apply(chunk(0, clock.at))
    clock.at += TELL_S
    await owned.apply(chunk(10, clock.at))
    assert await told(owned, sender) == [10, 10]


@pytest.mark.parametrize(
    ("behind_s", "every_s"),
    [(0, TELL_S), (3, 1.0), (LONG_AGO_S, TELL_MOST_S)],
)
async def test_what_comes_soon_after_is_told_together(clock: _Clock, behind_s: float, every_s: float) -> None:
    sender = _Sender()
    owned = await owned_by(sender)
    for first in range(0, 50, 10):
        await owned.apply(chunk(first, clock.at - behind_s))
        owned.tick(int(clock.at * 1000))
    assert await told(owned, sender) == [10], "the first of it, then no more"
    clock.at += every_s - 0.1
    owned.tell_if_due()
    assert await told(owned, sender) == [10]
    clock.at += 0.1
    owned.tell_if_due()
    assert await told(owned, sender) == [10, 40]


async def test_the_end_of_a_backlog_is_told_when_nothing_is_left(clock: _Clock) -> None:
    sender = _Sender()
    owned = await owned_by(sender)
    await owned.apply(chunk(0, clock.at - LONG_AGO_S))
    await owned.apply(chunk(10, clock.at - LONG_AGO_S))
    owned.caught_up = True
    clock.at += TELL_S
    owned.tick(int(clock.at * 1000))
    assert await told(owned, sender) == [10, 10]


async def test_a_checkpoint_tells_first_what_waited(clock: _Clock) -> None:
    sender = _Sender()
    owned = await owned_by(sender)
    await owned.apply(chunk(0, clock.at - LONG_AGO_S))
    await owned.apply(chunk(10, clock.at - LONG_AGO_S))
    await owned.checkpoint(_Log(), None)  # type: ignore[arg-type]
    assert (await told(owned, sender), owned.checkpointed) == ([10, 10], 20)


async def test_a_checkpoint_that_nobody_waits_for_any_more_is_written_before_the_next(clock: _Clock) -> None:
    log = _SlowLog()
    log.open.set()
    owned = await owned_by(_Sender(), _Shelves(), log)
    await owned.apply(chunk(0, clock.at))
    await owned.checkpoint(log, None)  # type: ignore[arg-type]
    log.open.clear()
    log.asked.clear()
    await owned.apply(chunk(10, clock.at))
    periodical = asyncio.create_task(owned.checkpoint(log, None))  # type: ignore[arg-type]
    await log.asked.wait()
    owned.collect()  # time passes while it is written
    periodical.cancel()  # the process is told to stop
    last = asyncio.create_task(owned.checkpoint(log, None))  # type: ignore[arg-type]
    await asyncio.wait([periodical])
    log.open.set()
    await last
    assert (log.parts, owned.checkpointed) == ({"head": b"20", "shelf": b"20"}, 20)


async def test_a_state_that_cannot_be_written_any_more_is_no_matter_once_the_partition_is_lost(
    clock: _Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(event: str, **_: Any) -> NoReturn:
        raise AssertionError(event)

    monkeypatch.setattr(module, "end_process", ended)

    class Closed(_SlowLog):
        async def write(self, *args: Any) -> int:
            await super().write(*args)
            raise ProducerClosed

    log = Closed()
    owned = await owned_by(_Sender())
    await owned.apply(chunk(0, clock.at))
    last = asyncio.create_task(owned.checkpoint(log, None))  # type: ignore[arg-type]
    await log.asked.wait()
    owned.close()
    log.open.set()
    await last
    assert owned.checkpointed == 0


@pytest.mark.parametrize(("behind_s", "far"), [(0, False), (FAR_BEHIND_MS / 1000, False), (LONG_AGO_S, True)])
async def test_it_is_far_behind_until_nothing_is_left(clock: _Clock, behind_s: float, far: bool) -> None:
    owned = await owned_by(_Sender())
    assert not owned.far_behind
    await owned.apply(chunk(0, clock.at - behind_s))
    assert owned.far_behind == far
    owned.caught_up = True
    assert not owned.far_behind
