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
from aiokafka.record._crc32c import crc as crc32c

from deploy.runtime.group_positions import positions
from real.scenario import World, world
from streams.app import GROUP
from streams.contract.topics import CALLS

BEFORE_LENGTH = 12
"""Bytes of a batch before what its length counts."""
ATTRIBUTES = 21
"""Where they begin in a batch; the checksum before them is of all from there on."""


async def give_up(bootstrap: str, partition: int, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        await admin.delete_records({TopicPartition(CALLS, partition): RecordsToDelete(before_offset=offset)})
    finally:
        await admin.close()


def said(its: World, pattern: str) -> Callable[[], re.Match[str] | None]:
    """Looks for something in what the workers have logged."""
    logs = its.fleet.directory / "logs"
    return lambda: re.search(pattern, "".join(log.read_text("utf-8") for log in logs.glob("streams-*.log")))


def damage(segment: Path) -> None:
    """The last byte of the last batch is another one: its checksum does not hold."""
    written = bytearray(segment.read_bytes())
    written[-1] ^= 1
    segment.write_bytes(written)


def pack_unheard_of(segment: Path) -> None:
    """The last batch says, under a checksum that holds, that it is compressed by what nobody knows."""
    written = bytearray(segment.read_bytes())
    at, last = 0, 0
    while at < len(written):
        last, at = at, at + BEFORE_LENGTH + int.from_bytes(written[at + 8 : at + 12], "big")
    written[last + ATTRIBUTES + 1] = written[last + ATTRIBUTES + 1] & ~7 | 7
    checksum = crc32c(bytes(written[last + ATTRIBUTES :]))
    written[last + ATTRIBUTES - 4 : last + ATTRIBUTES] = checksum.to_bytes(4, "big")
    segment.write_bytes(written)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_batch_that_nobody_can_read_is_named_and_can_be_given_up(tmp_path: Path) -> None:
    rng = random.Random(1)
    with world(tmp_path) as its:
        fleet = its.fleet
        fleet.want(streams=1, sinks=1)
        its.send(its.told(rng, "before"))
        assert its.settle(Counter()) == []
        for partition, spoil in ((2, damage), (3, pack_unheard_of)):
            fleet.want(streams=0)
            fleet.until(lambda: not fleet.running["streams"])
            its.send([it for it in its.told(rng, spoil.__name__) if it.partition == partition])
            fleet.broker.stop()
            [segment] = (tmp_path / "kafka").rglob(f"{CALLS}-{partition}/*.log")
            spoil(segment)
            fleet.broker.start(120)

            ended = fleet.ended_by_themselves
            fleet.want(streams=1)
            place = f"{CALLS}/{partition}"
            refused = said(its, rf"the batch at offset \d+ of {place} cannot be read .* to offset (\d+)\)")
            fleet.until(lambda refused=refused: refused() is not None)
            fleet.until(lambda ended=ended: fleet.ended_by_themselves > ended)
            found = refused()
            assert found
            asyncio.run(give_up(fleet.broker.bootstrap, partition, int(found[1])))
            gone = said(
                its, rf'input records are gone: they were deleted before they were read.*"partition": {partition}'
            )
            gone_too = said(
                its, rf'"partition": {partition}.*input records are gone: they were deleted before they were read'
            )
            fleet.until(lambda gone=gone, gone_too=gone_too: gone() or gone_too())
            after = [it for it in its.told(rng, "after") if it.partition == partition]
            its.send(after)
            reached = int(found[1]) + len(after)
            read_on = lambda at=(CALLS, partition), to=reached: asyncio.run(positions(its.kafka, GROUP))[at] == to  # noqa: E731
            fleet.until(read_on)
