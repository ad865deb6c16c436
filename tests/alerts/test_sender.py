"""The sender between a real queue and a channel that answers by a script."""

import asyncio

import structlog.testing
from alert_kit import T, event, record
from prometheus_client import REGISTRY

from alerts.channels import Delivered, Failed, Retry
from alerts.deliveries import Deliveries
from alerts.sender import send_forever


class Scripted:
    """A channel whose outcomes are given; when they are used up, `done` is set."""

    kind, target, resend_s = "scripted", "scripted", None

    def __init__(self, *outcomes, batch=1):
        self.outcomes = list(outcomes)
        self.batch = batch
        self.sent = []
        self.done = asyncio.Event()

    async def send(self, notices, now):
        del now
        self.sent.append([notice.event.episode for notice in notices])
        return self.outcomes.pop(0)

    def asked(self, deliveries):
        if not self.outcomes:
            self.done.set()  # asked before the last outcome is taken in, at once
        return deliveries

    async def close(self):
        raise AssertionError("whoever made the channel closes it")


async def run(channel, *events):
    """Until the script is used up; the clock jumps so that no back-off is waited for."""
    deliveries = Deliveries({"scripted": None})
    deliveries.apply([record(e) for e in events])
    deliveries.tick(T, caught_up=True)
    now = T

    def later():
        nonlocal now
        now += 600_000
        return now

    task = asyncio.create_task(send_forever(channel, lambda: channel.asked(deliveries), later))
    await asyncio.wait_for(channel.done.wait(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return deliveries


def counted(outcome, reason):
    labels = {"channel": "scripted", "outcome": outcome, "reason": reason}
    return REGISTRY.get_sample_value("hotline_alerts_deliveries_total", labels) or 0


async def test_failures_are_tried_again_counted_by_reason_and_said_once():
    before = counted("retry", "timeout"), counted("delivered", "")
    channel = Scripted(Retry("timeout"), Retry("timeout"), Delivered(), Delivered())
    with structlog.testing.capture_logs() as lines:
        deliveries = await run(channel, event(), event(episode="f2-1"))
    assert deliveries.waiting("scripted") == 0
    assert (counted("retry", "timeout") - before[0], counted("delivered", "") - before[1]) == (2, 2)
    assert [line["event"] for line in lines] == [
        "channel fails, tried again with back-off",
        "channel works again",
    ]


async def test_one_bad_alert_does_not_spoil_its_batch():
    refused = Failed("client_error")
    channel = Scripted(refused, Delivered(), refused, Delivered(), batch=10)
    await run(channel, *(event(episode=f"f{n}-1") for n in range(3)))
    assert channel.sent == [["f0-1", "f1-1", "f2-1"], ["f0-1"], ["f1-1"], ["f2-1"]]


async def test_without_the_partition_nothing_is_sent():
    channel = Scripted(Delivered())
    asked = asyncio.Event()

    def nobodys():
        asked.set()

    task = asyncio.create_task(send_forever(channel, nobodys, lambda: T))
    await asyncio.wait_for(asked.wait(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert channel.sent == []


async def test_what_a_lost_queue_is_told_goes_nowhere():
    # the partition moves while the call is under way: the outcome belongs to nobody
    queues = [Deliveries({"scripted": None}) for _ in range(2)]
    for deliveries in queues:
        deliveries.apply([record(event())])
        deliveries.tick(T, caught_up=True)
    channel = Scripted(Delivered(), Delivered())
    owner = iter([queues[0], queues[1], queues[1], queues[1]])
    task = asyncio.create_task(send_forever(channel, lambda: channel.asked(next(owner, None)), lambda: T))
    await asyncio.wait_for(channel.done.wait(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert queues[0].waiting("scripted") == 1
    assert channel.sent == [["f1-1"], ["f1-1"]]
