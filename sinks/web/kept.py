"""Answers that are the same for everybody who asks within a moment: the first one has them made, the others wait for it."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class _Made(NamedTuple):
    until: float
    answer: "asyncio.Future[Any]"


class Kept:
    """By key; a failure is kept as long as an answer, so that nobody asks again and again what cannot be answered."""

    def __init__(self) -> None:
        self._made: dict[Hashable, _Made] = {}

    async def of(self, key: Hashable, seconds: float, make: Callable[[], Awaitable[T]]) -> T:
        """The answer that was made for `key` at most `seconds` ago, else a new one. Raises what `make` raised."""
        now = asyncio.get_running_loop().time()
        found = self._made.get(key)
        if found is None or (found.answer.done() and found.until <= now):
            self._made = {
                other: made for other, made in self._made.items() if made.until > now or not made.answer.done()
            }
            task = asyncio.ensure_future(make())
            task.add_done_callback(_seen)
            found = self._made[key] = _Made(now + seconds, task)
        answer: T = await asyncio.shield(found.answer)
        return answer


def _seen(answer: "asyncio.Future[Any]") -> None:
    """A failure is nobody's surprise, also where whoever asked has gone meanwhile."""
    if not answer.cancelled():
        answer.exception()
