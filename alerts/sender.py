"""Takes what is due from the delivery queue, tells the channel, and tells the queue what came of it."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from alerts import metrics
from alerts.channels import Channel, Delivered, Failed, Notice, Outcome, Retry
from alerts.channels.supervised import SupervisedChannel
from alerts.deliveries import Deliveries
from alerts.notifications import Via

IDLE_S = 0.1

log = structlog.get_logger()


async def send_forever(channel: Channel, queue: Callable[[], Deliveries | None], now: Callable[[], int]) -> None:
    """Serve one channel, one call at a time. `queue()` is None while this process does not own the deliveries.

    Logs when a channel begins to fail and when it works again; each attempt is in the metric.
    """
    channel = SupervisedChannel(channel)
    failing = False
    while True:
        deliveries = queue()
        notices = deliveries.due(channel.target, now(), channel.batch) if deliveries else []
        if not notices or deliveries is None:
            await asyncio.sleep(IDLE_S)
            continue
        for sent, outcome in await _tell(channel, notices, now):
            _count(channel, outcome, len(sent))
            failing = _say(channel, outcome, failing=failing)
            if queue() is deliveries:
                deliveries.settle(Via(channel.kind, channel.target), sent, outcome, now())


async def _tell(
    channel: Channel, notices: Sequence[Notice], now: Callable[[], int]
) -> list[tuple[Sequence[Notice], Outcome]]:
    """One call; where a whole batch is refused for good or is a fault, one call each, so that one bad alert spoils no other."""
    outcome = await channel.send(notices, now())
    match outcome:
        case Failed() | Retry("fault") if len(notices) > 1:
            return [((notice,), await channel.send((notice,), now())) for notice in notices]
    return [(notices, outcome)]


def _count(channel: Channel, outcome: Outcome, alerts: int) -> None:
    match outcome:
        case Delivered():
            metrics.DELIVERIES.labels(channel.kind, "delivered", "").inc(alerts)
        case Retry(reason):
            metrics.DELIVERIES.labels(channel.kind, "retry", reason).inc(alerts)
        case Failed(reason):
            metrics.DELIVERIES.labels(channel.kind, "failed", reason).inc(alerts)


def _say(channel: Channel, outcome: Outcome, *, failing: bool) -> bool:
    match outcome:
        case Delivered():
            if failing:
                log.info("channel works again", channel=channel.target)
            return False
        case Retry("fault"):
            return failing  # said where it came from; the service may be as well as before
        case Retry(reason, _, detail):
            if not failing:
                log.warning(
                    "channel fails, tried again with back-off", channel=channel.target, reason=reason, detail=detail
                )
        case Failed(reason, detail):
            log.error("channel refuses an alert for good", channel=channel.target, reason=reason, detail=detail)
    return True
