"""Logs: one line per change of state, to stderr; JSON unless a person is looking."""

import logging
import sys
from typing import Any

import structlog

# Libraries that tell every heartbeat and every rebalance step: only what went wrong is passed on.
_QUIET = ("aiokafka", "faust", "mode", "asyncio", "aiohttp", "kafka", "urllib3", "deploy.runtime.transport")


def configure(process: str) -> None:
    """Send the lines of structlog and of the standard library to stderr, with the process's name on each."""

    def named(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
        """Libraries log from threads of their own, so the name is no context variable."""
        del logger, method
        return {"process": process} | event

    shared: list[Any] = [
        named,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: list[Any]
    if sys.stderr.isatty():
        renderer = [structlog.dev.ConsoleRenderer()]
    else:
        renderer = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=False)]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
