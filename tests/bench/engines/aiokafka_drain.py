"""The limit: aiokafka's `getmany` and nothing else."""

import asyncio
import sys
from importlib.metadata import version

import uvloop
from aiokafka import AIOKafkaConsumer
from told import Run


async def main(run: Run) -> None:
    consumer = AIOKafkaConsumer(run.topic, bootstrap_servers=run.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    done = False
    while not done:
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            if not run.seen:
                run.begin()
            done = run.see(len(records))
    run.end(None, f"aiokafka {version('aiokafka')}")
    await consumer.stop()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(Run(sys.argv)))
