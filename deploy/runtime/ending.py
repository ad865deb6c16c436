"""The deliberate end of a process: said once, then at once, so that nothing is committed on the way out."""

import os
import sys
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
