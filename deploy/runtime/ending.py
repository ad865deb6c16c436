"""The deliberate end of a process: said once, then at once, so that nothing is committed on the way out."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

import structlog

log = structlog.get_logger()

RESTART = 1


def end_process(event: str, *, error: BaseException | None = None, **facts: Any) -> NoReturn:
    """Log why, then end with exit code 1 without running any clean-up; the supervisor starts the process again.

    A clean stop would let Kafka clients flush and commit; after a failed write that must not happen.
    """
    log.critical(event, exc_info=error, **facts)
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(RESTART)


def leave() -> NoReturn:
    """End with exit code 0 after a clean stop.

    Threads would keep the process: Faust's consumer outlives its app for ever when the broker went away first, and who
    waits for an answer does so as long as its client has patience.
    """
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(0)


def vital(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Run a task that the process cannot do without: if it fails, the process ends."""

    def done(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            end_process(f"{name} failed", error=error)

    task = asyncio.create_task(work, name=name)
    task.add_done_callback(done)
    return task
