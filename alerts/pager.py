"""Sends what one receiver is due, through the first of its channels that works."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import structlog

from alerts import metrics
from alerts.channels import Channel, Delivered, Failed, Notice, Outcome, Retry
from alerts.channels.supervised import SupervisedChannel
from alerts.notifications import Via
from alerts.paging import TRIES_PER_CHANNEL, Paging, channel_of

IDLE_S = 0.1
REST_MS = 60_000

Piece = tuple[str, str, str, str]
"""(channel, episode, state, severity)"""

log = structlog.get_logger()


async def page_forever(
    receiver: str, channels: Sequence[Channel], paging: Callable[[], Paging | None], now: Callable[[], int]
) -> None:
    """Serve one receiver, one message at a time. `paging()` is None while this process does not own the pages.

    Of a message that a channel takes in several calls only what it has not taken yet is sent again.
    """
    ways = _Ways([SupervisedChannel(channel) for channel in channels])
    taken: dict[str, set[Piece]] = {}
    while True:
        pages = paging()
        due = pages.due(receiver, now()) if pages else None
        if due is None or pages is None:
            await asyncio.sleep(IDLE_S)
            continue
        message, tries, notices = due
        channel = ways.choose(tries, now())
        outcome = await _send(channel, notices, taken.setdefault(message.id, set()), now)
        ways.note(channel, outcome, now())
        if isinstance(outcome, Delivered):
            del taken[message.id]
        metrics.PAGES.labels(channel.kind, message.why, type(outcome).__name__.lower(), _reason(outcome)).inc()
        said = {"receiver": receiver, "channel": channel.target, "message": message.id, "why": message.why}
        if isinstance(outcome, Delivered):
            log.info("paged", alerts=len(notices), **said)
        elif tries == 0 or isinstance(outcome, Failed):
            log.warning(
                "a page was not taken, the next try follows", reason=outcome.reason, detail=outcome.detail, **said
            )
        if paging() is pages:
            pages.settle(message.id, outcome, now(), Via(channel.kind, channel.target))


class _Ways:
    """A receiver's channels. One that hangs or is away twice in a row rests for a minute, and the next stands in for it:
    each message would wait for it anew, and hold up those behind it.
    """

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._channels = channels
        self._missed: Counter[str] = Counter()
        self._rests_until: dict[str, int] = {}

    def choose(self, tries: int, now: int) -> Channel:
        """For a message that was tried so often; when all rest, the one whose turn it is."""
        turn = channel_of(tries, len(self._channels))
        ordered = [*self._channels[turn:], *self._channels[:turn]]
        return next((it for it in ordered if self._rests_until.get(it.target, 0) <= now), ordered[0])

    def note(self, channel: Channel, outcome: Outcome, now: int) -> None:
        """What became of a message at `now` (ms)."""
        match outcome:
            case Retry("fault"):
                pass  # comes at once, and holds up nothing
            case Retry():
                self._missed[channel.target] += 1
                if self._missed[channel.target] >= TRIES_PER_CHANNEL:
                    self._rests_until[channel.target] = now + REST_MS
            case _:
                self._missed[channel.target] = 0


async def _send(channel: Channel, notices: Sequence[Notice], taken: set[Piece], now: Callable[[], int]) -> Outcome:
    """All notices, as many at once as the channel takes; the first call that is not taken decides.

    After a fault halves are tried, down to the alert that the channel stumbles over: all others are told.
    """
    rest = [notice for notice in notices if _piece(channel, notice) not in taken]
    batches = [rest[i : i + channel.batch] for i in range(0, len(rest), channel.batch)]
    came: Outcome = Delivered()
    while batches:
        batch = batches.pop(0)
        outcome = await channel.send(batch, now())
        match outcome:
            case Delivered():
                taken |= {_piece(channel, notice) for notice in batch}
            case Retry("fault") if len(batch) > 1:
                half = len(batch) // 2
                batches[:0] = [batch[:half], batch[half:]]
            case Retry("fault"):
                came = outcome
            case _:
                return outcome
    return came


def _piece(channel: Channel, notice: Notice) -> Piece:
    return channel.target, notice.event.episode, notice.event.state, notice.event.severity


def _reason(outcome: Outcome) -> str:
    return outcome.reason if isinstance(outcome, Retry | Failed) else ""
