"""A batch of the log that nobody can read: `streams` says which one and what to do, and goes on once it is given up."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from deploy.runtime.group_positions import positions
from real.scenario import World, world
from streams.app import GROUP
from streams.contract.topics import CALLS

PARTITION = 2


async def give_up(bootstrap: str, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        await admin.delete_records({TopicPartition(CALLS, PARTITION): RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()


def said(its: World, pattern: str) -> Callable[[], re.Match[str] | None]:
    """Looks for something in what the workers have logged."""
    logs = its.fleet.directory / "logs"
    return lambda: re.search(pattern, "".join(log.read_text("utf-8") for log in logs.glob("streams-*.log")))


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_damaged_batch_is_named_and_can_be_given_up(tmp_path: Path) -> None:
    rng = random.Random(1)
    with world(tmp_path) as its:
        fleet = its.fleet
        fleet.want(streams=1, sinks=1)
        its.send(its.told(rng, "before"))
        assert its.settle(Counter()) == []
        fleet.want(streams=0)
        fleet.until(lambda: not fleet.running["streams"])
        its.send([arrival for arrival in its.told(rng, "damaged") if arrival.partition == PARTITION])
        fleet.broker.stop()
        [segment] = (tmp_path / "kafka").rglob(f"{CALLS}-{PARTITION}/*.log")
        with segment.open("r+b") as log:
            log.seek(-1, 2)
            byte = log.read(1)[0]
            log.seek(-1, 2)
            log.write(bytes([byte ^ 1]))
        fleet.broker.start(120)

        fleet.want(streams=1)
        refused = said(its, rf"the batch at offset \d+ of {CALLS}/{PARTITION} cannot be read .* to offset (\d+)\)")
        fleet.until(lambda: refused() is not None)
        fleet.until(lambda: fleet.ended_by_themselves > 0)
        found = refused()
        assert found
        asyncio.run(give_up(fleet.broker.bootstrap, int(found[1])))
        fleet.until(lambda: said(its, r"input records are gone: they were deleted before they were read")() is not None)
        after = [arrival for arrival in its.told(rng, "after") if arrival.partition == PARTITION]
        its.send(after)
        reached = int(found[1]) + len(after)
        fleet.until(lambda: asyncio.run(positions(its.kafka, GROUP))[CALLS, PARTITION] == reached)
