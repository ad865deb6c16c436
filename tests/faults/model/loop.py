"""An event loop whose time is the model's: nothing in it sleeps, nothing runs in another thread."""

import asyncio
import logging
import selectors
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from model.broker import Broker


class Loop(asyncio.SelectorEventLoop):
    """Its time is the model's, in seconds; it never sleeps."""

    def __init__(self) -> None:
        super().__init__(selectors.DefaultSelector())
        self.broker: Broker | None = None
        self.set_default_executor(_Inline())
        self.set_exception_handler(lambda *_: None)

    def time(self) -> float:
        return self.broker.now / 1000 if self.broker else 0.0

    async def quiet(self) -> None:
        """Until nothing can go on without the scheduler."""
        while True:
            await asyncio.sleep(0)
            if not self._ready:  # type: ignore[attr-defined]
                return


@contextmanager
def a_loop() -> Iterator[Loop]:
    """A loop for one run; what still goes on in it at the end is ended."""
    loop = Loop()
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        yield loop
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


class _Inline(ThreadPoolExecutor):
    """Runs what it is given at once, in the same thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future
