"""Errors that nobody foresaw, where something from outside is dealt with: they end what met them, and nothing else."""

import asyncio
from collections.abc import Awaitable
from traceback import extract_tb, format_list
from typing import TypeVar

import structlog

Result = TypeVar("Result")
Fault = Exception | asyncio.CancelledError
"""A cancelling that nobody here has asked for is one too."""
MOST_LINES = 20
"""The innermost; a recursion without end has a thousand."""

log = structlog.get_logger()


async def contained(work: Awaitable[Result]) -> Result | Fault:
    """What came of it, or the error that it ended with. Cancelling reaches the work and passes, as does what ends a process."""
    (came,) = await asyncio.gather(work, return_exceptions=True)
    if isinstance(came, BaseException) and not isinstance(came, Fault):
        raise came
    return came


class Faults:
    """Says each error once per place that it comes from: what comes again is in the metrics."""

    def __init__(self) -> None:
        self._said: set[tuple[str, ...]] = set()

    def say(self, what: str, error: Fault, **facts: object) -> None:
        """Log its kind and where it came from, but not its words, which may hold an address with its token."""
        place = (what, type(error).__name__, *format_list(extract_tb(error.__traceback__, limit=-1)))
        if place not in self._said:
            self._said.add(place)
            log.error(what, **facts, traceback=_traceback(error))


def _traceback(error: Fault) -> str:
    """Without the errors' words; what it was caused by stands first."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)
    lines = []
    for each in reversed(chain):
        lines += [*format_list(extract_tb(each.__traceback__, limit=-MOST_LINES)), f"{type(each).__name__}\n"]
    return "".join(lines).rstrip()
