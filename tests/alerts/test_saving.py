"""The worker's part of never losing a page: it is sent only once the state that holds it is in the state log."""

import asyncio

import msgspec
from alert_kit import event, record
from paging_kit import VIA, duty

from alerts.channels import Delivered
from alerts.controls import Controls
from alerts.telling import Telling
from deploy.runtime.outbox import BulkSender
from deploy.runtime.owned import OwnedPartition
from deploy.runtime.state_records import Stand
from deploy.runtime.state_taking import Taking
from streams.contract import Notification
from streams.contract.topics import ALERTS


class Log:
    """A state log that takes as long as the test wants; `parts` is what stands."""

    def __init__(self):
        self.parts = None
        self.open = asyncio.Event()
        self.open.set()

    async def write(self, _producer, _taking, _stand, parts):
        await self.open.wait()
        self.parts = dict(parts)
        return 1


class Producer:
    """A broker that acknowledges at once; `sent` is what it has."""

    def __init__(self):
        self.sent = []

    async def partitions_for(self, _topic):
        return {0}

    def create_batch(self):
        return _Batch()

    async def send_batch(self, batch, topic, *, partition):
        assert partition == 0
        self.sent += [(topic, value) for value in batch.values]
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class _Batch:
    def __init__(self):
        self.values = []

    def append(self, *, key, value, timestamp):
        del key, timestamp
        self.values.append(value)
        return self


def telling(parts=None):
    controls = Controls()
    controls.ready = True
    return Telling({}, duty("one", group_wait_s=0), controls, parts)


async def test_a_page_waits_for_the_state_log_and_is_written_down_as_told_right_after():
    log, producer, core = Log(), Producer(), telling()
    stand = Stand(offset=-1, clock=0, mark=None, read_to=0, cluster="c", meaning={})
    owned = OwnedPartition(
        ALERTS, 0, core, taking=Taking((ALERTS, 0), 1, "me"), stand=stand, parts={}, sure=lambda: True
    )
    owned.open(BulkSender(producer), log, producer, None)
    fires = event()
    core.apply([record(fires)])
    core.tick(fires.at, caught_up=True)
    paging = core.paging
    assert paging.unsaved
    assert paging.due("one", fires.at) is None
    log.open.clear()
    saving = asyncio.create_task(save(owned, log, producer))
    for _ in range(20):
        await asyncio.sleep(0)
    assert paging.due("one", fires.at) is None  # it is not written yet
    log.open.set()
    await saving
    message, _, notices = paging.due("one", fires.at)
    assert [notice.event.episode for notice in notices] == [fires.episode]

    # Killed now, the next owner has the message and sends it again, under the same name.
    restored = telling(log.parts)
    restored.tick(fires.at, caught_up=True)
    assert restored.paging.due("one", fires.at)[0].id == message.id

    paging.settle(message.id, Delivered(), fires.at, VIA)
    assert paging.unsaved
    await save(owned, log, producer)
    assert not paging.unsaved
    ((topic, value),) = producer.sent
    said = msgspec.json.decode(value, type=Notification)
    assert (topic, said.id, said.outcome, said.receiver) == ("hotline.notifications", message.id, "delivered", "one")

    # Killed after that, nobody is told again.
    restored = telling(log.parts)
    restored.tick(fires.at, caught_up=True)
    assert restored.paging.due("one", fires.at) is None
    owned.close()


async def save(owned, log, producer):
    """What `Worker.save` does."""
    owned.collect()
    await owned.checkpoint(log, producer)
