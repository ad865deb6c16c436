"""Owners that are killed, lose writes, go on after they were replaced, and a compaction whenever it likes.

Whatever happens, the state that is resumed from is whole, and it is the last one whose manifest was written by the
highest epoch. Each safeguard is then taken away, and the same scenarios must fail.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from state_log_model import Log

from deploy.runtime import state_found, state_log, state_taking
from deploy.runtime.state_found import Found, Resume
from deploy.runtime.state_records import Shard, Stand, State
from deploy.runtime.state_taking import Taking

SCENARIOS = 120
LONG = [bytes([n]) * 9 for n in range(3)]


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_taking, "SHARD_BYTES", 8)


class Scenario:
    """Thirty random steps; `AssertionError` at the first state that is not the expected one."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._log = Log()
        self._owners: list[Taking] = [self._log.take()]
        self._offset = 0
        self._expected: tuple[int, int, dict[str, bytes] | None] = (0, -1, None)

    async def run(self) -> None:
        for _ in range(30):
            await self._step()
            self._check()

    async def _step(self) -> None:
        dice = self._random.random()
        if dice < 0.15:
            self._owners.append(self._log.take())
        elif dice < 0.3:
            act = self._random.choice([self._log.compact, self._log.drop_tombstones])
            act(self._random.randint(0, len(self._log.records)))
        else:
            await self._write(self._owners[-1] if self._random.random() < 0.7 else self._random.choice(self._owners))

    async def _write(self, owner: Taking) -> None:
        self._offset += 1
        parts = {name: self._content() for name in "abc" if self._random.random() < 0.8}
        steps = self._random.choice([None, None, self._random.randint(0, 12)])
        lost = self._random.choice([None, None, self._random.randint(0, 8)])
        before = len(self._log.records)
        try:
            await self._log.write(owner, parts, self._offset, steps=steps, lost=lost)
        except KafkaError:
            self._owners.remove(owner)  # its process ends
            self._owners = self._owners or [self._log.take()]
        if any(key.endswith(b"/manifest") for key, _ in self._log.records[before:]):
            self._expected = max(self._expected, (owner.epoch, self._offset, parts), key=lambda it: it[:2])

    def _content(self) -> bytes:
        return self._random.choice([b"", b"x", b"y", b"z", *LONG])

    def _check(self) -> None:
        state = self._log.state()
        _, offset, parts = self._expected
        if parts is None:
            assert state is None
        else:
            assert state is not None, "a state was there, and would be begun afresh"
            assert (state.stand.offset, state.parts) == (offset, parts)


async def run(scenarios: int) -> None:
    for seed in range(scenarios):
        await Scenario(seed).run()


async def test_whatever_happens_the_state_is_whole_and_the_latest() -> None:
    await run(SCENARIOS)


def _in_place(part: str, number: int, shard: Shard) -> str:
    return f"{number}.0/{part}"


def _no_epoch(self: Taking, place: Any, epoch: int, owner: str, leftover: Any = ()) -> None:
    _begin(self, place, 1, "0", [])


def _no_owner(self: Taking, place: Any, epoch: int, owner: str, leftover: Any = ()) -> None:
    _begin(self, place, epoch, "0", leftover)


def _count_from_complete_only(self: Taking, place: Any, epoch: int, owner: str, leftover: Any = ()) -> None:
    _begin(self, place, 1, owner, leftover)


def _last_written(self: Found) -> Resume:
    manifests = self._manifests()
    if not manifests:
        return Resume(None, sure=True)
    claim = state_found._claim(state_found.manifest_of(manifests[-1]["manifest"]), manifests[-1])
    return Resume(State(self.place, claim.epoch, claim.stand, claim.parts() or {}), sure=True)


def _tombstones_first(self: Taking, stand: Stand, parts: Any) -> Any:
    plan = _plan(self, stand, parts)
    deleted = [(key, value) for key, value in plan.after if value is None]
    return plan._replace(shards=[*((key, memoryview(b"")) for key, _ in deleted), *plan.shards])


async def _whatever_comes(*futures: Any) -> None:
    await _gather(*futures, return_exceptions=True)


_begin, _plan, _gather = Taking.__init__, Taking.plan, asyncio.gather

Break = Callable[[pytest.MonkeyPatch], None]
BREAKS: dict[str, Break] = {
    "a shard is written over the one that the manifest names": lambda patch: (
        patch.setattr(state_taking, "shard_tail", _in_place),
        patch.setattr(state_found, "shard_tail", _in_place),
    )[0],
    "no epoch in the keys": lambda patch: patch.setattr(Taking, "__init__", _no_epoch),
    "two that took the same epoch share keys": lambda patch: patch.setattr(Taking, "__init__", _no_owner),
    "the epoch is not counted on": lambda patch: patch.setattr(Taking, "__init__", _count_from_complete_only),
    "whoever wrote last wins": lambda patch: patch.setattr(Found, "resume", _last_written),
    "what the last manifest names is deleted first": lambda patch: patch.setattr(Taking, "plan", _tombstones_first),
    "a shard that was refused is passed over": lambda patch: patch.setattr(
        state_log.asyncio, "gather", _whatever_comes
    ),
}


@pytest.mark.parametrize("broken", BREAKS)
async def test_without_a_safeguard_the_scenarios_fail(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    BREAKS[broken](monkeypatch)
    with pytest.raises(AssertionError):
        await run(SCENARIOS)
