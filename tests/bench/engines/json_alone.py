"""The limit of decoding: the four fields of each value, read from Kafka beforehand."""

import asyncio
import sys
from importlib.metadata import version

import msgspec
from aiokafka import AIOKafkaConsumer
from told import Run


class Event(msgspec.Struct, gc=False):
    type: str
    time: int
    queue: str = ""
    wait_ms: int | None = None


async def read(run: Run) -> list[bytes]:
    values: list[bytes] = []
    async with AIOKafkaConsumer(run.topic, bootstrap_servers=run.bootstrap, auto_offset_reset="earliest") as consumer:
        while len(values) < run.events:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                values += [record.value for record in records]
    return values


def main(run: Run) -> None:
    values = asyncio.run(read(run))
    decode = msgspec.json.Decoder(Event).decode
    run.begin()
    for value in values:
        decode(value)
    run.end(None, f"msgspec {version('msgspec')}")


if __name__ == "__main__":
    main(Run(sys.argv))
