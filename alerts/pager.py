"""Sends what one receiver is due, through the first of its channels that works."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from alerts import metrics
from alerts.channels import Channel, Delivered, Failed, Notice, Outcome, Retry
from alerts.notifications import Via
from alerts.paging import Paging, channel_of

IDLE_S = 0.1

log = structlog.get_logger()


async def page_forever(
    receiver: str, channels: Sequence[Channel], paging: Callable[[], Paging | None], now: Callable[[], int]
) -> None:
    """Serve one receiver, one message at a time. `paging()` is None while this process does not own the pages."""
    while True:
        pages = paging()
        due = pages.due(receiver, now()) if pages else None
        if due is None or pages is None:
            await asyncio.sleep(IDLE_S)
            continue
        message, tries, notices = due
        channel = channels[channel_of(tries, len(channels))]
        outcome = await _send(
            channel, [notices[i : i + channel.batch] for i in range(0, len(notices), channel.batch)], now
        )
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


async def _send(channel: Channel, batches: Sequence[Sequence[Notice]], now: Callable[[], int]) -> Outcome:
    """All batches in turn; the first that is not taken decides."""
    outcome: Outcome = Delivered()
    for batch in batches:
        outcome = await channel.send(batch, now())
        if not isinstance(outcome, Delivered):
            return outcome
    return outcome


def _reason(outcome: Outcome) -> str:
    return outcome.reason if isinstance(outcome, Retry | Failed) else ""
