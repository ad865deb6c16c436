"""Sends what one receiver is due, through the first of its channels that works."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from alerts import metrics
from alerts.channels import Channel, Delivered, Failed, Notice, Outcome, Retry
from alerts.notifications import Via
from alerts.paging import Paging, channel_of

IDLE_S = 0.1

Piece = tuple[str, str, str, str]
"""(channel, episode, state, severity)"""

log = structlog.get_logger()


async def page_forever(
    receiver: str, channels: Sequence[Channel], paging: Callable[[], Paging | None], now: Callable[[], int]
) -> None:
    """Serve one receiver, one message at a time. `paging()` is None while this process does not own the pages.

    Of a message that a channel takes in several calls only what it has not taken yet is sent again.
    """
    taken: dict[str, set[Piece]] = {}
    while True:
        pages = paging()
        due = pages.due(receiver, now()) if pages else None
        if due is None or pages is None:
            await asyncio.sleep(IDLE_S)
            continue
        message, tries, notices = due
        channel = channels[channel_of(tries, len(channels))]
        outcome = await _send(channel, notices, taken.setdefault(message.id, set()), now)
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


async def _send(channel: Channel, notices: Sequence[Notice], taken: set[Piece], now: Callable[[], int]) -> Outcome:
    """All notices, as many at once as the channel takes; the first call that is not taken decides."""
    rest = [notice for notice in notices if _piece(channel, notice) not in taken]
    for i in range(0, len(rest), channel.batch):
        batch = rest[i : i + channel.batch]
        outcome = await channel.send(batch, now())
        if not isinstance(outcome, Delivered):
            return outcome
        taken |= {_piece(channel, notice) for notice in batch}
    return Delivered()


def _piece(channel: Channel, notice: Notice) -> Piece:
    return channel.target, notice.event.episode, notice.event.state, notice.event.severity


def _reason(outcome: Outcome) -> str:
    return outcome.reason if isinstance(outcome, Retry | Failed) else ""
