"""Runs a Faust app as a process: signals, health, tasks beside it, a clean stop."""

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NoReturn

import structlog
import uvloop
from aiokafka.errors import KafkaError

from deploy.runtime.ending import end_process, leave, vital
from deploy.runtime.health import Health, serve_health
from deploy.runtime.settings import Settings

STOP_S = 25.0

GC_THRESHOLDS = (200_000, 5, 400)
"""A chunk is thousands of objects without a cycle among them that die together. With Python's own threshold of 700 each
chunk, and the state with it, would be searched many times while it is in use: that costs more than unpacking it."""

log = structlog.get_logger()

Tasks = Mapping[str, Callable[[], Coroutine[Any, Any, None]]]


def run_process(main: Coroutine[Any, Any, None]) -> None:
    """Run the main coroutine of a process to its end, and end the process. Kafka out of reach: exit code 1."""
    gc.freeze()  # what was imported stays, so it need not be searched
    gc.set_threshold(*GC_THRESHOLDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(main)
        except KafkaError as error:
            without_kafka(error)
        leave()  # inside: the runner's own end waits for threads, such as one that a hanging ClickHouse does not answer


def without_kafka(error: KafkaError) -> NoReturn:
    """End the process, because Kafka is out of reach as it begins."""
    end_process("Kafka cannot be reached: check kafka.bootstrap and kafka.security_protocol", reason=str(error))


async def host(app: Any, settings: Settings, *, health_port: int, check: Callable[[], Health], tasks: Tasks) -> None:
    """Run a Faust app until SIGTERM or SIGINT, then stop it cleanly. A crash ends the process (exit code 1)."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = await serve_health(settings.health.host, health_port, check)
    log.info("started", group=app.conf.id, health=[f"{a[0]}:{a[1]}" for a in runner.addresses])
    starting = vital(app.start(), "the consumer")
    crash = vital(_crash(app), "watching for a crash")
    beside = [vital(task(), name) for name, task in tasks.items()]
    await stop.wait()
    log.info("stopping")
    for task in beside:
        task.cancel()
    crash.cancel()
    try:
        async with asyncio.timeout(STOP_S):
            await app.stop()
    except TimeoutError:
        end_process("the consumer did not stop in time")
    starting.cancel()
    await asyncio.gather(starting, crash, *beside, return_exceptions=True)
    await runner.cleanup()
    log.info("stopped")


async def _crash(app: Any) -> None:
    await app._crashed.wait()  # noqa: SLF001  (Faust says it nowhere else)
    end_process("the consumer crashed", error=app._crash_reason)  # noqa: SLF001
